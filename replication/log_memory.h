/* The newest part of the log in memory: entries in 64-byte slots, found by sequence.
 *
 *   slots   [ … | n−2 | n−1 ·· | n | free …  ]      an entry takes 1..16 consecutive slots and
 *    may wrap
 *   index   [ sequence → first slot, slots ]         free-running numbers, power-of-two rings
 *
 * One stage writes and reads it. It keeps what the owner has not yet let go (rw_log_memory_keep):
 * entries that still must reach the journal, the risk stages or the peer; older ones are
 * overwritten as room is needed and are read from the journal from then on. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/record/entry.h"

struct rw_log_memory;

/* rw_log_memory_footprint: bytes for so many slots and entries, both powers of two ≥ 1,024. */
size_t rw_log_memory_footprint(uint32_t slots, uint32_t entries);
/* rw_log_memory_new formats 64-byte aligned memory; the log is empty and its next entry is
 * next_sequence. */
struct rw_log_memory *rw_log_memory_new(void *memory, uint32_t slots, uint32_t entries,
                                        uint64_t next_sequence);

/* rw_log_memory_keep: entries ≥ sequence must not be overwritten; it may fall only after a cut. */
void rw_log_memory_keep(struct rw_log_memory *log, uint64_t sequence);
/* rw_log_memory_room returns how many bytes of entries may be put now without losing a kept one.
 * An entry of one slot needs an index cell too, so the answer counts 64 bytes for the scarcer of
 * the two. */
uint64_t rw_log_memory_room(const struct rw_log_memory *log);
/* rw_log_memory_put copies the next entry, `slots` slots of which the first is given and the
 * others follow from rw_log_memory_put_slot. The caller has checked the room. Returns the first
 * slot, to be filled. */
uint8_t *rw_log_memory_put(struct rw_log_memory *log, uint64_t sequence, uint8_t slots);
/* rw_log_memory_slot returns slot `i` of an entry that is held, also to fill it. */
uint8_t *rw_log_memory_slot(struct rw_log_memory *log, uint64_t sequence, uint8_t i);

/* rw_log_memory_first and _last: the sequences held; first > last when none is. */
uint64_t rw_log_memory_first(const struct rw_log_memory *log);
uint64_t rw_log_memory_last(const struct rw_log_memory *log);
bool rw_log_memory_holds(const struct rw_log_memory *log, uint64_t sequence);
/* rw_log_memory_slots returns the length of a held entry in slots. */
uint8_t rw_log_memory_slots(const struct rw_log_memory *log, uint64_t sequence);
/* rw_log_memory_copy writes the whole entry to `out` and returns its bytes. */
uint32_t rw_log_memory_copy(struct rw_log_memory *log, uint64_t sequence, uint8_t *out);
/* rw_log_memory_cut forgets all entries above `sequence`; when it lies below what is held, the log
 * is empty in memory and goes on at sequence + 1. */
void rw_log_memory_cut(struct rw_log_memory *log, uint64_t sequence);
