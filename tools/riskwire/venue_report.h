/* What a venue leaves when it ends: its messages as files, and a `name value` line for each thing
 * it did. */
#pragma once

#include "tools/riskwire/venue_core.h"
#include "tools/riskwire/venue_dropcopy.h"
#include "tools/riskwire/venue_lines.h"
#include "tools/riskwire/venue_requests.h"
#include "tools/riskwire/venue_service.h"

struct rw_venue_report {
    const struct rw_venue_core *venue;
    const struct rw_venue_lines *lines;
    const struct rw_venue_requests *requests;          /* may be NULL */
    const struct rw_venue_service *snapshots, *copies; /* may be NULL */
    const struct rw_venue_dropcopy *dropcopy;
    uint64_t truths, commands, commands_unknown;
    bool is_asked_to_wait, was_joined;
};

/* rw_venue_report_sessions writes dir/session.itch, and session_2.itch … of later lives. Returns 0
 * or -errno with an error set. */
int rw_venue_report_sessions(const struct rw_venue_core *venue, const char *dir);
/* rw_venue_report_print writes the lines to stdout. */
void rw_venue_report_print(const struct rw_venue_report *report);
