/* What networks do to the packets of two lines: each packet goes down both with a delay of its own,
 * and may be lost, held back so that later ones overtake it, or come twice.
 *
 *   packet ─► lost on which? ─┬─► wire A: [ by time of arrival ] ─► taken when its time has come
 *                             └─► wire B: [ by time of arrival ] ─►
 *
 * Seeded: the same calls give the same arrivals. Pure but for its memory, which is allocated by
 * rw_gen_wires_new; time is what the caller says. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define RW_GEN_WIRES             2u
#define RW_GEN_WIRE_PAYLOAD_MAX  1472u
#define RW_GEN_WIRE_PACKETS_MIN  512u
#define RW_GEN_WIRE_HELD_BACK_NS 20000u /* at least; at most seven times this */

struct rw_gen_wires_cfg {
    uint64_t seed;
    uint32_t latency_ns[RW_GEN_WIRES]; /* from sent to arrived, at least */
    uint32_t jitter_ns;                /* ≥ 1: added, drawn for each packet */
    uint32_t spacing_ns;               /* of two packets on a wire */
    uint32_t loss_ppm[RW_GEN_WIRES];   /* packets at which a loss begins */
    uint32_t loss_run;                 /* … of 1 to so many packets in a row */
    uint32_t reorder_ppm, duplicate_ppm;
    uint32_t packets_max; /* in flight on a wire, ≥ RW_GEN_WIRE_PACKETS_MIN */
    bool independent;     /* false: what one wire loses the other brings */
};

struct rw_gen_wires_count {
    uint64_t lost[RW_GEN_WIRES], reordered[RW_GEN_WIRES], duplicated[RW_GEN_WIRES];
    uint64_t both_lost; /* packets lost on both */
    uint64_t hurried;   /* left before their time because the wire was full */
};

/* A packet on a wire. */
struct rw_gen_wire_packet {
    uint64_t time_ns; /* of arrival */
    uint64_t number;  /* keeps packets of one time in the order they were sent */
    uint32_t bytes;
    uint8_t payload[RW_GEN_WIRE_PAYLOAD_MAX];
};

struct rw_gen_wires; /* opaque */

/* rw_gen_wires_new makes two empty wires; a configuration out of range asserts, and so does want
 * of memory. rw_gen_wires_free frees them. */
struct rw_gen_wires *rw_gen_wires_new(const struct rw_gen_wires_cfg *cfg);
void rw_gen_wires_free(struct rw_gen_wires *wires);

/* rw_gen_wires_draw decides for the next packet which wires lose it: bit 0 A, bit 1 B. It counts
 * them; the caller sends on the others. */
uint32_t rw_gen_wires_draw(struct rw_gen_wires *wires);
/* rw_gen_wires_send puts a packet (1..RW_GEN_WIRE_PAYLOAD_MAX bytes, copied) on a wire. sent_ns
 * never falls. */
void rw_gen_wires_send(struct rw_gen_wires *wires, uint32_t wire, uint64_t sent_ns,
                       const uint8_t *payload, uint32_t bytes);

/* rw_gen_wires_due returns when the next packet of a wire arrives, UINT64_MAX when it is empty. */
uint64_t rw_gen_wires_due(const struct rw_gen_wires *wires, uint32_t wire);
/* rw_gen_wires_take returns the packet that arrives next, if that is by until_ns or the wire is
 * full, else NULL. It is valid until the next call with the same wires. Times never fall on a wire
 * when until_ns is at most the time from which no earlier arrival can be sent any more. */
const struct rw_gen_wire_packet *rw_gen_wires_take(struct rw_gen_wires *wires, uint32_t wire,
                                                   uint64_t until_ns);

/* rw_gen_wires_counted tells what was done so far. */
struct rw_gen_wires_count rw_gen_wires_counted(const struct rw_gen_wires *wires);
