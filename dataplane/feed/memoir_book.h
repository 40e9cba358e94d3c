/* MEMX MEMOIR Depth into the books.
 *
 *   10 11 12 add │ 13 delete │ 14 reduce │ 15 execute │ 18 all orders of a symbol are gone
 *   5 break │ 6 corrected trade: a break, then the trade as it is now │ 2 trading status
 *   7 snapshot complete: counted │ 1 directory: names │ 3 session of an underlier: nothing
 *
 * Prices of 8 bytes are 1e-8, those of 2 bytes 1e-2; what is no multiple of 1e-4 is rounded down,
 * counted, and its ticks say so. Of 14 the number reduced counts, not the number that is said to be
 * left. Made from documents alone, as memoir.h. Pure; one owner thread. */
#pragma once

#include "dataplane/feed/venue.h"

extern const struct rw_venue rw_memoir_venue;
