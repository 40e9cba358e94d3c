/* What a running venue can be told, a line each:
 *
 *   begin                                     start the market, when it was held
 *   requests fine|down|slow|partial|lying     how re-requests are treated
 *   glimpse up|down|slow|cut N                how snapshots are; cut: after N messages
 *   drop-copy up|down|slow|cut N
 *   restart same|new                          an empty market, sequence 1; under a new session name
 *   blackout SECONDS                          nothing reaches either line, up to 60
 *   speed X                                   of the market against the clock, 0.001 to 1000
 *   truth                                     write the books as they are now
 *   end                                       stop at once
 *
 * Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tools/riskwire/venue_requests.h"
#include "tools/riskwire/venue_service.h"

#define RW_VENUE_LINE_MAX     128u
#define RW_VENUE_BLACKOUT_MAX 60000000000u /* ns */

enum rw_venue_verb {
    RW_VENUE_NOTHING = 0, /* an empty line */
    RW_VENUE_BEGIN,
    RW_VENUE_REQUESTS, /* manner */
    RW_VENUE_GLIMPSE,  /* service, number */
    RW_VENUE_DROPCOPY, /* service, number */
    RW_VENUE_RESTART,  /* restart */
    RW_VENUE_BLACKOUT, /* number: ns */
    RW_VENUE_SPEED,    /* number: permille */
    RW_VENUE_TRUTH,
    RW_VENUE_END,
};

struct rw_venue_command {
    enum rw_venue_verb verb;
    enum rw_venue_manner manner;
    enum rw_venue_service_manner service;
    enum rw_venue_restart restart;
    uint64_t number;
};

/* rw_venue_command_read reads a line without its end, of up to RW_VENUE_LINE_MAX - 1 characters;
 * false when it is none of these. */
bool rw_venue_command_read(const char *line, struct rw_venue_command *command);

/* Bytes that come in pieces, line by line. */
struct rw_venue_line_reader {
    char line[RW_VENUE_LINE_MAX];
    uint32_t bytes;
    bool is_too_long; /* the rest of this line is left out */
};
/* rw_venue_line_take takes one byte; true when it ends a line, which then stands in reader->line as
 * a string. A line that was too long, or has a NUL in it, becomes "?", which is no command. */
bool rw_venue_line_take(struct rw_venue_line_reader *reader, char byte);
