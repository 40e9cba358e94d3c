/* The live orders of a simulated venue by the reference of the public feed, for who follows it: an
 * execution tells neither side nor price, a delete not even the shares.
 *
 *   place: [ order | – | order | order | – … ]   linear probing; emptied places are closed by
 *                                                moving later ones back
 *
 * Grows. One thread. */
#pragma once

#include <stdint.h>

struct rw_venue_order {
    uint64_t reference; /* ≥ 1; 0: the place is empty */
    uint64_t id;        /* the follower's own name for it; 0: it has none */
    uint32_t shares, symbol;
    uint32_t portfolio; /* of the follower */
    int32_t price;      /* 1e-4 */
    char side;          /* 'B' or 'S' */
};

struct rw_venue_orders {
    struct rw_venue_order *place;
    uint32_t places, used; /* places: a power of two, or 0 */
};

/* rw_venue_orders_add adds an order that is not there, to orders that began as all zero. */
void rw_venue_orders_add(struct rw_venue_orders *orders, const struct rw_venue_order *order);
/* rw_venue_orders_find returns the order of a reference, which is there (asserted). It stays in
 * place until the next add or reduce. */
struct rw_venue_order *rw_venue_orders_find(const struct rw_venue_orders *orders,
                                            uint64_t reference);
/* rw_venue_orders_reduce takes shares (1..all of them) off an order, and removes it at 0. */
void rw_venue_orders_reduce(struct rw_venue_orders *orders, struct rw_venue_order *order,
                            uint32_t shares);
/* rw_venue_orders_fini frees what they hold and leaves none. */
void rw_venue_orders_fini(struct rw_venue_orders *orders);
