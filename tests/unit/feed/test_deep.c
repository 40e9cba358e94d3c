/* IEX-TP packets made here, with messages made from the tables of DEEP 1.0 and DEEP+. */
#include "dataplane/feed/deep.h"
#include "dataplane/feed/iextp.h"
#include "tests/unit/feed/table_fixture.h"

static void put_header(struct bench *bench, uint16_t protocol, uint64_t sequence) {
    memset(bench, 0, sizeof *bench);
    bench->bytes[0] = 1;
    rw_store_le16(bench->bytes + 2, protocol);
    rw_store_le32(bench->bytes + 4, 1);
    rw_store_le32(bench->bytes + 8, 0x48DD0000);
    rw_store_le64(bench->bytes + 24, sequence);
    bench->used = RW_IEXTP_HEADER_BYTES;
}

static void put_message(struct bench *bench, const uint8_t *message, uint16_t bytes) {
    rw_store_le16(bench->bytes + bench->used, bytes);
    memcpy(bench->bytes + bench->used + 2, message, bytes);
    bench->used += 2u + bytes;
    rw_store_le16(bench->bytes + 12, (uint16_t)(bench->used - RW_IEXTP_HEADER_BYTES));
    rw_store_le16(bench->bytes + 14, (uint16_t)++bench->count);
}

static void the_tables_have_no_gaps(void **state) {
    expect_table_without_gaps(&rw_deep10_table, 1);
    expect_table_without_gaps(&rw_deepplus_table, 1);
    expect_longest_json_fits(&rw_deepplus_table);
    assert_int_equal(rw_deep10_table.type_count, 13);
    assert_int_equal(rw_deepplus_table.type_count, 18);
}

static void begin(struct bench *bench, uint64_t sequence) {
    put_header(bench, RW_IEXTP_DEEPPLUS, sequence);
}

static void put(struct bench *bench, uint8_t code, const uint8_t *body, uint16_t bytes) {
    uint8_t message[MESSAGE_BYTES_MAX];
    memcpy(message, body, bytes);
    message[0] = code;
    put_message(bench, message, bytes);
}

static enum rw_message_verdict find_deepplus(const uint8_t *message, uint32_t bytes,
                                             const struct rw_message_type **type) {
    return rw_deep_find(&rw_deepplus_table, message, bytes, type);
}

static const struct packet_maker maker = {.table = &rw_deepplus_table,
                                          .begin = begin,
                                          .put = put,
                                          .decode = rw_iextp_decode,
                                          .find = find_deepplus,
                                          .label = "%c",
                                          .session = 0x148DD0000,
                                          .protocol = RW_IEXTP_DEEPPLUS};

static void every_type_comes_back_from_a_packet(void **state) {
    expect_every_type_in_a_packet(&maker, 1ull << 40);
}

static void a_price_level_reads_as_documented(void **state) {
    static const uint8_t message[] = {'8', 1,   0xbe, 0x7f, 0x13, 0x35, 0x3a, 0xe2, 0x5d, 0x16,
                                      'Z', 'Q', ' ',  ' ',  ' ',  ' ',  ' ',  ' ',  0xbe, 0,
                                      0,   0,   0xb4, 0xf0, 0x1e, 0,    0,    0,    0,    0};
    const struct rw_message_type *type = NULL;
    assert_int_equal(rw_deep_find(&rw_deep10_table, message, sizeof message, &type), RW_MESSAGE_OK);
    expect_line(&rw_deep10_table, type, 3, message,
                "{\"seq\": 3, \"type\": \"8\", \"event_flags\": 1, "
                "\"timestamp\": 1611692981294956478, \"symbol\": \"ZQ\", \"size\": 190, "
                "\"price\": 2027700}");
}

static void orders_are_unknown_to_deep_1_0(void **state) {
    const struct rw_message_type *type = NULL;
    uint8_t order[38] = {'a'};
    assert_int_equal(rw_deep_find(&rw_deepplus_table, order, sizeof order, &type), RW_MESSAGE_OK);
    assert_int_equal(rw_deep_find(&rw_deep10_table, order, sizeof order, &type),
                     RW_MESSAGE_UNKNOWN_TYPE);
    assert_int_equal(rw_deep_find(&rw_deep10_table, order, 0, &type), RW_MESSAGE_BAD_LENGTH);
}

static void a_heartbeat_carries_the_next_sequence_and_no_message(void **state) {
    struct bench bench;
    struct rw_packet packet = {0};
    struct rw_block block = {0};
    put_header(&bench, RW_IEXTP_DEEP10, 77);
    assert_true(rw_iextp_decode(bench.bytes, bench.used, &packet));
    assert_int_equal(packet.kind, RW_PACKET_HEARTBEAT);
    assert_int_equal(packet.blocks.sequence, 77);
    assert_false(rw_blocks_next(&packet.blocks, &block));
}

static void a_cut_packet_gives_its_whole_messages(void **state) {
    struct bench bench;
    struct rw_packet packet = {0};
    struct rw_block block = {0};
    uint8_t message[10] = {'S'};
    put_header(&bench, RW_IEXTP_DEEP10, 1);
    for (uint32_t i = 0; i < 3; i++) put_message(&bench, message, sizeof message);
    for (size_t bytes = 0; bytes <= bench.used; bytes++) {
        uint32_t whole = 0;
        assert_int_equal(rw_iextp_decode(bench.bytes, bytes, &packet), bytes >= 40);
        if (bytes < 40) continue;
        assert_int_equal(rw_packet_check(&packet, &(uint32_t){0}),
                         bytes == bench.used ? RW_PACKET_FINE : RW_PACKET_TRUNCATED);
        while (rw_blocks_next(&packet.blocks, &block)) assert_int_equal(block.sequence, ++whole);
        assert_int_equal(whole, (bytes - 40) / 12);
    }
}

static void bytes_behind_the_stated_payload_are_left_out(void **state) {
    struct bench bench;
    struct rw_packet packet = {0};
    put_header(&bench, RW_IEXTP_DEEP10, 1);
    put_message(&bench, (const uint8_t *)"S123456789", 10);
    assert_true(rw_iextp_decode(bench.bytes, bench.used + 8, &packet));
    assert_int_equal(rw_packet_check(&packet, &(uint32_t){0}), RW_PACKET_FINE);
    rw_store_le16(bench.bytes + 12, 16); /* four bytes more than its message */
    assert_true(rw_iextp_decode(bench.bytes, bench.used + 8, &packet));
    assert_int_equal(rw_packet_check(&packet, &(uint32_t){0}), RW_PACKET_TRAILING);
}

static void another_version_is_no_packet(void **state) {
    struct bench bench;
    struct rw_packet packet = {0};
    put_header(&bench, RW_IEXTP_DEEP10, 1);
    bench.bytes[0] = 2;
    assert_false(rw_iextp_decode(bench.bytes, bench.used, &packet));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_version_is_no_packet),
        cmocka_unit_test(a_cut_packet_gives_its_whole_messages),
        cmocka_unit_test(bytes_behind_the_stated_payload_are_left_out),
        cmocka_unit_test(a_heartbeat_carries_the_next_sequence_and_no_message),
        cmocka_unit_test(the_tables_have_no_gaps),
        cmocka_unit_test(every_type_comes_back_from_a_packet),
        cmocka_unit_test(a_price_level_reads_as_documented),
        cmocka_unit_test(orders_are_unknown_to_deep_1_0),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
