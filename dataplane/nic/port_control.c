#include "dataplane/nic/port_control.h"

#include <stdio.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/nic/ipv4.h"

/* Robustness is at most 7, and a leave of IGMPv2 names one group. */
#define LEAVE_FRAMES_MAX (7u * RW_IGMP_GROUPS_MAX)

static void set_due(struct rw_port_control *control) {
    uint64_t igmp_ns = control->igmp.due_ns, arp_ns = control->arp.due_ns;
    control->due_ns = igmp_ns < arp_ns ? igmp_ns : arp_ns;
}

void rw_port_control_init(struct rw_port_control *control, struct rw_nic *nic, uint32_t port,
                          uint32_t address, uint16_t vlan, struct rw_stats *stats,
                          const char *block) {
    static const struct rw_stat_row own[] = RW_STATS_ROWS(RW_PORT_CONTROL_COUNTERS);
    static const struct rw_stat_row igmp[] = RW_STATS_ROWS(RW_IGMP_COUNTERS);
    static const struct rw_stat_row arp[] = RW_STATS_ROWS(RW_ARP_COUNTERS);
    struct rw_ether_self self = {.vlan = vlan, .address = address};
    char name[48];
    memcpy(self.mac, nic->port[port].mac, sizeof self.mac);
    control->nic = nic;
    control->port = port;
    snprintf(name, sizeof name, "%.30s control", block);
    control->counters = rw_stats_block(stats, name, RW_STAT_COUNTER, own, sizeof own / sizeof *own);
    snprintf(name, sizeof name, "%.30s igmp", block);
    rw_igmp_init(&control->igmp, &self,
                 rw_stats_block(stats, name, RW_STAT_COUNTER, igmp, sizeof igmp / sizeof *igmp));
    snprintf(name, sizeof name, "%.30s arp", block);
    rw_arp_init(&control->arp, &self,
                rw_stats_block(stats, name, RW_STAT_COUNTER, arp, sizeof arp / sizeof *arp));
    set_due(control);
}

void rw_port_control_up(struct rw_port_control *control, uint64_t now_ns) {
    rw_igmp_join(&control->igmp, now_ns);
    rw_arp_announce(&control->arp, now_ns);
    set_due(control);
}

bool rw_port_control_take(struct rw_port_control *control, const uint8_t *frame, size_t bytes,
                          uint64_t now_ns) {
    struct rw_ether ether;
    size_t at = rw_ether_parse(frame, bytes, &ether);
    if (at == 0) return false;
    bool arp = ether.type == RW_ETHER_ARP;
    bool igmp =
        ether.type == RW_ETHER_IPV4 && bytes >= at + RW_IPV4_BYTES && frame[at + 9] == RW_IPV4_IGMP;
    if (!arp && !igmp) return false;
    if (ether.tags > 1 || ether.vlan != control->arp.self.vlan)
        rw_stat_add(&control->counters->other_vlan, 1);
    else if (arp)
        rw_arp_take(&control->arp, frame + at, bytes - at, now_ns);
    else
        rw_igmp_take(&control->igmp, frame + at, bytes - at, now_ns);
    set_due(control);
    return true;
}

uint32_t rw_port_control_send(struct rw_port_control *control, uint64_t now_ns) {
    static_assert(RW_IGMP_FRAME_BYTES <= RW_NIC_TX_BYTES, "a frame fits");
    static_assert(RW_PORT_CONTROL_BURST <= RW_NIC_TX_BURST, "a burst fits");
    uint8_t room[RW_PORT_CONTROL_BURST][RW_IGMP_FRAME_BYTES];
    struct rw_nic_frame frames[RW_PORT_CONTROL_BURST];
    uint32_t count = 0;
    while (count < RW_PORT_CONTROL_BURST && control->due_ns <= now_ns) {
        size_t bytes = rw_igmp_next(&control->igmp, now_ns, room[count]);
        if (bytes == 0) bytes = rw_arp_next(&control->arp, now_ns, room[count]);
        set_due(control);
        if (bytes == 0) break; /* a timer ran out without a word */
        frames[count] = (struct rw_nic_frame){room[count], (uint32_t)bytes};
        count++;
    }
    if (count == 0) return 0;
    uint32_t sent = control->nic->ops->tx_burst(control->nic, control->port, frames, count);
    RW_ASSERT(sent <= count);
    rw_stat_add(&control->counters->sent, sent);
    rw_stat_add(&control->counters->send_failed, count - sent);
    return count;
}

void rw_port_control_leave(struct rw_port_control *control, uint64_t now_ns) {
    control->arp.due_ns = RW_ARP_NEVER;
    rw_igmp_leave(&control->igmp, now_ns);
    set_due(control);
    /* the clock is put forward to each frame in turn: the process ends, it does not wait */
    for (uint32_t i = 0; i < LEAVE_FRAMES_MAX && control->due_ns != RW_IGMP_NEVER; i++)
        rw_port_control_send(control, control->due_ns > now_ns ? control->due_ns : now_ns);
}
