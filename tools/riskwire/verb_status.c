/* riskwire status | promote: the replication role of a site, over its control socket. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/base/err.h"
#include "tools/riskwire/control_client.h"
#include "tools/riskwire/site_args.h"
#include "tools/riskwire/verbs.h"
#include "tools/riskwired/config.h"

struct arguments {
    struct rw_site_args site;
    struct rw_form_arg form;
    bool force, new_lineage;
};

enum { KEY_FORCE = 1000, KEY_NEW_LINEAGE };

static error_t parse(int key, char *value, struct argp_state *state) {
    struct arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->site;
        state->child_inputs[1] = &arguments->form;
        return 0;
    case KEY_FORCE:
        arguments->force = true;
        return 0;
    case KEY_NEW_LINEAGE:
        arguments->new_lineage = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {
    {&rw_site_argp, 0, NULL, 0}, {&rw_form_argp, 0, NULL, 0}, {0}};
static const struct argp_option promote_options[] = {
    {"force", KEY_FORCE, NULL, 0, "although the peer answers", 0},
    {"new-lineage", KEY_NEW_LINEAGE, NULL, 0,
     "although this site was not in step: opens a new session and loses what it did not hold", 0},
    {0}};

static const struct argp status_argp = {
    NULL,     parse,
    NULL,     "Role, mode and positions of a site.\vExample: riskwire status --site b --json",
    children, NULL,
    NULL};
static const struct argp promote_argp = {
    promote_options,
    parse,
    NULL,
    "Makes an in-sync follower the leader, alone (SOLO).\vExample: riskwire promote --site b",
    children,
    NULL,
    NULL};

/* Prints the fields of the answer; a refusal goes to stderr with its reason. */
static int show(const json_t *reply, bool as_json) {
    if (json_is_false(json_object_get(reply, "ok"))) {
        const char *error = json_string_value(json_object_get(reply, "error"));
        const char *fix = json_string_value(json_object_get(reply, "fix"));
        fprintf(stderr, "riskwire: %s\n", error ? error : "refused");
        if (fix) fprintf(stderr, "  fix: %s\n", fix);
        return RW_EXIT_FAILED;
    }
    if (as_json) {
        json_dumpf(reply, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
        putchar('\n');
        return RW_EXIT_OK;
    }
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)reply, name, value) {
        if (!strcmp(name, "ok")) continue;
        if (json_is_string(value))
            printf("%-20s %s\n", name, json_string_value(value));
        else if (json_is_integer(value))
            printf("%-20s %lld\n", name, (long long)json_integer_value(value));
        else
            printf("%-20s %s\n", name, json_is_true(value) ? "yes" : "no");
    }
    return RW_EXIT_OK;
}

static int call(int argc, char **argv, const struct argp *argp, const char *verb) {
    struct arguments arguments = {.site = RW_SITE_ARGS_DEFAULT,
                                  .form = {.without = 1u << RW_FORM_CSV}};
    argp_err_exit_status = RW_EXIT_USAGE;
    argp_parse(argp, argc, argv, 0, NULL, &arguments);
    json_t *request = json_pack("{s:s,s:b,s:b}", "verb", verb, "force", arguments.force,
                                "new_lineage", arguments.new_lineage);
    int exit_code = RW_EXIT_OK;
    json_t *reply =
        rw_control_call(arguments.site.run_dir, arguments.site.site, request, &exit_code);
    json_decref(request);
    if (!reply) {
        rw_err_print("riskwire");
        return exit_code;
    }
    exit_code = show(reply, arguments.form.form == RW_FORM_JSON);
    json_decref(reply);
    return exit_code;
}

int rw_verb_status(int argc, char **argv) { return call(argc, argv, &status_argp, "status"); }
int rw_verb_promote(int argc, char **argv) { return call(argc, argv, &promote_argp, "promote"); }
