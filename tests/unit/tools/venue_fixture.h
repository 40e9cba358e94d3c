/* What the tests of the simulated venue share: a small venue, the product's books, a comparison. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/feed/itch50_book.h"
#include "tools/riskwire/book_csv.h"
#include "tools/riskwire/venue_core.h"

#define SECOND_NS 1000000000ull
#define MESSAGES  20000u
#define SYMBOLS   12u

static inline uint64_t venue_seed(void) {
    const char *text = getenv("RW_SEED");
    uint64_t value = text ? strtoull(text, NULL, 10) : 1;
    printf("RW_SEED=%llu\n", (unsigned long long)value);
    return value;
}

static inline struct rw_venue_cfg venue_cfg(uint64_t seed) {
    return (struct rw_venue_cfg){.seed = seed,
                                 .messages = MESSAGES,
                                 .duration_ns = 4 * SECOND_NS,
                                 .symbols = SYMBOLS,
                                 .speed_permille = 1000,
                                 .packet_bytes = RW_VENUE_PAYLOAD_MAX,
                                 .packet_wait_ns = 20000,
                                 .heartbeat_ns = SECOND_NS,
                                 .pause_ns = SECOND_NS / 2,
                                 .linger_ns = 3 * SECOND_NS};
}

struct books {
    void *memory;
    struct rw_book *book;
    struct rw_book_counters counters;
};

static inline void books_make(struct books *books) {
    struct rw_book_cfg cfg = {.orders_max = MESSAGES, .levels_max = MESSAGES};
    memset(books, 0, sizeof *books);
    assert_int_equal(posix_memalign(&books->memory, 64, rw_book_footprint(&cfg)), 0);
    books->book = rw_book_new(books->memory, &cfg, &books->counters);
}

/* The whole books as text; the caller frees it. */
static inline char *books_text(const struct rw_book *book) {
    char *text = NULL;
    size_t bytes = 0;
    FILE *file = open_memstream(&text, &bytes);
    rw_book_csv(file, book, NULL, 0);
    fclose(file);
    return text;
}

static inline char *truth_text(const struct rw_venue_core *venue) {
    char *text = NULL;
    size_t bytes = 0;
    FILE *file = open_memstream(&text, &bytes);
    rw_gen_market_truth(rw_venue_market(venue), file);
    fclose(file);
    return text;
}

static inline void books_equal_the_venues(const struct rw_book *book,
                                          const struct rw_venue_core *venue) {
    char *got = books_text(book), *wanted = truth_text(venue);
    assert_string_equal(got, wanted);
    free(got);
    free(wanted);
}

static inline void books_apply(struct books *books, const uint8_t *message, uint32_t bytes) {
    struct rw_book_event event;
    assert_int_equal(rw_itch50_apply(books->book, message, bytes, &event), RW_ITCH50_OK);
}

/* Lets the venue send until it has published so many messages in its current life, and is whole. */
static inline uint64_t venue_publish(struct rw_venue_core *venue, uint64_t messages) {
    static struct rw_venue_packet packet;
    while (rw_venue_messages(venue, rw_venue_life(venue))->count < messages ||
           !rw_venue_is_whole(venue))
        rw_venue_next(venue, &packet);
    return packet.time_ns;
}
