/* riskwire decode: every message of a file as one JSON object a line. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/base/err.h"
#include "dataplane/feed/itch50.h"
#include "dataplane/io/pcap.h"
#include "tools/riskwire/decode_feeds.h"
#include "tools/riskwire/itch_file.h"
#include "tools/riskwire/verbs.h"

#define OUTPUT_BYTES (1u << 20)

enum { KEY_FEED = 1000 };

struct arguments {
    const char *path;
    const struct rw_decode_feed *feed; /* NULL: guessed */
};

static error_t parse(int key, char *value, struct argp_state *state) {
    struct arguments *arguments = state->input;
    switch (key) {
    case KEY_FEED:
        arguments->feed = rw_decode_feed_named(value);
        if (!arguments->feed)
            argp_failure(state, RW_EXIT_USAGE, 0, "no feed '%s'; there are %s", value,
                         rw_decode_feed_names());
        return 0;
    case ARGP_KEY_ARG:
        if (arguments->path) return ARGP_ERR_UNKNOWN;
        arguments->path = value;
        return 0;
    case ARGP_KEY_END:
        if (!arguments->path) argp_usage(state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static char *help_filter(int key, const char *text, void *input) {
    char *filled;
    if (key != KEY_FEED) return (char *)(uintptr_t)text;
    return asprintf(&filled, "%s (%s)", text, rw_decode_feed_names()) < 0 ? NULL : filled;
}

static const struct argp_option options[] = {
    {"feed", KEY_FEED, "NAME", 0, "format of the messages, guessed when not given", 0}, {0}};
static const struct argp argp = {options,
                                 parse,
                                 "FILE",
                                 "Prints each message of a capture (pcap, pcapng, .gz of either) "
                                 "or of a length-prefixed ITCH file "
                                 "as one JSON object, in file order, duplicates included. What is "
                                 "no message is counted on stderr."
                                 "\vExample: riskwire decode line_a.pcap | head",
                                 NULL,
                                 help_filter,
                                 NULL};

static void print_counts(const struct rw_decode_tally *tally, const char *feed) {
    const struct {
        uint64_t value;
        const char *what;
    } rows[] = {
#define COUNT_ROW(name, sentence) {tally->name, sentence},
        RW_DECODE_COUNTS(COUNT_ROW)};
    fprintf(stderr, "riskwire decode: %" PRIu64 " messages (%s)", tally->messages, feed);
    if (tally->frames) fprintf(stderr, " in %" PRIu64 " packets", tally->frames);
    fputc('\n', stderr);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].value) fprintf(stderr, "  %" PRIu64 " %s\n", rows[i].value, rows[i].what);
}

/* Length-prefixed files hold ITCH: nothing in them says so. */
static int decode_prefixed(const char *path, struct rw_decode *decode) {
    const struct rw_message_type *type;
    struct rw_itch_file *file;
    struct rw_itch_item item;
    int rc = rw_itch_file_open(path, &file);
    if (rc < 0) return rc;
    while (!decode->write_error && (rc = rw_itch_file_next(file, &item)) > 0)
        if (rw_decode_verdict(
                decode, rw_message_find(&rw_itch50_table, item.message[0], item.bytes, &type)))
            rw_decode_line(decode, item.sequence, &rw_itch50_table, type, item.message);
    decode->tally.cut = rw_itch_file_counted(file).cut;
    rw_itch_file_close(file);
    if (decode->write_error)
        return rw_err_set(decode->write_error, "cannot write: %s", strerror(decode->write_error));
    return rc;
}

/* A capture that fits no feed is walked as ITCH, so that it is counted what is in it. */
static int decode_file(const char *path, const struct rw_decode_feed **feed,
                       struct rw_decode *decode) {
    const struct rw_decode_feed *itch50 = rw_decode_feed_named("itch50");
    if ((!*feed || *feed == itch50) && !rw_pcap_is_capture(path)) {
        *feed = itch50;
        return decode_prefixed(path, decode);
    }
    int rc = *feed ? 0 : rw_decode_guess(path, feed);
    if (rc < 0) return rc;
    if (!*feed) {
        *feed = itch50;
        fprintf(stderr, "riskwire decode: no feed recognised in %s, itch50 assumed; --feed %s\n",
                path, rw_decode_feed_names());
    }
    return rw_decode_capture(path, *feed, decode);
}

int rw_verb_decode(int argc, char **argv) {
    struct arguments arguments = {0};
    struct rw_decode decode = {.out = stdout};
    argp_err_exit_status = RW_EXIT_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    setvbuf(stdout, NULL, _IOFBF, OUTPUT_BYTES);
    int rc = decode_file(arguments.path, &arguments.feed, &decode);
    if (rc == 0 && fflush(stdout) != 0) rc = rw_err_set(errno, "cannot write: %s", strerror(errno));
    if (rc == 0 || decode.tally.messages) print_counts(&decode.tally, arguments.feed->name);
    if (rc < 0) rw_err_print("riskwire decode");
    return rc == 0 ? RW_EXIT_OK : rc == -ENOENT ? RW_EXIT_NO_INPUT : RW_EXIT_FAILED;
}
