/* The public face of the protocol core: memory, loading, dispatch of events, invariants. */
#include "replication/pair_core.h"

#include <string.h>

#include "replication/pair_state.h"

#ifdef RW_PAIR_MUTATIONS
int rw_pair_mutation;
#endif

static void check(const struct rw_pair *pair);

const char *rw_pair_reason_text(enum rw_pair_reason reason) {
#define RW_PAIR_REASON_TEXT(name, text) text,
    static const char *const texts[] = {RW_PAIR_REASONS(RW_PAIR_REASON_TEXT)};
    return (unsigned)reason < RW_PAIR_REASON_COUNT ? texts[reason] : "unknown reason";
}

static size_t aligned(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

size_t rw_pair_footprint(const struct rw_pair_cfg *cfg) {
    return aligned(sizeof(struct rw_pair)) +
           aligned(cfg->window * sizeof(struct rw_pair_chain_cell)) +
           aligned(cfg->window * sizeof(struct rw_pair_result_cell)) +
           aligned((cfg->anchors + 1ul) * sizeof(struct rw_pair_anchor));
}

struct rw_pair *rw_pair_new(void *memory, const struct rw_pair_cfg *cfg,
                            const struct rw_pair_super *super, struct rw_pair_counters *counters) {
    RW_ASSERT(cfg->site < 2 && cfg->anchors >= 1);
    RW_ASSERT(cfg->window >= 2048 && (cfg->window & (cfg->window - 1)) == 0);
    RW_ASSERT(cfg->fresh_store != 0 && (super->layout == 0 || super->site == cfg->site));
    memset(memory, 0, rw_pair_footprint(cfg));
    struct rw_pair *pair = memory;
    uint8_t *at = (uint8_t *)memory + aligned(sizeof *pair);
    pair->chains = (void *)at;
    at += aligned(cfg->window * sizeof(struct rw_pair_chain_cell));
    pair->results = (void *)at;
    at += aligned(cfg->window * sizeof(struct rw_pair_result_cell));
    pair->anchors = (void *)at;
    pair->cfg = *cfg;
    pair->counters = counters;
    pair->super = *super;
    pair->super.version = 0;
    return pair;
}

bool rw_pair_index(struct rw_pair *pair, uint64_t sequence, struct rw_hash chain, uint32_t bytes) {
    RW_ASSERT(sequence == pair->last + 1);
    RW_ASSERT(bytes >= 64 && bytes <= 1024 && bytes % 64 == 0);
    RW_ASSERT(!pair->started || pair->role == RW_ROLE_LEAD);
    if (sequence / RW_REPL_ANCHOR_EVERY > pair->cfg.anchors) return false;
    rw_pair_put_chain(pair, sequence, chain);
    if (pair->started) {
        pair->verified = sequence;
        pair->verified_chain = chain;
        /* enrich has sent it to risk already */
        pair->apply_allowed = sequence;
    }
    return true;
}

/* A site under `mem` forgets what it only held in memory when its process ends, unless that was in
 * order; under `disk` it forgets only when its journal is not the one it made promises on. Then it
 * is somebody new, and no member. */
static void be_reborn(struct rw_pair *pair) {
    pair->super.identity.incarnation++;
    if (pair->last != 0 || pair->super.epoch != 0) pair->super.member = 0;
}

void rw_pair_start(struct rw_pair *pair, bool journal_lost, struct rw_pair_actions *actions) {
    actions->count = 0;
    struct rw_pair_super *super = &pair->super;
    bool whole = super->whole && super->whole_upto == pair->last;
    super->whole = 0; /* on disk before this process promises anything */
    if (super->layout == 0) {
        *super = (struct rw_pair_super){.layout = RW_PAIR_SUPER_LAYOUT, .site = pair->cfg.site};
        super->identity = (struct rw_identity){.store = pair->cfg.fresh_store, .incarnation = 1};
        super->member = pair->last == 0;
        super->alone_upto = pair->last;
    } else if (journal_lost || pair->last < super->commit ||
               (pair->cfg.policy == RW_PAIR_MEM && !whole)) {
        be_reborn(pair);
    }
    pair->started = true;
    pair->durable = pair->last;
    pair->commit = journal_lost ? 0 : rw_pair_min(super->commit, pair->last);
    pair->role = RW_ROLE_RECOVER;
    pair->mode = RW_MODE_DUAL;
    rw_pair_sync(pair, actions);
    pair->phase = RW_PHASE_START_SYNC;
    pair->phase_version = super->version;
    rw_pair_say_role(pair, actions);
    rw_pair_allow_apply(pair, pair->commit, actions);
    bool own = super->member_epoch == super->epoch && rw_epoch_site(super->epoch) == super->site;
    if (!RW_PAIR_RULE(RW_MUTATION_RESUME_EPOCH) && own && super->epoch != 0) {
        pair->role = RW_ROLE_LEAD;
        pair->phase = RW_PHASE_NONE;
        pair->mode = super->member_mode;
        pair->in_sync = pair->claim_in_sync = super->identity;
        pair->verified = pair->last;
        rw_pair_say_role(pair, actions);
        rw_pair_allow_apply(pair, pair->last, actions);
    } else if (pair->cfg.no_peer) {
        rw_pair_claim(pair, RW_MODE_SOLO, (struct rw_identity){0}, actions);
    }
}

bool rw_pair_stop(const struct rw_pair *pair, struct rw_pair_super *super) {
    if (pair->stopped != RW_PAIR_NONE && !pair->restarting) return false;
    *super = pair->super;
    super->commit = rw_pair_max(super->commit, rw_pair_min(pair->commit, pair->last));
    super->whole = 1;
    super->whole_upto = pair->last;
    return true;
}

static void on_message(struct rw_pair *pair, const struct rw_pair_event *event,
                       struct rw_pair_actions *actions);

static void on_local(struct rw_pair *pair, const struct rw_pair_event *event,
                     struct rw_pair_actions *actions) {
    switch (event->kind) {
    case RW_PAIR_INPUT:
        RW_ASSERT(pair->role == RW_ROLE_LEAD && event->upto == pair->last);
        rw_pair_act(actions, RW_PAIR_PERSIST)->upto = pair->last;
        break;
    case RW_PAIR_SENT:
        rw_pair_on_sent(pair, event->upto, event->bytes);
        break;
    case RW_PAIR_PERSISTED:
        pair->durable = rw_pair_max(pair->durable, rw_pair_min(event->upto, pair->last));
        pair->ack_dirty = true;
        if (pair->cfg.policy == RW_PAIR_DISK) pair->ack_urgent = true;
        break;
    case RW_PAIR_APPLIED:
        RW_ASSERT(event->result.sequence >= pair->applied);
        RW_ASSERT(event->result.sequence <= pair->apply_allowed);
        pair->applied = event->result.sequence;
        rw_pair_result(pair, pair->applied, event->result.hash);
        pair->ack_dirty = pair->ack_urgent = true;
        rw_pair_compare(pair, actions);
        break;
    case RW_PAIR_IO_ERROR:
        rw_pair_halt(pair, RW_PAIR_BAD_STORE, (struct rw_hash){0}, (struct rw_hash){0}, actions);
        break;
    default:
        break;
    }
    rw_pair_advance(pair, actions);
    rw_pair_follow_release(pair, actions);
}

static void on_tick(struct rw_pair *pair, struct rw_pair_actions *actions) {
    bool settled = (rw_pair_leading(pair) && pair->peer.matched && pair->peer.acked) ||
                   (pair->role == RW_ROLE_FOLLOW && pair->matched);
    bool may_speak = pair->phase == RW_PHASE_NONE || pair->phase == RW_PHASE_CLAIM_WAIT;
    if (pair->peer.up && may_speak && !settled && pair->now_ns >= pair->hello_due_ns)
        rw_pair_send_hello(pair, actions);
    rw_pair_lead_tick(pair, actions);
    rw_pair_follow_tick(pair, actions);
    uint64_t known = rw_pair_min(pair->commit, pair->durable);
    if (pair->phase == RW_PHASE_NONE && known > pair->super.commit &&
        pair->now_ns >= pair->commit_sync_due_ns) {
        pair->super.commit = known;
        pair->commit_sync_due_ns = pair->now_ns + pair->cfg.commit_sync_ns;
        rw_pair_sync(pair, actions);
    }
}

/* A halted site only says so when asked; a restarting one finishes its writes and goes. */
static void on_event_stopped(struct rw_pair *pair, const struct rw_pair_event *event,
                             struct rw_pair_actions *actions) {
    if (event->kind == RW_PAIR_PROMOTE) {
        rw_pair_on_promote(pair, event, actions);
    } else if (event->kind == RW_PAIR_MSG && event->message->type == RW_MESSAGE_HELLO &&
               !pair->restarting && pair->now_ns >= pair->hello_due_ns) {
        rw_pair_send_hello(pair, actions);
    }
}

void rw_pair_step(struct rw_pair *pair, const struct rw_pair_event *event,
                  struct rw_pair_actions *actions) {
    actions->count = 0;
    pair->now_ns = rw_pair_max(pair->now_ns, event->now_ns);
    if (pair->started_ns == 0) pair->started_ns = pair->now_ns;
    if (pair->stopped != RW_PAIR_NONE) {
        on_event_stopped(pair, event, actions);
        return;
    }
    switch (event->kind) {
    case RW_PAIR_PEER_UP:
        rw_pair_forget_peer(pair);
        pair->peer.up = true;
        pair->hello_due_ns = pair->now_ns;
        break;
    case RW_PAIR_PEER_DOWN:
        rw_pair_forget_peer(pair);
        break;
    case RW_PAIR_MSG:
        pair->room_bytes = event->room_bytes;
        on_message(pair, event, actions);
        break;
    case RW_PAIR_SUPER_SYNCED:
        pair->super_synced = rw_pair_max(pair->super_synced, event->version);
        rw_pair_on_synced(pair, actions);
        rw_pair_advance(pair, actions);
        break;
    case RW_PAIR_TICK:
        pair->room_bytes = event->room_bytes;
        on_tick(pair, actions);
        break;
    case RW_PAIR_PROMOTE:
        rw_pair_on_promote(pair, event, actions);
        break;
    default:
        on_local(pair, event, actions);
        break;
    }
    check(pair);
}

/* Messages of an older epoch are answered with HELLO, which fences the sender; of a newer one,
 * with HELLO, which makes the sender say what it claims. At most one such answer per heartbeat. */
static bool same_epoch(struct rw_pair *pair, const struct rw_message *message,
                       struct rw_pair_actions *actions) {
    if (message->epoch == pair->super.epoch) return true;
    rw_stat_add(&pair->counters->stale_epoch, 1);
    bool may_speak = pair->phase == RW_PHASE_NONE || pair->phase == RW_PHASE_CLAIM_WAIT;
    if (may_speak && pair->now_ns >= pair->heartbeat_due_ns) {
        pair->heartbeat_due_ns = pair->now_ns + pair->cfg.heartbeat_ns;
        rw_pair_send_hello(pair, actions);
    }
    return false;
}

/* An earlier life of the peer must not speak for the present one. */
static bool present_life(struct rw_pair *pair, const struct rw_message *message) {
    struct rw_identity *newest = &pair->peer.identity_newest;
    if (newest->store == message->identity.store &&
        message->identity.incarnation < newest->incarnation &&
        RW_PAIR_RULE(RW_MUTATION_NO_INCARNATION)) {
        rw_stat_add(&pair->counters->foreign_incarnation, 1);
        return false;
    }
    *newest = message->identity;
    return true;
}

static void on_message(struct rw_pair *pair, const struct rw_pair_event *event,
                       struct rw_pair_actions *actions) {
    const struct rw_message *message = event->message;
    if (!pair->peer.up || !present_life(pair, message)) return;
    pair->peer.heard_ns = pair->now_ns;
    if (message->type == RW_MESSAGE_HELLO) {
        rw_pair_on_hello(pair, message, actions);
    } else if (pair->peer.refused) {
        return;
    } else if (!rw_hash_equal(message->lineage, pair->super.lineage)) {
        rw_stat_add(&pair->counters->foreign_lineage, 1);
    } else if (message->type == RW_MESSAGE_HALT) {
        if (message->halt_reason == RW_PAIR_HISTORIES)
            rw_pair_halt(pair, RW_PAIR_HISTORIES, (struct rw_hash){0}, (struct rw_hash){0},
                         actions);
    } else if (pair->phase == RW_PHASE_NONE && same_epoch(pair, message, actions)) {
        switch (message->type) {
        case RW_MESSAGE_HELLO_ACK:
            rw_pair_on_hello_ack(pair, message, actions);
            break;
        case RW_MESSAGE_APPEND:
            rw_pair_on_append(pair, message, actions);
            break;
        case RW_MESSAGE_COMMIT:
            rw_pair_on_commit(pair, message, actions);
            break;
        case RW_MESSAGE_ACK:
            rw_pair_on_ack(pair, message, actions);
            break;
        case RW_MESSAGE_NAK:
            rw_pair_on_nak(pair, message);
            break;
        case RW_MESSAGE_DIVERGED:
            rw_pair_halt(pair, RW_PAIR_DIVERGED, message->diverged.yours,
                         message->diverged.mine.hash, actions);
            break;
        default:
            break;
        }
    }
}

struct rw_pair_action *rw_pair_act(struct rw_pair_actions *actions, enum rw_pair_action_kind kind) {
    RW_ASSERT(actions->count < RW_PAIR_ACTIONS_MAX);
    struct rw_pair_action *action = &actions->item[actions->count++];
    memset(action, 0, sizeof *action);
    action->kind = kind;
    return action;
}

void rw_pair_head(struct rw_pair *pair, struct rw_message *message, enum rw_message_type type) {
    message->type = (uint8_t)type;
    message->site = pair->cfg.site;
    message->number = ++pair->number;
    message->stamp_ns = pair->now_ns;
    message->epoch = pair->super.epoch;
    message->lineage = pair->super.lineage;
    message->identity = pair->super.identity;
}

struct rw_message *rw_pair_send(struct rw_pair *pair, struct rw_pair_actions *actions,
                                enum rw_message_type type) {
    struct rw_message *message = &rw_pair_act(actions, RW_PAIR_SEND)->message;
    rw_pair_head(pair, message, type);
    return message;
}

void rw_pair_sync(struct rw_pair *pair, struct rw_pair_actions *actions) {
    pair->super.version++;
    rw_pair_act(actions, RW_PAIR_SYNC_SUPER)->super = pair->super;
}

void rw_pair_say_role(struct rw_pair *pair, struct rw_pair_actions *actions) {
    struct rw_pair_action *action = rw_pair_act(actions, RW_PAIR_ROLE);
    action->role = pair->role;
    action->mode = pair->mode;
    action->epoch = pair->super.epoch;
    action->first = pair->role == RW_ROLE_LEAD ? pair->lead_first : 0;
}

void rw_pair_allow_apply(struct rw_pair *pair, uint64_t upto, struct rw_pair_actions *actions) {
    if (upto <= pair->apply_allowed) return;
    pair->apply_allowed = upto;
    rw_pair_act(actions, RW_PAIR_APPLY)->upto = upto;
}

void rw_pair_release(struct rw_pair *pair, uint64_t upto, struct rw_pair_actions *actions) {
    if (upto <= pair->released) return;
    pair->released = upto;
    pair->commit_dirty = true;
    rw_pair_act(actions, RW_PAIR_RELEASE)->upto = upto;
}

void rw_pair_halt(struct rw_pair *pair, enum rw_pair_reason reason, struct rw_hash mine,
                  struct rw_hash theirs, struct rw_pair_actions *actions) {
    if (pair->stopped != RW_PAIR_NONE) return;
    pair->stopped = reason;
    pair->role = RW_ROLE_HALT;
    pair->matched = pair->join = false;
    if (pair->peer.up) rw_pair_send(pair, actions, RW_MESSAGE_HALT)->halt_reason = reason;
    rw_pair_say_role(pair, actions);
    struct rw_pair_action *action = rw_pair_act(actions, RW_PAIR_HALT);
    action->reason = reason;
    action->mine = mine;
    action->theirs = theirs;
}

void rw_pair_restart(struct rw_pair *pair, enum rw_pair_reason reason,
                     struct rw_pair_actions *actions) {
    rw_stat_add(&pair->counters->restarts, 1);
    pair->stopped = reason;
    pair->restarting = true;
    pair->role = RW_ROLE_RECOVER;
    pair->matched = pair->join = false;
    rw_pair_say_role(pair, actions);
    rw_pair_act(actions, RW_PAIR_RESTART)->reason = reason;
}

void rw_pair_view(const struct rw_pair *pair, uint64_t now_ns, struct rw_pair_view *view) {
    const struct rw_pair_peer *peer = &pair->peer;
    *view = (struct rw_pair_view){
        .role = pair->role,
        .mode = pair->mode,
        .stopped = pair->stopped,
        .seated = pair->role == RW_ROLE_LEAD,
        .joining = pair->join,
        .claiming = pair->phase != RW_PHASE_NONE,
        .matched = pair->matched,
        .member = pair->super.member,
        .restarting = pair->restarting,
        .peer_up = peer->up,
        .peer_alive = rw_pair_alive(pair) && now_ns - peer->heard_ns < pair->cfg.dead_ns,
        .peer_matched = peer->matched && peer->acked,
        .peer_in_sync = peer->matched && peer->acked && pair->mode == RW_MODE_DUAL &&
                        rw_identity_equal(peer->identity, pair->in_sync),
        .peer_leads = peer->hello_seen && peer->hello.leads,
        .peer_halted = peer->hello_seen && peer->hello.halted,
        .epoch = pair->super.epoch,
        .member_epoch = pair->super.member_epoch,
        .peer_epoch = peer->epoch,
        .last = pair->last,
        .verified = pair->verified,
        .durable = pair->durable,
        .applied = pair->applied,
        .commit = pair->commit,
        .released = pair->released,
        .apply_allowed = pair->apply_allowed,
        .floor = pair->floor,
        .peer_last = peer->hello.last.sequence,
        .peer_verified = peer->verified,
        .peer_durable = peer->durable,
        .peer_applied = peer->applied,
        .peer_equal = peer->equal,
        .peer_commit = pair->leader_commit,
        .sent = pair->sent,
        .inflight_bytes = pair->inflight_bytes,
        .credit_bytes = peer->credit_bytes,
        .round_trip_ns = pair->round_trip_ns,
        .lineage = pair->super.lineage,
        .identity = pair->super.identity,
        .peer_identity = peer->identity,
    };
}

/* What must hold after every event, in production too. */
static void check(const struct rw_pair *pair) {
    const struct rw_pair_super *super = &pair->super;
    RW_ASSERT(pair->released <= pair->commit && pair->commit <= pair->last);
    RW_ASSERT(pair->released <= pair->applied);
    RW_ASSERT(pair->durable <= pair->last && pair->verified <= pair->last);
    RW_ASSERT(pair->applied <= pair->apply_allowed);
    RW_ASSERT(super->member_epoch <= super->epoch && pair->super_synced <= super->version);
    RW_ASSERT(pair->inflight_bytes == 0 || pair->frame_head != pair->frame_tail);
    if (pair->role == RW_ROLE_LEAD) RW_ASSERT(pair->verified == pair->last);
    if (rw_pair_leading(pair)) RW_ASSERT(rw_epoch_site(super->epoch) == super->site);
    if (pair->join) RW_ASSERT(pair->role == RW_ROLE_LEAD && pair->mode == RW_MODE_SOLO);
    if (pair->matched) RW_ASSERT(pair->role == RW_ROLE_FOLLOW);
}
