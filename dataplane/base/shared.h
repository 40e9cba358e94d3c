/* Shared memory as a file: made aside, filled by its owner, then renamed into place.
 *
 *   rw_shared_make ─► PATH.new, reserved, every page dirty ─► (fill) ─► rw_shared_publish ─► PATH
 *   rw_shared_attach ─► what stands at PATH now, mapped for reading
 *
 * So a reader finds either no region or a whole one, and one that has mapped an older region keeps
 * it until it looks again. Cold path. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A mapped region. device and inode tell whether the path still names it. */
struct rw_shared {
    uint8_t *map;
    uint64_t bytes;
    dev_t device;
    ino_t inode;
};

/* rw_shared_make makes PATH.new with these permissions, whatever the umask is, and maps `bytes` > 0
 * zeroed bytes of it. Its blocks are reserved, so that a full file system is an error now and not a
 * SIGBUS later. 0 or -errno with an error set. */
int rw_shared_make(struct rw_shared *shared, const char *path, uint64_t bytes, mode_t mode);
/* rw_shared_publish renames PATH.new to PATH. 0, or -errno with an error set: the region is then
 * unmapped and removed. */
int rw_shared_publish(struct rw_shared *shared, const char *path);
/* rw_shared_attach maps the whole file for reading, and its first `writable` bytes (whole pages; 0:
 * none) for writing too. -EINVAL when it is not a file of at least `least` > 0 bytes; -errno; with
 * an error set. */
int rw_shared_attach(struct rw_shared *shared, const char *path, uint64_t least, uint64_t writable);
/* rw_shared_is_at tells whether the path names this region still. */
bool rw_shared_is_at(const struct rw_shared *shared, const char *path);
/* rw_shared_unmap forgets the region; the file stays. An empty one is allowed. */
void rw_shared_unmap(struct rw_shared *shared);
