#include "replication/transport.h"

#include <errno.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "replication/wire.h"

struct buffer {
    uint32_t start, end; /* bytes start..end−1 are content */
    uint8_t bytes[RW_TRANSPORT_BUFFER];
};

struct rw_transport {
    struct rw_stream *stream;
    struct buffer tx, rx;
};

size_t rw_transport_footprint(void) { return sizeof(struct rw_transport); }

struct rw_transport *rw_transport_new(void *memory) {
    struct rw_transport *transport = memory;
    transport->stream = NULL;
    transport->tx.start = transport->tx.end = 0;
    transport->rx.start = transport->rx.end = 0;
    return transport;
}

void rw_transport_attach(struct rw_transport *transport, struct rw_stream *stream) {
    RW_ASSERT(!transport->stream && stream);
    rw_transport_new(transport);
    transport->stream = stream;
}

struct rw_stream *rw_transport_detach(struct rw_transport *transport) {
    struct rw_stream *stream = transport->stream;
    transport->stream = NULL;
    return stream;
}

bool rw_transport_attached(const struct rw_transport *transport) {
    return transport->stream != NULL;
}

/* Moves the content to the front, so that the free room is one piece. */
static void compact(struct buffer *buffer) {
    if (!buffer->start) return;
    memmove(buffer->bytes, buffer->bytes + buffer->start, buffer->end - buffer->start);
    buffer->end -= buffer->start;
    buffer->start = 0;
}

uint32_t rw_transport_room(const struct rw_transport *transport) {
    return RW_TRANSPORT_BUFFER - (transport->tx.end - transport->tx.start);
}

bool rw_transport_put(struct rw_transport *transport, const struct rw_message *message) {
    struct buffer *tx = &transport->tx;
    if (!transport->stream) return false;
    uint32_t bytes = rw_wire_encode(message, tx->bytes + tx->end, RW_TRANSPORT_BUFFER - tx->end);
    if (!bytes) {
        compact(tx);
        bytes = rw_wire_encode(message, tx->bytes + tx->end, RW_TRANSPORT_BUFFER - tx->end);
    }
    tx->end += bytes;
    return bytes > 0;
}

int32_t rw_transport_flush(struct rw_transport *transport) {
    struct buffer *tx = &transport->tx;
    if (!transport->stream || tx->start == tx->end) return 0;
    int32_t sent = rw_stream_send(transport->stream, tx->bytes + tx->start, tx->end - tx->start);
    if (sent > 0) tx->start += (uint32_t)sent;
    if (tx->start == tx->end) tx->start = tx->end = 0;
    return sent;
}

int32_t rw_transport_fill(struct rw_transport *transport) {
    struct buffer *rx = &transport->rx;
    if (!transport->stream) return 0;
    if (RW_TRANSPORT_BUFFER - rx->end < RW_TRANSPORT_PAYLOAD_MAX) compact(rx);
    if (rx->end == RW_TRANSPORT_BUFFER)
        return 0; /* the reader is behind: the socket holds the rest */
    int32_t got =
        rw_stream_recv(transport->stream, rx->bytes + rx->end, RW_TRANSPORT_BUFFER - rx->end);
    if (got > 0) rx->end += (uint32_t)got;
    return got;
}

int rw_transport_next(struct rw_transport *transport, struct rw_message *message) {
    struct buffer *rx = &transport->rx;
    if (!transport->stream || rx->start == rx->end) return 0;
    int32_t used = rw_wire_decode(rx->bytes + rx->start, rx->end - rx->start, message);
    if (used < 0) return -EBADMSG;
    rx->start += (uint32_t)used;
    if (rx->start == rx->end) rx->start = rx->end = 0;
    return used > 0;
}
