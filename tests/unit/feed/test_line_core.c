/* Two lines into one stream: random loss, duplication, reordering and skew first, then the rules
 * one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/base/bytes.h"
#include "dataplane/base/rng.h"
#include "dataplane/feed/itch50_book.h"
#include "dataplane/feed/line_core.h"
#include "dataplane/feed/moldudp64.h"

#define PACKET_BYTES 512

static const char SESSION[RW_MOLD_SESSION_BYTES] = "2311210001", OTHER[] = "2311210002";

struct bench {
    struct rw_line_cfg cfg;
    struct rw_channel_counters channel;
    struct rw_line_counters line[2];
    void *memory;
    struct rw_line_core *core;
    uint64_t next; /* sequence after the last message handed on */
    uint64_t delivered, gap_messages, gaps, restarts, ended;
    uint8_t packet[PACKET_BYTES];
};

static struct bench *bench_new(struct rw_line_cfg cfg) {
    struct bench *bench = calloc(1, sizeof *bench);
    bench->cfg = cfg;
    if (!bench->cfg.venue) bench->cfg.venue = &rw_itch50_venue;
    bench->cfg.packet_bytes = PACKET_BYTES;
    if (bench->cfg.lines == 0) bench->cfg.lines = 2;
    if (bench->cfg.reorder_packets == 0) bench->cfg.reorder_packets = 64;
    if (bench->cfg.gap_timer_ns == 0) bench->cfg.gap_timer_ns = 1000;
    bench->memory = aligned_alloc(64, rw_line_footprint(&bench->cfg));
    struct rw_line_stats stats = {.channel = &bench->channel,
                                  .line = {&bench->line[0], &bench->line[1]}};
    bench->core = rw_line_new(bench->memory, &bench->cfg, &stats);
    return bench;
}

static void bench_free(struct bench *bench) {
    free(bench->memory);
    free(bench);
}

static void check_accounts(const struct bench *bench) {
    assert_int_equal(rw_channel_balance(&bench->channel), 0);
    assert_int_equal(rw_channel_passed_balance(&bench->channel), 0);
}

/* drain takes everything that is ready; each message says its own sequence. */
static void drain(struct bench *bench) {
    struct rw_line_out out;
    enum rw_line_event event;
    while ((event = rw_line_next(bench->core, &out)) != RW_LINE_NONE) {
        assert_int_equal(bench->ended, 0);
        if (event == RW_LINE_MESSAGE) {
            assert_true(out.sequence >= bench->next);
            assert_int_equal(out.count, 8);
            assert_int_equal(rw_load_be64(out.bytes), out.sequence & RW_LINE_SEQUENCE_MAX);
            bench->next = out.sequence + 1;
            bench->delivered++;
        }
        if (event == RW_LINE_GAP) {
            assert_true(out.sequence >= bench->next && out.missing > 0);
            bench->next = out.sequence + out.missing;
            bench->gap_messages += out.missing;
            bench->gaps++;
        }
        if (event == RW_LINE_RESTART) bench->restarts++;
        if (event == RW_LINE_END) bench->ended++;
    }
    check_accounts(bench);
}

static size_t write_packet(uint8_t *packet, const char *session, uint64_t sequence,
                           uint32_t count) {
    struct rw_mold_writer writer;
    rw_mold_begin(&writer, packet, PACKET_BYTES, session, sequence);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t message[8];
        rw_store_be64(message, sequence + i);
        assert_true(rw_mold_add(&writer, message, sizeof message));
    }
    return rw_mold_end(&writer);
}

static void give(struct bench *bench, uint32_t line, uint64_t now, const char *session,
                 uint64_t sequence, uint32_t count) {
    size_t bytes = write_packet(bench->packet, session, sequence, count);
    rw_line_packet(bench->core, line, bench->packet, (uint32_t)bytes, now, now);
    drain(bench);
}

static void give_end(struct bench *bench, uint32_t line, uint64_t now, uint64_t next) {
    size_t bytes = rw_mold_end_of_session(bench->packet, SESSION, next);
    rw_line_packet(bench->core, line, bench->packet, (uint32_t)bytes, now, now);
    drain(bench);
}

/* ------------------------------------------------------------------------------------------
 * random */

#define PACKETS 2000

struct copy {
    uint64_t now;
    uint64_t sequence;
    uint32_t line, count;
};

static int by_time(const void *a, const void *b) {
    const struct copy *x = a, *y = b;
    return x->now < y->now ? -1 : x->now > y->now;
}

static uint32_t make_copies(struct rw_rng *rng, struct copy *copies, uint64_t *total,
                            uint64_t *lost_on_both) {
    uint32_t count = 0, loss = (uint32_t)rw_rng_below(rng, 200);
    uint64_t sequence = 1, now = 1000000, skew = rw_rng_below(rng, 200);
    *lost_on_both = 0;
    for (uint32_t i = 0; i < PACKETS; i++) {
        uint32_t messages = 1 + (uint32_t)rw_rng_below(rng, 10), there = 0;
        now += rw_rng_below(rng, 100);
        for (uint32_t line = 0; line < 2; line++) {
            if (rw_rng_chance(rng, loss, 1000)) continue;
            uint32_t times = 1 + rw_rng_chance(rng, 20, 1000);
            for (uint32_t k = 0; k < times; k++)
                copies[count++] = (struct copy){.now = now + line * skew + rw_rng_below(rng, 150),
                                                .sequence = sequence,
                                                .line = line,
                                                .count = messages};
            there = 1;
        }
        if (!there) *lost_on_both += messages;
        sequence += messages;
    }
    *total = sequence - 1;
    qsort(copies, count, sizeof *copies, by_time);
    return count;
}

static void whatever_one_line_brings_in_time_is_delivered_once_and_in_order(void **state) {
    const char *text = getenv("RW_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : 1;
    print_message("RW_SEED=%llu\n", (unsigned long long)seed);
    struct copy *copies = malloc(6 * PACKETS * sizeof *copies);
    for (uint64_t round = 0; round < 60; round++) {
        struct rw_rng rng;
        rw_rng_seed(&rng, seed * 1000 + round);
        uint64_t total, lost;
        uint32_t count = make_copies(&rng, copies, &total, &lost);
        struct bench *bench = bench_new((struct rw_line_cfg){
            .first_sequence = 1, .reorder_packets = 256, .file_ports = round % 2 == 0});
        for (uint32_t i = 0; i < count; i++)
            give(bench, copies[i].line, copies[i].now, SESSION, copies[i].sequence,
                 copies[i].count);
        uint64_t end = copies[count - 1].now + 10;
        give_end(bench, 0, end, total + 1);
        give_end(bench, 1, end, total + 1);
        rw_line_port_ended(bench->core, 0);
        rw_line_port_ended(bench->core, 1);
        drain(bench);
        assert_int_equal(bench->ended, 1);
        assert_int_equal(bench->gap_messages, lost);
        assert_int_equal(bench->delivered, total - lost);
        assert_int_equal(rw_stat_get(&bench->channel.delivered), total - lost);
        assert_int_equal(rw_stat_get(&bench->channel.in_flight), 0);
        assert_int_equal(rw_stat_get(&bench->channel.gaps_by_full), 0);
        bench_free(bench);
    }
    free(copies);
}

/* -------------------------------------------------------------------------------------------
 * rules */

static void bad_packets_are_counted_by_reason_and_disturb_nothing(void **state) {
    struct bench *bench = bench_new((struct rw_line_cfg){.first_sequence = 1});
    give(bench, 0, 10, SESSION, 1, 2);
    rw_line_packet(bench->core, 0, bench->packet, 19, 11, 11);
    drain(bench);
    size_t bytes = write_packet(bench->packet, SESSION, 3, 3);
    rw_line_packet(bench->core, 0, bench->packet, (uint32_t)bytes - 1, 12, 12); /* cut: 3 and 4 */
    drain(bench);
    assert_int_equal(bench->delivered, 4);
    bytes = write_packet(bench->packet, SESSION, 5, 2);
    rw_store_be16(bench->packet + 18, 1); /* count too low: 5 */
    rw_line_packet(bench->core, 1, bench->packet, (uint32_t)bytes, 13, 13);
    drain(bench);
    bytes = write_packet(bench->packet, SESSION, 1, 1);
    rw_store_be64(bench->packet + 10, UINT64_C(1) << 50);
    rw_line_packet(bench->core, 1, bench->packet, (uint32_t)bytes, 14, 14);
    drain(bench);
    give(bench, 0, 15, SESSION, 6, 1);
    assert_int_equal(bench->delivered, 6);
    assert_int_equal(rw_stat_get(&bench->channel.short_header), 1);
    assert_int_equal(rw_stat_get(&bench->channel.truncated), 1);
    assert_int_equal(rw_stat_get(&bench->channel.trailing), 1);
    assert_int_equal(rw_stat_get(&bench->channel.sequence_range), 1);
    assert_int_equal(rw_line_state(bench->core), RW_CHANNEL_SYNC);
    bench_free(bench);
}

static void a_foreign_session_is_not_data(void **state) {
    struct bench *bench = bench_new((struct rw_line_cfg){.first_sequence = 1});
    give(bench, 0, 10, SESSION, 1, 2);
    give(bench, 0, 11, OTHER, 3, 5);
    give(bench, 1, 12, SESSION, 3, 1);
    assert_int_equal(bench->delivered, 3);
    assert_int_equal(rw_stat_get(&bench->channel.foreign), 5);
    assert_int_equal(rw_stat_get(&bench->channel.foreign_packets), 1);
    assert_int_equal(bench->restarts, 0);
    bench_free(bench);
}

static void a_steady_other_session_makes_the_channel_go_over(void **state) {
    struct bench *bench =
        bench_new((struct rw_line_cfg){.first_sequence = 1, .session_switch_packets = 3});
    give(bench, 0, 10, SESSION, 1, 2);
    give(bench, 0, 11, OTHER, 1, 1);
    give(bench, 0, 12, SESSION, 3, 1); /* breaks the run */
    give(bench, 0, 13, OTHER, 1, 1);
    give(bench, 0, 14, OTHER, 2, 1);
    assert_int_equal(bench->restarts, 0);
    give(bench, 0, 15, OTHER, 3, 1);
    assert_int_equal(bench->restarts, 1);
    assert_memory_equal(rw_line_session(bench->core), OTHER, RW_MOLD_SESSION_BYTES);
    assert_int_equal(rw_stat_get(&bench->channel.session_switches), 1);
    give(bench, 1, 16, OTHER, 1, 2); /* the other line still has what was dropped */
    assert_int_equal(bench->delivered, 6);
    assert_int_equal(bench->next, (UINT64_C(1) << RW_LINE_GENERATION_SHIFT) + 4);
    bench_free(bench);
}

static void a_gap_is_given_up_only_when_the_timer_ran_out_on_both_lines(void **state) {
    struct bench *bench = bench_new((struct rw_line_cfg){.first_sequence = 1, .file_ports = true});
    give(bench, 0, 10, SESSION, 1, 1);
    give(bench, 1, 10, SESSION, 1, 1);
    give(bench, 0, 100, SESSION, 3, 1);
    give(bench, 0, 5000, SESSION, 4, 1); /* line A is long past the timer, B is not */
    assert_int_equal(bench->delivered, 1);
    assert_int_equal(rw_line_state(bench->core), RW_CHANNEL_HOLD);
    give(bench, 1, 1099, SESSION, 3, 1);
    assert_int_equal(bench->gaps, 0);
    give(bench, 1, 1100, SESSION, 4, 1);
    assert_int_equal(bench->gaps, 1);
    assert_int_equal(bench->gap_messages, 1);
    assert_int_equal(bench->delivered, 3);
    assert_int_equal(rw_line_state(bench->core), RW_CHANNEL_GIVEN_UP);
    give(bench, 1, 1200, SESSION, 2, 1);
    assert_int_equal(rw_stat_get(&bench->channel.late), 1);
    assert_int_equal(bench->delivered, 3);
    bench_free(bench);
}

static void a_live_port_needs_no_packet_for_its_gap_timer(void **state) {
    struct bench *bench = bench_new((struct rw_line_cfg){.first_sequence = 1});
    give(bench, 0, 10, SESSION, 1, 1);
    give(bench, 0, 100, SESSION, 3, 1);
    rw_line_now(bench->core, 1099);
    drain(bench);
    assert_int_equal(bench->gaps, 0);
    rw_line_now(bench->core, 1100);
    drain(bench);
    assert_int_equal(bench->gaps, 1);
    bench_free(bench);
}

static void a_full_reorder_buffer_gives_the_gap_up_and_keeps_every_packet(void **state) {
    struct bench *bench =
        bench_new((struct rw_line_cfg){.first_sequence = 1, .reorder_packets = 8});
    for (uint64_t i = 0; i < 8; i++) give(bench, 0, 10, SESSION, 3 + 2 * i, 1);
    assert_int_equal(bench->gaps, 0);
    assert_int_equal(rw_stat_get(&bench->channel.in_flight), 8);
    give(bench, 0, 10, SESSION, 19, 1);
    assert_int_equal(bench->gaps, 1); /* 1 and 2; the rest goes on waiting */
    assert_int_equal(bench->delivered, 1);
    assert_int_equal(rw_stat_get(&bench->channel.gaps_by_full), 1);
    assert_int_equal(rw_stat_get(&bench->channel.in_flight), 8);
    rw_line_now(bench->core, 100000);
    drain(bench);
    assert_int_equal(bench->delivered, 9);
    bench_free(bench);
}

static void a_heartbeat_reveals_a_lost_tail(void **state) {
    struct bench *bench = bench_new((struct rw_line_cfg){.first_sequence = 1});
    give(bench, 0, 10, SESSION, 1, 1);
    give(bench, 0, 20, SESSION, 4, 0);
    assert_int_equal(rw_line_state(bench->core), RW_CHANNEL_HOLD);
    rw_line_now(bench->core, 1020);
    drain(bench);
    assert_int_equal(bench->gap_messages, 2);
    assert_int_equal(rw_stat_get(&bench->channel.heartbeats), 1);
    bench_free(bench);
}

static void the_end_comes_after_the_last_message_and_once(void **state) {
    struct bench *bench = bench_new((struct rw_line_cfg){.first_sequence = 1});
    give(bench, 0, 10, SESSION, 1, 1);
    give_end(bench, 0, 20, 3);
    assert_int_equal(bench->ended, 0);
    give(bench, 1, 30, SESSION, 1, 2);
    assert_int_equal(bench->delivered, 2);
    assert_int_equal(bench->ended, 1);
    give(bench, 0, 40, SESSION, 3, 4);
    give_end(bench, 1, 50, 3);
    assert_int_equal(rw_stat_get(&bench->channel.after_end), 4);
    assert_int_equal(rw_line_state(bench->core), RW_CHANNEL_ENDED);
    bench_free(bench);
}

static void when_both_files_have_ended_open_gaps_go_and_the_channel_ends(void **state) {
    struct bench *bench = bench_new((struct rw_line_cfg){.first_sequence = 1, .file_ports = true});
    give(bench, 0, 10, SESSION, 1, 1);
    give(bench, 0, 11, SESSION, 5, 2);
    rw_line_port_ended(bench->core, 0);
    drain(bench);
    assert_int_equal(bench->ended, 0);
    rw_line_port_ended(bench->core, 1);
    drain(bench);
    assert_int_equal(bench->gap_messages, 3);
    assert_int_equal(bench->delivered, 3);
    assert_int_equal(bench->ended, 1);
    bench_free(bench);
}

static void a_start_again_at_sequence_1_is_a_new_generation_for_each_line_in_turn(void **state) {
    struct bench *bench = bench_new((struct rw_line_cfg){.first_sequence = 1});
    for (uint64_t i = 0; i < 500; i++) give(bench, 0, i, SESSION, 1 + 10 * i, 10);
    for (uint64_t i = 0; i < 499; i++) give(bench, 1, 500 + i, SESSION, 1 + 10 * i, 10);
    give(bench, 0, 1000, SESSION, 1, 10);
    assert_int_equal(bench->restarts, 1);
    assert_int_equal(bench->delivered, 5010);
    give(bench, 1, 1001, SESSION, 4991, 10); /* line B is still in the old one */
    assert_int_equal(rw_stat_get(&bench->channel.older_generation), 10);
    give(bench, 1, 1002, SESSION, 1, 10);
    give(bench, 1, 1003, SESSION, 11, 10);
    assert_int_equal(bench->restarts, 1);
    assert_int_equal(bench->delivered, 5020);
    assert_int_equal(rw_stat_get(&bench->channel.restarts), 1);
    assert_int_equal(rw_line_state(bench->core), RW_CHANNEL_SYNC);
    bench_free(bench);
}

static void a_start_again_whose_first_packets_are_lost_is_noticed_after_some(void **state) {
    struct bench *bench =
        bench_new((struct rw_line_cfg){.first_sequence = 1, .session_switch_packets = 3});
    for (uint64_t i = 0; i < 500; i++) give(bench, 0, i, SESSION, 1 + 10 * i, 10);
    give(bench, 0, 1000, SESSION, 11, 10);
    give(bench, 0, 1001, SESSION, 21, 10);
    give(bench, 0, 1002, SESSION, 5001, 10); /* those were stray copies */
    give(bench, 0, 1003, SESSION, 31, 10);
    give(bench, 0, 1004, SESSION, 41, 10);
    assert_int_equal(bench->restarts, 0);
    give(bench, 0, 1005, SESSION, 51, 10);
    assert_int_equal(bench->restarts, 1);
    rw_line_now(bench->core, 3000);
    drain(bench);
    assert_int_equal(bench->gap_messages, 50);
    assert_int_equal(rw_stat_get(&bench->channel.restarts), 1);
    bench_free(bench);
}

static void an_early_repeat_of_the_first_packet_is_only_a_duplicate(void **state) {
    struct bench *bench = bench_new((struct rw_line_cfg){.first_sequence = 1});
    for (uint64_t i = 0; i < 100; i++) give(bench, 0, i, SESSION, 1 + 10 * i, 10);
    give(bench, 0, 100, SESSION, 1, 10);
    assert_int_equal(bench->restarts, 0);
    assert_int_equal(rw_stat_get(&bench->channel.duplicates), 10);
    assert_int_equal(rw_stat_get(&bench->line[0].repeated), 1);
    bench_free(bench);
}

static void without_a_first_sequence_the_channel_joins_at_the_lowest_one_seen(void **state) {
    struct bench *bench = bench_new((struct rw_line_cfg){.first_sequence = 0});
    give(bench, 0, 10, SESSION, 1010, 10);
    give(bench, 1, 20, SESSION, 1000, 10);
    assert_int_equal(bench->delivered, 0);
    rw_line_now(bench->core, 2000);
    drain(bench);
    assert_int_equal(bench->delivered, 20);
    assert_int_equal(bench->gaps, 0);
    assert_int_equal(rw_stat_get(&bench->channel.joined_at), 999);
    assert_int_equal(rw_line_state(bench->core), RW_CHANNEL_SYNC);
    bench_free(bench);
}

static void unsequenced_packets_are_rejected_unless_accepted_and_then_only_from_line_a(void **s) {
    static const char none[RW_MOLD_SESSION_BYTES];
    for (int accept = 0; accept < 2; accept++) {
        struct bench *bench =
            bench_new((struct rw_line_cfg){.first_sequence = 1, .accept_unsequenced = accept == 1});
        size_t bytes = write_packet(bench->packet, none, 1, 1);
        rw_line_packet(bench->core, 0, bench->packet, (uint32_t)bytes, 1, 1);
        drain(bench);
        bytes = write_packet(bench->packet, none, 2, 1);
        rw_line_packet(bench->core, 1, bench->packet, (uint32_t)bytes, 2, 2);
        drain(bench);
        assert_int_equal(bench->delivered, accept);
        assert_int_equal(rw_stat_get(&bench->channel.unsequenced_rejected), 2 - accept);
        assert_int_equal(rw_stat_get(&bench->channel.unsequenced_accepted), accept);
        bench_free(bench);
    }
}

/* A venue like ITCH's, whose session is the number of a stream and whose packets of session '*'
 * stand beside the sequence. */
static enum rw_packet_fault open_stream(const void *bytes, size_t count, struct rw_packet *packet) {
    enum rw_packet_fault fault = rw_mold_decode(bytes, count, packet);
    if (fault == RW_PACKET_FINE && packet->session[0] == '*') packet->place = RW_PLACE_ASIDE;
    return fault;
}
static const struct rw_venue stream_venue = {
    .name = "stream", .open = open_stream, .session_is_stream = true};

static void what_stands_beside_the_sequence_is_handed_on_at_once_by_each_line(void **state) {
    struct bench *bench =
        bench_new((struct rw_line_cfg){.venue = &stream_venue, .first_sequence = 1});
    struct rw_line_out out;
    give(bench, 0, 10, SESSION, 1, 3);
    give(bench, 0, 11, SESSION, 6, 2); /* 4 and 5 are missing */
    for (uint32_t line = 0; line < 2; line++) {
        size_t bytes = write_packet(bench->packet, "*         ", 900, 2);
        rw_line_packet(bench->core, line, bench->packet, (uint32_t)bytes, 20, 20);
        for (uint64_t i = 0; i < 2; i++) {
            assert_int_equal(rw_line_next(bench->core, &out), RW_LINE_MESSAGE);
            assert_int_equal(out.sequence, 3); /* that of the last message before it */
            assert_int_equal(rw_load_be64(out.bytes), 900 + i);
        }
        assert_int_equal(rw_line_next(bench->core, &out), RW_LINE_NONE);
    }
    assert_int_equal(rw_stat_get(&bench->channel.aside), 4);
    give(bench, 1, 30, SESSION, 4, 2);
    assert_int_equal(bench->delivered, 7);
    assert_int_equal(rw_line_state(bench->core), RW_CHANNEL_SYNC);
    bench_free(bench);
}

static void the_number_of_another_stream_is_never_followed(void **state) {
    struct bench *bench = bench_new((struct rw_line_cfg){
        .venue = &stream_venue, .first_sequence = 1, .session_switch_packets = 3});
    give(bench, 0, 10, SESSION, 1, 1);
    for (uint32_t i = 0; i < 100; i++) give(bench, 0, 20 + i, OTHER, 1 + i, 1);
    assert_int_equal(bench->delivered, 1);
    assert_int_equal(bench->restarts, 0);
    assert_int_equal(rw_stat_get(&bench->channel.foreign), 100);
    bench_free(bench);
}

static void a_sequence_that_never_starts_again_only_repeats_itself(void **state) {
    struct bench *bench =
        bench_new((struct rw_line_cfg){.venue = &stream_venue, .first_sequence = 1});
    for (uint32_t i = 0; i < 5000; i += 10) give(bench, 0, i, SESSION, 1 + i, 10);
    give(bench, 0, 6000, SESSION, 1, 10);
    assert_int_equal(bench->restarts, 0);
    assert_int_equal(rw_stat_get(&bench->channel.duplicates), 10);
    bench_free(bench);
}

static void each_line_is_told_what_it_lost_and_how_late_it_was(void **state) {
    struct bench *bench = bench_new((struct rw_line_cfg){.first_sequence = 1});
    give(bench, 0, 10, SESSION, 1, 5);
    give(bench, 1, 70, SESSION, 1, 5);
    give(bench, 0, 80, SESSION, 11, 5);
    give(bench, 1, 90, SESSION, 6, 5);
    give(bench, 1, 95, SESSION, 11, 5);
    assert_int_equal(rw_stat_get(&bench->line[0].lost), 5);
    assert_int_equal(rw_stat_get(&bench->line[1].lost), 0);
    give(bench, 0, 96, SESSION, 6, 5); /* late, but not lost */
    assert_int_equal(rw_stat_get(&bench->line[0].lost), 0);
    assert_int_equal(rw_stat_get(&bench->line[0].late), 5);
    assert_int_equal(rw_stat_get(&bench->line[1].skew_max_ns), 60);
    assert_int_equal(rw_stat_get(&bench->line[0].first), 2);
    assert_int_equal(rw_stat_get(&bench->line[1].second), 2);
    bench_free(bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_packets_are_counted_by_reason_and_disturb_nothing),
        cmocka_unit_test(a_foreign_session_is_not_data),
        cmocka_unit_test(a_steady_other_session_makes_the_channel_go_over),
        cmocka_unit_test(a_gap_is_given_up_only_when_the_timer_ran_out_on_both_lines),
        cmocka_unit_test(a_live_port_needs_no_packet_for_its_gap_timer),
        cmocka_unit_test(a_full_reorder_buffer_gives_the_gap_up_and_keeps_every_packet),
        cmocka_unit_test(a_heartbeat_reveals_a_lost_tail),
        cmocka_unit_test(the_end_comes_after_the_last_message_and_once),
        cmocka_unit_test(when_both_files_have_ended_open_gaps_go_and_the_channel_ends),
        cmocka_unit_test(a_start_again_at_sequence_1_is_a_new_generation_for_each_line_in_turn),
        cmocka_unit_test(a_start_again_whose_first_packets_are_lost_is_noticed_after_some),
        cmocka_unit_test(an_early_repeat_of_the_first_packet_is_only_a_duplicate),
        cmocka_unit_test(without_a_first_sequence_the_channel_joins_at_the_lowest_one_seen),
        cmocka_unit_test(
            unsequenced_packets_are_rejected_unless_accepted_and_then_only_from_line_a),
        cmocka_unit_test(what_stands_beside_the_sequence_is_handed_on_at_once_by_each_line),
        cmocka_unit_test(the_number_of_another_stream_is_never_followed),
        cmocka_unit_test(a_sequence_that_never_starts_again_only_repeats_itself),
        cmocka_unit_test(each_line_is_told_what_it_lost_and_how_late_it_was),
        cmocka_unit_test(whatever_one_line_brings_in_time_is_delivered_once_and_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
