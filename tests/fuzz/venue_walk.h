/* Any bytes as a packet of a venue: nothing is read beyond a message, every message lies in the
 * packet, and what is found can be printed. */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/feed/field_table.h"
#include "dataplane/feed/venue_packet.h"

typedef enum rw_message_verdict (*find_message)(const uint8_t *message, uint32_t bytes,
                                                const struct rw_message_type **type);

/* Looks one message up in a block of its own, so that a read too far is seen, and prints it. */
static inline void try_message(find_message find, const struct rw_message_table *table,
                               uint32_t body, const uint8_t *bytes, uint32_t count) {
    char text[RW_MESSAGE_JSON_MAX];
    const struct rw_message_type *type;
    uint8_t *message = calloc(1, count); /* set even when empty, for the compiler */
    RW_ASSERT(message || !count);
    if (count) memcpy(message, bytes, count);
    if (find(message, count, &type) == RW_MESSAGE_OK) {
        RW_ASSERT(body + type->bytes <= count);
        uint32_t length = rw_message_json(text, UINT64_MAX, table, type, message + body);
        RW_ASSERT(length < sizeof text && text[length] == '\0');
    }
    free(message);
}

static inline void try_packet(const struct rw_packet *packet, const uint8_t *data, size_t size,
                              find_message find, const struct rw_message_table *table,
                              uint32_t body) {
    struct rw_blocks blocks = packet->blocks;
    struct rw_block block;
    uint32_t whole, walked = 0;
    enum rw_packet_fault fault = rw_packet_check(packet, &whole);
    while (rw_blocks_next(&blocks, &block)) {
        RW_ASSERT(block.bytes >= data && block.bytes + block.count <= data + size);
        try_message(find, table, body, block.bytes, block.count);
        walked++;
    }
    RW_ASSERT((fault == RW_PACKET_TRUNCATED) == (blocks.left > 0) && walked == whole);
}
