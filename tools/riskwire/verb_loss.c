/* riskwire loss: what each port, line and channel lost, and to which reason; from the site's
 * shared-memory statistics, also of a site that is dead. */
#include <stdio.h>

#include "tools/riskwire/loss_report.h"
#include "tools/riskwire/site_args.h"
#include "tools/riskwire/verbs.h"
#include "tools/riskwired/config.h"

static error_t parse(int key, char *value, struct argp_state *state) {
    if (key != ARGP_KEY_INIT) return ARGP_ERR_UNKNOWN;
    state->child_inputs[0] = state->input;
    return 0;
}

static const struct argp_child children[] = {{&rw_stats_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {
    NULL,
    parse,
    NULL,
    "Shows what came over each port, line and channel, what was lost and why, who recovered it, "
    "and "
    "whether the accounts add up. Reads the file of a dead site as well.\v"
    "Examples: riskwire loss --site b\n          riskwire loss --json | jq .holds",
    children,
    NULL,
    NULL};

int rw_verb_loss(int argc, char **argv) {
    static void (*const reports[RW_FORMS])(FILE *, const struct rw_stats *) = {
        [RW_FORM_TABLE] = rw_loss_report_table,
        [RW_FORM_JSON] = rw_loss_report_json,
        [RW_FORM_CSV] = rw_loss_report_csv};
    struct rw_stats_args arguments = {.site = RW_SITE_ARGS_DEFAULT};
    struct rw_stats *stats;
    argp_err_exit_status = RW_EXIT_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    int exit_code = rw_stats_of(&arguments, "loss", &stats);
    if (exit_code) return exit_code;
    reports[arguments.form.form](stdout, stats);
    rw_stats_close(stats);
    return fflush(stdout) || ferror(stdout) ? RW_EXIT_FAILED : RW_EXIT_OK;
}
