/* Opening files and handing operations to the queue's back-end. */
#include "dataplane/io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/err.h"
#include "dataplane/io/disk_ops.h"

#define LOCK_PAUSE_NS  10000000
#define LOCK_TRIES_MAX 500u

int rw_file_open(struct rw_file *file, const char *path, enum rw_file_mode mode) {
    static const int flags_of[] = {
        [RW_FILE_READ] = O_RDONLY,
        [RW_FILE_WRITE] = O_RDWR,
        [RW_FILE_CREATE] = O_RDWR | O_CREAT | O_TRUNC,
    };
    int flags = flags_of[mode & ~RW_FILE_CACHED] | O_CLOEXEC;
    file->direct = !(mode & RW_FILE_CACHED);
    file->fd = open(path, file->direct ? flags | O_DIRECT : flags, 0640);
    if (file->fd < 0 && errno == EINVAL && file->direct) {
        file->direct = false;
        file->fd = open(path, flags, 0640);
    }
    if (file->fd >= 0) return 0;
    int cause = errno;
    rw_err_set(cause, "cannot open %s: %s", path, strerror(cause));
    if (cause == EMFILE) rw_err_fix("raise the limit of open files (ulimit -n)");
    if (cause == EACCES || cause == EPERM) rw_err_fix("check the owner and mode of %s", path);
    return -cause;
}

int rw_file_lock(const struct rw_file *file, const char *path) {
    const struct timespec pause = {.tv_nsec = LOCK_PAUSE_NS};
    for (uint32_t tries = 0; flock(file->fd, LOCK_EX | LOCK_NB) != 0; tries++) {
        if (tries == LOCK_TRIES_MAX) {
            rw_err_set(EBUSY, "%s is in use by another process", path);
            rw_err_fix("stop the other instance, or give this one its own folder");
            return -EBUSY;
        }
        nanosleep(&pause, NULL);
    }
    return 0;
}

void rw_file_close(struct rw_file *file) {
    if (file->fd >= 0) close(file->fd);
    file->fd = -1;
}

static void submit(struct rw_disk *disk, struct rw_disk_op *op, const struct rw_file *file) {
    RW_ASSERT(op->state == RW_DISK_IDLE && file->fd >= 0 && op->bytes > 0);
    if (file->direct)
        RW_ASSERT((((uintptr_t)op->buffer | op->bytes | op->offset) & (RW_DISK_BLOCK - 1)) == 0);
    op->state = RW_DISK_PENDING;
    op->fd = file->fd;
    op->is_direct = file->direct;
    op->next = NULL;
    disk->submit(disk, op);
}

void rw_disk_write(struct rw_disk *disk, struct rw_disk_op *op, const struct rw_file *file,
                   const void *buffer, uint32_t bytes, uint64_t offset, bool durable) {
    op->buffer = (void *)(uintptr_t)buffer; /* only read: the op serves both directions */
    op->bytes = bytes;
    op->offset = offset;
    op->is_write = true;
    op->is_durable = durable;
    submit(disk, op, file);
}

void rw_disk_read(struct rw_disk *disk, struct rw_disk_op *op, const struct rw_file *file,
                  void *buffer, uint32_t bytes, uint64_t offset) {
    op->buffer = buffer;
    op->bytes = bytes;
    op->offset = offset;
    op->is_write = false;
    op->is_durable = false;
    submit(disk, op, file);
}

uint32_t rw_disk_poll(struct rw_disk *disk) { return disk->poll(disk); }

int rw_disk_reserve(struct rw_disk *disk, const struct rw_file *file, uint64_t bytes) {
    return disk->reserve(disk, file->fd, bytes);
}

void rw_disk_close(struct rw_disk *disk) {
    if (disk) disk->close(disk);
}
