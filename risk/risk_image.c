/* What risk asks of a reference image: how portfolios are cut into shards, and whether the start of
 * day keeps the bounds of the arithmetic. Cold path. */
#include <errno.h>
#include <stdlib.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/err.h"
#include "risk/risk_core.h"

/* The first portfolio of a shard: the account boundary at or after its even share. */
static uint32_t cut(const struct rw_image *image, uint32_t shard, uint32_t shards) {
    const struct rw_portfolio_row *rows = rw_image_rows(image, &image->portfolios);
    uint32_t end = image->portfolios.count;
    if (end <= 1) return 1;
    if (shard == shards) return end;
    uint32_t at = 1 + (uint32_t)((uint64_t)(end - 1) * shard / shards);
    while (at > 1 && at < end && rows[at].account == rows[at - 1].account) at++;
    return at;
}

struct rw_risk_range rw_risk_shard_range(const struct rw_image *image, uint32_t shard,
                                         uint32_t shards) {
    RW_ASSERT(shard < shards);
    return (struct rw_risk_range){cut(image, shard, shards), cut(image, shard + 1, shards)};
}

static int check_portfolios(const struct rw_image *image) {
    const struct rw_portfolio_row *rows = rw_image_rows(image, &image->portfolios);
    for (uint32_t p = 1; p < image->portfolios.count; p++) {
        const struct rw_portfolio_row *row = &rows[p];
        if (row->desk == 0 || row->desk >= image->desks.count)
            return rw_err_set(EINVAL, "portfolio %.24s: desk index %u is not in the image",
                              row->name, row->desk);
        if (p > 1 && (row->desk < rows[p - 1].desk ||
                      (row->desk == rows[p - 1].desk && row->account < rows[p - 1].account)))
            return rw_err_set(EINVAL, "portfolio %.24s: not in order of desk and account",
                              row->name);
        if ((uint64_t)row->limit_first + row->limit_count > image->limits.count)
            return rw_err_set(EINVAL, "portfolio %.24s: its limits are not in the image",
                              row->name);
    }
    return 0;
}

static int check_instruments(const struct rw_image *image) {
    const struct rw_instrument_row *rows = rw_image_rows(image, &image->instruments);
    for (uint32_t i = 1; i < image->instruments.count; i++) {
        if (rows[i].multiplier < 1)
            return rw_err_set(ERANGE, "instrument %.12s: multiplier %d, must be ≥ 1",
                              rows[i].symbol, rows[i].multiplier);
        if (rows[i].start_price < 0)
            return rw_err_set(ERANGE, "instrument %.12s: start price %d, must be ≥ 0",
                              rows[i].symbol, rows[i].start_price);
    }
    return 0;
}

static int check_position(const struct rw_image *image, uint32_t i) {
    const struct rw_instrument_row *instruments = rw_image_rows(image, &image->instruments);
    const struct rw_position_row *rows = rw_image_rows(image, &image->positions), *row = &rows[i];
    if (row->instrument == 0 || row->instrument >= image->instruments.count ||
        row->portfolio == 0 || row->portfolio >= image->portfolios.count)
        return rw_err_set(EINVAL, "position row %u: instrument %u, portfolio %u not in the image",
                          i, row->instrument, row->portfolio);
    if (i > 0 && (row->instrument < row[-1].instrument ||
                  (row->instrument == row[-1].instrument && row->portfolio <= row[-1].portfolio)))
        return rw_err_set(EINVAL, "position row %u: not in order, or twice", i);
    if (row->average_price < 0 || row->average_price > RW_PRICE_MAX)
        return rw_err_set(ERANGE, "position row %u: average price %lld, must be 0..%lld", i,
                          (long long)row->average_price, (long long)RW_PRICE_MAX);
    int64_t quantity_max = RW_UNITS_MAX / instruments[row->instrument].multiplier;
    if (row->quantity > quantity_max || row->quantity < -quantity_max)
        return rw_err_set(ERANGE, "position row %u: quantity %lld, must be within ±%lld", i,
                          (long long)row->quantity, (long long)quantity_max);
    return 0;
}

static int check_positions(const struct rw_image *image) {
    const struct rw_instrument_row *instruments = rw_image_rows(image, &image->instruments);
    const struct rw_portfolio_row *portfolios = rw_image_rows(image, &image->portfolios);
    const struct rw_position_row *rows = rw_image_rows(image, &image->positions);
    int64_t *units = calloc(image->portfolios.count, sizeof *units);
    if (!units)
        return rw_err_set(ENOMEM, "no memory to check %u portfolios", image->portfolios.count);
    int rc = 0;
    for (uint32_t i = 0; rc == 0 && i < image->positions.count; i++) {
        rc = check_position(image, i);
        if (rc) break;
        const struct rw_position_row *row = &rows[i];
        units[row->portfolio] +=
            rw_magnitude(row->quantity) * instruments[row->instrument].multiplier;
        if (units[row->portfolio] > RW_UNITS_MAX)
            rc = rw_err_set(ERANGE, "portfolio %.24s: sum of |quantity · multiplier| exceeds %lld",
                            portfolios[row->portfolio].name, (long long)RW_UNITS_MAX);
    }
    free(units);
    return rc;
}

int rw_risk_check_image(const struct rw_image *image) {
    int rc = check_portfolios(image);
    if (rc == 0) rc = check_instruments(image);
    return rc ? rc : check_positions(image);
}
