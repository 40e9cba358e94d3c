/* Limits: where each state begins, and which rows of the image count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "risk/limit_core.h"
#include "tests/unit/risk/image_fixture.h"

static void without_a_release_states_begin_and_end_at_the_bound(void **state) {
    struct rw_limits limits = {.soft = {100, 50, 10}, .hard = {200, 60, 20}};
    assert_int_equal(rw_limits_update(&limits, 99, -49, 0), 0);
    assert_int_equal(rw_limits_update(&limits, 100, -50, -10), 7);
    assert_int_equal(limits.state[0], RW_LIMIT_SOFT);
    assert_int_equal(limits.worst, RW_LIMIT_SOFT);
    assert_int_equal(rw_limits_update(&limits, 199, 59, -19), 0);
    assert_int_equal(rw_limits_update(&limits, 199, 60, -19), 2);
    assert_int_equal(limits.state[1], RW_LIMIT_HARD);
    assert_int_equal(limits.worst, RW_LIMIT_HARD);
    assert_int_equal(rw_limits_update(&limits, 99, 49, 100), 7);
    assert_int_equal(limits.worst, RW_LIMIT_OK);
}

static void a_hard_limit_below_the_soft_one_wins(void **state) {
    struct rw_limits limits = {.soft = {200, INT64_MAX, INT64_MAX},
                               .hard = {100, INT64_MAX, INT64_MAX}};
    assert_int_equal(rw_limits_update(&limits, 150, INT64_MAX - 1, -(INT64_MAX - 1)), 1);
    assert_int_equal(limits.state[0], RW_LIMIT_HARD);
}

static void only_the_owners_rows_count_and_the_tighter_bound_holds(void **state) {
    const struct rw_limit_row rows[] = {
        {RW_SCOPE_PORTFOLIO, RW_MEASURE_GROSS, 0, 1, 500, 600},
        {RW_SCOPE_PORTFOLIO, RW_MEASURE_GROSS, 0, 1, 400, 700},
        {RW_SCOPE_PORTFOLIO, RW_MEASURE_COUNT, 0, 1, 1, 1},
        {RW_SCOPE_PORTFOLIO, RW_MEASURE_LOSS, 0, 1, 0, -5},
        {RW_SCOPE_PORTFOLIO, RW_MEASURE_NET, 0, 2, 3, 4},
        {RW_SCOPE_DESK, RW_MEASURE_NET, 0, 1, 3, 4},
        {RW_SCOPE_FIRM, RW_MEASURE_LOSS, 0, 0, 7, 8},
    };
    struct image_tables tables = {.limits = rows, .limit_count = 7};
    struct rw_image *image = image_make(&tables);
    struct rw_limits limits;
    rw_limits_init(&limits, image, RW_SCOPE_PORTFOLIO, 1, 0, 7);
    assert_int_equal(limits.soft[0], 400);
    assert_int_equal(limits.hard[0], 600);
    assert_int_equal(limits.soft[1], INT64_MAX);
    assert_int_equal(limits.hard[2], INT64_MAX);
    rw_limits_init(&limits, image, RW_SCOPE_FIRM, 0, 0, 7);
    assert_int_equal(limits.soft[2], 7);
    assert_int_equal(limits.soft[1], INT64_MAX);
    free(image);
}

static void a_state_is_left_below_its_bound_by_the_release(void **state) {
    struct rw_limits limits = {.soft = {100, INT64_MAX, INT64_MAX},
                               .hard = {200, INT64_MAX, INT64_MAX},
                               .release = {1000}};
    const struct {
        int64_t value;
        uint8_t state;
    } steps[] = {{99, 0},  {100, 1}, {90, 1},  {99, 1}, {100, 1}, {89, 0}, {99, 0},  {200, 2},
                 {180, 2}, {199, 2}, {179, 1}, {90, 1}, {200, 2}, {89, 0}, {200, 2}, {150, 1}};
    for (uint32_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        uint8_t before = limits.state[0];
        uint32_t changed = rw_limits_update(&limits, steps[i].value, 0, 0);
        assert_int_equal(limits.state[0], steps[i].state);
        assert_int_equal(changed, before != steps[i].state);
    }
}

static void a_flapping_value_reports_a_limit_once(void **state) {
    for (uint16_t release = 0; release <= 100; release += 100) {
        uint32_t reports = 0;
        struct rw_limits limits = {.soft = {1000000, INT64_MAX, INT64_MAX},
                                   .hard = {INT64_MAX, INT64_MAX, INT64_MAX},
                                   .release = {release}};
        for (uint32_t i = 0; i < 1000; i++)
            reports += rw_limits_update(&limits, 999999 + i % 2, 0, 0);
        assert_int_equal(reports, release ? 1 : 999);
    }
}

static void drawdown_is_measured_from_the_highest_so_far(void **state) {
    struct rw_drawdown drawdown = {.peak = INT64_MIN, .soft = 10, .hard = 20};
    assert_false(rw_drawdown_step(&drawdown, -500)); /* where the day begins */
    assert_false(rw_drawdown_step(&drawdown, -509));
    assert_true(rw_drawdown_step(&drawdown, -510));
    assert_true(rw_drawdown_step(&drawdown, 7));
    assert_true(rw_drawdown_step(&drawdown, -13));
    assert_int_equal(drawdown.state, RW_LIMIT_HARD);
    drawdown.peak = INT64_MAX - 5;
    assert_false(rw_drawdown_step(&drawdown, INT64_MIN + 5)); /* does not overflow */
    assert_int_equal(drawdown.state, RW_LIMIT_HARD);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_release_states_begin_and_end_at_the_bound),
        cmocka_unit_test(a_state_is_left_below_its_bound_by_the_release),
        cmocka_unit_test(a_flapping_value_reports_a_limit_once),
        cmocka_unit_test(drawdown_is_measured_from_the_highest_so_far),
        cmocka_unit_test(a_hard_limit_below_the_soft_one_wins),
        cmocka_unit_test(only_the_owners_rows_count_and_the_tighter_bound_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
