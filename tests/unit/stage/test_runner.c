/* The runner with toy stages: budgets, regimes that add up under a virtual clock, and real
 * threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sched.h>

#include "dataplane/base/cpu.h"
#include "dataplane/base/err.h"
#include "dataplane/stage/runner.h"
#include "tests/unit/base/dies.h"
#include "tests/unit/link/tap_fixture.h"

/* A clock that moves by `step` with every reading, so that every visit takes exactly that. */
static uint64_t virtual_now, virtual_step;
static uint64_t read_virtual(const struct rw_clock *clock) { return virtual_now += virtual_step; }

/* A source that emits `fan_out` numbers an input while `left`, and a sink that checks their
 * order. */
struct toy {
    struct rw_ring *in, *out;
    uint64_t next, left, wrong, got, housekeepings, leaves;
    uint32_t fan_out, last_budget;
};

static uint32_t source_poll(void *stage, uint32_t budget, uint64_t now_ns) {
    struct toy *toy = stage;
    uint32_t inputs = budget < toy->left ? budget : (uint32_t)toy->left,
             count = inputs * toy->fan_out;
    toy->last_budget = budget;
    rw_ring_room(toy->out, count);
    for (uint32_t i = 0; i < count; i++) *(uint64_t *)rw_ring_slot(toy->out, i) = toy->next++;
    rw_ring_push(toy->out, count);
    toy->left -= inputs;
    return inputs + count;
}

static uint32_t sink_poll(void *stage, uint32_t budget, uint64_t now_ns) {
    struct toy *toy = stage;
    uint32_t ready = rw_ring_ready(toy->in, budget), count = ready < budget ? ready : budget;
    for (uint32_t i = 0; i < count; i++)
        toy->wrong += *(const uint64_t *)rw_ring_front(toy->in, i) != toy->next++;
    rw_ring_pop(toy->in, count);
    toy->got += count;
    return count;
}

static uint32_t bored_poll(void *stage, uint32_t budget, uint64_t now_ns) { return 0; }
static void count_housekeeping(void *stage, uint64_t now_ns) {
    ((struct toy *)stage)->housekeepings++;
}

static void count_leave(void *stage) { ((struct toy *)stage)->leaves++; }

static const struct rw_stage_type source_type = {.name = "source", .poll = source_poll};
static const struct rw_stage_type sink_type = {
    .name = "sink", .poll = sink_poll, .housekeep = count_housekeeping, .leave = count_leave};
static const struct rw_stage_type bored_type = {.name = "bored", .poll = bored_poll};

static struct rw_runner runner[2];
static struct rw_core_gauges gauges[2];
static struct rw_stage_counters counters[2];
static struct rw_link_gauges link_gauges;
static struct toy toys[2];
static _Alignas(64) uint8_t ring_memory[1 << 16];

static struct rw_runner_cfg make_cfg(int core, int cpu, enum rw_idle_policy idle) {
    memset(&gauges[core], 0, sizeof gauges[core]);
    return (struct rw_runner_cfg){.name = "toy",
                                  .cpu = cpu,
                                  .idle = idle,
                                  .burst_max = 16,
                                  .clock = {.now_ns = read_virtual},
                                  .gauges = &gauges[core]};
}

/* Fills the toys and their runner-side descriptions around one ring. */
static void make_pair(struct rw_runner_stage stages[2], uint32_t depth, uint32_t fan_out,
                      uint64_t inputs) {
    struct rw_ring *ring = rw_ring_new(ring_memory, depth, 8);
    memset(toys, 0, sizeof toys);
    memset(counters, 0, sizeof counters);
    memset(&link_gauges, 0, sizeof link_gauges);
    toys[0] = (struct toy){.out = ring, .left = inputs, .fan_out = fan_out};
    toys[1] = (struct toy){.in = ring};
    stages[0] = (struct rw_runner_stage){.type = &source_type,
                                         .stage = &toys[0],
                                         .name = "source",
                                         .counters = &counters[0],
                                         .out_count = 1};
    stages[0].out[0] = (struct rw_runner_link){.ring = ring, .fan_out = fan_out};
    stages[1] = (struct rw_runner_stage){.type = &sink_type,
                                         .stage = &toys[1],
                                         .name = "sink",
                                         .counters = &counters[1],
                                         .in_count = 1};
    stages[1].in[0] = (struct rw_runner_link){.ring = ring, .gauges = &link_gauges};
    virtual_now = 1000000;
    virtual_step = 10;
}

static void the_budget_is_the_least_room_by_fan_out(void **state) {
    static _Alignas(64) uint8_t other_memory[4096];
    struct rw_runner_stage stages[2];
    make_pair(stages, 64, 4, 0);
    struct rw_ring *other = rw_ring_new(other_memory, 8, 8);
    assert_int_equal(rw_runner_budget(&stages[0], 16), 16);
    assert_int_equal(rw_runner_budget(&stages[0], 17), 16); /* 64 / 4 */
    stages[0].out[stages[0].out_count++] = (struct rw_runner_link){.ring = other, .fan_out = 3};
    assert_int_equal(rw_runner_budget(&stages[0], 16), 2); /* ⌊8 / 3⌋ */
    rw_ring_room(other, 8);
    rw_ring_push(other, 6);
    assert_int_equal(rw_runner_budget(&stages[0], 16), 0);
    stages[0].out[1].elastic = true;
    assert_int_equal(rw_runner_budget(&stages[0], 16), 16);
}

static void a_stage_without_room_is_not_visited(void **state) {
    struct rw_runner_stage stages[2];
    struct rw_runner_cfg cfg = make_cfg(0, -1, RW_IDLE_SPIN);
    make_pair(stages, 32, 2, 1000);
    rw_runner_setup(&runner[0], &cfg);
    rw_runner_add(&runner[0], &stages[0]);
    assert_int_equal(rw_runner_round(&runner[0]), 16 + 32);
    assert_int_equal(rw_runner_round(&runner[0]), 0);
    assert_int_equal(rw_stat_get(&counters[0].visits), 1);
    assert_int_equal(rw_stat_get(&counters[0].backpressured_visits), 1);
    assert_true(rw_stat_get(&gauges[0].backpressured_ns) > 0);
    assert_int_equal(rw_stat_get(&gauges[0].idle_ns), 0);
}

static void every_nanosecond_is_in_exactly_one_regime(void **state) {
    struct rw_runner_stage stages[2];
    struct rw_runner_cfg cfg = make_cfg(0, -1, RW_IDLE_SPIN);
    make_pair(stages, 32, 1, 5000);
    virtual_step = 777;
    rw_runner_setup(&runner[0], &cfg);
    uint64_t start = runner[0].now_ns;
    rw_runner_add(&runner[0], &stages[0]);
    rw_runner_add(&runner[0], &stages[1]);
    for (int round = 0; round < 2000; round++) rw_runner_round(&runner[0]);
    struct rw_core_gauges *g = &gauges[0];
    uint64_t sum = rw_stat_get(&g->busy_ns) + rw_stat_get(&g->idle_ns) +
                   rw_stat_get(&g->backpressured_ns) + rw_stat_get(&g->housekeeping_ns);
    assert_int_equal(sum, runner[0].now_ns - start);
    assert_true(rw_stat_get(&g->busy_ns) > 0 && rw_stat_get(&g->idle_ns) > 0);
    assert_true(toys[1].housekeepings >= 1);
    assert_int_equal(toys[1].got, 5000);
    assert_int_equal(toys[1].wrong, 0);
    assert_int_equal(rw_stat_get(&counters[1].work), 5000);
    assert_int_equal(rw_stat_get(&counters[1].longest_visit_ns), 777);
    assert_int_equal(rw_stat_get(&g->rounds), 2000);
    assert_int_equal(rw_stat_get(&link_gauges.high_water), 16);
}

static void a_round_charges_the_busy_stage_only(void **state) {
    struct rw_runner_stage stages[2];
    struct rw_runner_cfg cfg = make_cfg(0, -1, RW_IDLE_SPIN);
    make_pair(stages, 32, 1, 1);
    cfg.housekeep_ns = UINT32_MAX;
    rw_runner_setup(&runner[0], &cfg);
    runner[0].next_housekeep_ns = UINT64_MAX;
    rw_runner_add(&runner[0], &stages[0]);
    stages[1].type = &bored_type;
    rw_runner_add(&runner[0], &stages[1]);
    rw_runner_round(&runner[0]);
    assert_int_equal(rw_stat_get(&gauges[0].busy_ns), 10);
    assert_int_equal(rw_stat_get(&gauges[0].idle_ns), 10);
    rw_runner_round(&runner[0]); /* two idle visits and a rest */
    assert_int_equal(rw_stat_get(&gauges[0].busy_ns), 10);
    assert_int_equal(rw_stat_get(&gauges[0].idle_ns), 40);
}

static void a_clock_that_goes_back_charges_nothing(void **state) {
    struct rw_runner_stage stages[2];
    struct rw_runner_cfg cfg = make_cfg(0, -1, RW_IDLE_SPIN);
    make_pair(stages, 32, 1, 1);
    rw_runner_setup(&runner[0], &cfg);
    rw_runner_add(&runner[0], &stages[0]);
    virtual_now = 5;
    rw_runner_round(&runner[0]);
    assert_int_equal(rw_stat_get(&gauges[0].busy_ns), 0);
}

static void links_show_what_passed_and_what_waits(void **state) {
    struct rw_runner_stage stages[2];
    struct rw_runner_cfg cfg = make_cfg(0, -1, RW_IDLE_YIELD);
    make_pair(stages, 64, 1, 40);
    cfg.housekeep_ns = 1;
    rw_runner_setup(&runner[0], &cfg);
    stages[0].out[0].gauges = &link_gauges; /* as towards the cold thread */
    rw_runner_add(&runner[0], &stages[0]);
    for (int round = 0; round < 3; round++) rw_runner_round(&runner[0]);
    assert_int_equal(rw_stat_get(&link_gauges.pushed), 40);
    assert_int_equal(rw_stat_get(&link_gauges.popped), 0);
    assert_int_equal(rw_stat_get(&link_gauges.waiting), 40);
    assert_int_equal(rw_stat_get(&link_gauges.high_water), 40);
}

static void what_is_pushed_goes_to_the_tap_while_somebody_asks(void **state) {
    static const char *const names[] = {"source->sink"};
    static struct tap_fixture taps;
    struct rw_runner_stage stages[2];
    struct rw_runner_cfg cfg = make_cfg(0, -1, RW_IDLE_YIELD);
    assert_int_equal(tap_fixture_open(&taps, names, 1, 0), 0);
    make_pair(stages, 64, 2, 60);
    cfg.housekeep_ns = 1; /* after every round */
    rw_runner_setup(&runner[0], &cfg);
    stages[0].out[0].tap = rw_taps_find(&taps.taps, names[0]);
    for (int i = 0; i < 2; i++) rw_runner_add(&runner[0], &stages[i]);
    rw_runner_round(&runner[0]); /* nobody asks: slots 1 to 32 are not copied */
    assert_int_equal(tap_fixture_next(&taps, 0), 0);
    assert_int_equal(rw_tap_reader_passed(taps.reader, 0), 32);
    rw_tap_reader_ask(taps.reader, 0);
    toys[0].left = 0;
    rw_runner_round(&runner[0]); /* its housekeeping sees the reader */
    toys[0].left = 40;
    while (toys[1].got < 32 + 80) rw_runner_round(&runner[0]);
    for (uint64_t slot = 32; slot < 32 + 80; slot++) {
        assert_int_equal(tap_fixture_next(&taps, 0), 1);
        assert_int_equal(taps.record.number, slot + 1);
        assert_int_equal(taps.record.bytes, 8);
        assert_int_equal(*(const uint64_t *)(const void *)taps.bytes, slot);
        assert_int_equal(taps.record.flags,
                         slot % 32 == 0 ? RW_TAP_FIRST : 0); /* a visit's first */
        assert_true(taps.record.time_ns > 1000000);
    }
    assert_int_equal(tap_fixture_next(&taps, 0), 0);
    assert_int_equal(toys[1].wrong, 0);
    tap_fixture_close(&taps);
}

static void run_on_two_threads(enum rw_idle_policy idle) {
    struct rw_runner_stage stages[2];
    make_pair(stages, 32, 3, 60000);
    struct rw_clock clock = rw_clock_tsc();
    for (int i = 0; i < 2; i++) {
        struct rw_runner_cfg cfg = make_cfg(i, -1, idle);
        cfg.clock = clock;
        rw_runner_setup(&runner[i], &cfg);
        rw_runner_add(&runner[i], &stages[i]);
    }
    assert_int_equal(rw_runner_start(&runner[0]), 0);
    assert_int_equal(rw_runner_start(&runner[1]), 0);
    while (rw_stat_get(&counters[1].work) < 180000) sched_yield();
    rw_runner_stop(&runner[0]);
    rw_runner_stop(&runner[1]);
    rw_runner_stop(&runner[1]); /* idempotent */
    assert_int_equal(toys[1].wrong, 0);
    assert_int_equal(toys[1].got, 180000);
    assert_int_equal(toys[1].leaves, 1);
    assert_int_equal(rw_stat_get(&link_gauges.popped), 180000);
}

static void two_threads_pass_everything_in_order_under_each_idle_policy(void **state) {
    run_on_two_threads(RW_IDLE_YIELD);
    run_on_two_threads(RW_IDLE_BACKOFF);
    run_on_two_threads(RW_IDLE_SPIN);
}

static void the_affinity_of_a_started_thread_is_read_back(void **state) {
    static struct rw_cpus cpus;
    assert_int_equal(rw_cpus_read(&cpus, ""), 0);
    rw_cpus_keep_allowed(&cpus);
    for (uint32_t i = 0; i < cpus.count && i < 4; i++) {
        struct rw_runner_stage stages[2];
        struct rw_runner_cfg cfg = make_cfg(0, (int)cpus.cpu[i].id, RW_IDLE_YIELD);
        make_pair(stages, 32, 1, 1);
        cfg.clock = rw_clock_tsc();
        rw_runner_setup(&runner[0], &cfg);
        rw_runner_add(&runner[0], &stages[1]);
        assert_int_equal(rw_runner_start(&runner[0]), 0);
        assert_int_equal(rw_stat_get(&gauges[0].cpu_wanted), cpus.cpu[i].id + 1);
        assert_int_equal(rw_stat_get(&gauges[0].cpu_pinned), cpus.cpu[i].id + 1);
        rw_runner_stop(&runner[0]);
    }
}

static void a_cpu_that_does_not_exist_is_an_error(void **state) {
    struct rw_runner_stage stages[2];
    struct rw_runner_cfg cfg = make_cfg(0, 1023, RW_IDLE_YIELD);
    make_pair(stages, 32, 1, 1);
    rw_runner_setup(&runner[0], &cfg);
    rw_runner_add(&runner[0], &stages[1]);
    assert_int_equal(rw_runner_start(&runner[0]), -EINVAL);
    assert_non_null(strstr(rw_err_text(), "CPU 1023"));
    rw_runner_stop(&runner[0]); /* harmless */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_budget_is_the_least_room_by_fan_out),
        cmocka_unit_test(a_stage_without_room_is_not_visited),
        cmocka_unit_test(every_nanosecond_is_in_exactly_one_regime),
        cmocka_unit_test(a_round_charges_the_busy_stage_only),
        cmocka_unit_test(a_clock_that_goes_back_charges_nothing),
        cmocka_unit_test(links_show_what_passed_and_what_waits),
        cmocka_unit_test(what_is_pushed_goes_to_the_tap_while_somebody_asks),
        cmocka_unit_test(two_threads_pass_everything_in_order_under_each_idle_policy),
        cmocka_unit_test(the_affinity_of_a_started_thread_is_read_back),
        cmocka_unit_test(a_cpu_that_does_not_exist_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
