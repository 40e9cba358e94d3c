/* XXH3-128 as the product's one content hash: of log entries (chain hash), results (running hash)
 * and images. Little-endian canonical value, equal on every host. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rw_hash {
    uint64_t low, high;
};

/* rw_hash_equal tells whether two hashes are the same value. */
static inline bool rw_hash_equal(struct rw_hash a, struct rw_hash b) {
    return a.low == b.low && a.high == b.high;
}
/* rw_hash_bytes hashes one buffer. */
struct rw_hash rw_hash_bytes(const void *bytes, size_t count);
/* rw_hash_chain returns XXH3-128(h ‖ bytes): one link of a chain. count ≤ 1,024. */
struct rw_hash rw_hash_chain(struct rw_hash h, const void *bytes, size_t count);
/* rw_hash_chain_end returns XXH3-128(h ‖ n ‖ count), the running result hash after input n. */
struct rw_hash rw_hash_chain_end(struct rw_hash h, uint64_t n, uint64_t count);
/* rw_hash_text writes 32 hex digits and a NUL. */
void rw_hash_text(struct rw_hash h, char text[33]);
