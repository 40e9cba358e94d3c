/* Topologies of toy stages: expansion, each check with its sentence, build, a run on threads,
 * failure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <stdio.h>

#include "dataplane/base/err.h"
#include "dataplane/topology/topology.h"

/* A toy stage: passes 64-bit numbers from all inputs to all outputs; without inputs it makes
 * them. */
struct toy {
    struct rw_stage_env env;
    const void *cfg;
    uint64_t made, passed;
};

static uint64_t made_at_most;
static char fini_order[256], fails[16];

static int toy_plan(const void *cfg, const char *name, uint32_t instances, struct rw_plan *plan) {
    if (!strcmp(fails, "plan")) return rw_err_set(ENOMEM, "no plan today");
    rw_plan_add(plan, name, "state", sizeof(struct toy));
    return 0;
}

static int toy_init(void **stage, const void *cfg, const struct rw_stage_env *env) {
    if (!strcmp(fails, env->name)) return rw_err_set(EIO, "the device is broken");
    struct toy *toy = rw_arena_take(env->arena, env->name, "state");
    toy->env = *env;
    toy->cfg = cfg;
    *stage = toy;
    return 0;
}

static int toy_init_priv(void *stage, const void *cfg, const struct rw_stage_env *env) {
    return !strcmp(fails, "priv") ? rw_err_set(EPERM, "not allowed") : 0;
}

/* repl is silent: as leader's it passes nothing on, its links out belong to the follower. */
static void emit(struct toy *toy, uint64_t value) {
    if (!strcmp(toy->env.name, "repl")) return;
    for (uint32_t i = 0; i < toy->env.out_count; i++) {
        rw_ring_room(toy->env.out[i], 1);
        *(uint64_t *)rw_ring_slot(toy->env.out[i], 0) = value;
        rw_ring_push(toy->env.out[i], 1);
    }
}

static uint32_t toy_poll(void *stage, uint32_t budget, uint64_t now_ns) {
    struct toy *toy = stage;
    uint32_t work = 0;
    if (!toy->env.in_count)
        for (; work < budget && toy->made < made_at_most; work++) emit(toy, ++toy->made);
    for (uint32_t i = 0; i < toy->env.in_count; i++) {
        while (work < budget && rw_ring_ready(toy->env.in[i], 1)) {
            emit(toy, *(const uint64_t *)rw_ring_front(toy->env.in[i], 0));
            rw_ring_pop(toy->env.in[i], 1);
            toy->passed++;
            work++;
        }
    }
    return work;
}

static void toy_fini(void *stage) {
    const struct toy *toy = stage;
    strcat(fini_order, toy->env.name);
    strcat(fini_order, " ");
}

static const struct rw_stage_type toy = {.name = "toy",
                                         .plan = toy_plan,
                                         .init_priv = toy_init_priv,
                                         .init = toy_init,
                                         .poll = toy_poll,
                                         .fini = toy_fini};

/* The shape of the appliance, with toys. */
static const struct rw_stage_row stages[] = {
    {"rx", &toy},    {"feed", &toy}, {"enrich", &toy},  {"risk", &toy, .instances = 2},
    {"merge", &toy}, {"repl", &toy}, {"deliver", &toy},
};
static const struct rw_link_row links[] = {
    {"rx", "feed", 64, 8, 1},
    {"feed", "enrich", 64, 8, 1},
    {"repl", "enrich", 64, 8, 1, .role = RW_LINK_FOLLOWER},
    {"enrich", "risk", 64, 8, 1, .role = RW_LINK_LEADER},
    {"enrich", "repl", 64, 8, 1, .role = RW_LINK_LEADER},
    {"repl", "risk", 64, 8, 1, .role = RW_LINK_FOLLOWER},
    {"risk", "merge", 64, 8, 1},
    {"merge", "deliver", 64, 8, 1},
    {"cold", "repl", 16, 64, 1},
    {"deliver", "cold", 16, 64, 1},
};
#define COUNT(array) (uint32_t)(sizeof(array) / sizeof(array)[0])

static struct rw_topology *make_appliance(void) {
    struct rw_topology *made = rw_topology_new(stages, COUNT(stages), links, COUNT(links));
    if (!made) fail_msg("%s", rw_err_text());
    return made;
}

static struct rw_stats *stats;
static struct rw_clock wall;

static int build(struct rw_topology *made, uint32_t cores) {
    struct rw_plan *plan;
    static const struct rw_cpus two = {.count = 2, .cpu = {{.id = 0}, {.id = 1, .core = 1}}};
    int rc = rw_topology_plan(made, &plan);
    if (!rc) rc = rw_topology_place(made, &two, &(struct rw_place_wish){.cores = cores}, NULL);
    wall = rw_clock_tsc();
    stats = rw_stats_create(NULL, "toy", 1);
    struct rw_topology_env env = {.clock = &wall, .stats = stats, .idle = RW_IDLE_YIELD};
    return rc ? rc : rw_topology_build(made, &env);
}

static int reset(void **state) {
    fails[0] = fini_order[0] = 0;
    made_at_most = 0;
    return 0;
}

static void repeated_stages_are_expanded_in_instance_order(void **state) {
    struct rw_topology *made = make_appliance();
    static const char *const names[] = {"rx",    "feed",  "enrich", "risk0",
                                        "risk1", "merge", "repl",   "deliver"};
    assert_int_equal(rw_topology_stage_count(made), COUNT(names));
    for (uint32_t i = 0; i < COUNT(names); i++)
        assert_string_equal(rw_topology_stage_name(made, i), names[i]);
    assert_int_equal(rw_topology_stage_env(made, 4)->instance, 1);
    assert_int_equal(rw_topology_stage_env(made, 4)->instances, 2);
    assert_int_equal(rw_topology_stage_env(made, 2)->instances, 1);
    rw_topology_free(made);
}

static void instances_with_their_own_configuration_are_named_as_sections(void **state) {
    static const uint32_t cfg[] = {10, 20, 30};
    const struct rw_stage_row rows[] = {
        {"rx", &toy},
        {"feed", &toy, .cfg = cfg, .instances = 3, .cfg_bytes = sizeof cfg[0]},
        {"enrich", &toy}};
    const struct rw_link_row ways[] = {{"rx", "feed", 64, 8, 1}, {"feed", "enrich", 64, 8, 1}};
    struct rw_topology *made = rw_topology_new(rows, 3, ways, 2);
    assert_non_null(made);
    assert_int_equal(build(made, 1), 0);
    assert_int_equal(rw_topology_init(made), 0);
    static const char *const names[] = {"feed", "feed2", "feed3"};
    for (uint32_t k = 0; k < 3; k++) {
        const struct toy *feed = rw_topology_stage(made, 1 + k);
        assert_string_equal(rw_topology_stage_name(made, 1 + k), names[k]);
        assert_ptr_equal(feed->cfg, &cfg[k]);
        assert_ptr_equal(rw_topology_stage_env(made, 0)->out[k],
                         rw_topology_link(made, "rx", names[k]));
        assert_ptr_equal(rw_topology_stage_env(made, 4)->in[k],
                         rw_topology_link(made, names[k], "enrich"));
    }
    rw_topology_fini(made);
    rw_topology_free(made);
    rw_stats_close(stats);
}

static void links_stand_in_the_order_of_their_rows(void **state) {
    struct rw_topology *made = make_appliance();
    assert_int_equal(build(made, 1), 0);
    const struct rw_stage_env *enrich = rw_topology_stage_env(made, 2);
    assert_int_equal(enrich->in_count, 2);
    assert_ptr_equal(enrich->in[0], rw_topology_link(made, "feed", "enrich"));
    assert_ptr_equal(enrich->in[1], rw_topology_link(made, "repl", "enrich"));
    assert_int_equal(enrich->out_count, 3);
    assert_ptr_equal(enrich->out[0], rw_topology_link(made, "enrich", "risk0"));
    assert_ptr_equal(enrich->out[1], rw_topology_link(made, "enrich", "risk1"));
    assert_ptr_equal(enrich->out[2], rw_topology_link(made, "enrich", "repl"));
    const struct rw_stage_env *risk1 = rw_topology_stage_env(made, 4);
    assert_ptr_equal(risk1->in[0], rw_topology_link(made, "enrich", "risk1"));
    assert_ptr_equal(risk1->in[1], rw_topology_link(made, "repl", "risk1"));
    const struct rw_stage_env *merge = rw_topology_stage_env(made, 5);
    assert_ptr_equal(merge->in[0], rw_topology_link(made, "risk0", "merge"));
    assert_ptr_equal(merge->in[1], rw_topology_link(made, "risk1", "merge"));
    const struct rw_stage_env *repl = rw_topology_stage_env(made, 6);
    assert_ptr_equal(repl->in[1], rw_topology_link(made, RW_COLD, "repl"));
    assert_ptr_equal(repl->out[0], rw_topology_link(made, "repl", "enrich"));
    assert_ptr_equal(repl->watermarks, rw_topology_watermarks(made));
    assert_null(rw_topology_link(made, "rx", "deliver"));
    rw_topology_free(made);
    rw_stats_close(stats);
}

static void expect_refused(const struct rw_stage_row *s, uint32_t s_count,
                           const struct rw_link_row *l, uint32_t l_count, const char *sentence) {
    struct rw_topology *made = rw_topology_new(s, s_count, l, l_count);
    assert_null(made);
    if (!strstr(rw_err_text(), sentence))
        fail_msg("'%s' does not say '%s'", rw_err_text(), sentence);
}

static void names_are_checked(void **state) {
    const struct rw_stage_row twice[] = {{"a", &toy}, {"a", &toy}};
    expect_refused(twice, 2, NULL, 0, "two stages are called 'a'");
    const struct rw_stage_row expanded[] = {{"a", &toy, .instances = 2}, {"a1", &toy}};
    expect_refused(expanded, 2, NULL, 0, "two stages are called 'a1' after expansion");
    const struct rw_stage_row reserved[] = {{"cold", &toy}};
    expect_refused(reserved, 1, NULL, 0, "has the name 'cold'");
    const struct rw_stage_row longer[] = {{"fourteen chars", &toy}};
    expect_refused(longer, 1, NULL, 0, "has the name 'fourteen chars'");
    const struct rw_stage_row many[] = {{"a", &toy, .instances = 9}};
    expect_refused(many, 1, NULL, 0, "stage 'a' is wanted 9 times");
    const struct rw_stage_row no_type[] = {{"a", NULL}};
    expect_refused(no_type, 1, NULL, 0, "stage 'a' has no type");
    expect_refused(NULL, 0, NULL, 0, "no stage");
}

static void link_rows_are_checked(void **state) {
    const struct rw_stage_row two[] = {{"a", &toy}, {"b", &toy}};
    static const struct {
        struct rw_link_row row;
        const char *sentence;
    } cases[] = {
        {{"a", "b", 24, 8, 1}, "link a->b has depth 24, which is not a power of two"},
        {{"a", "b", 0, 8, 1}, "has depth 0"},
        {{"a", "b", 16, 8, 9}, "depth 16 for a fan_out of 9"},
        {{"a", "b", 16, 8, 0}, "fan_out of 0"},
        {{"a", "b", 16, 12, 1}, "slots of 12 bytes"},
        {{"a", "c", 16, 8, 1}, "names a stage 'c' that does not exist"},
        {{"a", "a", 16, 8, 1}, "leads to itself"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        expect_refused(two, 2, &cases[i].row, 1, cases[i].sentence);
    const struct rw_link_row doubled[] = {{"a", "b", 16, 8, 1}, {"a", "b", 16, 8, 1}};
    expect_refused(two, 2, doubled, 2, "the link a->b stands in two rows");
    const struct rw_link_row widest = {"a", "b", 16, 8, 8};
    struct rw_topology *made = rw_topology_new(two, 2, &widest, 1);
    assert_non_null(made);
    rw_topology_free(made);
}

static void more_links_than_a_stage_can_have_are_refused(void **state) {
    const struct rw_stage_row three[] = {{"a", &toy, .instances = 8},
                                         {"b", &toy, .instances = 8},
                                         {"c", &toy, .instances = 8},
                                         {"d", &toy}};
    const struct rw_link_row wide[] = {
        {"a", "d", 16, 8, 1}, {"b", "d", 16, 8, 1}, {"c", "d", 16, 8, 1}};
    expect_refused(three, 4, wide, 3, "has more than 16 links");
}

static void an_unreached_stage_is_refused(void **state) {
    const struct rw_stage_row three[] = {{"a", &toy}, {"b", &toy}, {"lonely", &toy}};
    const struct rw_link_row one = {"a", "b", 16, 8, 1};
    expect_refused(three, 3, &one, 1, "stage 'lonely' is reached by no link");
    const struct rw_link_row island[] = {{"a", "b", 16, 8, 1, .elastic = true},
                                         {"b", "a", 16, 8, 1, .elastic = true}};
    expect_refused(three, 2, island, 2, "stage 'a' is reached by no link");
}

static void a_cycle_is_found_in_each_role_and_named(void **state) {
    const struct rw_stage_row four[] = {{"s", &toy}, {"a", &toy}, {"b", &toy}, {"c", &toy}};
    struct rw_link_row loop[] = {
        {"s", "a", 16, 8, 1}, {"a", "b", 16, 8, 1}, {"b", "c", 16, 8, 1}, {"c", "a", 16, 8, 1}};
    expect_refused(four, 4, loop, 4, "a cycle as leader: a -> b -> c -> a");
    loop[1].role = RW_LINK_FOLLOWER;
    expect_refused(four, 4, loop, 4, "a cycle as follower: a -> b -> c -> a");
    loop[2].role = RW_LINK_LEADER; /* now no role has all of them */
    struct rw_topology *made = rw_topology_new(four, 4, loop, 4);
    assert_non_null(made);
    rw_topology_free(made);
    loop[1].role = loop[2].role = RW_LINK_ALWAYS;
    loop[3].elastic = true;
    made = rw_topology_new(four, 4, loop, 4);
    assert_non_null(made);
    rw_topology_free(made);
}

static void the_way_through_the_cold_thread_is_no_cycle(void **state) {
    const struct rw_stage_row one[] = {{"a", &toy}};
    const struct rw_link_row both[] = {{"a", "cold", 16, 8, 1}, {"cold", "a", 16, 8, 1}};
    struct rw_topology *made = rw_topology_new(one, 1, both, 2);
    assert_non_null(made);
    rw_topology_free(made);
}

static void the_plan_holds_stages_links_and_watermarks(void **state) {
    struct rw_topology *made = make_appliance();
    struct rw_plan *plan;
    uint32_t rows[3] = {0};
    assert_int_equal(rw_topology_plan(made, &plan), 0);
    for (uint32_t i = 0; i < plan->count; i++) {
        if (!strcmp(plan->row[i].what, "state"))
            rows[0]++;
        else if (!strcmp(plan->row[i].owner, "link"))
            rows[1]++;
        else if (!strcmp(plan->row[i].what, "watermarks"))
            rows[2]++;
    }
    assert_int_equal(rows[0], 8);
    assert_int_equal(rows[1], 13); /* three of the ten rows count twice for two shards */
    assert_int_equal(rows[2], 1);
    rw_topology_free(made);
}

static void a_stage_that_fails_names_itself_and_the_others_are_finished(void **state) {
    struct rw_topology *made = make_appliance();
    strcpy(fails, "risk0");
    assert_int_equal(build(made, 1), 0);
    assert_int_equal(rw_topology_init_priv(made), 0);
    assert_int_equal(rw_topology_init(made), -EIO);
    assert_string_equal(rw_err_text(), "stage risk0 cannot be set up: the device is broken");
    assert_string_equal(fini_order, "enrich feed rx ");
    rw_topology_free(made);
    rw_stats_close(stats);

    strcpy(fails, "priv");
    made = make_appliance();
    assert_int_equal(build(made, 1), 0);
    assert_int_equal(rw_topology_init_priv(made), -EPERM);
    assert_string_equal(rw_err_text(), "stage rx cannot open its devices: not allowed");
    rw_topology_free(made);
    rw_stats_close(stats);

    strcpy(fails, "plan");
    struct rw_plan *plan;
    made = make_appliance();
    assert_int_equal(rw_topology_plan(made, &plan), -ENOMEM);
    assert_string_equal(rw_err_text(), "the memory of stage rx cannot be planned: no plan today");
    rw_topology_free(made);
}

/* rx makes numbers; deliver must see each of them once per shard, whatever the placement. */
static void run_on(uint32_t cores) {
    struct rw_topology *made = make_appliance();
    made_at_most = 20000;
    fini_order[0] = 0;
    assert_int_equal(build(made, cores), 0);
    assert_int_equal(rw_topology_init_priv(made), 0);
    assert_int_equal(rw_topology_init(made), 0);
    struct rw_ring *cold = rw_topology_link(made, "deliver", RW_COLD);
    assert_int_equal(rw_topology_start(made), 0);
    uint64_t seen = 0;
    while (seen < 2 * made_at_most) { /* this thread is the cold one */
        uint32_t ready = rw_ring_ready(cold, 1);
        rw_ring_pop(cold, ready);
        seen += ready;
        if (!ready) sched_yield();
    }
    rw_topology_stop(made);
    for (uint32_t i = 0; i < rw_topology_stage_count(made); i++) {
        const struct toy *stage = rw_topology_stage(made, i);
        if (!strcmp(stage->env.name, "deliver")) assert_int_equal(stage->passed, 2 * made_at_most);
    }
    rw_topology_fini(made);
    assert_string_equal(fini_order, "deliver repl merge risk1 risk0 enrich feed rx ");
    rw_topology_free(made);
    rw_stats_close(stats);
}

static void every_message_arrives_on_one_core_and_on_two(void **state) {
    run_on(1);
    run_on(2);
}

/* What the kernel says of each running thread, shown as cpu_pinned, is what the placement says. */
static void every_thread_runs_where_the_placement_put_it(void **state) {
    static struct rw_cpus cpus;
    struct rw_placement placement;
    struct rw_plan *plan;
    struct rw_topology *made = make_appliance();
    assert_int_equal(rw_cpus_read(&cpus, ""), 0);
    rw_cpus_keep_allowed(&cpus);
    assert_int_equal(rw_topology_plan(made, &plan), 0);
    struct rw_place_wish wish = {.cores = cpus.count < 2 ? 1 : 2, .pin = true};
    assert_int_equal(rw_topology_place(made, &cpus, &wish, &placement), 0);
    wall = rw_clock_tsc();
    stats = rw_stats_create(NULL, "toy", 1);
    struct rw_topology_env env = {.clock = &wall, .stats = stats, .idle = RW_IDLE_YIELD};
    assert_int_equal(rw_topology_build(made, &env), 0);
    assert_int_equal(rw_topology_init(made), 0);
    assert_int_equal(rw_topology_start(made), 0);
    uint32_t core = 0;
    struct rw_stats_item item;
    for (uint64_t at = 0; rw_stats_next(stats, &at, &item);)
        if (!strncmp(item.block, "core ", 5) && !strcmp(item.name, "cpu_pinned"))
            assert_int_equal(item.value, placement.cpu[core++] + 1);
    assert_int_equal(core, placement.cores);
    rw_topology_stop(made);
    rw_topology_fini(made);
    rw_topology_free(made);
    rw_stats_close(stats);
}

static void a_cpu_that_cannot_be_had_stops_the_start(void **state) {
    static const struct rw_cpus invented = {.count = 2,
                                            .cpu = {{.id = 0}, {.id = 1022, .core = 1}}};
    struct rw_topology *made = make_appliance();
    struct rw_plan *plan;
    assert_int_equal(rw_topology_plan(made, &plan), 0);
    struct rw_place_wish wish = {.cores = 2, .pin = true};
    assert_int_equal(rw_topology_place(made, &invented, &wish, NULL), 0);
    wall = rw_clock_tsc();
    stats = rw_stats_create(NULL, "toy", 1);
    struct rw_topology_env env = {.clock = &wall, .stats = stats, .idle = RW_IDLE_YIELD};
    assert_int_equal(rw_topology_build(made, &env), 0);
    assert_int_equal(rw_topology_init(made), 0);
    assert_int_equal(rw_topology_start(made), -EINVAL);
    assert_non_null(strstr(rw_err_text(), "CPU 1022"));
    rw_topology_stop(made); /* harmless */
    rw_topology_fini(made);
    rw_topology_free(made);
    rw_stats_close(stats);
}

static void the_statistics_name_stages_links_and_cores(void **state) {
    struct rw_topology *made = make_appliance();
    assert_int_equal(build(made, 2), 0);
    struct rw_stats_item item;
    uint32_t found[3] = {0};
    for (uint64_t at = 0; rw_stats_next(stats, &at, &item);) {
        if (!strcmp(item.block, "stage risk1") && !strcmp(item.name, "visits")) found[0]++;
        if (!strcmp(item.block, "link risk1->merge") && !strcmp(item.name, "depth")) {
            assert_int_equal(item.value, 64);
            found[1]++;
        }
        if (!strcmp(item.block, "core 1") && !strcmp(item.name, "busy_ns")) found[2]++;
    }
    assert_true(found[0] == 1 && found[1] == 1 && found[2] == 1);
    rw_topology_free(made);
    rw_stats_close(stats);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(repeated_stages_are_expanded_in_instance_order, reset),
        cmocka_unit_test_setup(instances_with_their_own_configuration_are_named_as_sections, reset),
        cmocka_unit_test_setup(links_stand_in_the_order_of_their_rows, reset),
        cmocka_unit_test_setup(names_are_checked, reset),
        cmocka_unit_test_setup(link_rows_are_checked, reset),
        cmocka_unit_test_setup(more_links_than_a_stage_can_have_are_refused, reset),
        cmocka_unit_test_setup(an_unreached_stage_is_refused, reset),
        cmocka_unit_test_setup(a_cycle_is_found_in_each_role_and_named, reset),
        cmocka_unit_test_setup(the_way_through_the_cold_thread_is_no_cycle, reset),
        cmocka_unit_test_setup(the_plan_holds_stages_links_and_watermarks, reset),
        cmocka_unit_test_setup(a_stage_that_fails_names_itself_and_the_others_are_finished, reset),
        cmocka_unit_test_setup(every_message_arrives_on_one_core_and_on_two, reset),
        cmocka_unit_test_setup(every_thread_runs_where_the_placement_put_it, reset),
        cmocka_unit_test_setup(a_cpu_that_cannot_be_had_stops_the_start, reset),
        cmocka_unit_test_setup(the_statistics_name_stages_links_and_cores, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
