/* Cboe multicast PITCH of the US equities exchanges: sequenced units. Little-endian.
 *
 *   ┌ length 2 ┬ count 1 ┬ unit 1 ┬ sequence 4 ┐┌ length 1 ┬ type 1 ┬ body ┐ …
 *
 * The first length is that of the whole payload, those of the messages count themselves. Sequence 0
 * marks messages outside the sequence; count 0 is a heartbeat. Short prices are 1e-2, long prices
 * 1e-4 dollars; timestamps are nanoseconds since the last time message. Offsets of the table count
 * from the body. */
#pragma once

#include "dataplane/feed/field_table.h"
#include "dataplane/feed/venue_packet.h"

#define RW_PITCH_HEADER_BYTES 8u
#define RW_PITCH_BODY         1u /* where the body of a message starts, behind its type */

extern const struct rw_message_table rw_pitch_table;

/* rw_pitch_decode reads the header of a UDP payload of `count` bytes; packet->session is the unit.
 * Returns false, *packet untouched, when it is shorter than a header or says so. Bytes behind the
 * length in the header are left out. Pure. */
bool rw_pitch_decode(const uint8_t *bytes, size_t count, struct rw_packet *packet);

/* rw_pitch_find looks up a message that starts with its type byte; the fields lie in message +
 * RW_PITCH_BODY. Pure. */
enum rw_message_verdict rw_pitch_find(const uint8_t *message, uint32_t bytes,
                                      const struct rw_message_type **type);
