/* MEMOIR packets made here, with messages made from the table. */
#include "dataplane/feed/memoir.h"
#include "tests/unit/feed/table_fixture.h"

static void put_header(struct bench *bench, uint8_t kind, uint64_t sequence) {
    memset(bench, 0, sizeof *bench);
    bench->bytes[0] = kind;
    bench->bytes[1] = RW_MEMOIR_HEADER_BYTES;
    rw_store_be64(bench->bytes + 2, 42);
    rw_store_be64(bench->bytes + 10, sequence);
    bench->used = RW_MEMOIR_HEADER_BYTES + (kind == 2 ? 2u : 0u);
}

static void put_message(struct bench *bench, uint8_t template, const uint8_t *block,
                        uint16_t bytes) {
    uint8_t *at = bench->bytes + bench->used;
    rw_store_be16(at, (uint16_t)(RW_MEMOIR_BODY + bytes));
    rw_store_be16(at + 2, bytes);
    at[4] = template;
    memcpy(at + 8, block, bytes);
    bench->used += 8u + bytes;
    rw_store_be16(bench->bytes + RW_MEMOIR_HEADER_BYTES, (uint16_t)++bench->count);
}

static void the_table_has_no_gaps(void **state) {
    expect_table_without_gaps(&rw_memoir_table, 0);
    expect_longest_json_fits(&rw_memoir_table);
    assert_int_equal(rw_memoir_table.type_count, 13);
}

static void begin(struct bench *bench, uint64_t sequence) { put_header(bench, 2, sequence); }

static const struct packet_maker maker = {.table = &rw_memoir_table,
                                          .begin = begin,
                                          .put = put_message,
                                          .decode = rw_memoir_decode,
                                          .find = rw_memoir_find,
                                          .label = "%u",
                                          .body = RW_MEMOIR_BODY,
                                          .session = 42};

static void every_type_comes_back_from_a_packet(void **state) {
    expect_every_type_in_a_packet(&maker, 900);
}

static void an_appended_field_is_passed_over_but_a_short_block_is_not(void **state) {
    uint8_t message[RW_MEMOIR_BODY + 40] = {0};
    const struct rw_message_type *type = NULL;
    message[2] = 18; /* 16 bytes are known of it */
    for (uint16_t block = 0; block <= 40; block++) {
        rw_store_be16(message, block);
        assert_int_equal(rw_memoir_find(message, RW_MEMOIR_BODY + block, &type),
                         block < 16 ? RW_MESSAGE_BAD_LENGTH : RW_MESSAGE_OK);
        if (block == 0) continue;
        assert_int_equal(rw_memoir_find(message, RW_MEMOIR_BODY + block - 1u, &type),
                         RW_MESSAGE_BAD_LENGTH);
    }
    for (uint32_t bytes = 0; bytes < RW_MEMOIR_BODY; bytes++)
        assert_int_equal(rw_memoir_find(message, bytes, &type), RW_MESSAGE_BAD_LENGTH);
}

static void heartbeat_and_shutdown_carry_no_message(void **state) {
    struct bench bench;
    struct rw_packet packet = {0};
    put_header(&bench, 0, 900);
    assert_true(rw_memoir_decode(bench.bytes, bench.used, &packet));
    assert_int_equal(packet.kind, RW_PACKET_HEARTBEAT);
    assert_int_equal(packet.blocks.sequence, 900);
    assert_int_equal(packet.blocks.left, 0);
    bench.bytes[0] = 1;
    assert_true(rw_memoir_decode(bench.bytes, bench.used, &packet));
    assert_int_equal(packet.kind, RW_PACKET_END);
    assert_int_equal(packet.blocks.left, 0);
}

static void a_short_or_unknown_header_is_no_packet(void **state) {
    struct bench bench;
    struct rw_packet packet = {0};
    put_header(&bench, 2, 900);
    assert_true(rw_memoir_decode(bench.bytes, 20, &packet));
    assert_false(rw_memoir_decode(bench.bytes, 19, &packet));
    assert_false(rw_memoir_decode(bench.bytes, 17, &packet));
    bench.bytes[0] = 3;
    assert_false(rw_memoir_decode(bench.bytes, 20, &packet));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_or_unknown_header_is_no_packet),
        cmocka_unit_test(an_appended_field_is_passed_over_but_a_short_block_is_not),
        cmocka_unit_test(heartbeat_and_shutdown_carry_no_message),
        cmocka_unit_test(the_table_has_no_gaps),
        cmocka_unit_test(every_type_comes_back_from_a_packet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
