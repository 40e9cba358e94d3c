/* Taps: nothing is copied that nobody asked for; what is read is whole and in order; what is not
 * is known to the message. Two threads at the end: a record of two halves would be found. */
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
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/base/err.h"
#include "dataplane/base/rng.h"
#include "dataplane/link/tap_reader.h"

#define RING_BYTES RW_TAP_RING_BYTES_MIN
#define BYTES_MAX  2000u

static char folder[] = "/tmp/rw-tap-XXXXXX";
static char path[64];
static struct rw_taps_cfg cfg;
static struct rw_taps taps;
static struct rw_tap_reader *reader;
static uint8_t buffer[RW_TAP_RECORD_BYTES_MAX];

static int make_folder(void **state) {
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/taps", folder);
    return 0;
}
static int remove_folder(void **state) { return rmdir(folder); }

static int open_both(void **state) {
    cfg = (struct rw_taps_cfg){.path = path,
                               .site = "a",
                               .pid = 42,
                               .ring_bytes = RING_BYTES,
                               .count = 2,
                               .row = {{"rx port0", "line_a.pcap", RW_TAP_FRAMES, 0},
                                       {"rx->feed", "", RW_TAP_SLOTS, 2048}}};
    return rw_taps_create(&taps, &cfg) || rw_tap_reader_open(path, &reader);
}
static int close_both(void **state) {
    rw_tap_reader_close(reader);
    rw_taps_close(&taps, path);
    return 0;
}

/* Byte k of message n, so that a mixture of two messages is found. */
static void fill(uint8_t *bytes, uint64_t number, uint32_t count) {
    for (uint32_t k = 0; k < count; k++) bytes[k] = (uint8_t)(number * 31 + k);
}
static bool is_message(const struct rw_tap_record *record, const uint8_t *bytes) {
    for (uint32_t k = 0; k < record->bytes; k++)
        if (bytes[k] != (uint8_t)(record->number * 31 + k)) return false;
    return true;
}
static void put(struct rw_tap *tap, uint64_t number, uint32_t count) {
    static uint8_t bytes[2 * RW_TAP_RECORD_BYTES_MAX];
    fill(bytes, number, count);
    rw_tap_put(tap, &(struct rw_tap_record){number * 10, number, count, count, 0, 0}, bytes);
}

static uint64_t seed_of_run(void) {
    const char *text = getenv("RW_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : 1;
    printf("RW_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

static void sizes_and_names_that_cannot_be_are_refused(void **state) {
    struct rw_taps other;
    struct rw_taps_cfg wrong = cfg;
    wrong.ring_bytes = RING_BYTES + 8;
    assert_int_equal(rw_taps_create(&other, &wrong), -EINVAL);
    wrong.ring_bytes = RING_BYTES / 2;
    assert_int_equal(rw_taps_create(&other, &wrong), -EINVAL);
    wrong = cfg;
    wrong.count = 0;
    assert_int_equal(rw_taps_create(&other, &wrong), -EINVAL);
    wrong = cfg;
    strcpy(wrong.row[1].name, wrong.row[0].name);
    assert_int_equal(rw_taps_create(&other, &wrong), -EINVAL);
    assert_non_null(strstr(rw_err_text(), "two taps are called 'rx port0'"));
    wrong = cfg;
    wrong.path = "/nonexistent/taps";
    assert_int_equal(rw_taps_create(&other, &wrong), -ENOENT);
}

static void a_damaged_file_is_refused(void **state) {
    struct rw_tap_reader *none;
    struct rw_taps_file *file = taps.file;
    file->head.version++;
    assert_int_equal(rw_tap_reader_open(path, &none), -EINVAL);
    file->head.version--;
    file->head.count = RW_TAPS_MAX; /* more rings than the file has room for */
    assert_int_equal(rw_tap_reader_open(path, &none), -EINVAL);
    assert_non_null(strstr(rw_err_text(), "cut short"));
    file->head.count = 2;
    file->head.ring_bytes = 12345;
    assert_int_equal(rw_tap_reader_open(path, &none), -EINVAL);
    file->head.ring_bytes = RING_BYTES;
    memset(file->tap[1].row.name, 'x', sizeof file->tap[1].row.name);
    assert_int_equal(rw_tap_reader_open(path, &none), -EINVAL);
    file->tap[1].row = cfg.row[1];
    file->tap[1].row.kind = 9;
    assert_int_equal(rw_tap_reader_open(path, &none), -EINVAL);
    file->tap[1].row = cfg.row[1];
    char cut[80]; /* truncating the file itself would pull it from under the taps */
    snprintf(cut, sizeof cut, "%s.cut", path);
    int fd = open(cut, O_RDWR | O_CREAT, 0600);
    assert_int_equal(write(fd, file, 4096), 4096);
    close(fd);
    assert_int_equal(rw_tap_reader_open(cut, &none), -EINVAL);
    unlink(cut);
}

static void a_reader_sees_what_taps_there_are(void **state) {
    assert_int_equal(rw_tap_reader_count(reader), 2);
    assert_string_equal(rw_tap_reader_row(reader, 0)->name, "rx port0");
    assert_string_equal(rw_tap_reader_row(reader, 0)->detail, "line_a.pcap");
    assert_int_equal(rw_tap_reader_row(reader, 1)->slot_bytes, 2048);
    assert_int_equal(rw_tap_reader_pid(reader), 42);
    assert_string_equal(rw_tap_reader_site(reader), "a");
    assert_ptr_equal(rw_taps_find(&taps, "rx->feed"), &taps.tap[1]);
    assert_null(rw_taps_find(&taps, "rx->nobody"));
    assert_null(rw_taps_find(NULL, "rx->feed"));
}

static void only_owner_and_group_may_capture(void **state) {
    struct stat file;
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0660);
}

static void a_tap_is_on_only_while_somebody_asks(void **state) {
    struct rw_tap *tap = &taps.tap[0];
    assert_false(rw_tap_on(NULL));
    rw_tap_look(NULL, 0, 1);
    rw_tap_look(tap, 5, 1000);
    assert_false(rw_tap_on(tap));
    assert_false(rw_tap_reader_wanted(reader, 0));
    assert_int_equal(rw_tap_reader_passed(reader, 0), 5);
    rw_tap_reader_ask(reader, 0);
    rw_tap_look(tap, 7, 2000);
    assert_true(rw_tap_on(tap));
    assert_true(rw_tap_reader_wanted(reader, 0));
    assert_int_equal(rw_tap_reader_passed(reader, 0), 7);
    assert_false(rw_tap_on(&taps.tap[1]));
    rw_tap_look(tap, 7, 2000 + RW_TAP_LEASE_NS - 1);
    assert_true(rw_tap_on(tap));
    rw_tap_look(tap, 7, 2000 + RW_TAP_LEASE_NS);
    assert_false(rw_tap_on(tap)); /* the reader has not asked again */
    rw_tap_reader_ask(reader, 0);
    rw_tap_look(tap, 7, 3 * RW_TAP_LEASE_NS);
    assert_true(rw_tap_on(tap));
}

static void records_come_whole_and_in_order(void **state) {
    struct rw_tap_record record;
    assert_int_equal(rw_tap_reader_next(reader, 0, &record, buffer), 0);
    for (uint64_t number = 1; number <= 1000; number++) { /* many times around the ring */
        put(&taps.tap[0], number, (uint32_t)(number * 7 % BYTES_MAX));
        assert_int_equal(rw_tap_reader_next(reader, 0, &record, buffer), 1);
        assert_int_equal(record.number, number);
        assert_int_equal(record.bytes, number * 7 % BYTES_MAX);
        assert_true(is_message(&record, buffer));
        assert_int_equal(rw_tap_reader_next(reader, 0, &record, buffer), 0);
    }
}

static void what_is_too_long_is_cut_and_says_so(void **state) {
    struct rw_tap_record record;
    put(&taps.tap[0], 1, RW_TAP_RECORD_BYTES_MAX + 100);
    put(&taps.tap[0], 2, 10);
    assert_int_equal(rw_tap_reader_next(reader, 0, &record, buffer), 1);
    assert_int_equal(record.bytes, RW_TAP_RECORD_BYTES_MAX);
    assert_int_equal(record.original, RW_TAP_RECORD_BYTES_MAX + 100);
    assert_true(is_message(&record, buffer));
    assert_int_equal(rw_tap_reader_next(reader, 0, &record, buffer), 1);
    assert_int_equal(record.number, 2);
}

static void a_slow_reader_is_told_and_goes_on_with_the_newest(void **state) {
    struct rw_tap_record record;
    uint64_t number = 0;
    while (number * (BYTES_MAX + 32) <= RING_BYTES) put(&taps.tap[0], ++number, BYTES_MAX);
    assert_int_equal(rw_tap_reader_next(reader, 0, &record, buffer), -EOVERFLOW);
    assert_int_equal(rw_tap_reader_next(reader, 0, &record, buffer), 0);
    put(&taps.tap[0], ++number, 100);
    assert_int_equal(rw_tap_reader_next(reader, 0, &record, buffer), 1);
    assert_int_equal(record.number, number); /* the numbers tell how many are missing */
}

static void the_site_may_stand_at_any_clock(void **state) {
    struct rw_tap_record record = {.time_ns = 1000};
    rw_taps_clock(&taps, 5000, 1700000000000005000);
    assert_int_equal(rw_tap_reader_unix_ns(reader, &record), 1700000000000001000);
    record.flags = RW_TAP_UNIX;
    assert_int_equal(rw_tap_reader_unix_ns(reader, &record), 1000);
}

static void an_orderly_stop_is_told_and_leaves_no_file(void **state) {
    struct rw_tap_record record;
    put(&taps.tap[1], 1, 64);
    assert_false(rw_tap_reader_closed(reader));
    rw_taps_close(&taps, path);
    assert_true(rw_tap_reader_closed(reader));
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(rw_tap_reader_next(reader, 1, &record, buffer), 1); /* still to be read */
}

static void a_successor_is_not_removed_by_its_predecessor(void **state) {
    struct rw_taps next;
    assert_int_equal(rw_taps_create(&next, &cfg), 0);
    rw_taps_close(&taps, path);
    assert_int_equal(access(path, F_OK), 0);
    rw_taps_close(&next, path);
}

/* A random mixture of puts and reads against the numbers that must come. */
static void the_ring_behaves_like_a_lossy_queue(void **state) {
    struct rw_rng rng;
    struct rw_tap_record record;
    uint64_t number = 0, bytes = 0, read_bytes = 0, expected = 1, read = 0, missed = 0;
    rw_rng_seed(&rng, seed_of_run());
    for (int step = 0; step < 100000; step++) {
        if (rw_rng_chance(&rng, 55, 100)) {
            uint32_t count = (uint32_t)rw_rng_below(&rng, BYTES_MAX);
            put(&taps.tap[1], ++number, count);
            bytes += 32 + (count + 7) / 8 * 8;
            continue;
        }
        int got = rw_tap_reader_next(reader, 1, &record, buffer);
        if (got == 1) {
            assert_int_equal(record.number, expected);
            assert_true(is_message(&record, buffer));
            assert_true(bytes - read_bytes <= RING_BYTES);
            read_bytes += 32 + (record.bytes + 7) / 8 * 8;
            expected++;
            read++;
        } else if (got == 0) {
            assert_int_equal(expected, number + 1);
        } else {
            assert_true(bytes - read_bytes > RING_BYTES);
            read_bytes = bytes;
            missed += number + 1 - expected;
            expected = number + 1;
        }
    }
    assert_int_equal(read + missed + (number + 1 - expected), number);
    assert_true(missed > 0);
}

#define MESSAGES 200000u

static _Atomic bool done;
static void *write_all(void *unused) {
    struct rw_rng rng;
    rw_rng_seed(&rng, 3);
    for (uint64_t number = 1; number <= MESSAGES; number++) {
        put(&taps.tap[0], number, (uint32_t)rw_rng_below(&rng, 300));
        if (number % 32 == 0) sched_yield();
    }
    rw_tap_look(&taps.tap[0], MESSAGES, 1);
    atomic_store(&done, true);
    return NULL;
}

static void another_thread_reads_whole_records_or_knows_what_it_missed(void **state) {
    pthread_t writer;
    struct rw_tap_record record;
    uint64_t last = 0, read = 0, missed = 0, wrong = 0;
    assert_int_equal(pthread_create(&writer, NULL, write_all, NULL), 0);
    for (bool ended = false; !ended;) {
        ended = atomic_load(&done);
        for (int got; (got = rw_tap_reader_next(reader, 0, &record, buffer)) != 0;) {
            if (got < 0) continue;
            wrong += record.number <= last || !is_message(&record, buffer);
            missed += record.number - last - 1;
            last = record.number;
            read++;
        }
        sched_yield();
    }
    pthread_join(writer, NULL);
    missed += rw_tap_reader_passed(reader, 0) - last;
    assert_int_equal(wrong, 0);
    assert_int_equal(read + missed, MESSAGES);
    print_message("%llu read, %llu missed\n", (unsigned long long)read, (unsigned long long)missed);
}

int main(void) {
#define TAP_TEST(name) cmocka_unit_test_setup_teardown(name, open_both, close_both)
    const struct CMUnitTest tests[] = {
        TAP_TEST(sizes_and_names_that_cannot_be_are_refused),
        TAP_TEST(a_damaged_file_is_refused),
        TAP_TEST(a_reader_sees_what_taps_there_are),
        TAP_TEST(only_owner_and_group_may_capture),
        TAP_TEST(a_tap_is_on_only_while_somebody_asks),
        TAP_TEST(records_come_whole_and_in_order),
        TAP_TEST(what_is_too_long_is_cut_and_says_so),
        TAP_TEST(a_slow_reader_is_told_and_goes_on_with_the_newest),
        TAP_TEST(the_site_may_stand_at_any_clock),
        TAP_TEST(an_orderly_stop_is_told_and_leaves_no_file),
        TAP_TEST(a_successor_is_not_removed_by_its_predecessor),
        TAP_TEST(the_ring_behaves_like_a_lossy_queue),
        TAP_TEST(another_thread_reads_whole_records_or_knows_what_it_missed),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
