/* throttle_core: how far the leader's sequencer gives way so that a slow peer can catch up.
 *
 *   lag ≥ RW_THROTTLE_LAG, and within a window the peer has applied something, but has not gained
 *   1/16 of the lag (about a quarter a second): the share of time in which the sequencer works is
 *   halved, down to 1/16. A window in which it has gained keeps the share; below RW_THROTTLE_LAG it
 *   is doubled.
 *
 * A peer that applies nothing at all is clogged or gone: then less input would help nobody, and the
 * share goes back as well. Pure: time is an argument. One thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define RW_THROTTLE_LAG       65536u     /* entries: more than is on the way in ordinary times */
#define RW_THROTTLE_WINDOW_NS 250000000u /* a quarter of a second */
#define RW_THROTTLE_LEVEL_MAX 4u         /* the sequencer works in one of 2^4 slices of time */

struct rw_throttle {
    uint64_t lag_min;        /* 0 stands for RW_THROTTLE_LAG */
    uint64_t window_ends_ns; /* 0: none has begun */
    uint64_t lag, applied;   /* when it began */
    uint32_t level;          /* share of time: 1 / 2^level */
};

/* rw_throttle_step takes the end of the log and how far the peer has applied it; `may` is false
 * while this site does not lead or has no session with the peer. Returns the level. To be called
 * several times a window. */
static inline uint32_t rw_throttle_step(struct rw_throttle *throttle, bool may, uint64_t last,
                                        uint64_t applied, uint64_t now_ns) {
    uint64_t lag = last > applied ? last - applied : 0;
    uint64_t lag_min = throttle->lag_min ? throttle->lag_min : RW_THROTTLE_LAG;
    if (!may) {
        *throttle = (struct rw_throttle){.lag_min = lag_min};
        return 0;
    }
    if (throttle->window_ends_ns != 0 && now_ns < throttle->window_ends_ns) return throttle->level;
    if (throttle->window_ends_ns != 0) {
        bool far = lag >= lag_min && applied > throttle->applied;
        bool gains = lag < throttle->lag && throttle->lag - lag >= throttle->lag / 16;
        if (far && !gains && throttle->level < RW_THROTTLE_LEVEL_MAX) throttle->level++;
        if (!far && throttle->level > 0) throttle->level--;
    }
    throttle->window_ends_ns = now_ns + RW_THROTTLE_WINDOW_NS;
    throttle->lag = lag;
    throttle->applied = applied;
    return throttle->level;
}
