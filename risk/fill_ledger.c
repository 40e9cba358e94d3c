/* Lists of fills and the fold over them. */
#include "risk/fill_ledger.h"

#include "dataplane/base/assert.h"

size_t rw_ledger_footprint(uint32_t count_max) {
    return (((size_t)count_max + 1) * sizeof(struct rw_ledger_fill) + 63) & ~(size_t)63;
}

void rw_ledger_new(struct rw_ledger *ledger, void *memory, uint32_t count_max) {
    *ledger = (struct rw_ledger){.fill = memory, .count_max = count_max};
}

static struct rw_ledger_fill fill_of(const struct rw_position_change *change) {
    return (struct rw_ledger_fill){
        .quantity = change->quantity, .fee = change->fee, .price = (int32_t)change->price};
}

uint32_t rw_ledger_append(struct rw_ledger *ledger, struct rw_ledger_list *list, uint32_t position,
                          const struct rw_position_change *change) {
    RW_ASSERT(ledger->count < ledger->count_max && change->quantity != 0);
    uint32_t index = ++ledger->count;
    ledger->fill[index] = fill_of(change);
    ledger->fill[index].position = position;
    if (list->first == RW_LEDGER_NONE)
        list->first = index;
    else
        ledger->fill[list->last].next = index;
    list->last = index;
    return index;
}

void rw_ledger_fold_begin(struct rw_ledger_fold *fold, const struct rw_ledger_list *list,
                          const struct rw_position *opening, uint32_t changed,
                          const struct rw_position_change *as) {
    RW_ASSERT(list->first != RW_LEDGER_NONE && changed != RW_LEDGER_NONE);
    *fold = (struct rw_ledger_fold){.position = *opening,
                                    .as = fill_of(as),
                                    .changed = changed,
                                    .next = list->first,
                                    .multiplier = as->multiplier};
}

enum rw_ledger_step rw_ledger_fold_step(const struct rw_ledger *ledger, struct rw_ledger_fold *fold,
                                        uint32_t most) {
    for (uint32_t work = 0; fold->next != RW_LEDGER_NONE; work++) {
        if (work == most) return RW_LEDGER_WORKING;
        RW_ASSERT(fold->next <= ledger->count);
        const struct rw_ledger_fill *fill = &ledger->fill[fold->next];
        const struct rw_ledger_fill *as = fold->next == fold->changed ? &fold->as : fill;
        fold->next = fill->next;
        fold->folded++;
        if (as->quantity == 0) continue;
        const struct rw_position_change change = {as->quantity, as->price, as->fee,
                                                  fold->multiplier};
        if (!rw_position_apply(&fold->position, &change)) return RW_LEDGER_OUT_OF_BOUNDS;
    }
    return RW_LEDGER_DONE;
}

void rw_ledger_fold_keep(struct rw_ledger *ledger, const struct rw_ledger_fold *fold) {
    struct rw_ledger_fill *fill = &ledger->fill[fold->changed];
    fill->quantity = fold->as.quantity;
    fill->price = fold->as.price;
    fill->fee = fold->as.fee;
}
