/* The pricing kernel, written once and compiled for each width: the file that includes this has
 * included one of lanes_*.h and defined the two names. Every operation is one IEEE operation or one
 * SLEEF function on each lane by itself, in the same order at every width, so scalar, AVX2 and
 * AVX-512 give the same bits. */
#pragma once

#include <string.h>

#include "risk/kernels/normal.h"
#include "risk/kernels/option_kernel.h"
#include "risk/kernels/option_table.h"

struct spot {
    lanes price, log, inverse, square;
};

struct values {
    lanes price, delta, gamma, vega, theta, rho;
};

/* N(−x) for x ≥ 0 and e = exp(−x²/2); the same steps as rw_normal_tail. */
static inline lanes tail(lanes x, lanes e) {
    static const double p[] = RW_NORMAL_P, q[] = RW_NORMAL_Q;
    lanes above = lanes_all(p[0]), below = lanes_all(q[0]);
    for (int k = 1; k < 7; k++) above = lanes_fma(above, x, lanes_all(p[k]));
    for (int k = 1; k < 8; k++) below = lanes_fma(below, x, lanes_all(q[k]));
    lanes near = lanes_div(lanes_mul(e, above), below);
    lane_mask far = lanes_above(x, lanes_all(RW_NORMAL_SWITCH));
    if (__builtin_expect(!lanes_any(far), 1)) return near;
    lanes fraction = lanes_add(x, lanes_all(0.65));
    for (int k = 4; k >= 1; k--) fraction = lanes_add(x, lanes_div(lanes_all(k), fraction));
    lanes beyond = lanes_div(lanes_mul(e, lanes_all(RW_INVERSE_ROOT_TWOPI)), fraction);
    return lanes_pick(far, beyond, near);
}

/* N(s·d) for s = ±1, from the tail beyond |d|. */
static inline lanes side(lanes sign, lanes d, lanes beyond) {
    lane_mask inside = lanes_above(lanes_mul(sign, d), lanes_all(0));
    return lanes_pick(inside, lanes_sub(lanes_all(1), beyond), beyond);
}

static inline struct values european(const struct rw_option_table *t, size_t i,
                                     const struct spot *spot) {
    lanes slope = lanes_load(t->slope + i), deviation = lanes_load(t->deviation + i);
    lanes strike_pv = lanes_load(t->strike_pv + i), sign = lanes_load(t->sign + i);
    lanes factor = lanes_load(t->spot_factor + i), vol = lanes_load(t->vol + i);
    lanes years = lanes_load(t->years + i), zero = lanes_all(0);
    lanes d1 = lanes_fma(spot->log, slope, lanes_load(t->offset + i));
    lanes d2 = lanes_sub(d1, deviation);
    lanes spot_pv = lanes_mul(spot->price, factor);
    lanes e1 = lanes_exp(lanes_mul(lanes_mul(d1, d1), lanes_all(-0.5)));
    lanes e2 = lanes_mul(e1, lanes_div(spot_pv, strike_pv));
    lanes held = lanes_mul(spot_pv, side(sign, d1, tail(lanes_abs(d1), e1)));
    lanes owed = lanes_mul(strike_pv, side(sign, d2, tail(lanes_abs(d2), e2)));
    lanes steep = lanes_pick(lanes_above(deviation, zero), slope, zero);
    lanes density = lanes_mul(e1, lanes_all(RW_INVERSE_ROOT_TWOPI));
    struct values v;
    v.price = lanes_max(lanes_mul(sign, lanes_sub(held, owed)), zero);
    v.delta = lanes_mul(sign, lanes_mul(held, spot->inverse));
    v.gamma = lanes_mul(lanes_mul(lanes_mul(factor, density), steep), spot->inverse);
    lanes convexity = lanes_mul(lanes_mul(v.gamma, spot->square), vol); /* γ·S²·v */
    v.vega = lanes_mul(convexity, years);
    lanes carry = lanes_sub(lanes_mul(lanes_load(t->dividend + i), held),
                            lanes_mul(lanes_load(t->rate + i), owed));
    v.theta = lanes_fma(sign, carry, lanes_mul(lanes_mul(convexity, vol), lanes_all(-0.5)));
    lanes discounting = lanes_mul(lanes_load(t->forward_years + i), held);
    v.rho = lanes_mul(sign, lanes_sub(lanes_mul(years, owed), discounting));
    return v;
}

/* Adds the early-exercise premium; beyond the critical price the option is worth its intrinsic
 * value and moves with the spot alone. */
static inline void exercise(const struct rw_option_table *t, size_t i, const struct spot *spot,
                            struct values *v) {
    lanes sign = lanes_load(t->sign + i), power = lanes_load(t->power + i), zero = lanes_all(0);
    lanes distance = lanes_sub(spot->log, lanes_load(t->log_critical + i));
    lanes premium = lanes_mul(lanes_load(t->amount + i), lanes_exp(lanes_mul(power, distance)));
    lanes slope = lanes_mul(lanes_mul(premium, power), spot->inverse);
    lanes bend = lanes_mul(lanes_mul(slope, lanes_sub(power, lanes_all(1))), spot->inverse);
#define MOVE(p) \
    lanes_mul(premium, lanes_fma(lanes_load(t->p##_1 + i), distance, lanes_load(t->p##_0 + i)))
    lanes intrinsic = lanes_mul(sign, lanes_sub(spot->price, lanes_load(t->strike + i)));
    lane_mask exercised = lanes_above(lanes_mul(sign, distance), zero);
    v->price = lanes_pick(exercised, intrinsic, lanes_add(v->price, premium));
    v->delta = lanes_pick(exercised, sign, lanes_add(v->delta, slope));
    v->gamma = lanes_pick(exercised, zero, lanes_add(v->gamma, bend));
    v->vega = lanes_pick(exercised, zero, lanes_add(v->vega, MOVE(vol)));
    v->theta = lanes_pick(exercised, zero, lanes_sub(v->theta, MOVE(years)));
    v->rho = lanes_pick(exercised, zero, lanes_add(v->rho, MOVE(rate)));
#undef MOVE
}

static inline void store(const struct rw_option_values *out, size_t at, const struct values *v) {
    lanes_store(out->price + at, v->price);
    lanes_store(out->delta + at, v->delta);
    lanes_store(out->gamma + at, v->gamma);
    lanes_store(out->vega + at, v->vega);
    lanes_store(out->theta + at, v->theta);
    lanes_store(out->rho + at, v->rho);
}

/* The last options, fewer than lanes: computed whole, stored in part. */
static void store_part(const struct rw_option_values *out, size_t at, const struct values *v,
                       size_t count) {
    double whole[6][LANES],
        *to[] = {out->price, out->delta, out->gamma, out->vega, out->theta, out->rho};
    struct rw_option_values part = {whole[0], whole[1], whole[2], whole[3], whole[4], whole[5]};
    store(&part, 0, v);
    for (int k = 0; k < 6; k++) memcpy(to[k] + at, whole[k], count * sizeof(double));
}

void PRICE_NAME(const struct rw_option_table *table, uint32_t first, uint32_t count, double price,
                const struct rw_option_values *out) {
    double least = price > RW_SPOT_LEAST ? price : RW_SPOT_LEAST;
    struct spot spot = {lanes_all(price), lanes_all(rw_log(least)), lanes_all(1.0 / least),
                        lanes_all(price * price)};
    for (size_t i = 0; i < count; i += LANES) {
        struct values v = european(table, first + i, &spot);
        if (table->american) exercise(table, first + i, &spot, &v);
        if (i + LANES <= count)
            store(out, i, &v);
        else
            store_part(out, i, &v, count - i);
    }
}

/* One Halley step of a deviation toward the price; x = ln(F/K). The price has the derivatives
 * b' = S·e^(−qT)·φ(d1) and b''/b' = x²/σ³ − σ/4 in σ = v√T. */
static inline lanes halley(lanes deviation, lanes x, lanes spot_pv, lanes strike_pv, lanes sign,
                           lanes price) {
    lanes d1 = lanes_fma(deviation, lanes_all(0.5), lanes_div(x, deviation));
    lanes d2 = lanes_sub(d1, deviation);
    lanes e1 = lanes_exp(lanes_mul(lanes_mul(d1, d1), lanes_all(-0.5)));
    lanes e2 = lanes_mul(e1, lanes_div(spot_pv, strike_pv));
    lanes held = lanes_mul(spot_pv, side(sign, d1, tail(lanes_abs(d1), e1)));
    lanes owed = lanes_mul(strike_pv, side(sign, d2, tail(lanes_abs(d2), e2)));
    lanes first = lanes_mul(lanes_mul(spot_pv, e1), lanes_all(RW_INVERSE_ROOT_TWOPI));
    lanes missing = lanes_sub(price, lanes_mul(sign, lanes_sub(held, owed)));
    lanes cubed = lanes_mul(lanes_mul(deviation, deviation), deviation);
    lanes bend =
        lanes_sub(lanes_div(lanes_mul(x, x), cubed), lanes_mul(deviation, lanes_all(0.25)));
    lanes newton = lanes_div(missing, first);
    lanes damped = lanes_fma(lanes_mul(newton, bend), lanes_all(0.5), lanes_all(1));
    lanes next = lanes_add(deviation, lanes_div(newton, lanes_max(damped, lanes_all(0.25))));
    next = lanes_max(next, lanes_mul(deviation, lanes_all(0.25)));
    lanes most = lanes_mul(deviation, lanes_all(4));
    next = lanes_pick(lanes_above(next, most), most, next);
    return lanes_pick(lanes_above(first, lanes_mul(spot_pv, lanes_all(1e-100))), next, deviation);
}

void IMPLIED_NAME(const struct rw_option_table *table, uint32_t first, uint32_t count, double price,
                  const double *wanted, double *vol) {
    double least = price > RW_SPOT_LEAST ? price : RW_SPOT_LEAST;
    lanes log = lanes_all(rw_log(least));
    for (size_t i = 0; i < count; i += LANES) {
        size_t row = first + i, there = count - i < LANES ? count - i : LANES;
        double part[LANES] = {0};
        memcpy(part, wanted + i, there * sizeof(double));
        lanes target = lanes_load(part), now = lanes_load(table->vol + row);
        lanes held = lanes_load(table->deviation + row), zero = lanes_all(0);
        lane_mask usable = lanes_above(held, zero);
        lanes deviation = lanes_pick(usable, held, lanes_all(1));
        lanes d1 = lanes_fma(log, lanes_load(table->slope + row), lanes_load(table->offset + row));
        lanes x = lanes_mul(deviation, lanes_fma(deviation, lanes_all(-0.5), d1));
        lanes spot_pv = lanes_mul(lanes_all(price), lanes_load(table->spot_factor + row));
        lanes strike_pv = lanes_load(table->strike_pv + row);
        lanes sign = lanes_load(table->sign + row), start = deviation;
        for (int step = 0; step < RW_IMPLIED_STEPS; step++)
            deviation = halley(deviation, x, spot_pv, strike_pv, sign, target);
        lanes found = lanes_mul(now, lanes_div(deviation, start));
        lanes_store(part, lanes_pick(usable, found, now));
        memcpy(vol + i, part, there * sizeof(double));
    }
}
