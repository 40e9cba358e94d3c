/* A feed on any venue, fed by payloads or single messages, and a naive market to compare its books
 * with: a plain list of orders, searched from the front.
 *
 * market_step does one random thing to the market and says what as a struct change; a test turns it
 * into the venue's message, sends that, and calls expect_change and sometimes expect_books. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/base/rng.h"
#include "dataplane/feed/feed_core.h"

#define FEED_OUT_MAX  8192u
#define FEED_OWN_MAX  64u
#define SYMBOLS       5u
#define ORDERS_MAX    200u
#define PRICE_LOW     100000u
#define PRICE_STEPS   12u
#define TIME_START_NS 34200000000000ull

struct venue_feed {
    void *memory;
    struct rw_feed_core *core;
    const struct rw_venue *venue;
    struct rw_feed_counters feed;
    struct rw_book_counters book;
    rw_stat own[FEED_OWN_MAX];
    struct rw_channel_counters channel;
    struct rw_line_counters line[2];
    struct rw_entry out[FEED_OUT_MAX]; /* of the last payload */
    uint32_t count;
    uint64_t now_ns;
};

/* first: the sequence the session begins with; 0: the feed joins where it comes. */
static inline struct venue_feed *feed_new_from(const struct rw_venue *venue,
                                               const struct rw_books_cfg *books, uint64_t first) {
    struct venue_feed *feed = calloc(1, sizeof *feed);
    struct rw_feed_cfg cfg = {.channel = 3,
                              .line = {.venue = venue,
                                       .lines = 2,
                                       .first_sequence = first,
                                       .gap_timer_ns = 1000,
                                       .session_switch_packets = 4,
                                       .reorder_packets = 64,
                                       .packet_bytes = RW_FRAME_PAYLOAD_BYTES},
                              .books = *books};
    struct rw_feed_stats stats = {
        .feed = &feed->feed,
        .books = {.book = &feed->book, .own = feed->own},
        .line = {.channel = &feed->channel, .line = {&feed->line[0], &feed->line[1]}}};
    assert_true(!venue->own_row_count || *venue->own_row_count <= FEED_OWN_MAX);
    feed->venue = venue;
    feed->memory = aligned_alloc(64, rw_feed_footprint(&cfg));
    feed->core = rw_feed_new(feed->memory, &cfg, &stats);
    return feed;
}

static inline struct venue_feed *feed_new(const struct rw_venue *venue,
                                          const struct rw_books_cfg *books) {
    return feed_new_from(venue, books, 1);
}

static inline struct venue_feed *feed_of(const struct rw_venue *venue) {
    return feed_new(venue,
                    &(struct rw_books_cfg){.book = {.orders_max = 1024, .levels_max = 1024}});
}

static inline void feed_free(struct venue_feed *feed) {
    free(feed->memory);
    free(feed);
}

/* The venue's own counter of a name. */
static inline uint64_t feed_own(const struct venue_feed *feed, const char *name) {
    for (uint32_t i = 0; i < *feed->venue->own_row_count; i++)
        if (!strcmp(feed->venue->own_rows[i].name, name)) return rw_stat_get(&feed->own[i]);
    fail_msg("no counter %s", name);
    return 0;
}

static inline void feed_drain(struct venue_feed *feed) {
    struct rw_entry out[RW_FEED_FAN_OUT];
    uint32_t count;
    while (rw_feed_step(feed->core, out, &count)) {
        assert_true(count <= RW_FEED_FAN_OUT && feed->count + count <= FEED_OUT_MAX);
        memcpy(feed->out + feed->count, out, count * sizeof *out);
        feed->count += count;
    }
}

static inline void feed_flagged(struct venue_feed *feed, uint16_t line, uint16_t flags,
                                const void *payload, size_t bytes) {
    _Alignas(64) uint8_t slot[RW_FRAME_SLOT_BYTES];
    struct rw_frame *frame = (void *)slot;
    feed->now_ns += 10;
    feed->count = 0;
    *frame = (struct rw_frame){.arrival_ns = feed->now_ns,
                               .now_ns = feed->now_ns,
                               .channel = 3,
                               .line = line,
                               .flags = flags,
                               .bytes = (uint16_t)bytes};
    memcpy(frame->payload, payload, bytes);
    rw_feed_frame(feed->core, frame);
    feed_drain(feed);
}

/* feed_payload sends a payload on a line and keeps the ticks it gives in out[0..count);
 * feed_beside sends it as of a group beside the lines. */
static inline void feed_payload(struct venue_feed *feed, uint16_t line, const void *payload,
                                size_t bytes) {
    feed_flagged(feed, line, 0, payload, bytes);
}
static inline void feed_beside(struct venue_feed *feed, const void *payload, size_t bytes) {
    feed_flagged(feed, 0, RW_FRAME_ASIDE, payload, bytes);
}

/* feed_wait lets the gap timer of a live port run out. */
static inline void feed_wait(struct venue_feed *feed) {
    feed->now_ns += 10000;
    feed->count = 0;
    rw_feed_now(feed->core, feed->now_ns);
    feed_drain(feed);
}

static inline struct rw_tick_body tick_of(const struct rw_entry *entry) {
    struct rw_tick_body body;
    assert_int_equal(entry->type, RW_ENTRY_TICK);
    memcpy(&body, entry->body, sizeof body);
    return body;
}

/* The only tick of a kind among the last payload's; NULL when there is none. */
static inline const struct rw_entry *tick_kind(const struct venue_feed *feed, uint8_t kind) {
    const struct rw_entry *found = NULL;
    for (uint32_t i = 0; i < feed->count; i++) {
        if (feed->out[i].type != RW_ENTRY_TICK || tick_of(&feed->out[i]).kind != kind) continue;
        assert_null(found);
        found = &feed->out[i];
    }
    return found;
}

static inline uint64_t test_seed(void) {
    const char *text = getenv("RW_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : 1;
    print_message("RW_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

/* ---- the naive market ----------------------------------------------------------------- */

static const char *const symbol_names[SYMBOLS] = {"AA", "BBB", "CCCCCC", "DDDDDDD", "E"};

struct naive_order {
    uint64_t reference;
    uint32_t symbol, shares, price;
    char side;
};

enum change_kind {
    CHANGE_ADD,
    CHANGE_EXECUTE,    /* at its own price */
    CHANGE_EXECUTE_AT, /* at `price`, `left` of it remains */
    CHANGE_REDUCE,     /* by `shares` */
    CHANGE_MODIFY,     /* to `shares` and `price` */
    CHANGE_DELETE,
    CHANGE_TRADE, /* with a hidden order */
    CHANGE_BREAK,
    CHANGE_HALT,  /* `shares` = 1: halted, 0: trading */
    CHANGE_EMPTY, /* of one symbol */
    CHANGE_KINDS,
};

struct change {
    enum change_kind kind;
    uint64_t reference, execution;
    uint32_t symbol, shares, left, price;
    char side;
    bool keep;
    struct rw_book_bbo before, after;
};

static inline bool change_is_trade(const struct change *change) {
    return change->kind == CHANGE_EXECUTE || change->kind == CHANGE_EXECUTE_AT ||
           change->kind == CHANGE_TRADE;
}

struct market {
    struct rw_rng rng;
    struct naive_order orders[ORDERS_MAX];
    uint32_t count;
    uint64_t next_reference, next_execution;
    uint64_t traded; /* the last execution; 0: none */
    uint32_t traded_symbol;
    bool halted[SYMBOLS];
    uint64_t time_ns;
};

static inline void market_new(struct market *market, uint64_t seed) {
    memset(market, 0, sizeof *market);
    rw_rng_seed(&market->rng, seed);
    market->next_reference = 1000;
    market->next_execution = 1;
    market->time_ns = TIME_START_NS;
}

static inline void market_remove(struct market *market, uint32_t at) {
    market->count--;
    memmove(&market->orders[at], &market->orders[at + 1],
            (market->count - at) * sizeof *market->orders);
}

/* The best level of a symbol's side that is worse than `than` (0: any); quantity 0 when none. */
static inline uint64_t market_level(const struct market *market, uint32_t symbol, char side,
                                    uint32_t than, uint32_t *price, uint32_t *orders) {
    uint64_t quantity = 0;
    for (uint32_t i = 0; i < market->count; i++) {
        const struct naive_order *order = &market->orders[i];
        if (order->symbol != symbol || order->side != side) continue;
        bool behind = !than || (side == 'B' ? order->price < than : order->price > than);
        bool better = !quantity || (side == 'B' ? order->price > *price : order->price < *price);
        if (!behind || (!better && order->price != *price)) continue;
        if (better) quantity = *orders = 0;
        *price = order->price;
        quantity += order->shares;
        ++*orders;
    }
    return quantity;
}

static inline struct rw_book_bbo market_bbo(const struct market *market, uint32_t symbol) {
    struct rw_book_bbo bbo = {0};
    uint32_t price = 0, orders = 0;
    bbo.bid_quantity = (uint32_t)market_level(market, symbol, 'B', 0, &price, &orders);
    bbo.bid_price = bbo.bid_quantity ? (int32_t)price : 0;
    bbo.ask_quantity = (uint32_t)market_level(market, symbol, 'S', 0, &price, &orders);
    bbo.ask_price = bbo.ask_quantity ? (int32_t)price : 0;
    return bbo;
}

static inline uint32_t market_price(struct market *market) {
    return PRICE_LOW + 100 * (uint32_t)rw_rng_below(&market->rng, PRICE_STEPS);
}

static inline void market_take(struct market *market, uint32_t at, uint32_t shares) {
    market->orders[at].shares -= shares;
    if (market->orders[at].shares == 0) market_remove(market, at);
}

/* Applies a change about the order at `at`. */
static inline void market_change_order(struct market *market, uint32_t at, struct change *change) {
    struct naive_order order = market->orders[at];
    change->reference = order.reference;
    change->symbol = order.symbol;
    change->side = order.side;
    change->shares = 1 + (uint32_t)rw_rng_below(&market->rng, order.shares);
    change->price = order.price;
    if (change->kind == CHANGE_MODIFY) {
        change->keep = rw_rng_chance(&market->rng, 1, 2);
        if (!change->keep) change->price = market_price(market);
        if (!change->keep) change->shares = 1 + (uint32_t)rw_rng_below(&market->rng, 500);
        market->orders[at].shares = change->shares;
        market->orders[at].price = change->price;
        if (change->keep) return;
        order = market->orders[at];
        market_remove(market, at);
        market->orders[market->count++] = order;
    } else if (change->kind == CHANGE_DELETE) {
        market_remove(market, at);
    } else if (change->kind == CHANGE_EXECUTE_AT) {
        change->price = market_price(market);
        change->left = order.shares - change->shares;
        if (change->left) change->left = (uint32_t)rw_rng_below(&market->rng, change->left + 1);
        market_take(market, at, order.shares - change->left);
    } else {
        market_take(market, at, change->shares);
    }
}

static inline void market_change_symbol(struct market *market, struct change *change) {
    uint32_t symbol = change->symbol;
    if (change->kind == CHANGE_ADD) {
        change->reference = market->next_reference++;
        market->orders[market->count++] = (struct naive_order){
            change->reference, symbol, change->shares, change->price, change->side};
    } else if (change->kind == CHANGE_HALT) {
        change->shares = market->halted[symbol] = rw_rng_chance(&market->rng, 1, 2);
    } else if (change->kind == CHANGE_EMPTY) {
        for (uint32_t i = market->count; i-- > 0;)
            if (market->orders[i].symbol == symbol) market_remove(market, i);
    }
}

/* market_step makes one change of a kind that is set in `kinds` (bit 1 << kind). */
static inline struct change market_step(struct market *market, uint32_t kinds) {
    struct rw_rng *rng = &market->rng;
    struct change change = {0};
    do {
        change.kind = rw_rng_chance(rng, 1, 2) ? CHANGE_ADD
                                               : (enum change_kind)rw_rng_below(rng, CHANGE_KINDS);
        if (change.kind == CHANGE_EMPTY && !rw_rng_chance(rng, 1, 20)) change.kind = CHANGE_ADD;
        if (change.kind == CHANGE_ADD && market->count == ORDERS_MAX) change.kind = CHANGE_DELETE;
    } while (!(kinds >> change.kind & 1));
    bool of_order = change.kind >= CHANGE_EXECUTE && change.kind <= CHANGE_DELETE;
    if (of_order && market->count == 0) change.kind = CHANGE_ADD, of_order = false;
    change.symbol = (uint32_t)rw_rng_below(rng, SYMBOLS);
    change.side = rw_rng_chance(rng, 1, 2) ? 'B' : 'S';
    change.shares = 1 + (uint32_t)rw_rng_below(rng, 500);
    change.price = market_price(market);
    uint32_t at = of_order ? (uint32_t)rw_rng_below(rng, market->count) : 0;
    if (of_order) change.symbol = market->orders[at].symbol;
    change.execution = market->next_execution++;
    if (change_is_trade(&change)) {
        market->traded = change.execution;
        market->traded_symbol = change.symbol;
    } else if (change.kind == CHANGE_BREAK) {
        change.execution = market->traded;
        if (market->traded) change.symbol = market->traded_symbol;
    }
    change.before = market_bbo(market, change.symbol);
    of_order ? market_change_order(market, at, &change) : market_change_symbol(market, &change);
    change.after = market_bbo(market, change.symbol);
    market->time_ns += rw_rng_below(rng, 300000000);
    return change;
}

/* ---- comparing ------------------------------------------------------------------------ */

/* The locate of a symbol in the books; 0 when it was never named. */
static inline uint16_t locate_of(const struct venue_feed *feed, const char *symbol) {
    char padded[9];
    snprintf(padded, sizeof padded, "%-8s", symbol);
    for (uint32_t locate = 1; locate < RW_BOOK_LOCATES; locate++)
        if (!memcmp(feed->venue->symbol(rw_feed_books(feed->core), (uint16_t)locate), padded, 8))
            return (uint16_t)locate;
    return 0;
}

static inline void expect_bbo(const struct rw_tick_body *body, const struct rw_book_bbo *bbo) {
    assert_int_equal(body->bid_price, bbo->bid_price);
    assert_int_equal(body->bid_quantity, bbo->bid_quantity);
    assert_int_equal(body->ask_price, bbo->ask_price);
    assert_int_equal(body->ask_quantity, bbo->ask_quantity);
}

/* expect_change compares the ticks of the last payload with what the change must give. */
static inline void expect_change(const struct venue_feed *feed, const struct market *market,
                                 const struct change *change) {
    bool moved = memcmp(&change->before, &change->after, sizeof change->after) != 0;
    bool trade = change_is_trade(change);
    const struct rw_entry *bbo = tick_kind(feed, RW_TICK_BBO);
    const struct rw_entry *print = tick_kind(feed, RW_TICK_TRADE);
    assert_int_equal(bbo != NULL, moved);
    assert_int_equal(print != NULL, trade);
    assert_int_equal(tick_kind(feed, RW_TICK_BREAK) != NULL,
                     change->kind == CHANGE_BREAK && market->traded);
    if (bbo) {
        struct rw_tick_body body = tick_of(bbo);
        expect_bbo(&body, &change->after);
        assert_int_equal(bbo->event_time_ns, market->time_ns);
    }
    if (print) {
        struct rw_tick_body body = tick_of(print);
        expect_bbo(&body, &change->after);
        assert_int_equal(body.last_price, change->price);
        assert_int_equal(body.last_quantity, change->shares);
        assert_int_equal(!!(body.quality & RW_QUALITY_HALTED), market->halted[change->symbol]);
    }
}

/* expect_side compares the levels of one side. */
static inline void expect_side(const struct venue_feed *feed, const struct market *market,
                               uint32_t symbol, enum rw_book_side side, bool count_orders) {
    struct rw_book_level levels[PRICE_STEPS + 1];
    uint16_t locate = locate_of(feed, symbol_names[symbol]);
    uint32_t price = 0, orders = 0, index = 0, than = 0, count = 0;
    uint64_t quantity;
    if (locate)
        count =
            feed->venue->levels(rw_feed_books(feed->core), locate, side, levels, PRICE_STEPS + 1);
    while ((quantity = market_level(market, symbol, "BS"[side], than, &price, &orders))) {
        assert_true(index < count);
        assert_int_equal(levels[index].price, price);
        assert_int_equal(levels[index].quantity, quantity);
        if (count_orders) assert_int_equal(levels[index].orders, orders);
        than = price;
        index++;
    }
    assert_int_equal(count, index);
}

/* expect_books compares every level of every symbol. */
static inline void expect_books(const struct venue_feed *feed, const struct market *market,
                                bool count_orders) {
    for (uint32_t symbol = 0; symbol < SYMBOLS; symbol++)
        for (uint32_t side = 0; side < 2; side++)
            expect_side(feed, market, symbol, (enum rw_book_side)side, count_orders);
}

/* market_run makes 20,000 changes of the kinds given, each of which `send` tells the feed, and
 * expects its ticks and books. Times are of the day, for venues that tell them so. */
static inline void market_run(struct venue_feed *feed, uint32_t kinds,
                              void (*send)(void *exchange, const struct change *change),
                              void *exchange, uint64_t *time_ns) {
    struct market market;
    market_new(&market, test_seed());
    for (uint32_t i = 0; i < 20000; i++) {
        struct change change = market_step(&market, kinds);
        if (change.kind == CHANGE_BREAK && !market.traded) continue;
        *time_ns = market.time_ns = market.time_ns % RW_DAY_NS;
        send(exchange, &change);
        expect_change(feed, &market, &change);
        if (i % 500 == 0) expect_books(feed, &market, true);
    }
    assert_int_equal(rw_stat_get(&feed->book.unknown_reference), 0);
}
