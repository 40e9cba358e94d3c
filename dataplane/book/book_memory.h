/* The memory of the books, for the files of this folder only. Links are indices; 0 is "none".
 *
 *   reference ────────────hash─► head ─► order ─► order …      (a chain of those that collide)
 *                                          │
 *   locate, side, price ──hash─► head ─► level ─► level …
 *                                          ▲
 *   locate ─► row { best bid, best ask, symbol, state, side[2] }
 *               side ─► front  the best levels, at most 16: their keys are one cache line
 *                 └───► back   all the others, none of them above `floor`
 *
 * Front and back are in no order. What a message needs first of all is the level of a price, and
 * the index gives it at any depth with one read; order is only asked for when the best level
 * empties, and then sixteen keys are compared at once. Key: a price that grows towards the best on
 * both sides.
 *
 * Both indices are hashed so that neighbours stay neighbours. Venues hand out references nearly in
 * sequence, mostly in steps of 4: 32 of a partition share two cache lines of heads. Prices of one
 * side lie a cent or more apart: 16 neighbouring cents share one line. */
#pragma once

#include <immintrin.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/book/book.h"

#define CACHE_LINE     64u
#define ENTRIES_MIN    4u
#define CLASS_COUNT    12u /* blocks of 4 … 8,192 entries */
#define FRONT          16u
#define NO_KEY         INT32_MIN /* below every key */
#define CHAIN_MAX      32u       /* orders, or levels, that may share a head */
#define CENT           100u
#define REFERENCE_NEAR 32u /* neighbours in one group of heads */
#define CENTS_NEAR     16u

_Static_assert(ENTRIES_MIN << (CLASS_COUNT - 1) == RW_BOOK_SIDE_LEVELS_MAX,
               "the classes end there");

struct order {
    uint64_t reference;
    uint32_t shares;
    uint32_t level;
    uint32_t next, previous; /* in the level's queue; next also chains the free orders */
    uint32_t chain;          /* the next order of the same head */
    uint32_t reserved;
};
_Static_assert(sizeof(struct order) == 32, "two orders a cache line, none across two");

struct level {
    int32_t price;
    uint16_t locate;
    uint16_t side_place; /* side in bit 15; below FRONT: in the front, else FRONT + in the back */
    uint64_t quantity;
    uint32_t orders;
    uint32_t first, last; /* the queue; first also chains the free levels */
    uint32_t chain;       /* the next level of the same head */
};
_Static_assert(sizeof(struct level) == 32, "two levels a cache line, none across two");

/* An empty place has NO_KEY. */
struct front {
    int32_t keys[FRONT];
    uint32_t levels[FRONT]; /* levels[0] also chains the free fronts */
};
_Static_assert(sizeof(struct front) == 2 * CACHE_LINE, "compared a line at a time");

/* An entry of a back; the backs are blocks of the slab `entries`. */
struct entry {
    int32_t key;
    uint32_t level; /* also chains the free blocks: index + 1 of the next one's first entry */
};

struct side {
    int32_t floor;   /* no key of the back is above, all of the front are; NO_KEY without a back */
    uint32_t front;  /* 0: the side is empty */
    uint32_t offset; /* of the back's block, when has_back */
    uint16_t back;   /* entries in it */
    uint8_t class;
    bool has_back;
};

struct row {
    union {
        struct rw_book_instrument instrument;
        uint64_t best[2]; /* by side: quantity in the high half, price in the low one */
    };
    struct side side[2];
};
_Static_assert(sizeof(struct row) == CACHE_LINE, "a locate is one cache line");
_Static_assert(offsetof(struct rw_book_instrument, bbo) == 0 && RW_BOOK_ASK == 1 &&
                   offsetof(struct rw_book_bbo, ask_price) == 8,
               "a word a side");

struct rw_book {
    struct rw_book_cfg cfg;
    struct rw_book_counters *counters;
    struct row *rows;
    uint32_t *order_heads, *level_heads;
    struct order *orders;
    struct level *levels;
    struct front *fronts;
    struct entry *entries;
    uint32_t order_mask, level_mask;                /* of the heads */
    uint32_t orders_free, orders_used, orders_live; /* free list, high-water mark, live now */
    uint32_t levels_free, levels_used, levels_live;
    uint32_t fronts_free, fronts_used;
    uint32_t entries_max, entries_used;
    uint32_t blocks_free[CLASS_COUNT]; /* first entry + 1 of the first free block */
};

/* ---- indices -------------------------------------------------------------------------------- */

static inline uint32_t mix(uint64_t group) {
    return (uint32_t)((group * 0x9E3779B97F4A7C15ull) >> 32);
}

/* A group is 32 references that are equal in their low two bits, which tell a venue's partitions
 * apart. Its hash also stirs the place within the group, for venues whose low bits do not vary. */
static inline uint32_t *order_head(const struct rw_book *book, uint64_t reference) {
    uint64_t group = reference / (4 * REFERENCE_NEAR) << 2 | (reference & 3);
    uint32_t place = (uint32_t)(reference / 4) % REFERENCE_NEAR;
    return &book->order_heads[(mix(group) ^ place) & book->order_mask];
}

static inline uint32_t order_find(const struct rw_book *book, uint64_t reference, uint32_t head) {
    while (head && book->orders[head].reference != reference) head = book->orders[head].chain;
    return head;
}

/* A group is 16 neighbouring cents of a side; prices within a cent are apart. */
static inline uint32_t *level_head(const struct rw_book *book, uint16_t locate, uint32_t side,
                                   uint32_t price) {
    uint32_t cents = price / CENT, rest = price % CENT;
    uint64_t group = (uint64_t)(cents / CENTS_NEAR) << 24 | rest << 17 | locate << 1 | side;
    return &book->level_heads[(mix(group) ^ cents % CENTS_NEAR) & book->level_mask];
}

/* The first 8 bytes of a level tell whose it is; the place is no part of that. */
static inline uint64_t level_identity(uint16_t locate, uint32_t side, uint32_t price) {
    return price | (uint64_t)locate << 32 | (uint64_t)side << 63;
}

static inline bool level_is(const struct level *level, uint64_t identity) {
    uint64_t own;
    memcpy(&own, level, sizeof own);
    return ((own ^ identity) & 0x8000FFFFFFFFFFFFull) == 0;
}

static inline uint32_t level_find(const struct rw_book *book, uint64_t identity, uint32_t head) {
    while (head && !level_is(&book->levels[head], identity)) head = book->levels[head].chain;
    return head;
}

/* ---- sides ---------------------------------------------------------------------------------- */

static inline uint32_t level_side(const struct level *level) { return level->side_place >> 15; }
static inline uint32_t level_place(const struct level *level) {
    return level->side_place & 0x7FFFu;
}

/* price or -price; sides cannot be predicted, so without a branch. */
static inline int32_t key_of(uint32_t side, int32_t price) {
    return (price ^ -(int32_t)side) + (int32_t)side;
}

/* Which of the front's places hold a key, as bits. */
static inline uint32_t front_equal(const struct front *front, int32_t key) {
    const __m256i *keys = (const __m256i *)front->keys, wanted = _mm256_set1_epi32(key);
    __m256i low = _mm256_cmpeq_epi32(_mm256_load_si256(keys), wanted);
    __m256i high = _mm256_cmpeq_epi32(_mm256_load_si256(keys + 1), wanted);
    return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(low)) |
           (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(high)) << 8;
}

/* The largest key of a front that is not `but`: NO_KEY when there is none. */
static inline int32_t front_best(const struct front *front, int32_t but) {
    const __m256i *keys = (const __m256i *)front->keys, out = _mm256_set1_epi32(but);
    __m256i low = _mm256_load_si256(keys), high = _mm256_load_si256(keys + 1);
    __m256i none = _mm256_set1_epi32(NO_KEY);
    low = _mm256_blendv_epi8(low, none, _mm256_cmpeq_epi32(low, out));
    high = _mm256_blendv_epi8(high, none, _mm256_cmpeq_epi32(high, out));
    __m256i eight = _mm256_max_epi32(low, high);
    __m128i four = _mm_max_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
    four = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0x4E));
    return _mm_cvtsi128_si32(_mm_max_epi32(four, _mm_shuffle_epi32(four, 0xB1)));
}

/* The place of a key that is in the front. */
static inline uint32_t front_place_of(const struct front *front, int32_t key) {
    return (uint32_t)__builtin_ctz(front_equal(front, key));
}

static inline uint32_t side_depth(const struct rw_book *book, const struct side *side) {
    uint32_t empty = front_equal(&book->fronts[side->front], NO_KEY);
    return FRONT - (uint32_t)__builtin_popcount(empty) + side->back;
}

/* A side's price and quantity are written as one word: readers take them as one word right after,
 * which the processor forwards only from a store at least as wide. */
static inline uint64_t best_word(int32_t price, uint64_t quantity) {
    return (quantity > UINT32_MAX ? UINT32_MAX : quantity) << 32 | (uint32_t)price;
}

/* Makes the level of a price that its side does not have; `head` is that of its chain. Returns 0,
 * counted, when something is full. */
uint32_t rw_book_level_insert(struct rw_book *book, uint16_t locate, uint32_t side, int32_t price,
                              uint32_t *head);
/* Takes a level without orders out, and brings the side's best price up to date. */
void rw_book_level_erase(struct rw_book *book, uint32_t index);
