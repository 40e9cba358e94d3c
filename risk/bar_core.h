/* Bars in event time: open, high, low, close, volume, notional and trades of each instrument over
 * windows of fixed length, corrected when a trade comes late.
 *
 *   trade ──► window of its event time ─ open ──► watermark passes its end ──► closed: version 1
 *                                     └─ closed, not longer than the allowed lateness: version + 1
 *                                     └─ older: too late, counted; only a recomputation has it
 *
 *   watermark = latest clock − bound        never falls, moves at CLOCK entries only
 *
 * Windows are [k·length, (k + 1)·length). Open and close go by event time, among equals by order of
 * coming. A correction retracts the bar with the version before. Both are functions of the order of
 * trades and clocks alone. Pure: no clock, allocation or I/O. One thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/stats/stats.h"

#define RW_BAR_METHOD      1u /* version of the calculation, in each record */
#define RW_BAR_LENGTHS_MAX 4u
#define RW_BAR_WINDOWS_MAX 64u /* of one length that are kept of an instrument; a power of two */

#define RW_BAR_COUNTERS(X)                                                                   \
    X(trades, "trades", "trades put into the windows of all lengths")                        \
    X(bars, "bars", "windows that closed with trades in them")                               \
    X(corrections, "bars", "closed bars told again with a late trade in them")               \
    X(late, "trades", "later than the watermark, within the allowed lateness")               \
    X(too_late, "trades", "skipped in bars of some length: later than the allowed lateness") \
    X(ahead, "trades", "skipped in bars of some length: too far ahead of the watermark")     \
    X(notional_range, "trades", "bars whose notional was cut to 2^63 - 1")                   \
    X(unusable, "trades", "ignored by bars: the tick has no price or no quantity")           \
    X(broken, "trades", "broken by the venue after they came; their bars keep them")
RW_STATS_STRUCT(rw_bar_counters, RW_BAR_COUNTERS);

struct rw_bar_cfg {
    uint32_t instruments; /* indices below this, 0 is nobody's */
    uint32_t lengths;     /* 1..RW_BAR_LENGTHS_MAX */
    uint64_t length_ns[RW_BAR_LENGTHS_MAX];
    uint64_t bound_ns;    /* how far event times may be out of order before a window closes */
    uint64_t lateness_ns; /* how long after its close a window takes trades */
    uint64_t ahead_ns;    /* how far ahead of the last clock a trade may be: the clock's interval */
    struct rw_bar_counters *counters;
};

struct rw_bar {
    uint32_t instrument;
    uint32_t version; /* from 1 */
    uint64_t start_ns, length_ns;
    int32_t open, high, low, close; /* 1e-4 */
    uint64_t volume;
    int64_t notional; /* Σ price · quantity, 1e-4 */
    uint32_t trades;
    uint32_t reserved; /* 0 */
};

struct rw_bars;

/* rw_bars_kept returns how many windows of length k are kept of an instrument; more than
 * RW_BAR_WINDOWS_MAX are refused by the two below. Spans below 2^62 ns. Pure. */
uint64_t rw_bars_kept(const struct rw_bar_cfg *cfg, uint32_t k);

/* rw_bars_footprint returns the bytes that rw_bars_new needs, a multiple of 64. rw_bars_new makes
 * empty bars in memory (64-byte aligned, zeroed, the caller's, which outlives them). A cfg out of
 * range, or one that would keep more than RW_BAR_WINDOWS_MAX windows, asserts. */
size_t rw_bars_footprint(const struct rw_bar_cfg *cfg);
struct rw_bars *rw_bars_new(void *memory, const struct rw_bar_cfg *cfg);

/* rw_bars_trade takes a trade: price > 0 in 1e-4, quantity > 0. Returns true when it corrects bars
 * that were told: rw_bars_next gives them. Only when rw_bars_next has said false. */
bool rw_bars_trade(struct rw_bars *bars, uint32_t instrument, uint64_t event_time_ns, int32_t price,
                   uint32_t quantity);
/* rw_bars_clock says how far event time has come; earlier ones are ignored. Returns true when
 * windows may have closed: rw_bars_next gives their bars. Same condition. */
bool rw_bars_clock(struct rw_bars *bars, uint64_t event_time_ns);

enum rw_bars_step {
    RW_BARS_DONE = 0,
    RW_BARS_BAR = 1,     /* *bar is the next one */
    RW_BARS_WORKING = 2, /* a bounded piece of work was done; call again */
};
/* rw_bars_next goes on with what the last trade or clock gives, by (instrument, length, start). */
enum rw_bars_step rw_bars_next(struct rw_bars *bars, struct rw_bar *bar);
