/* Full-depth order books of one channel: every order of every instrument, first in first out
 * within its price level, for all 65,536 locates at once. Venue-neutral: a venue's messages are
 * put in by feed/<venue>_book.[ch] (feed/itch50_book.h for ITCH 5.0).
 *
 *   reference ─hash─► order ─► level { price, quantity, orders, first ◄─► … ◄─► last }
 *                                ▲
 *   locate, side, price ─hash────┘
 *   locate ─► best bid, best ask, state; side[2] ─► the 16 best levels, the others
 *
 * Work is finding: an order by its reference, a level by its price; each is one read. Everything
 * lives in one planned block; what does not fit is refused and counted, never grown. Pure: no
 * clock, I/O, thread or allocation; one owner thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/stats/stats.h"

#define RW_BOOK_LOCATES 65536u
/* What one side of one instrument can hold, always; a level beyond it is refused and counted. */
#define RW_BOOK_SIDE_LEVELS_MAX 8192u
#define RW_BOOK_SYMBOL_BYTES    8u

#define RW_BOOK_COUNTERS(X)                                                                       \
    X(orders_added, "orders", "orders put into a book, replacements included")                    \
    X(orders_removed, "orders", "orders that left a book: filled, cancelled, deleted, replaced")  \
    X(unknown_reference, "messages", "execution, cancel, delete or replace of an order not held") \
    X(duplicate_reference, "messages", "add with the reference of an order that is still live")   \
    X(bad_order, "messages",                                                                      \
      "add or replace without shares, with a price above 2^31-1 or no side")                      \
    X(excess_reduction, "messages", "more shares taken than the order had; the order is removed") \
    X(foreign_locate, "messages",                                                                 \
      "ignored: the order belongs to another locate than the message says")                       \
    X(orders_full, "orders", "orders refused because the planned number is live")                 \
    X(levels_full, "orders", "orders refused because the side or the planned levels are full")    \
    X(index_full, "orders",                                                                       \
      "orders refused because 32 others share their place in an index: made up to do so")
RW_STATS_STRUCT(rw_book_counters, RW_BOOK_COUNTERS);

/* Sizes, fixed at creation. */
struct rw_book_cfg {
    uint32_t orders_max; /* live orders over all instruments, 1..2^28 */
    uint32_t levels_max; /* live price levels over all, 1..2^28; orders_max / 2 is ample */
};

enum rw_book_side { RW_BOOK_BID = 0, RW_BOOK_ASK = 1 };

/* Best bid and offer of one instrument. A missing side has price 0 and quantity 0; quantities
 * saturate at 2^32-1. A side's price and quantity stand together so that they are written and
 * read as one word. */
struct rw_book_bbo {
    int32_t bid_price; /* 1e-4 */
    uint32_t bid_quantity;
    int32_t ask_price;
    uint32_t ask_quantity;
};

/* What a message changed, as bits of rw_book_event.changed. */
enum rw_book_changed {
    RW_BOOK_BBO = 1u << 0,    /* `after` differs from `before` */
    RW_BOOK_TRADE = 1u << 1,  /* price, quantity, match_number, printable, side are set */
    RW_BOOK_STATUS = 1u << 2, /* `state` is the new trading state (it may equal the old one) */
    RW_BOOK_BREAK = 1u << 3,  /* the trade `match_number` was broken */
    RW_BOOK_NAMED =
        1u << 4, /* the locate got its symbol (rw_book_symbol), first time or a new one */
    RW_BOOK_SYSTEM = 1u << 5, /* `state` is the venue's system event code; locate = 0 */
    RW_BOOK_MORE = 1u << 6,   /* the message has more to say, about this or another locate */
    RW_BOOK_WHOLE = 1u << 8,  /* all that a gap made unknown is known again; locate = 0 */
    RW_BOOK_LAST = 1u << 7,   /* the venue says that no message of the session follows */
};

/* What keeps an instrument from trading; each is told and lifted by itself. */
enum rw_book_halt {
    RW_BOOK_HALT_TRADING = 1u << 0,     /* its trading state is not "trading" */
    RW_BOOK_HALT_OPERATIONAL = 1u << 1, /* a market itself cannot trade it */
};

/* The effect of one message. Fields that `changed` does not announce are zero, except
 * before/after, which are always those of `locate` (all zero after a system event). */
struct rw_book_event {
    uint32_t changed;       /* enum rw_book_changed */
    uint16_t locate;        /* of the message, and of the order it names */
    uint8_t state;          /* trading state or system event code, as the venue's letter */
    uint8_t side;           /* enum rw_book_side of the resting order of a trade */
    bool printable;         /* false: the trade must not count in volume */
    bool cross;             /* the trade is the print of an auction */
    uint8_t halts_told;     /* enum rw_book_halt: the kinds the message speaks about */
    uint8_t halts;          /* of these, the ones that hold now */
    uint16_t quality;       /* what the venue says of the instrument, enum rw_quality */
    uint8_t market;         /* whose halts, the venue's letter; 0: the venue's own */
    uint64_t event_time_ns; /* since midnight of the session day */
    uint64_t quantity;      /* of the trade */
    uint64_t match_number;
    int32_t price; /* of the trade, 1e-4 */
    struct rw_book_bbo before, after;
};

struct rw_book; /* opaque */

/* rw_book_footprint returns the bytes rw_book_new needs for this configuration. Pure. */
size_t rw_book_footprint(const struct rw_book_cfg *cfg);
/* rw_book_new builds empty books in `memory` (footprint bytes, 64-byte aligned, owned by the
 * caller and outliving the books); counters is bumped by the owner thread only. Touches all index
 * memory. Never fails; a configuration out of range asserts. */
struct rw_book *rw_book_new(void *memory, const struct rw_book_cfg *cfg,
                            struct rw_book_counters *counters);
/* rw_book_clear forgets all orders, symbols and states: the channel starts a new session. Costs
 * as much as rw_book_new. */
void rw_book_clear(struct rw_book *book);

/* rw_book_add puts an order at the back of its level. shares ≥ 1, price 1e-4 in 0..2^31-1, else
 * it is refused and counted (bad_order); likewise a reference that is live, and an order beyond
 * the plan. Returns true when the order is in the book. */
bool rw_book_add(struct rw_book *book, uint16_t locate, uint64_t reference, enum rw_book_side side,
                 uint32_t shares, uint32_t price);

/* An order as found by its reference. */
struct rw_book_order {
    uint64_t reference;
    uint16_t locate;
    uint8_t side; /* enum rw_book_side */
    int32_t price;
    uint32_t shares; /* open now */
};
/* rw_book_find returns true and fills *order when the reference is live. */
bool rw_book_find(const struct rw_book *book, uint64_t reference, struct rw_book_order *order);

/* rw_book_reduce takes shares off an order (execution or partial cancel; it keeps its place in
 * the queue) and removes it at 0; more than it has removes it and is counted. *before is the
 * order as it was. Returns false, with nothing changed but a counter, when the reference is
 * unknown or the order belongs to another locate. */
bool rw_book_reduce(struct rw_book *book, uint16_t locate, uint64_t reference, uint32_t shares,
                    struct rw_book_order *before);
/* rw_book_delete removes an order. *before is the order as it was. Returns false as
 * rw_book_reduce. */
bool rw_book_delete(struct rw_book *book, uint16_t locate, uint64_t reference,
                    struct rw_book_order *before);
/* rw_book_replace removes an order and adds its successor with the same side at the back of the
 * queue of the new price. When the successor is refused (as in rw_book_add) the original is gone
 * all the same. *before is the original. Returns false as rw_book_reduce. */
bool rw_book_replace(struct rw_book *book, uint16_t locate, uint64_t reference,
                     uint64_t new_reference, uint32_t shares, uint32_t price,
                     struct rw_book_order *before);

/* rw_book_empty removes all orders of a locate; its symbol and state stay. Costs as much as
 * deleting them one by one. */
void rw_book_empty(struct rw_book *book, uint16_t locate);

/* What a locate shows without a look into its orders. */
struct rw_book_instrument {
    struct rw_book_bbo bbo;
    uint8_t symbol[RW_BOOK_SYMBOL_BYTES]; /* space padded; all NUL when not known yet */
    uint8_t state; /* trading state, a letter of the venue ('T' = trading); 0 until first set */
    uint8_t reserved[7];
};
/* rw_book_instrument returns that of a locate, rw_book_bbo and rw_book_symbol parts of it. The
 * pointers stay valid for the life of the book; the content follows the book. */
const struct rw_book_instrument *rw_book_instrument(const struct rw_book *book, uint16_t locate);
const struct rw_book_bbo *rw_book_bbo(const struct rw_book *book, uint16_t locate);
const uint8_t *rw_book_symbol(const struct rw_book *book, uint16_t locate);
void rw_book_set_state(struct rw_book *book, uint16_t locate, uint8_t state);
/* rw_book_set_symbol returns true when that changed it. */
bool rw_book_set_symbol(struct rw_book *book, uint16_t locate, const uint8_t symbol[8]);

/* One price level, seen from outside. */
struct rw_book_level {
    int32_t price;     /* 1e-4 */
    uint32_t orders;   /* ≥ 1 */
    uint64_t quantity; /* sum of the open shares */
};
/* rw_book_depth returns the number of levels of a side; rw_book_level_at fills *level with the
 * one at index 0 (best) .. depth-1 (worst); asserts beyond. Below the best one it costs 32 looks
 * at all keys of the side: for more than a few levels take rw_book_levels. */
uint32_t rw_book_depth(const struct rw_book *book, uint16_t locate, enum rw_book_side side);
void rw_book_level_at(const struct rw_book *book, uint16_t locate, enum rw_book_side side,
                      uint32_t index, struct rw_book_level *level);
/* rw_book_levels copies the best `max` levels of a side, best first, and returns how many. */
uint32_t rw_book_levels(const struct rw_book *book, uint16_t locate, enum rw_book_side side,
                        struct rw_book_level *levels, uint32_t max);
/* rw_book_queue copies up to `max` orders of a level, first in the queue first, and returns how
 * many. */
uint32_t rw_book_queue(const struct rw_book *book, uint16_t locate, enum rw_book_side side,
                       uint32_t index, struct rw_book_order *orders, uint32_t max);

/* rw_book_live returns how many orders, rw_book_live_levels how many levels are held now. */
uint32_t rw_book_live(const struct rw_book *book);
uint32_t rw_book_live_levels(const struct rw_book *book);

/* What is known of messages that will be applied soon. Zeroed, it is empty. */
#define RW_BOOK_COMING_MAX 64u
struct rw_book_coming_order {
    uint64_t reference; /* of a replacement: the new one */
    uint32_t price;     /* of adds and replacements only */
    uint16_t locate;
    uint8_t side; /* enum rw_book_side, of adds only */
    uint8_t reserved;
    uint32_t order, level; /* the book's own */
};
struct rw_book_coming_list {
    uint32_t count;
    struct rw_book_coming_order order[RW_BOOK_COMING_MAX + 1];
};
struct rw_book_coming {
    struct rw_book_coming_list adds, named,
        replaced; /* in all at most RW_BOOK_COMING_MAX messages */
};
/* What a message does: adds an order; names one that is held (executes, reduces, deletes it); names
 * one and replaces it. */
enum rw_book_coming_kind {
    RW_BOOK_COMING_NONE = 0,
    RW_BOOK_COMING_ADD = 1,
    RW_BOOK_COMING_NAMED = 2,
    RW_BOOK_COMING_REPLACED = 3, /* counts as named too */
};
/* rw_book_coming_put adds a message, with any content; what its kind does not have does not
 * matter. It is written behind every list, because what a message is cannot be predicted, and field
 * by field, because a copy of what was just written in parts would have to wait for them. */
static inline void rw_book_coming_put(struct rw_book_coming *coming, enum rw_book_coming_kind kind,
                                      uint16_t locate, uint64_t reference, uint64_t new_reference,
                                      enum rw_book_side side, uint32_t price) {
    struct rw_book_coming_order *add = &coming->adds.order[coming->adds.count];
    struct rw_book_coming_order *named = &coming->named.order[coming->named.count];
    struct rw_book_coming_order *replaced = &coming->replaced.order[coming->replaced.count];
    add->reference = named->reference = reference;
    replaced->reference = new_reference;
    add->locate = named->locate = replaced->locate = locate;
    add->price = replaced->price = price;
    add->side = (uint8_t)side;
    coming->adds.count += kind == RW_BOOK_COMING_ADD;
    coming->named.count += kind >= RW_BOOK_COMING_NAMED;
    coming->replaced.count += kind == RW_BOOK_COMING_REPLACED;
}
/* rw_book_prefetch loads what these messages will need when they are applied, and empties `coming`.
 * The more at once the better. A hint without effect on the books. */
void rw_book_prefetch(const struct rw_book *book, struct rw_book_coming *coming);

/* rw_book_check walks everything and asserts that index, levels, queues, sums and BBO agree. For
 * tests: it costs as much as the book is large. */
void rw_book_check(const struct rw_book *book);
