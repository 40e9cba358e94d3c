/* The answer to `riskwire status`: from gauges and watermarks, which any thread may read. */
#pragma once

#include <jansson.h>

#include "replication/repl_stage.h"
#include "tools/riskwired/config.h"

/* rw_cold_status makes the answer, owned by the caller. */
json_t *rw_cold_status(const struct rw_repl_gauges *gauges, const struct rw_config *config,
                       const struct rw_watermarks *watermarks, uint16_t soup_port);
/* rw_cold_role_text returns "recover", "lead", "follow" or "halt". */
const char *rw_cold_role_text(enum rw_role role);
