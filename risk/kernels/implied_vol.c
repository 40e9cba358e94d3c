#include "risk/kernels/implied_vol.h"

#include "risk/kernels/american.h"
#include "risk/kernels/european.h"

#define STEPS_MAX         128
#define TOLERANCE         4e-16
#define DEVIATION_MOST    80.0 /* of a normalised price one bit below its greatest: 17 */
#define AMERICAN_VOL_MOST 100.0

/* A normalised price: a call on a forward of e^(x/2) struck at e^(−x/2), x ≤ 0. */
struct normal {
    double x;
    double most; /* e^(x/2), what the price tends to */
};

/* What is known of b(σ): its logarithm below the inflection, else the room left above it. */
struct trial {
    double log, room;
    double relative; /* b′/b below, b′/room above */
};

/* R(a) = N(−a)·exp(a²/2), a ≥ 0: the tail without its exponential. */
static double mills(double a) { return rw_normal_tail(a, 1.0); }

/* Below: h + t < 0. Both tails carry exp(−(h² + t²)/2): taken out, so that nothing underflows. */
static struct trial below_at(const struct normal *of, double deviation) {
    double h = of->x / deviation, t = 0.5 * deviation;
    double difference = mills(-h - t) - mills(t - h);
    if (!(difference > 0)) difference = 1e-320;
    return (struct trial){.log = rw_log(difference) - 0.5 * (h * h + t * t),
                          .relative = RW_INVERSE_ROOT_TWOPI / difference};
}

static struct trial above_at(const struct normal *of, double deviation) {
    double h = of->x / deviation, t = 0.5 * deviation;
    double common = rw_exp(-0.5 * (h * h + t * t));
    double room = common * (mills(h + t) + mills(t - h));
    return (struct trial){.room = room, .relative = common * RW_INVERSE_ROOT_TWOPI / room};
}

/* One Halley step for an objective g with g/g′ and g″/g′. */
static double step_of(double ratio, double bend) {
    double damped = 1 - 0.5 * ratio * bend;
    return -ratio / (damped > 0.25 ? damped : 0.25);
}

static double kept(double next, double low, double high) {
    return next > low && next < high ? next : 0.5 * (low + high);
}

/* Solves 1/ln b(σ) = 1/ln β on (0, √(2|x|)). */
static double solve_below(const struct normal *of, double beta) {
    double wanted = rw_log(beta), low = 0, high = rw_root(-2 * of->x);
    double at = kept(-of->x / rw_root(-2 * wanted), low, high);
    for (int i = 0; i < STEPS_MAX; i++) {
        struct trial b = below_at(of, at);
        if (b.log < wanted)
            low = at;
        else
            high = at;
        double ratio = (1 / b.log - 1 / wanted) * b.log * b.log / -b.relative;
        double curve = of->x * of->x / (at * at * at) - 0.25 * at;
        double next = kept(at + step_of(ratio, curve - b.relative * (1 + 2 / b.log)), low, high);
        double moved = __builtin_fabs(next - at);
        at = next;
        if (moved <= TOLERANCE * at) break;
    }
    return at;
}

/* Solves ln room(σ) = ln(b_max − β) above the inflection. */
static double solve_above(const struct normal *of, double beta, double start, double slope,
                          double there) {
    double wanted = rw_log(of->most - beta), low = start, high = DEVIATION_MOST;
    double at = kept(start + (beta - there) / slope, low, high);
    for (int i = 0; i < STEPS_MAX; i++) {
        struct trial b = above_at(of, at);
        double log = rw_log(b.room);
        if (log > wanted)
            low = at;
        else
            high = at;
        double curve = of->x * of->x / (at * at * at) - 0.25 * at;
        double next =
            kept(at + step_of((wanted - log) / b.relative, curve + b.relative), low, high);
        double moved = __builtin_fabs(next - at);
        at = next;
        if (moved <= TOLERANCE * at) break;
    }
    return at;
}

static double deviation_of(double x, double beta) {
    struct normal of = {.x = x, .most = rw_exp(0.5 * x)};
    double inflection = rw_root(-2 * x), height = 0, slope = RW_INVERSE_ROOT_TWOPI;
    if (inflection > 0) {
        double tail = rw_exp(-0.5 * x) * rw_normal_cdf(-inflection);
        height = 0.5 * of.most - tail;
        slope = RW_INVERSE_ROOT_TWOPI * rw_exp(0.5 * x);
        if (beta < height) return solve_below(&of, beta);
    }
    return solve_above(&of, beta, inflection, slope, height);
}

static enum rw_implied_reason european(const struct rw_option_terms *terms, double spot,
                                       double price, double *vol) {
    double dividend = terms->style == RW_OPTION_BLACK76 ? terms->rate : terms->dividend;
    double spot_pv = spot * rw_exp(-dividend * terms->years);
    double strike_pv = terms->strike * rw_exp(-terms->rate * terms->years);
    double sign = terms->type == RW_OPTION_CALL ? 1 : -1, intrinsic = sign * (spot_pv - strike_pv);
    double extra = intrinsic > 0 ? price - intrinsic : price; /* the out-of-the-money twin */
    double unit = rw_root(spot_pv * strike_pv);
    double least = spot_pv < strike_pv ? spot_pv : strike_pv;
    if (extra < 0) return RW_IMPLIED_TOO_LOW;
    if (extra >= least) return RW_IMPLIED_TOO_HIGH;
    *vol = 0;
    if (extra == 0) return RW_IMPLIED_FINE;
    double x = -__builtin_fabs(rw_log(spot_pv / strike_pv));
    *vol = deviation_of(x, extra / unit) / rw_root(terms->years);
    return RW_IMPLIED_FINE;
}

static double american_price(const struct rw_option_terms *terms, double spot, double vol) {
    struct rw_option_terms with = *terms;
    with.vol = vol;
    double sign = terms->type == RW_OPTION_CALL ? 1 : -1;
    struct rw_american_point at = rw_american_point_of(&with);
    double distance = rw_log(spot) - at.log_critical;
    if (sign * distance > 0) return sign * (spot - terms->strike);
    struct rw_european o = {sign, spot,        terms->strike, terms->rate, terms->dividend,
                            vol,  terms->years};
    return rw_european_value(&o).price + at.amount * rw_exp(at.power * distance);
}

/* Regula falsi with the Illinois rule: the price rises with the vol. */
static enum rw_implied_reason american(const struct rw_option_terms *terms, double spot,
                                       double price, double *vol) {
    double low = 1e-6, high = AMERICAN_VOL_MOST;
    double below = american_price(terms, spot, low) - price;
    double above = american_price(terms, spot, high) - price;
    if (below > 1e-12 * spot) return RW_IMPLIED_TOO_LOW;
    if (above < 0) return RW_IMPLIED_TOO_HIGH;
    double at = low;
    int side = 0;
    for (int i = 0; i < STEPS_MAX && high - low > 1e-14 * high; i++) {
        at = i % 3 == 2 ? 0.5 * (low + high)
                        : kept((low * above - high * below) / (above - below), low, high);
        double here = american_price(terms, spot, at) - price;
        if (__builtin_fabs(here) <= 1e-13 * spot) break;
        if (here < 0) {
            low = at, below = here;
            if (side == -1) above *= 0.5;
            side = -1;
        } else {
            high = at, above = here;
            if (side == 1) below *= 0.5;
            side = 1;
        }
    }
    *vol = at;
    return RW_IMPLIED_FINE;
}

enum rw_implied_reason rw_implied_vol(const struct rw_option_terms *terms, double spot,
                                      double price, double *vol) {
    struct rw_option_terms checked = *terms;
    checked.vol = 0;
    if (rw_option_check(&checked)) return RW_IMPLIED_BAD_TERMS;
    if (!(spot >= 0 && spot <= 1e15)) return RW_IMPLIED_BAD_TERMS;
    if (!(price >= 0 && price <= 1e15)) return RW_IMPLIED_BAD_PRICE;
    if (terms->years == 0 || spot == 0 || terms->strike == 0) return RW_IMPLIED_NO_TIME;
    return terms->style == RW_OPTION_AMERICAN ? american(terms, spot, price, vol)
                                              : european(terms, spot, price, vol);
}

const char *rw_implied_reason_text(enum rw_implied_reason reason) {
    static const char *const text[RW_IMPLIED_REASONS] = {
        [RW_IMPLIED_FINE] = "fine",
        [RW_IMPLIED_BAD_TERMS] = "terms or spot are out of range",
        [RW_IMPLIED_BAD_PRICE] = "price is not a number from 0 to 1e15",
        [RW_IMPLIED_TOO_LOW] = "no vol: the price is below the intrinsic value",
        [RW_IMPLIED_TOO_HIGH] = "no vol: the price is above what any vol gives",
        [RW_IMPLIED_NO_TIME] = "no vol: nothing is left that a vol could move",
    };
    return reason < RW_IMPLIED_REASONS ? text[reason] : "unknown";
}
