/* The network between the sites, of one of two kinds. A stream keeps order and loses nothing until
 * the connection breaks; then what was on the way is lost and both sides learn it at different
 * times. Datagrams are lost, doubled, and overtake each other. Either can be cut one way. */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

static struct sim_packet *copy_of(struct sim *sim, const struct rw_message *message) {
    struct sim_packet *packet = sim->free_packets;
    if (packet) {
        sim->free_packets = packet->next;
    } else {
        packet = malloc(sizeof *packet);
        packet->next_made = sim->packets_made;
        sim->packets_made = packet;
    }
    packet->message = *message;
    packet->next = NULL;
    packet->connection = sim->connection;
    if (message->type == RW_MESSAGE_APPEND) {
        memcpy(packet->payload, message->append.payload, message->append.payload_bytes);
        packet->message.append.payload = packet->payload;
    }
    return packet;
}

void sim_network_free(struct sim *sim, struct sim_packet *packet) {
    packet->next = sim->free_packets;
    sim->free_packets = packet;
}

static void send_stream(struct sim *sim, uint8_t from, const struct rw_message *message) {
    if (!sim->connected) return;
    struct sim_packet *packet = copy_of(sim, message);
    packet->due_ns = sim->now_ns + 1 + sim_below(sim, sim->weather.delay_max_ns);
    if (sim->queue_tail[from])
        sim->queue_tail[from]->next = packet;
    else
        sim->queue_head[from] = packet;
    sim->queue_tail[from] = packet;
    if (!sim->pumping[from]) {
        sim->pumping[from] = true;
        sim_post(sim, packet->due_ns - sim->now_ns, SIM_PUMP, from, 0, NULL);
    }
}

static void send_datagram(struct sim *sim, uint8_t from, const struct rw_message *message) {
    int copies = 1 + (!sim->healed && sim_chance(sim, sim->weather.duplicate_percent));
    for (int i = 0; i < copies; i++) {
        if (sim->cut_off[from]) return;
        if (!sim->healed && sim_chance(sim, sim->weather.loss_percent)) continue;
        uint64_t delay = 1 + sim_below(sim, sim->weather.delay_max_ns);
        /* now and then very late: another epoch may have begun meanwhile */
        if (!sim->healed && sim_chance(sim, 1)) delay += sim_below(sim, 500 * SIM_MS);
        sim_post(sim, delay, SIM_MESSAGE, 1 - from, 0, copy_of(sim, message));
    }
}

void sim_network_send(struct sim *sim, uint8_t from, const struct rw_message *message) {
    if (sim->weather.stream)
        send_stream(sim, from, message);
    else
        send_datagram(sim, from, message);
}

/* Delivers the oldest message of a stream. While the direction is cut, or the receiver is stopped,
 * it waits. */
void sim_network_pump(struct sim *sim, uint8_t from) {
    struct sim_packet *packet = sim->queue_head[from];
    struct sim_site *to = &sim->site[1 - from];
    if (!packet) {
        sim->pumping[from] = false;
        return;
    }
    bool waits = sim->cut_off[from] || to->paused_until_ns > sim->now_ns;
    if (!waits && packet->due_ns <= sim->now_ns) {
        sim->queue_head[from] = packet->next;
        if (!packet->next) sim->queue_tail[from] = NULL;
        struct sim_event event = {.kind = SIM_MESSAGE, .packet = packet};
        if (to->running && !to->restarting && packet->connection == sim->connection)
            sim_site_event(sim, to, &event);
        sim_network_free(sim, packet);
        packet = sim->queue_head[from];
    }
    uint64_t wait = waits ? SIM_MS : 1;
    if (packet && packet->due_ns > sim->now_ns + wait) wait = packet->due_ns - sim->now_ns;
    sim_post(sim, wait, SIM_PUMP, from, 0, NULL);
}

void sim_network_break(struct sim *sim) {
    for (uint8_t i = 0; i < 2; i++) {
        for (struct sim_packet *packet = sim->queue_head[i], *next; packet; packet = next) {
            next = packet->next;
            sim_network_free(sim, packet);
        }
        sim->queue_head[i] = sim->queue_tail[i] = NULL;
        sim_post(sim, 1 + sim_below(sim, 10 * SIM_MS), SIM_PEER_DOWN, i, sim->site[i].life, NULL);
    }
    sim->connected = false;
    sim->connection++;
}

void sim_network_connect(struct sim *sim) {
    if (!sim->site[0].running || !sim->site[1].running || sim->connected) return;
    if (sim->cut_off[0] || sim->cut_off[1]) return;
    sim->connected = true;
    sim->connection++;
    for (uint8_t i = 0; i < 2; i++)
        sim_post(sim, 10 * SIM_MS + sim_below(sim, 5 * SIM_MS), SIM_PEER_UP, i, sim->site[i].life,
                 NULL);
}
