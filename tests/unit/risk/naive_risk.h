/* A second, naive calculation of what the log means, for comparison: it keeps every fill and, by
 * report_marks, every last tick, and after each entry computes every portfolio, desk and the firm
 * from scratch. It shares no code with risk/ but the records' layout. */
#pragma once

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/record/image.h"
#include "dataplane/record/result.h"
#include "tests/unit/risk/risk_driver.h"
#include "tools/riskwire/report_marks.h"

#define NAIVE_ROWS 64u /* instruments, portfolios, desks: at most 63 each */

struct naive_totals {
    int64_t realised, unrealised, gross, net;
    int64_t buys, sells; /* of open orders */
    uint16_t quality;
    uint8_t state[RW_MEASURE_COUNT];
};

struct naive {
    const struct rw_image *image;
    struct rw_report_marks *marks;
    struct rw_fill_body fill[4096];
    uint32_t fill_instrument[4096], fills; /* a busted one has quantity 0 */
    struct {
        uint64_t exec_id;
        uint32_t fill; /* it made or corrected, index + 1; 0: none */
    } seen[4096];
    uint32_t seen_count;
    struct naive_order {
        struct rw_order_body body; /* quantity: what is open */
        uint32_t instrument;
        int64_t price;
    } order[4096];
    uint32_t orders;
    uint32_t valued_of; /* portfolio whose order of this entry has a value */
    int64_t order_value[NAIVE_ROWS];
    int64_t peak[NAIVE_ROWS]; /* highest P&L of a portfolio */
    bool begun;
    struct naive_totals portfolio[NAIVE_ROWS], desk[NAIVE_ROWS], firm; /* as last published */
    struct rw_result *out;
    uint32_t count;
};

static inline int64_t naive_round(__int128 a, __int128 b) {
    bool negative = (a < 0) != (b < 0);
    if (a < 0) a = -a;
    if (b < 0) b = -b;
    __int128 whole = a / b, twice = 2 * (a % b);
    if (twice > b || (twice == b && whole % 2)) whole++;
    return (int64_t)(negative ? -whole : whole);
}

/* One pair from scratch: the opening row, then every fill one unit after the other would be exact
 * but slow; fills are cut at flat instead. */
static inline void naive_pair(const struct naive *naive, uint32_t p, uint32_t i, int64_t *quantity,
                              int64_t *realised, int64_t *cost) {
    const struct rw_instrument_row *rows = rw_image_rows(naive->image, &naive->image->instruments);
    const struct rw_position_row *opening = rw_image_rows(naive->image, &naive->image->positions);
    int64_t multiplier = rows[i].multiplier, C = 0, Q = 0, r = 0, banked = 0, fees = 0,
            proceeds = 0;
    for (uint32_t k = 0; k < naive->image->positions.count; k++)
        if (opening[k].portfolio == p && opening[k].instrument == i) {
            r = Q = opening[k].quantity;
            C = r * multiplier * opening[k].average_price;
        }
    for (uint32_t k = 0; k < naive->fills; k++) {
        const struct rw_fill_body *fill = &naive->fill[k];
        if (fill->portfolio != p || naive->fill_instrument[k] != i || !fill->quantity) continue;
        int64_t left = fill->side == 'B' ? fill->quantity : -fill->quantity;
        fees += fill->fee;
        while (left != 0) {
            if (r == 0 || (r > 0) == (left > 0)) { /* grows: proceeds so far are banked */
                int64_t open_cost = r == 0 ? 0 : naive_round((__int128)C * r, Q);
                if (Q != 0) banked += proceeds - (C - open_cost);
                proceeds = 0;
                C = open_cost + left * multiplier * fill->price;
                Q = r = r + left;
                left = 0;
            } else {
                int64_t part = llabs(left) < llabs(r) ? left : -r;
                proceeds -= part * multiplier * fill->price;
                r += part;
                left -= part;
                if (r == 0) {
                    banked += proceeds - C;
                    C = Q = proceeds = 0;
                }
            }
        }
    }
    *quantity = r;
    *cost = r == 0 ? 0 : naive_round((__int128)C * r, Q);
    *realised = banked + (Q != 0 ? proceeds - (C - *cost) : 0) - fees;
}

/* What is open of a portfolio, or of one instrument of it (quantities). */
static inline void naive_open(const struct naive *naive, uint32_t p, uint32_t instrument,
                              int64_t *buys, int64_t *sells) {
    const struct rw_instrument_row *rows = rw_image_rows(naive->image, &naive->image->instruments);
    *buys = *sells = 0;
    for (uint32_t k = 0; k < naive->orders; k++) {
        const struct naive_order *order = &naive->order[k];
        if (order->body.portfolio != p) continue;
        if (instrument && order->instrument != instrument) continue;
        int64_t value = order->body.quantity;
        if (!instrument) value *= rows[order->instrument].multiplier * order->price;
        *(order->body.side == 'B' ? buys : sells) += value;
    }
}

/* Follows an order; true when what is open has changed. */
static inline bool naive_order_event(struct naive *naive, uint32_t instrument,
                                     const struct rw_order_body *body) {
    struct naive_order *known = NULL;
    for (uint32_t k = 0; k < naive->orders && !known; k++)
        if (naive->order[k].body.order_id == body->order_id) known = &naive->order[k];
    int64_t price = body->price ? body->price : rw_report_marks_of(naive->marks, instrument)->price;
    const struct rw_instrument_row *rows = rw_image_rows(naive->image, &naive->image->instruments);
    int64_t total = body->quantity * rows[instrument].multiplier * price;
    if (body->kind == RW_ORDER_ACCEPTED || body->kind == RW_ORDER_REJECTED) {
        if (known) return false;
        if (body->kind == RW_ORDER_ACCEPTED) {
            naive->valued_of = body->portfolio;
            naive->order_value[body->portfolio] = total;
        }
        RW_ASSERT(naive->orders < 4096);
        struct naive_order *order = &naive->order[naive->orders++];
        *order = (struct naive_order){*body, instrument, price};
        if (body->kind == RW_ORDER_REJECTED) order->body.quantity = 0;
        return body->kind == RW_ORDER_ACCEPTED;
    }
    if (!known || !known->body.quantity || known->body.portfolio != body->portfolio ||
        known->body.side != body->side || known->instrument != instrument)
        return false;
    bool replaced = body->kind == RW_ORDER_REPLACED;
    int64_t quantity = replaced ? body->quantity : 0;
    if (replaced) {
        naive->valued_of = body->portfolio;
        naive->order_value[body->portfolio] = total;
    }
    if (!replaced) price = known->price;
    bool changed = quantity != known->body.quantity || price != known->price;
    known->body.quantity = quantity;
    known->price = price;
    return changed;
}

static inline void naive_order_fill(struct naive *naive, uint32_t instrument,
                                    const struct rw_fill_body *fill) {
    for (uint32_t k = 0; k < naive->orders; k++) {
        struct naive_order *order = &naive->order[k];
        if (order->body.order_id != fill->reference || order->instrument != instrument ||
            order->body.portfolio != fill->portfolio || order->body.side != fill->side)
            continue;
        int64_t left = order->body.quantity - fill->quantity;
        order->body.quantity = left > 0 ? left : 0;
    }
}

/* States from what they were before; peak: the highest P&L so far. */
static inline void naive_limits(const struct naive *naive, struct naive_totals *totals,
                                uint8_t scope, uint32_t owner, const struct naive_totals *before,
                                int64_t peak) {
    const struct rw_limit_row *rows = rw_image_rows(naive->image, &naive->image->limits);
    for (uint32_t k = 0; k < naive->image->limits.count; k++) {
        const struct rw_limit_row *row = &rows[k];
        if (row->scope != scope || row->owner != owner) continue;
        int64_t pnl = totals->realised + totals->unrealised;
        int64_t value = row->measure == RW_MEASURE_GROSS  ? totals->gross
                        : row->measure == RW_MEASURE_NET  ? llabs(totals->net)
                        : row->measure == RW_MEASURE_LOSS ? -pnl
                                                          : peak - pnl;
        if (row->measure == RW_MEASURE_ORDER) value = naive->order_value[owner];
        if (row->measure == RW_MEASURE_OPEN) {
            int64_t up = llabs(totals->net + totals->buys);
            int64_t down = llabs(totals->net - totals->sells);
            value = up > down ? up : down;
        }
        uint8_t state = 0, was = before->state[row->measure];
        for (uint8_t level = 1; level <= 2; level++) {
            __int128 bound = level == 1 ? row->soft : row->hard;
            if (was >= level && row->measure != RW_MEASURE_ORDER)
                bound -= bound * row->release / 10000;
            if (value >= bound) state = level;
        }
        totals->state[row->measure] = state;
    }
}

static inline struct naive_totals naive_portfolio(const struct naive *naive, uint32_t p) {
    const struct rw_instrument_row *rows = rw_image_rows(naive->image, &naive->image->instruments);
    struct naive_totals totals = {0};
    for (uint32_t i = 1; i < naive->image->instruments.count; i++) {
        int64_t quantity, realised, cost;
        naive_pair(naive, p, i, &quantity, &realised, &cost);
        int64_t value = quantity * rows[i].multiplier * rw_report_marks_of(naive->marks, i)->price;
        totals.realised += realised;
        totals.unrealised += value - cost;
        totals.net += value;
        totals.gross += llabs(value);
        if (quantity) totals.quality |= rw_report_marks_of(naive->marks, i)->quality;
    }
    naive_open(naive, p, 0, &totals.buys, &totals.sells);
    return totals;
}

static inline void naive_emit(struct naive *naive, const struct rw_entry *entry, uint32_t conflated,
                              uint8_t kind, uint32_t row, const struct naive_totals *totals,
                              uint8_t measure) {
    struct rw_result *to = &naive->out[naive->count++];
    *to = (struct rw_result){.block_length = 120,
                             .template_id = 1,
                             .schema_id = 0x5257,
                             .schema_version = 1,
                             .result_sequence = naive->count,
                             .input_sequence = entry->sequence,
                             .event_time_ns = entry->event_time_ns,
                             .portfolio = row,
                             .kind = kind,
                             .measure = measure,
                             .method = 1,
                             .conflated = conflated};
    if (!totals) return;
    for (uint32_t m = 1; m < RW_MEASURE_COUNT; m++)
        if (totals->state[m] > to->limit_state) to->limit_state = totals->state[m];
    if (measure) to->limit_state = totals->state[measure];
    to->quality = totals->quality;
    to->realised_pnl = totals->realised;
    to->unrealised_pnl = totals->unrealised;
    to->gross = totals->gross;
    to->net = totals->net;
    to->open_buys = totals->buys;
    to->open_sells = totals->sells;
}

/* Keeps a new fill, or changes the one that a correction is about; returns its index + 1, or 0. */
static inline uint32_t naive_fill(struct naive *naive, uint32_t instrument,
                                  const struct rw_fill_body *fill) {
    uint32_t about = 0;
    for (uint32_t k = 0; k < naive->seen_count; k++)
        if (naive->seen[k].exec_id == fill->exec_id) return 0;
    for (uint32_t k = 0; k < naive->seen_count; k++)
        if (naive->seen[k].exec_id == fill->reference) about = naive->seen[k].fill;
    RW_ASSERT(naive->fills < 4096 && naive->seen_count < 4096);
    if (fill->kind == RW_FILL_NEW) {
        naive_order_fill(naive, instrument, fill);
        naive->fill_instrument[naive->fills] = instrument;
        naive->fill[naive->fills++] = *fill;
        about = naive->fills;
    } else if (about) {
        struct rw_fill_body *old = &naive->fill[about - 1];
        bool same = old->portfolio == fill->portfolio &&
                    naive->fill_instrument[about - 1] == instrument && old->quantity;
        if (same) {
            old->quantity = fill->kind == RW_FILL_BUST ? 0 : fill->quantity;
            old->side = fill->side;
            old->price = fill->price;
            old->fee = fill->fee;
        } else {
            about = 0;
        }
    }
    naive->seen[naive->seen_count].exec_id = fill->exec_id;
    naive->seen[naive->seen_count++].fill = about;
    return about;
}

/* Takes the entry into the state; returns the index + 1 of a fill that was accepted. */
static inline uint32_t naive_take(struct naive *naive, const struct log_entry *log,
                                  uint32_t *conflated) {
    const struct rw_entry *entry = &log->entry;
    *conflated = 0;
    rw_report_marks_take(naive->marks, entry);
    if (entry->type == RW_ENTRY_TICK) {
        struct rw_tick_body tick;
        memcpy(&tick, entry->body, sizeof tick);
        if (tick.kind != RW_TICK_CHANNEL) *conflated = tick.replaced;
    } else if (entry->type == RW_ENTRY_FILL) {
        struct rw_fill_body fill;
        memcpy(&fill, (const uint8_t *)log + offsetof(struct rw_entry, body), sizeof fill);
        return naive_fill(naive, entry->instrument, &fill);
    }
    return 0;
}

static inline void naive_position(struct naive *naive, const struct rw_entry *entry, uint32_t p,
                                  uint32_t i) {
    const struct rw_instrument_row *rows = rw_image_rows(naive->image, &naive->image->instruments);
    int64_t quantity, realised, cost;
    naive_pair(naive, p, i, &quantity, &realised, &cost);
    int64_t value = quantity * rows[i].multiplier * rw_report_marks_of(naive->marks, i)->price;
    struct naive_totals totals = {.realised = realised,
                                  .unrealised = value - cost,
                                  .gross = llabs(value),
                                  .net = value,
                                  .quality = rw_report_marks_of(naive->marks, i)->quality};
    naive_open(naive, p, i, &totals.buys, &totals.sells);
    naive_emit(naive, entry, 0, RW_RESULT_POSITION, p, &totals, 0);
    struct rw_result *record = &naive->out[naive->count - 1];
    record->instrument = i;
    record->position = quantity;
    const struct rw_report_mark *mark = rw_report_marks_of(naive->marks, i);
    record->mark = mark->price;
    record->venues = mark->venues;
    if (mark->across_since_ns && entry->event_time_ns > mark->across_since_ns)
        record->across_ns = entry->event_time_ns - mark->across_since_ns;
}

/* Applies one numbered entry and appends its records to out. The first must be SESSION open. */
static inline void naive_apply(struct naive *naive, const struct log_entry *log) {
    const struct rw_entry *entry = &log->entry;
    const struct rw_portfolio_row *rows = rw_image_rows(naive->image, &naive->image->portfolios);
    naive->valued_of = 0;
    uint32_t conflated, of = 0, about = 0, fill = naive_take(naive, log, &conflated);
    if (fill) {
        of = naive->fill[fill - 1].portfolio;
        about = naive->fill_instrument[fill - 1];
    } else if (entry->type == RW_ENTRY_ORDER) {
        struct rw_order_body body;
        memcpy(&body, entry->body, sizeof body);
        about = entry->instrument;
        if (naive_order_event(naive, about, &body)) of = body.portfolio;
    }
    bool touched[NAIVE_ROWS] = {0}, any = false;
    if (entry->type == RW_ENTRY_SESSION) naive_emit(naive, entry, 0, entry->body[0], 0, NULL, 0);
    for (uint32_t p = 1; p < naive->image->portfolios.count; p++) {
        struct naive_totals now = naive_portfolio(naive, p), before = naive->portfolio[p];
        int64_t pnl = now.realised + now.unrealised;
        if (!naive->begun || pnl > naive->peak[p]) naive->peak[p] = pnl;
        naive_limits(naive, &now, RW_SCOPE_PORTFOLIO, p, &before, naive->peak[p]);
        bool told = naive->valued_of == p && now.state[RW_MEASURE_ORDER];
        bool changed = told || memcmp(&now, &before, sizeof now) != 0;
        naive->portfolio[p] = now;
        if (changed) naive_emit(naive, entry, conflated, RW_RESULT_PORTFOLIO, p, &now, 0);
        if (of == p) naive_position(naive, entry, p, about);
        for (uint8_t m = 1; m < RW_MEASURE_COUNT; m++)
            if (now.state[m] != before.state[m] || (told && m == RW_MEASURE_ORDER))
                naive_emit(naive, entry, conflated, RW_RESULT_LIMIT, p, &now, m);
        if (changed) touched[rows[p].desk] = any = true;
    }
    struct naive_totals firm = {0};
    for (uint32_t d = 1; d < naive->image->desks.count; d++) {
        struct naive_totals now = {0}, before = naive->desk[d];
        for (uint32_t p = 1; p < naive->image->portfolios.count; p++) {
            if (rows[p].desk != d) continue;
            const struct naive_totals *part = &naive->portfolio[p];
            now.realised += part->realised;
            now.unrealised += part->unrealised;
            now.gross += part->gross;
            now.net += part->net;
            now.quality |= part->quality;
        }
        firm.realised += now.realised;
        firm.unrealised += now.unrealised;
        firm.gross += now.gross;
        firm.net += now.net;
        firm.quality |= now.quality;
        naive_limits(naive, &now, RW_SCOPE_DESK, d, &before, 0);
        if (!touched[d]) continue;
        naive->desk[d] = now;
        naive_emit(naive, entry, conflated, RW_RESULT_DESK, d, &now, 0);
        for (uint8_t m = 1; m < RW_MEASURE_COUNT; m++)
            if (now.state[m] != before.state[m])
                naive_emit(naive, entry, conflated, RW_RESULT_DESK_LIMIT, d, &now, m);
    }
    naive->begun = true;
    if (!any) return;
    naive_limits(naive, &firm, RW_SCOPE_FIRM, 0, &naive->firm, 0);
    naive_emit(naive, entry, conflated, RW_RESULT_FIRM, 0, &firm, 0);
    for (uint8_t m = 1; m < RW_MEASURE_COUNT; m++)
        if (firm.state[m] != naive->firm.state[m])
            naive_emit(naive, entry, conflated, RW_RESULT_FIRM_LIMIT, 0, &firm, m);
    naive->firm = firm;
}
