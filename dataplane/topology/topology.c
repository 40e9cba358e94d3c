/* Plan, build and life of an expanded topology. */
#include "dataplane/topology/topology.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/err.h"
#include "dataplane/topology/expand.h"

static const struct rw_stat_row stage_rows[] = RW_STATS_ROWS(RW_STAGE_COUNTERS);
static const struct rw_stat_row link_rows[] = RW_STATS_ROWS(RW_LINK_GAUGES);
static const struct rw_stat_row memory_rows[] = RW_STATS_ROWS(RW_MEMORY_GAUGES);
static const struct rw_stat_row core_rows[] = RW_STATS_ROWS(RW_CORE_GAUGES);

#define COUNT(array) ((uint32_t)(sizeof(array) / sizeof(array)[0]))

static void show_memory(const struct rw_arena *arena, struct rw_stats *stats);
static void build_links(struct rw_topology *topology, struct rw_stats *stats);
static void build_runners(struct rw_topology *topology, const struct rw_topology_env *env);

int rw_topology_plan(struct rw_topology *topology, struct rw_plan **plan) {
    RW_ASSERT(!topology->planned);
    struct rw_plan *own = &topology->plan;
    for (uint32_t i = 0; i < topology->stage_count; i++) {
        struct stage_slot *slot = &topology->stage[i];
        int rc = slot->row->type->plan(slot->cfg, slot->name, slot->env.instances, own);
        if (rc) return rw_err_add(rc, "the memory of stage %s cannot be planned", slot->name);
    }
    for (uint32_t i = 0; i < topology->link_count; i++) {
        const struct rw_link_row *row = topology->link[i].row;
        rw_plan_add(own, "link", topology->link[i].what,
                    rw_ring_footprint(row->depth, row->slot_bytes));
    }
    rw_plan_add(own, "topology", "watermarks", sizeof *topology->watermarks);
    rw_plan_add(own, "topology", "runners", topology->stage_count * sizeof *topology->runner);
    topology->planned = true;
    *plan = own;
    return 0;
}

uint32_t rw_topology_taps(const struct rw_topology *topology, struct rw_tap_row *rows,
                          uint32_t max) {
    uint32_t count = 0;
    RW_ASSERT(max >= RW_TOPOLOGY_LINKS_MAX);
    for (uint32_t i = 0; i < topology->link_count; i++) {
        const struct link_slot *link = &topology->link[i];
        if (link->from == COLD_END) continue;
        struct rw_tap_row *row = &rows[count++];
        *row = (struct rw_tap_row){.kind = RW_TAP_SLOTS, .slot_bytes = link->row->slot_bytes};
        snprintf(row->name, sizeof row->name, "%s", link->what);
    }
    return count;
}

int rw_topology_build(struct rw_topology *topology, const struct rw_topology_env *env) {
    RW_ASSERT(topology->planned && topology->placed && !topology->built);
    int rc = rw_arena_map(&topology->arena, &topology->plan, env->huge);
    if (rc) return rc;
    topology->built = true;
    topology->watermarks = rw_arena_take(&topology->arena, "topology", "watermarks");
    show_memory(&topology->arena, env->stats);
    build_links(topology, env->stats);
    for (uint32_t i = 0; i < topology->stage_count; i++) {
        struct rw_stage_env *own = &topology->stage[i].env;
        own->watermarks = topology->watermarks;
        own->stats = env->stats;
        own->taps = env->taps;
        own->arena = &topology->arena;
        own->clock = env->clock;
    }
    build_runners(topology, env);
    return 0;
}

int rw_topology_init_priv(struct rw_topology *topology) {
    RW_ASSERT(topology->built);
    for (uint32_t i = 0; i < topology->stage_count; i++) {
        struct stage_slot *slot = &topology->stage[i];
        if (!slot->row->type->init_priv) continue;
        int rc = slot->row->type->init_priv(NULL, slot->cfg, &slot->env);
        if (rc) return rw_err_add(rc, "stage %s cannot open its devices", slot->name);
    }
    return 0;
}

/* Where the runner of a stage has its copy of it. */
static struct rw_runner_stage *runner_stage(struct rw_topology *topology, uint32_t index) {
    struct rw_runner *runner = &topology->runner[topology->placement.core_of[index]];
    for (uint32_t i = 0; i < runner->stage_count; i++)
        if (runner->stage[i].name == topology->stage[index].name) return &runner->stage[i];
    RW_ASSERT(index == UINT32_MAX); /* every stage has been given to a runner */
    return NULL;
}

int rw_topology_init(struct rw_topology *topology) {
    RW_ASSERT(topology->built);
    for (uint32_t i = 0; i < topology->stage_count; i++) {
        struct stage_slot *slot = &topology->stage[i];
        int rc = slot->row->type->init(&slot->stage, slot->cfg, &slot->env);
        if (rc) {
            rw_err_add(rc, "stage %s cannot be set up", slot->name);
            rw_topology_fini(topology);
            return rc;
        }
        slot->made = true;
        runner_stage(topology, i)->stage = slot->stage;
    }
    return 0;
}

int rw_topology_start(struct rw_topology *topology) {
    for (uint32_t i = 0; i < topology->stage_count; i++) RW_ASSERT(topology->stage[i].made);
    for (uint32_t core = 0; core < topology->placement.cores; core++) {
        int rc = rw_runner_start(&topology->runner[core]);
        if (!rc) continue;
        rw_topology_stop(topology);
        return rc;
    }
    return 0;
}

void rw_topology_stop(struct rw_topology *topology) {
    if (!topology->built) return;
    for (uint32_t core = 0; core < topology->placement.cores; core++)
        rw_runner_ask_stop(&topology->runner[core]);
    for (uint32_t core = 0; core < topology->placement.cores; core++)
        rw_runner_stop(&topology->runner[core]);
}

void rw_topology_fini(struct rw_topology *topology) {
    for (uint32_t i = topology->stage_count; i-- > 0;) {
        struct stage_slot *slot = &topology->stage[i];
        if (slot->made && slot->row->type->fini) slot->row->type->fini(slot->stage);
        slot->made = false;
    }
}

void rw_topology_free(struct rw_topology *topology) {
    if (!topology) return;
    rw_arena_unmap(&topology->arena);
    free(topology);
}

struct rw_ring *rw_topology_link(const struct rw_topology *topology, const char *from,
                                 const char *to) {
    RW_ASSERT(topology->built);
    for (uint32_t i = 0; i < topology->link_count; i++) {
        const struct link_slot *link = &topology->link[i];
        if (!strcmp(rw_topology_end_name(topology, link->from), from) &&
            !strcmp(rw_topology_end_name(topology, link->to), to))
            return link->ring;
    }
    return NULL;
}

struct rw_watermarks *rw_topology_watermarks(const struct rw_topology *topology) {
    RW_ASSERT(topology->built);
    return topology->watermarks;
}

struct rw_arena *rw_topology_arena(struct rw_topology *topology) {
    RW_ASSERT(topology->built);
    return &topology->arena;
}

static void *stats_block(struct rw_stats *stats, const char *kind_of, const char *name,
                         enum rw_stat_kind kind, const struct rw_stat_row *rows, uint32_t count) {
    char block[64];
    snprintf(block, sizeof block, "%s %s", kind_of, name);
    return rw_stats_block(stats, block, kind, rows, count);
}

static void show_memory(const struct rw_arena *arena, struct rw_stats *stats) {
    struct rw_memory_gauges *gauges =
        rw_stats_block(stats, "memory", RW_STAT_GAUGE, memory_rows, COUNT(memory_rows));
    rw_stat_set(&gauges->planned_bytes, arena->plan->bytes);
    rw_stat_set(&gauges->mapped_bytes, arena->bytes);
    rw_stat_set(&gauges->page_bytes, arena->pages == RW_PAGES_HUGE ? RW_HUGE_PAGE : RW_SMALL_PAGE);
}

static void build_links(struct rw_topology *topology, struct rw_stats *stats) {
    for (uint32_t i = 0; i < topology->stage_count; i++)
        topology->stage[i].env.in_count = topology->stage[i].env.out_count = 0; /* counted again */
    for (uint32_t i = 0; i < topology->link_count; i++) {
        struct link_slot *link = &topology->link[i];
        const struct rw_link_row *row = link->row;
        link->ring = rw_ring_new(rw_arena_take(&topology->arena, "link", link->what), row->depth,
                                 row->slot_bytes);
        link->gauges =
            stats_block(stats, "link", link->what, RW_STAT_GAUGE, link_rows, COUNT(link_rows));
        rw_stat_set(&link->gauges->depth, row->depth);
        if (link->from != COLD_END) {
            struct rw_stage_env *env = &topology->stage[link->from].env;
            env->out[env->out_count++] = link->ring;
        }
        if (link->to != COLD_END) {
            struct rw_stage_env *env = &topology->stage[link->to].env;
            env->in[env->in_count++] = link->ring;
        }
    }
}

/* The runner's view of one stage: its ends of links, in row order. */
static void fill_ends(const struct rw_topology *topology, int index, struct rw_taps *taps,
                      struct rw_runner_stage *stage) {
    for (uint32_t i = 0; i < topology->link_count; i++) {
        const struct link_slot *link = &topology->link[i];
        struct rw_runner_link end = {
            .ring = link->ring, .fan_out = link->row->fan_out, .elastic = link->row->elastic};
        if (link->from == index) {
            end.gauges = link->to == COLD_END ? link->gauges : NULL;
            end.tap = rw_taps_find(taps, link->what);
            stage->out[stage->out_count++] = end;
        } else if (link->to == index) {
            end.gauges = link->gauges;
            stage->in[stage->in_count++] = end;
        }
    }
}

static void build_runners(struct rw_topology *topology, const struct rw_topology_env *env) {
    const struct rw_placement *placement = &topology->placement;
    topology->runner = rw_arena_take(&topology->arena, "topology", "runners");
    for (uint32_t core = 0; core < placement->cores; core++) {
        char number[16];
        snprintf(number, sizeof number, "%u", core);
        struct rw_runner_cfg cfg = {
            .cpu = placement->cpu[core],
            .idle = env->idle,
            .burst_max = env->burst_max ? env->burst_max : RW_BURST_MAX_DEFAULT,
            .clock = *env->clock,
            .gauges =
                stats_block(env->stats, "core", number, RW_STAT_GAUGE, core_rows, COUNT(core_rows)),
        };
        snprintf(cfg.name, sizeof cfg.name, "core%u", core);
        rw_runner_setup(&topology->runner[core], &cfg);
    }
    for (uint32_t i = 0; i < topology->stage_count; i++) {
        const struct stage_slot *slot = &topology->stage[i];
        struct rw_runner_stage stage = {.type = slot->row->type, .name = slot->name};
        stage.counters = stats_block(env->stats, "stage", slot->name, RW_STAT_COUNTER, stage_rows,
                                     COUNT(stage_rows));
        fill_ends(topology, (int)i, env->taps, &stage);
        rw_runner_add(&topology->runner[placement->core_of[i]], &stage);
    }
}
