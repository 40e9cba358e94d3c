/* recovery_core: what a channel asks whom, and when, to become whole again.
 *
 *            gap due                          too much missing, no server,
 *   IDLE ─────────────► REQUEST ─────────────── attempts used up ─────────► SNAPSHOT ──┐
 *    ▲ ◄──── filled ──────┘ └─── and no snapshot server ──┐                   │ │      │ failed:
 *    │ ◄──────────────────────── joined ──────────────────┼───────────────────┘ │ ◄────┘ again
 *    └─ broken, stale ◄───────── given up ◄───────────────┴── attempts used up ─┘
 *          └─────── after a while: SNAPSHOT again
 *
 * REQUEST: the missing ranges are split into requests, some of them outstanding at once, lowest
 * first. Servers are asked in their order. One that does not answer in time is passed over for a
 * growing while and then probed beside the one that is asked in its place; one that says it has
 * nothing is passed over for one time-out. What comes meanwhile is not asked for. A server that
 * sends less than was asked for is asked for the rest, and for no more at once than it has shown it
 * sends; one that sends several packets is let finish.
 *
 * SNAPSHOT: nothing is handed on until a whole snapshot is joined; the caller loads it.
 *
 * It reads the line_core's gaps and says what to do; the caller does it. Pure: no clock, allocation
 * or I/O; time is an argument and never falls. One thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/feed/line_core.h"
#include "dataplane/stats/stats.h"

#define RW_RECOVERY_REQUESTS_MAX 16u /* outstanding at once, probes included */
#define RW_RECOVERY_RANGES_MAX   32u /* gaps looked at at once */

#define RW_RECOVERY_COUNTERS(X)                                                                \
    X(recoveries, "gaps", "times that a gap became due and was asked for")                     \
    X(requests, "requests", "requests sent to all servers")                                    \
    X(came_meanwhile, "requests", "given back: all of it came before the answer")              \
    X(late_answers, "packets", "answers to no request that is outstanding; used if missing")   \
    X(gaps_too_large, "gaps", "more missing than feed.request_max: a snapshot, or given up")   \
    X(attempts_used_up, "gaps", "not answered in feed.request_attempts: snapshot or given up") \
    X(snapshots, "snapshots", "snapshots begun")                                               \
    X(snapshot_joins, "snapshots", "snapshots joined: the books are the venue's again")        \
    X(snapshots_failed, "snapshots", "not joined: refused, broken off or nonsense")            \
    X(snapshots_too_old, "snapshots", "not joined: older than what was applied already")       \
    X(given_up, "gaps", "gaps given up for good; stale until a snapshot is joined")
RW_STATS_STRUCT(rw_recovery_counters, RW_RECOVERY_COUNTERS);

#define RW_REQUEST_COUNTERS(X)                                                       \
    X(requests, "requests", "requests sent to this server")                          \
    X(wanted, "messages", "messages asked for in them")                              \
    X(timeouts, "requests", "of these, not answered in time")                        \
    X(partial, "requests", "of these, answered in part: the rest is asked again")    \
    X(refused, "requests", "of these, answered by a packet without messages")        \
    X(probes, "requests", "of these, to see whether a silent server is back")        \
    X(silent, "requests", "not answered in a row up to now; 0 = the server is fine") \
    X(answer_ns, "ns", "time to the last answer")
RW_STATS_STRUCT(rw_request_counters, RW_REQUEST_COUNTERS);

struct rw_recovery_cfg {
    uint32_t servers;           /* 0..RW_LINE_SERVERS_MAX, in the order in which they are asked */
    bool snapshot;              /* there is a snapshot server */
    uint32_t outstanding;       /* requests at once, 1..RW_RECOVERY_REQUESTS_MAX */
    uint32_t request_messages;  /* most that one request asks for, 1..65,534 */
    uint64_t request_max;       /* with more missing than this a snapshot is taken at once */
    uint32_t attempts;          /* requests for the first missing message that may fail in a row */
    uint64_t timeout_ns;        /* of a request */
    uint32_t snapshot_attempts; /* in a row, before the channel is given up for a while */
    uint64_t snapshot_timeout_ns; /* without progress */
    uint64_t snapshot_retry_ns;   /* a channel that was given up tries again so often */
    uint64_t quiet_ns; /* see rw_recovery_takes_answers; in it all sites notice a restart */
};

struct rw_recovery_stats {
    struct rw_recovery_counters *recovery;
    struct rw_request_counters *server[RW_LINE_SERVERS_MAX];
};

enum rw_recovery_act_kind {
    RW_RECOVERY_NOTHING = 0,
    RW_RECOVERY_ASK,      /* send `server` a request for `range` */
    RW_RECOVERY_GIVE_UP,  /* rw_line_give_up; the books are broken from here on */
    RW_RECOVERY_SNAPSHOT, /* rw_line_hold, and begin snapshot number `snapshot` */
    RW_RECOVERY_ABANDON,  /* end snapshot number `snapshot`, whatever it still brings */
    RW_RECOVERY_RELEASE,  /* rw_line_release: no snapshot can be had */
};

struct rw_recovery_act {
    enum rw_recovery_act_kind kind;
    uint32_t server;
    struct rw_line_range range;
    uint64_t snapshot; /* 1, 2, … */
};

struct rw_recovery;

/* rw_recovery_footprint returns the bytes that rw_recovery_new needs, a multiple of 64. */
size_t rw_recovery_footprint(void);
/* rw_recovery_new formats memory (64-byte aligned, owned by the caller): IDLE, whole. stats is
 * copied; what it points to outlives the core. A configuration out of range asserts. */
struct rw_recovery *rw_recovery_new(void *memory, const struct rw_recovery_cfg *cfg,
                                    const struct rw_recovery_stats *stats);

/* rw_recovery_next says what to do next; false (and NOTHING) when there is nothing. Call it when
 * rw_line_next has returned NONE, do what it says at once, and call it again until it says no. */
bool rw_recovery_next(struct rw_recovery *core, const struct rw_line_core *lines, uint64_t now_ns,
                      struct rw_recovery_act *act);

/* rw_recovery_takes_answers is false for quiet_ns after the channel's first message and after a
 * restart under the same session: servers, the peer above all, may still know the life before under
 * the same numbers. Nobody is asked then, and an answer must not be taken. */
bool rw_recovery_takes_answers(const struct rw_recovery *core, uint64_t now_ns);
/* rw_recovery_answer tells of a packet that rw_line_answer has taken, with what it said. */
void rw_recovery_answer(struct rw_recovery *core, uint32_t server, enum rw_line_answer answer,
                        const struct rw_line_range *range, uint64_t now_ns);
/* What becomes of snapshot number `snapshot`; of another than the current one nothing happens, and
 * they return false. `loading`: a part of it has come, the books are no longer what they were.
 * `joined`: the books are whole. */
bool rw_recovery_loading(struct rw_recovery *core, uint64_t snapshot, uint64_t now_ns);
bool rw_recovery_failed(struct rw_recovery *core, uint64_t snapshot, bool too_old, uint64_t now_ns);
bool rw_recovery_joined(struct rw_recovery *core, uint64_t snapshot);
/* rw_recovery_mended says that the books have become whole by themselves. */
void rw_recovery_mended(struct rw_recovery *core);
/* rw_recovery_restart says that the channel has started again, from an empty market: whole. */
void rw_recovery_restart(struct rw_recovery *core, bool new_session, uint64_t now_ns);

/* rw_recovery_is_broken is true from the moment messages were given up, or a snapshot began to
 * load, until a snapshot was joined or the channel started again: the books are not the venue's. */
bool rw_recovery_is_broken(const struct rw_recovery *core);
