/* The newest part of the log: what is kept is never overwritten, what is held reads back as it
 * was put. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/base/rng.h"
#include "replication/log_memory.h"

#define SLOTS 1024u

static struct rw_log_memory *make(uint64_t next_sequence) {
    void *memory = aligned_alloc(64, (rw_log_memory_footprint(SLOTS, SLOTS) + 63) & ~63ul);
    return rw_log_memory_new(memory, SLOTS, SLOTS, next_sequence);
}

/* The content of slot i of an entry is a function of both, so that it can be checked later. */
static void fill(uint8_t *slot, uint64_t sequence, uint8_t i) {
    memset(slot, (int)(sequence * 7 + i), RW_SLOT_BYTES);
}

static void put(struct rw_log_memory *log, uint64_t sequence, uint8_t slots) {
    rw_log_memory_put(log, sequence, slots);
    for (uint8_t i = 0; i < slots; i++) fill(rw_log_memory_slot(log, sequence, i), sequence, i);
}

static void check(struct rw_log_memory *log, uint64_t sequence) {
    uint8_t out[RW_ENTRY_SLOTS_MAX * RW_SLOT_BYTES], wanted[RW_SLOT_BYTES];
    uint8_t slots = rw_log_memory_slots(log, sequence);
    assert_int_equal(rw_log_memory_copy(log, sequence, out), slots * RW_SLOT_BYTES);
    for (uint8_t i = 0; i < slots; i++) {
        fill(wanted, sequence, i);
        assert_memory_equal(out + i * RW_SLOT_BYTES, wanted, RW_SLOT_BYTES);
    }
}

static void an_empty_log_holds_nothing_and_has_all_its_room(void **state) {
    struct rw_log_memory *log = make(5);
    assert_false(rw_log_memory_holds(log, 4));
    assert_false(rw_log_memory_holds(log, 5));
    assert_int_equal(rw_log_memory_last(log), 4);
    assert_int_equal(rw_log_memory_room(log), SLOTS * RW_SLOT_BYTES);
    free(log);
}

static void room_falls_to_nothing_while_all_is_kept(void **state) {
    struct rw_log_memory *log = make(1);
    rw_log_memory_keep(log, 1);
    for (uint64_t sequence = 1; sequence <= SLOTS; sequence++) put(log, sequence, 1);
    assert_int_equal(rw_log_memory_room(log), 0);
    rw_log_memory_keep(log, 11);
    assert_int_equal(rw_log_memory_room(log), 10 * RW_SLOT_BYTES);
    free(log);
}

static void a_cut_forgets_what_is_above_and_the_log_goes_on_there(void **state) {
    struct rw_log_memory *log = make(1);
    for (uint64_t sequence = 1; sequence <= 20; sequence++) put(log, sequence, 2);
    rw_log_memory_cut(log, 12);
    assert_int_equal(rw_log_memory_last(log), 12);
    assert_false(rw_log_memory_holds(log, 13));
    put(log, 13, 3);
    check(log, 12);
    check(log, 13);
    free(log);
}

static void a_cut_below_what_is_held_leaves_an_empty_log(void **state) {
    struct rw_log_memory *log = make(100);
    put(log, 100, 1);
    rw_log_memory_cut(log, 50);
    assert_int_equal(rw_log_memory_last(log), 50);
    put(log, 51, 1);
    check(log, 51);
    free(log);
}

static void random_use_never_loses_a_kept_entry(void **state) {
    uint64_t seed = getenv("RW_SEED") ? strtoull(getenv("RW_SEED"), NULL, 10) : 1;
    printf("RW_SEED=%llu\n", (unsigned long long)seed);
    struct rw_rng rng;
    rw_rng_seed(&rng, seed);
    struct rw_log_memory *log = make(1);
    uint64_t next = 1, keep = 1;
    for (uint32_t step = 0; step < 200000; step++) {
        uint8_t slots = (uint8_t)(1 + rw_rng_below(&rng, RW_ENTRY_SLOTS_MAX));
        if (rw_log_memory_room(log) >= slots * RW_SLOT_BYTES) put(log, next++, slots);
        if (rw_rng_chance(&rng, 1, 4)) {
            keep += rw_rng_below(&rng, next - keep + 1);
            rw_log_memory_keep(log, keep);
        }
        if (rw_rng_chance(&rng, 1, 200) && next > keep) {
            next = keep + rw_rng_below(&rng, next - keep) + 1;
            rw_log_memory_cut(log, next - 1);
        }
        if (next <= keep) continue;
        assert_true(rw_log_memory_first(log) <= keep);
        check(log, keep);
        check(log, next - 1);
    }
    free(log);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_log_holds_nothing_and_has_all_its_room),
        cmocka_unit_test(room_falls_to_nothing_while_all_is_kept),
        cmocka_unit_test(a_cut_forgets_what_is_above_and_the_log_goes_on_there),
        cmocka_unit_test(a_cut_below_what_is_held_leaves_an_empty_log),
        cmocka_unit_test(random_use_never_loses_a_kept_entry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
