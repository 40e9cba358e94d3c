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
    uint64_t exec_id, reference;
    uint32_t portfolio, instrument;
    int64_t quantity, price, fee; /* signed quantity; 0 = nothing left of it */
    uint8_t kind;
    size_t about; /* the new fill it made or changed, + 1; 0: none */
};

struct rw_report_check {
    const struct rw_image *image;
    struct pair *pairs; /* portfolio × instruments + instrument */
    struct rw_report_marks *marks;
    struct fill *fills; /* all messages, in the order of the log */
    size_t count, room;
    size_t *by_id; /* their indices, by exec_id, then by order; made by settle */
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
    free(check->by_id);
    free(check);
}

static int take_fill(struct rw_report_check *check, const struct rw_entry *entry) {
    struct rw_fill_body body;
    if (entry->slots != 2) return 0;
    memcpy(&body, (const uint8_t *)entry + offsetof(struct rw_entry, body), sizeof body);
    bool in_range = body.portfolio > 0 && body.portfolio < check->image->portfolios.count &&
                    entry->instrument > 0 && entry->instrument < check->image->instruments.count;
    bool legal = body.kind == RW_FILL_BUST ||
                 ((body.side == RW_SIDE_BUY || body.side == RW_SIDE_SELL) &&
                  (body.kind == RW_FILL_NEW || body.kind == RW_FILL_CORRECT) && body.quantity > 0 &&
                  body.price >= 0 && body.price <= INT32_MAX);
    if (!in_range || !legal) return 0;
    if (check->count == check->room) {
        size_t room = check->room ? 2 * check->room : 1024;
        struct fill *fills = realloc(check->fills, room * sizeof *fills);
        if (!fills) return rw_err_set(ENOMEM, "no memory for %zu fills", room);
        check->fills = fills;
        check->room = room;
    }
    bool bust = body.kind == RW_FILL_BUST;
    int64_t quantity = body.side == RW_SIDE_BUY ? body.quantity : -body.quantity;
    check->fills[check->count++] = (struct fill){.exec_id = body.exec_id,
                                                 .reference = body.reference,
                                                 .portfolio = body.portfolio,
                                                 .instrument = entry->instrument,
                                                 .quantity = bust ? 0 : quantity,
                                                 .price = body.price,
                                                 .fee = body.fee,
                                                 .kind = body.kind};
    return 0;
}

int rw_report_check_take(struct rw_report_check *check, const struct rw_entry *entry) {
    if (entry->type == RW_ENTRY_FILL) return take_fill(check, entry);
    rw_report_marks_take(check->marks, entry);
    return 0;
}

static int by_execution(const void *a, const void *b, void *context) {
    const struct fill *fills = context;
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    if (fills[x].exec_id != fills[y].exec_id) return fills[x].exec_id < fills[y].exec_id ? -1 : 1;
    return x < y ? -1 : x > y;
}

/* The first message with an id, whose index is below `before`; NULL when there is none. */
static struct fill *first_of(const struct rw_report_check *check, uint64_t exec_id, size_t before) {
    size_t low = 0, high = check->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (check->fills[check->by_id[middle]].exec_id < exec_id)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == check->count || check->by_id[low] >= before) return NULL;
    struct fill *fill = &check->fills[check->by_id[low]];
    return fill->exec_id == exec_id ? fill : NULL;
}

/* What message i does to the fills in front of it. */
static void survive(struct rw_report_check *check, size_t i) {
    struct fill *message = &check->fills[i];
    if (first_of(check, message->exec_id, i)) { /* an id counts once */
        message->quantity = 0;
        return;
    }
    if (message->kind == RW_FILL_NEW) {
        message->about = i + 1;
        return;
    }
    const struct fill *reference = first_of(check, message->reference, i);
    struct fill *fill = reference && reference->about ? &check->fills[reference->about - 1] : NULL;
    if (fill && fill->portfolio == message->portfolio && fill->instrument == message->instrument &&
        fill->quantity != 0) {
        fill->quantity = message->quantity;
        fill->price = message->price;
        fill->fee = message->fee;
        message->about = reference->about;
    }
    message->quantity = 0;
}

int rw_report_check_settle(struct rw_report_check *check) {
    check->by_id = malloc((check->count + 1) * sizeof *check->by_id);
    if (!check->by_id) return rw_err_set(ENOMEM, "no memory to sort %zu fills", check->count);
    for (size_t i = 0; i < check->count; i++) check->by_id[i] = i;
    qsort_r(check->by_id, check->count, sizeof *check->by_id, by_execution, check->fills);
    for (size_t i = 0; i < check->count; i++) survive(check, i);
    for (size_t i = 0; i < check->count; i++) {
        const struct fill *fill = &check->fills[i];
        if (fill->quantity == 0) continue;
        struct pair *pair = pair_of(check, fill->portfolio, fill->instrument);
        pair->quantity += fill->quantity;
        pair->cash -=
            (__int128)fill->quantity * fill->price * multiplier_of(check, fill->instrument);
        pair->cash -= fill->fee;
    }
    return 0;
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
