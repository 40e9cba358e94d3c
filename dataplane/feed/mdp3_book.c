/* One event is made ahead of the one handed out, so that each can say whether another follows. What
 * is to be done stands in the cursor: packet, message, entry, dirty instruments. */
#include "dataplane/feed/mdp3_book.h"

#include <stdio.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/feed/mdp3_state.h"
#include "dataplane/record/entry.h"

#define LINE                64u
#define INSTRUMENTS_DEFAULT 16384u
#define DEPTH               10u /* unless a definition says less */
#define IMPLIED_DEPTH       2u
#define RESTART_FROM        4096u
#define EVENT_ENDS          0x80u
#define TRADING             17u
#define NO_CHANGE           103u

static const struct rw_stat_row rows[] = RW_STATS_ROWS(RW_MDP3_VENUE_COUNTERS);
static const uint32_t row_count = sizeof rows / sizeof *rows;
_Static_assert(sizeof rows / sizeof *rows ==
                   sizeof(struct rw_mdp3_books_counters) / sizeof(rw_stat),
               "one cell for each row, in their order");

/* ---- memory --------------------------------------------------------------------------- */

static size_t line_up(size_t bytes) { return (bytes + LINE - 1) & ~(size_t)(LINE - 1); }

static uint32_t instruments_of(const struct rw_books_cfg *cfg) {
    return cfg->instruments_max ? cfg->instruments_max : INSTRUMENTS_DEFAULT;
}

static struct rw_mbp_cfg levels_cfg(const struct rw_books_cfg *cfg) {
    return (struct rw_mbp_cfg){
        .instruments_max = instruments_of(cfg), .depth = DEPTH, .implied_depth = IMPLIED_DEPTH};
}

static size_t footprint(const struct rw_books_cfg *cfg) {
    struct rw_mbp_cfg levels = levels_cfg(cfg);
    return line_up(sizeof(struct rw_mdp3_books)) + rw_mbp_footprint(&levels) +
           line_up(rw_book_footprint(&cfg->book)) +
           line_up(instruments_of(cfg) * sizeof(struct rw_mdp3_instrument)) +
           line_up(instruments_of(cfg) * sizeof(uint32_t)) +
           line_up(RW_MDP3_KEPT_PACKETS * sizeof(struct rw_mdp3_kept));
}

/* forget sets everything but the books to its beginning. */
static void forget(struct rw_mdp3_books *mdp3) {
    memset(mdp3->instruments, 0, instruments_of(&mdp3->cfg) * sizeof *mdp3->instruments);
    memset(mdp3->kept, 0, RW_MDP3_KEPT_PACKETS * sizeof *mdp3->kept);
    mdp3->known = mdp3->dirty_count = mdp3->dirty_next = mdp3->doubted = 0;
    mdp3->position = mdp3->kept_from = mdp3->lost_to = 0;
    mdp3->open_ns = mdp3->now_ns = 0;
    mdp3->whole_from_start = mdp3->broken = mdp3->flushing = mdp3->tell_whole = false;
    mdp3->tell = 0;
    mdp3->has_ahead = false;
    mdp3->phase = RW_MDP3_PHASE_NEXT;
}

static void *make(void *memory, const struct rw_books_cfg *cfg,
                  const struct rw_books_stats *stats) {
    struct rw_mbp_cfg levels = levels_cfg(cfg);
    struct rw_mdp3_books *mdp3 = memory;
    uint8_t *at = (uint8_t *)memory + line_up(sizeof *mdp3);
    RW_ASSERT(stats->own && instruments_of(cfg) < RW_BOOK_LOCATES);
    *mdp3 = (struct rw_mdp3_books){.cfg = *cfg, .counters = stats->own};
    mdp3->levels = rw_mbp_new(at, &levels, &mdp3->counters->levels);
    at += rw_mbp_footprint(&levels);
    mdp3->orders = rw_book_new(at, &cfg->book, stats->book);
    at += line_up(rw_book_footprint(&cfg->book));
    mdp3->instruments = (struct rw_mdp3_instrument *)at;
    at += line_up(instruments_of(cfg) * sizeof(struct rw_mdp3_instrument));
    mdp3->dirty = (uint32_t *)at;
    at += line_up(instruments_of(cfg) * sizeof(uint32_t));
    mdp3->kept = (struct rw_mdp3_kept *)at;
    forget(mdp3);
    return mdp3;
}

static void clear(void *books) {
    struct rw_mdp3_books *mdp3 = books;
    struct rw_mbp_cfg levels = levels_cfg(&mdp3->cfg);
    mdp3->levels = rw_mbp_new(mdp3->levels, &levels, &mdp3->counters->levels);
    rw_book_clear(mdp3->orders);
    forget(mdp3);
}

/* ---- instruments ---------------------------------------------------------------------- */

/* The security id as a symbol: decimal where that fits, else behind a # in base 36. */
static void name_by_id(struct rw_mdp3_instrument *instrument, int32_t security) {
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    char text[RW_BOOK_SYMBOL_BYTES + 1];
    uint32_t id = (uint32_t)security;
    memset(instrument->symbol, ' ', sizeof instrument->symbol);
    if (id <= 99999999) {
        int length = snprintf(text, sizeof text, "%u", id % 100000000u);
        memcpy(instrument->symbol, text, (size_t)length);
        return;
    }
    instrument->symbol[0] = '#';
    for (uint32_t i = sizeof instrument->symbol - 1; i > 0; i--, id /= 36)
        instrument->symbol[i] = (uint8_t)digits[id % 36];
}

void rw_mdp3_meet(struct rw_mdp3_books *mdp3) {
    for (; mdp3->known < rw_mbp_known(mdp3->levels); mdp3->known++) {
        struct rw_mdp3_instrument *instrument = &mdp3->instruments[mdp3->known];
        *instrument = (struct rw_mdp3_instrument){.orders.stale = !mdp3->whole_from_start};
        name_by_id(instrument, rw_mbp_security(mdp3->levels, mdp3->known));
    }
}

/* ---- what is told --------------------------------------------------------------------- */

/* One side of the BBO: the better of outright and implied. A price that does not fit is none. */
static void best_of(struct rw_mdp3_books *mdp3, uint32_t it, bool bid, int32_t *price,
                    uint32_t *quantity) {
    const enum rw_mbp_side sides[] = {bid ? RW_MBP_BID : RW_MBP_OFFER,
                                      bid ? RW_MBP_IMPLIED_BID : RW_MBP_IMPLIED_OFFER};
    struct rw_mdp3_instrument *instrument = &mdp3->instruments[it];
    int64_t best = 0;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < 2; i++) {
        const struct rw_mbp_level *level;
        if (rw_mbp_levels(mdp3->levels, it, sides[i], &level) == 0 || level->quantity <= 0)
            continue;
        bool better = sum == 0 || (bid ? level->price > best : level->price < best);
        if (!better && level->price != best) continue;
        if (better) sum = 0;
        best = level->price;
        sum += (uint32_t)level->quantity;
    }
    *price = 0;
    *quantity = 0;
    if (sum == 0) return;
    if (rw_mdp3_price(best, instrument->factor, price, &instrument->rounded))
        *quantity = sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
    else
        rw_stat_add(&mdp3->counters->own.price_range, 1);
}

static struct rw_book_bbo bbo_of(struct rw_mdp3_books *mdp3, uint32_t it) {
    struct rw_book_bbo bbo;
    best_of(mdp3, it, true, &bbo.bid_price, &bbo.bid_quantity);
    best_of(mdp3, it, false, &bbo.ask_price, &bbo.ask_quantity);
    bool no_levels = rw_mbp_number(mdp3->levels, it) == 0;
    if (no_levels && !mdp3->instruments[it].orders.stale)
        return *rw_book_bbo(mdp3->orders, rw_mdp3_locate(it));
    return bbo;
}

/* begin_event starts an event about an instrument, with the BBO told last. */
static struct rw_mdp3_instrument *begin_event(struct rw_mdp3_books *mdp3, uint32_t it,
                                              struct rw_book_event *event) {
    struct rw_mdp3_instrument *instrument = &mdp3->instruments[it];
    *event = (struct rw_book_event){.locate = rw_mdp3_locate(it),
                                    .event_time_ns = mdp3->now_ns,
                                    .before = instrument->told,
                                    .after = instrument->told};
    if (!instrument->named) event->changed |= RW_BOOK_NAMED;
    instrument->named = true;
    if (!rw_mdp3_is_sound(mdp3, it)) {
        instrument->flagged = true;
        event->quality |= RW_QUALITY_FEED_GAP;
    }
    if (instrument->rounded) event->quality |= RW_QUALITY_ROUNDED;
    return instrument;
}

/* tell_bbo makes the event of a BBO that differs from the one told, or that was told in doubt.
 * False when there is nothing to tell, as of an instrument that is not sound. */
static bool tell_bbo(struct rw_mdp3_books *mdp3, uint32_t it, struct rw_book_event *event) {
    struct rw_mdp3_instrument *instrument = &mdp3->instruments[it];
    if (!rw_mdp3_is_sound(mdp3, it)) return false;
    struct rw_book_bbo bbo = bbo_of(mdp3, it);
    bool same = memcmp(&bbo, &instrument->told, sizeof bbo) == 0;
    if (same && !instrument->flagged) return false;
    begin_event(mdp3, it, event);
    instrument->told = event->after = bbo;
    instrument->flagged = false;
    event->changed |= RW_BOOK_BBO;
    return true;
}

static bool flush_one(struct rw_mdp3_books *mdp3, struct rw_book_event *event) {
    while (mdp3->dirty_next < mdp3->dirty_count) {
        uint32_t it = mdp3->dirty[mdp3->dirty_next++];
        mdp3->instruments[it].dirty = false;
        if (tell_bbo(mdp3, it, event)) return true;
    }
    mdp3->dirty_next = mdp3->dirty_count = 0;
    mdp3->flushing = false;
    return false;
}

/* tell_status makes the event of a trading status; false when it says nothing. */
static bool tell_status(struct rw_mdp3_books *mdp3, uint32_t it, uint64_t status,
                        struct rw_book_event *event) {
    if (status == 0 || status == NO_CHANGE) return false;
    begin_event(mdp3, it, event);
    event->changed |= RW_BOOK_STATUS;
    event->state = (uint8_t)status;
    event->halts_told = RW_BOOK_HALT_TRADING;
    event->halts = status == TRADING ? 0 : RW_BOOK_HALT_TRADING;
    return true;
}

/* A changed trade is told as it is now, a deleted one as broken. */
static bool tell_trade(struct rw_mdp3_books *mdp3, uint32_t it, const uint8_t *entry,
                       uint32_t bytes, struct rw_book_event *event) {
    struct rw_mdp3_instrument *instrument = begin_event(mdp3, it, event);
    int64_t px = (int64_t)RW_MDP3_READ(trade_entry, md_entry_px_ex, entry, bytes);
    int64_t quantity = (int64_t)RW_MDP3_READ(trade_entry, md_entry_size_short, entry, bytes);
    int32_t price;
    event->match_number = RW_MDP3_READ(trade_entry, md_trade_entry_optional, entry, bytes);
    if (RW_MDP3_READ(trade_entry, md_update_action, entry, bytes) == 2) {
        event->changed |= RW_BOOK_BREAK;
        return true;
    }
    if (!rw_mdp3_price(px, instrument->factor, &price, &instrument->rounded)) {
        rw_stat_add(&mdp3->counters->own.price_range, 1);
    } else if (quantity > 0) {
        event->changed |= RW_BOOK_TRADE;
        event->printable = true;
        event->price = price;
        event->quantity = (uint64_t)quantity;
        event->side = RW_MDP3_READ(trade_entry, aggressor_side, entry, bytes) == 1 ? RW_BOOK_ASK
                                                                                   : RW_BOOK_BID;
    }
    if (instrument->rounded) event->quality |= RW_QUALITY_ROUNDED;
    return true;
}

/* ---- messages ------------------------------------------------------------------------- */

/* Copies a name of a definition; false when it is longer than eight characters. */
static bool take_name(struct rw_mdp3_instrument *instrument, const uint8_t *symbol) {
    size_t length = strnlen((const char *)symbol, 20);
    while (length && symbol[length - 1] == ' ') length--;
    if (length == 0 || length > sizeof instrument->symbol) return length == 0;
    if (length == strnlen((const char *)instrument->symbol, length) &&
        memcmp(instrument->symbol, symbol, length) == 0 &&
        (length == sizeof instrument->symbol || instrument->symbol[length] == ' '))
        return true;
    memset(instrument->symbol, ' ', sizeof instrument->symbol);
    memcpy(instrument->symbol, symbol, length);
    instrument->named = false;
    return true;
}

/* The depths that a definition gives for the outright (GBX) and the implied (GBI) book. */
static void take_depths(struct rw_mdp3_books *mdp3, uint32_t it) {
    const struct rw_mdp3_entries *feeds = &mdp3->message.group[1];
    const uint8_t *entry = feeds->at;
    uint32_t depth = 0, implied = 0;
    for (uint32_t i = 0; feeds->bytes >= 4 && i < feeds->count; i++, entry += feeds->bytes) {
        uint32_t told = (uint32_t)RW_MDP3_READ(feed_type, market_depth, entry, feeds->bytes);
        if (memcmp(entry, "GBX", 3) == 0) depth = told;
        if (memcmp(entry, "GBI", 3) == 0) implied = told;
    }
    rw_mbp_set_depth(mdp3->levels, it, depth, implied);
}

static bool take_definition(struct rw_mdp3_books *mdp3, struct rw_book_event *event) {
    const struct rw_mdp3_block *row = &rw_mdp3_blocks[RW_MDP3_BLOCK_future];
    const uint8_t *root = mdp3->message.root;
    uint32_t bytes = mdp3->message.root_bytes;
    if (bytes < row->field[RW_MDP3_future_display_factor].offset + 8u) return false;
    uint32_t it = rw_mdp3_find(mdp3, (int32_t)RW_MDP3_READ(future, security_id, root, bytes));
    if (it == RW_MBP_NONE) return false;
    struct rw_mdp3_instrument *instrument = &mdp3->instruments[it];
    if (!take_name(instrument, root + row->field[RW_MDP3_future_symbol].offset))
        rw_stat_add(&mdp3->counters->own.long_names, 1);
    memcpy(instrument->group, root + row->field[RW_MDP3_future_security_group].offset,
           sizeof instrument->group);
    memcpy(instrument->asset, root + row->field[RW_MDP3_future_asset].offset,
           sizeof instrument->asset);
    take_depths(mdp3, it);
    int64_t factor = (int64_t)RW_MDP3_READ(future, display_factor, root, bytes);
    if (factor > 0 && factor != instrument->factor) {
        instrument->factor = factor;
        rw_mdp3_touch(mdp3, it);
    }
    uint64_t status = RW_MDP3_READ(future, md_security_trading_status, root, bytes);
    if (tell_status(mdp3, it, status, event)) return true;
    if (instrument->named) return false;
    begin_event(mdp3, it, event);
    return true;
}

/* The status of one instrument, or of each of its group and asset, from mdp3->entry on. */
static bool take_status(struct rw_mdp3_books *mdp3, struct rw_book_event *event) {
    const struct rw_mdp3_block *row = &rw_mdp3_blocks[RW_MDP3_BLOCK_status];
    const uint8_t *root = mdp3->message.root;
    uint32_t bytes = mdp3->message.root_bytes;
    uint64_t security, status = RW_MDP3_READ(status, security_trading_status, root, bytes);
    if (bytes < row->bytes) return false;
    if (rw_mdp3_read(&row->field[RW_MDP3_status_security_id_optional], root, bytes, &security)) {
        uint32_t it = rw_mdp3_find(mdp3, (int32_t)security);
        return it != RW_MBP_NONE && mdp3->entry++ == 0 && tell_status(mdp3, it, status, event);
    }
    const uint8_t *group = root + row->field[RW_MDP3_status_security_group].offset;
    const uint8_t *asset = root + row->field[RW_MDP3_status_asset].offset;
    bool any_asset = asset[0] == 0 || asset[0] == ' ';
    while (mdp3->entry < mdp3->known) {
        uint32_t it = mdp3->entry++;
        const struct rw_mdp3_instrument *instrument = &mdp3->instruments[it];
        if (memcmp(instrument->group, group, sizeof instrument->group) != 0) continue;
        if (!any_asset && memcmp(instrument->asset, asset, sizeof instrument->asset) != 0) continue;
        if (tell_status(mdp3, it, status, event)) return true;
    }
    return false;
}

static bool is_increment(uint16_t template_id) {
    return template_id == 37 || (template_id >= 46 && template_id <= 48) || template_id == 51;
}

/* Where the time of a message stands: in front of most roots. */
static void note_time(struct rw_mdp3_books *mdp3) {
    uint64_t unix_ns = mdp3->packet.sending_time_ns;
    uint16_t template_id = mdp3->message.type->template_id;
    if (is_increment(template_id) || template_id == 4 || template_id == 30)
        unix_ns =
            RW_MDP3_READ(increment, transact_time, mdp3->message.root, mdp3->message.root_bytes);
    mdp3->now_ns = rw_venue_time(mdp3->cfg.midnight_ns, unix_ns, &mdp3->counters->own.other_day);
}

/* An event of another transaction has begun: what the last one left open is told first. */
static void open_event(struct rw_mdp3_books *mdp3) {
    uint64_t transaction =
        RW_MDP3_READ(increment, transact_time, mdp3->message.root, mdp3->message.root_bytes);
    if (mdp3->dirty_count && transaction != mdp3->open_ns) mdp3->flushing = true;
    mdp3->open_ns = transaction;
}

/* begin_message does what a message does at once; true when that made an event. */
static bool begin_message(struct rw_mdp3_books *mdp3, struct rw_book_event *event) {
    mdp3->entry = 0;
    mdp3->phase = RW_MDP3_PHASE_ENTRIES;
    note_time(mdp3);
    switch (mdp3->message.type->template_id) {
    case 4:
        rw_mdp3_reset(mdp3);
        return false;
    case 47:
        rw_mdp3_apply_orders(mdp3, &mdp3->message, RW_MBP_NONE);
        return false;
    case 52:
        rw_mdp3_join_levels(mdp3);
        if (!mdp3->tell) return false;
        return tell_status(mdp3, mdp3->tell - 1,
                           RW_MDP3_READ(snapshot, md_security_trading_status, mdp3->message.root,
                                        mdp3->message.root_bytes),
                           event);
    case 53:
        rw_mdp3_join_orders(mdp3);
        return false;
    case 54:
        return take_definition(mdp3, event);
    default:
        return false;
    }
}

/* take_entries goes on with the entries of the message; true when one made an event. */
static bool take_entries(struct rw_mdp3_books *mdp3, struct rw_book_event *event) {
    const struct rw_mdp3_message *message = &mdp3->message;
    const struct rw_mdp3_entries *entries = &message->group[0];
    uint16_t template_id = message->type->template_id;
    if (template_id == 30) return take_status(mdp3, event);
    if (template_id == 47 || !is_increment(template_id)) return false;
    while (mdp3->entry < entries->count) {
        const uint8_t *entry = entries->at + (size_t)mdp3->entry * entries->bytes;
        uint32_t it = rw_mdp3_levels_entry(mdp3->levels, message, mdp3->entry++, RW_MBP_NONE);
        if (it == RW_MBP_NONE) continue;
        rw_mdp3_meet(mdp3);
        if (template_id == 46) rw_mdp3_touch(mdp3, it);
        if (template_id == 48 && tell_trade(mdp3, it, entry, entries->bytes, event)) return true;
    }
    if (template_id == 46) rw_mdp3_apply_orders(mdp3, message, RW_MBP_NONE);
    return false;
}

static void end_message(struct rw_mdp3_books *mdp3) {
    uint16_t template_id = mdp3->message.type->template_id;
    bool ends = template_id == 4;
    if (is_increment(template_id))
        ends = RW_MDP3_READ(increment, match_event_indicator, mdp3->message.root,
                            mdp3->message.root_bytes) &
               EVENT_ENDS;
    if (ends) mdp3->flushing = true;
    mdp3->phase = RW_MDP3_PHASE_NEXT;
}

/* make_event works on until there is an event; false when the packet has no more. Each turn uses up
 * an instrument, an entry or a message. */
static bool make_event(struct rw_mdp3_books *mdp3, struct rw_book_event *event) {
    for (;;) {
        if (mdp3->tell) {
            uint32_t it = mdp3->tell - 1;
            mdp3->tell = 0;
            if (tell_bbo(mdp3, it, event)) return true;
        } else if (mdp3->flushing) {
            if (flush_one(mdp3, event)) return true;
        } else if (mdp3->tell_whole) {
            mdp3->tell_whole = mdp3->broken = false;
            *event =
                (struct rw_book_event){.changed = RW_BOOK_WHOLE, .event_time_ns = mdp3->now_ns};
            return true;
        } else if (mdp3->phase == RW_MDP3_PHASE_NEXT) {
            if (!rw_mdp3_next(&mdp3->packet, &mdp3->message, &mdp3->counters->decoder))
                return false;
            if (is_increment(mdp3->message.type->template_id)) open_event(mdp3);
            mdp3->phase = RW_MDP3_PHASE_BEGIN;
        } else if (mdp3->phase == RW_MDP3_PHASE_BEGIN) {
            if (begin_message(mdp3, event)) return true;
        } else if (mdp3->phase == RW_MDP3_PHASE_ENTRIES) {
            if (take_entries(mdp3, event)) return true;
            mdp3->phase = RW_MDP3_PHASE_END;
        } else {
            end_message(mdp3);
        }
    }
}

/* ---- the venue ------------------------------------------------------------------------ */

/* The template of a packet's first message; 0 when there is none. */
static uint16_t first_template(const uint8_t *payload, size_t bytes) {
    const size_t header = RW_MDP3_PACKET_HEADER_BYTES;
    if (bytes < header + RW_MDP3_MESSAGE_HEADER_BYTES) return 0;
    return rw_load_le16(payload + header + 4);
}

/* Whether a packet belongs to a loop: snapshots, or definitions that say how many there are. */
static bool is_of_loop(const uint8_t *payload, size_t bytes) {
    const struct rw_field *reports =
        &rw_mdp3_blocks[RW_MDP3_BLOCK_future].field[RW_MDP3_future_tot_num_reports_optional];
    const size_t root = RW_MDP3_PACKET_HEADER_BYTES + RW_MDP3_MESSAGE_HEADER_BYTES;
    uint16_t template_id = first_template(payload, bytes);
    uint64_t value;
    if (template_id == 52 || template_id == 53) return true;
    return template_id == 54 && bytes > root &&
           rw_mdp3_read(reports, payload + root, (uint32_t)(bytes - root), &value);
}

static enum rw_packet_fault open(const void *payload, size_t bytes, struct rw_packet *packet) {
    if (bytes < RW_MDP3_PACKET_HEADER_BYTES) return RW_PACKET_BAD_HEADER;
    uint32_t sequence = rw_load_le32(payload);
    *packet = (struct rw_packet){.kind = RW_PACKET_DATA,
                                 .place = is_of_loop(payload, bytes) ? RW_PLACE_ASIDE
                                          : sequence == 0            ? RW_PLACE_UNSEQUENCED
                                                                     : RW_PLACE_SEQUENCED,
                                 .blocks = {.at = payload,
                                            .end = (const uint8_t *)payload + bytes,
                                            .sequence = sequence,
                                            .left = 1,
                                            .step = 1,
                                            .prefix = RW_PREFIX_NONE}};
    return RW_PACKET_FINE;
}

static void more(void *books, struct rw_book_event *event) {
    struct rw_mdp3_books *mdp3 = books;
    *event = mdp3->ahead;
    if (!mdp3->has_ahead) event->event_time_ns = mdp3->now_ns;
    mdp3->has_ahead = mdp3->has_ahead && make_event(mdp3, &mdp3->ahead);
    if (mdp3->has_ahead) event->changed |= RW_BOOK_MORE;
}

static enum rw_venue_verdict apply(void *books, const uint8_t *message, uint32_t bytes,
                                   struct rw_book_event *event) {
    struct rw_mdp3_books *mdp3 = books;
    *event = (struct rw_book_event){0};
    if (!rw_mdp3_open(&mdp3->packet, message, bytes, RW_MDP3_UDP, &mdp3->counters->decoder))
        return RW_VENUE_BAD_LENGTH;
    if (!is_of_loop(message, bytes)) rw_mdp3_keep(mdp3, message, bytes);
    mdp3->phase = RW_MDP3_PHASE_NEXT;
    mdp3->ahead = (struct rw_book_event){0};
    mdp3->has_ahead = make_event(mdp3, &mdp3->ahead);
    more(mdp3, event);
    return RW_VENUE_OK;
}

static const struct rw_book_bbo *bbo(const void *books, uint16_t locate) {
    static const struct rw_book_bbo none;
    const struct rw_mdp3_books *mdp3 = books;
    return locate >= 1 && locate <= mdp3->known ? &mdp3->instruments[locate - 1].told : &none;
}

static const uint8_t *symbol(const void *books, uint16_t locate) {
    static const uint8_t none[RW_BOOK_SYMBOL_BYTES];
    const struct rw_mdp3_books *mdp3 = books;
    return locate >= 1 && locate <= mdp3->known ? mdp3->instruments[locate - 1].symbol : none;
}

/* Outright levels, else those of the orders. A price that does not fit is shown as 0, and so is a
 * number of orders that is not told. */
static uint32_t levels(const void *books, uint16_t locate, enum rw_book_side side,
                       struct rw_book_level *to, uint32_t max) {
    const struct rw_mdp3_books *mdp3 = books;
    const struct rw_mbp_level *from;
    uint32_t it = locate - 1u;
    if (locate < 1 || locate > mdp3->known) return 0;
    if (rw_mbp_number(mdp3->levels, it) == 0)
        return rw_book_levels(mdp3->orders, locate, side, to, max);
    uint32_t count =
        rw_mbp_levels(mdp3->levels, it, side == RW_BOOK_BID ? RW_MBP_BID : RW_MBP_OFFER, &from);
    if (count > max) count = max;
    for (uint32_t i = 0; i < count; i++) {
        bool rounded = false;
        to[i] = (struct rw_book_level){.quantity =
                                           from[i].quantity > 0 ? (uint64_t)from[i].quantity : 0,
                                       .orders = from[i].orders > 0 ? (uint32_t)from[i].orders : 0};
        rw_mdp3_price(from[i].price, mdp3->instruments[it].factor, &to[i].price, &rounded);
    }
    return count;
}

static void gap(void *books, uint64_t next) { rw_mdp3_doubt(books, (uint32_t)next); }

const struct rw_venue rw_mdp3_venue = {.name = "mdp3",
                                       .open = open,
                                       .restart_from = RESTART_FROM,
                                       .session_is_stream = true,
                                       .own_rows = rows,
                                       .own_row_count = &row_count,
                                       .footprint = footprint,
                                       .make = make,
                                       .clear = clear,
                                       .apply = apply,
                                       .more = more,
                                       .gap = gap,
                                       .bbo = bbo,
                                       .symbol = symbol,
                                       .levels = levels};
