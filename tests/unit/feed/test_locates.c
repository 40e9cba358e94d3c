/* Numbers for keys: each key one, in the order met, and none beyond the plan. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dataplane/base/rng.h"
#include "dataplane/feed/locates.h"

static struct rw_locates *make(uint32_t max) {
    return rw_locates_new(aligned_alloc(64, rw_locates_footprint(max)), max);
}

static void beyond_the_plan_a_key_gets_none_and_the_others_keep_theirs(void **state) {
    struct rw_locates *locates = make(3);
    bool is_new;
    for (uint64_t key = 0; key < 3; key++) {
        assert_int_equal(rw_locates_find(locates, key, &is_new), key + 1);
        assert_true(is_new);
    }
    assert_int_equal(rw_locates_find(locates, 99, &is_new), 0);
    assert_false(is_new);
    for (uint64_t key = 0; key < 3; key++) {
        assert_int_equal(rw_locates_find(locates, key, &is_new), key + 1);
        assert_false(is_new);
    }
    assert_int_equal(rw_locates_count(locates), 3);
    free(locates);
}

static void all_numbers_there_are_can_be_given(void **state) {
    struct rw_locates *locates = make(RW_LOCATES_MAX);
    struct rw_rng rng;
    bool is_new;
    for (uint32_t round = 0; round < 2; round++) {
        rw_rng_seed(&rng, 5);
        for (uint32_t i = 1; i <= RW_LOCATES_MAX; i++) {
            assert_int_equal(rw_locates_find(locates, rw_rng_next(&rng), &is_new), i);
            assert_int_equal(is_new, round == 0);
        }
    }
    rw_locates_clear(locates);
    assert_int_equal(rw_locates_count(locates), 0);
    assert_int_equal(rw_locates_find(locates, 7, &is_new), 1);
    assert_true(is_new);
    free(locates);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(beyond_the_plan_a_key_gets_none_and_the_others_keep_theirs),
        cmocka_unit_test(all_numbers_there_are_can_be_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
