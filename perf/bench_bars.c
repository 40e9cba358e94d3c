/* Bars of 1 s and 60 s over 10,000 instruments, with the default setting, in CPU time.
 *
 *   trade    one trade of a random instrument into the windows of both lengths
 *   bar      one bar told, when every instrument has traded in the second that closes
 *   burst    all of them: how long what stands behind that CLOCK waits in shard 0
 *   quiet    a CLOCK at which no instrument has anything to close */
#include <time.h>

#include "dataplane/base/rng.h"
#include "perf/bench.h"
#include "risk/bar_setting.h"

#define INSTRUMENTS 10001u
#define SECOND      UINT64_C(1000000000)
#define TRADES      50000u

struct bench {
    struct rw_bar_counters counters;
    struct rw_bars *bars;
    uint64_t second; /* event time, in seconds */
    uint64_t told;
    uint32_t instrument[TRADES];
};

static uint64_t cpu_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

static uint64_t close_second(struct bench *bench) {
    struct rw_bar bar;
    enum rw_bars_step step;
    uint64_t told = 0, start = cpu_ns();
    bench->second += 2;
    if (rw_bars_clock(bench->bars, bench->second * SECOND))
        while ((step = rw_bars_next(bench->bars, &bar)) != RW_BARS_DONE)
            told += step == RW_BARS_BAR;
    bench->told = told;
    return cpu_ns() - start;
}

static double run_trades(void *argument) {
    struct bench *bench = argument;
    uint64_t start = cpu_ns();
    for (uint32_t i = 0; i < TRADES; i++)
        rw_bars_trade(bench->bars, bench->instrument[i], bench->second * SECOND + i, 1000000, 100);
    double ns = (double)(cpu_ns() - start) / TRADES;
    close_second(bench);
    return ns;
}

static double run_burst(void *argument) {
    struct bench *bench = argument;
    for (uint32_t i = 1; i < INSTRUMENTS; i++)
        rw_bars_trade(bench->bars, i, bench->second * SECOND + i, 1000000, 100);
    return (double)close_second(bench);
}

/* Nothing has traded since the last close; a minute may still close, so two CLOCKs go before. */
static double run_quiet(void *argument) {
    struct bench *bench = argument;
    bench->second += 120;
    close_second(bench);
    return (double)close_second(bench);
}

static struct bench *bench_new(void) {
    struct bench *bench = calloc(1, sizeof *bench);
    struct rw_rng rng;
    rw_rng_seed(&rng, 1);
    if (!bench) abort();
    for (uint32_t i = 0; i < TRADES; i++)
        bench->instrument[i] = 1 + (uint32_t)rw_rng_below(&rng, INSTRUMENTS - 1);
    struct rw_bar_cfg cfg = {
        .instruments = INSTRUMENTS, .ahead_ns = SECOND, .counters = &bench->counters};
    if (rw_bar_setting(&cfg, RW_BAR_LENGTHS_DEFAULT, RW_BAR_BOUND_MS_DEFAULT,
                       RW_BAR_LATENESS_MS_DEFAULT))
        abort();
    size_t bytes = rw_bars_footprint(&cfg);
    void *memory = aligned_alloc(64, bytes);
    if (!memory) abort();
    bench->bars = rw_bars_new(memset(memory, 0, bytes), &cfg);
    bench->second = 34200;
    return bench;
}

int main(int argc, char **argv) {
    struct bench *bench = bench_new();
    struct rw_bench_variant variant[] = {
        {"trade", run_trades, bench}, {"burst", run_burst, bench}, {"quiet", run_quiet, bench}};
    rw_bench_rounds(variant, 3, rw_bench_quick(argc, argv) ? 3 : 15);
    run_burst(bench);
    rw_bench_value("bars_trade_ns", variant[0].least, "ns");
    rw_bench_value("bars_told_ns", variant[1].least / (double)bench->told, "ns");
    rw_bench_value("bars_burst_us", variant[1].least / 1000, "us");
    rw_bench_value("bars_burst_bars", (double)bench->told, "bars");
    rw_bench_value("bars_quiet_clock_us", variant[2].least / 1000, "us");
    free(bench->bars);
    free(bench);
    return 0;
}
