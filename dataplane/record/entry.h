/* A log entry: one input of the appliance, as it stands in the log, on the wire and in the
 * journal.
 *
 *   slot 0 (64 B)                                        slots 1..15 (64 B each, optional)
 *   ┌ sequence ┬ event time ┬ type … instrument ┬ body 40 B ┐┌ the body goes on ┐
 *
 * State and results are pure functions of the sequence of these entries, so an entry holds nothing
 * that depends on a site, a clock or a packet. All integers are little-endian; reserved bytes are
 * zero.
 *
 * Times: event_time_ns is nanoseconds since midnight of the session day, exchange time. Prices are
 * integers of 1e-4 currency units, quantities are whole units, money is 1e-4 currency units.
 *
 * Before the sequencer (refdata/enrich) has numbered an entry, its `sequence` field carries the
 * local arrival stamp (ns, monotonic) instead; the stamp never enters the log. */
#pragma once

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define RW_SLOT_BYTES      64u
#define RW_ENTRY_SLOTS_MAX 16u
#define RW_ENTRY_VERSION   1u
/* instrument = RW_INSTRUMENT_NONE: the entry is not about one instrument. Indices start at 1. */
#define RW_INSTRUMENT_NONE 0u
#define RW_PORTFOLIO_NONE  0u

enum rw_entry_type {
    RW_ENTRY_TICK = 1,
    RW_ENTRY_FILL = 2,
    RW_ENTRY_CLOCK = 3,    /* event time has reached event_time_ns; no body */
    RW_ENTRY_SESSION = 4,  /* a session opens or closes */
    RW_ENTRY_TAKEOVER = 5, /* a new leader continues the log */
    RW_ENTRY_END = 6,      /* a channel or the intake has delivered its last input */
    RW_ENTRY_REFRESH = 7,  /* what is conflated is brought up to date for a range of portfolios */
    RW_ENTRY_ORDER = 8,    /* what became of an order of the firm */
    RW_ENTRY_TYPE_COUNT,
};

struct rw_entry {
    uint64_t sequence; /* 1, 2, … without holes within a lineage */
    uint64_t event_time_ns;
    uint8_t type;  /* enum rw_entry_type */
    uint8_t slots; /* length of the whole entry in slots, 1..16 */
    uint8_t version;
    uint8_t flags;       /* 0 */
    uint32_t instrument; /* index in the reference image, or RW_INSTRUMENT_NONE */
    uint8_t body[40];
};
static_assert(sizeof(struct rw_entry) == RW_SLOT_BYTES, "an entry head is one slot");

enum rw_tick_kind {
    RW_TICK_BBO = 1,   /* the best bid or offer changed */
    RW_TICK_TRADE = 2, /* a printable trade; last_price and last_quantity are set */
    RW_TICK_STATUS =
        3, /* trading state of the instrument changed (quality has RW_QUALITY_HALTED or not) */
    RW_TICK_CHANNEL = 4, /* state of the whole channel changed; instrument = none */
    RW_TICK_BREAK = 5,   /* a trade was broken; last_* as far as known, else 0 */
};

/* Quality bits, shared by ticks, instruments and result records. */
enum rw_quality {
    RW_QUALITY_STALE =
        1u << 0, /* no update for longer than the instrument's limit in event time; of
                                   a channel: it waits for messages that are missing */
    RW_QUALITY_CROSSED = 1u << 1, /* bid > ask */
    RW_QUALITY_LOCKED = 1u << 2,  /* bid == ask */
    RW_QUALITY_HALTED = 1u << 3,  /* trading state is not 'T' */
    RW_QUALITY_FEED_GAP =
        1u << 4, /* messages of the channel were lost; its books may be wrong until
                                      it is whole again */
    RW_QUALITY_ONE_SIDED = 1u << 5, /* bid or ask missing */
    RW_QUALITY_NO_MARK = 1u << 6, /* no price seen yet; the mark is the start-of-day price, or 0 */
    RW_QUALITY_CONFLATED = 1u << 7,  /* the tick replaces earlier states of the book */
    RW_QUALITY_TAKEOVER = 1u << 8,   /* the BBO is the last one logged by the former leader */
    RW_QUALITY_ROUNDED = 1u << 9,    /* some price of the instrument was no multiple of 1e-4 */
    RW_QUALITY_ACROSS = 1u << 10,    /* LOCKED or CROSSED between two venues */
    RW_QUALITY_VENUE_OUT = 1u << 11, /* a venue that has quoted the instrument does not count now */
};

/* A TICK's source identity is (channel, venue_sequence, index). It is self-contained: BBO and last
 * trade are those after the event; of a trade or status flagged CONFLATED the BBO is the newer one
 * that was told before it. A missing side has price 0 and quantity 0. */
struct rw_tick_body {
    uint16_t channel;
    uint16_t index;   /* position among the ticks of one venue message; rises, with holes */
    uint16_t quality; /* enum rw_quality */
    uint8_t kind;     /* enum rw_tick_kind */
    uint8_t replaced; /* how many BBO states this one replaced by conflation, saturating */
    uint64_t venue_sequence;
    int32_t bid_price, ask_price, last_price; /* 1e-4 */
    uint32_t bid_quantity, ask_quantity, last_quantity;
};
static_assert(sizeof(struct rw_tick_body) == 40, "a tick fills the body");

enum rw_side { RW_SIDE_BUY = 'B', RW_SIDE_SELL = 'S' };
enum rw_fill_kind {
    RW_FILL_NEW = 1,
    RW_FILL_CORRECT = 2, /* as if the fill of id `reference` had been this one */
    RW_FILL_BUST = 3,    /* as if it had never happened; side, quantity, price and fee are 0 */
};

/* A FILL takes two slots: this body starts at rw_entry.body and runs through slot 1. */
struct rw_fill_body {
    uint64_t source_sequence; /* with source: the identity of this input; 1, 2, … per source */
    uint64_t exec_id;   /* unique per message; a second one with the same id is ignored, counted */
    uint32_t portfolio; /* index in the reference image, 1.. */
    uint16_t source;
    uint8_t side;     /* enum rw_side */
    uint8_t kind;     /* enum rw_fill_kind */
    int64_t quantity; /* > 0 */
    int64_t price;    /* 1e-4 */
    int64_t fee;      /* money 1e-4, positive = cost */
    uint64_t match_number;
    uint64_t reference; /* CORRECT, BUST: exec_id of the fill, or of a correction of it. NEW: the
                           order it fills, 0: of none that is known */
    uint8_t reserved[40];
};
static_assert(sizeof(struct rw_fill_body) == 40 + 64, "a fill fills two slots");

enum rw_order_kind {
    RW_ORDER_ACCEPTED = 1,
    RW_ORDER_REPLACED = 2,  /* quantity: what is open now */
    RW_ORDER_CANCELLED = 3, /* with EXPIRED: nothing is open any more; quantity and price are 0 */
    RW_ORDER_REJECTED = 4,
    RW_ORDER_EXPIRED = 5,
};

struct rw_order_body {
    uint64_t source_sequence; /* with source the identity of this input, as that of a FILL */
    uint64_t order_id;        /* one order for the whole day */
    uint32_t portfolio;
    uint16_t source;
    uint8_t side;     /* enum rw_side */
    uint8_t kind;     /* enum rw_order_kind */
    int64_t quantity; /* > 0 where the kind has one */
    int64_t price;    /* 1e-4; 0: none, a market order */
};
static_assert(sizeof(struct rw_order_body) == 40, "an order fills the body");
static_assert(offsetof(struct rw_order_body, source_sequence) ==
                      offsetof(struct rw_fill_body, source_sequence) &&
                  offsetof(struct rw_order_body, source) == offsetof(struct rw_fill_body, source),
              "what intake gives has its identity in one place");

/* rw_entry_from_intake tells whether entries of a type are inputs of the firm: with the source and
 * the source sequence of a FILL in their first slot. */
static inline int rw_entry_from_intake(uint8_t type) {
    return type == RW_ENTRY_FILL || type == RW_ENTRY_ORDER;
}

enum rw_session_event { RW_SESSION_OPEN = 1, RW_SESSION_CLOSE = 2 };

struct rw_session_body {
    uint8_t event;    /* enum rw_session_event */
    char session[10]; /* YYMMDD + four base-36 digits */
    uint8_t reserved[5];
    uint8_t image_hash[16]; /* of the start-of-day reference image */
    uint8_t reserved2[8];
};
static_assert(sizeof(struct rw_session_body) == 40, "");

struct rw_takeover_body {
    uint64_t epoch;
    uint8_t site; /* 0 or 1 */
    uint8_t reserved[31];
};
static_assert(sizeof(struct rw_takeover_body) == 40, "");

enum rw_end_source { RW_END_CHANNEL = 1, RW_END_INTAKE = 2 };

struct rw_end_body {
    uint8_t source_kind; /* enum rw_end_source */
    uint8_t reserved;
    uint16_t source; /* channel or intake source */
    uint8_t reserved2[4];
    uint64_t last_sequence; /* last venue or source sequence that exists */
    uint8_t reserved3[24];
};
static_assert(sizeof(struct rw_end_body) == 40, "");

/* A REFRESH names a range of portfolios whose conflated measures (VaR, ES) are computed now. */
struct rw_refresh_body {
    uint32_t first, count; /* portfolio indices first..first+count−1 */
    uint64_t round;        /* 1, 2, …: entries of one round cover all portfolios */
    uint8_t reserved[24];
};
static_assert(sizeof(struct rw_refresh_body) == 40, "");
