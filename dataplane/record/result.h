/* A result record: what the appliance publishes, 128 bytes, integers only, compared by bytes.
 *
 * An SBE-style header (so that fields can be appended later) and a fixed block. The same bytes
 * stand in the result journal, in the shared-memory delivery ring and in SoupBinTCP payloads, at
 * both sites. Money is 1e-4 of the base currency. Reserved bytes are zero. */
#pragma once

#include <assert.h>
#include <stdint.h>

#define RW_RESULT_BYTES          128u
#define RW_RESULT_BLOCK_LENGTH   120u /* bytes after the header */
#define RW_RESULT_TEMPLATE       1u
#define RW_RESULT_SCHEMA         0x5257u
#define RW_RESULT_SCHEMA_VERSION 1u

/* Order of records within one input: (portfolio index, kind, instrument index); session records
 * belong to the market (index 0) and come first, desk and firm totals last. */
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
    RW_RESULT_KIND_COUNT,
};

enum rw_limit_state { RW_LIMIT_OK = 0, RW_LIMIT_SOFT = 1, RW_LIMIT_HARD = 2 };

enum rw_limit_measure {
    RW_MEASURE_NONE = 0,
    RW_MEASURE_GROSS = 1,
    RW_MEASURE_NET = 2,  /* |net| */
    RW_MEASURE_LOSS = 3, /* −(realised + unrealised), when positive */
    RW_MEASURE_COUNT,
};

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
    uint8_t reserved[28];
};
static_assert(sizeof(struct rw_result) == RW_RESULT_BYTES, "the record is 128 bytes");
