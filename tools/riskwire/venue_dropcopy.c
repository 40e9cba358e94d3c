#include "tools/riskwire/venue_dropcopy.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/hash.h"
#include "dataplane/feed/itch50.h"
#include "tools/riskwire/venue_orders.h"
#include "tools/riskwire/venue_ouch.h"

/* A fill that a broken trade may name later. */
struct done {
    uint64_t match_number;
    uint32_t user_ref, portfolio;
};

struct rw_venue_dropcopy {
    const struct rw_venue_core *venue;
    struct rw_venue_dropcopy_cfg cfg;
    struct rw_venue_log log;
    uint32_t life, users;
    uint64_t read;                 /* messages of the life */
    struct rw_venue_orders orders; /* all of them; an own one has its user reference as id */
    struct done *done;
    uint64_t done_count, done_room;
    struct rw_venue_dropcopy_count count;
};

/* The same numbers give the same draw: who owns an order depends on nothing else. */
static uint64_t draw(const struct rw_venue_dropcopy *dropcopy, char what, uint64_t number) {
    uint64_t key[3] = {dropcopy->cfg.seed, (uint64_t)dropcopy->life << 8 | (uint8_t)what, number};
    return rw_hash_bytes(key, sizeof key).low;
}

static void add(struct rw_venue_dropcopy *dropcopy, const struct rw_venue_order *order) {
    rw_venue_orders_add(&dropcopy->orders, order);
    dropcopy->count.live += order->id != 0;
}

static void reduce(struct rw_venue_dropcopy *dropcopy, struct rw_venue_order *order,
                   uint32_t shares) {
    if (shares == order->shares) dropcopy->count.live -= order->id != 0;
    rw_venue_orders_reduce(&dropcopy->orders, order, shares);
}

static uint32_t user_of(const struct rw_venue_order *order) { return (uint32_t)order->id; }

/* ---- what the firm is told ------------------------------------------------------------------ */

static void name_order(const struct rw_venue_order *order,
                       char clordid[RW_VENUE_CLORDID_SIZE + 1]) {
    snprintf(clordid, RW_VENUE_CLORDID_SIZE + 1, "PF%05" PRIu32 "%07" PRIu32,
             order->portfolio % 100000, user_of(order) % 10000000);
}

static struct rw_venue_ouch_order describe(const struct rw_venue_dropcopy *dropcopy,
                                           const struct rw_venue_order *order, char display) {
    struct rw_gen_symbol_info info =
        rw_gen_market_symbol(rw_venue_market(dropcopy->venue), order->symbol);
    struct rw_venue_ouch_order told = {.user_ref = user_of(order),
                                       .quantity = order->shares,
                                       .reference = order->reference,
                                       .price = (uint64_t)order->price,
                                       .side = order->side,
                                       .display = display};
    char clordid[RW_VENUE_CLORDID_SIZE + 1];
    name_order(order, clordid);
    memcpy(told.symbol, info.name, sizeof told.symbol);
    memcpy(told.clordid, clordid, sizeof told.clordid);
    return told;
}

static void tell_accepted(struct rw_venue_dropcopy *dropcopy, uint64_t time_ns,
                          const struct rw_venue_order *order, char display) {
    uint8_t message[RW_VENUE_OUCH_MAX];
    struct rw_venue_ouch_order told = describe(dropcopy, order, display);
    rw_venue_log_add(&dropcopy->log, message, rw_venue_ouch_accepted(message, time_ns, &told));
    dropcopy->count.accepted++;
}

static void tell_canceled(struct rw_venue_dropcopy *dropcopy, uint64_t time_ns,
                          const struct rw_venue_order *order, uint32_t shares, char reason) {
    uint8_t message[RW_VENUE_OUCH_MAX];
    rw_venue_log_add(&dropcopy->log, message,
                     rw_venue_ouch_canceled(message, time_ns, user_of(order), shares, reason));
    dropcopy->count.canceled++;
}

static void remember(struct rw_venue_dropcopy *dropcopy, const struct rw_venue_order *order,
                     uint64_t match_number) {
    if (dropcopy->done_count == dropcopy->done_room) {
        dropcopy->done_room = dropcopy->done_room ? 2 * dropcopy->done_room : 256;
        dropcopy->done = realloc(dropcopy->done, dropcopy->done_room * sizeof *dropcopy->done);
        RW_ASSERT(dropcopy->done);
    }
    dropcopy->done[dropcopy->done_count++] = (struct done){
        .match_number = match_number, .user_ref = user_of(order), .portfolio = order->portfolio};
}

/* `order` traded `shares` at `price`, by the public message. */
static void tell_executed(struct rw_venue_dropcopy *dropcopy, const uint8_t *message,
                          const struct rw_venue_order *order, uint32_t shares, int32_t price,
                          char liquidity, uint64_t match_number) {
    uint8_t told[RW_VENUE_OUCH_MAX];
    uint64_t time_ns = rw_itch50_timestamp(message);
    uint32_t bytes = rw_venue_ouch_executed(told, time_ns, user_of(order), shares, (uint64_t)price,
                                            liquidity, match_number);
    rw_venue_log_add(&dropcopy->log, told, bytes);
    dropcopy->count.executed++;
    remember(dropcopy, order, match_number);
    struct rw_venue_fill fill = {.time_ns = time_ns,
                                 .match_number = match_number,
                                 .symbol = order->symbol,
                                 .portfolio = order->portfolio,
                                 .quantity = shares,
                                 .price = price,
                                 .side = order->side};
    if (dropcopy->cfg.fill) dropcopy->cfg.fill(dropcopy->cfg.context, &fill);
}

static void tell_event(struct rw_venue_dropcopy *dropcopy, uint64_t time_ns, char code) {
    uint8_t message[RW_VENUE_OUCH_MAX];
    rw_venue_log_add(&dropcopy->log, message, rw_venue_ouch_event(message, time_ns, code));
}

/* ---- from the public message to the private one --------------------------------------------- */

/* Draws an owner for an order of a symbol; without one it stays another's. */
static bool draw_owner(struct rw_venue_dropcopy *dropcopy, char what, uint64_t number,
                       struct rw_venue_order *order) {
    uint64_t drawn = draw(dropcopy, what, number);
    if (drawn % 100 >= dropcopy->cfg.own_percent) return false;
    order->portfolio = dropcopy->cfg.accounts[order->symbol][drawn / 100 % RW_VENUE_ACCOUNTS];
    order->id = ++dropcopy->users;
    return true;
}

static void take_add(struct rw_venue_dropcopy *dropcopy, const uint8_t *message) {
    struct rw_venue_order order = {.reference = rw_itch50_add_order_reference_number(message),
                                   .shares = (uint32_t)rw_itch50_add_shares(message),
                                   .symbol = rw_itch50_locate(message) - 1u,
                                   .price = (int32_t)rw_itch50_add_price(message),
                                   .side = (char)*rw_itch50_add_buy_sell_indicator(message)};
    bool is_own = draw_owner(dropcopy, 'A', order.reference, &order);
    add(dropcopy, &order);
    if (is_own) tell_accepted(dropcopy, rw_itch50_timestamp(message), &order, 'Y');
}

/* An order that was never shown: if it is the firm's, it was accepted and traded at once. */
static void take_hidden(struct rw_venue_dropcopy *dropcopy, const uint8_t *message,
                        struct rw_venue_order *order, char liquidity, uint64_t match_number) {
    if (!draw_owner(dropcopy, 'M', match_number, order)) return;
    tell_accepted(dropcopy, rw_itch50_timestamp(message), order, 'N');
    tell_executed(dropcopy, message, order, order->shares, order->price, liquidity, match_number);
}

/* Who took the liquidity may be the firm too, but not against itself, and not in a cross. */
static void take_execution(struct rw_venue_dropcopy *dropcopy, const uint8_t *message) {
    struct rw_venue_order *order =
        rw_venue_orders_find(&dropcopy->orders, rw_itch50_executed_order_reference_number(message));
    uint32_t shares = (uint32_t)rw_itch50_executed_executed_shares(message);
    uint64_t match_number = rw_itch50_executed_match_number(message);
    int32_t price = order->price;
    bool is_cross = message[0] == 'C' && *rw_itch50_executed_at_printable(message) == 'N';
    if (message[0] == 'C') price = (int32_t)rw_itch50_executed_at_execution_price(message);
    if (user_of(order)) {
        tell_executed(dropcopy, message, order, shares, price, 'A', match_number);
    } else if (!is_cross) {
        struct rw_venue_order other = {.shares = shares,
                                       .symbol = order->symbol,
                                       .price = price,
                                       .side = order->side == 'B' ? 'S' : 'B'};
        take_hidden(dropcopy, message, &other, 'R', match_number);
    }
    reduce(dropcopy, order, shares);
}

static void take_hidden_trade(struct rw_venue_dropcopy *dropcopy, const uint8_t *message) {
    uint64_t match_number = rw_itch50_trade_match_number(message);
    bool is_seller = draw(dropcopy, 'S', match_number) % 2;
    struct rw_venue_order order = {.shares = (uint32_t)rw_itch50_trade_shares(message),
                                   .symbol = rw_itch50_locate(message) - 1u,
                                   .price = (int32_t)rw_itch50_trade_price(message),
                                   .side = is_seller ? 'S' : 'B'};
    take_hidden(dropcopy, message, &order, is_seller ? 'R' : 'A', match_number);
}

static void take_reduction(struct rw_venue_dropcopy *dropcopy, const uint8_t *message) {
    struct rw_venue_order *order =
        rw_venue_orders_find(&dropcopy->orders, rw_itch50_delete_order_reference_number(message));
    uint32_t shares = order->shares;
    if (message[0] == 'X') shares = (uint32_t)rw_itch50_cancel_canceled_shares(message);
    if (user_of(order)) tell_canceled(dropcopy, rw_itch50_timestamp(message), order, shares, 'U');
    reduce(dropcopy, order, shares);
}

static void take_replacement(struct rw_venue_dropcopy *dropcopy, const uint8_t *message) {
    struct rw_venue_order *old = rw_venue_orders_find(
        &dropcopy->orders, rw_itch50_replace_original_order_reference_number(message));
    struct rw_venue_order order = *old;
    uint8_t told[RW_VENUE_OUCH_MAX];
    order.reference = rw_itch50_replace_new_order_reference_number(message);
    order.shares = (uint32_t)rw_itch50_replace_shares(message);
    order.price = (int32_t)rw_itch50_replace_price(message);
    uint32_t original = user_of(old);
    if (original) order.id = ++dropcopy->users;
    reduce(dropcopy, old, old->shares);
    add(dropcopy, &order);
    if (!original) return;
    struct rw_venue_ouch_order described = describe(dropcopy, &order, 'Y');
    uint32_t bytes =
        rw_venue_ouch_replaced(told, rw_itch50_timestamp(message), original, &described);
    rw_venue_log_add(&dropcopy->log, told, bytes);
    dropcopy->count.replaced++;
}

static void take_break(struct rw_venue_dropcopy *dropcopy, const uint8_t *message) {
    uint64_t match_number = rw_itch50_broken_match_number(message);
    char clordid[RW_VENUE_CLORDID_SIZE + 1];
    uint8_t out[RW_VENUE_OUCH_MAX];
    for (uint64_t i = dropcopy->done_count; i > 0; i--) {
        const struct done *done = &dropcopy->done[i - 1];
        if (done->match_number != match_number) continue;
        struct rw_venue_order order = {.id = done->user_ref, .portfolio = done->portfolio};
        name_order(&order, clordid);
        uint32_t bytes = rw_venue_ouch_broken(out, rw_itch50_timestamp(message), done->user_ref,
                                              match_number, 'E', clordid);
        rw_venue_log_add(&dropcopy->log, out, bytes);
        dropcopy->count.broken++;
        return;
    }
}

static void take(struct rw_venue_dropcopy *dropcopy, const uint8_t *message) {
    uint64_t time_ns = rw_itch50_timestamp(message);
    switch (message[0]) {
    case 'A':
    case 'F':
        take_add(dropcopy, message);
        return;
    case 'E':
    case 'C':
        take_execution(dropcopy, message);
        return;
    case 'P':
        take_hidden_trade(dropcopy, message);
        return;
    case 'X':
    case 'D':
        take_reduction(dropcopy, message);
        return;
    case 'U':
        take_replacement(dropcopy, message);
        return;
    case 'B':
        take_break(dropcopy, message);
        return;
    case 'S': {
        char code = (char)*rw_itch50_system_event_code(message);
        if (code == 'O') tell_event(dropcopy, time_ns, 'S');
        if (code == 'C') tell_event(dropcopy, time_ns, 'E');
        return;
    }
    }
}

/* ---- the whole ------------------------------------------------------------------------------ */

struct rw_venue_dropcopy *rw_venue_dropcopy_new(const struct rw_venue_core *venue,
                                                const struct rw_venue_dropcopy_cfg *cfg) {
    struct rw_venue_dropcopy *dropcopy = calloc(1, sizeof *dropcopy);
    RW_ASSERT(dropcopy && cfg->own_percent <= 100);
    dropcopy->venue = venue;
    dropcopy->cfg = *cfg;
    return dropcopy;
}

void rw_venue_dropcopy_free(struct rw_venue_dropcopy *dropcopy) {
    rw_venue_log_fini(&dropcopy->log);
    rw_venue_orders_fini(&dropcopy->orders);
    free(dropcopy->done);
    free(dropcopy);
}

static void follow_life(struct rw_venue_dropcopy *dropcopy) {
    const struct rw_venue_log *log = rw_venue_messages(dropcopy->venue, dropcopy->life);
    uint32_t bytes;
    while (dropcopy->read < log->count)
        take(dropcopy, rw_venue_log_get(log, ++dropcopy->read, &bytes));
}

/* The venue has started again from an empty market: all orders are gone. */
static void cancel_all(struct rw_venue_dropcopy *dropcopy) {
    const struct rw_venue_log *log = rw_venue_messages(dropcopy->venue, dropcopy->life);
    uint32_t bytes;
    uint64_t time_ns =
        log->count ? rw_itch50_timestamp(rw_venue_log_get(log, log->count, &bytes)) : 0;
    for (uint32_t i = 0; i < dropcopy->orders.places; i++) {
        const struct rw_venue_order *order = &dropcopy->orders.place[i];
        if (order->reference && order->id)
            tell_canceled(dropcopy, time_ns, order, order->shares, 'Z');
    }
    rw_venue_orders_fini(&dropcopy->orders);
    dropcopy->count.live = 0;
}

void rw_venue_dropcopy_follow(struct rw_venue_dropcopy *dropcopy) {
    follow_life(dropcopy);
    while (dropcopy->life < rw_venue_life(dropcopy->venue)) {
        cancel_all(dropcopy);
        dropcopy->life++;
        dropcopy->read = 0;
        follow_life(dropcopy);
    }
}

const struct rw_venue_log *rw_venue_dropcopy_log(const struct rw_venue_dropcopy *dropcopy) {
    return &dropcopy->log;
}

struct rw_venue_dropcopy_count rw_venue_dropcopy_counted(const struct rw_venue_dropcopy *dropcopy) {
    return dropcopy->count;
}
