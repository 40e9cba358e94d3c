#include "dataplane/nic/port_watch.h"

#include <stdio.h>
#include <string.h>

#include "dataplane/base/log.h"

/* A link that flaps is counted each time and logged at this pace. */
#define LOG_SPACING_NS 1000000000ull

/* add_xstats makes a block of the driver's own counters, if it has any worth showing. */
static void add_xstats(struct rw_port_watch *watch, uint32_t i, struct rw_stats *stats,
                       const char *stage) {
    char names[RW_NIC_XSTATS_MAX][RW_NIC_XSTAT_BYTES], block[48];
    struct rw_stat_row rows[RW_NIC_XSTATS_MAX];
    uint32_t count = watch->nic->ops->xstat_names(watch->nic, i, names);
    for (uint32_t k = 0; k < count; k++)
        rows[k] = (struct rw_stat_row){names[k], "1", "counted by the driver, under its own name"};
    snprintf(block, sizeof block, "%.24s port%u driver", stage, i);
    watch->port[i].xstat_count = count;
    if (count) watch->port[i].xstats = rw_stats_block(stats, block, RW_STAT_GAUGE, rows, count);
}

void rw_port_watch_open(struct rw_port_watch *watch, struct rw_nic *nic, struct rw_stats *stats,
                        const char *stage) {
    static const struct rw_stat_row counters[] = RW_STATS_ROWS(RW_PORT_COUNTERS);
    static const struct rw_stat_row gauges[] = RW_STATS_ROWS(RW_PORT_GAUGES);
    *watch = (struct rw_port_watch){.nic = nic};
    for (uint32_t i = 0; i < nic->port_count; i++) {
        char block[48];
        snprintf(block, sizeof block, "%.24s port%u device", stage, i);
        watch->port[i].counters = rw_stats_block(stats, block, RW_STAT_COUNTER, counters,
                                                 sizeof counters / sizeof *counters);
        watch->port[i].gauges =
            rw_stats_block(stats, block, RW_STAT_GAUGE, gauges, sizeof gauges / sizeof *gauges);
        watch->port[i].up = nic->ops->link_up(nic, i);
        rw_stat_set(&watch->port[i].gauges->link_up, watch->port[i].up);
        if (!watch->port[i].up) rw_warning("port %s has no carrier yet", nic->port[i].device);
        add_xstats(watch, i, stats, stage);
    }
}

static void log_link(struct rw_port_watch *watch, uint32_t i, uint64_t now_ns) {
    const char *device = watch->nic->port[i].device;
    if (now_ns < watch->port[i].log_ns) return;
    watch->port[i].log_ns = now_ns + LOG_SPACING_NS;
    if (watch->port[i].up)
        rw_info("port %s has a carrier again: its groups are joined anew", device);
    else
        rw_warning("port %s has lost its carrier", device);
}

static void read_link(struct rw_port_watch *watch, uint32_t i, uint64_t now_ns) {
    bool up = watch->nic->ops->link_up(watch->nic, i);
    if (up == watch->port[i].up) return;
    watch->port[i].up = up;
    rw_stat_add(&watch->port[i].counters->carrier_changes, 1);
    rw_stat_set(&watch->port[i].gauges->carrier_changed_ns, now_ns);
    rw_stat_set(&watch->port[i].gauges->link_up, up);
    log_link(watch, i, now_ns);
    struct rw_word *ups = &watch->nic->port[i].carrier_ups;
    if (up) rw_word_set(ups, rw_word_get(ups) + 1);
}

static void read_counters(struct rw_port_watch *watch, uint32_t i) {
    struct rw_nic_counters read;
    uint64_t values[RW_NIC_XSTATS_MAX];
    struct rw_port_counters *counters = watch->port[i].counters;
    watch->nic->ops->counters(watch->nic, i, &read);
    rw_stat_set(&counters->device_missed, read.missed);
    rw_stat_set(&counters->device_errors, read.errors);
    rw_stat_set(&counters->device_no_buffer, read.no_buffer);
    rw_stat_set(&watch->port[i].gauges->device_packets, read.packets);
    rw_stat_set(&watch->port[i].gauges->device_reached,
                read.packets + read.missed + read.errors + read.no_buffer);
    if (watch->port[i].xstat_count == 0) return;
    watch->nic->ops->xstats(watch->nic, i, values);
    for (uint32_t k = 0; k < watch->port[i].xstat_count; k++)
        rw_stat_set(&watch->port[i].xstats[k], values[k]);
}

void rw_port_watch_step(struct rw_port_watch *watch, uint64_t now_ns) {
    bool links = now_ns >= watch->link_ns, counters = now_ns >= watch->counters_ns;
    for (uint32_t i = 0; links && i < watch->nic->port_count; i++) read_link(watch, i, now_ns);
    if (links) watch->link_ns = now_ns + RW_PORT_WATCH_LINK_NS;
    if (counters) rw_port_watch_counters(watch);
    if (counters) watch->counters_ns = now_ns + RW_PORT_WATCH_COUNTERS_NS;
}

void rw_port_watch_counters(struct rw_port_watch *watch) {
    for (uint32_t i = 0; i < watch->nic->port_count; i++) read_counters(watch, i);
}
