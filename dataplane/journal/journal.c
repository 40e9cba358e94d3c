/* The stage thread's side of the journal: fill a buffer, write it, book it. */
#include "dataplane/journal/journal.h"

#include <errno.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/err.h"
#include "dataplane/journal/store.h"

/* A write that stops short is continued; one that makes no progress so often is broken. */
#define ATTEMPTS_MAX 16u

struct rw_journal_cfg rw_journal_defaults(enum rw_journal_kind kind, const char *folder) {
    return (struct rw_journal_cfg){
        .folder = folder,
        .kind = kind,
        .durable = kind == RW_JOURNAL_LOG,
        .segment_bytes = 16u << 20,
        .segments_ahead = 2,
        .segments_max = 1024,
        .write_bytes = 256u << 10,
        .index_rows = 16384,
        .mark_interval_ns = 100000000,
    };
}

static int out_of_range(const char *field, uint64_t value, uint64_t low, uint64_t high) {
    rw_err_set(EINVAL, "journal: %s %llu is out of range", field, (unsigned long long)value);
    rw_err_fix("set it to %llu..%llu", (unsigned long long)low, (unsigned long long)high);
    return -EINVAL;
}

int rw_journal_check_cfg(const struct rw_journal_cfg *cfg) {
    const struct {
        const char *field;
        uint64_t value, low, high;
    } ranges[] = {
        {"write_bytes", cfg->write_bytes, 64u << 10, 16u << 20},
        {"segment_bytes", cfg->segment_bytes, 4ull * cfg->write_bytes, 1u << 30},
        {"segments_ahead", cfg->segments_ahead, 1, 16},
        {"segments_max", cfg->segments_max, 2, 4096},
        {"index_rows", cfg->index_rows, 64, 1u << 24},
        {"kind", (uint64_t)cfg->kind, RW_JOURNAL_LOG, RW_JOURNAL_RESULTS},
        {"the folder's length", cfg->folder ? strlen(cfg->folder) : 0, 1, 200},
    };
    for (uint32_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (ranges[i].value < ranges[i].low || ranges[i].value > ranges[i].high)
            return out_of_range(ranges[i].field, ranges[i].value, ranges[i].low, ranges[i].high);
    if ((cfg->segment_bytes | cfg->write_bytes) % RW_JOURNAL_BLOCK == 0) return 0;
    rw_err_set(EINVAL, "journal: segment_bytes %llu or write_bytes %u is not a multiple of 4,096",
               (unsigned long long)cfg->segment_bytes, cfg->write_bytes);
    rw_err_fix("use multiples of 4 KiB");
    return -EINVAL;
}

uint64_t rw_journal_first(const struct rw_journal *journal) { return journal->first; }
uint64_t rw_journal_last(const struct rw_journal *journal) {
    return journal->next_sequence ? journal->next_sequence - 1 : 0;
}
uint64_t rw_journal_durable(const struct rw_journal *journal) { return journal->durable; }
struct rw_hash rw_journal_chain(const struct rw_journal *journal) {
    return journal->chain;
}
uint64_t rw_journal_epoch(const struct rw_journal *journal) { return journal->epoch; }
uint64_t rw_journal_acked(const struct rw_journal *journal) { return journal->acked; }
uint64_t rw_journal_store_id(const struct rw_journal *journal) { return journal->store_id; }
uint64_t rw_journal_torn_bytes(const struct rw_journal *journal) { return journal->torn_bytes; }
int rw_journal_error(const struct rw_journal *journal) { return journal->error; }

static uint64_t free_bytes(const struct rw_journal *journal) {
    /* pairs with the release in publish (segments.c): the files of these segments are open */
    uint64_t ready = atomic_load_explicit(&journal->ready, memory_order_acquire);
    return journal->segment_bytes - journal->place.offset +
           (ready - journal->place.segment) * (journal->segment_bytes - RW_JOURNAL_BLOCK);
}

bool rw_journal_low_water(const struct rw_journal *journal) {
    return free_bytes(journal) < journal->cfg.low_water_bytes;
}

/* Would a write of so many bytes find a place? */
static bool has_segment(const struct rw_journal *journal, uint32_t bytes) {
    if (journal->place.offset + bytes <= journal->segment_bytes) return true;
    return atomic_load_explicit(&journal->ready, memory_order_acquire) > journal->place.segment;
}

/* Payload bytes that fit behind what the buffer holds, in the open record or a new one. */
static uint32_t payload_room(const struct rw_journal *journal, bool same_record) {
    const struct rw_write *write = &journal->write[journal->filling];
    uint32_t taken = write->used;
    if (write->open)
        taken += same_record ? RW_JOURNAL_HEAD_BYTES + write->head.payload_bytes
                             : rw_journal_blocks(write->head.payload_bytes) * RW_JOURNAL_BLOCK;
    if (!write->open || !same_record) taken += RW_JOURNAL_HEAD_BYTES;
    return taken < journal->cfg.write_bytes ? journal->cfg.write_bytes - taken : 0;
}

static bool continues(const struct rw_journal *journal, uint64_t epoch) {
    const struct rw_write *write = &journal->write[journal->filling];
    return write->open && write->head.flags == RW_JOURNAL_ITEMS && write->head.epoch == epoch;
}

uint32_t rw_journal_room(const struct rw_journal *journal, uint64_t epoch) {
    if (journal->error || !has_segment(journal, journal->cfg.write_bytes)) return 0;
    return payload_room(journal, continues(journal, epoch));
}

static void close_record(struct rw_journal *journal) {
    struct rw_write *write = &journal->write[journal->filling];
    if (!write->open) return;
    write->head.chain = journal->chain;
    write->head.acked = journal->acked;
    journal->acked_written = journal->acked;
    write->used += rw_journal_seal_head(write->bytes + write->used, &write->head);
    write->open = false;
    RW_ASSERT(write->used <= journal->cfg.write_bytes);
}

void rw_journal_end_record(struct rw_journal *journal) { close_record(journal); }

static struct rw_journal_head *open_record(struct rw_journal *journal, uint64_t first,
                                           uint64_t epoch, uint32_t flags) {
    struct rw_write *write = &journal->write[journal->filling];
    close_record(journal);
    RW_ASSERT(write->used + RW_JOURNAL_BLOCK <= journal->cfg.write_bytes);
    write->open = true;
    write->records++;
    write->head = (struct rw_journal_head){
        .first_sequence = first,
        .flags = flags,
        .epoch = epoch,
        .store_id = journal->store_id,
        .number = ++journal->number,
        .write_blocks = write->used / RW_JOURNAL_BLOCK,
        .version = RW_JOURNAL_VERSION,
        .chain_before = journal->chain,
    };
    journal->epoch = epoch;
    return &write->head;
}

int rw_journal_append(struct rw_journal *journal, const struct rw_journal_batch *batch) {
    RW_ASSERT(batch->count > 0 && batch->first_sequence > 0 && batch->epoch >= journal->epoch);
    RW_ASSERT(!journal->next_sequence || batch->first_sequence == journal->next_sequence);
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < batch->part_count; i++) bytes += batch->parts[i].iov_len;
    RW_ASSERT(bytes > 0);
    if (bytes > rw_journal_room(journal, batch->epoch)) {
        if (journal->error) return journal->error;
        if (!has_segment(journal, journal->cfg.write_bytes)) return -ENOSPC;
        rw_stat_add(&journal->counters->no_room, 1);
        return -EAGAIN;
    }
    struct rw_write *write = &journal->write[journal->filling];
    if (!continues(journal, batch->epoch))
        open_record(journal, batch->first_sequence, batch->epoch, RW_JOURNAL_ITEMS);
    for (uint32_t i = 0; i < batch->part_count; i++) {
        memcpy(write->bytes + write->used + RW_JOURNAL_HEAD_BYTES + write->head.payload_bytes,
               batch->parts[i].iov_base, batch->parts[i].iov_len);
        write->head.payload_bytes += (uint32_t)batch->parts[i].iov_len;
    }
    if (batch->note) memcpy(write->head.note, batch->note, RW_JOURNAL_NOTE_BYTES);
    write->head.count += batch->count;
    write->items += batch->count;
    if (journal->first == 0) journal->first = batch->first_sequence;
    journal->next_sequence = batch->first_sequence + batch->count;
    journal->chain = batch->chain;
    write->last = journal->next_sequence - 1;
    return 0;
}

int rw_journal_truncate(struct rw_journal *journal, uint64_t sequence, struct rw_hash chain) {
    RW_ASSERT(sequence <= rw_journal_last(journal));
    if (journal->error) return journal->error;
    if (sequence == rw_journal_last(journal)) return 0;
    struct rw_write *write = &journal->write[journal->filling];
    if (write->cuts || payload_room(journal, false) == 0) return -EAGAIN;
    if (!has_segment(journal, journal->cfg.write_bytes)) return -ENOSPC;
    /* its place is not known yet: behind everything, until the write is placed */
    struct rw_cut cut = {{UINT64_MAX, UINT64_MAX}, sequence, chain};
    /* no later call will find room: the owner must not wait for it */
    if (!rw_cuts_push(&journal->cuts, &cut)) return journal->error = -EMLINK;
    open_record(journal, sequence + 1, journal->epoch, RW_JOURNAL_CUT);
    journal->chain = chain;
    if (journal->acked > sequence) journal->acked = sequence;
    close_record(journal);
    write->cuts++;
    write->last = sequence;
    struct rw_write *other = &journal->write[1 - journal->filling];
    if (other->last > sequence) other->last = sequence;
    if (journal->durable > sequence) journal->durable = sequence;
    if (journal->first > sequence) journal->first = 0;
    journal->next_sequence = sequence + 1;
    journal->cut_count++;
    return 0;
}

void rw_journal_set_acked(struct rw_journal *journal, uint64_t sequence) {
    RW_ASSERT(sequence <= journal->durable);
    if (sequence > journal->acked) journal->acked = sequence;
}

void rw_store_mark(struct rw_journal *journal, uint32_t flags) {
    struct rw_write *write = &journal->write[journal->filling];
    RW_ASSERT(write->used == 0 && !write->open);
    uint64_t next = journal->next_sequence ? journal->next_sequence : 1;
    open_record(journal, next, journal->epoch, RW_JOURNAL_MARK | flags);
    write->last = journal->durable;
    write->marks++;
}

/* The write has its place now: note where its records stand. */
static void index_records(struct rw_journal *journal, const struct rw_write *write) {
    struct rw_journal_head head;
    for (uint32_t at = 0; at < write->used;
         at += rw_journal_blocks(head.payload_bytes) * RW_JOURNAL_BLOCK) {
        memcpy(&head, write->bytes + at, sizeof head);
        struct rw_place place = {journal->place.segment, journal->place.offset + at};
        if (head.flags & RW_JOURNAL_ITEMS)
            rw_index_add(&journal->index, head.first_sequence, place);
        if (!(head.flags & RW_JOURNAL_CUT)) continue;
        rw_index_cut(&journal->index, head.first_sequence - 1);
        for (uint32_t i = 0; i < journal->cuts.count; i++)
            if (journal->cuts.cut[i].place.segment == UINT64_MAX)
                journal->cuts.cut[i].place = place;
    }
}

bool rw_store_place_write(struct rw_journal *journal) {
    struct rw_write *write = &journal->write[journal->filling];
    if (write->used == 0 && !write->open) return false;
    uint32_t bytes = write->used;
    if (write->open) bytes += rw_journal_blocks(write->head.payload_bytes) * RW_JOURNAL_BLOCK;
    if (journal->place.offset + bytes > journal->segment_bytes) {
        if (!has_segment(journal, bytes)) return false;
        journal->place = (struct rw_place){journal->place.segment + 1, RW_JOURNAL_BLOCK};
        /* pairs with the acquire in rw_journal_cold_step, which then makes another one */
        atomic_store_explicit(&journal->active, journal->place.segment, memory_order_release);
    }
    close_record(journal);
    index_records(journal, write);
    journal->write_place = journal->place;
    journal->place.offset += write->used;
    journal->written = 0;
    journal->attempts = 0;
    journal->filling = 1 - journal->filling;
    journal->writing = true;
    return true;
}

static void submit(struct rw_journal *journal) {
    const struct rw_write *write = &journal->write[1 - journal->filling];
    rw_disk_write(journal->disk, &journal->op, rw_store_file(journal, journal->write_place.segment),
                  write->bytes + journal->written, write->used - journal->written,
                  journal->write_place.offset + journal->written, journal->cfg.durable);
}

void rw_store_wrote(struct rw_journal *journal) {
    struct rw_write *write = &journal->write[1 - journal->filling];
    struct rw_journal_counters *counters = journal->counters;
    if (write->last > journal->durable) journal->durable = write->last;
    rw_stat_add(&counters->writes, 1);
    rw_stat_add(&counters->records_written, write->records);
    rw_stat_add(&counters->items_written, write->items);
    rw_stat_add(&counters->marks_written, write->marks);
    rw_stat_add(&counters->cuts_written, write->cuts);
    rw_stat_add(&counters->bytes_written, write->used);
    *write = (struct rw_write){.bytes = write->bytes};
    journal->writing = false;
}

static uint32_t take_completion(struct rw_journal *journal) {
    if (!journal->writing || journal->op.state != RW_DISK_DONE) return 0;
    struct rw_write *write = &journal->write[1 - journal->filling];
    int32_t result = journal->op.result;
    journal->op.state = RW_DISK_IDLE;
    if (result < 0 || ++journal->attempts > ATTEMPTS_MAX) {
        journal->error = result < 0 ? result : -EIO;
        return 1;
    }
    /* O_DIRECT goes on at a block: the part block is written again */
    journal->written += (uint32_t)result / RW_JOURNAL_BLOCK * RW_JOURNAL_BLOCK;
    if (journal->written == write->used) {
        rw_store_wrote(journal);
    } else {
        rw_stat_add(&journal->counters->short_writes, 1);
        submit(journal);
    }
    return 1;
}

static void show(struct rw_journal *journal) {
    struct rw_journal_gauges *gauges = journal->gauges;
    rw_stat_set(&gauges->last, rw_journal_last(journal));
    rw_stat_set(&gauges->durable, journal->durable);
    rw_stat_set(&gauges->acked, journal->acked);
    rw_stat_set(&gauges->segment, journal->place.segment);
    rw_stat_set(&gauges->free_bytes, free_bytes(journal));
    rw_stat_set(&gauges->low_water, rw_journal_low_water(journal));
}

uint32_t rw_journal_poll(struct rw_journal *journal, uint64_t now_ns) {
    rw_disk_poll(journal->disk);
    uint32_t done = take_completion(journal);
    if (journal->writing || journal->error) return done;
    struct rw_write *write = &journal->write[journal->filling];
    bool idle = write->used == 0 && !write->open;
    if (idle && journal->acked > journal->acked_written && journal->cfg.mark_interval_ns &&
        now_ns >= journal->mark_at_ns && has_segment(journal, RW_JOURNAL_BLOCK))
        rw_store_mark(journal, 0);
    if (rw_store_place_write(journal)) {
        submit(journal);
        journal->mark_at_ns = now_ns + journal->cfg.mark_interval_ns;
        done += 1 + take_completion(journal); /* a write into the page cache is done at once */
    }
    if (done) show(journal);
    return done;
}

bool rw_journal_settled(const struct rw_journal *journal) {
    const struct rw_write *write = &journal->write[journal->filling];
    return !journal->writing && write->used == 0 && !write->open;
}
