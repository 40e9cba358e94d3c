/* What waits at the feed, against a plain list: whatever the stream and the room, the same entries
 * leave in the same order. Then what the list's answers mean: nothing but BBO states is missing,
 * nothing is out of order, nobody starves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/base/rng.h"
#include "dataplane/feed/conflate_core.h"
#include "dataplane/feed/directory.h"

#define STREAM_MAX  20000
#define LOCATES_MAX 64

struct bench {
    struct rw_conflate_cfg cfg;
    void *memory;
    struct rw_conflate *core;
    struct rw_conflate_counters counters;
    struct rw_conflate_gauges gauges;
    uint64_t sequence; /* of the next entry made */
    struct rw_entry out[STREAM_MAX];
    uint32_t count;
};

static uint64_t seed_of_run(void) {
    const char *text = getenv("RW_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : 1;
    print_message("RW_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

static struct bench *bench_new(uint32_t locates, uint32_t slots) {
    struct bench *bench = calloc(1, sizeof *bench);
    bench->cfg = (struct rw_conflate_cfg){.locates = locates,
                                          .queue_bytes = (uint64_t)slots * RW_SLOT_BYTES};
    bench->memory = aligned_alloc(64, rw_conflate_footprint(&bench->cfg));
    bench->core = rw_conflate_new(bench->memory, &bench->cfg, &bench->counters, &bench->gauges);
    return bench;
}

static void bench_free(struct bench *bench) {
    free(bench->memory);
    free(bench);
}

static struct rw_tick_body body_of(const struct rw_entry *entry) {
    struct rw_tick_body body;
    memcpy(&body, entry->body, sizeof body);
    return body;
}

/* Entry number s of a stream: its position is its number, its prices too. */
static struct rw_entry tick_of(enum rw_tick_kind kind, uint32_t locate, uint64_t s) {
    struct rw_entry tick = {.sequence = s,
                            .event_time_ns = s,
                            .type = RW_ENTRY_TICK,
                            .slots = 1,
                            .version = RW_ENTRY_VERSION,
                            .instrument = locate};
    struct rw_tick_body body = {
        .kind = (uint8_t)kind, .venue_sequence = s, .bid_price = (int32_t)s, .bid_quantity = 1};
    memcpy(tick.body, &body, sizeof body);
    return tick;
}

static struct rw_entry message_of(uint8_t type, uint32_t locate, uint64_t s) {
    return (struct rw_entry){.sequence = s, .type = type, .slots = 1, .instrument = locate};
}

static void put(struct bench *bench, struct rw_entry entry) {
    rw_conflate_put(bench->core, &entry, 1, entry.sequence);
    rw_stat_add(&bench->counters.taken, 1);
}

static void put_tick(struct bench *bench, enum rw_tick_kind kind, uint32_t locate) {
    put(bench, tick_of(kind, locate, ++bench->sequence));
}

/* take gives room for one entry; false when nothing waits. */
static bool take(struct bench *bench) {
    if (!rw_conflate_next(bench->core, &bench->out[bench->count])) return false;
    rw_stat_add(&bench->counters.sent, 1);
    bench->count++;
    return true;
}

static uint64_t position(const struct bench *bench, uint32_t i) { return bench->out[i].sequence; }

static void assert_adds_up(struct bench *bench) {
    rw_conflate_refresh(bench->core, bench->sequence);
    assert_int_equal(rw_stat_get(&bench->counters.taken),
                     rw_stat_get(&bench->counters.sent) + rw_stat_get(&bench->counters.conflated) +
                         rw_stat_get(&bench->counters.queue_full) +
                         rw_stat_get(&bench->gauges.waiting));
}

/* ---- the limit */

static void a_full_queue_loses_trades_and_says_so_once(void **state) {
    struct bench *bench = bench_new(4, 16);
    for (int i = 0; i < 14; i++) put_tick(bench, RW_TICK_TRADE, 1);
    assert_false(rw_conflate_lost(bench->core));
    put_tick(bench, RW_TICK_TRADE, 1);
    put_tick(bench, RW_TICK_BREAK, 1);
    assert_int_equal(rw_stat_get(&bench->counters.queue_full), 2);
    assert_true(rw_conflate_lost(bench->core));
    assert_false(rw_conflate_lost(bench->core));
    assert_adds_up(bench);
    assert_int_equal(rw_stat_get(&bench->gauges.queued_max), 14);
    for (uint32_t i = 0; i < 14; i++) assert_true(take(bench) && position(bench, i) == i + 1);
    assert_false(take(bench));
    put_tick(bench, RW_TICK_TRADE, 1);
    assert_true(take(bench));
    assert_false(rw_conflate_lost(bench->core));
    bench_free(bench);
}

static void a_full_queue_still_takes_states_and_the_end(void **state) {
    struct bench *bench = bench_new(4, 16);
    for (int i = 0; i < 40; i++) put_tick(bench, RW_TICK_TRADE, 1);
    for (int i = 0; i < 40; i++) put_tick(bench, RW_TICK_STATUS, 1);
    assert_int_equal(rw_stat_get(&bench->counters.queue_full), 40 - 14 + 40 - 1);
    put_tick(bench, RW_TICK_BBO, 2);
    put(bench, message_of(RW_ENTRY_END, RW_INSTRUMENT_NONE, ++bench->sequence));
    assert_adds_up(bench);
    while (take(bench)) continue;
    assert_int_equal(bench->count, 14 + 1 + 1 + 1);
    assert_int_equal(bench->out[bench->count - 2].instrument, 2);
    assert_int_equal(bench->out[bench->count - 1].type, RW_ENTRY_END);
    bench_free(bench);
}

static void a_lost_trade_takes_no_state_with_it(void **state) {
    struct bench *bench = bench_new(4, 16);
    for (int i = 0; i < 14; i++) put_tick(bench, RW_TICK_TRADE, 1);
    put_tick(bench, RW_TICK_BBO, 2);
    put_tick(bench, RW_TICK_TRADE, 2); /* lost */
    while (take(bench)) continue;
    assert_int_equal(bench->count, 15);
    assert_int_equal(body_of(&bench->out[14]).kind, RW_TICK_BBO);
    assert_int_equal(body_of(&bench->out[14]).replaced, 0);
    bench_free(bench);
}

static void what_a_tick_replaced_is_counted_up_to_255(void **state) {
    struct bench *bench = bench_new(4, 16);
    for (int i = 0; i < 300; i++) put_tick(bench, RW_TICK_BBO, 3);
    assert_true(take(bench));
    assert_false(take(bench));
    assert_int_equal(position(bench, 0), 300);
    assert_int_equal(body_of(&bench->out[0]).replaced, 255);
    assert_int_equal(body_of(&bench->out[0]).quality, RW_QUALITY_CONFLATED);
    assert_int_equal(rw_stat_get(&bench->counters.conflated), 299);
    assert_adds_up(bench);
    bench_free(bench);
}

/* ---- order */

static void a_tick_that_replaced_nothing_leaves_as_it_came(void **state) {
    struct bench *bench = bench_new(4, 16);
    struct rw_entry in[3] = {tick_of(RW_TICK_BBO, 1, 1), tick_of(RW_TICK_TRADE, 2, 2),
                             message_of(RW_FEED_DIRECTORY, 3, 3)};
    for (int i = 0; i < 3; i++) put(bench, in[i]);
    while (take(bench)) continue;
    assert_memory_equal(bench->out, in, sizeof in);
    assert_true(rw_conflate_is_empty(bench->core));
    bench_free(bench);
}

static void a_trade_replaces_the_state_in_front_of_it(void **state) {
    struct bench *bench = bench_new(4, 16);
    put_tick(bench, RW_TICK_BBO, 1);
    put_tick(bench, RW_TICK_BBO, 1);
    put_tick(bench, RW_TICK_TRADE, 1); /* of the same message: it says the BBO too */
    put_tick(bench, RW_TICK_BBO, 1);
    assert_true(take(bench) && take(bench));
    assert_false(take(bench));
    assert_int_equal(position(bench, 0), 3);
    assert_int_equal(body_of(&bench->out[0]).replaced, 2);
    assert_int_equal(position(bench, 1), 4);
    assert_int_equal(body_of(&bench->out[1]).replaced, 0);
    bench_free(bench);
}

static void a_state_of_the_round_is_sent_though_newer_ones_came(void **state) {
    struct bench *bench = bench_new(4, 16);
    put_tick(bench, RW_TICK_BBO, 1);
    put_tick(bench, RW_TICK_BBO, 2);
    assert_true(take(bench)); /* the round begins */
    put_tick(bench, RW_TICK_BBO, 2);
    put_tick(bench, RW_TICK_BBO, 2);
    while (take(bench)) continue;
    const uint64_t wanted[] = {1, 2, 4};
    assert_int_equal(bench->count, 3);
    for (uint32_t i = 0; i < 3; i++) assert_int_equal(position(bench, i), wanted[i]);
    assert_int_equal(body_of(&bench->out[2]).replaced, 1);
    bench_free(bench);
}

static void a_directory_message_replaces_nothing(void **state) {
    struct bench *bench = bench_new(4, 16);
    put_tick(bench, RW_TICK_BBO, 1);
    put(bench, message_of(RW_FEED_DIRECTORY, 1, ++bench->sequence));
    assert_true(take(bench) && take(bench));
    assert_int_equal(rw_stat_get(&bench->counters.conflated), 0);
    bench_free(bench);
}

static void the_age_is_that_of_the_oldest_change(void **state) {
    struct bench *bench = bench_new(4, 16);
    struct rw_entry first = tick_of(RW_TICK_BBO, 1, 1), second = tick_of(RW_TICK_BBO, 1, 2);
    rw_conflate_refresh(bench->core, 500);
    assert_int_equal(rw_stat_get(&bench->gauges.oldest_ns), 0);
    rw_conflate_put(bench->core, &first, 1, 1000);
    rw_conflate_put(bench->core, &second, 1, 5000); /* replaces it, but the change is older */
    rw_conflate_refresh(bench->core, 6000);
    assert_int_equal(rw_stat_get(&bench->gauges.oldest_ns), 5000);
    assert_true(take(bench));
    struct rw_entry trade = tick_of(RW_TICK_TRADE, 1, 7000);
    rw_conflate_put(bench->core, &trade, 1, 7500);
    rw_conflate_refresh(bench->core, 8000);
    assert_int_equal(rw_stat_get(&bench->gauges.oldest_ns), 1000); /* since its arrival */
    assert_int_equal(rw_stat_get(&bench->gauges.oldest_max_ns), 5000);
    bench_free(bench);
}

/* ---- against a plain list */

struct item {
    struct rw_entry entry;
    bool state, held; /* a BBO state; it may not be replaced any more */
};

struct list {
    struct item item[4096];
    uint32_t count, events, slots;
    bool lost;
};

static void list_remove(struct list *list, uint32_t at) {
    list->count--;
    memmove(&list->item[at], &list->item[at + 1], (list->count - at) * sizeof *list->item);
}

static void list_put(struct list *list, const struct rw_entry *entry) {
    struct item item = {.entry = *entry};
    struct rw_tick_body body = body_of(entry), old;
    bool tick = entry->type == RW_ENTRY_TICK, end = entry->type == RW_ENTRY_END;
    bool trade = tick && (body.kind == RW_TICK_TRADE || body.kind == RW_TICK_BREAK);
    item.state = tick && body.kind == RW_TICK_BBO;
    uint32_t limit = trade ? list->slots - list->slots / 8 : list->slots - !end;
    if (!item.state && list->events >= limit) {
        list->lost = true;
        return;
    }
    for (uint32_t i = 0; tick && body.kind != RW_TICK_CHANNEL && i < list->count; i++) {
        const struct item *other = &list->item[i];
        if (!other->state || other->held || other->entry.instrument != entry->instrument) continue;
        old = body_of(&other->entry);
        body.replaced = old.replaced > 254 ? 255 : (uint8_t)(old.replaced + 1);
        body.quality |= RW_QUALITY_CONFLATED;
        memcpy(item.entry.body, &body, sizeof body);
        list_remove(list, i);
        break;
    }
    list->events += !item.state;
    assert_true(list->count < 4096);
    list->item[list->count++] = item;
}

static bool list_next(struct list *list, struct rw_entry *out) {
    if (list->count == 0) return false;
    struct item first = list->item[0];
    list_remove(list, 0);
    list->events -= !first.state;
    for (uint32_t i = 0; first.state && !first.held && i < list->count; i++)
        list->item[i].held = true;
    *out = first.entry;
    return true;
}

static struct rw_entry random_entry(struct rw_rng *rng, uint32_t locates, uint32_t events_percent,
                                    uint64_t s) {
    /* a few instruments have most of the states */
    uint32_t below = rw_rng_chance(rng, 1, 3) ? locates - 1 : 1 + (locates - 1) / 8;
    uint32_t locate = (uint32_t)rw_rng_below(rng, below); /* also 0, which a venue may say */
    if (!rw_rng_chance(rng, events_percent, 100)) return tick_of(RW_TICK_BBO, locate, s);
    switch (rw_rng_below(rng, 16)) {
    case 0:
        return message_of(RW_FEED_DIRECTORY, locate, s);
    case 1:
        return tick_of(RW_TICK_CHANNEL, RW_INSTRUMENT_NONE, s);
    case 2:
        return tick_of(RW_TICK_STATUS, locate, s);
    case 3:
        return tick_of(RW_TICK_BREAK, locate, s);
    default:
        return tick_of(RW_TICK_TRADE, locate, s);
    }
}

static void it_answers_as_a_plain_list_does(void **state) {
    uint64_t seed = seed_of_run();
    for (uint64_t round = 0; round < 200; round++) {
        struct rw_rng rng;
        rw_rng_seed(&rng, seed * 1000 + round);
        uint32_t locates = 2 + (uint32_t)rw_rng_below(&rng, LOCATES_MAX - 1);
        uint32_t slots = 16u << rw_rng_below(&rng, 5);
        uint32_t events = (uint32_t)rw_rng_below(&rng, 60);
        struct bench *bench = bench_new(locates, slots);
        struct list *list = calloc(1, sizeof *list);
        list->slots = slots;
        uint32_t in_a_row = 1 + (uint32_t)rw_rng_below(&rng, 40);
        for (uint32_t step = 0; step < 2000; step++) {
            for (uint64_t k = rw_rng_below(&rng, in_a_row); k > 0; k--) {
                struct rw_entry entry = random_entry(&rng, locates, events, ++bench->sequence);
                put(bench, entry);
                list_put(list, &entry);
            }
            assert_int_equal(rw_conflate_lost(bench->core), list->lost);
            list->lost = false;
            bench->count = 0;
            for (uint64_t room = rw_rng_below(&rng, 20); room > 0; room--) {
                struct rw_entry wanted;
                bool more = list_next(list, &wanted);
                assert_int_equal(take(bench), more);
                if (!more) break;
                assert_memory_equal(&bench->out[bench->count - 1], &wanted, sizeof wanted);
            }
            assert_int_equal(rw_conflate_is_empty(bench->core), list->count == 0);
            if (step % 64 == 0) assert_adds_up(bench);
        }
        free(list);
        bench_free(bench);
    }
}

/* ---- what it means */

/* Ten states come for each that leaves, most of them of few instruments. */
static void nothing_but_states_is_missing_and_nobody_starves(void **state) {
    uint64_t seed = seed_of_run();
    struct rw_rng rng;
    rw_rng_seed(&rng, seed);
    struct bench *bench = bench_new(LOCATES_MAX, 4096);
    static struct rw_entry in[STREAM_MAX], newest[LOCATES_MAX];
    uint64_t changed_at[LOCATES_MAX] = {0}, told[LOCATES_MAX] = {0}, now = 0, waited_max = 0,
             replaced = 0;
    for (uint32_t i = 0; i < STREAM_MAX; i++) {
        in[i] = random_entry(&rng, LOCATES_MAX, 5, ++bench->sequence);
        uint32_t locate = in[i].instrument;
        if (in[i].type == RW_ENTRY_TICK) newest[locate] = in[i];
        if (in[i].type == RW_ENTRY_TICK && changed_at[locate] == 0) changed_at[locate] = now + 1;
        put(bench, in[i]);
        bool drain = i == STREAM_MAX - 1;
        while ((drain || i % 10 == 0) && take(bench)) {
            now++;
            locate = bench->out[bench->count - 1].instrument;
            if (bench->out[bench->count - 1].type == RW_ENTRY_TICK && locate) {
                uint64_t waited = now - changed_at[locate];
                if (waited > waited_max) waited_max = waited;
                bool newer = newest[locate].sequence > position(bench, bench->count - 1);
                changed_at[locate] = newer ? now : 0;
            }
            if (!drain) break;
        }
    }
    uint32_t at = 0;
    for (uint32_t i = 0; i < bench->count; i++) {
        if (i > 0) assert_true(position(bench, i - 1) < position(bench, i));
        while (in[at].sequence < position(bench, i)) {
            assert_int_equal(in[at].type, RW_ENTRY_TICK);
            assert_int_equal(body_of(&in[at++]).kind, RW_TICK_BBO);
        }
        struct rw_tick_body body = body_of(&bench->out[i]);
        if (bench->out[i].type == RW_ENTRY_TICK) replaced += body.replaced;
        body.replaced = 0;
        body.quality &= (uint16_t)~RW_QUALITY_CONFLATED;
        memcpy(bench->out[i].body, &body, sizeof body);
        assert_memory_equal(&bench->out[i], &in[at++], sizeof in[0]);
        if (in[at - 1].type == RW_ENTRY_TICK) told[in[at - 1].instrument] = in[at - 1].sequence;
    }
    for (uint32_t i = 1; i < LOCATES_MAX; i++) assert_int_equal(told[i], newest[i].sequence);
    assert_int_equal(replaced, rw_stat_get(&bench->counters.conflated));
    assert_int_equal(rw_stat_get(&bench->counters.queue_full), 0);
    print_message("longest wait %llu entries of %u instruments, %llu of %u conflated\n",
                  (unsigned long long)waited_max, LOCATES_MAX - 1, (unsigned long long)replaced,
                  STREAM_MAX);
    assert_true(waited_max <= 4 * LOCATES_MAX); /* two rounds, half as much again for the queue */
    bench_free(bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_queue_loses_trades_and_says_so_once),
        cmocka_unit_test(a_full_queue_still_takes_states_and_the_end),
        cmocka_unit_test(a_lost_trade_takes_no_state_with_it),
        cmocka_unit_test(what_a_tick_replaced_is_counted_up_to_255),
        cmocka_unit_test(a_tick_that_replaced_nothing_leaves_as_it_came),
        cmocka_unit_test(a_trade_replaces_the_state_in_front_of_it),
        cmocka_unit_test(a_state_of_the_round_is_sent_though_newer_ones_came),
        cmocka_unit_test(a_directory_message_replaces_nothing),
        cmocka_unit_test(the_age_is_that_of_the_oldest_change),
        cmocka_unit_test(it_answers_as_a_plain_list_does),
        cmocka_unit_test(nothing_but_states_is_missing_and_nobody_starves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
