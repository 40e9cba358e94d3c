/* The configuration: every finding is named with its place, and the printed defaults read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/riskwired/config.h"

static char path[64];
static char findings[8192];

/* Writes text to a file, loads it, and keeps what was reported. */
static int load(const char *text, struct rw_config *config) {
    strcpy(path, "/tmp/riskwire-config-XXXXXX");
    FILE *file = fdopen(mkstemp(path), "w");
    fputs(text, file);
    fclose(file);
    FILE *report = fmemopen(findings, sizeof findings, "w");
    int rc = rw_config_load(path, config, report);
    fclose(report);
    unlink(path);
    return rc;
}

static char *defaults(void) {
    static char text[65536];
    struct rw_config config;
    rw_config_defaults(&config);
    FILE *out = fmemopen(text, sizeof text, "w");
    rw_config_print(&config, out);
    fclose(out);
    return text;
}

static void the_printed_defaults_load_to_the_defaults(void **state) {
    struct rw_config config, wanted;
    rw_config_defaults(&wanted);
    assert_int_equal(load(defaults(), &config), 0);
    assert_memory_equal(&config, &wanted, sizeof config);
}

static void a_secret_is_read_and_never_printed(void **state) {
    struct rw_config *config = malloc(sizeof *config);
    rw_config_defaults(config);
    strcpy(config->feed[0].snapshot_password, "open-sesam");
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    rw_config_print(config, out);
    fclose(out);
    assert_null(strstr(text, "open-sesam"));
    assert_non_null(strstr(text, "snapshot_password: \"\" # set, not shown"));
    free(text);
    free(config);
}

static void an_unknown_key_is_named_with_its_place_and_the_nearest_key(void **state) {
    struct rw_config config;
    char text[70000];
    snprintf(text, sizeof text, "%s\nfed:\n  speed: 1\nsesion: x\n", defaults());
    assert_true(load(text, &config) < 0);
    assert_non_null(strstr(findings, "unknown key 'sesion'; did you mean 'session'?"));
    assert_non_null(strstr(findings, "unknown key 'fed'"));
}

static void values_out_of_range_say_the_range_and_are_all_reported_at_once(void **state) {
    struct rw_config config;
    assert_true(load("site: c\ncores: 0\nfeed:\n  speed: -1\n  udp_port: 65536\n", &config) < 0);
    assert_non_null(strstr(findings, ":1:7: 'site' is 'c', wanted: one of a|b"));
    assert_non_null(strstr(findings, ":2:8: 'cores' is '0', wanted: a whole number from 1 to 64"));
    assert_non_null(strstr(findings, ":4:10: 'feed.speed' is '-1'"));
    assert_non_null(strstr(findings, ":5:13: 'feed.udp_port' is '65536'"));
}

static void a_missing_required_key_is_named(void **state) {
    struct rw_config config;
    assert_true(load("site: a\n", &config) < 0);
    assert_non_null(strstr(findings, "'session' is missing"));
    assert_non_null(strstr(findings, "'peer.certificate' is missing"));
}

static void a_key_given_twice_is_refused(void **state) {
    struct rw_config config;
    assert_true(load("site: a\nsite: b\n", &config) < 0);
    assert_non_null(strstr(findings, ":2:1: 'site' stands here twice"));
}

static void text_that_is_no_yaml_is_refused_with_its_place(void **state) {
    struct rw_config config;
    assert_true(load("site: [a\n", &config) < 0);
    assert_non_null(strstr(findings, "not YAML"));
    assert_true(load("- a\n- b\n", &config) < 0);
    assert_true(load("", &config) < 0);
}

static void keys_that_must_match_change_the_hash_and_others_do_not(void **state) {
    struct rw_config config;
    rw_config_defaults(&config);
    struct rw_hash before = rw_config_match_hash(&config);
    config.cores = 7;
    assert_true(rw_hash_equal(before, rw_config_match_hash(&config)));
    strcpy(config.peer_policy, "mem");
    assert_false(rw_hash_equal(before, rw_config_match_hash(&config)));
}

/* The defaults, then further feeds. */
static const char *with_feeds(const char *more) {
    static char text[70000];
    snprintf(text, sizeof text, "%s\n%s", defaults(), more);
    return text;
}

static void each_feed_section_has_the_same_keys_and_its_own_values(void **state) {
    struct rw_config config;
    const char *more =
        "feed2:\n  line_a: two\n  channel: 1\nfeed3:\n  line_a: three\n  orders: 2048\n";
    assert_int_equal(load(with_feeds(more), &config), 0);
    assert_int_equal(config.feeds, 3);
    assert_string_equal(config.feed[0].line_a, "line_a.pcap");
    assert_string_equal(config.feed[1].line_a, "two");
    assert_int_equal(config.feed[1].channel, 1);
    assert_int_equal(config.feed[1].orders, 1000000);
    assert_string_equal(config.feed[2].line_a, "three");
    assert_int_equal(config.feed[2].orders, 2048);
    assert_int_equal(config.feed[2].gap_timeout_us, 5000);
}

static void several_feeds_are_printed_and_read_back(void **state) {
    static char text[65536];
    struct rw_config config, again;
    assert_int_equal(load(with_feeds("feed2:\n  line_a: two\n  channel: 7\n"), &config), 0);
    FILE *out = fmemopen(text, sizeof text, "w");
    rw_config_print(&config, out);
    fclose(out);
    assert_int_equal(load(text, &again), 0);
    assert_memory_equal(&config, &again, sizeof config);
}

static void findings_in_a_further_feed_name_its_section(void **state) {
    struct rw_config config;
    assert_true(load("site: a\nfeed2:\n  speed: x\n  sped: 1\n  speed: 1\n", &config) < 0);
    assert_non_null(strstr(findings, ":3:10: 'feed2.speed' is 'x'"));
    assert_non_null(
        strstr(findings, ":4:3: unknown key 'feed2.sped'; did you mean 'feed2.speed'?"));
    assert_non_null(strstr(findings, ":5:3: 'feed2.speed' stands here twice"));
    assert_non_null(strstr(findings, "'feed2.line_a' is missing"));
    assert_non_null(strstr(findings, "'feed.line_a' is missing"));
    assert_null(strstr(findings, "feed3"));
}

static void feeds_are_numbered_without_a_hole_and_up_to_eight(void **state) {
    struct rw_config config;
    assert_true(load(with_feeds("feed3:\n  line_a: x\n"), &config) < 0);
    assert_non_null(strstr(findings, "section 'feed3' stands here without 'feed2'"));
    assert_true(load(with_feeds("feed9:\n  line_a: x\n"), &config) < 0);
    assert_non_null(strstr(findings, "unknown key 'feed9'"));
    assert_true(load(with_feeds("feed1:\n  line_a: x\n"), &config) < 0);
    assert_non_null(strstr(findings, "unknown key 'feed1'"));
}

static void a_further_feed_changes_the_hash_of_what_must_match(void **state) {
    struct rw_config config;
    rw_config_defaults(&config);
    struct rw_hash before = rw_config_match_hash(&config);
    config.feed[1].channel = 3; /* of a section that does not stand there */
    assert_true(rw_hash_equal(before, rw_config_match_hash(&config)));
    config.feeds = 2;
    struct rw_hash two = rw_config_match_hash(&config);
    assert_false(rw_hash_equal(before, two));
    config.feed[1].channel = 4;
    assert_false(rw_hash_equal(two, rw_config_match_hash(&config)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_feed_section_has_the_same_keys_and_its_own_values),
        cmocka_unit_test(several_feeds_are_printed_and_read_back),
        cmocka_unit_test(findings_in_a_further_feed_name_its_section),
        cmocka_unit_test(feeds_are_numbered_without_a_hole_and_up_to_eight),
        cmocka_unit_test(a_further_feed_changes_the_hash_of_what_must_match),
        cmocka_unit_test(the_printed_defaults_load_to_the_defaults),
        cmocka_unit_test(a_secret_is_read_and_never_printed),
        cmocka_unit_test(an_unknown_key_is_named_with_its_place_and_the_nearest_key),
        cmocka_unit_test(values_out_of_range_say_the_range_and_are_all_reported_at_once),
        cmocka_unit_test(a_missing_required_key_is_named),
        cmocka_unit_test(a_key_given_twice_is_refused),
        cmocka_unit_test(text_that_is_no_yaml_is_refused_with_its_place),
        cmocka_unit_test(keys_that_must_match_change_the_hash_and_others_do_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
