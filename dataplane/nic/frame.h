/* A frame on the link rx → feed: the UDP payload of one market-data packet, copied out of the NIC's
 * buffer, with what the parser of the feed must know about where and when it came in.
 *
 *   ┌ arrival ┬ now ┬ source ┬ port ┬ channel ┬ line ┬ flags ┬ bytes ┐┌ payload, ≤ 2,016 B ┐
 *   └──────────────────────── 32 B ─────────────────────────────────┘
 *
 * rx has already checked the headers, the group, the UDP port and the source; it does not know the
 * feed. */
#pragma once

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define RW_FRAME_SLOT_BYTES    2048u
#define RW_FRAME_PAYLOAD_BYTES (RW_FRAME_SLOT_BYTES - 32u)

/* RW_FRAME_END: the port behind (port, channel, line) has delivered its last packet; no payload,
 * files only. RW_FRAME_ASIDE: of a group that does not count with its line, a snapshot loop. */
#define RW_FRAME_END   1u
#define RW_FRAME_ASIDE 2u

enum rw_line { RW_LINE_A = 0, RW_LINE_B = 1, RW_LINES = 2 };

struct rw_frame {
    /* When this site got the packet: monotonic clock, ns; the NIC's stamp if it gives one. */
    uint64_t arrival_ns;
    /* The feed's own clock for gap timers, ns. File ports: the capture time (Unix time), so that a
     * replay decides the same at any speed, with an instant of its own for each frame of one rx.
     * Live ports: the monotonic clock, never falling. */
    uint64_t now_ns;
    uint32_t source;   /* IPv4 address of the sender, host byte order */
    uint16_t port;     /* row of the rx configuration */
    uint16_t channel;  /* of that row */
    uint16_t line;     /* enum rw_line, of that row */
    uint16_t flags;    /* RW_FRAME_END, RW_FRAME_ASIDE or 0 */
    uint16_t bytes;    /* of payload */
    uint16_t reserved; /* 0 */
    uint8_t payload[];
};
static_assert(sizeof(struct rw_frame) == RW_FRAME_SLOT_BYTES - RW_FRAME_PAYLOAD_BYTES, "");
static_assert(offsetof(struct rw_frame, payload) == 32, "the header is half a cache line");
