/* What the option tests share: one option priced by the best kernel, seeded terms, nearness. */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "dataplane/base/rng.h"
#include "risk/kernels/option_kernel.h"

struct greeks {
    double price, delta, gamma, vega, theta, rho;
};

/* Needs cmocka.h before it. */
static inline struct greeks value_of(const struct rw_option_terms *terms, double spot) {
    static _Alignas(64) uint8_t memory[8192];
    struct rw_option_table table;
    struct greeks g;
    struct rw_option_values out = {&g.price, &g.delta, &g.gamma, &g.vega, &g.theta, &g.rho};
    assert_true(rw_option_table_footprint(1, true) <= sizeof memory);
    rw_option_table_init(&table, memory, 1, true);
    assert_int_equal(rw_option_set(&table, 0, terms), RW_OPTION_FINE);
    rw_option_kernel_best()->price(&table, 0, 1, spot, &out);
    return g;
}

static inline void near_to(double value, double wanted, double tolerance) {
    double off = value > wanted ? value - wanted : wanted - value;
    if (!(off <= tolerance)) fail_msg("%.17g, wanted %.17g within %g", value, wanted, tolerance);
}

static inline struct rw_rng seeded(void) {
    const char *given = getenv("RW_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : 20260102;
    struct rw_rng rng;
    printf("RW_SEED=%llu\n", (unsigned long long)seed);
    rw_rng_seed(&rng, seed);
    return rng;
}

static inline double uniform(struct rw_rng *rng, double low, double high) {
    return low + (high - low) * (double)(rw_rng_next(rng) >> 11) * 0x1p-53;
}

static inline struct rw_option_terms some_terms(struct rw_rng *rng, uint8_t styles) {
    return (struct rw_option_terms){.style = (uint8_t)rw_rng_below(rng, styles),
                                    .type = (uint8_t)rw_rng_below(rng, 2),
                                    .strike = uniform(rng, 20, 300),
                                    .rate = uniform(rng, -0.02, 0.15),
                                    .dividend = uniform(rng, -0.02, 0.12),
                                    .vol = uniform(rng, 0.01, 1.5),
                                    .years = uniform(rng, 0.003, 5)};
}
