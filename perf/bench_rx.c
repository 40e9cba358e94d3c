/* What a packet costs before feed sees it: its headers with and without checksums, and the whole
 * way from a capture file through DPDK's net_pcap and the rx stage into the link. A packet of the
 * simulated market carries some ten messages in about 400 bytes, so divide by ten for a message:
 * the target is a tenth of the microsecond that one core has for a message of the whole
 * pipeline. */
#include <string.h>
#include <unistd.h>

#include "dataplane/base/err.h"
#include "dataplane/io/pcap.h"
#include "dataplane/nic/frame.h"
#include "dataplane/nic/nic_dpdk.h"
#include "dataplane/nic/rx_stage.h"
#include "perf/bench.h"

#define PAYLOAD 400u
#define FRAMES  4096u
#define DEPTH   1024u

struct parse_run {
    uint8_t frames[FRAMES][512];
    size_t bytes;
    unsigned check;
    uint64_t accepted; /* so that nothing is optimised away */
};

static double parse_all(void *argument) {
    struct parse_run *run = argument;
    uint64_t start = rw_bench_now();
    for (uint32_t i = 0; i < FRAMES; i++) {
        struct rw_udp udp;
        run->accepted +=
            rw_udp_parse(run->frames[i], run->bytes, run->check, &udp) == RW_UDP_accepted;
    }
    return (double)(rw_bench_now() - start) / FRAMES;
}

static size_t build(uint8_t *frame) {
    static uint8_t payload[PAYLOAD];
    struct rw_udp udp = {.source = 0x0A000001,
                         .destination = 0xE9360C6F,
                         .source_port = 1,
                         .destination_port = 26477,
                         .bytes = PAYLOAD,
                         .payload = payload};
    memset(payload, 0x5A, sizeof payload);
    return rw_udp_build(&udp, frame);
}

static void bench_headers(uint32_t rounds) {
    struct parse_run *plain = calloc(1, sizeof *plain), *sums = calloc(1, sizeof *sums);
    if (!plain || !sums) abort();
    for (uint32_t i = 0; i < FRAMES; i++) {
        plain->bytes = build(plain->frames[i]);
        sums->bytes = build(sums->frames[i]);
    }
    sums->check = RW_UDP_CHECK_ALL;
    struct rw_bench_variant variants[] = {{"plain", parse_all, plain}, {"sums", parse_all, sums}};
    rw_bench_rounds(variants, 2, rounds);
    if (sums->accepted != (uint64_t)rounds * FRAMES) abort();
    rw_bench_value("rx_headers_ns", variants[0].median, "ns");
    rw_bench_at_most("rx_headers_and_checksums_ns", variants[1].median, "ns", 150);
    free(plain);
    free(sums);
}

static void write_capture(const char *path, uint32_t frames) {
    struct rw_pcap_writer *writer;
    uint8_t frame[512];
    size_t bytes = build(frame);
    if (rw_pcap_create(path, &writer)) abort();
    for (uint32_t i = 0; i < frames; i++) rw_pcap_write(writer, i, frame, (uint32_t)bytes);
    if (rw_pcap_finish(writer)) abort();
}

/* CPU time of this thread: a file port cannot be run twice, so waiting for the CPU is left out. */
static uint64_t cpu_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

/* Runs the stage as a runner would, and takes each frame out of the link without reading it. */
static uint64_t drain(void *stage, struct rw_ring *ring) {
    uint64_t frames = 0;
    for (bool ended = false; !ended;) {
        uint32_t room = rw_ring_room(ring, 32);
        rw_rx_stage.poll(stage, room < 32 ? room : 32, 1);
        uint32_t ready = rw_ring_ready(ring, 1);
        for (uint32_t i = 0; i < ready; i++) {
            const struct rw_frame *frame = rw_ring_front(ring, i);
            ended |= frame->flags & RW_FRAME_END;
        }
        rw_ring_pop(ring, ready);
        frames += ready;
    }
    return frames - 1;
}

static void bench_file_port(const char *path, uint32_t frames) {
    static struct rw_nic_dpdk_cfg nic_cfg;
    static struct rw_rx_cfg cfg;
    struct rw_plan *plan = calloc(1, sizeof *plan);
    struct rw_arena arena;
    void *stage;
    snprintf(nic_cfg.device[0], sizeof nic_cfg.device[0], "%s", path);
    nic_cfg.device_count = cfg.row_count = 1;
    snprintf(cfg.row[0].device, sizeof cfg.row[0].device, "%s", path);
    if (!plan || rw_nic_dpdk_start(&nic_cfg, &cfg.nic)) {
        rw_err_print("bench_rx");
        exit(1);
    }
    size_t ring_bytes = rw_ring_footprint(DEPTH, RW_FRAME_SLOT_BYTES);
    struct rw_ring *ring = aligned_alloc(64, ring_bytes);
    if (!ring) abort();
    memset(ring, 0, ring_bytes); /* touched, as in the appliance */
    struct rw_stage_env env = {.name = "rx",
                               .out = {rw_ring_new(ring, DEPTH, RW_FRAME_SLOT_BYTES)},
                               .out_count = 1,
                               .stats = rw_stats_create(NULL, "bench", 1),
                               .arena = &arena};
    if (rw_rx_stage.plan(&cfg, "rx", 1, plan) || rw_arena_map(&arena, plan, false) ||
        rw_rx_stage.init(&stage, &cfg, &env))
        abort();
    uint64_t start = cpu_now();
    uint64_t got = drain(stage, ring);
    double ns = (double)(cpu_now() - start) / frames;
    if (got != frames) abort();
    rw_bench_at_most("rx_file_to_link_ns", ns, "ns", 1000);
    rw_rx_stage.fini(stage);
    cfg.nic->ops->close(cfg.nic);
    rw_arena_unmap(&arena);
    rw_stats_close(env.stats);
    free(ring);
    free(plan);
}

int main(int argc, char **argv) {
    bool quick = rw_bench_quick(argc, argv);
    uint32_t frames = quick ? 50000 : 400000;
    char path[] = "/tmp/riskwire_bench_rx_XXXXXX";
    int descriptor = mkstemp(path);
    if (descriptor < 0) abort();
    close(descriptor);
    bench_headers(quick ? 5 : 25);
    write_capture(path, frames);
    bench_file_port(path, frames);
    unlink(path);
    return 0;
}
