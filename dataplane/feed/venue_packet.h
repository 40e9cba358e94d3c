/* What the packets of most venues have in common: a header that numbers the first message, then
 * messages behind their lengths. Each venue's decoder turns its header into this.
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

#include "dataplane/base/bytes.h"

enum rw_block_prefix {
    RW_PREFIX_BE16 = 0,    /* counts the message */
    RW_PREFIX_LE16 = 1,    /* counts the message */
    RW_PREFIX_U8_SELF = 2, /* counts the message and itself */
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

/* rw_blocks_next takes the next message; false when none is left or the next one is not whole. */
static inline bool rw_blocks_next(struct rw_blocks *blocks, struct rw_block *block) {
    uint32_t prefix = blocks->prefix == RW_PREFIX_U8_SELF ? 1 : 2;
    size_t there = (size_t)(blocks->end - blocks->at);
    if (blocks->left == 0 || there < prefix) return false;
    uint32_t count = blocks->prefix == RW_PREFIX_BE16   ? rw_load_be16(blocks->at)
                     : blocks->prefix == RW_PREFIX_LE16 ? rw_load_le16(blocks->at)
                                                        : blocks->at[0] - 1u;
    if (count > there - prefix) return false; /* a length of 0 that counts itself, too */
    *block = (struct rw_block){blocks->at + prefix, blocks->sequence, count};
    blocks->at += prefix + count;
    blocks->sequence += blocks->step;
    blocks->left--;
    return true;
}

enum rw_packet_kind { RW_PACKET_DATA = 0, RW_PACKET_HEARTBEAT = 1, RW_PACKET_END = 2 };

struct rw_venue_packet {
    uint64_t session;        /* what the venue numbers its streams by */
    uint16_t protocol;       /* of the messages, where the header says it, else 0 */
    uint8_t kind;            /* enum rw_packet_kind; only data carries messages */
    struct rw_blocks blocks; /* its sequence is the next expected one when there are none */
};

enum rw_packet_fault {
    RW_PACKET_FINE = 0,
    RW_PACKET_TRUNCATED = 1, /* ends before the last promised message does */
    RW_PACKET_TRAILING = 2,  /* bytes remain behind the last promised message */
};

/* rw_packet_check walks all messages of a decoded packet. */
static inline enum rw_packet_fault rw_packet_check(const struct rw_venue_packet *packet) {
    struct rw_blocks blocks = packet->blocks;
    struct rw_block block;
    while (rw_blocks_next(&blocks, &block)) continue;
    if (blocks.left) return RW_PACKET_TRUNCATED;
    return blocks.at == blocks.end ? RW_PACKET_FINE : RW_PACKET_TRAILING;
}
