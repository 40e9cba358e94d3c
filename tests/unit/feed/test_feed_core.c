/* Venue messages into ticks: which message gives which, how often, and that nothing but the
 * venue's messages decides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/base/rng.h"
#include "dataplane/feed/feed_core.h"
#include "dataplane/feed/itch50_book.h"
#include "dataplane/feed/itch50_write.h"
#include "dataplane/feed/moldudp64.h"

#define OUT_MAX 65536

static const char SESSION[RW_MOLD_SESSION_BYTES] = "2311210001";

struct bench {
    void *memory;
    struct rw_feed_core *core;
    struct rw_feed_counters feed;
    struct rw_book_counters book;
    struct rw_channel_counters channel;
    struct rw_line_counters line[2];
    struct rw_entry out[OUT_MAX];
    uint32_t count;
    uint64_t sequence; /* of the next message sent */
    uint64_t now;
};

static struct bench *bench_new_of(const struct rw_venue *venue) {
    struct bench *bench = calloc(1, sizeof *bench);
    struct rw_feed_cfg cfg = {.channel = 7,
                              .line = {.venue = venue,
                                       .lines = 2,
                                       .first_sequence = 1,
                                       .gap_timer_ns = 1000,
                                       .reorder_packets = 64,
                                       .packet_bytes = RW_FRAME_PAYLOAD_BYTES},
                              .books = {.book = {.orders_max = 4096, .levels_max = 4096}}};
    struct rw_feed_stats stats = {
        .feed = &bench->feed,
        .books = {.book = &bench->book},
        .line = {.channel = &bench->channel, .line = {&bench->line[0], &bench->line[1]}}};
    bench->memory = aligned_alloc(64, rw_feed_footprint(&cfg));
    bench->core = rw_feed_new(bench->memory, &cfg, &stats);
    bench->sequence = 1;
    return bench;
}

static struct bench *bench_new(void) { return bench_new_of(&rw_itch50_venue); }

static void bench_free(struct bench *bench) {
    free(bench->memory);
    free(bench);
}

static struct rw_tick_body body_of(const struct rw_entry *entry) {
    struct rw_tick_body body;
    memcpy(&body, entry->body, sizeof body);
    return body;
}

static void drain(struct bench *bench) {
    struct rw_entry out[RW_FEED_FAN_OUT];
    uint32_t count;
    while (rw_feed_step(bench->core, out, &count)) {
        assert_true(count <= RW_FEED_FAN_OUT && bench->count + count <= OUT_MAX);
        memcpy(bench->out + bench->count, out, count * sizeof *out);
        bench->count += count;
    }
}

/* send puts one message into a frame of a line. */
static void send_on(struct bench *bench, uint16_t line, uint64_t sequence, const uint8_t *message,
                    uint32_t bytes) {
    _Alignas(64) uint8_t slot[RW_FRAME_SLOT_BYTES];
    struct rw_frame *frame = (void *)slot;
    struct rw_mold_writer writer;
    rw_mold_begin(&writer, frame->payload, RW_FRAME_PAYLOAD_BYTES, SESSION, sequence);
    assert_true(rw_mold_add(&writer, message, (uint16_t)bytes));
    bench->now += 10;
    *frame = (struct rw_frame){.arrival_ns = bench->now,
                               .now_ns = bench->now,
                               .channel = 7,
                               .line = line,
                               .bytes = (uint16_t)rw_mold_end(&writer)};
    rw_feed_frame(bench->core, frame);
    drain(bench);
}

static uint32_t send(struct bench *bench, const uint8_t *message, uint32_t bytes) {
    uint32_t before = bench->count;
    send_on(bench, 0, bench->sequence++, message, bytes);
    return bench->count - before;
}

static uint32_t add(struct bench *bench, uint16_t locate, uint64_t reference, char side,
                    uint32_t shares, uint32_t price) {
    uint8_t message[RW_ITCH50_BYTES_MAX];
    uint32_t bytes = rw_itch50_begin(message, 'A', locate, 1000 + bench->sequence);
    rw_itch50_put_add_order_reference_number(message, reference);
    rw_itch50_put_add_buy_sell_indicator(message, &side);
    rw_itch50_put_add_shares(message, shares);
    rw_itch50_put_add_stock(message, locate == 1 ? "AAPL    " : "MSFT    ");
    rw_itch50_put_add_price(message, price);
    return send(bench, message, bytes);
}

static uint32_t execute(struct bench *bench, uint64_t reference, uint32_t shares, char printable) {
    uint8_t message[RW_ITCH50_BYTES_MAX];
    uint32_t bytes = rw_itch50_begin(message, printable ? 'C' : 'E', 1, 1000 + bench->sequence);
    rw_itch50_put_executed_order_reference_number(message, reference);
    rw_itch50_put_executed_executed_shares(message, shares);
    if (printable) rw_itch50_put_executed_at_printable(message, &printable);
    if (printable) rw_itch50_put_executed_at_execution_price(message, 1234);
    return send(bench, message, bytes);
}

static uint32_t halt(struct bench *bench, char state) {
    uint8_t message[RW_ITCH50_BYTES_MAX];
    uint32_t bytes = rw_itch50_begin(message, 'H', 1, 1000 + bench->sequence);
    rw_itch50_put_trading_stock(message, "AAPL    ");
    rw_itch50_put_trading_trading_state(message, &state);
    return send(bench, message, bytes);
}

static uint32_t operational_halt(struct bench *bench, char market, char action) {
    uint8_t message[RW_ITCH50_BYTES_MAX];
    uint32_t bytes = rw_itch50_begin(message, 'h', 1, 1000 + bench->sequence);
    rw_itch50_put_halt_stock(message, "AAPL    ");
    rw_itch50_put_halt_market_code(message, &market);
    rw_itch50_put_halt_operational_halt_action(message, &action);
    return send(bench, message, bytes);
}

static uint32_t cross(struct bench *bench, uint64_t shares, uint32_t price) {
    uint8_t message[RW_ITCH50_BYTES_MAX];
    uint32_t bytes = rw_itch50_begin(message, 'Q', 1, 1000 + bench->sequence);
    rw_itch50_put_cross_cross_shares(message, shares);
    rw_itch50_put_cross_stock(message, "AAPL    ");
    rw_itch50_put_cross_cross_price(message, price);
    return send(bench, message, bytes);
}

static const struct rw_entry *last(const struct bench *bench, uint32_t back) {
    return &bench->out[bench->count - 1 - back];
}

static void bad_messages_are_counted_and_give_nothing(void **state) {
    struct bench *bench = bench_new();
    uint8_t message[RW_ITCH50_BYTES_MAX] = {'A'};
    assert_int_equal(send(bench, message, 35), 0);
    assert_int_equal(send(bench, message, 0), 0);
    message[0] = '!';
    assert_int_equal(send(bench, message, 36), 0);
    assert_int_equal(rw_stat_get(&bench->feed.malformed), 1);
    assert_int_equal(rw_stat_get(&bench->feed.empty), 1);
    assert_int_equal(rw_stat_get(&bench->feed.unknown_type), 1);
    assert_int_equal(rw_stat_get(&bench->feed.messages), 3);
    bench_free(bench);
}

static void frames_of_another_channel_are_counted_not_taken(void **state) {
    struct bench *bench = bench_new();
    _Alignas(64) uint8_t slot[RW_FRAME_SLOT_BYTES] = {0};
    struct rw_frame *frame = (void *)slot;
    frame->channel = 8;
    rw_feed_frame(bench->core, frame);
    frame->channel = 7;
    frame->line = 2;
    rw_feed_frame(bench->core, frame);
    drain(bench);
    assert_int_equal(rw_stat_get(&bench->feed.wrong_channel), 2);
    assert_int_equal(rw_stat_get(&bench->channel.packets), 0);
    bench_free(bench);
}

static void the_symbol_is_told_once_and_before_the_first_tick(void **state) {
    struct bench *bench = bench_new();
    assert_int_equal(add(bench, 1, 10, 'B', 100, 5000), 2);
    assert_int_equal(last(bench, 1)->type, RW_FEED_DIRECTORY);
    assert_int_equal(last(bench, 1)->instrument, 1);
    assert_memory_equal(last(bench, 1)->body, "AAPL    ", 8);
    assert_int_equal(last(bench, 0)->type, RW_ENTRY_TICK);
    assert_int_equal(add(bench, 1, 11, 'S', 100, 5100), 1);
    bench_free(bench);
}

static void a_bbo_tick_is_made_only_when_the_bbo_changes(void **state) {
    struct bench *bench = bench_new();
    add(bench, 1, 10, 'B', 100, 5000);
    assert_int_equal(body_of(last(bench, 0)).quality, RW_QUALITY_ONE_SIDED);
    assert_int_equal(add(bench, 1, 11, 'S', 300, 5001), 1);
    struct rw_tick_body body = body_of(last(bench, 0));
    assert_int_equal(body.kind, RW_TICK_BBO);
    assert_int_equal(body.channel, 7);
    assert_int_equal(body.venue_sequence, 2);
    assert_int_equal(body.index, 0);
    assert_int_equal(body.bid_price, 5000);
    assert_int_equal(body.ask_price, 5001);
    assert_int_equal(body.bid_quantity, 100);
    assert_int_equal(body.ask_quantity, 300);
    assert_int_equal(body.quality, 0);
    assert_int_equal(last(bench, 0)->event_time_ns, 1002);
    assert_int_equal(last(bench, 0)->instrument, 1);
    assert_int_equal(add(bench, 1, 12, 'B', 100, 4000), 0); /* behind the best */
    assert_int_equal(add(bench, 1, 13, 'B', 100, 5001), 1);
    assert_int_equal(body_of(last(bench, 0)).quality, RW_QUALITY_LOCKED);
    assert_int_equal(add(bench, 1, 14, 'B', 100, 5002), 1);
    assert_int_equal(body_of(last(bench, 0)).quality, RW_QUALITY_CROSSED);
    bench_free(bench);
}

static void an_execution_gives_the_bbo_change_and_then_the_trade(void **state) {
    struct bench *bench = bench_new();
    add(bench, 1, 10, 'B', 100, 5000);
    assert_int_equal(execute(bench, 10, 40, 0), 2);
    assert_int_equal(body_of(last(bench, 1)).kind, RW_TICK_BBO);
    assert_int_equal(body_of(last(bench, 1)).index, 0);
    struct rw_tick_body body = body_of(last(bench, 0));
    assert_int_equal(body.kind, RW_TICK_TRADE);
    assert_int_equal(body.index, 1);
    assert_int_equal(body.last_price, 5000);
    assert_int_equal(body.last_quantity, 40);
    assert_int_equal(body.bid_quantity, 60);
    assert_int_equal(execute(bench, 10, 10, 'N'), 1); /* the BBO only */
    assert_int_equal(body_of(last(bench, 0)).last_price, 5000);
    assert_int_equal(execute(bench, 10, 10, 'Y'), 2);
    assert_int_equal(body_of(last(bench, 0)).last_price, 1234);
    assert_int_equal(rw_stat_get(&bench->feed.trades_not_printable), 1);
    bench_free(bench);
}

static void a_cross_is_a_trade_unless_it_is_empty_or_out_of_range(void **state) {
    struct bench *bench = bench_new();
    add(bench, 1, 10, 'B', 100, 5000);
    assert_int_equal(cross(bench, 0, 5000), 0);
    assert_int_equal(cross(bench, 10, UINT32_C(3000000000)), 0);
    assert_int_equal(rw_stat_get(&bench->feed.price_range), 1);
    assert_int_equal(cross(bench, UINT64_C(5000000000), 5000), 1);
    assert_int_equal(body_of(last(bench, 0)).last_quantity, UINT32_MAX);
    assert_int_equal(rw_stat_get(&bench->feed.quantity_range), 1);
    bench_free(bench);
}

static void status_ticks_tell_halts_and_resumptions_only(void **state) {
    struct bench *bench = bench_new();
    add(bench, 1, 10, 'B', 100, 5000);
    assert_int_equal(halt(bench, 'T'), 0);
    assert_int_equal(halt(bench, 'H'), 1);
    assert_int_equal(body_of(last(bench, 0)).kind, RW_TICK_STATUS);
    assert_true(body_of(last(bench, 0)).quality & RW_QUALITY_HALTED);
    assert_int_equal(halt(bench, 'P'), 0);
    assert_int_equal(operational_halt(bench, 'B', 'H'), 0); /* another market */
    assert_int_equal(operational_halt(bench, 'Q', 'H'), 0); /* halted already */
    assert_int_equal(halt(bench, 'T'), 0);                  /* still halted operationally */
    assert_int_equal(operational_halt(bench, 'Q', 'T'), 1);
    assert_false(body_of(last(bench, 0)).quality & RW_QUALITY_HALTED);
    bench_free(bench);
}

static void a_broken_trade_is_told(void **state) {
    struct bench *bench = bench_new();
    add(bench, 1, 10, 'B', 100, 5000);
    uint8_t message[RW_ITCH50_BYTES_MAX];
    uint32_t bytes = rw_itch50_begin(message, 'B', 1, 5);
    assert_int_equal(send(bench, message, bytes), 1);
    assert_int_equal(body_of(last(bench, 0)).kind, RW_TICK_BREAK);
    bench_free(bench);
}

static void a_gap_is_told_once_and_flags_every_later_tick(void **state) {
    struct bench *bench = bench_new();
    add(bench, 1, 10, 'B', 100, 5000);
    bench->sequence += 3;
    assert_int_equal(add(bench, 1, 11, 'B', 100, 5001), 0);
    bench->now += 2000;
    rw_feed_now(bench->core, bench->now);
    drain(bench);
    struct rw_tick_body channel = body_of(last(bench, 1));
    assert_int_equal(channel.kind, RW_TICK_CHANNEL);
    assert_int_equal(channel.quality, RW_QUALITY_FEED_GAP);
    assert_int_equal(channel.venue_sequence, 2);
    assert_true(body_of(last(bench, 0)).quality & RW_QUALITY_FEED_GAP);
    bench->sequence += 3;
    assert_int_equal(add(bench, 1, 12, 'B', 100, 5002), 0);
    bench->now += 2000;
    rw_feed_now(bench->core, bench->now);
    drain(bench);
    assert_int_equal(rw_stat_get(&bench->feed.channel_changes), 1);
    assert_int_equal(rw_stat_get(&bench->channel.gaps), 2);
    bench_free(bench);
}

static void ticks_lost_behind_the_feed_are_told_like_a_gap(void **state) {
    struct bench *bench = bench_new();
    add(bench, 1, 10, 'B', 100, 5000);
    for (int i = 0; i < 2; i++) {
        rw_feed_lost_ticks(bench->core);
        drain(bench);
    }
    assert_int_equal(rw_stat_get(&bench->feed.channel_changes), 1);
    struct rw_tick_body channel = body_of(last(bench, 0));
    assert_int_equal(channel.kind, RW_TICK_CHANNEL);
    assert_int_equal(channel.quality, RW_QUALITY_FEED_GAP);
    assert_int_equal(channel.venue_sequence, 1);
    assert_int_equal(add(bench, 1, 11, 'B', 100, 5001), 1); /* the books have missed nothing */
    assert_true(body_of(last(bench, 0)).quality & RW_QUALITY_FEED_GAP);
    assert_int_equal(rw_stat_get(&bench->channel.gaps), 0);
    bench->sequence = 6000; /* far enough that 1 is a start-again */
    add(bench, 1, 12, 'B', 100, 5002);
    bench->now += 2000;
    rw_feed_now(bench->core, bench->now);
    drain(bench);
    bench->sequence = 1;
    add(bench, 1, 10, 'B', 100, 5000);
    assert_false(body_of(last(bench, 0)).quality & RW_QUALITY_FEED_GAP);
    bench_free(bench);
}

static void a_start_again_empties_the_market_and_makes_the_channel_whole(void **state) {
    struct bench *bench = bench_new();
    add(bench, 1, 10, 'B', 100, 5000);
    bench->sequence = 6000;
    add(bench, 2, 11, 'B', 100, 7000);
    bench->now += 2000;
    rw_feed_now(bench->core, bench->now);
    drain(bench);
    assert_int_equal(rw_feed_state(bench->core), RW_CHANNEL_GIVEN_UP);
    uint32_t before = bench->count;
    bench->sequence = 1;
    add(bench, 1, 10, 'S', 100, 9000);
    assert_int_equal(bench->count - before, 5); /* two cleared, channel, directory, BBO */
    const uint64_t generation = UINT64_C(1) << RW_LINE_GENERATION_SHIFT;
    for (uint32_t i = 0; i < 2; i++) {
        struct rw_tick_body body = body_of(&bench->out[before + i]);
        assert_int_equal(body.venue_sequence, generation);
        assert_int_equal(body.index, i + 1);
        assert_int_equal(body.bid_price, 0);
    }
    assert_int_equal(body_of(&bench->out[before + 2]).kind, RW_TICK_CHANNEL);
    assert_int_equal(body_of(&bench->out[before + 2]).quality, 0);
    assert_int_equal(body_of(last(bench, 0)).venue_sequence, generation + 1);
    assert_int_equal(body_of(last(bench, 0)).ask_price, 9000);
    assert_int_equal(body_of(last(bench, 0)).bid_price, 0);
    bench_free(bench);
}

static void the_channel_ends_with_the_number_of_its_last_message(void **state) {
    struct bench *bench = bench_new();
    add(bench, 1, 10, 'B', 100, 5000);
    _Alignas(64) uint8_t slot[RW_FRAME_SLOT_BYTES] = {0};
    struct rw_frame *frame = (void *)slot;
    *frame = (struct rw_frame){.channel = 7, .flags = RW_FRAME_END};
    rw_feed_frame(bench->core, frame);
    drain(bench);
    frame->line = 1;
    rw_feed_frame(bench->core, frame);
    drain(bench);
    assert_int_equal(last(bench, 0)->type, RW_ENTRY_END);
    struct rw_end_body body;
    memcpy(&body, last(bench, 0)->body, sizeof body);
    assert_int_equal(body.source_kind, RW_END_CHANNEL);
    assert_int_equal(body.source, 7);
    assert_int_equal(body.last_sequence, 1);
    bench_free(bench);
}

/* One random market over both lines, each packet lost on at most one of them and arriving in any
 * order. */
static void play(struct bench *bench, uint64_t seed, uint64_t path) {
    struct rw_rng rng, way;
    rw_rng_seed(&rng, seed);
    rw_rng_seed(&way, path);
    uint8_t message[RW_ITCH50_BYTES_MAX];
    for (uint64_t sequence = 1; sequence <= 3000; sequence++) {
        uint64_t reference = 1 + rw_rng_below(&rng, 200);
        uint16_t locate = (uint16_t)(1 + reference % 5);
        uint64_t dice = rw_rng_below(&rng, 10);
        uint32_t bytes = rw_itch50_begin(message,
                                         dice < 5   ? 'A'
                                         : dice < 7 ? 'E'
                                                    : 'D',
                                         locate, sequence);
        rw_itch50_put_delete_order_reference_number(message, reference);
        if (dice < 5) {
            rw_itch50_put_add_buy_sell_indicator(message, rw_rng_chance(&rng, 1, 2) ? "B" : "S");
            rw_itch50_put_add_shares(message, 1 + rw_rng_below(&rng, 100));
            rw_itch50_put_add_price(message, 1000 + rw_rng_below(&rng, 20));
            rw_itch50_put_add_stock(message, "AAPL    ");
        } else if (dice < 7) {
            rw_itch50_put_executed_executed_shares(message, 1 + rw_rng_below(&rng, 50));
        }
        uint64_t lost = rw_rng_below(&way, 3), first = rw_rng_below(&way, 2);
        if (lost != first) send_on(bench, (uint16_t)first, sequence, message, bytes);
        if (lost != 1 - first) send_on(bench, (uint16_t)(1 - first), sequence, message, bytes);
    }
}

static void ticks_are_a_function_of_the_venues_messages_alone(void **state) {
    const char *text = getenv("RW_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : 1;
    print_message("RW_SEED=%llu\n", (unsigned long long)seed);
    struct bench *a = bench_new(), *b = bench_new();
    play(a, seed, 100 + seed);
    play(b, seed, 200 + seed);
    assert_true(a->count > 400);
    assert_int_equal(a->count, b->count);
    for (uint32_t i = 0; i < a->count; i++) {
        a->out[i].sequence = b->out[i].sequence = 0; /* the arrival stamps may differ */
        assert_memory_equal(&a->out[i], &b->out[i], sizeof a->out[i]);
    }
    bench_free(a);
    bench_free(b);
}

/* A venue whose message is a number of instruments: each of them gets a new bid and a trade. */
struct crowd {
    struct rw_book_bbo bbo;
    uint16_t next, last;
};

static size_t crowd_footprint(const struct rw_books_cfg *cfg) { return sizeof(struct crowd); }

static void *crowd_make(void *memory, const struct rw_books_cfg *cfg,
                        const struct rw_books_stats *stats) {
    return memset(memory, 0, sizeof(struct crowd));
}

static void crowd_more(void *books, struct rw_book_event *event) {
    struct crowd *crowd = books;
    *event = (struct rw_book_event){.changed = RW_BOOK_BBO | RW_BOOK_TRADE,
                                    .locate = crowd->next++,
                                    .printable = true,
                                    .quantity = 1,
                                    .price = 5,
                                    .after = {.bid_price = 4, .bid_quantity = 1}};
    if (crowd->next <= crowd->last) event->changed |= RW_BOOK_MORE;
}

static enum rw_venue_verdict crowd_apply(void *books, const uint8_t *message, uint32_t bytes,
                                         struct rw_book_event *event) {
    struct crowd *crowd = books;
    crowd->next = 1;
    crowd->last = message[0];
    crowd_more(books, event);
    return RW_VENUE_OK;
}

static const struct rw_venue crowd_venue = {.name = "crowd",
                                            .open = rw_mold_decode,
                                            .footprint = crowd_footprint,
                                            .make = crowd_make,
                                            .apply = crowd_apply,
                                            .more = crowd_more};

static void a_message_about_many_instruments_is_worked_off_in_steps(void **state) {
    struct bench *bench = bench_new_of(&crowd_venue);
    const uint8_t crowds[] = {200, 1};
    assert_int_equal(send(bench, &crowds[0], 1), 400);
    assert_int_equal(send(bench, &crowds[1], 1), 2);
    for (uint32_t i = 0; i < 400; i++) {
        struct rw_tick_body body = body_of(&bench->out[i]);
        assert_int_equal(body.index, i / 2 * 4 + i % 2);
        assert_int_equal(body.venue_sequence, 1);
        assert_int_equal(body.kind, i % 2 ? RW_TICK_TRADE : RW_TICK_BBO);
        assert_int_equal(bench->out[i].instrument, 1 + i / 2);
        assert_int_equal(bench->out[i].sequence, bench->out[0].sequence); /* the arrival */
    }
    assert_int_equal(body_of(&bench->out[400]).index, 0);
    assert_int_equal(rw_stat_get(&bench->feed.messages), 2);
    bench_free(bench);
}

/* A venue that writes down which messages were noted for prefetching, and how many at a time. The
 * first two bytes of a message are its number. */
static struct {
    uint16_t noted[512];
    uint32_t noted_count, waiting, loads, most;
} seen;

static void watch_coming(struct rw_book_coming *coming, const uint8_t *message, uint32_t bytes) {
    assert_true(seen.noted_count < 512);
    seen.noted[seen.noted_count++] = rw_load_be16(message);
    seen.waiting++;
}

static void watch_prefetch(const void *books, struct rw_book_coming *coming) {
    if (seen.waiting > seen.most) seen.most = seen.waiting;
    seen.waiting = 0;
    seen.loads++;
}

static enum rw_venue_verdict watch_apply(void *books, const uint8_t *message, uint32_t bytes,
                                         struct rw_book_event *event) {
    *event = (struct rw_book_event){.locate = 1};
    assert_int_equal(seen.waiting, 0); /* what is noted is loaded before anything is applied */
    return RW_VENUE_OK;
}

static const struct rw_venue watch_venue = {.name = "watch",
                                            .open = rw_mold_decode,
                                            .footprint = crowd_footprint,
                                            .make = crowd_make,
                                            .apply = watch_apply,
                                            .coming = watch_coming,
                                            .prefetch = watch_prefetch};

/* Puts messages first … first + count - 1 into slot i of `frames`. */
static void fill(uint8_t (*frames)[RW_FRAME_SLOT_BYTES], uint32_t i, uint32_t first,
                 uint32_t count) {
    struct rw_frame *frame = (void *)frames[i];
    struct rw_mold_writer writer;
    rw_mold_begin(&writer, frame->payload, RW_FRAME_PAYLOAD_BYTES, SESSION, first);
    for (uint32_t k = 0; k < count; k++) {
        uint8_t message[2];
        rw_store_be16(message, (uint16_t)(first + k));
        assert_true(rw_mold_add(&writer, message, sizeof message));
    }
    *frame = (struct rw_frame){.channel = 7, .bytes = (uint16_t)rw_mold_end(&writer)};
}

/* Takes frames in order, as the stage does, telling of all those behind. */
static void take(struct bench *bench, uint8_t (*frames)[RW_FRAME_SLOT_BYTES], uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        struct rw_frame *frame = (void *)frames[i];
        frame->arrival_ns = frame->now_ns = bench->now += 10;
        rw_feed_frame(bench->core, frame);
        for (uint32_t k = i + 1; k < count && rw_feed_wants_ahead(bench->core); k++)
            rw_feed_ahead(bench->core, (void *)frames[k]);
        drain(bench);
    }
}

static void assert_noted(uint32_t first, uint32_t count) {
    assert_int_equal(seen.noted_count, count);
    for (uint32_t i = 0; i < count; i++) assert_int_equal(seen.noted[i], first + i);
}

static void messages_of_several_packets_are_noted_once_and_loaded_together(void **state) {
    static _Alignas(64) uint8_t frames[40][RW_FRAME_SLOT_BYTES];
    struct bench *bench = bench_new_of(&watch_venue);
    memset(&seen, 0, sizeof seen);
    for (uint32_t i = 0; i < 40; i++) fill(frames, i, 1 + 3 * (i / 2), 3); /* each one twice */
    take(bench, frames, 40);
    assert_noted(1, 60);
    assert_int_equal(seen.loads, 1);
    fill(frames, 0, 61, 200); /* more than are loaded at once */
    fill(frames, 1, 261, 10);
    take(bench, frames, 2);
    assert_noted(1, 270);
    assert_int_equal(seen.most, RW_BOOK_COMING_MAX);
    bench_free(bench);
}

static void packets_that_do_not_follow_are_not_noted(void **state) {
    static _Alignas(64) uint8_t frames[5][RW_FRAME_SLOT_BYTES];
    struct bench *bench = bench_new_of(&watch_venue);
    memset(&seen, 0, sizeof seen);
    fill(frames, 0, 1, 2);
    fill(frames, 1, 60000, 2); /* far ahead: a gap, or made up */
    fill(frames, 2, 3, 2);
    ((struct rw_frame *)(void *)frames[2])->bytes = 19; /* no header */
    fill(frames, 3, 3, 2);
    ((struct rw_frame *)(void *)frames[3])->channel = 8;
    fill(frames, 4, 3, 2);
    ((struct rw_frame *)(void *)frames[4])->flags = RW_FRAME_END;
    rw_feed_frame(bench->core, (void *)frames[0]);
    for (uint32_t i = 1; i < 5; i++) rw_feed_ahead(bench->core, (void *)frames[i]);
    drain(bench);
    assert_noted(1, 2);
    fill(frames, 0, 3, 2); /* and the stream goes on */
    take(bench, frames, 1);
    assert_noted(1, 4);
    bench_free(bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_messages_are_counted_and_give_nothing),
        cmocka_unit_test(frames_of_another_channel_are_counted_not_taken),
        cmocka_unit_test(the_symbol_is_told_once_and_before_the_first_tick),
        cmocka_unit_test(a_bbo_tick_is_made_only_when_the_bbo_changes),
        cmocka_unit_test(an_execution_gives_the_bbo_change_and_then_the_trade),
        cmocka_unit_test(a_cross_is_a_trade_unless_it_is_empty_or_out_of_range),
        cmocka_unit_test(status_ticks_tell_halts_and_resumptions_only),
        cmocka_unit_test(a_broken_trade_is_told),
        cmocka_unit_test(a_gap_is_told_once_and_flags_every_later_tick),
        cmocka_unit_test(ticks_lost_behind_the_feed_are_told_like_a_gap),
        cmocka_unit_test(a_start_again_empties_the_market_and_makes_the_channel_whole),
        cmocka_unit_test(the_channel_ends_with_the_number_of_its_last_message),
        cmocka_unit_test(a_message_about_many_instruments_is_worked_off_in_steps),
        cmocka_unit_test(ticks_are_a_function_of_the_venues_messages_alone),
        cmocka_unit_test(messages_of_several_packets_are_noted_once_and_loaded_together),
        cmocka_unit_test(packets_that_do_not_follow_are_not_noted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
