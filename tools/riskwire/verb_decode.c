/* riskwire decode: every message of a file as one JSON object a line. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/base/err.h"
#include "dataplane/feed/itch50.h"
#include "tools/riskwire/itch_file.h"
#include "tools/riskwire/verbs.h"

#define OUTPUT_BYTES (1u << 20)

enum { KEY_FEED = 1000 };

struct arguments {
    const char *path;
};

static error_t parse(int key, char *value, struct argp_state *state) {
    struct arguments *arguments = state->input;
    switch (key) {
    case KEY_FEED:
        if (strcmp(value, "itch50"))
            argp_failure(state, RW_EXIT_USAGE, 0, "no feed '%s'; this build decodes itch50", value);
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

static const struct argp_option options[] = {
    {"feed", KEY_FEED, "NAME", 0, "format of the messages (itch50)", 0}, {0}};
static const struct argp argp = {options,
                                 parse,
                                 "FILE",
                                 "Prints each message of a capture (pcap, pcapng, .gz of either) "
                                 "or of a length-prefixed ITCH file "
                                 "as one JSON object, in file order, duplicates included. What is "
                                 "no message is counted on stderr."
                                 "\vExample: riskwire decode line_a.pcap | head",
                                 NULL,
                                 NULL,
                                 NULL};

struct tally {
    uint64_t messages, unknown_types, bad_lengths;
};

static void print_counts(const struct tally *tally, struct rw_itch_file_count count) {
    const struct {
        uint64_t value;
        const char *what;
    } rows[] = {
        {tally->unknown_types, "messages of unknown type"},
        {tally->bad_lengths, "messages whose length does not fit their type"},
        {count.foreign_frames, "frames that are not UDP over IPv4"},
        {count.bad_packets, "packets that are not MoldUDP64 or contradict themselves"},
        {count.cut, "packets or messages cut short"},
    };
    fprintf(stderr, "riskwire decode: %" PRIu64 " messages\n", tally->messages);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].value) fprintf(stderr, "  %" PRIu64 " %s\n", rows[i].value, rows[i].what);
}

static int decode(struct rw_itch_file *file, struct tally *tally) {
    struct rw_itch_item item;
    char text[RW_ITCH50_JSON_MAX + 1];
    int rc;
    while ((rc = rw_itch_file_next(file, &item)) > 0) {
        enum rw_itch50_verdict verdict = rw_itch50_check(item.message, item.bytes);
        if (verdict != RW_ITCH50_OK) {
            *(verdict == RW_ITCH50_BAD_LENGTH ? &tally->bad_lengths : &tally->unknown_types) += 1;
            continue;
        }
        uint32_t length = rw_itch50_json(text, item.sequence, item.message);
        text[length++] = '\n';
        if (fwrite(text, 1, length, stdout) != length)
            return rw_err_set(errno, "cannot write: %s", strerror(errno));
        tally->messages++;
    }
    if (rc == 0 && fflush(stdout) != 0)
        return rw_err_set(errno, "cannot write: %s", strerror(errno));
    return rc;
}

int rw_verb_decode(int argc, char **argv) {
    struct arguments arguments = {0};
    struct rw_itch_file *file;
    struct tally tally = {0};
    argp_err_exit_status = RW_EXIT_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    int rc = rw_itch_file_open(arguments.path, &file);
    if (rc < 0) {
        rw_err_print("riskwire decode");
        return rc == -ENOENT ? RW_EXIT_NO_INPUT : RW_EXIT_FAILED;
    }
    setvbuf(stdout, NULL, _IOFBF, OUTPUT_BYTES);
    rc = decode(file, &tally);
    print_counts(&tally, rw_itch_file_counted(file));
    rw_itch_file_close(file);
    if (rc < 0) rw_err_print("riskwire decode");
    return rc < 0 ? RW_EXIT_FAILED : RW_EXIT_OK;
}
