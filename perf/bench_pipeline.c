/* The whole pipeline on one core: two lines from memory → rx → feed → enrich → risk ×2 → merge →
 * deliver, with the log journal on disk, as a single-site installation. The same wiring as
 * riskwired's; only the ports are frames in memory. Each round is a process of its own and starts
 * from nothing.
 *
 *   messages/s = venue messages of the session / (threads started … last result published)
 *   cpu        = the same with the CPU time of the core's thread: what a CPU of its own would show
 *   hop_X_ns   = wall time of stage X's busy visits in the best round / venue messages
 *
 * Nothing is conflated: file ports wait. Target: 1 M messages/s with 100 portfolios and 5 holders
 * per instrument on average. `--messages N` for another size, `--rounds N`, `--dir DIR` keeps the
 * capture in DIR for the next run. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "perf/bench.h"
#include "perf/site.h"

#define HOPS_MAX   16u
#define SILENCE_NS 20000000000u

struct hop {
    char name[16];
    uint64_t busy_ns;
};

struct outcome {
    double seconds, cpu_seconds;
    uint64_t messages, ticks, entries, records;
    uint32_t hop_count;
    struct hop hop[HOPS_MAX];
};

struct bench {
    char dir[64];
    uint64_t messages;
    struct outcome best;
    double least_cpu_seconds;
};

/* CPU time of all threads but the calling one. */
static double cores_cpu_seconds(void) {
    struct timespec all, own;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &all);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &own);
    return (double)(all.tv_sec - own.tv_sec) + (double)(all.tv_nsec - own.tv_nsec) / 1e9;
}

static void take_hops(const struct site *site, struct outcome *outcome) {
    uint32_t count = rw_topology_stage_count(site->topology);
    for (uint32_t i = 0; i < count && i < HOPS_MAX; i++) {
        struct hop *hop = &outcome->hop[outcome->hop_count++];
        char block[32];
        snprintf(hop->name, sizeof hop->name, "%s", rw_topology_stage_name(site->topology, i));
        snprintf(block, sizeof block, "stage %s", hop->name);
        hop->busy_ns = site_stat(site, block, "busy_ns");
    }
}

/* Runs until the session is closed, applied and published; the calling thread keeps the journals
 * in segments, as the cold thread does. */
static void run_to_the_end(struct site *site, struct outcome *outcome) {
    struct rw_watermarks *watermarks = rw_topology_watermarks(site->topology);
    uint64_t started = rw_bench_now(), last = 0, changed = started;
    double cpu_before = cores_cpu_seconds(), cpu = 0;
    if (rw_topology_start(site->topology)) site_die("start");
    for (bool closed = false; !closed;) {
        closed = site_stat(site, "deliver", "closed");
        uint64_t now = rw_bench_now(), released = rw_word_get(&watermarks->released);
        if (released != last) {
            last = released;
            changed = now;
            cpu = cores_cpu_seconds();
        }
        if (now - changed > SILENCE_NS) site_die("nothing was released for too long");
        if (!site_keep(site)) usleep(200);
    }
    outcome->seconds = (double)(changed - started) / 1e9;
    outcome->cpu_seconds = cpu - cpu_before;
    outcome->messages = site_stat(site, "feed", "messages");
    outcome->ticks = site_stat(site, "feed", "bbo") + site_stat(site, "feed", "trades") +
                     site_stat(site, "feed", "status");
    outcome->entries = rw_word_get(&watermarks->applied);
    outcome->records = last;
    if (rw_word_get(&watermarks->commit) != outcome->entries) site_die("not all was committed");
    take_hops(site, outcome);
}

static void run_site(const struct bench *bench, struct outcome *outcome) {
    static struct site site;
    site_build(&site, &(struct site_wish){.dir = bench->dir, .name = "a", .idle = RW_IDLE_YIELD});
    rw_seal();
    run_to_the_end(&site, outcome);
    site_end(&site);
}

static void remove_tree(const char *dir, const char *name) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s/%s", dir, name);
    if (system(command)) site_die("clean-up");
}

/* One round: a fresh process, a fresh journal. Returns messages/s. */
static double run(void *argument) {
    struct bench *bench = argument;
    struct outcome outcome = {0};
    int ends[2], status;
    remove_tree(bench->dir, "journal-a");
    remove_tree(bench->dir, "run");
    if (pipe(ends)) site_die("pipe");
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        run_site(bench, &outcome);
        _exit(write(ends[1], &outcome, sizeof outcome) != (ssize_t)sizeof outcome);
    }
    close(ends[1]);
    if (read(ends[0], &outcome, sizeof outcome) != (ssize_t)sizeof outcome)
        site_die("a round failed");
    close(ends[0]);
    waitpid(child, &status, 0);
    if (bench->best.seconds == 0 || outcome.seconds < bench->best.seconds) bench->best = outcome;
    if (bench->least_cpu_seconds == 0 || outcome.cpu_seconds < bench->least_cpu_seconds)
        bench->least_cpu_seconds = outcome.cpu_seconds;
    return (double)outcome.messages / outcome.seconds;
}

static void report(const struct bench *bench, double median) {
    const struct outcome *best = &bench->best;
    double seconds = best->seconds, messages = (double)best->messages;
    for (uint32_t i = 0; i < best->hop_count; i++) {
        char name[40];
        snprintf(name, sizeof name, "pipeline_hop_%s_ns", best->hop[i].name);
        rw_bench_value(name, (double)best->hop[i].busy_ns / messages, "ns/message");
    }
    rw_bench_value("pipeline_cpu_messages_per_s", messages / bench->least_cpu_seconds, "1/s");
    rw_bench_value("pipeline_best_messages_per_s", messages / seconds, "1/s");
    rw_bench_value("pipeline_log_entries_per_s", (double)best->entries / seconds, "1/s");
    rw_bench_value("pipeline_ticks_per_s", (double)best->ticks / seconds, "1/s");
    rw_bench_value("pipeline_records_per_s", (double)best->records / seconds, "1/s");
    rw_bench_at_least("pipeline_messages_per_s", median, "1/s", 1e6);
}

int main(int argc, char **argv) {
    bool quick = rw_bench_quick(argc, argv), keep = false;
    uint32_t rounds = quick ? 3 : 5;
    struct bench bench = {.dir = "/tmp/riskwire-bench-XXXXXX",
                          .messages = quick ? 500000 : 2000000};
    for (int i = 1; i + 1 < argc; i++) {
        if (!strcmp(argv[i], "--messages")) bench.messages = strtoull(argv[i + 1], NULL, 10);
        if (!strcmp(argv[i], "--rounds")) rounds = (uint32_t)strtoul(argv[i + 1], NULL, 10);
        if (strcmp(argv[i], "--dir")) continue;
        keep = true;
        snprintf(bench.dir, sizeof bench.dir, "%s", argv[i + 1]);
    }
    if (!keep && !mkdtemp(bench.dir)) site_die("temporary folder");
    site_generate(bench.dir, bench.messages, bench.messages * 100000,
                  (uint32_t)(bench.messages / 1000));
    struct rw_bench_variant variants[] = {{"pipeline", run, &bench}};
    rw_bench_rounds(variants, 1, rounds);
    report(&bench, variants[0].median);
    if (!keep) remove_tree(bench.dir, "");
    return 0;
}
