/* venue_marks: the mark of an instrument that several channels quote.
 *
 *   TICK     ─► quote, quality and time of that venue ──┐
 *   CHANNEL  ─► in sync or not, for all instruments ────┼─► who counts ─► composite_core ─► mark
 *   END      ─► closed                                  │                                   quality
 *   CLOCK    ─► quotes that turned stale ───────────────┘
 *
 * A venue is a channel of the log; it has an index below RW_VENUES_MAX, its own number where that
 * is below and free. It counts while its channel is in sync (no FEED_GAP, no STALE) and has not
 * ended, and its last tick of the instrument is not HALTED, not of a gap and not stale. What stops
 * counting leaves with the entry that says so. While none counts, the mark stays the last good one.
 *
 * Quality of such an instrument: CROSSED, LOCKED, ONE_SIDED and NO_MARK of the composite; ACROSS
 * when it is locked or crossed between venues; VENUE_OUT when a venue that has quoted it does not
 * count; what the venues that count carry (TAKEOVER, CONFLATED); STALE, HALTED or FEED_GAP only
 * when none counts, for its reasons.
 *
 * All of it comes from the log, so every shard and site keeps the same. Pure; one thread. */
#pragma once

#include <stddef.h>

#include "dataplane/record/entry.h"
#include "dataplane/record/image.h"
#include "risk/composite_core.h"

struct rw_venue_marks;

/* What the venues of an instrument say together. */
struct rw_venue_mark {
    int32_t price; /* 1e-4 */
    uint16_t quality;
    uint8_t venues;           /* that count, a bit each */
    uint64_t across_since_ns; /* event time; 0: not locked or crossed between venues */
};

/* rw_venue_marks_footprint returns the bytes that rw_venue_marks_new needs, a multiple of 64;
 * rw_venue_marks_new formats zeroed memory (64-byte aligned, owned by the caller). */
size_t rw_venue_marks_footprint(const struct rw_image *image);
struct rw_venue_marks *rw_venue_marks_new(void *memory, const struct rw_image *image);

/* rw_venue_marks_index returns the index of a channel, giving it one the first time; RW_VENUES_MAX
 * when none is left. */
uint32_t rw_venue_marks_index(struct rw_venue_marks *marks, uint16_t channel);

/* rw_venue_marks_tick takes a tick of an instrument (prices ≥ 0); true when the instrument has been
 * quoted by several venues, so that its mark is to be asked for here. */
bool rw_venue_marks_tick(struct rw_venue_marks *marks, uint32_t instrument, uint32_t venue,
                         const struct rw_tick_body *tick, uint64_t event_time_ns);
/* rw_venue_marks_state says what a CHANNEL tick says, rw_venue_marks_end that the channel has
 * ended: every instrument is to be looked at then. */
void rw_venue_marks_state(struct rw_venue_marks *marks, uint32_t venue, uint16_t quality);
void rw_venue_marks_end(struct rw_venue_marks *marks, uint32_t venue);
/* rw_venue_marks_over ends quality bits that the last tick of an instrument at a venue carried, but
 * for STALE by age. */
void rw_venue_marks_over(struct rw_venue_marks *marks, uint32_t instrument, uint32_t venue,
                         uint16_t over);
/* rw_venue_marks_clock finds the quotes of an instrument that have no update for longer than
 * after_ns (0: never) at event_time_ns; returns how many turned stale. */
uint32_t rw_venue_marks_clock(struct rw_venue_marks *marks, uint32_t instrument,
                              uint64_t event_time_ns, uint64_t after_ns);
/* rw_venue_marks_look brings the composite up to date with who counts; true when that has
 * changed. */
bool rw_venue_marks_look(struct rw_venue_marks *marks, uint32_t instrument, uint64_t event_time_ns);

/* rw_venue_marks_of returns the mark; `last` is the one before it, start_price what stands in for a
 * price that was never seen. */
struct rw_venue_mark rw_venue_marks_of(const struct rw_venue_marks *marks, uint32_t instrument,
                                       struct rw_venue_mark last, int32_t start_price);
/* rw_venue_marks_composite shows the raw and the round view. */
const struct rw_composite *rw_venue_marks_composite(const struct rw_venue_marks *marks,
                                                    uint32_t instrument);
