#include "dataplane/base/csv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/err.h"

static void report_at(struct rw_csv *csv, uint32_t column, const char *format, va_list list) {
    if (csv->findings++ >= RW_CSV_FINDINGS_MAX) return;
    fprintf(csv->report, "%s:%u:%u: ", csv->file, csv->line, column);
    vfprintf(csv->report, format, list);
    fputc('\n', csv->report);
}

void rw_csv_finding(struct rw_csv *csv, const char *format, ...) {
    va_list list;
    va_start(list, format);
    report_at(csv, csv->field_column, format, list);
    va_end(list);
}

static int read_all(struct rw_csv *csv, const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) return rw_err_set(errno, "cannot read '%s': %s", path, strerror(errno));
    size_t room = 1 << 16, count = 0, got;
    csv->content = malloc(room + 1);
    while (csv->content && (got = fread(csv->content + count, 1, room - count, file)) > 0) {
        count += got;
        if (count < room) continue;
        char *larger = realloc(csv->content, 2 * room + 1);
        if (!larger) free(csv->content);
        csv->content = larger;
        room *= 2;
    }
    int failed = ferror(file) ? EIO : 0;
    fclose(file);
    if (!csv->content) return rw_err_set(ENOMEM, "no memory to read '%s'", path);
    if (failed) {
        free(csv->content);
        return rw_err_set(failed, "cannot read '%s' to its end", path);
    }
    csv->content[count] = 0;
    /* Spreadsheets put a byte order mark in front; it is no part of the first column's name. */
    csv->next_line = csv->content + (strncmp(csv->content, "\xEF\xBB\xBF", 3) ? 0 : 3);
    csv->end = csv->content + count;
    return 0;
}

/* Cuts the next line out of the content (the newline becomes NUL). */
static const char *take_line(struct rw_csv *csv) {
    if (csv->next_line >= csv->end) return NULL;
    char *line = (char *)csv->next_line;
    char *stop = memchr(line, '\n', (size_t)(csv->end - line));
    csv->next_line = stop ? stop + 1 : csv->end;
    if (!stop) stop = (char *)csv->end;
    if (stop > line && stop[-1] == '\r') stop--;
    *stop = 0;
    csv->line++;
    return line;
}

static uint32_t count_commas(const char *text) {
    uint32_t count = 0;
    for (; *text; text++) count += *text == ',';
    return count;
}

/* Whether a header is `columns` up to some column, of which there are at least `least`. */
static bool begins(const char *header, const char *columns, uint32_t least) {
    size_t length = strlen(header);
    return !strncmp(header, columns, length) && (columns[length] == 0 || columns[length] == ',') &&
           count_commas(header) + 1 >= least;
}

int rw_csv_open(struct rw_csv *csv, const char *path, const char *columns, FILE *report) {
    return rw_csv_open_grown(csv, path, columns, count_commas(columns) + 1, report);
}

int rw_csv_open_grown(struct rw_csv *csv, const char *path, const char *columns, uint32_t least,
                      FILE *report) {
    memset(csv, 0, sizeof *csv);
    snprintf(csv->file, sizeof csv->file, "%s", path);
    csv->report = report;
    int rc = read_all(csv, path);
    if (rc) return rc;
    const char *header = take_line(csv);
    if (header && begins(header, columns, least)) {
        csv->columns = header;
        csv->column_count = count_commas(header) + 1;
        return 0;
    }
    rc = rw_err_set(EINVAL, "%s:1:1: the header is '%.120s', wanted '%s'", path,
                    header ? header : "", columns);
    free(csv->content);
    csv->content = NULL;
    return rc;
}

bool rw_csv_next(struct rw_csv *csv) {
    const char *line;
    uint32_t wanted = count_commas(csv->columns);
    while ((line = take_line(csv))) {
        if (!*line || *line == '#') continue;
        csv->field_column = 1;
        if (count_commas(line) != wanted) {
            rw_csv_finding(csv, "%u fields, wanted %u: %s", count_commas(line) + 1, wanted + 1,
                           csv->columns);
            continue;
        }
        csv->line_start = csv->at = line;
        csv->column = csv->columns;
        return true;
    }
    return false;
}

/* Copies the next field into csv->field; too long a field is a finding. */
static bool take(struct rw_csv *csv) {
    const char *stop = strchrnul(csv->at, ',');
    size_t length = (size_t)(stop - csv->at);
    csv->field_column = (uint32_t)(csv->at - csv->line_start) + 1;
    if (csv->at != csv->line_start) csv->column = strchrnul(csv->column, ',') + 1;
    size_t kept = length < sizeof csv->field ? length : sizeof csv->field - 1;
    memcpy(csv->field, csv->at, kept);
    csv->field[kept] = 0;
    csv->at = *stop ? stop + 1 : stop;
    if (kept == length) return true;
    rw_csv_finding(csv, "a field of %zu characters, at most %zu", length, sizeof csv->field - 1);
    return false;
}

static bool wanted(struct rw_csv *csv, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A finding of the form: column 'price' is 'x', wanted … */
static bool wanted(struct rw_csv *csv, const char *format, ...) {
    char what[160];
    va_list list;
    va_start(list, format);
    vsnprintf(what, sizeof what, format, list);
    va_end(list);
    rw_csv_finding(csv, "%.*s is '%s', wanted %s", (int)(strchrnul(csv->column, ',') - csv->column),
                   csv->column, csv->field, what);
    return false;
}

bool rw_csv_text(struct rw_csv *csv, char *out, uint32_t bytes, bool empty) {
    memset(out, 0, bytes);
    if (!take(csv)) return false;
    size_t length = strlen(csv->field);
    if (length >= bytes || (!length && !empty))
        return wanted(csv, "%d to %u characters", empty ? 0 : 1, bytes - 1);
    memcpy(out, csv->field, length);
    return true;
}

bool rw_csv_empty(struct rw_csv *csv) {
    return take(csv) && (!*csv->field || wanted(csv, "nothing"));
}

bool rw_csv_integer(struct rw_csv *csv, int64_t min, int64_t max, int64_t *out) {
    *out = 0;
    if (!take(csv)) return false;
    char *end;
    errno = 0;
    long long value = strtoll(csv->field, &end, 10);
    if (errno || end == csv->field || *end || value < min || value > max)
        return wanted(csv, "a whole number from %lld to %lld", (long long)min, (long long)max);
    *out = value;
    return true;
}

/* Reads [-]digits[.up to four digits] exactly; false when it is anything else or too large. */
static bool parse_decimal(const char *text, int64_t *out) {
    bool negative = *text == '-';
    const char *at = text + negative;
    uint32_t digits = 0, places = 0;
    __int128 value = 0;
    bool point = false;
    for (; *at; at++) {
        if (*at == '.' && !point) {
            point = true;
            continue;
        }
        if (*at < '0' || *at > '9' || digits++ >= 19 || (point && ++places > 4)) return false;
        value = value * 10 + (*at - '0');
    }
    if (!digits || (point && !places)) return false;
    for (; places < 4; places++) value *= 10;
    if (value > INT64_MAX) return false;
    *out = negative ? -(int64_t)value : (int64_t)value;
    return true;
}

bool rw_csv_decimal(struct rw_csv *csv, int64_t min, int64_t max, int64_t *out) {
    *out = 0;
    if (!take(csv)) return false;
    int64_t value;
    if (!parse_decimal(csv->field, &value) || value < min || value > max)
        return wanted(csv, "a decimal with at most four places from %lld.%04lld to %lld.%04lld",
                      (long long)(min / 10000), (long long)(min < 0 ? -min : min) % 10000,
                      (long long)(max / 10000), (long long)max % 10000);
    *out = value;
    return true;
}

bool rw_csv_word(struct rw_csv *csv, const char *words, uint32_t *index) {
    *index = 0;
    if (!take(csv)) return false;
    size_t length = strlen(csv->field);
    uint32_t i = 0;
    for (const char *at = words;; at++, i++) {
        const char *stop = strchrnul(at, '|');
        if ((size_t)(stop - at) == length && !strncmp(at, csv->field, length)) {
            *index = i;
            return true;
        }
        if (!*stop) return wanted(csv, "one of %s", words);
        at = stop;
    }
}

int rw_csv_close(struct rw_csv *csv) {
    free(csv->content);
    csv->content = NULL;
    if (!csv->findings) return 0;
    int rc = rw_err_set(EINVAL, "'%s' has %u finding%s", csv->file, csv->findings,
                        csv->findings == 1 ? "" : "s");
    rw_err_why("the lines above name each with its line and column");
    return rc;
}
