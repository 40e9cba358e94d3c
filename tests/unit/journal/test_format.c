/* The block codec: what it seals it accepts, anything else it refuses. */
#include "dataplane/journal/walk.h"
#include "tests/unit/journal/journal_fixture.h"

#define STORE 77u

static uint32_t make_record(uint8_t *block, uint32_t entries) {
    struct rw_journal_head head = {
        .first_sequence = 100,
        .count = entries,
        .flags = RW_JOURNAL_ITEMS,
        .epoch = 3,
        .store_id = STORE,
        .number = 9,
        .version = RW_JOURNAL_VERSION,
    };
    for (uint32_t i = 0; i < entries; i++) {
        uint8_t *at = block + RW_JOURNAL_HEAD_BYTES + head.payload_bytes;
        uint32_t bytes = make_entry(at, 100 + i, 0);
        head.chain = rw_hash_chain(head.chain, at, bytes);
        head.payload_bytes += bytes;
    }
    return rw_journal_seal_head(block, &head);
}

static void every_bit_of_a_record_is_covered(void **state) {
    uint8_t block[3 * RW_JOURNAL_BLOCK];
    struct rw_journal_head head;
    uint32_t bytes = make_record(block, 35);
    assert_int_equal(rw_journal_check(block, bytes, STORE, &head), RW_JOURNAL_GOOD);
    for (uint32_t bit = 0; bit < bytes * 8; bit++) {
        block[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(rw_journal_check(block, bytes, STORE, &head), RW_JOURNAL_GOOD);
        block[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(rw_journal_check(block, bytes, STORE + 1, &head), RW_JOURNAL_BAD_FIELD);
    for (uint32_t room = 0; room < bytes; room++)
        assert_int_not_equal(rw_journal_check(block, room, STORE, &head), RW_JOURNAL_GOOD);
}

static void every_bit_of_a_segment_head_is_covered(void **state) {
    uint8_t block[RW_JOURNAL_BLOCK];
    struct rw_journal_segment_head head = {
        .store_id = STORE, .index = 1, .segment_bytes = 1u << 20, .kind = RW_JOURNAL_LOG};
    rw_journal_seal_segment(block, &head);
    assert_int_equal(rw_journal_check_segment(block, &head), RW_JOURNAL_GOOD);
    for (uint32_t bit = 0; bit < sizeof block * 8; bit++) {
        block[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(rw_journal_check_segment(block, &head), RW_JOURNAL_GOOD);
        block[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void skipping_items_moves_the_chain_on(void **state) {
    uint8_t block[3 * RW_JOURNAL_BLOCK];
    struct rw_journal_head head;
    uint32_t bytes = make_record(block, 35);
    struct rw_journal_record record, rest;
    assert_int_equal(rw_journal_check(block, bytes, STORE, &head), RW_JOURNAL_GOOD);
    assert_int_equal(rw_record_view(&record, &head, block, (struct rw_place){1, 4096},
                                    RW_JOURNAL_LOG, NULL, UINT64_MAX),
                     1);
    assert_int_equal(check_record(&record, 0), 135);
    rest = record;
    assert_true(rw_journal_skip(&rest, RW_JOURNAL_LOG, 120));
    assert_int_equal(rest.count, 15);
    assert_int_equal(check_record(&rest, 0), 135);
}

static void a_malformed_item_stops_a_skip(void **state) {
    uint8_t payload[RW_SLOT_BYTES] = {0};
    struct rw_journal_record record = {
        .first_sequence = 1, .count = 1, .bytes = sizeof payload, .payload = payload};
    assert_false(rw_journal_skip(&record, RW_JOURNAL_LOG, 2));
    payload[offsetof(struct rw_entry, slots)] = 2;
    assert_false(rw_journal_skip(&record, RW_JOURNAL_LOG, 2));
}

static void the_index_thins_out_and_still_leads_to_a_row_before(void **state) {
    struct rw_index_row rows[64];
    struct rw_index index = {.rows = rows, .max = 64};
    for (uint64_t sequence = 1; sequence < 1000000; sequence += 100)
        rw_index_add(&index, sequence,
                     (struct rw_place){1, (sequence / 100 + 1) * RW_JOURNAL_BLOCK});
    struct rw_place place;
    for (uint64_t sequence = 1; sequence < 1000000; sequence += 777) {
        assert_true(rw_index_find(&index, sequence, &place));
        assert_true((place.offset / RW_JOURNAL_BLOCK - 1) * 100 + 1 <= sequence);
    }
    assert_true(index.count <= 64 && index.count >= 16);
    rw_index_cut(&index, 1000);
    assert_int_equal(index.count, 1);
    assert_false(rw_index_find(&index, 0, &place));
}

static void a_lower_cut_replaces_higher_ones_and_the_table_has_a_limit(void **state) {
    static struct rw_cuts cuts;
    for (uint64_t i = 0; i < RW_CUTS_MAX; i++) {
        struct rw_cut cut = {.place = {1, (i + 1) * 4096}, .sequence = 10 + i};
        assert_true(rw_cuts_push(&cuts, &cut));
    }
    struct rw_cut more = {.place = {2, 4096}, .sequence = 10000},
                  low = {.place = {2, 8192}, .sequence = 15};
    assert_false(rw_cuts_push(&cuts, &more));
    assert_true(rw_cuts_push(&cuts, &low));
    assert_int_equal(cuts.count, 6);
    assert_int_equal(rw_cuts_limit(&cuts, (struct rw_place){1, 0})->sequence, 10);
    assert_int_equal(rw_cuts_limit(&cuts, (struct rw_place){1, 1u << 20})->sequence, 15);
    assert_null(rw_cuts_limit(&cuts, (struct rw_place){2, 8192}));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bit_of_a_record_is_covered),
        cmocka_unit_test(every_bit_of_a_segment_head_is_covered),
        cmocka_unit_test(skipping_items_moves_the_chain_on),
        cmocka_unit_test(a_malformed_item_stops_a_skip),
        cmocka_unit_test(the_index_thins_out_and_still_leads_to_a_row_before),
        cmocka_unit_test(a_lower_cut_replaces_higher_ones_and_the_table_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
