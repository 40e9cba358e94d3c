/* The contract of the replication stage: plan, init, poll, fini. */
#include "replication/repl_stage.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "dataplane/base/err.h"
#include "replication/repl_state.h"
#include "replication/wire.h"

#define MEMORY_SLOTS_DEFAULT (1u << 18)
#define ENTRIES_DEFAULT      (1ull << 28)
#define DISK_OPERATIONS      8u

static const struct rw_stat_row counter_rows[] = RW_STATS_ROWS(RW_REPL_COUNTERS);
static const struct rw_stat_row gauge_rows[] = RW_STATS_ROWS(RW_REPL_GAUGES);
static const struct rw_stat_row pair_rows[] = RW_STATS_ROWS(RW_PAIR_COUNTERS);
static const struct rw_stat_row journal_rows[] = RW_STATS_ROWS(RW_JOURNAL_COUNTERS);
static const struct rw_stat_row journal_gauge_rows[] = RW_STATS_ROWS(RW_JOURNAL_GAUGES);

static uint32_t memory_slots(const struct rw_repl_cfg *cfg) {
    return cfg->memory_slots ? cfg->memory_slots : MEMORY_SLOTS_DEFAULT;
}

static struct rw_journal_cfg journal_cfg(const struct rw_repl_cfg *cfg) {
    struct rw_journal_cfg journal = rw_journal_defaults(RW_JOURNAL_LOG, cfg->log_dir);
    if (cfg->segment_bytes) journal.segment_bytes = cfg->segment_bytes;
    if (cfg->segments_ahead) journal.segments_ahead = cfg->segments_ahead;
    return journal;
}

static struct rw_pair_cfg pair_cfg(const struct rw_repl_cfg *cfg) {
    uint64_t entries = cfg->entries_max ? cfg->entries_max : ENTRIES_DEFAULT;
    return (struct rw_pair_cfg){
        .site = cfg->site,
        .policy = cfg->policy,
        .named_leader = cfg->named_leader,
        .no_peer = cfg->no_peer,
        .window = memory_slots(cfg),
        .anchors = (uint32_t)(entries / RW_REPL_ANCHOR_EVERY),
        .dead_ns = cfg->dead_ns,
        .hello_ns = 20000000,
        .heartbeat_ns = cfg->dead_ns / 8 < 1000000 ? cfg->dead_ns / 8 : 1000000,
        .retransmit_ns = 0,
        .commit_sync_ns = 100000000,
        .join_lag = 4096,
        .meet_ns = 1000000000, /* the peer's pause between two dials, doubled */
        .terms = cfg->terms,
        .build = "riskwire 0.1.0"};
}

static int plan(const void *cfg, const char *name, uint32_t instances, struct rw_plan *plan) {
    const struct rw_repl_cfg *repl_cfg = cfg;
    struct rw_journal_cfg journal = journal_cfg(repl_cfg);
    struct rw_pair_cfg pair = pair_cfg(repl_cfg);
    uint32_t slots = memory_slots(repl_cfg);
    int rc = rw_journal_check_cfg(&journal);
    if (rc) return rc;
    rw_plan_add(plan, name, "state", sizeof(struct rw_repl));
    rw_plan_add(plan, name, "protocol", rw_pair_footprint(&pair));
    rw_plan_add(plan, name, "log memory", rw_log_memory_footprint(slots, slots));
    rw_plan_add(plan, name, "transport", rw_transport_footprint());
    rw_plan_add(plan, name, "journal", rw_journal_footprint(&journal));
    rw_plan_add(plan, name, "superblock", rw_superblock_footprint());
    rw_plan_add(plan, name, "replay reader", rw_reader_footprint(&journal));
    rw_plan_add(plan, name, "resend reader", rw_reader_footprint(&journal));
    return 0;
}

static void connect_links(struct rw_repl *repl, const struct rw_stage_env *env) {
    RW_ASSERT(env->in_count == 2 && env->out_count == repl->cfg.shards + 2);
    repl->from_enrich = env->in[0];
    repl->from_cold = env->in[1];
    for (uint32_t k = 0; k < repl->cfg.shards; k++) repl->to_risk[k] = env->out[k];
    repl->to_enrich = env->out[repl->cfg.shards];
    repl->to_cold = env->out[repl->cfg.shards + 1];
    repl->watermarks = env->watermarks;
}

#define ROWS(rows) rows, (uint32_t)(sizeof rows / sizeof *rows)

static int open_store(struct rw_repl *repl, const struct rw_stage_env *env,
                      struct rw_pair_super *super, bool *lost) {
    struct rw_journal_cfg journal = journal_cfg(&repl->cfg);
    struct rw_journal_counters *counters =
        rw_stats_block(env->stats, "log journal", RW_STAT_COUNTER, ROWS(journal_rows));
    struct rw_journal_gauges *gauges =
        rw_stats_block(env->stats, "log journal state", RW_STAT_GAUGE, ROWS(journal_gauge_rows));
    void *memory = rw_arena_take(env->arena, env->name, "journal");
    int rc = rw_disk_open_uring(&repl->disk, DISK_OPERATIONS);
    if (!rc)
        rc = rw_superblock_open(&repl->superblock,
                                rw_arena_take(env->arena, env->name, "superblock"),
                                repl->cfg.superblock, repl->disk);
    if (rc) return rc;
    const uint8_t *payload = rw_superblock_payload(repl->superblock);
    memcpy(super, payload, sizeof *super);
    memcpy(&repl->store_id, payload + sizeof *super, sizeof repl->store_id);
    rc = rw_journal_open(&repl->journal, memory, &journal, RW_JOURNAL_KEEP, super->commit,
                         repl->disk, counters, gauges);
    *lost = rc == -ENODATA;
    if (*lost) /* shorter than what was promised: usable, but this site is another identity now */
        rc = rw_journal_open(&repl->journal, memory, &journal, RW_JOURNAL_KEEP, 0, repl->disk,
                             counters, gauges);
    if (rc) return rw_err_add(rc, "the log in '%s'", repl->cfg.log_dir);
    uint64_t store = rw_journal_store_id(repl->journal);
    if (super->epoch && repl->store_id != store) *lost = true;
    repl->store_id = store;
    return 0;
}

/* A log belongs to one session and one start-of-day image, which its first entry names. Under
 * another name its results would be served a second time, from another image they would differ. */
static int check_opening(const struct rw_repl *repl, const uint8_t *item) {
    static const char unchecked[sizeof repl->cfg.session];
    struct rw_session_body body;
    memcpy(&body, item + offsetof(struct rw_entry, body), sizeof body);
    bool opens = item[offsetof(struct rw_entry, type)] == RW_ENTRY_SESSION;
    if (!opens || !memcmp(repl->cfg.session, unchecked, sizeof unchecked)) return 0;
    bool same_session = !memcmp(body.session, repl->cfg.session, sizeof body.session);
    if (same_session && !memcmp(body.image_hash, &repl->cfg.terms.image, sizeof body.image_hash))
        return 0;
    if (same_session)
        rw_err_set(EINVAL,
                   "the log of session %.10s was begun with another reference image than the one "
                   "that reference_dir gives now",
                   body.session);
    else
        rw_err_set(EINVAL, "the log is of session %.10s, the configuration says %.10s",
                   body.session, repl->cfg.session);
    rw_err_why("its results would be delivered again with other content or under another name");
    rw_err_fix("for a new session move the folder %s is in away; to go on with the old one restore "
               "its session and its reference data",
               repl->cfg.log_dir);
    return -EINVAL;
}

/* Tells the core every entry of the own journal; the chain is computed anew and must agree. */
static int index_record(void *context, const struct rw_journal_record *record) {
    struct rw_repl *repl = context;
    const uint8_t *item = record->payload;
    uint32_t left = record->bytes;
    for (uint32_t i = 0; i < record->count; i++) {
        uint32_t bytes = rw_journal_entry_bytes(item, left);
        if (!bytes || record->first_sequence + i != repl->last + 1)
            return rw_err_set(EBADMSG, "the log in '%s' has no well-formed entry %llu",
                              repl->cfg.log_dir, (unsigned long long)(repl->last + 1));
        int rc = repl->last == 0 ? check_opening(repl, item) : 0;
        if (rc) return rc;
        repl->chain = rw_hash_chain(repl->chain, item, bytes);
        repl->last++;
        if (!rw_pair_index(repl->pair, repl->last, repl->chain, bytes))
            return rw_err_set(EFBIG, "the log is longer than the %llu entries planned for",
                              (unsigned long long)repl->cfg.entries_max);
        item += bytes;
        left -= bytes;
    }
    if (!rw_hash_equal(repl->chain, record->chain))
        return rw_err_set(EBADMSG, "the chain hash of entry %llu does not fit its content",
                          (unsigned long long)repl->last);
    return 0;
}

static int load(struct rw_repl *repl, const struct rw_stage_env *env) {
    struct rw_pair_super super;
    struct rw_journal_summary summary;
    struct rw_pair_cfg pair = pair_cfg(&repl->cfg);
    bool lost = false;
    int rc = open_store(repl, env, &super, &lost);
    if (rc) return rc;
    if (getrandom(&pair.fresh_lineage, sizeof pair.fresh_lineage, 0) < 0 ||
        getrandom(&pair.fresh_store, sizeof pair.fresh_store, 0) < 0)
        return rw_err_set(errno, "the kernel gives no random numbers: %s", strerror(errno));
    pair.fresh_store |= 1;
    repl->pair =
        rw_pair_new(rw_arena_take(env->arena, env->name, "protocol"), &pair, &super,
                    rw_stats_block(env->stats, "repl protocol", RW_STAT_COUNTER, ROWS(pair_rows)));
    if (rw_journal_last(repl->journal) > 0) {
        rc = rw_journal_scan(repl->cfg.log_dir, 0, index_record, repl, &summary);
        if (rc) return rc;
        RW_ASSERT(repl->last == rw_journal_last(repl->journal));
    }
    repl->journaled = repl->reported = repl->persist_upto = repl->last;
    uint32_t slots = memory_slots(&repl->cfg);
    repl->log = rw_log_memory_new(rw_arena_take(env->arena, env->name, "log memory"), slots, slots,
                                  repl->last + 1);
    struct rw_journal_cfg journal = journal_cfg(&repl->cfg);
    repl->push.reader = rw_reader_new(rw_arena_take(env->arena, env->name, "replay reader"),
                                      &journal, repl->journal);
    repl->resend.reader = rw_reader_new(rw_arena_take(env->arena, env->name, "resend reader"),
                                        &journal, repl->journal);
    rw_pair_start(repl->pair, lost, &repl->actions);
    for (uint32_t i = 0; i < repl->actions.count; i++) rw_repl_act(repl, &repl->actions.item[i]);
    return 0;
}

static int init(void **stage, const void *cfg, const struct rw_stage_env *env) {
    struct rw_repl *repl = rw_arena_take(env->arena, env->name, "state");
    *stage = repl;
    repl->cfg = *(const struct rw_repl_cfg *)cfg;
    repl->throttle.lag_min = repl->cfg.throttle_lag;
    connect_links(repl, env);
    repl->counters = rw_stats_block(env->stats, env->name, RW_STAT_COUNTER, ROWS(counter_rows));
    repl->latency = rw_stats_hist(env->stats, env->name, "arrival_to_commit",
                                  "from arrival to the agreement of both sites");
    repl->gauges = rw_stats_block(env->stats, "repl state", RW_STAT_GAUGE, ROWS(gauge_rows));
    repl->transport = rw_transport_new(rw_arena_take(env->arena, env->name, "transport"));
    return load(repl, env);
}

void rw_repl_step(struct rw_repl *repl, struct rw_pair_event event) {
    event.now_ns = repl->now_ns;
    event.room_bytes = rw_log_memory_room(repl->log);
    repl->refusal.kind = 0;
    rw_pair_step(repl->pair, &event, &repl->actions);
    for (uint32_t i = 0; i < repl->actions.count; i++) rw_repl_act(repl, &repl->actions.item[i]);
}

static void promote(struct rw_repl *repl, const struct rw_repl_command *command) {
    struct rw_pair_event event = {
        .kind = RW_PAIR_PROMOTE, .force = command->force, .new_lineage = command->new_lineage};
    if (getrandom(&event.lineage, sizeof event.lineage, GRND_NONBLOCK) < 0) return;
    repl->commanded = true;
    rw_repl_step(repl, event);
    repl->commanded = false;
    repl->outcome =
        (struct rw_repl_notice){.kind = RW_REPL_OUTCOME,
                                .id = command->id,
                                .reason = repl->refusal.kind ? repl->refusal.reason : RW_PAIR_NONE};
}

static uint32_t take_commands(struct rw_repl *repl) {
    struct rw_repl_command command;
    /* One at a time, and only when what the last one left behind has been told. */
    if (repl->closing || repl->outcome.kind || !rw_ring_ready(repl->from_cold, 1)) return 0;
    memcpy(&command, rw_ring_front(repl->from_cold, 0), sizeof command);
    if (command.kind == RW_REPL_SESSION && rw_transport_attached(repl->transport)) {
        /* The old one is told first: the new one may end in the very visit that takes it. */
        rw_repl_drop_session(repl);
        return 1;
    }
    rw_ring_pop(repl->from_cold, 1);
    if (command.kind == RW_REPL_SESSION) {
        rw_transport_attach(repl->transport, command.stream);
        rw_stat_add(&repl->counters->sessions, 1);
        rw_repl_step(repl, (struct rw_pair_event){.kind = RW_PAIR_PEER_UP});
    } else {
        promote(repl, &command);
    }
    return 1;
}

static uint32_t tell_cold(struct rw_repl *repl) {
    struct rw_repl_notice notice = {.kind = RW_REPL_CLOSED, .stream = repl->closing};
    uint32_t told = 0;
    if (repl->closing && rw_ring_room(repl->to_cold, 1)) {
        memcpy(rw_ring_slot(repl->to_cold, 0), &notice, sizeof notice);
        rw_ring_push(repl->to_cold, 1);
        repl->closing = NULL;
        told++;
    }
    if (repl->outcome.kind && rw_ring_room(repl->to_cold, 1)) {
        memcpy(rw_ring_slot(repl->to_cold, 0), &repl->outcome, sizeof repl->outcome);
        rw_ring_push(repl->to_cold, 1);
        repl->outcome.kind = 0;
        told++;
    }
    return told;
}

/* Time in which results were computed here and waited for the peer. */
static void measure_stall(struct rw_repl *repl) {
    bool waits = repl->role == RW_ROLE_LEAD && repl->applied > repl->released;
    if (waits && repl->stalled_since)
        rw_stat_add(&repl->counters->stall_ns, repl->now_ns - repl->stalled_since);
    repl->stalled_since = waits ? repl->now_ns : 0;
}

/* Under `mem` nobody waits for the disk: its system call is left for a visit without messages,
 * within limits. */
static uint32_t write_journal(struct rw_repl *repl, bool busy) {
    bool may_wait = busy && repl->cfg.policy == RW_PAIR_MEM;
    if (may_wait && ++repl->journal_visits < RW_REPL_JOURNAL_VISITS) return 0;
    repl->journal_visits = 0;
    return rw_repl_write_journal(repl);
}

/* What was learned since the last visit leaves first, what comes in is handed on last: then risk
 * computes before the follower acknowledges, once for entry and result, and deliver publishes
 * before the leader tells the follower. A send costs more than all the rest of a visit. */
static uint32_t poll(void *stage, uint32_t budget, uint64_t now_ns) {
    struct rw_repl *repl = stage;
    repl->now_ns = now_ns;
    uint32_t work = take_commands(repl);
    uint32_t logged = rw_repl_take_input(repl, budget);
    work += logged + rw_repl_take_results(repl);
    rw_repl_step(repl, (struct rw_pair_event){.kind = RW_PAIR_TICK});
    work += rw_repl_send(repl);
    uint32_t received = rw_repl_receive(repl);
    work += received + rw_repl_push(repl);
    work += write_journal(repl, received + logged > 0);
    work += tell_cold(repl);
    measure_stall(repl);
    if (repl->restart && !repl->cut_pending && !repl->super_version &&
        rw_journal_settled(repl->journal))
        rw_stat_set(&repl->gauges->restart, 1);
    return work;
}

void rw_repl_refresh(struct rw_repl *repl) {
    struct rw_pair_view view;
    struct rw_repl_gauges *gauges = repl->gauges;
    rw_pair_view(repl->pair, repl->now_ns, &view);
    bool leads_in_step = view.role == RW_ROLE_LEAD && view.peer_in_sync && !view.joining;
    bool follows_in_step = view.role == RW_ROLE_FOLLOW && view.matched;
    rw_stat_set(&gauges->role, view.role);
    rw_stat_set(&gauges->mode, view.mode);
    rw_stat_set(&gauges->epoch, rw_epoch_number(view.epoch));
    rw_stat_set(&gauges->in_step,
                view.mode == RW_MODE_DUAL && view.peer_alive && (leads_in_step || follows_in_step));
    rw_stat_set(&gauges->peer_up, view.peer_alive);
    rw_stat_set(&gauges->last, view.last);
    rw_stat_set(&gauges->durable, view.durable);
    rw_stat_set(&gauges->applied, view.applied);
    rw_stat_set(&gauges->commit, view.released);
    rw_stat_set(&gauges->peer_received, view.peer_verified);
    rw_stat_set(&gauges->peer_durable, view.peer_durable);
    rw_stat_set(&gauges->peer_applied, view.peer_applied);
    rw_stat_set(&gauges->inflight_bytes, view.inflight_bytes);
    rw_stat_set(&gauges->credit_bytes, view.credit_bytes);
    rw_stat_set(&gauges->round_trip_ns, view.round_trip_ns);
    rw_stat_set(&gauges->journal_error, (uint64_t)-rw_journal_error(repl->journal));
    rw_stat_set(&gauges->stopped, view.stopped);
}

/* throttle tells the sequencer how far it is to give way to a peer that is behind. */
static void throttle(struct rw_repl *repl, uint64_t now_ns) {
    struct rw_pair_view view;
    rw_pair_view(repl->pair, now_ns, &view);
    bool may = view.role == RW_ROLE_LEAD && view.peer_alive && view.peer_matched;
    uint32_t level = rw_throttle_step(&repl->throttle, may, view.last, view.peer_applied, now_ns);
    if (level == rw_word_get(&repl->watermarks->throttle)) return;
    rw_word_set(&repl->watermarks->throttle, level);
}

static void housekeep(void *stage, uint64_t now_ns) {
    rw_repl_refresh(stage);
    throttle(stage, now_ns);
}

static void leave(void *stage) { rw_repl_finish(stage); }

static void fini(void *stage) {
    struct rw_repl *repl = stage;
    rw_stream_close(rw_transport_detach(repl->transport));
    if (repl->journal) rw_journal_close(repl->journal);
    if (repl->superblock) rw_superblock_close(repl->superblock);
    rw_disk_close(repl->disk);
}

const struct rw_repl_gauges *rw_repl_gauges_of(const void *stage) {
    return ((const struct rw_repl *)stage)->gauges;
}

struct rw_journal *rw_repl_journal_of(const void *stage) {
    return ((const struct rw_repl *)stage)->journal;
}

const struct rw_stage_type rw_repl_stage_type = {.name = "repl",
                                                 .io = true,
                                                 .plan = plan,
                                                 .init = init,
                                                 .poll = poll,
                                                 .housekeep = housekeep,
                                                 .leave = leave,
                                                 .fini = fini};
