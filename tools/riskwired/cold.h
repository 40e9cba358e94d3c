/* The cold thread: everything that may be slow, in small slices, away from the stage cores.
 *
 *   signals · control socket · meeting the peer (TCP, TLS) · zeroing journal segments
 *
 * It meets the stages only through links ("cold" rows of the topology), watermarks, statistics. */
#pragma once

#include "dataplane/nic/port_watch.h"
#include "dataplane/topology/topology.h"
#include "tools/riskwired/config.h"
#include "tools/riskwired/control.h"
#include "tools/riskwired/peering.h"
#include "tools/riskwired/tapping.h"

/* rw_cold_run's answer when the process must replace itself. */
#define RW_COLD_RESTART 1

/* What has been logged about one of the two journals: each condition once, until it changes. */
struct rw_cold_store {
    int full;    /* why no segment could be made, as last logged; 0 = they can be made */
    bool making; /* segments are being made since that failure */
    int stopped; /* errno after which the journal takes nothing more, as logged */
};

struct rw_cold {
    const struct rw_config *config;
    const struct rw_clock *clock;
    struct rw_topology *topology;
    struct rw_stats *stats;
    struct rw_tapping *tapping;
    struct rw_port_watch *ports;
    struct rw_control control;
    struct rw_peering peering;
    struct rw_ring *to_repl, *from_repl;
    void *repl, *deliver; /* the stages' read-only questions, see their headers */
    int signals;
    bool stopping;
    uint64_t last_role, last_stopped; /* as logged */
    struct rw_cold_store log, results;
    uint64_t command_id;
    struct {
        bool waiting;
        uint32_t client;
        uint64_t id;
    } command; /* one operator command at a time */
};

/* rw_cold_block_signals blocks SIGTERM and SIGINT. First thing in main: every thread started
 * later, also by DPDK, inherits the mask, so only the cold thread ever takes them. */
int rw_cold_block_signals(void);
/* rw_cold_open opens the control socket and the peer's listener. 0 or -errno with an error. */
int rw_cold_open(struct rw_cold *cold, const struct rw_config *config, struct rw_topology *topology,
                 const struct rw_clock *clock, struct rw_stats *stats);
/* rw_cold_run serves until SIGTERM or SIGINT (0), until replication wants a restart
 * (RW_COLD_RESTART), or until a stage has failed for good (-errno with an error). */
int rw_cold_run(struct rw_cold *cold);
void rw_cold_close(struct rw_cold *cold);
