/* Chances of the simulator without floating point: exponential waits, unequal popularity, a
 * walk's steps. */
#pragma once

#include <stdint.h>

#include "dataplane/base/rng.h"

#define RW_GEN_EXP_STEPS   4096u
#define RW_GEN_EXP_ONE     65536u /* fixed point of rw_gen_exponential */
#define RW_GEN_GUIDE_STEPS (1u << 17)

/* Tables, made once. guide maps a 17-bit number to a symbol so that rank k has weight 1 / (k +
 * 8). */
struct rw_gen_chance {
    struct rw_rng rng;
    uint32_t exponential[RW_GEN_EXP_STEPS];
    uint16_t guide[RW_GEN_GUIDE_STEPS];
};

/* rw_gen_chance_init fills the tables; which symbol has which rank is drawn from the seed. 1 ≤
 * symbols ≤ 65,535. */
void rw_gen_chance_init(struct rw_gen_chance *chance, uint64_t seed, uint32_t symbols);

/* rw_gen_exponential draws from an exponential law of mean 1, in 1/65,536. */
static inline uint64_t rw_gen_exponential(struct rw_gen_chance *chance) {
    return chance->exponential[rw_rng_next(&chance->rng) >> 52];
}
/* rw_gen_popular draws a symbol by popularity. */
static inline uint32_t rw_gen_popular(struct rw_gen_chance *chance) {
    return chance->guide[rw_rng_next(&chance->rng) >> 47];
}
static inline uint32_t rw_gen_below(struct rw_gen_chance *chance, uint32_t limit) {
    return (uint32_t)(((rw_rng_next(&chance->rng) >> 32) * limit) >> 32);
}
/* rw_gen_normal draws a near-normal number of the given standard deviation (sum of twelve
 * uniforms). */
int64_t rw_gen_normal(struct rw_gen_chance *chance, uint64_t deviation);
