/* The mark of an instrument and how far to trust it.
 *
 *   two-sided and not crossed ─► mid, half-even    else last trade ─► last    else ─► start price
 *
 * A mark is a pure function of one tick (a tick is self-contained), so it does not depend on what
 * was conflated before it. Nothing is hidden: whatever makes a mark doubtful is a quality bit, and
 * every record that depends on it carries the bit. */
#pragma once

#include "dataplane/record/entry.h"
#include "risk/numerics.h"

#define RW_QUALITY_BITS 12u

/* Quality that risk derives from prices itself, and what it takes from every tick. */
#define RW_QUALITY_DERIVED \
    (RW_QUALITY_CROSSED | RW_QUALITY_LOCKED | RW_QUALITY_ONE_SIDED | RW_QUALITY_NO_MARK)
#define RW_QUALITY_CARRIED                                                               \
    (RW_QUALITY_STALE | RW_QUALITY_HALTED | RW_QUALITY_FEED_GAP | RW_QUALITY_CONFLATED | \
     RW_QUALITY_TAKEOVER | RW_QUALITY_ROUNDED)

/* rw_mark_price returns the mark, 1e-4; 0 when nothing is known. A price of 0 is a missing one;
 * negative prices were rejected before. */
static inline int32_t rw_mark_price(const struct rw_tick_body *tick, int32_t start_price) {
    if (tick->bid_price > 0 && tick->ask_price > 0 && tick->bid_price <= tick->ask_price) {
        int64_t sum = (int64_t)tick->bid_price + tick->ask_price;
        int64_t floor = sum >> 1;
        return (int32_t)(floor + (sum & floor & 1)); /* .5 goes to the even neighbour */
    }
    return tick->last_price > 0 ? tick->last_price : start_price;
}

/* rw_mark_quality returns the derived bits. NO_MARK: neither a usable quote nor a trade. */
static inline uint16_t rw_mark_quality(const struct rw_tick_body *tick) {
    if (tick->bid_price > 0 && tick->ask_price > 0) {
        if (tick->bid_price < tick->ask_price) return 0;
        if (tick->bid_price == tick->ask_price) return RW_QUALITY_LOCKED;
        return (uint16_t)(RW_QUALITY_CROSSED | (tick->last_price > 0 ? 0 : RW_QUALITY_NO_MARK));
    }
    return (uint16_t)(RW_QUALITY_ONE_SIDED | (tick->last_price > 0 ? 0 : RW_QUALITY_NO_MARK));
}

/* rw_mark_prices_fit tells whether the tick's prices are legal (no negative one). */
static inline bool rw_mark_prices_fit(const struct rw_tick_body *tick) {
    return (tick->bid_price | tick->ask_price | tick->last_price) >= 0;
}

/* rw_mark_stale tells whether an update at updated_ns is older than after_ns at event time
 * clock_ns. after_ns = 0: never. */
static inline bool rw_mark_stale(uint64_t clock_ns, uint64_t updated_ns, uint64_t after_ns) {
    return after_ns != 0 && clock_ns > updated_ns && clock_ns - updated_ns > after_ns;
}
