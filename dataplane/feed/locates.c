/* Open addressing with twice as many slots as numbers; nothing is ever removed but everything. */
#include "dataplane/feed/locates.h"

#include <string.h>

#include "dataplane/base/assert.h"

#define LINE 64u

struct rw_locates {
    uint32_t max, count, slot_mask;
    uint16_t *slots; /* locate, 0 = free */
    uint64_t *keys;  /* by locate */
};

static size_t line_up(size_t bytes) { return (bytes + LINE - 1) & ~(size_t)(LINE - 1); }

static uint32_t slot_count(uint32_t max) {
    uint32_t slots = 2;
    while (slots < 2 * max) slots *= 2;
    return slots;
}

size_t rw_locates_footprint(uint32_t max) {
    RW_ASSERT(max >= 1 && max <= RW_LOCATES_MAX);
    return line_up(sizeof(struct rw_locates)) + line_up(slot_count(max) * sizeof(uint16_t)) +
           line_up((max + 1) * sizeof(uint64_t));
}

struct rw_locates *rw_locates_new(void *memory, uint32_t max) {
    RW_ASSERT(((uintptr_t)memory & (LINE - 1)) == 0);
    memset(memory, 0, rw_locates_footprint(max));
    struct rw_locates *locates = memory;
    uint8_t *at = (uint8_t *)memory + line_up(sizeof *locates);
    *locates = (struct rw_locates){.max = max, .slot_mask = slot_count(max) - 1};
    locates->slots = (uint16_t *)at;
    locates->keys = (uint64_t *)(at + line_up(slot_count(max) * sizeof(uint16_t)));
    return locates;
}

void rw_locates_clear(struct rw_locates *locates) {
    memset(locates->slots, 0, (locates->slot_mask + 1ull) * sizeof *locates->slots);
    locates->count = 0;
}

uint16_t rw_locates_find(struct rw_locates *locates, uint64_t key, bool *is_new) {
    uint32_t slot = (uint32_t)(key * 0x9E3779B97F4A7C15ull >> 32);
    *is_new = false;
    for (;; slot++) { /* ends: half of the slots are free */
        uint16_t *locate = &locates->slots[slot & locates->slot_mask];
        if (*locate && locates->keys[*locate] == key) return *locate;
        if (*locate) continue;
        if (locates->count == locates->max) return 0;
        *is_new = true;
        *locate = (uint16_t)++locates->count;
        locates->keys[*locate] = key;
        return *locate;
    }
}

uint32_t rw_locates_count(const struct rw_locates *locates) { return locates->count; }
