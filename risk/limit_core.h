/* Soft and hard limits on gross, |net| and loss of one row: a portfolio, a desk or the firm.
 *
 *   value < soft: OK      soft ≤ value < hard: SOFT      hard ≤ value: HARD
 *
 * Upwards a state begins at its bound. Downwards it is left when the value is below the bound by
 * the share `release` of it (hysteresis), so that a price that flaps around a limit does not report
 * it again and again. With a release of 0 the state is a function of the present value alone. Only
 * a change of state is reported. An absent limit is INT64_MAX, which no value reaches. */
#pragma once

#include "dataplane/record/image.h"
#include "dataplane/record/result.h"
#include "risk/numerics.h"

#define RW_LIMIT_MEASURES 3u /* index = enum rw_limit_measure − 1; VaR and ES: var_core.h */

struct rw_limits {
    int64_t soft[RW_LIMIT_MEASURES], hard[RW_LIMIT_MEASURES]; /* money 1e-4 */
    uint8_t state[RW_LIMIT_MEASURES];                         /* enum rw_limit_state */
    uint8_t worst;
    uint8_t reserved[6];
    uint16_t release[RW_LIMIT_MEASURES]; /* 1e-4 of the bound */
};

/* rw_limits_init reads the rows of one owner among rows first..first+count−1 of the image's limits
 * table (rows of other owners are skipped); all states OK. A bound ≤ 0 is absent; of two rows for
 * one measure the tighter bounds and the larger release hold; a measure out of range is ignored.
 * owner: portfolio or desk index, 0 = firm. */
void rw_limits_init(struct rw_limits *limits, const struct rw_image *image,
                    enum rw_limit_scope scope, uint32_t owner, uint32_t first, uint32_t count);

/* rw_limit_state_of returns the enum rw_limit_state of a value without hysteresis. */
static inline uint8_t rw_limit_state_of(int64_t value, int64_t soft, int64_t hard) {
    return value >= hard ? RW_LIMIT_HARD : value >= soft ? RW_LIMIT_SOFT : RW_LIMIT_OK;
}

/* rw_limit_bound_left returns below which value the state that begins at a bound > 0 is left. */
static inline int64_t rw_limit_bound_left(int64_t bound, uint16_t release) {
    return bound - (int64_t)((__int128)bound * release / 10000);
}

/* rw_limit_state_after returns the state of a value when the state so far was `before`. */
static inline uint8_t rw_limit_state_after(uint8_t before, int64_t value, int64_t soft,
                                           int64_t hard, uint16_t release) {
    uint8_t state = rw_limit_state_of(value, soft, hard);
    if (state >= before || release == 0) return state;
    if (before == RW_LIMIT_HARD && value >= rw_limit_bound_left(hard, release))
        return RW_LIMIT_HARD;
    return value >= rw_limit_bound_left(soft, release) ? RW_LIMIT_SOFT : state;
}

/* rw_limits_step takes the present value of one measure (index as in struct rw_limits) and returns
 * 1 << index when its state changed, else 0. */
static inline uint32_t rw_limits_step(struct rw_limits *limits, uint32_t index, int64_t value) {
    uint8_t state = rw_limit_state_after(limits->state[index], value, limits->soft[index],
                                         limits->hard[index], limits->release[index]);
    uint32_t changed = (uint32_t)(state != limits->state[index]) << index;
    limits->state[index] = state;
    return changed;
}

/* rw_limits_update takes the present totals and returns a bit per measure (1 << (measure − 1))
 * whose state changed. pnl = realised + unrealised; the loss is −pnl. */
static inline uint32_t rw_limits_update(struct rw_limits *limits, int64_t gross, int64_t net,
                                        int64_t pnl) {
    const uint8_t *is = limits->state;
    uint32_t differs = is[0] ^ rw_limit_state_of(gross, limits->soft[0], limits->hard[0]);
    differs |= is[1] ^ rw_limit_state_of(rw_magnitude(net), limits->soft[1], limits->hard[1]);
    differs |= is[2] ^ rw_limit_state_of(-pnl, limits->soft[2], limits->hard[2]);
    if (differs == 0) return 0; /* hysteresis or not */
    uint32_t changed = rw_limits_step(limits, RW_MEASURE_GROSS - 1, gross) |
                       rw_limits_step(limits, RW_MEASURE_NET - 1, rw_magnitude(net)) |
                       rw_limits_step(limits, RW_MEASURE_LOSS - 1, -pnl);
    if (changed == 0) return 0;
    const uint8_t *state = limits->state;
    uint8_t worst = state[0] > state[1] ? state[0] : state[1];
    limits->worst = worst > state[2] ? worst : state[2];
    return changed;
}

/* rw_limit_bounds joins an owner's rows of one measure, read as above, into *bounds (absent:
 * INT64_MAX); whether there is one. */
bool rw_limit_bounds(const struct rw_image *image, enum rw_limit_scope scope, uint8_t measure,
                     uint32_t owner, uint32_t first, uint32_t count, struct rw_limit_row *bounds);

/* A limit on drawdown: how far realised + unrealised is below the highest it has been. */
struct rw_drawdown {
    int64_t peak, soft, hard;
    uint16_t release;
    uint8_t state;
    bool limited; /* there is such a limit */
    uint8_t reserved[4];
};

/* rw_drawdown_init reads the rows of one owner as rw_limits_init does. No P&L has been seen. */
void rw_drawdown_init(struct rw_drawdown *drawdown, const struct rw_image *image,
                      enum rw_limit_scope scope, uint32_t owner, uint32_t first, uint32_t count);

/* rw_drawdown_step takes the present P&L; returns whether the state changed. */
static inline bool rw_drawdown_step(struct rw_drawdown *drawdown, int64_t pnl) {
    int64_t fall;
    uint8_t before = drawdown->state;
    if (pnl > drawdown->peak) drawdown->peak = pnl;
    if (__builtin_sub_overflow(drawdown->peak, pnl, &fall)) fall = INT64_MAX - 1;
    drawdown->state =
        rw_limit_state_after(before, fall, drawdown->soft, drawdown->hard, drawdown->release);
    return drawdown->state != before;
}
