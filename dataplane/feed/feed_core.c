#include "dataplane/feed/feed_core.h"

#include <string.h>

#include "dataplane/base/assert.h"

/* Locates looked at in one step of a walk that tells nothing. */
#define KEEP_AT_ONCE 4096u

struct locate {
    int32_t last_price;
    uint32_t last_quantity;
    uint8_t halts; /* enum rw_book_halt */
    uint8_t reserved[3];
};

/* What was told of a locate last, while its book is broken. */
struct told {
    struct rw_book_bbo bbo;
    bool halted;
    bool flagged; /* that tick said that the channel is not whole */
    uint8_t reserved[2];
};

/* Something to do for all locates, some in a step. */
enum walk {
    WALK_NONE = 0,
    WALK_CLEAR,  /* a start-again: BBOs are emptied */
    WALK_KEEP,   /* the books are about to break: what was told is kept */
    WALK_REJOIN, /* they are whole again: differences are told */
};

struct rw_feed_core {
    struct rw_feed_cfg cfg;
    struct rw_feed_stats stats;
    struct rw_line_core *lines;
    const struct rw_venue *venue;
    void *books;
    struct locate *locate; /* [RW_BOOK_LOCATES] */
    uint64_t event_time_ns;
    uint64_t last_sequence; /* venue sequence, with generation, of the last message or event */
    uint64_t arrival_ns;    /* of that message */
    uint64_t now_ns;        /* monotonic */
    uint16_t quality;       /* of the channel, as told */
    uint16_t tick_quality;  /* what each tick says of it */
    uint16_t event_quality; /* of the event being written */
    uint16_t index;         /* of the first tick of the next event at last_sequence */
    bool more;              /* that message has more to say */
    bool gap_due;           /* ticks were lost behind this core, which is to be told */
    bool ticks_lost;        /* that was told; the BBOs in the log may be old */
    bool broken;            /* `told` is kept, and what the books say is not told */
    bool giving_up;         /* a gap, as soon as `told` is kept */
    uint8_t walk;           /* enum walk */
    uint32_t walk_next;     /* locate */
    struct rw_recovery *recovery; /* NULL: none */
    struct rw_store *store;       /* NULL: none */
    uint64_t store_next;          /* sequence after the newest in it, with generation */
    struct told *told;            /* [RW_BOOK_LOCATES]; with recovery */
    /* the part of a snapshot at hand */
    uint64_t snapshot; /* number of the one in the books, 0: none is being loaded */
    uint64_t part_of;  /* number of the one the part belongs to */
    bool part, part_ends;
    uint64_t part_next; /* where to go on when it ends */
    struct rw_blocks part_blocks;
    struct rw_blocks ahead; /* the messages of the packet at hand that are not noted yet */
    uint64_t noted_to;      /* venue sequence; from the packet at hand on to here all are noted */
    uint32_t noted;         /* messages noted in `coming` that are not loaded yet */
    struct rw_book_coming coming;
    union { /* what waits to be taken by rw_feed_order */
        struct rw_recover_order head;
        uint8_t bytes[sizeof(struct rw_recover_order) + RW_MOLD_HEADER_BYTES];
    } order; /* last: its head has no length of its own */
};

/* What is being written for one input. */
struct output {
    struct rw_entry *entry;
    uint32_t count;
};

static size_t rounded(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

bool rw_feed_recovers(const struct rw_feed_cfg *cfg) {
    return cfg->recovery.servers > 0 || cfg->recovery.snapshot;
}

size_t rw_feed_footprint(const struct rw_feed_cfg *cfg) {
    size_t bytes = rounded(sizeof(struct rw_feed_core)) + rw_line_footprint(&cfg->line) +
                   rounded(cfg->line.venue->footprint(&cfg->books)) +
                   rounded(RW_BOOK_LOCATES * sizeof(struct locate));
    if (rw_feed_recovers(cfg))
        bytes += rw_recovery_footprint() + rounded(RW_BOOK_LOCATES * sizeof(struct told));
    if (cfg->store.bytes > 0) bytes += rw_store_footprint(&cfg->store);
    return bytes;
}

/* make_recovery lays out what only a channel with servers or a peer needs. */
static void make_recovery(struct rw_feed_core *core, uint8_t *at) {
    const struct rw_feed_cfg *cfg = &core->cfg;
    if (rw_feed_recovers(cfg)) {
        core->recovery = rw_recovery_new(at, &cfg->recovery, &core->stats.recovery);
        at += rw_recovery_footprint();
        core->told = (void *)at;
        at += rounded(RW_BOOK_LOCATES * sizeof *core->told);
    }
    if (cfg->store.bytes > 0) core->store = rw_store_new(at, &cfg->store, core->stats.store);
}

struct rw_feed_core *rw_feed_new(void *memory, const struct rw_feed_cfg *cfg,
                                 const struct rw_feed_stats *stats) {
    RW_ASSERT(((uintptr_t)memory & 63) == 0);
    struct rw_feed_core *core = memory;
    uint8_t *at = memory;
    *core = (struct rw_feed_core){.cfg = *cfg, .stats = *stats, .venue = cfg->line.venue};
    if (core->cfg.market_code == 0) core->cfg.market_code = 'Q';
    core->cfg.line.recovers = rw_feed_recovers(cfg);
    core->cfg.line.servers = (uint8_t)cfg->recovery.servers;
    at += rounded(sizeof *core);
    core->lines = rw_line_new(at, &core->cfg.line, &stats->line);
    at += rw_line_footprint(&cfg->line);
    core->books = core->venue->make(at, &cfg->books, &stats->books);
    at += rounded(cfg->line.venue->footprint(&cfg->books));
    core->locate = (void *)at;
    memset(core->locate, 0, RW_BOOK_LOCATES * sizeof *core->locate);
    make_recovery(core, at + rounded(RW_BOOK_LOCATES * sizeof *core->locate));
    return core;
}

/* The first touch of the books costs most of a message's time, so messages are noted before they
 * are applied, and what they need is loaded for as many at once as `coming` holds. */
static void note(struct rw_feed_core *core, struct rw_blocks *blocks) {
    struct rw_block block;
    while (core->noted < RW_BOOK_COMING_MAX && rw_blocks_next(blocks, &block)) {
        if (blocks->step && block.sequence < core->noted_to) continue;
        core->venue->coming(&core->coming, block.bytes, block.count);
        core->noted_to = block.sequence + 1;
        core->noted++;
    }
}

static bool is_noted(const struct rw_feed_core *core, const struct rw_blocks *blocks) {
    return blocks->step && blocks->sequence + blocks->left * blocks->step <= core->noted_to;
}

/* What was noted of frames that then did not come, or before a new start, does not count. */
static void note_packet(struct rw_feed_core *core) {
    const struct rw_blocks *current = rw_line_ahead(core->lines);
    if (!core->venue->coming || !current) return;
    if (core->noted_to - current->sequence > RW_BOOK_COMING_MAX) core->noted_to = current->sequence;
    if (is_noted(core, current)) return;
    core->ahead = *current;
    note(core, &core->ahead);
}

bool rw_feed_wants_ahead(const struct rw_feed_core *core) {
    return core->noted > 0 && core->noted < RW_BOOK_COMING_MAX && core->ahead.left == 0;
}

void rw_feed_ahead(struct rw_feed_core *core, const struct rw_frame *frame) {
    struct rw_packet packet;
    RW_ASSERT(rw_feed_wants_ahead(core));
    if (frame->channel != core->cfg.channel || frame->flags) return;
    if (core->venue->open(frame->payload, frame->bytes, &packet) != RW_PACKET_FINE) return;
    struct rw_blocks *blocks = &packet.blocks;
    if (blocks->step && blocks->sequence <= core->noted_to && !is_noted(core, blocks))
        note(core, blocks);
}

static void load(struct rw_feed_core *core) {
    core->venue->prefetch(core->books, &core->coming);
    core->noted = 0;
}

/* Before a message is applied: loads what is noted, or notes more of a long packet. */
static inline void prefetch(struct rw_feed_core *core) {
    if (core->ahead.left && !core->noted &&
        (core->last_sequence & RW_LINE_SEQUENCE_MAX) >= core->noted_to)
        note(core, &core->ahead);
    if (core->noted) load(core);
}

void rw_feed_frame(struct rw_feed_core *core, const struct rw_frame *frame) {
    core->ahead = (struct rw_blocks){0};
    if (frame->channel != core->cfg.channel || frame->line >= core->cfg.line.lines) {
        rw_stat_add(&core->stats.feed->wrong_channel, 1);
    } else if (frame->flags & RW_FRAME_END) {
        rw_line_port_ended(core->lines, frame->line);
    } else if (frame->flags & RW_FRAME_ASIDE) {
        rw_line_aside(core->lines, frame->payload, frame->bytes, frame->arrival_ns, frame->now_ns);
    } else {
        rw_line_packet(core->lines, frame->line, frame->payload, frame->bytes, frame->arrival_ns,
                       frame->now_ns);
        note_packet(core);
    }
}

void rw_feed_recover(struct rw_feed_core *core, const struct rw_recover_frame *frame) {
    struct rw_line_range range = {0};
    core->ahead = (struct rw_blocks){0};
    RW_ASSERT(core->recovery);
    if (frame->kind == RW_RECOVER_ANSWER) {
        if (!rw_recovery_takes_answers(core->recovery, core->now_ns)) return;
        enum rw_line_answer answer =
            rw_line_answer(core->lines, frame->server, frame->payload, frame->bytes,
                           frame->arrival_ns, core->now_ns, &range);
        rw_recovery_answer(core->recovery, frame->server, answer, &range, core->now_ns);
        note_packet(core);
    } else if (frame->kind == RW_RECOVER_FAILED) {
        rw_recovery_failed(core->recovery, frame->number, false, core->now_ns);
    } else if (rw_recovery_loading(core->recovery, frame->number, core->now_ns)) {
        core->part = true;
        core->part_of = frame->number;
        core->part_ends = frame->kind == RW_RECOVER_WHOLE;
        core->part_next = frame->sequence;
        core->part_blocks = (struct rw_blocks){.at = frame->payload,
                                               .end = frame->payload + frame->bytes,
                                               .left = core->part_ends ? 0 : frame->count,
                                               .prefix = RW_PREFIX_BE16};
        core->arrival_ns = frame->arrival_ns;
    }
}

bool rw_feed_is_blocked(const struct rw_feed_core *core) { return rw_line_is_blocked(core->lines); }

bool rw_feed_is_held_up(const struct rw_feed_core *core) {
    enum rw_channel_state state = rw_line_state(core->lines);
    return state == RW_CHANNEL_REQUEST || state == RW_CHANNEL_SNAPSHOT;
}

void rw_feed_now(struct rw_feed_core *core, uint64_t now_ns) {
    core->now_ns = now_ns;
    rw_line_now(core->lines, now_ns);
}

static uint16_t quality_of(const struct rw_feed_core *core, const struct locate *locate,
                           const struct rw_book_bbo *bbo) {
    uint16_t quality = core->tick_quality | core->event_quality;
    bool bid = bbo->bid_quantity > 0, ask = bbo->ask_quantity > 0;
    if (!bid || !ask) quality |= RW_QUALITY_ONE_SIDED;
    if (bid && ask && bbo->bid_price > bbo->ask_price) quality |= RW_QUALITY_CROSSED;
    if (bid && ask && bbo->bid_price == bbo->ask_price) quality |= RW_QUALITY_LOCKED;
    if (locate->halts) quality |= RW_QUALITY_HALTED;
    return quality;
}

static struct rw_entry *put_entry(struct rw_feed_core *core, struct output *out, uint8_t type,
                                  uint32_t instrument, const void *body) {
    RW_ASSERT(out->count < RW_FEED_FAN_OUT);
    struct rw_entry *entry = &out->entry[out->count++];
    *entry = (struct rw_entry){.sequence = core->arrival_ns,
                               .event_time_ns = core->event_time_ns,
                               .type = type,
                               .slots = 1,
                               .version = RW_ENTRY_VERSION,
                               .instrument = instrument};
    memcpy(entry->body, body, sizeof entry->body);
    return entry;
}

/* Each kind of tick has its place in an event, whether the others are told or not: a site whose
 * book is broken does not know whether the BBO changed, and its trade is the same trade. */
enum place { PLACE_BBO = 0, PLACE_TRADE, PLACE_STATUS, PLACE_BREAK, PLACES };

static void put_tick(struct rw_feed_core *core, struct output *out, uint16_t at,
                     enum rw_tick_kind kind, enum place place, const struct rw_book_bbo *bbo) {
    const struct locate *locate = &core->locate[at];
    struct rw_tick_body body = {.channel = core->cfg.channel,
                                .index = (uint16_t)(core->index + place),
                                .quality = quality_of(core, locate, bbo),
                                .kind = (uint8_t)kind,
                                .venue_sequence = core->last_sequence,
                                .bid_price = bbo->bid_price,
                                .ask_price = bbo->ask_price,
                                .last_price = locate->last_price,
                                .bid_quantity = bbo->bid_quantity,
                                .ask_quantity = bbo->ask_quantity,
                                .last_quantity = locate->last_quantity};
    put_entry(core, out, RW_ENTRY_TICK, at, &body);
}

static void put_channel(struct rw_feed_core *core, struct output *out, uint64_t sequence) {
    struct rw_tick_body body = {.channel = core->cfg.channel,
                                .quality = core->quality,
                                .kind = RW_TICK_CHANNEL,
                                .venue_sequence = sequence};
    put_entry(core, out, RW_ENTRY_TICK, RW_INSTRUMENT_NONE, &body);
    rw_stat_add(&core->stats.feed->channel_changes, 1);
}

/* set_quality keeps what the channel is said to be, and what each tick says of it: where a gap can
 * be closed a tick is flagged only if its own book is broken. */
static void set_quality(struct rw_feed_core *core, uint16_t quality) {
    core->quality = quality;
    core->tick_quality = core->recovery && !core->broken ? 0 : quality;
}

/* quality_wanted says how a channel with recovery stands. */
static uint16_t quality_wanted(const struct rw_feed_core *core) {
    enum rw_channel_state state = rw_line_state(core->lines);
    if (core->broken || rw_recovery_is_broken(core->recovery) || state == RW_CHANNEL_SNAPSHOT)
        return RW_QUALITY_STALE | RW_QUALITY_FEED_GAP;
    uint16_t lost = core->ticks_lost ? RW_QUALITY_FEED_GAP : 0;
    return lost | (state == RW_CHANNEL_REQUEST ? RW_QUALITY_STALE : 0);
}

/* tell_quality tells it when that is not what was told last: with a gap from the first missing
 * message on, else behind the last one. */
static bool tell_quality(struct rw_feed_core *core, struct output *out) {
    uint16_t quality = quality_wanted(core);
    if (quality == core->quality) return false;
    set_quality(core, quality);
    bool missing = quality & RW_QUALITY_FEED_GAP && !core->ticks_lost;
    put_channel(core, out,
                missing ? rw_line_stamped(core->lines, rw_line_expected(core->lines))
                        : core->last_sequence);
    return true;
}

static void put_directory(struct rw_feed_core *core, struct output *out, uint16_t at) {
    struct rw_directory_body body = {.channel = core->cfg.channel};
    memcpy(body.symbol, core->venue->symbol(core->books, at), sizeof body.symbol);
    put_entry(core, out, RW_FEED_DIRECTORY, at, &body);
    rw_stat_add(&core->stats.feed->directory, 1);
}

/* note_trade keeps the last trade of the locate; false when it gives no tick. */
static bool note_trade(struct rw_feed_core *core, const struct rw_book_event *event) {
    struct rw_feed_counters *counters = core->stats.feed;
    struct locate *locate = &core->locate[event->locate];
    if (!event->printable) {
        rw_stat_add(&counters->trades_not_printable, 1);
        return false;
    }
    if (event->price == INT32_MAX) { /* the decoder says this for every price above */
        rw_stat_add(&counters->price_range, 1);
        return false;
    }
    if (event->quantity > UINT32_MAX) rw_stat_add(&counters->quantity_range, 1);
    locate->last_price = event->price;
    locate->last_quantity = event->quantity > UINT32_MAX ? UINT32_MAX : (uint32_t)event->quantity;
    return true;
}

/* note_halt keeps the halts of the locate; true when it was halted or resumed by this event. */
static bool note_halt(struct rw_feed_core *core, const struct rw_book_event *event) {
    struct locate *locate = &core->locate[event->locate];
    uint8_t before = locate->halts;
    if (event->market && event->market != (uint8_t)core->cfg.market_code) return false;
    locate->halts = (uint8_t)((before & ~event->halts_told) | event->halts);
    return (before != 0) != (locate->halts != 0);
}

/* put_as_told keeps a broken book to itself: the BBO does not change, and other ticks come with the
 * one that was told last. */
static __attribute__((noinline)) const struct rw_book_bbo *
put_as_told(struct rw_feed_core *core, const struct rw_book_event *event, bool *bbo) {
    struct told *told = &core->told[event->locate];
    if (*bbo) rw_stat_add(&core->stats.feed->held_back, 1);
    *bbo = false;
    told->flagged |= event->halts_told || event->changed & (RW_BOOK_TRADE | RW_BOOK_BREAK);
    return &told->bbo;
}

static void mend_channel(struct rw_feed_core *core, struct output *out);

/* put_event writes the ticks of one event. */
static inline __attribute__((always_inline)) void
put_event(struct rw_feed_core *core, const struct rw_book_event *event, struct output *out) {
    struct rw_feed_counters *counters = core->stats.feed;
    core->event_time_ns = event->event_time_ns;
    core->event_quality = event->quality;
    core->more = event->changed & RW_BOOK_MORE;
    bool trade = (event->changed & RW_BOOK_TRADE) && note_trade(core, event);
    bool status = event->halts_told && note_halt(core, event);
    bool bbo = event->changed & RW_BOOK_BBO;
    const struct rw_book_bbo *after = &event->after;
    if (__builtin_expect(core->broken, 0)) after = put_as_told(core, event, &bbo);
    if (event->changed & RW_BOOK_NAMED) put_directory(core, out, event->locate);
    if (bbo) {
        put_tick(core, out, event->locate, RW_TICK_BBO, PLACE_BBO, after);
        rw_stat_add(&counters->bbo, 1);
    }
    if (trade) {
        put_tick(core, out, event->locate, RW_TICK_TRADE, PLACE_TRADE, after);
        rw_stat_add(&counters->trades, 1);
    }
    if (status) {
        put_tick(core, out, event->locate, RW_TICK_STATUS, PLACE_STATUS, after);
        rw_stat_add(&counters->status, 1);
    }
    if (event->changed & RW_BOOK_BREAK) {
        put_tick(core, out, event->locate, RW_TICK_BREAK, PLACE_BREAK, after);
        rw_stat_add(&counters->breaks, 1);
    }
    if (out->count > 0 || core->more) core->index = (uint16_t)(core->index + PLACES);
    if (__builtin_expect(event->changed & RW_BOOK_LAST, 0)) rw_line_finish(core->lines);
    if (__builtin_expect(event->changed & RW_BOOK_WHOLE, 0)) mend_channel(core, out);
}

/* take_message applies one venue message and writes the ticks of its first event. */
static void take_message(struct rw_feed_core *core, const struct rw_line_out *input,
                         struct output *out) {
    struct rw_feed_counters *counters = core->stats.feed;
    struct rw_book_event event;
    prefetch(core);
    rw_stat_add(&counters->messages, 1);
    enum rw_venue_verdict verdict =
        core->venue->apply(core->books, input->bytes, input->count, &event);
    if (__builtin_expect(verdict == RW_VENUE_OK, 1)) {
        put_event(core, &event, out);
        return;
    }
    rw_stat *reason = verdict == RW_VENUE_UNKNOWN_TYPE ? &counters->unknown_type
                      : input->count == 0              ? &counters->empty
                                                       : &counters->malformed;
    rw_stat_add(reason, 1);
}

static __attribute__((noinline)) void take_more(struct rw_feed_core *core, struct output *out) {
    struct rw_book_event event;
    core->venue->more(core->books, &event);
    put_event(core, &event, out);
}

/* ---- Walks over all locates ------------------------------------------------------------------ */

static void begin_walk(struct rw_feed_core *core, enum walk walk) {
    core->walk = (uint8_t)walk;
    core->walk_next = 0;
    core->event_quality = 0;
}

/* put_walked tells the BBO of a locate as the walk found it; never flagged: it is right. Positions
 * at one message are bounded: what lies beyond is told with its next change. */
static void put_walked(struct rw_feed_core *core, struct output *out, uint16_t at,
                       const struct rw_book_bbo *bbo) {
    if (core->index == UINT16_MAX) return;
    put_tick(core, out, at, RW_TICK_BBO, PLACE_BBO, bbo);
    core->index++;
}

static bool is_named(const struct rw_feed_core *core, uint16_t at) {
    return core->venue->symbol(core->books, at)[0] != 0;
}

/* end_of_break makes what the books say worth telling again. */
static void end_of_break(struct rw_feed_core *core) {
    core->broken = core->ticks_lost = false;
    core->snapshot = 0;
}

/* clear_next_locate empties one BBO of the former generation; when none is left the books start
 * anew and the channel's state with them. */
static void clear_next_locate(struct rw_feed_core *core, struct output *out) {
    const struct rw_book_bbo none = {0};
    while (core->walk_next < RW_BOOK_LOCATES) {
        uint16_t at = (uint16_t)core->walk_next++;
        const struct rw_book_bbo *bbo =
            core->broken ? &core->told[at].bbo : core->venue->bbo(core->books, at);
        bool had = memcmp(bbo, &none, sizeof none) != 0 || core->locate[at].halts;
        if (core->broken) had |= core->told[at].halted || core->told[at].flagged;
        if (core->ticks_lost) had |= is_named(core, at);
        core->locate[at] = (struct locate){0};
        if (!had) continue;
        core->index = at;
        put_tick(core, out, at, RW_TICK_BBO, PLACE_BBO, &none);
        rw_stat_add(&core->stats.feed->cleared, 1);
        return;
    }
    core->walk = WALK_NONE;
    core->venue->clear(core->books);
    end_of_break(core);
    if (core->quality == 0) return;
    set_quality(core, 0);
    put_channel(core, out, core->last_sequence);
}

/* keep_told copies what was told of some locates: the books are about to break. */
static void keep_told(struct rw_feed_core *core) {
    for (uint32_t i = 0; i < KEEP_AT_ONCE && core->walk_next < RW_BOOK_LOCATES; i++) {
        uint16_t at = (uint16_t)core->walk_next++;
        core->told[at] = (struct told){.bbo = *core->venue->bbo(core->books, at),
                                       .halted = core->locate[at].halts != 0};
    }
    if (core->walk_next < RW_BOOK_LOCATES) return;
    core->walk = WALK_NONE;
    core->broken = true;
    set_quality(core, core->quality);
}

/* rejoin_next_locate tells the next BBO that is not as it was told; when none is left the channel
 * is as good as its lines. */
static void rejoin_next_locate(struct rw_feed_core *core, struct output *out) {
    while (core->walk_next < RW_BOOK_LOCATES) {
        uint16_t at = (uint16_t)core->walk_next++;
        const struct rw_book_bbo *bbo = core->venue->bbo(core->books, at);
        const struct told *told = &core->told[at];
        bool halted = core->locate[at].halts != 0, differs = core->ticks_lost && is_named(core, at);
        if (core->broken)
            differs |= told->flagged || told->halted != halted ||
                       memcmp(bbo, &told->bbo, sizeof *bbo) != 0;
        if (!differs) continue;
        put_walked(core, out, at, bbo);
        rw_stat_add(&core->stats.feed->snapshot_bbo, 1);
        return;
    }
    core->walk = WALK_NONE;
    end_of_break(core);
    tell_quality(core, out);
}

static void walk_on(struct rw_feed_core *core, struct output *out) {
    if (core->walk == WALK_CLEAR)
        clear_next_locate(core, out);
    else if (core->walk == WALK_KEEP)
        keep_told(core);
    else
        rejoin_next_locate(core, out);
}

/* mend_channel takes the channel for sound again after a gap, on the word of its books. */
static void mend_channel(struct rw_feed_core *core, struct output *out) {
    rw_line_mend(core->lines);
    if (core->recovery) rw_recovery_mended(core->recovery);
    if (core->broken) {
        core->tick_quality = 0;
        begin_walk(core, WALK_REJOIN);
    } else if (core->quality & RW_QUALITY_FEED_GAP && !core->recovery) {
        set_quality(core, (uint16_t)(core->quality & ~RW_QUALITY_FEED_GAP));
        put_channel(core, out, core->last_sequence);
    }
}

static void end_channel(struct rw_feed_core *core, uint64_t last, struct output *out) {
    struct rw_end_body body = {
        .source_kind = RW_END_CHANNEL, .source = core->cfg.channel, .last_sequence = last};
    put_entry(core, out, RW_ENTRY_END, RW_INSTRUMENT_NONE, &body);
}

static void flag_gap(struct rw_feed_core *core, struct output *out) {
    core->gap_due = false;
    if (core->quality & RW_QUALITY_FEED_GAP) return;
    set_quality(core, core->recovery ? quality_wanted(core) : RW_QUALITY_FEED_GAP);
    put_channel(core, out, core->last_sequence);
}

/* keep_message puts a message into the store, unless it stands beside the sequence. */
static __attribute__((noinline)) void keep_message(struct rw_feed_core *core,
                                                   const struct rw_line_out *input) {
    if (core->store_next == 0) rw_store_begin(core->store, rw_line_session(core->lines));
    if (input->sequence < core->store_next) return;
    rw_store_put(core->store, input->sequence & RW_LINE_SEQUENCE_MAX, input->bytes, input->count);
    core->store_next = input->sequence + 1;
}

static void start_again(struct rw_feed_core *core, bool new_session) {
    begin_walk(core, WALK_CLEAR);
    core->tick_quality = 0; /* an empty market is right */
    core->part = core->giving_up = false;
    if (core->store) { /* what it holds is of the life before, maybe under the same name */
        rw_store_begin(core->store, rw_line_session(core->lines));
        core->store_next = rw_line_stamped(core->lines, 1);
    }
    if (core->recovery) rw_recovery_restart(core->recovery, new_session, core->now_ns);
}

static void take_event(struct rw_feed_core *core, enum rw_line_event event,
                       const struct rw_line_out *input, struct output *out) {
    if (event == RW_LINE_END) {
        end_channel(core, input->sequence, out);
        return;
    }
    if (input->sequence != core->last_sequence) core->index = 0;
    core->last_sequence = input->sequence;
    core->arrival_ns = input->arrival_ns;
    if (event == RW_LINE_MESSAGE) {
        if (core->store) keep_message(core, input);
        take_message(core, input, out);
    } else if (event == RW_LINE_RESTART) {
        start_again(core, input->new_session);
    } else {
        if (core->venue->gap)
            core->venue->gap(core->books,
                             (input->sequence & RW_LINE_SEQUENCE_MAX) + input->missing);
        flag_gap(core, out);
    }
}

/* ---- Recovery ------------------------------------------------------------------------------- */

/* begin_loading makes room for a snapshot. */
static void begin_loading(struct rw_feed_core *core) {
    core->snapshot = core->part_of;
    core->venue->clear(core->books);
    for (uint32_t i = 0; i < RW_BOOK_LOCATES; i++) core->locate[i].halts = 0;
}

/* load_message puts the next message of a snapshot into the books. Nothing is told but symbols. */
static void load_message(struct rw_feed_core *core, struct output *out) {
    struct rw_book_event event;
    struct rw_block message;
    if (!rw_blocks_next(&core->part_blocks, &message)) {
        core->part = false;
        return;
    }
    rw_stat_add(&core->stats.feed->snapshot_messages, 1);
    enum rw_venue_verdict verdict =
        core->venue->apply(core->books, message.bytes, message.count, &event);
    if (verdict != RW_VENUE_OK) {
        rw_stat_add(verdict == RW_VENUE_UNKNOWN_TYPE ? &core->stats.feed->unknown_type
                                                     : &core->stats.feed->malformed,
                    1);
        return;
    }
    if (event.event_time_ns > core->event_time_ns) core->event_time_ns = event.event_time_ns;
    if (event.halts_told) note_halt(core, &event);
    if (event.changed & RW_BOOK_NAMED) put_directory(core, out, event.locate);
}

/* join goes on behind the snapshot in the books, if that is not behind what was applied, nor in
 * front of a gap at which the channel stands anyway. */
static void join(struct rw_feed_core *core) {
    uint64_t next = core->part_next, expected = rw_line_expected(core->lines);
    core->part = false;
    if (next < expected || (next == expected && rw_line_is_due(core->lines))) {
        rw_recovery_failed(core->recovery, core->part_of, true, core->now_ns);
        return;
    }
    rw_line_join(core->lines, next);
    rw_recovery_joined(core->recovery, core->part_of);
    uint64_t last = rw_line_stamped(core->lines, next - 1);
    if (last != core->last_sequence) core->index = 0;
    core->last_sequence = last;
    core->tick_quality = 0;
    begin_walk(core, WALK_REJOIN);
}

/* take_part works on the part of a snapshot at hand. */
static void take_part(struct rw_feed_core *core, struct output *out) {
    if (!core->broken)
        begin_walk(core, WALK_KEEP);
    else if (core->snapshot != core->part_of)
        begin_loading(core);
    else if (core->part_ends)
        join(core);
    else
        load_message(core, out);
}

static void give_up(struct rw_feed_core *core) {
    if (!core->broken) {
        begin_walk(core, WALK_KEEP);
        return;
    }
    core->giving_up = false;
    rw_line_give_up(core->lines);
}

static void put_order(struct rw_feed_core *core, enum rw_recover_order_kind kind,
                      const struct rw_recovery_act *act) {
    core->order.head = (struct rw_recover_order){
        .kind = (uint16_t)kind, .number = act->snapshot, .server = (uint16_t)act->server};
    if (kind != RW_RECOVER_ASK) return;
    struct rw_mold_request request = {.sequence = act->range.from,
                                      .count = (uint16_t)(act->range.to - act->range.from)};
    memcpy(request.session, rw_line_session(core->lines), sizeof request.session);
    core->order.head.bytes = (uint16_t)rw_mold_encode_request(core->order.head.payload, &request);
}

static void do_act(struct rw_feed_core *core, const struct rw_recovery_act *act) {
    switch (act->kind) {
    case RW_RECOVERY_ASK:
        put_order(core, RW_RECOVER_ASK, act);
        break;
    case RW_RECOVERY_GIVE_UP:
        core->giving_up = true;
        break;
    case RW_RECOVERY_SNAPSHOT:
        rw_line_hold(core->lines);
        put_order(core, RW_RECOVER_BEGIN, act);
        break;
    case RW_RECOVERY_ABANDON:
        put_order(core, RW_RECOVER_ABANDON, act);
        break;
    case RW_RECOVERY_RELEASE:
        rw_line_release(core->lines);
        break;
    default:
        RW_ASSERT(act->kind == RW_RECOVERY_NOTHING);
    }
}

/* recover does the next thing for a channel that is not whole, and says how it stands; false when
 * there is nothing to do or say. */
static bool recover(struct rw_feed_core *core, struct output *out) {
    struct rw_recovery_act act;
    if (!core->recovery) return false;
    if (core->order.head.kind == 0 &&
        rw_recovery_next(core->recovery, core->lines, core->now_ns, &act)) {
        do_act(core, &act);
        return true;
    }
    return tell_quality(core, out);
}

bool rw_feed_order(struct rw_feed_core *core, struct rw_recover_order *order) {
    if (core->order.head.kind == 0) return false;
    memcpy(order, core->order.bytes, sizeof core->order.bytes);
    core->order.head.kind = 0;
    return true;
}

static bool find_held(const void *lines, uint64_t sequence, struct rw_block *message) {
    return rw_line_held(lines, sequence, message);
}

bool rw_feed_serve(struct rw_feed_core *core, const struct rw_recover_frame *request,
                   struct rw_recover_order *order) {
    if (!core->store) return false;
    *order = (struct rw_recover_order){.kind = RW_RECOVER_REPLY, .peer = request->number};
    order->bytes =
        (uint16_t)rw_store_answer(core->store, request->payload, request->bytes, order->payload,
                                  RW_RECOVER_REPLY_BYTES, find_held, core->lines);
    return order->bytes > 0;
}

void rw_feed_lost_ticks(struct rw_feed_core *core) {
    core->gap_due = true;
    core->ticks_lost = core->recovery != NULL;
}

void rw_feed_sent_ticks(struct rw_feed_core *core) {
    if (core->ticks_lost && !core->broken && core->walk == WALK_NONE && !core->gap_due)
        begin_walk(core, WALK_REJOIN);
}

/* has_duty is true when something comes before the next message. */
static inline bool has_duty(const struct rw_feed_core *core) {
    return core->walk || core->more || core->gap_due || core->giving_up || core->part;
}

static __attribute__((noinline)) void do_duty(struct rw_feed_core *core, struct output *out) {
    if (core->walk)
        walk_on(core, out);
    else if (core->more)
        take_more(core, out);
    else if (core->gap_due)
        flag_gap(core, out);
    else if (core->giving_up)
        give_up(core);
    else
        take_part(core, out);
}

bool rw_feed_step(struct rw_feed_core *core, struct rw_entry out[RW_FEED_FAN_OUT],
                  uint32_t *count) {
    struct output output = {.entry = out};
    struct rw_line_out input;
    *count = 0;
    if (__builtin_expect(has_duty(core), 0)) {
        do_duty(core, &output);
    } else {
        enum rw_line_event event = rw_line_next(core->lines, &input);
        if (event == RW_LINE_NONE && !recover(core, &output)) {
            rw_stat_set(&core->stats.feed->event_time_ns, core->event_time_ns);
            rw_stat_set(&core->stats.feed->state, rw_line_state(core->lines));
            return false;
        }
        if (event != RW_LINE_NONE) take_event(core, event, &input, &output);
    }
    *count = output.count;
    return true;
}

const void *rw_feed_books(const struct rw_feed_core *core) { return core->books; }
enum rw_channel_state rw_feed_state(const struct rw_feed_core *core) {
    return rw_line_state(core->lines);
}
