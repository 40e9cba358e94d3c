/* Reports as a router sees them, over virtual time: first what is ignored and bounded, then joins,
 * answers, leaves, IGMPv2, and a router that must never lose a wanted group. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "dataplane/base/rng.h"
#include "dataplane/nic/igmp_core.h"
#include "tests/unit/nic/igmp_wire.h"

#define MS      1000000ull
#define S       1000000000ull
#define OWN     0x0A4D0064u
#define GROUP_A 0xE9360C6Fu
#define GROUP_B 0xE9360C70u
#define VENUE   0xCEC87F8Au

enum { IS_IN = 1, IS_EX, TO_IN, TO_EX, ALLOW, BLOCK };

struct bench {
    struct rw_igmp_counters counters;
    struct rw_igmp_core core;
    uint64_t now_ns;
    struct wire_report report; /* the last one */
};

static struct bench *bench_new(uint16_t vlan) {
    struct bench *bench = calloc(1, sizeof *bench);
    struct rw_ether_self self = {.mac = {2, 0, 0, 0, 0, 7}, .vlan = vlan, .address = OWN};
    rw_igmp_init(&bench->core, &self, &bench->counters);
    bench->now_ns = 1000 * S;
    return bench;
}

/* The usual: one group from one source, one from any. */
static struct bench *joined(void) {
    struct bench *bench = bench_new(0);
    assert_int_equal(rw_igmp_want(&bench->core, GROUP_A, VENUE), 0);
    assert_int_equal(rw_igmp_want(&bench->core, GROUP_B, 0), 0);
    rw_igmp_join(&bench->core, bench->now_ns);
    return bench;
}

/* Lets time pass until the next frame or until `end`; true when there was one, in bench->report. */
static bool next(struct bench *bench, uint64_t end_ns) {
    uint8_t frame[RW_IGMP_FRAME_BYTES];
    while (bench->core.due_ns <= end_ns) {
        if (bench->core.due_ns > bench->now_ns) bench->now_ns = bench->core.due_ns;
        size_t bytes = rw_igmp_next(&bench->core, bench->now_ns, frame);
        if (bytes == 0) continue;
        assert_true(bytes <= RW_IGMP_FRAME_BYTES);
        wire_read(frame, bytes, &bench->report);
        return true;
    }
    bench->now_ns = end_ns;
    return false;
}

static uint32_t skip_all(struct bench *bench, uint64_t end_ns) {
    uint32_t frames = 0;
    while (next(bench, end_ns)) frames++;
    return frames;
}

static void hear(struct bench *bench, const uint8_t *ip, size_t bytes) {
    uint8_t *exact = malloc(bytes ? bytes : 1); /* so that ASan sees a read beyond the end */
    memcpy(exact, ip, bytes);
    rw_igmp_take(&bench->core, exact, bytes, bench->now_ns);
    free(exact);
}

static void query(struct bench *bench, uint32_t group, uint8_t code, const uint32_t *sources,
                  uint32_t count) {
    uint8_t ip[2048];
    hear(bench, ip, wire_query(ip, group, code, sources, count));
}

static void query2(struct bench *bench, uint32_t group, uint8_t code) {
    uint8_t ip[64];
    hear(bench, ip, wire_query2(ip, group, code));
}

static void assert_record(const struct bench *bench, uint32_t index, uint32_t type, uint32_t group,
                          uint32_t count) {
    assert_true(index < bench->report.count);
    assert_int_equal(bench->report.record[index].type, type);
    assert_int_equal(bench->report.record[index].group, group);
    assert_int_equal(bench->report.record[index].count, count);
}

static void what_cannot_be_joined_is_refused(void **state) {
    struct bench *bench = bench_new(0);
    assert_int_equal(rw_igmp_want(&bench->core, 0x0A000001, 0), -EINVAL);
    assert_int_equal(rw_igmp_want(&bench->core, 0xE0000005, 0), -EINVAL); /* link-local */
    for (uint32_t i = 0; i < RW_IGMP_SOURCES_MAX; i++)
        assert_int_equal(rw_igmp_want(&bench->core, GROUP_A, 1 + i), 0);
    assert_int_equal(rw_igmp_want(&bench->core, GROUP_A, 1), 0); /* again */
    assert_int_equal(rw_igmp_want(&bench->core, GROUP_A, 100), -ENOSPC);
    for (uint32_t i = 1; i < RW_IGMP_GROUPS_MAX; i++)
        assert_int_equal(rw_igmp_want(&bench->core, GROUP_A + i, 0), 0);
    assert_int_equal(rw_igmp_want(&bench->core, GROUP_A + RW_IGMP_GROUPS_MAX, 0), -ENOSPC);
    free(bench);
}

static void a_port_without_groups_is_silent(void **state) {
    struct bench *bench = bench_new(0);
    rw_igmp_join(&bench->core, bench->now_ns);
    query(bench, 0, 10, NULL, 0);
    query(bench, GROUP_A, 10, NULL, 0);
    rw_igmp_leave(&bench->core, bench->now_ns);
    assert_int_equal(skip_all(bench, bench->now_ns + 100 * S), 0);
    free(bench);
}

static void what_is_no_sound_query_of_this_network_is_counted_and_not_answered(void **state) {
    struct bench *bench = joined();
    uint8_t ip[2048], good[2048], message[8] = {0x99};
    skip_all(bench, bench->now_ns + 10 * S);
    size_t bytes = wire_query(good, 0, 10, NULL, 0);
    for (size_t cut = 0; cut < bytes; cut++) hear(bench, good, cut);
    for (size_t at = 0; at < bytes; at++) { /* any damage shows in a checksum */
        memcpy(ip, good, bytes);
        ip[at] ^= 0x10;
        hear(bench, ip, bytes);
    }
    hear(bench, ip, wire_packet(ip, 1, WIRE_ALL_HOSTS, message, sizeof message)); /* a type */
    memcpy(message, (uint8_t[]){0x11, 10}, 2);
    hear(bench, ip, wire_packet(ip, 1, 0xE0000002, message, sizeof message)); /* not to all hosts */
    hear(bench, ip, wire_packet(ip, OWN, WIRE_ALL_HOSTS, message, sizeof message)); /* own */
    uint8_t odd[11] = {0x11, 10};
    hear(bench, ip, wire_packet(ip, 1, WIRE_ALL_HOSTS, odd, sizeof odd)); /* neither v2 nor v3 */
    uint8_t many[12] = {0x11, 10, [11] = 200};                            /* sources cut off */
    hear(bench, ip, wire_packet(ip, 1, WIRE_ALL_HOSTS, many, sizeof many));
    bytes = wire_query(ip, 0, 10, NULL, 0);
    ip[8] = 64; /* routed from afar */
    wire_put16(ip + 10, 0);
    wire_put16(ip + 10, wire_sum(ip, 24));
    hear(bench, ip, bytes);
    assert_int_equal(bench->counters.not_understood, 36 + 36 + 6);
    assert_int_equal(bench->counters.general_queries, 0);
    assert_int_equal(skip_all(bench, bench->now_ns + 100 * S), 0);
    free(bench);
}

static void reports_of_others_and_queries_of_igmpv1_change_nothing(void **state) {
    struct bench *bench = joined();
    uint8_t ip[64], report[8] = {0x16};
    skip_all(bench, bench->now_ns + 10 * S);
    wire_put32(report + 4, GROUP_A);
    hear(bench, ip, wire_packet(ip, 9, GROUP_A, report, sizeof report));
    query2(bench, 0, 0);
    assert_int_equal(bench->counters.reports_heard, 1);
    assert_int_equal(bench->counters.version1_queries, 1);
    assert_false(bench->core.version2);
    assert_int_equal(skip_all(bench, bench->now_ns + 400 * S), 0);
    free(bench);
}

static void a_flood_of_queries_is_answered_ten_times_a_second(void **state) {
    for (int version = 2; version <= 3; version++) {
        struct bench *bench = joined();
        uint32_t frames = 0;
        skip_all(bench, bench->now_ns + 10 * S);
        for (uint32_t i = 0; i < 20000; i++) { /* 10,000 a second, half of them about a group */
            uint32_t group = i % 2 ? GROUP_B : 0;
            if (version == 2)
                query2(bench, group, 1);
            else
                query(bench, group, 0, NULL, 0);
            frames += skip_all(bench, bench->now_ns + 100000);
        }
        /* in two seconds; IGMPv2 needs a frame for each group */
        assert_in_range(frames, 15, version == 2 ? 82 : 42);
        free(bench);
    }
}

static void a_join_names_the_sender_or_takes_any_and_is_said_twice(void **state) {
    struct bench *bench = joined();
    uint64_t start = bench->now_ns;
    assert_true(next(bench, start));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(bench->report.type, 0x22);
        assert_int_equal(bench->report.from, OWN);
        assert_int_equal(bench->report.count, 2);
        assert_record(bench, 0, ALLOW, GROUP_A, 1);
        assert_int_equal(bench->report.record[0].source[0], VENUE);
        assert_record(bench, 1, TO_EX, GROUP_B, 0);
        if (i == 0) assert_true(next(bench, start + S)); /* within a second */
    }
    assert_false(next(bench, start + 1000 * S));
    assert_int_equal(bench->counters.join_frames, 2);
    free(bench);
}

static void rows_of_one_group_are_joined_as_one(void **state) {
    struct bench *bench = bench_new(0);
    assert_int_equal(rw_igmp_want(&bench->core, GROUP_A, VENUE), 0);
    assert_int_equal(rw_igmp_want(&bench->core, GROUP_A, VENUE + 1), 0);
    assert_int_equal(rw_igmp_want(&bench->core, GROUP_B, VENUE), 0);
    assert_int_equal(rw_igmp_want(&bench->core, GROUP_B, 0), 0); /* from any: that includes */
    assert_int_equal(rw_igmp_want(&bench->core, GROUP_B, VENUE + 1), 0);
    rw_igmp_join(&bench->core, bench->now_ns);
    assert_true(next(bench, bench->now_ns));
    assert_int_equal(bench->report.count, 2);
    assert_record(bench, 0, ALLOW, GROUP_A, 2);
    assert_record(bench, 1, TO_EX, GROUP_B, 0);
    free(bench);
}

static void own_frames_carry_the_ports_tag(void **state) {
    struct bench *bench = bench_new(1234);
    assert_int_equal(rw_igmp_want(&bench->core, GROUP_A, 0), 0);
    rw_igmp_join(&bench->core, bench->now_ns);
    assert_true(next(bench, bench->now_ns));
    assert_int_equal(bench->report.vlan, 1234);
    free(bench);
}

static void more_groups_than_a_frame_holds_go_out_in_several(void **state) {
    struct bench *bench = bench_new(1);
    uint64_t start = bench->now_ns, last = 0;
    uint32_t frames = 0, records = 0;
    for (uint32_t i = 0; i < RW_IGMP_GROUPS_MAX; i++)
        for (uint32_t k = 0; k < RW_IGMP_SOURCES_MAX; k++)
            assert_int_equal(rw_igmp_want(&bench->core, GROUP_A + i, 1 + k), 0);
    rw_igmp_join(&bench->core, start);
    while (records < RW_IGMP_GROUPS_MAX && next(bench, start + S)) {
        for (uint32_t i = 0; i < bench->report.count; i++)
            assert_record(bench, i, ALLOW, GROUP_A + records + i, RW_IGMP_SOURCES_MAX);
        records += bench->report.count;
        if (frames++) assert_true(bench->now_ns >= last + 1 * MS); /* never a burst */
        last = bench->now_ns;
    }
    assert_int_equal(records, RW_IGMP_GROUPS_MAX);
    assert_in_range(frames, 4, 5);
    free(bench);
}

static void a_general_query_is_answered_within_its_time(void **state) {
    struct bench *bench = joined();
    skip_all(bench, bench->now_ns + 10 * S);
    uint64_t shortest = UINT64_MAX, longest = 0;
    for (uint32_t i = 0; i < 200; i++) {
        uint64_t asked = bench->now_ns;
        query(bench, 0, 100, NULL, 0); /* 10 s */
        assert_true(next(bench, asked + 10 * S));
        assert_int_equal(bench->report.count, 2);
        assert_record(bench, 0, IS_IN, GROUP_A, 1);
        assert_record(bench, 1, IS_EX, GROUP_B, 0);
        uint64_t took = bench->now_ns - asked;
        if (took < shortest) shortest = took;
        if (took > longest) longest = took;
        assert_false(next(bench, bench->now_ns + 20 * S)); /* once */
    }
    assert_true(shortest < S && longest > 9 * S); /* spread over all of it */
    free(bench);
}

static void the_delay_is_the_same_every_time_and_another_for_another_port(void **state) {
    uint64_t took[3];
    for (int i = 0; i < 3; i++) {
        struct bench *bench = bench_new(0);
        struct rw_ether_self self = {.mac = {2, 0, 0, 0, 0, i == 2 ? 8 : 7}, .address = OWN};
        rw_igmp_init(&bench->core, &self, &bench->counters);
        assert_int_equal(rw_igmp_want(&bench->core, GROUP_A, 0), 0);
        rw_igmp_join(&bench->core, bench->now_ns);
        skip_all(bench, bench->now_ns + 10 * S);
        uint64_t asked = bench->now_ns;
        query(bench, 0, 100, NULL, 0);
        assert_true(next(bench, asked + 10 * S));
        took[i] = bench->now_ns - asked;
        free(bench);
    }
    assert_true(took[0] == took[1] && took[0] != took[2]);
}

static void the_exponential_codes_mean_what_the_rfc_says(void **state) {
    /* 0x8A = (10 | 16) << 3 = 208 tenths; a delay beyond 12.7 s comes in one of many draws */
    struct bench *bench = joined();
    skip_all(bench, bench->now_ns + 10 * S);
    uint64_t longest = 0;
    for (int i = 0; i < 100; i++) {
        uint64_t asked = bench->now_ns;
        query(bench, 0, 0x8A, NULL, 0);
        assert_true(next(bench, asked + 20800 * MS));
        if (bench->now_ns - asked > longest) longest = bench->now_ns - asked;
    }
    assert_true(longest > 13 * S);
    free(bench);
}

static void a_group_query_is_answered_for_that_group(void **state) {
    struct bench *bench = joined();
    skip_all(bench, bench->now_ns + 10 * S);
    query(bench, GROUP_A, 10, NULL, 0);
    assert_true(next(bench, bench->now_ns + S));
    assert_int_equal(bench->report.count, 1);
    assert_record(bench, 0, IS_IN, GROUP_A, 1);
    query(bench, GROUP_A + 77, 10, NULL, 0);
    assert_false(next(bench, bench->now_ns + 10 * S));
    assert_int_equal(bench->counters.group_queries, 1);
    free(bench);
}

static void a_query_about_sources_is_answered_for_those_that_are_wanted(void **state) {
    struct bench *bench = joined();
    uint32_t asked[] = {1, VENUE, 3}, others[] = {1, 3}, many[20];
    skip_all(bench, bench->now_ns + 10 * S);
    query(bench, GROUP_A, 10, asked, 3);
    assert_true(next(bench, bench->now_ns + S));
    assert_record(bench, 0, IS_IN, GROUP_A, 1);
    assert_int_equal(bench->report.record[0].source[0], VENUE);

    query(bench, GROUP_A, 10, others, 2);
    assert_false(next(bench, bench->now_ns + 10 * S));

    query(bench, GROUP_B, 10, others, 2); /* wanted from any, so from these */
    query(bench, GROUP_B, 10, asked, 3);  /* joins the answer that waits */
    assert_true(next(bench, bench->now_ns + S));
    assert_record(bench, 0, IS_IN, GROUP_B, 3);
    assert_false(next(bench, bench->now_ns + 10 * S));

    for (uint32_t i = 0; i < 20; i++) many[i] = i + 1;
    query(bench, GROUP_B, 10, many, 20); /* too many to be named */
    assert_true(next(bench, bench->now_ns + S));
    assert_record(bench, 0, IS_EX, GROUP_B, 0);

    query(bench, GROUP_B, 10, NULL, 0); /* about all: tells of the sources too */
    query(bench, GROUP_B, 10, others, 2);
    assert_true(next(bench, bench->now_ns + S));
    assert_record(bench, 0, IS_EX, GROUP_B, 0);
    assert_false(next(bench, bench->now_ns + 10 * S));
    free(bench);
}

static void an_answer_about_all_groups_that_comes_sooner_is_enough(void **state) {
    struct bench *bench = joined();
    skip_all(bench, bench->now_ns + 10 * S);
    query(bench, 0, 1, NULL, 0);
    query(bench, GROUP_A, 127, NULL, 0); /* within 12.7 s; later than 0.1 s, almost surely */
    assert_int_equal(skip_all(bench, bench->now_ns + 20 * S), 1);
    free(bench);
}

static void a_query_in_the_middle_of_an_answer_is_answered_for_all(void **state) {
    struct bench *bench = bench_new(0);
    for (uint32_t i = 0; i < RW_IGMP_GROUPS_MAX; i++)
        for (uint32_t k = 0; k < RW_IGMP_SOURCES_MAX; k++)
            assert_int_equal(rw_igmp_want(&bench->core, GROUP_A + i, 1 + k), 0);
    rw_igmp_join(&bench->core, bench->now_ns);
    skip_all(bench, bench->now_ns + 10 * S);
    query(bench, 0, 10, NULL, 0);
    assert_true(next(bench, bench->now_ns + S)); /* the first of several frames */
    assert_record(bench, 0, IS_IN, GROUP_A, RW_IGMP_SOURCES_MAX);
    query(bench, 0, 10, NULL, 0);
    query(bench, GROUP_A, 10, NULL, 0); /* the group had its turn */
    uint32_t said[RW_IGMP_GROUPS_MAX] = {0};
    while (next(bench, bench->now_ns + 2 * S))
        for (uint32_t i = 0; i < bench->report.count; i++)
            said[bench->report.record[i].group - GROUP_A]++;
    assert_in_range(said[0], 1, 2);
    assert_int_equal(said[RW_IGMP_GROUPS_MAX - 1], 2);
    free(bench);
}

static void a_leave_is_said_twice_and_is_the_last_word(void **state) {
    struct bench *bench = joined();
    skip_all(bench, bench->now_ns + 10 * S);
    query(bench, 0, 100, NULL, 0);
    query(bench, GROUP_A, 100, NULL, 0);
    rw_igmp_leave(&bench->core, bench->now_ns);
    for (int i = 0; i < 2; i++) {
        assert_true(next(bench, bench->now_ns + S));
        assert_record(bench, 0, BLOCK, GROUP_A, 1);
        assert_record(bench, 1, TO_IN, GROUP_B, 0);
    }
    query(bench, 0, 10, NULL, 0);
    query(bench, GROUP_A, 10, NULL, 0);
    assert_int_equal(skip_all(bench, bench->now_ns + 1000 * S), 0);
    rw_igmp_leave(&bench->core, bench->now_ns);
    assert_int_equal(skip_all(bench, bench->now_ns + 1000 * S), 0);
    free(bench);
}

static void a_link_that_comes_back_is_told_again_as_often_as_the_querier_wants(void **state) {
    struct bench *bench = joined();
    uint8_t ip[64], message[12] = {0x11, 10, [8] = 5, [9] = 125};
    hear(bench, ip, wire_packet(ip, 1, WIRE_ALL_HOSTS, message, sizeof message));
    skip_all(bench, bench->now_ns + 10 * S);
    rw_igmp_join(&bench->core, bench->now_ns);
    assert_int_equal(skip_all(bench, bench->now_ns + 10 * S), 5);
    free(bench);
}

static void an_igmpv2_querier_hears_igmpv2(void **state) {
    struct bench *bench = joined();
    skip_all(bench, bench->now_ns + 10 * S);
    uint64_t asked = bench->now_ns;
    query2(bench, 0, 20);
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t group = i ? GROUP_B : GROUP_A;
        assert_true(next(bench, asked + 2 * S));
        assert_int_equal(bench->report.type, 0x16);
        assert_int_equal(bench->report.to, group);
        assert_int_equal(bench->report.record[0].group, group);
    }
    query2(bench, GROUP_B, 10);
    assert_true(next(bench, bench->now_ns + S));
    assert_int_equal(bench->report.to, GROUP_B);
    assert_int_equal(bench->counters.version2_queries, 2);
    rw_igmp_leave(&bench->core, bench->now_ns);
    for (uint32_t i = 0; i < 4; i++) {
        assert_true(next(bench, bench->now_ns + S));
        assert_int_equal(bench->report.type, 0x17);
        assert_int_equal(bench->report.to, 0xE0000002);
        assert_int_equal(bench->report.record[0].group, i % 2 ? GROUP_B : GROUP_A);
    }
    assert_false(next(bench, bench->now_ns + 1000 * S));
    free(bench);
}

static void igmpv3_comes_back_when_no_igmpv2_querier_was_heard_for_long(void **state) {
    struct bench *bench = joined();
    skip_all(bench, bench->now_ns + 10 * S);
    query2(bench, 0, 100);
    uint64_t until = bench->now_ns + 2 * 125 * S + 10 * S;
    assert_int_equal(skip_all(bench, until - 1), 2);
    assert_true(next(bench, until)); /* all that was said without sources is said with them */
    assert_int_equal(bench->report.type, 0x22);
    assert_record(bench, 0, ALLOW, GROUP_A, 1);
    query2(bench, GROUP_B, 10); /* about one group: no sign of an older querier for all */
    assert_true(next(bench, bench->now_ns + S));
    assert_int_equal(bench->report.type, 0x22);
    free(bench);
}

static void igmpv2_lasts_seven_hours_at_the_most_whatever_a_querier_says(void **state) {
    struct bench *bench = joined();
    uint8_t ip[64], message[12] = {0x11, 10, [8] = 7, [9] = 0xFF}; /* 7 times 31,744 s */
    hear(bench, ip, wire_packet(ip, 1, WIRE_ALL_HOSTS, message, sizeof message));
    query2(bench, 0, 10);
    skip_all(bench, bench->now_ns + 7 * 3600 * S);
    assert_true(bench->core.version2);
    skip_all(bench, bench->now_ns + 2 * S);
    assert_false(bench->core.version2);
    free(bench);
}

/* ------------------------------------------------------------------------------------------
 * a router of RFC 3376 with its timers, and random queries */

#define WANTED 12u

struct router {
    uint64_t until_ns[WANTED]; /* group or (group, source) is forwarded until then */
};

/* A report refreshes what it names; a leave lowers the timers to two answers' time. */
static void router_hears(struct router *router, const struct bench *bench) {
    for (uint32_t i = 0; i < bench->report.count; i++) {
        const struct wire_record *record = &bench->report.record[i];
        uint64_t *until_ns = &router->until_ns[record->group - GROUP_A];
        if (record->type == TO_IN || record->type == BLOCK)
            *until_ns = bench->now_ns + 2 * S;
        else
            *until_ns = bench->now_ns + 260 * S;
    }
}

static void a_router_never_loses_a_wanted_group_and_loses_all_after_the_leave(void **state) {
    const char *text = getenv("RW_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : 20260131;
    struct bench *bench = bench_new(0);
    struct router router = {{0}};
    struct rw_rng rng;
    print_message("RW_SEED=%llu\n", (unsigned long long)seed);
    rw_rng_seed(&rng, seed);
    for (uint32_t i = 0; i < WANTED; i++)
        assert_int_equal(rw_igmp_want(&bench->core, GROUP_A + i, i % 3 ? VENUE : 0), 0);
    rw_igmp_join(&bench->core, bench->now_ns);
    uint64_t general_ns = bench->now_ns;
    for (uint32_t round = 0; round < 20000; round++) {
        uint64_t end_ns = bench->now_ns + rw_rng_below(&rng, 3 * S);
        while (next(bench, end_ns)) router_hears(&router, bench);
        for (uint32_t i = 0; i < WANTED; i++)
            assert_true(round == 0 || router.until_ns[i] > bench->now_ns);
        if (bench->now_ns >= general_ns) {
            query(bench, 0, 100, NULL, 0);
            general_ns = bench->now_ns + 125 * S;
        }
        if (!rw_rng_chance(&rng, 1, 3)) continue;
        uint32_t i = (uint32_t)rw_rng_below(&rng, WANTED), source = VENUE;
        bool named = i % 3 && rw_rng_chance(&rng, 1, 2);
        query(bench, GROUP_A + i, 10, &source, named);
        /* as after a leave of some other host: the answer must come within two such times */
        if (router.until_ns[i] > bench->now_ns + 2 * S) router.until_ns[i] = bench->now_ns + 2 * S;
    }
    rw_igmp_leave(&bench->core, bench->now_ns);
    uint64_t left_ns = bench->now_ns;
    while (next(bench, left_ns + 10 * S)) router_hears(&router, bench);
    for (uint32_t i = 0; i < WANTED; i++) assert_true(router.until_ns[i] < left_ns + 4 * S);
    free(bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_joined_is_refused),
        cmocka_unit_test(a_port_without_groups_is_silent),
        cmocka_unit_test(what_is_no_sound_query_of_this_network_is_counted_and_not_answered),
        cmocka_unit_test(reports_of_others_and_queries_of_igmpv1_change_nothing),
        cmocka_unit_test(a_flood_of_queries_is_answered_ten_times_a_second),
        cmocka_unit_test(a_join_names_the_sender_or_takes_any_and_is_said_twice),
        cmocka_unit_test(rows_of_one_group_are_joined_as_one),
        cmocka_unit_test(own_frames_carry_the_ports_tag),
        cmocka_unit_test(more_groups_than_a_frame_holds_go_out_in_several),
        cmocka_unit_test(a_general_query_is_answered_within_its_time),
        cmocka_unit_test(the_delay_is_the_same_every_time_and_another_for_another_port),
        cmocka_unit_test(the_exponential_codes_mean_what_the_rfc_says),
        cmocka_unit_test(a_group_query_is_answered_for_that_group),
        cmocka_unit_test(a_query_about_sources_is_answered_for_those_that_are_wanted),
        cmocka_unit_test(an_answer_about_all_groups_that_comes_sooner_is_enough),
        cmocka_unit_test(a_query_in_the_middle_of_an_answer_is_answered_for_all),
        cmocka_unit_test(a_leave_is_said_twice_and_is_the_last_word),
        cmocka_unit_test(a_link_that_comes_back_is_told_again_as_often_as_the_querier_wants),
        cmocka_unit_test(an_igmpv2_querier_hears_igmpv2),
        cmocka_unit_test(igmpv3_comes_back_when_no_igmpv2_querier_was_heard_for_long),
        cmocka_unit_test(igmpv2_lasts_seven_hours_at_the_most_whatever_a_querier_says),
        cmocka_unit_test(a_router_never_loses_a_wanted_group_and_loses_all_after_the_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
