/* named_books: order books of a venue that names instruments by symbol and times by Unix time, or
 * by the second of the day. What their adapters share:
 *
 *   symbol ─► locates ─► locate ─► dataplane/book ─► event: before, after, RW_BOOK_BBO
 *   price 64 bits ─► 1e-4 in 31 bits, or counted and refused
 *   Unix time ─► time of the session day
 *   "all orders are gone" ─► one event for each instrument (RW_BOOK_MORE)
 *
 * An adapter brackets what it does to a message's book with rw_named_begin and rw_named_end. Pure;
 * one owner thread. */
#pragma once

#include <assert.h>

#include "dataplane/feed/field_table.h"
#include "dataplane/feed/locates.h"
#include "dataplane/feed/venue.h"

#define RW_NAMED_COUNTERS(X)                                                              \
    X(instruments_full, "messages", "dropped: no number is left for another instrument")  \
    X(price_range, "prices", "orders and trades refused: price negative or above 2^31-1") \
    X(price_rounded, "prices", "no multiple of 1e-4, rounded down")                       \
    X(other_day, "messages", "not of the session day: only their time of day counts")     \
    X(in_transition, "messages", "updates of an event that goes on: no BBO yet")          \
    X(books_emptied, "books", "emptied at the venue's word")                              \
    X(unknown_trade, "messages", "ignored: break of a trade that is not remembered")      \
    X(snapshots, "snapshots", "snapshots that the venue has called complete")
RW_STATS_STRUCT(rw_named_counters, RW_NAMED_COUNTERS);
extern const struct rw_stat_row rw_named_rows[];
extern const uint32_t rw_named_row_count;

struct rw_named_books {
    struct rw_book *book;
    struct rw_locates *locates;
    struct rw_named_counters *counters;
    uint64_t midnight_ns;
    uint64_t rounded[RW_BOOK_LOCATES / 64]; /* bit per locate that a price was rounded for */
    uint32_t emptying;                      /* locate whose book is emptied next; 0: none */
    uint64_t emptying_time_ns;
};

/* rw_named_footprint, rw_named_new, rw_named_clear: as of struct rw_venue. stats->own is a struct
 * rw_named_counters. */
size_t rw_named_footprint(const struct rw_books_cfg *cfg);
struct rw_named_books *rw_named_new(void *memory, const struct rw_books_cfg *cfg,
                                    const struct rw_books_stats *stats);
void rw_named_clear(struct rw_named_books *books);

/* rw_named_verdict is what the tables say about a message, as a venue says it. */
static_assert((int)RW_MESSAGE_UNKNOWN_TYPE == RW_VENUE_UNKNOWN_TYPE &&
                  (int)RW_MESSAGE_BAD_LENGTH == RW_VENUE_BAD_LENGTH,
              "one numbering of verdicts");
static inline enum rw_venue_verdict rw_named_verdict(enum rw_message_verdict verdict) {
    return (enum rw_venue_verdict)verdict;
}

/* rw_named_time makes the time of the session day out of a Unix time. */
uint64_t rw_named_time(struct rw_named_books *books, uint64_t unix_ns);
/* rw_named_price stores a price of 1e-4 for the books; false, counted, when it does not fit. */
bool rw_named_price(struct rw_named_books *books, int64_t price, uint32_t *to);
/* rw_named_symbol sets event->locate to the number of a symbol of up to eight characters; bytes
 * behind a NUL count as spaces. False, counted, when no number is left for it. */
bool rw_named_symbol(struct rw_named_books *books, struct rw_book_event *event,
                     const uint8_t *symbol, uint32_t bytes);

/* rw_named_scale divides a price by what 1e-4 is in its unit: rounded down and counted when it is
 * no multiple, and from then on the quality of the locate says so. */
int64_t rw_named_scale(struct rw_named_books *books, uint16_t locate, uint64_t price, uint64_t one);

/* rw_named_begin notes the BBO of event->locate before a change, rw_named_end the one after it,
 * whether that is another, and the quality. */
void rw_named_begin(const struct rw_named_books *books, struct rw_book_event *event);
void rw_named_end(const struct rw_named_books *books, struct rw_book_event *event);

/* rw_named_add is rw_book_add for any price. A side that is neither 'B' nor 'S' is refused and
 * counted there. */
void rw_named_add(struct rw_named_books *books, uint16_t locate, uint64_t reference, char side,
                  uint32_t shares, int64_t price);
/* rw_named_modify gives an order another size and price. It keeps its place in the queue only when
 * `keep` says so, the price is the old one and the size does not grow. Size 0 removes it. */
void rw_named_modify(struct rw_named_books *books, uint16_t locate, uint64_t reference,
                     uint32_t shares, int64_t price, bool keep);
/* rw_named_trade tells a printable trade; none when it has no shares. */
void rw_named_trade(struct rw_named_books *books, struct rw_book_event *event, uint64_t shares,
                    int64_t price, uint64_t match_number);

/* rw_named_empty removes all orders of one locate. rw_named_empty_all does so for every locate, one
 * an event: this first event is about locate 0 and says RW_BOOK_MORE when there is one; the others
 * come from rw_named_more. */
void rw_named_empty(struct rw_named_books *books, uint16_t locate);
void rw_named_empty_all(struct rw_named_books *books, struct rw_book_event *event);
void rw_named_more(void *adapter, struct rw_book_event *event);

/* Columns of struct rw_venue, rw_named_more too, for adapters whose books begin with a pointer to a
 * struct rw_named_books. */
const struct rw_book_bbo *rw_named_bbo(const void *adapter, uint16_t locate);
const uint8_t *rw_named_name(const void *adapter, uint16_t locate);
uint32_t rw_named_levels(const void *adapter, uint16_t locate, enum rw_book_side side,
                         struct rw_book_level *levels, uint32_t max);
