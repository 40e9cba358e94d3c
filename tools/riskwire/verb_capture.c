/* riskwire capture: writes what passes a port or a link of a running site as pcapng, without
 * slowing it: a capture that falls behind loses packets, and says how many.
 *
 *   taps in shared memory ──► capture_core: numbers, messages ──► pcapng */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/base/err.h"
#include "dataplane/link/tap_reader.h"
#include "tools/riskwire/capture_core.h"
#include "tools/riskwire/site_args.h"
#include "tools/riskwire/verbs.h"
#include "tools/riskwired/config.h"

#define SOURCES_MAX 64u
#define NAMES_MAX   32u
#define TURN        64u /* records of one tap before it is the next one's turn */
#define RENEW_NS    (RW_TAP_LEASE_NS / 20)
#define ANSWER_NS   1000000000ull /* within which a living site must have begun to copy */
#define NAP_NS      200000
#define WAIT_NS     2000000 /* a site takes far longer from its taps to its first frame */
#define S           1000000000ull

struct arguments {
    struct rw_site_args site;
    const char *name[NAMES_MAX]; /* of taps: a port's number, or a link */
    bool is_port[NAMES_MAX];
    uint32_t names;
    const char *file;
    uint64_t count;
    double seconds;
    bool wait, list;
};

struct capture {
    const struct arguments *arguments;
    struct rw_tap_reader *reader;
    struct rw_pcapng *writer;
    uint32_t sources;
    uint32_t tap[SOURCES_MAX];
    struct rw_capture_source source[SOURCES_MAX];
    uint64_t packets, start_ns, renewed_ns;
    const char *ended; /* why, or NULL */
    uint8_t bytes[RW_TAP_RECORD_BYTES_MAX];
};

static volatile sig_atomic_t stop_wanted;
static void on_signal(int number) { stop_wanted = 1; }

enum { KEY_PORT = 1000, KEY_LINK, KEY_COUNT, KEY_SECONDS, KEY_WAIT, KEY_LIST };

static const struct argp_option options[] = {
    {"port", KEY_PORT, "N", 0, "a port of the site (all of them); may stand there again", 0},
    {"link", KEY_LINK, "A->B", 0, "a link between two stages; may stand there again", 0},
    {"count", KEY_COUNT, "N", 0, "stop after N packets", 0},
    {"seconds", KEY_SECONDS, "S", 0, "stop after so long", 0},
    {"output", 'o', "FILE|-", 0, "where to write (-: standard output)", 0},
    {"wait", KEY_WAIT, NULL, 0, "wait until the site is there: from its first frame on", 0},
    {"list", KEY_LIST, NULL, 0, "show what can be captured, and end", 0},
    {0}};

static void add_name(struct arguments *arguments, struct argp_state *state, const char *name,
                     bool is_port) {
    if (arguments->names == NAMES_MAX)
        argp_failure(state, RW_EXIT_USAGE, 0, "at most %u ports and links", NAMES_MAX);
    arguments->is_port[arguments->names] = is_port;
    arguments->name[arguments->names++] = name;
}

static error_t parse(int key, char *value, struct argp_state *state) {
    struct arguments *arguments = state->input;
    char *end = NULL;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->site;
        return 0;
    case KEY_PORT:
    case KEY_LINK:
        add_name(arguments, state, value, key == KEY_PORT);
        return 0;
    case KEY_COUNT:
        arguments->count = strtoull(value, &end, 10);
        if (*value < '0' || *value > '9' || *end || !arguments->count)
            argp_failure(state, RW_EXIT_USAGE, 0, "--count %s: must be a number from 1 on", value);
        return 0;
    case KEY_SECONDS:
        arguments->seconds = strtod(value, &end);
        if (end == value || *end || !(arguments->seconds > 0 && arguments->seconds <= 1e6))
            argp_failure(state, RW_EXIT_USAGE, 0, "--seconds %s: must be above 0, at most 1000000",
                         value);
        return 0;
    case KEY_WAIT:
        arguments->wait = true;
        return 0;
    case KEY_LIST:
        arguments->list = true;
        return 0;
    case 'o':
        arguments->file = value;
        return 0;
    case ARGP_KEY_END:
        if (!arguments->list && !strcmp(arguments->file, "-") && isatty(STDOUT_FILENO))
            argp_failure(state, RW_EXIT_USAGE, 0,
                         "a capture is not for a terminal: name a file with -o, or a pipe");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&rw_site_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {
    options,
    parse,
    NULL,
    "Writes what passes a port or a link of a running site as pcapng, without slowing it: a "
    "capture "
    "that falls behind loses packets, and counts them in the interface's statistics. Ports give "
    "whole Ethernet frames; links give user types: 147 frames on the way to feed, 148 log entries, "
    "149 results, 150 other slots.\v"
    "Examples: riskwire capture --site a --port 0 --seconds 10 -o line_a.pcapng\n"
    "          riskwire capture --site a -o - | tshark -r -",
    children,
    NULL,
    NULL};

static uint64_t now_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * S + (uint64_t)now.tv_nsec;
}

static void nap(long ns) { nanosleep(&(struct timespec){.tv_nsec = ns}, NULL); }

static bool site_lives(const struct capture *capture) {
    return !kill((pid_t)rw_tap_reader_pid(capture->reader), 0) || errno == EPERM;
}

/* ---- which taps
 * ------------------------------------------------------------------------------- */

/* A port is meant by the number at the end of "rx port0". */
static bool is_meant(const struct rw_tap_row *row, const char *name, bool is_port) {
    if (is_port != (row->kind == RW_TAP_FRAMES)) return false;
    const char *number = strstr(row->name, "port");
    return !strcmp(is_port && number ? number + 4 : row->name, name);
}

static int list(const struct capture *capture) {
    printf("%-8s %-32s %8s  %s\n", "KIND", "NAME", "SLOT B", "DEVICE");
    for (uint32_t i = 0; i < rw_tap_reader_count(capture->reader); i++) {
        const struct rw_tap_row *row = rw_tap_reader_row(capture->reader, i);
        if (row->kind == RW_TAP_FRAMES)
            printf("%-8s %-32s %8s  %s\n", "port", row->name, "-", row->detail);
        else
            printf("%-8s %-32s %8u  %s\n", "link", row->name, row->slot_bytes, row->detail);
    }
    return RW_EXIT_OK;
}

static int choose(struct capture *capture) {
    const struct arguments *arguments = capture->arguments;
    uint32_t count = rw_tap_reader_count(capture->reader);
    bool chosen[RW_TAPS_MAX] = {false};
    for (uint32_t k = 0; k < arguments->names; k++) {
        bool found = false;
        for (uint32_t i = 0; i < count; i++)
            if (is_meant(rw_tap_reader_row(capture->reader, i), arguments->name[k],
                         arguments->is_port[k]))
                found = chosen[i] = true;
        if (found) continue;
        int rc = rw_err_set(ENOENT, "site '%s' has no %s '%s'", arguments->site.site,
                            arguments->is_port[k] ? "port" : "link", arguments->name[k]);
        rw_err_fix("riskwire capture --site %s --list shows what can be captured",
                   arguments->site.site);
        return rc;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!arguments->names)
            chosen[i] = rw_tap_reader_row(capture->reader, i)->kind == RW_TAP_FRAMES;
        if (chosen[i] && capture->sources < SOURCES_MAX) capture->tap[capture->sources++] = i;
    }
    return 0;
}

/* ---- the site
 * --------------------------------------------------------------------------------- */

/* Says that a living site has no taps, when that is so. */
static bool has_no_taps(const struct rw_site_args *site) {
    char path[4096];
    rw_site_path(site, "stats", path, sizeof path);
    struct rw_stats *stats = rw_stats_open(path);
    bool lives = stats && rw_stats_alive(stats);
    rw_stats_close(stats);
    if (!lives) return false;
    rw_err_set(ENOENT, "site '%s' has no taps", site->site);
    rw_err_why("capture.ring_kib is 0 in its configuration, or it is only starting");
    rw_err_fix("set capture.ring_kib and start it again");
    return true;
}

/* Opens the taps of a living site; with --wait as soon as there is one. Returns an exit code. */
static int find_site(struct capture *capture) {
    const struct rw_site_args *site = &capture->arguments->site;
    char path[4096];
    rw_site_path(site, "taps", path, sizeof path);
    uint64_t since = now_ns(CLOCK_MONOTONIC); /* when there last was no site without taps */
    for (;;) {
        int rc = rw_tap_reader_open(path, &capture->reader);
        bool there = !rc && !rw_tap_reader_closed(capture->reader) && site_lives(capture);
        if (there) return RW_EXIT_OK;
        bool dead = !rc;
        if (dead) rw_tap_reader_close(capture->reader);
        capture->reader = NULL;
        bool wait = capture->arguments->wait && !stop_wanted && (dead || rc == -ENOENT);
        if (rc != -ENOENT || !has_no_taps(site)) {
            since = now_ns(CLOCK_MONOTONIC);
        } else if (!wait || now_ns(CLOCK_MONOTONIC) - since > ANSWER_NS) {
            /* with --wait not at once: it may be starting or stopping */
            rw_err_print("riskwire capture");
            return RW_EXIT_CONFIG;
        }
        if (wait) {
            nap(WAIT_NS);
            continue;
        }
        if (!dead && !stop_wanted) return rw_site_failed(site, "capture", path);
        rw_err_set(ESRCH, "site '%s' is not running", site->site);
        rw_err_print("riskwire capture");
        return RW_EXIT_NO_SITE;
    }
}

static void renew(struct capture *capture) {
    uint64_t now = now_ns(CLOCK_MONOTONIC);
    if (now - capture->renewed_ns < RENEW_NS) return;
    capture->renewed_ns = now;
    for (uint32_t i = 0; i < capture->sources; i++)
        rw_tap_reader_ask(capture->reader, capture->tap[i]);
}

static void begin_source(struct capture *capture, uint32_t index) {
    uint32_t tap = capture->tap[index];
    rw_capture_begin(&capture->source[index], rw_tap_reader_row(capture->reader, tap),
                     rw_tap_reader_passed(capture->reader, tap));
}

/* Asks for the taps and waits until the site copies. Reading begins where the rings stood before,
 * so nothing that is copied is missed. */
static int begin(struct capture *capture) {
    uint64_t until = now_ns(CLOCK_MONOTONIC) + ANSWER_NS;
    for (uint32_t i = 0; i < capture->sources; i++) {
        rw_tap_reader_begin(capture->reader, capture->tap[i]);
        begin_source(capture, i);
    }
    for (uint32_t i = 0; i < capture->sources;) {
        uint32_t tap = capture->tap[i];
        renew(capture);
        if (rw_tap_reader_wanted(capture->reader, tap)) {
            begin_source(capture, i++);
            continue;
        }
        if (stop_wanted || !site_lives(capture)) return 0; /* the loop will say so */
        /* a site that is still starting has no thread to answer yet */
        if (!capture->arguments->wait && now_ns(CLOCK_MONOTONIC) > until) {
            int rc = rw_err_set(ETIMEDOUT, "the site does not answer for '%s'",
                                rw_tap_reader_row(capture->reader, tap)->name);
            rw_err_why("no stage thread has kept house for a second");
            rw_err_fix("see riskwire stat --site %s; a starting site wants --wait",
                       capture->arguments->site.site);
            return rc;
        }
        nap(NAP_NS);
    }
    capture->start_ns = now_ns(CLOCK_REALTIME);
    return 0;
}

static int create(struct capture *capture) {
    struct rw_pcapng_interface interfaces[SOURCES_MAX];
    for (uint32_t i = 0; i < capture->sources; i++) {
        const struct rw_tap_row *row = rw_tap_reader_row(capture->reader, capture->tap[i]);
        interfaces[i] = (struct rw_pcapng_interface){.name = row->name,
                                                     .description = row->detail,
                                                     .link_type = rw_capture_link_type(row),
                                                     .snap_bytes = RW_TAP_RECORD_BYTES_MAX};
    }
    return rw_pcapng_create(capture->arguments->file, "riskwire capture", interfaces,
                            capture->sources, &capture->writer);
}

/* ---- packets
 * ---------------------------------------------------------------------------------- */

static bool enough(const struct capture *capture) {
    return capture->arguments->count && capture->packets == capture->arguments->count;
}

/* Reads up to `limit` records of one tap. Returns how many there were. */
static uint32_t read_tap(struct capture *capture, uint32_t index, uint32_t limit) {
    struct rw_capture_source *source = &capture->source[index];
    struct rw_tap_record record;
    struct rw_pcapng_packet packet;
    uint32_t count = 0;
    for (; count < limit && !enough(capture); count++) {
        int got = rw_tap_reader_next(capture->reader, capture->tap[index], &record, capture->bytes);
        if (got == 0) break;
        if (got < 0) {
            rw_capture_overrun(source);
            continue;
        }
        record.time_ns = rw_tap_reader_unix_ns(capture->reader, &record);
        if (!rw_capture_take(source, &record, capture->bytes, &packet)) continue;
        packet.interface = index;
        rw_pcapng_packet(capture->writer, &packet);
        capture->packets++;
    }
    return count;
}

/* Says why a capture is over, or NULL. */
static const char *over(const struct capture *capture, uint64_t until_ns) {
    if (enough(capture)) return "";
    if (stop_wanted) return "";
    if (until_ns && now_ns(CLOCK_MONOTONIC) >= until_ns) return "";
    if (rw_tap_reader_closed(capture->reader)) return ", the site has stopped";
    return site_lives(capture) ? NULL : ", the site has died";
}

static int follow(struct capture *capture) {
    double seconds = capture->arguments->seconds;
    uint64_t until_ns = seconds > 0 ? now_ns(CLOCK_MONOTONIC) + (uint64_t)(seconds * 1e9) : 0;
    int rc = 0;
    while (!rc && !(capture->ended = over(capture, until_ns))) {
        uint32_t count = 0;
        renew(capture);
        for (uint32_t i = 0; i < capture->sources; i++) count += read_tap(capture, i, TURN);
        if (count) continue;
        rc = rw_pcapng_flush(capture->writer);
        nap(NAP_NS);
    }
    /* What had passed by now is either in the rings or lost. After --count the rest is neither. */
    for (uint32_t i = 0; i < capture->sources && !rc && !enough(capture); i++) {
        uint64_t passed = rw_tap_reader_passed(capture->reader, capture->tap[i]);
        while (capture->source[i].last < passed && read_tap(capture, i, 1)) continue;
        if (!enough(capture)) rw_capture_end(&capture->source[i], passed);
    }
    return rc;
}

static int conclude(struct capture *capture) {
    uint64_t lost = 0, end_ns = now_ns(CLOCK_REALTIME);
    for (uint32_t i = 0; i < capture->sources; i++) {
        const struct rw_capture_source *source = &capture->source[i];
        lost += source->lost;
        rw_pcapng_statistics(capture->writer, i,
                             &(struct rw_pcapng_statistics){.start_ns = capture->start_ns,
                                                            .end_ns = end_ns,
                                                            .received = source->read + source->lost,
                                                            .dropped = source->lost,
                                                            .written = source->read});
    }
    int rc = rw_pcapng_finish(capture->writer);
    fprintf(stderr, "riskwire capture: %" PRIu64 " packets, lost %" PRIu64 "%s\n", capture->packets,
            lost, capture->ended ? capture->ended : "");
    return rc;
}

static int run(struct capture *capture) {
    int rc = choose(capture);
    if (!rc) rc = begin(capture);
    if (!rc) rc = create(capture);
    if (!rc) {
        int followed = follow(capture);
        rc = conclude(capture);
        if (!rc) rc = followed;
    }
    if (rc) {
        rw_err_print("riskwire capture");
        return RW_EXIT_FAILED;
    }
    bool complete = !capture->arguments->count || enough(capture) || stop_wanted;
    return complete ? RW_EXIT_OK : RW_EXIT_FAILED;
}

int rw_verb_capture(int argc, char **argv) {
    struct arguments arguments = {.site = RW_SITE_ARGS_DEFAULT, .file = "-"};
    static struct capture capture;
    argp_err_exit_status = RW_EXIT_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    capture.arguments = &arguments;
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    int exit_code = find_site(&capture);
    if (exit_code) return exit_code;
    exit_code = arguments.list ? list(&capture) : run(&capture);
    rw_tap_reader_close(capture.reader);
    return exit_code;
}
