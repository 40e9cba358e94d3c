/* The feed stage: frames of one channel from rx, entries to enrich. feed_core does the work; this
 * moves slots.
 *
 *   in[0]: rx, slots of RW_FRAME_SLOT_BYTES
 *   out[0]: enrich, 64-byte slots, fan_out RW_FEED_FAN_OUT
 *
 * One input is one venue message, so a frame may stay at the front of its link over several
 * visits. The stage does not conflate: without room for RW_FEED_FAN_OUT slots it is not visited,
 * and file ports wait. */
#pragma once

#include "dataplane/feed/feed_core.h"
#include "dataplane/stage/stage.h"

/* cfg is a struct rw_feed_cfg. */
extern const struct rw_stage_type rw_feed_stage_type;
