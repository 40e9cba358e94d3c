#include "tools/riskwired/tapping.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/base/err.h"
#include "tools/riskwired/wiring.h"

static_assert(RW_TOPOLOGY_LINKS_MAX + RW_NIC_PORTS_MAX <= RW_TAPS_MAX, "each may have a tap");

int rw_tapping_plan(struct rw_tapping *tapping, const struct rw_config *config,
                    const struct rw_topology *topology, struct rw_plan *plan) {
    struct rw_taps_cfg *cfg = &tapping->cfg;
    struct rw_nic_dpdk_cfg ports;
    memset(tapping, 0, sizeof *tapping);
    if (!config->capture_ring_kib) return 0;
    int rc = rw_config_site_path(config, "taps", tapping->path, sizeof tapping->path);
    if (rc) return rc;
    cfg->path = tapping->path;
    cfg->site = config->site;
    cfg->ring_bytes = config->capture_ring_kib << 10;
    if (cfg->ring_bytes < RW_TAP_RING_BYTES_MIN || (cfg->ring_bytes & (cfg->ring_bytes - 1)))
        return rw_err_set(EINVAL, "capture.ring_kib is %llu, wanted 0 or a power of two from %u on",
                          (unsigned long long)config->capture_ring_kib,
                          RW_TAP_RING_BYTES_MIN >> 10);
    rw_wiring_ports(config, &ports);
    for (uint32_t i = 0; i < ports.device_count; i++) {
        struct rw_tap_row *row = &cfg->row[cfg->count++];
        row->kind = RW_TAP_FRAMES;
        snprintf(row->name, sizeof row->name, "rx port%u", i);
        snprintf(row->detail, sizeof row->detail, "%s", ports.device[i]);
    }
    cfg->count += rw_topology_taps(topology, cfg->row + cfg->count, RW_TAPS_MAX - cfg->count);
    rw_plan_add_outside(plan, "capture", "taps", rw_taps_footprint(cfg));
    return 0;
}

int rw_tapping_make(struct rw_tapping *tapping, const struct rw_clock *clock) {
    if (!tapping->cfg.count) return 0;
    tapping->cfg.pid = (uint64_t)getpid();
    int rc = rw_taps_create(&tapping->taps, &tapping->cfg);
    if (!rc) rw_tapping_tick(tapping, clock);
    return rc;
}

struct rw_taps *rw_tapping_taps(struct rw_tapping *tapping) {
    return tapping->taps.count ? &tapping->taps : NULL;
}

void rw_tapping_tick(struct rw_tapping *tapping, const struct rw_clock *clock) {
    struct timespec now;
    if (!tapping->taps.count) return;
    clock_gettime(CLOCK_REALTIME, &now);
    rw_taps_clock(&tapping->taps, rw_clock_now(clock),
                  (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
}

void rw_tapping_end(struct rw_tapping *tapping) { rw_taps_close(&tapping->taps, tapping->path); }
