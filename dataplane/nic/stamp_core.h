/* stamp_core: the clock with which a device stamps packets, set against this host's monotonic
 * clock. Pure: both times are arguments.
 *
 *   taken by rx − stamp  =  offset of the clocks  +  how long the packet waited (never < 0)
 *
 *   ns │ ·  :  ·    :      ·        the smallest difference of each second is (nearly) the offset;
 *      │ · ·.· · .: · ·: .·         a line under the last 16 of them is the drift, and the lowest
 *      │ ___·_____·____·____        of them, moved along that line, the offset of any moment
 *      └───────────────────── s
 *
 * So a packet's arrival in the host's time is stamp + offset. It is not later than `now`, and a
 * packet that waited least counts as not having waited: what the wire and the device always need is
 * not seen. Until eight seconds have shown packets, when none came for half a minute, and after a
 * step of the device's clock, the arrival is `now`: the host's clock alone, as without stamps. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/stats/stats.h"

#define RW_STAMP_WINDOWS 16u

/* Gauges of a live port; a signed value has a row for each sign. */
#define RW_STAMP_GAUGES(X)                                                                         \
    X(stamp_used, "bool", "arrival times come from the device's stamps, else from the TSC")        \
    X(stamp_ahead_ns, "ns", "the device's clock minus the host's monotonic clock, where positive") \
    X(stamp_behind_ns, "ns", "the host's monotonic clock minus the device's, where positive")      \
    X(stamp_gains_ppb, "ppb", "drift: the device's clock is faster than the TSC by this")          \
    X(stamp_loses_ppb, "ppb", "drift: the device's clock is slower than the TSC by this")          \
    X(stamp_windows, "windows", "seconds of packets that the drift is taken from, at most 16")     \
    X(stamp_steps, "steps", "times the two clocks came apart at once; the TSC serves meanwhile")
RW_STATS_STRUCT(rw_stamp_gauges, RW_STAMP_GAUGES);

/* The least difference of one window: host − device, and when. */
struct rw_stamp_point {
    uint64_t at_ns;
    int64_t offset_ns;
};

struct rw_stamp_core {
    struct rw_stamp_gauges *gauges;
    struct rw_stamp_point window; /* of the running one */
    uint64_t window_until_ns;     /* 0 = none is running */
    struct rw_stamp_point point[RW_STAMP_WINDOWS];
    uint32_t count, next; /* of points; a ring */
    bool used;
    struct rw_stamp_point lowest; /* seen along the drift */
    int64_t drift_ppb;            /* of the offset: > 0, the device loses */
};

/* rw_stamp_init begins without an estimate. `gauges` (zeroed) outlives the core. */
void rw_stamp_init(struct rw_stamp_core *core, struct rw_stamp_gauges *gauges);
/* rw_stamp_arrival takes a packet's stamp (ns of the device's clock) and the host's time at which
 * it was taken, which never falls, and returns its arrival in the host's time, ≤ now_ns. */
uint64_t rw_stamp_arrival(struct rw_stamp_core *core, uint64_t stamp_ns, uint64_t now_ns);
