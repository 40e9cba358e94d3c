/* Loading what coming messages will need, in four passes over all of them. Each pass reads what the
 * one before has asked for, and asks for every message before it waits for any: some hundred cache
 * lines are then on their way at once, and memory is fast only so. Adds and the others are two
 * lists, so that no pass has to guess what a message is. */
#include "dataplane/book/book_memory.h"

/* To be written, as nearly all of them are. */
static inline void load(const void *line) { __builtin_prefetch(line, 1); }

static void load_heads(const struct rw_book *book, struct rw_book_coming *coming) {
    for (uint32_t i = 0; i < coming->named_count; i++) {
        struct rw_book_coming_order *order = &coming->named[i];
        uint32_t *head = order_head(book, order->reference);
        order->order = (uint32_t)(head - book->order_heads);
        load(head);
        load(&book->rows[order->locate]);
    }
    for (uint32_t i = 0; i < coming->add_count; i++) {
        struct rw_book_coming_order *order = &coming->adds[i];
        uint32_t *head = order_head(book, order->reference);
        uint32_t *level = level_head(book, order->locate, order->side, order->price);
        order->order = (uint32_t)(head - book->order_heads);
        order->level = (uint32_t)(level - book->level_heads);
        load(head);
        load(level);
        load(&book->rows[order->locate]);
    }
}

/* The first of a head's chain is nearly always the one that is looked for. Whether an add's
 * reference is held already can only be seen in the orders of its head. */
static void load_orders(const struct rw_book *book, struct rw_book_coming *coming) {
    for (uint32_t i = 0; i < coming->named_count; i++) {
        struct rw_book_coming_order *order = &coming->named[i];
        order->order = book->order_heads[order->order];
        load(&book->orders[order->order]);
    }
    for (uint32_t i = 0; i < coming->add_count; i++) {
        struct rw_book_coming_order *order = &coming->adds[i];
        order->level = book->level_heads[order->level];
        load(&book->orders[book->order_heads[order->order]]);
        load(&book->levels[order->level]);
        const struct side *side = &book->rows[order->locate].side[order->side];
        bool is_new = order->level == 0;
        const struct front *front = &book->fronts[side->front & -(uint32_t)is_new];
        load(front->keys); /* a new level looks for a place there */
        load(front->levels);
    }
}

static void load_levels(const struct rw_book *book, struct rw_book_coming *coming) {
    for (uint32_t i = 0; i < coming->named_count; i++) {
        const struct order *order = &book->orders[coming->named[i].order];
        coming->named[i].level = order->level;
        load(&book->levels[order->level]);
        load(&book->orders[order->previous]);
        load(&book->orders[order->next]);
    }
    for (uint32_t i = 0; i < coming->add_count; i++)
        load(&book->orders[book->levels[coming->adds[i].level].last]);
}

/* A level with one order will most likely empty: it leaves its place and its chain. */
static void load_places(const struct rw_book *book, struct rw_book_coming *coming) {
    uint32_t last_orders = 0;
    for (uint32_t i = 0; i < coming->named_count; i++) {
        uint32_t level = coming->named[i].level;
        coming->named[last_orders].level = level;
        last_orders += book->levels[level].orders == 1;
    }
    for (uint32_t i = 0; i < last_orders; i++) {
        const struct level *level = &book->levels[coming->named[i].level];
        uint32_t side_index = level_side(level), place = level_place(level);
        const struct side *side = &book->rows[level->locate].side[side_index];
        const void *places[] = {&book->entries[side->offset + place - FRONT],
                                book->fronts[side->front].keys};
        load(places[place < FRONT]);
        load(level_head(book, level->locate, side_index, (uint32_t)level->price));
    }
}

void rw_book_prefetch(const struct rw_book *book, struct rw_book_coming *coming) {
    RW_ASSERT(coming->add_count + coming->named_count <= RW_BOOK_COMING_MAX);
    load_heads(book, coming);
    load_orders(book, coming);
    load_levels(book, coming);
    load_places(book, coming);
    coming->add_count = coming->named_count = 0;
}
