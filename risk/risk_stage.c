/* Moves entries from the expected-sequence link to the shard and its messages to merge. */
#include "risk/risk_stage.h"

#include <stdio.h>
#include <string.h>

#include "dataplane/base/assert.h"

#define ENTRY_SLOTS_USED \
    2u /* no entry type this stage knows is longer; the rest is not looked at */

static const struct rw_stat_row counter_rows[] = RW_STATS_ROWS(RW_RISK_COUNTERS);

struct risk_stage {
    struct rw_risk *core;
    struct rw_risk_counters *counters;
    struct rw_ring *in[2], *out; /* in[i] NULL where the topology has no such link */
    struct rw_word *done;
    uint64_t expected;
    _Alignas(
        64) uint8_t entry[ENTRY_SLOTS_USED * RW_SLOT_BYTES]; /* a FILL, its slots side by side */
};

static struct rw_risk_cfg core_cfg(const struct rw_risk_stage_cfg *cfg, uint32_t shard,
                                   uint32_t shards) {
    return (struct rw_risk_cfg){.image = cfg->image,
                                .shard = shard,
                                .shards = shards,
                                .positions_max = cfg->positions_max,
                                .fills_max = cfg->fills_max,
                                .channels = cfg->channels,
                                .bars = cfg->bars};
}

/* Every instance is planned alike, by the largest shard: plan is not told which one it plans. */
static int plan(const void *cfg, const char *name, uint32_t instances, struct rw_plan *plan) {
    const struct rw_risk_stage_cfg *risk_cfg = cfg;
    int rc = rw_risk_check_image(risk_cfg->image);
    if (rc) return rc;
    size_t bytes = 0;
    for (uint32_t shard = 0; shard < instances; shard++) {
        struct rw_risk_cfg core = core_cfg(risk_cfg, shard, instances);
        size_t footprint = rw_risk_footprint(&core);
        if (footprint > bytes) bytes = footprint;
    }
    rw_plan_add(plan, name, "stage", sizeof(struct risk_stage));
    rw_plan_add(plan, name, "shard", bytes);
    return 0;
}

/* The statistics of VaR and ES; NULL where there are no scenarios. */
static struct rw_var_counters *var_block(const struct rw_stage_env *env,
                                         const struct rw_image *image) {
    static const struct rw_stat_row rows[] = RW_STATS_ROWS(RW_VAR_COUNTERS);
    char block[48];
    if (!image->scenarios) return NULL;
    snprintf(block, sizeof block, "%.24s var", env->name);
    return rw_stats_block(env->stats, block, RW_STAT_COUNTER, rows, sizeof rows / sizeof rows[0]);
}

/* The statistics of bars; NULL where this shard makes none. */
static struct rw_bar_counters *bar_block(const struct rw_stage_env *env,
                                         const struct rw_risk_cfg *core) {
    static const struct rw_stat_row rows[] = RW_STATS_ROWS(RW_BAR_COUNTERS);
    char block[48];
    if (core->shard != 0 || core->bars.lengths == 0) return NULL;
    snprintf(block, sizeof block, "%.24s bars", env->name);
    return rw_stats_block(env->stats, block, RW_STAT_COUNTER, rows, sizeof rows / sizeof rows[0]);
}

static int init(void **stage, const void *cfg, const struct rw_stage_env *env) {
    RW_ASSERT(env->in_count >= 1 && env->in_count <= 2 && env->out_count == 1);
    struct risk_stage *self = rw_arena_take(env->arena, env->name, "stage");
    self->counters = rw_stats_block(env->stats, env->name, RW_STAT_COUNTER, counter_rows,
                                    sizeof counter_rows / sizeof counter_rows[0]);
    struct rw_risk_cfg core = core_cfg(cfg, env->instance, env->instances);
    core.counters = self->counters;
    core.var_counters = var_block(env, core.image);
    core.bars.counters = bar_block(env, &core);
    self->core = rw_risk_new(rw_arena_take(env->arena, env->name, "shard"), &core);
    for (uint32_t i = 0; i < env->in_count; i++) self->in[i] = env->in[i];
    self->out = env->out[0];
    self->done = &env->watermarks->done[env->instance];
    self->expected = 1;
    *stage = self;
    return 0;
}

/* Takes the expected entry out of a link; drops what was had before. An entry is pushed whole, so
 * its first slot is enough to know that all of it is there. */
static bool take_from(struct risk_stage *self, struct rw_ring *link) {
    uint32_t ready;
    while ((ready = rw_ring_ready(link, 1)) > 0) {
        const struct rw_entry *entry = rw_ring_front(link, 0);
        uint32_t slots = entry->slots;
        RW_ASSERT(slots >= 1 && slots <= ready);
        if (entry->sequence > self->expected) return false;
        if (entry->sequence == self->expected) {
            if (slots > 1) {
                for (uint32_t i = 0; i < slots && i < ENTRY_SLOTS_USED; i++)
                    memcpy(self->entry + i * RW_SLOT_BYTES, rw_ring_front(link, i), RW_SLOT_BYTES);
                entry = (const struct rw_entry *)self->entry;
            }
            rw_risk_begin(self->core, entry);
            rw_ring_pop(link, slots);
            self->expected++;
            return true;
        }
        rw_stat_add(&self->counters->sequence_dropped, 1);
        rw_ring_pop(link, slots);
    }
    return false;
}

static bool take_next(struct risk_stage *self) {
    for (uint32_t i = 0; i < 2; i++)
        if (self->in[i] && take_from(self, self->in[i])) return true;
    return false;
}

static uint32_t poll(void *stage, uint32_t budget, uint64_t now_ns) {
    struct risk_stage *self = stage;
    uint32_t emitted = 0, taken = 0, work = 0;
    uint32_t quota = rw_ring_room(self->out, budget * RW_RISK_FAN_OUT);
    if (quota > budget * RW_RISK_FAN_OUT) quota = budget * RW_RISK_FAN_OUT;
    while (emitted < quota && work < budget + quota) {
        if (!rw_risk_busy(self->core)) {
            if (taken == budget || !take_next(self)) break;
            taken++;
        }
        enum rw_risk_step step = rw_risk_next(self->core, rw_ring_slot(self->out, emitted));
        emitted += step == RW_RISK_MESSAGE;
        work++;
    }
    if (emitted > 0) rw_ring_push(self->out, emitted);
    /* pairs with merge's read before it looks at the link: what done covers has been pushed */
    rw_word_set(self->done, rw_risk_sequence(self->core));
    return taken + work;
}

const struct rw_stage_type rw_risk_stage_type = {
    .name = "risk", .plan = plan, .init = init, .poll = poll};
