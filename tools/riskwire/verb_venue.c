/* riskwire venue: a venue on the network, with everything that a feed handler asks of one. */
#include <argp.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include "dataplane/base/err.h"
#include "dataplane/record/image.h"
#include "tools/riskwire/arguments.h"
#include "tools/riskwire/gen_session.h"
#include "tools/riskwire/venue_run.h"
#include "tools/riskwire/verbs.h"

#define SECOND_NS           1000000000ull
#define MILLISECOND_NS      1000000ull
#define MESSAGES_PER_SYMBOL 1000u
#define RATE                10000u
#define HOLD_NS             (300 * SECOND_NS)

enum {
    KEY_SEED = 1000,
    KEY_MESSAGES,
    KEY_SYMBOLS,
    KEY_FEED,
    KEY_LISTING,
    KEY_RATE,
    KEY_SPEED,
    KEY_OUT,
    KEY_GROUP_A,
    KEY_GROUP_B,
    KEY_GROUP_LOOP,
    KEY_LOOP,
    KEY_INTERFACE,
    KEY_INTERFACE_B,
    KEY_REQUESTS,
    KEY_GLIMPSE,
    KEY_DROPCOPY,
    KEY_CONTROL,
    KEY_LOSS_A,
    KEY_LOSS_B,
    KEY_LOSS_RUN,
    KEY_REORDER,
    KEY_DUPLICATE,
    KEY_SKEW,
    KEY_DELAY,
    KEY_JOIN,
    KEY_HOLD,
    KEY_LINGER,
    KEY_LIMIT,
    KEY_PORTFOLIOS,
    KEY_HOLDERS,
    KEY_OWN,
    KEY_SCENARIOS,
    KEY_TRUTHS,
    KEY_WAIT,
    KEY_BYTES,
    KEY_HEARTBEAT,
    KEY_PAUSE,
    KEY_NUMBER,
    KEY_NAMES_LAST,
};

static const struct argp_option options[] = {
    {"out", KEY_OUT, "DIR", 0, "CSV files, truth books and messages go here; made if missing", 1},
    {"seed", KEY_SEED, "N", 0, "same seed and options, same market and same faults (1)", 1},
    {"messages", KEY_MESSAGES, "N", 0, "messages of the session (200000)", 1},
    {"symbols", KEY_SYMBOLS, "N", 0, "instruments (messages / 1000, at least 8)", 1},
    {"feed", KEY_FEED, "FEED", 0, RW_GEN_FRAMING_NAMES " (itch50)", 1},
    {"listing", KEY_LISTING, "N", 0, "the instruments of this seed: venues of one market (--seed)",
     1},
    {"rate", KEY_RATE, "N", 0, "mean messages a second of the market's own time (10000)", 1},
    {"speed", KEY_SPEED, "X", 0, "the market's time runs so much faster than the clock (1)", 1},
    {"group-a", KEY_GROUP_A, "ADDRESS:PORT", 0, "where line A goes: a multicast group, or a host",
     2},
    {"group-b", KEY_GROUP_B, "ADDRESS:PORT", 0, "where line B goes (no line B)", 2},
    {"group-loop", KEY_GROUP_LOOP, "ADDRESS:PORT", 0,
     "where the snapshot loop of mdp3 goes (down both lines)", 2},
    {"interface", KEY_INTERFACE, "ADDRESS", 0,
     "own IPv4 address by which multicast leaves (as routed); again for each further site that "
     "listens, up to four, with losses of its own",
     2},
    {"interface-b", KEY_INTERFACE_B, "ADDRESS", 0,
     "another one for line B of the site before it (--interface)", 2},
    {"requests", KEY_REQUESTS, "ADDRESS:PORT", 0, "where re-requests are answered (nowhere)", 2},
    {"glimpse", KEY_GLIMPSE, "ADDRESS:PORT", 0, "where snapshots are served (nowhere)", 2},
    {"drop-copy", KEY_DROPCOPY, "ADDRESS:PORT", 0, "where the firm's fills are served (nowhere)",
     2},
    {"control", KEY_CONTROL, "FIFO", 0, "a named pipe to make, for the commands below (none)", 2},
    {"loss-a", KEY_LOSS_A, "PERCENT", 0, "packets lost on line A, independent of B (0)", 3},
    {"loss-b", KEY_LOSS_B, "PERCENT", 0, "packets lost on line B (0)", 3},
    {"loss-run", KEY_LOSS_RUN, "N", 0, "they are lost in runs of 1 to N packets (1)", 3},
    {"reorder", KEY_REORDER, "PERCENT", 0, "packets overtaken by later ones (0)", 3},
    {"duplicate", KEY_DUPLICATE, "PERCENT", 0, "packets that come twice on a line (0)", 3},
    {"skew-us", KEY_SKEW, "US", 0, "line B is later than line A by this (12)", 3},
    {"start-delay", KEY_DELAY, "SECONDS", 0, "heartbeats only for so long (0)", 4},
    {"wait-for-join", KEY_JOIN, "SECONDS", 0,
     "… until somebody joins group A, at most so long; needs root and --interface", 4},
    {"hold", KEY_HOLD, NULL, 0, "… until the command begin, at most 300 seconds", 4},
    {"linger", KEY_LINGER, "SECONDS", 0, "the end of the session is told so long (5)", 4},
    {"time-limit", KEY_LIMIT, "SECONDS", 0, "ends after so long in any case (3600)", 4},
    {"portfolios", KEY_PORTFOLIOS, "N", 0, "portfolios of the firm (100)", 5},
    {"holders", KEY_HOLDERS, "N", 0, "mean portfolios that hold an instrument (5)", 5},
    {"own", KEY_OWN, "PERCENT", 0, "orders that are the firm's (10)", 5},
    {"scenarios", KEY_SCENARIOS, "N", 0, "days of history in returns.csv, 0: no such file (250)",
     5},
    {"truths", KEY_TRUTHS, "N", 0, "times at which books are written, besides the end (8)", 5},
    {"packet-wait-us", KEY_WAIT, "US", 0, "a packet waits so long for more messages (20)", 6},
    {"packet-bytes", KEY_BYTES, "N", 0, "longest payload of a packet or answer (1400)", 6},
    {"loop-ms", KEY_LOOP, "MS", 0, "time between packets of the snapshot loop of mdp3 (10)", 6},
    {"heartbeat-ms", KEY_HEARTBEAT, "MS", 0, "silence after which a heartbeat is sent (1000)", 6},
    {"pause-ms", KEY_PAUSE, "MS", 0, "silence between a restart and its first packet (500)", 6},
    {"glimpse-number", KEY_NUMBER, "FORM", 0,
     "of the last message of a snapshot: right, left, zeroes (digits) or binary (right)", 6},
    {"glimpse-names-last", KEY_NAMES_LAST, NULL, 0,
     "that number is the last message in it, not the next one", 6},
    {0}};

/* Options that are a number of the given kind. */
static const struct row {
    int key;
    const char *name;
    uint8_t decimals;
    uint8_t bytes; /* of the field */
    size_t offset;
    uint64_t low, high;
    uint64_t unit; /* the field counts so many for each step of the last decimal */
} rows[] = {
#define FIELD(field) \
    sizeof((struct rw_venue_options *)0)->field, offsetof(struct rw_venue_options, field)
    {KEY_SEED, "seed", 0, FIELD(venue.seed), 0, UINT64_MAX, 1},
    {KEY_MESSAGES, "messages", 0, FIELD(venue.messages), 1, 100000000, 1},
    {KEY_SYMBOLS, "symbols", 0, FIELD(venue.symbols), 1, RW_GEN_SYMBOLS_MAX, 1},
    {KEY_LISTING, "listing", 0, FIELD(venue.listing), 0, UINT64_MAX, 1},
    {KEY_SPEED, "speed", 3, FIELD(venue.speed_permille), 1, 1000000, 1},
    {KEY_LOSS_RUN, "loss-run", 0, FIELD(loss_run), 1, 1000, 1},
    {KEY_SKEW, "skew-us", 0, FIELD(skew_ns), 0, 100000, 1000},
    {KEY_LINGER, "linger", 3, FIELD(venue.linger_ns), 0, 600000, MILLISECOND_NS},
    {KEY_LIMIT, "time-limit", 3, FIELD(limit_ns), 1, 86400000, MILLISECOND_NS},
    {KEY_PORTFOLIOS, "portfolios", 0, FIELD(portfolios), 1, 99999, 1},
    {KEY_HOLDERS, "holders", 0, FIELD(holders), 1, 1000, 1},
    {KEY_OWN, "own", 0, FIELD(own_percent), 0, 100, 1},
    {KEY_SCENARIOS, "scenarios", 0, FIELD(scenarios), 0, RW_IMAGE_SCENARIOS_MAX, 1},
    {KEY_TRUTHS, "truths", 0, FIELD(truths), 0, 1000, 1},
    {KEY_WAIT, "packet-wait-us", 0, FIELD(venue.packet_wait_ns), 0, 1000000, 1000},
    {KEY_BYTES, "packet-bytes", 0, FIELD(venue.packet_bytes), RW_VENUE_PAYLOAD_MIN,
     RW_VENUE_PAYLOAD_MAX, 1},
    {KEY_LOOP, "loop-ms", 3, FIELD(venue.loop_ns), 1, 60000000, 1000},
    {KEY_HEARTBEAT, "heartbeat-ms", 0, FIELD(venue.heartbeat_ns), 1, 60000, MILLISECOND_NS},
    {KEY_PAUSE, "pause-ms", 0, FIELD(venue.pause_ns), 0, 60000, MILLISECOND_NS},
    {KEY_DELAY, "start-delay", 3, FIELD(start_ns), 0, 3600000, MILLISECOND_NS},
    {KEY_JOIN, "wait-for-join", 3, FIELD(start_ns), 1, 3600000, MILLISECOND_NS},
#undef FIELD
};

static bool parse_number(int key, const char *value, struct argp_state *state, void *venue) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        if (row->key != key) continue;
        uint64_t number =
            row->decimals
                ? rw_argument_decimal(state, row->name, value, row->decimals, row->low, row->high)
                : rw_argument_number(state, row->name, value, row->low, row->high);
        number *= row->unit;
        memcpy((char *)venue + row->offset, &number, row->bytes); /* little-endian */
        return true;
    }
    return false;
}

static const char **text_of(int key, struct rw_venue_options *venue) {
    switch (key) {
    case KEY_OUT:
        return &venue->dir;
    case KEY_GROUP_A:
        return &venue->group[0];
    case KEY_GROUP_B:
        return &venue->group[1];
    case KEY_GROUP_LOOP:
        return &venue->loop;
    case KEY_REQUESTS:
        return &venue->requests;
    case KEY_GLIMPSE:
        return &venue->glimpse;
    case KEY_DROPCOPY:
        return &venue->dropcopy;
    case KEY_CONTROL:
        return &venue->control;
    default:
        return NULL;
    }
}

struct arguments {
    struct rw_venue_options venue;
    uint64_t rate;
};

static void parse_form(const char *value, struct argp_state *state,
                       struct rw_venue_options *venue) {
    static const char *const forms[] = {"right", "left", "zeroes", "binary"};
    for (uint32_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (strcmp(value, forms[i]) != 0) continue;
        venue->glimpse_form.number = (enum rw_venue_number)i;
        return;
    }
    argp_error(state, "--glimpse-number is right, left, zeroes or binary, not '%s'", value);
}

static void parse_feed(const char *value, struct argp_state *state,
                       struct rw_venue_options *venue) {
    venue->venue.feed = value;
    if (!rw_gen_framing_named(value))
        argp_error(state, "--feed is one of " RW_GEN_FRAMING_NAMES ", not '%s'", value);
}

/* An interface begins a site; both its lines leave there, unless line B has another one. */
static bool parse_interface(int key, const char *value, struct argp_state *state,
                            struct rw_venue_options *venue) {
    if (key != KEY_INTERFACE && key != KEY_INTERFACE_B) return false;
    if (key == KEY_INTERFACE && venue->sites == RW_VENUE_SITES_MAX)
        argp_error(state, "--interface stands there more than %u times", RW_VENUE_SITES_MAX);
    if (key == KEY_INTERFACE_B && venue->sites == 0)
        argp_error(state, "--interface-b stands behind the --interface of its site");
    if (key == KEY_INTERFACE) venue->interface[venue->sites++][0] = value;
    venue->interface[venue->sites - 1][1] = value;
    return true;
}

/* What must be there, and what does not go together. */
static void check_end(struct argp_state *state, const struct rw_venue_options *venue) {
    if (!venue->dir) argp_error(state, "--out DIR is missing");
    if (!venue->group[0]) argp_error(state, "--group-a ADDRESS:PORT is missing");
    if (venue->start == RW_VENUE_START_HOLD && !venue->control)
        argp_error(state, "--hold needs --control, to be told to begin");
    bool is_itch = !venue->venue.feed || !strcmp(venue->venue.feed, "itch50");
    if (!is_itch && (venue->requests || venue->glimpse))
        argp_error(state, "--requests and --glimpse are of the feed itch50 only");
}

static error_t parse(int key, char *value, struct argp_state *state) {
    struct arguments *given = state->input;
    struct rw_venue_options *venue = &given->venue;
    const char **text = text_of(key, venue);
    if (key == KEY_JOIN) venue->start = RW_VENUE_START_JOIN;
    if (key == KEY_LISTING) venue->venue.listed = true;
    if (text) {
        *text = value;
        return 0;
    }
    if (parse_number(key, value, state, venue)) return 0;
    if (parse_interface(key, value, state, venue)) return 0;
    switch (key) {
    case KEY_RATE:
        given->rate = rw_argument_number(state, "rate", value, 1, 10000000);
        return 0;
    case KEY_LOSS_A:
        venue->loss_ppm[0] = rw_argument_percent(state, "loss-a", value);
        return 0;
    case KEY_LOSS_B:
        venue->loss_ppm[1] = rw_argument_percent(state, "loss-b", value);
        return 0;
    case KEY_REORDER:
        venue->reorder_ppm = rw_argument_percent(state, "reorder", value);
        return 0;
    case KEY_DUPLICATE:
        venue->duplicate_ppm = rw_argument_percent(state, "duplicate", value);
        return 0;
    case KEY_HOLD:
        venue->start = RW_VENUE_START_HOLD;
        venue->start_ns = HOLD_NS;
        return 0;
    case KEY_FEED:
        parse_feed(value, state, venue);
        return 0;
    case KEY_NUMBER:
        parse_form(value, state, venue);
        return 0;
    case KEY_NAMES_LAST:
        venue->glimpse_form.names_last = true;
        return 0;
    case ARGP_KEY_END:
        if (venue->sites == 0) venue->sites = 1;
        check_end(state, venue);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    options,
    parse,
    NULL,
    "Runs a simulated venue on the network: ITCH 5.0 in MoldUDP64, Cboe PITCH or CME MDP 3.0 with "
    "its loop of definitions and snapshots, on one or two lines with seeded faults; for ITCH a "
    "re-request server and GLIMPSE 5.0 snapshots; and an OUCH 5.0 drop copy over SoupBinTCP. "
    "It sends to the given addresses only, and to who asks its servers; it ends by itself. DIR "
    "gets instruments.csv, portfolios.csv, positions.csv, limits.csv and returns.csv at once, so "
    "that a site can be configured from it; truth/book_HHMMSS.nnnnnnnnn.csv on the way; "
    "session.itch "
    "(session_2.itch … after restarts) and the firm's fills in inputs.csv at the end."
    "\v"
    "stdout has `name value` lines: where it listens, then `ready`, and at the end what was done. "
    "Packets follow a schedule with a fixed epoch; late_p50_us, late_p99_us and late_max_us say "
    "how "
    "far behind it they left.\n\n"
    "Commands, a line each, written to the pipe of --control:\n"
    "  begin                                    start a market that is held\n"
    "  requests fine|down|slow|partial|lying    how re-requests are treated\n"
    "  glimpse up|down|slow|cut N               how snapshots are; cut: after N messages\n"
    "  drop-copy up|down|slow|cut N             the same of the drop copy\n"
    "  restart same|new                         an empty market at sequence 1, under the same or a "
    "new session\n"
    "  blackout SECONDS                         nothing reaches either line\n"
    "  speed X                                  as --speed, from now on\n"
    "  truth                                    write the books as they are\n"
    "  end                                      stop at once\n\n"
    "Exit 0 when the market was sent to its end, 1 when it was stopped before or failed.\n\n"
    "Example: riskwire venue --seed 7 --messages 200000 --group-a 239.77.0.1:26477 --group-b "
    "239.77.0.2:26477 --interface 10.77.0.1 --requests 10.77.0.1:26478 --glimpse 10.77.0.1:26479 "
    "--loss-a 5 --loss-b 5 --out session",
    NULL,
    NULL,
    NULL};

/* What follows from the others. Returns 0, or -EINVAL with an error. */
static int complete(struct arguments *given) {
    struct rw_venue_cfg *venue = &given->venue.venue;
    if (!venue->symbols) {
        uint64_t symbols = venue->messages / MESSAGES_PER_SYMBOL;
        venue->symbols = symbols < 8                    ? 8
                         : symbols > RW_GEN_SYMBOLS_MAX ? RW_GEN_SYMBOLS_MAX
                                                        : (uint32_t)symbols;
    }
    uint64_t least = rw_gen_messages_min(venue->symbols);
    if (venue->messages < least) {
        rw_err_set(EINVAL, "%llu messages are too few for a session of %u symbols",
                   (unsigned long long)venue->messages, venue->symbols);
        rw_err_fix("give --messages %llu or more, or fewer --symbols", (unsigned long long)least);
        return -EINVAL;
    }
    venue->duration_ns = venue->messages * SECOND_NS / given->rate;
    if (venue->duration_ns >= SECOND_NS && venue->duration_ns <= 30000 * SECOND_NS) return 0;
    rw_err_set(EINVAL, "%llu messages at %llu a second do not make a market of 1 to 30,000 seconds",
               (unsigned long long)venue->messages, (unsigned long long)given->rate);
    rw_err_fix("choose another --rate, and --speed for how fast it is sent");
    return -EINVAL;
}

int rw_verb_venue(int argc, char **argv) {
    struct arguments given = {.rate = RATE,
                              .venue = {.venue = {.seed = 1,
                                                  .messages = 200000,
                                                  .speed_permille = 1000,
                                                  .packet_bytes = RW_VENUE_PAYLOAD_MAX,
                                                  .packet_wait_ns = 20000,
                                                  .heartbeat_ns = SECOND_NS,
                                                  .pause_ns = SECOND_NS / 2,
                                                  .linger_ns = 5 * SECOND_NS,
                                                  .loop_ns = 10 * MILLISECOND_NS,
                                                  .midnight_ns = RW_GEN_MIDNIGHT_NS},
                                        .loss_run = 1,
                                        .skew_ns = 12000,
                                        .portfolios = 100,
                                        .holders = 5,
                                        .own_percent = 10,
                                        .truths = 8,
                                        .scenarios = 250,
                                        .limit_ns = 3600 * SECOND_NS}};
    argp_err_exit_status = RW_EXIT_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &given);
    int rc = complete(&given);
    if (rc < 0) {
        rw_err_print("riskwire venue");
        return RW_EXIT_USAGE;
    }
    const char *dir = given.venue.dir;
    if (mkdir(dir, 0777) < 0 && errno != EEXIST)
        rc = rw_err_set(errno, "cannot make %s: %s", dir, strerror(errno));
    if (rc == 0) rc = rw_venue_run(&given.venue);
    if (rc < 0 && rc != -ECANCELED) rw_err_print("riskwire venue");
    return rc == 0 ? RW_EXIT_OK : RW_EXIT_FAILED;
}
