/* The replication stage: the pure protocol (pair_core.h) between links, journal and peer.
 *
 *   in[0]  enrich            leader: numbered entries            out[0..k−1]  risk[k]
 *    follower: entries
 *   in[1]  cold              sessions, commands                  out[k]       enrich
 *    follower: copy of the log
 *                                                                out[k+1]     cold      closed
 *    sessions, outcomes
 *
 *            ┌──────────── log memory ───────────┐
 *   entries ─┤ chain hash → journal (io_uring)    ├─► APPEND ─TLS─► peer        watermarks:
 *    role, commit, arrival
 *   APPEND ──┤ chain check → journal              ├─► risk[k], enrich           ◄─ applied, n →
 *    result hash (merge)
 *            └────────────────────────────────────┘
 *
 * Declare its outputs elastic: it asks for room itself, because heartbeats and acknowledgements
 * must go on while a risk stage is behind. Entries that have left the memory are read back from
 * the journal, for a peer that is behind and for its own restart. It never waits. */
#pragma once

#include "dataplane/io/stream.h"
#include "dataplane/journal/journal.h"
#include "dataplane/stage/stage.h"
#include "replication/pair_core.h"

struct rw_repl_cfg {
    uint8_t site;      /* 0 = a, 1 = b */
    bool named_leader; /* this site leads when both start */
    bool no_peer;      /* single-site installation: leads alone at once */
    enum rw_pair_policy policy;
    const char *log_dir;    /* of the journal's segments */
    const char *superblock; /* file */
    uint64_t segment_bytes;
    uint32_t segments_ahead;
    uint64_t dead_ns;      /* T_dead */
    uint32_t memory_slots; /* of the log in memory, power of two; 0 = 2^18 (16 MiB) */
    uint64_t entries_max;  /* longest log that is planned for; 0 = 2^28 */
    uint64_t throttle_lag; /* entries from which on a slow peer is waited for; 0 = 65,536 */
    uint32_t shards;       /* how many of the outputs are risk stages */
    struct rw_terms terms;
    /* of this start; a log that opens another session is not taken up. All zero = not checked */
    char session[10];
};

/* From the cold thread, in 64-byte slots. */
enum rw_repl_command_kind { RW_REPL_SESSION = 1, RW_REPL_PROMOTE = 2 };
struct rw_repl_command {
    uint32_t kind;
    bool force, new_lineage;
    uint64_t id;              /* of the command, returned with its outcome */
    struct rw_stream *stream; /* SESSION: ready; now the stage's */
    uint8_t reserved[40];
};
static_assert(sizeof(struct rw_repl_command) == 64, "one slot");

/* To the cold thread, in 64-byte slots. */
enum rw_repl_notice_kind { RW_REPL_CLOSED = 1, RW_REPL_OUTCOME = 2, RW_REPL_REFUSED = 3 };
struct rw_repl_notice {
    uint32_t kind;
    uint32_t reason; /* enum rw_pair_reason; OUTCOME: NONE = done */
    uint64_t id;
    struct rw_stream *stream; /* CLOSED: to be closed by the cold thread */
    struct rw_hash mine, theirs;
    uint8_t reserved[8];
};
static_assert(sizeof(struct rw_repl_notice) == 64, "one slot");

#define RW_REPL_COUNTERS(X)                                                         \
    X(entries_logged, "entries", "as leader: taken from the sequencer")             \
    X(entries_received, "entries", "as follower: taken from the peer")              \
    X(entries_pushed, "entries", "handed to the risk stages from the log")          \
    X(entries_sent, "entries", "sent to the peer, again ones included")             \
    X(frames_sent, "frames", "APPEND messages")                                     \
    X(reread_entries, "entries", "read back from the journal")                      \
    X(bytes_sent, "bytes", "to the peer, before encryption")                        \
    X(bytes_received, "bytes", "from the peer, after decryption")                   \
    X(sessions, "sessions", "sessions with the peer")                               \
    X(bad_frames, "sessions", "sessions ended because the bytes were no message")   \
    X(send_full, "messages", "control messages that found no room; repeated later") \
    X(stall_ns, "ns", "time in which a computed result waited for the peer")
RW_STATS_STRUCT(rw_repl_counters, RW_REPL_COUNTERS);

#define RW_REPL_GAUGES(X)                                                           \
    X(role, "role", "0 recover, 1 lead, 2 follow, 3 halt")                          \
    X(mode, "mode", "0 dual, 1 solo")                                               \
    X(epoch, "epoch", "number of the epoch")                                        \
    X(in_step, "bool", "both sites are in DUAL and exchange acknowledgements")      \
    X(peer_up, "bool", "the peer was heard within dead_ms")                         \
    X(last, "sequence", "end of the log")                                           \
    X(durable, "sequence", "on the disk of this site")                              \
    X(applied, "sequence", "computed")                                              \
    X(commit, "sequence", "inputs whose results may be released")                   \
    X(peer_received, "sequence", "in the peer's memory")                            \
    X(peer_durable, "sequence", "on the peer's disk")                               \
    X(peer_applied, "sequence", "computed by the peer")                             \
    X(inflight_bytes, "bytes", "sent and not yet acknowledged")                     \
    X(credit_bytes, "bytes", "how much the peer takes beyond what it has verified") \
    X(round_trip_ns, "ns", "of the newest acknowledgement")                         \
    X(journal_error, "errno", "0, or why the journal takes nothing more")           \
    X(stopped, "reason", "0, or why this site has halted or restarts")              \
    X(restart, "bool", "1 = the process must replace itself now")
RW_STATS_STRUCT(rw_repl_gauges, RW_REPL_GAUGES);

extern const struct rw_stage_type rw_repl_stage_type;

/* rw_repl_gauges returns the gauges for the cold thread; they are refreshed at every housekeeping
 * and whenever the role changes. Any thread. */
const struct rw_repl_gauges *rw_repl_gauges_of(const void *stage);
/* rw_repl_journal_of returns the journal, for rw_journal_cold_step of the cold thread. */
struct rw_journal *rw_repl_journal_of(const void *stage);
