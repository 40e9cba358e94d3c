/* Making segments ahead of the writer, on the cold thread, a slice at a time.
 *
 *   NNNNNNNNNN.new: reserve ─► zeroes, 1 MiB a slice ─► head, sync ─► rename to .seg ─► publish
 *
 * Real zeroes, not only reserved space: on ext4 the first durable write into reserved but
 * unwritten space waits for a journal commit (4 ms measured against 81 µs). A file with its
 * final name is always whole. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/err.h"
#include "dataplane/journal/store.h"

#define SLICE_PARTS 16u /* × 64 KiB of the same zeroes = 1 MiB */
#define RETRY_NS    1000000000ull

void rw_store_segment_path(const struct rw_journal *journal, uint64_t index, const char *suffix,
                           char path[RW_STORE_PATH_MAX + 32]) {
    snprintf(path, RW_STORE_PATH_MAX + 32, "%s/%010llu.%s", journal->folder,
             (unsigned long long)index, suffix);
}

static int failed(struct rw_journal *journal, uint64_t now_ns, int cause, const char *doing) {
    struct rw_cold *cold = &journal->cold;
    char path[RW_STORE_PATH_MAX + 32];
    rw_store_segment_path(journal, cold->index, "new", path);
    rw_file_close(&cold->file);
    unlink(path);
    cold->stage = RW_COLD_IDLE;
    cold->retry_at_ns = now_ns + RETRY_NS;
    rw_err_set(cause, "journal segment %s: cannot %s: %s", path, doing, strerror(cause));
    if (cause == ENOSPC) {
        rw_err_why("the file system of %s is full", journal->folder);
        rw_err_fix("free %llu MiB there, or move the journal to a larger disk",
                   (unsigned long long)(journal->segment_bytes >> 20) + 1);
    }
    return -cause;
}

static int begin(struct rw_journal *journal, uint64_t now_ns, uint64_t index) {
    struct rw_cold *cold = &journal->cold;
    char path[RW_STORE_PATH_MAX + 32];
    cold->index = index;
    cold->offset = 0;
    cold->file.fd = -1;
    rw_store_segment_path(journal, index, "new", path);
    int rc = rw_file_open(&cold->file, path, RW_FILE_CREATE | rw_store_cached(journal));
    if (rc) {
        cold->retry_at_ns = now_ns + RETRY_NS;
        return rc;
    }
    rc = rw_file_lock(&cold->file, path); /* nobody else has a file of this name: no waiting */
    if (!rc) rc = rw_disk_reserve(journal->disk, &cold->file, journal->segment_bytes);
    if (rc) return failed(journal, now_ns, -rc, "reserve its space");
    cold->stage = RW_COLD_ZERO;
    return 1;
}

static int zero_slice(struct rw_journal *journal, uint64_t now_ns) {
    struct rw_cold *cold = &journal->cold;
    struct iovec parts[SLICE_PARTS];
    uint64_t left = journal->segment_bytes - cold->offset;
    int count = 0;
    for (; left && count < (int)SLICE_PARTS; count++) {
        uint64_t bytes = left < RW_STORE_ZEROES ? left : RW_STORE_ZEROES;
        parts[count] = (struct iovec){journal->zeroes, bytes};
        left -= bytes;
    }
    ssize_t wrote = pwritev(cold->file.fd, parts, count, (off_t)cold->offset);
    if (wrote <= 0) return failed(journal, now_ns, wrote < 0 ? errno : ENOSPC, "write zeroes");
    cold->offset += (uint64_t)wrote / RW_JOURNAL_BLOCK * RW_JOURNAL_BLOCK;
    if (cold->offset == journal->segment_bytes) cold->stage = RW_COLD_SYNC;
    return 1;
}

static int write_head(struct rw_journal *journal, uint64_t now_ns) {
    struct rw_cold *cold = &journal->cold;
    struct rw_journal_segment_head head = {
        .store_id = journal->store_id,
        .index = cold->index,
        .segment_bytes = journal->segment_bytes,
        .kind = (uint32_t)journal->cfg.kind,
    };
    rw_journal_seal_segment(journal->head_block, &head);
    ssize_t wrote = pwrite(cold->file.fd, journal->head_block, RW_JOURNAL_BLOCK, 0);
    if (wrote != (ssize_t)RW_JOURNAL_BLOCK)
        return failed(journal, now_ns, wrote < 0 ? errno : EIO, "write its head");
    if (journal->cfg.durable && fdatasync(cold->file.fd))
        return failed(journal, now_ns, errno, "sync");
    cold->stage = RW_COLD_PUBLISH;
    return 1;
}

static int publish(struct rw_journal *journal, uint64_t now_ns) {
    struct rw_cold *cold = &journal->cold;
    char from[RW_STORE_PATH_MAX + 32], to[RW_STORE_PATH_MAX + 32];
    rw_store_segment_path(journal, cold->index, "new", from);
    rw_store_segment_path(journal, cold->index, "seg", to);
    if (rename(from, to)) return failed(journal, now_ns, errno, "rename");
    if (journal->cfg.durable && fsync(journal->folder_fd))
        return failed(journal, now_ns, errno, "sync its folder");
    rw_stat_set(&journal->gauges->direct, cold->file.direct);
    journal->file[cold->index - journal->first_segment] = cold->file;
    cold->stage = RW_COLD_IDLE;
    /* pairs with the acquire loads in journal.c: the file is open and its slot is filled */
    atomic_store_explicit(&journal->ready, cold->index, memory_order_release);
    return 1;
}

int rw_journal_cold_step(struct rw_journal *journal, uint64_t now_ns) {
    switch (journal->cold.stage) {
    case RW_COLD_ZERO:
        return zero_slice(journal, now_ns);
    case RW_COLD_SYNC:
        return write_head(journal, now_ns);
    case RW_COLD_PUBLISH:
        return publish(journal, now_ns);
    case RW_COLD_IDLE:
        break;
    }
    uint64_t ready = atomic_load_explicit(&journal->ready, memory_order_relaxed);
    /* pairs with the release in rw_store_place_write: the writer has moved on to this segment */
    uint64_t active = atomic_load_explicit(&journal->active, memory_order_acquire);
    if (ready >= active + journal->cfg.segments_ahead) return 0;
    if (ready + 1 - journal->first_segment >= journal->cfg.segments_max) return 0;
    if (now_ns < journal->cold.retry_at_ns) return 0;
    return begin(journal, now_ns, ready + 1);
}
