/* Two clocks over virtual time: a device's with its own origin, rate and steps, and packets that
 * wait before they are taken. The truth is known, so the error of each arrival can be checked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/base/rng.h"
#include "dataplane/nic/stamp_core.h"

#define MS 1000000ull
#define S  1000000000ull

struct bench {
    struct rw_stamp_gauges gauges;
    struct rw_stamp_core core;
    struct rw_rng rng;
    uint64_t now_ns, origin_ns; /* of the host; where the device's clock read device_ns */
    uint64_t device_ns;
    int64_t device_ppb; /* the device gains this */
    uint64_t waits_ns;  /* packets wait 0..waits_ns, most of them little */
    uint64_t error_ns;  /* the largest of an arrival since last set to 0 */
    uint64_t used, taken;
};

static struct bench *bench_new(uint64_t device_ns, int64_t device_ppb, uint64_t waits_ns) {
    struct bench *bench = calloc(1, sizeof *bench);
    *bench = (struct bench){.now_ns = 5000 * S,
                            .origin_ns = 5000 * S,
                            .device_ns = device_ns,
                            .device_ppb = device_ppb,
                            .waits_ns = waits_ns};
    rw_stamp_init(&bench->core, &bench->gauges);
    rw_rng_seed(&bench->rng, 11);
    return bench;
}

static uint64_t device_clock(const struct bench *bench, uint64_t at_ns) {
    int64_t after_ns = (int64_t)(at_ns - bench->origin_ns);
    return bench->device_ns + (uint64_t)after_ns +
           (uint64_t)((__int128)after_ns * bench->device_ppb / (int64_t)S);
}

/* A packet comes in now and is taken after it has waited. */
static void packet(struct bench *bench) {
    uint64_t came_ns = bench->now_ns, most = bench->waits_ns;
    uint64_t waits_ns =
        most ? rw_rng_below(&bench->rng, rw_rng_chance(&bench->rng, 1, 8) ? most : most / 16 + 1)
             : 0;
    bench->now_ns += waits_ns;
    uint64_t arrival_ns =
        rw_stamp_arrival(&bench->core, device_clock(bench, came_ns), bench->now_ns);
    assert_true(arrival_ns <= bench->now_ns);
    bench->taken++;
    if (!bench->core.used) {
        assert_true(arrival_ns == bench->now_ns);
        return;
    }
    bench->used++;
    uint64_t error_ns = arrival_ns > came_ns ? arrival_ns - came_ns : came_ns - arrival_ns;
    if (error_ns > bench->error_ns) bench->error_ns = error_ns;
}

static void run(struct bench *bench, uint64_t seconds, uint64_t every_ns) {
    uint64_t end_ns = bench->now_ns + seconds * S;
    while (bench->now_ns < end_ns) {
        packet(bench);
        bench->now_ns += every_ns;
    }
}

static uint64_t drift_error(const struct bench *bench) {
    int64_t shown = (int64_t)bench->gauges.stamp_gains_ppb - (int64_t)bench->gauges.stamp_loses_ppb;
    return (uint64_t)llabs(shown - bench->device_ppb);
}

static void the_tsc_serves_until_eight_seconds_have_shown_packets(void **state) {
    struct bench *bench = bench_new(0, 0, 0);
    run(bench, 8, MS);
    assert_int_equal(bench->used, 0);
    run(bench, 1, MS);
    assert_true(bench->used > 990);
    assert_int_equal(bench->gauges.stamp_used, 1);
    assert_int_equal(bench->gauges.stamp_windows, 8);
    free(bench);
}

static void offset_and_drift_are_found_whatever_the_origin(void **state) {
    static const struct {
        uint64_t device_ns;
        int64_t ppb;
    } clocks[] = {{0, 0},
                  {1795215841903670000ull, 37123}, /* Unix time */
                  {5, -88000},
                  {UINT64_MAX - 30 * S, 120000}, /* wraps in the middle */
                  {1ull << 63, -499000}};
    for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        struct bench *bench = bench_new(clocks[i].device_ns, clocks[i].ppb, 50000);
        run(bench, 10, MS / 5);
        bench->error_ns = 0;
        run(bench, 60, MS / 5);
        assert_true(bench->error_ns < 1000);  /* ns */
        assert_true(drift_error(bench) < 10); /* ppb */
        assert_int_equal(bench->gauges.stamp_steps, 0);
        free(bench);
    }
}

static void the_offset_has_a_row_for_each_sign(void **state) {
    struct bench *bench = bench_new(8000 * S, 0, 0); /* the host began at 5,000 s */
    run(bench, 10, MS);
    assert_int_equal(bench->gauges.stamp_ahead_ns, 3000 * S);
    assert_int_equal(bench->gauges.stamp_behind_ns, 0);
    free(bench);
    bench = bench_new(2 * S, 0, 0);
    run(bench, 10, MS);
    assert_int_equal(bench->gauges.stamp_behind_ns, 4998 * S);
    assert_int_equal(bench->gauges.stamp_ahead_ns, 0);
    free(bench);
}

static void a_busy_second_does_not_move_the_line(void **state) {
    struct bench *bench = bench_new(0, 20000, 2000);
    run(bench, 20, MS / 5);
    bench->error_ns = 0;
    for (int i = 0; i < 1000; i++) { /* every packet of a second waits 3 to 5 ms */
        uint64_t came_ns = bench->now_ns;
        bench->now_ns += 3 * MS + rw_rng_below(&bench->rng, 2 * MS);
        uint64_t arrival_ns =
            rw_stamp_arrival(&bench->core, device_clock(bench, came_ns), bench->now_ns);
        assert_true(arrival_ns < came_ns + 2000 && arrival_ns + 2000 > came_ns);
    }
    free(bench);
}

static void a_step_of_the_clock_falls_back_to_the_tsc(void **state) {
    static const int64_t steps[] = {1,         -1,       20 * (int64_t)MS, -20 * (int64_t)MS,
                                    INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        bool small = llabs(steps[i] + 1) < 10; /* within what a drift may do */
        struct bench *bench = bench_new(100 * S, 0, 1000);
        run(bench, 12, MS);
        uint64_t used = bench->used;
        bench->device_ns += (uint64_t)steps[i];
        run(bench, 4, MS);
        if (small) {
            assert_int_equal(bench->gauges.stamp_steps, 0);
        } else {
            assert_true(bench->gauges.stamp_steps >= 1);
            run(bench, 20, MS);
            bench->error_ns = 0;
            run(bench, 5, MS);
            assert_true(bench->error_ns < 1000 && bench->used > used); /* and it is found again */
        }
        free(bench);
    }
}

static void after_half_a_minute_of_silence_it_begins_anew(void **state) {
    struct bench *bench = bench_new(100 * S, 40000, 1000);
    run(bench, 20, MS);
    bench->now_ns += 20 * S;
    bench->error_ns = 0;
    run(bench, 1, MS);
    assert_true(bench->core.used && bench->error_ns < 3000);
    bench->now_ns += 31 * S;
    packet(bench);
    assert_false(bench->core.used);
    assert_int_equal(bench->gauges.stamp_used, 0);
    assert_int_equal(bench->gauges.stamp_steps, 0); /* it was no step */
    run(bench, 10, MS);
    assert_true(bench->core.used);
    free(bench);
}

static void a_clock_of_no_clocks_rate_is_never_used(void **state) {
    struct bench *bench = bench_new(100 * S, 2000000, 1000); /* 2,000 ppm */
    run(bench, 60, MS);
    assert_int_equal(bench->used, 0);
    free(bench);
}

static void any_stamps_give_an_arrival_that_is_not_later_than_now(void **state) {
    struct bench *bench = bench_new(0, 0, 0);
    for (uint32_t i = 0; i < 200000; i++) {
        uint64_t stamp = rw_rng_next(&bench->rng);
        if (rw_rng_chance(&bench->rng, 3, 4)) stamp = bench->now_ns + (stamp >> 40) - (1 << 23);
        bench->now_ns +=
            rw_rng_below(&bench->rng, rw_rng_chance(&bench->rng, 1, 1000) ? 40 * S : 5 * MS);
        assert_true(rw_stamp_arrival(&bench->core, stamp, bench->now_ns) <= bench->now_ns);
    }
    free(bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tsc_serves_until_eight_seconds_have_shown_packets),
        cmocka_unit_test(offset_and_drift_are_found_whatever_the_origin),
        cmocka_unit_test(the_offset_has_a_row_for_each_sign),
        cmocka_unit_test(a_busy_second_does_not_move_the_line),
        cmocka_unit_test(a_step_of_the_clock_falls_back_to_the_tsc),
        cmocka_unit_test(after_half_a_minute_of_silence_it_begins_anew),
        cmocka_unit_test(a_clock_of_no_clocks_rate_is_never_used),
        cmocka_unit_test(any_stamps_give_an_arrival_that_is_not_later_than_now),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
