/* Average cost with C, Q as of the last increase; see the header for the picture. */
#include "risk/position_core.h"

#include "dataplane/base/assert.h"

struct rw_position rw_position_open(int64_t quantity, int64_t average_price, int32_t multiplier) {
    RW_ASSERT(quantity >= -RW_UNITS_MAX && quantity <= RW_UNITS_MAX && multiplier >= 1);
    RW_ASSERT(rw_magnitude(quantity) <= RW_UNITS_MAX / multiplier);
    RW_ASSERT(average_price >= 0 && average_price <= RW_PRICE_MAX);
    int64_t cost = quantity * multiplier * average_price;
    return (struct rw_position){.quantity = quantity,
                                .cost = cost,
                                .basis_cost = cost,
                                .basis_quantity = quantity,
                                .cash = -cost};
}

/* The part of the change that grows the position: C and Q move to the present, then take it in. */
static void increase(struct rw_position *position, int64_t quantity, int64_t unit_cost) {
    position->basis_cost = position->cost + quantity * unit_cost;
    position->basis_quantity = position->quantity + quantity;
    position->quantity = position->basis_quantity;
    position->cost = position->basis_cost;
}

/* The part that shrinks it, at most to flat: C and Q stay. */
static void decrease(struct rw_position *position, int64_t quantity) {
    position->quantity += quantity;
    if (position->quantity == 0) {
        position->cost = position->basis_cost = position->basis_quantity = 0;
        return;
    }
    __int128 numerator = (__int128)position->basis_cost * position->quantity;
    /* C·r/Q with Q < 0 is (−C·r)/(−Q): half-even rounding is symmetric */
    position->cost = position->basis_quantity > 0
                         ? rw_fixed_div_he(numerator, position->basis_quantity)
                         : rw_fixed_div_he(-numerator, -(__int128)position->basis_quantity);
}

bool rw_position_apply(struct rw_position *position, const struct rw_position_change *change) {
    RW_ASSERT(change->quantity != 0 && change->multiplier >= 1);
    RW_ASSERT(change->price >= 0 && change->price <= RW_PRICE_MAX);
    __int128 quantity = (__int128)position->quantity + change->quantity;
    __int128 units = (quantity < 0 ? -quantity : quantity) * change->multiplier;
    if (units > RW_UNITS_MAX) return false;
    int64_t unit_cost = change->multiplier * change->price;
    __int128 cash = position->cash - (__int128)change->quantity * unit_cost - change->fee;
    if (!rw_money_fits(cash)) return false;

    int64_t before = position->quantity, after = (int64_t)quantity;
    bool grows = before == 0 || (before > 0) == (change->quantity > 0);
    bool through_flat = !grows && after != 0 && (after > 0) != (before > 0);
    if (grows) {
        increase(position, change->quantity, unit_cost);
    } else if (through_flat) {
        decrease(position, -before);
        increase(position, after, unit_cost);
    } else {
        decrease(position, change->quantity);
    }
    position->cash = (int64_t)cash;
    return true;
}
