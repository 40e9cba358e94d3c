/* CSV input with errors an operator can act on: every finding names file, line, column, the value
 * found and the value wanted, and reading goes on, so that one run shows them all (at most 20).
 *
 *   if (!rw_csv_open(&csv, path, "symbol,price", stderr))
 *       while (rw_csv_next(&csv)) { rw_csv_text(&csv, …); rw_csv_decimal(&csv, …); }
 *   rc = rw_csv_close(&csv);
 *
 * Fields are taken in column order. No quoting: no field of ours holds a comma. Blank lines and
 * lines that begin with # are skipped. Decimals are exact: at most four places, returned as
 * integers of 1e-4. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define RW_CSV_FINDINGS_MAX 20u

struct rw_csv {
    char file[256];
    FILE *report;
    char *content; /* the whole file, heap */
    const char *next_line, *end;
    const char *line_start, *at; /* at: the next field; NULL after the last one */
    uint32_t line;
    uint32_t findings;
    const char *columns; /* the header */
    uint32_t column_count;
    const char *column; /* name of the next field in `columns` */
    char field[128];    /* the field last taken */
    uint32_t field_column;
};

/* rw_csv_open reads the file and checks that its first line is exactly `columns`. Returns 0, or
 * -errno with an error; then nothing needs closing. Cold path; allocates. */
int rw_csv_open(struct rw_csv *csv, const char *path, const char *columns, FILE *report);
/* rw_csv_open_grown is for a file whose columns became more: its first line may also be the first
 * `least` or more of `columns`. column_count says how many it has. */
int rw_csv_open_grown(struct rw_csv *csv, const char *path, const char *columns, uint32_t least,
                      FILE *report);
/* rw_csv_next goes to the next line that has the right number of fields; false at the end. */
bool rw_csv_next(struct rw_csv *csv);
/* rw_csv_text takes the next field: 1..bytes-1 characters (0 too when `empty` is allowed), zero
 * padded. */
bool rw_csv_text(struct rw_csv *csv, char *out, uint32_t bytes, bool empty);
/* rw_csv_integer takes a whole number in min..max; rw_csv_decimal a decimal with at most four
 * places, as an integer of 1e-4 in min..max. False after a finding; *out is then 0. */
bool rw_csv_integer(struct rw_csv *csv, int64_t min, int64_t max, int64_t *out);
bool rw_csv_decimal(struct rw_csv *csv, int64_t min, int64_t max, int64_t *out);
/* rw_csv_word takes one of the words of a list "a|b|c"; *index counts from 0. */
bool rw_csv_word(struct rw_csv *csv, const char *words, uint32_t *index);
/* rw_csv_empty takes the next field, which must be empty. */
bool rw_csv_empty(struct rw_csv *csv);
/* rw_csv_finding reports something wrong with the field last taken. */
void rw_csv_finding(struct rw_csv *csv, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* rw_csv_close frees the content. Returns 0, or -EINVAL with an error when there were findings. */
int rw_csv_close(struct rw_csv *csv);
