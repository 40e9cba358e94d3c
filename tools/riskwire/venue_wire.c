#include "tools/riskwire/venue_wire.h"

#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/feed/moldudp64.h"
#include "dataplane/feed/pitch_write.h"
#include "tools/riskwire/venue_orders.h"

#define SECOND_NS  1000000000ull
#define PITCH_UNIT 1u

struct rw_venue_wire {
    const struct feed *feed;
    union {
        struct rw_mold_writer mold;
        struct rw_pitch_writer pitch;
    } writer;
    struct rw_venue_orders orders; /* under the feed's own numbers */
    uint64_t second;               /* told last, + 1 */
};

/* How a feed does it; translate NULL: the messages are the market's own. */
struct feed {
    const char *name;
    void (*translate)(struct rw_venue_wire *wire, const struct rw_gen_market *market,
                      const uint8_t *message, struct rw_venue_log *log);
    void (*begin)(struct rw_venue_wire *wire, uint8_t *buffer, size_t capacity, const char *session,
                  uint64_t sequence);
    bool (*put)(struct rw_venue_wire *wire, const uint8_t *message, uint32_t bytes);
    size_t (*end)(struct rw_venue_wire *wire);
    size_t (*last)(uint8_t *buffer, const char *session, uint64_t next); /* NULL: a heartbeat */
};

/* ---- ITCH 5.0 ------------------------------------------------------------------------------- */

static void mold_begin(struct rw_venue_wire *wire, uint8_t *buffer, size_t capacity,
                       const char *session, uint64_t sequence) {
    rw_mold_begin(&wire->writer.mold, buffer, capacity, session, sequence);
}

static bool mold_put(struct rw_venue_wire *wire, const uint8_t *message, uint32_t bytes) {
    return rw_mold_add(&wire->writer.mold, message, (uint16_t)bytes);
}

static size_t mold_end(struct rw_venue_wire *wire) { return rw_mold_end(&wire->writer.mold); }

static size_t mold_last(uint8_t *buffer, const char *session, uint64_t next) {
    return rw_mold_end_of_session(buffer, session, next);
}

/* ---- PITCH ---------------------------------------------------------------------------------- */

static void pitch_begin(struct rw_venue_wire *wire, uint8_t *buffer, size_t capacity,
                        const char *session, uint64_t sequence) {
    rw_pitch_begin(&wire->writer.pitch, buffer, capacity, PITCH_UNIT, (uint32_t)sequence);
}

static bool pitch_put(struct rw_venue_wire *wire, const uint8_t *message, uint32_t bytes) {
    return rw_pitch_put(&wire->writer.pitch, message, bytes);
}

static size_t pitch_end(struct rw_venue_wire *wire) { return rw_pitch_end(&wire->writer.pitch); }

/* Tells the second of the day when it has changed; returns the nanoseconds behind it. */
static uint32_t tell_second(struct rw_venue_wire *wire, uint64_t time_ns,
                            struct rw_venue_log *log) {
    uint8_t told[RW_PITCH_MESSAGE_MAX];
    uint64_t second = time_ns / SECOND_NS;
    if (wire->second != second + 1)
        rw_venue_log_add(log, told, rw_pitch_time(told, (uint32_t)second));
    wire->second = second + 1;
    return (uint32_t)(time_ns % SECOND_NS);
}

/* Shares and price of the order are known before a message takes something off it. */
static uint32_t pitch_execution(struct rw_venue_wire *wire, uint32_t time, const uint8_t *message,
                                uint8_t *to) {
    struct rw_venue_order *order =
        rw_venue_orders_find(&wire->orders, rw_itch50_executed_order_reference_number(message));
    uint32_t shares = (uint32_t)rw_itch50_executed_executed_shares(message), bytes;
    uint64_t match_number = rw_itch50_executed_match_number(message);
    if (message[0] == 'E')
        bytes = rw_pitch_execute(to, time, order->id, shares, match_number);
    else
        bytes = rw_pitch_execute_at(to, time, order->id, shares, order->shares - shares,
                                    match_number, rw_itch50_executed_at_execution_price(message));
    rw_venue_orders_reduce(&wire->orders, order, shares);
    return bytes;
}

static uint32_t pitch_add(struct rw_venue_wire *wire, uint32_t time, const uint8_t *message,
                          uint8_t *to) {
    struct rw_venue_order order = {.reference = rw_itch50_add_order_reference_number(message),
                                   .shares = (uint32_t)rw_itch50_add_shares(message)};
    order.id = order.reference;
    rw_venue_orders_add(&wire->orders, &order);
    return rw_pitch_add(to, time, order.id, (char)*rw_itch50_add_buy_sell_indicator(message),
                        order.shares, (const char *)rw_itch50_add_stock(message),
                        rw_itch50_add_price(message));
}

static uint32_t pitch_replacement(struct rw_venue_wire *wire, uint32_t time, const uint8_t *message,
                                  uint8_t *to) {
    struct rw_venue_order *old = rw_venue_orders_find(
        &wire->orders, rw_itch50_replace_original_order_reference_number(message));
    struct rw_venue_order order = *old;
    order.reference = rw_itch50_replace_new_order_reference_number(message);
    order.shares = (uint32_t)rw_itch50_replace_shares(message);
    rw_venue_orders_reduce(&wire->orders, old, old->shares);
    rw_venue_orders_add(&wire->orders, &order);
    return rw_pitch_modify(to, time, order.id, order.shares, rw_itch50_replace_price(message),
                           false);
}

static uint32_t pitch_reduction(struct rw_venue_wire *wire, uint32_t time, const uint8_t *message,
                                uint8_t *to) {
    struct rw_venue_order *order =
        rw_venue_orders_find(&wire->orders, rw_itch50_delete_order_reference_number(message));
    uint32_t shares = order->shares, bytes;
    if (message[0] == 'X') {
        shares = (uint32_t)rw_itch50_cancel_canceled_shares(message);
        bytes = rw_pitch_reduce(to, time, order->id, shares);
    } else {
        bytes = rw_pitch_delete(to, time, order->id);
    }
    rw_venue_orders_reduce(&wire->orders, order, shares);
    return bytes;
}

/* A pause is a halt here. */
static uint32_t pitch_status(uint32_t time, const uint8_t *message, uint8_t *to) {
    char state = (char)*rw_itch50_trading_trading_state(message);
    return rw_pitch_status(to, time, (const char *)rw_itch50_trading_stock(message),
                           state == 'P' ? 'H' : state);
}

static uint32_t pitch_message(struct rw_venue_wire *wire, uint32_t time, const uint8_t *message,
                              uint8_t *to) {
    switch (message[0]) {
    case 'A':
    case 'F':
        return pitch_add(wire, time, message, to);
    case 'E':
    case 'C':
        return pitch_execution(wire, time, message, to);
    case 'U':
        return pitch_replacement(wire, time, message, to);
    case 'X':
    case 'D':
        return pitch_reduction(wire, time, message, to);
    case 'H':
        return pitch_status(time, message, to);
    case 'P':
        return rw_pitch_trade(to, time, 'B', (uint32_t)rw_itch50_trade_shares(message),
                              (const char *)rw_itch50_trade_stock(message),
                              rw_itch50_trade_price(message),
                              rw_itch50_trade_match_number(message));
    case 'Q':
        return rw_pitch_auction(to, time, (const char *)rw_itch50_cross_stock(message),
                                (char)*rw_itch50_cross_cross_type(message),
                                rw_itch50_cross_cross_price(message),
                                (uint32_t)rw_itch50_cross_cross_shares(message));
    case 'B':
        return rw_pitch_break(to, time, rw_itch50_broken_match_number(message));
    case 'S':
        return *rw_itch50_system_event_code(message) == 'C' ? rw_pitch_end_of_session(to, time) : 0;
    default:
        return 0;
    }
}

static void pitch_translate(struct rw_venue_wire *wire, const struct rw_gen_market *market,
                            const uint8_t *message, struct rw_venue_log *log) {
    uint8_t told[RW_PITCH_MESSAGE_MAX];
    uint32_t time = tell_second(wire, rw_itch50_timestamp(message), log);
    uint32_t bytes = pitch_message(wire, time, message, told);
    if (bytes) rw_venue_log_add(log, told, bytes);
}

/* ---- the whole ------------------------------------------------------------------------------ */

static const struct feed feeds[RW_VENUE_FEEDS] = {
    [RW_VENUE_ITCH50] = {"itch50", NULL, mold_begin, mold_put, mold_end, mold_last},
    [RW_VENUE_PITCH] = {"pitch", pitch_translate, pitch_begin, pitch_put, pitch_end, NULL},
};

enum rw_venue_feed rw_venue_feed_named(const char *name) {
    uint32_t feed = 0;
    while (feed < RW_VENUE_FEEDS && strcmp(feeds[feed].name, name) != 0) feed++;
    return (enum rw_venue_feed)feed;
}

struct rw_venue_wire *rw_venue_wire_new(enum rw_venue_feed feed) {
    RW_ASSERT(feed < RW_VENUE_FEEDS);
    struct rw_venue_wire *wire = calloc(1, sizeof *wire);
    RW_ASSERT(wire);
    wire->feed = &feeds[feed];
    return wire;
}

void rw_venue_wire_restart(struct rw_venue_wire *wire) {
    rw_venue_orders_fini(&wire->orders);
    wire->second = 0;
}

void rw_venue_wire_free(struct rw_venue_wire *wire) {
    rw_venue_orders_fini(&wire->orders);
    free(wire);
}

bool rw_venue_wire_is_plain(const struct rw_venue_wire *wire) {
    return wire->feed->translate == NULL;
}

void rw_venue_wire_translate(struct rw_venue_wire *wire, const struct rw_gen_market *market,
                             const struct rw_gen_message *message, struct rw_venue_log *log) {
    wire->feed->translate(wire, market, message->message, log);
}

void rw_venue_wire_begin(struct rw_venue_wire *wire, uint8_t *buffer, size_t capacity,
                         const char *session, uint64_t sequence) {
    wire->feed->begin(wire, buffer, capacity, session, sequence);
}

bool rw_venue_wire_put(struct rw_venue_wire *wire, const uint8_t *message, uint32_t bytes) {
    return wire->feed->put(wire, message, bytes);
}

uint32_t rw_venue_wire_end(struct rw_venue_wire *wire) { return (uint32_t)wire->feed->end(wire); }

uint32_t rw_venue_wire_last(struct rw_venue_wire *wire, uint8_t *buffer, size_t capacity,
                            const char *session, uint64_t next) {
    if (wire->feed->last) return (uint32_t)wire->feed->last(buffer, session, next);
    rw_venue_wire_begin(wire, buffer, capacity, session, next);
    return rw_venue_wire_end(wire);
}
