/* Two lines of a feed: messages packed into the packets of a venue, each sent on line A and line B
 * with a delay of its own, and what networks do to them.
 *
 *   message ─► packet ─┬─► A: lose? double? hold back? ─► line_a.pcap
 *                      └─► B: lose? double? hold back? ─► line_b.pcap
 *
 * No packet is lost on both lines, except as many as asked for. Heartbeats fill quiet seconds,
 * the end of the session closes both lines. Streaming; cold path; allocates. */
#pragma once

#include <stdint.h>

#include "tools/riskwire/gen_framing.h"

struct rw_gen_lines_cfg {
    const char *path[2];
    uint64_t seed;
    uint64_t midnight_ns; /* Unix time of the session day's midnight at the exchange */
    const struct rw_gen_framing *framing;
    struct rw_gen_framing_terms terms;
    uint16_t vlan;           /* 0: untagged */
    uint32_t loss_ppm;       /* packets lost per line */
    uint32_t reorder_ppm;    /* packets held back so that later ones overtake them */
    uint32_t duplicate_ppm;  /* packets that come twice on a line */
    uint32_t skew_ns;        /* line B is later than line A by this much */
    uint32_t both_lost;      /* so many packets are lost on both lines … */
    uint64_t messages;       /* … spread over this many messages */
    uint32_t packet_wait_ns; /* a packet waits so long for more messages */
};

struct rw_gen_lines_count {
    uint64_t messages, packets, heartbeats, asides;
    uint64_t lost[2], reordered[2], duplicated[2];
    uint64_t both_lost, both_lost_messages;
};

struct rw_gen_lines; /* opaque */

/* rw_gen_lines_open creates both captures. Returns 0 or -errno with an error set. */
int rw_gen_lines_open(const struct rw_gen_lines_cfg *cfg, struct rw_gen_lines **lines);
/* rw_gen_lines_add sends the next message; event times may not decrease. bytes ≤ 1,000. */
void rw_gen_lines_add(struct rw_gen_lines *lines, uint64_t time_ns, const uint8_t *message,
                      uint32_t bytes);
/* rw_gen_lines_flush sends what is open and returns the last sequence sent. rw_gen_lines_aside,
 * right behind it, sends a packet beside the sequence, such as one of a snapshot loop; bytes ≤
 * 1,400. */
uint64_t rw_gen_lines_flush(struct rw_gen_lines *lines);
void rw_gen_lines_aside(struct rw_gen_lines *lines, const uint8_t *payload, uint32_t bytes);
/* rw_gen_lines_close sends what is left and the end of the session, closes and frees. *count
 * tells what was done. Returns 0, or -errno with an error set when a byte did not reach its file.
 */
int rw_gen_lines_close(struct rw_gen_lines *lines, struct rw_gen_lines_count *count);
