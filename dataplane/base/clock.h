/* Time. A clock is a struct, so tests and the simulator bring their own; stages never read one: the
 * runner reads it once per visit and passes `now_ns`. */
#pragma once

#include <stdint.h>

struct rw_clock {
    uint64_t (*now_ns)(const struct rw_clock *clock); /* monotonic */
    uint64_t tsc_base, ns_base;
    uint64_t ns_per_tick_q32; /* nanoseconds per TSC tick, 32.32 fixed point */
};

/* rw_clock_tsc returns a clock on the calibrated TSC, in step with CLOCK_MONOTONIC to about 1e-4;
 * falls back to CLOCK_MONOTONIC where the TSC is not constant. Calibrates for about 10 ms. Cold
 * path. */
struct rw_clock rw_clock_tsc(void);
static inline uint64_t rw_clock_now(const struct rw_clock *clock) { return clock->now_ns(clock); }
