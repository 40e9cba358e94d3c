/* Sizes first, one allocation, then table by table. Every byte that is not a field is zero, so
 * equal rows give equal bytes. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "refdata/rows.h"

#define LOCATES 65536u

static void fill_portfolios(const struct rw_rows *rows, struct rw_image *image);
static void fill_limits(const struct rw_rows *rows, struct rw_image *image);
static void fill_indices(struct rw_image *image);

static void *table_rows(struct rw_image *image, const struct rw_image_table *table) {
    return (uint8_t *)image + table->offset;
}

static void place(struct rw_image_table *table, uint32_t count, size_t row_bytes, uint64_t *bytes) {
    *table = (struct rw_image_table){*bytes, count, (uint32_t)row_bytes};
    *bytes += ((uint64_t)count * row_bytes + 63) & ~(uint64_t)63;
}

/* count_groups counts the distinct desks and accounts of sorted portfolios. */
static void count_groups(const struct rw_rows *rows, uint32_t *desks, uint32_t *accounts) {
    *desks = *accounts = 0;
    for (uint32_t i = 0; i < rows->portfolio_count; i++) {
        const struct rw_portfolio_source *row = &rows->portfolios[i];
        if (i == 0 || strcmp(row->desk, row[-1].desk)) ++*desks;
        if (i == 0 || strcmp(row->account, row[-1].account)) ++*accounts;
    }
}

struct rw_image *rw_rows_layout(const struct rw_rows *rows) {
    uint32_t desks, accounts;
    count_groups(rows, &desks, &accounts);
    struct rw_image head = {.magic = RW_IMAGE_MAGIC, .version = RW_IMAGE_VERSION};
    uint64_t bytes = (sizeof head + 63) & ~63ull;
    place(&head.instruments, rows->instrument_count + 1, sizeof(struct rw_instrument_row), &bytes);
    place(&head.portfolios, rows->portfolio_count + 1, sizeof(struct rw_portfolio_row), &bytes);
    place(&head.accounts, accounts + 1, sizeof(struct rw_name_row), &bytes);
    place(&head.desks, desks + 1, sizeof(struct rw_name_row), &bytes);
    place(&head.positions, rows->position_count, sizeof(struct rw_position_row), &bytes);
    place(&head.limits, rows->limit_count, sizeof(struct rw_limit_row), &bytes);
    place(&head.locate, LOCATES, sizeof(uint32_t), &bytes);
    place(&head.symbols, rw_image_index_cells(head.instruments.count), sizeof(uint32_t), &bytes);
    place(&head.names, rw_image_index_cells(head.portfolios.count), sizeof(uint32_t), &bytes);
    head.scenarios = rows->scenarios;
    place(&head.returns, rows->scenarios ? head.instruments.count : 0,
          RW_IMAGE_PADDED(rows->scenarios) * sizeof(int32_t), &bytes);
    head.bytes = bytes;

    struct rw_image *image = aligned_alloc(64, bytes);
    if (!image) return NULL;
    memset(image, 0, bytes);
    memcpy(image, &head, sizeof head);
    struct rw_instrument_row *instruments = table_rows(image, &image->instruments);
    if (rows->instrument_count)
        memcpy(instruments + 1, rows->instruments, rows->instrument_count * sizeof *instruments);
    struct rw_position_row *positions = table_rows(image, &image->positions);
    for (uint32_t i = 0; i < rows->position_count; i++) positions[i] = rows->positions[i].row;
    if (rows->scenarios)
        memcpy((uint8_t *)table_rows(image, &image->returns) + image->returns.row_bytes,
               rows->returns, (size_t)rows->instrument_count * image->returns.row_bytes);
    fill_portfolios(rows, image);
    fill_limits(rows, image);
    fill_indices(image);
    rw_image_seal(image);
    return image;
}

static void fill_portfolios(const struct rw_rows *rows, struct rw_image *image) {
    struct rw_portfolio_row *portfolios = table_rows(image, &image->portfolios);
    struct rw_name_row *accounts = table_rows(image, &image->accounts);
    struct rw_name_row *desks = table_rows(image, &image->desks);
    uint32_t desk = 0, account = 0;
    for (uint32_t i = 0; i < rows->portfolio_count; i++) {
        const struct rw_portfolio_source *row = &rows->portfolios[i];
        if (i == 0 || strcmp(row->desk, row[-1].desk)) {
            desk++;
            desks[desk].index = desk;
            memcpy(desks[desk].name, row->desk, RW_NAME_BYTES);
        }
        if (i == 0 || strcmp(row->account, row[-1].account)) {
            account++;
            accounts[account].index = account;
            memcpy(accounts[account].name, row->account, RW_NAME_BYTES);
        }
        struct rw_portfolio_row *to = &portfolios[i + 1];
        to->index = i + 1;
        to->account = account;
        to->desk = desk;
        memcpy(to->name, row->name, RW_NAME_BYTES);
    }
}

/* fill_limits copies the limits, which are sorted by owner, and tells each owner where its own
 * begin. */
static void fill_limits(const struct rw_rows *rows, struct rw_image *image) {
    struct rw_limit_row *limits = table_rows(image, &image->limits);
    struct rw_portfolio_row *portfolios = table_rows(image, &image->portfolios);
    struct rw_name_row *desks = table_rows(image, &image->desks);
    for (uint32_t i = 0; i < rows->limit_count; i++) {
        const struct rw_limit_row *row = &rows->limits[i].row;
        limits[i] = *row;
        bool portfolio = row->scope == RW_SCOPE_PORTFOLIO;
        if (row->scope == RW_SCOPE_FIRM) continue; /* found by their scope: they have no owner */
        uint32_t *first =
            portfolio ? &portfolios[row->owner].limit_first : &desks[row->owner].limit_first;
        uint32_t *count =
            portfolio ? &portfolios[row->owner].limit_count : &desks[row->owner].limit_count;
        if (*count == 0) *first = i;
        ++*count;
    }
}

static void fill_indices(struct rw_image *image) {
    uint32_t *locate = table_rows(image, &image->locate);
    uint32_t *symbols = table_rows(image, &image->symbols);
    uint32_t *names = table_rows(image, &image->names);
    struct rw_instrument_row *instruments = table_rows(image, &image->instruments);
    const struct rw_portfolio_row *portfolios = table_rows(image, &image->portfolios);
    for (uint32_t i = 1; i < image->instruments.count; i++) {
        instruments[i].index = i;
        if (instruments[i].locate) locate[instruments[i].locate] = i;
        rw_image_index_add(symbols, image->symbols.count, instruments[i].symbol, RW_SYMBOL_BYTES,
                           i);
    }
    for (uint32_t i = 1; i < image->portfolios.count; i++)
        rw_image_index_add(names, image->names.count, portfolios[i].name, RW_NAME_BYTES, i);
}
