/* Reference images made in memory, for tests and benchmarks of risk: small tables given by hand, or
 * random ones. */
#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/rng.h"
#include "dataplane/record/image.h"
#include "dataplane/record/result.h"

struct image_tables {
    const struct rw_instrument_row *instruments; /* row 0 is made here: count rows from index 1 */
    uint32_t instrument_count;
    const struct rw_portfolio_row *portfolios;
    uint32_t portfolio_count;
    uint32_t desk_count;
    const struct rw_position_row *positions;
    uint32_t position_count;
    const struct rw_limit_row *limits; /* sorted by (scope, owner) */
    uint32_t limit_count;
};

static inline struct rw_image_table image_table(uint64_t *bytes, uint32_t count, size_t row_bytes) {
    struct rw_image_table table = {*bytes, count, (uint32_t)row_bytes};
    *bytes += (count * row_bytes + 63) & ~(uint64_t)63;
    return table;
}

static inline void image_limits_of(const struct rw_image *image, uint8_t scope, uint32_t owner,
                                   uint32_t *first, uint32_t *count) {
    const struct rw_limit_row *rows = rw_image_rows(image, &image->limits);
    *first = *count = 0;
    for (uint32_t i = 0; i < image->limits.count; i++) {
        if (rows[i].scope != scope || rows[i].owner != owner) continue;
        if (*count == 0) *first = i;
        ++*count;
    }
}

/* image_make copies the tables into one block; the caller frees it. */
static inline struct rw_image *image_make(const struct image_tables *tables) {
    struct rw_image head = {.magic = RW_IMAGE_MAGIC, .version = RW_IMAGE_VERSION};
    uint64_t bytes = (sizeof head + 63) & ~(uint64_t)63;
    head.instruments =
        image_table(&bytes, tables->instrument_count + 1, sizeof(struct rw_instrument_row));
    head.portfolios =
        image_table(&bytes, tables->portfolio_count + 1, sizeof(struct rw_portfolio_row));
    head.desks = image_table(&bytes, tables->desk_count + 1, sizeof(struct rw_name_row));
    head.positions = image_table(&bytes, tables->position_count, sizeof(struct rw_position_row));
    head.limits = image_table(&bytes, tables->limit_count, sizeof(struct rw_limit_row));
    head.bytes = bytes;
    uint8_t *base = calloc(1, bytes);
    RW_ASSERT(base);
    memcpy(base, &head, sizeof head);
    struct rw_instrument_row *instruments = (void *)(base + head.instruments.offset);
    for (uint32_t i = 1; i <= tables->instrument_count; i++) {
        instruments[i] = tables->instruments[i - 1];
        instruments[i].index = i;
        if (instruments[i].multiplier == 0) instruments[i].multiplier = 1;
    }
    if (tables->position_count)
        memcpy(base + head.positions.offset, tables->positions,
               tables->position_count * sizeof(struct rw_position_row));
    if (tables->limit_count)
        memcpy(base + head.limits.offset, tables->limits,
               tables->limit_count * sizeof(struct rw_limit_row));
    struct rw_image *image = (void *)base;
    struct rw_portfolio_row *portfolios = (void *)(base + head.portfolios.offset);
    for (uint32_t p = 1; p <= tables->portfolio_count; p++) {
        portfolios[p] = tables->portfolios[p - 1];
        portfolios[p].index = p;
        image_limits_of(image, RW_SCOPE_PORTFOLIO, p, &portfolios[p].limit_first,
                        &portfolios[p].limit_count);
    }
    struct rw_name_row *desks = (void *)(base + head.desks.offset);
    for (uint32_t d = 1; d <= tables->desk_count; d++) {
        desks[d].index = d;
        image_limits_of(image, RW_SCOPE_DESK, d, &desks[d].limit_first, &desks[d].limit_count);
    }
    return image;
}

/* image_random makes an image of the given size: about `holders` positions per instrument, desks of
 * several accounts, accounts of several portfolios, and limits that prices near 100.0000 cross
 * often. */
static inline struct rw_image *image_random(struct rw_rng *rng, uint32_t instruments,
                                            uint32_t portfolios, uint32_t holders) {
    struct rw_instrument_row *instrument = calloc(instruments, sizeof *instrument);
    struct rw_portfolio_row *portfolio = calloc(portfolios, sizeof *portfolio);
    struct rw_position_row *position = calloc((size_t)instruments * portfolios, sizeof *position);
    struct rw_limit_row *limit = calloc((size_t)(2 * portfolios + 1) * 6, sizeof *limit);
    RW_ASSERT(instrument && portfolio && position && limit);
    struct image_tables tables = {instrument, instruments, portfolio, portfolios, 1,
                                  position,   0,           limit,     0};
    for (uint32_t i = 0; i < instruments; i++) {
        instrument[i].multiplier = rw_rng_chance(rng, 1, 4) ? 10 : 1;
        instrument[i].start_price =
            rw_rng_chance(rng, 1, 8) ? 0 : 900000 + (int32_t)rw_rng_below(rng, 200000);
        instrument[i].channel = (uint16_t)rw_rng_below(rng, 3);
        instrument[i].stale_after_ns =
            rw_rng_chance(rng, 1, 8) ? 0 : 2000 + rw_rng_below(rng, 4000);
    }
    uint32_t account = 1, desk = 1;
    for (uint32_t p = 0; p < portfolios; p++) {
        if (p > 0 && rw_rng_chance(rng, 1, 3)) {
            account++;
            if (rw_rng_chance(rng, 1, 3)) desk++;
        }
        portfolio[p].account = account;
        portfolio[p].desk = desk;
    }
    tables.desk_count = desk;
    for (uint32_t i = 1; i <= instruments; i++)
        for (uint32_t p = 1; p <= portfolios; p++)
            if (rw_rng_chance(rng, holders, portfolios))
                position[tables.position_count++] =
                    (struct rw_position_row){i, p, (int64_t)rw_rng_below(rng, 401) - 200,
                                             900000 + (int64_t)rw_rng_below(rng, 200000)};
    for (uint8_t scope = RW_SCOPE_PORTFOLIO; scope <= RW_SCOPE_FIRM; scope++) {
        uint32_t owners = scope == RW_SCOPE_PORTFOLIO ? portfolios
                          : scope == RW_SCOPE_DESK    ? desk
                                                      : 1;
        for (uint32_t owner = 1; owner <= owners; owner++)
            for (uint8_t measure = 1; measure <= RW_MEASURE_ORDER; measure++) {
                if (measure == RW_MEASURE_VAR || measure == RW_MEASURE_ES) continue;
                if (measure >= RW_MEASURE_DRAWDOWN && scope != RW_SCOPE_PORTFOLIO) continue;
                if (rw_rng_chance(rng, 1, 4)) continue;
                int64_t soft = (int64_t)rw_rng_below(rng, measure == RW_MEASURE_LOSS ||
                                                                  measure == RW_MEASURE_DRAWDOWN
                                                              ? 20000000
                                                              : 800000000) +
                               1;
                uint16_t release = rw_rng_chance(rng, 1, 2) ? 0 : (uint16_t)rw_rng_below(rng, 4000);
                limit[tables.limit_count++] =
                    (struct rw_limit_row){.scope = scope,
                                          .measure = measure,
                                          .owner = scope == RW_SCOPE_FIRM ? 0 : owner,
                                          .release = release,
                                          .soft = soft,
                                          .hard = 2 * soft};
            }
    }
    struct rw_image *image = image_make(&tables);
    free(instrument);
    free(portfolio);
    free(position);
    free(limit);
    return image;
}
