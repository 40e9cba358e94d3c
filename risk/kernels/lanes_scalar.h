/* One option at a time: the lanes of price_lanes.h without vector registers. See there. */
#pragma once

#include <math.h> /* fma and fabs are instructions here, not calls */
#include <sleef.h>
#include <stdbool.h>

#define LANES 1
typedef double lanes;
typedef bool lane_mask;

static inline lanes lanes_all(double value) { return value; }
static inline lanes lanes_load(const double *from) { return *from; }
static inline void lanes_store(double *to, lanes value) { *to = value; }
static inline lanes lanes_add(lanes a, lanes b) { return a + b; }
static inline lanes lanes_sub(lanes a, lanes b) { return a - b; }
static inline lanes lanes_mul(lanes a, lanes b) { return a * b; }
static inline lanes lanes_div(lanes a, lanes b) { return a / b; }
static inline lanes lanes_fma(lanes a, lanes b, lanes c) { return __builtin_fma(a, b, c); }
static inline lanes lanes_abs(lanes a) { return __builtin_fabs(a); }
static inline lanes lanes_max(lanes a, lanes b) { return a > b ? a : b; }
static inline lane_mask lanes_above(lanes a, lanes b) { return a > b; }
static inline bool lanes_any(lane_mask mask) { return mask; }
static inline lanes lanes_pick(lane_mask mask, lanes yes, lanes no) { return mask ? yes : no; }
static inline lanes lanes_exp(lanes a) { return Sleef_finz_expd1_u10purecfma(a); }
