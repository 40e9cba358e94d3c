/* The venue's snapshot service, GLIMPSE 5.0: the state of the market as ITCH messages, and the
 * number to go on from.
 *
 *   published messages ─► follow: what was last said about each symbol
 *                            └─► write: S … R … H … Y … N … h …, an A or F per resting order, 'G'
 *
 * Orders come in the order of their priority inside a price. Their time is that of the snapshot.
 * The log that is written is what a SoupBinTCP connection sends. Venues differ in the last message:
 * its number is twenty digits or eight bytes, and the next to be applied or the last that was.
 * Pure; allocates. One thread. */
#pragma once

#include "tools/riskwire/venue_core.h"

enum rw_venue_number {
    RW_VENUE_DIGITS_RIGHT = 0, /* behind spaces: GLIMPSE 5.0 as documented here */
    RW_VENUE_DIGITS_LEFT,      /* in front of spaces */
    RW_VENUE_DIGITS_ZEROES,    /* behind zeroes */
    RW_VENUE_BINARY,           /* eight bytes, big-endian: a message of nine bytes */
};

struct rw_venue_glimpse_cfg {
    enum rw_venue_number number;
    bool names_last; /* the number is that of the last message in the snapshot */
};

struct rw_venue_glimpse; /* opaque */

/* rw_venue_glimpse_new follows a venue, which outlives it and is only read. symbols: as the
 * venue's. rw_venue_glimpse_free frees it. */
struct rw_venue_glimpse *rw_venue_glimpse_new(const struct rw_venue_core *venue, uint32_t symbols,
                                              const struct rw_venue_glimpse_cfg *cfg);
void rw_venue_glimpse_free(struct rw_venue_glimpse *glimpse);
/* rw_venue_glimpse_write puts a snapshot of what is published now behind the messages of a log.
 * Only when rw_venue_is_whole. Returns the number that it names. */
uint64_t rw_venue_glimpse_write(struct rw_venue_glimpse *glimpse, struct rw_venue_log *log);
