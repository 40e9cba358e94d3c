/* riskwire bars: bars of a capture, by the core of the appliance.
 *
 *   frames ─► feed ─► ticks ─┬─ trades ──────────────────────► bar_core ─► a line each
 *                            └─ event time, once a second ──► its clock, as the sequencer has it */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/base/err.h"
#include "refdata/enrich_core.h"
#include "risk/bar_setting.h"
#include "tools/riskwire/arguments.h"
#include "tools/riskwire/feed_file.h"
#include "tools/riskwire/verbs.h"

#define ORDERS      (1u << 20)
#define LOCATES     65536u
#define LINE_BYTES  64u
#define SYMBOL_SIZE 8

enum { KEY_FEED = 1000, KEY_LENGTH, KEY_BOUND, KEY_LATENESS, KEY_SYMBOL };

struct arguments {
    const char *path[2], *symbol, *length_s;
    const struct rw_venue *venue;
    uint64_t bound_ms, lateness_ms;
};

struct making {
    const struct arguments *arguments;
    struct rw_bar_cfg cfg; /* instrument = locate + 1 */
    struct rw_bar_counters counters;
    struct rw_bars *bars;
    uint64_t event_time_ns, clock_ns;
};

static error_t parse(int key, char *value, struct argp_state *state) {
    struct arguments *arguments = state->input;
    switch (key) {
    case KEY_FEED:
        arguments->venue = rw_argument_feed(state, value);
        return 0;
    case KEY_LENGTH:
        arguments->length_s = value;
        return 0;
    case KEY_BOUND:
        arguments->bound_ms = rw_argument_number(state, "bound-ms", value, 0, RW_BAR_MS_MAX);
        return 0;
    case KEY_LATENESS:
        arguments->lateness_ms = rw_argument_number(state, "lateness-ms", value, 0, RW_BAR_MS_MAX);
        return 0;
    case KEY_SYMBOL:
        arguments->symbol = value;
        return 0;
    case 'o':
        if (strcmp(value, "csv")) argp_failure(state, RW_EXIT_USAGE, 0, "-o '%s': only csv", value);
        return 0;
    case ARGP_KEY_ARG:
        if (arguments->path[1]) return ARGP_ERR_UNKNOWN;
        arguments->path[arguments->path[0] ? 1 : 0] = value;
        return 0;
    case ARGP_KEY_END:
        if (!arguments->path[0]) argp_usage(state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"feed", KEY_FEED, "NAME", 0, "whose capture it is: " RW_VENUE_NAMES " (itch50)", 0},
    {"length", KEY_LENGTH, "SECONDS,…", 0, "lengths of the bars, ascending, at most 4 (60)", 0},
    {"bound-ms", KEY_BOUND, "N", 0, "how far trades may be out of order in event time (100)", 0},
    {"lateness-ms", KEY_LATENESS, "N", 0, "how long later trades correct a bar (10000)", 0},
    {"symbol", KEY_SYMBOL, "SYMBOL", 0, "only this one", 0},
    {NULL, 'o', "csv", 0, "form of the output", 0},
    {0}};
static const struct argp argp = {
    options,
    parse,
    "FILE [LINE_B]",
    "Prints bars of all trades of a capture (pcap, pcapng, .gz of either) as the appliance tells "
    "them: symbol,start_ns,length_ns,open,high,low,close,volume,notional,trades,version; prices "
    "in 1e-4, times since midnight. A line with version above 1 takes the place of the one before "
    "it."
    "\vExample: riskwire bars line_a.pcap --length 1,60 --symbol AAPL -o csv > bars.csv",
    NULL,
    NULL,
    NULL};

static void print(const struct making *making, const uint8_t *symbol, const struct rw_bar *bar) {
    const char *wanted = making->arguments->symbol;
    int length = SYMBOL_SIZE;
    while (length > 0 && symbol[length - 1] == ' ') length--;
    if (wanted && (strlen(wanted) != (size_t)length || memcmp(symbol, wanted, (size_t)length)))
        return;
    printf("%.*s,%" PRIu64 ",%" PRIu64 ",%" PRId32 ",%" PRId32 ",%" PRId32 ",%" PRId32 ",%" PRIu64
           ",%" PRId64 ",%" PRIu32 ",%" PRIu32 "\n",
           length, (const char *)symbol, bar->start_ns, bar->length_ns, bar->open, bar->high,
           bar->low, bar->close, bar->volume, bar->notional, bar->trades, bar->version);
}

static void print_due(struct making *making, const struct rw_feed_file *file) {
    const struct rw_venue *venue = making->arguments->venue;
    enum rw_bars_step step;
    struct rw_bar bar;
    while ((step = rw_bars_next(making->bars, &bar)) != RW_BARS_DONE)
        if (step == RW_BARS_BAR)
            print(making, venue->symbol(rw_feed_file_books(file), (uint16_t)(bar.instrument - 1)),
                  &bar);
}

/* The sequencer's clock: in front of the first tick that is an interval further. */
static void pass_time(struct making *making, const struct rw_feed_file *file, uint64_t time_ns) {
    if (time_ns > making->event_time_ns) making->event_time_ns = time_ns;
    if (making->event_time_ns < making->clock_ns + RW_ENRICH_CLOCK_NS) return;
    making->clock_ns = making->event_time_ns;
    if (rw_bars_clock(making->bars, making->clock_ns)) print_due(making, file);
}

static void take(void *context, const struct rw_feed_file *file, const struct rw_entry *entry) {
    struct making *making = context;
    struct rw_tick_body tick;
    if (entry->type != RW_ENTRY_TICK) return;
    uint64_t time_ns = entry->event_time_ns ? entry->event_time_ns : making->event_time_ns;
    memcpy(&tick, entry->body, sizeof tick);
    pass_time(making, file, time_ns);
    rw_stat_add(&making->counters.broken, tick.kind == RW_TICK_BREAK);
    if (tick.kind != RW_TICK_TRADE) return;
    if (tick.last_price <= 0 || tick.last_quantity == 0)
        rw_stat_add(&making->counters.unusable, 1);
    else if (rw_bars_trade(making->bars, entry->instrument + 1, time_ns, tick.last_price,
                           tick.last_quantity))
        print_due(making, file);
}

/* What is not in the bars, or more than they say. */
static void report(const struct rw_bar_counters *counters) {
    static const struct rw_stat_row rows[] = RW_STATS_ROWS(RW_BAR_COUNTERS);
    const rw_stat *cells[] = {&counters->too_late, &counters->ahead, &counters->notional_range,
                              &counters->unusable, &counters->broken};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        const struct rw_stat_row *row = &rows[cells[i] - (const rw_stat *)counters];
        if (rw_stat_get(cells[i]))
            fprintf(stderr, "  %s %" PRIu64 " %s: %s\n", row->name, rw_stat_get(cells[i]),
                    row->unit, row->help);
    }
}

static int run(struct making *making) {
    const struct arguments *arguments = making->arguments;
    const struct rw_feed_file_sink sink = {take, making};
    struct rw_feed_file *file;
    size_t bytes = rw_bars_footprint(&making->cfg);
    /* zero pages until a locate trades */
    uint8_t *memory = calloc(1, bytes + LINE_BYTES);
    if (!memory) return rw_err_set(ENOMEM, "no memory for %zu MB of bars", bytes >> 20);
    making->bars =
        rw_bars_new(memory + (LINE_BYTES - (uintptr_t)memory % LINE_BYTES), &making->cfg);
    puts("symbol,start_ns,length_ns,open,high,low,close,volume,notional,trades,version");
    int rc = rw_feed_file_run(arguments->path, arguments->path[1] ? 2 : 1, arguments->venue, ORDERS,
                              sink, &file);
    if (rc == 0) {
        if (rw_bars_clock(making->bars, UINT64_MAX)) print_due(making, file);
        rw_feed_file_losses(file, stderr);
        report(&making->counters);
        rw_feed_file_close(file);
    }
    free(memory);
    if (rc == 0 && (fflush(stdout) != 0 || ferror(stdout)))
        rc = rw_err_set(EIO, "cannot write: %s", strerror(errno));
    return rc;
}

int rw_verb_bars(int argc, char **argv) {
    struct arguments arguments = {.venue = rw_venue_named("itch50"),
                                  .length_s = "60",
                                  .bound_ms = RW_BAR_BOUND_MS_DEFAULT,
                                  .lateness_ms = RW_BAR_LATENESS_MS_DEFAULT};
    struct making making = {.arguments = &arguments};
    argp_err_exit_status = RW_EXIT_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    making.cfg = (struct rw_bar_cfg){
        .instruments = LOCATES + 1, .ahead_ns = RW_ENRICH_CLOCK_NS, .counters = &making.counters};
    int rc =
        rw_bar_setting(&making.cfg, arguments.length_s, arguments.bound_ms, arguments.lateness_ms);
    if (rc == 0 && making.cfg.lengths == 0) rc = rw_err_set(EINVAL, "no length, so no bars");
    if (rc < 0) {
        rw_err_print("riskwire bars");
        return RW_EXIT_USAGE;
    }
    bool there = access(arguments.path[0], R_OK) == 0;
    rc = run(&making);
    if (rc < 0) rw_err_print("riskwire bars");
    return rc == 0 ? RW_EXIT_OK : there ? RW_EXIT_FAILED : RW_EXIT_NO_INPUT;
}
