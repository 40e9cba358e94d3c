/* The reader's side of the broadcast ring: map, check, read by sequence. */
#include "dataplane/delivery/client.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/err.h"
#include "dataplane/delivery/broadcast.h"

struct region {
    const struct rw_broadcast_head *head;
    const struct rw_broadcast_cell *cell;
    uint64_t depth;
    struct rw_shared shared;
};

struct rw_client {
    struct region region;
    uint64_t position;
    uint64_t missed_first, missed_count;
    char path[256];
};

static int attach(struct region *region, const char *path);
static int check_head(const struct rw_broadcast_head *head, uint64_t file_bytes, const char *path);
static uint64_t head_released(const struct rw_broadcast_head *head);

struct rw_client *rw_client_open(const char *path) {
    struct rw_client *client = calloc(1, sizeof *client);
    if (!client ||
        (size_t)snprintf(client->path, sizeof client->path, "%s", path) >= sizeof client->path) {
        rw_err_set(client ? EINVAL : ENOMEM, "cannot open a client of %s", path);
        free(client);
        return NULL;
    }
    if (attach(&client->region, path)) {
        free(client);
        return NULL;
    }
    client->position = 1;
    return client;
}

void rw_client_from(struct rw_client *client, uint64_t sequence) {
    client->position = sequence ? sequence : head_released(client->region.head) + 1;
}

uint64_t rw_client_position(const struct rw_client *client) { return client->position; }

int rw_client_next(struct rw_client *client, struct rw_result *record) {
    const struct region *region = &client->region;
    const struct rw_broadcast_cell *cell =
        &region->cell[(client->position - 1) & (region->depth - 1)];
    enum rw_broadcast_read read = rw_broadcast_copy(cell, client->position, record);
    if (read == RW_BROADCAST_GOT) {
        client->position++;
        return 1;
    }
    if (read == RW_BROADCAST_NOT_YET) return 0;
    /* The cell is overwritten, so the writer has begun position + depth. Go on an eighth of the
     * ring ahead of the oldest, or the next read would be overrun as well. */
    uint64_t newest = head_released(region->head), reached = client->position + region->depth - 1;
    if (newest < reached) newest = reached;
    uint64_t next = rw_broadcast_oldest(newest, region->depth) + region->depth / 8;
    client->missed_first = client->position;
    client->missed_count = next - client->position;
    client->position = next;
    return -EOVERFLOW;
}

void rw_client_missed(const struct rw_client *client, uint64_t *first, uint64_t *count) {
    *first = client->missed_first;
    *count = client->missed_count;
}

void rw_client_status(const struct rw_client *client, struct rw_client_status *status) {
    const struct rw_broadcast_head *head = client->region.head;
    memset(status, 0, sizeof *status);
    memcpy(status->session, head->session, 10);
    memcpy(status->soup_address, head->soup_address, sizeof status->soup_address);
    status->soup_address[sizeof status->soup_address - 1] = 0;
    status->soup_port = head->soup_port;
    status->generation = head->generation;
    status->pid = head->pid;
    /* closed before released: who reads SESSION_END also reads the final `released` */
    status->closed = atomic_load_explicit(&head->closed, memory_order_acquire);
    status->released = head_released(head);
    status->oldest = rw_broadcast_oldest(status->released, client->region.depth);
    status->commit = atomic_load_explicit(&head->commit, memory_order_relaxed);
    status->role = atomic_load_explicit(&head->role, memory_order_relaxed);
    status->as_of_ns = atomic_load_explicit(&head->as_of_ns, memory_order_relaxed);
}

int rw_client_check(struct rw_client *client) {
    if (access(client->path, F_OK)) return -errno;
    if (rw_shared_is_at(&client->region.shared, client->path)) return 0;
    struct region region;
    int rc = attach(&region, client->path);
    if (rc) return rc;
    if (memcmp(region.head->session, client->region.head->session, sizeof region.head->session)) {
        rw_shared_unmap(&region.shared);
        return -ESTALE;
    }
    rw_shared_unmap(&client->region.shared);
    client->region = region;
    return 1;
}

void rw_client_close(struct rw_client *client) {
    if (!client) return;
    rw_shared_unmap(&client->region.shared);
    free(client);
}

static int attach(struct region *region, const char *path) {
    int rc = rw_shared_attach(&region->shared, path, sizeof(struct rw_broadcast_head), 0);
    if (rc) return rw_err_add(rc, "cannot open the broadcast ring");
    region->head = (const struct rw_broadcast_head *)region->shared.map;
    rc = check_head(region->head, region->shared.bytes, path);
    if (rc) {
        rw_shared_unmap(&region->shared);
        return rc;
    }
    region->cell = (const struct rw_broadcast_cell *)(region->head + 1);
    region->depth = region->head->depth;
    return 0;
}

static int check_head(const struct rw_broadcast_head *head, uint64_t file_bytes, const char *path) {
    if (__atomic_load_n(&head->magic, __ATOMIC_ACQUIRE) != RW_BROADCAST_MAGIC)
        return rw_err_set(EINVAL, "%s is not a broadcast ring", path);
    if (head->version != RW_BROADCAST_VERSION || head->record_bytes != RW_RESULT_BYTES)
        return rw_err_set(
            EINVAL, "%s has version %u with records of %u bytes; this program reads %u, %u", path,
            head->version, head->record_bytes, RW_BROADCAST_VERSION, RW_RESULT_BYTES);
    uint64_t depth = head->depth;
    if (depth < RW_BROADCAST_DEPTH_MIN || depth > RW_BROADCAST_DEPTH_MAX || (depth & (depth - 1)) ||
        file_bytes < sizeof *head + depth * sizeof(struct rw_broadcast_cell))
        return rw_err_set(EINVAL, "%s is damaged: %lu cells in %lu bytes", path,
                          (unsigned long)depth, (unsigned long)file_bytes);
    return 0;
}

static uint64_t head_released(const struct rw_broadcast_head *head) {
    /* pairs with the release in rw_broadcast_flush */
    return atomic_load_explicit(&head->released, memory_order_acquire);
}
