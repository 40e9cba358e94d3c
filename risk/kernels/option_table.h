/* Options made ready for pricing: everything that does not depend on the spot is computed when the
 * terms, the vol or the rates change, so that a tick of the underlying costs one exponential.
 *
 *   terms ──rw_option_set──► columns (one double per option, sorted by underlying and expiry)
 *   spot ───rw_option_price──► price · delta · gamma · vega · theta · rho   for a range of them
 *
 * Formulas (S spot, K strike, r rate, q dividend yield, v vol, T years, s = +1 call, −1 put), all
 * continuously compounded; Black and Scholes 1973, Merton 1973, Black 1976 (spot = forward, q = r):
 *
 *   d1 = ln S · slope + offset     slope = 1/(v√T)    offset = ((r − q + v²/2)·T − ln K)·slope
 *   d2 = d1 − v√T                  φ(d2) = φ(d1) · S·e^(−qT) / (K·e^(−rT))
 *   price = s·(S·e^(−qT)·N(s·d1) − K·e^(−rT)·N(s·d2))
 *
 * American options: G. Barone-Adesi and R. Whaley, 1987: price = European + A·(S/Sc)^power until
 * the critical price Sc, then the intrinsic value. Sc does not depend on the spot and is cached.
 *
 * Units: vega per 1.00 of vol, theta = ∂V/∂t per year, rho per 1.00 of rate
 * (of a forward: −T·price).
 * The columns are doubles; what becomes a record is rounded once by the caller. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rw_option_style {
    RW_OPTION_EUROPEAN = 0,
    RW_OPTION_AMERICAN = 1, /* Barone-Adesi–Whaley */
    RW_OPTION_BLACK76 = 2,  /* on a forward, European */
};
enum rw_option_type { RW_OPTION_CALL = 0, RW_OPTION_PUT = 1 };

struct rw_option_terms {
    uint8_t style;   /* enum rw_option_style */
    uint8_t type;    /* enum rw_option_type */
    double strike;   /* ≥ 0, in the unit of the spot */
    double rate;     /* per year, −10..10 */
    double dividend; /* yield per year, −10..10; ignored for BLACK76 */
    double vol;      /* per √year, 0..1000; 0: the forward's intrinsic value */
    double years;    /* to expiry, 0..1000; 0: expiring now */
};

/* Why terms are refused, and rw_option_reason_text's sentence for it. */
enum rw_option_reason {
    RW_OPTION_FINE = 0,
    RW_OPTION_BAD_STYLE,
    RW_OPTION_BAD_STRIKE,
    RW_OPTION_BAD_RATE,
    RW_OPTION_BAD_DIVIDEND,
    RW_OPTION_BAD_VOL,
    RW_OPTION_EXPIRED, /* negative years */
    RW_OPTION_BAD_YEARS,
    RW_OPTION_BAD_SPOT,
    RW_OPTION_REASONS,
};
const char *rw_option_reason_text(enum rw_option_reason reason);

/* Lanes of the widest kernel; columns are padded to a multiple, so that a kernel may read past the
 * last option. */
#define RW_OPTION_LANES 8u
#define RW_OPTIONS_MAX  (1u << 20)

/* What a row holds, one column each. The last ten are there in an American table only. */
#define RW_OPTION_COLUMNS(X)                                                         \
    X(slope)       /* 1/(v√T) */                                                   \
    X(offset)      /* ((r − q + v²/2)·T − ln K)·slope */                      \
    X(deviation)   /* v√T; 0: the option is worth its forward's intrinsic value */ \
    X(strike_pv)   /* K·e^(−rT) */                                                \
    X(spot_factor) /* e^(−qT) */                                                   \
    X(sign)        /* +1 call, −1 put */                                           \
    X(rate)                                                                          \
    X(dividend)                                                                      \
    X(vol)                                                                           \
    X(years)                                                                         \
    X(forward_years) /* T on a forward, whose discount moves with r too; else 0 */
#define RW_OPTION_AMERICAN_COLUMNS(X)                                                      \
    X(strike)                                                                              \
    X(power)        /* of S/Sc */                                                          \
    X(log_critical) /* ln Sc */                                                            \
    X(amount)       /* A, the premium at Sc; 0: never exercised early */                   \
    X(vol_0)        /* ∂premium/∂v = premium·(vol_0 + vol_1·ln(S/Sc)); as is T, r */ \
    X(vol_1)                                                                               \
    X(years_0)                                                                             \
    X(years_1)                                                                             \
    X(rate_0)                                                                              \
    X(rate_1)

struct rw_option_table {
    uint32_t capacity;
    bool american;
#define X(name) double *name;
    RW_OPTION_COLUMNS(X)
    RW_OPTION_AMERICAN_COLUMNS(X)
#undef X
};

/* Where results go: columns of at least `count` doubles, the caller's. */
struct rw_option_values {
    double *price, *delta, *gamma, *vega, *theta, *rho;
};

/* rw_option_table_footprint returns the bytes for a table of 1..RW_OPTIONS_MAX options. */
size_t rw_option_table_footprint(uint32_t capacity, bool american);
/* rw_option_table_init lays the columns out in `memory` (footprint bytes, 64-byte aligned, the
 * caller's, which outlives the table) and zeroes them. */
void rw_option_table_init(struct rw_option_table *table, void *memory, uint32_t capacity,
                          bool american);
/* rw_option_set makes row `index` < capacity ready. American style needs an American table; there
 * European rows may stand too. RW_OPTION_FINE, or why the terms are refused; the row is then as it
 * was. About 0.2 µs; 3 µs for an American row, whose critical price is solved for. */
enum rw_option_reason rw_option_set(struct rw_option_table *table, uint32_t index,
                                    const struct rw_option_terms *terms);
/* rw_option_check is the judgement of rw_option_set alone. */
enum rw_option_reason rw_option_check(const struct rw_option_terms *terms);
