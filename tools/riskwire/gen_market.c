/* One message is planned at a time: of the prologue, of the schedule (system events, crosses,
 * halts, rare types, sorted by time), or of the flow in between. Making it may queue a few more
 * of the same time. The flow's waits are drawn so that it always ends just before the schedule
 * does. */
#include "tools/riskwire/gen_market.h"

#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/feed/itch50_write.h"
#include "tools/riskwire/gen_chance.h"

#define QUEUE_MAX       64u
#define TICK            100 /* one cent */
#define WALK_STEPS      2000u
#define OWN_POINTS      100u /* of a listed symbol's own walk; straight in between */
#define MARKET_STEP_PPM 67u  /* 0.3 % over the session */
#define OWN_STEP_PPM    89u  /* 0.4 % */
#define PROLOGUE_GAP_NS 5000u
#define BURST_GAP_NS    1500u
#define LIVE_SHARE      11u /* one message in so many ends as a live order */
#define LIVE_MAX        1200000u
#define PARTITIONS      4u  /* of order references: their low two bits */
#define LIFE_SHIFT      40u /* match numbers are of the day, not of a life */

enum phase { PHASE_BEFORE, PHASE_OPEN, PHASE_AFTER };
enum plan { PLAN_PROLOGUE, PLAN_SCHEDULE, PLAN_FLOW, PLAN_DONE };

/* A scheduled message; detail is an event code, trading state or cross type. */
struct scheduled {
    uint64_t time_ns;
    uint32_t order;
    uint16_t symbol;
    char letter, detail;
};

struct symbol {
    int32_t start_price, fair;
    int64_t own_ppm;
    uint32_t step;
    char state;
};

struct rw_gen_market {
    struct rw_gen_market_cfg cfg;
    struct rw_gen_chance chance;
    struct rw_gen_books books;
    char (*names)[8];
    struct symbol *symbols;
    int32_t market_ppm[WALK_STEPS + 1];
    int32_t (*own_walk)[OWN_POINTS + 1]; /* of each symbol, when listed */

    uint64_t start_ns, open_ns, close_ns, flow_end_ns, end_ns;
    struct scheduled *schedule;
    uint32_t scheduled, schedule_at, schedule_room;
    uint64_t prologue, prologue_at;

    enum plan plan;
    enum phase phase;
    uint64_t time_ns; /* of the planned message */
    uint64_t flow_ns; /* of the next message of the flow */
    uint64_t made;    /* messages handed out or queued */
    uint32_t burst_left, burst_symbol;

    uint64_t reference[PARTITIONS];
    uint64_t match_number, last_match;
    uint32_t last_match_symbol;
    uint64_t target_live;

    struct rw_gen_message queue[QUEUE_MAX];
    uint32_t queue_first, queue_count;
};

/* ---- writing messages ----------------------------------------------------------------------- */

static uint64_t flow_left(const struct rw_gen_market *market) {
    uint64_t later = market->scheduled - market->schedule_at;
    uint64_t left = market->cfg.messages - market->made;
    return left > later ? left - later : 0;
}

/* Queues a message of the planned time and returns its bytes, to be filled. */
static struct rw_gen_message *begin(struct rw_gen_market *market, char letter, uint32_t locate) {
    RW_ASSERT(market->queue_count < QUEUE_MAX);
    struct rw_gen_message *message =
        &market->queue[(market->queue_first + market->queue_count++) % QUEUE_MAX];
    market->made++;
    memset(message, 0, offsetof(struct rw_gen_message, message));
    message->time_ns = market->time_ns;
    message->bytes = rw_itch50_begin(message->message, letter, (uint16_t)locate, market->time_ns);
    return message;
}

static struct rw_gen_message *begin_symbol(struct rw_gen_market *market, char letter,
                                           uint32_t symbol) {
    struct rw_gen_message *message = begin(market, letter, symbol + 1);
    message->symbol = symbol;
    return message;
}

static void put_system(struct rw_gen_market *market, char code) {
    rw_itch50_put_system_event_code(begin(market, 'S', 0)->message, &code);
}

static uint64_t next_reference(struct rw_gen_market *market, uint32_t symbol) {
    uint32_t partition = symbol % PARTITIONS, steps = 1;
    while (steps < 8 && rw_gen_below(&market->chance, 100) < 35) steps++;
    return market->reference[partition] += 4ull * steps;
}

static uint64_t next_match(struct rw_gen_market *market, uint32_t symbol) {
    market->last_match_symbol = symbol;
    market->last_match = ++market->match_number;
    return market->last_match;
}

static const char *draw_mpid(struct rw_gen_market *market) {
    static const char mpids[][5] = {"MMAA", "MMBB", "MMCC", "MMDD", "MMEE", "MMFF", "MMGG", "MMHH"};
    return mpids[rw_gen_below(&market->chance, 8)];
}

static void put_add(struct rw_gen_market *market, const struct rw_gen_order *order) {
    char letter = order->attributed ? 'F' : 'A', side = order->side ? 'S' : 'B';
    uint8_t *message = begin_symbol(market, letter, order->symbol)->message;
    rw_itch50_put_add_order_reference_number(message, order->reference);
    rw_itch50_put_add_buy_sell_indicator(message, &side);
    rw_itch50_put_add_shares(message, order->shares);
    rw_itch50_put_add_stock(message, market->names[order->symbol]);
    rw_itch50_put_add_price(message, (uint32_t)order->price);
    if (order->attributed) rw_itch50_put_add_mpid_attribution(message, order->mpid);
    rw_gen_books_add(&market->books, order);
}

static void put_delete(struct rw_gen_market *market, uint32_t index) {
    const struct rw_gen_order *order = &market->books.order[index];
    uint8_t *message = begin_symbol(market, 'D', order->symbol)->message;
    rw_itch50_put_delete_order_reference_number(message, order->reference);
    rw_gen_books_take(&market->books, index, order->shares);
}

/* 'E' at the order's own price; 'C' at another, printable or (in a cross) not. */
static void put_execution(struct rw_gen_market *market, uint32_t index, uint32_t shares,
                          char letter, int32_t price, char printable) {
    const struct rw_gen_order *order = &market->books.order[index];
    struct rw_gen_message *made = begin_symbol(market, letter, order->symbol);
    rw_itch50_put_executed_tracking_number(made->message, 2 * rw_gen_below(&market->chance, 3));
    rw_itch50_put_executed_order_reference_number(made->message, order->reference);
    rw_itch50_put_executed_executed_shares(made->message, shares);
    made->match_number = next_match(market, order->symbol);
    rw_itch50_put_executed_match_number(made->message, made->match_number);
    made->trade_price = order->price;
    made->trade_shares = shares;
    if (letter == 'C') {
        rw_itch50_put_executed_at_printable(made->message, &printable);
        rw_itch50_put_executed_at_execution_price(made->message, (uint32_t)price);
        made->trade_price = price;
        if (printable != 'Y') made->trade_shares = 0;
    }
    rw_gen_books_take(&market->books, index, shares);
}

/* ---- prices, sizes, choices ----------------------------------------------------------------- */

/* The largest whole number whose square is ≤ value, bit by bit; value < 2^62. */
static uint64_t square_root(uint64_t value) {
    uint64_t root = 0;
    for (uint64_t bit = 1ull << (32 - (uint32_t)__builtin_clzll(value | 1) / 2); bit; bit >>= 1)
        if ((root + bit) * (root + bit) <= value) root += bit;
    return root;
}

/* A listed symbol's own deviation at a step: the same at every venue. */
static int64_t own_walk_at(const struct rw_gen_market *market, uint32_t index, uint32_t step) {
    const uint32_t each = WALK_STEPS / OWN_POINTS;
    const int32_t *point = &market->own_walk[index][step / each];
    if (step == WALK_STEPS) return point[0];
    return point[0] + (int64_t)(point[1] - point[0]) * (step % each) / each;
}

static int32_t fair_price(struct rw_gen_market *market, uint32_t index) {
    struct symbol *symbol = &market->symbols[index];
    uint64_t step_ns = market->cfg.duration_ns / WALK_STEPS;
    uint64_t step = (market->time_ns - market->start_ns) / step_ns;
    uint32_t now = step < WALK_STEPS ? (uint32_t)step : WALK_STEPS;
    if (symbol->fair && now == symbol->step) return symbol->fair;
    uint64_t deviation = square_root((uint64_t)OWN_STEP_PPM * OWN_STEP_PPM * (now - symbol->step));
    if (market->own_walk)
        symbol->own_ppm = own_walk_at(market, index, now);
    else
        symbol->own_ppm += rw_gen_normal(&market->chance, deviation);
    symbol->step = now;
    int64_t ppm = 1000000 + symbol->own_ppm + market->market_ppm[now];
    int64_t ticks = symbol->start_price * ppm / 1000000 / TICK;
    return symbol->fair = (int32_t)(ticks < 2 ? 2 : ticks) * TICK;
}

static int32_t draw_distance(struct rw_gen_chance *chance) {
    uint32_t kind = rw_gen_below(chance, 100);
    if (kind >= 93) return (int32_t)(1 + rw_gen_below(chance, 600)) * TICK;
    uint64_t mean = kind < 55 ? 3 : 15;
    return (int32_t)(1 + rw_gen_exponential(chance) * mean / RW_GEN_EXP_ONE) * TICK;
}

static uint32_t draw_shares(struct rw_gen_chance *chance) {
    if (rw_gen_below(chance, 100) < 15) return 1 + rw_gen_below(chance, 99);
    return 100 * (uint32_t)(1 + rw_gen_exponential(chance) * 2 / RW_GEN_EXP_ONE);
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
    return market->phase == PHASE_OPEN && market->symbols[symbol].state == 'T';
}

/* ---- the flow ------------------------------------------------------------------------------- */

/* A new order; where it would cross, the maker pulls its quote or is hit. A halted book may
 * cross. */
static void flow_add(struct rw_gen_market *market) {
    uint32_t symbol = draw_symbol(market);
    int32_t fair = fair_price(market, symbol), distance = draw_distance(&market->chance);
    struct rw_gen_order order = {.symbol = (uint16_t)symbol,
                                 .side = (uint8_t)rw_gen_below(&market->chance, 2),
                                 .attributed = rw_gen_below(&market->chance, 92) == 0};
    bool halted = market->symbols[symbol].state != 'T';
    if (halted) distance -= 3 * TICK;
    order.price = order.side ? fair + distance : fair - distance;
    if (order.price < TICK) order.price = TICK;
    order.shares = draw_shares(&market->chance);
    if (!halted && crosses(market, symbol, order.side, order.price)) {
        uint32_t hit = rw_gen_books_best(&market->books, symbol, !order.side);
        if (trades(market, symbol) && rw_gen_below(&market->chance, 4) == 0)
            put_execution(market, hit, market->books.order[hit].shares, 'E', 0, 0);
        else
            put_delete(market, hit);
        return;
    }
    order.reference = next_reference(market, symbol);
    if (order.attributed) memcpy(order.mpid, draw_mpid(market), sizeof order.mpid);
    put_add(market, &order);
}

static void flow_delete(struct rw_gen_market *market) {
    uint32_t index = draw_order(market);
    if (index)
        put_delete(market, index);
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
        int32_t better = side ? order->price - TICK / 2 : order->price + TICK / 2;
        put_execution(market, index, shares, letter, better, 'Y');
    } while (--more && flow_left(market));
}

static void flow_cancel(struct rw_gen_market *market) {
    uint32_t index = draw_order(market);
    if (!index || market->books.order[index].shares < 2) {
        flow_add(market);
        return;
    }
    const struct rw_gen_order *order = &market->books.order[index];
    uint32_t shares = 1 + rw_gen_below(&market->chance, order->shares - 1);
    uint8_t *message = begin_symbol(market, 'X', order->symbol)->message;
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
    int32_t moved = order.price + ((int32_t)rw_gen_below(&market->chance, 7) - 3) * TICK;
    if (moved >= TICK && !crosses(market, order.symbol, order.side, moved)) order.price = moved;
    uint8_t *message = begin_symbol(market, 'U', order.symbol)->message;
    rw_itch50_put_replace_original_order_reference_number(message, order.reference);
    order.reference = next_reference(market, order.symbol);
    rw_gen_books_take(&market->books, index, order.shares);
    order.shares = draw_shares(&market->chance);
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
    struct rw_gen_message *made = begin_symbol(market, 'P', symbol);
    made->trade_shares = draw_shares(&market->chance);
    made->trade_price = fair_price(market, symbol);
    made->match_number = next_match(market, symbol);
    rw_itch50_put_trade_tracking_number(made->message, 2);
    rw_itch50_put_trade_buy_sell_indicator(made->message, "B");
    rw_itch50_put_trade_shares(made->message, made->trade_shares);
    rw_itch50_put_trade_stock(made->message, market->names[symbol]);
    rw_itch50_put_trade_price(made->message, (uint32_t)made->trade_price);
    rw_itch50_put_trade_match_number(made->message, made->match_number);
}

static void flow_imbalance(struct rw_gen_market *market) {
    uint32_t symbol = draw_symbol(market);
    uint32_t price = (uint32_t)fair_price(market, symbol);
    uint8_t *message = begin_symbol(market, 'I', symbol)->message;
    char direction = "BSNO"[rw_gen_below(&market->chance, 4)];
    rw_itch50_put_imbalance_paired_shares(message, draw_shares(&market->chance) * 10);
    if (direction == 'B' || direction == 'S')
        rw_itch50_put_imbalance_imbalance_shares(message, draw_shares(&market->chance));
    rw_itch50_put_imbalance_imbalance_direction(message, &direction);
    rw_itch50_put_imbalance_stock(message, market->names[symbol]);
    rw_itch50_put_imbalance_far_price(message, price + TICK);
    rw_itch50_put_imbalance_near_price(message, price);
    rw_itch50_put_imbalance_current_reference_price(message, price);
    rw_itch50_put_imbalance_cross_type(message, market->time_ns < market->open_ns ? "O" : "C");
    rw_itch50_put_imbalance_price_variation_indicator(message, "L");
}

static void put_position(struct rw_gen_market *market, uint32_t symbol) {
    uint8_t *message = begin_symbol(market, 'L', symbol)->message;
    rw_itch50_put_participant_mpid(message, draw_mpid(market));
    rw_itch50_put_participant_stock(message, market->names[symbol]);
    rw_itch50_put_participant_primary_market_maker(message, "Y");
    rw_itch50_put_participant_market_maker_mode(message, "N");
    rw_itch50_put_participant_market_participant_state(message, "A");
}

/* Imbalances are sent before the opening and in the last stretch before the closing cross. */
static bool cross_is_near(const struct rw_gen_market *market) {
    uint64_t window = market->cfg.duration_ns / 20;
    return market->phase == PHASE_BEFORE ||
           (market->phase == PHASE_OPEN && market->time_ns + window > market->close_ns);
}

/* The mix of a real day in 1/10,000; adds and deletes are shifted so that the live orders follow
 * their target, which rises over the first quarter of the session. */
static void make_flow(struct rw_gen_market *market) {
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
        put_position(market, draw_symbol(market));
    else
        flow_add(market);
}

/* The wait for the next message: short inside a burst, else long enough that all that is left
 * fills the time that is left. */
static void plan_flow_time(struct rw_gen_market *market) {
    uint64_t span = market->flow_end_ns - market->flow_ns, left = flow_left(market) + 1;
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

/* ---- the schedule --------------------------------------------------------------------------- */

/* The prints of a cross: what the books cross by, and at the opening and closing some displayed
 * orders; then the cross itself with what was never displayed. */
static void make_cross(struct rw_gen_market *market, uint32_t symbol, char type) {
    int32_t price = fair_price(market, symbol);
    uint64_t total = 0;
    for (uint32_t i = 0; i < QUEUE_MAX / 4 && flow_left(market) > 2; i++) {
        uint32_t bid = rw_gen_books_best(&market->books, symbol, 0);
        uint32_t ask = rw_gen_books_best(&market->books, symbol, 1);
        if (!bid || !ask || market->books.order[bid].price < market->books.order[ask].price) break;
        uint32_t b = market->books.order[bid].shares, a = market->books.order[ask].shares;
        put_execution(market, bid, b < a ? b : a, 'C', price, 'N');
        put_execution(market, ask, b < a ? b : a, 'C', price, 'N');
        total += b < a ? b : a;
    }
    if (type != 'H' && rw_gen_below(&market->chance, 10) < 6 && flow_left(market) > 1) {
        uint32_t hit = rw_gen_books_best(&market->books, symbol, rw_gen_below(&market->chance, 2));
        if (hit) {
            uint32_t shares = market->books.order[hit].shares;
            put_execution(market, hit, shares, 'C', price, 'N');
            total += shares;
        }
    }
    if (rw_gen_below(&market->chance, 10) < 7) total += 10 * draw_shares(&market->chance);
    struct rw_gen_message *made = begin_symbol(market, 'Q', symbol);
    rw_itch50_put_cross_tracking_number(made->message, 1);
    rw_itch50_put_cross_cross_shares(made->message, total);
    rw_itch50_put_cross_stock(made->message, market->names[symbol]);
    rw_itch50_put_cross_cross_price(made->message, total ? (uint32_t)price : 0);
    rw_itch50_put_cross_match_number(made->message, next_match(market, symbol));
    rw_itch50_put_cross_cross_type(made->message, &type);
}

static void put_trading_state(struct rw_gen_market *market, uint32_t symbol, char state) {
    uint8_t *message = begin_symbol(market, 'H', symbol)->message;
    market->symbols[symbol].state = state;
    rw_itch50_put_trading_stock(message, market->names[symbol]);
    rw_itch50_put_trading_trading_state(message, &state);
    rw_itch50_put_trading_reserved(message, " ");
    rw_itch50_put_trading_reason_code(message, state == 'T'   ? "    "
                                               : state == 'P' ? "LUDP"
                                               : state == 'Q' ? "R4  "
                                                              : "T1  ");
}

static void put_collar(struct rw_gen_market *market, uint32_t symbol) {
    uint32_t price = (uint32_t)fair_price(market, symbol);
    uint8_t *message = begin_symbol(market, 'J', symbol)->message;
    rw_itch50_put_collar_stock(message, market->names[symbol]);
    rw_itch50_put_collar_auction_collar_reference_price(message, price);
    rw_itch50_put_collar_upper_auction_collar_price(message, price + price / 20);
    rw_itch50_put_collar_lower_auction_collar_price(message, price - price / 20);
}

static void put_reg_sho(struct rw_gen_market *market, uint32_t symbol, char action) {
    uint8_t *message = begin_symbol(market, 'Y', symbol)->message;
    rw_itch50_put_reg_sho_stock(message, market->names[symbol]);
    rw_itch50_put_reg_sho_reg_sho_action(message, &action);
}

/* The types a day has a handful of. */
static void put_rare(struct rw_gen_market *market, const struct scheduled *item) {
    const char *name = market->names[item->symbol];
    uint32_t price = (uint32_t)fair_price(market, item->symbol);
    uint8_t *message =
        begin(market, item->letter, item->letter == 'W' ? 0 : item->symbol + 1u)->message;
    switch (item->letter) {
    case 'N':
        rw_itch50_put_retail_stock(message, name);
        rw_itch50_put_retail_interest_flag(message, &item->detail);
        break;
    case 'h':
        rw_itch50_put_halt_stock(message, name);
        rw_itch50_put_halt_market_code(message, "Q");
        rw_itch50_put_halt_operational_halt_action(message, &item->detail);
        break;
    case 'K':
        rw_itch50_put_ipo_stock(message, name);
        rw_itch50_put_ipo_ipo_quotation_release_time(message, 34200);
        rw_itch50_put_ipo_ipo_quotation_release_qualifier(message, &item->detail);
        rw_itch50_put_ipo_ipo_price(message, price);
        break;
    case 'O':
        rw_itch50_put_listing_stock(message, name);
        rw_itch50_put_listing_open_eligibility_status(message, &item->detail);
        rw_itch50_put_listing_minimum_allowable_price(message, price - price / 10);
        rw_itch50_put_listing_maximum_allowable_price(message, price + price / 10);
        rw_itch50_put_listing_near_execution_price(message, price);
        rw_itch50_put_listing_near_execution_time(message, market->time_ns);
        rw_itch50_put_listing_lower_price_range_collar(message, price - price / 10);
        rw_itch50_put_listing_upper_price_range_collar(message, price + price / 10);
        break;
    default: /* 'W' */
        rw_itch50_put_breach_breached_level(message, &item->detail);
        break;
    }
}

static void make_scheduled(struct rw_gen_market *market) {
    const struct scheduled *item = &market->schedule[market->schedule_at++];
    switch (item->letter) {
    case 'S':
        put_system(market, item->detail);
        if (item->detail == 'Q') market->phase = PHASE_OPEN;
        if (item->detail == 'M') market->phase = PHASE_AFTER;
        break;
    case 'Q':
        make_cross(market, item->symbol, item->detail);
        break;
    case 'H':
        put_trading_state(market, item->symbol, item->detail);
        break;
    case 'J':
        put_collar(market, item->symbol);
        break;
    case 'Y':
        put_reg_sho(market, item->symbol, item->detail);
        break;
    case 'B': {
        uint8_t *message = begin(market, 'B', market->last_match_symbol + 1)->message;
        rw_itch50_put_broken_match_number(message, market->last_match);
        break;
    }
    default:
        put_rare(market, item);
        break;
    }
}

static void schedule(struct rw_gen_market *market, uint64_t time_ns, char letter, char detail,
                     uint32_t symbol) {
    if (market->scheduled == market->schedule_room) {
        market->schedule_room = market->schedule_room ? 2 * market->schedule_room : 256;
        market->schedule =
            realloc(market->schedule, market->schedule_room * sizeof *market->schedule);
        RW_ASSERT(market->schedule);
    }
    market->schedule[market->scheduled] = (struct scheduled){.time_ns = time_ns,
                                                             .order = market->scheduled,
                                                             .symbol = (uint16_t)symbol,
                                                             .letter = letter,
                                                             .detail = detail};
    market->scheduled++;
}

static int by_time(const void *a, const void *b) {
    const struct scheduled *left = a, *right = b;
    if (left->time_ns != right->time_ns) return left->time_ns < right->time_ns ? -1 : 1;
    return left->order < right->order ? -1 : 1;
}

static uint64_t draw_time(struct rw_gen_market *market) {
    uint64_t span = (market->close_ns - market->open_ns) / 1000;
    return market->open_ns + span * (50 + rw_gen_below(&market->chance, 800));
}

/* A halt: state, collar, quoting again, the cross, trading again. A symbol halts at most once. */
static void schedule_halts(struct rw_gen_market *market) {
    uint64_t count = 2 + market->cfg.messages / 50000;
    if (count > market->cfg.symbols / 2) count = market->cfg.symbols / 2;
    bool *taken = calloc(market->cfg.symbols, sizeof *taken);
    RW_ASSERT(taken);
    for (uint64_t i = 0; i < count; i++) {
        uint32_t symbol = rw_gen_popular(&market->chance);
        uint64_t at = draw_time(market);
        uint64_t length = market->cfg.duration_ns / 1000 * (10 + rw_gen_below(&market->chance, 30));
        if (taken[symbol]) continue;
        taken[symbol] = true;
        schedule(market, at, 'H', i % 2 ? 'H' : 'P', symbol);
        schedule(market, at + 10000, 'J', 0, symbol);
        schedule(market, at + length * 6 / 10, 'H', 'Q', symbol);
        schedule(market, at + length, 'Q', 'H', symbol);
        schedule(market, at + length, 'H', 'T', symbol);
    }
    free(taken);
}

static void schedule_session(struct rw_gen_market *market) {
    uint32_t symbols = market->cfg.symbols;
    uint64_t crosses_ns = market->cfg.duration_ns / 100, rare = 1 + market->cfg.messages / 100000;
    schedule(market, market->open_ns, 'S', 'Q', 0);
    for (uint32_t i = 0; i < symbols; i++)
        schedule(market, market->open_ns + crosses_ns * i / symbols, 'Q', 'O', i);
    schedule_halts(market);
    for (uint64_t i = 0; i < rare; i++) {
        schedule(market, draw_time(market), 'N', i % 2 ? 'N' : 'A',
                 rw_gen_popular(&market->chance));
        schedule(market, draw_time(market), 'Y', '1', rw_gen_popular(&market->chance));
        schedule(market, draw_time(market), 'B', 0, 0);
    }
    uint64_t early = (market->start_ns + market->open_ns) / 2;
    schedule(market, early, 'K', 'A', symbols - 1);
    schedule(market, early, 'O', 'Y', symbols - 1);
    uint32_t halted = rw_gen_popular(&market->chance);
    uint64_t at = draw_time(market);
    schedule(market, at, 'h', 'H', halted);
    schedule(market, at + crosses_ns, 'h', 'T', halted);
    schedule(market, market->close_ns, 'S', 'M', 0);
    for (uint32_t i = 0; i < symbols; i++)
        schedule(market, market->close_ns + crosses_ns * i / symbols, 'Q', 'C', i);
    schedule(market, market->flow_end_ns, 'W', '1', 0);
    schedule(market, (market->flow_end_ns + market->end_ns) / 2, 'S', 'E', 0);
    schedule(market, market->end_ns, 'S', 'C', 0);
    qsort(market->schedule, market->scheduled, sizeof *market->schedule, by_time);
}

/* ---- the prologue --------------------------------------------------------------------------- */

static void put_directory(struct rw_gen_market *market, uint32_t symbol) {
    uint8_t *message = begin_symbol(market, 'R', symbol)->message;
    rw_itch50_put_directory_stock(message, market->names[symbol]);
    rw_itch50_put_directory_market_category(message, "Q");
    rw_itch50_put_directory_financial_status_indicator(message, "N");
    rw_itch50_put_directory_round_lot_size(message, 100);
    rw_itch50_put_directory_round_lots_only(message, "N");
    rw_itch50_put_directory_issue_classification(message, "C");
    rw_itch50_put_directory_issue_sub_type(message, "Z ");
    rw_itch50_put_directory_authenticity(message, "P");
    rw_itch50_put_directory_short_sale_threshold_indicator(message, "N");
    rw_itch50_put_directory_ipo_flag(message, "N");
    rw_itch50_put_directory_luld_reference_price_tier(message, "1");
    rw_itch50_put_directory_etp_flag(message, "N");
    rw_itch50_put_directory_inverse_indicator(message, "N");
}

/* S'O', then R, H, Y and L for each symbol, V, S'S'. */
static void make_prologue(struct rw_gen_market *market) {
    uint64_t at = market->prologue_at++;
    uint32_t symbol = at ? (uint32_t)((at - 1) / 4) : 0;
    if (at == 0) {
        put_system(market, 'O');
    } else if (symbol < market->cfg.symbols) {
        switch ((at - 1) % 4) {
        case 0:
            put_directory(market, symbol);
            break;
        case 1:
            put_trading_state(market, symbol, 'T');
            break;
        case 2:
            put_reg_sho(market, symbol, '0');
            break;
        default:
            put_position(market, symbol);
            break;
        }
    } else if (market->prologue_at < market->prologue) {
        uint8_t *message = begin(market, 'V', 0)->message;
        rw_itch50_put_decline_level_1(message, 550000000000ull);
        rw_itch50_put_decline_level_2(message, 510000000000ull);
        rw_itch50_put_decline_level_3(message, 470000000000ull);
    } else {
        put_system(market, 'S');
        market->flow_ns = market->time_ns;
    }
}

static uint64_t prologue_count(uint32_t symbols) { return 3 + 4ull * symbols; }

/* ---- the whole ------------------------------------------------------------------------------ */

static void plan_next(struct rw_gen_market *market) {
    uint64_t later = market->scheduled - market->schedule_at;
    if (market->prologue_at < market->prologue) {
        market->plan = PLAN_PROLOGUE;
        market->time_ns += PROLOGUE_GAP_NS;
        return;
    }
    if (flow_left(market) == 0 && later == 0) {
        market->plan = PLAN_DONE;
        market->time_ns = UINT64_MAX;
        return;
    }
    if (market->plan != PLAN_SCHEDULE) plan_flow_time(market);
    uint64_t due = later ? market->schedule[market->schedule_at].time_ns : UINT64_MAX;
    uint64_t wanted = market->flow_ns;
    market->plan = PLAN_FLOW;
    if (flow_left(market) == 0 || due <= wanted) {
        market->plan = PLAN_SCHEDULE;
        wanted = due;
    }
    if (wanted > market->time_ns) market->time_ns = wanted;
}

/* Four letters, ascending with the index, spread over the alphabet. */
static void name_symbols(struct rw_gen_market *market) {
    uint32_t first = 26 * 26 * 26, all = 26 * first - first;
    uint32_t stride = all / market->cfg.symbols;
    for (uint32_t i = 0; i < market->cfg.symbols; i++) {
        uint32_t value = first + i * stride + rw_gen_below(&market->chance, stride);
        memset(market->names[i], ' ', 8);
        for (int k = 3; k >= 0; k--, value /= 26) market->names[i][k] = (char)('A' + value % 26);
        uint64_t dollars = 5 + rw_gen_exponential(&market->chance) * 60 / RW_GEN_EXP_ONE;
        market->symbols[i] = (struct symbol){
            .start_price = (int32_t)(dollars * 10000 + rw_gen_below(&market->chance, 100) * TICK),
            .state = 'T'};
    }
}

static void walk_symbols(struct rw_gen_market *market) {
    uint64_t deviation =
        square_root((uint64_t)OWN_STEP_PPM * OWN_STEP_PPM * (WALK_STEPS / OWN_POINTS));
    market->own_walk = calloc(market->cfg.symbols, sizeof *market->own_walk);
    RW_ASSERT(market->own_walk);
    for (uint32_t i = 0; i < market->cfg.symbols; i++)
        for (uint32_t k = 1; k <= OWN_POINTS; k++)
            market->own_walk[i][k] =
                market->own_walk[i][k - 1] + (int32_t)rw_gen_normal(&market->chance, deviation);
}

/* A life has its own orders, and a market that is not listed its own prices too. */
static void begin_life(struct rw_gen_market *market) {
    const struct rw_gen_market_cfg *cfg = &market->cfg;
    if (cfg->life) rw_rng_seed(&market->chance.rng, cfg->seed ^ (uint64_t)cfg->life << 48);
}

/* What no venue decides: which symbols there are and where their prices go. */
static void list_symbols(struct rw_gen_market *market) {
    struct rw_rng flow = market->chance.rng;
    if (market->cfg.listed) rw_rng_seed(&market->chance.rng, market->cfg.listing);
    name_symbols(market);
    if (!market->cfg.listed) begin_life(market);
    for (uint32_t i = 1; i <= WALK_STEPS; i++)
        market->market_ppm[i] =
            market->market_ppm[i - 1] + (int32_t)rw_gen_normal(&market->chance, MARKET_STEP_PPM);
    if (!market->cfg.listed) return;
    walk_symbols(market);
    market->chance.rng = flow;
    begin_life(market);
}

static void set_times(struct rw_gen_market *market) {
    uint64_t duration = market->cfg.duration_ns;
    uint64_t early = duration * 8 / 100;
    market->start_ns = market->cfg.start_ns ? market->cfg.start_ns : RW_GEN_OPEN_NS - early;
    market->open_ns = market->start_ns + early;
    market->end_ns = market->start_ns + duration;
    market->close_ns = market->start_ns + duration * 95 / 100;
    market->flow_end_ns = market->start_ns + duration * 98 / 100;
    market->time_ns = market->start_ns;
}

uint64_t rw_gen_messages_min(uint32_t symbols) {
    return prologue_count(symbols) + 4ull * symbols + 100;
}

struct rw_gen_market *rw_gen_market_new(const struct rw_gen_market_cfg *cfg) {
    RW_ASSERT(cfg->symbols >= 1 && cfg->symbols <= RW_GEN_SYMBOLS_MAX);
    RW_ASSERT(cfg->messages >= rw_gen_messages_min(cfg->symbols));
    RW_ASSERT(cfg->duration_ns >= 1000000000ull && cfg->duration_ns <= 30000000000000ull);
    struct rw_gen_market *market = calloc(1, sizeof *market);
    RW_ASSERT(market);
    market->cfg = *cfg;
    market->names = calloc(cfg->symbols, sizeof *market->names);
    market->symbols = calloc(cfg->symbols, sizeof *market->symbols);
    RW_ASSERT(market->names && market->symbols);
    rw_gen_chance_init(&market->chance, cfg->seed, cfg->symbols);
    rw_gen_books_init(&market->books, cfg->symbols);
    set_times(market);
    list_symbols(market);
    for (uint32_t i = 0; i < PARTITIONS; i++) market->reference[i] = 20000ull + 240000 * i + i;
    market->match_number = (uint64_t)cfg->life << LIFE_SHIFT;
    market->target_live = cfg->messages / LIVE_SHARE;
    if (market->target_live > LIVE_MAX) market->target_live = LIVE_MAX;
    market->prologue = prologue_count(cfg->symbols);
    schedule_session(market);
    RW_ASSERT(market->prologue + market->scheduled <= cfg->messages);
    plan_next(market);
    return market;
}

void rw_gen_market_free(struct rw_gen_market *market) {
    rw_gen_books_fini(&market->books);
    free(market->schedule);
    free(market->own_walk);
    free(market->symbols);
    free(market->names);
    free(market);
}

bool rw_gen_market_next(struct rw_gen_market *market, struct rw_gen_message *message) {
    if (market->queue_count == 0) {
        switch (market->plan) {
        case PLAN_PROLOGUE:
            make_prologue(market);
            break;
        case PLAN_SCHEDULE:
            make_scheduled(market);
            break;
        case PLAN_FLOW:
            make_flow(market);
            break;
        default:
            return false;
        }
    }
    *message = market->queue[market->queue_first];
    market->queue_first = (market->queue_first + 1) % QUEUE_MAX;
    if (--market->queue_count == 0) plan_next(market);
    return true;
}

uint64_t rw_gen_market_time(const struct rw_gen_market *market) { return market->time_ns; }

struct rw_gen_symbol_info rw_gen_market_symbol(const struct rw_gen_market *market, uint32_t index) {
    struct rw_gen_symbol_info info = {.locate = (uint16_t)(index + 1),
                                      .start_price = market->symbols[index].start_price};
    RW_ASSERT(index < market->cfg.symbols);
    memcpy(info.name, market->names[index], sizeof info.name);
    return info;
}

bool rw_gen_market_is_whole(const struct rw_gen_market *market) { return market->queue_count == 0; }
const struct rw_gen_books *rw_gen_market_books(const struct rw_gen_market *market) {
    return &market->books;
}

uint32_t rw_gen_market_live(const struct rw_gen_market *market) { return market->books.live_count; }

void rw_gen_market_truth(const struct rw_gen_market *market, FILE *out) {
    rw_gen_books_print(&market->books, (const char(*)[8])market->names, out);
}
