/* Options priced by the kernels of risk/kernels, in ns an option: price and five Greeks, at every
 * width this host has, against the same formulas written with libm one option at a time.
 *
 * One tick of an underlying reprices its options, which stand side by side: 50,000 options, as one
 * underlying (the columns stream through the caches) and by curve from 1 option on. CPU time. */
#include <math.h>
#include <time.h>

#include "perf/bench.h"
#include "risk/kernels/american.h"
#include "risk/kernels/option_kernel.h"

#define OPTIONS 50000u

struct job {
    struct rw_option_table *table;
    struct rw_option_values *out;
    const struct rw_option_kernel *kernel;
    struct rw_option_terms *terms;
    double *prices, *vols;
    uint32_t count; /* priced by one call */
};

static double cpu_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double *column(void) {
    double *at = aligned_alloc(64, (OPTIONS + 8) * sizeof *at);
    if (!at) abort();
    memset(at, 0, (OPTIONS + 8) * sizeof *at);
    return at;
}

static double kernel(void *argument) {
    const struct job *job = argument;
    double begun = cpu_ns(), spot = 100;
    uint32_t calls = OPTIONS / job->count;
    for (uint32_t i = 0; i < calls; i++, spot += 1e-3)
        job->kernel->price(job->table, 0, job->count, spot, job->out);
    return (cpu_ns() - begun) / (double)(calls * job->count);
}

static double implied(void *argument) {
    const struct job *job = argument;
    double begun = cpu_ns();
    job->kernel->implied(job->table, 0, OPTIONS, 100.1, job->prices, job->vols);
    return (cpu_ns() - begun) / OPTIONS;
}

static double normal(double x) { return 0.5 * erfc(-x * 0.70710678118654752440); }

/* The baseline: what one writes first, with libm. */
static double plain(void *argument) {
    const struct job *job = argument;
    double begun = cpu_ns(), spot = 100;
    for (uint32_t i = 0; i < OPTIONS; i++) {
        const struct rw_option_terms *t = &job->terms[i];
        double root = sqrt(t->years), dev = t->vol * root, s = t->type ? -1 : 1;
        double d1 =
            (log(spot / t->strike) + (t->rate - t->dividend + t->vol * t->vol / 2) * t->years) /
            dev;
        double held = spot * exp(-t->dividend * t->years) * normal(s * d1);
        double owed = t->strike * exp(-t->rate * t->years) * normal(s * (d1 - dev));
        double density = exp(-d1 * d1 / 2) * 0.39894228040143267794 * exp(-t->dividend * t->years);
        job->out->price[i] = s * (held - owed);
        job->out->delta[i] = s * held / spot;
        job->out->gamma[i] = density / (spot * dev);
        job->out->vega[i] = spot * density * root;
        job->out->theta[i] =
            -spot * density * t->vol / (2 * root) + s * (t->dividend * held - t->rate * owed);
        job->out->rho[i] = s * t->years * owed;
    }
    return (cpu_ns() - begun) / OPTIONS;
}

static double boundary(void *argument) {
    const struct job *job = argument;
    struct rw_american american;
    double begun = cpu_ns();
    for (uint32_t i = 0; i < 1000; i++) rw_american_solve(&job->terms[i], &american);
    return (cpu_ns() - begun) / 1000;
}

static void make(struct rw_option_table *table, struct rw_option_terms *terms, bool american) {
    void *memory = aligned_alloc(64, rw_option_table_footprint(OPTIONS, american));
    if (!memory) abort();
    rw_option_table_init(table, memory, OPTIONS, american);
    for (uint32_t i = 0; i < OPTIONS; i++) {
        terms[i] =
            (struct rw_option_terms){.style = american ? RW_OPTION_AMERICAN : RW_OPTION_EUROPEAN,
                                     .type = (uint8_t)(i & 1),
                                     .strike = 60 + i % 81,
                                     .rate = 0.03,
                                     .dividend = 0.02,
                                     .vol = 0.1 + i % 50 / 100.0,
                                     .years = 0.05 + i % 31 / 10.0};
        if (rw_option_set(table, i, &terms[i])) abort();
    }
}

static double target_of(const struct rw_option_kernel *kernel, double avx512, double avx2) {
    return kernel->lanes == 8 ? avx512 : kernel->lanes == 4 ? avx2 : 0;
}

static void figure(const char *what, const struct rw_option_kernel *kernel, double value,
                   double target) {
    char name[64];
    snprintf(name, sizeof name, "%s_%s_ns", what, kernel->name);
    if (target > 0)
        rw_bench_at_most(name, value, "ns/option", target);
    else
        rw_bench_value(name, value, "ns/option");
}

static void curve(struct job *job) {
    for (uint32_t count = 1; count <= OPTIONS; count *= count == 1 ? 10 : 5) {
        char name[48];
        job->count = count;
        struct rw_bench_variant one = {"curve", kernel, job};
        rw_bench_rounds(&one, 1, 5);
        snprintf(name, sizeof name, "european_%s_by_%u_ns", job->kernel->name, count);
        rw_bench_value(name, one.least, "ns/option");
    }
    job->count = OPTIONS;
}

int main(int argc, char **argv) {
    static struct rw_option_table european, american;
    uint32_t rounds = rw_bench_quick(argc, argv) ? 5 : 15;
    struct rw_option_terms *terms = calloc(OPTIONS, sizeof *terms);
    struct rw_option_terms *early = calloc(OPTIONS, sizeof *early);
    if (!terms || !early) return 1;
    struct rw_option_values out = {column(), column(), column(), column(), column(), column()};
    make(&european, terms, false);
    make(&american, early, true);
    struct job base = {&european, &out, NULL, terms, column(), column(), OPTIONS};
    rw_option_price_scalar(&european, 0, OPTIONS, 100.1, &out);
    memcpy(base.prices, out.price, OPTIONS * sizeof *base.prices);
    for (const struct rw_option_kernel *k = rw_option_kernels(); k->name; k++) {
        struct job euro = base, amer = base;
        euro.kernel = amer.kernel = k;
        amer.table = &american;
        struct rw_bench_variant v[] = {{"european", kernel, &euro},
                                       {"plain", plain, &euro},
                                       {"american", kernel, &amer},
                                       {"implied", implied, &euro}};
        rw_bench_rounds(v, 4, rounds);
        figure("european", k, v[0].median, target_of(k, 3, 6));
        figure("american", k, v[2].median, target_of(k, 12, 0));
        figure("implied_warm", k, v[3].median, target_of(k, 20, 0));
        rw_bench_value("plain_libm_ns", v[1].median, "ns/option");
        rw_bench_value("plain_libm_to_european", v[1].median / v[0].median, "x");
    }
    base.kernel = rw_option_kernel_best();
    curve(&base);
    struct job solve = base;
    solve.terms = early;
    struct rw_bench_variant one = {"boundary", boundary, &solve};
    rw_bench_rounds(&one, 1, 5);
    rw_bench_value("american_boundary_solved_ns", one.median, "ns/option");
    return 0;
}
