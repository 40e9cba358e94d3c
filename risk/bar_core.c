#include "risk/bar_core.h"

#include <assert.h>

#include "dataplane/base/assert.h"

#define WORK_PER_STEP 256u /* instruments looked at in one call without a bar */

enum window_state { WINDOW_EMPTY = 0, WINDOW_OPEN = 1, WINDOW_CLOSED = 2 };

struct window {
    uint64_t start_ns;
    uint64_t first_ns, last_ns; /* event times of the trades that are open and close */
    uint64_t volume;
    int64_t notional;
    int32_t open, high, low, close;
    uint32_t trades;
    uint16_t version; /* told last */
    uint8_t state;    /* enum window_state */
    uint8_t due;      /* to be told */
};
static_assert(sizeof(struct window) == 64, "one line");

/* One length: its windows are window[instrument][start / length % kept]. */
struct length {
    uint64_t ns;
    uint32_t kept; /* a power of two */
    struct window *window;
};

struct instrument {
    uint32_t waiting; /* open windows of all lengths */
};

struct rw_bars {
    struct rw_bar_cfg cfg;
    struct length length[RW_BAR_LENGTHS_MAX];
    struct instrument *instruments;
    uint64_t clock_ns, watermark_ns;
    /* what is being told: instruments at..end, of each the lengths, of each its windows by start */
    uint32_t at, end, at_length;
    uint64_t at_start;
    bool closing;
};

static size_t rounded(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

uint64_t rw_bars_kept(const struct rw_bar_cfg *cfg, uint32_t k) {
    uint64_t span = cfg->bound_ns + cfg->lateness_ns + cfg->ahead_ns, windows = 2;
    RW_ASSERT(k < cfg->lengths && cfg->length_ns[k] > 0);
    uint64_t wanted = span / cfg->length_ns[k] + 3;
    while (windows < wanted) windows *= 2;
    return windows;
}

static uint32_t kept(const struct rw_bar_cfg *cfg, uint32_t k) {
    uint64_t windows = rw_bars_kept(cfg, k);
    RW_ASSERT(windows <= RW_BAR_WINDOWS_MAX);
    return (uint32_t)windows;
}

size_t rw_bars_footprint(const struct rw_bar_cfg *cfg) {
    RW_ASSERT(cfg->lengths >= 1 && cfg->lengths <= RW_BAR_LENGTHS_MAX);
    size_t bytes =
        rounded(sizeof(struct rw_bars)) + rounded(cfg->instruments * sizeof(struct instrument));
    for (uint32_t k = 0; k < cfg->lengths; k++)
        bytes += (size_t)cfg->instruments * kept(cfg, k) * sizeof(struct window);
    return bytes;
}

struct rw_bars *rw_bars_new(void *memory, const struct rw_bar_cfg *cfg) {
    RW_ASSERT(((uintptr_t)memory & 63) == 0);
    uint8_t *at = memory;
    struct rw_bars *bars = memory;
    *bars = (struct rw_bars){.cfg = *cfg};
    bars->instruments = (void *)(at += rounded(sizeof *bars));
    at += rounded(cfg->instruments * sizeof *bars->instruments);
    for (uint32_t k = 0; k < cfg->lengths; k++) {
        bars->length[k] = (struct length){cfg->length_ns[k], kept(cfg, k), (void *)at};
        at += (size_t)cfg->instruments * bars->length[k].kept * sizeof(struct window);
    }
    return bars;
}

static struct window *window_at(const struct length *length, uint32_t instrument, uint64_t start) {
    uint32_t slot = (uint32_t)(start / length->ns) & (length->kept - 1);
    return &length->window[(size_t)instrument * length->kept + slot];
}

/* place finds the window of a trade; NULL, counted, when it has none any more, or not yet. */
static struct window *place(struct rw_bars *bars, const struct length *length, uint32_t instrument,
                            uint64_t time_ns) {
    uint64_t start = time_ns / length->ns * length->ns, end = start + length->ns;
    if (end + bars->cfg.lateness_ns <= bars->watermark_ns) {
        rw_stat_add(&bars->cfg.counters->too_late, 1);
        return NULL;
    }
    struct window *window = window_at(length, instrument, start);
    if (window->state == WINDOW_OPEN && window->start_ns != start) {
        rw_stat_add(&bars->cfg.counters->ahead, 1);
        return NULL;
    }
    if (window->state == WINDOW_CLOSED && window->start_ns > start) {
        rw_stat_add(&bars->cfg.counters->too_late, 1);
        return NULL;
    }
    if (window->state == WINDOW_EMPTY || window->start_ns != start) {
        *window = (struct window){.start_ns = start, .state = WINDOW_OPEN};
        if (end <= bars->watermark_ns)
            window->state = WINDOW_CLOSED; /* its first trade is late: told at once */
        else
            bars->instruments[instrument].waiting++;
    }
    return window;
}

static void add(struct rw_bars *bars, struct window *window, uint64_t time_ns, int32_t price,
                uint32_t quantity) {
    int64_t notional;
    if (window->trades == 0 || time_ns < window->first_ns) {
        window->first_ns = time_ns;
        window->open = price;
    }
    if (window->trades == 0 || time_ns >= window->last_ns) {
        window->last_ns = time_ns;
        window->close = price;
    }
    if (window->trades == 0 || price > window->high) window->high = price;
    if (window->trades == 0 || price < window->low) window->low = price;
    window->trades++;
    window->volume += quantity;
    if (__builtin_mul_overflow((int64_t)price, (int64_t)quantity, &notional) ||
        __builtin_add_overflow(window->notional, notional, &window->notional)) {
        window->notional = INT64_MAX;
        rw_stat_add(&bars->cfg.counters->notional_range, 1);
    }
}

bool rw_bars_trade(struct rw_bars *bars, uint32_t instrument, uint64_t time_ns, int32_t price,
                   uint32_t quantity) {
    RW_ASSERT(bars->at >= bars->end);
    RW_ASSERT(instrument > 0 && instrument < bars->cfg.instruments && price > 0 && quantity > 0);
    bool corrects = false;
    if (time_ns < bars->watermark_ns) rw_stat_add(&bars->cfg.counters->late, 1);
    rw_stat_add(&bars->cfg.counters->trades, 1);
    for (uint32_t k = 0; k < bars->cfg.lengths; k++) {
        struct window *window = place(bars, &bars->length[k], instrument, time_ns);
        if (!window) continue;
        add(bars, window, time_ns, price, quantity);
        if (window->state != WINDOW_CLOSED) continue;
        window->due = 1;
        corrects = true;
    }
    if (!corrects) return false;
    bars->at = instrument;
    bars->end = instrument + 1;
    bars->at_length = 0;
    bars->at_start = 0;
    bars->closing = false;
    return true;
}

bool rw_bars_clock(struct rw_bars *bars, uint64_t time_ns) {
    RW_ASSERT(bars->at >= bars->end);
    if (time_ns <= bars->clock_ns) return false;
    bars->clock_ns = time_ns;
    uint64_t watermark = time_ns > bars->cfg.bound_ns ? time_ns - bars->cfg.bound_ns : 0;
    if (watermark <= bars->watermark_ns) return false;
    bars->watermark_ns = watermark;
    bars->at = 1;
    bars->end = bars->cfg.instruments;
    bars->at_length = 0;
    bars->at_start = 0;
    bars->closing = true;
    return true;
}

/* The first window at or after `from` of one instrument and length that has to be told now. */
static struct window *first_due(struct rw_bars *bars, const struct length *length,
                                uint32_t instrument, uint64_t from) {
    struct window *windows = &length->window[(size_t)instrument * length->kept], *first = NULL;
    for (uint32_t i = 0; i < length->kept; i++) {
        struct window *window = &windows[i];
        bool closes = bars->closing && window->state == WINDOW_OPEN &&
                      window->start_ns + length->ns <= bars->watermark_ns;
        if (!(closes || window->due) || window->start_ns < from) continue;
        if (!first || window->start_ns < first->start_ns) first = window;
    }
    return first;
}

static void tell(struct rw_bars *bars, const struct length *length, struct window *window,
                 struct rw_bar *bar) {
    if (window->state == WINDOW_OPEN) {
        window->state = WINDOW_CLOSED;
        bars->instruments[bars->at].waiting--;
    }
    window->due = 0;
    if (window->version < UINT16_MAX) window->version++;
    rw_stat_add(window->version == 1 ? &bars->cfg.counters->bars : &bars->cfg.counters->corrections,
                1);
    *bar = (struct rw_bar){.instrument = bars->at,
                           .version = window->version,
                           .start_ns = window->start_ns,
                           .length_ns = length->ns,
                           .open = window->open,
                           .high = window->high,
                           .low = window->low,
                           .close = window->close,
                           .volume = window->volume,
                           .notional = window->notional,
                           .trades = window->trades};
}

enum rw_bars_step rw_bars_next(struct rw_bars *bars, struct rw_bar *bar) {
    for (uint32_t work = 0; bars->at < bars->end; work++) {
        if (work == WORK_PER_STEP) return RW_BARS_WORKING;
        bool nothing = bars->closing && bars->instruments[bars->at].waiting == 0;
        while (!nothing && bars->at_length < bars->cfg.lengths) {
            const struct length *length = &bars->length[bars->at_length];
            struct window *window = first_due(bars, length, bars->at, bars->at_start);
            if (window) {
                bars->at_start = window->start_ns + 1;
                tell(bars, length, window, bar);
                return RW_BARS_BAR;
            }
            bars->at_length++;
            bars->at_start = 0;
        }
        bars->at++;
        bars->at_length = 0;
        bars->at_start = 0;
    }
    return RW_BARS_DONE;
}
