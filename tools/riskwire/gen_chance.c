#include "tools/riskwire/gen_chance.h"

#include <stdlib.h>

#include "dataplane/base/assert.h"

#define LN2_Q32    2977044472ull /* ln 2 · 2^32 */
#define RANK_SHIFT 8u            /* the most popular symbol is not too popular */

/* -ln(x / 2^32) in 1/65,536 for x in 1..2^32-1: log2 bit by bit, by squaring. */
static uint32_t minus_ln(uint64_t x) {
    uint32_t exponent = 63u - (uint32_t)__builtin_clzll(x);
    uint64_t mantissa = x << (31 - exponent); /* 1 ≤ m / 2^31 < 2 */
    uint64_t log2_q32 = (uint64_t)exponent << 32;
    for (uint64_t bit = 1ull << 31; bit; bit >>= 1) {
        mantissa = (mantissa * mantissa) >> 31;
        if (mantissa >> 32) {
            mantissa >>= 1;
            log2_q32 |= bit;
        }
    }
    uint64_t rest = (32ull << 32) - log2_q32;
    return (uint32_t)(((unsigned __int128)rest * LN2_Q32) >> 48);
}

static void fill_guide(struct rw_gen_chance *chance, uint32_t symbols) {
    uint16_t *by_rank = malloc(symbols * sizeof *by_rank);
    uint64_t total = 0, weight_sum = 0;
    uint32_t step = 0;
    RW_ASSERT(by_rank);
    for (uint32_t i = 0; i < symbols; i++) by_rank[i] = (uint16_t)i;
    for (uint32_t i = symbols - 1; i > 0; i--) {
        uint32_t other = rw_gen_below(chance, i + 1);
        uint16_t swapped = by_rank[i];
        by_rank[i] = by_rank[other];
        by_rank[other] = swapped;
    }
    for (uint32_t rank = 0; rank < symbols; rank++) total += (1ull << 40) / (rank + RANK_SHIFT);
    for (uint32_t rank = 0; rank < symbols; rank++) {
        weight_sum += (1ull << 40) / (rank + RANK_SHIFT);
        uint64_t end = weight_sum * RW_GEN_GUIDE_STEPS / total; /* < 2^61 */
        while (step < end) chance->guide[step++] = by_rank[rank];
    }
    while (step < RW_GEN_GUIDE_STEPS) chance->guide[step++] = by_rank[0];
    free(by_rank);
}

void rw_gen_chance_init(struct rw_gen_chance *chance, uint64_t seed, uint32_t symbols) {
    rw_rng_seed(&chance->rng, seed);
    for (uint32_t i = 0; i < RW_GEN_EXP_STEPS; i++)
        chance->exponential[i] = minus_ln((2ull * i + 1) << 19);
    fill_guide(chance, symbols);
}

int64_t rw_gen_normal(struct rw_gen_chance *chance, uint64_t deviation) {
    int64_t sum = 0;
    for (int i = 0; i < 3; i++) {
        uint64_t bits = rw_rng_next(&chance->rng);
        for (int k = 0; k < 4; k++, bits >>= 16) sum += (int64_t)(bits & 0xFFFF);
    }
    return (sum - 6 * 65535) * (int64_t)deviation / 65536;
}
