/* One European option, scalar: for solvers of critical prices and implied vols, and for checks. The
 * formulas are those of option_table.h. */
#pragma once

#include "risk/kernels/normal.h"

struct rw_european {
    double sign;                                     /* +1 call, −1 put */
    double spot, strike, rate, dividend, vol, years; /* vol·√years > 0, spot and strike > 0 */
};

struct rw_european_values {
    double d1, price;
    double weight; /* e^(−qT)·N(s·d1): |delta| */
};

/* rw_european_value returns price and delta. */
static inline struct rw_european_values rw_european_value(const struct rw_european *o) {
    double deviation = o->vol * rw_root(o->years);
    double drift = (o->rate - o->dividend + 0.5 * o->vol * o->vol) * o->years;
    double d1 = (rw_log(o->spot / o->strike) + drift) / deviation;
    double weight = rw_exp(-o->dividend * o->years) * rw_normal_cdf(o->sign * d1);
    double owed =
        o->strike * rw_exp(-o->rate * o->years) * rw_normal_cdf(o->sign * (d1 - deviation));
    return (struct rw_european_values){d1, o->sign * (o->spot * weight - owed), weight};
}
