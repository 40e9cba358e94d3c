/* CME MDP 3.0 as a venue: what its packets do to price-level books and order books, and when a BBO
 * is told.
 *
 *   packet (its number is the sequence) ─► messages ─► entries ─┬─► levels (book/mbp) ─► dirty
 *                                                              └─► orders (book/book)
 *   end of event ─► each dirty instrument whose BBO changed: BBO
 *   48 ─► TRADE, BREAK   30 52 54 ─► STATUS   54 ─► name, display factor   4 ─► all empty
 *
 *   gap ─► every instrument in doubt ─► 52 of the snapshot loop, then the kept packets behind it
 *                                       ─► its BBO ─► when all are sound: RW_BOOK_WHOLE
 *
 * The unit of the sequence is the packet, which may tell many instruments. A BBO is the better of
 * the outright and the implied price, their quantities together when they are equal; without
 * levels that of the orders. It is told at the end of the event; a trade carries the last one told.
 * Prices are the venue's times the display factor (1 until the definition came), in 1e-4; negative
 * ones and those beyond 2^31-1 are counted, and the side is then missing. Packets of the snapshot
 * loop (52, 53) and of the definition loop (54 that says how many there are) stand beside the
 * sequence. The last 256 packets are kept, so that a snapshot that is older than the stream can be
 * joined.
 *
 * Instruments are numbered in the order met. Their symbol is the definition's, if it has at most
 * eight characters, else the security id. Pure; one owner thread. */
#pragma once

#include "dataplane/feed/venue.h"

extern const struct rw_venue rw_mdp3_venue;
