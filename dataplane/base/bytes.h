/* Unaligned loads and stores in network (be) and wire (le) order. Inline, no bounds check: the
 * caller has checked the length. */
#pragma once

#include <stdint.h>
#include <string.h>

#define RW_BYTES_LOAD(name, type, swap)         \
    static inline type name(const void *from) { \
        type value;                             \
        memcpy(&value, from, sizeof value);     \
        return swap(value);                     \
    }
#define RW_BYTES_STORE(name, type, swap)            \
    static inline void name(void *to, type value) { \
        value = swap(value);                        \
        memcpy(to, &value, sizeof value);           \
    }
#define RW_BYTES_SAME(value) (value)
RW_BYTES_LOAD(rw_load_be16, uint16_t, __builtin_bswap16)
RW_BYTES_LOAD(rw_load_be32, uint32_t, __builtin_bswap32)
RW_BYTES_LOAD(rw_load_be64, uint64_t, __builtin_bswap64)
RW_BYTES_LOAD(rw_load_le16, uint16_t, RW_BYTES_SAME)
RW_BYTES_LOAD(rw_load_le32, uint32_t, RW_BYTES_SAME)
RW_BYTES_LOAD(rw_load_le64, uint64_t, RW_BYTES_SAME)
RW_BYTES_STORE(rw_store_be16, uint16_t, __builtin_bswap16)
RW_BYTES_STORE(rw_store_be32, uint32_t, __builtin_bswap32)
RW_BYTES_STORE(rw_store_be64, uint64_t, __builtin_bswap64)
RW_BYTES_STORE(rw_store_le16, uint16_t, RW_BYTES_SAME)
RW_BYTES_STORE(rw_store_le32, uint32_t, RW_BYTES_SAME)
RW_BYTES_STORE(rw_store_le64, uint64_t, RW_BYTES_SAME)

/* rw_load_be48 reads the six-byte timestamps of ITCH. */
static inline uint64_t rw_load_be48(const void *from) {
    const uint8_t *bytes = from;
    return (uint64_t)rw_load_be16(bytes) << 32 | rw_load_be32(bytes + 2);
}

/* rw_store_be48 writes the low six bytes of value. */
static inline void rw_store_be48(void *to, uint64_t value) {
    uint8_t *bytes = to;
    rw_store_be16(bytes, (uint16_t)(value >> 32));
    rw_store_be32(bytes + 2, (uint32_t)value);
}
