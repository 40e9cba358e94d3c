/* igmp_core: how a port tells the network which multicast groups it wants (IGMPv3, RFC 3376;
 * IGMPv2, RFC 2236). Pure: time is an argument, frames come out of it one at a time, when they are
 * due.
 *
 *   join, link up ──► state changes, sent `robustness` times ──┐
 *   general query ──► the state of all groups ─────────────────┼──► next: frames ≤ 1,200 bytes,
 *   group query   ──► the state of one, or of some sources ────┤          ≥ 1 ms apart
 *   leave         ──► state changes back, sent likewise ───────┘
 *
 * A group is wanted from any source, EXCLUDE {}, or from some, INCLUDE {sources}; that does not
 * change while the port runs. Answers come after a delay within the query's maximum response time,
 * chosen by a generator seeded from the port's own addresses: the same every time, different from
 * one port to the next. However many queries arrive, a group is answered for at most ten times a
 * second, and so are all groups together.
 *
 * A general query of IGMPv2 makes the port speak IGMPv2, in which sources cannot be named, until
 * none has been heard for the time the RFC says, seven hours at the most; then all groups are
 * announced in IGMPv3 again. A port does not keep silent in IGMPv2 when another host reports the
 * same group: a switch that snoops must see each port's own report. IGMPv1 is not spoken. */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/base/rng.h"
#include "dataplane/nic/ether.h"
#include "dataplane/stats/stats.h"

#define RW_IGMP_GROUPS_MAX  64u
#define RW_IGMP_SOURCES_MAX 16u   /* of one group */
#define RW_IGMP_FRAME_BYTES 1200u /* of the largest frame */
#define RW_IGMP_NEVER       UINT64_MAX

#define RW_IGMP_ALL_HOSTS   0xE0000001u /* 224.0.0.1: general queries go there */
#define RW_IGMP_ALL_ROUTERS 0xE0000002u /* 224.0.0.2: leaves of IGMPv2 */
#define RW_IGMP_V3_ROUTERS  0xE0000016u /* 224.0.0.22: reports of IGMPv3 */

#define RW_IGMP_COUNTERS(X)                                                                      \
    X(general_queries, "queries", "heard about all groups")                                      \
    X(group_queries, "queries", "heard about a group of this port")                              \
    X(version2_queries, "queries", "of these two, heard in IGMPv2")                              \
    X(version1_queries, "queries", "heard in IGMPv1, which is not answered")                     \
    X(reports_heard, "packets", "reports and leaves of other hosts")                             \
    X(not_understood, "packets",                                                                 \
      "damaged, of an unknown type or not addressed as a query must be")                         \
    X(join_frames, "frames", "made to announce groups: at the start and when the link comes up") \
    X(answer_frames, "frames", "made to answer queries")                                         \
    X(leave_frames, "frames", "made to leave all groups")
RW_STATS_STRUCT(rw_igmp_counters, RW_IGMP_COUNTERS);

struct rw_igmp_group {
    uint32_t address;
    uint32_t source_count; /* 0 = from any source */
    uint32_t source[RW_IGMP_SOURCES_MAX];
    /* the answer that waits: due, and about which sources (none = the whole group) */
    uint64_t due_ns;
    uint64_t free_ns; /* not before this */
    uint32_t asked_count;
    uint32_t asked[RW_IGMP_SOURCES_MAX];
};

/* A report about all groups that goes out over several frames. */
struct rw_igmp_run {
    uint64_t due_ns;
    uint32_t group; /* the next to be reported */
};

struct rw_igmp_core {
    struct rw_ether_self self;
    struct rw_igmp_counters *counters;
    struct rw_rng rng;
    uint32_t group_count;
    struct rw_igmp_group group[RW_IGMP_GROUPS_MAX];
    bool joined;         /* between join and leave */
    uint32_t robustness; /* of the last query that named one, else 2 */
    uint64_t query_interval_ns;
    bool version2;              /* an IGMPv2 querier is there, */
    uint64_t version2_until_ns; /* as long as it is heard again by then */
    struct rw_igmp_run change, answer;
    uint32_t changes_left;    /* repeats after the run under way */
    uint64_t answer_again_ns; /* a general query came in the middle of the run: once more, then */
    uint64_t answer_free_ns, frame_free_ns; /* not before these */
    uint64_t due_ns; /* when next has something to do; RW_IGMP_NEVER = not before it is told */
};

/* rw_igmp_init begins without groups, silent. `counters` (zeroed) outlives the core. */
void rw_igmp_init(struct rw_igmp_core *core, const struct rw_ether_self *self,
                  struct rw_igmp_counters *counters);
/* rw_igmp_want adds a group, from one source or (0) from any; one that is wanted from any source
 * stays so. Before join. Returns 0, -EINVAL when it is no multicast address or a link-local one,
 * which is never joined (224.0.0.x), -ENOSPC when a limit is reached. */
int rw_igmp_want(struct rw_igmp_core *core, uint32_t group, uint32_t source);
/* rw_igmp_join announces all groups from now on: at the start, and again after the link has come
 * up. */
void rw_igmp_join(struct rw_igmp_core *core, uint64_t now_ns);
/* rw_igmp_leave takes all groups back; queries are no longer answered. */
void rw_igmp_leave(struct rw_igmp_core *core, uint64_t now_ns);
/* rw_igmp_take reads an IPv4 packet with protocol 2 that came in: any bytes. */
void rw_igmp_take(struct rw_igmp_core *core, const uint8_t *ip, size_t bytes, uint64_t now_ns);
/* rw_igmp_next writes the next frame that is due, with its Ethernet header, and returns its bytes;
 * 0 when none is due before core->due_ns. */
size_t rw_igmp_next(struct rw_igmp_core *core, uint64_t now_ns, uint8_t frame[RW_IGMP_FRAME_BYTES]);
