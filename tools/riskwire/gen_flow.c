/* The flow: orders that come and go around the fair price, in bursts, in the mix of a real day. */
#include "tools/riskwire/gen_state.h"

#include <string.h>

#define BURST_GAP_NS 1500u

/* ---- choices -------------------------------------------------------------------------------- */

static int32_t draw_distance(struct rw_gen_chance *chance) {
    uint32_t kind = rw_gen_below(chance, 100);
    if (kind >= 93) return (int32_t)(1 + rw_gen_below(chance, 600)) * RW_GEN_TICK;
    uint64_t mean = kind < 55 ? 3 : 15;
    return (int32_t)(1 + rw_gen_exponential(chance) * mean / RW_GEN_EXP_ONE) * RW_GEN_TICK;
}

/* 70 % of what is chosen is among the last few thousand orders. 0 when there is none at all. */
static uint32_t draw_order(struct rw_gen_market *market) {
    struct rw_gen_books *books = &market->books;
    if (books->live_count == 0) return 0;
    if (rw_gen_below(&market->chance, 100) < 70) {
        for (int tries = 0; tries < 8; tries++) {
            uint32_t index = books->recent[rw_gen_below(&market->chance, RW_GEN_RECENT)];
            if (rw_gen_books_is_live(books, index)) return index;
        }
    }
    return books->live[rw_gen_below(&market->chance, books->live_count)];
}

static uint32_t draw_symbol(struct rw_gen_market *market) {
    if (market->burst_left && rw_gen_below(&market->chance, 2)) return market->burst_symbol;
    return market->burst_symbol = rw_gen_popular(&market->chance);
}

/* Whether an order at this price could trade at once against the other side. */
static bool crosses(const struct rw_gen_market *market, uint32_t symbol, uint32_t side,
                    int32_t price) {
    uint32_t other = rw_gen_books_best(&market->books, symbol, !side);
    if (!other) return false;
    int32_t best = market->books.order[other].price;
    return side == 0 ? price >= best : price <= best;
}

static bool trades(const struct rw_gen_market *market, uint32_t symbol) {
    return market->phase == RW_GEN_OPEN && market->symbols[symbol].state == 'T';
}

/* ---- messages ------------------------------------------------------------------------------- */

/* A new order; where it would cross, the maker pulls its quote or is hit. A halted book may
 * cross. */
static void flow_add(struct rw_gen_market *market) {
    uint32_t symbol = draw_symbol(market);
    int32_t fair = rw_gen_fair_price(market, symbol), distance = draw_distance(&market->chance);
    struct rw_gen_order order = {.symbol = (uint16_t)symbol,
                                 .side = (uint8_t)rw_gen_below(&market->chance, 2),
                                 .attributed = rw_gen_below(&market->chance, 92) == 0};
    bool halted = market->symbols[symbol].state != 'T';
    if (halted) distance -= 3 * RW_GEN_TICK;
    order.price = order.side ? fair + distance : fair - distance;
    if (order.price < RW_GEN_TICK) order.price = RW_GEN_TICK;
    order.shares = rw_gen_draw_shares(&market->chance);
    if (!halted && crosses(market, symbol, order.side, order.price)) {
        uint32_t hit = rw_gen_books_best(&market->books, symbol, !order.side);
        if (trades(market, symbol) && rw_gen_below(&market->chance, 4) == 0)
            rw_gen_put_execution(market, hit, market->books.order[hit].shares, 'E', 0, 0);
        else
            rw_gen_put_delete(market, hit);
        return;
    }
    order.reference = rw_gen_next_reference(market, symbol);
    if (order.attributed) memcpy(order.mpid, rw_gen_draw_mpid(market), sizeof order.mpid);
    rw_gen_put_add(market, &order);
}

static void flow_delete(struct rw_gen_market *market) {
    uint32_t index = draw_order(market);
    if (index)
        rw_gen_put_delete(market, index);
    else
        flow_add(market);
}

/* An incoming order takes the best of the other side; one in seven sweeps a few. */
static void flow_execute(struct rw_gen_market *market, char letter) {
    uint32_t symbol = draw_symbol(market), side = rw_gen_below(&market->chance, 2), more = 1;
    if (!trades(market, symbol) || !rw_gen_books_best(&market->books, symbol, side)) {
        flow_add(market);
        return;
    }
    if (letter == 'E' && rw_gen_below(&market->chance, 7) == 0)
        more += rw_gen_below(&market->chance, 4);
    do {
        uint32_t index = rw_gen_books_best(&market->books, symbol, side);
        if (!index) break;
        const struct rw_gen_order *order = &market->books.order[index];
        uint32_t shares = order->shares;
        bool full = more > 1 || shares == 1 || rw_gen_below(&market->chance, 100) < 70;
        if (!full) shares = 1 + rw_gen_below(&market->chance, shares - 1);
        int32_t better = side ? order->price - RW_GEN_TICK / 2 : order->price + RW_GEN_TICK / 2;
        rw_gen_put_execution(market, index, shares, letter, better, 'Y');
    } while (--more && rw_gen_flow_left(market));
}

static void flow_cancel(struct rw_gen_market *market) {
    uint32_t index = draw_order(market);
    if (!index || market->books.order[index].shares < 2) {
        flow_add(market);
        return;
    }
    const struct rw_gen_order *order = &market->books.order[index];
    uint32_t shares = 1 + rw_gen_below(&market->chance, order->shares - 1);
    uint8_t *message = rw_gen_begin_symbol(market, 'X', order->symbol)->message;
    rw_itch50_put_cancel_order_reference_number(message, order->reference);
    rw_itch50_put_cancel_canceled_shares(message, shares);
    rw_gen_books_take(&market->books, index, shares);
}

static void flow_replace(struct rw_gen_market *market) {
    uint32_t index = draw_order(market);
    if (!index) {
        flow_add(market);
        return;
    }
    struct rw_gen_order order = market->books.order[index];
    int32_t moved = order.price + ((int32_t)rw_gen_below(&market->chance, 7) - 3) * RW_GEN_TICK;
    if (moved >= RW_GEN_TICK && !crosses(market, order.symbol, order.side, moved))
        order.price = moved;
    uint8_t *message = rw_gen_begin_symbol(market, 'U', order.symbol)->message;
    rw_itch50_put_replace_original_order_reference_number(message, order.reference);
    order.reference = rw_gen_next_reference(market, order.symbol);
    rw_gen_books_take(&market->books, index, order.shares);
    order.shares = rw_gen_draw_shares(&market->chance);
    rw_itch50_put_replace_new_order_reference_number(message, order.reference);
    rw_itch50_put_replace_shares(message, order.shares);
    rw_itch50_put_replace_price(message, (uint32_t)order.price);
    rw_gen_books_add(&market->books, &order);
}

/* A trade against an order that was never displayed. */
static void flow_hidden_trade(struct rw_gen_market *market) {
    uint32_t symbol = draw_symbol(market);
    if (!trades(market, symbol)) {
        flow_add(market);
        return;
    }
    struct rw_gen_message *made = rw_gen_begin_symbol(market, 'P', symbol);
    made->trade_shares = rw_gen_draw_shares(&market->chance);
    made->trade_price = rw_gen_fair_price(market, symbol);
    made->match_number = rw_gen_next_match(market, symbol);
    rw_itch50_put_trade_tracking_number(made->message, 2);
    rw_itch50_put_trade_buy_sell_indicator(made->message, "B");
    rw_itch50_put_trade_shares(made->message, made->trade_shares);
    rw_itch50_put_trade_stock(made->message, market->names[symbol]);
    rw_itch50_put_trade_price(made->message, (uint32_t)made->trade_price);
    rw_itch50_put_trade_match_number(made->message, made->match_number);
}

static void flow_imbalance(struct rw_gen_market *market) {
    uint32_t symbol = draw_symbol(market);
    uint32_t price = (uint32_t)rw_gen_fair_price(market, symbol);
    uint8_t *message = rw_gen_begin_symbol(market, 'I', symbol)->message;
    char direction = "BSNO"[rw_gen_below(&market->chance, 4)];
    rw_itch50_put_imbalance_paired_shares(message, rw_gen_draw_shares(&market->chance) * 10);
    if (direction == 'B' || direction == 'S')
        rw_itch50_put_imbalance_imbalance_shares(message, rw_gen_draw_shares(&market->chance));
    rw_itch50_put_imbalance_imbalance_direction(message, &direction);
    rw_itch50_put_imbalance_stock(message, market->names[symbol]);
    rw_itch50_put_imbalance_far_price(message, price + RW_GEN_TICK);
    rw_itch50_put_imbalance_near_price(message, price);
    rw_itch50_put_imbalance_current_reference_price(message, price);
    rw_itch50_put_imbalance_cross_type(message, market->time_ns < market->open_ns ? "O" : "C");
    rw_itch50_put_imbalance_price_variation_indicator(message, "L");
}

/* Imbalances are sent before the opening and in the last stretch before the closing cross. */
static bool cross_is_near(const struct rw_gen_market *market) {
    uint64_t window = market->cfg.duration_ns / 20;
    return market->phase == RW_GEN_BEFORE ||
           (market->phase == RW_GEN_OPEN && market->time_ns + window > market->close_ns);
}

/* The mix of a real day in 1/10,000; adds and deletes are shifted so that the live orders follow
 * their target, which rises over the first quarter of the session. */
void rw_gen_make_flow(struct rw_gen_market *market) {
    uint64_t ramp = market->cfg.messages / 4;
    int64_t target =
        (int64_t)(market->target_live * (market->made < ramp ? market->made : ramp) / ramp) + 1;
    int64_t shift = (target - (int64_t)market->books.live_count) * 20000 / target;
    shift = shift > 3700 ? 3700 : shift < -3700 ? -3700 : shift;
    uint32_t adds = (uint32_t)(4350 + shift), kind = rw_gen_below(&market->chance, 10000);
    if (cross_is_near(market) && rw_gen_below(&market->chance, 10) == 0)
        flow_imbalance(market);
    else if (kind < adds)
        flow_add(market);
    else if (kind < 8560)
        flow_delete(market);
    else if (kind < 9440)
        flow_replace(market);
    else if (kind < 9700)
        flow_execute(market, 'E');
    else if (kind < 9705)
        flow_execute(market, 'C');
    else if (kind < 9830)
        flow_cancel(market);
    else if (kind < 9885)
        flow_hidden_trade(market);
    else if (kind < 9892)
        rw_gen_put_position(market, draw_symbol(market));
    else
        flow_add(market);
}

/* ---- waits ---------------------------------------------------------------------------------- */

/* The wait for the next message: short inside a burst, else long enough that all that is left
 * fills the time that is left. */
void rw_gen_plan_flow_time(struct rw_gen_market *market) {
    uint64_t span = market->flow_end_ns - market->flow_ns, left = rw_gen_flow_left(market) + 1;
    uint64_t share = span / left, wait;
    if (market->burst_left) {
        market->burst_left--;
        wait = BURST_GAP_NS * rw_gen_exponential(&market->chance) / RW_GEN_EXP_ONE;
        if (wait > share) wait = share;
    } else {
        uint64_t mean = rw_gen_below(&market->chance, 20) == 0 ? 120 : 6;
        uint64_t size = 1 + mean * rw_gen_exponential(&market->chance) / RW_GEN_EXP_ONE;
        market->burst_left = (uint32_t)size - 1;
        unsigned __int128 long_wait = (unsigned __int128)share * size;
        long_wait = long_wait * rw_gen_exponential(&market->chance) / RW_GEN_EXP_ONE;
        wait = long_wait > span / 2 ? span / 2 : (uint64_t)long_wait;
    }
    market->flow_ns += wait;
}
