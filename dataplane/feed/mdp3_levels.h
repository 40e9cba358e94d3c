/* What MDP 3.0 messages do to price-level books (dataplane/book/mbp.h), prices in units of 1e-9.
 *
 *   46 book ─────► number of the entry, then the update of its level, or the reset 'J'
 *   37 48 51 ────► number of the entry only: an instrument has one numbering for all of them
 *   52 snapshot ─► the levels of bid, offer and both implied sides; its other entries are none
 *   4 reset ─────► all books
 *
 * Messages of other templates change nothing. The levels of a snapshot may come in any order of
 * sides, but within a side from the best on, as CME sends them; one that does not makes the
 * instrument stale. Pure; one owner thread. */
#pragma once

#include <stdint.h>

#include "dataplane/book/mbp.h"
#include "dataplane/feed/mdp3.h"

/* rw_mdp3_levels_entry applies entry `index` of the first group of a message of 37, 46, 48 or 51.
 * Returns its instrument, whether or not it was the next one; RW_MBP_NONE when there is no such
 * entry or no room for the instrument, and, unless `only` is RW_MBP_NONE, when it is about another
 * one: then nothing is touched. */
uint32_t rw_mdp3_levels_entry(struct rw_mbp *mbp, const struct rw_mdp3_message *message,
                              uint32_t index, uint32_t only);
/* rw_mdp3_levels_snapshot takes a message of 52. Returns how many levels were applied. */
uint32_t rw_mdp3_levels_snapshot(struct rw_mbp *mbp, const struct rw_mdp3_message *message);
/* rw_mdp3_apply puts a whole message, of any template, into the books. */
void rw_mdp3_apply(struct rw_mbp *mbp, const struct rw_mdp3_message *message);
