/* The CSV files beside a session: what the firm trades, who holds it, what each may, and its
 * fills.
 *
 *   instruments ─┬─► instruments.csv                    trades ─► some are the firm's ─► inputs.csv
 *                └─► portfolios, positions, limits.csv
 *
 * Limits stand a little above where the positions start, so a session makes some soft and hard
 * breaches. Prices and money are decimals with four places. Seeded; cold path; allocates. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tools/riskwire/gen_market.h"

struct rw_gen_instrument {
    char name[8]; /* space padded */
    uint16_t locate;
    int32_t start_price; /* 1e-4, ≥ 1 */
};

struct rw_gen_refs_cfg {
    const char *dir; /* exists */
    uint64_t seed;
    uint32_t portfolios;    /* 1..100,000 */
    uint32_t holders;       /* mean holders of an instrument, ≥ 1 */
    uint32_t scenarios;     /* days of history, 0..RW_IMAGE_SCENARIOS_MAX */
    uint32_t fills_percent; /* of the trades given to rw_gen_refs_trade, 0..100 */
    bool locates; /* false: the column stays empty, the venue's directory tells at run time */
};

struct rw_gen_refs_count {
    uint64_t positions, limits, fills, repeated_fills, corrections, orders;
};

struct rw_gen_refs; /* opaque */

/* rw_gen_refs_open writes instruments.csv, portfolios.csv, positions.csv, limits.csv and, with
 * scenarios, returns.csv, and begins inputs.csv. instruments (count of them, 1 or more) may go
 * away afterwards. Returns 0 or
 * -errno with an error set. */
int rw_gen_refs_open(const struct rw_gen_refs_cfg *cfg, const struct rw_gen_instrument *instruments,
                     uint32_t count, struct rw_gen_refs **refs);
/* rw_gen_refs_open_market is the same for the symbols of a market, so many of them. */
int rw_gen_refs_open_market(const struct rw_gen_refs_cfg *cfg, const struct rw_gen_market *market,
                            uint32_t symbols, struct rw_gen_refs **refs);
/* rw_gen_refs_holder returns the index of a portfolio that holds an instrument: each of them for
 * some pick, the same for the same. */
uint32_t rw_gen_refs_holder(const struct rw_gen_refs *refs, uint32_t instrument, uint32_t pick);

struct rw_gen_fill {
    uint64_t time_ns;
    uint64_t execution, match_number;
    uint32_t instrument, portfolio; /* indices */
    int32_t price;                  /* 1e-4, ≥ 0 */
    uint64_t quantity;
    char side; /* 'B' or 'S' */
};
/* rw_gen_refs_fill writes a FILL, not before the one before it. */
void rw_gen_refs_fill(struct rw_gen_refs *refs, const struct rw_gen_fill *fill);
/* rw_gen_refs_trade tells of a trade of the session, in order of time; `instrument` is an index
 * into the array given to open. A holder may have been the firm's side of it: then a FILL is
 * written. */
void rw_gen_refs_trade(struct rw_gen_refs *refs, uint64_t time_ns, uint32_t instrument,
                       uint32_t shares, int32_t price, uint64_t match_number);
/* rw_gen_refs_close finishes inputs.csv and frees. Returns 0, or -errno with an error set. */
int rw_gen_refs_close(struct rw_gen_refs *refs, struct rw_gen_refs_count *count);
