/* The histogram: every value in a bucket within 1/32, quantiles as of a sorted list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include "dataplane/base/hist.h"
#include "dataplane/base/rng.h"

static uint64_t seed_of_run(void) {
    const char *text = getenv("RW_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : 20240506;
    printf("RW_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

static void every_value_lies_below_its_buckets_edge_and_above_the_one_before(void **state) {
    struct rw_rng rng;
    rw_rng_seed(&rng, seed_of_run());
    for (int i = 0; i < 200000; i++) {
        uint64_t value = rw_rng_next(&rng) >> (24 + rw_rng_below(&rng, 40));
        uint32_t index = rw_hist_index(value);
        assert_true(index < RW_HIST_BUCKETS);
        assert_true(value <= rw_hist_edge(index));
        assert_true(index == 0 || value > rw_hist_edge(index - 1));
        assert_true((rw_hist_edge(index) - value) * 32 <= value);
    }
}

static void the_edges_of_powers_of_two_are_exact(void **state) {
    for (uint32_t bit = 0; bit < RW_HIST_TOP_BITS; bit++) {
        uint64_t value = 1ull << bit;
        assert_true(rw_hist_index(value) == rw_hist_index(value - 1) + 1);
    }
    assert_int_equal(rw_hist_index(UINT64_MAX), RW_HIST_BUCKETS - 1);
    assert_int_equal(rw_hist_index((1ull << RW_HIST_TOP_BITS) - 1), RW_HIST_BUCKETS - 1);
}

static void an_empty_histogram_has_the_quantile_zero(void **state) {
    static struct rw_hist hist;
    assert_int_equal(rw_hist_quantile(&hist, 999, 1000), 0);
}

static int by_value(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

static void quantiles_are_within_a_bucket_of_the_sorted_list(void **state) {
    static struct rw_hist hist, half;
    static uint64_t values[10000];
    struct rw_rng rng;
    rw_rng_seed(&rng, seed_of_run());
    for (size_t i = 0; i < 10000; i++) {
        values[i] = rw_rng_next(&rng) >> (30 + rw_rng_below(&rng, 30));
        rw_hist_add(i % 2 ? &hist : &half, values[i]);
    }
    rw_hist_merge(&hist, &half);
    qsort(values, 10000, sizeof values[0], by_value);
    static const uint64_t parts[] = {1, 500, 900, 990, 999, 1000};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        uint64_t exact = values[parts[i] * 10 - 1], got = rw_hist_quantile(&hist, parts[i], 1000);
        assert_true(got >= exact && got - exact <= exact / 32);
    }
    assert_true(rw_hist_quantile(&hist, 1, 1) == values[9999]);
    assert_true(atomic_load(&hist.count) == 10000);
}

static void a_value_above_the_top_is_shown_as_it_was(void **state) {
    static struct rw_hist hist;
    rw_hist_add(&hist, 1ull << 50);
    assert_true(rw_hist_quantile(&hist, 1, 2) == 1ull << 50);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_lies_below_its_buckets_edge_and_above_the_one_before),
        cmocka_unit_test(the_edges_of_powers_of_two_are_exact),
        cmocka_unit_test(an_empty_histogram_has_the_quantile_zero),
        cmocka_unit_test(quantiles_are_within_a_bucket_of_the_sorted_list),
        cmocka_unit_test(a_value_above_the_top_is_shown_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
