#include <immintrin.h>

#include "risk/kernels/pnl_vector.h"

#define UNIT (1.0 / RW_RETURN_SCALE)

static int64_t shift_of(double price, int32_t part) {
    return _mm_cvtsd_si32(_mm_set_sd(price * part)); /* rounds half to even */
}

void rw_pnl_move_scalar(int64_t *vector, const int32_t *returns, uint32_t padded, int64_t units,
                        int32_t price_old, int32_t price_new) {
    double before = price_old * UNIT, after = price_new * UNIT;
    for (uint32_t s = 0; s < padded; s++)
        vector[s] += units * (shift_of(after, returns[s]) - shift_of(before, returns[s]));
}
