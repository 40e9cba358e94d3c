/* composite_core: the best prices of one instrument over several venues.
 *
 *   venue   0      1      2      …  7        in = venues that count, as the caller says
 *   bid    [ 1014 | 1015 | 1015 |  —  ]  ─►  raw:   1015 × (q1 + q2), venues {1, 2}
 *   ask    [ 1017 | 1016 |  —   |  —  ]  ─►         1016 × q1,        venues {1}
 *   quantity ≥ round lot?                ─►  round: the same over quotes of a round lot or more
 *
 * A change of one quote, or of who counts, looks at all eight venues at once, so the cost does not
 * depend on what changed, and the result not on the order of the changes or the numbering of the
 * venues. Integers only. Of each venue only its best prices are known: a venue whose best is an odd
 * lot is not in the round view, even if it has a round lot behind it, and odd lots of one price are
 * not added up. This is a mark for risk, no NBBO for compliance.
 *
 * Pure; one thread. A row is three cache lines; 15 ns a change are the limit in bench_composite. */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#define RW_VENUES_MAX 8u /* a bit each in the masks below, and a lane each of a 256-bit register */

/* A larger quantity of one venue counts as this one, so that eight of them add up in 32 bits. */
#define RW_COMPOSITE_QUANTITY_MAX ((1u << 29) - 1)

/* Best prices over venues. A missing side has price 0, quantity 0 and no venue. */
struct rw_composite_view {
    int32_t bid_price, ask_price;   /* 1e-4 */
    uint32_t bid_quantity;          /* sum over bid_venues */
    uint32_t ask_quantity;          /* sum over ask_venues */
    uint8_t bid_venues, ask_venues; /* those at the best price */
    uint8_t reserved[2];
};

/* One instrument. All zero but for `lot` is a row without quotes. */
struct rw_composite {
    _Alignas(64) int32_t bid[RW_VENUES_MAX]; /* as told; 0 or less: missing */
    int32_t ask[RW_VENUES_MAX];
    uint32_t bid_quantity[RW_VENUES_MAX];
    uint32_t ask_quantity[RW_VENUES_MAX];
    struct rw_composite_view raw, round;
    uint32_t lot; /* round lot, 1..INT32_MAX */
    uint8_t in;   /* venues that count */
    uint8_t reserved[3];
    /* Event time since which the raw view is locked or crossed between venues: the best bid
     * reaches the best ask, and no venue has both. 0: it is not. */
    uint64_t across_since_ns;
    uint64_t reserved2;
};
static_assert(sizeof(struct rw_composite) == 192, "three lines");

struct rw_quote {
    int32_t bid_price, ask_price; /* 1e-4; 0 or less: missing */
    uint32_t bid_quantity, ask_quantity;
};

/* rw_composite_quote stores the quote of a venue (index < RW_VENUES_MAX), and rw_composite_count
 * says who counts; both then bring the views up to date. event_time_ns ≥ 1 is that of the input
 * that says so. */
void rw_composite_quote(struct rw_composite *row, uint32_t venue, const struct rw_quote *quote,
                        uint32_t in, uint64_t event_time_ns);
void rw_composite_count(struct rw_composite *row, uint32_t in, uint64_t event_time_ns);
