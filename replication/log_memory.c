#include "replication/log_memory.h"

#include <string.h>

#include "dataplane/base/assert.h"

struct log_cell {
    uint64_t first_slot; /* free-running */
    uint32_t slots;
    uint32_t reserved;
};

struct rw_log_memory {
    uint32_t slot_mask, entry_mask;
    uint64_t first, next; /* sequences held: first..next−1 */
    uint64_t keep;
    uint64_t next_slot; /* free-running */
    struct log_cell *cell;
    uint8_t *slot;
};

static size_t head_bytes(void) { return (sizeof(struct rw_log_memory) + 63) & ~(size_t)63; }

size_t rw_log_memory_footprint(uint32_t slots, uint32_t entries) {
    RW_ASSERT(slots >= 1024 && !(slots & (slots - 1)));
    RW_ASSERT(entries >= 1024 && !(entries & (entries - 1)));
    return head_bytes() + (size_t)entries * sizeof(struct log_cell) + (size_t)slots * RW_SLOT_BYTES;
}

struct rw_log_memory *rw_log_memory_new(void *memory, uint32_t slots, uint32_t entries,
                                        uint64_t next_sequence) {
    struct rw_log_memory *log = memory;
    memset(log, 0, sizeof *log);
    log->slot_mask = slots - 1;
    log->entry_mask = entries - 1;
    log->first = log->next = log->keep = next_sequence;
    log->cell = (struct log_cell *)((uint8_t *)memory + head_bytes());
    log->slot = (uint8_t *)(log->cell + entries);
    return log;
}

static struct log_cell *cell_of(const struct rw_log_memory *log, uint64_t sequence) {
    RW_ASSERT(sequence >= log->first && sequence < log->next);
    return &log->cell[sequence & log->entry_mask];
}

void rw_log_memory_keep(struct rw_log_memory *log, uint64_t sequence) { log->keep = sequence; }

/* The oldest entry that room must not be taken from. */
static uint64_t oldest_kept(const struct rw_log_memory *log) {
    uint64_t oldest = log->keep > log->first ? log->keep : log->first;
    return oldest < log->next ? oldest : log->next;
}

uint64_t rw_log_memory_room(const struct rw_log_memory *log) {
    uint64_t oldest = oldest_kept(log);
    uint64_t used_entries = log->next - oldest;
    uint64_t used_slots =
        oldest < log->next ? log->next_slot - cell_of(log, oldest)->first_slot : 0;
    uint64_t entries = log->entry_mask + 1ull - used_entries;
    uint64_t slots = log->slot_mask + 1ull - used_slots;
    return (entries < slots ? entries : slots) * RW_SLOT_BYTES;
}

uint8_t *rw_log_memory_put(struct rw_log_memory *log, uint64_t sequence, uint8_t slots) {
    RW_ASSERT(sequence == log->next && slots >= 1 && slots <= RW_ENTRY_SLOTS_MAX);
    RW_ASSERT(rw_log_memory_room(log) >= (uint64_t)slots * RW_SLOT_BYTES);
    uint64_t end_slot = log->next_slot + slots;
    while (log->first < log->next &&
           (end_slot - cell_of(log, log->first)->first_slot > log->slot_mask + 1ull ||
            log->next - log->first > log->entry_mask))
        log->first++;
    log->cell[sequence & log->entry_mask] =
        (struct log_cell){.first_slot = log->next_slot, .slots = slots};
    log->next_slot = end_slot;
    log->next++;
    return rw_log_memory_slot(log, sequence, 0);
}

uint8_t *rw_log_memory_slot(struct rw_log_memory *log, uint64_t sequence, uint8_t i) {
    const struct log_cell *cell = cell_of(log, sequence);
    RW_ASSERT(i < cell->slots);
    return log->slot + ((cell->first_slot + i) & log->slot_mask) * RW_SLOT_BYTES;
}

uint64_t rw_log_memory_first(const struct rw_log_memory *log) { return log->first; }
uint64_t rw_log_memory_last(const struct rw_log_memory *log) { return log->next - 1; }

bool rw_log_memory_holds(const struct rw_log_memory *log, uint64_t sequence) {
    return sequence >= log->first && sequence < log->next;
}

uint8_t rw_log_memory_slots(const struct rw_log_memory *log, uint64_t sequence) {
    return (uint8_t)cell_of(log, sequence)->slots;
}

uint32_t rw_log_memory_copy(struct rw_log_memory *log, uint64_t sequence, uint8_t *out) {
    uint8_t slots = rw_log_memory_slots(log, sequence);
    for (uint8_t i = 0; i < slots; i++)
        memcpy(out + (size_t)i * RW_SLOT_BYTES, rw_log_memory_slot(log, sequence, i),
               RW_SLOT_BYTES);
    return (uint32_t)slots * RW_SLOT_BYTES;
}

void rw_log_memory_cut(struct rw_log_memory *log, uint64_t sequence) {
    if (sequence + 1 >= log->next) return;
    if (sequence + 1 > log->first) {
        log->next_slot = cell_of(log, sequence + 1)->first_slot;
        log->next = sequence + 1;
    } else {
        log->first = log->next = sequence + 1;
    }
    if (log->keep > log->next) log->keep = log->next;
}
