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

/* rw_mdp3_apply puts a message that rw_mdp3_next has taken into the books. Returns how many level
 * updates were applied. */
uint32_t rw_mdp3_apply(struct rw_mbp *mbp, const struct rw_mdp3_message *message);
