/* rw_ring: a single-producer single-consumer ring of fixed slots.
 *
 *   producer ──write──► [ slot | slot | slot | … ] ──read──► consumer
 *
 * Both indices run freely and are compared by unsigned difference; each side keeps a cached copy
 * of the other's, so a push or pop touches the shared line only when the cached view says full or
 * empty.
 *
 * The producer asks room, writes slots 0..room-1 in place, and pushes how many it wrote; the
 * consumer asks ready, reads slots in place, and pops. A message that takes several slots occupies
 * consecutive indices and is pushed whole, but may wrap: address each slot by its own index. */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/base/assert.h"

#define RW_CACHE_LINE 64u

struct rw_ring {
    /* producer's line */
    _Alignas(RW_CACHE_LINE) _Atomic uint64_t head;
    uint64_t tail_cached;
    /* consumer's line */
    _Alignas(RW_CACHE_LINE) _Atomic uint64_t tail;
    uint64_t head_cached;
    /* read-only after new */
    _Alignas(RW_CACHE_LINE) uint32_t depth;
    uint32_t mask;
    uint32_t slot_bytes;
    uint32_t reserved;
    _Alignas(RW_CACHE_LINE) uint8_t slots[];
};

/* rw_ring_footprint returns the bytes that rw_ring_new needs, 64-byte aligned. depth: power of two
 * ≥ 2; slot_bytes: multiple of 8. */
size_t rw_ring_footprint(uint32_t depth, uint32_t slot_bytes);
/* rw_ring_new formats memory (64-byte aligned, footprint bytes, owned by the caller) as an empty
 * ring. */
struct rw_ring *rw_ring_new(void *memory, uint32_t depth, uint32_t slot_bytes);

/* rw_ring_room returns how many slots (0..depth) the producer may write now; refreshes its view of
 * the consumer when the cached one holds fewer than `want`. Producer thread only. Never fails. */
static inline uint32_t rw_ring_room(struct rw_ring *ring, uint32_t want) {
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    uint32_t room = ring->depth - (uint32_t)(head - ring->tail_cached);
    if (room < want) {
        /* pairs with the release in rw_ring_pop: slots are reused only after they were read */
        ring->tail_cached = atomic_load_explicit(&ring->tail, memory_order_acquire);
        room = ring->depth - (uint32_t)(head - ring->tail_cached);
    }
    return room;
}

/* rw_ring_slot returns the i-th free slot, i < the last room. Producer thread only. */
static inline void *rw_ring_slot(struct rw_ring *ring, uint32_t i) {
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    return ring->slots + (size_t)((head + i) & ring->mask) * ring->slot_bytes;
}

/* rw_ring_push publishes the first count slots. count ≤ the last room, asserted. Producer thread
 * only. */
static inline void rw_ring_push(struct rw_ring *ring, uint32_t count) {
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    RW_ASSERT((uint32_t)(head - ring->tail_cached) + count <= ring->depth);
    /* pairs with the acquire in rw_ring_ready: the slots' content is visible before the index */
    atomic_store_explicit(&ring->head, head + count, memory_order_release);
}

/* rw_ring_pushed returns how many slots have been pushed so far, free-running; rw_ring_slot_at
 * returns the slot of an index below it. Producer thread only, and only for what it pushed since
 * it last asked for room: such a slot cannot have been reused. */
static inline uint64_t rw_ring_pushed(const struct rw_ring *ring) {
    return atomic_load_explicit(&ring->head, memory_order_relaxed);
}
static inline const void *rw_ring_slot_at(const struct rw_ring *ring, uint64_t index) {
    return ring->slots + (size_t)(index & ring->mask) * ring->slot_bytes;
}

/* rw_ring_ready returns how many slots (0..depth) may be read now; refreshes its view of the
 * producer when the cached one holds fewer than `want`. Consumer thread only. */
static inline uint32_t rw_ring_ready(struct rw_ring *ring, uint32_t want) {
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    uint32_t ready = (uint32_t)(ring->head_cached - tail);
    if (ready < want) {
        /* pairs with the release in rw_ring_push */
        ring->head_cached = atomic_load_explicit(&ring->head, memory_order_acquire);
        ready = (uint32_t)(ring->head_cached - tail);
    }
    return ready;
}

/* rw_ring_front returns the i-th readable slot, i < the last ready. Valid until popped. Consumer
 * only. */
static inline const void *rw_ring_front(const struct rw_ring *ring, uint32_t i) {
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    return ring->slots + (size_t)((tail + i) & ring->mask) * ring->slot_bytes;
}

/* rw_ring_pop gives the first count slots back. count ≤ the last ready, asserted. Consumer thread
 * only. */
static inline void rw_ring_pop(struct rw_ring *ring, uint32_t count) {
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    RW_ASSERT(count <= (uint32_t)(ring->head_cached - tail));
    /* pairs with the acquire in rw_ring_room */
    atomic_store_explicit(&ring->tail, tail + count, memory_order_release);
}
