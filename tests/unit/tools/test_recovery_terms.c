/* What a section says about recovery, refused by the name of its key or turned into limits. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/base/err.h"
#include "tools/riskwired/recovery_terms.h"

struct bench {
    struct rw_config config;
    struct rw_feed_cfg feed;
    struct rw_recover_channel recover;
};

static struct bench *bench_new(void) {
    struct bench *bench = calloc(1, sizeof *bench);
    rw_config_defaults(&bench->config);
    bench->feed.line.venue = rw_venue_named("itch50");
    bench->feed.books.book.orders_max = 1000000;
    return bench;
}

static int terms(struct bench *bench) {
    return rw_recovery_terms(&bench->config.feed[0], "feed2", &bench->feed, &bench->recover);
}

static void assert_refused(struct bench *bench, const char *key) {
    assert_int_equal(terms(bench), -EINVAL);
    assert_non_null(strstr(rw_err_text(), key));
    free(bench);
}

static void lists_that_are_none_are_refused(void **state) {
    struct bench *bench = bench_new();
    strcpy(bench->config.feed[0].request_servers, "a:1,,b:2");
    assert_refused(bench, "feed2.request_servers");
    bench = bench_new();
    strcpy(bench->config.feed[0].request_servers, "a:1,b:2,c:3,d:4,e:5");
    assert_refused(bench, "feed2.request_servers");
}

static void credentials_that_do_not_fit_are_refused_and_a_password_is_not_shown(void **state) {
    struct bench *bench = bench_new();
    strcpy(bench->config.feed[0].snapshot_user, "seven77");
    assert_refused(bench, "feed2.snapshot_user");
    bench = bench_new();
    strcpy(bench->config.feed[0].snapshot_password, "open-sesame");
    assert_int_equal(terms(bench), -EINVAL);
    assert_non_null(strstr(rw_err_text(), "feed2.snapshot_password"));
    assert_null(strstr(rw_err_text(), "sesame"));
    free(bench);
}

static void snapshots_of_itch_are_for_venues_of_itch(void **state) {
    struct bench *bench = bench_new();
    bench->feed.line.venue = rw_venue_named("pitch");
    strcpy(bench->config.feed[0].snapshot_server, "host:1");
    assert_refused(bench, "feed2.snapshot_server");
}

static void without_servers_nothing_changes(void **state) {
    struct bench *bench = bench_new();
    bench->feed.line.file_ports = true;
    assert_int_equal(terms(bench), 0);
    assert_false(rw_recovery_is_wanted(&bench->feed));
    assert_int_equal(bench->feed.line.reorder_packets, 1024);
    assert_int_equal(bench->feed.line.jump_packets, 0);
    free(bench);
}

static void servers_are_asked_in_the_order_of_the_list(void **state) {
    struct bench *bench = bench_new();
    strcpy(bench->config.feed[0].request_servers, "peer:7000, 10.0.0.1:18001,[::1]:5");
    strcpy(bench->config.feed[0].serve, "0.0.0.0:7000");
    bench->config.feed[0].store_mib = 100;
    assert_int_equal(terms(bench), 0);
    assert_int_equal(bench->recover.servers, 3);
    assert_int_equal(bench->feed.recovery.servers, 3);
    assert_string_equal(bench->recover.server[0], "peer:7000");
    assert_string_equal(bench->recover.server[1], "10.0.0.1:18001");
    assert_string_equal(bench->recover.server[2], "[::1]:5");
    assert_int_equal(bench->feed.store.bytes, 64u << 20); /* the power of two below */
    assert_true(rw_recovery_is_wanted(&bench->feed));
    assert_int_equal(bench->feed.line.reorder_packets, 8192);
    free(bench);
}

static void a_site_that_only_serves_gives_gaps_up_as_before(void **state) {
    struct bench *bench = bench_new();
    strcpy(bench->config.feed[0].serve, "0.0.0.0:7000");
    assert_int_equal(terms(bench), 0);
    assert_true(rw_recovery_is_wanted(&bench->feed));
    assert_false(rw_feed_recovers(&bench->feed));
    free(bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_that_are_none_are_refused),
        cmocka_unit_test(credentials_that_do_not_fit_are_refused_and_a_password_is_not_shown),
        cmocka_unit_test(snapshots_of_itch_are_for_venues_of_itch),
        cmocka_unit_test(without_servers_nothing_changes),
        cmocka_unit_test(servers_are_asked_in_the_order_of_the_list),
        cmocka_unit_test(a_site_that_only_serves_gives_gaps_up_as_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
