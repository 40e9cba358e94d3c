/* port_watch: what a device tells about itself beside its packets: carrier, and what it has lost.
 * Reading that costs register reads, system calls or worse, so it is the cold thread that asks.
 *
 *   every 50 ms   link_up ──► carrier changes, a log line ──► port.carrier_ups ──► rx joins again
 *   every 500 ms  counters, xstats ──► statistics
 *
 *   reached the device = packets (taken by rx, or waiting for it) + missed + errors + no buffer */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/nic/nic.h"
#include "dataplane/stats/stats.h"

#define RW_PORT_WATCH_LINK_NS     50000000ull
#define RW_PORT_WATCH_COUNTERS_NS 500000000ull

/* Counters of one port, block "<stage> port<i> device". */
#define RW_PORT_COUNTERS(X)                                                                 \
    X(device_missed, "frames", "lost by the device: its receive queue was full")            \
    X(device_errors, "frames", "lost by the device: damaged; of a file: a cut last record") \
    X(device_no_buffer, "frames", "lost by the device: no free buffer")                     \
    X(carrier_changes, "changes", "times the link went down or came up")
RW_STATS_STRUCT(rw_port_counters, RW_PORT_COUNTERS);

#define RW_PORT_GAUGES(X)                                                              \
    X(device_reached, "frames", "reached the device: packets and all that it lost")    \
    X(device_packets, "frames", "received by the device into buffers, for rx to take") \
    X(link_up, "bool", "the port has a carrier")                                       \
    X(carrier_changed_ns, "ns", "monotonic time of the last carrier change seen; 0 = none so far")
RW_STATS_STRUCT(rw_port_gauges, RW_PORT_GAUGES);

struct rw_port_watch {
    struct rw_nic *nic;
    struct {
        struct rw_port_counters *counters;
        struct rw_port_gauges *gauges;
        rw_stat *xstats;
        uint32_t xstat_count;
        bool up;
        uint64_t log_ns; /* not logged before this */
    } port[RW_NIC_PORTS_MAX];
    uint64_t link_ns, counters_ns; /* when they are read next */
};

/* rw_port_watch_open adds the statistics' blocks under the stage's name, before the seal, and reads
 * the links for the first time. The nic outlives the watch. Cold thread, as all of these. */
void rw_port_watch_open(struct rw_port_watch *watch, struct rw_nic *nic, struct rw_stats *stats,
                        const char *stage);
/* rw_port_watch_step reads what is due at now_ns (monotonic). */
void rw_port_watch_step(struct rw_port_watch *watch, uint64_t now_ns);
/* rw_port_watch_counters reads the counters at once: the last reading, when rx has stopped. */
void rw_port_watch_counters(struct rw_port_watch *watch);
