/* riskwire var: historical VaR and expected shortfall of a file of P&Ls, by the kernel of the hot
 * path. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/err.h"
#include "dataplane/base/fixed.h"
#include "risk/kernels/tail.h"
#include "tools/riskwire/verbs.h"

#define LINE_BYTES   256u
#define FINDINGS_MAX 20u
#define SCALE        10000 /* of a file with decimals */
#define VALUE_MOST   ((__int128)1 << 62)

enum { KEY_CONFIDENCE = 1000, KEY_ES };

struct arguments {
    const char *path;
    uint32_t confidence_bp, es_bp;
};

struct values {
    int64_t *value;
    uint32_t count, room;
    uint32_t line, bad, rounded;
    bool decimals; /* the file has a '.' somewhere */
};

/* Reads a probability as whole basis points; false when it is anything else. */
static bool parse_confidence(const char *text, uint32_t *basis_points) {
    const char *at = text;
    uint32_t parts = 0, places = 0;
    if (strspn(text, "0123456789.") != strlen(text)) return false;
    while (*at == '0') at++;
    if (*at++ != '.') return false;
    for (; *at; at++) {
        if (*at == '.' || (places >= 4 && *at != '0')) return false;
        if (places++ < 4) parts = parts * 10 + (uint32_t)(*at - '0');
    }
    if (places == 0) return false;
    for (; places < 4; places++) parts *= 10;
    *basis_points = parts;
    return true;
}

static error_t parse(int key, char *value, struct argp_state *state) {
    struct arguments *arguments = state->input;
    uint32_t *to = key == KEY_ES ? &arguments->es_bp : &arguments->confidence_bp;
    switch (key) {
    case KEY_CONFIDENCE:
    case KEY_ES:
        if (!parse_confidence(value, to))
            argp_failure(state, RW_EXIT_USAGE, 0,
                         "%s '%s' is not a probability below 1 in whole basis points, like 0.975",
                         key == KEY_ES ? "--es" : "--confidence", value);
        return 0;
    case 'o':
        if (strcmp(value, "csv")) argp_failure(state, RW_EXIT_USAGE, 0, "-o '%s': only csv", value);
        return 0;
    case ARGP_KEY_ARG:
        if (arguments->path) return ARGP_ERR_UNKNOWN;
        arguments->path = value;
        return 0;
    case ARGP_KEY_END:
        if (!arguments->path) argp_usage(state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"confidence", KEY_CONFIDENCE, "P", 0, "of the VaR (0.99)", 0},
    {"es", KEY_ES, "P", 0, "of the expected shortfall (0.975)", 0},
    {NULL, 'o', "csv", 0, "form of the output", 0},
    {0}};
static const struct argp argp = {
    options,
    parse,
    "FILE",
    "Prints n,var,es,var_rank,es_count of a file with one P&L a line. With n values in ascending "
    "order s, k = ceil(n (1 - P)): VaR = -s[k-1], ES = -(s[0] + ... + s[k-1])/k, rounded half to "
    "even. A file without '.' holds integers, and the results are integers; else values are read "
    "to "
    "1e-4 and printed with four decimals. Blank lines, lines with # and one header line are "
    "skipped."
    "\vExample: riskwire var pnl.csv --confidence 0.99 --es 0.975 -o csv",
    NULL,
    NULL,
    NULL};

/* parse_value reads a decimal into units of 1e-4, half to even beyond; false when it is none or too
 * large. */
static bool parse_value(const char *text, int64_t *value, bool *rounded) {
    bool negative = *text == '-', point = false, any = false, beyond = false;
    __int128 sum = 0;
    int places = 0, first_left_out = -1;
    for (text += *text == '-' || *text == '+'; *text; text++) {
        if (*text == '.' && !point) {
            point = true;
            continue;
        }
        if (*text < '0' || *text > '9') return false;
        any = true;
        if (point && places == 4) {
            if (first_left_out < 0)
                first_left_out = *text - '0';
            else
                beyond |= *text != '0';
            continue;
        }
        sum = sum * 10 + (*text - '0');
        places += point;
        if (sum >= VALUE_MOST) return false;
    }
    for (; places < 4; places++) sum *= 10;
    *rounded = first_left_out > 0 || beyond;
    bool up = first_left_out > 5 || (first_left_out == 5 && (beyond || (sum & 1)));
    sum += up;
    if (!any || sum >= VALUE_MOST) return false;
    *value = (int64_t)(negative ? -sum : sum);
    return true;
}

static bool keep(struct values *values, int64_t value) {
    if (values->count == values->room) {
        uint32_t room = values->room ? 2 * values->room : 4096;
        if (room > RW_TAIL_MAX) return false;
        int64_t *grown = aligned_alloc(64, (room + 64) * sizeof *grown);
        if (!grown) return false;
        memcpy(grown, values->value, values->count * sizeof *grown);
        free(values->value);
        values->value = grown;
        values->room = room;
    }
    values->value[values->count++] = value;
    return true;
}

static char *trimmed(char *text) {
    text += strspn(text, " \t");
    text[strcspn(text, "\r\n")] = 0;
    size_t length = strlen(text);
    while (length && (text[length - 1] == ' ' || text[length - 1] == '\t')) text[--length] = 0;
    return text;
}

static int read_values(const char *path, FILE *in, struct values *values) {
    char line[LINE_BYTES];
    bool header_may_come = true;
    while (fgets(line, sizeof line, in)) {
        int64_t value;
        bool rounded;
        values->line++;
        char *text = trimmed(line);
        if (*text == 0 || *text == '#') continue;
        bool fine = parse_value(text, &value, &rounded);
        if (!fine && header_may_come) {
            header_may_come = false;
            continue;
        }
        header_may_come = false;
        if (!fine) {
            if (values->bad++ < FINDINGS_MAX)
                fprintf(stderr,
                        "riskwire var: %s:%u: P&L is '%.60s', wanted a decimal below 4.6e14\n",
                        path, values->line, text);
            continue;
        }
        values->decimals |= strchr(text, '.') != NULL;
        values->rounded += rounded;
        if (!keep(values, value))
            return rw_err_set(E2BIG, "%s: more than %u values, or no memory for them", path,
                              RW_TAIL_MAX);
    }
    if (values->bad) return rw_err_set(EINVAL, "%s: %u lines hold no P&L", path, values->bad);
    if (!values->count) return rw_err_set(EINVAL, "%s holds no P&L", path);
    return 0;
}

static void print_money(int64_t value, bool decimals) {
    uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;
    if (value < 0) putchar('-');
    printf("%" PRIu64, size / SCALE);
    if (decimals) printf(".%04" PRIu64, size % SCALE);
}

static int evaluate(const struct arguments *arguments, struct values *values) {
    uint32_t padded = RW_TAIL_PADDED(values->count);
    int64_t *work = aligned_alloc(64, ((size_t)padded + 64) * sizeof *work);
    if (!work) return rw_err_set(ENOMEM, "no memory for %u values", values->count);
    for (uint32_t i = values->count; i < padded; i++) values->value[i] = RW_TAIL_PADDING;
    struct rw_tail_ranks ranks = {rw_tail_rank(values->count, arguments->confidence_bp),
                                  rw_tail_rank(values->count, arguments->es_bp)};
    struct rw_tail tail;
    rw_tail_best()(values->value, values->count, ranks, work, &tail);
    free(work);
    /* integers of a file without decimals are whole ten-thousands here: round in their unit */
    int64_t unit = values->decimals ? 1 : SCALE;
    int64_t es = rw_fixed_div_he(-tail.total, (__int128)ranks.mean * unit) * unit;
    printf("n,var,es,var_rank,es_count\n%u,", values->count);
    print_money(-tail.value, values->decimals);
    putchar(',');
    print_money(es, values->decimals);
    printf(",%u,%u\n", ranks.value, ranks.mean);
    if (values->rounded)
        fprintf(stderr, "riskwire var: %u values had more than four decimals and were rounded\n",
                values->rounded);
    return fflush(stdout) || ferror(stdout) ? rw_err_set(EIO, "cannot write: %s", strerror(errno))
                                            : 0;
}

int rw_verb_var(int argc, char **argv) {
    struct arguments arguments = {.confidence_bp = 9900, .es_bp = 9750};
    struct values values = {0};
    argp_err_exit_status = RW_EXIT_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    FILE *in = fopen(arguments.path, "r");
    if (!in) {
        int error = errno;
        rw_err_set(error, "cannot open %s: %s", arguments.path, strerror(error));
        rw_err_print("riskwire var");
        return error == ENOENT ? RW_EXIT_NO_INPUT : RW_EXIT_FAILED;
    }
    int rc = read_values(arguments.path, in, &values);
    if (rc == 0) rc = evaluate(&arguments, &values);
    fclose(in);
    free(values.value);
    if (rc) rw_err_print("riskwire var");
    return rc ? RW_EXIT_FAILED : RW_EXIT_OK;
}
