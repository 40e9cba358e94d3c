/* The risk stage: one shard between its input links and merge.
 *
 *   in[0]  enrich, in[1]  repl     64-byte slots of rw_entry; either may be absent (NULL)
 *   out[0] merge                   128-byte slots: struct rw_result (no number), rw_risk_addend
 *
 * The inputs exclude one another by role, but not at one instant: the stage takes the next expected
 * sequence from whichever link holds it and drops what it has had, so a change of role needs no
 * hand-over. It emits at most RW_RISK_FAN_OUT messages per unit of budget and keeps a cursor for
 * the rest. done[instance] is stored at the end of every visit that completed an entry. */
#pragma once

#include "dataplane/stage/stage.h"
#include "risk/risk_core.h"

/* The fan_out of risk → merge in the topology. */
#define RW_RISK_FAN_OUT 16u

struct rw_risk_stage_cfg {
    const struct rw_image *image;
    uint32_t positions_max, fills_max; /* see struct rw_risk_cfg; 0 = default */
    uint32_t channels;                 /* likewise */
    struct rw_bar_cfg bars;            /* likewise; counters come from the stage */
};

/* The instance and the number of shards come from the environment and from plan's arguments. */
extern const struct rw_stage_type rw_risk_stage_type;
