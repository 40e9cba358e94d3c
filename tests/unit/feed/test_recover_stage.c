/* The recover stage between a feed's links and real sockets on loopback, which delivers a datagram
 * within the call. Time is the test's. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/base/bytes.h"
#include "dataplane/base/err.h"
#include "dataplane/feed/recover_stage.h"
#include "dataplane/io/datagram.h"
#include "dataplane/io/stream.h"
#include "dataplane/record/soupbintcp.h"

#define DEPTH 8u

struct bench {
    struct rw_recover_cfg cfg;
    struct rw_plan plan;
    struct rw_arena arena;
    struct rw_stats *stats;
    struct rw_ring *orders, *frames; /* from and to the feed */
    void *stage;
    uint64_t now;
    int server, listener; /* the test is what the stage talks to */
    struct rw_address server_address, serve_address;
    struct rw_stream *client; /* the stage's connection, at the server's side */
};

static struct rw_ring *ring_new(void) {
    return rw_ring_new(aligned_alloc(64, rw_ring_footprint(DEPTH, RW_RECOVER_SLOT_BYTES)), DEPTH,
                       RW_RECOVER_SLOT_BYTES);
}

static int open_socket(const char *text, struct rw_address *bound) {
    struct rw_address local;
    int fd;
    assert_int_equal(rw_address_parse(&local, text), 0);
    assert_int_equal(rw_datagram_open(&local, &fd, bound), 0);
    return fd;
}

static int start(struct bench *bench) {
    struct rw_stage_env env = {.name = "recover",
                               .instances = 1,
                               .in = {bench->orders},
                               .in_count = 1,
                               .out = {bench->frames},
                               .out_count = 1,
                               .stats = bench->stats,
                               .arena = &bench->arena};
    assert_int_equal(rw_recover_stage_type.plan(&bench->cfg, "recover", 1, &bench->plan), 0);
    assert_int_equal(rw_arena_map(&bench->arena, &bench->plan, false), 0);
    return rw_recover_stage_type.init(&bench->stage, &bench->cfg, &env);
}

static struct bench *bench_new(void) {
    struct bench *bench = calloc(1, sizeof *bench);
    struct rw_recover_channel *channel = &bench->cfg.channel[0];
    struct rw_address local, bound;
    bench->cfg.channels = 1;
    bench->stats = rw_stats_create(NULL, "test", 1);
    bench->orders = ring_new();
    bench->frames = ring_new();
    bench->server = open_socket("127.0.0.1:0", &bench->server_address);
    assert_int_equal(rw_address_parse(&local, "127.0.0.1:0"), 0);
    assert_int_equal(rw_tcp_listen(&local, &bench->listener, &bound), 0);
    /* a port that was free a moment ago */
    rw_datagram_close(open_socket("127.0.0.1:0", &bench->serve_address));
    strcpy(channel->name, "feed");
    channel->servers = 1;
    rw_address_text(&bench->server_address, channel->server[0]);
    rw_address_text(&bench->serve_address, channel->serve);
    rw_address_text(&bound, channel->snapshot);
    channel->glimpse = (struct rw_glimpse_cfg){.username = "desk", .messages_max = 1000};
    return bench;
}

static void bench_free(struct bench *bench) {
    rw_recover_stage_type.fini(bench->stage);
    rw_stream_close(bench->client);
    rw_datagram_close(bench->server);
    rw_datagram_close(bench->listener);
    rw_arena_unmap(&bench->arena);
    rw_stats_close(bench->stats);
    free(bench->orders);
    free(bench->frames);
    free(bench);
}

static uint64_t stat(struct bench *bench, const char *name) {
    struct rw_stats_item item;
    for (uint64_t at = 0; rw_stats_next(bench->stats, &at, &item);)
        if (!strcmp(item.block, "feed sockets") && !strcmp(item.name, name)) return item.value;
    fail_msg("no %s", name);
    return 0;
}

static void visit(struct bench *bench) {
    bench->now += 1000000;
    rw_recover_stage_type.poll(bench->stage, 32, bench->now);
}

static void order(struct bench *bench, struct rw_recover_order order, const char *payload) {
    assert_true(rw_ring_room(bench->orders, 1) > 0);
    struct rw_recover_order *slot = rw_ring_slot(bench->orders, 0);
    *slot = order;
    slot->bytes = (uint16_t)strlen(payload);
    memcpy(slot->payload, payload, slot->bytes);
    rw_ring_push(bench->orders, 1);
    visit(bench);
}

/* next_frame returns the next frame to the feed, or NULL; it stays until the next call. */
static const struct rw_recover_frame *next_frame(struct bench *bench) {
    static _Alignas(8) uint8_t copy[RW_RECOVER_SLOT_BYTES];
    if (rw_ring_ready(bench->frames, 1) == 0) return NULL;
    memcpy(copy, rw_ring_front(bench->frames, 0), sizeof copy);
    rw_ring_pop(bench->frames, 1);
    return (const void *)copy;
}

static void an_address_that_is_none_is_named_with_its_key(void **state) {
    struct bench *bench = bench_new();
    strcpy(bench->cfg.channel[0].server[0], "nowhere");
    assert_int_equal(start(bench), -EINVAL);
    assert_non_null(strstr(rw_err_text(), "feed.request_servers"));
    bench_free(bench);
}

static void an_answer_counts_only_from_the_server_that_was_asked(void **state) {
    struct bench *bench = bench_new();
    struct rw_address from, stranger_address;
    uint8_t request[64];
    uint32_t count;
    assert_int_equal(start(bench), 0);
    order(bench, (struct rw_recover_order){.kind = RW_RECOVER_ASK}, "a request");
    assert_int_equal(rw_datagram_recv(bench->server, request, sizeof request, &from, &count), 1);
    assert_int_equal(count, 9);
    int stranger = open_socket("127.0.0.1:0", &stranger_address);
    assert_int_equal(rw_datagram_send(stranger, &from, "a lie", 5), 1);
    assert_int_equal(rw_datagram_send(bench->server, &from, "an answer", 9), 1);
    visit(bench);
    const struct rw_recover_frame *frame = next_frame(bench);
    assert_non_null(frame);
    assert_int_equal(frame->kind, RW_RECOVER_ANSWER);
    assert_int_equal(frame->bytes, 9);
    assert_memory_equal(frame->payload, "an answer", 9);
    assert_null(next_frame(bench));
    assert_int_equal(stat(bench, "wrong_address"), 1);
    rw_datagram_close(stranger);
    bench_free(bench);
}

static void a_datagram_too_long_to_use_is_counted_and_the_next_is_taken(void **state) {
    struct bench *bench = bench_new();
    static uint8_t bytes[RW_RECOVER_PAYLOAD_BYTES + 1];
    struct rw_address from;
    uint32_t count;
    assert_int_equal(start(bench), 0);
    order(bench, (struct rw_recover_order){.kind = RW_RECOVER_ASK}, "a request");
    assert_int_equal(rw_datagram_recv(bench->server, bytes, 64, &from, &count), 1);
    assert_int_equal(rw_datagram_send(bench->server, &from, bytes, sizeof bytes), 1);
    assert_int_equal(rw_datagram_send(bench->server, &from, bytes, sizeof bytes - 1), 1);
    visit(bench);
    assert_int_equal(next_frame(bench)->bytes, RW_RECOVER_PAYLOAD_BYTES);
    assert_int_equal(stat(bench, "too_long"), 1);
    bench_free(bench);
}

static void answers_wait_in_the_socket_while_the_link_is_full(void **state) {
    struct bench *bench = bench_new();
    struct rw_address from;
    uint8_t bytes[64];
    uint32_t count;
    assert_int_equal(start(bench), 0);
    order(bench, (struct rw_recover_order){.kind = RW_RECOVER_ASK}, "a request");
    assert_int_equal(rw_datagram_recv(bench->server, bytes, sizeof bytes, &from, &count), 1);
    for (uint8_t i = 0; i < 3 * DEPTH; i++)
        assert_int_equal(rw_datagram_send(bench->server, &from, &i, 1), 1);
    for (uint32_t i = 0; i < 3 * DEPTH; i++) {
        visit(bench);
        assert_int_equal(next_frame(bench)->payload[0], i);
    }
    bench_free(bench);
}

static void a_peer_is_answered_at_the_address_it_asked_from(void **state) {
    struct bench *bench = bench_new();
    struct rw_address from;
    uint8_t bytes[64];
    uint32_t count;
    assert_int_equal(start(bench), 0);
    assert_int_equal(rw_datagram_send(bench->server, &bench->serve_address, "wanted", 6), 1);
    visit(bench);
    const struct rw_recover_frame *frame = next_frame(bench);
    assert_int_equal(frame->kind, RW_RECOVER_REQUEST);
    assert_memory_equal(frame->payload, "wanted", 6);
    order(bench, (struct rw_recover_order){.kind = RW_RECOVER_REPLY, .peer = frame->number},
          "here");
    assert_int_equal(rw_datagram_recv(bench->server, bytes, sizeof bytes, &from, &count), 1);
    assert_memory_equal(bytes, "here", 4);
    assert_true(rw_address_equal(&from, &bench->serve_address));
    bench_free(bench);
}

static void a_stranger_is_not_served(void **state) {
    struct bench *bench = bench_new();
    struct rw_address address;
    int stranger = open_socket("127.0.0.2:0", &address);
    assert_int_equal(start(bench), 0);
    assert_int_equal(rw_datagram_send(stranger, &bench->serve_address, "wanted", 6), 1);
    visit(bench);
    assert_null(next_frame(bench));
    assert_int_equal(stat(bench, "wrong_peer"), 1);
    rw_datagram_close(stranger);
    bench_free(bench);
}

static void a_reply_after_very_many_requests_is_dropped(void **state) {
    struct bench *bench = bench_new();
    assert_int_equal(start(bench), 0);
    for (uint32_t i = 0; i < 70; i++) {
        assert_int_equal(rw_datagram_send(bench->server, &bench->serve_address, "wanted", 6), 1);
        visit(bench);
        assert_int_equal(next_frame(bench)->number, i);
    }
    order(bench, (struct rw_recover_order){.kind = RW_RECOVER_REPLY, .peer = 5}, "late");
    order(bench, (struct rw_recover_order){.kind = RW_RECOVER_REPLY, .peer = 6}, "just");
    assert_int_equal(stat(bench, "replies_too_late"), 1);
    assert_int_equal(stat(bench, "replies"), 1);
    bench_free(bench);
}

/* ---- Snapshots ------------------------------------------------------------------------------- */

static void begin(struct bench *bench, uint64_t number) {
    order(bench, (struct rw_recover_order){.kind = RW_RECOVER_BEGIN, .number = number}, "");
    struct pollfd wait = {.fd = bench->listener, .events = POLLIN};
    assert_int_equal(poll(&wait, 1, 5000), 1);
    rw_stream_close(bench->client);
    assert_int_equal(rw_tcp_accept(bench->listener, &bench->client), 1);
    visit(bench);
}

static void say(struct bench *bench, enum rw_soup_type type, const void *payload, size_t bytes) {
    uint8_t packet[2048];
    uint32_t size = (uint32_t)rw_soup_write(packet, type, payload, bytes);
    assert_int_equal(rw_stream_send(bench->client, packet, size), size);
}

static void say_accept(struct bench *bench) {
    uint8_t packet[RW_SOUP_ACCEPT_BYTES];
    uint32_t size = (uint32_t)rw_soup_write_accept(packet, "SNAP000001", 1);
    assert_int_equal(rw_stream_send(bench->client, packet, size), size);
}

static void the_log_in_is_sent_and_a_refusal_told(void **state) {
    struct bench *bench = bench_new();
    uint8_t bytes[128];
    assert_int_equal(start(bench), 0);
    begin(bench, 7);
    assert_int_equal(rw_stream_recv(bench->client, bytes, sizeof bytes), RW_SOUP_LOGIN_BYTES);
    assert_memory_equal(bytes + RW_SOUP_HEAD_BYTES, "desk  ", 6);
    say(bench, RW_SOUP_REJECT, "A", 1);
    visit(bench);
    const struct rw_recover_frame *frame = next_frame(bench);
    assert_int_equal(frame->kind, RW_RECOVER_FAILED);
    assert_int_equal(frame->number, 7);
    assert_int_equal(stat(bench, "snapshot_rejected"), 1);
    bench_free(bench);
}

static void a_server_that_is_not_there_is_told(void **state) {
    struct bench *bench = bench_new();
    rw_datagram_close(bench->listener);
    bench->listener = open_socket("127.0.0.1:0", &(struct rw_address){0});
    assert_int_equal(start(bench), 0);
    order(bench, (struct rw_recover_order){.kind = RW_RECOVER_BEGIN, .number = 3}, "");
    for (uint32_t i = 0; i < 1000 && rw_ring_ready(bench->frames, 1) == 0; i++) visit(bench);
    assert_int_equal(next_frame(bench)->kind, RW_RECOVER_FAILED);
    assert_int_equal(stat(bench, "dial_failed"), 1);
    bench_free(bench);
}

static void a_snapshot_comes_in_parts_and_ends_with_its_sequence(void **state) {
    struct bench *bench = bench_new();
    uint32_t got = 0;
    assert_int_equal(start(bench), 0);
    begin(bench, 9);
    say_accept(bench);
    for (uint32_t i = 0; i < 500; i++) {
        uint8_t message[36] = "A";
        rw_store_be32(message + 1, i);
        say(bench, RW_SOUP_SEQUENCED, message, sizeof message);
    }
    say(bench, RW_SOUP_SEQUENCED, "G                4711", 21);
    for (uint32_t i = 0; i < 100; i++) {
        visit(bench);
        for (const struct rw_recover_frame *frame; (frame = next_frame(bench));) {
            assert_int_equal(frame->number, 9);
            if (frame->kind == RW_RECOVER_WHOLE) {
                assert_int_equal(frame->sequence, 4711);
                assert_int_equal(got, 500);
                assert_null(next_frame(bench));
                assert_int_equal(stat(bench, "snapshots_whole"), 1);
                bench_free(bench);
                return;
            }
            assert_int_equal(frame->kind, RW_RECOVER_PART);
            for (uint32_t at = 0, k = 0; k < frame->count; k++) {
                assert_int_equal(rw_load_be16(frame->payload + at), 36);
                assert_int_equal(rw_load_be32(frame->payload + at + 3), got++);
                at += 38;
            }
        }
    }
    fail_msg("the snapshot has no end");
}

static void a_snapshot_that_is_abandoned_brings_nothing_more(void **state) {
    struct bench *bench = bench_new();
    uint8_t byte;
    assert_int_equal(start(bench), 0);
    begin(bench, 1);
    say_accept(bench);
    order(bench, (struct rw_recover_order){.kind = RW_RECOVER_ABANDON, .number = 1}, "");
    visit(bench);
    while (rw_stream_recv(bench->client, &byte, 1) > 0) continue; /* the log-in */
    assert_true(rw_stream_recv(bench->client, &byte, 1) < 0);
    assert_null(next_frame(bench));
    begin(bench, 2);
    say(bench, RW_SOUP_SEQUENCED, "A", 1); /* before the accept */
    visit(bench);
    assert_int_equal(next_frame(bench)->number, 2);
    assert_int_equal(stat(bench, "snapshot_garbage"), 1);
    assert_int_equal(stat(bench, "snapshots_abandoned"), 1);
    bench_free(bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_that_is_none_is_named_with_its_key),
        cmocka_unit_test(an_answer_counts_only_from_the_server_that_was_asked),
        cmocka_unit_test(a_datagram_too_long_to_use_is_counted_and_the_next_is_taken),
        cmocka_unit_test(answers_wait_in_the_socket_while_the_link_is_full),
        cmocka_unit_test(a_peer_is_answered_at_the_address_it_asked_from),
        cmocka_unit_test(a_stranger_is_not_served),
        cmocka_unit_test(a_reply_after_very_many_requests_is_dropped),
        cmocka_unit_test(the_log_in_is_sent_and_a_refusal_told),
        cmocka_unit_test(a_server_that_is_not_there_is_told),
        cmocka_unit_test(a_snapshot_comes_in_parts_and_ends_with_its_sequence),
        cmocka_unit_test(a_snapshot_that_is_abandoned_brings_nothing_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
