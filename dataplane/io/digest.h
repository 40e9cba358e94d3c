/* Checksums of stored bytes: CRC-32C against accident, SHA-256 against intent. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define RW_SHA256_BYTES 32u

/* rw_crc32c returns the CRC-32C (Castagnoli, as in RFC 3720) of the bytes, continuing from crc
 * (0 to start). It finds every error of one bit, and every burst up to 32 bits. Any thread, no
 * allocation. */
uint32_t rw_crc32c(uint32_t crc, const void *bytes, size_t count);

/* rw_sha256 hashes one buffer. Any thread, no allocation. */
void rw_sha256(const void *bytes, size_t count, uint8_t digest[RW_SHA256_BYTES]);

/* The same in pieces: init, add …, end. The state is plain memory; copying it forks the hash. */
struct rw_sha256_state {
    _Alignas(8) uint8_t opaque[112];
};
void rw_sha256_init(struct rw_sha256_state *state);
void rw_sha256_add(struct rw_sha256_state *state, const void *bytes, size_t count);
void rw_sha256_end(struct rw_sha256_state *state, uint8_t digest[RW_SHA256_BYTES]);
