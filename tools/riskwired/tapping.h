/* The taps of a site: one for each port, one for each link that a stage writes. `riskwire capture`
 * reads them from <run_dir>/<site>/taps. */
#pragma once

#include "dataplane/link/tap.h"
#include "dataplane/topology/topology.h"
#include "tools/riskwired/config.h"

struct rw_tapping {
    struct rw_taps taps;
    struct rw_taps_cfg cfg; /* count 0: no taps are wanted */
    char path[512];
};

/* rw_tapping_plan decides which taps there are and adds their memory to the plan. Pure. 0, or
 * -EINVAL with an error that names the key. */
int rw_tapping_plan(struct rw_tapping *tapping, const struct rw_config *config,
                    const struct rw_topology *topology, struct rw_plan *plan);
/* rw_tapping_make makes what was planned, before the ports are opened. 0 or -errno with an
 * error. */
int rw_tapping_make(struct rw_tapping *tapping, const struct rw_clock *clock);
/* rw_tapping_taps returns the taps for the stages; NULL when none are wanted. */
struct rw_taps *rw_tapping_taps(struct rw_tapping *tapping);
/* rw_tapping_tick tells readers anew how the site's clock stands to Unix time. Cold thread. */
void rw_tapping_tick(struct rw_tapping *tapping, const struct rw_clock *clock);
/* rw_tapping_end tells readers that the site has stopped, and removes the file. */
void rw_tapping_end(struct rw_tapping *tapping);
