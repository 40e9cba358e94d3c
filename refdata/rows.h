/* The rows of the four files as read and checked, before they become an image. Shared by compile.c,
 * which reads them, and layout.c, which lays the image out. Private to the compiler. */
#pragma once

#include <stdio.h>

#include "dataplane/record/image.h"

/* Names → row numbers, growing; row i of a table is known as i + 1, so that 0 means "not there". */
struct rw_name_index {
    uint32_t *cells; /* NULL while empty */
    uint32_t cell_count, used;
    uint32_t width;      /* bytes of a padded name */
    const uint8_t *rows; /* rows begin with the name; set before each use, because tables move */
    size_t row_bytes;
};

/* rw_name_index_find returns i + 1 of the row with this padded name, or 0. */
uint32_t rw_name_index_find(const struct rw_name_index *index, const char *name);
/* rw_name_index_add enters the name of row `row`, which is not there yet. Returns 0 or -ENOMEM. */
int rw_name_index_add(struct rw_name_index *index, uint32_t row);

struct rw_portfolio_source {
    char name[RW_NAME_BYTES], account[RW_NAME_BYTES], desk[RW_NAME_BYTES];
    uint32_t line;
};

struct rw_position_source {
    struct rw_position_row row; /* portfolio: place in the sorted table, from 1 */
    uint32_t line;
};

struct rw_limit_source {
    struct rw_limit_row row;
    uint32_t line;
};

struct rw_rows {
    struct rw_instrument_row *instruments;
    uint32_t *instrument_lines;
    struct rw_portfolio_source *portfolios; /* sorted by (desk, account, name) once read */
    struct rw_position_source *positions;   /* sorted by (instrument, portfolio) once read */
    struct rw_limit_source *limits;         /* sorted by (scope, owner, measure) once read */
    uint32_t instrument_count, portfolio_count, position_count, limit_count;
    uint32_t instrument_room, portfolio_room, position_room, limit_room;
    uint32_t scenarios; /* 0: no returns.csv */
    int32_t *returns;   /* [instrument][RW_IMAGE_PADDED(scenarios)], instruments from 0 */
    struct rw_name_index symbols, names;
};

/* rw_returns_read reads returns.csv of a folder into rows->returns, which stay NULL when there is
 * no such file; the instruments are there already. Findings, at most 20 of them, go to `report`,
 * and their number is added to *findings. Returns 0, or -errno with an error when the file cannot
 * be read. */
int rw_returns_read(const char *folder, FILE *report, struct rw_rows *rows, uint32_t *findings);

/* rw_rows_layout makes the sealed image of sorted rows; NULL when memory is short. Owned by the
 * caller. */
struct rw_image *rw_rows_layout(const struct rw_rows *rows);
