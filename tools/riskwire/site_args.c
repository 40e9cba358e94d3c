#include "tools/riskwire/site_args.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/base/err.h"
#include "tools/riskwire/verbs.h"
#include "tools/riskwired/config.h"

enum { KEY_RUN_DIR = 2000, KEY_JSON };

static error_t parse_site(int key, char *value, struct argp_state *state) {
    struct rw_site_args *args = state->input;
    switch (key) {
    case 's':
        args->site = value;
        return 0;
    case KEY_RUN_DIR:
        args->run_dir = value;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option site_options[] = {
    {"site", 's', "NAME", 0, "the site (a)", 0},
    {"run-dir", KEY_RUN_DIR, "DIR", 0, "run_dir of the site (" RW_RUN_DIR_DEFAULT ")", 0},
    {0}};
const struct argp rw_site_argp = {site_options, parse_site, NULL, NULL, NULL, NULL, NULL};

static const char *const form_names[RW_FORMS] = {"table", "json", "csv"};

/* "table, json or csv", as far as the verb has them. */
static void list_forms(const struct rw_form_arg *arg, char *text, size_t bytes) {
    const char *have[RW_FORMS];
    uint32_t count = 0;
    size_t at = 0;
    for (enum rw_form form = 0; form < RW_FORMS; form++)
        if (!(arg->without & 1u << form)) have[count++] = form_names[form];
    for (uint32_t i = 0; i < count && at < bytes; i++)
        at += (size_t)snprintf(text + at, bytes - at, "%s%s",
                               i == 0           ? ""
                               : i + 1 == count ? " or "
                                                : ", ",
                               have[i]);
}

static error_t parse_form(int key, char *value, struct argp_state *state) {
    struct rw_form_arg *arg = state->input;
    char forms[64];
    switch (key) {
    case KEY_JSON:
        arg->form = RW_FORM_JSON;
        return 0;
    case 'o':
        for (enum rw_form form = 0; form < RW_FORMS; form++)
            if (!(arg->without & 1u << form) && !strcmp(value, form_names[form]))
                return arg->form = form, 0;
        list_forms(arg, forms, sizeof forms);
        argp_failure(state, RW_EXIT_USAGE, 0, "-o %s: must be %s", value, forms);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static char *explain_form(int key, const char *text, void *input) {
    char forms[64], *line = NULL;
    if (key != 'o' || !input) return (char *)(uintptr_t)text;
    list_forms(input, forms, sizeof forms);
    return asprintf(&line, "%s: %s", text, forms) < 0 ? NULL : line;
}

static const struct argp_option form_options[] = {
    {"output", 'o', "FORM", 0, "form of the output", 0},
    {"json", KEY_JSON, NULL, 0, "the same as -o json", 0},
    {0}};
const struct argp rw_form_argp = {form_options, parse_form, NULL, NULL, NULL, explain_form, NULL};

void rw_site_path(const struct rw_site_args *args, const char *name, char *path, size_t bytes) {
    snprintf(path, bytes, "%s/%s/%s", args->run_dir, args->site, name);
}

static error_t parse_stats(int key, char *value, struct argp_state *state) {
    struct rw_stats_args *args = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &args->site;
        state->child_inputs[1] = &args->form;
        return 0;
    case ARGP_KEY_ARG:
        if (args->file) argp_error(state, "one statistics file at a time: '%s' is too many", value);
        args->file = value;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child stats_children[] = {
    {&rw_site_argp, 0, NULL, 0}, {&rw_form_argp, 0, NULL, 0}, {0}};
const struct argp rw_stats_argp = {NULL, parse_stats, "[FILE]", NULL, stats_children, NULL, NULL};

int rw_stats_of(const struct rw_stats_args *args, const char *verb, struct rw_stats **stats) {
    char path[4096];
    rw_site_path(&args->site, "stats", path, sizeof path);
    const char *file = args->file ? args->file : path;
    *stats = rw_stats_open(file);
    if (*stats) return RW_EXIT_OK;
    if (file == path) return rw_site_failed(&args->site, verb, path);
    snprintf(path, sizeof path, "riskwire %s", verb);
    rw_err_print(path);
    return access(file, R_OK) && errno == EACCES ? RW_EXIT_PERMISSION : RW_EXIT_NO_INPUT;
}

int rw_site_failed(const struct rw_site_args *args, const char *verb, const char *path) {
    bool absent = access(path, F_OK) != 0 && errno != EACCES;
    bool denied = !absent && access(path, R_OK) != 0;
    if (absent) {
        rw_err_set(ENOENT, "there is no site '%s': %s does not exist", args->site, path);
        rw_err_fix("start riskwired --config FILE, or name the folder with --run-dir and the site "
                   "with --site");
    }
    char name[64];
    snprintf(name, sizeof name, "riskwire %s", verb);
    rw_err_print(name);
    return denied ? RW_EXIT_PERMISSION : absent ? RW_EXIT_NO_SITE : RW_EXIT_NO_INPUT;
}
