/* The feed stage: frames of one channel from rx, entries to enrich. feed_core does the work; this
 * moves slots.
 *
 *   in[0]: rx, slots of RW_FRAME_SLOT_BYTES
 *   out[0]: enrich, 64-byte slots, fan_out RW_FEED_FAN_OUT; elastic on live ports
 *   in[1], out[1]: recover, slots of RW_RECOVER_SLOT_BYTES (recover_link.h), both elastic; only
 *   where it is configured
 *
 * File ports: one input is one venue message, so a frame may stay at the front of its link over
 * several visits; without room for RW_FEED_FAN_OUT slots the stage is not visited, and the port
 * waits. Nothing is conflated. Where several channels read captures (tells_clock), a frame begins
 * with RW_FEED_CLOCK, and so does having nothing to do up to the watermark file_clock.
 *
 * Live ports cannot wait: one input is one frame, worked off to its end whether there is room or
 * not, so that the books keep the pace of the line. What finds no room goes through conflate_core
 * and leaves in a later visit. Watermarks: file_clock, live. */
#pragma once

#include "dataplane/feed/conflate_core.h"
#include "dataplane/feed/feed_core.h"
#include "dataplane/stage/stage.h"

/* Messages in a visit of live ports: for each unit of budget so many, twice what a full packet of
 * short messages holds. A gap that closes may set more free; they come in the next visits. */
#define RW_FEED_FRAME_MESSAGES 64u

/* cfg is a struct rw_feed_cfg. */
extern const struct rw_stage_type rw_feed_stage_type;

/* rw_feed_stage_core returns the core, for tests and benchmarks that look at the books. */
const struct rw_feed_core *rw_feed_stage_core(const void *stage);
