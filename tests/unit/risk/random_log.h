/* Random logs for risk: ticks of all kinds of one or several channels an instrument, fills with
 * repeats, clocks, channel events and ends. */
#pragma once

#include "dataplane/base/rng.h"
#include "tests/unit/risk/risk_driver.h"

struct random_log {
    struct rw_rng *rng;
    const struct rw_image *image;
    uint64_t time, exec_id;
    bool one_channel;           /* each instrument is quoted by one */
    bool only_new;              /* no corrections */
    struct log_entry fill[64];  /* by id, to be corrected */
    struct log_entry order[32]; /* the latest, to be followed */
    uint64_t order_id;
};

static const uint16_t channel_names[] = {0, 1, 7, 40000};

static inline uint16_t random_channel(struct random_log *log) {
    return channel_names[rw_rng_below(log->rng, 4)];
}

static inline struct log_entry random_tick(struct random_log *log) {
    struct rw_rng *rng = log->rng;
    uint32_t instrument = 1 + (uint32_t)rw_rng_below(rng, log->image->instruments.count - 1);
    int32_t mid = 900000 + (int32_t)rw_rng_below(rng, 200000), bid = mid, ask = mid + 100;
    switch (rw_rng_below(rng, 10)) {
    case 0:
        bid = 0;
        break;
    case 1:
        ask = 0;
        break;
    case 2:
        bid = mid + 200;
        break;
    case 3:
        ask = bid;
        break;
    case 4:
        bid = ask = 0;
        break;
    default:
        ask = bid + (int32_t)rw_rng_below(rng, 100);
    }
    uint8_t kind = rw_rng_chance(rng, 1, 10)  ? RW_TICK_STATUS
                   : rw_rng_chance(rng, 1, 5) ? RW_TICK_TRADE
                                              : RW_TICK_BBO;
    struct log_entry tick =
        make_tick(log->time, instrument, kind, bid, ask, rw_rng_chance(rng, 1, 3) ? 0 : mid + 7);
    uint16_t quality = rw_rng_chance(rng, 1, 8) ? RW_QUALITY_HALTED : 0;
    if (rw_rng_chance(rng, 1, 8)) quality |= RW_QUALITY_CONFLATED;
    if (rw_rng_chance(rng, 1, 16)) quality |= RW_QUALITY_TAKEOVER | RW_QUALITY_STALE;
    if (rw_rng_chance(rng, 1, 8)) quality |= RW_QUALITY_FEED_GAP;
    if (rw_rng_chance(rng, 1, 16)) quality |= RW_QUALITY_ROUNDED;
    struct rw_tick_body body;
    memcpy(&body, tick.entry.body, sizeof body);
    if (body.bid_quantity) body.bid_quantity = 1 + (uint32_t)rw_rng_below(rng, 200);
    if (body.ask_quantity) body.ask_quantity = 1 + (uint32_t)rw_rng_below(rng, 200);
    memcpy(tick.entry.body, &body, sizeof body);
    uint16_t channel = random_channel(log);
    if (log->one_channel) channel = channel_names[instrument % 4];
    tick_set(&tick, channel, quality, (uint8_t)rw_rng_below(rng, 3));
    return tick;
}

static inline struct log_entry random_fill(struct random_log *log) {
    struct rw_rng *rng = log->rng;
    uint64_t id = rw_rng_chance(rng, 1, 10) && log->exec_id ? 1 + rw_rng_below(rng, log->exec_id)
                                                            : ++log->exec_id;
    int64_t quantity = 1 + (int64_t)rw_rng_below(rng, 300);
    if (rw_rng_chance(rng, 1, 2)) quantity = -quantity;
    struct log_entry fill = make_fill(
        log->time, id, 1 + (uint32_t)rw_rng_below(rng, log->image->portfolios.count - 1),
        1 + (uint32_t)rw_rng_below(rng, log->image->instruments.count - 1), quantity,
        900000 + (int64_t)rw_rng_below(rng, 200000), (int64_t)rw_rng_below(rng, 500) - 50);
    struct log_entry *earlier = &log->fill[rw_rng_below(rng, 64)];
    struct rw_fill_body to, of;
    memcpy(&to, (uint8_t *)&fill + offsetof(struct rw_entry, body), sizeof to);
    memcpy(&of, (uint8_t *)earlier + offsetof(struct rw_entry, body), sizeof of);
    if (log->only_new || !of.exec_id || of.exec_id == id || !rw_rng_chance(rng, 1, 3)) {
        log->fill[id % 64] = fill;
        return fill;
    }
    if (!rw_rng_chance(rng, 1, 20)) { /* now and then another position than the fill's */
        to.portfolio = of.portfolio;
        fill.entry.instrument = earlier->entry.instrument;
    }
    memcpy((uint8_t *)&fill + offsetof(struct rw_entry, body), &to, sizeof to);
    fill_as(&fill, rw_rng_chance(rng, 1, 3) ? RW_FILL_BUST : RW_FILL_CORRECT, of.exec_id);
    if (rw_rng_chance(rng, 1, 2)) log->fill[id % 64] = fill; /* corrected by this id from now on */
    return fill;
}

/* random_trade makes a tick a trade with a quantity, sometimes late, sometimes without a price. */
static inline void random_trade(struct random_log *log, struct log_entry *tick, uint64_t late_ns) {
    struct rw_tick_body body;
    memcpy(&body, tick->entry.body, sizeof body);
    body.kind = rw_rng_chance(log->rng, 1, 20) ? RW_TICK_BREAK : RW_TICK_TRADE;
    body.last_quantity = (uint32_t)rw_rng_below(log->rng, 50);
    memcpy(tick->entry.body, &body, sizeof body);
    uint64_t back = rw_rng_below(log->rng, late_ns);
    if (rw_rng_chance(log->rng, 1, 3) && tick->entry.event_time_ns > back)
        tick->entry.event_time_ns -= back;
}

/* An order, new or followed, now and then with what does not belong to it. */
static inline struct log_entry random_order(struct random_log *log) {
    struct rw_rng *rng = log->rng;
    struct log_entry *of = &log->order[rw_rng_below(rng, 32)];
    struct rw_order_body body;
    memcpy(&body, of->entry.body, sizeof body);
    if (body.order_id == 0 || rw_rng_chance(rng, 1, 3)) {
        int64_t quantity = 1 + (int64_t)rw_rng_below(rng, 300);
        uint64_t id = ++log->order_id;
        struct log_entry made =
            make_order(log->time, rw_rng_chance(rng, 1, 8) ? RW_ORDER_REJECTED : RW_ORDER_ACCEPTED,
                       id, 1 + (uint32_t)rw_rng_below(rng, log->image->portfolios.count - 1),
                       1 + (uint32_t)rw_rng_below(rng, log->image->instruments.count - 1),
                       rw_rng_chance(rng, 1, 2) ? quantity : -quantity,
                       rw_rng_chance(rng, 1, 6) ? 0 : 900000 + (int64_t)rw_rng_below(rng, 200000));
        return log->order[id % 32] = made;
    }
    struct log_entry next = *of;
    next.entry.event_time_ns = log->time;
    body.kind = (uint8_t)(1 + rw_rng_below(rng, 5));
    if (rw_rng_chance(rng, 2, 3)) body.quantity = 1 + (int64_t)rw_rng_below(rng, 300);
    if (rw_rng_chance(rng, 1, 20)) body.side ^= RW_SIDE_BUY ^ RW_SIDE_SELL;
    memcpy(next.entry.body, &body, sizeof body);
    return next;
}

/* Half of the fills of known orders say so. */
static inline struct log_entry random_fill_of_order(struct random_log *log) {
    struct log_entry fill = random_fill(log), *of = &log->order[rw_rng_below(log->rng, 32)];
    struct rw_order_body order;
    struct rw_fill_body body;
    uint8_t *at = (uint8_t *)&fill + offsetof(struct rw_entry, body);
    memcpy(&order, of->entry.body, sizeof order);
    memcpy(&body, at, sizeof body);
    if (body.kind != RW_FILL_NEW || !order.order_id || rw_rng_chance(log->rng, 1, 2)) return fill;
    body.reference = order.order_id;
    body.portfolio = order.portfolio;
    body.side = order.side;
    fill.entry.instrument = of->entry.instrument;
    memcpy(at, &body, sizeof body);
    return log->fill[body.exec_id % 64] = fill;
}

/* random_entry returns the next entry; the first one of a log is SESSION open. */
static inline struct log_entry random_entry(struct random_log *log) {
    if (log->time == 0) return make_session(log->time = 1, RW_SESSION_OPEN);
    log->time += rw_rng_below(log->rng, 200);
    uint64_t kind = rw_rng_below(log->rng, 100);
    if (kind < 60) return random_tick(log);
    if (kind < 70 && !log->only_new) return random_order(log);
    if (kind < 85) return log->only_new ? random_fill(log) : random_fill_of_order(log);
    if (kind < 95) return make_plain(log->time, RW_ENTRY_CLOCK);
    if (kind < 98) {
        struct log_entry event = make_tick(log->time, 0, RW_TICK_CHANNEL, 0, 0, 0);
        uint16_t quality = rw_rng_chance(log->rng, 1, 2) ? RW_QUALITY_FEED_GAP : 0;
        if (rw_rng_chance(log->rng, 1, 3)) quality |= RW_QUALITY_STALE;
        tick_set(&event, random_channel(log), quality, 0);
        return event;
    }
    if (rw_rng_chance(log->rng, 1, 4)) return make_end(log->time, random_channel(log));
    return make_plain(log->time, RW_ENTRY_TAKEOVER);
}
