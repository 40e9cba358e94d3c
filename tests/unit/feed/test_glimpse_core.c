/* A snapshot over bytes cut anywhere, and every way in which a server can spoil it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/base/bytes.h"
#include "dataplane/base/rng.h"
#include "dataplane/feed/glimpse_core.h"
#include "dataplane/record/soupbintcp.h"

#define SECOND UINT64_C(1000000000)

struct bench {
    void *memory;
    struct rw_glimpse *glimpse;
    uint8_t wire[64 << 10];
    uint32_t used, given;
    uint64_t now;
    uint32_t messages; /* taken; each says its number */
};

static struct bench *bench_new(struct rw_glimpse_cfg cfg) {
    struct bench *bench = calloc(1, sizeof *bench);
    if (cfg.messages_max == 0) cfg.messages_max = 1000;
    strcpy(cfg.username, "desk");
    strcpy(cfg.password, "secret");
    bench->memory = aligned_alloc(64, rw_glimpse_footprint());
    bench->glimpse = rw_glimpse_new(bench->memory, &cfg);
    rw_glimpse_start(bench->glimpse, 0);
    return bench;
}

static void bench_free(struct bench *bench) {
    free(bench->memory);
    free(bench);
}

static void say(struct bench *bench, enum rw_soup_type type, const void *payload, size_t bytes) {
    bench->used += (uint32_t)rw_soup_write(bench->wire + bench->used, type, payload, bytes);
}

static void say_accept(struct bench *bench) {
    bench->used += (uint32_t)rw_soup_write_accept(bench->wire + bench->used, "SNAP000001", 1);
}

static void say_message(struct bench *bench, uint32_t number) {
    uint8_t message[12] = "A";
    rw_store_be32(message + 1, number);
    say(bench, RW_SOUP_SEQUENCED, message, sizeof message);
}

static void say_end(struct bench *bench, const char *text20) {
    uint8_t message[21] = "G";
    memcpy(message + 1, text20, 20);
    say(bench, RW_SOUP_SEQUENCED, message, sizeof message);
}

static void take_all(struct bench *bench) {
    struct rw_block message;
    while (rw_glimpse_next(bench->glimpse, &message)) {
        assert_int_equal(message.sequence, ++bench->messages);
        assert_int_equal(rw_load_be32(message.bytes + 1), bench->messages);
    }
}

/* give hands over `bytes` bytes of what the server has said. */
static void give(struct bench *bench, uint32_t bytes) {
    while (bytes > 0) {
        uint32_t room;
        uint8_t *in = rw_glimpse_in(bench->glimpse, &room);
        uint32_t part = bytes < room ? bytes : room;
        assert_true(part > 0);
        memcpy(in, bench->wire + bench->given, part);
        rw_glimpse_received(bench->glimpse, part, bench->now);
        bench->given += part;
        bytes -= part;
        take_all(bench);
    }
}

static void give_all(struct bench *bench) { give(bench, bench->used - bench->given); }

static void assert_failed(struct bench *bench, enum rw_glimpse_failure why) {
    assert_int_equal(rw_glimpse_state(bench->glimpse), RW_GLIMPSE_FAILED);
    assert_int_equal(rw_glimpse_failure(bench->glimpse), why);
    bench_free(bench);
}

static void a_refused_log_in_fails(void **state) {
    struct bench *bench = bench_new((struct rw_glimpse_cfg){0});
    say(bench, RW_SOUP_REJECT, "A", 1);
    give_all(bench);
    assert_failed(bench, RW_GLIMPSE_REJECTED);
}

static void what_is_not_soupbintcp_fails(void **state) {
    struct bench *bench = bench_new((struct rw_glimpse_cfg){0});
    memcpy(bench->wire, "HTTP/1.1 400 Bad Request", 24);
    bench->used = 24;
    give_all(bench);
    assert_failed(bench, RW_GLIMPSE_GARBAGE);
    bench = bench_new((struct rw_glimpse_cfg){0});
    bench->used = 2; /* a length of 0 */
    give_all(bench);
    assert_failed(bench, RW_GLIMPSE_GARBAGE);
}

static void messages_out_of_place_fail(void **state) {
    struct bench *bench = bench_new((struct rw_glimpse_cfg){0});
    say_message(bench, 1); /* before the accept */
    give_all(bench);
    assert_failed(bench, RW_GLIMPSE_GARBAGE);
    bench = bench_new((struct rw_glimpse_cfg){0});
    say_accept(bench);
    say_accept(bench);
    give_all(bench);
    assert_failed(bench, RW_GLIMPSE_GARBAGE);
    bench = bench_new((struct rw_glimpse_cfg){0});
    bench->used = (uint32_t)rw_soup_write_accept(bench->wire, "SNAP000001", 5);
    give_all(bench); /* its first four messages are missing */
    assert_failed(bench, RW_GLIMPSE_GARBAGE);
}

static void a_message_without_end_or_without_bytes_fails(void **state) {
    uint8_t text[RW_GLIMPSE_MESSAGE_MAX + 1] = {0};
    struct bench *bench = bench_new((struct rw_glimpse_cfg){0});
    say_accept(bench);
    say(bench, RW_SOUP_SEQUENCED, text, sizeof text);
    give_all(bench);
    assert_failed(bench, RW_GLIMPSE_GARBAGE);
    bench = bench_new((struct rw_glimpse_cfg){0});
    say_accept(bench);
    say(bench, RW_SOUP_SEQUENCED, NULL, 0);
    give_all(bench);
    assert_failed(bench, RW_GLIMPSE_GARBAGE);
}

static void more_messages_than_the_limit_fail(void **state) {
    struct bench *bench = bench_new((struct rw_glimpse_cfg){.messages_max = 3});
    say_accept(bench);
    for (uint32_t i = 1; i <= 4; i++) say_message(bench, i);
    give_all(bench);
    assert_int_equal(bench->messages, 3);
    assert_failed(bench, RW_GLIMPSE_TOO_MANY);
}

static void an_early_end_fails(void **state) {
    struct bench *bench = bench_new((struct rw_glimpse_cfg){0});
    say_accept(bench);
    say_message(bench, 1);
    give_all(bench);
    rw_glimpse_closed(bench->glimpse);
    assert_failed(bench, RW_GLIMPSE_EARLY_END);
    bench = bench_new((struct rw_glimpse_cfg){0});
    say_accept(bench);
    say(bench, RW_SOUP_END, NULL, 0);
    give_all(bench);
    assert_failed(bench, RW_GLIMPSE_EARLY_END);
}

static void an_end_without_a_number_fails(void **state) {
    const char *const bad[] = {"                    ", "00000000000000000000",
                               "12345 678           ", "99999999999999999999",
                               "-1                  "};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct bench *bench = bench_new((struct rw_glimpse_cfg){0});
        say_accept(bench);
        say_end(bench, bad[i]);
        give_all(bench);
        assert_failed(bench, RW_GLIMPSE_BAD_END);
    }
    struct bench *bench = bench_new((struct rw_glimpse_cfg){.end_is_binary = true});
    say_accept(bench);
    say_end(bench, "1                   ");
    give_all(bench);
    assert_failed(bench, RW_GLIMPSE_BAD_END);
}

static void silence_fails_and_heartbeats_go_out_meanwhile(void **state) {
    struct bench *bench = bench_new((struct rw_glimpse_cfg){0});
    uint32_t count;
    rw_glimpse_out(bench->glimpse, &count);
    rw_glimpse_sent(bench->glimpse, count);
    rw_glimpse_now(bench->glimpse, SECOND - 1);
    rw_glimpse_out(bench->glimpse, &count);
    assert_int_equal(count, 0);
    for (uint64_t i = 1; i < 15; i++) {
        rw_glimpse_now(bench->glimpse, i * SECOND);
        const uint8_t *out = rw_glimpse_out(bench->glimpse, &count);
        assert_int_equal(count, RW_SOUP_HEAD_BYTES);
        assert_int_equal(out[2], RW_SOUP_CLIENT_HEARTBEAT);
        rw_glimpse_sent(bench->glimpse, count);
    }
    rw_glimpse_now(bench->glimpse, 15 * SECOND - 1);
    assert_int_equal(rw_glimpse_state(bench->glimpse), RW_GLIMPSE_LOGIN);
    rw_glimpse_now(bench->glimpse, 15 * SECOND);
    assert_failed(bench, RW_GLIMPSE_SILENT);
}

static void a_peer_that_takes_nothing_does_not_fill_the_way_out(void **state) {
    struct bench *bench = bench_new((struct rw_glimpse_cfg){.silence_ns = 1000 * SECOND});
    for (uint64_t i = 1; i < 100; i++) rw_glimpse_now(bench->glimpse, i * SECOND);
    uint32_t count;
    rw_glimpse_out(bench->glimpse, &count);
    assert_true(count >= RW_SOUP_LOGIN_BYTES && count <= 64);
    bench_free(bench);
}

static void the_log_in_asks_for_everything_and_names_the_user(void **state) {
    struct bench *bench = bench_new((struct rw_glimpse_cfg){0});
    uint32_t count;
    const uint8_t *out = rw_glimpse_out(bench->glimpse, &count);
    struct rw_soup_packet packet;
    struct rw_soup_login login;
    assert_int_equal(rw_soup_parse(out, count, &packet), count);
    assert_int_equal(rw_soup_read_login(&packet, &login), 0);
    assert_string_equal(login.username, "desk");
    assert_string_equal(login.password, "secret");
    assert_string_equal(login.session, "");
    assert_int_equal(login.sequence, 1);
    bench_free(bench);
}

static void the_end_says_where_to_go_on_in_every_form(void **state) {
    const struct {
        const char *text;
        bool last;
        uint64_t sequence;
    } cases[] = {{"                 123", false, 123},
                 {"123                 ", false, 123},
                 {"00000000000000000123", true, 124},
                 {"       0123         ", true, 124},
                 {"                   0", true, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bench *bench = bench_new((struct rw_glimpse_cfg){.end_is_last = cases[i].last});
        say_accept(bench);
        say_end(bench, cases[i].text);
        give_all(bench);
        assert_int_equal(rw_glimpse_state(bench->glimpse), RW_GLIMPSE_DONE);
        assert_int_equal(rw_glimpse_sequence(bench->glimpse), cases[i].sequence);
        bench_free(bench);
    }
    struct bench *bench = bench_new((struct rw_glimpse_cfg){.end_is_binary = true});
    uint8_t end[9] = "G";
    rw_store_be64(end + 1, 77);
    say_accept(bench);
    say(bench, RW_SOUP_SEQUENCED, end, sizeof end);
    say(bench, RW_SOUP_END, NULL, 0); /* what follows is not looked at */
    give_all(bench);
    assert_int_equal(rw_glimpse_sequence(bench->glimpse), 77);
    rw_glimpse_closed(bench->glimpse);
    assert_int_equal(rw_glimpse_state(bench->glimpse), RW_GLIMPSE_DONE);
    bench_free(bench);
}

static void a_snapshot_is_whole_however_its_bytes_are_cut(void **state) {
    const char *text = getenv("RW_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : 1;
    print_message("RW_SEED=%llu\n", (unsigned long long)seed);
    for (uint64_t round = 0; round < 200; round++) {
        struct rw_rng rng;
        rw_rng_seed(&rng, seed * 1000 + round);
        struct bench *bench = bench_new((struct rw_glimpse_cfg){0});
        uint32_t count = (uint32_t)rw_rng_below(&rng, 900);
        say_accept(bench);
        for (uint32_t i = 1; i <= count; i++) {
            if (rw_rng_chance(&rng, 1, 20)) say(bench, RW_SOUP_SERVER_HEARTBEAT, NULL, 0);
            if (rw_rng_chance(&rng, 1, 20)) say(bench, RW_SOUP_DEBUG, "ignored", 7);
            say_message(bench, i);
        }
        say_end(bench, "                9999");
        while (bench->given < bench->used) {
            uint32_t left = bench->used - bench->given;
            give(bench, 1 + (uint32_t)rw_rng_below(&rng, left < 3000 ? left : 3000));
        }
        assert_int_equal(bench->messages, count);
        assert_int_equal(rw_glimpse_state(bench->glimpse), RW_GLIMPSE_DONE);
        assert_int_equal(rw_glimpse_sequence(bench->glimpse), 9999);
        bench_free(bench);
    }
}

static void a_second_start_forgets_the_first(void **state) {
    struct bench *bench = bench_new((struct rw_glimpse_cfg){0});
    say_accept(bench);
    for (uint32_t i = 1; i <= 5; i++) say_message(bench, i);
    give(bench, bench->used - 4);
    rw_glimpse_closed(bench->glimpse);
    rw_glimpse_start(bench->glimpse, 5);
    bench->used = bench->given = bench->messages = 0;
    say_accept(bench);
    say_message(bench, 1);
    say_end(bench, "                  10");
    give_all(bench);
    assert_int_equal(bench->messages, 1);
    assert_int_equal(rw_glimpse_sequence(bench->glimpse), 10);
    bench_free(bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_log_in_fails),
        cmocka_unit_test(what_is_not_soupbintcp_fails),
        cmocka_unit_test(messages_out_of_place_fail),
        cmocka_unit_test(a_message_without_end_or_without_bytes_fails),
        cmocka_unit_test(more_messages_than_the_limit_fail),
        cmocka_unit_test(an_early_end_fails),
        cmocka_unit_test(an_end_without_a_number_fails),
        cmocka_unit_test(silence_fails_and_heartbeats_go_out_meanwhile),
        cmocka_unit_test(a_peer_that_takes_nothing_does_not_fill_the_way_out),
        cmocka_unit_test(the_log_in_asks_for_everything_and_names_the_user),
        cmocka_unit_test(the_end_says_where_to_go_on_in_every_form),
        cmocka_unit_test(a_snapshot_is_whole_however_its_bytes_are_cut),
        cmocka_unit_test(a_second_start_forgets_the_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
