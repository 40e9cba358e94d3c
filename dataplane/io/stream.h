/* Byte streams that never wait: TCP, TLS over any stream, and a seeded in-memory pair for
 * tests.
 *
 *   cold thread: listen, accept, connect, TLS handshake steps ──► stream ──► one stage thread
 *
 * A stream is used by one thread at a time; handing it over a link is the only synchronisation
 * it needs. All calls return at once: > 0 bytes moved, 0 nothing possible now, < 0 the stream
 * has ended. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rw_stream;

struct rw_stream_ops {
    int32_t (*send)(struct rw_stream *stream, const void *bytes, uint32_t count);
    int32_t (*recv)(struct rw_stream *stream, void *bytes, uint32_t count);
    void (*close)(struct rw_stream *stream);
};

/* The common head of all streams. `why` says in words why the stream ended, "" before. */
struct rw_stream {
    const struct rw_stream_ops *ops;
    int fd; /* of the socket underneath, for addresses and options; -1 in memory */
    char why[224];
};

/* rw_stream_send moves up to count (≥ 1) bytes. Returns how many (it may be fewer), 0 when
 * nothing fits now, -EPIPE when the peer has closed, other -errno when broken. After a 0 or a
 * short send the next call must begin with the first byte that was not taken, followed by the
 * same bytes as before (TLS has already encrypted some of them); the buffer may have moved,
 * the count may be larger. */
static inline int32_t rw_stream_send(struct rw_stream *stream, const void *bytes, uint32_t count) {
    return stream->ops->send(stream, bytes, count);
}
/* rw_stream_recv takes up to count (≥ 1) bytes. Returns how many, 0 when none are there,
 * -EPIPE when the peer has closed in order, other -errno when broken (`why` tells). */
static inline int32_t rw_stream_recv(struct rw_stream *stream, void *bytes, uint32_t count) {
    return stream->ops->recv(stream, bytes, count);
}
/* rw_stream_close says good-bye as far as that needs no waiting, closes the socket and frees
 * the stream (heap; a stage thread should hand it back to the cold thread instead). NULL is
 * allowed. */
static inline void rw_stream_close(struct rw_stream *stream) {
    if (stream) stream->ops->close(stream);
}

/* ---- TCP, cold thread ---- */

/* A resolved address; opaque bytes of a sockaddr. */
struct rw_address {
    _Alignas(8) uint8_t bytes[128];
    uint32_t length;
};

/* rw_address_parse resolves "HOST:PORT", "[V6]:PORT" or ":PORT" (any address). May ask DNS and
 * block: start-up only. Returns 0, or -EINVAL / -EHOSTUNREACH with an error. */
int rw_address_parse(struct rw_address *address, const char *text);
/* rw_address_text writes "HOST:PORT" (numeric) into text[64]. */
void rw_address_text(const struct rw_address *address, char text[64]);
/* rw_address_equal compares family, host and port; rw_address_same_host family and host. */
bool rw_address_equal(const struct rw_address *a, const struct rw_address *b);
bool rw_address_same_host(const struct rw_address *a, const struct rw_address *b);

/* rw_tcp_listen opens a listening socket (non-blocking, SO_REUSEADDR, backlog 64) and stores
 * it in *fd; the bound address, with the real port when 0 was asked, goes to *bound when not
 * NULL. Returns 0, or -errno with an error; -EADDRINUSE says which port is in use. */
int rw_tcp_listen(const struct rw_address *address, int *fd, struct rw_address *bound);
/* rw_tcp_accept takes one waiting connection (non-blocking, TCP_NODELAY, keep-alive 5 s + 3 ×
 * 2 s). Returns 1 and *stream, 0 when none waits, -errno with an error. */
int rw_tcp_accept(int listen_fd, struct rw_stream **stream);
/* rw_tcp_connect starts a connection. Returns 0 and *stream, not yet usable, or -errno with an
 * error. */
int rw_tcp_connect(const struct rw_address *address, struct rw_stream **stream);
/* rw_tcp_connect_step looks how it goes: 1 connected, 0 still under way, -errno refused or
 * unreachable, with an error; the caller then closes the stream, also when it gives up
 * waiting. */
int rw_tcp_connect_step(struct rw_stream *stream);
/* rw_tcp_dial and rw_tcp_dial_step are rw_tcp_connect and its step for an I/O stage: the stream is
 * the caller's (close does not free it), nothing is allocated, and what went wrong stands in
 * stream->why instead of an error text. */
int rw_tcp_dial(struct rw_stream *stream, const struct rw_address *address);
int rw_tcp_dial_step(struct rw_stream *stream);
/* rw_tcp_stream wraps a connected socket (also a Unix one) and owns it. NULL with an error. */
struct rw_stream *rw_tcp_stream(int fd);

/* ---- A pair in memory, for tests and simulation ---- */

/* rw_stream_pair makes two streams joined by bounded buffers of `capacity` bytes each way.
 * Each call moves a seeded 0..count bytes (seed 0: as much as fits). Returns 0, or -ENOMEM.
 * When one end is closed, the other reads what is left and then gets -EPIPE. Both ends on one
 * thread. */
int rw_stream_pair(struct rw_stream *ends[2], uint32_t capacity, uint64_t seed);
/* rw_stream_pair_cut breaks both ends: calls return -ECONNRESET, bytes on the way are lost. */
void rw_stream_pair_cut(struct rw_stream *end);
