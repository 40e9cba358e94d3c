/* The enrich stage: links and watermarks around enrich_core.
 *
 *   in[0..] feed of each channel, then intake, repl (copy of the log)
 *   out[0..] risk[k], out[last] repl
 *
 * All links have 64-byte slots; fan_out RW_ENRICH_FAN_OUT on each output. Reads watermarks.role,
 * role_start, refuse_intake and throttle; writes arrival (as leader), hurry and live. */
#pragma once

#include "dataplane/stage/stage.h"
#include "refdata/enrich_core.h"

/* cfg is a struct rw_enrich_cfg. */
extern const struct rw_stage_type rw_enrich_stage_type;
