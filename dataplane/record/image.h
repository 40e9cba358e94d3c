/* The reference image: instruments, portfolios, desks, start-of-day positions and limits in one
 * block of memory without pointers, made by refdata/compile from CSV and read by enrich, risk and
 * merge.
 *
 *   ┌ header ┬ instruments[1..n] ┬ portfolios[1..n] ┬ desks[1..n] ┬ positions ┬ limits ┬ … ┐
 *
 * Row 0 of every table with an index is all zero, so that index 0 can mean "none". Identical CSV
 * gives identical bytes; `hash` (XXH3-128 over the image with hash = 0) must be equal at both
 * sites. Portfolios are sorted by (desk, account, portfolio), so a shard is a contiguous range cut
 * only at account boundaries. Positions are sorted by (instrument, portfolio). */
#pragma once

#include <assert.h>
#include <stdint.h>

#define RW_IMAGE_MAGIC   0x474D4957524B5331ull
#define RW_IMAGE_VERSION 2u
#define RW_SYMBOL_BYTES  12u
/* Bound of Σ |quantity · multiplier| of a portfolio: within it risk's integers cannot overflow. */
#define RW_IMAGE_UNITS_MAX ((int64_t)INT32_MAX)
#define RW_NAME_BYTES      24u

struct rw_image_table {
    uint64_t offset; /* from the start of the image, 64-byte aligned */
    uint32_t count;  /* rows, row 0 included for indexed tables */
    uint32_t row_bytes;
};

struct rw_image {
    uint64_t magic;
    uint32_t version;
    uint32_t scenarios; /* of the returns table; 0: there are none */
    uint64_t bytes;     /* of the whole image */
    uint8_t hash[16];
    struct rw_image_table instruments; /* struct rw_instrument_row, by instrument index */
    struct rw_image_table portfolios;  /* struct rw_portfolio_row, by portfolio index */
    struct rw_image_table accounts;    /* struct rw_name_row, by account index */
    struct rw_image_table desks;       /* struct rw_name_row, by desk index */
    struct rw_image_table positions;   /* struct rw_position_row */
    struct rw_image_table limits;      /* struct rw_limit_row */
    struct rw_image_table locate;      /* uint32_t[65536]: instrument by venue stock locate, or 0 */
    struct rw_image_table symbols; /* uint32_t[2^k]: open-addressing hash, symbol → instrument */
    struct rw_image_table names;   /* uint32_t[2^k]: open-addressing hash, name → portfolio */
    /* int32_t[instrument][RW_IMAGE_PADDED(scenarios)]: what each scenario does to an instrument, as
     * dataplane/base/shift.h compiles it; 0 behind the last scenario, and in the rows of
     * instruments without a history. No rows without scenarios. */
    struct rw_image_table returns;
};
#define RW_IMAGE_SCENARIOS_MAX     4096u
#define RW_IMAGE_PADDED(scenarios) (((scenarios) + 15u) & ~15u)

struct rw_instrument_row {
    char symbol[RW_SYMBOL_BYTES]; /* NUL padded */
    uint32_t index;
    uint16_t locate; /* the venue's stock locate; 0 = told by the venue's directory at run time */
    uint16_t channel;
    int32_t multiplier;  /* contract multiplier, ≥ 1 */
    int32_t start_price; /* start-of-day mark, 1e-4 */
    uint32_t lot;        /* round lot */
    uint64_t
        stale_after_ns; /* quality STALE when event time passes the last update by more; 0: never */
    uint8_t currency[4];
    uint8_t shift;   /* enum rw_shift: what its returns are relative to */
    uint8_t history; /* 1: it has returns */
    uint8_t reserved[18];
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
    /* Hysteresis: a state is left when the measure is below its bound by this share of it, 1e-4. */
    uint16_t release;
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

/* rw_image_check tells whether `bytes` bytes of memory (64-byte aligned) are an image that every
 * function here and every reader of its tables may trust: magic, version, size, hash, tables inside
 * and apart, row 0 empty, indices and references in range, the promised orders. Returns 0, or
 * -EBADMSG with an error set that names what is wrong. Cold path, O(rows); any thread. */
int rw_image_check(const void *memory, uint64_t bytes);

/* rw_image_seal computes and stores the hash of a finished image. For its maker. */
void rw_image_seal(struct rw_image *image);

/* rw_image_symbol returns the index of the instrument with this symbol (NUL-terminated), 0 when
 * there is none. rw_image_symbol8 takes the eight characters of a venue's message, padded with
 * spaces. rw_image_portfolio does the same for a portfolio's name (NUL-terminated), rw_image_desk
 * for a desk's. Constant time, but for desks, which are few. Any thread. The image has passed
 * rw_image_check. */
uint32_t rw_image_symbol(const struct rw_image *image, const char *symbol);
uint32_t rw_image_symbol8(const struct rw_image *image, const char symbol[8]);
uint32_t rw_image_portfolio(const struct rw_image *image, const char *name);
uint32_t rw_image_desk(const struct rw_image *image, const char *name);

/* rw_image_index_cells returns how many cells a hash index for `rows` rows has: a power of two, at
 * most half full. rw_image_index_add enters row `index` under a name of `width` bytes, NUL padded;
 * the name must not be there yet. For the image's maker. */
uint32_t rw_image_index_cells(uint32_t rows);
void rw_image_index_add(uint32_t *cells, uint32_t count, const char *name, uint32_t width,
                        uint32_t index);
