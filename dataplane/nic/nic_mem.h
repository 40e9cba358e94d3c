/* Ports in memory: frames that a test has put there. A file port waits and ends; a live port hands
 * out what was fed. Counts what is out, so that a test finds a packet that was never given back. */
#pragma once

#include "dataplane/nic/nic.h"

struct rw_nic_mem_cfg {
    uint32_t port_count;
    struct {
        const char *device;
        bool file;
        uint32_t frames_max; /* the most frames that will be fed */
    } port[RW_NIC_PORTS_MAX];
};

/* rw_nic_mem_new makes the ports; NULL when memory is short. Closed by nic->ops->close. */
struct rw_nic *rw_nic_mem_new(const struct rw_nic_mem_cfg *cfg);
/* rw_nic_mem_feed appends a copy of a frame to a port; asserts frames_max. time_ns: capture time
 * (file ports); flags: of the packet besides RW_NIC_TIME. bytes ≤ 65,535. */
void rw_nic_mem_feed(struct rw_nic *nic, uint32_t port, uint64_t time_ns, const void *frame,
                     uint32_t bytes, uint32_t flags);
/* rw_nic_mem_out returns how many packets were taken and not yet given back. */
uint64_t rw_nic_mem_out(const struct rw_nic *nic);
/* rw_nic_mem_waiting returns how many fed frames of a port were not taken yet. */
uint64_t rw_nic_mem_waiting(const struct rw_nic *nic, uint32_t port);
