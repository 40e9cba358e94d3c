/* The table of ITCH 5.0, its accessors and setters, the length check and the JSON lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/base/rng.h"
#include "dataplane/feed/itch50.h"
#include "dataplane/feed/itch50_write.h"

static void no_length_but_the_right_one_passes(void **state) {
    uint8_t message[RW_ITCH50_BYTES_MAX + 2] = {0};
    assert_int_equal(rw_itch50_check(message, 0), RW_ITCH50_BAD_LENGTH);
    for (uint32_t i = 0; i < RW_ITCH50_TYPE_COUNT; i++) {
        message[0] = (uint8_t)rw_itch50_types[i].code;
        for (uint32_t bytes = 0; bytes < sizeof message; bytes++)
            assert_int_equal(rw_itch50_check(message, bytes), bytes == rw_itch50_types[i].bytes
                                                                  ? RW_ITCH50_OK
                                                                  : RW_ITCH50_BAD_LENGTH);
    }
}

static void letters_outside_the_table_are_unknown(void **state) {
    uint32_t known = 0;
    for (uint32_t letter = 0; letter < 256; letter++) {
        uint8_t message[RW_ITCH50_BYTES_MAX] = {(uint8_t)letter};
        if (rw_itch50_type((uint8_t)letter)) {
            known++;
        } else {
            assert_int_equal(rw_itch50_check(message, 36), RW_ITCH50_UNKNOWN_TYPE);
        }
    }
    assert_int_equal(known, RW_ITCH50_TYPE_COUNT);
}

static void the_fields_of_a_type_lie_end_to_end(void **state) {
    for (uint32_t i = 0; i < RW_ITCH50_TYPE_COUNT; i++) {
        const struct rw_message_type *type = &rw_itch50_types[i];
        uint32_t at = 1;
        assert_ptr_equal(rw_itch50_type((uint8_t)type->code), type);
        for (uint32_t k = 0; k < type->field_count; at += type->field[k++].size)
            assert_int_equal(type->field[k].offset, at);
        assert_int_equal(at, type->bytes);
        assert_in_range(type->bytes, RW_ITCH50_BYTES_MIN, RW_ITCH50_BYTES_MAX);
    }
}

/* Each accessor against the table's generic reader, each setter against its accessor. */
#define EXPECT_UINT(stem, name, offset, size)                                              \
    assert_int_equal(                                                                      \
        rw_itch50_##stem##_##name(message),                                                \
        rw_field_uint(message, &(struct rw_field){#name, offset, size, 0}, RW_ORDER_BIG)); \
    rw_itch50_put_##stem##_##name(copy, rw_itch50_##stem##_##name(message));
#define EXPECT_TEXT(stem, name, offset, size)                                 \
    assert_ptr_equal(rw_itch50_##stem##_##name(message), message + (offset)); \
    rw_itch50_put_##stem##_##name(copy, rw_itch50_##stem##_##name(message));
#define EXPECT_FIELD(stem, name, offset, size, kind) EXPECT_##kind(stem, name, offset, size)
#define EXPECT_TYPE(letter, stem, name, bytes, FIELDS)                \
    static void expect_##stem(const uint8_t *message) {               \
        uint8_t copy[RW_ITCH50_BYTES_MAX];                            \
        assert_int_equal(rw_itch50_begin(copy, letter, 0, 0), bytes); \
        FIELDS(EXPECT_FIELD, stem)                                    \
        assert_memory_equal(copy + 1, message + 1, (bytes)-1);        \
    }
RW_ITCH50_TYPES(EXPECT_TYPE)

static void accessors_and_setters_agree_with_the_table(void **state) {
    struct rw_rng rng;
    rw_rng_seed(&rng, 1);
    for (int repeat = 0; repeat < 100; repeat++) {
        uint8_t message[RW_ITCH50_BYTES_MAX];
        for (uint32_t i = 0; i < sizeof message; i++) message[i] = (uint8_t)rw_rng_next(&rng);
#define EXPECT_ONE(letter, stem, name, bytes, FIELDS) expect_##stem(message);
        RW_ITCH50_TYPES(EXPECT_ONE)
    }
}

static void json_keeps_integers_exact_and_trims_text(void **state) {
    char text[RW_ITCH50_JSON_MAX];
    uint8_t message[RW_ITCH50_BYTES_MAX];
    rw_itch50_begin(message, 'P', 65535, 86399999999999ull);
    rw_itch50_put_trade_order_reference_number(message, UINT64_MAX);
    rw_itch50_put_trade_buy_sell_indicator(message, "B");
    rw_itch50_put_trade_shares(message, UINT32_MAX);
    rw_itch50_put_trade_stock(message, "BRK A   ");
    uint32_t length = rw_itch50_json(text, 7, message);
    assert_string_equal(
        text, "{\"seq\": 7, \"type\": \"P\", \"stock_locate\": 65535, \"tracking_number\": 0, "
              "\"timestamp\": 86399999999999, \"order_reference_number\": 18446744073709551615, "
              "\"buy_sell_indicator\": \"B\", \"shares\": 4294967295, \"stock\": \"BRK A\", "
              "\"price\": 0, \"match_number\": 0}");
    assert_int_equal(length, strlen(text));
}

static void json_escapes_what_is_not_plain_ascii(void **state) {
    char text[RW_ITCH50_JSON_MAX];
    uint8_t message[RW_ITCH50_BYTES_MAX];
    rw_itch50_begin(message, 'N', 1, 0);
    rw_itch50_put_retail_stock(message, "a\"\\\n\xe9\x7f\0 ");
    rw_itch50_put_retail_interest_flag(message, " ");
    rw_itch50_json(text, 0, message);
    assert_non_null(
        strstr(text, "\"stock\": \"a\\\"\\\\\\n\\u00e9\\u007f\\u0000\", \"interest_flag\": \"\"}"));
}

static void the_longest_json_fits(void **state) {
    char text[RW_ITCH50_JSON_MAX + 64];
    for (uint32_t i = 0; i < RW_ITCH50_TYPE_COUNT; i++) {
        uint8_t message[RW_ITCH50_BYTES_MAX];
        memset(message, 0xff, sizeof message);
        message[0] = (uint8_t)rw_itch50_types[i].code;
        assert_true(rw_itch50_json(text, UINT64_MAX, message) < RW_ITCH50_JSON_MAX);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_length_but_the_right_one_passes),
        cmocka_unit_test(letters_outside_the_table_are_unknown),
        cmocka_unit_test(the_fields_of_a_type_lie_end_to_end),
        cmocka_unit_test(accessors_and_setters_agree_with_the_table),
        cmocka_unit_test(json_keeps_integers_exact_and_trims_text),
        cmocka_unit_test(json_escapes_what_is_not_plain_ascii),
        cmocka_unit_test(the_longest_json_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
