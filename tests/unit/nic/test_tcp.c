/* Frames made here, as capture hardware and switches hand them out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/base/bytes.h"
#include "dataplane/nic/tcp.h"

#define PAYLOAD "order"

struct bench {
    uint8_t frame[128];
    size_t ip, bytes; /* where the IPv4 header starts; where the segment ends */
};

/* tags VLAN tags, options bytes of TCP options, then PAYLOAD. */
static void make_frame(struct bench *bench, uint32_t tags, uint8_t options) {
    memset(bench, 0, sizeof *bench);
    uint8_t *at = bench->frame + 12;
    for (uint32_t i = 0; i < tags; i++, at += 4) rw_store_be16(at, i ? 0x8100 : 0x88A8);
    rw_store_be16(at, 0x0800);
    uint8_t *ip = at + 2, *tcp = ip + 20;
    ip[0] = 0x45;
    rw_store_be16(ip + 2, (uint16_t)(40 + options + sizeof PAYLOAD));
    ip[9] = 6;
    rw_store_be32(ip + 12, 0xC0000201);
    rw_store_be32(ip + 16, 0xC0000202);
    rw_store_be16(tcp, 40000);
    rw_store_be16(tcp + 2, 25000);
    rw_store_be32(tcp + 4, 77);
    tcp[12] = (uint8_t)((20 + options) / 4 << 4);
    memcpy(tcp + 20 + options, PAYLOAD, sizeof PAYLOAD);
    bench->ip = (size_t)(ip - bench->frame);
    bench->bytes = bench->ip + 40u + options + sizeof PAYLOAD;
}

static void the_payload_is_found_behind_tags_and_options_and_before_trailers(void **state) {
    struct bench bench;
    struct rw_tcp tcp = {0};
    for (uint32_t tags = 0; tags <= 2; tags++)
        for (uint8_t options = 0; options <= 40; options = (uint8_t)(options + 4)) {
            make_frame(&bench, tags, options);
            assert_int_equal(rw_tcp_parse(bench.frame, bench.bytes + 9, &tcp), RW_TCP_WHOLE);
            assert_int_equal(tcp.bytes, sizeof PAYLOAD);
            assert_memory_equal(tcp.payload, PAYLOAD, sizeof PAYLOAD);
            assert_int_equal(tcp.source, 0xC0000201);
            assert_int_equal(tcp.destination, 0xC0000202);
            assert_int_equal(tcp.source_port, 40000);
            assert_int_equal(tcp.destination_port, 25000);
            assert_int_equal(tcp.sequence, 77);
        }
}

static void a_frame_cut_in_its_payload_gives_what_is_there(void **state) {
    struct bench bench;
    struct rw_tcp tcp = {0};
    make_frame(&bench, 1, 12);
    size_t headers = bench.bytes - sizeof PAYLOAD;
    for (size_t bytes = 0; bytes <= bench.bytes; bytes++) {
        enum rw_tcp_verdict wanted = bytes < headers       ? RW_TCP_NONE
                                     : bytes < bench.bytes ? RW_TCP_CUT
                                                           : RW_TCP_WHOLE;
        assert_int_equal(rw_tcp_parse(bench.frame, bytes, &tcp), wanted);
        if (wanted != RW_TCP_NONE) assert_int_equal(tcp.bytes, bytes - headers);
    }
}

/* One byte of a good frame changed so that it cannot be read as TCP. */
static void what_is_not_tcp_is_told(void **state) {
    static const struct {
        int offset; /* from the IPv4 header */
        uint8_t value;
    } changes[] = {
        {9, 17},    /* UDP */
        {0, 0x65},  /* version 6 */
        {0, 0x44},  /* header of 16 bytes */
        {3, 39},    /* total length without a whole TCP header */
        {6, 0x20},  /* more fragments */
        {7, 1},     /* a later fragment */
        {32, 0x40}, /* TCP header of 16 bytes */
        {32, 0xF0}, /* TCP header beyond the packet */
        {-1, 0x06}, /* another EtherType */
    };
    struct bench bench;
    struct rw_tcp tcp = {0};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        make_frame(&bench, 0, 0);
        bench.frame[(int)bench.ip + changes[i].offset] = changes[i].value;
        assert_int_equal(rw_tcp_parse(bench.frame, bench.bytes, &tcp), RW_TCP_NONE);
    }
    make_frame(&bench, 3, 0);
    assert_int_equal(rw_tcp_parse(bench.frame, bench.bytes, &tcp), RW_TCP_NONE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_tcp_is_told),
        cmocka_unit_test(a_frame_cut_in_its_payload_gives_what_is_there),
        cmocka_unit_test(the_payload_is_found_behind_tags_and_options_and_before_trailers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
