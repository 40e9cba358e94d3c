/* Reading a row's limits from the image. */
#include "risk/limit_core.h"

static int64_t tighter(int64_t present, int64_t bound) {
    return bound > 0 && bound < present ? bound : present;
}

void rw_limits_init(struct rw_limits *limits, const struct rw_image *image,
                    enum rw_limit_scope scope, uint32_t owner, uint32_t first, uint32_t count) {
    const struct rw_limit_row *rows = rw_image_rows(image, &image->limits);
    *limits = (struct rw_limits){0};
    for (uint32_t i = 0; i < RW_LIMIT_MEASURES; i++) limits->soft[i] = limits->hard[i] = INT64_MAX;
    for (uint32_t i = 0; i < count; i++) {
        const struct rw_limit_row *row = &rows[first + i];
        if (row->scope != scope || row->owner != owner) continue;
        if (row->measure == RW_MEASURE_NONE || row->measure > RW_LIMIT_MEASURES) continue;
        uint32_t at = row->measure - 1u;
        limits->soft[at] = tighter(limits->soft[at], row->soft);
        limits->hard[at] = tighter(limits->hard[at], row->hard);
        if (row->release > limits->release[at]) limits->release[at] = row->release;
    }
}

bool rw_limit_bounds(const struct rw_image *image, enum rw_limit_scope scope, uint8_t measure,
                     uint32_t owner, uint32_t first, uint32_t count, struct rw_limit_row *bounds) {
    const struct rw_limit_row *rows = rw_image_rows(image, &image->limits);
    bool limited = false;
    *bounds = (struct rw_limit_row){.soft = INT64_MAX, .hard = INT64_MAX};
    for (uint32_t i = first; i < first + count; i++) {
        const struct rw_limit_row *row = &rows[i];
        if (row->scope != scope || row->owner != owner || row->measure != measure) continue;
        limited = true;
        bounds->soft = tighter(bounds->soft, row->soft);
        bounds->hard = tighter(bounds->hard, row->hard);
        if (row->release > bounds->release) bounds->release = row->release;
    }
    return limited;
}

void rw_drawdown_init(struct rw_drawdown *drawdown, const struct rw_image *image,
                      enum rw_limit_scope scope, uint32_t owner, uint32_t first, uint32_t count) {
    struct rw_limit_row bounds;
    bool limited = rw_limit_bounds(image, scope, RW_MEASURE_DRAWDOWN, owner, first, count, &bounds);
    *drawdown = (struct rw_drawdown){.peak = INT64_MIN,
                                     .soft = bounds.soft,
                                     .hard = bounds.hard,
                                     .release = bounds.release,
                                     .limited = limited};
}
