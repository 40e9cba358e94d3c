/* What each ITCH 5.0 message does to the books and what the event tells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/feed/itch50_book.h"
#include "dataplane/feed/itch50_write.h"

struct bench {
    void *memory;
    struct rw_book *book;
    struct rw_book_counters counters;
    struct rw_book_event event;
    uint8_t message[RW_ITCH50_BYTES_MAX];
};

static int set_up(void **state) {
    struct bench *bench = calloc(1, sizeof *bench);
    struct rw_book_cfg cfg = {.orders_max = 100, .levels_max = 100};
    size_t bytes = rw_book_footprint(&cfg);
    if (!bench || posix_memalign(&bench->memory, 64, bytes)) return -1;
    bench->book = rw_book_new(bench->memory, &cfg, &bench->counters);
    *state = bench;
    return 0;
}

static int tear_down(void **state) {
    struct bench *bench = *state;
    rw_book_check(bench->book);
    free(bench->memory);
    free(bench);
    return 0;
}

static const struct rw_book_event *apply(struct bench *bench) {
    uint32_t bytes = rw_itch50_bytes[bench->message[0]];
    assert_int_equal(rw_itch50_apply(bench->book, bench->message, bytes, &bench->event),
                     RW_ITCH50_OK);
    return &bench->event;
}

static const struct rw_book_event *add(struct bench *bench, uint64_t reference, char side,
                                       uint32_t shares, uint32_t price) {
    rw_itch50_begin(bench->message, 'A', 7, 1000);
    rw_itch50_put_add_order_reference_number(bench->message, reference);
    rw_itch50_put_add_buy_sell_indicator(bench->message, &side);
    rw_itch50_put_add_shares(bench->message, shares);
    rw_itch50_put_add_stock(bench->message, "WIRE    ");
    rw_itch50_put_add_price(bench->message, price);
    return apply(bench);
}

static uint8_t *begin(struct bench *bench, char letter, uint64_t reference) {
    rw_itch50_begin(bench->message, letter, 7, 2000);
    rw_itch50_put_delete_order_reference_number(bench->message, reference);
    return bench->message;
}

static void a_message_that_fails_the_check_changes_nothing(void **state) {
    struct bench *bench = *state;
    add(bench, 1, 'B', 100, 10000);
    begin(bench, 'D', 1);
    assert_int_equal(rw_itch50_apply(bench->book, bench->message, 18, &bench->event),
                     RW_ITCH50_BAD_LENGTH);
    assert_int_equal(bench->event.changed, 0);
    bench->message[0] = '?';
    assert_int_equal(rw_itch50_apply(bench->book, bench->message, 19, &bench->event),
                     RW_ITCH50_UNKNOWN_TYPE);
    assert_int_equal(rw_book_live(bench->book), 1);
}

static void references_never_added_are_ignored_and_counted(void **state) {
    struct bench *bench = *state;
    const char letters[] = "EXCDU";
    for (uint32_t i = 0; letters[i]; i++) {
        begin(bench, letters[i], 99);
        assert_int_equal(apply(bench)->changed, 0);
        assert_int_equal(rw_stat_get(&bench->counters.unknown_reference), i + 1);
    }
    assert_int_equal(rw_book_live(bench->book), 0);
}

static void an_order_without_a_side_is_refused(void **state) {
    struct bench *bench = *state;
    assert_int_equal(add(bench, 1, 'X', 100, 10000)->changed, RW_BOOK_NAMED);
    assert_int_equal(add(bench, 1, 'B', 0, 10000)->changed, 0);
    assert_int_equal(add(bench, 1, 'B', 1, 1u << 31)->changed, 0);
    assert_int_equal(rw_stat_get(&bench->counters.bad_order), 3);
}

static void another_locate_than_the_orders_is_ignored_and_counted(void **state) {
    struct bench *bench = *state;
    add(bench, 1, 'B', 100, 10000);
    begin(bench, 'D', 1);
    rw_itch50_put_delete_stock_locate(bench->message, 8);
    assert_int_equal(apply(bench)->changed, 0);
    assert_int_equal(rw_stat_get(&bench->counters.foreign_locate), 1);
    assert_int_equal(rw_book_live(bench->book), 1);
}

static void an_add_names_its_locate_once_and_moves_the_bbo(void **state) {
    struct bench *bench = *state;
    const struct rw_book_event *event = add(bench, 1, 'B', 100, 10000);
    assert_int_equal(event->changed, RW_BOOK_NAMED | RW_BOOK_BBO);
    assert_int_equal(event->locate, 7);
    assert_int_equal(event->event_time_ns, 1000);
    assert_int_equal(event->before.bid_quantity, 0);
    assert_int_equal(event->after.bid_price, 10000);
    assert_int_equal(event->after.bid_quantity, 100);
    assert_int_equal(event->after.ask_quantity, 0);
    assert_int_equal(add(bench, 2, 'B', 100, 9000)->changed, 0);
    assert_int_equal(add(bench, 3, 'S', 5, 10100)->changed, RW_BOOK_BBO);
    assert_memory_equal(rw_book_symbol(bench->book, 7), "WIRE    ", 8);
}

static void an_execution_is_a_printable_trade_at_the_orders_price(void **state) {
    struct bench *bench = *state;
    add(bench, 1, 'S', 100, 10000);
    uint8_t *message = begin(bench, 'E', 1);
    rw_itch50_put_executed_executed_shares(message, 30);
    rw_itch50_put_executed_match_number(message, 77);
    const struct rw_book_event *event = apply(bench);
    assert_int_equal(event->changed, RW_BOOK_TRADE | RW_BOOK_BBO);
    assert_int_equal(event->price, 10000);
    assert_int_equal(event->quantity, 30);
    assert_int_equal(event->match_number, 77);
    assert_int_equal(event->side, RW_BOOK_ASK);
    assert_true(event->printable);
    assert_int_equal(event->after.ask_quantity, 70);
}

static void an_execution_with_price_may_be_unprintable(void **state) {
    struct bench *bench = *state;
    add(bench, 1, 'B', 100, 10000);
    uint8_t *message = begin(bench, 'C', 1);
    rw_itch50_put_executed_at_executed_shares(message, 100);
    rw_itch50_put_executed_at_printable(message, "N");
    rw_itch50_put_executed_at_execution_price(message, 10050);
    const struct rw_book_event *event = apply(bench);
    assert_int_equal(event->changed, RW_BOOK_TRADE | RW_BOOK_BBO);
    assert_int_equal(event->price, 10050);
    assert_false(event->printable);
    assert_int_equal(event->after.bid_quantity, 0);
    assert_int_equal(rw_book_live(bench->book), 0);
}

static void more_shares_than_the_order_has_remove_it_and_are_counted(void **state) {
    struct bench *bench = *state;
    add(bench, 1, 'B', 100, 10000);
    rw_itch50_put_cancel_canceled_shares(begin(bench, 'X', 1), 101);
    assert_int_equal(apply(bench)->changed, RW_BOOK_BBO);
    assert_int_equal(rw_stat_get(&bench->counters.excess_reduction), 1);
    assert_int_equal(rw_book_live(bench->book), 0);
}

static void a_replacement_goes_to_the_back_of_its_queue(void **state) {
    struct bench *bench = *state;
    struct rw_book_order queue[3];
    add(bench, 1, 'B', 100, 10000);
    add(bench, 2, 'B', 200, 10000);
    uint8_t *message = begin(bench, 'U', 1);
    rw_itch50_put_replace_new_order_reference_number(message, 3);
    rw_itch50_put_replace_shares(message, 50);
    rw_itch50_put_replace_price(message, 10000);
    assert_int_equal(apply(bench)->changed, RW_BOOK_BBO);
    assert_int_equal(rw_book_queue(bench->book, 7, RW_BOOK_BID, 0, queue, 3), 2);
    assert_int_equal(queue[0].reference, 2);
    assert_int_equal(queue[1].reference, 3);
    assert_int_equal(queue[1].shares, 50);
    rw_itch50_put_replace_original_order_reference_number(message, 3);
    rw_itch50_put_replace_new_order_reference_number(message, 4);
    assert_int_equal(apply(bench)->changed, 0); /* same price, same shares: nothing to see */
}

static void a_refused_replacement_still_removes_the_original(void **state) {
    struct bench *bench = *state;
    add(bench, 1, 'B', 100, 10000);
    add(bench, 2, 'B', 200, 9000);
    uint8_t *message = begin(bench, 'U', 1);
    rw_itch50_put_replace_new_order_reference_number(message, 2); /* live */
    rw_itch50_put_replace_shares(message, 50);
    rw_itch50_put_replace_price(message, 11000);
    assert_int_equal(apply(bench)->after.bid_price, 9000);
    assert_int_equal(rw_stat_get(&bench->counters.duplicate_reference), 1);
}

static void hidden_trades_and_crosses_leave_the_book_alone(void **state) {
    struct bench *bench = *state;
    add(bench, 1, 'B', 100, 10000);
    rw_itch50_begin(bench->message, 'P', 7, 0);
    rw_itch50_put_trade_order_reference_number(bench->message, 1);
    rw_itch50_put_trade_buy_sell_indicator(bench->message, "B");
    rw_itch50_put_trade_shares(bench->message, 10);
    rw_itch50_put_trade_stock(bench->message, "WIRE    ");
    rw_itch50_put_trade_price(bench->message, 10050);
    assert_int_equal(apply(bench)->changed, RW_BOOK_TRADE);
    assert_true(bench->event.printable);

    rw_itch50_begin(bench->message, 'Q', 7, 0);
    rw_itch50_put_cross_stock(bench->message, "WIRE    ");
    assert_int_equal(apply(bench)->changed, 0); /* an auction without a cross */
    assert_false(bench->event.printable);
    rw_itch50_put_cross_cross_shares(bench->message, 5000000000ull);
    assert_int_equal(apply(bench)->changed, RW_BOOK_TRADE);
    assert_int_equal(bench->event.quantity, 5000000000ull);
    assert_true(bench->event.cross && bench->event.printable);
    assert_int_equal(rw_book_live(bench->book), 1);
}

static void states_and_system_events_are_told(void **state) {
    struct bench *bench = *state;
    rw_itch50_begin(bench->message, 'H', 9, 0);
    rw_itch50_put_trading_stock(bench->message, "HALT    ");
    rw_itch50_put_trading_trading_state(bench->message, "P");
    assert_int_equal(apply(bench)->changed, RW_BOOK_STATUS | RW_BOOK_NAMED);
    assert_int_equal(bench->event.state, 'P');
    assert_int_equal(rw_book_instrument(bench->book, 9)->state, 'P');
    rw_itch50_begin(bench->message, 'S', 0, 0);
    rw_itch50_put_system_event_code(bench->message, "Q");
    assert_int_equal(apply(bench)->changed, RW_BOOK_SYSTEM);
    assert_int_equal(bench->event.state, 'Q');
    rw_itch50_begin(bench->message, 'B', 9, 0);
    rw_itch50_put_broken_match_number(bench->message, 5);
    assert_int_equal(apply(bench)->changed, RW_BOOK_BREAK);
    assert_int_equal(bench->event.match_number, 5);
}

static void every_type_can_be_applied(void **state) {
    struct bench *bench = *state;
    struct rw_book_coming coming = {0};
    for (uint32_t i = 0; i < RW_ITCH50_TYPE_COUNT; i++) {
        memset(bench->message, ' ', sizeof bench->message);
        bench->message[0] = (uint8_t)rw_itch50_types[i].code;
        apply(bench);
        rw_itch50_coming(&coming, bench->message, rw_itch50_types[i].bytes);
        rw_book_prefetch(bench->book, &coming);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_message_that_fails_the_check_changes_nothing),
        TEST(references_never_added_are_ignored_and_counted),
        TEST(an_order_without_a_side_is_refused),
        TEST(another_locate_than_the_orders_is_ignored_and_counted),
        TEST(an_add_names_its_locate_once_and_moves_the_bbo),
        TEST(an_execution_is_a_printable_trade_at_the_orders_price),
        TEST(an_execution_with_price_may_be_unprintable),
        TEST(more_shares_than_the_order_has_remove_it_and_are_counted),
        TEST(a_replacement_goes_to_the_back_of_its_queue),
        TEST(a_refused_replacement_still_removes_the_original),
        TEST(hidden_trades_and_crosses_leave_the_book_alone),
        TEST(states_and_system_events_are_told),
        TEST(every_type_can_be_applied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
