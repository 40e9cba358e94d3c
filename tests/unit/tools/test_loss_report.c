/* What `riskwire loss` prints: equations that hold or tell by how much they do not, reasons that
 * nobody has listed, states in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "tools/riskwire/loss_account.h"
#include "tools/riskwire/loss_report.h"
#include "tools/riskwire/stat_words.h"

#define COUNT(rows) (sizeof rows / sizeof *rows)

static const struct rw_stat_row port_rows[] = {
    {"received", "frames", "frames taken from the port"},
    {"delivered", "frames", "frames whose payload went to feed"},
    {"delivered_bytes", "bytes", "payload bytes that went to feed"},
    {"control", "frames", "for the port itself"},
    {"not_udp", "frames", "dropped: no UDP"},
    {"brand_new", "frames", "dropped: a reason that this program has never heard of"},
    {"accepted", "frames", "wrong checksum, delivered all the same"},
};
static const struct rw_stat_row device_rows[] = {
    {"device_reached", "frames", "reached the device"},
    {"device_packets", "frames", "received into buffers"},
    {"device_missed", "frames", "lost by the device: queue full"},
};
static const struct rw_stat_row channel_rows[] = {
    {"messages", "messages", "complete messages"},
    {"delivered", "messages", "handed on"},
    {"duplicates", "messages", "dropped: there already"},
    {"in_flight", "messages", "now in the buffer"},
    {"short_header", "packets", "dropped: not counted in messages"},
    {"aside", "messages", "delivered beside the sequence"},
    {"gap_messages", "messages", "messages lost in these gaps"},
    {"snapshot_messages", "messages", "messages lost: a snapshot was joined behind them"},
    {"joined_at", "messages", "before the first one"},
    {"passed", "messages", "sequence numbers passed"},
    {"held_max", "packets", "most ever held"},
};
static const struct rw_stat_row line_rows[] = {{"packets", "packets", ""},
                                               {"messages", "messages", ""},
                                               {"lost", "messages", "missed - late: lost"},
                                               {"skew_max_ns", "ns", ""}};
static const struct rw_stat_row state_row = {"state", "state", "0 in sync, 1 waiting for more"};
static const struct rw_stat_row server_rows[] = {{"answers", "packets", "from the server"},
                                                 {"bad_answers", "packets", "dropped: nonsense"}};

static rw_stat *port, *device, *channel, *line;

static struct rw_stats *make_stats(void) {
    struct rw_stats *stats = rw_stats_create(NULL, "b", 0);
    port = rw_stats_block(stats, "rx port0", RW_STAT_COUNTER, port_rows, COUNT(port_rows));
    device = rw_stats_block(stats, "rx port0", RW_STAT_GAUGE, device_rows, COUNT(device_rows));
    rw_stat *state = rw_stats_block(stats, "feed2", RW_STAT_GAUGE, &state_row, 1);
    channel = rw_stats_block(stats, "feed2 channel 7", RW_STAT_COUNTER, channel_rows,
                             COUNT(channel_rows));
    line = rw_stats_block(stats, "feed2 line a", RW_STAT_COUNTER, line_rows, COUNT(line_rows));
    struct rw_hist *skew = rw_stats_hist(stats, "feed2 skew", "skew", "between the lines");
    rw_stat *server =
        rw_stats_block(stats, "feed2 server 0", RW_STAT_COUNTER, server_rows, COUNT(server_rows));
    static const uint64_t frames[] = {100, 80, 9999, 5, 10, 5, 3}, reached[] = {103, 101, 2},
                          messages[] = {1000, 700, 290, 10, 77, 50, 30, 20, 400, 1100, 12},
                          lines[] = {60, 990, 10, 5000};
    for (size_t i = 0; i < COUNT(frames); i++) rw_stat_set(&port[i], frames[i]);
    for (size_t i = 0; i < COUNT(reached); i++) rw_stat_set(&device[i], reached[i]);
    for (size_t i = 0; i < COUNT(messages); i++) rw_stat_set(&channel[i], messages[i]);
    for (size_t i = 0; i < COUNT(lines); i++) rw_stat_set(&line[i], lines[i]);
    rw_stat_set(state, 1);
    rw_stat_set(&server[0], 8);
    for (int i = 0; i < 10; i++) rw_hist_add(skew, 31);
    rw_stats_block(stats, "shadow channel 7", RW_STAT_COUNTER, server_rows, 1); /* no feed */
    return stats;
}

static char text[1 << 16];
static const char *report(void (*print)(FILE *, const struct rw_stats *),
                          const struct rw_stats *stats) {
    memset(text, 0, sizeof text);
    FILE *out = fmemopen(text, sizeof text, "w");
    print(out, stats);
    fclose(out);
    return text;
}

static void every_dropped_row_of_the_unit_joins_the_equation(void **state) {
    struct rw_loss_account accounts[RW_LOSS_ACCOUNTS_MAX];
    struct rw_stats *stats = make_stats();
    assert_int_equal(rw_loss_accounts(stats, "rx port0", accounts), 2);
    assert_string_equal(accounts[0].total, "received");
    assert_int_equal(accounts[0].amount, 100); /* 80 + 5 + 10 + 5 */
    assert_int_equal(accounts[0].difference, 0);
    assert_string_equal(accounts[1].total, "device_reached");
    assert_int_equal(accounts[1].difference, 0);
    assert_int_equal(rw_loss_accounts(stats, "feed2 channel 7", accounts), 2);
    assert_int_equal(accounts[0].difference, 0); /* without the packets of short_header */
    assert_int_equal(accounts[1].difference, 0); /* 700 + 30 + 20 + 400 - 50 */
    assert_int_equal(rw_loss_accounts(stats, "feed2 line a", accounts), 0);
    rw_stats_close(stats);
}

static void a_frame_too_many_or_too_few_is_told(void **state) {
    struct rw_loss_account accounts[RW_LOSS_ACCOUNTS_MAX];
    struct rw_stats *stats = make_stats();
    rw_stat_add(&port[4], 1);
    rw_loss_accounts(stats, "rx port0", accounts);
    assert_int_equal(accounts[0].difference, -1);
    rw_stat_add(&port[0], 3);
    rw_loss_accounts(stats, "rx port0", accounts);
    assert_int_equal(accounts[0].difference, 2);
    assert_non_null(strstr(report(rw_loss_report_table, stats), "off by 2 frames"));
    assert_non_null(
        strstr(report(rw_loss_report_csv, stats), "rx port0,account_received,2,frames\n"));
    assert_non_null(strstr(report(rw_loss_report_json, stats), "\"holds\":false"));
    rw_stats_close(stats);
}

static void the_tables_show_what_the_rows_say(void **state) {
    struct rw_stats *stats = make_stats();
    report(rw_loss_report_table, stats);
    assert_non_null(strstr(text, "site b, pid 0 is dead"));
    assert_non_null(strstr(text, "waiting for more")); /* the state in words */
    assert_non_null(strstr(text, "brand_new"));
    assert_non_null(strstr(text, "feed2 server 0")); /* a block without a table of its own */
    assert_null(strstr(text, "shadow channel"));
    assert_null(strstr(text, "bad_answers")); /* 0 */
    assert_null(strstr(text, "off by"));
    rw_stats_close(stats);
}

static void json_keys_have_units_and_blocks_their_accounts(void **state) {
    struct rw_stats *stats = make_stats();
    json_t *root = json_loads(report(rw_loss_report_json, stats), 0, NULL);
    assert_non_null(root);
    assert_true(json_is_true(json_object_get(root, "holds")));
    json_t *of_port = json_object_get(json_object_get(root, "ports"), "rx port0");
    assert_int_equal(json_integer_value(json_object_get(of_port, "brand_new_frames")), 5);
    assert_int_equal(json_integer_value(json_object_get(of_port, "device_missed_frames")), 2);
    assert_int_equal(json_array_size(json_object_get(of_port, "accounts")), 2);
    json_t *feed = json_object_get(json_object_get(root, "feeds"), "feed2");
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(feed, "feed2"), "state_text")),
        "waiting for more");
    json_t *of_line = json_object_get(feed, "feed2 line a");
    assert_int_equal(json_integer_value(json_object_get(of_line, "lost_ppm")), 10000);
    assert_int_equal(json_integer_value(json_object_get(of_line, "skew_max_ns")), 5000);
    json_t *skew = json_object_get(feed, "feed2 skew");
    assert_int_equal(json_integer_value(json_object_get(skew, "skew_p99_ns")), 31);
    assert_int_equal(json_integer_value(json_object_get(skew, "skew_count")), 10);
    assert_non_null(json_object_get(feed, "feed2 server 0"));
    json_decref(root);
    rw_stats_close(stats);
}

static void csv_has_a_line_for_each_figure(void **state) {
    struct rw_stats *stats = make_stats();
    report(rw_loss_report_csv, stats);
    assert_int_equal(strncmp(text, "block,name,value,unit\nrx port0,received,100,frames\n", 50), 0);
    assert_non_null(strstr(text, "\nfeed2 line a,lost_ppm,10000,ppm\n"));
    assert_non_null(strstr(text, "\nfeed2 skew,skew_p50,31,ns\n"));
    assert_non_null(strstr(text, "\nfeed2 channel 7,account_passed,0,messages\n"));
    rw_stats_close(stats);
}

static void a_file_without_ports_and_feeds_has_nothing_to_tell(void **state) {
    struct rw_stats *stats = rw_stats_create(NULL, "b", 0);
    assert_non_null(strstr(report(rw_loss_report_table, stats), "by reason\n  none\n"));
    assert_string_equal(report(rw_loss_report_csv, stats), "block,name,value,unit\n");
    rw_stats_close(stats);
}

static void a_state_is_named_by_its_sentence(void **state) {
    struct rw_stats_item item = {.name = "state", .unit = "state", .help = "0 a b, 1 c, 12 d"};
    char word[16];
    static const struct {
        uint64_t value;
        const char *word;
    } wanted[] = {{0, "a b"}, {1, "c"}, {12, "d"}};
    for (size_t i = 0; i < COUNT(wanted); i++) {
        item.value = wanted[i].value;
        assert_true(rw_stat_word(&item, word, sizeof word));
        assert_string_equal(word, wanted[i].word);
    }
    item.value = 2;
    assert_false(rw_stat_word(&item, word, sizeof word));
    item.help = "";
    assert_false(rw_stat_word(&item, word, sizeof word));
    item.unit = "frames";
    item.help = "2 x";
    assert_false(rw_stat_word(&item, word, sizeof word));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_dropped_row_of_the_unit_joins_the_equation),
        cmocka_unit_test(a_frame_too_many_or_too_few_is_told),
        cmocka_unit_test(the_tables_show_what_the_rows_say),
        cmocka_unit_test(json_keys_have_units_and_blocks_their_accounts),
        cmocka_unit_test(csv_has_a_line_for_each_figure),
        cmocka_unit_test(a_file_without_ports_and_feeds_has_nothing_to_tell),
        cmocka_unit_test(a_state_is_named_by_its_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
