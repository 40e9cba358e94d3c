/* Differences are taken modulo 2^64, so that clocks of any origin will do; what is compared are
 * differences of differences, which are small. */
#include "dataplane/nic/stamp_core.h"

#define MS          1000000ll
#define S           1000000000ll
#define WINDOW_NS   (1 * S)
#define USED_FROM   8u        /* windows: before, a wait of one bends the line too much */
#define OLD_NS      (30 * S)  /* a point older than this tells nothing */
#define STEP_NS     (10 * MS) /* no packet waits so long while others do not */
#define WAIT_MAX_NS (1 * S)   /* no queue is so long */
#define DRIFT_MAX   500000ll  /* ppb: ten times what an oscillator does */

static void end_window(struct rw_stamp_core *core, uint64_t now_ns);

void rw_stamp_init(struct rw_stamp_core *core, struct rw_stamp_gauges *gauges) {
    *core = (struct rw_stamp_core){.gauges = gauges};
}

/* above returns a − b of two offsets, modulo 2^64. */
static int64_t above(int64_t a, int64_t b) { return (int64_t)((uint64_t)a - (uint64_t)b); }

/* drifts returns how far the line moves in a time. */
static int64_t drifts(const struct rw_stamp_core *core, uint64_t from_ns, uint64_t to_ns) {
    return core->drift_ppb * ((int64_t)(to_ns - from_ns) / 1000) / 1000000;
}

/* above_line returns how far an offset lies above the line through a point: how much longer its
 * packet waited. */
static int64_t above_line(const struct rw_stamp_core *core, const struct rw_stamp_point *point,
                          int64_t offset_ns, uint64_t at_ns) {
    return above(offset_ns, point->offset_ns) - drifts(core, point->at_ns, at_ns);
}

static void start_anew(struct rw_stamp_core *core) {
    struct rw_stamp_gauges *gauges = core->gauges;
    rw_stamp_init(core, gauges);
    rw_stat_set(&gauges->stamp_used, 0);
    rw_stat_set(&gauges->stamp_windows, 0);
}

uint64_t rw_stamp_arrival(struct rw_stamp_core *core, uint64_t stamp_ns, uint64_t now_ns) {
    int64_t offset_ns = (int64_t)(now_ns - stamp_ns);
    if (now_ns >= core->window_until_ns) {
        end_window(core, now_ns);
        core->window = (struct rw_stamp_point){now_ns, offset_ns};
        core->window_until_ns = now_ns + WINDOW_NS;
    } else if (above_line(core, &core->window, offset_ns, now_ns) < 0) {
        core->window = (struct rw_stamp_point){now_ns, offset_ns};
    }
    if (!core->used) return now_ns;
    int64_t waited_ns = above_line(core, &core->lowest, offset_ns, now_ns);
    if (waited_ns > WAIT_MAX_NS) return now_ns;
    if (waited_ns >= 0) return now_ns - (uint64_t)waited_ns;
    if (waited_ns < -STEP_NS) {
        rw_stat_add(&core->gauges->stamp_steps, 1);
        start_anew(core);
    } else {
        core->lowest = (struct rw_stamp_point){now_ns, offset_ns}; /* it waited even less */
    }
    return now_ns;
}

/* nth returns the n-th point, 0 = the oldest. */
static const struct rw_stamp_point *nth(const struct rw_stamp_core *core, uint32_t n) {
    return &core->point[(core->next + RW_STAMP_WINDOWS - core->count + n) % RW_STAMP_WINDOWS];
}

static const struct rw_stamp_point *newest(const struct rw_stamp_core *core) {
    return nth(core, core->count - 1);
}

/* rises_less tells that the line from a to b has a smaller slope than that from a to c, both later
 * than a. Times differ by ≤ OLD_NS · 16, so that 128 bits hold the products. */
static bool rises_less(const struct rw_stamp_point *a, const struct rw_stamp_point *b,
                       const struct rw_stamp_point *c) {
    return (__int128)above(b->offset_ns, a->offset_ns) * (int64_t)(c->at_ns - a->at_ns) <
           (__int128)above(c->offset_ns, a->offset_ns) * (int64_t)(b->at_ns - a->at_ns);
}

/* fit walks along the lower edge of the points and returns the slope of its longest piece, in ppb,
 * cut off just above DRIFT_MAX. Some seconds in which every packet waited lie above the edge or on
 * short pieces of it, so they do not bend the line as they would bend one of least squares. */
static int64_t fit(const struct rw_stamp_core *core) {
    __int128 slope = 0;
    uint64_t longest_ns = 0;
    for (uint32_t from = 0, to; from + 1 < core->count; from = to) {
        to = from + 1;
        for (uint32_t i = to + 1; i < core->count; i++)
            if (rises_less(nth(core, from), nth(core, i), nth(core, to))) to = i;
        uint64_t length_ns = nth(core, to)->at_ns - nth(core, from)->at_ns;
        if (length_ns <= longest_ns) continue;
        longest_ns = length_ns;
        slope = (__int128)above(nth(core, to)->offset_ns, nth(core, from)->offset_ns) * S /
                (int64_t)length_ns;
    }
    if (slope > DRIFT_MAX) return DRIFT_MAX + 1;
    return slope < -DRIFT_MAX ? -DRIFT_MAX - 1 : (int64_t)slope;
}

/* find_lowest picks the point under which all others lie no lower when moved along the drift. */
static void find_lowest(struct rw_stamp_core *core) {
    core->lowest = *newest(core);
    for (uint32_t i = 0; i < core->count; i++)
        if (above_line(core, &core->lowest, nth(core, i)->offset_ns, nth(core, i)->at_ns) < 0)
            core->lowest = *nth(core, i);
}

static void show(const struct rw_stamp_core *core) {
    struct rw_stamp_gauges *gauges = core->gauges;
    int64_t offset_ns = core->lowest.offset_ns, drift_ppb = core->drift_ppb;
    rw_stat_set(&gauges->stamp_used, core->used);
    rw_stat_set(&gauges->stamp_windows, core->count);
    rw_stat_set(&gauges->stamp_ahead_ns, offset_ns < 0 ? 0 - (uint64_t)offset_ns : 0);
    rw_stat_set(&gauges->stamp_behind_ns, offset_ns > 0 ? (uint64_t)offset_ns : 0);
    rw_stat_set(&gauges->stamp_gains_ppb, drift_ppb < 0 ? (uint64_t)-drift_ppb : 0);
    rw_stat_set(&gauges->stamp_loses_ppb, drift_ppb > 0 ? (uint64_t)drift_ppb : 0);
}

/* came_apart tells that between two windows the offset moved more than any drift moves it. */
static bool came_apart(const struct rw_stamp_point *before, const struct rw_stamp_point *after) {
    int64_t moved_ns = above(after->offset_ns, before->offset_ns);
    int64_t most_ns =
        STEP_NS + (int64_t)(after->at_ns - before->at_ns) / 1000 * DRIFT_MAX / 1000000;
    return moved_ns > most_ns || moved_ns < -most_ns;
}

/* end_window makes the running window a point, unless it is old, and draws the line anew. */
static void end_window(struct rw_stamp_core *core, uint64_t now_ns) {
    struct rw_stamp_point ended = core->window;
    if (core->window_until_ns == 0) return;
    if (now_ns - ended.at_ns > OLD_NS) {
        start_anew(core);
        return;
    }
    if (core->count && came_apart(newest(core), &ended)) {
        rw_stat_add(&core->gauges->stamp_steps, 1);
        start_anew(core);
    }
    core->point[core->next] = ended;
    core->next = (core->next + 1) % RW_STAMP_WINDOWS;
    if (core->count < RW_STAMP_WINDOWS) core->count++;
    core->drift_ppb = fit(core);
    core->used =
        core->count >= USED_FROM && core->drift_ppb <= DRIFT_MAX && core->drift_ppb >= -DRIFT_MAX;
    find_lowest(core);
    show(core);
}
