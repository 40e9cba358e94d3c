#include "dataplane/feed/named_books.h"

#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/record/entry.h"

#define LINE 64u

const struct rw_stat_row rw_named_rows[] = RW_STATS_ROWS(RW_NAMED_COUNTERS);
const uint32_t rw_named_row_count = sizeof rw_named_rows / sizeof *rw_named_rows;

static size_t line_up(size_t bytes) { return (bytes + LINE - 1) & ~(size_t)(LINE - 1); }

static uint32_t names_of(const struct rw_books_cfg *cfg) {
    return cfg->instruments_max ? cfg->instruments_max : RW_LOCATES_MAX;
}

size_t rw_named_footprint(const struct rw_books_cfg *cfg) {
    return line_up(sizeof(struct rw_named_books)) + rw_locates_footprint(names_of(cfg)) +
           line_up(rw_book_footprint(&cfg->book));
}

struct rw_named_books *rw_named_new(void *memory, const struct rw_books_cfg *cfg,
                                    const struct rw_books_stats *stats) {
    RW_ASSERT(stats->own);
    struct rw_named_books *books = memory;
    uint8_t *at = (uint8_t *)memory + line_up(sizeof *books);
    *books = (struct rw_named_books){.counters = stats->own, .midnight_ns = cfg->midnight_ns};
    books->locates = rw_locates_new(at, names_of(cfg));
    at += rw_locates_footprint(names_of(cfg));
    books->book = rw_book_new(at, &cfg->book, stats->book);
    return books;
}

void rw_named_clear(struct rw_named_books *books) {
    rw_locates_clear(books->locates);
    rw_book_clear(books->book);
    memset(books->rounded, 0, sizeof books->rounded);
    books->emptying = 0;
}

uint64_t rw_named_time(struct rw_named_books *books, uint64_t unix_ns) {
    return rw_venue_time(books->midnight_ns, unix_ns, &books->counters->other_day);
}

bool rw_named_price(struct rw_named_books *books, int64_t price, uint32_t *to) {
    *to = (uint32_t)price;
    if (price >= 0 && price <= INT32_MAX) return true;
    rw_stat_add(&books->counters->price_range, 1);
    return false;
}

bool rw_named_symbol(struct rw_named_books *books, struct rw_book_event *event,
                     const uint8_t *symbol, uint32_t bytes) {
    uint8_t padded[RW_BOOK_SYMBOL_BYTES];
    uint64_t key;
    bool is_new;
    RW_ASSERT(bytes <= sizeof padded);
    memset(padded, ' ', sizeof padded);
    memcpy(padded, symbol, strnlen((const char *)symbol, bytes));
    memcpy(&key, padded, sizeof key);
    event->locate = rw_locates_find(books->locates, key, &is_new);
    if (event->locate == 0) {
        rw_stat_add(&books->counters->instruments_full, 1);
        return false;
    }
    if (is_new && rw_book_set_symbol(books->book, event->locate, padded))
        event->changed |= RW_BOOK_NAMED;
    return true;
}

int64_t rw_named_scale(struct rw_named_books *books, uint16_t locate, uint64_t price,
                       uint64_t one) {
    if (price % one) {
        rw_stat_add(&books->counters->price_rounded, 1);
        books->rounded[locate / 64] |= UINT64_C(1) << locate % 64;
    }
    return (int64_t)(price / one);
}

void rw_named_begin(const struct rw_named_books *books, struct rw_book_event *event) {
    event->before = *rw_book_bbo(books->book, event->locate);
}

void rw_named_end(const struct rw_named_books *books, struct rw_book_event *event) {
    event->after = *rw_book_bbo(books->book, event->locate);
    if (memcmp(&event->before, &event->after, sizeof event->after) != 0)
        event->changed |= RW_BOOK_BBO;
    if (books->rounded[event->locate / 64] >> event->locate % 64 & 1)
        event->quality = RW_QUALITY_ROUNDED;
}

void rw_named_add(struct rw_named_books *books, uint16_t locate, uint64_t reference, char side,
                  uint32_t shares, int64_t price) {
    uint32_t fits;
    if (!rw_named_price(books, price, &fits)) return;
    if (side != 'B' && side != 'S') shares = 0; /* refused and counted there */
    rw_book_add(books->book, locate, reference, side == 'B' ? RW_BOOK_BID : RW_BOOK_ASK, shares,
                fits);
}

void rw_named_modify(struct rw_named_books *books, uint16_t locate, uint64_t reference,
                     uint32_t shares, int64_t price, bool keep) {
    struct rw_book_order order;
    uint32_t fits;
    bool known = rw_book_find(books->book, reference, &order);
    if (known && keep && price == order.price && shares <= order.shares)
        rw_book_reduce(books->book, locate, reference, order.shares - shares, &order);
    else if (!known || shares == 0 || !rw_named_price(books, price, &fits))
        rw_book_delete(books->book, locate, reference, &order);
    else
        rw_book_replace(books->book, locate, reference, reference, shares, fits, &order);
}

void rw_named_trade(struct rw_named_books *books, struct rw_book_event *event, uint64_t shares,
                    int64_t price, uint64_t match_number) {
    uint32_t fits;
    if (shares == 0 || !rw_named_price(books, price, &fits)) return;
    event->changed |= RW_BOOK_TRADE;
    event->printable = true;
    event->quantity = shares;
    event->price = (int32_t)fits;
    event->match_number = match_number;
}

void rw_named_empty(struct rw_named_books *books, uint16_t locate) {
    rw_stat_add(&books->counters->books_emptied, 1);
    rw_book_empty(books->book, locate);
}

void rw_named_empty_all(struct rw_named_books *books, struct rw_book_event *event) {
    event->locate = 0;
    if (rw_locates_count(books->locates) == 0) return;
    books->emptying = 1;
    books->emptying_time_ns = event->event_time_ns;
    event->changed |= RW_BOOK_MORE;
}

static struct rw_named_books *books_of(const void *adapter) {
    return *(struct rw_named_books *const *)adapter;
}

void rw_named_more(void *adapter, struct rw_book_event *event) {
    struct rw_named_books *books = books_of(adapter);
    uint32_t count = rw_locates_count(books->locates);
    RW_ASSERT(books->emptying >= 1 && books->emptying <= count);
    *event = (struct rw_book_event){.locate = (uint16_t)books->emptying,
                                    .event_time_ns = books->emptying_time_ns};
    rw_named_begin(books, event);
    rw_named_empty(books, event->locate);
    rw_named_end(books, event);
    books->emptying = books->emptying < count ? books->emptying + 1 : 0;
    if (books->emptying) event->changed |= RW_BOOK_MORE;
}

const struct rw_book_bbo *rw_named_bbo(const void *adapter, uint16_t locate) {
    return rw_book_bbo(books_of(adapter)->book, locate);
}

const uint8_t *rw_named_name(const void *adapter, uint16_t locate) {
    return rw_book_symbol(books_of(adapter)->book, locate);
}

uint32_t rw_named_levels(const void *adapter, uint16_t locate, enum rw_book_side side,
                         struct rw_book_level *levels, uint32_t max) {
    return rw_book_levels(books_of(adapter)->book, locate, side, levels, max);
}
