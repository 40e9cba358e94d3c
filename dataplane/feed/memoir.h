/* MEMX MEMOIR Depth: SBE messages in sequenced packets. Big-endian.
 *
 *   ┌ kind 1 ┬ header bytes 1 ┬ session 8 ┬ sequence 8 ┐            0 heartbeat, 1 shutdown
 *   ┌ … the same, kind 2 … ┬ count 2 ┐┌ bytes 2 ┬ SBE header 6 ┬ block ┐ …
 *   SBE header: ┌ block bytes 2 ┬ template 1 ┬ schema 1 ┬ version 2 ┐
 *
 * The bytes in front of a message count the SBE header and the block. Offsets of the table count
 * from the block. No capture of this feed was at hand: made from its documents alone. */
#pragma once

#include "dataplane/feed/field_table.h"
#include "dataplane/feed/venue_packet.h"

#define RW_MEMOIR_HEADER_BYTES 18u
#define RW_MEMOIR_COUNT_BYTES  2u
#define RW_MEMOIR_BODY         6u /* where the block of a message starts, behind its SBE header */

extern const struct rw_message_table rw_memoir_table;

/* rw_memoir_decode reads the header of a UDP payload of `count` bytes. Returns false, *packet
 * untouched, when it is shorter than the header or of no known kind. Pure. */
bool rw_memoir_decode(const uint8_t *bytes, size_t count, struct rw_packet *packet);

/* rw_memoir_find looks up a message that starts with its SBE header; the fields lie in message +
 * RW_MEMOIR_BODY. A block may be longer than the table, as later versions append; the message must
 * end with its block. Pure. */
enum rw_message_verdict rw_memoir_find(const uint8_t *message, uint32_t bytes,
                                       const struct rw_message_type **type);
