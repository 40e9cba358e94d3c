/* The leader's side: where the follower's log parts from this one, what it has acknowledged, what
 * may be released, and when a returning peer counts again.
 *
 *   commit =  SOLO: own level      DUAL: min(own level, peer level)      joining: as DUAL
 *
 *   own level  = min(stored per policy, applied)
 *   peer level = min(acknowledged per policy, results equal) */
#include "replication/pair_state.h"

static const struct rw_hash no_hash;

/* Does the point stand in this log? -1 = not known without the disk. */
static int holds(const struct rw_pair *pair, struct rw_point point) {
    struct rw_hash mine;
    if (point.sequence > pair->last) return 0;
    if (!rw_pair_chain(pair, point.sequence, &mine)) return -1;
    return rw_hash_equal(mine, point.hash);
}

static uint64_t match_of(const struct rw_pair *pair, const struct rw_hello *hello) {
    const struct rw_point *points[] = {&hello->last, &hello->last_anchor, &hello->guard,
                                       &hello->guard_anchor};
    uint64_t match = 0;
    for (int i = 0; i < 4; i++)
        if (points[i]->sequence > match && holds(pair, *points[i]) == 1)
            match = points[i]->sequence;
    return match;
}

/* Has the follower released what this log does not have? */
static bool histories_differ(const struct rw_pair *pair, const struct rw_hello *hello) {
    int guard = holds(pair, hello->guard);
    if (guard < 0) guard = holds(pair, hello->guard_anchor);
    return guard == 0 && RW_PAIR_RULE(RW_MUTATION_NO_GUARD);
}

static void send_from(struct rw_pair *pair, uint64_t sequence) {
    pair->sent = sequence;
    pair->turn++;
    pair->frame_head = pair->frame_tail;
    pair->inflight_bytes = 0;
    pair->progress_ns = pair->now_ns;
}

void rw_pair_meet_follower(struct rw_pair *pair, struct rw_pair_actions *actions) {
    struct rw_pair_peer *peer = &pair->peer;
    if (histories_differ(pair, &peer->hello)) {
        rw_pair_halt(pair, RW_PAIR_HISTORIES, pair->last_chain, peer->hello.guard.hash, actions);
        return;
    }
    uint64_t match = match_of(pair, &peer->hello);
    peer->matched = true;
    peer->acked = false;
    peer->verified = peer->durable = peer->applied = peer->equal = peer->credit_bytes = 0;
    peer->waiting = peer->latest = (struct rw_point){0};
    send_from(pair, match);
    struct rw_hello_ack *answer = &rw_pair_send(pair, actions, RW_MESSAGE_HELLO_ACK)->hello_ack;
    answer->match.sequence = match;
    RW_ASSERT(rw_pair_chain(pair, match, &answer->match.hash));
}

/* The peer's acknowledged level, in this epoch. */
static uint64_t peer_level(const struct rw_pair *pair) {
    const struct rw_pair_peer *peer = &pair->peer;
    uint64_t held = pair->cfg.policy == RW_PAIR_DISK ? peer->durable : peer->verified;
    if (!RW_PAIR_RULE(RW_MUTATION_NO_RESULT_COMPARE)) return rw_pair_min(held, peer->applied);
    return rw_pair_min(held, peer->equal);
}

static bool in_sync(const struct rw_pair *pair) {
    return rw_identity_equal(pair->peer.identity, pair->in_sync) ||
           !RW_PAIR_RULE(RW_MUTATION_NO_INCARNATION);
}

void rw_pair_advance(struct rw_pair *pair, struct rw_pair_actions *actions) {
    if (pair->role != RW_ROLE_LEAD) return;
    bool tight = RW_PAIR_RULE(RW_MUTATION_NO_TIGHTENING) || pair->mode == RW_MODE_DUAL;
    if (pair->phase != RW_PHASE_NONE && tight) return;
    uint64_t own = pair->cfg.policy == RW_PAIR_DISK ? pair->durable : pair->last;
    own = rw_pair_min(own, pair->applied);
    uint64_t upto = 0;
    if (pair->mode == RW_MODE_SOLO && (!pair->join || !tight))
        upto = pair->super_synced >= pair->alone_version ? own : 0;
    else if (pair->mode == RW_MODE_SOLO || in_sync(pair))
        upto = rw_pair_min(own, peer_level(pair));
    pair->commit = rw_pair_max(pair->commit, upto);
    rw_pair_release(pair, upto, actions);
}

/* A peer that returned to a SOLO leader, or as somebody new to a DUAL one, counts again in a new
 * epoch, which may begin when it holds all that was released: the known commit, and the whole log
 * as it was when this leader began (what an earlier leader has released is somewhere in there). */
static void consider_join(struct rw_pair *pair, struct rw_pair_actions *actions) {
    struct rw_pair_peer *peer = &pair->peer;
    if (!rw_pair_leading(pair) || !peer->matched || !peer->acked) return;
    if (pair->mode == RW_MODE_DUAL && in_sync(pair)) return;
    uint64_t level = peer_level(pair);
    if (pair->mode == RW_MODE_SOLO && !pair->join) {
        if (pair->last - rw_pair_min(level, pair->last) > pair->cfg.join_lag) return;
        pair->join = true;
        pair->super.alone_upto = pair->commit;
        rw_pair_sync(pair, actions);
        rw_pair_say_role(pair, actions);
    }
    bool floor = level >= pair->floor || !RW_PAIR_RULE(RW_MUTATION_NO_FLOOR);
    if (level >= pair->commit && floor) rw_pair_claim(pair, RW_MODE_DUAL, peer->identity, actions);
}

static void pop_frames(struct rw_pair *pair) {
    uint64_t before = pair->frame_tail;
    while (pair->frame_tail != pair->frame_head) {
        const struct rw_pair_frame *frame = &pair->frame[pair->frame_tail % RW_PAIR_FRAMES];
        if (frame->upto > pair->peer.verified) break;
        RW_ASSERT(pair->inflight_bytes >= frame->bytes);
        pair->inflight_bytes -= frame->bytes;
        pair->frame_tail++;
    }
    if (before != pair->frame_tail || pair->frame_tail == pair->frame_head)
        pair->progress_ns = pair->now_ns;
}

void rw_pair_on_ack(struct rw_pair *pair, const struct rw_message *message,
                    struct rw_pair_actions *actions) {
    struct rw_pair_peer *peer = &pair->peer;
    const struct rw_ack *ack = &message->ack;
    if (!rw_pair_leading(pair) || !peer->matched || ack->verified > pair->last) return;
    if (!rw_identity_equal(message->identity, peer->identity) &&
        RW_PAIR_RULE(RW_MUTATION_NO_INCARNATION)) {
        rw_stat_add(&pair->counters->foreign_incarnation, 1);
        pair->hello_due_ns = pair->now_ns;
        peer->acked = false;
        return;
    }
    peer->acked = true;
    peer->verified = rw_pair_max(peer->verified, ack->verified);
    peer->durable = rw_pair_max(peer->durable, rw_pair_min(ack->durable, ack->verified));
    peer->applied = rw_pair_max(peer->applied, ack->applied.sequence);
    peer->credit_bytes = ack->credit_bytes;
    if (ack->echo_ns != 0 && ack->echo_ns <= pair->now_ns)
        pair->round_trip_ns = pair->now_ns - ack->echo_ns;
    pop_frames(pair);
    struct rw_hash mine;
    bool known = ack->applied.sequence > pair->applied ||
                 rw_pair_result_at(pair, ack->applied.sequence, &mine);
    rw_pair_note_result(pair, known ? ack->applied : ack->mark);
    rw_pair_compare(pair, actions);
    if (pair->stopped != RW_PAIR_NONE) return;
    rw_pair_advance(pair, actions);
    consider_join(pair, actions);
}

void rw_pair_on_nak(struct rw_pair *pair, const struct rw_message *message) {
    uint64_t from = message->nak.from;
    if (!rw_pair_leading(pair) || !pair->peer.matched || from == 0 || from > pair->sent) return;
    rw_stat_add(&pair->counters->rewinds, 1);
    pair->peer.verified = rw_pair_min(pair->peer.verified, from - 1);
    pair->peer.durable = rw_pair_min(pair->peer.durable, from - 1);
    send_from(pair, from - 1);
}

bool rw_pair_may_send(const struct rw_pair *pair, uint64_t *first, uint64_t *upto,
                      uint64_t *bytes_max) {
    const struct rw_pair_peer *peer = &pair->peer;
    if (!rw_pair_leading(pair) || pair->stopped != RW_PAIR_NONE || !peer->matched || !peer->acked)
        return false;
    if (pair->sent >= pair->last) return false;
    if (pair->frame_head - pair->frame_tail == RW_PAIR_FRAMES) return false;
    if (peer->credit_bytes < pair->inflight_bytes + 1024) return false;
    *first = pair->sent + 1;
    *upto = pair->last;
    *bytes_max = peer->credit_bytes - pair->inflight_bytes;
    return true;
}

uint64_t rw_pair_send_turn(const struct rw_pair *pair) { return pair->turn; }

void rw_pair_append(struct rw_pair *pair, uint64_t first, uint32_t count, struct rw_hash prev_chain,
                    const uint8_t *payload, uint32_t bytes, uint64_t now_ns,
                    struct rw_message *message) {
    RW_ASSERT(rw_pair_leading(pair) && first == pair->sent + 1 && count >= 1);
    pair->now_ns = rw_pair_max(pair->now_ns, now_ns);
    *message = (struct rw_message){0};
    rw_pair_head(pair, message, RW_MESSAGE_APPEND);
    message->append = (struct rw_append){.first_sequence = first,
                                         .count = count,
                                         .payload_bytes = bytes,
                                         .prev_chain = first == 1 ? no_hash : prev_chain,
                                         .commit = pair->released,
                                         .leader_durable = pair->durable,
                                         .result = rw_pair_result_below(pair, pair->released),
                                         .payload = payload};
    pair->commit_dirty = false;
    pair->commit_ticks = 0;
    pair->heartbeat_due_ns = pair->now_ns + pair->cfg.heartbeat_ns;
}

void rw_pair_on_sent(struct rw_pair *pair, uint64_t upto, uint64_t bytes) {
    RW_ASSERT(upto > pair->sent && upto <= pair->last);
    /* I10: never more on the way than the peer has room for */
    RW_ASSERT(pair->inflight_bytes + bytes <= pair->peer.credit_bytes);
    RW_ASSERT(pair->frame_head - pair->frame_tail < RW_PAIR_FRAMES);
    if (pair->inflight_bytes == 0) pair->progress_ns = pair->now_ns;
    pair->frame[pair->frame_head++ % RW_PAIR_FRAMES] =
        (struct rw_pair_frame){.upto = upto, .bytes = bytes};
    pair->inflight_bytes += bytes;
    pair->sent = upto;
}

void rw_pair_lead_tick(struct rw_pair *pair, struct rw_pair_actions *actions) {
    if (!rw_pair_leading(pair)) return;
    if (pair->join && !rw_pair_alive(pair)) {
        /* The peer is lost before the new epoch was claimed: alone again, once that is on disk. */
        pair->join = false;
        pair->super.alone_upto = UINT64_MAX;
        rw_pair_sync(pair, actions);
        pair->alone_version = pair->super.version;
        rw_pair_say_role(pair, actions);
    }
    if (!pair->peer.matched || !pair->peer.up) return;
    uint64_t patience = pair->cfg.retransmit_ns;
    if (patience != 0 && pair->inflight_bytes != 0 && pair->now_ns - pair->progress_ns > patience) {
        rw_stat_add(&pair->counters->rewinds, 1);
        send_from(pair, rw_pair_max(pair->peer.verified, 0));
    }
    consider_join(pair, actions);
    if (!rw_pair_leading(pair)) return;
    /* An APPEND that is about to leave carries the commit index for nothing. */
    if (pair->commit_dirty) pair->commit_ticks++;
    if (pair->commit_ticks < RW_PAIR_COMMIT_TICKS && pair->now_ns < pair->heartbeat_due_ns) return;
    struct rw_commit *commit = &rw_pair_send(pair, actions, RW_MESSAGE_COMMIT)->commit;
    commit->commit = pair->released;
    commit->leader_durable = pair->durable;
    commit->result = rw_pair_result_below(pair, pair->released);
    pair->commit_dirty = false;
    pair->commit_ticks = 0;
    pair->heartbeat_due_ns = pair->now_ns + pair->cfg.heartbeat_ns;
}
