/* Historical VaR and ES of P&L vectors: the tail kernels against quickselect and sorting, and the
 * vector's move by one tick. CPU time, ns a vector; 100 vectors in turn, so that they come from
 * L2. */
#include <time.h>

#include "perf/bench.h"
#include "risk/kernels/pnl_vector.h"
#include "risk/kernels/tail.h"

#define VECTORS   100u
#define PASSES    16u
#define SCENARIOS 2000u /* at most */

struct job {
    uint32_t scenarios;
    rw_tail_fn *tail;
    rw_pnl_move_fn *move;
};

static _Alignas(64) int64_t vectors[VECTORS * SCENARIOS]; /* one behind the other */
static _Alignas(64) int64_t work[SCENARIOS + 64];
static _Alignas(64) int32_t returns[VECTORS * SCENARIOS];
static volatile int64_t sink;

static double cpu_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static struct rw_tail_ranks ranks_of(uint32_t count) {
    return (struct rw_tail_ranks){rw_tail_rank(count, 9900), rw_tail_rank(count, 9750)};
}

static double tail(void *argument) {
    const struct job *job = argument;
    struct rw_tail found;
    double begun = cpu_ns();
    for (uint32_t v = 0; v < PASSES * VECTORS; v++) {
        job->tail(&vectors[v % VECTORS * RW_TAIL_PADDED(job->scenarios)], job->scenarios,
                  ranks_of(job->scenarios), work, &found);
        sink = found.value + (int64_t)found.total;
    }
    return (cpu_ns() - begun) / (PASSES * VECTORS);
}

static int ascending(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

static double sorting(void *argument) {
    const struct job *job = argument;
    double begun = cpu_ns();
    for (uint32_t v = 0; v < VECTORS; v++) {
        memcpy(work, &vectors[v * RW_TAIL_PADDED(job->scenarios)], job->scenarios * sizeof *work);
        qsort(work, job->scenarios, sizeof *work, ascending);
        sink = work[5];
    }
    return (cpu_ns() - begun) / VECTORS;
}

static double moving(void *argument) {
    const struct job *job = argument;
    double begun = cpu_ns();
    uint32_t padded = RW_TAIL_PADDED(job->scenarios);
    for (uint32_t v = 0; v < PASSES * VECTORS; v++) {
        uint32_t at = v % VECTORS * padded;
        job->move(&vectors[at], &returns[at], padded, 300, 1000000, 1000100);
    }
    return (cpu_ns() - begun) / (PASSES * VECTORS);
}

static void fill(uint32_t scenarios) {
    uint64_t state = 88172645463325252ull;
    uint32_t padded = RW_TAIL_PADDED(scenarios);
    for (uint32_t i = 0; i < VECTORS * padded; i++) {
        int64_t sum = 0;
        for (int k = 0; k < 8; k++) {
            state ^= state << 13, state ^= state >> 7, state ^= state << 17;
            sum += (int64_t)(state >> 40) - (1 << 23);
        }
        vectors[i] = i % padded < scenarios ? sum : RW_TAIL_PADDING;
        returns[i] = i % padded < scenarios ? (int32_t)(sum / 16) : 0;
    }
}

int main(int argc, char **argv) {
    uint32_t rounds = rw_bench_quick(argc, argv) ? 5 : 25;
    bool wide = rw_tail_best() == rw_tail_avx512;
    static const uint32_t sizes[] = {500, 250, 1000, 2000};
    for (uint32_t i = 0; i < 4; i++) {
        struct job avx2 = {sizes[i], rw_tail_avx2, rw_pnl_move_avx2},
                   best = {sizes[i], rw_tail_best(), rw_pnl_move_best()};
        struct job select = {sizes[i], rw_tail_scalar, rw_pnl_move_scalar};
        struct rw_bench_variant v[] = {{"best", tail, &best},
                                       {"avx2", tail, &avx2},
                                       {"select", tail, &select},
                                       {"sort", sorting, &select},
                                       {"move", moving, &best}};
        fill(sizes[i]);
        rw_bench_rounds(v, 5, rounds);
        char name[64];
        snprintf(name, sizeof name, "var99_es975_of_%u_avx512_ns", sizes[i]);
        if (wide && sizes[i] == 500)
            rw_bench_at_most(name, v[0].median, "ns", 150);
        else if (wide)
            rw_bench_value(name, v[0].median, "ns");
        snprintf(name, sizeof name, "var99_es975_of_%u_avx2_ns", sizes[i]);
        if (sizes[i] == 500)
            rw_bench_at_most(name, v[1].median, "ns", 300);
        else
            rw_bench_value(name, v[1].median, "ns");
        snprintf(name, sizeof name, "quickselect_to_best_of_%u", sizes[i]);
        rw_bench_value(name, v[2].median / v[0].median, "x");
        snprintf(name, sizeof name, "sort_to_best_of_%u", sizes[i]);
        rw_bench_value(name, v[3].median / v[0].median, "x");
        snprintf(name, sizeof name, "vector_move_of_%u_ns", sizes[i]);
        rw_bench_value(name, v[4].median, "ns");
    }
    return 0;
}
