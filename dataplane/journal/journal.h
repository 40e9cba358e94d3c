/* The journal: an append-only store of numbered items in pre-zeroed segment files.
 *
 *   append ──► [ filling buffer ] ──one write at a time──► segment n │ n+1 │ n+2 (zeroed ahead)
 *                    group commit                             ▲ cold thread makes these
 *
 * One stage thread appends, polls and reads; it never waits. While a write is under way new
 * items gather in the second buffer and leave with the next write, so the batch grows with the
 * load. The cold thread calls rw_journal_cold_step to keep segments ready. Used by replication
 * (the log, durable) and by delivery (results, without sync). Truncation is an appended CUT
 * record: nothing that was written is overwritten.
 *
 * A write that failed is never tried again: the journal is then bad for good
 * (rw_journal_error). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "dataplane/base/hash.h"
#include "dataplane/io/file.h"
#include "dataplane/journal/format.h"
#include "dataplane/stats/stats.h"

#define RW_JOURNAL_COUNTERS(X)                                               \
    X(records_written, "records", "records that have reached the disk")      \
    X(items_written, "items", "log entries or results in them")              \
    X(bytes_written, "bytes", "with heads and padding")                      \
    X(writes, "writes", "group commits")                                     \
    X(marks_written, "records", "records that only carry a newer watermark") \
    X(cuts_written, "records", "truncations")                                \
    X(short_writes, "writes", "writes that were finished by a second one")   \
    X(reads, "reads", "asynchronous reads")                                  \
    X(bytes_read, "bytes", "by asynchronous reads")                          \
    X(no_room, "times", "an append was refused until the write under way ends")
#define RW_JOURNAL_GAUGES(X)                                               \
    X(last, "sequence", "last item appended")                              \
    X(durable, "sequence", "last item on the disk")                        \
    X(acked, "sequence", "up to which durability was promised to others")  \
    X(segment, "index", "segment being written")                           \
    X(free_bytes, "bytes", "zeroed and free, in the segments made so far") \
    X(low_water, "flag", "1 while free_bytes is below the low-water mark") \
    X(direct, "flag",                                                      \
      "1 = O_DIRECT; 0 = through the page cache (not durable, or the file system refused it)")
RW_STATS_STRUCT(rw_journal_counters, RW_JOURNAL_COUNTERS);
RW_STATS_STRUCT(rw_journal_gauges, RW_JOURNAL_GAUGES);

struct rw_journal_cfg {
    const char *folder; /* made when missing; its parent must exist */
    enum rw_journal_kind kind;
    /* each write completes only when the disk has it. False: it goes to the page cache, and after a
     * power cut (not after a crash of the process) the folder may be damaged */
    bool durable;
    uint64_t segment_bytes;    /* multiple of 4 KiB; ≥ 4 × write_bytes, ≤ 1 GiB */
    uint32_t segments_ahead;   /* zeroed and unused segments to keep ready, 1..16 */
    uint32_t segments_max;     /* of the journal; 2..4,096; then it is full */
    uint32_t write_bytes;      /* the largest write, 64 KiB..16 MiB, a multiple of 4 KiB */
    uint32_t index_rows;       /* of the index, 16 B each, ≥ 64; when full it thins itself out */
    uint64_t low_water_bytes;  /* rw_journal_low_water is true below; 0: half a segment */
    uint64_t mark_interval_ns; /* an idle journal repeats its watermark so often; 0: never */
};

/* rw_journal_defaults returns the usual configuration: 16 MiB segments, 2 ahead, 1,024 at
 * most, 256 KiB writes, 16,384 index rows, a mark every 100 ms; durable for the log, not for
 * results. */
struct rw_journal_cfg rw_journal_defaults(enum rw_journal_kind kind, const char *folder);
/* rw_journal_check_cfg returns 0, or -EINVAL with an error that names field, value and range.
 * Pure. */
int rw_journal_check_cfg(const struct rw_journal_cfg *cfg);

struct rw_journal;

/* rw_journal_footprint returns the bytes that rw_journal_open needs: a row of the memory plan. */
size_t rw_journal_footprint(const struct rw_journal_cfg *cfg);

enum rw_journal_open {
    RW_JOURNAL_KEEP = 0,  /* go on after what is there; an empty folder starts a new journal */
    RW_JOURNAL_FRESH = 1, /* remove what is there; new store_id */
};

/* rw_journal_open scans the folder, cuts off a torn tail, makes the first segments, and leaves
 * the journal ready to append. `promised`: highest sequence this site is known to have
 * promised (superblock), 0 = none. Blocks (about 1 s per 2 GB): start-up only, any thread.
 * `memory`: footprint bytes, 4,096-aligned, the caller's until close. `disk` is the stage's
 * queue, shared with readers and superblock (count 1 operation for the journal, 1 per reader).
 * counters and gauges may be private zeroed structs. cfg is copied, its folder string too (≤
 * 200 characters). Returns 0 and *journal, or -errno with an error: -EBADMSG damage below the
 * end, naming segment and offset; -ENODATA it ends before `promised`; -ENOSPC. */
int rw_journal_open(struct rw_journal **journal, void *memory, const struct rw_journal_cfg *cfg,
                    enum rw_journal_open mode, uint64_t promised, struct rw_disk *disk,
                    struct rw_journal_counters *counters, struct rw_journal_gauges *gauges);

/* What is in it. Stage thread (or before it runs). */
uint64_t rw_journal_first(const struct rw_journal *journal); /* first sequence kept; 0 when empty */
uint64_t
rw_journal_last(const struct rw_journal *journal); /* last appended, written or not; 0 = none */
uint64_t
rw_journal_durable(const struct rw_journal *journal); /* last written (and synced, if durable) */
struct rw_hash
rw_journal_chain(const struct rw_journal *journal); /* chain hash after the last appended */
uint64_t rw_journal_epoch(const struct rw_journal *journal);    /* of the last record; 0 = none */
uint64_t rw_journal_acked(const struct rw_journal *journal);    /* watermark as recovered or set */
uint64_t rw_journal_store_id(const struct rw_journal *journal); /* changes when made anew */
/* rw_journal_torn_bytes tells how much of a torn tail open has cut off; 0 = it ended cleanly. */
uint64_t rw_journal_torn_bytes(const struct rw_journal *journal);

/* Items to append: `count` whole items with sequences first_sequence…, standing in `parts` one
 * after the other, with the chain hash after the last. All appends of one record share its
 * epoch. `note` (32 bytes or NULL) replaces the record's note. */
struct rw_journal_batch {
    uint64_t first_sequence; /* = last + 1 (any number ≥ 1 in an empty journal), asserted */
    uint32_t count;          /* ≥ 1 */
    uint32_t part_count;
    const struct iovec *parts;
    uint64_t epoch; /* never falls, asserted */
    struct rw_hash chain;
    const void *note;
};

/* rw_journal_room returns how many payload bytes one append with this epoch would take now:
 * 0..write_bytes. Also 0 when no segment is left or the journal is bad. */
uint32_t rw_journal_room(const struct rw_journal *journal, uint64_t epoch);
/* rw_journal_append copies the items into the filling buffer. Returns 0; -EAGAIN when there is
 * no room now (counted); -ENOSPC when there is no segment left; the error of a bad journal.
 * Within the room it cannot fail. Nothing is written before rw_journal_poll. */
int rw_journal_append(struct rw_journal *journal, const struct rw_journal_batch *batch);
/* rw_journal_end_record closes the record being filled: the next append starts a new one, in
 * the same write where it fits. For owners whose notes must stand at certain sequences. */
void rw_journal_end_record(struct rw_journal *journal);
/* rw_journal_truncate voids all items above `sequence` (≤ last; chain: the chain hash after
 * it). last and durable fall at once; the cut itself is on the disk when rw_journal_settled is
 * true. Readers above the cut get -ESTALE. Returns 0; -EAGAIN no room now, call again; -ENOSPC
 * no segment; -EMLINK 256 cuts are kept, and the journal is bad now; -errno. */
int rw_journal_truncate(struct rw_journal *journal, uint64_t sequence, struct rw_hash chain);
/* rw_journal_set_acked raises the watermark that later records will carry: what has been
 * promised to others as durable. sequence ≤ durable, asserted; it never falls except by a
 * truncation. */
void rw_journal_set_acked(struct rw_journal *journal, uint64_t sequence);
/* rw_journal_poll takes finished writes and submits the next one. Polls the disk queue itself.
 * Returns how many things happened (0 = idle). Call it once a visit, after the appends of the
 * visit. */
uint32_t rw_journal_poll(struct rw_journal *journal, uint64_t now_ns);
/* rw_journal_settled is true when nothing waits to be written and nothing is being written. */
bool rw_journal_settled(const struct rw_journal *journal);
/* rw_journal_error returns 0, or the -errno after which the journal takes nothing more. */
int rw_journal_error(const struct rw_journal *journal);
/* rw_journal_low_water is true when the zeroed space that is left is below the mark: refuse
 * intake. */
bool rw_journal_low_water(const struct rw_journal *journal);

/* rw_journal_cold_step makes segments ahead: at most 1 MiB of zeroes or one metadata call.
 * Returns 1 when there is more to do now, 0 when there is nothing to do, -errno with an error
 * when making one failed (it waits a second of now_ns before it tries again). The cold thread
 * only, beside the stage thread. */
int rw_journal_cold_step(struct rw_journal *journal, uint64_t now_ns);

/* rw_journal_close writes what is still in the buffers and a closing mark, waits for it,
 * closes the files. After the stage thread has stopped, any thread; before rw_disk_close.
 * Returns 0, or -errno with an error. */
int rw_journal_close(struct rw_journal *journal);
/* rw_journal_abandon closes the files and writes nothing, as a crash would leave it. */
void rw_journal_abandon(struct rw_journal *journal);
