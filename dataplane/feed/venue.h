/* A venue as the feed sees it: one constant table of what differs between venues. line_core and
 * feed_core know no venue's bytes; they take the table from their configuration.
 *
 *   payload ─► open ─► header + cursor ─► line_core ─► message ─► apply ─► event, event, …
 *                                                        │          └─► books of the venue
 *                                                        └ what the venue numbers: a message, or a
 *                                                          whole packet (RW_PREFIX_NONE)
 *
 * A new venue is one file pair <venue>_book.[ch] that defines its table, and one row in venue.c.
 * Everything here is pure; one owner thread for the books. */
#pragma once

#include "dataplane/book/book.h"
#include "dataplane/feed/venue_packet.h"

#define RW_DAY_NS UINT64_C(86400000000000)

struct rw_books_cfg {
    struct rw_book_cfg book;
    uint64_t midnight_ns; /* Unix time at which the session day begins at the venue; 0: not known,
                             event times are the time of day in UTC */
    uint32_t instruments_max; /* of a venue that numbers none: 1..65,535; 0: its own default */
};

/* rw_venue_time makes the time of the session day that begins at midnight_ns out of a Unix time.
 * One of another day keeps its time of day and is counted, unless midnight_ns is 0. */
uint64_t rw_venue_time(uint64_t midnight_ns, uint64_t unix_ns, rw_stat *other_day);

/* Where the books count. */
struct rw_books_stats {
    struct rw_book_counters *book;
    void *own; /* the cells of the venue's own_rows; NULL when it has none */
};

/* What `apply` says about a message. */
enum rw_venue_verdict {
    RW_VENUE_OK = 0,
    RW_VENUE_UNKNOWN_TYPE = 1,
    RW_VENUE_BAD_LENGTH = 2,
};

struct rw_venue {
    const char *name; /* as feed.venue names it */

    /* The header of a UDP payload: RW_PACKET_FINE and *packet, or the fault that makes the packet
     * unusable. Called again for a packet that was held back. */
    enum rw_packet_fault (*open)(const void *payload, size_t bytes, struct rw_packet *packet);
    /* A line that falls back to sequence 1 from at least here has started again; from below it is
     * taken for a late copy of the first packet. 0: a sequence never starts again. */
    uint64_t restart_from;
    bool session_is_text; /* as the configuration names it; else a number */
    /* The session is the number of a stream, such as a unit: another one is another channel's and
     * never followed. False: another session is the next one of the same stream. */
    bool session_is_stream;

    /* Counters of its own. */
    const struct rw_stat_row *own_rows;
    const uint32_t *own_row_count; /* NULL: none */

    /* The books: footprint → make → clear, as in book.h. `make` returns what the others take. */
    size_t (*footprint)(const struct rw_books_cfg *cfg);
    void *(*make)(void *memory, const struct rw_books_cfg *cfg, const struct rw_books_stats *stats);
    void (*clear)(void *books);
    /* Applies one message and fills *event, always. Anything but RW_VENUE_OK: the message was
     * skipped and event->changed is 0. With RW_BOOK_MORE in event->changed the message changed more
     * than one instrument: `more` gives the next event, until one is without RW_BOOK_MORE; the
     * message stays in place until then, and nothing else is applied. */
    enum rw_venue_verdict (*apply)(void *books, const uint8_t *message, uint32_t bytes,
                                   struct rw_book_event *event);
    void (*more)(void *books, struct rw_book_event *event); /* NULL: never RW_BOOK_MORE */
    /* Says that messages before `next` were lost. NULL: the books cannot mend by themselves. Else
     * they make what they no longer know stale, and say RW_BOOK_WHOLE when all is known again. */
    void (*gap)(void *books, uint64_t next);
    const struct rw_book_bbo *(*bbo)(const void *books, uint16_t locate);
    /* Eight characters, space padded. */
    const uint8_t *(*symbol)(const void *books, uint16_t locate);
    /* The best `max` price levels of a side, best first; returns how many. As rw_book_levels. */
    uint32_t (*levels)(const void *books, uint16_t locate, enum rw_book_side side,
                       struct rw_book_level *levels, uint32_t max);

    /* Hints without effect on the content, for any bytes: `coming` notes what a message will need,
     * `prefetch` loads it for all messages that were noted (at most RW_BOOK_COMING_MAX) and forgets
     * them. Both or none are NULL. */
    void (*coming)(struct rw_book_coming *coming, const uint8_t *message, uint32_t bytes);
    void (*prefetch)(const void *books, struct rw_book_coming *coming);
};

/* rw_venue_named returns the table of a name, NULL when there is none. */
const struct rw_venue *rw_venue_named(const char *name);
/* All names, the default first, for tables of keys and help texts. */
#define RW_VENUE_NAMES "itch50|deep10|deepplus|pitch|memoir|mdp3"
