/* Average cost that no split of a fill can change; published worked examples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "dataplane/base/rng.h"
#include "risk/position_core.h"
#include "tests/unit/risk/oracle_csv.h"
#include "tests/unit/risk/risk_driver.h"

static bool trade(struct rw_position *position, int64_t quantity, int64_t price, int64_t fee) {
    return rw_position_apply(position, &(struct rw_position_change){quantity, price, fee, 1});
}

static void money_outside_the_bounds_is_rejected_and_changes_nothing(void **state) {
    struct rw_position position = rw_position_open(RW_UNITS_MAX, 1000000, 1), before = position;
    assert_false(trade(&position, 1, 1000000, 0));
    assert_memory_equal(&position, &before, sizeof before);
    assert_false(trade(&position, -1, 1000000, RW_MONEY_MAX - 1));
    assert_memory_equal(&position, &before, sizeof before);
    assert_true(trade(&position, -2 * RW_UNITS_MAX, 1, 0));
    assert_int_equal(position.quantity, -RW_UNITS_MAX);
    assert_false(rw_position_apply(&position, &(struct rw_position_change){1, 1, 0, INT32_MAX}));
}

static void realised_pnl_starts_at_zero_and_opening_cost_is_kept(void **state) {
    struct rw_position position = rw_position_open(-300, 1012345, 10);
    assert_int_equal(rw_position_realised(&position), 0);
    assert_int_equal(position.cost, -300ll * 10 * 1012345);
    assert_int_equal(rw_position_unrealised(&position, 10, 1012345), 0);
    assert_int_equal(rw_position_unrealised(&position, 10, 1012346), -3000);
}

static void a_fill_through_flat_opens_at_its_own_price(void **state) {
    struct rw_position position = rw_position_open(3, 1000001, 1);
    assert_true(trade(&position, -5, 1000007, 11));
    assert_int_equal(position.quantity, -2);
    assert_int_equal(position.cost, -2 * 1000007);
    assert_int_equal(rw_position_realised(&position), 3 * 6 - 11);
}

static void cost_is_rounded_half_to_even(void **state) {
    /* C = 3·1 + 1·2 = 5 over Q = 4: after selling 2, C·r/Q = 2.5 → 2; selling 1 more, 1.25 → 1 */
    struct rw_position position = {0};
    assert_true(trade(&position, 3, 1, 0));
    assert_true(trade(&position, 1, 2, 0));
    assert_true(trade(&position, -2, 10, 0));
    assert_int_equal(position.cost, 2);
    assert_true(trade(&position, -1, 10, 0));
    assert_int_equal(position.cost, 1);
    /* the same, short */
    struct rw_position mirror = {0};
    assert_true(trade(&mirror, -3, 1, 0));
    assert_true(trade(&mirror, -1, 2, 0));
    assert_true(trade(&mirror, 2, 10, 0));
    assert_int_equal(mirror.cost, -2);
}

/* The form that is not split-proof: cost rounded again at each fill that closes a part. */
static void naive_apply(int64_t *quantity, int64_t *cost, int64_t step, int64_t unit_cost) {
    int64_t before = *quantity, after = before + step;
    *quantity = after;
    if (before == 0 || (before > 0) == (step > 0))
        *cost += step * unit_cost;
    else if (after == 0 || (after > 0) != (before > 0))
        *cost = after * unit_cost;
    else
        *cost = rw_fixed_mul_div_he(*cost, rw_magnitude(after), rw_magnitude(before));
}

/* Any fill of a random sequence, cut into random parts, leaves the same bytes. */
static void splitting_fills_changes_nothing(void **state) {
    struct rw_rng rng;
    rw_rng_seed(&rng, seed_of_run(7001));
    uint32_t naive_differs = 0;
    for (uint32_t run = 0; run < 10000; run++) {
        int32_t multiplier = 1 + (int32_t)rw_rng_below(&rng, 3);
        struct rw_position whole = {0}, split = {0};
        int64_t naive_quantity[2] = {0}, naive_cost[2] = {0};
        for (uint32_t i = 0; i < 6; i++) {
            struct rw_position_change fill = {1 + (int64_t)rw_rng_below(&rng, 9),
                                              (int64_t)rw_rng_below(&rng, 50),
                                              (int64_t)rw_rng_below(&rng, 5), multiplier};
            int64_t left = fill.quantity, sign = rw_rng_chance(&rng, 1, 2) ? 1 : -1;
            fill.quantity *= sign;
            assert_true(rw_position_apply(&whole, &fill));
            naive_apply(&naive_quantity[0], &naive_cost[0], fill.quantity, multiplier * fill.price);
            while (left > 0) {
                struct rw_position_change part = fill;
                int64_t size = 1 + (int64_t)rw_rng_below(&rng, (uint64_t)left);
                left -= size;
                part.quantity = sign * size;
                if (left > 0) part.fee = 0;
                assert_true(rw_position_apply(&split, &part));
                naive_apply(&naive_quantity[1], &naive_cost[1], part.quantity,
                            multiplier * part.price);
            }
            assert_memory_equal(&whole, &split, sizeof whole);
        }
        naive_differs += naive_cost[0] != naive_cost[1];
    }
    assert_true(naive_differs > 0); /* the cases are hard enough to tell the forms apart */
    printf("the naive form differs in %u of 10000 cases\n", naive_differs);
}

/* Total P&L does not depend on average cost at all: cash and value decide. */
static void realised_plus_unrealised_is_cash_plus_value(void **state) {
    struct rw_rng rng;
    rw_rng_seed(&rng, seed_of_run(7002));
    for (uint32_t run = 0; run < 2000; run++) {
        int64_t quantity = (int64_t)rw_rng_below(&rng, 2001) - 1000;
        int64_t average = (int64_t)rw_rng_below(&rng, 3000000), cash = -quantity * average * 5;
        struct rw_position position = rw_position_open(quantity, average, 5);
        for (uint32_t i = 0; i < 20; i++) {
            int64_t step = 1 + (int64_t)rw_rng_below(&rng, 500);
            if (rw_rng_chance(&rng, 1, 2)) step = -step;
            int64_t price = (int64_t)rw_rng_below(&rng, 3000000),
                    fee = (int64_t)rw_rng_below(&rng, 100);
            assert_true(
                rw_position_apply(&position, &(struct rw_position_change){step, price, fee, 5}));
            quantity += step;
            cash -= step * 5 * price + fee;
            int64_t mark = (int64_t)rw_rng_below(&rng, 3000000);
            assert_int_equal(position.quantity, quantity);
            assert_int_equal(rw_position_realised(&position) +
                                 rw_position_unrealised(&position, 5, mark),
                             cash + quantity * 5 * mark);
            if (quantity == 0) assert_int_equal(rw_position_realised(&position), cash);
        }
    }
}

#define MICRO 1000000ll

static void published_average_cost_example_is_met(void **state) {
    FILE *file = oracle_open("pnl_average_cost.csv");
    if (!file) skip();
    struct oracle_row row;
    struct rw_position position = {0};
    uint32_t rows = 0;
    oracle_next(file, &row); /* header */
    while (oracle_next(file, &row)) {
        if (!strcmp(row.field[1], "1")) position = (struct rw_position){0};
        int64_t quantity = oracle_scaled(row.field[3], 0), price = oracle_scaled(row.field[4], 6);
        __int128 fee = (__int128)oracle_scaled(row.field[5], 6) * quantity * price;
        if (strcmp(row.field[2], "buy")) quantity = -quantity;
        assert_true(trade(&position, quantity, price, rw_fixed_div_he(fee, MICRO)));
        assert_int_equal(position.quantity, oracle_scaled(row.field[6], 0));
        int64_t average =
            rw_fixed_div_he(rw_magnitude(position.cost), rw_magnitude(position.quantity));
        int64_t want_average = oracle_scaled(row.field[7], 6);
        assert_true(rw_magnitude(average - want_average) <= 1);
        /* the fees of case AUD1 are rounded to a minimum that the table does not give */
        if (row.field[8][0] && strcmp(row.field[0], "AUD1")) {
            int64_t want = oracle_scaled(row.field[8], 6);
            assert_true(rw_magnitude(rw_position_realised(&position) - want) <= 1);
        }
        rows++;
    }
    fclose(file);
    assert_int_equal(rows, 7);
}

static void published_unrealised_examples_are_met(void **state) {
    FILE *file = oracle_open("pnl_unrealised.csv");
    if (!file) skip();
    struct oracle_row row;
    uint32_t rows = 0;
    oracle_next(file, &row);
    while (oracle_next(file, &row)) {
        if (strcmp(row.field[5], "linear")) continue;
        /* quantity 1e-2, price 1e-5, so money is 1e-7 */
        int64_t quantity = oracle_scaled(row.field[2], 2);
        if (!strcmp(row.field[1], "short")) quantity = -quantity;
        struct rw_position position = rw_position_open(quantity, oracle_scaled(row.field[3], 5), 1);
        assert_int_equal(rw_position_unrealised(&position, 1, oracle_scaled(row.field[4], 5)),
                         oracle_scaled(row.field[6], 7));
        rows++;
    }
    fclose(file);
    assert_int_equal(rows, 4);
}

/* Lot matching agrees with average cost where one lot is open, and at flat. */
static void lot_matching_agrees_at_flat_and_through_flat(void **state) {
    FILE *file = oracle_open("pnl_lot_matching.csv");
    if (!file) skip();
    struct oracle_row row;
    struct rw_position position = {0};
    uint32_t compared = 0;
    oracle_next(file, &row);
    while (oracle_next(file, &row)) {
        if (!strcmp(row.field[2], "1")) position = (struct rw_position){0};
        assert_true(
            trade(&position, oracle_scaled(row.field[3], 0), oracle_scaled(row.field[4], 0), 0));
        assert_int_equal(position.quantity, oracle_scaled(row.field[5], 0));
        if (position.quantity == 0 || !strcmp(row.field[0], "C")) {
            assert_int_equal(rw_position_realised(&position), oracle_scaled(row.field[7], 0));
            assert_int_equal(-position.cost, oracle_scaled(row.field[6], 0));
            compared++;
        }
    }
    fclose(file);
    assert_true(compared >= 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(money_outside_the_bounds_is_rejected_and_changes_nothing),
        cmocka_unit_test(realised_pnl_starts_at_zero_and_opening_cost_is_kept),
        cmocka_unit_test(a_fill_through_flat_opens_at_its_own_price),
        cmocka_unit_test(cost_is_rounded_half_to_even),
        cmocka_unit_test(splitting_fills_changes_nothing),
        cmocka_unit_test(realised_plus_unrealised_is_cash_plus_value),
        cmocka_unit_test(published_average_cost_example_is_met),
        cmocka_unit_test(published_unrealised_examples_are_met),
        cmocka_unit_test(lot_matching_agrees_at_flat_and_through_flat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
