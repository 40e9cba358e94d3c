/* A venue, its faulty lines and a feed that listens, in virtual time and one process.
 *
 *   venue_core ─► gen_wires ─► A, B ─► rw_feed_core ─► ticks: each trade counted once
 *
 * world_until lets time pass event by event. Nothing here knows a clock or a socket. */
#pragma once

#include "dataplane/feed/feed_core.h"
#include "tests/unit/tools/venue_fixture.h"
#include "tools/riskwire/book_csv.h"
#include "tools/riskwire/gen_wires.h"

#define WORLD_OWN_MAX   64u
#define WORLD_CHANNEL   1u
#define WORLD_STEP_NS   1000000u /* the feed is told the time so often */
#define WORLD_LIVES_MAX 4u

struct world_cfg {
    struct rw_venue_cfg venue;
    struct rw_gen_wires_cfg wires;
    const struct rw_venue *feed; /* the adapter */
};

struct world {
    struct rw_venue_core *venue;
    struct rw_gen_wires *wires;
    const struct rw_venue *adapter;
    void *memory;
    struct rw_feed_core *feed;
    struct rw_feed_counters count;
    struct rw_book_counters book;
    rw_stat own[WORLD_OWN_MAX];
    struct rw_channel_counters channel;
    struct rw_line_counters line[2];
    uint64_t now_ns, told_ns;
    /* By life of the venue and sequence: how often its trade was told. */
    uint8_t *trades[WORLD_LIVES_MAX];
    bool has_ended;
};

/* world_gentle: wires that lose, reorder and double, but never lose a packet on both lines. */
static inline struct world_cfg world_gentle(uint64_t seed) {
    return (struct world_cfg){.venue = venue_cfg(seed),
                              .wires = {.seed = seed,
                                        .latency_ns = {1000, 13000},
                                        .jitter_ns = 4000,
                                        .spacing_ns = 400,
                                        .loss_ppm = {50000, 50000},
                                        .loss_run = 3,
                                        .reorder_ppm = 30000,
                                        .duplicate_ppm = 30000,
                                        .packets_max = 4096},
                              .feed = rw_venue_named("itch50")};
}

static inline struct world *world_new(const struct world_cfg *cfg) {
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    struct rw_feed_cfg feed = {.channel = WORLD_CHANNEL,
                               .line = {.venue = cfg->feed,
                                        .lines = 2,
                                        .first_sequence = 1,
                                        .gap_timer_ns = 1000000,
                                        .session_switch_packets = 16,
                                        .reorder_packets = 1024,
                                        .packet_bytes = RW_FRAME_PAYLOAD_BYTES},
                               .books = {.book = {.orders_max = MESSAGES, .levels_max = MESSAGES},
                                         .midnight_ns = cfg->venue.midnight_ns}};
    struct rw_feed_stats stats = {
        .feed = &world->count,
        .books = {.book = &world->book, .own = world->own},
        .line = {.channel = &world->channel, .line = {&world->line[0], &world->line[1]}}};
    assert_true(!cfg->feed->own_row_count || *cfg->feed->own_row_count <= WORLD_OWN_MAX);
    world->venue = rw_venue_new(&cfg->venue);
    world->wires = rw_gen_wires_new(&cfg->wires);
    world->adapter = cfg->feed;
    world->memory = aligned_alloc(64, rw_feed_footprint(&feed));
    assert_non_null(world->memory);
    world->feed = rw_feed_new(world->memory, &feed, &stats);
    for (uint32_t i = 0; i < WORLD_LIVES_MAX; i++) world->trades[i] = calloc(1, 4 * MESSAGES);
    return world;
}

static inline void world_free(struct world *world) {
    for (uint32_t i = 0; i < WORLD_LIVES_MAX; i++) free(world->trades[i]);
    free(world->memory);
    rw_gen_wires_free(world->wires);
    rw_venue_free(world->venue);
    free(world);
}

/* ---- time ----------------------------------------------------------------------------------- */

static inline void world_note(struct world *world, const struct rw_entry *entry) {
    struct rw_tick_body body;
    world->has_ended |= entry->type == RW_ENTRY_END;
    if (entry->type != RW_ENTRY_TICK) return;
    memcpy(&body, entry->body, sizeof body);
    if (body.kind != RW_TICK_TRADE) return;
    uint64_t life = body.venue_sequence >> RW_LINE_GENERATION_SHIFT;
    uint64_t sequence = body.venue_sequence & RW_LINE_SEQUENCE_MAX;
    assert_true(life < WORLD_LIVES_MAX && sequence < 4 * MESSAGES);
    world->trades[life][sequence]++;
}

static inline void world_drain(struct world *world) {
    struct rw_entry out[RW_FEED_FAN_OUT];
    uint32_t count;
    while (rw_feed_step(world->feed, out, &count))
        for (uint32_t i = 0; i < count; i++) world_note(world, &out[i]);
}

static inline void world_hear(struct world *world, uint32_t line,
                              const struct rw_gen_wire_packet *packet) {
    _Alignas(64) uint8_t slot[RW_FRAME_SLOT_BYTES];
    struct rw_frame *frame = (void *)slot;
    *frame = (struct rw_frame){.arrival_ns = packet->time_ns,
                               .now_ns = packet->time_ns,
                               .channel = WORLD_CHANNEL,
                               .line = (uint16_t)line,
                               .bytes = (uint16_t)packet->bytes};
    memcpy(frame->payload, packet->payload, packet->bytes);
    rw_feed_frame(world->feed, frame);
    world_drain(world);
}

static inline void world_send(struct world *world) {
    static struct rw_venue_packet packet;
    rw_venue_next(world->venue, &packet);
    if (packet.bytes == 0) return;
    uint32_t lost = rw_gen_wires_draw(world->wires);
    for (uint32_t i = 0; i < 2; i++)
        if (!(lost >> i & 1))
            rw_gen_wires_send(world->wires, i, packet.time_ns, packet.payload, packet.bytes);
}

static inline uint64_t world_next_ns(const struct world *world) {
    uint64_t next_ns = world->told_ns + WORLD_STEP_NS;
    const uint64_t due[] = {rw_venue_due(world->venue), rw_gen_wires_due(world->wires, 0),
                            rw_gen_wires_due(world->wires, 1)};
    for (size_t i = 0; i < sizeof due / sizeof *due; i++)
        if (due[i] < next_ns) next_ns = due[i];
    return next_ns;
}

/* One event: packets are sent before others arrive at the same time. */
static inline void world_step(struct world *world) {
    uint64_t now_ns = world_next_ns(world);
    world->now_ns = now_ns;
    if (rw_venue_due(world->venue) <= now_ns) {
        world_send(world);
        return;
    }
    for (uint32_t line = 0; line < 2; line++) {
        if (rw_gen_wires_due(world->wires, line) > now_ns) continue;
        world_hear(world, line, rw_gen_wires_take(world->wires, line, now_ns));
        return;
    }
    rw_feed_now(world->feed, now_ns);
    world->told_ns = now_ns;
    world_drain(world);
}

/* Until the current life has published so many messages and is whole, or the venue is over. */
static inline void world_until(struct world *world, uint64_t messages) {
    while (rw_venue_due(world->venue) != UINT64_MAX) {
        uint64_t count = rw_venue_messages(world->venue, rw_venue_life(world->venue))->count;
        if (count >= messages && rw_venue_is_whole(world->venue)) return;
        world_step(world);
    }
}

/* Until all that was sent has arrived and a second more has passed. */
static inline void world_settle(struct world *world) {
    uint64_t end_ns = world->now_ns + SECOND_NS;
    while (world->now_ns < end_ns) world_step(world);
}

/* ---- what must hold ------------------------------------------------------------------------- */

/* The feed's books as text, sorted by symbol; the caller frees it. */
static inline char *world_books_text(const struct world *world) {
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    rw_venue_csv(out, world->adapter, rw_feed_books(world->feed), NULL, 0);
    fclose(out);
    return text;
}

/* Leaves out the levels of a text of books below a depth. */
static inline void world_cut(char *text, uint32_t depth) {
    char *to = text;
    for (char *line = text, *end; *line; line = end) {
        end = strchr(line, '\n') + 1;
        unsigned level = 0;
        sscanf(line, "%*[^,],%*[^,],%u", &level);
        if (level > depth) continue;
        memmove(to, line, (size_t)(end - line));
        to += end - line;
    }
    *to = '\0';
}

/* depth: how many levels the feed tells, 0 for all. */
static inline void world_books_are_the_venues(const struct world *world, uint32_t depth) {
    char *got = world_books_text(world), *wanted = truth_text(world->venue);
    if (depth) world_cut(wanted, depth);
    assert_string_equal(got, wanted);
    free(got);
    free(wanted);
}
