#include <immintrin.h>
#include <stdint.h>

typedef __m256i ints;
#define INTS 4u
static inline ints ints_load(const int64_t *from) {
    return _mm256_loadu_si256((const __m256i *)from);
}
static inline void ints_store(int64_t *to, ints value) {
    _mm256_storeu_si256((__m256i *)to, value);
}
static inline ints ints_all(int64_t value) { return _mm256_set1_epi64x(value); }
static inline uint32_t bits_of(ints mask) {
    return (uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(mask));
}
static inline ints ints_min(ints a, ints b) {
    return _mm256_blendv_epi8(a, b, _mm256_cmpgt_epi64(a, b));
}
/* count + 1 in the lanes where a ≤ b */
static inline ints ints_tally(ints count, ints a, ints b) {
    return _mm256_add_epi64(count, _mm256_add_epi64(ints_all(1), _mm256_cmpgt_epi64(a, b)));
}
/* value where count ≥ wanted, else the padding */
static inline ints ints_reached(ints count, ints wanted, ints value) {
    return _mm256_blendv_epi8(value, ints_all(INT64_MAX), _mm256_cmpgt_epi64(wanted, count));
}
static inline uint32_t not_above(ints a, ints b) { return bits_of(_mm256_cmpgt_epi64(a, b)) ^ 15u; }

#define TAIL_NAME rw_tail_avx2
#include "risk/kernels/tail_lanes.h"
