#include "tools/riskwire/gen_books.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"

static void *grow(void *memory, uint64_t count, size_t size) {
    void *grown = realloc(memory, count * size);
    RW_ASSERT(grown);
    return grown;
}

void rw_gen_books_init(struct rw_gen_books *books, uint32_t symbols) {
    memset(books, 0, sizeof *books);
    books->symbols = symbols;
    books->side = calloc(2ull * symbols, sizeof *books->side);
    RW_ASSERT(books->side);
    books->used = 1;
}

void rw_gen_books_fini(struct rw_gen_books *books) {
    for (uint32_t i = 0; i < 2 * books->symbols; i++) free(books->side[i].level);
    free(books->side);
    free(books->order);
    free(books->live);
}

static struct rw_gen_side *side_of(const struct rw_gen_books *books, uint32_t symbol,
                                   uint32_t side) {
    return &books->side[2 * symbol + side];
}

/* Finds the place of a price: the levels below it are worse. */
static uint32_t place_of(const struct rw_gen_side *in, uint32_t side, int32_t price) {
    uint32_t low = 0, high = in->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int32_t at = in->level[middle].price;
        if (side == 0 ? at < price : at > price)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct rw_gen_level *level_of(struct rw_gen_side *in, uint32_t side, int32_t price) {
    uint32_t place = place_of(in, side, price);
    if (place < in->count && in->level[place].price == price) return &in->level[place];
    if (in->count == in->room) {
        in->room = in->room ? 2 * in->room : 8;
        in->level = grow(in->level, in->room, sizeof *in->level);
    }
    struct rw_gen_level *level = &in->level[place];
    memmove(level + 1, level, (in->count++ - place) * sizeof *level);
    *level = (struct rw_gen_level){.price = price};
    return level;
}

uint32_t rw_gen_books_add(struct rw_gen_books *books, const struct rw_gen_order *order) {
    uint32_t index = books->free;
    if (index) {
        books->free = books->order[index].next;
    } else {
        if (books->used >= books->room) {
            books->room = books->room ? 2 * books->room : 4096;
            books->order = grow(books->order, books->room, sizeof *books->order);
            books->live = grow(books->live, books->room, sizeof *books->live);
        }
        index = books->used++;
    }
    struct rw_gen_order *kept = &books->order[index];
    struct rw_gen_level *level =
        level_of(side_of(books, order->symbol, order->side), order->side, order->price);
    *kept = *order;
    kept->next = 0;
    kept->previous = level->last;
    if (level->last)
        books->order[level->last].next = index;
    else
        level->first = index;
    level->last = index;
    level->orders++;
    kept->live_at = books->live_count;
    books->live[books->live_count++] = index;
    books->recent[books->recent_at++ % RW_GEN_RECENT] = index;
    return index;
}

void rw_gen_books_take(struct rw_gen_books *books, uint32_t index, uint32_t shares) {
    struct rw_gen_order *order = &books->order[index];
    RW_ASSERT(rw_gen_books_is_live(books, index) && shares >= 1 && shares <= order->shares);
    order->shares -= shares;
    if (order->shares) return;
    struct rw_gen_side *in = side_of(books, order->symbol, order->side);
    uint32_t place = place_of(in, order->side, order->price);
    struct rw_gen_level *level = &in->level[place];
    RW_ASSERT(place < in->count && level->price == order->price);
    *(order->previous ? &books->order[order->previous].next : &level->first) = order->next;
    *(order->next ? &books->order[order->next].previous : &level->last) = order->previous;
    if (--level->orders == 0) memmove(level, level + 1, (--in->count - place) * sizeof *level);
    uint32_t moved = books->live[--books->live_count];
    books->live[order->live_at] = moved;
    books->order[moved].live_at = order->live_at;
    order->live_at = UINT32_MAX;
    order->next = books->free;
    books->free = index;
}

uint32_t rw_gen_books_best(const struct rw_gen_books *books, uint32_t symbol, uint32_t side) {
    const struct rw_gen_side *in = side_of(books, symbol, side);
    return in->count ? in->level[in->count - 1].first : 0;
}

bool rw_gen_books_is_live(const struct rw_gen_books *books, uint32_t index) {
    return index && index < books->used && books->order[index].live_at != UINT32_MAX;
}

static void print_side(const struct rw_gen_books *books, uint32_t symbol, uint32_t side,
                       const char name[8], FILE *out) {
    const struct rw_gen_side *in = side_of(books, symbol, side);
    int length = 8;
    while (length && name[length - 1] == ' ') length--;
    for (uint32_t i = 0; i < in->count; i++) {
        const struct rw_gen_level *level = &in->level[in->count - 1 - i];
        uint64_t quantity = 0;
        uint32_t orders = 0;
        for (uint32_t at = level->first; at; at = books->order[at].next, orders++)
            quantity += books->order[at].shares;
        fprintf(out, "%.*s,%c,%" PRIu32 ",%" PRId32 ",%" PRIu64 ",%" PRIu32 "\n", length, name,
                side ? 'S' : 'B', i + 1, level->price, quantity, orders);
    }
}

void rw_gen_books_print(const struct rw_gen_books *books, const char (*names)[8], FILE *out) {
    fputs("symbol,side,level,price,quantity,orders\n", out);
    for (uint32_t symbol = 0; symbol < books->symbols; symbol++) {
        print_side(books, symbol, 0, names[symbol], out);
        print_side(books, symbol, 1, names[symbol], out);
    }
}
