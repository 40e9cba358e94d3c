/* The risk and merge stages around their cores: small links, random budgets, two input links; what
 * comes out must be what the cores alone give, in the same bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "risk/merge_stage.h"
#include "risk/risk_stage.h"
#include "tests/unit/risk/image_fixture.h"
#include "tests/unit/risk/random_log.h"
#include "tests/unit/risk/risk_driver.h"

#define IN_DEPTH   64u
#define OUT_DEPTH  64u
#define SHARDS_MAX 4u

/* One site's risk and merge: enrich and repl are the test, deliver too. */
struct site {
    uint32_t shards;
    struct rw_ring *enrich[SHARDS_MAX], *repl[SHARDS_MAX], *to_merge[SHARDS_MAX], *to_deliver;
    struct rw_watermarks *watermarks;
    struct rw_stats *stats;
    struct rw_plan plan;
    struct rw_arena arena;
    void *risk[SHARDS_MAX], *merge;
};

static struct rw_ring *new_ring(uint32_t depth, uint32_t slot_bytes) {
    return rw_ring_new(aligned_zeroed(rw_ring_footprint(depth, slot_bytes)), depth, slot_bytes);
}

static void site_new(struct site *site, const struct rw_image *image, uint32_t shards) {
    *site = (struct site){.shards = shards};
    const struct rw_risk_stage_cfg risk_cfg = {.image = image, .fills_max = 1024};
    const struct rw_merge_stage_cfg merge_cfg = {.image = image};
    char name[SHARDS_MAX][16];
    for (uint32_t k = 0; k < shards; k++) {
        snprintf(name[k], sizeof name[k], "risk%u", k);
        assert_int_equal(rw_risk_stage_type.plan(&risk_cfg, name[k], shards, &site->plan), 0);
    }
    assert_int_equal(rw_merge_stage_type.plan(&merge_cfg, "merge", 1, &site->plan), 0);
    assert_int_equal(rw_arena_map(&site->arena, &site->plan, false), 0);
    site->stats = rw_stats_create(NULL, "test", 1);
    site->watermarks = aligned_zeroed(sizeof *site->watermarks);
    site->to_deliver = new_ring(OUT_DEPTH, RW_RESULT_BYTES);
    struct rw_stage_env merge_env = {.name = "merge",
                                     .instances = 1,
                                     .in_count = shards,
                                     .out = {site->to_deliver},
                                     .out_count = 1,
                                     .watermarks = site->watermarks,
                                     .stats = site->stats,
                                     .arena = &site->arena};
    for (uint32_t k = 0; k < shards; k++) {
        site->enrich[k] = new_ring(IN_DEPTH, RW_SLOT_BYTES);
        site->repl[k] = new_ring(IN_DEPTH, RW_SLOT_BYTES);
        site->to_merge[k] = new_ring(OUT_DEPTH, RW_RESULT_BYTES);
        struct rw_stage_env env = {.name = name[k],
                                   .instance = k,
                                   .instances = shards,
                                   .in = {site->enrich[k], site->repl[k]},
                                   .in_count = 2,
                                   .out = {site->to_merge[k]},
                                   .out_count = 1,
                                   .watermarks = site->watermarks,
                                   .stats = site->stats,
                                   .arena = &site->arena};
        assert_int_equal(rw_risk_stage_type.init(&site->risk[k], &risk_cfg, &env), 0);
        merge_env.in[k] = site->to_merge[k];
    }
    assert_int_equal(rw_merge_stage_type.init(&site->merge, &merge_cfg, &merge_env), 0);
}

static void site_free(struct site *site) {
    for (uint32_t k = 0; k < site->shards; k++) {
        free(site->enrich[k]);
        free(site->repl[k]);
        free(site->to_merge[k]);
    }
    free(site->to_deliver);
    free(site->watermarks);
    rw_stats_close(site->stats);
    rw_arena_unmap(&site->arena);
}

static bool push_entry(struct rw_ring *ring, const struct log_entry *log) {
    uint32_t slots = log->entry.slots;
    if (rw_ring_room(ring, slots) < slots) return false;
    for (uint32_t i = 0; i < slots; i++)
        memcpy(rw_ring_slot(ring, i), (const uint8_t *)log + i * RW_SLOT_BYTES, RW_SLOT_BYTES);
    rw_ring_push(ring, slots);
    return true;
}

/* The budget a runner would give. */
static uint32_t budget_of(struct rw_ring *out, uint32_t fan_out, struct rw_rng *rng) {
    uint32_t budget = rw_ring_room(out, OUT_DEPTH) / fan_out,
             burst = 1 + (uint32_t)rw_rng_below(rng, 4);
    return budget < burst ? budget : burst;
}

static void visit_risk(struct site *site, uint32_t k, struct rw_rng *rng) {
    uint32_t budget = budget_of(site->to_merge[k], RW_RISK_FAN_OUT, rng);
    if (budget) rw_risk_stage_type.poll(site->risk[k], budget, 1);
}

static void visit_merge(struct site *site, struct rw_rng *rng) {
    uint32_t budget = budget_of(site->to_deliver, RW_MERGE_FAN_OUT, rng);
    if (budget) rw_merge_stage_type.poll(site->merge, budget, 1);
}

/* Takes what merge sent; every result must be the next of `want`, every end the truth about its
 * input. */
static uint32_t drain(struct site *site, const struct driver *want, uint32_t seen) {
    while (rw_ring_ready(site->to_deliver, 1) > 0) {
        const struct rw_result *result = rw_ring_front(site->to_deliver, 0);
        if (result->kind == RW_RESULT_END) {
            const struct rw_result_end *end = rw_ring_front(site->to_deliver, 0);
            assert_int_equal(end->last_result, seen);
            uint64_t low, high;
            assert_true(rw_seq_ring_get(&site->watermarks->hash, end->input_sequence, &low, &high));
            assert_int_equal(end->rh_low, low);
            assert_int_equal(end->rh_high, high);
        } else {
            assert_true(seen < want->count);
            assert_memory_equal(result, &want->results[seen], sizeof *result);
            seen++;
        }
        rw_ring_pop(site->to_deliver, 1);
    }
    return seen;
}

/* Runs `count` entries through the stages in a random interleaving. Leader entries come by the
 * enrich link; below `lead_from` by repl, and around it by both. */
static void run_and_compare(struct rw_rng *rng, const struct rw_image *image, uint32_t shards,
                            const struct log_entry *log, uint32_t count, uint32_t lead_from,
                            const struct driver *want) {
    struct site site;
    site_new(&site, image, shards);
    uint32_t by_repl[SHARDS_MAX] = {0}, by_enrich[SHARDS_MAX], seen = 0;
    uint32_t overlap = lead_from < 5 ? lead_from : 5;
    for (uint32_t k = 0; k < shards; k++) by_enrich[k] = lead_from - overlap;
    for (uint64_t step = 0; rw_word_get(&site.watermarks->applied) < count; step++) {
        assert_true(step < 1000000); /* else it is stuck */
        uint32_t k = (uint32_t)rw_rng_below(rng, shards);
        switch (rw_rng_below(rng, 5)) {
        case 0:
            if (by_repl[k] < lead_from && push_entry(site.repl[k], &log[by_repl[k]])) by_repl[k]++;
            break;
        case 1:
            if (by_enrich[k] < count && push_entry(site.enrich[k], &log[by_enrich[k]]))
                by_enrich[k]++;
            break;
        case 2:
            visit_risk(&site, k, rng);
            break;
        case 3:
            visit_merge(&site, rng);
            break;
        default:
            seen = drain(&site, want, seen);
        }
    }
    seen = drain(&site, want, seen);
    assert_int_equal(seen, want->count);
    uint64_t low, high;
    assert_true(rw_seq_ring_get(&site.watermarks->hash, count, &low, &high));
    assert_int_equal(low, want->hash.low);
    assert_int_equal(high, want->hash.high);
    for (uint32_t k = 0; k < shards; k++)
        assert_int_equal(rw_word_get(&site.watermarks->done[k]), count);
    site_free(&site);
}

static void stages_give_the_cores_results_in_any_interleaving(void **state) {
    struct rw_rng rng;
    rw_rng_seed(&rng, seed_of_run(7030));
    for (uint32_t run = 0; run < 12; run++) {
        struct rw_image *image = image_random(&rng, 8, 12, 4);
        enum { COUNT = 300 };
        static struct log_entry log[COUNT];
        struct random_log source = {&rng, image, 0, 0};
        struct driver want;
        driver_new(&want, image, 1, 0, 1024);
        for (uint32_t i = 0; i < COUNT; i++) {
            log[i] = random_entry(&source);
            driver_apply(&want, &log[i]); /* numbers it */
        }
        static const uint32_t shard_counts[] = {1, 2, 4};
        for (uint32_t k = 0; k < 3; k++)
            run_and_compare(&rng, image, shard_counts[k], log, COUNT,
                            (uint32_t)rw_rng_below(&rng, COUNT), &want);
        driver_free(&want);
        free(image);
    }
}

/* Every portfolio holds the instrument: one tick makes more results than all links hold. */
static void one_input_may_emit_more_than_its_link_holds(void **state) {
    struct rw_rng rng;
    rw_rng_seed(&rng, seed_of_run(7031));
    struct rw_image *image = image_random(&rng, 1, 600, 600);
    struct log_entry log[] = {
        make_session(1, RW_SESSION_OPEN), make_tick(2, 1, RW_TICK_BBO, 1000000, 1000200, 0),
        make_tick(3, 1, RW_TICK_BBO, 2000000, 2000200, 0), make_session(4, RW_SESSION_CLOSE)};
    struct driver want;
    driver_new(&want, image, 1, 0, 1024);
    for (uint32_t i = 0; i < 4; i++) driver_apply(&want, &log[i]);
    assert_true(want.count > 3 * 500);
    for (uint32_t shards = 1; shards <= 4; shards *= 2)
        run_and_compare(&rng, image, shards, log, 4, 0, &want);
    driver_free(&want);
    free(image);
}

static void the_plan_names_an_image_that_risk_cannot_take(void **state) {
    struct rw_rng rng;
    rw_rng_seed(&rng, 1);
    struct rw_image *image = image_random(&rng, 2, 4, 2);
    struct rw_portfolio_row *rows = (void *)((uint8_t *)image + image->portfolios.offset);
    rows[2].desk = 99;
    const struct rw_risk_stage_cfg cfg = {.image = image};
    struct rw_plan plan = {0};
    assert_true(rw_risk_stage_type.plan(&cfg, "risk0", 1, &plan) < 0);
    free(image);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stages_give_the_cores_results_in_any_interleaving),
        cmocka_unit_test(one_input_may_emit_more_than_its_link_holds),
        cmocka_unit_test(the_plan_names_an_image_that_risk_cannot_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
