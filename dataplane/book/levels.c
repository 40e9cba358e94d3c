/* Price levels coming and going: the front, the back behind it, and the slab of the backs' blocks.
 *
 *   better ◄─────────────────────────────────────── keys ───────────────────────────────────► worse
 *   front, 1 … 16 in no order, all above the floor │ floor │ back, 0 … 8,191 in no order
 *
 * A full front gives its worst level to the back and raises the floor to it; an empty one takes
 * the best 8 of the back. A level knows its place, so leaving either is one write. */
#include "dataplane/book/book_memory.h"

#define REFILL 8u

/* ---- the slab ------------------------------------------------------------------------------- */

/* Takes a block of a class: a free one, or new ground, or half of a larger free one. */
static bool block_take(struct rw_book *book, uint32_t class, uint32_t *offset) {
    uint32_t from = class, size = ENTRIES_MIN << class;
    if (!book->blocks_free[class]) {
        if (book->entries_max - book->entries_used >= size) {
            *offset = book->entries_used;
            book->entries_used += size;
            return true;
        }
        while (from < CLASS_COUNT && !book->blocks_free[from]) from++;
        if (from == CLASS_COUNT) return false;
    }
    *offset = book->blocks_free[from] - 1;
    book->blocks_free[from] = book->entries[*offset].level;
    while (from > class) {
        uint32_t half = *offset + (ENTRIES_MIN << --from);
        book->entries[half].level = book->blocks_free[from];
        book->blocks_free[from] = half + 1;
    }
    return true;
}

static void block_give(struct rw_book *book, uint32_t class, uint32_t offset) {
    book->entries[offset].level = book->blocks_free[class];
    book->blocks_free[class] = offset + 1;
}

/* Moves the back to a block of another class; false when there is none. */
static bool back_resize(struct rw_book *book, struct side *side, uint32_t class) {
    uint32_t offset;
    if (class >= CLASS_COUNT || !block_take(book, class, &offset)) return false;
    if (side->has_back) {
        memcpy(&book->entries[offset], &book->entries[side->offset],
               side->back * sizeof *book->entries);
        block_give(book, side->class, side->offset);
    }
    side->offset = offset;
    side->class = (uint8_t) class;
    side->has_back = true;
    return true;
}

/* Whether the back can take one more, after growing if need be. */
static bool back_has_room(struct rw_book *book, struct side *side) {
    if (!side->has_back) return back_resize(book, side, 0);
    return side->back < ENTRIES_MIN << side->class || back_resize(book, side, side->class + 1u);
}

/* ---- places --------------------------------------------------------------------------------- */

static void put_place(struct rw_book *book, uint32_t index, uint32_t place) {
    struct level *level = &book->levels[index];
    level->side_place = (uint16_t)((level->side_place & 0x8000u) | place);
}

static void front_put(struct rw_book *book, struct front *front, uint32_t place, int32_t key,
                      uint32_t level) {
    front->keys[place] = key;
    front->levels[place] = level;
    put_place(book, level, place);
}

static void back_put(struct rw_book *book, const struct side *side, uint32_t at,
                     struct entry entry) {
    book->entries[side->offset + at] = entry;
    put_place(book, entry.level, FRONT + at);
}

static void back_append(struct rw_book *book, struct side *side, int32_t key, uint32_t level) {
    back_put(book, side, side->back++, (struct entry){.key = key, .level = level});
    if (key > side->floor) side->floor = key;
}

/* Closes the hole at `at` with the last entry. */
static void back_remove(struct rw_book *book, struct side *side, uint32_t at) {
    if (at != --side->back) back_put(book, side, at, book->entries[side->offset + side->back]);
}

/* Gives memory back; after removals. */
static void back_shrink(struct rw_book *book, struct side *side) {
    if (side->back == 0) {
        block_give(book, side->class, side->offset);
        side->has_back = false;
        side->floor = NO_KEY;
    } else if (side->class > 0 && side->back < (ENTRIES_MIN << side->class) / 4) {
        back_resize(book, side, side->class - 1u);
    }
}

/* ---- the front ------------------------------------------------------------------------------ */

/* The smallest of sixteen keys, halving the vector each time, as front_best. */
static inline int32_t front_worst(const struct front *front) {
    const __m256i *keys = (const __m256i *)front->keys;
    __m256i eight = _mm256_min_epi32(_mm256_load_si256(keys), _mm256_load_si256(keys + 1));
    __m128i four = _mm_min_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
    four = _mm_min_epi32(four, _mm_shuffle_epi32(four, 0x4E));
    return _mm_cvtsi128_si32(_mm_min_epi32(four, _mm_shuffle_epi32(four, 0xB1)));
}

static void front_take(struct rw_book *book, struct side *side) {
    uint32_t index = book->fronts_free;
    if (index)
        book->fronts_free = book->fronts[index].levels[0];
    else
        index = ++book->fronts_used;
    for (uint32_t i = 0; i < FRONT; i++) book->fronts[index].keys[i] = NO_KEY;
    side->front = index;
}

static void front_give(struct rw_book *book, struct side *side) {
    book->fronts[side->front].levels[0] = book->fronts_free;
    book->fronts_free = side->front;
    side->front = 0;
}

/* The key that `count` keys of the back (1 … REFILL, and no more than it has) are not below. */
static int32_t back_threshold(const struct entry *back, uint32_t entries, uint32_t count) {
    int32_t best[REFILL]; /* falling */
    uint32_t have = 0;
    for (uint32_t i = 0; i < entries; i++) {
        if (have == count && back[i].key <= best[have - 1]) continue;
        uint32_t at = have < count ? have++ : have - 1;
        for (; at > 0 && best[at - 1] < back[i].key; at--) best[at] = best[at - 1];
        best[at] = back[i].key;
    }
    return best[count - 1];
}

/* Fills an empty front with the best of the back, which is not empty. From the end on: what closes
 * a hole has been looked at before. */
static void front_refill(struct rw_book *book, struct side *side) {
    struct front *front = &book->fronts[side->front];
    const struct entry *back = &book->entries[side->offset];
    uint32_t count = side->back < REFILL ? side->back : REFILL;
    int32_t threshold = back_threshold(back, side->back, count);
    side->floor = NO_KEY;
    for (uint32_t at = side->back; at-- > 0;) {
        if (back[at].key >= threshold) {
            front_put(book, front, --count, back[at].key, back[at].level);
            back_remove(book, side, at);
        } else if (back[at].key > side->floor) {
            side->floor = back[at].key;
        }
    }
    RW_ASSERT(count == 0);
    back_shrink(book, side);
}

/* ---- levels --------------------------------------------------------------------------------- */

/* Gives a new level its place; false when the side or the slab is full. */
static bool level_settle(struct rw_book *book, struct side *side, int32_t key, uint32_t index) {
    if (!side->front) front_take(book, side);
    struct front *front = &book->fronts[side->front];
    bool above = key > side->floor;
    uint32_t empty = front_equal(front, NO_KEY), held = FRONT - (uint32_t)__builtin_popcount(empty);
    if (held + side->back == RW_BOOK_SIDE_LEVELS_MAX) return false;
    if (above && empty) {
        front_put(book, front, (uint32_t)__builtin_ctz(empty), key, index);
        return true;
    }
    if (!back_has_room(book, side)) return false;
    int32_t worst = front_worst(front);
    if (above && key > worst) {
        uint32_t place = front_place_of(front, worst);
        back_append(book, side, worst, front->levels[place]);
        front_put(book, front, place, key, index);
    } else {
        back_append(book, side, key, index);
    }
    return true;
}

static uint32_t refuse(rw_stat *reason) {
    rw_stat_add(reason, 1);
    return 0;
}

static bool is_full(const struct rw_book *book, uint32_t head) {
    uint32_t length = 0;
    for (; head && length < CHAIN_MAX; head = book->levels[head].chain) length++;
    return length == CHAIN_MAX;
}

uint32_t rw_book_level_insert(struct rw_book *book, uint16_t locate, uint32_t side, int32_t price,
                              uint32_t *head) {
    uint32_t index = book->levels_free ? book->levels_free : book->levels_used + 1;
    if (index > book->cfg.levels_max) return refuse(&book->counters->levels_full);
    if (is_full(book, *head)) return refuse(&book->counters->index_full);
    struct level *level = &book->levels[index];
    uint32_t next_free = book->levels_free ? level->first : 0;
    *level = (struct level){
        .price = price, .locate = locate, .side_place = (uint16_t)(side << 15), .chain = *head};
    if (!level_settle(book, &book->rows[locate].side[side], key_of(side, price), index)) {
        level->first = next_free;
        return refuse(&book->counters->levels_full);
    }
    *head = index;
    book->levels_free = next_free;
    if (index > book->levels_used) book->levels_used = index;
    book->levels_live++;
    return index;
}

static void level_unchain(struct rw_book *book, uint32_t index) {
    const struct level *level = &book->levels[index];
    uint32_t *link = level_head(book, level->locate, level_side(level), (uint32_t)level->price);
    while (*link != index) link = &book->levels[*link].chain;
    *link = level->chain;
}

/* The best level of a side has left its front. */
static void find_best(struct rw_book *book, struct row *row, uint32_t side_index) {
    struct side *side = &row->side[side_index];
    const struct front *front = &book->fronts[side->front];
    int32_t best = front_best(front, NO_KEY);
    if (best == NO_KEY) {
        if (side->back == 0) {
            front_give(book, side);
            row->best[side_index] = 0;
            return;
        }
        front_refill(book, side);
        best = front_best(front, NO_KEY);
    }
    const struct level *level = &book->levels[front->levels[front_place_of(front, best)]];
    row->best[side_index] = best_word(level->price, level->quantity);
}

void rw_book_level_erase(struct rw_book *book, uint32_t index) {
    struct level *level = &book->levels[index];
    struct row *row = &book->rows[level->locate];
    uint32_t side_index = level_side(level), place = level_place(level);
    struct side *side = &row->side[side_index];
    level_unchain(book, index);
    if (place >= FRONT) {
        back_remove(book, side, place - FRONT);
        back_shrink(book, side);
    } else {
        book->fronts[side->front].keys[place] = NO_KEY;
        if (level->price == (int32_t)row->best[side_index]) find_best(book, row, side_index);
    }
    level->first = book->levels_free;
    book->levels_free = index;
    book->levels_live--;
}
