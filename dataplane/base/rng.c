#include "dataplane/base/rng.h"

#include "dataplane/base/assert.h"

static uint64_t rotate(uint64_t value, int by) { return value << by | value >> (64 - by); }

/* splitmix64 spreads a seed over the state: no seed, not even 0, gives the all-zero state. */
void rw_rng_seed(struct rw_rng *rng, uint64_t seed) {
    for (int i = 0; i < 4; i++) {
        uint64_t z = seed += 0x9E3779B97F4A7C15ull;
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
        z = (z ^ z >> 27) * 0x94D049BB133111EBull;
        rng->state[i] = z ^ z >> 31;
    }
}

uint64_t rw_rng_next(struct rw_rng *rng) {
    uint64_t *s = rng->state;
    uint64_t value = rotate(s[1] * 5, 7) * 9, shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate(s[3], 45);
    return value;
}

/* The high half of a product maps 2^64 values onto `limit` ranges; the few low halves that would
 * favour some ranges are drawn again (fewer than one in two draws at worst, practically none). */
uint64_t rw_rng_below(struct rw_rng *rng, uint64_t limit) {
    RW_ASSERT(limit >= 1);
    uint64_t unfair = (0 - limit) % limit;
    for (;;) {
        unsigned __int128 product = (unsigned __int128)rw_rng_next(rng) * limit;
        if ((uint64_t)product >= unfair) return (uint64_t)(product >> 64);
    }
}
