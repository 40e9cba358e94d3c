/* Frames lie in one list per port, in the order they were fed, each marked with its queue; free
 * only counts. */
#include "dataplane/nic/nic_mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/err.h"
#include "dataplane/nic/udp.h"

#define FLOWS_MAX 64u

struct mem_frame {
    uint64_t time_ns;
    uint32_t bytes, flags, queue;
    uint8_t *copy;
    bool out;
};

struct mem_sent {
    uint32_t bytes;
    uint8_t copy[RW_NIC_TX_BYTES];
};

struct mem_port {
    struct rw_nic_mem_port_cfg cfg;
    struct mem_frame *frames;
    uint64_t fed, taken, next[RW_NIC_QUEUES_MAX];
    struct mem_sent *sent;
    uint32_t sent_count, group_count, flow_count;
    struct {
        struct rw_nic_flow flow;
        uint32_t queue;
    } flow[FLOWS_MAX];
    bool down;
    struct rw_nic_counters counters;
};

struct mem_nic {
    struct rw_nic nic; /* first, so that the one is the other */
    uint64_t out;
    struct mem_port port[RW_NIC_PORTS_MAX];
};

static const struct rw_nic_ops ops;

static struct mem_port *port_of(const struct rw_nic *nic, uint32_t port) {
    RW_ASSERT(port < nic->port_count);
    return &((struct mem_nic *)nic)->port[port];
}

struct rw_nic *rw_nic_mem_new(const struct rw_nic_mem_cfg *cfg) {
    RW_ASSERT(cfg->port_count <= RW_NIC_PORTS_MAX);
    struct mem_nic *mem = aligned_alloc(_Alignof(struct mem_nic), sizeof *mem);
    if (!mem) return NULL;
    memset(mem, 0, sizeof *mem);
    mem->nic.ops = &ops;
    for (uint32_t i = 0; i < cfg->port_count; i++) {
        struct mem_port *port = &mem->port[i];
        struct rw_nic_port *head = &mem->nic.port[i];
        port->cfg = cfg->port[i];
        /* one more than asked for, so that none is an empty block */
        port->frames = calloc(port->cfg.frames_max + 1, sizeof *port->frames);
        port->sent = calloc(port->cfg.sent_max + 1, sizeof *port->sent);
        mem->nic.port_count = i + 1;
        if (!port->frames || !port->sent) {
            ops.close(&mem->nic);
            return NULL;
        }
        head->file = port->cfg.file;
        head->queues = port->cfg.queues ? port->cfg.queues : 1;
        head->checksums = port->cfg.checksums;
        head->stamps = port->cfg.stamps;
        if (!head->file) memcpy(head->mac, (uint8_t[]){2, 0, 0, 0, 0, (uint8_t)(i + 1)}, 6);
        RW_ASSERT(head->queues <= RW_NIC_QUEUES_MAX);
        snprintf(head->device, RW_NIC_DEVICE_BYTES, "%s", port->cfg.device);
    }
    return &mem->nic;
}

/* queue_of finds where the steering rules send a frame; queue 0 when none fits. */
static uint32_t queue_of(const struct mem_port *port, const void *frame, uint32_t bytes) {
    struct rw_udp udp;
    if (rw_udp_parse(frame, bytes, RW_UDP_CHECK_NONE, &udp) != RW_UDP_accepted) return 0;
    for (uint32_t i = 0; i < port->flow_count; i++) {
        const struct rw_nic_flow *flow = &port->flow[i].flow;
        if (flow->group == udp.destination && (!flow->source || flow->source == udp.source) &&
            (!flow->udp_port || flow->udp_port == udp.destination_port))
            return port->flow[i].queue;
    }
    return 0;
}

void rw_nic_mem_feed(struct rw_nic *nic, uint32_t port, uint64_t time_ns, const void *frame,
                     uint32_t bytes, uint32_t flags) {
    struct mem_port *to = port_of(nic, port);
    RW_ASSERT(to->fed < to->cfg.frames_max && bytes <= 65535);
    struct mem_frame *fed = &to->frames[to->fed++];
    *fed = (struct mem_frame){
        .time_ns = time_ns, .bytes = bytes, .flags = flags, .queue = queue_of(to, frame, bytes)};
    fed->copy =
        malloc(bytes ? bytes : 1); /* its own block, so that ASan sees a read beyond the end */
    RW_ASSERT(fed->copy);
    memcpy(fed->copy, frame, bytes);
    if (nic->port[port].file) {
        fed->flags |= RW_NIC_TIME;
        nic->port[port].records++;
    }
}

uint64_t rw_nic_mem_out(const struct rw_nic *nic) { return ((const struct mem_nic *)nic)->out; }

uint64_t rw_nic_mem_waiting(const struct rw_nic *nic, uint32_t port) {
    return port_of(nic, port)->fed - port_of(nic, port)->taken;
}

uint32_t rw_nic_mem_sent(const struct rw_nic *nic, uint32_t port) {
    return port_of(nic, port)->sent_count;
}

const uint8_t *rw_nic_mem_sent_frame(const struct rw_nic *nic, uint32_t port, uint32_t index,
                                     uint32_t *bytes) {
    const struct mem_port *from = port_of(nic, port);
    RW_ASSERT(index < from->sent_count);
    *bytes = from->sent[index].bytes;
    return from->sent[index].copy;
}

uint32_t rw_nic_mem_groups(const struct rw_nic *nic, uint32_t port) {
    return port_of(nic, port)->group_count;
}

void rw_nic_mem_link(struct rw_nic *nic, uint32_t port, bool up) { port_of(nic, port)->down = !up; }

void rw_nic_mem_lose(struct rw_nic *nic, uint32_t port, uint64_t missed, uint64_t errors,
                     uint64_t no_buffer) {
    struct rw_nic_counters *counters = &port_of(nic, port)->counters;
    counters->missed += missed;
    counters->errors += errors;
    counters->no_buffer += no_buffer;
}

static void mem_thread_begin(struct rw_nic *nic) { (void)nic; }

static uint32_t mem_rx_burst(struct rw_nic *nic, uint32_t port, uint32_t queue,
                             struct rw_nic_packet *packets, uint32_t count) {
    struct mem_port *from = port_of(nic, port);
    RW_ASSERT(queue < nic->port[port].queues && count <= RW_NIC_BURST);
    uint32_t taken = 0;
    uint64_t *next = &from->next[queue];
    for (; taken < count && *next < from->fed; (*next)++) {
        struct mem_frame *frame = &from->frames[*next];
        if (frame->queue != queue) continue;
        frame->out = true;
        packets[taken++] = (struct rw_nic_packet){.frame = frame->copy,
                                                  .bytes = frame->bytes,
                                                  .flags = frame->flags,
                                                  .time_ns = frame->time_ns,
                                                  .buffer = frame};
        from->counters.packets++;
        from->counters.bytes += frame->bytes;
    }
    from->taken += taken;
    ((struct mem_nic *)nic)->out += taken;
    return taken;
}

static void mem_free(struct rw_nic *nic, const struct rw_nic_packet *packets, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        struct mem_frame *frame = packets[i].buffer;
        RW_ASSERT(frame->out); /* given back once */
        frame->out = false;
        free(frame->copy);
        frame->copy = NULL; /* so that ASan sees a use after it was given back */
    }
    ((struct mem_nic *)nic)->out -= count;
}

static bool mem_at_end(struct rw_nic *nic, uint32_t port) {
    return nic->port[port].file && rw_nic_mem_waiting(nic, port) == 0;
}

static uint32_t mem_tx_burst(struct rw_nic *nic, uint32_t port, const struct rw_nic_frame *frames,
                             uint32_t count) {
    struct mem_port *to = port_of(nic, port);
    RW_ASSERT(count <= RW_NIC_TX_BURST);
    uint32_t sent = 0;
    for (; sent < count && to->sent_count < to->cfg.sent_max; sent++) {
        struct mem_sent *kept = &to->sent[to->sent_count++];
        RW_ASSERT(frames[sent].count <= sizeof kept->copy);
        kept->bytes = frames[sent].count;
        memcpy(kept->copy, frames[sent].bytes, kept->bytes);
    }
    return sent;
}

static enum rw_nic_hearing mem_listen(struct rw_nic *nic, uint32_t port, const uint32_t *groups,
                                      uint32_t count) {
    RW_ASSERT(groups && count <= RW_NIC_GROUPS_MAX);
    port_of(nic, port)->group_count = count;
    return port_of(nic, port)->cfg.hearing;
}

static int mem_steer(struct rw_nic *nic, uint32_t port, const struct rw_nic_flow *flow,
                     uint32_t queue) {
    struct mem_port *to = port_of(nic, port);
    RW_ASSERT(queue < nic->port[port].queues);
    if (!to->cfg.steers || to->flow_count == FLOWS_MAX)
        return rw_err_set(ENOTSUP, "port %s steers nothing", to->cfg.device);
    to->flow[to->flow_count].flow = *flow;
    to->flow[to->flow_count++].queue = queue;
    return 0;
}

static void mem_counters(struct rw_nic *nic, uint32_t port, struct rw_nic_counters *counters) {
    *counters = port_of(nic, port)->counters;
}

static bool mem_link_up(struct rw_nic *nic, uint32_t port) { return !port_of(nic, port)->down; }

/* One counter of its own: twice what was missed, so that a test can tell it from that. */
static uint32_t mem_xstat_names(struct rw_nic *nic, uint32_t port,
                                char names[RW_NIC_XSTATS_MAX][RW_NIC_XSTAT_BYTES]) {
    if (nic->port[port].file) return 0;
    snprintf(names[0], RW_NIC_XSTAT_BYTES, "rx_twice_missed");
    return 1;
}

static void mem_xstats(struct rw_nic *nic, uint32_t port, uint64_t values[RW_NIC_XSTATS_MAX]) {
    values[0] = 2 * port_of(nic, port)->counters.missed;
}

static void mem_close(struct rw_nic *nic) {
    struct mem_nic *mem = (struct mem_nic *)nic;
    for (uint32_t i = 0; i < nic->port_count; i++) {
        struct mem_port *port = &mem->port[i];
        for (uint64_t k = 0; port->frames && k < port->fed; k++) free(port->frames[k].copy);
        free(port->frames);
        free(port->sent);
    }
    free(mem);
}

static const struct rw_nic_ops ops = {.name = "memory",
                                      .thread_begin = mem_thread_begin,
                                      .rx_burst = mem_rx_burst,
                                      .free = mem_free,
                                      .at_end = mem_at_end,
                                      .tx_burst = mem_tx_burst,
                                      .listen = mem_listen,
                                      .steer = mem_steer,
                                      .counters = mem_counters,
                                      .link_up = mem_link_up,
                                      .xstat_names = mem_xstat_names,
                                      .xstats = mem_xstats,
                                      .close = mem_close};
