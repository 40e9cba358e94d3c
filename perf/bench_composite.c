/* The composite of up to eight venues, in ns per change of a venue's quote.
 *
 *   core     risk/composite_core: both views, venue masks, quantities, locked and crossed
 *   naive    the same by a loop over a list of venues, as one would write it first
 *
 * 10,000 instruments in random order, which no near cache holds, and one instrument alone. Both see
 * the same quotes in the same run and must end with the same views. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dataplane/base/rng.h"
#include "perf/bench.h"
#include "risk/composite_core.h"
#include "tests/unit/risk/naive_composite.h"

#define CHANGES 65536u

struct change {
    uint32_t instrument, venue;
    struct rw_quote quote;
};

struct bench {
    uint32_t instruments, rounds;
    struct rw_composite *rows;
    struct naive_composite *naive;
    struct change change[CHANGES];
};

static uint64_t cpu_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static double run_core(void *argument) {
    struct bench *bench = argument;
    uint64_t start = cpu_ns();
    for (uint32_t round = 0; round < bench->rounds; round++)
        for (uint32_t i = 0; i < CHANGES; i++) {
            const struct change *change = &bench->change[i];
            rw_composite_quote(&bench->rows[change->instrument], change->venue, &change->quote,
                               UINT8_MAX, i + 1);
        }
    return (double)(cpu_ns() - start) / CHANGES / bench->rounds;
}

static double run_naive(void *argument) {
    struct bench *bench = argument;
    uint64_t start = cpu_ns();
    for (uint32_t round = 0; round < bench->rounds; round++)
        for (uint32_t i = 0; i < CHANGES; i++) {
            const struct change *change = &bench->change[i];
            naive_composite_quote(&bench->naive[change->instrument], change->venue, &change->quote,
                                  UINT8_MAX, i + 1);
        }
    return (double)(cpu_ns() - start) / CHANGES / bench->rounds;
}

static struct bench *bench_new(uint32_t instruments, uint32_t venues, uint32_t rounds) {
    struct bench *bench = calloc(1, sizeof *bench);
    struct rw_rng rng;
    rw_rng_seed(&rng, instruments + venues);
    bench->instruments = instruments;
    bench->rounds = rounds;
    bench->rows = aligned_alloc(64, instruments * sizeof *bench->rows);
    bench->naive = calloc(instruments, sizeof *bench->naive);
    memset(bench->rows, 0, instruments * sizeof *bench->rows);
    for (uint32_t i = 0; i < instruments; i++) bench->rows[i].lot = bench->naive[i].lot = 100;
    for (uint32_t i = 0; i < CHANGES; i++) {
        int32_t bid = 1000000 + 100 * (int32_t)rw_rng_below(&rng, 8);
        bench->change[i] =
            (struct change){.instrument = (uint32_t)rw_rng_below(&rng, instruments),
                            .venue = (uint32_t)rw_rng_below(&rng, venues),
                            .quote = {.bid_price = bid,
                                      .ask_price = bid + 100 * (int32_t)rw_rng_below(&rng, 8),
                                      .bid_quantity = (uint32_t)rw_rng_below(&rng, 500),
                                      .ask_quantity = (uint32_t)rw_rng_below(&rng, 500)}};
    }
    return bench;
}

static void check(const struct bench *bench) {
    for (uint32_t i = 0; i < bench->instruments; i++)
        if (!naive_composite_equals(&bench->naive[i], &bench->rows[i])) {
            fprintf(stderr, "bench_composite: the two calculations differ\n");
            exit(1);
        }
}

static void measure(const char *name, uint32_t instruments, uint32_t venues, uint32_t rounds) {
    struct bench *bench = bench_new(instruments, venues, rounds);
    struct rw_bench_variant variants[] = {{"core", run_core, bench}, {"naive", run_naive, bench}};
    char figure[64];
    rw_bench_rounds(variants, 2, 9);
    check(bench);
    snprintf(figure, sizeof figure, "composite_%s_ns_per_change", name);
    rw_bench_at_most(figure, variants[0].least, "ns", 15);
    snprintf(figure, sizeof figure, "composite_%s_naive_over_core", name);
    rw_bench_at_least(figure, variants[1].least / variants[0].least, "x", 1);
    free(bench->rows);
    free(bench->naive);
    free(bench);
}

int main(int argc, char **argv) {
    uint32_t rounds = rw_bench_quick(argc, argv) ? 4 : 16;
    measure("2_venues", 10000, 2, rounds);
    measure("8_venues", 10000, 8, rounds);
    measure("one_instrument", 1, 8, rounds);
    return 0;
}
