/* Watermarks: the role word, and the ring of (sequence → hash) read while it is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>

#include "dataplane/link/watermark.h"

#define PUTS 400000u

static struct rw_seq_ring seq_ring;
static struct rw_word done, published;

static void the_role_word_gives_back_what_was_packed(void **state) {
    uint64_t word = rw_role_pack(77, RW_MODE_SOLO, RW_ROLE_LEAD);
    assert_int_equal(rw_epoch_of(word), 77);
    assert_int_equal(rw_mode_of(word), RW_MODE_SOLO);
    assert_int_equal(rw_role_of(word), RW_ROLE_LEAD);
}

static void a_cell_is_found_until_it_is_overwritten(void **state) {
    uint64_t low, high;
    memset(&seq_ring, 0, sizeof seq_ring);
    assert_false(rw_seq_ring_get(&seq_ring, 1, &low, &high));
    rw_seq_ring_put(&seq_ring, 1, 10, 11);
    assert_true(rw_seq_ring_get(&seq_ring, 1, &low, &high));
    assert_int_equal(low, 10);
    assert_int_equal(high, 11);
    rw_seq_ring_put(&seq_ring, 1 + RW_SEQ_RING_CELLS, 12, 13);
    assert_false(rw_seq_ring_get(&seq_ring, 1, &low, &high));
    assert_true(rw_seq_ring_get(&seq_ring, 1 + RW_SEQ_RING_CELLS, &low, &high));
}

/* Writes one cell over and over (sequences that share it), so that readers meet it half-written. */
static void *put_all(void *unused) {
    for (uint64_t i = 1; i <= PUTS; i++) {
        uint64_t sequence = i * RW_SEQ_RING_CELLS;
        rw_seq_ring_put(&seq_ring, sequence, sequence * 3, sequence * 5);
        rw_word_set(&published, sequence);
        if (i % 64 == 0) sched_yield();
    }
    rw_word_set(&done, 1);
    return NULL;
}

static void a_reader_never_gets_half_a_cell(void **state) {
    pthread_t writer;
    uint64_t read = 0, wrong = 0, low, high;
    memset(&seq_ring, 0, sizeof seq_ring);
    assert_int_equal(pthread_create(&writer, NULL, put_all, NULL), 0);
    while (!rw_word_get(&done)) {
        uint64_t sequence = rw_word_get(&published);
        for (int tries = 0; sequence && tries < 4; tries++, sequence += RW_SEQ_RING_CELLS) {
            if (!rw_seq_ring_get(&seq_ring, sequence, &low, &high)) continue;
            read++;
            wrong += low != sequence * 3 || high != sequence * 5;
        }
        sched_yield();
    }
    pthread_join(writer, NULL);
    assert_int_equal(wrong, 0);
    assert_true(rw_seq_ring_get(&seq_ring, (uint64_t)PUTS * RW_SEQ_RING_CELLS, &low, &high));
    print_message("%llu cells were read meanwhile\n", (unsigned long long)read);
}

/* What was written before a watermark is visible after it: TSan sees a race here if it is not. */
static uint64_t plain;
static void *set_plain(void *unused) {
    plain = 42;
    rw_word_set(&published, UINT64_MAX);
    return NULL;
}

static void what_precedes_a_watermark_is_visible_after_it(void **state) {
    pthread_t writer;
    rw_word_set(&published, 0);
    assert_int_equal(pthread_create(&writer, NULL, set_plain, NULL), 0);
    while (rw_word_get(&published) != UINT64_MAX) sched_yield();
    assert_int_equal(plain, 42);
    pthread_join(writer, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_role_word_gives_back_what_was_packed),
        cmocka_unit_test(a_cell_is_found_until_it_is_overwritten),
        cmocka_unit_test(a_reader_never_gets_half_a_cell),
        cmocka_unit_test(what_precedes_a_watermark_is_visible_after_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
