/* riskwire subscribe as a process of its own against deliver stages that the test steps: what it
 * prints is every record once, across overruns, restarts, fail-overs; what a kill leaves is a
 * prefix of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "dataplane/record/result_text.h"
#include "tests/unit/delivery/stage_fixture.h"
#include "tools/riskwire/verbs.h"

#define ARGUMENTS_MAX 16

static char out_path[] = "/tmp/rw-subscribe-XXXXXX";

/* A child that ends by exit, as argp does, still holds what its parent had allocated: no leak of
 * its own, but the leak detector would replace its exit code. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0"; }

static int make_out(void **state) {
    int fd = mkstemp(out_path);
    if (fd >= 0) close(fd);
    return fd < 0;
}

static int remove_out(void **state) { return unlink(out_path); }

static pid_t subscribe(const char *const arguments[]) {
    fflush(NULL);
    assert_int_equal(truncate(out_path, 0), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child) return child;
    char *argv[ARGUMENTS_MAX] = {(char *)(uintptr_t) "subscribe"};
    int argc = 1;
    for (; arguments[argc - 1]; argc++) argv[argc] = (char *)(uintptr_t)arguments[argc - 1];
    int fd = open(out_path, O_WRONLY), quiet = open("/dev/null", O_WRONLY);
    /* what it inherits would keep the journal's lock and the sockets of a stage that is stopped */
    if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(quiet, STDERR_FILENO) < 0 ||
        close_range(3, ~0u, 0))
        _exit(99);
    _exit(rw_verb_subscribe(argc, argv));
}

static bool ended(pid_t child, int *exit_code) {
    int status;
    if (waitpid(child, &status, WNOHANG) != child) return false;
    *exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    return true;
}

static off_t out_bytes(void) {
    struct stat file;
    return stat(out_path, &file) ? 0 : file.st_size;
}

/* The process is real, so the steps leave it time; the limit is on time without an end, not on
 * speed. */
static int run_until_ended(struct fixture *fixture, pid_t child) {
    int exit_code = -1;
    for (uint32_t steps = 0; !ended(child, &exit_code); steps++) {
        assert_true(steps < STEPS_MAX);
        step(fixture);
    }
    return exit_code;
}

static void run_until_written(struct fixture *fixture, off_t bytes) {
    for (uint32_t steps = 0; out_bytes() < bytes; steps++) {
        assert_true(steps < STEPS_MAX);
        step(fixture);
    }
}

static void release_inputs(struct fixture *fixture, uint64_t until_input, uint64_t records_each) {
    while (fixture->input < until_input) {
        send_input(fixture, records_each);
        rw_word_set(&fixture->watermarks->commit, fixture->input);
    }
    run_until_released(fixture, fixture->sent);
}

static void close_session(struct fixture *fixture) {
    struct rw_result record = make_result(++fixture->sent, ++fixture->input);
    record.kind = RW_RESULT_SESSION_CLOSE;
    push(fixture, &record);
    struct rw_result end = make_end(fixture->input, 1, fixture->sent);
    push(fixture, &end);
    rw_word_set(&fixture->watermarks->commit, fixture->input);
}

/* Compares the output with what the formatter makes of records first..last, the last one a close
 * if told; `prefix`: the output may end early, but only after a whole line. */
static void expect_output(uint64_t first, uint64_t last, bool closed, bool prefix,
                          uint64_t records_each) {
    char *wanted = NULL, *got = calloc(1, (size_t)out_bytes() + 1);
    size_t bytes = 0;
    FILE *text = open_memstream(&wanted, &bytes);
    rw_result_print_csv_header(text);
    for (uint64_t s = first; s <= last; s++) {
        struct rw_result record = make_result(s, (s - 1) / records_each + 1);
        if (closed && s == last) record.kind = RW_RESULT_SESSION_CLOSE;
        rw_result_print_csv(text, "2611210001", &record);
    }
    fclose(text);
    int fd = open(out_path, O_RDONLY);
    ssize_t count = read(fd, got, (size_t)out_bytes());
    close(fd);
    if (prefix) {
        assert_true(count > 0 && (size_t)count <= bytes && got[count - 1] == '\n');
        bytes = (size_t)count;
    }
    assert_int_equal(count, bytes);
    assert_memory_equal(got, wanted, bytes);
    free(wanted);
    free(got);
}

static void a_site_is_followed_by_shared_memory_across_its_restart(void **state) {
    struct fixture *fixture = start();
    release_inputs(fixture, 50, 2);
    const char *const arguments[] = {"--shm",         "a",           "--run-dir",
                                     fixture->folder, "--until-end", NULL};
    pid_t child = subscribe(arguments);
    run_until_written(fixture, 5000);
    stop_stage(fixture);
    start_stage(fixture);
    release_inputs(fixture, 60, 2);
    close_session(fixture);
    assert_int_equal(run_until_ended(fixture, child), RW_EXIT_OK);
    expect_output(1, 121, true, false, 2);
    stop(fixture);
}

static void what_the_ring_has_lost_is_fetched_from_the_sites_tcp_port(void **state) {
    struct fixture *fixture = start();
    release_inputs(fixture, 1200, 4); /* more than four rings */
    const char *const arguments[] = {"--shm",  "a",   "--run-dir",   fixture->folder,
                                     "--from", "100", "--until-end", NULL};
    pid_t child = subscribe(arguments);
    run_until_written(fixture, 5000);
    release_inputs(fixture, 2000, 4);
    close_session(fixture);
    assert_int_equal(run_until_ended(fixture, child), RW_EXIT_OK);
    expect_output(100, 8001, true, false, 4);
    stop(fixture);
}

static void a_lost_connection_goes_on_at_the_other_site_after_the_last_record(void **state) {
    struct fixture *first = start(), *second = start();
    char list[64];
    snprintf(list, sizeof list, "127.0.0.1:%u,127.0.0.1:%u", rw_deliver_soup_port(first->stage),
             rw_deliver_soup_port(second->stage));
    release_inputs(first, 1000, 3);
    const char *const arguments[] = {"--soup", list, "--until-end", "--timeout", "60", NULL};
    pid_t child = subscribe(arguments);
    run_until_written(first, 50000);
    stop(first);
    release_inputs(second, 900, 3); /* still behind what the first one had released */
    for (int i = 0; i < 1000; i++) step(second);
    release_inputs(second, 1100, 3);
    close_session(second);
    assert_int_equal(run_until_ended(second, child), RW_EXIT_OK);
    expect_output(1, 3301, true, false, 3);
    stop(second);
}

static void the_port_of_a_restarted_site_is_looked_up_again(void **state) {
    struct fixture *fixture = start();
    release_inputs(fixture, 100, 3);
    const char *const arguments[] = {"--soup-of",     "a",           "--run-dir",
                                     fixture->folder, "--until-end", NULL};
    pid_t child = subscribe(arguments);
    run_until_written(fixture, 5000);
    uint16_t port = rw_deliver_soup_port(fixture->stage);
    stop_stage(fixture);
    start_stage(fixture);
    assert_int_not_equal(rw_deliver_soup_port(fixture->stage), port);
    release_inputs(fixture, 150, 3);
    close_session(fixture);
    assert_int_equal(run_until_ended(fixture, child), RW_EXIT_OK);
    expect_output(1, 451, true, false, 3);
    stop(fixture);
}

static void a_killed_subscriber_leaves_whole_lines(void **state) {
    struct fixture *fixture = start();
    const char *const arguments[] = {"--shm", "a", "--run-dir", fixture->folder, NULL};
    pid_t child = subscribe(arguments);
    release_inputs(fixture, 20000, 1);
    run_until_written(fixture, 50000);
    kill(child, SIGKILL);
    assert_int_equal(run_until_ended(fixture, child), -SIGKILL);
    expect_output(1, 20000, false, true, 1);
    stop(fixture);
}

static void a_count_is_kept_and_a_signal_ends_in_order(void **state) {
    struct fixture *fixture = start();
    release_inputs(fixture, 50, 1);
    const char *const some[] = {"--shm",   "a", "--run-dir", fixture->folder, "--from", "11",
                                "--count", "7", NULL};
    assert_int_equal(run_until_ended(fixture, subscribe(some)), RW_EXIT_OK);
    expect_output(11, 17, false, false, 1);
    const char *const all[] = {"--shm", "a", "--run-dir", fixture->folder, NULL};
    pid_t child = subscribe(all);
    run_until_written(fixture, 3000);
    kill(child, SIGTERM);
    assert_int_equal(run_until_ended(fixture, child), RW_EXIT_OK);
    expect_output(1, 50, false, true, 1);
    stop(fixture);
}

static void without_a_site_the_exit_code_says_so(void **state) {
    struct fixture *fixture = start();
    const char *const none[] = {"--shm", "b", "--run-dir", fixture->folder, NULL};
    assert_int_equal(run_until_ended(fixture, subscribe(none)), RW_EXIT_NO_SITE);
    const char *const refused[] = {"--soup", "127.0.0.1:1", NULL};
    assert_int_equal(run_until_ended(fixture, subscribe(refused)), RW_EXIT_NO_SITE);
    const char *const usage[] = {"--soup", "nonsense", NULL};
    assert_int_equal(run_until_ended(fixture, subscribe(usage)), RW_EXIT_USAGE);
    const char *const both[] = {"--shm", "a", "--soup", "127.0.0.1:1", NULL};
    assert_int_equal(run_until_ended(fixture, subscribe(both)), RW_EXIT_USAGE);
    stop(fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_site_is_followed_by_shared_memory_across_its_restart),
        cmocka_unit_test(what_the_ring_has_lost_is_fetched_from_the_sites_tcp_port),
        cmocka_unit_test(a_lost_connection_goes_on_at_the_other_site_after_the_last_record),
        cmocka_unit_test(the_port_of_a_restarted_site_is_looked_up_again),
        cmocka_unit_test(a_killed_subscriber_leaves_whole_lines),
        cmocka_unit_test(a_count_is_kept_and_a_signal_ends_in_order),
        cmocka_unit_test(without_a_site_the_exit_code_says_so),
    };
    return cmocka_run_group_tests(tests, make_out, remove_out);
}
