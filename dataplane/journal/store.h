/* The journal's state, private to this folder: who may touch what.
 *
 *   stage thread   buffers, op, place, index, cuts, watermarks
 *   cold thread    `cold`, and slots of `file` above `ready` until it publishes them
 *   both           ready (cold → stage), active (stage → cold): atomics */
#pragma once

#include <stdatomic.h>

#include "dataplane/journal/journal.h"
#include "dataplane/journal/walk.h"

#define RW_STORE_PATH_MAX 256u
#define RW_STORE_ZEROES   (64u << 10)

/* One group commit: whole records, then perhaps one that is still being filled. */
struct rw_write {
    uint8_t *bytes; /* write_bytes, 4,096-aligned */
    uint32_t used;  /* by closed records; a multiple of 4 KiB */
    bool open;
    struct rw_journal_head head; /* of the open record */
    uint64_t last;               /* durable once this write is */
    uint32_t records, items, marks, cuts;
};

enum rw_cold_stage { RW_COLD_IDLE = 0, RW_COLD_ZERO, RW_COLD_SYNC, RW_COLD_PUBLISH };

struct rw_cold {
    enum rw_cold_stage stage;
    struct rw_file file;
    uint64_t index, offset;
    uint64_t retry_at_ns;
};

struct rw_journal {
    struct rw_journal_cfg cfg;
    char folder[RW_STORE_PATH_MAX];
    struct rw_disk *disk;
    struct rw_journal_counters *counters;
    struct rw_journal_gauges *gauges;

    struct rw_write write[2];
    uint32_t filling; /* which of the two takes appends */
    bool writing;     /* the other one is under way */
    struct rw_disk_op op;
    struct rw_place write_place; /* where the write under way began */
    uint32_t written;            /* bytes of it that are done */
    uint32_t attempts;
    int error;

    struct rw_place place; /* where the next write goes */
    uint64_t next_sequence, first, durable, number;
    uint64_t epoch;
    uint64_t acked, acked_written;
    uint64_t mark_at_ns;
    uint64_t cut_count; /* of all truncations so far: readers notice */
    struct rw_hash chain;
    struct rw_index index;
    struct rw_cuts cuts;

    uint64_t store_id, first_segment, segment_bytes;
    uint64_t torn_bytes;
    int folder_fd;
    struct rw_file *file;    /* by segment index − first_segment */
    _Atomic uint64_t ready;  /* highest segment made; cold thread writes */
    _Atomic uint64_t active; /* segment being written; stage thread writes */
    struct rw_cold cold;
    uint8_t *zeroes, *head_block; /* cold thread's */
};

/* rw_store_file returns the open file of a segment that is ready. */
static inline const struct rw_file *rw_store_file(const struct rw_journal *journal,
                                                  uint64_t segment) {
    return &journal->file[segment - journal->first_segment];
}

/* A journal that need not survive a power cut goes through the page cache. */
static inline enum rw_file_mode rw_store_cached(const struct rw_journal *journal) {
    return journal->cfg.durable ? 0 : RW_FILE_CACHED;
}

/* rw_store_segment_path writes FOLDER/NNNNNNNNNN.suffix. */
void rw_store_segment_path(const struct rw_journal *journal, uint64_t index, const char *suffix,
                           char path[RW_STORE_PATH_MAX + 32]);
/* rw_store_list returns how many segments a folder holds and the lowest index; -errno with an
 * error. A hole in the numbers is left to the walk, which will miss the file. -ENOENT when the
 * folder does not exist. */
int64_t rw_store_list(const char *folder, uint64_t *first, uint64_t *last);
/* rw_store_load reads a whole segment file into *bytes (*room is its capacity, grown with
 * realloc). Returns the length, or -errno with an error. */
int64_t rw_store_load(const char *folder, uint64_t index, uint8_t **bytes, uint64_t *room);
/* rw_store_damage turns the walk's damage into an error. Returns -EBADMSG. */
int rw_store_damage(const struct rw_walk *walk, const char *folder);
/* rw_store_place_write closes the filling buffer and gives it a place. False when there is
 * nothing to write or no segment for it; journal->write_place tells where. */
bool rw_store_place_write(struct rw_journal *journal);
/* rw_store_wrote books the finished write. */
void rw_store_wrote(struct rw_journal *journal);
/* rw_store_mark opens, in an empty filling buffer, a record that only carries the watermark. */
void rw_store_mark(struct rw_journal *journal, uint32_t flags);
