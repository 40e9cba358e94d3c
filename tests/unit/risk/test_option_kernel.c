/* The option kernels: equal bits at every width, published prices and Greeks, parity, odd ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/risk/option_fixture.h"
#include "tests/unit/risk/oracle_csv.h"

#define ROWS 333u

static _Alignas(64) uint8_t memory[1u << 18];

static struct rw_option_values columns_of(double column[6][ROWS]) {
    return (struct rw_option_values){column[0], column[1], column[2],
                                     column[3], column[4], column[5]};
}

static void terms_out_of_range_are_refused_with_their_reason(void **state) {
    const struct rw_option_terms good = {
        RW_OPTION_EUROPEAN, RW_OPTION_CALL, 100, 0.01, 0.02, 0.2, 1};
    struct {
        struct rw_option_terms terms;
        enum rw_option_reason reason;
    } cases[10];
    for (int i = 0; i < 10; i++) cases[i].terms = good;
    cases[0].terms.style = 3, cases[0].reason = RW_OPTION_BAD_STYLE;
    cases[1].terms.type = 2, cases[1].reason = RW_OPTION_BAD_STYLE;
    cases[2].terms.strike = -1, cases[2].reason = RW_OPTION_BAD_STRIKE;
    cases[3].terms.strike = __builtin_nan(""), cases[3].reason = RW_OPTION_BAD_STRIKE;
    cases[4].terms.rate = 11, cases[4].reason = RW_OPTION_BAD_RATE;
    cases[5].terms.dividend = __builtin_inf(), cases[5].reason = RW_OPTION_BAD_DIVIDEND;
    cases[6].terms.vol = -0.1, cases[6].reason = RW_OPTION_BAD_VOL;
    cases[7].terms.vol = __builtin_nan(""), cases[7].reason = RW_OPTION_BAD_VOL;
    cases[8].terms.years = -1e-9, cases[8].reason = RW_OPTION_EXPIRED;
    cases[9].terms.years = 1e9, cases[9].reason = RW_OPTION_BAD_YEARS;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(rw_option_check(&cases[i].terms), cases[i].reason);
        assert_true(strlen(rw_option_reason_text(cases[i].reason)) > 10);
    }
    assert_int_equal(rw_option_check(&good), RW_OPTION_FINE);
}

/* The hash is written down, so that another compiler, width or library shows itself. */
static void every_kernel_of_this_host_gives_the_known_hash(void **state) {
    for (const struct rw_option_kernel *kernel = rw_option_kernels(); kernel->name; kernel++) {
        char text[33];
        rw_hash_text(rw_option_kernel_hash(kernel), text);
        print_message("%s %s\n", kernel->name, text);
        assert_string_equal(text, "c5c35b1f1e36e8774fd2d71325cfaf70");
    }
}

static void all_kernels_agree_to_the_bit_on_any_range(void **state) {
    static double column[2][6][ROWS], vol[2][ROWS];
    struct rw_rng rng = seeded();
    struct rw_option_table table;
    rw_option_table_init(&table, memory, ROWS, true);
    for (uint32_t i = 0; i < ROWS; i++) {
        struct rw_option_terms terms = some_terms(&rng, 3);
        assert_int_equal(rw_option_set(&table, i, &terms), RW_OPTION_FINE);
    }
    for (int round = 0; round < 200; round++) {
        uint32_t first = (uint32_t)rw_rng_below(&rng, ROWS);
        uint32_t count = 1 + (uint32_t)rw_rng_below(&rng, ROWS - first);
        double spot = uniform(&rng, 1, 400);
        memset(column, 0, sizeof column);
        struct rw_option_values scalar = columns_of(column[0]), wide = columns_of(column[1]);
        rw_option_price_scalar(&table, first, count, spot, &scalar);
        rw_option_implied_scalar(&table, first, count, spot * 1.02, column[0][0], vol[0]);
        for (const struct rw_option_kernel *kernel = rw_option_kernels(); kernel->name; kernel++) {
            kernel->price(&table, first, count, spot, &wide);
            assert_memory_equal(column[0], column[1], sizeof column[0]);
            kernel->implied(&table, first, count, spot * 1.02, column[1][0], vol[1]);
            assert_memory_equal(vol[0], vol[1], count * sizeof(double));
        }
    }
}

static void put_call_parity_holds(void **state) {
    struct rw_rng rng = seeded();
    for (int i = 0; i < 20000; i++) {
        struct rw_option_terms terms = some_terms(&rng, 1);
        double spot = uniform(&rng, 20, 300);
        terms.type = RW_OPTION_CALL;
        struct greeks call = value_of(&terms, spot);
        terms.type = RW_OPTION_PUT;
        struct greeks put = value_of(&terms, spot);
        struct rw_option_terms none = terms; /* without vol: the forward's intrinsic value */
        none.vol = 0;
        struct greeks floor = value_of(&none, spot);
        none.type = RW_OPTION_CALL;
        near_to(call.price - put.price, value_of(&none, spot).price - floor.price, 1e-11);
        near_to(call.gamma, put.gamma, 1e-15);
        near_to(call.vega, put.vega, 1e-12);
        assert_true(call.price >= 0 && put.price >= 0);
    }
}

/* Greeks against differences of the price itself. */
static void greeks_are_the_derivatives_of_the_price(void **state) {
    struct rw_rng rng = seeded();
    for (int i = 0; i < 5000; i++) {
        struct rw_option_terms terms = some_terms(&rng, 3), low, high;
        terms.vol = uniform(&rng, 0.1, 0.8);
        terms.years = uniform(&rng, 0.1, 2);
        double spot = uniform(&rng, 60, 160), h = 1e-4;
        struct greeks here = value_of(&terms, spot);
        struct greeks up = value_of(&terms, spot + h * spot),
                      down = value_of(&terms, spot - h * spot);
        bool kink = terms.style == RW_OPTION_AMERICAN && (up.vega == 0) != (down.vega == 0);
        if (kink) continue; /* between the two the option is exercised */
        near_to(here.delta, (up.price - down.price) / (2 * h * spot), 2e-6);
        near_to(here.gamma, (up.delta - down.delta) / (2 * h * spot), 2e-6);
        low = high = terms;
        low.vol -= h, high.vol += h;
        near_to(here.vega, (value_of(&high, spot).price - value_of(&low, spot).price) / (2 * h),
                2e-3);
        low = high = terms;
        low.years -= h, high.years += h;
        near_to(here.theta, (value_of(&low, spot).price - value_of(&high, spot).price) / (2 * h),
                2e-3);
        low = high = terms;
        low.rate -= h, high.rate += h;
        near_to(here.rho, (value_of(&high, spot).price - value_of(&low, spot).price) / (2 * h),
                2e-2);
    }
}

static void ends_without_vol_time_spot_or_strike_have_their_limits(void **state) {
    struct rw_option_terms terms = {RW_OPTION_EUROPEAN, RW_OPTION_CALL, 90, 0, 0, 0.2, 0};
    struct greeks g = value_of(&terms, 100);
    near_to(g.price, 10, 1e-12);
    near_to(g.delta, 1, 0);
    near_to(g.gamma, 0, 0);
    terms.type = RW_OPTION_PUT;
    near_to(value_of(&terms, 100).price, 0, 0);
    near_to(value_of(&terms, 80).delta, -1, 0);
    terms.years = 1;
    terms.rate = 0.05;
    near_to(value_of(&terms, 0).price, 90 * 0.95122942450071400910, 1e-12);
    terms.strike = 0;
    near_to(value_of(&terms, 100).price, 0, 0);
    terms.type = RW_OPTION_CALL;
    near_to(value_of(&terms, 100).price, 100, 1e-12);
    near_to(value_of(&terms, 100).delta, 1, 1e-15);
}

static void published_european_prices_and_greeks_are_met(void **state) {
    struct oracle_row row;
    FILE *file = oracle_open("european_bsm_price.csv");
    if (!file) skip();
    assert_true(oracle_next(file, &row));
    for (; oracle_next(file, &row);) {
        struct rw_option_terms terms = {
            RW_OPTION_EUROPEAN, row.field[0][0] == 'p', atof(row.field[1]), atof(row.field[4]),
            atof(row.field[3]), atof(row.field[6]),     atof(row.field[5])};
        near_to(value_of(&terms, atof(row.field[2])).price, atof(row.field[7]), atof(row.field[8]));
    }
    fclose(file);
    file = oracle_open("european_bsm_greeks.csv");
    assert_true(file && oracle_next(file, &row));
    while (oracle_next(file, &row)) {
        struct rw_option_terms terms = {
            RW_OPTION_EUROPEAN, row.field[1][0] == 'p', atof(row.field[2]), atof(row.field[5]),
            atof(row.field[4]), atof(row.field[7]),     atof(row.field[6])};
        double spot = atof(row.field[3]), value = 0;
        struct greeks g = value_of(&terms, spot);
        const char *name = row.field[0];
        if (!strcmp(name, "delta")) value = g.delta;
        if (!strcmp(name, "gamma")) value = g.gamma;
        if (!strcmp(name, "vega")) value = g.vega;
        if (!strcmp(name, "rho")) value = g.rho;
        if (!strcmp(name, "theta")) value = g.theta;
        if (!strcmp(name, "theta_per_day")) value = g.theta / 365;
        if (!strcmp(name, "elasticity")) value = g.delta * spot / g.price;
        if (!strcmp(name, "dividend_rho")) value = -terms.years * g.delta * spot;
        near_to(value, atof(row.field[8]), atof(row.field[9]));
    }
    fclose(file);
}

static void published_black76_prices_are_met_to_twelve_digits(void **state) {
    struct oracle_row row;
    FILE *file = oracle_open("black76_high_precision.csv");
    if (!file) skip();
    assert_true(oracle_next(file, &row));
    while (oracle_next(file, &row)) {
        struct rw_option_terms terms = {
            RW_OPTION_BLACK76,  row.field[0][0] == 'p', atof(row.field[2]), 0, 0,
            atof(row.field[4]), atof(row.field[3])};
        double wanted = atof(row.field[5]);
        near_to(value_of(&terms, atof(row.field[1])).price, wanted, 1e-12 * wanted + 1e-13);
    }
    fclose(file);
}

static void the_rho_of_a_forward_is_minus_time_times_price(void **state) {
    struct rw_option_terms terms = {RW_OPTION_BLACK76, RW_OPTION_PUT, 105, 0.04, 0, 0.3, 0.75};
    struct greeks g = value_of(&terms, 100);
    near_to(g.rho, -0.75 * g.price, 1e-13);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(terms_out_of_range_are_refused_with_their_reason),
        cmocka_unit_test(every_kernel_of_this_host_gives_the_known_hash),
        cmocka_unit_test(all_kernels_agree_to_the_bit_on_any_range),
        cmocka_unit_test(put_call_parity_holds),
        cmocka_unit_test(greeks_are_the_derivatives_of_the_price),
        cmocka_unit_test(ends_without_vol_time_spot_or_strike_have_their_limits),
        cmocka_unit_test(published_european_prices_and_greeks_are_met),
        cmocka_unit_test(published_black76_prices_are_met_to_twelve_digits),
        cmocka_unit_test(the_rho_of_a_forward_is_minus_time_times_price),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
