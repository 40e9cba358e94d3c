#include "tools/riskwired/cold.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "dataplane/base/err.h"
#include "dataplane/base/log.h"
#include "dataplane/delivery/deliver_stage.h"
#include "replication/repl_stage.h"
#include "tools/riskwired/cold_status.h"

/* How long the thread rests when nothing is to be done: short against every timer it serves. */
#define REST_MS 1

static void *stage_named(const struct rw_topology *topology, const char *name) {
    for (uint32_t i = 0; i < rw_topology_stage_count(topology); i++)
        if (!strcmp(rw_topology_stage_name(topology, i), name))
            return rw_topology_stage(topology, i);
    return NULL;
}

static void stop_signals(sigset_t *set) {
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
}

int rw_cold_block_signals(void) {
    sigset_t set;
    stop_signals(&set);
    return sigprocmask(SIG_BLOCK, &set, NULL) ? rw_err_set(errno, "cannot block signals") : 0;
}

static int open_signals(struct rw_cold *cold) {
    sigset_t set;
    stop_signals(&set);
    cold->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return cold->signals < 0 ? rw_err_set(errno, "cannot watch signals") : 0;
}

int rw_cold_open(struct rw_cold *cold, const struct rw_config *config, struct rw_topology *topology,
                 const struct rw_clock *clock, struct rw_stats *stats) {
    char path[512];
    memset(cold, 0, sizeof *cold);
    cold->config = config;
    cold->clock = clock;
    cold->topology = topology;
    cold->stats = stats;
    cold->to_repl = rw_topology_link(topology, RW_COLD, "repl");
    cold->from_repl = rw_topology_link(topology, "repl", RW_COLD);
    cold->repl = stage_named(topology, "repl");
    cold->deliver = stage_named(topology, "deliver");
    struct rw_peering_cfg peering = {.dials = config->site[0] == 'a',
                                     .listen = config->peer_listen,
                                     .connect = config->peer_connect,
                                     .files = {.certificate = config->peer_certificate,
                                               .key = config->peer_key,
                                               .ca = config->peer_ca},
                                     .peer_name = config->peer_name};
    int rc = open_signals(cold);
    if (!rc) rc = rw_peering_open(&cold->peering, &peering);
    if (!rc) rc = rw_config_site_path(config, "control.sock", path, sizeof path);
    if (!rc) rc = rw_control_open(&cold->control, path);
    return rc;
}

/* Sends a command to the replication stage; false when its link is full. */
static bool command(struct rw_cold *cold, const struct rw_repl_command *command) {
    if (!rw_ring_room(cold->to_repl, 1)) return false;
    memcpy(rw_ring_slot(cold->to_repl, 0), command, sizeof *command);
    rw_ring_push(cold->to_repl, 1);
    return true;
}

static json_t *promote(struct rw_cold *cold, uint32_t client, const json_t *request) {
    if (cold->command.waiting)
        return rw_control_refusal("another command is under way", "try again in a moment");
    struct rw_repl_command promote = {.kind = RW_REPL_PROMOTE,
                                      .id = ++cold->command_id,
                                      .force = json_is_true(json_object_get(request, "force")),
                                      .new_lineage =
                                          json_is_true(json_object_get(request, "new_lineage"))};
    if (!command(cold, &promote)) return rw_control_refusal("the replication stage is busy", NULL);
    cold->command.waiting = true;
    cold->command.client = client;
    cold->command.id = promote.id;
    rw_info("promote asked for%s%s", promote.force ? ", force" : "",
            promote.new_lineage ? ", new lineage" : "");
    return NULL;
}

static json_t *answer(void *context, uint32_t client, const json_t *request) {
    struct rw_cold *cold = context;
    const char *verb = json_string_value(json_object_get(request, "verb"));
    if (verb && !strcmp(verb, "status"))
        return rw_cold_status(rw_repl_gauges_of(cold->repl), cold->config,
                              rw_topology_watermarks(cold->topology),
                              rw_deliver_soup_port(cold->deliver));
    if (verb && !strcmp(verb, "promote")) return promote(cold, client, request);
    return rw_control_refusal("no such verb", "riskwire help lists the verbs");
}

static void take_outcome(struct rw_cold *cold, const struct rw_repl_notice *notice) {
    if (!cold->command.waiting || notice->id != cold->command.id) return;
    cold->command.waiting = false;
    json_t *reply = notice->reason == RW_PAIR_NONE
                        ? json_pack("{s:b}", "ok", 1)
                        : rw_control_refusal(rw_pair_reason_text(notice->reason), NULL);
    rw_control_answer(&cold->control, cold->command.client, reply);
    rw_info("promote: %s",
            notice->reason == RW_PAIR_NONE ? "granted" : rw_pair_reason_text(notice->reason));
}

static void take_refusal(const struct rw_repl_notice *notice) {
    char mine[33], theirs[33];
    if (rw_hash_equal(notice->mine, notice->theirs)) {
        rw_warning("refused: %s", rw_pair_reason_text(notice->reason));
        return;
    }
    rw_hash_text(notice->mine, mine);
    rw_hash_text(notice->theirs, theirs);
    rw_warning("refused: %s (here %s, peer %s)", rw_pair_reason_text(notice->reason), mine, theirs);
}

static uint32_t take_notices(struct rw_cold *cold, uint64_t now_ns) {
    uint32_t ready = rw_ring_ready(cold->from_repl, 1);
    for (uint32_t i = 0; i < ready; i++) {
        struct rw_repl_notice notice;
        memcpy(&notice, rw_ring_front(cold->from_repl, i), sizeof notice);
        if (notice.kind == RW_REPL_CLOSED) {
            rw_peering_lost(&cold->peering, now_ns, notice.stream->why);
            rw_stream_close(notice.stream);
        } else if (notice.kind == RW_REPL_OUTCOME) {
            take_outcome(cold, &notice);
        } else {
            take_refusal(&notice);
        }
    }
    rw_ring_pop(cold->from_repl, ready);
    return ready;
}

static void meet_peer(struct rw_cold *cold, uint64_t now_ns) {
    struct rw_stream *session = rw_peering_step(&cold->peering, now_ns);
    if (!session) return;
    struct rw_repl_command ready = {.kind = RW_REPL_SESSION, .stream = session};
    if (command(cold, &ready)) return;
    rw_stream_close(session);
    rw_peering_lost(&cold->peering, now_ns, "the replication stage takes no session");
}

/* What rw_journal_cold_step returned: a failure is logged once, not at each try; the end of it is
 * when the segments that were missing have been made. */
static void note_segments(struct rw_cold_store *store, int rc, const char *name,
                          const char *meanwhile) {
    if (rc > 0) store->making = true;
    if (rc < 0) store->making = false;
    if (rc < 0 && rc != store->full)
        rw_log(RW_LOG_ERROR,
               "%s: %s; %s; fix: free space on that disk, it is tried again every second", name,
               rw_err_text(), meanwhile);
    if (rc == 0 && store->making && store->full) rw_info("%s: has space again", name);
    if (rc < 0) store->full = rc;
    if (rc == 0 && store->making) store->full = 0;
}

static void note_stopped(struct rw_cold_store *store, int error, const char *name,
                         const char *meanwhile) {
    if (error != store->stopped && error)
        rw_log(RW_LOG_ERROR, "%s: takes nothing more: %s; %s", name, strerror(error), meanwhile);
    store->stopped = error;
}

/* Zeroes journal segments ahead; the log first. Returns whether there is more to do at once. */
static bool keep_segments(struct rw_cold *cold, uint64_t now_ns) {
    int log = rw_journal_cold_step(rw_repl_journal_of(cold->repl), now_ns);
    note_segments(&cold->log, log, "log journal",
                  "fills are refused, and inputs wait when the space made before is used up");
    if (log > 0) return true;
    int results = rw_deliver_cold_step(cold->deliver, now_ns);
    note_segments(&cold->results, results, "result journal",
                  "results wait unpublished when the space made before is used up");
    return results > 0;
}

static void note_errors(struct rw_cold *cold) {
    const struct rw_repl_gauges *gauges = rw_repl_gauges_of(cold->repl);
    note_stopped(&cold->log, (int)rw_stat_get(&gauges->journal_error), "log journal",
                 "this site no longer counts as a copy; fix: repair the disk and start it again");
    note_stopped(&cold->results, rw_deliver_journal_error(cold->deliver), "result journal",
                 "this site publishes nothing more; fix: repair the disk and start it again, it "
                 "makes the results anew from the log");
}

static void take_signal(struct rw_cold *cold) {
    struct signalfd_siginfo info;
    if (read(cold->signals, &info, sizeof info) != (ssize_t)sizeof info) return;
    rw_info("stopping on signal %u", info.ssi_signo);
    cold->stopping = true;
}

/* Logs what an operator wants to see later: changes of role, mode and state. */
static void note_changes(struct rw_cold *cold) {
    uint64_t role = rw_word_get(&rw_topology_watermarks(cold->topology)->role);
    uint64_t stopped = rw_stat_get(&rw_repl_gauges_of(cold->repl)->stopped);
    if (role != cold->last_role)
        rw_info("role %s, mode %s, epoch %llu", rw_cold_role_text(rw_role_of(role)),
                rw_mode_of(role) == RW_MODE_SOLO ? "solo" : "dual",
                (unsigned long long)rw_epoch_number(rw_epoch_of(role)));
    if (stopped != cold->last_stopped && stopped)
        rw_warning("%s", rw_pair_reason_text((enum rw_pair_reason)stopped));
    cold->last_role = role;
    cold->last_stopped = stopped;
}

int rw_cold_run(struct rw_cold *cold) {
    const struct rw_repl_gauges *gauges = rw_repl_gauges_of(cold->repl);
    while (!cold->stopping) {
        uint64_t now_ns = rw_clock_now(cold->clock);
        take_signal(cold);
        uint32_t work = take_notices(cold, now_ns);
        meet_peer(cold, now_ns);
        work += rw_control_poll(&cold->control, answer, cold);
        work += keep_segments(cold, now_ns);
        note_changes(cold);
        note_errors(cold);
        rw_tapping_tick(cold->tapping, cold->clock);
        rw_port_watch_step(cold->ports, now_ns);
        if (rw_stat_get(&gauges->restart)) return RW_COLD_RESTART;
        struct pollfd wake[] = {{.fd = cold->signals, .events = POLLIN},
                                {.fd = cold->control.listener, .events = POLLIN}};
        if (!work) poll(wake, 2, REST_MS);
    }
    return 0;
}

void rw_cold_close(struct rw_cold *cold) {
    rw_control_close(&cold->control);
    rw_peering_close(&cold->peering);
    close(cold->signals);
}
