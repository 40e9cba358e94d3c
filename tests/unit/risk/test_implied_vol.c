/* Implied vol: price → vol → price, cold over the whole range, warm by the kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "risk/kernels/implied_vol.h"
#include "tests/unit/risk/option_fixture.h"
#include "tests/unit/risk/oracle_csv.h"

static void prices_without_a_vol_are_refused_with_their_reason(void **state) {
    struct rw_option_terms terms = {RW_OPTION_EUROPEAN, RW_OPTION_CALL, 100, 0.05, 0, 0, 1};
    double vol = -1;
    assert_int_equal(rw_implied_vol(&terms, 120, 20, &vol), RW_IMPLIED_TOO_LOW);
    assert_int_equal(rw_implied_vol(&terms, 120, 120, &vol), RW_IMPLIED_TOO_HIGH);
    assert_int_equal(rw_implied_vol(&terms, 120, -1, &vol), RW_IMPLIED_BAD_PRICE);
    assert_int_equal(rw_implied_vol(&terms, 120, __builtin_nan(""), &vol), RW_IMPLIED_BAD_PRICE);
    assert_int_equal(rw_implied_vol(&terms, __builtin_nan(""), 1, &vol), RW_IMPLIED_BAD_TERMS);
    assert_int_equal(rw_implied_vol(&terms, 0, 1, &vol), RW_IMPLIED_NO_TIME);
    terms.years = 0;
    assert_int_equal(rw_implied_vol(&terms, 120, 20, &vol), RW_IMPLIED_NO_TIME);
    terms.years = -1;
    assert_int_equal(rw_implied_vol(&terms, 120, 20, &vol), RW_IMPLIED_BAD_TERMS);
    assert_true(strlen(rw_implied_reason_text(RW_IMPLIED_TOO_LOW)) > 10);
}

/* A vol can be no better known than the price: one bit of it moves the vol by ulp(price)/vega. */
static void a_vol_comes_back_from_its_price(void **state) {
    struct rw_rng rng = seeded();
    int tried = 0;
    for (int i = 0; i < 100000; i++) {
        struct rw_option_terms terms = some_terms(&rng, 1);
        if (i & 1) terms.style = RW_OPTION_BLACK76;
        terms.vol = uniform(&rng, 0.001, 3);
        double spot = uniform(&rng, 5, 800), vol;
        struct greeks g = value_of(&terms, spot);
        if (g.vega < 1e-9 * spot) continue; /* the price no longer depends on the vol */
        tried++;
        assert_int_equal(rw_implied_vol(&terms, spot, g.price, &vol), RW_IMPLIED_FINE);
        double least = spot < terms.strike ? terms.strike : spot;
        near_to(vol, terms.vol, 1e-12 * terms.vol + 4e-15 * least / g.vega);
    }
    assert_true(tried > 50000);
}

static void far_out_prices_keep_relative_precision(void **state) {
    struct rw_option_terms terms = {RW_OPTION_EUROPEAN, RW_OPTION_CALL, 300, 0, 0, 0.05, 1};
    double vol, price = value_of(&terms, 100).price;
    assert_true(price > 0 && price < 1e-100);
    assert_int_equal(rw_implied_vol(&terms, 100, price, &vol), RW_IMPLIED_FINE);
    near_to(vol, 0.05, 1e-12);
}

static void published_vols_come_back(void **state) {
    struct oracle_row row;
    FILE *file = oracle_open("black76_high_precision.csv");
    if (!file) skip();
    assert_true(oracle_next(file, &row));
    while (oracle_next(file, &row)) {
        struct rw_option_terms terms = {
            RW_OPTION_BLACK76, row.field[0][0] == 'p', atof(row.field[2]), 0, 0, 0,
            atof(row.field[3])};
        double vol;
        assert_int_equal(rw_implied_vol(&terms, atof(row.field[1]), atof(row.field[5]), &vol),
                         RW_IMPLIED_FINE);
        near_to(vol, atof(row.field[4]), 1e-12);
    }
    fclose(file);
}

static void an_american_vol_comes_back_from_its_price(void **state) {
    struct rw_rng rng = seeded();
    for (int i = 0; i < 2000; i++) {
        struct rw_option_terms terms = some_terms(&rng, 1);
        terms.style = RW_OPTION_AMERICAN;
        terms.vol = uniform(&rng, 0.05, 1.2);
        double spot = uniform(&rng, 50, 200), vol;
        struct greeks g = value_of(&terms, spot);
        if (g.vega < 1e-4 * spot) continue;
        assert_int_equal(rw_implied_vol(&terms, spot, g.price, &vol), RW_IMPLIED_FINE);
        near_to(vol, terms.vol, 1e-8);
    }
}

/* The table holds the last vol; the kernel goes from there. */
static void three_steps_from_a_near_vol_suffice(void **state) {
    enum { ROWS = 64 };
    static _Alignas(64) uint8_t memory[16384];
    struct rw_rng rng = seeded();
    struct rw_option_table table;
    assert_true(rw_option_table_footprint(ROWS, false) <= sizeof memory);
    for (int round = 0; round < 200; round++) {
        double price[ROWS], wanted[ROWS], vol[ROWS], vega[ROWS], spot = uniform(&rng, 60, 160);
        rw_option_table_init(&table, memory, ROWS, false);
        for (uint32_t i = 0; i < ROWS; i++) {
            struct rw_option_terms terms = some_terms(&rng, 1);
            terms.vol = wanted[i] = uniform(&rng, 0.08, 1);
            struct greeks g = value_of(&terms, spot);
            price[i] = g.price;
            vega[i] = g.vega;
            terms.vol *= uniform(&rng, 0.9, 1.1);
            assert_int_equal(rw_option_set(&table, i, &terms), RW_OPTION_FINE);
        }
        rw_option_kernel_best()->implied(&table, 0, ROWS, spot, price, vol);
        for (uint32_t i = 0; i < ROWS; i++)
            if (vega[i] > 0.01 * spot) near_to(vol[i], wanted[i], 1e-9);
    }
}

static void a_row_that_tells_nothing_keeps_its_vol(void **state) {
    static _Alignas(64) uint8_t memory[4096];
    struct rw_option_table table;
    double price = 5, vol;
    rw_option_table_init(&table, memory, 1, false);
    struct rw_option_terms terms = {RW_OPTION_EUROPEAN, RW_OPTION_CALL, 100, 0, 0, 0, 1};
    assert_int_equal(rw_option_set(&table, 0, &terms), RW_OPTION_FINE);
    rw_option_kernel_best()->implied(&table, 0, 1, 100, &price, &vol);
    assert_true(vol == 0);
    terms.vol = 0.01;
    terms.strike = 1e6;
    assert_int_equal(rw_option_set(&table, 0, &terms), RW_OPTION_FINE);
    rw_option_kernel_best()->implied(&table, 0, 1, 100, &price, &vol);
    assert_true(vol == 0.01);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prices_without_a_vol_are_refused_with_their_reason),
        cmocka_unit_test(a_vol_comes_back_from_its_price),
        cmocka_unit_test(far_out_prices_keep_relative_precision),
        cmocka_unit_test(published_vols_come_back),
        cmocka_unit_test(an_american_vol_comes_back_from_its_price),
        cmocka_unit_test(three_steps_from_a_near_vol_suffice),
        cmocka_unit_test(a_row_that_tells_nothing_keeps_its_vol),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
