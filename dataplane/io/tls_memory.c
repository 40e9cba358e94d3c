#include "dataplane/io/tls_memory.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/err.h"
#include "dataplane/base/log.h"

#define SMALL_BYTES 128u
#define LARGE_BYTES 1024u
#define LARGE_COUNT 16u

/* Blocks of one size and who has them: bit i set = block i is taken. Any thread may give a block
 * back, as when the cold thread closes a session that a stage thread has used. */
struct pool {
    _Atomic uint64_t taken;
    uint32_t block_bytes, count; /* at most 64 */
    uint8_t *memory;
};

static _Alignas(64) uint8_t small_memory[64 * SMALL_BYTES], large_memory[LARGE_COUNT * LARGE_BYTES];
static struct pool pools[] = {
    {.block_bytes = SMALL_BYTES, .count = 64, .memory = small_memory},
    {.block_bytes = LARGE_BYTES, .count = LARGE_COUNT, .memory = large_memory},
};
#define POOLS (sizeof pools / sizeof *pools)

/* A block of the pool, or NULL when all are taken. */
static void *take(struct pool *pool) {
    uint64_t all = pool->count == 64 ? UINT64_MAX : (1ull << pool->count) - 1;
    uint64_t taken = atomic_load_explicit(&pool->taken, memory_order_relaxed);
    while (taken != all) {
        uint32_t index = (uint32_t)__builtin_ctzll(~taken);
        /* acquire pairs with the release in give_back: what its last owner wrote is done */
        if (atomic_compare_exchange_weak_explicit(&pool->taken, &taken, taken | 1ull << index,
                                                  memory_order_acquire, memory_order_relaxed))
            return pool->memory + (size_t)index * pool->block_bytes;
    }
    return NULL;
}

/* The pool that holds this memory, or NULL when it is malloc's. */
static struct pool *pool_of(const void *memory) {
    for (uint32_t i = 0; i < POOLS; i++) {
        uintptr_t offset = (uintptr_t)memory - (uintptr_t)pools[i].memory;
        if (offset < (uintptr_t)pools[i].count * pools[i].block_bytes) return &pools[i];
    }
    return NULL;
}

static void give_back(struct pool *pool, void *memory) {
    size_t index = (size_t)((uint8_t *)memory - pool->memory) / pool->block_bytes;
    atomic_fetch_and_explicit(&pool->taken, ~(1ull << index), memory_order_release);
}

static void *tls_malloc(size_t bytes, const char *file, int line) {
    if (bytes == 0) return NULL;
    if (rw_log_forbidden()) {
        for (uint32_t i = 0; i < POOLS; i++) {
            void *memory = bytes <= pools[i].block_bytes ? take(&pools[i]) : NULL;
            if (memory) return memory;
        }
    }
    return malloc(bytes);
}

static void tls_free(void *memory, const char *file, int line) {
    struct pool *pool = pool_of(memory);
    if (pool)
        give_back(pool, memory);
    else
        free(memory);
}

static void *tls_realloc(void *memory, size_t bytes, const char *file, int line) {
    struct pool *pool = pool_of(memory);
    if (!memory) return tls_malloc(bytes, file, line);
    if (bytes == 0) {
        tls_free(memory, file, line);
        return NULL;
    }
    if (!pool) return realloc(memory, bytes);
    if (bytes <= pool->block_bytes) return memory;
    void *larger = tls_malloc(bytes, file, line);
    if (!larger) return NULL;
    memcpy(larger, memory, pool->block_bytes);
    give_back(pool, memory);
    return larger;
}

int rw_tls_memory_setup(void) {
    if (CRYPTO_set_mem_functions(tls_malloc, tls_realloc, tls_free)) return 0;
    return rw_err_set(EBUSY, "OpenSSL already allocates: its memory must be set up first");
}
