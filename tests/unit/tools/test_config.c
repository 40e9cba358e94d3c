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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_printed_defaults_load_to_the_defaults),
        cmocka_unit_test(an_unknown_key_is_named_with_its_place_and_the_nearest_key),
        cmocka_unit_test(values_out_of_range_say_the_range_and_are_all_reported_at_once),
        cmocka_unit_test(a_missing_required_key_is_named),
        cmocka_unit_test(a_key_given_twice_is_refused),
        cmocka_unit_test(text_that_is_no_yaml_is_refused_with_its_place),
        cmocka_unit_test(keys_that_must_match_change_the_hash_and_others_do_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
