/* Who holds an instrument: per instrument a list of holders sorted by portfolio, all in one pool.
 *
 *   instrument 7 ─► [ p2 │ p5 │ p9 │ room ]      instrument 8 ─► [ p1 │ p5 ]     …     free ─►
 *
 * At the start the lists lie back to back, without room (CSR). A fill that makes a new pair inserts
 * in order; a full list moves to twice the space at the end of the pool. Old space is not used
 * again: the moves of one list sum up to less than its last size, so the pool has a fixed bound. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct rw_holder {
    int64_t units;      /* quantity · multiplier, signed; 0 when flat */
    uint32_t portfolio; /* index in the image */
    uint32_t position;  /* the shard's position cell */
};

struct rw_holder_list {
    uint32_t first, count, room; /* in the pool */
};

struct rw_holder_index {
    struct rw_holder *pool;
    uint32_t used, size;
};

/* rw_holder_pool_size returns how many holders the pool needs for `initial` pairs and up to `added`
 * further ones, in any order. */
uint32_t rw_holder_pool_size(uint32_t initial, uint32_t added);

/* rw_holder_find returns the holder of the portfolio, or NULL. */
struct rw_holder *rw_holder_find(const struct rw_holder_index *index,
                                 const struct rw_holder_list *list, uint32_t portfolio);

/* rw_holder_insert adds a holder for a portfolio that is not in the list (asserted), with units 0.
 * Returns it; never fails within the pairs the pool was sized for. Older pointers go stale. */
struct rw_holder *rw_holder_insert(struct rw_holder_index *index, struct rw_holder_list *list,
                                   uint32_t portfolio, uint32_t position);
