/* Fixed point: half-even rounding against a slow definition, and unaligned bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/base/bytes.h"
#include "dataplane/base/fixed.h"

/* Nearest of floor and floor + 1; on a tie the even one. */
static int64_t slow_div(int64_t a, int64_t b) {
    int64_t low = a / b - (a % b < 0), rest = a - low * b;
    if (2 * rest < b) return low;
    if (2 * rest > b) return low + 1;
    return low % 2 ? low + 1 : low;
}

static void division_rounds_half_to_even(void **state) {
    for (int64_t b = 1; b <= 12; b++)
        for (int64_t a = -60; a <= 60; a++) assert_int_equal(rw_fixed_div_he(a, b), slow_div(a, b));
}

static void mul_div_is_exact_where_the_product_needs_128_bits(void **state) {
    assert_true(rw_fixed_mul_div_he(INT64_MAX, INT64_MAX, INT64_MAX) == INT64_MAX);
    assert_true(rw_fixed_mul_div_he(INT64_MIN, INT64_MAX, INT64_MAX) == INT64_MIN);
    assert_int_equal(rw_fixed_mul_div_he(3, 5, 2), 8);   /* 7.5 */
    assert_int_equal(rw_fixed_mul_div_he(-3, 5, 2), -8); /* −7.5 */
    assert_int_equal(rw_fixed_mul_div_he(5, 1, 2), 2);   /* 2.5 */
}

/* a / b = (a·2^62) / (b·2^62): the second needs 128 bits. */
static void both_widths_of_division_agree(void **state) {
    static const int64_t edges[] = {INT64_MIN, INT64_MIN + 1, -7,       -1, 0, 1,
                                    6,         INT64_MAX - 1, INT64_MAX};
    const __int128 scale = (__int128)1 << 62; /* beyond 64 bits, so the wide path is taken */
    const int count = sizeof edges / sizeof edges[0];
    for (int i = 0; i < count; i++)
        for (int64_t b = 1; b > 0; b = b < 9 ? b + 1 : b > INT64_MAX / 3 ? -1 : 3 * b) {
            for (int64_t a = edges[i] > INT64_MAX - 40 ? edges[i] - 40 : edges[i], end = a + 40;
                 a < end; a++)
                assert_true(rw_fixed_div_he(a, b) == rw_fixed_div_he(a * scale, b * scale));
        }
}

static void an_overflowing_product_is_refused_and_leaves_the_result(void **state) {
    int64_t product = 7;
    assert_false(rw_fixed_mul(INT64_MAX, 2, &product));
    assert_int_equal(product, 7);
    assert_true(rw_fixed_mul(-4, 5, &product));
    assert_int_equal(product, -20);
}

static void bytes_come_back_in_both_orders_at_any_alignment(void **state) {
    uint8_t block[32];
    for (int at = 0; at < 8; at++) {
        rw_store_be48(block + at, 0x010203040506ull);
        assert_int_equal(block[at], 1);
        assert_int_equal(block[at + 5], 6);
        assert_true(rw_load_be48(block + at) == 0x010203040506ull);
        rw_store_le64(block + at, 0x0102030405060708ull);
        assert_int_equal(block[at], 8);
        assert_true(rw_load_be64(block + at) == 0x0807060504030201ull);
        assert_int_equal(rw_load_be16(block + at), 0x0807);
        assert_int_equal(rw_load_le32(block + at), 0x05060708);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(division_rounds_half_to_even),
        cmocka_unit_test(both_widths_of_division_agree),
        cmocka_unit_test(mul_div_is_exact_where_the_product_needs_128_bits),
        cmocka_unit_test(an_overflowing_product_is_refused_and_leaves_the_result),
        cmocka_unit_test(bytes_come_back_in_both_orders_at_any_alignment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
