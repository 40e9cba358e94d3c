/* Eight options at a time, AVX-512F. See price_lanes.h. */
#pragma once

#include <immintrin.h>
#include <sleef.h>
#include <stdbool.h>

#define LANES 8
typedef __m512d lanes;
typedef __mmask8 lane_mask;

static inline lanes lanes_all(double value) { return _mm512_set1_pd(value); }
static inline lanes lanes_load(const double *from) { return _mm512_loadu_pd(from); }
static inline void lanes_store(double *to, lanes value) { _mm512_storeu_pd(to, value); }
static inline lanes lanes_add(lanes a, lanes b) { return _mm512_add_pd(a, b); }
static inline lanes lanes_sub(lanes a, lanes b) { return _mm512_sub_pd(a, b); }
static inline lanes lanes_mul(lanes a, lanes b) { return _mm512_mul_pd(a, b); }
static inline lanes lanes_div(lanes a, lanes b) { return _mm512_div_pd(a, b); }
static inline lanes lanes_fma(lanes a, lanes b, lanes c) { return _mm512_fmadd_pd(a, b, c); }
static inline lanes lanes_abs(lanes a) { return _mm512_abs_pd(a); }
static inline lanes lanes_max(lanes a, lanes b) { return _mm512_max_pd(a, b); }
static inline lane_mask lanes_above(lanes a, lanes b) {
    return _mm512_cmp_pd_mask(a, b, _CMP_GT_OQ);
}
static inline bool lanes_any(lane_mask mask) { return mask != 0; }
static inline lanes lanes_pick(lane_mask mask, lanes yes, lanes no) {
    return _mm512_mask_blend_pd(mask, no, yes);
}
static inline lanes lanes_exp(lanes a) { return Sleef_finz_expd8_u10avx512f(a); }
