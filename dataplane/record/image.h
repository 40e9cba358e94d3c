/* The reference image: instruments, portfolios, desks, start-of-day positions and limits in one
 * block of memory without pointers, made by refdata/compile from CSV and read by enrich, risk and
 * merge.
 *
 *   ┌ header ┬ instruments[1..n] ┬ portfolios[1..n] ┬ desks[1..n] ┬ positions ┬ limits ┬ locate
 *    index ┐
 *
 * Row 0 of every table with an index is all zero, so that index 0 can mean "none". Identical CSV
 * gives identical bytes; `hash` (XXH3-128 over the image with hash = 0) must be equal at both
 * sites. Portfolios are sorted by (desk, account, portfolio), so a shard is a contiguous range cut
 * only at account boundaries. Positions are sorted by (instrument, portfolio). */
#pragma once

#include <assert.h>
#include <stdint.h>

#define RW_IMAGE_MAGIC   0x474D4957524B5331ull
#define RW_IMAGE_VERSION 1u
#define RW_SYMBOL_BYTES  12u
#define RW_NAME_BYTES    24u

struct rw_image_table {
    uint64_t offset; /* from the start of the image, 64-byte aligned */
    uint32_t count;  /* rows, row 0 included for indexed tables */
    uint32_t row_bytes;
};

struct rw_image {
    uint64_t magic;
    uint32_t version;
    uint32_t reserved;
    uint64_t bytes; /* of the whole image */
    uint8_t hash[16];
    struct rw_image_table instruments; /* struct rw_instrument_row, by instrument index */
    struct rw_image_table portfolios;  /* struct rw_portfolio_row, by portfolio index */
    struct rw_image_table accounts;    /* struct rw_name_row, by account index */
    struct rw_image_table desks;       /* struct rw_name_row, by desk index */
    struct rw_image_table positions;   /* struct rw_position_row */
    struct rw_image_table limits;      /* struct rw_limit_row */
    struct rw_image_table
        locate; /* uint32_t[65536]: instrument index by venue stock locate, or 0 */
    struct rw_image_table
        symbols; /* uint32_t[2^k]: open-addressing hash of the symbol → instrument */
};

struct rw_instrument_row {
    char symbol[RW_SYMBOL_BYTES]; /* NUL padded */
    uint32_t index;
    uint16_t
        locate; /* the venue's stock locate; 0 = assigned by the venue's directory at run time */
    uint16_t channel;
    int32_t multiplier;      /* contract multiplier, ≥ 1 */
    int32_t start_price;     /* start-of-day mark, 1e-4 */
    uint32_t lot;            /* round lot */
    uint64_t stale_after_ns; /* quality STALE when event time passes the last update by more */
    uint8_t currency[4];
    uint8_t reserved[20];
};
static_assert(sizeof(struct rw_instrument_row) == 64, "");

struct rw_portfolio_row {
    char name[RW_NAME_BYTES];
    uint32_t index, account, desk;
    uint32_t reserved;
    uint32_t limit_first, limit_count; /* rows of the limits table */
    uint8_t reserved2[16];
};
static_assert(sizeof(struct rw_portfolio_row) == 64, "");

struct rw_name_row {
    char name[RW_NAME_BYTES];
    uint32_t index;
    uint32_t limit_first, limit_count;
    uint32_t reserved;
};
static_assert(sizeof(struct rw_name_row) == 40, "");

struct rw_position_row {
    uint32_t instrument, portfolio;
    int64_t quantity;      /* signed */
    int64_t average_price; /* 1e-4 */
};
static_assert(sizeof(struct rw_position_row) == 24, "");

enum rw_limit_scope { RW_SCOPE_PORTFOLIO = 1, RW_SCOPE_DESK = 2, RW_SCOPE_FIRM = 3 };

struct rw_limit_row {
    uint8_t scope;   /* enum rw_limit_scope */
    uint8_t measure; /* enum rw_limit_measure */
    uint8_t reserved[2];
    uint32_t owner;     /* portfolio or desk index; 0 = firm */
    int64_t soft, hard; /* money 1e-4; breached when the measure is ≥ */
};
static_assert(sizeof(struct rw_limit_row) == 24, "");

/* rw_image_rows returns the first row of a table as a pointer into the image. Never fails on an
 * image that rw_image_check accepted. */
static inline const void *rw_image_rows(const struct rw_image *image,
                                        const struct rw_image_table *table) {
    return (const uint8_t *)image + table->offset;
}
