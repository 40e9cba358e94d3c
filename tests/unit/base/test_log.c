/* Log lines: one per call, with level; a bug on a stage thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#include "dataplane/base/log.h"
#include "tests/unit/base/dies.h"

static void two_lines(const char *text) {
    rw_log(RW_LOG_DEBUG, "not this one");
    rw_warning("%s", text);
}

static size_t logged(char *line, size_t bytes, const char *text) {
    FILE *file = tmpfile();
    int keep = dup(STDERR_FILENO);
    assert_non_null(file);
    dup2(fileno(file), STDERR_FILENO);
    two_lines(text);
    dup2(keep, STDERR_FILENO);
    close(keep);
    rewind(file);
    size_t length = fread(line, 1, bytes - 1, file);
    line[length] = 0;
    fclose(file);
    return length;
}

static void a_line_has_time_program_level_and_text(void **state) {
    char line[4096];
    rw_log_setup("riskwired", RW_LOG_INFO);
    size_t length = logged(line, sizeof line, "port 0 is up");
    assert_int_equal(line[10], 'T');
    assert_string_equal(line + 23, "Z riskwired warning: port 0 is up\n");
    assert_null(memchr(line, '\n', length - 1));
}

static void a_long_text_is_cut_to_one_line(void **state) {
    char line[4096], text[3000];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = 0;
    size_t length = logged(line, sizeof line, text);
    assert_true(length > 1000 && length < 1300);
    assert_int_equal(line[length - 1], '\n');
}

static void log_on_a_stage_thread(void *argument) {
    rw_log_forbid();
    rw_log(RW_LOG_DEBUG, "even below the lowest level");
}

static void a_log_line_from_a_stage_thread_is_a_bug(void **state) {
    assert_true(dies(log_on_a_stage_thread, NULL));
    assert_false(rw_log_forbidden());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_time_program_level_and_text),
        cmocka_unit_test(a_long_text_is_cut_to_one_line),
        cmocka_unit_test(a_log_line_from_a_stage_thread_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
