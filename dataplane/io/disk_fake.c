/* The disk queue of tests: real files, but a seed decides when an operation ends, how far it
 * gets, and which sectors of it survive a crash. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/rng.h"
#include "dataplane/io/disk_ops.h"

#define SECTOR        512u
#define IN_FLIGHT_MAX 64u

struct fake_disk {
    struct rw_disk disk; /* first: the caller's view */
    struct rw_disk_faults *faults;
    struct rw_rng rng;
    struct rw_disk_op *op[IN_FLIGHT_MAX]; /* in order of submit */
    uint32_t polls_left[IN_FLIGHT_MAX];
    uint32_t in_flight;
    bool crashed;
};

static void fake_submit(struct rw_disk *disk, struct rw_disk_op *op) {
    struct fake_disk *self = (struct fake_disk *)disk;
    if (self->crashed) return;
    RW_ASSERT(self->in_flight < IN_FLIGHT_MAX);
    /* single sectors are written here, which a disk with 4 KiB sectors refuses under O_DIRECT */
    fcntl(op->fd, F_SETFL, fcntl(op->fd, F_GETFL) & ~O_DIRECT);
    self->op[self->in_flight] = op;
    self->polls_left[self->in_flight] =
        (uint32_t)rw_rng_below(&self->rng, self->faults->delay_max + 1ull);
    self->in_flight++;
}

/* Writes sector by sector those that the seed picks: parts of a million, in no order. */
static void write_some_sectors(struct fake_disk *self, const struct rw_disk_op *op,
                               uint32_t picked) {
    for (uint32_t at = 0; at < op->bytes; at += SECTOR) {
        if (!rw_rng_chance(&self->rng, picked, 1000000)) continue;
        uint32_t bytes = op->bytes - at < SECTOR ? op->bytes - at : SECTOR;
        ssize_t wrote = pwrite(op->fd, (uint8_t *)op->buffer + at, bytes, (off_t)(op->offset + at));
        RW_ASSERT(wrote == (ssize_t)bytes);
    }
}

static int32_t perform(struct fake_disk *self, const struct rw_disk_op *op) {
    const struct rw_disk_faults *faults = self->faults;
    if (op->is_write && faults->full) return -ENOSPC;
    if (rw_rng_chance(&self->rng, faults->error_per_million, 1000000)) {
        if (op->is_write) write_some_sectors(self, op, (uint32_t)rw_rng_below(&self->rng, 1000001));
        return -EIO;
    }
    if (!op->is_write) {
        ssize_t got = pread(op->fd, op->buffer, op->bytes, (off_t)op->offset);
        return got < 0 ? -errno : (int32_t)got;
    }
    uint32_t bytes = op->bytes;
    if (bytes > SECTOR && rw_rng_chance(&self->rng, faults->short_per_million, 1000000))
        bytes = SECTOR * (uint32_t)(1 + rw_rng_below(&self->rng, bytes / SECTOR - 1));
    ssize_t wrote = pwrite(op->fd, op->buffer, bytes, (off_t)op->offset);
    return wrote < 0 ? -errno : (int32_t)wrote;
}

static uint32_t fake_poll(struct rw_disk *disk) {
    struct fake_disk *self = (struct fake_disk *)disk;
    uint32_t done = 0, kept = 0;
    for (uint32_t i = 0; i < self->in_flight; i++) {
        struct rw_disk_op *op = self->op[i];
        if (self->polls_left[i]) {
            self->op[kept] = op;
            self->polls_left[kept++] = self->polls_left[i] - 1;
            continue;
        }
        op->result = perform(self, op);
        op->state = RW_DISK_DONE;
        done++;
    }
    self->in_flight = kept;
    return done;
}

static int fake_reserve(struct rw_disk *disk, int fd, uint64_t bytes) {
    struct fake_disk *self = (struct fake_disk *)disk;
    if (self->faults->full) return -ENOSPC;
    return ftruncate(fd, (off_t)bytes) == 0 ? 0 : -errno;
}

static void fake_close(struct rw_disk *disk) { free(disk); }

struct rw_disk *rw_disk_open_fake(struct rw_disk_faults *faults) {
    struct fake_disk *self = calloc(1, sizeof *self);
    RW_ASSERT(self);
    self->disk = (struct rw_disk){fake_submit, fake_poll, fake_reserve, fake_close};
    self->faults = faults;
    rw_rng_seed(&self->rng, faults->seed);
    return &self->disk;
}

void rw_disk_fake_crash(struct rw_disk *disk) {
    struct fake_disk *self = (struct fake_disk *)disk;
    RW_ASSERT(disk->close == fake_close);
    for (uint32_t i = 0; i < self->in_flight; i++)
        if (self->op[i]->is_write)
            write_some_sectors(self, self->op[i], (uint32_t)rw_rng_below(&self->rng, 1000001));
    self->in_flight = 0;
    self->crashed = true;
}
