#include "dataplane/feed/feed_stage.h"

#include <stdio.h>
#include <string.h>

#define QUEUE_BYTES  (UINT64_C(16) << 20)
#define FRAMES_AHEAD 32u /* looked at for prefetching, the one at hand included */

struct feed {
    struct rw_feed_core *core;
    struct rw_conflate *conflate; /* NULL: file ports */
    struct rw_conflate_counters *counters;
    struct rw_ring *in, *out;
    struct rw_ring *recover_in, *recover_out; /* NULL: nobody to recover from or to serve */
    /* the front of the link is being worked on, or, of `in`, waits until a gap closes */
    bool has_frame, has_recovered;
    const struct rw_word *file_clock; /* captures of several channels; else NULL */
    uint64_t told;                    /* of this clock */
    const struct rw_word *live;       /* bit `instance`: ticks go straight to the log */
    uint32_t instance;
};

/* What a visit does with the link to enrich. */
struct output {
    uint32_t room, written; /* slots */
    uint32_t taken;         /* entries made by the core */
    bool must_wait;         /* others wait already */
};

static const struct rw_stat_row feed_rows[] = RW_STATS_ROWS(RW_FEED_COUNTERS);
static const struct rw_stat_row book_rows[] = RW_STATS_ROWS(RW_BOOK_COUNTERS);
static const struct rw_stat_row channel_rows[] = RW_STATS_ROWS(RW_CHANNEL_COUNTERS);
static const struct rw_stat_row line_rows[] = RW_STATS_ROWS(RW_LINE_COUNTERS);
static const struct rw_stat_row recovery_rows[] = RW_STATS_ROWS(RW_RECOVERY_COUNTERS);
static const struct rw_stat_row request_rows[] = RW_STATS_ROWS(RW_REQUEST_COUNTERS);
static const struct rw_stat_row answer_rows[] = RW_STATS_ROWS(RW_ANSWER_COUNTERS);
static const struct rw_stat_row store_rows[] = RW_STATS_ROWS(RW_STORE_COUNTERS);
static const struct rw_stat_row output_rows[] = RW_STATS_ROWS(RW_CONFLATE_COUNTERS);
static const struct rw_stat_row waiting_rows[] = RW_STATS_ROWS(RW_CONFLATE_GAUGES);
#define ROWS(rows) rows, sizeof rows / sizeof *rows

static struct rw_conflate_cfg conflate_cfg(const struct rw_feed_cfg *cfg) {
    return (struct rw_conflate_cfg){.locates = RW_FEED_LOCATES,
                                    .queue_bytes =
                                        cfg->queue_bytes ? cfg->queue_bytes : QUEUE_BYTES};
}

static int feed_plan(const void *cfg, const char *name, uint32_t instances, struct rw_plan *plan) {
    const struct rw_feed_cfg *feed_cfg = cfg;
    struct rw_conflate_cfg waiting = conflate_cfg(feed_cfg);
    rw_plan_add(plan, name, "stage", sizeof(struct feed));
    rw_plan_add(plan, name, "lines and books", rw_feed_footprint(feed_cfg));
    if (!feed_cfg->line.file_ports)
        rw_plan_add(plan, name, "waiting ticks", rw_conflate_footprint(&waiting));
    return 0;
}

/* make_recovery_stats adds the blocks of a channel that has servers or a peer. */
static void make_recovery_stats(const struct rw_feed_cfg *cfg, const struct rw_stage_env *env,
                                struct rw_feed_stats *stats) {
    char block[64];
    if (rw_feed_recovers(cfg)) {
        snprintf(block, sizeof block, "%s recovery", env->name);
        stats->recovery.recovery =
            rw_stats_block(env->stats, block, RW_STAT_COUNTER, ROWS(recovery_rows));
    }
    for (uint32_t i = 0; i < cfg->recovery.servers; i++) {
        snprintf(block, sizeof block, "%s server %u", env->name, i + 1);
        stats->recovery.server[i] =
            rw_stats_block(env->stats, block, RW_STAT_COUNTER, ROWS(request_rows));
        stats->line.server[i] =
            rw_stats_block(env->stats, block, RW_STAT_COUNTER, ROWS(answer_rows));
    }
    if (cfg->store.bytes == 0) return;
    snprintf(block, sizeof block, "%s store", env->name);
    stats->store = rw_stats_block(env->stats, block, RW_STAT_COUNTER, ROWS(store_rows));
}

static struct rw_feed_stats make_stats(const struct rw_feed_cfg *cfg,
                                       const struct rw_stage_env *env) {
    char block[64];
    struct rw_feed_stats stats = {0};
    stats.feed = rw_stats_block(env->stats, env->name, RW_STAT_COUNTER, ROWS(feed_rows));
    const struct rw_venue *venue = cfg->line.venue;
    if (venue->own_row_count) {
        snprintf(block, sizeof block, "%s %s", env->name, venue->name);
        stats.books.own = rw_stats_block(env->stats, block, RW_STAT_COUNTER, venue->own_rows,
                                         *venue->own_row_count);
    }
    snprintf(block, sizeof block, "%s book", env->name);
    stats.books.book = rw_stats_block(env->stats, block, RW_STAT_COUNTER, ROWS(book_rows));
    snprintf(block, sizeof block, "%s channel %u", env->name, cfg->channel);
    stats.line.channel = rw_stats_block(env->stats, block, RW_STAT_COUNTER, ROWS(channel_rows));
    for (uint32_t i = 0; i < cfg->line.lines; i++) {
        snprintf(block, sizeof block, "%s line %c", env->name, 'a' + (int)i);
        stats.line.line[i] = rw_stats_block(env->stats, block, RW_STAT_COUNTER, ROWS(line_rows));
    }
    snprintf(block, sizeof block, "%s skew", env->name);
    stats.line.skew =
        rw_stats_hist(env->stats, block, "skew", "time between the two lines' copies");
    make_recovery_stats(cfg, env, &stats);
    return stats;
}

/* make_output sets up what stands between the core and the link. */
static void make_output(struct feed *feed, const struct rw_feed_cfg *cfg,
                        const struct rw_stage_env *env) {
    char block[64];
    struct rw_conflate_cfg waiting = conflate_cfg(cfg);
    snprintf(block, sizeof block, "%s output", env->name);
    feed->counters = rw_stats_block(env->stats, block, RW_STAT_COUNTER, ROWS(output_rows));
    if (cfg->line.file_ports) return;
    feed->conflate = rw_conflate_new(
        rw_arena_take(env->arena, env->name, "waiting ticks"), &waiting, feed->counters,
        rw_stats_block(env->stats, block, RW_STAT_GAUGE, ROWS(waiting_rows)));
}

static int feed_init(void **stage, const void *cfg, const struct rw_stage_env *env) {
    const struct rw_feed_cfg *feed_cfg = cfg;
    RW_ASSERT(env->in_count == env->out_count && env->in_count >= 1 && env->in_count <= 2);
    bool recovers = env->in_count == 2;
    RW_ASSERT(recovers || !rw_feed_recovers(feed_cfg));
    struct feed *feed = rw_arena_take(env->arena, env->name, "stage");
    void *memory = rw_arena_take(env->arena, env->name, "lines and books");
    struct rw_feed_stats stats = make_stats(feed_cfg, env);
    *feed = (struct feed){.core = rw_feed_new(memory, feed_cfg, &stats),
                          .in = env->in[0],
                          .out = env->out[0],
                          .recover_in = recovers ? env->in[1] : NULL,
                          .recover_out = recovers ? env->out[1] : NULL};
    feed->live = &env->watermarks->live;
    feed->instance = env->instance;
    if (feed_cfg->tells_clock) feed->file_clock = &env->watermarks->file_clock;
    make_output(feed, feed_cfg, env);
    *stage = feed;
    return 0;
}

/* serve answers a peer's request; false when there is no room for it now. */
static bool serve(struct feed *feed, const struct rw_recover_frame *request) {
    if (rw_ring_room(feed->recover_out, 1) == 0) return false;
    if (rw_feed_serve(feed->core, request, rw_ring_slot(feed->recover_out, 0)))
        rw_ring_push(feed->recover_out, 1);
    return true;
}

/* next_recovered begins the next frame of the recover stage; false when there is none for the
 * core. Requests of the peer are answered on the way. */
static bool next_recovered(struct feed *feed) {
    if (feed->has_recovered) rw_ring_pop(feed->recover_in, 1);
    feed->has_recovered = false;
    while (rw_ring_ready(feed->recover_in, 1) > 0) { /* at most what fits into the link out */
        const struct rw_recover_frame *frame = rw_ring_front(feed->recover_in, 0);
        if (frame->kind != RW_RECOVER_REQUEST) {
            rw_feed_recover(feed->core, frame);
            feed->has_recovered = true;
            return true;
        }
        if (!serve(feed, frame)) return false;
        rw_ring_pop(feed->recover_in, 1);
    }
    return false;
}

/* next_frame gives the worked-off frame back and begins the next; false when there is none. What
 * the recover stage brings comes first: it closes the gap that the other frames wait for. *frame is
 * the frame of rx that was begun, else NULL; the core looks at those behind it too, as far as it
 * wants. */
static bool next_frame(struct feed *feed, const struct rw_frame **frame) {
    *frame = NULL;
    if (feed->recover_in && next_recovered(feed)) return true;
    if (rw_feed_is_blocked(feed->core)) return false;
    if (feed->has_frame) rw_ring_pop(feed->in, 1);
    uint32_t ready = rw_ring_ready(feed->in, FRAMES_AHEAD);
    feed->has_frame = ready > 0;
    if (!feed->has_frame) return false;
    *frame = rw_ring_front(feed->in, 0);
    rw_feed_frame(feed->core, *frame);
    if (ready > FRAMES_AHEAD) ready = FRAMES_AHEAD;
    for (uint32_t i = 1; i < ready && rw_feed_wants_ahead(feed->core); i++)
        rw_feed_ahead(feed->core, rw_ring_front(feed->in, i));
    return true;
}

/* send_order passes on what the core wants of the recover stage, when there is room. */
static void send_order(struct feed *feed) {
    if (!feed->recover_out || rw_ring_room(feed->recover_out, 1) == 0) return;
    if (rw_feed_order(feed->core, rw_ring_slot(feed->recover_out, 0)))
        rw_ring_push(feed->recover_out, 1);
}

/* begin_output looks for room, and sends what has waited for it. */
static struct output begin_output(struct feed *feed, uint32_t budget) {
    struct output output = {.room = rw_ring_room(feed->out, budget * RW_FEED_FAN_OUT)};
    if (!feed->conflate) {
        RW_ASSERT(output.room >= budget * RW_FEED_FAN_OUT);
        return output;
    }
    if (rw_word_get(feed->live) >> feed->instance & 1) rw_conflate_live(feed->conflate);
    while (output.written < output.room &&
           rw_conflate_next(feed->conflate, rw_ring_slot(feed->out, output.written)))
        output.written++;
    output.must_wait = !rw_conflate_is_empty(feed->conflate);
    if (!output.must_wait) rw_feed_sent_ticks(feed->core);
    return output;
}

/* hand_on passes on what one input gave, or keeps it until there is room. */
static inline void hand_on(struct feed *feed, struct output *output, const struct rw_entry *entries,
                           uint32_t count, uint64_t now_ns) {
    output->taken += count;
    if (__builtin_expect(output->must_wait || output->written + count > output->room, 0)) {
        RW_ASSERT(feed->conflate); /* file ports: the runner's budget says there is room */
        rw_conflate_put(feed->conflate, entries, count, now_ns);
        output->must_wait = true;
        if (rw_conflate_lost(feed->conflate)) rw_feed_lost_ticks(feed->core);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        memcpy(rw_ring_slot(feed->out, output->written + i), &entries[i], sizeof entries[i]);
    output->written += count;
}

static void end_output(struct feed *feed, const struct output *output, uint64_t now_ns) {
    rw_stat_add(&feed->counters->taken, output->taken);
    rw_stat_add(&feed->counters->sent, output->written);
    if (output->written > 0) rw_ring_push(feed->out, output->written);
    if (output->must_wait) rw_conflate_refresh(feed->conflate, now_ns);
}

/* tell_clock says that all before `clock` was handed on, when it has gone on; 1 or 0 inputs. Not
 * while a gap holds up what came behind it. */
static uint32_t tell_clock(struct feed *feed, struct output *output, uint64_t clock) {
    if (!feed->file_clock || clock <= feed->told || rw_feed_is_held_up(feed->core)) return 0;
    struct rw_entry mark = {.sequence = clock, .type = RW_FEED_CLOCK, .slots = 1};
    hand_on(feed, output, &mark, 1, 0);
    feed->told = clock;
    return 1;
}

/* Limits of a visit: budget frames, which may bring nothing new (the other line's), and so many
 * messages. */
static uint32_t feed_poll(void *stage, uint32_t budget, uint64_t now_ns) {
    struct feed *feed = stage;
    struct rw_entry out[RW_FEED_FAN_OUT];
    uint32_t messages = feed->conflate ? budget * RW_FEED_FRAME_MESSAGES : budget;
    uint32_t inputs = 0, frames = 0, count;
    struct output output = begin_output(feed, budget);
    /* read before the link is found empty: all frames up to it have then been seen */
    uint64_t released = feed->file_clock ? rw_word_get(feed->file_clock) : 0;
    rw_feed_now(feed->core, now_ns);
    while (inputs < messages && frames < budget) {
        if (!rw_feed_step(feed->core, out, &count)) {
            const struct rw_frame *frame;
            bool more = next_frame(feed, &frame);
            uint64_t clock = more ? 0 : released + 1;
            inputs += tell_clock(feed, &output, frame ? frame->now_ns : clock);
            if (!more) break;
            frames++;
            continue;
        }
        inputs++;
        if (count > 0)
            hand_on(feed, &output, out, count, now_ns);
        else
            send_order(feed); /* the step may have been for that */
    }
    send_order(feed);
    end_output(feed, &output, now_ns);
    return inputs + frames + output.written;
}

static void feed_housekeep(void *stage, uint64_t now_ns) {
    struct feed *feed = stage;
    if (feed->conflate) rw_conflate_refresh(feed->conflate, now_ns);
}

const struct rw_feed_core *rw_feed_stage_core(const void *stage) {
    return ((const struct feed *)stage)->core;
}

const struct rw_stage_type rw_feed_stage_type = {.name = "feed",
                                                 .plan = feed_plan,
                                                 .init = feed_init,
                                                 .poll = feed_poll,
                                                 .housekeep = feed_housekeep};
