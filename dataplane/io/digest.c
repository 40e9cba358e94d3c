/* CRC-32C by the SSE4.2 instruction; SHA-256 by OpenSSL's low-level calls, which allocate
 * nothing (the EVP ones take a heap context per hash and cost 200 ns more on a record). */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "dataplane/io/digest.h"

#include <assert.h>
#include <nmmintrin.h>
#include <openssl/sha.h>
#include <string.h>

static_assert(sizeof(SHA256_CTX) <= sizeof(struct rw_sha256_state),
              "the opaque state holds OpenSSL's");

uint32_t rw_crc32c(uint32_t crc, const void *bytes, size_t count) {
    const uint8_t *at = bytes;
    uint64_t wide = ~crc;
    for (; count >= 8; at += 8, count -= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        wide = _mm_crc32_u64(wide, word);
    }
    uint32_t narrow = (uint32_t)wide;
    for (; count; at++, count--) narrow = _mm_crc32_u8(narrow, *at);
    return ~narrow;
}

void rw_sha256(const void *bytes, size_t count, uint8_t digest[RW_SHA256_BYTES]) {
    struct rw_sha256_state state;
    rw_sha256_init(&state);
    rw_sha256_add(&state, bytes, count);
    rw_sha256_end(&state, digest);
}

void rw_sha256_init(struct rw_sha256_state *state) { SHA256_Init((SHA256_CTX *)state); }

void rw_sha256_add(struct rw_sha256_state *state, const void *bytes, size_t count) {
    SHA256_Update((SHA256_CTX *)state, bytes, count);
}

void rw_sha256_end(struct rw_sha256_state *state, uint8_t digest[RW_SHA256_BYTES]) {
    SHA256_Final(digest, (SHA256_CTX *)state);
}
