/* Four options at a time, AVX2. See price_lanes.h. */
#pragma once

#include <immintrin.h>
#include <sleef.h>
#include <stdbool.h>

#define LANES 4
typedef __m256d lanes;
typedef __m256d lane_mask;

static inline lanes lanes_all(double value) { return _mm256_set1_pd(value); }
static inline lanes lanes_load(const double *from) { return _mm256_loadu_pd(from); }
static inline void lanes_store(double *to, lanes value) { _mm256_storeu_pd(to, value); }
static inline lanes lanes_add(lanes a, lanes b) { return _mm256_add_pd(a, b); }
static inline lanes lanes_sub(lanes a, lanes b) { return _mm256_sub_pd(a, b); }
static inline lanes lanes_mul(lanes a, lanes b) { return _mm256_mul_pd(a, b); }
static inline lanes lanes_div(lanes a, lanes b) { return _mm256_div_pd(a, b); }
static inline lanes lanes_fma(lanes a, lanes b, lanes c) { return _mm256_fmadd_pd(a, b, c); }
static inline lanes lanes_abs(lanes a) { return _mm256_andnot_pd(_mm256_set1_pd(-0.0), a); }
static inline lanes lanes_max(lanes a, lanes b) { return _mm256_max_pd(a, b); }
static inline lane_mask lanes_above(lanes a, lanes b) { return _mm256_cmp_pd(a, b, _CMP_GT_OQ); }
static inline bool lanes_any(lane_mask mask) { return _mm256_movemask_pd(mask) != 0; }
static inline lanes lanes_pick(lane_mask mask, lanes yes, lanes no) {
    return _mm256_blendv_pd(no, yes, mask);
}
static inline lanes lanes_exp(lanes a) { return Sleef_finz_expd4_u10avx2(a); }
