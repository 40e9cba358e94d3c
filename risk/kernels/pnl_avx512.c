#include <immintrin.h>

#include "risk/kernels/pnl_vector.h"

#define UNIT (1.0 / RW_RETURN_SCALE)

void rw_pnl_move_avx512(int64_t *vector, const int32_t *returns, uint32_t padded, int64_t units,
                        int32_t price_old, int32_t price_new) {
    __m512d before = _mm512_set1_pd(price_old * UNIT), after = _mm512_set1_pd(price_new * UNIT);
    __m512i times = _mm512_set1_epi64(units);
    for (uint32_t s = 0; s < padded; s += 8) {
        __m512d part = _mm512_cvtepi32_pd(_mm256_load_si256((const __m256i *)(returns + s)));
        __m256i gone = _mm512_cvtpd_epi32(_mm512_mul_pd(before, part));
        __m256i come = _mm512_cvtpd_epi32(_mm512_mul_pd(after, part));
        /* each H fits 32 bits, their difference may not */
        __m512i moved = _mm512_sub_epi64(_mm512_mul_epi32(_mm512_cvtepi32_epi64(come), times),
                                         _mm512_mul_epi32(_mm512_cvtepi32_epi64(gone), times));
        __m512i *at = (__m512i *)(vector + s);
        _mm512_store_si512(at, _mm512_add_epi64(_mm512_load_si512(at), moved));
    }
}
