/* Streamed equals batch, for any number of shards: random logs through risk and merge against a
 * naive calculation from scratch after every entry, compared by bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/record/result_text.h"
#include "tests/unit/risk/image_fixture.h"
#include "tests/unit/risk/naive_risk.h"
#include "tests/unit/risk/random_log.h"
#include "tests/unit/risk/risk_driver.h"
#include "tools/riskwire/report_bars.h"

#define RUNS    40u
#define ENTRIES 400u

static const uint32_t shard_counts[] = {1, 2, 4};

static void assert_same_results(const struct driver *a, const struct rw_result *results,
                                uint32_t count) {
    for (uint32_t i = 0; i < count && i < a->count; i++)
        if (memcmp(&a->results[i], &results[i], sizeof *results)) {
            const struct rw_result *x = &a->results[i], *y = &results[i];
            printf("first difference, risk then naive:\n");
            rw_result_print_csv(stdout, "risk", x);
            rw_result_print_csv(stdout, "naive", y);
            fail();
        }
    assert_int_equal(a->count, count);
}

static void results_equal_a_naive_batch_for_any_number_of_shards(void **state) {
    struct rw_rng rng;
    rw_rng_seed(&rng, seed_of_run(7020));
    struct naive *naive = malloc(sizeof *naive);
    uint64_t results = 0, limits = 0, several = 0, across = 0, corrections = 0, busts = 0,
             orders = 0, open_limits = 0;
    for (uint32_t run = 0; run < RUNS; run++) {
        struct rw_image *image = image_random(&rng, 2 + (uint32_t)rw_rng_below(&rng, 12),
                                              2 + (uint32_t)rw_rng_below(&rng, 14), 3);
        struct driver driver[3];
        for (uint32_t k = 0; k < 3; k++) driver_new(&driver[k], image, shard_counts[k], 0, 1024);
        memset(naive, 0, sizeof *naive);
        naive->image = image;
        naive->marks = rw_report_marks_new(image);
        naive->out = malloc(ENTRIES * 200 * sizeof *naive->out);
        struct random_log log = {&rng, image, 0, 0, run % 4 == 0};
        for (uint32_t i = 0; i < ENTRIES; i++) {
            struct log_entry entry = random_entry(&log);
            for (uint32_t k = 0; k < 3; k++) driver_apply(&driver[k], &entry);
            for (uint32_t k = 1; k < 3; k++)
                assert_true(rw_hash_equal(driver[0].hash, driver[k].hash));
            naive_apply(naive, &entry);
        }
        corrections += DRIVER_SUM(&driver[0], corrections);
        busts += DRIVER_SUM(&driver[0], busts);
        orders += DRIVER_SUM(&driver[0], orders);
        for (uint32_t i = 0; i < naive->count; i++)
            open_limits += naive->out[i].measure == RW_MEASURE_OPEN;
        for (uint32_t k = 0; k < 3; k++) assert_same_results(&driver[k], naive->out, naive->count);
        results += naive->count;
        for (uint32_t i = 0; i < naive->count; i++) {
            limits += naive->out[i].measure != 0;
            across += naive->out[i].across_ns != 0;
            several += naive->out[i].venues != 0;
        }
        for (uint32_t k = 0; k < 3; k++) driver_free(&driver[k]);
        rw_report_marks_free(naive->marks);
        free(naive->out);
        free(image);
    }
    free(naive);
    printf("%llu results, %llu limits; marks of several venues at %llu fills, %llu across\n",
           (unsigned long long)results, (unsigned long long)limits, (unsigned long long)several,
           (unsigned long long)across);
    assert_true(limits > 500 && several > 100 && across > 10);
    assert_true(corrections > 100 && busts > 50 && orders > 400 && open_limits > 50);
}

/* Bars stand behind SESSION open and before all else but SESSION close, in their own order. */
static void assert_bars_in_order(const struct rw_result *result, uint32_t count) {
    for (uint32_t i = 1; i < count; i++) {
        if (result[i].kind != RW_RESULT_BAR) continue;
        const struct rw_result_bar *a = (const void *)&result[i - 1], *b = (const void *)&result[i];
        assert_true(a->kind == RW_RESULT_BAR);
        assert_true(a->instrument < b->instrument ||
                    (a->instrument == b->instrument &&
                     (a->length_ns < b->length_ns ||
                      (a->length_ns == b->length_ns && a->start_ns < b->start_ns))));
        assert_int_equal(b->portfolio, 0);
    }
}

/* The bars of any number of shards are those added up from the log by other code. */
static void bars_equal_those_added_up_for_any_number_of_shards(void **state) {
    struct rw_rng rng;
    rw_rng_seed(&rng, seed_of_run(7026));
    uint64_t told = 0, late = 0, too_late = 0, corrections = 0;
    for (uint32_t run = 0; run < 12; run++) {
        struct rw_image *image = image_random(&rng, 2 + (uint32_t)rw_rng_below(&rng, 9), 8, 3);
        const struct rw_risk_cfg cfg = {
            .image = image,
            .bars = {2, 2, {500, 4000}, rw_rng_below(&rng, 400), 3000, 26000, NULL}};
        struct driver driver[3];
        for (uint32_t k = 0; k < 3; k++) driver_new_cfg(&driver[k], shard_counts[k], &cfg);
        struct rw_report_bars *check = rw_report_bars_new(&cfg.bars, image->instruments.count);
        struct random_log log = {&rng, image, 0, 0, run % 2 == 0};
        for (uint32_t i = 0; i < 1500; i++) {
            struct log_entry entry = random_entry(&log);
            if (entry.entry.type == RW_ENTRY_TICK && entry.entry.instrument != 0 &&
                rw_rng_chance(&rng, 1, 2))
                random_trade(&log, &entry, run % 3 ? 600 : 6000);
            if (i == 1499) entry = make_session(log.time, RW_SESSION_CLOSE);
            for (uint32_t k = 0; k < 3; k++) {
                uint32_t count = driver_apply(&driver[k], &entry);
                const struct rw_result *of_entry = &driver[k].results[driver[k].first_of_last];
                assert_bars_in_order(of_entry, count);
                if (i == 1499) assert_int_equal(of_entry[count - 1].kind, RW_RESULT_SESSION_CLOSE);
                assert_true(rw_hash_equal(driver[0].hash, driver[k].hash));
            }
            assert_int_equal(rw_report_bars_take(check, &entry.entry), 0);
        }
        for (uint32_t i = 0; i < driver[0].count; i++)
            if (driver[0].results[i].kind == RW_RESULT_BAR)
                assert_int_equal(rw_report_bars_told(check, &driver[0].results[i]), 0);
        const struct rw_bar_counters *counters = &driver[2].bar_counters;
        assert_int_equal(rw_stat_get(&counters->ahead), 0);
        uint64_t count;
        assert_int_equal(rw_report_bars_settle(check, &count), 0);
        assert_int_equal(count, rw_stat_get(&counters->bars));
        told += count;
        late += rw_stat_get(&counters->late);
        too_late += rw_stat_get(&counters->too_late);
        corrections += rw_stat_get(&counters->corrections);
        rw_report_bars_free(check);
        for (uint32_t k = 0; k < 3; k++) driver_free(&driver[k]);
        free(image);
    }
    printf("%llu bars, %llu corrections; trades late %llu, too late %llu\n",
           (unsigned long long)told, (unsigned long long)corrections, (unsigned long long)late,
           (unsigned long long)too_late);
    assert_true(told > 2000 && corrections > 20 && too_late > 20);
}

/* With one channel an instrument, and with one channel in all, keeping quotes by venue changes
 * nothing. */
static void one_channel_gives_the_same_bytes_with_and_without_venues(void **state) {
    struct rw_rng rng;
    rw_rng_seed(&rng, seed_of_run(7025));
    for (uint32_t run = 0; run < 20; run++) {
        struct rw_image *image = image_random(&rng, 9, 8, 3);
        struct driver plain, venues;
        driver_new_of(&plain, image, 1, 0, 1024, 1);
        driver_new_of(&venues, image, 2, 0, 1024, 4);
        struct random_log log = {&rng, image, 0, 0, true};
        for (uint32_t i = 0; i < 500; i++) {
            struct log_entry entry = random_entry(&log);
            driver_apply(&plain, &entry);
            driver_apply(&venues, &entry);
            assert_true(rw_hash_equal(plain.hash, venues.hash));
        }
        assert_true(plain.count > 500);
        driver_free(&plain);
        driver_free(&venues);
        free(image);
    }
}

/* The hash by its definition: over all records, with an end for every input. */
static void the_running_hash_is_defined_for_every_input(void **state) {
    struct rw_rng rng;
    rw_rng_seed(&rng, seed_of_run(7021));
    struct rw_image *image = image_random(&rng, 5, 7, 3);
    struct driver driver;
    driver_new(&driver, image, 2, 0, 1024);
    struct random_log log = {&rng, image, 0, 0, false};
    struct rw_hash want = {0, 0};
    uint32_t empty = 0;
    for (uint64_t n = 1; n <= 600; n++) {
        struct log_entry entry = random_entry(&log);
        uint32_t count = driver_apply(&driver, &entry);
        for (uint32_t i = 0; i < count; i++)
            want = rw_hash_chain(want, &driver.results[driver.first_of_last + i], RW_RESULT_BYTES);
        want = rw_hash_chain_end(want, n, count);
        assert_true(rw_hash_equal(driver.hash, want));
        empty += count == 0;
    }
    assert_true(empty > 0);
    driver_free(&driver);
    free(image);
}

static void end_markers_follow_inputs_with_results_and_every_1024th(void **state) {
    struct rw_rng rng;
    rw_rng_seed(&rng, 1);
    struct rw_image *image = image_random(&rng, 2, 2, 1);
    struct rw_merge_counters counters = {0};
    struct rw_merge_cfg cfg = {image, &counters};
    struct rw_merge *merge = rw_merge_new(aligned_zeroed(rw_merge_footprint(&cfg)), &cfg);
    struct rw_hash hash;
    for (uint64_t n = 1; n <= 2100; n++) {
        struct rw_result_end end = {0};
        struct rw_result record = {.input_sequence = n, .kind = RW_RESULT_SESSION_OPEN}, numbered;
        bool emits = n % 700 == 0;
        if (emits) assert_true(rw_merge_take(merge, &record, &numbered));
        assert_false(rw_merge_total(merge, &numbered));
        assert_int_equal(rw_merge_end(merge, &end, &hash), emits || n % 1024 == 0);
        if (end.kind == 0) continue;
        assert_int_equal(end.kind, RW_RESULT_END);
        assert_int_equal(end.input_sequence, n);
        assert_int_equal(end.count, emits);
        assert_int_equal(end.last_result, n / 700);
        assert_int_equal(end.rh_low, hash.low);
        assert_int_equal(end.rh_high, hash.high);
    }
    assert_int_equal(rw_stat_get(&counters.ends), 5);
    free(merge);
    free(image);
}

/* Fills of different instruments, in any order between the same ticks, end in the same state. */
static void the_order_of_fills_in_different_instruments_does_not_matter(void **state) {
    struct rw_rng rng;
    rw_rng_seed(&rng, seed_of_run(7022));
    for (uint32_t run = 0; run < 50; run++) {
        struct rw_image *image = image_random(&rng, 6, 5, 2);
        struct driver driver[2];
        struct log_entry fill[6];
        for (uint32_t i = 0; i < 6; i++)
            fill[i] = make_fill(1, i + 1, 1 + (uint32_t)rw_rng_below(&rng, 5), i + 1,
                                1 + (int64_t)rw_rng_below(&rng, 500), 1000000,
                                (int64_t)rw_rng_below(&rng, 9));
        for (uint32_t k = 0; k < 2; k++) {
            driver_new(&driver[k], image, 1 + k, 0, 64);
            for (uint32_t i = 6; i > 1 && k == 1; i--) {
                uint32_t j = (uint32_t)rw_rng_below(&rng, i);
                struct log_entry swap = fill[i - 1];
                fill[i - 1] = fill[j];
                fill[j] = swap;
            }
            for (uint32_t i = 0; i < 6; i++) driver_apply(&driver[k], &fill[i]);
        }
        for (uint32_t p = 1; p <= 5; p++) {
            struct rw_risk_view a, b;
            memset(&a, 0, sizeof a);
            memset(&b, 0, sizeof b);
            assert_true(rw_risk_view_portfolio(driver[0].risk[0], p, &a));
            assert_true(rw_risk_view_portfolio(driver[1].risk[0], p, &b) ||
                        rw_risk_view_portfolio(driver[1].risk[1], p, &b));
            assert_int_equal(a.realised_pnl, b.realised_pnl);
            assert_int_equal(a.unrealised_pnl, b.unrealised_pnl);
            assert_int_equal(a.gross, b.gross);
            assert_int_equal(a.net, b.net);
            assert_int_equal(a.quality, b.quality);
        }
        for (uint32_t k = 0; k < 2; k++) driver_free(&driver[k]);
        free(image);
    }
}

/* A fill in two parts: the same portfolio records at the end, whatever happens between fills. */
static void a_split_fill_ends_in_the_same_totals(void **state) {
    struct rw_rng rng;
    rw_rng_seed(&rng, seed_of_run(7023));
    struct rw_image *image = image_random(&rng, 6, 8, 3);
    struct driver whole, split;
    driver_new(&whole, image, 1, 0, 8192);
    driver_new(&split, image, 4, 0, 8192);
    struct random_log log = {.rng = &rng, .image = image, .only_new = true};
    uint64_t newest_id = 0;
    for (uint32_t i = 0; i < 2000; i++) {
        struct log_entry entry = random_entry(&log);
        driver_apply(&whole, &entry);
        struct rw_fill_body body;
        memcpy(&body, (uint8_t *)&entry + offsetof(struct rw_entry, body), sizeof body);
        if (entry.entry.type == RW_ENTRY_FILL) {
            int64_t quantity = body.side == RW_SIDE_BUY ? body.quantity : -body.quantity;
            int64_t part = quantity / (1 + (int64_t)rw_rng_below(&rng, 3));
            /* a repeated id stays whole: it is ignored on both sides */
            if (part == 0 || body.exec_id <= newest_id) part = quantity;
            if (body.exec_id > newest_id) newest_id = body.exec_id;
            entry = make_fill(log.time, 2 * body.exec_id, body.portfolio, entry.entry.instrument,
                              part, body.price, body.fee);
            if (part != quantity) {
                driver_apply(&split, &entry);
                entry = make_fill(log.time, 2 * body.exec_id + 1, body.portfolio,
                                  entry.entry.instrument, quantity - part, body.price, 0);
            }
        }
        driver_apply(&split, &entry);
    }
    for (uint32_t p = 1; p <= 8; p++) {
        struct rw_risk_view a, b;
        assert_true(rw_risk_view_portfolio(whole.risk[0], p, &a));
        bool found = false;
        for (uint32_t k = 0; k < 4 && !found; k++)
            found = rw_risk_view_portfolio(split.risk[k], p, &b);
        assert_true(found);
        assert_int_equal(a.realised_pnl, b.realised_pnl);
        assert_int_equal(a.unrealised_pnl, b.unrealised_pnl);
        assert_int_equal(a.gross, b.gross);
        assert_int_equal(a.net, b.net);
    }
    driver_free(&whole);
    driver_free(&split);
    free(image);
}

/* Entries whose bodies are noise, with indices and sizes near their limits: nothing overflows (a
 * sanitizer build sees it), totals keep their bounds, and shards agree. */
static void noise_of(uint64_t seed) {
    static const int64_t edges[] = {1,
                                    RW_UNITS_MAX,
                                    RW_UNITS_MAX - 1,
                                    2 * RW_UNITS_MAX,
                                    RW_PRICE_MAX,
                                    RW_MONEY_MAX - 1,
                                    -(RW_MONEY_MAX - 1),
                                    INT64_MAX,
                                    INT64_MIN,
                                    0};
    const uint32_t edge_count = sizeof edges / sizeof edges[0];
    struct rw_rng rng;
    rw_rng_seed(&rng, seed);
    struct rw_image *image = image_random(&rng, 4, 6, 2);
    struct driver one, four;
    driver_new(&one, image, 1, 0, 0);
    driver_new(&four, image, 4, 0, 0);
    for (uint32_t i = 0; i < 40000; i++) {
        struct log_entry log = {.entry = {.type = (uint8_t)rw_rng_below(&rng, 10)}};
        log.entry.event_time_ns = rw_rng_next(&rng) >> rw_rng_below(&rng, 64);
        log.entry.slots = log.entry.type == RW_ENTRY_FILL ? 2 : 1;
        log.entry.instrument = (uint32_t)rw_rng_below(&rng, 6);
        uint8_t *body = (uint8_t *)&log + offsetof(struct rw_entry, body);
        for (uint32_t k = 0; k < 40; k++) body[k] = (uint8_t)(rw_rng_next(&rng) >> 56);
        if (log.entry.type == RW_ENTRY_FILL) {
            struct rw_fill_body fill = {.exec_id = i,
                                        .portfolio = (uint32_t)rw_rng_below(&rng, 8),
                                        .side = rw_rng_chance(&rng, 1, 2) ? 'B' : 'S',
                                        .kind = RW_FILL_NEW,
                                        .reference = rw_rng_below(&rng, i + 1),
                                        .quantity = edges[rw_rng_below(&rng, edge_count)],
                                        .price = edges[rw_rng_below(&rng, edge_count)],
                                        .fee = edges[rw_rng_below(&rng, edge_count)]};
            if (rw_rng_chance(&rng, 1, 2)) fill.fee = 0;
            if (rw_rng_chance(&rng, 1, 3)) fill.kind = (uint8_t)rw_rng_below(&rng, 5);
            memcpy(body, &fill, sizeof fill);
        }
        if (log.entry.type == RW_ENTRY_ORDER) {
            struct rw_order_body order = {.order_id = rw_rng_below(&rng, 40),
                                          .portfolio = (uint32_t)rw_rng_below(&rng, 8),
                                          .side = rw_rng_chance(&rng, 1, 2) ? 'B' : 'S',
                                          .kind = (uint8_t)rw_rng_below(&rng, 7),
                                          .quantity = edges[rw_rng_below(&rng, edge_count)],
                                          .price = edges[rw_rng_below(&rng, edge_count)]};
            memcpy(body, &order, sizeof order);
        }
        uint32_t count = driver_apply(&one, &log);
        driver_apply(&four, &log);
        for (uint32_t k = 0; k < count; k++) {
            const struct rw_result *result = &one.results[one.first_of_last + k];
            if (result->kind != RW_RESULT_PORTFOLIO) continue;
            assert_true(result->gross >= 0 && result->gross < RW_MONEY_MAX);
            assert_true(rw_magnitude(result->net) <= result->gross);
            assert_true(rw_money_fits(result->realised_pnl) &&
                        rw_money_fits(result->unrealised_pnl));
        }
        one.count = four.count = 0; /* the hash remembers them */
        assert_true(rw_hash_equal(one.hash, four.hash));
    }
    assert_true(DRIVER_SUM(&one, fills) > 30);
    assert_true(DRIVER_SUM(&one, fill_over_bounds) > 100);
    driver_free(&one);
    driver_free(&four);
    free(image);
}

/* The changes of a desk's portfolios at one tick need not fit 64 bits, though each one's does:
 * their sum is the same for any number of shards. */
static void totals_of_a_desk_near_the_bound_do_not_depend_on_shards(void **state) {
    struct rw_instrument_row instrument = {.start_price = 1};
    struct rw_portfolio_row portfolio[4] = {{.account = 1, .desk = 1},
                                            {.account = 2, .desk = 1},
                                            {.account = 3, .desk = 1},
                                            {.account = 4, .desk = 1}};
    struct image_tables tables = {&instrument, 1, portfolio, 4, 1, NULL, 0, NULL, 0};
    struct rw_image *image = image_make(&tables);
    struct driver one, four;
    driver_new(&one, image, 1, 0, 0);
    driver_new(&four, image, 4, 0, 0);
    for (uint32_t i = 0; i < 6; i++) {
        int32_t price = i == 4 ? INT32_MAX : 1;
        struct log_entry log = i < 4 ? make_fill(1, i + 1, i + 1, 1, RW_UNITS_MAX, 1, 0)
                                     : make_tick(2, 1, RW_TICK_BBO, price, price, 0);
        driver_apply(&one, &log);
        driver_apply(&four, &log);
        assert_true(rw_hash_equal(one.hash, four.hash));
        if (i != 4) continue;
        assert_int_equal(one.results[one.count - 1].kind, RW_RESULT_FIRM);
        assert_int_equal(one.results[one.count - 1].gross, INT64_MAX - 1);
        assert_true(rw_stat_get(&one.merge_counters.clamped) > 0);
    }
    assert_int_equal(one.results[one.count - 1].gross, 4 * RW_UNITS_MAX);
    driver_free(&one);
    driver_free(&four);
    free(image);
}

static void noise_keeps_every_bound(void **state) {
    noise_of(3); /* found the above */
    noise_of(seed_of_run(7024));
}

/* Corrections and busts of a day's fills, in any order and however often changed again, end in what
 * the survivors give alone, and so do the records that follow. */
static void corrections_in_any_order_leave_what_the_survivors_give(void **state) {
    struct rw_rng rng;
    rw_rng_seed(&rng, seed_of_run(7026));
    enum { FILLS = 40 };
    for (uint32_t run = 0; run < 200; run++) {
        struct rw_image *image = image_random(&rng, 3, 4, 2);
        struct log_entry fill[FILLS], last[FILLS];
        struct driver corrected, survivors;
        uint64_t id = FILLS;
        driver_new(&corrected, image, 2, 0, 1024);
        driver_new(&survivors, image, 1, 0, 1024);
        for (uint32_t i = 0; i < FILLS; i++) {
            int64_t quantity = 1 + (int64_t)rw_rng_below(&rng, 30);
            if (rw_rng_chance(&rng, 1, 2)) quantity = -quantity;
            fill[i] = last[i] = make_fill(1, i + 1, 1 + (uint32_t)rw_rng_below(&rng, 4),
                                          1 + (uint32_t)rw_rng_below(&rng, 3), quantity,
                                          1000000 + (int64_t)rw_rng_below(&rng, 90), 3);
            driver_apply(&corrected, &fill[i]);
        }
        for (uint32_t i = 0; i < FILLS; i++) {
            struct rw_fill_body was;
            uint32_t k = (uint32_t)rw_rng_below(&rng, FILLS);
            memcpy(&was, (uint8_t *)&last[k] + offsetof(struct rw_entry, body), sizeof was);
            if (was.quantity == 0) continue;
            struct log_entry change = make_fill(1, ++id, was.portfolio, last[k].entry.instrument,
                                                1 + (int64_t)rw_rng_below(&rng, 50),
                                                1000000 + (int64_t)rw_rng_below(&rng, 90), 5);
            fill_as(&change, rw_rng_chance(&rng, 1, 3) ? RW_FILL_BUST : RW_FILL_CORRECT,
                    rw_rng_chance(&rng, 1, 2) ? k + 1 : was.exec_id);
            last[k] = change;
            driver_apply(&corrected, &change);
            driver_apply(&corrected, &change); /* a second time it is a duplicate */
        }
        for (uint32_t i = 0; i < FILLS; i++) {
            struct rw_fill_body body;
            memcpy(&body, (uint8_t *)&last[i] + offsetof(struct rw_entry, body), sizeof body);
            if (body.quantity == 0) continue;
            int64_t quantity = body.side == RW_SIDE_BUY ? body.quantity : -body.quantity;
            struct log_entry as = make_fill(1, i + 1, body.portfolio, last[i].entry.instrument,
                                            quantity, body.price, body.fee);
            driver_apply(&survivors, &as);
        }
        for (uint32_t p = 1; p <= 4; p++)
            for (uint32_t i = 0; i <= 3; i++) {
                struct rw_risk_view a = {0}, b = {0};
                for (uint32_t k = 0; k < 2; k++)
                    if (i == 0)
                        rw_risk_view_portfolio(corrected.risk[k], p, &a);
                    else
                        rw_risk_view_position(corrected.risk[k], p, i, &a);
                if (i == 0)
                    rw_risk_view_portfolio(survivors.risk[0], p, &b);
                else
                    rw_risk_view_position(survivors.risk[0], p, i, &b);
                assert_int_equal(a.quantity, b.quantity);
                assert_int_equal(a.realised_pnl, b.realised_pnl);
                assert_int_equal(a.unrealised_pnl, b.unrealised_pnl);
                assert_int_equal(a.gross, b.gross);
                assert_int_equal(a.net, b.net);
                if (i == 0) assert_int_equal(a.quality, b.quality); /* else: is there a pair? */
            }
        assert_int_equal(DRIVER_SUM(&corrected, correction_unknown), 0);
        assert_true(DRIVER_SUM(&corrected, busts) > 0);
        driver_free(&corrected);
        driver_free(&survivors);
        free(image);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_equal_a_naive_batch_for_any_number_of_shards),
        cmocka_unit_test(bars_equal_those_added_up_for_any_number_of_shards),
        cmocka_unit_test(one_channel_gives_the_same_bytes_with_and_without_venues),
        cmocka_unit_test(the_running_hash_is_defined_for_every_input),
        cmocka_unit_test(end_markers_follow_inputs_with_results_and_every_1024th),
        cmocka_unit_test(the_order_of_fills_in_different_instruments_does_not_matter),
        cmocka_unit_test(a_split_fill_ends_in_the_same_totals),
        cmocka_unit_test(totals_of_a_desk_near_the_bound_do_not_depend_on_shards),
        cmocka_unit_test(noise_keeps_every_bound),
        cmocka_unit_test(corrections_in_any_order_leave_what_the_survivors_give),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
