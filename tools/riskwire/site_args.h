/* The arguments that many verbs have, as children of their argp parsers:
 *
 *   static const struct argp_child children[] = {{&rw_site_argp}, {&rw_form_argp}, {0}};
 *   case ARGP_KEY_INIT: state->child_inputs[0] = &arguments->site; … */
#pragma once

#include <argp.h>
#include <stddef.h>

#include "dataplane/stats/stats.h"

/* --site NAME, --run-dir DIR. */
struct rw_site_args {
    const char *site, *run_dir;
};
#define RW_SITE_ARGS_DEFAULT \
    { .site = "a", .run_dir = RW_RUN_DIR_DEFAULT }
extern const struct argp rw_site_argp;

/* -o FORM, --json. */
enum rw_form { RW_FORM_TABLE, RW_FORM_JSON, RW_FORM_CSV, RW_FORMS };
struct rw_form_arg {
    enum rw_form form;
    unsigned without; /* bits 1 << form: forms that the verb does not have */
};
extern const struct argp rw_form_argp;

/* Both of them, and FILE: for verbs that show statistics. */
struct rw_stats_args {
    struct rw_site_args site;
    struct rw_form_arg form;
    const char *file; /* NULL: the site's own */
};
extern const struct argp rw_stats_argp;

/* rw_site_path writes the path of a run-time file of the site. */
void rw_site_path(const struct rw_site_args *args, const char *name, char *path, size_t bytes);
/* rw_site_failed prints the last error as that of a verb and returns the exit code for a run-time
 * file that could not be opened: without the file there is no such site, and that is said instead,
 * with the cure. */
int rw_site_failed(const struct rw_site_args *args, const char *verb, const char *path);
/* rw_stats_of opens the statistics that are meant, also of a site that is dead. Returns an exit
 * code, with the error printed when it is not RW_EXIT_OK. The caller closes *stats. */
int rw_stats_of(const struct rw_stats_args *args, const char *verb, struct rw_stats **stats);
