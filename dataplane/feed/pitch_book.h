/* Cboe PITCH into the books: sequenced units of orders.
 *
 *   21 22 2F add │ 23 24 execute │ 25 26 reduce │ 27 28 modify │ 29 delete │ 97 all orders are gone
 *   2A 2B 30 trade with hidden orders │ 2C break │ 31 trading status │ 2D end of session
 *   20 second of the day: the other messages only tell nanoseconds behind it
 *
 * A unit is a stream of its own: packets of another unit are never followed. Heartbeats and packets
 * with sequence 0 stand outside the sequence. An auction summary (96) gives no trade, because the
 * executions of the auction are told one by one. A break names an execution only; the last 65,536
 * are remembered for it. Pure; one owner thread. */
#pragma once

#include "dataplane/feed/venue.h"

extern const struct rw_venue rw_pitch_venue;
