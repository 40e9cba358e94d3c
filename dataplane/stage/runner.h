/* The runner: owns one core and visits its stages in turn. Placement is data: the same stages run
 * all on one runner, or each on its own.
 *
 *   round:  stage 0 ─► stage 1 ─► … ─► nothing done? idle: pause, yield or sleep ─► (housekeeping)
 *   visit:  budget = min(burst_max, ⌊room / fan_out⌋ over reliable outputs);  0 = skip, else poll
 *
 * The clock is read once per visit, and every nanosecond is charged to exactly one of busy, idle,
 * backpressured and housekeeping, so the true load of a spinning core is visible. */
#pragma once

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>

#include "dataplane/stage/stage.h"

#define RW_RUNNER_STAGES_MAX 32u
/* Large enough that what a visit costs anyway (a write of the journal, the clock, a step of the
 * protocol) is spread, small enough that what a burst touches stays in the cache. */
#define RW_BURST_MAX_DEFAULT 128u

/* What a core does after a round without work. spin: pause instruction, for a core of its own.
 * yield: gives the CPU away at once, for shared CPUs and tests. backoff: pause, then yield, then
 * sleep of at most RW_BACKOFF_SLEEP_NS, for laptops. */
enum rw_idle_policy { RW_IDLE_SPIN = 0, RW_IDLE_YIELD = 1, RW_IDLE_BACKOFF = 2 };
#define RW_BACKOFF_PAUSES   64u /* rounds */
#define RW_BACKOFF_YIELDS   64u /* rounds after these, then sleeps that double up to the limit */
#define RW_BACKOFF_SLEEP_NS 50000u

#define RW_STAGE_COUNTERS(X)                                                          \
    X(visits, "visits", "polls of the stage")                                         \
    X(work, "messages", "messages taken and emitted")                                 \
    X(busy_ns, "ns", "time in visits that did work")                                  \
    X(backpressured_visits, "visits", "visits skipped because an output had no room") \
    X(longest_visit_ns, "ns", "the longest single visit")
RW_STATS_STRUCT(rw_stage_counters, RW_STAGE_COUNTERS);

/* Refreshed at housekeeping by the consumer's core, by the producer's when the cold thread
 * consumes. */
#define RW_LINK_GAUGES(X)                                              \
    X(pushed, "slots", "slots written so far")                         \
    X(popped, "slots", "slots read so far")                            \
    X(waiting, "slots", "slots that wait to be read")                  \
    X(high_water, "slots", "most slots found waiting by the consumer") \
    X(depth, "slots", "size of the ring")
RW_STATS_STRUCT(rw_link_gauges, RW_LINK_GAUGES);

#define RW_CORE_GAUGES(X)                                               \
    X(busy_ns, "ns", "time in visits that did work")                    \
    X(idle_ns, "ns", "time in visits that found nothing, and resting")  \
    X(backpressured_ns, "ns", "time in which outputs had no room")      \
    X(housekeeping_ns, "ns", "time in housekeeping")                    \
    X(rounds, "rounds", "rounds over all stages of the core")           \
    X(heartbeat_ns, "ns", "monotonic time of the last round")           \
    X(cpu_wanted, "cpu", "CPU of the placement plus 1; 0 = not pinned") \
    X(cpu_pinned, "cpu", "the one CPU the kernel allows the thread, plus 1; 0 = not pinned")
RW_STATS_STRUCT(rw_core_gauges, RW_CORE_GAUGES);

/* One end of a link as a stage's runner sees it. */
struct rw_runner_link {
    struct rw_ring *ring;
    struct rw_link_gauges *gauges; /* NULL: the other end refreshes them */
    uint32_t fan_out;              /* outputs: most slots one input may emit in one visit */
    bool elastic;                  /* outputs: outside the budget; the stage asks for room itself */
    struct rw_tap *tap;            /* outputs: NULL: cannot be tapped */
    uint64_t copied;               /* slots that need not be copied to the tap any more */
};

/* One stage instance on a runner. */
struct rw_runner_stage {
    const struct rw_stage_type *type;
    void *stage;
    const char *name;
    struct rw_stage_counters *counters;
    struct rw_runner_link in[RW_STAGE_LINKS_MAX], out[RW_STAGE_LINKS_MAX];
    uint32_t in_count, out_count;
    bool tapped; /* somebody reads a tap of its outputs */
};

struct rw_runner_cfg {
    char name[16]; /* of the thread, "core0" */
    int cpu;       /* CPU to pin to, or -1 */
    enum rw_idle_policy idle;
    uint32_t burst_max;    /* 1..4,096 */
    uint64_t housekeep_ns; /* between housekeepings; 0 = 1 ms */
    struct rw_clock clock;
    struct rw_core_gauges *gauges;
};

struct rw_runner {
    struct rw_runner_cfg cfg;
    struct rw_runner_stage stage[RW_RUNNER_STAGES_MAX];
    uint32_t stage_count;
    /* of the runner's thread */
    uint64_t now_ns, next_housekeep_ns;
    uint32_t idle_rounds;
    uint64_t sleep_ns;
    /* between threads */
    _Alignas(64) _Atomic bool stop;
    sem_t up; /* posted once by the thread when it runs */
    pthread_t thread;
    bool started;
};

/* rw_runner_setup fills an empty runner. cfg is copied; what it points to must outlive the
 * runner. */
void rw_runner_setup(struct rw_runner *runner, const struct rw_runner_cfg *cfg);
/* rw_runner_add appends a stage (copied); visits happen in this order. Before the start. */
void rw_runner_add(struct rw_runner *runner, const struct rw_runner_stage *stage);

/* rw_runner_budget returns how many inputs the stage may take now, 0..burst_max. Producer side
 * only: the runner's thread. */
uint32_t rw_runner_budget(struct rw_runner_stage *stage, uint32_t burst_max);
/* rw_runner_round visits every stage once, then idles or keeps house as due; returns the work
 * done. The thread calls it until stopped; tests call it directly, with a clock of their own. */
uint32_t rw_runner_round(struct rw_runner *runner);

/* rw_runner_start starts the pinned thread and returns when it runs, its affinity read back into
 * the gauges. Returns 0, or -errno with an error (the CPU is not available to this process). Cold
 * path. */
int rw_runner_start(struct rw_runner *runner);
/* rw_runner_stop asks the thread to stop after its round and joins it; idempotent. A visit of a
 * correct stage is short, so this returns soon. Cold path. */
void rw_runner_ask_stop(struct rw_runner *runner);
void rw_runner_stop(struct rw_runner *runner);
