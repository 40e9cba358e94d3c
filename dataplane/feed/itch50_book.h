/* ITCH 5.0 into the books: which message does what to dataplane/book, and what it tells in
 * return.
 *
 *   packet ─► rw_itch50_coming (each message) ─► rw_book_prefetch
 *          rw_itch50_apply (each message) ─► rw_book_event
 *
 * A/F add, E/C execute, X/D/U cancel, delete, replace; P and Q are trades that leave the
 * displayed book alone, B breaks one, H is the trading state, S a system event, every type that
 * carries a symbol names its locate. The other types change nothing here. Pure; the book's owner
 * thread. */
#pragma once

#include "dataplane/book/book.h"
#include "dataplane/feed/itch50.h"
#include "dataplane/feed/venue.h"

/* ITCH 5.0 over MoldUDP64. Its books, the void * of the functions, are a struct rw_book. */
extern const struct rw_venue rw_itch50_venue;

/* rw_itch50_apply applies one message to the books and fills *event (always, also when nothing
 * changed). Returns what rw_itch50_check says; with anything but RW_VENUE_OK the books are
 * untouched and event->changed is 0. References that are not held are ignored and counted in the
 * book's counters. */
enum rw_venue_verdict rw_itch50_apply(void *book, const uint8_t *message, uint32_t bytes,
                                      struct rw_book_event *event);

/* rw_itch50_coming notes in `coming` (at most RW_BOOK_COMING_MAX messages) what a message needs,
 * for rw_book_prefetch: of a packet, or of several, before they are applied. What fails
 * rw_itch50_check is ignored. */
void rw_itch50_coming(struct rw_book_coming *coming, const uint8_t *message, uint32_t bytes);
