/* Time and chance: a heap of events, one random stream per seed. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "tests/sim/sim.h"

static struct sim *playing; /* for rw_assert_failed below */

/* A failed assertion of the core ends the run like a failed check of the judge. This definition
 * takes the place of the one that aborts. */
void rw_assert_failed(const char *condition, const char *file, int line) {
    sim_fail(playing, "assertion `%s` failed at %s:%d", condition, file, line);
}

void sim_fail(struct sim *sim, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int at = snprintf(sim->why, sizeof sim->why, "at %.3f ms: ", (double)sim->now_ns / 1e6);
    vsnprintf(sim->why + at, sizeof sim->why - (size_t)at, format, args);
    va_end(args);
    longjmp(sim->fail, 1);
}

bool sim_tracing;

void sim_trace(const struct sim *sim, const char *format, ...) {
    if (!sim_tracing) return;
    va_list args;
    va_start(args, format);
    printf("%10.3f ms  ", (double)sim->now_ns / 1e6);
    vprintf(format, args);
    printf("\n");
    va_end(args);
}

uint64_t sim_below(struct sim *sim, uint64_t limit) {
    return limit == 0 ? 0 : rw_rng_below(&sim->rng, limit);
}
bool sim_chance(struct sim *sim, uint32_t percent) { return sim_below(sim, 100) < percent; }

static bool earlier(const struct sim_event *a, const struct sim_event *b) {
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static void push(struct sim *sim, struct sim_event event) {
    uint32_t at = sim->heap_count++;
    if (at >= SIM_EVENTS_MAX) sim_fail(sim, "the world has too many events");
    while (at > 0 && earlier(&event, &sim->heap[(at - 1) / 2])) {
        sim->heap[at] = sim->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    sim->heap[at] = event;
}

static struct sim_event pop(struct sim *sim) {
    struct sim_event top = sim->heap[0], last = sim->heap[--sim->heap_count];
    uint32_t at = 0;
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= sim->heap_count) break;
        if (child + 1 < sim->heap_count && earlier(&sim->heap[child + 1], &sim->heap[child]))
            child++;
        if (!earlier(&sim->heap[child], &last)) break;
        sim->heap[at] = sim->heap[child];
        at = child;
    }
    sim->heap[at] = last;
    return top;
}

void sim_post(struct sim *sim, uint64_t delay_ns, enum sim_event_kind kind, uint8_t site,
              uint64_t life, void *packet) {
    push(sim, (struct sim_event){.at_ns = sim->now_ns + delay_ns,
                                 .order = ++sim->order,
                                 .kind = kind,
                                 .site = site,
                                 .life = life,
                                 .packet = packet});
}

static void take(struct sim *sim, struct sim_event *event) {
    struct sim_site *site = &sim->site[event->site];
    switch (event->kind) {
    case SIM_PUMP:
        sim_network_pump(sim, event->site);
        return;
    case SIM_FAULT:
        sim_fault(sim);
        return;
    case SIM_OPERATOR:
        sim_operator(sim);
        return;
    case SIM_START:
        if (!site->running) sim_site_start(sim, site);
        if (!sim->connected)
            sim_network_connect(sim);
        else if (!sim->weather.stream)
            sim_site_step(sim, site, (struct rw_pair_event){.kind = RW_PAIR_PEER_UP});
        return;
    default:
        break;
    }
    bool current = site->running && (event->life == 0 || event->life == site->life);
    if (current && site->paused_until_ns > sim->now_ns) {
        /* A stopped process finds everything waiting when it goes on, in the old order. */
        event->at_ns = site->paused_until_ns;
        event->order = ++sim->order;
        push(sim, *event);
        return;
    }
    if (current && !(site->restarting && event->kind == SIM_MESSAGE))
        sim_site_event(sim, site, event);
    if (event->packet) sim_network_free(sim, event->packet);
}

static struct sim_weather draw_weather(struct sim *sim) {
    struct sim_weather weather = {.policy = sim_chance(sim, 35) ? RW_PAIR_MEM : RW_PAIR_DISK,
                                  .stream = sim_chance(sim, 50),
                                  .reckless = sim_chance(sim, 8)};
    weather.loss_percent = (uint32_t)sim_below(sim, 31);
    weather.duplicate_percent = (uint32_t)sim_below(sim, 51);
    weather.delay_max_ns = SIM_MS / 8 << sim_below(sim, 7);
    weather.disk_max_ns = SIM_MS / 8 << sim_below(sim, 7);
    weather.compute_max_ns = SIM_MS / 8 << sim_below(sim, 6);
    weather.tick_max_ns = SIM_MS << sim_below(sim, 3);
    weather.inputs_per_tick = 1 + (uint32_t)sim_below(sim, sim_chance(sim, 15) ? 60 : 8);
    weather.credit_bytes = 2048 + (uint32_t)sim_below(sim, 30000);
    weather.bad_until_ns = (400 + sim_below(sim, 1000)) * SIM_MS;
    weather.end_ns = weather.bad_until_ns + 1400 * SIM_MS;
    return weather;
}

bool sim_run(struct sim *sim, uint64_t seed) {
    struct rw_pair *pairs[2] = {sim->site[0].pair, sim->site[1].pair};
    struct sim_packet *made = sim->packets_made;
    memset(sim, 0, sizeof *sim);
    sim->site[0].pair = pairs[0];
    sim->site[1].pair = pairs[1];
    sim->packets_made = made;
    for (struct sim_packet *packet = made; packet; packet = packet->next_made)
        sim_network_free(sim, packet);
    sim->seed = seed;
    sim->now_ns = 1;
    playing = sim;
    rw_rng_seed(&sim->rng, seed);
    sim->weather = draw_weather(sim);
    if (setjmp(sim->fail)) return false;
    for (uint8_t i = 0; i < 2; i++) {
        sim->site[i].index = i;
        if (sim_chance(sim, 2)) sim->site[i].wrong_at = 1 + sim_below(sim, 400);
        sim_post(sim, sim_below(sim, 20 * SIM_MS), SIM_START, i, 0, NULL);
    }
    sim_post(sim, 10 * SIM_MS, SIM_FAULT, 0, 0, NULL);
    sim_post(sim, 20 * SIM_MS, SIM_OPERATOR, 0, 0, NULL);
    while (sim->now_ns < sim->weather.end_ns) {
        struct sim_event event = pop(sim);
        sim->now_ns = event.at_ns > sim->now_ns ? event.at_ns : sim->now_ns;
        if (!sim->healed && sim->now_ns >= sim->weather.bad_until_ns) sim_heal(sim);
        take(sim, &event);
    }
    sim_judge_end(sim);
    return true;
}

void sim_end(struct sim *sim) {
    for (struct sim_packet *packet = sim->packets_made, *next; packet; packet = next) {
        next = packet->next_made;
        free(packet);
    }
    for (int i = 0; i < 2; i++) free(sim->site[i].pair);
}
