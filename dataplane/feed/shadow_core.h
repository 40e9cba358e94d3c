/* shadow_core: what a follower keeps of its own feed, so that it can lead at any moment. One per
 * channel.
 *
 *                cursor               newest
 *   log      ──────┴─────────────────────┴──►
 *   own feed ──────[ T: trades, status   ][ Q: every tick ]──► own position    (ahead of the log)
 *   own feed ────► own position [ L: logged ticks to compare ]──► newest       (behind it)
 *
 * All along the venue's stream. A position is (venue sequence, index). `cursor` is the last trade
 * or status in the log: these are logged in venue order, so all before it are in the log. `newest`
 * is the highest position of any logged tick. T holds own trades and status after the cursor and
 * not above newest, Q all own ticks above newest. When feed and log have both passed a point, Q
 * goes into the table of own books and the logged tick is compared with it: prices and quantities
 * of BBO only. Trades and status are never compared; they are made exactly once.
 *
 * Take-over (rw_shadow_lead, then rw_shadow_next until false): T at once, with the BBO that was
 * logged last and the TAKEOVER bit; when the own feed has passed newest: the channel state if it
 * differs, one BBO tick for each instrument whose own book differs from the log, then Q as it is.
 * Where the port cannot wait, Q is gone through first: its trades and status follow those of T, and
 * of its BBOs only the newest are told, as differences. After that the shadow is live and own ticks
 * go to the log directly. A leader never follows again in the same process.
 *
 * A channel that is not whole says so by its CHANNEL tick: FEED_GAP at the first position that is
 * missing, and without it at the last position that a snapshot made up for. Between the two nothing
 * is compared. At take-over a channel that is broken and may be whole again (FEED_GAP and STALE)
 * brings its trades with the BBO that was logged last; everything else waits until it is whole.
 *
 * A feed that loses BBO states (conflation) says so by `replaced` in the next BBO tick of the
 * instrument; such a hole is a skipped comparison, not a mismatch. In the log, where quotes of a
 * live feed overtake trades, BBO ticks stand in venue order, and so do trades and status, but a
 * trade may stand behind later quotes: then it has the newer BBO, and is not compared.
 * Pure: no clock, allocation or I/O. One thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/record/entry.h"
#include "dataplane/stats/stats.h"

#define RW_SHADOW_COUNTERS(X)                                                                      \
    X(own_ticks, "ticks", "ticks taken from the own feed while following")                         \
    X(logged_ticks, "ticks", "ticks of the log taken as follower")                                 \
    X(compared, "ticks", "logged ticks whose BBO was found equal to the own book")                 \
    X(input_mismatch, "ticks", "logged ticks whose BBO differs from the own book; must stay 0")    \
    X(skipped_gap, "ticks", "not compared: messages were lost at one of the sites")                \
    X(skipped_overflow, "ticks", "not compared: a shadow ring was full")                           \
    X(skipped_takeover, "ticks", "not compared: logged by a new leader, or overtaken by a quote")  \
    X(skipped_conflated, "ticks", "not compared: the own feed replaced this state by a later one") \
    X(trades_only_here, "ticks", "own trades and status that the leader passed without logging")   \
    X(trades_dropped, "ticks", "own trades and status lost because the ring was full")             \
    X(takeover_trades, "ticks", "trades and status logged at take-over")                           \
    X(takeover_bbo, "ticks", "BBO differences logged at take-over")
RW_STATS_STRUCT(rw_shadow_counters, RW_SHADOW_COUNTERS);

struct rw_shadow_cfg {
    uint32_t instruments; /* rows of the image's instrument table, row 0 included; ≥ 1 */
    uint32_t own_depth;   /* ticks in T and Q together; power of two ≥ 2 */
    uint32_t log_depth;   /* ticks in L; power of two ≥ 2 */
    uint16_t channel;
    bool can_wait; /* the ports are files: when full, rw_shadow_room says no; else the oldest go */
};

struct rw_shadow;

/* rw_shadow_footprint returns the bytes that rw_shadow_new needs, a multiple of 64. */
size_t rw_shadow_footprint(const struct rw_shadow_cfg *cfg);
/* rw_shadow_new formats memory (64-byte aligned, owned by the caller) as an empty follower. The
 * counters outlive it. Never fails; asserts on depths that are no power of two. */
struct rw_shadow *rw_shadow_new(void *memory, const struct rw_shadow_cfg *cfg,
                                struct rw_shadow_counters *counters);

/* rw_shadow_room is true when one more own tick can be given. Where the port cannot wait it is
 * always true. */
bool rw_shadow_room(const struct rw_shadow *shadow);

/* rw_shadow_own takes one tick of the own feed, in venue order (asserted), with the instrument's
 * index in the image. Only after rw_shadow_room said yes, and only while not live. */
void rw_shadow_own(struct rw_shadow *shadow, const struct rw_entry *tick);
/* rw_shadow_own_end says that the own feed will bring nothing more: it has passed everything. */
void rw_shadow_own_end(struct rw_shadow *shadow);

/* rw_shadow_logged takes one tick of the log, in log order. Follower only. Never refuses. */
void rw_shadow_logged(struct rw_shadow *shadow, const struct rw_entry *tick);

/* rw_shadow_is_behind is true while the own feed has not reached the newest logged position. */
bool rw_shadow_is_behind(const struct rw_shadow *shadow);

/* rw_shadow_lead starts the take-over. Once, after the last logged tick was given. */
void rw_shadow_lead(struct rw_shadow *shadow);
/* rw_shadow_next stores the next tick to log; false when there is none now. Its `sequence` is the
 * stamp it came with. Of Q it gives ticks with a stamp up to `until` only (UINT64_MAX: all). After
 * rw_shadow_lead; call it until false after every own tick until live. */
bool rw_shadow_next(struct rw_shadow *shadow, uint64_t until, struct rw_entry *tick);
/* rw_shadow_stamp returns the stamp of the tick of Q that comes next; 0 when Q is empty or anything
 * else comes first. */
uint64_t rw_shadow_stamp(const struct rw_shadow *shadow);
/* rw_shadow_is_live is true when the take-over is complete: own ticks go to the log as they are. */
bool rw_shadow_is_live(const struct rw_shadow *shadow);
