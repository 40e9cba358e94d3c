/* The stage with a real result journal in a folder of its own: what merge sends arrives at
 * readers in order, held back by the commit index, also when memory no longer holds it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>

#include "dataplane/base/rng.h"
#include "dataplane/delivery/broadcast.h"
#include "dataplane/delivery/client.h"
#include "dataplane/delivery/deliver_core.h"
#include "dataplane/delivery/deliver_stage.h"
#include "dataplane/delivery/soup_client.h"
#include "dataplane/journal/reader.h"
#include "tests/unit/delivery/stage_fixture.h"

static void read_all(struct fixture *fixture, struct rw_client *client, uint64_t first,
                     uint64_t last) {
    struct rw_result record;
    for (uint64_t s = first; s <= last; s++) {
        run_until_released(fixture, s);
        assert_int_equal(rw_client_next(client, &record), 1);
        assert_true(is_result(&record, s));
    }
}

static uint64_t stat_of(struct fixture *fixture, const char *block, const char *name) {
    struct rw_stats_item item;
    for (uint64_t at = 0; rw_stats_next(fixture->stats, &at, &item);)
        if (!strcmp(item.block, block) && !strcmp(item.name, name))
            return item.kind == RW_STAT_HIST
                       ? atomic_load_explicit(&item.hist->count, memory_order_relaxed)
                       : item.value;
    fail_msg("no row %s %s", block, name);
    return 0;
}

static void results_wait_for_the_commit_index_and_then_come_in_order(void **state) {
    struct fixture *fixture = start();
    struct rw_client *client = rw_client_open(fixture->path);
    struct rw_result record;
    assert_non_null(client);
    for (int i = 0; i < 100; i++) send_input(fixture, 3);
    run_until_stored(fixture);
    assert_int_equal(rw_client_next(client, &record), 0);
    assert_int_equal(rw_word_get(&fixture->watermarks->released), 0);
    rw_word_set(&fixture->watermarks->commit, 40);
    read_all(fixture, client, 1, 120);
    for (int i = 0; i < 1000; i++) step(fixture);
    assert_int_equal(rw_client_next(client, &record), 0);
    rw_word_set(&fixture->watermarks->commit, 1000);
    read_all(fixture, client, 121, 300);
    assert_int_equal(stat_of(fixture, "deliver", "release_ns"), 300);
    assert_int_equal(stat_of(fixture, "deliver", "records_released"), 300);
    assert_int_equal(stat_of(fixture, "deliver", "unreleased"), 0);
    rw_client_close(client);
    stop(fixture);
}

static void a_backlog_beyond_memory_is_released_from_the_journal(void **state) {
    struct fixture *fixture = start();
    struct rw_client *client = rw_client_open(fixture->path);
    struct rw_rng rng;
    rw_rng_seed(&rng, 11);
    while (fixture->sent < 5 * PENDING) send_input(fixture, rw_rng_below(&rng, 12));
    send_input(fixture, 3000); /* more than a block of the journal */
    rw_word_set(&fixture->watermarks->commit, fixture->input);
    read_all(fixture, client, 1, fixture->sent);
    assert_true(stat_of(fixture, "deliver", "records_reread") >= 3 * PENDING);
    assert_int_equal(stat_of(fixture, "deliver", "read_errors"), 0);
    rw_client_close(client);
    stop(fixture);
}

/* A program that follows over TCP, on a thread of its own: it waits, the stage never does. */
struct follower {
    pthread_t thread;
    uint16_t port;
    uint64_t first, last;
    uint64_t wrong;
    int rc;
};

static void *follow(void *context) {
    struct follower *follower = context;
    struct rw_soup_client *client;
    struct rw_result record;
    follower->rc =
        rw_soup_client_open(&client, "127.0.0.1", follower->port, "", follower->first, 20000);
    if (follower->rc) return NULL;
    for (uint64_t s = follower->first; s <= follower->last && follower->rc >= 0;) {
        follower->rc = rw_soup_client_next(client, &record, 20000);
        if (follower->rc == RW_SOUP_GOT_NOTHING) follower->rc = -ETIMEDOUT;
        if (follower->rc == RW_SOUP_GOT_RECORD) follower->wrong += !is_result(&record, s++);
    }
    rw_soup_client_close(client);
    return NULL;
}

static void any_sequence_is_served_over_tcp_from_the_journal_or_the_ring(void **state) {
    struct fixture *fixture = start();
    while (fixture->sent < 10 * RING) send_input(fixture, 5);
    rw_word_set(&fixture->watermarks->commit, fixture->input);
    run_until_released(fixture, fixture->sent);
    struct rw_client *ring = rw_client_open(fixture->path);
    struct rw_client_status status;
    rw_client_status(ring, &status);
    rw_client_close(ring);
    assert_int_equal(status.soup_port, rw_deliver_soup_port(fixture->stage));
    assert_int_equal(status.released, fixture->sent);
    assert_int_equal(stat_of(fixture, "deliver", "soup_port"), status.soup_port);
    struct follower followers[3] = {{.first = 1}, {.first = 4000}, {.first = 10 * RING - 10}};
    for (int i = 0; i < 3; i++) {
        followers[i].port = status.soup_port;
        followers[i].last = 12 * RING; /* beyond what is released now */
        assert_int_equal(pthread_create(&followers[i].thread, NULL, follow, &followers[i]), 0);
    }
    for (int left = 3; left;) {
        if (fixture->sent < 12 * RING) send_input(fixture, 1);
        rw_word_set(&fixture->watermarks->commit, fixture->input);
        step(fixture);
        left = 0;
        for (int i = 0; i < 3; i++) {
            if (followers[i].thread && !pthread_tryjoin_np(followers[i].thread, NULL))
                followers[i].thread = 0;
            left += followers[i].thread != 0;
        }
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(followers[i].rc, RW_SOUP_GOT_RECORD);
        assert_int_equal(followers[i].wrong, 0);
    }
    assert_true(stat_of(fixture, "deliver soup", "records_from_journal") > 10 * RING);
    stop(fixture);
}

static int check_block(void *context, const struct rw_journal_record *block) {
    uint64_t *next = context;
    struct rw_deliver_note note;
    memcpy(&note, block->note, sizeof note);
    assert_int_equal(block->first_sequence, *next);
    const struct rw_result *results = (const struct rw_result *)block->payload;
    for (uint32_t i = 0; i < block->count; i++) assert_true(is_result(&results[i], (*next)++));
    assert_int_equal(note.last_result, *next - 1);
    assert_true(note.input_sequence >= results[block->count - 1].input_sequence);
    assert_true(note.rh_low == note.input_sequence * 0x9E3779B97F4A7C15ull);
    return 0;
}

static void the_journal_holds_every_record_and_each_block_ends_with_its_hash(void **state) {
    struct fixture *fixture = start();
    struct rw_rng rng;
    rw_rng_seed(&rng, 5);
    while (fixture->sent < 3 * PENDING) send_input(fixture, rw_rng_below(&rng, 7));
    uint64_t sent = fixture->sent;
    run_until_stored(fixture);
    stop_stage(fixture);
    struct rw_journal_summary summary;
    uint64_t next = 1;
    assert_int_equal(rw_journal_scan(fixture->journal, 0, check_block, &next, &summary), 0);
    assert_int_equal(next, sent + 1);
    start_stage(fixture); /* made anew: nothing of the old one is left */
    assert_int_equal(rw_journal_scan(fixture->journal, 0, NULL, NULL, &summary), 0);
    assert_int_equal(summary.last, 0);
    stop(fixture);
}

static void a_restarted_site_is_read_on_at_the_same_sequence(void **state) {
    struct fixture *fixture = start();
    struct rw_client *client = rw_client_open(fixture->path);
    for (int i = 0; i < 50; i++) send_input(fixture, 2);
    rw_word_set(&fixture->watermarks->commit, fixture->input);
    read_all(fixture, client, 1, 100);
    stop_stage(fixture);
    assert_int_equal(rw_client_check(client), -ENOENT); /* stopped in order: the file is removed */
    start_stage(fixture);
    assert_int_equal(rw_client_check(client), 1);
    rw_word_set(&fixture->watermarks->commit, 60); /* known before the log has been replayed */
    for (int i = 0; i < 60; i++) send_input(fixture, 2);
    read_all(fixture, client, 101, 120);
    rw_client_close(client);
    stop(fixture);
}

static void the_close_of_the_session_ends_the_ring(void **state) {
    struct fixture *fixture = start();
    struct rw_client *client = rw_client_open(fixture->path);
    struct rw_client_status status;
    send_input(fixture, 1);
    struct rw_result record = make_result(2, 2);
    record.kind = RW_RESULT_SESSION_CLOSE;
    push(fixture, &record);
    record = make_end(2, 1, 2);
    push(fixture, &record);
    rw_word_set(&fixture->watermarks->commit, 2);
    run_until_released(fixture, 2);
    rw_client_status(client, &status);
    assert_int_equal(status.closed, RW_BROADCAST_SESSION_END);
    assert_int_equal(status.released, 2);
    rw_client_close(client);
    stop(fixture);
}

static void wrong_settings_are_refused_by_the_plan(void **state) {
    struct fixture *fixture = start();
    struct rw_plan plan = {0};
    struct rw_deliver_cfg good = fixture->cfg, cfg = good;
    cfg.broadcast_records = 1000;
    assert_int_equal(rw_deliver_stage_type.plan(&cfg, "x", 1, &plan), -EINVAL);
    cfg = good;
    cfg.pending_records = 512;
    assert_int_equal(rw_deliver_stage_type.plan(&cfg, "x", 1, &plan), -EINVAL);
    cfg = good;
    cfg.session[9] = 0;
    assert_int_equal(rw_deliver_stage_type.plan(&cfg, "x", 1, &plan), -EINVAL);
    cfg = good;
    cfg.soup_clients_max = RW_DELIVER_CLIENTS_MAX + 1;
    assert_int_equal(rw_deliver_stage_type.plan(&cfg, "x", 1, &plan), -EINVAL);
    assert_int_equal(plan.count, 0);
    stop(fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_wait_for_the_commit_index_and_then_come_in_order),
        cmocka_unit_test(a_backlog_beyond_memory_is_released_from_the_journal),
        cmocka_unit_test(any_sequence_is_served_over_tcp_from_the_journal_or_the_ring),
        cmocka_unit_test(the_journal_holds_every_record_and_each_block_ends_with_its_hash),
        cmocka_unit_test(a_restarted_site_is_read_on_at_the_same_sequence),
        cmocka_unit_test(the_close_of_the_session_ends_the_ring),
        cmocka_unit_test(wrong_settings_are_refused_by_the_plan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
