/* The venue's schedule: its packets hold the market, message by message, and nothing else. */
#include "tests/unit/tools/venue_fixture.h"

/* Runs a life to its end and checks each packet on the way; returns the messages seen. */
struct run {
    uint64_t messages, heartbeats, ends, last_ns, event_ns;
    struct rw_gen_market *market; /* the same again, to compare with */
};

static void check_data(struct run *run, const struct rw_venue_cfg *cfg,
                       const struct rw_packet *mold, uint64_t time_ns, uint64_t *first_ns) {
    struct rw_blocks cursor = mold->blocks;
    struct rw_block message;
    struct rw_gen_message wanted;
    uint64_t origin_ns = 0;
    while (rw_blocks_next(&cursor, &message)) {
        assert_int_equal(message.sequence, ++run->messages);
        assert_true(rw_gen_market_next(run->market, &wanted));
        assert_int_equal(message.count, wanted.bytes);
        assert_memory_equal(message.bytes, wanted.message, wanted.bytes);
        if (*first_ns == 0) *first_ns = wanted.time_ns;
        origin_ns = wanted.time_ns - *first_ns;
        assert_true(wanted.time_ns >= run->event_ns);
        run->event_ns = wanted.time_ns;
    }
    /* sent when the last message has happened, and at most the wait later */
    assert_true(time_ns >= SECOND_NS + origin_ns);
    assert_true(time_ns <= SECOND_NS + origin_ns + cfg->packet_wait_ns);
}

static void the_packets_hold_the_market_message_by_message(void **state) {
    struct rw_venue_cfg cfg = venue_cfg(venue_seed());
    struct rw_gen_market_cfg market = {.seed = cfg.seed,
                                       .messages = cfg.messages,
                                       .symbols = cfg.symbols,
                                       .duration_ns = cfg.duration_ns};
    struct run run = {.market = rw_gen_market_new(&market)};
    struct rw_venue_core *venue = rw_venue_new(&cfg);
    struct rw_venue_packet packet;
    uint64_t first_ns = 0;
    rw_venue_begin(venue, SECOND_NS);
    while (rw_venue_due(venue) != UINT64_MAX) {
        struct rw_packet mold;
        uint32_t whole;
        uint64_t due_ns = rw_venue_due(venue);
        rw_venue_next(venue, &packet);
        assert_int_equal(packet.time_ns, due_ns);
        assert_true(packet.time_ns >= run.last_ns && packet.time_ns <= run.last_ns + SECOND_NS);
        assert_true(packet.bytes <= cfg.packet_bytes);
        run.last_ns = packet.time_ns;
        assert_int_equal(rw_mold_decode(packet.payload, packet.bytes, &mold), RW_PACKET_FINE);
        assert_int_equal(rw_packet_check(&mold, &whole), RW_PACKET_FINE);
        assert_memory_equal(mold.session, rw_venue_session(venue, 0), RW_MOLD_SESSION_BYTES);
        assert_int_equal(mold.blocks.sequence, packet.sequence);
        assert_int_equal(mold.blocks.sequence, run.messages + 1);
        assert_int_equal(whole, packet.messages);
        run.heartbeats += mold.kind == RW_PACKET_HEARTBEAT;
        run.ends += mold.kind == RW_PACKET_END;
        if (mold.kind == RW_PACKET_DATA) check_data(&run, &cfg, &mold, packet.time_ns, &first_ns);
    }
    assert_int_equal(run.messages, MESSAGES);
    assert_in_range(run.heartbeats, 1, 4);
    assert_in_range(run.ends, 4, 5);
    struct rw_venue_count count = rw_venue_counted(venue);
    assert_int_equal(count.messages, MESSAGES);
    assert_int_equal(count.heartbeats, run.heartbeats);
    assert_int_equal(count.ends, run.ends);
    rw_gen_market_free(run.market);
    rw_venue_free(venue);
}

static void nothing_but_heartbeats_comes_before_the_market_begins(void **state) {
    struct rw_venue_cfg cfg = venue_cfg(1);
    struct rw_venue_core *venue = rw_venue_new(&cfg);
    struct rw_venue_packet packet;
    for (uint64_t i = 0; i < 5; i++) {
        rw_venue_next(venue, &packet);
        assert_int_equal(packet.time_ns, i * SECOND_NS);
        assert_int_equal(packet.bytes, RW_MOLD_HEADER_BYTES);
        assert_int_equal(packet.sequence, 1);
    }
    assert_false(rw_venue_restart(venue, 5 * SECOND_NS, RW_VENUE_NEW_SESSION));
    rw_venue_free(venue);
}

static void speed_stretches_the_schedule_and_not_the_market(void **state) {
    struct rw_venue_cfg cfg = venue_cfg(2), slow = cfg;
    struct rw_venue_packet packet;
    uint64_t last_ns[2], event_ns[2];
    slow.speed_permille = 250;
    const struct rw_venue_cfg *cfgs[] = {&cfg, &slow};
    for (int i = 0; i < 2; i++) {
        struct rw_venue_core *venue = rw_venue_new(cfgs[i]);
        rw_venue_begin(venue, 0);
        last_ns[i] = venue_publish(venue, MESSAGES);
        event_ns[i] = rw_venue_event_ns(venue);
        rw_venue_next(venue, &packet);
        assert_int_equal(packet.messages, 0);
        rw_venue_free(venue);
    }
    assert_int_equal(event_ns[0], event_ns[1]);
    assert_in_range(last_ns[1], 4 * last_ns[0] - 100000, 4 * last_ns[0] + 100000);
}

/* Half the market at full speed, a quarter at a tenth, the rest at full speed again: no message is
 * early, none is lost, and the schedule is as much longer. */
static void speed_can_change_on_the_way(void **state) {
    struct rw_venue_cfg cfg = venue_cfg(venue_seed());
    struct rw_venue_core *venue = rw_venue_new(&cfg);
    struct rw_venue_packet packet;
    rw_venue_begin(venue, 0);
    uint64_t at_ns = venue_publish(venue, MESSAGES / 2), event_ns = rw_venue_event_ns(venue);
    rw_venue_speed(venue, at_ns + 1000, 100);
    uint64_t slow_ns = venue_publish(venue, MESSAGES * 3 / 4);
    uint64_t passed_ns = rw_venue_event_ns(venue) - event_ns;
    assert_in_range(slow_ns - at_ns, 10 * passed_ns - 300000, 10 * passed_ns + 300000);
    rw_venue_speed(venue, slow_ns, 1000);
    event_ns = rw_venue_event_ns(venue);
    uint64_t end_ns = venue_publish(venue, MESSAGES);
    passed_ns = rw_venue_event_ns(venue) - event_ns;
    assert_in_range(end_ns - slow_ns, passed_ns - 100000, passed_ns + 100000);
    rw_venue_speed(venue, end_ns, 5); /* of no effect: the market is over */
    while (rw_venue_due(venue) != UINT64_MAX) rw_venue_next(venue, &packet);
    assert_int_equal(rw_venue_counted(venue).messages, MESSAGES);
    rw_venue_free(venue);
}

static void the_books_of_what_is_published_are_the_markets_whenever_it_is_whole(void **state) {
    struct rw_venue_cfg cfg = venue_cfg(venue_seed());
    struct rw_venue_core *venue = rw_venue_new(&cfg);
    struct books books;
    uint64_t applied = 0, compared = 0;
    cfg.packet_bytes = RW_VENUE_PAYLOAD_MIN;
    books_make(&books);
    rw_venue_begin(venue, 0);
    for (uint64_t at = 100; at <= MESSAGES; at += 100) {
        venue_publish(venue, at);
        const struct rw_venue_log *log = rw_venue_messages(venue, 0);
        while (applied < log->count) {
            uint32_t bytes;
            const uint8_t *message = rw_venue_log_get(log, ++applied, &bytes);
            books_apply(&books, message, bytes);
        }
        books_equal_the_venues(books.book, venue);
        compared++;
    }
    assert_int_equal(compared, MESSAGES / 100);
    rw_venue_free(venue);
    free(books.memory);
}

/* Two restarts, one under the same name: each life counts from 1 on an empty market, event times go
 * on, and every life can be found and read again. */
static void a_restart_begins_an_empty_market_at_sequence_1(void **state) {
    struct rw_venue_cfg cfg = venue_cfg(venue_seed());
    struct rw_venue_core *venue = rw_venue_new(&cfg);
    struct rw_venue_packet packet = {0};
    char first[11], second[11];
    rw_venue_begin(venue, 0);
    uint64_t now_ns = venue_publish(venue, 5000), event_ns = rw_venue_event_ns(venue);
    memcpy(first, rw_venue_session(venue, 0), sizeof first);
    assert_true(rw_venue_restart(venue, now_ns + 7, RW_VENUE_SAME_SESSION));
    assert_string_equal(rw_venue_session(venue, 1), first);
    assert_int_equal(rw_venue_messages(venue, 1)->count, 0);
    assert_true(rw_venue_due(venue) >= now_ns + 7 + cfg.pause_ns);
    rw_venue_next(venue, &packet);
    assert_int_equal(packet.sequence, 1);
    assert_true(packet.messages > 0);
    assert_true(rw_venue_event_ns(venue) >= event_ns + cfg.pause_ns);
    assert_int_equal(rw_venue_find(venue, first), 1);

    now_ns = venue_publish(venue, 5000);
    assert_true(rw_venue_restart(venue, now_ns, RW_VENUE_NEW_SESSION));
    memcpy(second, rw_venue_session(venue, 2), sizeof second);
    assert_string_not_equal(second, first);
    venue_publish(venue, 100);
    assert_int_equal(rw_venue_find(venue, second), 2);
    assert_int_equal(rw_venue_find(venue, first), 1);
    assert_int_equal(rw_venue_find(venue, "NEVER00001"), -1);
    assert_in_range(rw_venue_messages(venue, 0)->count, 5000, 5100);
    while (rw_venue_due(venue) != UINT64_MAX) rw_venue_next(venue, &packet);
    struct rw_venue_count count = rw_venue_counted(venue);
    assert_int_equal(count.messages, MESSAGES);
    assert_int_equal(count.restarts, 2);
    rw_venue_free(venue);
}

static void the_last_restart_is_refused(void **state) {
    struct rw_venue_cfg cfg = venue_cfg(3);
    struct rw_venue_core *venue = rw_venue_new(&cfg);
    uint64_t now_ns = 0, messages = 0;
    rw_venue_begin(venue, 0);
    for (uint32_t i = 1; i < RW_VENUE_LIVES_MAX; i++) {
        now_ns = venue_publish(venue, 1);
        assert_true(rw_venue_restart(venue, now_ns, RW_VENUE_NEW_SESSION));
    }
    assert_false(rw_venue_restart(venue, now_ns + SECOND_NS, RW_VENUE_NEW_SESSION));
    venue_publish(venue, rw_gen_messages_min(SYMBOLS));
    for (uint32_t i = 0; i < RW_VENUE_LIVES_MAX; i++)
        messages += rw_venue_messages(venue, i)->count;
    assert_int_equal(rw_venue_counted(venue).messages, messages);
    rw_venue_free(venue);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_but_heartbeats_comes_before_the_market_begins),
        cmocka_unit_test(the_last_restart_is_refused),
        cmocka_unit_test(the_packets_hold_the_market_message_by_message),
        cmocka_unit_test(speed_stretches_the_schedule_and_not_the_market),
        cmocka_unit_test(speed_can_change_on_the_way),
        cmocka_unit_test(the_books_of_what_is_published_are_the_markets_whenever_it_is_whole),
        cmocka_unit_test(a_restart_begins_an_empty_market_at_sequence_1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
