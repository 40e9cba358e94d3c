/* Opening and closing a journal: the blocking ends of its life. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/err.h"
#include "dataplane/journal/store.h"

static size_t block_up(size_t bytes) {
    return (bytes + RW_JOURNAL_BLOCK - 1) / RW_JOURNAL_BLOCK * RW_JOURNAL_BLOCK;
}

/* Where the parts of the one memory block begin, in order; the last is its length. */
struct layout {
    size_t write[2], zeroes, head_block, rows, files, bytes;
};

static struct layout lay_out(const struct rw_journal_cfg *cfg) {
    struct layout layout;
    layout.write[0] = block_up(sizeof(struct rw_journal));
    layout.write[1] = layout.write[0] + cfg->write_bytes;
    layout.zeroes = layout.write[1] + cfg->write_bytes;
    layout.head_block = layout.zeroes + RW_STORE_ZEROES;
    layout.rows = layout.head_block + RW_JOURNAL_BLOCK;
    layout.files = layout.rows + block_up(cfg->index_rows * sizeof(struct rw_index_row));
    layout.bytes = layout.files + block_up(cfg->segments_max * sizeof(struct rw_file));
    return layout;
}

size_t rw_journal_footprint(const struct rw_journal_cfg *cfg) { return lay_out(cfg).bytes; }

static struct rw_journal *lay_memory(void *memory, const struct rw_journal_cfg *cfg) {
    RW_ASSERT(((uintptr_t)memory & (RW_JOURNAL_BLOCK - 1)) == 0);
    struct layout layout = lay_out(cfg);
    uint8_t *base = memory;
    memset(base, 0, layout.bytes);
    struct rw_journal *journal = memory;
    journal->cfg = *cfg;
    strcpy(journal->folder, cfg->folder); /* its length was checked */
    journal->cfg.folder = journal->folder;
    journal->write[0].bytes = base + layout.write[0];
    journal->write[1].bytes = base + layout.write[1];
    journal->zeroes = base + layout.zeroes;
    journal->head_block = base + layout.head_block;
    journal->index =
        (struct rw_index){.rows = (void *)(base + layout.rows), .max = cfg->index_rows};
    journal->file = (void *)(base + layout.files);
    for (uint32_t i = 0; i < cfg->segments_max; i++) journal->file[i].fd = -1;
    journal->segment_bytes = cfg->segment_bytes;
    if (!cfg->low_water_bytes) journal->cfg.low_water_bytes = cfg->segment_bytes / 2;
    return journal;
}

/* Makes the folder and locks it, so that two processes never write one journal. */
static int take_folder(struct rw_journal *journal) {
    const char *folder = journal->folder;
    if (mkdir(folder, 0750) && errno != EEXIST) {
        int cause = errno;
        return rw_err_set(cause, "cannot make the journal folder %s: %s", folder, strerror(cause));
    }
    journal->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (journal->folder_fd < 0) {
        int cause = errno;
        return rw_err_set(cause, "cannot open the journal folder %s: %s", folder, strerror(cause));
    }
    if (flock(journal->folder_fd, LOCK_EX | LOCK_NB) == 0) return 0;
    close(journal->folder_fd);
    rw_err_set(EBUSY, "the journal folder %s is in use", folder);
    rw_err_why("another process writes this journal");
    rw_err_fix("stop the other instance, or give this one its own folder");
    return -EBUSY;
}

/* Removes half-made segments, and for a fresh journal the whole ones too. */
static int sweep(struct rw_journal *journal, bool all) {
    int fd = openat(journal->folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder) {
        if (fd >= 0) close(fd);
        return rw_err_set(EIO, "cannot list the journal folder %s", journal->folder);
    }
    for (struct dirent *row; (row = readdir(folder));) {
        size_t length = strlen(row->d_name);
        if (length != 14 || strspn(row->d_name, "0123456789") != 10) continue;
        bool is_half = strcmp(row->d_name + 10, ".new") == 0;
        bool is_whole = strcmp(row->d_name + 10, ".seg") == 0;
        if (is_half || (all && is_whole)) unlinkat(journal->folder_fd, row->d_name, 0);
    }
    closedir(folder);
    return 0;
}

static int note_record(void *context, const struct rw_walk *walk,
                       const struct rw_journal_head *head, const uint8_t *block,
                       struct rw_place place) {
    struct rw_journal *journal = context;
    if (head->flags & RW_JOURNAL_ITEMS) rw_index_add(&journal->index, head->first_sequence, place);
    if (head->flags & RW_JOURNAL_CUT) rw_index_cut(&journal->index, head->first_sequence - 1);
    return 0;
}

/* Reads all segments into the index; walk tells the rest. */
static int walk_folder(struct rw_journal *journal, struct rw_walk *walk, uint64_t first,
                       uint64_t last) {
    uint8_t *bytes = NULL;
    uint64_t room = 0;
    int rc = 0;
    for (uint64_t index = first; index <= last && rc == 0; index++) {
        int64_t size = rw_store_load(journal->folder, index, &bytes, &room);
        rc = size < 0 ? (int)size : rw_walk_segment(walk, index, bytes, (uint64_t)size);
    }
    free(bytes);
    return rc;
}

/* Opens and locks every segment, before a byte is read: the kernel may still be finishing the
 * last write of a process that was killed, and keeps that process's lock on the file until it
 * has. */
static int open_files(struct rw_journal *journal, uint64_t first, uint64_t last) {
    if (last - first >= journal->cfg.segments_max) {
        rw_err_set(EFBIG, "journal %s has %llu segments, segments_max is %u", journal->folder,
                   (unsigned long long)(last - first + 1), journal->cfg.segments_max);
        rw_err_fix("raise segments_max, or archive the folder and start a fresh journal");
        return -EFBIG;
    }
    for (uint64_t index = first; index <= last; index++) {
        char path[RW_STORE_PATH_MAX + 32];
        struct rw_file *file = &journal->file[index - first];
        rw_store_segment_path(journal, index, "seg", path);
        int rc = rw_file_open(file, path, RW_FILE_WRITE | rw_store_cached(journal));
        if (rc == -ENOENT) return rw_err_set(EBADMSG, "journal segment %s is missing", path);
        if (!rc) rc = rw_file_lock(file, path);
        if (rc) return rc;
        rw_stat_set(&journal->gauges->direct, file->direct);
    }
    return 0;
}

/* Zeroes the rest of a write that a crash has torn, so that the end is clean again. */
static int cut_tail(struct rw_journal *journal, const struct rw_walk *walk) {
    if (walk->damage != RW_DAMAGE_TORN) return 0;
    const struct rw_file *file = &journal->file[walk->bad.segment - walk->first_segment];
    uint64_t end = walk->bad.offset + block_up(walk->torn_bytes);
    for (uint64_t at = walk->bad.offset; at < end;) {
        uint64_t bytes = end - at < RW_STORE_ZEROES ? end - at : RW_STORE_ZEROES;
        ssize_t wrote = pwrite(file->fd, journal->zeroes, bytes, (off_t)at);
        if (wrote != (ssize_t)bytes)
            return rw_err_set(wrote < 0 ? errno : EIO, "cannot cut the torn tail of journal %s",
                              journal->folder);
        at += bytes;
    }
    if (fdatasync(file->fd)) return rw_err_set(errno, "cannot sync journal %s", journal->folder);
    journal->torn_bytes = walk->torn_bytes;
    return 0;
}

static void adopt(struct rw_journal *journal, const struct rw_walk *walk) {
    journal->store_id = walk->store_id;
    journal->segment_bytes = walk->segment_bytes;
    journal->first_segment = walk->first_segment;
    journal->place = walk->end;
    journal->next_sequence = walk->next_sequence;
    journal->first = walk->first;
    journal->durable = rw_journal_last(journal);
    journal->number = walk->number;
    journal->epoch = walk->epoch;
    journal->acked = journal->acked_written = walk->acked;
    journal->chain = walk->chain;
    journal->cuts = walk->cuts;
    atomic_store_explicit(&journal->ready, walk->last_segment, memory_order_relaxed);
    atomic_store_explicit(&journal->active, walk->end.segment, memory_order_relaxed);
}

static int adopt_folder(struct rw_journal *journal, uint64_t first, uint64_t last) {
    struct rw_walk *walk = calloc(1, sizeof *walk);
    if (!walk) return rw_err_set(ENOMEM, "no memory to scan journal %s", journal->folder);
    *walk = (struct rw_walk){.visit = note_record, .context = journal};
    int rc = open_files(journal, first, last);
    if (!rc) rc = walk_folder(journal, walk, first, last);
    if (!rc && walk->damage == RW_DAMAGE_CORRUPT) rc = rw_store_damage(walk, journal->folder);
    if (!rc && (walk->kind != journal->cfg.kind || walk->largest_bytes > journal->cfg.write_bytes ||
                walk->segment_bytes < 4ull * journal->cfg.write_bytes))
        rc = rw_err_set(
            EINVAL,
            "journal %s is of kind %d with %llu byte segments and records up to %u bytes; "
            "kind %d with write_bytes %u does not fit it",
            journal->folder, walk->kind, (unsigned long long)walk->segment_bytes,
            walk->largest_bytes, journal->cfg.kind, journal->cfg.write_bytes);
    if (!rc) rc = cut_tail(journal, walk);
    if (!rc) adopt(journal, walk);
    free(walk);
    return rc;
}

static int start_empty(struct rw_journal *journal) {
    if (getrandom(&journal->store_id, sizeof journal->store_id, 0) != sizeof journal->store_id)
        return rw_err_set(EIO, "no random numbers for a new journal");
    journal->store_id |= 1; /* never 0 */
    journal->first_segment = 1;
    journal->place = (struct rw_place){1, RW_JOURNAL_BLOCK};
    atomic_store_explicit(&journal->active, 1, memory_order_relaxed);
    return 0;
}

static int fill_journal(struct rw_journal *journal, enum rw_journal_open mode, uint64_t promised) {
    uint64_t first = 0, last = 0;
    int rc = sweep(journal, mode == RW_JOURNAL_FRESH);
    if (rc) return rc;
    int64_t count = rw_store_list(journal->folder, &first, &last);
    if (count < 0) return (int)count;
    rc = count ? adopt_folder(journal, first, last) : start_empty(journal);
    if (rc) return rc;
    if (rw_journal_last(journal) < promised) {
        rw_err_set(ENODATA, "journal %s ends at %llu but durability was promised up to %llu",
                   journal->folder, (unsigned long long)rw_journal_last(journal),
                   (unsigned long long)promised);
        rw_err_why("segments are missing or the end was lost below a promise");
        rw_err_fix("restore the folder, or start this site without its journal and let it resync");
        return -ENODATA;
    }
    while ((rc = rw_journal_cold_step(journal, 0)) == 1)
        if (atomic_load_explicit(&journal->ready, memory_order_relaxed) >=
            journal->place.segment + 1)
            return 0; /* one to write into and one ahead; the cold thread makes the others */
    bool writable =
        atomic_load_explicit(&journal->ready, memory_order_relaxed) >= journal->place.segment;
    return rc == 0 || (rc == -ENOSPC && writable) ? 0 : rc;
}

static void close_files(struct rw_journal *journal) {
    for (uint32_t i = 0; i < journal->cfg.segments_max; i++) rw_file_close(&journal->file[i]);
    if (journal->cold.stage != RW_COLD_IDLE) {
        char path[RW_STORE_PATH_MAX + 32];
        rw_store_segment_path(journal, journal->cold.index, "new", path);
        rw_file_close(&journal->cold.file);
        unlink(path);
    }
    close(journal->folder_fd);
}

int rw_journal_open(struct rw_journal **journal, void *memory, const struct rw_journal_cfg *cfg,
                    enum rw_journal_open mode, uint64_t promised, struct rw_disk *disk,
                    struct rw_journal_counters *counters, struct rw_journal_gauges *gauges) {
    int rc = rw_journal_check_cfg(cfg);
    if (rc) return rc;
    struct rw_journal *self = lay_memory(memory, cfg);
    self->disk = disk;
    self->counters = counters;
    self->gauges = gauges;
    rc = take_folder(self);
    if (rc) return rc;
    rc = fill_journal(self, mode, promised);
    if (rc) {
        close_files(self);
        return rc;
    }
    *journal = self;
    return 0;
}

/* Writes the buffer that is under way, from its beginning: also when the queue has been
 * abandoned, as the same bytes go to the same place. */
static int write_and_wait(struct rw_journal *journal) {
    const struct rw_write *write = &journal->write[1 - journal->filling];
    const struct rw_file *file = rw_store_file(journal, journal->write_place.segment);
    for (uint32_t at = 0; at < write->used;) {
        ssize_t wrote = pwrite(file->fd, write->bytes + at, write->used - at,
                               (off_t)(journal->write_place.offset + at));
        if (wrote < (ssize_t)RW_JOURNAL_BLOCK) return wrote < 0 ? -errno : -EIO;
        at += (uint32_t)wrote / RW_JOURNAL_BLOCK * RW_JOURNAL_BLOCK;
    }
    if (journal->cfg.durable && fdatasync(file->fd)) return -errno;
    rw_store_wrote(journal);
    return 0;
}

int rw_journal_close(struct rw_journal *journal) {
    int rc = journal->error;
    if (!rc && journal->writing) rc = write_and_wait(journal);
    if (!rc && rw_store_place_write(journal)) rc = write_and_wait(journal);
    if (!rc && rw_journal_settled(journal)) {
        rw_store_mark(journal, RW_JOURNAL_CLOSED);
        if (rw_store_place_write(journal)) rc = write_and_wait(journal);
    }
    if (rc)
        rw_err_set(-rc, "journal %s was not written to its end: %s", journal->folder,
                   strerror(-rc));
    close_files(journal);
    return rc;
}

void rw_journal_abandon(struct rw_journal *journal) { close_files(journal); }
