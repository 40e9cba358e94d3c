/* One small function per kind of message; the switch on the type letter is the whole control
 * flow. */
#include "dataplane/feed/itch50_book.h"

#include <assert.h>
#include <string.h>

#include "dataplane/feed/moldudp64.h"

static void tell_trade(struct rw_book_event *event, uint64_t shares, uint64_t price,
                       uint64_t match_number) {
    if (shares == 0) return; /* an auction without a cross prints zero shares */
    event->changed |= RW_BOOK_TRADE;
    event->quantity = shares;
    event->price = price > INT32_MAX ? INT32_MAX : (int32_t)price;
    event->match_number = match_number;
}

static void name_locate(struct rw_book *book, struct rw_book_event *event, const uint8_t *symbol) {
    if (rw_book_set_symbol(book, event->locate, symbol)) event->changed |= RW_BOOK_NAMED;
}

static void apply_add(struct rw_book *book, const uint8_t *message, struct rw_book_event *event) {
    uint8_t side = *rw_itch50_add_buy_sell_indicator(message);
    uint32_t shares = (uint32_t)rw_itch50_add_shares(message);
    name_locate(book, event, rw_itch50_add_stock(message));
    if (side != 'B' && side != 'S') shares = 0; /* refused and counted there */
    rw_book_add(book, event->locate, rw_itch50_add_order_reference_number(message),
                side == 'B' ? RW_BOOK_BID : RW_BOOK_ASK, shares,
                (uint32_t)rw_itch50_add_price(message));
}

/* 'E' trades at the order's own price, 'C' at the one it brings. */
static void apply_execution(struct rw_book *book, const uint8_t *message,
                            struct rw_book_event *event) {
    struct rw_book_order order;
    uint32_t shares = (uint32_t)rw_itch50_executed_executed_shares(message);
    if (!rw_book_reduce(book, event->locate, rw_itch50_executed_order_reference_number(message),
                        shares, &order))
        return;
    bool own_price = message[0] == 'E';
    tell_trade(event, shares,
               own_price ? (uint32_t)order.price : rw_itch50_executed_at_execution_price(message),
               rw_itch50_executed_match_number(message));
    event->printable = own_price || *rw_itch50_executed_at_printable(message) == 'Y';
    event->side = order.side;
}

static void apply_removal(struct rw_book *book, const uint8_t *message,
                          struct rw_book_event *event) {
    struct rw_book_order order;
    uint64_t reference = rw_itch50_delete_order_reference_number(message);
    if (message[0] == 'X')
        rw_book_reduce(book, event->locate, reference,
                       (uint32_t)rw_itch50_cancel_canceled_shares(message), &order);
    else if (message[0] == 'D')
        rw_book_delete(book, event->locate, reference, &order);
    else
        rw_book_replace(book, event->locate, reference,
                        rw_itch50_replace_new_order_reference_number(message),
                        (uint32_t)rw_itch50_replace_shares(message),
                        (uint32_t)rw_itch50_replace_price(message), &order);
}

static void apply_trade(struct rw_book *book, const uint8_t *message, struct rw_book_event *event) {
    if (message[0] == 'P') {
        name_locate(book, event, rw_itch50_trade_stock(message));
        tell_trade(event, rw_itch50_trade_shares(message), rw_itch50_trade_price(message),
                   rw_itch50_trade_match_number(message));
        event->side =
            *rw_itch50_trade_buy_sell_indicator(message) == 'B' ? RW_BOOK_BID : RW_BOOK_ASK;
    } else {
        name_locate(book, event, rw_itch50_cross_stock(message));
        tell_trade(event, rw_itch50_cross_cross_shares(message),
                   rw_itch50_cross_cross_price(message), rw_itch50_cross_match_number(message));
        event->cross = true;
    }
    event->printable = event->changed & RW_BOOK_TRADE;
}

/* Everything that is neither an order nor a trade. */
static void apply_notice(struct rw_book *book, const uint8_t *message,
                         struct rw_book_event *event) {
    switch (message[0]) {
    case 'S':
        event->state = *rw_itch50_system_event_code(message);
        event->changed |= RW_BOOK_SYSTEM;
        break;
    case 'H':
        name_locate(book, event, rw_itch50_trading_stock(message));
        event->state = *rw_itch50_trading_trading_state(message);
        event->changed |= RW_BOOK_STATUS;
        event->halts_told = RW_BOOK_HALT_TRADING;
        event->halts = event->state == 'T' ? 0 : RW_BOOK_HALT_TRADING;
        rw_book_set_state(book, event->locate, event->state);
        break;
    case 'h':
        event->halts_told = RW_BOOK_HALT_OPERATIONAL;
        event->halts =
            *rw_itch50_halt_operational_halt_action(message) == 'H' ? RW_BOOK_HALT_OPERATIONAL : 0;
        event->market = *rw_itch50_halt_market_code(message);
        break;
    case 'B':
        event->match_number = rw_itch50_broken_match_number(message);
        event->changed |= RW_BOOK_BREAK;
        break;
    case 'R':
        name_locate(book, event, rw_itch50_directory_stock(message));
        break;
    case 'Y':
        name_locate(book, event, rw_itch50_reg_sho_stock(message));
        break;
    case 'L':
        name_locate(book, event, rw_itch50_participant_stock(message));
        break;
    case 'I':
        name_locate(book, event, rw_itch50_imbalance_stock(message));
        break;
    case 'J':
        name_locate(book, event, rw_itch50_collar_stock(message));
        break;
    default:
        break;
    }
}

/* Reads the sides as the words they were written as. */
static void copy_bbo(uint64_t words[2], const struct rw_book_bbo *bbo) {
    memcpy(&words[0], &bbo->bid_price, sizeof words[0]);
    memcpy(&words[1], &bbo->ask_price, sizeof words[1]);
}

enum rw_venue_verdict rw_itch50_apply(void *books, const uint8_t *message, uint32_t bytes,
                                      struct rw_book_event *event) {
    static_assert((int)RW_ITCH50_UNKNOWN_TYPE == RW_VENUE_UNKNOWN_TYPE &&
                      (int)RW_ITCH50_BAD_LENGTH == RW_VENUE_BAD_LENGTH,
                  "one numbering of verdicts");
    struct rw_book *book = books;
    memset(event, 0, sizeof *event);
    enum rw_itch50_verdict verdict = rw_itch50_check(message, bytes);
    if (__builtin_expect(verdict != RW_ITCH50_OK, 0)) return (enum rw_venue_verdict)verdict;
    event->locate = rw_itch50_locate(message);
    event->event_time_ns = rw_itch50_timestamp(message);
    const struct rw_book_bbo *bbo = rw_book_bbo(book, event->locate);
    uint64_t before[2], after[2];
    copy_bbo(before, bbo);
    switch (message[0]) {
    case 'A':
    case 'F':
        apply_add(book, message, event);
        break;
    case 'E':
    case 'C':
        apply_execution(book, message, event);
        break;
    case 'X':
    case 'D':
    case 'U':
        apply_removal(book, message, event);
        break;
    case 'P':
    case 'Q':
        apply_trade(book, message, event);
        break;
    default:
        apply_notice(book, message, event);
        break;
    }
    copy_bbo(after, bbo);
    memcpy(&event->before, before, sizeof before);
    memcpy(&event->after, after, sizeof after);
    if (before[0] != after[0] || before[1] != after[1]) event->changed |= RW_BOOK_BBO;
    return RW_VENUE_OK;
}

/* Whether a message adds an order, names one, or neither; a wrong length is neither. */
enum need { NEED_NOTHING, NEED_SIDE, NEED_ORDER };

static inline enum need need_of(const uint8_t *message, uint32_t bytes) {
    static const uint8_t needs[256] = {
        ['A'] = NEED_SIDE,  ['F'] = NEED_SIDE,  ['E'] = NEED_ORDER, ['C'] = NEED_ORDER,
        ['X'] = NEED_ORDER, ['D'] = NEED_ORDER, ['U'] = NEED_ORDER};
    return rw_itch50_check(message, bytes) == RW_ITCH50_OK ? needs[message[0]] : NEED_NOTHING;
}

static inline enum rw_book_side side_of(const uint8_t *message) {
    return *rw_itch50_add_buy_sell_indicator(message) == 'B' ? RW_BOOK_BID : RW_BOOK_ASK;
}

void rw_itch50_prefetch(const void *book, const uint8_t *message, uint32_t bytes) {
    if (bytes < rw_itch50_bytes['D']) return;
    rw_book_prefetch(book, rw_itch50_locate(message),
                     rw_itch50_delete_order_reference_number(message));
}

void rw_itch50_prefetch_order(const void *book, const uint8_t *message, uint32_t bytes) {
    enum need need = need_of(message, bytes);
    if (need == NEED_SIDE)
        rw_book_prefetch_side(book, rw_itch50_locate(message), side_of(message));
    else if (need == NEED_ORDER)
        rw_book_prefetch_order(book, rw_itch50_delete_order_reference_number(message));
}

void rw_itch50_prefetch_level(const void *book, const uint8_t *message, uint32_t bytes) {
    enum need need = need_of(message, bytes);
    if (need == NEED_SIDE)
        rw_book_prefetch_price(book, rw_itch50_locate(message), side_of(message),
                               (uint32_t)rw_itch50_add_price(message));
    else if (need == NEED_ORDER)
        rw_book_prefetch_level(book, rw_itch50_delete_order_reference_number(message));
}

static size_t footprint(const struct rw_books_cfg *cfg) { return rw_book_footprint(&cfg->book); }

static void *make(void *memory, const struct rw_books_cfg *cfg,
                  const struct rw_books_stats *stats) {
    return rw_book_new(memory, &cfg->book, stats->book);
}

static void clear(void *books) { rw_book_clear(books); }

static const struct rw_book_bbo *bbo(const void *books, uint16_t locate) {
    return rw_book_bbo(books, locate);
}

static const uint8_t *symbol(const void *books, uint16_t locate) {
    return rw_book_symbol(books, locate);
}

static uint32_t depth(const void *books, uint16_t locate, enum rw_book_side side) {
    return rw_book_depth(books, locate, side);
}

static void level_at(const void *books, uint16_t locate, enum rw_book_side side, uint32_t index,
                     struct rw_book_level *level) {
    rw_book_level_at(books, locate, side, index, level);
}

/* A day has far more messages than 4,096, so a packet 1 behind them is a new start of the feed. */
const struct rw_venue rw_itch50_venue = {.name = "itch50",
                                         .open = rw_mold_decode,
                                         .restart_from = 4096,
                                         .session_is_text = true,
                                         .footprint = footprint,
                                         .make = make,
                                         .clear = clear,
                                         .apply = rw_itch50_apply,
                                         .bbo = bbo,
                                         .symbol = symbol,
                                         .depth = depth,
                                         .level_at = level_at,
                                         .prefetch = rw_itch50_prefetch,
                                         .prefetch_order = rw_itch50_prefetch_order,
                                         .prefetch_level = rw_itch50_prefetch_level};
