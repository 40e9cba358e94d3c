#include "risk/kernels/american.h"

#include "risk/kernels/european.h"

#define STEPS_MAX       128
#define DOUBLINGS_MAX   512
#define TOLERANCE       1e-14
#define NEVER_LOG       1e6 /* beyond the logarithm of any spot */
#define DEVIATION_LEAST 1e-8

/* What the equation for Sc is made of. */
struct critical {
    struct rw_european option; /* spot is the trial */
    double power;
    double spot_factor; /* e^(−qT) */
};

static double sign_of(const struct rw_option_terms *terms) {
    return terms->type == RW_OPTION_CALL ? 1 : -1;
}

static struct rw_american_point never(double sign) {
    return (struct rw_american_point){sign, sign * NEVER_LOG, 0};
}

void rw_american_never(const struct rw_option_terms *terms, struct rw_american *american) {
    *american = (struct rw_american){.at = never(sign_of(terms))};
}

/* gap is what holding is worth more than exercising at a trial price; it falls through 0 at Sc.
 * *slope receives its derivative. */
static double gap(struct critical *critical, double spot, double *slope) {
    struct rw_european *o = &critical->option;
    o->spot = spot;
    struct rw_european_values value = rw_european_value(o);
    double s = o->sign, p = critical->power;
    double density = rw_normal_density(value.d1) / (o->vol * rw_root(o->years));
    *slope = s * (value.weight * (1 - 1 / p) - 1) + (s - critical->spot_factor * density) / p;
    return value.price + s * (1 - value.weight) * spot / p - s * (spot - o->strike);
}

/* bracket widens away from the strike until exercising pays; false when it never does. */
static bool bracket(struct critical *critical, double *near, double *far) {
    double slope;
    *near = *far = critical->option.strike;
    for (int i = 0; i < DOUBLINGS_MAX; i++) {
        *near = *far;
        *far = critical->option.sign > 0 ? *far * 2 : *far / 2;
        if (gap(critical, *far, &slope) < 0) return true;
    }
    return false;
}

static bool solve(struct critical *critical, double *root) {
    double near, far, slope;
    if (!bracket(critical, &near, &far)) return false;
    double at = 0.5 * (near + far);
    for (int i = 0; i < STEPS_MAX; i++) {
        double value = gap(critical, at, &slope);
        if (value > 0)
            near = at;
        else
            far = at;
        double next = at - value / slope, low = near < far ? near : far;
        double high = near < far ? far : near;
        if (!(next > low && next < high)) next = 0.5 * (near + far);
        double moved = __builtin_fabs(next - at);
        at = next;
        if (moved <= TOLERANCE * at || high - low <= TOLERANCE * at) break;
    }
    *root = at;
    return true;
}

/* Without deviation: now when that is worth more than at expiry. */
static struct rw_american_point certain(const struct rw_option_terms *terms, double sign) {
    double interest = -rw_expm1(-terms->rate * terms->years);
    double paid = -rw_expm1(-terms->dividend * terms->years);
    double critical = terms->strike;
    bool call = sign > 0;
    if (terms->years > 0 && call && paid <= 0 && interest >= 0) return never(sign);
    if (terms->years > 0 && !call && interest <= 0 && paid >= 0) return never(sign);
    if (paid > 0 && (call ? interest > paid : interest < paid)) critical *= interest / paid;
    if (critical < 1e-300) critical = 1e-300;
    return (struct rw_american_point){sign, rw_log(critical), 0};
}

struct rw_american_point rw_american_point_of(const struct rw_option_terms *terms) {
    double sign = sign_of(terms), variance = terms->vol * terms->vol;
    double rate = terms->rate, years = terms->years;
    if (terms->strike < 1e-300) return never(sign);
    if (terms->vol * rw_root(years) < DEVIATION_LEAST) return certain(terms, sign);
    if (sign > 0 ? terms->dividend <= 0 : rate <= 0) return never(sign);
    double n = 2 * (rate - terms->dividend) / variance, interest = -rw_expm1(-rate * years);
    double limit = 2 / (variance * years);
    double ratio = __builtin_fabs(rate * years) < 1e-10 ? limit : 2 * rate / (variance * interest);
    double root = rw_root((n - 1) * (n - 1) + 4 * ratio);
    struct critical critical = {
        .option = {sign, 0, terms->strike, rate, terms->dividend, terms->vol, years},
        .power = 0.5 * (1 - n + sign * root),
        .spot_factor = rw_exp(-terms->dividend * years)};
    double spot;
    if (!solve(&critical, &spot)) return never(sign);
    critical.option.spot = spot;
    double weight = rw_european_value(&critical.option).weight;
    return (struct rw_american_point){critical.power, rw_log(spot),
                                      sign * spot / critical.power * (1 - weight)};
}

/* The derivative of ln premium with respect to what differs between the two, `step` apart. */
static struct rw_american_move move_of(const struct rw_american_point *at,
                                       const struct rw_option_terms *low,
                                       const struct rw_option_terms *high, double step) {
    struct rw_american_point below = rw_american_point_of(low), above = rw_american_point_of(high);
    if (!(at->amount > 0 && below.amount > 0 && above.amount > 0))
        return (struct rw_american_move){0, 0};
    double amount = (rw_log(above.amount) - rw_log(below.amount)) / step;
    double critical = (above.log_critical - below.log_critical) / step;
    double power = (above.power - below.power) / step;
    return (struct rw_american_move){amount - at->power * critical, power};
}

void rw_american_solve(const struct rw_option_terms *terms, struct rw_american *american) {
    *american = (struct rw_american){.at = rw_american_point_of(terms)};
    if (!(american->at.amount > 0)) return;
    struct rw_option_terms low = *terms, high = *terms;
    double step = 1e-4 * terms->vol;
    low.vol -= step, high.vol += step;
    american->vol = move_of(&american->at, &low, &high, 2 * step);
    low = high = *terms;
    step = 1e-4 * terms->years;
    low.years -= step, high.years += step;
    american->years = move_of(&american->at, &low, &high, 2 * step);
    low = high = *terms;
    step = 1e-6;
    low.rate -= step, high.rate += step;
    american->rate = move_of(&american->at, &low, &high, 2 * step);
}
