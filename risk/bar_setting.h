/* The setting of bars, as configuration and command lines give it: which lengths, how long a window
 * waits, and for how long it can be corrected. Both sites and a recomputation must have the same.
 * Cold path. */
#pragma once

#include "risk/bar_core.h"

#define RW_BAR_LENGTHS_DEFAULT     "1,60"
#define RW_BAR_BOUND_MS_DEFAULT    100u
#define RW_BAR_LATENESS_MS_DEFAULT 10000u
#define RW_BAR_LENGTH_S_MAX        86400u
#define RW_BAR_MS_MAX              3600000u /* of bound and lateness each */

/* rw_bar_setting fills lengths, bound and allowed lateness of *cfg and leaves the rest as it is.
 * lengths_s: ascending whole seconds like "1,60", at most RW_BAR_LENGTHS_MAX; "" or "0" for no
 * bars. cfg->ahead_ns is set before. Returns 0, or -EINVAL with an error that names the value, also
 * when more than RW_BAR_WINDOWS_MAX windows of a length would have to be kept. */
int rw_bar_setting(struct rw_bar_cfg *cfg, const char *lengths_s, uint64_t bound_ms,
                   uint64_t lateness_ms);
