/* Free-running sequences over two rings: records and end markers. */
#include "dataplane/delivery/deliver_core.h"

#include <string.h>

#include "dataplane/base/assert.h"

struct rw_deliver_core {
    uint64_t depth, block_records;
    struct rw_deliver_state state;
    uint64_t input_newest; /* highest input of a record or end seen */
    /* end markers: [stored_end, appended_end) wait for the disk, [appended_end, head_end) for an
     * append */
    uint64_t head_end, appended_end, stored_end;
    uint64_t stored_input;
    struct rw_deliver_note last_note;
    /* records read back */
    const struct rw_result *reread;
    uint64_t reread_first, reread_count;
    bool reading;
    struct rw_deliver_note end[RW_DELIVER_ENDS];
    _Alignas(64) struct rw_result ring[];
};

static void put_end(struct rw_deliver_core *core, const struct rw_result_end *end);
static const struct rw_result *find(const struct rw_deliver_core *core, uint64_t sequence,
                                    bool *from_journal);

size_t rw_deliver_core_footprint(uint64_t depth) {
    return sizeof(struct rw_deliver_core) + depth * sizeof(struct rw_result);
}

struct rw_deliver_core *rw_deliver_core_new(void *memory, uint64_t depth, uint64_t block_records) {
    RW_ASSERT(depth >= RW_DELIVER_DEPTH_MIN && depth <= RW_DELIVER_DEPTH_MAX &&
              (depth & (depth - 1)) == 0);
    RW_ASSERT(block_records >= 1 && block_records <= depth / 2);
    struct rw_deliver_core *core = memory;
    core->depth = depth;
    core->block_records = block_records;
    return core;
}

uint64_t rw_deliver_core_room(const struct rw_deliver_core *core) {
    uint64_t records = core->depth - (core->state.newest - core->state.appended);
    uint64_t ends = RW_DELIVER_ENDS - (core->head_end - core->stored_end);
    return records < ends ? records : ends;
}

void rw_deliver_core_put(struct rw_deliver_core *core, const struct rw_result *slot) {
    RW_ASSERT(slot->input_sequence >= core->input_newest);
    core->input_newest = slot->input_sequence;
    if (slot->kind == RW_RESULT_END) {
        put_end(core, (const struct rw_result_end *)slot);
        return;
    }
    RW_ASSERT(slot->result_sequence == core->state.newest + 1);
    RW_ASSERT(core->state.newest - core->state.appended < core->depth);
    core->ring[core->state.newest & (core->depth - 1)] = *slot;
    core->state.newest++;
}

bool rw_deliver_core_batch(struct rw_deliver_core *core, uint64_t room_records,
                           struct rw_deliver_batch *batch) {
    if (room_records > core->block_records) room_records = core->block_records;
    uint64_t appended = core->state.appended, last = appended;
    struct rw_deliver_note note = core->last_note;
    for (uint64_t i = core->appended_end; i != core->head_end; i++) {
        const struct rw_deliver_note *end = &core->end[i % RW_DELIVER_ENDS];
        if (end->last_result - appended > room_records) break;
        last = end->last_result;
        note = *end;
    }
    /* An input larger than a block cannot stand in one; it leaves in full blocks. */
    bool piece = last == appended && room_records == core->block_records &&
                 core->state.newest - appended > core->block_records;
    if (piece) last = appended + core->block_records;
    if (last == appended) return false;
    batch->first = appended + 1;
    batch->count = last - appended;
    batch->note = note;
    uint64_t cell = appended & (core->depth - 1), straight = core->depth - cell;
    batch->part[0] = &core->ring[cell];
    batch->part_count[0] = batch->count < straight ? batch->count : straight;
    batch->part[1] = core->ring;
    batch->part_count[1] = batch->count - batch->part_count[0];
    return true;
}

void rw_deliver_core_appended(struct rw_deliver_core *core, const struct rw_deliver_batch *batch) {
    RW_ASSERT(batch->first == core->state.appended + 1);
    core->state.appended += batch->count;
    RW_ASSERT(core->state.appended <= core->state.newest);
    core->last_note = batch->note;
    while (core->appended_end != core->head_end &&
           core->end[core->appended_end % RW_DELIVER_ENDS].last_result <= core->state.appended)
        core->appended_end++;
}

uint64_t rw_deliver_core_stored(struct rw_deliver_core *core, uint64_t sequence) {
    RW_ASSERT(sequence >= core->state.stored && sequence <= core->state.appended);
    core->state.stored = sequence;
    while (core->stored_end != core->head_end) {
        const struct rw_deliver_note *end = &core->end[core->stored_end % RW_DELIVER_ENDS];
        if (end->last_result > sequence) break;
        core->stored_input = end->input_sequence;
        if (core->appended_end == core->stored_end) {
            /* no records of its own since the last append: the next block's note starts from it */
            core->last_note = *end;
            core->appended_end++;
        }
        core->stored_end++;
    }
    return core->stored_input;
}

enum rw_deliver_step rw_deliver_core_next(struct rw_deliver_core *core, uint64_t commit,
                                          struct rw_deliver_next *next) {
    uint64_t sequence = core->state.released + 1;
    /* `reading` also keeps the order: nothing overtakes a record that is being read back. */
    if (sequence > core->state.stored || core->reading) return RW_DELIVER_NOTHING;
    next->sequence = sequence;
    next->record = find(core, sequence, &next->from_journal);
    if (!next->record) {
        /* Before the first record of a covered input can be known it must be read; it then waits
         * here. */
        core->reading = true;
        core->reread_count = 0;
        return RW_DELIVER_REREAD;
    }
    RW_ASSERT(next->record->result_sequence == sequence);
    return next->record->input_sequence <= commit ? RW_DELIVER_RECORD : RW_DELIVER_NOTHING;
}

void rw_deliver_core_released(struct rw_deliver_core *core) {
    uint64_t sequence = core->state.released + 1;
    bool from_journal;
    const struct rw_result *record = find(core, sequence, &from_journal);
    RW_ASSERT(record && sequence <= core->state.stored);
    core->state.released = sequence;
    core->state.input = record->input_sequence;
    core->state.as_of_ns = record->event_time_ns;
    if (record->kind == RW_RESULT_SESSION_CLOSE) core->state.closed = true;
}

void rw_deliver_core_reread(struct rw_deliver_core *core, const struct rw_result *records,
                            uint64_t count) {
    RW_ASSERT(core->reading);
    RW_ASSERT(!count || records->result_sequence == core->state.released + 1);
    core->reading = false;
    core->reread = records;
    core->reread_first = core->state.released + 1;
    core->reread_count = count;
}

void rw_deliver_core_state(const struct rw_deliver_core *core, struct rw_deliver_state *state) {
    *state = core->state;
}

static void put_end(struct rw_deliver_core *core, const struct rw_result_end *end) {
    RW_ASSERT(end->last_result == core->state.newest);
    RW_ASSERT(core->head_end - core->stored_end < RW_DELIVER_ENDS);
    core->end[core->head_end % RW_DELIVER_ENDS] =
        (struct rw_deliver_note){.input_sequence = end->input_sequence,
                                 .last_result = end->last_result,
                                 .rh_low = end->rh_low,
                                 .rh_high = end->rh_high};
    core->head_end++;
}

static const struct rw_result *find(const struct rw_deliver_core *core, uint64_t sequence,
                                    bool *from_journal) {
    *from_journal = false;
    if (core->state.newest - sequence < core->depth)
        return &core->ring[(sequence - 1) & (core->depth - 1)];
    *from_journal = true;
    uint64_t offset = sequence - core->reread_first;
    return offset < core->reread_count ? &core->reread[offset] : NULL;
}
