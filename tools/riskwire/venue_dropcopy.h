/* The venue's drop copy: what became of the firm's own orders, which are some of the orders of the
 * simulated market, as OUCH 5.0 messages.
 *
 *   published A F ─► own? ─► 'A' accepted          E C ─► 'E' executed, same match number
 *             U   ─► 'U' replaced                  X D ─► 'C' canceled
 *             P, E ─► own on the other side? ─► 'A' and 'E'          B ─► 'B' broken
 *
 * Which orders are the firm's follows from seed and order reference alone. An order belongs to a
 * portfolio of the reference data: the first seven characters of its ClOrdID are the portfolio's
 * name, the rest its user reference. Nobody trades with himself. User references and messages count
 * through restarts of the venue, which cancel all that is live. The log is what a SoupBinTCP
 * connection sends and resumes. Pure; allocates. One thread. */
#pragma once

#include "tools/riskwire/venue_core.h"

#define RW_VENUE_ACCOUNTS 4u /* portfolios that trade a symbol */

/* An execution of an own order, as the firm books it. */
struct rw_venue_fill {
    uint64_t time_ns; /* since midnight */
    uint64_t match_number;
    uint32_t symbol;    /* index */
    uint32_t portfolio; /* number: 1 is PF00001 */
    uint32_t quantity;
    int32_t price; /* 1e-4 */
    char side;     /* 'B' or 'S' */
};

struct rw_venue_dropcopy_cfg {
    uint64_t seed;
    uint32_t symbols;
    uint32_t own_percent; /* of the orders, and of the other sides of trades: 0..100 */
    /* [symbols]: numbers of portfolios, 1..99,999 */
    const uint32_t (*accounts)[RW_VENUE_ACCOUNTS];
    /* Told of every fill, in order; may be NULL. */
    void (*fill)(void *context, const struct rw_venue_fill *fill);
    void *context;
};

struct rw_venue_dropcopy_count {
    uint64_t accepted, replaced, canceled, executed, broken;
    uint64_t live; /* own orders at the venue now */
};

struct rw_venue_dropcopy; /* opaque */

/* rw_venue_dropcopy_new follows a venue, which outlives it and is only read; so does what cfg
 * points to. rw_venue_dropcopy_free frees it. */
struct rw_venue_dropcopy *rw_venue_dropcopy_new(const struct rw_venue_core *venue,
                                                const struct rw_venue_dropcopy_cfg *cfg);
void rw_venue_dropcopy_free(struct rw_venue_dropcopy *dropcopy);
/* rw_venue_dropcopy_follow adds what was published since the last call to the log. */
void rw_venue_dropcopy_follow(struct rw_venue_dropcopy *dropcopy);
/* rw_venue_dropcopy_log shows the messages; it stays the same one. */
const struct rw_venue_log *rw_venue_dropcopy_log(const struct rw_venue_dropcopy *dropcopy);
/* rw_venue_dropcopy_counted tells what the log holds. */
struct rw_venue_dropcopy_count rw_venue_dropcopy_counted(const struct rw_venue_dropcopy *dropcopy);
