/* The pair of copies. Order of a write: copy 0 durable, then copy 1 durable, then it counts. */
#include "dataplane/journal/superblock.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/err.h"
#include "dataplane/io/digest.h"

#define MAGIC      0x314b4c4252505552ull /* "RUPRBLK1" */
#define COPY_BYTES RW_DISK_BLOCK

struct copy {
    uint64_t magic;
    uint32_t crc; /* of the block after this field */
    uint32_t version;
    uint64_t generation;
    uint8_t payload[RW_SUPERBLOCK_PAYLOAD];
    uint8_t zero[COPY_BYTES - 24 - RW_SUPERBLOCK_PAYLOAD];
};
static_assert(sizeof(struct copy) == COPY_BYTES, "a copy is one block");

struct rw_superblock {
    struct copy image; /* being written; first, for its alignment */
    struct rw_disk *disk;
    struct rw_file file;
    struct rw_disk_op op;
    uint8_t payload[RW_SUPERBLOCK_PAYLOAD];
    uint64_t generation; /* of payload */
    uint64_t durable;
    uint32_t copies_done; /* of image: 0, 1; 2 = no write is under way */
    int error;
};

size_t rw_superblock_footprint(void) {
    return (sizeof(struct rw_superblock) + COPY_BYTES - 1) / COPY_BYTES * COPY_BYTES;
}

static uint32_t copy_crc(const struct copy *copy) {
    size_t from = offsetof(struct copy, version);
    return rw_crc32c(0, (const uint8_t *)copy + from, sizeof *copy - from);
}

static void seal(struct copy *copy, uint64_t generation, const uint8_t *payload) {
    *copy = (struct copy){.magic = MAGIC, .version = 1, .generation = generation};
    memcpy(copy->payload, payload, RW_SUPERBLOCK_PAYLOAD);
    copy->crc = copy_crc(copy);
}

int64_t rw_superblock_decode(const uint8_t bytes[2 * 4096],
                             uint8_t payload[RW_SUPERBLOCK_PAYLOAD]) {
    int64_t newest = -EBADMSG;
    for (uint32_t i = 0; i < 2; i++) {
        struct copy copy;
        memcpy(&copy, bytes + i * COPY_BYTES, sizeof copy);
        if (copy.magic != MAGIC || copy.version != 1 || copy.crc != copy_crc(&copy)) continue;
        if (copy.generation > INT64_MAX || (int64_t)copy.generation <= newest) continue;
        newest = (int64_t)copy.generation;
        memcpy(payload, copy.payload, RW_SUPERBLOCK_PAYLOAD);
    }
    return newest;
}

static int failed(struct rw_superblock *self, const char *path, const char *doing) {
    int cause = errno ? errno : EIO;
    rw_file_close(&self->file);
    return rw_err_set(cause, "superblock %s: cannot %s: %s", path, doing, strerror(cause));
}

/* Both copies of generation 0 under another name, then renamed: the file is whole or not there. */
static int make_file(struct rw_superblock *self, const char *path) {
    char fresh[512], folder[512];
    if (snprintf(fresh, sizeof fresh, "%s.new", path) >= (int)sizeof fresh)
        return rw_err_set(ENAMETOOLONG, "superblock path %s is too long", path);
    strcpy(folder, path);
    int rc = rw_file_open(&self->file, fresh, RW_FILE_CREATE);
    if (!rc) rc = rw_file_lock(&self->file, fresh);
    if (rc) return rc;
    seal(&self->image, 0, self->payload);
    for (uint32_t i = 0; i < 2; i++) {
        errno = 0;
        if (pwrite(self->file.fd, &self->image, COPY_BYTES, i * COPY_BYTES) != COPY_BYTES)
            return failed(self, fresh, "write");
    }
    if (fsync(self->file.fd) || rename(fresh, path)) return failed(self, fresh, "make it durable");
    int fd = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd)) {
        if (fd >= 0) close(fd);
        return failed(self, path, "sync its folder");
    }
    close(fd);
    return 0;
}

/* What was loaded may be acted on, so it must stand in both copies before the next write tears
 * one of them. */
static int level_copies(struct rw_superblock *self, const char *path, const uint8_t *bytes) {
    seal(&self->image, self->generation, self->payload);
    for (uint32_t i = 0; i < 2; i++) {
        if (memcmp(bytes + i * COPY_BYTES, &self->image, COPY_BYTES) == 0) continue;
        errno = 0;
        if (pwrite(self->file.fd, &self->image, COPY_BYTES, i * COPY_BYTES) != COPY_BYTES ||
            fdatasync(self->file.fd))
            return failed(self, path, "repair a copy");
    }
    return 0;
}

static int load(struct rw_superblock *self, const char *path) {
    _Alignas(4096) uint8_t bytes[2 * COPY_BYTES];
    int rc = rw_file_open(&self->file, path, RW_FILE_WRITE);
    if (rc) return rc;
    rc = rw_file_lock(&self->file, path);
    if (rc) {
        rw_file_close(&self->file);
        return rc;
    }
    errno = 0;
    ssize_t got = pread(self->file.fd, bytes, sizeof bytes, 0);
    if (got < 0) return failed(self, path, "read");
    memset(bytes + got, 0, sizeof bytes - (size_t)got);
    int64_t generation = rw_superblock_decode(bytes, self->payload);
    if (generation < 0) {
        rw_file_close(&self->file);
        rw_err_set(EBADMSG, "superblock %s: neither copy is valid", path);
        rw_err_why("what this site has promised is not known, so it must not guess");
        rw_err_fix(
            "restore the file, or remove it together with the journal and let the site resync");
        return -EBADMSG;
    }
    self->generation = self->durable = (uint64_t)generation;
    return level_copies(self, path, bytes);
}

int rw_superblock_open(struct rw_superblock **superblock, void *memory, const char *path,
                       struct rw_disk *disk) {
    RW_ASSERT(((uintptr_t)memory & (COPY_BYTES - 1)) == 0);
    struct rw_superblock *self = memory;
    memset(self, 0, sizeof *self);
    self->disk = disk;
    self->copies_done = 2;
    int rc = access(path, F_OK) == 0 ? load(self, path) : make_file(self, path);
    if (rc) return rc;
    *superblock = self;
    return 0;
}

const void *rw_superblock_payload(const struct rw_superblock *superblock) {
    return superblock->payload;
}
uint64_t rw_superblock_generation(const struct rw_superblock *superblock) {
    return superblock->generation;
}
uint64_t rw_superblock_durable(const struct rw_superblock *superblock) {
    return superblock->durable;
}
int rw_superblock_error(const struct rw_superblock *superblock) { return superblock->error; }

static void submit_copy(struct rw_superblock *self) {
    rw_disk_write(self->disk, &self->op, &self->file, &self->image, COPY_BYTES,
                  self->copies_done * COPY_BYTES, true);
}

static void start(struct rw_superblock *self) {
    seal(&self->image, self->generation, self->payload);
    self->copies_done = 0;
    submit_copy(self);
}

uint64_t rw_superblock_write(struct rw_superblock *superblock,
                             const uint8_t payload[RW_SUPERBLOCK_PAYLOAD]) {
    memcpy(superblock->payload, payload, RW_SUPERBLOCK_PAYLOAD);
    superblock->generation++;
    if (superblock->copies_done == 2 && !superblock->error) start(superblock);
    return superblock->generation;
}

uint32_t rw_superblock_poll(struct rw_superblock *superblock) {
    rw_disk_poll(superblock->disk);
    if (superblock->op.state != RW_DISK_DONE) return 0;
    superblock->op.state = RW_DISK_IDLE;
    if (superblock->op.result != (int32_t)COPY_BYTES) {
        superblock->error = superblock->op.result < 0 ? superblock->op.result : -EIO;
        return 1;
    }
    if (++superblock->copies_done < 2) {
        submit_copy(superblock);
        return 1;
    }
    superblock->durable = superblock->image.generation;
    if (superblock->generation > superblock->durable) start(superblock);
    return 1;
}

void rw_superblock_close(struct rw_superblock *superblock) {
    if (superblock->file.fd < 0) return;
    if (superblock->durable < superblock->generation && !superblock->error) {
        seal(&superblock->image, superblock->generation, superblock->payload);
        for (uint32_t i = 0; i < 2; i++)
            if (pwrite(superblock->file.fd, &superblock->image, COPY_BYTES, i * COPY_BYTES) !=
                    COPY_BYTES ||
                fdatasync(superblock->file.fd))
                superblock->error = -EIO;
        if (!superblock->error) superblock->durable = superblock->generation;
    }
    rw_file_close(&superblock->file);
}

void rw_superblock_abandon(struct rw_superblock *superblock) { rw_file_close(&superblock->file); }
