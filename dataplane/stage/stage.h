/* The stage contract: a stage returns, the runner owns the core.
 *
 *   plan (pure) ─► init_priv ─► init ─► [ poll … poll … housekeep … ] ─► leave ─► fini
 *
 * 1. The runner computes budget = min(burst_max, min over reliable outputs of room / fan_out) and
 *    skips the visit at 0, so a push within the budget cannot fail. A stage takes at most `budget`
 *    inputs per visit and emits at most fan_out messages per input on each output. A stage with
 *    more to say keeps a cursor, takes no new input, goes on at the next visit, and reports the
 *    work as done.
 * 2. poll never waits, allocates, logs, makes a system call or reads a clock. A type with `io` set
 *    may make non-blocking batched calls.
 * 3. A stage touches its own state and its links; no globals, no pointer into another stage.
 *
 * How to add one: write x_stage.[ch] with a `const struct rw_stage_type`, and a row in
 * tools/riskwired/topology.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/base/clock.h"
#include "dataplane/base/mem.h"
#include "dataplane/link/ring.h"
#include "dataplane/link/tap.h"
#include "dataplane/link/watermark.h"
#include "dataplane/stats/stats.h"

#define RW_STAGE_LINKS_MAX 16u

/* What a stage is given at init. Links stand in the order of the rows of the topology table; all
 * instances of a repeated stage (risk[k]) are given the whole list of their own links only. */
struct rw_stage_env {
    const char *name; /* "feed", "risk1": the block name for statistics and the owner in the plan */
    uint32_t instance;  /* k of risk[k], else 0 */
    uint32_t instances; /* number of shards, else 1 */
    struct rw_ring *in[RW_STAGE_LINKS_MAX];
    uint32_t in_count;
    struct rw_ring *out[RW_STAGE_LINKS_MAX];
    uint32_t out_count;
    struct rw_watermarks *watermarks;
    struct rw_stats *stats;
    struct rw_taps *taps; /* NULL: none. The taps of links are the runner's affair */
    struct rw_arena *arena;
    const struct rw_clock *clock;
};

struct rw_stage_type {
    const char *name;
    bool io; /* poll may make non-blocking batched system calls */
    /* plan adds every byte the stage will use under `name`. Pure: no I/O. 0 or -errno with an
     * error. */
    int (*plan)(const void *cfg, const char *name, uint32_t instances, struct rw_plan *plan);
    /* init_priv opens devices before privileges are dropped. May be NULL. */
    int (*init_priv)(void *stage, const void *cfg, const struct rw_stage_env *env);
    /* init takes its planned memory from env->arena and sets *stage. The last chance to allocate
     * or fail. */
    int (*init)(void **stage, const void *cfg, const struct rw_stage_env *env);
    /* poll does up to `budget` inputs' work. Returns taken + emitted; 0 = idle. */
    uint32_t (*poll)(void *stage, uint32_t budget, uint64_t now_ns);
    /* housekeep refreshes gauges; called rarely, ≤ 2 µs. May be NULL. */
    void (*housekeep)(void *stage, uint64_t now_ns);
    /* leave is the last call on the stage's own thread, after the last visit: what was begun may be
     * finished there, for at most two seconds. It may wait. May be NULL. */
    void (*leave)(void *stage);
    /* fini releases what init opened. May be NULL. */
    void (*fini)(void *stage);
};
