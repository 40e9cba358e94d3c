/* rx_core in virtual time: order, pace, hurry, ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dataplane/base/rng.h"
#include "dataplane/nic/rx_core.h"
#include "tests/unit/base/dies.h"

#define S 1000000000ull

/* A port's capture times, and how far they were given to the core. */
struct times {
    const uint64_t *at;
    uint32_t count, next;
};

/* Gives heads and ends until the core has decided; returns the step. */
static enum rw_rx_step step(struct rw_rx_core *core, struct times *ports, uint64_t now, bool hurry,
                            uint32_t *port) {
    enum rw_rx_step step;
    while ((step = rw_rx_core_next(core, now, hurry, port)) == RW_RX_NEED) {
        struct times *times = &ports[*port];
        if (times->next == times->count)
            rw_rx_core_end(core, *port);
        else
            rw_rx_core_head(core, *port, times->at[times->next++]);
    }
    return step;
}

static void packets_come_in_order_of_time_then_port(void **state) {
    static const uint64_t a[] = {9, 12, 20}, b[] = {10, 12, 15, 20};
    static const struct {
        uint32_t port;
        uint64_t time; /* of its own for each */
    } wanted[] = {{0, 9}, {1, 10}, {0, 12}, {1, 13}, {1, 15}, {0, 20}, {1, 21}};
    struct times ports[] = {{a, 3, 0}, {b, 4, 0}};
    struct rw_rx_core core;
    uint32_t port;
    rw_rx_core_init(&core, 2, 0);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        assert_int_equal(step(&core, ports, 0, false, &port), RW_RX_RELEASE);
        assert_int_equal(port, wanted[i].port);
        assert_int_equal(rw_rx_core_take(&core, port), wanted[i].time);
    }
    assert_int_equal(step(&core, ports, 0, false, &port), RW_RX_DONE);
    assert_int_equal(step(&core, ports, 0, false, &port), RW_RX_DONE);
}

static void without_ports_it_is_done_at_once(void **state) {
    struct rw_rx_core core;
    uint32_t port;
    rw_rx_core_init(&core, 0, 1);
    assert_int_equal(rw_rx_core_next(&core, 5, false, &port), RW_RX_DONE);
}

static void nothing_goes_while_a_port_is_unknown(void **state) {
    struct rw_rx_core core;
    uint32_t port;
    rw_rx_core_init(&core, 2, 0);
    rw_rx_core_head(&core, 0, 5);
    assert_int_equal(rw_rx_core_next(&core, 0, false, &port), RW_RX_NEED);
    assert_int_equal(port, 1); /* its next packet might be earlier */
}

static void the_pace_is_the_captures_divided_by_the_speed(void **state) {
    for (uint32_t speed = 1; speed <= 8; speed *= 2) {
        static const uint64_t a[] = {100 * S, 108 * S, 124 * S};
        struct times ports[] = {{a, 3, 0}};
        struct rw_rx_core core;
        uint32_t port;
        rw_rx_core_init(&core, 1, speed);
        assert_int_equal(step(&core, ports, 7, false, &port), RW_RX_RELEASE);
        rw_rx_core_take(&core, port);
        assert_int_equal(step(&core, ports, 7, false, &port), RW_RX_WAIT);
        assert_int_equal(core.due_ns, 7 + 8 * S / speed);
        assert_int_equal(step(&core, ports, core.due_ns - 1, false, &port), RW_RX_WAIT);
        assert_int_equal(step(&core, ports, core.due_ns, false, &port), RW_RX_RELEASE);
        rw_rx_core_take(&core, port);
        /* being late does not shift the schedule */
        assert_int_equal(step(&core, ports, 7 + 23 * S / speed, false, &port), RW_RX_WAIT);
        assert_int_equal(core.due_ns, 7 + 24 * S / speed);
        assert_int_equal(step(&core, ports, 7 + 90 * S, false, &port), RW_RX_RELEASE);
    }
}

static void in_a_hurry_nothing_waits_and_the_pace_starts_anew_after_it(void **state) {
    static const uint64_t a[] = {0, 10 * S, 20 * S, 25 * S, 29 * S};
    struct times ports[] = {{a, 5, 0}};
    struct rw_rx_core core;
    uint32_t port;
    rw_rx_core_init(&core, 1, 1);
    assert_int_equal(step(&core, ports, 0, false, &port), RW_RX_RELEASE);
    rw_rx_core_take(&core, port);
    assert_int_equal(step(&core, ports, 1, false, &port), RW_RX_WAIT);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(step(&core, ports, 2, true, &port), RW_RX_RELEASE);
        rw_rx_core_take(&core, port);
    }
    /* 25 s of capture is now: it is due at once, and the next 4 s later */
    assert_int_equal(step(&core, ports, 3 * S, false, &port), RW_RX_RELEASE);
    assert_int_equal(rw_rx_core_take(&core, port), 25 * S);
    assert_int_equal(step(&core, ports, 7 * S - 1, false, &port), RW_RX_WAIT);
    assert_int_equal(step(&core, ports, 7 * S, false, &port), RW_RX_RELEASE);
}

static void stamps_that_step_back_go_at_once_and_the_feeds_clock_goes_on(void **state) {
    static const uint64_t a[] = {50 * S, 40 * S, 51 * S};
    struct times ports[] = {{a, 3, 0}};
    struct rw_rx_core core;
    uint32_t port;
    rw_rx_core_init(&core, 1, 1);
    assert_int_equal(step(&core, ports, 0, false, &port), RW_RX_RELEASE);
    assert_int_equal(rw_rx_core_take(&core, port), 50 * S);
    assert_int_equal(step(&core, ports, 0, false, &port), RW_RX_RELEASE);
    assert_int_equal(rw_rx_core_take(&core, port), 50 * S + 1);
    assert_int_equal(rw_rx_core_tick(&core), 50 * S + 2);
    assert_int_equal(step(&core, ports, 0, false, &port), RW_RX_WAIT);
}

static void take_without_head(void *core) { rw_rx_core_take(core, 0); }
static void end_twice(void *core) { rw_rx_core_end(core, 0); }

static void calls_out_of_turn_are_bugs(void **state) {
    struct rw_rx_core core;
    rw_rx_core_init(&core, 1, 1);
    assert_true(dies(take_without_head, &core));
    rw_rx_core_end(&core, 0);
    assert_true(dies(end_twice, &core));
}

/* Whatever the pace and whenever it is asked, the order is that of a plain merge. */
static void the_order_does_not_depend_on_pace_or_visits(void **state) {
    const char *given = getenv("RW_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : 7;
    struct rw_rng rng;
    print_message("seed %llu\n", (unsigned long long)seed);
    rw_rng_seed(&rng, seed);
    for (int round = 0; round < 300; round++) {
        enum { PORTS = 4, COUNT = 40 };
        uint64_t at[PORTS][COUNT];
        for (int p = 0; p < PORTS; p++)
            for (int i = 0; i < COUNT; i++)
                at[p][i] = (i ? at[p][i - 1] : 1000) + rw_rng_below(&rng, 3) * 1000;
        uint32_t order[2][PORTS * COUNT];
        for (int run = 0; run < 2; run++) {
            struct times ports[PORTS];
            struct rw_rx_core core;
            for (int p = 0; p < PORTS; p++) ports[p] = (struct times){at[p], COUNT, 0};
            rw_rx_core_init(&core, PORTS, run ? 1 + (uint32_t)rw_rng_below(&rng, 3) : 0);
            uint64_t now = 0, last = 0;
            for (uint32_t taken = 0; taken < PORTS * COUNT;) {
                bool hurry = run && rw_rng_chance(&rng, 1, 10);
                uint32_t port;
                now += rw_rng_below(&rng, 700);
                if (step(&core, ports, now, hurry, &port) != RW_RX_RELEASE) continue;
                uint64_t clock = rw_rx_core_take(&core, port);
                assert_true(clock > last);
                last = clock;
                order[run][taken++] = port;
            }
        }
        assert_memory_equal(order[0], order[1], sizeof order[0]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_come_in_order_of_time_then_port),
        cmocka_unit_test(without_ports_it_is_done_at_once),
        cmocka_unit_test(nothing_goes_while_a_port_is_unknown),
        cmocka_unit_test(the_pace_is_the_captures_divided_by_the_speed),
        cmocka_unit_test(in_a_hurry_nothing_waits_and_the_pace_starts_anew_after_it),
        cmocka_unit_test(stamps_that_step_back_go_at_once_and_the_feeds_clock_goes_on),
        cmocka_unit_test(calls_out_of_turn_are_bugs),
        cmocka_unit_test(the_order_does_not_depend_on_pace_or_visits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
