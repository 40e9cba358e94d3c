/* riskwire stat: what a site counts, from its shared-memory file; also of a site that is dead. */
#include <argp.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/base/err.h"
#include "tools/riskwire/stat_report.h"
#include "tools/riskwire/verbs.h"
#include "tools/riskwired/config.h"

enum format { TABLE, JSON, CSV };

struct arguments {
    const char *site, *run_dir, *file;
    enum format format;
    bool all;
    uint64_t watch_ns; /* 0: once */
};

enum { KEY_RUN_DIR = 1000, KEY_JSON, KEY_ALL };

static const struct argp_option options[] = {
    {"site", 's', "NAME", 0, "the site to show (a)", 0},
    {"run-dir", KEY_RUN_DIR, "DIR", 0, "run_dir of the site (" RW_RUN_DIR_DEFAULT ")", 0},
    {"output", 'o', "table|json|csv", 0, "form of the output", 0},
    {"json", KEY_JSON, NULL, 0, "the same as -o json", 0},
    {"watch", 'w', "SEC", OPTION_ARG_OPTIONAL,
     "every SEC seconds (1) a line of JSON, until stopped", 0},
    {"all", KEY_ALL, NULL, 0, "tables: also the counters that are 0", 0},
    {0}};

static error_t parse(int key, char *value, struct argp_state *state) {
    static const char *const formats[] = {"table", "json", "csv"};
    struct arguments *arguments = state->input;
    switch (key) {
    case 's':
        arguments->site = value;
        return 0;
    case KEY_RUN_DIR:
        arguments->run_dir = value;
        return 0;
    case KEY_JSON:
        arguments->format = JSON;
        return 0;
    case KEY_ALL:
        arguments->all = true;
        return 0;
    case 'o':
        for (enum format format = TABLE; format <= CSV; format++)
            if (!strcmp(value, formats[format])) return arguments->format = format, 0;
        argp_failure(state, RW_EXIT_USAGE, 0, "-o %s: must be table, json or csv", value);
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
    case ARGP_KEY_ARG:
        if (arguments->file)
            argp_error(state, "one statistics file at a time: '%s' is too many", value);
        arguments->file = value;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    options,
    parse,
    "[FILE]",
    "Shows what a site counts: cores, stages, links, feeds, replication, delivery, "
    "loss, latency. Reads the file of a dead site as well.\v"
    "Examples: riskwire stat --site b\n          riskwire stat -w2 | jq .latency",
    NULL,
    NULL,
    NULL};

/* The file named, or the site's in its run_dir. */
static void find_file(const struct arguments *arguments, char *path, size_t bytes) {
    if (arguments->file)
        snprintf(path, bytes, "%s", arguments->file);
    else
        snprintf(path, bytes, "%s/%s/stats", arguments->run_dir, arguments->site);
}

static int show(const struct arguments *arguments, const char *path) {
    errno = 0;
    struct rw_stats *stats = rw_stats_open(path);
    if (!stats) {
        bool denied = errno == EACCES, absent = access(path, F_OK) != 0;
        if (absent) {
            rw_err_set(ENOENT, "there is no site '%s': %s does not exist", arguments->site, path);
            rw_err_fix("start riskwired --config FILE, or name the folder with --run-dir and the "
                       "site with "
                       "--site");
        }
        rw_err_print("riskwire stat");
        if (denied) return RW_EXIT_PERMISSION;
        return absent && !arguments->file ? RW_EXIT_NO_SITE : RW_EXIT_NO_INPUT;
    }
    if (arguments->format == TABLE && !arguments->watch_ns)
        rw_stat_report_table(stdout, stats, arguments->all);
    else if (arguments->format == CSV && !arguments->watch_ns)
        rw_stat_report_csv(stdout, stats);
    else
        rw_stat_report_json(stdout, stats);
    rw_stats_close(stats);
    return fflush(stdout) || ferror(stdout) ? RW_EXIT_FAILED : RW_EXIT_OK;
}

int rw_verb_stat(int argc, char **argv) {
    struct arguments arguments = {.site = "a", .run_dir = RW_RUN_DIR_DEFAULT};
    char path[4096];
    argp_err_exit_status = RW_EXIT_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    find_file(&arguments, path, sizeof path);
    int rc = show(&arguments, path);
    /* Opened anew for each line: a restarted site has another file. */
    while (!rc && arguments.watch_ns) {
        nanosleep(&(struct timespec){.tv_sec = (time_t)(arguments.watch_ns / 1000000000u),
                                     .tv_nsec = (long)(arguments.watch_ns % 1000000000u)},
                  NULL);
        rc = show(&arguments, path);
    }
    return rc;
}
