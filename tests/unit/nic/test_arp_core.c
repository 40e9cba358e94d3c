/* The port's address on its network, over virtual time: what is ignored and limited first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/nic/arp_core.h"

#define MS  1000000ull
#define S   1000000000ull
#define OWN 0x0A4D0064u

static const uint8_t own_mac[] = {2, 0, 0, 0, 0, 7}, other_mac[] = {2, 0, 0, 0, 0, 9};

struct bench {
    struct rw_arp_counters counters;
    struct rw_arp_core core;
    uint64_t now_ns;
    uint8_t frame[RW_ARP_FRAME_BYTES]; /* the last one */
};

static struct bench *bench_new(uint32_t address, uint16_t vlan) {
    struct bench *bench = calloc(1, sizeof *bench);
    struct rw_ether_self self = {.vlan = vlan, .address = address};
    memcpy(self.mac, own_mac, sizeof self.mac);
    rw_arp_init(&bench->core, &self, &bench->counters);
    bench->now_ns = 1000 * S;
    return bench;
}

static void packet(uint8_t packet[28], uint16_t operation, const uint8_t *mac, uint32_t sender,
                   uint32_t target) {
    static const uint8_t head[] = {0, 1, 8, 0, 6, 4};
    memset(packet, 0, 28);
    memcpy(packet, head, sizeof head);
    packet[7] = (uint8_t)operation;
    memcpy(packet + 8, mac, 6);
    rw_store_be32(packet + 14, sender);
    rw_store_be32(packet + 24, target);
}

static void hear(struct bench *bench, const uint8_t *bytes, size_t count) {
    uint8_t *exact = malloc(count ? count : 1); /* so that ASan sees a read beyond the end */
    memcpy(exact, bytes, count);
    rw_arp_take(&bench->core, exact, count, bench->now_ns);
    free(exact);
}

static void ask(struct bench *bench, uint32_t sender, uint32_t target) {
    uint8_t bytes[28];
    packet(bytes, 1, other_mac, sender, target);
    hear(bench, bytes, sizeof bytes);
}

static size_t next(struct bench *bench) {
    return rw_arp_next(&bench->core, bench->now_ns, bench->frame);
}

static void other_things_are_counted_and_not_answered(void **state) {
    struct bench *bench = bench_new(OWN, 0);
    uint8_t good[28], bytes[28];
    packet(good, 1, other_mac, 1, OWN);
    for (size_t cut = 0; cut < sizeof good; cut++) hear(bench, good, cut);
    for (size_t at = 0; at < 6; at++) { /* other hardware, protocol or lengths */
        memcpy(bytes, good, sizeof bytes);
        bytes[at] ^= 0x20;
        hear(bench, bytes, sizeof bytes);
    }
    packet(bytes, 1, (uint8_t[]){255, 255, 255, 255, 255, 255}, 1,
           OWN); /* to be answered to all? */
    hear(bench, bytes, sizeof bytes);
    assert_int_equal(bench->counters.not_understood, 28 + 6 + 1);
    ask(bench, 1, OWN + 1);
    packet(bytes, 2, other_mac, 1, OWN); /* an answer to nobody's question */
    hear(bench, bytes, sizeof bytes);
    assert_int_equal(bench->counters.others, 2);
    packet(bytes, 1, own_mac, OWN, OWN); /* the own announcement come back */
    hear(bench, bytes, sizeof bytes);
    assert_int_equal(bench->counters.address_conflicts, 0);
    assert_int_equal(next(bench), 0);
    assert_true(bench->core.due_ns == RW_ARP_NEVER);
    free(bench);
}

static void a_port_without_an_address_says_nothing(void **state) {
    struct bench *bench = bench_new(0, 0);
    rw_arp_announce(&bench->core, bench->now_ns);
    ask(bench, 1, 0);
    ask(bench, 0, 0);
    assert_int_equal(next(bench), 0);
    assert_int_equal(bench->counters.others, 2);
    assert_int_equal(bench->counters.address_conflicts, 0);
    free(bench);
}

static void a_flood_is_answered_ten_times_and_then_ten_times_a_second(void **state) {
    struct bench *bench = bench_new(OWN, 0);
    uint32_t answers = 0;
    for (uint32_t i = 0; i < 5000; i++, bench->now_ns += MS) { /* for five seconds */
        ask(bench, i, OWN);
        while (next(bench)) answers++;
    }
    assert_in_range(answers, 59, 60);
    assert_int_equal(bench->counters.requests, 5000);
    assert_int_equal(bench->counters.requests_limited, 5000 - answers);
    for (uint32_t i = 0; i < 100; i++) ask(bench, i, OWN); /* and nobody takes the frames */
    assert_true(bench->core.asker_count <= RW_ARP_ANSWERS_MAX);
    free(bench);
}

static void a_request_is_answered_to_the_asker(void **state) {
    struct bench *bench = bench_new(OWN, 0);
    static const uint8_t wanted[] = {2,  0,  0, 0,   0, 9, 2, 0, 0, 0, 0,  7,  8, 6,
                                     0,  1,  8, 0,   6, 4, 0, 2, 2, 0, 0,  0,  0, 7,
                                     10, 77, 0, 100, 2, 0, 0, 0, 0, 9, 10, 77, 0, 2};
    ask(bench, 0x0A4D0002, OWN);
    assert_int_equal(next(bench), 60);
    assert_memory_equal(bench->frame, wanted, sizeof wanted);
    for (size_t i = sizeof wanted; i < 60; i++) assert_int_equal(bench->frame[i], 0);
    assert_int_equal(next(bench), 0);
    free(bench);
}

static void the_address_is_announced_twice_and_again_when_the_link_comes_up(void **state) {
    struct bench *bench = bench_new(OWN, 77);
    static const uint8_t wanted[] = {
        255, 255, 255, 255, 255, 255, 2, 0, 0, 0,  0,  7, 0x81, 0, 0, 77, 8, 6, 0, 1,  8,  0, 6,
        4,   0,   1,   2,   0,   0,   0, 0, 7, 10, 77, 0, 100,  0, 0, 0,  0, 0, 0, 10, 77, 0, 100};
    for (int round = 0; round < 2; round++) {
        rw_arp_announce(&bench->core, bench->now_ns);
        assert_int_equal(next(bench), 60);
        assert_memory_equal(bench->frame, wanted, sizeof wanted);
        bench->now_ns += 2 * S - 1;
        assert_int_equal(next(bench), 0);
        bench->now_ns += 1;
        assert_int_equal(next(bench), 60);
        bench->now_ns += 1000 * S;
        assert_int_equal(next(bench), 0);
    }
    assert_int_equal(bench->counters.announce_frames, 4);
    free(bench);
}

static void another_host_with_the_own_address_is_counted(void **state) {
    struct bench *bench = bench_new(OWN, 0);
    ask(bench, OWN, OWN);
    ask(bench, OWN, 1);
    assert_int_equal(bench->counters.address_conflicts, 2);
    assert_int_equal(next(bench), 0);
    ask(bench, 0, OWN); /* a probe: does anybody have it? */
    assert_int_equal(next(bench), 60);
    free(bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_things_are_counted_and_not_answered),
        cmocka_unit_test(a_port_without_an_address_says_nothing),
        cmocka_unit_test(a_flood_is_answered_ten_times_and_then_ten_times_a_second),
        cmocka_unit_test(a_request_is_answered_to_the_asker),
        cmocka_unit_test(the_address_is_announced_twice_and_again_when_the_link_comes_up),
        cmocka_unit_test(another_host_with_the_own_address_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
