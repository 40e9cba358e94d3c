#include "tools/riskwire/book_csv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/feed/itch50_book.h"

struct named {
    uint8_t symbol[RW_BOOK_SYMBOL_BYTES];
    uint16_t locate;
};

static int by_symbol(const void *a, const void *b) {
    const struct named *left = a, *right = b;
    int order = memcmp(left->symbol, right->symbol, sizeof left->symbol);
    return order ? order : left->locate - right->locate;
}

static int symbol_length(const uint8_t *symbol) {
    int length = RW_BOOK_SYMBOL_BYTES;
    while (length && symbol[length - 1] == ' ') length--;
    return length;
}

static bool is_wanted(const uint8_t *symbol, const char *wanted) {
    if (!wanted) return true;
    size_t length = strlen(wanted);
    return length == (size_t)symbol_length(symbol) && memcmp(symbol, wanted, length) == 0;
}

/* The books of a venue: how to look at them, and what to look at. */
struct view {
    const struct rw_venue *venue;
    const void *books;
};

static void print_side(FILE *out, const struct view *view, const struct named *named,
                       enum rw_book_side side, uint32_t depth) {
    static struct rw_book_level levels[RW_BOOK_SIDE_LEVELS_MAX];
    if (depth == 0 || depth > RW_BOOK_SIDE_LEVELS_MAX) depth = RW_BOOK_SIDE_LEVELS_MAX;
    uint32_t count = view->venue->levels(view->books, named->locate, side, levels, depth);
    for (uint32_t i = 0; i < count; i++)
        fprintf(out, "%.*s,%c,%" PRIu32 ",%" PRId32 ",%" PRIu64 ",%" PRIu32 "\n",
                symbol_length(named->symbol), (const char *)named->symbol,
                side == RW_BOOK_BID ? 'B' : 'S', i + 1, levels[i].price, levels[i].quantity,
                levels[i].orders);
}

void rw_venue_csv(FILE *out, const struct rw_venue *venue, const void *books, const char *symbol,
                  uint32_t depth) {
    struct view view = {venue, books};
    struct named *named = malloc(RW_BOOK_LOCATES * sizeof *named);
    uint32_t count = 0;
    RW_ASSERT(named);
    for (uint32_t locate = 0; locate < RW_BOOK_LOCATES; locate++) {
        const uint8_t *name = venue->symbol(books, (uint16_t)locate);
        if (!is_wanted(name, symbol)) continue;
        memcpy(named[count].symbol, name, RW_BOOK_SYMBOL_BYTES);
        named[count++].locate = (uint16_t)locate;
    }
    qsort(named, count, sizeof *named, by_symbol);
    fputs("symbol,side,level,price,quantity,orders\n", out);
    for (uint32_t i = 0; i < count; i++) {
        print_side(out, &view, &named[i], RW_BOOK_BID, depth);
        print_side(out, &view, &named[i], RW_BOOK_ASK, depth);
    }
    free(named);
}

void rw_book_csv(FILE *out, const struct rw_book *book, const char *symbol, uint32_t depth) {
    rw_venue_csv(out, &rw_itch50_venue, book, symbol, depth);
}
