/* rx: polls its ports, keeps what is market data of its channels, copies the payload into the link
 * to feed and gives the buffer back at once. Only rx may lose data, and it counts every loss by
 * reason.
 *
 *   port ─burst─► headers ─► row by (group, UDP port) ─► source ─► room? ─► rw_frame ─► feed
 *    ▲              │ │            │                       │         │
 *    │            reason      other_group           other_source  no_room (live ports only)
 *    └── own ◄── ARP, IGMP: control
 *
 *   received = delivered + control + Σ reasons, per port
 *
 * File ports wait while the link has no room; they are merged and paced by rx_core, and each of
 * their rows ends with one frame flagged RW_FRAME_END. Live ports are drained whether there is room
 * or not: declare the link rx → feed elastic when one is configured, so that the runner visits rx
 * even when it is full. A live port joins its rows' groups at the first visit and whenever its link
 * comes back, answers for itself meanwhile (port_control.h), and leaves the groups at the end.
 *
 * out[k] = feed of the k-th channel (slots of RW_FRAME_SLOT_BYTES, fan_out 1). Reads the watermark
 * hurry, writes file_clock. Runs alike in every role. */
#pragma once

#include "dataplane/nic/nic.h"
#include "dataplane/nic/udp.h"
#include "dataplane/stage/stage.h"

#define RW_RX_ROWS_MAX 32u

/* One subscription: which packets of which port are which line of which channel. */
struct rw_rx_row {
    char device[RW_NIC_DEVICE_BYTES]; /* as in the nic's ports; several rows may name one port */
    uint16_t feed;                    /* which output takes its frames */
    uint16_t channel;
    uint16_t line;     /* enum rw_line */
    uint32_t group;    /* destination address, host byte order; 0 = any */
    uint32_t source;   /* sender's address; 0 = any */
    uint16_t udp_port; /* destination port; 0 = any */
    bool aside;        /* not the line itself but what goes with it: RW_FRAME_ASIDE */
};

/* What a live port is besides its rows. */
struct rw_rx_port {
    char device[RW_NIC_DEVICE_BYTES];
    uint32_t
        address;   /* own IPv4 address, host byte order; 0 = none: no ARP, reports from 0.0.0.0 */
    uint16_t vlan; /* tag of its own frames; 0 = none */
};

struct rw_rx_cfg {
    struct rw_nic *nic; /* started; outlives the stage. NULL until then: plan does not need it */
    uint32_t row_count;
    struct rw_rx_row row[RW_RX_ROWS_MAX]; /* the first that fits takes the packet */
    uint32_t port_count;
    struct rw_rx_port port[RW_NIC_PORTS_MAX]; /* live ports that have an address or a VLAN */
    uint32_t speed; /* of file ports: 0 = as fast as possible, N = N times capture speed */
    /* Wrong checksums are refused on live ports; on file ports they are counted and accepted,
     * unless this is set: captures are edited, or taken before the sender's NIC filled the checksum
     * in. */
    bool strict_checksums;
};

/* Counters of one port, block "<stage> port<i>"; port_control.h, stamp_core.h and port_watch.h add
 * theirs. */
#define RW_RX_COUNTERS(X)                                                                    \
    X(received, "frames", "frames taken from the port")                                      \
    X(delivered, "frames", "frames whose payload went to feed")                              \
    X(delivered_bytes, "bytes", "payload bytes that went to feed")                           \
    X(control, "frames", "live port: ARP and IGMP, for the port itself")                     \
    RW_UDP_REASONS(X)                                                                        \
    X(other_group, "frames", "dropped: destination group and port belong to no row")         \
    X(other_source, "frames", "dropped: sender is not the row's source")                     \
    X(oversize, "frames", "dropped: payload is longer than a link slot holds (2,016 bytes)") \
    X(no_room, "frames", "dropped by a live port: the link to feed was full")                \
    X(accepted_bad_checksum, "frames", "file port: wrong checksum, delivered all the same")
RW_STATS_STRUCT(rw_rx_counters, RW_RX_COUNTERS);

/* Gauges of one port, same block. */
#define RW_RX_GAUGES(X)                                                                      \
    X(file_records, "frames", "file port: packets in the capture")                           \
    X(ended, "bool", "file port: the last packet was delivered")                             \
    X(queues, "queues", "receive queues")                                                    \
    X(hearing, "1",                                                                          \
      "live port: lets in 0 = its groups, 1 = all multicast, 2 = all, 3 = own address only") \
    X(steered_rows, "rows", "rows whose packets the device sends to one queue")              \
    X(device_checksums, "bool", "the device verifies checksums; where it does not, software does")
RW_STATS_STRUCT(rw_rx_gauges, RW_RX_GAUGES);

extern const struct rw_stage_type rw_rx_stage;
