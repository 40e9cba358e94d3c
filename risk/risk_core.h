/* One risk shard: it applies log entries in sequence and says what changed, one message at a time.
 *
 *   entry n ─► begin ─► next, next, next … ─► DONE        messages of n, in this order:
 *
 *      SESSION open                                       (shard 0 only)
 *      BAR by instrument, length, start                   (shard 0 only)
 *      per portfolio, ascending: PORTFOLIO · POSITION (after a fill) · LIMIT per measure · RISK
 *      after the last portfolio of a desk: its addend     (not published: merge adds it up)
 *      SESSION close, which is the last of a session      (shard 0 only)
 *
 * A shard owns a contiguous range of portfolios, cut at account boundaries, and shares nothing. All
 * shards see all entries. A tick walks the holders of its instrument (CSR, sorted by portfolio) and
 * settles one portfolio per message, so an entry with any number of records is spread over any
 * number of visits, and nothing is buffered.
 *
 *   instrument ──► holders {units, portfolio, position} ──► portfolio {P&L, gross, net}
 *   64 B hot line      16 B each, sorted by portfolio           64 B hot line + limits + quality
 *
 * An instrument that one channel quotes is marked by its last tick, one that several quote by
 * their composite (venue_marks). There an entry that is no tick of it (CHANNEL, CLOCK, END) can
 * move the mark too; such an entry is a scan over all instruments, then over the portfolios it
 * touched.
 *
 * A portfolio emits when one of its published integers changed. The SESSION open entry publishes
 * the start-of-day totals of every portfolio that has any. Everything is a pure function of the
 * image and the entries: no clock, no I/O, no allocation. The limits of every table are per
 * portfolio or global, never per shard, so what is rejected does not depend on the number of
 * shards. */
#pragma once

#include <stddef.h>

#include "dataplane/record/entry.h"
#include "dataplane/record/image.h"
#include "dataplane/record/result.h"
#include "dataplane/stats/stats.h"
#include "risk/bar_core.h"
#include "risk/composite_core.h"
#include "risk/numerics.h"
#include "risk/var_core.h"

#define RW_RISK_POSITIONS_DEFAULT 65536u
#define RW_RISK_FILLS_DEFAULT     262144u

#define RW_RISK_COUNTERS(X)                                                                   \
    X(entries, "entries", "log entries applied")                                              \
    X(ticks, "entries", "TICK entries applied")                                               \
    X(fills, "fills", "fills of own portfolios that changed a position")                      \
    X(corrections, "fills", "fills of own portfolios that were corrected")                    \
    X(busts, "fills", "fills of own portfolios that were taken back")                         \
    X(folded, "fills", "fills gone through to do that")                                       \
    X(records, "records", "results emitted, without desk and firm totals")                    \
    X(addends, "messages", "changes of a desk sent to merge")                                 \
    X(went_stale, "instruments", "instruments that turned stale at a CLOCK entry")            \
    X(fill_duplicate, "fills", "ignored: execution id seen before, same content")             \
    X(fill_conflict, "fills", "ignored: execution id seen before with other content")         \
    X(fill_malformed, "fills", "rejected: side, kind, quantity, price or index out of range") \
    X(fill_over_bounds, "fills", "rejected: position or money would leave its bounds")        \
    X(fill_no_pair_room, "fills", "rejected: no room for a new position of the portfolio")    \
    X(fill_no_id_room, "fills", "rejected: the table of execution ids is full")               \
    X(correction_unknown, "fills", "rejected: corrects no fill of today in that position")    \
    X(correction_of_busted, "fills", "rejected: corrects a fill that was taken back")         \
    X(orders, "orders", "events of own portfolios' orders taken")                             \
    X(orders_rejected, "orders", "of these: rejected by the venue")                           \
    X(order_repeated, "orders", "ignored: told before")                                       \
    X(order_conflict, "orders", "ignored: the id is another order's")                         \
    X(order_unknown, "orders", "ignored: no such open order")                                 \
    X(order_malformed, "orders", "rejected: side, kind, quantity, price or index wrong")      \
    X(order_over_bounds, "orders", "left out of what is open: it would leave its bounds")     \
    X(order_no_pair_room, "orders", "left out of it: no room for a position")                 \
    X(order_no_id_room, "orders", "rejected: the table of orders is full")                    \
    X(fill_order_unknown, "fills", "fills whose order is not known to be open")               \
    X(tick_unknown_instrument, "entries", "ignored: instrument not in the image")             \
    X(tick_bad_price, "entries", "ignored: a price is negative")                              \
    X(tick_no_venue, "entries", "ignored: of more channels than risk keeps quotes of")        \
    X(quotes_stale, "quotes", "quotes of one channel that turned stale at a CLOCK entry")     \
    X(unknown_type, "entries", "ignored: entry type or event this version does not know")     \
    X(sequence_dropped, "entries", "entries that came a second time by the other link")
RW_STATS_STRUCT(rw_risk_counters, RW_RISK_COUNTERS);

struct rw_risk_cfg {
    const struct rw_image *image; /* accepted by rw_risk_check_image; outlives the shard */
    uint32_t shard, shards;       /* shard < shards ≤ RW_SHARDS_MAX */
    /* Both must be equal at all sites and in a recomputation; 0 = the default. */
    uint32_t
        positions_max;  /* new (portfolio, instrument) pairs in all; each portfolio has its share */
    uint32_t fills_max; /* execution ids remembered */
    struct rw_risk_counters *counters;    /* zeroed, outlives the shard */
    struct rw_var_counters *var_counters; /* the same; NULL only for an image without scenarios */
    /* Channels that the log may hold. 1: quotes of single channels are not kept, the last tick
     * makes the mark. Any other number, 0 included: RW_VENUES_MAX. A log of one channel gives the
     * same results either way. */
    uint32_t channels;
    /* Bars of all instruments, made by shard 0; lengths 0: none. `instruments` comes from the
     * image; lengths and times must be equal at all sites and in a recomputation. */
    struct rw_bar_cfg bars;
};

/* What is sent to merge in the slots of records: the changes of one desk by one shard and input.
 * `kind` stands where a record has its kind. Never published. */
#define RW_RISK_ADDEND         200u
#define RW_RISK_QUALITY_COUNTS 12u
struct rw_risk_addend {
    uint64_t reserved0[2];
    uint64_t input_sequence;
    uint64_t event_time_ns;
    uint32_t desk;
    uint32_t conflated; /* of the causing tick */
    uint8_t kind;       /* RW_RISK_ADDEND */
    uint8_t reserved1[7];
    int64_t realised_pnl, unrealised_pnl, gross, net; /* changes */
    int32_t quality_count[RW_RISK_QUALITY_COUNTS]; /* change of the number of portfolios per bit */
};
static_assert(sizeof(struct rw_risk_addend) == RW_RESULT_BYTES, "an addend fills a record's slot");
static_assert(offsetof(struct rw_risk_addend, kind) == offsetof(struct rw_result, kind), "");
static_assert(offsetof(struct rw_risk_addend, input_sequence) ==
                  offsetof(struct rw_result, input_sequence),
              "");

struct rw_risk_range {
    uint32_t first, end; /* portfolio indices first..end−1; empty when equal */
};

enum rw_risk_step {
    RW_RISK_DONE = 0,    /* the entry is complete; begin the next */
    RW_RISK_MESSAGE = 1, /* one message was written */
    RW_RISK_WORKING = 2, /* a bounded piece of work was done, nothing to say yet; call again */
};

struct rw_risk;

/* rw_risk_shard_range returns the portfolios of a shard: near-equal counts, cut only where the
 * account changes. The ranges of all shards cover every portfolio once. shard < shards. Pure. */
struct rw_risk_range rw_risk_shard_range(const struct rw_image *image, uint32_t shard,
                                         uint32_t shards);

/* rw_risk_check_image tells whether the image keeps the bounds of numerics.h and the orders this
 * folder relies on. 0, or -ERANGE or -EINVAL with an error that names the row. Cold path. */
int rw_risk_check_image(const struct rw_image *image);

/* rw_risk_footprint returns the bytes rw_risk_new needs, a multiple of 64. */
size_t rw_risk_footprint(const struct rw_risk_cfg *cfg);

/* rw_risk_new builds a shard in memory (64-byte aligned, zeroed, footprint bytes, owned by the
 * caller), with the start-of-day positions at the start prices. Never fails. */
struct rw_risk *rw_risk_new(void *memory, const struct rw_risk_cfg *cfg);

/* rw_risk_begin takes the next entry: all its slots, consecutive in memory, needed only during the
 * call. Entries come in sequence without holes, and only when the one before is DONE: asserted. */
void rw_risk_begin(struct rw_risk *risk, const struct rw_entry *entry);

/* rw_risk_next goes on with the entry begun. MESSAGE: *to holds a struct rw_result (result_sequence
 * 0) or a struct rw_risk_addend. Otherwise *to is untouched. Each call does a bounded amount of
 * work. */
enum rw_risk_step rw_risk_next(struct rw_risk *risk, struct rw_result *to);

/* rw_risk_sequence returns the last sequence that is DONE, 0 at first. */
uint64_t rw_risk_sequence(const struct rw_risk *risk);

/* rw_risk_busy tells whether an entry was begun and is not DONE. */
bool rw_risk_busy(const struct rw_risk *risk);

/* Reading the present state, for reports and tests; not for the hot path. */
struct rw_risk_view {
    int64_t quantity, mark; /* of a position; 0 for a portfolio */
    int64_t realised_pnl, unrealised_pnl, gross, net;
    uint16_t quality;
    uint8_t limit_state;
};
/* rw_risk_view_portfolio and rw_risk_view_position fill *view; false when the portfolio is not of
 * this shard or the pair does not exist. */
bool rw_risk_view_portfolio(const struct rw_risk *risk, uint32_t portfolio,
                            struct rw_risk_view *view);
bool rw_risk_view_position(const struct rw_risk *risk, uint32_t portfolio, uint32_t instrument,
                           struct rw_risk_view *view);
/* rw_risk_composite shows an instrument over its venues; NULL when a single channel quotes it. */
const struct rw_composite *rw_risk_composite(const struct rw_risk *risk, uint32_t instrument);
