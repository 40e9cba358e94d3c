/* The merge stage: the shards' links in, one link of numbered results out.
 *
 *   in[k]  risk[k], 128-byte slots       out[0]  deliver, 128-byte slots: rw_result, rw_result_end
 *
 * For the present input n it drains shard 0, then 1, …; it leaves a shard when done[k] ≥ n was seen
 * *before* the link was found without a message of n. It streams: a shard that emits more for one
 * input than its link holds is drained while it works. Per complete n it writes watermarks.hash(n),
 * and at the end of the visit, after the push, watermarks.applied. Emits at most RW_MERGE_FAN_OUT
 * messages per unit of budget. */
#pragma once

#include "dataplane/stage/stage.h"
#include "risk/merge_core.h"

/* The fan_out of merge → deliver in the topology. */
#define RW_MERGE_FAN_OUT 16u

struct rw_merge_stage_cfg {
    const struct rw_image *image;
};

extern const struct rw_stage_type rw_merge_stage_type;
