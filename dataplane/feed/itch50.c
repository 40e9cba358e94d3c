/* The tables of ITCH 5.0 and what walks them: the lengths by letter and the JSON writer. */
#include "dataplane/feed/itch50.h"

#include <assert.h>
#include <string.h>

#define FIELD_ROW(stem, name, offset, size, kind) {#name, offset, size, RW_ITCH50_##kind},
#define FIELD_ONE(stem, name, offset, size, kind) +1
#define FIELD_SUM(stem, name, offset, size, kind) +(size)
#define TYPE_ROW(letter, stem, name, bytes, FIELDS) \
    {letter, bytes, FIELDS(FIELD_ONE, stem), name, {FIELDS(FIELD_ROW, stem)}},
#define TYPE_BYTES(letter, stem, name, bytes, FIELDS) [letter] = bytes,
#define TYPE_SUM(letter, stem, name, bytes, FIELDS) \
    static_assert(1 FIELDS(FIELD_SUM, stem) == bytes, "the fields fill the message: " name);
RW_ITCH50_TYPES(TYPE_SUM)

const struct rw_itch50_type rw_itch50_types[RW_ITCH50_TYPE_COUNT] = {RW_ITCH50_TYPES(TYPE_ROW)};
const uint8_t rw_itch50_bytes[256] = {RW_ITCH50_TYPES(TYPE_BYTES)};

const struct rw_itch50_type *rw_itch50_type(uint8_t letter) {
    for (uint32_t i = 0; i < RW_ITCH50_TYPE_COUNT; i++)
        if ((uint8_t)rw_itch50_types[i].letter == letter) return &rw_itch50_types[i];
    return NULL;
}

static char *put_string(char *at, const char *string) {
    size_t length = strlen(string);
    memcpy(at, string, length);
    return at + length;
}

static char *put_uint(char *at, uint64_t value) {
    char digits[20];
    uint32_t count = 0;
    do digits[count++] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    while (count) *at++ = digits[--count];
    return at;
}

/* Escapes are those of JSON's short forms where they exist, else \u00xx: the output is plain
 * ASCII. */
static char *put_char(char *at, uint8_t c) {
    static const char plain[] = "\"\\\b\f\n\r\t", shorts[] = "\"\\bfnrt",
                      hex[] = "0123456789abcdef";
    const char *found = c ? strchr(plain, c) : NULL;
    if (found) {
        *at++ = '\\';
        *at++ = shorts[found - plain];
    } else if (c >= 0x20 && c < 0x7f) {
        *at++ = (char)c;
    } else {
        at = put_string(at, "\\u00");
        *at++ = hex[c >> 4];
        *at++ = hex[c & 15];
    }
    return at;
}

static char *put_text(char *at, const uint8_t *text, uint32_t bytes) {
    while (bytes && text[bytes - 1] == ' ') bytes--;
    *at++ = '"';
    for (uint32_t i = 0; i < bytes; i++) at = put_char(at, text[i]);
    *at++ = '"';
    return at;
}

uint32_t rw_itch50_json(char *text, uint64_t sequence, const uint8_t *message) {
    const struct rw_itch50_type *type = rw_itch50_type(message[0]);
    char *at = put_uint(put_string(text, "{\"seq\": "), sequence);
    at = put_text(put_string(at, ", \"type\": "), message, 1);
    for (uint32_t i = 0; i < type->field_count; i++) {
        const struct rw_itch50_field *field = &type->field[i];
        at = put_string(put_string(put_string(at, ", \""), field->name), "\": ");
        if (field->kind == RW_ITCH50_TEXT)
            at = put_text(at, message + field->offset, field->size);
        else
            at = put_uint(at, rw_itch50_value(message, field));
    }
    *at++ = '}';
    *at = '\0';
    return (uint32_t)(at - text);
}
