/* Files as events: writes and reads that a stage thread submits and later finds done, never
 * waited for.
 *
 *   owner ──rw_disk_write(op)──► [ queue: io_uring, or a seeded fake ] ──► op.state = DONE
 *                                          ▲ rw_disk_poll, once a visit
 *
 * An operation is a struct embedded in its owner, so a completion needs no table and no
 * callback: the owner looks at `state`. One queue belongs to one stage thread; it is made at
 * init by any thread and binds itself to the thread of the first submit (io_uring
 * SINGLE_ISSUER | DEFER_TASKRUN | R_DISABLED). rw_disk_poll makes a system call only when the
 * kernel has flagged completion work. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RW_DISK_BLOCK     4096u
#define RW_DISK_DEPTH_MAX 4096u

enum rw_disk_state { RW_DISK_IDLE = 0, RW_DISK_PENDING = 1, RW_DISK_DONE = 2 };

/* One read or write. Zeroed = idle. Must stay in place, and its buffer untouched, while
 * PENDING. The owner sets state back to IDLE when it has taken the result. */
struct rw_disk_op {
    enum rw_disk_state state;
    int32_t result; /* valid when DONE: bytes done (may be short), or -errno */
    /* the rest belongs to the queue */
    struct rw_disk_op *next;
    void *buffer;
    uint64_t offset;
    uint32_t bytes;
    int fd;
    bool is_write, is_durable, is_direct;
};

/* An open file. `direct` tells whether O_DIRECT was granted; when it was not, writes go
 * through the page cache and durable ones still reach the disk before they complete
 * (RWF_DSYNC), only slower. */
struct rw_file {
    int fd;
    bool direct;
};

enum rw_file_mode {
    RW_FILE_READ = 0,
    RW_FILE_WRITE = 1,
    RW_FILE_CREATE = 2, /* new, or cut to nothing */
    RW_FILE_CACHED = 4, /* or-ed: through the page cache, for what need not survive a power cut */
};

/* rw_file_open opens path (read, read-write, or create) with O_DIRECT where the file system
 * grants it and RW_FILE_CACHED is not asked. Returns 0, or -errno with an error that names the
 * path. Cold path. */
int rw_file_open(struct rw_file *file, const char *path, enum rw_file_mode mode);
/* rw_file_lock takes the file for this process, until it is closed. A process that was killed keeps
 * its lock until the kernel has finished its last write, so what is read after this is final;
 * waits up to 5 s for that. Returns 0, or -EBUSY with an error: another process runs. Cold path. */
int rw_file_lock(const struct rw_file *file, const char *path);
/* rw_file_close closes it; a file with fd < 0 is left alone. */
void rw_file_close(struct rw_file *file);

struct rw_disk;

/* rw_disk_open_uring makes a queue on io_uring for at most `depth` operations in flight
 * (1..4,096). Returns 0 and *disk (heap memory, cold path), or -errno with an error; a
 * locked-memory limit that is too small names RLIMIT_MEMLOCK, a kernel that forbids io_uring
 * says so. Any thread, before the seal. */
int rw_disk_open_uring(struct rw_disk **disk, uint32_t depth);
/* rw_disk_close ends the queue. Operations in flight are abandoned: their owner must not rely
 * on them. After the stage thread has stopped; any thread. NULL is allowed. */
void rw_disk_close(struct rw_disk *disk);

/* rw_disk_write submits a write of `bytes` at `offset`. durable: it completes only when the
 * disk has it (RWF_DSYNC). Files with `direct` need buffer, offset and bytes aligned to 4,096
 * (asserted). The op must be IDLE. More operations in flight than `depth` is a bug (asserted).
 * The queue's thread only. A write that is neither durable nor direct is a copy into the page
 * cache, done at once (about 2 µs for 4 KiB, where a queued one would wait for a kernel
 * worker); the kernel may hold it up while very much is dirty. */
void rw_disk_write(struct rw_disk *disk, struct rw_disk_op *op, const struct rw_file *file,
                   const void *buffer, uint32_t bytes, uint64_t offset, bool durable);
/* rw_disk_read submits a read; same rules. At the end of the file the result is short or 0. */
void rw_disk_read(struct rw_disk *disk, struct rw_disk_op *op, const struct rw_file *file,
                  void *buffer, uint32_t bytes, uint64_t offset);
/* rw_disk_poll marks finished operations DONE, without waiting. Returns how many. The queue's
 * thread. */
uint32_t rw_disk_poll(struct rw_disk *disk);
/* rw_disk_reserve gives the file `bytes` of disk space, contents undefined until written.
 * Returns 0 or -errno (-ENOSPC) without an error text. Cold thread, beside the queue's thread. */
int rw_disk_reserve(struct rw_disk *disk, const struct rw_file *file, uint64_t bytes);

/* The fake: real files underneath, but when and how far an operation gets comes from a seed. */
struct rw_disk_faults {
    uint64_t seed;
    uint32_t delay_max;         /* an operation completes 0..delay_max polls after its submit */
    uint32_t short_per_million; /* writes that stop at a 512-byte sector before the end */
    uint32_t
        error_per_million; /* operations that fail with -EIO after writing any subset of sectors */
    bool full; /* writes and reserves fail with -ENOSPC; may be switched while it runs */
};

/* rw_disk_open_fake makes such a queue; `faults` stays the caller's and may be changed between
 * calls. */
struct rw_disk *rw_disk_open_fake(struct rw_disk_faults *faults);
/* rw_disk_fake_crash drops all operations in flight after writing a seeded subset of the
 * 512-byte sectors of each pending write, as a power cut would. Nothing completes any more. */
void rw_disk_fake_crash(struct rw_disk *disk);
