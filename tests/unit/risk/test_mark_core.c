/* The mark policy and the quality bits that prices give. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "risk/mark_core.h"

static void marks_and_quality_follow_the_policy(void **state) {
    static const struct {
        int32_t bid, ask, last, start, mark;
        uint16_t quality;
    } cases[] = {
        {1000000, 1000100, 990000, 5, 1000050, 0},            /* mid */
        {1000000, 1000001, 0, 5, 1000000, 0},                 /* .5 to even: down */
        {1000001, 1000002, 0, 5, 1000002, 0},                 /* .5 to even: up */
        {1000001, 1000001, 0, 5, 1000001, RW_QUALITY_LOCKED}, /* mid of a locked book */
        {1000002, 1000001, 7, 5, 7, RW_QUALITY_CROSSED},      /* crossed: last */
        {1000002, 1000001, 0, 5, 5, RW_QUALITY_CROSSED | RW_QUALITY_NO_MARK},
        {0, 1000001, 7, 5, 7, RW_QUALITY_ONE_SIDED},
        {1000001, 0, 7, 5, 7, RW_QUALITY_ONE_SIDED},
        {1000001, 0, 0, 5, 5, RW_QUALITY_ONE_SIDED | RW_QUALITY_NO_MARK},
        {0, 0, 0, 0, 0, RW_QUALITY_ONE_SIDED | RW_QUALITY_NO_MARK},
        {INT32_MAX, INT32_MAX, 0, 5, INT32_MAX, RW_QUALITY_LOCKED},
        {INT32_MAX - 1, INT32_MAX, 0, 5, INT32_MAX - 1, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rw_tick_body tick = {
            .bid_price = cases[i].bid, .ask_price = cases[i].ask, .last_price = cases[i].last};
        assert_int_equal(rw_mark_price(&tick, cases[i].start), cases[i].mark);
        assert_int_equal(rw_mark_quality(&tick), cases[i].quality);
        assert_true(rw_mark_prices_fit(&tick));
    }
}

static void a_negative_price_does_not_fit(void **state) {
    assert_false(rw_mark_prices_fit(&(struct rw_tick_body){.bid_price = -1}));
    assert_false(rw_mark_prices_fit(&(struct rw_tick_body){.ask_price = INT32_MIN}));
    assert_false(rw_mark_prices_fit(&(struct rw_tick_body){.last_price = -5}));
}

static void stale_begins_one_nanosecond_after_the_limit(void **state) {
    assert_false(rw_mark_stale(1100, 1000, 100));
    assert_true(rw_mark_stale(1101, 1000, 100));
    assert_false(rw_mark_stale(900, 1000, 1)); /* the clock is behind the instrument */
    assert_false(rw_mark_stale(UINT64_MAX, 0, 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks_and_quality_follow_the_policy),
        cmocka_unit_test(a_negative_price_does_not_fit),
        cmocka_unit_test(stale_begins_one_nanosecond_after_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
