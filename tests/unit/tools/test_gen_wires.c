/* Wires that lose, hold back and double: every packet is accounted for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/riskwire/gen_wires.h"

#define PACKETS 20000u

static uint64_t seed(void) {
    const char *text = getenv("RW_SEED");
    uint64_t value = text ? strtoull(text, NULL, 10) : 1;
    printf("RW_SEED=%llu\n", (unsigned long long)value);
    return value;
}

static struct rw_gen_wires_cfg hostile(uint64_t from) {
    return (struct rw_gen_wires_cfg){.seed = from,
                                     .latency_ns = {1000, 13000},
                                     .jitter_ns = 4000,
                                     .spacing_ns = 400,
                                     .loss_ppm = {50000, 50000},
                                     .loss_run = 1,
                                     .reorder_ppm = 50000,
                                     .duplicate_ppm = 50000,
                                     .packets_max = RW_GEN_WIRE_PACKETS_MIN,
                                     .independent = true};
}

struct journey {
    uint64_t sent[RW_GEN_WIRES], arrived[RW_GEN_WIRES], overtaken[RW_GEN_WIRES], sum;
    uint8_t copies[RW_GEN_WIRES][PACKETS];
    struct rw_gen_wires_count count;
};

static void take(struct rw_gen_wires *wires, struct journey *journey, uint32_t which,
                 uint64_t until_ns, uint64_t *last_ns, uint32_t *highest) {
    const struct rw_gen_wire_packet *packet;
    uint32_t number;
    while ((packet = rw_gen_wires_take(wires, which, until_ns))) {
        assert_true(packet->time_ns >= *last_ns);
        *last_ns = packet->time_ns;
        memcpy(&number, packet->payload, sizeof number);
        journey->arrived[which]++;
        journey->copies[which][number]++;
        journey->overtaken[which] += number < *highest;
        if (number > *highest) *highest = number;
        journey->sum = journey->sum * 31 + packet->time_ns + number;
    }
}

static struct journey *travel(const struct rw_gen_wires_cfg *cfg, uint64_t gap_ns) {
    struct rw_gen_wires *wires = rw_gen_wires_new(cfg);
    struct journey *journey = calloc(1, sizeof *journey);
    uint64_t last_ns[RW_GEN_WIRES] = {0};
    uint32_t highest[RW_GEN_WIRES] = {0};
    assert_non_null(journey);
    for (uint32_t number = 0; number < PACKETS; number++) {
        uint64_t now_ns = number * gap_ns;
        uint32_t lost = rw_gen_wires_draw(wires);
        for (uint32_t which = 0; which < RW_GEN_WIRES; which++) {
            if (!(lost >> which & 1)) {
                rw_gen_wires_send(wires, which, now_ns, (const uint8_t *)&number, sizeof number);
                journey->sent[which]++;
            }
            take(wires, journey, which, now_ns + cfg->latency_ns[which], &last_ns[which],
                 &highest[which]);
        }
    }
    for (uint32_t which = 0; which < RW_GEN_WIRES; which++) {
        take(wires, journey, which, UINT64_MAX, &last_ns[which], &highest[which]);
        assert_int_equal(rw_gen_wires_due(wires, which), UINT64_MAX);
    }
    journey->count = rw_gen_wires_counted(wires);
    rw_gen_wires_free(wires);
    return journey;
}

static void every_packet_is_lost_or_arrives_as_often_as_was_counted(void **state) {
    struct rw_gen_wires_cfg cfg = hostile(seed());
    struct journey *journey = travel(&cfg, 5000);
    uint64_t never = 0;
    for (uint32_t which = 0; which < RW_GEN_WIRES; which++) {
        assert_int_equal(journey->sent[which] + journey->count.lost[which], PACKETS);
        assert_int_equal(journey->arrived[which],
                         journey->sent[which] + journey->count.duplicated[which]);
        assert_in_range(journey->count.lost[which], PACKETS * 4 / 100, PACKETS * 6 / 100);
        assert_in_range(journey->count.duplicated[which], PACKETS * 4 / 100, PACKETS * 6 / 100);
        assert_true(journey->overtaken[which] >= journey->count.reordered[which]);
    }
    for (uint32_t i = 0; i < PACKETS; i++)
        never += !journey->copies[0][i] && !journey->copies[1][i];
    assert_int_equal(never, journey->count.both_lost);
    assert_in_range(never, PACKETS / 1000, PACKETS * 5 / 1000);
    assert_int_equal(journey->count.hurried, 0);
    free(journey);
}

static void what_one_wire_loses_the_other_brings_unless_they_are_independent(void **state) {
    struct rw_gen_wires_cfg cfg = hostile(seed());
    cfg.independent = false;
    cfg.loss_run = 3;
    struct journey *journey = travel(&cfg, 5000);
    for (uint32_t i = 0; i < PACKETS; i++)
        assert_true(journey->copies[0][i] || journey->copies[1][i]);
    assert_int_equal(journey->count.both_lost, 0);
    assert_true(journey->count.lost[0] > PACKETS / 20 && journey->count.lost[1] > PACKETS / 20);
    free(journey);
}

/* Far more is sent than the wire holds: nothing is dropped, it is early, and that is counted. */
static void a_full_wire_hurries_and_drops_nothing(void **state) {
    struct rw_gen_wires_cfg cfg = hostile(seed());
    cfg.latency_ns[1] = 1000000000;
    cfg.loss_ppm[1] = cfg.duplicate_ppm = 0;
    struct rw_gen_wires *wires = rw_gen_wires_new(&cfg);
    uint64_t taken = 0;
    for (uint32_t number = 0; number < PACKETS; number++) {
        rw_gen_wires_send(wires, 1, number * 1000ull, (const uint8_t *)&number, sizeof number);
        while (rw_gen_wires_take(wires, 1, 0)) taken++;
    }
    assert_in_range(PACKETS - taken, 1, RW_GEN_WIRE_PACKETS_MIN);
    while (rw_gen_wires_take(wires, 1, UINT64_MAX)) taken++;
    struct rw_gen_wires_count count = rw_gen_wires_counted(wires);
    assert_int_equal(taken, PACKETS);
    assert_true(count.hurried > PACKETS / 2);
    rw_gen_wires_free(wires);
}

static void a_seed_gives_the_same_arrivals_again_and_another_one_does_not(void **state) {
    struct rw_gen_wires_cfg cfg = hostile(7), other = hostile(8);
    struct journey *first = travel(&cfg, 900), *again = travel(&cfg, 900);
    struct journey *different = travel(&other, 900);
    assert_true(first->sum == again->sum);
    assert_false(first->sum == different->sum);
    free(first);
    free(again);
    free(different);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_packet_is_lost_or_arrives_as_often_as_was_counted),
        cmocka_unit_test(what_one_wire_loses_the_other_brings_unless_they_are_independent),
        cmocka_unit_test(a_full_wire_hurries_and_drops_nothing),
        cmocka_unit_test(a_seed_gives_the_same_arrivals_again_and_another_one_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
