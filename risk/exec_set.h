/* The executions seen so far: a planned open-addressing set {execution id → digest of the content,
 * fill}.
 *
 * A fill is applied once per id. A second one with the same digest is a duplicate, with another
 * digest a conflict; both are ignored, and told apart so that each has its own counter. `fill` is
 * what a later correction of the id is about. Filled to half at most, so a probe ends soon. Sixteen
 * consecutive ids are neighbours: venues count executions upwards. */
#pragma once

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/base/assert.h"

struct rw_exec_cell {
    uint64_t exec_id;
    uint32_t digest; /* 0 = free */
    uint32_t fill;   /* the caller's; 0 at first */
};
static_assert(sizeof(struct rw_exec_cell) == 16, "four to a line");

struct rw_exec_set {
    struct rw_exec_cell *cell;
    uint64_t mask;
    uint32_t count, count_max;
};

enum rw_exec_seen { RW_EXEC_NEW, RW_EXEC_DUPLICATE, RW_EXEC_CONFLICT, RW_EXEC_FULL };

/* rw_exec_set_cells returns the number of cells for count_max ids: a power of two. */
static inline uint64_t rw_exec_set_cells(uint32_t count_max) {
    uint64_t cells = 16;
    while (cells < 2ull * count_max) cells *= 2;
    return cells;
}

/* rw_exec_set_footprint returns the bytes of memory for count_max ids, a multiple of 64. */
static inline size_t rw_exec_set_footprint(uint32_t count_max) {
    return (size_t)rw_exec_set_cells(count_max) * sizeof(struct rw_exec_cell);
}

/* rw_exec_set_new makes an empty set in zeroed memory, owned by the caller. */
static inline void rw_exec_set_new(struct rw_exec_set *set, void *memory, uint32_t count_max) {
    *set = (struct rw_exec_set){memory, rw_exec_set_cells(count_max) - 1, 0, count_max};
}

/* rw_exec_mix spreads bits (the finaliser of a 64-bit hash); a bijection. */
static inline uint64_t rw_exec_mix(uint64_t value) {
    value = (value ^ value >> 32) * 0xD6E8FEB86659FD93ull;
    value = (value ^ value >> 32) * 0xD6E8FEB86659FD93ull;
    return value ^ value >> 32;
}

/* rw_exec_set_cell returns the cell of an id, or the free one where it belongs (digest 0). */
static inline struct rw_exec_cell *rw_exec_set_cell(const struct rw_exec_set *set,
                                                    uint64_t exec_id) {
    uint64_t at = rw_exec_mix(exec_id >> 4) << 4 | (exec_id & 15);
    for (uint64_t probes = 0; probes <= set->mask; probes++, at++) {
        struct rw_exec_cell *cell = &set->cell[at & set->mask];
        if (cell->digest == 0 || cell->exec_id == exec_id) return cell;
    }
    rw_assert_failed("a set filled to half has a free cell", __FILE__, __LINE__);
}

/* rw_exec_set_put looks an id up and, when it is new and there is room, remembers it. *cell: its
 * cell, valid for as long as the set, whose `fill` the caller may set when the id is NEW. */
static inline enum rw_exec_seen rw_exec_set_put(struct rw_exec_set *set, uint64_t exec_id,
                                                uint64_t digest, struct rw_exec_cell **cell) {
    uint32_t kept = (uint32_t)(digest >> 32) | 1; /* 0 marks a free cell */
    *cell = rw_exec_set_cell(set, exec_id);
    if ((*cell)->digest != 0) return (*cell)->digest == kept ? RW_EXEC_DUPLICATE : RW_EXEC_CONFLICT;
    if (set->count == set->count_max) return RW_EXEC_FULL;
    **cell = (struct rw_exec_cell){.exec_id = exec_id, .digest = kept};
    set->count++;
    return RW_EXEC_NEW;
}

/* rw_exec_set_fill returns what was kept for an id, 0 when it was never seen. */
static inline uint32_t rw_exec_set_fill(const struct rw_exec_set *set, uint64_t exec_id) {
    return rw_exec_set_cell(set, exec_id)->fill;
}
