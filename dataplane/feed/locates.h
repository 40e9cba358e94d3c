/* locates: small numbers for the instruments of venues that number none.
 *
 *   key (8 bytes: a symbol, or a number) ─hash─► slot ─► locate 1, 2, 3, … in the order met
 *
 * The log never shows such a number: the sequencer joins it with the instrument of its symbol, so
 * two sites may number differently. Bounded: a key that finds no number left gets none. Everything
 * lives in one planned block. Pure; one owner thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RW_LOCATES_MAX 65535u /* 0 is nobody's */

struct rw_locates; /* opaque */

/* rw_locates_footprint returns the bytes for up to `max` numbers, 1..RW_LOCATES_MAX.
 * rw_locates_new makes an empty table in that many bytes of 64-byte aligned memory, which the
 * caller owns; a number out of range asserts. rw_locates_clear forgets all keys. */
size_t rw_locates_footprint(uint32_t max);
struct rw_locates *rw_locates_new(void *memory, uint32_t max);
void rw_locates_clear(struct rw_locates *locates);

/* rw_locates_find returns the number of a key, which gets the next one when it is new (*is_new);
 * 0 when there is none left. */
uint16_t rw_locates_find(struct rw_locates *locates, uint64_t key, bool *is_new);

/* rw_locates_count returns how many numbers are given: 1..count. */
uint32_t rw_locates_count(const struct rw_locates *locates);
