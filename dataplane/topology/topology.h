/* The topology: rows for stages and links, and the life of what they describe.
 *
 *   rows ─► new (expand, check) ─► plan ─► place ─► build (arena, rings, env) ─► init_priv ─► init
 *                                    │                                             │
 *                               riskwire mem                 free ◄─ fini ◄─ stop … start ◄─ seal
 *
 *   static const struct rw_stage_row stages[] = {
 *       {"rx", &rw_rx_stage, &cfg.rx}, {"risk", &rw_risk_stage, &cfg.risk, .instances = 2}, …};
 *   static const struct rw_link_row links[] = {{"rx", "feed", 4096, 2048, 1}, …};
 *
 * A repeated stage (instances ≥ 1) becomes name0, name1, …, which share one configuration; with
 * cfg_bytes it becomes name, name2, name3, …, each with its own. Its links are expanded in
 * instance order. The order of the rows is the order of env->in and env->out, and the order of the
 * pipeline for placement. A link may start or end at "cold", the cold thread, which is no stage: it
 * takes its rings by rw_topology_link and must never wait on one. All calls: the cold thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/base/cpu.h"
#include "dataplane/stage/runner.h"
#include "dataplane/stage/stage.h"

#define RW_TOPOLOGY_STAGES_MAX RW_RUNNER_STAGES_MAX /* after expansion */
#define RW_TOPOLOGY_LINKS_MAX  96u
#define RW_TOPOLOGY_CORES_MAX  32u
#define RW_STAGE_NAME_BYTES    16u
#define RW_COLD                "cold"

struct rw_stage_row {
    const char *name; /* at most 13 characters, unique */
    const struct rw_stage_type *type;
    const void *cfg;    /* handed to plan and init; must outlive the topology */
    uint32_t instances; /* 0: one stage called `name`; 1..RW_SHARDS_MAX: name0, name1, … */
    uint32_t weight;    /* share of the load for placement; 0 counts as 1 */
    uint32_t cfg_bytes; /* 0: one cfg for all; else cfg is an array with one element an instance */
};

/* When a link carries traffic. The graph of reliable links must have no cycle in either role. */
enum rw_link_role { RW_LINK_ALWAYS = 0, RW_LINK_LEADER = 1, RW_LINK_FOLLOWER = 2 };

struct rw_link_row {
    const char *from, *to; /* names of stage rows, or RW_COLD */
    uint32_t depth;        /* slots: power of two, ≥ 2 × fan_out */
    uint32_t slot_bytes;   /* multiple of 8 */
    uint32_t fan_out; /* most slots that one input of `from` may emit here in one visit, ≥ 1 */
    bool elastic;     /* outside the budget: `from` asks for room and keeps what does not fit */
    enum rw_link_role role;
};

/* What the arena got, in the block "memory": for the operator, who compares it with the plan. */
#define RW_MEMORY_GAUGES(X)                                                \
    X(planned_bytes, "bytes", "sum of the plan: what riskwire mem prints") \
    X(mapped_bytes, "bytes", "size of the arena: the sum in whole pages")  \
    X(page_bytes, "bytes", "2097152 = huge pages, 4096 = the ordinary ones")
RW_STATS_STRUCT(rw_memory_gauges, RW_MEMORY_GAUGES);

struct rw_topology; /* the expanded rows and everything built from them */

/* Which core runs what. Stage and core numbers; cpu[core] = -1: not pinned. */
struct rw_placement {
    uint32_t cores;
    int cpu[RW_TOPOLOGY_CORES_MAX];
    uint32_t core_of[RW_TOPOLOGY_STAGES_MAX]; /* by expanded stage, in row order */
    char warning[200];                        /* what the choice costs (NUMA, SMT), or "" */
};

/* rw_topology_new expands the rows (which must outlive it) and checks them. NULL with an error
 * that names the row, the cause and the cure: names unknown or used twice, depth, fan_out, too
 * many links, a stage that nothing reaches, a cycle of reliable links in one of the roles. Free
 * with rw_topology_free. */
struct rw_topology *rw_topology_new(const struct rw_stage_row *stages, uint32_t stage_count,
                                    const struct rw_link_row *links, uint32_t link_count);
/* rw_topology_check is what rw_topology_new does last: 0, or -EINVAL with an error. */
int rw_topology_check(const struct rw_topology *topology);

/* rw_topology_plan asks every stage for its plan and adds links and watermarks. *plan is owned by
 * the topology; rows may be added to it before build. Pure: nothing is mapped. 0 or
 * -errno; once. */
int rw_topology_plan(struct rw_topology *topology, struct rw_plan **plan);

/* rw_topology_taps writes a row for every link that can be tapped, which are those that a stage
 * writes, and returns how many. max ≥ RW_TOPOLOGY_LINKS_MAX. */
uint32_t rw_topology_taps(const struct rw_topology *topology, struct rw_tap_row *rows,
                          uint32_t max);

/* What to place on: either a list of CPUs (one core for each), or a number of cores to be chosen
 * from `cpus`, or neither: one core for each stage as far as the CPUs reach. */
struct rw_place_wish {
    const uint32_t *list; /* NULL: choose */
    uint32_t list_count;
    uint32_t cores; /* 0: as many as useful; ignored with a list */
    bool pin;       /* false: threads float (no host needs this but tests and tiny machines) */
};
/* rw_topology_place computes the placement and keeps it for start. Pure but for that: reads only
 * the CPU description. Neighbours in row order share a core, so that the heaviest core is as
 * light as possible; more cores than stages are left alone. A chosen CPU is on one NUMA node
 * where possible, a whole physical core before a sibling, CPU 0 last. *placement (may be NULL)
 * receives a copy. 0, or -EINVAL with an error: a CPU that does not exist or stands twice in the
 * list, more cores than CPUs. */
int rw_topology_place(struct rw_topology *topology, const struct rw_cpus *cpus,
                      const struct rw_place_wish *wish, struct rw_placement *placement);

struct rw_topology_env {
    const struct rw_clock *clock; /* outlives the topology */
    struct rw_stats *stats;       /* outlives the topology */
    struct rw_taps *taps;         /* outlives the topology; NULL: none */
    bool huge;                    /* ask for 2 MiB pages */
    enum rw_idle_policy idle;
    uint32_t burst_max; /* 0: RW_BURST_MAX_DEFAULT */
};
/* rw_topology_build maps the arena, makes the rings and fills every stage's environment; adds the
 * blocks "memory", "stage X", "link X->Y" and "core N" to the statistics. After plan and place. 0
 * or -errno. */
int rw_topology_build(struct rw_topology *topology, const struct rw_topology_env *env);
/* rw_topology_init_priv, rw_topology_init call the stages' functions in row order. The error of a
 * stage begins with its name; the stages that had been made are finished again. 0 or -errno. */
int rw_topology_init_priv(struct rw_topology *topology);
int rw_topology_init(struct rw_topology *topology);
/* rw_topology_start starts one pinned thread per core; on failure all are stopped. 0 or -errno.
 * Call rw_seal before. */
int rw_topology_start(struct rw_topology *topology);
/* rw_topology_stop asks all threads to stop and joins them; what is in the links stays there. */
void rw_topology_stop(struct rw_topology *topology);
/* rw_topology_fini calls the stages' fini in reverse row order. After stop. */
void rw_topology_fini(struct rw_topology *topology);
/* rw_topology_free unmaps the arena and frees the topology. NULL is allowed. */
void rw_topology_free(struct rw_topology *topology);

/* rw_topology_link returns the ring between two expanded ends ("repl", RW_COLD; "enrich",
 * "risk1"), or NULL when there is no such link. After build. */
struct rw_ring *rw_topology_link(const struct rw_topology *topology, const char *from,
                                 const char *to);
/* rw_topology_watermarks returns the site's watermarks. After build. */
struct rw_watermarks *rw_topology_watermarks(const struct rw_topology *topology);
/* rw_topology_arena returns the arena, for rows that the caller added to the plan. After build. */
struct rw_arena *rw_topology_arena(struct rw_topology *topology);

/* The expanded stages, for tables and tests. index < rw_topology_stage_count. */
uint32_t rw_topology_stage_count(const struct rw_topology *topology);
const char *rw_topology_stage_name(const struct rw_topology *topology, uint32_t index);
const struct rw_stage_env *rw_topology_stage_env(const struct rw_topology *topology,
                                                 uint32_t index);
void *rw_topology_stage(const struct rw_topology *topology, uint32_t index);
