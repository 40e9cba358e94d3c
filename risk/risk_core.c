/* One risk shard: a cursor over the rows (portfolios) that one entry touches.
 *
 *   begin ─► walk: HOLDERS (tick) · SCAN then DIRTY (clock, channel) · ALL (session open) · FOLD (a
 *            fill corrected)
 *   next  ─► a message of the present row, else the next row, else the open addend, else DONE
 *
 * A row is settled when it is reached, so no list of changes is kept: totals move by the tick's
 * price change times the holder's units, and the limits follow. */
#include "risk/risk_core.h"

#include <string.h>

#include "dataplane/base/assert.h"
#include "risk/exec_set.h"
#include "risk/fill_ledger.h"
#include "risk/holder_index.h"
#include "risk/limit_core.h"
#include "risk/mark_core.h"
#include "risk/order_core.h"
#include "risk/position_core.h"
#include "risk/var_core.h"
#include "risk/venue_marks.h"

#define CHANNELS       65536u
#define WORK_PER_STEP  512u /* rows or instruments looked at in one call without a message */
#define PREFETCH_AHEAD 4u
/* Portfolios refreshed in one call without a message; each moves its dirty positions. */
#define REFRESHES_PER_STEP 4u

/* Order of a row's messages is the order of the bits: the order of the records' kinds. */
enum pending {
    PENDING_PORTFOLIO = 1u,
    PENDING_POSITION = 2u,
    PENDING_LIMITS = 4u,      /* << measure − 1 */
    PENDING_VAR_LIMITS = 32u, /* VaR; ES is the next */
    PENDING_DRAWDOWN = 128u,
    PENDING_OPEN = 256u,
    PENDING_ORDER = 512u,
    PENDING_RISK = 4u << 16,
};

enum walk { WALK_NONE, WALK_HOLDERS, WALK_SCAN, WALK_DIRTY, WALK_ALL, WALK_REFRESH, WALK_FOLD };

struct totals {
    int64_t realised, unrealised, gross, net;
};

struct instrument {
    uint64_t updated_ns; /* event time of the last tick */
    uint64_t stale_after_ns;
    struct rw_holder_list holders;
    int32_t mark, start_price, multiplier;
    uint16_t channel;
    uint16_t own;     /* quality of the instrument alone */
    uint16_t quality; /* own | channel's: what its holders' counts contain */
    bool aged;        /* stale by its age at a CLOCK, and no tick since */
    bool several;     /* venues quote it: mark and quality are those of venue_marks */
    uint8_t reserved[13];
};
static_assert(sizeof(struct instrument) == 64, "one line");
static_assert(PENDING_VAR_LIMITS == PENDING_LIMITS << (RW_MEASURE_VAR - 1) &&
                  PENDING_DRAWDOWN == PENDING_LIMITS << (RW_MEASURE_DRAWDOWN - 1) &&
                  PENDING_OPEN == PENDING_LIMITS << (RW_MEASURE_OPEN - 1) && RW_MEASURE_COUNT <= 17,
              "the bits of measures");

struct portfolio {
    struct totals totals;
    int64_t units; /* Σ |quantity · multiplier| */
    uint32_t desk;
    uint32_t pairs_left; /* new positions there is room for */
    uint16_t quality, published_quality;
    uint8_t published; /* something of it was published */
    bool watched;      /* there is a limit on its drawdown, its open orders or the value of one */
    bool has_orders;   /* some were open */
    uint8_t reserved[9];
};
static_assert(sizeof(struct portfolio) == 64, "one line");

/* What a scan did to a portfolio, for DIRTY to settle. */
struct shift {
    struct totals totals;
    bool var_due;
};

struct position_cell {
    struct rw_position position;
    uint32_t instrument, portfolio;
    struct rw_ledger_list fills;
    uint32_t opening; /* its row in the image + 1; 0: flat at the start of day */
    uint32_t reserved;
};
static_assert(sizeof(struct position_cell) == 64, "one line");

struct quality_counts {
    uint32_t count[16]; /* holdings (quantity ≠ 0) whose instrument has the bit */
};

/* What the rows so far changed in their desk; the portfolios of a desk are neighbours. */
struct desk_change {
    struct totals totals;
    int32_t quality_count[RW_RISK_QUALITY_COUNTS];
    uint32_t desk; /* 0 = nothing open */
};

struct cursor {
    uint64_t sequence, event_time_ns;
    bool busy;
    bool bars_due;    /* bars come before anything else */
    bool clock;       /* SCAN: event time counts */
    uint16_t channel; /* SCAN of a CHANNEL: which, and what its ticks need not say any more */
    uint16_t over;
    uint32_t venue;        /* of that channel */
    uint8_t session_event; /* a SESSION record is due */
    enum walk walk;
    uint32_t conflated;
    uint32_t at, end;     /* of the walk: holders in the pool, instruments, or portfolios */
    int64_t price_change; /* HOLDERS */
    int64_t var_step;     /* HOLDERS: what the change can cost a unit, 0 without returns */
    uint16_t quality_gone, quality_come;
    /* the present row */
    uint32_t pending;
    uint32_t row; /* portfolio, index within the shard */
    uint32_t limits_changed;
    const struct position_cell *position;
    uint32_t order_told; /* the limit's bit when the entry is an order that has to be told */
    bool open_moved;     /* what is open of the entry's portfolio has changed */
    struct totals change;
    struct rw_var_result var; /* of the last refresh */
    struct desk_change desk;
    struct rw_ledger_fold fold; /* FOLD */
    uint32_t records;           /* emitted for this entry: counted once, at its end */
};

struct rw_risk {
    struct cursor at;
    struct rw_risk_counters *counters;
    struct instrument *instruments;
    struct portfolio *portfolios; /* of the shard */
    struct rw_limits *limits;
    struct rw_drawdown *drawdowns;       /* by portfolio */
    struct rw_open_limit *opens;         /* by portfolio: money of open orders, and its limit */
    struct rw_order_limit *order_limits; /* by portfolio */
    struct rw_open *open;                /* by position: quantities of open orders */
    struct rw_orders orders;
    struct quality_counts *quality;
    struct position_cell *positions;
    uint64_t *dirty; /* bit per portfolio of the shard */
    uint16_t *channel_quality;
    struct rw_venue_marks *venues; /* NULL: one channel */
    struct shift *shifts;          /* by portfolio; NULL likewise */
    struct rw_holder_index holders;
    struct rw_exec_set executions;
    struct rw_ledger ledger; /* fills of the shard's positions */
    const struct rw_image *image;
    struct rw_var *var;   /* NULL: the image has no scenarios */
    struct rw_bars *bars; /* NULL: none are made, or not by this shard */
    struct rw_bar_counters *bar_counters;
    struct rw_risk_range range;
    uint32_t shard, instrument_count, portfolio_count, last_portfolio;
    uint32_t positions_used, positions_size;
};

/* ── Memory ──────────────────────────────────────────────────────────────────────────────────── */

struct layout {
    size_t instruments, portfolios, limits, drawdowns, opens, order_limits, open, orders, quality,
        positions, dirty, channels, venues, shifts, holders, executions, ledger, var, bars;
    size_t bytes;
    struct rw_var_cfg var_cfg;
    struct rw_bar_cfg bar_cfg;
    struct rw_risk_range range;
    uint32_t
        pairs_each; /* new pairs per portfolio: a share of the whole, so not a matter of shards */
    uint32_t positions_size, holders_size, fills_max, orders_max;
};

static size_t place(struct layout *layout, uint64_t count, size_t bytes_each) {
    size_t at = layout->bytes;
    layout->bytes += (count * bytes_each + 63) & ~(size_t)63;
    return at;
}

static struct layout layout_of(const struct rw_risk_cfg *cfg) {
    const struct rw_image *image = cfg->image;
    struct layout layout = {.bytes = (sizeof(struct rw_risk) + 63) & ~(size_t)63};
    layout.range = rw_risk_shard_range(image, cfg->shard, cfg->shards);
    layout.fills_max = cfg->fills_max ? cfg->fills_max : RW_RISK_FILLS_DEFAULT;
    layout.orders_max = layout.fills_max < RW_ORDERS_MAX ? layout.fills_max : RW_ORDERS_MAX;
    uint32_t pairs_max = cfg->positions_max ? cfg->positions_max : RW_RISK_POSITIONS_DEFAULT;
    uint32_t portfolios_all = image->portfolios.count > 1 ? image->portfolios.count - 1 : 1;
    layout.pairs_each = (pairs_max + portfolios_all - 1) / portfolios_all;
    if (layout.pairs_each > image->instruments.count) layout.pairs_each = image->instruments.count;

    const struct rw_position_row *rows = rw_image_rows(image, &image->positions);
    uint32_t initial = 0, portfolios = layout.range.end - layout.range.first;
    for (uint32_t i = 0; i < image->positions.count; i++)
        initial += rows[i].portfolio >= layout.range.first && rows[i].portfolio < layout.range.end;
    uint64_t added = (uint64_t)portfolios * layout.pairs_each;
    RW_ASSERT(initial + added <= UINT32_MAX / 16);
    layout.positions_size = initial + (uint32_t)added;
    layout.holders_size = rw_holder_pool_size(initial, (uint32_t)added);

    layout.instruments = place(&layout, image->instruments.count, sizeof(struct instrument));
    layout.portfolios = place(&layout, portfolios, sizeof(struct portfolio));
    layout.limits = place(&layout, portfolios, sizeof(struct rw_limits));
    layout.drawdowns = place(&layout, portfolios, sizeof(struct rw_drawdown));
    layout.opens = place(&layout, portfolios, sizeof(struct rw_open_limit));
    layout.order_limits = place(&layout, portfolios, sizeof(struct rw_order_limit));
    layout.open = place(&layout, layout.positions_size, sizeof(struct rw_open));
    layout.orders = place(&layout, 1, rw_orders_footprint(layout.orders_max));
    layout.quality = place(&layout, portfolios, sizeof(struct quality_counts));
    layout.positions = place(&layout, layout.positions_size, sizeof(struct position_cell));
    layout.dirty = place(&layout, portfolios / 64 + 1, sizeof(uint64_t));
    layout.channels = place(&layout, CHANNELS, sizeof(uint16_t));
    layout.venues = place(&layout, cfg->channels != 1, rw_venue_marks_footprint(image));
    layout.shifts = place(&layout, cfg->channels != 1 ? portfolios : 0, sizeof(struct shift));
    layout.holders = place(&layout, layout.holders_size, sizeof(struct rw_holder));
    layout.executions = place(&layout, 1, rw_exec_set_footprint(layout.fills_max));
    layout.ledger = place(&layout, 1, rw_ledger_footprint(layout.fills_max));
    layout.var_cfg = (struct rw_var_cfg){.image = image,
                                         .first = layout.range.first,
                                         .portfolios = portfolios,
                                         .positions = layout.positions_size,
                                         .counters = cfg->var_counters};
    layout.var = place(&layout, 1, rw_var_footprint(&layout.var_cfg));
    layout.bar_cfg = cfg->bars;
    layout.bar_cfg.instruments = image->instruments.count;
    bool bars = cfg->shard == 0 && cfg->bars.lengths > 0;
    layout.bars = place(&layout, 1, bars ? rw_bars_footprint(&layout.bar_cfg) : 0);
    return layout;
}

size_t rw_risk_footprint(const struct rw_risk_cfg *cfg) { return layout_of(cfg).bytes; }

static void load_instruments(struct rw_risk *risk, const struct rw_image *image) {
    const struct rw_instrument_row *rows = rw_image_rows(image, &image->instruments);
    risk->instrument_count = image->instruments.count;
    for (uint32_t i = 1; i < risk->instrument_count; i++) {
        uint16_t quality = RW_QUALITY_NO_MARK | RW_QUALITY_ONE_SIDED;
        risk->instruments[i] = (struct instrument){.stale_after_ns = rows[i].stale_after_ns,
                                                   .mark = rows[i].start_price,
                                                   .start_price = rows[i].start_price,
                                                   .multiplier = rows[i].multiplier,
                                                   .channel = rows[i].channel,
                                                   .own = quality,
                                                   .quality = quality};
    }
}

static void load_portfolios(struct rw_risk *risk, const struct rw_image *image,
                            uint32_t pairs_each) {
    const struct rw_portfolio_row *rows = rw_image_rows(image, &image->portfolios);
    risk->portfolio_count = risk->range.end - risk->range.first;
    for (uint32_t p = 0; p < risk->portfolio_count; p++) {
        const struct rw_portfolio_row *row = &rows[risk->range.first + p];
        risk->portfolios[p] = (struct portfolio){.desk = row->desk, .pairs_left = pairs_each};
        rw_limits_init(&risk->limits[p], image, RW_SCOPE_PORTFOLIO, risk->range.first + p,
                       row->limit_first, row->limit_count);
        rw_drawdown_init(&risk->drawdowns[p], image, RW_SCOPE_PORTFOLIO, risk->range.first + p,
                         row->limit_first, row->limit_count);
        rw_open_limit_init(&risk->opens[p], image, risk->range.first + p, row->limit_first,
                           row->limit_count);
        rw_order_limit_init(&risk->order_limits[p], image, risk->range.first + p, row->limit_first,
                            row->limit_count);
        risk->portfolios[p].watched =
            risk->drawdowns[p].limited || risk->opens[p].limited || risk->order_limits[p].limited;
    }
}

static void adjust_quality(struct rw_risk *risk, uint32_t p, uint16_t gone, uint16_t come);

static void load_position(struct rw_risk *risk, const struct rw_position_row *row,
                          uint32_t opening) {
    struct instrument *instrument = &risk->instruments[row->instrument];
    struct rw_holder_list *list = &instrument->holders;
    if (list->count == 0) list->first = risk->holders.used;
    list->count++;
    list->room++;

    uint32_t p = row->portfolio - risk->range.first, at = risk->positions_used++;
    struct position_cell *cell = &risk->positions[at];
    cell->instrument = row->instrument;
    cell->portfolio = row->portfolio;
    cell->opening = opening;
    cell->position = rw_position_open(row->quantity, row->average_price, instrument->multiplier);
    int64_t units = row->quantity * instrument->multiplier;
    risk->holders.pool[risk->holders.used++] = (struct rw_holder){units, row->portfolio, at};

    struct portfolio *portfolio = &risk->portfolios[p];
    portfolio->units += rw_magnitude(units);
    portfolio->totals.net += units * instrument->mark;
    portfolio->totals.gross += rw_magnitude(units) * instrument->mark;
    portfolio->totals.unrealised += units * instrument->mark - cell->position.cost;
    if (units != 0) adjust_quality(risk, p, 0, instrument->quality);
    if (risk->var) rw_var_fill(risk->var, p, at, row->instrument, 0, units, instrument->mark);
}

struct rw_risk *rw_risk_new(void *memory, const struct rw_risk_cfg *cfg) {
    RW_ASSERT(((uintptr_t)memory & 63) == 0 && cfg->counters && cfg->shard < cfg->shards);
    RW_ASSERT(cfg->var_counters || !cfg->image->scenarios);
    struct layout layout = layout_of(cfg);
    uint8_t *base = memory;
    struct rw_risk *risk = memory;
    *risk = (struct rw_risk){
        .counters = cfg->counters,
        .image = cfg->image,
        .instruments = (void *)(base + layout.instruments),
        .portfolios = (void *)(base + layout.portfolios),
        .limits = (void *)(base + layout.limits),
        .drawdowns = (void *)(base + layout.drawdowns),
        .opens = (void *)(base + layout.opens),
        .order_limits = (void *)(base + layout.order_limits),
        .open = (void *)(base + layout.open),
        .quality = (void *)(base + layout.quality),
        .positions = (void *)(base + layout.positions),
        .dirty = (void *)(base + layout.dirty),
        .channel_quality = (void *)(base + layout.channels),
        .holders = {(void *)(base + layout.holders), 0, layout.holders_size},
        .range = layout.range,
        .shard = cfg->shard,
        .last_portfolio = cfg->image->portfolios.count - 1,
        .positions_size = layout.positions_size,
    };
    if (cfg->channels != 1) {
        risk->venues = rw_venue_marks_new(base + layout.venues, cfg->image);
        risk->shifts = (void *)(base + layout.shifts);
    }
    rw_exec_set_new(&risk->executions, base + layout.executions, layout.fills_max);
    rw_orders_new(&risk->orders, base + layout.orders, layout.orders_max);
    rw_ledger_new(&risk->ledger, base + layout.ledger, layout.fills_max);
    load_instruments(risk, cfg->image);
    load_portfolios(risk, cfg->image, layout.pairs_each);
    if (cfg->image->scenarios) risk->var = rw_var_new(base + layout.var, &layout.var_cfg);
    if (cfg->shard == 0 && cfg->bars.lengths > 0) {
        RW_ASSERT(cfg->bars.counters);
        risk->bars = rw_bars_new(base + layout.bars, &layout.bar_cfg);
        risk->bar_counters = cfg->bars.counters;
    }
    const struct rw_position_row *rows = rw_image_rows(cfg->image, &cfg->image->positions);
    for (uint32_t i = 0; i < cfg->image->positions.count; i++)
        if (rows[i].portfolio >= risk->range.first && rows[i].portfolio < risk->range.end)
            load_position(risk, &rows[i], i + 1);
    return risk;
}

/* ── Rows ────────────────────────────────────────────────────────────────────────────────────── */

static inline void add(struct totals *totals, const struct totals *change) {
    totals->realised += change->realised;
    totals->unrealised += change->unrealised;
    totals->gross += change->gross;
    totals->net += change->net;
}

/* A holding's instrument lost some quality bits and got others. */
static void adjust_quality(struct rw_risk *risk, uint32_t p, uint16_t gone, uint16_t come) {
    uint32_t *count = risk->quality[p].count;
    uint32_t word = risk->portfolios[p].quality;
    for (uint32_t bits = gone; bits; bits &= bits - 1) {
        uint32_t bit = (uint32_t)__builtin_ctz(bits);
        RW_ASSERT(count[bit] > 0);
        if (--count[bit] == 0) word &= ~(1u << bit);
    }
    for (uint32_t bits = come; bits; bits &= bits - 1) {
        uint32_t bit = (uint32_t)__builtin_ctz(bits);
        count[bit]++;
        word |= 1u << bit;
    }
    risk->portfolios[p].quality = (uint16_t)word;
}

/* The limits that few portfolios have, each in a table of its own; the bits that changed. */
static uint32_t step_watched(struct rw_risk *risk, uint32_t p) {
    const struct totals *totals = &risk->portfolios[p].totals;
    uint32_t changed = 0;
    if (risk->drawdowns[p].limited &&
        rw_drawdown_step(&risk->drawdowns[p], totals->realised + totals->unrealised))
        changed |= PENDING_DRAWDOWN / PENDING_LIMITS;
    if (risk->opens[p].limited && rw_open_step(&risk->opens[p], totals->net))
        changed |= PENDING_OPEN / PENDING_LIMITS;
    return changed;
}

/* Settles a row whose totals moved by *change: limits, and what has to be said. A portfolio that
 * never published anything publishes its totals in full. */
static inline uint32_t settle(struct rw_risk *risk, uint32_t p, const struct totals *change) {
    struct portfolio *portfolio = &risk->portfolios[p];
    struct cursor *at = &risk->at;
    const struct totals *totals = &portfolio->totals;
    at->limits_changed = rw_limits_update(&risk->limits[p], totals->gross, totals->net,
                                          totals->realised + totals->unrealised);
    if (portfolio->watched) at->limits_changed |= step_watched(risk, p);
    at->limits_changed |= at->order_told;
    at->row = p;
    at->change = portfolio->published ? *change : *totals;
    bool moved =
        (at->change.realised | at->change.unrealised | at->change.gross | at->change.net) != 0;
    bool changed = moved || at->open_moved || at->limits_changed != 0 ||
                   portfolio->quality != portfolio->published_quality;
    return (changed ? PENDING_PORTFOLIO : 0) | at->limits_changed * PENDING_LIMITS;
}

/* Brings a portfolio's VaR and ES up to date; returns what has to be said of them. */
static uint32_t refresh(struct rw_risk *risk, uint32_t p, bool forced) {
    struct cursor *at = &risk->at;
    uint32_t position;
    while (rw_var_next_dirty(risk->var, p, &position)) {
        const struct position_cell *cell = &risk->positions[position];
        const struct instrument *instrument = &risk->instruments[cell->instrument];
        int64_t units = cell->position.quantity * instrument->multiplier;
        rw_var_follow(risk->var, p, position, cell->instrument, units, instrument->mark);
    }
    rw_var_settle(risk->var, p, forced, &at->var);
    at->row = p;
    uint32_t limits = (at->var.changed & 3u) * PENDING_VAR_LIMITS;
    return limits | (at->var.changed ? PENDING_RISK : 0);
}

/* What a change of the mark does to a holder's totals. */
static inline struct totals totals_change(const struct rw_holder *holder, int64_t price_change) {
    int64_t net = holder->units * price_change;
    return (struct totals){0, net, rw_magnitude(holder->units) * price_change, net};
}

/* The next holder of the tick's instrument whose portfolio has something to say. */
static enum rw_risk_step walk_holders(struct rw_risk *risk) {
    struct cursor *at = &risk->at;
    for (uint32_t work = 0; at->at < at->end; work++) {
        if (work == WORK_PER_STEP) return RW_RISK_WORKING;
        const struct rw_holder *holder = &risk->holders.pool[at->at++];
        if (at->at + PREFETCH_AHEAD < at->end) {
            uint32_t ahead = holder[PREFETCH_AHEAD].portfolio - risk->range.first;
            __builtin_prefetch(&risk->portfolios[ahead], 1);
            __builtin_prefetch(&risk->limits[ahead], 1);
        }
        if (holder->units == 0) continue;
        uint32_t p = holder->portfolio - risk->range.first;
        struct totals change = totals_change(holder, at->price_change);
        add(&risk->portfolios[p].totals, &change);
        if (at->quality_gone | at->quality_come)
            adjust_quality(risk, p, at->quality_gone, at->quality_come);
        at->pending = settle(risk, p, &change);
        if (at->var_step > 0 &&
            rw_var_touch(risk->var, p, holder->position, holder->units, at->var_step))
            at->pending |= refresh(risk, p, true);
        if (at->pending) return RW_RISK_MESSAGE;
    }
    return RW_RISK_DONE;
}

/* What the venues of an instrument say now. */
static struct rw_venue_mark venue_mark(const struct rw_risk *risk, uint32_t index) {
    const struct instrument *instrument = &risk->instruments[index];
    const struct rw_venue_mark last = {.price = instrument->mark, .quality = instrument->own};
    return rw_venue_marks_of(risk->venues, index, last, instrument->start_price);
}

/* Gives an instrument a new mark and quality; holders turn dirty. Returns how much work it was. */
static uint32_t revalue(struct rw_risk *risk, uint32_t index, int32_t mark, uint16_t quality) {
    struct instrument *instrument = &risk->instruments[index];
    uint16_t gone = instrument->quality & (uint16_t)~quality;
    uint16_t come = quality & (uint16_t)~instrument->quality;
    int64_t price_change = (int64_t)mark - instrument->mark;
    if (!(gone | come) && price_change == 0) return 0;
    int64_t step = risk->var ? rw_var_step(risk->var, index, price_change) : 0;
    instrument->quality = quality;
    instrument->mark = mark;
    const struct rw_holder *holders = &risk->holders.pool[instrument->holders.first];
    for (uint32_t i = 0; i < instrument->holders.count; i++) {
        if (holders[i].units == 0) continue;
        uint32_t p = holders[i].portfolio - risk->range.first;
        adjust_quality(risk, p, gone, come);
        risk->dirty[p / 64] |= 1ull << p % 64;
        if (price_change == 0) continue;
        struct totals change = totals_change(&holders[i], price_change);
        add(&risk->portfolios[p].totals, &change);
        add(&risk->shifts[p].totals, &change);
        if (step > 0 && rw_var_touch(risk->var, p, holders[i].position, holders[i].units, step))
            risk->shifts[p].var_due = true;
    }
    return instrument->holders.count;
}

/* look_at_age: staleness is a matter of CLOCK entries alone, so how often it is looked at stands in
 * the log. */
static void look_at_age(struct rw_risk *risk, uint32_t index) {
    struct instrument *instrument = &risk->instruments[index];
    const struct cursor *at = &risk->at;
    if (risk->venues)
        rw_stat_add(&risk->counters->quotes_stale,
                    rw_venue_marks_clock(risk->venues, index, at->event_time_ns,
                                         instrument->stale_after_ns));
    if (instrument->aged ||
        !rw_mark_stale(at->event_time_ns, instrument->updated_ns, instrument->stale_after_ns))
        return;
    instrument->aged = true;
    if (instrument->several || instrument->own & RW_QUALITY_STALE) return;
    instrument->own |= RW_QUALITY_STALE;
    rw_stat_add(&risk->counters->went_stale, 1);
}

/* Brings an instrument up to date with its own bits, its channels' and its venues'. */
static uint32_t look_at(struct rw_risk *risk, uint32_t index) {
    struct instrument *instrument = &risk->instruments[index];
    if (risk->venues) rw_venue_marks_look(risk->venues, index, risk->at.event_time_ns);
    if (!instrument->several)
        return revalue(risk, index, instrument->mark,
                       instrument->own | risk->channel_quality[instrument->channel]);
    struct rw_venue_mark mark = venue_mark(risk, index);
    instrument->own = mark.quality;
    return revalue(risk, index, mark.price, mark.quality);
}

/* look_at_channel ends what the last tick of a channel said of the channel's state. */
static void look_at_channel(struct rw_risk *risk, uint32_t index) {
    struct instrument *instrument = &risk->instruments[index];
    const struct cursor *at = &risk->at;
    if (risk->venues) rw_venue_marks_over(risk->venues, index, at->venue, at->over);
    if (instrument->several || instrument->channel != at->channel) return;
    uint16_t over = instrument->aged ? at->over & ~RW_QUALITY_STALE : at->over;
    instrument->own &= (uint16_t)~over;
}

/* CLOCK, CHANNEL and END: looks at every instrument, some per call. */
static enum rw_risk_step walk_scan(struct rw_risk *risk) {
    struct cursor *at = &risk->at;
    for (uint32_t work = 0; at->at < at->end; work++) {
        if (work >= WORK_PER_STEP) return RW_RISK_WORKING;
        uint32_t index = at->at++;
        if (at->clock)
            look_at_age(risk, index);
        else if (at->over)
            look_at_channel(risk, index);
        work += look_at(risk, index);
    }
    at->walk = WALK_DIRTY;
    at->at = 0;
    at->end = risk->portfolio_count;
    return RW_RISK_WORKING;
}

static enum rw_risk_step walk_dirty(struct rw_risk *risk) {
    struct cursor *at = &risk->at;
    while (at->at < at->end) {
        uint64_t word = risk->dirty[at->at / 64] >> at->at % 64;
        if (word == 0) {
            at->at = (at->at / 64 + 1) * 64;
            continue;
        }
        at->at += (uint32_t)__builtin_ctzll(word);
        uint32_t p = at->at++;
        risk->dirty[p / 64] &= ~(1ull << p % 64);
        struct shift shift = {.var_due = false};
        if (risk->shifts) {
            shift = risk->shifts[p];
            risk->shifts[p] = (struct shift){.var_due = false};
        }
        at->pending = settle(risk, p, &shift.totals);
        if (shift.var_due) at->pending |= refresh(risk, p, true);
        if (at->pending) return RW_RISK_MESSAGE;
    }
    return RW_RISK_DONE;
}

static enum rw_risk_step walk_all(struct rw_risk *risk) {
    struct cursor *at = &risk->at;
    for (uint32_t work = 0; at->at < at->end; work++) {
        if (work == (risk->var ? REFRESHES_PER_STEP : WORK_PER_STEP)) return RW_RISK_WORKING;
        uint32_t p = at->at++;
        at->pending = settle(risk, p, &(struct totals){0});
        if (risk->var) at->pending |= refresh(risk, p, false);
        if (at->pending) return RW_RISK_MESSAGE;
    }
    return RW_RISK_DONE;
}

static enum rw_risk_step walk_refresh(struct rw_risk *risk) {
    struct cursor *at = &risk->at;
    for (uint32_t work = 0; at->at < at->end; work++) {
        if (work == REFRESHES_PER_STEP) return RW_RISK_WORKING;
        at->pending = refresh(risk, at->at++, false);
        if (at->pending) return RW_RISK_MESSAGE;
    }
    return RW_RISK_DONE;
}

/* ── Entries ─────────────────────────────────────────────────────────────────────────────────── */

static void walk_over(struct cursor *at, enum walk walk, uint32_t first, uint32_t end) {
    at->walk = walk;
    at->at = first;
    at->end = end;
}

/* The venue of a channel; RW_VENUES_MAX: its ticks cannot be taken, counted. */
static uint32_t venue_of(struct rw_risk *risk, uint16_t channel) {
    uint32_t venue = rw_venue_marks_index(risk->venues, channel);
    if (venue == RW_VENUES_MAX) rw_stat_add(&risk->counters->tick_no_venue, 1);
    return venue;
}

/* A channel that is whole, or no longer behind, is so for all its instruments: what their last
 * ticks said of that is over. */
static void begin_channel(struct rw_risk *risk, const struct rw_tick_body *tick) {
    struct cursor *at = &risk->at;
    if (risk->venues) {
        at->venue = venue_of(risk, tick->channel);
        if (at->venue == RW_VENUES_MAX) return;
        rw_venue_marks_state(risk->venues, at->venue, tick->quality);
    }
    at->channel = tick->channel;
    at->over = (uint16_t)((RW_QUALITY_FEED_GAP | RW_QUALITY_STALE) & ~tick->quality);
    risk->channel_quality[tick->channel] = tick->quality & RW_QUALITY_CARRIED;
    walk_over(&risk->at, WALK_SCAN, 1, risk->instrument_count);
}

/* A channel that ended is closed: its quotes leave. Of a single channel they stay as they were. */
static void begin_end(struct rw_risk *risk, const struct rw_entry *entry) {
    struct rw_end_body body;
    memcpy(&body, entry->body, sizeof body);
    if (!risk->venues || body.source_kind != RW_END_CHANNEL) return;
    uint32_t venue = rw_venue_marks_index(risk->venues, body.source);
    if (venue == RW_VENUES_MAX) return; /* none of its ticks were taken */
    rw_venue_marks_end(risk->venues, venue);
    walk_over(&risk->at, WALK_SCAN, 1, risk->instrument_count);
}

static void begin_clock(struct rw_risk *risk) {
    risk->at.clock = true;
    if (risk->bars) risk->at.bars_due = rw_bars_clock(risk->bars, risk->at.event_time_ns);
    walk_over(&risk->at, WALK_SCAN, 1, risk->instrument_count);
}

/* The mark by one tick alone. */
static struct rw_venue_mark tick_mark(const struct instrument *instrument,
                                      const struct rw_tick_body *tick) {
    return (struct rw_venue_mark){.price = rw_mark_price(tick, instrument->start_price),
                                  .quality =
                                      rw_mark_quality(tick) | (tick->quality & RW_QUALITY_CARRIED)};
}

/* The trades of a tick go into the bars of its instrument, from whichever channel. */
static void take_trade(struct rw_risk *risk, const struct rw_entry *entry,
                       const struct rw_tick_body *tick) {
    if (tick->kind == RW_TICK_BREAK)
        rw_stat_add(&risk->bar_counters->broken, 1);
    else if (tick->kind == RW_TICK_TRADE && tick->last_price > 0 && tick->last_quantity > 0)
        risk->at.bars_due = rw_bars_trade(risk->bars, entry->instrument, entry->event_time_ns,
                                          tick->last_price, tick->last_quantity);
    else if (tick->kind == RW_TICK_TRADE)
        rw_stat_add(&risk->bar_counters->unusable, 1);
}

static void begin_tick(struct rw_risk *risk, const struct rw_entry *entry) {
    struct rw_tick_body tick;
    memcpy(&tick, entry->body, sizeof tick);
    rw_stat_add(&risk->counters->ticks, 1);
    if (tick.kind == RW_TICK_CHANNEL) return begin_channel(risk, &tick);
    if (entry->instrument == RW_INSTRUMENT_NONE || entry->instrument >= risk->instrument_count) {
        rw_stat_add(&risk->counters->tick_unknown_instrument, 1);
        return;
    }
    if (!rw_mark_prices_fit(&tick)) {
        rw_stat_add(&risk->counters->tick_bad_price, 1);
        return;
    }
    if (risk->bars) take_trade(risk, entry, &tick);
    struct instrument *instrument = &risk->instruments[entry->instrument];
    if (risk->venues) {
        uint32_t venue = venue_of(risk, tick.channel);
        if (venue == RW_VENUES_MAX) return;
        instrument->several = rw_venue_marks_tick(risk->venues, entry->instrument, venue, &tick,
                                                  entry->event_time_ns);
    }
    struct rw_venue_mark now =
        instrument->several ? venue_mark(risk, entry->instrument) : tick_mark(instrument, &tick);
    instrument->own = now.quality;
    instrument->channel = tick.channel;
    instrument->aged = false;
    if (entry->event_time_ns > instrument->updated_ns)
        instrument->updated_ns = entry->event_time_ns;

    struct cursor *at = &risk->at;
    uint16_t quality = now.quality;
    if (!instrument->several) quality |= risk->channel_quality[tick.channel];
    int32_t mark = now.price;
    at->price_change = (int64_t)mark - instrument->mark;
    at->quality_gone = instrument->quality & (uint16_t)~quality;
    at->quality_come = quality & (uint16_t)~instrument->quality;
    at->conflated = tick.replaced;
    at->var_step = risk->var ? rw_var_step(risk->var, entry->instrument, at->price_change) : 0;
    instrument->mark = mark;
    instrument->quality = quality;
    if (at->price_change != 0 || (at->quality_gone | at->quality_come) != 0)
        walk_over(at, WALK_HOLDERS, instrument->holders.first,
                  instrument->holders.first + instrument->holders.count);
}

/* A digest of what a fill does to a position; equal fills have equal digests. */
static uint64_t digest_of(uint32_t instrument, const struct rw_fill_body *fill) {
    uint64_t who = (uint64_t)fill->portfolio << 32 | instrument;
    uint64_t what = (uint64_t)fill->quantity * 0x9E3779B97F4A7C15ull +
                    (uint64_t)fill->price * 0xC2B2AE3D27D4EB4Full +
                    (uint64_t)fill->fee * 0x165667B19E3779F9ull +
                    fill->reference * 0x27D4EB2F165667C5ull + fill->side +
                    ((uint64_t)fill->kind << 8);
    return rw_exec_mix(rw_exec_mix(who) ^ what);
}

static bool fill_well_formed(const struct rw_risk *risk, const struct rw_entry *entry,
                             const struct rw_fill_body *fill) {
    if (entry->instrument == RW_INSTRUMENT_NONE || entry->instrument >= risk->instrument_count)
        return false;
    if (fill->kind == RW_FILL_BUST) return true;
    return (fill->kind == RW_FILL_NEW || fill->kind == RW_FILL_CORRECT) &&
           (fill->side == RW_SIDE_BUY || fill->side == RW_SIDE_SELL) && fill->quantity > 0 &&
           fill->quantity <= 2 * RW_UNITS_MAX && fill->price >= 0 && fill->price <= RW_PRICE_MAX &&
           rw_money_fits(fill->fee);
}

/* What a fill does; a BUST leaves nothing to do. */
static struct rw_position_change change_of(const struct rw_fill_body *fill, int32_t multiplier) {
    if (fill->kind == RW_FILL_BUST) return (struct rw_position_change){.multiplier = multiplier};
    int64_t quantity = fill->side == RW_SIDE_BUY ? fill->quantity : -fill->quantity;
    return (struct rw_position_change){quantity, fill->price, fill->fee, multiplier};
}

/* Whether a portfolio keeps its bounds when one of its positions changes. */
static bool portfolio_fits(const struct portfolio *portfolio, const struct rw_position *before,
                           const struct rw_position *after, int32_t multiplier) {
    int64_t units_change =
        (rw_magnitude(after->quantity) - rw_magnitude(before->quantity)) * multiplier;
    __int128 realised = (__int128)portfolio->totals.realised + rw_position_realised(after) -
                        rw_position_realised(before);
    return portfolio->units + units_change <= RW_UNITS_MAX && rw_money_fits(realised);
}

/* Gives a holder's position, which fits, to its portfolio's totals, and settles the portfolio. */
static void take_position(struct rw_risk *risk, struct rw_holder *holder,
                          const struct rw_position *after) {
    struct position_cell *cell = &risk->positions[holder->position];
    struct instrument *instrument = &risk->instruments[cell->instrument];
    uint32_t p = cell->portfolio - risk->range.first;
    struct portfolio *portfolio = &risk->portfolios[p];
    const struct rw_position before = cell->position;
    int64_t units_before = holder->units, units_after = after->quantity * instrument->multiplier;
    int64_t units_change = rw_magnitude(units_after) - rw_magnitude(units_before);
    int64_t net = (units_after - units_before) * instrument->mark;
    const struct totals change = {.realised =
                                      rw_position_realised(after) - rw_position_realised(&before),
                                  .unrealised = net - (after->cost - before.cost),
                                  .gross = units_change * instrument->mark,
                                  .net = net};
    cell->position = *after;
    holder->units = units_after;
    portfolio->units += units_change;
    add(&portfolio->totals, &change);
    bool var_due = risk->var && rw_var_fill(risk->var, p, holder->position, cell->instrument,
                                            units_before, units_after, instrument->mark);
    if ((units_before == 0) != (units_after == 0))
        adjust_quality(risk, p, units_after == 0 ? instrument->quality : 0,
                       units_after == 0 ? 0 : instrument->quality);
    risk->at.position = cell;
    risk->at.pending = PENDING_POSITION | settle(risk, p, &change);
    if (var_due) risk->at.pending |= refresh(risk, p, true);
}

/* Makes a new pair of a portfolio that has room for it. */
static struct rw_holder *insert_pair(struct rw_risk *risk, uint32_t index, uint32_t portfolio) {
    RW_ASSERT(risk->positions_used < risk->positions_size);
    RW_ASSERT(risk->portfolios[portfolio - risk->range.first].pairs_left > 0);
    risk->portfolios[portfolio - risk->range.first].pairs_left--;
    risk->positions[risk->positions_used].instrument = index;
    risk->positions[risk->positions_used].portfolio = portfolio;
    return rw_holder_insert(&risk->holders, &risk->instruments[index].holders, portfolio,
                            risk->positions_used++);
}

/* Applies a new fill and returns its place in the ledger; RW_LEDGER_NONE, and nothing changed, when
 * a bound or the room for new positions stands against it. */
static uint32_t apply_fill(struct rw_risk *risk, uint32_t index, const struct rw_fill_body *fill) {
    struct instrument *instrument = &risk->instruments[index];
    struct portfolio *portfolio = &risk->portfolios[fill->portfolio - risk->range.first];
    struct rw_holder *holder =
        rw_holder_find(&risk->holders, &instrument->holders, fill->portfolio);
    if (!holder && portfolio->pairs_left == 0) {
        rw_stat_add(&risk->counters->fill_no_pair_room, 1);
        return RW_LEDGER_NONE;
    }
    struct rw_position before = {0}, after;
    if (holder) before = risk->positions[holder->position].position;
    after = before;
    const struct rw_position_change step = change_of(fill, instrument->multiplier);
    if (!rw_position_apply(&after, &step) ||
        !portfolio_fits(portfolio, &before, &after, step.multiplier)) {
        rw_stat_add(&risk->counters->fill_over_bounds, 1);
        return RW_LEDGER_NONE;
    }
    if (!holder) holder = insert_pair(risk, index, fill->portfolio);
    take_position(risk, holder, &after);
    rw_stat_add(&risk->counters->fills, 1);
    return rw_ledger_append(&risk->ledger, &risk->positions[holder->position].fills,
                            holder->position, &step);
}

/* The position at the start of day. */
static struct rw_position opening_of(const struct rw_risk *risk, const struct position_cell *cell) {
    if (cell->opening == 0) return (struct rw_position){0};
    const struct rw_position_row *rows = rw_image_rows(risk->image, &risk->image->positions);
    const struct rw_position_row *row = &rows[cell->opening - 1];
    return rw_position_open(row->quantity, row->average_price,
                            risk->instruments[cell->instrument].multiplier);
}

/* Begins the fold that corrects a fill or takes it back, and returns that fill; RW_LEDGER_NONE when
 * there is nothing to correct. */
static uint32_t begin_correction(struct rw_risk *risk, uint32_t index,
                                 const struct rw_fill_body *fill) {
    uint32_t changed = rw_exec_set_fill(&risk->executions, fill->reference);
    const struct rw_ledger_fill *old = &risk->ledger.fill[changed];
    const struct position_cell *cell = &risk->positions[old->position];
    if (changed == RW_LEDGER_NONE || cell->instrument != index ||
        cell->portfolio != fill->portfolio) {
        rw_stat_add(&risk->counters->correction_unknown, 1);
        return RW_LEDGER_NONE;
    }
    if (old->quantity == 0) {
        rw_stat_add(&risk->counters->correction_of_busted, 1);
        return RW_LEDGER_NONE;
    }
    const struct rw_position opening = opening_of(risk, cell);
    const struct rw_position_change as =
        change_of(fill, risk->instruments[cell->instrument].multiplier);
    rw_ledger_fold_begin(&risk->at.fold, &cell->fills, &opening, changed, &as);
    walk_over(&risk->at, WALK_FOLD, 0, 0);
    return changed;
}

/* Goes on with a fold; its end takes the position over, unless it leaves a bound. */
static enum rw_risk_step walk_fold(struct rw_risk *risk) {
    struct rw_ledger_fold *fold = &risk->at.fold;
    enum rw_ledger_step step = rw_ledger_fold_step(&risk->ledger, fold, WORK_PER_STEP);
    if (step == RW_LEDGER_WORKING) return RW_RISK_WORKING;
    walk_over(&risk->at, WALK_NONE, 0, 0);
    rw_stat_add(&risk->counters->folded, fold->folded);
    uint32_t position = risk->ledger.fill[fold->changed].position;
    const struct position_cell *cell = &risk->positions[position];
    if (step == RW_LEDGER_OUT_OF_BOUNDS ||
        !portfolio_fits(&risk->portfolios[cell->portfolio - risk->range.first], &cell->position,
                        &fold->position, fold->multiplier)) {
        rw_stat_add(&risk->counters->fill_over_bounds, 1);
        return RW_RISK_DONE;
    }
    rw_ledger_fold_keep(&risk->ledger, fold);
    rw_stat_add(fold->as.quantity == 0 ? &risk->counters->busts : &risk->counters->corrections, 1);
    struct rw_holder *holder = rw_holder_find(
        &risk->holders, &risk->instruments[cell->instrument].holders, cell->portfolio);
    take_position(risk, holder, &fold->position);
    return RW_RISK_MESSAGE;
}

/* Takes an order out of what is open (sign −1) or into it (+1). */
static void add_open(struct rw_risk *risk, uint32_t position, const struct rw_order *order,
                     int64_t sign) {
    const struct instrument *instrument = &risk->instruments[order->instrument];
    struct rw_open *quantity = &risk->open[position];
    struct rw_open *money = &risk->opens[order->portfolio - risk->range.first].open;
    int64_t value = order->open * instrument->multiplier * order->price;
    risk->portfolios[order->portfolio - risk->range.first].has_orders = true;
    if (order->side == RW_SIDE_BUY) {
        quantity->buys += sign * order->open;
        money->buys += sign * value;
    } else {
        quantity->sells += sign * order->open;
        money->sells += sign * value;
    }
}

/* Whether the sums keep their bounds with one more order. */
static bool open_fits(const struct rw_risk *risk, const struct rw_order *order) {
    const struct rw_open *money = &risk->opens[order->portfolio - risk->range.first].open;
    int64_t value = order->open * risk->instruments[order->instrument].multiplier * order->price;
    return rw_money_fits((__int128)value +
                         (order->side == RW_SIDE_BUY ? money->buys : money->sells));
}

/* Gives the change of an order to its pair; returns the pair, NULL when nothing changed. */
static struct rw_holder *move_order(struct rw_risk *risk, struct rw_order *order,
                                    const struct rw_order *before) {
    struct rw_holder_list *list = &risk->instruments[order->instrument].holders;
    struct rw_holder *holder = rw_holder_find(&risk->holders, list, order->portfolio);
    if (before->counted && before->open == order->open && before->price == order->price)
        return NULL;
    if (before->counted) add_open(risk, holder->position, before, -1);
    order->counted = 0;
    if (order->open == 0) return before->counted ? holder : NULL;
    bool room = holder || risk->portfolios[order->portfolio - risk->range.first].pairs_left > 0;
    if (!room || !open_fits(risk, order)) {
        rw_stat_add(room ? &risk->counters->order_over_bounds : &risk->counters->order_no_pair_room,
                    1);
        return before->counted ? holder : NULL;
    }
    if (!holder) holder = insert_pair(risk, order->instrument, order->portfolio);
    add_open(risk, holder->position, order, 1);
    order->counted = 1;
    return holder;
}

/* The same, and remembers whether the portfolio's sums have changed. */
static struct rw_holder *follow_order(struct rw_risk *risk, struct rw_order *order,
                                      const struct rw_order *before) {
    const struct rw_open *money = &risk->opens[order->portfolio - risk->range.first].open;
    const struct rw_open was = *money;
    struct rw_holder *holder = move_order(risk, order, before);
    risk->at.open_moved = money->buys != was.buys || money->sells != was.sells;
    return holder;
}

static bool order_well_formed(const struct rw_risk *risk, const struct rw_entry *entry,
                              const struct rw_order_body *body) {
    if (entry->instrument == RW_INSTRUMENT_NONE || entry->instrument >= risk->instrument_count ||
        (body->side != RW_SIDE_BUY && body->side != RW_SIDE_SELL) ||
        body->kind < RW_ORDER_ACCEPTED || body->kind > RW_ORDER_EXPIRED)
        return false;
    if (body->kind == RW_ORDER_CANCELLED || body->kind == RW_ORDER_EXPIRED) return true;
    return body->quantity > 0 && body->price >= 0 && body->price <= RW_PRICE_MAX &&
           body->quantity <= RW_UNITS_MAX / risk->instruments[entry->instrument].multiplier;
}

static void begin_order(struct rw_risk *risk, const struct rw_entry *entry) {
    struct rw_order_body body;
    memcpy(&body, entry->body, sizeof body);
    bool mine = body.portfolio >= risk->range.first && body.portfolio < risk->range.end;
    bool there = body.portfolio != RW_PORTFOLIO_NONE && body.portfolio <= risk->last_portfolio;
    if (!there || !order_well_formed(risk, entry, &body)) {
        if (mine || (risk->shard == 0 && !there)) rw_stat_add(&risk->counters->order_malformed, 1);
        return;
    }
    struct rw_order *order, before;
    int32_t price = body.price ? (int32_t)body.price : risk->instruments[entry->instrument].mark;
    enum rw_order_outcome outcome =
        rw_orders_take(&risk->orders, entry->instrument, &body, price, &order, &before);
    if (!mine) return;
    rw_stat *const counters[] = {[RW_ORDER_APPLIED] = &risk->counters->orders,
                                 [RW_ORDER_REPEATED] = &risk->counters->order_repeated,
                                 [RW_ORDER_CONFLICT] = &risk->counters->order_conflict,
                                 [RW_ORDER_UNKNOWN] = &risk->counters->order_unknown,
                                 [RW_ORDER_FULL] = &risk->counters->order_no_id_room};
    rw_stat_add(counters[outcome], 1);
    if (outcome != RW_ORDER_APPLIED) return;
    if (body.kind == RW_ORDER_REJECTED) rw_stat_add(&risk->counters->orders_rejected, 1);
    uint32_t p = body.portfolio - risk->range.first;
    struct rw_order_limit *limit = &risk->order_limits[p];
    bool has_value = body.kind == RW_ORDER_ACCEPTED || body.kind == RW_ORDER_REPLACED;
    int64_t multiplier = risk->instruments[entry->instrument].multiplier;
    if (has_value && limit->limited &&
        rw_order_limit_step(limit, body.quantity * multiplier * price))
        risk->at.order_told = PENDING_ORDER / PENDING_LIMITS;
    const struct rw_holder *holder = follow_order(risk, order, &before);
    if (!holder && !risk->at.order_told) return;
    if (holder) risk->at.position = &risk->positions[holder->position];
    risk->at.pending =
        (holder ? PENDING_POSITION : 0) | settle(risk, p, &(struct totals){.realised = 0});
}

/* A fill of an order makes less of it open, whether its position takes it or not. */
static void fill_order(struct rw_risk *risk, uint32_t instrument, const struct rw_fill_body *fill,
                       bool mine) {
    struct rw_order before, *order = rw_orders_fill(&risk->orders, instrument, fill, &before);
    if (!mine) return;
    if (order)
        follow_order(risk, order, &before);
    else
        rw_stat_add(&risk->counters->fill_order_unknown, 1);
}

static void begin_fill(struct rw_risk *risk, const struct rw_entry *entry) {
    struct rw_fill_body fill = {0};
    bool whole = entry->slots == 2;
    if (whole) memcpy(&fill, (const uint8_t *)entry + offsetof(struct rw_entry, body), sizeof fill);
    /* Every shard remembers every id, so an id that comes again for another shard's portfolio is
     * found whatever the number of shards; the shard that owns the portfolio counts. */
    bool mine = fill.portfolio >= risk->range.first && fill.portfolio < risk->range.end;
    if (!whole || fill.portfolio == RW_PORTFOLIO_NONE || fill.portfolio > risk->last_portfolio ||
        !fill_well_formed(risk, entry, &fill)) {
        if (mine ||
            (risk->shard == 0 && (fill.portfolio == 0 || fill.portfolio > risk->last_portfolio)))
            rw_stat_add(&risk->counters->fill_malformed, 1);
        return;
    }
    struct rw_exec_cell *seen_as;
    enum rw_exec_seen seen = rw_exec_set_put(&risk->executions, fill.exec_id,
                                             digest_of(entry->instrument, &fill), &seen_as);
    if (seen == RW_EXEC_NEW && fill.kind == RW_FILL_NEW && fill.reference != 0)
        fill_order(risk, entry->instrument, &fill, mine);
    if (!mine) return;
    if (seen != RW_EXEC_NEW) {
        rw_stat_add(seen == RW_EXEC_DUPLICATE  ? &risk->counters->fill_duplicate
                    : seen == RW_EXEC_CONFLICT ? &risk->counters->fill_conflict
                                               : &risk->counters->fill_no_id_room,
                    1);
        return;
    }
    seen_as->fill = fill.kind == RW_FILL_NEW ? apply_fill(risk, entry->instrument, &fill)
                                             : begin_correction(risk, entry->instrument, &fill);
    if (risk->at.open_moved && risk->at.pending == 0) /* the position did not take it */
        risk->at.pending =
            settle(risk, fill.portfolio - risk->range.first, &(struct totals){.realised = 0});
}

static void begin_refresh(struct rw_risk *risk, const struct rw_entry *entry) {
    struct rw_refresh_body body;
    memcpy(&body, entry->body, sizeof body);
    if (!risk->var) return;
    uint64_t end = (uint64_t)body.first + body.count;
    uint32_t first = body.first > risk->range.first ? body.first : risk->range.first;
    if (end > risk->range.end) end = risk->range.end;
    if (first < end)
        walk_over(&risk->at, WALK_REFRESH, first - risk->range.first,
                  (uint32_t)end - risk->range.first);
}

static void begin_session(struct rw_risk *risk, const struct rw_entry *entry) {
    struct rw_session_body session;
    memcpy(&session, entry->body, sizeof session);
    if (session.event != RW_SESSION_OPEN && session.event != RW_SESSION_CLOSE) {
        rw_stat_add(&risk->counters->unknown_type, 1);
        return;
    }
    if (risk->shard == 0) risk->at.session_event = session.event;
    if (session.event == RW_SESSION_OPEN) walk_over(&risk->at, WALK_ALL, 0, risk->portfolio_count);
    /* Event time is over: what is open closes now. */
    if (session.event == RW_SESSION_CLOSE && risk->bars)
        risk->at.bars_due = rw_bars_clock(risk->bars, UINT64_MAX);
}

void rw_risk_begin(struct rw_risk *risk, const struct rw_entry *entry) {
    struct cursor *at = &risk->at;
    RW_ASSERT(!at->busy && entry->sequence == at->sequence + 1);
    at->busy = true;
    at->sequence = entry->sequence;
    at->event_time_ns = entry->event_time_ns;
    at->conflated = 0;
    at->bars_due = false;
    at->clock = false;
    at->over = 0;
    at->session_event = 0;
    at->open_moved = false;
    at->order_told = 0;
    at->pending = 0;
    at->desk.desk = 0;
    at->records = 0;
    walk_over(at, WALK_NONE, 0, 0);
    rw_stat_add(&risk->counters->entries, 1);
    switch (entry->type) {
    case RW_ENTRY_TICK:
        begin_tick(risk, entry);
        break;
    case RW_ENTRY_FILL:
        begin_fill(risk, entry);
        break;
    case RW_ENTRY_ORDER:
        begin_order(risk, entry);
        break;
    case RW_ENTRY_CLOCK:
        begin_clock(risk);
        break;
    case RW_ENTRY_SESSION:
        begin_session(risk, entry);
        break;
    case RW_ENTRY_REFRESH:
        begin_refresh(risk, entry);
        break;
    case RW_ENTRY_END:
        begin_end(risk, entry);
        break;
    case RW_ENTRY_TAKEOVER:
        break; /* what it means for marks comes as ticks */
    default:
        rw_stat_add(&risk->counters->unknown_type, 1);
    }
}

/* ── Messages ────────────────────────────────────────────────────────────────────────────────── */

/* Writes what every record has. Field by field, after clearing: a record is composed in the link's
 * own slot, without a copy. */
static inline void write_head(const struct cursor *at, uint8_t kind, struct rw_result *to) {
    memset(to, 0, sizeof *to);
    to->block_length = RW_RESULT_BLOCK_LENGTH;
    to->template_id = RW_RESULT_TEMPLATE;
    to->schema_id = RW_RESULT_SCHEMA;
    to->schema_version = RW_RESULT_SCHEMA_VERSION;
    to->input_sequence = at->sequence;
    to->event_time_ns = at->event_time_ns;
    to->kind = kind;
    to->method = RW_RISK_METHOD;
    to->conflated = at->conflated;
}

/* The worst state of a portfolio's limits, but for those of VaR and ES. */
static inline uint8_t worst_limit(const struct rw_risk *risk, uint32_t p) {
    uint8_t worst = risk->limits[p].worst;
    if (!risk->portfolios[p].watched) return worst;
    if (risk->drawdowns[p].state > worst) worst = risk->drawdowns[p].state;
    if (risk->opens[p].state > worst) worst = risk->opens[p].state;
    if (risk->order_limits[p].state > worst) worst = risk->order_limits[p].state;
    return worst;
}

static inline void write_totals(const struct rw_risk *risk, uint8_t kind, struct rw_result *to) {
    const struct portfolio *portfolio = &risk->portfolios[risk->at.row];
    write_head(&risk->at, kind, to);
    to->portfolio = risk->range.first + risk->at.row;
    to->quality = portfolio->quality;
    to->limit_state = worst_limit(risk, risk->at.row);
    to->realised_pnl = portfolio->totals.realised;
    to->unrealised_pnl = portfolio->totals.unrealised;
    to->gross = portfolio->totals.gross;
    to->net = portfolio->totals.net;
    if (!portfolio->has_orders) return;
    to->open_buys = risk->opens[risk->at.row].open.buys;
    to->open_sells = risk->opens[risk->at.row].open.sells;
}

static inline void add_to_desk(struct desk_change *desk, const struct portfolio *portfolio,
                               const struct totals *change) {
    if (desk->desk == 0) *desk = (struct desk_change){.desk = portfolio->desk};
    add(&desk->totals, change);
    uint32_t differ = portfolio->quality ^ portfolio->published_quality;
    for (; differ; differ &= differ - 1) {
        uint32_t bit = (uint32_t)__builtin_ctz(differ);
        desk->quality_count[bit] += portfolio->quality >> bit & 1 ? 1 : -1;
    }
}

/* Whether a desk's open addend has room for the change of the row. Near the bound of money one does
 * not hold the changes of several portfolios: then the desk gets another. */
static inline bool desk_has_room(const struct desk_change *desk, const struct totals *change) {
    int64_t sum;
    unsigned full = __builtin_add_overflow(desk->totals.realised, change->realised, &sum);
    full |= __builtin_add_overflow(desk->totals.unrealised, change->unrealised, &sum);
    full |= __builtin_add_overflow(desk->totals.gross, change->gross, &sum);
    full |= __builtin_add_overflow(desk->totals.net, change->net, &sum);
    return !full;
}

static void write_portfolio(struct rw_risk *risk, struct rw_result *to) {
    struct portfolio *portfolio = &risk->portfolios[risk->at.row];
    write_totals(risk, RW_RESULT_PORTFOLIO, to);
    add_to_desk(&risk->at.desk, portfolio, &risk->at.change);
    portfolio->published_quality = portfolio->quality;
    portfolio->published = 1;
}

static void write_position(const struct rw_risk *risk, struct rw_result *to) {
    const struct position_cell *cell = risk->at.position;
    const struct instrument *instrument = &risk->instruments[cell->instrument];
    write_head(&risk->at, RW_RESULT_POSITION, to);
    to->portfolio = risk->range.first + risk->at.row;
    to->instrument = cell->instrument;
    to->quality = instrument->quality;
    to->position = cell->position.quantity;
    to->mark = instrument->mark;
    to->realised_pnl = rw_position_realised(&cell->position);
    to->unrealised_pnl =
        rw_position_unrealised(&cell->position, instrument->multiplier, instrument->mark);
    to->net = rw_position_value(&cell->position, instrument->multiplier, instrument->mark);
    to->gross = rw_magnitude(to->net);
    to->open_buys = risk->open[cell - risk->positions].buys;
    to->open_sells = risk->open[cell - risk->positions].sells;
    const struct rw_composite *composite = rw_risk_composite(risk, cell->instrument);
    if (!composite) return;
    uint64_t now = risk->at.event_time_ns, since = composite->across_since_ns;
    to->venues = composite->in;
    to->across_ns = since && now > since ? now - since : 0;
}

static void write_limit(const struct rw_risk *risk, uint8_t measure, struct rw_result *to) {
    const uint32_t row = risk->at.row;
    write_totals(risk, RW_RESULT_LIMIT, to);
    to->measure = measure;
    if (measure <= RW_LIMIT_MEASURES)
        to->limit_state = risk->limits[row].state[measure - 1];
    else if (measure == RW_MEASURE_DRAWDOWN)
        to->limit_state = risk->drawdowns[row].state;
    else if (measure == RW_MEASURE_OPEN)
        to->limit_state = risk->opens[row].state;
    else if (measure == RW_MEASURE_ORDER)
        to->limit_state = risk->order_limits[row].state;
    else
        to->limit_state = risk->at.var.state[measure - RW_MEASURE_VAR];
}

static void write_risk(const struct rw_risk *risk, struct rw_result *to) {
    const struct rw_var_result *var = &risk->at.var;
    struct rw_result_risk *record = (struct rw_result_risk *)to;
    write_head(&risk->at, RW_RESULT_RISK, to);
    to->template_id = RW_RESULT_TEMPLATE_RISK;
    to->portfolio = risk->range.first + risk->at.row;
    to->quality = risk->portfolios[risk->at.row].quality;
    to->limit_state = var->state[0] > var->state[1] ? var->state[0] : var->state[1];
    to->method = RW_VAR_METHOD;
    record->var = var->var;
    record->es = var->es;
    record->worst_loss = var->worst_loss;
    record->worst_scenario = var->worst_scenario;
    record->conflated = var->merged;
}

static void write_bar(const struct rw_risk *risk, const struct rw_bar *bar, struct rw_result *to) {
    struct rw_result_bar *record = (struct rw_result_bar *)to;
    write_head(&risk->at, RW_RESULT_BAR, to);
    to->template_id = RW_RESULT_TEMPLATE_BAR;
    to->instrument = bar->instrument;
    to->method = RW_BAR_METHOD;
    record->start_ns = bar->start_ns;
    record->length_ns = bar->length_ns;
    record->open = bar->open;
    record->high = bar->high;
    record->low = bar->low;
    record->close = bar->close;
    record->volume = bar->volume;
    record->notional = bar->notional;
    record->trades = bar->trades;
    record->version = bar->version;
}

/* What comes before all rows: SESSION open, then the bars that this entry closes or corrects, then
 * SESSION close, behind which a subscriber looks for nothing more. DONE: on to the rows. */
static enum rw_risk_step next_of_market(struct rw_risk *risk, struct rw_result *to) {
    struct cursor *at = &risk->at;
    if (at->bars_due) {
        struct rw_bar bar;
        enum rw_bars_step step = rw_bars_next(risk->bars, &bar);
        if (step == RW_BARS_WORKING) return RW_RISK_WORKING;
        at->bars_due = step == RW_BARS_BAR;
        if (step == RW_BARS_BAR) {
            write_bar(risk, &bar, to);
            at->records++;
            return RW_RISK_MESSAGE;
        }
    }
    if (at->session_event == 0) return RW_RISK_DONE;
    bool open = at->session_event == RW_SESSION_OPEN;
    write_head(at, open ? RW_RESULT_SESSION_OPEN : RW_RESULT_SESSION_CLOSE, to);
    at->session_event = 0;
    at->records++;
    return RW_RISK_MESSAGE;
}

/* Writes the lowest pending message of the present row. */
static void write_pending(struct rw_risk *risk, struct rw_result *to) {
    uint32_t lowest = risk->at.pending & -risk->at.pending;
    risk->at.pending -= lowest;
    risk->at.records++;
    if (lowest == PENDING_PORTFOLIO)
        write_portfolio(risk, to);
    else if (lowest == PENDING_POSITION)
        write_position(risk, to);
    else if (lowest == PENDING_RISK)
        write_risk(risk, to);
    else
        write_limit(risk, (uint8_t)(1 + __builtin_ctz(lowest / PENDING_LIMITS)), to);
}

static void write_addend(struct rw_risk *risk, struct rw_result *to) {
    struct cursor *at = &risk->at;
    struct rw_risk_addend addend = {.input_sequence = at->sequence,
                                    .event_time_ns = at->event_time_ns,
                                    .desk = at->desk.desk,
                                    .conflated = at->conflated,
                                    .kind = RW_RISK_ADDEND,
                                    .realised_pnl = at->desk.totals.realised,
                                    .unrealised_pnl = at->desk.totals.unrealised,
                                    .gross = at->desk.totals.gross,
                                    .net = at->desk.totals.net};
    memcpy(addend.quality_count, at->desk.quality_count, sizeof addend.quality_count);
    memcpy(to, &addend, sizeof addend);
    at->desk.desk = 0;
    rw_stat_add(&risk->counters->addends, 1);
}

static enum rw_risk_step next_row(struct rw_risk *risk) {
    switch (risk->at.walk) {
    case WALK_HOLDERS:
        return walk_holders(risk);
    case WALK_SCAN:
        return walk_scan(risk);
    case WALK_DIRTY:
        return walk_dirty(risk);
    case WALK_ALL:
        return walk_all(risk);
    case WALK_REFRESH:
        return walk_refresh(risk);
    case WALK_FOLD:
        return walk_fold(risk);
    case WALK_NONE:
        break;
    }
    return RW_RISK_DONE;
}

enum rw_risk_step rw_risk_next(struct rw_risk *risk, struct rw_result *to) {
    struct cursor *at = &risk->at;
    RW_ASSERT(at->busy);
    enum rw_risk_step step = RW_RISK_DONE;
    if (at->bars_due || at->session_event != 0) step = next_of_market(risk, to);
    if (step != RW_RISK_DONE) return step;
    if (at->pending == 0) {
        step = next_row(risk);
        if (step == RW_RISK_WORKING) return step;
        if (step == RW_RISK_DONE) {
            if (at->desk.desk == 0) {
                at->busy = false;
                rw_stat_add(&risk->counters->records, at->records);
                return RW_RISK_DONE;
            }
            walk_over(at, WALK_NONE, 0, 0);
            write_addend(risk, to);
            return RW_RISK_MESSAGE;
        }
    }
    if (at->desk.desk != 0 &&
        (at->desk.desk != risk->portfolios[at->row].desk ||
         (at->pending & PENDING_PORTFOLIO && !desk_has_room(&at->desk, &at->change))))
        write_addend(risk, to);
    else
        write_pending(risk, to);
    return RW_RISK_MESSAGE;
}

uint64_t rw_risk_sequence(const struct rw_risk *risk) { return risk->at.sequence - risk->at.busy; }

bool rw_risk_busy(const struct rw_risk *risk) { return risk->at.busy; }

bool rw_risk_view_portfolio(const struct rw_risk *risk, uint32_t portfolio,
                            struct rw_risk_view *view) {
    if (portfolio < risk->range.first || portfolio >= risk->range.end) return false;
    uint32_t p = portfolio - risk->range.first;
    const struct totals *totals = &risk->portfolios[p].totals;
    *view = (struct rw_risk_view){.realised_pnl = totals->realised,
                                  .unrealised_pnl = totals->unrealised,
                                  .gross = totals->gross,
                                  .net = totals->net,
                                  .quality = risk->portfolios[p].quality,
                                  .limit_state = worst_limit(risk, p)};
    return true;
}

bool rw_risk_view_position(const struct rw_risk *risk, uint32_t portfolio, uint32_t instrument,
                           struct rw_risk_view *view) {
    if (portfolio < risk->range.first || portfolio >= risk->range.end) return false;
    if (instrument == RW_INSTRUMENT_NONE || instrument >= risk->instrument_count) return false;
    const struct instrument *of = &risk->instruments[instrument];
    const struct rw_holder *holder = rw_holder_find(&risk->holders, &of->holders, portfolio);
    if (!holder) return false;
    const struct rw_position *position = &risk->positions[holder->position].position;
    int64_t net = rw_position_value(position, of->multiplier, of->mark);
    *view = (struct rw_risk_view){.quantity = position->quantity,
                                  .mark = of->mark,
                                  .realised_pnl = rw_position_realised(position),
                                  .unrealised_pnl =
                                      rw_position_unrealised(position, of->multiplier, of->mark),
                                  .gross = rw_magnitude(net),
                                  .net = net,
                                  .quality = of->quality};
    return true;
}

const struct rw_composite *rw_risk_composite(const struct rw_risk *risk, uint32_t instrument) {
    RW_ASSERT(instrument < risk->instrument_count);
    return risk->instruments[instrument].several
               ? rw_venue_marks_composite(risk->venues, instrument)
               : NULL;
}
