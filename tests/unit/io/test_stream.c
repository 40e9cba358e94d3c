/* Streams: bytes arrive once and in order however small the pieces, and an end is told from
 * silence. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "dataplane/base/err.h"
#include "dataplane/base/rng.h"
#include "dataplane/io/stream.h"

static uint64_t test_seed(void) {
    const char *text = getenv("RW_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : 20261121;
    print_message("RW_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

/* Sends `total` bytes of a known sequence from one end to the other. */
static void pump(struct rw_stream *from, struct rw_stream *to, uint32_t total) {
    uint8_t bytes[512], got[512];
    uint32_t sent = 0, taken = 0;
    for (uint32_t turns = 0; taken < total && turns < 10000000; turns++) {
        uint32_t count = total - sent < sizeof bytes ? total - sent : (uint32_t)sizeof bytes;
        for (uint32_t i = 0; i < count; i++) bytes[i] = (uint8_t)((sent + i) * 7);
        int32_t rc = count ? rw_stream_send(from, bytes, count) : 0;
        assert_true(rc >= 0);
        sent += (uint32_t)rc;
        rc = rw_stream_recv(to, got, sizeof got);
        assert_true(rc >= 0);
        for (int32_t i = 0; i < rc; i++)
            assert_int_equal(got[i], (uint8_t)((taken + (uint32_t)i) * 7));
        taken += (uint32_t)rc;
    }
    assert_int_equal(taken, total);
}

static void a_pair_moves_all_bytes_in_order_in_pieces_of_any_size(void **state) {
    struct rw_stream *ends[2];
    assert_int_equal(rw_stream_pair(ends, 1000, test_seed()), 0);
    pump(ends[0], ends[1], 100000);
    pump(ends[1], ends[0], 100000);
    rw_stream_close(ends[0]);
    rw_stream_close(ends[1]);
}

static void a_closed_end_is_seen_after_the_last_byte(void **state) {
    struct rw_stream *ends[2];
    char byte;
    assert_int_equal(rw_stream_pair(ends, 10, 0), 0);
    assert_int_equal(rw_stream_recv(ends[1], &byte, 1), 0);
    assert_int_equal(rw_stream_send(ends[0], "ab", 2), 2);
    rw_stream_close(ends[0]);
    assert_int_equal(rw_stream_recv(ends[1], &byte, 1), 1);
    assert_int_equal(rw_stream_recv(ends[1], &byte, 1), 1);
    assert_int_equal(rw_stream_recv(ends[1], &byte, 1), -EPIPE);
    assert_int_equal(rw_stream_send(ends[1], "c", 1), -EPIPE);
    rw_stream_close(ends[1]);
}

static void a_cut_loses_what_is_on_the_way(void **state) {
    struct rw_stream *ends[2];
    char byte;
    assert_int_equal(rw_stream_pair(ends, 10, 0), 0);
    assert_int_equal(rw_stream_send(ends[0], "ab", 2), 2);
    rw_stream_pair_cut(ends[0]);
    assert_int_equal(rw_stream_recv(ends[1], &byte, 1), -ECONNRESET);
    assert_non_null(strstr(ends[1]->why, "cut"));
    rw_stream_close(ends[0]);
    rw_stream_close(ends[1]);
}

static void a_socket_stream_reports_full_empty_and_closed(void **state) {
    int fd[2];
    static char bytes[1 << 20];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    struct rw_stream *a = rw_tcp_stream(fd[0]), *b = rw_tcp_stream(fd[1]);
    assert_int_equal(rw_stream_recv(b, bytes, sizeof bytes), 0);
    int32_t rc;
    uint64_t sent = 0, got = 0;
    while ((rc = rw_stream_send(a, bytes, sizeof bytes)) > 0) sent += (uint64_t)rc;
    assert_int_equal(rc, 0);
    while ((rc = rw_stream_recv(b, bytes, sizeof bytes)) > 0) got += (uint64_t)rc;
    assert_int_equal(rc, 0);
    assert_true(sent == got);
    rw_stream_close(a);
    assert_int_equal(rw_stream_recv(b, bytes, 1), -EPIPE);
    assert_int_equal(rw_stream_send(b, bytes, 1), -EPIPE); /* and no SIGPIPE */
    assert_true(b->why[0]);
    rw_stream_close(b);
}

static void addresses_are_parsed_and_written(void **state) {
    struct rw_address address;
    char text[64];
    assert_int_equal(rw_address_parse(&address, "127.0.0.1:7001"), 0);
    rw_address_text(&address, text);
    assert_string_equal(text, "127.0.0.1:7001");
    assert_int_equal(rw_address_parse(&address, "[::1]:80"), 0);
    rw_address_text(&address, text);
    assert_string_equal(text, "[::1]:80");
    assert_int_equal(rw_address_parse(&address, ":9"), 0);
    assert_int_equal(rw_address_parse(&address, "nothing"), -EINVAL);
    assert_int_equal(rw_address_parse(&address, "127.0.0.1:"), -EINVAL);
    assert_int_equal(rw_address_parse(&address, ""), -EINVAL);
    assert_non_null(strstr(rw_err_text(), "''"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pair_moves_all_bytes_in_order_in_pieces_of_any_size),
        cmocka_unit_test(a_closed_end_is_seen_after_the_last_byte),
        cmocka_unit_test(a_cut_loses_what_is_on_the_way),
        cmocka_unit_test(a_socket_stream_reports_full_empty_and_closed),
        cmocka_unit_test(addresses_are_parsed_and_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
