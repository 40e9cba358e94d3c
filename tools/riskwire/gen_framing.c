#include "tools/riskwire/gen_framing.h"

#include <string.h>

#include "dataplane/base/bytes.h"

static bool never_beside(const uint8_t *payload, size_t bytes) { return false; }

static void mold_begin(struct rw_gen_packet *packet, const struct rw_gen_framing_terms *terms,
                       void *buffer, size_t capacity, uint64_t sequence) {
    packet->count = 0;
    rw_mold_begin(&packet->mold, buffer, capacity, terms->session, sequence);
}

static bool mold_put(struct rw_gen_packet *packet, const uint8_t *message, uint32_t bytes) {
    bool fits = rw_mold_add(&packet->mold, message, (uint16_t)bytes);
    packet->count += fits;
    return fits;
}

static size_t mold_end(struct rw_gen_packet *packet) { return rw_mold_end(&packet->mold); }

static size_t mold_end_of_session(const struct rw_gen_framing_terms *terms, void *buffer,
                                  uint64_t next) {
    return rw_mold_end_of_session(buffer, terms->session, next);
}

static void pitch_begin(struct rw_gen_packet *packet, const struct rw_gen_framing_terms *terms,
                        void *buffer, size_t capacity, uint64_t sequence) {
    packet->count = 0;
    rw_pitch_begin(&packet->pitch, buffer, capacity, terms->unit, (uint32_t)sequence);
}

static bool pitch_put(struct rw_gen_packet *packet, const uint8_t *message, uint32_t bytes) {
    bool fits = rw_pitch_put(&packet->pitch, message, bytes);
    packet->count += fits;
    return fits;
}

static size_t pitch_end(struct rw_gen_packet *packet) { return rw_pitch_end(&packet->pitch); }

static void mdp3_begin(struct rw_gen_packet *packet, const struct rw_gen_framing_terms *terms,
                       void *buffer, size_t capacity, uint64_t sequence) {
    packet->count = 0;
    packet->mdp3.buffer = buffer;
    packet->mdp3.capacity = capacity;
    packet->mdp3.used = rw_mdp3_put_header(buffer, (uint32_t)sequence, terms->now_ns);
}

static bool mdp3_put(struct rw_gen_packet *packet, const uint8_t *message, uint32_t bytes) {
    if (packet->mdp3.capacity - packet->mdp3.used < bytes) return false;
    memcpy(packet->mdp3.buffer + packet->mdp3.used, message, bytes);
    packet->mdp3.used += bytes;
    packet->count++;
    return true;
}

static size_t mdp3_end(struct rw_gen_packet *packet) { return packet->mdp3.used; }

static bool mdp3_beside(const uint8_t *payload, size_t bytes) {
    const uint8_t *template_id = payload + RW_MDP3_PACKET_HEADER_BYTES + 4;
    return bytes >= RW_MDP3_PACKET_HEADER_BYTES + 6 && rw_load_le16(template_id) == 52;
}

static size_t no_end_of_session(const struct rw_gen_framing_terms *terms, void *buffer,
                                uint64_t next) {
    return 0;
}

static const struct rw_gen_framing framings[] = {
    {"itch50", false, mold_begin, mold_put, mold_end, mold_end_of_session, never_beside},
    {"pitch", false, pitch_begin, pitch_put, pitch_end, no_end_of_session, never_beside},
    {"mdp3", true, mdp3_begin, mdp3_put, mdp3_end, no_end_of_session, mdp3_beside},
};

const struct rw_gen_framing *rw_gen_framing_named(const char *name) {
    for (uint32_t i = 0; i < sizeof framings / sizeof *framings; i++)
        if (!strcmp(framings[i].name, name)) return &framings[i];
    return NULL;
}
