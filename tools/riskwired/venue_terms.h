/* What the configuration says in words about a venue, as the feed wants it. Cold path. */
#pragma once

#include "dataplane/feed/venue.h"

/* rw_venue_terms_session fills the session key of a venue: up to ten characters where its sessions
 * are text, else a number up to 2^64-1, such as a unit. Empty text: all NUL, the first packet
 * decides. Returns 0, or -EINVAL with an error that names the section `name`. */
int rw_venue_terms_session(const struct rw_venue *venue, const char *text, const char *name,
                           char session[RW_SESSION_BYTES]);

/* rw_venue_terms_midnight stores the Unix time at which the session day, the YYMMDD in front of the
 * session, begins in a zone of ±HH:MM. Returns 0, or -EINVAL with an error set. */
int rw_venue_terms_midnight(const char *session, const char *zone, const char *name,
                            uint64_t *midnight_ns);
