/* Errors: set, add, why, fix, and what the operator reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "dataplane/base/err.h"
#include "tests/unit/base/dies.h"

/* What rw_err_print writes to stderr. */
static void printed(char *text, size_t bytes) {
    FILE *file = tmpfile();
    int keep = dup(STDERR_FILENO);
    assert_non_null(file);
    fflush(stderr);
    dup2(fileno(file), STDERR_FILENO);
    rw_err_print("riskwired");
    fflush(stderr);
    dup2(keep, STDERR_FILENO);
    close(keep);
    rewind(file);
    size_t length = fread(text, 1, bytes - 1, file);
    text[length] = 0;
    fclose(file);
}

static void set_returns_the_negative_errno_and_clears_why_and_fix(void **state) {
    char text[4096];
    rw_err_set(EIO, "old");
    rw_err_why("old why");
    rw_err_fix("old fix");
    assert_int_equal(rw_err_set(ENOENT, "%s is missing", "site.yaml"), -ENOENT);
    assert_string_equal(rw_err_text(), "site.yaml is missing");
    printed(text, sizeof text);
    assert_string_equal(text, "riskwired: site.yaml is missing [ENOENT]\n");
    assert_string_equal(rw_err_text(), "");
}

static void callers_put_their_sentence_in_front(void **state) {
    char text[4096];
    int rc = rw_err_set(EBUSY, "port 0 is in use");
    rw_err_why("by pid 7");
    rw_err_fix("stop it");
    assert_int_equal(rw_err_add(rc, "stage rx cannot be set up"), -EBUSY);
    printed(text, sizeof text);
    assert_string_equal(text, "riskwired: stage rx cannot be set up: port 0 is in use [EBUSY]\n"
                              "  why: by pid 7\n  fix: stop it\n");
}

static void a_new_text_may_quote_the_old_one(void **state) {
    rw_err_set(EIO, "inner");
    rw_err_set(EPERM, "outer (%s)", rw_err_text());
    assert_string_equal(rw_err_text(), "outer (inner)");
}

static void longer_text_is_cut_and_the_front_is_kept(void **state) {
    char text[3000];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = 0;
    rw_err_set(EIO, "%s", text);
    assert_int_equal(strlen(rw_err_text()), 1023);
    for (int i = 0; i < 300; i++) rw_err_add(-EIO, "level %d", i);
    assert_int_equal(strncmp(rw_err_text(), "level 299: level 298: ", 22), 0);
    assert_true(strlen(rw_err_text()) <= 1023);
}

static void set_zero(void *argument) { rw_err_set(0, "nothing"); }

static void an_error_without_errno_is_a_bug(void **state) { assert_true(dies(set_zero, NULL)); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_returns_the_negative_errno_and_clears_why_and_fix),
        cmocka_unit_test(callers_put_their_sentence_in_front),
        cmocka_unit_test(a_new_text_may_quote_the_old_one),
        cmocka_unit_test(longer_text_is_cut_and_the_front_is_kept),
        cmocka_unit_test(an_error_without_errno_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
