/* Results as text; see the header for the columns. Numbers are written by hand: the lines of a
 * session run into millions, and printf would dominate a subscriber's time. */
#include "dataplane/record/result_text.h"

#include <string.h>

#define LINE_BYTES 768u

/* kind → word, and one word per measure for limit records. */
static const struct {
    const char *word;
    const char *measure[RW_MEASURE_COUNT];
} words[RW_RESULT_KIND_COUNT] = {
    [RW_RESULT_SESSION_OPEN] = {"session_open", {0}},
    [RW_RESULT_SESSION_CLOSE] = {"session_close", {0}},
    [RW_RESULT_PORTFOLIO] = {"portfolio", {0}},
    [RW_RESULT_POSITION] = {"position", {0}},
    [RW_RESULT_LIMIT] = {"limit", {NULL, "limit_gross", "limit_net", "limit_loss"}},
    [RW_RESULT_DESK] = {"desk", {0}},
    [RW_RESULT_FIRM] = {"firm", {0}},
    [RW_RESULT_DESK_LIMIT] = {"desk_limit",
                              {NULL, "desk_limit_gross", "desk_limit_net", "desk_limit_loss"}},
    [RW_RESULT_FIRM_LIMIT] = {"firm_limit",
                              {NULL, "firm_limit_gross", "firm_limit_net", "firm_limit_loss"}},
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

/* The integer columns after `kind`, and those before it. */
static const char *const names_before[] = {"result_sequence", "input_sequence", "event_time_ns"};
static const char *const names_after[] = {"portfolio",    "instrument",     "position", "mark",
                                          "realised_pnl", "unrealised_pnl", "gross",    "net",
                                          "limit_state",  "quality"};
#define COUNT_BEFORE (sizeof names_before / sizeof names_before[0])
#define COUNT_AFTER  (sizeof names_after / sizeof names_after[0])

static void columns_after(const struct rw_result *result, int64_t to[COUNT_AFTER]) {
    const int64_t values[COUNT_AFTER] = {
        result->portfolio,    result->instrument,     result->position, result->mark,
        result->realised_pnl, result->unrealised_pnl, result->gross,    result->net,
        result->limit_state,  result->quality};
    memcpy(to, values, sizeof values);
}

void rw_result_print_csv_header(FILE *out) {
    fputs("session", out);
    for (size_t i = 0; i < COUNT_BEFORE; i++) fprintf(out, ",%s", names_before[i]);
    fputs(",kind", out);
    for (size_t i = 0; i < COUNT_AFTER; i++) fprintf(out, ",%s", names_after[i]);
    fputc('\n', out);
}

void rw_result_print_csv(FILE *out, const char *session, const struct rw_result *result) {
    char line[LINE_BYTES], *at = put_text(line, session);
    const uint64_t before[COUNT_BEFORE] = {result->result_sequence, result->input_sequence,
                                           result->event_time_ns};
    for (size_t i = 0; i < COUNT_BEFORE; i++) {
        *at++ = ',';
        at = put_unsigned(at, before[i]);
    }
    *at++ = ',';
    at = put_text(at, rw_result_kind_word(result));
    int64_t after[COUNT_AFTER];
    columns_after(result, after);
    for (size_t i = 0; i < COUNT_AFTER; i++) {
        *at++ = ',';
        at = put_signed(at, after[i]);
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

void rw_result_print_json(FILE *out, const char *session, const struct rw_result *result) {
    char line[LINE_BYTES], *at = line;
    *at++ = '{';
    at = put_key(at, "session");
    *at++ = '"';
    at = put_text(at, session);
    *at++ = '"';
    const uint64_t before[COUNT_BEFORE] = {result->result_sequence, result->input_sequence,
                                           result->event_time_ns};
    for (size_t i = 0; i < COUNT_BEFORE; i++) {
        *at++ = ',';
        at = put_unsigned(put_key(at, names_before[i]), before[i]);
    }
    *at++ = ',';
    at = put_key(at, "kind");
    *at++ = '"';
    at = put_text(at, rw_result_kind_word(result));
    *at++ = '"';
    int64_t after[COUNT_AFTER];
    columns_after(result, after);
    for (size_t i = 0; i < COUNT_AFTER; i++) {
        *at++ = ',';
        at = put_signed(put_key(at, names_after[i]), after[i]);
    }
    *at++ = '}';
    *at++ = '\n';
    fwrite(line, 1, (size_t)(at - line), out);
}
