/* What a packet costs before feed sees it: its headers with and without checksums, and the whole
 * way from a capture file through DPDK's net_pcap and the rx stage into the link, and from a live
 * port (net_ring, which adds next to nothing of its own). A packet of the simulated market carries
 * some ten messages in about 400 bytes, so divide by ten for a message: the target is a tenth of
 * the microsecond that one core has for a message of the whole pipeline. */
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

struct rig {
    struct rw_nic_dpdk_cfg nic_cfg;
    struct rw_rx_cfg cfg;
    struct rw_plan plan;
    struct rw_arena arena;
    struct rw_stage_env env;
    struct rw_watermarks watermarks;
    struct rw_ring *ring;
    void *stage;
};

/* A capture file and a live port of net_ring, which hands back what is sent. */
static struct rig *rig_new(const char *path) {
    struct rig *rig = aligned_alloc(64, sizeof *rig);
    const char *devices[] = {path, "net_ring0"};
    if (!rig) abort();
    memset(rig, 0, sizeof *rig);
    for (uint32_t i = 0; i < 2; i++) {
        snprintf(rig->nic_cfg.device[i], RW_NIC_DEVICE_BYTES, "%s", devices[i]);
        snprintf(rig->cfg.row[i].device, RW_NIC_DEVICE_BYTES, "%s", devices[i]);
    }
    rig->cfg.row[1].group = 0xE9360C6F;
    rig->nic_cfg.device_count = rig->cfg.row_count = 2;
    if (rw_nic_dpdk_start(&rig->nic_cfg, &rig->cfg.nic)) {
        rw_err_print("bench_rx");
        exit(1);
    }
    size_t ring_bytes = rw_ring_footprint(DEPTH, RW_FRAME_SLOT_BYTES);
    rig->ring = aligned_alloc(64, ring_bytes);
    if (!rig->ring) abort();
    memset(rig->ring, 0, ring_bytes); /* touched, as in the appliance */
    rig->env = (struct rw_stage_env){.name = "rx",
                                     .out = {rw_ring_new(rig->ring, DEPTH, RW_FRAME_SLOT_BYTES)},
                                     .out_count = 1,
                                     .watermarks = &rig->watermarks,
                                     .stats = rw_stats_create(NULL, "bench", 1),
                                     .arena = &rig->arena};
    if (rw_rx_stage.plan(&rig->cfg, "rx", 1, &rig->plan) ||
        rw_arena_map(&rig->arena, &rig->plan, false) ||
        rw_rx_stage.init(&rig->stage, &rig->cfg, &rig->env))
        abort();
    return rig;
}

static void rig_free(struct rig *rig) {
    rw_rx_stage.fini(rig->stage);
    rig->cfg.nic->ops->close(rig->cfg.nic);
    rw_arena_unmap(&rig->arena);
    rw_stats_close(rig->env.stats);
    free(rig->ring);
    free(rig);
}

/* Runs the stage as a runner would, and takes each frame out of the link without reading it. */
static void bench_file_port(struct rig *rig, uint32_t frames) {
    uint64_t start = cpu_now(), got = 0;
    for (bool ended = false; !ended;) {
        uint32_t room = rw_ring_room(rig->ring, 32);
        rw_rx_stage.poll(rig->stage, room < 32 ? room : 32, 1);
        uint32_t ready = rw_ring_ready(rig->ring, 1);
        for (uint32_t i = 0; i < ready; i++) {
            const struct rw_frame *frame = rw_ring_front(rig->ring, i);
            ended |= frame->flags & RW_FRAME_END;
        }
        rw_ring_pop(rig->ring, ready);
        got += ready;
    }
    double ns = (double)(cpu_now() - start) / frames;
    if (got != frames + 1) abort(); /* the end is one too */
    rw_bench_at_most("rx_file_to_link_ns", ns, "ns", 1000);
}

/* One burst through the live port, checksums summed: only rx is timed, not the sending. */
static double live_burst(void *argument) {
    struct rig *rig = argument;
    uint8_t bytes[512];
    struct rw_nic_frame frames[RW_NIC_TX_BURST];
    for (uint32_t i = 0; i < RW_NIC_TX_BURST; i++)
        frames[i] = (struct rw_nic_frame){bytes, (uint32_t)build(bytes)};
    uint64_t spent = 0;
    for (uint32_t round = 0; round < 64; round++) {
        for (uint32_t sent = 0; sent < RW_NIC_BURST; sent += RW_NIC_TX_BURST)
            if (rig->cfg.nic->ops->tx_burst(rig->cfg.nic, 1, frames, RW_NIC_TX_BURST) !=
                RW_NIC_TX_BURST)
                abort();
        uint64_t start = rw_bench_now();
        rw_rx_stage.poll(rig->stage, RW_NIC_BURST, 1);
        spent += rw_bench_now() - start;
        if (rw_ring_ready(rig->ring, RW_NIC_BURST) != RW_NIC_BURST) abort();
        rw_ring_pop(rig->ring, RW_NIC_BURST);
    }
    return (double)spent / 64 / RW_NIC_BURST;
}

static double idle_visits(void *argument) {
    struct rig *rig = argument;
    uint64_t start = rw_bench_now();
    for (uint32_t i = 0; i < 10000; i++) rw_rx_stage.poll(rig->stage, 32, 1);
    return (double)(rw_bench_now() - start) / 10000;
}

static void bench_live_port(struct rig *rig, uint32_t rounds) {
    struct rw_bench_variant variants[] = {{"burst", live_burst, rig}, {"idle", idle_visits, rig}};
    rw_rx_stage.poll(rig->stage, 32, 1); /* takes its own join, which the port handed back */
    rw_bench_rounds(variants, 2, rounds);
    rw_bench_at_most("rx_live_to_link_ns", variants[0].least, "ns", 200);
    rw_bench_at_most("rx_live_idle_visit_ns", variants[1].least, "ns", 50);
}

int main(int argc, char **argv) {
    bool quick = rw_bench_quick(argc, argv);
    uint32_t frames = quick ? 50000 : 400000, rounds = quick ? 5 : 25;
    char path[] = "/tmp/riskwire_bench_rx_XXXXXX";
    int descriptor = mkstemp(path);
    if (descriptor < 0) abort();
    close(descriptor);
    bench_headers(rounds);
    write_capture(path, frames);
    struct rig *rig = rig_new(path);
    bench_file_port(rig, frames);
    bench_live_port(rig, rounds);
    rig_free(rig);
    unlink(path);
    return 0;
}
