/* A small seeded generator (xoshiro256**, public-domain algorithm by Blackman and Vigna) for market
 * simulation and tests. Same seed, same numbers on every host. Not for keys. */
#pragma once

#include <stdint.h>

struct rw_rng {
    uint64_t state[4];
};

/* rw_rng_seed starts the sequence that belongs to the seed; any seed will do. rw_rng_next returns
 * the next 64 uniform bits. */
void rw_rng_seed(struct rw_rng *rng, uint64_t seed);
uint64_t rw_rng_next(struct rw_rng *rng);
/* rw_rng_below returns a uniform number in 0..limit-1; limit ≥ 1. */
uint64_t rw_rng_below(struct rw_rng *rng, uint64_t limit);
/* rw_rng_chance is true with probability parts / per. */
static inline int rw_rng_chance(struct rw_rng *rng, uint64_t parts, uint64_t per) {
    return rw_rng_below(rng, per) < parts;
}
