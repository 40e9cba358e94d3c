/* The re-request server: what it answers, what it keeps silent about, and how it misbehaves. */
#include "tests/unit/tools/venue_fixture.h"
#include "tools/riskwire/venue_requests.h"

static const struct rw_address asker = {.bytes = "asker", .length = 5};

struct bench {
    struct rw_venue_core *venue;
    struct rw_venue_requests *server;
    const struct rw_venue_requests_counters *count;
};

static void make(struct bench *bench, uint64_t seed, uint64_t published) {
    struct rw_venue_cfg cfg = venue_cfg(seed);
    struct rw_venue_requests_cfg requests = {.seed = seed,
                                             .datagram_bytes = 1400,
                                             .slow_ns = 300000000,
                                             .partial_max = 3,
                                             .lies_percent = 75};
    bench->venue = rw_venue_new(&cfg);
    rw_venue_begin(bench->venue, 0);
    venue_publish(bench->venue, published);
    bench->server = rw_venue_requests_new(bench->venue, &requests);
    bench->count = rw_venue_requests_counted(bench->server);
}

static void fini(struct bench *bench) {
    const struct rw_venue_requests_counters *c = bench->count;
    assert_int_equal(c->received, c->not_understood + c->foreign + c->beyond + c->unheard +
                                      c->overrun + c->queued + c->answered);
    rw_venue_requests_free(bench->server);
    rw_venue_free(bench->venue);
}

static void ask(struct bench *bench, uint64_t now_ns, const char *session, uint64_t sequence,
                uint16_t count) {
    uint8_t bytes[RW_MOLD_HEADER_BYTES];
    struct rw_mold_request request = {.sequence = sequence, .count = count};
    memcpy(request.session, session, sizeof request.session);
    rw_mold_encode_request(bytes, &request);
    rw_venue_requests_take(bench->server, now_ns, &asker, bytes, sizeof bytes);
}

static bool answered(struct bench *bench, uint64_t now_ns, struct rw_venue_answer *answer) {
    return rw_venue_requests_next(bench->server, now_ns, answer);
}

/* The answer is true and begins at `sequence`; returns its messages. */
static uint32_t check_answer(const struct bench *bench, const struct rw_venue_answer *answer,
                             uint64_t sequence) {
    struct rw_packet mold;
    struct rw_block message;
    uint32_t whole;
    assert_memory_equal(&answer->to, &asker, sizeof asker);
    assert_int_equal(rw_mold_decode(answer->payload, answer->bytes, &mold), RW_PACKET_FINE);
    assert_int_equal(rw_packet_check(&mold, &whole), RW_PACKET_FINE);
    assert_int_equal(mold.blocks.sequence, sequence);
    int life = rw_venue_find(bench->venue, mold.session);
    assert_true(life >= 0);
    struct rw_blocks cursor = mold.blocks;
    while (rw_blocks_next(&cursor, &message)) {
        uint32_t bytes;
        const uint8_t *wanted = rw_venue_log_get(rw_venue_messages(bench->venue, (uint32_t)life),
                                                 message.sequence, &bytes);
        assert_int_equal(message.count, bytes);
        assert_memory_equal(message.bytes, wanted, bytes);
    }
    return whole;
}

static void what_is_no_request_or_cannot_be_served_gets_no_answer(void **state) {
    struct bench bench;
    struct rw_venue_answer answer;
    uint8_t garbage[64] = {0};
    make(&bench, 1, 1000);
    const char *session = rw_venue_session(bench.venue, 0);
    for (uint32_t i = 0; i < sizeof garbage; i++)
        rw_venue_requests_take(bench.server, 0, &asker, garbage, i);
    ask(&bench, 0, session, 0, 1);
    ask(&bench, 0, session, 1, 0);
    assert_int_equal(bench.count->not_understood, sizeof garbage + 2);
    ask(&bench, 0, "NEVER00001", 1, 1);
    ask(&bench, 0, session, rw_venue_messages(bench.venue, 0)->count + 1, 1);
    ask(&bench, 0, session, UINT64_MAX, 65535);
    assert_false(answered(&bench, SECOND_NS, &answer));
    assert_int_equal(bench.count->foreign, 1);
    assert_int_equal(bench.count->beyond, 2);
    fini(&bench);
}

static void a_range_is_answered_in_as_many_datagrams_as_it_takes(void **state) {
    struct bench bench;
    struct rw_venue_answer answer;
    make(&bench, venue_seed(), 3000);
    uint64_t next = 200, end = 1200, datagrams = 0;
    while (next < end) {
        ask(&bench, 0, rw_venue_session(bench.venue, 0), next, (uint16_t)(end - next));
        assert_true(answered(&bench, 0, &answer));
        assert_false(answered(&bench, 0, &answer));
        assert_true(answer.bytes <= 1400);
        uint32_t messages = check_answer(&bench, &answer, next);
        assert_in_range(messages, 1, end - next);
        next += messages;
        datagrams++;
    }
    assert_int_equal(next, end);
    assert_in_range(datagrams, 20, 40);
    assert_int_equal(bench.count->messages, 1000);
    fini(&bench);
}

static void a_range_that_is_half_published_is_answered_by_half(void **state) {
    struct bench bench;
    struct rw_venue_answer answer;
    make(&bench, 4, 1000);
    uint64_t last = rw_venue_messages(bench.venue, 0)->count;
    ask(&bench, 0, rw_venue_session(bench.venue, 0), last - 4, 100);
    assert_true(answered(&bench, 0, &answer));
    assert_int_equal(check_answer(&bench, &answer, last - 4), 5);
    fini(&bench);
}

static void a_former_session_is_served_and_of_one_name_the_newest_life(void **state) {
    struct bench bench;
    struct rw_venue_answer answer;
    char first[11];
    make(&bench, 5, 2000);
    memcpy(first, rw_venue_session(bench.venue, 0), sizeof first);
    uint64_t now_ns = venue_publish(bench.venue, 2001);
    assert_true(rw_venue_restart(bench.venue, now_ns, RW_VENUE_NEW_SESSION));
    venue_publish(bench.venue, 500);
    ask(&bench, 0, first, 1900, 10);
    assert_true(answered(&bench, 0, &answer));
    assert_int_equal(check_answer(&bench, &answer, 1900), 10);
    now_ns = venue_publish(bench.venue, 501);
    assert_true(rw_venue_restart(bench.venue, now_ns, RW_VENUE_SAME_SESSION));
    ask(&bench, 0, rw_venue_session(bench.venue, 2), 400, 10);
    assert_false(answered(&bench, 0, &answer));
    assert_int_equal(bench.count->beyond, 1);
    fini(&bench);
}

static void down_hears_nothing_slow_is_late_and_partial_is_short(void **state) {
    struct bench bench;
    struct rw_venue_answer answer;
    make(&bench, venue_seed(), 3000);
    const char *session = rw_venue_session(bench.venue, 0);
    rw_venue_requests_behave(bench.server, RW_VENUE_DOWN);
    ask(&bench, 0, session, 1, 10);
    assert_int_equal(rw_venue_requests_due(bench.server), UINT64_MAX);
    assert_int_equal(bench.count->unheard, 1);

    rw_venue_requests_behave(bench.server, RW_VENUE_SLOW);
    ask(&bench, 1000, session, 7, 10);
    rw_venue_requests_behave(bench.server, RW_VENUE_FINE);
    assert_int_equal(rw_venue_requests_due(bench.server), 300001000);
    assert_false(answered(&bench, 300000999, &answer));
    assert_true(answered(&bench, 300001000, &answer));
    assert_int_equal(check_answer(&bench, &answer, 7), 10);

    rw_venue_requests_behave(bench.server, RW_VENUE_PARTIAL);
    for (uint32_t i = 0; i < 100; i++) {
        ask(&bench, 0, session, 50, 40);
        assert_true(answered(&bench, 0, &answer));
        assert_in_range(check_answer(&bench, &answer, 50), 1, 3);
    }
    fini(&bench);
}

/* A lie never puts another message under a number than the venue's own. */
static void a_lie_shows_or_is_harmless(void **state) {
    struct bench bench;
    struct rw_venue_answer answer;
    uint64_t true_ones = 0, foreign = 0, far = 0, faults = 0, others = 0;
    make(&bench, venue_seed(), 3000);
    const struct rw_venue_log *log = rw_venue_messages(bench.venue, 0);
    rw_venue_requests_behave(bench.server, RW_VENUE_LYING);
    for (uint32_t i = 0; i < 2000; i++) {
        struct rw_packet mold;
        struct rw_block message;
        uint32_t whole = 0;
        ask(&bench, 0, rw_venue_session(bench.venue, 0), 1 + i, 20);
        assert_true(answered(&bench, 0, &answer));
        assert_true(answer.bytes <= 1400);
        enum rw_packet_fault fault = rw_mold_decode(answer.payload, answer.bytes, &mold);
        faults += fault != RW_PACKET_FINE;
        if (fault != RW_PACKET_FINE) continue;
        if (memcmp(mold.session, rw_venue_session(bench.venue, 0), sizeof mold.session) != 0) {
            foreign++;
            continue;
        }
        faults += rw_packet_check(&mold, &whole) != RW_PACKET_FINE;
        if (mold.blocks.sequence > log->count + 1) {
            far++;
            continue;
        }
        if (mold.kind != RW_PACKET_DATA || mold.blocks.sequence != 1 + i) others++;
        true_ones += whole == 20 && mold.blocks.sequence == 1 + i;
        struct rw_blocks cursor = mold.blocks;
        while (rw_blocks_next(&cursor, &message)) {
            uint32_t bytes;
            const uint8_t *wanted = rw_venue_log_get(log, message.sequence, &bytes);
            assert_int_equal(message.count, bytes);
            assert_memory_equal(message.bytes, wanted, bytes);
        }
    }
    assert_true(foreign > 100 && far > 100 && faults > 100 && others > 100 && true_ones > 300);
    assert_in_range(bench.count->lies, 1300, 1700);
    fini(&bench);
}

static void more_requests_than_fit_in_the_queue_are_counted(void **state) {
    struct bench bench;
    struct rw_venue_answer answer;
    make(&bench, 6, 1000);
    uint32_t over = 10, got = 0;
    for (uint32_t i = 0; i < RW_VENUE_REQUESTS_QUEUED_MAX + over; i++)
        ask(&bench, 0, rw_venue_session(bench.venue, 0), 1, 1);
    assert_int_equal(bench.count->overrun, over);
    assert_int_equal(bench.count->queued, RW_VENUE_REQUESTS_QUEUED_MAX);
    while (answered(&bench, 0, &answer)) got++;
    assert_int_equal(got, RW_VENUE_REQUESTS_QUEUED_MAX);
    assert_int_equal(bench.count->queued, 0);
    fini(&bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_request_or_cannot_be_served_gets_no_answer),
        cmocka_unit_test(more_requests_than_fit_in_the_queue_are_counted),
        cmocka_unit_test(down_hears_nothing_slow_is_late_and_partial_is_short),
        cmocka_unit_test(a_lie_shows_or_is_harmless),
        cmocka_unit_test(a_range_that_is_half_published_is_answered_by_half),
        cmocka_unit_test(a_range_is_answered_in_as_many_datagrams_as_it_takes),
        cmocka_unit_test(a_former_session_is_served_and_of_one_name_the_newest_life),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
