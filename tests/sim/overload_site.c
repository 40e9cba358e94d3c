#include "tests/sim/overload_site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"

#define BURST        128u
#define FRAMES_DEPTH 1024u
#define COPY_DEPTH   2048u
#define MERGE_DEPTH  4096u
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* One stage: what the topology would do for it. */
struct part {
    const struct rw_stage_type *type;
    const char *name;
    const void *cfg;
    void **stage;
    struct rw_ring *in[3], *out[2];
    uint32_t in_count, out_count;
};

static struct rw_ring *ring_new(uint32_t depth, uint32_t slot_bytes) {
    void *memory = aligned_alloc(64, rw_ring_footprint(depth, slot_bytes));
    RW_ASSERT(memory);
    return rw_ring_new(memory, depth, slot_bytes);
}

static void make_rings(struct overload_site *site) {
    site->frames = ring_new(FRAMES_DEPTH, RW_FRAME_SLOT_BYTES);
    site->ticks = ring_new(OVERLOAD_LINK_DEPTH, RW_SLOT_BYTES);
    site->intake = ring_new(64, RW_SLOT_BYTES);
    site->copy = ring_new(COPY_DEPTH, RW_SLOT_BYTES);
    site->to_risk = ring_new(OVERLOAD_LINK_DEPTH, RW_SLOT_BYTES);
    site->to_repl = ring_new(OVERLOAD_LINK_DEPTH, RW_SLOT_BYTES);
    site->from_repl = ring_new(COPY_DEPTH, RW_SLOT_BYTES);
    site->to_merge = ring_new(MERGE_DEPTH, RW_RESULT_BYTES);
    site->results = ring_new(MERGE_DEPTH, RW_RESULT_BYTES);
}

static void configure(struct overload_site *site, const struct overload_cfg *cfg) {
    struct rw_nic_mem_cfg nic = {.port_count = 2};
    site->rx_cfg.row_count = 2;
    for (uint16_t line = 0; line < 2; line++) {
        struct rw_rx_row *row = &site->rx_cfg.row[line];
        *row = (struct rw_rx_row){.channel = OVERLOAD_CHANNEL,
                                  .line = line,
                                  .group = OVERLOAD_GROUP,
                                  .udp_port = OVERLOAD_PORT};
        nic.port[line].device = line ? "b" : "a";
        nic.port[line].frames_max = cfg->frames_max;
        snprintf(row->device, sizeof row->device, "%s", nic.port[line].device);
    }
    site->rx_cfg.nic = site->nic = rw_nic_mem_new(&nic);
    site->feed_cfg =
        (struct rw_feed_cfg){.channel = OVERLOAD_CHANNEL,
                             .line = {.venue = rw_venue_named("itch50"),
                                      .lines = 2,
                                      .first_sequence = 1,
                                      .gap_timer_ns = 5000000,
                                      .reorder_packets = 1024,
                                      .packet_bytes = RW_FRAME_PAYLOAD_BYTES},
                             .books.book = {.orders_max = 1u << 20, .levels_max = 1u << 19}};
    site->enrich_cfg = (struct rw_enrich_cfg){.image = cfg->image,
                                              .session = "2601020001",
                                              .site = cfg->site,
                                              .channel_count = 1,
                                              .channel = {OVERLOAD_CHANNEL},
                                              .shadow_own_depth = 1u << 18};
    site->risk_cfg.image = site->merge_cfg.image = cfg->image;
    site->cost_ns = cfg->cost_ns;
}

void overload_site_new(struct overload_site *site, const struct overload_cfg *cfg) {
    memset(site, 0, sizeof *site);
    configure(site, cfg);
    make_rings(site);
    site->stats = rw_stats_create(NULL, "test", 1);
    site->watermarks = aligned_alloc(64, sizeof *site->watermarks);
    memset(site->watermarks, 0, sizeof *site->watermarks);
    const struct part parts[] = {
        {&rw_rx_stage, "rx", &site->rx_cfg, &site->rx, {0}, {site->frames}, 0, 1},
        {&rw_feed_stage_type,
         "feed",
         &site->feed_cfg,
         &site->feed,
         {site->frames},
         {site->ticks},
         1,
         1},
        {&rw_enrich_stage_type,
         "enrich",
         &site->enrich_cfg,
         &site->enrich,
         {site->ticks, site->intake, site->copy},
         {site->to_risk, site->to_repl},
         3,
         2},
        {&rw_risk_stage_type,
         "risk0",
         &site->risk_cfg,
         &site->risk,
         {site->to_risk, site->from_repl},
         {site->to_merge},
         2,
         1},
        {&rw_merge_stage_type,
         "merge",
         &site->merge_cfg,
         &site->merge,
         {site->to_merge},
         {site->results},
         1,
         1},
    };
    for (uint32_t i = 0; i < COUNT(parts); i++)
        RW_ASSERT(parts[i].type->plan(parts[i].cfg, parts[i].name, 1, &site->plan) == 0);
    RW_ASSERT(rw_arena_map(&site->arena, &site->plan, false) == 0);
    for (uint32_t i = 0; i < COUNT(parts); i++) {
        const struct part *part = &parts[i];
        struct rw_stage_env env = {.name = part->name,
                                   .instances = 1,
                                   .in_count = part->in_count,
                                   .out_count = part->out_count,
                                   .watermarks = site->watermarks,
                                   .stats = site->stats,
                                   .arena = &site->arena};
        memcpy(env.in, part->in, sizeof part->in);
        memcpy(env.out, part->out, sizeof part->out);
        RW_ASSERT(part->type->init(part->stage, part->cfg, &env) == 0);
    }
}

void overload_site_free(struct overload_site *site) {
    struct rw_ring *rings[] = {site->frames,    site->ticks,    site->intake,
                               site->copy,      site->to_risk,  site->to_repl,
                               site->from_repl, site->to_merge, site->results};
    rw_rx_stage.fini(site->rx);
    RW_ASSERT(rw_nic_mem_out(site->nic) == 0);
    site->nic->ops->close(site->nic);
    rw_arena_unmap(&site->arena);
    rw_stats_close(site->stats);
    free(site->watermarks);
    for (uint32_t i = 0; i < COUNT(rings); i++) free(rings[i]);
}

void overload_site_role(struct overload_site *site, uint64_t epoch, enum rw_role role,
                        uint64_t start) {
    rw_word_set(&site->watermarks->role_start, start);
    rw_word_set(&site->watermarks->role, rw_role_pack(epoch, RW_MODE_DUAL, role));
}

static bool leads(const struct overload_site *site) {
    return rw_role_of(rw_word_get(&site->watermarks->role)) == RW_ROLE_LEAD;
}

static uint32_t budget_of(struct rw_ring *out, uint32_t fan_out, uint32_t budget) {
    uint32_t inputs = rw_ring_room(out, BURST * fan_out) / fan_out;
    return inputs < budget ? inputs : budget;
}

static void visit_line(struct overload_site *site, uint64_t now_ns) {
    for (uint32_t port = 0; port < 2; port++) {
        uint64_t waiting = rw_nic_mem_waiting(site->nic, port);
        if (waiting > site->nic_waiting_max) site->nic_waiting_max = waiting;
    }
    rw_rx_stage.poll(site->rx, BURST, now_ns);
    rw_feed_stage_type.poll(site->feed, BURST, now_ns);
}

static void visit_sequencer(struct overload_site *site, uint64_t now_ns) {
    uint32_t budget = site->sequencer_budget ? site->sequencer_budget : BURST;
    budget = budget_of(site->to_risk, RW_ENRICH_FAN_OUT, budget);
    budget = budget_of(site->to_repl, RW_ENRICH_FAN_OUT, budget);
    if (budget > 0) rw_enrich_stage_type.poll(site->enrich, budget, now_ns);
}

/* take_log is repl as leader, hand_log as follower. */
static void take_log(struct overload_site *site, struct overload_log *log) {
    uint32_t ready = rw_ring_ready(site->to_repl, OVERLOAD_LINK_DEPTH);
    for (uint32_t i = 0; i < ready; i++) {
        RW_ASSERT(log->count < log->room);
        memcpy(&log->slot[log->count++], rw_ring_front(site->to_repl, i), RW_SLOT_BYTES);
    }
    rw_ring_pop(site->to_repl, ready);
    site->copied = log->count;
}

static void hand_log(struct overload_site *site, const struct overload_log *log) {
    while (site->copied < log->count && rw_ring_room(site->copy, 1) > 0 &&
           rw_ring_room(site->from_repl, 1) > 0) {
        memcpy(rw_ring_slot(site->copy, 0), &log->slot[site->copied], RW_SLOT_BYTES);
        memcpy(rw_ring_slot(site->from_repl, 0), &log->slot[site->copied], RW_SLOT_BYTES);
        rw_ring_push(site->copy, 1);
        rw_ring_push(site->from_repl, 1);
        site->copied++;
    }
}

uint64_t overload_site_applied(const struct overload_site *site) {
    return rw_word_get(&site->watermarks->done[0]);
}

/* visit_risk applies what the step pays for; time that finds nothing to do is not saved up. */
static void visit_risk(struct overload_site *site, uint64_t now_ns, uint64_t step_ns) {
    site->paid_ns += step_ns;
    for (uint32_t visits = 0; site->paid_ns >= site->cost_ns; visits++) {
        RW_ASSERT(visits < 1000000); /* something stands still */
        uint64_t before = overload_site_applied(site);
        rw_risk_stage_type.poll(site->risk, 1, now_ns);
        if (overload_site_applied(site) == before && rw_ring_ready(site->to_risk, 1) == 0 &&
            rw_ring_ready(site->from_repl, 1) == 0) {
            site->paid_ns = 0;
            return;
        }
        site->paid_ns -= (overload_site_applied(site) - before) * site->cost_ns;
        uint32_t budget = budget_of(site->results, RW_MERGE_FAN_OUT, BURST);
        if (budget > 0) rw_merge_stage_type.poll(site->merge, budget, now_ns);
        uint32_t ready = rw_ring_ready(site->results, MERGE_DEPTH);
        for (uint32_t i = 0; i < ready; i++) {
            const struct rw_result *result = rw_ring_front(site->results, i);
            if (result->kind >= RW_RESULT_KIND_COUNT) continue;
            site->records++;
            site->conflated_records += result->conflated > 0;
        }
        rw_ring_pop(site->results, ready);
    }
}

void overload_site_step(struct overload_site *site, struct overload_log *log, uint64_t now_ns,
                        uint64_t step_ns) {
    if (site->dead) return;
    visit_line(site, now_ns);
    if (!leads(site)) hand_log(site, log);
    visit_sequencer(site, now_ns);
    if (leads(site) && !site->repl_stalled) take_log(site, log);
    visit_risk(site, now_ns, step_ns);
}

uint64_t overload_site_stat(const struct overload_site *site, const char *block, const char *name) {
    struct rw_stats_item item;
    for (uint64_t at = 0; rw_stats_next(site->stats, &at, &item);)
        if (!strcmp(item.block, block) && !strcmp(item.name, name)) return item.value;
    fprintf(stderr, "no %s in block %s\n", name, block);
    RW_ASSERT(item.block == NULL);
    return 0;
}
