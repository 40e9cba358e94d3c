/* The table of live orders against a naive list. */
#include "dataplane/base/rng.h"
#include "tests/unit/tools/venue_fixture.h"
#include "tools/riskwire/venue_orders.h"

#define ORDERS 6000u
#define STEPS  60000u

static void a_random_day_leaves_the_same_orders_as_a_list(void **state) {
    static struct rw_venue_order list[ORDERS];
    struct rw_venue_orders orders = {0};
    struct rw_rng rng;
    uint32_t count = 0;
    rw_rng_seed(&rng, venue_seed());
    for (uint64_t step = 1; step <= STEPS; step++) {
        bool is_growing = step < STEPS / 2;
        if (count < ORDERS && rw_rng_chance(&rng, is_growing ? 60 : 40, 100)) {
            /* references come in steps of 4, so that neighbours share a home */
            struct rw_venue_order order = {
                .reference = 4 * step, .id = step, .shares = 1 + (uint32_t)rw_rng_below(&rng, 5)};
            rw_venue_orders_add(&orders, &order);
            list[count++] = order;
        } else if (count > 0) {
            uint32_t at = (uint32_t)rw_rng_below(&rng, count);
            struct rw_venue_order *found = rw_venue_orders_find(&orders, list[at].reference);
            uint32_t shares = 1 + (uint32_t)rw_rng_below(&rng, list[at].shares);
            assert_memory_equal(found, &list[at], sizeof *found);
            rw_venue_orders_reduce(&orders, found, shares);
            list[at].shares -= shares;
            if (list[at].shares == 0) list[at] = list[--count];
        }
        assert_int_equal(orders.used, count);
    }
    for (uint32_t i = 0; i < count; i++)
        assert_memory_equal(rw_venue_orders_find(&orders, list[i].reference), &list[i],
                            sizeof *list);
    assert_true(count > 100);
    rw_venue_orders_fini(&orders);
    assert_null(orders.place);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_random_day_leaves_the_same_orders_as_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
