/* Merge: from what the shards say to the one numbered, hashed order of results.
 *
 *   shard 0 of n ─┐
 *   shard 1 of n ─┼─► records as they come · DESK, DESK_LIMIT per desk · FIRM, FIRM_LIMIT · end
 *   …             ┘   addends are taken in
 *
 * Shards own ascending portfolio ranges, so shard 0, 1, … of one input is (portfolio, kind,
 * instrument) order. Desk and firm totals are sums of what portfolios published (additive in
 * integers, so free of order and of the number of shards); their limits are decided here. A desk is
 * touched when one of its portfolios emitted a record; each touched desk, and then the firm, emits
 * one.
 *
 * The running hash is defined for every n, also without results, rh(0) = 0:
 *   h = rh(n−1);  for each record h = XXH3-128(h ‖ record);  rh(n) = XXH3-128(h ‖ n ‖ count) */
#pragma once

#include <stddef.h>

#include "dataplane/base/hash.h"
#include "dataplane/record/image.h"
#include "dataplane/record/result.h"
#include "dataplane/record/result_end.h"
#include "dataplane/stats/stats.h"
#include "risk/risk_core.h"

#define RW_MERGE_COUNTERS(X)                                                \
    X(inputs, "entries", "log entries whose results are complete")          \
    X(results, "records", "results numbered")                               \
    X(totals, "records", "of these: desk and firm totals and their limits") \
    X(addends, "messages", "changes of a desk taken in")                    \
    X(ends, "messages", "end markers sent")                                 \
    X(clamped, "records", "totals cut to the range of 64 bits")
RW_STATS_STRUCT(rw_merge_counters, RW_MERGE_COUNTERS);

struct rw_merge_cfg {
    const struct rw_image *image; /* names desks and their limits; outlives merge */
    struct rw_merge_counters *counters;
};

struct rw_merge;

/* rw_merge_footprint returns the bytes rw_merge_new needs, a multiple of 64. */
size_t rw_merge_footprint(const struct rw_merge_cfg *cfg);
/* rw_merge_new builds merge in memory (64-byte aligned, zeroed, owned by the caller) before input
 * 1. */
struct rw_merge *rw_merge_new(void *memory, const struct rw_merge_cfg *cfg);

/* rw_merge_input returns the input being merged: n of the next end. Starts at 1. */
uint64_t rw_merge_input(const struct rw_merge *merge);

/* rw_merge_take takes one message of the present input; shards in order. True: *to holds the
 * numbered result. False: it was an addend, *to is untouched. message and to may be equal. */
bool rw_merge_take(struct rw_merge *merge, const struct rw_result *message, struct rw_result *to);

/* rw_merge_total writes the next desk or firm record of the present input once all shards are
 * through; false when there is none left. */
bool rw_merge_total(struct rw_merge *merge, struct rw_result *to);

/* rw_merge_end closes the present input (after rw_merge_total said false, asserted), stores rh(n)
 * and goes on to n + 1. True: *to holds an end marker to be sent (n had records, or n divides by
 * RW_RESULT_END_EVERY); false: *to is untouched. */
bool rw_merge_end(struct rw_merge *merge, struct rw_result_end *to, struct rw_hash *hash);

/* rw_merge_results returns the number of the last result, 0 at first. */
uint64_t rw_merge_results(const struct rw_merge *merge);
