/* Results as text; see the header for the columns. Numbers are written by hand: the lines of a
 * session run into millions, and printf would dominate a subscriber's time. */
#include "dataplane/record/result_text.h"

#include <stdbool.h>
#include <string.h>

#define LINE_BYTES 1536u

#define LIMIT_WORD(NAME, word, unit, scopes, how)      "limit_" word,
#define DESK_LIMIT_WORD(NAME, word, unit, scopes, how) "desk_limit_" word,
#define FIRM_LIMIT_WORD(NAME, word, unit, scopes, how) "firm_limit_" word,

/* kind → word, and one word per measure for limit records. */
static const struct {
    const char *word;
    const char *measure[RW_MEASURE_COUNT];
} words[RW_RESULT_KIND_COUNT] = {
    [RW_RESULT_SESSION_OPEN] = {"session_open", {0}},
    [RW_RESULT_SESSION_CLOSE] = {"session_close", {0}},
    [RW_RESULT_PORTFOLIO] = {"portfolio", {0}},
    [RW_RESULT_POSITION] = {"position", {0}},
    [RW_RESULT_LIMIT] = {"limit", {NULL, RW_MEASURES(LIMIT_WORD)}},
    [RW_RESULT_DESK] = {"desk", {0}},
    [RW_RESULT_FIRM] = {"firm", {0}},
    [RW_RESULT_DESK_LIMIT] = {"desk_limit", {NULL, RW_MEASURES(DESK_LIMIT_WORD)}},
    [RW_RESULT_FIRM_LIMIT] = {"firm_limit", {NULL, RW_MEASURES(FIRM_LIMIT_WORD)}},
    [RW_RESULT_RISK] = {"risk", {0}},
    [RW_RESULT_BAR] = {"bar", {0}},
    [RW_RESULT_TOP] = {"top", {0}},
    [RW_RESULT_ALERT] = {"alert", {0}},
    [RW_RESULT_LATE_ALERT] = {"late_alert", {0}},
};

const char *rw_result_kind_word(const struct rw_result *result) {
    if (result->kind >= RW_RESULT_KIND_COUNT || !words[result->kind].word) return "unknown";
    if (result->measure < RW_MEASURE_COUNT && words[result->kind].measure[result->measure])
        return words[result->kind].measure[result->measure];
    return words[result->kind].word;
}

static char *put_text(char *at, const char *text) {
    size_t bytes = strnlen(text, 64);
    memcpy(at, text, bytes);
    return at + bytes;
}

static char *put_unsigned(char *at, uint64_t value) {
    char digits[20];
    uint32_t count = 0;
    do digits[count++] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    while (count > 0) *at++ = digits[--count];
    return at;
}

static char *put_signed(char *at, int64_t value) {
    if (value >= 0) return put_unsigned(at, (uint64_t)value);
    *at++ = '-';
    return put_unsigned(at, -(uint64_t)value);
}

/* One column: where a template has it. Template 0: all of them, in the head. */
struct column {
    const char *name;
    uint8_t template_id, offset, size;
    bool is_signed;
};

#define COLUMN(template_id, type, field, is_signed) \
    { #field, template_id, offsetof(struct type, field), sizeof((struct type){0}.field), is_signed }
#define HEAD(field)      COLUMN(0, rw_result, field, false)
#define TOTALS(field)    COLUMN(RW_RESULT_TEMPLATE, rw_result, field, true)
#define MARK(field)      COLUMN(RW_RESULT_TEMPLATE, rw_result, field, false)
#define RISK(field)      COLUMN(RW_RESULT_TEMPLATE_RISK, rw_result_risk, field, true)
#define BAR(field, sign) COLUMN(RW_RESULT_TEMPLATE_BAR, rw_result_bar, field, sign)
#define ALERT(field)     COLUMN(RW_RESULT_TEMPLATE_ALERT, rw_result_alert, field, true)

/* Before `kind`, behind it, and what later templates have appended. A name that stands twice among
 * the appended ones is one column. */
static const struct column before[] = {HEAD(result_sequence), HEAD(input_sequence),
                                       HEAD(event_time_ns)};
static const struct column after[] = {HEAD(portfolio), HEAD(instrument),     TOTALS(position),
                                      TOTALS(mark),    TOTALS(realised_pnl), TOTALS(unrealised_pnl),
                                      TOTALS(gross),   TOTALS(net),          HEAD(limit_state),
                                      HEAD(quality)};
static const struct column appended[] = {RISK(var),
                                         RISK(es),
                                         RISK(worst_loss),
                                         RISK(worst_scenario),
                                         RISK(margin),
                                         RISK(delta),
                                         RISK(gamma),
                                         RISK(vega),
                                         RISK(theta),
                                         RISK(rho),
                                         BAR(start_ns, false),
                                         ALERT(start_ns),
                                         BAR(length_ns, false),
                                         ALERT(length_ns),
                                         BAR(open, true),
                                         BAR(high, true),
                                         BAR(low, true),
                                         BAR(close, true),
                                         BAR(volume, false),
                                         BAR(notional, true),
                                         BAR(trades, false),
                                         BAR(version, false),
                                         ALERT(version),
                                         ALERT(alert),
                                         ALERT(rule),
                                         ALERT(severity),
                                         ALERT(key),
                                         ALERT(value),
                                         ALERT(threshold),
                                         ALERT(acknowledged),
                                         MARK(venues),
                                         MARK(across_ns),
                                         TOTALS(open_buys),
                                         TOTALS(open_sells)};
#define COUNT(columns) (sizeof(columns) / sizeof *(columns))

static bool has(const struct rw_result *result, const struct column *column) {
    return column->template_id == 0 || column->template_id == result->template_id;
}

/* put_value writes a column that the record has. */
static char *put_value(char *at, const struct rw_result *result, const struct column *column) {
    uint64_t value = 0;
    memcpy(&value, (const uint8_t *)result + column->offset, column->size); /* little-endian */
    if (!column->is_signed || column->size < 4) return put_unsigned(at, value);
    return put_signed(at, column->size == 4 ? (int32_t)value : (int64_t)value);
}

/* is_first is false for the second template's share of one column. */
static bool is_first(size_t i) {
    return i == 0 || strcmp(appended[i].name, appended[i - 1].name) != 0;
}

void rw_result_print_csv_header(FILE *out) {
    fputs("session", out);
    for (size_t i = 0; i < COUNT(before); i++) fprintf(out, ",%s", before[i].name);
    fputs(",kind", out);
    for (size_t i = 0; i < COUNT(after); i++) fprintf(out, ",%s", after[i].name);
    for (size_t i = 0; i < COUNT(appended); i++)
        if (is_first(i)) fprintf(out, ",%s", appended[i].name);
    fputc('\n', out);
}

void rw_result_print_csv(FILE *out, const char *session, const struct rw_result *result) {
    char line[LINE_BYTES], *at = put_text(line, session);
    for (size_t i = 0; i < COUNT(before); i++) {
        *at++ = ',';
        at = put_value(at, result, &before[i]);
    }
    *at++ = ',';
    at = put_text(at, rw_result_kind_word(result));
    for (size_t i = 0; i < COUNT(after); i++) {
        *at++ = ',';
        if (has(result, &after[i]))
            at = put_value(at, result, &after[i]);
        else
            *at++ = '0';
    }
    for (size_t i = 0; i < COUNT(appended); i++) {
        if (is_first(i)) *at++ = ',';
        if (has(result, &appended[i])) at = put_value(at, result, &appended[i]);
    }
    *at++ = '\n';
    fwrite(line, 1, (size_t)(at - line), out);
}

static char *put_key(char *at, const char *key) {
    *at++ = '"';
    at = put_text(at, key);
    *at++ = '"';
    *at++ = ':';
    return at;
}

static char *put_members(char *at, const struct rw_result *result, const struct column *columns,
                         size_t count, bool zeros) {
    for (size_t i = 0; i < count; i++) {
        bool there = has(result, &columns[i]);
        if (!there && !zeros) continue;
        *at++ = ',';
        at = put_key(at, columns[i].name);
        if (there)
            at = put_value(at, result, &columns[i]);
        else
            *at++ = '0';
    }
    return at;
}

void rw_result_print_json(FILE *out, const char *session, const struct rw_result *result) {
    char line[LINE_BYTES], *at = line;
    *at++ = '{';
    at = put_key(at, "session");
    *at++ = '"';
    at = put_text(at, session);
    *at++ = '"';
    at = put_members(at, result, before, COUNT(before), true);
    *at++ = ',';
    at = put_key(at, "kind");
    *at++ = '"';
    at = put_text(at, rw_result_kind_word(result));
    *at++ = '"';
    at = put_members(at, result, after, COUNT(after), true);
    at = put_members(at, result, appended, COUNT(appended), false);
    *at++ = '}';
    *at++ = '\n';
    fwrite(line, 1, (size_t)(at - line), out);
}
