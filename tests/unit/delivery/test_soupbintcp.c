/* The SoupBinTCP codec: what is written is read back, what is cut or wrong is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "dataplane/record/soupbintcp.h"

static void a_log_in_is_49_bytes_of_ascii(void **state) {
    struct rw_soup_login login = {.username = "alice", .password = "secret", .sequence = 1234};
    uint8_t bytes[RW_SOUP_LOGIN_BYTES];
    assert_int_equal(rw_soup_write_login(bytes, &login), RW_SOUP_LOGIN_BYTES);
    assert_memory_equal(bytes,
                        "\0\x2F"
                        "Lalice secret              "
                        "                1234",
                        RW_SOUP_LOGIN_BYTES);
}

static void a_log_in_is_read_as_it_was_written(void **state) {
    struct rw_soup_login login = {.username = "abcdef",
                                  .password = "0123456789",
                                  .session = "2611210001",
                                  .sequence = UINT64_MAX},
                         read;
    uint8_t bytes[RW_SOUP_LOGIN_BYTES];
    struct rw_soup_packet packet;
    rw_soup_write_login(bytes, &login);
    assert_int_equal(rw_soup_parse(bytes, sizeof bytes, &packet), RW_SOUP_LOGIN_BYTES);
    assert_int_equal(packet.type, RW_SOUP_LOGIN);
    assert_int_equal(rw_soup_read_login(&packet, &read), 0);
    assert_string_equal(read.username, "abcdef");
    assert_string_equal(read.password, "0123456789");
    assert_string_equal(read.session, "2611210001");
    assert_true(read.sequence == UINT64_MAX);
}

static int read_sequence(const char field[21], uint64_t *sequence) {
    uint8_t bytes[RW_SOUP_LOGIN_BYTES];
    struct rw_soup_packet packet;
    struct rw_soup_login login = {.sequence = 1};
    rw_soup_write_login(bytes, &login);
    memcpy(bytes + RW_SOUP_LOGIN_BYTES - 20, field, 20);
    assert_int_equal(rw_soup_parse(bytes, sizeof bytes, &packet), RW_SOUP_LOGIN_BYTES);
    int rc = rw_soup_read_login(&packet, &login);
    *sequence = login.sequence;
    return rc;
}

static void numbers_may_be_padded_on_either_side_or_with_zeroes(void **state) {
    uint64_t sequence;
    assert_int_equal(read_sequence("                  17", &sequence), 0);
    assert_int_equal(sequence, 17);
    assert_int_equal(read_sequence("17                  ", &sequence), 0);
    assert_int_equal(sequence, 17);
    assert_int_equal(read_sequence("00000000000000000017", &sequence), 0);
    assert_int_equal(sequence, 17);
    assert_int_equal(read_sequence("                    ", &sequence), 0);
    assert_int_equal(sequence, 0);
}

static void what_is_no_number_below_two_to_the_64_is_refused(void **state) {
    uint64_t sequence;
    assert_int_equal(read_sequence("               1 2  ", &sequence), -EPROTO);
    assert_int_equal(read_sequence("                  -1", &sequence), -EPROTO);
    assert_int_equal(read_sequence("                 1x ", &sequence), -EPROTO);
    assert_int_equal(read_sequence("18446744073709551616", &sequence), -EPROTO);
    assert_int_equal(read_sequence("99999999999999999999", &sequence), -EPROTO);
    assert_int_equal(read_sequence("18446744073709551615", &sequence), 0);
}

static void log_ins_of_other_lengths_are_refused_and_revision_410_is_understood(void **state) {
    uint8_t bytes[80] = {0};
    struct rw_soup_login login = {.sequence = 5};
    rw_soup_write_login(bytes, &login);
    for (uint32_t payload = 0; payload < 70; payload++) {
        struct rw_soup_packet packet = {RW_SOUP_LOGIN, payload, bytes + 3};
        int rc = rw_soup_read_login(&packet, &login);
        assert_int_equal(rc, payload == 46 || payload == 51 ? 0 : -EPROTO);
    }
}

static void an_accept_is_read_as_it_was_written(void **state) {
    uint8_t bytes[RW_SOUP_ACCEPT_BYTES];
    char session[11];
    uint64_t sequence;
    struct rw_soup_packet packet;
    assert_int_equal(rw_soup_write_accept(bytes, "2611210001", 900), RW_SOUP_ACCEPT_BYTES);
    assert_int_equal(rw_soup_parse(bytes, sizeof bytes, &packet), RW_SOUP_ACCEPT_BYTES);
    assert_int_equal(packet.type, RW_SOUP_ACCEPT);
    assert_int_equal(rw_soup_read_accept(&packet, session, &sequence), 0);
    assert_string_equal(session, "2611210001");
    assert_int_equal(sequence, 900);
    packet.payload_bytes--;
    assert_int_equal(rw_soup_read_accept(&packet, session, &sequence), -EPROTO);
}

static void a_packet_is_found_only_when_all_of_it_is_there(void **state) {
    uint8_t bytes[16];
    struct rw_soup_packet packet;
    size_t whole = rw_soup_write(bytes, RW_SOUP_SEQUENCED, "hello", 5);
    assert_int_equal(whole, 8);
    for (size_t count = 0; count < whole; count++)
        assert_int_equal(rw_soup_parse(bytes, count, &packet), 0);
    assert_int_equal(rw_soup_parse(bytes, sizeof bytes, &packet), 8);
    assert_int_equal(packet.type, RW_SOUP_SEQUENCED);
    assert_int_equal(packet.payload_bytes, 5);
    assert_memory_equal(packet.payload, "hello", 5);
}

static void a_length_of_zero_ends_the_stream_and_the_longest_packet_fits(void **state) {
    struct rw_soup_packet packet;
    assert_int_equal(rw_soup_parse((const uint8_t *)"\0\0H", 3, &packet), -EPROTO);
    uint8_t *bytes = malloc(RW_SOUP_HEAD_BYTES + RW_SOUP_PAYLOAD_MAX);
    uint8_t *payload = calloc(1, RW_SOUP_PAYLOAD_MAX);
    size_t whole = rw_soup_write(bytes, RW_SOUP_DEBUG, payload, RW_SOUP_PAYLOAD_MAX);
    assert_int_equal(whole, 65537);
    assert_int_equal(rw_soup_parse(bytes, whole, &packet), 65537);
    assert_int_equal(rw_soup_parse(bytes, whole - 1, &packet), 0);
    free(payload);
    free(bytes);
}

static void packets_without_payload_are_three_bytes(void **state) {
    uint8_t bytes[RW_SOUP_REJECT_BYTES];
    assert_int_equal(rw_soup_write(bytes, RW_SOUP_END, NULL, 0), 3);
    assert_memory_equal(bytes, "\0\1Z", 3);
    assert_int_equal(rw_soup_write_reject(bytes, RW_SOUP_NO_SESSION), RW_SOUP_REJECT_BYTES);
    assert_memory_equal(bytes, "\0\2JS", 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_in_is_49_bytes_of_ascii),
        cmocka_unit_test(a_log_in_is_read_as_it_was_written),
        cmocka_unit_test(numbers_may_be_padded_on_either_side_or_with_zeroes),
        cmocka_unit_test(what_is_no_number_below_two_to_the_64_is_refused),
        cmocka_unit_test(log_ins_of_other_lengths_are_refused_and_revision_410_is_understood),
        cmocka_unit_test(an_accept_is_read_as_it_was_written),
        cmocka_unit_test(a_packet_is_found_only_when_all_of_it_is_there),
        cmocka_unit_test(a_length_of_zero_ends_the_stream_and_the_longest_packet_fits),
        cmocka_unit_test(packets_without_payload_are_three_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
