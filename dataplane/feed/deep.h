/* IEX DEEP 1.0 (price levels, trades, status, auctions) and DEEP+ (single orders), over IEX-TP.
 * Little-endian; prices are signed, 1e-4 dollars; timestamps are nanoseconds of Unix time.
 * Offsets count from the type byte. */
#pragma once

#include "dataplane/feed/field_table.h"

extern const struct rw_message_table rw_deep10_table, rw_deepplus_table;

/* rw_deep_find is rw_message_find for a message of one of the two tables; an empty message is a bad
 * length. Pure. */
static inline enum rw_message_verdict rw_deep_find(const struct rw_message_table *table,
                                                   const uint8_t *message, uint32_t bytes,
                                                   const struct rw_message_type **type) {
    return bytes ? rw_message_find(table, message[0], bytes, type) : RW_MESSAGE_BAD_LENGTH;
}
