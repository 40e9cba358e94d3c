/* What happens at its time: the prologue, system events, crosses, halts, and the types that a day
 * has a handful of. */
#include "tools/riskwire/gen_state.h"

#include <stdlib.h>

#include "dataplane/base/assert.h"

static void put_trading_state(struct rw_gen_market *market, uint32_t symbol, char state) {
    uint8_t *message = rw_gen_begin_symbol(market, 'H', symbol)->message;
    market->symbols[symbol].state = state;
    rw_itch50_put_trading_stock(message, market->names[symbol]);
    rw_itch50_put_trading_trading_state(message, &state);
    rw_itch50_put_trading_reserved(message, " ");
    rw_itch50_put_trading_reason_code(message, state == 'T'   ? "    "
                                               : state == 'P' ? "LUDP"
                                               : state == 'Q' ? "R4  "
                                                              : "T1  ");
}

static void put_reg_sho(struct rw_gen_market *market, uint32_t symbol, char action) {
    uint8_t *message = rw_gen_begin_symbol(market, 'Y', symbol)->message;
    rw_itch50_put_reg_sho_stock(message, market->names[symbol]);
    rw_itch50_put_reg_sho_reg_sho_action(message, &action);
}

/* The prints of a cross: what the books cross by, and at the opening and closing some displayed
 * orders; then the cross itself with what was never displayed. */
static void make_cross(struct rw_gen_market *market, uint32_t symbol, char type) {
    int32_t price = rw_gen_fair_price(market, symbol);
    uint64_t total = 0;
    for (uint32_t i = 0; i < RW_GEN_QUEUE_MAX / 4 && rw_gen_flow_left(market) > 2; i++) {
        uint32_t bid = rw_gen_books_best(&market->books, symbol, 0);
        uint32_t ask = rw_gen_books_best(&market->books, symbol, 1);
        if (!bid || !ask || market->books.order[bid].price < market->books.order[ask].price) break;
        uint32_t b = market->books.order[bid].shares, a = market->books.order[ask].shares;
        rw_gen_put_execution(market, bid, b < a ? b : a, 'C', price, 'N');
        rw_gen_put_execution(market, ask, b < a ? b : a, 'C', price, 'N');
        total += b < a ? b : a;
    }
    if (type != 'H' && rw_gen_below(&market->chance, 10) < 6 && rw_gen_flow_left(market) > 1) {
        uint32_t hit = rw_gen_books_best(&market->books, symbol, rw_gen_below(&market->chance, 2));
        if (hit) {
            uint32_t shares = market->books.order[hit].shares;
            rw_gen_put_execution(market, hit, shares, 'C', price, 'N');
            total += shares;
        }
    }
    if (rw_gen_below(&market->chance, 10) < 7) total += 10 * rw_gen_draw_shares(&market->chance);
    struct rw_gen_message *made = rw_gen_begin_symbol(market, 'Q', symbol);
    rw_itch50_put_cross_tracking_number(made->message, 1);
    rw_itch50_put_cross_cross_shares(made->message, total);
    rw_itch50_put_cross_stock(made->message, market->names[symbol]);
    rw_itch50_put_cross_cross_price(made->message, total ? (uint32_t)price : 0);
    rw_itch50_put_cross_match_number(made->message, rw_gen_next_match(market, symbol));
    rw_itch50_put_cross_cross_type(made->message, &type);
}

static void put_collar(struct rw_gen_market *market, uint32_t symbol) {
    uint32_t price = (uint32_t)rw_gen_fair_price(market, symbol);
    uint8_t *message = rw_gen_begin_symbol(market, 'J', symbol)->message;
    rw_itch50_put_collar_stock(message, market->names[symbol]);
    rw_itch50_put_collar_auction_collar_reference_price(message, price);
    rw_itch50_put_collar_upper_auction_collar_price(message, price + price / 20);
    rw_itch50_put_collar_lower_auction_collar_price(message, price - price / 20);
}

/* The types a day has a handful of. */
static void put_rare(struct rw_gen_market *market, const struct rw_gen_scheduled *item) {
    const char *name = market->names[item->symbol];
    uint32_t price = (uint32_t)rw_gen_fair_price(market, item->symbol);
    uint8_t *message =
        rw_gen_begin(market, item->letter, item->letter == 'W' ? 0 : item->symbol + 1u)->message;
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

void rw_gen_make_scheduled(struct rw_gen_market *market) {
    const struct rw_gen_scheduled *item = &market->schedule[market->schedule_at++];
    switch (item->letter) {
    case 'S':
        rw_gen_put_system(market, item->detail);
        if (item->detail == 'Q') market->phase = RW_GEN_OPEN;
        if (item->detail == 'M') market->phase = RW_GEN_AFTER;
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
        uint8_t *message = rw_gen_begin(market, 'B', market->last_match_symbol + 1)->message;
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
    market->schedule[market->scheduled] = (struct rw_gen_scheduled){.time_ns = time_ns,
                                                                    .order = market->scheduled,
                                                                    .symbol = (uint16_t)symbol,
                                                                    .letter = letter,
                                                                    .detail = detail};
    market->scheduled++;
}

static int by_time(const void *a, const void *b) {
    const struct rw_gen_scheduled *left = a, *right = b;
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

void rw_gen_schedule_session(struct rw_gen_market *market) {
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
    uint8_t *message = rw_gen_begin_symbol(market, 'R', symbol)->message;
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
void rw_gen_make_prologue(struct rw_gen_market *market) {
    uint64_t at = market->prologue_at++;
    uint32_t symbol = at ? (uint32_t)((at - 1) / 4) : 0;
    if (at == 0) {
        rw_gen_put_system(market, 'O');
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
            rw_gen_put_position(market, symbol);
            break;
        }
    } else if (market->prologue_at < market->prologue) {
        uint8_t *message = rw_gen_begin(market, 'V', 0)->message;
        rw_itch50_put_decline_level_1(message, 550000000000ull);
        rw_itch50_put_decline_level_2(message, 510000000000ull);
        rw_itch50_put_decline_level_3(message, 470000000000ull);
    } else {
        rw_gen_put_system(market, 'S');
        market->flow_ns = market->time_ns;
    }
}

uint64_t rw_gen_prologue_count(uint32_t symbols) { return 3 + 4ull * symbols; }
