/* Captures through the table of feeds: guessing, what is printed and what is counted, for captures
 * made here and for those that lie beside the tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dataplane/base/bytes.h"
#include "dataplane/feed/iextp.h"
#include "dataplane/io/pcap.h"
#include "dataplane/nic/udp.h"
#include "dataplane/record/soupbintcp.h"
#include "tests/unit/tools/shared_data.h"
#include "tools/riskwire/decode_feeds.h"

#define PATH_BYTES    4096u
#define PAYLOAD_BYTES 1400u

struct decoded {
    struct rw_decode decode;
    const char *feed; /* NULL: none was guessed */
    char *text;
};

/* Decodes a capture as the guess says, or as `named` says. The text is freed by free_decoded. */
static struct decoded decode_file(const char *path, const char *named) {
    struct decoded decoded = {0};
    const struct rw_decode_feed *feed = NULL;
    size_t bytes = 0;
    assert_int_equal(rw_decode_guess(path, &feed), 0);
    decoded.feed = feed ? feed->name : NULL;
    if (named) feed = rw_decode_feed_named(named);
    decoded.decode.out = open_memstream(&decoded.text, &bytes);
    if (feed) assert_int_equal(rw_decode_capture(path, feed, &decoded.decode), 0);
    fclose(decoded.decode.out);
    return decoded;
}

static void free_decoded(struct decoded *decoded) { free(decoded->text); }

/* ---- captures of our own -------------------------------------------------------------- */

struct bench {
    char path[256];
    struct rw_pcap_writer *writer;
};

static void open_bench(struct bench *bench) {
    const char *folder = getenv("TMPDIR");
    snprintf(bench->path, sizeof bench->path, "%s/rw-decode-XXXXXX", folder ? folder : "/tmp");
    int fd = mkstemp(bench->path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(rw_pcap_create(bench->path, &bench->writer), 0);
}

static struct decoded close_bench(struct bench *bench, const char *named) {
    assert_int_equal(rw_pcap_finish(bench->writer), 0);
    struct decoded decoded = decode_file(bench->path, named);
    unlink(bench->path);
    return decoded;
}

static void put_udp(struct bench *bench, const uint8_t *payload, uint32_t bytes, uint32_t cut) {
    uint8_t frame[PAYLOAD_BYTES + RW_UDP_HEADERS_BYTES];
    struct rw_udp udp = {.source = 0xC0000201,
                         .destination = 0xE9000001,
                         .payload = payload,
                         .bytes = (uint16_t)bytes};
    rw_pcap_write(bench->writer, 1000, frame, (uint32_t)rw_udp_build(&udp, frame) - cut);
}

/* A segment from one of two ends. */
static void put_tcp(struct bench *bench, bool to_client, const uint8_t *payload, size_t bytes) {
    uint8_t frame[PAYLOAD_BYTES] = {0}, *ip = frame + 14, *tcp = ip + 20;
    rw_store_be16(frame + 12, 0x0800);
    ip[0] = 0x45;
    ip[9] = 6;
    rw_store_be16(ip + 2, (uint16_t)(40 + bytes));
    rw_store_be16(to_client ? tcp : tcp + 2, 25000);
    rw_store_be16(to_client ? tcp + 2 : tcp, 40000);
    tcp[12] = 0x50;
    memcpy(tcp + 20, payload, bytes);
    rw_pcap_write(bench->writer, 1000, frame, (uint32_t)(54 + bytes));
}

/* An IEX-TP packet of count system events; sequence of the first. Returns its bytes. */
static uint32_t make_events(uint8_t *payload, uint16_t protocol, uint64_t sequence,
                            uint16_t count) {
    memset(payload, 0, PAYLOAD_BYTES);
    payload[0] = RW_IEXTP_VERSION;
    rw_store_le16(payload + 2, protocol);
    rw_store_le16(payload + 12, (uint16_t)(12 * count));
    rw_store_le16(payload + 14, count);
    rw_store_le64(payload + 24, sequence);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *at = payload + RW_IEXTP_HEADER_BYTES + 12 * i;
        rw_store_le16(at, 10);
        memcpy(at + 2, "SO\1\0\0\0\0\0\0\0", 10);
    }
    return RW_IEXTP_HEADER_BYTES + 12u * count;
}

static void a_restarted_sequence_is_printed_again(void **state) {
    uint8_t payload[PAYLOAD_BYTES];
    struct bench bench;
    open_bench(&bench);
    for (uint32_t i = 0; i < 2; i++)
        put_udp(&bench, payload, make_events(payload, RW_IEXTP_DEEP10, 1, 2), 0);
    put_udp(&bench, payload, make_events(payload, RW_IEXTP_DEEP10, 3, 0), 0);
    struct decoded decoded = close_bench(&bench, NULL);
    assert_string_equal(decoded.feed, "deep10");
    assert_string_equal(
        decoded.text, "{\"seq\": 1, \"type\": \"S\", \"system_event\": \"O\", \"timestamp\": 1}\n"
                      "{\"seq\": 2, \"type\": \"S\", \"system_event\": \"O\", \"timestamp\": 1}\n"
                      "{\"seq\": 1, \"type\": \"S\", \"system_event\": \"O\", \"timestamp\": 1}\n"
                      "{\"seq\": 2, \"type\": \"S\", \"system_event\": \"O\", \"timestamp\": 1}\n");
    assert_int_equal(decoded.decode.tally.heartbeats, 1);
    assert_int_equal(decoded.decode.tally.frames, 3);
    free_decoded(&decoded);
}

static void what_is_no_message_has_its_count_and_no_line(void **state) {
    uint8_t payload[PAYLOAD_BYTES];
    struct bench bench;
    open_bench(&bench);
    put_udp(&bench, payload, make_events(payload, RW_IEXTP_DEEP10, 1, 3), 0);
    uint32_t bytes = make_events(payload, RW_IEXTP_DEEP10, 4, 3);
    payload[RW_IEXTP_HEADER_BYTES + 2] = '?';
    payload[RW_IEXTP_HEADER_BYTES + 14] = 'H'; /* 22 bytes */
    put_udp(&bench, payload, bytes, 0);
    put_udp(&bench, payload, make_events(payload, RW_IEXTP_TOPS16, 7, 1), 0);
    put_udp(&bench, (const uint8_t *)"noise", 5, 0);
    put_tcp(&bench, true, payload, 20);
    put_udp(&bench, payload, make_events(payload, RW_IEXTP_DEEP10, 7, 3), 20);
    struct decoded decoded = close_bench(&bench, NULL);
    assert_string_equal(decoded.feed, "deep10");
    assert_int_equal(decoded.decode.tally.messages, 3 + 1 + 1);
    assert_int_equal(decoded.decode.tally.unknown_types, 1);
    assert_int_equal(decoded.decode.tally.bad_lengths, 1);
    assert_int_equal(decoded.decode.tally.bad_packets, 2);
    assert_int_equal(decoded.decode.tally.foreign_frames, 1);
    assert_int_equal(decoded.decode.tally.cut, 1);
    free_decoded(&decoded);
}

static void noise_is_of_no_feed(void **state) {
    struct bench bench;
    open_bench(&bench);
    put_udp(&bench, (const uint8_t *)"a good day to all of you out there", 34, 0);
    put_tcp(&bench, true, (const uint8_t *)"HTTP/1.1 200 OK", 15);
    struct decoded decoded = close_bench(&bench, NULL);
    assert_null(decoded.feed);
    free_decoded(&decoded);
}

static void the_name_given_wins_over_the_guess(void **state) {
    uint8_t payload[PAYLOAD_BYTES];
    struct bench bench;
    open_bench(&bench);
    put_udp(&bench, payload, make_events(payload, RW_IEXTP_DEEP10, 1, 2), 0);
    struct decoded decoded = close_bench(&bench, "deepplus");
    assert_string_equal(decoded.feed, "deep10");
    assert_int_equal(decoded.decode.tally.messages, 0);
    assert_int_equal(decoded.decode.tally.bad_packets, 1);
    free_decoded(&decoded);
    assert_null(rw_decode_feed_named("opra"));
    assert_non_null(strstr(rw_decode_feed_names(), "deep10|deepplus"));
}

/* Numbers of sequenced packets count from the answer to the log-in; without it there are none. */
static void order_messages_are_numbered_from_the_log_in(void **state) {
    uint8_t stream[PAYLOAD_BYTES];
    struct bench bench;
    for (uint32_t accepted = 0; accepted < 2; accepted++) {
        size_t bytes = 0;
        open_bench(&bench);
        if (accepted) bytes = rw_soup_write_accept(stream, "SESSION", 41);
        bytes += rw_soup_write(stream + bytes, RW_SOUP_SEQUENCED, "S\0\0\0\0\0\0\0\1O", 10);
        bytes += rw_soup_write(stream + bytes, RW_SOUP_SEQUENCED, "S\0\0\0\0\0\0\0\2S", 10);
        bytes += rw_soup_write(stream + bytes, RW_SOUP_SERVER_HEARTBEAT, NULL, 0);
        put_tcp(&bench, true, stream, bytes);
        put_tcp(&bench, false, stream, 0);
        bytes = rw_soup_write(stream, RW_SOUP_UNSEQUENCED, "X\0\0\0\7\0\0\0\0", 9);
        put_tcp(&bench, false, stream, bytes);
        struct decoded decoded = close_bench(&bench, "ouch50");
        char wanted[1024];
        snprintf(wanted, sizeof wanted,
                 "{\"seq\": %d, \"type\": \"S\", \"timestamp\": 1, \"event_code\": \"O\"}\n"
                 "{\"seq\": %d, \"type\": \"S\", \"timestamp\": 2, \"event_code\": \"S\"}\n"
                 "{\"seq\": 0, \"type\": \"X\", \"user_ref_num\": 7, \"quantity\": 0}\n",
                 accepted ? 41 : 0, accepted ? 42 : 0);
        assert_string_equal(decoded.text, wanted);
        assert_int_equal(decoded.decode.tally.heartbeats, 1);
        assert_int_equal(decoded.decode.tally.cut + decoded.decode.tally.bad_packets, 0);
        assert_string_equal(decoded.feed, "ouch50");
        free_decoded(&decoded);
    }
}

/* ---- captures beside the tree --------------------------------------------------------- */

struct capture {
    const char *name, *feed;
    uint32_t messages, heartbeats;
};

static const struct capture captures[] = {
    {"iex/Deep_Heartbeat.pcap", "deep10", 0, 1},
    {"iex/Deep_PriceLevelBuyUpdateMessage.pcap", "deep10", 1, 0},
    {"iex/Deep_PriceLevelSellUpdateMessage.pcap", "deep10", 1, 0},
    {"iex/DeepPlus_B_TradeBreak.pcap", "deepplus", 1, 0},
    {"iex/DeepPlus_D_SecurityDirectory.pcap", "deepplus", 66, 0},
    {"iex/DeepPlus_E_SecurityEvent.pcap", "deepplus", 35, 0},
    {"iex/DeepPlus_H_TradingStatus.pcap", "deepplus", 67, 0},
    {"iex/DeepPlus_I_RetailLiquidityIndicator.pcap", "deepplus", 67, 0},
    {"iex/DeepPlus_L_OrderExecuted.pcap", "deepplus", 3, 0},
    {"iex/DeepPlus_M_OrderModify.pcap", "deepplus", 1, 0},
    {"iex/DeepPlus_O_OperationalHaltStatus.pcap", "deepplus", 67, 0},
    {"iex/DeepPlus_P_ShortSalePriceTestStatus.pcap", "deepplus", 67, 0},
    {"iex/DeepPlus_R_OrderDelete.pcap", "deepplus", 1, 0},
    {"iex/DeepPlus_S_SystemEvent.pcap", "deepplus", 67, 0},
    {"iex/DeepPlus_T_Trade.pcap", "deepplus", 4, 0},
    {"iex/DeepPlus_a_AddOrder.pcap", "deepplus", 1, 0},
    {"iex/DeepPlus_all_message_types.pcap", "deepplus", 447, 0},
    {"pitch/AddOrderShortMessage.pcap", "pitch", 9, 0},
    {"pitch/ModifyOrderShortMessage.pcap", "pitch", 1, 0},
    {"pitch/MultipleMessages.pcap", "pitch", 3, 0},
    {"ouch50/CancelOrderMessage.pcap", "ouch50", 1, 0},
    {"ouch50/CanceledMessage.pcap", "ouch50", 1, 0},
    {"ouch50/ClientHeartbeatPacket.pcap", "ouch50", 0, 1},
    {"ouch50/EnterOrderMessage.pcap", "ouch50", 1, 0},
    {"ouch50/OrderAcceptedMessage.pcap", "ouch50", 1, 0},
    {"ouch50/ServerHeartbeatPacket.pcap", "ouch50", 0, 1},
    {"itch50/2023-08-22_CrossTrade.pcap", "itch50", 5, 0},
};

static void every_shared_capture_is_guessed_and_explained(void **state) {
    char path[PATH_BYTES], below[256];
    for (size_t i = 0; i < sizeof captures / sizeof *captures; i++) {
        snprintf(below, sizeof below, "captures/%s", captures[i].name);
        if (!shared_path(path, sizeof path, below)) skip();
        struct decoded decoded = decode_file(path, NULL);
        const struct rw_decode_tally *tally = &decoded.decode.tally;
        assert_non_null(decoded.feed);
        assert_string_equal(decoded.feed, captures[i].feed);
        assert_int_equal(tally->messages, captures[i].messages);
        assert_int_equal(tally->heartbeats, captures[i].heartbeats);
        assert_int_equal(tally->unknown_types + tally->bad_lengths + tally->foreign_frames +
                             tally->bad_packets + tally->cut,
                         0);
        free_decoded(&decoded);
    }
}

/* Lines are counted, not kept: they are 60 MB. */
static void the_venues_sample_of_deep_decodes_to_its_last_complete_message(void **state) {
    char path[PATH_BYTES];
    const struct rw_decode_feed *feed;
    struct rw_decode decode = {0};
    if (!shared_path(path, sizeof path, "captures/iex/DEEP10.pcap.gz")) skip();
    decode.out = fopen("/dev/null", "w");
    assert_non_null(decode.out);
    assert_int_equal(rw_decode_guess(path, &feed), 0);
    assert_string_equal(feed->name, "deep10");
    assert_int_equal(rw_decode_capture(path, feed, &decode), 0);
    fclose(decode.out);
    assert_int_equal(decode.tally.messages, 392010);
    assert_int_equal(decode.tally.frames, 121315);
    assert_int_equal(decode.tally.heartbeats, 7937);
    assert_int_equal(decode.tally.cut, 1);
    assert_int_equal(decode.tally.unknown_types + decode.tally.bad_lengths +
                         decode.tally.foreign_frames + decode.tally.bad_packets,
                     0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(noise_is_of_no_feed),
        cmocka_unit_test(what_is_no_message_has_its_count_and_no_line),
        cmocka_unit_test(a_restarted_sequence_is_printed_again),
        cmocka_unit_test(the_name_given_wins_over_the_guess),
        cmocka_unit_test(order_messages_are_numbered_from_the_log_in),
        cmocka_unit_test(every_shared_capture_is_guessed_and_explained),
        cmocka_unit_test(the_venues_sample_of_deep_decodes_to_its_last_complete_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
