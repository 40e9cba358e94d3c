/* Datagrams on loopback, which delivers within the call, and a connection dialled without
 * allocation. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/base/err.h"
#include "dataplane/io/datagram.h"

static int open_on(const char *text, struct rw_address *bound) {
    struct rw_address local;
    int fd = -1;
    assert_int_equal(rw_address_parse(&local, text), 0);
    assert_int_equal(rw_datagram_open(&local, &fd, bound), 0);
    return fd;
}

static void a_port_in_use_is_named(void **state) {
    struct rw_address bound;
    int fd = open_on("127.0.0.1:0", &bound), other = -1;
    char text[64];
    rw_address_text(&bound, text);
    assert_int_equal(rw_datagram_open(&bound, &other, NULL), -EADDRINUSE);
    assert_non_null(strstr(rw_err_text(), text));
    rw_datagram_close(fd);
}

static void a_datagram_arrives_whole_with_its_sender(void **state) {
    struct rw_address here, there, from;
    int a = open_on("127.0.0.1:0", &here), b = open_on("127.0.0.1:0", &there);
    uint8_t bytes[32];
    uint32_t count = 0;
    assert_int_equal(rw_datagram_recv(b, bytes, sizeof bytes, &from, &count), 0);
    assert_int_equal(rw_datagram_send(a, &there, "twenty bytes of text", 20), 1);
    assert_int_equal(rw_datagram_recv(b, bytes, sizeof bytes, &from, &count), 1);
    assert_int_equal(count, 20);
    assert_memory_equal(bytes, "twenty bytes of text", 20);
    assert_true(rw_address_equal(&from, &here));
    assert_false(rw_address_equal(&from, &there));
    assert_true(rw_address_same_host(&from, &there));
    rw_datagram_close(a);
    rw_datagram_close(b);
}

static void a_datagram_that_does_not_fit_is_told_and_gone(void **state) {
    struct rw_address there, from;
    int a = open_on("127.0.0.1:0", NULL), b = open_on("127.0.0.1:0", &there);
    uint8_t bytes[8];
    uint32_t count = 0;
    assert_int_equal(rw_datagram_send(a, &there, "123456789", 9), 1);
    assert_int_equal(rw_datagram_recv(b, bytes, sizeof bytes, &from, &count), -EMSGSIZE);
    assert_int_equal(rw_datagram_recv(b, bytes, sizeof bytes, &from, &count), 0);
    rw_datagram_close(a);
    rw_datagram_close(b);
}

static void any_address_has_the_family_it_is_like(void **state) {
    struct rw_address v4, v6, any;
    assert_int_equal(rw_address_parse(&v4, "127.0.0.1:1"), 0);
    assert_int_equal(rw_address_parse(&v6, "[::1]:1"), 0);
    rw_datagram_any(&v4, &any);
    int fd = -1;
    assert_int_equal(rw_datagram_open(&any, &fd, NULL), 0);
    rw_datagram_close(fd);
    rw_datagram_any(&v6, &any);
    assert_int_equal(any.length, v6.length);
    assert_false(rw_address_same_host(&v4, &v6));
}

/* ends waits until the connection is made or refused. */
static int ends(struct rw_stream *stream) {
    int rc;
    while ((rc = rw_tcp_dial_step(stream)) == 0) {
        struct pollfd wait = {.fd = stream->fd, .events = POLLOUT};
        assert_true(poll(&wait, 1, 5000) > 0);
    }
    return rc;
}

static void a_dialled_connection_carries_bytes_or_says_why_not(void **state) {
    struct rw_address local, bound;
    struct rw_stream stream, *server = NULL;
    int listener = -1;
    assert_int_equal(rw_address_parse(&local, "127.0.0.1:0"), 0);
    assert_int_equal(rw_tcp_listen(&local, &listener, &bound), 0);
    assert_int_equal(rw_tcp_dial(&stream, &bound), 0);
    assert_int_equal(ends(&stream), 1);
    assert_int_equal(rw_tcp_accept(listener, &server), 1);
    uint8_t byte = 0;
    assert_int_equal(rw_stream_send(server, "x", 1), 1);
    assert_int_equal(rw_stream_recv(&stream, &byte, 1), 1);
    assert_int_equal(byte, 'x');
    rw_stream_close(server);
    rw_stream_close(&stream);
    rw_datagram_close(listener);
    int rc = rw_tcp_dial(&stream, &bound);
    if (!rc) {
        rc = ends(&stream);
        rw_stream_close(&stream);
    }
    assert_int_equal(rc, -ECONNREFUSED);
    assert_non_null(strstr(stream.why, "connect"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_port_in_use_is_named),
        cmocka_unit_test(a_datagram_arrives_whole_with_its_sender),
        cmocka_unit_test(a_datagram_that_does_not_fit_is_told_and_gone),
        cmocka_unit_test(any_address_has_the_family_it_is_like),
        cmocka_unit_test(a_dialled_connection_carries_bytes_or_says_why_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
