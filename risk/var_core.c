#include "risk/var_core.h"

#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/fixed.h"
#include "dataplane/base/shift.h"
#include "risk/kernels/pnl_vector.h"
#include "risk/kernels/tail.h"
#include "risk/limit_core.h"
#include "risk/numerics.h"

#define CLEAN     UINT32_MAX       /* next of a position that is on no list */
#define LAST      (UINT32_MAX - 1) /* next of the last one on a list */
#define SLACK_MAX ((int64_t)1 << 62)

/* A position's part of its portfolio's vector: moved to this price; and the dirty list. */
struct part {
    int32_t price;
    uint32_t next;
};

struct row {
    int64_t slack;            /* what may be given away before a limit can have been reached */
    int64_t soft[2], hard[2]; /* of VaR, of ES */
    uint16_t release[2];
    struct rw_var_result last;
    uint32_t dirty; /* head of the list */
    uint32_t merged;
    bool settled; /* a result was made */
};

struct instrument {
    int64_t reach; /* max|r|, 1e-9; 0: no returns */
    uint8_t shift; /* enum rw_shift */
};

struct rw_var {
    struct rw_var_counters *counters;
    rw_tail_fn *tail;
    rw_pnl_move_fn *move;
    struct rw_tail_ranks ranks;
    uint32_t scenarios, padded, portfolios, positions;
    const int32_t *returns;
    struct instrument *instruments;
    struct row *rows;
    struct part *parts;
    int64_t *vectors;
    int64_t *work;
};

static size_t rounded(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

static size_t vector_bytes(const struct rw_image *image) {
    return RW_IMAGE_PADDED(image->scenarios) * sizeof(int64_t);
}

size_t rw_var_footprint(const struct rw_var_cfg *cfg) {
    const struct rw_image *image = cfg->image;
    if (!image->scenarios) return 0;
    return rounded(sizeof(struct rw_var)) +
           rounded(image->instruments.count * sizeof(struct instrument)) +
           rounded(cfg->portfolios * sizeof(struct row)) +
           rounded(cfg->positions * sizeof(struct part)) +
           (cfg->portfolios + 1) * vector_bytes(image) + rounded(64 * sizeof(int64_t));
}

static int64_t tighter(int64_t present, int64_t bound) {
    return bound > 0 && bound < present ? bound : present;
}

static void load_limits(struct row *row, const struct rw_image *image, uint32_t portfolio) {
    const struct rw_portfolio_row *owner =
        (const struct rw_portfolio_row *)rw_image_rows(image, &image->portfolios) + portfolio;
    const struct rw_limit_row *limits = rw_image_rows(image, &image->limits);
    for (uint32_t k = 0; k < 2; k++) row->soft[k] = row->hard[k] = INT64_MAX;
    for (uint32_t i = 0; i < owner->limit_count; i++) {
        const struct rw_limit_row *limit = &limits[owner->limit_first + i];
        if (limit->measure != RW_MEASURE_VAR && limit->measure != RW_MEASURE_ES) continue;
        uint32_t k = limit->measure - RW_MEASURE_VAR;
        row->soft[k] = tighter(row->soft[k], limit->soft);
        row->hard[k] = tighter(row->hard[k], limit->hard);
        if (limit->release > row->release[k]) row->release[k] = limit->release;
    }
}

static void load_instruments(struct rw_var *var, const struct rw_image *image) {
    const struct rw_instrument_row *rows = rw_image_rows(image, &image->instruments);
    for (uint32_t i = 1; i < image->instruments.count; i++) {
        const int32_t *returns = var->returns + (size_t)i * var->padded;
        struct instrument *to = &var->instruments[i];
        to->shift = rows[i].shift;
        for (uint32_t s = 0; s < var->scenarios; s++) {
            int64_t size = returns[s] < 0 ? -(int64_t)returns[s] : returns[s];
            if (size > to->reach) to->reach = size;
        }
    }
}

struct rw_var *rw_var_new(void *memory, const struct rw_var_cfg *cfg) {
    const struct rw_image *image = cfg->image;
    RW_ASSERT(image->scenarios > 0 && ((uintptr_t)memory & 63) == 0);
    uint8_t *at = memory;
    struct rw_var *var = memory;
    *var = (struct rw_var){.counters = cfg->counters,
                           .tail = rw_tail_best(),
                           .move = rw_pnl_move_best(),
                           .ranks = {rw_tail_rank(image->scenarios, RW_VAR_CONFIDENCE_BP),
                                     rw_tail_rank(image->scenarios, RW_VAR_ES_BP)},
                           .scenarios = image->scenarios,
                           .padded = RW_IMAGE_PADDED(image->scenarios),
                           .portfolios = cfg->portfolios,
                           .positions = cfg->positions,
                           .returns = rw_image_rows(image, &image->returns)};
    var->instruments = (void *)(at += rounded(sizeof *var));
    var->rows = (void *)(at += rounded(image->instruments.count * sizeof *var->instruments));
    var->parts = (void *)(at += rounded(cfg->portfolios * sizeof *var->rows));
    var->vectors = (void *)(at += rounded(cfg->positions * sizeof *var->parts));
    var->work = (void *)(at + cfg->portfolios * vector_bytes(image));
    load_instruments(var, image);
    for (uint32_t p = 0; p < cfg->portfolios; p++) {
        int64_t *vector = var->vectors + (size_t)p * var->padded;
        for (uint32_t s = var->scenarios; s < var->padded; s++) vector[s] = RW_TAIL_PADDING;
        load_limits(&var->rows[p], image, cfg->first + p);
        var->rows[p].slack = SLACK_MAX;
        var->rows[p].dirty = LAST;
    }
    for (uint32_t i = 0; i < cfg->positions; i++) var->parts[i].next = CLEAN;
    return var;
}

int64_t rw_var_step(const struct rw_var *var, uint32_t instrument, int64_t change) {
    const struct instrument *of = &var->instruments[instrument];
    if (of->reach == 0 || of->shift == RW_SHIFT_ABSOLUTE) return 0;
    return (rw_magnitude(change) * of->reach + RW_SHIFT_UNIT - 1) / RW_SHIFT_UNIT + 1;
}

bool rw_var_touch(struct rw_var *var, uint32_t portfolio, uint32_t position, int64_t units,
                  int64_t step) {
    struct row *row = &var->rows[portfolio];
    struct part *part = &var->parts[position];
    if (part->next == CLEAN) {
        part->next = row->dirty;
        row->dirty = position;
    }
    row->merged++;
    /* |units| < 2^31 and step ≤ 2^31: their product fits, and slack was above 0 */
    row->slack -= rw_magnitude(units) * step;
    return row->slack <= 0;
}

static int64_t *vector_of(struct rw_var *var, uint32_t portfolio) {
    return var->vectors + (size_t)portfolio * var->padded;
}

/* Returns of 0 behind the last scenario leave the padding of the vector alone. */
static void move(struct rw_var *var, uint32_t portfolio, uint32_t instrument, int64_t units,
                 int32_t from, int32_t to) {
    var->move(vector_of(var, portfolio), var->returns + (size_t)instrument * var->padded,
              var->padded, units, from, to);
    rw_stat_add(&var->counters->moves, 1);
}

bool rw_var_fill(struct rw_var *var, uint32_t portfolio, uint32_t position, uint32_t instrument,
                 int64_t units_before, int64_t units_after, int32_t price) {
    const struct instrument *of = &var->instruments[instrument];
    struct part *part = &var->parts[position];
    struct row *row = &var->rows[portfolio];
    if (of->reach == 0) {
        if (units_before == 0 && units_after != 0) rw_stat_add(&var->counters->no_history, 1);
        return false;
    }
    int32_t now = rw_shift_price((enum rw_shift)of->shift, price);
    if (units_before != 0 && part->price != now)
        move(var, portfolio, instrument, units_before, part->price, now);
    part->price = now;
    if (units_after != units_before)
        move(var, portfolio, instrument, units_after - units_before, 0, now);
    row->merged++;
    int64_t step = ((int64_t)now * of->reach + RW_SHIFT_UNIT - 1) / RW_SHIFT_UNIT + 1;
    __int128 spent = (__int128)rw_magnitude(units_after - units_before) * step;
    row->slack = spent < row->slack ? row->slack - (int64_t)spent : 0;
    return row->slack <= 0;
}

bool rw_var_next_dirty(struct rw_var *var, uint32_t portfolio, uint32_t *position) {
    struct row *row = &var->rows[portfolio];
    if (row->dirty == LAST) return false;
    *position = row->dirty;
    row->dirty = var->parts[*position].next;
    var->parts[*position].next = CLEAN;
    return true;
}

void rw_var_follow(struct rw_var *var, uint32_t portfolio, uint32_t position, uint32_t instrument,
                   int64_t units, int32_t price) {
    struct part *part = &var->parts[position];
    int32_t now = rw_shift_price((enum rw_shift)var->instruments[instrument].shift, price);
    if (part->price == now) return;
    if (units != 0) move(var, portfolio, instrument, units, part->price, now);
    part->price = now;
}

/* The distance from the values to the nearest limit above them. */
static int64_t slack_of(const struct row *row, const struct rw_var_result *result) {
    const int64_t value[2] = {result->var, result->es};
    int64_t slack = SLACK_MAX;
    for (uint32_t k = 0; k < 2; k++) {
        int64_t next = result->state[k] == RW_LIMIT_OK     ? row->soft[k]
                       : result->state[k] == RW_LIMIT_SOFT ? row->hard[k]
                                                           : INT64_MAX;
        if (next != INT64_MAX && next - value[k] < slack) slack = next - value[k];
    }
    return slack;
}

static uint8_t state_of(const struct row *row, uint32_t k, int64_t value) {
    return rw_limit_state_after(row->last.state[k], value, row->soft[k], row->hard[k],
                                row->release[k]);
}

static void find_worst(const struct rw_var *var, const int64_t *vector,
                       struct rw_var_result *result) {
    int64_t least = vector[0];
    uint32_t which = 0;
    for (uint32_t s = 1; s < var->scenarios; s++)
        if (vector[s] < least) {
            least = vector[s];
            which = s;
        }
    result->worst_loss = -least;
    result->worst_scenario = (uint16_t)(which + 1);
}

void rw_var_settle(struct rw_var *var, uint32_t portfolio, bool forced,
                   struct rw_var_result *result) {
    struct row *row = &var->rows[portfolio];
    const int64_t *vector = vector_of(var, portfolio);
    struct rw_tail tail;
    RW_ASSERT(row->dirty == LAST);
    *result = (struct rw_var_result){.merged = row->merged};
    var->tail(vector, var->scenarios, var->ranks, var->work, &tail);
    result->var = -tail.value;
    result->es = rw_fixed_div_he(-tail.total, var->ranks.mean);
    find_worst(var, vector, result);
    result->state[0] = state_of(row, 0, result->var);
    result->state[1] = state_of(row, 1, result->es);
    const struct rw_var_result *last = &row->last;
    result->changed = (uint32_t)(result->state[0] != last->state[0]) |
                      (uint32_t)(result->state[1] != last->state[1]) << 1;
    if (!row->settled || result->var != last->var || result->es != last->es ||
        result->worst_loss != last->worst_loss || result->worst_scenario != last->worst_scenario)
        result->changed |= 4;
    row->slack = slack_of(row, result);
    row->merged = 0;
    row->settled = true;
    row->last = *result;
    rw_stat_add(&var->counters->refreshes, 1);
    if (forced) rw_stat_add(&var->counters->forced, 1);
}

const int64_t *rw_var_vector(const struct rw_var *var, uint32_t portfolio) {
    return var->vectors + (size_t)portfolio * var->padded;
}
