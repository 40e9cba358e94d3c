/* Bars: by hand where others got lateness wrong, and against a naive model over random trades. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/base/rng.h"
#include "risk/bar_core.h"

#define SECOND UINT64_C(1000000000)
#define MINUTE (60 * SECOND)
#define BARS   256

struct fixture {
    struct rw_bar_counters counters;
    struct rw_bar_cfg cfg;
    struct rw_bars *bars;
};

static void make_of(struct fixture *f, uint32_t lengths, uint64_t first_ns, uint64_t bound_ns,
                    uint64_t lateness_ns) {
    memset(f, 0, sizeof *f);
    f->cfg = (struct rw_bar_cfg){.instruments = 5,
                                 .lengths = lengths,
                                 .length_ns = {first_ns, MINUTE},
                                 .bound_ns = bound_ns,
                                 .lateness_ns = lateness_ns,
                                 .ahead_ns = SECOND,
                                 .counters = &f->counters};
    size_t bytes = rw_bars_footprint(&f->cfg);
    void *memory = aligned_alloc(64, bytes);
    assert_non_null(memory);
    f->bars = rw_bars_new(memset(memory, 0, bytes), &f->cfg);
}

static void make(struct fixture *f, uint64_t bound_ns, uint64_t lateness_ns) {
    make_of(f, 2, SECOND, bound_ns, lateness_ns);
}

static uint32_t take(struct fixture *f, struct rw_bar *to, uint32_t room) {
    uint32_t count = 0;
    enum rw_bars_step step;
    struct rw_bar bar;
    while ((step = rw_bars_next(f->bars, &bar)) != RW_BARS_DONE)
        if (step == RW_BARS_BAR) {
            assert_true(count < room);
            to[count++] = bar;
        }
    return count;
}

static uint32_t trade(struct fixture *f, uint32_t instrument, uint64_t time, int32_t price,
                      uint32_t quantity, struct rw_bar *to) {
    if (!rw_bars_trade(f->bars, instrument, time, price, quantity)) return 0;
    return take(f, to, 2);
}

static uint32_t clock_at(struct fixture *f, uint64_t time, struct rw_bar *to) {
    if (!rw_bars_clock(f->bars, time)) return 0;
    return take(f, to, BARS);
}

static void a_bar_is_told_when_the_watermark_has_passed_its_end(void **state) {
    struct fixture f;
    struct rw_bar bar[BARS];
    make(&f, 0, SECOND);
    assert_int_equal(trade(&f, 2, 100, 50, 10, bar), 0);
    assert_int_equal(trade(&f, 2, 200, 70, 1, bar), 0);
    assert_int_equal(trade(&f, 2, 300, 40, 2, bar), 0);
    assert_int_equal(trade(&f, 2, 400, 60, 3, bar), 0);
    assert_int_equal(clock_at(&f, SECOND - 1, bar), 0);
    assert_int_equal(clock_at(&f, SECOND, bar), 1);
    assert_int_equal(bar[0].instrument, 2);
    assert_int_equal(bar[0].start_ns, 0);
    assert_int_equal(bar[0].length_ns, SECOND);
    assert_int_equal(bar[0].version, 1);
    assert_int_equal(bar[0].open, 50);
    assert_int_equal(bar[0].high, 70);
    assert_int_equal(bar[0].low, 40);
    assert_int_equal(bar[0].close, 60);
    assert_int_equal(bar[0].volume, 16);
    assert_int_equal(bar[0].notional, 500 + 70 + 80 + 180);
    assert_int_equal(bar[0].trades, 4);
    assert_int_equal(clock_at(&f, MINUTE, bar), 1); /* the minute; no second had a trade since */
    assert_int_equal(bar[0].length_ns, MINUTE);
    free(f.bars);
}

/* The sign of lateness, and the lag added once: with a bound of 0.3 s a second closes at 1.3 s. */
static void the_bound_delays_the_close_once(void **state) {
    struct fixture f;
    struct rw_bar bar[BARS];
    make(&f, 3 * SECOND / 10, SECOND);
    trade(&f, 1, SECOND / 2, 5, 1, bar);
    assert_int_equal(clock_at(&f, 13 * SECOND / 10 - 1, bar), 0);
    assert_int_equal(trade(&f, 1, SECOND - 1, 6, 1, bar), 0); /* behind the clock, not late */
    assert_int_equal(rw_stat_get(&f.counters.late), 0);
    assert_int_equal(clock_at(&f, 13 * SECOND / 10, bar), 1);
    assert_int_equal(bar[0].trades, 2);
    free(f.bars);
}

/* Late data are taken as long as they are allowed, not only while the window is open; they are
 * told, not added silently; and they count in one window only. */
static void a_late_trade_corrects_its_own_bar(void **state) {
    struct fixture f;
    struct rw_bar bar[BARS];
    make(&f, 0, 2 * SECOND);
    trade(&f, 1, SECOND / 2, 10, 1, bar);
    trade(&f, 1, 3 * SECOND / 2, 20, 1, bar);
    assert_int_equal(clock_at(&f, 2 * SECOND, bar), 2);
    assert_int_equal(trade(&f, 1, SECOND / 4, 7, 2, bar), 1);
    assert_int_equal(bar[0].version, 2);
    assert_int_equal(bar[0].start_ns, 0);
    assert_int_equal(bar[0].open, 7); /* earlier than the one that was first */
    assert_int_equal(bar[0].close, 10);
    assert_int_equal(bar[0].volume, 3);
    assert_int_equal(trade(&f, 1, 6 * SECOND / 4, 9, 5, bar), 1);
    assert_int_equal(bar[0].start_ns, SECOND);
    assert_int_equal(bar[0].close, 9); /* same time as the close, came later */
    assert_int_equal(bar[0].volume, 6);
    assert_int_equal(clock_at(&f, 3 * SECOND, bar), 0);
    assert_int_equal(trade(&f, 1, 100, 1, 1, bar), 0); /* three seconds late */
    assert_int_equal(rw_stat_get(&f.counters.too_late), 1);
    assert_int_equal(rw_stat_get(&f.counters.corrections), 2);
    free(f.bars);
}

static void a_window_whose_first_trade_is_late_is_told_at_once(void **state) {
    struct fixture f;
    struct rw_bar bar[BARS];
    make(&f, 0, 2 * SECOND);
    assert_int_equal(clock_at(&f, 2 * SECOND, bar), 0);
    assert_int_equal(trade(&f, 3, 3 * SECOND / 2, 8, 4, bar), 1);
    assert_int_equal(bar[0].version, 1);
    assert_int_equal(bar[0].start_ns, SECOND);
    assert_int_equal(clock_at(&f, 3 * SECOND, bar), 0);
    free(f.bars);
}

static void a_clock_that_falls_changes_nothing(void **state) {
    struct fixture f;
    struct rw_bar bar[BARS];
    make(&f, 0, SECOND);
    trade(&f, 1, 100, 5, 1, bar);
    assert_int_equal(clock_at(&f, 2 * SECOND, bar), 1);
    assert_int_equal(clock_at(&f, SECOND, bar), 0);
    assert_int_equal(clock_at(&f, 2 * SECOND, bar), 0);
    free(f.bars);
}

static void a_trade_too_far_ahead_is_counted(void **state) {
    struct fixture f;
    struct rw_bar bar[BARS];
    make(&f, 0, SECOND);
    trade(&f, 1, 100, 5, 1, bar);
    for (uint64_t s = 1; s < 200; s++) trade(&f, 1, s * SECOND, 5, 1, bar);
    assert_true(rw_stat_get(&f.counters.ahead) > 0);
    free(f.bars);
}

static void a_notional_beyond_64_bits_is_cut_and_counted(void **state) {
    struct fixture f;
    struct rw_bar bar[BARS];
    make(&f, 0, SECOND);
    for (int i = 0; i < 3; i++) trade(&f, 1, 100, INT32_MAX, UINT32_MAX, bar);
    assert_int_equal(clock_at(&f, SECOND, bar), 1);
    assert_true(bar[0].notional == INT64_MAX);
    assert_true(rw_stat_get(&f.counters.notional_range) > 0);
    free(f.bars);
}

/* The model keeps every trade and adds up from them. */
#define MODEL_TRADES 4000u
struct model {
    struct {
        uint64_t time;
        uint32_t instrument, quantity;
        int32_t price;
    } trade[MODEL_TRADES];
    uint32_t count;
};

static struct rw_bar added_up(const struct model *model, const struct rw_bar *of) {
    struct rw_bar bar = {.instrument = of->instrument,
                         .version = of->version,
                         .start_ns = of->start_ns,
                         .length_ns = of->length_ns};
    uint64_t first = UINT64_MAX, last = 0;
    for (uint32_t i = 0; i < model->count; i++) {
        uint64_t time = model->trade[i].time;
        int32_t price = model->trade[i].price;
        if (model->trade[i].instrument != of->instrument || time < of->start_ns ||
            time >= of->start_ns + of->length_ns)
            continue;
        if (time < first) first = time, bar.open = price;
        if (time >= last) last = time, bar.close = price;
        if (!bar.trades || price > bar.high) bar.high = price;
        if (!bar.trades || price < bar.low) bar.low = price;
        bar.trades++;
        bar.volume += model->trade[i].quantity;
        bar.notional += (int64_t)price * model->trade[i].quantity;
    }
    return bar;
}

static void check(const struct model *model, const struct rw_bar *bar, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        struct rw_bar wanted = added_up(model, &bar[i]);
        assert_memory_equal(&bar[i], &wanted, sizeof wanted);
        if (i == 0) continue;
        const struct rw_bar *a = &bar[i - 1], *b = &bar[i]; /* in order */
        assert_true(a->instrument < b->instrument ||
                    (a->instrument == b->instrument &&
                     (a->length_ns < b->length_ns ||
                      (a->length_ns == b->length_ns && a->start_ns < b->start_ns))));
    }
}

/* A trade that is too late or too far ahead is counted and in no bar. */
static uint64_t run_random(uint64_t seed, uint64_t length_ns) {
    static struct model model;
    struct rw_rng rng;
    struct fixture f;
    struct rw_bar bar[BARS];
    uint64_t now = 0, told = 0;
    rw_rng_seed(&rng, seed);
    make_of(&f, 1, length_ns, SECOND / 5, 2 * SECOND);
    model.count = 0;
    while (model.count < MODEL_TRADES) {
        now += rw_rng_below(&rng, SECOND / 20);
        uint32_t count = 0, at = model.count;
        if (rw_rng_chance(&rng, 1, 10)) {
            count = clock_at(&f, now, bar);
        } else {
            uint64_t back = rw_rng_below(&rng, rw_rng_chance(&rng, 1, 8) ? 4 * SECOND : SECOND / 5);
            uint64_t lost = rw_stat_get(&f.counters.too_late) + rw_stat_get(&f.counters.ahead);
            model.trade[at].time = now > back ? now - back : 0;
            model.trade[at].instrument = 1 + (uint32_t)rw_rng_below(&rng, 4);
            model.trade[at].price = 1 + (int32_t)rw_rng_below(&rng, 1000);
            model.trade[at].quantity = 1 + (uint32_t)rw_rng_below(&rng, 100);
            count = trade(&f, model.trade[at].instrument, model.trade[at].time,
                          model.trade[at].price, model.trade[at].quantity, bar);
            lost -= rw_stat_get(&f.counters.too_late) + rw_stat_get(&f.counters.ahead);
            if (lost == 0) model.count++;
        }
        check(&model, bar, count);
        told += count;
    }
    if (length_ns <= SECOND) assert_true(rw_stat_get(&f.counters.too_late) > 50);
    free(f.bars);
    return told;
}

static void every_bar_told_equals_one_added_up(void **state) {
    const char *given = getenv("RW_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : 4711;
    printf("RW_SEED=%llu\n", (unsigned long long)seed);
    assert_true(run_random(seed, SECOND) > 300);
    assert_true(run_random(seed, SECOND / 4) > 600);
    assert_true(run_random(seed, MINUTE) > 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bar_is_told_when_the_watermark_has_passed_its_end),
        cmocka_unit_test(the_bound_delays_the_close_once),
        cmocka_unit_test(a_late_trade_corrects_its_own_bar),
        cmocka_unit_test(a_window_whose_first_trade_is_late_is_told_at_once),
        cmocka_unit_test(a_clock_that_falls_changes_nothing),
        cmocka_unit_test(a_trade_too_far_ahead_is_counted),
        cmocka_unit_test(a_notional_beyond_64_bits_is_cut_and_counted),
        cmocka_unit_test(every_bar_told_equals_one_added_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
