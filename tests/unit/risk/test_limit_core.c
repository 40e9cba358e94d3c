/* Limits: where each state begins, and which rows of the image count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "risk/limit_core.h"
#include "tests/unit/risk/image_fixture.h"

static void states_begin_at_the_bound_and_have_no_hysteresis(void **state) {
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
        {RW_SCOPE_PORTFOLIO, RW_MEASURE_GROSS, {0}, 1, 500, 600},
        {RW_SCOPE_PORTFOLIO, RW_MEASURE_GROSS, {0}, 1, 400, 700},
        {RW_SCOPE_PORTFOLIO, RW_MEASURE_COUNT, {0}, 1, 1, 1},
        {RW_SCOPE_PORTFOLIO, RW_MEASURE_LOSS, {0}, 1, 0, -5},
        {RW_SCOPE_PORTFOLIO, RW_MEASURE_NET, {0}, 2, 3, 4},
        {RW_SCOPE_DESK, RW_MEASURE_NET, {0}, 1, 3, 4},
        {RW_SCOPE_FIRM, RW_MEASURE_LOSS, {0}, 0, 7, 8},
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_begin_at_the_bound_and_have_no_hysteresis),
        cmocka_unit_test(a_hard_limit_below_the_soft_one_wins),
        cmocka_unit_test(only_the_owners_rows_count_and_the_tighter_bound_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
