/* What mdp3_book.c and mdp3_join.c share: the state of a channel of MDP 3.0, for these two alone.
 * mdp3_book.h says what it is for. */
#pragma once

#include <string.h>

#include "dataplane/base/bytes.h"
#include "dataplane/feed/mdp3_levels.h"
#include "dataplane/feed/mdp3_orders.h"
#include "dataplane/feed/venue.h"

#define RW_MDP3_KEPT_PACKETS 256u /* a power of two */
#define RW_MDP3_KEPT_BYTES   1488u

#define RW_MDP3_OWN_COUNTERS(X)                                                               \
    X(price_range, "prices", "not told or refused: negative, or above 2^31-1 in 1e-4")        \
    X(price_rounded, "prices", "no multiple of 1e-4, rounded down")                           \
    X(other_day, "messages", "not of the session day: only their time of day counts")         \
    X(long_names, "definitions", "symbols above eight characters: the security id stands in") \
    X(doubted, "instruments", "made stale because packets were lost")                         \
    X(joined, "snapshots", "taken for an instrument that was stale")                          \
    X(too_old, "snapshots", "ignored: of before the gap, or the packets behind are not kept") \
    X(orders_joined, "snapshots", "of orders, taken whole")                                   \
    X(orders_stale, "entries", "of orders ignored: their instrument waits for a snapshot")    \
    X(not_kept, "packets", "longer than those that are kept: no snapshot before them is taken")
#define RW_MDP3_VENUE_COUNTERS(X) RW_MDP3_COUNTERS(X) RW_MBP_COUNTERS(X) RW_MDP3_OWN_COUNTERS(X)
RW_STATS_STRUCT(rw_mdp3_own_counters, RW_MDP3_OWN_COUNTERS);
struct rw_mdp3_books_counters {
    struct rw_mdp3_counters decoder;
    struct rw_mbp_counters levels;
    struct rw_mdp3_own_counters own;
};

struct rw_mdp3_instrument {
    struct rw_book_bbo told;
    int64_t factor; /* display factor, 1e-9; 0: not told */
    struct rw_mdp3_orders orders;
    uint8_t symbol[RW_BOOK_SYMBOL_BYTES];
    char group[6], asset[6];
    bool named;   /* its symbol was handed out */
    bool dirty;   /* touched in the open event */
    bool doubted; /* entries of it may have been lost */
    bool flagged; /* an event of it said so, and no BBO since */
    bool rounded;
};

struct rw_mdp3_kept {
    uint32_t sequence;
    uint16_t bytes;
    uint8_t payload[RW_MDP3_KEPT_BYTES];
};

enum rw_mdp3_phase {
    RW_MDP3_PHASE_NEXT,
    RW_MDP3_PHASE_BEGIN,
    RW_MDP3_PHASE_ENTRIES,
    RW_MDP3_PHASE_END
};

struct rw_mdp3_books {
    struct rw_books_cfg cfg;
    struct rw_mdp3_books_counters *counters;
    struct rw_mbp *levels;
    struct rw_book *orders;
    struct rw_mdp3_instrument *instruments; /* by number of the levels; locate = number + 1 */
    uint32_t *dirty;
    struct rw_mdp3_kept *kept;
    uint32_t known, dirty_count, dirty_next;
    uint32_t doubted;         /* instruments */
    uint32_t position;        /* the last packet of the stream; 0: none yet */
    uint32_t kept_from;       /* from here on packets follow without a hole */
    uint32_t lost_to;         /* the last packet that was lost */
    bool whole_from_start;    /* since packet 1 or a reset: orders need no snapshot */
    bool broken;              /* a gap was told, and not yet that all is known again */
    uint64_t open_ns, now_ns; /* transaction of the open event, event time */
    /* the cursor */
    enum rw_mdp3_phase phase;
    bool flushing, tell_whole;
    uint32_t tell; /* instrument + 1 whose BBO is told at once; 0: none */
    uint32_t entry;
    struct rw_mdp3_packet packet;
    struct rw_mdp3_message message;
    struct rw_book_event ahead;
    bool has_ahead;
};

/* rw_mdp3_meet sees to it that the numbers of the levels have their rows here. */
void rw_mdp3_meet(struct rw_mdp3_books *mdp3);

/* rw_mdp3_locate is the number of an instrument outside. rw_mdp3_find returns that of a security,
 * RW_MBP_NONE when there is no room; rw_mdp3_is_sound whether what is known of it is certain;
 * rw_mdp3_touch notes it for the end of the event; rw_mdp3_prices_of where prices are counted. */
static inline uint16_t rw_mdp3_locate(uint32_t it) { return (uint16_t)(it + 1); }

static inline uint32_t rw_mdp3_find(struct rw_mdp3_books *mdp3, int32_t security) {
    uint32_t it = rw_mbp_instrument(mdp3->levels, security);
    rw_mdp3_meet(mdp3);
    return it;
}

static inline bool rw_mdp3_is_sound(const struct rw_mdp3_books *mdp3, uint32_t it) {
    return !mdp3->instruments[it].doubted && !rw_mbp_is_stale(mdp3->levels, it);
}

static inline void rw_mdp3_touch(struct rw_mdp3_books *mdp3, uint32_t it) {
    if (mdp3->instruments[it].dirty) return;
    mdp3->instruments[it].dirty = true;
    mdp3->dirty[mdp3->dirty_count++] = it;
}

static inline struct rw_mdp3_prices rw_mdp3_prices_of(struct rw_mdp3_books *mdp3) {
    return (struct rw_mdp3_prices){&mdp3->counters->own.price_range,
                                   &mdp3->counters->own.price_rounded};
}

/* rw_mdp3_keep notes a packet of the stream, in its order. */
void rw_mdp3_keep(struct rw_mdp3_books *mdp3, const uint8_t *payload, uint32_t bytes);
/* rw_mdp3_apply_orders applies the orders of a message of 46 or 47; `only` as in
 * rw_mdp3_levels_entry. */
void rw_mdp3_apply_orders(struct rw_mdp3_books *mdp3, const struct rw_mdp3_message *message,
                          uint32_t only);
/* rw_mdp3_join_levels and rw_mdp3_join_orders take the 52 or 53 at hand: what it mended stands in
 * mdp3->tell. */
void rw_mdp3_join_levels(struct rw_mdp3_books *mdp3);
void rw_mdp3_join_orders(struct rw_mdp3_books *mdp3);
/* rw_mdp3_doubt is told of a gap: from now on nothing is known for certain about any instrument
 * that was in the stream. rw_mdp3_reset empties all books and starts their numbering again, so that
 * all are sound. */
void rw_mdp3_doubt(struct rw_mdp3_books *mdp3, uint32_t next);
void rw_mdp3_reset(struct rw_mdp3_books *mdp3);
