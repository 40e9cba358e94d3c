/* OUCH 5.0 messages of both directions, made from the tables. */
#include "dataplane/base/bytes.h"
#include "dataplane/feed/ouch50.h"
#include "tests/unit/feed/table_fixture.h"

static const struct rw_message_table *const tables[] = {&rw_ouch50_in_table, &rw_ouch50_out_table};

static void the_tables_have_no_gaps(void **state) {
    for (uint32_t i = 0; i < 2; i++) {
        expect_table_without_gaps(tables[i], 1);
        expect_longest_json_fits(tables[i]);
    }
    assert_int_equal(rw_ouch50_in_table.type_count, 4);
    assert_int_equal(rw_ouch50_out_table.type_count, 15);
}

/* With every appendage from none to 40 bytes; one byte more or less in front of it is refused. */
static void every_type_is_found_with_exactly_its_appendage(void **state) {
    const struct rw_message_type *type = NULL;
    struct rw_rng rng;
    rw_rng_seed(&rng, 1);
    for (uint32_t i = 0; i < 2; i++)
        for (uint32_t k = 0; k < tables[i]->type_count; k++) {
            const struct rw_message_type *made = &tables[i]->type[k];
            uint32_t tail_max = made->tail == RW_TAIL_OPEN ? 40 : 0;
            for (uint16_t tail = 0; tail <= tail_max; tail++) {
                uint8_t message[MESSAGE_BYTES_MAX] = {(uint8_t)made->code};
                char line[RW_MESSAGE_JSON_MAX], letter[2] = {(char)made->code, 0};
                make_message(&rng, tables[i], made, 1, letter, message, line);
                if (tail_max) rw_store_be16(message + made->bytes - 2, tail);
                uint32_t bytes = (uint32_t)made->bytes + tail;
                assert_int_equal(rw_ouch50_find(tables[i], message, bytes, &type), RW_MESSAGE_OK);
                assert_ptr_equal(type, made);
                if (!tail_max) expect_line(tables[i], type, 1, message, line);
                assert_int_equal(rw_ouch50_find(tables[i], message, bytes - 1, &type),
                                 RW_MESSAGE_BAD_LENGTH);
                assert_int_equal(rw_ouch50_find(tables[i], message, bytes + 1, &type),
                                 RW_MESSAGE_BAD_LENGTH);
            }
        }
}

static void an_entered_order_reads_as_documented(void **state) {
    uint8_t message[47 + 4] = "O\0\0\0\x71T\0\0\0\xe1ZQ      \0\0\0\0\0\x09\x9d\xb8"
                              "0YANNMYORDER       \0\4\3\2AB";
    const struct rw_message_type *type = NULL;
    assert_int_equal(rw_ouch50_find(&rw_ouch50_in_table, message, sizeof message, &type),
                     RW_MESSAGE_OK);
    expect_line(&rw_ouch50_in_table, type, 0, message,
                "{\"seq\": 0, \"type\": \"O\", \"user_ref_num\": 113, \"side\": \"T\", "
                "\"quantity\": 225, \"symbol\": \"ZQ\", \"price\": 630200, "
                "\"time_in_force\": \"0\", \"display\": \"Y\", \"capacity\": \"A\", "
                "\"inter_market_sweep_eligibility\": \"N\", \"cross_type\": \"N\", "
                "\"clordid\": \"MYORDER\", \"appendage_length\": 4}");
}

static void a_letter_means_what_its_direction_says(void **state) {
    const struct rw_message_type *in, *out;
    uint8_t message[18] = {'M'};
    assert_int_equal(rw_ouch50_find(&rw_ouch50_in_table, message, 10, &in), RW_MESSAGE_OK);
    assert_string_equal(in->name, "modify_order");
    assert_int_equal(rw_ouch50_find(&rw_ouch50_out_table, message, 18, &out), RW_MESSAGE_OK);
    assert_string_equal(out->name, "order_modified");
    assert_int_equal(rw_ouch50_find(&rw_ouch50_out_table, message, 10, &out),
                     RW_MESSAGE_BAD_LENGTH);
    message[0] = 'A';
    assert_int_equal(rw_ouch50_find(&rw_ouch50_in_table, message, 18, &in),
                     RW_MESSAGE_UNKNOWN_TYPE);
    assert_int_equal(rw_ouch50_find(&rw_ouch50_in_table, message, 0, &in), RW_MESSAGE_BAD_LENGTH);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_letter_means_what_its_direction_says),
        cmocka_unit_test(the_tables_have_no_gaps),
        cmocka_unit_test(every_type_is_found_with_exactly_its_appendage),
        cmocka_unit_test(an_entered_order_reads_as_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
