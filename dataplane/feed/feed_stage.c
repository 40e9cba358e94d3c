#include "dataplane/feed/feed_stage.h"

#include <stdio.h>
#include <string.h>

struct feed {
    struct rw_feed_core *core;
    struct rw_ring *in, *out;
    bool has_frame; /* the frame at the front of `in` is being worked on */
    bool has_clock; /* live ports: the runner's time drives the gap timer */
};

static const struct rw_stat_row feed_rows[] = RW_STATS_ROWS(RW_FEED_COUNTERS);
static const struct rw_stat_row book_rows[] = RW_STATS_ROWS(RW_BOOK_COUNTERS);
static const struct rw_stat_row channel_rows[] = RW_STATS_ROWS(RW_CHANNEL_COUNTERS);
static const struct rw_stat_row line_rows[] = RW_STATS_ROWS(RW_LINE_COUNTERS);
#define ROWS(rows) rows, sizeof rows / sizeof *rows

static int feed_plan(const void *cfg, const char *name, uint32_t instances, struct rw_plan *plan) {
    rw_plan_add(plan, name, "stage", sizeof(struct feed));
    rw_plan_add(plan, name, "lines and books", rw_feed_footprint(cfg));
    return 0;
}

static struct rw_feed_stats make_stats(const struct rw_feed_cfg *cfg,
                                       const struct rw_stage_env *env) {
    char block[64];
    struct rw_feed_stats stats = {0};
    stats.feed = rw_stats_block(env->stats, env->name, RW_STAT_COUNTER, ROWS(feed_rows));
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
    return stats;
}

static int feed_init(void **stage, const void *cfg, const struct rw_stage_env *env) {
    const struct rw_feed_cfg *feed_cfg = cfg;
    RW_ASSERT(env->in_count == 1 && env->out_count == 1);
    struct feed *feed = rw_arena_take(env->arena, env->name, "stage");
    void *memory = rw_arena_take(env->arena, env->name, "lines and books");
    struct rw_feed_stats stats = make_stats(feed_cfg, env);
    *feed = (struct feed){.core = rw_feed_new(memory, feed_cfg, &stats),
                          .in = env->in[0],
                          .out = env->out[0],
                          .has_clock = !feed_cfg->line.file_ports};
    *stage = feed;
    return 0;
}

/* next_frame gives the worked-off frame back and begins the next; false when there is none. */
static bool next_frame(struct feed *feed) {
    if (feed->has_frame) rw_ring_pop(feed->in, 1);
    feed->has_frame = rw_ring_ready(feed->in, 1) > 0;
    if (feed->has_frame) rw_feed_frame(feed->core, rw_ring_front(feed->in, 0));
    return feed->has_frame;
}

/* Limits of a visit: budget inputs, and as many frames again that bring nothing new (the other
 * line's). */
static uint32_t feed_poll(void *stage, uint32_t budget, uint64_t now_ns) {
    struct feed *feed = stage;
    struct rw_entry out[RW_FEED_FAN_OUT];
    uint32_t inputs = 0, frames = 0, emitted = 0, count;
    uint32_t room = rw_ring_room(feed->out, budget * RW_FEED_FAN_OUT);
    RW_ASSERT(room >= budget * RW_FEED_FAN_OUT);
    if (feed->has_clock) rw_feed_now(feed->core, now_ns);
    while (inputs < budget && frames < budget) {
        if (!rw_feed_step(feed->core, out, &count)) {
            if (!next_frame(feed)) break;
            frames++;
            continue;
        }
        inputs++;
        for (uint32_t i = 0; i < count; i++)
            memcpy(rw_ring_slot(feed->out, emitted + i), &out[i], sizeof out[i]);
        emitted += count;
    }
    if (emitted > 0) rw_ring_push(feed->out, emitted);
    return inputs + frames + emitted;
}

const struct rw_stage_type rw_feed_stage_type = {
    .name = "feed", .plan = feed_plan, .init = feed_init, .poll = feed_poll};
