/* The feed stage of a live port: whatever room there is for its output, frames are worked off and
 * nothing is lost, out of order or twice; when its queue is full the channel is flagged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/base/rng.h"
#include "dataplane/feed/feed_stage.h"
#include "dataplane/feed/itch50_write.h"
#include "dataplane/feed/moldudp64.h"

#define FRAMES_DEPTH 64u
#define OUT_DEPTH    16u
#define LOG_MAX      65536u

static const char SESSION[RW_MOLD_SESSION_BYTES] = "2311210001";

struct bench {
    struct rw_feed_cfg cfg;
    struct rw_plan plan;
    struct rw_arena arena;
    struct rw_stats *stats;
    struct rw_watermarks *watermarks;
    struct rw_ring *in, *out;
    void *stage;
    uint64_t sequence, reference, now; /* of the next message */
    struct rw_entry log[LOG_MAX];      /* what left by the link */
    uint32_t count;
};

static struct rw_ring *ring_new(uint32_t depth, uint32_t slot_bytes) {
    return rw_ring_new(aligned_alloc(64, rw_ring_footprint(depth, slot_bytes)), depth, slot_bytes);
}

static struct bench *bench_new(bool file_ports, uint64_t queue_slots) {
    struct bench *bench = calloc(1, sizeof *bench);
    bench->cfg = (struct rw_feed_cfg){.channel = 7,
                                      .line = {.venue = rw_venue_named("itch50"),
                                               .lines = 1,
                                               .first_sequence = 1,
                                               .gap_timer_ns = 1000,
                                               .reorder_packets = 64,
                                               .packet_bytes = RW_FRAME_PAYLOAD_BYTES,
                                               .file_ports = file_ports},
                                      .books.book = {.orders_max = 4096, .levels_max = 4096},
                                      .queue_bytes = queue_slots * RW_SLOT_BYTES};
    bench->stats = rw_stats_create(NULL, "test", 1);
    bench->watermarks = aligned_alloc(64, sizeof *bench->watermarks);
    memset(bench->watermarks, 0, sizeof *bench->watermarks);
    bench->in = ring_new(FRAMES_DEPTH, RW_FRAME_SLOT_BYTES);
    bench->out = ring_new(OUT_DEPTH, RW_SLOT_BYTES);
    bench->sequence = bench->reference = 1;
    struct rw_stage_env env = {.name = "feed",
                               .instances = 1,
                               .in = {bench->in},
                               .in_count = 1,
                               .out = {bench->out},
                               .out_count = 1,
                               .watermarks = bench->watermarks,
                               .stats = bench->stats,
                               .arena = &bench->arena};
    assert_int_equal(rw_feed_stage_type.plan(&bench->cfg, "feed", 1, &bench->plan), 0);
    assert_int_equal(rw_arena_map(&bench->arena, &bench->plan, false), 0);
    assert_int_equal(rw_feed_stage_type.init(&bench->stage, &bench->cfg, &env), 0);
    return bench;
}

static void bench_free(struct bench *bench) {
    rw_arena_unmap(&bench->arena);
    rw_stats_close(bench->stats);
    free(bench->watermarks);
    free(bench->in);
    free(bench->out);
    free(bench);
}

static uint64_t stat(struct bench *bench, const char *block, const char *name) {
    struct rw_stats_item item;
    for (uint64_t at = 0; rw_stats_next(bench->stats, &at, &item);)
        if (!strcmp(item.block, block) && !strcmp(item.name, name)) return item.value;
    fail_msg("no %s in %s", name, block);
    return 0;
}

static struct rw_tick_body body_of(const struct rw_entry *entry) {
    struct rw_tick_body body;
    memcpy(&body, entry->body, sizeof body);
    return body;
}

static bool is_kind(const struct rw_entry *entry, enum rw_tick_kind kind) {
    return entry->type == RW_ENTRY_TICK && body_of(entry).kind == kind;
}

/* better makes a message that raises the bid of a locate: one BBO tick. */
static uint32_t better(struct bench *bench, uint16_t locate, uint8_t *message) {
    char side = 'B', stock[9];
    snprintf(stock, sizeof stock, "SYM%05u", locate);
    uint32_t bytes = rw_itch50_begin(message, 'A', locate, 1000 + bench->sequence);
    rw_itch50_put_add_order_reference_number(message, bench->reference++);
    rw_itch50_put_add_buy_sell_indicator(message, &side);
    rw_itch50_put_add_shares(message, 100);
    rw_itch50_put_add_stock(message, stock);
    rw_itch50_put_add_price(message, (uint32_t)(100 * bench->sequence));
    return bytes;
}

/* hidden makes a trade against a hidden order: one TRADE tick, no BBO. */
static uint32_t hidden(struct bench *bench, uint16_t locate, uint8_t *message) {
    char side = 'B', stock[9];
    snprintf(stock, sizeof stock, "SYM%05u", locate);
    uint32_t bytes = rw_itch50_begin(message, 'P', locate, 1000 + bench->sequence);
    rw_itch50_put_trade_buy_sell_indicator(message, &side);
    rw_itch50_put_trade_shares(message, 10);
    rw_itch50_put_trade_stock(message, stock);
    rw_itch50_put_trade_price(message, 5000);
    rw_itch50_put_trade_match_number(message, bench->sequence);
    return bytes;
}

/* send puts a frame of `count` messages on the link: of them every `trade_every`-th a trade. */
static void send(struct bench *bench, uint32_t count, uint32_t locates, uint32_t trade_every) {
    assert_true(rw_ring_room(bench->in, 1) >= 1);
    struct rw_frame *frame = rw_ring_slot(bench->in, 0);
    struct rw_mold_writer writer;
    uint8_t message[RW_ITCH50_BYTES_MAX];
    rw_mold_begin(&writer, frame->payload, RW_FRAME_PAYLOAD_BYTES, SESSION, bench->sequence);
    for (uint32_t i = 0; i < count; i++, bench->sequence++) {
        uint16_t locate = (uint16_t)(1 + bench->sequence % locates);
        bool trade = trade_every && bench->sequence % trade_every == 0;
        uint32_t bytes = trade ? hidden(bench, locate, message) : better(bench, locate, message);
        assert_true(rw_mold_add(&writer, message, (uint16_t)bytes));
    }
    bench->now += 1000;
    *frame = (struct rw_frame){.arrival_ns = bench->now,
                               .now_ns = bench->now,
                               .channel = 7,
                               .bytes = (uint16_t)rw_mold_end(&writer)};
    rw_ring_push(bench->in, 1);
}

static void poll(struct bench *bench, uint32_t budget) {
    rw_feed_stage_type.poll(bench->stage, budget, bench->now);
}

/* receive takes what is in the link, at most `limit` slots. */
static uint32_t receive(struct bench *bench, uint32_t limit) {
    uint32_t ready = rw_ring_ready(bench->out, limit);
    if (ready > limit) ready = limit;
    for (uint32_t i = 0; i < ready; i++)
        memcpy(&bench->log[bench->count++], rw_ring_front(bench->out, i), RW_SLOT_BYTES);
    rw_ring_pop(bench->out, ready);
    return ready;
}

static void drain(struct bench *bench) {
    do poll(bench, 8);
    while (receive(bench, OUT_DEPTH) > 0);
}

static void assert_adds_up(struct bench *bench) {
    rw_feed_stage_type.housekeep(bench->stage, bench->now);
    assert_int_equal(stat(bench, "feed output", "taken"),
                     stat(bench, "feed output", "sent") + stat(bench, "feed output", "conflated") +
                         stat(bench, "feed output", "queue_full") +
                         stat(bench, "feed output", "waiting"));
}

static void a_full_queue_flags_the_channel_behind_what_was_kept(void **state) {
    struct bench *bench = bench_new(false, 16);
    for (uint32_t i = 0; i < 8; i++) {
        send(bench, 10, 4, 1);
        poll(bench, 2);
    }
    uint64_t lost = stat(bench, "feed output", "queue_full");
    assert_int_equal(lost, 80 + 4 - OUT_DEPTH - 14); /* four locates were named first */
    assert_adds_up(bench);
    drain(bench);
    uint32_t trades = 0, at = bench->count - 1;
    for (uint32_t i = 0; i < bench->count; i++) trades += is_kind(&bench->log[i], RW_TICK_TRADE);
    assert_int_equal(trades, OUT_DEPTH + 14 - 4);
    assert_true(is_kind(&bench->log[at], RW_TICK_CHANNEL));
    assert_int_equal(body_of(&bench->log[at]).quality, RW_QUALITY_FEED_GAP);
    for (uint32_t i = 0; i < at; i++)
        if (bench->log[i].type == RW_ENTRY_TICK)
            assert_int_equal(body_of(&bench->log[i]).quality & RW_QUALITY_FEED_GAP, 0);
    send(bench, 4, 4, 0);
    drain(bench);
    assert_int_equal(bench->count, at + 5); /* the channel is flagged once */
    assert_true(body_of(&bench->log[at + 1]).quality & RW_QUALITY_FEED_GAP);
    assert_adds_up(bench);
    bench_free(bench);
}

static void frames_are_worked_off_without_any_room(void **state) {
    struct bench *bench = bench_new(false, 1024);
    for (uint32_t i = 0; i < 40; i++) {
        send(bench, 10, 20, 10);
        poll(bench, 8);
        poll(bench, 8); /* gives the frame back */
        assert_int_equal(rw_ring_room(bench->in, FRAMES_DEPTH), FRAMES_DEPTH);
    }
    assert_int_equal(stat(bench, "feed", "messages"), 400);
    assert_true(stat(bench, "feed output", "conflated") > 300);
    assert_int_equal(stat(bench, "feed output", "queue_full"), 0);
    assert_int_equal(stat(bench, "feed output", "queued_max"), 20 + 40 - OUT_DEPTH / 2);
    assert_adds_up(bench);
    drain(bench);
    uint64_t position = 0;
    for (uint32_t i = 0; i < bench->count; i++) {
        struct rw_tick_body body = body_of(&bench->log[i]);
        if (bench->log[i].type != RW_ENTRY_TICK) continue;
        assert_true(body.venue_sequence > position);
        position = body.venue_sequence;
    }
    assert_int_equal(position, 400);
    assert_adds_up(bench);
    assert_int_equal(stat(bench, "feed output", "waiting"), 0);
    bench_free(bench);
}

static void with_room_nothing_is_conflated(void **state) {
    struct bench *bench = bench_new(false, 1024);
    for (uint32_t i = 0; i < 200; i++) {
        send(bench, 4, 20, 10);
        drain(bench);
    }
    assert_int_equal(bench->count, 800 + 20);
    assert_int_equal(stat(bench, "feed output", "conflated"), 0);
    assert_int_equal(stat(bench, "feed output", "oldest_max_ns"), 0);
    assert_adds_up(bench);
    bench_free(bench);
}

/* What is said is the same for any room, but for the states that were replaced. */
static void any_room_gives_the_same_story_with_fewer_states(void **state) {
    const char *text = getenv("RW_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : 1;
    print_message("RW_SEED=%llu\n", (unsigned long long)seed);
    struct rw_rng rng;
    rw_rng_seed(&rng, seed);
    struct bench *roomy = bench_new(false, 4096), *tight = bench_new(false, 4096);
    for (uint32_t i = 0; i < 1000; i++) {
        uint32_t count = 1 + (uint32_t)rw_rng_below(&rng, 30);
        for (int k = 0; k < 2; k++) send(k ? tight : roomy, count, 20, 13);
        drain(roomy);
        poll(tight, 1 + (uint32_t)rw_rng_below(&rng, 8));
        receive(tight, (uint32_t)rw_rng_below(&rng, OUT_DEPTH));
        if (rw_ring_room(tight->in, 1) == 0) drain(tight);
    }
    drain(tight);
    assert_true(tight->count < roomy->count);
    uint64_t replaced = 0;
    for (uint32_t i = 0, at = 0; i < tight->count; i++) {
        struct rw_entry entry = tight->log[i];
        struct rw_tick_body body = body_of(&entry);
        if (entry.type == RW_ENTRY_TICK) {
            replaced += body.replaced;
            body.replaced = 0;
            body.quality &= (uint16_t)~RW_QUALITY_CONFLATED;
            memcpy(entry.body, &body, sizeof body);
        }
        while (memcmp(&roomy->log[at], &entry, sizeof entry)) {
            assert_true(is_kind(&roomy->log[at], RW_TICK_BBO));
            at++;
            assert_true(at < roomy->count);
        }
        at++;
    }
    assert_int_equal(replaced, stat(tight, "feed output", "conflated"));
    assert_adds_up(tight);
    bench_free(roomy);
    bench_free(tight);
}

static void quotes_pass_trades_once_the_ticks_go_straight_to_the_log(void **state) {
    uint32_t last[2];
    for (uint64_t live = 0; live < 2; live++) {
        struct bench *bench = bench_new(false, 1024);
        rw_word_set(&bench->watermarks->live, live);
        for (uint32_t i = 0; i < 10; i++) {
            send(bench, 4, 40, 0);
            drain(bench);
        }
        bench->count = 0;
        for (uint32_t i = 0; i < 20; i++) {
            send(bench, 10, 40, 2); /* trades of one half of the instruments, quotes of the other */
            poll(bench, 8);
        }
        drain(bench);
        assert_int_equal(stat(bench, "feed output", "overtaken"), 0);
        for (uint32_t i = 0; i < bench->count; i++)
            if (is_kind(&bench->log[i], RW_TICK_BBO)) last[live] = i;
        bench_free(bench);
    }
    assert_true(last[0] > 100); /* the venue's last message but one */
    assert_true(last[1] <= OUT_DEPTH + 20 * 4 / 3);
}

static void a_file_port_waits_and_is_never_conflated(void **state) {
    struct bench *bench = bench_new(true, 0);
    send(bench, 30, 4, 0);
    for (uint32_t i = 0; i < 40; i++) {
        poll(bench, OUT_DEPTH / RW_FEED_FAN_OUT);
        receive(bench, OUT_DEPTH);
    }
    assert_int_equal(bench->count, 30 + 4);
    assert_int_equal(stat(bench, "feed output", "taken"), 34);
    assert_int_equal(stat(bench, "feed output", "sent"), 34);
    assert_int_equal(stat(bench, "feed output", "conflated"), 0);
    bench_free(bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_queue_flags_the_channel_behind_what_was_kept),
        cmocka_unit_test(frames_are_worked_off_without_any_room),
        cmocka_unit_test(with_room_nothing_is_conflated),
        cmocka_unit_test(any_room_gives_the_same_story_with_fewer_states),
        cmocka_unit_test(quotes_pass_trades_once_the_ticks_go_straight_to_the_log),
        cmocka_unit_test(a_file_port_waits_and_is_never_conflated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
