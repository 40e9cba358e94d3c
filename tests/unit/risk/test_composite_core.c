/* The composite of up to eight venues: its rules one by one, then random streams against the naive
 * calculation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dataplane/base/rng.h"
#include "tests/unit/base/dies.h"
#include "tests/unit/risk/naive_composite.h"

#define ALL 255u

static struct rw_composite empty(uint32_t lot) { return (struct rw_composite){.lot = lot}; }

static void tell(struct rw_composite *row, uint32_t venue, int32_t bid, uint32_t bid_quantity,
                 int32_t ask, uint32_t ask_quantity) {
    const struct rw_quote quote = {bid, ask, bid_quantity, ask_quantity};
    rw_composite_quote(row, venue, &quote, ALL, 1);
}

static void expect(const struct rw_composite_view *view, int32_t bid, uint32_t bid_quantity,
                   uint8_t bid_venues, int32_t ask, uint32_t ask_quantity, uint8_t ask_venues) {
    assert_int_equal(view->bid_price, bid);
    assert_int_equal(view->bid_quantity, bid_quantity);
    assert_int_equal(view->bid_venues, bid_venues);
    assert_int_equal(view->ask_price, ask);
    assert_int_equal(view->ask_quantity, ask_quantity);
    assert_int_equal(view->ask_venues, ask_venues);
}

static void no_venue_and_a_missing_side_have_no_price(void **state) {
    struct rw_composite row = empty(100);
    rw_composite_count(&row, ALL, 1);
    expect(&row.raw, 0, 0, 0, 0, 0, 0);
    tell(&row, 3, 0, 0, 1000, 5);
    expect(&row.raw, 0, 0, 0, 1000, 5, 8);
    tell(&row, 3, -7, 9, -1000, 5);
    expect(&row.raw, 0, 0, 0, 0, 0, 0);
}

static void the_best_price_of_each_side_wins_and_equal_ones_add_up(void **state) {
    struct rw_composite row = empty(100);
    tell(&row, 0, 1014, 100, 1017, 200);
    tell(&row, 1, 1015, 300, 1016, 400);
    tell(&row, 7, 1015, 500, 1016, 600);
    expect(&row.raw, 1015, 800, 0x82, 1016, 1000, 0x82);
    tell(&row, 7, 1013, 500, 1018, 600);
    expect(&row.raw, 1015, 300, 0x02, 1016, 400, 0x02);
}

static void the_limits_of_prices_and_quantities_hold(void **state) {
    const uint32_t most = RW_COMPOSITE_QUANTITY_MAX;
    struct rw_composite row = empty(1);
    tell(&row, 0, 1, UINT32_MAX, INT32_MAX, UINT32_MAX);
    expect(&row.raw, 1, most, 1, INT32_MAX, most, 1);
    for (uint32_t v = 1; v < RW_VENUES_MAX; v++) tell(&row, v, 1, most, INT32_MAX, most + v);
    expect(&row.raw, 1, 8 * most, 255, INT32_MAX, 8 * most, 255);
    tell(&row, 2, INT32_MAX, 5, 1, 5);
    expect(&row.raw, INT32_MAX, 5, 4, 1, 5, 4);
    row = empty(most + 1); /* no quote is a round lot */
    tell(&row, 0, 1, most, 2, UINT32_MAX);
    expect(&row.round, 0, 0, 0, 0, 0, 0);
}

static void odd_lots_are_in_the_raw_view_only(void **state) {
    struct rw_composite row = empty(100);
    tell(&row, 0, 1015, 99, 1016, 100);
    tell(&row, 1, 1014, 100, 1017, 250);
    expect(&row.raw, 1015, 99, 1, 1016, 100, 1);
    expect(&row.round, 1014, 100, 2, 1016, 100, 1);
    row = empty(1);
    tell(&row, 0, 1015, 0, 1016, 1);
    expect(&row.raw, 1015, 0, 1, 1016, 1, 1);
    expect(&row.round, 0, 0, 0, 1016, 1, 1);
}

static void a_venue_that_does_not_count_leaves_at_once_and_comes_back_as_it_was(void **state) {
    struct rw_composite row = empty(100);
    tell(&row, 0, 1015, 100, 1016, 100);
    tell(&row, 1, 1014, 200, 1017, 200);
    rw_composite_count(&row, ALL & ~1u, 2);
    expect(&row.raw, 1014, 200, 2, 1017, 200, 2);
    rw_composite_count(&row, 0, 3);
    expect(&row.raw, 0, 0, 0, 0, 0, 0);
    rw_composite_count(&row, 3, 4);
    expect(&row.raw, 1015, 100, 1, 1016, 100, 1);
}

static void locked_or_crossed_between_venues_has_an_age(void **state) {
    struct rw_composite row = empty(100);
    const struct rw_quote low = {1010, 1011, 100, 100}, high = {1011, 1012, 100, 100},
                          higher = {1012, 1013, 100, 100};
    rw_composite_quote(&row, 0, &low, ALL, 10);
    assert_int_equal(row.across_since_ns, 0);
    rw_composite_quote(&row, 1, &high, ALL, 20); /* locked */
    assert_int_equal(row.across_since_ns, 20);
    rw_composite_quote(&row, 1, &higher, ALL, 30); /* now crossed: the same age */
    assert_int_equal(row.across_since_ns, 20);
    rw_composite_count(&row, 1, 40);
    assert_int_equal(row.across_since_ns, 0);
    rw_composite_count(&row, ALL, 50);
    assert_int_equal(row.across_since_ns, 50);
}

static void a_venue_that_is_locked_by_itself_is_not_across(void **state) {
    struct rw_composite row = empty(100);
    tell(&row, 0, 1011, 100, 1011, 100);
    assert_int_equal(row.across_since_ns, 0);
    tell(&row, 1, 1011, 100, 1012, 100); /* bid with venue 0, which has both */
    assert_int_equal(row.across_since_ns, 0);
}

static struct rw_quote random_quote(struct rw_rng *rng) {
    struct rw_quote quote = {.bid_price = 990 + (int32_t)rw_rng_below(rng, 10),
                             .ask_price = 995 + (int32_t)rw_rng_below(rng, 10),
                             .bid_quantity = (uint32_t)rw_rng_below(rng, 300),
                             .ask_quantity = (uint32_t)rw_rng_below(rng, 300)};
    if (rw_rng_chance(rng, 1, 6)) quote.bid_price = -(int32_t)rw_rng_below(rng, 3);
    if (rw_rng_chance(rng, 1, 6)) quote.ask_price = -(int32_t)rw_rng_below(rng, 3);
    if (rw_rng_chance(rng, 1, 20)) quote.bid_price = INT32_MAX;
    if (rw_rng_chance(rng, 1, 20)) quote.ask_price = INT32_MAX;
    if (rw_rng_chance(rng, 1, 20)) quote.bid_quantity = UINT32_MAX - quote.ask_quantity;
    return quote;
}

/* The numbers of the venues are but names: with other ones the views are the same but for the
 * masks. */
static void assert_renamed(const struct rw_composite *a, const struct rw_composite *b,
                           const uint32_t name[RW_VENUES_MAX]) {
    const struct rw_composite_view *views[2][2] = {{&a->raw, &b->raw}, {&a->round, &b->round}};
    for (uint32_t i = 0; i < 2; i++) {
        struct rw_composite_view x = *views[i][0], y = *views[i][1];
        uint8_t bid = 0, ask = 0;
        for (uint32_t v = 0; v < RW_VENUES_MAX; v++) {
            if (x.bid_venues & 1u << v) bid |= (uint8_t)(1u << name[v]);
            if (x.ask_venues & 1u << v) ask |= (uint8_t)(1u << name[v]);
        }
        x.bid_venues = bid;
        x.ask_venues = ask;
        assert_memory_equal(&x, &y, sizeof x);
    }
    assert_int_equal(a->across_since_ns, b->across_since_ns);
}

static void random_streams_equal_the_naive_calculation_for_any_order_of_venues(void **state) {
    const char *given = getenv("RW_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : 9101;
    struct rw_rng rng;
    print_message("RW_SEED=%llu\n", (unsigned long long)seed);
    rw_rng_seed(&rng, seed);
    uint32_t across = 0;
    for (uint32_t run = 0; run < 300; run++) {
        uint32_t lot = 1 + (uint32_t)rw_rng_below(&rng, 200), in = ALL;
        struct rw_composite row = empty(lot), renamed = empty(lot);
        struct naive_composite naive = {.lot = lot};
        uint32_t name[RW_VENUES_MAX];
        for (uint32_t v = 0; v < RW_VENUES_MAX; v++) {
            uint32_t k = (uint32_t)rw_rng_below(&rng, v + 1);
            name[v] = name[k];
            name[k] = v;
        }
        for (uint64_t time = 1; time <= 400; time++) {
            if (rw_rng_chance(&rng, 1, 5)) in = (uint32_t)rw_rng_below(&rng, 256);
            uint32_t in_renamed = 0, venue = (uint32_t)rw_rng_below(&rng, RW_VENUES_MAX);
            for (uint32_t v = 0; v < RW_VENUES_MAX; v++)
                if (in & 1u << v) in_renamed |= 1u << name[v];
            if (rw_rng_chance(&rng, 1, 10)) {
                rw_composite_count(&row, in, time);
                rw_composite_count(&renamed, in_renamed, time);
                naive_composite_count(&naive, in, time);
            } else {
                struct rw_quote quote = random_quote(&rng);
                rw_composite_quote(&row, venue, &quote, in, time);
                rw_composite_quote(&renamed, name[venue], &quote, in_renamed, time);
                naive_composite_quote(&naive, venue, &quote, in, time);
            }
            assert_true(naive_composite_equals(&naive, &row));
            assert_renamed(&row, &renamed, name);
            across += row.across_since_ns != 0;
        }
    }
    assert_true(across > 1000);
}

static void quote_venue_8(void *row) {
    rw_composite_quote(row, RW_VENUES_MAX, &(struct rw_quote){0}, ALL, 1);
}
static void quote_venue_0(void *row) { rw_composite_quote(row, 0, &(struct rw_quote){0}, ALL, 1); }

static void a_venue_out_of_range_or_a_row_without_lot_is_a_bug(void **state) {
    struct rw_composite row = empty(1), no_lot = empty(0);
    assert_true(dies(quote_venue_8, &row));
    assert_true(dies(quote_venue_0, &no_lot));
    assert_false(dies(quote_venue_0, &row));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_venue_out_of_range_or_a_row_without_lot_is_a_bug),
        cmocka_unit_test(no_venue_and_a_missing_side_have_no_price),
        cmocka_unit_test(the_best_price_of_each_side_wins_and_equal_ones_add_up),
        cmocka_unit_test(the_limits_of_prices_and_quantities_hold),
        cmocka_unit_test(odd_lots_are_in_the_raw_view_only),
        cmocka_unit_test(a_venue_that_does_not_count_leaves_at_once_and_comes_back_as_it_was),
        cmocka_unit_test(locked_or_crossed_between_venues_has_an_age),
        cmocka_unit_test(a_venue_that_is_locked_by_itself_is_not_across),
        cmocka_unit_test(random_streams_equal_the_naive_calculation_for_any_order_of_venues),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
