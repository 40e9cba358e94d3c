/* Loading what coming messages will need, in passes over all of them. Each pass reads what the
 * one before has asked for, and asks for every message before it waits for any: some hundred cache
 * lines are then on their way at once, and memory is fast only so. Adds and the others are two
 * lists, so that no pass has to guess what a message is. */
#include "dataplane/book/book_memory.h"

/* To be written, as nearly all of them are. */
static inline void load(const void *line) { __builtin_prefetch(line, 1); }

static inline void load_add_heads(const struct rw_book *book, struct rw_book_coming_order *add) {
    uint32_t *head = order_head(book, add->reference);
    uint32_t *level = level_head(book, add->locate, add->side, add->price);
    add->order = (uint32_t)(head - book->order_heads);
    add->level = (uint32_t)(level - book->level_heads);
    load(head);
    load(level);
}

static void load_heads(const struct rw_book *book, struct rw_book_coming *coming) {
    for (uint32_t i = 0; i < coming->named.count; i++) {
        struct rw_book_coming_order *named = &coming->named.order[i];
        uint32_t *head = order_head(book, named->reference);
        named->order = (uint32_t)(head - book->order_heads);
        load(head);
        load(&book->rows[named->locate]);
    }
    for (uint32_t i = 0; i < coming->adds.count; i++) {
        struct rw_book_coming_order *add = &coming->adds.order[i];
        load_add_heads(book, add);
        load(&book->rows[add->locate]);
    }
}

/* The level an order goes to; a new one (0) looks for a place in front and back. */
static inline void load_destination(const struct rw_book *book, struct rw_book_coming_order *add,
                                    uint32_t level) {
    add->level = level;
    load(&book->levels[level]);
    const struct side *side = &book->rows[add->locate].side[add->side];
    uint32_t if_new = -(uint32_t)(level == 0);
    const struct front *front = &book->fronts[side->front & if_new];
    load(front->keys);
    load(front->levels);
    load(&book->entries[(side->offset + side->back) & if_new]);
}

/* Whether an add's reference is held already can only be seen in the orders of its head. The side
 * of a replacement is known when its order is found, but the best prices tell it before. */
static void load_orders(const struct rw_book *book, struct rw_book_coming *coming) {
    for (uint32_t i = 0; i < coming->named.count; i++) {
        struct rw_book_coming_order *named = &coming->named.order[i];
        named->order = book->order_heads[named->order];
        load(&book->orders[named->order]);
    }
    for (uint32_t i = 0; i < coming->adds.count; i++) {
        struct rw_book_coming_order *add = &coming->adds.order[i];
        add->order = book->order_heads[add->order];
        load(&book->orders[add->order]);
        load_destination(book, add, book->level_heads[add->level]);
    }
    for (uint32_t i = 0; i < coming->replaced.count; i++) {
        struct rw_book_coming_order *add = &coming->replaced.order[i];
        const struct rw_book_bbo *bbo = &book->rows[add->locate].instrument.bbo;
        int64_t spread = (int64_t)bbo->bid_price + bbo->ask_price;
        add->side = 2 * (int64_t)add->price > spread ? RW_BOOK_ASK : RW_BOOK_BID;
        load_add_heads(book, add);
    }
}

static inline void load_level(const struct rw_book *book, struct rw_book_coming_order *named) {
    const struct order *order = &book->orders[named->order];
    named->level = order->level;
    load(&book->levels[order->level]);
    load(&book->orders[order->previous]);
    load(&book->orders[order->next]);
}

/* The first of a head's chain is nearly always the one that is looked for. For the others the
 * second one is tried: the index of their messages is put into `strays`. */
static uint32_t load_levels(const struct rw_book *book, struct rw_book_coming *coming,
                            uint32_t *strays) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < coming->named.count; i++) {
        struct rw_book_coming_order *named = &coming->named.order[i];
        strays[count] = i;
        count += book->orders[named->order].reference != named->reference;
        load_level(book, named);
    }
    for (uint32_t i = 0; i < count; i++) {
        struct rw_book_coming_order *named = &coming->named.order[strays[i]];
        named->order = book->orders[named->order].chain;
        load(&book->orders[named->order]);
    }
    return count;
}

static inline void load_end(const struct rw_book *book, const struct rw_book_coming_order *add) {
    load(&book->orders[book->levels[add->level].last]);
}

/* The same for the levels of adds, whose queue's end is needed. */
static uint32_t load_ends(const struct rw_book *book, struct rw_book_coming *coming,
                          uint32_t *strays) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < coming->adds.count; i++) {
        struct rw_book_coming_order *add = &coming->adds.order[i];
        uint64_t identity = level_identity(add->locate, add->side, add->price);
        strays[count] = i;
        count += !level_is(&book->levels[add->level], identity);
        load_end(book, add);
        load(&book->orders[book->orders[add->order].chain]);
    }
    for (uint32_t i = 0; i < count; i++) {
        struct rw_book_coming_order *add = &coming->adds.order[strays[i]];
        load_destination(book, add, book->levels[add->level].chain);
    }
    for (uint32_t i = 0; i < coming->replaced.count; i++) {
        struct rw_book_coming_order *add = &coming->replaced.order[i];
        load(&book->orders[book->order_heads[add->order]]);
        load_destination(book, add, book->level_heads[add->level]);
    }
    return count;
}

/* A level with one order will most likely empty: it leaves its chain and its place. */
static uint32_t load_places(const struct rw_book *book, struct rw_book_coming *coming) {
    struct rw_book_coming_order *named = coming->named.order;
    uint32_t count = 0;
    for (uint32_t i = 0; i < coming->named.count; i++) {
        uint32_t level = named[i].level;
        named[count].level = level;
        count += book->levels[level].orders == 1;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct level *level = &book->levels[named[i].level];
        const struct side *side = &book->rows[level->locate].side[level_side(level)];
        const struct entry *back = &book->entries[side->offset];
        uint32_t place = level_place(level);
        const void *places[] = {&back[place - FRONT], book->fronts[side->front].keys};
        const void *others[] = {&back[side->back - 1u], book->fronts[side->front].levels};
        load(places[place < FRONT]);
        load(others[place < FRONT]);
        load(level_head(book, level->locate, level_side(level), (uint32_t)level->price));
    }
    return count;
}

/* What takes the place of a level that empties: in front the next best, in the back the last. */
static void load_followers(const struct rw_book *book, const struct rw_book_coming *coming,
                           uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        const struct level *level = &book->levels[coming->named.order[i].level];
        uint32_t side_index = level_side(level), place = level_place(level);
        const struct side *side = &book->rows[level->locate].side[side_index];
        const struct front *front = &book->fronts[side->front];
        int32_t next = front_best(front, key_of(side_index, level->price));
        uint32_t last = side->back ? side->offset + side->back - 1u : 0;
        uint32_t in_front = front->levels[front_place_of(front, next)];
        load(&book->levels[place < FRONT ? in_front : book->entries[last].level]);
    }
}

void rw_book_prefetch(const struct rw_book *book, struct rw_book_coming *coming) {
    uint32_t strays[RW_BOOK_COMING_MAX + 1], stray_adds[RW_BOOK_COMING_MAX + 1];
    RW_ASSERT(coming->adds.count + coming->named.count <= RW_BOOK_COMING_MAX);
    load_heads(book, coming);
    load_orders(book, coming);
    uint32_t stray = load_levels(book, coming, strays);
    uint32_t stray_add = load_ends(book, coming, stray_adds);
    for (uint32_t i = 0; i < stray; i++) load_level(book, &coming->named.order[strays[i]]);
    for (uint32_t i = 0; i < stray_add; i++) load_end(book, &coming->adds.order[stray_adds[i]]);
    uint32_t emptying = load_places(book, coming);
    for (uint32_t i = 0; i < coming->replaced.count; i++)
        load_end(book, &coming->replaced.order[i]);
    load_followers(book, coming, emptying);
    coming->adds.count = coming->named.count = coming->replaced.count = 0;
}
