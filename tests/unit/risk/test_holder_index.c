/* Sorted lists in one pool, and the set of executions, against plain tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/base/rng.h"
#include "risk/exec_set.h"
#include "risk/holder_index.h"
#include "tests/unit/risk/risk_driver.h"

#define LISTS      20u
#define PORTFOLIOS 150u

static void the_pool_suffices_for_every_order_of_insertion(void **state) {
    struct rw_rng rng;
    rw_rng_seed(&rng, seed_of_run(7040));
    for (uint32_t run = 0; run < 200; run++) {
        uint32_t added = 1 + (uint32_t)rw_rng_below(&rng, 1500),
                 lists = 1 + (uint32_t)rw_rng_below(&rng, LISTS);
        bool there[LISTS][PORTFOLIOS] = {{false}};
        uint32_t size = rw_holder_pool_size(0, added), done = 0;
        struct rw_holder_index index = {calloc(size, sizeof(struct rw_holder)), 0, size};
        struct rw_holder_list list[LISTS] = {{0}};
        for (uint32_t i = 0; i < added; i++) {
            uint32_t at = (uint32_t)rw_rng_below(&rng, lists),
                     p = (uint32_t)rw_rng_below(&rng, PORTFOLIOS);
            assert_int_equal(rw_holder_find(&index, &list[at], p) != NULL, there[at][p]);
            if (there[at][p]) continue;
            there[at][p] = true;
            struct rw_holder *holder = rw_holder_insert(&index, &list[at], p, i);
            assert_int_equal(holder->portfolio, p);
            assert_int_equal(holder->units, 0);
            holder->units = p + 1;
            done++;
        }
        uint32_t counted = 0;
        for (uint32_t at = 0; at < lists; at++) {
            const struct rw_holder *holders = index.pool + list[at].first;
            counted += list[at].count;
            for (uint32_t i = 0; i < list[at].count; i++) {
                assert_true(there[at][holders[i].portfolio]);
                assert_int_equal(holders[i].units, holders[i].portfolio + 1);
                if (i > 0) assert_true(holders[i - 1].portfolio < holders[i].portfolio);
            }
        }
        assert_int_equal(counted, done);
        free(index.pool);
    }
}

static void executions_are_new_once_whatever_their_pattern(void **state) {
    static const uint64_t steps[] = {1, 4, 64, 1ull << 32, 0x9E3779B97F4A7C15ull};
    for (size_t s = 0; s < sizeof steps / sizeof steps[0]; s++) {
        struct rw_exec_set set;
        struct rw_exec_cell *cell;
        void *memory = aligned_zeroed(rw_exec_set_footprint(5000));
        rw_exec_set_new(&set, memory, 5000);
        for (uint64_t i = 0; i < 5000; i++) {
            assert_int_equal(rw_exec_set_put(&set, i * steps[s], i << 33, &cell), RW_EXEC_NEW);
            cell->fill = (uint32_t)i + 1;
        }
        for (uint64_t i = 0; i < 5000; i++) {
            const uint64_t id = i * steps[s], digest = i << 33;
            assert_int_equal(rw_exec_set_put(&set, id, digest, &cell), RW_EXEC_DUPLICATE);
            assert_int_equal(rw_exec_set_put(&set, id, digest + (1ull << 33), &cell),
                             RW_EXEC_CONFLICT);
            assert_int_equal(rw_exec_set_fill(&set, id), i + 1);
        }
        assert_int_equal(rw_exec_set_put(&set, 5000 * steps[s], 0, &cell), RW_EXEC_FULL);
        assert_int_equal(rw_exec_set_fill(&set, 5000 * steps[s]), 0);
        free(memory);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_pool_suffices_for_every_order_of_insertion),
        cmocka_unit_test(executions_are_new_once_whatever_their_pattern),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
