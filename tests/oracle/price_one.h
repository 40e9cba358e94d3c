/* What the comparison with QuantLib needs of the kernels, in terms that C++ can include. */
#pragma once

struct option_case {
    int style; /* enum rw_option_style */
    int put, days;
    double spot, strike, rate, dividend, vol;
};
struct option_value {
    double price, delta, gamma, vega, theta, rho;
};

/* price_one uses the hot path's kernel, price_reference the slow checker. days/365 to expiry. */
struct option_value price_one(const struct option_case *option);
double price_reference(const struct option_case *option);
