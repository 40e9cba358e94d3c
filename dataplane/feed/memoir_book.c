#include "dataplane/feed/memoir_book.h"

#include "dataplane/base/assert.h"
#include "dataplane/feed/memoir.h"
#include "dataplane/feed/named_books.h"

#define LINE       64u
#define PRICE_UNIT 10000 /* of a long price in 1e-4 */

/* Places of the fields in the rows of memoir.c. Types begin with the time and the symbol. */
enum { TIME = 0, SYMBOL = 1, STATUS = 2 };
enum { ADD_ID = 2, ADD_SIDE = 3, ADD_QUANTITY = 4, ADD_PRICE = 5 }; /* 10 11; of 12 one further */
enum { DELETED_ID = 3 };
enum { REDUCED_ID = 3, REDUCED_BY = 7 };
enum { EXECUTED_ID = 4, EXECUTED_TRADE = 5, EXECUTED_QUANTITY = 6, EXECUTED_PRICE = 7 };
enum { TRADE_ID = 2, CORRECTED_QUANTITY = 5, CORRECTED_PRICE = 6 }; /* 5 6 */

struct memoir {
    struct rw_named_books *named;
    struct rw_book_event corrected; /* the trade behind a break */
};

static size_t line_up(size_t bytes) { return (bytes + LINE - 1) & ~(size_t)(LINE - 1); }

static size_t footprint(const struct rw_books_cfg *cfg) {
    return line_up(sizeof(struct memoir)) + rw_named_footprint(cfg);
}

static void *make(void *memory, const struct rw_books_cfg *cfg,
                  const struct rw_books_stats *stats) {
    struct memoir *memoir = memory;
    *memoir = (struct memoir){0};
    memoir->named = rw_named_new((uint8_t *)memory + line_up(sizeof *memoir), cfg, stats);
    return memoir;
}

static void clear(void *books) { rw_named_clear(((struct memoir *)books)->named); }

/* A price in 1e-4. What does not fit is refused behind. */
static int64_t price_of(struct memoir *memoir, const struct rw_message_view *view, uint32_t field,
                        uint16_t locate) {
    uint64_t price = rw_view_uint(view, field);
    if (rw_view_size(view, field) == 2) return (int64_t)price * 100;
    return rw_named_scale(memoir->named, locate, price, PRICE_UNIT);
}

static void apply_add(struct memoir *memoir, const struct rw_message_view *view,
                      struct rw_book_event *event) {
    uint32_t further = view->type->code == 12 ? 1 : 0; /* the capacity stands in front */
    rw_named_add(memoir->named, event->locate, rw_view_uint(view, further + ADD_ID),
                 (char)rw_view_uint(view, further + ADD_SIDE),
                 (uint32_t)rw_view_uint(view, further + ADD_QUANTITY),
                 price_of(memoir, view, further + ADD_PRICE, event->locate));
}

static void apply_execution(struct memoir *memoir, const struct rw_message_view *view,
                            struct rw_book_event *event) {
    uint32_t shares = (uint32_t)rw_view_uint(view, EXECUTED_QUANTITY);
    struct rw_book_order order;
    if (rw_book_reduce(memoir->named->book, event->locate, rw_view_uint(view, EXECUTED_ID), shares,
                       &order))
        event->side = order.side;
    rw_named_trade(memoir->named, event, shares,
                   price_of(memoir, view, EXECUTED_PRICE, event->locate),
                   rw_view_uint(view, EXECUTED_TRADE));
}

/* A break; for a correction (6) the trade as it is now follows. */
static void apply_break(struct memoir *memoir, const struct rw_message_view *view,
                        struct rw_book_event *event) {
    struct rw_book_event *corrected = &memoir->corrected;
    event->changed |= RW_BOOK_BREAK;
    event->match_number = rw_view_uint(view, TRADE_ID);
    if (view->type->code != 6) return;
    *corrected =
        (struct rw_book_event){.locate = event->locate, .event_time_ns = event->event_time_ns};
    rw_named_begin(memoir->named, corrected);
    rw_named_trade(memoir->named, corrected, rw_view_uint(view, CORRECTED_QUANTITY),
                   price_of(memoir, view, CORRECTED_PRICE, event->locate), event->match_number);
    rw_named_end(memoir->named, corrected);
    event->changed |= RW_BOOK_MORE;
}

static void more(void *books, struct rw_book_event *event) {
    *event = ((struct memoir *)books)->corrected;
}

static void apply_status(struct memoir *memoir, const struct rw_message_view *view,
                         struct rw_book_event *event) {
    event->changed |= RW_BOOK_STATUS;
    event->state = *rw_view_text(view, STATUS);
    event->halts_told = RW_BOOK_HALT_TRADING;
    event->halts = event->state == 'T' ? 0 : RW_BOOK_HALT_TRADING;
    rw_book_set_state(memoir->named->book, event->locate, event->state);
}

static void apply_named(struct memoir *memoir, const struct rw_message_view *view,
                        struct rw_book_event *event) {
    struct rw_book *book = memoir->named->book;
    struct rw_book_order order;
    switch (view->type->code) {
    case 2:
        apply_status(memoir, view, event);
        break;
    case 5:
    case 6:
        apply_break(memoir, view, event);
        break;
    case 10:
    case 11:
    case 12:
        apply_add(memoir, view, event);
        break;
    case 13:
        rw_book_delete(book, event->locate, rw_view_uint(view, DELETED_ID), &order);
        break;
    case 14:
        rw_book_reduce(book, event->locate, rw_view_uint(view, REDUCED_ID),
                       (uint32_t)rw_view_uint(view, REDUCED_BY), &order);
        break;
    case 15:
        apply_execution(memoir, view, event);
        break;
    case 18:
        rw_named_empty(memoir->named, event->locate);
        break;
    default: /* 1 names */
        break;
    }
}

static enum rw_venue_verdict apply(void *books, const uint8_t *message, uint32_t bytes,
                                   struct rw_book_event *event) {
    struct memoir *memoir = books;
    struct rw_message_view view = {.bytes = message + RW_MEMOIR_BODY, .order = RW_ORDER_BIG};
    *event = (struct rw_book_event){0};
    enum rw_message_verdict verdict = rw_memoir_find(message, bytes, &view.type);
    if (verdict != RW_MESSAGE_OK) return rw_named_verdict(verdict);
    event->event_time_ns = rw_named_time(memoir->named, rw_view_uint(&view, TIME));
    if (view.type->code == 7) {
        rw_stat_add(&memoir->named->counters->snapshots, 1);
    } else if (view.type->code != 3 &&
               rw_named_symbol(memoir->named, event, rw_view_text(&view, SYMBOL),
                               RW_BOOK_SYMBOL_BYTES)) {
        rw_named_begin(memoir->named, event);
        apply_named(memoir, &view, event);
        rw_named_end(memoir->named, event);
    }
    return RW_VENUE_OK;
}

static enum rw_packet_fault open(const void *payload, size_t bytes, struct rw_packet *packet) {
    if (!rw_memoir_decode(payload, bytes, packet)) return RW_PACKET_BAD_HEADER;
    if (packet->blocks.sequence == 0) packet->place = RW_PLACE_UNSEQUENCED;
    return RW_PACKET_FINE;
}

const struct rw_venue rw_memoir_venue = {.name = "memoir",
                                         .open = open,
                                         .restart_from = 4096,
                                         .own_rows = rw_named_rows,
                                         .own_row_count = &rw_named_row_count,
                                         .footprint = footprint,
                                         .make = make,
                                         .clear = clear,
                                         .apply = apply,
                                         .more = more,
                                         .bbo = rw_named_bbo,
                                         .symbol = rw_named_name,
                                         .levels = rw_named_levels};
