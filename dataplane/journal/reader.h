/* Reading a journal: while it runs, record by record without waiting; or a folder as a whole,
 * offline.
 *
 * rw_reader serves catch-up, recovery and re-requests on the journal's own stage thread: seek
 * to a sequence, then take records until the durable end. rw_journal_scan is for tools and
 * start-up: it reads a folder (also a copy) from the first segment on, without changing it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "dataplane/journal/format.h"
#include "dataplane/journal/journal.h"

struct rw_reader;

/* rw_reader_footprint: bytes for one reader of a journal with this configuration (its buffer
 * holds two of the largest records). rw_reader_new: memory 4,096-aligned, the caller's.
 * Several may share a journal. */
size_t rw_reader_footprint(const struct rw_journal_cfg *cfg);
struct rw_reader *rw_reader_new(void *memory, const struct rw_journal_cfg *cfg,
                                struct rw_journal *journal);
/* rw_reader_seek: the next record will be the one that holds `sequence` (≥ rw_journal_first,
 * asserted). It may begin before it: rw_journal_skip. A read under way is finished and
 * ignored. */
void rw_reader_seek(struct rw_reader *reader, uint64_t sequence);
/* rw_reader_sequence returns the sequence that comes next. */
uint64_t rw_reader_sequence(const struct rw_reader *reader);
/* rw_reader_next hands out the next record. Returns 1 and *record, valid until the next call
 * for this reader; 0 when it is being read, or when all up to the durable end has been taken
 * (call again at the next visit); -ESTALE after a truncation below this position (seek again);
 * -EBADMSG when the record is corrupt (rw_reader_where); -EIO. Same thread as the journal. */
int rw_reader_next(struct rw_reader *reader, struct rw_journal_record *record);
/* rw_reader_where tells where the reader stands, for error messages. */
void rw_reader_where(const struct rw_reader *reader, uint64_t *segment, uint64_t *offset);

/* What a scan found. */
struct rw_journal_summary {
    enum rw_journal_kind kind;
    uint64_t store_id;
    uint64_t segments, segments_unused; /* files; those without a record */
    uint64_t records, cuts, marks;
    uint64_t first, last; /* valid sequences; 0 = none */
    uint64_t epoch, acked;
    struct rw_hash chain;
    bool closed;                        /* ends with a closing mark */
    uint64_t torn_segment, torn_offset; /* where a torn tail begins; segment 0 = none */
    uint64_t torn_bytes;
};

/* Called for each record with items that are still valid. Return 0 to go on, anything else to
 * stop. */
typedef int (*rw_journal_visit)(void *context, const struct rw_journal_record *record);

/* rw_journal_scan reads a folder; visit may be NULL. promised: as in rw_journal_open. Returns
 * 0; the visitor's value; or -errno with an error: -ENOENT no journal there, -EBADMSG damage
 * below the end (segment, offset, cause), -ENODATA, -ENOMEM. A torn tail is not an error here,
 * it is in the summary. Needs two segments of heap memory. Cold path. */
int rw_journal_scan(const char *folder, uint64_t promised, rw_journal_visit visit, void *context,
                    struct rw_journal_summary *summary);
