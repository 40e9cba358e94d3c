/* The packets of a line as a venue makes them: a header that numbers, then messages.
 *
 *   begin ─► put (until it says no) ─► end ─► UDP payload
 *
 * One row per venue that a session can be written for. Cold path. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/feed/mdp3_write.h"
#include "dataplane/feed/moldudp64.h"
#include "dataplane/feed/pitch_write.h"

/* What tells one session's packets from another's. */
struct rw_gen_framing_terms {
    char session[RW_SESSION_BYTES]; /* where a session is text */
    uint8_t unit;                   /* where it is a unit */
    uint64_t now_ns;                /* Unix time, where packets tell it */
};

/* The packet being filled. */
struct rw_gen_packet {
    union {
        struct rw_mold_writer mold;
        struct rw_pitch_writer pitch;
        struct {
            uint8_t *buffer;
            size_t capacity, used;
        } mdp3;
    };
    uint32_t count; /* messages in it */
};

struct rw_gen_framing {
    const char *name;
    bool numbers_packets; /* the sequence counts packets, not messages; there are no heartbeats */
    /* Starts a packet without messages, which is a heartbeat if it stays so. */
    void (*begin)(struct rw_gen_packet *packet, const struct rw_gen_framing_terms *terms,
                  void *buffer, size_t capacity, uint64_t sequence);
    bool (*put)(struct rw_gen_packet *packet, const uint8_t *message, uint32_t bytes);
    size_t (*end)(struct rw_gen_packet *packet);
    /* Writes the packet that ends a session before `next`; 0: the venue says it as a message. */
    size_t (*end_of_session)(const struct rw_gen_framing_terms *terms, void *buffer, uint64_t next);
    /* Whether a packet goes to the groups beside the lines. */
    bool (*beside)(const uint8_t *payload, size_t bytes);
};

/* rw_gen_framing_named returns the row of a feed, NULL when there is none. */
const struct rw_gen_framing *rw_gen_framing_named(const char *name);
#define RW_GEN_FRAMING_NAMES "itch50|pitch|mdp3"
