/* Bars the plain way: sort the trades, walk them by window beside the bars that were told. */
#include "tools/riskwire/report_bars.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/err.h"

struct trade {
    uint64_t start; /* of its window, for the length being compared */
    uint64_t time, watermark, order;
    uint32_t instrument, quantity;
    int32_t price;
};

struct list {
    void *rows;
    size_t count, room, row_bytes;
};

struct rw_report_bars {
    struct rw_bar_cfg cfg;
    uint32_t instruments;
    uint64_t clock, watermark;
    struct list trades; /* struct trade, in log order */
    struct list told;   /* struct rw_result_bar, in order of results */
};

struct rw_report_bars *rw_report_bars_new(const struct rw_bar_cfg *cfg, uint32_t instruments) {
    struct rw_report_bars *bars = calloc(1, sizeof *bars);
    if (!bars) {
        rw_err_set(ENOMEM, "no memory to check bars");
        return NULL;
    }
    bars->cfg = *cfg;
    bars->instruments = instruments;
    bars->trades.row_bytes = sizeof(struct trade);
    bars->told.row_bytes = sizeof(struct rw_result_bar);
    return bars;
}

void rw_report_bars_free(struct rw_report_bars *bars) {
    if (!bars) return;
    free(bars->trades.rows);
    free(bars->told.rows);
    free(bars);
}

static int append(struct list *list, const void *row) {
    if (list->count == list->room) {
        size_t room = list->room ? 2 * list->room : 1024;
        void *rows = realloc(list->rows, room * list->row_bytes);
        if (!rows) return rw_err_set(ENOMEM, "no memory for %zu rows of bars", room);
        list->rows = rows;
        list->room = room;
    }
    memcpy((uint8_t *)list->rows + list->count++ * list->row_bytes, row, list->row_bytes);
    return 0;
}

static void reached(struct rw_report_bars *bars, uint64_t clock) {
    if (clock <= bars->clock) return;
    bars->clock = clock;
    bars->watermark = clock > bars->cfg.bound_ns ? clock - bars->cfg.bound_ns : 0;
}

int rw_report_bars_take(struct rw_report_bars *bars, const struct rw_entry *entry) {
    if (entry->type == RW_ENTRY_CLOCK) reached(bars, entry->event_time_ns);
    if (entry->type == RW_ENTRY_SESSION && entry->body[0] == RW_SESSION_CLOSE)
        reached(bars, UINT64_MAX);
    if (entry->type != RW_ENTRY_TICK) return 0;
    struct rw_tick_body tick;
    memcpy(&tick, entry->body, sizeof tick);
    bool known = entry->instrument > 0 && entry->instrument < bars->instruments;
    bool legal = tick.bid_price >= 0 && tick.ask_price >= 0 && tick.last_price > 0;
    if (tick.kind != RW_TICK_TRADE || !known || !legal || tick.last_quantity == 0) return 0;
    const struct trade trade = {.time = entry->event_time_ns,
                                .watermark = bars->watermark,
                                .order = entry->sequence,
                                .instrument = entry->instrument,
                                .quantity = tick.last_quantity,
                                .price = tick.last_price};
    return append(&bars->trades, &trade);
}

int rw_report_bars_told(struct rw_report_bars *bars, const struct rw_result *result) {
    return append(&bars->told, result);
}

#define COMPARE(a, b, field) \
    if ((a)->field != (b)->field) return (a)->field < (b)->field ? -1 : 1

static int by_window(const void *a, const void *b) {
    const struct trade *x = a, *y = b;
    COMPARE(x, y, instrument);
    COMPARE(x, y, start);
    COMPARE(x, y, time);
    COMPARE(x, y, order);
    return 0;
}

static int by_length(const void *a, const void *b) {
    const struct rw_result_bar *x = a, *y = b;
    COMPARE(x, y, length_ns);
    COMPARE(x, y, instrument);
    COMPARE(x, y, start_ns);
    COMPARE(x, y, version);
    return 0;
}

/* Takes the trades of one window off the front; counts is what a bar of it must hold. */
static struct rw_result_bar add_up(const struct trade *trades, size_t count, size_t *at) {
    const struct trade *first = &trades[*at];
    struct rw_result_bar bar = {.instrument = first->instrument,
                                .start_ns = first->start,
                                .open = first->price,
                                .high = first->price,
                                .low = first->price};
    __int128 notional = 0;
    for (; *at < count; ++*at) {
        const struct trade *trade = &trades[*at];
        if (trade->instrument != first->instrument || trade->start != first->start) break;
        bar.close = trade->price;
        if (trade->price > bar.high) bar.high = trade->price;
        if (trade->price < bar.low) bar.low = trade->price;
        bar.volume += trade->quantity;
        bar.trades++;
        notional += (__int128)trade->price * trade->quantity;
    }
    bar.notional = notional > INT64_MAX ? INT64_MAX : (int64_t)notional;
    return bar;
}

static bool same(const struct rw_result_bar *a, const struct rw_result_bar *b) {
    return a->open == b->open && a->high == b->high && a->low == b->low && a->close == b->close &&
           a->volume == b->volume && a->notional == b->notional && a->trades == b->trades;
}

static bool same_window(const struct rw_result_bar *a, const struct rw_result_bar *b) {
    return a->instrument == b->instrument && a->start_ns == b->start_ns;
}

/* Goes through the versions told of one window; the last one counts. */
static uint64_t compare_window(const struct rw_result_bar *wanted, const struct rw_result_bar *told,
                               size_t count, size_t *at) {
    if (*at == count || !same_window(wanted, &told[*at])) return 1;
    uint32_t version = 0;
    uint64_t differences = 0;
    for (; *at < count && same_window(wanted, &told[*at]); ++*at)
        differences += told[*at].version != ++version;
    return differences + !same(wanted, &told[*at - 1]);
}

static uint64_t compare_length(struct rw_report_bars *bars, uint32_t k,
                               const struct rw_result_bar *told, size_t told_count,
                               uint64_t *count) {
    uint64_t length = bars->cfg.length_ns[k], differences = 0;
    struct list trades = {.row_bytes = sizeof(struct trade)};
    const struct trade *all = bars->trades.rows;
    for (size_t i = 0; i < bars->trades.count; i++) {
        struct trade trade = all[i];
        trade.start = trade.time - trade.time % length;
        uint64_t end = trade.start + length;
        bool too_late = end + bars->cfg.lateness_ns <= trade.watermark;
        if (too_late || end > bars->watermark) continue;
        if (append(&trades, &trade)) return ++differences;
    }
    if (trades.count > 1) qsort(trades.rows, trades.count, trades.row_bytes, by_window);
    size_t at = 0, at_told = 0;
    while (at < trades.count) {
        struct rw_result_bar wanted = add_up(trades.rows, trades.count, &at);
        ++*count;
        differences += compare_window(&wanted, told, told_count, &at_told);
    }
    free(trades.rows);
    return differences + (told_count - at_told);
}

uint64_t rw_report_bars_settle(struct rw_report_bars *bars, uint64_t *count) {
    struct rw_result_bar *told = bars->told.rows;
    size_t told_count = bars->told.count, at = 0;
    uint64_t differences = 0;
    *count = 0;
    if (told_count > 1) qsort(told, told_count, sizeof *told, by_length);
    for (uint32_t k = 0; k < bars->cfg.lengths; k++) {
        size_t end = at;
        while (end < told_count && told[end].length_ns == bars->cfg.length_ns[k]) end++;
        differences += compare_length(bars, k, told ? told + at : NULL, end - at, count);
        at = end;
    }
    return differences + (told_count - at);
}
