/* MDP 3.0 messages into price-level books: numbering over the templates, actions, implied sides,
 * resets and snapshots. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/base/bytes.h"
#include "dataplane/feed/mdp3_levels.h"

#define PRICE 1000000000ll

static _Alignas(64) uint8_t memory[1u << 16];
static struct rw_mbp_counters counters;
static struct rw_mbp *mbp;

static int fresh(void **state) {
    struct rw_mbp_cfg cfg = {.instruments_max = 4, .depth = 10};
    counters = (struct rw_mbp_counters){0};
    assert_true(rw_mbp_footprint(&cfg) <= sizeof memory);
    mbp = rw_mbp_new(memory, &cfg, &counters);
    return 0;
}

/* Applies a message of one group whose entries are given as they are on the wire; returns how many
 * levels that updated. */
static uint32_t apply(uint16_t template_id, const uint8_t *root, uint32_t root_bytes,
                      const uint8_t *entries, uint32_t entry_bytes, uint32_t count) {
    struct rw_mdp3_message message = {.type = rw_mdp3_type(template_id),
                                      .root = root,
                                      .root_bytes = (uint16_t)root_bytes,
                                      .version = 12,
                                      .group = {{entries, (uint16_t)entry_bytes, (uint16_t)count}}};
    assert_non_null(message.type);
    uint64_t before = rw_stat_get(&counters.updates);
    rw_mdp3_apply(mbp, &message);
    return (uint32_t)(rw_stat_get(&counters.updates) - before);
}

struct level {
    int32_t security;
    uint32_t number, action, level;
    char type;
    int64_t price;
    int32_t quantity, orders;
};

static uint32_t apply_book(struct level level) {
    uint8_t root[11] = {0}, entry[32] = {0};
    rw_store_le64(entry, (uint64_t)level.price);
    rw_store_le32(entry + 8, (uint32_t)level.quantity);
    rw_store_le32(entry + 12, (uint32_t)level.security);
    rw_store_le32(entry + 16, level.number);
    rw_store_le32(entry + 20, (uint32_t)level.orders);
    entry[24] = (uint8_t)level.level;
    entry[25] = (uint8_t)level.action;
    entry[26] = (uint8_t)level.type;
    return apply(46, root, sizeof root, entry, sizeof entry, 1);
}

static void expect_level(enum rw_mbp_side side, uint32_t count, uint32_t index, int64_t price,
                         int32_t quantity, int32_t orders) {
    const struct rw_mbp_level *levels;
    assert_int_equal(rw_mbp_levels(mbp, 0, side, &levels), count);
    assert_true(levels[index].price == price);
    assert_int_equal(levels[index].quantity, quantity);
    assert_int_equal(levels[index].orders, orders);
}

static void each_action_does_what_it_says(void **state) {
    const struct rw_mbp_level *levels;
    for (uint32_t i = 1; i <= 4; i++)
        assert_int_equal(apply_book((struct level){7, i, 0, i, '0', (100 - i) * PRICE, 5, 2}), 1);
    assert_int_equal(apply_book((struct level){7, 5, 1, 2, '0', 98 * PRICE, 9, 3}), 1);
    expect_level(RW_MBP_BID, 4, 1, 98 * PRICE, 9, 3);
    assert_int_equal(apply_book((struct level){7, 6, 2, 1, '0', 0, 0, 0}), 1);
    expect_level(RW_MBP_BID, 3, 0, 98 * PRICE, 9, 3);
    assert_int_equal(apply_book((struct level){7, 7, 5, 3, '0', -1, 1, 1}), 1);
    expect_level(RW_MBP_BID, 3, 2, -1, 1, 1);
    assert_int_equal(apply_book((struct level){7, 8, 3, 1, '0', 0, 0, 0}), 1);
    expect_level(RW_MBP_BID, 2, 0, 97 * PRICE, 5, 2);
    assert_int_equal(apply_book((struct level){7, 9, 4, 2, '0', 0, 0, 0}), 1);
    expect_level(RW_MBP_BID, 1, 0, 97 * PRICE, 5, 2);
    assert_int_equal(apply_book((struct level){7, 10, 0, 1, 'J', 0, 0, 0}), 0);
    assert_int_equal(rw_mbp_levels(mbp, 0, RW_MBP_BID, &levels), 0);
    assert_int_equal(rw_stat_get(&counters.resets), 1);
    assert_false(rw_mbp_is_stale(mbp, 0));
}

static void implied_levels_stand_apart_and_have_no_orders(void **state) {
    apply_book((struct level){7, 1, 0, 1, '0', 10, 1, 1});
    apply_book((struct level){7, 2, 0, 1, 'E', 11, 2, INT32_MAX});
    apply_book((struct level){7, 3, 0, 1, 'F', 13, 3, INT32_MAX});
    apply_book((struct level){7, 4, 0, 1, '1', 14, 4, 1});
    expect_level(RW_MBP_BID, 1, 0, 10, 1, 1);
    expect_level(RW_MBP_IMPLIED_BID, 1, 0, 11, 2, -1);
    expect_level(RW_MBP_IMPLIED_OFFER, 1, 0, 13, 3, -1);
    expect_level(RW_MBP_OFFER, 1, 0, 14, 4, 1);
}

/* One entry of 37, 48 or 51: the places of security and number differ. */
static void advance(uint16_t template_id, uint32_t security_at, uint32_t number_at,
                    uint32_t number) {
    uint8_t root[11] = {0}, entry[32] = {0};
    rw_store_le32(entry + security_at, 7);
    rw_store_le32(entry + number_at, number);
    assert_int_equal(apply(template_id, root, sizeof root, entry, sizeof entry, 1), 0);
}

static void trades_volumes_and_statistics_count_in_the_numbering(void **state) {
    apply_book((struct level){7, 1, 0, 1, '0', 10, 1, 1});
    advance(37, 4, 8, 2);
    advance(48, 12, 16, 3);
    advance(51, 8, 12, 4);
    assert_int_equal(apply_book((struct level){7, 5, 1, 1, '0', 10, 9, 1}), 1);
    expect_level(RW_MBP_BID, 1, 0, 10, 9, 1);
    assert_int_equal(apply_book((struct level){7, 7, 1, 1, '0', 10, 9, 1}), 0);
    assert_true(rw_mbp_is_stale(mbp, 0));
    assert_int_equal(rw_stat_get(&counters.gaps), 1);
}

static void an_entry_of_no_side_makes_stale(void **state) {
    apply_book((struct level){7, 1, 0, 1, '0', 10, 1, 1});
    assert_int_equal(apply_book((struct level){7, 2, 0, 1, 'x', 10, 1, 1}), 0);
    assert_true(rw_mbp_is_stale(mbp, 0));
    assert_int_equal(rw_stat_get(&counters.misfits), 1);
}

static void put_snapshot_entry(uint8_t *entry, char type, int8_t level, int64_t price) {
    memset(entry, 0, 22);
    rw_store_le64(entry, (uint64_t)price);
    rw_store_le32(entry + 8, 6);
    rw_store_le32(entry + 12, INT32_MAX);
    entry[16] = (uint8_t)level;
    entry[21] = (uint8_t)type;
}

static void a_snapshot_makes_a_stale_book_sound(void **state) {
    uint8_t root[59] = {0}, entries[5 * 22];
    apply_book((struct level){7, 50, 0, 1, '0', 10, 1, 1});
    assert_true(rw_mbp_is_stale(mbp, 0));
    put_snapshot_entry(entries, '0', 1, 30);
    put_snapshot_entry(entries + 22, '1', 1, 31);
    put_snapshot_entry(entries + 44, 'e', 127, 1000); /* volume: no level */
    put_snapshot_entry(entries + 66, '0', 2, 29);
    put_snapshot_entry(entries + 88, 'F', 1, 33);
    rw_store_le32(root + 8, 7);
    rw_store_le32(root + 12, 49);
    assert_int_equal(apply(52, root, sizeof root, entries, 22, 5), 0);
    rw_store_le32(root + 12, 50);
    assert_int_equal(apply(52, root, sizeof root, entries, 22, 5), 4);
    expect_level(RW_MBP_BID, 2, 1, 29, 6, -1);
    expect_level(RW_MBP_OFFER, 1, 0, 31, 6, -1);
    expect_level(RW_MBP_IMPLIED_OFFER, 1, 0, 33, 6, -1);
    assert_int_equal(apply_book((struct level){7, 51, 2, 1, '0', 0, 0, 0}), 1);
    expect_level(RW_MBP_BID, 1, 0, 29, 6, -1);
}

static void a_channel_reset_empties_all_books(void **state) {
    uint8_t root[9] = {0}, entry[2] = {0};
    const struct rw_mbp_level *levels;
    apply_book((struct level){7, 1, 0, 1, '0', 10, 1, 1});
    assert_int_equal(apply(4, root, sizeof root, entry, sizeof entry, 1), 0);
    assert_int_equal(rw_mbp_levels(mbp, 0, RW_MBP_BID, &levels), 0);
    assert_int_equal(apply_book((struct level){7, 1, 0, 1, '0', 12, 1, 1}), 1);
}

/* Entries of any length hold no level 1, or no number: nothing is read beyond them. */
static void entries_that_are_cut_short_change_nothing(void **state) {
    uint8_t root[11] = {0}, entry[32];
    memset(entry, 1, sizeof entry);
    for (uint32_t bytes = 0; bytes < 26; bytes++) {
        uint8_t *exact = malloc(bytes ? bytes : 1);
        assert_non_null(exact);
        memcpy(exact, entry, bytes);
        assert_int_equal(apply(46, root, sizeof root, exact, bytes, 1), 0);
        free(exact);
    }
    assert_int_equal(rw_stat_get(&counters.updates), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_action_does_what_it_says, fresh),
        cmocka_unit_test_setup(implied_levels_stand_apart_and_have_no_orders, fresh),
        cmocka_unit_test_setup(trades_volumes_and_statistics_count_in_the_numbering, fresh),
        cmocka_unit_test_setup(an_entry_of_no_side_makes_stale, fresh),
        cmocka_unit_test_setup(a_snapshot_makes_a_stale_book_sound, fresh),
        cmocka_unit_test_setup(a_channel_reset_empties_all_books, fresh),
        cmocka_unit_test_setup(entries_that_are_cut_short_change_nothing, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
