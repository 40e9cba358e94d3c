/* American options to ten digits, slowly: the checker of the approximation that the hot path uses.
 *
 * L. Andersen, M. Lake and D. Offengenden, "High performance American option pricing", 2016: the
 * exercise boundary B(τ) of a put solves a fixed-point equation
 *
 *   B(τ) = K·e^(−(r−q)τ) · N(τ, B)/D(τ, B)
 *
 * whose N and D are integrals over the boundary up to τ. (ln B/B(0+))² as a function of √τ is
 * smooth and is interpolated at Chebyshev points; the integrals are Gauss–Legendre sums in
 * √(τ − u). The price is the European one plus one more integral. A call is the put with spot and
 * strike, and rate and dividend, exchanged. Scalar, deterministic, no allocation; about 2 ms. */
#pragma once

#include "risk/kernels/option_table.h"

/* What the checker gives; units as in option_table.h. */
struct rw_american_values {
    double price, delta, gamma, vega, theta, rho;
};

/* rw_american_reference prices at `spot` 0..1e15. Terms have passed rw_option_check; their style is
 * taken for American. Where two exercise boundaries would exist (a put with q < r < 0, a call with
 * r < q < 0) the answer is the larger of European and intrinsic, a lower bound. Greeks by central
 * differences of the price, good to about six digits away from the boundary. */
double rw_american_reference(const struct rw_option_terms *terms, double spot);
void rw_american_reference_values(const struct rw_option_terms *terms, double spot,
                                  struct rw_american_values *values);
