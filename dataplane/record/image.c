/* Nothing in an image is a pointer, so checking it is reading it once: after that, every offset and
 * index in it may be used without a further look. */
#include "dataplane/record/image.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/err.h"
#include "dataplane/base/hash.h"
#include "dataplane/record/result.h"

#define LOCATES      65536u
#define TABLES       10u
#define BAD(...)     rw_err_set(EBADMSG, "reference image: " __VA_ARGS__)
#define TABLE(field) &image->field, #field

static struct rw_hash content_hash(const struct rw_image *image);
static uint32_t name_hash(const char *name, uint32_t width);
static int check_tables(const struct rw_image *image);
static int check_instruments(const struct rw_image *image);
static int check_portfolios(const struct rw_image *image);
static int check_names(const struct rw_image *image, const struct rw_image_table *table,
                       const char *what);
static int check_positions(const struct rw_image *image);
static int check_limits(const struct rw_image *image);
static int check_indices(const struct rw_image *image);

int rw_image_check(const void *memory, uint64_t bytes) {
    const struct rw_image *image = memory;
    RW_ASSERT(((uintptr_t)memory & 63) == 0);
    if (bytes < sizeof *image) return BAD("%llu bytes are too few", (unsigned long long)bytes);
    if (image->magic != RW_IMAGE_MAGIC) return BAD("no image: wrong magic number");
    if (image->version != RW_IMAGE_VERSION)
        return BAD("version %u, this program reads version %u", image->version, RW_IMAGE_VERSION);
    if (image->bytes != bytes)
        return BAD("%llu bytes, its header says %llu", (unsigned long long)bytes,
                   (unsigned long long)image->bytes);
    struct rw_hash hash = content_hash(image);
    if (memcmp(&hash, image->hash, sizeof hash)) return BAD("content does not match its hash");
    int rc = check_tables(image);
    if (rc == 0) rc = check_instruments(image);
    if (rc == 0) rc = check_portfolios(image);
    if (rc == 0) rc = check_names(image, TABLE(accounts));
    if (rc == 0) rc = check_names(image, TABLE(desks));
    if (rc == 0) rc = check_positions(image);
    if (rc == 0) rc = check_limits(image);
    return rc ? rc : check_indices(image);
}

void rw_image_seal(struct rw_image *image) {
    struct rw_hash hash = content_hash(image);
    memcpy(image->hash, &hash, sizeof hash);
}

/* find looks a NUL-padded name up in an index of rows that begin with a name of `width` bytes. */
static uint32_t find(const struct rw_image *image, const struct rw_image_table *index,
                     const struct rw_image_table *rows, const char *name, uint32_t width) {
    const uint32_t *cells = rw_image_rows(image, index);
    const uint8_t *first = rw_image_rows(image, rows);
    uint32_t mask = index->count - 1, at = name_hash(name, width) & mask;
    while (cells[at]) { /* the index is at most half full, so an empty cell ends the search */
        const uint8_t *row = first + (size_t)cells[at] * rows->row_bytes;
        if (memcmp(row, name, width) == 0) return cells[at];
        at = (at + 1) & mask;
    }
    return 0;
}

uint32_t rw_image_symbol(const struct rw_image *image, const char *symbol) {
    char padded[RW_SYMBOL_BYTES] = {0};
    size_t length = strnlen(symbol, sizeof padded);
    if (length == 0 || length == sizeof padded) return 0;
    memcpy(padded, symbol, length);
    return find(image, &image->symbols, &image->instruments, padded, sizeof padded);
}

uint32_t rw_image_symbol8(const struct rw_image *image, const char symbol[8]) {
    char text[9] = {0};
    memcpy(text, symbol, 8);
    for (int end = 7; end >= 0 && (text[end] == ' ' || text[end] == 0); end--) text[end] = 0;
    return rw_image_symbol(image, text);
}

uint32_t rw_image_portfolio(const struct rw_image *image, const char *name) {
    char padded[RW_NAME_BYTES] = {0};
    size_t length = strnlen(name, sizeof padded);
    if (length == 0 || length == sizeof padded) return 0;
    memcpy(padded, name, length);
    return find(image, &image->names, &image->portfolios, padded, sizeof padded);
}

uint32_t rw_image_desk(const struct rw_image *image, const char *name) {
    const struct rw_name_row *rows = rw_image_rows(image, &image->desks);
    for (uint32_t i = 1; i < image->desks.count; i++)
        if (strcmp(rows[i].name, name) == 0) return i;
    return 0;
}

uint32_t rw_image_index_cells(uint32_t rows) {
    uint32_t cells = 2;
    while (cells < 2 * rows) cells *= 2;
    return cells;
}

void rw_image_index_add(uint32_t *cells, uint32_t count, const char *name, uint32_t width,
                        uint32_t index) {
    uint32_t at = name_hash(name, width) & (count - 1);
    while (cells[at]) at = (at + 1) & (count - 1);
    cells[at] = index;
}

/* ---- checks
 * ----------------------------------------------------------------------------------- */

/* content_hash covers the whole image with the hash field as zeros: header first, then the
 * tables. */
static struct rw_hash content_hash(const struct rw_image *image) {
    struct rw_image header = *image;
    memset(header.hash, 0, sizeof header.hash);
    struct rw_hash part[2] = {
        rw_hash_bytes(&header, sizeof header),
        rw_hash_bytes((const uint8_t *)image + sizeof header, image->bytes - sizeof header)};
    return rw_hash_bytes(part, sizeof part);
}

/* name_hash is FNV-1a over the padded name, its high bits folded down: part of the image's
 * format. */
static uint32_t name_hash(const char *name, uint32_t width) {
    uint64_t hash = 14695981039346656037ull;
    for (uint32_t i = 0; i < width; i++) hash = (hash ^ (uint8_t)name[i]) * 1099511628211ull;
    return (uint32_t)(hash ^ hash >> 32);
}

static bool zero(const void *memory, size_t bytes) {
    const uint8_t *at = memory;
    for (size_t i = 0; i < bytes; i++)
        if (at[i]) return false;
    return true;
}

static int check_tables(const struct rw_image *image) {
    const struct {
        const struct rw_image_table *table;
        const char *name;
        uint32_t row_bytes;
        bool row_zero;
    } rows[TABLES] = {{TABLE(instruments), sizeof(struct rw_instrument_row), true},
                      {TABLE(portfolios), sizeof(struct rw_portfolio_row), true},
                      {TABLE(accounts), sizeof(struct rw_name_row), true},
                      {TABLE(desks), sizeof(struct rw_name_row), true},
                      {TABLE(positions), sizeof(struct rw_position_row), false},
                      {TABLE(limits), sizeof(struct rw_limit_row), false},
                      {TABLE(locate), sizeof(uint32_t), false},
                      {TABLE(symbols), sizeof(uint32_t), false},
                      {TABLE(names), sizeof(uint32_t), false},
                      {TABLE(returns),
                       RW_IMAGE_PADDED(image->scenarios) * (uint32_t)sizeof(int32_t),
                       image->scenarios > 0}};
    if (image->scenarios > RW_IMAGE_SCENARIOS_MAX)
        return BAD("%u scenarios, wanted at most %u", image->scenarios, RW_IMAGE_SCENARIOS_MAX);
    if (image->returns.count != (image->scenarios ? image->instruments.count : 0))
        return BAD("%u rows of returns for %u instruments", image->returns.count,
                   image->instruments.count);
    uint64_t end = sizeof *image;
    for (uint32_t i = 0; i < TABLES; i++) {
        const struct rw_image_table *table = rows[i].table;
        uint64_t bytes = (uint64_t)table->count * rows[i].row_bytes;
        if (table->row_bytes != rows[i].row_bytes)
            return BAD("rows of %s have %u bytes, wanted %u", rows[i].name, table->row_bytes,
                       rows[i].row_bytes);
        /* in this order, so that none overlaps another */
        if (table->offset % 64 || table->offset < end || table->offset > image->bytes ||
            bytes > image->bytes - table->offset)
            return BAD("table %s does not lie inside the image", rows[i].name);
        end = table->offset + bytes;
        if (rows[i].row_zero &&
            (table->count == 0 || !zero(rw_image_rows(image, table), rows[i].row_bytes)))
            return BAD("row 0 of %s is not empty", rows[i].name);
    }
    return 0;
}

/* named tells whether a fixed-width name is 1..width-1 characters, NUL padded. */
static bool named(const char *name, uint32_t width) {
    size_t length = strnlen(name, width);
    return length > 0 && length < width && zero(name + length, width - length);
}

static int check_instruments(const struct rw_image *image) {
    const struct rw_instrument_row *rows = rw_image_rows(image, &image->instruments);
    for (uint32_t i = 1; i < image->instruments.count; i++) {
        if (rows[i].index != i || !named(rows[i].symbol, sizeof rows[i].symbol) ||
            rows[i].multiplier < 1 || rows[i].start_price < 0)
            return BAD("instrument row %u is not valid", i);
    }
    return 0;
}

static int check_portfolios(const struct rw_image *image) {
    const struct rw_portfolio_row *rows = rw_image_rows(image, &image->portfolios);
    for (uint32_t i = 1; i < image->portfolios.count; i++) {
        const struct rw_portfolio_row *row = &rows[i], *before = row - 1;
        if (row->index != i || !named(row->name, sizeof row->name))
            return BAD("portfolio row %u is not valid", i);
        if (row->account == 0 || row->account >= image->accounts.count || row->desk == 0 ||
            row->desk >= image->desks.count)
            return BAD("portfolio %s refers to no account or desk", row->name);
        if ((uint64_t)row->limit_first + row->limit_count > image->limits.count)
            return BAD("portfolio %s refers to limits that are not there", row->name);
        if (row->desk < before->desk || row->account < before->account ||
            (row->account == before->account && strcmp(row->name, before->name) <= 0))
            return BAD("portfolio %s is out of order", row->name);
    }
    return 0;
}

static int check_names(const struct rw_image *image, const struct rw_image_table *table,
                       const char *what) {
    const struct rw_name_row *rows = rw_image_rows(image, table);
    for (uint32_t i = 1; i < table->count; i++) {
        if (rows[i].index != i || !named(rows[i].name, sizeof rows[i].name))
            return BAD("row %u of %s is not valid", i, what);
        if ((uint64_t)rows[i].limit_first + rows[i].limit_count > image->limits.count)
            return BAD("row %u of %s refers to limits that are not there", i, what);
    }
    return 0;
}

static int check_positions(const struct rw_image *image) {
    const struct rw_position_row *rows = rw_image_rows(image, &image->positions);
    for (uint32_t i = 0; i < image->positions.count; i++) {
        if (rows[i].instrument == 0 || rows[i].instrument >= image->instruments.count ||
            rows[i].portfolio == 0 || rows[i].portfolio >= image->portfolios.count)
            return BAD("position row %u refers to no instrument or portfolio", i);
        if (i && (rows[i].instrument < rows[i - 1].instrument ||
                  (rows[i].instrument == rows[i - 1].instrument &&
                   rows[i].portfolio <= rows[i - 1].portfolio)))
            return BAD("position row %u is out of order or doubled", i);
    }
    return 0;
}

static int check_limits(const struct rw_image *image) {
    const struct rw_limit_row *rows = rw_image_rows(image, &image->limits);
    for (uint32_t i = 0; i < image->limits.count; i++) {
        uint32_t owners = rows[i].scope == RW_SCOPE_PORTFOLIO ? image->portfolios.count
                          : rows[i].scope == RW_SCOPE_DESK    ? image->desks.count
                          : rows[i].scope == RW_SCOPE_FIRM    ? 1
                                                              : 0;
        bool firm = rows[i].scope == RW_SCOPE_FIRM;
        if (rows[i].owner >= owners || (!firm && rows[i].owner == 0))
            return BAD("limit row %u has no owner", i);
        if (rows[i].measure == RW_MEASURE_NONE || rows[i].measure >= RW_MEASURE_COUNT)
            return BAD("limit row %u has no measure", i);
        if (rows[i].release > 10000) return BAD("limit row %u is released below 0", i);
    }
    return 0;
}

/* check_cells sees that an index refers to rows of the table only, holds each once, and has empty
 * cells. */
static int check_cells(const struct rw_image *image, const struct rw_image_table *index,
                       const struct rw_image_table *table, const char *what) {
    const uint32_t *cells = rw_image_rows(image, index);
    uint32_t used = 0;
    if (index->count != rw_image_index_cells(table->count))
        return BAD("index of %s has %u cells, wanted %u", what, index->count,
                   rw_image_index_cells(table->count));
    for (uint32_t i = 0; i < index->count; i++) {
        if (cells[i] >= table->count) return BAD("index of %s refers to row %u", what, cells[i]);
        used += cells[i] != 0;
    }
    if (used != table->count - 1)
        return BAD("index of %s holds %u rows, wanted %u", what, used, table->count - 1);
    return 0;
}

static int check_indices(const struct rw_image *image) {
    const uint32_t *locate = rw_image_rows(image, &image->locate);
    const struct rw_instrument_row *instruments = rw_image_rows(image, &image->instruments);
    const struct rw_portfolio_row *portfolios = rw_image_rows(image, &image->portfolios);
    if (image->locate.count != LOCATES) return BAD("index of locates has not 65536 cells");
    for (uint32_t i = 0; i < LOCATES; i++) {
        if (locate[i] >= image->instruments.count ||
            (locate[i] && instruments[locate[i]].locate != i))
            return BAD("locate %u refers to a wrong instrument", i);
    }
    int rc = check_cells(image, &image->symbols, &image->instruments, "symbols");
    if (rc == 0) rc = check_cells(image, &image->names, &image->portfolios, "portfolio names");
    if (rc) return rc;
    for (uint32_t i = 1; i < image->instruments.count; i++)
        if (rw_image_symbol(image, instruments[i].symbol) != i)
            return BAD("symbol %s leads to another instrument", instruments[i].symbol);
    for (uint32_t i = 1; i < image->portfolios.count; i++)
        if (rw_image_portfolio(image, portfolios[i].name) != i)
            return BAD("name %s leads to another portfolio", portfolios[i].name);
    return 0;
}
