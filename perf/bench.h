/* What every benchmark does: run variants in turns, take minima and medians, print lines perf/run
 * collects.
 *
 *   round 1: A B C   round 2: A B C   …     so that a slow moment of the machine meets all of them
 *
 *   struct rw_bench_variant v[] = {{"ours", run_ours, &state}, {"baseline", run_baseline, &state}};
 *   rw_bench_rounds(v, 2, rw_bench_quick(argc, argv) ? 3 : 9);
 *   rw_bench_at_most("ours_ns", v[0].median, "ns", 100);
 *   rw_bench_at_least("ours_to_baseline", v[1].median / v[0].median, "x", 2); */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RW_BENCH_ROUNDS_MAX 64u

struct rw_bench_variant {
    const char *name;
    double (*run)(void *argument); /* one measurement, in the unit that is printed */
    void *argument;
    double least, median; /* filled by rw_bench_rounds */
};

/* rw_bench_now returns monotonic nanoseconds. */
static inline uint64_t rw_bench_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

/* rw_bench_quick tells whether --quick was given: fewer rounds, smaller input. */
static inline bool rw_bench_quick(int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], "--quick")) return true;
    return false;
}

static inline int rw_bench_by_value(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return left < right ? -1 : left > right;
}

/* rw_bench_rounds runs every variant once a round (rounds ≤ 64) and fills least and median. */
static inline void rw_bench_rounds(struct rw_bench_variant *variants, uint32_t count,
                                   uint32_t rounds) {
    double *samples = calloc((size_t)count * RW_BENCH_ROUNDS_MAX, sizeof *samples);
    if (!samples || rounds < 1 || rounds > RW_BENCH_ROUNDS_MAX) abort();
    for (uint32_t round = 0; round < rounds; round++)
        for (uint32_t i = 0; i < count; i++)
            samples[i * RW_BENCH_ROUNDS_MAX + round] = variants[i].run(variants[i].argument);
    for (uint32_t i = 0; i < count; i++) {
        double *own = &samples[i * RW_BENCH_ROUNDS_MAX];
        qsort(own, rounds, sizeof *own, rw_bench_by_value);
        variants[i].least = own[0];
        variants[i].median = own[rounds / 2];
    }
    free(samples);
}

/* rw_bench_value prints a figure without a target: `name value unit`. */
static inline void rw_bench_value(const char *name, double value, const char *unit) {
    printf("%s %.4g %s\n", name, value, unit);
}
/* rw_bench_at_most and rw_bench_at_least print `name value unit target T met|missed`. */
static inline void rw_bench_at_most(const char *name, double value, const char *unit,
                                    double target) {
    printf("%s %.4g %s target <=%.4g %s\n", name, value, unit, target,
           value <= target ? "met" : "missed");
}
static inline void rw_bench_at_least(const char *name, double value, const char *unit,
                                     double target) {
    printf("%s %.4g %s target >=%.4g %s\n", name, value, unit, target,
           value >= target ? "met" : "missed");
}
