/* American options by the quadratic approximation of G. Barone-Adesi and R. E. Whaley, "Efficient
 * analytic approximation of American option values", Journal of Finance 42, 1987:
 *
 *   price(S) = European(S) + A·(S/Sc)^p       before the critical price Sc, |S − K| beyond
 *
 *   N = 2(r − q)/v²   M = 2r/v²   k = 1 − e^(−rT)   p = (1 − N ± √((N − 1)² + 4M/k))/2, + for calls
 *   Sc solves |Sc − K| = European(Sc) ± Sc/p·(1 − e^(−qT)·N(±d1(Sc)))   A = that last term
 *
 * For r → 0, M/k has the limit 2/(v²T). A call is never exercised early when q ≤ 0, a put when
 * r ≤ 0: these get no premium. Without deviation (no vol or no time) the choice left is now or at
 * expiry. risk/README.md has the error against american_reference.h. */
#pragma once

#include "risk/kernels/option_table.h"

struct rw_american_point {
    double power;
    double log_critical; /* ln Sc; far out when never exercised */
    double amount;       /* premium at Sc */
};

/* How the premium moves with a parameter: ∂premium = premium·(constant + slope·ln(S/Sc)). */
struct rw_american_move {
    double constant, slope;
};

struct rw_american {
    struct rw_american_point at;
    struct rw_american_move vol, years, rate; /* by central differences of the three above */
};

/* rw_american_point_of finds critical price, power and premium alone; rw_american_solve how they
 * move too. A Newton iteration kept inside a bracket, at most 128 steps. Terms have passed
 * rw_option_check. Always answer. */
struct rw_american_point rw_american_point_of(const struct rw_option_terms *terms);
void rw_american_solve(const struct rw_option_terms *terms, struct rw_american *american);
/* rw_american_never is the answer for an option that is not exercised early. */
void rw_american_never(const struct rw_option_terms *terms, struct rw_american *american);
