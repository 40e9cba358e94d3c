/* The broadcast ring and its client library: order, overruns, replaced and damaged regions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "dataplane/base/err.h"
#include "dataplane/delivery/broadcast.h"
#include "dataplane/delivery/client.h"
#include "tests/unit/delivery/results.h"

#define DEPTH 64u

static char folder[] = "/tmp/rw-broadcast-XXXXXX";
static char path[64];

static int make_folder(void **state) {
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/results", folder);
    return 0;
}

static int remove_folder(void **state) {
    unlink(path);
    return rmdir(folder);
}

static void create(struct rw_broadcast *broadcast, uint64_t depth, const char *session) {
    struct rw_broadcast_cfg cfg = {.path = path,
                                   .depth = depth,
                                   .session = session,
                                   .pid = 42,
                                   .soup_address = "127.0.0.1",
                                   .soup_port = 7001};
    assert_int_equal(rw_broadcast_create(broadcast, &cfg), 0);
}

static void put(struct rw_broadcast *broadcast, uint64_t first, uint64_t last) {
    for (uint64_t s = first; s <= last; s++) {
        struct rw_result record = make_result(s, s);
        rw_broadcast_put(broadcast, &record);
    }
    rw_broadcast_flush(broadcast);
}

static void expect(struct rw_client *client, uint64_t first, uint64_t last) {
    struct rw_result record;
    for (uint64_t s = first; s <= last; s++) {
        assert_int_equal(rw_client_next(client, &record), 1);
        assert_true(is_result(&record, s));
    }
}

static void a_reader_gets_every_record_in_order_and_then_nothing(void **state) {
    struct rw_broadcast broadcast;
    struct rw_result record;
    create(&broadcast, DEPTH, "2611210001");
    struct rw_client *client = rw_client_open(path);
    assert_non_null(client);
    assert_int_equal(rw_client_next(client, &record), 0);
    put(&broadcast, 1, 40);
    expect(client, 1, 40);
    assert_int_equal(rw_client_next(client, &record), 0);
    put(&broadcast, 41, 100);
    expect(client, 41, 100);
    rw_client_close(client);
    rw_broadcast_close(&broadcast, true);
}

static void a_reader_may_wait_for_a_sequence_that_is_not_released_yet(void **state) {
    struct rw_broadcast broadcast;
    struct rw_result record;
    create(&broadcast, DEPTH, "2611210001");
    struct rw_client *client = rw_client_open(path);
    put(&broadcast, 1, 10);
    rw_client_from(client, 0);
    assert_int_equal(rw_client_position(client), 11);
    rw_client_from(client, 200);
    put(&broadcast, 11, 199);
    assert_int_equal(rw_client_next(client, &record), 0);
    put(&broadcast, 200, 200);
    expect(client, 200, 200);
    rw_client_close(client);
    rw_broadcast_close(&broadcast, true);
}

static void an_overrun_names_the_missed_range_and_goes_on_behind_it(void **state) {
    struct rw_broadcast broadcast;
    struct rw_result record;
    create(&broadcast, DEPTH, "2611210001");
    struct rw_client *client = rw_client_open(path);
    put(&broadcast, 1, DEPTH);
    expect(client, 1, 3);
    put(&broadcast, DEPTH + 1, DEPTH + 3);
    expect(client, 4, 5); /* 4 is the oldest cell that is still there */
    put(&broadcast, DEPTH + 4, 1000);
    assert_int_equal(rw_client_next(client, &record), -EOVERFLOW);
    uint64_t first, count;
    rw_client_missed(client, &first, &count);
    assert_int_equal(first, 6);
    assert_int_equal(first + count, rw_client_position(client));
    assert_true(first + count > 1000 - DEPTH);
    expect(client, first + count, 1000);
    assert_int_equal(rw_client_next(client, &record), 0);
    rw_client_close(client);
    rw_broadcast_close(&broadcast, true);
}

static void the_writer_finds_its_own_newest_records(void **state) {
    struct rw_broadcast broadcast;
    struct rw_result record;
    create(&broadcast, DEPTH, "2611210001");
    assert_false(rw_broadcast_at(&broadcast, 0, &record));
    assert_false(rw_broadcast_at(&broadcast, 1, &record));
    put(&broadcast, 1, 100);
    assert_false(rw_broadcast_at(&broadcast, 100 - DEPTH, &record));
    assert_true(rw_broadcast_at(&broadcast, 101 - DEPTH, &record));
    assert_true(is_result(&record, 101 - DEPTH));
    assert_true(rw_broadcast_at(&broadcast, 100, &record));
    assert_false(rw_broadcast_at(&broadcast, 101, &record));
    rw_broadcast_close(&broadcast, true);
}

static void a_replaced_region_is_found_and_read_on_at_the_same_sequence(void **state) {
    struct rw_broadcast before, after;
    struct rw_client_status status;
    create(&before, DEPTH, "2611210001");
    struct rw_client *client = rw_client_open(path);
    put(&before, 1, 50);
    expect(client, 1, 50);
    assert_int_equal(rw_client_check(client), 0);
    /* the writer dies without a word; a new one starts from the log's beginning */
    rw_broadcast_close(&before, false);
    assert_int_equal(rw_client_check(client), 0);
    create(&after, 2 * DEPTH, "2611210001");
    assert_int_equal(rw_client_check(client), 1);
    rw_client_status(client, &status);
    assert_int_equal(status.generation, 2);
    struct rw_result record;
    put(&after, 1, 50);
    assert_int_equal(rw_client_next(client, &record), 0);
    put(&after, 51, 60);
    expect(client, 51, 60);
    rw_broadcast_close(&after, true);
    assert_int_equal(rw_client_check(client), -ENOENT);
    rw_client_close(client);
}

static void a_region_of_another_session_is_not_attached(void **state) {
    struct rw_broadcast before, after;
    create(&before, DEPTH, "2611210001");
    struct rw_client *client = rw_client_open(path);
    put(&before, 1, 5);
    create(&after, DEPTH, "2611220001");
    assert_int_equal(rw_client_check(client), -ESTALE);
    expect(client, 1, 5);
    rw_client_close(client);
    rw_broadcast_close(&before, false);
    rw_broadcast_close(&after, true);
}

static void the_status_travels_in_the_head(void **state) {
    struct rw_broadcast broadcast;
    struct rw_client_status status;
    create(&broadcast, DEPTH, "2611210001");
    struct rw_client *client = rw_client_open(path);
    put(&broadcast, 1, 100);
    rw_broadcast_status(&broadcast, 77, 0x301, 5);
    rw_client_status(client, &status);
    assert_string_equal(status.session, "2611210001");
    assert_string_equal(status.soup_address, "127.0.0.1");
    assert_int_equal(status.soup_port, 7001);
    assert_int_equal(status.pid, 42);
    assert_int_equal(status.released, 100);
    assert_int_equal(status.oldest, 101 - DEPTH);
    assert_int_equal(status.commit, 77);
    assert_int_equal(status.role, 0x301);
    assert_int_equal(status.as_of_ns, 100 * 1000);
    assert_int_equal(status.closed, RW_BROADCAST_OPEN);
    rw_broadcast_end(&broadcast, RW_BROADCAST_SESSION_END);
    rw_client_status(client, &status);
    assert_int_equal(status.closed, RW_BROADCAST_SESSION_END);
    rw_client_close(client);
    rw_broadcast_close(&broadcast, true);
}

static void missing_cut_and_foreign_files_are_refused(void **state) {
    assert_null(rw_client_open(path));
    assert_true(strstr(rw_err_text(), path) != NULL);
    struct rw_broadcast broadcast;
    create(&broadcast, DEPTH, "2611210001");
    assert_int_equal(truncate(path, sizeof(struct rw_broadcast_head) + 100), 0);
    assert_null(rw_client_open(path));
    assert_true(strstr(rw_err_text(), "damaged") != NULL);
    assert_int_equal(truncate(path, 100), 0);
    assert_null(rw_client_open(path));
    rw_broadcast_close(&broadcast, true);
    create(&broadcast, DEPTH, "2611210001");
    broadcast.head->version++;
    assert_null(rw_client_open(path));
    assert_true(strstr(rw_err_text(), "version") != NULL);
    broadcast.head->version--;
    broadcast.head->magic++;
    assert_null(rw_client_open(path));
    rw_broadcast_close(&broadcast, true);
}

static void a_depth_out_of_range_or_an_unwritable_path_is_an_error(void **state) {
    struct rw_broadcast broadcast;
    struct rw_broadcast_cfg cfg = {.path = path, .depth = 96, .session = "2611210001"};
    assert_int_equal(rw_broadcast_create(&broadcast, &cfg), -EINVAL);
    cfg.depth = 32;
    assert_int_equal(rw_broadcast_create(&broadcast, &cfg), -EINVAL);
    cfg.depth = DEPTH;
    cfg.path = "/tmp/rw-no-such-folder/results";
    assert_int_equal(rw_broadcast_create(&broadcast, &cfg), -ENOENT);
}

/* Enough reads for several to fall into a put (without the second look at the tag, thousands are
 * torn), and a limit for the machine on which the reader hardly ever runs beside the writer. */
#define RACE_READS   200000u
#define RACE_RECORDS 4000000u

static void *race_reader(void *context) {
    struct rw_client *client = context;
    struct rw_result record;
    uint64_t expected = 1, first, count, read = 0, torn = 0, disorder = 0, reported = 0;
    while (read < RACE_READS && expected <= RACE_RECORDS) {
        int got = rw_client_next(client, &record);
        if (got == 1) {
            torn += !is_result(&record, record.result_sequence);
            disorder += record.result_sequence != expected;
            expected = record.result_sequence + 1;
            read++;
        } else if (got == -EOVERFLOW) {
            rw_client_missed(client, &first, &count);
            disorder += first != expected || count == 0;
            reported += count;
            expected = first + count;
        }
    }
    uint64_t *answer = malloc(4 * sizeof *answer);
    memcpy(answer, (uint64_t[4]){read, reported, torn, disorder}, 4 * sizeof *answer);
    return answer;
}

/* The smallest ring against an unthrottled writer: the reader is overrun again and again, in the
 * middle of copies. Every record must be intact and every missing one reported. The writer
 * pauses for nobody; it adds records beyond the last one wanted until the reader has met its
 * end. */
static void a_reader_under_overrun_sees_only_whole_records_and_every_loss(void **state) {
    struct rw_broadcast broadcast;
    create(&broadcast, DEPTH, "2611210001");
    struct rw_client *client = rw_client_open(path);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, race_reader, client), 0);
    uint64_t *answer = NULL, s = 1;
    while (pthread_tryjoin_np(thread, (void **)&answer) != 0) {
        put(&broadcast, s, s + 31);
        s += 32;
    }
    assert_int_equal(answer[2], 0);
    assert_int_equal(answer[3], 0);
    assert_true(answer[0] >= RACE_READS || answer[0] + answer[1] >= RACE_RECORDS);
    print_message("read %lu, reported missing %lu, of %lu written\n", (unsigned long)answer[0],
                  (unsigned long)answer[1], (unsigned long)(s - 1));
    free(answer);
    rw_client_close(client);
    rw_broadcast_close(&broadcast, true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reader_gets_every_record_in_order_and_then_nothing),
        cmocka_unit_test(a_reader_may_wait_for_a_sequence_that_is_not_released_yet),
        cmocka_unit_test(an_overrun_names_the_missed_range_and_goes_on_behind_it),
        cmocka_unit_test(the_writer_finds_its_own_newest_records),
        cmocka_unit_test(a_replaced_region_is_found_and_read_on_at_the_same_sequence),
        cmocka_unit_test(a_region_of_another_session_is_not_attached),
        cmocka_unit_test(the_status_travels_in_the_head),
        cmocka_unit_test(missing_cut_and_foreign_files_are_refused),
        cmocka_unit_test(a_depth_out_of_range_or_an_unwritable_path_is_an_error),
        cmocka_unit_test(a_reader_under_overrun_sees_only_whole_records_and_every_loss),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
