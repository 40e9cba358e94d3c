/* reorder: packets that came before their turn, sorted by sequence, in a bounded block.
 *
 *   held   [ 40 │ 47 │ 60 │ 66 ]     payloads [ slot │ slot │ slot │ … ]
 *            first ─┘         └ last                ▲ free slots on a stack
 *
 * Traffic comes in order, so a packet's place is looked for from the end. now_ns of a packet is
 * never later than that of the packet behind it: it says since when what lies in front of the
 * packet has been missed. Part of line_core; pure. One thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rw_held {
    uint64_t sequence;
    uint64_t now_ns; /* when it, or something behind it, came */
    uint64_t arrival_ns;
    uint16_t slot;   /* of its payload */
    uint16_t whole;  /* complete messages */
    uint16_t bytes;  /* of the payload */
    uint16_t source; /* line or server that brought it */
};

struct rw_reorder {
    uint32_t packets, packet_bytes; /* limits */
    uint32_t first, count;          /* of held */
    uint32_t free_count;
    struct rw_held *held;
    uint16_t *free_slots;
    uint8_t *payloads;
};

#define RW_REORDER_PACKETS_MAX 65536u

/* rw_reorder_footprint returns the bytes of memory for `packets` packets, a multiple of 64. */
size_t rw_reorder_footprint(uint32_t packets, uint32_t packet_bytes);
/* rw_reorder_init takes memory (64-byte aligned, zeroed, outlives it) and begins empty. */
void rw_reorder_init(struct rw_reorder *reorder, void *memory, uint32_t packets,
                     uint32_t packet_bytes);

/* rw_reorder_at returns the i-th packet, i < count. */
static inline struct rw_held *rw_reorder_at(const struct rw_reorder *reorder, uint32_t i) {
    return &reorder->held[reorder->first + i];
}
/* rw_reorder_has_room is true when one more packet can be put. */
static inline bool rw_reorder_has_room(const struct rw_reorder *reorder) {
    return reorder->free_count > 0;
}
/* rw_reorder_payload returns the bytes of a packet. */
static inline const uint8_t *rw_reorder_payload(const struct rw_reorder *reorder, uint32_t slot) {
    return reorder->payloads + (size_t)slot * reorder->packet_bytes;
}

/* rw_reorder_put copies a packet of at most packet_bytes (asserted) to its place; its slot is
 * chosen here. False, and nothing is kept, when a packet with the same first sequence and no fewer
 * messages is held already. Only with room. */
bool rw_reorder_put(struct rw_reorder *reorder, const void *payload, const struct rw_held *packet);
/* rw_reorder_take removes the first packet and returns it; its payload stays until its slot is
 * given back by rw_reorder_free. Only when there is one. */
struct rw_held rw_reorder_take(struct rw_reorder *reorder);
void rw_reorder_free(struct rw_reorder *reorder, uint32_t slot);
/* rw_reorder_drop_last removes the last packet and its payload, and returns it. Only when there is
 * one. */
struct rw_held rw_reorder_drop_last(struct rw_reorder *reorder);
