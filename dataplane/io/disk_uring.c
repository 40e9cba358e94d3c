/* The disk queue on io_uring.
 *
 * The ring is made disabled and enabled by the first submit, so that it binds to the stage
 * thread although init ran on another. TASKRUN_FLAG lets a poll see without a system call that
 * nothing has happened. */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/err.h"
#include "dataplane/io/disk_ops.h"

struct uring_disk {
    struct rw_disk disk; /* first: the caller's view */
    struct io_uring ring;
    uint32_t depth, in_flight;
    bool enabled;
};

/* An interrupted or busy kernel call is repeated; the limit turns a livelock into a visible bug. */
#define SUBMIT_TRIES_MAX 1000u

/* ext4 takes no buffered write without a worker thread of io_uring; a plain write is the
 * faster copy. */
static void copy_to_cache(struct rw_disk_op *op) {
    ssize_t wrote = pwrite(op->fd, op->buffer, op->bytes, (off_t)op->offset);
    op->result = wrote < 0 ? -errno : (int32_t)wrote;
    op->state = RW_DISK_DONE;
}

static void uring_submit(struct rw_disk *disk, struct rw_disk_op *op) {
    struct uring_disk *self = (struct uring_disk *)disk;
    if (op->is_write && !op->is_durable && !op->is_direct) {
        copy_to_cache(op);
        return;
    }
    if (!self->enabled) {
        /* liburing 2.3 declares io_uring_enable_rings but its shared library does not export it */
        int fd = self->ring.ring_fd;
        RW_ASSERT(io_uring_register((unsigned)fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0) == 0);
        self->enabled = true;
    }
    RW_ASSERT(self->in_flight < self->depth);
    struct io_uring_sqe *sqe = io_uring_get_sqe(&self->ring);
    RW_ASSERT(sqe);
    if (op->is_write)
        io_uring_prep_write(sqe, op->fd, op->buffer, op->bytes, op->offset);
    else
        io_uring_prep_read(sqe, op->fd, op->buffer, op->bytes, op->offset);
    if (op->is_durable) sqe->rw_flags = RWF_DSYNC;
    io_uring_sqe_set_data(sqe, op);
    self->in_flight++;
    for (uint32_t tries = 0;; tries++) {
        int rc = io_uring_submit(&self->ring);
        if (rc == 1) return;
        RW_ASSERT((rc == -EINTR || rc == -EAGAIN || rc == -EBUSY || rc == 0) &&
                  tries < SUBMIT_TRIES_MAX);
    }
}

static uint32_t uring_poll(struct rw_disk *disk) {
    struct uring_disk *self = (struct uring_disk *)disk;
    if (self->in_flight == 0) return 0;
    uint32_t done = 0;
    struct io_uring_cqe *cqe;
    while (self->in_flight && io_uring_peek_cqe(&self->ring, &cqe) == 0) {
        struct rw_disk_op *op = io_uring_cqe_get_data(cqe);
        op->result = cqe->res;
        op->state = RW_DISK_DONE;
        io_uring_cqe_seen(&self->ring, cqe);
        self->in_flight--;
        done++;
    }
    return done;
}

static int uring_reserve(struct rw_disk *disk, int fd, uint64_t bytes) {
    int rc = fallocate(fd, 0, 0, (off_t)bytes) == 0 ? 0 : -errno;
    return rc == -EOPNOTSUPP ? 0 : rc; /* the zeroes themselves will then find out */
}

static void uring_close(struct rw_disk *disk) {
    struct uring_disk *self = (struct uring_disk *)disk;
    io_uring_queue_exit(&self->ring);
    free(self);
}

static int refused(int cause, uint32_t depth) {
    struct rlimit limit = {0};
    getrlimit(RLIMIT_MEMLOCK, &limit);
    if (cause == ENOMEM || (cause == EPERM && limit.rlim_cur < 64u << 10)) {
        rw_err_set(cause, "no io_uring queue of %u entries: RLIMIT_MEMLOCK is too small", depth);
        rw_err_why("io_uring locks its queues in memory and RLIMIT_MEMLOCK allows %llu KiB",
                   (unsigned long long)limit.rlim_cur >> 10);
        rw_err_fix(
            "raise RLIMIT_MEMLOCK to 8 MiB or more (ulimit -l 8192, or LimitMEMLOCK= in the unit)");
        return -cause;
    }
    rw_err_set(cause, "no io_uring queue of %u entries: %s", depth, strerror(cause));
    if (cause == EPERM || cause == ENOSYS) {
        rw_err_why("the kernel or the container forbids io_uring");
        rw_err_fix("set sysctl kernel.io_uring_disabled=0 and allow io_uring_setup in the seccomp "
                   "profile");
    } else if (cause == EINVAL) {
        rw_err_why("SINGLE_ISSUER and DEFER_TASKRUN need Linux 6.1");
        rw_err_fix("run on Linux 6.1 or newer");
    }
    return -cause;
}

int rw_disk_open_uring(struct rw_disk **disk, uint32_t depth) {
    RW_ASSERT(depth >= 1 && depth <= RW_DISK_DEPTH_MAX);
    struct uring_disk *self = calloc(1, sizeof *self);
    if (!self) return rw_err_set(ENOMEM, "no memory for a disk queue");
    self->disk = (struct rw_disk){uring_submit, uring_poll, uring_reserve, uring_close};
    self->depth = depth;
    int rc = io_uring_queue_init(depth, &self->ring,
                                 IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                                     IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_R_DISABLED);
    if (rc < 0) {
        free(self);
        return refused(-rc, depth);
    }
    *disk = &self->disk;
    return 0;
}
