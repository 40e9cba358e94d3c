/* VaR and ES in the running shard: equal to a recomputation from the positions, no limit passed
 * unseen, the same for any number of shards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/base/fixed.h"
#include "dataplane/base/shift.h"
#include "tests/unit/risk/image_fixture.h"
#include "tests/unit/risk/random_log.h"

#define SCENARIOS 150u /* ranks 2 and 4 */
#define RUNS      12u
#define ENTRIES   600u

/* with_returns gives an image a history, and turns its portfolios' net and loss limits into limits
 * of VaR and ES that are often crossed. */
static struct rw_image *with_returns(struct rw_image *image, struct rw_rng *rng) {
    uint32_t count = image->instruments.count, padded = RW_IMAGE_PADDED(SCENARIOS);
    uint64_t at = (image->bytes + 63) & ~63ull,
             bytes = at + (uint64_t)count * padded * sizeof(int32_t);
    struct rw_image *grown = aligned_alloc(64, (bytes + 63) & ~63ull);
    RW_ASSERT(grown);
    memset(grown, 0, bytes);
    memcpy(grown, image, image->bytes);
    free(image);
    grown->scenarios = SCENARIOS;
    grown->returns = (struct rw_image_table){at, count, padded * (uint32_t)sizeof(int32_t)};
    grown->bytes = bytes;
    struct rw_instrument_row *rows = (void *)((uint8_t *)grown + grown->instruments.offset);
    int32_t *returns = (void *)((uint8_t *)grown + at);
    for (uint32_t i = 1; i < count; i++) {
        if (rw_rng_chance(rng, 1, 6)) continue; /* without a history */
        rows[i].history = 1;
        rows[i].shift = rw_rng_chance(rng, 1, 5) ? RW_SHIFT_ABSOLUTE : RW_SHIFT_RELATIVE;
        int32_t most = rows[i].shift == RW_SHIFT_ABSOLUTE ? 30000 : 30000000; /* 3.0, or 3 % */
        for (uint32_t s = 0; s < SCENARIOS; s++)
            returns[i * padded + s] = (int32_t)rw_rng_below(rng, 2 * (uint64_t)most + 1) - most;
    }
    struct rw_limit_row *limits = (void *)((uint8_t *)grown + grown->limits.offset);
    for (uint32_t i = 0; i < grown->limits.count; i++) {
        if (limits[i].scope != RW_SCOPE_PORTFOLIO || limits[i].measure == RW_MEASURE_GROSS)
            continue;
        limits[i].measure = limits[i].measure == RW_MEASURE_NET ? RW_MEASURE_VAR : RW_MEASURE_ES;
        limits[i].soft = 1 + (int64_t)rw_rng_below(rng, 12000000);
        limits[i].hard = limits[i].soft + (int64_t)rw_rng_below(rng, 8000000);
    }
    return grown;
}

static struct log_entry make_refresh(uint64_t time, uint32_t first, uint32_t count) {
    struct log_entry log = make_plain(time, RW_ENTRY_REFRESH);
    struct rw_refresh_body body = {.first = first, .count = count, .round = 1};
    memcpy(log.entry.body, &body, sizeof body);
    return log;
}

static int ascending(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

/* By definition: Σ units · round(P · r) over what the portfolio holds now, sorted. */
static void recompute(const struct driver *driver, const struct rw_image *image, uint32_t portfolio,
                      struct rw_result_risk *to) {
    const struct rw_instrument_row *rows = rw_image_rows(image, &image->instruments);
    const int32_t *returns = rw_image_rows(image, &image->returns);
    int64_t vector[SCENARIOS] = {0};
    for (uint32_t i = 1; i < image->instruments.count; i++) {
        struct rw_risk_view view = {0};
        for (uint32_t k = 0; k < driver->shards; k++)
            if (rw_risk_view_position(driver->risk[k], portfolio, i, &view)) break;
        for (uint32_t s = 0; s < SCENARIOS; s++) {
            int64_t r = returns[i * RW_IMAGE_PADDED(SCENARIOS) + s];
            /* exact: half to even of P·r/10^9; products of doubles differ from it only in ties */
            int64_t shift = rows[i].shift == RW_SHIFT_ABSOLUTE
                                ? r
                                : rw_fixed_div_he((__int128)view.mark * r, RW_SHIFT_UNIT);
            vector[s] += view.quantity * rows[i].multiplier * shift;
        }
    }
    qsort(vector, SCENARIOS, sizeof *vector, ascending);
    to->var = -vector[1];
    to->es = rw_fixed_div_he(-((__int128)vector[0] + vector[1] + vector[2] + vector[3]), 4);
    to->worst_loss = -vector[0];
}

static uint8_t state_of(const struct rw_image *image, uint32_t portfolio, uint8_t measure,
                        int64_t value) {
    const struct rw_limit_row *limits = rw_image_rows(image, &image->limits);
    uint8_t state = RW_LIMIT_OK;
    for (uint32_t i = 0; i < image->limits.count; i++) {
        if (limits[i].scope != RW_SCOPE_PORTFOLIO || limits[i].owner != portfolio ||
            limits[i].measure != measure)
            continue;
        uint8_t one = value >= limits[i].hard   ? RW_LIMIT_HARD
                      : value >= limits[i].soft ? RW_LIMIT_SOFT
                                                : RW_LIMIT_OK;
        if (one > state) state = one;
    }
    return state;
}

struct seen {
    uint8_t state[2]; /* as last told by a record */
    uint64_t risks, limits, ups;
};

/* take_records reads what the last entry made; each RISK record equals a recomputation. */
static void take_records(const struct driver *driver, const struct rw_image *image,
                         struct seen *seen) {
    for (uint32_t i = driver->first_of_last; i < driver->count; i++) {
        const struct rw_result *record = &driver->results[i];
        struct seen *of = &seen[record->portfolio];
        if (record->kind == RW_RESULT_LIMIT && record->measure >= RW_MEASURE_VAR) {
            of->limits++;
            of->ups += record->limit_state > of->state[record->measure - RW_MEASURE_VAR];
            of->state[record->measure - RW_MEASURE_VAR] = record->limit_state;
        }
        if (record->kind != RW_RESULT_RISK) continue;
        const struct rw_result_risk *risk = (const struct rw_result_risk *)record;
        struct rw_result_risk wanted;
        recompute(driver, image, record->portfolio, &wanted);
        assert_int_equal(risk->template_id, RW_RESULT_TEMPLATE_RISK);
        assert_true(risk->var == wanted.var && risk->es == wanted.es);
        assert_true(risk->worst_loss == wanted.worst_loss);
        of->risks++;
    }
}

static struct log_entry next_entry(struct random_log *log, const struct rw_image *image) {
    if (log->time == 0 || rw_rng_chance(log->rng, 9, 10)) return random_entry(log);
    uint32_t first = 1 + (uint32_t)rw_rng_below(log->rng, image->portfolios.count - 1);
    return make_refresh(log->time, first, 1 + (uint32_t)rw_rng_below(log->rng, 8));
}

/* The certificate: recomputed at every entry, no state is ever above what was told. */
static void no_limit_of_var_or_es_is_passed_unseen(void **state) {
    struct rw_rng rng;
    rw_rng_seed(&rng, seed_of_run(7030));
    uint64_t risks = 0, limits = 0, ups = 0, forced = 0, refreshes = 0;
    for (uint32_t run = 0; run < RUNS; run++) {
        struct rw_image *image = with_returns(image_random(&rng, 8, 9, 3), &rng);
        struct driver driver;
        struct seen seen[16] = {0};
        driver_new(&driver, image, 2, 0, 1024);
        struct random_log log = {&rng, image, 0, 0};
        for (uint32_t i = 0; i < ENTRIES; i++) {
            struct log_entry entry = next_entry(&log, image);
            driver_apply(&driver, &entry);
            take_records(&driver, image, seen);
            for (uint32_t p = 1; p < image->portfolios.count; p++) {
                struct rw_result_risk exact;
                recompute(&driver, image, p, &exact);
                assert_true(state_of(image, p, RW_MEASURE_VAR, exact.var) <= seen[p].state[0]);
                assert_true(state_of(image, p, RW_MEASURE_ES, exact.es) <= seen[p].state[1]);
            }
        }
        for (uint32_t p = 1; p < image->portfolios.count; p++) {
            risks += seen[p].risks;
            limits += seen[p].limits;
            ups += seen[p].ups;
        }
        for (uint32_t k = 0; k < 2; k++) {
            forced += rw_stat_get(&driver.var_counters[k].forced);
            refreshes += rw_stat_get(&driver.var_counters[k].refreshes);
        }
        driver_free(&driver);
        free(image);
    }
    printf("%llu refreshes, %llu forced, %llu records, %llu limit changes, %llu upwards\n",
           (unsigned long long)refreshes, (unsigned long long)forced, (unsigned long long)risks,
           (unsigned long long)limits, (unsigned long long)ups);
    assert_true(risks > 500 && ups > 100 && forced > 100);
}

static void any_number_of_shards_gives_the_same_bytes(void **state) {
    static const uint32_t shards[3] = {1, 2, 4};
    struct rw_rng rng;
    rw_rng_seed(&rng, seed_of_run(7031));
    for (uint32_t run = 0; run < RUNS; run++) {
        struct rw_image *image = with_returns(image_random(&rng, 12, 14, 4), &rng);
        struct driver driver[3];
        for (uint32_t k = 0; k < 3; k++) driver_new(&driver[k], image, shards[k], 0, 1024);
        struct random_log log = {&rng, image, 0, 0};
        for (uint32_t i = 0; i < ENTRIES; i++) {
            struct log_entry entry = next_entry(&log, image);
            for (uint32_t k = 0; k < 3; k++) driver_apply(&driver[k], &entry);
            assert_true(rw_hash_equal(driver[0].hash, driver[1].hash));
            assert_true(rw_hash_equal(driver[0].hash, driver[2].hash));
        }
        for (uint32_t k = 0; k < 3; k++) driver_free(&driver[k]);
        free(image);
    }
}

static void a_session_opens_with_the_risk_of_every_portfolio(void **state) {
    struct rw_rng rng;
    rw_rng_seed(&rng, seed_of_run(7032));
    struct rw_image *image = with_returns(image_random(&rng, 8, 9, 3), &rng);
    struct driver driver;
    struct seen seen[16] = {0};
    driver_new(&driver, image, 1, 0, 1024);
    struct log_entry open = make_session(1, RW_SESSION_OPEN);
    driver_apply(&driver, &open);
    take_records(&driver, image, seen);
    for (uint32_t p = 1; p < image->portfolios.count; p++) assert_int_equal(seen[p].risks, 1);
    /* nothing has moved: a refresh has nothing to say */
    struct log_entry refresh = make_refresh(2, 1, UINT32_MAX);
    assert_int_equal(driver_apply(&driver, &refresh), 0);
    refresh = make_refresh(2, UINT32_MAX, UINT32_MAX);
    assert_int_equal(driver_apply(&driver, &refresh), 0);
    driver_free(&driver);
    free(image);
}

static void without_returns_there_is_no_risk_record(void **state) {
    struct rw_rng rng;
    rw_rng_seed(&rng, seed_of_run(7033));
    struct rw_image *image = image_random(&rng, 8, 9, 3);
    struct driver driver;
    driver_new(&driver, image, 1, 0, 1024);
    struct log_entry open = make_session(1, RW_SESSION_OPEN), refresh = make_refresh(2, 1, 100);
    driver_apply(&driver, &open);
    assert_int_equal(driver_apply(&driver, &refresh), 0);
    for (uint32_t i = 0; i < driver.count; i++)
        assert_int_not_equal(driver.results[i].kind, RW_RESULT_RISK);
    driver_free(&driver);
    free(image);
}

static void shifts_are_compiled_to_their_units(void **state) {
    int32_t compiled = 0;
    assert_true(rw_shift_compile(RW_SHIFT_RELATIVE, -12345678, &compiled));
    assert_int_equal(compiled, -12345678);
    assert_false(rw_shift_compile(RW_SHIFT_RELATIVE, 1000000001, &compiled));
    assert_true(rw_shift_compile(RW_SHIFT_ABSOLUTE, 1500000000, &compiled));
    assert_int_equal(compiled, 15000);
    assert_false(rw_shift_compile(RW_SHIFT_ABSOLUTE, 214749ll * 1000000000, &compiled));
    assert_true(rw_shift_compile(RW_SHIFT_LOG, 100000000, &compiled));
    assert_int_equal(compiled, 105170918); /* e^0.1 − 1 = 0.10517091807… */
    assert_true(rw_shift_compile(RW_SHIFT_LOG, -10000000000, &compiled));
    assert_int_equal(compiled, -999954600);
    assert_false(rw_shift_compile(RW_SHIFT_LOG, 700000000, &compiled));
    assert_int_equal(rw_shift_price(RW_SHIFT_ABSOLUTE, 7), RW_SHIFT_UNIT);
    assert_int_equal(rw_shift_price(RW_SHIFT_LOG, 7), 7);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_limit_of_var_or_es_is_passed_unseen),
        cmocka_unit_test(any_number_of_shards_gives_the_same_bytes),
        cmocka_unit_test(a_session_opens_with_the_risk_of_every_portfolio),
        cmocka_unit_test(without_returns_there_is_no_risk_record),
        cmocka_unit_test(shifts_are_compiled_to_their_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
