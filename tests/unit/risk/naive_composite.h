/* The composite as one would write it first: a list of venues, a loop for each question. Shares no
 * code with risk/ but the types it is compared with. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "risk/composite_core.h"

struct naive_composite {
    struct rw_quote quote[RW_VENUES_MAX];
    uint32_t in, lot;
    uint64_t across_since_ns;
    struct rw_composite_view raw, round;
};

static inline uint32_t naive_capped(uint32_t quantity) {
    return quantity < RW_COMPOSITE_QUANTITY_MAX ? quantity : RW_COMPOSITE_QUANTITY_MAX;
}

/* The view over quotes of at least `least` on their side. */
static inline struct rw_composite_view naive_view(const struct naive_composite *row,
                                                  uint32_t least) {
    struct rw_composite_view view = {0};
    for (uint32_t v = 0; v < RW_VENUES_MAX; v++) {
        const struct rw_quote *quote = &row->quote[v];
        if (!(row->in & 1u << v)) continue;
        if (quote->bid_price > 0 && quote->bid_quantity >= least &&
            quote->bid_price > view.bid_price)
            view.bid_price = quote->bid_price;
        if (quote->ask_price > 0 && quote->ask_quantity >= least &&
            (view.ask_price == 0 || quote->ask_price < view.ask_price))
            view.ask_price = quote->ask_price;
    }
    for (uint32_t v = 0; v < RW_VENUES_MAX; v++) {
        const struct rw_quote *quote = &row->quote[v];
        if (!(row->in & 1u << v)) continue;
        if (view.bid_price && quote->bid_price == view.bid_price && quote->bid_quantity >= least) {
            view.bid_venues |= (uint8_t)(1u << v);
            view.bid_quantity += naive_capped(quote->bid_quantity);
        }
        if (view.ask_price && quote->ask_price == view.ask_price && quote->ask_quantity >= least) {
            view.ask_venues |= (uint8_t)(1u << v);
            view.ask_quantity += naive_capped(quote->ask_quantity);
        }
    }
    return view;
}

static inline void naive_composite_count(struct naive_composite *row, uint32_t in,
                                         uint64_t event_time_ns) {
    row->in = in;
    row->raw = naive_view(row, 0);
    row->round = naive_view(row, row->lot);
    bool across = row->raw.bid_price && row->raw.ask_price &&
                  row->raw.bid_price >= row->raw.ask_price &&
                  (row->raw.bid_venues & row->raw.ask_venues) == 0;
    if (!across)
        row->across_since_ns = 0;
    else if (row->across_since_ns == 0)
        row->across_since_ns = event_time_ns;
}

static inline void naive_composite_quote(struct naive_composite *row, uint32_t venue,
                                         const struct rw_quote *quote, uint32_t in,
                                         uint64_t event_time_ns) {
    row->quote[venue] = *quote;
    naive_composite_count(row, in, event_time_ns);
}

static inline bool naive_composite_equals(const struct naive_composite *naive,
                                          const struct rw_composite *row) {
    return !memcmp(&naive->raw, &row->raw, sizeof row->raw) &&
           !memcmp(&naive->round, &row->round, sizeof row->round) &&
           naive->across_since_ns == row->across_since_ns && naive->in == row->in;
}
