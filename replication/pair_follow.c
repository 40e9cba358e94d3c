/* The follower's side: entries are taken only where they continue the own log, acknowledged only as
 * far as verified in this epoch, released only up to the leader's commit and where results were
 * equal.
 *
 *   own log   1 ────────── verified ───────── last
 *   APPEND          [ first … verified + 1 … upto ]
 *
 * The first entry that differs cuts the rest of the own log off: never below what may have been
 * released (HALT), and below what was computed only with RESTART. */
#include "dataplane/base/bytes.h"
#include "dataplane/record/entry.h"
#include "replication/pair_state.h"

static bool following(const struct rw_pair *pair, const struct rw_message *message) {
    return pair->role == RW_ROLE_FOLLOW && message->site == rw_epoch_site(pair->super.epoch) &&
           message->site != pair->cfg.site;
}

void rw_pair_on_hello_ack(struct rw_pair *pair, const struct rw_message *message,
                          struct rw_pair_actions *actions) {
    struct rw_point match = message->hello_ack.match;
    struct rw_hash mine;
    if (!following(pair, message)) return;
    if (pair->matched && match.sequence <= pair->verified) return;
    if (!rw_pair_chain(pair, match.sequence, &mine) || !rw_hash_equal(mine, match.hash)) {
        rw_stat_add(&pair->counters->chain_breaks, 1);
        return;
    }
    pair->matched = true;
    pair->verified = match.sequence;
    pair->verified_chain = match.hash;
    pair->ack_dirty = pair->ack_urgent = true;
    rw_pair_allow_apply(pair, pair->verified, actions);
}

static void ask_again(struct rw_pair *pair, struct rw_pair_actions *actions) {
    if (pair->now_ns < pair->nak_due_ns) return;
    pair->nak_due_ns = pair->now_ns + pair->cfg.heartbeat_ns;
    rw_stat_add(&pair->counters->naks_sent, 1);
    rw_pair_send(pair, actions, RW_MESSAGE_NAK)->nak.from = pair->verified + 1;
}

/* Are the payload's lengths and sequences those of whole entries first…first + count − 1? */
static bool well_formed(const struct rw_append *append) {
    uint64_t at = 0;
    if (append->count == 0 || append->first_sequence == 0) return false;
    for (uint32_t i = 0; i < append->count; i++) {
        if (append->payload_bytes - at < RW_SLOT_BYTES) return false;
        const uint8_t *entry = append->payload + at;
        uint8_t slots = entry[offsetof(struct rw_entry, slots)];
        if (rw_load_le64(entry) != append->first_sequence + i) return false;
        if (slots < 1 || slots > RW_ENTRY_SLOTS_MAX) return false;
        at += slots * RW_SLOT_BYTES;
        if (at > append->payload_bytes) return false;
    }
    return at == append->payload_bytes;
}

/* Cuts the own log after `verified`. False when that must not be: the site has then stopped. */
static bool cut(struct rw_pair *pair, struct rw_pair_actions *actions) {
    uint64_t to = pair->verified;
    if (to < rw_pair_guard(pair) && RW_PAIR_RULE(RW_MUTATION_NO_GUARD)) {
        rw_pair_halt(pair, RW_PAIR_HISTORIES, pair->last_chain, pair->verified_chain, actions);
        return false;
    }
    rw_stat_add(&pair->counters->truncations, 1);
    rw_stat_add(&pair->counters->entries_truncated, pair->last - to);
    pair->last = to;
    pair->last_chain = pair->verified_chain;
    pair->durable = rw_pair_min(pair->durable, to);
    pair->commit =
        rw_pair_min(pair->commit, to); /* only without the guard; see RW_MUTATION_NO_GUARD */
    rw_pair_act(actions, RW_PAIR_TRUNCATE)->upto = to;
    if (pair->apply_allowed > to && RW_PAIR_RULE(RW_MUTATION_NO_RESTART)) {
        rw_pair_restart(pair, RW_PAIR_CUT_APPLIED, actions);
        return false;
    }
    return true;
}

/* Is the own entry the same? Where the own chain hash is no longer in memory the entry is taken
 * for the same up to the guard, whose hash is always known and decides, and for another one above
 * it: that may be cut. */
static bool same_as_own(const struct rw_pair *pair, uint64_t sequence, struct rw_hash chain) {
    struct rw_hash mine;
    if (!RW_PAIR_RULE(RW_MUTATION_NO_CHAIN_CHECK)) return true;
    if (rw_pair_chain(pair, sequence, &mine)) return rw_hash_equal(mine, chain);
    return sequence < rw_pair_guard(pair);
}

/* Takes the entries after `verified` one by one. first_new is the first not held before. */
static void take(struct rw_pair *pair, const struct rw_append *append,
                 struct rw_pair_actions *actions) {
    struct rw_hash chain = append->prev_chain;
    uint64_t at = 0, first_new = 0, offset = 0;
    for (uint32_t i = 0; i < append->count; i++) {
        const uint8_t *entry = append->payload + at;
        uint64_t sequence = append->first_sequence + i;
        uint32_t bytes = entry[offsetof(struct rw_entry, slots)] * RW_SLOT_BYTES;
        bool continues = rw_hash_equal(chain, pair->verified_chain);
        if (sequence == pair->verified + 1 && !continues &&
            RW_PAIR_RULE(RW_MUTATION_NO_CHAIN_CHECK)) {
            rw_stat_add(&pair->counters->chain_breaks, 1);
            pair->matched = false;
            break;
        }
        chain = rw_hash_chain(chain, entry, bytes);
        at += bytes;
        if (sequence <= pair->verified) continue;
        bool held = sequence <= pair->last && same_as_own(pair, sequence, chain);
        if (!held) {
            if (sequence / RW_REPL_ANCHOR_EVERY > pair->cfg.anchors) {
                rw_pair_halt(pair, RW_PAIR_LOG_FULL, pair->last_chain, chain, actions);
                return;
            }
            if (sequence <= pair->last && !cut(pair, actions)) return;
            if (first_new == 0) {
                first_new = sequence;
                offset = at - bytes;
            }
            rw_pair_put_chain(pair, sequence, chain);
        }
        pair->verified = sequence;
        pair->verified_chain = chain;
    }
    if (first_new == 0) return;
    struct rw_pair_action *store = rw_pair_act(actions, RW_PAIR_STORE);
    store->first = first_new;
    store->upto = pair->verified;
    store->offset = offset;
    rw_pair_act(actions, RW_PAIR_PERSIST)->upto = pair->verified;
}

static void take_commit(struct rw_pair *pair, uint64_t commit, struct rw_point result,
                        uint64_t stamp_ns, struct rw_pair_actions *actions) {
    pair->leader_commit = rw_pair_max(pair->leader_commit, commit);
    pair->echo_ns = stamp_ns;
    rw_pair_note_result(pair, result);
    rw_pair_compare(pair, actions);
    rw_pair_follow_release(pair, actions);
}

void rw_pair_on_append(struct rw_pair *pair, const struct rw_message *message,
                       struct rw_pair_actions *actions) {
    const struct rw_append *append = &message->append;
    if (!following(pair, message) || !pair->matched) return;
    if (!well_formed(append)) {
        rw_stat_add(&pair->counters->appends_refused, 1);
        return;
    }
    pair->ack_dirty = true;
    if (append->first_sequence > pair->verified + 1) {
        rw_stat_add(&pair->counters->gaps, 1);
        ask_again(pair, actions);
    } else if (append->first_sequence + append->count - 1 <= pair->verified) {
        rw_stat_add(&pair->counters->appends_duplicate, 1);
    } else if (append->payload_bytes > pair->room_bytes) {
        rw_stat_add(&pair->counters->over_room, 1);
        ask_again(pair, actions);
    } else {
        take(pair, append, actions);
        if (pair->stopped != RW_PAIR_NONE) return;
        rw_pair_allow_apply(pair, pair->verified, actions);
    }
    take_commit(pair, append->commit, append->result, message->stamp_ns, actions);
}

void rw_pair_on_commit(struct rw_pair *pair, const struct rw_message *message,
                       struct rw_pair_actions *actions) {
    if (!following(pair, message) || !pair->matched) return;
    take_commit(pair, message->commit.commit, message->commit.result, message->stamp_ns, actions);
}

void rw_pair_follow_release(struct rw_pair *pair, struct rw_pair_actions *actions) {
    if (pair->role != RW_ROLE_FOLLOW || !pair->matched) return;
    uint64_t known = rw_pair_min(pair->leader_commit, pair->verified);
    if (!RW_PAIR_RULE(RW_MUTATION_RELEASE_ON_RECEIPT)) known = pair->verified;
    pair->commit = rw_pair_max(pair->commit, known);
    bool compare =
        RW_PAIR_RULE(RW_MUTATION_NO_RESULT_COMPARE) && RW_PAIR_RULE(RW_MUTATION_RELEASE_ON_RECEIPT);
    uint64_t equal = compare ? pair->peer.equal : pair->applied;
    rw_pair_release(pair, rw_pair_min(known, rw_pair_min(equal, pair->applied)), actions);
}

void rw_pair_follow_tick(struct rw_pair *pair, struct rw_pair_actions *actions) {
    if (pair->role != RW_ROLE_FOLLOW || pair->phase != RW_PHASE_NONE) return;
    if (!pair->matched || !pair->peer.up) return;
    /* Receipt alone is no news worth a message of its own while the result is being computed. */
    if (pair->ack_dirty && !pair->ack_urgent) pair->ack_ticks++;
    bool due = pair->ack_urgent || pair->ack_ticks >= RW_PAIR_ACK_TICKS;
    if (!due && pair->now_ns < pair->heartbeat_due_ns) return;
    struct rw_ack *ack = &rw_pair_send(pair, actions, RW_MESSAGE_ACK)->ack;
    bool early = !RW_PAIR_RULE(RW_MUTATION_ACK_BEFORE_DISK);
    uint64_t comparable = rw_pair_min(pair->applied, pair->verified);
    ack->verified = pair->verified;
    ack->durable = early ? pair->verified : rw_pair_min(pair->durable, pair->verified);
    ack->applied = rw_pair_result_below(pair, comparable);
    ack->mark = rw_pair_result_below(pair, comparable & ~(uint64_t)(RW_REPL_ANCHOR_EVERY - 1));
    ack->echo_ns = pair->echo_ns;
    ack->credit_bytes = pair->room_bytes;
    pair->ack_dirty = pair->ack_urgent = false;
    pair->ack_ticks = 0;
    pair->heartbeat_due_ns = pair->now_ns + pair->cfg.heartbeat_ns;
}
