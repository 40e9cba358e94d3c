/* riskwire subscribe: follow a site's results, by shared memory or SoupBinTCP, across restarts and
 * fail-overs, as lines that can be compared by bytes.
 *
 *   source (ring | connection) ──► accept by sequence ──► lines ──► whole-line writes to stdout
 *        ▲ lost: the same or the next address, from the sequence after the last accepted
 */
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
#include "dataplane/delivery/broadcast.h"
#include "dataplane/delivery/client.h"
#include "dataplane/delivery/soup_client.h"
#include "dataplane/record/result_text.h"
#include "tools/riskwire/site_args.h"
#include "tools/riskwire/verbs.h"
#include "tools/riskwired/config.h"

#define ADDRESSES_MAX   16u
#define CONNECT_MS      3000u
#define RETRY_MS        50u
#define WAIT_MS         100u
#define IDLE_NAP_NS     50000
#define IDLE_NAPS_CHECK 1000u /* naps of silence between two looks at the region file */
#define LINES_BYTES     65536u
#define WRITE_BYTES     3072u /* a kill cuts no write of less than a page at a page's edge */

struct address {
    char host[256];
    uint16_t port;
};

struct subscribe {
    /* arguments */
    const char *run_dir, *shm_site, *soup_of;
    struct address address[ADDRESSES_MAX];
    uint32_t address_count;
    uint64_t from, count, timeout_s;
    bool until_end;
    struct rw_form_arg form;
    /* state */
    char session[11];
    uint64_t next; /* sequence wanted next; 0 = not known yet (live) */
    uint64_t records, gaps, duplicates, reconnects;
    bool connected_once, ended, foreign;
    uint64_t progress_ns; /* when the last record came */
    FILE *lines;          /* writes into text */
    char *text;
};

static volatile sig_atomic_t stop_wanted;

static void on_signal(int number) { stop_wanted = 1; }

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static void nap(uint64_t ns) {
    struct timespec time = {.tv_sec = (time_t)(ns / 1000000000u),
                            .tv_nsec = (long)(ns % 1000000000u)};
    nanosleep(&time, NULL);
}

static bool parse_number(const char *text, uint64_t *number) {
    char *end;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == 0 && errno == 0;
}

/* Reads HOST:PORT,HOST:PORT,…; the host may be in brackets. */
static bool parse_addresses(struct subscribe *subscribe, const char *list) {
    while (*list) {
        if (subscribe->address_count == ADDRESSES_MAX) return false;
        struct address *address = &subscribe->address[subscribe->address_count++];
        size_t length = strcspn(list, ",");
        char one[300];
        if (length >= sizeof one) return false;
        memcpy(one, list, length);
        one[length] = 0;
        char *colon = strrchr(one, ':');
        uint64_t port;
        if (!colon || !parse_number(colon + 1, &port) || port < 1 || port > 65535) return false;
        *colon = 0;
        char *host = one;
        if (host[0] == '[' && colon[-1] == ']') {
            colon[-1] = 0;
            host++;
        }
        size_t host_bytes = strlen(host) + 1;
        if (!*host || host_bytes > sizeof address->host) return false;
        memcpy(address->host, host, host_bytes);
        address->port = (uint16_t)port;
        list += length;
        if (*list == ',') list++;
    }
    return subscribe->address_count > 0;
}

enum {
    KEY_SHM = 1000,
    KEY_SOUP,
    KEY_SOUP_OF,
    KEY_RUN_DIR,
    KEY_FROM,
    KEY_COUNT,
    KEY_UNTIL_END,
    KEY_TIMEOUT
};

static void parse_count(struct argp_state *state, const char *name, const char *value,
                        uint64_t least, uint64_t *number) {
    if (!parse_number(value, number) || *number < least)
        argp_failure(state, RW_EXIT_USAGE, 0, "--%s %s: must be a number from %" PRIu64 " on", name,
                     value, least);
}

static error_t parse(int key, char *value, struct argp_state *state) {
    struct subscribe *subscribe = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &subscribe->form;
        return 0;
    case KEY_SHM:
        subscribe->shm_site = value;
        return 0;
    case KEY_SOUP_OF:
        subscribe->soup_of = value;
        return 0;
    case KEY_RUN_DIR:
        subscribe->run_dir = value;
        return 0;
    case KEY_UNTIL_END:
        subscribe->until_end = true;
        return 0;
    case KEY_FROM:
        parse_count(state, "from", value, 0, &subscribe->from);
        return 0;
    case KEY_COUNT:
        parse_count(state, "count", value, 1, &subscribe->count);
        return 0;
    case KEY_TIMEOUT:
        parse_count(state, "timeout", value, 1, &subscribe->timeout_s);
        return 0;
    case KEY_SOUP:
        if (!parse_addresses(subscribe, value))
            argp_failure(state, RW_EXIT_USAGE, 0, "--soup %s: must be HOST:PORT[,HOST:PORT]",
                         value);
        return 0;
    case ARGP_KEY_END:
        if (!subscribe->shm_site && !subscribe->address_count && !subscribe->soup_of)
            argp_failure(state, RW_EXIT_USAGE, 0, "one of --shm, --soup, --soup-of is needed");
        if (subscribe->shm_site && (subscribe->address_count || subscribe->soup_of))
            argp_failure(state, RW_EXIT_USAGE, 0, "--shm and --soup exclude each other");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"shm", KEY_SHM, "SITE", 0, "follow a site of this host through shared memory", 0},
    {"soup", KEY_SOUP, "HOST:PORT[,…]", 0, "follow over SoupBinTCP; more addresses for fail-over",
     0},
    {"soup-of", KEY_SOUP_OF, "SITE", 0,
     "the SoupBinTCP port of a site of this host, looked up again after a restart", 0},
    {"run-dir", KEY_RUN_DIR, "DIR", 0, "run_dir of the site (" RW_RUN_DIR_DEFAULT ")", 0},
    {"from", KEY_FROM, "SEQ", 0, "first result sequence (1); 0 = the next to be released", 0},
    {"count", KEY_COUNT, "N", 0, "stop after N records", 0},
    {"until-end", KEY_UNTIL_END, NULL, 0, "stop when the session is closed; 0 only if gapless", 0},
    {"timeout", KEY_TIMEOUT, "SECONDS", 0, "give up after so long without a record (never)", 0},
    {0}};
static const struct argp_child children[] = {{&rw_form_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {
    options,
    parse,
    NULL,
    "Prints the released results in order, each once, and reconnects when the source is lost, "
    "going on "
    "after the last one printed. Gaps and duplicates are counted on stderr."
    "\vExample: riskwire subscribe --shm a --from 1 --until-end -o csv > results.csv",
    children,
    NULL,
    NULL};

/* Whole lines only, so what a killed subscriber leaves is a prefix of what another one wrote. */
static bool flush_lines(struct subscribe *subscribe) {
    fflush(subscribe->lines);
    long bytes = ftell(subscribe->lines), at = 0;
    while (at < bytes) {
        ssize_t written = write(STDOUT_FILENO, subscribe->text + at, (size_t)(bytes - at));
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) {
            rw_err_set(errno, "cannot write to standard output: %s", strerror(errno));
            return false;
        }
        at += written;
    }
    rewind(subscribe->lines);
    return true;
}

/* Takes one record of a source. Returns false when the subscription is over or output failed. */
static bool emit(struct subscribe *subscribe, const struct rw_result *record) {
    uint64_t sequence = record->result_sequence;
    if (!subscribe->next) subscribe->next = sequence;
    if (sequence < subscribe->next) {
        subscribe->duplicates++;
        return true;
    }
    subscribe->gaps += sequence - subscribe->next;
    subscribe->next = sequence + 1;
    subscribe->progress_ns = now_ns();
    if (subscribe->form.form == RW_FORM_JSON)
        rw_result_print_json(subscribe->lines, subscribe->session, record);
    else
        rw_result_print_csv(subscribe->lines, subscribe->session, record);
    subscribe->records++;
    if (record->kind == RW_RESULT_SESSION_CLOSE) subscribe->ended = true;
    if (ftell(subscribe->lines) >= (long)WRITE_BYTES && !flush_lines(subscribe)) return false;
    if (subscribe->count && subscribe->records == subscribe->count) return false;
    return !(subscribe->ended && subscribe->until_end);
}

/* given_up is true when the time-out has passed, or a source that was never there is not there. */
static bool given_up(const struct subscribe *subscribe, bool reachable) {
    if (stop_wanted || subscribe->foreign) return true;
    if (!subscribe->timeout_s) return !reachable && !subscribe->connected_once;
    return now_ns() - subscribe->progress_ns >= subscribe->timeout_s * 1000000000ull;
}

/* Remembers the session of the first source; false when a later source has another one. */
static bool same_session(struct subscribe *subscribe, const char *session) {
    if (!subscribe->session[0]) memcpy(subscribe->session, session, sizeof subscribe->session);
    subscribe->foreign = strcmp(subscribe->session, session) != 0;
    if (subscribe->foreign)
        rw_err_set(ESTALE, "the source is now in session %s, not %s", session, subscribe->session);
    return !subscribe->foreign;
}

static void region_path(const struct subscribe *subscribe, const char *site, char path[512]) {
    snprintf(path, 512, "%s/%s/results", subscribe->run_dir, site);
}

/* Where a site's region says that its SoupBinTCP server listens; an address of all interfaces is
 * reached by the loopback one. */
static bool soup_of_region(const struct rw_client *client, struct address *address) {
    struct rw_client_status status;
    rw_client_status(client, &status);
    if (!status.soup_port) return false;
    const char *host = status.soup_address;
    if (!strcmp(host, "0.0.0.0")) host = "127.0.0.1";
    if (!strcmp(host, "::")) host = "::1";
    snprintf(address->host, sizeof address->host, "%s", host);
    address->port = status.soup_port;
    return true;
}

/* A region is alive while its writer's process exists. */
static bool writer_lives(const struct rw_client *client) {
    struct rw_client_status status;
    rw_client_status(client, &status);
    return !kill((pid_t)status.pid, 0) || errno == EPERM;
}

/* Looks for a replaced region. Returns false when the source cannot be followed any longer. */
static bool check_region(struct subscribe *subscribe, struct rw_client *client) {
    int rc = rw_client_check(client);
    if (rc == 1) subscribe->reconnects++;
    if (rc == -ESTALE) {
        subscribe->foreign = true;
        rw_err_set(ESTALE, "the site is now in another session than %s", subscribe->session);
    }
    return !given_up(subscribe, rc >= 0 && writer_lives(client));
}

/* Fetches what the ring has lost from the site's SoupBinTCP server. When the server is lost
 * half-way the ring's reader goes back to what is wanted next, so that it is tried again, perhaps
 * at a restarted site. What nobody serves is a gap, which the next record of the ring will show.
 * Returns false when the subscription is over. */
static bool fetch_missed(struct subscribe *subscribe, struct rw_client *ring) {
    uint64_t first, count, end;
    rw_client_missed(ring, &first, &count);
    end = first + count;
    struct address address;
    struct rw_soup_client *client = NULL;
    if (!soup_of_region(ring, &address)) return true;
    int rc = rw_soup_client_open(&client, address.host, address.port, subscribe->session, first,
                                 CONNECT_MS);
    if (rc == -ESTALE) return true;
    bool going_on = true;
    struct rw_result record;
    while (!rc && going_on && !stop_wanted && rw_soup_client_position(client) < end) {
        int got = rw_soup_client_next(client, &record, CONNECT_MS);
        if (got < 0 || got == RW_SOUP_GOT_END) break;
        if (got == RW_SOUP_GOT_RECORD) going_on = emit(subscribe, &record);
        if (got == RW_SOUP_GOT_NOTHING && given_up(subscribe, true)) break;
    }
    rw_soup_client_close(client);
    if (!going_on || subscribe->next >= end) return going_on;
    rw_client_from(ring, subscribe->next > first ? subscribe->next : first);
    nap(RETRY_MS * 1000000ull);
    return check_region(subscribe, ring);
}

static void follow_ring(struct subscribe *subscribe) {
    char path[512];
    region_path(subscribe, subscribe->shm_site, path);
    struct rw_client *client;
    while (!(client = rw_client_open(path))) {
        if (given_up(subscribe, false)) return;
        nap(RETRY_MS * 1000000ull);
    }
    subscribe->connected_once = true;
    struct rw_client_status status;
    rw_client_status(client, &status);
    same_session(subscribe, status.session);
    rw_client_from(client, subscribe->from);
    subscribe->next = rw_client_position(client);
    uint32_t naps = 0;
    for (bool going_on = true; going_on && !stop_wanted;) {
        struct rw_result record;
        int got = rw_client_next(client, &record);
        if (got == 1) {
            going_on = emit(subscribe, &record);
            naps = 0;
        } else if (got == -EOVERFLOW) {
            going_on = fetch_missed(subscribe, client);
        } else {
            going_on = flush_lines(subscribe);
            nap(IDLE_NAP_NS);
            if (++naps % IDLE_NAPS_CHECK == 0)
                going_on = going_on && check_region(subscribe, client);
        }
    }
    rw_client_close(client);
}

/* Reads one connection until it is lost or the subscription is over. Returns true when it was
 * lost. */
static bool read_connection(struct subscribe *subscribe, struct rw_soup_client *client) {
    struct rw_result record;
    for (;;) {
        if (!rw_soup_client_pending(client) && !flush_lines(subscribe)) return false;
        int got = rw_soup_client_next(client, &record, WAIT_MS);
        if (got < 0) return !given_up(subscribe, false);
        if (got == RW_SOUP_GOT_RECORD && !emit(subscribe, &record)) return false;
        if (got == RW_SOUP_GOT_END) {
            subscribe->ended = true;
            return false;
        }
        if (got == RW_SOUP_GOT_NOTHING && given_up(subscribe, true)) return false;
    }
}

/* The n-th address to try: those given, then the one that the site's region names now. */
static bool choose_address(const struct subscribe *subscribe, uint64_t attempt,
                           struct address *address) {
    uint32_t choices = subscribe->address_count + (subscribe->soup_of ? 1 : 0);
    uint64_t choice = attempt % choices;
    if (choice < subscribe->address_count) {
        *address = subscribe->address[choice];
        return true;
    }
    char path[512];
    region_path(subscribe, subscribe->soup_of, path);
    struct rw_client *client = rw_client_open(path);
    bool found = client && soup_of_region(client, address);
    if (client && !found)
        rw_err_set(ENOENT, "site '%s' has no SoupBinTCP server", subscribe->soup_of);
    rw_client_close(client);
    return found;
}

static void follow_soup(struct subscribe *subscribe) {
    uint64_t sequence = subscribe->from, attempt = 0;
    subscribe->next = sequence;
    while (!stop_wanted) {
        struct address address;
        struct rw_soup_client *client = NULL;
        bool retry;
        if (choose_address(subscribe, attempt, &address) &&
            !rw_soup_client_open(&client, address.host, address.port, "",
                                 subscribe->next ? subscribe->next : sequence, CONNECT_MS)) {
            if (subscribe->connected_once) subscribe->reconnects++;
            subscribe->connected_once = true;
            if (!subscribe->next) subscribe->next = rw_soup_client_position(client);
            retry = same_session(subscribe, rw_soup_client_session(client)) &&
                    read_connection(subscribe, client);
            rw_soup_client_close(client);
        } else {
            /* all addresses have their turn before the first failure counts */
            uint32_t choices = subscribe->address_count + (subscribe->soup_of ? 1 : 0);
            retry = ++attempt < choices || !given_up(subscribe, false);
        }
        if (!retry) return;
        nap(RETRY_MS * 1000000ull);
    }
}

/* Says what was counted, and decides what it was worth. */
static int conclude(struct subscribe *subscribe) {
    bool written = flush_lines(subscribe);
    fprintf(stderr,
            "riskwire subscribe: %" PRIu64 " records, gaps %" PRIu64 ", duplicates %" PRIu64
            ", reconnects %" PRIu64 ", next %" PRIu64 "%s\n",
            subscribe->records, subscribe->gaps, subscribe->duplicates, subscribe->reconnects,
            subscribe->next, subscribe->ended ? ", session closed" : "");
    bool complete = subscribe->count && subscribe->records == subscribe->count;
    if (!written || subscribe->foreign) {
        rw_err_print("riskwire");
        return RW_EXIT_FAILED;
    }
    if (!subscribe->connected_once) {
        rw_err_fix("start riskwired --config FILE, or name its folder with --run-dir");
        rw_err_print("riskwire");
        return RW_EXIT_NO_SITE;
    }
    if (subscribe->until_end)
        return subscribe->ended && !subscribe->gaps ? RW_EXIT_OK : RW_EXIT_FAILED;
    if (subscribe->count) return complete || stop_wanted ? RW_EXIT_OK : RW_EXIT_FAILED;
    return subscribe->ended || stop_wanted ? RW_EXIT_OK : RW_EXIT_FAILED;
}

int rw_verb_subscribe(int argc, char **argv) {
    struct subscribe subscribe = {.run_dir = RW_RUN_DIR_DEFAULT,
                                  .from = 1,
                                  .form = {.form = RW_FORM_CSV, .without = 1u << RW_FORM_TABLE}};
    argp_err_exit_status = RW_EXIT_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &subscribe);
    size_t bytes = LINES_BYTES;
    subscribe.text = malloc(bytes);
    subscribe.lines = subscribe.text ? fmemopen(subscribe.text, bytes, "w") : NULL;
    if (!subscribe.lines) {
        rw_err_set(ENOMEM, "no memory for %zu bytes of output", bytes);
        rw_err_print("riskwire");
        return RW_EXIT_FAILED;
    }
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    subscribe.progress_ns = now_ns();
    if (subscribe.form.form == RW_FORM_CSV) rw_result_print_csv_header(subscribe.lines);
    if (subscribe.shm_site)
        follow_ring(&subscribe);
    else
        follow_soup(&subscribe);
    int exit_code = conclude(&subscribe);
    fclose(subscribe.lines);
    free(subscribe.text);
    return exit_code;
}
