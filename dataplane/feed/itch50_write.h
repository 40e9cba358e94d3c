/* The other direction of itch50.h: setters of every field, made from the same table. For
 * generators, tests and fixtures; a message is begun with rw_itch50_begin and then filled field
 * by field. */
#pragma once

#include <string.h>

#include "dataplane/feed/itch50.h"

#define RW_ITCH50_STORE_1(to, value) (*(to) = (uint8_t)(value))
#define RW_ITCH50_STORE_2(to, value) rw_store_be16(to, (uint16_t)(value))
#define RW_ITCH50_STORE_4(to, value) rw_store_be32(to, (uint32_t)(value))
#define RW_ITCH50_STORE_6(to, value) rw_store_be48(to, value)
#define RW_ITCH50_STORE_8(to, value) rw_store_be64(to, value)
#define RW_ITCH50_PUT_UINT(stem, name, offset, size)                                     \
    static inline void rw_itch50_put_##stem##_##name(uint8_t *message, uint64_t value) { \
        RW_ITCH50_STORE_##size(message + (offset), value);                               \
    }
/* Text comes as exactly the field's bytes, already padded with spaces. */
#define RW_ITCH50_PUT_TEXT(stem, name, offset, size)                                       \
    static inline void rw_itch50_put_##stem##_##name(uint8_t *message, const void *text) { \
        memcpy(message + (offset), text, size);                                            \
    }
/* clang-format off */
#define RW_ITCH50_PUT(stem, name, offset, size, kind)                                              \
    RW_ITCH50_PUT_##kind(stem, name, offset, size)
#define RW_ITCH50_PUT_TYPE(letter, stem, name, bytes, FIELDS) FIELDS(RW_ITCH50_PUT, stem)
/* clang-format on */
RW_ITCH50_TYPES(RW_ITCH50_PUT_TYPE)

/* rw_itch50_begin starts a message of a known type: the letter, locate and timestamp, all else
 * zero. message has room for RW_ITCH50_BYTES_MAX. Returns its length. */
static inline uint32_t rw_itch50_begin(uint8_t *message, char letter, uint16_t locate,
                                       uint64_t timestamp_ns) {
    memset(message, 0, RW_ITCH50_BYTES_MAX);
    message[0] = (uint8_t)letter;
    rw_store_be16(message + 1, locate);
    rw_store_be48(message + 5, timestamp_ns);
    return rw_itch50_bytes[(uint8_t)letter];
}
