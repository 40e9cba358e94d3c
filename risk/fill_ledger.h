/* The fills since the start of day, so that one of them can be taken back or changed.
 *
 *   position ─► [ fill ]─►[ fill ]─►[ busted ]─►[ fill ]     in log order, all lists in one pool
 *      opening ──fold──────fold────────skip───────fold──► the position as if it had been so
 *
 * BUST means "as if that fill had never happened", CORRECT "as if it had been this": the position
 * is folded anew from its opening row over the fills that survive, in log order. So it depends on
 * what survives and not on the order in which fills were taken back. A fold costs one step a fill,
 * is bounded by the room of the ledger and can be cut into pieces. Nothing is stored before a fold
 * has ended within the bounds, so a correction that would leave them changes nothing. */
#pragma once

#include <assert.h>
#include <stddef.h>

#include "risk/position_core.h"

#define RW_LEDGER_NONE 0u /* no fill; indices start at 1 */

struct rw_ledger_fill {
    int64_t quantity; /* signed; 0 = busted */
    int64_t fee;
    int32_t price;
    uint32_t next;     /* fill of the same position, or RW_LEDGER_NONE */
    uint32_t position; /* the shard's position cell */
    uint32_t reserved;
};
static_assert(sizeof(struct rw_ledger_fill) == 32, "two to a line");

struct rw_ledger_list {
    uint32_t first, last; /* of one position; RW_LEDGER_NONE when it has no fill */
};

struct rw_ledger {
    struct rw_ledger_fill *fill; /* by index; fill[0] is not used */
    uint32_t count, count_max;
};

/* What the fold of one position has come to. */
struct rw_ledger_fold {
    struct rw_position position;
    struct rw_ledger_fill as; /* what the changed fill is to be: quantity, price, fee */
    uint32_t changed;         /* that fill */
    uint32_t next;            /* the next to be folded */
    int32_t multiplier;
    uint32_t folded; /* fills so far */
};

enum rw_ledger_step { RW_LEDGER_DONE, RW_LEDGER_WORKING, RW_LEDGER_OUT_OF_BOUNDS };

/* rw_ledger_footprint returns the bytes of memory for count_max fills, a multiple of 64. */
size_t rw_ledger_footprint(uint32_t count_max);
/* rw_ledger_new makes an empty ledger in memory (64-byte aligned, the caller's). */
void rw_ledger_new(struct rw_ledger *ledger, void *memory, uint32_t count_max);

/* rw_ledger_append enters a fill at the end of its position's list and returns its index. There is
 * room, asserted: the table of execution ids has as much. */
uint32_t rw_ledger_append(struct rw_ledger *ledger, struct rw_ledger_list *list, uint32_t position,
                          const struct rw_position_change *change);

/* rw_ledger_fold_begin prepares the fold of a list as if fill `changed` of it had the quantity,
 * price and fee of *as; opening: the position at the start of day. */
void rw_ledger_fold_begin(struct rw_ledger_fold *fold, const struct rw_ledger_list *list,
                          const struct rw_position *opening, uint32_t changed,
                          const struct rw_position_change *as);
/* rw_ledger_fold_step folds at most `most` fills. DONE: fold->position is the result.
 * OUT_OF_BOUNDS: some position on the way would leave the bounds; the fold is over. Pure but for
 * *fold. */
enum rw_ledger_step rw_ledger_fold_step(const struct rw_ledger *ledger, struct rw_ledger_fold *fold,
                                        uint32_t most);
/* rw_ledger_fold_keep stores what a fold that is DONE assumed of its changed fill. */
void rw_ledger_fold_keep(struct rw_ledger *ledger, const struct rw_ledger_fold *fold);
