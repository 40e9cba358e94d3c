#include "dataplane/base/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/err.h"

static int aside_of(const char *path, char aside[PATH_MAX]) {
    if (snprintf(aside, PATH_MAX, "%s.new", path) < PATH_MAX) return 0;
    return rw_err_set(ENAMETOOLONG, "the path %.80s… is too long", path);
}

static int why(int error, const char *what, const char *path, uint64_t bytes) {
    int rc = rw_err_set(error, "%s cannot be %s: %s", path, what, strerror(error));
    if (bytes) rw_err_why("it needs %llu KiB", (unsigned long long)bytes >> 10);
    rw_err_fix("check that its folder exists, belongs to this user and has room");
    return rc;
}

int rw_shared_make(struct rw_shared *shared, const char *path, uint64_t bytes, mode_t mode) {
    char aside[PATH_MAX];
    struct stat file;
    RW_ASSERT(bytes > 0);
    int rc = aside_of(path, aside);
    if (rc) return rc;
    unlink(aside);
    int fd = open(aside, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0) return why(errno, "made", aside, 0);
    int error = fchmod(fd, mode) || fstat(fd, &file) ? errno : posix_fallocate(fd, 0, (off_t)bytes);
    void *map = MAP_FAILED;
    if (!error) {
        map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
        if (map == MAP_FAILED) error = errno;
    }
    close(fd);
    if (error) {
        unlink(aside);
        return why(error, "mapped", aside, bytes);
    }
    /* Dirty every page once: a file page's first write faults even when it is populated. */
    memset(map, 0, bytes);
    *shared = (struct rw_shared){map, bytes, file.st_dev, file.st_ino};
    return 0;
}

int rw_shared_publish(struct rw_shared *shared, const char *path) {
    char aside[PATH_MAX];
    int rc = aside_of(path, aside);
    if (!rc && rename(aside, path)) {
        rc = why(errno, "renamed into place", aside, 0);
        unlink(aside);
    }
    if (rc) rw_shared_unmap(shared);
    return rc;
}

int rw_shared_attach(struct rw_shared *shared, const char *path, uint64_t least,
                     uint64_t writable) {
    struct stat file;
    RW_ASSERT(least > 0 && least >= writable);
    int fd = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &file)) {
        int rc = rw_err_set(errno, "%s cannot be opened: %s", path, strerror(errno));
        if (fd >= 0) close(fd);
        return rc;
    }
    uint64_t bytes = S_ISREG(file.st_mode) && file.st_size > 0 ? (uint64_t)file.st_size : 0;
    void *map = MAP_FAILED;
    int rc = 0;
    if (bytes < least)
        rc = rw_err_set(EINVAL, "%s holds %llu bytes, wanted at least %llu", path,
                        (unsigned long long)bytes, (unsigned long long)least);
    else if ((map = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0)) == MAP_FAILED ||
             (writable && mprotect(map, writable, PROT_READ | PROT_WRITE)))
        rc = rw_err_set(errno, "%s cannot be mapped: %s", path, strerror(errno));
    close(fd);
    if (rc && map != MAP_FAILED) munmap(map, bytes);
    if (!rc) *shared = (struct rw_shared){map, bytes, file.st_dev, file.st_ino};
    return rc;
}

bool rw_shared_is_at(const struct rw_shared *shared, const char *path) {
    struct stat now;
    return !stat(path, &now) && now.st_dev == shared->device && now.st_ino == shared->inode;
}

void rw_shared_unmap(struct rw_shared *shared) {
    if (shared->map) munmap(shared->map, shared->bytes);
    *shared = (struct rw_shared){0};
}
