/* What `riskwire loss` prints, from a statistics file: what came over each port, line and channel,
 * what became of it, and whether that adds up. Rows are found by what they say of themselves, so a
 * new counter of a port or a feed needs no line here.
 *
 *   "… port0"             ─► ports       "F channel 0"  ─► a feed is called F
 *   "F line a", "F skew"  ─► its lines   "F …"          ─► its other blocks: recovery, output */
#pragma once

#include <stdio.h>

#include "dataplane/stats/stats.h"

/* rw_loss_report_table writes tables, then every reason that is not 0. */
void rw_loss_report_table(FILE *out, const struct rw_stats *stats);
/* rw_loss_report_json writes one line: one object with site, pid, alive, holds (all equations),
 * ports and feeds; in these a block is an object of its rows, with its accounts. */
void rw_loss_report_json(FILE *out, const struct rw_stats *stats);
/* rw_loss_report_csv writes block,name,value,unit: a line for each row of a port or a feed; the
 * percentiles of a histogram; of each equation the difference, named account_<total>. */
void rw_loss_report_csv(FILE *out, const struct rw_stats *stats);
