/* One risk shard and merge on one core, in ns per log entry and per record.
 *
 *   gate      a tick of an instrument nobody holds: decode, mark, quality
 *   venues    the same where eight channels quote each instrument: composite, who counts
 *   tick H    a tick whose H holders all change: P&L, exposure, three limits, a record of each
 *   record    what merge adds to a record: copy, number, hash
 *   fill      a fill of a known pair: execution id, position, totals, limits, its two records
 *
 * 1,000 portfolios of 50 accounts on 10 desks, every one with three limits; 512 instruments per
 * figure, ticked in random order, so that they do not stay in the nearest cache. Times are CPU time
 * of the thread. */
#include <inttypes.h>

#include "perf/bench.h"
#include "risk/merge_core.h"
#include "risk/risk_core.h"
#include "tests/unit/risk/image_fixture.h"
#include "tests/unit/risk/risk_driver.h"

#define PORTFOLIOS  1000u
#define INSTRUMENTS 512u
#define SCRATCH     256u /* messages; a link's worth of lines to write into */

struct bench {
    struct rw_image *image;
    struct driver driver;
    struct rw_rng rng;
    struct log_entry *log;
    uint32_t entries;
    uint64_t messages;
    struct rw_result scratch[SCRATCH];
};

/* CPU time of this thread: the work never waits, and the machine may be shared. */
static uint64_t cpu_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static struct rw_image *make_image(struct rw_rng *rng, uint32_t holders) {
    struct rw_instrument_row *instrument = calloc(INSTRUMENTS, sizeof *instrument);
    struct rw_portfolio_row *portfolio = calloc(PORTFOLIOS, sizeof *portfolio);
    struct rw_position_row *position = calloc((size_t)INSTRUMENTS * PORTFOLIOS, sizeof *position);
    struct rw_limit_row *limit = calloc(PORTFOLIOS * 3, sizeof *limit);
    struct image_tables tables = {instrument, INSTRUMENTS, portfolio, PORTFOLIOS,    10,
                                  position,   0,           limit,     PORTFOLIOS * 3};
    for (uint32_t i = 0; i < INSTRUMENTS; i++)
        instrument[i] = (struct rw_instrument_row){.multiplier = 1, .start_price = 1000000};
    for (uint32_t p = 0; p < PORTFOLIOS; p++) {
        portfolio[p].account = 1 + p / 20;
        portfolio[p].desk = 1 + p / 100;
        for (uint8_t m = 0; m < 3; m++)
            limit[3 * p + m] = (struct rw_limit_row){.scope = RW_SCOPE_PORTFOLIO,
                                                     .measure = m + 1,
                                                     .owner = p + 1,
                                                     .soft = 1ll << 60,
                                                     .hard = 1ll << 61};
    }
    for (uint32_t i = 1; i <= INSTRUMENTS; i++) {
        uint32_t left = holders;
        for (uint32_t p = 1; p <= PORTFOLIOS; p++) {
            if (!rw_rng_chance(rng, left, PORTFOLIOS + 1 - p)) continue;
            left--;
            position[tables.position_count++] =
                (struct rw_position_row){i, p, 100 + (int64_t)rw_rng_below(rng, 900), 1000000};
        }
    }
    struct rw_image *image = image_make(&tables);
    free(instrument);
    free(portfolio);
    free(position);
    free(limit);
    return image;
}

static struct bench *bench_new(uint32_t holders, uint32_t entries, bool fills, uint32_t channels) {
    struct bench *bench = calloc(1, sizeof *bench);
    rw_rng_seed(&bench->rng, 42 + holders);
    bench->image = make_image(&bench->rng, holders);
    driver_new_of(&bench->driver, bench->image, 1, 0, 0, channels);
    struct log_entry open = make_session(1, RW_SESSION_OPEN);
    driver_apply(&bench->driver, &open);
    bench->entries = entries;
    bench->log = calloc(entries, sizeof *bench->log);
    uint64_t exec_id = 0;
    const struct rw_position_row *rows = rw_image_rows(bench->image, &bench->image->positions);
    for (uint32_t i = 0; i < entries; i++) {
        int32_t price = 900000 + 200 * (int32_t)rw_rng_below(&bench->rng, 1000);
        uint32_t instrument = 1 + (uint32_t)rw_rng_below(&bench->rng, INSTRUMENTS);
        if (fills) {
            const struct rw_position_row *row =
                &rows[rw_rng_below(&bench->rng, bench->image->positions.count)];
            bench->log[i] =
                make_fill(i, ++exec_id, row->portfolio, row->instrument, i % 2 ? 5 : -5, price, 10);
        } else {
            int32_t ask = price + 100;
            if (channels > 1) { /* venues quote about the same, and cross one another rarely */
                price = 1000000 - 100 * (int32_t)rw_rng_below(&bench->rng, 4);
                ask = 1000100 + 100 * (int32_t)rw_rng_below(&bench->rng, 4);
            }
            bench->log[i] = make_tick(i, instrument, RW_TICK_BBO, price, ask, price);
            tick_set(&bench->log[i], (uint16_t)rw_rng_below(&bench->rng, channels), 0, 0);
        }
    }
    return bench;
}

static void bench_free(struct bench *bench) {
    driver_free(&bench->driver);
    free(bench->image);
    free(bench->log);
    free(bench);
}

/* The shard alone: every entry, every message into the scratch link. Returns ns per entry. */
static double run_shard(void *argument) {
    struct bench *bench = argument;
    uint64_t messages = 0, start = cpu_ns();
    for (uint32_t i = 0; i < bench->entries; i++) {
        enum rw_risk_step step;
        bench->log[i].entry.sequence = ++bench->driver.sequence;
        rw_risk_begin(bench->driver.risk[0], &bench->log[i].entry);
        while ((step = rw_risk_next(bench->driver.risk[0], &bench->scratch[messages % SCRATCH])) !=
               RW_RISK_DONE)
            messages += step == RW_RISK_MESSAGE;
    }
    uint64_t spent = cpu_ns() - start;
    bench->messages = messages;
    return (double)spent / bench->entries;
}

/* Prices move from round to round, so that every tick changes its holders' totals. */
static double run_ticks(void *argument) {
    struct bench *bench = argument;
    for (uint32_t i = 0; i < bench->entries; i++) {
        struct rw_tick_body *tick = (void *)bench->log[i].entry.body;
        tick->bid_price += 100;
        tick->ask_price += 100;
    }
    return run_shard(bench);
}

/* A fill's execution id may be used once: each round moves to new ids. */
static double run_fills(void *argument) {
    struct bench *bench = argument;
    for (uint32_t i = 0; i < bench->entries; i++) {
        struct rw_fill_body *fill =
            (void *)((uint8_t *)&bench->log[i] + offsetof(struct rw_entry, body));
        fill->exec_id += bench->entries;
    }
    return run_shard(bench);
}

/* Merge alone on one input with many records. Returns ns per record. */
static double run_merge(void *argument) {
    struct bench *bench = argument;
    static struct rw_result out[SCRATCH];
    const uint32_t records = 200000;
    for (uint32_t i = 0; i < SCRATCH; i++)
        bench->scratch[i] =
            (struct rw_result){.kind = RW_RESULT_PORTFOLIO,
                               .portfolio = i + 1,
                               .input_sequence = rw_merge_input(bench->driver.merge)};
    uint64_t start = cpu_ns();
    for (uint32_t i = 0; i < records; i++)
        rw_merge_take(bench->driver.merge, &bench->scratch[i % SCRATCH], &out[i % SCRATCH]);
    uint64_t spent = cpu_ns() - start;
    struct rw_result_end end;
    struct rw_hash hash;
    rw_merge_end(bench->driver.merge, &end, &hash);
    return (double)spent / records;
}

static double run_nothing(void *argument) {
    struct rw_merge *merge = ((struct bench *)argument)->driver.merge;
    const uint32_t inputs = 200000;
    struct rw_result record;
    struct rw_result_end end;
    struct rw_hash hash;
    uint64_t start = cpu_ns();
    for (uint32_t i = 0; i < inputs; i++) {
        rw_merge_total(merge, &record);
        rw_merge_end(merge, &end, &hash);
    }
    return (double)(cpu_ns() - start) / inputs;
}

int main(int argc, char **argv) {
    static const uint32_t holders[] = {0, 1, 10, 100, 1000};
    bool quick = rw_bench_quick(argc, argv);
    uint32_t rounds = quick ? 3 : 9;
    struct rw_bench_variant variant[9] = {{0}};
    for (uint32_t i = 0; i < 5; i++) {
        uint32_t entries = 400000 / (holders[i] + 4);
        variant[i] =
            (struct rw_bench_variant){"tick", run_ticks, bench_new(holders[i], entries, false, 1)};
    }
    variant[5] = (struct rw_bench_variant){"fill", run_fills, bench_new(10, 40000, true, 1)};
    variant[6] = (struct rw_bench_variant){"merge", run_merge, variant[0].argument};
    variant[7] = (struct rw_bench_variant){"nothing", run_nothing, variant[0].argument};
    variant[8] =
        (struct rw_bench_variant){"venues", run_ticks, bench_new(0, 100000, false, RW_VENUES_MAX)};
    rw_bench_rounds(variant, 9, rounds);

    rw_bench_at_most("risk_gate_ns", variant[0].median, "ns", 25);
    rw_bench_at_most("risk_gate_venues_ns", variant[8].median, "ns", 40);
    for (uint32_t i = 1; i < 5; i++) {
        struct bench *bench = variant[i].argument;
        char name[48];
        double own = variant[i].median;
        /* 50 + 5 a holder to calculate, 40 a record to publish */
        snprintf(name, sizeof name, "risk_tick_%u_holders_published_ns", holders[i]);
        rw_bench_at_most(name, own + holders[i] * variant[6].median, "ns", 50 + 45.0 * holders[i]);
        snprintf(name, sizeof name, "risk_tick_%u_holders_shard_ns", holders[i]);
        rw_bench_value(name, own, "ns");
        snprintf(name, sizeof name, "risk_tick_%u_holders_per_holder_ns", holders[i]);
        rw_bench_value(name, (own - variant[0].median) / holders[i], "ns");
        snprintf(name, sizeof name, "risk_tick_%u_holders_messages", holders[i]);
        rw_bench_value(name, (double)bench->messages / bench->entries, "messages");
    }
    rw_bench_at_most("risk_fill_ns", variant[5].median, "ns", 60);
    rw_bench_at_most("merge_record_ns", variant[6].median, "ns", 40);
    rw_bench_value("merge_input_without_results_ns", variant[7].median, "ns");
    for (uint32_t i = 0; i < 6; i++) bench_free(variant[i].argument);
    bench_free(variant[8].argument);
    return 0;
}
