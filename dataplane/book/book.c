/* The order index and the orders: what comes in, is taken from, and leaves. */
#include "dataplane/book/book_memory.h"

#define POOL_MAX (1u << 28)

#define EMPTY_BATCH 64u /* orders taken at once from a queue that is emptied */

/* ---- the block ------------------------------------------------------------------------------ */

enum part { ROWS, ORDER_HEADS, LEVEL_HEADS, ORDERS, LEVELS, FRONTS, ENTRIES, PARTS };

/* A power of two, at least `least`. */
static uint32_t head_count(uint64_t least) {
    uint32_t count = 64;
    while (count < least) count *= 2;
    return count;
}

/* Half empty at least. */
static uint32_t order_head_count(const struct rw_book_cfg *cfg) {
    return head_count(2ull * cfg->orders_max);
}

static uint32_t level_head_count(const struct rw_book_cfg *cfg) {
    return head_count(cfg->levels_max);
}

/* A front for each side that can be there. */
static uint32_t front_count(const struct rw_book_cfg *cfg) {
    uint32_t sides = 2 * RW_BOOK_LOCATES;
    return sides < cfg->levels_max ? sides : cfg->levels_max;
}

/* Each back holds at most four times its levels (it halves below a quarter) but at least one
 * smallest block; a quarter more covers blocks lying idle in other classes. */
static uint32_t entry_count(const struct rw_book_cfg *cfg) {
    return (uint32_t)(5ull * cfg->levels_max / 2 + (uint64_t)front_count(cfg) * ENTRIES_MIN +
                      2 * RW_BOOK_SIDE_LEVELS_MAX);
}

/* Where the parts begin, in bytes; start[PARTS] is the end of the block. */
static void lay_out(const struct rw_book_cfg *cfg, uint64_t start[PARTS + 1]) {
    RW_ASSERT(cfg->orders_max >= 1 && cfg->orders_max <= POOL_MAX);
    RW_ASSERT(cfg->levels_max >= 1 && cfg->levels_max <= POOL_MAX);
    const uint64_t bytes[PARTS] = {
        [ROWS] = RW_BOOK_LOCATES * sizeof(struct row),
        [ORDER_HEADS] = order_head_count(cfg) * sizeof(uint32_t),
        [LEVEL_HEADS] = level_head_count(cfg) * sizeof(uint32_t),
        [ORDERS] = (cfg->orders_max + 1ull) * sizeof(struct order),
        [LEVELS] = (cfg->levels_max + 1ull) * sizeof(struct level),
        [FRONTS] = (front_count(cfg) + 1ull) * sizeof(struct front),
        [ENTRIES] = entry_count(cfg) * sizeof(struct entry),
    };
    uint64_t at = sizeof(struct rw_book);
    for (uint32_t part = 0; part <= PARTS; part++) {
        at = (at + CACHE_LINE - 1) & ~(CACHE_LINE - 1ull);
        start[part] = at;
        if (part < PARTS) at += bytes[part];
    }
}

size_t rw_book_footprint(const struct rw_book_cfg *cfg) {
    uint64_t start[PARTS + 1];
    lay_out(cfg, start);
    return start[PARTS];
}

struct rw_book *rw_book_new(void *memory, const struct rw_book_cfg *cfg,
                            struct rw_book_counters *counters) {
    RW_ASSERT(((uintptr_t)memory & (CACHE_LINE - 1)) == 0);
    RW_ASSERT(counters);
    uint64_t start[PARTS + 1];
    uint8_t *bytes = memory;
    struct rw_book *book = memory;
    lay_out(cfg, start);
    *book = (struct rw_book){.cfg = *cfg,
                             .counters = counters,
                             .rows = (void *)(bytes + start[ROWS]),
                             .order_heads = (void *)(bytes + start[ORDER_HEADS]),
                             .level_heads = (void *)(bytes + start[LEVEL_HEADS]),
                             .orders = (void *)(bytes + start[ORDERS]),
                             .levels = (void *)(bytes + start[LEVELS]),
                             .fronts = (void *)(bytes + start[FRONTS]),
                             .entries = (void *)(bytes + start[ENTRIES]),
                             .order_mask = order_head_count(cfg) - 1,
                             .level_mask = level_head_count(cfg) - 1,
                             .entries_max = entry_count(cfg)};
    rw_book_clear(book);
    return book;
}

/* Index 0 of each pool stands for "none" and is read as an empty one. */
void rw_book_clear(struct rw_book *book) {
    memset(book->rows, 0, RW_BOOK_LOCATES * sizeof *book->rows);
    memset(book->order_heads, 0, (book->order_mask + 1ull) * sizeof *book->order_heads);
    memset(book->level_heads, 0, (book->level_mask + 1ull) * sizeof *book->level_heads);
    memset(book->blocks_free, 0, sizeof book->blocks_free);
    for (uint32_t locate = 0; locate < RW_BOOK_LOCATES; locate++)
        book->rows[locate].side[0].floor = book->rows[locate].side[1].floor = NO_KEY;
    book->orders[0] = (struct order){0};
    book->levels[0] = (struct level){0};
    book->fronts[0] = (struct front){0};
    for (uint32_t i = 0; i < FRONT; i++) book->fronts[0].keys[i] = NO_KEY;
    book->orders_free = book->orders_used = book->orders_live = 0;
    book->levels_free = book->levels_used = book->levels_live = 0;
    book->fronts_free = book->fronts_used = 0;
    book->entries_used = 0;
}

/* ---- orders --------------------------------------------------------------------------------- */

static bool refuse(rw_stat *reason) {
    rw_stat_add(reason, 1);
    return false;
}

/* Whether a reference may come to the orders that share its head. */
static inline bool is_welcome(struct rw_book *book, uint64_t reference, uint32_t head) {
    uint32_t length = 0;
    for (; head; head = book->orders[head].chain, length++)
        if (book->orders[head].reference == reference)
            return refuse(&book->counters->duplicate_reference);
    return length < CHAIN_MAX || refuse(&book->counters->index_full);
}

/* Puts an order at the back of a level. */
static inline void enqueue(struct rw_book *book, uint32_t index, uint32_t level_index,
                           uint64_t reference, uint32_t shares, uint32_t *head) {
    struct level *level = &book->levels[level_index];
    uint32_t first = level->first, last = level->last;
    book->orders[index] = (struct order){.reference = reference,
                                         .shares = shares,
                                         .level = level_index,
                                         .previous = last,
                                         .chain = *head};
    *head = index;
    book->orders[last].next = index; /* order 0 when the queue is empty */
    level->first = last ? first : index;
    level->last = index;
    level->quantity += shares;
    level->orders++;
}

bool rw_book_add(struct rw_book *book, uint16_t locate, uint64_t reference, enum rw_book_side side,
                 uint32_t shares, uint32_t price) {
    if (shares == 0 || price > INT32_MAX) return refuse(&book->counters->bad_order);
    uint32_t *head = order_head(book, reference);
    if (!is_welcome(book, reference, *head)) return false;
    uint32_t index = book->orders_free ? book->orders_free : book->orders_used + 1;
    if (index > book->cfg.orders_max) return refuse(&book->counters->orders_full);
    uint32_t *level_link = level_head(book, locate, side, price);
    uint32_t level = level_find(book, level_identity(locate, side, price), *level_link);
    if (!level) level = rw_book_level_insert(book, locate, side, (int32_t)price, level_link);
    if (!level) return false;

    if (book->orders_free)
        book->orders_free = book->orders[index].next;
    else
        book->orders_used = index;
    book->orders_live++;
    enqueue(book, index, level, reference, shares, head);
    struct row *row = &book->rows[locate];
    uint64_t best = row->best[side];
    int32_t best_key = best ? key_of(side, (int32_t)best) : NO_KEY;
    bool is_best = key_of(side, (int32_t)price) >= best_key;
    row->best[side] = is_best ? best_word((int32_t)price, book->levels[level].quantity) : best;
    rw_stat_add(&book->counters->orders_added, 1);
    return true;
}

/* Takes shares out of a level that keeps some. Without a branch: whether it is the best one cannot
 * be predicted. */
static inline void shrink(struct rw_book *book, struct level *level, uint32_t shares) {
    uint64_t *word = &book->rows[level->locate].best[level_side(level)], best = *word;
    level->quantity -= shares;
    *word = level->price == (int32_t)best ? best_word(level->price, level->quantity) : best;
}

/* Takes a whole order out. Order 0 is nobody's: it takes the links that lead nowhere, so that
 * nothing depends on there being a neighbour. */
static inline void dequeue(struct rw_book *book, uint32_t index, uint32_t *head) {
    struct order *order = &book->orders[index];
    struct level *level = &book->levels[order->level];
    uint32_t first = level->first, last = level->last;
    uint32_t next = order->next, previous = order->previous;
    book->orders[previous].next = next;
    book->orders[next].previous = previous;
    level->first = first == index ? next : first;
    level->last = last == index ? previous : last;
    while (*head != index) head = &book->orders[*head].chain;
    *head = order->chain;
    order->next = book->orders_free;
    book->orders_free = index;
    book->orders_live--;
    rw_stat_add(&book->counters->orders_removed, 1);
    if (--level->orders == 0)
        rw_book_level_erase(book, order->level);
    else
        shrink(book, level, order->shares);
}

static inline void tell(const struct rw_book *book, uint32_t index, struct rw_book_order *told) {
    const struct order *order = &book->orders[index];
    const struct level *level = &book->levels[order->level];
    *told = (struct rw_book_order){.reference = order->reference,
                                   .locate = level->locate,
                                   .side = (uint8_t)level_side(level),
                                   .price = level->price,
                                   .shares = order->shares};
}

/* Finds the order a message names and tells it; 0, counted, when it is not this locate's. */
static inline uint32_t named(struct rw_book *book, uint16_t locate, uint64_t reference,
                             uint32_t head, struct rw_book_order *told) {
    uint32_t index = order_find(book, reference, head);
    if (__builtin_expect(index == 0, 0)) {
        rw_stat_add(&book->counters->unknown_reference, 1);
        return 0;
    }
    tell(book, index, told);
    if (__builtin_expect(told->locate == locate, 1)) return index;
    rw_stat_add(&book->counters->foreign_locate, 1);
    return 0;
}

bool rw_book_find(const struct rw_book *book, uint64_t reference, struct rw_book_order *order) {
    uint32_t index = order_find(book, reference, *order_head(book, reference));
    if (index) tell(book, index, order);
    return index != 0;
}

bool rw_book_reduce(struct rw_book *book, uint16_t locate, uint64_t reference, uint32_t shares,
                    struct rw_book_order *before) {
    uint32_t *head = order_head(book, reference);
    uint32_t index = named(book, locate, reference, *head, before);
    if (!index) return false;
    if (shares > before->shares) rw_stat_add(&book->counters->excess_reduction, 1);
    if (shares >= before->shares) {
        dequeue(book, index, head);
    } else {
        book->orders[index].shares -= shares;
        shrink(book, &book->levels[book->orders[index].level], shares);
    }
    return true;
}

bool rw_book_delete(struct rw_book *book, uint16_t locate, uint64_t reference,
                    struct rw_book_order *before) {
    uint32_t *head = order_head(book, reference);
    uint32_t index = named(book, locate, reference, *head, before);
    if (index) dequeue(book, index, head);
    return index != 0;
}

bool rw_book_replace(struct rw_book *book, uint16_t locate, uint64_t reference,
                     uint64_t new_reference, uint32_t shares, uint32_t price,
                     struct rw_book_order *before) {
    if (!rw_book_delete(book, locate, reference, before)) return false;
    rw_book_add(book, locate, new_reference, (enum rw_book_side)before->side, shares, price);
    return true;
}

void rw_book_empty(struct rw_book *book, uint16_t locate) {
    struct rw_book_order queue[EMPTY_BATCH];
    for (uint32_t side = 0; side < 2; side++)
        while (rw_book_depth(book, locate, (enum rw_book_side)side) > 0) {
            uint32_t count =
                rw_book_queue(book, locate, (enum rw_book_side)side, 0, queue, EMPTY_BATCH);
            RW_ASSERT(count > 0); /* each turn removes an order */
            for (uint32_t i = 0; i < count; i++)
                rw_book_delete(book, locate, queue[i].reference, &queue[i]);
        }
}
