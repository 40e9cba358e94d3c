/* rw_pair: the protocol of two sites as a pure function, `step(state, event) → actions`. No clock,
 * I/O, thread or allocation: the stage, the simulator and the tests drive the same code.
 *
 *   RECOVER ──claim, adopted by the peer──► LEAD ◄──promote── FOLLOW ◄──leader's HELLO── RECOVER
 *      ▲                                     │                  │
 *      └────────── RESTART (deposed) ────────┴── cut below ─────┘           HALT: never guess
 *                                                what was applied
 *
 * There is no witness: the peer is the register. An epoch begins when its leader's promise is on
 * disk, the peer has adopted it (on disk), and the leader's own membership is on disk. In DUAL
 * mode nothing is released without the peer's acknowledgement in that epoch, so whatever was
 * released is in the log of each member; the only way to be alone (SOLO) is an operator's promote.
 * The words used below, all of them sequences:
 *
 *   last      end of the log
 *   verified  of which this much is known to equal the leader's, in this epoch
 *   durable   on this site's disk
 *   applied   computed: the running result hash is known
 *   commit    may have been released somewhere
 *   released  this process has released up to here
 *
 * released ≤ commit, and released only up to a point where both running hashes were compared (or
 * SOLO). */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/link/watermark.h"
#include "dataplane/stats/stats.h"
#include "replication/message.h"

/* When a result may leave: `mem` = the peer has the entry in memory and has computed the same
 * result; `disk` = both have it on disk as well. */
enum rw_pair_policy { RW_PAIR_MEM = 0, RW_PAIR_DISK = 1 };

/* Durable truth of a site, in two alternating checksummed copies, written before it is used. All
 * zero = a new site. 128 bytes, little-endian. */
struct rw_pair_super {
    uint64_t version; /* counts the writes of this process; not compared across restarts */
    struct rw_hash lineage;
    struct rw_identity identity;
    uint64_t epoch;        /* promise: nothing older is obeyed, led or acknowledged */
    uint64_t member_epoch; /* last epoch this site was a member of; ≤ epoch */
    uint64_t commit;       /* lower bound of what was released; refreshed lazily */
    uint64_t
        alone_upto;  /* upper bound of what was released without the peer; UINT64_MAX = no bound */
    uint32_t layout; /* of this struct: RW_PAIR_SUPER_LAYOUT */
    uint8_t site;
    uint8_t member_mode; /* enum rw_mode */
    uint8_t member;      /* 1 = holds all that can have been released, as far as it knows */
    uint8_t whole;       /* 1 = the process ended in order, with its log on disk up to whole_upto */
    uint64_t whole_upto;
    uint8_t reserved[40];
};
static_assert(sizeof(struct rw_pair_super) == 128, "the superblock payload is 128 bytes");
#define RW_PAIR_SUPER_LAYOUT 1u

struct rw_pair_cfg {
    uint8_t site; /* 0 or 1 */
    enum rw_pair_policy policy;
    bool named_leader; /* the configuration lets this site lead first; true at one site only */
    bool no_peer;      /* a single site: leads alone at once. Never true where there is a peer */
    uint32_t window;   /* entries whose chain and result hash are kept, power of two ≥ 2,048 */
    uint32_t anchors;  /* log length limit / 1,024 */
    uint64_t dead_ns;  /* a peer silent for so long is lost (T_dead) */
    uint64_t hello_ns; /* pause between two HELLOs while unsettled */
    uint64_t heartbeat_ns;   /* longest silence of a connected site */
    uint64_t retransmit_ns;  /* send again what stays unacknowledged so long; 0: never (streams) */
    uint64_t commit_sync_ns; /* pause between lazy writes of `commit` to the superblock */
    uint64_t join_lag; /* entries a returning peer may be behind before the leader waits for it */
    uint64_t meet_ns;  /* how long after its start a site that has not met its peer looks for it
                        * before it lets itself be promoted */
    struct rw_terms terms;
    struct rw_hash fresh_lineage; /* random; used by a leader of a log that has none yet */
    uint64_t fresh_store;         /* random, ≠ 0; used when the superblock has none yet */
    char build[31];
};

#define RW_PAIR_COUNTERS(X)                                                                \
    X(hellos_received, "messages", "HELLO messages of the peer")                           \
    X(stale_epoch, "messages", "messages of an older epoch, ignored")                      \
    X(foreign_incarnation, "messages", "messages of an earlier life of the peer, ignored") \
    X(foreign_lineage, "messages", "messages about another log, ignored")                  \
    X(appends_refused, "messages", "APPEND with impossible lengths or sequences")          \
    X(appends_duplicate, "messages", "APPEND whose entries were all held already")         \
    X(chain_breaks, "messages", "APPEND that does not continue this log")                  \
    X(gaps, "messages", "APPEND ahead of the next wanted entry")                           \
    X(over_room, "messages", "APPEND beyond the credit given")                             \
    X(naks_sent, "messages", "requests to send again")                                     \
    X(rewinds, "times", "the leader went back to what was acknowledged")                   \
    X(adoptions, "times", "epochs adopted from the peer")                                  \
    X(claims, "times", "epochs claimed by this site")                                      \
    X(truncations, "times", "own unverified entries cut off")                              \
    X(entries_truncated, "entries", "cut off in all")                                      \
    X(restarts, "times", "the process had to replace itself")                              \
    X(refusals, "times", "peer or command refused")                                        \
    X(compared, "times", "running result hashes compared with the peer's")                 \
    X(divergences, "times", "compared and different: must be 0")
RW_STATS_STRUCT(rw_pair_counters, RW_PAIR_COUNTERS);

enum rw_pair_event_kind {
    RW_PAIR_PEER_UP = 1, /* a connection is ready */
    RW_PAIR_PEER_DOWN,   /* it is closed */
    RW_PAIR_MSG,         /* message; for APPEND also room_bytes */
    RW_PAIR_INPUT, /* leader: entries up to `upto` were indexed (rw_pair_index) and are in memory */
    RW_PAIR_SENT,  /* leader: an APPEND up to `upto`, `bytes` of payload, went to the transport */
    RW_PAIR_PERSISTED, /* entries up to `upto` are on disk; never about content that was cut off */
    RW_PAIR_SUPER_SYNCED, /* the superblock of `version` is on disk */
    RW_PAIR_APPLIED,      /* result.sequence is computed, its running hash is result.hash; rising */
    RW_PAIR_TICK,     /* end of a visit: acknowledgements and heartbeats leave now; room_bytes */
    RW_PAIR_PROMOTE,  /* operator */
    RW_PAIR_IO_ERROR, /* the store of this site is bad */
};

struct rw_pair_event {
    enum rw_pair_event_kind kind;
    uint64_t now_ns;
    uint64_t room_bytes; /* MSG, TICK: log memory free for entries of the leader */
    uint64_t upto, bytes, version;
    struct rw_point result;
    const struct rw_message *message;
    bool force, new_lineage; /* PROMOTE */
    struct rw_hash lineage;  /* PROMOTE with new_lineage: random */
};

/* Why something stopped or was refused. RW_PAIR_REASONS gives (name, sentence for the operator). */
#define RW_PAIR_REASONS(X)                                                                         \
    X(NONE, "")                                                                                    \
    X(IMAGE, "the peer has another reference image")                                               \
    X(KERNEL, "the peer computes with another kernel")                                             \
    X(KEYS, "the peer has other values of the keys that must match")                               \
    X(CALCULATION, "the peer has another calculation version")                                     \
    X(WIRE, "the peer speaks no common wire version")                                              \
    X(LINEAGE, "the peer's log is another lineage; one site must start with an empty journal")     \
    X(SAME_SITE, "the peer says it is this site: both have the same site letter")                  \
    X(PEER_REACHABLE, "the peer is reachable; use --force to depose it")                           \
    X(NOT_MEMBER, "this site was not a member of the last epoch and may lack released results")    \
    X(ALREADY_ALONE, "this site already leads alone")                                              \
    X(STOPPED, "this site has halted or is restarting")                                            \
    X(DIVERGED, "the two sites computed different results")                                        \
    X(HISTORIES, "both sites have released results that the other does not have")                  \
    X(BAD_STORE, "the journal or the superblock of this site failed")                              \
    X(LOG_FULL, "the log is longer than was planned")                                              \
    X(DEPOSED, "the peer leads a newer epoch")                                                     \
    X(CUT_APPLIED, "entries were cut off that had been computed already")                          \
    X(TOO_EARLY, "this site has just started and still looks for its peer; ask again in a second") \
    X(NOBODY, "both sites were stopped without order and may lack released results; promote one "  \
              "with --force --new-lineage, then start the other with an empty journal")
#define RW_PAIR_REASON_ENUM(name, text) RW_PAIR_##name,
enum rw_pair_reason { RW_PAIR_REASONS(RW_PAIR_REASON_ENUM) RW_PAIR_REASON_COUNT };

/* rw_pair_reason_text returns the sentence; "unknown reason" beyond the table. */
const char *rw_pair_reason_text(enum rw_pair_reason reason);

enum rw_pair_action_kind {
    RW_PAIR_SEND = 1,   /* message (never an APPEND: see rw_pair_may_send) */
    RW_PAIR_SYNC_SUPER, /* write `super` durably, then SUPER_SYNCED of its version */
    RW_PAIR_STORE,      /* follower: take entries first..upto from the APPEND at payload + offset */
    RW_PAIR_PERSIST,    /* journal everything up to `upto` */
    RW_PAIR_TRUNCATE,   /* cut log memory and journal: nothing above `upto` exists any more */
    RW_PAIR_APPLY,      /* entries up to `upto` may go to risk and enrich */
    RW_PAIR_RELEASE,    /* results of inputs up to `upto` may leave this site */
    RW_PAIR_ROLE,       /* role, mode, epoch; LEAD: the first entry it may log is `first` */
    RW_PAIR_RESTART,    /* finish truncation and superblock on disk, then replace the process */
    RW_PAIR_HALT,       /* reason; stop releasing and logging for good */
    RW_PAIR_REFUSE, /* reason; mine and theirs are the hashes that differ, or points of the logs */
};

struct rw_pair_action {
    enum rw_pair_action_kind kind;
    enum rw_pair_reason reason;
    enum rw_role role;
    enum rw_mode mode;
    uint64_t epoch, first, upto, offset;
    struct rw_hash mine, theirs;
    union {
        struct rw_message message;
        struct rw_pair_super super;
    };
};

#define RW_PAIR_ACTIONS_MAX 16u

struct rw_pair_actions {
    uint32_t count;
    struct rw_pair_action item[RW_PAIR_ACTIONS_MAX];
};

struct rw_pair;

/* rw_pair_footprint returns the bytes for rw_pair_new, 64-aligned. Pure. */
size_t rw_pair_footprint(const struct rw_pair_cfg *cfg);
/* rw_pair_new makes a site in role RECOVER with the superblock as read (zeroed = new site).
 * memory: 64-aligned, footprint bytes, the caller's. cfg is copied; counters may be any zeroed
 * struct. Then: rw_pair_index for each entry of the own journal from 1, then rw_pair_start. */
struct rw_pair *rw_pair_new(void *memory, const struct rw_pair_cfg *cfg,
                            const struct rw_pair_super *super, struct rw_pair_counters *counters);
/* rw_pair_index tells the chain hash after entry `sequence` = last + 1 and the length of that
 * entry. At start-up, and as leader before INPUT. False when the log is longer than planned
 * (cfg.anchors). */
bool rw_pair_index(struct rw_pair *pair, uint64_t sequence, struct rw_hash chain, uint32_t bytes);
/* rw_pair_result tells the running result hash after input `sequence`, rising, ahead of an APPLIED
 * event that covers it: so a hash the peer will ask about is known for every input, not only for
 * the last of a visit. */
void rw_pair_result(struct rw_pair *pair, uint64_t sequence, struct rw_hash hash);
/* rw_pair_start ends loading: everything indexed is durable. `journal_lost`: the journal is not
 * the one this site made promises on (recreated, or shorter than what it had acknowledged).
 * Actions: SYNC_SUPER, ROLE, APPLY up to the durable commit. */
void rw_pair_start(struct rw_pair *pair, bool journal_lost, struct rw_pair_actions *actions);

/* rw_pair_stop gives what a process that ends in order writes last to its superblock, when every
 * entry of its log is on disk and no acknowledgement can leave any more. Then nothing is forgotten
 * under `mem` either. False when there is nothing to say: the site has halted. */
bool rw_pair_stop(const struct rw_pair *pair, struct rw_pair_super *super);

/* rw_pair_step takes one event and appends what must be done now, in order, to actions (count is
 * set to 0 first). */
void rw_pair_step(struct rw_pair *pair, const struct rw_pair_event *event,
                  struct rw_pair_actions *actions);

/* rw_pair_may_send: may the leader send entries now? True with *first, *upto (the end of the log)
 * and *bytes_max (rest of the credit). The stage takes as many whole entries as it likes within
 * bytes_max, also from disk later, fills the message with rw_pair_append, sends it, and says SENT.
 * One APPEND is prepared at a time; ask again when `rw_pair_send_turn` has changed: the one being
 * prepared is then void. */
bool rw_pair_may_send(const struct rw_pair *pair, uint64_t *first, uint64_t *upto,
                      uint64_t *bytes_max);
/* rw_pair_send_turn changes whenever the place to send from was set anew (new peer, rewind, new
 * epoch). */
uint64_t rw_pair_send_turn(const struct rw_pair *pair);
/* rw_pair_append fills an APPEND for entries first.. (count, bytes of payload). prev_chain: chain
 * hash after first − 1, from the caller's log memory or journal. */
void rw_pair_append(struct rw_pair *pair, uint64_t first, uint32_t count, struct rw_hash prev_chain,
                    const uint8_t *payload, uint32_t bytes, uint64_t now_ns,
                    struct rw_message *message);

/* rw_pair_chain stores the chain hash after `sequence` when it is still in the window or an
 * anchor. */
bool rw_pair_chain(const struct rw_pair *pair, uint64_t sequence, struct rw_hash *chain);

/* What an operator, the statistics and the tests want to know. */
struct rw_pair_view {
    enum rw_role role;
    enum rw_mode mode;
    enum rw_pair_reason stopped; /* ≠ NONE: halted, or restarting (DEPOSED, CUT_APPLIED) */
    bool seated;                 /* leads and may log */
    bool joining;  /* a returning peer is being brought in step; the leader waits for it */
    bool claiming; /* an epoch is being started */
    bool matched;  /* follower: knows where its log and the leader's agree */
    bool member;
    bool peer_up, peer_alive, peer_matched, peer_in_sync, peer_leads, peer_halted;
    bool restarting;
    uint64_t epoch, member_epoch, peer_epoch;
    uint64_t last, verified, durable, applied, commit, released, apply_allowed, floor;
    uint64_t peer_last, peer_verified, peer_durable, peer_applied, peer_equal, peer_commit;
    uint64_t sent, inflight_bytes, credit_bytes;
    uint64_t round_trip_ns; /* of the newest echo */
    struct rw_hash lineage;
    struct rw_identity identity, peer_identity;
};
void rw_pair_view(const struct rw_pair *pair, uint64_t now_ns, struct rw_pair_view *view);
