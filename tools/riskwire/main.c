/* riskwire VERB …: everything an operator does besides running the daemon. Does not link DPDK. */
#include <stdio.h>
#include <string.h>

#include "tools/riskwire/verbs.h"

struct verb {
    const char *name, *help;
    int (*run)(int argc, char **argv);
};

#define VERB_ROW(name, help) {#name, help, rw_verb_##name},
static const struct verb verbs[] = {RW_VERBS(VERB_ROW){NULL, NULL, NULL}};

static int help(FILE *out) {
    fputs("riskwire VERB [ARGUMENT...]   (riskwire VERB --help tells more)\n\n", out);
    for (const struct verb *verb = verbs; verb->name; verb++)
        fprintf(out, "  %-12s %s\n", verb->name, verb->help);
    return out == stdout ? RW_EXIT_OK : RW_EXIT_USAGE;
}

int main(int argc, char **argv) {
    if (argc < 2) return help(stderr);
    if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help")) return help(stdout);
    for (const struct verb *verb = verbs; verb->name; verb++)
        if (!strcmp(verb->name, argv[1])) return verb->run(argc - 1, argv + 1);
    fprintf(stderr, "riskwire: no verb '%s'\n  fix: riskwire help lists the verbs\n", argv[1]);
    return RW_EXIT_USAGE;
}
