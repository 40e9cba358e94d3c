/* VaR ranks, the tail kernels against sorting, the vector kernels against adding up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/base/fixed.h"
#include "risk/kernels/pnl_vector.h"
#include "risk/kernels/tail.h"
#include "tests/unit/risk/option_fixture.h"
#include "tests/unit/risk/oracle_csv.h"

#define VALUES 1100u

static _Alignas(64) int64_t vector[VALUES + 64], work[VALUES + 64], sorted[VALUES];

static bool has_avx512(void) { return rw_tail_best() == rw_tail_avx512; }

static int ascending(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

static void check(rw_tail_fn *kernel, uint32_t count, struct rw_tail_ranks ranks) {
    struct rw_tail tail;
    __int128 total = 0;
    for (uint32_t i = 0; i < ranks.mean; i++) total += sorted[i];
    kernel(vector, count, ranks, work, &tail);
    assert_true(tail.value == sorted[ranks.value - 1]);
    assert_true(tail.total == total);
}

static void check_all(uint32_t count, struct rw_tail_ranks ranks) {
    for (uint32_t i = count; i < VALUES + 64; i++) vector[i] = RW_TAIL_PADDING;
    memcpy(sorted, vector, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, ascending);
    check(rw_tail_scalar, count, ranks);
    check(rw_tail_avx2, count, ranks);
    if (has_avx512()) check(rw_tail_avx512, count, ranks);
}

static void ranks_are_computed_in_integers(void **state) {
    assert_int_equal(rw_tail_rank(500, 9900), 5); /* not 6: 1.0 − 0.99 > 0.01 in doubles */
    assert_int_equal(rw_tail_rank(500, 9750), 13);
    assert_int_equal(rw_tail_rank(1, 9999), 1);
    assert_int_equal(rw_tail_rank(100, 0), 100);
    assert_int_equal(rw_tail_rank(715, 9900), 8);
    assert_int_equal(rw_tail_rank(1000, 9900), 10);
}

static void every_kernel_agrees_with_sorting(void **state) {
    struct rw_rng rng = seeded();
    for (int round = 0; round < 20000; round++) {
        uint32_t count = 1 + (uint32_t)rw_rng_below(&rng, VALUES);
        uint64_t range = rw_rng_chance(&rng, 1, 3) ? 10 : 1u << 30; /* with and without ties */
        for (uint32_t i = 0; i < count; i++)
            vector[i] = (int64_t)rw_rng_below(&rng, range) - (int64_t)(range / 2);
        uint32_t most = rw_rng_chance(&rng, 1, 4) ? count : count / 20 + 1;
        check_all(count, (struct rw_tail_ranks){1 + (uint32_t)rw_rng_below(&rng, most),
                                                1 + (uint32_t)rw_rng_below(&rng, most)});
    }
}

static void extreme_values_are_kept(void **state) {
    for (uint32_t i = 0; i < 500; i++) vector[i] = i % 3 ? INT64_MIN : INT64_MAX - 1;
    check_all(500, (struct rw_tail_ranks){5, 13});
    for (uint32_t i = 0; i < 500; i++) vector[i] = 7;
    check_all(500, (struct rw_tail_ranks){5, 13});
}

/* Metamorphic: VaR(c·x) = c·VaR(x) for c > 0, order does not matter, ES ≥ VaR when the ES tail is
 * no longer. */
static void scaling_and_order_change_nothing_else(void **state) {
    struct rw_rng rng = seeded();
    struct rw_tail_ranks ranks = {13, 13};
    for (int round = 0; round < 500; round++) {
        struct rw_tail plain, scaled;
        for (uint32_t i = 0; i < 504; i++)
            vector[i] =
                i < 500 ? (int64_t)rw_rng_below(&rng, 1u << 30) - (1 << 29) : RW_TAIL_PADDING;
        rw_tail_best()(vector, 500, ranks, work, &plain);
        assert_true(-plain.total >= -(__int128)plain.value * 13);
        for (uint32_t i = 0; i < 500; i++) vector[i] *= 3;
        for (uint32_t i = 499; i > 0; i--) {
            uint32_t k = (uint32_t)rw_rng_below(&rng, i + 1);
            int64_t swap = vector[i];
            vector[i] = vector[k];
            vector[k] = swap;
        }
        rw_tail_best()(vector, 500, ranks, work, &scaled);
        assert_true(scaled.value == 3 * plain.value && scaled.total == 3 * plain.total);
    }
}

static void published_quantiles_are_met(void **state) {
    struct oracle_row row;
    uint32_t count = 0;
    FILE *file = oracle_open("hs_pnl_All.csv");
    if (!file) skip();
    assert_true(oracle_next(file, &row));
    while (oracle_next(file, &row)) vector[count++] = oracle_scaled(row.field[1], 6);
    fclose(file);
    for (uint32_t i = count; i < RW_TAIL_PADDED(count); i++) vector[i] = RW_TAIL_PADDING;
    file = oracle_open("hs_var_All.csv");
    assert_true(file && oracle_next(file, &row));
    while (oracle_next(file, &row)) {
        struct rw_tail tail;
        uint32_t parts = (uint32_t)oracle_scaled(row.field[1], 4);
        uint32_t rank = rw_tail_rank(count, 10000 - parts);
        rw_tail_best()(vector, count, (struct rw_tail_ranks){rank, rank}, work, &tail);
        int64_t wanted = oracle_scaled(row.field[2], 6);
        int64_t value = row.field[0][0] == 'q' ? tail.value : rw_fixed_div_he(tail.total, rank);
        assert_true(rw_tail_rank(count, 10000 - parts) >= 1 && llabs(value - wanted) <= 1);
    }
    fclose(file);
}

/* A vector moved tick by tick equals the one added up from the last prices. */
static void a_moved_vector_equals_one_added_up(void **state) {
    enum { SCENARIOS = 504, INSTRUMENTS = 7 };
    static _Alignas(64) int32_t returns[INSTRUMENTS][SCENARIOS];
    static _Alignas(64) int64_t moved[3][SCENARIOS], added[SCENARIOS];
    rw_pnl_move_fn *const kernels[] = {rw_pnl_move_scalar, rw_pnl_move_avx2, rw_pnl_move_best()};
    int32_t price[INSTRUMENTS] = {0};
    int64_t units[INSTRUMENTS] = {0};
    struct rw_rng rng = seeded();
    for (uint32_t i = 0; i < INSTRUMENTS; i++)
        for (uint32_t s = 0; s < 500; s++)
            returns[i][s] = (int32_t)rw_rng_below(&rng, 2u * RW_RETURN_MAX + 1) - RW_RETURN_MAX;
    for (int step = 0; step < 20000; step++) {
        uint32_t i = (uint32_t)rw_rng_below(&rng, INSTRUMENTS);
        if (rw_rng_chance(&rng, 1, 5)) { /* a fill: from nothing to the present price */
            int64_t change = (int64_t)rw_rng_below(&rng, 200001) - 100000;
            units[i] += change;
            for (int k = 0; k < 3; k++)
                kernels[k](moved[k], returns[i], SCENARIOS, change, 0, price[i]);
        } else {
            int32_t now = (int32_t)rw_rng_below(&rng, 1ull << 31);
            for (int k = 0; k < 3; k++)
                kernels[k](moved[k], returns[i], SCENARIOS, units[i], price[i], now);
            price[i] = now;
        }
    }
    for (uint32_t i = 0; i < INSTRUMENTS; i++)
        rw_pnl_move_scalar(added, returns[i], SCENARIOS, units[i], 0, price[i]);
    for (int k = 0; k < 3; k++) assert_memory_equal(moved[k], added, sizeof added);
    for (uint32_t s = 500; s < SCENARIOS; s++) assert_int_equal(added[s], 0);
}

static void a_shift_is_rounded_once_half_to_even(void **state) {
    static _Alignas(64) int32_t returns[8] = {500000000, 250000000, -500000000, 1};
    static _Alignas(64) int64_t moved[8];
    rw_pnl_move_best()(moved, returns, 8, 10, 0, 5); /* 2.5, 1.25, −2.5, 5e-9 */
    assert_int_equal(moved[0], 20);
    assert_int_equal(moved[1], 10);
    assert_int_equal(moved[2], -20);
    assert_int_equal(moved[3], 0);
    rw_pnl_move_best()(moved, returns, 8, 10, 5, 7); /* 3.5 → 4, 1.75 → 2 */
    assert_int_equal(moved[0], 40);
    assert_int_equal(moved[1], 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_are_computed_in_integers),
        cmocka_unit_test(every_kernel_agrees_with_sorting),
        cmocka_unit_test(extreme_values_are_kept),
        cmocka_unit_test(scaling_and_order_change_nothing_else),
        cmocka_unit_test(published_quantiles_are_met),
        cmocka_unit_test(a_moved_vector_equals_one_added_up),
        cmocka_unit_test(a_shift_is_rounded_once_half_to_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
