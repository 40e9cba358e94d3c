/* How two sites meet: HELLO, who leads, and the durable steps in which an epoch begins.
 *
 *   claim    own promise on disk ─► HELLO(leads) ─► the peer adopts ─► membership on disk ─► LEAD
 *   adopt    promise, and membership if the epoch names this site in sync, on disk ─► FOLLOW
 *   promote  promise and membership on disk in one write ─► LEAD, SOLO
 *
 * The leader's membership comes last, so an epoch that nobody adopted never outranks one that
 * released. */
#include <string.h>

#include "replication/pair_state.h"

static const struct rw_identity nobody;
static const struct rw_hash no_hash;

void rw_pair_forget_peer(struct rw_pair *pair) {
    struct rw_identity newest = pair->peer.identity_newest;
    uint64_t epoch = pair->peer.epoch;
    memset(&pair->peer, 0, sizeof pair->peer);
    pair->peer.identity_newest = newest;
    pair->peer.epoch = epoch; /* an epoch once heard of is never claimed again */
    pair->matched = false;
    pair->turn++;
}

void rw_pair_send_hello(struct rw_pair *pair, struct rw_pair_actions *actions) {
    bool claims = pair->phase == RW_PHASE_CLAIM_WAIT;
    struct rw_hello *hello = &rw_pair_send(pair, actions, RW_MESSAGE_HELLO)->hello;
    uint64_t guard = rw_pair_guard(pair);
    struct rw_hash chain;
    hello->terms = pair->cfg.terms;
    hello->last = (struct rw_point){.sequence = pair->last, .hash = pair->last_chain};
    hello->last_anchor = rw_pair_anchor_point(pair, pair->last);
    hello->guard_anchor = rw_pair_anchor_point(pair, guard);
    hello->guard = rw_pair_chain(pair, guard, &chain)
                       ? (struct rw_point){.sequence = guard, .hash = chain}
                       : hello->guard_anchor;
    hello->durable = pair->durable;
    hello->member_epoch = pair->super.member_epoch;
    hello->member = pair->super.member;
    hello->in_sync = claims ? pair->claim_in_sync : pair->in_sync;
    hello->leads = claims || rw_pair_leading(pair);
    hello->mode = (uint8_t)(claims ? pair->claim_mode : pair->mode);
    hello->halted = pair->role == RW_ROLE_HALT;
    hello->follows = pair->role == RW_ROLE_FOLLOW;
    hello->named = pair->cfg.named_leader;
    memcpy(hello->build, pair->cfg.build, sizeof hello->build);
    hello->build[sizeof hello->build - 1] = '\0';
    pair->hello_due_ns = pair->now_ns + pair->cfg.hello_ns * (pair->peer.refused ? 32 : 1);
}

static void wait_for_disk(struct rw_pair *pair, enum rw_pair_phase phase,
                          struct rw_pair_actions *actions) {
    rw_pair_sync(pair, actions);
    pair->phase = phase;
    pair->phase_version = pair->super.version;
    if (RW_PAIR_RULE(RW_MUTATION_EPOCH_UNSYNCED)) return;
    pair->super_synced = pair->super.version;
    rw_pair_on_synced(pair, actions);
}

static uint64_t next_epoch(const struct rw_pair *pair) {
    uint64_t highest = rw_pair_max(pair->super.epoch, pair->peer.epoch);
    return rw_epoch_make(rw_epoch_number(highest) + 1, pair->cfg.site);
}

static void be_member(struct rw_pair *pair, enum rw_mode mode) {
    pair->super.member = 1;
    pair->super.member_epoch = pair->super.epoch;
    pair->super.member_mode = (uint8_t)mode;
}

void rw_pair_claim(struct rw_pair *pair, enum rw_mode mode, struct rw_identity in_sync,
                   struct rw_pair_actions *actions) {
    rw_stat_add(&pair->counters->claims, 1);
    if (rw_hash_equal(pair->super.lineage, no_hash)) pair->super.lineage = pair->cfg.fresh_lineage;
    pair->super.epoch = next_epoch(pair);
    pair->claim_mode = mode;
    pair->claim_in_sync = in_sync;
    pair->matched = false;
    if (mode == RW_MODE_SOLO) {
        be_member(pair, mode);
        pair->super.alone_upto = UINT64_MAX;
        wait_for_disk(pair, RW_PHASE_SEAT_SYNC, actions);
    } else {
        wait_for_disk(pair, RW_PHASE_CLAIM_SYNC, actions);
    }
}

/* The peer's identity, if it held all that was released in the epoch both were last members of. */
static struct rw_identity peer_if_member(const struct rw_pair *pair) {
    const struct rw_hello *hello = &pair->peer.hello;
    bool equal =
        hello->member && pair->super.member && hello->member_epoch == pair->super.member_epoch;
    if (!RW_PAIR_RULE(RW_MUTATION_NO_INCARNATION)) equal = true;
    return equal ? pair->peer.identity : nobody;
}

/* Nobody leads. The site leads that holds all that was released (the newest membership), then the
 * one with the longer log, so that nothing logged is thrown away, then the one the configuration
 * names. Both sites decide on the same facts; if they do not, the two epochs differ and the higher
 * one wins. */
static bool should_lead(const struct rw_pair *pair) {
    const struct rw_hello *hello = &pair->peer.hello;
    uint64_t newest = rw_pair_max(pair->super.member_epoch, hello->member_epoch);
    bool mine = pair->super.member && pair->super.member_epoch == newest;
    bool theirs = hello->member && hello->member_epoch == newest;
    if (!mine || hello->halted) return false;
    if (!theirs) return true;
    if (pair->last != hello->last.sequence) return pair->last > hello->last.sequence;
    if (pair->cfg.named_leader != hello->named) return pair->cfg.named_leader;
    return pair->cfg.site == 0;
}

static void seat(struct rw_pair *pair, struct rw_pair_actions *actions) {
    if (pair->role != RW_ROLE_LEAD) pair->lead_first = pair->last + 1;
    pair->role = RW_ROLE_LEAD;
    pair->mode = pair->claim_mode;
    pair->in_sync = pair->claim_in_sync;
    pair->join = false;
    pair->floor = pair->last;
    pair->verified = pair->last;
    pair->verified_chain = pair->last_chain;
    pair->alone_version = pair->super.version;
    pair->peer.matched = pair->peer.acked = false;
    pair->peer.equal = 0;
    rw_pair_say_role(pair, actions);
    rw_pair_allow_apply(pair, pair->last, actions);
    if (pair->peer.up) rw_pair_send_hello(pair, actions);
    if (pair->peer.hello_seen && pair->peer.hello.follows && pair->peer.epoch == pair->super.epoch)
        rw_pair_meet_follower(pair, actions);
}

static void follow(struct rw_pair *pair, struct rw_pair_actions *actions) {
    pair->role = RW_ROLE_FOLLOW;
    pair->mode = pair->peer.hello_seen ? pair->peer.hello.mode : RW_MODE_DUAL;
    pair->matched = false;
    pair->verified = 0;
    pair->verified_chain = no_hash;
    pair->leader_commit = 0;
    pair->peer.equal = 0;
    pair->peer.waiting = pair->peer.latest = (struct rw_point){0};
    rw_pair_say_role(pair, actions);
    if (pair->peer.up) rw_pair_send_hello(pair, actions);
}

void rw_pair_on_synced(struct rw_pair *pair, struct rw_pair_actions *actions) {
    if (pair->phase == RW_PHASE_NONE || pair->phase == RW_PHASE_CLAIM_WAIT) return;
    if (pair->super_synced < pair->phase_version) return;
    enum rw_pair_phase phase = pair->phase;
    pair->phase = phase == RW_PHASE_CLAIM_SYNC ? RW_PHASE_CLAIM_WAIT : RW_PHASE_NONE;
    switch (phase) {
    case RW_PHASE_SEAT_SYNC:
        seat(pair, actions);
        break;
    case RW_PHASE_ADOPT_SYNC:
        follow(pair, actions);
        break;
    default:
        if (pair->peer.up) rw_pair_send_hello(pair, actions);
        break;
    }
}

static void adopt(struct rw_pair *pair, const struct rw_message *message,
                  struct rw_pair_actions *actions) {
    rw_stat_add(&pair->counters->adoptions, 1);
    pair->super.epoch = message->epoch;
    pair->super.lineage = message->lineage;
    pair->matched = false;
    bool named = rw_identity_equal(message->hello.in_sync, pair->super.identity);
    if (!RW_PAIR_RULE(RW_MUTATION_NO_INCARNATION)) named = true;
    if (message->hello.mode == RW_MODE_DUAL && named)
        be_member(pair, RW_MODE_DUAL);
    else
        pair->super.member = 0;
    wait_for_disk(pair, RW_PHASE_ADOPT_SYNC, actions);
}

/* The peer has promised a newer epoch than the one led here. If it was a member of a newer one,
 * this site is deposed: what it computed beyond the common log cannot be undone, so the process
 * replaces itself. If it only promised (a claim under way, or one that came to nothing), it may
 * lack what was released here, so this leader takes a yet newer number. */
static void newer_than_leader(struct rw_pair *pair, const struct rw_message *message,
                              struct rw_pair_actions *actions) {
    bool deposed = message->hello.member_epoch > pair->super.member_epoch;
    if (!deposed && pair->phase == RW_PHASE_CLAIM_WAIT) {
        rw_pair_claim(pair, pair->claim_mode, pair->claim_in_sync, actions);
        return;
    }
    if (!deposed) {
        rw_pair_claim(pair, pair->mode, pair->mode == RW_MODE_DUAL ? peer_if_member(pair) : nobody,
                      actions);
        return;
    }
    if (pair->mode == RW_MODE_SOLO && !pair->join) pair->super.alone_upto = pair->commit;
    pair->super.commit = rw_pair_min(pair->commit, pair->durable);
    pair->super.member =
        0; /* of an older epoch than the last: not to be promoted before it is again */
    rw_pair_sync(pair, actions);
    rw_pair_restart(pair, RW_PAIR_DEPOSED, actions);
}

static void on_leader_hello(struct rw_pair *pair, const struct rw_message *message,
                            struct rw_pair_actions *actions) {
    if (message->epoch > pair->super.epoch) {
        if (pair->role == RW_ROLE_LEAD)
            newer_than_leader(pair, message, actions);
        else if (message->hello.member_epoch >= pair->super.member_epoch)
            adopt(pair, message, actions);
        else if (should_lead(pair)) /* it claims without what was released here */
            rw_pair_claim(pair, RW_MODE_DUAL, peer_if_member(pair), actions);
    } else if (message->epoch < pair->super.epoch) {
        bool seated = message->hello.member_epoch == message->epoch;
        bool idle = pair->role != RW_ROLE_LEAD && pair->phase == RW_PHASE_NONE;
        if (idle && !seated && should_lead(pair))
            rw_pair_claim(pair, RW_MODE_DUAL, peer_if_member(pair), actions);
        else
            rw_pair_send_hello(pair, actions);
    } else if (pair->role == RW_ROLE_RECOVER) {
        follow(pair, actions);
    } else if (pair->role == RW_ROLE_FOLLOW) {
        bool changed = pair->mode != (enum rw_mode)message->hello.mode;
        pair->mode = message->hello.mode;
        if (changed) rw_pair_say_role(pair, actions);
        rw_pair_send_hello(pair, actions);
    }
}

static void refuse(struct rw_pair *pair, enum rw_pair_reason reason, struct rw_hash mine,
                   struct rw_hash theirs, struct rw_pair_actions *actions) {
    rw_stat_add(&pair->counters->refusals, 1);
    struct rw_pair_action *action = rw_pair_act(actions, RW_PAIR_REFUSE);
    action->reason = reason;
    action->mine = mine;
    action->theirs = theirs;
}

/* Both sites have started, and neither is sure to hold all that was released: nobody may lead. */
static void tell_nobody(struct rw_pair *pair, const struct rw_message *message,
                        struct rw_pair_actions *actions) {
    if (pair->super.member || message->hello.member || pair->peer.nobody_told) return;
    pair->peer.nobody_told = true; /* said once per connection */
    refuse(pair, RW_PAIR_NOBODY, pair->last_chain, message->hello.last.hash, actions);
}

static void on_member_hello(struct rw_pair *pair, const struct rw_message *message,
                            struct rw_pair_actions *actions) {
    bool leads = pair->role == RW_ROLE_LEAD;
    if (leads && message->epoch > pair->super.epoch) {
        newer_than_leader(pair, message, actions);
    } else if (pair->phase == RW_PHASE_CLAIM_WAIT && message->epoch == pair->super.epoch) {
        be_member(pair, pair->claim_mode);
        pair->super.alone_upto = rw_pair_min(pair->super.alone_upto, pair->last);
        wait_for_disk(pair, RW_PHASE_SEAT_SYNC, actions);
    } else if (message->epoch < pair->super.epoch && (leads || pair->phase != RW_PHASE_NONE)) {
        rw_pair_send_hello(pair, actions);
    } else if (leads && message->hello.follows) {
        rw_pair_meet_follower(pair, actions);
    } else if (leads) {
        rw_pair_send_hello(pair, actions);
    } else if (should_lead(pair)) {
        rw_pair_claim(pair, RW_MODE_DUAL, peer_if_member(pair), actions);
    } else {
        /* If it was the leader it has come back and must hear from this site to go on. */
        if (pair->matched) pair->hello_due_ns = pair->now_ns;
        pair->matched = false;
        tell_nobody(pair, message, actions);
    }
}

static enum rw_pair_reason objection(const struct rw_pair *pair, const struct rw_message *message) {
    const struct rw_terms *mine = &pair->cfg.terms, *theirs = &message->hello.terms;
    if (message->site == pair->cfg.site) return RW_PAIR_SAME_SITE;
    if (mine->wire_lowest > theirs->wire_highest || mine->wire_highest < theirs->wire_lowest)
        return RW_PAIR_WIRE;
    if (!rw_hash_equal(mine->image, theirs->image)) return RW_PAIR_IMAGE;
    if (!rw_hash_equal(mine->kernel, theirs->kernel)) return RW_PAIR_KERNEL;
    if (!rw_hash_equal(mine->keys, theirs->keys)) return RW_PAIR_KEYS;
    if (mine->calculation_version != theirs->calculation_version) return RW_PAIR_CALCULATION;
    /* A site that holds nothing and was never a member takes over the other's lineage. */
    bool mine_open = rw_hash_equal(pair->super.lineage, no_hash) ||
                     (pair->last == 0 && pair->super.member_epoch == 0);
    bool theirs_open = rw_hash_equal(message->lineage, no_hash) ||
                       (message->hello.last.sequence == 0 && message->hello.member_epoch == 0);
    if (!rw_hash_equal(pair->super.lineage, message->lineage) && !mine_open && !theirs_open)
        return RW_PAIR_LINEAGE;
    return RW_PAIR_NONE;
}

static void refuse_peer(struct rw_pair *pair, enum rw_pair_reason reason,
                        const struct rw_message *message, struct rw_pair_actions *actions) {
    const struct rw_terms *mine = &pair->cfg.terms, *theirs = &message->hello.terms;
    if (pair->peer.refused) return; /* said once per connection */
    pair->peer.refused = true;
    switch (reason) {
    case RW_PAIR_IMAGE:
        refuse(pair, reason, mine->image, theirs->image, actions);
        break;
    case RW_PAIR_KERNEL:
        refuse(pair, reason, mine->kernel, theirs->kernel, actions);
        break;
    case RW_PAIR_KEYS:
        refuse(pair, reason, mine->keys, theirs->keys, actions);
        break;
    case RW_PAIR_LINEAGE:
        refuse(pair, reason, pair->super.lineage, message->lineage, actions);
        break;
    default:
        refuse(pair, reason, no_hash, no_hash, actions);
        break;
    }
}

void rw_pair_on_hello(struct rw_pair *pair, const struct rw_message *message,
                      struct rw_pair_actions *actions) {
    struct rw_pair_peer *peer = &pair->peer;
    rw_stat_add(&pair->counters->hellos_received, 1);
    enum rw_pair_reason reason = objection(pair, message);
    if (reason != RW_PAIR_NONE) {
        refuse_peer(pair, reason, message, actions);
        return;
    }
    peer->refused = false;
    peer->hello_seen = pair->met = true;
    peer->hello = message->hello;
    /* What another life of the peer has acknowledged says nothing about this one. */
    if (!rw_identity_equal(peer->identity, message->identity) &&
        RW_PAIR_RULE(RW_MUTATION_OLD_LIFE_ACKS))
        peer->matched = peer->acked = false;
    peer->identity = message->identity;
    peer->epoch = rw_pair_max(peer->epoch, message->epoch);
    if (pair->phase != RW_PHASE_NONE && pair->phase != RW_PHASE_CLAIM_WAIT) return;
    if (message->hello.leads)
        on_leader_hello(pair, message, actions);
    else
        on_member_hello(pair, message, actions);
}

void rw_pair_on_promote(struct rw_pair *pair, const struct rw_pair_event *event,
                        struct rw_pair_actions *actions) {
    enum rw_pair_reason reason = RW_PAIR_NONE;
    bool member = pair->super.member && pair->super.member_epoch != 0;
    bool alone = rw_pair_leading(pair) && pair->mode == RW_MODE_SOLO && !pair->join;
    bool looked = pair->met || pair->now_ns - pair->started_ns >= pair->cfg.meet_ns;
    if (pair->stopped != RW_PAIR_NONE)
        reason = RW_PAIR_STOPPED;
    else if (alone)
        reason = RW_PAIR_ALREADY_ALONE;
    else if (rw_pair_alive(pair) && !event->force)
        reason = RW_PAIR_PEER_REACHABLE;
    else if (!looked && !event->force)
        reason = RW_PAIR_TOO_EARLY;
    else if (!member && !event->new_lineage && RW_PAIR_RULE(RW_MUTATION_ANYONE_PROMOTES))
        reason = RW_PAIR_NOT_MEMBER;
    if (reason != RW_PAIR_NONE) {
        refuse(pair, reason, no_hash, no_hash, actions);
        return;
    }
    if (event->new_lineage && !member) pair->super.lineage = event->lineage;
    rw_pair_claim(pair, RW_MODE_SOLO, nobody, actions);
}
