/* The other direction of mdp3.h: messages from the same tables, field by field, and the header of a
 * packet. For generators, tests and fixtures.
 *
 *   rw_mdp3_draft_begin ─► put fields of the root ─► rw_mdp3_draft_entry (group by group) ─► end
 *
 * A draft goes straight into the caller's buffer. Fields that are not put are 0. */
#pragma once

#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/bytes.h"
#include "dataplane/feed/mdp3.h"

#define RW_MDP3_VERSION     12u
#define RW_MDP3_DEPTH       10u /* levels told of a side */
#define RW_MDP3_UPDATES_MAX (3u * RW_MDP3_DEPTH)

/* rw_mdp3_put_header writes the 12 bytes in front of the messages of a UDP packet; returns 12. */
static inline size_t rw_mdp3_put_header(uint8_t *to, uint32_t sequence, uint64_t sending_time_ns) {
    rw_store_le32(to, sequence);
    rw_store_le64(to + 4, sending_time_ns);
    return RW_MDP3_PACKET_HEADER_BYTES;
}

struct rw_mdp3_draft {
    uint8_t *at; /* the message */
    size_t capacity, used;
    const struct rw_mdp3_type *type;
    uint32_t groups;    /* whose dimension is written */
    uint8_t *dimension; /* of the group that takes entries */
};

/* rw_mdp3_draft_begin starts a message of a template in the tables; the root must fit, asserted. */
static inline void rw_mdp3_draft_begin(struct rw_mdp3_draft *draft, uint8_t *buffer,
                                       size_t capacity, uint16_t template_id) {
    const struct rw_mdp3_type *type = rw_mdp3_type(template_id);
    RW_ASSERT(type && capacity >= RW_MDP3_MESSAGE_HEADER_BYTES + type->root->bytes);
    *draft = (struct rw_mdp3_draft){.at = buffer, .capacity = capacity, .type = type};
    draft->used = RW_MDP3_MESSAGE_HEADER_BYTES + type->root->bytes;
    memset(buffer, 0, draft->used);
    rw_store_le16(buffer + 2, type->root->bytes);
    rw_store_le16(buffer + 4, template_id);
    rw_store_le16(buffer + 6, RW_MDP3_SCHEMA);
    rw_store_le16(buffer + 8, RW_MDP3_VERSION);
}

/* rw_mdp3_draft_root is where the fields of the root block go. */
static inline uint8_t *rw_mdp3_draft_root(const struct rw_mdp3_draft *draft) {
    return draft->at + RW_MDP3_MESSAGE_HEADER_BYTES;
}

/* rw_mdp3_draft_entry appends an entry, all zero, to a group of the message; groups come in order.
 * Returns where it stands, or NULL, and nothing changed but dimensions, when there is no room. */
static inline uint8_t *rw_mdp3_draft_entry(struct rw_mdp3_draft *draft, uint32_t group) {
    RW_ASSERT(group < draft->type->group_count && group + 1 >= draft->groups);
    while (draft->groups <= group) {
        const struct rw_mdp3_group *row = &draft->type->group[draft->groups];
        if (draft->capacity - draft->used < row->dimension_bytes) return NULL;
        draft->dimension = draft->at + draft->used;
        memset(draft->dimension, 0, row->dimension_bytes);
        rw_store_le16(draft->dimension, row->entry->bytes);
        draft->used += row->dimension_bytes;
        draft->groups++;
    }
    const struct rw_mdp3_group *row = &draft->type->group[group];
    uint8_t *count = draft->dimension + row->dimension_bytes - 1;
    if (*count == UINT8_MAX || draft->capacity - draft->used < row->entry->bytes) return NULL;
    uint8_t *entry = draft->at + draft->used;
    memset(entry, 0, row->entry->bytes);
    draft->used += row->entry->bytes;
    ++*count;
    return entry;
}

/* rw_mdp3_draft_end completes the message; returns its bytes. Groups without entries are left out
 * at the end, as an older version would. */
static inline uint32_t rw_mdp3_draft_end(struct rw_mdp3_draft *draft) {
    rw_store_le16(draft->at, (uint16_t)draft->used);
    return (uint32_t)draft->used;
}

/* RW_MDP3_PUT writes a number by the names of the tables: RW_MDP3_PUT(book_entry, rpt_seq, entry,
 * 7); RW_MDP3_PUT_TEXT a text, padded with NULs. rw_mdp3_put is behind them. */
static inline void rw_mdp3_put(const struct rw_field *field, uint8_t *block, uint64_t value) {
    for (uint32_t i = 0; i < field->size; i++) block[field->offset + i] = (uint8_t)(value >> 8 * i);
}
#define RW_MDP3_FIELD(stem, name) \
    (&rw_mdp3_blocks[RW_MDP3_BLOCK_##stem].field[RW_MDP3_##stem##_##name])
#define RW_MDP3_PUT(stem, name, block, value) \
    rw_mdp3_put(RW_MDP3_FIELD(stem, name), block, (uint64_t)(value))
#define RW_MDP3_PUT_TEXT(stem, name, block, text)             \
    memcpy((block) + RW_MDP3_FIELD(stem, name)->offset, text, \
           strnlen(text, RW_MDP3_FIELD(stem, name)->size))

/* A level as it is told, best first; prices in 1e-9. */
struct rw_mdp3_level {
    int64_t price;
    int32_t quantity, orders;
};

struct rw_mdp3_update {
    uint8_t action, level; /* FIX tag 279; 1 = best */
    struct rw_mdp3_level value;
};

/* One side while it is brought from one state to another; rw_mdp3_is_better, rw_mdp3_place,
 * rw_mdp3_holds and rw_mdp3_do are what rw_mdp3_updates is made of. */
struct rw_mdp3_side {
    struct rw_mdp3_level level[RW_MDP3_DEPTH];
    uint32_t count;
    bool bid;
};

static inline bool rw_mdp3_is_better(const struct rw_mdp3_side *side, int64_t a, int64_t b) {
    return side->bid ? a > b : a < b;
}

/* Where a price stands among the levels, or would. */
static inline uint32_t rw_mdp3_place(const struct rw_mdp3_side *side, int64_t price) {
    uint32_t at = 0;
    while (at < side->count && rw_mdp3_is_better(side, side->level[at].price, price)) at++;
    return at;
}

static inline bool rw_mdp3_holds(const struct rw_mdp3_side *side, int64_t price) {
    uint32_t at = rw_mdp3_place(side, price);
    return at < side->count && side->level[at].price == price;
}

/* Does one update to the side itself, as every receiver does; what leaves the depth is gone. */
static inline struct rw_mdp3_update rw_mdp3_do(struct rw_mdp3_side *side, uint8_t action,
                                               uint32_t at, struct rw_mdp3_level value) {
    struct rw_mdp3_level *level = &side->level[at];
    uint32_t behind = side->count - at;
    if (action == 0) {
        if (side->count == RW_MDP3_DEPTH) behind--;
        memmove(level + 1, level, behind * sizeof *level);
        side->count += side->count < RW_MDP3_DEPTH;
    }
    if (action == 2) {
        memmove(level, level + 1, (behind - 1) * sizeof *level);
        side->count--;
    } else {
        *level = value;
    }
    return (struct rw_mdp3_update){action, (uint8_t)(at + 1), value};
}

/* rw_mdp3_updates writes the updates that turn a side into `to`, of the same kind, and applies them
 * to it. With new_first, levels appear before others go, so that some fall out of the depth and
 * come back. Returns how many; `updates` has room for RW_MDP3_UPDATES_MAX. */
static inline uint32_t rw_mdp3_updates(struct rw_mdp3_side *side, const struct rw_mdp3_side *to,
                                       bool new_first, struct rw_mdp3_update *updates) {
    uint32_t count = 0;
    for (uint32_t i = 0; new_first && i < to->count; i++) {
        uint32_t at = rw_mdp3_place(side, to->level[i].price);
        if (!rw_mdp3_holds(side, to->level[i].price) && at < RW_MDP3_DEPTH)
            updates[count++] = rw_mdp3_do(side, 0, at, to->level[i]);
    }
    for (uint32_t at = side->count; at-- > 0;)
        if (!rw_mdp3_holds(to, side->level[at].price))
            updates[count++] = rw_mdp3_do(side, 2, at, side->level[at]);
    for (uint32_t i = 0; i < to->count; i++) {
        bool held = rw_mdp3_holds(side, to->level[i].price);
        if (!held || memcmp(&side->level[i], &to->level[i], sizeof side->level[i]) != 0)
            updates[count++] = rw_mdp3_do(side, held ? 1 : 0, i, to->level[i]);
    }
    return count;
}
