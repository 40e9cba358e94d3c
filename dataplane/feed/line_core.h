/* line_core: one venue stream out of two lines that carry the same packets, and out of what servers
 * send again.
 *
 *   line A ──► session? ─► seen before? ─► in order ─────────────► messages 1, 2, 3, …
 *   line B ──►    │              │            └─► reorder buffer ──┘      gap, restart, end
 *   answers ─► foreign …     duplicate …         (bounded, gap timer)
 *
 * The first copy of a message wins. A message that is missing is waited for until the gap timer
 * has run out on both lines, the reorder buffer is full, or both files have ended. Then the gap is
 * due: it is given up for good, or, with `recovers`, the caller has it filled (rw_line_missing,
 * rw_line_answer), takes a snapshot in its place (rw_line_hold, rw_line_join) or gives it up
 * (rw_line_give_up). Time is what the caller gives: for file ports the capture time of the frames
 * (the slower line's, so that a replay decides the same at any speed), else the monotonic clock.
 *
 * While a gap is being recovered a live channel that runs out of room keeps the packets nearest to
 * the gap and drops the newest, which will be asked for again; while it waits for a snapshot it
 * keeps the newest. File ports wait instead (rw_line_is_blocked).
 *
 * What a packet looks like, what its session means and from where a sequence of 1 is a new start is
 * said by the venue's table (venue.h). A line that starts again at sequence 1, or goes over to
 * another session, starts a new generation of the channel. Sequences given out carry the generation
 * in the top 16 bits, so they never fall. A line that jumps far ahead is believed after some
 * packets there, so that one stray packet cannot carry the channel away.
 *
 * Accounting, per channel. In messages that came, and in sequence numbers that were passed:
 *   messages = delivered + duplicates + late + in_snapshot + foreign + unsequenced_rejected
 *              + older_generation + after_end + too_long + far_ahead + unasked + overflow
 *              + in_flight
 *   passed   = delivered - aside + gap_messages + snapshot_messages + joined_at
 * and of the delivered ones `recovered` came from servers, each server's part in its own row.
 *
 * Pure: no clock, allocation or I/O. One thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/base/hist.h"
#include "dataplane/feed/reorder.h"
#include "dataplane/feed/venue.h"
#include "dataplane/stats/stats.h"

#define RW_LINES_MAX             2u
#define RW_LINE_SERVERS_MAX      4u
#define RW_LINE_GENERATION_SHIFT 48u
/* Sequences this far ahead of everything known are not believed at once. */
#define RW_LINE_JUMP_MESSAGES 65536u
#define RW_LINE_SEQUENCE_MAX  ((UINT64_C(1) << RW_LINE_GENERATION_SHIFT) - 1)

#define RW_CHANNEL_COUNTERS(X)                                                                   \
    X(packets, "packets", "packets of the lines and servers, heartbeats included")               \
    X(messages, "messages", "complete messages in these packets")                                \
    X(delivered, "messages", "messages handed on, each once and in order")                       \
    X(recovered, "messages", "of these, sent again by a server")                                 \
    X(duplicates, "messages", "dropped: already there from this or the other line")              \
    X(late, "messages", "dropped: came after their gap was given up")                            \
    X(in_snapshot, "messages", "dropped: the snapshot that was joined holds what they did")      \
    X(foreign, "messages", "dropped: of another session, or beside the lines and not of a loop") \
    X(unsequenced_rejected, "messages", "dropped: sequence 0 or NUL session, not accepted here") \
    X(older_generation, "messages", "dropped: of before the restart of the channel")             \
    X(after_end, "messages", "dropped: after the end of the channel")                            \
    X(too_long, "messages", "dropped: packet too long for the reorder buffer")                   \
    X(far_ahead, "messages", "dropped: far ahead of all others; believed when more follow")      \
    X(unasked, "messages", "dropped: a server's, beyond what is known to be missing")            \
    X(overflow, "messages", "dropped for want of room during a recovery; asked for again")       \
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
    X(snapshot_messages, "messages", "messages lost: a snapshot was joined behind them")         \
    X(passed, "messages", "sequence numbers passed, in all generations")                         \
    X(gaps_by_full, "gaps", "of these, given up because the reorder buffer was full")            \
    X(joined_at, "messages", "messages before the first one that was seen")                      \
    X(restarts, "restarts", "the channel started again at sequence 1 in the same session")       \
    X(session_switches, "restarts", "the channel went over to another session")                  \
    X(held_max, "packets", "most packets ever held in the reorder buffer")
RW_STATS_STRUCT(rw_channel_counters, RW_CHANNEL_COUNTERS);

/* rw_channel_balance and rw_channel_passed_balance return 0 when the two accounts above add up,
 * else by how much they do not. For tests; exact only between calls of the core. */
static inline int64_t rw_channel_balance(const struct rw_channel_counters *counters) {
    const rw_stat *const reasons[] = {
        &counters->delivered,        &counters->duplicates, &counters->late,
        &counters->in_snapshot,      &counters->foreign,    &counters->unsequenced_rejected,
        &counters->older_generation, &counters->after_end,  &counters->too_long,
        &counters->far_ahead,        &counters->unasked,    &counters->overflow,
        &counters->in_flight};
    uint64_t sum = 0;
    for (uint32_t i = 0; i < sizeof reasons / sizeof *reasons; i++) sum += rw_stat_get(reasons[i]);
    return (int64_t)(rw_stat_get(&counters->messages) - sum);
}
static inline int64_t rw_channel_passed_balance(const struct rw_channel_counters *counters) {
    return (int64_t)(rw_stat_get(&counters->passed) + rw_stat_get(&counters->aside) -
                     rw_stat_get(&counters->delivered) - rw_stat_get(&counters->gap_messages) -
                     rw_stat_get(&counters->snapshot_messages) - rw_stat_get(&counters->joined_at));
}

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

#define RW_ANSWER_COUNTERS(X)                                                        \
    X(answers, "packets", "packets that the server sent")                            \
    X(messages, "messages", "messages in these packets, of the channel's session")   \
    X(delivered, "messages", "of these, handed on: they had come from nowhere else") \
    X(empty, "packets", "answers without a message")                                 \
    X(wrong_session, "packets", "dropped: of another session")                       \
    X(bad_answers, "packets", "dropped: not a packet, or out of range")
RW_STATS_STRUCT(rw_answer_counters, RW_ANSWER_COUNTERS);

struct rw_line_cfg {
    const struct rw_venue *venue;
    uint64_t gap_timer_ns;    /* about the A/B skew */
    uint64_t first_sequence;  /* of the session; 0: join at the lowest sequence seen */
    uint32_t reorder_packets; /* packets the reorder buffer holds, 1..65,536 */
    uint32_t packet_bytes;    /* longest payload it can hold */
    uint32_t
        session_switch_packets; /* packets in a row of one other session that make a line go over
                                        to it; 0: never */
    uint32_t jump_packets;      /* packets in a row that make a line believed which is more than
                              RW_LINE_JUMP_MESSAGES ahead of everything; 0: believed at once */
    uint8_t lines;              /* 1 or 2 */
    uint8_t servers;            /* 0..RW_LINE_SERVERS_MAX that may send answers */
    bool recovers;              /* the caller fills gaps or gives them up */
    bool file_ports;            /* time is capture time, and ports end */
    bool accept_unsequenced;    /* packets without a number: taken from line A as they come */
    char session[RW_SESSION_BYTES]; /* all NUL: the first packet decides */
};

/* Where the core counts. The histogram (of |skew|, ns) may be NULL. */
struct rw_line_stats {
    struct rw_channel_counters *channel;
    struct rw_line_counters *line[RW_LINES_MAX];
    struct rw_answer_counters *server[RW_LINE_SERVERS_MAX];
    struct rw_hist *skew;
};

enum rw_channel_state {
    RW_CHANNEL_SYNC = 0,     /* all messages since the start were delivered, or their effect */
    RW_CHANNEL_HOLD = 1,     /* a message is missing, the gap timer runs */
    RW_CHANNEL_REQUEST = 2,  /* it ran out: the gap is due and being recovered */
    RW_CHANNEL_SNAPSHOT = 3, /* everything is held until a snapshot is joined */
    RW_CHANNEL_GIVEN_UP = 4, /* messages were given up and nothing has made up for them */
    RW_CHANNEL_ENDED = 5,
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
    bool new_session; /* of a RESTART: the numbers began anew under another name */
};

/* Sequence numbers from..to-1. */
struct rw_line_range {
    uint64_t from, to;
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
/* rw_line_aside takes one payload that came beside the lines, such as of the group of a snapshot
 * loop: only what the venue says stands beside the sequence, the rest is foreign. As above. */
void rw_line_aside(struct rw_line_core *core, const void *payload, uint32_t bytes,
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

/* ---- Recovery. Only with `recovers`, and only when rw_line_next has returned NONE. ---- */

enum rw_line_answer {
    RW_LINE_ANSWER_USELESS = 0, /* no packet, or of another session */
    RW_LINE_ANSWER_EMPTY,       /* a packet without messages; range->from is the number it names */
    RW_LINE_ANSWER_MESSAGES,    /* *range says which */
};

/* rw_line_answer takes one payload from a server: a MoldUDP64 packet, whatever the venue's lines
 * carry. It can fill gaps but not tell of messages, starts or ends that no line has told of. Works
 * while blocked. Otherwise as rw_line_packet. */
enum rw_line_answer rw_line_answer(struct rw_line_core *core, uint32_t server, const void *payload,
                                   uint32_t bytes, uint64_t arrival_ns, uint64_t now_ns,
                                   struct rw_line_range *range);
/* rw_line_is_due is true when the first missing message has been waited for long enough. */
bool rw_line_is_due(const struct rw_line_core *core);
/* rw_line_missing stores the ranges that are missing and due, lowest first, at most max of them,
 * and returns how many. */
uint32_t rw_line_missing(const struct rw_line_core *core, struct rw_line_range *ranges,
                         uint32_t max);
/* rw_line_trim cuts a range down to its first part of which nothing has come; false when there is
 * none. */
bool rw_line_trim(const struct rw_line_core *core, struct rw_line_range *range);
/* rw_line_held finds a message that waits in the reorder buffer; it stays until rw_line_next. Any
 * time. */
bool rw_line_held(const struct rw_line_core *core, uint64_t sequence, struct rw_block *message);
/* rw_line_is_blocked is true while a file port's packet waits for room: give no further one. */
bool rw_line_is_blocked(const struct rw_line_core *core);
/* rw_line_give_up gives up what is missing in front of the first held message, if anything is:
 * rw_line_next hands on the GAP. */
void rw_line_give_up(struct rw_line_core *core);
/* rw_line_hold hands nothing on from now on, until one of the two that follow (or a restart).
 * rw_line_join goes on at `next` (≥ rw_line_expected, asserted): a snapshot holds what all before
 * it did. rw_line_release goes on as before the hold. */
void rw_line_hold(struct rw_line_core *core);
void rw_line_join(struct rw_line_core *core, uint64_t next);
void rw_line_release(struct rw_line_core *core);
/* rw_line_expected returns the sequence of the next message to hand on, without generation;
 * rw_line_stamped puts the generation to a sequence. */
uint64_t rw_line_expected(const struct rw_line_core *core);
uint64_t rw_line_stamped(const struct rw_line_core *core, uint64_t sequence);
