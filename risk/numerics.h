/* The arithmetic every file of risk/ stands on: 64-bit integers, 128-bit where a product or a sum
 * needs it, division only with half-even rounding, no floating point, no libm.
 *
 * Bounds are checked when a position changes, so that a tick, which has no time to check, cannot
 * overflow:
 *
 *   price ≤ 2^31 − 1     Σ |q·m| of a portfolio ≤ 2^31 − 1     ⇒ gross, |net|, |unrealised| < 2^62
 *   |cash| and |realised| of a portfolio < 2^62                ⇒ their sums fit in 64 bits */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/base/fixed.h"

/* The appliance is built for x86-64-v3 at both sites. A library that appends an older -march to the
 * compile line would make kernels of this folder differ between sites: refuse to compile. */
#ifndef __FMA__
#error "risk/ must be compiled with -march=x86-64-v3 or later"
#endif

/* Version of the calculation, in every record. Change it with any change of a published number. */
#define RW_RISK_METHOD 1u

#define RW_PRICE_MAX ((int64_t)INT32_MAX) /* 1e-4: 214,748.3647 */
#define RW_UNITS_MAX ((int64_t)INT32_MAX) /* Σ |quantity · multiplier| of one portfolio */
#define RW_MONEY_MAX ((int64_t)1 << 62)   /* money 1e-4, exclusive */

/* rw_money_fits tells whether an exact sum is a legal amount of money. */
static inline bool rw_money_fits(__int128 money) {
    return money > -(__int128)RW_MONEY_MAX && money < RW_MONEY_MAX;
}

/* rw_magnitude returns |value|; value > INT64_MIN. */
static inline int64_t rw_magnitude(int64_t value) { return value < 0 ? -value : value; }
