/* PITCH units made here, with messages made from the table. */
#include "dataplane/feed/pitch.h"
#include "tests/unit/feed/table_fixture.h"

static void put_header(struct bench *bench, uint8_t unit, uint32_t sequence) {
    memset(bench, 0, sizeof *bench);
    bench->bytes[3] = unit;
    rw_store_le32(bench->bytes + 4, sequence);
    bench->used = RW_PITCH_HEADER_BYTES;
    rw_store_le16(bench->bytes, (uint16_t)bench->used);
}

static void put_message(struct bench *bench, uint8_t type, const uint8_t *body, uint16_t bytes) {
    bench->bytes[bench->used] = (uint8_t)(bytes + 2);
    bench->bytes[bench->used + 1] = type;
    memcpy(bench->bytes + bench->used + 2, body, bytes);
    bench->used += 2u + bytes;
    rw_store_le16(bench->bytes, (uint16_t)bench->used);
    bench->bytes[2]++;
}

static void the_table_has_no_gaps(void **state) {
    expect_table_without_gaps(&rw_pitch_table, 0);
    expect_longest_json_fits(&rw_pitch_table);
    assert_int_equal(rw_pitch_table.type_count, 21);
}

static void begin(struct bench *bench, uint64_t sequence) {
    put_header(bench, 7, (uint32_t)sequence);
}

static const struct packet_maker maker = {.table = &rw_pitch_table,
                                          .begin = begin,
                                          .put = put_message,
                                          .decode = rw_pitch_decode,
                                          .find = rw_pitch_find,
                                          .label = "0x%02X",
                                          .body = RW_PITCH_BODY,
                                          .session = 7};

static void every_type_comes_back_from_a_packet(void **state) {
    expect_every_type_in_a_packet(&maker, 1000);
}

static void a_short_add_reads_as_documented(void **state) {
    static const uint8_t message[] = {0x22, 0x48, 0xbe, 0x9a, 0x3b, 0xf0, 0x77, 0x4f, 0x6a,
                                      0x26, 0x19, 0x72, 0x1f, 'B',  0x90, 0x01, 'Z',  'Q',
                                      ' ',  ' ',  ' ',  ' ',  0x12, 0x08, 0x01};
    const struct rw_message_type *type = NULL;
    assert_int_equal(rw_pitch_find(message, sizeof message, &type), RW_MESSAGE_OK);
    expect_line(&rw_pitch_table, type, 0, message + RW_PITCH_BODY,
                "{\"seq\": 0, \"type\": \"0x22\", \"timestamp\": 999997000, "
                "\"order_id\": 2265901215303825392, \"side_indicator\": \"B\", "
                "\"quantity_binary_2\": 400, \"symbol_printable_ascii_6\": \"ZQ\", "
                "\"price_binary_short_price_2\": 2066, \"add_flags\": 1}");
}

static void messages_outside_the_sequence_have_none(void **state) {
    struct bench bench;
    struct rw_packet packet = {0};
    struct rw_block block = {0};
    put_header(&bench, 1, 0);
    for (uint32_t i = 0; i < 3; i++) put_message(&bench, 0x20, (const uint8_t *)"1234", 4);
    assert_true(rw_pitch_decode(bench.bytes, bench.used, &packet));
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(rw_blocks_next(&packet.blocks, &block));
        assert_int_equal(block.sequence, 0);
    }
}

static void a_length_that_counts_less_than_itself_ends_the_packet(void **state) {
    struct bench bench;
    struct rw_packet packet = {0};
    struct rw_block block = {0};
    put_header(&bench, 1, 5);
    put_message(&bench, 0x20, (const uint8_t *)"1234", 4);
    put_message(&bench, 0x20, (const uint8_t *)"1234", 4);
    bench.bytes[RW_PITCH_HEADER_BYTES + 6] = 0;
    assert_true(rw_pitch_decode(bench.bytes, bench.used, &packet));
    assert_int_equal(rw_packet_check(&packet, &(uint32_t){0}), RW_PACKET_TRUNCATED);
    assert_true(rw_blocks_next(&packet.blocks, &block));
    assert_false(rw_blocks_next(&packet.blocks, &block));
}

static void a_message_without_a_type_is_a_bad_length(void **state) {
    const struct rw_message_type *type = NULL;
    uint8_t message[] = {0x20, 0, 0, 0, 0};
    assert_int_equal(rw_pitch_find(message, 0, &type), RW_MESSAGE_BAD_LENGTH);
    assert_int_equal(rw_pitch_find(message, 4, &type), RW_MESSAGE_BAD_LENGTH);
    assert_int_equal(rw_pitch_find(message, 5, &type), RW_MESSAGE_OK);
    message[0] = 0x99;
    assert_int_equal(rw_pitch_find(message, 5, &type), RW_MESSAGE_UNKNOWN_TYPE);
}

static void a_header_that_denies_itself_is_no_packet(void **state) {
    struct bench bench;
    struct rw_packet packet = {0};
    put_header(&bench, 1, 5);
    assert_false(rw_pitch_decode(bench.bytes, RW_PITCH_HEADER_BYTES - 1, &packet));
    assert_true(rw_pitch_decode(bench.bytes, RW_PITCH_HEADER_BYTES, &packet));
    assert_int_equal(packet.kind, RW_PACKET_HEARTBEAT);
    rw_store_le16(bench.bytes, RW_PITCH_HEADER_BYTES - 1);
    assert_false(rw_pitch_decode(bench.bytes, RW_PITCH_HEADER_BYTES, &packet));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_that_denies_itself_is_no_packet),
        cmocka_unit_test(a_length_that_counts_less_than_itself_ends_the_packet),
        cmocka_unit_test(a_message_without_a_type_is_a_bad_length),
        cmocka_unit_test(messages_outside_the_sequence_have_none),
        cmocka_unit_test(the_table_has_no_gaps),
        cmocka_unit_test(every_type_comes_back_from_a_packet),
        cmocka_unit_test(a_short_add_reads_as_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
