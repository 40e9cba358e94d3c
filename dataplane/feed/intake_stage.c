#include "dataplane/feed/intake_stage.h"

#include <string.h>

struct intake {
    const struct rw_intake_file *file;
    struct rw_ring *out;
    struct rw_intake_counters *counters;
    uint64_t next;   /* fill to be pushed */
    uint16_t ending; /* source whose END is next; 0 before the first */
    bool done;
};

static const struct rw_stat_row counter_rows[] = RW_STATS_ROWS(RW_INTAKE_COUNTERS);

static int plan(const void *cfg, const char *name, uint32_t instances, struct rw_plan *plan) {
    rw_plan_add(plan, name, "state", sizeof(struct intake));
    return 0;
}

static int init(void **stage, const void *cfg, const struct rw_stage_env *env) {
    const struct rw_intake_cfg *intake_cfg = cfg;
    struct intake *intake = rw_arena_take(env->arena, env->name, "state");
    RW_ASSERT(env->out_count == 1);
    intake->file = intake_cfg->file;
    intake->out = env->out[0];
    intake->counters = rw_stats_block(env->stats, env->name, RW_STAT_COUNTER, counter_rows,
                                      sizeof counter_rows / sizeof *counter_rows);
    rw_stat_set(&intake->counters->loaded, intake->file->count);
    *stage = intake;
    return 0;
}

static void push_fill(struct intake *intake) {
    const uint8_t *entry = intake->file->fill[intake->next++].entry;
    uint32_t slots = entry[offsetof(struct rw_entry, slots)];
    for (uint32_t i = 0; i < slots; i++)
        memcpy(rw_ring_slot(intake->out, i), entry + i * RW_SLOT_BYTES, RW_SLOT_BYTES);
    rw_ring_push(intake->out, slots);
    rw_stat_add(&intake->counters->pushed, 1);
}

/* The next source with rows at or after `ending`; past the table when there is none. */
static uint16_t next_source(const struct intake *intake) {
    uint16_t source = intake->ending;
    while (source <= RW_INTAKE_SOURCES_MAX && !intake->file->last_sequence[source]) source++;
    return source;
}

static void push_end(struct intake *intake) {
    uint16_t source = intake->file->count ? next_source(intake) : 0;
    struct rw_entry entry = {.type = RW_ENTRY_END, .slots = 1, .version = RW_ENTRY_VERSION};
    struct rw_end_body body = {.source_kind = RW_END_INTAKE,
                               .source = source,
                               .last_sequence = intake->file->last_sequence[source]};
    memcpy(entry.body, &body, sizeof body);
    memcpy(rw_ring_slot(intake->out, 0), &entry, sizeof entry);
    rw_ring_push(intake->out, 1);
    rw_stat_add(&intake->counters->ended, 1);
    intake->ending = (uint16_t)(source + 1);
    intake->done = !intake->file->count || next_source(intake) > RW_INTAKE_SOURCES_MAX;
}

static uint32_t poll(void *stage, uint32_t budget, uint64_t now_ns) {
    struct intake *intake = stage;
    uint32_t work = 0;
    if (intake->done) return 0;
    for (; work < budget && intake->next < intake->file->count; work++) {
        if (rw_ring_room(intake->out, RW_INTAKE_FAN_OUT) < RW_INTAKE_FAN_OUT) return work;
        push_fill(intake);
    }
    for (; work < budget && !intake->done; work++) {
        if (!rw_ring_room(intake->out, 1)) return work;
        push_end(intake);
    }
    return work;
}

const struct rw_stage_type rw_intake_stage_type = {
    .name = "intake", .plan = plan, .init = init, .poll = poll};
