/* Checked fixed point: multiplication, division with half-even rounding, overflow as a value. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* rw_fixed_div_he returns a / b rounded to nearest, ties to even. b > 0. Operands that fit in 64
 * bits, the usual case, take the processor's division; 128 bits cost several times as much. */
static inline int64_t rw_fixed_div_he(__int128 a, __int128 b) {
    if (__builtin_expect(a == (int64_t)a && b == (int64_t)b, 1)) {
        int64_t low = (int64_t)b, whole = (int64_t)a / low, left = (int64_t)a % low;
        int64_t below = left < 0 ? -left : left, above = low - below;
        if (below > above || (below == above && (whole & 1))) whole += a < 0 ? -1 : 1;
        return whole;
    }
    __int128 quotient = a / b, rest = a % b;
    __int128 twice = rest < 0 ? -2 * rest : 2 * rest;
    if (twice > b || (twice == b && (quotient & 1))) quotient += a < 0 ? -1 : 1;
    return (int64_t)quotient;
}
/* rw_fixed_mul_div_he returns round_he(a·b / c) exactly. c > 0; the result must fit. */
static inline int64_t rw_fixed_mul_div_he(int64_t a, int64_t b, int64_t c) {
    return rw_fixed_div_he((__int128)a * b, c);
}
/* rw_fixed_mul stores a·b; false on overflow, *product is then untouched. */
static inline bool rw_fixed_mul(int64_t a, int64_t b, int64_t *product) {
    int64_t value;
    if (__builtin_mul_overflow(a, b, &value)) return false;
    *product = value;
    return true;
}
