/* What the runner costs: messages through three hops of stages on one core, against the same work
 * by direct calls, and the price of a visit that finds nothing. */
#include "dataplane/stage/runner.h"
#include "perf/bench.h"

#define DEPTH 4096u
#define HOPS  3u

static uint64_t messages = 4000000, sum;

struct hop {
    struct rw_ring *in, *out;
    uint64_t left;
};

/* The work of a stage: one multiplication, so that the hop itself is what is seen. */
static uint64_t work_on(uint64_t value) { return value * 0x9E3779B97F4A7C15ull ^ value >> 7; }

static uint32_t poll_source(void *stage, uint32_t budget, uint64_t now_ns) {
    struct hop *hop = stage;
    uint32_t count = budget < hop->left ? budget : (uint32_t)hop->left;
    rw_ring_room(hop->out, count);
    for (uint32_t i = 0; i < count; i++) *(uint64_t *)rw_ring_slot(hop->out, i) = hop->left - i;
    rw_ring_push(hop->out, count);
    hop->left -= count;
    return count;
}

static uint32_t poll_middle(void *stage, uint32_t budget, uint64_t now_ns) {
    struct hop *hop = stage;
    uint32_t ready = rw_ring_ready(hop->in, budget), count = ready < budget ? ready : budget;
    rw_ring_room(hop->out, count);
    for (uint32_t i = 0; i < count; i++)
        *(uint64_t *)rw_ring_slot(hop->out, i) =
            work_on(*(const uint64_t *)rw_ring_front(hop->in, i));
    rw_ring_push(hop->out, count);
    rw_ring_pop(hop->in, count);
    return count;
}

static uint32_t poll_sink(void *stage, uint32_t budget, uint64_t now_ns) {
    struct hop *hop = stage;
    uint32_t ready = rw_ring_ready(hop->in, budget), count = ready < budget ? ready : budget;
    for (uint32_t i = 0; i < count; i++)
        sum += work_on(*(const uint64_t *)rw_ring_front(hop->in, i));
    rw_ring_pop(hop->in, count);
    hop->left -= count;
    return count;
}

static const struct rw_stage_type types[] = {{.name = "source", .poll = poll_source},
                                             {.name = "middle", .poll = poll_middle},
                                             {.name = "middle", .poll = poll_middle},
                                             {.name = "sink", .poll = poll_sink}};

static struct rw_clock wall;
static struct rw_runner runner;
static struct rw_core_gauges gauges;
static struct rw_stage_counters counters[HOPS + 1];
static struct hop hops[HOPS + 1];

static void make_runner(uint64_t count) {
    static struct rw_ring *rings[HOPS];
    struct rw_runner_cfg cfg = {.name = "bench",
                                .cpu = -1,
                                .idle = RW_IDLE_SPIN,
                                .burst_max = RW_BURST_MAX_DEFAULT,
                                .clock = wall,
                                .gauges = &gauges};
    rw_runner_setup(&runner, &cfg);
    for (uint32_t i = 0; i < HOPS; i++) {
        if (!rings[i]) rings[i] = aligned_alloc(RW_CACHE_LINE, rw_ring_footprint(DEPTH, 64));
        rw_ring_new(rings[i], DEPTH, 64);
    }
    for (uint32_t i = 0; i <= HOPS; i++) {
        struct rw_runner_stage stage = {
            .type = &types[i], .stage = &hops[i], .name = types[i].name, .counters = &counters[i]};
        hops[i] = (struct hop){.left = count};
        if (i < HOPS) {
            hops[i].out = rings[i];
            stage.out[stage.out_count++] = (struct rw_runner_link){.ring = rings[i], .fan_out = 1};
        }
        if (i > 0) {
            hops[i].in = rings[i - 1];
            stage.in[stage.in_count++] = (struct rw_runner_link){.ring = rings[i - 1]};
        }
        rw_runner_add(&runner, &stage);
    }
}

static double run_hops(void *unused) {
    make_runner(messages);
    uint64_t start = rw_bench_now();
    while (hops[HOPS].left) rw_runner_round(&runner);
    return (double)(rw_bench_now() - start) / (double)messages;
}

static double run_calls(void *unused) {
    uint64_t start = rw_bench_now();
    for (uint64_t i = messages; i > 0; i--) {
        uint64_t value = work_on(work_on(work_on(i)));
        __asm__ volatile(""
                         : "+r"(value)); /* one message after the other, as the stages see them */
        sum += value;
    }
    return (double)(rw_bench_now() - start) / (double)messages;
}

static double run_idle(void *unused) {
    uint64_t rounds = messages / 16;
    make_runner(0);
    uint64_t start = rw_bench_now();
    for (uint64_t i = 0; i < rounds; i++) rw_runner_round(&runner);
    return (double)(rw_bench_now() - start) / (double)(rounds * (HOPS + 1));
}

int main(int argc, char **argv) {
    bool quick = rw_bench_quick(argc, argv);
    if (quick) messages /= 4;
    wall = rw_clock_tsc();
    struct rw_bench_variant variants[] = {{"runner_message_3_hops_ns", run_hops, NULL},
                                          {"direct_calls_ns", run_calls, NULL},
                                          {"runner_idle_visit_ns", run_idle, NULL}};
    rw_bench_rounds(variants, 3, quick ? 3 : 7);
    rw_bench_value("direct_calls_ns", variants[1].median, "ns");
    rw_bench_at_most("runner_message_3_hops_ns", variants[0].median, "ns", 64);
    rw_bench_at_most("runner_idle_visit_ns", variants[2].median, "ns", 60);
    return sum == 0;
}
