#include "dataplane/stage/runner.h"

#include <errno.h>
#include <immintrin.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "dataplane/base/cpu.h"
#include "dataplane/base/err.h"
#include "dataplane/base/log.h"

#define HOUSEKEEP_NS_DEFAULT 1000000u
#define BURST_LIMIT          4096u
/* MXCSR: round to nearest, all exceptions masked, no flush to zero. The low six bits are sticky
 * flags. */
#define MXCSR_DEFAULT 0x1F80u
#define MXCSR_FLAGS   0x003Fu

static void *run(void *argument);

void rw_runner_setup(struct rw_runner *runner, const struct rw_runner_cfg *cfg) {
    RW_ASSERT(cfg->burst_max >= 1 && cfg->burst_max <= BURST_LIMIT);
    RW_ASSERT(cfg->gauges && cfg->clock.now_ns);
    memset(runner, 0, sizeof *runner);
    runner->cfg = *cfg;
    if (!runner->cfg.housekeep_ns) runner->cfg.housekeep_ns = HOUSEKEEP_NS_DEFAULT;
    runner->now_ns = rw_clock_now(&runner->cfg.clock);
    rw_stat_set(&cfg->gauges->cpu_wanted, cfg->cpu < 0 ? 0 : (uint64_t)cfg->cpu + 1);
}

void rw_runner_add(struct rw_runner *runner, const struct rw_runner_stage *stage) {
    RW_ASSERT(!runner->started && runner->stage_count < RW_RUNNER_STAGES_MAX);
    RW_ASSERT(stage->counters && stage->type->poll);
    for (uint32_t i = 0; i < stage->out_count; i++) RW_ASSERT(stage->out[i].fan_out >= 1);
    runner->stage[runner->stage_count++] = *stage;
}

uint32_t rw_runner_budget(struct rw_runner_stage *stage, uint32_t burst_max) {
    uint32_t budget = burst_max;
    for (uint32_t i = 0; i < stage->out_count; i++) {
        const struct rw_runner_link *link = &stage->out[i];
        if (link->elastic) continue;
        uint32_t want = burst_max * link->fan_out, room = rw_ring_room(link->ring, want);
        if (room >= want) continue; /* spares the division */
        uint32_t inputs = room / link->fan_out;
        if (inputs < budget) budget = inputs;
    }
    return budget;
}

/* The time since the last lap: each is charged once, so the regimes add up to the time that
 * passed. */
static uint64_t lap(struct rw_runner *runner) {
    uint64_t before = runner->now_ns, now = rw_clock_now(&runner->cfg.clock);
    if (now < before) now = before;
    runner->now_ns = now;
    return now - before;
}

/* What the consumer finds is the high-water mark: the view of the producer is refreshed when all
 * that was known has been read, so a burst that waited is seen at its full size, at no cost per
 * message. */
static void note_high_water(struct rw_runner_stage *stage) {
    for (uint32_t i = 0; i < stage->in_count; i++) {
        const struct rw_runner_link *link = &stage->in[i];
        uint32_t ready = rw_ring_ready(link->ring, 1);
        if (link->gauges && ready > rw_stat_get(&link->gauges->high_water))
            rw_stat_set(&link->gauges->high_water, ready);
    }
}

/* Copies what the visit has pushed. It stands in the ring until this thread's next visit, whatever
 * the consumer does. */
static void copy_to_taps(struct rw_runner_stage *stage, uint64_t now_ns) {
    for (uint32_t i = 0; i < stage->out_count; i++) {
        struct rw_runner_link *link = &stage->out[i];
        if (!rw_tap_on(link->tap)) continue;
        struct rw_tap_record record = {.time_ns = now_ns,
                                       .bytes = link->ring->slot_bytes,
                                       .original = link->ring->slot_bytes,
                                       .flags = RW_TAP_FIRST};
        for (uint64_t pushed = rw_ring_pushed(link->ring); link->copied < pushed; link->copied++) {
            record.number = link->copied + 1;
            rw_tap_put(link->tap, &record, rw_ring_slot_at(link->ring, link->copied));
            record.flags = 0;
        }
    }
}

static void look_at_taps(struct rw_runner_stage *stage, uint64_t now_ns) {
    stage->tapped = false;
    for (uint32_t i = 0; i < stage->out_count; i++) {
        struct rw_runner_link *link = &stage->out[i];
        uint64_t pushed = rw_ring_pushed(link->ring);
        if (!rw_tap_on(link->tap)) link->copied = pushed;
        rw_tap_look(link->tap, pushed, now_ns);
        stage->tapped |= rw_tap_on(link->tap);
    }
}

enum visit { VISIT_WORKED, VISIT_NOTHING, VISIT_BACKPRESSURED };

static enum visit visit(struct rw_runner *runner, struct rw_runner_stage *stage, uint32_t *work) {
    struct rw_stage_counters *counters = stage->counters;
    struct rw_core_gauges *gauges = runner->cfg.gauges;
    uint32_t budget = rw_runner_budget(stage, runner->cfg.burst_max);
    if (budget == 0) {
        rw_stat_add(&counters->backpressured_visits, 1);
        rw_stat_add(&gauges->backpressured_ns, lap(runner));
        return VISIT_BACKPRESSURED;
    }
    note_high_water(stage);
    uint32_t done = stage->type->poll(stage->stage, budget, runner->now_ns);
    if (stage->tapped) copy_to_taps(stage, runner->now_ns);
    uint64_t ns = lap(runner);
    rw_stat_add(&counters->visits, 1);
    if (ns > rw_stat_get(&counters->longest_visit_ns)) rw_stat_set(&counters->longest_visit_ns, ns);
    if (!done) {
        rw_stat_add(&gauges->idle_ns, ns);
        return VISIT_NOTHING;
    }
    rw_stat_add(&counters->work, done);
    rw_stat_add(&counters->busy_ns, ns);
    rw_stat_add(&gauges->busy_ns, ns);
    *work += done;
    return VISIT_WORKED;
}

static void refresh_link(const struct rw_runner_link *link) {
    if (!link->gauges) return;
    uint64_t popped = atomic_load_explicit(&link->ring->tail, memory_order_relaxed);
    uint64_t pushed = atomic_load_explicit(&link->ring->head, memory_order_relaxed);
    /* One of the two is read while its owner goes on: never show more waiting than can be. */
    uint64_t waiting = pushed > popped ? pushed - popped : 0;
    if (waiting > link->ring->depth) waiting = link->ring->depth;
    rw_stat_set(&link->gauges->pushed, pushed);
    rw_stat_set(&link->gauges->popped, popped);
    rw_stat_set(&link->gauges->waiting, waiting);
    if (waiting > rw_stat_get(&link->gauges->high_water))
        rw_stat_set(&link->gauges->high_water, waiting);
}

static void keep_house(struct rw_runner *runner) {
    for (uint32_t i = 0; i < runner->stage_count; i++) {
        struct rw_runner_stage *stage = &runner->stage[i];
        if (stage->type->housekeep) stage->type->housekeep(stage->stage, runner->now_ns);
        look_at_taps(stage, runner->now_ns);
        for (uint32_t k = 0; k < stage->in_count; k++) refresh_link(&stage->in[k]);
        for (uint32_t k = 0; k < stage->out_count; k++) refresh_link(&stage->out[k]);
    }
    runner->next_housekeep_ns = runner->now_ns + runner->cfg.housekeep_ns;
    rw_stat_add(&runner->cfg.gauges->housekeeping_ns, lap(runner));
}

/* Rests after a round without work. The sleep doubles from 1 µs to its limit, so the first
 * message after a short silence is not late. */
static void rest(struct rw_runner *runner) {
    uint32_t rounds = runner->idle_rounds;
    if (rounds < UINT32_MAX) runner->idle_rounds++;
    enum rw_idle_policy idle = runner->cfg.idle;
    if (idle == RW_IDLE_SPIN || (idle == RW_IDLE_BACKOFF && rounds < RW_BACKOFF_PAUSES)) {
        _mm_pause();
    } else if (idle == RW_IDLE_YIELD || rounds < RW_BACKOFF_PAUSES + RW_BACKOFF_YIELDS) {
        sched_yield();
    } else {
        runner->sleep_ns = runner->sleep_ns ? runner->sleep_ns * 2 : 1000;
        if (runner->sleep_ns > RW_BACKOFF_SLEEP_NS) runner->sleep_ns = RW_BACKOFF_SLEEP_NS;
        nanosleep(&(struct timespec){.tv_nsec = (long)runner->sleep_ns}, NULL);
    }
}

uint32_t rw_runner_round(struct rw_runner *runner) {
    struct rw_core_gauges *gauges = runner->cfg.gauges;
    uint32_t work = 0;
    bool backpressured = false;
    for (uint32_t i = 0; i < runner->stage_count; i++)
        if (visit(runner, &runner->stage[i], &work) == VISIT_BACKPRESSURED) backpressured = true;
    if (work) {
        runner->idle_rounds = 0;
        runner->sleep_ns = 0;
    } else {
        rest(runner);
        rw_stat_add(backpressured ? &gauges->backpressured_ns : &gauges->idle_ns, lap(runner));
    }
    rw_stat_add(&gauges->rounds, 1);
    rw_stat_set(&gauges->heartbeat_ns, runner->now_ns);
    if (runner->now_ns >= runner->next_housekeep_ns) keep_house(runner);
    return work;
}

int rw_runner_start(struct rw_runner *runner) {
    RW_ASSERT(!runner->started && runner->stage_count > 0);
    pthread_attr_t attributes;
    cpu_set_t set;
    int cpu = runner->cfg.cpu;
    pthread_attr_init(&attributes);
    CPU_ZERO(&set);
    if (cpu >= 0 && cpu < CPU_SETSIZE) {
        CPU_SET(cpu, &set);
        pthread_attr_setaffinity_np(&attributes, sizeof set, &set);
    }
    atomic_store_explicit(&runner->stop, false, memory_order_relaxed);
    sem_init(&runner->up, 0, 0);
    int rc = pthread_create(&runner->thread, &attributes, run, runner);
    pthread_attr_destroy(&attributes);
    if (rc) {
        sem_destroy(&runner->up);
        rw_err_set(rc, "the thread %s cannot be started on CPU %d", runner->cfg.name, cpu);
        rw_err_why("%s; the CPU does not exist, is offline, or is outside this process's cpuset",
                   strerror(rc));
        rw_err_fix("choose CPUs that `taskset -pc $$` lists");
        return -rc;
    }
    runner->started = true;
    while (sem_wait(&runner->up)) continue; /* interrupted by a signal */
    return 0;
}

void rw_runner_ask_stop(struct rw_runner *runner) {
    /* relaxed: nothing is handed over by it; the join orders what the thread did before what we
     * do */
    atomic_store_explicit(&runner->stop, true, memory_order_relaxed);
}

void rw_runner_stop(struct rw_runner *runner) {
    if (!runner->started) return;
    rw_runner_ask_stop(runner);
    pthread_join(runner->thread, NULL);
    sem_destroy(&runner->up);
    runner->started = false;
}

static void *run(void *argument) {
    struct rw_runner *runner = argument;
    pthread_setname_np(pthread_self(), runner->cfg.name);
    prctl(PR_SET_TIMERSLACK, 1000ul); /* or a sleep of 1 µs takes 50 */
    rw_log_forbid();
    /* Another rounding mode would make this site's option prices differ from the other's. */
    RW_ASSERT((_mm_getcsr() & ~MXCSR_FLAGS) == MXCSR_DEFAULT);
    int pinned = rw_cpu_pinned();
    rw_stat_set(&runner->cfg.gauges->cpu_pinned, pinned < 0 ? 0 : (uint64_t)pinned + 1);
    runner->now_ns = rw_clock_now(&runner->cfg.clock);
    for (uint32_t i = 0; i < runner->stage_count; i++)
        look_at_taps(&runner->stage[i], runner->now_ns);
    sem_post(&runner->up);
    while (!atomic_load_explicit(&runner->stop, memory_order_relaxed)) rw_runner_round(runner);
    for (uint32_t i = 0; i < runner->stage_count; i++) {
        if (runner->stage[i].type->leave) runner->stage[i].type->leave(runner->stage[i].stage);
        if (runner->stage[i].tapped) copy_to_taps(&runner->stage[i], runner->now_ns);
    }
    keep_house(runner); /* so that a dead site's file shows the last state */
    return NULL;
}
