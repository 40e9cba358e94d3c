/* A plain full-depth book as a baseline for bench_book: open addressing by reference, pooled
 * orders in FIFO lists, price levels in sorted arrays with the best at the end, searched from
 * there; index slots prefetched 16 messages ahead. No events, no counters, no checks, no limits:
 * what the product does besides is the difference. */
#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/bytes.h"

struct plain_order {
    uint64_t reference;
    uint32_t shares, price;
    uint32_t next, previous;
    uint16_t locate;
    uint8_t side;
};
struct plain_level {
    uint32_t price, count;
    uint64_t quantity;
    uint32_t first, last;
};
struct plain_side {
    struct plain_level *level;
    uint32_t count, room;
};
struct plain_slot {
    uint64_t reference;
    uint32_t order, reserved;
};
struct plain_book {
    struct plain_order *order;
    struct plain_slot *slot;
    uint32_t mask, free, used, live;
    struct plain_side side[65536][2];
};

static inline uint32_t plain_home(const struct plain_book *book, uint64_t reference) {
    return (uint32_t)((reference * 0x9E3779B97F4A7C15ull) >> 32) & book->mask;
}

/* map gives zeroed memory that is never given back: the benchmark makes few of these. */
static inline struct plain_book *plain_new(uint32_t orders, void *(*map)(size_t)) {
    struct plain_book *book = calloc(1, sizeof *book);
    uint32_t slots = 1;
    while (slots < orders * 2) slots *= 2;
    if (!book) abort();
    book->order = map((orders + 1) * sizeof *book->order);
    book->slot = map(slots * sizeof *book->slot);
    book->mask = slots - 1;
    return book;
}

static inline void plain_free(struct plain_book *book) {
    for (uint32_t i = 0; i < 65536; i++)
        for (uint32_t s = 0; s < 2; s++) free(book->side[i][s].level);
    free(book);
}

static inline uint32_t plain_find(const struct plain_book *book, uint64_t reference) {
    uint32_t at = plain_home(book, reference);
    while (book->slot[at].reference && book->slot[at].reference != reference)
        at = (at + 1) & book->mask;
    return at;
}

static inline void plain_unslot(struct plain_book *book, uint32_t hole) {
    for (uint32_t at = (hole + 1) & book->mask; book->slot[at].reference;
         at = (at + 1) & book->mask) {
        uint32_t home = plain_home(book, book->slot[at].reference);
        if (((at - home) & book->mask) < ((at - hole) & book->mask)) continue;
        book->slot[hole] = book->slot[at];
        hole = at;
    }
    book->slot[hole].reference = 0;
}

/* The index of a price's level, or where it belongs. Bids rise, asks fall towards the end. */
static inline uint32_t plain_level_at(const struct plain_side *side, uint32_t price, uint8_t s) {
    uint32_t at = side->count;
    while (at > 0 && (s ? side->level[at - 1].price < price : side->level[at - 1].price > price))
        at--;
    return at;
}

static inline void plain_add(struct plain_book *book, uint16_t locate, uint64_t reference,
                             uint8_t s, uint32_t shares, uint32_t price) {
    struct plain_side *side = &book->side[locate][s];
    uint32_t at = plain_level_at(side, price, s);
    if (at == 0 || side->level[at - 1].price != price) {
        if (side->count == side->room) {
            side->room = side->room ? 2 * side->room : 8;
            side->level = realloc(side->level, side->room * sizeof *side->level);
            if (!side->level) abort();
        }
        memmove(&side->level[at + 1], &side->level[at], (side->count - at) * sizeof *side->level);
        side->level[at] = (struct plain_level){.price = price};
        side->count++;
        at++;
    }
    struct plain_level *level = &side->level[at - 1];
    uint32_t index = book->free ? book->free : ++book->used;
    struct plain_order *order = &book->order[index];
    if (book->free) book->free = order->next;
    *order = (struct plain_order){reference, shares, price, 0, level->last, locate, s};
    if (level->last)
        book->order[level->last].next = index;
    else
        level->first = index;
    level->last = index;
    level->quantity += shares;
    level->count++;
    uint32_t slot = plain_find(book, reference);
    book->slot[slot] = (struct plain_slot){reference, index, 0};
    book->live++;
}

static inline void plain_reduce(struct plain_book *book, uint32_t slot, uint32_t shares) {
    uint32_t index = book->slot[slot].order;
    struct plain_order *order = &book->order[index];
    struct plain_side *side = &book->side[order->locate][order->side];
    uint32_t at = plain_level_at(side, order->price, order->side) - 1;
    struct plain_level *level = &side->level[at];
    if (shares > order->shares) shares = order->shares;
    level->quantity -= shares;
    order->shares -= shares;
    if (order->shares) return;
    if (order->previous)
        book->order[order->previous].next = order->next;
    else
        level->first = order->next;
    if (order->next)
        book->order[order->next].previous = order->previous;
    else
        level->last = order->previous;
    if (--level->count == 0) {
        side->count--;
        memmove(level, level + 1, (side->count - at) * sizeof *level);
    }
    plain_unslot(book, slot);
    order->next = book->free;
    book->free = index;
    book->live--;
}

static inline void plain_apply(struct plain_book *book, const uint8_t *m) {
    uint16_t locate = rw_load_be16(m + 1);
    uint32_t slot;
    struct plain_order order;
    switch (m[0]) {
    case 'A':
    case 'F':
        plain_add(book, locate, rw_load_be64(m + 11), m[19] != 'B', rw_load_be32(m + 20),
                  rw_load_be32(m + 32));
        return;
    case 'E':
    case 'C':
    case 'X':
    case 'D':
    case 'U':
        slot = plain_find(book, rw_load_be64(m + 11));
        if (!book->slot[slot].reference) return;
        order = book->order[book->slot[slot].order];
        plain_reduce(book, slot, m[0] == 'D' || m[0] == 'U' ? order.shares : rw_load_be32(m + 19));
        if (m[0] == 'U')
            plain_add(book, order.locate, rw_load_be64(m + 19), order.side, rw_load_be32(m + 27),
                      rw_load_be32(m + 31));
        return;
    default:
        return;
    }
}

static inline void plain_prefetch(const struct plain_book *book, const uint8_t *m) {
    __builtin_prefetch(&book->slot[plain_home(book, rw_load_be64(m + 11))]);
}
