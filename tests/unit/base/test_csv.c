/* CSV: exact decimals, and findings that name file, line, column, value and want. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dataplane/base/csv.h"
#include "dataplane/base/err.h"

static char path[64];
static char findings[8192];
static FILE *report;

static int open_text(struct rw_csv *csv, const char *text, const char *columns) {
    strcpy(path, "/tmp/riskwire-csv-XXXXXX");
    FILE *file = fdopen(mkstemp(path), "w");
    fputs(text, file);
    fclose(file);
    report = fmemopen(findings, sizeof findings, "w");
    int rc = rw_csv_open(csv, path, columns, report);
    unlink(path);
    return rc;
}

static int close_text(struct rw_csv *csv) {
    int rc = rw_csv_close(csv);
    fclose(report);
    return rc;
}

static void a_missing_file_and_a_wrong_header_are_errors(void **state) {
    struct rw_csv csv;
    assert_true(rw_csv_open(&csv, "/nonexistent/x.csv", "a", stderr) < 0);
    assert_true(open_text(&csv, "b,a\n", "a,b") < 0);
    assert_non_null(strstr(rw_err_text(), "the header is 'b,a', wanted 'a,b'"));
    fclose(report);
}

static void a_line_with_too_few_fields_is_reported_and_the_next_is_read(void **state) {
    struct rw_csv csv;
    int64_t a = 0, b = 0;
    assert_int_equal(open_text(&csv, "a,b\n1\n\n# a comment\n3,4\n", "a,b"), 0);
    assert_true(rw_csv_next(&csv));
    assert_true(rw_csv_integer(&csv, 0, 9, &a) && rw_csv_integer(&csv, 0, 9, &b));
    assert_int_equal(a, 3);
    assert_int_equal(b, 4);
    assert_false(rw_csv_next(&csv));
    assert_true(close_text(&csv) < 0);
    assert_non_null(strstr(findings, ":2:1: 1 fields, wanted 2: a,b"));
}

static void decimals_are_exact_to_four_places_and_more_is_refused(void **state) {
    static const struct {
        const char *text;
        int64_t value;
        bool good;
    } rows[] = {{"1", 10000, true},
                {"1.5", 15000, true},
                {"-0.0001", -1, true},
                {"99.9999", 999999, true},
                {"1.00001", 0, false},
                {"", 0, false},
                {".5", 5000, true},
                {"5.", 0, false},
                {"1e3", 0, false},
                {"--1", 0, false},
                {"nan", 0, false},
                {"+1", 0, false},
                {"99999999999999999999", 0, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rw_csv csv;
        int64_t value;
        char text[64];
        snprintf(text, sizeof text, "x,y\n%s,1\n", rows[i].text);
        assert_int_equal(open_text(&csv, text, "x,y"), 0);
        assert_true(rw_csv_next(&csv));
        assert_int_equal(rw_csv_decimal(&csv, INT64_MIN + 1, INT64_MAX, &value), rows[i].good);
        assert_int_equal(value, rows[i].value);
        close_text(&csv);
    }
}

static void a_value_out_of_range_names_column_value_and_range(void **state) {
    struct rw_csv csv;
    int64_t a, b;
    assert_int_equal(open_text(&csv, "a,b\n7,11\n", "a,b"), 0);
    assert_true(rw_csv_next(&csv));
    assert_true(rw_csv_integer(&csv, 0, 10, &a));
    assert_false(rw_csv_integer(&csv, 0, 10, &b));
    assert_true(close_text(&csv) < 0);
    assert_non_null(strstr(findings, ":2:3: b is '11', wanted a whole number from 0 to 10"));
}

static void findings_beyond_the_limit_are_counted_and_not_printed(void **state) {
    struct rw_csv csv;
    char text[1024] = "a,b\n";
    for (int i = 0; i < 30; i++) strcat(text, "1\n");
    assert_int_equal(open_text(&csv, text, "a,b"), 0);
    assert_false(rw_csv_next(&csv));
    assert_int_equal(csv.findings, 30);
    assert_true(close_text(&csv) < 0);
    assert_non_null(strstr(findings, ":21:1:"));
    assert_null(strstr(findings, ":22:1:"));
}

static void a_byte_order_mark_is_no_part_of_the_header(void **state) {
    struct rw_csv csv;
    assert_int_equal(open_text(&csv,
                               "\xEF\xBB\xBF"
                               "a,b\n",
                               "a,b"),
                     0);
    assert_false(rw_csv_next(&csv));
    assert_int_equal(close_text(&csv), 0);
}

static void words_and_text_know_their_limits(void **state) {
    struct rw_csv csv;
    uint32_t index;
    char text[4];
    assert_int_equal(open_text(&csv, "w,t\nnet,abc\nbet,abcd\n", "w,t"), 0);
    assert_true(rw_csv_next(&csv));
    assert_true(rw_csv_word(&csv, "gross|net", &index));
    assert_int_equal(index, 1);
    assert_true(rw_csv_text(&csv, text, sizeof text, false));
    assert_string_equal(text, "abc");
    assert_true(rw_csv_next(&csv));
    assert_false(rw_csv_word(&csv, "gross|net", &index));
    assert_false(rw_csv_text(&csv, text, sizeof text, false));
    close_text(&csv);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_file_and_a_wrong_header_are_errors),
        cmocka_unit_test(a_line_with_too_few_fields_is_reported_and_the_next_is_read),
        cmocka_unit_test(decimals_are_exact_to_four_places_and_more_is_refused),
        cmocka_unit_test(a_value_out_of_range_names_column_value_and_range),
        cmocka_unit_test(findings_beyond_the_limit_are_counted_and_not_printed),
        cmocka_unit_test(a_byte_order_mark_is_no_part_of_the_header),
        cmocka_unit_test(words_and_text_know_their_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
