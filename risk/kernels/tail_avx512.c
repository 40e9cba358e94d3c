#include <immintrin.h>
#include <stdint.h>

typedef __m512i ints;
#define INTS 8u
static inline ints ints_load(const int64_t *from) { return _mm512_loadu_si512(from); }
static inline void ints_store(int64_t *to, ints value) { _mm512_storeu_si512(to, value); }
static inline ints ints_all(int64_t value) { return _mm512_set1_epi64(value); }
static inline ints ints_min(ints a, ints b) { return _mm512_min_epi64(a, b); }
/* count + 1 in the lanes where a ≤ b */
static inline ints ints_tally(ints count, ints a, ints b) {
    return _mm512_mask_sub_epi64(count, _mm512_cmple_epi64_mask(a, b), count, ints_all(-1));
}
/* value where count ≥ wanted, else the padding */
static inline ints ints_reached(ints count, ints wanted, ints value) {
    return _mm512_mask_mov_epi64(ints_all(INT64_MAX), _mm512_cmpge_epi64_mask(count, wanted),
                                 value);
}
static inline uint32_t not_above(ints a, ints b) { return _mm512_cmple_epi64_mask(a, b); }

#define TAIL_NAME rw_tail_avx512
#include "risk/kernels/tail_lanes.h"
