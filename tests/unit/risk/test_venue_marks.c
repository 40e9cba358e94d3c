/* What the venues of an instrument say together: indices, the last trade, who counts. The rest is
 * seen through risk_core. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "risk/venue_marks.h"
#include "tests/unit/risk/image_fixture.h"

static const struct rw_instrument_row instruments[] = {
    {.multiplier = 1, .start_price = 777, .lot = 100}, {.multiplier = 1, .lot = 0}};

struct fixture {
    struct rw_image *image;
    struct rw_venue_marks *marks;
};

static void setup(struct fixture *fixture) {
    static const struct rw_portfolio_row portfolio = {.account = 1, .desk = 1};
    const struct image_tables tables = {instruments, 2, &portfolio, 1, 1, NULL, 0, NULL, 0};
    fixture->image = image_make(&tables);
    size_t bytes = rw_venue_marks_footprint(fixture->image);
    assert_int_equal(bytes % 64, 0);
    void *memory = aligned_alloc(64, bytes);
    memset(memory, 0, bytes);
    fixture->marks = rw_venue_marks_new(memory, fixture->image);
}

static void teardown(struct fixture *fixture) {
    free(fixture->marks);
    free(fixture->image);
}

static bool tell(struct fixture *fixture, uint32_t venue, uint8_t kind, uint64_t time, int32_t bid,
                 int32_t ask, int32_t last, uint16_t quality) {
    const struct rw_tick_body tick = {.kind = kind,
                                      .bid_price = bid,
                                      .ask_price = ask,
                                      .last_price = last,
                                      .bid_quantity = 100,
                                      .ask_quantity = 99,
                                      .quality = quality};
    return rw_venue_marks_tick(fixture->marks, 1, venue, &tick, time);
}

static struct rw_venue_mark mark(const struct fixture *fixture) {
    const struct rw_venue_mark last = {.price = 555, .quality = RW_QUALITY_LOCKED};
    return rw_venue_marks_of(fixture->marks, 1, last, 777);
}

static void a_small_channel_has_its_own_index_and_a_large_one_the_highest_free(void **state) {
    struct fixture f;
    setup(&f);
    assert_int_equal(rw_venue_marks_index(f.marks, 3), 3);
    assert_int_equal(rw_venue_marks_index(f.marks, 60000), 7);
    assert_int_equal(rw_venue_marks_index(f.marks, 7), 6); /* its own is taken */
    assert_int_equal(rw_venue_marks_index(f.marks, 0), 0);
    assert_int_equal(rw_venue_marks_index(f.marks, 60000), 7); /* again */
    for (uint16_t c = 100; c < 104; c++)
        assert_true(rw_venue_marks_index(f.marks, c) < RW_VENUES_MAX);
    assert_int_equal(rw_venue_marks_index(f.marks, 104), RW_VENUES_MAX);
    assert_int_equal(rw_venue_marks_index(f.marks, 3), 3);
    teardown(&f);
}

static void the_latest_trade_of_any_venue_is_the_last_price(void **state) {
    struct fixture f;
    setup(&f);
    assert_false(tell(&f, 0, RW_TICK_BBO, 10, 0, 0, 100, 0)); /* stands in until there is a trade */
    assert_true(tell(&f, 1, RW_TICK_BBO, 11, 0, 0, 200, 0));
    assert_int_equal(mark(&f).price, 100);
    tell(&f, 1, RW_TICK_TRADE, 20, 0, 0, 201, 0);
    assert_int_equal(mark(&f).price, 201);
    tell(&f, 0, RW_TICK_TRADE, 19, 0, 0, 101, 0); /* logged later, but traded before */
    assert_int_equal(mark(&f).price, 201);
    tell(&f, 0, RW_TICK_BBO, 30, 0, 0, 101, 0); /* no trade */
    assert_int_equal(mark(&f).price, 201);
    tell(&f, 0, RW_TICK_TRADE, 31, 0, 0, 102, 0);
    assert_int_equal(mark(&f).price, 102);
    teardown(&f);
}

static void bits_that_keep_a_venue_out_are_not_carried_while_another_counts(void **state) {
    struct fixture f;
    setup(&f);
    tell(&f, 0, RW_TICK_BBO, 10, 90, 110, 0, RW_QUALITY_CONFLATED);
    tell(&f, 1, RW_TICK_BBO, 11, 95, 105, 0, RW_QUALITY_FEED_GAP | RW_QUALITY_TAKEOVER);
    assert_int_equal(mark(&f).venues, 1);
    assert_int_equal(mark(&f).price, 100);
    assert_int_equal(mark(&f).quality, RW_QUALITY_CONFLATED | RW_QUALITY_VENUE_OUT);
    rw_venue_marks_state(f.marks, 0, RW_QUALITY_STALE);
    assert_true(rw_venue_marks_look(f.marks, 1, 12));
    assert_false(rw_venue_marks_look(f.marks, 1, 12));
    assert_int_equal(mark(&f).price, 555); /* the last good one */
    assert_int_equal(mark(&f).quality, RW_QUALITY_LOCKED | RW_QUALITY_VENUE_OUT |
                                           RW_QUALITY_CONFLATED | RW_QUALITY_FEED_GAP |
                                           RW_QUALITY_TAKEOVER | RW_QUALITY_STALE);
    teardown(&f);
}

static void an_ended_channel_stays_out_whatever_its_state(void **state) {
    struct fixture f;
    setup(&f);
    tell(&f, 0, RW_TICK_BBO, 10, 90, 110, 0, 0);
    tell(&f, 1, RW_TICK_BBO, 11, 95, 105, 0, 0);
    rw_venue_marks_end(f.marks, 1);
    rw_venue_marks_state(f.marks, 1, 0);
    assert_true(rw_venue_marks_look(f.marks, 1, 12));
    assert_int_equal(mark(&f).venues, 1);
    teardown(&f);
}

static void the_round_view_takes_the_lot_of_the_image(void **state) {
    struct fixture f;
    setup(&f);
    tell(&f, 0, RW_TICK_BBO, 10, 90, 110, 0, 0); /* 100 bid, 99 asked; a lot is 100 */
    const struct rw_composite *composite = rw_venue_marks_composite(f.marks, 1);
    assert_int_equal(composite->round.bid_price, 90);
    assert_int_equal(composite->round.ask_price, 0);
    assert_int_equal(composite->raw.ask_price, 110);
    assert_int_equal(rw_venue_marks_composite(f.marks, 2)->lot, 1); /* none given */
    teardown(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_channel_has_its_own_index_and_a_large_one_the_highest_free),
        cmocka_unit_test(the_latest_trade_of_any_venue_is_the_last_price),
        cmocka_unit_test(bits_that_keep_a_venue_out_are_not_carried_while_another_counts),
        cmocka_unit_test(an_ended_channel_stays_out_whatever_its_state),
        cmocka_unit_test(the_round_view_takes_the_lot_of_the_image),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
