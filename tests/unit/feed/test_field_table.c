/* The reading of tables, with tables made here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/feed/field_table.h"

static const struct rw_message_type types[] = {
    RW_TYPE('A', 12, "first", RW_UINT(small, 1, 3), RW_INT(change, 4, 4), RW_SKIP(gap, 8, 1),
            RW_TEXT(word, 9, 3)),
    RW_TYPE_OPEN('B', 3, "second", RW_UINT(tail_bytes, 1, 2)),
};
static const struct rw_message_table big = {types, 2, RW_ORDER_BIG, RW_CODE_LETTER};
static const struct rw_message_table little = {types, 2, RW_ORDER_LITTLE, RW_CODE_HEX};
static const struct rw_message_table numbered = {types, 2, RW_ORDER_BIG, RW_CODE_DECIMAL};
static const uint8_t message[] = {'A', 1, 2, 3, 0xff, 0xff, 0xff, 0xfe, 9, 'x', ' ', ' '};

static void a_length_is_exact_unless_a_tail_may_follow(void **state) {
    const struct rw_message_type *type = NULL;
    assert_int_equal(rw_message_find(&big, 'A', 11, &type), RW_MESSAGE_BAD_LENGTH);
    assert_int_equal(rw_message_find(&big, 'A', 13, &type), RW_MESSAGE_BAD_LENGTH);
    assert_int_equal(rw_message_find(&big, 'B', 2, &type), RW_MESSAGE_BAD_LENGTH);
    assert_null(type);
    assert_int_equal(rw_message_find(&big, 'A', 12, &type), RW_MESSAGE_OK);
    assert_ptr_equal(type, &types[0]);
    assert_int_equal(rw_message_find(&big, 'B', 3, &type), RW_MESSAGE_OK);
    assert_int_equal(rw_message_find(&big, 'B', 300, &type), RW_MESSAGE_OK);
    assert_ptr_equal(type, &types[1]);
}

static void a_code_outside_the_table_is_unknown_whatever_its_length(void **state) {
    const struct rw_message_type *type = NULL;
    for (uint32_t bytes = 0; bytes < 20; bytes++)
        assert_int_equal(rw_message_find(&big, 'C', bytes, &type), RW_MESSAGE_UNKNOWN_TYPE);
    assert_int_equal(rw_message_find(&big, 'A' + 256, 12, &type), RW_MESSAGE_UNKNOWN_TYPE);
    assert_null(type);
}

static void integers_follow_the_order_and_the_sign_of_the_table(void **state) {
    assert_int_equal(rw_field_uint(message, &types[0].field[0], RW_ORDER_BIG), 0x010203);
    assert_int_equal(rw_field_uint(message, &types[0].field[0], RW_ORDER_LITTLE), 0x030201);
    assert_int_equal(rw_field_int(message, &types[0].field[1], RW_ORDER_BIG), -2);
    assert_int_equal(rw_field_int(message, &types[0].field[1], RW_ORDER_LITTLE), -0x01000001);
    assert_int_equal(rw_field_int(message, &types[0].field[0], RW_ORDER_BIG), 0x010203);
}

static void the_extremes_of_eight_bytes_are_exact(void **state) {
    static const struct rw_field wide = RW_INT(wide, 0, 8);
    uint8_t lowest[8] = {0x80}, highest[8];
    char text[32] = "";
    memset(highest, 0xff, sizeof highest);
    *rw_json_int(text, rw_field_int(lowest, &wide, RW_ORDER_BIG)) = '\0';
    assert_string_equal(text, "-9223372036854775808");
    *rw_json_uint(text, rw_field_uint(highest, &wide, RW_ORDER_BIG)) = '\0';
    assert_string_equal(text, "18446744073709551615");
}

static void a_line_holds_all_fields_but_the_skipped(void **state) {
    char text[RW_MESSAGE_JSON_MAX];
    rw_message_json(text, 5, &big, &types[0], message);
    assert_string_equal(text, "{\"seq\": 5, \"type\": \"A\", \"small\": 66051, \"change\": -2, "
                              "\"word\": \"x\"}");
}

static void a_code_is_a_letter_a_byte_in_hex_or_a_number(void **state) {
    char text[RW_MESSAGE_JSON_MAX];
    rw_message_json(text, 0, &little, &types[1], (const uint8_t *)"B\1\0");
    assert_string_equal(text, "{\"seq\": 0, \"type\": \"0x42\", \"tail_bytes\": 1}");
    rw_message_json(text, 0, &numbered, &types[1], (const uint8_t *)"B\1\0");
    assert_string_equal(text, "{\"seq\": 0, \"type\": \"66\", \"tail_bytes\": 256}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_length_is_exact_unless_a_tail_may_follow),
        cmocka_unit_test(a_code_outside_the_table_is_unknown_whatever_its_length),
        cmocka_unit_test(integers_follow_the_order_and_the_sign_of_the_table),
        cmocka_unit_test(the_extremes_of_eight_bytes_are_exact),
        cmocka_unit_test(a_line_holds_all_fields_but_the_skipped),
        cmocka_unit_test(a_code_is_a_letter_a_byte_in_hex_or_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
