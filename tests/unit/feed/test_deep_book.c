/* DEEP 1.0 and DEEP+ into books and ticks: what each message does, and random sessions beside a
 * naive market. */
#include "dataplane/base/bytes.h"
#include "dataplane/feed/deep.h"
#include "dataplane/feed/deep_book.h"
#include "dataplane/feed/field_write.h"
#include "dataplane/feed/iextp.h"
#include "tests/unit/feed/venue_fixture.h"

#define MIDNIGHT_NS 1493092800000000000ull /* a day in April 2017, New York */

struct exchange {
    struct venue_feed *feed;
    const struct rw_message_table *table;
    uint64_t sequence; /* of the next message */
    uint64_t time_ns;
};

static void exchange_open(struct exchange *exchange, const struct rw_venue *venue) {
    struct rw_books_cfg books = {.book = {.orders_max = 1024, .levels_max = 1024},
                                 .midnight_ns = MIDNIGHT_NS};
    *exchange = (struct exchange){.feed = feed_new(venue, &books), .sequence = 1};
    exchange->table = venue == &rw_deep10_venue ? &rw_deep10_table : &rw_deepplus_table;
    exchange->time_ns = TIME_START_NS;
}

static size_t put_header(uint8_t *packet, uint16_t protocol, uint64_t sequence, uint16_t count,
                         uint16_t bytes) {
    memset(packet, 0, RW_IEXTP_HEADER_BYTES);
    packet[0] = RW_IEXTP_VERSION;
    rw_store_le16(packet + 2, protocol);
    rw_store_le32(packet + 4, 1);
    rw_store_le32(packet + 8, 4711);
    rw_store_le16(packet + 12, bytes);
    rw_store_le16(packet + 14, count);
    rw_store_le64(packet + 24, sequence);
    return RW_IEXTP_HEADER_BYTES;
}

static uint16_t protocol_of(const struct exchange *exchange) {
    return exchange->table == &rw_deep10_table ? RW_IEXTP_DEEP10 : RW_IEXTP_DEEPPLUS;
}

static void send_bytes(struct exchange *exchange, uint64_t sequence, const uint8_t *message,
                       uint16_t bytes) {
    uint8_t packet[256];
    size_t at = put_header(packet, protocol_of(exchange), sequence, 1, bytes + 2);
    rw_store_le16(packet + at, bytes);
    memcpy(packet + at + 2, message, bytes);
    feed_payload(exchange->feed, 0, packet, at + 2 + bytes);
}

/* Drafts a message: letter, second byte, time and symbol are there, the numbers follow. */
static struct rw_draft draft(struct exchange *exchange, uint8_t *message, char letter,
                             uint8_t second, const char *symbol) {
    struct rw_draft drafted = rw_draft_begin(exchange->table, (uint8_t)letter, message);
    message[0] = (uint8_t)letter;
    message[1] = second;
    rw_draft_uint(&drafted, 1, MIDNIGHT_NS + exchange->time_ns);
    if (symbol) rw_draft_text(&drafted, 2, symbol);
    return drafted;
}

static void send(struct exchange *exchange, const struct rw_draft *drafted) {
    send_bytes(exchange, exchange->sequence++, drafted->fields, drafted->type->bytes);
}

static void level(struct exchange *exchange, char letter, bool complete, const char *symbol,
                  uint32_t size, int64_t price) {
    uint8_t message[64];
    struct rw_draft drafted = draft(exchange, message, letter, complete, symbol);
    rw_draft_uint(&drafted, 3, size);
    rw_draft_uint(&drafted, 4, (uint64_t)price);
    send(exchange, &drafted);
}

static void another_protocol_is_no_header_of_this_venue(void **state) {
    struct exchange exchange;
    uint8_t packet[RW_IEXTP_HEADER_BYTES];
    exchange_open(&exchange, &rw_deep10_venue);
    feed_payload(exchange.feed, 0, packet, put_header(packet, RW_IEXTP_TOPS16, 1, 0, 0));
    feed_payload(exchange.feed, 0, packet, put_header(packet, RW_IEXTP_DEEPPLUS, 1, 0, 0));
    assert_int_equal(rw_stat_get(&exchange.feed->channel.short_header), 2);
    feed_payload(exchange.feed, 0, packet, put_header(packet, RW_IEXTP_DEEP10, 1, 0, 0));
    assert_int_equal(rw_stat_get(&exchange.feed->channel.heartbeats), 1);
    feed_free(exchange.feed);
}

static void prices_that_do_not_fit_are_counted_and_never_wrap(void **state) {
    struct exchange exchange;
    exchange_open(&exchange, &rw_deep10_venue);
    level(&exchange, '8', true, "AA", 100, -1);
    level(&exchange, '8', true, "AA", 100, (int64_t)INT32_MAX + 1);
    level(&exchange, '8', true, "AA", 100, INT64_MIN);
    assert_int_equal(feed_own(exchange.feed, "price_range"), 3);
    assert_int_equal(rw_stat_get(&exchange.feed->feed.bbo), 0);
    feed_free(exchange.feed);
}

static void the_bbo_is_told_when_the_event_is_complete(void **state) {
    struct exchange exchange;
    uint8_t message[64];
    exchange_open(&exchange, &rw_deep10_venue);
    level(&exchange, '8', true, "AA", 100, 10000);
    assert_int_equal(tick_of(tick_kind(exchange.feed, RW_TICK_BBO)).bid_price, 10000);
    level(&exchange, '8', false, "AA", 0, 10000);
    assert_int_equal(exchange.feed->count, 0);
    struct rw_draft trade = draft(&exchange, message, 'T', 0, "AA");
    rw_draft_uint(&trade, 3, 100);
    rw_draft_uint(&trade, 4, 10000);
    send(&exchange, &trade);
    assert_int_equal(tick_of(tick_kind(exchange.feed, RW_TICK_TRADE)).bid_quantity, 100);
    level(&exchange, '8', false, "BBB", 7, 500); /* another symbol's event */
    level(&exchange, '8', true, "AA", 300, 9900);
    struct rw_tick_body body = tick_of(tick_kind(exchange.feed, RW_TICK_BBO));
    assert_int_equal(body.bid_price, 9900);
    assert_int_equal(body.bid_quantity, 300);
    assert_int_equal(feed_own(exchange.feed, "in_transition"), 2);
    feed_free(exchange.feed);
}

static void a_level_gone_before_it_was_told_changes_nothing(void **state) {
    struct exchange exchange;
    exchange_open(&exchange, &rw_deep10_venue);
    level(&exchange, '5', true, "AA", 0, 10000);
    assert_int_equal(rw_stat_get(&exchange.feed->feed.bbo), 0);
    assert_int_equal(rw_stat_get(&exchange.feed->book.unknown_reference), 1);
    feed_free(exchange.feed);
}

static void trading_and_operational_halts_are_lifted_one_by_one(void **state) {
    const struct {
        char letter, second;
        bool changes;
    } steps[] = {{'H', 'H', true},  {'O', 'O', false}, {'H', 'T', false}, {'O', 'N', true},
                 {'H', 'T', false}, {'H', 'P', true},  {'H', 'O', false}, {'H', 'T', true}};
    struct exchange exchange;
    uint8_t message[64];
    exchange_open(&exchange, &rw_deep10_venue);
    for (uint32_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct rw_draft drafted =
            draft(&exchange, message, steps[i].letter, (uint8_t)steps[i].second, "AA");
        send(&exchange, &drafted);
        assert_int_equal(tick_kind(exchange.feed, RW_TICK_STATUS) != NULL, steps[i].changes);
    }
    feed_free(exchange.feed);
}

static void a_sequence_of_1_again_is_a_new_market(void **state) {
    struct exchange exchange;
    uint8_t message[64];
    exchange_open(&exchange, &rw_deep10_venue);
    level(&exchange, '8', true, "AA", 100, 10000);
    while (exchange.sequence < 5000) {
        struct rw_draft event = draft(&exchange, message, 'S', 'R', NULL);
        send(&exchange, &event);
    }
    exchange.sequence = 1;
    level(&exchange, '5', true, "AA", 5, 10100);
    assert_int_equal(rw_stat_get(&exchange.feed->channel.restarts), 1);
    assert_int_equal(rw_stat_get(&exchange.feed->feed.cleared), 1);
    struct rw_tick_body body = tick_of(&exchange.feed->out[exchange.feed->count - 1]);
    assert_int_equal(body.venue_sequence, 1ull << 48 | 1);
    assert_int_equal(body.bid_quantity, 0);
    assert_int_equal(body.ask_quantity, 5);
    feed_free(exchange.feed);
}

static void a_time_of_another_day_keeps_its_time_of_day(void **state) {
    struct exchange exchange;
    exchange_open(&exchange, &rw_deep10_venue);
    exchange.time_ns = 3 * 86400000000000ull + 5;
    level(&exchange, '8', true, "AA", 100, 10000);
    assert_int_equal(tick_kind(exchange.feed, RW_TICK_BBO)->event_time_ns, 5);
    exchange.time_ns = (uint64_t)-7;
    level(&exchange, '8', true, "AA", 200, 10000);
    assert_int_equal(tick_kind(exchange.feed, RW_TICK_BBO)->event_time_ns, 86400000000000ull - 7);
    assert_int_equal(feed_own(exchange.feed, "other_day"), 2);
    feed_free(exchange.feed);
}

/* ---- random sessions ------------------------------------------------------------------ */

/* A naive change shows as levels; two updates of one event when it touches two. */
static void send_levels(struct exchange *exchange, const struct market *market,
                        const struct change *change, uint32_t old_price) {
    char letter = change->side == 'B' ? '8' : '5';
    const char *symbol = symbol_names[change->symbol];
    uint32_t touched[] = {old_price, change->price};
    for (uint32_t i = 0; i < 2; i++) {
        uint64_t quantity = 0;
        if (i == 0 && old_price == change->price) continue;
        for (uint32_t k = 0; k < market->count; k++) {
            const struct naive_order *order = &market->orders[k];
            bool there = order->symbol == change->symbol && order->side == change->side;
            if (there && order->price == touched[i]) quantity += order->shares;
        }
        level(exchange, letter, i == 1, symbol, (uint32_t)quantity, touched[i]);
    }
}

static void random_levels_keep_the_books_of_a_naive_market(void **state) {
    struct exchange exchange;
    struct market market;
    market_new(&market, test_seed());
    exchange_open(&exchange, &rw_deep10_venue);
    for (uint32_t i = 0; i < 20000; i++) {
        struct market before = market;
        struct change change = market_step(&market, 1u << CHANGE_ADD | 1u << CHANGE_REDUCE |
                                                        1u << CHANGE_MODIFY | 1u << CHANGE_DELETE);
        uint32_t old_price = change.price;
        for (uint32_t k = 0; k < before.count; k++)
            if (before.orders[k].reference == change.reference) old_price = before.orders[k].price;
        exchange.time_ns = market.time_ns % RW_DAY_NS;
        market.time_ns = exchange.time_ns;
        send_levels(&exchange, &market, &change, old_price);
        expect_change(exchange.feed, &market, &change);
        if (i % 500 == 0) expect_books(exchange.feed, &market, false);
    }
    feed_free(exchange.feed);
}

static void send_order(void *of, const struct change *change) {
    struct exchange *exchange = of;
    static const char letters[CHANGE_KINDS] = {
        [CHANGE_ADD] = 'a',    [CHANGE_EXECUTE] = 'L', [CHANGE_REDUCE] = 'M',
        [CHANGE_MODIFY] = 'M', [CHANGE_DELETE] = 'R',  [CHANGE_TRADE] = 'T',
        [CHANGE_BREAK] = 'B',  [CHANGE_HALT] = 'H',    [CHANGE_EMPTY] = 'C'};
    uint8_t message[64], second = 0;
    if (change->kind == CHANGE_ADD) second = change->side == 'B' ? '8' : '5';
    if (change->kind == CHANGE_MODIFY) second = change->keep;
    if (change->kind == CHANGE_HALT) second = change->shares ? 'H' : 'T';
    char letter = letters[change->kind];
    struct rw_draft drafted =
        draft(exchange, message, letter, second, symbol_names[change->symbol]);
    bool of_order = strchr("aLMR", letter) != NULL;
    if (of_order) rw_draft_uint(&drafted, 3, change->reference);
    if (strchr("aLMTB", letter)) {
        rw_draft_uint(&drafted, of_order ? 4 : 3, change->shares);
        rw_draft_uint(&drafted, of_order ? 5 : 4, change->price);
    }
    if (strchr("LTB", letter)) rw_draft_uint(&drafted, of_order ? 6 : 5, change->execution);
    send(exchange, &drafted);
}

static void random_orders_keep_the_books_of_a_naive_market(void **state) {
    struct exchange exchange;
    exchange_open(&exchange, &rw_deepplus_venue);
    market_run(exchange.feed, ~(1u << CHANGE_EXECUTE_AT | 1u << CHANGE_REDUCE), send_order,
               &exchange, &exchange.time_ns);
    feed_free(exchange.feed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_protocol_is_no_header_of_this_venue),
        cmocka_unit_test(prices_that_do_not_fit_are_counted_and_never_wrap),
        cmocka_unit_test(the_bbo_is_told_when_the_event_is_complete),
        cmocka_unit_test(a_level_gone_before_it_was_told_changes_nothing),
        cmocka_unit_test(trading_and_operational_halts_are_lifted_one_by_one),
        cmocka_unit_test(a_sequence_of_1_again_is_a_new_market),
        cmocka_unit_test(a_time_of_another_day_keeps_its_time_of_day),
        cmocka_unit_test(random_levels_keep_the_books_of_a_naive_market),
        cmocka_unit_test(random_orders_keep_the_books_of_a_naive_market),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
