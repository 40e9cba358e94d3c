/* Looking into the books, and the check of the whole. */
#include "dataplane/book/book_memory.h"

const struct rw_book_instrument *rw_book_instrument(const struct rw_book *book, uint16_t locate) {
    return &book->rows[locate].instrument;
}

const struct rw_book_bbo *rw_book_bbo(const struct rw_book *book, uint16_t locate) {
    return &book->rows[locate].instrument.bbo;
}

const uint8_t *rw_book_symbol(const struct rw_book *book, uint16_t locate) {
    return book->rows[locate].instrument.symbol;
}

void rw_book_set_state(struct rw_book *book, uint16_t locate, uint8_t state) {
    book->rows[locate].instrument.state = state;
}

bool rw_book_set_symbol(struct rw_book *book, uint16_t locate, const uint8_t symbol[8]) {
    uint8_t *kept = book->rows[locate].instrument.symbol;
    if (memcmp(kept, symbol, RW_BOOK_SYMBOL_BYTES) == 0) return false;
    memcpy(kept, symbol, RW_BOOK_SYMBOL_BYTES);
    return true;
}

uint32_t rw_book_live(const struct rw_book *book) { return book->orders_live; }
uint32_t rw_book_live_levels(const struct rw_book *book) { return book->levels_live; }

/* ---- levels in order ------------------------------------------------------------------------ */

uint32_t rw_book_depth(const struct rw_book *book, uint16_t locate, enum rw_book_side side) {
    return side_depth(book, &book->rows[locate].side[side]);
}

/* How many keys of a side are not below a key. */
static uint32_t count_from(const struct rw_book *book, const struct side *side, int32_t key) {
    const struct front *front = &book->fronts[side->front];
    const struct entry *back = &book->entries[side->offset];
    uint32_t count = 0;
    for (uint32_t i = 0; i < FRONT; i++) count += front->keys[i] >= key;
    for (uint32_t i = 0; i < side->back; i++) count += back[i].key >= key;
    return count;
}

/* The key of the level at an index from the best on, by halving the range of keys: the largest one
 * that index + 1 keys are not below. */
static int32_t key_at(const struct rw_book *book, const struct side *side, uint32_t index) {
    int64_t low = NO_KEY + 1, high = INT32_MAX;
    while (low < high) {
        int64_t middle = low + (high - low + 1) / 2;
        if (count_from(book, side, (int32_t)middle) > index)
            low = middle;
        else
            high = middle - 1;
    }
    return (int32_t)low;
}

static void tell(const struct level *level, struct rw_book_level *told) {
    *told = (struct rw_book_level){
        .price = level->price, .orders = level->orders, .quantity = level->quantity};
}

/* Sorts levels from the best on, in place, without recursion or memory (Shell, with gaps that
 * nearly halve). */
static void sort_levels(struct rw_book_level *levels, uint32_t count, uint32_t side) {
    for (uint32_t gap = count / 2; gap > 0; gap = gap == 2 ? 1 : gap * 5 / 11) {
        for (uint32_t i = gap; i < count; i++) {
            struct rw_book_level moved = levels[i];
            uint32_t at = i;
            for (; at >= gap; at -= gap) {
                if (key_of(side, levels[at - gap].price) >= key_of(side, moved.price)) break;
                levels[at] = levels[at - gap];
            }
            levels[at] = moved;
        }
    }
}

uint32_t rw_book_levels(const struct rw_book *book, uint16_t locate, enum rw_book_side side_index,
                        struct rw_book_level *levels, uint32_t max) {
    const struct side *side = &book->rows[locate].side[side_index];
    const struct front *front = &book->fronts[side->front];
    const struct entry *back = &book->entries[side->offset];
    uint32_t depth = side_depth(book, side), count = 0;
    if (depth == 0 || max == 0) return 0;
    int32_t least = max < depth ? key_at(book, side, max - 1) : NO_KEY + 1;
    for (uint32_t i = 0; i < FRONT; i++)
        if (front->keys[i] >= least) tell(&book->levels[front->levels[i]], &levels[count++]);
    for (uint32_t i = 0; i < side->back; i++)
        if (back[i].key >= least) tell(&book->levels[back[i].level], &levels[count++]);
    sort_levels(levels, count, side_index);
    return count;
}

static const struct level *level_at(const struct rw_book *book, uint16_t locate,
                                    enum rw_book_side side, uint32_t index) {
    const struct row *row = &book->rows[locate];
    RW_ASSERT(index < rw_book_depth(book, locate, side));
    uint32_t price = (uint32_t)row->best[side];
    if (index > 0) price = (uint32_t)key_of(side, key_at(book, &row->side[side], index));
    return &book->levels[level_find(book, level_identity(locate, side, price),
                                    *level_head(book, locate, side, price))];
}

void rw_book_level_at(const struct rw_book *book, uint16_t locate, enum rw_book_side side,
                      uint32_t index, struct rw_book_level *level) {
    tell(level_at(book, locate, side, index), level);
}

uint32_t rw_book_queue(const struct rw_book *book, uint16_t locate, enum rw_book_side side,
                       uint32_t index, struct rw_book_order *orders, uint32_t max) {
    const struct level *level = level_at(book, locate, side, index);
    uint32_t count = 0;
    for (uint32_t at = level->first; at && count < max; at = book->orders[at].next)
        orders[count++] = (struct rw_book_order){.reference = book->orders[at].reference,
                                                 .locate = locate,
                                                 .side = (uint8_t)side,
                                                 .price = level->price,
                                                 .shares = book->orders[at].shares};
    return count;
}

/* ---- the whole, checked --------------------------------------------------------------------- */

static uint32_t check_level(const struct rw_book *book, uint32_t index, uint32_t locate,
                            uint32_t side, uint32_t place, int32_t key) {
    const struct level *level = &book->levels[index];
    uint64_t quantity = 0;
    uint32_t count = 0, previous = 0;
    RW_ASSERT(level->locate == locate && level_side(level) == side);
    RW_ASSERT(level_place(level) == place && key_of(side, level->price) == key);
    uint32_t head = *level_head(book, (uint16_t)locate, side, (uint32_t)level->price);
    uint64_t identity = level_identity((uint16_t)locate, side, (uint32_t)level->price);
    RW_ASSERT(level_find(book, identity, head) == index);
    for (uint32_t at = level->first; at; at = book->orders[at].next) {
        const struct order *order = &book->orders[at];
        RW_ASSERT(order->level == index && order->previous == previous && order->shares > 0);
        RW_ASSERT(order_find(book, order->reference, *order_head(book, order->reference)) == at);
        quantity += order->shares;
        previous = at;
        count++;
    }
    RW_ASSERT(count > 0 && count == level->orders);
    RW_ASSERT(quantity == level->quantity && previous == level->last);
    return count;
}

/* Returns the orders of a side. */
static uint32_t check_side(const struct rw_book *book, uint32_t locate, uint32_t side_index) {
    const struct row *row = &book->rows[locate];
    const struct side *side = &row->side[side_index];
    const struct front *front = &book->fronts[side->front];
    uint32_t orders = 0;
    int32_t best = NO_KEY;
    if (side->front == 0) {
        RW_ASSERT(!side->has_back && side->back == 0 && side->floor == NO_KEY);
        RW_ASSERT(row->best[side_index] == 0);
        return 0;
    }
    for (uint32_t i = 0; i < FRONT; i++) {
        if (front->keys[i] == NO_KEY) continue;
        RW_ASSERT(front->keys[i] > side->floor);
        if (front->keys[i] > best) best = front->keys[i];
        orders += check_level(book, front->levels[i], locate, side_index, i, front->keys[i]);
    }
    RW_ASSERT(best != NO_KEY);
    RW_ASSERT(side->has_back == (side->back > 0) && (side->has_back || side->floor == NO_KEY));
    RW_ASSERT(side->back <= ENTRIES_MIN << side->class);
    for (uint32_t i = 0; i < side->back; i++) {
        const struct entry *entry = &book->entries[side->offset + i];
        RW_ASSERT(entry->key <= side->floor);
        orders += check_level(book, entry->level, locate, side_index, FRONT + i, entry->key);
    }
    const struct level *level =
        &book->levels[front->levels[__builtin_ctz(front_equal(front, best))]];
    RW_ASSERT(best_word(level->price, level->quantity) == row->best[side_index]);
    return orders;
}

/* Whether both sides are as they were made; most locates are, and there are many. */
static bool is_blank(const struct row *row) {
    const struct side *bid = &row->side[RW_BOOK_BID], *ask = &row->side[RW_BOOK_ASK];
    uint64_t used = row->best[RW_BOOK_BID] | row->best[RW_BOOK_ASK] | bid->front | ask->front;
    used |= bid->back | ask->back | bid->has_back | ask->has_back;
    used |= (uint32_t)(bid->floor ^ NO_KEY) | (uint32_t)(ask->floor ^ NO_KEY);
    return used == 0;
}

void rw_book_check(const struct rw_book *book) {
    uint32_t orders = 0, levels = 0;
    for (uint32_t locate = 0; locate < RW_BOOK_LOCATES; locate++) {
        if (is_blank(&book->rows[locate])) continue;
        for (uint32_t side = 0; side < 2; side++) {
            const struct side *of = &book->rows[locate].side[side];
            if (of->front) levels += side_depth(book, of);
            orders += check_side(book, locate, side);
        }
    }
    RW_ASSERT(orders == book->orders_live && levels == book->levels_live);
    for (uint32_t i = 0; i < FRONT; i++) RW_ASSERT(book->fronts[0].keys[i] == NO_KEY);
    RW_ASSERT(book->levels[0].orders == 0);
}
