#include "dataplane/feed/line_core.h"

#include <string.h>

#include "dataplane/base/assert.h"

#define GIVEN_UP_KEPT       16u   /* ranges remembered to tell late messages from duplicates */
#define ARRIVALS_KEPT       4096u /* packets remembered to measure skew; a power of two */
#define LINE_NONE           UINT32_MAX
#define PACKET_MESSAGES_MAX UINT16_MAX
static const char no_session[RW_SESSION_BYTES];

/* One packet in the reorder buffer; its payload is slot `slot`. */
struct held {
    uint64_t sequence;
    uint64_t now_ns;
    uint64_t arrival_ns;
    uint32_t slot;
    uint16_t whole; /* complete messages */
    uint16_t bytes;
};

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
    bool ended;
};

struct range {
    uint64_t from, to;
};

struct rw_line_core {
    struct rw_line_cfg cfg;
    struct rw_line_stats stats;
    char session[RW_SESSION_BYTES];
    bool session_known;
    bool restarting;    /* RESTART is still to be handed on */
    bool delivered_any; /* in this generation */
    bool gap;           /* messages of this generation were given up */
    bool full;          /* the open gap must be given up now */
    bool end_known, ended;
    uint32_t generation;
    uint64_t expected; /* next venue sequence to hand on */
    uint64_t known_to; /* sequences below this exist, as heartbeats and ends say */
    uint64_t known_since_ns;
    uint64_t end_at; /* first sequence that will never exist */
    uint64_t now_ns; /* live ports */
    /* the packet being handed on: borrowed from the caller, or held in slot current_slot */
    struct rw_blocks current;
    struct rw_blocks opened; /* the caller's last packet */
    uint64_t current_arrival_ns;
    uint32_t current_left;
    uint32_t current_slot; /* LINE_NONE: borrowed */
    /* a packet that waits for room in the reorder buffer, borrowed */
    struct held parked;
    const uint8_t *parked_bytes;
    struct line line[RW_LINES_MAX];
    struct range given_up[GIVEN_UP_KEPT];
    uint32_t given_up_next;
    struct arrival arrivals[ARRIVALS_KEPT];
    /* the reorder buffer: held[0..held_count) sorted by sequence, and a stack of free payload
     * slots */
    uint32_t held_count, held_first, free_count;
    struct held *held;
    uint32_t *free_slots;
    uint8_t *payloads;
};

static size_t rounded(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

size_t rw_line_footprint(const struct rw_line_cfg *cfg) {
    return rounded(sizeof(struct rw_line_core)) +
           rounded(2 * (size_t)cfg->reorder_packets * sizeof(struct held)) +
           rounded((size_t)cfg->reorder_packets * sizeof(uint32_t)) +
           rounded((size_t)cfg->reorder_packets * cfg->packet_bytes);
}

struct rw_line_core *rw_line_new(void *memory, const struct rw_line_cfg *cfg,
                                 const struct rw_line_stats *stats) {
    RW_ASSERT(cfg->lines >= 1 && cfg->lines <= RW_LINES_MAX);
    RW_ASSERT(cfg->reorder_packets >= 1 && cfg->reorder_packets <= 65536);
    RW_ASSERT(cfg->venue && cfg->packet_bytes >= 1 && cfg->packet_bytes <= UINT16_MAX);
    RW_ASSERT(cfg->first_sequence <= RW_LINE_SEQUENCE_MAX && ((uintptr_t)memory & 63) == 0);
    memset(memory, 0, rw_line_footprint(cfg));
    struct rw_line_core *core = memory;
    core->cfg = *cfg;
    core->stats = *stats;
    core->session_known = memcmp(cfg->session, no_session, sizeof no_session) != 0;
    memcpy(core->session, cfg->session, sizeof core->session);
    core->expected = cfg->first_sequence ? cfg->first_sequence : 1;
    core->current_slot = LINE_NONE;
    uint8_t *at = (uint8_t *)memory + rounded(sizeof *core);
    core->held = (void *)at;
    at += rounded(2 * (size_t)cfg->reorder_packets * sizeof(struct held));
    core->free_slots = (void *)at;
    core->payloads = at + rounded((size_t)cfg->reorder_packets * sizeof(uint32_t));
    for (uint32_t i = 0; i < cfg->reorder_packets; i++)
        core->free_slots[core->free_count++] = cfg->reorder_packets - 1 - i;
    return core;
}

static void count(rw_stat *cell, uint64_t by) { rw_stat_add(cell, by); }

/* leave moves messages from in flight to a reason, or to delivered. */
static void leave(struct rw_line_core *core, rw_stat *reason, uint64_t by) {
    rw_stat *in_flight = &core->stats.channel->in_flight;
    rw_stat_set(in_flight, rw_stat_get(in_flight) - by);
    count(reason, by);
}

static struct held *held_at(const struct rw_line_core *core, uint32_t i) {
    return &core->held[core->held_first + i];
}

/* reason_behind tells why a message below `expected` is dropped. */
static rw_stat *reason_behind(struct rw_line_core *core, uint64_t sequence) {
    for (uint32_t i = 0; i < GIVEN_UP_KEPT; i++) {
        const struct range *range = &core->given_up[i];
        if (sequence >= range->from && sequence < range->to) return &core->stats.channel->late;
    }
    return &core->stats.channel->duplicates;
}

static bool touches_given_up(const struct rw_line_core *core, uint64_t from, uint64_t to) {
    for (uint32_t i = 0; i < GIVEN_UP_KEPT; i++)
        if (from < core->given_up[i].to && core->given_up[i].from < to) return true;
    return false;
}

static void drop_behind(struct rw_line_core *core, uint64_t sequence, uint32_t whole) {
    if (!touches_given_up(core, sequence, sequence + whole)) { /* the other line's copy: usual */
        leave(core, &core->stats.channel->duplicates, whole);
        return;
    }
    for (uint32_t i = 0; i < whole; i++) leave(core, reason_behind(core, sequence + i), 1);
}

/* start_generation forgets the stream so far: the channel begins anew with this line. */
static void start_generation(struct rw_line_core *core) {
    for (uint32_t i = 0; i < core->held_count; i++) {
        struct held *held = held_at(core, i);
        leave(core, &core->stats.channel->older_generation, held->whole);
        core->free_slots[core->free_count++] = held->slot;
    }
    core->held_count = core->held_first = 0;
    memset(core->given_up, 0, sizeof core->given_up);
    RW_ASSERT(core->generation < UINT16_MAX);
    core->generation++;
    core->expected = 1;
    core->known_to = core->end_at = 0;
    core->end_known = core->gap = core->full = core->delivered_any = false;
    core->restarting = true;
}

static void line_joins(struct rw_line_core *core, struct line *line) {
    line->generation = core->generation;
    line->high = 0;
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
        start_generation(core);
        line_joins(core, line);
        line->foreign_run = 0;
        count(&core->stats.channel->session_switches, 1);
        return true;
    }
    count(&core->stats.channel->foreign_packets, 1);
    leave(core, &core->stats.channel->foreign, whole);
    return false;
}

/* in_generation detects a line that started again, and keeps one out that has not followed. */
static bool in_generation(struct rw_line_core *core, struct line *line,
                          const struct rw_packet *packet, uint32_t whole) {
    uint64_t sequence = packet->blocks.sequence, restart_from = core->cfg.venue->restart_from;
    bool first = sequence == 1 && packet->kind == RW_PACKET_DATA;
    if (line->generation == core->generation) {
        if (!first || restart_from == 0 || line->high < restart_from) return true;
        start_generation(core);
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

/* count_line keeps the statistics of one line: what it brought, and what it jumped over. */
static void count_line(struct rw_line_core *core, uint32_t index, uint64_t sequence,
                       uint32_t whole) {
    struct line *line = &core->line[index];
    struct rw_line_counters *counters = core->stats.line[index];
    count(&counters->packets, 1);
    count(&counters->messages, whole);
    uint64_t repeated = rw_stat_get(&counters->repeated);
    measure_skew(core, index, sequence);
    if (line->high == 0)
        line->high =
            core->cfg.first_sequence && core->generation == 0 ? core->cfg.first_sequence : sequence;
    if (sequence > line->high) count(&counters->missed, sequence - line->high);
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

static void hand_on(struct rw_line_core *core, const uint8_t *bytes, const struct held *packet,
                    uint32_t slot) {
    if (slot == LINE_NONE) {
        core->current = core->opened;
    } else {
        struct rw_packet opened;
        enum rw_packet_fault fault = core->cfg.venue->open(bytes, packet->bytes, &opened);
        RW_ASSERT(fault == RW_PACKET_FINE && opened.blocks.left >= packet->whole);
        core->current = opened.blocks;
    }
    core->current.sequence = packet->sequence;
    core->current_left = packet->whole;
    core->current_arrival_ns = packet->arrival_ns;
    core->current_slot = slot;
}

/* hold puts a packet into the reorder buffer, in its place by sequence. There is a free slot. */
static void hold(struct rw_line_core *core, const uint8_t *bytes, const struct held *packet) {
    uint32_t at = core->held_count;
    while (at > 0 && held_at(core, at - 1)->sequence > packet->sequence) at--;
    bool known = at > 0 && held_at(core, at - 1)->sequence == packet->sequence &&
                 held_at(core, at - 1)->whole >= packet->whole;
    if (known) {
        leave(core, &core->stats.channel->duplicates, packet->whole);
        return;
    }
    if (core->held_first + core->held_count == 2 * core->cfg.reorder_packets) {
        memmove(core->held, held_at(core, 0), core->held_count * sizeof *core->held);
        core->held_first = 0;
    }
    memmove(held_at(core, at + 1), held_at(core, at), (core->held_count - at) * sizeof *core->held);
    struct held *held = held_at(core, at);
    *held = *packet;
    held->slot = core->free_slots[--core->free_count];
    memcpy(core->payloads + (size_t)held->slot * core->cfg.packet_bytes, bytes, packet->bytes);
    core->held_count++;
    if (core->held_count > rw_stat_get(&core->stats.channel->held_max))
        rw_stat_set(&core->stats.channel->held_max, core->held_count);
}

/* place gives a data packet its place: now, later, or nowhere. */
static void place(struct rw_line_core *core, const uint8_t *bytes, const struct held *packet) {
    if (packet->sequence + packet->whole <= core->expected) {
        drop_behind(core, packet->sequence, packet->whole);
    } else if (packet->sequence <= core->expected) {
        hand_on(core, bytes, packet, LINE_NONE);
    } else if (packet->bytes > core->cfg.packet_bytes) {
        leave(core, &core->stats.channel->too_long, packet->whole);
    } else if (core->free_count > 0) {
        hold(core, bytes, packet);
    } else {
        core->parked = *packet;
        core->parked_bytes = bytes;
        core->full = true;
    }
}

static void take_unsequenced(struct rw_line_core *core, uint32_t line, const uint8_t *bytes,
                             struct held *packet) {
    if (core->ended) {
        leave(core, &core->stats.channel->after_end, packet->whole);
    } else if (!core->cfg.accept_unsequenced || line != 0) {
        leave(core, &core->stats.channel->unsequenced_rejected, packet->whole);
    } else if (packet->whole > 0) {
        count(&core->stats.channel->unsequenced_accepted, packet->whole);
        packet->sequence = core->expected;
        core->opened.step = 1;
        hand_on(core, bytes, packet, LINE_NONE);
    }
}

/* take_aside hands on what stands beside the sequence, from any line and as it comes. */
static void take_aside(struct rw_line_core *core, const uint8_t *bytes, struct held *packet) {
    if (core->ended) {
        leave(core, &core->stats.channel->after_end, packet->whole);
    } else if (packet->whole > 0) {
        count(&core->stats.channel->aside, packet->whole);
        packet->sequence = core->expected - 1;
        core->opened.step = 0;
        hand_on(core, bytes, packet, LINE_NONE);
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
    count(&counters->messages, *whole);
    rw_stat_set(&counters->in_flight, rw_stat_get(&counters->in_flight) + *whole);
    return true;
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
    core->opened = packet.blocks;
    struct held place_of = {.sequence = packet.blocks.sequence,
                            .now_ns = now_ns,
                            .arrival_ns = arrival_ns,
                            .whole = (uint16_t)whole,
                            .bytes = (uint16_t)bytes};
    if (__builtin_expect(packet.place != RW_PLACE_SEQUENCED, 0)) {
        if (packet.place == RW_PLACE_ASIDE)
            take_aside(core, payload, &place_of);
        else
            take_unsequenced(core, index, payload, &place_of);
        return;
    }
    if (!in_session(core, line, &packet, whole)) return;
    if (core->ended) {
        leave(core, &core->stats.channel->after_end, whole);
        return;
    }
    if (!in_generation(core, line, &packet, whole)) return;
    uint64_t sequence = packet.blocks.sequence;
    if (packet.kind == RW_PACKET_DATA) {
        if (whole == 0) return;
        count_line(core, index, sequence, whole);
        place(core, payload, &place_of);
        return;
    }
    know(core, sequence, now_ns);
    if (packet.kind == RW_PACKET_HEARTBEAT) {
        count(&core->stats.channel->heartbeats, 1);
        return;
    }
    count(&core->stats.channel->ends_of_session, 1);
    core->end_known = true;
    if (sequence > core->end_at) core->end_at = sequence;
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

static uint64_t stamped(const struct rw_line_core *core, uint64_t sequence) {
    return (uint64_t)core->generation << RW_LINE_GENERATION_SHIFT | sequence;
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
        leave(core, &core->stats.channel->delivered, 1);
        *out = (struct rw_line_out){.sequence = stamped(core, message.sequence),
                                    .bytes = message.bytes,
                                    .count = (uint16_t)message.count,
                                    .arrival_ns = core->current_arrival_ns};
        return true;
    }
    if (core->current_slot != LINE_NONE) {
        core->free_slots[core->free_count++] = core->current_slot;
        core->current_slot = LINE_NONE;
    }
    return false;
}

/* next_held makes the lowest held packet the current one when its turn has come. */
static bool next_held(struct rw_line_core *core) {
    if (core->held_count == 0 || held_at(core, 0)->sequence > core->expected) return false;
    const struct held *held = held_at(core, 0);
    core->held_first++;
    core->held_count--;
    if (core->held_count == 0) core->held_first = 0;
    hand_on(core, core->payloads + (size_t)held->slot * core->cfg.packet_bytes, held, held->slot);
    return true;
}

/* next_parked finds a place for the packet that did not fit into the reorder buffer. */
static bool next_parked(struct rw_line_core *core) {
    if (!core->parked_bytes) return false;
    if (core->free_count == 0 && core->parked.sequence > core->expected) return false;
    const uint8_t *bytes = core->parked_bytes;
    core->parked_bytes = NULL;
    place(core, bytes, &core->parked);
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
    if (core->held_count > 0) {
        const struct held *held = held_at(core, 0);
        bool earlier = target == core->expected || held->now_ns < *since_ns;
        if (earlier) *since_ns = held->now_ns;
        if (target == core->expected || held->sequence < target) target = held->sequence;
    }
    return target;
}

static bool gap_is_over(const struct rw_line_core *core, uint64_t since_ns) {
    if (core->full || all_ports_ended(core)) return true;
    uint64_t now = channel_now(core);
    return now > since_ns && now - since_ns >= core->cfg.gap_timer_ns;
}

/* next_gap gives the open gap up when its time has come. Before the first message a channel that
 * may join anywhere only starts there. */
static bool next_gap(struct rw_line_core *core, bool *joined, struct rw_line_out *out) {
    struct rw_channel_counters *counters = core->stats.channel;
    uint64_t since_ns = 0, from = core->expected, to = gap_target(core, &since_ns);
    if (to == from || !gap_is_over(core, since_ns)) return false;
    core->expected = to;
    core->given_up[core->given_up_next++ % GIVEN_UP_KEPT] = (struct range){from, to};
    *joined = !core->delivered_any && core->cfg.first_sequence == 0 && core->generation == 0;
    if (*joined) {
        count(&counters->joined_at, to - from);
        return true;
    }
    core->gap = true;
    count(&counters->gaps, 1);
    count(&counters->gap_messages, to - from);
    if (core->full) count(&counters->gaps_by_full, 1);
    *out = (struct rw_line_out){.sequence = stamped(core, from), .missing = to - from};
    return true;
}

enum rw_line_event rw_line_next(struct rw_line_core *core, struct rw_line_out *out) {
    if (core->restarting) {
        core->restarting = false;
        *out = (struct rw_line_out){.sequence = stamped(core, 0)};
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
    RW_ASSERT(core->parked_bytes == NULL);
    bool complete = core->end_known && core->expected >= core->end_at;
    if (!complete && !all_ports_ended(core)) return RW_LINE_NONE;
    core->ended = true;
    *out = (struct rw_line_out){.sequence = stamped(core, core->expected - 1)};
    return RW_LINE_END;
}

enum rw_channel_state rw_line_state(const struct rw_line_core *core) {
    uint64_t since_ns;
    if (core->ended) return RW_CHANNEL_ENDED;
    if (core->gap) return RW_CHANNEL_GAP;
    return gap_target(core, &since_ns) > core->expected ? RW_CHANNEL_HOLD : RW_CHANNEL_SYNC;
}

const char *rw_line_session(const struct rw_line_core *core) { return core->session; }
