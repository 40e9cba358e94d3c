/* End-of-session totals the plain way: a table of all (portfolio, instrument) pairs, a list of all
 * fills, marks by report_marks. */
#include "tools/riskwire/report_check.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/err.h"
#include "tools/riskwire/report_marks.h"

struct pair {
    int64_t quantity;
    __int128 cash;
};

struct fill {
    uint64_t exec_id, order; /* order in the log: the first of an execution counts */
    uint32_t portfolio, instrument;
    int64_t quantity, price, fee; /* signed quantity */
};

struct rw_report_check {
    const struct rw_image *image;
    struct pair *pairs; /* portfolio × instruments + instrument */
    struct rw_report_marks *marks;
    struct fill *fills;
    size_t count, room;
};

static struct pair *pair_of(const struct rw_report_check *check, uint32_t portfolio,
                            uint32_t instrument) {
    return &check->pairs[(size_t)portfolio * check->image->instruments.count + instrument];
}

static int64_t multiplier_of(const struct rw_report_check *check, uint32_t instrument) {
    const struct rw_instrument_row *rows = rw_image_rows(check->image, &check->image->instruments);
    return rows[instrument].multiplier;
}

struct rw_report_check *rw_report_check_new(const struct rw_image *image) {
    struct rw_report_check *check = calloc(1, sizeof *check);
    if (check) {
        check->image = image;
        check->pairs = calloc((size_t)image->portfolios.count * image->instruments.count,
                              sizeof *check->pairs);
        check->marks = rw_report_marks_new(image);
    }
    if (!check || !check->pairs || !check->marks) {
        rw_err_set(ENOMEM, "no memory for %u × %u positions", image->portfolios.count,
                   image->instruments.count);
        rw_report_check_free(check);
        return NULL;
    }
    const struct rw_position_row *rows = rw_image_rows(image, &image->positions);
    for (uint32_t i = 0; i < image->positions.count; i++) {
        struct pair *pair = pair_of(check, rows[i].portfolio, rows[i].instrument);
        pair->quantity = rows[i].quantity;
        pair->cash = -(__int128)rows[i].quantity * rows[i].average_price *
                     multiplier_of(check, rows[i].instrument);
    }
    return check;
}

void rw_report_check_free(struct rw_report_check *check) {
    if (!check) return;
    free(check->pairs);
    rw_report_marks_free(check->marks);
    free(check->fills);
    free(check);
}

static int take_fill(struct rw_report_check *check, const struct rw_entry *entry) {
    struct rw_fill_body body;
    if (entry->slots != 2) return 0;
    memcpy(&body, (const uint8_t *)entry + offsetof(struct rw_entry, body), sizeof body);
    bool in_range = body.portfolio > 0 && body.portfolio < check->image->portfolios.count &&
                    entry->instrument > 0 && entry->instrument < check->image->instruments.count;
    bool legal = (body.side == RW_SIDE_BUY || body.side == RW_SIDE_SELL) &&
                 body.kind == RW_FILL_NEW && body.quantity > 0 && body.price >= 0 &&
                 body.price <= INT32_MAX;
    if (!in_range || !legal) return 0;
    if (check->count == check->room) {
        size_t room = check->room ? 2 * check->room : 1024;
        struct fill *fills = realloc(check->fills, room * sizeof *fills);
        if (!fills) return rw_err_set(ENOMEM, "no memory for %zu fills", room);
        check->fills = fills;
        check->room = room;
    }
    check->fills[check->count++] =
        (struct fill){.exec_id = body.exec_id,
                      .order = entry->sequence,
                      .portfolio = body.portfolio,
                      .instrument = entry->instrument,
                      .quantity = body.side == RW_SIDE_BUY ? body.quantity : -body.quantity,
                      .price = body.price,
                      .fee = body.fee};
    return 0;
}

int rw_report_check_take(struct rw_report_check *check, const struct rw_entry *entry) {
    if (entry->type == RW_ENTRY_FILL) return take_fill(check, entry);
    rw_report_marks_take(check->marks, entry);
    return 0;
}

static int by_execution(const void *a, const void *b) {
    const struct fill *x = a, *y = b;
    if (x->exec_id != y->exec_id) return x->exec_id < y->exec_id ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

void rw_report_check_settle(struct rw_report_check *check) {
    if (check->count > 1) qsort(check->fills, check->count, sizeof *check->fills, by_execution);
    for (size_t i = 0; i < check->count; i++) {
        const struct fill *fill = &check->fills[i];
        if (i > 0 && fill->exec_id == fill[-1].exec_id) continue;
        struct pair *pair = pair_of(check, fill->portfolio, fill->instrument);
        pair->quantity += fill->quantity;
        pair->cash -=
            (__int128)fill->quantity * fill->price * multiplier_of(check, fill->instrument);
        pair->cash -= fill->fee;
    }
}

static int64_t mark_of(const struct rw_report_check *check, uint32_t instrument) {
    return rw_report_marks_of(check->marks, instrument)->price;
}

struct rw_report_total rw_report_check_portfolio(const struct rw_report_check *check,
                                                 uint32_t portfolio) {
    struct rw_report_total total = {0, 0, 0};
    for (uint32_t i = 1; i < check->image->instruments.count; i++) {
        const struct pair *pair = pair_of(check, portfolio, i);
        __int128 value = (__int128)pair->quantity * multiplier_of(check, i) * mark_of(check, i);
        total.pnl += pair->cash + value;
        total.net += value;
        total.gross += value < 0 ? -value : value;
    }
    return total;
}

int64_t rw_report_check_position(const struct rw_report_check *check, uint32_t portfolio,
                                 uint32_t instrument, int64_t *mark) {
    *mark = mark_of(check, instrument);
    return pair_of(check, portfolio, instrument)->quantity;
}
