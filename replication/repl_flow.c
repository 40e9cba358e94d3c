/* Entries in and out: the sequencer's link, the peer, the journal, and the links to risk and
 * enrich. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "dataplane/base/assert.h"
#include "replication/repl_state.h"

/* Room that must be free in the send buffer for one APPEND and its head. */
#define FRAME_ROOM (RW_TRANSPORT_PAYLOAD_MAX + 1024u)
/* An orderly end waits for the disk so often and so long: 2 s in all. */
#define FINISH_NAPS   20000u
#define FINISH_NAP_NS 100000l

uint32_t rw_repl_take_input(struct rw_repl *repl, uint32_t budget) {
    uint32_t taken = 0, ready = rw_ring_ready(repl->from_enrich, budget * RW_ENTRY_SLOTS_MAX);
    uint8_t bytes[RW_ENTRY_SLOTS_MAX * RW_SLOT_BYTES];
    if (repl->role != RW_ROLE_LEAD || repl->halted) return 0;
    while (taken < budget && ready > 0) {
        struct rw_entry head;
        memcpy(&head, rw_ring_front(repl->from_enrich, 0), sizeof head);
        RW_ASSERT(head.sequence == repl->last + 1);
        if (ready < head.slots) break; /* the rest of it is being pushed */
        uint32_t count = (uint32_t)head.slots * RW_SLOT_BYTES;
        if (rw_log_memory_room(repl->log) < count) break; /* the journal is behind: enrich waits */
        rw_log_memory_put(repl->log, head.sequence, head.slots);
        for (uint8_t i = 0; i < head.slots; i++) {
            const void *slot = rw_ring_front(repl->from_enrich, i);
            memcpy(rw_log_memory_slot(repl->log, head.sequence, i), slot, RW_SLOT_BYTES);
            memcpy(bytes + (size_t)i * RW_SLOT_BYTES, slot, RW_SLOT_BYTES);
        }
        repl->chain = rw_hash_chain(repl->chain, bytes, count);
        if (!rw_pair_index(repl->pair, head.sequence, repl->chain, count)) {
            rw_repl_step(repl, (struct rw_pair_event){.kind = RW_PAIR_IO_ERROR});
            break;
        }
        repl->last = head.sequence;
        rw_ring_pop(repl->from_enrich, head.slots);
        ready -= head.slots;
        taken++;
    }
    if (!taken) return 0;
    rw_stat_add(&repl->counters->entries_logged, taken);
    if (repl->pushed + 1 >= repl->role_start) repl->pushed = repl->last;
    rw_repl_step(repl, (struct rw_pair_event){.kind = RW_PAIR_INPUT, .upto = repl->last});
    return taken;
}

void rw_repl_drop_session(struct rw_repl *repl) {
    if (!rw_transport_attached(repl->transport)) return;
    RW_ASSERT(!repl->closing);
    repl->closing = rw_transport_detach(repl->transport);
    rw_repl_step(repl, (struct rw_pair_event){.kind = RW_PAIR_PEER_DOWN});
}

uint32_t rw_repl_receive(struct rw_repl *repl) {
    if (!rw_transport_attached(repl->transport)) return 0;
    int32_t got = rw_transport_fill(repl->transport);
    uint32_t messages = 0;
    int rc = 0;
    while (messages < RW_REPL_MESSAGES_A_VISIT &&
           (rc = rw_transport_next(repl->transport, &repl->message)) > 0) {
        rw_repl_step(repl, (struct rw_pair_event){.kind = RW_PAIR_MSG, .message = &repl->message});
        messages++;
    }
    if (got > 0) rw_stat_add(&repl->counters->bytes_received, (uint64_t)got);
    if (rc < 0) rw_stat_add(&repl->counters->bad_frames, 1);
    if (rc < 0 || (got < 0 && !messages)) rw_repl_drop_session(repl);
    return messages + (got > 0);
}

uint32_t rw_repl_take_results(struct rw_repl *repl) {
    uint64_t known = rw_word_get(&repl->watermarks->applied);
    /* The sequencer hands an entry to risk and to us at once, so a result may be ahead of its
     * entry. */
    uint64_t bound = repl->pushed < repl->last ? repl->pushed : repl->last;
    if (known > bound) known = bound;
    uint32_t taken = 0;
    struct rw_point newest = {0};
    while (repl->applied < known && taken < RW_REPL_RESULTS_A_VISIT) {
        struct rw_point result = {.sequence = ++repl->applied};
        taken++;
        /* A cell that merge has overwritten is compared at a later input, never given up. */
        if (!rw_seq_ring_get(&repl->watermarks->hash, result.sequence, &result.hash.low,
                             &result.hash.high))
            continue;
        rw_pair_result(repl->pair, result.sequence, result.hash);
        newest = result;
    }
    if (newest.sequence)
        rw_repl_step(repl, (struct rw_pair_event){.kind = RW_PAIR_APPLIED, .result = newest});
    return taken;
}

/* Appends what was ordered and not yet handed over; as many whole entries as the journal has room
 * for. */
static uint32_t feed_journal(struct rw_repl *repl) {
    enum { PARTS = 128 };
    struct iovec parts[PARTS];
    /* Records keep their order of epochs also when the superblock was lost and starts again. */
    uint64_t epoch = rw_epoch_of(rw_word_get(&repl->watermarks->role));
    uint64_t written = rw_journal_epoch(repl->journal);
    if (epoch < written) epoch = written;
    uint32_t room = rw_journal_room(repl->journal, epoch), part_count = 0, count = 0;
    uint64_t first = repl->journaled + 1, next = first;
    while (next <= repl->persist_upto) {
        uint8_t slots = rw_log_memory_slots(repl->log, next);
        if (room < (uint32_t)slots * RW_SLOT_BYTES || part_count + slots > PARTS) break;
        for (uint8_t i = 0; i < slots; i++) {
            uint8_t *slot = rw_log_memory_slot(repl->log, next, i);
            struct iovec *before = part_count ? &parts[part_count - 1] : NULL;
            if (before && (uint8_t *)before->iov_base + before->iov_len == slot)
                before->iov_len += RW_SLOT_BYTES;
            else
                parts[part_count++] = (struct iovec){.iov_base = slot, .iov_len = RW_SLOT_BYTES};
        }
        room -= (uint32_t)slots * RW_SLOT_BYTES;
        next++;
        count++;
    }
    if (!count) return 0;
    struct rw_journal_batch batch = {.first_sequence = first,
                                     .count = count,
                                     .part_count = part_count,
                                     .parts = parts,
                                     .epoch = epoch};
    RW_ASSERT(rw_pair_chain(repl->pair, next - 1, &batch.chain));
    if (rw_journal_append(repl->journal, &batch)) return 0;
    repl->journaled = next - 1;
    return count;
}

static void settle_cut(struct rw_repl *repl) {
    int rc = rw_journal_truncate(repl->journal, repl->cut_to, repl->cut_chain);
    if (rc) return; /* no room now: again at the next visit; a bad journal says so itself */
    repl->cut_pending = false;
    repl->journaled = repl->cut_to;
}

static uint32_t report_durable(struct rw_repl *repl) {
    uint64_t durable = rw_journal_durable(repl->journal);
    if (durable <= repl->reported) return 0;
    repl->reported = durable;
    rw_log_memory_keep(repl->log, durable + 1);
    rw_journal_set_acked(repl->journal, durable);
    rw_repl_step(repl, (struct rw_pair_event){.kind = RW_PAIR_PERSISTED, .upto = durable});
    return 1;
}

static uint32_t poll_superblock(struct rw_repl *repl) {
    uint32_t work = rw_superblock_poll(repl->superblock);
    if (repl->super_dirty)
        repl->super_generation = rw_superblock_write(repl->superblock, repl->super);
    repl->super_dirty = false;
    if (repl->super_version && rw_superblock_durable(repl->superblock) >= repl->super_generation) {
        uint64_t version = repl->super_version;
        repl->super_version = 0;
        rw_repl_step(repl,
                     (struct rw_pair_event){.kind = RW_PAIR_SUPER_SYNCED, .version = version});
        work++;
    }
    return work;
}

uint32_t rw_repl_write_journal(struct rw_repl *repl) {
    uint32_t work = 0;
    if (repl->cut_pending) settle_cut(repl);
    if (!repl->cut_pending) work += feed_journal(repl);
    work += rw_journal_poll(repl->journal, repl->now_ns);
    if (!repl->cut_pending) work += report_durable(repl);
    work += poll_superblock(repl);
    int rc = rw_journal_error(repl->journal) ? rw_journal_error(repl->journal)
                                             : rw_superblock_error(repl->superblock);
    rw_word_set(&repl->watermarks->refuse_intake, rw_journal_low_water(repl->journal));
    if (rc && !repl->io_error_said) {
        repl->io_error_said = true;
        rw_repl_step(repl, (struct rw_pair_event){.kind = RW_PAIR_IO_ERROR});
    }
    return work;
}

static bool all_on_disk(const struct rw_repl *repl) {
    return !repl->cut_pending && !repl->super_version && repl->journaled == repl->persist_upto &&
           rw_journal_settled(repl->journal);
}

void rw_repl_finish(struct rw_repl *repl) {
    const struct timespec nap = {.tv_nsec = FINISH_NAP_NS};
    uint32_t naps = 0;
    struct rw_pair_super super;
    while (!repl->io_error_said && naps < FINISH_NAPS) {
        uint32_t work = rw_repl_write_journal(repl);
        if (all_on_disk(repl)) break;
        if (!work && ++naps) nanosleep(&nap, NULL);
    }
    bool whole = all_on_disk(repl) && rw_journal_durable(repl->journal) == repl->last;
    if (repl->io_error_said || !whole || !rw_pair_stop(repl->pair, &super)) return;
    memcpy(repl->super, &super, sizeof super);
    memcpy(repl->super + sizeof super, &repl->store_id, sizeof repl->store_id);
    uint64_t generation = rw_superblock_write(repl->superblock, repl->super);
    while (rw_superblock_durable(repl->superblock) < generation && naps++ < FINISH_NAPS &&
           !rw_superblock_error(repl->superblock))
        if (!rw_superblock_poll(repl->superblock)) nanosleep(&nap, NULL);
}

/* Makes `sequence` the first item of the replay's record; false while it is being read. */
static bool replay_to(struct rw_repl *repl, struct rw_repl_replay *replay, uint64_t sequence) {
    struct rw_journal_record *record = &replay->record;
    bool inside = record->count && sequence >= record->first_sequence &&
                  sequence < record->first_sequence + record->count;
    if (!inside) {
        record->count = 0;
        if (sequence > rw_journal_durable(repl->journal)) return false;
        uint64_t next = rw_reader_sequence(replay->reader);
        if (next != sequence) rw_reader_seek(replay->reader, sequence);
        int rc = rw_reader_next(replay->reader, record);
        if (rc <= 0) record->count = 0;
        if (rc == -EBADMSG || rc == -EIO)
            rw_repl_step(repl, (struct rw_pair_event){.kind = RW_PAIR_IO_ERROR});
        if (rc <= 0) return false;
        rw_stat_add(&repl->counters->reread_entries, record->count);
    }
    if (sequence > record->first_sequence)
        RW_ASSERT(rw_journal_skip(record, RW_JOURNAL_LOG, sequence));
    return record->first_sequence == sequence;
}

/* Slots that every output of the log has room for. */
static uint32_t push_room(struct rw_repl *repl) {
    uint32_t want = RW_REPL_PUSHES_A_VISIT * 2;
    uint32_t room = rw_ring_room(repl->to_enrich, want);
    for (uint32_t k = 0; k < repl->cfg.shards; k++) {
        uint32_t risk = rw_ring_room(repl->to_risk[k], want);
        if (risk < room) room = risk;
    }
    return room;
}

static void push_slot(struct rw_repl *repl, uint32_t at, const void *slot) {
    memcpy(rw_ring_slot(repl->to_enrich, at), slot, RW_SLOT_BYTES);
    for (uint32_t k = 0; k < repl->cfg.shards; k++)
        memcpy(rw_ring_slot(repl->to_risk[k], at), slot, RW_SLOT_BYTES);
}

/* Writes entry `sequence` into the free slots from `at`; returns its slots, 0 when it must wait. */
static uint32_t push_entry(struct rw_repl *repl, uint64_t sequence, uint32_t at, uint32_t room) {
    if (rw_log_memory_holds(repl->log, sequence)) {
        uint8_t slots = rw_log_memory_slots(repl->log, sequence);
        if (at + slots > room) return 0;
        for (uint8_t i = 0; i < slots; i++)
            push_slot(repl, at + i, rw_log_memory_slot(repl->log, sequence, i));
        return slots;
    }
    if (!replay_to(repl, &repl->push, sequence)) return 0;
    const uint8_t *item = repl->push.record.payload;
    uint8_t slots = item[offsetof(struct rw_entry, slots)];
    if (at + slots > room) return 0;
    for (uint8_t i = 0; i < slots; i++) push_slot(repl, at + i, item + (size_t)i * RW_SLOT_BYTES);
    return slots;
}

uint32_t rw_repl_push(struct rw_repl *repl) {
    uint32_t room = push_room(repl), at = 0, entries = 0;
    uint64_t upto = repl->apply_upto < repl->last ? repl->apply_upto : repl->last;
    if (repl->role == RW_ROLE_LEAD && upto >= repl->role_start) upto = repl->role_start - 1;
    while (repl->pushed < upto && entries < RW_REPL_PUSHES_A_VISIT) {
        uint32_t slots = push_entry(repl, repl->pushed + 1, at, room);
        if (!slots) break;
        at += slots;
        repl->pushed++;
        entries++;
    }
    if (!entries) return 0;
    rw_ring_push(repl->to_enrich, at);
    for (uint32_t k = 0; k < repl->cfg.shards; k++) rw_ring_push(repl->to_risk[k], at);
    rw_stat_add(&repl->counters->entries_pushed, entries);
    if (repl->role == RW_ROLE_LEAD && repl->pushed + 1 >= repl->role_start)
        repl->pushed = repl->last; /* from here on our own sequencer feeds risk */
    return entries;
}

/* Collects whole entries from `first` into the payload; returns how many, *bytes and the chain
 * before. */
static uint32_t gather(struct rw_repl *repl, uint64_t first, uint64_t upto, uint32_t limit,
                       uint32_t *bytes, struct rw_hash *before) {
    uint32_t count = 0, used = 0;
    /* The oldest entry in memory may outlive the chain hash before it; the journal has both. */
    bool chained = first == 1 || rw_pair_chain(repl->pair, first - 1, before);
    if (chained && rw_log_memory_holds(repl->log, first)) {
        while (first + count <= upto &&
               used + rw_log_memory_slots(repl->log, first + count) * RW_SLOT_BYTES <= limit) {
            used += rw_log_memory_copy(repl->log, first + count, repl->payload + used);
            count++;
        }
    } else if (replay_to(repl, &repl->resend, first)) {
        const struct rw_journal_record *record = &repl->resend.record;
        *before = record->chain_before;
        while (count < record->count && first + count <= upto) {
            uint32_t item = rw_journal_entry_bytes(record->payload + used, record->bytes - used);
            RW_ASSERT(item > 0);
            if (used + item > limit) break;
            used += item;
            count++;
        }
        memcpy(repl->payload, record->payload, used);
    }
    *bytes = used;
    return count;
}

uint32_t rw_repl_send(struct rw_repl *repl) {
    uint32_t frames = 0;
    uint64_t first, upto, bytes_max;
    if (!rw_transport_attached(repl->transport)) return 0;
    while (rw_transport_room(repl->transport) >= FRAME_ROOM &&
           rw_pair_may_send(repl->pair, &first, &upto, &bytes_max)) {
        if (repl->resend_turn != rw_pair_send_turn(repl->pair)) {
            repl->resend_turn = rw_pair_send_turn(repl->pair);
            repl->resend.record.count = 0;
        }
        uint32_t limit =
            bytes_max < RW_TRANSPORT_PAYLOAD_MAX ? (uint32_t)bytes_max : RW_TRANSPORT_PAYLOAD_MAX;
        struct rw_hash before = {0, 0};
        uint32_t bytes, count = gather(repl, first, upto, limit, &bytes, &before);
        if (!count) break;
        rw_pair_append(repl->pair, first, count, before, repl->payload, bytes, repl->now_ns,
                       &repl->message);
        RW_ASSERT(rw_transport_put(repl->transport, &repl->message));
        rw_repl_step(repl, (struct rw_pair_event){
                               .kind = RW_PAIR_SENT, .upto = first + count - 1, .bytes = bytes});
        rw_stat_add(&repl->counters->frames_sent, 1);
        rw_stat_add(&repl->counters->entries_sent, count);
        frames++;
    }
    int32_t sent = rw_transport_flush(repl->transport);
    if (sent > 0) rw_stat_add(&repl->counters->bytes_sent, (uint64_t)sent);
    if (sent < 0) rw_repl_drop_session(repl);
    return frames + (sent > 0);
}
