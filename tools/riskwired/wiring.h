/* The wiring of a site: configuration → the stages' configurations → rows of the topology. Pure,
 * so that `riskwire mem` shows the same plan that riskwired maps. */
#pragma once

#include "dataplane/delivery/deliver_stage.h"
#include "dataplane/feed/feed_stage.h"
#include "dataplane/feed/intake_stage.h"
#include "dataplane/feed/recover_stage.h"
#include "dataplane/nic/nic_dpdk.h"
#include "dataplane/nic/rx_stage.h"
#include "dataplane/topology/topology.h"
#include "refdata/enrich_stage.h"
#include "replication/repl_stage.h"
#include "replication/wire.h"
#include "risk/merge_stage.h"
#include "risk/risk_stage.h"
#include "tools/riskwired/config.h"

#define RW_WIRING_STAGES 9u
#define RW_WIRING_LINKS  13u

struct rw_wiring {
    struct rw_rx_cfg rx;
    struct rw_feed_cfg feed[RW_CONFIG_FEEDS_MAX]; /* in the order of the sections */
    uint32_t feeds;
    struct rw_recover_cfg recover;
    bool recovers; /* some channel has somebody to ask or to serve */
    struct rw_intake_cfg intake;
    struct rw_enrich_cfg enrich;
    struct rw_repl_cfg repl;
    struct rw_risk_stage_cfg risk;
    struct rw_merge_stage_cfg merge;
    struct rw_deliver_cfg deliver;
    char log_dir[512], results_dir[512], superblock[512], broadcast[512], soup_host[256];
    uint32_t shards;
    struct rw_stage_row stage[RW_WIRING_STAGES]; /* the rows must outlive the topology */
    struct rw_link_row link[RW_WIRING_LINKS];
};

/* rw_wiring_make fills the stages' configurations; image, intake and config outlive the wiring. 0,
 * or -EINVAL with an error that names the key. */
int rw_wiring_make(struct rw_wiring *wiring, const struct rw_config *config,
                   const struct rw_image *image, const struct rw_intake_file *intake);
/* rw_wiring_topology makes the topology from the rows; NULL with an error. */
struct rw_topology *rw_wiring_topology(struct rw_wiring *wiring);
/* rw_wiring_ports tells which ports the site needs; rw_wiring_set_nic hands them to rx once
 * started. */
void rw_wiring_ports(const struct rw_config *config, struct rw_nic_dpdk_cfg *cfg);
void rw_wiring_set_nic(struct rw_wiring *wiring, struct rw_nic *nic);
/* rw_wiring_idle maps the configured word to the runner's policy. */
enum rw_idle_policy rw_wiring_idle(const struct rw_config *config);
