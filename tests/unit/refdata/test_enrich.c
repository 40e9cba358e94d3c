/* The sequencer at two sites, as a stage with rings in memory: leader and follower read the same
 * venue and the same fills at random speeds, the leader dies at random moments and comes back
 * empty. Whatever happens, the log is one session in which every trade, every fill and every end
 * stands exactly once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/base/rng.h"
#include "dataplane/feed/directory.h"
#include "refdata/enrich_stage.h"

#define INSTRUMENTS 9  /* row 0 included; the last locate below is not listed */
#define LOCATES     10 /* 1..9, locate = instrument; 9 is of no listed symbol */
#define VENUE_MAX   3000
#define FILLS       120
#define CHANNELS    2
#define LOG_MAX     (6 * CHANNELS * VENUE_MAX)
#define FEED_DEPTH  64u
#define COPY_DEPTH  512u
#define OUT_DEPTH   64u

struct venue {
    struct rw_entry message[VENUE_MAX + LOCATES]; /* directory, then ticks by locate */
    uint64_t clock[VENUE_MAX + LOCATES];          /* of the frame that brings it, captures only */
    uint32_t count;
};

struct site {
    struct rw_plan plan;
    struct rw_arena arena;
    struct rw_stats *stats;
    struct rw_watermarks *watermarks;
    struct rw_ring *feed[CHANNELS], *intake, *copy, *risk, *repl;
    void *stage;
    struct venue feed_of[CHANNELS]; /* what this start of the site makes of the venue */
    uint32_t feed_at[CHANNELS];
    uint64_t released, told[CHANNELS]; /* frames of rx so far, and what each feed told of them */
    uint32_t fill_at;
    uint32_t copied;  /* log slots handed to this site as follower */
    uint64_t risk_at; /* log sequence that risk has seen from enrich */
};

struct world {
    struct rw_rng rng;
    struct rw_image *image;
    struct rw_enrich_cfg cfg;
    uint32_t channels, loss_per_mille;
    bool captures;  /* several channels are merged by the clock of one rx */
    uint64_t clock; /* frames of all captures */
    struct venue venue[CHANNELS];
    struct rw_entry fill[FILLS][2];
    struct rw_entry log[LOG_MAX]; /* slots */
    uint32_t log_slots;
    struct site site[2];
    uint32_t leader;
    uint64_t epoch, mismatch, takeovers;
};

static uint64_t seed_of_run(void) {
    const char *text = getenv("RW_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : 1;
    print_message("RW_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

static struct rw_tick_body tick_body(const struct rw_entry *entry) {
    struct rw_tick_body body;
    memcpy(&body, entry->body, sizeof body);
    return body;
}

static bool is_trade(const struct rw_entry *entry) {
    return entry->type == RW_ENTRY_TICK &&
           (tick_body(entry).kind == RW_TICK_TRADE || tick_body(entry).kind == RW_TICK_STATUS);
}

/* ---------------------------------------------------------------------------------- what is
 * played */

static struct rw_image *make_image(void) {
    uint32_t cells = rw_image_index_cells(INSTRUMENTS);
    size_t rows_at = 512, cells_at = rows_at + INSTRUMENTS * sizeof(struct rw_instrument_row);
    size_t bytes = cells_at + cells * sizeof(uint32_t);
    bytes = (bytes + 63) & ~(size_t)63;
    struct rw_image *image = aligned_alloc(64, bytes);
    memset(image, 0, bytes);
    image->bytes = bytes;
    image->instruments = (struct rw_image_table){
        .offset = rows_at, .count = INSTRUMENTS, .row_bytes = sizeof(struct rw_instrument_row)};
    image->symbols =
        (struct rw_image_table){.offset = cells_at, .count = cells, .row_bytes = sizeof(uint32_t)};
    struct rw_instrument_row *rows = (void *)((uint8_t *)image + rows_at);
    for (uint32_t i = 1; i < INSTRUMENTS; i++) {
        snprintf(rows[i].symbol, sizeof rows[i].symbol, "SYM%u", i);
        rows[i].index = i;
        rw_image_index_add((uint32_t *)(void *)((uint8_t *)image + cells_at), cells, rows[i].symbol,
                           RW_SYMBOL_BYTES, i);
    }
    image->hash[0] = 42;
    return image;
}

static struct rw_entry tick_of(uint16_t channel, uint32_t locate, uint64_t time,
                               struct rw_tick_body body) {
    struct rw_entry tick = {.sequence = time,
                            .event_time_ns = time,
                            .type = RW_ENTRY_TICK,
                            .slots = 1,
                            .version = RW_ENTRY_VERSION,
                            .instrument = locate};
    body.channel = channel;
    memcpy(tick.body, &body, sizeof body);
    return tick;
}

static void make_venue(struct world *world, uint32_t c) {
    struct venue *venue = &world->venue[c];
    uint16_t channel = world->cfg.channel[c];
    for (uint32_t i = 1; i < LOCATES; i++) {
        struct rw_directory_body body = {.channel = channel};
        char symbol[16];
        snprintf(symbol, sizeof symbol, "SYM%-5u", i);
        memcpy(body.symbol, symbol, sizeof body.symbol);
        struct rw_entry *message = &venue->message[venue->count++];
        *message = (struct rw_entry){.type = RW_FEED_DIRECTORY, .slots = 1, .instrument = i};
        memcpy(message->body, &body, sizeof body);
    }
    struct rw_tick_body book[LOCATES] = {0};
    for (uint64_t s = 1; venue->count < VENUE_MAX; s += 1 + rw_rng_below(&world->rng, 3)) {
        uint32_t locate = 1 + (uint32_t)rw_rng_below(&world->rng, LOCATES - 1);
        struct rw_tick_body *body = &book[locate];
        uint64_t dice = rw_rng_below(&world->rng, 100);
        body->venue_sequence = s;
        body->index = 0;
        body->kind = RW_TICK_BBO;
        body->bid_price = 1000 + (int32_t)s;
        body->ask_price = body->bid_price + 1;
        venue->message[venue->count++] = tick_of(channel, locate, 1000 * s, *body);
        body->index = 1;
        body->kind = dice < 2 ? RW_TICK_STATUS : RW_TICK_TRADE;
        if (dice < 20) venue->message[venue->count++] = tick_of(channel, locate, 1000 * s, *body);
    }
    struct rw_end_body end = {
        .source_kind = RW_END_CHANNEL, .source = channel, .last_sequence = 100000};
    struct rw_entry *message = &venue->message[venue->count++];
    *message = (struct rw_entry){.type = RW_ENTRY_END, .slots = 1, .version = RW_ENTRY_VERSION};
    memcpy(message->body, &end, sizeof end);
}

static void make_fills(struct world *world) {
    uint64_t time = 0, sequence[3] = {0};
    for (uint32_t i = 0; i < FILLS; i++) {
        struct rw_fill_body body = {.portfolio = 1, .kind = RW_FILL_NEW, .quantity = 1};
        time += rw_rng_below(&world->rng, 2 * VENUE_MAX * 2000 / FILLS);
        body.source = (uint16_t)(1 + rw_rng_below(&world->rng, 2));
        body.source_sequence = ++sequence[body.source];
        body.exec_id = i + 1;
        body.match_number = 77000 + i; /* stands in the second slot */
        struct rw_entry *fill = world->fill[i];
        fill[0] = (struct rw_entry){.event_time_ns = time,
                                    .type = RW_ENTRY_FILL,
                                    .slots = 2,
                                    .version = RW_ENTRY_VERSION,
                                    .instrument = 1};
        memcpy((uint8_t *)fill + offsetof(struct rw_entry, body), &body, sizeof body);
    }
}

/* make_capture puts the venues' messages into frames of one to four and these into one order. */
static void make_capture(struct world *world) {
    uint32_t at[CHANNELS] = {0}, left = 0;
    for (uint32_t c = 0; c < world->channels; c++) left += world->venue[c].count;
    while (left > 0) {
        uint32_t c = (uint32_t)rw_rng_below(&world->rng, world->channels);
        uint64_t messages = 1 + rw_rng_below(&world->rng, 4);
        world->clock++;
        for (; messages > 0 && at[c] < world->venue[c].count; messages--, left--)
            world->venue[c].clock[at[c]++] = world->clock;
    }
}

/* read_feed: BBO states that this start of a site replaces by later ones, as its own conflation
 * says. */
static void read_feed(struct world *world, struct site *site, uint32_t c) {
    const struct venue *venue = &world->venue[c];
    struct venue *mine = &site->feed_of[c];
    uint8_t replaced[LOCATES] = {0};
    uint32_t last[LOCATES] = {0};
    for (uint32_t i = 0; i < venue->count; i++)
        if (venue->message[i].type == RW_ENTRY_TICK) last[venue->message[i].instrument] = i;
    mine->count = 0;
    for (uint32_t i = 0; i < venue->count; i++) {
        struct rw_entry message = venue->message[i];
        if (message.type == RW_ENTRY_TICK) {
            struct rw_tick_body body = tick_body(&message);
            bool lost = body.kind == RW_TICK_BBO && last[message.instrument] != i &&
                        rw_rng_chance(&world->rng, world->loss_per_mille, 1000);
            if (lost) replaced[message.instrument]++;
            if (lost) continue;
            if (body.kind == RW_TICK_BBO) {
                body.replaced = replaced[message.instrument];
                replaced[message.instrument] = 0;
            }
            memcpy(message.body, &body, sizeof body);
        }
        mine->clock[mine->count] = venue->clock[i];
        mine->message[mine->count++] = message;
    }
}

/* -------------------------------------------------------------------------------------- a site's
 * life */

static struct rw_ring *ring_new(uint32_t depth) {
    return rw_ring_new(aligned_alloc(64, rw_ring_footprint(depth, RW_SLOT_BYTES)), depth,
                       RW_SLOT_BYTES);
}

static void site_start(struct world *world, struct site *site) {
    memset(site, 0, sizeof *site);
    for (uint32_t c = 0; c < world->channels; c++) read_feed(world, site, c);
    site->stats = rw_stats_create(NULL, "test", 1);
    site->watermarks = aligned_alloc(64, sizeof *site->watermarks);
    memset(site->watermarks, 0, sizeof *site->watermarks);
    for (uint32_t c = 0; c < CHANNELS; c++) site->feed[c] = ring_new(FEED_DEPTH);
    site->intake = ring_new(8);
    site->copy = ring_new(COPY_DEPTH);
    site->risk = ring_new(OUT_DEPTH);
    site->repl = ring_new(OUT_DEPTH);
    assert_int_equal(rw_enrich_stage_type.plan(&world->cfg, "enrich", 1, &site->plan), 0);
    assert_int_equal(rw_arena_map(&site->arena, &site->plan, false), 0);
    struct rw_stage_env env = {.name = "enrich",
                               .instances = 1,
                               .in_count = world->channels + 2,
                               .out = {site->risk, site->repl},
                               .out_count = 2,
                               .watermarks = site->watermarks,
                               .stats = site->stats,
                               .arena = &site->arena};
    for (uint32_t c = 0; c < world->channels; c++) env.in[c] = site->feed[c];
    env.in[world->channels] = site->intake;
    env.in[world->channels + 1] = site->copy;
    assert_int_equal(rw_enrich_stage_type.init(&site->stage, &world->cfg, &env), 0);
}

static uint64_t counter(const struct site *site, const char *name) {
    struct rw_stats_item item;
    uint64_t at = 0, sum = 0;
    while (rw_stats_next(site->stats, &at, &item))
        if (strcmp(item.name, name) == 0) sum += item.value;
    return sum;
}

static void site_stop(struct world *world, struct site *site) {
    world->mismatch += counter(site, "input_mismatch");
    world->takeovers += counter(site, "takeovers");
    rw_stats_close(site->stats);
    rw_arena_unmap(&site->arena);
    free(site->watermarks);
    for (uint32_t c = 0; c < CHANNELS; c++) free(site->feed[c]);
    free(site->intake);
    free(site->copy);
    free(site->risk);
    free(site->repl);
}

static void set_role(struct site *site, uint64_t epoch, enum rw_role role, uint64_t start) {
    rw_word_set(&site->watermarks->role_start, start);
    rw_word_set(&site->watermarks->role, rw_role_pack(epoch, RW_MODE_DUAL, role));
}

static void push(struct rw_ring *ring, const struct rw_entry *slots, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) *(struct rw_entry *)rw_ring_slot(ring, i) = slots[i];
    rw_ring_push(ring, count);
}

/* tell_clock is what a feed of captures says in front of a frame, or when it has none: true when
 * it may go on with the frame. */
static bool tell_clock(struct world *world, struct site *site, uint32_t c) {
    uint32_t at = site->feed_at[c];
    bool more = at < site->feed_of[c].count && site->feed_of[c].clock[at] <= site->released;
    struct rw_entry mark = {.type = RW_FEED_CLOCK, .slots = 1};
    mark.sequence = more ? site->feed_of[c].clock[at] : site->released + 1;
    if (mark.sequence > site->told[c] && rw_ring_room(site->feed[c], 1) > 0) {
        push(site->feed[c], &mark, 1);
        site->told[c] = mark.sequence;
    }
    return more && mark.sequence == site->told[c];
}

/* feed_site lets a site's own feed and intake deliver a little. */
static void feed_site(struct world *world, struct site *site) {
    for (uint64_t n = rw_rng_below(&world->rng, 20); n > 0; n--) {
        uint32_t c = (uint32_t)rw_rng_below(&world->rng, world->channels);
        site->released += site->released < world->clock && rw_rng_chance(&world->rng, 1, 3);
        if (world->captures && !tell_clock(world, site, c)) continue;
        if (site->feed_at[c] < site->feed_of[c].count && rw_ring_room(site->feed[c], 1) > 0)
            push(site->feed[c], &site->feed_of[c].message[site->feed_at[c]++], 1);
    }
}

static void fill_site(struct world *world, struct site *site) {
    uint64_t limit = rw_rng_below(&world->rng, 8) == 0; /* often late with the next fill */
    for (; limit > 0 && site->fill_at < FILLS && rw_ring_room(site->intake, 2) >= 2; limit--)
        push(site->intake, world->fill[site->fill_at++], 2);
    for (; limit > 0 && site->fill_at >= FILLS && site->fill_at < FILLS + 2; limit--) {
        if (rw_ring_room(site->intake, 1) == 0) return;
        struct rw_end_body body = {.source_kind = RW_END_INTAKE,
                                   .source = (uint16_t)(1 + site->fill_at - FILLS)};
        struct rw_entry end = {.type = RW_ENTRY_END, .slots = 1, .version = RW_ENTRY_VERSION};
        memcpy(end.body, &body, sizeof body);
        push(site->intake, &end, 1);
        site->fill_at++;
    }
}

static void copy_log(struct world *world, struct site *site) {
    while (site->copied < world->log_slots) {
        const struct rw_entry *head = &world->log[site->copied];
        if (rw_ring_room(site->copy, head->slots) < head->slots) return;
        push(site->copy, head, head->slots);
        site->copied += head->slots;
    }
}

/* collect takes what a leader has logged; risk gets the same bytes. */
static void collect(struct world *world, struct site *site) {
    uint32_t count = rw_ring_ready(site->repl, OUT_DEPTH);
    assert_int_equal(rw_ring_ready(site->risk, OUT_DEPTH), count);
    for (uint32_t i = 0; i < count; i++) {
        assert_true(world->log_slots < LOG_MAX);
        assert_memory_equal(rw_ring_front(site->repl, i), rw_ring_front(site->risk, i),
                            RW_SLOT_BYTES);
        world->log[world->log_slots++] = *(const struct rw_entry *)rw_ring_front(site->repl, i);
    }
    rw_ring_pop(site->repl, count);
    rw_ring_pop(site->risk, count);
}

static void poll_site(struct world *world, struct site *site) {
    uint32_t budget = (uint32_t)rw_rng_below(&world->rng, OUT_DEPTH / RW_ENRICH_FAN_OUT);
    if (budget > 0) rw_enrich_stage_type.poll(site->stage, budget, 0);
}

static uint64_t next_sequence(const struct world *world) {
    uint32_t at = 0;
    uint64_t next = 1;
    for (; at < world->log_slots; at += world->log[at].slots) next = world->log[at].sequence + 1;
    return next;
}

/* kill: what the follower has been handed is the log; the old leader comes back as an empty
 * follower. */
static void kill_leader(struct world *world) {
    struct site *dead = &world->site[world->leader], *heir = &world->site[1 - world->leader];
    world->log_slots = heir->copied;
    world->leader = 1 - world->leader;
    set_role(heir, ++world->epoch, RW_ROLE_LEAD, next_sequence(world));
    site_stop(world, dead);
    site_start(world, dead);
    if (rw_rng_chance(&world->rng, 1, 2)) set_role(dead, world->epoch, RW_ROLE_FOLLOW, 0);
}

static bool is_closed(const struct world *world) {
    if (world->log_slots == 0) return false;
    const struct rw_entry *last = &world->log[world->log_slots - 1];
    return last->type == RW_ENTRY_SESSION && last->body[0] == RW_SESSION_CLOSE;
}

/* has_seen_all: the whole log, and its own feed to the end. */
static bool has_seen_all(const struct world *world, struct site *site) {
    for (uint32_t c = 0; c < world->channels; c++)
        if (site->feed_at[c] < site->feed_of[c].count || rw_ring_ready(site->feed[c], 1) > 0)
            return false;
    return site->copied == world->log_slots && rw_ring_ready(site->copy, 1) == 0;
}

static void run(struct world *world, uint32_t kills) {
    uint32_t who = 0, burst = 0;
    for (uint64_t step = 0; step < 3000000; step++) {
        struct site *leader = &world->site[world->leader];
        struct site *follower = &world->site[1 - world->leader];
        if (burst-- == 0) {
            who = (uint32_t)rw_rng_below(&world->rng, 3);
            burst = (uint32_t)rw_rng_below(&world->rng, 40);
        }
        feed_site(world, who == 1 ? follower : leader);
        fill_site(world, who == 1 ? follower : leader);
        if (who != 1) poll_site(world, leader);
        if (who != 1) collect(world, leader);
        if (who != 0) copy_log(world, follower);
        if (who != 0) poll_site(world, follower);
        assert_int_equal(rw_ring_ready(follower->repl, 1), 0);
        if (kills > 0 && rw_rng_chance(&world->rng, 1, 400)) {
            kill_leader(world);
            kills--;
        }
        if (is_closed(world) && has_seen_all(world, follower)) return;
    }
    fail_msg("the session did not close");
}

static struct world *world_new(uint64_t seed, uint32_t channels, uint32_t loss_per_mille) {
    struct world *world = calloc(1, sizeof *world);
    rw_rng_seed(&world->rng, seed);
    world->image = make_image();
    world->channels = channels;
    world->loss_per_mille = loss_per_mille;
    world->cfg = (struct rw_enrich_cfg){.image = world->image,
                                        .session = "231121000A",
                                        .site = 1,
                                        .file_ports = true,
                                        .channel_count = channels,
                                        .channel = {5, 9},
                                        .intake_ends = 2,
                                        .clock_interval_ns = 100000,
                                        .shadow_own_depth = 2u << rw_rng_below(&world->rng, 9),
                                        .shadow_log_depth = 2u << rw_rng_below(&world->rng, 9)};
    for (uint32_t c = 0; c < channels; c++) make_venue(world, c);
    make_capture(world);
    make_fills(world);
    return world;
}

static void world_start(struct world *world) {
    for (int i = 0; i < 2; i++) site_start(world, &world->site[i]);
    world->epoch = 1;
    set_role(&world->site[0], 1, RW_ROLE_LEAD, 1);
    set_role(&world->site[1], 1, RW_ROLE_FOLLOW, 0);
}

static void world_free(struct world *world) {
    for (int i = 0; i < 2; i++) site_stop(world, &world->site[i]);
    free(world->image);
    free(world);
}

/* -------------------------------------------------------------------------------------------
 * checks */

static void check_trades_and_final_bbo(const struct world *world, uint32_t c) {
    uint32_t at = 0;
    struct rw_tick_body venue[LOCATES] = {0}, log[LOCATES] = {0};
    for (uint32_t i = 0; i < world->venue[c].count; i++) {
        const struct rw_entry *wanted = &world->venue[c].message[i];
        if (wanted->type != RW_ENTRY_TICK || wanted->instrument >= INSTRUMENTS) continue;
        venue[wanted->instrument] = tick_body(wanted);
        if (!is_trade(wanted)) continue;
        while (at < world->log_slots &&
               !(is_trade(&world->log[at]) && tick_body(&world->log[at]).channel == 5 + 4 * c))
            at += world->log[at].slots;
        assert_true(at < world->log_slots);
        assert_int_equal(tick_body(&world->log[at]).venue_sequence,
                         tick_body(wanted).venue_sequence);
        assert_int_equal(world->log[at].instrument, wanted->instrument);
        at++;
    }
    for (; at < world->log_slots; at += world->log[at].slots)
        assert_false(is_trade(&world->log[at]) && tick_body(&world->log[at]).channel == 5 + 4 * c);
    for (at = 0; at < world->log_slots; at += world->log[at].slots)
        if (world->log[at].type == RW_ENTRY_TICK && tick_body(&world->log[at]).channel == 5 + 4 * c)
            log[world->log[at].instrument] = tick_body(&world->log[at]);
    for (uint32_t i = 1; i < INSTRUMENTS; i++) {
        assert_int_equal(log[i].bid_price, venue[i].bid_price);
        assert_int_equal(log[i].quality & RW_QUALITY_TAKEOVER, 0);
    }
}

static void check_log(const struct world *world) {
    uint64_t sequence = 0, fills = 0, channel_ends = 0, intake_ends = 0, sessions = 0, clock = 0;
    for (uint32_t at = 0; at < world->log_slots; at += world->log[at].slots) {
        const struct rw_entry *entry = &world->log[at];
        assert_int_equal(entry->sequence, ++sequence);
        sessions += entry->type == RW_ENTRY_SESSION;
        if (entry->type == RW_ENTRY_CLOCK) {
            assert_true(entry->event_time_ns >= clock + 100000);
            clock = entry->event_time_ns;
        }
        if (entry->type == RW_ENTRY_END) {
            channel_ends += entry->body[0] == RW_END_CHANNEL;
            intake_ends += entry->body[0] == RW_END_INTAKE;
        }
        if (entry->type != RW_ENTRY_FILL) continue;
        struct rw_entry wanted = world->fill[fills][0];
        wanted.sequence = sequence;
        assert_memory_equal(entry, &wanted, sizeof wanted);
        assert_memory_equal(entry + 1, &world->fill[fills][1], RW_SLOT_BYTES);
        fills++;
    }
    assert_int_equal(world->log[0].body[0], RW_SESSION_OPEN);
    assert_int_equal(sessions, 2);
    assert_int_equal(fills, FILLS);
    assert_int_equal(channel_ends, world->channels);
    assert_int_equal(intake_ends, 2);
    for (uint32_t c = 0; c < world->channels; c++) check_trades_and_final_bbo(world, c);
}

static void every_source_is_logged_exactly_once_under_kills(void **state) {
    uint64_t seed = seed_of_run(), takeovers = 0;
    for (uint64_t round = 0; round < 40; round++) {
        struct world *world =
            world_new(seed * 1000 + round, 1 + round % 2, (uint32_t)(round % 3) * 150);
        world->captures = round % 4 == 3;
        world_start(world);
        run(world, (uint32_t)(round % 6));
        check_log(world);
        for (int i = 0; i < 2; i++) assert_int_equal(counter(&world->site[i], "input_mismatch"), 0);
        assert_int_equal(world->mismatch, 0);
        takeovers += world->takeovers + counter(&world->site[0], "takeovers") +
                     counter(&world->site[1], "takeovers");
        world_free(world);
    }
    print_message("%llu take-overs\n", (unsigned long long)takeovers);
    assert_true(takeovers > 40);
}

/* The log is cut at each of its last entries, and at its first ones: the heir makes it whole
 * again. */
static void a_log_cut_anywhere_near_its_ends_is_completed_once(void **state) {
    uint64_t seed = seed_of_run();
    for (uint32_t cut = 0; cut < 24; cut++) {
        struct world *world = world_new(seed, 2, 0);
        world_start(world);
        struct site *leader = &world->site[0], *heir = &world->site[1];
        for (uint64_t step = 0; step < 100000 && !is_closed(world); step++) {
            feed_site(world, leader);
            fill_site(world, leader);
            poll_site(world, leader);
            collect(world, leader);
        }
        uint32_t at = 0, entries = 0, wanted;
        for (uint32_t i = 0; i < world->log_slots; i += world->log[i].slots) entries++;
        wanted = cut < 12 ? entries - 1 - cut : cut - 11;
        for (uint32_t i = 0; i < wanted; i++) at += world->log[at].slots;
        world->log_slots = at;
        while (heir->copied < world->log_slots || rw_ring_ready(heir->copy, 1) > 0) {
            copy_log(world, heir);
            poll_site(world, heir);
        }
        kill_leader(world);
        run(world, 0);
        check_log(world);
        world_free(world);
    }
}

static void nothing_is_logged_before_the_whole_log_was_taken(void **state) {
    struct world *world = world_new(8, 1, 0);
    world_start(world);
    struct site *leader = &world->site[0], *heir = &world->site[1];
    while (world->log_slots < 400) {
        feed_site(world, leader);
        fill_site(world, leader);
        poll_site(world, leader);
        collect(world, leader);
    }
    copy_log(world, heir);
    assert_int_equal(heir->copied, world->log_slots);
    set_role(heir, 2, RW_ROLE_LEAD, next_sequence(world));
    rw_enrich_stage_type.poll(heir->stage, 4, 0); /* takes a part of the log only */
    assert_true(rw_ring_ready(heir->copy, 1) > 0);
    assert_int_equal(rw_ring_ready(heir->repl, 1), 0);
    rw_enrich_stage_type.poll(heir->stage, 4, 0);
    assert_int_equal(rw_ring_ready(heir->copy, 1), 0);
    rw_enrich_stage_type.poll(heir->stage, 4, 0);
    const struct rw_entry *first =
        rw_ring_ready(heir->repl, 1) ? rw_ring_front(heir->repl, 0) : NULL;
    assert_non_null(first);
    assert_int_equal(first->type, RW_ENTRY_TAKEOVER);
    assert_int_equal(first->sequence, next_sequence(world));
    world_free(world);
}

static void play_twice(uint64_t seed, uint32_t channels) {
    struct world *a = world_new(seed, channels, 0), *b = world_new(seed, channels, 0);
    a->captures = b->captures = channels > 1;
    rw_rng_seed(&a->rng, 1);
    rw_rng_seed(&b->rng, 2); /* same inputs, another schedule */
    world_start(a);
    world_start(b);
    for (int i = 0; i < 7; i++)
        feed_site(b, &b->site[0]); /* more is there when it begins to lead */
    set_role(&b->site[0], 0, RW_ROLE_RECOVER, 0);
    for (int i = 0; i < 20; i++) poll_site(b, &b->site[0]);
    set_role(&b->site[0], 1, RW_ROLE_LEAD, 1);
    run(a, 0);
    run(b, 0);
    check_log(a);
    assert_int_equal(a->log_slots, b->log_slots);
    assert_memory_equal(a->log, b->log, a->log_slots * sizeof *a->log);
    world_free(a);
    world_free(b);
}

static void the_log_of_one_leader_is_a_function_of_its_inputs(void **state) {
    play_twice(seed_of_run(), 1);
}

static void the_log_of_several_captures_is_a_function_of_them(void **state) {
    for (uint64_t i = 0; i < 5; i++) play_twice(seed_of_run() + i, 2);
}

/* Neither of two live channels waits for the other, and neither starves. */
static void live_channels_are_taken_in_turn(void **state) {
    struct world *world = world_new(seed_of_run(), 2, 0);
    world->cfg.file_ports = false;
    world->cfg.accept_late_intake = true;
    world_start(world);
    struct site *site = &world->site[0];
    for (int i = 0; i < 60; i++)
        push(site->feed[1], &site->feed_of[1].message[site->feed_at[1]++], 1);
    uint32_t before = world->log_slots;
    for (int i = 0; i < 10; i++) rw_enrich_stage_type.poll(site->stage, 3, 0);
    collect(world, site);
    assert_true(world->log_slots > before + 10); /* alone */
    for (int i = 0; i < 60; i++)
        push(site->feed[0], &site->feed_of[0].message[site->feed_at[0]++], 1);
    uint32_t left = rw_ring_ready(site->feed[1], FEED_DEPTH);
    rw_enrich_stage_type.poll(site->stage, 20, 0);
    assert_int_equal(rw_ring_ready(site->feed[0], FEED_DEPTH), 50);
    assert_int_equal(rw_ring_ready(site->feed[1], FEED_DEPTH), left - 10);
    world_free(world);
}

static void a_fill_stands_behind_the_first_tick_that_reached_its_time(void **state) {
    struct world *world = world_new(seed_of_run(), 1, 0);
    world_start(world);
    run(world, 0);
    uint64_t reached = 0, before = 0; /* event time of the ticks so far, and without the last one */
    for (uint32_t at = 0; at < world->log_slots; at += world->log[at].slots) {
        const struct rw_entry *entry = &world->log[at];
        if (entry->type == RW_ENTRY_TICK && entry->event_time_ns > reached) {
            before = reached;
            reached = entry->event_time_ns;
        }
        if (entry->type == RW_ENTRY_END) break; /* after the channel's end fills need no tick */
        if (entry->type != RW_ENTRY_FILL) continue;
        assert_true(entry->event_time_ns <= reached);
        assert_true(entry->event_time_ns > before);
    }
    world_free(world);
}

static void a_follower_in_step_compares_all_and_hurries_only_when_behind(void **state) {
    struct world *world = world_new(3, 1, 0);
    world->cfg.shadow_own_depth = world->cfg.shadow_log_depth = 4096;
    world_start(world);
    struct site *leader = &world->site[0], *follower = &world->site[1];
    while (!is_closed(world)) {
        feed_site(world, leader);
        fill_site(world, leader);
        poll_site(world, leader);
        collect(world, leader);
    }
    while (follower->copied < world->log_slots || rw_ring_ready(follower->copy, 1) > 0) {
        copy_log(world, follower);
        poll_site(world, follower);
        bool closed = follower->copied == world->log_slots;
        if (!closed) assert_int_equal(rw_word_get(&follower->watermarks->hurry), 1);
    }
    assert_int_equal(rw_word_get(&follower->watermarks->hurry), 0);
    world_free(world);

    world = world_new(4, 1, 0);
    world->cfg.shadow_own_depth = world->cfg.shadow_log_depth = 4096;
    world_start(world);
    run(world, 0);
    uint64_t compared = counter(&world->site[1], "compared");
    uint64_t ticks = counter(&world->site[1], "logged_ticks");
    print_message("compared %llu of %llu\n", (unsigned long long)compared,
                  (unsigned long long)ticks);
    assert_int_equal(counter(&world->site[1], "input_mismatch"), 0);
    assert_true(ticks > 1000 && compared * 100 >= ticks * 99);
    world_free(world);
}

/* A venue's message may name any locate; index 0 stands for no instrument. */
static void a_quote_of_locate_0_is_dropped_at_both_sites(void **state) {
    struct world *world = world_new(7, 1, 0);
    world->cfg.accept_late_intake = true;
    world_start(world);
    for (int i = 0; i < 2; i++) {
        struct site *site = &world->site[i];
        struct rw_tick_body body = {.kind = RW_TICK_BBO, .venue_sequence = 1, .bid_price = 10};
        struct rw_entry quote = tick_of(world->cfg.channel[0], 0, 1, body);
        push(site->feed[0], &quote, 1);
        for (int k = 0; k < 10; k++) rw_enrich_stage_type.poll(site->stage, 8, 0);
        collect(world, site);
        assert_int_equal(counter(site, "received"), 1);
        assert_int_equal(counter(site, "unknown_locate"), 1);
    }
    assert_int_equal(world->log_slots, 1); /* SESSION open */
    world_free(world);
}

static void a_deposed_leader_logs_nothing_more(void **state) {
    struct world *world = world_new(5, 1, 0);
    world_start(world);
    struct site *leader = &world->site[0];
    for (int i = 0; i < 50; i++) {
        feed_site(world, leader);
        fill_site(world, leader);
        poll_site(world, leader);
        collect(world, leader);
    }
    uint32_t logged = world->log_slots;
    assert_true(logged > 10);
    set_role(leader, 2, RW_ROLE_FOLLOW, 0);
    for (int i = 0; i < 50; i++) {
        feed_site(world, leader);
        poll_site(world, leader);
        collect(world, leader);
    }
    assert_int_equal(world->log_slots, logged);
    world_free(world);
}

static void at_low_water_no_input_is_taken(void **state) {
    struct world *world = world_new(6, 1, 0);
    world_start(world);
    struct site *leader = &world->site[0];
    rw_word_set(&leader->watermarks->refuse_intake, 1);
    for (int i = 0; i < 50; i++) {
        feed_site(world, leader);
        fill_site(world, leader);
        poll_site(world, leader);
        collect(world, leader);
    }
    assert_int_equal(world->log_slots, 1); /* SESSION open */
    assert_true(counter(leader, "refused") > 0);
    rw_word_set(&leader->watermarks->refuse_intake, 0);
    run(world, 0);
    check_log(world);
    world_free(world);
}

static void a_throttled_leader_takes_inputs_in_its_slices_only(void **state) {
    struct world *world = world_new(9, 1, 0);
    world->cfg.accept_late_intake = true;
    world_start(world);
    struct site *leader = &world->site[0];
    const uint64_t slice = 100000;
    uint64_t taken[8];
    rw_enrich_stage_type.poll(leader->stage, 4, slice); /* opens the session */
    collect(world, leader);
    rw_word_set(&leader->watermarks->throttle, 2);
    for (uint64_t i = 0; i < 8; i++) {
        feed_site(world, leader);
        while (rw_ring_ready(leader->feed[0], 1) == 0) feed_site(world, leader);
        uint64_t before = counter(leader, "received");
        rw_enrich_stage_type.poll(leader->stage, 4, (4 + i) * slice);
        taken[i] = counter(leader, "received") - before;
        collect(world, leader);
    }
    for (uint64_t i = 0; i < 8; i++) assert_int_equal(taken[i] > 0, i % 4 == 0);
    assert_int_equal(counter(leader, "throttled_ns"), (3 + 2) * slice); /* the last one goes on */
    world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_throttled_leader_takes_inputs_in_its_slices_only),
        cmocka_unit_test(a_quote_of_locate_0_is_dropped_at_both_sites),
        cmocka_unit_test(a_deposed_leader_logs_nothing_more),
        cmocka_unit_test(at_low_water_no_input_is_taken),
        cmocka_unit_test(a_fill_stands_behind_the_first_tick_that_reached_its_time),
        cmocka_unit_test(the_log_of_one_leader_is_a_function_of_its_inputs),
        cmocka_unit_test(the_log_of_several_captures_is_a_function_of_them),
        cmocka_unit_test(live_channels_are_taken_in_turn),
        cmocka_unit_test(a_follower_in_step_compares_all_and_hurries_only_when_behind),
        cmocka_unit_test(nothing_is_logged_before_the_whole_log_was_taken),
        cmocka_unit_test(a_log_cut_anywhere_near_its_ends_is_completed_once),
        cmocka_unit_test(every_source_is_logged_exactly_once_under_kills),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
