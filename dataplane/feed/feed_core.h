/* feed_core: frames of one channel in, ticks out.
 *
 *   frame ─► line_core ─► venue message ─► venue's books ─► BBO, TRADE, STATUS, BREAK
 *   answer ─►   │  │                          ▲  └────────► DIRECTORY: a symbol's first time
 *               │  └─ gap ─► recovery_core ─► orders: requests, snapshot
 *   snapshot ───┼─────────────────────────────┘ BBOs that differ
 *               └─ gap, restart, end ─────────────────────► CHANNEL, cleared BBOs, END
 *
 * The venue is the table of cfg.line.venue. One input is one event of a venue message, and gives at
 * most RW_FEED_FAN_OUT entries; a message that changes many instruments is worked off in as many
 * steps, before the next message. What a tick says is a pure function of the venue's messages: a
 * BBO tick is made when the best prices or quantities really change, in front of the TRADE tick of
 * the same message. Its index is 4 × the event's number in the message, and 0 for a BBO, 1 a TRADE,
 * 2 a STATUS, 3 a BREAK, whichever of them are made. `sequence` carries the arrival stamp,
 * `instrument` the locate.
 *
 * A start-again empties the market: one BBO tick for each locate that had prices, at (generation
 * << 48, locate).
 *
 * Without recovery (cfg.recovery has no server) every tick after a gap carries RW_QUALITY_FEED_GAP
 * until the channel starts again. With recovery nothing is told while a gap is being filled, but
 * that the channel is STALE. When messages are given up, or a snapshot has begun to load, the books
 * are broken: the channel is STALE and FEED_GAP, no BBO change is told, and a trade or status comes
 * with the BBO that was told last. A snapshot that is joined at message N makes them whole: one BBO
 * tick, at (N - 1, …), for each locate whose BBO or halt differs from what was told or whose last
 * tick was flagged, then the CHANNEL. What was told is copied when the books break, at no cost
 * before.
 *
 * Pure: no clock, allocation or I/O. One thread. */
#pragma once

#include "dataplane/book/book.h"
#include "dataplane/feed/directory.h"
#include "dataplane/feed/line_core.h"
#include "dataplane/feed/message_store.h"
#include "dataplane/feed/recover_link.h"
#include "dataplane/feed/recovery_core.h"
#include "dataplane/nic/frame.h"
#include "dataplane/record/entry.h"

#define RW_FEED_FAN_OUT 4u

#define RW_FEED_COUNTERS(X)                                                                \
    X(messages, "messages", "venue messages taken from the lines, each once")              \
    X(unknown_type, "messages", "skipped: no such message type")                           \
    X(malformed, "messages", "skipped: the length does not fit the type")                  \
    X(empty, "messages", "skipped: no bytes at all")                                       \
    X(bbo, "ticks", "changes of a best bid or offer")                                      \
    X(trades, "ticks", "printable trades")                                                 \
    X(trades_not_printable, "messages", "executions that do not count in volume: no tick") \
    X(status, "ticks", "instruments halted or resumed")                                    \
    X(breaks, "ticks", "trades broken by the venue")                                       \
    X(directory, "messages", "symbols told to the sequencer")                              \
    X(price_range, "messages", "trade price above 2^31-1: no tick")                        \
    X(quantity_range, "ticks", "trade quantity above 2^32-1: the tick says 2^32-1")        \
    X(channel_changes, "ticks", "changes of the channel's state")                          \
    X(cleared, "ticks", "BBOs emptied because the channel started again")                  \
    X(held_back, "changes", "BBO changes not told: the books are broken")                  \
    X(snapshot_messages, "messages", "messages of snapshots put into the books")           \
    X(snapshot_bbo, "ticks", "BBOs told because a snapshot was joined")                    \
    X(wrong_channel, "frames", "frames of another channel or line than configured")        \
    X(event_time_ns, "ns", "event time of the last message, since midnight")               \
    X(state, "state", "0 in sync, 1 hold, 2 request, 3 snapshot, 4 given up, 5 ended")
RW_STATS_STRUCT(rw_feed_counters, RW_FEED_COUNTERS);

struct rw_feed_cfg {
    struct rw_line_cfg line;
    struct rw_books_cfg books;
    uint16_t channel;
    char market_code; /* whose operational halts count, where the venue names a market; 0: 'Q' */
    /* Of the stage, on live ports: room for what waits for the sequencer and is not conflated; 0
     * stands for 16 MiB. */
    uint64_t queue_bytes;
    /* Of the stage: one of several channels that read captures, so it sends RW_FEED_CLOCK. */
    bool tells_clock;
    struct rw_recovery_cfg recovery; /* no server and no snapshot: gaps are given up */
    struct rw_store_cfg store;       /* for the peer; 0 bytes: nothing is kept */
};

struct rw_feed_stats {
    struct rw_feed_counters *feed;
    struct rw_books_stats books;
    struct rw_line_stats line;
    struct rw_recovery_stats recovery;
    struct rw_store_counters *store;
};

struct rw_feed_core;

/* rw_feed_recovers is true when the configuration has somebody to recover from. */
bool rw_feed_recovers(const struct rw_feed_cfg *cfg);
/* rw_feed_footprint returns the bytes that rw_feed_new needs, a multiple of 64: the reorder
 * buffer, the books, 12 bytes for each of 65,536 locates, 20 more with recovery, the store. */
size_t rw_feed_footprint(const struct rw_feed_cfg *cfg);
/* rw_feed_new formats memory (64-byte aligned, owned by the caller). stats is copied; what it
 * points to outlives the core. Never fails; a configuration out of range asserts. */
struct rw_feed_core *rw_feed_new(void *memory, const struct rw_feed_cfg *cfg,
                                 const struct rw_feed_stats *stats);

/* rw_feed_frame takes one frame. Only when rw_feed_step has returned false since the last one; the
 * frame stays the caller's and must stay in place until it does so again and the feed is not
 * blocked. */
void rw_feed_frame(struct rw_feed_core *core, const struct rw_frame *frame);
/* rw_feed_ahead tells of a frame that will be taken behind those told of, so that what the messages
 * of several packets need is loaded together: a hint, and only read. After rw_feed_frame and before
 * rw_feed_step, in order, while rw_feed_wants_ahead says so, asserted. */
bool rw_feed_wants_ahead(const struct rw_feed_core *core);
void rw_feed_ahead(struct rw_feed_core *core, const struct rw_frame *frame);
/* rw_feed_is_blocked is true while a file port's frame waits until a gap is closed: give no further
 * frame of rx, only what the recover stage brings. */
bool rw_feed_is_blocked(const struct rw_feed_core *core);
/* rw_feed_is_held_up is true while what has come is not handed on until a gap is closed. */
bool rw_feed_is_held_up(const struct rw_feed_core *core);
/* rw_feed_recover takes an answer or a part of a snapshot. Same condition as rw_feed_frame. */
void rw_feed_recover(struct rw_feed_core *core, const struct rw_recover_frame *frame);
/* rw_feed_order moves the order that waits to *order (RW_RECOVER_SLOT_BYTES); false when there is
 * none. The next one is only made when this one was taken. */
bool rw_feed_order(struct rw_feed_core *core, struct rw_recover_order *order);
/* rw_feed_serve writes the answer to a peer's request; false when there is to be none. Any time. */
bool rw_feed_serve(struct rw_feed_core *core, const struct rw_recover_frame *request,
                   struct rw_recover_order *order);
/* rw_feed_now lets time pass, on the monotonic clock, so that a gap timer of live ports and
 * time-outs can run out without a frame. */
void rw_feed_now(struct rw_feed_core *core, uint64_t now_ns);
/* rw_feed_step takes one input and stores what it gives in out[0..*count). False when nothing is
 * left to do before the next frame; *count is then 0. */
bool rw_feed_step(struct rw_feed_core *core, struct rw_entry out[RW_FEED_FAN_OUT], uint32_t *count);
/* rw_feed_lost_ticks says that ticks were lost on their way to the sequencer. The books are exact,
 * but the next step flags the channel as after a gap, until it starts again or is recovered. */
void rw_feed_lost_ticks(struct rw_feed_core *core);
/* rw_feed_sent_ticks says that all ticks so far have reached the sequencer: with recovery, a
 * channel that was flagged for lost ticks tells all its BBOs and is whole again. */
void rw_feed_sent_ticks(struct rw_feed_core *core);

/* rw_feed_books shows what the venue's `make` returned, for tests and offline tools. */
const void *rw_feed_books(const struct rw_feed_core *core);
enum rw_channel_state rw_feed_state(const struct rw_feed_core *core);
