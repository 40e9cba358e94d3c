/* riskwire gen: makes a market session from a seed, or the files that go beside a capture. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/base/err.h"
#include "dataplane/record/image.h"
#include "tools/riskwire/arguments.h"
#include "tools/riskwire/gen_framing.h"
#include "tools/riskwire/gen_market.h"
#include "tools/riskwire/gen_session.h"
#include "tools/riskwire/verbs.h"

#define SECOND_NS           1000000000ull
#define MESSAGES_PER_SECOND 10000u
#define MESSAGES_PER_SYMBOL 1000u
#define SYMBOLS_DAY         8887u

enum {
    KEY_SEED = 1000,
    KEY_MESSAGES,
    KEY_OUT,
    KEY_SYMBOLS,
    KEY_LISTING,
    KEY_PORTFOLIOS,
    KEY_HOLDERS,
    KEY_SCENARIOS,
    KEY_DURATION,
    KEY_FILLS,
    KEY_TRUTHS,
    KEY_LOSS,
    KEY_BOTH,
    KEY_REORDER,
    KEY_DUPLICATE,
    KEY_SKEW,
    KEY_VLAN,
    KEY_NO_LOCATES,
    KEY_CAPTURE,
    KEY_FEED,
};

static const struct argp_option options[] = {
    {"out", KEY_OUT, "DIR", 0, "where the files go; made if missing", 1},
    {"seed", KEY_SEED, "N", 0, "same seed and options, same bytes (1)", 1},
    {"messages", KEY_MESSAGES, "N", 0, "messages of the session (200000)", 1},
    {"for-capture", KEY_CAPTURE, "FILE", 0, "only the CSV files for FILE; lines too if it is ITCH",
     1},
    {"feed", KEY_FEED, "NAME", 0,
     "what the lines speak: " RW_GEN_FRAMING_NAMES " (itch50); another than itch50 leaves the "
     "locate column empty",
     1},
    {"symbols", KEY_SYMBOLS, "N", 0, "instruments (messages / 1000, up to 8887)", 2},
    {"listing", KEY_LISTING, "N", 0,
     "symbols and prices of this seed: sessions of one listing are venues with the same "
     "instruments",
     2},
    {"portfolios", KEY_PORTFOLIOS, "N", 0, "portfolios (100)", 2},
    {"holders", KEY_HOLDERS, "N", 0, "mean portfolios that hold an instrument (5)", 2},
    {"scenarios", KEY_SCENARIOS, "N", 0, "days of history in returns.csv, 0: no such file (250)",
     2},
    {"duration", KEY_DURATION, "SECONDS", 0, "session time of all messages (messages / 10000)", 2},
    {"fills", KEY_FILLS, "PERCENT", 0, "of the trades that are the firm's (25)", 2},
    {"truths", KEY_TRUTHS, "N", 0, "times at which books are written, besides the end (8)", 2},
    {"no-locates", KEY_NO_LOCATES, NULL, 0, "leave the locate column empty", 2},
    {"loss", KEY_LOSS, "PERCENT", 0, "packets lost on each line, never on both (0.2)", 3},
    {"both-lines-loss", KEY_BOTH, "N", 0, "packets lost on both lines (0)", 3},
    {"reorder", KEY_REORDER, "PERCENT", 0, "packets overtaken by later ones (0.2)", 3},
    {"duplicate", KEY_DUPLICATE, "PERCENT", 0, "packets that come twice on a line (0.1)", 3},
    {"skew-us", KEY_SKEW, "US", 0, "line B is later than line A by this (12)", 3},
    {"vlan", KEY_VLAN, "ID", 0, "802.1Q tag (none)", 3},
    {0}};

static error_t parse_lines(int key, char *value, struct argp_state *state) {
    struct rw_gen_options *gen = state->input;
    switch (key) {
    case KEY_LOSS:
        gen->loss_ppm = rw_argument_percent(state, "loss", value);
        return 0;
    case KEY_REORDER:
        gen->reorder_ppm = rw_argument_percent(state, "reorder", value);
        return 0;
    case KEY_DUPLICATE:
        gen->duplicate_ppm = rw_argument_percent(state, "duplicate", value);
        return 0;
    case KEY_BOTH:
        gen->both_lost = (uint32_t)rw_argument_number(state, "both-lines-loss", value, 0, 1000);
        return 0;
    case KEY_SKEW:
        gen->skew_ns = (uint32_t)rw_argument_number(state, "skew-us", value, 0, 10000) * 1000;
        return 0;
    case KEY_VLAN:
        gen->vlan = (uint16_t)rw_argument_number(state, "vlan", value, 1, 4094);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse(int key, char *value, struct argp_state *state) {
    struct rw_gen_options *gen = state->input;
    switch (key) {
    case KEY_OUT:
        gen->dir = value;
        return 0;
    case KEY_CAPTURE:
        gen->capture = value;
        return 0;
    case KEY_FEED:
        if (!rw_gen_framing_named(value))
            argp_failure(state, RW_EXIT_USAGE, 0, "--feed '%s' is none of %s", value,
                         RW_GEN_FRAMING_NAMES);
        gen->feed = value;
        if (strcmp(value, "itch50")) gen->locates = false;
        return 0;
    case KEY_SEED:
        gen->seed = rw_argument_number(state, "seed", value, 0, UINT64_MAX);
        return 0;
    case KEY_MESSAGES:
        gen->messages = rw_argument_number(state, "messages", value, 1, 1000000000);
        return 0;
    case KEY_SYMBOLS:
        gen->symbols = (uint32_t)rw_argument_number(state, "symbols", value, 1, RW_GEN_SYMBOLS_MAX);
        return 0;
    case KEY_LISTING:
        gen->listing = rw_argument_number(state, "listing", value, 0, UINT64_MAX);
        gen->listed = true;
        return 0;
    case KEY_PORTFOLIOS:
        gen->portfolios = (uint32_t)rw_argument_number(state, "portfolios", value, 1, 99999);
        return 0;
    case KEY_HOLDERS:
        gen->holders = (uint32_t)rw_argument_number(state, "holders", value, 1, 1000);
        return 0;
    case KEY_SCENARIOS:
        gen->scenarios =
            (uint32_t)rw_argument_number(state, "scenarios", value, 0, RW_IMAGE_SCENARIOS_MAX);
        return 0;
    case KEY_DURATION:
        gen->duration_ns = rw_argument_number(state, "duration", value, 1, 30000) * SECOND_NS;
        return 0;
    case KEY_FILLS:
        gen->fills_percent = (uint32_t)rw_argument_number(state, "fills", value, 0, 100);
        return 0;
    case KEY_TRUTHS:
        gen->truths = (uint32_t)rw_argument_number(state, "truths", value, 0, 1000);
        return 0;
    case KEY_NO_LOCATES:
        gen->locates = false;
        return 0;
    case ARGP_KEY_END:
        if (!gen->dir) argp_error(state, "--out DIR is missing");
        return 0;
    default:
        return parse_lines(key, value, state);
    }
}

static const struct argp argp = {
    options,
    parse,
    NULL,
    "Makes a market session from a seed: line_a.pcap, line_b.pcap (ITCH 5.0 in MoldUDP64, "
    "or --feed), session.itch "
    "(length-prefixed), instruments.csv, portfolios.csv, positions.csv, limits.csv, inputs.csv and "
    "truth/book_HHMMSS.nnnnnnnnn.csv, the books after all messages up to that time."
    "\vExample: riskwire gen --seed 7 --messages 200000 --out session",
    NULL,
    NULL,
    NULL};

/* What was left open follows from the number of messages. Returns false when it does not fit. */
static bool complete(struct rw_gen_options *gen) {
    if (!gen->symbols) {
        uint64_t symbols = gen->messages / MESSAGES_PER_SYMBOL;
        gen->symbols = symbols < 8 ? 8 : symbols > SYMBOLS_DAY ? SYMBOLS_DAY : (uint32_t)symbols;
    }
    if (!gen->duration_ns) {
        uint64_t seconds = gen->messages / MESSAGES_PER_SECOND;
        gen->duration_ns = (seconds < 5 ? 5 : seconds > 30000 ? 30000 : seconds) * SECOND_NS;
    }
    uint64_t least = rw_gen_messages_min(gen->symbols);
    if (gen->capture || gen->messages >= least) return true;
    rw_err_set(EINVAL, "%llu messages are too few for a session of %u symbols",
               (unsigned long long)gen->messages, gen->symbols);
    rw_err_fix("give --messages %llu or more, or fewer --symbols", (unsigned long long)least);
    return false;
}

int rw_verb_gen(int argc, char **argv) {
    struct rw_gen_options gen = {.feed = "itch50",
                                 .seed = 1,
                                 .messages = 200000,
                                 .portfolios = 100,
                                 .holders = 5,
                                 .fills_percent = 25,
                                 .truths = 8,
                                 .scenarios = 250,
                                 .loss_ppm = 2000,
                                 .reorder_ppm = 2000,
                                 .duplicate_ppm = 1000,
                                 .skew_ns = 12000,
                                 .midnight_ns = RW_GEN_MIDNIGHT_NS,
                                 .locates = true};
    argp_err_exit_status = RW_EXIT_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &gen);
    if (!complete(&gen)) {
        rw_err_print("riskwire gen");
        return RW_EXIT_USAGE;
    }
    int rc = 0;
    if (mkdir(gen.dir, 0777) < 0 && errno != EEXIST)
        rc = rw_err_set(errno, "cannot make %s: %s", gen.dir, strerror(errno));
    bool no_capture = gen.capture && rc == 0 && access(gen.capture, R_OK) < 0;
    if (rc == 0) rc = gen.capture ? rw_gen_for_capture(&gen) : rw_gen_session(&gen);
    if (rc < 0) rw_err_print("riskwire gen");
    return rc == 0 ? RW_EXIT_OK : no_capture ? RW_EXIT_NO_INPUT : RW_EXIT_FAILED;
}
