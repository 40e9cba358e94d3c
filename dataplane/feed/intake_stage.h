/* The intake stage: the fills of a loaded file, pushed as fast as the sequencer takes them.
 *
 *   inputs.csv ─load─► [ fills ] ──► enrich       out[0]: 64-byte slots, two per FILL, one per END
 *
 * The sequencer holds a fill back until the market has reached its event time, so the link is the
 * pace: declare it elastic, a full one is no back-pressure. A fill has no arrival stamp (0). After
 * the last fill one END per source tells that nothing more will come; a file without
 * rows gives one END for source 0. Runs alike in every role. */
#pragma once

#include "dataplane/feed/intake_core.h"
#include "dataplane/stage/stage.h"

/* The fan_out of intake → enrich: a fill takes two slots. */
#define RW_INTAKE_FAN_OUT 2u

struct rw_intake_cfg {
    const struct rw_intake_file *file; /* loaded before init; outlives the stage */
};

#define RW_INTAKE_COUNTERS(X)                           \
    X(loaded, "fills", "fills in the file")             \
    X(pushed, "fills", "fills handed to the sequencer") \
    X(ended, "sources", "sources whose last fill was handed over")
RW_STATS_STRUCT(rw_intake_counters, RW_INTAKE_COUNTERS);

extern const struct rw_stage_type rw_intake_stage_type;
