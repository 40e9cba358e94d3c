/* Instruments are numbered in the order they are met; a hash of twice their number finds them. The
 * levels of a side are an array that is moved as the updates say: sides are short. */
#include "dataplane/book/mbp.h"

#include <string.h>

#include "dataplane/base/assert.h"

#define LINE 64u

struct instrument {
    int32_t security_id;
    uint32_t number; /* of the last entry seen */
    bool stale;
    uint8_t count[RW_MBP_SIDES];
    uint8_t depth[RW_MBP_SIDES];
};

struct rw_mbp {
    struct rw_mbp_cfg cfg;
    struct rw_mbp_counters *counters;
    uint32_t known, slot_mask;
    uint32_t *slots; /* instrument + 1, 0 = free */
    struct instrument *instruments;
    struct rw_mbp_level *levels; /* [instrument][side][depth] */
};

static size_t line_up(size_t bytes) { return (bytes + LINE - 1) & ~(size_t)(LINE - 1); }

static uint32_t slot_count(const struct rw_mbp_cfg *cfg) {
    uint32_t slots = 2;
    while (slots < 2 * cfg->instruments_max) slots *= 2;
    return slots;
}

static size_t level_count(const struct rw_mbp_cfg *cfg) {
    return (size_t)cfg->instruments_max * RW_MBP_SIDES * cfg->depth;
}

size_t rw_mbp_footprint(const struct rw_mbp_cfg *cfg) {
    RW_ASSERT(cfg->instruments_max >= 1 && cfg->instruments_max <= RW_MBP_INSTRUMENTS_MAX);
    RW_ASSERT(cfg->depth >= 1 && cfg->depth <= RW_MBP_DEPTH_MAX);
    RW_ASSERT(cfg->implied_depth <= cfg->depth);
    return line_up(sizeof(struct rw_mbp)) + line_up(slot_count(cfg) * sizeof(uint32_t)) +
           line_up(cfg->instruments_max * sizeof(struct instrument)) +
           line_up(level_count(cfg) * sizeof(struct rw_mbp_level));
}

struct rw_mbp *rw_mbp_new(void *memory, const struct rw_mbp_cfg *cfg,
                          struct rw_mbp_counters *counters) {
    RW_ASSERT(counters && ((uintptr_t)memory & (LINE - 1)) == 0);
    memset(memory, 0, rw_mbp_footprint(cfg));
    struct rw_mbp *mbp = memory;
    uint8_t *at = (uint8_t *)memory + line_up(sizeof *mbp);
    *mbp = (struct rw_mbp){.cfg = *cfg, .counters = counters, .slot_mask = slot_count(cfg) - 1};
    mbp->slots = (uint32_t *)at;
    at += line_up(slot_count(cfg) * sizeof(uint32_t));
    mbp->instruments = (struct instrument *)at;
    at += line_up(cfg->instruments_max * sizeof(struct instrument));
    mbp->levels = (struct rw_mbp_level *)at;
    return mbp;
}

static void set_depths(const struct rw_mbp *mbp, struct instrument *row, uint32_t depth,
                       uint32_t implied_depth) {
    uint32_t most = mbp->cfg.depth;
    uint32_t implied = mbp->cfg.implied_depth ? mbp->cfg.implied_depth : most;
    if (depth == 0 || depth > most) depth = most;
    if (implied_depth == 0 || implied_depth > most) implied_depth = implied;
    for (uint32_t side = 0; side < RW_MBP_SIDES; side++)
        row->depth[side] = (uint8_t)(side < RW_MBP_IMPLIED_BID ? depth : implied_depth);
}

uint32_t rw_mbp_instrument(struct rw_mbp *mbp, int32_t security_id) {
    uint32_t slot = (uint32_t)security_id * 2654435769u;
    slot ^= slot >> 15;
    for (;; slot++) { /* ends: half of the slots are free */
        uint32_t *entry = &mbp->slots[slot & mbp->slot_mask];
        if (*entry && mbp->instruments[*entry - 1].security_id == security_id) return *entry - 1;
        if (*entry) continue;
        if (mbp->known == mbp->cfg.instruments_max) {
            rw_stat_add(&mbp->counters->instruments_full, 1);
            return RW_MBP_NONE;
        }
        mbp->instruments[mbp->known] = (struct instrument){.security_id = security_id};
        set_depths(mbp, &mbp->instruments[mbp->known], 0, 0);
        *entry = ++mbp->known;
        return *entry - 1;
    }
}

static struct instrument *at_index(const struct rw_mbp *mbp, uint32_t instrument) {
    RW_ASSERT(instrument < mbp->known);
    return &mbp->instruments[instrument];
}

static void make_stale(struct instrument *row) {
    memset(row->count, 0, sizeof row->count);
    row->stale = true;
}

void rw_mbp_set_depth(struct rw_mbp *mbp, uint32_t instrument, uint32_t depth,
                      uint32_t implied_depth) {
    struct instrument *row = at_index(mbp, instrument), before = *row;
    static const uint8_t none[RW_MBP_SIDES];
    set_depths(mbp, row, depth, implied_depth);
    bool same = memcmp(before.depth, row->depth, sizeof row->depth) == 0;
    if (!same && memcmp(row->count, none, sizeof none) != 0) make_stale(row);
}

bool rw_mbp_advance(struct rw_mbp *mbp, uint32_t instrument, uint32_t number) {
    struct instrument *row = at_index(mbp, instrument);
    if (number <= row->number) {
        rw_stat_add(&mbp->counters->duplicates, 1);
        return false;
    }
    if (number != row->number + 1) {
        rw_stat_add(&mbp->counters->gaps, 1);
        make_stale(row);
    }
    row->number = number;
    if (row->stale) rw_stat_add(&mbp->counters->while_stale, 1);
    return !row->stale;
}

static struct rw_mbp_level *side_levels(const struct rw_mbp *mbp, uint32_t instrument,
                                        uint32_t side) {
    return &mbp->levels[((size_t)instrument * RW_MBP_SIDES + side) * mbp->cfg.depth];
}

/* Moves the levels from index `from` on to index `to`; returns the number of levels after it, cut
 * at the depth. */
static uint32_t move(struct rw_mbp_level *levels, uint32_t count, uint32_t from, uint32_t to,
                     uint32_t depth) {
    uint32_t moved = count - from;
    if (moved > depth - to) moved = depth - to;
    memmove(&levels[to], &levels[from], moved * sizeof *levels);
    return to + moved;
}

bool rw_mbp_apply(struct rw_mbp *mbp, uint32_t instrument, const struct rw_mbp_update *update) {
    struct instrument *row = at_index(mbp, instrument);
    if (row->stale) {
        rw_stat_add(&mbp->counters->while_stale, 1);
        return false;
    }
    bool may_add = update->action == RW_MBP_NEW || update->action == RW_MBP_OVERLAY;
    bool known = update->side < RW_MBP_SIDES && update->action <= RW_MBP_OVERLAY;
    uint32_t count = known ? row->count[update->side] : 0;
    uint32_t depth = known ? row->depth[update->side] : 0;
    uint32_t level = update->level;
    if (!known || level == 0 || level > depth || level > count + may_add) {
        rw_stat_add(&mbp->counters->misfits, 1);
        make_stale(row);
        return false;
    }
    struct rw_mbp_level *levels = side_levels(mbp, instrument, update->side);
    if (update->action == RW_MBP_NEW) count = move(levels, count, level - 1, level, depth);
    if (update->action == RW_MBP_DELETE) count = move(levels, count, level, level - 1, depth);
    if (update->action == RW_MBP_DELETE_THRU) count = move(levels, count, level, 0, depth);
    if (update->action == RW_MBP_DELETE_FROM) count = level - 1;
    if (may_add || update->action == RW_MBP_CHANGE) levels[level - 1] = update->value;
    if (may_add && count < level) count = level;
    row->count[update->side] = (uint8_t)count;
    rw_stat_add(&mbp->counters->updates, 1);
    return true;
}

bool rw_mbp_snapshot(struct rw_mbp *mbp, uint32_t instrument, uint32_t number) {
    struct instrument *row = at_index(mbp, instrument);
    if (number < row->number || (number == row->number && !row->stale && number != 0)) {
        rw_stat_add(&mbp->counters->old_snapshots, 1);
        return false;
    }
    memset(row->count, 0, sizeof row->count);
    row->number = number;
    row->stale = false;
    rw_stat_add(&mbp->counters->snapshots, 1);
    return true;
}

void rw_mbp_doubt(struct rw_mbp *mbp, uint32_t instrument) {
    make_stale(at_index(mbp, instrument));
}

void rw_mbp_rewind(struct rw_mbp *mbp, uint32_t instrument) {
    struct instrument *row = at_index(mbp, instrument);
    make_stale(row);
    row->number = 0;
}

void rw_mbp_reset(struct rw_mbp *mbp, uint32_t instrument) {
    struct instrument *row = at_index(mbp, instrument);
    memset(row->count, 0, sizeof row->count);
    rw_stat_add(&mbp->counters->resets, 1);
}

void rw_mbp_reset_all(struct rw_mbp *mbp) {
    for (uint32_t i = 0; i < mbp->known; i++) {
        struct instrument *row = &mbp->instruments[i];
        memset(row->count, 0, sizeof row->count);
        row->number = 0;
        row->stale = false;
    }
    rw_stat_add(&mbp->counters->resets, 1);
}

uint32_t rw_mbp_levels(const struct rw_mbp *mbp, uint32_t instrument, enum rw_mbp_side side,
                       const struct rw_mbp_level **levels) {
    RW_ASSERT((uint32_t)side < RW_MBP_SIDES);
    *levels = side_levels(mbp, instrument, side);
    return at_index(mbp, instrument)->count[side];
}

bool rw_mbp_is_stale(const struct rw_mbp *mbp, uint32_t instrument) {
    return at_index(mbp, instrument)->stale;
}

uint32_t rw_mbp_number(const struct rw_mbp *mbp, uint32_t instrument) {
    return at_index(mbp, instrument)->number;
}

int32_t rw_mbp_security(const struct rw_mbp *mbp, uint32_t instrument) {
    return at_index(mbp, instrument)->security_id;
}

uint32_t rw_mbp_known(const struct rw_mbp *mbp) { return mbp->known; }
