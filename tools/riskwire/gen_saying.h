/* A simulated market as another exchange tells it: each ITCH message of the market is said in the
 * venue's own messages, so that truth, fills and reference files stay the same.
 *
 *   rw_gen_market_next ─► ITCH message ─► rw_gen_saying_say ─► 0, 1, 2, … messages ─► gen_lines
 *
 * MDP 3.0: gen_mdp3.h. PITCH: times, orders with the market's references, executions, trades,
 * status, an auction summary for a cross, end of session. A replacement is a deletion and an
 * addition. What ITCH says and PITCH cannot (directory, imbalances, operational halts, …) is left
 * out. Cold path; allocates. */
#pragma once

#include <stdint.h>

#include "dataplane/book/book.h"

#define RW_GEN_SAID_MAX   4u
#define RW_GEN_SAID_BYTES 640u

/* The messages of one moment, in order. */
struct rw_gen_said {
    uint32_t count;
    uint32_t bytes[RW_GEN_SAID_MAX];
    uint8_t message[RW_GEN_SAID_MAX][RW_GEN_SAID_BYTES];
};

struct rw_gen_saying; /* opaque */

/* rw_gen_saying_new makes the tongue of a feed (RW_GEN_FRAMING_NAMES) for a session of `messages`
 * messages on a day that begins at midnight_ns (Unix; 0 where the feed tells no such time); never
 * NULL. rw_gen_saying_free frees it. */
struct rw_gen_saying *rw_gen_saying_new(const char *feed, uint64_t messages, uint64_t midnight_ns);
void rw_gen_saying_free(struct rw_gen_saying *saying);
/* rw_gen_saying_say tells one ITCH message of the market, all of them in order. */
void rw_gen_saying_say(struct rw_gen_saying *saying, const uint8_t *message, uint32_t bytes,
                       struct rw_gen_said *said);
/* rw_gen_saying_snapshot writes a packet of the feed's snapshot loop, as of packet `sequence`; 0
 * when the feed has none. payload holds 1,400 bytes. */
uint32_t rw_gen_saying_snapshot(struct rw_gen_saying *saying, uint64_t sequence, uint64_t time_ns,
                                uint8_t *payload);
