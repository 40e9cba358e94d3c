/* What `riskwire stat` prints, from a statistics file: sections by the first word of a block's
 * name, so a new stage or counter needs no line here.
 *
 *   "core 0" "stage rx" "link rx->feed"    ─► tables with columns
 *   "feed …" "risk…" "repl …" "deliver …"  ─► lists of values; counters that lose ─► loss by reason
 *   histograms                             ─► latency */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "dataplane/stats/stats.h"

/* rw_stat_report_table writes all sections as text. Counters that are 0 are left out unless
 * `all`. */
void rw_stat_report_table(FILE *out, const struct rw_stats *stats, bool all);
/* rw_stat_report_json writes one line: one object with site, pid, alive and the sections. */
void rw_stat_report_json(FILE *out, const struct rw_stats *stats);
/* rw_stat_report_csv writes block,name,value,p99_ns,p999_ns,max_ns,count,unit,kind: a line for
 * each row of the file; the value of a histogram is its median, and only histograms have the four
 * columns after it. */
void rw_stat_report_csv(FILE *out, const struct rw_stats *stats);
