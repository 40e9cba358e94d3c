/* The verbs of the operator's CLI: one row here, one file verb_<name>.c. */
#pragma once

/* Exit codes, the same for every verb and the daemon. */
enum rw_exit {
    RW_EXIT_OK = 0,
    RW_EXIT_FAILED = 1, /* failed while running */
    RW_EXIT_CHECK = 3,  /* a check found a FAIL */
    RW_EXIT_USAGE = 64,
    RW_EXIT_NO_INPUT = 66, /* no such input file */
    RW_EXIT_NO_SITE = 69,  /* no running site */
    RW_EXIT_NO_PEER = 75,  /* peer unreachable */
    RW_EXIT_PERMISSION = 77,
    RW_EXIT_CONFIG = 78,
};

/* name, one sentence for `riskwire help`; the function is rw_verb_<name>. */
/* clang-format off */
#define RW_VERBS(X)                                                                              \
    X(gen, "make a market session from a seed, or the files beside a capture")                    \
    X(venue, "a simulated venue on the network, with its faults and its servers")                \
    X(decode, "every message of a capture as a JSON object a line")                              \
    X(book, "the order books a capture leads to, at a time of day")                              \
    X(bars, "bars of a capture in event time, and their corrections")                            \
    X(journal, "verify, dump or report what a journal folder holds, also a copied one")            \
    X(config, "check a configuration, print the defaults as the manual")                         \
    X(status, "role, mode and positions of a running site")                                      \
    X(promote, "make an in-sync follower the leader, alone")                                     \
    X(subscribe, "follow the released results of a site, across restarts and fail-overs")          \
    X(stat, "what a site counts: cores, stages, links, loss, latency; also of a dead site")     \
    X(var, "historical VaR and expected shortfall of a file of P&Ls")                           \
    X(loss, "what each port, line and channel lost, and why; also of a dead site")              \
    X(price, "the option kernels of the hot path on a CSV file")                       \
    X(capture, "what passes a port or a link of a running site, as pcapng")                     \
    X(mem, "the memory a site would map, without running it")
/* clang-format on */

#define RW_VERB_DECLARE(name, help) int rw_verb_##name(int argc, char **argv);
RW_VERBS(RW_VERB_DECLARE)
