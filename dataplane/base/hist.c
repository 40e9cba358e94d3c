#include "dataplane/base/hist.h"

#include "dataplane/base/assert.h"

uint64_t rw_hist_edge(uint32_t index) {
    RW_ASSERT(index < RW_HIST_BUCKETS);
    uint32_t subs = 1u << RW_HIST_SUB_BITS;
    if (index < subs) return index;
    uint32_t shift = (index >> RW_HIST_SUB_BITS) - 1;
    return ((uint64_t)(subs + (index & (subs - 1))) << shift) + (1ull << shift) - 1;
}

uint64_t rw_hist_quantile(const struct rw_hist *hist, uint64_t parts, uint64_t per) {
    RW_ASSERT(per > 0 && parts <= per);
    /* The buckets are summed here, not `count`: the writer goes on while we read. */
    uint64_t total = 0, seen = 0;
    for (uint32_t i = 0; i < RW_HIST_BUCKETS; i++)
        total += atomic_load_explicit(&hist->bucket[i], memory_order_relaxed);
    if (!total) return 0;
    uint64_t rank = (uint64_t)(((unsigned __int128)total * parts + per - 1) / per);
    uint64_t max = atomic_load_explicit(&hist->max, memory_order_relaxed);
    for (uint32_t i = 0; i < RW_HIST_BUCKETS - 1; i++) {
        seen += atomic_load_explicit(&hist->bucket[i], memory_order_relaxed);
        if (seen >= rank && seen) return rw_hist_edge(i) < max ? rw_hist_edge(i) : max;
    }
    return max;
}

void rw_hist_merge(struct rw_hist *to, const struct rw_hist *from) {
    uint64_t max = atomic_load_explicit(&from->max, memory_order_relaxed);
    rw_hist_bump(&to->count, atomic_load_explicit(&from->count, memory_order_relaxed));
    rw_hist_bump(&to->sum, atomic_load_explicit(&from->sum, memory_order_relaxed));
    for (uint32_t i = 0; i < RW_HIST_BUCKETS; i++)
        rw_hist_bump(&to->bucket[i], atomic_load_explicit(&from->bucket[i], memory_order_relaxed));
    if (max > atomic_load_explicit(&to->max, memory_order_relaxed))
        atomic_store_explicit(&to->max, max, memory_order_relaxed);
}
