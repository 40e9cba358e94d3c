#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/io/digest.h"

static void crc32c_matches_the_published_values(void **state) {
    uint8_t bytes[32];
    assert_int_equal(rw_crc32c(0, "123456789", 9), 0xe3069283u);
    memset(bytes, 0, sizeof bytes); /* RFC 3720, B.4 */
    assert_int_equal(rw_crc32c(0, bytes, sizeof bytes), 0x8a9136aau);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(rw_crc32c(0, bytes, sizeof bytes), 0x62a8ab43u);
    for (uint32_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)i;
    assert_int_equal(rw_crc32c(0, bytes, sizeof bytes), 0x46dd794eu);
}

static void crc32c_goes_on_where_it_stopped(void **state) {
    const char *text = "a journal is read back in pieces of any length";
    size_t length = strlen(text);
    uint32_t whole = rw_crc32c(0, text, length);
    for (size_t cut = 0; cut <= length; cut++)
        assert_int_equal(rw_crc32c(rw_crc32c(0, text, cut), text + cut, length - cut), whole);
}

static void sha256_matches_the_published_value_also_in_pieces(void **state) {
    static const uint8_t expected[RW_SHA256_BYTES] = {
        0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
        0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
        0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    uint8_t digest[RW_SHA256_BYTES];
    rw_sha256("abc", 3, digest); /* FIPS 180-4, "abc" */
    assert_memory_equal(digest, expected, sizeof digest);
    struct rw_sha256_state hash, fork;
    rw_sha256_init(&hash);
    rw_sha256_add(&hash, "a", 1);
    fork = hash;
    rw_sha256_add(&hash, "xx", 2);
    rw_sha256_add(&fork, "bc", 2);
    rw_sha256_end(&fork, digest);
    assert_memory_equal(digest, expected, sizeof digest);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc32c_matches_the_published_values),
        cmocka_unit_test(crc32c_goes_on_where_it_stopped),
        cmocka_unit_test(sha256_matches_the_published_value_also_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
