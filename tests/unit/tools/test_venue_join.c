/* Membership reports of all versions, and what only looks like one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/base/bytes.h"
#include "tools/riskwire/venue_join.h"

#define GROUP 0xEF4D0001u /* 239.77.0.1 */
#define OTHER 0xEF4D0002u
#define SELF  0x0A4D0001u
#define PEER  0x0A4D0002u

struct packet {
    uint8_t bytes[256];
    size_t count;
};

/* An IPv4 header with the router-alert option, as reports have it. */
static struct packet header(uint32_t source) {
    struct packet packet = {.count = 24};
    packet.bytes[0] = 0x46;
    packet.bytes[9] = 2;
    rw_store_be32(packet.bytes + 12, source);
    return packet;
}

static struct packet old_report(uint8_t type, uint32_t group) {
    struct packet packet = header(PEER);
    packet.bytes[packet.count] = type;
    rw_store_be32(packet.bytes + packet.count + 4, group);
    packet.count += 8;
    return packet;
}

static struct packet report(void) {
    struct packet packet = header(PEER);
    packet.bytes[packet.count] = 0x22;
    packet.count += 8;
    return packet;
}

static void add_record(struct packet *packet, uint8_t type, uint32_t group, uint16_t sources) {
    uint8_t *at = packet->bytes + packet->count;
    at[0] = type;
    rw_store_be16(at + 2, sources);
    rw_store_be32(at + 4, group);
    packet->count += 8u + 4u * sources;
    rw_store_be16(packet->bytes + 24 + 6, (uint16_t)(rw_load_be16(packet->bytes + 24 + 6) + 1));
}

static bool heard(const struct packet *packet) {
    return rw_venue_join_heard(packet->bytes, packet->count, GROUP, SELF);
}

static void what_is_no_report_is_not_heard(void **state) {
    struct packet packet = old_report(0x16, GROUP);
    for (size_t i = 0; i < packet.count; i++)
        assert_false(rw_venue_join_heard(packet.bytes, i, GROUP, SELF));
    struct packet spoiled = packet;
    spoiled.bytes[0] = 0x66; /* version 6 */
    assert_false(heard(&spoiled));
    spoiled = packet;
    spoiled.bytes[0] = 0x44; /* a header that is too short */
    assert_false(heard(&spoiled));
    spoiled = packet;
    spoiled.bytes[9] = 17; /* UDP */
    assert_false(heard(&spoiled));
    spoiled = old_report(0x11, GROUP); /* a query */
    assert_false(heard(&spoiled));
    spoiled = old_report(0x17, GROUP); /* a leave */
    assert_false(heard(&spoiled));
    spoiled = old_report(0x16, OTHER);
    assert_false(heard(&spoiled));
    spoiled = packet;
    rw_store_be32(spoiled.bytes + 12, SELF);
    assert_false(heard(&spoiled));
}

static void versions_1_and_2_name_one_group(void **state) {
    struct packet one = old_report(0x12, GROUP), two = old_report(0x16, GROUP);
    assert_true(heard(&one));
    assert_true(heard(&two));
}

static void version_3_wants_a_group_with_or_without_sources(void **state) {
    static const struct {
        uint8_t type;
        uint16_t sources;
        bool wanted;
    } rows[] = {{1, 0, false}, {1, 2, true},  {2, 0, true},  {2, 1, true},
                {3, 0, false}, {3, 1, true},  {4, 0, true},  {5, 1, true},
                {5, 0, false}, {6, 1, false}, {0, 1, false}, {7, 1, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct packet packet = report();
        add_record(&packet, rows[i].type, GROUP, rows[i].sources);
        assert_int_equal(heard(&packet), rows[i].wanted);
        struct packet second = report();
        add_record(&second, 4, OTHER, 3);
        add_record(&second, rows[i].type, GROUP, rows[i].sources);
        assert_int_equal(heard(&second), rows[i].wanted);
    }
}

static void a_report_that_is_cut_or_counts_wrong_is_read_as_far_as_it_goes(void **state) {
    struct packet packet = report();
    add_record(&packet, 4, OTHER, 2);
    add_record(&packet, 4, GROUP, 0);
    assert_true(heard(&packet));
    rw_store_be16(packet.bytes + 24 + 6, 60000);
    assert_true(heard(&packet));
    rw_store_be16(packet.bytes + 24 + 6, 1);
    assert_false(heard(&packet));
    rw_store_be16(packet.bytes + 24 + 6, 2);
    rw_store_be16(packet.bytes + 24 + 8 + 2, 60000); /* sources of the first record */
    assert_false(heard(&packet));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_report_is_not_heard),
        cmocka_unit_test(a_report_that_is_cut_or_counts_wrong_is_read_as_far_as_it_goes),
        cmocka_unit_test(versions_1_and_2_name_one_group),
        cmocka_unit_test(version_3_wants_a_group_with_or_without_sources),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
