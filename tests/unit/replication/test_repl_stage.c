/* Two replication stages in one thread, joined by a stream in memory that moves a seeded number of
 * bytes a call, on real journals in a temporary folder. The test plays their neighbours:
 * sequencer, risk and merge. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sched.h>
#include <unistd.h>

#include "dataplane/base/err.h"
#include "dataplane/record/entry.h"
#include "replication/repl_stage.h"
#include "replication/throttle_core.h"

#define DEPTH     4096u
#define VISITS    2000000u /* give up after so many, real disks included */
#define VISIT_NS  20000u
#define ENTRY_MAX 200000u

struct node {
    struct rw_repl_cfg cfg;
    char log_dir[128], superblock[128];
    struct rw_plan *plan;
    struct rw_arena arena;
    struct rw_stats *stats;
    struct rw_watermarks *watermarks;
    struct rw_ring *from_enrich, *from_cold, *to_risk, *to_enrich, *to_cold;
    void *memory[5];
    void *stage;
    uint64_t seen;   /* last entry this site has computed */
    uint64_t copied; /* last entry the sequencer has seen as a copy */
    uint64_t wrong_at;
    struct rw_hash result;
    bool running;
    uint32_t refused, outcome, outcomes;
    uint32_t closed;
};

static struct node node[2];
static char folder[64];
static uint64_t now_ns, stream_seed;
static bool short_entries; /* the sequencer logs entries of one slot only */

static struct rw_ring *ring_of(struct node *n, int i) {
    n->memory[i] = aligned_alloc(64, rw_ring_footprint(DEPTH, 64));
    return rw_ring_new(n->memory[i], DEPTH, 64);
}

static void start(struct node *n) {
    struct rw_stage_env env = {.name = "repl", .instances = 1, .in_count = 2, .out_count = 3};
    n->plan = calloc(1, sizeof *n->plan);
    assert_int_equal(rw_repl_stage_type.plan(&n->cfg, "repl", 1, n->plan), 0);
    assert_int_equal(rw_arena_map(&n->arena, n->plan, false), 0);
    n->stats = rw_stats_create(NULL, "test", 1);
    n->watermarks = aligned_alloc(64, sizeof *n->watermarks);
    memset(n->watermarks, 0, sizeof *n->watermarks);
    env.in[0] = n->from_enrich = ring_of(n, 0);
    env.in[1] = n->from_cold = ring_of(n, 1);
    env.out[0] = n->to_risk = ring_of(n, 2);
    env.out[1] = n->to_enrich = ring_of(n, 3);
    env.out[2] = n->to_cold = ring_of(n, 4);
    env.watermarks = n->watermarks;
    env.stats = n->stats;
    env.arena = &n->arena;
    int rc = rw_repl_stage_type.init(&n->stage, &n->cfg, &env);
    if (rc) print_message("%s\n", rw_err_text());
    assert_int_equal(rc, 0);
    n->seen = n->copied = 0;
    n->result = (struct rw_hash){0};
    n->refused = n->outcome = n->outcomes = n->closed = 0;
    n->running = true;
}

/* `in_order`: as the runner ends a stage; else as far as a process that died would have come. */
static void end(struct node *n, bool in_order) {
    if (!n->running) return;
    if (in_order) rw_repl_stage_type.leave(n->stage);
    rw_repl_stage_type.fini(n->stage);
    rw_stats_close(n->stats);
    rw_arena_unmap(&n->arena);
    free(n->plan);
    free(n->watermarks);
    for (int i = 0; i < 5; i++) free(n->memory[i]);
    n->running = false;
}

static void stop(struct node *n) { end(n, true); }

static void give_session(struct node *n, struct rw_stream *stream) {
    struct rw_repl_command command = {.kind = RW_REPL_SESSION, .stream = stream};
    assert_true(rw_ring_room(n->from_cold, 1) >= 1);
    memcpy(rw_ring_slot(n->from_cold, 0), &command, sizeof command);
    rw_ring_push(n->from_cold, 1);
}

static void connect_nodes(void) {
    struct rw_stream *ends[2];
    assert_int_equal(rw_stream_pair(ends, 1u << 18, ++stream_seed), 0);
    for (int i = 0; i < 2; i++) give_session(&node[i], ends[i]);
}

static void promote(struct node *n, bool force) {
    struct rw_repl_command command = {.kind = RW_REPL_PROMOTE, .force = force, .id = 5};
    assert_true(rw_ring_room(n->from_cold, 1) >= 1);
    memcpy(rw_ring_slot(n->from_cold, 0), &command, sizeof command);
    rw_ring_push(n->from_cold, 1);
}

static enum rw_role role_of(const struct node *n) {
    return rw_role_of(rw_word_get(&n->watermarks->role));
}
static enum rw_mode mode_of(const struct node *n) {
    return rw_mode_of(rw_word_get(&n->watermarks->role));
}
static uint64_t commit_of(const struct node *n) { return rw_word_get(&n->watermarks->commit); }
static uint64_t gauge(const rw_stat *cell) { return rw_stat_get(cell); }
static const struct rw_repl_gauges *gauges(const struct node *n) {
    rw_repl_stage_type.housekeep(n->stage, now_ns);
    return rw_repl_gauges_of(n->stage);
}

/* The result of an input is a chain over its bytes. */
static void compute(struct node *n, const struct rw_entry *head) {
    if (head->sequence <= n->seen) return;
    assert_int_equal(head->sequence, n->seen + 1);
    n->seen = head->sequence;
    n->result = rw_hash_chain(n->result, head, sizeof *head);
    if (n->seen == n->wrong_at) n->result.low ^= 1;
    rw_seq_ring_put(&n->watermarks->hash, n->seen, n->result.low, n->result.high);
    rw_word_set(&n->watermarks->applied, n->seen);
}

static void drain(struct node *n) {
    struct rw_entry head;
    while (rw_ring_ready(n->to_risk, 1)) {
        memcpy(&head, rw_ring_front(n->to_risk, 0), sizeof head);
        if (rw_ring_ready(n->to_risk, head.slots) < head.slots) break;
        rw_ring_pop(n->to_risk, head.slots);
        compute(n, &head);
    }
    while (rw_ring_ready(n->to_enrich, 1)) {
        memcpy(&head, rw_ring_front(n->to_enrich, 0), sizeof head);
        if (rw_ring_ready(n->to_enrich, head.slots) < head.slots) break;
        rw_ring_pop(n->to_enrich, head.slots);
        assert_int_equal(head.sequence, n->copied + 1);
        n->copied = head.sequence;
    }
    struct rw_repl_notice notice;
    while (rw_ring_ready(n->to_cold, 1)) {
        memcpy(&notice, rw_ring_front(n->to_cold, 0), sizeof notice);
        rw_ring_pop(n->to_cold, 1);
        if (notice.kind == RW_REPL_REFUSED) n->refused = notice.reason;
        if (notice.kind == RW_REPL_CLOSED) n->closed++;
        if (notice.kind == RW_REPL_CLOSED) rw_stream_close(notice.stream);
        if (notice.kind == RW_REPL_OUTCOME) n->outcomes++;
        if (notice.kind == RW_REPL_OUTCOME) n->outcome = notice.reason;
    }
}

/* As sequencer: logs up to `upto`, a few entries a visit, each of one or two slots. */
static void sequence(struct node *n, uint64_t upto) {
    uint64_t first = rw_word_get(&n->watermarks->role_start);
    if (role_of(n) != RW_ROLE_LEAD || n->seen + 1 < first || n->copied + 1 < first) return;
    for (int i = 0; i < 16 && n->seen < upto && rw_ring_room(n->from_enrich, 2) >= 2; i++) {
        struct rw_entry head = {.sequence = n->seen + 1, .version = RW_ENTRY_VERSION};
        head.type = RW_ENTRY_CLOCK;
        head.slots = head.sequence % 3 == 0 && !short_entries ? 2 : 1;
        head.body[0] = n->cfg.site;
        n->copied = head.sequence;
        memcpy(rw_ring_slot(n->from_enrich, 0), &head, sizeof head);
        if (head.slots == 2) memset(rw_ring_slot(n->from_enrich, 1), (int)head.sequence & 255, 64);
        rw_ring_push(n->from_enrich, head.slots);
        compute(n, &head);
    }
}

/* Runs both sites until `done`, the running leader logging up to `upto`. False when it takes too
 * long. */
static bool run(uint64_t upto, bool (*done)(void)) {
    for (uint32_t visit = 0; visit < VISITS; visit++) {
        now_ns += VISIT_NS;
        for (int i = 0; i < 2; i++) {
            if (!node[i].running) continue;
            sequence(&node[i], upto);
            rw_repl_stage_type.poll(node[i].stage, 64, now_ns);
            drain(&node[i]);
            if (visit % 64 == 0) rw_journal_cold_step(rw_repl_journal_of(node[i].stage), now_ns);
        }
        if (done && done()) return true;
        if (visit % 32 == 0) sched_yield();
    }
    return done == NULL;
}

static void run_for(uint64_t upto, uint32_t visits) {
    for (uint32_t visit = 0; visit < visits; visit++) {
        now_ns += VISIT_NS;
        for (int i = 0; i < 2; i++) {
            if (!node[i].running) continue;
            sequence(&node[i], upto);
            rw_repl_stage_type.poll(node[i].stage, 64, now_ns);
            drain(&node[i]);
        }
        if (visit % 32 == 0) sched_yield();
    }
}

static uint64_t wanted;
static bool both_released(void) {
    return commit_of(&node[0]) == wanted && commit_of(&node[1]) == wanted;
}
static bool released_at_1(void) { return commit_of(&node[1]) == wanted; }
static bool in_step(void) {
    return gauge(&gauges(&node[0])->in_step) && gauge(&gauges(&node[1])->in_step);
}
static bool wants_restart_0(void) { return gauge(&gauges(&node[0])->restart); }
static bool both_refused(void) { return node[0].refused && node[1].refused; }
static bool both_stopped(void) {
    return role_of(&node[0]) == RW_ROLE_HALT && role_of(&node[1]) == RW_ROLE_HALT;
}
static bool outcome_at_1(void) { return node[1].outcomes > 0; }

static int set_up(void **state) {
    enum rw_pair_policy policy = *state ? RW_PAIR_MEM : RW_PAIR_DISK;
    const char *text = getenv("RW_SEED");
    stream_seed = text ? strtoull(text, NULL, 0) : 11;
    printf("RW_SEED=%llu\n", (unsigned long long)stream_seed);
    snprintf(folder, sizeof folder, "/tmp/rw_repl_XXXXXX");
    if (!mkdtemp(folder)) return -1;
    memset(node, 0, sizeof node);
    short_entries = false;
    for (uint8_t i = 0; i < 2; i++) {
        struct node *n = &node[i];
        snprintf(n->log_dir, sizeof n->log_dir, "%s/log%d", folder, i);
        snprintf(n->superblock, sizeof n->superblock, "%s/super%d", folder, i);
        n->cfg = (struct rw_repl_cfg){.site = i,
                                      .named_leader = i == 0,
                                      .policy = policy,
                                      .log_dir = n->log_dir,
                                      .superblock = n->superblock,
                                      .segment_bytes = 2u << 20,
                                      .segments_ahead = 1,
                                      .dead_ns = 150000000,
                                      .memory_slots = 2048,
                                      .entries_max = ENTRY_MAX,
                                      .throttle_lag = 64,
                                      .shards = 1,
                                      .terms = {.wire_lowest = 1, .wire_highest = 1}};
        start(n);
    }
    return 0;
}

static int tear_down(void **state) {
    char command[128];
    for (int i = 0; i < 2; i++) stop(&node[i]);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static void what_the_leader_logs_is_released_at_both_sites(void **state) {
    connect_nodes();
    wanted = 6000; /* more than the log memory holds */
    assert_true(run(wanted, both_released));
    assert_int_equal(role_of(&node[0]), RW_ROLE_LEAD);
    assert_int_equal(role_of(&node[1]), RW_ROLE_FOLLOW);
    assert_true(rw_hash_equal(node[0].result, node[1].result));
    assert_int_equal(node[1].copied, wanted);
    assert_true(in_step());
}

static void nobody_leads_before_the_two_have_met(void **state) {
    run_for(100, 20000);
    assert_int_equal(role_of(&node[0]), RW_ROLE_RECOVER);
    assert_int_equal(role_of(&node[1]), RW_ROLE_RECOVER);
    assert_int_equal(commit_of(&node[0]), 0);
}

static void without_the_peer_nothing_more_is_released_until_an_operator_promotes(void **state) {
    connect_nodes();
    wanted = 500;
    assert_true(run(wanted, both_released));
    stop(&node[0]);
    run_for(900, 20000);
    assert_int_equal(commit_of(&node[1]), 500);
    promote(&node[1], false);
    wanted = 900;
    assert_true(run(wanted, released_at_1));
    assert_int_equal(mode_of(&node[1]), RW_MODE_SOLO);
    assert_int_equal(node[1].outcome, RW_PAIR_NONE);
}

static void a_restarted_site_catches_up_and_both_are_in_step_again(void **state) {
    without_the_peer_nothing_more_is_released_until_an_operator_promotes(state);
    wanted = 8000; /* the peer has to be served from the journal */
    assert_true(run(wanted, released_at_1));
    start(&node[0]);
    connect_nodes();
    wanted = 12000;
    assert_true(run(wanted, both_released));
    assert_true(run(wanted, in_step));
    assert_int_equal(role_of(&node[1]), RW_ROLE_LEAD);
    assert_int_equal(mode_of(&node[1]), RW_MODE_DUAL);
    assert_int_equal(role_of(&node[0]), RW_ROLE_FOLLOW);
    assert_true(rw_hash_equal(node[0].result, node[1].result));
}

/* The first entry that the peer lacks is the oldest in memory, so what stood before it is not. */
static void a_peer_that_lacks_exactly_what_is_in_memory_is_served(void **state) {
    short_entries = true;
    connect_nodes();
    wanted = 500;
    assert_true(run(wanted, both_released));
    stop(&node[0]);
    run_for(wanted, 20000); /* until the silence is noticed */
    promote(&node[1], false);
    wanted = 500 + node[1].cfg.memory_slots;
    assert_true(run(wanted, released_at_1));
    start(&node[0]);
    connect_nodes();
    assert_true(run(wanted, both_released));
    assert_true(run(wanted, in_step));
    assert_true(rw_hash_equal(node[0].result, node[1].result));
}

static bool told_0(void) { return node[0].closed == wanted; }

/* The follower is visited now and then only: it goes on, and falls behind. */
static void a_peer_that_falls_behind_is_waited_for(void **state) {
    struct rw_watermarks *watermarks = node[0].watermarks;
    connect_nodes();
    wanted = 50;
    assert_true(run(wanted, both_released));
    assert_int_equal(rw_word_get(&watermarks->throttle), 0);
    for (uint32_t visit = 0; rw_word_get(&watermarks->throttle) == 0; visit++) {
        assert_true(visit < VISITS);
        now_ns += 100 * VISIT_NS;
        for (int i = 0; i < 2; i++) {
            if (i == 1 && visit % 16) continue;
            sequence(&node[i], ENTRY_MAX);
            rw_repl_stage_type.poll(node[i].stage, 4, now_ns);
            drain(&node[i]);
        }
        rw_journal_cold_step(rw_repl_journal_of(node[visit % 2].stage), now_ns);
        rw_repl_stage_type.housekeep(node[0].stage, now_ns);
        if (visit % 32 == 0) sched_yield();
    }
    wanted = node[0].seen;
    assert_true(run(wanted, both_released));
    for (int i = 0; i < 6; i++) {
        run_for(wanted, RW_THROTTLE_WINDOW_NS / VISIT_NS);
        rw_repl_stage_type.housekeep(node[0].stage, now_ns);
    }
    assert_int_equal(rw_word_get(&watermarks->throttle), 0);
}

static void a_session_that_replaces_another_may_end_at_once(void **state) {
    connect_nodes();
    wanted = 100;
    assert_true(run(wanted, both_released));
    struct rw_stream *ends[2];
    assert_int_equal(rw_stream_pair(ends, 1u << 18, ++stream_seed), 0);
    rw_stream_close(ends[1]);
    give_session(&node[0], ends[0]);
    wanted = 2; /* the cold thread gets both back */
    assert_true(run(100, told_0));
    connect_nodes();
    wanted = 300;
    assert_true(run(wanted, both_released));
    assert_true(run(wanted, in_step));
}

static void sessions_replaced_in_the_middle_of_a_frame_lose_nothing(void **state) {
    uint64_t random = stream_seed;
    connect_nodes();
    wanted = 20000;
    for (int i = 0; i < 200; i++) {
        random = random * 6364136223846793005ull + 1442695040888963407ull;
        run_for(wanted, 1 + (uint32_t)(random >> 58));
        connect_nodes();
    }
    assert_true(run(wanted, both_released));
    assert_true(run(wanted, in_step));
    assert_int_equal(node[0].closed, 200);
    assert_true(rw_hash_equal(node[0].result, node[1].result));
}

static void both_sites_stopped_in_order_go_on(void **state) {
    connect_nodes();
    wanted = 3000;
    run_for(wanted,
            150); /* in the middle of it: entries are in memory, on the way, being written */
    for (int i = 0; i < 2; i++) stop(&node[i]);
    for (int i = 0; i < 2; i++) start(&node[i]);
    connect_nodes();
    assert_true(run(wanted, both_released));
    assert_true(run(wanted, in_step));
    assert_true(rw_hash_equal(node[0].result, node[1].result));
}

static void both_sites_that_died_under_mem_say_that_nobody_may_lead(void **state) {
    connect_nodes();
    wanted = 300;
    assert_true(run(wanted, both_released));
    for (int i = 0; i < 2; i++) end(&node[i], false);
    for (int i = 0; i < 2; i++) start(&node[i]);
    connect_nodes();
    assert_true(run(wanted, both_refused));
    assert_int_equal(node[0].refused, RW_PAIR_NOBODY);
    assert_int_equal(node[1].refused, RW_PAIR_NOBODY);
    assert_int_equal(commit_of(&node[0]), 0);
}

static void promote_is_refused_while_the_peer_is_there(void **state) {
    connect_nodes();
    wanted = 100;
    assert_true(run(wanted, both_released));
    promote(&node[1], false);
    assert_true(run(wanted, outcome_at_1));
    assert_int_equal(node[1].outcome, RW_PAIR_PEER_REACHABLE);
    assert_int_equal(role_of(&node[1]), RW_ROLE_FOLLOW);
}

static void a_deposed_leader_asks_for_a_restart_and_then_follows(void **state) {
    connect_nodes();
    wanted = 300;
    assert_true(run(wanted, both_released));
    promote(&node[1], true);
    assert_true(run(600, wants_restart_0));
    stop(&node[0]);
    start(&node[0]);
    connect_nodes();
    wanted = 1500;
    assert_true(run(wanted, both_released));
    assert_true(run(wanted, in_step));
    assert_int_equal(role_of(&node[1]), RW_ROLE_LEAD);
    assert_true(rw_hash_equal(node[0].result, node[1].result));
}

static void another_image_at_the_peer_is_refused_at_both(void **state) {
    stop(&node[1]);
    node[1].cfg.terms.image.low = 1;
    start(&node[1]);
    connect_nodes();
    assert_true(run(10, both_refused));
    assert_int_equal(node[0].refused, RW_PAIR_IMAGE);
    assert_int_equal(node[1].refused, RW_PAIR_IMAGE);
    assert_int_equal(commit_of(&node[0]), 0);
}

static void a_different_result_stops_both_before_it_leaves(void **state) {
    node[1].wrong_at = 200;
    connect_nodes();
    assert_true(run(400, both_stopped));
    assert_true(commit_of(&node[0]) < 200);
    assert_true(commit_of(&node[1]) < 200);
    assert_int_equal(gauge(&gauges(&node[0])->stopped), RW_PAIR_DIVERGED);
}

int main(void) {
    static int mem = 1;
#define BOTH_POLICIES(test)                                   \
    cmocka_unit_test_setup_teardown(test, set_up, tear_down), \
        cmocka_unit_test_prestate_setup_teardown(test, set_up, tear_down, &mem)
    const struct CMUnitTest tests[] = {
        BOTH_POLICIES(what_the_leader_logs_is_released_at_both_sites),
        BOTH_POLICIES(nobody_leads_before_the_two_have_met),
        BOTH_POLICIES(without_the_peer_nothing_more_is_released_until_an_operator_promotes),
        BOTH_POLICIES(a_restarted_site_catches_up_and_both_are_in_step_again),
        BOTH_POLICIES(a_peer_that_lacks_exactly_what_is_in_memory_is_served),
        BOTH_POLICIES(a_session_that_replaces_another_may_end_at_once),
        BOTH_POLICIES(sessions_replaced_in_the_middle_of_a_frame_lose_nothing),
        BOTH_POLICIES(a_peer_that_falls_behind_is_waited_for),
        BOTH_POLICIES(both_sites_stopped_in_order_go_on),
        cmocka_unit_test_prestate_setup_teardown(
            both_sites_that_died_under_mem_say_that_nobody_may_lead, set_up, tear_down, &mem),
        BOTH_POLICIES(promote_is_refused_while_the_peer_is_there),
        BOTH_POLICIES(a_deposed_leader_asks_for_a_restart_and_then_follows),
        BOTH_POLICIES(another_image_at_the_peer_is_refused_at_both),
        BOTH_POLICIES(a_different_result_stops_both_before_it_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
