/* The recomputation behind `journal report`: all results of a session, computed again from its log.
 *
 *   DIR/log/      ──► one risk shard ──► merge ──► the lines `subscribe` prints
 *   DIR/image.bin ─┘        └──────► naive check: fills and last ticks alone ──► equal totals?
 *
 * The same pure cores as in the appliance, driven without links, threads or clock, so the output of
 * a subscriber that saw the whole session equals the report byte for byte. The check is another
 * calculation: from the first fill of each execution and the last tick of each instrument it
 * computes positions, exposure and realised + unrealised P&L, where average cost cancels out; and
 * it adds up every bar from the trades (report_bars). Cold path. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "dataplane/base/hash.h"
#include "dataplane/record/image.h"
#include "risk/bar_core.h"

struct rw_report_cfg {
    const char *folder;                /* holds log/ and image.bin */
    bool json;                         /* NDJSON instead of CSV with a header line */
    uint32_t positions_max, fills_max; /* as the site's configuration; 0 = defaults */
    struct rw_bar_cfg bars;            /* likewise; lengths 0: none. Counters are set here */
};

struct rw_report_summary {
    uint64_t entries, results;
    struct rw_hash hash; /* running result hash after the last entry */
    bool closed;         /* the log ends with SESSION close */
    bool checked; /* false: fills were rejected for bounds or room, so the check does not apply */
    uint64_t portfolios_checked, positions_checked, differences;
    uint64_t bars_checked, bar_differences; /* none are checked when trades were too far ahead */
};

/* rw_report_image reads an image file into memory that the caller frees, and checks it. NULL with
 * an error set. */
struct rw_image *rw_report_image(const char *path);

/* rw_report_write prints every result of the log to `out` and fills *summary. 0; or -errno with an
 * error: no journal or image there, damage, an image that is not the session's, write errors.
 * Differences of the check are not an error here: see the summary. */
int rw_report_write(const struct rw_report_cfg *cfg, FILE *out, struct rw_report_summary *summary);

/* rw_report_main is `riskwire journal report DIR [-o csv|json]`: results to stdout, the summary to
 * stderr. Returns an enum rw_exit. */
int rw_report_main(int argc, char **argv);
