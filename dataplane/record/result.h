/* A result record: what the appliance publishes, 128 bytes, integers only, compared by bytes.
 *
 *   ┌ SBE-style header 8 ┬ head 40: numbers, time, owner, kind, quality ┬ block 80 of the template┐
 *
 * Four templates share header and head and differ in the block: totals and positions (struct
 * rw_result), risk measures, bars, alerts. All are 128 bytes and are cast to struct rw_result where
 * only the head matters. The same bytes stand in the result journal, in the shared-memory delivery
 * ring and in SoupBinTCP payloads, at both sites. Money is 1e-4 of the base currency. Reserved
 * bytes are zero. */
#pragma once

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/record/measure.h"

#define RW_RESULT_BYTES          128u
#define RW_RESULT_BLOCK_LENGTH   120u /* bytes after the header */
#define RW_RESULT_TEMPLATE       1u   /* struct rw_result */
#define RW_RESULT_TEMPLATE_RISK  2u   /* struct rw_result_risk */
#define RW_RESULT_TEMPLATE_BAR   3u   /* struct rw_result_bar */
#define RW_RESULT_TEMPLATE_ALERT 4u   /* struct rw_result_alert */
#define RW_RESULT_TEMPLATES      4u
#define RW_RESULT_SCHEMA         0x5257u
#define RW_RESULT_SCHEMA_VERSION 1u

/* Order of records within one input: (portfolio index, kind, instrument index); those of the market
 * (index 0: session, bars by instrument, length, start) come first, desk and firm totals last. But
 * the bars that a session's close closes stand before its SESSION_CLOSE, the last record there
 * is. */
enum rw_result_kind {
    RW_RESULT_SESSION_OPEN = 1,
    RW_RESULT_SESSION_CLOSE = 2,
    RW_RESULT_PORTFOLIO = 3, /* totals of one portfolio; instrument 0 */
    RW_RESULT_POSITION = 4,  /* one (portfolio, instrument), after a fill */
    RW_RESULT_LIMIT = 5,     /* a limit of the portfolio changed state; see measure */
    RW_RESULT_DESK = 6,      /* totals of a desk; portfolio = desk index */
    RW_RESULT_FIRM = 7,
    RW_RESULT_DESK_LIMIT = 8,
    RW_RESULT_FIRM_LIMIT = 9,
    RW_RESULT_RISK = 10,       /* lane B of a portfolio or aggregate; template RISK */
    RW_RESULT_BAR = 11,        /* a bar of an instrument, of the market; template BAR */
    RW_RESULT_TOP = 12,        /* a place among the most active instruments; template BAR */
    RW_RESULT_ALERT = 13,      /* a rule was met; template ALERT */
    RW_RESULT_LATE_ALERT = 14, /* the same, found by an event that came late; template ALERT */
    RW_RESULT_KIND_COUNT,
};

enum rw_limit_state { RW_LIMIT_OK = 0, RW_LIMIT_SOFT = 1, RW_LIMIT_HARD = 2 };

struct rw_result {
    uint16_t block_length, template_id, schema_id, schema_version;
    uint64_t result_sequence; /* 1, 2, … in the session; set by merge */
    uint64_t input_sequence;  /* the log entry that caused it */
    uint64_t event_time_ns;   /* since midnight of the session day */
    uint32_t portfolio;       /* or desk index; 0 = market or firm */
    uint32_t instrument;      /* 0 = whole portfolio */
    uint8_t kind;             /* enum rw_result_kind */
    uint8_t limit_state; /* enum rw_limit_state: the worst of the row's limits, or of `measure` */
    uint8_t measure;     /* enum rw_limit_measure, for limit records */
    uint8_t reserved0;
    uint16_t quality;                     /* enum rw_quality, or-ed over what the row depends on */
    uint16_t method;                      /* version of the calculation that made it */
    int64_t position;                     /* signed quantity; 0 on totals */
    int64_t mark;                         /* price 1e-4; 0 on totals */
    int64_t realised_pnl, unrealised_pnl; /* money; realised is net of fees */
    int64_t gross, net;                   /* Σ|q·m·P| and Σ q·m·P */
    uint32_t conflated;                   /* book states that the causing tick replaced */
    uint8_t venues; /* POSITION: venues in a mark of several, a bit each; 0: of one channel */
    uint8_t reserved1[3];
    uint64_t across_ns; /* POSITION: how long it is locked or crossed between venues */
    /* Of open orders: quantities of a POSITION, money of a PORTFOLIO and its LIMITs, else 0. */
    int64_t open_buys, open_sells;
};
static_assert(sizeof(struct rw_result) == RW_RESULT_BYTES, "the record is 128 bytes");

/* Risk measures of a portfolio, instrument 0. Losses are positive. */
struct rw_result_risk {
    uint16_t block_length, template_id, schema_id, schema_version;
    uint64_t result_sequence, input_sequence, event_time_ns;
    uint32_t portfolio, instrument;
    uint8_t kind, limit_state, measure, reserved0;
    uint16_t quality, method;
    int64_t var, es;                        /* of the P&L vector, money */
    int64_t worst_loss;                     /* of the stress scenarios, money */
    int64_t margin;                         /* scan risk, money */
    int64_t delta, gamma, vega, theta, rho; /* money per 1 % of spot, per 1 %², per vol point, per
                                                day, per 1 % of rate */
    uint32_t conflated;                     /* ticks merged since the record before */
    uint16_t worst_scenario;                /* which one, from 1 */
    uint8_t reserved[2];
};

/* A bar of one instrument over [start, start + length), or a place among the most active ones
 * (TOP: rank in `version`). A correction repeats the window with version + 1 and retracts it. */
struct rw_result_bar {
    uint16_t block_length, template_id, schema_id, schema_version;
    uint64_t result_sequence, input_sequence, event_time_ns;
    uint32_t portfolio, instrument;
    uint8_t kind, limit_state, measure, reserved0;
    uint16_t quality, method;
    uint64_t start_ns, length_ns;   /* event time */
    int32_t open, high, low, close; /* 1e-4 */
    uint64_t volume;
    int64_t notional; /* Σ price · quantity, 1e-4: VWAP = notional / volume */
    uint32_t trades;
    uint32_t version; /* from 1 */
    uint8_t reserved[24];
};

/* A rule of the rule table was met. */
struct rw_result_alert {
    uint16_t block_length, template_id, schema_id, schema_version;
    uint64_t result_sequence, input_sequence, event_time_ns;
    uint32_t portfolio, instrument;
    uint8_t kind, limit_state, measure, reserved0;
    uint16_t quality, method;
    uint64_t start_ns, length_ns; /* of the window, event time */
    uint64_t alert;               /* its number in the session, from 1; what is acknowledged */
    uint64_t key;                 /* of the group: account, venue, participant, … index */
    int64_t value, threshold;     /* the measure and what it met, in the rule's unit */
    uint32_t rule;                /* row of the rule table, from 1 */
    uint32_t version;             /* from 1; a correction counts on */
    uint8_t severity;             /* of the rule, 1 lowest */
    uint8_t acknowledged;         /* 1: this record says that somebody has seen it */
    uint8_t reserved[22];
};

#define RW_RESULT_SAME(type, field) \
    static_assert(offsetof(struct type, field) == offsetof(struct rw_result, field), #field)
#define RW_RESULT_SHARES_HEAD(type)                                     \
    static_assert(sizeof(struct type) == RW_RESULT_BYTES, "128 bytes"); \
    RW_RESULT_SAME(type, template_id);                                  \
    RW_RESULT_SAME(type, result_sequence);                              \
    RW_RESULT_SAME(type, event_time_ns);                                \
    RW_RESULT_SAME(type, portfolio);                                    \
    RW_RESULT_SAME(type, kind);                                         \
    RW_RESULT_SAME(type, quality);                                      \
    RW_RESULT_SAME(type, method)
RW_RESULT_SHARES_HEAD(rw_result_risk);
RW_RESULT_SHARES_HEAD(rw_result_bar);
RW_RESULT_SHARES_HEAD(rw_result_alert);
