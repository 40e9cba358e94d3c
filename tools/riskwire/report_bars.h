/* The naive side of the bars in `journal report`: all trades of the log in one list, sorted and
 * added up at the end, without risk/bar_core. What must agree: which windows were told, the last
 * version of each, and that versions count up from 1. Cold path. */
#pragma once

#include <stdint.h>

#include "dataplane/record/entry.h"
#include "dataplane/record/result.h"
#include "risk/bar_core.h"

struct rw_report_bars;

/* rw_report_bars_new makes an empty list for bars of `cfg`, which it copies; instruments: indices
 * below this are in the image. NULL with an error set when memory is short. */
struct rw_report_bars *rw_report_bars_new(const struct rw_bar_cfg *cfg, uint32_t instruments);
void rw_report_bars_free(struct rw_report_bars *bars);

/* rw_report_bars_take takes the next log entry, rw_report_bars_told a record of kind BAR. 0, or
 * -ENOMEM with an error. */
int rw_report_bars_take(struct rw_report_bars *bars, const struct rw_entry *entry);
int rw_report_bars_told(struct rw_report_bars *bars, const struct rw_result *result);

/* rw_report_bars_settle compares, once, at the end. Stores how many bars there should be; returns
 * how many were told otherwise, are missing, or were told and should not be. */
uint64_t rw_report_bars_settle(struct rw_report_bars *bars, uint64_t *count);
