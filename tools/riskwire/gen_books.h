/* The simulator's own books: made apart from dataplane/book and simpler, so that one proves the
 * other.
 *
 *   side: [ worst … best ] of levels, each with its queue of orders
 *   live: all orders, for drawing one
 *
 * Only what the simulator asks for is checked; misuse asserts. Grows by malloc. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define RW_GEN_RECENT 4096u

struct rw_gen_order {
    uint64_t reference;
    uint32_t shares;
    int32_t price;
    uint32_t next, previous; /* in the queue of its level */
    uint32_t live_at;        /* place in the live list */
    uint16_t symbol;
    uint8_t side; /* 0 buy, 1 sell */
    uint8_t attributed;
    char mpid[4]; /* of an attributed order */
};

struct rw_gen_level {
    int32_t price;
    uint32_t first, last, orders;
};

struct rw_gen_side {
    struct rw_gen_level *level; /* best at the end */
    uint32_t count, room;
};

struct rw_gen_books {
    struct rw_gen_order *order; /* index 0 unused */
    uint32_t *live;
    uint32_t live_count, used, room, free;
    uint32_t recent[RW_GEN_RECENT]; /* the last ones added; may be gone meanwhile */
    uint32_t recent_at;
    uint32_t symbols;
    struct rw_gen_side *side; /* two for each symbol */
};

/* rw_gen_books_init makes empty books; rw_gen_books_fini frees what they hold. */
void rw_gen_books_init(struct rw_gen_books *books, uint32_t symbols);
void rw_gen_books_fini(struct rw_gen_books *books);

/* rw_gen_books_add puts an order at the back of its level and returns its index. */
uint32_t rw_gen_books_add(struct rw_gen_books *books, const struct rw_gen_order *order);
/* rw_gen_books_take takes shares (1..all of them) off an order and removes it at 0. */
void rw_gen_books_take(struct rw_gen_books *books, uint32_t index, uint32_t shares);
/* rw_gen_books_best returns the order that would trade next, 0 when the side is empty. */
uint32_t rw_gen_books_best(const struct rw_gen_books *books, uint32_t symbol, uint32_t side);
/* rw_gen_books_is_live tells whether an index is of a live order (indices are used again). */
bool rw_gen_books_is_live(const struct rw_gen_books *books, uint32_t index);
/* rw_gen_books_print writes the books in the format of the `book` verb; names holds 8 padded
 * bytes a symbol, in ascending order. */
void rw_gen_books_print(const struct rw_gen_books *books, const char (*names)[8], FILE *out);
