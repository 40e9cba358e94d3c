/* line_core: one venue stream out of two lines that carry the same packets.
 *
 *   line A ──► session? ─► seen before? ─► in order ─────────────► messages 1, 2, 3, …
 *   line B ──►    │              │            └─► reorder buffer ──┘      gap, restart, end
 *             foreign …     duplicate …         (bounded, gap timer)
 *
 * The first copy of a message wins. A message that is missing is waited for until the gap timer
 * has run out on both lines, the reorder buffer is full, or both files have ended; then the gap is
 * given up for good. Time is what the caller gives: for file ports the capture time of the frames
 * (the slower line's, so that a replay decides the same at any speed), else the monotonic clock.
 *
 * What a packet looks like, what its session means and from where a sequence of 1 is a new start is
 * said by the venue's table (venue.h). A line that starts again at sequence 1, or goes over to
 * another session, starts a new generation of the channel. Sequences given out carry the generation
 * in the top 16 bits, so they never fall.
 *
 * Accounting, per channel and in messages:
 *   messages = delivered + duplicates + late + foreign + unsequenced_rejected + older_generation
 *              + after_end + too_long + in_flight
 *
 * Pure: no clock, allocation or I/O. One thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/base/hist.h"
#include "dataplane/feed/venue.h"
#include "dataplane/stats/stats.h"

#define RW_LINES_MAX             2u
#define RW_LINE_GENERATION_SHIFT 48u
#define RW_LINE_SEQUENCE_MAX     ((UINT64_C(1) << RW_LINE_GENERATION_SHIFT) - 1)

#define RW_CHANNEL_COUNTERS(X)                                                                   \
    X(packets, "packets", "packets of both lines, heartbeats included")                          \
    X(messages, "messages", "complete messages in these packets")                                \
    X(delivered, "messages", "messages handed on, each once and in order")                       \
    X(duplicates, "messages", "dropped: already there from this or the other line")              \
    X(late, "messages", "dropped: came after their gap was given up")                            \
    X(foreign, "messages", "dropped: of another session")                                        \
    X(unsequenced_rejected, "messages", "dropped: sequence 0 or NUL session, not accepted here") \
    X(older_generation, "messages", "dropped: of before the restart of the channel")             \
    X(after_end, "messages", "dropped: after the end of the channel")                            \
    X(too_long, "messages", "dropped: packet too long for the reorder buffer")                   \
    X(in_flight, "messages", "now in the reorder buffer or the current packet")                  \
    X(unsequenced_accepted, "messages", "delivered without a sequence of their own")             \
    X(aside, "messages", "delivered beside the sequence, such as those of a snapshot loop")      \
    X(foreign_packets, "packets", "packets of another session, heartbeats included")             \
    X(heartbeats, "packets", "packets without a message that name the next sequence")            \
    X(ends_of_session, "packets", "packets that announce the end of the session")                \
    X(short_header, "packets", "dropped: no whole header of this venue")                         \
    X(sequence_range, "packets", "dropped: sequence beyond 2^48")                                \
    X(truncated, "packets", "cut inside a message, or count too high; the whole messages count") \
    X(trailing, "packets", "bytes after the last message: count too low")                        \
    X(gaps, "gaps", "gaps given up")                                                             \
    X(gap_messages, "messages", "messages lost in these gaps, on both lines")                    \
    X(gaps_by_full, "gaps", "of these, given up because the reorder buffer was full")            \
    X(joined_at, "messages", "messages before the first one that was seen")                      \
    X(restarts, "restarts", "the channel started again at sequence 1 in the same session")       \
    X(session_switches, "restarts", "the channel went over to another session")                  \
    X(held_max, "packets", "most packets ever held in the reorder buffer")
RW_STATS_STRUCT(rw_channel_counters, RW_CHANNEL_COUNTERS);

#define RW_LINE_COUNTERS(X)                                                          \
    X(packets, "packets", "packets with messages in the channel's session")          \
    X(messages, "messages", "messages in these packets")                             \
    X(first, "packets", "packets that came here first")                              \
    X(second, "packets", "packets that the other line had brought before")           \
    X(repeated, "packets", "packets that this line had brought before")              \
    X(missed, "messages", "messages skipped by a jump of the line's sequence")       \
    X(late, "messages", "messages that came behind such a jump after all")           \
    X(lost, "messages", "missed - late: lost on this line up to now")                \
    X(skew_max_ns, "ns", "longest time by which this line was later than the other") \
    X(end_of_port, "1", "1 when the port has ended")
RW_STATS_STRUCT(rw_line_counters, RW_LINE_COUNTERS);

struct rw_line_cfg {
    const struct rw_venue *venue;
    uint64_t gap_timer_ns;    /* about the A/B skew */
    uint64_t first_sequence;  /* of the session; 0: join at the lowest sequence seen */
    uint32_t reorder_packets; /* packets the reorder buffer holds, 1..65,536 */
    uint32_t packet_bytes;    /* longest payload it can hold */
    uint32_t
        session_switch_packets; /* packets in a row of one other session that make a line go over
                                        to it; 0: never */
    uint8_t lines;              /* 1 or 2 */
    bool file_ports;            /* time is capture time, and ports end */
    bool accept_unsequenced;    /* packets without a number: taken from line A as they come */
    char session[RW_SESSION_BYTES]; /* all NUL: the first packet decides */
};

/* Where the core counts. The histogram (of |skew|, ns) may be NULL. */
struct rw_line_stats {
    struct rw_channel_counters *channel;
    struct rw_line_counters *line[RW_LINES_MAX];
    struct rw_hist *skew;
};

enum rw_channel_state {
    RW_CHANNEL_SYNC = 0, /* all messages since the start were delivered */
    RW_CHANNEL_HOLD = 1, /* a message is missing, the gap timer runs */
    RW_CHANNEL_GAP = 2,  /* messages were given up: stale until the session ends */
    RW_CHANNEL_ENDED = 3,
};

enum rw_line_event {
    RW_LINE_NONE = 0, /* nothing to hand on now: give the next packet */
    RW_LINE_MESSAGE,  /* bytes, count, sequence, arrival_ns */
    RW_LINE_GAP,      /* messages from sequence on are given up; missing says how many */
    RW_LINE_RESTART,  /* what follows is a new generation, from an empty market */
    RW_LINE_END, /* the channel has ended; sequence is that of its last message. Once, and last */
};

struct rw_line_out {
    uint64_t sequence; /* generation << 48 | venue sequence; what stands beside the sequence has
                          that of the message before it */
    uint64_t missing;
    const uint8_t *bytes; /* valid until the next rw_line_packet */
    uint64_t arrival_ns;  /* of the packet that brought it */
    uint16_t count;
};

struct rw_line_core;

/* rw_line_footprint returns the bytes that rw_line_new needs, a multiple of 64. */
size_t rw_line_footprint(const struct rw_line_cfg *cfg);
/* rw_line_new formats memory (64-byte aligned, owned by the caller). stats is copied; what it
 * points to outlives the core. Never fails; a configuration out of range asserts. */
struct rw_line_core *rw_line_new(void *memory, const struct rw_line_cfg *cfg,
                                 const struct rw_line_stats *stats);

/* rw_line_packet takes one payload of a line. Only when rw_line_next has returned NONE since the
 * last call. The payload stays the caller's and must stay in place until rw_line_next returns NONE
 * again. now_ns never falls on one line. */
void rw_line_packet(struct rw_line_core *core, uint32_t line, const void *payload, uint32_t bytes,
                    uint64_t arrival_ns, uint64_t now_ns);
/* rw_line_port_ended says that a line will bring nothing more. Same condition as rw_line_packet. */
void rw_line_port_ended(struct rw_line_core *core, uint32_t line);
/* rw_line_now lets time pass without a packet; live ports only, ignored with file_ports. */
void rw_line_now(struct rw_line_core *core, uint64_t now_ns);

/* rw_line_mend says that what the gaps so far have lost is known again, from elsewhere. */
void rw_line_mend(struct rw_line_core *core);

/* rw_line_finish says that the message handed on last was the last one of the channel; as an end of
 * session behind it. */
void rw_line_finish(struct rw_line_core *core);

/* rw_line_ahead returns a cursor over the packet whose messages rw_line_next hands on now, some of
 * which may have come before, so that they can be prefetched; NULL when there is none. Valid as the
 * packet is. */
const struct rw_blocks *rw_line_ahead(const struct rw_line_core *core);

/* rw_line_next stores the next thing to hand on, in order. */
enum rw_line_event rw_line_next(struct rw_line_core *core, struct rw_line_out *out);

enum rw_channel_state rw_line_state(const struct rw_line_core *core);
/* rw_line_session returns the RW_SESSION_BYTES of the current session; all NUL before the first
 * packet. */
const char *rw_line_session(const struct rw_line_core *core);
