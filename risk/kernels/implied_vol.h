/* The vol at which an option has a price.
 *
 * The price is reduced to an out-of-the-money Black price on a forward of one (x = |ln F/K|, price
 * over √(F·K)), and solved in the deviation v√T. Two regions, as P. Jäckel divides them ("Let's be
 * rational", 2015): below the point of inflection the equation is solved in −1/ln(price), above it
 * in ln(room left to the greatest price), where it is nearly a straight line. Halley's method kept
 * inside a bracket; a dozen steps at most in the far corners, three as a rule.
 *
 * This is the cold way, scalar. Warm, three Halley steps from the vol that an option table holds,
 * is a kernel beside the prices: option_kernel.h. */
#pragma once

#include "risk/kernels/option_table.h"

enum rw_implied_reason {
    RW_IMPLIED_FINE = 0,
    RW_IMPLIED_BAD_TERMS, /* rw_option_check says why */
    RW_IMPLIED_BAD_PRICE, /* not a number, or negative */
    RW_IMPLIED_TOO_LOW,   /* below the forward's intrinsic value */
    RW_IMPLIED_TOO_HIGH,  /* not below the value of the spot (call) or the strike (put) */
    RW_IMPLIED_NO_TIME,   /* expiring now, or nothing to price: any vol, or none, fits */
    RW_IMPLIED_REASONS,
};
const char *rw_implied_reason_text(enum rw_implied_reason reason);

/* rw_implied_vol stores the vol at which `terms` (its vol is ignored; European, Black-76 exactly,
 * American by the approximation of american.h, to 1e-12 of the spot) cost `price` at `spot`. */
enum rw_implied_reason rw_implied_vol(const struct rw_option_terms *terms, double spot,
                                      double price, double *vol);
