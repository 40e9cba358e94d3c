/* A simulated venue: a market session from a seed, as packets of a feed and the times at which they
 * are sent.
 *
 *   begin                                restart (same session or a new one)
 *     │                                    │
 *   heartbeats ─► life 0: packets 1, 2, … ─┴─ silence ─► life 1: packets 1, 2, … ─► end of session
 *
 * A packet is sent packet_wait_ns after its first message and holds what happened until then; when
 * it is full the next one follows at the same time. Heartbeats fill quiet seconds, where the feed
 * has them; one with a snapshot loop (MDP 3.0) sends its packets in between, and tells no end. A
 * restart begins a new life: the same symbols, an empty market, sequence 1; event times go on.
 * Every life's messages are kept, for who asks for them again.
 *
 * Time is the schedule's, in ns from 0; the market runs in it at a given speed. No clock, no I/O;
 * the same calls give the same packets. Allocates. One thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/feed/moldudp64.h"
#include "tools/riskwire/gen_framing.h"
#include "tools/riskwire/gen_market.h"
#include "tools/riskwire/venue_log.h"

#define RW_VENUE_PAYLOAD_MAX 1400u
#define RW_VENUE_PAYLOAD_MIN 128u /* a header and the longest message fit */
#define RW_VENUE_LIVES_MAX   16u

struct rw_venue_cfg {
    const char *feed; /* one of RW_GEN_FRAMING_NAMES; NULL: itch50 */
    uint64_t seed;
    uint64_t messages;    /* of all lives together, unless restarts make the last one too short */
    uint64_t duration_ns; /* of the market, in its own time */
    uint32_t symbols;
    bool listed; /* the instruments are those of `listing`, as in rw_gen_market_cfg */
    uint64_t listing;
    uint32_t speed_permille; /* the market's time against the schedule's, 1..1,000,000 */
    uint32_t packet_bytes;   /* RW_VENUE_PAYLOAD_MIN..RW_VENUE_PAYLOAD_MAX */
    uint64_t packet_wait_ns; /* all below in the schedule's time */
    uint64_t heartbeat_ns;   /* ≥ 1 */
    uint64_t pause_ns;       /* silence between a restart and the first packet */
    uint64_t linger_ns;      /* the end of the session is told so long */
    uint64_t loop_ns;        /* between packets of the feed's snapshot loop; 0: there is none */
    uint64_t midnight_ns;    /* Unix time of the market's midnight, where the feed tells it */
};

struct rw_venue_packet {
    uint64_t time_ns;  /* when it is sent */
    uint64_t sequence; /* of its first message; of the next one when it has none */
    uint32_t bytes;    /* 0: there is nothing to be sent after all */
    uint32_t messages;
    bool is_of_loop; /* it stands beside the sequence */
    uint8_t payload[RW_VENUE_PAYLOAD_MAX];
};

struct rw_venue_count {
    uint64_t messages, packets, heartbeats, ends, loops;
    uint32_t restarts;
};

enum rw_venue_restart { RW_VENUE_SAME_SESSION = 0, RW_VENUE_NEW_SESSION = 1 };

struct rw_venue_core; /* opaque */

/* rw_venue_new makes a venue that sends heartbeats from 0 on. A configuration out of range asserts,
 * and so does want of memory. rw_venue_free frees it. */
struct rw_venue_core *rw_venue_new(const struct rw_venue_cfg *cfg);
void rw_venue_free(struct rw_venue_core *venue);
/* rw_venue_begin starts the market at a time that is not before the last packet; once. */
void rw_venue_begin(struct rw_venue_core *venue, uint64_t at_ns);
/* rw_venue_restart ends the current life at once, without an end of session; at_ns is not before
 * the last packet. False, and nothing happens, before the market began or when the venue has had
 * all its lives. */
bool rw_venue_restart(struct rw_venue_core *venue, uint64_t at_ns, enum rw_venue_restart how);

/* rw_venue_speed lets the market run at another speed from now on, without a jump; at_ns is not
 * before the last packet. */
void rw_venue_speed(struct rw_venue_core *venue, uint64_t at_ns, uint32_t speed_permille);

/* rw_venue_due returns when the next packet is sent; UINT64_MAX when all is over. rw_venue_next
 * makes that packet: its messages are then published. */
uint64_t rw_venue_due(const struct rw_venue_core *venue);
void rw_venue_next(struct rw_venue_core *venue, struct rw_venue_packet *packet);

/* What is published: the messages of the market, and what they were on the wire by sequence, which
 * is the same for ITCH. Lives are counted from 0; the current one is rw_venue_life. A session may
 * have several lives, when it was restarted under its name. */
uint32_t rw_venue_life(const struct rw_venue_core *venue);
const char *rw_venue_session(const struct rw_venue_core *venue, uint32_t life); /* ten characters */
const struct rw_venue_log *rw_venue_messages(const struct rw_venue_core *venue, uint32_t life);
const struct rw_venue_log *rw_venue_sent(const struct rw_venue_core *venue, uint32_t life);
/* rw_venue_find returns the newest life of a session, or -1. */
int rw_venue_find(const struct rw_venue_core *venue, const char session[RW_MOLD_SESSION_BYTES]);

/* rw_venue_market shows the current life's market. Its books are those after the last published
 * message when rw_venue_is_whole, which holds again after the packets that are due at once.
 * rw_venue_event_ns returns the time of day of that message. */
const struct rw_gen_market *rw_venue_market(const struct rw_venue_core *venue);
bool rw_venue_is_whole(const struct rw_venue_core *venue);
uint64_t rw_venue_event_ns(const struct rw_venue_core *venue);
struct rw_venue_count rw_venue_counted(const struct rw_venue_core *venue);
