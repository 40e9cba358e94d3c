/* The tables of ITCH 5.0: its types, and the lengths by letter. */
#include "dataplane/feed/itch50.h"

#include <assert.h>

#define FIELD_ROW(stem, name, offset, size, kind) {#name, offset, size, RW_FIELD_##kind},
#define FIELD_SUM(stem, name, offset, size, kind) +(size)
#define TYPE_ROW(letter, stem, name, bytes, FIELDS) \
    RW_TYPE(letter, bytes, name, FIELDS(FIELD_ROW, stem)),
#define TYPE_BYTES(letter, stem, name, bytes, FIELDS) [letter] = bytes,
#define TYPE_SUM(letter, stem, name, bytes, FIELDS) \
    static_assert(1 FIELDS(FIELD_SUM, stem) == bytes, "the fields fill the message: " name);
RW_ITCH50_TYPES(TYPE_SUM)

const struct rw_message_type rw_itch50_types[RW_ITCH50_TYPE_COUNT] = {RW_ITCH50_TYPES(TYPE_ROW)};
const uint8_t rw_itch50_bytes[256] = {RW_ITCH50_TYPES(TYPE_BYTES)};

const struct rw_message_table rw_itch50_table = {rw_itch50_types, RW_ITCH50_TYPE_COUNT,
                                                 RW_ORDER_BIG, RW_CODE_LETTER};

const struct rw_message_type *rw_itch50_type(uint8_t letter) {
    for (uint32_t i = 0; i < RW_ITCH50_TYPE_COUNT; i++)
        if (rw_itch50_types[i].code == letter) return &rw_itch50_types[i];
    return NULL;
}

uint32_t rw_itch50_json(char *text, uint64_t sequence, const uint8_t *message) {
    return rw_message_json(text, sequence, &rw_itch50_table, rw_itch50_type(message[0]), message);
}
