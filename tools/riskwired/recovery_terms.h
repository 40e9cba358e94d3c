/* What the configuration says about the recovery of one channel, as feed and the recover stage want
 * it. Cold path. */
#pragma once

#include "dataplane/feed/feed_core.h"
#include "dataplane/feed/recover_stage.h"
#include "tools/riskwired/config.h"

/* rw_recovery_terms fills the recovery and the store of *feed, whose venue and ports are set, and
 * *recover, from the section `name`. 0, or -EINVAL with an error that names the key. */
int rw_recovery_terms(const struct rw_config_feed *config, const char *name,
                      struct rw_feed_cfg *feed, struct rw_recover_channel *recover);
/* rw_recovery_is_wanted is true when a channel has somebody to ask or to serve. */
bool rw_recovery_is_wanted(const struct rw_feed_cfg *feed);
