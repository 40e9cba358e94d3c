/* Any bytes as packets of two lines, through the whole feed of a venue. What must hold, whatever
 * comes: ticks are told in rising (sequence, index), a BBO changes by BBO ticks only, a missing
 * side is empty in price and quantity, nothing follows the end, and every message of the packets is
 * accounted for.
 *
 * The input is a list of packets: a control byte, a length byte, the bytes. Control bit 0 is the
 * line, bit 1 ends the port, bit 2 lets much time pass; with bit 3 the bytes go behind a header of
 * the venue that carries the next sequence and promises control >> 4 messages, so that books are
 * reached easily. */
#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/bytes.h"
#include "dataplane/feed/feed_core.h"
#include "dataplane/feed/named_books.h"

#define FEED_FUZZ_HEADER_MAX 64u
#define FEED_FUZZ_OWN_MAX    64u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Writes a header for `count` messages in `bytes` bytes behind it; returns its length. Where the
 * venue numbers packets, `count` is how far the sequence goes on. */
typedef uint32_t feed_fuzz_header(uint8_t *to, uint64_t sequence, uint8_t count, uint32_t bytes);

struct feed_fuzz {
    struct rw_feed_core *core;
    struct rw_feed_counters feed;
    struct rw_book_counters book;
    struct rw_channel_counters channel;
    struct rw_line_counters line[2];
    rw_stat own[FEED_FUZZ_OWN_MAX];
    uint64_t sequence; /* of the last tick */
    uint32_t index;
    bool ended;
};

static struct rw_book_bbo feed_fuzz_told[RW_BOOK_LOCATES];

static inline void feed_fuzz_tick(struct feed_fuzz *run, const struct rw_entry *entry) {
    struct rw_tick_body body;
    memcpy(&body, entry->body, sizeof body);
    if (body.kind == RW_TICK_CHANNEL) return;
    RW_ASSERT(entry->instrument > 0 && entry->instrument < RW_BOOK_LOCATES);
    bool behind = body.venue_sequence > run->sequence ||
                  (body.venue_sequence == run->sequence && body.index >= run->index);
    RW_ASSERT(behind);
    run->sequence = body.venue_sequence;
    run->index = body.index + 1u;
    RW_ASSERT(body.bid_quantity > 0 || body.bid_price == 0);
    RW_ASSERT(body.ask_quantity > 0 || body.ask_price == 0);
    struct rw_book_bbo bbo = {body.bid_price, body.bid_quantity, body.ask_price, body.ask_quantity};
    struct rw_book_bbo *told = &feed_fuzz_told[entry->instrument];
    bool same = memcmp(told, &bbo, sizeof bbo) == 0;
    RW_ASSERT(same || body.kind == RW_TICK_BBO);
    *told = bbo;
}

static inline void feed_fuzz_drain(struct feed_fuzz *run) {
    struct rw_entry out[RW_FEED_FAN_OUT];
    uint32_t count;
    while (rw_feed_step(run->core, out, &count)) {
        RW_ASSERT(count <= RW_FEED_FAN_OUT && !run->ended);
        for (uint32_t i = 0; i < count; i++) {
            if (out[i].type == RW_ENTRY_TICK) feed_fuzz_tick(run, &out[i]);
            if (out[i].type == RW_ENTRY_END) run->ended = true;
        }
    }
    RW_ASSERT(rw_channel_balance(&run->channel) == 0);
    RW_ASSERT(rw_channel_passed_balance(&run->channel) == 0);
    RW_ASSERT(rw_stat_get(&run->feed.messages) == rw_stat_get(&run->channel.delivered));
}

static inline void feed_fuzz_start(struct feed_fuzz *run, const struct rw_venue *venue,
                                   size_t size) {
    static void *memory;
    struct rw_feed_cfg cfg = {
        .line = {.venue = venue,
                 .lines = 2,
                 .gap_timer_ns = 1000,
                 .reorder_packets = 4,
                 .packet_bytes = 400,
                 .session_switch_packets = 2,
                 .first_sequence = size / 2 % 2,
                 .file_ports = size % 2,
                 .accept_unsequenced = size / 4 % 2},
        .books = {.book = {.orders_max = 32, .levels_max = 16}, .instruments_max = 8}};
    struct rw_feed_stats stats = {
        .feed = &run->feed,
        .books = {.book = &run->book, .own = run->own},
        .line = {.channel = &run->channel, .line = {&run->line[0], &run->line[1]}}};
    RW_ASSERT(!venue->own_row_count || *venue->own_row_count <= FEED_FUZZ_OWN_MAX);
    if (!memory) RW_ASSERT(posix_memalign(&memory, 64, rw_feed_footprint(&cfg)) == 0);
    memset(feed_fuzz_told, 0, sizeof feed_fuzz_told);
    run->core = rw_feed_new(memory, &cfg, &stats);
}

/* Walks the books of a venue whose first member they are. */
static inline void feed_fuzz_check_named(const void *books) {
    rw_book_check((*(struct rw_named_books *const *)books)->book);
}

/* Runs the packets of the input. With `check` the venue's books are walked at the end. */
static inline void feed_fuzz_run(const struct rw_venue *venue, feed_fuzz_header *header,
                                 void (*check)(const void *books), const uint8_t *data,
                                 size_t size) {
    struct feed_fuzz run = {0};
    uint64_t now = 1, next = 1;
    feed_fuzz_start(&run, venue, size);
    for (size_t at = 0; at + 2 <= size;) {
        struct rw_frame *frame = malloc(RW_FRAME_SLOT_BYTES);
        uint8_t control = data[at], count = control >> 4;
        uint32_t length = data[at + 1], used = 0;
        at += 2;
        if (length > size - at) length = (uint32_t)(size - at);
        now += control & 4 ? 2000 : 10;
        RW_ASSERT(frame);
        if (control & 8) {
            used = header(frame->payload, next, count, length);
            next += count;
        }
        memcpy(frame->payload + used, data + at, length);
        *frame = (struct rw_frame){.arrival_ns = now,
                                   .now_ns = now,
                                   .line = control & 1,
                                   .bytes = (uint16_t)(used + length),
                                   .flags = control & 2 ? RW_FRAME_END : 0};
        /* cut to its length, so that a read past it is seen */
        frame = realloc(frame, sizeof *frame + used + length);
        RW_ASSERT(frame);
        rw_feed_frame(run.core, frame);
        feed_fuzz_drain(&run);
        free(frame);
        at += length;
    }
    if (check) check(rw_feed_books(run.core));
}
