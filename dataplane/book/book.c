/* One block of memory: rows by locate, the order index, the pools of orders and levels, and the
 * slab from which the sides' sorted arrays take blocks of 4 · 2^class entries. Links are indices;
 * 0 is "none".
 *
 * The index is hashed so that neighbours stay neighbours: venues hand out references nearly in
 * sequence, mostly in steps of 4, so 128 consecutive references share four cache lines of slots,
 * and each such group goes to a place of its own. Adds then hit lines that are already loaded. */
#include "dataplane/book/book.h"

#include <string.h>

#include "dataplane/base/assert.h"

#define CACHE_LINE  64u
#define POOL_MAX    (1u << 28)
#define ENTRIES_MIN 4u
#define CLASS_COUNT 12u /* 4 … 8,192 entries */
#define WINDOW      16u /* levels from the best on that are compared at once: a cache line */

_Static_assert(ENTRIES_MIN << (CLASS_COUNT - 1) == RW_BOOK_SIDE_LEVELS_MAX,
               "the classes end there");

/* A slot of the order index; order 0 is empty. The hash saves reading the orders that do not
 * match. */
struct slot {
    uint32_t hash, order;
};

struct order {
    uint64_t reference;
    uint32_t shares;
    uint32_t level;
    uint32_t next, previous; /* in the level's queue; next also chains the free orders */
    int32_t price; /* this and the next two repeat the level's, so that its line can wait */
    uint16_t locate;
    uint8_t side;
    uint8_t reserved;
};
_Static_assert(sizeof(struct order) == 32, "two orders a cache line, none across two");

struct level {
    uint64_t quantity;
    int32_t price;
    uint32_t orders;
    uint32_t first, last; /* the queue; first also chains the free levels */
    uint16_t locate;
    uint8_t side;
    uint8_t reserved[5];
};
_Static_assert(sizeof(struct level) == 32, "two levels a cache line, none across two");

/* A sorted array: its keys are keys[offset …], the levels they stand for level_at[offset …]. A key
 * grows towards the best price on both sides. */
struct side {
    uint32_t offset; /* in the slab, when has_array */
    uint16_t count;
    uint8_t class;
    bool has_array;
};

struct row {
    union {
        struct rw_book_bbo bbo;
        uint64_t best[2]; /* by side: quantity in the high half, price in the low one */
    };
    struct side side[2];
    uint8_t symbol[RW_BOOK_SYMBOL_BYTES];
    uint8_t state;
    uint8_t reserved[23];
};
_Static_assert(sizeof(struct row) == CACHE_LINE, "a locate is one cache line");
_Static_assert(offsetof(struct rw_book_bbo, ask_price) == 8 && RW_BOOK_ASK == 1, "a word a side");

struct rw_book {
    struct rw_book_cfg cfg;
    struct rw_book_counters *counters;
    struct row *rows;
    struct slot *slots;
    struct order *orders;
    struct level *levels;
    int32_t *keys;
    uint32_t *level_at;
    uint32_t slot_mask;
    uint32_t orders_free, orders_used, orders_live; /* free list, high-water mark, live now */
    uint32_t levels_free, levels_used, levels_live;
    uint32_t entries_max, entries_used;
    uint32_t blocks_free[CLASS_COUNT]; /* offset + 1 of the first free block, chained in level_at */
};

static uint64_t line_up(uint64_t bytes) { return (bytes + CACHE_LINE - 1) & ~(CACHE_LINE - 1ull); }

static uint32_t slot_count(const struct rw_book_cfg *cfg) {
    uint32_t count = 64;
    while (count < 2 * cfg->orders_max) count *= 2;
    return count;
}

/* Each non-empty side holds at most four times its levels (it halves below a quarter) but at
 * least one smallest block; a quarter more covers blocks lying idle in other classes. */
static uint32_t entry_count(const struct rw_book_cfg *cfg) {
    uint64_t sides = 2ull * RW_BOOK_LOCATES;
    if (sides > cfg->levels_max) sides = cfg->levels_max;
    return (uint32_t)(5ull * cfg->levels_max / 2 + sides * ENTRIES_MIN +
                      2 * RW_BOOK_SIDE_LEVELS_MAX);
}

static void check_cfg(const struct rw_book_cfg *cfg) {
    RW_ASSERT(cfg->orders_max >= 1 && cfg->orders_max <= POOL_MAX);
    RW_ASSERT(cfg->levels_max >= 1 && cfg->levels_max <= POOL_MAX);
}

size_t rw_book_footprint(const struct rw_book_cfg *cfg) {
    check_cfg(cfg);
    return line_up(sizeof(struct rw_book)) + RW_BOOK_LOCATES * sizeof(struct row) +
           line_up(slot_count(cfg) * sizeof(struct slot)) +
           line_up((cfg->orders_max + 1ull) * sizeof(struct order)) +
           line_up((cfg->levels_max + 1ull) * sizeof(struct level)) +
           line_up((entry_count(cfg) + WINDOW) * sizeof(int32_t)) +
           line_up(entry_count(cfg) * sizeof(uint32_t));
}

struct rw_book *rw_book_new(void *memory, const struct rw_book_cfg *cfg,
                            struct rw_book_counters *counters) {
    check_cfg(cfg);
    RW_ASSERT(((uintptr_t)memory & (CACHE_LINE - 1)) == 0);
    RW_ASSERT(counters);
    struct rw_book *book = memory;
    uint8_t *at = (uint8_t *)memory + line_up(sizeof *book);
    memset(book, 0, sizeof *book);
    book->cfg = *cfg;
    book->counters = counters;
    book->slot_mask = slot_count(cfg) - 1;
    book->entries_max = entry_count(cfg);
    book->rows = (struct row *)at;
    at += RW_BOOK_LOCATES * sizeof(struct row);
    book->slots = (struct slot *)at;
    at += line_up(slot_count(cfg) * sizeof(struct slot));
    book->orders = (struct order *)at;
    at += line_up((cfg->orders_max + 1ull) * sizeof(struct order));
    book->levels = (struct level *)at;
    at += line_up((cfg->levels_max + 1ull) * sizeof(struct level));
    book->keys = (int32_t *)at;
    at += line_up((entry_count(cfg) + WINDOW) * sizeof(int32_t));
    book->level_at = (uint32_t *)at;
    rw_book_clear(book);
    return book;
}

void rw_book_clear(struct rw_book *book) {
    memset(book->rows, 0, RW_BOOK_LOCATES * sizeof(struct row));
    memset(book->slots, 0, (book->slot_mask + 1ull) * sizeof(struct slot));
    memset(book->blocks_free, 0, sizeof book->blocks_free);
    book->orders_free = book->orders_used = book->orders_live = 0;
    book->levels_free = book->levels_used = book->levels_live = 0;
    book->entries_used = 0;
}

/* ---- the order index ------------------------------------------------------------------------ */

/* A group is 32 references that are equal in their low two bits, which tell a venue's partitions
 * apart. */
static inline uint32_t hash_of(uint64_t reference) {
    uint64_t group = (reference >> 7 << 2 | (reference & 3)) * 0x9E3779B97F4A7C15ull;
    return ((uint32_t)(group >> 32) & ~31u) | (uint32_t)(reference >> 2 & 31);
}

/* Returns the slot that holds the reference, or the empty one where it would go. */
static inline uint32_t slot_find(const struct rw_book *book, uint64_t reference, uint32_t hash) {
    uint32_t at = hash & book->slot_mask;
    for (;; at = (at + 1) & book->slot_mask) {
        const struct slot *slot = &book->slots[at];
        if (slot->order == 0) return at;
        if (slot->hash == hash && book->orders[slot->order].reference == reference) return at;
    }
}

/* Closes the hole by moving back every follower that may stand there, so no tombstones are
 * needed. */
static void slot_erase(struct rw_book *book, uint32_t hole) {
    struct slot *slots = book->slots;
    uint32_t mask = book->slot_mask;
    for (uint32_t at = (hole + 1) & mask; slots[at].order; at = (at + 1) & mask) {
        uint32_t displaced = (at - slots[at].hash) & mask;
        if (displaced < ((at - hole) & mask)) continue;
        slots[hole] = slots[at];
        hole = at;
    }
    slots[hole].order = 0;
}

/* ---- the sides' arrays ---------------------------------------------------------------------- */

static inline uint32_t side_capacity(const struct side *side) {
    return side->has_array ? ENTRIES_MIN << side->class : 0;
}

static inline int32_t key_of(uint32_t side, int32_t price) {
    return side == RW_BOOK_BID ? price : -price;
}

/* Takes a block of a class: a free one, or new ground, or half of a larger free one. */
static bool block_take(struct rw_book *book, uint32_t class, uint32_t *offset) {
    uint32_t bytes_class = class;
    if (!book->blocks_free[class]) {
        uint32_t size = ENTRIES_MIN << class;
        if (book->entries_max - book->entries_used >= size) {
            *offset = book->entries_used;
            book->entries_used += size;
            return true;
        }
        while (bytes_class < CLASS_COUNT && !book->blocks_free[bytes_class]) bytes_class++;
        if (bytes_class == CLASS_COUNT) return false;
    }
    *offset = book->blocks_free[bytes_class] - 1;
    book->blocks_free[bytes_class] = book->level_at[*offset];
    while (bytes_class > class) {
        uint32_t half = *offset + (ENTRIES_MIN << --bytes_class);
        book->level_at[half] = book->blocks_free[bytes_class];
        book->blocks_free[bytes_class] = half + 1;
    }
    return true;
}

static void block_give(struct rw_book *book, uint32_t class, uint32_t offset) {
    book->level_at[offset] = book->blocks_free[class];
    book->blocks_free[class] = offset + 1;
}

/* Moves the array to a block of another class; false when there is none. */
static bool side_resize(struct rw_book *book, struct side *side, uint32_t class) {
    uint32_t offset;
    if (class >= CLASS_COUNT || !block_take(book, class, &offset)) return false;
    if (side->has_array) {
        memcpy(&book->keys[offset], &book->keys[side->offset], side->count * sizeof *book->keys);
        memcpy(&book->level_at[offset], &book->level_at[side->offset],
               side->count * sizeof *book->level_at);
        block_give(book, side->class, side->offset);
    }
    side->offset = offset;
    side->class = (uint8_t) class;
    side->has_array = true;
    return true;
}

/* Counts the keys ≥ key among the best WINDOW, without a branch: where a price falls among them
 * cannot be predicted. A shorter array lets it look at keys behind its end, which are masked. */
static inline uint32_t count_better(const int32_t *keys, uint32_t start, uint32_t count,
                                    int32_t key) {
    uint32_t better = 0;
    for (uint32_t i = 0; i < WINDOW; i++)
        better += (uint32_t)((keys[start + i] >= key) & (start + i < count));
    return better;
}

/* Returns the first position from the worst end whose key is ≥ key: its own, or where it belongs.
 */
static inline uint32_t side_search(const int32_t *keys, uint32_t count, int32_t key) {
    uint32_t start = count > WINDOW ? count - WINDOW : 0;
    uint32_t better = count_better(keys, start, count, key);
    if (better < WINDOW || start == 0) return count - better;
    uint32_t low = 0, high = start;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (keys[middle] < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Writes a side's price and quantity as one word: readers take them as one word right after,
 * which the processor forwards only from a store at least as wide. */
static void refresh_bbo(const struct rw_book *book, struct row *row, uint32_t side_index) {
    const struct side *side = &row->side[side_index];
    uint32_t price = 0, quantity = 0;
    if (side->count) {
        const struct level *level = &book->levels[book->level_at[side->offset + side->count - 1]];
        price = (uint32_t)level->price;
        quantity = level->quantity > UINT32_MAX ? UINT32_MAX : (uint32_t)level->quantity;
    }
    row->best[side_index] = (uint64_t)quantity << 32 | price;
}

static inline int32_t best_price(const struct row *row, uint32_t side_index) {
    return (int32_t)row->best[side_index];
}

/* Makes the level of a price at a position of the side's array; 0 when something is full. */
static uint32_t level_insert(struct rw_book *book, uint16_t locate, uint32_t side_index,
                             uint32_t position, int32_t price) {
    struct side *side = &book->rows[locate].side[side_index];
    if (!book->levels_free && book->levels_used == book->cfg.levels_max) return 0;
    if (side->count == side_capacity(side) &&
        !side_resize(book, side, side->has_array ? side->class + 1u : 0))
        return 0;
    uint32_t index = book->levels_free;
    if (index)
        book->levels_free = book->levels[index].first;
    else
        index = ++book->levels_used;
    book->levels_live++;
    book->levels[index] =
        (struct level){.price = price, .locate = locate, .side = (uint8_t)side_index};
    int32_t *keys = &book->keys[side->offset + position];
    uint32_t *level_at = &book->level_at[side->offset + position], moved = side->count - position;
    memmove(keys + 1, keys, moved * sizeof *keys);
    memmove(level_at + 1, level_at, moved * sizeof *level_at);
    *keys = key_of(side_index, price);
    *level_at = index;
    side->count++;
    return index;
}

static void level_erase(struct rw_book *book, uint32_t index) {
    struct level *level = &book->levels[index];
    struct side *side = &book->rows[level->locate].side[level->side];
    int32_t *keys = &book->keys[side->offset];
    uint32_t *level_at = &book->level_at[side->offset];
    uint32_t position = side_search(keys, side->count, key_of(level->side, level->price));
    RW_ASSERT(position < side->count && level_at[position] == index);
    uint32_t moved = side->count - position - 1u;
    memmove(&keys[position], &keys[position + 1], moved * sizeof *keys);
    memmove(&level_at[position], &level_at[position + 1], moved * sizeof *level_at);
    side->count--;
    level->first = book->levels_free;
    book->levels_free = index;
    book->levels_live--;
    if (side->count == 0) {
        block_give(book, side->class, side->offset);
        side->has_array = false;
    } else if (side->class > 0 && side->count < side_capacity(side) / 4) {
        side_resize(book, side, side->class - 1u);
    }
}

/* ---- orders --------------------------------------------------------------------------------- */

/* Takes shares off an order that `slot` holds and removes it when none are left. */
static void order_take(struct rw_book *book, uint32_t slot, uint32_t shares) {
    uint32_t index = book->slots[slot].order;
    struct order *order = &book->orders[index];
    struct level *level = &book->levels[order->level];
    struct row *row = &book->rows[order->locate];
    uint32_t side_index = order->side;
    bool was_best = order->price == best_price(row, side_index);
    level->quantity -= shares;
    order->shares -= shares;
    if (order->shares == 0) {
        /* order 0 is nobody's: it takes the links that lead nowhere, which saves two guesses */
        book->orders[order->previous].next = order->next;
        book->orders[order->next].previous = order->previous;
        level->first = order->previous ? level->first : order->next;
        level->last = order->next ? level->last : order->previous;
        if (--level->orders == 0) level_erase(book, order->level);
        slot_erase(book, slot);
        order->next = book->orders_free;
        book->orders_free = index;
        book->orders_live--;
        rw_stat_add(&book->counters->orders_removed, 1);
    }
    if (was_best) refresh_bbo(book, row, side_index);
}

static void order_tell(const struct rw_book *book, uint32_t index, struct rw_book_order *told) {
    const struct order *order = &book->orders[index];
    *told = (struct rw_book_order){.reference = order->reference,
                                   .locate = order->locate,
                                   .side = order->side,
                                   .price = order->price,
                                   .shares = order->shares};
}

/* Finds the order a message names and tells it; false, counted, when it is not this locate's. */
static bool order_named(struct rw_book *book, uint16_t locate, uint64_t reference, uint32_t *slot,
                        struct rw_book_order *told) {
    *slot = slot_find(book, reference, hash_of(reference));
    if (book->slots[*slot].order == 0) {
        rw_stat_add(&book->counters->unknown_reference, 1);
        return false;
    }
    order_tell(book, book->slots[*slot].order, told);
    if (told->locate == locate) return true;
    rw_stat_add(&book->counters->foreign_locate, 1);
    return false;
}

static bool refuse(rw_stat *reason) {
    rw_stat_add(reason, 1);
    return false;
}

bool rw_book_add(struct rw_book *book, uint16_t locate, uint64_t reference, enum rw_book_side side,
                 uint32_t shares, uint32_t price) {
    if (shares == 0 || price > INT32_MAX) return refuse(&book->counters->bad_order);
    uint32_t hash = hash_of(reference);
    struct slot *slot = &book->slots[slot_find(book, reference, hash)];
    if (slot->order) return refuse(&book->counters->duplicate_reference);
    uint32_t index = book->orders_free;
    if (!index && book->orders_used == book->cfg.orders_max)
        return refuse(&book->counters->orders_full);

    struct row *row = &book->rows[locate];
    struct side *in = &row->side[side];
    const int32_t *keys = &book->keys[in->offset];
    int32_t key = key_of(side, (int32_t)price);
    uint32_t position = side_search(keys, in->count, key), level_index;
    if (position < in->count && keys[position] == key) {
        level_index = book->level_at[in->offset + position];
    } else {
        level_index = level_insert(book, locate, side, position, (int32_t)price);
        if (!level_index) return refuse(&book->counters->levels_full);
    }
    if (index)
        book->orders_free = book->orders[index].next;
    else
        index = ++book->orders_used;
    book->orders_live++;

    struct level *level = &book->levels[level_index];
    book->orders[index] = (struct order){.reference = reference,
                                         .shares = shares,
                                         .level = level_index,
                                         .previous = level->last,
                                         .price = (int32_t)price,
                                         .locate = locate,
                                         .side = (uint8_t)side};
    book->orders[level->last].next = index; /* order 0 when the queue is empty */
    level->first = level->last ? level->first : index;
    level->last = index;
    level->quantity += shares;
    level->orders++;
    *slot = (struct slot){.hash = hash, .order = index};
    if (position + 1u >= in->count) refresh_bbo(book, row, side);
    rw_stat_add(&book->counters->orders_added, 1);
    return true;
}

bool rw_book_find(const struct rw_book *book, uint64_t reference, struct rw_book_order *order) {
    uint32_t index = book->slots[slot_find(book, reference, hash_of(reference))].order;
    if (index) order_tell(book, index, order);
    return index != 0;
}

bool rw_book_reduce(struct rw_book *book, uint16_t locate, uint64_t reference, uint32_t shares,
                    struct rw_book_order *before) {
    uint32_t slot;
    if (!order_named(book, locate, reference, &slot, before)) return false;
    if (shares > before->shares) {
        rw_stat_add(&book->counters->excess_reduction, 1);
        shares = before->shares;
    }
    order_take(book, slot, shares);
    return true;
}

bool rw_book_delete(struct rw_book *book, uint16_t locate, uint64_t reference,
                    struct rw_book_order *before) {
    uint32_t slot;
    if (!order_named(book, locate, reference, &slot, before)) return false;
    order_take(book, slot, before->shares);
    return true;
}

bool rw_book_replace(struct rw_book *book, uint16_t locate, uint64_t reference,
                     uint64_t new_reference, uint32_t shares, uint32_t price,
                     struct rw_book_order *before) {
    if (!rw_book_delete(book, locate, reference, before)) return false;
    rw_book_add(book, locate, new_reference, (enum rw_book_side)before->side, shares, price);
    return true;
}

/* ---- looking -------------------------------------------------------------------------------- */

const struct rw_book_bbo *rw_book_bbo(const struct rw_book *book, uint16_t locate) {
    return &book->rows[locate].bbo;
}

uint8_t rw_book_state(const struct rw_book *book, uint16_t locate) {
    return book->rows[locate].state;
}

void rw_book_set_state(struct rw_book *book, uint16_t locate, uint8_t state) {
    book->rows[locate].state = state;
}

const uint8_t *rw_book_symbol(const struct rw_book *book, uint16_t locate) {
    return book->rows[locate].symbol;
}

bool rw_book_set_symbol(struct rw_book *book, uint16_t locate, const uint8_t symbol[8]) {
    uint8_t *kept = book->rows[locate].symbol;
    if (memcmp(kept, symbol, RW_BOOK_SYMBOL_BYTES) == 0) return false;
    memcpy(kept, symbol, RW_BOOK_SYMBOL_BYTES);
    return true;
}

uint32_t rw_book_depth(const struct rw_book *book, uint16_t locate, enum rw_book_side side) {
    return book->rows[locate].side[side].count;
}

static uint32_t level_index_at(const struct rw_book *book, uint16_t locate, enum rw_book_side side,
                               uint32_t index) {
    const struct side *in = &book->rows[locate].side[side];
    RW_ASSERT(index < in->count);
    return book->level_at[in->offset + in->count - 1 - index];
}

void rw_book_level_at(const struct rw_book *book, uint16_t locate, enum rw_book_side side,
                      uint32_t index, struct rw_book_level *level) {
    const struct level *at = &book->levels[level_index_at(book, locate, side, index)];
    *level =
        (struct rw_book_level){.price = at->price, .orders = at->orders, .quantity = at->quantity};
}

uint32_t rw_book_queue(const struct rw_book *book, uint16_t locate, enum rw_book_side side,
                       uint32_t index, struct rw_book_order *orders, uint32_t max) {
    uint32_t count = 0;
    uint32_t at = book->levels[level_index_at(book, locate, side, index)].first;
    for (; at && count < max; at = book->orders[at].next) order_tell(book, at, &orders[count++]);
    return count;
}

uint32_t rw_book_live(const struct rw_book *book) { return book->orders_live; }
uint32_t rw_book_live_levels(const struct rw_book *book) { return book->levels_live; }

void rw_book_prefetch(const struct rw_book *book, uint16_t locate, uint64_t reference) {
    __builtin_prefetch(&book->slots[hash_of(reference) & book->slot_mask]);
    __builtin_prefetch(&book->rows[locate]);
}

/* Finds an order without reading orders: a slot of the same hash in the first cache line of its
 * probe. A wrong one costs a useless prefetch. */
static inline uint32_t likely_order(const struct rw_book *book, uint64_t reference) {
    uint32_t hash = hash_of(reference), at = hash & book->slot_mask;
    do {
        const struct slot *slot = &book->slots[at];
        if (slot->hash == hash) return slot->order;
    } while (++at & 7);
    return 0;
}

void rw_book_prefetch_order(const struct rw_book *book, uint64_t reference) {
    __builtin_prefetch(&book->orders[likely_order(book, reference)], 1);
}

void rw_book_prefetch_side(const struct rw_book *book, uint16_t locate, enum rw_book_side side) {
    const struct side *in = &book->rows[locate].side[side];
    uint32_t best = in->offset + in->count;
    __builtin_prefetch(&book->keys[best], 1);
    __builtin_prefetch(&book->keys[best - (best < WINDOW ? best : WINDOW)], 1);
    __builtin_prefetch(&book->level_at[best], 1);
}

void rw_book_prefetch_price(const struct rw_book *book, uint16_t locate, enum rw_book_side side,
                            uint32_t price) {
    const struct side *in = &book->rows[locate].side[side];
    uint32_t start = in->count > WINDOW ? in->count - WINDOW : 0;
    uint32_t better =
        count_better(&book->keys[in->offset], start, in->count, key_of(side, (int32_t)price));
    if (better == 0) return;
    const struct level *level = &book->levels[book->level_at[in->offset + in->count - better]];
    __builtin_prefetch(level, 1);
}

void rw_book_prefetch_level(const struct rw_book *book, uint64_t reference) {
    const struct order *order = &book->orders[likely_order(book, reference)];
    __builtin_prefetch(&book->levels[order->level], 1);
    __builtin_prefetch(&book->orders[order->previous], 1);
    __builtin_prefetch(&book->orders[order->next], 1);
    rw_book_prefetch_side(book, order->locate, order->side);
}

/* ---- the whole, checked --------------------------------------------------------------------- */

static uint32_t check_level(const struct rw_book *book, uint32_t index) {
    const struct level *level = &book->levels[index];
    uint64_t quantity = 0;
    uint32_t count = 0, previous = 0;
    for (uint32_t at = level->first; at; at = book->orders[at].next) {
        const struct order *order = &book->orders[at];
        RW_ASSERT(order->level == index && order->previous == previous && order->shares > 0);
        RW_ASSERT(order->price == level->price && order->locate == level->locate);
        RW_ASSERT(order->side == level->side);
        uint32_t slot = slot_find(book, order->reference, hash_of(order->reference));
        RW_ASSERT(book->slots[slot].order == at);
        quantity += order->shares;
        previous = at;
        count++;
    }
    RW_ASSERT(count > 0 && count == level->orders);
    RW_ASSERT(quantity == level->quantity && previous == level->last);
    return count;
}

/* Returns the orders of a side that is not empty. */
static uint32_t check_side(const struct rw_book *book, uint32_t locate, uint32_t side_index) {
    const struct row *row = &book->rows[locate];
    const struct side *side = &row->side[side_index];
    const int32_t *keys = &book->keys[side->offset];
    struct row fresh = *row;
    uint32_t orders = 0;
    RW_ASSERT(side->has_array && side->count <= side_capacity(side));
    for (uint32_t i = 0; i < side->count; i++) {
        uint32_t index = book->level_at[side->offset + i];
        const struct level *level = &book->levels[index];
        RW_ASSERT(i == 0 || keys[i - 1] < keys[i]);
        RW_ASSERT(level->locate == locate && level->side == side_index);
        RW_ASSERT(keys[i] == key_of(side_index, level->price));
        orders += check_level(book, index);
    }
    refresh_bbo(book, &fresh, side_index);
    RW_ASSERT(fresh.best[side_index] == row->best[side_index]);
    return orders;
}

void rw_book_check(const struct rw_book *book) {
    uint32_t orders = 0, levels = 0;
    for (uint32_t locate = 0; locate < RW_BOOK_LOCATES; locate++) {
        const struct row *row = &book->rows[locate];
        for (uint32_t s = 0; s < 2; s++) {
            levels += row->side[s].count;
            if (row->side[s].count)
                orders += check_side(book, locate, s);
            else
                RW_ASSERT(!row->side[s].has_array && row->best[s] == 0);
        }
    }
    RW_ASSERT(orders == book->orders_live && levels == book->levels_live);
}
