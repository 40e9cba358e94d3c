/* A visit: file ports as far as rx_core, budget and room allow, then one burst of each queue of
 * each live port, then what live ports have to say. The slots written are published once, at the
 * end. */
#include "dataplane/nic/rx_stage.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/err.h"
#include "dataplane/base/log.h"
#include "dataplane/nic/frame.h"
#include "dataplane/nic/port_control.h"
#include "dataplane/nic/rx_core.h"
#include "dataplane/nic/stamp_core.h"

/* One port of the nic, with the rows that listen to it. */
struct rx_port {
    uint32_t nic_port;
    uint32_t row_count;
    uint16_t row[RW_RX_ROWS_MAX];
    struct rw_rx_counters *counters;
    struct rw_rx_gauges *gauges;
    struct rw_tap *tap; /* NULL: none */
    /* file ports: the burst in hand, [next, held); the rows that still have to be told the end */
    uint32_t next, held, ends_told;
    struct rw_nic_packet burst[RW_NIC_BURST];
    /* live ports */
    uint64_t carrier_ups; /* as last seen */
    struct rw_port_control control;
    struct rw_stamp_core stamp;
    struct rw_hist *stamp_to_taken;
};

struct rx {
    struct rw_nic *nic;
    struct rw_watermarks *watermarks;
    struct {
        struct rw_ring *ring;
        uint32_t written; /* slots of this visit, not published yet */
    } out[RW_STAGE_LINKS_MAX];
    uint32_t out_count;
    uint32_t written; /* in all outputs */
    uint32_t row_count;
    bool thread_known, strict;
    const struct rw_clock *clock; /* for leaving only */
    uint32_t file_count, live_count;
    struct rx_port file[RW_NIC_PORTS_MAX]; /* rx_core's port i is file[i] */
    struct rx_port live[RW_NIC_PORTS_MAX];
    struct rw_rx_core core;
    struct rw_rx_row row[RW_RX_ROWS_MAX];
};

static_assert(RW_RX_PORTS_MAX == RW_NIC_PORTS_MAX, "every port may be a file");

static uint32_t poll_files(struct rx *rx, uint32_t limit, uint64_t now_ns);
static uint32_t poll_live(struct rx *rx, struct rx_port *port, uint32_t queue, uint32_t budget,
                          uint64_t now_ns);

static int rx_plan(const void *cfg, const char *name, uint32_t instances, struct rw_plan *plan) {
    const struct rw_rx_cfg *rx_cfg = cfg;
    if (rx_cfg->row_count == 0 || rx_cfg->row_count > RW_RX_ROWS_MAX)
        return rw_err_set(EINVAL, "%u lines of market data are configured, wanted 1 to %u",
                          rx_cfg->row_count, RW_RX_ROWS_MAX);
    rw_plan_add(plan, name, "ports", sizeof(struct rx));
    return 0;
}

/* add_live gives a live port its voice, and its clock if it has one. */
static void add_live(struct rx_port *port, const struct rw_rx_cfg *cfg, const char *block,
                     const struct rw_stage_env *env) {
    static const struct rw_stat_row stamps[] = RW_STATS_ROWS(RW_STAMP_GAUGES);
    const struct rw_nic_port *of = &cfg->nic->port[port->nic_port];
    struct rw_rx_port self = {.address = 0};
    for (uint32_t i = 0; i < cfg->port_count; i++)
        if (strcmp(cfg->port[i].device, of->device) == 0) self = cfg->port[i];
    rw_port_control_init(&port->control, cfg->nic, port->nic_port, self.address, self.vlan,
                         env->stats, block);
    if (!of->stamps) return;
    rw_stamp_init(&port->stamp, rw_stats_block(env->stats, block, RW_STAT_GAUGE, stamps,
                                               sizeof stamps / sizeof *stamps));
    port->stamp_to_taken = rw_stats_hist(env->stats, block, "stamp_to_taken",
                                         "from the device's stamp until rx took the packet");
}

/* add_port makes the entry of a nic port and gives it the rows that name its device. */
static void add_port(struct rx *rx, uint32_t nic_port, const struct rw_rx_cfg *cfg,
                     const struct rw_stage_env *env) {
    static const struct rw_stat_row counters[] = RW_STATS_ROWS(RW_RX_COUNTERS);
    static const struct rw_stat_row gauges[] = RW_STATS_ROWS(RW_RX_GAUGES);
    const struct rw_nic_port *of = &rx->nic->port[nic_port];
    struct rx_port *port = of->file ? &rx->file[rx->file_count++] : &rx->live[rx->live_count++];
    char block[48];
    memset(port, 0, sizeof *port);
    port->nic_port = nic_port;
    for (uint16_t i = 0; i < rx->row_count; i++)
        if (strcmp(rx->row[i].device, of->device) == 0) port->row[port->row_count++] = i;
    snprintf(block, sizeof block, "%.20s port%u", env->name, nic_port);
    port->counters = rw_stats_block(env->stats, block, RW_STAT_COUNTER, counters,
                                    sizeof counters / sizeof *counters);
    port->gauges =
        rw_stats_block(env->stats, block, RW_STAT_GAUGE, gauges, sizeof gauges / sizeof *gauges);
    rw_stat_set(&port->gauges->file_records, of->records);
    rw_stat_set(&port->gauges->queues, of->queues);
    rw_stat_set(&port->gauges->device_checksums, of->checksums);
    port->tap = rw_taps_find(env->taps, block);
    if (port->tap) rw_tap_look(port->tap, 0, rw_clock_now(env->clock));
    if (!of->file) add_live(port, cfg, block, env);
}

/* join_groups collects the groups of a port's rows, for the device's filter and for IGMP. A row
 * that takes any group needs all multicast. */
static int join_groups(struct rx *rx, struct rx_port *port) {
    uint32_t groups[RW_NIC_GROUPS_MAX], count = 0;
    bool any = false;
    for (uint32_t i = 0; i < port->row_count; i++) {
        const struct rw_rx_row *row = &rx->row[port->row[i]];
        any |= row->group == 0;
        if (row->group >> 28 != 14) continue;
        uint32_t k = 0;
        while (k < count && groups[k] != row->group) k++;
        int rc = rw_igmp_want(&port->control.igmp, row->group, row->source);
        if (k == RW_NIC_GROUPS_MAX || rc == -ENOSPC)
            return rw_err_set(ENOSPC, "port %s cannot join more than %u groups, %u sources each",
                              row->device, RW_NIC_GROUPS_MAX, RW_IGMP_SOURCES_MAX);
        if (k == count) groups[count++] = row->group;
    }
    enum rw_nic_hearing hearing =
        rx->nic->ops->listen(rx->nic, port->nic_port, groups, any ? 0 : count);
    rw_stat_set(&port->gauges->hearing, hearing);
    return 0;
}

/* steer_rows spreads the rows of a port over its queues, in turn. What the device cannot steer
 * comes in on a queue of its choice, which is polled just so. */
static void steer_rows(struct rx *rx, struct rx_port *port, uint16_t vlan) {
    uint32_t queues = rx->nic->port[port->nic_port].queues;
    for (uint32_t i = 0; queues > 1 && i < port->row_count; i++) {
        const struct rw_rx_row *row = &rx->row[port->row[i]];
        struct rw_nic_flow flow = {
            .group = row->group, .source = row->source, .udp_port = row->udp_port, .vlan = vlan};
        if (row->group == 0) continue;
        if (rx->nic->ops->steer(rx->nic, port->nic_port, &flow, i % queues)) {
            rw_warning("%s; its packets arrive on queues of its own choice", rw_err_text());
            return;
        }
        rw_stat_add(&port->gauges->steered_rows, 1);
    }
}

static int find_rows(const struct rx *rx) {
    for (uint32_t i = 0; i < rx->row_count; i++) {
        RW_ASSERT(rx->row[i].feed < rx->out_count);
        bool known = false;
        for (uint32_t p = 0; p < rx->nic->port_count; p++)
            known |= strcmp(rx->row[i].device, rx->nic->port[p].device) == 0;
        if (!known)
            return rw_err_set(ENODEV, "line %u names the device %s, which no port has", i,
                              rx->row[i].device);
    }
    return 0;
}

static int rx_init(void **stage, const void *cfg, const struct rw_stage_env *env) {
    const struct rw_rx_cfg *rx_cfg = cfg;
    RW_ASSERT(rx_cfg->nic && env->out_count >= 1 && env->in_count == 0);
    struct rx *rx = rw_arena_take(env->arena, env->name, "ports");
    rx->nic = rx_cfg->nic;
    rx->out_count = env->out_count;
    for (uint32_t k = 0; k < env->out_count; k++) {
        RW_ASSERT(env->out[k]->slot_bytes == RW_FRAME_SLOT_BYTES);
        rx->out[k].ring = env->out[k];
    }
    rx->watermarks = env->watermarks;
    rx->row_count = rx_cfg->row_count;
    rx->strict = rx_cfg->strict_checksums;
    memcpy(rx->row, rx_cfg->row, sizeof rx->row);
    rx->clock = env->clock;
    for (uint32_t i = 0; i < rx->nic->port_count; i++) add_port(rx, i, rx_cfg, env);
    rw_rx_core_init(&rx->core, rx->file_count, rx_cfg->speed);
    *stage = rx;
    int rc = find_rows(rx);
    for (uint32_t i = 0; rc == 0 && i < rx->live_count; i++) {
        rc = join_groups(rx, &rx->live[i]);
        if (rc == 0) steer_rows(rx, &rx->live[i], rx->live[i].control.arp.self.vlan);
    }
    return rc;
}

/* begin is the first visit: the thread is made known, and the network told what is wanted. */
static void begin(struct rx *rx, uint64_t now_ns) {
    rx->nic->ops->thread_begin(rx->nic);
    rx->thread_known = true;
    for (uint32_t i = 0; i < rx->live_count; i++) rw_port_control_up(&rx->live[i].control, now_ns);
}

static uint32_t rx_poll(void *stage, uint32_t budget, uint64_t now_ns) {
    struct rx *rx = stage;
    if (!rx->thread_known) begin(rx, now_ns);
    uint32_t limit = budget; /* a file's next packet may be for any output */
    for (uint32_t k = 0; k < rx->out_count; k++) {
        uint32_t room = rw_ring_room(rx->out[k].ring, budget);
        if (room < limit) limit = room;
    }
    uint32_t done = poll_files(rx, limit, now_ns);
    for (uint32_t i = 0; i < rx->live_count; i++) {
        struct rx_port *port = &rx->live[i];
        for (uint32_t queue = 0; queue < rx->nic->port[port->nic_port].queues; queue++)
            done += poll_live(rx, port, queue, budget, now_ns);
        if (now_ns >= port->control.due_ns) done += rw_port_control_send(&port->control, now_ns);
    }
    for (uint32_t k = 0; k < rx->out_count; k++) {
        if (rx->out[k].written) rw_ring_push(rx->out[k].ring, rx->out[k].written);
        rx->out[k].written = 0;
    }
    /* pairs with feed's read before it looks at its link: these frames have been pushed */
    if (rx->written && rx->file_count)
        rw_word_set(&rx->watermarks->file_clock, rx->core.released_ns);
    rx->written = 0;
    return done;
}

static void look_at_tap(struct rx_port *port, uint64_t now_ns) {
    rw_tap_look(port->tap, rw_stat_get(&port->counters->received), now_ns);
}

/* A link that has come back may lead to another switch, or to one that has forgotten. */
static void rx_housekeep(void *stage, uint64_t now_ns) {
    struct rx *rx = stage;
    for (uint32_t i = 0; i < rx->file_count; i++) look_at_tap(&rx->file[i], now_ns);
    for (uint32_t i = 0; i < rx->live_count; i++) {
        struct rx_port *port = &rx->live[i];
        uint64_t ups = rw_word_get(&rx->nic->port[port->nic_port].carrier_ups);
        look_at_tap(port, now_ns);
        if (ups == port->carrier_ups) continue;
        port->carrier_ups = ups;
        rw_port_control_up(&port->control, now_ns);
    }
}

static void rx_leave(void *stage) {
    struct rx *rx = stage;
    uint64_t now_ns = rw_clock_now(rx->clock);
    for (uint32_t i = 0; i < rx->live_count; i++)
        if (rx->thread_known) rw_port_control_leave(&rx->live[i].control, now_ns);
}

static void rx_fini(void *stage) {
    struct rx *rx = stage;
    for (uint32_t i = 0; i < rx->file_count; i++) {
        struct rx_port *port = &rx->file[i];
        rx->nic->ops->free(rx->nic, port->burst + port->next, port->held - port->next);
        port->next = port->held = 0;
    }
}

const struct rw_stage_type rw_rx_stage = {.name = "rx",
                                          .io = true, /* capture files are read in rx_burst */
                                          .plan = rx_plan,
                                          .init = rx_init,
                                          .poll = rx_poll,
                                          .housekeep = rx_housekeep,
                                          .leave = rx_leave,
                                          .fini = rx_fini};

/* ---- one packet
 * ------------------------------------------------------------------------------- */

static void count_reason(struct rw_rx_counters *counters, enum rw_udp_verdict verdict) {
    static const uint16_t offsets[] = {
#define REASON_OFFSET(name, unit, sentence) offsetof(struct rw_rx_counters, name),
        RW_UDP_REASONS(REASON_OFFSET)};
    RW_ASSERT(verdict > RW_UDP_accepted && verdict < RW_UDP_VERDICTS);
    rw_stat_add((rw_stat *)((uint8_t *)counters + offsets[verdict - 1]), 1);
}

/* parse finds the payload, or counts why there is none. What the device has verified is not summed
 * again. A file's wrong checksums are counted and accepted unless configured strict. */
static bool parse(const struct rx *rx, struct rx_port *port, bool file,
                  const struct rw_nic_packet *packet, uint64_t now_ns, struct rw_udp *udp) {
    unsigned check = (packet->flags & RW_NIC_IP_GOOD ? 0u : RW_UDP_CHECK_IP) |
                     (packet->flags & RW_NIC_UDP_GOOD ? 0u : RW_UDP_CHECK_UDP);
    enum rw_udp_verdict verdict = rw_udp_parse(packet->frame, packet->bytes, check, udp);
    if (verdict == RW_UDP_accepted) return true;
    bool checksum = verdict == RW_UDP_bad_ip_checksum || verdict == RW_UDP_bad_udp_checksum;
    bool other = verdict == RW_UDP_not_ipv4 || verdict == RW_UDP_not_udp;
    if (checksum && file && !rx->strict) {
        verdict = rw_udp_parse(packet->frame, packet->bytes, RW_UDP_CHECK_NONE, udp);
        if (verdict == RW_UDP_accepted) rw_stat_add(&port->counters->accepted_bad_checksum, 1);
    }
    if (verdict == RW_UDP_accepted) return true;
    if (verdict == RW_UDP_cut_payload && (packet->flags & RW_NIC_CHAINED))
        rw_stat_add(&port->counters->oversize, 1);
    else if (other && !file &&
             rw_port_control_take(&port->control, packet->frame, packet->bytes, now_ns))
        rw_stat_add(&port->counters->control, 1);
    else
        count_reason(port->counters, verdict);
    return false;
}

/* match finds the row that takes a packet, or counts why there is none. */
static bool match(const struct rx *rx, struct rx_port *port, const struct rw_udp *udp,
                  uint16_t *row_index) {
    bool group_known = false;
    for (uint32_t i = 0; i < port->row_count; i++) {
        const struct rw_rx_row *row = &rx->row[port->row[i]];
        if (row->group && row->group != udp->destination) continue;
        if (row->udp_port && row->udp_port != udp->destination_port) continue;
        group_known = true;
        if (row->source && row->source != udp->source) continue;
        *row_index = port->row[i];
        return true;
    }
    rw_stat_add(group_known ? &port->counters->other_source : &port->counters->other_group, 1);
    return false;
}

static bool has_room(const struct rx *rx, uint32_t feed) {
    uint32_t written = rx->out[feed].written;
    return rw_ring_room(rx->out[feed].ring, written + 1) > written;
}

static struct rw_frame *next_slot(struct rx *rx, uint32_t feed) {
    rx->written++;
    return rw_ring_slot(rx->out[feed].ring, rx->out[feed].written++);
}

/* tap copies a whole frame for whoever captures; files bring the time of their own capture. */
static void tap(struct rx_port *port, bool file, const struct rw_nic_packet *packet,
                uint64_t arrival_ns) {
    bool stamped = file && (packet->flags & RW_NIC_TIME);
    rw_tap_put(port->tap,
               &(struct rw_tap_record){.time_ns = stamped ? packet->time_ns : arrival_ns,
                                       .number = rw_stat_get(&port->counters->received),
                                       .bytes = packet->bytes,
                                       .original = packet->bytes,
                                       .flags = stamped ? RW_TAP_UNIX : 0},
               packet->frame);
}

/* take_packet counts a packet and, if it is market data and room is left, writes it to the next
 * slot. */
static void take_packet(struct rx *rx, struct rx_port *port, bool file,
                        const struct rw_nic_packet *packet, uint64_t arrival_ns, uint64_t now_ns) {
    struct rw_rx_counters *counters = port->counters;
    struct rw_udp udp;
    uint16_t row_index;
    rw_stat_add(&counters->received, 1);
    if (rw_tap_on(port->tap)) tap(port, file, packet, arrival_ns);
    if (!parse(rx, port, file, packet, now_ns, &udp) || !match(rx, port, &udp, &row_index)) return;
    if (udp.bytes > RW_FRAME_PAYLOAD_BYTES) {
        rw_stat_add(&counters->oversize, 1);
        return;
    }
    const struct rw_rx_row *row = &rx->row[row_index];
    if (!has_room(rx, row->feed)) {
        RW_ASSERT(!file); /* file ports are polled within the room */
        rw_stat_add(&counters->no_room, 1);
        return;
    }
    struct rw_frame *frame = next_slot(rx, row->feed);
    *frame = (struct rw_frame){.arrival_ns = arrival_ns,
                               .now_ns = now_ns,
                               .source = udp.source,
                               .port = row_index,
                               .channel = row->channel,
                               .line = row->line,
                               .flags = row->aside ? RW_FRAME_ASIDE : 0,
                               .bytes = udp.bytes};
    memcpy(frame->payload, udp.payload, udp.bytes);
    rw_stat_add(&counters->delivered, 1);
    rw_stat_add(&counters->delivered_bytes, udp.bytes);
}

/* ---- file ports
 * ------------------------------------------------------------------------------- */

/* tell_end writes one end frame per row of a port, as far as the limit allows. True when all are
 * written. */
static bool tell_end(struct rx *rx, struct rx_port *port, uint32_t limit, uint64_t now_ns) {
    for (; port->ends_told < port->row_count; port->ends_told++) {
        if (rx->written >= limit) return false;
        uint16_t row = port->row[port->ends_told];
        struct rw_frame *frame = next_slot(rx, rx->row[row].feed);
        *frame = (struct rw_frame){.arrival_ns = now_ns,
                                   .now_ns = rw_rx_core_tick(&rx->core),
                                   .port = row,
                                   .channel = rx->row[row].channel,
                                   .line = rx->row[row].line,
                                   .flags = RW_FRAME_END};
    }
    rw_stat_set(&port->gauges->ended, 1);
    return true;
}

/* find_head makes the next packet of a file known to the core: from the burst in hand, from a new
 * burst, or as the end. False when none of these is possible now. */
static bool find_head(struct rx *rx, uint32_t index, uint32_t limit, uint64_t now_ns) {
    struct rx_port *port = &rx->file[index];
    const struct rw_nic_ops *ops = rx->nic->ops;
    if (port->next == port->held) {
        port->next = 0;
        port->held = ops->rx_burst(rx->nic, port->nic_port, 0, port->burst, RW_NIC_BURST);
        if (port->held == 0) {
            if (!ops->at_end(rx->nic, port->nic_port)) return false;
            if (!tell_end(rx, port, limit, now_ns)) return false;
            rw_rx_core_end(&rx->core, index);
            return true;
        }
    }
    const struct rw_nic_packet *packet = &port->burst[port->next];
    /* a packet without a stamp goes with what went before it */
    uint64_t capture_ns = packet->flags & RW_NIC_TIME ? packet->time_ns : rx->core.released_ns;
    rw_rx_core_head(&rx->core, index, capture_ns);
    return true;
}

/* poll_files releases what is due, at most `limit` packets, which is within budget and room. A
 * packet that is dropped uses up its share too, so that a visit is bounded. */
static uint32_t poll_files(struct rx *rx, uint32_t limit, uint64_t now_ns) {
    bool hurry = rw_word_get(&rx->watermarks->hurry);
    uint32_t taken = 0, index;
    while (taken < limit && rx->written < limit) {
        enum rw_rx_step step = rw_rx_core_next(&rx->core, now_ns, hurry, &index);
        if (step == RW_RX_WAIT || step == RW_RX_DONE) break;
        if (step == RW_RX_NEED) {
            if (!find_head(rx, index, limit, now_ns)) break;
            continue;
        }
        struct rx_port *port = &rx->file[index];
        const struct rw_nic_packet *packet = &port->burst[port->next++];
        take_packet(rx, port, true, packet, now_ns, rw_rx_core_take(&rx->core, index));
        rx->nic->ops->free(rx->nic, packet, 1);
        taken++;
    }
    return taken + rx->written;
}

/* ---- live ports
 * ------------------------------------------------------------------------------- */

/* arrival_of is the device's stamp in the host's time, or now. */
static uint64_t arrival_of(struct rx_port *port, const struct rw_nic_packet *packet,
                           uint64_t now_ns) {
    if (!port->stamp_to_taken || !(packet->flags & RW_NIC_TIME)) return now_ns;
    uint64_t arrival_ns = rw_stamp_arrival(&port->stamp, packet->time_ns, now_ns);
    if (port->stamp.used) rw_hist_add(port->stamp_to_taken, now_ns - arrival_ns);
    return arrival_ns;
}

static uint32_t poll_live(struct rx *rx, struct rx_port *port, uint32_t queue, uint32_t budget,
                          uint64_t now_ns) {
    struct rw_nic_packet packets[RW_NIC_BURST];
    uint32_t want = budget < RW_NIC_BURST ? budget : RW_NIC_BURST, written = rx->written;
    uint32_t got = rx->nic->ops->rx_burst(rx->nic, port->nic_port, queue, packets, want);
    for (uint32_t i = 0; i < got; i++) {
        if (i + 1 < got) __builtin_prefetch(packets[i + 1].frame);
        take_packet(rx, port, false, &packets[i], arrival_of(port, &packets[i], now_ns), now_ns);
    }
    if (got) rx->nic->ops->free(rx->nic, packets, got);
    return got + rx->written - written;
}
