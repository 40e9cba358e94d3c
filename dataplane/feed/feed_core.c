#include "dataplane/feed/feed_core.h"

#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/feed/itch50_book.h"

#define HALT_TRADING     1u /* trading state is not 'T' */
#define HALT_OPERATIONAL 2u /* the venue itself cannot trade it */

/* How far ahead of the message being applied its order and its level are prefetched. */
#define ORDER_AHEAD 8u
#define LEVEL_AHEAD 4u

struct locate {
    int32_t last_price;
    uint32_t last_quantity;
    uint8_t halts; /* HALT_* */
    uint8_t reserved[3];
};

struct rw_feed_core {
    struct rw_feed_cfg cfg;
    struct rw_feed_stats stats;
    struct rw_line_core *lines;
    struct rw_book *book;
    struct locate *locate; /* [RW_BOOK_LOCATES] */
    uint64_t event_time_ns;
    uint64_t last_sequence; /* venue sequence, with generation, of the last message or event */
    uint16_t quality;       /* of the channel */
    bool clearing;          /* a start-again: BBOs are being emptied */
    uint32_t clear_next;    /* locate */
    struct rw_mold_cursor order_ahead, level_ahead;
};

/* What is being written for one input. */
struct output {
    struct rw_entry *entry;
    uint32_t count;
    uint16_t index; /* of the next tick in its message */
    uint64_t arrival_ns;
};

static size_t rounded(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

size_t rw_feed_footprint(const struct rw_feed_cfg *cfg) {
    return rounded(sizeof(struct rw_feed_core)) + rw_line_footprint(&cfg->line) +
           rounded(rw_book_footprint(&cfg->book)) +
           rounded(RW_BOOK_LOCATES * sizeof(struct locate));
}

struct rw_feed_core *rw_feed_new(void *memory, const struct rw_feed_cfg *cfg,
                                 const struct rw_feed_stats *stats) {
    RW_ASSERT(((uintptr_t)memory & 63) == 0);
    struct rw_feed_core *core = memory;
    uint8_t *at = memory;
    *core = (struct rw_feed_core){.cfg = *cfg, .stats = *stats};
    if (core->cfg.market_code == 0) core->cfg.market_code = 'Q';
    at += rounded(sizeof *core);
    core->lines = rw_line_new(at, &cfg->line, &stats->line);
    at += rw_line_footprint(&cfg->line);
    core->book = rw_book_new(at, &cfg->book, stats->book);
    at += rounded(rw_book_footprint(&cfg->book));
    core->locate = (void *)at;
    memset(core->locate, 0, RW_BOOK_LOCATES * sizeof *core->locate);
    return core;
}

/* The first touch of the books costs most of a message's time, so a packet's messages are
 * announced to the cache before they are applied: all index slots now, orders and levels a few
 * messages ahead. */
static void prefetch_packet(struct rw_feed_core *core, const struct rw_frame *frame) {
    struct rw_mold_packet packet;
    struct rw_mold_message message;
    core->order_ahead.left = core->level_ahead.left = 0;
    if (rw_mold_decode(frame->payload, frame->bytes, &packet) != RW_MOLD_FINE) return;
    if (packet.sequence + packet.count <= (core->last_sequence & RW_LINE_SEQUENCE_MAX)) return;
    struct rw_mold_cursor cursor = rw_mold_first(&packet);
    while (rw_mold_next(&cursor, &message))
        rw_itch50_prefetch(core->book, message.bytes, message.count);
    core->order_ahead = core->level_ahead = rw_mold_first(&packet);
    for (uint32_t i = 0; i < ORDER_AHEAD && rw_mold_next(&core->order_ahead, &message); i++)
        rw_itch50_prefetch_order(core->book, message.bytes, message.count);
    for (uint32_t i = 0; i < LEVEL_AHEAD && rw_mold_next(&core->level_ahead, &message); i++)
        rw_itch50_prefetch_level(core->book, message.bytes, message.count);
}

static void prefetch_on(struct rw_feed_core *core) {
    struct rw_mold_message message;
    if (rw_mold_next(&core->order_ahead, &message))
        rw_itch50_prefetch_order(core->book, message.bytes, message.count);
    if (rw_mold_next(&core->level_ahead, &message))
        rw_itch50_prefetch_level(core->book, message.bytes, message.count);
}

void rw_feed_frame(struct rw_feed_core *core, const struct rw_frame *frame) {
    core->order_ahead.left = core->level_ahead.left = 0;
    if (frame->channel != core->cfg.channel || frame->line >= core->cfg.line.lines) {
        rw_stat_add(&core->stats.feed->wrong_channel, 1);
    } else if (frame->flags & RW_FRAME_END) {
        rw_line_port_ended(core->lines, frame->line);
    } else {
        prefetch_packet(core, frame);
        rw_line_packet(core->lines, frame->line, frame->payload, frame->bytes, frame->arrival_ns,
                       frame->now_ns);
    }
}

void rw_feed_now(struct rw_feed_core *core, uint64_t now_ns) { rw_line_now(core->lines, now_ns); }

static uint16_t quality_of(const struct rw_feed_core *core, const struct locate *locate,
                           const struct rw_book_bbo *bbo) {
    uint16_t quality = core->quality;
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
    *entry = (struct rw_entry){.sequence = out->arrival_ns,
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
                                .index = out->index++,
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
    memcpy(body.symbol, rw_book_symbol(core->book, at), sizeof body.symbol);
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

/* note_halt keeps the halts of the locate; true when it was halted or resumed by this message. */
static bool note_halt(struct rw_feed_core *core, const uint8_t *message,
                      const struct rw_book_event *event) {
    struct locate *locate = &core->locate[event->locate];
    uint8_t bit = HALT_TRADING, before = locate->halts;
    bool halted = event->state != 'T';
    if (message[0] == 'h') {
        if (*rw_itch50_halt_market_code(message) != (uint8_t)core->cfg.market_code) return false;
        bit = HALT_OPERATIONAL;
        halted = *rw_itch50_halt_operational_halt_action(message) == 'H';
    }
    locate->halts = (uint8_t)(halted ? before | bit : before & ~bit);
    return (before != 0) != (locate->halts != 0);
}

/* take_message applies one venue message and writes its ticks. */
static void take_message(struct rw_feed_core *core, const struct rw_line_out *input,
                         struct output *out) {
    struct rw_feed_counters *counters = core->stats.feed;
    struct rw_book_event event;
    prefetch_on(core);
    rw_stat_add(&counters->messages, 1);
    enum rw_itch50_verdict verdict =
        rw_itch50_apply(core->book, input->bytes, input->count, &event);
    if (__builtin_expect(verdict != RW_ITCH50_OK, 0)) {
        rw_stat *reason = verdict == RW_ITCH50_UNKNOWN_TYPE ? &counters->unknown_type
                          : input->count == 0               ? &counters->empty
                                                            : &counters->malformed;
        rw_stat_add(reason, 1);
        return;
    }
    core->event_time_ns = event.event_time_ns;
    bool trade = (event.changed & RW_BOOK_TRADE) && note_trade(core, &event);
    bool status = (event.changed & RW_BOOK_STATUS || input->bytes[0] == 'h') &&
                  note_halt(core, input->bytes, &event);
    if (event.changed & RW_BOOK_NAMED) put_directory(core, out, event.locate);
    if (event.changed & RW_BOOK_BBO) {
        put_tick(core, out, event.locate, RW_TICK_BBO, &event.after);
        rw_stat_add(&counters->bbo, 1);
    }
    if (trade) {
        put_tick(core, out, event.locate, RW_TICK_TRADE, &event.after);
        rw_stat_add(&counters->trades, 1);
    }
    if (status) {
        put_tick(core, out, event.locate, RW_TICK_STATUS, &event.after);
        rw_stat_add(&counters->status, 1);
    }
    if (event.changed & RW_BOOK_BREAK) {
        put_tick(core, out, event.locate, RW_TICK_BREAK, &event.after);
        rw_stat_add(&counters->breaks, 1);
    }
}

/* clear_next_locate empties one BBO of the former generation; when none is left the books start
 * anew and the channel's state with them. */
static void clear_next_locate(struct rw_feed_core *core, struct output *out) {
    const struct rw_book_bbo none = {0}, *bbo;
    while (core->clear_next < RW_BOOK_LOCATES) {
        uint16_t at = (uint16_t)core->clear_next++;
        bbo = rw_book_bbo(core->book, at);
        bool had = memcmp(bbo, &none, sizeof none) != 0 || core->locate[at].halts;
        core->locate[at] = (struct locate){0};
        if (!had) continue;
        out->index = at;
        put_tick(core, out, at, RW_TICK_BBO, &none);
        rw_stat_add(&core->stats.feed->cleared, 1);
        return;
    }
    core->clearing = false;
    rw_book_clear(core->book);
    if (core->quality == 0) return;
    core->quality = 0;
    put_channel(core, out);
}

static void end_channel(struct rw_feed_core *core, uint64_t last, struct output *out) {
    struct rw_end_body body = {
        .source_kind = RW_END_CHANNEL, .source = core->cfg.channel, .last_sequence = last};
    put_entry(core, out, RW_ENTRY_END, RW_INSTRUMENT_NONE, &body);
}

static void take_event(struct rw_feed_core *core, enum rw_line_event event,
                       const struct rw_line_out *input, struct output *out) {
    if (event == RW_LINE_END) {
        end_channel(core, input->sequence, out);
        return;
    }
    core->last_sequence = input->sequence;
    out->arrival_ns = input->arrival_ns;
    if (event == RW_LINE_MESSAGE) {
        take_message(core, input, out);
    } else if (event == RW_LINE_RESTART) {
        core->clearing = true;
        core->clear_next = 0;
    } else if (!(core->quality & RW_QUALITY_FEED_GAP)) {
        core->quality |= RW_QUALITY_FEED_GAP;
        put_channel(core, out);
    }
}

bool rw_feed_step(struct rw_feed_core *core, struct rw_entry out[RW_FEED_FAN_OUT],
                  uint32_t *count) {
    struct output output = {.entry = out};
    struct rw_line_out input;
    *count = 0;
    if (core->clearing) {
        clear_next_locate(core, &output);
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

const struct rw_book *rw_feed_book(const struct rw_feed_core *core) { return core->book; }
enum rw_channel_state rw_feed_state(const struct rw_feed_core *core) {
    return rw_line_state(core->lines);
}
