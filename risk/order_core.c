/* The table of order ids: open addressing, never more than half full, nothing taken out. */
#include "risk/order_core.h"

#include "dataplane/base/assert.h"
#include "risk/exec_set.h"

static uint64_t cells_of(uint32_t count_max) { return rw_exec_set_cells(count_max); }

size_t rw_orders_footprint(uint32_t count_max) {
    return (size_t)cells_of(count_max) * sizeof(struct rw_order);
}

void rw_orders_new(struct rw_orders *orders, void *memory, uint32_t count_max) {
    *orders = (struct rw_orders){memory, cells_of(count_max) - 1, 0, count_max};
}

/* The cell of an id, or the free one where it belongs. */
static struct rw_order *cell_of(const struct rw_orders *orders, uint64_t order_id) {
    uint64_t at = rw_exec_mix(order_id >> 4) << 4 | (order_id & 15);
    for (uint64_t probes = 0; probes <= orders->mask; probes++, at++) {
        struct rw_order *cell = &orders->cell[at & orders->mask];
        if (cell->side == 0 || cell->order_id == order_id) return cell;
    }
    rw_assert_failed("a table filled to half has a free cell", __FILE__, __LINE__);
}

static bool same_pair(const struct rw_order *order, uint32_t instrument, uint32_t portfolio,
                      uint8_t side) {
    return order->instrument == instrument && order->portfolio == portfolio && order->side == side;
}

static enum rw_order_outcome begin(struct rw_orders *orders, struct rw_order *cell,
                                   uint32_t instrument, const struct rw_order_body *body,
                                   int32_t price) {
    if (cell->side != 0)
        return same_pair(cell, instrument, body->portfolio, body->side) ? RW_ORDER_REPEATED
                                                                        : RW_ORDER_CONFLICT;
    if (orders->count == orders->count_max) return RW_ORDER_FULL;
    orders->count++;
    *cell = (struct rw_order){.order_id = body->order_id,
                              .open = body->kind == RW_ORDER_ACCEPTED ? body->quantity : 0,
                              .price = price,
                              .portfolio = body->portfolio,
                              .instrument = instrument,
                              .side = body->side};
    return RW_ORDER_APPLIED;
}

enum rw_order_outcome rw_orders_take(struct rw_orders *orders, uint32_t instrument,
                                     const struct rw_order_body *body, int32_t price,
                                     struct rw_order **order, struct rw_order *before) {
    struct rw_order *cell = *order = cell_of(orders, body->order_id);
    *before = *cell;
    if (body->kind == RW_ORDER_ACCEPTED || body->kind == RW_ORDER_REJECTED)
        return begin(orders, cell, instrument, body, price);
    if (cell->side == 0 || cell->open == 0) return RW_ORDER_UNKNOWN;
    if (!same_pair(cell, instrument, body->portfolio, body->side)) return RW_ORDER_CONFLICT;
    if (body->kind == RW_ORDER_REPLACED) {
        cell->open = body->quantity;
        cell->price = price;
    } else {
        cell->open = 0;
    }
    return RW_ORDER_APPLIED;
}

struct rw_order *rw_orders_fill(struct rw_orders *orders, uint32_t instrument,
                                const struct rw_fill_body *fill, struct rw_order *before) {
    struct rw_order *cell = cell_of(orders, fill->reference);
    if (cell->open == 0 || !same_pair(cell, instrument, fill->portfolio, fill->side)) return NULL;
    *before = *cell;
    cell->open -= fill->quantity < cell->open ? fill->quantity : cell->open;
    return cell;
}

void rw_open_limit_init(struct rw_open_limit *limit, const struct rw_image *image, uint32_t owner,
                        uint32_t first, uint32_t count) {
    struct rw_limit_row bounds;
    bool limited =
        rw_limit_bounds(image, RW_SCOPE_PORTFOLIO, RW_MEASURE_OPEN, owner, first, count, &bounds);
    *limit = (struct rw_open_limit){
        .soft = bounds.soft, .hard = bounds.hard, .release = bounds.release, .limited = limited};
}

void rw_order_limit_init(struct rw_order_limit *limit, const struct rw_image *image, uint32_t owner,
                         uint32_t first, uint32_t count) {
    struct rw_limit_row bounds;
    bool limited =
        rw_limit_bounds(image, RW_SCOPE_PORTFOLIO, RW_MEASURE_ORDER, owner, first, count, &bounds);
    *limit = (struct rw_order_limit){.soft = bounds.soft, .hard = bounds.hard, .limited = limited};
}
