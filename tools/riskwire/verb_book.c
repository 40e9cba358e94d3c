/* riskwire book: the order books of a file at a time of day. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/base/err.h"
#include "dataplane/feed/itch50_book.h"
#include "tools/riskwire/arguments.h"
#include "tools/riskwire/book_csv.h"
#include "tools/riskwire/feed_file.h"
#include "tools/riskwire/itch_order.h"
#include "tools/riskwire/verbs.h"

#define MESSAGE_BYTES_MEAN 30u
#define ORDERS_MIN         1024u
#define ORDERS_MAX         (1u << 22)
#define LINE_BYTES         64u

enum { KEY_AT = 1000, KEY_SYMBOL, KEY_DEPTH, KEY_FEED };

struct arguments {
    const char *path[2], *symbol; /* the second: line B, with a venue */
    const struct rw_venue *venue; /* NULL: ITCH, also as a length-prefixed file */
    uint64_t at_ns;
    uint32_t depth;
};

/* Reads HH:MM:SS with up to nine digits of fraction; false when it is anything else. */
static bool parse_time(const char *text, uint64_t *ns) {
    unsigned hours, minutes, seconds;
    int used = 0;
    if (strspn(text, "0123456789:.") != strlen(text)) return false;
    if (sscanf(text, "%2u:%2u:%2u%n", &hours, &minutes, &seconds, &used) != 3) return false;
    if (hours > 23 || minutes > 59 || seconds > 59) return false;
    *ns = ((hours * 60u + minutes) * 60ull + seconds) * 1000000000u;
    if (text[used] == '\0') return true;
    if (text[used++] != '.' || text[used] == '\0') return false;
    uint64_t unit = 100000000;
    for (; text[used]; used++, unit /= 10) {
        if (unit == 0 || text[used] < '0' || text[used] > '9') return false;
        *ns += (uint64_t)(text[used] - '0') * unit;
    }
    return true;
}

static error_t parse(int key, char *value, struct argp_state *state) {
    struct arguments *arguments = state->input;
    char *end;
    switch (key) {
    case KEY_AT:
        if (!parse_time(value, &arguments->at_ns))
            argp_failure(state, RW_EXIT_USAGE, 0, "--at '%s' is not HH:MM:SS[.nnnnnnnnn]", value);
        return 0;
    case KEY_SYMBOL:
        arguments->symbol = value;
        return 0;
    case KEY_DEPTH:
        errno = 0;
        arguments->depth = (uint32_t)strtoul(value, &end, 10);
        if (errno || *end || !arguments->depth || *value == '-')
            argp_failure(state, RW_EXIT_USAGE, 0, "--depth '%s' is not a number ≥ 1", value);
        return 0;
    case KEY_FEED:
        arguments->venue = rw_argument_feed(state, value);
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
        if (arguments->path[1] && !arguments->venue)
            argp_error(state, "a second file is line B of a feed: give --feed");
        if (arguments->venue && arguments->at_ns != UINT64_MAX)
            argp_error(state, "--at is for ITCH files, without --feed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"at", KEY_AT, "HH:MM:SS.n", 0, "after all messages up to this time, inclusive (end of file)",
     0},
    {"symbol", KEY_SYMBOL, "SYMBOL", 0, "only this one", 0},
    {"depth", KEY_DEPTH, "N", 0, "the best N levels of each side (all)", 0},
    {"feed", KEY_FEED, "NAME", 0,
     "the capture is of this feed, run as the appliance does: " RW_VENUE_NAMES
     " (ITCH, by session)",
     0},
    {NULL, 'o', "csv", 0, "form of the output", 0},
    {0}};
static const struct argp argp = {
    options,
    parse,
    "FILE [LINE_B]",
    "Prints the order books that a capture (pcap, pcapng, .gz of either) or a length-prefixed ITCH "
    "file "
    "leads to: symbol,side,level,price,quantity,orders, prices in 1e-4. Lines are arbitrated by "
    "(session, sequence)."
    " With --feed, the first session or unit of one line, or of both."
    "\vExample: riskwire book line_a.pcap --at 09:30:05 --symbol AAPL --depth 5 -o csv",
    NULL,
    NULL,
    NULL};

struct books {
    void *memory;
    struct rw_book *book;
    struct rw_book_counters counters;
};

/* As many orders as the file can possibly add, up to more than the largest days keep alive. */
static int make_books(struct books *books, uint64_t file_bytes) {
    uint64_t orders = file_bytes / MESSAGE_BYTES_MEAN;
    orders = orders < ORDERS_MIN ? ORDERS_MIN : orders > ORDERS_MAX ? ORDERS_MAX : orders;
    struct rw_book_cfg cfg = {.orders_max = (uint32_t)orders, .levels_max = (uint32_t)orders};
    size_t bytes = rw_book_footprint(&cfg);
    if (posix_memalign(&books->memory, LINE_BYTES, bytes) != 0)
        return rw_err_set(ENOMEM, "no memory for %zu MB of books", bytes >> 20);
    books->book = rw_book_new(books->memory, &cfg, &books->counters);
    return 0;
}

static int apply_all(struct rw_itch_order *order, struct rw_book *book, uint64_t at_ns) {
    struct rw_itch_item item;
    struct rw_book_event event;
    uint64_t refused = 0;
    int rc;
    while ((rc = rw_itch_order_next(order, &item)) > 0) {
        if (rw_itch50_check(item.message, item.bytes) != RW_ITCH50_OK)
            refused++;
        else if (rw_itch50_timestamp(item.message) <= at_ns)
            rw_itch50_apply(book, item.message, item.bytes, &event);
    }
    if (refused)
        fprintf(stderr, "riskwire book: %" PRIu64 " messages of unknown type or wrong length\n",
                refused);
    struct rw_itch_order_count count = rw_itch_order_counted(order);
    if (count.missing)
        fprintf(stderr, "riskwire book: %" PRIu64 " messages are missing\n", count.missing);
    if (count.ignored)
        fprintf(stderr, "riskwire book: %" PRIu64 " messages ignored: more than %u sessions\n",
                count.ignored, RW_ITCH_ORDER_SESSIONS_MAX);
    return rc;
}

static int finish_output(uint64_t full) {
    if (fflush(stdout) != 0 || ferror(stdout))
        return rw_err_set(EIO, "cannot write: %s", strerror(errno));
    if (full)
        return rw_err_set(EOVERFLOW, "%" PRIu64 " orders did not fit: the books are incomplete",
                          full);
    return 0;
}

static int print_books(const struct books *books, const struct arguments *arguments) {
    uint64_t unknown = rw_stat_get(&books->counters.unknown_reference);
    uint64_t full =
        rw_stat_get(&books->counters.orders_full) + rw_stat_get(&books->counters.levels_full);
    if (unknown)
        fprintf(stderr, "riskwire book: %" PRIu64 " messages about orders not in the file\n",
                unknown);
    rw_book_csv(stdout, books->book, arguments->symbol, arguments->depth);
    return finish_output(full);
}

static int of_feed(const struct arguments *arguments) {
    struct rw_feed_file *file;
    int rc = rw_feed_file_run(arguments->path, arguments->path[1] ? 2 : 1, arguments->venue,
                              ORDERS_MAX / 4, (struct rw_feed_file_sink){0}, &file);
    if (rc < 0) return rc;
    rw_feed_file_losses(file, stderr);
    rw_venue_csv(stdout, arguments->venue, rw_feed_file_books(file), arguments->symbol,
                 arguments->depth);
    rc = finish_output(rw_feed_file_overflow(file));
    rw_feed_file_close(file);
    return rc;
}

static int of_itch(const struct arguments *arguments) {
    struct rw_itch_file *file;
    struct books books = {0};
    int rc = rw_itch_file_open(arguments->path[0], &file);
    if (rc < 0) return rc;
    rc = make_books(&books, rw_itch_file_bytes(file));
    if (rc == 0) {
        struct rw_itch_order *order = rw_itch_order_new(file);
        rc = apply_all(order, books.book, arguments->at_ns);
        rw_itch_order_free(order);
    }
    if (rc == 0) rc = print_books(&books, arguments);
    rw_itch_file_close(file);
    free(books.memory);
    return rc;
}

int rw_verb_book(int argc, char **argv) {
    struct arguments arguments = {.at_ns = UINT64_MAX};
    argp_err_exit_status = RW_EXIT_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    bool there = access(arguments.path[0], R_OK) == 0;
    int rc = arguments.venue ? of_feed(&arguments) : of_itch(&arguments);
    if (rc < 0) rw_err_print("riskwire book");
    return rc == 0 ? RW_EXIT_OK : there ? RW_EXIT_FAILED : RW_EXIT_NO_INPUT;
}
