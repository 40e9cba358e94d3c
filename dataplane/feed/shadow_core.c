#include "dataplane/feed/shadow_core.h"

#include <string.h>

#include "dataplane/base/assert.h"

/* A place in the venue's stream; zero is before everything. */
struct position {
    uint64_t sequence;
    uint64_t index;
};

struct bbo {
    int32_t bid_price, ask_price;
    uint32_t bid_quantity, ask_quantity;
};

/* What is known of one instrument: the own book as of the point that log and feed have both
 * passed, and the BBO as it stands in the log. */
struct row {
    struct rw_entry own;    /* the tick that changed the own BBO last */
    struct position own_at; /* of the last own tick, whether it changed the BBO or not */
    struct bbo logged;
    uint16_t logged_quality;
    uint16_t doubts; /* logged ticks that differ, with no own tick at their position; saturating */
    bool own_seen, logged_seen;
    uint8_t unlogged; /* own BBO changes since a logged tick agreed, saturating */
    uint8_t reserved;
};

/* A ring of ticks for one thread; indices run freely. */
struct ticks {
    struct rw_entry *entry;
    uint32_t mask, head, tail;
};

enum phase { FOLLOWING, LEADING, LIVE };

struct rw_shadow {
    struct rw_shadow_cfg cfg;
    struct rw_shadow_counters *counters;
    enum phase phase;
    bool own_ended;
    bool unsettled_told; /* the log knows that its BBOs are the former leader's */
    bool state_told;     /* the channel state was compared at take-over */
    uint32_t scan;       /* next instrument to look at for a difference */
    struct position own_at, newest, cursor;
    struct position passed; /* the own feed has nothing more up to here */
    struct position ahead; /* own ticks up to here went into the table before the log passed them */
    uint64_t own_gap,
        logged_gap;     /* first venue sequence that is not to be trusted, or UINT64_MAX */
    uint64_t own_whole; /* a snapshot made up for what was missing up to here; 0: none did */
    uint16_t own_quality, logged_quality; /* of the whole channel */
    struct ticks t, q, l;
    struct row *rows;
};

static uint32_t ticks_count(const struct ticks *ring) { return ring->head - ring->tail; }
static struct rw_entry *ticks_front(const struct ticks *ring) {
    return &ring->entry[ring->tail & ring->mask];
}
static void ticks_push(struct ticks *ring, const struct rw_entry *tick) {
    RW_ASSERT(ticks_count(ring) <= ring->mask);
    ring->entry[ring->head++ & ring->mask] = *tick;
}

static struct rw_tick_body body_of(const struct rw_entry *tick) {
    struct rw_tick_body body;
    memcpy(&body, tick->body, sizeof body);
    return body;
}
static struct position position_of(const struct rw_entry *tick) {
    struct rw_tick_body body = body_of(tick);
    return (struct position){body.venue_sequence, body.index};
}
static bool is_before(struct position a, struct position b) {
    return a.sequence < b.sequence || (a.sequence == b.sequence && a.index < b.index);
}
static bool is_at(struct position a, struct position b) {
    return a.sequence == b.sequence && a.index == b.index;
}
static bool is_trade_or_status(const struct rw_entry *tick) {
    uint8_t kind = body_of(tick).kind;
    return kind == RW_TICK_TRADE || kind == RW_TICK_STATUS || kind == RW_TICK_BREAK;
}
static struct bbo bbo_of(const struct rw_entry *tick) {
    struct rw_tick_body body = body_of(tick);
    return (struct bbo){body.bid_price, body.ask_price, body.bid_quantity, body.ask_quantity};
}
static bool bbo_equal(struct bbo a, struct bbo b) { return memcmp(&a, &b, sizeof a) == 0; }

/* has_gap is true for a channel state in which messages were lost; is_broken where they may still
 * be made up for, so that the books are not told meanwhile. */
static bool has_gap(uint16_t quality) { return quality & RW_QUALITY_FEED_GAP; }
static bool is_broken(const struct rw_shadow *shadow) {
    return has_gap(shadow->own_quality) && shadow->own_quality & RW_QUALITY_STALE &&
           !shadow->own_ended;
}

static struct row *row_of(const struct rw_shadow *shadow, const struct rw_entry *tick) {
    RW_ASSERT(tick->instrument != RW_INSTRUMENT_NONE);
    RW_ASSERT(tick->instrument < shadow->cfg.instruments);
    return &shadow->rows[tick->instrument];
}

static size_t rounded(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

size_t rw_shadow_footprint(const struct rw_shadow_cfg *cfg) {
    size_t slots = 2 * (size_t)cfg->own_depth + cfg->log_depth;
    return rounded(sizeof(struct rw_shadow)) + slots * sizeof(struct rw_entry) +
           rounded(cfg->instruments * sizeof(struct row));
}

struct rw_shadow *rw_shadow_new(void *memory, const struct rw_shadow_cfg *cfg,
                                struct rw_shadow_counters *counters) {
    RW_ASSERT(cfg->own_depth >= 2 && (cfg->own_depth & (cfg->own_depth - 1)) == 0);
    RW_ASSERT(cfg->log_depth >= 2 && (cfg->log_depth & (cfg->log_depth - 1)) == 0);
    RW_ASSERT(cfg->instruments >= 1 && ((uintptr_t)memory & 63) == 0);
    memset(memory, 0, rw_shadow_footprint(cfg));
    struct rw_shadow *shadow = memory;
    struct rw_entry *slots = (void *)((uint8_t *)memory + rounded(sizeof *shadow));
    *shadow = (struct rw_shadow){.cfg = *cfg,
                                 .counters = counters,
                                 .scan = 1,
                                 .own_gap = UINT64_MAX,
                                 .logged_gap = UINT64_MAX};
    /* T and Q share one limit; each is as deep as both, so what moves from Q to T always fits. */
    shadow->t = (struct ticks){.entry = slots, .mask = cfg->own_depth - 1};
    shadow->q = (struct ticks){.entry = slots + cfg->own_depth, .mask = cfg->own_depth - 1};
    shadow->l =
        (struct ticks){.entry = slots + 2 * (size_t)cfg->own_depth, .mask = cfg->log_depth - 1};
    shadow->rows = (void *)(slots + 2 * (size_t)cfg->own_depth + cfg->log_depth);
    return shadow;
}

static uint32_t own_held(const struct rw_shadow *shadow) {
    return ticks_count(&shadow->t) + ticks_count(&shadow->q);
}

bool rw_shadow_room(const struct rw_shadow *shadow) {
    return !shadow->cfg.can_wait || own_held(shadow) < shadow->cfg.own_depth;
}

/* settle_doubts decides about logged ticks that had no own tick at their position: `next` is the
 * next own tick of the instrument; if it is a BBO tick, it says whether states before it were
 * replaced. */
static void settle_doubts(struct rw_shadow *shadow, struct row *row, const struct rw_entry *next) {
    struct rw_tick_body body = body_of(next);
    if (row->doubts == 0 || body.kind != RW_TICK_BBO) return;
    rw_stat *counter = &shadow->counters->input_mismatch;
    if (body.replaced > 0) counter = &shadow->counters->skipped_conflated;
    if (body.venue_sequence >= shadow->own_gap) counter = &shadow->counters->skipped_gap;
    rw_stat_add(counter, row->doubts);
    row->doubts = 0;
}

/* own_bbo returns the own BBO of an instrument; false when it is not known. Behind a snapshot one
 * of which nothing was told is empty. */
static bool own_bbo(const struct rw_shadow *shadow, const struct row *row, struct bbo *bbo) {
    *bbo = row->own_seen ? bbo_of(&row->own) : (struct bbo){0};
    return row->own_seen || shadow->own_whole > 0;
}

/* apply puts an own tick into the table of own books. */
static void apply(struct rw_shadow *shadow, const struct rw_entry *tick) {
    struct row *row = row_of(shadow, tick);
    settle_doubts(shadow, row, tick);
    row->own_at = position_of(tick);
    if (row->own_seen && bbo_equal(bbo_of(&row->own), bbo_of(tick))) return;
    row->own = *tick;
    row->own_seen = true;
    if (row->unlogged < UINT8_MAX) row->unlogged++;
}

/* keep_trade remembers an own trade or status that the log does not have. */
static void keep_trade(struct rw_shadow *shadow, const struct rw_entry *tick) {
    if (is_trade_or_status(tick) && is_before(shadow->cursor, position_of(tick)))
        ticks_push(&shadow->t, tick);
}

/* pass_queue moves own ticks up to and including `to` from Q into the table and, where the log
 * lacks them, into T. */
static void pass_queue(struct rw_shadow *shadow, struct position to) {
    while (ticks_count(&shadow->q) > 0) {
        struct rw_entry *tick = ticks_front(&shadow->q);
        if (is_before(to, position_of(tick))) return;
        apply(shadow, tick);
        shadow->q.tail++;
        keep_trade(shadow, tick);
    }
}

/* compare checks a logged tick against the own books, which stand exactly at its position. */
static void compare(struct rw_shadow *shadow, const struct rw_entry *logged) {
    struct rw_shadow_counters *counters = shadow->counters;
    struct rw_tick_body body = body_of(logged);
    struct position at = {body.venue_sequence, body.index};
    struct row *row = row_of(shadow, logged);
    struct bbo own;
    bool known = own_bbo(shadow, row, &own);
    if (body.quality & RW_QUALITY_TAKEOVER) {
        rw_stat_add(&counters->skipped_takeover, 1);
    } else if (at.sequence >= shadow->own_gap || at.sequence <= shadow->own_whole ||
               at.sequence >= shadow->logged_gap || has_gap(body.quality) ||
               is_before(shadow->passed, at)) {
        /* the last: the own feed has ended short of it */
        rw_stat_add(&counters->skipped_gap, 1);
    } else if (!is_before(shadow->ahead, at)) {
        rw_stat_add(&counters->skipped_overflow, 1);
    } else if (known && bbo_equal(own, bbo_of(logged))) {
        rw_stat_add(&counters->compared, 1);
        row->unlogged = 0;
    } else if (is_at(row->own_at, at)) {
        rw_stat_add(&counters->input_mismatch, 1);
    } else if (row->doubts < UINT16_MAX) {
        row->doubts++;
    }
}

/* compare_until compares the logged ticks in L up to `to`; inclusive or not. */
static void compare_until(struct rw_shadow *shadow, struct position to, bool inclusive) {
    while (ticks_count(&shadow->l) > 0) {
        struct rw_entry *logged = ticks_front(&shadow->l);
        struct position at = position_of(logged);
        if (!is_before(at, to) && !(inclusive && is_at(at, to))) return;
        compare(shadow, logged);
        shadow->l.tail++;
    }
}

/* make_room lets the oldest own ticks go where the port cannot wait: BBO states into the table
 * before the log has passed them, trades for good. */
static void make_room(struct rw_shadow *shadow) {
    while (own_held(shadow) >= shadow->cfg.own_depth) {
        if (ticks_count(&shadow->q) > 0 && !is_trade_or_status(ticks_front(&shadow->q))) {
            shadow->ahead = position_of(ticks_front(&shadow->q));
            pass_queue(shadow, shadow->ahead);
        } else if (ticks_count(&shadow->t) > 0) {
            rw_stat_add(&shadow->counters->trades_dropped, 1);
            shadow->t.tail++;
        } else {
            /* Q is all trades: the first becomes the only one of T, and goes in the next round */
            shadow->ahead = position_of(ticks_front(&shadow->q));
            pass_queue(shadow, shadow->ahead);
        }
    }
}

/* own_channel_state: a gap begins at its position, and ends behind it. What the log says of between
 * is let go, since the own books never stood there. */
static void own_channel_state(struct rw_shadow *shadow, const struct rw_entry *tick) {
    struct rw_tick_body body = body_of(tick);
    bool had = has_gap(shadow->own_quality);
    shadow->own_quality = body.quality;
    if (has_gap(body.quality) && !had) {
        compare_until(shadow, (struct position){body.venue_sequence, 0}, false);
        shadow->own_gap = body.venue_sequence;
    } else if (!has_gap(body.quality) && had) {
        struct position to = {body.venue_sequence, UINT64_MAX};
        shadow->own_gap = UINT64_MAX;
        shadow->own_whole = body.venue_sequence;
        if (is_before(shadow->passed, to)) shadow->passed = to;
        compare_until(shadow, to, true);
    }
}

void rw_shadow_own(struct rw_shadow *shadow, const struct rw_entry *tick) {
    RW_ASSERT(shadow->phase != LIVE && !shadow->own_ended);
    RW_ASSERT(tick->type == RW_ENTRY_TICK);
    rw_stat_add(&shadow->counters->own_ticks, 1);
    if (body_of(tick).kind == RW_TICK_CHANNEL) {
        own_channel_state(shadow, tick);
        return;
    }
    struct position at = position_of(tick);
    RW_ASSERT(is_before(shadow->own_at, at));
    RW_ASSERT(rw_shadow_room(shadow));
    make_room(shadow);
    shadow->own_at = at;
    if (is_before(shadow->passed, at)) shadow->passed = at;
    compare_until(shadow, at, false);
    if (is_before(shadow->newest, at)) {
        ticks_push(&shadow->q, tick);
        return;
    }
    apply(shadow, tick);
    keep_trade(shadow, tick);
    compare_until(shadow, at, true);
}

void rw_shadow_own_end(struct rw_shadow *shadow) {
    if (shadow->phase == LIVE) return;
    compare_until(shadow, (struct position){UINT64_MAX, UINT64_MAX}, true);
    shadow->own_ended = true;
}

static void logged_channel_state(struct rw_shadow *shadow, const struct rw_entry *tick) {
    struct rw_tick_body body = body_of(tick);
    shadow->logged_quality = body.quality;
    shadow->logged_gap = has_gap(body.quality) ? body.venue_sequence : UINT64_MAX;
}

/* advance_cursor forgets own trades that are logged now, or that the leader passed. */
static void advance_cursor(struct rw_shadow *shadow, struct position to) {
    if (!is_before(shadow->cursor, to)) return;
    shadow->cursor = to;
    while (ticks_count(&shadow->t) > 0) {
        struct position at = position_of(ticks_front(&shadow->t));
        if (is_before(to, at)) return;
        if (!is_at(to, at)) rw_stat_add(&shadow->counters->trades_only_here, 1);
        shadow->t.tail++;
    }
}

void rw_shadow_logged(struct rw_shadow *shadow, const struct rw_entry *tick) {
    RW_ASSERT(shadow->phase == FOLLOWING && tick->type == RW_ENTRY_TICK);
    rw_stat_add(&shadow->counters->logged_ticks, 1);
    if (body_of(tick).kind == RW_TICK_CHANNEL) {
        logged_channel_state(shadow, tick);
        return;
    }
    struct position at = position_of(tick);
    struct row *row = row_of(shadow, tick);
    bool in_order = is_before(shadow->newest, at);
    bool own_passed = shadow->own_ended || !is_before(shadow->passed, at);
    if (in_order) {
        shadow->newest = at;
        pass_queue(shadow, at);
    }
    if (is_trade_or_status(tick)) advance_cursor(shadow, at);
    row->logged = bbo_of(tick);
    row->logged_quality = body_of(tick).quality;
    row->logged_seen = true;
    if (!in_order) {
        rw_stat_add(&shadow->counters->skipped_takeover, 1);
    } else if (own_passed) {
        compare(shadow, tick);
    } else {
        if (ticks_count(&shadow->l) == shadow->cfg.log_depth) {
            rw_stat_add(&shadow->counters->skipped_overflow, 1);
            shadow->l.tail++;
        }
        ticks_push(&shadow->l, tick);
    }
}

bool rw_shadow_is_behind(const struct rw_shadow *shadow) {
    return !shadow->own_ended && is_before(shadow->passed, shadow->newest);
}

void rw_shadow_lead(struct rw_shadow *shadow) {
    RW_ASSERT(shadow->phase == FOLLOWING);
    shadow->phase = LEADING;
}

/* with_logged_bbo makes a trade or status of before `newest` harmless: it keeps the BBO that the
 * log has. */
static void with_logged_bbo(const struct row *row, struct rw_entry *tick) {
    const uint16_t of_bbo =
        RW_QUALITY_CROSSED | RW_QUALITY_LOCKED | RW_QUALITY_ONE_SIDED | RW_QUALITY_NO_MARK;
    struct rw_tick_body body = body_of(tick);
    body.bid_price = row->logged.bid_price;
    body.ask_price = row->logged.ask_price;
    body.bid_quantity = row->logged.bid_quantity;
    body.ask_quantity = row->logged.ask_quantity;
    uint16_t logged = row->logged_seen ? row->logged_quality : RW_QUALITY_ONE_SIDED;
    body.quality = (uint16_t)((body.quality & ~of_bbo) | (logged & of_bbo) | RW_QUALITY_TAKEOVER);
    memcpy(tick->body, &body, sizeof body);
}

static void channel_tick(const struct rw_shadow *shadow, uint16_t quality, struct rw_entry *tick) {
    const struct rw_tick_body body = {.channel = shadow->cfg.channel,
                                      .kind = RW_TICK_CHANNEL,
                                      .quality = quality,
                                      .venue_sequence = quality & RW_QUALITY_FEED_GAP
                                                            ? shadow->own_gap
                                                            : shadow->own_at.sequence};
    *tick = (struct rw_entry){.type = RW_ENTRY_TICK, .slots = 1, .version = RW_ENTRY_VERSION};
    memcpy(tick->body, &body, sizeof body);
}

/* emptied makes the tick of an instrument that has no BBO, behind a snapshot. */
static void emptied(const struct rw_shadow *shadow, uint32_t instrument, struct rw_entry *tick) {
    const struct rw_tick_body body = {.channel = shadow->cfg.channel,
                                      .kind = RW_TICK_BBO,
                                      .quality = RW_QUALITY_ONE_SIDED,
                                      .venue_sequence = shadow->own_whole};
    *tick = (struct rw_entry){
        .type = RW_ENTRY_TICK, .slots = 1, .version = RW_ENTRY_VERSION, .instrument = instrument};
    memcpy(tick->body, &body, sizeof body);
}

/* own_tick makes the tick that says the own BBO of an instrument, and how many states it stands
 * for. */
static void own_tick(const struct row *row, struct rw_entry *tick) {
    struct rw_tick_body body = body_of(&row->own);
    uint8_t replaced = row->unlogged > 1 ? (uint8_t)(row->unlogged - 1) : 0;
    body.replaced =
        body.replaced > UINT8_MAX - replaced ? UINT8_MAX : (uint8_t)(body.replaced + replaced);
    if (body.replaced > 0) body.quality |= RW_QUALITY_CONFLATED;
    body.kind = RW_TICK_BBO;
    *tick = row->own;
    memcpy(tick->body, &body, sizeof body);
}

/* next_difference finds the next instrument whose own book is not what the log says, or whose last
 * tick in the log is still flagged. An own feed that ended broken or before newest has no better
 * books to offer: none. */
static bool next_difference(struct rw_shadow *shadow, struct rw_entry *tick) {
    const uint16_t flags = RW_QUALITY_TAKEOVER | RW_QUALITY_STALE | RW_QUALITY_FEED_GAP;
    bool broken = has_gap(shadow->own_quality) && shadow->own_quality & RW_QUALITY_STALE;
    if (broken || is_before(shadow->passed, shadow->newest)) return false;
    while (shadow->scan < shadow->cfg.instruments) {
        uint32_t instrument = shadow->scan++;
        struct row *row = &shadow->rows[instrument];
        struct bbo own;
        if (!own_bbo(shadow, row, &own) || (!row->own_seen && !row->logged_seen)) continue;
        bool flagged = row->logged_quality & flags;
        if (row->logged_seen && !flagged && bbo_equal(own, row->logged)) continue;
        if (row->own_seen)
            own_tick(row, tick);
        else
            emptied(shadow, instrument, tick);
        rw_stat_add(&shadow->counters->takeover_bbo, 1);
        return true;
    }
    return false;
}

/* next_of_settled is the second half of the take-over: the own feed has passed newest. */
static bool next_of_settled(struct rw_shadow *shadow, uint64_t until, struct rw_entry *tick) {
    if (!shadow->state_told) {
        shadow->state_told = true;
        if (shadow->newest.sequence <=
            shadow->own_whole) /* joined over it: older books are no use */
            pass_queue(shadow, (struct position){shadow->own_whole, UINT64_MAX});
        if (shadow->own_quality != shadow->logged_quality) {
            channel_tick(shadow, shadow->own_quality, tick);
            return true;
        }
    }
    if (next_difference(shadow, tick)) return true;
    if (ticks_count(&shadow->q) > 0) {
        if (ticks_front(&shadow->q)->sequence > until) return false;
        *tick = *ticks_front(&shadow->q);
        shadow->q.tail++;
        if (is_trade_or_status(tick)) rw_stat_add(&shadow->counters->takeover_trades, 1);
        return true;
    }
    shadow->phase = LIVE;
    return false;
}

/* is_settled is true when the own books may be told: the feed has passed newest and is whole. */
static bool is_settled(const struct rw_shadow *shadow) {
    return !is_broken(shadow) && !rw_shadow_is_behind(shadow);
}

bool rw_shadow_next(struct rw_shadow *shadow, uint64_t until, struct rw_entry *tick) {
    if (shadow->phase != LEADING) return false;
    bool broken = is_broken(shadow), settled = is_settled(shadow);
    if (!settled && !shadow->unsettled_told) {
        shadow->unsettled_told = true;
        shadow->logged_quality |= RW_QUALITY_TAKEOVER;
        channel_tick(shadow, shadow->logged_quality, tick);
        return true;
    }
    if (broken)
        pass_queue(shadow, shadow->own_at);
    else if (settled && !shadow->cfg.can_wait)
        pass_queue(shadow, (struct position){UINT64_MAX, UINT64_MAX});
    if (ticks_count(&shadow->t) > 0) {
        *tick = *ticks_front(&shadow->t);
        shadow->t.tail++;
        shadow->cursor = position_of(tick);
        struct row *row = row_of(shadow, tick);
        with_logged_bbo(row, tick);
        row->logged_quality |= RW_QUALITY_TAKEOVER;
        rw_stat_add(&shadow->counters->takeover_trades, 1);
        return true;
    }
    return settled && next_of_settled(shadow, until, tick);
}

uint64_t rw_shadow_stamp(const struct rw_shadow *shadow) {
    bool settled = shadow->phase == LEADING && is_settled(shadow) && shadow->state_told &&
                   shadow->scan >= shadow->cfg.instruments;
    if (!settled || ticks_count(&shadow->t) > 0 || ticks_count(&shadow->q) == 0) return 0;
    return ticks_front(&shadow->q)->sequence;
}

bool rw_shadow_is_live(const struct rw_shadow *shadow) { return shadow->phase == LIVE; }
