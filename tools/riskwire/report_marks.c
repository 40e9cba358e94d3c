#include "tools/riskwire/report_marks.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/err.h"

#define VENUES 8u

/* What one venue last said of one instrument. */
struct word {
    struct rw_tick_body tick;
    uint64_t time_ns; /* highest event time of its ticks */
    bool said, stale;
};

struct instrument {
    struct word word[VENUES];
    uint32_t newest; /* venue of the last tick */
    bool stale;      /* while one venue alone quotes it */
    uint64_t time_ns, trade_ns;
    int32_t last_price;
    struct rw_report_mark mark;
};

struct rw_report_marks {
    const struct rw_image *image;
    struct {
        uint32_t channel;
        uint16_t quality;
        bool used, ended;
    } venue[VENUES];
    uint16_t first_quality[65536]; /* by channel, for instruments without a tick */
    struct instrument instrument[];
};

static const struct rw_instrument_row *row_of(const struct rw_report_marks *marks, uint32_t i) {
    const struct rw_instrument_row *rows = rw_image_rows(marks->image, &marks->image->instruments);
    return &rows[i];
}

static void look(struct rw_report_marks *marks, uint32_t i, uint64_t time_ns);

struct rw_report_marks *rw_report_marks_new(const struct rw_image *image) {
    uint32_t count = image->instruments.count;
    struct rw_report_marks *marks = calloc(1, sizeof *marks + count * sizeof(struct instrument));
    if (!marks) {
        rw_err_set(ENOMEM, "no memory for the quotes of %u instruments", count);
        return NULL;
    }
    marks->image = image;
    for (uint32_t i = 1; i < count; i++) look(marks, i, 0);
    return marks;
}

void rw_report_marks_free(struct rw_report_marks *marks) { free(marks); }

const struct rw_report_mark *rw_report_marks_of(const struct rw_report_marks *marks,
                                                uint32_t instrument) {
    return &marks->instrument[instrument].mark;
}

/* The venue of a channel; a new one gets its own number when it is free and small enough, else the
 * highest that is. VENUES: there is none. */
static uint32_t venue_of(struct rw_report_marks *marks, uint32_t channel) {
    uint32_t found = VENUES;
    for (uint32_t v = 0; v < VENUES; v++) {
        if (marks->venue[v].used && marks->venue[v].channel == channel) return v;
        if (!marks->venue[v].used && found != channel) found = v;
    }
    if (found < VENUES) {
        marks->venue[found].used = true;
        marks->venue[found].channel = channel;
    }
    return found;
}

static bool counts(const struct rw_report_marks *marks, const struct word *word, uint32_t v) {
    const uint16_t bad = RW_QUALITY_STALE | RW_QUALITY_HALTED | RW_QUALITY_FEED_GAP;
    if (!word->said || word->stale || marks->venue[v].ended) return false;
    return !((word->tick.quality | marks->venue[v].quality) & bad);
}

static uint32_t said_by(const struct instrument *instrument) {
    uint32_t venues = 0;
    for (uint32_t v = 0; v < VENUES; v++) venues += instrument->word[v].said;
    return venues;
}

/* Mid of a market that is not crossed, else the last trade, else the start price. */
static int32_t price_of(int32_t bid, int32_t ask, int32_t last, int32_t start) {
    int64_t sum = (int64_t)bid + ask;
    if (bid > 0 && ask >= bid) /* an odd half goes up to the even price */
        return (int32_t)(sum % 4 == 3 ? sum / 2 + 1 : sum / 2);
    return last > 0 ? last : start;
}

static uint16_t quality_of(int32_t bid, int32_t ask, int32_t last) {
    uint32_t quality = 0;
    if (bid == 0 || ask == 0) quality |= RW_QUALITY_ONE_SIDED;
    if (bid && ask && bid > ask) quality |= RW_QUALITY_CROSSED;
    if (bid && ask && bid == ask) quality |= RW_QUALITY_LOCKED;
    if (quality & (RW_QUALITY_ONE_SIDED | RW_QUALITY_CROSSED) && last == 0)
        quality |= RW_QUALITY_NO_MARK;
    return (uint16_t)quality;
}

#define CARRIED                                                                          \
    (RW_QUALITY_STALE | RW_QUALITY_HALTED | RW_QUALITY_FEED_GAP | RW_QUALITY_CONFLATED | \
     RW_QUALITY_TAKEOVER | RW_QUALITY_ROUNDED)

static void look_at_one(struct rw_report_marks *marks, uint32_t i) {
    struct instrument *instrument = &marks->instrument[i];
    const struct rw_tick_body *tick = &instrument->word[instrument->newest].tick;
    bool ticked = said_by(instrument) > 0;
    uint32_t channel = ticked ? tick->channel : row_of(marks, i)->channel;
    uint32_t quality = quality_of(tick->bid_price, tick->ask_price, tick->last_price);
    quality |= (tick->quality & CARRIED) | marks->first_quality[channel];
    if (instrument->stale) quality |= RW_QUALITY_STALE;
    instrument->mark =
        (struct rw_report_mark){.price = price_of(tick->bid_price, tick->ask_price,
                                                  tick->last_price, row_of(marks, i)->start_price),
                                .quality = (uint16_t)quality};
}

static void look_at_several(struct rw_report_marks *marks, uint32_t i, uint64_t time_ns) {
    struct instrument *instrument = &marks->instrument[i];
    struct rw_report_mark before = instrument->mark, *mark = &instrument->mark;
    int32_t bid = 0, ask = 0;
    uint32_t bidders = 0, askers = 0, carried = 0, reasons = 0;
    *mark = (struct rw_report_mark){.price = before.price};
    for (uint32_t v = 0; v < VENUES; v++) {
        const struct word *word = &instrument->word[v];
        uint32_t quality = (word->tick.quality | marks->venue[v].quality) & CARRIED;
        if (word->said) reasons |= quality | (word->stale ? RW_QUALITY_STALE : 0);
        if (!counts(marks, word, v)) continue;
        mark->venues |= (uint8_t)(1u << v);
        carried |= quality;
        if (word->tick.bid_price > bid) bid = word->tick.bid_price;
        if (word->tick.ask_price && (ask == 0 || word->tick.ask_price < ask))
            ask = word->tick.ask_price;
    }
    for (uint32_t v = 0; v < VENUES; v++) {
        if (!(mark->venues & 1u << v)) continue;
        bidders |= (uint32_t)(bid && instrument->word[v].tick.bid_price == bid) << v;
        askers |= (uint32_t)(ask && instrument->word[v].tick.ask_price == ask) << v;
    }
    if (mark->venues) {
        mark->price = price_of(bid, ask, instrument->last_price, row_of(marks, i)->start_price);
        mark->quality = quality_of(bid, ask, instrument->last_price) | (uint16_t)carried;
    } else {
        const uint16_t of_prices =
            RW_QUALITY_ONE_SIDED | RW_QUALITY_CROSSED | RW_QUALITY_LOCKED | RW_QUALITY_NO_MARK;
        mark->quality = (uint16_t)((before.quality & of_prices) | reasons);
    }
    if (bid && ask && bid >= ask && !(bidders & askers)) {
        mark->across_since_ns = before.across_since_ns ? before.across_since_ns : time_ns;
        mark->quality |= RW_QUALITY_ACROSS;
    }
    if ((uint32_t)__builtin_popcount(mark->venues) < said_by(instrument))
        mark->quality |= RW_QUALITY_VENUE_OUT;
}

static void look(struct rw_report_marks *marks, uint32_t i, uint64_t time_ns) {
    if (said_by(&marks->instrument[i]) > 1)
        look_at_several(marks, i, time_ns);
    else
        look_at_one(marks, i);
}

static void look_at_all(struct rw_report_marks *marks, uint64_t time_ns) {
    for (uint32_t i = 1; i < marks->image->instruments.count; i++) look(marks, i, time_ns);
}

static void take_trade(struct instrument *instrument, const struct rw_tick_body *tick,
                       uint64_t time_ns) {
    bool trade = tick->kind == RW_TICK_TRADE;
    if (tick->last_price == 0) return;
    if (trade ? time_ns < instrument->trade_ns : instrument->last_price != 0) return;
    instrument->last_price = tick->last_price;
    if (trade) instrument->trade_ns = time_ns;
}

static void take_tick(struct rw_report_marks *marks, const struct rw_entry *entry) {
    struct rw_tick_body tick;
    memcpy(&tick, entry->body, sizeof tick);
    uint32_t venue, i = entry->instrument;
    if (tick.kind == RW_TICK_CHANNEL) {
        venue = venue_of(marks, tick.channel);
        if (venue == VENUES) return;
        marks->venue[venue].quality = marks->first_quality[tick.channel] = tick.quality & CARRIED;
        for (i = 1; i < marks->image->instruments.count; i++) /* a gap may be over for all */
            marks->instrument[i].word[venue].tick.quality &=
                (uint16_t)(tick.quality | ~(RW_QUALITY_FEED_GAP | RW_QUALITY_STALE));
        look_at_all(marks, entry->event_time_ns);
        return;
    }
    if (i == RW_INSTRUMENT_NONE || i >= marks->image->instruments.count ||
        (tick.bid_price | tick.ask_price | tick.last_price) < 0 ||
        (venue = venue_of(marks, tick.channel)) == VENUES)
        return;
    struct instrument *instrument = &marks->instrument[i];
    struct word *word = &instrument->word[venue];
    uint64_t time_ns = entry->event_time_ns;
    word->tick = tick;
    word->said = true;
    word->stale = instrument->stale = false;
    if (time_ns > word->time_ns) word->time_ns = time_ns;
    if (time_ns > instrument->time_ns) instrument->time_ns = time_ns;
    instrument->newest = venue;
    take_trade(instrument, &tick, time_ns);
    look(marks, i, time_ns);
}

static bool too_old(uint64_t now_ns, uint64_t time_ns, uint64_t after_ns) {
    return after_ns && now_ns > time_ns && now_ns - time_ns > after_ns;
}

static void take_clock(struct rw_report_marks *marks, uint64_t now_ns) {
    for (uint32_t i = 1; i < marks->image->instruments.count; i++) {
        struct instrument *instrument = &marks->instrument[i];
        uint64_t after_ns = row_of(marks, i)->stale_after_ns;
        if (too_old(now_ns, instrument->time_ns, after_ns)) instrument->stale = true;
        for (uint32_t v = 0; v < VENUES; v++)
            if (too_old(now_ns, instrument->word[v].time_ns, after_ns))
                instrument->word[v].stale = instrument->word[v].said;
    }
    look_at_all(marks, now_ns);
}

static void take_end(struct rw_report_marks *marks, const struct rw_entry *entry) {
    struct rw_end_body body;
    memcpy(&body, entry->body, sizeof body);
    if (body.source_kind != RW_END_CHANNEL) return;
    uint32_t venue = venue_of(marks, body.source);
    if (venue == VENUES) return;
    marks->venue[venue].ended = true;
    look_at_all(marks, entry->event_time_ns);
}

void rw_report_marks_take(struct rw_report_marks *marks, const struct rw_entry *entry) {
    if (entry->type == RW_ENTRY_TICK) take_tick(marks, entry);
    if (entry->type == RW_ENTRY_CLOCK) take_clock(marks, entry->event_time_ns);
    if (entry->type == RW_ENTRY_END) take_end(marks, entry);
}
