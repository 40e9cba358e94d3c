/* The messages as bytes: fixed little-endian layout, one frame per message.
 *
 *   0           4             6         7         8                 12          16        80
 *   ┌ magic u32 ┬ version u16 ┬ type u8 ┬ site u8 ┬ frame bytes u32 ┬ check u32 ┬ head … ┬ body ┐
 *                                                                                 payload of APPEND
 *
 * The frame length and every inner length are checked against the type before a byte is believed;
 * `check` (the low half of XXH3-128) covers head and body but not the payload, whose chain hash
 * the core checks. */
#pragma once

#include <stdint.h>

#include "replication/message.h"

#define RW_WIRE_MAGIC       0x50525752u /* "RWRP" in memory */
#define RW_WIRE_VERSION     1u          /* newest version spoken by this build */
#define RW_WIRE_LOWEST      1u          /* oldest */
#define RW_WIRE_HEAD_BYTES  80u
#define RW_WIRE_PAYLOAD_MAX (256u << 10) /* of one APPEND, a multiple of 64 */
#define RW_WIRE_BODY_MAX    384u
#define RW_WIRE_FRAME_MAX   (RW_WIRE_HEAD_BYTES + RW_WIRE_BODY_MAX + RW_WIRE_PAYLOAD_MAX)

/* rw_wire_bytes returns the length of the frame of a message (head, body, payload). Pure. */
uint32_t rw_wire_bytes(const struct rw_message *message);
/* rw_wire_encode writes the frame to `out`. Returns its length, or 0 when `room` is too small or
 * the message is of no known type or carries more than RW_WIRE_PAYLOAD_MAX. Pure; any thread. */
uint32_t rw_wire_encode(const struct rw_message *message, uint8_t *out, uint32_t room);
/* rw_wire_decode reads the frame at the start of `bytes`. Returns the bytes used (> 0) and
 * *message, whose payload points into `bytes`; 0 when the frame is not complete yet; -EBADMSG when
 * this is no frame: wrong magic, version, type, length, checksum or field. Reads nothing beyond
 * `count`. Pure; any thread. */
int32_t rw_wire_decode(const uint8_t *bytes, uint32_t count, struct rw_message *message);
