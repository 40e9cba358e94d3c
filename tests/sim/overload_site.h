/* A site in virtual time: the real stages from the port to the numbered results, and a cost for
 * what stands behind the sequencer.
 *
 *   ports in memory ─► rx ─► feed ─► enrich ─┬─► risk ─► merge ─► results, looked at
 *                     (pace of the line)     └─► repl: this file, which keeps the log
 *                                   one core that takes `cost_ns` for each log entry
 *
 * rx and feed are visited once in each step of time, as on a core of their own. risk may take as
 * many entries as the step pays for; the links fill up behind it and hold the sequencer, as
 * the runner's budget does. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/feed/feed_stage.h"
#include "dataplane/nic/nic_mem.h"
#include "dataplane/nic/rx_stage.h"
#include "refdata/enrich_stage.h"
#include "risk/merge_stage.h"
#include "risk/risk_stage.h"

#define OVERLOAD_CHANNEL 7u
#define OVERLOAD_GROUP   0xE9360C6Fu
#define OVERLOAD_PORT    26477u
#define OVERLOAD_LINK_DEPTH \
    512u /* of the links in front of risk, as tools/riskwired wires live ports */

struct overload_log {
    struct rw_entry *slot; /* the log; every entry of these runs is one slot */
    uint32_t count, room;
};

struct overload_site {
    struct rw_plan plan;
    struct rw_arena arena;
    struct rw_stats *stats;
    struct rw_watermarks *watermarks;
    struct rw_nic *nic;
    struct rw_rx_cfg rx_cfg;
    struct rw_feed_cfg feed_cfg;
    struct rw_enrich_cfg enrich_cfg;
    struct rw_risk_stage_cfg risk_cfg;
    struct rw_merge_stage_cfg merge_cfg;
    struct rw_ring *frames, *ticks, *intake, *copy, *to_risk, *to_repl, *from_repl, *to_merge,
        *results;
    void *rx, *feed, *enrich, *risk, *merge;
    uint64_t cost_ns, paid_ns; /* per entry; of the present entry */
    uint32_t sequencer_budget; /* inputs of enrich in a step: 0 = as many as there is room for */
    bool repl_stalled;         /* takes nothing from the sequencer */
    bool dead;                 /* nothing is visited any more */
    uint64_t nic_waiting_max;  /* frames found in a port before rx was visited */
    uint32_t copied;           /* entries of the log handed to this site as follower */
    uint64_t records, conflated_records;
};

struct overload_cfg {
    const struct rw_image *image;
    uint32_t frames_max; /* for each of both ports */
    uint64_t cost_ns;
    uint8_t site;
};

/* overload_site_new starts a site in role RECOVER. overload_site_free frees what it holds. */
void overload_site_new(struct overload_site *site, const struct overload_cfg *cfg);
void overload_site_free(struct overload_site *site);
void overload_site_role(struct overload_site *site, uint64_t epoch, enum rw_role role,
                        uint64_t start);
/* overload_site_step lets one step of time pass. As leader the site appends to the log, as
 * follower it takes what it has not taken. */
void overload_site_step(struct overload_site *site, struct overload_log *log, uint64_t now_ns,
                        uint64_t step_ns);
/* overload_site_applied returns how many entries risk has applied. */
uint64_t overload_site_applied(const struct overload_site *site);
/* overload_site_stat returns a figure of the site's statistics; a name that is not there fails. */
uint64_t overload_site_stat(const struct overload_site *site, const char *block, const char *name);
