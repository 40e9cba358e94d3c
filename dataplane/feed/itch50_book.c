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

static inline void name_locate(struct rw_book *book, struct rw_book_event *event,
                               const struct rw_book_instrument *instrument, const uint8_t *symbol) {
    if (memcmp(instrument->symbol, symbol, RW_BOOK_SYMBOL_BYTES) == 0) return;
    rw_book_set_symbol(book, event->locate, symbol);
    event->changed |= RW_BOOK_NAMED;
}

static inline void apply_add(struct rw_book *book, const uint8_t *message,
                             struct rw_book_event *event,
                             const struct rw_book_instrument *instrument) {
    uint8_t side = *rw_itch50_add_buy_sell_indicator(message);
    bool has_side = (side == 'B') | (side == 'S');
    uint32_t shares = (uint32_t)rw_itch50_add_shares(message);
    name_locate(book, event, instrument, rw_itch50_add_stock(message));
    rw_book_add(book, event->locate, rw_itch50_add_order_reference_number(message),
                side == 'B' ? RW_BOOK_BID : RW_BOOK_ASK,
                shares & -(uint32_t)has_side, /* without a side it is refused and counted there */
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

static void apply_cancel(struct rw_book *book, const uint8_t *message,
                         struct rw_book_event *event) {
    struct rw_book_order order;
    rw_book_reduce(book, event->locate, rw_itch50_cancel_order_reference_number(message),
                   (uint32_t)rw_itch50_cancel_canceled_shares(message), &order);
}

static void apply_replace(struct rw_book *book, const uint8_t *message,
                          struct rw_book_event *event) {
    struct rw_book_order order;
    rw_book_replace(book, event->locate, rw_itch50_replace_original_order_reference_number(message),
                    rw_itch50_replace_new_order_reference_number(message),
                    (uint32_t)rw_itch50_replace_shares(message),
                    (uint32_t)rw_itch50_replace_price(message), &order);
}

static void apply_trade(struct rw_book *book, const uint8_t *message, struct rw_book_event *event,
                        const struct rw_book_instrument *instrument) {
    if (message[0] == 'P') {
        name_locate(book, event, instrument, rw_itch50_trade_stock(message));
        tell_trade(event, rw_itch50_trade_shares(message), rw_itch50_trade_price(message),
                   rw_itch50_trade_match_number(message));
        event->side =
            *rw_itch50_trade_buy_sell_indicator(message) == 'B' ? RW_BOOK_BID : RW_BOOK_ASK;
    } else {
        name_locate(book, event, instrument, rw_itch50_cross_stock(message));
        tell_trade(event, rw_itch50_cross_cross_shares(message),
                   rw_itch50_cross_cross_price(message), rw_itch50_cross_match_number(message));
        event->cross = true;
    }
    event->printable = event->changed & RW_BOOK_TRADE;
}

/* Everything that is neither an order nor a trade. */
static void apply_notice(struct rw_book *book, const uint8_t *message, struct rw_book_event *event,
                         const struct rw_book_instrument *instrument) {
    switch (message[0]) {
    case 'S':
        event->state = *rw_itch50_system_event_code(message);
        event->changed |= RW_BOOK_SYSTEM;
        break;
    case 'H':
        name_locate(book, event, instrument, rw_itch50_trading_stock(message));
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
        name_locate(book, event, instrument, rw_itch50_directory_stock(message));
        break;
    case 'Y':
        name_locate(book, event, instrument, rw_itch50_reg_sho_stock(message));
        break;
    case 'L':
        name_locate(book, event, instrument, rw_itch50_participant_stock(message));
        break;
    case 'I':
        name_locate(book, event, instrument, rw_itch50_imbalance_stock(message));
        break;
    case 'J':
        name_locate(book, event, instrument, rw_itch50_collar_stock(message));
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
    const struct rw_book_instrument *instrument = rw_book_instrument(book, event->locate);
    const struct rw_book_bbo *bbo = &instrument->bbo;
    uint64_t before[2], after[2];
    copy_bbo(before, bbo);
    switch (message[0]) {
    case 'A':
    case 'F':
        apply_add(book, message, event, instrument);
        break;
    case 'E':
    case 'C':
        apply_execution(book, message, event);
        break;
    case 'X':
        apply_cancel(book, message, event);
        break;
    case 'D':
        rw_book_delete(book, event->locate, rw_itch50_delete_order_reference_number(message),
                       &(struct rw_book_order){0});
        break;
    case 'U':
        apply_replace(book, message, event);
        break;
    case 'P':
    case 'Q':
        apply_trade(book, message, event, instrument);
        break;
    default:
        apply_notice(book, message, event, instrument);
        break;
    }
    copy_bbo(after, bbo);
    memcpy(&event->before, before, sizeof before);
    memcpy(&event->after, after, sizeof after);
    uint64_t differences = (before[0] ^ after[0]) | (before[1] ^ after[1]);
    event->changed |= differences ? RW_BOOK_BBO : 0;
    return RW_VENUE_OK;
}

/* What to note of a message, and where it stands; anywhere for what a type does not have. */
static const struct {
    uint8_t kind, new_reference_at, side_at, price_at;
} coming_shapes[256] = {
    ['A'] = {RW_BOOK_COMING_ADD, 11, 19, 32},    ['F'] = {RW_BOOK_COMING_ADD, 11, 19, 32},
    ['E'] = {RW_BOOK_COMING_NAMED, 11, 0, 0},    ['C'] = {RW_BOOK_COMING_NAMED, 11, 0, 0},
    ['X'] = {RW_BOOK_COMING_NAMED, 11, 0, 0},    ['D'] = {RW_BOOK_COMING_NAMED, 11, 0, 0},
    ['U'] = {RW_BOOK_COMING_REPLACED, 19, 0, 31}};

void rw_itch50_coming(struct rw_book_coming *coming, const uint8_t *message, uint32_t bytes) {
    if (rw_itch50_check(message, bytes) != RW_ITCH50_OK) return;
    uint8_t letter = message[0], kind = coming_shapes[letter].kind;
    if (kind == RW_BOOK_COMING_NONE) return;
    bool bid = message[coming_shapes[letter].side_at] == 'B';
    rw_book_coming_put(
        coming, kind, rw_itch50_locate(message), rw_itch50_delete_order_reference_number(message),
        rw_load_be64(message + coming_shapes[letter].new_reference_at),
        bid ? RW_BOOK_BID : RW_BOOK_ASK, rw_load_be32(message + coming_shapes[letter].price_at));
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

static uint32_t levels(const void *books, uint16_t locate, enum rw_book_side side,
                       struct rw_book_level *to, uint32_t max) {
    return rw_book_levels(books, locate, side, to, max);
}

static void prefetch(const void *books, struct rw_book_coming *coming) {
    rw_book_prefetch(books, coming);
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
                                         .levels = levels,
                                         .coming = rw_itch50_coming,
                                         .prefetch = prefetch};
