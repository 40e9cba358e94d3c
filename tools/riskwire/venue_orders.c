#include "tools/riskwire/venue_orders.h"

#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"

#define PLACES_MIN 1024u

static uint32_t home_of(const struct rw_venue_orders *orders, uint64_t reference) {
    return (uint32_t)(reference * 0x9E3779B97F4A7C15ull >> 32) & (orders->places - 1);
}

static void insert(struct rw_venue_orders *orders, const struct rw_venue_order *order) {
    uint32_t at = home_of(orders, order->reference);
    while (orders->place[at].reference) at = (at + 1) & (orders->places - 1);
    orders->place[at] = *order;
    orders->used++;
}

static void grow(struct rw_venue_orders *orders) {
    struct rw_venue_orders old = *orders;
    orders->places = old.places ? 2 * old.places : PLACES_MIN;
    orders->used = 0;
    orders->place = calloc(orders->places, sizeof *orders->place);
    RW_ASSERT(orders->place);
    for (uint32_t i = 0; i < old.places; i++)
        if (old.place[i].reference) insert(orders, &old.place[i]);
    free(old.place);
}

void rw_venue_orders_add(struct rw_venue_orders *orders, const struct rw_venue_order *order) {
    RW_ASSERT(order->reference != 0);
    if (2 * orders->used >= orders->places) grow(orders);
    insert(orders, order);
}

struct rw_venue_order *rw_venue_orders_find(const struct rw_venue_orders *orders,
                                            uint64_t reference) {
    RW_ASSERT(orders->places > 0);
    uint32_t at = home_of(orders, reference);
    while (orders->place[at].reference && orders->place[at].reference != reference)
        at = (at + 1) & (orders->places - 1);
    RW_ASSERT(orders->place[at].reference);
    return &orders->place[at];
}

static void erase(struct rw_venue_orders *orders, struct rw_venue_order *order) {
    uint32_t mask = orders->places - 1, hole = (uint32_t)(order - orders->place), at = hole;
    orders->used--;
    for (;;) {
        at = (at + 1) & mask;
        if (!orders->place[at].reference) break;
        uint32_t home = home_of(orders, orders->place[at].reference);
        if (((at - home) & mask) < ((at - hole) & mask)) continue; /* cannot go so far back */
        orders->place[hole] = orders->place[at];
        hole = at;
    }
    orders->place[hole].reference = 0;
}

void rw_venue_orders_reduce(struct rw_venue_orders *orders, struct rw_venue_order *order,
                            uint32_t shares) {
    RW_ASSERT(shares >= 1 && shares <= order->shares);
    order->shares -= shares;
    if (order->shares == 0) erase(orders, order);
}

void rw_venue_orders_fini(struct rw_venue_orders *orders) {
    free(orders->place);
    memset(orders, 0, sizeof *orders);
}
