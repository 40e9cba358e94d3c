/* A fixed log-linear histogram of nanoseconds: 32 sub-buckets per power of two up to 2^40 (18
 * minutes), relative error ≤ 1/32, mergeable by addition. Lives in shared memory; one writer, any
 * reader. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#define RW_HIST_SUB_BITS 5u
#define RW_HIST_TOP_BITS 40u
#define RW_HIST_BUCKETS  ((RW_HIST_TOP_BITS - RW_HIST_SUB_BITS + 1u) << RW_HIST_SUB_BITS)

struct rw_hist {
    _Atomic uint64_t count, sum, max;
    _Atomic uint64_t bucket[RW_HIST_BUCKETS];
};

/* rw_hist_index maps a value to its bucket; values above the top go to the last one. */
static inline uint32_t rw_hist_index(uint64_t value) {
    if (value >> RW_HIST_TOP_BITS) return RW_HIST_BUCKETS - 1;
    if (value < 1u << RW_HIST_SUB_BITS) return (uint32_t)value;
    uint32_t shift = 63u - (uint32_t)__builtin_clzll(value) - RW_HIST_SUB_BITS;
    return ((shift + 1) << RW_HIST_SUB_BITS) + (uint32_t)(value >> shift) -
           (1u << RW_HIST_SUB_BITS);
}

/* rw_hist_bump adds to a cell of the single writer. */
static inline void rw_hist_bump(_Atomic uint64_t *cell, uint64_t by) {
    atomic_store_explicit(cell, atomic_load_explicit(cell, memory_order_relaxed) + by,
                          memory_order_relaxed);
}

/* rw_hist_add records one value. The single writer's thread only. */
static inline void rw_hist_add(struct rw_hist *hist, uint64_t value) {
    rw_hist_bump(&hist->count, 1);
    rw_hist_bump(&hist->sum, value);
    rw_hist_bump(&hist->bucket[rw_hist_index(value)], 1);
    if (value > atomic_load_explicit(&hist->max, memory_order_relaxed))
        atomic_store_explicit(&hist->max, value, memory_order_relaxed);
}

/* rw_hist_edge returns the largest value that falls into a bucket, index < RW_HIST_BUCKETS. The
 * last bucket also holds everything above. */
uint64_t rw_hist_edge(uint32_t index);
/* rw_hist_quantile returns the upper edge of the bucket that holds the quantile parts/per
 * (999/1000 for p99.9), but never more than the largest value recorded; 0 when empty. parts ≤
 * per. Any thread. */
uint64_t rw_hist_quantile(const struct rw_hist *hist, uint64_t parts, uint64_t per);
/* rw_hist_merge adds the values of `from` to `to`. The writer of `to`. */
void rw_hist_merge(struct rw_hist *to, const struct rw_hist *from);
