/* Messages out of files, and in venue order: all shared captures decode to what is expected of
 * them, the thousand real messages lead to the expected books, and broken files lose only what is
 * broken. */
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
#include "dataplane/base/rng.h"
#include "dataplane/feed/itch50_book.h"
#include "dataplane/feed/itch50_write.h"
#include "dataplane/feed/moldudp64.h"
#include "dataplane/io/pcap.h"
#include "dataplane/nic/udp.h"
#include "tests/unit/tools/shared_data.h"
#include "tools/riskwire/book_csv.h"
#include "tools/riskwire/itch_order.h"

#define LINE_BYTES 4096u
#define COUNT      300u

static const char *const captures[] = {
    "2019-12-30_093000_1000msgs.itch",
    "2023-08-22_AddOrderNoMPID.pcap",
    "2023-08-22_AddOrderWithMPID.pcap",
    "2023-08-22_CrossTrade.pcap",
    "2023-08-22_LULDAuctionCollar.pcap",
    "2023-08-22_MarketParticipantPosition.pcap",
    "2023-08-22_NetOrderImbalanceIndicator.pcap",
    "2023-08-22_NonCrossTrade.pcap",
    "2023-08-22_OrderCancel.pcap",
    "2023-08-22_OrderDelete.pcap",
    "2023-08-22_OrderExecuted.pcap",
    "2023-08-22_OrderExecutedWithPrice.pcap",
    "2023-08-22_OrderReplace.pcap",
    "2023-08-22_RegSHORestriction.pcap",
    "2023-08-22_StockTradingAction.pcap",
    "2023-08-22_SystemEvent.pcap",
    "undated_AddOrderNoMpidAttributionMessage.pcap",
    "undated_MarketParticipantPositionMessage.pcap",
    "undated_Multiple.Packets.pcap",
    "undated_NetOrderImbalanceIndicatorMessage.pcap",
    "undated_OrderDeleteMessage.pcap",
    "undated_OrderExecutedMessage.pcap",
    "undated_OrderReplaceMessage.pcap",
    "undated_StockTradingActionMessage.pcap",
};

static void expect_lines(const char *capture, const char *expected) {
    char wanted[LINE_BYTES], text[RW_ITCH50_JSON_MAX];
    struct rw_itch_file *file;
    struct rw_itch_item item;
    FILE *lines = fopen(expected, "r");
    assert_non_null(lines);
    assert_int_equal(rw_itch_file_open(capture, &file), 0);
    while (rw_itch_file_next(file, &item) > 0) {
        assert_int_equal(rw_itch50_check(item.message, item.bytes), RW_ITCH50_OK);
        rw_itch50_json(text, item.sequence, item.message);
        assert_non_null(fgets(wanted, sizeof wanted, lines));
        wanted[strcspn(wanted, "\n")] = '\0';
        assert_string_equal(text, wanted);
    }
    assert_null(fgets(wanted, sizeof wanted, lines));
    rw_itch_file_close(file);
    fclose(lines);
}

static void every_shared_capture_decodes_to_what_is_expected(void **state) {
    char capture[LINE_BYTES], expected[LINE_BYTES], below[256];
    for (size_t i = 0; i < sizeof captures / sizeof *captures; i++) {
        snprintf(below, sizeof below, "captures/itch50/%s", captures[i]);
        if (!shared_path(capture, sizeof capture, below)) skip();
        snprintf(below, sizeof below, "expected/itch50/%s.ndjson", captures[i]);
        if (!shared_path(expected, sizeof expected, below)) skip();
        expect_lines(capture, expected);
    }
}

/* Applies a file in venue order and returns the CSV, to be freed. */
static char *books_of(const char *path, struct rw_itch_order_count *count) {
    struct rw_book_cfg cfg = {.orders_max = 10000, .levels_max = 10000};
    struct rw_book_counters counters = {0};
    struct rw_itch_file *file;
    struct rw_itch_item item;
    struct rw_book_event event;
    void *memory = NULL;
    char *text = NULL;
    size_t bytes = 0;
    assert_int_equal(posix_memalign(&memory, 64, rw_book_footprint(&cfg)), 0);
    struct rw_book *book = rw_book_new(memory, &cfg, &counters);
    assert_int_equal(rw_itch_file_open(path, &file), 0);
    struct rw_itch_order *order = rw_itch_order_new(file);
    while (rw_itch_order_next(order, &item) > 0)
        rw_itch50_apply(book, item.message, item.bytes, &event);
    *count = rw_itch_order_counted(order);
    rw_itch_order_free(order);
    rw_itch_file_close(file);
    FILE *out = open_memstream(&text, &bytes);
    rw_book_csv(out, book, NULL, 0);
    fclose(out);
    free(memory);
    return text;
}

static void the_thousand_real_messages_lead_to_the_expected_books(void **state) {
    char path[LINE_BYTES], wanted[65536];
    struct rw_itch_order_count count;
    if (!shared_path(path, sizeof path, "expected/itch50/2019-12-30_093000_1000msgs.book.csv"))
        skip();
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    wanted[fread(wanted, 1, sizeof wanted - 1, file)] = '\0';
    fclose(file);
    if (!shared_path(path, sizeof path, "captures/itch50/2019-12-30_093000_1000msgs.itch")) skip();
    char *books = books_of(path, &count);
    assert_string_equal(books, wanted);
    assert_int_equal(count.missing + count.duplicates, 0);
    free(books);
}

/* ---- files of our own ----------------------------------------------------------------- */

/* Message i of a session of adds: one order each, so that books tell which were applied. */
static uint32_t make_add(uint8_t *message, uint32_t i) {
    uint32_t bytes = rw_itch50_begin(message, 'A', 1, 1000 + i);
    rw_itch50_put_add_order_reference_number(message, i);
    rw_itch50_put_add_buy_sell_indicator(message, "B");
    rw_itch50_put_add_shares(message, 1);
    rw_itch50_put_add_stock(message, "WIRE    ");
    rw_itch50_put_add_price(message, 10000 + i);
    return bytes;
}

static void make_path(char *path, size_t bytes) {
    const char *folder = getenv("TMPDIR");
    snprintf(path, bytes, "%s/rw-itch-XXXXXX", folder ? folder : "/tmp");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
}

/* Writes messages first..first+count-1 as one packet; cut: so many bytes of the frame are
 * missing. */
static void put_packet(struct rw_pcap_writer *writer, uint32_t first, uint32_t count,
                       uint32_t cut) {
    uint8_t payload[1400], frame[1500], message[RW_ITCH50_BYTES_MAX];
    struct rw_mold_writer mold;
    rw_mold_begin(&mold, payload, sizeof payload, "TEST      ", first);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t bytes = make_add(message, first + i);
        assert_true(rw_mold_add(&mold, message, (uint16_t)bytes));
    }
    struct rw_udp udp = {.source = 0xC000020A,
                         .destination = 0xE9FC0001,
                         .payload = payload,
                         .bytes = (uint16_t)rw_mold_end(&mold)};
    size_t bytes = rw_udp_build(&udp, frame);
    rw_pcap_write(writer, 1000, frame, (uint32_t)bytes - cut);
}

static void shuffled_doubled_packets_come_out_once_and_in_order(void **state) {
    char path[256];
    struct rw_pcap_writer *writer;
    struct rw_rng rng;
    struct rw_itch_file *file;
    struct rw_itch_item item;
    uint32_t order[2 * COUNT];
    make_path(path, sizeof path);
    rw_rng_seed(&rng, 3);
    for (uint32_t i = 0; i < 2 * COUNT; i++) order[i] = i / 2;
    for (uint32_t i = 2 * COUNT - 1; i > 0; i--) {
        uint32_t other = (uint32_t)rw_rng_below(&rng, i + 1), swapped = order[i];
        order[i] = order[other];
        order[other] = swapped;
    }
    assert_int_equal(rw_pcap_create(path, &writer), 0);
    for (uint32_t i = 0; i < 2 * COUNT; i++)
        if (order[i] != 100) put_packet(writer, 1 + 3 * order[i], 3, 0);
    assert_int_equal(rw_pcap_finish(writer), 0);

    assert_int_equal(rw_itch_file_open(path, &file), 0);
    struct rw_itch_order *ordered = rw_itch_order_new(file);
    uint64_t expected = 1;
    while (rw_itch_order_next(ordered, &item) > 0) {
        if (expected == 301) expected = 304; /* the packet that is on neither line */
        assert_int_equal(item.sequence, expected++);
        assert_int_equal(rw_itch50_timestamp(item.message), 1000 + item.sequence);
    }
    assert_int_equal(expected, 3 * COUNT + 1);
    struct rw_itch_order_count count = rw_itch_order_counted(ordered);
    assert_int_equal(count.missing, 3);
    assert_int_equal(count.duplicates, 3 * (COUNT - 1));
    rw_itch_order_free(ordered);
    rw_itch_file_close(file);
    unlink(path);
}

static void a_cut_last_packet_gives_its_complete_messages(void **state) {
    char path[256];
    struct rw_pcap_writer *writer;
    struct rw_itch_file *file;
    struct rw_itch_item item;
    uint32_t count = 0;
    make_path(path, sizeof path);
    assert_int_equal(rw_pcap_create(path, &writer), 0);
    put_packet(writer, 1, 5, 0);
    put_packet(writer, 6, 5, 40); /* the last message and a bit of the one before */
    assert_int_equal(rw_pcap_finish(writer), 0);
    assert_int_equal(rw_itch_file_open(path, &file), 0);
    while (rw_itch_file_next(file, &item) > 0) count++;
    assert_int_equal(count, 8);
    assert_int_equal(rw_itch_file_counted(file).cut, 1);
    rw_itch_file_close(file);
    unlink(path);
}

static void a_cut_length_prefixed_file_is_counted_and_gives_the_rest(void **state) {
    char path[256];
    uint8_t message[RW_ITCH50_BYTES_MAX], length[2], none[2] = {0};
    struct rw_itch_file *file;
    struct rw_itch_item item;
    make_path(path, sizeof path);
    FILE *out = fopen(path, "wb");
    for (uint32_t i = 1; i <= 3; i++) {
        rw_store_be16(length, (uint16_t)make_add(message, i));
        fwrite(length, 2, 1, out);
        fwrite(message, i == 3 ? 20 : 36, 1, out);
        if (i == 1) fwrite(none, 2, 1, out); /* end of a session */
    }
    fclose(out);
    assert_int_equal(rw_itch_file_open(path, &file), 0);
    assert_int_equal(rw_itch_file_next(file, &item), 1);
    assert_int_equal(rw_itch_file_next(file, &item), 1);
    assert_int_equal(item.sequence, 2);
    assert_int_equal(rw_itch_file_next(file, &item), 0);
    assert_int_equal(rw_itch_file_counted(file).cut, 1);
    assert_int_equal(rw_itch_file_counted(file).session_ends, 1);
    rw_itch_file_close(file);
    unlink(path);
}

static void a_missing_file_is_told(void **state) {
    struct rw_itch_file *file;
    assert_true(rw_itch_file_open("/nonexistent/file", &file) < 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_file_is_told),
        cmocka_unit_test(a_cut_last_packet_gives_its_complete_messages),
        cmocka_unit_test(a_cut_length_prefixed_file_is_counted_and_gives_the_rest),
        cmocka_unit_test(shuffled_doubled_packets_come_out_once_and_in_order),
        cmocka_unit_test(every_shared_capture_decodes_to_what_is_expected),
        cmocka_unit_test(the_thousand_real_messages_lead_to_the_expected_books),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
