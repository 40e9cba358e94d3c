/* The books against a naive one that keeps every order in a list, over random streams with
 * references that were never added; and the limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/base/rng.h"
#include "dataplane/book/book.h"

#define NAIVE_MAX 400u
#define LOCATES   3u
#define STEPS     20000u

/* The naive book: orders in the order they joined their queues. */
struct naive {
    struct rw_book_order order[NAIVE_MAX];
    uint32_t count;
};

struct bench {
    void *memory;
    struct rw_book *book;
    struct rw_book_counters counters;
};

static void make(struct bench *bench, uint32_t orders_max, uint32_t levels_max) {
    struct rw_book_cfg cfg = {.orders_max = orders_max, .levels_max = levels_max};
    size_t bytes = rw_book_footprint(&cfg);
    memset(bench, 0, sizeof *bench);
    assert_int_equal(posix_memalign(&bench->memory, 64, bytes), 0);
    bench->book = rw_book_new(bench->memory, &cfg, &bench->counters);
}

static uint64_t seed(void) {
    const char *text = getenv("RW_SEED");
    uint64_t value = text ? strtoull(text, NULL, 10) : 1;
    printf("RW_SEED=%llu\n", (unsigned long long)value);
    return value;
}

static struct rw_book_order *naive_find(struct naive *naive, uint64_t reference) {
    for (uint32_t i = 0; i < naive->count; i++)
        if (naive->order[i].reference == reference) return &naive->order[i];
    return NULL;
}

static void naive_remove(struct naive *naive, struct rw_book_order *order) {
    uint32_t at = (uint32_t)(order - naive->order);
    naive->count--;
    memmove(order, order + 1, (naive->count - at) * sizeof *order);
}

static void naive_add(struct naive *naive, const struct rw_book_order *order) {
    if (order->shares && !naive_find(naive, order->reference) && naive->count < NAIVE_MAX)
        naive->order[naive->count++] = *order;
}

static bool is_better(uint32_t side, int32_t a, int32_t b) {
    return side == RW_BOOK_BID ? a > b : a < b;
}

/* Walks a side of the naive book from the best level on and compares level by level. */
static void compare_side(const struct naive *naive, const struct rw_book *book, uint16_t locate,
                         enum rw_book_side side) {
    struct rw_book_order queue[NAIVE_MAX];
    struct rw_book_level levels[NAIVE_MAX + 1], few[5];
    uint32_t all = rw_book_levels(book, locate, side, levels, NAIVE_MAX + 1);
    uint32_t best_few = rw_book_levels(book, locate, side, few, 5);
    assert_int_equal(best_few, all < 5 ? all : 5);
    assert_memory_equal(few, levels, best_few * sizeof *few);
    int32_t price = side == RW_BOOK_BID ? INT32_MAX : -1;
    for (uint32_t depth = 0;; depth++) {
        const struct rw_book_order *best = NULL;
        struct rw_book_level wanted = {0}, level;
        for (uint32_t i = 0; i < naive->count; i++) {
            const struct rw_book_order *order = &naive->order[i];
            bool here = order->locate == locate && order->side == side &&
                        is_better(side, price, order->price);
            if (here && (!best || is_better(side, order->price, best->price))) best = order;
        }
        if (!best) {
            assert_int_equal(rw_book_depth(book, locate, side), depth);
            assert_int_equal(all, depth);
            return;
        }
        price = best->price;
        rw_book_level_at(book, locate, side, depth, &level);
        uint32_t queued = rw_book_queue(book, locate, side, depth, queue, NAIVE_MAX);
        for (uint32_t i = 0; i < naive->count; i++) {
            const struct rw_book_order *order = &naive->order[i];
            if (order->locate != locate || order->side != side || order->price != price) continue;
            assert_true(wanted.orders < queued);
            assert_int_equal(queue[wanted.orders].reference, order->reference);
            assert_int_equal(queue[wanted.orders].shares, order->shares);
            wanted.quantity += order->shares;
            wanted.orders++;
        }
        assert_int_equal(level.price, price);
        assert_int_equal(level.orders, wanted.orders);
        assert_int_equal(level.quantity, wanted.quantity);
        assert_memory_equal(&level, &levels[depth], sizeof level);
        const struct rw_book_bbo *bbo = rw_book_bbo(book, locate);
        if (depth == 0) {
            assert_int_equal(side == RW_BOOK_BID ? bbo->bid_price : bbo->ask_price, price);
            assert_int_equal(side == RW_BOOK_BID ? bbo->bid_quantity : bbo->ask_quantity,
                             wanted.quantity);
        }
    }
}

static uint64_t draw_reference(struct rw_rng *rng, uint64_t newest) {
    uint64_t back = rw_rng_below(rng, 500);
    return rw_rng_chance(rng, 1, 50) ? rw_rng_next(rng) : newest > back ? newest - back : 1;
}

/* One random step done to both. Prices span few levels in some streams and many in others. */
static void step(struct rw_rng *rng, struct naive *naive, struct bench *bench, uint64_t *newest,
                 uint32_t prices) {
    struct rw_book_order before, order = {.reference = draw_reference(rng, *newest),
                                          .locate = (uint16_t)(rw_rng_below(rng, LOCATES) * 32767),
                                          .side = (uint8_t)rw_rng_below(rng, 2),
                                          .price = (int32_t)rw_rng_below(rng, prices),
                                          .shares = (uint32_t)rw_rng_below(rng, 5)};
    struct rw_book_order *held = naive_find(naive, order.reference);
    uint16_t locate = held ? held->locate : order.locate;
    bool done = false;
    switch (rw_rng_below(rng, 6)) {
    case 0:
    case 1:
    case 2:
        if (rw_rng_chance(rng, 9, 10)) order.reference = *newest += 1 + rw_rng_below(rng, 9);
        rw_book_add(bench->book, order.locate, order.reference, order.side, order.shares,
                    (uint32_t)order.price);
        naive_add(naive, &order);
        return;
    case 3:
        done = rw_book_delete(bench->book, locate, order.reference, &before);
        assert_int_equal(done, held != NULL);
        if (held) naive_remove(naive, held);
        return;
    case 4:
        done = rw_book_reduce(bench->book, locate, order.reference, order.shares, &before);
        assert_int_equal(done, held != NULL);
        if (held && held->shares <= order.shares)
            naive_remove(naive, held);
        else if (held)
            held->shares -= order.shares;
        return;
    default: {
        uint64_t next = rw_rng_chance(rng, 9, 10) ? ++*newest : draw_reference(rng, *newest);
        done = rw_book_replace(bench->book, locate, order.reference, next, order.shares,
                               (uint32_t)order.price, &before);
        assert_int_equal(done, held != NULL);
        if (!held) return;
        order.side = held->side;
        order.locate = held->locate;
        order.reference = next;
        naive_remove(naive, held);
        naive_add(naive, &order);
    }
    }
}

static void run_stream(uint64_t stream_seed, uint32_t prices) {
    struct naive *naive = calloc(1, sizeof *naive);
    struct bench bench;
    struct rw_rng rng;
    uint64_t newest = 1;
    make(&bench, NAIVE_MAX, NAIVE_MAX);
    rw_rng_seed(&rng, stream_seed);
    for (uint32_t i = 0; i < STEPS; i++) {
        step(&rng, naive, &bench, &newest, prices);
        assert_int_equal(rw_book_live(bench.book), naive->count);
        if (i % 50) continue;
        for (uint32_t k = 0; k < LOCATES; k++) {
            compare_side(naive, bench.book, (uint16_t)(k * 32767), RW_BOOK_BID);
            compare_side(naive, bench.book, (uint16_t)(k * 32767), RW_BOOK_ASK);
        }
        if (i % 1000 == 0) rw_book_check(bench.book);
    }
    assert_true(rw_stat_get(&bench.counters.unknown_reference) > STEPS / 100);
    rw_book_clear(bench.book);
    rw_book_check(bench.book);
    assert_int_equal(rw_book_live(bench.book), 0);
    free(bench.memory);
    free(naive);
}

static void random_streams_lead_to_the_naive_book(void **state) {
    uint64_t first = seed();
    run_stream(first, 8);
    run_stream(first + 1, 60);
    run_stream(first + 2, 1000000);
}

static void a_full_pool_refuses_and_counts_and_goes_on(void **state) {
    struct bench bench;
    struct rw_book_order before;
    make(&bench, 4, 2);
    for (uint64_t i = 1; i <= 4; i++)
        assert_true(rw_book_add(bench.book, 1, i, RW_BOOK_BID, 10, 100));
    assert_false(rw_book_add(bench.book, 1, 5, RW_BOOK_BID, 10, 100));
    assert_int_equal(rw_stat_get(&bench.counters.orders_full), 1);
    assert_true(rw_book_delete(bench.book, 1, 2, &before));
    assert_true(rw_book_add(bench.book, 1, 5, RW_BOOK_ASK, 10, 200));
    assert_true(rw_book_delete(bench.book, 1, 1, &before));
    assert_false(rw_book_add(bench.book, 1, 6, RW_BOOK_ASK, 10, 300));
    assert_int_equal(rw_stat_get(&bench.counters.levels_full), 1);
    assert_true(rw_book_add(bench.book, 1, 6, RW_BOOK_ASK, 10, 200));
    rw_book_check(bench.book);
    free(bench.memory);
}

static void a_side_holds_its_levels_and_counts_the_one_too_many(void **state) {
    struct bench bench;
    struct rw_book_level level;
    make(&bench, 2 * RW_BOOK_SIDE_LEVELS_MAX, 2 * RW_BOOK_SIDE_LEVELS_MAX);
    assert_true(RW_BOOK_SIDE_LEVELS_MAX >= 4096);
    /* a stride prime to the number of levels visits all prices in a scattered order */
    for (uint32_t i = 0; i < RW_BOOK_SIDE_LEVELS_MAX; i++)
        assert_true(rw_book_add(bench.book, 9, i + 1, RW_BOOK_ASK, 1,
                                (i * 4097u) % RW_BOOK_SIDE_LEVELS_MAX));
    assert_false(rw_book_add(bench.book, 9, 100000, RW_BOOK_ASK, 1, 100000));
    assert_int_equal(rw_stat_get(&bench.counters.levels_full), 1);
    assert_true(rw_book_add(bench.book, 9, 100001, RW_BOOK_ASK, 1, 5)); /* a level that is there */
    assert_true(rw_book_add(bench.book, 9, 100002, RW_BOOK_BID, 1, 5)); /* the other side */
    for (uint32_t i = 0; i < RW_BOOK_SIDE_LEVELS_MAX; i += 97) {
        rw_book_level_at(bench.book, 9, RW_BOOK_ASK, i, &level);
        assert_int_equal(level.price, i);
    }
    rw_book_check(bench.book);
    for (uint32_t i = 0; i < RW_BOOK_SIDE_LEVELS_MAX; i++) {
        struct rw_book_order before;
        assert_true(rw_book_delete(bench.book, 9, i + 1, &before));
    }
    assert_int_equal(rw_book_live_levels(bench.book), 2);
    rw_book_check(bench.book);
    free(bench.memory);
}

/* The groups of references or prices whose hash is below 2^32 share the first head: these are the
 * multiples of the inverse of the hash's factor. Returns the next one below a limit. */
static uint64_t next_group(uint64_t *multiple, uint64_t limit) {
    const uint64_t factor = 0x9E3779B97F4A7C15ull;
    uint64_t inverse = factor; /* right in 3 bits; each step doubles them */
    for (int i = 0; i < 5; i++) inverse *= 2 - factor * inverse;
    assert_int_equal(inverse * factor, 1);
    while (++*multiple * inverse >= limit) assert_true(*multiple < UINT32_MAX);
    return *multiple * inverse;
}

static void references_made_to_share_a_head_are_refused_at_last(void **state) {
    struct bench bench;
    struct rw_book_order before;
    uint64_t multiple = 0, references[40];
    make(&bench, 1000, 10);
    for (uint32_t i = 0; i < 40; i++) {
        uint64_t group = next_group(&multiple, 1ull << 59);
        references[i] = group >> 2 << 7 | (group & 3);
        assert_int_equal(rw_book_add(bench.book, 1, references[i], RW_BOOK_BID, 1, 100), i < 32);
    }
    assert_int_equal(rw_stat_get(&bench.counters.index_full), 8);
    rw_book_check(bench.book);
    for (uint32_t i = 0; i < 40; i++)
        assert_int_equal(rw_book_delete(bench.book, 1, references[i], &before), i < 32);
    assert_true(rw_book_add(bench.book, 1, references[39], RW_BOOK_BID, 1, 100));
    rw_book_check(bench.book);
    free(bench.memory);
}

static void prices_made_to_share_a_head_are_refused_at_last(void **state) {
    struct bench bench;
    uint64_t multiple = 0;
    uint32_t made = 0;
    make(&bench, 1000, 500);
    while (made < 40) {
        uint64_t group = next_group(&multiple, 1ull << 44);
        uint32_t rest = group >> 17 & 127, cents = (uint32_t)(group >> 24) * 16;
        if (rest >= 100) continue;
        bool added = rw_book_add(bench.book, (uint16_t)(group >> 1), made + 1, group & 1, 1,
                                 cents * 100 + rest);
        assert_int_equal(added, made < 32);
        made++;
    }
    assert_int_equal(rw_stat_get(&bench.counters.index_full), 8);
    assert_int_equal(rw_book_live(bench.book), 32);
    rw_book_check(bench.book);
    free(bench.memory);
}

static void a_level_of_more_shares_than_fit_saturates_in_the_bbo(void **state) {
    struct bench bench;
    struct rw_book_level level;
    struct rw_book_order before;
    make(&bench, 4, 4);
    assert_true(rw_book_add(bench.book, 1, 1, RW_BOOK_BID, UINT32_MAX, INT32_MAX));
    assert_true(rw_book_add(bench.book, 1, 2, RW_BOOK_BID, 7, INT32_MAX));
    rw_book_level_at(bench.book, 1, RW_BOOK_BID, 0, &level);
    assert_int_equal(level.quantity, (uint64_t)UINT32_MAX + 7);
    assert_int_equal(rw_book_bbo(bench.book, 1)->bid_quantity, UINT32_MAX);
    assert_true(rw_book_delete(bench.book, 1, 1, &before));
    assert_int_equal(rw_book_bbo(bench.book, 1)->bid_quantity, 7);
    free(bench.memory);
}

static void any_reference_can_be_held(void **state) {
    struct rw_book_coming coming = {0};
    struct bench bench;
    struct rw_book_order order;
    const uint64_t references[] = {0, 1, 3, UINT64_MAX, UINT64_MAX - 128, 1ull << 63, 1ull << 62};
    make(&bench, 16, 16);
    for (uint32_t i = 0; i < sizeof references / sizeof *references; i++)
        assert_true(rw_book_add(bench.book, 65535, references[i], RW_BOOK_BID, i + 1, 0));
    for (uint32_t i = 0; i < sizeof references / sizeof *references; i++) {
        assert_true(rw_book_find(bench.book, references[i], &order));
        assert_int_equal(order.shares, i + 1);
        rw_book_coming_put(&coming, RW_BOOK_COMING_NAMED, 65535, references[i], 0, 0, 0);
        rw_book_coming_put(&coming, RW_BOOK_COMING_REPLACED, 65535, references[i],
                           references[i] + 1, 0, UINT32_MAX);
        rw_book_coming_put(&coming, RW_BOOK_COMING_ADD, 65535, references[i], 0, RW_BOOK_ASK,
                           UINT32_MAX);
        rw_book_prefetch(bench.book, &coming);
    }
    assert_false(rw_book_find(bench.book, 2, &order));
    rw_book_check(bench.book);
    free(bench.memory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_pool_refuses_and_counts_and_goes_on),
        cmocka_unit_test(a_side_holds_its_levels_and_counts_the_one_too_many),
        cmocka_unit_test(references_made_to_share_a_head_are_refused_at_last),
        cmocka_unit_test(prices_made_to_share_a_head_are_refused_at_last),
        cmocka_unit_test(a_level_of_more_shares_than_fit_saturates_in_the_bbo),
        cmocka_unit_test(any_reference_can_be_held),
        cmocka_unit_test(random_streams_lead_to_the_naive_book),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
