#include "dataplane/feed/pitch_book.h"

#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/feed/named_books.h"
#include "dataplane/feed/pitch.h"

#define LINE            64u
#define EXECUTIONS_KEPT 65536u /* a power of two */
#define SECOND_NS       UINT64_C(1000000000)
#define KEEPS_PRIORITY  0x02u /* of 27 and 28 */

/* Places of the fields in the rows of pitch.c; types of a kind have the same ones, wide or not. */
enum { TIME = 0, ORDER_ID = 1 };
enum { ADD_SIDE = 2, ADD_QUANTITY = 3, ADD_SYMBOL = 4, ADD_PRICE = 5, TRADE_ID = 6 };
enum { EXECUTED_QUANTITY = 2, EXECUTED_ID = 3 };                                     /* 23 */
enum { AT_PRICE_QUANTITY = 2, AT_PRICE_LEFT = 3, AT_PRICE_ID = 4, AT_PRICE_PX = 5 }; /* 24 */
enum { REDUCED_QUANTITY = 2 };
enum { MODIFIED_QUANTITY = 2, MODIFIED_PRICE = 3, MODIFIED_FLAGS = 4 };
enum { BROKEN_ID = 1 };
enum { NOTICE_SYMBOL = 1, STATUS = 2 };

struct execution {
    uint64_t id;
    uint16_t locate; /* 0: none */
};

struct pitch {
    struct rw_named_books *named;
    uint64_t second; /* of the day */
    struct execution *executions;
};

static size_t line_up(size_t bytes) { return (bytes + LINE - 1) & ~(size_t)(LINE - 1); }

static size_t footprint(const struct rw_books_cfg *cfg) {
    return line_up(sizeof(struct pitch)) + EXECUTIONS_KEPT * sizeof(struct execution) +
           rw_named_footprint(cfg);
}

static void *make(void *memory, const struct rw_books_cfg *cfg,
                  const struct rw_books_stats *stats) {
    struct pitch *pitch = memory;
    uint8_t *at = (uint8_t *)memory + line_up(sizeof *pitch);
    *pitch = (struct pitch){.executions = (struct execution *)at};
    memset(pitch->executions, 0, EXECUTIONS_KEPT * sizeof(struct execution));
    pitch->named = rw_named_new(at + EXECUTIONS_KEPT * sizeof(struct execution), cfg, stats);
    return pitch;
}

static void clear(void *books) {
    struct pitch *pitch = books;
    rw_named_clear(pitch->named);
    memset(pitch->executions, 0, EXECUTIONS_KEPT * sizeof(struct execution));
    pitch->second = 0;
}

/* ---- messages ------------------------------------------------------------------------- */

/* A price in 1e-4: two bytes hold cents. What does not fit becomes negative and is refused. */
static int64_t price_of(const struct rw_message_view *view, uint32_t field) {
    uint64_t price = rw_view_uint(view, field);
    return rw_view_size(view, field) == 2 ? (int64_t)price * 100 : (int64_t)price;
}

static void tell_trade(struct pitch *pitch, struct rw_book_event *event, uint64_t shares,
                       int64_t price, uint64_t id) {
    rw_named_trade(pitch->named, event, shares, price, id);
    pitch->executions[id & (EXECUTIONS_KEPT - 1)] = (struct execution){id, event->locate};
}

static void apply_add(struct pitch *pitch, const struct rw_message_view *view,
                      struct rw_book_event *event) {
    rw_named_add(pitch->named, event->locate, rw_view_uint(view, ORDER_ID),
                 (char)*rw_view_text(view, ADD_SIDE), (uint32_t)rw_view_uint(view, ADD_QUANTITY),
                 price_of(view, ADD_PRICE));
}

static void apply_hidden_trade(struct pitch *pitch, const struct rw_message_view *view,
                               struct rw_book_event *event) {
    event->side = *rw_view_text(view, ADD_SIDE) == 'B' ? RW_BOOK_BID : RW_BOOK_ASK;
    tell_trade(pitch, event, rw_view_uint(view, ADD_QUANTITY), price_of(view, ADD_PRICE),
               rw_view_uint(view, TRADE_ID));
}

/* 23 trades at the order's own price and leaves the rest; 24 says both, and what it does not leave
 * is gone. */
static void apply_execution(struct pitch *pitch, const struct rw_message_view *view,
                            struct rw_book_event *event, const struct rw_book_order *order) {
    uint64_t reference = rw_view_uint(view, ORDER_ID);
    struct rw_book_order before;
    event->side = order->side;
    if (view->type->code == 0x23) {
        uint32_t shares = (uint32_t)rw_view_uint(view, EXECUTED_QUANTITY);
        rw_book_reduce(pitch->named->book, event->locate, reference, shares, &before);
        tell_trade(pitch, event, shares, order->price, rw_view_uint(view, EXECUTED_ID));
        return;
    }
    uint32_t left = (uint32_t)rw_view_uint(view, AT_PRICE_LEFT);
    uint32_t gone = left < order->shares ? order->shares - left : 0;
    rw_book_reduce(pitch->named->book, event->locate, reference, gone, &before);
    tell_trade(pitch, event, rw_view_uint(view, AT_PRICE_QUANTITY), price_of(view, AT_PRICE_PX),
               rw_view_uint(view, AT_PRICE_ID));
}

/* Messages that name an order by its number alone. One that is not held counts there and changes
 * nothing; locate 0 is nobody's. */
static void apply_order(struct pitch *pitch, const struct rw_message_view *view,
                        struct rw_book_event *event) {
    struct rw_book *book = pitch->named->book;
    uint64_t reference = rw_view_uint(view, ORDER_ID);
    struct rw_book_order order;
    if (!rw_book_find(book, reference, &order)) {
        rw_book_delete(book, 0, reference, &order);
        return;
    }
    event->locate = order.locate;
    rw_named_begin(pitch->named, event);
    switch (view->type->code) {
    case 0x23:
    case 0x24:
        apply_execution(pitch, view, event, &order);
        break;
    case 0x25:
    case 0x26:
        rw_book_reduce(book, event->locate, reference,
                       (uint32_t)rw_view_uint(view, REDUCED_QUANTITY), &order);
        break;
    case 0x27:
    case 0x28:
        rw_named_modify(
            pitch->named, event->locate, reference, (uint32_t)rw_view_uint(view, MODIFIED_QUANTITY),
            price_of(view, MODIFIED_PRICE), rw_view_uint(view, MODIFIED_FLAGS) & KEEPS_PRIORITY);
        break;
    default:
        rw_book_delete(book, event->locate, reference, &order);
        break;
    }
    rw_named_end(pitch->named, event);
}

static void apply_named(struct pitch *pitch, const struct rw_message_view *view, uint32_t symbol,
                        struct rw_book_event *event) {
    if (!rw_named_symbol(pitch->named, event, rw_view_text(view, symbol),
                         rw_view_size(view, symbol)))
        return;
    rw_named_begin(pitch->named, event);
    uint16_t type = view->type->code;
    if (symbol == NOTICE_SYMBOL) {
        if (type == 0x31) {
            event->changed |= RW_BOOK_STATUS;
            event->state = *rw_view_text(view, STATUS);
            event->halts_told = RW_BOOK_HALT_TRADING;
            event->halts = event->state == 'T' ? 0 : RW_BOOK_HALT_TRADING;
            rw_book_set_state(pitch->named->book, event->locate, event->state);
        }
    } else if (type == 0x21 || type == 0x22 || type == 0x2F) {
        apply_add(pitch, view, event);
    } else {
        apply_hidden_trade(pitch, view, event);
    }
    rw_named_end(pitch->named, event);
}

static void apply_break(struct pitch *pitch, const struct rw_message_view *view,
                        struct rw_book_event *event) {
    uint64_t id = rw_view_uint(view, BROKEN_ID);
    const struct execution *execution = &pitch->executions[id & (EXECUTIONS_KEPT - 1)];
    if (execution->locate == 0 || execution->id != id) {
        rw_stat_add(&pitch->named->counters->unknown_trade, 1);
        return;
    }
    event->locate = execution->locate;
    event->match_number = id;
    event->changed |= RW_BOOK_BREAK;
    rw_named_begin(pitch->named, event);
    rw_named_end(pitch->named, event);
}

static enum rw_venue_verdict apply(void *books, const uint8_t *message, uint32_t bytes,
                                   struct rw_book_event *event) {
    struct pitch *pitch = books;
    struct rw_message_view view = {.bytes = message + RW_PITCH_BODY, .order = RW_ORDER_LITTLE};
    *event = (struct rw_book_event){0};
    enum rw_message_verdict verdict = rw_pitch_find(message, bytes, &view.type);
    if (verdict != RW_MESSAGE_OK) return rw_named_verdict(verdict);
    uint64_t offset = rw_view_uint(&view, TIME);
    if (message[0] == 0x20) pitch->second = offset;
    event->event_time_ns = pitch->second * SECOND_NS + (message[0] == 0x20 ? 0 : offset);
    switch (message[0]) {
    case 0x20:
        break;
    case 0x21:
    case 0x22:
    case 0x2F:
    case 0x2A:
    case 0x2B:
    case 0x30:
        apply_named(pitch, &view, ADD_SYMBOL, event);
        break;
    case 0x31:
    case 0x95:
    case 0x96:
    case 0x98:
        apply_named(pitch, &view, NOTICE_SYMBOL, event);
        break;
    case 0x2C:
        apply_break(pitch, &view, event);
        break;
    case 0x2D:
        event->changed = RW_BOOK_LAST;
        break;
    case 0x97:
        rw_named_empty_all(pitch->named, event);
        break;
    default:
        apply_order(pitch, &view, event);
        break;
    }
    return RW_VENUE_OK;
}

/* ---- the venue ------------------------------------------------------------------------ */

static enum rw_packet_fault open(const void *payload, size_t bytes, struct rw_packet *packet) {
    if (!rw_pitch_decode(payload, bytes, packet)) return RW_PACKET_BAD_HEADER;
    if (packet->blocks.sequence == 0) packet->place = RW_PLACE_UNSEQUENCED;
    return RW_PACKET_FINE;
}

const struct rw_venue rw_pitch_venue = {.name = "pitch",
                                        .open = open,
                                        .restart_from = 4096,
                                        .session_is_stream = true,
                                        .own_rows = rw_named_rows,
                                        .own_row_count = &rw_named_row_count,
                                        .footprint = footprint,
                                        .make = make,
                                        .clear = clear,
                                        .apply = apply,
                                        .more = rw_named_more,
                                        .bbo = rw_named_bbo,
                                        .symbol = rw_named_name,
                                        .levels = rw_named_levels};
