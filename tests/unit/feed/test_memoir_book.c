/* MEMOIR Depth into books and ticks: what each message does, and random sessions beside a naive
 * market. */
#include "dataplane/base/bytes.h"
#include "dataplane/feed/field_write.h"
#include "dataplane/feed/memoir.h"
#include "dataplane/feed/memoir_book.h"
#include "tests/unit/feed/venue_fixture.h"

#define LONG_UNIT 10000ull /* of a long price in 1e-4 */

struct exchange {
    struct venue_feed *feed;
    uint64_t sequence; /* of the next message */
    uint64_t time_ns;
};

static void exchange_open(struct exchange *exchange) {
    *exchange = (struct exchange){.feed = feed_of(&rw_memoir_venue), .sequence = 1};
}

static size_t put_header(uint8_t *packet, uint8_t kind, uint64_t sequence) {
    packet[0] = kind;
    packet[1] = RW_MEMOIR_HEADER_BYTES;
    rw_store_be64(packet + 2, 42);
    rw_store_be64(packet + 10, sequence);
    return RW_MEMOIR_HEADER_BYTES;
}

/* Drafts a message with time and symbol; the numbers follow. */
static struct rw_draft draft(const struct exchange *exchange, uint8_t *message, uint8_t template,
                             const char *symbol) {
    struct rw_draft drafted = rw_draft_begin(&rw_memoir_table, template, message + RW_MEMOIR_BODY);
    rw_store_be16(message, drafted.type->bytes);
    message[2] = template;
    message[3] = 10;
    rw_store_be16(message + 4, 1);
    rw_draft_uint(&drafted, 0, exchange->time_ns);
    if (symbol) rw_draft_text(&drafted, 1, symbol);
    return drafted;
}

static void send(struct exchange *exchange, const struct rw_draft *drafted) {
    uint8_t packet[256];
    uint16_t bytes = RW_MEMOIR_BODY + drafted->type->bytes;
    size_t at = put_header(packet, 2, exchange->sequence++);
    rw_store_be16(packet + at, 1);
    rw_store_be16(packet + at + 2, bytes);
    memcpy(packet + at + 4, drafted->fields - RW_MEMOIR_BODY, bytes);
    feed_payload(exchange->feed, 0, packet, at + 4 + bytes);
}

/* Puts numbers into the fields from `first` on. */
static void put(const struct rw_draft *drafted, uint32_t first, uint32_t count,
                const uint64_t *numbers) {
    for (uint32_t i = 0; i < count; i++) rw_draft_uint(drafted, first + i, numbers[i]);
}
#define PUT(drafted, first, ...)                                              \
    put(drafted, first, sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t), \
        (const uint64_t[]){__VA_ARGS__})

static void add_long(struct exchange *exchange, uint64_t order, char side, uint32_t quantity,
                     uint64_t price) {
    uint8_t message[128];
    struct rw_draft drafted = draft(exchange, message, 11, "AA");
    PUT(&drafted, 2, order, side, quantity, price);
    send(exchange, &drafted);
}

static void prices_that_do_not_fit_are_counted_and_never_wrap(void **state) {
    struct exchange exchange;
    exchange_open(&exchange);
    add_long(&exchange, 1, 'B', 10, UINT64_MAX);
    add_long(&exchange, 2, 'B', 10, ((uint64_t)INT32_MAX + 1) * LONG_UNIT);
    assert_int_equal(feed_own(exchange.feed, "price_range"), 2);
    assert_int_equal(rw_stat_get(&exchange.feed->feed.bbo), 0);
    feed_free(exchange.feed);
}

static void a_price_between_two_units_is_rounded_down_and_says_so(void **state) {
    struct exchange exchange;
    exchange_open(&exchange);
    add_long(&exchange, 1, 'B', 10, 500 * LONG_UNIT);
    assert_int_equal(tick_of(tick_kind(exchange.feed, RW_TICK_BBO)).quality & RW_QUALITY_ROUNDED,
                     0);
    add_long(&exchange, 2, 'B', 10, 501 * LONG_UNIT + 9999);
    struct rw_tick_body body = tick_of(tick_kind(exchange.feed, RW_TICK_BBO));
    assert_int_equal(body.bid_price, 501);
    assert_true(body.quality & RW_QUALITY_ROUNDED);
    add_long(&exchange, 3, 'B', 10, 502 * LONG_UNIT);
    assert_true(tick_of(tick_kind(exchange.feed, RW_TICK_BBO)).quality & RW_QUALITY_ROUNDED);
    assert_int_equal(feed_own(exchange.feed, "price_rounded"), 1);
    feed_free(exchange.feed);
}

static void short_and_extended_orders_are_orders_like_others(void **state) {
    struct exchange exchange;
    uint8_t message[128];
    exchange_open(&exchange);
    struct rw_draft drafted = draft(&exchange, message, 10, "AA");
    PUT(&drafted, 2, 1, 'B', 7, 1234);
    send(&exchange, &drafted);
    assert_int_equal(tick_of(tick_kind(exchange.feed, RW_TICK_BBO)).bid_price, 123400);
    drafted = draft(&exchange, message, 12, "AA");
    PUT(&drafted, 2, 'C', 2, 'S', 9, 123500 * LONG_UNIT);
    send(&exchange, &drafted);
    struct rw_tick_body body = tick_of(tick_kind(exchange.feed, RW_TICK_BBO));
    assert_int_equal(body.ask_price, 123500);
    assert_int_equal(body.ask_quantity, 9);
    feed_free(exchange.feed);
}

static void a_corrected_trade_is_a_break_and_the_trade_as_it_is_now(void **state) {
    struct exchange exchange;
    uint8_t message[128];
    exchange_open(&exchange);
    struct rw_draft drafted = draft(&exchange, message, 6, "AA");
    PUT(&drafted, 2, 77, 100, 500 * LONG_UNIT, 90, 510 * LONG_UNIT);
    send(&exchange, &drafted);
    assert_int_equal(exchange.feed->count, 3);
    assert_int_equal(tick_of(&exchange.feed->out[1]).kind, RW_TICK_BREAK);
    struct rw_tick_body body = tick_of(&exchange.feed->out[2]);
    assert_int_equal(body.kind, RW_TICK_TRADE);
    assert_int_equal(body.index, 4 + 1); /* of the second event */
    assert_int_equal(body.last_price, 510);
    assert_int_equal(body.last_quantity, 90);
    feed_free(exchange.feed);
}

static void a_shutdown_ends_the_channel_and_a_snapshot_is_counted(void **state) {
    struct exchange exchange;
    uint8_t message[128];
    exchange_open(&exchange);
    struct rw_draft drafted = draft(&exchange, message, 7, NULL);
    send(&exchange, &drafted);
    assert_int_equal(feed_own(exchange.feed, "snapshots"), 1);
    feed_payload(exchange.feed, 0, message, put_header(message, 1, exchange.sequence));
    assert_int_equal(exchange.feed->count, 1);
    assert_int_equal(exchange.feed->out[0].type, RW_ENTRY_END);
    feed_free(exchange.feed);
}

static void send_change(void *of, const struct change *change) {
    struct exchange *exchange = of;
    const uint64_t price = change->price * LONG_UNIT;
    const uint64_t shares = change->shares;
    uint8_t message[128];
    static const uint8_t templates[CHANGE_KINDS] = {
        [CHANGE_ADD] = 11,  [CHANGE_EXECUTE] = 15, [CHANGE_REDUCE] = 14, [CHANGE_DELETE] = 13,
        [CHANGE_BREAK] = 5, [CHANGE_HALT] = 2,     [CHANGE_EMPTY] = 18};
    struct rw_draft drafted =
        draft(exchange, message, templates[change->kind], symbol_names[change->symbol]);
    switch (change->kind) {
    case CHANGE_ADD:
        PUT(&drafted, 2, change->reference, change->side, shares, price);
        break;
    case CHANGE_EXECUTE:
        PUT(&drafted, 4, change->reference, change->execution, shares, price);
        break;
    case CHANGE_REDUCE:
        PUT(&drafted, 3, change->reference, change->side, 0, price, shares);
        break;
    case CHANGE_DELETE:
        PUT(&drafted, 3, change->reference);
        break;
    case CHANGE_BREAK:
        PUT(&drafted, 2, change->execution, 1, price);
        break;
    case CHANGE_HALT:
        rw_draft_text(&drafted, 2, change->shares ? "H" : "T");
        break;
    default:
        break;
    }
    send(exchange, &drafted);
}

static void random_sessions_keep_the_books_of_a_naive_market(void **state) {
    struct exchange exchange;
    exchange_open(&exchange);
    market_run(exchange.feed, ~(1u << CHANGE_EXECUTE_AT | 1u << CHANGE_MODIFY | 1u << CHANGE_TRADE),
               send_change, &exchange, &exchange.time_ns);
    feed_free(exchange.feed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prices_that_do_not_fit_are_counted_and_never_wrap),
        cmocka_unit_test(a_price_between_two_units_is_rounded_down_and_says_so),
        cmocka_unit_test(short_and_extended_orders_are_orders_like_others),
        cmocka_unit_test(a_corrected_trade_is_a_break_and_the_trade_as_it_is_now),
        cmocka_unit_test(a_shutdown_ends_the_channel_and_a_snapshot_is_counted),
        cmocka_unit_test(random_sessions_keep_the_books_of_a_naive_market),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
