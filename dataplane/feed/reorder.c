#include "dataplane/feed/reorder.h"

#include <string.h>

#include "dataplane/base/assert.h"

static size_t rounded(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

/* The list is twice as long as it needs be, so that taking the first moves nothing. */
static size_t held_bytes(uint32_t packets) {
    return rounded(2 * (size_t)packets * sizeof(struct rw_held));
}
static size_t slots_bytes(uint32_t packets) { return rounded(packets * sizeof(uint16_t)); }

size_t rw_reorder_footprint(uint32_t packets, uint32_t packet_bytes) {
    return held_bytes(packets) + slots_bytes(packets) + rounded((size_t)packets * packet_bytes);
}

void rw_reorder_init(struct rw_reorder *reorder, void *memory, uint32_t packets,
                     uint32_t packet_bytes) {
    RW_ASSERT(packets >= 1 && packets <= RW_REORDER_PACKETS_MAX && ((uintptr_t)memory & 63) == 0);
    uint8_t *at = memory;
    *reorder = (struct rw_reorder){.packets = packets, .packet_bytes = packet_bytes};
    reorder->held = (void *)at;
    at += held_bytes(packets);
    reorder->free_slots = (void *)at;
    reorder->payloads = at + slots_bytes(packets);
    while (reorder->free_count < packets) {
        reorder->free_slots[reorder->free_count] = (uint16_t)(packets - 1 - reorder->free_count);
        reorder->free_count++;
    }
}

bool rw_reorder_put(struct rw_reorder *reorder, const void *payload, const struct rw_held *packet) {
    RW_ASSERT(reorder->free_count > 0 && packet->bytes <= reorder->packet_bytes);
    uint32_t at = reorder->count;
    while (at > 0 && rw_reorder_at(reorder, at - 1)->sequence > packet->sequence) at--;
    if (at > 0) {
        const struct rw_held *before = rw_reorder_at(reorder, at - 1);
        if (before->sequence == packet->sequence && before->whole >= packet->whole) return false;
    }
    if (reorder->first + reorder->count == 2 * reorder->packets) {
        memmove(reorder->held, rw_reorder_at(reorder, 0), reorder->count * sizeof *reorder->held);
        reorder->first = 0;
    }
    struct rw_held *held = rw_reorder_at(reorder, at);
    memmove(held + 1, held, (reorder->count - at) * sizeof *held);
    *held = *packet;
    if (at < reorder->count && held[1].now_ns < held->now_ns) held->now_ns = held[1].now_ns;
    held->slot = reorder->free_slots[--reorder->free_count];
    memcpy(reorder->payloads + (size_t)held->slot * reorder->packet_bytes, payload, packet->bytes);
    reorder->count++;
    return true;
}

struct rw_held rw_reorder_take(struct rw_reorder *reorder) {
    RW_ASSERT(reorder->count > 0);
    struct rw_held held = *rw_reorder_at(reorder, 0);
    reorder->first++;
    reorder->count--;
    if (reorder->count == 0) reorder->first = 0;
    return held;
}

void rw_reorder_free(struct rw_reorder *reorder, uint32_t slot) {
    RW_ASSERT(reorder->free_count < reorder->packets);
    reorder->free_slots[reorder->free_count++] = (uint16_t)slot;
}

struct rw_held rw_reorder_drop_last(struct rw_reorder *reorder) {
    RW_ASSERT(reorder->count > 0);
    struct rw_held held = *rw_reorder_at(reorder, --reorder->count);
    rw_reorder_free(reorder, held.slot);
    return held;
}
