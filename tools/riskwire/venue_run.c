#include "tools/riskwire/venue_run.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/err.h"
#include "dataplane/io/datagram.h"
#include "tools/riskwire/gen_refs.h"
#include "tools/riskwire/gen_truth.h"
#include "tools/riskwire/venue_control.h"
#include "tools/riskwire/venue_dropcopy.h"
#include "tools/riskwire/venue_join.h"
#include "tools/riskwire/venue_lines.h"
#include "tools/riskwire/venue_report.h"
#include "tools/riskwire/venue_requests.h"
#include "tools/riskwire/venue_service.h"

#define SECOND_NS         1000000000ull
#define WAIT_MAX_NS       10000000ull /* time-outs of connections are looked at so often */
#define PACKETS_A_VISIT   256u
#define DATAGRAMS_A_VISIT 64u
#define FDS_MAX           (4 + 2 * RW_VENUE_SERVICE_FDS_MAX)
#define LATENCY_NS        1000u
#define JITTER_NS         4000u
#define SPACING_NS        400u
#define WIRE_PACKETS      8192u
#define SILENCE_NS        (15 * SECOND_NS)
#define SLOW_NS           (SECOND_NS / 2)
#define PARTIAL_MAX       5u
#define LIES_PERCENT      75u
#define DROPCOPY_SESSION  "DROPCOPY01"

struct run {
    const struct rw_venue_options *options;
    struct rw_venue_core *venue;
    struct rw_venue_lines *lines;
    struct rw_venue_requests *requests;
    struct rw_venue_glimpse *glimpse;
    struct rw_venue_dropcopy *dropcopy;
    struct rw_venue_service *snapshots, *copies;
    struct rw_gen_refs *refs;
    uint32_t (*accounts)[RW_VENUE_ACCOUNTS];
    int request_fd, join_fd, control_fd; /* -1: none */
    struct rw_address request_address;
    struct rw_venue_line_reader reader;
    struct timespec epoch;
    bool is_begun, is_ended, was_joined;
    uint32_t truths, planned_truths; /* written; and of these, planned */
    uint32_t commands, commands_unknown;
};

static volatile sig_atomic_t is_told_to_end;
static void note_signal(int number) { is_told_to_end = 1; }

static uint64_t now_of(const struct run *run) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)(now.tv_sec - run->epoch.tv_sec) * SECOND_NS + (uint64_t)now.tv_nsec -
           (uint64_t)run->epoch.tv_nsec;
}

/* ---- opening -------------------------------------------------------------------------------- */

static int open_refs(struct run *run) {
    const struct rw_venue_options *options = run->options;
    uint32_t symbols = options->venue.symbols;
    struct rw_gen_refs_cfg cfg = {.dir = options->dir,
                                  .seed = options->venue.seed,
                                  .portfolios = options->portfolios,
                                  .holders = options->holders,
                                  .scenarios = options->scenarios,
                                  .locates = true};
    run->accounts = calloc(symbols, sizeof *run->accounts);
    RW_ASSERT(run->accounts);
    int rc = rw_gen_refs_open_market(&cfg, rw_venue_market(run->venue), symbols, &run->refs);
    for (uint32_t i = 0; i < symbols && rc == 0; i++)
        for (uint32_t k = 0; k < RW_VENUE_ACCOUNTS; k++)
            run->accounts[i][k] = rw_gen_refs_holder(run->refs, i, k) + 1;
    return rc == 0 ? rw_gen_truth_prepare(options->dir) : rc;
}

static int open_lines(struct run *run) {
    const struct rw_venue_options *options = run->options;
    struct rw_venue_lines_cfg cfg = {
        .group = {options->group[0], options->group[1]},
        .loop = options->loop,
        .sites = options->sites,
        .wires = {.seed = options->venue.seed ^ 0x4C494E4553ull,
                  .latency_ns = {LATENCY_NS, LATENCY_NS + options->skew_ns},
                  .jitter_ns = JITTER_NS,
                  .spacing_ns = SPACING_NS,
                  .loss_ppm = {options->loss_ppm[0], options->loss_ppm[1]},
                  .loss_run = options->loss_run,
                  .reorder_ppm = options->reorder_ppm,
                  .duplicate_ppm = options->duplicate_ppm,
                  .packets_max = WIRE_PACKETS,
                  .independent = true}};
    memcpy(cfg.interface, options->interface, sizeof cfg.interface);
    return rw_venue_lines_open(&cfg, &run->lines);
}

static int open_requests(struct run *run) {
    const struct rw_venue_options *options = run->options;
    struct rw_venue_requests_cfg cfg = {.seed = options->venue.seed,
                                        .datagram_bytes = options->venue.packet_bytes,
                                        .slow_ns = SLOW_NS,
                                        .partial_max = PARTIAL_MAX,
                                        .lies_percent = LIES_PERCENT};
    struct rw_address local;
    if (!options->requests) return 0;
    run->requests = rw_venue_requests_new(run->venue, &cfg);
    int rc = rw_address_parse(&local, options->requests);
    return rc == 0 ? rw_datagram_open(&local, &run->request_fd, &run->request_address) : rc;
}

/* A snapshot can be taken when the books are exact: after the packets that are due at once. */
static const struct rw_venue_log *give_snapshot(void *context, struct rw_venue_log *own) {
    struct run *run = context;
    if (!rw_venue_is_whole(run->venue)) return NULL;
    rw_venue_glimpse_write(run->glimpse, own);
    return own;
}

static const struct rw_venue_log *give_dropcopy(void *context, struct rw_venue_log *own) {
    struct run *run = context;
    return rw_venue_dropcopy_log(run->dropcopy);
}

static void book_fill(void *context, const struct rw_venue_fill *fill) {
    struct run *run = context;
    struct rw_gen_fill booked = {.time_ns = fill->time_ns,
                                 .execution = fill->match_number,
                                 .match_number = fill->match_number,
                                 .instrument = fill->symbol,
                                 .portfolio = fill->portfolio - 1,
                                 .price = fill->price,
                                 .quantity = fill->quantity,
                                 .side = fill->side};
    rw_gen_refs_fill(run->refs, &booked);
}

static int open_service(struct run *run, const char *text,
                        const struct rw_venue_log *(*log_in)(void *, struct rw_venue_log *),
                        struct rw_venue_service **service) {
    struct rw_venue_service_cfg cfg = {
        .soup = {.heartbeat_ns = SECOND_NS, .silence_ns = SILENCE_NS},
        .log_in = log_in,
        .context = run};
    struct rw_address address;
    if (!text) return 0;
    int rc = rw_address_parse(&address, text);
    return rc == 0 ? rw_venue_service_open(&cfg, &address, service) : rc;
}

static int open_services(struct run *run) {
    const struct rw_venue_options *options = run->options;
    struct rw_venue_dropcopy_cfg cfg = {.seed = options->venue.seed,
                                        .symbols = options->venue.symbols,
                                        .own_percent = options->own_percent,
                                        .accounts =
                                            (const uint32_t(*)[RW_VENUE_ACCOUNTS])run->accounts,
                                        .fill = book_fill,
                                        .context = run};
    run->dropcopy = rw_venue_dropcopy_new(run->venue, &cfg);
    run->glimpse = rw_venue_glimpse_new(run->venue, options->venue.symbols, &options->glimpse_form);
    int rc = open_service(run, options->glimpse, give_snapshot, &run->snapshots);
    return rc == 0 ? open_service(run, options->dropcopy, give_dropcopy, &run->copies) : rc;
}

static int open_control(struct run *run) {
    const char *path = run->options->control;
    if (!path) return 0;
    if (mkfifo(path, 0600) < 0) {
        int cause = errno;
        rw_err_set(cause, "cannot make the control pipe %s: %s", path, strerror(cause));
        if (cause == EEXIST) rw_err_fix("remove it, if no other venue listens there");
        return -cause;
    }
    /* opened for writing too, so that it does not end when a writer goes */
    run->control_fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (run->control_fd < 0)
        return rw_err_set(errno, "cannot open the control pipe %s: %s", path, strerror(errno));
    return 0;
}

static int open_join(struct run *run) {
    const struct rw_venue_options *options = run->options;
    struct in_addr address;
    if (options->start != RW_VENUE_START_JOIN) return 0;
    if (!options->interface[0][0] || inet_pton(AF_INET, options->interface[0][0], &address) != 1) {
        rw_err_set(EINVAL, "--wait-for-join needs to know on which interface");
        rw_err_fix("add --interface ADDRESS");
        return -EINVAL;
    }
    const struct rw_address *group = rw_venue_lines_group(run->lines, 0);
    const struct sockaddr_in *name = (const void *)group->bytes;
    run->join_fd = rw_venue_join_open(ntohl(address.s_addr), ntohl(name->sin_addr.s_addr));
    return run->join_fd < 0 ? run->join_fd : 0;
}

static int open_all(struct run *run) {
    run->request_fd = run->join_fd = run->control_fd = -1;
    run->venue = rw_venue_new(&run->options->venue);
    int rc = open_refs(run);
    if (rc == 0) rc = open_lines(run);
    if (rc == 0) rc = open_requests(run);
    if (rc == 0) rc = open_services(run);
    if (rc == 0) rc = open_join(run);
    if (rc == 0) rc = open_control(run);
    return rc;
}

static void print_address(const char *name, const struct rw_address *address) {
    char text[64];
    if (address->length == 0) return;
    rw_address_text(address, text);
    printf("%s %s\n", name, text);
}

static void print_where(const struct run *run) {
    printf("session %s\n", rw_venue_session(run->venue, 0));
    print_address("group_a", rw_venue_lines_group(run->lines, 0));
    print_address("group_b", rw_venue_lines_group(run->lines, 1));
    print_address("group_loop", rw_venue_lines_loop(run->lines));
    print_address("requests", &run->request_address);
    if (run->snapshots) print_address("glimpse", rw_venue_service_address(run->snapshots));
    if (run->copies) print_address("drop_copy", rw_venue_service_address(run->copies));
    if (run->options->control) printf("control %s\n", run->options->control);
    printf("ready\n");
    fflush(stdout);
}

/* ---- running -------------------------------------------------------------------------------- */

/* Only when the books are exact: in the middle of a cross there is no truth to write. */
static int write_truth(struct run *run) {
    if (!rw_venue_is_whole(run->venue)) return 0;
    run->truths++;
    return rw_gen_truth_write(run->options->dir, rw_venue_market(run->venue),
                              rw_venue_event_ns(run->venue));
}

/* The planned ones are evenly spread over the messages, each when the books are exact. */
static int write_truth_when_due(struct run *run) {
    const struct rw_venue_options *options = run->options;
    uint64_t step = options->venue.messages / (options->truths + 1ull);
    uint64_t due = step * (run->planned_truths + 1ull);
    if (run->planned_truths >= options->truths) return 0;
    if (rw_venue_counted(run->venue).messages < due || !rw_venue_is_whole(run->venue)) return 0;
    run->planned_truths++;
    return write_truth(run);
}

static int send_packets(struct run *run) {
    static struct rw_venue_packet packet;
    uint64_t now_ns = now_of(run);
    int rc = 0;
    for (uint32_t i = 0; i < PACKETS_A_VISIT && rc == 0; i++) {
        if (rw_venue_due(run->venue) > now_ns) break;
        rw_venue_next(run->venue, &packet);
        if (packet.is_of_loop)
            rw_venue_lines_put_loop(run->lines, packet.time_ns, packet.payload, packet.bytes);
        else if (packet.bytes)
            rw_venue_lines_put(run->lines, packet.time_ns, packet.payload, packet.bytes);
        rc = write_truth_when_due(run);
    }
    /* nothing that is sent later can arrive before the next packet is due */
    uint64_t due_ns = rw_venue_due(run->venue);
    rw_venue_lines_flush(run->lines, due_ns < now_ns ? due_ns : now_ns);
    rw_venue_dropcopy_follow(run->dropcopy);
    return rc;
}

static void answer_requests(struct run *run, uint64_t now_ns) {
    uint8_t bytes[2048];
    struct rw_venue_answer answer;
    struct rw_address from;
    if (run->request_fd < 0) return;
    for (uint32_t i = 0; i < DATAGRAMS_A_VISIT; i++) {
        uint32_t count;
        int rc = rw_datagram_recv(run->request_fd, bytes, sizeof bytes, &from, &count);
        if (rc == -EMSGSIZE) count = sizeof bytes;
        if (rc != 1 && rc != -EMSGSIZE) break;
        rw_venue_requests_take(run->requests, now_ns, &from, bytes, count);
    }
    while (rw_venue_requests_next(run->requests, now_ns, &answer))
        if (answer.bytes)
            rw_datagram_send(run->request_fd, &answer.to, answer.payload, answer.bytes);
}

static bool is_market_over(const struct run *run) { return rw_venue_counted(run->venue).ends > 0; }

static void serve_clients(struct run *run, uint64_t now_ns) {
    const char *session = rw_venue_session(run->venue, rw_venue_life(run->venue));
    if (run->snapshots) rw_venue_service_visit(run->snapshots, session, true, now_ns);
    if (run->copies)
        rw_venue_service_visit(run->copies, DROPCOPY_SESSION, is_market_over(run), now_ns);
}

static void begin(struct run *run) {
    if (run->is_begun) return;
    run->is_begun = true;
    if (run->join_fd >= 0) close(run->join_fd); /* unread reports would keep poll from waiting */
    run->join_fd = -1;
    rw_venue_begin(run->venue, now_of(run));
}

static void hear_joins(struct run *run) {
    uint8_t packet[2048];
    if (run->join_fd < 0) return;
    const struct sockaddr_in *group = (const void *)rw_venue_lines_group(run->lines, 0)->bytes;
    uint32_t self = ntohl(inet_addr(run->options->interface[0][0]));
    for (uint32_t i = 0; i < DATAGRAMS_A_VISIT; i++) {
        ssize_t bytes = recv(run->join_fd, packet, sizeof packet, 0);
        if (bytes <= 0) return;
        if (!rw_venue_join_heard(packet, (size_t)bytes, ntohl(group->sin_addr.s_addr), self))
            continue;
        run->was_joined = true;
        begin(run);
        return;
    }
}

/* The books of the life that ends are written first. */
static int restart(struct run *run, enum rw_venue_restart how) {
    if (!run->is_begun || rw_venue_life(run->venue) + 1 == RW_VENUE_LIVES_MAX) {
        fprintf(stderr,
                "riskwire venue: no restart before the market has begun, and at most %u of them\n",
                RW_VENUE_LIVES_MAX - 1);
        return 0;
    }
    int rc = write_truth(run);
    RW_ASSERT(rw_venue_restart(run->venue, now_of(run), how));
    return rc;
}

static int obey(struct run *run, const struct rw_venue_command *command) {
    switch (command->verb) {
    case RW_VENUE_NOTHING:
        return 0;
    case RW_VENUE_BEGIN:
        begin(run);
        return 0;
    case RW_VENUE_REQUESTS:
        if (run->requests) rw_venue_requests_behave(run->requests, command->manner);
        return 0;
    case RW_VENUE_GLIMPSE:
        if (run->snapshots)
            rw_venue_service_behave(run->snapshots, command->service, command->number);
        return 0;
    case RW_VENUE_DROPCOPY:
        if (run->copies) rw_venue_service_behave(run->copies, command->service, command->number);
        return 0;
    case RW_VENUE_RESTART:
        return restart(run, command->restart);
    case RW_VENUE_BLACKOUT:
        rw_venue_lines_blackout(run->lines, now_of(run) + command->number);
        return 0;
    case RW_VENUE_SPEED:
        rw_venue_speed(run->venue, now_of(run), (uint32_t)command->number);
        return 0;
    case RW_VENUE_TRUTH:
        return write_truth(run);
    case RW_VENUE_END:
        run->is_ended = true;
        return 0;
    }
    return 0;
}

static int hear_control(struct run *run) {
    char bytes[256];
    if (run->control_fd < 0) return 0;
    ssize_t count = read(run->control_fd, bytes, sizeof bytes);
    int rc = 0;
    for (ssize_t i = 0; i < count && rc == 0; i++) {
        struct rw_venue_command command;
        if (!rw_venue_line_take(&run->reader, bytes[i])) continue;
        if (rw_venue_command_read(run->reader.line, &command)) {
            run->commands += command.verb != RW_VENUE_NOTHING;
            rc = obey(run, &command);
        } else {
            run->commands_unknown++;
            fprintf(stderr, "riskwire venue: no command '%s'\n", run->reader.line);
        }
    }
    return rc;
}

static void wait_for_work(struct run *run) {
    struct pollfd fds[FDS_MAX];
    uint32_t count = 0;
    const int readable[] = {run->request_fd, run->join_fd, run->control_fd};
    for (uint32_t i = 0; i < sizeof readable / sizeof *readable; i++)
        if (readable[i] >= 0) fds[count++] = (struct pollfd){.fd = readable[i], .events = POLLIN};
    if (run->snapshots) count += rw_venue_service_fds(run->snapshots, fds + count);
    if (run->copies) count += rw_venue_service_fds(run->copies, fds + count);
    uint64_t now_ns = now_of(run), due_ns = now_ns + WAIT_MAX_NS;
    const uint64_t next[] = {rw_venue_due(run->venue), rw_venue_lines_due(run->lines),
                             run->requests ? rw_venue_requests_due(run->requests) : UINT64_MAX};
    for (uint32_t i = 0; i < sizeof next / sizeof *next; i++)
        if (next[i] < due_ns) due_ns = next[i];
    if (due_ns <= now_ns) return;
    struct timespec wait = {.tv_nsec = (long)(due_ns - now_ns)};
    ppoll(fds, count, &wait, NULL);
}

static bool is_over(const struct run *run, uint64_t now_ns) {
    bool is_sent = rw_venue_due(run->venue) == UINT64_MAX;
    return run->is_ended || is_told_to_end || now_ns >= run->options->limit_ns ||
           (is_sent && rw_venue_lines_due(run->lines) == UINT64_MAX);
}

static int run_loop(struct run *run) {
    int rc = 0;
    uint64_t now_ns;
    while (rc == 0 && !is_over(run, now_ns = now_of(run))) {
        if (!run->is_begun && now_ns >= run->options->start_ns) begin(run);
        rc = send_packets(run);
        answer_requests(run, now_ns);
        serve_clients(run, now_ns);
        hear_joins(run);
        if (rc == 0) rc = hear_control(run);
        wait_for_work(run);
    }
    return rc;
}

/* ---- closing -------------------------------------------------------------------------------- */

static void fill_report(const struct run *run, struct rw_venue_report *report) {
    const struct rw_venue_options *options = run->options;
    *report = (struct rw_venue_report){.venue = run->venue,
                                       .lines = run->lines,
                                       .requests = run->requests,
                                       .snapshots = run->snapshots,
                                       .copies = run->copies,
                                       .dropcopy = run->dropcopy,
                                       .truths = run->truths,
                                       .commands = run->commands,
                                       .commands_unknown = run->commands_unknown,
                                       .is_asked_to_wait = options->start == RW_VENUE_START_JOIN,
                                       .was_joined = run->was_joined};
}

static int close_all(struct run *run, int rc) {
    struct rw_gen_refs_count refs;
    int closed = run->refs ? rw_gen_refs_close(run->refs, &refs) : 0;
    if (rc == 0) rc = closed;
    rw_venue_service_close(run->snapshots);
    rw_venue_service_close(run->copies);
    if (run->dropcopy) rw_venue_dropcopy_free(run->dropcopy);
    if (run->glimpse) rw_venue_glimpse_free(run->glimpse);
    if (run->requests) rw_venue_requests_free(run->requests);
    if (run->request_fd >= 0) rw_datagram_close(run->request_fd);
    if (run->join_fd >= 0) close(run->join_fd);
    if (run->control_fd >= 0) {
        close(run->control_fd);
        unlink(run->options->control);
    }
    rw_venue_lines_close(run->lines);
    rw_venue_free(run->venue);
    free(run->accounts);
    return rc;
}

int rw_venue_run(const struct rw_venue_options *options) {
    struct run run = {.options = options};
    struct sigaction action = {.sa_handler = note_signal};
    int rc = open_all(&run);
    if (rc == 0) {
        sigaction(SIGTERM, &action, NULL);
        sigaction(SIGINT, &action, NULL);
        signal(SIGPIPE, SIG_IGN);
        prctl(PR_SET_TIMERSLACK, 1000);
        print_where(&run);
        clock_gettime(CLOCK_MONOTONIC, &run.epoch);
        rc = run_loop(&run);
        if (rc == 0) rc = write_truth(&run);
        if (rc == 0) rc = rw_venue_report_sessions(run.venue, options->dir);
        if (rc == 0) {
            struct rw_venue_report report;
            fill_report(&run, &report);
            rw_venue_report_print(&report);
        }
        if (rc == 0 && !is_market_over(&run)) rc = -ECANCELED;
    }
    return close_all(&run, rc);
}
