#include "dataplane/base/clock.h"

#include <cpuid.h>
#include <stdbool.h>
#include <time.h>
#include <x86intrin.h>

#define CALIBRATION_NS 10000000ull
#define READINGS       16

static uint64_t monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static uint64_t now_monotonic(const struct rw_clock *clock) { return monotonic_ns(); }

static uint64_t now_tsc(const struct rw_clock *clock) {
    uint64_t ticks = __rdtsc() - clock->tsc_base;
    /* Another core's counter may be a few ticks behind the one the base was read on. */
    if ((int64_t)ticks < 0) ticks = 0;
    return clock->ns_base + (uint64_t)((unsigned __int128)ticks * clock->ns_per_tick_q32 >> 32);
}

static bool tsc_is_constant(void) {
    unsigned a, b, c, d;
    return __get_cpuid(0x80000007u, &a, &b, &c, &d) && (d & 1u << 8);
}

/* One (TSC, ns) pair: the tightest of several readings, so that an interruption in between is not
 * taken for a slow clock. */
static void read_pair(uint64_t *tsc, uint64_t *ns) {
    uint64_t best = UINT64_MAX;
    for (int i = 0; i < READINGS; i++) {
        uint64_t before = __rdtsc(), now = monotonic_ns(), after = __rdtsc();
        if (after - before >= best) continue;
        best = after - before;
        *tsc = before + best / 2;
        *ns = now;
    }
}

struct rw_clock rw_clock_tsc(void) {
    struct rw_clock clock = {.now_ns = now_monotonic};
    if (!tsc_is_constant()) return clock;
    uint64_t tsc_end = 0, ns_end = 0;
    read_pair(&clock.tsc_base, &clock.ns_base);
    nanosleep(&(struct timespec){.tv_nsec = CALIBRATION_NS}, NULL);
    read_pair(&tsc_end, &ns_end);
    uint64_t ticks = tsc_end - clock.tsc_base, ns = ns_end - clock.ns_base;
    if (tsc_end <= clock.tsc_base || ns_end <= clock.ns_base) return clock;
    clock.ns_per_tick_q32 = (uint64_t)(((unsigned __int128)ns << 32) / ticks);
    clock.now_ns = now_tsc;
    return clock;
}
