/* rw_udp_parse: every reason, every cut, and the headers that rw_udp_build writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/base/bytes.h"
#include "dataplane/base/rng.h"
#include "dataplane/nic/udp.h"

#define IP  14u /* offsets in a frame without VLAN tags and options */
#define UDP 34u

static const uint8_t text[] = "a payload of odd length";
static const struct rw_udp built = {.source = 0xCEC87F8A,
                                    .destination = 0xE9360C6F,
                                    .source_port = 18000,
                                    .destination_port = 26477,
                                    .bytes = sizeof text - 1,
                                    .payload = text};

static size_t build(uint8_t *frame) { return rw_udp_build(&built, frame); }

/* Parses a copy that ends where the frame ends, so that a sanitizer sees a read beyond it. */
static enum rw_udp_verdict parse(const uint8_t *frame, size_t bytes, unsigned check,
                                 struct rw_udp *udp) {
    uint8_t *copy = malloc(bytes ? bytes : 1);
    memcpy(copy, frame, bytes);
    enum rw_udp_verdict verdict = rw_udp_parse(copy, bytes, check, udp);
    if (verdict == RW_UDP_accepted || verdict == RW_UDP_cut_payload)
        udp->payload = frame + (udp->payload - copy);
    free(copy);
    return verdict;
}

static void assert_same(const struct rw_udp *udp) {
    assert_int_equal(udp->source, built.source);
    assert_int_equal(udp->destination, built.destination);
    assert_int_equal(udp->source_port, built.source_port);
    assert_int_equal(udp->destination_port, built.destination_port);
    assert_int_equal(udp->bytes, built.bytes);
    assert_memory_equal(udp->payload, built.payload, built.bytes);
}

/* Puts count VLAN tags behind the addresses. */
static size_t tag(uint8_t *frame, size_t bytes, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        memmove(frame + 16, frame + 12, bytes - 12);
        rw_store_be16(frame + 12, i == 1 ? 0x88A8 : 0x8100);
        rw_store_be16(frame + 14, 13);
        bytes += 4;
    }
    return bytes;
}

static void what_is_built_is_parsed(void **state) {
    uint8_t frame[256];
    struct rw_udp udp;
    size_t bytes = build(frame);
    assert_int_equal(bytes, RW_UDP_HEADERS_BYTES + built.bytes);
    assert_int_equal(parse(frame, bytes, RW_UDP_CHECK_ALL, &udp), RW_UDP_accepted);
    assert_same(&udp);
    assert_int_equal(udp.vlan_tags, 0);
}

static void an_empty_payload_is_a_payload(void **state) {
    uint8_t frame[256];
    struct rw_udp empty = built, udp;
    empty.bytes = 0;
    size_t bytes = rw_udp_build(&empty, frame);
    assert_int_equal(parse(frame, bytes, RW_UDP_CHECK_ALL, &udp), RW_UDP_accepted);
    assert_int_equal(udp.bytes, 0);
}

static void two_vlan_tags_are_skipped_and_a_third_is_not(void **state) {
    for (unsigned tags = 0; tags <= 3; tags++) {
        uint8_t frame[256];
        struct rw_udp udp;
        size_t bytes = tag(frame, build(frame), tags);
        enum rw_udp_verdict verdict = parse(frame, bytes, RW_UDP_CHECK_ALL, &udp);
        assert_int_equal(verdict, tags <= 2 ? RW_UDP_accepted : RW_UDP_not_ipv4);
        if (tags > 2) continue;
        assert_same(&udp);
        assert_int_equal(udp.vlan_tags, tags);
    }
}

static void padding_is_not_payload(void **state) {
    uint8_t frame[256] = {0};
    struct rw_udp udp;
    size_t bytes = build(frame);
    memset(frame + bytes, 0xAA, 18);
    assert_int_equal(parse(frame, bytes + 18, RW_UDP_CHECK_ALL, &udp), RW_UDP_accepted);
    assert_same(&udp);
}

/* Redoes the IPv4 header checksum after a change. */
static void fix_ip(uint8_t *ip) {
    uint32_t sum = 0;
    rw_store_be16(ip + 10, 0);
    for (unsigned i = 0; i < (ip[0] & 15u) * 4; i += 2) sum += rw_load_be16(ip + i);
    while (sum >> 16) sum = (sum & 0xFFFF) + (sum >> 16);
    rw_store_be16(ip + 10, (uint16_t)~sum);
}

static void ip_options_are_skipped(void **state) {
    uint8_t frame[256];
    struct rw_udp udp;
    size_t bytes = build(frame);
    memmove(frame + UDP + 40, frame + UDP, bytes - UDP);
    memset(frame + UDP, 1, 40); /* forty "no operation" options */
    frame[IP] = 0x4F;
    rw_store_be16(frame + IP + 2, (uint16_t)(bytes - IP + 40));
    fix_ip(frame + IP);
    assert_int_equal(parse(frame, bytes + 40, RW_UDP_CHECK_ALL, &udp), RW_UDP_accepted);
    assert_same(&udp);
}

static void each_fault_has_its_reason(void **state) {
    static const struct {
        uint16_t at, value;
        enum rw_udp_verdict verdict;
        int fix;
    } faults[] = {{12, 0x86DD, RW_UDP_not_ipv4, 0},
                  {IP, 0x6500, RW_UDP_bad_ip_header, 0},
                  {IP, 0x4400, RW_UDP_bad_ip_header, 0},
                  {IP + 2, 19, RW_UDP_bad_ip_header, 0},
                  {IP + 12, 1, RW_UDP_bad_ip_checksum, 0},
                  {IP + 8, 0x0106, RW_UDP_not_udp, 1},
                  {IP + 6, 0x2000, RW_UDP_fragment, 1},
                  {IP + 6, 0x0001, RW_UDP_fragment, 1},
                  {IP + 2, 27, RW_UDP_bad_udp_length, 1},
                  {UDP + 4, 7, RW_UDP_bad_udp_length, 0},
                  {UDP + 4, 32, RW_UDP_bad_udp_length, 0},
                  {UDP + 4, 0xFFFF, RW_UDP_bad_udp_length, 0},
                  {UDP + 6, 0x1234, RW_UDP_bad_udp_checksum, 0}};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        uint8_t frame[256];
        struct rw_udp udp;
        size_t bytes = build(frame);
        rw_store_be16(frame + faults[i].at, faults[i].value);
        if (faults[i].fix) fix_ip(frame + IP);
        enum rw_udp_verdict verdict = parse(frame, bytes, RW_UDP_CHECK_ALL, &udp);
        assert_string_equal(rw_udp_reason(verdict), rw_udp_reason(faults[i].verdict));
    }
}

static void checksums_count_only_when_asked(void **state) {
    uint8_t frame[256];
    struct rw_udp udp;
    size_t bytes = build(frame);
    frame[IP + 10] ^= 1;
    assert_int_equal(parse(frame, bytes, RW_UDP_CHECK_IP, &udp), RW_UDP_bad_ip_checksum);
    assert_int_equal(parse(frame, bytes, RW_UDP_CHECK_UDP, &udp), RW_UDP_accepted);
    frame[UDP + 7] ^= 1;
    assert_int_equal(parse(frame, bytes, RW_UDP_CHECK_UDP, &udp), RW_UDP_bad_udp_checksum);
    assert_int_equal(parse(frame, bytes, RW_UDP_CHECK_NONE, &udp), RW_UDP_accepted);
    assert_same(&udp);
}

static void a_missing_udp_checksum_is_right(void **state) {
    uint8_t frame[256];
    struct rw_udp udp;
    size_t bytes = build(frame);
    rw_store_be16(frame + UDP + 6, 0);
    assert_int_equal(parse(frame, bytes, RW_UDP_CHECK_ALL, &udp), RW_UDP_accepted);
}

static void any_flipped_bit_behind_the_addresses_is_seen(void **state) {
    uint8_t frame[256];
    struct rw_udp udp;
    size_t bytes = build(frame);
    for (size_t bit = (IP + 1) * 8; bit < bytes * 8; bit++) {
        if (bit / 8 == UDP + 6 || bit / 8 == UDP + 7) continue; /* may turn into "no checksum" */
        frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(parse(frame, bytes, RW_UDP_CHECK_ALL, &udp), RW_UDP_accepted);
        frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void a_cut_frame_is_a_cut_header_or_a_cut_payload(void **state) {
    for (unsigned tags = 0; tags <= 2; tags++) {
        uint8_t frame[256];
        struct rw_udp udp;
        size_t bytes = tag(frame, build(frame), tags), headers = RW_UDP_HEADERS_BYTES + 4 * tags;
        for (size_t cut = 0; cut < bytes; cut++) {
            enum rw_udp_verdict verdict = parse(frame, cut, RW_UDP_CHECK_ALL, &udp);
            assert_int_equal(verdict, cut < headers ? RW_UDP_cut_header : RW_UDP_cut_payload);
            if (cut < headers) continue;
            assert_int_equal(udp.bytes, cut - headers);
            assert_memory_equal(udp.payload, text, udp.bytes);
        }
    }
}

static void random_frames_never_reach_beyond_their_end(void **state) {
    struct rw_rng rng;
    const char *given = getenv("RW_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : 20240131;
    print_message("seed %llu\n", (unsigned long long)seed);
    rw_rng_seed(&rng, seed);
    for (int round = 0; round < 20000; round++) {
        uint8_t frame[256];
        struct rw_udp udp;
        size_t bytes = tag(frame, build(frame), (unsigned)rw_rng_below(&rng, 3));
        for (uint64_t i = rw_rng_below(&rng, 4); i; i--)
            frame[12 + rw_rng_below(&rng, bytes - 12)] = (uint8_t)rw_rng_next(&rng);
        bytes = rw_rng_below(&rng, bytes + 1);
        enum rw_udp_verdict verdict = parse(frame, bytes, RW_UDP_CHECK_NONE, &udp);
        assert_true(verdict < RW_UDP_VERDICTS);
        if (verdict == RW_UDP_accepted || verdict == RW_UDP_cut_payload)
            assert_true(udp.payload >= frame && udp.payload + udp.bytes <= frame + bytes);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_built_is_parsed),
        cmocka_unit_test(an_empty_payload_is_a_payload),
        cmocka_unit_test(two_vlan_tags_are_skipped_and_a_third_is_not),
        cmocka_unit_test(padding_is_not_payload),
        cmocka_unit_test(ip_options_are_skipped),
        cmocka_unit_test(each_fault_has_its_reason),
        cmocka_unit_test(checksums_count_only_when_asked),
        cmocka_unit_test(a_missing_udp_checksum_is_right),
        cmocka_unit_test(any_flipped_bit_behind_the_addresses_is_seen),
        cmocka_unit_test(a_cut_frame_is_a_cut_header_or_a_cut_payload),
        cmocka_unit_test(random_frames_never_reach_beyond_their_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
