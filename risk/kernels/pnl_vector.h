/* P&L vectors: what each scenario would do to a portfolio, Σ units · H[s] over its holdings, kept
 * by moving it instead of adding it up again.
 *
 *   H[s] = round_half_even(P · r[s])        P price, r[s] the instrument's return in scenario s
 *   V[s] += units · (H_new[s] − H_old[s])   when the price moves
 *   V[s] += Δunits · H[s]                   when the position changes: from price 0, where H = 0
 *
 * H is made again from the old price rather than stored. The product P·r is a double, rounded once;
 * everything behind it is an integer, so a vector that was moved a million times equals the one
 * added up at the end, to the last unit. */
#pragma once

#include <stdint.h>

/* Returns are integers of 1e-9 in ±RW_RETURN_MAX (100 %), so that |H| < 2^31 for every price. */
#define RW_RETURN_SCALE 1000000000
#define RW_RETURN_MAX   RW_RETURN_SCALE

/* A kernel moves vector[0..padded) by units, |units| < 2^31, from price_old to price_new, each
 * 0..2^31 − 1 in 1e-4. returns[0..padded) is the instrument's; both arrays 64-byte aligned, padded
 * to whole RW_TAIL_LANES with returns of 0, which leave a padding alone. The caller has made sure
 * that no sum leaves 64 bits: Σ|units|·2^31 < 2^62. */
typedef void rw_pnl_move_fn(int64_t *vector, const int32_t *returns, uint32_t padded, int64_t units,
                            int32_t price_old, int32_t price_new);
rw_pnl_move_fn rw_pnl_move_scalar, rw_pnl_move_avx2, rw_pnl_move_avx512;

/* rw_pnl_move_best returns the fastest kernel that this host can run. */
rw_pnl_move_fn *rw_pnl_move_best(void);
