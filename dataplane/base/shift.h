/* Scenario shifts: what a scenario does to a price, as an integer that a P&L vector is moved by.
 *
 *   kind       written as             compiled to (int32)                 H[s] of price P
 *   relative   return, e.g. -0.0123   the return in 1e-9, ±100 %           round(P · r)
 *   log        log return             e^x − 1 in 1e-9, rounded, ±100 %     round(P · r)
 *   absolute   currency units         the shift in 1e-4                   the shift, whatever P is
 *
 * All three move a vector by one rule (risk/kernels/pnl_vector.h) when an absolute shift is given a
 * price of 10^9 instead of the instrument's: then round(P · r · 1e-9) is the shift itself. The
 * exponential is SLEEF's, the same on every host. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum rw_shift { RW_SHIFT_RELATIVE = 0, RW_SHIFT_LOG = 1, RW_SHIFT_ABSOLUTE = 2, RW_SHIFTS = 3 };

#define RW_SHIFT_UNIT 1000000000 /* 1.0 as written, in 1e-9 */

/* rw_shift_compile turns a shift as written, in 1e-9, into its integer; false when that would leave
 * ±100 % (relative, log) or ±214,748 (absolute). */
bool rw_shift_compile(enum rw_shift kind, int64_t written, int32_t *compiled);

/* rw_shift_price returns the price that a vector is moved by: `price` in 1e-4, or the constant that
 * makes an absolute shift stand for itself. */
static inline int32_t rw_shift_price(enum rw_shift kind, int32_t price) {
    return kind == RW_SHIFT_ABSOLUTE ? RW_SHIFT_UNIT : price;
}
