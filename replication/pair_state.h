/* The inside of rw_pair, shared by the files of the protocol core and by nobody else.
 *
 *   pair_core.c    the public functions and the dispatch
 *   pair_index.c   chain hashes and result hashes by sequence
 *   pair_meet.c    HELLO, who leads, epochs and their phases
 *   pair_lead.c    ACK → commit; join; sending
 *   pair_follow.c  APPEND → ACK; truncation */
#pragma once

#include "dataplane/base/assert.h"
#include "replication/pair_core.h"

/* A rule that a test build can switch off, to see that the simulator notices (tests/sim). */
#ifdef RW_PAIR_MUTATIONS
extern int rw_pair_mutation;
#define RW_PAIR_RULE(mutation) (rw_pair_mutation != (mutation))
#else
#define RW_PAIR_RULE(mutation) (1)
#endif

enum rw_pair_mutations {
    RW_MUTATION_NONE = 0,
    RW_MUTATION_NO_TIGHTENING,      /* a SOLO leader goes on releasing alone while the peer joins */
    RW_MUTATION_ACK_BEFORE_DISK,    /* entries are acknowledged as durable at receipt */
    RW_MUTATION_RESUME_EPOCH,       /* a restarted leader goes on in its epoch */
    RW_MUTATION_ANYONE_PROMOTES,    /* promote does not ask for membership */
    RW_MUTATION_NO_INCARNATION,     /* a reborn peer counts like the old one */
    RW_MUTATION_RELEASE_ON_RECEIPT, /* the follower releases what it has received and computed */
    RW_MUTATION_NO_FLOOR,           /* a joining peer needs to hold only the known commit */
    RW_MUTATION_NO_CHAIN_CHECK,    /* APPEND is taken by sequence, without comparing chain hashes */
    RW_MUTATION_NO_RESULT_COMPARE, /* results are not compared before release */
    RW_MUTATION_NO_RESTART,        /* cut entries that were computed stay in the computed state */
    RW_MUTATION_EPOCH_UNSYNCED,    /* an epoch is used before it is on disk */
    RW_MUTATION_OLD_LIFE_ACKS,     /* what an earlier life of the peer acknowledged still counts */
    RW_MUTATION_NO_GUARD,          /* released entries may be cut off */
    RW_MUTATION_COUNT,
};

struct rw_pair_chain_cell {
    uint64_t sequence;
    struct rw_hash chain;
};

struct rw_pair_result_cell {
    uint64_t sequence;
    struct rw_hash hash;
};

struct rw_pair_anchor {
    struct rw_hash chain, result;
    bool has_result;
};

/* Starting an epoch takes several durable steps; only one is under way. */
enum rw_pair_phase {
    RW_PHASE_NONE = 0,
    RW_PHASE_START_SYNC, /* who this process is → disk, then speak */
    RW_PHASE_CLAIM_SYNC, /* own promise → disk */
    RW_PHASE_CLAIM_WAIT, /* the peer must adopt it */
    RW_PHASE_SEAT_SYNC,  /* own membership → disk, then lead */
    RW_PHASE_ADOPT_SYNC, /* the peer's epoch → disk, then follow */
};

/* What nobody waits for leaves with the next message that does, or after so many ticks. */
#define RW_PAIR_ACK_TICKS    4u
#define RW_PAIR_COMMIT_TICKS 2u

#define RW_PAIR_FRAMES 256u /* APPENDs on the way, power of two */

struct rw_pair_frame {
    uint64_t upto, bytes;
};

/* What is known of the peer; everything but `identity_newest` is forgotten when the connection
 * ends. */
struct rw_pair_peer {
    bool up, hello_seen, refused, acked; /* acked: it has answered in this epoch */
    bool matched;                        /* leader: its log is matched, entries may be sent */
    bool nobody_told;                    /* that neither site may lead was said */
    uint64_t heard_ns, epoch;
    struct rw_identity identity, identity_newest;
    struct rw_hello hello;
    uint64_t verified, durable, applied, equal, credit_bytes;
    struct rw_point waiting, latest; /* its result hashes that this site has not reached yet */
};

struct rw_pair {
    struct rw_pair_cfg cfg;
    struct rw_pair_counters *counters;
    struct rw_pair_super super; /* newest value asked to be written */
    uint64_t super_synced;      /* version known to be on disk */

    enum rw_role role;
    enum rw_mode mode;
    enum rw_pair_reason stopped;
    bool restarting, matched, join, started;
    enum rw_pair_phase phase;
    uint64_t phase_version; /* superblock version the phase waits for */
    enum rw_mode claim_mode;
    struct rw_identity claim_in_sync;
    struct rw_identity in_sync; /* leader, DUAL: the peer whose acknowledgements count */
    uint64_t alone_version;     /* SOLO: release alone once this superblock version is on disk */
    uint64_t lead_first;        /* first entry this site may log as leader */

    uint64_t last, verified, durable, applied, apply_allowed, commit, released, floor;
    struct rw_hash last_chain, verified_chain;
    uint64_t leader_commit;
    struct rw_point loaded_commit,
        loaded_alone; /* of the guard, noted while the journal was read */

    struct rw_pair_peer peer;
    uint64_t sent, turn, inflight_bytes, frame_head, frame_tail, progress_ns;
    struct rw_pair_frame frame[RW_PAIR_FRAMES];

    uint64_t started_ns; /* the first event */
    bool met;            /* a HELLO of the peer was heard since then */
    uint64_t now_ns, room_bytes, number, echo_ns, round_trip_ns;
    uint64_t hello_due_ns, heartbeat_due_ns, commit_sync_due_ns, nak_due_ns;
    bool ack_dirty, commit_dirty;
    bool ack_urgent;                 /* something the leader waits for has changed */
    uint8_t ack_ticks, commit_ticks; /* how long the rest has waited */

    struct rw_pair_chain_cell *chains;   /* window cells, by sequence */
    struct rw_pair_result_cell *results; /* window cells, by sequence */
    struct rw_pair_anchor *anchors;      /* cfg.anchors + 1, by sequence / 1,024 */
};

/* rw_pair_min and rw_pair_max of two sequences. */
static inline uint64_t rw_pair_min(uint64_t a, uint64_t b) { return a < b ? a : b; }
static inline uint64_t rw_pair_max(uint64_t a, uint64_t b) { return a > b ? a : b; }

/* It leads and no epoch is being started. */
static inline bool rw_pair_leading(const struct rw_pair *pair) {
    return pair->role == RW_ROLE_LEAD && pair->phase == RW_PHASE_NONE;
}
static inline bool rw_pair_alive(const struct rw_pair *pair) {
    return pair->peer.up && pair->peer.heard_ns != 0 &&
           pair->now_ns - pair->peer.heard_ns < pair->cfg.dead_ns;
}
/* What must never be cut off: all that can have been released. */
static inline uint64_t rw_pair_guard(const struct rw_pair *pair) {
    return rw_pair_max(pair->commit, rw_pair_min(pair->super.alone_upto, pair->last));
}

/* pair_core.c: actions. rw_pair_act appends a zeroed one; rw_pair_send one with a message whose
 * head is filled. */
struct rw_pair_action *rw_pair_act(struct rw_pair_actions *actions, enum rw_pair_action_kind kind);
struct rw_message *rw_pair_send(struct rw_pair *pair, struct rw_pair_actions *actions,
                                enum rw_message_type type);
void rw_pair_head(struct rw_pair *pair, struct rw_message *message, enum rw_message_type type);
void rw_pair_sync(struct rw_pair *pair, struct rw_pair_actions *actions);
void rw_pair_say_role(struct rw_pair *pair, struct rw_pair_actions *actions);
void rw_pair_allow_apply(struct rw_pair *pair, uint64_t upto, struct rw_pair_actions *actions);
void rw_pair_release(struct rw_pair *pair, uint64_t upto, struct rw_pair_actions *actions);
/* rw_pair_halt stops for good and tells the peer; rw_pair_restart asks for a new process. */
void rw_pair_halt(struct rw_pair *pair, enum rw_pair_reason reason, struct rw_hash mine,
                  struct rw_hash theirs, struct rw_pair_actions *actions);
void rw_pair_restart(struct rw_pair *pair, enum rw_pair_reason reason,
                     struct rw_pair_actions *actions);

/* pair_index.c */
void rw_pair_put_chain(struct rw_pair *pair, uint64_t sequence, struct rw_hash chain);
struct rw_point rw_pair_anchor_point(const struct rw_pair *pair, uint64_t sequence);
bool rw_pair_result_at(const struct rw_pair *pair, uint64_t sequence, struct rw_hash *hash);
/* rw_pair_result_below returns the newest known point ≤ sequence that is `sequence` itself or a
 * mark. */
struct rw_point rw_pair_result_below(const struct rw_pair *pair, uint64_t sequence);
/* rw_pair_note_result takes a result point of the peer; rw_pair_compare compares what can be
 * compared now and halts on a difference. */
void rw_pair_note_result(struct rw_pair *pair, struct rw_point point);
void rw_pair_compare(struct rw_pair *pair, struct rw_pair_actions *actions);

/* pair_meet.c */
void rw_pair_send_hello(struct rw_pair *pair, struct rw_pair_actions *actions);
void rw_pair_on_hello(struct rw_pair *pair, const struct rw_message *message,
                      struct rw_pair_actions *actions);
void rw_pair_on_synced(struct rw_pair *pair, struct rw_pair_actions *actions);
void rw_pair_on_promote(struct rw_pair *pair, const struct rw_pair_event *event,
                        struct rw_pair_actions *actions);
void rw_pair_claim(struct rw_pair *pair, enum rw_mode mode, struct rw_identity in_sync,
                   struct rw_pair_actions *actions);
void rw_pair_forget_peer(struct rw_pair *pair);

/* pair_lead.c */
void rw_pair_meet_follower(struct rw_pair *pair, struct rw_pair_actions *actions);
void rw_pair_on_ack(struct rw_pair *pair, const struct rw_message *message,
                    struct rw_pair_actions *actions);
void rw_pair_on_nak(struct rw_pair *pair, const struct rw_message *message);
void rw_pair_on_sent(struct rw_pair *pair, uint64_t upto, uint64_t bytes);
void rw_pair_advance(struct rw_pair *pair, struct rw_pair_actions *actions);
void rw_pair_lead_tick(struct rw_pair *pair, struct rw_pair_actions *actions);

/* pair_follow.c */
void rw_pair_on_hello_ack(struct rw_pair *pair, const struct rw_message *message,
                          struct rw_pair_actions *actions);
void rw_pair_on_append(struct rw_pair *pair, const struct rw_message *message,
                       struct rw_pair_actions *actions);
void rw_pair_on_commit(struct rw_pair *pair, const struct rw_message *message,
                       struct rw_pair_actions *actions);
void rw_pair_follow_release(struct rw_pair *pair, struct rw_pair_actions *actions);
void rw_pair_follow_tick(struct rw_pair *pair, struct rw_pair_actions *actions);
