/* Two sites that listen to the simulated venue in virtual time, for tests of recovery: lossy lines
 * of their own, the venue's re-request and snapshot servers, and each other as the first server.
 *
 *   venue ─► wires (loss, order, copies) ─► feed_core of site 0, 1 ─► entries
 *     ├─ re-requests, snapshots ◄─► as the recover stage carries them
 *     └─ truth books                     site 0 ◄─ re-requests ─► site 1 */
#pragma once

#include "dataplane/base/rng.h"
#include "dataplane/feed/feed_core.h"
#include "dataplane/feed/glimpse_core.h"
#include "tests/unit/tools/venue_fixture.h"
#include "tools/riskwire/gen_wires.h"
#include "tools/riskwire/venue_glimpse.h"
#include "tools/riskwire/venue_requests.h"
#include "tools/riskwire/venue_soup.h"

#define SITES      2u
#define MS         1000000ull
#define STEP_NS    50000ull
#define FLIGHT_NS  100000ull /* of a datagram to a server, and back */
#define ANSWERS    512u
#define SNAP_BYTES 8192u /* of a snapshot, in one step */

struct answer {
    uint64_t at_ns; /* 0: free */
    uint32_t server, bytes;
    uint8_t payload[RW_RECOVER_PAYLOAD_BYTES];
};

struct site;
typedef void on_entry(struct site *site, const struct rw_entry *entry);

struct site {
    struct world *world;
    uint32_t index;
    bool listens; /* a site that starts late does not at first */
    struct rw_feed_cfg cfg;
    struct rw_feed_core *core;
    struct rw_feed_counters feed;
    struct rw_book_counters book;
    struct rw_channel_counters channel;
    struct rw_line_counters line[2];
    struct rw_answer_counters answers[RW_LINE_SERVERS_MAX];
    struct rw_recovery_counters recovery;
    struct rw_request_counters requests[RW_LINE_SERVERS_MAX];
    struct rw_store_counters store;
    struct rw_gen_wires *wires;
    struct answer *answer; /* on their way */
    uint32_t answers_left;
    /* the snapshot under way */
    uint64_t snapshot; /* 0: none */
    struct rw_glimpse *glimpse;
    struct rw_venue_soup soup;
    struct rw_venue_log log;
    on_entry *on_entry;
    struct told {
        struct rw_book_bbo bbo;
        uint16_t quality;
    } told[SYMBOLS + 1];
    uint16_t quality; /* of the channel */
    uint64_t last_sequence, last_index, trades;
    bool ended;
};

struct world {
    struct rw_rng rng;
    uint64_t now_ns;
    struct rw_venue_core *venue;
    struct rw_venue_requests *requests;
    struct rw_venue_glimpse *glimpse;
    struct rw_venue_soup_cfg soup;
    bool snapshots_down, no_peer;
    struct site site[SITES];
};

/* The configuration of a feed as a site with everything has it. */
static inline struct rw_feed_cfg feed_cfg(void) {
    return (struct rw_feed_cfg){.channel = 3,
                                .line = {.venue = &rw_itch50_venue,
                                         .lines = 2,
                                         .gap_timer_ns = MS,
                                         .reorder_packets = 2048,
                                         .packet_bytes = RW_FRAME_PAYLOAD_BYTES,
                                         .session_switch_packets = 64,
                                         .jump_packets = 8},
                                .books.book = {.orders_max = MESSAGES, .levels_max = MESSAGES},
                                .recovery = {.servers = 2,
                                             .snapshot = true,
                                             .outstanding = 8,
                                             .request_messages = 200,
                                             .request_max = 5000,
                                             .attempts = 12,
                                             .timeout_ns = 20 * MS,
                                             .snapshot_attempts = 3,
                                             .snapshot_timeout_ns = 200 * MS,
                                             .snapshot_retry_ns = 100 * MS,
                                             .quiet_ns = SECOND_NS},
                                .store = {.bytes = 1 << 20, .messages = 16384}};
}

static inline void site_make(struct world *world, uint32_t index, const struct rw_feed_cfg *cfg,
                             uint32_t loss_ppm) {
    struct site *site = &world->site[index];
    struct rw_feed_stats stats = {
        .feed = &site->feed,
        .books.book = &site->book,
        .line = {.channel = &site->channel, .line = {&site->line[0], &site->line[1]}},
        .recovery.recovery = &site->recovery,
        .store = &site->store};
    struct rw_gen_wires_cfg wires = {.seed = rw_rng_next(&world->rng),
                                     .latency_ns = {20000, 60000},
                                     .jitter_ns = 30000,
                                     .spacing_ns = 100,
                                     .loss_ppm = {loss_ppm, loss_ppm},
                                     .loss_run = 3,
                                     .reorder_ppm = 30000,
                                     .duplicate_ppm = 20000,
                                     .packets_max = 4096,
                                     .independent = true};
    struct rw_glimpse_cfg glimpse = {
        .username = "us", .password = "secret", .messages_max = 100000};
    for (uint32_t i = 0; i < RW_LINE_SERVERS_MAX; i++) {
        stats.line.server[i] = &site->answers[i];
        stats.recovery.server[i] = &site->requests[i];
    }
    site->world = world;
    site->index = index;
    site->listens = true;
    site->cfg = *cfg;
    site->core = rw_feed_new(aligned_alloc(64, rw_feed_footprint(cfg)), cfg, &stats);
    site->wires = rw_gen_wires_new(&wires);
    site->answer = calloc(ANSWERS, sizeof *site->answer);
    site->glimpse = rw_glimpse_new(aligned_alloc(64, rw_glimpse_footprint()), &glimpse);
}

static inline struct world *world_new(uint64_t seed, const struct rw_feed_cfg *cfg,
                                      uint32_t loss_ppm) {
    struct world *world = calloc(1, sizeof *world);
    struct rw_venue_cfg venue = venue_cfg(seed);
    struct rw_venue_requests_cfg requests = {.seed = seed,
                                             .datagram_bytes = RW_VENUE_PAYLOAD_MAX,
                                             .slow_ns = 30 * MS,
                                             .partial_max = 3,
                                             .lies_percent = 70};
    struct rw_venue_glimpse_cfg glimpse = {0};
    venue.heartbeat_ns = 100 * MS;
    rw_rng_seed(&world->rng, seed);
    world->venue = rw_venue_new(&venue);
    world->requests = rw_venue_requests_new(world->venue, &requests);
    world->glimpse = rw_venue_glimpse_new(world->venue, SYMBOLS, &glimpse);
    world->soup = (struct rw_venue_soup_cfg){.username = "us",
                                             .password = "secret",
                                             .heartbeat_ns = SECOND_NS,
                                             .silence_ns = 15 * SECOND_NS};
    for (uint32_t i = 0; i < SITES; i++) site_make(world, i, cfg, loss_ppm);
    rw_venue_begin(world->venue, 0);
    return world;
}

static inline void world_free(struct world *world) {
    for (uint32_t i = 0; i < SITES; i++) {
        rw_gen_wires_free(world->site[i].wires);
        rw_venue_log_fini(&world->site[i].log);
        free(world->site[i].core);
        free(world->site[i].answer);
        free(world->site[i].glimpse);
    }
    rw_venue_glimpse_free(world->glimpse);
    rw_venue_requests_free(world->requests);
    rw_venue_free(world->venue);
    free(world);
}

static inline uint64_t count_of(const rw_stat *cell) { return rw_stat_get(cell); }

/* ---- What the feed says ---------------------------------------------------------------------- */

/* take_entry keeps the picture that a reader of the ticks has, and holds the feed to its word:
 * positions rise, no BBO leaves a broken book, a tick is flagged only then. */
static inline void take_entry(struct site *site, const struct rw_entry *entry) {
    struct rw_tick_body body;
    if (entry->type == RW_ENTRY_END) site->ended = true;
    if (entry->type != RW_ENTRY_TICK) return;
    memcpy(&body, entry->body, sizeof body);
    if (body.kind == RW_TICK_CHANNEL) {
        assert_int_not_equal(body.quality, site->quality);
        site->quality = body.quality;
        return;
    }
    assert_true(body.venue_sequence > site->last_sequence ||
                (body.venue_sequence == site->last_sequence && body.index > site->last_index) ||
                site->last_sequence == 0);
    site->last_sequence = body.venue_sequence;
    site->last_index = body.index;
    struct told *told = &site->told[entry->instrument];
    struct rw_book_bbo bbo = {body.bid_price, body.bid_quantity, body.ask_price, body.ask_quantity};
    uint16_t flags = body.quality & (RW_QUALITY_STALE | RW_QUALITY_FEED_GAP);
    if (flags) {
        assert_true(site->quality & RW_QUALITY_FEED_GAP);
        assert_int_not_equal(body.kind, RW_TICK_BBO);
        assert_memory_equal(&bbo, &told->bbo, sizeof bbo);
    }
    told->bbo = bbo;
    told->quality = body.quality;
    site->trades += body.kind == RW_TICK_TRADE;
}

/* ---- Servers --------------------------------------------------------------------------------- */

static inline void answer_later(struct site *site, uint32_t server, const void *payload,
                                uint32_t bytes, uint64_t delay_ns) {
    for (uint32_t i = 0; i < ANSWERS; i++) {
        struct answer *answer = &site->answer[i];
        if (answer->at_ns) continue;
        *answer = (struct answer){site->world->now_ns + delay_ns, server, bytes, {0}};
        memcpy(answer->payload, payload, bytes);
        site->answers_left++;
        return;
    }
    fail_msg("too many answers on their way");
}

/* ask_peer lets the other site answer from its store. */
static inline void ask_peer(struct site *site, const struct rw_recover_order *order) {
    _Alignas(8) uint8_t request[RW_RECOVER_SLOT_BYTES] = {0}, reply[RW_RECOVER_SLOT_BYTES];
    struct rw_recover_frame *frame = (void *)request;
    struct rw_recover_order *said = (void *)reply;
    struct site *peer = &site->world->site[1 - site->index];
    if (site->world->no_peer || !peer->listens) return;
    frame->kind = RW_RECOVER_REQUEST;
    frame->bytes = order->bytes;
    memcpy(frame->payload, order->payload, order->bytes);
    if (rw_feed_serve(peer->core, frame, said))
        answer_later(site, 0, said->payload, said->bytes, 2 * FLIGHT_NS);
}

static inline void take_order(struct site *site, const struct rw_recover_order *order) {
    struct world *world = site->world;
    struct rw_address from = {.bytes = {(uint8_t)site->index}, .length = 1};
    switch (order->kind) {
    case RW_RECOVER_ASK:
        if (order->server == 0)
            ask_peer(site, order);
        else
            rw_venue_requests_take(world->requests, world->now_ns, &from, order->payload,
                                   order->bytes);
        break;
    case RW_RECOVER_BEGIN:
        site->snapshot = order->number;
        rw_venue_log_fini(&site->log);
        rw_venue_soup_open(&site->soup, &world->soup, world->now_ns);
        rw_glimpse_start(site->glimpse, world->now_ns);
        break;
    default:
        assert_int_equal(order->kind, RW_RECOVER_ABANDON);
        if (site->snapshot == order->number) site->snapshot = 0;
        break;
    }
}

/* work takes everything out of the core. */
static inline void work(struct site *site) {
    _Alignas(8) uint8_t slot[RW_RECOVER_SLOT_BYTES];
    struct rw_entry out[RW_FEED_FAN_OUT];
    uint32_t count;
    while (rw_feed_step(site->core, out, &count)) {
        for (uint32_t i = 0; i < count; i++) {
            take_entry(site, &out[i]);
            if (site->on_entry) site->on_entry(site, &out[i]);
        }
        if (rw_feed_order(site->core, (void *)slot)) take_order(site, (void *)slot);
    }
    assert_int_equal(rw_channel_balance(&site->channel), 0);
}

static inline void frame_of_server(struct site *site, struct rw_recover_frame *frame) {
    frame->arrival_ns = site->world->now_ns;
    rw_feed_recover(site->core, frame);
    work(site);
}

static inline void take_answers(struct site *site) {
    _Alignas(8) uint8_t slot[RW_RECOVER_SLOT_BYTES];
    for (uint32_t i = 0; i < ANSWERS && site->answers_left > 0; i++) {
        struct answer *answer = &site->answer[i];
        if (!answer->at_ns || answer->at_ns > site->world->now_ns) continue;
        struct rw_recover_frame *frame = (void *)slot;
        *frame = (struct rw_recover_frame){.kind = RW_RECOVER_ANSWER,
                                           .server = (uint16_t)answer->server,
                                           .bytes = (uint16_t)answer->bytes};
        memcpy(frame->payload, answer->payload, answer->bytes);
        answer->at_ns = 0;
        site->answers_left--;
        frame_of_server(site, frame);
    }
}

static inline void end_snapshot(struct site *site, enum rw_recover_frame_kind kind) {
    _Alignas(8) uint8_t slot[RW_RECOVER_SLOT_BYTES] = {0};
    struct rw_recover_frame *frame = (void *)slot;
    frame->kind = (uint16_t)kind;
    frame->number = site->snapshot;
    if (kind == RW_RECOVER_WHOLE) frame->sequence = rw_glimpse_sequence(site->glimpse);
    site->snapshot = 0;
    frame_of_server(site, frame);
}

/* load moves the next bytes of a snapshot through both ends of its connection. */
static inline void load(struct site *site) {
    struct world *world = site->world;
    _Alignas(8) uint8_t slot[RW_RECOVER_SLOT_BYTES];
    struct rw_recover_frame *frame = (void *)slot;
    struct rw_block message;
    uint32_t count, room;
    if (!site->snapshot) return;
    if (world->snapshots_down) return end_snapshot(site, RW_RECOVER_FAILED);
    const uint8_t *out = rw_glimpse_out(site->glimpse, &count);
    rw_venue_soup_take(&site->soup, out, count, world->now_ns);
    rw_glimpse_sent(site->glimpse, count);
    if (site->soup.state == RW_VENUE_SOUP_ACCEPTING) {
        if (!rw_venue_is_whole(world->venue)) return;
        rw_venue_glimpse_write(world->glimpse, &site->log);
    }
    uint8_t *in = rw_glimpse_in(site->glimpse, &room);
    rw_glimpse_received(site->glimpse,
                        (uint32_t)rw_venue_soup_fill(&site->soup, "SNAP", &site->log, true,
                                                     world->now_ns, in,
                                                     room < SNAP_BYTES ? room : SNAP_BYTES),
                        world->now_ns);
    for (bool more = true; more && site->snapshot;) {
        *frame = (struct rw_recover_frame){.kind = RW_RECOVER_PART, .number = site->snapshot};
        while ((more = frame->bytes + 1100u < RW_RECOVER_PAYLOAD_BYTES &&
                       rw_glimpse_next(site->glimpse, &message))) {
            rw_store_be16(frame->payload + frame->bytes, (uint16_t)message.count);
            memcpy(frame->payload + frame->bytes + 2, message.bytes, message.count);
            frame->bytes = (uint16_t)(frame->bytes + 2 + message.count);
            frame->count++;
        }
        more = frame->count > 0;
        if (frame->count) frame_of_server(site, frame);
    }
    if (!site->snapshot) return;
    if (rw_glimpse_state(site->glimpse) == RW_GLIMPSE_DONE) end_snapshot(site, RW_RECOVER_WHOLE);
}

/* ---- Time ------------------------------------------------------------------------------------ */

static inline void send_packets(struct world *world) {
    static struct rw_venue_packet packet;
    while (rw_venue_due(world->venue) <= world->now_ns) {
        rw_venue_next(world->venue, &packet);
        for (uint32_t i = 0; i < SITES; i++) {
            uint32_t lost = rw_gen_wires_draw(world->site[i].wires);
            for (uint32_t wire = 0; wire < 2; wire++)
                if (!(lost & 1u << wire))
                    rw_gen_wires_send(world->site[i].wires, wire, packet.time_ns, packet.payload,
                                      packet.bytes);
        }
    }
}

static inline void take_lines(struct site *site) {
    _Alignas(8) uint8_t slot[RW_FRAME_SLOT_BYTES];
    struct rw_frame *frame = (void *)slot;
    const struct rw_gen_wire_packet *packet;
    for (uint16_t wire = 0; wire < 2; wire++)
        while ((packet = rw_gen_wires_take(site->wires, wire, site->world->now_ns))) {
            if (!site->listens) continue;
            *frame = (struct rw_frame){.arrival_ns = packet->time_ns,
                                       .now_ns = site->world->now_ns,
                                       .channel = 3,
                                       .line = wire,
                                       .bytes = (uint16_t)packet->bytes};
            memcpy(frame->payload, packet->payload, packet->bytes);
            rw_feed_frame(site->core, frame);
            work(site);
        }
}

static inline void step(struct world *world) {
    struct rw_venue_answer answer;
    world->now_ns += STEP_NS;
    send_packets(world);
    while (rw_venue_requests_next(world->requests, world->now_ns, &answer))
        answer_later(&world->site[answer.to.bytes[0]], 1, answer.payload, answer.bytes,
                     2 * FLIGHT_NS);
    for (uint32_t i = 0; i < SITES; i++) {
        struct site *site = &world->site[i];
        if (site->listens) rw_feed_now(site->core, world->now_ns);
        take_lines(site);
        take_answers(site);
        load(site);
        if (site->listens) work(site);
    }
}

static inline void run_until(struct world *world, uint64_t to_ns) {
    while (world->now_ns < to_ns) step(world);
}

/* run_to_end plays the rest of the session until the venue is silent and the sites have ended. */
static inline void run_to_end(struct world *world) {
    while (rw_venue_due(world->venue) != UINT64_MAX) step(world);
    for (uint32_t i = 0; i < 20000 && !(world->site[0].ended && world->site[1].ended); i++)
        step(world);
}

/* the_picture_is_the_venues checks books, accounts, and what a reader of the ticks believes. */
static inline void the_picture_is_the_venues(const struct site *site) {
    const struct rw_book *book = rw_feed_books(site->core);
    books_equal_the_venues(book, site->world->venue);
    for (uint16_t i = 1; i <= SYMBOLS; i++) {
        assert_memory_equal(&site->told[i].bbo, rw_book_bbo(book, i), sizeof(struct rw_book_bbo));
        assert_false(site->told[i].quality & (RW_QUALITY_STALE | RW_QUALITY_FEED_GAP));
    }
    assert_int_equal(site->quality, 0);
    assert_int_equal(rw_channel_passed_balance(&site->channel), 0);
    assert_int_equal(count_of(&site->channel.in_flight), 0);
    assert_int_equal(count_of(&site->feed.messages), count_of(&site->channel.delivered));
    assert_int_equal(count_of(&site->feed.malformed) + count_of(&site->feed.unknown_type), 0);
    uint64_t broken = count_of(&site->channel.gaps) + count_of(&site->recovery.snapshots_failed) +
                      count_of(&site->recovery.snapshots_too_old);
    if (broken > 0) return; /* the books may have been, for a while */
    assert_int_equal(count_of(&site->book.unknown_reference), 0);
    assert_int_equal(count_of(&site->book.duplicate_reference), 0);
}
