/* The writer's side of the broadcast ring, and the making of its file. */
#include "dataplane/delivery/broadcast.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/err.h"

static uint64_t previous_generation(const char *path);
static int map_new(struct rw_broadcast *broadcast, const char *temporary);
static void write_head(struct rw_broadcast *broadcast, const struct rw_broadcast_cfg *cfg,
                       uint64_t generation);

int rw_broadcast_create(struct rw_broadcast *broadcast, const struct rw_broadcast_cfg *cfg) {
    memset(broadcast, 0, sizeof *broadcast);
    if (cfg->depth < RW_BROADCAST_DEPTH_MIN || cfg->depth > RW_BROADCAST_DEPTH_MAX ||
        (cfg->depth & (cfg->depth - 1)))
        return rw_err_set(EINVAL, "broadcast ring of %lu records: must be a power of two, %u..%u",
                          (unsigned long)cfg->depth, RW_BROADCAST_DEPTH_MIN,
                          RW_BROADCAST_DEPTH_MAX);
    char temporary[sizeof broadcast->path + 8];
    if ((size_t)snprintf(broadcast->path, sizeof broadcast->path, "%s", cfg->path) >=
        sizeof broadcast->path)
        return rw_err_set(EINVAL, "path of the broadcast ring is longer than %zu bytes: %s",
                          sizeof broadcast->path - 1, cfg->path);
    snprintf(temporary, sizeof temporary, "%s.new", broadcast->path);
    broadcast->depth = cfg->depth;
    broadcast->next = 1;
    int rc = map_new(broadcast, temporary);
    if (rc) return rw_err_add(rc, "cannot make the broadcast ring");
    write_head(broadcast, cfg, previous_generation(broadcast->path) + 1);
    if (rename(temporary, broadcast->path)) {
        rc = rw_err_set(errno, "cannot rename %s: %s", temporary, strerror(errno));
        munmap(broadcast->head, broadcast->map_bytes);
        unlink(temporary);
        return rc;
    }
    return 0;
}

void rw_broadcast_put(struct rw_broadcast *broadcast, const struct rw_result *record) {
    RW_ASSERT(record->result_sequence == broadcast->next);
    const uint8_t *from = (const uint8_t *)record;
    struct rw_broadcast_cell *cell =
        &broadcast->cell[(broadcast->next - 1) & (broadcast->depth - 1)];
    atomic_store_explicit(&cell->word[RW_BROADCAST_TAG], 0, memory_order_relaxed);
    /* each release pairs with the acquire of that word in rw_broadcast_copy: the tag 0 comes
     * before any new content. Plain moves on x86. */
#pragma GCC unroll 16
    for (uint32_t i = 0; i < RW_BROADCAST_WORDS; i++) {
        uint64_t word;
        memcpy(&word, from + i * sizeof word, sizeof word);
        if (i != RW_BROADCAST_TAG)
            atomic_store_explicit(&cell->word[i], word, memory_order_release);
    }
    /* pairs with the first acquire in rw_broadcast_copy: all content comes before the tag */
    atomic_store_explicit(&cell->word[RW_BROADCAST_TAG], broadcast->next, memory_order_release);
    broadcast->as_of_ns = record->event_time_ns;
    broadcast->next++;
}

void rw_broadcast_flush(struct rw_broadcast *broadcast) {
    atomic_store_explicit(&broadcast->head->as_of_ns, broadcast->as_of_ns, memory_order_relaxed);
    /* pairs with the acquire of readers: records up to it are in their cells, or overwritten */
    atomic_store_explicit(&broadcast->head->released, broadcast->next - 1, memory_order_release);
}

void rw_broadcast_status(struct rw_broadcast *broadcast, uint64_t commit, uint64_t role,
                         uint64_t now_ns) {
    atomic_store_explicit(&broadcast->head->commit, commit, memory_order_relaxed);
    atomic_store_explicit(&broadcast->head->role, role, memory_order_relaxed);
    atomic_store_explicit(&broadcast->head->renewed_ns, now_ns, memory_order_relaxed);
}

bool rw_broadcast_at(const struct rw_broadcast *broadcast, uint64_t sequence, void *to) {
    if (sequence == 0 || sequence >= broadcast->next) return false;
    if (broadcast->next - sequence > broadcast->depth) return false;
    memcpy(to, &broadcast->cell[(sequence - 1) & (broadcast->depth - 1)], RW_RESULT_BYTES);
    return true;
}

void rw_broadcast_end(struct rw_broadcast *broadcast, enum rw_broadcast_end end) {
    atomic_store_explicit(&broadcast->head->closed, (uint64_t)end, memory_order_release);
}

void rw_broadcast_close(struct rw_broadcast *broadcast, bool remove_file) {
    if (!broadcast->head) return;
    if (remove_file) unlink(broadcast->path);
    munmap(broadcast->head, broadcast->map_bytes);
    broadcast->head = NULL;
}

static uint64_t previous_generation(const char *path) {
    struct rw_broadcast_head head;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    bool usable = read(fd, &head, sizeof head) == sizeof head && head.magic == RW_BROADCAST_MAGIC;
    close(fd);
    return usable ? head.generation : 0;
}

static int map_new(struct rw_broadcast *broadcast, const char *temporary) {
    unlink(temporary);
    int fd = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0) return rw_err_set(errno, "cannot create %s: %s", temporary, strerror(errno));
    broadcast->map_bytes =
        sizeof(struct rw_broadcast_head) + broadcast->depth * sizeof(struct rw_broadcast_cell);
    /* Reserved, so that a full file system is an error now and not a SIGBUS later. */
    int error = posix_fallocate(fd, 0, (off_t)broadcast->map_bytes);
    void *map = MAP_FAILED;
    if (!error) {
        map = mmap(NULL, broadcast->map_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
                   fd, 0);
        if (map == MAP_FAILED) error = errno;
    }
    close(fd);
    if (error) {
        unlink(temporary);
        return rw_err_set(error, "cannot map %lu bytes of %s: %s",
                          (unsigned long)broadcast->map_bytes, temporary, strerror(error));
    }
    /* Dirty every page once: a file page's first write faults even when it is populated. */
    memset(map, 0, broadcast->map_bytes);
    broadcast->head = map;
    broadcast->cell =
        (struct rw_broadcast_cell *)((uint8_t *)map + sizeof(struct rw_broadcast_head));
    return 0;
}

static void write_head(struct rw_broadcast *broadcast, const struct rw_broadcast_cfg *cfg,
                       uint64_t generation) {
    struct rw_broadcast_head *head = broadcast->head;
    head->version = RW_BROADCAST_VERSION;
    head->record_bytes = RW_RESULT_BYTES;
    head->depth = cfg->depth;
    head->generation = generation;
    head->pid = cfg->pid;
    snprintf(head->session, sizeof head->session, "%.10s", cfg->session);
    if (cfg->soup_address)
        snprintf(head->soup_address, sizeof head->soup_address, "%s", cfg->soup_address);
    head->soup_port = cfg->soup_port;
    /* The rename makes the region visible; the magic last, should a reader come by the temporary
     * name. */
    __atomic_store_n(&head->magic, RW_BROADCAST_MAGIC, __ATOMIC_RELEASE);
}
