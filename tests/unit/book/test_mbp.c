/* Price-level books against a naive one that keeps each side as a list with a mark per level, and
 * the numbering of entries: gaps, duplicates, snapshots, resets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/base/rng.h"
#include "dataplane/book/mbp.h"

#define INSTRUMENTS 5u
#define DEPTH       6u

static _Alignas(64) uint8_t memory[1u << 16];
static struct rw_mbp_counters counters;

static struct rw_mbp *make(uint32_t instruments, uint32_t depth) {
    struct rw_mbp_cfg cfg = {.instruments_max = instruments, .depth = depth};
    counters = (struct rw_mbp_counters){0};
    assert_true(rw_mbp_footprint(&cfg) <= sizeof memory);
    return rw_mbp_new(memory, &cfg, &counters);
}

/* The naive side: every level that ever lived, in order; a removed one is marked dead. */
struct naive {
    struct {
        struct rw_mbp_level value;
        bool alive;
    } row[20000];
    uint32_t rows;
};
static struct naive naive[INSTRUMENTS][RW_MBP_SIDES];

static uint32_t alive_rows(const struct naive *side, uint32_t *index) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < side->rows; i++)
        if (side->row[i].alive) index[count++] = i;
    return count;
}

static void naive_insert(struct naive *side, uint32_t at, struct rw_mbp_level value) {
    for (uint32_t i = side->rows++; i > at; i--) side->row[i] = side->row[i - 1];
    side->row[at].value = value;
    side->row[at].alive = true;
}

/* Returns whether the update fits. */
static bool naive_apply(struct naive *side, const struct rw_mbp_update *update) {
    uint32_t index[DEPTH + 1], count = alive_rows(side, index), level = update->level;
    if (level < 1 || level > DEPTH) return false;
    bool exists = level <= count;
    switch (update->action) {
    case RW_MBP_NEW:
        if (level > count + 1) return false;
        naive_insert(side, exists ? index[level - 1] : side->rows, update->value);
        if (alive_rows(side, index) > DEPTH) side->row[index[DEPTH]].alive = false;
        return true;
    case RW_MBP_OVERLAY:
        if (level == count + 1) naive_insert(side, side->rows, update->value);
        if (exists) side->row[index[level - 1]].value = update->value;
        return level <= count + 1;
    case RW_MBP_CHANGE:
        if (exists) side->row[index[level - 1]].value = update->value;
        return exists;
    case RW_MBP_DELETE:
    case RW_MBP_DELETE_THRU:
    case RW_MBP_DELETE_FROM:
        for (uint32_t i = 1; exists && i <= count; i++)
            if (i == level || (update->action == RW_MBP_DELETE_THRU && i < level) ||
                (update->action == RW_MBP_DELETE_FROM && i > level))
                side->row[index[i - 1]].alive = false;
        return exists;
    default:
        return false;
    }
}

static void expect_same(const struct rw_mbp *mbp, uint32_t instrument) {
    for (uint32_t side = 0; side < RW_MBP_SIDES; side++) {
        uint32_t index[DEPTH + 1], count = alive_rows(&naive[instrument][side], index);
        const struct rw_mbp_level *levels;
        assert_int_equal(rw_mbp_levels(mbp, instrument, side, &levels), count);
        for (uint32_t i = 0; i < count; i++)
            assert_memory_equal(&levels[i], &naive[instrument][side].row[index[i]].value,
                                sizeof levels[i]);
    }
}

static void empty_naive(uint32_t instrument) {
    for (uint32_t side = 0; side < RW_MBP_SIDES; side++) naive[instrument][side].rows = 0;
}

static struct rw_mbp_update random_update(struct rw_rng *rng) {
    return (struct rw_mbp_update){
        .side = (uint32_t)rw_rng_below(rng, RW_MBP_SIDES),
        .action = rw_rng_chance(rng, 1, 2) ? RW_MBP_NEW : (uint32_t)rw_rng_below(rng, 7),
        .level = (uint32_t)rw_rng_below(rng, rw_rng_chance(rng, 1, 40) ? DEPTH + 3 : 4),
        .value = {(int64_t)rw_rng_next(rng), (int32_t)rw_rng_next(rng), (int32_t)rw_rng_next(rng)}};
}

static void any_updates_leave_what_the_naive_book_has(void **state) {
    const char *given = getenv("RW_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : 20251121;
    struct rw_rng rng;
    struct rw_mbp *mbp = make(INSTRUMENTS, DEPTH);
    uint64_t misfits = 0;
    print_message("RW_SEED=%llu\n", (unsigned long long)seed);
    rw_rng_seed(&rng, seed);
    for (uint32_t i = 0; i < INSTRUMENTS; i++) {
        assert_int_equal(rw_mbp_instrument(mbp, (int32_t)(i * 1000003u)), i);
        empty_naive(i);
    }
    for (uint32_t step = 0; step < 20000; step++) {
        uint32_t instrument = (uint32_t)rw_rng_below(&rng, INSTRUMENTS);
        struct rw_mbp_update update = random_update(&rng);
        if (rw_rng_chance(&rng, 1, 300)) {
            rw_mbp_reset(mbp, instrument);
            empty_naive(instrument);
        }
        bool fits = naive_apply(&naive[instrument][update.side], &update);
        assert_int_equal(rw_mbp_apply(mbp, instrument, &update), fits);
        assert_int_equal(rw_mbp_is_stale(mbp, instrument), !fits);
        if (!fits) {
            misfits++;
            empty_naive(instrument);
            expect_same(mbp, instrument);
            assert_true(rw_mbp_snapshot(mbp, instrument, 0));
        }
        expect_same(mbp, instrument);
    }
    assert_int_equal(rw_stat_get(&counters.misfits), misfits);
    assert_int_equal(rw_stat_get(&counters.updates), 20000 - misfits);
    assert_in_range(misfits, 500, 19500);
}

static const struct rw_mbp_update bid = {.action = RW_MBP_NEW, .level = 1, .value = {100, 5, 1}};

static void a_gap_makes_stale_until_a_snapshot_that_is_not_older(void **state) {
    struct rw_mbp *mbp = make(2, 4);
    const struct rw_mbp_level *levels;
    uint32_t it = rw_mbp_instrument(mbp, -7);
    assert_true(rw_mbp_advance(mbp, it, 1));
    assert_true(rw_mbp_apply(mbp, it, &bid));
    assert_false(rw_mbp_advance(mbp, it, 1));
    assert_int_equal(rw_mbp_levels(mbp, it, RW_MBP_BID, &levels), 1);
    assert_false(rw_mbp_advance(mbp, it, 3));
    assert_true(rw_mbp_is_stale(mbp, it));
    assert_int_equal(rw_mbp_levels(mbp, it, RW_MBP_BID, &levels), 0);
    assert_false(rw_mbp_apply(mbp, it, &bid));
    assert_false(rw_mbp_advance(mbp, it, 4));
    assert_false(rw_mbp_snapshot(mbp, it, 3));
    assert_true(rw_mbp_snapshot(mbp, it, 4));
    assert_true(rw_mbp_apply(mbp, it, &bid));
    assert_false(rw_mbp_snapshot(mbp, it, 4)); /* sound and there already */
    assert_int_equal(rw_mbp_levels(mbp, it, RW_MBP_BID, &levels), 1);
    assert_true(rw_mbp_advance(mbp, it, 5));
    assert_int_equal(rw_stat_get(&counters.gaps), 1);
    assert_int_equal(rw_stat_get(&counters.duplicates), 1);
    assert_int_equal(rw_stat_get(&counters.old_snapshots), 2);
}

static void an_instrument_met_in_the_middle_is_stale(void **state) {
    struct rw_mbp *mbp = make(1, 1);
    assert_false(rw_mbp_advance(mbp, rw_mbp_instrument(mbp, 1), 500));
    assert_true(rw_mbp_is_stale(mbp, 0));
}

static void the_table_of_instruments_ends_at_its_plan(void **state) {
    struct rw_mbp *mbp = make(100, 1);
    for (int32_t round = 0; round < 2; round++)
        for (int32_t i = 0; i < 100; i++)
            assert_int_equal(rw_mbp_instrument(mbp, i * -65536), (uint32_t)i);
    assert_int_equal(rw_mbp_instrument(mbp, 1), RW_MBP_NONE);
    assert_int_equal(rw_mbp_instrument(mbp, 99 * -65536), 99);
    assert_int_equal(rw_stat_get(&counters.instruments_full), 1);
}

static void a_reset_of_all_starts_every_numbering_again(void **state) {
    struct rw_mbp *mbp = make(2, 4);
    const struct rw_mbp_level *levels;
    for (uint32_t it = 0; it < 2; it++) {
        assert_int_equal(rw_mbp_instrument(mbp, (int32_t)it), it);
        assert_true(rw_mbp_advance(mbp, it, 1));
        assert_true(rw_mbp_apply(mbp, it, &bid));
    }
    assert_false(rw_mbp_advance(mbp, 1, 9));
    rw_mbp_reset_all(mbp);
    for (uint32_t it = 0; it < 2; it++) {
        assert_int_equal(rw_mbp_levels(mbp, it, RW_MBP_BID, &levels), 0);
        assert_true(rw_mbp_advance(mbp, it, 1));
        assert_int_equal(rw_mbp_instrument(mbp, (int32_t)it), it);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_updates_leave_what_the_naive_book_has),
        cmocka_unit_test(a_gap_makes_stale_until_a_snapshot_that_is_not_older),
        cmocka_unit_test(an_instrument_met_in_the_middle_is_stale),
        cmocka_unit_test(the_table_of_instruments_ends_at_its_plan),
        cmocka_unit_test(a_reset_of_all_starts_every_numbering_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
