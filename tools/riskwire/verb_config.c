/* riskwire config check FILE | defaults | show FILE: the configuration, without a running site. */
#include <stdio.h>
#include <string.h>

#include "dataplane/base/err.h"
#include "tools/riskwire/verbs.h"
#include "tools/riskwired/config.h"

static int usage(FILE *out) {
    fputs("usage: riskwire config defaults > site.yaml\n"
          "       riskwire config check FILE    exit 0 when every key is right, else 78\n"
          "       riskwire config show FILE     the file with the defaults filled in\n",
          out);
    return out == stdout ? RW_EXIT_OK : RW_EXIT_USAGE;
}

int rw_verb_config(int argc, char **argv) {
    struct rw_config config;
    if (argc == 2 && !strcmp(argv[1], "--help")) return usage(stdout);
    if (argc == 2 && !strcmp(argv[1], "defaults")) {
        rw_config_defaults(&config);
        rw_config_print(&config, stdout);
        return RW_EXIT_OK;
    }
    if (argc != 3 || (strcmp(argv[1], "check") && strcmp(argv[1], "show"))) return usage(stderr);
    if (rw_config_load(argv[2], &config, stderr)) {
        rw_err_print("riskwire");
        return RW_EXIT_CONFIG;
    }
    if (!strcmp(argv[1], "show")) rw_config_print(&config, stdout);
    return RW_EXIT_OK;
}
