#include "refdata/enrich_stage.h"

#include <stdio.h>
#include <string.h>

/* Entries of the log copy taken in one visit, whatever the budget: they emit nothing. */
#define COPIES_PER_VISIT 256u
/* With throttle n the leader takes inputs in one of 2^n slices of this length. */
#define SLICE_NS 100000u

struct enrich {
    struct rw_enrich_core *core;
    struct rw_enrich_counters *counters;
    struct rw_ring *feed[RW_ENRICH_CHANNELS_MAX], *intake, *copy;
    uint32_t channels;
    struct rw_ring *out[RW_STAGE_LINKS_MAX];
    uint32_t out_count;
    struct rw_watermarks *watermarks;
    struct rw_hist *latency;
    bool hurry;
    uint64_t live;
    uint64_t throttled_since; /* 0 = inputs are taken */
};

static const struct rw_stat_row enrich_rows[] = RW_STATS_ROWS(RW_ENRICH_COUNTERS);
static const struct rw_stat_row shadow_rows[] = RW_STATS_ROWS(RW_SHADOW_COUNTERS);
#define ROWS(rows) rows, sizeof rows / sizeof *rows

static int enrich_plan(const void *cfg, const char *name, uint32_t instances,
                       struct rw_plan *plan) {
    rw_plan_add(plan, name, "stage", sizeof(struct enrich));
    rw_plan_add(plan, name, "shadow and locates", rw_enrich_footprint(cfg));
    return 0;
}

static int enrich_init(void **stage, const void *cfg, const struct rw_stage_env *env) {
    const struct rw_enrich_cfg *enrich_cfg = cfg;
    uint32_t channels = enrich_cfg->channel_count;
    RW_ASSERT(env->in_count == channels + 2 && env->out_count >= 1);
    struct enrich *enrich = rw_arena_take(env->arena, env->name, "stage");
    void *memory = rw_arena_take(env->arena, env->name, "shadow and locates");
    struct rw_enrich_stats stats = {0};
    stats.enrich = rw_stats_block(env->stats, env->name, RW_STAT_COUNTER, ROWS(enrich_rows));
    for (uint32_t i = 0; i < channels; i++) {
        char block[64];
        snprintf(block, sizeof block, "shadow channel %u", enrich_cfg->channel[i]);
        stats.shadow[i] = rw_stats_block(env->stats, block, RW_STAT_COUNTER, ROWS(shadow_rows));
    }
    *enrich = (struct enrich){.core = rw_enrich_new(memory, enrich_cfg, &stats),
                              .counters = stats.enrich,
                              .channels = channels,
                              .intake = env->in[channels],
                              .copy = env->in[channels + 1],
                              .out_count = env->out_count,
                              .watermarks = env->watermarks,
                              .latency = rw_stats_hist(env->stats, env->name, "arrival_to_log",
                                                       "from arrival to the entry's number")};
    for (uint32_t i = 0; i < channels; i++) enrich->feed[i] = env->in[i];
    for (uint32_t i = 0; i < env->out_count; i++) enrich->out[i] = env->out[i];
    *stage = enrich;
    return 0;
}

/* take_copies feeds the core with the log as repl hands it over. */
static uint32_t take_copies(struct enrich *enrich) {
    uint32_t taken = 0;
    while (taken < COPIES_PER_VISIT && rw_ring_ready(enrich->copy, 1) > 0) {
        const struct rw_entry *head = rw_ring_front(enrich->copy, 0);
        uint32_t slots = head->slots;
        if (rw_ring_ready(enrich->copy, slots) < slots) break;
        rw_enrich_logged(enrich->core, head);
        rw_ring_pop(enrich->copy, slots);
        taken++;
    }
    return taken;
}

static void take_role(struct enrich *enrich) {
    uint64_t word = rw_word_get(&enrich->watermarks->role);
    uint64_t start = rw_word_get(&enrich->watermarks->role_start);
    rw_enrich_role(enrich->core, rw_role_of(word), rw_epoch_of(word), start);
}

/* put copies what one input gave into every output, behind the `at` slots of this visit. */
static void put(struct enrich *enrich, const struct rw_enrich_out *out, uint32_t at,
                uint64_t now_ns) {
    for (uint32_t k = 0; k < enrich->out_count; k++)
        for (uint32_t i = 0; i < out->slots; i++)
            memcpy(rw_ring_slot(enrich->out[k], at + i), &out->slot[i], RW_SLOT_BYTES);
    for (uint32_t i = 0; i < out->slots; i += out->slot[i].slots)
        rw_seq_ring_put(&enrich->watermarks->arrival, out->slot[i].sequence, out->arrival_ns, 0);
    if (out->arrival_ns && now_ns > out->arrival_ns)
        rw_hist_add(enrich->latency, now_ns - out->arrival_ns);
}

static const struct rw_entry *front(struct rw_ring *ring) {
    return rw_ring_ready(ring, 1) > 0 ? rw_ring_front(ring, 0) : NULL;
}

/* take_one does what the core picks; false when it waits. */
static bool take_one(struct enrich *enrich, bool refuse, struct rw_enrich_out *out) {
    struct rw_enrich_heads heads = {.intake = refuse ? NULL : front(enrich->intake)};
    const struct rw_entry *intake = heads.intake;
    uint32_t channel;
    for (uint32_t i = 0; i < enrich->channels; i++)
        heads.feed[i] = refuse ? NULL : front(enrich->feed[i]);
    if (intake && rw_ring_ready(enrich->intake, intake->slots) < intake->slots) heads.intake = NULL;
    switch (rw_enrich_pick(enrich->core, &heads, &channel)) {
    case RW_ENRICH_OWN:
        rw_enrich_own(enrich->core, channel, out);
        return true;
    case RW_ENRICH_FEED:
        rw_enrich_feed(enrich->core, channel, heads.feed[channel], out);
        rw_ring_pop(enrich->feed[channel], 1);
        return true;
    case RW_ENRICH_INTAKE: {
        uint32_t slots = intake->slots;
        const struct rw_entry *second = slots > 1 ? rw_ring_front(enrich->intake, 1) : NULL;
        rw_enrich_intake(enrich->core, intake, second, out);
        rw_ring_pop(enrich->intake, slots);
        return true;
    }
    default:
        return false;
    }
}

/* gives_way: the leader takes no input in this slice of time, so that its peer can catch up. */
static bool gives_way(struct enrich *enrich, uint64_t now_ns) {
    uint64_t slices = UINT64_C(1) << rw_word_get(&enrich->watermarks->throttle);
    bool throttled = now_ns / SLICE_NS % slices != 0;
    if (enrich->throttled_since)
        rw_stat_add(&enrich->counters->throttled_ns, now_ns - enrich->throttled_since);
    enrich->throttled_since = throttled ? now_ns : 0;
    return throttled;
}

static uint32_t enrich_poll(void *stage, uint32_t budget, uint64_t now_ns) {
    struct enrich *enrich = stage;
    struct rw_enrich_out out;
    uint32_t inputs = 0, slots = 0, copies = 0;
    if (!rw_enrich_leads(enrich->core)) copies = take_copies(enrich);
    take_role(enrich);
    bool leads = rw_enrich_leads(enrich->core);
    bool refuse = leads && rw_word_get(&enrich->watermarks->refuse_intake) != 0;
    if (refuse) rw_stat_add(&enrich->counters->refused, 1);
    if (leads && gives_way(enrich, now_ns)) budget = 0;
    for (uint32_t k = 0; leads && k < enrich->out_count; k++) {
        uint32_t room = rw_ring_room(enrich->out[k], budget * RW_ENRICH_FAN_OUT);
        RW_ASSERT(room >= budget * RW_ENRICH_FAN_OUT);
    }
    while (inputs < budget && take_one(enrich, refuse, &out)) {
        inputs++;
        if (out.slots == 0) continue;
        put(enrich, &out, slots, now_ns);
        slots += out.slots;
    }
    for (uint32_t k = 0; slots > 0 && k < enrich->out_count; k++)
        rw_ring_push(enrich->out[k], slots);
    bool hurry = rw_enrich_hurry(enrich->core);
    if (hurry != enrich->hurry) rw_word_set(&enrich->watermarks->hurry, hurry);
    enrich->hurry = hurry;
    uint64_t live = rw_enrich_live(enrich->core);
    if (live != enrich->live) rw_word_set(&enrich->watermarks->live, live);
    enrich->live = live;
    return inputs + copies + slots;
}

const struct rw_stage_type rw_enrich_stage_type = {
    .name = "enrich", .plan = enrich_plan, .init = enrich_init, .poll = enrich_poll};
