/* Placement on invented hosts: neighbours together, the heaviest core as light as can be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "dataplane/base/err.h"
#include "dataplane/base/rng.h"
#include "dataplane/topology/topology.h"

static int no_plan(const void *cfg, const char *name, uint32_t instances, struct rw_plan *plan) {
    return 0;
}
static int no_init(void **stage, const void *cfg, const struct rw_stage_env *env) { return 0; }
static uint32_t no_poll(void *stage, uint32_t budget, uint64_t now_ns) { return 0; }
static const struct rw_stage_type idle = {.plan = no_plan, .init = no_init, .poll = no_poll};

#define STAGES 8u
static const char *const names[STAGES] = {"a", "b", "c", "d", "e", "f", "g", "h"};

/* A line of stages with these weights. */
static struct rw_topology *make_line(const uint32_t *weights) {
    static struct rw_stage_row rows[STAGES];
    static struct rw_link_row links[STAGES - 1];
    for (uint32_t i = 0; i < STAGES; i++)
        rows[i] = (struct rw_stage_row){names[i], &idle, .weight = weights ? weights[i] : 0};
    for (uint32_t i = 0; i + 1 < STAGES; i++)
        links[i] = (struct rw_link_row){names[i], names[i + 1], 16, 8, 1};
    struct rw_topology *made = rw_topology_new(rows, STAGES, links, STAGES - 1);
    assert_non_null(made);
    return made;
}

/* Two sockets, four cores each, two threads a core; siblings are n and n + 8. */
static struct rw_cpus make_host(void) {
    struct rw_cpus cpus = {.count = 16};
    for (uint32_t id = 0; id < 16; id++)
        cpus.cpu[id] =
            (struct rw_cpu){.id = id, .node = id / 4 % 2, .package = id / 4 % 2, .core = id % 4};
    return cpus;
}

static struct rw_placement place(const uint32_t *weights, const struct rw_place_wish *wish) {
    static struct rw_cpus cpus;
    struct rw_placement placement;
    cpus = make_host();
    struct rw_topology *made = make_line(weights);
    assert_int_equal(rw_topology_place(made, &cpus, wish, &placement), 0);
    rw_topology_free(made);
    return placement;
}

static void one_core_takes_all_stages(void **state) {
    struct rw_placement placement = place(NULL, &(struct rw_place_wish){.cores = 1, .pin = true});
    assert_int_equal(placement.cores, 1);
    for (uint32_t i = 0; i < STAGES; i++) assert_int_equal(placement.core_of[i], 0);
}

static void a_core_a_stage_is_the_most(void **state) {
    struct rw_placement placement = place(NULL, &(struct rw_place_wish){.pin = true});
    assert_int_equal(placement.cores, STAGES);
    for (uint32_t i = 0; i < STAGES; i++) assert_int_equal(placement.core_of[i], i);
}

static void a_heavy_stage_gets_a_core_of_its_own(void **state) {
    const uint32_t weights[STAGES] = {1, 1, 10, 1, 1, 1, 1, 1};
    struct rw_placement placement =
        place(weights, &(struct rw_place_wish){.cores = 3, .pin = true});
    assert_int_equal(placement.core_of[1], 0);
    assert_int_equal(placement.core_of[2], 1);
    assert_int_equal(placement.core_of[3], 2);
    assert_int_equal(placement.core_of[7], 2);
}

/* The best cut of the stages from `first` on into `cores` runs, by trying all. */
static uint64_t best_cut(const uint32_t *weights, uint32_t first, uint32_t cores) {
    uint64_t run = 0, best = UINT64_MAX;
    if (cores == 1) {
        for (uint32_t i = first; i < STAGES; i++) run += weights[i];
        return run;
    }
    for (uint32_t end = first + 1; end + cores - 1 <= STAGES; end++) {
        run += weights[end - 1];
        uint64_t rest = best_cut(weights, end, cores - 1), heaviest = run > rest ? run : rest;
        if (heaviest < best) best = heaviest;
    }
    return best;
}

static void no_cut_is_better_than_the_one_chosen(void **state) {
    struct rw_rng rng;
    rw_rng_seed(&rng, 11);
    for (int round = 0; round < 200; round++) {
        uint32_t weights[STAGES], cores = 1 + (uint32_t)rw_rng_below(&rng, STAGES);
        uint64_t load[STAGES] = {0}, heaviest = 0;
        for (uint32_t i = 0; i < STAGES; i++) weights[i] = 1 + (uint32_t)rw_rng_below(&rng, 9);
        struct rw_placement placement = place(weights, &(struct rw_place_wish){.cores = cores});
        for (uint32_t i = 0; i < STAGES; i++) {
            assert_true(placement.core_of[i] < cores);
            assert_true(i == 0 || placement.core_of[i] - placement.core_of[i - 1] <= 1);
            load[placement.core_of[i]] += weights[i];
        }
        for (uint32_t c = 0; c < cores; c++) {
            assert_true(load[c] > 0);
            if (load[c] > heaviest) heaviest = load[c];
        }
        assert_int_equal(heaviest, best_cut(weights, 0, cores));
    }
}

static void chosen_cpus_are_of_one_node_whole_cores_first_and_cpu_0_last(void **state) {
    struct rw_placement placement = place(NULL, &(struct rw_place_wish){.cores = 5, .pin = true});
    /* node 0 has the CPUs 0-3 and 8-11; 8 is preferred to its sibling 0 */
    const int want[] = {1, 2, 3, 8, 9};
    assert_memory_equal(placement.cpu, want, sizeof want);
    assert_non_null(strstr(placement.warning, "CPUs 1 and 9 share one physical core"));
    placement = place(NULL, &(struct rw_place_wish){.cores = 4, .pin = true});
    assert_string_equal(placement.warning, "");
}

static void a_list_is_taken_as_it_is_with_a_warning_for_two_nodes(void **state) {
    const uint32_t list[] = {4, 3};
    struct rw_placement placement =
        place(NULL, &(struct rw_place_wish){.list = list, .list_count = 2, .pin = true});
    assert_int_equal(placement.cores, 2);
    assert_int_equal(placement.cpu[0], 4);
    assert_int_equal(placement.cpu[1], 3);
    assert_non_null(strstr(placement.warning, "CPUs 4 and 3 are on NUMA nodes 1 and 0"));
}

static void floating_threads_have_no_cpu(void **state) {
    struct rw_placement placement = place(NULL, &(struct rw_place_wish){.cores = 2});
    assert_int_equal(placement.cpu[0], -1);
    assert_int_equal(placement.cpu[1], -1);
}

static void impossible_wishes_are_refused_with_the_reason(void **state) {
    static struct rw_cpus cpus;
    cpus = make_host();
    struct rw_topology *made = make_line(NULL);
    const uint32_t twice[] = {2, 3, 2}, beyond[] = {2, 16};
    struct rw_place_wish wish = {.list = twice, .list_count = 3, .pin = true};
    assert_int_equal(rw_topology_place(made, &cpus, &wish, NULL), -EINVAL);
    assert_non_null(strstr(rw_err_text(), "CPU 2 stands twice"));
    wish = (struct rw_place_wish){.list = beyond, .list_count = 2, .pin = true};
    assert_int_equal(rw_topology_place(made, &cpus, &wish, NULL), -EINVAL);
    assert_non_null(strstr(rw_err_text(), "CPU 16 does not exist"));
    wish = (struct rw_place_wish){.list = beyond, .list_count = 0, .pin = true};
    assert_int_equal(rw_topology_place(made, &cpus, &wish, NULL), -EINVAL);
    wish = (struct rw_place_wish){.cores = 17, .pin = true};
    assert_int_equal(rw_topology_place(made, &cpus, &wish, NULL), -EINVAL);
    assert_non_null(strstr(rw_err_text(), "17 cores are wanted, 16 are available"));
    rw_topology_free(made);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_core_takes_all_stages),
        cmocka_unit_test(a_core_a_stage_is_the_most),
        cmocka_unit_test(a_heavy_stage_gets_a_core_of_its_own),
        cmocka_unit_test(no_cut_is_better_than_the_one_chosen),
        cmocka_unit_test(chosen_cpus_are_of_one_node_whole_cores_first_and_cpu_0_last),
        cmocka_unit_test(a_list_is_taken_as_it_is_with_a_warning_for_two_nodes),
        cmocka_unit_test(floating_threads_have_no_cpu),
        cmocka_unit_test(impossible_wishes_are_refused_with_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
