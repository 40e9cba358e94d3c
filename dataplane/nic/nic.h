/* Ports that packets come from, behind a table of operations: DPDK (nic_dpdk.h) in the appliance,
 * memory (nic_mem.h) in tests. The rx stage sees nothing else, so it is built and tested without a
 * NIC.
 *
 *   nic ─┬─ port 0  "/data/line_a.pcap"   file: waits, has an end, brings capture times
 *        ├─ port 1  "0000:41:00.0"        live: cannot wait, loses what is not taken
 *        └─ …       at most RW_NIC_PORTS_MAX
 *
 * A packet is a view into the port's own buffer, valid until it is freed: rx copies the payload out
 * and gives the buffer back at once, so a slow stage can never starve a port of buffers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RW_NIC_PORTS_MAX    16u
#define RW_NIC_BURST        64u  /* the most packets one rx_burst takes */
#define RW_NIC_DEVICE_BYTES 512u /* a device string or the path of a capture, with its NUL */

enum rw_nic_packet_flag {
    RW_NIC_TIME = 1,    /* time_ns is valid */
    RW_NIC_CHAINED = 2, /* the frame goes on in another buffer: longer than any market data */
};

struct rw_nic_packet {
    const uint8_t *frame; /* from the Ethernet header on */
    uint32_t bytes;       /* that are there, of the first buffer if chained */
    uint32_t flags;       /* enum rw_nic_packet_flag */
    uint64_t time_ns;     /* file ports: capture time, Unix ns */
    void *buffer;         /* the port's own handle */
};

/* What the device itself has counted since start. */
struct rw_nic_counters {
    uint64_t packets; /* received into buffers */
    uint64_t bytes;
    uint64_t missed;    /* lost: the receive queue was full */
    uint64_t errors;    /* damaged; of a file: a cut last record */
    uint64_t no_buffer; /* lost: no free buffer */
};

struct rw_nic_port {
    char device[RW_NIC_DEVICE_BYTES]; /* as configured; the rx stage finds its ports by it */
    bool file;                        /* can wait, and ends after `records` packets */
    uint64_t records;                 /* files: packets to come, a cut one included */
};

struct rw_nic;

/* The operations of a kind of port. port < port_count. All but close: the rx stage's thread
 * only. */
struct rw_nic_ops {
    const char *name;
    /* thread_begin makes the calling thread known to the device library, before its first
     * rx_burst. */
    void (*thread_begin)(struct rw_nic *nic);
    /* rx_burst takes up to count ≤ RW_NIC_BURST packets that are there and returns how many. Never
     * waits. Each is given back to free exactly once. */
    uint32_t (*rx_burst)(struct rw_nic *nic, uint32_t port, struct rw_nic_packet *packets,
                         uint32_t count);
    void (*free)(struct rw_nic *nic, const struct rw_nic_packet *packets, uint32_t count);
    /* at_end tells that a file port has delivered its last packet. false for live ports. */
    bool (*at_end)(struct rw_nic *nic, uint32_t port);
    /* join asks for a multicast group (from one source, or any with source 0; host byte order). 0;
     * or -ENOTSUP when the port takes everything that arrives (the stage filters): joining is then
     * up to the network. Before the seal. */
    int (*join)(struct rw_nic *nic, uint32_t port, uint32_t group, uint32_t source);
    /* counters reads the device's counters; link_up its carrier. ≤ 1 µs. */
    void (*counters)(struct rw_nic *nic, uint32_t port, struct rw_nic_counters *counters);
    bool (*link_up)(struct rw_nic *nic, uint32_t port);
    /* close stops the ports and frees the nic. After the rx stage has stopped; cold thread. */
    void (*close)(struct rw_nic *nic);
};

/* The head that every kind of nic begins with. */
struct rw_nic {
    const struct rw_nic_ops *ops;
    uint32_t port_count;
    struct rw_nic_port port[RW_NIC_PORTS_MAX];
};
