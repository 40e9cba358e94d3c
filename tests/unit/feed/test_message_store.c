/* The store against a plain array: what it still holds is exact, what it lost is never invented. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/base/bytes.h"
#include "dataplane/base/rng.h"
#include "dataplane/feed/message_store.h"

#define BYTES  (128u << 10)
#define PLACES 4096u

static const char SESSION[RW_MOLD_SESSION_BYTES] = "2311210001", OTHER[] = "2311210002";

struct bench {
    void *memory;
    struct rw_store_counters counters;
    struct rw_store *store;
};

static struct bench bench_new(void) {
    struct rw_store_cfg cfg = {.bytes = BYTES, .messages = PLACES};
    struct bench bench = {.memory = aligned_alloc(64, rw_store_footprint(&cfg))};
    return bench;
}

static void begin(struct bench *bench) {
    struct rw_store_cfg cfg = {.bytes = BYTES, .messages = PLACES};
    bench->store = rw_store_new(bench->memory, &cfg, &bench->counters);
    rw_store_begin(bench->store, SESSION);
}

static void put(struct bench *bench, uint64_t sequence, uint16_t count) {
    uint8_t bytes[2048];
    for (uint32_t i = 0; i < count; i++) bytes[i] = (uint8_t)(sequence + i);
    rw_store_put(bench->store, sequence, bytes, count);
}

/* ask returns the messages of the answer, checked byte by byte, or -1 when there is none. */
static int ask(struct bench *bench, const char *session, uint64_t sequence, uint16_t count) {
    struct rw_mold_request request = {.sequence = sequence, .count = count};
    uint8_t bytes[RW_MOLD_HEADER_BYTES], answer[1400];
    memcpy(request.session, session, sizeof request.session);
    rw_mold_encode_request(bytes, &request);
    size_t size =
        rw_store_answer(bench->store, bytes, sizeof bytes, answer, sizeof answer, NULL, NULL);
    if (size == 0) return -1;
    struct rw_packet packet;
    uint32_t whole;
    assert_int_equal(rw_mold_decode(answer, size, &packet), RW_PACKET_FINE);
    assert_int_equal(rw_packet_check(&packet, &whole), RW_PACKET_FINE);
    assert_int_equal(packet.blocks.sequence, sequence);
    assert_memory_equal(packet.session, SESSION, sizeof packet.session);
    struct rw_block message;
    while (rw_blocks_next(&packet.blocks, &message))
        for (uint32_t i = 0; i < message.count; i++)
            assert_int_equal(message.bytes[i], (uint8_t)(message.sequence + i));
    return (int)whole;
}

static void what_is_no_request_is_counted_and_not_answered(void **state) {
    struct bench bench = bench_new();
    uint8_t bytes[RW_MOLD_HEADER_BYTES + 1] = {0}, answer[100];
    begin(&bench);
    assert_int_equal(rw_store_answer(bench.store, bytes, 19, answer, sizeof answer, NULL, NULL), 0);
    assert_int_equal(rw_store_answer(bench.store, bytes, 21, answer, sizeof answer, NULL, NULL), 0);
    assert_int_equal(rw_store_answer(bench.store, bytes, 20, answer, sizeof answer, NULL, NULL), 0);
    assert_int_equal(ask(&bench, SESSION, UINT64_MAX, 65535), -1);
    assert_int_equal(rw_stat_get(&bench.counters.malformed), 4);
    assert_int_equal(ask(&bench, OTHER, 1, 1), -1);
    assert_int_equal(rw_stat_get(&bench.counters.wrong_session), 1);
    free(bench.memory);
}

static void what_is_not_here_is_answered_with_an_empty_packet(void **state) {
    struct bench bench = bench_new();
    begin(&bench);
    assert_int_equal(ask(&bench, SESSION, 1, 10), 0);
    put(&bench, 5, 20);
    assert_int_equal(ask(&bench, SESSION, 4, 10), 0);
    assert_int_equal(ask(&bench, SESSION, 5, 10), 1);
    assert_int_equal(ask(&bench, SESSION, 6, 10), 0);
    assert_int_equal(rw_stat_get(&bench.counters.not_here), 3);
    free(bench.memory);
}

static void an_answer_stops_at_the_count_the_capacity_or_a_hole(void **state) {
    struct bench bench = bench_new();
    begin(&bench);
    for (uint64_t i = 1; i <= 100; i++) put(&bench, i, 34);
    assert_int_equal(ask(&bench, SESSION, 1, 7), 7);
    assert_int_equal(ask(&bench, SESSION, 1, 65535), (1400 - 20) / 36);
    put(&bench, 103, 34);
    assert_int_equal(ask(&bench, SESSION, 99, 10), 2);
    assert_int_equal(ask(&bench, SESSION, 101, 10), 0);
    assert_int_equal(ask(&bench, SESSION, 103, 10), 1);
    free(bench.memory);
}

static void a_jump_longer_than_the_places_leaves_nothing_behind(void **state) {
    struct bench bench = bench_new();
    begin(&bench);
    for (uint64_t i = 1; i <= 10; i++) put(&bench, i, 34);
    put(&bench, 10 + 3 * PLACES, 34);
    for (uint64_t i = 1; i < 10 + 3 * PLACES; i += 7)
        assert_int_equal(ask(&bench, SESSION, i, 1), 0);
    assert_int_equal(ask(&bench, SESSION, 10 + 3 * PLACES, 1), 1);
    free(bench.memory);
}

static bool odd_ones(const void *from, uint64_t sequence, struct rw_block *message) {
    *message = (struct rw_block){.bytes = from, .sequence = sequence, .count = 3};
    return sequence % 2;
}

static void what_the_store_lacks_is_looked_for_elsewhere(void **state) {
    struct bench bench = bench_new();
    struct rw_mold_request request = {.sequence = 2, .count = 10};
    uint8_t bytes[RW_MOLD_HEADER_BYTES], answer[1400];
    begin(&bench);
    put(&bench, 2, 34);
    put(&bench, 4, 34);
    memcpy(request.session, SESSION, sizeof request.session);
    rw_mold_encode_request(bytes, &request);
    size_t size =
        rw_store_answer(bench.store, bytes, sizeof bytes, answer, sizeof answer, odd_ones, "odd");
    assert_int_equal(size, RW_MOLD_HEADER_BYTES + 2 * 36 + 2 * 5); /* 2, 3, 4, 5 */
    free(bench.memory);
}

static void another_session_begins_empty(void **state) {
    struct bench bench = bench_new();
    begin(&bench);
    for (uint64_t i = 1; i <= 10; i++) put(&bench, i, 34);
    rw_store_begin(bench.store, SESSION);
    assert_int_equal(ask(&bench, SESSION, 5, 1), 0);
    put(&bench, 1, 34);
    assert_int_equal(ask(&bench, SESSION, 1, 5), 1);
    free(bench.memory);
}

/* The newest messages that fit are all there, whatever their lengths and holes. */
static void the_newest_that_fit_are_held_exactly(void **state) {
    const char *text = getenv("RW_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : 1;
    print_message("RW_SEED=%llu\n", (unsigned long long)seed);
    struct bench bench = bench_new();
    static bool there[200000];
    struct rw_rng rng;
    rw_rng_seed(&rng, seed);
    begin(&bench);
    memset(there, 0, sizeof there);
    uint64_t next = 1;
    while (next < 100000) {
        if (rw_rng_chance(&rng, 1, 500)) next += rw_rng_below(&rng, 300);
        there[next] = true;
        put(&bench, next++, (uint16_t)rw_rng_below(&rng, rw_rng_chance(&rng, 1, 50) ? 1500 : 50));
        if (!rw_rng_chance(&rng, 1, 400)) continue;
        uint64_t from = next > 6000 ? next - 6000 : 1, held = 0, lost = 0;
        for (uint64_t i = from; i < next + 3; i++) {
            struct rw_block message;
            bool found = rw_store_find(bench.store, i, &message);
            if (found) assert_true(there[i]);
            held += found;
            if (found) lost = 0;
            lost += there[i] && !found;
        }
        assert_int_equal(lost, 0); /* once one is held, all later ones are */
        assert_true(next < 5000 || held > 1000);
    }
    free(bench.memory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_request_is_counted_and_not_answered),
        cmocka_unit_test(what_is_not_here_is_answered_with_an_empty_packet),
        cmocka_unit_test(an_answer_stops_at_the_count_the_capacity_or_a_hole),
        cmocka_unit_test(a_jump_longer_than_the_places_leaves_nothing_behind),
        cmocka_unit_test(what_the_store_lacks_is_looked_for_elsewhere),
        cmocka_unit_test(another_session_begins_empty),
        cmocka_unit_test(the_newest_that_fit_are_held_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
