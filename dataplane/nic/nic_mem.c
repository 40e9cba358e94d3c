/* Frames lie in one block per port, in the order they were fed; free only counts. */
#include "dataplane/nic/nic_mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"

struct mem_frame {
    uint64_t time_ns;
    uint32_t bytes, flags;
    uint8_t *copy;
    bool out;
};

struct mem_port {
    struct mem_frame *frames;
    uint64_t max, fed, taken;
    struct rw_nic_counters counters;
};

struct mem_nic {
    struct rw_nic nic; /* first, so that the one is the other */
    uint64_t out;
    struct mem_port port[RW_NIC_PORTS_MAX];
};

static const struct rw_nic_ops ops;

struct rw_nic *rw_nic_mem_new(const struct rw_nic_mem_cfg *cfg) {
    RW_ASSERT(cfg->port_count <= RW_NIC_PORTS_MAX);
    struct mem_nic *mem = calloc(1, sizeof *mem);
    if (!mem) return NULL;
    mem->nic.ops = &ops;
    for (uint32_t i = 0; i < cfg->port_count; i++) {
        struct mem_port *port = &mem->port[i];
        port->max = cfg->port[i].frames_max;
        port->frames = calloc(port->max ? port->max : 1, sizeof *port->frames);
        mem->nic.port_count = i + 1;
        if (!port->frames) {
            ops.close(&mem->nic);
            return NULL;
        }
        mem->nic.port[i].file = cfg->port[i].file;
        snprintf(mem->nic.port[i].device, RW_NIC_DEVICE_BYTES, "%s", cfg->port[i].device);
    }
    return &mem->nic;
}

void rw_nic_mem_feed(struct rw_nic *nic, uint32_t port, uint64_t time_ns, const void *frame,
                     uint32_t bytes, uint32_t flags) {
    struct mem_port *to = &((struct mem_nic *)nic)->port[port];
    RW_ASSERT(port < nic->port_count && to->fed < to->max && bytes <= 65535);
    struct mem_frame *fed = &to->frames[to->fed++];
    *fed = (struct mem_frame){.time_ns = time_ns, .bytes = bytes, .flags = flags};
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
    const struct mem_port *from = &((const struct mem_nic *)nic)->port[port];
    return from->fed - from->taken;
}

static void mem_thread_begin(struct rw_nic *nic) { (void)nic; }

static uint32_t mem_rx_burst(struct rw_nic *nic, uint32_t port, struct rw_nic_packet *packets,
                             uint32_t count) {
    struct mem_nic *mem = (struct mem_nic *)nic;
    struct mem_port *from = &mem->port[port];
    RW_ASSERT(port < nic->port_count && count <= RW_NIC_BURST);
    uint32_t taken = 0;
    for (; taken < count && from->taken < from->fed; taken++) {
        struct mem_frame *frame = &from->frames[from->taken++];
        frame->out = true;
        packets[taken] = (struct rw_nic_packet){.frame = frame->copy,
                                                .bytes = frame->bytes,
                                                .flags = frame->flags,
                                                .time_ns = frame->time_ns,
                                                .buffer = frame};
        from->counters.packets++;
        from->counters.bytes += frame->bytes;
    }
    mem->out += taken;
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

static int mem_join(struct rw_nic *nic, uint32_t port, uint32_t group, uint32_t source) {
    return 0;
}

static void mem_counters(struct rw_nic *nic, uint32_t port, struct rw_nic_counters *counters) {
    *counters = ((struct mem_nic *)nic)->port[port].counters;
}

static bool mem_link_up(struct rw_nic *nic, uint32_t port) { return port < nic->port_count; }

static void mem_close(struct rw_nic *nic) {
    struct mem_nic *mem = (struct mem_nic *)nic;
    for (uint32_t i = 0; i < nic->port_count; i++) {
        struct mem_port *port = &mem->port[i];
        for (uint64_t k = 0; k < port->fed; k++) free(port->frames[k].copy);
        free(port->frames);
    }
    free(mem);
}

static const struct rw_nic_ops ops = {.name = "memory",
                                      .thread_begin = mem_thread_begin,
                                      .rx_burst = mem_rx_burst,
                                      .free = mem_free,
                                      .at_end = mem_at_end,
                                      .join = mem_join,
                                      .counters = mem_counters,
                                      .link_up = mem_link_up,
                                      .close = mem_close};
