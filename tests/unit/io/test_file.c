/* The disk queue: the real one and the fake keep the same promises. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "dataplane/base/err.h"
#include "dataplane/io/file.h"

#define BYTES (4 * RW_DISK_BLOCK)

struct place {
    char path[64];
    struct rw_file file;
    uint8_t *buffer;
};

static int place_make(void **state) {
    struct place *place = calloc(1, sizeof *place);
    strcpy(place->path, "/tmp/rw_file_XXXXXX");
    int fd = mkstemp(place->path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(rw_file_open(&place->file, place->path, RW_FILE_CREATE), 0);
    place->buffer = aligned_alloc(RW_DISK_BLOCK, BYTES);
    *state = place;
    return 0;
}

static int place_free(void **state) {
    struct place *place = *state;
    rw_file_close(&place->file);
    unlink(place->path);
    free(place->buffer);
    free(place);
    return 0;
}

static void wait_done(struct rw_disk *disk, struct rw_disk_op *op) {
    for (uint32_t i = 0; op->state == RW_DISK_PENDING && i < 1000000000u; i++) rw_disk_poll(disk);
    assert_int_equal(op->state, RW_DISK_DONE);
    op->state = RW_DISK_IDLE;
}

static void write_then_read(struct place *place, struct rw_disk *disk) {
    struct rw_disk_op op = {0};
    memset(place->buffer, 'a', BYTES);
    rw_disk_write(disk, &op, &place->file, place->buffer, BYTES, RW_DISK_BLOCK, true);
    wait_done(disk, &op);
    assert_int_equal(op.result, BYTES);
    memset(place->buffer, 0, BYTES);
    rw_disk_read(disk, &op, &place->file, place->buffer, BYTES, 2 * RW_DISK_BLOCK);
    wait_done(disk, &op);
    assert_int_equal(op.result, BYTES - RW_DISK_BLOCK); /* the end of the file cuts it short */
    for (uint32_t i = 0; i < BYTES; i++)
        assert_int_equal(place->buffer[i], i < BYTES - 4096 ? 'a' : 0);
}

static void *write_on_a_thread(void *context) {
    void **both = context;
    write_then_read(both[0], both[1]);
    return NULL;
}

static struct rw_disk *open_or_skip(void) {
    struct rw_disk *disk = NULL;
    if (rw_disk_open_uring(&disk, 8) == 0) return disk;
    print_message("skipped: %s\n", rw_err_text());
    skip();
    return NULL;
}

static void a_durable_write_is_read_back(void **state) {
    struct rw_disk *disk = open_or_skip();
    write_then_read(*state, disk);
    rw_disk_close(disk);
}

static void a_queue_made_on_one_thread_works_on_another(void **state) {
    struct rw_disk *disk = open_or_skip();
    void *both[2] = {*state, disk};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, write_on_a_thread, both), 0);
    pthread_join(thread, NULL);
    rw_disk_close(disk);
}

static void an_error_of_the_file_comes_back_as_minus_errno(void **state) {
    struct place *place = *state;
    struct rw_disk *disk = open_or_skip();
    struct rw_file read_only;
    assert_int_equal(rw_file_open(&read_only, place->path, RW_FILE_READ), 0);
    struct rw_disk_op op = {0};
    rw_disk_write(disk, &op, &read_only, place->buffer, BYTES, 0, false);
    wait_done(disk, &op);
    assert_int_equal(op.result, -EBADF);
    rw_file_close(&read_only);
    rw_disk_close(disk);
}

static void many_operations_in_flight_all_come_back(void **state) {
    struct place *place = *state;
    struct rw_disk *disk = open_or_skip();
    struct rw_disk_op op[8] = {{0}};
    memset(place->buffer, 'b', BYTES);
    for (uint64_t i = 0; i < 8; i++)
        rw_disk_write(disk, &op[i], &place->file, place->buffer, RW_DISK_BLOCK, i * RW_DISK_BLOCK,
                      true);
    for (uint64_t i = 0; i < 8; i++) {
        wait_done(disk, &op[i]);
        assert_int_equal(op[i].result, RW_DISK_BLOCK);
    }
    rw_disk_close(disk);
}

static void the_fake_keeps_the_same_promises(void **state) {
    struct rw_disk_faults faults = {.seed = 1, .delay_max = 5};
    struct rw_disk *disk = rw_disk_open_fake(&faults);
    write_then_read(*state, disk);
    rw_disk_close(disk);
}

static void the_fake_stops_short_fails_and_fills_up(void **state) {
    struct place *place = *state;
    struct rw_disk_faults faults = {.seed = 1, .short_per_million = 1000000};
    struct rw_disk *disk = rw_disk_open_fake(&faults);
    struct rw_disk_op op = {0};
    rw_disk_write(disk, &op, &place->file, place->buffer, BYTES, 0, true);
    wait_done(disk, &op);
    assert_true(op.result > 0 && op.result < (int)BYTES && op.result % 512 == 0);
    faults.error_per_million = 1000000;
    rw_disk_write(disk, &op, &place->file, place->buffer, BYTES, 0, true);
    wait_done(disk, &op);
    assert_int_equal(op.result, -EIO);
    faults.full = true;
    rw_disk_write(disk, &op, &place->file, place->buffer, BYTES, 0, true);
    wait_done(disk, &op);
    assert_int_equal(op.result, -ENOSPC);
    assert_int_equal(rw_disk_reserve(disk, &place->file, 4096), -ENOSPC);
    rw_disk_close(disk);
}

static void a_crash_tears_writes_by_sectors(void **state) {
    struct place *place = *state;
    uint32_t torn = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct rw_disk_faults faults = {.seed = seed, .delay_max = 100};
        struct rw_disk *disk = rw_disk_open_fake(&faults);
        struct rw_disk_op op = {0};
        uint8_t after[BYTES];
        memset(place->buffer, 0, BYTES);
        assert_int_equal(pwrite(place->file.fd, place->buffer, BYTES, 0), BYTES);
        memset(place->buffer, 'c', BYTES);
        rw_disk_write(disk, &op, &place->file, place->buffer, BYTES, 0, true);
        rw_disk_fake_crash(disk);
        rw_disk_poll(disk);
        assert_int_equal(op.state, RW_DISK_PENDING);
        rw_disk_close(disk);
        assert_int_equal(pread(place->file.fd, after, BYTES, 0), BYTES);
        uint32_t written = 0;
        for (uint32_t at = 0; at < BYTES; at += 512) {
            for (uint32_t i = 1; i < 512; i++) assert_int_equal(after[at + i], after[at]);
            written += after[at] == 'c';
        }
        torn += written > 0 && written < BYTES / 512;
    }
    assert_true(torn > 5);
}

static void a_locked_file_is_free_when_it_is_closed(void **state) {
    struct place *place = *state;
    struct rw_file other;
    assert_int_equal(rw_file_lock(&place->file, place->path), 0);
    assert_int_equal(rw_file_open(&other, place->path, RW_FILE_WRITE), 0);
    assert_int_not_equal(flock(other.fd, LOCK_EX | LOCK_NB), 0);
    rw_file_close(&place->file);
    assert_int_equal(rw_file_lock(&other, place->path), 0);
    rw_file_close(&other);
}

static void a_file_that_cannot_be_opened_is_named(void **state) {
    struct rw_file file;
    assert_int_equal(rw_file_open(&file, "/nonexistent/x", RW_FILE_READ), -ENOENT);
    assert_non_null(strstr(rw_err_text(), "/nonexistent/x"));
}

/* In a child, because the limit holds for the process. Root is exempt from the limit: skipped
 * there. */
static void too_little_locked_memory_names_rlimit_memlock(void **state) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit none = {0, 0};
        struct rw_disk *disk;
        if (setrlimit(RLIMIT_MEMLOCK, &none) || (geteuid() == 0 && setuid(65534))) _exit(2);
        int rc = rw_disk_open_uring(&disk, 4096);
        const char *text = rc ? rw_err_text() : "it worked";
        ssize_t wrote = write(ends[1], text, strlen(text));
        _exit(rc == -ENOMEM && wrote > 0 ? 0 : 1);
    }
    char text[256] = {0};
    int status;
    close(ends[1]);
    assert_true(read(ends[0], text, sizeof text - 1) >= 0);
    close(ends[0]);
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 1 && strstr(text, "it worked")) {
        print_message("skipped: this kernel does not charge io_uring to RLIMIT_MEMLOCK\n");
        skip();
    }
    if (!strstr(text, "RLIMIT_MEMLOCK")) print_message("got: %s\n", text);
    assert_non_null(strstr(text, "RLIMIT_MEMLOCK"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_durable_write_is_read_back, place_make, place_free),
        cmocka_unit_test_setup_teardown(a_queue_made_on_one_thread_works_on_another, place_make,
                                        place_free),
        cmocka_unit_test_setup_teardown(an_error_of_the_file_comes_back_as_minus_errno, place_make,
                                        place_free),
        cmocka_unit_test_setup_teardown(many_operations_in_flight_all_come_back, place_make,
                                        place_free),
        cmocka_unit_test_setup_teardown(the_fake_keeps_the_same_promises, place_make, place_free),
        cmocka_unit_test_setup_teardown(the_fake_stops_short_fails_and_fills_up, place_make,
                                        place_free),
        cmocka_unit_test_setup_teardown(a_crash_tears_writes_by_sectors, place_make, place_free),
        cmocka_unit_test_setup_teardown(a_locked_file_is_free_when_it_is_closed, place_make,
                                        place_free),
        cmocka_unit_test(a_file_that_cannot_be_opened_is_named),
        cmocka_unit_test(too_little_locked_memory_names_rlimit_memlock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
