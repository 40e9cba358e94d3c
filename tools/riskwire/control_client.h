/* One question to a running site over its control socket: a JSON packet there, one back. */
#pragma once

#include <jansson.h>

/* rw_control_call sends `request` (borrowed) to the site and returns its answer, owned by the
 * caller, or NULL with an error set and *exit_code one of enum rw_exit: no running site, no
 * permission, or no answer within five seconds. Blocks. */
json_t *rw_control_call(const char *run_dir, const char *site, json_t *request, int *exit_code);
