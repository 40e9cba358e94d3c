/* Historical VaR and expected shortfall of a shard's portfolios: P&L vectors that are moved, not
 * added up, and a certificate that no limit is passed unseen.
 *
 *   tick ──► touch: slack −= |units|·step       the position joins the portfolio's dirty list
 *   REFRESH, or slack ≤ 0 ──► move each dirty position ─► tail ─► VaR, ES, limits, new slack
 *
 * VaR and ES of a vector move by no more than its largest change (they are 1-Lipschitz), and a tick
 * changes no scenario of a holder by more than |units|·step, step = ceil(|ΔP|·max|r|) + 1. So as
 * long as what was given away since the last refresh stays below the distance to the nearest limit
 * above, none has been reached; when it does not, the refresh is made before the portfolio's next
 * record. It is a pure function of the log, so no entry is needed for it.
 *
 * VaR is at 99 %, ES at 97.5 %, one day, equally weighted: method RW_VAR_METHOD. Everything is an
 * integer. Pure: no clock, allocation or I/O. One thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "dataplane/record/image.h"
#include "dataplane/record/result.h"
#include "dataplane/stats/stats.h"

#define RW_VAR_METHOD        1u
#define RW_VAR_CONFIDENCE_BP 9900u
#define RW_VAR_ES_BP         9750u

#define RW_VAR_COUNTERS(X)                                                         \
    X(refreshes, "portfolios", "vectors brought up to date and their tails taken") \
    X(forced, "portfolios", "of these, at once: a limit might have been reached")  \
    X(moves, "positions", "positions whose part of a vector was moved")            \
    X(no_history, "positions", "holdings of instruments without returns: not in the vectors")
RW_STATS_STRUCT(rw_var_counters, RW_VAR_COUNTERS);

struct rw_var_cfg {
    const struct rw_image *image; /* outlives the core */
    uint32_t first, portfolios;   /* of the shard: indices first..first+portfolios−1 */
    uint32_t positions;           /* cells of the shard */
    struct rw_var_counters *counters;
};

/* What a refresh found. */
struct rw_var_result {
    int64_t var, es;    /* losses positive, money 1e-4 */
    int64_t worst_loss; /* of all scenarios */
    uint16_t worst_scenario;
    uint8_t state[2]; /* enum rw_limit_state of the VaR, of the ES limit */
    uint32_t changed; /* bit 0, 1: that state changed; bit 2: one of the numbers did */
    uint32_t merged;  /* price changes since the result before */
};

struct rw_var;

/* rw_var_footprint returns the bytes that rw_var_new needs, a multiple of 64; 0 when the image has
 * no scenarios: then there is no core and no function here may be called. */
size_t rw_var_footprint(const struct rw_var_cfg *cfg);
/* rw_var_new builds the core with empty vectors in memory (64-byte aligned, zeroed, the caller's).
 * Portfolios are counted from 0 within the shard in all functions. */
struct rw_var *rw_var_new(void *memory, const struct rw_var_cfg *cfg);

/* rw_var_step returns what a change of an instrument's price by `change` (1e-4) can cost a unit, in
 * money; 0 for an instrument without returns, which touches nothing. */
int64_t rw_var_step(const struct rw_var *var, uint32_t instrument, int64_t change);
/* rw_var_touch says that the price of what a position holds has moved by a step > 0. Returns true
 * when the portfolio must be refreshed before it says anything. units: signed. */
bool rw_var_touch(struct rw_var *var, uint32_t portfolio, uint32_t position, int64_t units,
                  int64_t step);
/* rw_var_fill says that a position went from units_before to units_after at the present price of
 * its instrument (1e-4). Returns as rw_var_touch. */
bool rw_var_fill(struct rw_var *var, uint32_t portfolio, uint32_t position, uint32_t instrument,
                 int64_t units_before, int64_t units_after, int32_t price);

/* rw_var_next_dirty takes the next position of a portfolio that has to follow its price; false when
 * none is left. rw_var_follow moves it to the present price. rw_var_settle takes the tail once all
 * have followed. forced: it was rw_var_touch or rw_var_fill that wanted it. */
bool rw_var_next_dirty(struct rw_var *var, uint32_t portfolio, uint32_t *position);
void rw_var_follow(struct rw_var *var, uint32_t portfolio, uint32_t position, uint32_t instrument,
                   int64_t units, int32_t price);
void rw_var_settle(struct rw_var *var, uint32_t portfolio, bool forced,
                   struct rw_var_result *result);

/* rw_var_vector returns a portfolio's P&L vector, as long as the image's scenarios; for checks. */
const int64_t *rw_var_vector(const struct rw_var *var, uint32_t portfolio);
