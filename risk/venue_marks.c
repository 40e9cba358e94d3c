#include "risk/venue_marks.h"

#include <string.h>

#include "dataplane/base/assert.h"
#include "risk/mark_core.h"

#define CHANNELS 65536u
/* A venue with one of these does not count. */
#define KEEPS_OUT (RW_QUALITY_STALE | RW_QUALITY_HALTED | RW_QUALITY_FEED_GAP)

struct row {
    struct rw_composite composite;
    uint64_t updated_ns[RW_VENUES_MAX]; /* event time of the venue's last tick */
    uint16_t quality[RW_VENUES_MAX];    /* of that tick, and STALE since a CLOCK */
    uint64_t last_ns;                   /* event time of the last trade at any venue */
    int32_t last_price;
    uint8_t known, out; /* venues that have quoted it; those whose quality keeps them out */
    uint8_t flagged;    /* those with any quality bit */
    uint8_t aged;       /* those stale by age at a CLOCK, without a tick since */
    uint8_t reserved[32];
};
static_assert(sizeof(struct row) == 320, "five lines");

struct rw_venue_marks {
    struct row *rows;
    uint8_t index[CHANNELS]; /* 1 + index of the venue, 0: none yet */
    uint8_t taken;           /* indices given to a channel */
    uint8_t out;             /* venues whose channel is not in sync or has ended */
    uint8_t ended, flagged;
    uint16_t quality[RW_VENUES_MAX]; /* of the channel */
};

static size_t rounded(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

size_t rw_venue_marks_footprint(const struct rw_image *image) {
    return rounded(sizeof(struct rw_venue_marks)) + image->instruments.count * sizeof(struct row);
}

struct rw_venue_marks *rw_venue_marks_new(void *memory, const struct rw_image *image) {
    RW_ASSERT(((uintptr_t)memory & 63) == 0);
    const struct rw_instrument_row *rows = rw_image_rows(image, &image->instruments);
    struct rw_venue_marks *marks = memory;
    marks->rows = (void *)((uint8_t *)memory + rounded(sizeof *marks));
    for (uint32_t i = 1; i < image->instruments.count; i++)
        marks->rows[i].composite.lot = rows[i].lot ? rows[i].lot : 1;
    return marks;
}

uint32_t rw_venue_marks_index(struct rw_venue_marks *marks, uint16_t channel) {
    if (marks->index[channel]) return marks->index[channel] - 1u;
    if (marks->taken == UINT8_MAX) return RW_VENUES_MAX;
    bool own = channel < RW_VENUES_MAX && !(marks->taken & 1u << channel);
    /* from the top, so that small numbers keep their own */
    uint32_t venue = own ? channel : 31u - (uint32_t)__builtin_clz(~marks->taken & UINT8_MAX);
    marks->taken |= (uint8_t)(1u << venue);
    marks->index[channel] = (uint8_t)(venue + 1);
    return venue;
}

static uint32_t counting(const struct rw_venue_marks *marks, const struct row *row) {
    return row->known & ~(uint32_t)(row->out | marks->out);
}

/* take_last keeps the latest trade of all venues. Another tick knows one too; it stands in until
 * there is a trade. */
static void take_last(struct row *row, const struct rw_tick_body *tick, uint64_t event_time_ns) {
    if (tick->last_price <= 0) return;
    bool trade = tick->kind == RW_TICK_TRADE;
    if (!trade && row->last_price > 0) return;
    if (trade && event_time_ns < row->last_ns) return;
    row->last_price = tick->last_price;
    if (trade) row->last_ns = event_time_ns;
}

static inline void set_bit(uint8_t *mask, uint32_t venue, bool on) {
    *mask = (uint8_t)((*mask & ~(1u << venue)) | (uint32_t)on << venue);
}

static inline void set_quality(struct row *row, uint32_t venue, uint16_t quality) {
    row->quality[venue] = quality;
    set_bit(&row->flagged, venue, quality);
    set_bit(&row->out, venue, quality & KEEPS_OUT);
}

bool rw_venue_marks_tick(struct rw_venue_marks *marks, uint32_t instrument, uint32_t venue,
                         const struct rw_tick_body *tick, uint64_t event_time_ns) {
    struct row *row = &marks->rows[instrument];
    const struct rw_quote quote = {tick->bid_price, tick->ask_price, tick->bid_quantity,
                                   tick->ask_quantity};
    row->known |= (uint8_t)(1u << venue);
    set_bit(&row->aged, venue, false);
    set_quality(row, venue, tick->quality & RW_QUALITY_CARRIED);
    if (event_time_ns > row->updated_ns[venue]) row->updated_ns[venue] = event_time_ns;
    take_last(row, tick, event_time_ns);
    rw_composite_quote(&row->composite, venue, &quote, counting(marks, row), event_time_ns);
    return row->known & (row->known - 1);
}

void rw_venue_marks_state(struct rw_venue_marks *marks, uint32_t venue, uint16_t quality) {
    marks->quality[venue] = quality & RW_QUALITY_CARRIED;
    set_bit(&marks->flagged, venue, quality & RW_QUALITY_CARRIED);
    set_bit(&marks->out, venue, (quality & KEEPS_OUT) || (marks->ended & 1u << venue));
}

void rw_venue_marks_end(struct rw_venue_marks *marks, uint32_t venue) {
    set_bit(&marks->ended, venue, true);
    set_bit(&marks->out, venue, true);
}

void rw_venue_marks_over(struct rw_venue_marks *marks, uint32_t instrument, uint32_t venue,
                         uint16_t over) {
    struct row *row = &marks->rows[instrument];
    if (row->aged & 1u << venue) over &= (uint16_t)~RW_QUALITY_STALE;
    if (row->quality[venue] & over) set_quality(row, venue, row->quality[venue] & (uint16_t)~over);
}

uint32_t rw_venue_marks_clock(struct rw_venue_marks *marks, uint32_t instrument,
                              uint64_t event_time_ns, uint64_t after_ns) {
    struct row *row = &marks->rows[instrument];
    uint32_t turned = 0;
    for (uint32_t left = row->known; left; left &= left - 1) {
        uint32_t venue = (uint32_t)__builtin_ctz(left);
        if (row->aged & 1u << venue) continue;
        if (!rw_mark_stale(event_time_ns, row->updated_ns[venue], after_ns)) continue;
        set_bit(&row->aged, venue, true);
        turned += !(row->quality[venue] & RW_QUALITY_STALE);
        set_quality(row, venue, row->quality[venue] | RW_QUALITY_STALE);
    }
    return turned;
}

bool rw_venue_marks_look(struct rw_venue_marks *marks, uint32_t instrument,
                         uint64_t event_time_ns) {
    struct row *row = &marks->rows[instrument];
    uint32_t in = counting(marks, row);
    if (in == row->composite.in) return false;
    rw_composite_count(&row->composite, in, event_time_ns);
    return true;
}

/* What some venues carry, or-ed. */
static uint16_t carried(const struct rw_venue_marks *marks, const struct row *row,
                        uint32_t venues) {
    uint32_t quality = 0;
    for (venues &= row->flagged | marks->flagged; venues; venues &= venues - 1) {
        uint32_t venue = (uint32_t)__builtin_ctz(venues);
        quality |= row->quality[venue] | marks->quality[venue];
    }
    return (uint16_t)quality;
}

struct rw_venue_mark rw_venue_marks_of(const struct rw_venue_marks *marks, uint32_t instrument,
                                       struct rw_venue_mark last, int32_t start_price) {
    const struct row *row = &marks->rows[instrument];
    const struct rw_composite *composite = &row->composite;
    struct rw_venue_mark mark = {.venues = composite->in,
                                 .across_since_ns = composite->across_since_ns};
    if (composite->in) {
        const struct rw_tick_body best = {.bid_price = composite->raw.bid_price,
                                          .ask_price = composite->raw.ask_price,
                                          .last_price = row->last_price};
        mark.price = rw_mark_price(&best, start_price);
        mark.quality = rw_mark_quality(&best) | carried(marks, row, composite->in);
    } else {
        mark.price = last.price;
        mark.quality = (last.quality & RW_QUALITY_DERIVED) | carried(marks, row, row->known);
    }
    if (composite->across_since_ns) mark.quality |= RW_QUALITY_ACROSS;
    if (composite->in != row->known) mark.quality |= RW_QUALITY_VENUE_OUT;
    return mark;
}

const struct rw_composite *rw_venue_marks_composite(const struct rw_venue_marks *marks,
                                                    uint32_t instrument) {
    return &marks->rows[instrument].composite;
}
