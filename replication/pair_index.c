/* Chain and result hashes by sequence: a window of the newest, and an anchor every 1,024 for the
 * whole log.
 *
 *   anchors  0 ─── 1,024 ─── 2,048 ─── … ─── n & ~1023
 *   window                               [ n − W + 1 … n ]     cell = sequence & (W − 1), tagged
 *
 * So where two logs part is found without reading the disk. */
#include "replication/pair_state.h"

static const struct rw_hash no_hash;

bool rw_pair_chain(const struct rw_pair *pair, uint64_t sequence, struct rw_hash *chain) {
    if (sequence > pair->last) return false;
    const struct rw_pair_chain_cell *cell = &pair->chains[sequence & (pair->cfg.window - 1)];
    if (sequence == 0) {
        *chain = no_hash;
    } else if (cell->sequence == sequence) {
        *chain = cell->chain;
    } else if (sequence % RW_REPL_ANCHOR_EVERY == 0) {
        *chain = pair->anchors[sequence / RW_REPL_ANCHOR_EVERY].chain;
    } else if (sequence == pair->loaded_commit.sequence) {
        *chain = pair->loaded_commit.hash;
    } else if (sequence == pair->loaded_alone.sequence) {
        *chain = pair->loaded_alone.hash;
    } else {
        return false;
    }
    return true;
}

void rw_pair_put_chain(struct rw_pair *pair, uint64_t sequence, struct rw_hash chain) {
    struct rw_pair_chain_cell *cell = &pair->chains[sequence & (pair->cfg.window - 1)];
    *cell = (struct rw_pair_chain_cell){.sequence = sequence, .chain = chain};
    if (sequence % RW_REPL_ANCHOR_EVERY == 0)
        pair->anchors[sequence / RW_REPL_ANCHOR_EVERY] = (struct rw_pair_anchor){.chain = chain};
    struct rw_point point = {.sequence = sequence, .hash = chain};
    if (sequence == pair->super.commit) pair->loaded_commit = point;
    if (sequence == pair->super.alone_upto) pair->loaded_alone = point;
    pair->last = sequence;
    pair->last_chain = chain;
}

struct rw_point rw_pair_anchor_point(const struct rw_pair *pair, uint64_t sequence) {
    uint64_t row = sequence / RW_REPL_ANCHOR_EVERY;
    return (struct rw_point){.sequence = row * RW_REPL_ANCHOR_EVERY,
                             .hash = pair->anchors[row].chain};
}

void rw_pair_result(struct rw_pair *pair, uint64_t sequence, struct rw_hash hash) {
    pair->results[sequence & (pair->cfg.window - 1)] =
        (struct rw_pair_result_cell){.sequence = sequence, .hash = hash};
    uint64_t row = sequence / RW_REPL_ANCHOR_EVERY;
    if (sequence % RW_REPL_ANCHOR_EVERY == 0 && row <= pair->cfg.anchors) {
        pair->anchors[row].result = hash;
        pair->anchors[row].has_result = true;
    }
}

bool rw_pair_result_at(const struct rw_pair *pair, uint64_t sequence, struct rw_hash *hash) {
    const struct rw_pair_result_cell *cell = &pair->results[sequence & (pair->cfg.window - 1)];
    const struct rw_pair_anchor *anchor = &pair->anchors[sequence / RW_REPL_ANCHOR_EVERY];
    if (sequence == 0 || sequence > pair->applied) return false;
    if (cell->sequence == sequence) {
        *hash = cell->hash;
    } else if (sequence % RW_REPL_ANCHOR_EVERY == 0 && anchor->has_result) {
        *hash = anchor->result;
    } else {
        return false;
    }
    return true;
}

struct rw_point rw_pair_result_below(const struct rw_pair *pair, uint64_t sequence) {
    struct rw_point point = {.sequence = sequence};
    if (rw_pair_result_at(pair, point.sequence, &point.hash)) return point;
    point.sequence = sequence / RW_REPL_ANCHOR_EVERY * RW_REPL_ANCHOR_EVERY;
    if (rw_pair_result_at(pair, point.sequence, &point.hash)) return point;
    return (struct rw_point){0};
}

void rw_pair_note_result(struct rw_pair *pair, struct rw_point point) {
    struct rw_pair_peer *peer = &pair->peer;
    if (point.sequence <= peer->equal) return;
    /* The oldest unreached point is kept until it is reached; newer ones overwrite each other.
     * Otherwise a peer that is always ahead would move the target for ever. */
    if (peer->waiting.sequence == 0 || point.sequence < peer->waiting.sequence)
        peer->waiting = point;
    else if (point.sequence > peer->latest.sequence)
        peer->latest = point;
}

void rw_pair_compare(struct rw_pair *pair, struct rw_pair_actions *actions) {
    struct rw_pair_peer *peer = &pair->peer;
    /* Entries above `verified` may not be the peer's, so their results are not comparable. */
    uint64_t comparable = rw_pair_min(pair->applied, pair->verified);
    for (int i = 0; i < 2 && peer->waiting.sequence != 0; i++) {
        struct rw_point theirs = peer->waiting;
        if (theirs.sequence > comparable) return;
        peer->waiting = peer->latest;
        peer->latest = (struct rw_point){0};
        struct rw_hash mine;
        if (!rw_pair_result_at(pair, theirs.sequence, &mine)) continue;
        rw_stat_add(&pair->counters->compared, 1);
        if (!rw_hash_equal(mine, theirs.hash) && RW_PAIR_RULE(RW_MUTATION_NO_RESULT_COMPARE)) {
            rw_stat_add(&pair->counters->divergences, 1);
            struct rw_message *message = rw_pair_send(pair, actions, RW_MESSAGE_DIVERGED);
            message->diverged.mine = (struct rw_point){.sequence = theirs.sequence, .hash = mine};
            message->diverged.yours = theirs.hash;
            rw_pair_halt(pair, RW_PAIR_DIVERGED, mine, theirs.hash, actions);
            return;
        }
        peer->equal = rw_pair_max(peer->equal, theirs.sequence);
    }
}
