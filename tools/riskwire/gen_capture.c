/* The files beside a capture, in two passes: what it holds, then its trades. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/err.h"
#include "dataplane/feed/itch50_book.h"
#include "dataplane/io/pcap.h"
#include "tools/riskwire/gen_lines.h"
#include "tools/riskwire/gen_refs.h"
#include "tools/riskwire/gen_session.h"
#include "tools/riskwire/itch_order.h"

#define PATH_BYTES         4096u
#define ORDERS_MAX         (1u << 22)
#define MESSAGE_BYTES_MEAN 30u
#define PACKET_WAIT_NS     20000u
#define UNKNOWN_PRICE      1000000 /* of a symbol that the capture names but never prices */

struct found {
    int32_t trade_price, order_price;
    uint32_t index; /* in the list of instruments, + 1 */
};

struct capture {
    const struct rw_gen_options *options;
    void *memory;
    struct rw_book *book;
    struct rw_book_counters counters;
    struct found *found; /* by locate */
    struct rw_gen_refs *refs;
    struct rw_gen_lines *lines;
    uint64_t last_ns;
};

/* Remembers the first prices of a locate: a trade says more than an order far from the market. */
static void note_price(struct capture *capture, const uint8_t *message,
                       const struct rw_book_event *event) {
    struct found *found = &capture->found[event->locate];
    if (event->changed & RW_BOOK_TRADE && !found->trade_price) found->trade_price = event->price;
    if ((message[0] == 'A' || message[0] == 'F') && !found->order_price &&
        rw_itch50_add_price(message) <= INT32_MAX)
        found->order_price = (int32_t)rw_itch50_add_price(message);
}

static void note_trade(struct capture *capture, const struct rw_book_event *event) {
    const struct found *found = &capture->found[event->locate];
    if (!(event->changed & RW_BOOK_TRADE) || !event->printable || event->cross || !found->index)
        return;
    uint32_t shares = event->quantity > UINT32_MAX ? UINT32_MAX : (uint32_t)event->quantity;
    rw_gen_refs_trade(capture->refs, event->event_time_ns, found->index - 1, shares, event->price,
                      event->match_number);
}

/* One pass over the file; `second` tells of trades and fills the lines, else prices are
 * collected. */
static int walk(struct capture *capture, bool second) {
    struct rw_itch_file *file;
    struct rw_itch_item item;
    struct rw_book_event event;
    int rc = rw_itch_file_open(capture->options->capture, &file);
    if (rc < 0) return rc;
    struct rw_itch_order *order = rw_itch_order_new(file);
    rw_book_clear(capture->book);
    while ((rc = rw_itch_order_next(order, &item)) > 0) {
        bool good = rw_itch50_apply(capture->book, item.message, item.bytes, &event) == RW_VENUE_OK;
        if (good && event.event_time_ns > capture->last_ns) capture->last_ns = event.event_time_ns;
        if (good && !second) note_price(capture, item.message, &event);
        if (good && second) note_trade(capture, &event);
        if (capture->lines && item.bytes <= 1000)
            rw_gen_lines_add(capture->lines, capture->last_ns, item.message, item.bytes);
    }
    rw_itch_order_free(order);
    rw_itch_file_close(file);
    return rc;
}

static int make_books(struct capture *capture) {
    struct rw_itch_file *file;
    int rc = rw_itch_file_open(capture->options->capture, &file);
    if (rc < 0) return rc;
    uint64_t orders = rw_itch_file_bytes(file) / MESSAGE_BYTES_MEAN + 1024;
    rw_itch_file_close(file);
    if (orders > ORDERS_MAX) orders = ORDERS_MAX;
    struct rw_book_cfg cfg = {.orders_max = (uint32_t)orders, .levels_max = (uint32_t)orders};
    size_t bytes = rw_book_footprint(&cfg);
    capture->found = calloc(RW_BOOK_LOCATES, sizeof *capture->found);
    if (!capture->found || posix_memalign(&capture->memory, 64, bytes) != 0)
        return rw_err_set(ENOMEM, "no memory for %zu MB of books", bytes >> 20);
    capture->book = rw_book_new(capture->memory, &cfg, &capture->counters);
    return 0;
}

static int by_name(const void *a, const void *b) {
    const struct rw_gen_instrument *left = a, *right = b;
    int order = memcmp(left->name, right->name, sizeof left->name);
    return order ? order : left->locate - right->locate;
}

/* Lists the symbols the capture names, sorted, and opens the CSV files with them. */
static int open_refs(struct capture *capture) {
    static const uint8_t unnamed[RW_BOOK_SYMBOL_BYTES];
    struct rw_gen_instrument *list = calloc(RW_BOOK_LOCATES, sizeof *list);
    uint32_t count = 0;
    RW_ASSERT(list);
    for (uint32_t locate = 0; locate < RW_BOOK_LOCATES; locate++) {
        const uint8_t *name = rw_book_symbol(capture->book, (uint16_t)locate);
        const struct found *found = &capture->found[locate];
        if (memcmp(name, unnamed, sizeof unnamed) == 0) continue;
        int32_t price = found->trade_price ? found->trade_price : found->order_price;
        struct rw_gen_instrument *row = &list[count++];
        memcpy(row->name, name, sizeof row->name);
        row->locate = (uint16_t)locate;
        row->start_price = price > 0 ? price : UNKNOWN_PRICE;
    }
    qsort(list, count, sizeof *list, by_name);
    for (uint32_t i = 0; i < count; i++) capture->found[list[i].locate].index = i + 1;
    struct rw_gen_refs_cfg cfg = {.dir = capture->options->dir,
                                  .seed = capture->options->seed,
                                  .portfolios = capture->options->portfolios,
                                  .holders = 1,
                                  .fills_percent = capture->options->fills_percent,
                                  .scenarios = capture->options->scenarios,
                                  .locates = true};
    int rc =
        count ? rw_gen_refs_open(&cfg, list, count, &capture->refs)
              : rw_err_set(ENODATA, "%s names no symbol: it holds no ITCH 5.0 that could be used",
                           capture->options->capture);
    free(list);
    return rc;
}

/* A length-prefixed file becomes two clean lines, so that it can be played into a port. */
static int open_lines(struct capture *capture) {
    const struct rw_gen_options *options = capture->options;
    char paths[2][PATH_BYTES];
    if (rw_pcap_is_capture(options->capture)) return 0;
    struct rw_gen_lines_cfg cfg = {.framing = rw_gen_framing_named("itch50"),
                                   .seed = options->seed,
                                   .midnight_ns = options->midnight_ns,
                                   .vlan = options->vlan,
                                   .skew_ns = options->skew_ns,
                                   .packet_wait_ns = PACKET_WAIT_NS};
    for (uint32_t i = 0; i < 2; i++) {
        snprintf(paths[i], PATH_BYTES, "%s/line_%c.pcap", options->dir, "ab"[i]);
        cfg.path[i] = paths[i];
    }
    memcpy(cfg.terms.session, "CAPTURE001", RW_SESSION_BYTES);
    return rw_gen_lines_open(&cfg, &capture->lines);
}

int rw_gen_for_capture(const struct rw_gen_options *options) {
    struct capture capture = {.options = options};
    struct rw_gen_refs_count refs = {0};
    struct rw_gen_lines_count lines = {0};
    int closed = 0, rc = make_books(&capture);
    if (rc == 0) rc = walk(&capture, false);
    if (rc == 0) rc = open_refs(&capture);
    if (rc == 0) rc = open_lines(&capture);
    capture.last_ns = 0;
    if (rc == 0) rc = walk(&capture, true);
    if (capture.refs) closed = rw_gen_refs_close(capture.refs, &refs);
    if (rc == 0) rc = closed;
    if (capture.lines) closed = rw_gen_lines_close(capture.lines, &lines);
    if (rc == 0) rc = closed;
    if (rc == 0)
        fprintf(stderr,
                "riskwire gen: %" PRIu64 " positions, %" PRIu64 " limits, %" PRIu64
                " fills; %" PRIu64 " messages wrapped in %" PRIu64 " packets\n",
                refs.positions, refs.limits, refs.fills, lines.messages, lines.packets);
    free(capture.found);
    free(capture.memory);
    return rc;
}
