/* Ports in memory: frames that a test has put there. A file port waits and ends; a live port hands
 * out what was fed, keeps what was sent, and can be given whatever a device may have: queues,
 * steering, counters, a link that comes and goes. Counts what is out, so that a test finds a packet
 * that was never given back. */
#pragma once

#include "dataplane/nic/nic.h"

struct rw_nic_mem_port_cfg {
    const char *device;
    bool file;
    uint32_t frames_max; /* the most frames that will be fed */
    uint32_t queues;     /* 0 = 1 */
    bool steers;         /* knows steering; else ENOTSUP, and all frames are on queue 0 */
    bool checksums;      /* says it verifies checksums, */
    bool stamps;         /* and that it stamps */
    uint32_t sent_max;   /* the most frames it takes for sending; more are refused */
    enum rw_nic_hearing hearing;
};

struct rw_nic_mem_cfg {
    uint32_t port_count;
    struct rw_nic_mem_port_cfg port[RW_NIC_PORTS_MAX];
};

/* rw_nic_mem_new makes the ports, links up; NULL when memory is short. Closed by
 * nic->ops->close. */
struct rw_nic *rw_nic_mem_new(const struct rw_nic_mem_cfg *cfg);
/* rw_nic_mem_feed appends a copy of a frame to a port; asserts frames_max. time_ns: capture time of
 * a file port, else the device's stamp if flags has RW_NIC_TIME; flags: of the packet. bytes ≤
 * 65,535. */
void rw_nic_mem_feed(struct rw_nic *nic, uint32_t port, uint64_t time_ns, const void *frame,
                     uint32_t bytes, uint32_t flags);
/* rw_nic_mem_out returns how many packets were taken and not yet given back. */
uint64_t rw_nic_mem_out(const struct rw_nic *nic);
/* rw_nic_mem_waiting returns how many fed frames of a port were not taken yet. */
uint64_t rw_nic_mem_waiting(const struct rw_nic *nic, uint32_t port);
/* rw_nic_mem_sent returns how many frames a port has sent; rw_nic_mem_sent_frame one of them, valid
 * until close, with its length in *bytes. */
uint32_t rw_nic_mem_sent(const struct rw_nic *nic, uint32_t port);
const uint8_t *rw_nic_mem_sent_frame(const struct rw_nic *nic, uint32_t port, uint32_t index,
                                     uint32_t *bytes);
/* rw_nic_mem_groups returns how many groups the port was last asked to listen to. */
uint32_t rw_nic_mem_groups(const struct rw_nic *nic, uint32_t port);
/* rw_nic_mem_link sets the carrier; rw_nic_mem_lose lets the device have lost frames. */
void rw_nic_mem_link(struct rw_nic *nic, uint32_t port, bool up);
void rw_nic_mem_lose(struct rw_nic *nic, uint32_t port, uint64_t missed, uint64_t errors,
                     uint64_t no_buffer);
