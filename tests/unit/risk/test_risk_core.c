/* One shard and merge, entry by entry: what each input makes, and what is rejected. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/base/err.h"
#include "tests/unit/risk/image_fixture.h"
#include "tests/unit/risk/risk_driver.h"

/* Two instruments; three portfolios on two desks: 1, 2 on desk 1 (accounts 1, 2), 3 on desk 2. */
static const struct rw_instrument_row instruments[] = {
    {.multiplier = 1, .start_price = 1000000, .channel = 1, .stale_after_ns = 1000},
    {.multiplier = 10, .start_price = 500000, .channel = 2},
};
static const struct rw_portfolio_row portfolios[] = {
    {.account = 1, .desk = 1}, {.account = 2, .desk = 1}, {.account = 3, .desk = 2}};
static const struct rw_position_row positions[] = {
    {1, 1, 100, 1000000}, {1, 3, -50, 1010000}, {2, 1, 5, 480000}};
static const struct rw_limit_row limits[] = {
    {RW_SCOPE_PORTFOLIO, RW_MEASURE_GROSS, 0, 3, 51000000, 52000000},
    {RW_SCOPE_PORTFOLIO, RW_MEASURE_LOSS, 0, 3, 400000, 900000},
    {RW_SCOPE_DESK, RW_MEASURE_NET, 0, 2, 52000000, 53000000},
    {RW_SCOPE_FIRM, RW_MEASURE_GROSS, 0, 0, 178000000, 900000000},
};

static struct rw_image *fixed_image(void) {
    struct image_tables tables = {instruments, 2, portfolios, 3, 2, positions, 3, limits, 4};
    return image_make(&tables);
}

struct fixture {
    struct rw_image *image;
    struct driver driver;
};

static void setup(struct fixture *fixture, uint32_t shards) {
    fixture->image = fixed_image();
    driver_new(&fixture->driver, fixture->image, shards, 0, 64);
}

static void teardown(struct fixture *fixture) {
    driver_free(&fixture->driver);
    free(fixture->image);
}

static uint32_t apply(struct fixture *fixture, struct log_entry entry) {
    return driver_apply(&fixture->driver, &entry);
}

static const struct rw_result *result(const struct fixture *fixture, uint32_t i) {
    assert_true(fixture->driver.first_of_last + i < fixture->driver.count);
    return &fixture->driver.results[fixture->driver.first_of_last + i];
}

static void assert_kinds(const struct fixture *fixture, uint32_t count, const uint8_t *kinds,
                         const uint32_t *rows) {
    assert_int_equal(fixture->driver.count - fixture->driver.first_of_last, count);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(result(fixture, i)->kind, kinds[i]);
        assert_int_equal(result(fixture, i)->portfolio, rows[i]);
        assert_int_equal(result(fixture, i)->result_sequence,
                         fixture->driver.first_of_last + i + 1);
    }
}

static void session_open_publishes_the_start_of_day(void **state) {
    struct fixture f;
    setup(&f, 1);
    apply(&f, make_session(5, RW_SESSION_OPEN));
    /* portfolio 3: gross 50·100 = 5,000.0000 is below its limit; loss −50·(100−101) = +50 */
    const uint8_t kinds[] = {RW_RESULT_SESSION_OPEN, RW_RESULT_PORTFOLIO, RW_RESULT_PORTFOLIO,
                             RW_RESULT_DESK,         RW_RESULT_DESK,      RW_RESULT_FIRM};
    const uint32_t rows[] = {0, 1, 3, 1, 2, 0};
    assert_kinds(&f, 6, kinds, rows);
    assert_int_equal(result(&f, 1)->gross, 100ll * 1000000 + 50ll * 500000);
    assert_int_equal(result(&f, 1)->unrealised_pnl, 50ll * 20000);
    assert_int_equal(result(&f, 1)->quality, RW_QUALITY_NO_MARK | RW_QUALITY_ONE_SIDED);
    assert_int_equal(result(&f, 2)->net, -50000000);
    assert_int_equal(result(&f, 2)->unrealised_pnl, 500000);
    assert_int_equal(result(&f, 5)->gross, 175000000);
    assert_int_equal(result(&f, 5)->net, 75000000);
    teardown(&f);
}

static void a_tick_moves_its_holders_and_says_which_limits_changed(void **state) {
    struct fixture f;
    setup(&f, 2);
    apply(&f, make_session(5, RW_SESSION_OPEN));
    struct log_entry tick = make_tick(10, 1, RW_TICK_BBO, 1029900, 1030100, 0);
    tick_set(&tick, 1, 0, 3);
    apply(&f, tick);
    /* portfolio 3 at 103.0000: gross 5,150 ≥ soft 5,100; loss 50·(103−101) ≥ soft and hard */
    const uint8_t kinds[] = {RW_RESULT_PORTFOLIO, RW_RESULT_PORTFOLIO, RW_RESULT_LIMIT,
                             RW_RESULT_LIMIT,     RW_RESULT_DESK,      RW_RESULT_DESK,
                             RW_RESULT_FIRM,      RW_RESULT_FIRM_LIMIT};
    const uint32_t rows[] = {1, 3, 3, 3, 1, 2, 0, 0};
    assert_kinds(&f, 8, kinds, rows);
    assert_int_equal(result(&f, 0)->unrealised_pnl, 1000000 + 100 * 30000);
    assert_int_equal(result(&f, 0)->conflated, 3);
    assert_int_equal(result(&f, 1)->unrealised_pnl, -1000000);
    assert_int_equal(result(&f, 1)->limit_state, RW_LIMIT_HARD);
    assert_int_equal(result(&f, 2)->measure, RW_MEASURE_GROSS);
    assert_int_equal(result(&f, 2)->limit_state, RW_LIMIT_SOFT);
    assert_int_equal(result(&f, 3)->measure, RW_MEASURE_LOSS);
    assert_int_equal(result(&f, 3)->limit_state, RW_LIMIT_HARD);
    assert_int_equal(result(&f, 7)->limit_state, RW_LIMIT_SOFT);
    assert_int_equal(result(&f, 7)->conflated, 3);
    /* the same state again says nothing */
    tick = make_tick(11, 1, RW_TICK_BBO, 1029800, 1030200, 0);
    tick_set(&tick, 1, 0, 0);
    assert_int_equal(apply(&f, tick), 0);
    /* back below: no hysteresis */
    tick = make_tick(12, 1, RW_TICK_BBO, 1009900, 1010100, 0);
    tick_set(&tick, 1, 0, 0);
    apply(&f, tick);
    assert_int_equal(result(&f, 2)->kind, RW_RESULT_LIMIT);
    assert_int_equal(result(&f, 2)->limit_state, RW_LIMIT_OK);
    teardown(&f);
}

static void a_fill_also_emits_its_position(void **state) {
    struct fixture f;
    setup(&f, 1);
    apply(&f, make_session(5, RW_SESSION_OPEN));
    apply(&f, make_fill(20, 1, 1, 1, -40, 1020000, 700));
    const uint8_t kinds[] = {RW_RESULT_PORTFOLIO, RW_RESULT_POSITION, RW_RESULT_DESK,
                             RW_RESULT_FIRM};
    const uint32_t rows[] = {1, 1, 1, 0};
    assert_kinds(&f, 4, kinds, rows);
    const struct rw_result *position = result(&f, 1);
    assert_int_equal(position->instrument, 1);
    assert_int_equal(position->position, 60);
    assert_int_equal(position->mark, 1000000);
    assert_int_equal(position->realised_pnl, 40 * 20000 - 700);
    assert_int_equal(position->unrealised_pnl, 0);
    assert_int_equal(position->gross, 60000000);
    assert_int_equal(result(&f, 0)->realised_pnl, 40 * 20000 - 700);
    assert_int_equal(result(&f, 0)->instrument, 0);
    teardown(&f);
}

static void an_execution_counts_once(void **state) {
    for (uint32_t shards = 1; shards <= 2; shards++) {
        struct fixture f;
        setup(&f, shards);
        assert_true(apply(&f, make_fill(20, 9, 1, 1, 10, 1000000, 0)) > 0);
        assert_int_equal(apply(&f, make_fill(21, 9, 1, 1, 10, 1000000, 0)), 0);
        assert_int_equal(apply(&f, make_fill(22, 9, 1, 1, 11, 1000000, 0)), 0);
        assert_int_equal(apply(&f, make_fill(22, 9, 3, 1, 10, 1000000, 0)), 0); /* another shard */
        assert_int_equal(DRIVER_SUM(&f.driver, fill_duplicate), 1);
        assert_int_equal(DRIVER_SUM(&f.driver, fill_conflict), 2);
        assert_int_equal(DRIVER_SUM(&f.driver, fills), 1);
        struct rw_risk_view view;
        assert_true(rw_risk_view_position(f.driver.risk[0], 1, 1, &view));
        assert_int_equal(view.quantity, 110);
        teardown(&f);
    }
}

static void a_full_table_of_executions_rejects_new_ones_and_still_knows_the_old(void **state) {
    struct fixture f;
    setup(&f, 2);
    for (uint64_t id = 1; id <= 64; id++)
        assert_true(apply(&f, make_fill(20, id * 7, 1, 1, 1, 1000000, 1)) > 0);
    assert_int_equal(apply(&f, make_fill(21, 65 * 7, 1, 1, 1, 1000000, 1)), 0);
    assert_int_equal(apply(&f, make_fill(21, 7, 1, 1, 1, 1000000, 1)), 0);
    assert_int_equal(DRIVER_SUM(&f.driver, fill_no_id_room), 1);
    assert_int_equal(DRIVER_SUM(&f.driver, fill_duplicate), 1);
    teardown(&f);
}

static void malformed_fills_are_counted_once_for_any_number_of_shards(void **state) {
    for (uint32_t shards = 1; shards <= 3; shards++) {
        struct fixture f;
        setup(&f, shards);
        struct log_entry bad[] = {
            make_fill(1, 1, 0, 1, 5, 1, 0),          make_fill(1, 2, 4, 1, 5, 1, 0),
            make_fill(1, 3, 1, 0, 5, 1, 0),          make_fill(1, 4, 1, 3, 5, 1, 0),
            make_fill(1, 5, 1, 1, 0, 1, 0),          make_fill(1, 6, 3, 1, 5, -1, 0),
            make_fill(1, 7, 1, 1, 5, 1ll << 31, 0),  make_fill(1, 8, 1, 1, 5, 1, INT64_MAX),
            make_fill(1, 9, 1, 1, INT64_MAX, 1, 0),  make_fill(1, 10, UINT32_MAX, 1, 5, 1, 0),
            make_fill(1, 11, 1, UINT32_MAX, 5, 1, 0)};
        uint32_t count = sizeof bad / sizeof bad[0];
        for (uint32_t i = 0; i < count; i++) assert_int_equal(apply(&f, bad[i]), 0);
        struct log_entry cut = make_fill(1, 12, 1, 1, 5, 1, 0);
        cut.entry.slots = 1;
        assert_int_equal(apply(&f, cut), 0);
        assert_int_equal(DRIVER_SUM(&f.driver, fill_malformed), count + 1);
        /* none of them used up its id */
        assert_true(apply(&f, make_fill(2, 3, 1, 1, 5, 1, 0)) > 0);
        teardown(&f);
    }
}

static void a_fill_beyond_the_bounds_is_rejected_and_leaves_no_trace(void **state) {
    struct fixture f;
    setup(&f, 1);
    struct rw_risk_view before, after;
    assert_true(rw_risk_view_portfolio(f.driver.risk[0], 2, &before));
    /* portfolio 2 holds nothing: 2^31 units in two instruments exceed the sum, not each alone */
    assert_true(apply(&f, make_fill(1, 1, 2, 1, RW_UNITS_MAX - 9, 1, 0)) > 0);
    assert_int_equal(apply(&f, make_fill(1, 2, 2, 2, 1, 1, 0)), 0);
    assert_int_equal(DRIVER_SUM(&f.driver, fill_over_bounds), 1);
    assert_false(rw_risk_view_position(f.driver.risk[0], 2, 2, &after));
    assert_true(apply(&f, make_fill(1, 3, 2, 1, -(RW_UNITS_MAX - 9), 1, 0)) > 0);
    assert_true(rw_risk_view_portfolio(f.driver.risk[0], 2, &after));
    assert_memory_equal(&before, &after, sizeof before);
    assert_true(apply(&f, make_fill(1, 4, 2, 2, 1, 1, 0)) > 0);
    /* realised money */
    assert_true(apply(&f, make_fill(1, 5, 2, 2, 1, 1, RW_MONEY_MAX - 100)) > 0);
    assert_int_equal(apply(&f, make_fill(1, 6, 2, 1, 1, 1, 100)), 0);
    assert_int_equal(DRIVER_SUM(&f.driver, fill_over_bounds), 2);
    teardown(&f);
}

static struct log_entry make_correction(uint64_t id, uint8_t kind, uint64_t reference,
                                        uint32_t portfolio, int64_t quantity, int64_t price) {
    struct log_entry log = make_fill(30, id, portfolio, 1, quantity, price, 0);
    fill_as(&log, kind, reference);
    return log;
}

static void a_correction_that_is_about_nothing_is_counted_and_changes_nothing(void **state) {
    for (uint32_t shards = 1; shards <= 2; shards++) {
        struct fixture f;
        setup(&f, shards);
        struct rw_risk_view view;
        assert_true(apply(&f, make_fill(20, 1, 1, 1, 10, 1000000, 0)) > 0);
        assert_int_equal(apply(&f, make_correction(2, RW_FILL_BUST, 99, 1, 1, 1)), 0);
        assert_int_equal(apply(&f, make_correction(3, RW_FILL_CORRECT, 1, 3, 5, 1)), 0);
        assert_int_equal(apply(&f, make_correction(4, RW_FILL_CORRECT, 2, 1, 5, 1)), 0);
        assert_int_equal(DRIVER_SUM(&f.driver, correction_unknown), 3);
        assert_int_equal(apply(&f, make_correction(1, RW_FILL_BUST, 1, 1, 5, 1)), 0);
        assert_int_equal(DRIVER_SUM(&f.driver, fill_conflict), 1); /* the fill's own id */
        assert_int_equal(apply(&f, make_correction(5, 4, 1, 1, 5, 1)), 0);
        assert_int_equal(DRIVER_SUM(&f.driver, fill_malformed), 1);
        assert_true(apply(&f, make_correction(6, RW_FILL_BUST, 1, 1, 5, 1)) > 0);
        assert_int_equal(apply(&f, make_correction(6, RW_FILL_BUST, 1, 1, 5, 1)), 0);
        assert_int_equal(DRIVER_SUM(&f.driver, fill_duplicate), 1);
        assert_int_equal(apply(&f, make_correction(7, RW_FILL_CORRECT, 1, 1, 5, 1)), 0);
        assert_int_equal(DRIVER_SUM(&f.driver, correction_of_busted), 1);
        assert_int_equal(DRIVER_SUM(&f.driver, busts), 1);
        assert_true(rw_risk_view_position(f.driver.risk[0], 1, 1, &view));
        assert_int_equal(view.quantity, 100); /* as at the start of day */
        teardown(&f);
    }
}

static void a_correction_that_would_leave_the_bounds_changes_nothing(void **state) {
    struct fixture f;
    struct rw_risk_view view;
    setup(&f, 1);
    assert_true(apply(&f, make_fill(1, 1, 2, 1, -1000, 1000000, 0)) > 0);
    assert_true(apply(&f, make_fill(1, 2, 2, 1, RW_UNITS_MAX, 1, 0)) > 0);
    assert_int_equal(apply(&f, make_correction(3, RW_FILL_CORRECT, 1, 2, 1, 1)), 0);
    assert_int_equal(DRIVER_SUM(&f.driver, fill_over_bounds), 1);
    assert_true(rw_risk_view_position(f.driver.risk[0], 2, 1, &view));
    assert_int_equal(view.quantity, RW_UNITS_MAX - 1000);
    assert_true(apply(&f, make_correction(4, RW_FILL_BUST, 2, 2, 1, 1)) > 0);
    assert_true(apply(&f, make_correction(5, RW_FILL_CORRECT, 3, 2, 1, 1)) > 0);
    assert_true(rw_risk_view_position(f.driver.risk[0], 2, 1, &view));
    assert_int_equal(view.quantity, 1);
    teardown(&f);
}

/* A fold is cut into pieces, so that no call does more than a bounded amount of work. */
static void a_long_list_of_fills_is_folded_over_several_calls(void **state) {
    struct fixture f = {.image = fixed_image()};
    struct rw_result message;
    uint32_t working = 0;
    driver_new(&f.driver, f.image, 1, 0, 4096);
    for (uint64_t id = 1; id <= 2000; id++) apply(&f, make_fill(1, id, 2, 1, 1, 1000000, 0));
    struct log_entry bust = make_correction(5000, RW_FILL_BUST, 1, 2, 1, 1);
    bust.entry.sequence = f.driver.sequence + 1;
    rw_risk_begin(f.driver.risk[0], &bust.entry);
    while (rw_risk_next(f.driver.risk[0], &message) == RW_RISK_WORKING) working++;
    assert_int_equal(working, 3);
    assert_int_equal(message.kind, RW_RESULT_PORTFOLIO);
    assert_int_equal(DRIVER_SUM(&f.driver, folded), 2000);
    teardown(&f);
}

static void
a_fill_of_an_order_makes_less_of_it_open_even_when_the_position_refuses_it(void **state) {
    struct fixture f;
    setup(&f, 1);
    assert_true(apply(&f, make_order(1, RW_ORDER_ACCEPTED, 5, 2, 1, 100, 990000)) > 0);
    const struct rw_result *portfolio = result(&f, 0), *position = result(&f, 1);
    assert_int_equal(portfolio->kind, RW_RESULT_PORTFOLIO);
    assert_int_equal(portfolio->open_buys, 100 * 990000);
    assert_int_equal(position->kind, RW_RESULT_POSITION);
    assert_int_equal(position->position, 0);
    assert_int_equal(position->open_buys, 100);
    assert_int_equal(apply(&f, make_order(1, RW_ORDER_ACCEPTED, 5, 2, 1, 100, 990000)), 0);
    assert_int_equal(DRIVER_SUM(&f.driver, order_repeated), 1);
    for (uint32_t i = 0; i < 2; i++) {
        struct log_entry fill = make_fill(2, 1 + i, 2, 1, i ? RW_UNITS_MAX : 40, 990000, 0);
        struct rw_fill_body body;
        memcpy(&body, (uint8_t *)&fill + offsetof(struct rw_entry, body), sizeof body);
        body.reference = 5;
        memcpy((uint8_t *)&fill + offsetof(struct rw_entry, body), &body, sizeof body);
        assert_true(apply(&f, fill) > 0);
        assert_int_equal(result(&f, 0)->kind, RW_RESULT_PORTFOLIO);
        assert_int_equal(result(&f, 0)->open_buys, i ? 0 : 60 * 990000);
    }
    assert_int_equal(DRIVER_SUM(&f.driver, fill_over_bounds), 1);
    assert_int_equal(apply(&f, make_order(3, RW_ORDER_CANCELLED, 5, 2, 1, 1, 0)), 0);
    assert_int_equal(DRIVER_SUM(&f.driver, order_unknown), 1);
    assert_int_equal(apply(&f, make_order(3, RW_ORDER_ACCEPTED, 6, 9, 1, 1, 0)), 0);
    assert_int_equal(DRIVER_SUM(&f.driver, order_malformed), 1);
    teardown(&f);
}

static void room_for_new_pairs_is_per_portfolio(void **state) {
    for (uint32_t shards = 1; shards <= 2; shards++) {
        struct fixture f = {.image = fixed_image()};
        driver_new(&f.driver, f.image, shards, 3, 64); /* one new pair each */
        assert_true(apply(&f, make_fill(1, 1, 2, 1, 5, 1000000, 0)) > 0);
        assert_int_equal(apply(&f, make_fill(1, 2, 2, 2, 5, 1000000, 0)), 0);
        assert_true(apply(&f, make_fill(1, 3, 3, 2, 5, 1000000, 0)) > 0);
        assert_true(apply(&f, make_fill(1, 4, 2, 1, -5, 1000000, 0)) > 0);
        assert_true(apply(&f, make_fill(1, 5, 1, 2, 5, 1000000, 0)) > 0); /* an opening pair */
        assert_int_equal(DRIVER_SUM(&f.driver, fill_no_pair_room), 1);
        teardown(&f);
    }
}

static void adding_and_removing_a_position_restores_exposure_and_quality(void **state) {
    struct fixture f;
    setup(&f, 1);
    apply(&f, make_session(5, RW_SESSION_OPEN));
    apply(&f, make_fill(1, 1, 2, 1, 5, 990000, 0));
    assert_int_equal(result(&f, 0)->quality, RW_QUALITY_NO_MARK | RW_QUALITY_ONE_SIDED);
    assert_int_equal(result(&f, 0)->unrealised_pnl, 50000);
    apply(&f, make_fill(1, 2, 2, 1, -5, 990000, 0));
    assert_int_equal(result(&f, 0)->quality, 0);
    assert_int_equal(result(&f, 0)->gross, 0);
    assert_int_equal(result(&f, 0)->realised_pnl, 0);
    assert_int_equal(result(&f, 0)->unrealised_pnl, 0);
    teardown(&f);
}

static void an_instrument_turns_stale_at_a_clock_entry_and_fresh_at_a_tick(void **state) {
    struct fixture f;
    setup(&f, 1);
    apply(&f, make_session(5, RW_SESSION_OPEN));
    struct log_entry tick = make_tick(1000, 1, RW_TICK_BBO, 999900, 1000100, 0);
    tick_set(&tick, 1, 0, 0);
    apply(&f, tick);
    assert_int_equal(apply(&f, make_plain(2000, RW_ENTRY_CLOCK)), 0);
    assert_true(apply(&f, make_plain(2001, RW_ENTRY_CLOCK)) > 0);
    const uint8_t kinds[] = {RW_RESULT_PORTFOLIO, RW_RESULT_PORTFOLIO, RW_RESULT_DESK,
                             RW_RESULT_DESK, RW_RESULT_FIRM};
    const uint32_t rows[] = {1, 3, 1, 2, 0};
    assert_kinds(&f, 5, kinds, rows);
    assert_int_equal(result(&f, 1)->quality, RW_QUALITY_STALE);
    assert_int_equal(result(&f, 4)->quality,
                     RW_QUALITY_STALE | RW_QUALITY_NO_MARK | RW_QUALITY_ONE_SIDED);
    assert_int_equal(apply(&f, make_plain(3000, RW_ENTRY_CLOCK)), 0); /* once */
    assert_int_equal(DRIVER_SUM(&f.driver, went_stale), 1);
    tick = make_tick(3001, 1, RW_TICK_BBO, 999900, 1000100, 0);
    tick_set(&tick, 1, 0, 0);
    apply(&f, tick);
    assert_int_equal(result(&f, 1)->quality, 0);
    teardown(&f);
}

static void a_channel_event_marks_every_instrument_of_the_channel(void **state) {
    struct fixture f;
    setup(&f, 2);
    apply(&f, make_session(5, RW_SESSION_OPEN));
    struct log_entry gap = make_tick(10, 0, RW_TICK_CHANNEL, 0, 0, 0);
    tick_set(&gap, 2, RW_QUALITY_FEED_GAP | RW_QUALITY_STALE, 0);
    apply(&f, gap);
    const uint8_t kinds[] = {RW_RESULT_PORTFOLIO, RW_RESULT_DESK, RW_RESULT_FIRM};
    const uint32_t rows[] = {1, 1, 0};
    assert_kinds(&f, 3, kinds, rows);
    assert_int_equal(result(&f, 0)->quality & (RW_QUALITY_FEED_GAP | RW_QUALITY_STALE),
                     RW_QUALITY_FEED_GAP | RW_QUALITY_STALE);
    /* a tick does not clear what the channel says */
    struct log_entry tick = make_tick(11, 2, RW_TICK_BBO, 499900, 500100, 0);
    tick_set(&tick, 2, 0, 0);
    assert_int_equal(apply(&f, tick), 0); /* portfolio 1 has the same bits by instrument 1 */
    struct rw_risk_view view;
    assert_true(rw_risk_view_position(f.driver.risk[0], 1, 2, &view));
    assert_int_equal(view.quality, RW_QUALITY_FEED_GAP | RW_QUALITY_STALE);
    tick_set(&gap, 2, 0, 0);
    apply(&f, gap);
    assert_false(result(&f, 0)->quality & (RW_QUALITY_FEED_GAP | RW_QUALITY_STALE));
    teardown(&f);
}

static void the_end_of_a_gap_clears_what_ticks_said_meanwhile(void **state) {
    const uint16_t broken = RW_QUALITY_FEED_GAP | RW_QUALITY_STALE;
    struct fixture f;
    setup(&f, 2);
    apply(&f, make_session(5, RW_SESSION_OPEN));
    struct log_entry gap = make_tick(10, 0, RW_TICK_CHANNEL, 0, 0, 0), tick;
    tick_set(&gap, 2, broken, 0);
    apply(&f, gap);
    for (uint32_t i = 1; i <= 2; i++) { /* one of this channel, one that has gone to another */
        tick = make_tick(11, i, RW_TICK_BBO, 999900, 1000100, 0);
        tick_set(&tick, i == 1 ? 2 : 7, broken | RW_QUALITY_HALTED, 0);
        apply(&f, tick);
    }
    tick_set(&gap, 2, RW_QUALITY_STALE, 0); /* whole again, but still behind */
    apply(&f, gap);
    struct rw_risk_view view;
    assert_true(rw_risk_view_position(f.driver.risk[0], 1, 1, &view));
    assert_int_equal(view.quality, RW_QUALITY_STALE | RW_QUALITY_HALTED);
    tick_set(&gap, 2, 0, 0);
    apply(&f, gap);
    assert_true(rw_risk_view_position(f.driver.risk[0], 1, 1, &view));
    assert_int_equal(view.quality, RW_QUALITY_HALTED);
    assert_true(rw_risk_view_position(f.driver.risk[0], 1, 2, &view));
    assert_int_equal(view.quality, broken | RW_QUALITY_HALTED);
    teardown(&f);
}

static void records_of_every_level_lose_the_flag_with_the_gap(void **state) {
    struct fixture f;
    setup(&f, 2);
    apply(&f, make_session(5, RW_SESSION_OPEN));
    struct log_entry gap = make_tick(10, 0, RW_TICK_CHANNEL, 0, 0, 0);
    for (uint32_t i = 1; i <= 2; i++) {
        struct log_entry tick = make_tick(10, i, RW_TICK_BBO, 999900, 1000100, 0);
        tick_set(&tick, 2, 0, 0);
        apply(&f, tick);
    }
    for (int broken = 1; broken >= 0; broken--) {
        tick_set(&gap, 2, broken ? RW_QUALITY_FEED_GAP : 0, 0);
        uint32_t records = apply(&f, gap), levels = 0;
        for (uint32_t i = 0; i < records; i++) {
            const struct rw_result *record = result(&f, i);
            assert_int_equal(record->quality & RW_QUALITY_FEED_GAP,
                             broken ? RW_QUALITY_FEED_GAP : 0);
            levels |= 1u << record->kind;
        }
        assert_int_equal(levels,
                         1u << RW_RESULT_PORTFOLIO | 1u << RW_RESULT_DESK | 1u << RW_RESULT_FIRM);
        if (!broken) break;
        /* the instruments tick on, flagged: nothing new is to be said of the quality */
        struct log_entry tick = make_tick(11, 1, RW_TICK_BBO, 999900, 1000100, 0);
        tick_set(&tick, 2, RW_QUALITY_FEED_GAP, 0);
        assert_int_equal(apply(&f, tick), 0);
    }
    teardown(&f);
}

static void a_symbol_whose_book_is_broken_marks_its_holders_alone(void **state) {
    const uint16_t broken = RW_QUALITY_FEED_GAP | RW_QUALITY_STALE;
    struct fixture f;
    setup(&f, 1);
    apply(&f, make_session(5, RW_SESSION_OPEN));
    struct log_entry tick = make_tick(10, 2, RW_TICK_TRADE, 499900, 500100, 0);
    tick_set(&tick, 2, broken, 0);
    assert_int_equal(apply(&f, tick), 3); /* its portfolio, desk, firm */
    assert_int_equal(result(&f, 0)->portfolio, 1);
    for (uint32_t i = 0; i < 3; i++) assert_int_equal(result(&f, i)->quality & broken, broken);
    tick_set(&tick, 2, 0, 0);
    assert_int_equal(apply(&f, tick), 3);
    for (uint32_t i = 0; i < 3; i++) assert_int_equal(result(&f, i)->quality & broken, 0);
    teardown(&f);
}

static void age_outlives_the_end_of_a_gap(void **state) {
    struct fixture f;
    setup(&f, 1);
    apply(&f, make_session(5, RW_SESSION_OPEN));
    struct log_entry tick = make_tick(1000, 1, RW_TICK_BBO, 999900, 1000100, 0);
    struct log_entry whole = make_tick(2001, 0, RW_TICK_CHANNEL, 0, 0, 0);
    struct rw_risk_view view;
    tick_set(&tick, 1, RW_QUALITY_FEED_GAP, 0);
    apply(&f, tick);
    apply(&f, make_plain(2001, RW_ENTRY_CLOCK)); /* old by event time, as of here */
    tick_set(&whole, 1, 0, 0);
    apply(&f, whole);
    assert_true(rw_risk_view_position(f.driver.risk[0], 1, 1, &view));
    assert_int_equal(view.quality, RW_QUALITY_STALE);
    tick_set(&tick, 1, 0, 0);
    apply(&f, tick); /* a tick is fresh, however old its own time */
    apply(&f, whole);
    assert_true(rw_risk_view_position(f.driver.risk[0], 1, 1, &view));
    assert_int_equal(view.quality, 0);
    teardown(&f);
}

static void a_halt_lasts_as_long_as_ticks_carry_it(void **state) {
    struct fixture f;
    setup(&f, 1);
    apply(&f, make_session(5, RW_SESSION_OPEN));
    struct log_entry status = make_tick(10, 1, RW_TICK_STATUS, 999900, 1000100, 0);
    tick_set(&status, 1, RW_QUALITY_HALTED, 0);
    apply(&f, status);
    assert_true(result(&f, 1)->quality & RW_QUALITY_HALTED);
    struct log_entry tick = make_tick(11, 1, RW_TICK_BBO, 1000000, 1000200, 0);
    tick_set(&tick, 1, RW_QUALITY_HALTED, 0);
    apply(&f, tick);
    assert_true(result(&f, 1)->quality & RW_QUALITY_HALTED);
    tick_set(&status, 1, 0, 0);
    apply(&f, status);
    assert_false(result(&f, 1)->quality & RW_QUALITY_HALTED);
    teardown(&f);
}

/* A quote of instrument 1 by a channel. */
static struct log_entry quote(uint64_t time, uint16_t channel, int32_t bid, int32_t ask,
                              uint16_t quality) {
    struct log_entry tick = make_tick(time, 1, RW_TICK_BBO, bid, ask, 0);
    tick_set(&tick, channel, quality, 0);
    return tick;
}

static struct log_entry channel_state(uint64_t time, uint16_t channel, uint16_t quality) {
    struct log_entry state = make_tick(time, 0, RW_TICK_CHANNEL, 0, 0, 0);
    tick_set(&state, channel, quality, 0);
    return state;
}

static struct rw_risk_view mark_of_1(const struct fixture *fixture) {
    struct rw_risk_view view;
    assert_true(rw_risk_view_position(fixture->driver.risk[0], 1, 1, &view));
    return view;
}

static void two_venues_are_marked_by_the_best_of_both(void **state) {
    struct fixture f;
    setup(&f, 1);
    apply(&f, quote(10, 1, 999800, 1000400, 0));
    assert_int_equal(mark_of_1(&f).mark, 1000100);
    assert_null(rw_risk_composite(f.driver.risk[0], 1));
    apply(&f, quote(11, 4, 1000000, 1000600, 0)); /* bid of channel 4, ask of channel 1 */
    assert_int_equal(mark_of_1(&f).mark, 1000200);
    assert_int_equal(mark_of_1(&f).quality, 0);
    assert_int_equal(rw_risk_composite(f.driver.risk[0], 1)->raw.bid_venues, 1u << 4);
    apply(&f, quote(12, 4, 999000, 1001000, 0)); /* channel 1 alone is best again */
    assert_int_equal(mark_of_1(&f).mark, 1000100);
    teardown(&f);
}

static void a_venue_in_a_gap_leaves_and_its_holders_are_marked_anew_by_that_entry(void **state) {
    struct fixture f;
    setup(&f, 2);
    apply(&f, make_session(5, RW_SESSION_OPEN));
    apply(&f, quote(10, 1, 999900, 1000100, 0));
    apply(&f, quote(11, 4, 1009900, 1010100, 0));
    assert_true(mark_of_1(&f).quality & RW_QUALITY_ACROSS);
    apply(&f, channel_state(12, 1, RW_QUALITY_FEED_GAP));
    const uint8_t kinds[] = {RW_RESULT_PORTFOLIO, RW_RESULT_PORTFOLIO, RW_RESULT_DESK,
                             RW_RESULT_DESK, RW_RESULT_FIRM};
    const uint32_t rows[] = {1, 3, 1, 2, 0};
    assert_kinds(&f, 5, kinds, rows);
    assert_int_equal(mark_of_1(&f).mark, 1010000);
    assert_int_equal(mark_of_1(&f).quality, RW_QUALITY_VENUE_OUT);
    assert_int_equal(result(&f, 1)->net, -50ll * 1010000);
    assert_int_equal(result(&f, 3)->net, -50ll * 1010000); /* the addend came along */
    apply(&f, channel_state(13, 1, 0));
    assert_int_equal(mark_of_1(&f).quality & RW_QUALITY_VENUE_OUT, 0);
    assert_true(mark_of_1(&f).quality & RW_QUALITY_ACROSS);
    teardown(&f);
}

static void without_a_venue_that_counts_the_last_good_mark_stays(void **state) {
    struct fixture f;
    setup(&f, 1);
    apply(&f, quote(10, 1, 999900, 1000100, 0));
    apply(&f, quote(11, 4, 999900, 1000300, 0));
    apply(&f, quote(12, 1, 999900, 1000100, RW_QUALITY_HALTED)); /* leaves */
    assert_int_equal(mark_of_1(&f).mark, 1000100);
    assert_int_equal(mark_of_1(&f).quality, RW_QUALITY_VENUE_OUT);
    apply(&f, make_end(13, 4)); /* closed */
    apply(&f, quote(14, 1, 500000, 600000, RW_QUALITY_HALTED));
    assert_int_equal(mark_of_1(&f).mark, 1000100);
    assert_int_equal(mark_of_1(&f).quality, RW_QUALITY_VENUE_OUT | RW_QUALITY_HALTED);
    apply(&f, quote(15, 1, 999900, 1000100, 0));
    assert_int_equal(mark_of_1(&f).mark, 1000000);
    assert_int_equal(mark_of_1(&f).quality, RW_QUALITY_VENUE_OUT);
    teardown(&f);
}

static void a_stale_venue_leaves_at_a_clock_entry(void **state) {
    struct fixture f;
    setup(&f, 1);
    apply(&f, quote(1000, 1, 999900, 1000100, 0));
    apply(&f, quote(1500, 4, 1000000, 1000100, 0));
    assert_int_equal(mark_of_1(&f).mark, 1000050);
    apply(&f, make_plain(2400, RW_ENTRY_CLOCK)); /* channel 1 is older than 1,000 ns */
    assert_int_equal(mark_of_1(&f).quality, RW_QUALITY_VENUE_OUT);
    apply(&f, quote(2450, 4, 999000, 1000000, 0));
    assert_int_equal(mark_of_1(&f).mark, 999500);
    apply(&f, make_plain(9000, RW_ENTRY_CLOCK));
    assert_int_equal(mark_of_1(&f).mark, 999500);
    assert_int_equal(mark_of_1(&f).quality, RW_QUALITY_VENUE_OUT | RW_QUALITY_STALE);
    assert_int_equal(DRIVER_SUM(&f.driver, quotes_stale), 2);
    teardown(&f);
}

static void a_position_tells_the_venues_of_its_mark_and_the_age_of_a_crossed_market(void **state) {
    struct fixture f;
    setup(&f, 1);
    apply(&f, quote(10, 1, 999900, 1000100, 0));
    apply(&f, make_fill(11, 1, 1, 1, 5, 1000000, 0));
    assert_int_equal(result(&f, 1)->venues, 0);
    apply(&f, quote(20, 4, 1000200, 1000400, 0));
    apply(&f, make_fill(50, 2, 1, 1, 5, 1000000, 0));
    assert_int_equal(result(&f, 1)->kind, RW_RESULT_POSITION);
    assert_int_equal(result(&f, 1)->venues, 1u << 1 | 1u << 4);
    assert_int_equal(result(&f, 1)->across_ns, 30);
    assert_int_equal(result(&f, 1)->quality,
                     RW_QUALITY_ACROSS | RW_QUALITY_CROSSED | RW_QUALITY_NO_MARK);
    apply(&f, make_fill(15, 3, 1, 1, 5, 1000000, 0)); /* event time of another source, before */
    assert_int_equal(result(&f, 1)->across_ns, 0);
    teardown(&f);
}

static void ticks_of_a_ninth_channel_are_counted_and_ignored(void **state) {
    struct fixture f;
    setup(&f, 1);
    for (uint16_t c = 0; c < RW_VENUES_MAX; c++) apply(&f, quote(10, 100 + c, 999900, 1000100, 0));
    assert_int_equal(apply(&f, quote(11, 7, 1000000, 1000100, 0)), 0);
    assert_int_equal(apply(&f, channel_state(12, 7, RW_QUALITY_FEED_GAP)), 0);
    assert_int_equal(apply(&f, make_end(13, 7)), 0);
    assert_int_equal(DRIVER_SUM(&f.driver, tick_no_venue), 2);
    assert_int_equal(mark_of_1(&f).mark, 1000000);
    teardown(&f);
}

static void bad_ticks_and_unknown_entries_are_counted_and_ignored(void **state) {
    struct fixture f;
    setup(&f, 1);
    apply(&f, make_session(5, RW_SESSION_OPEN));
    assert_int_equal(apply(&f, make_tick(1, 0, RW_TICK_BBO, 1, 2, 3)), 0);
    assert_int_equal(apply(&f, make_tick(1, 3, RW_TICK_BBO, 1, 2, 3)), 0);
    assert_int_equal(apply(&f, make_tick(1, 1, RW_TICK_BBO, -1, 2, 3)), 0);
    assert_int_equal(apply(&f, make_plain(1, 77)), 0);
    assert_int_equal(apply(&f, make_session(1, 7)), 0);
    assert_int_equal(apply(&f, make_plain(1, RW_ENTRY_TAKEOVER)), 0);
    assert_int_equal(apply(&f, make_plain(1, RW_ENTRY_END)), 0);
    assert_int_equal(DRIVER_SUM(&f.driver, tick_unknown_instrument), 2);
    assert_int_equal(DRIVER_SUM(&f.driver, tick_bad_price), 1);
    assert_int_equal(DRIVER_SUM(&f.driver, unknown_type), 2);
    apply(&f, make_session(9, RW_SESSION_CLOSE));
    assert_int_equal(result(&f, 0)->kind, RW_RESULT_SESSION_CLOSE);
    assert_int_equal(f.driver.count - f.driver.first_of_last, 1);
    teardown(&f);
}

static void shards_cover_all_portfolios_and_cut_at_accounts(void **state) {
    struct rw_rng rng;
    rw_rng_seed(&rng, seed_of_run(7010));
    for (uint32_t run = 0; run < 200; run++) {
        uint32_t count = 1 + (uint32_t)rw_rng_below(&rng, 40);
        struct rw_image *image = image_random(&rng, 1, count, 1);
        const struct rw_portfolio_row *rows = rw_image_rows(image, &image->portfolios);
        for (uint32_t shards = 1; shards <= RW_SHARDS_MAX; shards++) {
            uint32_t next = 1;
            for (uint32_t k = 0; k < shards; k++) {
                struct rw_risk_range range = rw_risk_shard_range(image, k, shards);
                assert_int_equal(range.first, next);
                assert_true(range.end >= range.first && range.end <= count + 1);
                if (range.first > 1 && range.first <= count)
                    assert_int_not_equal(rows[range.first].account, rows[range.first - 1].account);
                next = range.end;
            }
            assert_int_equal(next, count + 1);
        }
        free(image);
    }
}

static void an_image_that_breaks_the_bounds_is_refused_by_name(void **state) {
    struct rw_image *image = fixed_image();
    struct rw_position_row *rows = (void *)((uint8_t *)image + image->positions.offset);
    struct rw_portfolio_row *portfolio = (void *)((uint8_t *)image + image->portfolios.offset);
    assert_int_equal(rw_risk_check_image(image), 0);
    rows[0].quantity = RW_UNITS_MAX - 10;
    strcpy(portfolio[1].name, "ALPHA");
    assert_int_equal(rw_risk_check_image(image), -ERANGE); /* with 5 · 10 of instrument 2 */
    assert_non_null(strstr(rw_err_text(), "ALPHA"));
    rows[0].quantity = RW_UNITS_MAX + 1;
    assert_int_equal(rw_risk_check_image(image), -ERANGE);
    rows[0].quantity = 1;
    rows[0].average_price = -1;
    assert_int_equal(rw_risk_check_image(image), -ERANGE);
    rows[0].average_price = 1;
    rows[1].portfolio = 1; /* twice */
    assert_int_equal(rw_risk_check_image(image), -EINVAL);
    rows[1].portfolio = 3;
    portfolio[1].desk = 9;
    assert_int_equal(rw_risk_check_image(image), -EINVAL);
    free(image);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(session_open_publishes_the_start_of_day),
        cmocka_unit_test(a_tick_moves_its_holders_and_says_which_limits_changed),
        cmocka_unit_test(a_fill_also_emits_its_position),
        cmocka_unit_test(an_execution_counts_once),
        cmocka_unit_test(a_full_table_of_executions_rejects_new_ones_and_still_knows_the_old),
        cmocka_unit_test(malformed_fills_are_counted_once_for_any_number_of_shards),
        cmocka_unit_test(a_fill_beyond_the_bounds_is_rejected_and_leaves_no_trace),
        cmocka_unit_test(a_correction_that_is_about_nothing_is_counted_and_changes_nothing),
        cmocka_unit_test(a_correction_that_would_leave_the_bounds_changes_nothing),
        cmocka_unit_test(a_long_list_of_fills_is_folded_over_several_calls),
        cmocka_unit_test(
            a_fill_of_an_order_makes_less_of_it_open_even_when_the_position_refuses_it),
        cmocka_unit_test(room_for_new_pairs_is_per_portfolio),
        cmocka_unit_test(adding_and_removing_a_position_restores_exposure_and_quality),
        cmocka_unit_test(an_instrument_turns_stale_at_a_clock_entry_and_fresh_at_a_tick),
        cmocka_unit_test(a_channel_event_marks_every_instrument_of_the_channel),
        cmocka_unit_test(the_end_of_a_gap_clears_what_ticks_said_meanwhile),
        cmocka_unit_test(records_of_every_level_lose_the_flag_with_the_gap),
        cmocka_unit_test(a_symbol_whose_book_is_broken_marks_its_holders_alone),
        cmocka_unit_test(age_outlives_the_end_of_a_gap),
        cmocka_unit_test(a_halt_lasts_as_long_as_ticks_carry_it),
        cmocka_unit_test(two_venues_are_marked_by_the_best_of_both),
        cmocka_unit_test(a_venue_in_a_gap_leaves_and_its_holders_are_marked_anew_by_that_entry),
        cmocka_unit_test(without_a_venue_that_counts_the_last_good_mark_stays),
        cmocka_unit_test(a_stale_venue_leaves_at_a_clock_entry),
        cmocka_unit_test(a_position_tells_the_venues_of_its_mark_and_the_age_of_a_crossed_market),
        cmocka_unit_test(ticks_of_a_ninth_channel_are_counted_and_ignored),
        cmocka_unit_test(bad_ticks_and_unknown_entries_are_counted_and_ignored),
        cmocka_unit_test(shards_cover_all_portfolios_and_cut_at_accounts),
        cmocka_unit_test(an_image_that_breaks_the_bounds_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
