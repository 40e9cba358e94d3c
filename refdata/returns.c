/* returns.csv: one line per instrument with its whole history, so wider than what
 * dataplane/base/csv reads.
 *
 *   symbol,shift,2025-01-02,2025-01-03,…        the header names the scenarios
 *   AAPL,relative,-0.0123,0.004,…               decimals with at most nine places */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/err.h"
#include "dataplane/base/shift.h"
#include "refdata/rows.h"

#define FINDINGS_MAX 20u
#define PLACES       9u
#define WHOLE_MAX    1000000 /* what stands before the point */

struct reading {
    char path[512];
    FILE *report;
    FILE *in;
    char *line;
    size_t room;
    uint32_t number; /* of the line */
    uint32_t findings;
    const char *at, *field; /* the next field, the present one */
    struct rw_rows *rows;
};

static void finding(struct reading *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void finding(struct reading *r, const char *format, ...) {
    va_list list;
    if (r->findings++ >= FINDINGS_MAX) return;
    fprintf(r->report, "%s:%u:%u: ", r->path, r->number, (uint32_t)(r->field - r->line) + 1);
    va_start(list, format);
    vfprintf(r->report, format, list);
    va_end(list);
    fputc('\n', r->report);
}

/* next_line skips blank lines and comments; false at the end. */
static bool next_line(struct reading *r) {
    ssize_t length;
    while ((length = getline(&r->line, &r->room, r->in)) >= 0) {
        r->number++;
        while (length > 0 && (r->line[length - 1] == '\n' || r->line[length - 1] == '\r'))
            r->line[--length] = 0;
        r->at = r->field = r->line;
        if (length > 0 && *r->line != '#') return true;
    }
    return false;
}

/* next_field ends the next field with a NUL; false when the line has no more. */
static bool next_field(struct reading *r) {
    if (!r->at) return false;
    r->field = r->at;
    char *comma = strchr(r->at, ',');
    if (comma) *comma = 0;
    r->at = comma ? comma + 1 : NULL;
    return true;
}

/* parse reads a decimal into units of 1e-9; false when it is none, has more places, or is large. */
static bool parse(const char *text, int64_t *value) {
    bool negative = *text == '-', point = false, any = false;
    uint32_t places = 0;
    int64_t sum = 0;
    for (text += *text == '-' || *text == '+'; *text; text++) {
        if (*text == '.' && !point) {
            point = true;
            continue;
        }
        if (*text < '0' || *text > '9' || (point && places == PLACES)) return false;
        sum = sum * 10 + (*text - '0');
        places += point;
        any = true;
        if (!point && sum > WHOLE_MAX) return false;
    }
    for (; places < PLACES; places++) sum *= 10;
    *value = negative ? -sum : sum;
    return any;
}

static bool read_header(struct reading *r) {
    const char *names[] = {"symbol", "shift"};
    if (!next_line(r)) {
        r->number = 1;
        r->field = r->line = r->line ? r->line : calloc(1, 1);
        finding(r, "the file is empty, wanted a header symbol,shift,SCENARIO,...");
        return false;
    }
    for (uint32_t i = 0; i < 2; i++) {
        if (next_field(r) && !strcmp(r->field, names[i])) continue;
        finding(r, "column %u is '%.40s', wanted '%s'", i + 1, r->field, names[i]);
        return false;
    }
    uint32_t count = 0;
    while (next_field(r)) count++;
    r->field = r->line;
    if (count < 1 || count > RW_IMAGE_SCENARIOS_MAX) {
        finding(r, "%u scenarios, wanted 1 to %u", count, RW_IMAGE_SCENARIOS_MAX);
        return false;
    }
    r->rows->scenarios = count;
    return true;
}

/* The instrument that a line is about; NULL after a finding. */
static struct rw_instrument_row *read_symbol(struct reading *r) {
    struct rw_rows *rows = r->rows;
    char padded[RW_SYMBOL_BYTES] = {0};
    if (!next_field(r) || strlen(r->field) >= sizeof padded) {
        finding(r, "symbol is '%.40s', wanted one of instruments.csv", r->field);
        return NULL;
    }
    memcpy(padded, r->field, strlen(r->field));
    uint32_t found = rw_name_index_find(&rows->symbols, padded);
    if (!found) {
        finding(r, "symbol is '%s', which instruments.csv does not have", r->field);
        return NULL;
    }
    if (rows->instruments[found - 1].history) {
        finding(r, "symbol is '%s' for the second time", r->field);
        return NULL;
    }
    return &rows->instruments[found - 1];
}

static bool read_shift(struct reading *r, struct rw_instrument_row *row) {
    static const char *const names[RW_SHIFTS] = {"relative", "log", "absolute"};
    bool there = next_field(r);
    for (uint8_t kind = 0; there && kind < RW_SHIFTS; kind++) {
        if (strcmp(r->field, names[kind])) continue;
        row->shift = kind;
        return true;
    }
    finding(r, "shift is '%.40s', wanted relative, log or absolute", r->field);
    return false;
}

static void read_row(struct reading *r) {
    static const char *const range[RW_SHIFTS] = {"from -1 to 1", "up to a return of 100 %",
                                                 "within 214748 currency units"};
    struct rw_instrument_row *row = read_symbol(r);
    if (!row || !read_shift(r, row)) return;
    uint32_t padded = RW_IMAGE_PADDED(r->rows->scenarios), count = 0;
    int32_t *to = r->rows->returns + (size_t)(row - r->rows->instruments) * padded;
    for (; next_field(r); count++) {
        int64_t written;
        if (count == r->rows->scenarios) continue;
        if (!parse(r->field, &written)) {
            finding(r, "return is '%.40s', wanted a decimal with at most nine places", r->field);
            return;
        }
        if (!rw_shift_compile((enum rw_shift)row->shift, written, &to[count])) {
            finding(r, "return of %.*s is '%.40s', wanted one %s", (int)RW_SYMBOL_BYTES,
                    row->symbol, r->field, range[row->shift]);
            return;
        }
    }
    if (count != r->rows->scenarios)
        finding(r, "the line has %u returns, wanted %u as in the header", count,
                r->rows->scenarios);
    row->history = 1;
}

int rw_returns_read(const char *folder, FILE *report, struct rw_rows *rows, uint32_t *findings) {
    struct reading r = {.report = report, .rows = rows};
    rows->symbols.rows = (const uint8_t *)rows->instruments;
    if (snprintf(r.path, sizeof r.path, "%s/returns.csv", folder) >= (int)sizeof r.path)
        return rw_err_set(ENAMETOOLONG, "folder %s has too long a name", folder);
    r.in = fopen(r.path, "r");
    if (!r.in && errno == ENOENT) return 0; /* scenarios are optional */
    if (!r.in) return rw_err_set(errno, "cannot open %s: %s", r.path, strerror(errno));
    int rc = 0;
    if (read_header(&r)) {
        rows->returns =
            calloc((size_t)rows->instrument_count * RW_IMAGE_PADDED(rows->scenarios) + 1,
                   sizeof *rows->returns);
        if (!rows->returns) rc = rw_err_set(ENOMEM, "no memory for the returns of %s", r.path);
        while (rc == 0 && next_line(&r)) read_row(&r);
    }
    if (ferror(r.in)) rc = rw_err_set(EIO, "cannot read %s", r.path);
    if (r.findings > FINDINGS_MAX)
        fprintf(report, "%s: and %u more\n", r.path, r.findings - FINDINGS_MAX);
    *findings += r.findings;
    free(r.line);
    fclose(r.in);
    return rc;
}
