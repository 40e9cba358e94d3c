/* The `book` CSV, shared by the verb, the generator's truth and the tests, so that cmp is the
 * proof. */
#pragma once

#include <stdio.h>

#include "dataplane/book/book.h"
#include "dataplane/feed/venue.h"

/* rw_book_csv writes the header line and a line for each level:
 * symbol,side,level,price,quantity,orders, sorted by symbol, side (B before S), level (1 = best).
 * symbol NULL: all; else only the one of this name. depth 0: all levels. Errors of the stream are
 * left for the caller's ferror. */
void rw_book_csv(FILE *out, const struct rw_book *book, const char *symbol, uint32_t depth);
/* rw_venue_csv is the same for the books of any venue. Where a venue does not tell the number of
 * orders the column is what its table says. */
void rw_venue_csv(FILE *out, const struct rw_venue *venue, const void *books, const char *symbol,
                  uint32_t depth);
