/* Frames over a byte stream: messages encoded into one buffer, bytes decoded out of another.
 *
 *   message ─encode─► [ tx ] ─send, as the socket takes it─►    ◄─recv─ [ rx ] ─decode─► message
 *
 * Never waits: what the socket does not take stays in tx, and when tx has no room for a message it
 * is not taken (rw_transport_room tells before). The stream is handed in ready and given back when
 * it ends; nothing of an old stream reaches a new one. One stage thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/io/stream.h"
#include "replication/message.h"

/* Payload of one APPEND at most; a frame is that and its head. */
#define RW_TRANSPORT_PAYLOAD_MAX (64u << 10)
#define RW_TRANSPORT_BUFFER      (1u << 20)

struct rw_transport;

/* rw_transport_footprint, _new: memory 64-byte aligned, the caller's. */
size_t rw_transport_footprint(void);
struct rw_transport *rw_transport_new(void *memory);

/* rw_transport_attach takes a ready stream; the buffers start empty. The old one must have been
 * detached. */
void rw_transport_attach(struct rw_transport *transport, struct rw_stream *stream);
/* rw_transport_detach gives the stream back (NULL when there is none), to be closed by the cold
 * thread. */
struct rw_stream *rw_transport_detach(struct rw_transport *transport);
bool rw_transport_attached(const struct rw_transport *transport);

/* rw_transport_room returns how many bytes of messages can be taken now. */
uint32_t rw_transport_room(const struct rw_transport *transport);
/* rw_transport_put encodes a message behind what waits. False when it does not fit or nothing is
 * attached. */
bool rw_transport_put(struct rw_transport *transport, const struct rw_message *message);
/* rw_transport_flush offers what waits to the stream. Returns bytes sent, or -errno when it has
 * ended. */
int32_t rw_transport_flush(struct rw_transport *transport);
/* rw_transport_fill takes what the stream has. Returns bytes, or -errno when it has ended. */
int32_t rw_transport_fill(struct rw_transport *transport);
/* rw_transport_next hands out the next whole message; its payload stays valid until the next fill.
 * Returns 1, 0 when there is none, -EBADMSG when the bytes are no message: the caller detaches. */
int rw_transport_next(struct rw_transport *transport, struct rw_message *message);
