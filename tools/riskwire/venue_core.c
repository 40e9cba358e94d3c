/* A message is drawn from the market only when the packet that holds it is due, so the market never
 * runs ahead of what is published by more than what happens at the same moment. */
#include "tools/riskwire/venue_core.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "tools/riskwire/gen_saying.h"

#define SECOND_NS   1000000000ull
#define PITCH_UNIT  1u
#define END_WAIT_NS (SECOND_NS / 10) /* from the last message to the end of the session */

enum phase { PHASE_WAITING, PHASE_MARKET, PHASE_END, PHASE_OVER };

struct life {
    char session[RW_MOLD_SESSION_BYTES + 1];
    struct rw_venue_log log;
    struct rw_venue_log wire; /* unused when the market's messages go out as they are */
};

struct rw_venue_core {
    struct rw_venue_cfg cfg;
    struct rw_gen_market *market;
    const struct rw_gen_framing *framing;
    struct rw_gen_saying *saying; /* NULL: the market's messages go out as they are */
    uint64_t packed;              /* messages of the wire that stand in a packet */
    uint64_t numbered;            /* packets, where these are what the feed numbers */
    uint64_t loop_due_ns;         /* of the next packet of the snapshot loop */
    struct life life[RW_VENUE_LIVES_MAX];
    uint32_t current, sessions;
    enum phase phase;
    uint64_t origin_ns, market_start_ns; /* one moment: in the schedule, and since midnight */
    uint64_t open_due_ns;                /* of the next packet with messages */
    uint64_t sent_ns;                    /* time of the last packet */
    uint64_t quiet_ns;                   /* the next heartbeat or end of session */
    uint64_t over_ns, event_ns, started_ns;
    struct rw_venue_count count;
};

/* The schedule's time of a moment of the market; what is overdue is due at the origin. */
static uint64_t scheduled(const struct rw_venue_core *venue, uint64_t market_ns) {
    if (market_ns <= venue->market_start_ns) return venue->origin_ns;
    unsigned __int128 passed = market_ns - venue->market_start_ns;
    return venue->origin_ns + (uint64_t)(passed * 1000 / venue->cfg.speed_permille);
}

static void name_session(struct rw_venue_core *venue) {
    char name[RW_MOLD_SESSION_BYTES + 1];
    venue->sessions++;
    snprintf(name, sizeof name, "V%06" PRIu64 "%03" PRIu32, venue->cfg.seed % 1000000,
             venue->sessions % 1000);
    memcpy(venue->life[venue->current].session, name, sizeof name);
}

/* The market of the current life; duration and messages are what is left of the whole. */
static void make_market(struct rw_venue_core *venue, uint64_t start_ns) {
    struct rw_gen_market_cfg cfg = {.seed = venue->cfg.seed,
                                    .messages = venue->cfg.messages,
                                    .symbols = venue->cfg.symbols,
                                    .duration_ns = venue->cfg.duration_ns,
                                    .start_ns = start_ns,
                                    .listed = venue->cfg.listed,
                                    .listing = venue->cfg.listing,
                                    .life = venue->current};
    uint64_t least = rw_gen_messages_min(cfg.symbols), passed = start_ns - venue->started_ns;
    if (venue->current > 0) {
        cfg.messages -= venue->count.messages < cfg.messages ? venue->count.messages : cfg.messages;
        cfg.duration_ns -= passed < cfg.duration_ns ? passed : cfg.duration_ns;
    }
    if (cfg.messages < least) cfg.messages = least;
    if (cfg.duration_ns < SECOND_NS) cfg.duration_ns = SECOND_NS;
    if (venue->market) rw_gen_market_free(venue->market);
    venue->market = rw_gen_market_new(&cfg);
}

/* Another exchange tells the market in messages of its own, from an empty market on. */
static void begin_saying(struct rw_venue_core *venue) {
    venue->packed = venue->numbered = 0;
    if (!venue->cfg.feed || !strcmp(venue->cfg.feed, "itch50")) return;
    rw_gen_saying_free(venue->saying);
    venue->saying = rw_gen_saying_new(venue->cfg.feed, venue->cfg.messages, venue->cfg.midnight_ns);
}

static struct rw_gen_framing_terms terms_of(const struct rw_venue_core *venue) {
    struct rw_gen_framing_terms terms = {.unit = PITCH_UNIT,
                                         .now_ns = venue->cfg.midnight_ns + venue->event_ns};
    memcpy(terms.session, venue->life[venue->current].session, sizeof terms.session);
    return terms;
}

struct rw_venue_core *rw_venue_new(const struct rw_venue_cfg *cfg) {
    RW_ASSERT(cfg->speed_permille >= 1 && cfg->speed_permille <= 1000000);
    RW_ASSERT(cfg->packet_bytes >= RW_VENUE_PAYLOAD_MIN);
    RW_ASSERT(cfg->packet_bytes <= RW_VENUE_PAYLOAD_MAX && cfg->heartbeat_ns >= 1);
    struct rw_venue_core *venue = calloc(1, sizeof *venue);
    RW_ASSERT(venue);
    venue->cfg = *cfg;
    venue->framing = rw_gen_framing_named(cfg->feed ? cfg->feed : "itch50");
    RW_ASSERT(venue->framing);
    make_market(venue, 0);
    begin_saying(venue);
    venue->market_start_ns = venue->started_ns = rw_gen_market_time(venue->market);
    venue->event_ns = venue->market_start_ns;
    venue->open_due_ns = UINT64_MAX;
    bool has_loop = cfg->loop_ns && venue->framing->numbers_packets;
    venue->loop_due_ns = has_loop ? cfg->loop_ns : UINT64_MAX;
    name_session(venue);
    return venue;
}

void rw_venue_free(struct rw_venue_core *venue) {
    for (uint32_t i = 0; i <= venue->current; i++) {
        rw_venue_log_fini(&venue->life[i].log);
        rw_venue_log_fini(&venue->life[i].wire);
    }
    rw_gen_saying_free(venue->saying);
    rw_gen_market_free(venue->market);
    free(venue);
}

/* The packet that opens now is sent when its first message has waited. */
static void plan_packet(struct rw_venue_core *venue) {
    uint64_t next_ns = rw_gen_market_time(venue->market);
    venue->open_due_ns =
        next_ns == UINT64_MAX ? UINT64_MAX : scheduled(venue, next_ns) + venue->cfg.packet_wait_ns;
}

void rw_venue_begin(struct rw_venue_core *venue, uint64_t at_ns) {
    RW_ASSERT(venue->phase == PHASE_WAITING && at_ns >= venue->sent_ns);
    venue->phase = PHASE_MARKET;
    venue->origin_ns = at_ns;
    plan_packet(venue);
}

bool rw_venue_restart(struct rw_venue_core *venue, uint64_t at_ns, enum rw_venue_restart how) {
    if (venue->phase == PHASE_WAITING || venue->current + 1 == RW_VENUE_LIVES_MAX) return false;
    RW_ASSERT(at_ns >= venue->sent_ns);
    uint64_t pause_ns = venue->cfg.pause_ns;
    uint64_t start_ns = venue->event_ns + 1 + pause_ns * venue->cfg.speed_permille / 1000;
    const char *before = venue->life[venue->current++].session;
    if (how == RW_VENUE_NEW_SESSION)
        name_session(venue);
    else
        memcpy(venue->life[venue->current].session, before, RW_MOLD_SESSION_BYTES + 1);
    make_market(venue, start_ns);
    begin_saying(venue);
    venue->phase = PHASE_MARKET;
    venue->origin_ns = at_ns + pause_ns;
    venue->market_start_ns = start_ns;
    venue->quiet_ns = at_ns + pause_ns + venue->cfg.heartbeat_ns;
    venue->count.restarts++;
    plan_packet(venue);
    return true;
}

void rw_venue_speed(struct rw_venue_core *venue, uint64_t at_ns, uint32_t speed_permille) {
    RW_ASSERT(speed_permille >= 1 && speed_permille <= 1000000 && at_ns >= venue->sent_ns);
    if (venue->phase == PHASE_MARKET && at_ns > venue->origin_ns) {
        unsigned __int128 passed = at_ns - venue->origin_ns;
        venue->market_start_ns += (uint64_t)(passed * venue->cfg.speed_permille / 1000);
        venue->origin_ns = at_ns;
    }
    venue->cfg.speed_permille = speed_permille;
    if (venue->phase == PHASE_MARKET) plan_packet(venue);
}

uint64_t rw_venue_due(const struct rw_venue_core *venue) {
    if (venue->phase == PHASE_OVER) return UINT64_MAX;
    uint64_t due_ns = venue->open_due_ns < venue->quiet_ns ? venue->open_due_ns : venue->quiet_ns;
    return due_ns <= venue->loop_due_ns ? due_ns : venue->loop_due_ns;
}

static const struct rw_venue_log *sent_of(const struct rw_venue_core *venue, uint32_t life) {
    return venue->saying ? &venue->life[life].wire : &venue->life[life].log;
}

static void publish(struct rw_venue_core *venue) {
    struct life *life = &venue->life[venue->current];
    struct rw_gen_message message;
    struct rw_gen_said said = {0};
    RW_ASSERT(rw_gen_market_next(venue->market, &message));
    rw_venue_log_add(&life->log, message.message, message.bytes);
    if (venue->saying) rw_gen_saying_say(venue->saying, message.message, message.bytes, &said);
    for (uint32_t i = 0; i < said.count; i++)
        rw_venue_log_add(&life->wire, said.message[i], said.bytes[i]);
    venue->event_ns = message.time_ns;
    venue->count.messages++;
}

/* Puts what waits into the packet; false when it is full before all is in it. */
static bool pack(struct rw_venue_core *venue, struct rw_gen_packet *packet) {
    const struct rw_venue_log *log = sent_of(venue, venue->current);
    while (venue->packed < log->count) {
        uint32_t bytes;
        const uint8_t *message = rw_venue_log_get(log, venue->packed + 1, &bytes);
        if (!venue->framing->put(packet, message, bytes)) {
            RW_ASSERT(packet->count > 0);
            return false;
        }
        venue->packed++;
    }
    return true;
}

/* Fills the packet with what happened until it is sent; the next one may be due at once. */
static void fill(struct rw_venue_core *venue, struct rw_gen_packet *packet) {
    uint64_t next_ns;
    if (!pack(venue, packet)) return;
    while ((next_ns = rw_gen_market_time(venue->market)) != UINT64_MAX &&
           scheduled(venue, next_ns) <= venue->open_due_ns) {
        publish(venue);
        if (!pack(venue, packet)) return;
    }
    plan_packet(venue);
    if (next_ns != UINT64_MAX) return;
    venue->phase = PHASE_END;
    venue->over_ns = venue->sent_ns + END_WAIT_NS + venue->cfg.linger_ns;
}

/* A packet without messages: a heartbeat, or nothing where packets are numbered. */
static uint32_t be_quiet(const struct rw_venue_core *venue, struct rw_venue_packet *packet,
                         const struct rw_gen_framing_terms *terms) {
    struct rw_gen_packet heartbeat;
    if (venue->framing->numbers_packets) return 0;
    venue->framing->begin(&heartbeat, terms, packet->payload, sizeof packet->payload,
                          packet->sequence);
    return (uint32_t)venue->framing->end(&heartbeat);
}

/* A venue that says the end in a message, or not at all, is only quiet. */
static void say_the_end(struct rw_venue_core *venue, struct rw_venue_packet *packet,
                        const struct rw_gen_framing_terms *terms) {
    packet->bytes =
        (uint32_t)venue->framing->end_of_session(terms, packet->payload, packet->sequence);
    if (packet->bytes == 0) packet->bytes = be_quiet(venue, packet, terms);
    venue->count.ends++;
    venue->quiet_ns = packet->time_ns + venue->cfg.heartbeat_ns;
    if (packet->time_ns >= venue->over_ns) venue->phase = PHASE_OVER;
    if (venue->quiet_ns > venue->over_ns) venue->quiet_ns = venue->over_ns;
}

/* All that is due at the same time was sent before, so a snapshot is of what was sent. */
static void say_snapshot(struct rw_venue_core *venue, struct rw_venue_packet *packet) {
    RW_ASSERT(rw_venue_is_whole(venue));
    packet->is_of_loop = true;
    packet->bytes = rw_gen_saying_snapshot(venue->saying, packet->sequence - 1, venue->event_ns,
                                           packet->payload);
    venue->count.loops += packet->bytes > 0;
    venue->loop_due_ns += venue->cfg.loop_ns;
}

static void say_messages(struct rw_venue_core *venue, struct rw_venue_packet *packet,
                         const struct rw_gen_framing_terms *terms) {
    struct rw_gen_packet made;
    venue->framing->begin(&made, terms, packet->payload, venue->cfg.packet_bytes, packet->sequence);
    if (venue->open_due_ns == packet->time_ns) fill(venue, &made);
    packet->messages = made.count;
    packet->bytes = (uint32_t)venue->framing->end(&made);
    if (made.count == 0 && venue->framing->numbers_packets) packet->bytes = 0;
    venue->numbered += made.count > 0;
    venue->count.packets += made.count > 0;
    venue->count.heartbeats += made.count == 0 && packet->bytes > 0;
    venue->quiet_ns =
        packet->time_ns + (venue->phase == PHASE_END ? END_WAIT_NS : venue->cfg.heartbeat_ns);
}

void rw_venue_next(struct rw_venue_core *venue, struct rw_venue_packet *packet) {
    struct rw_gen_framing_terms terms = terms_of(venue);
    RW_ASSERT(venue->phase != PHASE_OVER);
    packet->time_ns = venue->sent_ns = rw_venue_due(venue);
    packet->sequence = 1 + (venue->framing->numbers_packets ? venue->numbered : venue->packed);
    packet->messages = 0;
    packet->is_of_loop = false;
    bool is_loop = venue->loop_due_ns == packet->time_ns && venue->open_due_ns > packet->time_ns &&
                   venue->quiet_ns > packet->time_ns;
    if (is_loop)
        say_snapshot(venue, packet);
    else if (venue->phase == PHASE_END)
        say_the_end(venue, packet, &terms);
    else
        say_messages(venue, packet, &terms);
}

uint32_t rw_venue_life(const struct rw_venue_core *venue) { return venue->current; }

const char *rw_venue_session(const struct rw_venue_core *venue, uint32_t life) {
    RW_ASSERT(life <= venue->current);
    return venue->life[life].session;
}

const struct rw_venue_log *rw_venue_messages(const struct rw_venue_core *venue, uint32_t life) {
    RW_ASSERT(life <= venue->current);
    return &venue->life[life].log;
}

const struct rw_venue_log *rw_venue_sent(const struct rw_venue_core *venue, uint32_t life) {
    RW_ASSERT(life <= venue->current);
    return sent_of(venue, life);
}

int rw_venue_find(const struct rw_venue_core *venue, const char session[RW_MOLD_SESSION_BYTES]) {
    for (int life = (int)venue->current; life >= 0; life--)
        if (!memcmp(venue->life[life].session, session, RW_MOLD_SESSION_BYTES)) return life;
    return -1;
}

const struct rw_gen_market *rw_venue_market(const struct rw_venue_core *venue) {
    return venue->market;
}
bool rw_venue_is_whole(const struct rw_venue_core *venue) {
    return rw_gen_market_is_whole(venue->market) &&
           venue->packed == sent_of(venue, venue->current)->count;
}
uint64_t rw_venue_event_ns(const struct rw_venue_core *venue) { return venue->event_ns; }
struct rw_venue_count rw_venue_counted(const struct rw_venue_core *venue) {
    return venue->count;
}
