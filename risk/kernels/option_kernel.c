#include "risk/kernels/option_kernel.h"

#include "dataplane/base/assert.h"

const struct rw_option_kernel *rw_option_kernels(void) {
    static const struct rw_option_kernel all[] = {
        {"avx512", 8, rw_option_price_avx512, rw_option_implied_avx512},
        {"avx2", 4, rw_option_price_avx2, rw_option_implied_avx2},
        {"scalar", 1, rw_option_price_scalar, rw_option_implied_scalar},
        {NULL, 0, NULL, NULL},
    };
    return __builtin_cpu_supports("avx512f") ? &all[0] : &all[1];
}

const struct rw_option_kernel *rw_option_kernel_best(void) { return &rw_option_kernels()[0]; }

#define SAMPLE 61u /* no multiple of any width */

/* Terms that reach every branch: in and out of the money, far tails, no vol, no time, no early
 * exercise. A linear congruence is random enough, and needs no state. */
static struct rw_option_terms sample(uint32_t i) {
    uint32_t mixed = i * 2654435761u;
    return (struct rw_option_terms){
        .style = (uint8_t)(i % 3),
        .type = (uint8_t)(i / 3 % 2),
        .strike = i == 7 ? 0 : 40.0 + (mixed >> 8) % 160,
        .rate = ((double)((mixed >> 4) % 17) - 4) / 100,
        .dividend = ((double)((mixed >> 12) % 13) - 3) / 100,
        .vol = i % 11 == 5 ? 0 : 0.02 + (mixed >> 16) % 90 / 100.0,
        .years = i % 13 == 6 ? 0 : (1 + (mixed >> 20) % 900) / 365.0,
    };
}

struct rw_hash rw_option_kernel_hash(const struct rw_option_kernel *kernel) {
    static const double spots[] = {0, 1e-3, 61.5, 99.99, 100, 143.25, 1e6};
    _Alignas(64) uint8_t memory[64 * 1024];
    double column[6][SAMPLE], implied[SAMPLE];
    struct rw_option_values out = {column[0], column[1], column[2],
                                   column[3], column[4], column[5]};
    struct rw_option_table table;
    struct rw_hash hash = {0, 0};
    RW_ASSERT(rw_option_table_footprint(SAMPLE, true) <= sizeof memory);
    rw_option_table_init(&table, memory, SAMPLE, true);
    for (uint32_t i = 0; i < SAMPLE; i++) {
        struct rw_option_terms terms = sample(i);
        RW_ASSERT(rw_option_set(&table, i, &terms) == RW_OPTION_FINE);
    }
    for (size_t s = 0; s < sizeof spots / sizeof *spots; s++) {
        kernel->price(&table, 0, SAMPLE, spots[s], &out);
        kernel->implied(&table, 0, SAMPLE, 1.01 * spots[s], out.price, implied);
        for (uint32_t k = 0; k < 6; k++) hash = rw_hash_chain(hash, column[k], sizeof column[k]);
        hash = rw_hash_chain(hash, implied, sizeof implied);
    }
    return hash;
}
