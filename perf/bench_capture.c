/* What a tap costs the path: a stage that writes a link, and rx over frames in memory; without
 * taps, with taps that nobody reads, and while somebody captures. A frame of 442 bytes holds about
 * ten messages.
 *
 *   capture_off_X_ns = with taps that nobody reads − without      target: ≤ 1 ns a message
 *   capture_on_X_ns  = while somebody captures − without */
#include <string.h>
#include <unistd.h>

#include "dataplane/link/tap_reader.h"
#include "dataplane/nic/frame.h"
#include "dataplane/nic/nic_mem.h"
#include "dataplane/nic/rx_stage.h"
#include "dataplane/stage/runner.h"
#include "perf/bench.h"

#define DEPTH   1024u
#define FRAMES  20000u
#define PAYLOAD 400u

enum wish { NO_TAPS, UNREAD, CAPTURED };

static uint64_t messages = 4000000;
static struct rw_clock wall;
static struct rw_taps taps;
static struct rw_tap_reader *reader;
static char path[64];

static void make_taps(void) {
    static struct rw_taps_cfg cfg = {
        .path = path,
        .site = "a",
        .ring_bytes = 1u << 20,
        .count = 2,
        .row = {{"source->sink", "", RW_TAP_SLOTS, 64}, {"rx port0", "", RW_TAP_FRAMES, 0}}};
    snprintf(path, sizeof path, "/tmp/riskwire-bench-taps-%d", (int)getpid());
    if (rw_taps_create(&taps, &cfg) || rw_tap_reader_open(path, &reader)) abort();
}

/* Makes the tap as wished, and returns what the path is given. */
static struct rw_tap *tap_as(enum wish wish, uint32_t index) {
    struct rw_tap *tap = &taps.tap[index];
    if (wish == NO_TAPS) return NULL;
    tap->until_ns = 0;
    if (wish == CAPTURED) rw_tap_reader_ask(reader, index);
    rw_tap_look(tap, 0, rw_clock_now(&wall));
    return tap;
}

/* ---- a link */

struct end {
    struct rw_ring *ring;
    uint64_t left;
};

static uint32_t poll_source(void *stage, uint32_t budget, uint64_t now_ns) {
    struct end *end = stage;
    uint32_t count = budget < end->left ? budget : (uint32_t)end->left;
    rw_ring_room(end->ring, count);
    for (uint32_t i = 0; i < count; i++) *(uint64_t *)rw_ring_slot(end->ring, i) = end->left - i;
    rw_ring_push(end->ring, count);
    end->left -= count;
    return count;
}

static uint32_t poll_sink(void *stage, uint32_t budget, uint64_t now_ns) {
    struct end *end = stage;
    uint32_t ready = rw_ring_ready(end->ring, budget), count = ready < budget ? ready : budget;
    rw_ring_pop(end->ring, count);
    end->left -= count;
    return count;
}

static double run_link(void *argument) {
    static const struct rw_stage_type source = {.name = "source", .poll = poll_source},
                                      sink = {.name = "sink", .poll = poll_sink};
    static struct rw_core_gauges gauges;
    static struct rw_stage_counters counters[2];
    static struct rw_runner runner;
    static struct rw_ring *ring;
    struct rw_runner_cfg cfg = {.name = "bench",
                                .cpu = -1,
                                .idle = RW_IDLE_SPIN,
                                .burst_max = RW_BURST_MAX_DEFAULT,
                                .clock = wall,
                                .gauges = &gauges};
    if (!ring) ring = aligned_alloc(RW_CACHE_LINE, rw_ring_footprint(DEPTH, 64));
    rw_ring_new(ring, DEPTH, 64);
    struct end ends[2] = {{ring, messages}, {ring, messages}};
    struct rw_runner_stage stages[2] = {
        {.type = &source, .stage = &ends[0], .counters = &counters[0], .out_count = 1},
        {.type = &sink, .stage = &ends[1], .counters = &counters[1], .in_count = 1}};
    stages[0].out[0] = (struct rw_runner_link){
        .ring = ring, .fan_out = 1, .tap = tap_as(*(const enum wish *)argument, 0)};
    stages[0].tapped = rw_tap_on(stages[0].out[0].tap);
    stages[1].in[0] = (struct rw_runner_link){.ring = ring};
    rw_runner_setup(&runner, &cfg);
    for (int i = 0; i < 2; i++) rw_runner_add(&runner, &stages[i]);
    uint64_t start = rw_bench_now();
    while (ends[1].left) {
        rw_runner_round(&runner);
        if (rw_tap_on(stages[0].out[0].tap)) rw_tap_reader_ask(reader, 0); /* as a reader would */
    }
    return (double)(rw_bench_now() - start) / (double)messages;
}

/* ---- rx */

static struct rw_nic *make_port(void) {
    static uint8_t payload[PAYLOAD], frame[512];
    struct rw_nic_mem_cfg cfg = {.port_count = 1, .port = {{"lines", true, FRAMES}}};
    struct rw_udp udp = {.destination = 0xE9360C6F, .bytes = PAYLOAD, .payload = payload};
    struct rw_nic *nic = rw_nic_mem_new(&cfg);
    if (!nic) abort();
    uint32_t bytes = (uint32_t)rw_udp_build(&udp, frame);
    for (uint32_t i = 0; i < FRAMES; i++) rw_nic_mem_feed(nic, 0, i, frame, bytes, 0);
    return nic;
}

static double run_rx(void *argument) {
    enum wish wish = *(const enum wish *)argument;
    static struct rw_plan plan;
    struct rw_rx_cfg cfg = {.nic = make_port(), .row_count = 1, .row = {{.device = "lines"}}};
    struct rw_arena arena;
    void *stage;
    static struct rw_ring *ring;
    if (!ring) ring = aligned_alloc(RW_CACHE_LINE, rw_ring_footprint(DEPTH, RW_FRAME_SLOT_BYTES));
    struct rw_stage_env env = {.name = "rx",
                               .out = {rw_ring_new(ring, DEPTH, RW_FRAME_SLOT_BYTES)},
                               .out_count = 1,
                               .stats = rw_stats_create(NULL, "bench", 1),
                               .taps = wish == NO_TAPS ? NULL : &taps,
                               .clock = &wall,
                               .arena = &arena};
    tap_as(wish, 1);
    memset(&plan, 0, sizeof plan);
    if (rw_rx_stage.plan(&cfg, "rx", 1, &plan) || rw_arena_map(&arena, &plan, false) ||
        rw_rx_stage.init(&stage, &cfg, &env))
        abort();
    uint64_t start = rw_bench_now(), frames = 0;
    while (frames <= FRAMES) { /* and the frame that tells the end */
        rw_rx_stage.poll(stage, 32, 1);
        uint32_t ready = rw_ring_ready(ring, 1);
        rw_ring_pop(ring, ready);
        frames += ready;
    }
    double ns = (double)(rw_bench_now() - start) / FRAMES;
    rw_rx_stage.fini(stage);
    cfg.nic->ops->close(cfg.nic);
    rw_arena_unmap(&arena);
    rw_stats_close(env.stats);
    return ns;
}

int main(int argc, char **argv) {
    static enum wish wishes[] = {NO_TAPS, UNREAD, CAPTURED};
    bool quick = rw_bench_quick(argc, argv);
    uint32_t rounds = quick ? 5 : 25;
    if (quick) messages = 1000000;
    wall = rw_clock_tsc();
    make_taps();
    struct rw_bench_variant links[] = {{"none", run_link, &wishes[0]},
                                       {"unread", run_link, &wishes[1]},
                                       {"captured", run_link, &wishes[2]}};
    struct rw_bench_variant ports[] = {{"none", run_rx, &wishes[0]},
                                       {"unread", run_rx, &wishes[1]},
                                       {"captured", run_rx, &wishes[2]}};
    rw_bench_rounds(links, 3, rounds);
    rw_bench_rounds(ports, 3, rounds);
    rw_bench_value("capture_link_slot_ns", links[0].least, "ns/slot");
    rw_bench_at_most("capture_off_link_ns", links[1].least - links[0].least, "ns/slot", 1);
    rw_bench_value("capture_on_link_ns", links[2].least - links[0].least, "ns/slot");
    rw_bench_value("capture_rx_frame_ns", ports[0].least, "ns/frame");
    rw_bench_at_most("capture_off_rx_ns", (ports[1].least - ports[0].least) / 10, "ns/message", 1);
    rw_bench_value("capture_on_rx_ns", ports[2].least - ports[0].least, "ns/frame");
    rw_tap_reader_close(reader);
    rw_taps_close(&taps, path);
    return 0;
}
