/* The running reader: one read under way at most, into a buffer of two largest records. */
#include "dataplane/journal/reader.h"

#include <errno.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/journal/store.h"

struct rw_reader {
    struct rw_journal *journal;
    uint8_t *buffer;
    uint32_t buffer_bytes;
    struct rw_disk_op op;
    bool reading, discard;        /* discard: the read under way is no longer wanted */
    struct rw_place read_place;   /* where the read under way begins */
    struct rw_place place;        /* of the next record */
    struct rw_place buffer_place; /* of the buffer's first byte */
    uint32_t held;                /* valid bytes in the buffer */
    uint64_t next_sequence;
    uint64_t cut_count; /* of the journal, when the position was found */
    bool has_place;
};

static size_t head_bytes(void) {
    return (sizeof(struct rw_reader) + RW_JOURNAL_BLOCK - 1) / RW_JOURNAL_BLOCK * RW_JOURNAL_BLOCK;
}

size_t rw_reader_footprint(const struct rw_journal_cfg *cfg) {
    return head_bytes() + 2ull * cfg->write_bytes;
}

struct rw_reader *rw_reader_new(void *memory, const struct rw_journal_cfg *cfg,
                                struct rw_journal *journal) {
    RW_ASSERT(((uintptr_t)memory & (RW_JOURNAL_BLOCK - 1)) == 0);
    RW_ASSERT(cfg->write_bytes == journal->cfg.write_bytes);
    struct rw_reader *reader = memory;
    memset(reader, 0, sizeof *reader);
    reader->journal = journal;
    reader->buffer = (uint8_t *)memory + head_bytes();
    reader->buffer_bytes = 2 * cfg->write_bytes;
    reader->next_sequence = 1;
    return reader;
}

void rw_reader_seek(struct rw_reader *reader, uint64_t sequence) {
    RW_ASSERT(sequence >= 1 && sequence >= reader->journal->first);
    reader->next_sequence = sequence;
    reader->has_place = false;
    reader->held = 0;
    reader->discard = reader->reading;
}

uint64_t rw_reader_sequence(const struct rw_reader *reader) { return reader->next_sequence; }

void rw_reader_where(const struct rw_reader *reader, uint64_t *segment, uint64_t *offset) {
    *segment = reader->place.segment;
    *offset = reader->place.offset;
}

/* Takes a finished read. Returns 0, or -errno. */
static int take_read(struct rw_reader *reader) {
    rw_disk_poll(reader->journal->disk);
    if (!reader->reading || reader->op.state != RW_DISK_DONE) return 0;
    reader->op.state = RW_DISK_IDLE;
    reader->reading = false;
    if (reader->discard) {
        reader->discard = false;
        return 0;
    }
    if (reader->op.result < 0) return reader->op.result;
    reader->held = (uint32_t)reader->op.result / RW_JOURNAL_BLOCK * RW_JOURNAL_BLOCK;
    reader->buffer_place = reader->read_place;
    rw_stat_add(&reader->journal->counters->bytes_read, reader->held);
    return reader->held ? 0 : -EIO;
}

/* How far this segment may be read: to its end, or to where the write under way or the next
 * one begins. */
static uint64_t readable_end(const struct rw_journal *journal, uint64_t segment) {
    struct rw_place end = journal->writing ? journal->write_place : journal->place;
    return segment < end.segment ? journal->segment_bytes : end.offset;
}

static void start_read(struct rw_reader *reader) {
    struct rw_journal *journal = reader->journal;
    uint64_t bytes = readable_end(journal, reader->place.segment) - reader->place.offset;
    if (bytes > reader->buffer_bytes) bytes = reader->buffer_bytes;
    reader->held = 0;
    reader->reading = true;
    reader->read_place = reader->place;
    rw_stat_add(&journal->counters->reads, 1);
    rw_disk_read(journal->disk, &reader->op, rw_store_file(journal, reader->place.segment),
                 reader->buffer, (uint32_t)bytes, reader->place.offset);
}

/* The bytes of the buffer from the reader's place on; 0 when the buffer does not hold them. */
static uint64_t held_from_place(const struct rw_reader *reader, const uint8_t **block) {
    uint64_t begin = reader->buffer_place.offset;
    if (reader->held == 0 || reader->buffer_place.segment != reader->place.segment ||
        reader->place.offset < begin || reader->place.offset >= begin + reader->held)
        return 0;
    *block = reader->buffer + (reader->place.offset - begin);
    return begin + reader->held - reader->place.offset;
}

/* Judges the record at the reader's place. Returns 1 and *record; 0: look again (moved on, or
 * a read was started: reader->reading); -errno. */
static int step(struct rw_reader *reader, struct rw_journal_record *record) {
    struct rw_journal *journal = reader->journal;
    const uint8_t *block;
    struct rw_journal_head head;
    uint64_t room = held_from_place(reader, &block);
    if (room == 0) {
        if (reader->place.offset < readable_end(journal, reader->place.segment)) {
            start_read(reader);
            return 0;
        }
        if (reader->place.segment >= journal->place.segment)
            return -EBADMSG; /* durable, yet not there */
        reader->place = (struct rw_place){reader->place.segment + 1, RW_JOURNAL_BLOCK};
        return 0;
    }
    enum rw_journal_verdict verdict = rw_journal_check(block, room, journal->store_id, &head);
    if (verdict == RW_JOURNAL_CUT_SHORT && reader->place.offset > reader->buffer_place.offset) {
        start_read(reader); /* again, from the beginning of this record */
        return 0;
    }
    if (verdict == RW_JOURNAL_EMPTY && reader->place.segment < journal->place.segment) {
        reader->place = (struct rw_place){reader->place.segment + 1, RW_JOURNAL_BLOCK};
        return 0;
    }
    if (verdict != RW_JOURNAL_GOOD) return -EBADMSG;
    struct rw_place place = reader->place;
    reader->place.offset += (uint64_t)rw_journal_blocks(head.payload_bytes) * RW_JOURNAL_BLOCK;
    if (!(head.flags & RW_JOURNAL_ITEMS)) return 0;
    int seen = rw_record_view(record, &head, block, place, journal->cfg.kind,
                              rw_cuts_limit(&journal->cuts, place), journal->durable);
    if (seen < 0) return -EBADMSG;
    if (seen == 0 || record->first_sequence + record->count <= reader->next_sequence) return 0;
    if (record->first_sequence > reader->next_sequence) return -EBADMSG;
    reader->next_sequence = record->first_sequence + record->count;
    return 1;
}

int rw_reader_next(struct rw_reader *reader, struct rw_journal_record *record) {
    struct rw_journal *journal = reader->journal;
    int rc = take_read(reader);
    if (rc || reader->reading) return rc;
    if (reader->has_place && reader->cut_count != journal->cut_count) {
        if (reader->next_sequence > rw_journal_last(journal) + 1) return -ESTALE;
        reader->has_place = false; /* the way on from here may lead through other records now */
    }
    if (reader->next_sequence > journal->durable) return 0;
    if (!reader->has_place) {
        if (!rw_index_find(&journal->index, reader->next_sequence, &reader->place)) return -EBADMSG;
        reader->has_place = true;
        reader->cut_count = journal->cut_count;
    }
    /* ends: each step moves the place on towards the durable end, starts a read, or returns */
    while ((rc = step(reader, record)) == 0 && !reader->reading)
        RW_ASSERT(!rw_place_before(journal->place, reader->place));
    return rc;
}
