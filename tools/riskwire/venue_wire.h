/* What the market's messages are on the wire: the feeds a simulated venue can speak.
 *
 *   message of the market (ITCH 5.0) ─► translate ─► messages of the feed, in its sequence
 *                                                       └─► begin, put …, end: a UDP payload
 *
 *   itch50   as they are, in MoldUDP64
 *   pitch    Cboe PITCH, one sequenced unit: orders keep their number when they are replaced, the
 *            executions of a cross are told one by one; no directory, and what PITCH has no message
 *            for is left out
 *
 * Pure; allocates. One thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "tools/riskwire/gen_market.h"
#include "tools/riskwire/venue_log.h"

#define RW_VENUE_FEED_NAMES "itch50|pitch"

enum rw_venue_feed { RW_VENUE_ITCH50 = 0, RW_VENUE_PITCH, RW_VENUE_FEEDS };

/* rw_venue_feed_named returns the feed of a name, RW_VENUE_FEEDS when there is none. */
enum rw_venue_feed rw_venue_feed_named(const char *name);

struct rw_venue_wire; /* opaque */

/* rw_venue_wire_new starts at sequence 1 of an empty market; rw_venue_wire_restart does so again.
 * rw_venue_wire_free frees it. */
struct rw_venue_wire *rw_venue_wire_new(enum rw_venue_feed feed);
void rw_venue_wire_restart(struct rw_venue_wire *wire);
void rw_venue_wire_free(struct rw_venue_wire *wire);

/* rw_venue_wire_is_plain tells whether the market's messages go out as they are: then nothing is
 * translated. rw_venue_wire_translate appends what a message of the market is on this feed, none or
 * more, to a log. */
bool rw_venue_wire_is_plain(const struct rw_venue_wire *wire);
void rw_venue_wire_translate(struct rw_venue_wire *wire, const struct rw_gen_market *market,
                             const struct rw_gen_message *message, struct rw_venue_log *log);

/* A payload in a buffer of `capacity` bytes: begin, put until it says no, end, which returns its
 * bytes; without any message it is a heartbeat. session: ten characters, where the feed has
 * them. */
void rw_venue_wire_begin(struct rw_venue_wire *wire, uint8_t *buffer, size_t capacity,
                         const char *session, uint64_t sequence);
bool rw_venue_wire_put(struct rw_venue_wire *wire, const uint8_t *message, uint32_t bytes);
uint32_t rw_venue_wire_end(struct rw_venue_wire *wire);
/* rw_venue_wire_last writes the payload that tells the end of the session; next: the sequence of
 * the message that would follow. A feed that says so in a message sends a heartbeat. */
uint32_t rw_venue_wire_last(struct rw_venue_wire *wire, uint8_t *buffer, size_t capacity,
                            const char *session, uint64_t next);
