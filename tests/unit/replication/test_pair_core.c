/* The protocol core by hand: two cores, messages delivered one by one, disks and computation under
 * the test's control. The simulator (tests/sim) plays the storms; here stand the promises one can
 * name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/base/bytes.h"
#include "dataplane/record/entry.h"
#include "replication/pair_core.h"

#define QUEUE 64u

struct letter {
    struct rw_message message;
    uint8_t payload[4096];
};

struct rig {
    struct rw_pair_cfg cfg;
    struct rw_pair *pair;
    struct rw_pair_counters counters;
    struct rw_pair_super super; /* on disk */
    struct rw_pair_super asked;
    struct rw_hash chain[256];
    uint64_t last, persist_upto, apply_upto, applied, released, room;
    bool disk_stuck, super_stuck, compute_stuck, restart;
    enum rw_pair_reason refused, halted;
    struct rw_hash mine, theirs;
    struct letter out[QUEUE];
    uint32_t out_head, out_tail;
};

static struct rig rig[2];
static uint64_t now_ns;

static void act(struct rig *r, const struct rw_pair_actions *actions) {
    for (uint32_t i = 0; i < actions->count; i++) {
        const struct rw_pair_action *action = &actions->item[i];
        switch (action->kind) {
        case RW_PAIR_SEND:
            r->out[r->out_head++ % QUEUE].message = action->message;
            break;
        case RW_PAIR_SYNC_SUPER:
            r->asked = action->super;
            break;
        case RW_PAIR_STORE:
            r->last = action->upto;
            break;
        case RW_PAIR_PERSIST:
            r->persist_upto = action->upto;
            break;
        case RW_PAIR_TRUNCATE:
            r->last = action->upto;
            break;
        case RW_PAIR_APPLY:
            r->apply_upto = action->upto;
            break;
        case RW_PAIR_RELEASE:
            r->released = action->upto;
            break;
        case RW_PAIR_RESTART:
            r->restart = true;
            break;
        case RW_PAIR_HALT:
            r->halted = action->reason;
            break;
        case RW_PAIR_REFUSE:
            r->refused = action->reason;
            r->mine = action->mine;
            r->theirs = action->theirs;
            break;
        default:
            break;
        }
    }
}

static void step(struct rig *r, struct rw_pair_event event) {
    static struct rw_pair_actions actions;
    event.now_ns = now_ns;
    event.room_bytes = r->room;
    rw_pair_step(r->pair, &event, &actions);
    act(r, &actions);
}

static struct rw_pair_view view(const struct rig *r) {
    struct rw_pair_view v;
    rw_pair_view(r->pair, now_ns, &v);
    return v;
}

/* Starts a process on what is on its disk: `entries` of the chain that it had. */
static void start(struct rig *r, uint64_t entries) {
    static struct rw_pair_actions actions;
    if (!r->pair) r->pair = aligned_alloc(64, rw_pair_footprint(&r->cfg));
    rw_pair_new(r->pair, &r->cfg, &r->super, &r->counters);
    for (uint64_t n = 1; n <= entries; n++) assert_true(rw_pair_index(r->pair, n, r->chain[n], 64));
    r->last = r->persist_upto = entries;
    r->applied = r->apply_upto = r->released = 0;
    r->out_head = r->out_tail = 0;
    r->refused = r->halted = RW_PAIR_NONE;
    r->restart = false;
    rw_pair_start(r->pair, false, &actions);
    act(r, &actions);
}

static struct rw_hash result_of(uint64_t n) { return (struct rw_hash){.low = n * 7, .high = n}; }

/* Everything that is not held back happens at this site. */
static void settle(struct rig *r) {
    uint64_t first, upto, bytes_max;
    if (r->asked.version && !r->super_stuck) {
        r->super = r->asked;
        r->asked.version = 0;
        step(r, (struct rw_pair_event){.kind = RW_PAIR_SUPER_SYNCED, .version = r->super.version});
    }
    if (!r->disk_stuck)
        step(r, (struct rw_pair_event){.kind = RW_PAIR_PERSISTED, .upto = r->persist_upto});
    while (r->applied < r->apply_upto && !r->compute_stuck) {
        struct rw_point point = {.sequence = ++r->applied, .hash = result_of(r->applied)};
        step(r, (struct rw_pair_event){.kind = RW_PAIR_APPLIED, .result = point});
    }
    while (rw_pair_may_send(r->pair, &first, &upto, &bytes_max)) {
        struct letter *letter = &r->out[r->out_head++ % QUEUE];
        memset(letter->payload, 0, RW_SLOT_BYTES);
        rw_store_le64(letter->payload, first);
        letter->payload[offsetof(struct rw_entry, slots)] = 1;
        rw_pair_append(r->pair, first, 1, r->chain[first - 1], letter->payload, 64, now_ns,
                       &letter->message);
        step(r, (struct rw_pair_event){.kind = RW_PAIR_SENT, .upto = first, .bytes = 64});
        if (r->out_head - r->out_tail > QUEUE / 2) break;
    }
    step(r, (struct rw_pair_event){.kind = RW_PAIR_TICK});
}

static void deliver(struct rig *from, struct rig *to) {
    while (from->out_tail != from->out_head) {
        const struct letter *letter = &from->out[from->out_tail++ % QUEUE];
        step(to, (struct rw_pair_event){.kind = RW_PAIR_MSG, .message = &letter->message});
    }
}

static void run(uint32_t rounds) {
    for (uint32_t i = 0; i < rounds; i++) {
        now_ns += 1000000;
        for (int s = 0; s < 2; s++) settle(&rig[s]);
        deliver(&rig[0], &rig[1]);
        deliver(&rig[1], &rig[0]);
    }
}

static void meet(void) {
    for (int s = 0; s < 2; s++) step(&rig[s], (struct rw_pair_event){.kind = RW_PAIR_PEER_UP});
}

static void log_entries(struct rig *r, uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        uint8_t entry[64] = {0};
        uint64_t n = ++r->last;
        rw_store_le64(entry, n);
        entry[offsetof(struct rw_entry, slots)] = 1;
        r->chain[n] = rw_hash_chain(r->chain[n - 1], entry, 64);
        rig[!r->cfg.site].chain[n] = r->chain[n];
        assert_true(rw_pair_index(r->pair, n, r->chain[n], 64));
        r->apply_upto = n;
    }
    step(r, (struct rw_pair_event){.kind = RW_PAIR_INPUT, .upto = r->last});
}

static int set_up(void **state) {
    memset(rig, 0, sizeof rig);
    now_ns = 1000000;
    for (uint8_t s = 0; s < 2; s++) {
        rig[s].room = 1u << 20;
        rig[s].cfg = (struct rw_pair_cfg){.site = s,
                                          .policy = *state ? RW_PAIR_MEM : RW_PAIR_DISK,
                                          .named_leader = s == 0,
                                          .window = 2048,
                                          .anchors = 4,
                                          .dead_ns = 100000000,
                                          .hello_ns = 5000000,
                                          .heartbeat_ns = 1000000,
                                          .commit_sync_ns = 10000000,
                                          .join_lag = 16,
                                          .fresh_lineage = {.low = 1, .high = s},
                                          .fresh_store = 10 + s};
        start(&rig[s], 0);
    }
    return 0;
}

static int tear_down(void **state) {
    for (int s = 0; s < 2; s++) free(rig[s].pair);
    return 0;
}

static void lead_with(uint64_t entries) {
    meet();
    run(30);
    assert_int_equal(view(&rig[0]).role, RW_ROLE_LEAD);
    log_entries(&rig[0], entries);
    run(10);
}

static void the_named_site_leads_once_the_peer_has_its_epoch_on_disk(void **state) {
    run(5); /* who they are is on disk */
    rig[1].super_stuck = true;
    meet();
    run(50);
    assert_int_equal(view(&rig[0]).role, RW_ROLE_RECOVER);
    assert_true(view(&rig[0]).claiming);
    rig[1].super_stuck = false;
    run(10);
    assert_int_equal(view(&rig[0]).role, RW_ROLE_LEAD);
    assert_int_equal(view(&rig[1]).role, RW_ROLE_FOLLOW);
    assert_int_equal(rw_epoch_site(view(&rig[1]).epoch), 0);
}

static void nothing_is_released_before_the_peer_has_computed_it(void **state) {
    lead_with(3);
    assert_int_equal(rig[0].released, 3);
    rig[1].compute_stuck = true;
    log_entries(&rig[0], 2);
    run(20);
    assert_int_equal(rig[0].released, 3);
    assert_int_equal(view(&rig[0]).peer_durable, 5);
    rig[1].compute_stuck = false;
    run(5);
    assert_int_equal(rig[0].released, 5);
    assert_int_equal(rig[1].released, 5);
}

static void under_disk_nothing_is_released_before_both_disks_have_it(void **state) {
    lead_with(3);
    for (int s = 0; s < 2; s++) {
        rig[s].disk_stuck = true;
        log_entries(&rig[0], 1);
        run(20);
        assert_int_equal(rig[0].released, 3 + s);
        rig[s].disk_stuck = false;
        run(5);
        assert_int_equal(rig[0].released, 4 + s);
    }
}

static void under_mem_the_disks_are_not_waited_for(void **state) {
    lead_with(1);
    rig[0].disk_stuck = rig[1].disk_stuck = true;
    log_entries(&rig[0], 4);
    run(10);
    assert_int_equal(rig[0].released, 5);
    assert_int_equal(rig[1].released, 5);
}

static void no_more_is_on_the_way_than_the_peer_has_room_for(void **state) {
    rig[1].room = 1024;
    rig[1].disk_stuck = true;
    lead_with(0);
    log_entries(&rig[0], 40);
    settle(&rig[0]);
    assert_int_equal(view(&rig[0]).sent, 1); /* a largest entry must always fit behind it */
    assert_true(view(&rig[0]).inflight_bytes <= 1024);
}

static void entries_that_do_not_continue_the_log_are_not_taken(void **state) {
    struct letter forged = {0};
    lead_with(3);
    rw_store_le64(forged.payload, 4);
    forged.payload[offsetof(struct rw_entry, slots)] = 1;
    rw_pair_index(rig[0].pair, 4, (struct rw_hash){1, 1}, 64);
    rw_pair_append(rig[0].pair, 4, 1, (struct rw_hash){9, 9}, forged.payload, 64, now_ns,
                   &forged.message);
    step(&rig[1], (struct rw_pair_event){.kind = RW_PAIR_MSG, .message = &forged.message});
    assert_int_equal(view(&rig[1]).last, 3);
    assert_int_equal(rw_stat_get(&rig[1].counters.chain_breaks), 1);
}

static void malformed_entries_are_counted_and_left(void **state) {
    struct letter bad = {0};
    lead_with(3);
    rw_store_le64(bad.payload, 4); /* slots = 0 */
    rw_pair_index(rig[0].pair, 4, (struct rw_hash){1, 1}, 64);
    rw_pair_append(rig[0].pair, 4, 1, rig[0].chain[3], bad.payload, 64, now_ns, &bad.message);
    for (int slots = 0; slots < 256; slots += 17) {
        bad.payload[offsetof(struct rw_entry, slots)] = (uint8_t)(slots == 17 ? 2 : slots);
        step(&rig[1], (struct rw_pair_event){.kind = RW_PAIR_MSG, .message = &bad.message});
    }
    assert_int_equal(view(&rig[1]).last, 3);
    assert_int_equal(rw_stat_get(&rig[1].counters.appends_refused), 16);
}

static void a_peer_with_other_terms_is_refused_with_both_hashes(void **state) {
    for (int which = 0; which < 3; which++) {
        struct rw_terms terms = {.wire_lowest = 1, .wire_highest = 1};
        rig[0].cfg.terms = terms;
        if (which == 0) terms.image.low = 5;
        if (which == 1) terms.kernel.low = 5;
        if (which == 2) terms.keys.low = 5;
        rig[1].cfg.terms = terms;
        for (int s = 0; s < 2; s++) start(&rig[s], 0);
        run(2);
        meet();
        run(10);
        assert_int_equal(rig[0].refused, RW_PAIR_IMAGE + which);
        assert_int_equal(rig[1].refused, RW_PAIR_IMAGE + which);
        assert_int_equal(rig[0].theirs.low, 5);
        assert_int_equal(rig[1].mine.low, 5);
        assert_int_equal(view(&rig[0]).role, RW_ROLE_RECOVER);
    }
}

static void promote_is_refused_while_the_peer_is_reachable_and_on_a_stranger(void **state) {
    step(&rig[1], (struct rw_pair_event){.kind = RW_PAIR_PROMOTE});
    assert_int_equal(rig[1].refused, RW_PAIR_NOT_MEMBER);
    lead_with(3);
    step(&rig[1], (struct rw_pair_event){.kind = RW_PAIR_PROMOTE});
    assert_int_equal(rig[1].refused, RW_PAIR_PEER_REACHABLE);
    step(&rig[1], (struct rw_pair_event){.kind = RW_PAIR_PEER_DOWN});
    step(&rig[1], (struct rw_pair_event){.kind = RW_PAIR_PROMOTE});
    assert_int_equal(view(&rig[1]).role, RW_ROLE_FOLLOW); /* not before it is on disk */
    settle(&rig[1]);
    assert_int_equal(view(&rig[1]).role, RW_ROLE_LEAD);
    assert_int_equal(view(&rig[1]).mode, RW_MODE_SOLO);
    assert_int_equal(rig[1].released, 3);
    step(&rig[1], (struct rw_pair_event){.kind = RW_PAIR_PROMOTE});
    assert_int_equal(rig[1].refused, RW_PAIR_ALREADY_ALONE);
}

static void a_site_reborn_without_its_memory_is_no_member_any_more(void **state) {
    lead_with(3);
    uint64_t before = view(&rig[1]).identity.incarnation;
    start(&rig[1], 0);
    settle(&rig[1]);
    assert_int_equal(view(&rig[1]).identity.incarnation, before + 1);
    step(&rig[1], (struct rw_pair_event){.kind = RW_PAIR_PROMOTE});
    assert_int_equal(rig[1].refused, RW_PAIR_NOT_MEMBER);
    step(&rig[1], (struct rw_pair_event){.kind = RW_PAIR_PROMOTE, .new_lineage = true});
    settle(&rig[1]);
    assert_int_equal(view(&rig[1]).role, RW_ROLE_LEAD);
}

static void a_site_that_ended_in_order_with_its_whole_log_is_the_same_one(void **state) {
    lead_with(3);
    struct rw_pair_view before = view(&rig[1]);
    assert_true(rw_pair_stop(rig[1].pair, &rig[1].super));
    start(&rig[1], 3);
    settle(&rig[1]);
    assert_true(rw_identity_equal(view(&rig[1]).identity, before.identity));
    assert_true(view(&rig[1]).member);
    start(&rig[1], 3); /* this time without a stop: the word does not hold twice */
    assert_int_equal(view(&rig[1]).identity.incarnation, before.identity.incarnation + 1);
}

static void a_site_that_ended_in_order_and_lost_its_end_is_somebody_else(void **state) {
    lead_with(3);
    uint64_t before = view(&rig[1]).identity.incarnation;
    assert_true(rw_pair_stop(rig[1].pair, &rig[1].super));
    start(&rig[1], 2);
    assert_int_equal(view(&rig[1]).identity.incarnation, before + 1);
    assert_false(view(&rig[1]).member);
}

static void two_sites_that_may_lack_what_was_released_say_so(void **state) {
    lead_with(3);
    for (int s = 0; s < 2; s++) start(&rig[s], 3);
    meet();
    run(30);
    for (int s = 0; s < 2; s++) {
        assert_int_equal(view(&rig[s]).role, RW_ROLE_RECOVER);
        assert_int_equal(rig[s].refused, RW_PAIR_NOBODY);
    }
}

static void a_site_that_just_started_looks_for_its_peer_before_it_is_promoted(void **state) {
    lead_with(3);
    rig[1].cfg.meet_ns = 1000000000;
    start(&rig[1], 3);
    run(5);
    step(&rig[1], (struct rw_pair_event){.kind = RW_PAIR_PROMOTE});
    assert_int_equal(rig[1].refused, RW_PAIR_TOO_EARLY);
    now_ns += 1000000000;
    step(&rig[1], (struct rw_pair_event){.kind = RW_PAIR_PROMOTE});
    settle(&rig[1]);
    assert_int_equal(view(&rig[1]).role, RW_ROLE_LEAD);
}

static void a_restarted_leader_does_not_go_on_in_its_epoch(void **state) {
    lead_with(3);
    uint64_t epoch = view(&rig[0]).epoch;
    start(&rig[0], 3);
    run(5);
    assert_int_equal(view(&rig[0]).role, RW_ROLE_RECOVER);
    assert_int_equal(rig[0].released, 0);
    meet();
    run(30);
    assert_int_equal(view(&rig[0]).role, RW_ROLE_LEAD);
    assert_true(view(&rig[0]).epoch > epoch);
    assert_int_equal(rig[0].released, 3);
}

static void a_deposed_leader_restarts_instead_of_following(void **state) {
    lead_with(3);
    step(&rig[1], (struct rw_pair_event){.kind = RW_PAIR_PROMOTE, .force = true});
    run(10);
    assert_true(rig[0].restart);
    assert_true(view(&rig[0]).restarting);
    assert_int_equal(view(&rig[1]).role, RW_ROLE_LEAD);
    start(&rig[0], 3); /* what the peer has released meanwhile is not here */
    settle(&rig[0]);
    step(&rig[0], (struct rw_pair_event){.kind = RW_PAIR_PROMOTE});
    assert_int_equal(rig[0].refused, RW_PAIR_NOT_MEMBER);
}

static void a_log_longer_than_planned_is_refused(void **state) {
    rig[0].cfg.anchors = 1;
    rw_pair_new(rig[0].pair, &rig[0].cfg, &rig[0].super, &rig[0].counters);
    for (uint64_t n = 1; n < 2048; n++)
        assert_true(rw_pair_index(rig[0].pair, n, (struct rw_hash){n, n}, 64));
    assert_false(rw_pair_index(rig[0].pair, 2048, (struct rw_hash){1, 1}, 64));
}

static void old_chain_hashes_are_known_at_anchors_only(void **state) {
    struct rw_hash chain;
    rw_pair_new(rig[0].pair, &rig[0].cfg, &rig[0].super, &rig[0].counters);
    for (uint64_t n = 1; n <= 4000; n++)
        assert_true(rw_pair_index(rig[0].pair, n, (struct rw_hash){n, ~n}, 64));
    assert_true(rw_pair_chain(rig[0].pair, 1024, &chain));
    assert_int_equal(chain.low, 1024);
    assert_false(rw_pair_chain(rig[0].pair, 1025, &chain));
    assert_true(rw_pair_chain(rig[0].pair, 4000 - 2047, &chain));
    assert_false(rw_pair_chain(rig[0].pair, 4001, &chain));
}

int main(void) {
    static int mem = 1;
#define CASE(test)     cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define CASE_MEM(test) cmocka_unit_test_prestate_setup_teardown(test, set_up, tear_down, &mem)
    const struct CMUnitTest tests[] = {
        CASE(the_named_site_leads_once_the_peer_has_its_epoch_on_disk),
        CASE(nothing_is_released_before_the_peer_has_computed_it),
        CASE(under_disk_nothing_is_released_before_both_disks_have_it),
        CASE_MEM(under_mem_the_disks_are_not_waited_for),
        CASE(no_more_is_on_the_way_than_the_peer_has_room_for),
        CASE(entries_that_do_not_continue_the_log_are_not_taken),
        CASE(malformed_entries_are_counted_and_left),
        CASE(a_peer_with_other_terms_is_refused_with_both_hashes),
        CASE(promote_is_refused_while_the_peer_is_reachable_and_on_a_stranger),
        CASE_MEM(a_site_reborn_without_its_memory_is_no_member_any_more),
        CASE_MEM(a_site_that_ended_in_order_with_its_whole_log_is_the_same_one),
        CASE_MEM(a_site_that_ended_in_order_and_lost_its_end_is_somebody_else),
        CASE_MEM(two_sites_that_may_lack_what_was_released_say_so),
        CASE(a_site_that_just_started_looks_for_its_peer_before_it_is_promoted),
        CASE(a_restarted_leader_does_not_go_on_in_its_epoch),
        CASE(a_deposed_leader_restarts_instead_of_following),
        CASE(a_log_longer_than_planned_is_refused),
        CASE(old_chain_hashes_are_known_at_anchors_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
