/* What durability costs: the journal against plain pwrite + fdatasync on a file zeroed in
 * advance, in turns.
 *
 *   one at a time   append, poll until durable, append the next: the latency a single input sees
 *   batched         append as much as there is room, poll on: the group commit
 *
 * Folder: $RW_BENCH_DIR, else the current one; it must not be in memory. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <unistd.h>

#include "dataplane/base/err.h"
#include "dataplane/io/file.h"
#include "dataplane/journal/journal.h"
#include "dataplane/record/entry.h"
#include "perf/bench.h"

#define ENTRY_BYTES 64u
#define PLAIN_BYTES (16u << 20)

struct bench {
    char folder[256];
    struct rw_disk *disk;
    struct rw_journal *log, *results;
    struct rw_journal_counters counters[2];
    struct rw_journal_gauges gauges[2];
    int plain;
    off_t plain_at;
    uint64_t singles, batched; /* items per measurement */
};

static void stop(const char *what) {
    fprintf(stderr, "bench_journal: %s\n", what);
    exit(1);
}

static bool append(struct rw_journal *journal, uint32_t count) {
    static uint8_t items[4096 * ENTRY_BYTES];
    struct iovec part = {items, (size_t)count * ENTRY_BYTES};
    struct rw_journal_batch batch = {
        rw_journal_last(journal) + 1, count, 1, &part, 1, {0, 0}, NULL};
    return rw_journal_append(journal, &batch) == 0;
}

/* The cold thread's part, in between as it would run beside. */
static void make_segments(struct rw_journal *journal) {
    int rc;
    while ((rc = rw_journal_cold_step(journal, rw_bench_now())) == 1) {
    }
    if (rc < 0) stop(rw_err_text());
}

static int by_value(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

/* Returns the median of one durable append after the other, in µs. */
static double one_at_a_time(struct bench *bench, struct rw_journal *journal) {
    uint64_t *took = calloc(bench->singles, sizeof *took);
    for (uint64_t i = 0; i < bench->singles; i++) {
        uint64_t start = rw_bench_now();
        if (!append(journal, 1)) stop("no room");
        while (!rw_journal_settled(journal)) rw_journal_poll(journal, start);
        took[i] = rw_bench_now() - start;
        make_segments(journal);
    }
    qsort(took, bench->singles, sizeof *took, by_value);
    double median = (double)took[bench->singles / 2] / 1000;
    free(took);
    return median;
}

static double run_log(void *argument) {
    struct bench *bench = argument;
    return one_at_a_time(bench, bench->log);
}

static double run_results(void *argument) {
    struct bench *bench = argument;
    return one_at_a_time(bench, bench->results);
}

/* A block appended by hand: pwrite and fdatasync into written space. */
static double run_plain(void *argument) {
    struct bench *bench = argument;
    static _Alignas(4096) uint8_t block[4096];
    uint64_t *took = calloc(bench->singles, sizeof *took);
    for (uint64_t i = 0; i < bench->singles; i++) {
        uint64_t start = rw_bench_now();
        if (pwrite(bench->plain, block, sizeof block, bench->plain_at) != (ssize_t)sizeof block ||
            fdatasync(bench->plain))
            stop("plain write");
        took[i] = rw_bench_now() - start;
        bench->plain_at = (bench->plain_at + (off_t)sizeof block) % PLAIN_BYTES;
    }
    qsort(took, bench->singles, sizeof *took, by_value);
    double median = (double)took[bench->singles / 2] / 1000;
    free(took);
    return median;
}

/* Items per second when always as much is appended as fits; in millions. */
static double run_batched(void *argument) {
    struct bench *bench = argument;
    struct rw_journal *journal = bench->log;
    uint64_t begin = rw_journal_last(journal), spent = 0;
    while (rw_journal_last(journal) - begin < bench->batched) {
        uint64_t start = rw_bench_now();
        uint32_t count = rw_journal_room(journal, 1) / ENTRY_BYTES;
        if (count) append(journal, count < 4096 ? count : 4096);
        rw_journal_poll(journal, start);
        spent += rw_bench_now() - start;
        if (!rw_journal_room(journal, 1)) make_segments(journal);
    }
    uint64_t start = rw_bench_now();
    while (!rw_journal_settled(journal)) rw_journal_poll(journal, start);
    spent += rw_bench_now() - start;
    return (double)bench->batched * 1000 / (double)spent;
}

static struct rw_journal *open_journal(struct bench *bench, enum rw_journal_kind kind,
                                       const char *name) {
    char folder[300];
    snprintf(folder, sizeof folder, "%s/%s", bench->folder, name);
    struct rw_journal_cfg cfg = rw_journal_defaults(kind, folder);
    uint32_t i = kind == RW_JOURNAL_LOG ? 0 : 1;
    struct rw_journal *journal;
    void *memory = aligned_alloc(4096, rw_journal_footprint(&cfg));
    if (rw_journal_open(&journal, memory, &cfg, RW_JOURNAL_FRESH, 0, bench->disk,
                        &bench->counters[i], &bench->gauges[i]))
        stop(rw_err_text());
    return journal;
}

static void open_plain(struct bench *bench) {
    char path[300];
    snprintf(path, sizeof path, "%s/plain", bench->folder);
    bench->plain = open(path, O_RDWR | O_CREAT, 0600);
    uint8_t *zeroes = calloc(1, PLAIN_BYTES);
    if (write(bench->plain, zeroes, PLAIN_BYTES) != (ssize_t)PLAIN_BYTES || fsync(bench->plain))
        stop("plain file");
    free(zeroes);
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *walk) {
    return remove(path);
}

int main(int argc, char **argv) {
    static struct bench bench;
    bool quick = rw_bench_quick(argc, argv);
    const char *where = getenv("RW_BENCH_DIR");
    snprintf(bench.folder, sizeof bench.folder, "%s/bench_journal_XXXXXX", where ? where : ".");
    if (!mkdtemp(bench.folder)) stop(strerror(errno));
    bench.singles = quick ? 500 : 2000;
    bench.batched = quick ? 500000 : 2000000;
    if (rw_disk_open_uring(&bench.disk, 16)) stop(rw_err_text());
    bench.log = open_journal(&bench, RW_JOURNAL_LOG, "log");
    bench.results = open_journal(&bench, RW_JOURNAL_RESULTS, "results");
    open_plain(&bench);
    struct rw_bench_variant variants[] = {{"log", run_log, &bench},
                                          {"results", run_results, &bench},
                                          {"plain", run_plain, &bench},
                                          {"batched", run_batched, &bench}};
    rw_bench_rounds(variants, 4, quick ? 3 : 7);
    rw_bench_value("journal_plain_fdatasync_us", variants[2].median, "us");
    rw_bench_value("journal_durable_append_us", variants[0].median, "us");
    rw_bench_at_most("journal_durable_to_plain", variants[0].median / variants[2].median, "x", 1.0);
    rw_bench_at_most("journal_cached_append_us", variants[1].median, "us", 10);
    rw_bench_at_least("journal_batched_appends", variants[3].median, "M/s", 2);
    rw_journal_close(bench.log);
    rw_journal_close(bench.results);
    rw_disk_close(bench.disk);
    nftw(bench.folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return 0;
}
