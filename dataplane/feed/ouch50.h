/* OUCH 5.0: orders in, what became of them out, over SoupBinTCP (dataplane/record/soupbintcp.h).
 *
 *   client ─► unsequenced 'U' ─► in table        server ─► sequenced 'S' ─► out table
 *
 * The same letter means different messages in the two directions. Big-endian; prices are 1e-4
 * dollars in 8 bytes; timestamps are nanoseconds since midnight. Some types end in an appendage of
 * options, whose length is their last field; the options themselves are not in the tables. Offsets
 * count from the type byte. */
#pragma once

#include "dataplane/feed/field_table.h"

extern const struct rw_message_table rw_ouch50_in_table, rw_ouch50_out_table;

/* rw_ouch50_find is rw_message_find for a message of one of the two tables that also checks the
 * length of the appendage; an empty message is a bad length. Pure. */
enum rw_message_verdict rw_ouch50_find(const struct rw_message_table *table, const uint8_t *message,
                                       uint32_t bytes, const struct rw_message_type **type);
