/* A deliver stage with its link, watermarks and folder, stepped by the test in the place of a
 * runner. The folder is laid out as a run_dir with one site, "a". Include after cmocka.h. */
#pragma once

#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/delivery/deliver_stage.h"
#include "tests/unit/delivery/results.h"

#define LINK_DEPTH 256u
#define RING       1024u
#define PENDING    1024u
/* A step takes at least so long in fact, so the clock of the test never runs ahead of that of a
 * real client, whose heartbeats it judges. */
#define STEP_NS   1000u
#define STEPS_MAX 30000000u /* a limit on waiting for the disk, not on speed */

struct fixture {
    char folder[32], site[48], path[64], journal[64];
    struct rw_deliver_cfg cfg;
    struct rw_plan plan;
    struct rw_arena arena;
    struct rw_stats *stats;
    struct rw_ring *link;
    struct rw_watermarks *watermarks;
    void *stage;
    uint64_t now, sent, input;
};

static inline int remove_entry(const char *path, const struct stat *entry, int type,
                               struct FTW *walk) {
    return remove(path);
}

static inline void start_stage(struct fixture *fixture) {
    memset(&fixture->plan, 0, sizeof fixture->plan);
    assert_int_equal(rw_deliver_stage_type.plan(&fixture->cfg, "deliver", 1, &fixture->plan), 0);
    assert_int_equal(rw_arena_map(&fixture->arena, &fixture->plan, false), 0);
    fixture->stats = rw_stats_create(NULL, "a", 1);
    fixture->link = rw_ring_new(aligned_alloc(64, rw_ring_footprint(LINK_DEPTH, RW_RESULT_BYTES)),
                                LINK_DEPTH, RW_RESULT_BYTES);
    fixture->watermarks = aligned_alloc(64, sizeof *fixture->watermarks);
    memset(fixture->watermarks, 0, sizeof *fixture->watermarks);
    fixture->sent = fixture->input = 0;
    struct rw_stage_env env = {.name = "deliver",
                               .instances = 1,
                               .in = {fixture->link},
                               .in_count = 1,
                               .watermarks = fixture->watermarks,
                               .stats = fixture->stats,
                               .arena = &fixture->arena};
    assert_int_equal(rw_deliver_stage_type.init(&fixture->stage, &fixture->cfg, &env), 0);
}

static inline void stop_stage(struct fixture *fixture) {
    rw_deliver_stage_type.fini(fixture->stage);
    rw_stats_close(fixture->stats);
    free(fixture->link);
    free(fixture->watermarks);
    rw_arena_unmap(&fixture->arena);
}

static inline struct fixture *start(void) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    snprintf(fixture->folder, sizeof fixture->folder, "/tmp/rw-deliver-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    snprintf(fixture->site, sizeof fixture->site, "%s/a", fixture->folder);
    assert_int_equal(mkdir(fixture->site, 0755), 0);
    snprintf(fixture->path, sizeof fixture->path, "%s/results", fixture->site);
    snprintf(fixture->journal, sizeof fixture->journal, "%s/journal", fixture->site);
    fixture->cfg = (struct rw_deliver_cfg){.session = "2611210001",
                                           .broadcast_path = fixture->path,
                                           .broadcast_records = RING,
                                           .pending_records = PENDING,
                                           .journal_dir = fixture->journal,
                                           .journal_segment_bytes = 2u << 20,
                                           .soup_address = "127.0.0.1",
                                           .soup_clients_max = 4};
    fixture->now = 1000000000;
    start_stage(fixture);
    return fixture;
}

static inline void stop(struct fixture *fixture) {
    stop_stage(fixture);
    nftw(fixture->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(fixture);
}

static inline uint32_t step(struct fixture *fixture) {
    fixture->now += STEP_NS;
    uint32_t work = rw_deliver_stage_type.poll(fixture->stage, 64, fixture->now);
    rw_deliver_stage_type.housekeep(fixture->stage, fixture->now);
    for (int i = 0; i < 4 && rw_deliver_cold_step(fixture->stage, fixture->now) > 0; i++) {
    }
    if (!work) sched_yield(); /* to the disk, or the process that reads */
    return work;
}

static inline void push(struct fixture *fixture, const struct rw_result *slot) {
    for (uint32_t steps = 0; rw_ring_room(fixture->link, 1) < 1; steps++) {
        assert_true(steps < STEPS_MAX);
        step(fixture);
    }
    memcpy(rw_ring_slot(fixture->link, 0), slot, sizeof *slot);
    rw_ring_push(fixture->link, 1);
}

/* Sends one input with `count` records and its end, as merge does. */
static inline void send_input(struct fixture *fixture, uint64_t count) {
    uint64_t n = ++fixture->input;
    rw_seq_ring_put(&fixture->watermarks->arrival, n, fixture->now, 0);
    for (uint64_t i = 0; i < count; i++) {
        struct rw_result record = make_result(++fixture->sent, n);
        push(fixture, &record);
    }
    struct rw_result end = make_end(n, count, fixture->sent);
    push(fixture, &end);
}

static inline void run_until_stored(struct fixture *fixture) {
    for (uint32_t steps = 0; rw_word_get(&fixture->watermarks->stored) < fixture->input; steps++) {
        assert_true(steps < STEPS_MAX);
        step(fixture);
    }
}

static inline void run_until_released(struct fixture *fixture, uint64_t sequence) {
    for (uint32_t steps = 0; rw_word_get(&fixture->watermarks->released) < sequence; steps++) {
        assert_true(steps < STEPS_MAX);
        step(fixture);
    }
}
