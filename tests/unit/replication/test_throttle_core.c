/* When the leader gives way to a slow peer, and when it does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "replication/throttle_core.h"

#define WINDOW RW_THROTTLE_WINDOW_NS
#define FAR    (4 * RW_THROTTLE_LAG)

struct bench {
    struct rw_throttle throttle;
    uint64_t now, last, applied;
};

/* window lets a window pass in which the leader logs and the peer applies so many entries. */
static uint32_t window(struct bench *bench, uint64_t logged, uint64_t applied) {
    bench->last += logged;
    bench->applied += applied;
    bench->now += WINDOW;
    return rw_throttle_step(&bench->throttle, true, bench->last, bench->applied, bench->now);
}

static struct bench bench_new(uint64_t lag) {
    struct bench bench = {.now = 1, .last = lag};
    assert_int_equal(rw_throttle_step(&bench.throttle, true, lag, 0, 1), 0);
    return bench;
}

static void a_peer_that_does_not_gain_halves_the_share_down_to_a_sixteenth(void **state) {
    struct bench bench = bench_new(FAR);
    for (uint32_t i = 1; i < 8; i++)
        assert_int_equal(window(&bench, 1000, 1000),
                         i < RW_THROTTLE_LEVEL_MAX ? i : RW_THROTTLE_LEVEL_MAX);
}

static void a_peer_that_gains_a_quarter_a_second_keeps_the_share(void **state) {
    struct bench bench = bench_new(FAR);
    assert_int_equal(window(&bench, 1000, 1000), 1);
    for (int i = 0; i < 4; i++)
        assert_int_equal(window(&bench, 0, (bench.last - bench.applied) / 16 + 1), 1);
    uint64_t lag = bench.last - bench.applied;
    assert_true(lag < FAR * 78 / 100);                    /* four times 15/16 */
    assert_int_equal(window(&bench, 0, lag / 16 - 1), 2); /* a little less does not do */
}

static void a_clogged_peer_is_not_waited_for(void **state) {
    struct bench bench = bench_new(FAR);
    assert_int_equal(window(&bench, 1000, 0), 0);
    assert_int_equal(window(&bench, 1000, 1), 1);
    assert_int_equal(window(&bench, 1000, 0), 0);
}

static void a_peer_in_step_costs_nothing_and_the_share_comes_back(void **state) {
    struct bench bench = bench_new(RW_THROTTLE_LAG - 1);
    for (int i = 0; i < 5; i++) assert_int_equal(window(&bench, 1000, 1000), 0);
    bench = bench_new(FAR);
    for (int i = 0; i < 3; i++) window(&bench, 1000, 1000);
    bench.applied = bench.last;
    for (uint32_t level = 2; level > 0; level--)
        assert_int_equal(window(&bench, 1000, 1000), level);
    assert_int_equal(window(&bench, 1000, 1000), 0);
}

static void nothing_changes_within_a_window(void **state) {
    struct bench bench = bench_new(FAR);
    assert_int_equal(rw_throttle_step(&bench.throttle, true, 2 * FAR, 1, bench.now + WINDOW - 1),
                     0);
    assert_int_equal(rw_throttle_step(&bench.throttle, true, 2 * FAR, 1, bench.now + WINDOW), 1);
}

static void without_a_peer_or_the_lead_there_is_no_throttle(void **state) {
    struct bench bench = bench_new(FAR);
    assert_int_equal(window(&bench, 1000, 1000), 1);
    assert_int_equal(rw_throttle_step(&bench.throttle, false, FAR, 0, bench.now + 1), 0);
    assert_int_equal(rw_throttle_step(&bench.throttle, true, FAR, 0, bench.now + 2), 0);
    assert_int_equal(rw_throttle_step(&bench.throttle, true, FAR, 0, bench.now + 3),
                     0); /* a new window */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_peer_that_does_not_gain_halves_the_share_down_to_a_sixteenth),
        cmocka_unit_test(a_peer_that_gains_a_quarter_a_second_keeps_the_share),
        cmocka_unit_test(a_clogged_peer_is_not_waited_for),
        cmocka_unit_test(a_peer_in_step_costs_nothing_and_the_share_comes_back),
        cmocka_unit_test(nothing_changes_within_a_window),
        cmocka_unit_test(without_a_peer_or_the_lead_there_is_no_throttle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
