/* How long one input takes from the sequencer to its release, against a bare TLS ping-pong of the
 * same bytes.
 *
 *   site A: link → repl ═ TLS, loopback ═► repl → risk → repl ═ TLS ═► repl: commit
 *    thread 0
 *   bare:   send ═════════════════════════► recv, send ═══════════════► recv
 *    thread 1 answers
 *
 * One at a time, both threads spin on their own processor, rounds of both in turns. Certificates
 * come from the openssl program; without it the benchmark says so and ends with 77. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/base/err.h"
#include "dataplane/record/entry.h"
#include "perf/bench.h"
#include "perf/session.h"
#include "replication/repl_stage.h"

#define DEPTH      4096u
#define PING_BYTES 256u

struct node {
    struct rw_repl_cfg cfg;
    char log_dir[128], superblock[128];
    struct rw_plan plan;
    struct rw_arena arena;
    struct rw_watermarks *watermarks;
    struct rw_ring *ring[5]; /* from enrich, from cold, to risk, to enrich, to cold */
    void *stage;
    uint64_t seen;
    struct rw_hash result;
};

struct bench {
    struct node node[2];
    struct rw_stream *bare[2];
    _Atomic int mode; /* what thread 1 does */
    pthread_t thread;
    uint32_t samples;
    double *latency_us;
};

static char folder[64];

enum { MODE_END = 0, MODE_REPL = 1, MODE_BARE = 2 };

static void must(int rc) {
    if (rc >= 0) return;
    rw_err_print("bench_release");
    exit(1);
}

/* ---- the two sites ---- */

static void start_node(struct bench *bench, int i, enum rw_pair_policy policy) {
    struct node *node = &bench->node[i];
    struct rw_stage_env env = {.name = "repl", .instances = 1, .in_count = 2, .out_count = 3};
    snprintf(node->log_dir, sizeof node->log_dir, "%s/log%d%d", folder, policy, i);
    snprintf(node->superblock, sizeof node->superblock, "%s/super%d%d", folder, policy, i);
    node->cfg = (struct rw_repl_cfg){.site = (uint8_t)i,
                                     .named_leader = i == 0,
                                     .policy = policy,
                                     .log_dir = node->log_dir,
                                     .superblock = node->superblock,
                                     .segment_bytes = 64u << 20,
                                     .segments_ahead = 2,
                                     .dead_ns = 20000000000ull,
                                     .entries_max = 1u << 22,
                                     .shards = 1,
                                     .terms = {.wire_lowest = 1, .wire_highest = 1}};
    must(rw_repl_stage_type.plan(&node->cfg, "repl", 1, &node->plan));
    must(rw_arena_map(&node->arena, &node->plan, false));
    node->watermarks = aligned_alloc(64, sizeof *node->watermarks);
    memset(node->watermarks, 0, sizeof *node->watermarks);
    for (int r = 0; r < 5; r++)
        node->ring[r] =
            rw_ring_new(aligned_alloc(64, rw_ring_footprint(DEPTH, 64)), DEPTH, RW_SLOT_BYTES);
    for (int r = 0; r < 2; r++) env.in[r] = node->ring[r];
    for (int r = 0; r < 3; r++) env.out[r] = node->ring[2 + r];
    env.watermarks = node->watermarks;
    env.stats = rw_stats_create(NULL, "bench", 1);
    env.arena = &node->arena;
    must(rw_repl_stage_type.init(&node->stage, &node->cfg, &env));
}

static void give_session(struct node *node, struct rw_stream *stream) {
    struct rw_repl_command command = {.kind = RW_REPL_SESSION, .stream = stream};
    rw_ring_room(node->ring[1], 1);
    memcpy(rw_ring_slot(node->ring[1], 0), &command, sizeof command);
    rw_ring_push(node->ring[1], 1);
}

/* Risk and merge in one line: the result is a chain over the entries. */
static void compute(struct node *node, const void *slot, uint64_t sequence) {
    node->seen = sequence;
    node->result = rw_hash_chain(node->result, slot, RW_SLOT_BYTES);
    rw_seq_ring_put(&node->watermarks->hash, sequence, node->result.low, node->result.high);
    rw_word_set(&node->watermarks->applied, sequence);
}

static void visit(struct node *node) {
    uint32_t work = rw_repl_stage_type.poll(node->stage, 64, rw_bench_now());
    /* The kernel's own threads finish the durable writes; on two processors they need ours. */
    if (work == 0 && node->cfg.policy == RW_PAIR_DISK) sched_yield();
    uint32_t ready = rw_ring_ready(node->ring[2], 1);
    for (uint32_t i = 0; i < ready; i++)
        compute(node, rw_ring_front(node->ring[2], i), node->seen + 1);
    rw_ring_pop(node->ring[2], ready);
    if (ready) rw_ring_pop(node->ring[3], rw_ring_ready(node->ring[3], ready));
}

static void log_entry(struct node *node) {
    struct rw_entry entry = {.sequence = node->seen + 1, .slots = 1, .type = RW_ENTRY_CLOCK};
    while (rw_ring_room(node->ring[0], 1) == 0) visit(node);
    memcpy(rw_ring_slot(node->ring[0], 0), &entry, sizeof entry);
    rw_ring_push(node->ring[0], 1);
    compute(node, &entry, entry.sequence);
}

static void *peer_main(void *argument) {
    struct bench *bench = argument;
    uint8_t bytes[PING_BYTES];
    session_pin(1);
    for (;;) {
        int mode = atomic_load(&bench->mode);
        if (mode == MODE_END) return NULL;
        if (mode == MODE_REPL) {
            visit(&bench->node[1]);
            continue;
        }
        int32_t got = rw_stream_recv(bench->bare[1], bytes, PING_BYTES);
        if (got < 0) exit(1);
        if (got == 0) continue;
        uint32_t rest = PING_BYTES - (uint32_t)got;
        session_move(bench->bare[1], false, bytes + got, rest);
        session_move(bench->bare[1], true, bytes, PING_BYTES);
    }
}

/* ---- measuring ---- */

static double median_of(struct bench *bench) {
    qsort(bench->latency_us, bench->samples, sizeof(double), rw_bench_by_value);
    return bench->latency_us[bench->samples / 2];
}

static double run_release(void *argument) {
    struct bench *bench = argument;
    struct node *node = &bench->node[0];
    atomic_store(&bench->mode, MODE_REPL);
    for (int i = 0; i < 200; i++) visit(node);
    for (uint32_t i = 0; i < bench->samples; i++) {
        uint64_t begun = rw_bench_now();
        log_entry(node);
        while (rw_word_get(&node->watermarks->commit) < node->seen) visit(node);
        bench->latency_us[i] = (double)(rw_bench_now() - begun) / 1e3;
    }
    return median_of(bench);
}

static double run_bare(void *argument) {
    struct bench *bench = argument;
    uint8_t bytes[PING_BYTES] = {0};
    atomic_store(&bench->mode, MODE_BARE);
    for (uint32_t i = 0; i < bench->samples; i++) {
        uint64_t begun = rw_bench_now();
        session_move(bench->bare[0], true, bytes, PING_BYTES);
        session_move(bench->bare[0], false, bytes, PING_BYTES);
        bench->latency_us[i] = (double)(rw_bench_now() - begun) / 1e3;
    }
    return median_of(bench);
}

/* Inputs a second when the sequencer offers 64 a visit, until all are released. */
static double run_stream(struct bench *bench, uint32_t inputs) {
    struct node *node = &bench->node[0];
    atomic_store(&bench->mode, MODE_REPL);
    uint64_t begun = rw_bench_now(), end = node->seen + inputs;
    while (rw_word_get(&node->watermarks->commit) < end) {
        for (int i = 0; i < 64 && node->seen < end && rw_ring_room(node->ring[0], 1); i++)
            log_entry(node);
        visit(node);
    }
    return (double)inputs * 1e9 / (double)(rw_bench_now() - begun);
}

static void begin(struct bench *bench, enum rw_pair_policy policy) {
    struct rw_stream *ends[2];
    memset(bench->node, 0, sizeof bench->node);
    for (int i = 0; i < 2; i++) start_node(bench, i, policy);
    session_connect(folder, ends);
    for (int i = 0; i < 2; i++) give_session(&bench->node[i], ends[i]);
    atomic_store(&bench->mode, MODE_REPL);
    pthread_create(&bench->thread, NULL, peer_main, bench);
    struct node *node = &bench->node[0];
    while (rw_role_of(rw_word_get(&node->watermarks->role)) != RW_ROLE_LEAD) visit(node);
}

static void end(struct bench *bench) {
    atomic_store(&bench->mode, MODE_END);
    pthread_join(bench->thread, NULL);
    for (int i = 0; i < 2; i++) rw_repl_stage_type.fini(bench->node[i].stage);
}

int main(int argc, char **argv) {
    static struct bench bench;
    bool quick = rw_bench_quick(argc, argv);
    const char *where = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
    char command[256];
    int length = snprintf(folder, sizeof folder, "%.40s/rw_bench_XXXXXX", where);
    if (length < 0 || !mkdtemp(folder) || !session_certificates(folder)) {
        printf("bench_release: needs the openssl program and a writable TMPDIR\n");
        return 77;
    }
    setvbuf(stdout, NULL, _IOLBF, 0); /* a busy machine makes it slow: show what there is */
    bench.samples = quick ? 500 : 2000;
    bench.latency_us = calloc(bench.samples, sizeof(double));
    session_pin(0);
    session_connect(folder, bench.bare);
    begin(&bench, RW_PAIR_MEM);
    struct rw_bench_variant variants[] = {{"release", run_release, &bench},
                                          {"bare", run_bare, &bench}};
    rw_bench_rounds(variants, 2, quick ? 3 : 7);
    rw_bench_value("bare_tls_round_trip_us", variants[1].median, "us");
    rw_bench_value("release_mem_us", variants[0].median, "us");
    rw_bench_at_most("release_mem_to_bare_tls", variants[0].median / variants[1].median, "x", 2);
    rw_bench_value("release_mem_inputs_per_s", run_stream(&bench, quick ? 100000 : 500000), "1/s");
    end(&bench);
    begin(&bench, RW_PAIR_DISK);
    struct rw_bench_variant disk = {"release", run_release, &bench};
    rw_bench_rounds(&disk, 1, quick ? 1 : 3);
    rw_bench_value("release_disk_us", disk.median, "us");
    rw_bench_value("release_disk_inputs_per_s", run_stream(&bench, quick ? 100000 : 500000), "1/s");
    end(&bench);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) == 0 ? 0 : 1;
}
