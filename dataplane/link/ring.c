#include "dataplane/link/ring.h"

#include <string.h>

size_t rw_ring_footprint(uint32_t depth, uint32_t slot_bytes) {
    RW_ASSERT(depth >= 2 && (depth & (depth - 1)) == 0);
    RW_ASSERT(slot_bytes >= 8 && slot_bytes % 8 == 0);
    size_t bytes = sizeof(struct rw_ring) + (size_t)depth * slot_bytes;
    return (bytes + RW_CACHE_LINE - 1) / RW_CACHE_LINE * RW_CACHE_LINE;
}

struct rw_ring *rw_ring_new(void *memory, uint32_t depth, uint32_t slot_bytes) {
    RW_ASSERT(memory && (uintptr_t)memory % RW_CACHE_LINE == 0);
    memset(memory, 0, rw_ring_footprint(depth, slot_bytes));
    struct rw_ring *ring = memory;
    ring->depth = depth;
    ring->mask = depth - 1;
    ring->slot_bytes = slot_bytes;
    return ring;
}
