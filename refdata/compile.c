/* A file after the other; a row with a finding is left out, and later files do not complain about
 * what is missing only because of that. */
#include "refdata/compile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/csv.h"
#include "dataplane/base/err.h"
#include "dataplane/base/hash.h"
#include "dataplane/record/result.h"
#include "refdata/rows.h"

#define INSTRUMENT_COLUMNS \
    "symbol,locate,channel,multiplier,start_price,lot,currency,stale_after_ms"
#define PORTFOLIO_COLUMNS "portfolio,account,desk"
#define POSITION_COLUMNS  "portfolio,symbol,quantity,average_price"
#define LIMIT_COLUMNS     "scope,name,measure,soft,hard,release"
#define LIMIT_LEAST       5u   /* columns of files without hysteresis */
#define RELEASE_MAX       5000 /* 1e-4: half of the bound */
#define DAY_MS            86400000
#define LOT_MAX           1000000000
#define MONEY_MAX         INT64_C(1000000000000000000) /* 1e-4: 10^14 currency units */
#define PRICE_MAX         INT32_MAX                    /* 1e-4: 214,748.3647 */

struct compiling {
    const char *folder;
    FILE *report;
    struct rw_csv csv;
    uint32_t findings;                        /* of the files read so far */
    bool instruments_whole, portfolios_whole; /* no finding: what is not there is really unknown */
    struct rw_rows rows;
    struct rw_name_index accounts; /* over rows.portfolios, by account */
    uint32_t *locate_line;         /* by locate: the line that uses it, or 0 */
    uint32_t *desks;               /* by desk: its first portfolio in order */
    uint32_t desk_count;
    int64_t *units; /* by portfolio: Σ |quantity · multiplier| */
};

typedef int (*read_row)(struct compiling *compiling);

static int read_file(struct compiling *compiling, const char *name, const char *columns,
                     uint32_t least, uint32_t *count, uint32_t max, read_row read);
static int read_instrument(struct compiling *compiling);
static int read_portfolio(struct compiling *compiling);
static int read_position(struct compiling *compiling);
static int read_limit(struct compiling *compiling);
static int order_portfolios(struct compiling *compiling);
static void order_positions(struct compiling *compiling);
static void order_limits(struct compiling *compiling);

static int read_all(struct compiling *compiling) {
    struct rw_rows *rows = &compiling->rows;
    int rc = read_file(compiling, "instruments.csv", INSTRUMENT_COLUMNS, 0, &rows->instrument_count,
                       RW_REFDATA_INSTRUMENTS_MAX, read_instrument);
    if (rc) return rc;
    compiling->instruments_whole = compiling->findings == 0;
    uint32_t before = compiling->findings;
    rc = read_file(compiling, "portfolios.csv", PORTFOLIO_COLUMNS, 0, &rows->portfolio_count,
                   RW_REFDATA_PORTFOLIOS_MAX, read_portfolio);
    if (rc == 0) rc = order_portfolios(compiling);
    if (rc) return rc;
    compiling->portfolios_whole = compiling->findings == before;
    rc = read_file(compiling, "positions.csv", POSITION_COLUMNS, 0, &rows->position_count,
                   RW_REFDATA_POSITIONS_MAX, read_position);
    if (rc) return rc;
    order_positions(compiling);
    rc = read_file(compiling, "limits.csv", LIMIT_COLUMNS, LIMIT_LEAST, &rows->limit_count,
                   RW_REFDATA_LIMITS_MAX, read_limit);
    if (rc) return rc;
    order_limits(compiling);
    if (!compiling->instruments_whole) return 0;
    return rw_returns_read(compiling->folder, compiling->report, rows, &compiling->findings);
}

static int no_memory(void) { return rw_err_set(ENOMEM, "no memory to compile reference data"); }

int rw_refdata_compile_report(const char *folder, FILE *report, struct rw_image **image) {
    struct compiling *compiling = calloc(1, sizeof *compiling);
    if (!compiling) return no_memory();
    *compiling = (struct compiling){.folder = folder, .report = report};
    struct rw_rows *rows = &compiling->rows;
    compiling->locate_line = calloc(UINT16_MAX + 1, sizeof(uint32_t));
    int rc = compiling->locate_line ? read_all(compiling) : no_memory();
    if (rc == 0 && compiling->findings) {
        rc = rw_err_set(EINVAL, "reference data in %s has %u finding%s", folder,
                        compiling->findings, compiling->findings == 1 ? "" : "s");
        rw_err_why("the lines above name each with file, line and column");
        rw_err_fix("correct these lines; refdata/README.md describes the columns");
    }
    if (rc == 0) {
        *image = rw_rows_layout(rows);
        if (!*image) rc = no_memory();
    }
    free(rows->instruments);
    free(rows->instrument_lines);
    free(rows->portfolios);
    free(rows->positions);
    free(rows->limits);
    free(rows->returns);
    free(rows->symbols.cells);
    free(rows->names.cells);
    free(compiling->accounts.cells);
    free(compiling->locate_line);
    free(compiling->desks);
    free(compiling->units);
    free(compiling);
    return rc;
}

int rw_refdata_compile(const char *folder, struct rw_image **image) {
    return rw_refdata_compile_report(folder, stderr, image);
}

/* ---- names
 * ------------------------------------------------------------------------------------ */

static const char *name_of(const struct rw_name_index *index, uint32_t row) {
    return (const char *)index->rows + row * index->row_bytes;
}

/* cell_of returns the cell that holds the name, or the empty one where it belongs. */
static uint32_t cell_of(const struct rw_name_index *index, const char *name) {
    uint32_t mask = index->cell_count - 1;
    uint32_t at = (uint32_t)rw_hash_bytes(name, index->width).low & mask;
    while (index->cells[at] && memcmp(name_of(index, index->cells[at] - 1), name, index->width))
        at = (at + 1) & mask;
    return at;
}

uint32_t rw_name_index_find(const struct rw_name_index *index, const char *name) {
    return index->cells ? index->cells[cell_of(index, name)] : 0;
}

int rw_name_index_add(struct rw_name_index *index, uint32_t row) {
    if (2 * (index->used + 1) > index->cell_count) {
        struct rw_name_index larger = *index;
        larger.cell_count = index->cell_count ? 2 * index->cell_count : 64;
        larger.cells = calloc(larger.cell_count, sizeof *larger.cells);
        if (!larger.cells) return no_memory();
        for (uint32_t i = 0; i < index->cell_count; i++)
            if (index->cells[i])
                larger.cells[cell_of(&larger, name_of(index, index->cells[i] - 1))] =
                    index->cells[i];
        free(index->cells);
        *index = larger;
    }
    index->cells[cell_of(index, name_of(index, row))] = row + 1;
    index->used++;
    return 0;
}

/* ---- reading
 * ---------------------------------------------------------------------------------- */

/* read_file reads a file whose header is `columns`, or without those behind the first `least`; 0:
 * all of them. */
static int read_file(struct compiling *compiling, const char *name, const char *columns,
                     uint32_t least, uint32_t *count, uint32_t max, read_row read) {
    struct rw_csv *csv = &compiling->csv;
    char path[sizeof csv->file];
    if (snprintf(path, sizeof path, "%s/%s", compiling->folder, name) >= (int)sizeof path)
        return rw_err_set(ENAMETOOLONG, "folder %s has too long a name", compiling->folder);
    int rc = least ? rw_csv_open_grown(csv, path, columns, least, compiling->report)
                   : rw_csv_open(csv, path, columns, compiling->report);
    if (rc) return rc;
    while (rc == 0 && rw_csv_next(csv)) {
        if (*count == max)
            rc = rw_err_set(E2BIG, "%s:%u: more than %u rows", path, csv->line, max);
        else
            rc = read(compiling);
    }
    compiling->findings += csv->findings;
    if (csv->findings > RW_CSV_FINDINGS_MAX)
        fprintf(compiling->report, "%s: and %u more\n", path, csv->findings - RW_CSV_FINDINGS_MAX);
    int closed = rw_csv_close(csv); /* the findings are summed up at the end */
    return rc || closed != -EINVAL ? rc : 0;
}

/* grow makes room for row `count`. Returns the table, moved perhaps, or NULL with the old one
 * untouched. */
static void *grow(void *table, uint32_t count, uint32_t *room, size_t row_bytes) {
    if (count < *room) return table;
    uint32_t wanted = *room ? 2 * *room : 256;
    void *moved = realloc(table, wanted * row_bytes);
    if (moved) *room = wanted;
    return moved;
}

static void take_locate(struct compiling *compiling, struct rw_instrument_row *row) {
    struct rw_csv *csv = &compiling->csv;
    int64_t value = 0;
    char none[2];
    if (*csv->at == ',') {
        rw_csv_text(csv, none, sizeof none, true); /* the venue's directory will tell it */
        return;
    }
    if (!rw_csv_integer(csv, 1, UINT16_MAX, &value)) return;
    if (compiling->locate_line[value])
        rw_csv_finding(csv, "locate is '%lld', which line %u has already", (long long)value,
                       compiling->locate_line[value]);
    compiling->locate_line[value] = csv->line;
    row->locate = (uint16_t)value;
}

/* take_currency reads three capital letters, the same in every row: nothing converts money yet. */
static void take_currency(struct compiling *compiling, struct rw_instrument_row *row) {
    struct rw_csv *csv = &compiling->csv;
    const struct rw_instrument_row *first = compiling->rows.instruments;
    char text[5];
    if (!rw_csv_text(csv, text, sizeof text, false)) return;
    if (strlen(text) != 3 || strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3) {
        rw_csv_finding(csv, "currency is '%s', wanted three capital letters", text);
        return;
    }
    memcpy(row->currency, text, 3);
    if (compiling->rows.instrument_count && first->currency[0] &&
        memcmp(row->currency, first->currency, 4))
        rw_csv_finding(csv,
                       "currency is '%s', wanted '%.4s' as in line %u: one image, one currency",
                       text, (const char *)first->currency, compiling->rows.instrument_lines[0]);
}

static int keep_instrument(struct rw_rows *rows, const struct rw_instrument_row *row,
                           uint32_t line) {
    uint32_t room = rows->instrument_room;
    void *lines = grow(rows->instrument_lines, rows->instrument_count, &room, sizeof line);
    if (!lines) return no_memory();
    rows->instrument_lines = lines;
    void *table = grow(rows->instruments, rows->instrument_count, &rows->instrument_room,
                       sizeof *rows->instruments);
    if (!table) return no_memory();
    rows->instruments = table;
    rows->symbols.rows = table;
    rows->instruments[rows->instrument_count] = *row;
    rows->instrument_lines[rows->instrument_count] = line;
    return rw_name_index_add(&rows->symbols, rows->instrument_count++);
}

static int read_instrument(struct compiling *compiling) {
    struct rw_csv *csv = &compiling->csv;
    struct rw_rows *rows = &compiling->rows;
    struct rw_instrument_row row = {0};
    uint32_t before = csv->findings;
    int64_t value;
    rows->symbols.width = RW_SYMBOL_BYTES;
    rows->symbols.row_bytes = sizeof row;
    if (rw_csv_text(csv, row.symbol, sizeof row.symbol, false)) {
        uint32_t other = rw_name_index_find(&rows->symbols, row.symbol);
        if (other)
            rw_csv_finding(csv, "symbol is '%s', which line %u has already", row.symbol,
                           rows->instrument_lines[other - 1]);
    }
    take_locate(compiling, &row);
    if (rw_csv_integer(csv, 0, UINT16_MAX, &value)) row.channel = (uint16_t)value;
    if (rw_csv_integer(csv, 1, INT32_MAX, &value)) row.multiplier = (int32_t)value;
    if (rw_csv_decimal(csv, 0, PRICE_MAX, &value)) row.start_price = (int32_t)value;
    if (rw_csv_integer(csv, 1, LOT_MAX, &value)) row.lot = (uint32_t)value;
    take_currency(compiling, &row);
    if (rw_csv_integer(csv, 0, DAY_MS, &value)) row.stale_after_ns = (uint64_t)value * 1000000;
    if (csv->findings != before) return 0;
    return keep_instrument(rows, &row, csv->line);
}

static int read_portfolio(struct compiling *compiling) {
    struct rw_csv *csv = &compiling->csv;
    struct rw_rows *rows = &compiling->rows;
    struct rw_portfolio_source row = {.line = csv->line};
    struct rw_name_index *names = &rows->names, *accounts = &compiling->accounts;
    uint32_t before = csv->findings, other;
    names->width = accounts->width = RW_NAME_BYTES;
    names->row_bytes = accounts->row_bytes = sizeof row;
    if (rw_csv_text(csv, row.name, sizeof row.name, false) &&
        (other = rw_name_index_find(names, row.name)))
        rw_csv_finding(csv, "portfolio is '%s', which line %u has already", row.name,
                       rows->portfolios[other - 1].line);
    rw_csv_text(csv, row.account, sizeof row.account, false);
    uint32_t account = rw_name_index_find(accounts, row.account);
    if (rw_csv_text(csv, row.desk, sizeof row.desk, false) && account) {
        const struct rw_portfolio_source *same = &rows->portfolios[account - 1];
        /* shards are cut between accounts, so an account is whole and belongs to one desk */
        if (strcmp(same->desk, row.desk))
            rw_csv_finding(csv, "desk is '%s', wanted '%s', the desk of account '%s' in line %u",
                           row.desk, same->desk, row.account, same->line);
    }
    if (csv->findings != before) return 0;
    void *table = grow(rows->portfolios, rows->portfolio_count, &rows->portfolio_room, sizeof row);
    if (!table) return no_memory();
    rows->portfolios = table;
    names->rows = (const uint8_t *)table;
    accounts->rows = names->rows + offsetof(struct rw_portfolio_source, account);
    rows->portfolios[rows->portfolio_count] = row;
    int rc = account ? 0 : rw_name_index_add(accounts, rows->portfolio_count);
    return rc ? rc : rw_name_index_add(names, rows->portfolio_count++);
}

static int compare_portfolios(const void *left, const void *right) {
    const struct rw_portfolio_source *a = left, *b = right;
    int order = strcmp(a->desk, b->desk);
    if (order == 0) order = strcmp(a->account, b->account);
    return order ? order : strcmp(a->name, b->name);
}

/* order_portfolios sorts them into their final places and enters their names anew. */
static int order_portfolios(struct compiling *compiling) {
    struct rw_rows *rows = &compiling->rows;
    struct rw_name_index *names = &rows->names;
    if (rows->portfolio_count)
        qsort(rows->portfolios, rows->portfolio_count, sizeof *rows->portfolios,
              compare_portfolios);
    names->used = 0;
    if (names->cells) memset(names->cells, 0, names->cell_count * sizeof *names->cells);
    for (uint32_t i = 0; i < rows->portfolio_count; i++) {
        int rc = rw_name_index_add(names, i);
        if (rc) return rc;
    }
    compiling->units = calloc(rows->portfolio_count + 1u, sizeof *compiling->units);
    compiling->desks = calloc(rows->portfolio_count + 1u, sizeof *compiling->desks);
    if (!compiling->units || !compiling->desks) return no_memory();
    const struct rw_portfolio_source *row = rows->portfolios;
    for (uint32_t i = 0; i < rows->portfolio_count; i++)
        if (i == 0 || strcmp(row[i].desk, row[i - 1].desk))
            compiling->desks[compiling->desk_count++] = i;
    return 0;
}

/* take_portfolio reads the name of a known portfolio; 0 when it is unknown or the file had
 * findings. */
static uint32_t take_portfolio(struct compiling *compiling) {
    char name[RW_NAME_BYTES];
    if (!rw_csv_text(&compiling->csv, name, sizeof name, false)) return 0;
    uint32_t portfolio = rw_name_index_find(&compiling->rows.names, name);
    if (!portfolio && compiling->portfolios_whole)
        rw_csv_finding(&compiling->csv, "portfolio is '%s', wanted one of portfolios.csv", name);
    return portfolio;
}

static uint32_t take_symbol(struct compiling *compiling) {
    char symbol[RW_SYMBOL_BYTES];
    if (!rw_csv_text(&compiling->csv, symbol, sizeof symbol, false)) return 0;
    uint32_t instrument = rw_name_index_find(&compiling->rows.symbols, symbol);
    if (!instrument && compiling->instruments_whole)
        rw_csv_finding(&compiling->csv, "symbol is '%s', wanted one of instruments.csv", symbol);
    return instrument;
}

/* take_quantity reads a quantity whose product with the multiplier, summed over the portfolio,
 * keeps the bound within which risk's integers cannot overflow. */
static void take_quantity(struct compiling *compiling, struct rw_position_row *row) {
    if (!rw_csv_integer(&compiling->csv, -INT32_MAX, INT32_MAX, &row->quantity)) return;
    if (!row->portfolio || !row->instrument) return;
    int64_t multiplier = compiling->rows.instruments[row->instrument - 1].multiplier;
    int64_t size = row->quantity < 0 ? -row->quantity : row->quantity;
    int64_t *units = &compiling->units[row->portfolio];
    if (*units + size * multiplier > RW_IMAGE_UNITS_MAX)
        rw_csv_finding(&compiling->csv,
                       "quantity is '%lld' (multiplier %lld), wanted at most %lld units in the "
                       "portfolio, which has %lld already",
                       (long long)row->quantity, (long long)multiplier,
                       (long long)RW_IMAGE_UNITS_MAX, (long long)*units);
    else
        *units += size * multiplier;
}

static int read_position(struct compiling *compiling) {
    struct rw_csv *csv = &compiling->csv;
    struct rw_rows *rows = &compiling->rows;
    struct rw_position_source position = {.line = csv->line};
    uint32_t before = csv->findings;
    position.row.portfolio = take_portfolio(compiling);
    position.row.instrument = take_symbol(compiling);
    take_quantity(compiling, &position.row);
    rw_csv_decimal(csv, 0, PRICE_MAX, &position.row.average_price);
    if (csv->findings != before || !position.row.portfolio || !position.row.instrument) return 0;
    void *table =
        grow(rows->positions, rows->position_count, &rows->position_room, sizeof *rows->positions);
    if (!table) return no_memory();
    rows->positions = table;
    rows->positions[rows->position_count++] = position;
    return 0;
}

static int compare_positions(const void *left, const void *right) {
    const struct rw_position_source *a = left, *b = right;
    if (a->row.instrument != b->row.instrument)
        return a->row.instrument < b->row.instrument ? -1 : 1;
    if (a->row.portfolio != b->row.portfolio) return a->row.portfolio < b->row.portfolio ? -1 : 1;
    return a->line < b->line ? -1 : a->line > b->line; /* so that qsort's order is the only one */
}

/* report_double counts a finding that shows only once a file is read whole and sorted. */
static void report_double(struct compiling *compiling, const char *file, uint32_t line,
                          uint32_t other, const char *what) {
    if (compiling->findings++ < RW_CSV_FINDINGS_MAX)
        fprintf(compiling->report, "%s/%s:%u:1: the same %s as in line %u, wanted once\n",
                compiling->folder, file, line, what, other);
}

static void order_positions(struct compiling *compiling) {
    struct rw_rows *rows = &compiling->rows;
    struct rw_position_source *row = rows->positions;
    if (rows->position_count) qsort(row, rows->position_count, sizeof *row, compare_positions);
    for (uint32_t i = 1; i < rows->position_count; i++)
        if (row[i].row.instrument == row[i - 1].row.instrument &&
            row[i].row.portfolio == row[i - 1].row.portfolio)
            report_double(compiling, "positions.csv", row[i].line, row[i - 1].line,
                          "portfolio and symbol");
}

/* take_desk reads the name of a desk and returns its index in the image: its place among sorted
 * desks. */
static uint32_t take_desk(struct compiling *compiling) {
    const struct rw_rows *rows = &compiling->rows;
    char name[RW_NAME_BYTES];
    if (!rw_csv_text(&compiling->csv, name, sizeof name, false)) return 0;
    uint32_t low = 0, high = compiling->desk_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = strcmp(name, rows->portfolios[compiling->desks[middle]].desk);
        if (order == 0) return middle + 1;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    if (compiling->portfolios_whole)
        rw_csv_finding(&compiling->csv, "desk is '%s', wanted one of portfolios.csv", name);
    return 0;
}

static void take_firm(struct compiling *compiling) {
    char name[RW_NAME_BYTES];
    if (rw_csv_text(&compiling->csv, name, sizeof name, true) && name[0] && strcmp(name, "firm"))
        rw_csv_finding(&compiling->csv, "name is '%s', wanted 'firm' or nothing", name);
}

#define MEASURE_SCOPES(NAME, word, unit, scopes, how) scopes,
#define MEASURE_WORD(NAME, word, unit, scopes, how)   "|" word
static const char measure_words[] = RW_MEASURES(MEASURE_WORD);
static const char *const measure_scopes[] = {RW_MEASURES(MEASURE_SCOPES)};

static int read_limit(struct compiling *compiling) {
    struct rw_csv *csv = &compiling->csv;
    struct rw_rows *rows = &compiling->rows;
    struct rw_limit_source limit = {.line = csv->line};
    uint32_t before = csv->findings, scope, measure;
    if (!rw_csv_word(csv, "portfolio|desk|firm", &scope)) return 0; /* whose name would follow? */
    limit.row.scope = (uint8_t)(RW_SCOPE_PORTFOLIO + scope);
    if (limit.row.scope == RW_SCOPE_PORTFOLIO)
        limit.row.owner = take_portfolio(compiling);
    else if (limit.row.scope == RW_SCOPE_DESK)
        limit.row.owner = take_desk(compiling);
    else
        take_firm(compiling);
    if (rw_csv_word(csv, measure_words + 1, &measure)) {
        limit.row.measure = (uint8_t)(measure + 1);
        if (!strchr(measure_scopes[measure], "pdf"[scope]))
            rw_csv_finding(csv, "measure is '%s' of a desk or the firm, wanted it of a portfolio",
                           csv->field);
    }
    bool soft = rw_csv_decimal(csv, 1, MONEY_MAX, &limit.row.soft);
    if (rw_csv_decimal(csv, 1, MONEY_MAX, &limit.row.hard) && soft &&
        limit.row.hard < limit.row.soft)
        rw_csv_finding(csv, "hard is '%s', wanted at least the soft limit", csv->field);
    int64_t release;
    if (csv->column_count > LIMIT_LEAST && rw_csv_decimal(csv, 0, RELEASE_MAX, &release))
        limit.row.release = (uint16_t)release;
    if (csv->findings != before) return 0;
    if (!limit.row.owner && limit.row.scope != RW_SCOPE_FIRM) return 0;
    void *table = grow(rows->limits, rows->limit_count, &rows->limit_room, sizeof *rows->limits);
    if (!table) return no_memory();
    rows->limits = table;
    rows->limits[rows->limit_count++] = limit;
    return 0;
}

static int compare_limits(const void *left, const void *right) {
    const struct rw_limit_source *a = left, *b = right;
    if (a->row.scope != b->row.scope) return a->row.scope < b->row.scope ? -1 : 1;
    if (a->row.owner != b->row.owner) return a->row.owner < b->row.owner ? -1 : 1;
    if (a->row.measure != b->row.measure) return a->row.measure < b->row.measure ? -1 : 1;
    return a->line < b->line ? -1 : a->line > b->line;
}

static void order_limits(struct compiling *compiling) {
    struct rw_rows *rows = &compiling->rows;
    struct rw_limit_source *row = rows->limits;
    if (rows->limit_count) qsort(row, rows->limit_count, sizeof *row, compare_limits);
    for (uint32_t i = 1; i < rows->limit_count; i++)
        if (row[i].row.scope == row[i - 1].row.scope && row[i].row.owner == row[i - 1].row.owner &&
            row[i].row.measure == row[i - 1].row.measure)
            report_double(compiling, "limits.csv", row[i].line, row[i - 1].line,
                          "scope, name and measure");
}
