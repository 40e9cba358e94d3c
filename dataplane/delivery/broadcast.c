/* The writer's side of the broadcast ring, and the making of its file. */
#include "dataplane/delivery/broadcast.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/err.h"

static uint64_t previous_generation(const char *path);
static void write_head(struct rw_broadcast *broadcast, const struct rw_broadcast_cfg *cfg,
                       uint64_t generation);

int rw_broadcast_create(struct rw_broadcast *broadcast, const struct rw_broadcast_cfg *cfg) {
    memset(broadcast, 0, sizeof *broadcast);
    if (cfg->depth < RW_BROADCAST_DEPTH_MIN || cfg->depth > RW_BROADCAST_DEPTH_MAX ||
        (cfg->depth & (cfg->depth - 1)))
        return rw_err_set(EINVAL, "broadcast ring of %lu records: must be a power of two, %u..%u",
                          (unsigned long)cfg->depth, RW_BROADCAST_DEPTH_MIN,
                          RW_BROADCAST_DEPTH_MAX);
    if ((size_t)snprintf(broadcast->path, sizeof broadcast->path, "%s", cfg->path) >=
        sizeof broadcast->path)
        return rw_err_set(EINVAL, "path of the broadcast ring is longer than %zu bytes: %s",
                          sizeof broadcast->path - 1, cfg->path);
    broadcast->depth = cfg->depth;
    broadcast->next = 1;
    uint64_t bytes =
        sizeof(struct rw_broadcast_head) + cfg->depth * sizeof(struct rw_broadcast_cell);
    int rc = rw_shared_make(&broadcast->shared, broadcast->path, bytes, 0644);
    if (rc) return rw_err_add(rc, "cannot make the broadcast ring");
    broadcast->head = (struct rw_broadcast_head *)broadcast->shared.map;
    broadcast->cell = (struct rw_broadcast_cell *)(broadcast->head + 1);
    write_head(broadcast, cfg, previous_generation(broadcast->path) + 1);
    return rw_shared_publish(&broadcast->shared, broadcast->path);
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
    rw_shared_unmap(&broadcast->shared);
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
