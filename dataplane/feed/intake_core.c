#include "dataplane/feed/intake_core.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/csv.h"
#include "dataplane/base/err.h"

#define COLUMNS                                                                                   \
    "event_time_ns,source,source_sequence,type,portfolio,symbol,side,quantity,price,fee,exec_id," \
    "match_number,reference"
#define COLUMNS_LEAST 12u /* files written before there was a reference */
#define DAY_NS        86400000000000ll
#define QUANTITY_MAX  1000000000ll
#define PRICE_MAX     INT64_C(2147483647)
#define MONEY_MAX     INT64_C(1000000000000000)

struct loading {
    struct rw_csv csv;
    const struct rw_image *image;
    struct rw_intake_file *file;
    uint64_t room;
    uint64_t last_time;
};

static uint32_t take_portfolio(struct loading *loading) {
    char name[RW_NAME_BYTES];
    if (!rw_csv_text(&loading->csv, name, sizeof name, false)) return 0;
    uint32_t index = rw_image_portfolio(loading->image, name);
    if (!index) rw_csv_finding(&loading->csv, "portfolio '%s' is not in portfolios.csv", name);
    return index;
}

static uint32_t take_symbol(struct loading *loading) {
    char symbol[RW_SYMBOL_BYTES];
    if (!rw_csv_text(&loading->csv, symbol, sizeof symbol, false)) return 0;
    uint32_t index = rw_image_symbol(loading->image, symbol);
    if (!index) rw_csv_finding(&loading->csv, "symbol '%s' is not in instruments.csv", symbol);
    return index;
}

/* The source's rows must be numbered 1, 2, 3, …: that number is what makes a fill exactly-once. */
static void check_order(struct loading *loading, int64_t source, int64_t sequence, int64_t time) {
    uint64_t *last = &loading->file->last_sequence[source];
    if ((uint64_t)sequence != *last + 1)
        rw_csv_finding(&loading->csv, "source_sequence is %lld, wanted %llu for source %lld",
                       (long long)sequence, (unsigned long long)*last + 1, (long long)source);
    *last = (uint64_t)sequence;
    if ((uint64_t)time < loading->last_time)
        rw_csv_finding(&loading->csv, "event_time_ns is before that of the row above");
    loading->last_time = (uint64_t)time;
}

/* Side, quantity, price and fee; a BUST has none of them. */
static void take_terms(struct rw_csv *csv, struct rw_fill_body *body) {
    uint32_t side;
    if (body->kind == RW_FILL_BUST) {
        for (uint32_t i = 0; i < 4; i++) rw_csv_empty(csv);
        return;
    }
    rw_csv_word(csv, "B|S", &side);
    rw_csv_integer(csv, 1, QUANTITY_MAX, &body->quantity);
    rw_csv_decimal(csv, -PRICE_MAX, PRICE_MAX, &body->price);
    rw_csv_decimal(csv, -MONEY_MAX, MONEY_MAX, &body->fee);
    body->side = side ? RW_SIDE_SELL : RW_SIDE_BUY;
}

/* The execution that a CORRECT or a BUST is about; empty for a new fill. */
static void take_reference(struct loading *loading, struct rw_fill_body *body) {
    struct rw_csv *csv = &loading->csv;
    int64_t reference;
    if (csv->column_count == COLUMNS_LEAST) {
        if (body->kind != RW_FILL_NEW)
            rw_csv_finding(csv, "a correction wants the column 'reference' in the header");
    } else if (body->kind == RW_FILL_NEW) {
        rw_csv_empty(csv);
    } else if (rw_csv_integer(csv, 1, INT64_MAX, &reference)) {
        body->reference = (uint64_t)reference;
        if (body->reference == body->exec_id)
            rw_csv_finding(csv, "reference is the row's own exec_id, wanted that of a row above");
    }
}

static void take_row(struct loading *loading, struct rw_intake_fill *fill) {
    static const uint8_t kinds[] = {RW_FILL_NEW, RW_FILL_CORRECT, RW_FILL_BUST};
    struct rw_csv *csv = &loading->csv;
    int64_t time, source, sequence, exec_id, match;
    uint32_t type;
    struct rw_fill_body body = {.kind = RW_FILL_NEW};
    struct rw_entry head = {.type = RW_ENTRY_FILL, .slots = 2, .version = RW_ENTRY_VERSION};
    rw_csv_integer(csv, 0, DAY_NS, &time);
    rw_csv_integer(csv, 1, RW_INTAKE_SOURCES_MAX, &source);
    rw_csv_integer(csv, 1, INT64_MAX, &sequence);
    check_order(loading, source, sequence, time);
    if (rw_csv_word(csv, "FILL|CORRECT|BUST", &type)) body.kind = kinds[type];
    body.portfolio = take_portfolio(loading);
    head.instrument = take_symbol(loading);
    take_terms(csv, &body);
    rw_csv_integer(csv, 1, INT64_MAX, &exec_id);
    rw_csv_integer(csv, 0, INT64_MAX, &match);
    head.event_time_ns = (uint64_t)time;
    body.source = (uint16_t)source;
    body.source_sequence = (uint64_t)sequence;
    body.exec_id = (uint64_t)exec_id;
    body.match_number = (uint64_t)match;
    take_reference(loading, &body);
    memcpy(fill->entry, &head, offsetof(struct rw_entry, body));
    memcpy(fill->entry + offsetof(struct rw_entry, body), &body, sizeof body);
}

static int make_room(struct loading *loading) {
    struct rw_intake_file *file = loading->file;
    if (file->count < loading->room) return 0;
    uint64_t room = loading->room ? 2 * loading->room : 1024;
    void *larger = realloc(file->fill, room * sizeof *file->fill);
    if (!larger) return rw_err_set(ENOMEM, "no memory for %llu fills", (unsigned long long)room);
    file->fill = larger;
    loading->room = room;
    return 0;
}

int rw_intake_load(struct rw_intake_file *file, const char *path, const struct rw_image *image,
                   FILE *report) {
    memset(file, 0, sizeof *file);
    if (!*path) return 0;
    struct loading loading = {.image = image, .file = file};
    int rc = rw_csv_open_grown(&loading.csv, path, COLUMNS, COLUMNS_LEAST, report);
    if (rc) return rc;
    while (!rc && rw_csv_next(&loading.csv)) {
        rc = make_room(&loading);
        if (!rc) take_row(&loading, &file->fill[file->count++]);
    }
    int findings = rw_csv_close(&loading.csv);
    if (!rc) rc = findings;
    if (rc) rw_intake_unload(file);
    return rc;
}

uint32_t rw_intake_ends(const struct rw_intake_file *file) {
    uint32_t ends = 0;
    for (uint32_t source = 1; source <= RW_INTAKE_SOURCES_MAX; source++)
        ends += file->last_sequence[source] > 0;
    return ends ? ends : 1;
}

void rw_intake_unload(struct rw_intake_file *file) {
    free(file->fill);
    memset(file, 0, sizeof *file);
}
