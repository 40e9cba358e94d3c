/* Open orders: each id one order a day, and what is open after each of its events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "risk/order_core.h"
#include "tests/unit/risk/risk_driver.h"

struct table {
    struct rw_orders orders;
    void *memory;
};

static void setup(struct table *table, uint32_t count_max) {
    table->memory = aligned_zeroed(rw_orders_footprint(count_max));
    rw_orders_new(&table->orders, table->memory, count_max);
}

static enum rw_order_outcome take(struct table *table, uint8_t kind, uint64_t id, char side,
                                  int64_t quantity, struct rw_order *after) {
    const struct rw_order_body body = {
        .order_id = id, .portfolio = 3, .side = (uint8_t)side, .kind = kind, .quantity = quantity};
    struct rw_order *order, before;
    enum rw_order_outcome outcome = rw_orders_take(&table->orders, 7, &body, 1000, &order, &before);
    *after = *order;
    if (outcome != RW_ORDER_APPLIED) assert_memory_equal(order, &before, sizeof before);
    return outcome;
}

static void what_does_not_fit_the_order_is_told_apart_and_changes_nothing(void **state) {
    struct table table;
    struct rw_order order;
    setup(&table, 2);
    assert_int_equal(take(&table, RW_ORDER_CANCELLED, 1, 'B', 0, &order), RW_ORDER_UNKNOWN);
    assert_int_equal(take(&table, RW_ORDER_ACCEPTED, 1, 'B', 100, &order), RW_ORDER_APPLIED);
    assert_int_equal(take(&table, RW_ORDER_ACCEPTED, 1, 'B', 100, &order), RW_ORDER_REPEATED);
    assert_int_equal(take(&table, RW_ORDER_ACCEPTED, 1, 'S', 100, &order), RW_ORDER_CONFLICT);
    assert_int_equal(take(&table, RW_ORDER_REPLACED, 1, 'S', 100, &order), RW_ORDER_CONFLICT);
    assert_int_equal(take(&table, RW_ORDER_REJECTED, 2, 'S', 100, &order), RW_ORDER_APPLIED);
    assert_int_equal(order.open, 0);
    assert_int_equal(take(&table, RW_ORDER_REPLACED, 2, 'S', 100, &order), RW_ORDER_UNKNOWN);
    assert_int_equal(take(&table, RW_ORDER_ACCEPTED, 3, 'S', 100, &order), RW_ORDER_FULL);
    assert_int_equal(take(&table, RW_ORDER_EXPIRED, 1, 'B', 0, &order), RW_ORDER_APPLIED);
    assert_int_equal(order.open, 0);
    free(table.memory);
}

static void fills_and_replacements_move_what_is_open(void **state) {
    struct table table;
    struct rw_order order, before;
    setup(&table, 16);
    struct rw_fill_body fill = {.reference = 5, .portfolio = 3, .side = 'S', .quantity = 30};
    assert_null(rw_orders_fill(&table.orders, 7, &fill, &before));
    take(&table, RW_ORDER_ACCEPTED, 5, 'S', 100, &order);
    assert_int_equal(rw_orders_fill(&table.orders, 7, &fill, &before)->open, 70);
    assert_int_equal(before.open, 100);
    assert_null(rw_orders_fill(&table.orders, 8, &fill, &before));
    take(&table, RW_ORDER_REPLACED, 5, 'S', 20, &order);
    assert_int_equal(order.open, 20);
    assert_int_equal(rw_orders_fill(&table.orders, 7, &fill, &before)->open, 0); /* overfilled */
    assert_null(rw_orders_fill(&table.orders, 7, &fill, &before));
    free(table.memory);
}

static void a_limit_looks_both_ways(void **state) {
    struct rw_open_limit limit = {.open = {50, 80}, .soft = 100, .hard = 130, .limited = true};
    assert_false(rw_open_step(&limit, 0));
    assert_true(rw_open_step(&limit, -20)); /* 100 short */
    assert_int_equal(limit.state, RW_LIMIT_SOFT);
    assert_true(rw_open_step(&limit, 80)); /* 130 long */
    assert_int_equal(limit.state, RW_LIMIT_HARD);
    limit.open = (struct rw_open){0, RW_MONEY_MAX - 1};
    assert_false(rw_open_step(&limit, -(RW_MONEY_MAX - 1))); /* does not overflow */
}

static void every_order_that_reaches_the_limit_is_told(void **state) {
    struct rw_order_limit limit = {.soft = 100, .hard = 200, .limited = true};
    const struct {
        int64_t value;
        uint8_t state;
        bool told;
    } orders[] = {{99, 0, false}, {100, 1, true}, {150, 1, true}, {200, 2, true},
                  {300, 2, true}, {1, 0, true},   {2, 0, false}};
    for (uint32_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        assert_int_equal(rw_order_limit_step(&limit, orders[i].value), orders[i].told);
        assert_int_equal(limit.state, orders[i].state);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_does_not_fit_the_order_is_told_apart_and_changes_nothing),
        cmocka_unit_test(fills_and_replacements_move_what_is_open),
        cmocka_unit_test(a_limit_looks_both_ways),
        cmocka_unit_test(every_order_that_reaches_the_limit_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
