/* American options: the hot path's approximation and the slow checker against published values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "risk/kernels/american_reference.h"
#include "tests/unit/risk/option_fixture.h"
#include "tests/unit/risk/oracle_csv.h"

/* Columns type,strike,spot,q,r,t,vol,price,tol. */
static struct rw_option_terms haug_terms(const struct oracle_row *row) {
    return (struct rw_option_terms){
        RW_OPTION_AMERICAN,  row->field[0][0] == 'p', atof(row->field[1]), atof(row->field[4]),
        atof(row->field[3]), atof(row->field[6]),     atof(row->field[5])};
}
/* Columns type,spot,strike,days,vol,r,q. */
static struct rw_option_terms dated_terms(const struct oracle_row *row) {
    return (struct rw_option_terms){
        RW_OPTION_AMERICAN,  row->field[0][0] == 'p', atof(row->field[2]),      atof(row->field[5]),
        atof(row->field[6]), atof(row->field[4]),     atof(row->field[3]) / 365};
}

static void published_baw_values_are_met(void **state) {
    struct oracle_row row;
    FILE *file = oracle_open("american_baw.csv");
    if (!file) skip();
    assert_true(oracle_next(file, &row));
    while (oracle_next(file, &row)) {
        struct rw_option_terms terms = haug_terms(&row);
        near_to(value_of(&terms, atof(row.field[2])).price, atof(row.field[7]), atof(row.field[8]));
    }
    fclose(file);
}

/* The table holds an approximation good to a few tenths of a percent, and says so. */
static void the_checker_is_near_jus_values(void **state) {
    struct oracle_row row;
    FILE *file = oracle_open("american_ju.csv");
    if (!file) skip();
    assert_true(oracle_next(file, &row));
    while (oracle_next(file, &row)) {
        struct rw_option_terms terms = haug_terms(&row);
        double wanted = atof(row.field[7]);
        near_to(rw_american_reference(&terms, atof(row.field[2])), wanted, 1e-3 + 0.004 * wanted);
    }
    fclose(file);
}

static void bjerksund_and_stensland_is_a_lower_bound_of_the_checker(void **state) {
    struct oracle_row row;
    FILE *file = oracle_open("american_bjerksund_stensland.csv");
    if (!file) skip();
    assert_true(oracle_next(file, &row));
    while (oracle_next(file, &row)) {
        struct rw_option_terms terms = haug_terms(&row);
        double bound = atof(row.field[7]) - atof(row.field[8]);
        assert_true(rw_american_reference(&terms, atof(row.field[2])) >= bound);
    }
    fclose(file);
}

static void the_checker_meets_random_options_to_a_millionth(void **state) {
    struct oracle_row row;
    double worst = 0;
    FILE *file = oracle_open("american_random_pde.csv");
    if (!file) skip();
    assert_true(oracle_next(file, &row));
    while (oracle_next(file, &row)) {
        struct rw_option_terms terms = dated_terms(&row);
        double value = rw_american_reference(&terms, atof(row.field[1]));
        double pde = atof(row.field[7]), wanted = atof(row.field[8]);
        near_to(value, pde, pde > 0.1 ? 0.005 * pde : 5e-4);
        double off = __builtin_fabs(value - wanted) / (wanted > 1e-3 ? wanted : 1e-3);
        if (off > worst) worst = off;
    }
    fclose(file);
    print_message("largest relative distance from the other method: %.3g\n", worst);
    near_to(worst, 0, 2e-5);
}

/* Two rows of the table were made by a method of three digits; they are met to that. */
static void extreme_terms_have_their_values(void **state) {
    struct oracle_row row;
    FILE *file = oracle_open("american_edge.csv");
    if (!file) skip();
    assert_true(oracle_next(file, &row));
    while (oracle_next(file, &row)) {
        struct rw_option_terms terms = dated_terms(&row);
        double wanted = atof(row.field[7]), tolerance = atof(row.field[8]);
        bool coarse = terms.years == 10 || terms.dividend == 10;
        if (tolerance < 0) tolerance = 0.005 * wanted;
        if (coarse) tolerance = 0.002 * wanted;
        near_to(rw_american_reference(&terms, atof(row.field[1])), wanted, tolerance);
    }
    fclose(file);
}

static void the_premium_of_the_published_example_has_nine_digits(void **state) {
    struct rw_option_terms terms = {RW_OPTION_AMERICAN, RW_OPTION_PUT, 100, 0.05, 0.05, 0.25, 1};
    double american = rw_american_reference(&terms, 100);
    terms.style = RW_OPTION_EUROPEAN;
    near_to(american - value_of(&terms, 100).price, 0.106952702, 1e-9);
}

static void american_is_never_below_european_nor_intrinsic(void **state) {
    struct rw_rng rng = seeded();
    for (int i = 0; i < 20000; i++) {
        struct rw_option_terms terms = some_terms(&rng, 1);
        double spot = uniform(&rng, 20, 300), sign = terms.type == RW_OPTION_CALL ? 1 : -1;
        double european = value_of(&terms, spot).price, intrinsic = sign * (spot - terms.strike);
        terms.style = RW_OPTION_AMERICAN;
        double american = value_of(&terms, spot).price;
        assert_true(american >= european - 1e-12 * spot);
        bool two_boundaries = sign > 0 ? terms.rate < terms.dividend && terms.dividend < 0
                                       : terms.dividend < terms.rate && terms.rate < 0;
        if (!two_boundaries && (sign > 0 ? terms.dividend > 0 : terms.rate > 0))
            assert_true(american >= intrinsic - 1e-9 * spot);
    }
}

static void without_reason_to_exercise_american_equals_european(void **state) {
    struct rw_rng rng = seeded();
    for (int i = 0; i < 2000; i++) {
        struct rw_option_terms terms = some_terms(&rng, 1);
        double spot = uniform(&rng, 20, 300);
        if (terms.type == RW_OPTION_CALL) terms.dividend = -0.01 * (double)(i % 3);
        if (terms.type == RW_OPTION_PUT) terms.rate = -0.01 * (double)(i % 3);
        struct greeks european = value_of(&terms, spot);
        terms.style = RW_OPTION_AMERICAN;
        struct greeks american = value_of(&terms, spot);
        assert_memory_equal(&american, &european, sizeof american);
    }
}

/* BAW's own error, as published in risk/README.md. */
static void the_approximation_stays_within_its_known_error(void **state) {
    struct rw_rng rng = seeded();
    double worst = 0, sum = 0;
    int count = 0;
    for (int i = 0; i < 300; i++) {
        struct rw_option_terms terms = some_terms(&rng, 1);
        terms.style = RW_OPTION_AMERICAN;
        terms.strike = 100;
        terms.rate = uniform(&rng, 0.005, 0.1);
        terms.dividend = uniform(&rng, 0.005, 0.1);
        terms.vol = uniform(&rng, 0.1, 0.6);
        terms.years = uniform(&rng, 0.05, 2);
        double spot = uniform(&rng, 70, 140);
        double exact = rw_american_reference(&terms, spot), off;
        off = __builtin_fabs(value_of(&terms, spot).price - exact) / 100;
        worst = off > worst ? off : worst;
        sum += off;
        count++;
    }
    print_message("error of the approximation: mean %.2g, largest %.2g of the strike\n",
                  sum / count, worst);
    near_to(worst, 0, 5e-3);
}

static void the_checkers_greeks_agree_with_the_european_where_nothing_is_exercised(void **state) {
    struct rw_option_terms terms = {RW_OPTION_AMERICAN, RW_OPTION_CALL, 100, 0.04, 0, 0.3, 0.5};
    struct rw_american_values values;
    rw_american_reference_values(&terms, 105, &values);
    terms.style = RW_OPTION_EUROPEAN;
    struct greeks g = value_of(&terms, 105);
    near_to(values.delta, g.delta, 1e-6);
    near_to(values.gamma, g.gamma, 1e-6);
    near_to(values.vega, g.vega, 1e-4);
    near_to(values.theta, g.theta, 1e-4);
    near_to(values.rho, g.rho, 1e-4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_baw_values_are_met),
        cmocka_unit_test(the_checker_is_near_jus_values),
        cmocka_unit_test(bjerksund_and_stensland_is_a_lower_bound_of_the_checker),
        cmocka_unit_test(the_checker_meets_random_options_to_a_millionth),
        cmocka_unit_test(extreme_terms_have_their_values),
        cmocka_unit_test(the_premium_of_the_published_example_has_nine_digits),
        cmocka_unit_test(american_is_never_below_european_nor_intrinsic),
        cmocka_unit_test(without_reason_to_exercise_american_equals_european),
        cmocka_unit_test(the_approximation_stays_within_its_known_error),
        cmocka_unit_test(the_checkers_greeks_agree_with_the_european_where_nothing_is_exercised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
