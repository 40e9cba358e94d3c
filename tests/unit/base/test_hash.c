/* XXH3-128 with its published values, and the chain as defined. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/base/bytes.h"
#include "dataplane/base/hash.h"
#include "tests/unit/base/dies.h"

static void the_empty_hash_is_the_published_one(void **state) {
    char text[33];
    rw_hash_text(rw_hash_bytes("", 0), text);
    assert_string_equal(text, "99aa06d3014798d86001c324468d497f");
}

static void a_chain_link_hashes_the_former_value_then_the_bytes(void **state) {
    struct rw_hash h = {.low = 0x1122334455667788ull, .high = 0x99AABBCCDDEEFF00ull};
    uint8_t whole[16 + 1024];
    rw_store_le64(whole, h.low);
    rw_store_le64(whole + 8, h.high);
    for (size_t i = 0; i < 1024; i++) whole[16 + i] = (uint8_t)(i * 7);
    for (size_t count = 0; count <= 1024; count += 64)
        assert_true(
            rw_hash_equal(rw_hash_chain(h, whole + 16, count), rw_hash_bytes(whole, 16 + count)));
}

static void the_end_of_an_input_depends_on_its_number_and_count(void **state) {
    struct rw_hash h = rw_hash_bytes("x", 1);
    uint8_t end[16];
    rw_store_le64(end, 41);
    rw_store_le64(end + 8, 2);
    assert_true(rw_hash_equal(rw_hash_chain_end(h, 41, 2), rw_hash_chain(h, end, 16)));
    assert_false(rw_hash_equal(rw_hash_chain_end(h, 41, 2), rw_hash_chain_end(h, 41, 3)));
    assert_false(rw_hash_equal(rw_hash_chain_end(h, 41, 2), rw_hash_chain_end(h, 42, 2)));
}

static void chain_1025(void *bytes) { rw_hash_chain((struct rw_hash){0}, bytes, 1025); }

static void a_chain_link_of_more_than_1024_bytes_is_a_bug(void **state) {
    static uint8_t bytes[1025];
    assert_true(dies(chain_1025, bytes));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_empty_hash_is_the_published_one),
        cmocka_unit_test(a_chain_link_hashes_the_former_value_then_the_bytes),
        cmocka_unit_test(the_end_of_an_input_depends_on_its_number_and_count),
        cmocka_unit_test(a_chain_link_of_more_than_1024_bytes_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
