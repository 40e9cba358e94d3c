#include "dataplane/feed/line_core.h"

#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/feed/moldudp64.h"

#define SKIPPED_KEPT        16u   /* ranges remembered to tell late messages from duplicates */
#define ARRIVALS_KEPT       4096u /* packets remembered to measure skew; a power of two */
#define LINE_NONE           UINT32_MAX
#define PACKET_MESSAGES_MAX UINT16_MAX
static const char no_session[RW_SESSION_BYTES];

/* When and where a packet was seen first. */
struct arrival {
    uint64_t sequence;
    uint64_t now_ns;
    uint32_t generation;
    uint32_t lines; /* bit per line that has brought it */
};

struct line {
    uint64_t now_ns;
    uint64_t high; /* next sequence after the highest seen in its generation; 0 before the first */
    uint32_t generation;
    uint32_t foreign_run; /* packets in a row of foreign_session */
    char foreign_session[RW_SESSION_BYTES];
    uint32_t back_run; /* packets in a row that are far behind what it brought before */
    uint32_t far_run;  /* packets in a row that are far ahead of everything */
    uint64_t far_next; /* sequence after the last of them */
    bool ended;
};

/* Numbers that were passed without their messages. */
struct skipped {
    uint64_t from, to;
    bool in_snapshot; /* not given up: a snapshot was joined behind them */
};

struct rw_line_core {
    struct rw_line_cfg cfg;
    struct rw_line_stats stats;
    char session[RW_SESSION_BYTES];
    bool session_known;
    bool restarting;    /* RESTART is still to be handed on */
    bool new_session;   /* … of a change of sessions */
    bool delivered_any; /* in this generation */
    bool gap;           /* messages were given up, and nothing has made up for them */
    bool full;          /* the reorder buffer is or was full: the open gap is due now */
    bool giving_up;     /* the caller wants the open gap given up */
    bool holding;       /* for a snapshot: nothing is handed on */
    bool end_known, ended;
    uint32_t generation;
    uint64_t expected; /* next venue sequence to hand on */
    uint64_t known_to; /* sequences below this exist, as heartbeats and ends say */
    uint64_t known_since_ns;
    uint64_t end_at;        /* first sequence that will never exist */
    uint64_t first;         /* where this generation began */
    uint64_t passed_before; /* numbers passed in all generations before this one */
    uint64_t now_ns;        /* live ports */
    /* the packet being handed on: borrowed from the caller, or held in slot current_slot */
    struct rw_blocks current;
    uint64_t current_arrival_ns;
    uint32_t current_left;
    uint32_t current_slot; /* LINE_NONE: borrowed */
    uint16_t current_source;
    /* a packet that waits for room in the reorder buffer, borrowed */
    struct rw_held parked;
    struct rw_blocks parked_blocks;
    const uint8_t *parked_bytes;
    struct line line[RW_LINES_MAX];
    struct skipped skipped[SKIPPED_KEPT];
    uint32_t skipped_next;
    struct arrival arrivals[ARRIVALS_KEPT];
    struct rw_reorder reorder;
};

static size_t rounded(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

size_t rw_line_footprint(const struct rw_line_cfg *cfg) {
    return rounded(sizeof(struct rw_line_core)) +
           rw_reorder_footprint(cfg->reorder_packets, cfg->packet_bytes);
}

struct rw_line_core *rw_line_new(void *memory, const struct rw_line_cfg *cfg,
                                 const struct rw_line_stats *stats) {
    RW_ASSERT(cfg->lines >= 1 && cfg->lines <= RW_LINES_MAX);
    RW_ASSERT(cfg->servers <= RW_LINE_SERVERS_MAX);
    RW_ASSERT(cfg->venue && cfg->packet_bytes >= 1 && cfg->packet_bytes <= UINT16_MAX);
    RW_ASSERT(cfg->first_sequence <= RW_LINE_SEQUENCE_MAX && ((uintptr_t)memory & 63) == 0);
    memset(memory, 0, rw_line_footprint(cfg));
    struct rw_line_core *core = memory;
    core->cfg = *cfg;
    core->stats = *stats;
    core->session_known = memcmp(cfg->session, no_session, sizeof no_session) != 0;
    memcpy(core->session, cfg->session, sizeof core->session);
    core->first = core->expected = cfg->first_sequence ? cfg->first_sequence : 1;
    core->current_slot = LINE_NONE;
    rw_reorder_init(&core->reorder, (uint8_t *)memory + rounded(sizeof *core), cfg->reorder_packets,
                    cfg->packet_bytes);
    return core;
}

static void count(rw_stat *cell, uint64_t by) { rw_stat_add(cell, by); }

/* leave moves messages from in flight to a reason, or to delivered. */
static void leave(struct rw_line_core *core, rw_stat *reason, uint64_t by) {
    rw_stat *in_flight = &core->stats.channel->in_flight;
    rw_stat_set(in_flight, rw_stat_get(in_flight) - by);
    count(reason, by);
}

/* enter lets messages in: they are in flight until they leave. */
static void enter(struct rw_line_core *core, uint64_t by) {
    rw_stat *in_flight = &core->stats.channel->in_flight;
    rw_stat_set(in_flight, rw_stat_get(in_flight) + by);
    count(&core->stats.channel->messages, by);
}

static bool is_answer(const struct rw_held *packet) { return packet->source >= RW_LINES_MAX; }

/* reason_behind tells why a message below `expected` is dropped. */
static rw_stat *reason_behind(struct rw_line_core *core, uint64_t sequence) {
    struct rw_channel_counters *counters = core->stats.channel;
    for (uint32_t i = 0; i < SKIPPED_KEPT; i++) {
        const struct skipped *range = &core->skipped[i];
        if (sequence >= range->from && sequence < range->to)
            return range->in_snapshot ? &counters->in_snapshot : &counters->late;
    }
    return &counters->duplicates;
}

static bool touches_skipped(const struct rw_line_core *core, uint64_t from, uint64_t to) {
    for (uint32_t i = 0; i < SKIPPED_KEPT; i++)
        if (from < core->skipped[i].to && core->skipped[i].from < to) return true;
    return false;
}

static void skip(struct rw_line_core *core, uint64_t to, bool in_snapshot) {
    core->skipped[core->skipped_next++ % SKIPPED_KEPT] =
        (struct skipped){core->expected, to, in_snapshot};
    core->expected = to;
}

static void drop_behind(struct rw_line_core *core, uint64_t sequence, uint32_t whole) {
    if (!touches_skipped(core, sequence, sequence + whole)) { /* the other line's copy: usual */
        leave(core, &core->stats.channel->duplicates, whole);
        return;
    }
    for (uint32_t i = 0; i < whole; i++) leave(core, reason_behind(core, sequence + i), 1);
}

/* start_generation forgets the stream so far: the channel begins anew with this line. */
static void start_generation(struct rw_line_core *core, bool new_session) {
    while (core->reorder.count > 0)
        leave(core, &core->stats.channel->older_generation,
              rw_reorder_drop_last(&core->reorder).whole);
    memset(core->skipped, 0, sizeof core->skipped);
    RW_ASSERT(core->generation < UINT16_MAX);
    core->generation++;
    core->passed_before += core->expected - core->first;
    core->first = core->expected = 1;
    core->known_to = core->end_at = 0;
    core->end_known = core->gap = core->full = core->delivered_any = false;
    core->giving_up = core->holding = false;
    core->restarting = true;
    core->new_session = new_session;
}

static void line_joins(struct rw_line_core *core, struct line *line) {
    line->generation = core->generation;
    line->high = 0;
    line->back_run = line->far_run = 0;
}

static void leave_foreign(struct rw_line_core *core, uint32_t whole) {
    count(&core->stats.channel->foreign_packets, 1);
    leave(core, &core->stats.channel->foreign, whole);
}

/* in_session decides whether a packet belongs to the channel, and lets a line go over to a session
 * that it brings steadily. */
static bool in_session(struct rw_line_core *core, struct line *line, const struct rw_packet *packet,
                       uint32_t whole) {
    if (!core->session_known) {
        core->session_known = true;
        memcpy(core->session, packet->session, sizeof core->session);
    }
    if (memcmp(packet->session, core->session, sizeof core->session) == 0) {
        line->foreign_run = 0;
        return true;
    }
    if (memcmp(packet->session, line->foreign_session, sizeof line->foreign_session) != 0) {
        memcpy(line->foreign_session, packet->session, sizeof line->foreign_session);
        line->foreign_run = 0;
    }
    line->foreign_run++;
    uint32_t enough = core->cfg.venue->session_is_stream ? 0 : core->cfg.session_switch_packets;
    if (enough > 0 && line->foreign_run >= enough && !core->ended) {
        memcpy(core->session, packet->session, sizeof core->session);
        start_generation(core, true);
        line_joins(core, line);
        line->foreign_run = 0;
        count(&core->stats.channel->session_switches, 1);
        return true;
    }
    leave_foreign(core, whole);
    return false;
}

/* starts_again is true for a line that begins at sequence 1 after it was far on, or, if its first
 * packets were lost, that steadily brings what is far behind it. */
static bool starts_again(const struct rw_line_core *core, struct line *line,
                         const struct rw_packet *packet) {
    uint64_t sequence = packet->blocks.sequence, restart_from = core->cfg.venue->restart_from;
    if (restart_from == 0 || line->high < restart_from) return false;
    if (sequence == 1 && packet->kind == RW_PACKET_DATA) return true;
    line->back_run = sequence + restart_from < line->high ? line->back_run + 1 : 0;
    return core->cfg.session_switch_packets > 0 &&
           line->back_run >= core->cfg.session_switch_packets;
}

/* in_generation detects a line that started again, and keeps one out that has not followed. */
static bool in_generation(struct rw_line_core *core, struct line *line,
                          const struct rw_packet *packet, uint32_t whole) {
    uint64_t sequence = packet->blocks.sequence, restart_from = core->cfg.venue->restart_from;
    bool first = sequence == 1 && packet->kind == RW_PACKET_DATA;
    if (line->generation == core->generation) {
        if (!starts_again(core, line, packet)) return true;
        start_generation(core, false);
        line_joins(core, line);
        count(&core->stats.channel->restarts, 1);
        return true;
    }
    if (line->high == 0 || first || sequence + restart_from < line->high) {
        line_joins(core, line);
        return true;
    }
    leave(core, &core->stats.channel->older_generation, whole);
    return false;
}

static void measure_skew(struct rw_line_core *core, uint32_t index, uint64_t sequence) {
    struct rw_line_counters *counters = core->stats.line[index];
    struct arrival *cell = &core->arrivals[sequence & (ARRIVALS_KEPT - 1)];
    bool known = cell->lines && cell->sequence == sequence && cell->generation == core->generation;
    if (!known) {
        *cell = (struct arrival){.sequence = sequence,
                                 .now_ns = core->line[index].now_ns,
                                 .generation = core->generation,
                                 .lines = 1u << index};
        count(&counters->first, 1);
        return;
    }
    if (cell->lines & 1u << index) {
        count(&counters->repeated, 1);
        return;
    }
    cell->lines |= 1u << index;
    count(&counters->second, 1);
    uint64_t now = core->line[index].now_ns;
    uint64_t skew = now > cell->now_ns ? now - cell->now_ns : 0;
    if (skew > rw_stat_get(&counters->skew_max_ns)) rw_stat_set(&counters->skew_max_ns, skew);
    if (core->stats.skew) rw_hist_add(core->stats.skew, skew);
}

/* reach notes that a line has come to a sequence, and what it has jumped over. */
static void reach(struct rw_line_core *core, uint32_t index, uint64_t sequence) {
    struct line *line = &core->line[index];
    bool fixed = core->cfg.first_sequence && core->generation == 0;
    if (line->high == 0) line->high = fixed ? core->cfg.first_sequence : sequence;
    if (sequence <= line->high) return;
    count(&core->stats.line[index]->missed, sequence - line->high);
    line->high = sequence;
}

/* count_line keeps the statistics of one line: what it brought, and what it jumped over. */
static void count_line(struct rw_line_core *core, uint32_t index, uint64_t sequence,
                       uint32_t whole) {
    struct line *line = &core->line[index];
    struct rw_line_counters *counters = core->stats.line[index];
    count(&counters->packets, 1);
    count(&counters->messages, whole);
    uint64_t repeated = rw_stat_get(&counters->repeated);
    measure_skew(core, index, sequence);
    reach(core, index, sequence);
    if (sequence < line->high && rw_stat_get(&counters->repeated) == repeated)
        count(&counters->late, whole);
    if (sequence + whole > line->high) line->high = sequence + whole;
    uint64_t missed = rw_stat_get(&counters->missed), late = rw_stat_get(&counters->late);
    rw_stat_set(&counters->lost, missed > late ? missed - late : 0);
}

static void know(struct rw_line_core *core, uint64_t upto, uint64_t now_ns) {
    if (upto <= core->known_to) return;
    core->known_to = upto;
    core->known_since_ns = now_ns;
}

/* top returns the sequence behind everything that is known to exist. */
static uint64_t top(const struct rw_line_core *core) {
    uint64_t sequence = core->known_to > core->expected ? core->known_to : core->expected;
    if (core->reorder.count == 0) return sequence;
    const struct rw_held *last = rw_reorder_at(&core->reorder, core->reorder.count - 1);
    uint64_t behind = last->sequence + last->whole;
    return behind > sequence ? behind : sequence;
}

/* is_stray is true for a packet that is far ahead of everything, until its line has brought some
 * in a row from there. Where nothing has come yet, anything may be the first. */
static bool is_stray(struct rw_line_core *core, struct line *line, uint64_t sequence,
                     uint32_t whole) {
    bool known = core->delivered_any || core->known_to > 0 || core->reorder.count > 0;
    if (core->cfg.jump_packets == 0 || !known) return false;
    if (sequence <= top(core) + RW_LINE_JUMP_MESSAGES) {
        line->far_run = 0;
        return false;
    }
    bool follows = sequence + RW_LINE_JUMP_MESSAGES >= line->far_next &&
                   sequence <= line->far_next + RW_LINE_JUMP_MESSAGES;
    if (!follows) line->far_run = 0;
    line->far_next = sequence + whole;
    if (++line->far_run < core->cfg.jump_packets) {
        leave(core, &core->stats.channel->far_ahead, whole);
        return true;
    }
    line->far_run = 0;
    return false;
}

static void hand_on(struct rw_line_core *core, const struct rw_blocks *blocks,
                    const struct rw_held *packet, uint32_t slot) {
    core->current = *blocks;
    core->current.sequence = packet->sequence;
    core->current_left = packet->whole;
    core->current_arrival_ns = packet->arrival_ns;
    core->current_source = packet->source;
    core->current_slot = slot;
}

/* hold puts a packet into the reorder buffer. There is room. */
static void hold(struct rw_line_core *core, const uint8_t *bytes, const struct rw_held *packet) {
    struct rw_channel_counters *counters = core->stats.channel;
    if (!rw_reorder_put(&core->reorder, bytes, packet))
        leave(core, &counters->duplicates, packet->whole);
    else if (core->reorder.count > rw_stat_get(&counters->held_max))
        rw_stat_set(&counters->held_max, core->reorder.count);
}

/* drop_one makes room: while a gap is filled what is nearest to it is worth most, while a snapshot
 * is awaited the newest; a file's packets never come again. False when it is the packet itself that
 * is worth least. */
static bool drop_one(struct rw_line_core *core, const struct rw_held *packet) {
    struct rw_reorder *reorder = &core->reorder;
    struct rw_held gone = *packet;
    bool itself;
    if (core->holding) {
        itself = packet->sequence < rw_reorder_at(reorder, 0)->sequence;
        if (!itself) rw_reorder_free(reorder, (gone = rw_reorder_take(reorder)).slot);
    } else {
        itself = core->cfg.file_ports ||
                 packet->sequence >= rw_reorder_at(reorder, reorder->count - 1)->sequence;
        if (!itself) gone = rw_reorder_drop_last(reorder);
    }
    leave(core, &core->stats.channel->overflow, gone.whole);
    know(core, gone.sequence + gone.whole, packet->now_ns);
    return !itself;
}

/* place gives a data packet its place: now, later, or nowhere. */
static void place(struct rw_line_core *core, const struct rw_blocks *blocks, const uint8_t *bytes,
                  const struct rw_held *packet) {
    if (packet->sequence + packet->whole <= core->expected) {
        drop_behind(core, packet->sequence, packet->whole);
    } else if (packet->sequence <= core->expected && !core->holding) {
        hand_on(core, blocks, packet, LINE_NONE);
    } else if (packet->bytes > core->cfg.packet_bytes) {
        leave(core, &core->stats.channel->too_long, packet->whole);
    } else if (rw_reorder_has_room(&core->reorder)) {
        hold(core, bytes, packet);
    } else if (core->cfg.recovers && (!core->cfg.file_ports || is_answer(packet))) {
        core->full = true;
        if (drop_one(core, packet)) hold(core, bytes, packet);
    } else {
        core->parked = *packet;
        core->parked_blocks = *blocks;
        core->parked_bytes = bytes;
        core->full = true;
    }
}

static void take_unsequenced(struct rw_line_core *core, uint32_t line, struct rw_blocks *blocks,
                             struct rw_held *packet) {
    if (core->ended) {
        leave(core, &core->stats.channel->after_end, packet->whole);
    } else if (!core->cfg.accept_unsequenced || line != 0) {
        leave(core, &core->stats.channel->unsequenced_rejected, packet->whole);
    } else if (packet->whole > 0) {
        count(&core->stats.channel->unsequenced_accepted, packet->whole);
        packet->sequence = core->expected;
        blocks->step = 1;
        hand_on(core, blocks, packet, LINE_NONE);
    }
}

/* take_aside hands on what stands beside the sequence, from any line and as it comes. */
static void take_aside(struct rw_line_core *core, struct rw_blocks *blocks,
                       struct rw_held *packet) {
    if (core->ended) {
        leave(core, &core->stats.channel->after_end, packet->whole);
    } else if (packet->whole > 0) {
        count(&core->stats.channel->aside, packet->whole);
        packet->sequence = core->expected - 1;
        blocks->step = 0;
        hand_on(core, blocks, packet, LINE_NONE);
    }
}

/* read_header counts the packet and its faults; false when it cannot be used. */
static bool read_header(struct rw_line_core *core, const void *payload, uint32_t bytes,
                        struct rw_packet *packet, uint32_t *whole) {
    struct rw_channel_counters *counters = core->stats.channel;
    count(&counters->packets, 1);
    enum rw_packet_fault fault = core->cfg.venue->open(payload, bytes, packet);
    if (fault == RW_PACKET_FINE &&
        packet->blocks.sequence > RW_LINE_SEQUENCE_MAX - PACKET_MESSAGES_MAX)
        fault = RW_PACKET_SEQUENCE_RANGE;
    if (fault == RW_PACKET_BAD_HEADER) count(&counters->short_header, 1);
    if (fault == RW_PACKET_SEQUENCE_RANGE) count(&counters->sequence_range, 1);
    if (fault != RW_PACKET_FINE) return false;
    RW_ASSERT(packet->blocks.left <= PACKET_MESSAGES_MAX);
    fault = rw_packet_check(packet, whole);
    if (fault == RW_PACKET_TRUNCATED) count(&counters->truncated, 1);
    if (fault == RW_PACKET_TRAILING) count(&counters->trailing, 1);
    enter(core, *whole);
    return true;
}

/* take_number learns from a packet without messages which sequence is next, and that it is the
 * end. */
static void take_number(struct rw_line_core *core, uint32_t index, const struct rw_packet *packet,
                        uint64_t now_ns) {
    uint64_t sequence = packet->blocks.sequence;
    reach(core, index, sequence);
    know(core, sequence, now_ns);
    if (packet->kind == RW_PACKET_HEARTBEAT) {
        count(&core->stats.channel->heartbeats, 1);
        return;
    }
    count(&core->stats.channel->ends_of_session, 1);
    core->end_known = true;
    if (sequence > core->end_at) core->end_at = sequence;
}

/* take_sequenced takes a packet that has passed the first look. */
static void take_sequenced(struct rw_line_core *core, uint32_t index, struct rw_packet *packet,
                           const void *payload, const struct rw_held *place_of) {
    struct line *line = &core->line[index];
    if (!in_session(core, line, packet, place_of->whole)) return;
    if (core->ended) {
        leave(core, &core->stats.channel->after_end, place_of->whole);
        return;
    }
    if (!in_generation(core, line, packet, place_of->whole)) return;
    if (packet->kind == RW_PACKET_DATA && place_of->whole == 0) return;
    if (is_stray(core, line, place_of->sequence, place_of->whole)) return;
    if (packet->kind != RW_PACKET_DATA) {
        take_number(core, index, packet, place_of->now_ns);
        return;
    }
    count_line(core, index, place_of->sequence, place_of->whole);
    place(core, &packet->blocks, payload, place_of);
}

void rw_line_packet(struct rw_line_core *core, uint32_t index, const void *payload, uint32_t bytes,
                    uint64_t arrival_ns, uint64_t now_ns) {
    RW_ASSERT(index < core->cfg.lines && bytes <= UINT16_MAX);
    RW_ASSERT(core->current_left == 0 && core->parked_bytes == NULL);
    struct line *line = &core->line[index];
    if (now_ns > line->now_ns) line->now_ns = now_ns;
    rw_line_now(core, now_ns);
    struct rw_packet packet;
    uint32_t whole;
    if (!read_header(core, payload, bytes, &packet, &whole)) return;
    struct rw_held place_of = {.sequence = packet.blocks.sequence,
                               .now_ns = now_ns,
                               .arrival_ns = arrival_ns,
                               .whole = (uint16_t)whole,
                               .bytes = (uint16_t)bytes,
                               .source = (uint16_t)index};
    if (__builtin_expect(packet.place == RW_PLACE_SEQUENCED, 1))
        take_sequenced(core, index, &packet, payload, &place_of);
    else if (packet.place == RW_PLACE_ASIDE)
        take_aside(core, &packet.blocks, &place_of);
    else
        take_unsequenced(core, index, &packet.blocks, &place_of);
}

/* take_answer leaves out what no line has told of. */
static void take_answer(struct rw_line_core *core, const struct rw_blocks *blocks,
                        const void *payload, struct rw_held *packet) {
    uint64_t end = top(core);
    uint64_t wanted = end > packet->sequence ? end - packet->sequence : 0;
    if (core->ended) {
        leave(core, &core->stats.channel->after_end, packet->whole);
        return;
    }
    if (wanted < packet->whole) {
        leave(core, &core->stats.channel->unasked, packet->whole - wanted);
        packet->whole = (uint16_t)wanted;
    }
    if (packet->whole > 0) place(core, blocks, payload, packet);
}

enum rw_line_answer rw_line_answer(struct rw_line_core *core, uint32_t server, const void *payload,
                                   uint32_t bytes, uint64_t arrival_ns, uint64_t now_ns,
                                   struct rw_line_range *range) {
    RW_ASSERT(core->cfg.recovers && server < core->cfg.servers && bytes <= UINT16_MAX);
    RW_ASSERT(core->current_left == 0);
    struct rw_answer_counters *counters = core->stats.server[server];
    struct rw_packet packet;
    uint32_t whole;
    count(&counters->answers, 1);
    count(&core->stats.channel->packets, 1);
    if (rw_mold_decode(payload, bytes, &packet) != RW_PACKET_FINE ||
        packet.place != RW_PLACE_SEQUENCED ||
        packet.blocks.sequence > RW_LINE_SEQUENCE_MAX - PACKET_MESSAGES_MAX) {
        count(&counters->bad_answers, 1);
        return RW_LINE_ANSWER_USELESS;
    }
    if (!core->session_known || memcmp(packet.session, core->session, sizeof core->session) != 0) {
        count(&counters->wrong_session, 1);
        return RW_LINE_ANSWER_USELESS;
    }
    rw_packet_check(&packet, &whole);
    *range = (struct rw_line_range){packet.blocks.sequence, packet.blocks.sequence + whole};
    if (whole == 0) {
        count(&counters->empty, 1);
        return packet.kind == RW_PACKET_HEARTBEAT ? RW_LINE_ANSWER_EMPTY : RW_LINE_ANSWER_USELESS;
    }
    count(&counters->messages, whole);
    enter(core, whole);
    struct rw_held place_of = {.sequence = packet.blocks.sequence,
                               .now_ns = now_ns,
                               .arrival_ns = arrival_ns,
                               .whole = (uint16_t)whole,
                               .bytes = (uint16_t)bytes,
                               .source = (uint16_t)(RW_LINES_MAX + server)};
    take_answer(core, &packet.blocks, payload, &place_of);
    return RW_LINE_ANSWER_MESSAGES;
}

void rw_line_aside(struct rw_line_core *core, const void *payload, uint32_t bytes,
                   uint64_t arrival_ns, uint64_t now_ns) {
    RW_ASSERT(bytes <= UINT16_MAX);
    RW_ASSERT(core->current_left == 0 && core->parked_bytes == NULL);
    rw_line_now(core, now_ns);
    struct rw_packet packet;
    uint32_t whole;
    if (!read_header(core, payload, bytes, &packet, &whole)) return;
    struct rw_held place_of = {.now_ns = now_ns,
                               .arrival_ns = arrival_ns,
                               .whole = (uint16_t)whole,
                               .bytes = (uint16_t)bytes};
    if (packet.place == RW_PLACE_ASIDE)
        take_aside(core, &packet.blocks, &place_of);
    else
        leave_foreign(core, whole);
}

void rw_line_mend(struct rw_line_core *core) { core->gap = false; }

void rw_line_finish(struct rw_line_core *core) {
    core->end_known = true;
    core->end_at = core->expected;
}

const struct rw_blocks *rw_line_ahead(const struct rw_line_core *core) {
    return core->current_left ? &core->current : NULL;
}

void rw_line_port_ended(struct rw_line_core *core, uint32_t index) {
    RW_ASSERT(index < core->cfg.lines && core->current_left == 0);
    core->line[index].ended = true;
    rw_stat_set(&core->stats.line[index]->end_of_port, 1);
}

void rw_line_now(struct rw_line_core *core, uint64_t now_ns) {
    if (!core->cfg.file_ports && now_ns > core->now_ns) core->now_ns = now_ns;
}

static bool all_ports_ended(const struct rw_line_core *core) {
    for (uint32_t i = 0; i < core->cfg.lines; i++)
        if (!core->line[i].ended) return false;
    return true;
}

/* channel_now is the time that both lines have reached. */
static uint64_t channel_now(const struct rw_line_core *core) {
    if (!core->cfg.file_ports) return core->now_ns;
    uint64_t now = UINT64_MAX;
    for (uint32_t i = 0; i < core->cfg.lines; i++)
        if (!core->line[i].ended && core->line[i].now_ns < now) now = core->line[i].now_ns;
    return now;
}

/* count_delivered gives a message its reason for having been here. */
static void count_delivered(struct rw_line_core *core) {
    leave(core, &core->stats.channel->delivered, 1);
    if (__builtin_expect(core->current_source < RW_LINES_MAX, 1)) return;
    count(&core->stats.channel->recovered, 1);
    count(&core->stats.server[core->current_source - RW_LINES_MAX]->delivered, 1);
}

/* next_message hands on from the current packet, skipping what has come before. */
static bool next_message(struct rw_line_core *core, struct rw_line_out *out) {
    while (core->current_left > 0) {
        struct rw_block message;
        bool there = rw_blocks_next(&core->current, &message);
        RW_ASSERT(there && message.sequence <= core->expected);
        core->current_left--;
        if (message.sequence == core->expected) {
            core->expected++;
            core->delivered_any = true;
        } else if (core->current.step) {
            drop_behind(core, message.sequence, 1);
            continue;
        }
        count_delivered(core);
        *out = (struct rw_line_out){.sequence = rw_line_stamped(core, message.sequence),
                                    .bytes = message.bytes,
                                    .count = (uint16_t)message.count,
                                    .arrival_ns = core->current_arrival_ns};
        return true;
    }
    if (core->current_slot != LINE_NONE) {
        rw_reorder_free(&core->reorder, core->current_slot);
        core->current_slot = LINE_NONE;
    }
    return false;
}

/* open_held reads the header of a held packet again. */
static struct rw_blocks open_held(const struct rw_line_core *core, const struct rw_held *held) {
    const uint8_t *bytes = rw_reorder_payload(&core->reorder, held->slot);
    struct rw_packet opened;
    enum rw_packet_fault fault = is_answer(held)
                                     ? rw_mold_decode(bytes, held->bytes, &opened)
                                     : core->cfg.venue->open(bytes, held->bytes, &opened);
    RW_ASSERT(fault == RW_PACKET_FINE && opened.blocks.left >= held->whole);
    return opened.blocks;
}

/* next_held makes the lowest held packet the current one when its turn has come. */
static bool next_held(struct rw_line_core *core) {
    if (core->reorder.count == 0 || core->holding) return false;
    if (rw_reorder_at(&core->reorder, 0)->sequence > core->expected) return false;
    struct rw_held held = rw_reorder_take(&core->reorder);
    struct rw_blocks blocks = open_held(core, &held);
    hand_on(core, &blocks, &held, held.slot);
    core->full = false;
    return true;
}

/* next_parked finds a place for the packet that did not fit into the reorder buffer. */
static bool next_parked(struct rw_line_core *core) {
    if (!core->parked_bytes) return false;
    bool its_turn = core->parked.sequence <= core->expected && !core->holding;
    if (!its_turn && !rw_reorder_has_room(&core->reorder)) return false;
    const uint8_t *bytes = core->parked_bytes;
    core->parked_bytes = NULL;
    place(core, &core->parked_blocks, bytes, &core->parked);
    core->full = false;
    return true;
}

/* gap_target returns where the stream can go on if what is missing is given up, and since when it
 * has been missed; `expected` when nothing is missing. */
static uint64_t gap_target(const struct rw_line_core *core, uint64_t *since_ns) {
    uint64_t target = core->expected;
    if (core->known_to > core->expected) {
        target = core->known_to;
        *since_ns = core->known_since_ns;
    }
    if (core->reorder.count > 0) {
        const struct rw_held *held = rw_reorder_at(&core->reorder, 0);
        bool earlier = target == core->expected || held->now_ns < *since_ns;
        if (earlier) *since_ns = held->now_ns;
        if (target == core->expected || held->sequence < target) target = held->sequence;
    }
    return target > core->expected ? target : core->expected;
}

static bool is_over(const struct rw_line_core *core, uint64_t since_ns) {
    if (core->full || all_ports_ended(core)) return true;
    uint64_t now = channel_now(core);
    return now > since_ns && now - since_ns >= core->cfg.gap_timer_ns;
}

/* gap_is_due is true when the open gap, if there is one, is not waited for any longer. */
static bool gap_is_due(const struct rw_line_core *core, uint64_t *to) {
    uint64_t since_ns = 0;
    *to = gap_target(core, &since_ns);
    return *to > core->expected && is_over(core, since_ns);
}

/* next_gap gives the open gap up when its time has come. Before the first message a channel that
 * may join anywhere only starts there. */
static bool next_gap(struct rw_line_core *core, bool *joined, struct rw_line_out *out) {
    struct rw_channel_counters *counters = core->stats.channel;
    uint64_t from = core->expected, to;
    bool due = gap_is_due(core, &to);
    if (core->cfg.recovers) due = core->giving_up && to > from;
    core->giving_up = false;
    if (!due || core->holding) return false;
    skip(core, to, false);
    *joined = !core->delivered_any && core->cfg.first_sequence == 0 && core->generation == 0 &&
              !core->cfg.recovers;
    if (*joined) {
        count(&counters->joined_at, to - from);
        return true;
    }
    core->gap = true;
    count(&counters->gaps, 1);
    count(&counters->gap_messages, to - from);
    if (core->full) count(&counters->gaps_by_full, 1);
    *out = (struct rw_line_out){.sequence = rw_line_stamped(core, from), .missing = to - from};
    return true;
}

/* has_ended is true when all that will ever come was handed on. */
static bool has_ended(const struct rw_line_core *core) {
    uint64_t since_ns;
    if (core->holding || core->parked_bytes) return false;
    if (core->end_known && core->expected >= core->end_at) return true;
    return all_ports_ended(core) && gap_target(core, &since_ns) == core->expected;
}

enum rw_line_event rw_line_next(struct rw_line_core *core, struct rw_line_out *out) {
    if (core->restarting) {
        core->restarting = false;
        *out = (struct rw_line_out){.sequence = rw_line_stamped(core, 0),
                                    .new_session = core->new_session};
        return RW_LINE_RESTART;
    }
    for (;;) { /* each turn uses up a message, a packet or a gap */
        bool joined = false;
        if (next_message(core, out)) return RW_LINE_MESSAGE;
        if (core->ended) return RW_LINE_NONE;
        if (next_parked(core) || next_held(core)) continue;
        if (!next_gap(core, &joined, out)) break;
        if (!joined) return RW_LINE_GAP;
    }
    RW_ASSERT(core->parked_bytes == NULL || core->cfg.recovers);
    rw_stat_set(&core->stats.channel->passed, core->passed_before + core->expected - core->first);
    if (!has_ended(core)) return RW_LINE_NONE;
    core->ended = true;
    *out = (struct rw_line_out){.sequence = rw_line_stamped(core, core->expected - 1)};
    return RW_LINE_END;
}

enum rw_channel_state rw_line_state(const struct rw_line_core *core) {
    uint64_t since_ns;
    if (core->ended) return RW_CHANNEL_ENDED;
    if (core->holding) return RW_CHANNEL_SNAPSHOT;
    if (core->cfg.recovers && rw_line_is_due(core)) return RW_CHANNEL_REQUEST;
    if (core->gap) return RW_CHANNEL_GIVEN_UP;
    return gap_target(core, &since_ns) > core->expected ? RW_CHANNEL_HOLD : RW_CHANNEL_SYNC;
}

const char *rw_line_session(const struct rw_line_core *core) { return core->session; }

/* ---- Recovery ------------------------------------------------------------------------------- */

bool rw_line_is_due(const struct rw_line_core *core) {
    uint64_t to;
    return !core->ended && gap_is_due(core, &to);
}

uint32_t rw_line_missing(const struct rw_line_core *core, struct rw_line_range *ranges,
                         uint32_t max) {
    uint64_t at = core->expected;
    uint32_t count = 0;
    for (uint32_t i = 0; i < core->reorder.count && count < max; i++) {
        const struct rw_held *held = rw_reorder_at(&core->reorder, i);
        if (held->sequence > at) {
            if (!is_over(core, held->now_ns)) return count; /* and so are all behind it */
            ranges[count++] = (struct rw_line_range){at, held->sequence};
        }
        if (held->sequence + held->whole > at) at = held->sequence + held->whole;
    }
    if (count < max && core->known_to > at && is_over(core, core->known_since_ns))
        ranges[count++] = (struct rw_line_range){at, core->known_to};
    return count;
}

/* first_behind returns the index of the first held packet that begins behind a sequence. */
static uint32_t first_behind(const struct rw_line_core *core, uint64_t sequence) {
    uint32_t low = 0, high = core->reorder.count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (rw_reorder_at(&core->reorder, middle)->sequence <= sequence)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool rw_line_trim(const struct rw_line_core *core, struct rw_line_range *range) {
    if (range->from < core->expected) range->from = core->expected;
    uint32_t i = first_behind(core, range->from);
    for (i = i > 0 ? i - 1 : 0; i < core->reorder.count && range->from < range->to; i++) {
        const struct rw_held *held = rw_reorder_at(&core->reorder, i);
        uint64_t behind = held->sequence + held->whole;
        if (held->sequence > range->from) {
            if (held->sequence < range->to) range->to = held->sequence;
            break;
        }
        if (behind > range->from) range->from = behind;
    }
    return range->from < range->to;
}

/* Held packets hardly ever overlap, so only the one that begins last in front of the message is
 * looked at. */
bool rw_line_held(const struct rw_line_core *core, uint64_t sequence, struct rw_block *message) {
    uint32_t behind = first_behind(core, sequence);
    if (behind == 0) return false;
    const struct rw_held *held = rw_reorder_at(&core->reorder, behind - 1);
    if (sequence >= held->sequence + held->whole) return false;
    struct rw_blocks blocks = open_held(core, held);
    for (uint64_t at = held->sequence; at <= sequence; at++)
        if (!rw_blocks_next(&blocks, message)) return false;
    message->sequence = sequence;
    return true;
}

bool rw_line_is_blocked(const struct rw_line_core *core) { return core->parked_bytes != NULL; }

void rw_line_give_up(struct rw_line_core *core) {
    RW_ASSERT(core->cfg.recovers && !core->holding);
    core->giving_up = true;
}

void rw_line_hold(struct rw_line_core *core) {
    RW_ASSERT(core->cfg.recovers && core->current_left == 0 && !core->ended);
    core->holding = true;
}

void rw_line_release(struct rw_line_core *core) { core->holding = false; }

void rw_line_join(struct rw_line_core *core, uint64_t next) {
    struct rw_channel_counters *counters = core->stats.channel;
    RW_ASSERT(core->holding && next >= core->expected && next <= RW_LINE_SEQUENCE_MAX);
    count(&counters->snapshot_messages, next - core->expected);
    skip(core, next, true);
    while (core->reorder.count > 0) {
        const struct rw_held *held = rw_reorder_at(&core->reorder, 0);
        if (held->sequence + held->whole > next) break;
        leave(core, &counters->in_snapshot, held->whole);
        rw_reorder_free(&core->reorder, rw_reorder_take(&core->reorder).slot);
    }
    core->holding = core->gap = core->full = false;
    core->delivered_any = true;
}

uint64_t rw_line_expected(const struct rw_line_core *core) { return core->expected; }

uint64_t rw_line_stamped(const struct rw_line_core *core, uint64_t sequence) {
    return (uint64_t)core->generation << RW_LINE_GENERATION_SHIFT | sequence;
}
