/* Elementary functions with the same bits on every host: SLEEF's deterministic `finz` family, whose
 * scalar, AVX2 and AVX-512 members agree bit by bit, also between compilers. libm is never called
 * here: its results depend on which instructions the host has. Square root, fma and the four
 * operations are exact by IEEE 754. */
#pragma once

#include <immintrin.h>
#include <sleef.h>

/* rw_exp, rw_log: within 1 ulp; rw_log of 0 is −∞. */
static inline double rw_exp(double x) { return Sleef_finz_expd1_u10purecfma(x); }
static inline double rw_log(double x) { return Sleef_finz_logd1_u10purecfma(x); }
/* rw_expm1 returns e^x − 1 without loss near 0; within 1 ulp. */
static inline double rw_expm1(double x) { return Sleef_finz_expm1d1_u10purecfma(x); }
/* rw_root is the square root, correctly rounded: the instruction, since sqrt may be a call. */
static inline double rw_root(double x) {
    __m128d value = _mm_set_sd(x);
    return _mm_cvtsd_f64(_mm_sqrt_sd(value, value));
}
