/* conflate_core: what the feed of one channel has to say while the sequencer has no room for it.
 *
 *   feed_core ─┬─ BBO ──────────► growing: the newest state of each instrument
 *              │                     ▼ when its turn comes
 *              │                  round: the same, but not replaced any more ──┬─► enrich
 *              └─ TRADE, STATUS, … ► queue: all of them ───────────────────────┘
 *
 * States leave in their order, without those that a newer one of their instrument has replaced;
 * the tick says how many (`replaced`, saturating, and RW_QUALITY_CONFLATED). What is in the queue
 * leaves in its order, all of it. Ticks keep their content and their position in the venue's
 * stream. How the two are merged:
 *
 *   as they came      until rw_conflate_live: the shadow of a follower wants the venue's order
 *   quotes first      then: a state may overtake the queue, which has every fourth slot; nothing
 *                     overtakes a state, or a DIRECTORY message
 *
 * A tick that a state of its own instrument has overtaken says the BBO of that state in the place
 * of its own, flagged CONFLATED: so the BBO of an instrument never goes back. Its trade, its halts
 * and its position stay its own.
 *
 * A state that has been replaced waits at the later place of the newer one, so the liveliest
 * instruments would never have their turn. Hence rounds: when the oldest growing state is next,
 * all of them become the round, and what comes from then on grows anew behind it. So a state that
 * leaves was its instrument's newest when its round began; a live round is at most one tick per
 * instrument, and a third more for the queue; and no change waits beyond two rounds.
 *
 * The queue is bounded. When it is full an entry is lost, counted, and rw_conflate_lost says so
 * once: the feed then flags the channel as after a gap. The books are exact all the same. Its last
 * eighth is for entries other than trades and breaks, its last slot for the END.
 *
 * Accounting: taken = sent + conflated + queue_full + waiting. Pure: no clock, allocation or I/O.
 * One thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/record/entry.h"
#include "dataplane/stats/stats.h"

#define RW_CONFLATE_COUNTERS(X)                                                              \
    X(taken, "entries", "ticks and messages made by the feed")                               \
    X(sent, "entries", "handed to the sequencer")                                            \
    X(overtaken, "ticks", "of these, trades and status that say a newer BBO than their own") \
    X(conflated, "ticks", "BBO states that a newer one replaced, for want of room")          \
    X(queue_full, "entries", "lost: the queue for what is not conflated was full; a gap")
RW_STATS_STRUCT(rw_conflate_counters, RW_CONFLATE_COUNTERS);

#define RW_CONFLATE_GAUGES(X)                                                \
    X(waiting, "entries", "that wait for room now")                          \
    X(queued, "entries", "of these, in the queue for what is not conflated") \
    X(queued_max, "entries", "most entries ever found in that queue")        \
    X(oldest_ns, "ns", "how long the oldest change has waited")              \
    X(oldest_max_ns, "ns", "longest that a change was found waiting")
RW_STATS_STRUCT(rw_conflate_gauges, RW_CONFLATE_GAUGES);

struct rw_conflate_cfg {
    uint32_t locates;     /* instruments of the channel: BBO entries have instrument < locates */
    uint64_t queue_bytes; /* of the queue; ≥ RW_CONFLATE_QUEUE_BYTES_MIN, rounded down to 2^k */
};
#define RW_CONFLATE_QUEUE_BYTES_MIN (16u * RW_SLOT_BYTES)

/* rw_conflate_queue_slots returns how many entries the queue holds. */
uint64_t rw_conflate_queue_slots(const struct rw_conflate_cfg *cfg);

struct rw_conflate;

/* rw_conflate_footprint returns the bytes that rw_conflate_new needs, a multiple of 64: the queue
 * and 192 bytes per locate. */
size_t rw_conflate_footprint(const struct rw_conflate_cfg *cfg);
/* rw_conflate_new formats memory (64-byte aligned, owned by the caller) as empty. The statistics
 * outlive it. Never fails; asserts on a configuration out of range. */
struct rw_conflate *rw_conflate_new(void *memory, const struct rw_conflate_cfg *cfg,
                                    struct rw_conflate_counters *counters,
                                    struct rw_conflate_gauges *gauges);

/* rw_conflate_live says that from now on ticks go from here to the log as they are. For good. */
void rw_conflate_live(struct rw_conflate *conflate);

/* rw_conflate_put takes the entries that one input of the feed gave, in their order. now_ns: for
 * the age of what waits; never falls. Counts conflated and queue_full; the caller counts taken. */
void rw_conflate_put(struct rw_conflate *conflate, const struct rw_entry *entries, uint32_t count,
                     uint64_t now_ns);
/* rw_conflate_is_empty is true when nothing waits: then the feed's entries may go out directly. */
bool rw_conflate_is_empty(const struct rw_conflate *conflate);
/* rw_conflate_next moves the next entry to *out; false, and *out untouched, when nothing waits. The
 * caller counts sent. */
bool rw_conflate_next(struct rw_conflate *conflate, struct rw_entry *out);

/* rw_conflate_lost is true once after entries were lost. */
bool rw_conflate_lost(struct rw_conflate *conflate);
/* rw_conflate_refresh brings the gauges up to date. */
void rw_conflate_refresh(struct rw_conflate *conflate, uint64_t now_ns);
