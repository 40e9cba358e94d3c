/* A simulated market: a stream of ITCH 5.0 messages of one trading session, each valid against
 * the simulator's own books.
 *
 *   prologue (S R H Y L V) ─► pre-open ─► Q, opening crosses ─► trading, halts
 *                          ─► M, closing crosses ─► E C
 *
 * Prices follow a common and an own random walk; orders cluster around them, 70 % of removals hit
 * recent orders, symbols are as unequal as a Zipf law, messages come in bursts. The mix is that
 * of a real day. Only integers are used, so a seed gives the same bytes on every host. Cold path;
 * allocates. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "dataplane/feed/itch50.h"
#include "tools/riskwire/gen_books.h"

#define RW_GEN_SYMBOLS_MAX 20000u
#define RW_GEN_OPEN_NS     (34200ull * 1000000000ull) /* 09:30:00 */

struct rw_gen_market_cfg {
    uint64_t seed;
    uint64_t messages;    /* exactly so many; at least rw_gen_messages_min(symbols) */
    uint32_t symbols;     /* 1..RW_GEN_SYMBOLS_MAX */
    uint64_t duration_ns; /* of the session, 1 s .. 30,000 s */
    uint64_t start_ns;    /* since midnight; 0: so that the market opens at RW_GEN_OPEN_NS */
    uint32_t
        live; /* orders, from a quarter of the session on; 0: one for 11 messages, 1.2 M at most */
    uint32_t life; /* 0, 1, …: the same symbols with other orders, after a restart */
    /* Symbols, their prices of the day and where these go come from `listing` instead of `seed`:
     * markets of one listing are venues that trade the same instruments. */
    bool listed;
    uint64_t listing;
};

/* A message and what it traded, if anything. */
struct rw_gen_message {
    uint64_t time_ns; /* since midnight; never decreases */
    uint32_t bytes;
    uint32_t symbol;       /* index, for trades */
    uint32_t trade_shares; /* of a printable execution or hidden trade, else 0 */
    int32_t trade_price;   /* 1e-4 */
    uint64_t match_number;
    uint8_t message[RW_ITCH50_BYTES_MAX];
};

struct rw_gen_symbol_info {
    char name[8]; /* space padded */
    uint16_t locate;
    int32_t start_price; /* 1e-4 */
};

struct rw_gen_market; /* opaque */

/* rw_gen_messages_min returns the fewest messages a session of so many symbols takes. */
uint64_t rw_gen_messages_min(uint32_t symbols);
/* rw_gen_market_new makes a market before its first message; the configuration must be in range,
 * asserted. Never returns NULL: without memory it aborts. rw_gen_market_free frees it. */
struct rw_gen_market *rw_gen_market_new(const struct rw_gen_market_cfg *cfg);
void rw_gen_market_free(struct rw_gen_market *market);
/* rw_gen_market_next makes the next message; false when the session is over. rw_gen_market_time
 * tells the time of the message that next will make, UINT64_MAX at the end. */
bool rw_gen_market_next(struct rw_gen_market *market, struct rw_gen_message *message);
uint64_t rw_gen_market_time(const struct rw_gen_market *market);
/* rw_gen_market_symbol returns a symbol by index 0..symbols-1; locates are index + 1. */
struct rw_gen_symbol_info rw_gen_market_symbol(const struct rw_gen_market *market, uint32_t index);
uint32_t rw_gen_market_live(const struct rw_gen_market *market);
/* rw_gen_market_is_whole tells whether all that happens at one moment was handed out, so that the
 * books are exactly those of the messages made. rw_gen_market_books shows them. */
bool rw_gen_market_is_whole(const struct rw_gen_market *market);
const struct rw_gen_books *rw_gen_market_books(const struct rw_gen_market *market);
/* rw_gen_market_truth writes the simulator's own books in the format of the `book` verb: after
 * the message made last, and exact at a time when rw_gen_market_time is beyond it. */
void rw_gen_market_truth(const struct rw_gen_market *market, FILE *out);
