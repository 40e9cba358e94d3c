/* MoldUDP64: messages with sequence numbers in UDP packets, and the request to have some again.
 *
 *   ┌ session 10 ┬ sequence 8 ┬ count 2 ┐┌ bytes 2 ┬ message ┐┌ bytes 2 ┬ message ┐ …
 *
 * All integers are big-endian. `sequence` is that of the first message; the i-th of the packet has
 * sequence + i. count 0 is a heartbeat and 0xFFFF the end of the session: neither carries messages,
 * both name the next expected sequence. A request is the same 20 bytes: session, first wanted, how
 * many.
 *
 * The messages are walked by venue_packet.h. All functions are pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/feed/venue_packet.h"

#define RW_MOLD_HEADER_BYTES   20u
#define RW_MOLD_LENGTH_BYTES   2u /* in front of each message */
#define RW_MOLD_SESSION_BYTES  RW_SESSION_BYTES
#define RW_MOLD_COUNT_MAX      0xFFFEu
#define RW_MOLD_END_OF_SESSION 0xFFFFu

/* rw_mold_decode reads the header of a UDP payload of `count` bytes: RW_PACKET_FINE, or
 * RW_PACKET_BAD_HEADER (fewer than 20 bytes) or RW_PACKET_SEQUENCE_RANGE (sequence + count does not
 * fit in 64 bits), then *packet is untouched. The session is as on the wire, space padded. Sequence
 * 0 or a session of NULs is RW_PLACE_UNSEQUENCED. */
enum rw_packet_fault rw_mold_decode(const void *bytes, size_t count, struct rw_packet *packet);

/* Writing a packet: begin, add until it says no, end. The buffer is the caller's. */
struct rw_mold_writer {
    uint8_t *buffer;
    size_t capacity, used;
    uint32_t count;
};

/* rw_mold_begin starts a data packet in buffer. capacity ≥ 20, asserted. session: ten bytes. */
void rw_mold_begin(struct rw_mold_writer *writer, void *buffer, size_t capacity,
                   const char session[RW_MOLD_SESSION_BYTES], uint64_t sequence);
/* rw_mold_add appends a message; false, and nothing changed, when buffer or count is full. */
bool rw_mold_add(struct rw_mold_writer *writer, const void *message, uint16_t count);
/* rw_mold_end writes the count and returns the bytes of the packet. Without any message this is a
 * heartbeat. */
size_t rw_mold_end(struct rw_mold_writer *writer);
/* rw_mold_end_of_session writes the 20 bytes that close a session; next is the sequence that the
 * next message would have had. Returns 20. */
size_t rw_mold_end_of_session(void *buffer, const char session[RW_MOLD_SESSION_BYTES],
                              uint64_t next);

struct rw_mold_request {
    uint64_t sequence; /* first wanted, ≥ 1 */
    uint16_t count;    /* ≥ 1 */
    char session[RW_MOLD_SESSION_BYTES];
    uint8_t reserved[4];
};

/* rw_mold_encode_request writes 20 bytes and returns 20. */
size_t rw_mold_encode_request(void *buffer, const struct rw_mold_request *request);
/* rw_mold_decode_request returns false when the bytes are not exactly a request for at least one
 * message. */
bool rw_mold_decode_request(const void *bytes, size_t count, struct rw_mold_request *request);
