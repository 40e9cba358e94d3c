/* The firm's open orders, and what they would add to positions if they were filled.
 *
 *   accepted ─► open ──replaced──► open ──filled, cancelled, expired──► over
 *   rejected ──────────────────────────────────────────────────────────► over
 *
 * Per (portfolio, instrument) the open buys and sells are quantities: it can become as long as
 * position + buys and as short as position − sells. Per portfolio they are money: quantity ·
 * multiplier · the order's price, or for an order without a price the mark at its event; so a tick
 * does not move them, and net + buys and net − sells bound what orders may lead to at their own
 * prices.
 *
 * An order id is one order for the whole day. The table remembers all of them, those of other
 * shards too, so what is refused for room does not depend on the number of shards. Pure. */
#pragma once

#include <assert.h>
#include <stddef.h>

#include "dataplane/record/entry.h"
#include "dataplane/record/image.h"
#include "risk/limit_core.h"
#include "risk/numerics.h"

#define RW_ORDERS_MAX 262144u /* of a day; at all sites the same */

struct rw_order {
    uint64_t order_id;
    int64_t open;  /* quantity that may still be filled; 0: over */
    int32_t price; /* that it is valued at */
    uint32_t portfolio, instrument;
    uint8_t side;    /* 0: the cell is free */
    uint8_t counted; /* it is in the sums below */
    uint8_t reserved[2];
};
static_assert(sizeof(struct rw_order) == 32, "two to a line");

struct rw_orders {
    struct rw_order *cell;
    uint64_t mask;
    uint32_t count, count_max;
};

enum rw_order_outcome {
    RW_ORDER_APPLIED,
    RW_ORDER_REPEATED, /* accepted or rejected a second time alike: ignored */
    RW_ORDER_CONFLICT, /* the id is another order's: ignored */
    RW_ORDER_UNKNOWN,  /* no such open order: ignored */
    RW_ORDER_FULL,     /* no room for another id: ignored */
};

/* rw_orders_footprint returns the bytes of memory for count_max orders, a multiple of 64. */
size_t rw_orders_footprint(uint32_t count_max);
/* rw_orders_new makes an empty table in memory (64-byte aligned, zeroed, the caller's). */
void rw_orders_new(struct rw_orders *orders, void *memory, uint32_t count_max);

/* rw_orders_take applies an ORDER that is well-formed: its side, its kind, quantity > 0 where it
 * has one. price: what it is valued at. *order: its cell, *before: what it was; the same unless
 * APPLIED. */
enum rw_order_outcome rw_orders_take(struct rw_orders *orders, uint32_t instrument,
                                     const struct rw_order_body *body, int32_t price,
                                     struct rw_order **order, struct rw_order *before);
/* rw_orders_fill says that an order was filled, at most as far as it is open. NULL: no such open
 * order of that portfolio, instrument and side. *before as above. */
struct rw_order *rw_orders_fill(struct rw_orders *orders, uint32_t instrument,
                                const struct rw_fill_body *fill, struct rw_order *before);

/* What is open, of a position (quantities) or of a portfolio (money). */
struct rw_open {
    int64_t buys, sells;
};

/* A limit on what a portfolio's orders may lead to: max(|net + buys|, |net − sells|). */
struct rw_open_limit {
    struct rw_open open;
    int64_t soft, hard;
    uint16_t release;
    uint8_t state;
    bool limited;
    uint8_t reserved[4];
};

/* rw_open_limit_init reads the rows of a portfolio as rw_limits_init does; nothing is open. */
void rw_open_limit_init(struct rw_open_limit *limit, const struct rw_image *image, uint32_t owner,
                        uint32_t first, uint32_t count);

/* rw_open_value returns how far, either way, net can come. buys, sells ≥ 0, all below
 * RW_MONEY_MAX. */
static inline int64_t rw_open_value(const struct rw_open *open, int64_t net) {
    int64_t up = rw_magnitude(net + open->buys), down = rw_magnitude(net - open->sells);
    return up > down ? up : down;
}

/* rw_open_step takes the present net; returns whether the state changed. */
static inline bool rw_open_step(struct rw_open_limit *limit, int64_t net) {
    uint8_t before = limit->state;
    limit->state = rw_limit_state_after(before, rw_open_value(&limit->open, net), limit->soft,
                                        limit->hard, limit->release);
    return limit->state != before;
}

/* A limit on the value of one order (fat finger). It is about events: each order that reaches a
 * bound is told, and the first one below it. */
struct rw_order_limit {
    int64_t soft, hard;
    uint8_t state;
    bool limited;
    uint8_t reserved[6];
};

/* rw_order_limit_init reads the rows of a portfolio as rw_limits_init does. */
void rw_order_limit_init(struct rw_order_limit *limit, const struct rw_image *image, uint32_t owner,
                         uint32_t first, uint32_t count);

/* rw_order_limit_step takes the value of an order; returns whether there is something to tell. */
static inline bool rw_order_limit_step(struct rw_order_limit *limit, int64_t value) {
    uint8_t before = limit->state;
    limit->state = rw_limit_state_of(value, limit->soft, limit->hard);
    return limit->state != RW_LIMIT_OK || before != RW_LIMIT_OK;
}
