/* riskwire price: the option kernels of the hot path on a CSV file, unrounded, so that anyone can
 * check the numbers. */
#include <argp.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/err.h"
#include "risk/kernels/american_reference.h"
#include "risk/kernels/implied_vol.h"
#include "risk/kernels/option_kernel.h"
#include "tools/riskwire/verbs.h"

#define FIELDS        9u
#define VALUE         7u /* the column that holds the vol, or the price with --implied */
#define LINE_BYTES    1024u
#define FINDINGS_MAX  20u
#define HEADER        "id,style,type,spot,strike,rate,dividend,vol,expiry_years"
#define HEADER_PRICED "id,style,type,spot,strike,rate,dividend,price,expiry_years"

struct arguments {
    const char *path;
    bool implied;
};

struct job {
    const struct arguments *arguments;
    FILE *in;
    uint32_t line, bad;
    const struct rw_option_kernel *kernel;
    struct rw_option_table table; /* one row */
};

/* One line, taken apart. */
struct row {
    char text[LINE_BYTES];
    char *field[FIELDS];
    bool reference; /* the slow checker is wanted */
    struct rw_option_terms terms;
    double spot, price;
};

static error_t parse(int key, char *value, struct argp_state *state) {
    struct arguments *arguments = state->input;
    switch (key) {
    case 'i':
        arguments->implied = true;
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
    {"implied", 'i', NULL, 0, "the file has a column price in place of vol: find the vol", 0},
    {NULL, 'o', "csv", 0, "form of the output", 0},
    {0}};
static const struct argp argp = {
    options,
    parse,
    "FILE",
    "Prices the options of a CSV file with the header " HEADER
    " and prints id,price,delta,gamma,vega,theta,rho with 17 digits: vega per 1.00 of vol, theta "
    "per "
    "year, rho per 1.00 of rate. style: european, american (Barone-Adesi-Whaley), "
    "american-reference (Andersen-Lake-Offengenden), black76 (spot is the forward). type: call or "
    "put. Rates are compounded continuously. A row that cannot be priced has empty fields, its "
    "reason goes to stderr, and the exit status is 1."
    "\vExample: riskwire price options.csv -o csv",
    NULL,
    NULL,
    NULL};

/* refuse tells what is wrong with the present line, up to a limit. */
static bool refuse(struct job *job, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool refuse(struct job *job, const char *format, ...) {
    va_list list;
    if (job->bad >= FINDINGS_MAX) return false;
    fprintf(stderr, "riskwire price: %s:%u: ", job->arguments->path, job->line);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
    return false;
}

static bool split(struct job *job, struct row *row) {
    char *at = row->text;
    at[strcspn(at, "\r\n")] = 0;
    for (uint32_t i = 0; i < FIELDS; i++) {
        row->field[i] = at;
        char *comma = strchr(at, ',');
        if ((comma == NULL) != (i == FIELDS - 1))
            return refuse(job, "the line has %s fields than 9", comma ? "more" : "fewer");
        if (comma) *comma = 0, at = comma + 1;
    }
    return true;
}

static bool number(struct job *job, struct row *row, uint32_t column, double *value) {
    static const char *const names[FIELDS] = {"id",   "style",    "type", "spot",        "strike",
                                              "rate", "dividend", "vol",  "expiry_years"};
    char *end;
    *value = strtod(row->field[column], &end);
    bool fine = end != row->field[column] && *end == 0 && *value - *value == 0;
    const char *name = column == VALUE && job->arguments->implied ? "price" : names[column];
    return fine || refuse(job, "%s is '%s', wanted a finite number", name, row->field[column]);
}

static bool style(struct job *job, struct row *row) {
    static const char *const names[] = {"european", "american", "black76"};
    row->reference = !strcmp(row->field[1], "american-reference");
    const char *name = row->reference ? "american" : row->field[1];
    uint8_t found = 0;
    while (found < 3 && strcmp(name, names[found])) found++;
    if (found == 3)
        return refuse(job,
                      "style is '%s', wanted european, american, american-reference or black76",
                      row->field[1]);
    row->terms.style = found;
    row->terms.type = strcmp(row->field[2], "put") ? RW_OPTION_CALL : RW_OPTION_PUT;
    if (row->terms.type == RW_OPTION_CALL && strcmp(row->field[2], "call"))
        return refuse(job, "type is '%s', wanted call or put", row->field[2]);
    return true;
}

static bool read_row(struct job *job, struct row *row) {
    struct rw_option_terms *terms = &row->terms;
    double value;
    bool fine = style(job, row) && number(job, row, 3, &row->spot) &&
                number(job, row, 4, &terms->strike) && number(job, row, 5, &terms->rate) &&
                (terms->style == RW_OPTION_BLACK76 || number(job, row, 6, &terms->dividend)) &&
                number(job, row, VALUE, &value) && number(job, row, 8, &terms->years);
    if (!fine) return false;
    terms->vol = job->arguments->implied ? 0 : value;
    row->price = value;
    enum rw_option_reason reason = rw_option_check(terms);
    if (!(row->spot >= 0 && row->spot <= RW_SPOT_MOST)) reason = RW_OPTION_BAD_SPOT;
    if (reason) return refuse(job, "%s", rw_option_reason_text(reason));
    if (!job->arguments->implied) return true;
    enum rw_implied_reason none = rw_implied_vol(terms, row->spot, row->price, &terms->vol);
    return !none || refuse(job, "%s", rw_implied_reason_text(none));
}

static void print_row(struct job *job, const struct row *row) {
    struct rw_american_values v;
    if (row->reference) {
        rw_american_reference_values(&row->terms, row->spot, &v);
    } else {
        struct rw_option_values out = {&v.price, &v.delta, &v.gamma, &v.vega, &v.theta, &v.rho};
        rw_option_set(&job->table, 0, &row->terms);
        job->kernel->price(&job->table, 0, 1, row->spot, &out);
    }
    printf("%s,%.17g,%.17g,%.17g,%.17g,%.17g,%.17g", row->field[0], v.price, v.delta, v.gamma,
           v.vega, v.theta, v.rho);
    if (job->arguments->implied) printf(",%.17g", row->terms.vol);
    putchar('\n');
}

/* next_line reads a line that is neither blank nor a comment. */
static bool next_line(struct job *job, char text[LINE_BYTES]) {
    while (fgets(text, LINE_BYTES, job->in)) {
        job->line++;
        if (text[0] != '#' && text[strspn(text, " \t\r\n")] != 0) return true;
    }
    return false;
}

static int check_header(struct job *job) {
    char text[LINE_BYTES] = "";
    const char *wanted = job->arguments->implied ? HEADER_PRICED : HEADER;
    bool there = next_line(job, text);
    text[strcspn(text, "\r\n")] = 0;
    if (there && !strcmp(text, wanted)) return 0;
    int rc = rw_err_set(EINVAL, "%s: the first line is '%.100s', wanted '%s'", job->arguments->path,
                        text, wanted);
    rw_err_fix("write that header; --implied wants a column price in place of vol");
    return rc;
}

static void price_all(struct job *job) {
    static struct row row;
    const char *empty = job->arguments->implied ? ",,,,,,," : ",,,,,,";
    printf("id,price,delta,gamma,vega,theta,rho%s\n", job->arguments->implied ? ",vol" : "");
    while (next_line(job, row.text)) {
        row.field[0] = row.text;
        if (split(job, &row) && read_row(job, &row)) {
            print_row(job, &row);
            continue;
        }
        job->bad++;
        printf("%s%s\n", row.field[0], empty);
    }
    if (job->bad > FINDINGS_MAX)
        fprintf(stderr, "riskwire price: and %u more rows\n", job->bad - FINDINGS_MAX);
}

int rw_verb_price(int argc, char **argv) {
    struct arguments arguments = {0};
    argp_err_exit_status = RW_EXIT_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    struct job job = {.arguments = &arguments, .kernel = rw_option_kernel_best()};
    job.in = fopen(arguments.path, "r");
    if (!job.in) {
        int rc = errno;
        rw_err_set(rc, "cannot open %s: %s", arguments.path, strerror(rc));
        rw_err_print("riskwire price");
        return rc == ENOENT ? RW_EXIT_NO_INPUT : RW_EXIT_FAILED;
    }
    void *memory = aligned_alloc(64, rw_option_table_footprint(1, true));
    int rc = memory ? check_header(&job) : rw_err_set(ENOMEM, "no memory for an option");
    if (rc == 0) {
        rw_option_table_init(&job.table, memory, 1, true);
        price_all(&job);
        if (fflush(stdout) || ferror(stdout))
            rc = rw_err_set(EIO, "cannot write: %s", strerror(errno));
    }
    free(memory);
    fclose(job.in);
    if (rc) rw_err_print("riskwire price");
    return rc || job.bad ? RW_EXIT_FAILED : RW_EXIT_OK;
}
