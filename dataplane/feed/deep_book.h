/* IEX DEEP 1.0 and DEEP+ over IEX-TP: what each message does to the books.
 *
 *   DEEP    8 5 ───────► the size of a price level; the BBO is told when the event is complete
 *   DEEP+   a M R L C ─► single orders, first in first out
 *   both    T B ───────► trade, break;  H O ► halts;  S ► system event;  the rest only names
 *
 * A level of DEEP is one order in dataplane/book: the venue does not say how many it has. In the
 * middle of an event (its flag is 0) a tick still carries the last BBO that was complete. Sequences
 * that start again at 1 under the same session are a new start from an empty market; a system event
 * "end of messages" ends nothing, because the real feed goes on behind it. Pure; one owner
 * thread. */
#pragma once

#include "dataplane/feed/venue.h"

extern const struct rw_venue rw_deep10_venue, rw_deepplus_venue;
