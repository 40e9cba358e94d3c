/* What deliver_core promises under any order of taking, storing, committing and reading back:
 * every result is released once and in order, none above the commit index, none before it is
 * stored. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/base/rng.h"
#include "dataplane/delivery/deliver_core.h"
#include "tests/unit/delivery/results.h"

#define DEPTH   64u
#define BLOCK   16u
#define RECORDS 20000u

static struct rw_deliver_core *make_core(void) {
    size_t bytes = (rw_deliver_core_footprint(DEPTH) + 63) / 64 * 64;
    void *memory = aligned_alloc(64, bytes);
    memset(memory, 0, bytes);
    return rw_deliver_core_new(memory, DEPTH, BLOCK);
}

static void put_input(struct rw_deliver_core *core, uint64_t input, uint64_t first,
                      uint64_t count) {
    for (uint64_t s = first; s < first + count; s++) {
        struct rw_result record = make_result(s, input);
        rw_deliver_core_put(core, &record);
    }
    struct rw_result end = make_end(input, count, first + count - 1);
    rw_deliver_core_put(core, &end);
}

static void store_all(struct rw_deliver_core *core) {
    struct rw_deliver_batch batch;
    struct rw_deliver_state state;
    while (rw_deliver_core_batch(core, BLOCK, &batch)) rw_deliver_core_appended(core, &batch);
    rw_deliver_core_state(core, &state);
    rw_deliver_core_stored(core, state.appended);
}

static void nothing_is_released_above_the_commit_index(void **state) {
    struct rw_deliver_core *core = make_core();
    struct rw_deliver_next next;
    put_input(core, 5, 1, 2);
    put_input(core, 9, 3, 1);
    store_all(core);
    assert_int_equal(rw_deliver_core_next(core, 4, &next), RW_DELIVER_NOTHING);
    assert_int_equal(rw_deliver_core_next(core, 5, &next), RW_DELIVER_RECORD);
    assert_true(is_result(next.record, 1));
    rw_deliver_core_released(core);
    rw_deliver_core_released(core);
    assert_int_equal(rw_deliver_core_next(core, 8, &next), RW_DELIVER_NOTHING);
    assert_int_equal(rw_deliver_core_next(core, 9, &next), RW_DELIVER_RECORD);
    free(core);
}

static void nothing_is_released_before_it_is_stored(void **state) {
    struct rw_deliver_core *core = make_core();
    struct rw_deliver_next next;
    struct rw_deliver_batch batch;
    put_input(core, 1, 1, 3);
    assert_int_equal(rw_deliver_core_next(core, 100, &next), RW_DELIVER_NOTHING);
    assert_true(rw_deliver_core_batch(core, BLOCK, &batch));
    rw_deliver_core_appended(core, &batch);
    assert_int_equal(rw_deliver_core_next(core, 100, &next), RW_DELIVER_NOTHING);
    assert_int_equal(rw_deliver_core_stored(core, 2), 0);
    assert_int_equal(rw_deliver_core_next(core, 100, &next), RW_DELIVER_RECORD);
    assert_int_equal(rw_deliver_core_stored(core, 3), 1);
    free(core);
}

static void a_block_holds_whole_inputs_and_ends_with_their_hash(void **state) {
    struct rw_deliver_core *core = make_core();
    struct rw_deliver_batch batch;
    put_input(core, 1, 1, 6);
    put_input(core, 2, 7, 6);
    put_input(core, 3, 13, 6);
    struct rw_result alone = make_result(19, 4);
    rw_deliver_core_put(core, &alone); /* its end marker has not come */
    assert_true(rw_deliver_core_batch(core, BLOCK, &batch));
    assert_int_equal(batch.first, 1);
    assert_int_equal(batch.count, 12);
    assert_int_equal(batch.note.input_sequence, 2);
    assert_int_equal(batch.note.last_result, 12);
    assert_true(batch.note.rh_low == 2 * 0x9E3779B97F4A7C15ull);
    rw_deliver_core_appended(core, &batch);
    assert_false(rw_deliver_core_batch(core, 5, &batch));
    assert_true(rw_deliver_core_batch(core, 6, &batch));
    assert_int_equal(batch.count, 6);
    rw_deliver_core_appended(core, &batch);
    assert_false(rw_deliver_core_batch(core, BLOCK, &batch));
    free(core);
}

static void an_input_larger_than_a_block_leaves_in_pieces(void **state) {
    struct rw_deliver_core *core = make_core();
    struct rw_deliver_batch batch;
    put_input(core, 1, 1, 2 * BLOCK + 3);
    assert_false(rw_deliver_core_batch(core, BLOCK - 1, &batch));
    uint64_t counts[3] = {BLOCK, BLOCK, 3}, inputs[3] = {0, 0, 1};
    for (int i = 0; i < 3; i++) {
        assert_true(rw_deliver_core_batch(core, BLOCK, &batch));
        assert_int_equal(batch.count, counts[i]);
        assert_int_equal(batch.note.input_sequence, inputs[i]);
        rw_deliver_core_appended(core, &batch);
    }
    assert_int_equal(rw_deliver_core_stored(core, 2 * BLOCK + 3), 1);
    free(core);
}

static void ends_without_records_count_as_stored(void **state) {
    struct rw_deliver_core *core = make_core();
    struct rw_deliver_batch batch;
    for (uint64_t i = 1; i <= 3 * RW_DELIVER_ENDS; i++) {
        assert_true(rw_deliver_core_room(core) > 0);
        struct rw_result end = make_end(i * 1024, 0, 0);
        rw_deliver_core_put(core, &end);
        assert_false(rw_deliver_core_batch(core, BLOCK, &batch));
        assert_int_equal(rw_deliver_core_stored(core, 0), i * 1024);
    }
    free(core);
}

static void room_is_used_up_only_by_what_is_not_appended(void **state) {
    struct rw_deliver_core *core = make_core();
    uint64_t sequence = 1, input = 1;
    while (rw_deliver_core_room(core) > 8) {
        put_input(core, input++, sequence, 8);
        sequence += 8;
    }
    store_all(core);
    assert_int_equal(rw_deliver_core_room(core), DEPTH); /* nothing is released, all is stored */
    free(core);
}

static void the_close_of_the_session_is_told_when_it_is_released(void **state) {
    struct rw_deliver_core *core = make_core();
    struct rw_deliver_state now;
    struct rw_deliver_next next;
    struct rw_result record = make_result(1, 1);
    record.kind = RW_RESULT_SESSION_CLOSE;
    rw_deliver_core_put(core, &record);
    struct rw_result end = make_end(1, 1, 1);
    rw_deliver_core_put(core, &end);
    store_all(core);
    assert_int_equal(rw_deliver_core_next(core, 1, &next), RW_DELIVER_RECORD);
    rw_deliver_core_state(core, &now);
    assert_false(now.closed);
    rw_deliver_core_released(core);
    rw_deliver_core_state(core, &now);
    assert_true(now.closed);
    free(core);
}

/* The model beside the core: a journal that is an array, and how far everything is. */
struct model {
    struct rw_rng rng;
    struct rw_deliver_core *core;
    struct rw_result *journal; /* [sequence − 1] */
    uint64_t put, appended, stored, released, input, commit;
    uint64_t asked; /* sequence of the read under way, 0 = none */
    uint64_t rereads, failures;
};

static void step_put(struct model *model) {
    uint64_t room = rw_deliver_core_room(model->core);
    uint64_t count = rw_rng_below(&model->rng, rw_rng_chance(&model->rng, 1, 20) ? 3 * BLOCK : 5);
    if (model->put >= RECORDS || room < count + 1) return;
    model->input += 1 + rw_rng_below(&model->rng, 3);
    put_input(model->core, model->input, model->put + 1, count);
    model->put += count;
}

static void step_append(struct model *model) {
    struct rw_deliver_batch batch;
    uint64_t room = rw_rng_chance(&model->rng, 1, 2) ? BLOCK : rw_rng_below(&model->rng, BLOCK + 1);
    if (!rw_deliver_core_batch(model->core, room, &batch)) return;
    assert_true(batch.count <= BLOCK && batch.first == model->appended + 1);
    assert_int_equal(batch.part_count[0] + batch.part_count[1], batch.count);
    for (uint32_t p = 0; p < 2; p++)
        for (uint64_t i = 0; i < batch.part_count[p]; i++)
            model->journal[model->appended++] = batch.part[p][i];
    rw_deliver_core_appended(model->core, &batch);
}

static void step_store(struct model *model) {
    model->stored += rw_rng_below(&model->rng, model->appended - model->stored + 1);
    uint64_t input = rw_deliver_core_stored(model->core, model->stored);
    assert_true(input <= model->input);
}

static void step_release(struct model *model) {
    struct rw_deliver_next next;
    if (model->asked && rw_rng_chance(&model->rng, 1, 2)) {
        bool failed = rw_rng_chance(&model->rng, 1, 4);
        uint64_t count = 1 + rw_rng_below(&model->rng, 2 * BLOCK);
        if (count > model->stored - model->asked + 1) count = model->stored - model->asked + 1;
        rw_deliver_core_reread(model->core, &model->journal[model->asked - 1], failed ? 0 : count);
        model->asked = 0;
        model->failures += failed;
    }
    switch (rw_deliver_core_next(model->core, model->commit, &next)) {
    case RW_DELIVER_RECORD:
        assert_int_equal(model->asked, 0);
        assert_true(is_result(next.record, model->released + 1));
        assert_true(next.record->input_sequence <= model->commit);
        model->released++;
        assert_true(model->released <= model->stored);
        rw_deliver_core_released(model->core);
        break;
    case RW_DELIVER_REREAD:
        assert_int_equal(model->asked, 0);
        assert_int_equal(next.sequence, model->released + 1);
        assert_true(next.sequence <= model->stored);
        model->asked = next.sequence;
        model->rereads++;
        break;
    case RW_DELIVER_NOTHING:
        break;
    }
}

static uint64_t seed_of_run(void) {
    const char *text = getenv("RW_SEED");
    return text ? strtoull(text, NULL, 0) : 20261121;
}

static void every_result_is_released_once_in_order_whatever_the_commit_index_does(void **state) {
    uint64_t seed = seed_of_run();
    for (uint64_t run = 0; run < 8; run++) {
        print_message("RW_SEED=%lu run %lu\n", (unsigned long)seed, (unsigned long)run);
        struct model model = {.core = make_core()};
        rw_rng_seed(&model.rng, seed + run);
        model.journal = calloc(RECORDS + 3 * BLOCK, sizeof *model.journal);
        uint64_t pace = 2 + rw_rng_below(&model.rng, 60); /* of the commit index */
        uint64_t steps = 0;
        while (model.released < model.put || model.put < RECORDS) {
            assert_true(++steps < 100 * RECORDS);
            if (rw_rng_chance(&model.rng, 1, pace)) {
                /* now and then far ahead of what has come, as after a restart */
                model.commit +=
                    rw_rng_below(&model.rng, rw_rng_chance(&model.rng, 1, 50) ? 500 : 100);
            }
            switch (rw_rng_below(&model.rng, 4)) {
            case 0:
                step_put(&model);
                break;
            case 1:
                step_append(&model);
                break;
            case 2:
                step_store(&model);
                break;
            case 3:
                for (int i = 0; i < 4; i++) step_release(&model);
                break;
            }
        }
        assert_int_equal(model.released, model.put);
        free(model.journal);
        free(model.core);
    }
}

static void a_backlog_beyond_memory_is_read_back_from_the_journal(void **state) {
    struct model model = {.core = make_core()};
    rw_rng_seed(&model.rng, 3);
    model.journal = calloc(RECORDS + 3 * BLOCK, sizeof *model.journal);
    while (model.put < 50 * DEPTH) {
        step_put(&model);
        step_append(&model);
        step_store(&model);
    }
    assert_int_equal(model.released, 0);
    model.commit = model.input;
    uint64_t steps = 0;
    while (model.released < model.put) {
        assert_true(++steps < 100 * RECORDS);
        step_release(&model);
        step_append(&model);
        step_store(&model);
    }
    assert_true(model.rereads > 10);
    assert_true(model.failures > 0);
    free(model.journal);
    free(model.core);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_released_above_the_commit_index),
        cmocka_unit_test(nothing_is_released_before_it_is_stored),
        cmocka_unit_test(a_block_holds_whole_inputs_and_ends_with_their_hash),
        cmocka_unit_test(an_input_larger_than_a_block_leaves_in_pieces),
        cmocka_unit_test(ends_without_records_count_as_stored),
        cmocka_unit_test(room_is_used_up_only_by_what_is_not_appended),
        cmocka_unit_test(the_close_of_the_session_is_told_when_it_is_released),
        cmocka_unit_test(every_result_is_released_once_in_order_whatever_the_commit_index_does),
        cmocka_unit_test(a_backlog_beyond_memory_is_read_back_from_the_journal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
