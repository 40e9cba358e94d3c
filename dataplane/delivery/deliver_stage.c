/* One visit: take from merge → append to the result journal → release what the commit index
 * covers → serve TCP clients. Each part is bounded, none waits. */
#include "dataplane/delivery/deliver_stage.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/err.h"
#include "dataplane/delivery/broadcast.h"
#include "dataplane/delivery/deliver_core.h"
#include "dataplane/delivery/soup_server.h"
#include "dataplane/io/file.h"
#include "dataplane/journal/journal.h"
#include "dataplane/journal/reader.h"
#include "dataplane/record/result_status.h"

#define SLOTS_PER_INPUT    4u /* of the link, for each unit of budget: one log entry's results */
#define RELEASES_PER_VISIT 1024u
#define APPENDS_PER_VISIT  4u
#define SUPPLIES_PER_VISIT 4u
#define SOUP_READERS       2u
#define RECORDS_MIN        1024u /* of either ring */
#define SMALL_BLOCK_BYTES  65536u
#define STATUS_NS          10000000u /* the status line is renewed at least so often */

#define DELIVER_COUNTERS(X)                                                                   \
    X(records_taken, "records", "results taken from merge")                                   \
    X(inputs_taken, "inputs", "end markers taken from merge")                                 \
    X(records_released, "records", "results published")                                       \
    X(records_reread, "records", "of these, read back from the result journal")               \
    X(read_errors, "reads", "of the result journal that failed and are tried again")          \
    X(journal_waits, "visits", "in which no input was taken because the journal had no room") \
    X(arrival_unknown, "inputs", "released without a latency: arrival stamp missing or overwritten")
#define DELIVER_GAUGES(X)                                                    \
    X(newest, "sequence", "last result taken from merge")                    \
    X(stored, "sequence", "last result in the result journal")               \
    X(released, "sequence", "last result published")                         \
    X(unreleased, "records", "held back until the commit index covers them") \
    X(commit, "sequence", "highest log entry whose results may be released") \
    X(clients, "clients", "SoupBinTCP clients connected")                    \
    X(soup_port, "port", "SoupBinTCP listens here; 0 = not")                 \
    X(closed, "flag", "1 = the session's last result is published")          \
    X(journal_error, "errno", "why the result journal takes nothing more; 0 = it does")
RW_STATS_STRUCT(deliver_counters, DELIVER_COUNTERS);
RW_STATS_STRUCT(deliver_gauges, DELIVER_GAUGES);

/* A reader that serves SoupBinTCP clients: what it read last stays usable for the next want. */
struct soup_read {
    struct rw_reader *reader;
    bool busy;
    struct rw_soup_want want;      /* valid while busy */
    struct rw_journal_record held; /* count 0 = none */
};

struct deliver {
    struct rw_ring *in;
    struct rw_watermarks *watermarks;
    struct rw_deliver_core *core;
    struct rw_broadcast broadcast;
    struct rw_soup_server *soup; /* NULL = none */
    struct rw_disk *disk;
    struct rw_journal *journal;
    struct rw_hash chain;
    struct rw_reader *release_reader;
    bool release_reading;
    uint64_t reread_from;
    struct soup_read soup_read[SOUP_READERS];
    bool parked; /* want_parked waits for a reader */
    struct rw_soup_want want_parked;
    uint64_t arrival_input, arrival_ns; /* the last looked up */
    uint64_t status_commit, status_role, status_ns;
    struct deliver_counters *counters;
    struct deliver_gauges *gauges;
    struct rw_hist *release_hist;
};

static struct rw_journal_cfg journal_cfg(const struct rw_deliver_cfg *cfg);
static struct rw_soup_server_cfg soup_cfg(const struct rw_deliver_cfg *cfg);
static uint64_t block_records(const struct rw_journal_cfg *cfg);
static int check_cfg(const struct rw_deliver_cfg *cfg);
static int init_journal(struct deliver *deliver, const struct rw_deliver_cfg *cfg,
                        const struct rw_stage_env *env);
static int init_soup(struct deliver *deliver, const struct rw_deliver_cfg *cfg,
                     const struct rw_stage_env *env);
static void init_stats(struct deliver *deliver, const struct rw_stage_env *env);
static uint32_t take(struct deliver *deliver, uint32_t budget);
static uint32_t store(struct deliver *deliver, uint64_t now_ns);
static uint32_t release(struct deliver *deliver, uint64_t now_ns);
static void measure(struct deliver *deliver, uint64_t input, uint64_t now_ns);
static void reread(struct deliver *deliver);
static void tell_status(struct deliver *deliver, bool moved, uint64_t now_ns);
static void serve_reads(struct deliver *deliver);

static int deliver_plan(const void *stage_cfg, const char *name, uint32_t instances,
                        struct rw_plan *plan) {
    const struct rw_deliver_cfg *cfg = stage_cfg;
    int rc = check_cfg(cfg);
    if (rc) return rc;
    struct rw_journal_cfg journal = journal_cfg(cfg);
    rw_plan_add(plan, name, "state", sizeof(struct deliver));
    rw_plan_add(plan, name, "pending results", rw_deliver_core_footprint(cfg->pending_records));
    rw_plan_add(plan, name, "result journal", rw_journal_footprint(&journal));
    rw_plan_add(plan, name, "reader for release", rw_reader_footprint(&journal));
    for (uint32_t i = 0; i < SOUP_READERS; i++) {
        char what[40];
        snprintf(what, sizeof what, "reader %u for clients", i);
        rw_plan_add(plan, name, what, rw_reader_footprint(&journal));
    }
    rw_plan_add_outside(plan, name, "shared-memory ring",
                        sizeof(struct rw_broadcast_head) +
                            cfg->broadcast_records * sizeof(struct rw_broadcast_cell));
    if (cfg->soup_address) {
        struct rw_soup_server_cfg soup = soup_cfg(cfg);
        rw_plan_add(plan, name, "SoupBinTCP clients", rw_soup_server_footprint(&soup));
    }
    return 0;
}

static void deliver_fini(void *stage) {
    struct deliver *deliver = stage;
    if (deliver->soup) rw_soup_server_close(deliver->soup);
    if (deliver->broadcast.head) {
        struct rw_deliver_state state;
        rw_deliver_core_state(deliver->core, &state);
        if (!state.closed) rw_broadcast_end(&deliver->broadcast, RW_BROADCAST_STOPPED);
        rw_broadcast_close(&deliver->broadcast, true);
    }
    if (deliver->journal && rw_journal_close(deliver->journal)) rw_err_print("riskwired");
    deliver->journal = NULL;
    rw_disk_close(deliver->disk);
    deliver->disk = NULL;
}

static int deliver_init(void **stage, const void *stage_cfg, const struct rw_stage_env *env) {
    const struct rw_deliver_cfg *cfg = stage_cfg;
    RW_ASSERT(env->in_count >= 1 && env->in[0]->slot_bytes == RW_RESULT_BYTES);
    struct deliver *deliver = rw_arena_take(env->arena, env->name, "state");
    deliver->in = env->in[0];
    deliver->watermarks = env->watermarks;
    struct rw_journal_cfg journal = journal_cfg(cfg);
    deliver->core = rw_deliver_core_new(rw_arena_take(env->arena, env->name, "pending results"),
                                        cfg->pending_records, block_records(&journal));
    init_stats(deliver, env);
    int rc = init_journal(deliver, cfg, env);
    if (!rc) rc = init_soup(deliver, cfg, env);
    if (!rc) {
        struct rw_broadcast_cfg broadcast = {
            .path = cfg->broadcast_path,
            .depth = cfg->broadcast_records,
            .session = cfg->session,
            .pid = (uint64_t)getpid(),
            .soup_address = cfg->soup_address,
            .soup_port = deliver->soup ? rw_soup_server_port(deliver->soup) : 0,
        };
        rc = rw_broadcast_create(&deliver->broadcast, &broadcast);
    }
    if (rc) {
        deliver_fini(deliver);
        return rw_err_add(rc, "deliver cannot start");
    }
    *stage = deliver;
    return 0;
}

static uint32_t deliver_poll(void *stage, uint32_t budget, uint64_t now_ns) {
    struct deliver *deliver = stage;
    uint32_t work = take(deliver, budget);
    work += store(deliver, now_ns);
    uint32_t released = release(deliver, now_ns);
    tell_status(deliver, released > 0, now_ns);
    if (deliver->soup) {
        work += rw_soup_server_poll(deliver->soup, &deliver->broadcast, now_ns);
        serve_reads(deliver);
    }
    return work + released;
}

static void deliver_housekeep(void *stage, uint64_t now_ns) {
    struct deliver *deliver = stage;
    struct rw_deliver_state state;
    rw_deliver_core_state(deliver->core, &state);
    struct deliver_gauges *gauges = deliver->gauges;
    rw_stat_set(&gauges->newest, state.newest);
    rw_stat_set(&gauges->stored, state.stored);
    rw_stat_set(&gauges->released, state.released);
    rw_stat_set(&gauges->unreleased, state.newest - state.released);
    rw_stat_set(&gauges->commit, deliver->status_commit);
    rw_stat_set(&gauges->clients, deliver->soup ? rw_soup_server_clients(deliver->soup) : 0);
    rw_stat_set(&gauges->closed, state.closed);
    rw_stat_set(&gauges->journal_error, (uint64_t)-rw_journal_error(deliver->journal));
}

const struct rw_stage_type rw_deliver_stage_type = {
    .name = "deliver",
    .io = true,
    .plan = deliver_plan,
    .init = deliver_init,
    .poll = deliver_poll,
    .housekeep = deliver_housekeep,
    .fini = deliver_fini,
};

int rw_deliver_cold_step(void *stage, uint64_t now_ns) {
    struct deliver *deliver = stage;
    return rw_journal_cold_step(deliver->journal, now_ns);
}

int rw_deliver_journal_error(const void *stage) {
    const struct deliver *deliver = stage;
    return (int)rw_stat_get(&deliver->gauges->journal_error);
}

uint16_t rw_deliver_soup_port(const void *stage) {
    const struct deliver *deliver = stage;
    return deliver->soup ? rw_soup_server_port(deliver->soup) : 0;
}

static struct rw_journal_cfg journal_cfg(const struct rw_deliver_cfg *cfg) {
    struct rw_journal_cfg journal = rw_journal_defaults(RW_JOURNAL_RESULTS, cfg->journal_dir);
    if (cfg->journal_segment_bytes) journal.segment_bytes = cfg->journal_segment_bytes;
    /* A small ring of unreleased results leaves in small blocks: it must hold two of them. */
    if (journal.write_bytes > cfg->pending_records * RW_RESULT_BYTES / 2)
        journal.write_bytes = SMALL_BLOCK_BYTES;
    return journal;
}

static struct rw_soup_server_cfg soup_cfg(const struct rw_deliver_cfg *cfg) {
    struct rw_soup_server_cfg soup = {
        .clients_max = cfg->soup_clients_max,
        .heartbeat_ns = cfg->soup_heartbeat_ns,
        .login_timeout_ns = cfg->soup_login_timeout_ns,
        .silence_timeout_ns = cfg->soup_silence_timeout_ns,
        .slow_timeout_ns = cfg->soup_slow_timeout_ns,
    };
    memcpy(soup.session, cfg->session, sizeof soup.session);
    memcpy(soup.username, cfg->soup_username, sizeof soup.username);
    memcpy(soup.password, cfg->soup_password, sizeof soup.password);
    return soup;
}

/* A block of the journal must fit in one append even with its head beside the payload. */
static uint64_t block_records(const struct rw_journal_cfg *cfg) {
    return (cfg->write_bytes - RW_JOURNAL_BLOCK) / RW_RESULT_BYTES;
}

static int check_ring(const char *what, uint64_t records) {
    if (records >= RECORDS_MIN && records <= RW_DELIVER_DEPTH_MAX && !(records & (records - 1)))
        return 0;
    int rc = rw_err_set(EINVAL, "%s of %lu records is no power of two in range", what,
                        (unsigned long)records);
    rw_err_fix("write a power of two from %u to %u", RECORDS_MIN, RW_DELIVER_DEPTH_MAX);
    return rc;
}

static int check_cfg(const struct rw_deliver_cfg *cfg) {
    struct rw_journal_cfg journal = journal_cfg(cfg);
    int rc = check_ring("delivery ring in shared memory", cfg->broadcast_records);
    if (!rc) rc = check_ring("ring of unreleased results", cfg->pending_records);
    if (!rc) rc = rw_journal_check_cfg(&journal);
    if (!rc && strnlen(cfg->session, sizeof cfg->session) != 10)
        rc = rw_err_set(EINVAL, "session '%.11s' does not have ten characters", cfg->session);
    if (!rc && cfg->soup_address &&
        (cfg->soup_clients_max < 1 || cfg->soup_clients_max > RW_DELIVER_CLIENTS_MAX))
        rc = rw_err_set(EINVAL, "%u SoupBinTCP clients, wanted 1 to %u", cfg->soup_clients_max,
                        RW_DELIVER_CLIENTS_MAX);
    return rc;
}

static int init_journal(struct deliver *deliver, const struct rw_deliver_cfg *cfg,
                        const struct rw_stage_env *env) {
    static const struct rw_stat_row counters[] = RW_STATS_ROWS(RW_JOURNAL_COUNTERS);
    static const struct rw_stat_row gauges[] = RW_STATS_ROWS(RW_JOURNAL_GAUGES);
    struct rw_journal_cfg journal = journal_cfg(cfg);
    int rc = rw_disk_open_uring(&deliver->disk, 2 + SOUP_READERS);
    if (rc) return rc;
    char block[48];
    snprintf(block, sizeof block, "%.24s journal", env->name);
    /* Derived data: made anew from the log at each start. */
    rc = rw_journal_open(
        &deliver->journal, rw_arena_take(env->arena, env->name, "result journal"), &journal,
        RW_JOURNAL_FRESH, 0, deliver->disk,
        rw_stats_block(env->stats, block, RW_STAT_COUNTER, counters,
                       sizeof counters / sizeof *counters),
        rw_stats_block(env->stats, block, RW_STAT_GAUGE, gauges, sizeof gauges / sizeof *gauges));
    if (rc) return rw_err_add(rc, "cannot make the result journal");
    deliver->chain = rw_journal_chain(deliver->journal);
    deliver->release_reader = rw_reader_new(
        rw_arena_take(env->arena, env->name, "reader for release"), &journal, deliver->journal);
    for (uint32_t i = 0; i < SOUP_READERS; i++) {
        char what[40];
        snprintf(what, sizeof what, "reader %u for clients", i);
        deliver->soup_read[i].reader =
            rw_reader_new(rw_arena_take(env->arena, env->name, what), &journal, deliver->journal);
    }
    return 0;
}

static int init_soup(struct deliver *deliver, const struct rw_deliver_cfg *cfg,
                     const struct rw_stage_env *env) {
    if (!cfg->soup_address) return 0;
    static const struct rw_stat_row rows[] = RW_STATS_ROWS(RW_SOUP_COUNTERS);
    char block[48];
    snprintf(block, sizeof block, "%.24s soup", env->name);
    struct rw_soup_server_cfg soup = soup_cfg(cfg);
    deliver->soup = rw_soup_server_new(
        rw_arena_take(env->arena, env->name, "SoupBinTCP clients"), &soup,
        rw_stats_block(env->stats, block, RW_STAT_COUNTER, rows, sizeof rows / sizeof *rows));
    int rc = rw_soup_server_listen(deliver->soup, cfg->soup_address, cfg->soup_port);
    if (!rc) rw_stat_set(&deliver->gauges->soup_port, rw_soup_server_port(deliver->soup));
    return rc;
}

static void init_stats(struct deliver *deliver, const struct rw_stage_env *env) {
    static const struct rw_stat_row counters[] = RW_STATS_ROWS(DELIVER_COUNTERS);
    static const struct rw_stat_row gauges[] = RW_STATS_ROWS(DELIVER_GAUGES);
    deliver->counters = rw_stats_block(env->stats, env->name, RW_STAT_COUNTER, counters,
                                       sizeof counters / sizeof *counters);
    deliver->gauges = rw_stats_block(env->stats, env->name, RW_STAT_GAUGE, gauges,
                                     sizeof gauges / sizeof *gauges);
    deliver->release_hist = rw_stats_hist(env->stats, env->name, "release_ns",
                                          "arrival of an input to publication of its results");
}

static uint32_t take(struct deliver *deliver, uint32_t budget) {
    uint32_t limit = budget * SLOTS_PER_INPUT;
    uint32_t ready = rw_ring_ready(deliver->in, limit);
    if (ready > limit) ready = limit;
    if (!ready) return 0;
    uint64_t room = rw_deliver_core_room(deliver->core);
    if (ready > room) ready = (uint32_t)room;
    if (!ready) rw_stat_add(&deliver->counters->journal_waits, 1);
    uint32_t ends = 0;
    for (uint32_t i = 0; i < ready; i++) {
        const struct rw_result *slot = rw_ring_front(deliver->in, i);
        rw_deliver_core_put(deliver->core, slot);
        ends += slot->kind == RW_RESULT_END;
    }
    rw_ring_pop(deliver->in, ready);
    rw_stat_add(&deliver->counters->inputs_taken, ends);
    rw_stat_add(&deliver->counters->records_taken, ready - ends);
    return ready;
}

/* Appends whole inputs, lets the journal write, and takes over how far it has come. */
static uint32_t store(struct deliver *deliver, uint64_t now_ns) {
    uint64_t epoch = rw_epoch_of(rw_word_get(&deliver->watermarks->role));
    if (epoch < rw_journal_epoch(deliver->journal)) epoch = rw_journal_epoch(deliver->journal);
    struct rw_deliver_batch batch;
    for (uint32_t i = 0; i < APPENDS_PER_VISIT; i++) {
        uint64_t room = rw_journal_room(deliver->journal, epoch) / RW_RESULT_BYTES;
        if (!rw_deliver_core_batch(deliver->core, room, &batch)) break;
        struct rw_hash chain = deliver->chain;
        struct iovec part[2];
        for (uint32_t p = 0; p < 2; p++) {
            part[p].iov_base = (void *)(uintptr_t)batch.part[p];
            part[p].iov_len = batch.part_count[p] * RW_RESULT_BYTES;
            for (uint64_t r = 0; r < batch.part_count[p]; r++)
                chain = rw_hash_chain(chain, &batch.part[p][r], RW_RESULT_BYTES);
        }
        struct rw_journal_batch append = {.first_sequence = batch.first,
                                          .count = (uint32_t)batch.count,
                                          .part_count = batch.part_count[1] ? 2 : 1,
                                          .parts = part,
                                          .epoch = epoch,
                                          .chain = chain,
                                          .note = &batch.note};
        if (rw_journal_append(deliver->journal, &append)) break; /* counted; the next visit tries */
        deliver->chain = chain;
        rw_deliver_core_appended(deliver->core, &batch);
    }
    uint32_t work = rw_journal_poll(deliver->journal, now_ns);
    uint64_t stored = rw_deliver_core_stored(deliver->core, rw_journal_durable(deliver->journal));
    if (stored > rw_word_get(&deliver->watermarks->stored))
        rw_word_set(&deliver->watermarks->stored, stored);
    return work;
}

static uint32_t release(struct deliver *deliver, uint64_t now_ns) {
    uint64_t commit = rw_word_get(&deliver->watermarks->commit);
    uint32_t released = 0;
    if (deliver->release_reading) reread(deliver);
    while (released < RELEASES_PER_VISIT) {
        struct rw_deliver_next next;
        enum rw_deliver_step step = rw_deliver_core_next(deliver->core, commit, &next);
        if (step == RW_DELIVER_REREAD) {
            if (rw_reader_sequence(deliver->release_reader) != next.sequence)
                rw_reader_seek(deliver->release_reader, next.sequence);
            deliver->reread_from = next.sequence;
            deliver->release_reading = true;
        }
        if (step != RW_DELIVER_RECORD) break;
        rw_broadcast_put(&deliver->broadcast, next.record);
        if (next.from_journal) rw_stat_add(&deliver->counters->records_reread, 1);
        measure(deliver, next.record->input_sequence, now_ns);
        rw_deliver_core_released(deliver->core);
        released++;
    }
    rw_stat_add(&deliver->counters->records_released, released);
    return released;
}

static void measure(struct deliver *deliver, uint64_t input, uint64_t now_ns) {
    if (input != deliver->arrival_input) {
        uint64_t unused;
        deliver->arrival_input = input;
        if (!rw_seq_ring_get(&deliver->watermarks->arrival, input, &deliver->arrival_ns, &unused))
            deliver->arrival_ns = 0;
        if (!deliver->arrival_ns) rw_stat_add(&deliver->counters->arrival_unknown, 1);
    }
    if (deliver->arrival_ns)
        rw_hist_add(deliver->release_hist,
                    now_ns > deliver->arrival_ns ? now_ns - deliver->arrival_ns : 0);
}

static void reread(struct deliver *deliver) {
    struct rw_journal_record record = {0};
    int rc = rw_reader_next(deliver->release_reader, &record);
    if (rc == 0) return;
    deliver->release_reading = false;
    uint64_t skip = deliver->reread_from - record.first_sequence;
    if (rc < 0 || skip >= record.count) {
        rw_stat_add(&deliver->counters->read_errors, 1);
        rw_reader_seek(deliver->release_reader, deliver->reread_from);
        rw_deliver_core_reread(deliver->core, NULL, 0);
        return;
    }
    const struct rw_result *results = (const struct rw_result *)record.payload;
    rw_deliver_core_reread(deliver->core, results + skip, record.count - skip);
}

/* Tells readers how far it is and what is true beside the records: when something moved, else
 * rarely. */
static void tell_status(struct deliver *deliver, bool moved, uint64_t now_ns) {
    uint64_t commit = rw_word_get(&deliver->watermarks->commit);
    uint64_t role = rw_word_get(&deliver->watermarks->role);
    if (!moved && role == deliver->status_role && now_ns - deliver->status_ns < STATUS_NS) return;
    deliver->status_commit = commit;
    deliver->status_role = role;
    deliver->status_ns = now_ns;
    struct rw_deliver_state state;
    rw_deliver_core_state(deliver->core, &state);
    rw_broadcast_status(&deliver->broadcast, commit, role, now_ns);
    rw_broadcast_flush(&deliver->broadcast);
    if (state.closed) rw_broadcast_end(&deliver->broadcast, RW_BROADCAST_SESSION_END);
    if (moved) rw_word_set(&deliver->watermarks->released, state.released);
    if (!deliver->soup) return;
    struct rw_result_status status = {
        .block_length = RW_RESULT_STATUS_BYTES - 8,
        .template_id = RW_RESULT_STATUS_TEMPLATE,
        .schema_id = RW_RESULT_SCHEMA,
        .schema_version = RW_RESULT_SCHEMA_VERSION,
        .released = state.released,
        .commit = commit,
        .as_of_ns = state.as_of_ns,
        .epoch = rw_epoch_of(role),
        .mode = (uint8_t)rw_mode_of(role),
        .role = (uint8_t)rw_role_of(role),
        .closed = state.closed,
    };
    rw_soup_server_release(deliver->soup, &status);
}

/* Gives a want what a reader holds. False when the record does not cover it. */
static bool supply(struct deliver *deliver, const struct rw_journal_record *held,
                   const struct rw_soup_want *want) {
    uint64_t skip = want->first - held->first_sequence;
    if (want->first < held->first_sequence || skip >= held->count) return false;
    const struct rw_result *results = (const struct rw_result *)held->payload;
    uint64_t count = held->count - skip;
    if (count > want->count) count = want->count;
    rw_soup_server_supply(deliver->soup, want, results + skip, (uint32_t)count);
    return true;
}

static bool place_want(struct deliver *deliver, const struct rw_soup_want *want) {
    for (uint32_t i = 0; i < SOUP_READERS; i++)
        if (!deliver->soup_read[i].busy && supply(deliver, &deliver->soup_read[i].held, want))
            return true;
    for (uint32_t i = 0; i < SOUP_READERS; i++) {
        struct soup_read *read = &deliver->soup_read[i];
        if (read->busy) continue;
        if (rw_reader_sequence(read->reader) != want->first)
            rw_reader_seek(read->reader, want->first);
        read->want = *want;
        read->busy = true;
        return true;
    }
    return false;
}

/* Reads under way first, then new wants, in the order in which the server takes its clients. */
static void serve_reads(struct deliver *deliver) {
    for (uint32_t i = 0; i < SOUP_READERS; i++) {
        struct soup_read *read = &deliver->soup_read[i];
        if (!read->busy) continue;
        int rc = rw_reader_next(read->reader, &read->held);
        if (rc == 0) continue;
        read->busy = false;
        if (rc < 0) read->held.count = 0;
        if (rc > 0 && supply(deliver, &read->held, &read->want)) continue;
        rw_stat_add(&deliver->counters->read_errors, 1);
        rw_reader_seek(read->reader, read->want.first);
        rw_soup_server_supply(deliver->soup, &read->want, NULL, 0);
    }
    for (uint32_t i = 0; i < SUPPLIES_PER_VISIT; i++) {
        if (!deliver->parked)
            deliver->parked = rw_soup_server_wants(deliver->soup, &deliver->want_parked);
        if (!deliver->parked || !place_want(deliver, &deliver->want_parked)) return;
        deliver->parked = false;
    }
}
