/* MoldUDP64 packets: what the writer makes the reader takes apart, and nothing reads past a cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/base/bytes.h"
#include "dataplane/feed/moldudp64.h"

static const char SESSION[RW_MOLD_SESSION_BYTES] = "2311210000";

static size_t three_messages(uint8_t *packet, size_t capacity) {
    struct rw_mold_writer writer;
    rw_mold_begin(&writer, packet, capacity, SESSION, 1000);
    assert_true(rw_mold_add(&writer, "first", 5));
    assert_true(rw_mold_add(&writer, "", 0));
    assert_true(rw_mold_add(&writer, "third!", 6));
    return rw_mold_end(&writer);
}

static void a_short_header_is_a_fault_for_every_length_below_20(void **state) {
    uint8_t bytes[20] = {0};
    struct rw_packet packet;
    for (size_t count = 0; count < 20; count++)
        assert_int_equal(rw_mold_decode(bytes, count, &packet), RW_PACKET_BAD_HEADER);
    assert_int_equal(rw_mold_decode(bytes, 20, &packet), RW_PACKET_FINE);
}

static void a_cut_packet_keeps_its_complete_messages(void **state) {
    uint8_t bytes[128];
    size_t total = three_messages(bytes, sizeof bytes);
    for (size_t count = 20; count < total; count++) {
        uint8_t *exact = malloc(count); /* the sanitizer sees a read past it */
        memcpy(exact, bytes, count);
        struct rw_packet packet;
        uint32_t whole;
        assert_int_equal(rw_mold_decode(exact, count, &packet), RW_PACKET_FINE);
        assert_int_equal(rw_packet_check(&packet, &whole), RW_PACKET_TRUNCATED);
        assert_int_equal(whole, count < 27 ? 0 : count < 29 ? 1 : 2);
        free(exact);
    }
}

static void a_count_too_high_is_truncated_and_too_low_is_trailing(void **state) {
    uint8_t bytes[128];
    size_t total = three_messages(bytes, sizeof bytes);
    struct rw_packet packet;
    uint32_t whole;
    rw_store_be16(bytes + 18, 4);
    assert_int_equal(rw_mold_decode(bytes, total, &packet), RW_PACKET_FINE);
    assert_int_equal(rw_packet_check(&packet, &whole), RW_PACKET_TRUNCATED);
    assert_int_equal(whole, 3);
    rw_store_be16(bytes + 18, 2);
    assert_int_equal(rw_mold_decode(bytes, total, &packet), RW_PACKET_FINE);
    assert_int_equal(rw_packet_check(&packet, &whole), RW_PACKET_TRAILING);
    assert_int_equal(whole, 2);
}

static void a_sequence_that_would_wrap_is_refused(void **state) {
    uint8_t bytes[20] = {0};
    struct rw_packet packet;
    rw_store_be64(bytes + 10, UINT64_MAX - 3);
    assert_int_equal(rw_mold_decode(bytes, 20, &packet), RW_PACKET_SEQUENCE_RANGE);
}

static void sequence_0_and_a_nul_session_stand_outside_any_sequence(void **state) {
    uint8_t bytes[20] = {0};
    struct rw_packet packet;
    for (uint64_t sequence = 0; sequence < 2; sequence++)
        for (uint8_t letter = 0; letter < 2; letter++) {
            bytes[3] = letter;
            rw_store_be64(bytes + 10, sequence);
            assert_int_equal(rw_mold_decode(bytes, 20, &packet), RW_PACKET_FINE);
            assert_int_equal(packet.place,
                             sequence && letter ? RW_PLACE_SEQUENCED : RW_PLACE_UNSEQUENCED);
        }
}

static void what_was_written_is_read_back_in_order(void **state) {
    uint8_t bytes[128];
    size_t total = three_messages(bytes, sizeof bytes);
    struct rw_packet packet;
    uint32_t whole;
    assert_int_equal(rw_mold_decode(bytes, total, &packet), RW_PACKET_FINE);
    assert_int_equal(packet.kind, RW_PACKET_DATA);
    assert_int_equal(packet.blocks.sequence, 1000);
    assert_memory_equal(packet.session, SESSION, sizeof SESSION);
    assert_int_equal(rw_packet_check(&packet, &whole), RW_PACKET_FINE);
    assert_int_equal(whole, 3);
    struct rw_block message;
    assert_true(rw_blocks_next(&packet.blocks, &message));
    assert_int_equal(message.sequence, 1000);
    assert_memory_equal(message.bytes, "first", 5);
    assert_true(rw_blocks_next(&packet.blocks, &message));
    assert_int_equal(message.count, 0);
    assert_true(rw_blocks_next(&packet.blocks, &message));
    assert_int_equal(message.sequence, 1002);
    assert_memory_equal(message.bytes, "third!", 6);
    assert_false(rw_blocks_next(&packet.blocks, &message));
}

static void a_full_packet_takes_no_more(void **state) {
    uint8_t bytes[20 + 2 + 4 + 2];
    struct rw_mold_writer writer;
    rw_mold_begin(&writer, bytes, sizeof bytes, SESSION, 1);
    assert_true(rw_mold_add(&writer, "four", 4));
    assert_false(rw_mold_add(&writer, "x", 1));
    assert_true(rw_mold_add(&writer, "", 0));
    assert_false(rw_mold_add(&writer, "", 0));
    assert_int_equal(rw_mold_end(&writer), sizeof bytes);
}

static void heartbeat_and_end_of_session_carry_the_next_sequence(void **state) {
    uint8_t bytes[20];
    struct rw_mold_writer writer;
    struct rw_packet packet;
    rw_mold_begin(&writer, bytes, sizeof bytes, SESSION, 77);
    assert_int_equal(rw_mold_decode(bytes, rw_mold_end(&writer), &packet), RW_PACKET_FINE);
    assert_int_equal(packet.kind, RW_PACKET_HEARTBEAT);
    assert_int_equal(packet.blocks.sequence, 77);
    size_t count = rw_mold_end_of_session(bytes, SESSION, 78);
    assert_int_equal(rw_mold_decode(bytes, count, &packet), RW_PACKET_FINE);
    assert_int_equal(packet.kind, RW_PACKET_END);
    assert_int_equal(packet.blocks.sequence, 78);
    assert_int_equal(packet.blocks.left, 0);
}

static void a_request_round_trips_and_a_wrong_length_is_refused(void **state) {
    uint8_t bytes[21] = {0};
    struct rw_mold_request request = {.sequence = 5, .count = 9}, back;
    memcpy(request.session, SESSION, sizeof SESSION);
    assert_int_equal(rw_mold_encode_request(bytes, &request), 20);
    assert_false(rw_mold_decode_request(bytes, 19, &back));
    assert_false(rw_mold_decode_request(bytes, 21, &back));
    assert_true(rw_mold_decode_request(bytes, 20, &back));
    assert_memory_equal(&back, &request, sizeof back);
    rw_store_be16(bytes + 18, 0);
    assert_false(rw_mold_decode_request(bytes, 20, &back));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_header_is_a_fault_for_every_length_below_20),
        cmocka_unit_test(a_cut_packet_keeps_its_complete_messages),
        cmocka_unit_test(a_count_too_high_is_truncated_and_too_low_is_trailing),
        cmocka_unit_test(a_sequence_that_would_wrap_is_refused),
        cmocka_unit_test(sequence_0_and_a_nul_session_stand_outside_any_sequence),
        cmocka_unit_test(what_was_written_is_read_back_in_order),
        cmocka_unit_test(a_full_packet_takes_no_more),
        cmocka_unit_test(heartbeat_and_end_of_session_carry_the_next_sequence),
        cmocka_unit_test(a_request_round_trips_and_a_wrong_length_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
