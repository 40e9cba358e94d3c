/* One position: (portfolio, instrument), average cost, in a form that no split of a fill can
 * change.
 *
 *            increase                      decrease                     through flat
 *   C, Q ── C + q·m·P, Q + q ──►  r shrinks, C and Q stay  ──►  r = 0 ──► C = q·m·P, Q = r = q
 *
 * C and Q are cost and quantity as of the last *increase*, r is what remains, and
 *
 *   cost       = round_he(C·r / Q)            what the open quantity cost
 *   realised   = cash + cost                  cash = received − paid − fees, since start of day
 *   unrealised = r·m·mark − cost
 *
 * A division is never fed back into the state while a position only shrinks. The naive form (round
 * the cost at each closing fill) gives other cents when a closing fill arrives in two parts.
 * Realised P&L starts at 0: opening positions enter with cash = −cost. Quantities are signed; money
 * is 1e-4. */
#pragma once

#include "risk/numerics.h"

struct rw_position {
    int64_t quantity;   /* r */
    int64_t cost;       /* round_he(C·r / Q); the sign of r */
    int64_t basis_cost; /* C */
    int64_t basis_quantity;
    int64_t cash;
};

struct rw_position_change {
    int64_t quantity;   /* signed: > 0 buys; never 0 */
    int64_t price;      /* 0..RW_PRICE_MAX */
    int64_t fee;        /* > 0 costs */
    int32_t multiplier; /* ≥ 1 */
};

/* rw_position_open returns the position that a start-of-day row describes. |quantity·multiplier| ≤
 * RW_UNITS_MAX and average_price in 0..RW_PRICE_MAX, asserted. */
struct rw_position rw_position_open(int64_t quantity, int64_t average_price, int32_t multiplier);

/* rw_position_apply applies one fill. False, and the position untouched, when the new quantity
 * times the multiplier exceeds RW_UNITS_MAX or cash leaves the range of money. Pure. */
bool rw_position_apply(struct rw_position *position, const struct rw_position_change *change);

/* rw_position_realised returns realised P&L net of fees since the start of day. */
static inline int64_t rw_position_realised(const struct rw_position *position) {
    return position->cash + position->cost;
}

/* rw_position_value returns r·m·mark; mark in 0..RW_PRICE_MAX. */
static inline int64_t rw_position_value(const struct rw_position *position, int32_t multiplier,
                                        int64_t mark) {
    return position->quantity * multiplier * mark;
}

/* rw_position_unrealised returns r·m·mark − cost. */
static inline int64_t rw_position_unrealised(const struct rw_position *position, int32_t multiplier,
                                             int64_t mark) {
    return rw_position_value(position, multiplier, mark) - position->cost;
}
