/* What came must have gone somewhere: the equations that a site's counters promise, found in the
 * statistics file by the names of rows and by what their sentences begin with, so that a new reason
 * of a drop joins its equation by itself.
 *
 *   … port0      received       = delivered + control + dropped
 *   … port0 …    device_reached = device_packets + lost by the device
 *   … channel 0  messages       = delivered + in_flight + dropped
 *   … channel 0  passed         = delivered + gap_messages + snapshot_messages + joined_at - aside
 *   … output     taken          = sent + conflated + waiting + lost
 *
 * A running site counts on while its rows are read: they are read again, up to
 * RW_LOSS_READINGS times, until the sides are equal. Pure but for those readings. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/stats/stats.h"

#define RW_LOSS_ACCOUNTS_MAX 4u /* of one block */
#define RW_LOSS_READINGS     200u

struct rw_loss_account {
    const char *equation; /* as above */
    const char *total;    /* name and unit of the row on its left side */
    const char *unit;
    uint64_t amount;    /* of that row */
    int64_t difference; /* left side less right side; 0 = it holds */
};

/* rw_loss_accounts checks all equations of a block and returns how many there are. */
uint32_t rw_loss_accounts(const struct rw_stats *stats, const char *block,
                          struct rw_loss_account accounts[RW_LOSS_ACCOUNTS_MAX]);
/* rw_loss_sum adds up the rows of a block in this unit whose sentence begins with these words; any
 * unit when NULL. */
uint64_t rw_loss_sum(const struct rw_stats *stats, const char *block, const char *words,
                     const char *unit);
