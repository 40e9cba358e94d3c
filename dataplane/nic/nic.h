/* Ports that packets come from, behind a table of operations: DPDK (nic_dpdk.h) in the appliance,
 * memory (nic_mem.h) in tests. The rx stage sees nothing else, so it is built and tested without a
 * NIC.
 *
 *   nic ─┬─ port 0  "/data/line_a.pcap"   file: waits, has an end, brings capture times
 *        ├─ port 1  "0000:41:00.0"        live: cannot wait, loses what is not taken
 *        │            └─ queue 0, 1, …  of a device that spreads packets by group
 *        └─ …       at most RW_NIC_PORTS_MAX
 *
 * A packet is a view into the port's own buffer, valid until it is freed: rx copies the payload out
 * and gives the buffer back at once, so a slow stage can never starve a port of buffers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/link/watermark.h"

#define RW_NIC_PORTS_MAX    16u
#define RW_NIC_QUEUES_MAX   8u    /* receive queues of one port */
#define RW_NIC_BURST        64u   /* the most packets one rx_burst takes */
#define RW_NIC_TX_BURST     8u    /* the most frames one tx_burst hands over */
#define RW_NIC_TX_BYTES     1518u /* of one such frame */
#define RW_NIC_GROUPS_MAX   64u   /* multicast groups that a port listens to */
#define RW_NIC_DEVICE_BYTES 512u  /* a device string or the path of a capture, with its NUL */
#define RW_NIC_XSTATS_MAX   24u   /* counters of a driver's own that are shown */
#define RW_NIC_XSTAT_BYTES  40u   /* of the name of one, with its NUL */

enum rw_nic_packet_flag {
    RW_NIC_TIME = 1,     /* time_ns is valid */
    RW_NIC_CHAINED = 2,  /* the frame goes on in another buffer: longer than any market data */
    RW_NIC_IP_GOOD = 4,  /* the device found the IPv4 header's checksum right */
    RW_NIC_UDP_GOOD = 8, /* and the datagram's; without these flags software must look */
};

struct rw_nic_packet {
    const uint8_t *frame; /* from the Ethernet header on */
    uint32_t bytes;       /* that are there, of the first buffer if chained */
    uint32_t flags;       /* enum rw_nic_packet_flag */
    /* Files: capture time, Unix ns. Live ports: the device's stamp, ns of its own clock, which
     * began at any moment and runs at any rate near the true one. */
    uint64_t time_ns;
    void *buffer; /* the port's own handle */
};

/* A frame to be sent, from its Ethernet header on; the caller's memory. */
struct rw_nic_frame {
    const uint8_t *bytes;
    uint32_t count; /* ≤ RW_NIC_TX_BYTES */
};

/* What the device itself has counted since start. */
struct rw_nic_counters {
    uint64_t packets; /* received into buffers */
    uint64_t bytes;
    uint64_t missed;    /* lost: the receive queue was full */
    uint64_t errors;    /* damaged; of a file: a cut last record */
    uint64_t no_buffer; /* lost: no free buffer */
};

/* Which packets a queue is to take. 0 = any, for each but the group. */
struct rw_nic_flow {
    uint32_t group, source; /* IPv4 addresses, host byte order */
    uint16_t udp_port;      /* destination port */
    uint16_t vlan;
};

/* What a device lets in, besides what is sent to its own address. */
enum rw_nic_hearing {
    RW_NIC_HEARS_GROUPS = 0,    /* the groups asked for, by its own filter */
    RW_NIC_HEARS_MULTICAST = 1, /* all multicast; the stage filters */
    RW_NIC_HEARS_ALL = 2,       /* everything on the wire; the stage filters */
    RW_NIC_HEARS_OWN = 3,       /* nothing else, as far as the driver says */
};

struct rw_nic_port {
    char device[RW_NIC_DEVICE_BYTES]; /* as configured; the rx stage finds its ports by it */
    bool file;                        /* can wait, and ends after `records` packets */
    bool checksums;                   /* the device verifies IPv4 and UDP checksums */
    uint64_t records;                 /* files: packets to come, a cut one included */
    uint32_t queues;                  /* receive queues, 1..RW_NIC_QUEUES_MAX */
    uint8_t mac[6];                   /* own Ethernet address; 0 of files */
    bool stamps;                      /* live: packets may carry the device's stamp */
    struct rw_word carrier_ups;       /* port_watch: how often the carrier came back; for rx */
};

struct rw_nic;

/* The operations of a kind of port. port < port_count, queue < that port's queues. */
struct rw_nic_ops {
    const char *name;

    /* -- The rx stage's thread only; none of these waits. -- */

    /* thread_begin makes the calling thread known to the device library, before its first
     * rx_burst. */
    void (*thread_begin)(struct rw_nic *nic);
    /* rx_burst takes up to count ≤ RW_NIC_BURST packets that are there and returns how many. Each
     * is given back to free exactly once. */
    uint32_t (*rx_burst)(struct rw_nic *nic, uint32_t port, uint32_t queue,
                         struct rw_nic_packet *packets, uint32_t count);
    void (*free)(struct rw_nic *nic, const struct rw_nic_packet *packets, uint32_t count);
    /* at_end tells that a file port has delivered its last packet. false for live ports. */
    bool (*at_end)(struct rw_nic *nic, uint32_t port);
    /* tx_burst copies up to count ≤ RW_NIC_TX_BURST frames to the device and returns how many it
     * took, in order; the rest is the caller's to count. 0 of file ports. */
    uint32_t (*tx_burst)(struct rw_nic *nic, uint32_t port, const struct rw_nic_frame *frames,
                         uint32_t count);

    /* -- Once, before the seal; cold. -- */

    /* listen sets the device's filter to these multicast groups (host byte order; ≤
     * RW_NIC_GROUPS_MAX, none = all) and 224.0.0.1, or to something wider where it cannot, with a
     * warning if that is everything or nothing. */
    enum rw_nic_hearing (*listen)(struct rw_nic *nic, uint32_t port, const uint32_t *groups,
                                  uint32_t count);
    /* steer sends the packets of a flow to a queue. 0; -ENOTSUP when the device cannot, with the
     * reason as the error text: they then arrive on a queue of its own choice. */
    int (*steer)(struct rw_nic *nic, uint32_t port, const struct rw_nic_flow *flow, uint32_t queue);

    /* -- The cold thread while the ports run: registers are read, some of them slowly. -- */

    void (*counters)(struct rw_nic *nic, uint32_t port, struct rw_nic_counters *counters);
    bool (*link_up)(struct rw_nic *nic, uint32_t port); /* has a carrier */
    /* xstat_names names the driver's own counters of lost and damaged packets that `counters` does
     * not tell apart, at most RW_NIC_XSTATS_MAX, each once; returns how many. xstats reads them, in
     * that order. */
    uint32_t (*xstat_names)(struct rw_nic *nic, uint32_t port,
                            char names[RW_NIC_XSTATS_MAX][RW_NIC_XSTAT_BYTES]);
    void (*xstats)(struct rw_nic *nic, uint32_t port, uint64_t values[RW_NIC_XSTATS_MAX]);
    /* close stops the ports and frees the nic. After the rx stage has stopped. */
    void (*close)(struct rw_nic *nic);
};

/* The head that every kind of nic begins with. */
struct rw_nic {
    const struct rw_nic_ops *ops;
    uint32_t port_count;
    struct rw_nic_port port[RW_NIC_PORTS_MAX];
};
