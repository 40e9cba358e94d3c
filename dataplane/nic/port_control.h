/* port_control: the few frames that a live port sends and takes for itself, beside the market data:
 * IGMP and ARP. It carries frames between the pure cores and the port, within a budget.
 *
 *   frame that is no market data ─► take ─► igmp_core, arp_core ─► send ─► tx_burst
 *
 * Only the rx stage's thread. A port with nothing to say costs one comparison a visit: due_ns. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/nic/arp_core.h"
#include "dataplane/nic/igmp_core.h"
#include "dataplane/nic/nic.h"

#define RW_PORT_CONTROL_BURST 4u /* frames sent in one visit */

#define RW_PORT_CONTROL_COUNTERS(X)                                             \
    X(other_vlan, "frames", "ARP and IGMP of another VLAN than the port's own") \
    X(sent, "frames", "own ARP and IGMP frames that the device took")           \
    X(send_failed, "frames", "own ARP and IGMP frames lost: the device took none")
RW_STATS_STRUCT(rw_port_control_counters, RW_PORT_CONTROL_COUNTERS);

struct rw_port_control {
    struct rw_nic *nic;
    uint32_t port;
    struct rw_port_control_counters *counters;
    struct rw_igmp_core igmp;
    struct rw_arp_core arp;
    uint64_t due_ns; /* send has something to do from then on */
};

/* rw_port_control_init begins silent, with the port's own address and VLAN; `block` names the
 * counters in the statistics. Groups are added to control->igmp next. */
void rw_port_control_init(struct rw_port_control *control, struct rw_nic *nic, uint32_t port,
                          uint32_t address, uint16_t vlan, struct rw_stats *stats,
                          const char *block);
/* rw_port_control_up tells the network about the port: at the start and when its link comes up. */
void rw_port_control_up(struct rw_port_control *control, uint64_t now_ns);
/* rw_port_control_take looks at a frame that is no UDP over IPv4; true when it was ARP or IGMP, now
 * dealt with. */
bool rw_port_control_take(struct rw_port_control *control, const uint8_t *frame, size_t bytes,
                          uint64_t now_ns);
/* rw_port_control_send sends what is due, at most RW_PORT_CONTROL_BURST frames, and returns how
 * many. A frame that the device does not take is counted and gone: reports are repeated anyway. */
uint32_t rw_port_control_send(struct rw_port_control *control, uint64_t now_ns);
/* rw_port_control_leave leaves all groups and sends all that this takes at once, without the usual
 * spacing: the last call. */
void rw_port_control_leave(struct rw_port_control *control, uint64_t now_ns);
