#include <immintrin.h>

#include "risk/kernels/pnl_vector.h"

#define UNIT (1.0 / RW_RETURN_SCALE)

void rw_pnl_move_avx2(int64_t *vector, const int32_t *returns, uint32_t padded, int64_t units,
                      int32_t price_old, int32_t price_new) {
    __m256d before = _mm256_set1_pd(price_old * UNIT), after = _mm256_set1_pd(price_new * UNIT);
    __m256i times = _mm256_set1_epi64x(units);
    for (uint32_t s = 0; s < padded; s += 4) {
        __m256d part = _mm256_cvtepi32_pd(_mm_load_si128((const __m128i *)(returns + s)));
        __m128i gone = _mm256_cvtpd_epi32(_mm256_mul_pd(before, part));
        __m128i come = _mm256_cvtpd_epi32(_mm256_mul_pd(after, part));
        /* each H fits 32 bits, their difference may not */
        __m256i moved = _mm256_sub_epi64(_mm256_mul_epi32(_mm256_cvtepi32_epi64(come), times),
                                         _mm256_mul_epi32(_mm256_cvtepi32_epi64(gone), times));
        __m256i *at = (__m256i *)(vector + s);
        _mm256_store_si256(at, _mm256_add_epi64(_mm256_load_si256(at), moved));
    }
}
