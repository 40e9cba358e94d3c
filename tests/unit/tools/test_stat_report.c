/* What `riskwire stat` prints: sections, shares that add up, loss by reason, units in keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "tools/riskwire/stat_report.h"

static const struct rw_stat_row core_rows[] = {{"busy_ns", "ns", ""},
                                               {"idle_ns", "ns", ""},
                                               {"backpressured_ns", "ns", ""},
                                               {"housekeeping_ns", "ns", ""},
                                               {"cpu_pinned", "cpu", ""}};
static const struct rw_stat_row feed_rows[] = {
    {"frames_received", "frames", "frames taken from rx"},
    {"malformed", "messages", "dropped: length does not fit the message type"}};

static struct rw_stats *make_stats(void) {
    struct rw_stats *stats = rw_stats_create(NULL, "b", 0);
    rw_stat *core = rw_stats_block(stats, "core 0", RW_STAT_GAUGE, core_rows, 5);
    rw_stat *feed = rw_stats_block(stats, "feed", RW_STAT_COUNTER, feed_rows, 2);
    static const struct rw_stat_row role = {"role", "role", "0 recover, 1 lead"};
    rw_stat_set(rw_stats_block(stats, "repl", RW_STAT_GAUGE, &role, 1), 1);
    struct rw_hist *hist = rw_stats_hist(stats, "deliver", "release_ns", "arrival to release");
    rw_stat_set(&core[0], 600);
    rw_stat_set(&core[1], 300);
    rw_stat_set(&core[2], 75);
    rw_stat_set(&core[3], 25);
    rw_stat_set(&core[4], 2); /* CPU 1 */
    rw_stat_set(&feed[0], 1000);
    rw_stat_set(&feed[1], 7);
    for (uint64_t i = 0; i < 100; i++) rw_hist_add(hist, 31);
    return stats;
}

static char text[1 << 16];

static FILE *open_text(void) {
    memset(text, 0, sizeof text);
    return fmemopen(text, sizeof text, "w");
}

static json_int_t number_at(json_t *root, const char *section, const char *block, const char *key) {
    json_t *value = json_object_get(json_object_get(json_object_get(root, section), block), key);
    if (!json_is_integer(value))
        fail_msg("%s.%s.%s is no integer in %s", section, block, key, text);
    return json_integer_value(value);
}

static void json_keys_carry_their_unit_and_sections_their_blocks(void **state) {
    struct rw_stats *stats = make_stats();
    FILE *out = open_text();
    rw_stat_report_json(out, stats);
    fclose(out);
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1); /* one line */
    json_t *root = json_loads(text, 0, NULL);
    assert_non_null(root);
    assert_string_equal(json_string_value(json_object_get(root, "site")), "b");
    assert_true(json_is_false(json_object_get(root, "alive")));
    assert_int_equal(number_at(root, "cores", "0", "busy_ns"), 600);
    assert_int_equal(number_at(root, "cores", "0", "busy_permille"), 600);
    assert_int_equal(number_at(root, "cores", "0", "backpressured_permille"), 75);
    assert_int_equal(number_at(root, "cores", "0", "cpu_pinned"), 1);
    assert_int_equal(number_at(root, "feeds", "feed", "frames_received"), 1000);
    assert_int_equal(number_at(root, "feeds", "feed", "malformed_messages"), 7);
    assert_int_equal(number_at(root, "loss", "feed", "malformed_messages"), 7);
    assert_int_equal(number_at(root, "replication", "repl", "role"), 1);
    json_t *latency = json_object_get(json_object_get(root, "latency"), "deliver");
    json_t *release = json_object_get(latency, "release_ns");
    assert_int_equal(json_integer_value(json_object_get(release, "count")), 100);
    assert_int_equal(json_integer_value(json_object_get(release, "p99_9_ns")), 31);
    assert_null(
        json_object_get(json_object_get(json_object_get(root, "loss"), "feed"), "frames_received"));
    json_decref(root);
    rw_stats_close(stats);
}

static void tables_show_shares_loss_and_death(void **state) {
    struct rw_stats *stats = make_stats();
    FILE *out = open_text();
    rw_stat_report_table(out, stats, false);
    fclose(out);
    assert_non_null(strstr(text, "site b, pid 0 is dead"));
    assert_non_null(strstr(text, "60.0%"));
    assert_non_null(strstr(text, "7.5%"));
    assert_non_null(strstr(text, "dropped: length does not fit the message type"));
    rw_stats_close(stats);
}

static void without_loss_the_section_says_none(void **state) {
    struct rw_stats *stats = rw_stats_create(NULL, "b", 0);
    rw_stats_block(stats, "feed", RW_STAT_COUNTER, feed_rows, 2);
    FILE *out = open_text();
    rw_stat_report_table(out, stats, false);
    fclose(out);
    assert_non_null(strstr(text, "loss by reason\n  none\n"));
    assert_null(strstr(text, "malformed"));
    out = open_text();
    rw_stat_report_table(out, stats, true);
    fclose(out);
    assert_non_null(strstr(text, "malformed"));
    rw_stats_close(stats);
}

static void csv_has_a_line_for_each_row(void **state) {
    struct rw_stats *stats = make_stats();
    FILE *out = open_text();
    rw_stat_report_csv(out, stats);
    fclose(out);
    assert_int_equal(strncmp(text, "block,name,value,p99_ns,p999_ns,max_ns,count,unit,kind\n", 55),
                     0);
    assert_non_null(strstr(text, "\nfeed,malformed,7,,,,,messages,counter\n"));
    assert_non_null(strstr(text, "\nrepl,role,1,,,,,role,gauge\n"));
    assert_non_null(strstr(text, "\ndeliver,release_ns,31,31,31,31,100,ns,histogram\n"));
    rw_stats_close(stats);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_keys_carry_their_unit_and_sections_their_blocks),
        cmocka_unit_test(tables_show_shares_loss_and_death),
        cmocka_unit_test(without_loss_the_section_says_none),
        cmocka_unit_test(csv_has_a_line_for_each_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
