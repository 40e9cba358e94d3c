/* What the protocol core orders: one function per kind of action, in a table. */
#include <errno.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/hash.h"
#include "replication/repl_state.h"

static void act_send(struct rw_repl *repl, const struct rw_pair_action *action) {
    if (!rw_transport_attached(repl->transport)) return;
    if (!rw_transport_put(repl->transport, &action->message))
        rw_stat_add(&repl->counters->send_full, 1);
}

static void act_sync_super(struct rw_repl *repl, const struct rw_pair_action *action) {
    memcpy(repl->super, &action->super, sizeof action->super);
    memcpy(repl->super + sizeof action->super, &repl->store_id, sizeof repl->store_id);
    repl->super_version = action->super.version;
    repl->super_dirty = true; /* written by the stage's own thread: the disk queue belongs to it */
}

/* The follower takes entries out of the APPEND that is being processed: they stand in repl's
 * message. */
static void act_store(struct rw_repl *repl, const struct rw_pair_action *action) {
    const uint8_t *from = repl->message.append.payload + action->offset;
    for (uint64_t sequence = action->first; sequence <= action->upto; sequence++) {
        struct rw_entry head;
        memcpy(&head, from, sizeof head);
        rw_log_memory_put(repl->log, sequence, head.slots);
        for (uint8_t i = 0; i < head.slots; i++, from += RW_SLOT_BYTES)
            memcpy(rw_log_memory_slot(repl->log, sequence, i), from, RW_SLOT_BYTES);
        rw_seq_ring_put(&repl->watermarks->arrival, sequence, repl->now_ns, 0);
    }
    rw_stat_add(&repl->counters->entries_received, action->upto - action->first + 1);
    repl->last = action->upto;
    RW_ASSERT(rw_pair_chain(repl->pair, repl->last, &repl->chain));
}

static void act_persist(struct rw_repl *repl, const struct rw_pair_action *action) {
    if (action->upto > repl->persist_upto) repl->persist_upto = action->upto;
}

static void act_truncate(struct rw_repl *repl, const struct rw_pair_action *action) {
    uint64_t upto = action->upto;
    rw_log_memory_cut(repl->log, upto);
    repl->last = upto;
    if (upto > 0) RW_ASSERT(rw_pair_chain(repl->pair, upto, &repl->chain));
    if (!upto) repl->chain = (struct rw_hash){0, 0};
    if (repl->persist_upto > upto) repl->persist_upto = upto;
    if (repl->apply_upto > upto) repl->apply_upto = upto;
    if (repl->reported > upto) repl->reported = upto;
    if (repl->journaled > upto) {
        /* a cut that still waits may lie lower: what was stored since never reached the journal */
        if (!repl->cut_pending || upto < repl->cut_to) {
            repl->cut_to = upto;
            repl->cut_chain = repl->chain;
        }
        repl->cut_pending = true;
    }
    repl->push.record.count = repl->resend.record.count = 0;
}

static void act_apply(struct rw_repl *repl, const struct rw_pair_action *action) {
    if (action->upto > repl->apply_upto) repl->apply_upto = action->upto;
}

static void act_release(struct rw_repl *repl, const struct rw_pair_action *action) {
    if (action->upto <= repl->released) return;
    uint64_t arrival, unused;
    repl->released = action->upto;
    rw_word_set(&repl->watermarks->commit, action->upto);
    if (rw_seq_ring_get(&repl->watermarks->arrival, action->upto, &arrival, &unused) && arrival &&
        arrival <= repl->now_ns)
        rw_hist_add(repl->latency, repl->now_ns - arrival);
}

static void act_role(struct rw_repl *repl, const struct rw_pair_action *action) {
    repl->role = action->role;
    repl->role_start = action->first;
    rw_word_set(&repl->watermarks->role_start, action->first);
    rw_word_set(&repl->watermarks->role, rw_role_pack(action->epoch, action->mode, action->role));
    rw_repl_refresh(repl);
}

static void act_restart(struct rw_repl *repl, const struct rw_pair_action *action) {
    repl->restart = true;
}

static void act_halt(struct rw_repl *repl, const struct rw_pair_action *action) {
    repl->halted = true;
    rw_repl_refresh(repl);
}

static void act_refuse(struct rw_repl *repl, const struct rw_pair_action *action) {
    repl->refusal = *action;
    if (repl->commanded) return;
    if (rw_ring_room(repl->to_cold, 2) < 2) return; /* leaves a slot for what must not be lost */
    struct rw_repl_notice notice = {.kind = RW_REPL_REFUSED,
                                    .reason = action->reason,
                                    .mine = action->mine,
                                    .theirs = action->theirs};
    memcpy(rw_ring_slot(repl->to_cold, 0), &notice, sizeof notice);
    rw_ring_push(repl->to_cold, 1);
}

void rw_repl_act(struct rw_repl *repl, const struct rw_pair_action *action) {
    static void (*const act[])(struct rw_repl *, const struct rw_pair_action *) = {
        [RW_PAIR_SEND] = act_send,         [RW_PAIR_SYNC_SUPER] = act_sync_super,
        [RW_PAIR_STORE] = act_store,       [RW_PAIR_PERSIST] = act_persist,
        [RW_PAIR_TRUNCATE] = act_truncate, [RW_PAIR_APPLY] = act_apply,
        [RW_PAIR_RELEASE] = act_release,   [RW_PAIR_ROLE] = act_role,
        [RW_PAIR_RESTART] = act_restart,   [RW_PAIR_HALT] = act_halt,
        [RW_PAIR_REFUSE] = act_refuse};
    RW_ASSERT(action->kind >= RW_PAIR_SEND && action->kind <= RW_PAIR_REFUSE);
    act[action->kind](repl, action);
}
