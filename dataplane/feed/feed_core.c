#include "dataplane/feed/feed_core.h"

#include <string.h>

#include "dataplane/base/assert.h"

struct locate {
    int32_t last_price;
    uint32_t last_quantity;
    uint8_t halts; /* enum rw_book_halt */
    uint8_t reserved[3];
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
    uint16_t quality;       /* of the channel */
    uint16_t event_quality; /* of the event being written */
    uint16_t index;         /* of the next tick at last_sequence */
    bool more;              /* that message has more to say */
    bool clearing;          /* a start-again: BBOs are being emptied */
    bool gap_due;           /* ticks were lost behind this core, which is to be told */
    uint32_t clear_next;    /* locate */
    struct rw_blocks ahead; /* the messages of the packet at hand that are not noted yet */
    uint64_t noted_to;      /* venue sequence; from the packet at hand on to here all are noted */
    uint32_t noted;         /* messages noted in `coming` that are not loaded yet */
    struct rw_book_coming coming;
};

/* What is being written for one input. */
struct output {
    struct rw_entry *entry;
    uint32_t count;
};

static size_t rounded(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

size_t rw_feed_footprint(const struct rw_feed_cfg *cfg) {
    return rounded(sizeof(struct rw_feed_core)) + rw_line_footprint(&cfg->line) +
           rounded(cfg->line.venue->footprint(&cfg->books)) +
           rounded(RW_BOOK_LOCATES * sizeof(struct locate));
}

struct rw_feed_core *rw_feed_new(void *memory, const struct rw_feed_cfg *cfg,
                                 const struct rw_feed_stats *stats) {
    RW_ASSERT(((uintptr_t)memory & 63) == 0);
    struct rw_feed_core *core = memory;
    uint8_t *at = memory;
    *core = (struct rw_feed_core){.cfg = *cfg, .stats = *stats, .venue = cfg->line.venue};
    if (core->cfg.market_code == 0) core->cfg.market_code = 'Q';
    at += rounded(sizeof *core);
    core->lines = rw_line_new(at, &cfg->line, &stats->line);
    at += rw_line_footprint(&cfg->line);
    core->books = core->venue->make(at, &cfg->books, &stats->books);
    at += rounded(cfg->line.venue->footprint(&cfg->books));
    core->locate = (void *)at;
    memset(core->locate, 0, RW_BOOK_LOCATES * sizeof *core->locate);
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
    if (frame->channel != core->cfg.channel || frame->flags & RW_FRAME_END) return;
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
    } else {
        rw_line_packet(core->lines, frame->line, frame->payload, frame->bytes, frame->arrival_ns,
                       frame->now_ns);
        note_packet(core);
    }
}

void rw_feed_now(struct rw_feed_core *core, uint64_t now_ns) { rw_line_now(core->lines, now_ns); }

static uint16_t quality_of(const struct rw_feed_core *core, const struct locate *locate,
                           const struct rw_book_bbo *bbo) {
    uint16_t quality = core->quality | core->event_quality;
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

static void put_tick(struct rw_feed_core *core, struct output *out, uint16_t at,
                     enum rw_tick_kind kind, const struct rw_book_bbo *bbo) {
    const struct locate *locate = &core->locate[at];
    struct rw_tick_body body = {.channel = core->cfg.channel,
                                .index = core->index++,
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

static void put_channel(struct rw_feed_core *core, struct output *out) {
    struct rw_tick_body body = {.channel = core->cfg.channel,
                                .quality = core->quality,
                                .kind = RW_TICK_CHANNEL,
                                .venue_sequence = core->last_sequence};
    put_entry(core, out, RW_ENTRY_TICK, RW_INSTRUMENT_NONE, &body);
    rw_stat_add(&core->stats.feed->channel_changes, 1);
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

/* mend_channel takes the channel for sound again after a gap, on the word of its books. */
static void mend_channel(struct rw_feed_core *core, struct output *out) {
    rw_line_mend(core->lines);
    if (!(core->quality & RW_QUALITY_FEED_GAP)) return;
    core->quality &= (uint16_t)~RW_QUALITY_FEED_GAP;
    put_channel(core, out);
}

/* put_event writes the ticks of one event. */
static inline __attribute__((always_inline)) void
put_event(struct rw_feed_core *core, const struct rw_book_event *event, struct output *out) {
    struct rw_feed_counters *counters = core->stats.feed;
    core->event_time_ns = event->event_time_ns;
    core->event_quality = event->quality;
    core->more = event->changed & RW_BOOK_MORE;
    bool trade = (event->changed & RW_BOOK_TRADE) && note_trade(core, event);
    bool status = event->halts_told && note_halt(core, event);
    if (event->changed & RW_BOOK_NAMED) put_directory(core, out, event->locate);
    if (event->changed & RW_BOOK_BBO) {
        put_tick(core, out, event->locate, RW_TICK_BBO, &event->after);
        rw_stat_add(&counters->bbo, 1);
    }
    if (trade) {
        put_tick(core, out, event->locate, RW_TICK_TRADE, &event->after);
        rw_stat_add(&counters->trades, 1);
    }
    if (status) {
        put_tick(core, out, event->locate, RW_TICK_STATUS, &event->after);
        rw_stat_add(&counters->status, 1);
    }
    if (event->changed & RW_BOOK_BREAK) {
        put_tick(core, out, event->locate, RW_TICK_BREAK, &event->after);
        rw_stat_add(&counters->breaks, 1);
    }
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

/* clear_next_locate empties one BBO of the former generation; when none is left the books start
 * anew and the channel's state with them. */
static void clear_next_locate(struct rw_feed_core *core, struct output *out) {
    const struct rw_book_bbo none = {0}, *bbo;
    while (core->clear_next < RW_BOOK_LOCATES) {
        uint16_t at = (uint16_t)core->clear_next++;
        bbo = core->venue->bbo(core->books, at);
        bool had = memcmp(bbo, &none, sizeof none) != 0 || core->locate[at].halts;
        core->locate[at] = (struct locate){0};
        if (!had) continue;
        core->index = at;
        put_tick(core, out, at, RW_TICK_BBO, &none);
        rw_stat_add(&core->stats.feed->cleared, 1);
        return;
    }
    core->clearing = false;
    core->venue->clear(core->books);
    if (core->quality == 0) return;
    core->quality = 0;
    put_channel(core, out);
}

static void end_channel(struct rw_feed_core *core, uint64_t last, struct output *out) {
    struct rw_end_body body = {
        .source_kind = RW_END_CHANNEL, .source = core->cfg.channel, .last_sequence = last};
    put_entry(core, out, RW_ENTRY_END, RW_INSTRUMENT_NONE, &body);
}

static void flag_gap(struct rw_feed_core *core, struct output *out) {
    core->gap_due = false;
    if (core->quality & RW_QUALITY_FEED_GAP) return;
    core->quality |= RW_QUALITY_FEED_GAP;
    put_channel(core, out);
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
        take_message(core, input, out);
    } else if (event == RW_LINE_RESTART) {
        core->clearing = true;
        core->event_quality = 0;
        core->clear_next = 0;
    } else {
        if (core->venue->gap)
            core->venue->gap(core->books,
                             (input->sequence & RW_LINE_SEQUENCE_MAX) + input->missing);
        flag_gap(core, out);
    }
}

bool rw_feed_step(struct rw_feed_core *core, struct rw_entry out[RW_FEED_FAN_OUT],
                  uint32_t *count) {
    struct output output = {.entry = out};
    struct rw_line_out input;
    *count = 0;
    if (core->clearing) {
        clear_next_locate(core, &output);
    } else if (core->more) {
        take_more(core, &output);
    } else if (core->gap_due) {
        flag_gap(core, &output);
    } else {
        enum rw_line_event event = rw_line_next(core->lines, &input);
        if (event == RW_LINE_NONE) {
            rw_stat_set(&core->stats.feed->event_time_ns, core->event_time_ns);
            rw_stat_set(&core->stats.feed->state, rw_line_state(core->lines));
            return false;
        }
        take_event(core, event, &input, &output);
    }
    *count = output.count;
    return true;
}

void rw_feed_lost_ticks(struct rw_feed_core *core) { core->gap_due = true; }

const void *rw_feed_books(const struct rw_feed_core *core) { return core->books; }
enum rw_channel_state rw_feed_state(const struct rw_feed_core *core) {
    return rw_line_state(core->lines);
}
