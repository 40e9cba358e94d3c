/* A wire is a small heap of packets by arrival time: what was held back or doubled waits there
 * while later packets pass. */
#include "tools/riskwire/gen_wires.h"

#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/rng.h"

#define MILLION 1000000u

struct wire {
    struct rw_gen_wire_packet **heap; /* [packets_max] */
    uint32_t count, losing;           /* packets of a run still to be lost */
    uint64_t last_ns, numbered;
};

struct rw_gen_wires {
    struct rw_gen_wires_cfg cfg;
    struct rw_rng rng;
    struct wire wire[RW_GEN_WIRES];
    struct rw_gen_wire_packet **free; /* [2 * packets_max] */
    struct rw_gen_wire_packet *taken; /* handed out last */
    uint32_t free_count;
    struct rw_gen_wires_count count;
};

static void *allocate(uint64_t count, size_t size) {
    void *memory = calloc(count, size);
    RW_ASSERT(memory);
    return memory;
}

struct rw_gen_wires *rw_gen_wires_new(const struct rw_gen_wires_cfg *cfg) {
    RW_ASSERT(cfg->jitter_ns >= 1 && cfg->loss_run >= 1);
    RW_ASSERT(cfg->packets_max >= RW_GEN_WIRE_PACKETS_MIN);
    struct rw_gen_wires *wires = allocate(1, sizeof *wires);
    wires->cfg = *cfg;
    rw_rng_seed(&wires->rng, cfg->seed);
    wires->free = allocate(2ull * cfg->packets_max, sizeof(void *));
    while (wires->free_count < 2 * cfg->packets_max)
        wires->free[wires->free_count++] = allocate(1, sizeof(struct rw_gen_wire_packet));
    for (uint32_t i = 0; i < RW_GEN_WIRES; i++)
        wires->wire[i].heap = allocate(cfg->packets_max, sizeof(void *));
    return wires;
}

void rw_gen_wires_free(struct rw_gen_wires *wires) {
    for (uint32_t i = 0; i < RW_GEN_WIRES; i++) {
        while (wires->wire[i].count) free(wires->wire[i].heap[--wires->wire[i].count]);
        free(wires->wire[i].heap);
    }
    while (wires->free_count) free(wires->free[--wires->free_count]);
    free(wires->taken);
    free(wires->free);
    free(wires);
}

static bool is_earlier(const struct rw_gen_wire_packet *a, const struct rw_gen_wire_packet *b) {
    return a->time_ns < b->time_ns || (a->time_ns == b->time_ns && a->number < b->number);
}

static void heap_push(struct wire *wire, struct rw_gen_wire_packet *packet) {
    uint32_t at = wire->count++;
    for (; at > 0 && is_earlier(packet, wire->heap[(at - 1) / 2]); at = (at - 1) / 2)
        wire->heap[at] = wire->heap[(at - 1) / 2];
    wire->heap[at] = packet;
}

static struct rw_gen_wire_packet *heap_pop(struct wire *wire) {
    struct rw_gen_wire_packet *first = wire->heap[0], *last = wire->heap[--wire->count];
    uint32_t at = 0;
    for (uint32_t child; (child = 2 * at + 1) < wire->count; at = child) {
        if (child + 1 < wire->count && is_earlier(wire->heap[child + 1], wire->heap[child]))
            child++;
        if (is_earlier(last, wire->heap[child])) break;
        wire->heap[at] = wire->heap[child];
    }
    wire->heap[at] = last;
    return first;
}

uint32_t rw_gen_wires_draw(struct rw_gen_wires *wires) {
    uint32_t lost = 0;
    for (uint32_t i = 0; i < RW_GEN_WIRES; i++) {
        struct wire *wire = &wires->wire[i];
        if (!wire->losing && rw_rng_chance(&wires->rng, wires->cfg.loss_ppm[i], MILLION))
            wire->losing = 1 + (uint32_t)rw_rng_below(&wires->rng, wires->cfg.loss_run);
        if (!wire->losing || (lost && !wires->cfg.independent)) continue;
        wire->losing--;
        wires->count.lost[i]++;
        lost |= 1u << i;
    }
    wires->count.both_lost += lost == 3;
    return lost;
}

static void put(struct rw_gen_wires *wires, struct wire *wire, uint64_t time_ns,
                const uint8_t *payload, uint32_t bytes) {
    RW_ASSERT(wire->count < wires->cfg.packets_max && bytes <= RW_GEN_WIRE_PAYLOAD_MAX);
    struct rw_gen_wire_packet *packet = wires->free[--wires->free_count];
    packet->time_ns = time_ns;
    packet->number = wire->numbered++;
    packet->bytes = bytes;
    memcpy(packet->payload, payload, bytes);
    heap_push(wire, packet);
}

void rw_gen_wires_send(struct rw_gen_wires *wires, uint32_t which, uint64_t sent_ns,
                       const uint8_t *payload, uint32_t bytes) {
    const struct rw_gen_wires_cfg *cfg = &wires->cfg;
    struct wire *wire = &wires->wire[which];
    uint64_t time_ns = sent_ns + cfg->latency_ns[which] + rw_rng_below(&wires->rng, cfg->jitter_ns);
    if (time_ns < wire->last_ns + cfg->spacing_ns) time_ns = wire->last_ns + cfg->spacing_ns;
    if (rw_rng_chance(&wires->rng, cfg->reorder_ppm, MILLION)) {
        time_ns += RW_GEN_WIRE_HELD_BACK_NS;
        time_ns += rw_rng_below(&wires->rng, 6 * RW_GEN_WIRE_HELD_BACK_NS);
        wires->count.reordered[which]++;
    } else {
        wire->last_ns = time_ns;
    }
    put(wires, wire, time_ns, payload, bytes);
    if (rw_rng_chance(&wires->rng, cfg->duplicate_ppm, MILLION)) {
        time_ns += cfg->spacing_ns + rw_rng_below(&wires->rng, 3 * RW_GEN_WIRE_HELD_BACK_NS);
        put(wires, wire, time_ns, payload, bytes);
        wires->count.duplicated[which]++;
    }
}

uint64_t rw_gen_wires_due(const struct rw_gen_wires *wires, uint32_t which) {
    const struct wire *wire = &wires->wire[which];
    return wire->count ? wire->heap[0]->time_ns : UINT64_MAX;
}

/* A wire is full when the next packet, doubled, would not fit. */
const struct rw_gen_wire_packet *rw_gen_wires_take(struct rw_gen_wires *wires, uint32_t which,
                                                   uint64_t until_ns) {
    struct wire *wire = &wires->wire[which];
    bool is_full = wire->count + 2 > wires->cfg.packets_max;
    if (wire->count == 0 || (wire->heap[0]->time_ns > until_ns && !is_full)) return NULL;
    if (wire->heap[0]->time_ns > until_ns) wires->count.hurried++;
    if (wires->taken) wires->free[wires->free_count++] = wires->taken;
    wires->taken = heap_pop(wire);
    return wires->taken;
}

struct rw_gen_wires_count rw_gen_wires_counted(const struct rw_gen_wires *wires) {
    return wires->count;
}
