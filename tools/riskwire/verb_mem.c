/* riskwire mem --config FILE: the memory plan of a site, without running it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/err.h"
#include "refdata/compile.h"
#include "tools/riskwire/site_args.h"
#include "tools/riskwire/verbs.h"
#include "tools/riskwired/tapping.h"
#include "tools/riskwired/wiring.h"

struct arguments {
    const char *config;
    struct rw_form_arg form;
};

static error_t parse(int key, char *value, struct argp_state *state) {
    struct arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->form;
        return 0;
    case 'c':
        arguments->config = value;
        return 0;
    case ARGP_KEY_END:
        if (!arguments->config) argp_error(state, "--config FILE is missing");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&rw_form_argp, 0, NULL, 0}, {0}};
static const struct argp_option options[] = {{"config", 'c', "FILE", 0, "the site's YAML file", 0},
                                             {0}};
static const struct argp argp = {
    options,  parse,
    NULL,     "What a site will map before it runs.\vExample: riskwire mem --config a/site.yaml",
    children, NULL,
    NULL};

int rw_verb_mem(int argc, char **argv) {
    static const enum rw_plan_format formats[] = {[RW_FORM_TABLE] = RW_PLAN_TABLE,
                                                  [RW_FORM_JSON] = RW_PLAN_JSON,
                                                  [RW_FORM_CSV] = RW_PLAN_CSV};
    struct arguments arguments = {0};
    static struct rw_config config;
    static struct rw_wiring wiring;
    static struct rw_tapping tapping;
    struct rw_intake_file intake;
    struct rw_image *image = NULL;
    struct rw_topology *topology = NULL;
    struct rw_plan *plan;
    argp_err_exit_status = RW_EXIT_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    int rc = rw_config_load(arguments.config, &config, stderr);
    if (!rc) rc = rw_refdata_compile(config.reference_dir, &image);
    if (!rc) rc = rw_intake_load(&intake, config.intake_file, image, stderr);
    if (!rc) rc = rw_wiring_make(&wiring, &config, image, &intake);
    if (!rc && !(topology = rw_wiring_topology(&wiring))) rc = -1;
    if (!rc) rc = rw_topology_plan(topology, &plan);
    if (!rc) rc = rw_tapping_plan(&tapping, &config, topology, plan);
    if (!rc) rw_plan_print(stdout, plan, formats[arguments.form.form]);
    rw_topology_free(topology);
    free(image);
    if (!rc) return RW_EXIT_OK;
    rw_err_print("riskwire");
    return RW_EXIT_CONFIG;
}
