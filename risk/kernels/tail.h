/* The tail of a P&L vector: its k-th smallest value and the sum of its k smallest, the raw material
 * of historical VaR and expected shortfall.
 *
 *   vector ─► minima of groups ─► a bound of the tail ─► what is not above it, about 20 ─► ranks
 *
 *   VaR = −s[k − 1]      k = ceil(n·(10000 − confidence)/10000), s ascending, confidence in 1/10000
 *   ES  = −(s[0] + … + s[k − 1])/k, rounded half to even
 *
 * Integers throughout, so every kernel gives the same answer; ranks are computed in integers too,
 * because 1.0 − 0.99 > 0.01 in doubles. Pure; any thread. */
#pragma once

#include <stdint.h>

#define RW_TAIL_LANES   8u
#define RW_TAIL_MAX     (1u << 24) /* values of a vector */
#define RW_TAIL_PADDING INT64_MAX

/* Values rounded up to whole lanes; those behind the last are RW_TAIL_PADDING. */
#define RW_TAIL_PADDED(count) (((count) + RW_TAIL_LANES - 1) & ~(RW_TAIL_LANES - 1))

struct rw_tail_ranks {
    uint32_t value; /* which of the smallest, from 1, is the VaR */
    uint32_t mean;  /* how many of the smallest are the ES */
};

struct rw_tail {
    int64_t value;  /* the ranks.value-th smallest */
    __int128 total; /* of the ranks.mean smallest */
};

/* rw_tail_rank returns k for n ≥ 1 values at a confidence of 0..9999 basis points: 1..n. */
static inline uint32_t rw_tail_rank(uint32_t count, uint32_t confidence_bp) {
    return (uint32_t)(((uint64_t)count * (10000 - confidence_bp) + 9999) / 10000);
}

/* A kernel looks at RW_TAIL_PADDED(count) values, count 1..RW_TAIL_MAX, of a 64-byte aligned
 * vector; both ranks are 1..count. `work` has room for as many values and 64 more; 64-byte aligned.
 * Values that are RW_TAIL_PADDING themselves are not allowed. */
typedef void rw_tail_fn(const int64_t *vector, uint32_t count, struct rw_tail_ranks ranks,
                        int64_t *work, struct rw_tail *tail);
rw_tail_fn rw_tail_scalar, rw_tail_avx2, rw_tail_avx512;

/* rw_tail_best returns the fastest kernel that this host can run. */
rw_tail_fn *rw_tail_best(void);
