/* MoldUDP64: messages with sequence numbers in UDP packets, and the request to have some again.
 *
 *   ┌ session 10 ┬ sequence 8 ┬ count 2 ┐┌ bytes 2 ┬ message ┐┌ bytes 2 ┬ message ┐ …
 *
 * All integers are big-endian. `sequence` is that of the first message; the i-th of the packet has
 * sequence + i. count 0 is a heartbeat and 0xFFFF the end of the session: neither carries messages,
 * both name the next expected sequence. A request is the same 20 bytes: session, first wanted, how
 * many.
 *
 * Decoding never reads past the bytes given. A packet that contradicts itself has a fault; what is
 * complete in front of the fault can still be used. All functions are pure. */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/base/bytes.h"

#define RW_MOLD_HEADER_BYTES   20u
#define RW_MOLD_LENGTH_BYTES   2u /* in front of each message */
#define RW_MOLD_SESSION_BYTES  10u
#define RW_MOLD_COUNT_MAX      0xFFFEu
#define RW_MOLD_END_OF_SESSION 0xFFFFu

/* What is wrong with a packet. The first two make it unusable; after the others the messages in
 * front of the fault are whole. */
enum rw_mold_fault {
    RW_MOLD_FINE = 0,
    RW_MOLD_SHORT_HEADER,   /* fewer than 20 bytes */
    RW_MOLD_SEQUENCE_RANGE, /* sequence + count does not fit in 64 bits */
    RW_MOLD_TRUNCATED,      /* a block runs past the packet: cut, or count too high */
    RW_MOLD_TRAILING,       /* bytes remain after `count` blocks: count too low, or not MoldUDP64 */
    RW_MOLD_FAULT_COUNT,
};

enum rw_mold_kind { RW_MOLD_DATA = 0, RW_MOLD_HEARTBEAT = 1, RW_MOLD_END = 2 };

/* The header of a packet and where its blocks stand. Points into the packet. */
struct rw_mold_packet {
    uint64_t sequence; /* of the first message; next expected for heartbeat and end */
    const uint8_t *blocks;
    uint32_t block_bytes;
    uint16_t count; /* messages promised by the header; 0 for heartbeat and end */
    uint8_t kind;   /* enum rw_mold_kind */
    uint8_t reserved;
    char session[RW_MOLD_SESSION_BYTES]; /* space padded, as on the wire */
    uint8_t reserved2[6];
};
static_assert(sizeof(struct rw_mold_packet) == 40, "");

/* rw_mold_decode reads the header only: RW_MOLD_FINE, or one of the two faults that make the packet
 * unusable (then *packet is untouched). */
enum rw_mold_fault rw_mold_decode(const void *bytes, size_t count, struct rw_mold_packet *packet);

/* rw_mold_check walks all blocks of a decoded packet. Returns the fault of the packet and stores in
 * *whole how many messages are complete (0..count); these are safe to read with rw_mold_next. */
enum rw_mold_fault rw_mold_check(const struct rw_mold_packet *packet, uint16_t *whole);

/* A place in front of a message block. Start with rw_mold_first. */
struct rw_mold_cursor {
    const uint8_t *at, *end;
    uint64_t sequence; /* of the next message */
    uint32_t left;     /* messages that the header still promises */
};

struct rw_mold_message {
    const uint8_t *bytes; /* points into the packet */
    uint64_t sequence;
    uint16_t count; /* bytes of the message, 0 is legal */
};

/* rw_mold_first returns the cursor at the packet's first message. */
static inline struct rw_mold_cursor rw_mold_first(const struct rw_mold_packet *packet) {
    return (struct rw_mold_cursor){.at = packet->blocks,
                                   .end = packet->blocks + packet->block_bytes,
                                   .sequence = packet->sequence,
                                   .left = packet->count};
}

/* rw_mold_next takes the next message; false when none is left or the next one is cut. Inline: a
 * packet is walked for its check, for prefetching and for its messages. */
static inline bool rw_mold_next(struct rw_mold_cursor *cursor, struct rw_mold_message *message) {
    size_t left = (size_t)(cursor->end - cursor->at);
    if (cursor->left == 0 || left < RW_MOLD_LENGTH_BYTES) return false;
    uint16_t count = rw_load_be16(cursor->at);
    if (left - RW_MOLD_LENGTH_BYTES < count) return false;
    *message = (struct rw_mold_message){
        .bytes = cursor->at + RW_MOLD_LENGTH_BYTES, .sequence = cursor->sequence, .count = count};
    cursor->at += RW_MOLD_LENGTH_BYTES + count;
    cursor->sequence++;
    cursor->left--;
    return true;
}

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
