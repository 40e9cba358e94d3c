/* What the packets of all venues have in common: a header that numbers the first message, then
 * messages, mostly behind their lengths. Each venue's decoder turns its header into this.
 *
 *   ┌ header ┐┌ length ┬ message ┐┌ length ┬ message ┐ …
 *              └─ sequence         └─ sequence + step
 *
 * Nothing past the bytes given is read. Messages that are complete in front of a fault can be used.
 * All functions are pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "dataplane/base/bytes.h"

enum rw_block_prefix {
    RW_PREFIX_BE16 = 0,    /* counts the message */
    RW_PREFIX_LE16 = 1,    /* counts the message */
    RW_PREFIX_U8_SELF = 2, /* counts the message and itself */
    RW_PREFIX_NONE = 3,    /* none: what is left of the packet is one message */
};

/* A place in front of a message. */
struct rw_blocks {
    const uint8_t *at, *end;
    uint64_t sequence; /* of the next message */
    uint32_t left;     /* messages that the header still promises */
    uint8_t step;      /* 0: the packet is unsequenced, all its messages have sequence 0 */
    uint8_t prefix;    /* enum rw_block_prefix */
};

struct rw_block {
    const uint8_t *bytes; /* behind the length; points into the packet */
    uint64_t sequence;
    uint32_t count; /* may be 0 */
};

/* The step over one message; `prefix` is blocks->prefix, as a constant where the caller has it. */
static inline bool rw_blocks_step(struct rw_blocks *blocks, struct rw_block *block,
                                  uint8_t prefix) {
    size_t there = (size_t)(blocks->end - blocks->at);
    uint32_t width = prefix == RW_PREFIX_NONE ? 0 : prefix == RW_PREFIX_U8_SELF ? 1 : 2;
    if (blocks->left == 0 || there < width) return false;
    uint32_t count = prefix == RW_PREFIX_BE16      ? rw_load_be16(blocks->at)
                     : prefix == RW_PREFIX_LE16    ? rw_load_le16(blocks->at)
                     : prefix == RW_PREFIX_U8_SELF ? blocks->at[0] - 1u
                                                   : (uint32_t)there;
    if (count > there - width) return false; /* a length of 0 that counts itself, too */
    *block = (struct rw_block){blocks->at + width, blocks->sequence, count};
    blocks->at += width + count;
    blocks->sequence += blocks->step;
    blocks->left--;
    return true;
}

/* rw_blocks_next takes the next message; false when none is left or the next one is not whole.
 * Inline: a packet is walked for its check, for prefetching and for its messages. */
static inline bool rw_blocks_next(struct rw_blocks *blocks, struct rw_block *block) {
    if (__builtin_expect(blocks->prefix == RW_PREFIX_BE16, 1))
        return rw_blocks_step(blocks, block, RW_PREFIX_BE16);
    return rw_blocks_step(blocks, block, blocks->prefix);
}

/* A session as bytes of one width for all venues: the ten characters of MoldUDP64, or a number. */
#define RW_SESSION_BYTES 10u

/* rw_session_of makes one of a number. */
static inline void rw_session_of(char session[RW_SESSION_BYTES], uint64_t number) {
    memset(session, 0, RW_SESSION_BYTES);
    rw_store_be64((uint8_t *)session + RW_SESSION_BYTES - 8, number);
}

enum rw_packet_kind { RW_PACKET_DATA = 0, RW_PACKET_HEARTBEAT = 1, RW_PACKET_END = 2 };

/* How a packet stands to the sequence of its channel. */
enum rw_packet_place {
    RW_PLACE_SEQUENCED = 0,
    RW_PLACE_UNSEQUENCED = 1, /* without a number, so that two copies cannot be told apart */
    RW_PLACE_ASIDE = 2, /* outside the sequence by the venue's design and harmless when it comes
                           twice, such as a packet of a snapshot loop */
};

struct rw_packet {
    char session[RW_SESSION_BYTES]; /* what the venue numbers its streams by */
    uint16_t protocol;              /* of the messages, where the header says it, else 0 */
    uint8_t kind;                   /* enum rw_packet_kind; only data carries messages */
    uint8_t place;                  /* enum rw_packet_place */
    struct rw_blocks blocks;        /* its sequence is the next expected one when there are none */
};

/* What is wrong with a packet. After the first two the messages in front of the fault are whole;
 * the others make it unusable. */
enum rw_packet_fault {
    RW_PACKET_FINE = 0,
    RW_PACKET_TRUNCATED = 1,      /* ends before the last promised message does */
    RW_PACKET_TRAILING = 2,       /* bytes remain behind the last promised message */
    RW_PACKET_BAD_HEADER = 3,     /* shorter than a header, or not one of this venue */
    RW_PACKET_SEQUENCE_RANGE = 4, /* its numbers do not fit */
};

/* rw_packet_check walks all messages of a decoded packet. Returns its fault, one of the first
 * three, and stores in *whole how many messages are complete; these are safe to take with
 * rw_blocks_next. */
static inline enum rw_packet_fault rw_packet_check(const struct rw_packet *packet,
                                                   uint32_t *whole) {
    struct rw_blocks blocks = packet->blocks;
    struct rw_block block;
    if (blocks.prefix == RW_PREFIX_BE16)
        while (rw_blocks_step(&blocks, &block, RW_PREFIX_BE16)) continue;
    else
        while (rw_blocks_step(&blocks, &block, blocks.prefix)) continue;
    *whole = packet->blocks.left - blocks.left;
    if (blocks.left) return RW_PACKET_TRUNCATED;
    return blocks.at == blocks.end ? RW_PACKET_FINE : RW_PACKET_TRAILING;
}
