/* Sorted holder lists in one pool; see the header for the picture. */
#include "risk/holder_index.h"

#include <string.h>

#include "dataplane/base/assert.h"

#define ROOM_MIN 4u

uint32_t rw_holder_pool_size(uint32_t initial, uint32_t added) {
    /* A list that ends with c holders has room < 2c, or ROOM_MIN, and all its moves sum up to less
     * than twice that. Only lists that got an addition move at all. */
    uint64_t size = 4ull * initial + (4ull + 2 * ROOM_MIN) * added;
    RW_ASSERT(size <= UINT32_MAX);
    return (uint32_t)size;
}

static uint32_t lower_bound(const struct rw_holder *holders, uint32_t count, uint32_t portfolio) {
    uint32_t first = 0;
    while (count > 0) {
        uint32_t half = count / 2;
        if (holders[first + half].portfolio < portfolio) {
            first += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return first;
}

struct rw_holder *rw_holder_find(const struct rw_holder_index *index,
                                 const struct rw_holder_list *list, uint32_t portfolio) {
    struct rw_holder *holders = index->pool + list->first;
    uint32_t at = lower_bound(holders, list->count, portfolio);
    return at < list->count && holders[at].portfolio == portfolio ? &holders[at] : NULL;
}

static void move_to_more_room(struct rw_holder_index *index, struct rw_holder_list *list) {
    uint32_t room = list->room < ROOM_MIN / 2 ? ROOM_MIN : 2 * list->room;
    RW_ASSERT(room <= index->size - index->used);
    memcpy(index->pool + index->used, index->pool + list->first,
           list->count * sizeof(struct rw_holder));
    list->first = index->used;
    list->room = room;
    index->used += room;
}

struct rw_holder *rw_holder_insert(struct rw_holder_index *index, struct rw_holder_list *list,
                                   uint32_t portfolio, uint32_t position) {
    if (list->count == list->room) move_to_more_room(index, list);
    struct rw_holder *holders = index->pool + list->first;
    uint32_t at = lower_bound(holders, list->count, portfolio);
    RW_ASSERT(at == list->count || holders[at].portfolio != portfolio);
    memmove(&holders[at + 1], &holders[at], (list->count - at) * sizeof *holders);
    holders[at] = (struct rw_holder){.portfolio = portfolio, .position = position};
    list->count++;
    return &holders[at];
}
