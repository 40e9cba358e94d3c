/* Streams shard 0, 1, … of each input into the one order of results. */
#include "risk/merge_stage.h"

#include "dataplane/base/assert.h"

static const struct rw_stat_row counter_rows[] = RW_STATS_ROWS(RW_MERGE_COUNTERS);

struct merge_stage {
    struct rw_merge *core;
    struct rw_merge_counters *counters;
    struct rw_ring *in[RW_SHARDS_MAX], *out;
    uint32_t shards;
    uint32_t shard;                    /* the one being drained for the present input */
    uint64_t done_seen[RW_SHARDS_MAX]; /* done[k] as last read */
    uint32_t ready[RW_SHARDS_MAX];     /* messages left of those counted after that read */
    struct rw_watermarks *watermarks;
    struct rw_hist *latency;
};

static int plan(const void *cfg, const char *name, uint32_t instances, struct rw_plan *plan) {
    const struct rw_merge_stage_cfg *merge_cfg = cfg;
    struct rw_merge_cfg core = {.image = merge_cfg->image};
    rw_plan_add(plan, name, "stage", sizeof(struct merge_stage));
    rw_plan_add(plan, name, "totals", rw_merge_footprint(&core));
    return 0;
}

static int init(void **stage, const void *cfg, const struct rw_stage_env *env) {
    RW_ASSERT(env->in_count >= 1 && env->in_count <= RW_SHARDS_MAX && env->out_count == 1);
    const struct rw_merge_stage_cfg *merge_cfg = cfg;
    struct merge_stage *self = rw_arena_take(env->arena, env->name, "stage");
    self->counters = rw_stats_block(env->stats, env->name, RW_STAT_COUNTER, counter_rows,
                                    sizeof counter_rows / sizeof counter_rows[0]);
    self->latency = rw_stats_hist(env->stats, env->name, "arrival_to_merge",
                                  "from arrival at this site to the result's number and hash");
    struct rw_merge_cfg core = {.image = merge_cfg->image, .counters = self->counters};
    self->core = rw_merge_new(rw_arena_take(env->arena, env->name, "totals"), &core);
    self->shards = env->in_count;
    for (uint32_t i = 0; i < env->in_count; i++) self->in[i] = env->in[i];
    self->out = env->out[0];
    self->watermarks = env->watermarks;
    *stage = self;
    return 0;
}

/* The next message of the present input from the present shard; NULL when none is there now.
 * *complete: the shard will send no further one for this input. */
static const struct rw_result *front(struct merge_stage *self, bool *complete) {
    uint32_t k = self->shard;
    uint64_t n = rw_merge_input(self->core);
    *complete = false;
    if (self->ready[k] == 0 && self->done_seen[k] < n) {
        /* done first, then the link: pairs with the shard's push before it stores done */
        self->done_seen[k] = rw_word_get(&self->watermarks->done[k]);
        self->ready[k] = rw_ring_ready(self->in[k], UINT32_MAX);
    }
    if (self->ready[k] == 0) {
        *complete = self->done_seen[k] >= n;
        return NULL;
    }
    const struct rw_result *message = rw_ring_front(self->in[k], 0);
    RW_ASSERT(message->input_sequence >= n);
    if (message->input_sequence == n) return message;
    *complete = true; /* a later input's message: the shard is through with n */
    return NULL;
}

/* Everything after the last shard of an input: totals, then the end. Returns false when the quota
 * of messages ended first. */
static bool finish_input(struct merge_stage *self, uint32_t quota, uint32_t *emitted,
                         uint64_t now_ns) {
    while (*emitted < quota && rw_merge_total(self->core, rw_ring_slot(self->out, *emitted)))
        ++*emitted;
    if (*emitted == quota) return false;
    uint64_t n = rw_merge_input(self->core), arrival, unused;
    struct rw_hash hash;
    if (rw_merge_end(self->core, rw_ring_slot(self->out, *emitted), &hash)) {
        ++*emitted;
        if (rw_seq_ring_get(&self->watermarks->arrival, n, &arrival, &unused) && arrival &&
            arrival <= now_ns)
            rw_hist_add(self->latency, now_ns - arrival);
    }
    rw_seq_ring_put(&self->watermarks->hash, n, hash.low, hash.high);
    self->shard = 0;
    return true;
}

static uint32_t poll(void *stage, uint32_t budget, uint64_t now_ns) {
    struct merge_stage *self = stage;
    uint32_t quota = budget * RW_MERGE_FAN_OUT, emitted = 0, work = 0;
    uint64_t first = rw_merge_input(self->core);
    if (rw_ring_room(self->out, quota) < quota)
        return 0; /* the runner's budget says there is room */
    while (emitted < quota && work < 2 * quota) {
        if (self->shard == self->shards) {
            if (!finish_input(self, quota, &emitted, now_ns)) break;
            work++;
            continue;
        }
        bool complete;
        const struct rw_result *message = front(self, &complete);
        if (message) {
            emitted += rw_merge_take(self->core, message, rw_ring_slot(self->out, emitted));
            rw_ring_pop(self->in[self->shard], 1);
            self->ready[self->shard]--;
            work++;
        } else if (complete) {
            self->shard++;
        } else {
            break;
        }
    }
    if (emitted > 0) rw_ring_push(self->out, emitted);
    /* after the push: whoever sees `applied` finds every result up to it in the link */
    if (rw_merge_input(self->core) != first)
        rw_word_set(&self->watermarks->applied, rw_merge_input(self->core) - 1);
    return work;
}

const struct rw_stage_type rw_merge_stage_type = {
    .name = "merge", .plan = plan, .init = init, .poll = poll};
