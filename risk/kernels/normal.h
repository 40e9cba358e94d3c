/* The normal distribution's upper tail by a rational function, written once for the scalar helpers
 * here and for price_lanes.h.
 *
 *   tail(x) = exp(−x²/2) · P(x)/Q(x)             0 ≤ x ≤ 5·√2
 *           = exp(−x²/2) / √2π / continued fraction      above
 *
 * Source: J. F. Hart et al., Computer Approximations, 1968, algorithm 5666, as given by G. West,
 * "Better approximations to cumulative normal functions", Wilmott, 2005. Relative error below
 * 1e-14 up to the switch: the exponential is a factor, so far tails keep their digits. */
#pragma once

#include "risk/kernels/maths.h"

#define RW_NORMAL_SWITCH      7.07106781186547
#define RW_INVERSE_ROOT_TWOPI 0.39894228040143267794

#define RW_NORMAL_P                                                               \
    {                                                                             \
        0.0352624965998911, 0.700383064443688, 6.37396220353165, 33.912866078383, \
            112.079291497871, 221.213596169931, 220.206867912376                  \
    }
#define RW_NORMAL_Q                                                                                \
    {                                                                                              \
        0.0883883476483184, 1.75566716318264, 16.064177579207, 86.7807322029461, 296.564248779674, \
            637.333633378831, 793.826512519948, 440.413735824752                                   \
    }

/* rw_normal_tail returns N(−x) for x ≥ 0, given e = exp(−x²/2). */
static inline double rw_normal_tail(double x, double e) {
    static const double p[] = RW_NORMAL_P, q[] = RW_NORMAL_Q;
    if (x > RW_NORMAL_SWITCH) {
        double fraction = x + 0.65;
        for (int k = 4; k >= 1; k--) fraction = x + k / fraction;
        return e * RW_INVERSE_ROOT_TWOPI / fraction;
    }
    double above = p[0], below = q[0];
    for (int k = 1; k < 7; k++) above = __builtin_fma(above, x, p[k]);
    for (int k = 1; k < 8; k++) below = __builtin_fma(below, x, q[k]);
    return e * above / below;
}

/* rw_normal_cdf returns N(x); rw_normal_density returns exp(−x²/2)/√2π. Any finite x. */
static inline double rw_normal_cdf(double x) {
    double tail = rw_normal_tail(__builtin_fabs(x), rw_exp(-0.5 * x * x));
    return x > 0 ? 1.0 - tail : tail;
}
static inline double rw_normal_density(double x) {
    return RW_INVERSE_ROOT_TWOPI * rw_exp(-0.5 * x * x);
}
