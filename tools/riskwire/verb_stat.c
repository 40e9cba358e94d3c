/* riskwire stat: what a site counts, from its shared-memory file; also of a site that is dead. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/riskwire/site_args.h"
#include "tools/riskwire/stat_report.h"
#include "tools/riskwire/verbs.h"
#include "tools/riskwired/config.h"

struct arguments {
    struct rw_stats_args stats;
    bool all;
    uint64_t watch_ns; /* 0: once */
};

enum { KEY_ALL = 1000 };

static const struct argp_option options[] = {
    {"watch", 'w', "SEC", OPTION_ARG_OPTIONAL,
     "every SEC seconds (1) a line of JSON, until stopped", 0},
    {"all", KEY_ALL, NULL, 0, "tables: also the counters that are 0", 0},
    {0}};

static error_t parse(int key, char *value, struct argp_state *state) {
    struct arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->stats;
        return 0;
    case KEY_ALL:
        arguments->all = true;
        return 0;
    case 'w': {
        char *end = NULL;
        double seconds = value ? strtod(value, &end) : 1;
        if (value && (end == value || *end || !(seconds >= 0.01 && seconds <= 86400)))
            argp_failure(state, RW_EXIT_USAGE, 0, "-w%s: must be seconds from 0.01 to 86400",
                         value);
        arguments->watch_ns = (uint64_t)(seconds * 1e9);
        return 0;
    }
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&rw_stats_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {
    options,
    parse,
    NULL,
    "Shows what a site counts: cores, stages, links, feeds, replication, delivery, "
    "loss, latency. Reads the file of a dead site as well.\v"
    "Examples: riskwire stat --site b\n          riskwire stat -w2 | jq .latency",
    children,
    NULL,
    NULL};

static int show(const struct arguments *arguments) {
    struct rw_stats *stats;
    int exit_code = rw_stats_of(&arguments->stats, "stat", &stats);
    if (exit_code) return exit_code;
    if (arguments->stats.form.form == RW_FORM_TABLE && !arguments->watch_ns)
        rw_stat_report_table(stdout, stats, arguments->all);
    else if (arguments->stats.form.form == RW_FORM_CSV && !arguments->watch_ns)
        rw_stat_report_csv(stdout, stats);
    else
        rw_stat_report_json(stdout, stats);
    rw_stats_close(stats);
    return fflush(stdout) || ferror(stdout) ? RW_EXIT_FAILED : RW_EXIT_OK;
}

int rw_verb_stat(int argc, char **argv) {
    struct arguments arguments = {.stats = {.site = RW_SITE_ARGS_DEFAULT}};
    argp_err_exit_status = RW_EXIT_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    int rc = show(&arguments);
    /* Opened anew for each line: a restarted site has another file. */
    while (!rc && arguments.watch_ns) {
        nanosleep(&(struct timespec){.tv_sec = (time_t)(arguments.watch_ns / 1000000000u),
                                     .tv_nsec = (long)(arguments.watch_ns % 1000000000u)},
                  NULL);
        rc = show(&arguments);
    }
    return rc;
}
