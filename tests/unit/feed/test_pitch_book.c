/* PITCH into books and ticks: what each message does, and the books of random sessions beside a
 * naive market's. */
#include "dataplane/feed/named_books.h"
#include "dataplane/feed/pitch_book.h"
#include "dataplane/feed/pitch_write.h"
#include "tests/unit/feed/venue_fixture.h"

#define UNIT 7

/* An exchange: numbers its messages, and tells the second when it changes. */
struct exchange {
    struct venue_feed *feed;
    uint32_t sequence; /* of the next message */
    uint64_t second;
};

static void exchange_open(struct exchange *exchange) {
    *exchange = (struct exchange){.feed = feed_of(&rw_pitch_venue), .sequence = 1};
}

static void send_unit(struct exchange *exchange, uint8_t unit, uint32_t sequence,
                      const uint8_t *message, uint32_t bytes) {
    uint8_t packet[256];
    struct rw_pitch_writer writer;
    rw_pitch_begin(&writer, packet, sizeof packet, unit, sequence);
    if (bytes) assert_true(rw_pitch_put(&writer, message, bytes));
    feed_payload(exchange->feed, 0, packet, rw_pitch_end(&writer));
}

static void send(struct exchange *exchange, const uint8_t *message, uint32_t bytes) {
    send_unit(exchange, UNIT, exchange->sequence++, message, bytes);
}

/* Tells the second if need be; returns the nanoseconds behind it. */
static uint32_t tell_time(struct exchange *exchange, uint64_t time_ns) {
    uint8_t message[RW_PITCH_MESSAGE_MAX];
    uint64_t second = time_ns / 1000000000;
    if (second != exchange->second)
        send(exchange, message, rw_pitch_time(message, (uint32_t)second));
    exchange->second = second;
    return (uint32_t)(time_ns % 1000000000);
}

static void add(struct exchange *exchange, uint64_t order, char side, uint32_t quantity,
                const char *symbol, uint64_t price) {
    uint8_t message[RW_PITCH_MESSAGE_MAX];
    send(exchange, message, rw_pitch_add(message, 5, order, side, quantity, symbol, price));
}

static void bad_messages_are_counted_and_change_nothing(void **state) {
    struct exchange exchange;
    exchange_open(&exchange);
    uint8_t message[RW_PITCH_MESSAGE_MAX] = {0x77, 1};
    send(&exchange, message, 2);
    assert_int_equal(rw_stat_get(&exchange.feed->feed.unknown_type), 1);
    send(&exchange, message, rw_pitch_delete(message, 1, 9) - 1);
    assert_int_equal(rw_stat_get(&exchange.feed->feed.malformed), 1);
    send(&exchange, message, rw_pitch_delete(message, 1, 9)); /* of an order never added */
    assert_int_equal(rw_stat_get(&exchange.feed->book.unknown_reference), 1);
    send(&exchange, message, rw_pitch_break(message, 1, 9)); /* of a trade never told */
    assert_int_equal(feed_own(exchange.feed, "unknown_trade"), 1);
    add(&exchange, 1, 'X', 10, "AA", 10000);
    assert_int_equal(rw_stat_get(&exchange.feed->book.bad_order), 1);
    assert_int_equal(rw_stat_get(&exchange.feed->feed.messages), 5);
    assert_int_equal(rw_stat_get(&exchange.feed->feed.bbo), 0);
    feed_free(exchange.feed);
}

static void a_price_that_does_not_fit_is_counted_and_never_wraps(void **state) {
    struct exchange exchange;
    uint8_t message[RW_PITCH_MESSAGE_MAX];
    exchange_open(&exchange);
    add(&exchange, 1, 'B', 10, "AA", (uint64_t)INT32_MAX + 1);
    add(&exchange, 2, 'B', 10, "AA", UINT64_MAX);
    add(&exchange, 3, 'B', 10, "AA", INT32_MAX);
    assert_int_equal(feed_own(exchange.feed, "price_range"), 2);
    struct rw_tick_body body = tick_of(tick_kind(exchange.feed, RW_TICK_BBO));
    assert_int_equal(body.bid_price, INT32_MAX);
    send(&exchange, message, rw_pitch_modify(message, 1, 3, 10, UINT64_MAX - 1, false));
    assert_int_equal(feed_own(exchange.feed, "price_range"), 3); /* and the order is gone */
    assert_int_equal(tick_of(tick_kind(exchange.feed, RW_TICK_BBO)).bid_quantity, 0);
    send(&exchange, message, rw_pitch_trade(message, 1, 'B', 5, "AA", 1ull << 40, 77));
    assert_null(tick_kind(exchange.feed, RW_TICK_TRADE));
    feed_free(exchange.feed);
}

static void the_second_and_the_offset_make_the_event_time(void **state) {
    struct exchange exchange;
    uint8_t message[RW_PITCH_MESSAGE_MAX];
    exchange_open(&exchange);
    send(&exchange, message, rw_pitch_time(message, 34200));
    send(&exchange, message, rw_pitch_add(message, 999999999, 1, 'B', 10, "AA", 1234500));
    assert_int_equal(tick_kind(exchange.feed, RW_TICK_BBO)->event_time_ns, 34200999999999ull);
    send(&exchange, message, rw_pitch_time(message, 34201));
    send(&exchange, message, rw_pitch_delete(message, 3, 1));
    assert_int_equal(tick_kind(exchange.feed, RW_TICK_BBO)->event_time_ns, 34201000000003ull);
    feed_free(exchange.feed);
}

static void an_execution_with_a_remainder_leaves_just_that(void **state) {
    struct exchange exchange;
    uint8_t message[RW_PITCH_MESSAGE_MAX];
    exchange_open(&exchange);
    add(&exchange, 1, 'S', 100, "AA", 20000);
    send(&exchange, message, rw_pitch_execute_at(message, 1, 1, 30, 50, 4, 19900));
    struct rw_tick_body body = tick_of(tick_kind(exchange.feed, RW_TICK_TRADE));
    assert_int_equal(body.last_price, 19900);
    assert_int_equal(body.last_quantity, 30);
    assert_int_equal(body.ask_quantity, 50);
    feed_free(exchange.feed);
}

static void an_auction_summary_gives_no_trade(void **state) {
    struct exchange exchange;
    uint8_t message[RW_PITCH_MESSAGE_MAX];
    exchange_open(&exchange);
    send(&exchange, message, rw_pitch_auction(message, 1, "AA", 'C', 20000, 500));
    assert_int_equal(exchange.feed->count, 1);
    assert_int_equal(exchange.feed->out[0].type, RW_FEED_DIRECTORY);
    feed_free(exchange.feed);
}

static void only_trading_is_not_halted(void **state) {
    struct exchange exchange;
    uint8_t message[RW_PITCH_MESSAGE_MAX];
    const char states[] = "HTQRTSA";
    bool halted = false;
    exchange_open(&exchange);
    for (const char *letter = states; *letter; letter++) {
        send(&exchange, message, rw_pitch_status(message, 1, "AA", *letter));
        const struct rw_entry *status = tick_kind(exchange.feed, RW_TICK_STATUS);
        assert_int_equal(status != NULL, halted != (*letter != 'T'));
        halted = *letter != 'T';
        if (status) assert_int_equal(!!(tick_of(status).quality & RW_QUALITY_HALTED), halted);
    }
    feed_free(exchange.feed);
}

static void a_unit_clear_empties_every_book_a_tick_each(void **state) {
    struct exchange exchange;
    uint8_t message[RW_PITCH_MESSAGE_MAX];
    exchange_open(&exchange);
    for (uint32_t i = 0; i < 300; i++) {
        char symbol[8];
        snprintf(symbol, sizeof symbol, "S%u", i);
        add(&exchange, 1 + i, i % 2 ? 'B' : 'S', 10, symbol, 10000 + i);
    }
    send(&exchange, message, rw_pitch_clear(message, 8));
    assert_int_equal(exchange.feed->count, 300);
    for (uint32_t i = 0; i < 300; i++) {
        struct rw_tick_body body = tick_of(&exchange.feed->out[i]);
        assert_int_equal(exchange.feed->out[i].instrument, 1 + i);
        assert_int_equal(body.index, 4 * (1 + i)); /* an event each, behind one without */
        assert_int_equal(body.bid_quantity + body.ask_quantity, 0);
    }
    add(&exchange, 1, 'B', 10, "S0", 10000); /* the number is free again */
    assert_int_equal(rw_stat_get(&exchange.feed->book.duplicate_reference), 0);
    feed_free(exchange.feed);
}

static void another_unit_is_foreign_and_never_followed(void **state) {
    struct exchange exchange;
    uint8_t message[RW_PITCH_MESSAGE_MAX];
    exchange_open(&exchange);
    add(&exchange, 1, 'B', 10, "AA", 10000);
    uint32_t bytes = rw_pitch_add(message, 1, 2, 'B', 10, "AA", 20000);
    for (uint32_t i = 0; i < 10; i++) send_unit(&exchange, UNIT + 1, 1 + i, message, bytes);
    assert_int_equal(rw_stat_get(&exchange.feed->channel.foreign), 10);
    assert_int_equal(rw_stat_get(&exchange.feed->feed.messages), 1);
    feed_free(exchange.feed);
}

static void heartbeats_find_gaps_unless_their_sequence_is_0(void **state) {
    struct exchange exchange;
    exchange_open(&exchange);
    add(&exchange, 1, 'B', 10, "AA", 10000);
    send_unit(&exchange, UNIT, 0, NULL, 0);
    feed_wait(exchange.feed);
    assert_int_equal(rw_stat_get(&exchange.feed->channel.gaps), 0);
    send_unit(&exchange, UNIT, 5, NULL, 0);
    feed_wait(exchange.feed);
    assert_int_equal(rw_stat_get(&exchange.feed->channel.gap_messages), 3);
    feed_free(exchange.feed);
}

static void the_end_of_session_ends_the_channel(void **state) {
    struct exchange exchange;
    uint8_t message[RW_PITCH_MESSAGE_MAX];
    exchange_open(&exchange);
    add(&exchange, 1, 'B', 10, "AA", 10000);
    send(&exchange, message, rw_pitch_end_of_session(message, 4));
    assert_int_equal(exchange.feed->count, 1);
    assert_int_equal(exchange.feed->out[0].type, RW_ENTRY_END);
    assert_int_equal(rw_feed_state(exchange.feed->core), RW_CHANNEL_ENDED);
    feed_free(exchange.feed);
}

static void instruments_beyond_the_plan_are_counted_not_mixed_up(void **state) {
    struct exchange exchange = {.sequence = 1};
    exchange.feed = feed_new(
        &rw_pitch_venue,
        &(struct rw_books_cfg){.book = {.orders_max = 64, .levels_max = 64}, .instruments_max = 2});
    const char *symbols[] = {"AA", "BB", "CC", "AA"};
    for (uint32_t i = 0; i < 4; i++) add(&exchange, 1 + i, 'B', 10, symbols[i], 10000 + i);
    assert_int_equal(feed_own(exchange.feed, "instruments_full"), 1);
    assert_int_equal(exchange.feed->out[0].instrument, 1);
    assert_int_equal(rw_stat_get(&exchange.feed->feed.bbo), 3);
    feed_free(exchange.feed);
}

/* A change of the naive market as a message; 0: it has none of it. */
static uint32_t encode(const struct change *change, uint8_t *message, uint32_t offset) {
    const char *symbol = symbol_names[change->symbol];
    switch (change->kind) {
    case CHANGE_ADD:
        return rw_pitch_add(message, offset, change->reference, change->side, change->shares,
                            symbol, change->price);
    case CHANGE_EXECUTE:
        return rw_pitch_execute(message, offset, change->reference, change->shares,
                                change->execution);
    case CHANGE_EXECUTE_AT:
        return rw_pitch_execute_at(message, offset, change->reference, change->shares, change->left,
                                   change->execution, change->price);
    case CHANGE_REDUCE:
        return rw_pitch_reduce(message, offset, change->reference, change->shares);
    case CHANGE_MODIFY:
        return rw_pitch_modify(message, offset, change->reference, change->shares, change->price,
                               change->keep);
    case CHANGE_DELETE:
        return rw_pitch_delete(message, offset, change->reference);
    case CHANGE_TRADE:
        return rw_pitch_trade(message, offset, change->side, change->shares, symbol, change->price,
                              change->execution);
    case CHANGE_BREAK:
        return rw_pitch_break(message, offset, change->execution);
    default:
        return rw_pitch_status(message, offset, symbol, change->shares ? 'H' : 'T');
    }
}

/* The queue of each level stands in the naive market's order. */
static void expect_queues(const struct venue_feed *feed, const struct market *market) {
    struct rw_named_books *const *named = rw_feed_books(feed->core);
    struct rw_book_order queue[ORDERS_MAX];
    for (uint32_t symbol = 0; symbol < SYMBOLS; symbol++) {
        uint16_t locate = locate_of(feed, symbol_names[symbol]);
        for (uint32_t i = 0; locate && i < rw_book_depth((*named)->book, locate, RW_BOOK_BID);
             i++) {
            uint32_t count =
                rw_book_queue((*named)->book, locate, RW_BOOK_BID, i, queue, ORDERS_MAX);
            for (uint32_t k = 0, at = 0; k < count; k++, at++) {
                while (market->orders[at].symbol != symbol || market->orders[at].side != 'B' ||
                       market->orders[at].price != (uint32_t)queue[0].price)
                    assert_true(++at < market->count);
                assert_int_equal(queue[k].reference, market->orders[at].reference);
                assert_int_equal(queue[k].shares, market->orders[at].shares);
            }
        }
    }
}

static void random_sessions_keep_the_books_of_a_naive_market(void **state) {
    uint64_t seed = test_seed();
    struct exchange exchange;
    struct market market;
    uint64_t unknown = 0;
    market_new(&market, seed);
    exchange_open(&exchange);
    for (uint32_t i = 0; i < 20000; i++) {
        uint8_t message[RW_PITCH_MESSAGE_MAX];
        struct change change = market_step(&market, ~(1u << CHANGE_EMPTY));
        uint32_t offset = tell_time(&exchange, market.time_ns);
        send(&exchange, message, encode(&change, message, offset));
        expect_change(exchange.feed, &market, &change);
        unknown += change.kind == CHANGE_BREAK && !market.traded;
        if (i % 500 == 0) expect_books(exchange.feed, &market, true);
        if (i % 500 == 0) expect_queues(exchange.feed, &market);
    }
    assert_int_equal(rw_stat_get(&exchange.feed->book.unknown_reference), 0);
    assert_int_equal(feed_own(exchange.feed, "unknown_trade"), unknown);
    feed_free(exchange.feed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_messages_are_counted_and_change_nothing),
        cmocka_unit_test(a_price_that_does_not_fit_is_counted_and_never_wraps),
        cmocka_unit_test(the_second_and_the_offset_make_the_event_time),
        cmocka_unit_test(an_execution_with_a_remainder_leaves_just_that),
        cmocka_unit_test(an_auction_summary_gives_no_trade),
        cmocka_unit_test(only_trading_is_not_halted),
        cmocka_unit_test(a_unit_clear_empties_every_book_a_tick_each),
        cmocka_unit_test(another_unit_is_foreign_and_never_followed),
        cmocka_unit_test(heartbeats_find_gaps_unless_their_sequence_is_0),
        cmocka_unit_test(the_end_of_session_ends_the_channel),
        cmocka_unit_test(instruments_beyond_the_plan_are_counted_not_mixed_up),
        cmocka_unit_test(random_sessions_keep_the_books_of_a_naive_market),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
