#include "risk/kernels/option_table.h"

#include <string.h>

#include "dataplane/base/assert.h"
#include "risk/kernels/american.h"
#include "risk/kernels/maths.h"

#define VOL_MAX   1000.0
#define YEARS_MAX 1000.0
#define RATE_MAX  10.0
/* A strike of zero stands for this: its logarithm is finite, and nothing else can tell. */
#define STRIKE_LEAST 1e-300
/* The slope of an option without deviation: every d is then far out, on the side of the forward. */
#define SLOPE_DEGENERATE 1e15

static uint32_t padded(uint32_t capacity) {
    return (capacity + 2 * RW_OPTION_LANES - 1) & ~(RW_OPTION_LANES - 1);
}

static uint32_t column_count(bool american) {
#define X(name) +1
    return american ? 0 RW_OPTION_COLUMNS(X) RW_OPTION_AMERICAN_COLUMNS(X) : 0 RW_OPTION_COLUMNS(X);
#undef X
}

size_t rw_option_table_footprint(uint32_t capacity, bool american) {
    return (size_t)column_count(american) * padded(capacity) * sizeof(double);
}

void rw_option_table_init(struct rw_option_table *table, void *memory, uint32_t capacity,
                          bool american) {
    RW_ASSERT(capacity >= 1 && capacity <= RW_OPTIONS_MAX && ((uintptr_t)memory & 63) == 0);
    double *at = memory;
    memset(memory, 0, rw_option_table_footprint(capacity, american));
    *table = (struct rw_option_table){.capacity = capacity, .american = american};
#define X(name)       \
    table->name = at; \
    at += padded(capacity);
    RW_OPTION_COLUMNS(X)
    if (!american) return;
    RW_OPTION_AMERICAN_COLUMNS(X)
#undef X
}

static bool within(double value, double least, double most) {
    return value >= least && value <= most; /* false for a NaN */
}

enum rw_option_reason rw_option_check(const struct rw_option_terms *terms) {
    if (terms->style > RW_OPTION_BLACK76 || terms->type > RW_OPTION_PUT) return RW_OPTION_BAD_STYLE;
    if (!within(terms->strike, 0, 1e15)) return RW_OPTION_BAD_STRIKE;
    if (!within(terms->rate, -RATE_MAX, RATE_MAX)) return RW_OPTION_BAD_RATE;
    if (terms->style != RW_OPTION_BLACK76 && !within(terms->dividend, -RATE_MAX, RATE_MAX))
        return RW_OPTION_BAD_DIVIDEND;
    if (!within(terms->vol, 0, VOL_MAX)) return RW_OPTION_BAD_VOL;
    if (terms->years < 0) return RW_OPTION_EXPIRED;
    if (!within(terms->years, 0, YEARS_MAX)) return RW_OPTION_BAD_YEARS;
    return RW_OPTION_FINE;
}

const char *rw_option_reason_text(enum rw_option_reason reason) {
    static const char *const text[RW_OPTION_REASONS] = {
        [RW_OPTION_FINE] = "fine",
        [RW_OPTION_BAD_STYLE] = "style or type is not known",
        [RW_OPTION_BAD_STRIKE] = "strike is not a number from 0 to 1e15",
        [RW_OPTION_BAD_RATE] = "rate is not a number from -10 to 10 a year",
        [RW_OPTION_BAD_DIVIDEND] = "dividend yield is not a number from -10 to 10 a year",
        [RW_OPTION_BAD_VOL] = "vol is not a number from 0 to 1000",
        [RW_OPTION_EXPIRED] = "the option has expired: years to expiry are negative",
        [RW_OPTION_BAD_YEARS] = "years to expiry are not a number from 0 to 1000",
        [RW_OPTION_BAD_SPOT] = "spot is not a number from 0 to 1e15",
    };
    return reason < RW_OPTION_REASONS ? text[reason] : "unknown";
}

static void set_american(struct rw_option_table *table, uint32_t i,
                         const struct rw_option_terms *terms) {
    struct rw_american american;
    table->strike[i] = terms->strike;
    if (terms->style == RW_OPTION_AMERICAN)
        rw_american_solve(terms, &american);
    else
        rw_american_never(terms, &american);
    table->power[i] = american.at.power;
    table->log_critical[i] = american.at.log_critical;
    table->amount[i] = american.at.amount;
    table->vol_0[i] = american.vol.constant;
    table->vol_1[i] = american.vol.slope;
    table->years_0[i] = american.years.constant;
    table->years_1[i] = american.years.slope;
    table->rate_0[i] = american.rate.constant;
    table->rate_1[i] = american.rate.slope;
}

enum rw_option_reason rw_option_set(struct rw_option_table *table, uint32_t i,
                                    const struct rw_option_terms *terms) {
    RW_ASSERT(i < table->capacity && (table->american || terms->style != RW_OPTION_AMERICAN));
    enum rw_option_reason reason = rw_option_check(terms);
    if (reason) return reason;
    bool forward = terms->style == RW_OPTION_BLACK76;
    double years = terms->years, rate = terms->rate, dividend = forward ? rate : terms->dividend;
    double strike = terms->strike > STRIKE_LEAST ? terms->strike : STRIKE_LEAST;
    double deviation = terms->vol * rw_root(years);
    double slope = deviation > 1.0 / SLOPE_DEGENERATE ? 1.0 / deviation : SLOPE_DEGENERATE;
    double drift = (rate - dividend + 0.5 * terms->vol * terms->vol) * years;
    table->slope[i] = slope;
    table->offset[i] = (drift - rw_log(strike)) * slope;
    table->deviation[i] = slope < SLOPE_DEGENERATE ? deviation : 0;
    table->strike_pv[i] = strike * rw_exp(-rate * years);
    table->spot_factor[i] = rw_exp(-dividend * years);
    table->sign[i] = terms->type == RW_OPTION_CALL ? 1 : -1;
    table->rate[i] = rate;
    table->dividend[i] = dividend;
    table->vol[i] = terms->vol;
    table->years[i] = years;
    table->forward_years[i] = forward ? years : 0;
    if (table->american) set_american(table, i, terms);
    return RW_OPTION_FINE;
}
