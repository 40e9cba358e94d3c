/* What waits at the feed, against plain lists: whatever the stream and the room, the same entries
 * leave in the same order. Then what these answers mean: nothing but BBO states is missing, nothing
 * goes back, nobody starves. */
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
    uint64_t sequence;              /* of the last entry made */
    uint64_t state_of[LOCATES_MAX]; /* the last BBO state made */
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

/* Entry number s of a stream: its position is its number; its price says which state it is of. */
static struct rw_entry tick_of(enum rw_tick_kind kind, uint32_t locate, uint64_t s,
                               uint64_t state) {
    struct rw_entry tick = {.sequence = s,
                            .event_time_ns = s,
                            .type = RW_ENTRY_TICK,
                            .slots = 1,
                            .version = RW_ENTRY_VERSION,
                            .instrument = locate};
    struct rw_tick_body body = {
        .kind = (uint8_t)kind, .venue_sequence = s, .bid_price = (int32_t)state, .bid_quantity = 1};
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

static struct rw_entry next_tick(struct bench *bench, enum rw_tick_kind kind, uint32_t locate) {
    uint64_t s = ++bench->sequence;
    if (kind == RW_TICK_BBO) bench->state_of[locate] = s;
    return tick_of(kind, locate, s, bench->state_of[locate]);
}

static void put_tick(struct bench *bench, enum rw_tick_kind kind, uint32_t locate) {
    put(bench, next_tick(bench, kind, locate));
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
    struct rw_entry in[3] = {tick_of(RW_TICK_BBO, 1, 1, 1), tick_of(RW_TICK_TRADE, 2, 2, 0),
                             message_of(RW_FEED_DIRECTORY, 3, 3)};
    for (int i = 0; i < 3; i++) put(bench, in[i]);
    while (take(bench)) continue;
    assert_memory_equal(bench->out, in, sizeof in);
    assert_true(rw_conflate_is_empty(bench->core));
    bench_free(bench);
}

static void a_followers_ticks_keep_the_venues_order(void **state) {
    struct bench *bench = bench_new(4, 16);
    put_tick(bench, RW_TICK_BBO, 1);
    put_tick(bench, RW_TICK_TRADE, 2);
    put_tick(bench, RW_TICK_BBO, 3);
    put_tick(bench, RW_TICK_TRADE, 1);
    for (uint32_t i = 0; i < 4; i++) assert_true(take(bench) && position(bench, i) == i + 1);
    bench_free(bench);
}

static void live_quotes_overtake_trades_which_have_every_fourth_slot(void **state) {
    struct bench *bench = bench_new(10, 16);
    rw_conflate_live(bench->core);
    for (int i = 0; i < 3; i++) put_tick(bench, RW_TICK_TRADE, 1);
    for (uint32_t i = 2; i < 8; i++) put_tick(bench, RW_TICK_BBO, i);
    const uint64_t wanted[] = {4, 5, 6, 1, 7, 8, 9, 2, 3};
    for (uint32_t i = 0; i < 9; i++) assert_true(take(bench) && position(bench, i) == wanted[i]);
    assert_int_equal(rw_stat_get(&bench->counters.overtaken), 0); /* of other instruments */
    bench_free(bench);
}

static void a_trade_overtaken_by_its_own_instrument_says_the_newer_bbo(void **state) {
    struct bench *bench = bench_new(4, 16);
    rw_conflate_live(bench->core);
    put_tick(bench, RW_TICK_BBO, 1);
    put_tick(bench, RW_TICK_TRADE, 1);
    put_tick(bench, RW_TICK_STATUS, 2);
    put_tick(bench, RW_TICK_BBO, 1); /* replaces the first */
    for (uint32_t i = 0; i < 3; i++) assert_true(take(bench));
    const uint64_t wanted[] = {4, 2, 3};
    for (uint32_t i = 0; i < 3; i++) assert_int_equal(position(bench, i), wanted[i]);
    assert_int_equal(body_of(&bench->out[1]).kind, RW_TICK_TRADE);
    assert_int_equal(body_of(&bench->out[1]).bid_price, 4);
    assert_true(body_of(&bench->out[1]).quality & RW_QUALITY_CONFLATED);
    assert_int_equal(body_of(&bench->out[2]).quality, 0);
    assert_int_equal(rw_stat_get(&bench->counters.overtaken), 1);
    put_tick(bench, RW_TICK_TRADE, 1); /* newer than what was said */
    assert_true(take(bench));
    assert_int_equal(body_of(&bench->out[3]).quality, 0);
    bench_free(bench);
}

static void a_halt_that_was_overtaken_is_still_a_halt(void **state) {
    struct bench *bench = bench_new(4, 16);
    rw_conflate_live(bench->core);
    struct rw_entry halt = tick_of(RW_TICK_STATUS, 1, 1, 0), quote = tick_of(RW_TICK_BBO, 1, 2, 2);
    struct rw_tick_body body = body_of(&halt);
    body.quality = RW_QUALITY_HALTED | RW_QUALITY_ONE_SIDED;
    memcpy(halt.body, &body, sizeof body);
    body = body_of(&quote);
    body.quality = RW_QUALITY_LOCKED;
    memcpy(quote.body, &body, sizeof body);
    put(bench, halt);
    put(bench, quote);
    assert_true(take(bench) && take(bench));
    assert_int_equal(body_of(&bench->out[1]).kind, RW_TICK_STATUS);
    assert_int_equal(body_of(&bench->out[1]).quality,
                     RW_QUALITY_HALTED | RW_QUALITY_LOCKED | RW_QUALITY_CONFLATED);
    bench_free(bench);
}

static void nothing_overtakes_a_directory_message(void **state) {
    struct bench *bench = bench_new(4, 16);
    rw_conflate_live(bench->core);
    put_tick(bench, RW_TICK_TRADE, 1);
    put(bench, message_of(RW_FEED_DIRECTORY, 2, ++bench->sequence));
    put_tick(bench, RW_TICK_BBO, 2);
    put_tick(bench, RW_TICK_TRADE, 1);
    put_tick(bench, RW_TICK_BBO, 3);
    const uint64_t wanted[] = {1, 2, 3, 5, 4};
    for (uint32_t i = 0; i < 5; i++) assert_true(take(bench) && position(bench, i) == wanted[i]);
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
    struct rw_entry first = tick_of(RW_TICK_BBO, 1, 1, 1), second = tick_of(RW_TICK_BBO, 1, 2, 2);
    rw_conflate_refresh(bench->core, 500);
    assert_int_equal(rw_stat_get(&bench->gauges.oldest_ns), 0);
    rw_conflate_put(bench->core, &first, 1, 1000);
    rw_conflate_put(bench->core, &second, 1, 5000); /* replaces it, but the change is older */
    rw_conflate_refresh(bench->core, 6000);
    assert_int_equal(rw_stat_get(&bench->gauges.oldest_ns), 5000);
    assert_true(take(bench));
    struct rw_entry trade = tick_of(RW_TICK_TRADE, 1, 7000, 2);
    rw_conflate_put(bench->core, &trade, 1, 7500);
    rw_conflate_refresh(bench->core, 8000);
    assert_int_equal(rw_stat_get(&bench->gauges.oldest_ns), 1000); /* since its arrival */
    assert_int_equal(rw_stat_get(&bench->gauges.oldest_max_ns), 5000);
    bench_free(bench);
}

/* ---- against plain lists */

struct item {
    struct rw_entry entry;
    uint64_t order; /* in which it came */
    bool held;      /* a state that may not be replaced any more */
};

struct lists {
    struct item state[LOCATES_MAX * 2], event[4096];
    uint32_t states, events, slots, in_a_row;
    uint64_t order;
    struct item said[LOCATES_MAX]; /* the last state that left */
    bool lost, live;
};

static struct item remove_at(struct item *items, uint32_t *count, uint32_t at) {
    struct item item = items[at];
    --*count;
    memmove(&items[at], &items[at + 1], (*count - at) * sizeof *items);
    return item;
}

static void lists_put(struct lists *lists, const struct rw_entry *entry) {
    struct item item = {.entry = *entry, .order = ++lists->order};
    struct rw_tick_body body = body_of(entry);
    bool tick = entry->type == RW_ENTRY_TICK, end = entry->type == RW_ENTRY_END;
    bool trade = tick && (body.kind == RW_TICK_TRADE || body.kind == RW_TICK_BREAK);
    if (!tick || body.kind != RW_TICK_BBO) {
        uint32_t limit = trade ? lists->slots - lists->slots / 8 : lists->slots - !end;
        lists->lost |= lists->events >= limit;
        if (lists->events < limit) lists->event[lists->events++] = item;
        return;
    }
    for (uint32_t i = 0; i < lists->states; i++) {
        struct item *other = &lists->state[i];
        if (other->held || other->entry.instrument != entry->instrument) continue;
        uint8_t replaced = body_of(&other->entry).replaced;
        body.replaced = replaced > 254 ? 255 : (uint8_t)(replaced + 1);
        body.quality |= RW_QUALITY_CONFLATED;
        memcpy(item.entry.body, &body, sizeof body);
        remove_at(lists->state, &lists->states, i);
        break;
    }
    lists->state[lists->states++] = item;
}

static bool may_overtake(const struct lists *lists) {
    for (uint32_t i = 0; i < lists->events; i++)
        if (lists->event[i].entry.type == RW_FEED_DIRECTORY) return false;
    return lists->live && lists->in_a_row < 3;
}

static bool lists_next(struct lists *lists, struct rw_entry *out) {
    if (lists->states + lists->events == 0) return false;
    bool overtakes =
        lists->states && lists->events && lists->state[0].order > lists->event[0].order;
    if (lists->states && (!overtakes || may_overtake(lists))) {
        struct item first = remove_at(lists->state, &lists->states, 0);
        for (uint32_t i = 0; !first.held && i < lists->states; i++) lists->state[i].held = true;
        lists->said[first.entry.instrument] = first;
        lists->in_a_row += overtakes;
        *out = first.entry;
        return true;
    }
    struct item first = remove_at(lists->event, &lists->events, 0);
    const struct item *said = &lists->said[first.entry.instrument];
    struct rw_tick_body body = body_of(&first.entry), newer = body_of(&said->entry);
    bool tick = first.entry.type == RW_ENTRY_TICK && body.kind != RW_TICK_CHANNEL;
    if (tick && said->order > first.order) {
        body.bid_price = newer.bid_price;
        body.bid_quantity = newer.bid_quantity;
        body.quality = newer.quality | RW_QUALITY_CONFLATED;
        memcpy(first.entry.body, &body, sizeof body);
    }
    lists->in_a_row = 0;
    *out = first.entry;
    return true;
}

static struct rw_entry random_entry(struct bench *bench, struct rw_rng *rng, uint32_t locates,
                                    uint32_t events_percent) {
    /* a few instruments have most of the states; also 0, which a venue may say */
    uint32_t below = rw_rng_chance(rng, 1, 3) ? locates : 1 + locates / 8;
    uint32_t locate = (uint32_t)rw_rng_below(rng, below);
    if (!rw_rng_chance(rng, events_percent, 100)) return next_tick(bench, RW_TICK_BBO, locate);
    switch (rw_rng_below(rng, 64)) {
    case 0:
        return message_of(RW_FEED_DIRECTORY, locate, ++bench->sequence);
    case 1:
        return tick_of(RW_TICK_CHANNEL, RW_INSTRUMENT_NONE, ++bench->sequence, 0);
    case 2:
        return next_tick(bench, RW_TICK_STATUS, locate);
    case 3:
        return next_tick(bench, RW_TICK_BREAK, locate);
    default:
        return next_tick(bench, RW_TICK_TRADE, locate);
    }
}

static void it_answers_as_plain_lists_do(void **state) {
    uint64_t seed = seed_of_run(), overtaken = 0;
    for (uint64_t round = 0; round < 200; round++) {
        struct rw_rng rng;
        rw_rng_seed(&rng, seed * 1000 + round);
        uint32_t locates = 2 + (uint32_t)rw_rng_below(&rng, LOCATES_MAX - 1);
        uint32_t events = (uint32_t)rw_rng_below(&rng, 60);
        struct lists *lists = calloc(1, sizeof *lists);
        lists->slots = 16u << rw_rng_below(&rng, 5);
        struct bench *bench = bench_new(locates, lists->slots);
        uint32_t in_a_row = 1 + (uint32_t)rw_rng_below(&rng, 40);
        uint64_t live_from = rw_rng_below(&rng, 2000);
        for (uint32_t step = 0; step < 2000; step++) {
            if (step == live_from) rw_conflate_live(bench->core);
            lists->live = step >= live_from;
            for (uint64_t k = rw_rng_below(&rng, in_a_row); k > 0; k--) {
                struct rw_entry entry = random_entry(bench, &rng, locates, events);
                put(bench, entry);
                lists_put(lists, &entry);
            }
            assert_int_equal(rw_conflate_lost(bench->core), lists->lost);
            lists->lost = false;
            bench->count = 0;
            for (uint64_t room = rw_rng_below(&rng, 20); room > 0; room--) {
                struct rw_entry wanted;
                bool more = lists_next(lists, &wanted);
                assert_int_equal(take(bench), more);
                if (!more) break;
                assert_memory_equal(&bench->out[bench->count - 1], &wanted, sizeof wanted);
            }
            assert_int_equal(rw_conflate_is_empty(bench->core), lists->states + lists->events == 0);
            if (step % 64 == 0) assert_adds_up(bench);
        }
        overtaken += rw_stat_get(&bench->counters.overtaken);
        free(lists);
        bench_free(bench);
    }
    assert_true(overtaken > 1000);
}

/* ---- what it means */

static bool is_state(const struct rw_entry *entry) {
    return entry->type == RW_ENTRY_TICK && body_of(entry).kind == RW_TICK_BBO;
}

/* check_part: of what went in, the states (or the rest) came out in their order; of the rest
 * all, of the states the last of each instrument. Returns how many states were replaced. */
static uint64_t check_part(struct bench *bench, const struct rw_entry *in, bool states) {
    uint32_t at = 0;
    uint64_t replaced = 0;
    for (uint32_t i = 0; i < bench->count; i++) {
        const struct rw_entry *out = &bench->out[i];
        if (is_state(out) != states) continue;
        for (; in[at].sequence != out->sequence; at++) {
            assert_true(in[at].sequence < out->sequence);
            assert_true(is_state(&in[at]) || states);
        }
        struct rw_tick_body body = body_of(out), wanted = body_of(&in[at++]);
        if (states) replaced += body.replaced;
        body.replaced = 0;
        if (body.bid_price != wanted.bid_price) { /* overtaken */
            assert_true(!states && body.bid_price > wanted.bid_price);
            body.bid_price = wanted.bid_price;
        }
        body.quality &= (uint16_t)~RW_QUALITY_CONFLATED;
        assert_memory_equal(&body, &wanted, sizeof body);
    }
    for (; at < STREAM_MAX; at++) assert_true(is_state(&in[at]));
    return replaced;
}

/* Ten ticks come for each that leaves, most of them of few instruments; of ten, one is a trade. */
static void run_overload(bool live, uint64_t waited_max) {
    uint64_t seed = seed_of_run();
    struct rw_rng rng;
    rw_rng_seed(&rng, seed);
    struct bench *bench = bench_new(LOCATES_MAX, 4096);
    static struct rw_entry in[STREAM_MAX];
    uint64_t changed_at[LOCATES_MAX] = {0}, told[LOCATES_MAX] = {0}, now = 0, longest = 0;
    if (live) rw_conflate_live(bench->core);
    for (uint32_t i = 0; i < STREAM_MAX; i++) {
        in[i] = random_entry(bench, &rng, LOCATES_MAX, 10);
        if (in[i].type == RW_FEED_DIRECTORY) in[i] = next_tick(bench, RW_TICK_BBO, 5);
        uint32_t locate = in[i].instrument;
        if (is_state(&in[i]) && changed_at[locate] == 0) changed_at[locate] = now + 1;
        put(bench, in[i]);
        bool drain = i == STREAM_MAX - 1;
        while ((drain || i % 10 == 0) && take(bench)) {
            const struct rw_entry *out = &bench->out[bench->count - 1];
            struct rw_tick_body body = body_of(out);
            now++;
            if (!drain && body.kind != RW_TICK_CHANNEL) {
                locate = out->instrument;
                assert_true((uint64_t)body.bid_price >= told[locate]); /* never back */
                told[locate] = (uint64_t)body.bid_price;
                if (is_state(out) && now - changed_at[locate] > longest)
                    longest = now - changed_at[locate];
                if (is_state(out))
                    changed_at[locate] = bench->state_of[locate] > out->sequence ? now : 0;
            }
            if (!drain) break;
        }
    }
    uint64_t replaced = check_part(bench, in, true);
    uint64_t conflated = rw_stat_get(&bench->counters.conflated);
    assert_true(live ? replaced == conflated : replaced <= conflated); /* a tick says up to 255 */
    check_part(bench, in, false);
    memset(told, 0, sizeof told);
    for (uint32_t i = 0; i < bench->count; i++)
        if (body_of(&bench->out[i]).kind != RW_TICK_CHANNEL)
            told[bench->out[i].instrument] = (uint64_t)body_of(&bench->out[i]).bid_price;
    for (uint32_t i = 0; i < LOCATES_MAX; i++) assert_int_equal(told[i], bench->state_of[i]);
    assert_int_equal(rw_stat_get(&bench->counters.queue_full), 0);
    print_message("longest wait: %llu entries, of %u instruments\n", (unsigned long long)longest,
                  LOCATES_MAX);
    assert_true(longest <= waited_max);
    bench_free(bench);
}

static void a_followers_overload_loses_nothing_but_states(void **state) {
    run_overload(false, STREAM_MAX);
}

static void live_no_quote_waits_beyond_two_rounds(void **state) {
    run_overload(true, 2 * (LOCATES_MAX * 4 / 3 + 1));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_queue_loses_trades_and_says_so_once),
        cmocka_unit_test(a_full_queue_still_takes_states_and_the_end),
        cmocka_unit_test(a_lost_trade_takes_no_state_with_it),
        cmocka_unit_test(what_a_tick_replaced_is_counted_up_to_255),
        cmocka_unit_test(a_tick_that_replaced_nothing_leaves_as_it_came),
        cmocka_unit_test(a_followers_ticks_keep_the_venues_order),
        cmocka_unit_test(live_quotes_overtake_trades_which_have_every_fourth_slot),
        cmocka_unit_test(a_trade_overtaken_by_its_own_instrument_says_the_newer_bbo),
        cmocka_unit_test(a_halt_that_was_overtaken_is_still_a_halt),
        cmocka_unit_test(nothing_overtakes_a_directory_message),
        cmocka_unit_test(a_state_of_the_round_is_sent_though_newer_ones_came),
        cmocka_unit_test(a_directory_message_replaces_nothing),
        cmocka_unit_test(the_age_is_that_of_the_oldest_change),
        cmocka_unit_test(it_answers_as_plain_lists_do),
        cmocka_unit_test(a_followers_overload_loses_nothing_but_states),
        cmocka_unit_test(live_no_quote_waits_beyond_two_rounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
