/* The statistics file: what the writer adds, a reader of another process finds; damage is
 * refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/base/err.h"
#include "dataplane/base/rng.h"
#include "dataplane/stats/stats.h"
#include "tests/unit/base/dies.h"

#define RW_TOY_COUNTERS(X)                               \
    X(frames_received, "frames", "frames taken from rx") \
    X(malformed, "messages", "length does not fit the message type")
RW_STATS_STRUCT(rw_toy_counters, RW_TOY_COUNTERS);
static const struct rw_stat_row rows[] = RW_STATS_ROWS(RW_TOY_COUNTERS);

static char path[] = "/tmp/rw_stats_test_XXXXXX";

static int make_path(void **state) {
    int fd = mkstemp(path);
    if (fd >= 0) close(fd);
    return fd < 0;
}

static int remove_path(void **state) {
    unlink(path);
    return 0;
}

/* A file with a counter block, a gauge block of the same name, and a histogram. */
static struct rw_stats *make_file(void) {
    struct rw_stats *stats = rw_stats_create(path, "a", (uint64_t)getpid());
    static const struct rw_stat_row gauge = {"depth", "slots", "how deep"};
    assert_non_null(stats);
    struct rw_toy_counters *counters = rw_stats_block(stats, "feed", RW_STAT_COUNTER, rows, 2);
    rw_stat *depth = rw_stats_block(stats, "feed", RW_STAT_GAUGE, &gauge, 1);
    struct rw_hist *hist = rw_stats_hist(stats, "feed", "latency", "from rx to feed");
    rw_stat_add(&counters->malformed, 3);
    rw_stat_set(depth, 17);
    rw_hist_add(hist, 1000);
    return stats;
}

static void a_reader_finds_all_rows_with_their_texts_and_values(void **state) {
    struct rw_stats *writer = make_file(), *reader = rw_stats_open(path);
    assert_non_null(reader);
    assert_string_equal(rw_stats_site(reader), "a");
    assert_int_equal(rw_stats_pid(reader), getpid());
    struct rw_stats_item item;
    uint64_t at = 0;
    assert_true(rw_stats_next(reader, &at, &item));
    assert_string_equal(item.block, "feed");
    assert_string_equal(item.name, "frames_received");
    assert_string_equal(item.unit, "frames");
    assert_int_equal(item.value, 0);
    assert_true(rw_stats_next(reader, &at, &item));
    assert_string_equal(item.help, "length does not fit the message type");
    assert_int_equal(item.value, 3);
    assert_true(rw_stats_next(reader, &at, &item));
    assert_int_equal(item.kind, RW_STAT_GAUGE);
    assert_int_equal(item.value, 17);
    assert_true(rw_stats_next(reader, &at, &item));
    assert_int_equal(item.kind, RW_STAT_HIST);
    assert_int_equal(rw_hist_quantile(item.hist, 1, 2), 1000);
    assert_false(rw_stats_next(reader, &at, &item));
    rw_stats_close(reader);
    rw_stats_close(writer);
}

static void a_new_file_leaves_the_readers_of_the_old_one_alone(void **state) {
    struct rw_stats *first = make_file(), *reader = rw_stats_open(path), *second = make_file();
    struct rw_stats_item item;
    uint64_t at = 1; /* "malformed" */
    assert_true(rw_stats_next(reader, &at, &item));
    assert_int_equal(item.value, 3);
    rw_stats_close(second);
    rw_stats_close(first);
    rw_stats_close(reader);
}

static void the_writer_is_alive_while_its_process_is(void **state) {
    struct rw_stats *writer = make_file();
    assert_true(rw_stats_alive(writer));
    rw_stats_close(writer);
    pid_t child = fork();
    if (child == 0) _exit(0);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    writer = rw_stats_create(path, "a", (uint64_t)child);
    assert_false(rw_stats_alive(writer));
    rw_stats_close(writer);
}

static void a_missing_or_foreign_file_is_an_error(void **state) {
    assert_null(rw_stats_open("/nonexistent/stats"));
    assert_non_null(strstr(rw_err_text(), "/nonexistent/stats"));
    assert_null(rw_stats_open("/"));
    assert_null(rw_stats_open("/proc/self/exe"));
    assert_null(rw_stats_create("/nonexistent/stats", "a", 1));
}

static void a_full_disk_is_an_error_and_leaves_nothing(void **state) {
    struct rlimit before, small;
    char aside[64];
    getrlimit(RLIMIT_FSIZE, &before);
    small = (struct rlimit){.rlim_cur = 1 << 20, .rlim_max = before.rlim_max};
    void (*old)(int) = signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    struct rw_stats *stats = rw_stats_create(path, "a", 1);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, old);
    assert_null(stats);
    assert_non_null(strstr(rw_err_text(), path));
    snprintf(aside, sizeof aside, "%s.new", path);
    assert_int_not_equal(access(aside, F_OK), 0);
}

/* Every walk over damaged bytes ends, and touches only what the file has (the sanitizer watches).
 */
static void damage_is_refused_or_harmless(void **state) {
    const char *text = getenv("RW_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : 99;
    struct rw_rng rng;
    printf("RW_SEED=%llu\n", (unsigned long long)seed);
    rw_rng_seed(&rng, seed);
    int refused = 0, accepted = 0;
    for (int round = 0; round < 300; round++) {
        rw_stats_close(make_file());
        int fd = open(path, O_RDWR);
        if (round % 4 == 0) assert_int_equal(ftruncate(fd, (off_t)rw_rng_below(&rng, 4096)), 0);
        for (int i = 0; i < 4; i++) {
            uint8_t byte = (uint8_t)rw_rng_next(&rng);
            off_t offset = (off_t)rw_rng_below(&rng, 1024);
            assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
        }
        close(fd);
        struct rw_stats *stats = rw_stats_open(path);
        if (stats)
            accepted++;
        else
            refused++;
        struct rw_stats_item item;
        uint64_t at = 0, steps = 0;
        while (stats && rw_stats_next(stats, &at, &item)) {
            assert_true(strlen(item.block) + strlen(item.name) < 256);
            assert_true(++steps < 100000);
        }
        rw_stats_close(stats);
    }
    assert_true(refused > 0 && accepted > 0);
}

static void add_taken(void *stats) { rw_stats_block(stats, "feed", RW_STAT_COUNTER, rows, 2); }
static void add_long(void *stats) {
    static const struct rw_stat_row row = {"a name of forty characters, to be exact!", "", ""};
    rw_stats_block(stats, "x", RW_STAT_COUNTER, &row, 1);
}
static void fill(void *stats) {
    for (int i = 0; i < 600; i++) {
        char name[32];
        snprintf(name, sizeof name, "hist %d", i);
        rw_stats_hist(stats, name, "latency", "");
    }
}

static void a_taken_name_a_long_text_and_a_full_file_are_bugs(void **state) {
    struct rw_stats *stats = rw_stats_create(NULL, "private", 1);
    rw_stats_block(stats, "feed", RW_STAT_COUNTER, rows, 2);
    assert_true(dies(add_taken, stats));
    assert_true(dies(add_long, stats));
    assert_true(dies(fill, stats));
    rw_stats_close(stats);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reader_finds_all_rows_with_their_texts_and_values),
        cmocka_unit_test(a_new_file_leaves_the_readers_of_the_old_one_alone),
        cmocka_unit_test(the_writer_is_alive_while_its_process_is),
        cmocka_unit_test(a_missing_or_foreign_file_is_an_error),
        cmocka_unit_test(a_full_disk_is_an_error_and_leaves_nothing),
        cmocka_unit_test(damage_is_refused_or_harmless),
        cmocka_unit_test(a_taken_name_a_long_text_and_a_full_file_are_bugs),
    };
    return cmocka_run_group_tests(tests, make_path, remove_path);
}
