#include "dataplane/base/shift.h"

#include <immintrin.h>
#include <sleef.h>

#include "dataplane/base/fixed.h"

#define PRICE_UNIT 100000 /* 1e-9 in one 1e-4 */

bool rw_shift_compile(enum rw_shift kind, int64_t written, int32_t *compiled) {
    int64_t value = written;
    if (written < -(int64_t)RW_SHIFT_UNIT * 1000000 || written > (int64_t)RW_SHIFT_UNIT * 1000000)
        return false;
    if (kind == RW_SHIFT_ABSOLUTE) {
        value = rw_fixed_div_he(written, PRICE_UNIT);
        if (value < -INT32_MAX || value > INT32_MAX) return false;
        *compiled = (int32_t)value;
        return true;
    }
    if (kind == RW_SHIFT_LOG) {
        if (written > RW_SHIFT_UNIT) return false; /* e − 1 is beyond 100 % already */
        double moved = Sleef_finz_expm1d1_u10purecfma((double)written / RW_SHIFT_UNIT);
        value = _mm_cvtsd_si64(_mm_set_sd(moved * RW_SHIFT_UNIT)); /* half to even */
    }
    if (value < -RW_SHIFT_UNIT || value > RW_SHIFT_UNIT) return false;
    *compiled = (int32_t)value;
    return true;
}
