#include "dataplane/base/hash.h"

#include <stdio.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/bytes.h"

#define CHAIN_BYTES_MAX 1024u

struct rw_hash rw_hash_bytes(const void *bytes, size_t count) {
    XXH128_hash_t hash = XXH3_128bits(bytes, count);
    return (struct rw_hash){.low = hash.low64, .high = hash.high64};
}

struct rw_hash rw_hash_chain(struct rw_hash h, const void *bytes, size_t count) {
    uint8_t buffer[16 + CHAIN_BYTES_MAX];
    RW_ASSERT(count <= CHAIN_BYTES_MAX);
    rw_store_le64(buffer, h.low);
    rw_store_le64(buffer + 8, h.high);
    memcpy(buffer + 16, bytes, count);
    return rw_hash_bytes(buffer, 16 + count);
}

struct rw_hash rw_hash_chain_end(struct rw_hash h, uint64_t n, uint64_t count) {
    uint8_t end[16];
    rw_store_le64(end, n);
    rw_store_le64(end + 8, count);
    return rw_hash_chain(h, end, sizeof end);
}

void rw_hash_text(struct rw_hash h, char text[33]) {
    snprintf(text, 33, "%016llx%016llx", (unsigned long long)h.high, (unsigned long long)h.low);
}
