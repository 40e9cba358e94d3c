#include "dataplane/feed/deep_book.h"

#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/feed/deep.h"
#include "dataplane/feed/iextp.h"
#include "dataplane/feed/named_books.h"

#define LINE 64u

/* Places of the fields in the rows of deep.c. All types begin with flags or a letter, the time and,
 * but for the system event, the symbol. */
enum { FLAGS = 0, TIME = 1, SYMBOL = 2 };
enum { LEVEL_SIZE = 3, LEVEL_PRICE = 4 };                            /* 8 5 */
enum { TRADE_SIZE = 3, TRADE_PRICE = 4, TRADE_ID = 5 };              /* T B */
enum { ORDER_ID = 3, ORDER_SIZE = 4, ORDER_PRICE = 5, EXEC_ID = 6 }; /* a M R L */

#define EVENT_COMPLETE  0x01u /* of 8 and 5 */
#define KEEPS_PRIORITY  0x01u /* of M */
#define ONE_PRICE_CROSS 0x08u /* of T and L */

struct deep {
    struct rw_named_books *named;
    const struct rw_message_table *table;
    struct rw_book_bbo *complete; /* DEEP: by locate, the BBO of its last complete event */
};

static size_t line_up(size_t bytes) { return (bytes + LINE - 1) & ~(size_t)(LINE - 1); }

static size_t complete_bytes(void) { return line_up(RW_BOOK_LOCATES * sizeof(struct rw_book_bbo)); }

static size_t deep10_footprint(const struct rw_books_cfg *cfg) {
    return line_up(sizeof(struct deep)) + complete_bytes() + rw_named_footprint(cfg);
}

static size_t deepplus_footprint(const struct rw_books_cfg *cfg) {
    return line_up(sizeof(struct deep)) + rw_named_footprint(cfg);
}

static void *deep10_make(void *memory, const struct rw_books_cfg *cfg,
                         const struct rw_books_stats *stats) {
    struct deep *deep = memory;
    uint8_t *at = (uint8_t *)memory + line_up(sizeof *deep);
    *deep = (struct deep){.table = &rw_deep10_table, .complete = (struct rw_book_bbo *)at};
    memset(deep->complete, 0, complete_bytes());
    deep->named = rw_named_new(at + complete_bytes(), cfg, stats);
    return deep;
}

static void *deepplus_make(void *memory, const struct rw_books_cfg *cfg,
                           const struct rw_books_stats *stats) {
    struct deep *deep = memory;
    *deep = (struct deep){.table = &rw_deepplus_table};
    deep->named = rw_named_new((uint8_t *)memory + line_up(sizeof *deep), cfg, stats);
    return deep;
}

static void clear(void *books) {
    struct deep *deep = books;
    rw_named_clear(deep->named);
    if (deep->complete) memset(deep->complete, 0, complete_bytes());
}

/* ---- messages ------------------------------------------------------------------------- */

/* Stands for a level among the orders. */
static uint64_t level_reference(uint16_t locate, enum rw_book_side side, uint32_t price) {
    return (uint64_t)locate << 33 | (uint64_t)side << 32 | price;
}

static void apply_level(struct rw_named_books *named, const struct rw_message_view *view,
                        const struct rw_book_event *event) {
    enum rw_book_side side = view->bytes[0] == '8' ? RW_BOOK_BID : RW_BOOK_ASK;
    uint32_t size = (uint32_t)rw_view_uint(view, LEVEL_SIZE), price;
    struct rw_book_order level;
    if (!rw_named_price(named, rw_view_int(view, LEVEL_PRICE), &price)) return;
    uint64_t reference = level_reference(event->locate, side, price);
    if (size > 0 && !rw_book_find(named->book, reference, &level))
        rw_book_add(named->book, event->locate, reference, side, size, price);
    else
        rw_named_modify(named, event->locate, reference, size, price, true);
}

static void apply_order(struct rw_named_books *named, const struct rw_message_view *view,
                        struct rw_book_event *event) {
    uint64_t reference = rw_view_uint(view, ORDER_ID);
    struct rw_book_order order;
    switch (view->bytes[0]) {
    case 'a':
        rw_named_add(named, event->locate, reference,
                     view->bytes[1] == '8'   ? 'B'
                     : view->bytes[1] == '5' ? 'S'
                                             : 0,
                     (uint32_t)rw_view_uint(view, ORDER_SIZE), rw_view_int(view, ORDER_PRICE));
        break;
    case 'M':
        rw_named_modify(named, event->locate, reference, (uint32_t)rw_view_uint(view, ORDER_SIZE),
                        rw_view_int(view, ORDER_PRICE), view->bytes[1] & KEEPS_PRIORITY);
        break;
    case 'R':
        rw_book_delete(named->book, event->locate, reference, &order);
        break;
    default: /* L: an order that is not held has traded all the same */
        if (rw_book_reduce(named->book, event->locate, reference,
                           (uint32_t)rw_view_uint(view, ORDER_SIZE), &order))
            event->side = order.side;
        rw_named_trade(named, event, rw_view_uint(view, ORDER_SIZE), rw_view_int(view, ORDER_PRICE),
                       rw_view_uint(view, EXEC_ID));
        event->cross = view->bytes[1] & ONE_PRICE_CROSS;
        break;
    }
}

/* Everything but price levels and orders. */
static void apply_notice(struct rw_named_books *named, const struct rw_message_view *view,
                         struct rw_book_event *event) {
    uint8_t letter = view->bytes[1];
    switch (view->bytes[0]) {
    case 'T':
        rw_named_trade(named, event, rw_view_uint(view, TRADE_SIZE), rw_view_int(view, TRADE_PRICE),
                       rw_view_uint(view, TRADE_ID));
        event->cross = letter & ONE_PRICE_CROSS;
        break;
    case 'B':
        event->changed |= RW_BOOK_BREAK;
        event->match_number = rw_view_uint(view, TRADE_ID);
        break;
    case 'H':
        event->changed |= RW_BOOK_STATUS;
        event->state = letter;
        event->halts_told = RW_BOOK_HALT_TRADING;
        event->halts = letter == 'T' ? 0 : RW_BOOK_HALT_TRADING;
        rw_book_set_state(named->book, event->locate, letter);
        break;
    case 'O':
        event->halts_told = RW_BOOK_HALT_OPERATIONAL;
        event->halts = letter == 'O' ? RW_BOOK_HALT_OPERATIONAL : 0;
        break;
    case 'C':
        rw_named_empty(named, event->locate);
        break;
    default:
        break;
    }
}

/* A message of DEEP: the BBO is told with the last update of an event. */
static void apply_deep10(struct deep *deep, const struct rw_message_view *view,
                         struct rw_book_event *event) {
    struct rw_book_bbo *complete = &deep->complete[event->locate];
    event->before = *complete;
    if (view->bytes[0] == '8' || view->bytes[0] == '5') {
        apply_level(deep->named, view, event);
        if (view->bytes[1] & EVENT_COMPLETE)
            *complete = *rw_book_bbo(deep->named->book, event->locate);
        else
            rw_stat_add(&deep->named->counters->in_transition, 1);
    } else {
        apply_notice(deep->named, view, event);
    }
    event->after = *complete;
    if (memcmp(&event->before, complete, sizeof *complete) != 0) event->changed |= RW_BOOK_BBO;
}

static void apply_deepplus(struct deep *deep, const struct rw_message_view *view,
                           struct rw_book_event *event) {
    rw_named_begin(deep->named, event);
    if (strchr("aMRL", view->bytes[0]))
        apply_order(deep->named, view, event);
    else
        apply_notice(deep->named, view, event);
    rw_named_end(deep->named, event);
}

static enum rw_venue_verdict apply(void *books, const uint8_t *message, uint32_t bytes,
                                   struct rw_book_event *event) {
    struct deep *deep = books;
    struct rw_message_view view = {.bytes = message, .order = RW_ORDER_LITTLE};
    *event = (struct rw_book_event){0};
    enum rw_message_verdict verdict = rw_deep_find(deep->table, message, bytes, &view.type);
    if (verdict != RW_MESSAGE_OK) return rw_named_verdict(verdict);
    event->event_time_ns = rw_named_time(deep->named, rw_view_uint(&view, TIME));
    if (message[0] == 'S') {
        event->changed = RW_BOOK_SYSTEM;
        event->state = message[1];
    } else if (rw_named_symbol(deep->named, event, rw_view_text(&view, SYMBOL),
                               RW_BOOK_SYMBOL_BYTES)) {
        deep->complete ? apply_deep10(deep, &view, event) : apply_deepplus(deep, &view, event);
    }
    return RW_VENUE_OK;
}

/* ---- the venues ----------------------------------------------------------------------- */

static enum rw_packet_fault open_protocol(const void *payload, size_t bytes, uint16_t protocol,
                                          struct rw_packet *packet) {
    if (!rw_iextp_decode(payload, bytes, packet) || packet->protocol != protocol)
        return RW_PACKET_BAD_HEADER;
    if (packet->blocks.sequence == 0) packet->place = RW_PLACE_UNSEQUENCED;
    return RW_PACKET_FINE;
}

static enum rw_packet_fault deep10_open(const void *payload, size_t bytes,
                                        struct rw_packet *packet) {
    return open_protocol(payload, bytes, RW_IEXTP_DEEP10, packet);
}

static enum rw_packet_fault deepplus_open(const void *payload, size_t bytes,
                                          struct rw_packet *packet) {
    return open_protocol(payload, bytes, RW_IEXTP_DEEPPLUS, packet);
}

static const struct rw_book_bbo *deep10_bbo(const void *books, uint16_t locate) {
    return &((const struct deep *)books)->complete[locate];
}

const struct rw_venue rw_deep10_venue = {.name = "deep10",
                                         .open = deep10_open,
                                         .restart_from = 4096,
                                         .own_rows = rw_named_rows,
                                         .own_row_count = &rw_named_row_count,
                                         .footprint = deep10_footprint,
                                         .make = deep10_make,
                                         .clear = clear,
                                         .apply = apply,
                                         .bbo = deep10_bbo,
                                         .symbol = rw_named_name,
                                         .levels = rw_named_levels};

const struct rw_venue rw_deepplus_venue = {.name = "deepplus",
                                           .open = deepplus_open,
                                           .restart_from = 4096,
                                           .own_rows = rw_named_rows,
                                           .own_row_count = &rw_named_row_count,
                                           .footprint = deepplus_footprint,
                                           .make = deepplus_make,
                                           .clear = clear,
                                           .apply = apply,
                                           .bbo = rw_named_bbo,
                                           .symbol = rw_named_name,
                                           .levels = rw_named_levels};
