#include "dataplane/feed/intake_core.h"

#include <errno.h>
#include <stdbool.h>
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

/* The words of the column `type`: an entry's type and kind, and which columns it has. */
static const struct {
    uint8_t entry, kind;
    bool side, terms; /* terms: quantity and price */
} types[] = {
    {RW_ENTRY_FILL, RW_FILL_NEW, true, true},
    {RW_ENTRY_FILL, RW_FILL_CORRECT, true, true},
    {RW_ENTRY_FILL, RW_FILL_BUST, false, false},
    {RW_ENTRY_ORDER, RW_ORDER_ACCEPTED, true, true},
    {RW_ENTRY_ORDER, RW_ORDER_REPLACED, true, true},
    {RW_ENTRY_ORDER, RW_ORDER_CANCELLED, true, false},
    {RW_ENTRY_ORDER, RW_ORDER_REJECTED, true, true},
    {RW_ENTRY_ORDER, RW_ORDER_EXPIRED, true, false},
};
#define TYPE_WORDS "FILL|CORRECT|BUST|ORDER|REPLACE|CANCEL|REJECT|EXPIRE"

/* What a row says, before it is an entry. */
struct row {
    uint32_t type; /* of types */
    int64_t time, source, sequence, quantity, price, fee, exec_id, match, reference;
    uint32_t portfolio, instrument;
    uint8_t side;
};

static void take_terms(struct rw_csv *csv, struct row *row) {
    bool fill = types[row->type].entry == RW_ENTRY_FILL, terms = types[row->type].terms;
    uint32_t side;
    if (!types[row->type].side)
        rw_csv_empty(csv);
    else if (rw_csv_word(csv, "B|S", &side))
        row->side = side ? RW_SIDE_SELL : RW_SIDE_BUY;
    if (terms) {
        rw_csv_integer(csv, 1, QUANTITY_MAX, &row->quantity);
        rw_csv_decimal(csv, -PRICE_MAX, PRICE_MAX, &row->price);
    } else {
        rw_csv_empty(csv);
        rw_csv_empty(csv);
    }
    if (fill && terms)
        rw_csv_decimal(csv, -MONEY_MAX, MONEY_MAX, &row->fee);
    else
        rw_csv_empty(csv);
    if (fill) {
        rw_csv_integer(csv, 1, INT64_MAX, &row->exec_id);
        rw_csv_integer(csv, 0, INT64_MAX, &row->match);
    } else {
        rw_csv_empty(csv);
        rw_csv_empty(csv);
    }
}

/* The execution that a CORRECT or a BUST is about, the order of the others; a FILL need not say. */
static void take_reference(struct rw_csv *csv, struct row *row) {
    bool new_fill = types[row->type].entry == RW_ENTRY_FILL && types[row->type].kind == RW_FILL_NEW;
    if (csv->column_count == COLUMNS_LEAST) {
        if (!new_fill) rw_csv_finding(csv, "such a row wants the column 'reference' in the header");
        return;
    }
    if (new_fill && !*csv->at) {
        rw_csv_empty(csv);
        return;
    }
    rw_csv_integer(csv, 1, INT64_MAX, &row->reference);
    if (!new_fill && row->reference && row->reference == row->exec_id)
        rw_csv_finding(csv, "reference is the row's own exec_id, wanted that of a row above");
}

static void write_entry(const struct row *row, struct rw_intake_fill *to) {
    uint8_t type = types[row->type].entry, kind = types[row->type].kind;
    struct rw_entry head = {.event_time_ns = (uint64_t)row->time,
                            .type = type,
                            .slots = type == RW_ENTRY_FILL ? 2 : 1,
                            .version = RW_ENTRY_VERSION,
                            .instrument = row->instrument};
    const struct rw_fill_body fill = {.source_sequence = (uint64_t)row->sequence,
                                      .exec_id = (uint64_t)row->exec_id,
                                      .portfolio = row->portfolio,
                                      .source = (uint16_t)row->source,
                                      .side = row->side,
                                      .kind = kind,
                                      .quantity = row->quantity,
                                      .price = row->price,
                                      .fee = row->fee,
                                      .match_number = (uint64_t)row->match,
                                      .reference = (uint64_t)row->reference};
    const struct rw_order_body order = {.source_sequence = (uint64_t)row->sequence,
                                        .order_id = (uint64_t)row->reference,
                                        .portfolio = row->portfolio,
                                        .source = (uint16_t)row->source,
                                        .side = row->side,
                                        .kind = kind,
                                        .quantity = row->quantity,
                                        .price = row->price};
    uint8_t *body = to->entry + offsetof(struct rw_entry, body);
    memset(to->entry, 0, sizeof to->entry);
    memcpy(to->entry, &head, offsetof(struct rw_entry, body));
    if (type == RW_ENTRY_FILL)
        memcpy(body, &fill, sizeof fill);
    else
        memcpy(body, &order, sizeof order);
}

static void take_row(struct loading *loading, struct rw_intake_fill *fill) {
    struct rw_csv *csv = &loading->csv;
    struct row row = {.type = 0};
    rw_csv_integer(csv, 0, DAY_NS, &row.time);
    rw_csv_integer(csv, 1, RW_INTAKE_SOURCES_MAX, &row.source);
    rw_csv_integer(csv, 1, INT64_MAX, &row.sequence);
    check_order(loading, row.source, row.sequence, row.time);
    rw_csv_word(csv, TYPE_WORDS, &row.type);
    row.portfolio = take_portfolio(loading);
    row.instrument = take_symbol(loading);
    take_terms(csv, &row);
    take_reference(csv, &row);
    write_entry(&row, fill);
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
