/* Walks over the tables. Nothing here is hot: the hot path reads fields by inline accessors. */
#include "dataplane/feed/field_table.h"

#include <stddef.h>
#include <string.h>

static char *put_char(char *at, uint8_t c);

enum rw_message_verdict rw_message_find(const struct rw_message_table *table, uint32_t code,
                                        uint32_t bytes, const struct rw_message_type **type) {
    for (uint32_t i = 0; i < table->type_count; i++) {
        const struct rw_message_type *row = &table->type[i];
        if (row->code != code) continue;
        if (bytes < row->bytes || (bytes > row->bytes && row->tail == RW_TAIL_NONE))
            return RW_MESSAGE_BAD_LENGTH;
        *type = row;
        return RW_MESSAGE_OK;
    }
    return RW_MESSAGE_UNKNOWN_TYPE;
}

uint64_t rw_field_uint(const uint8_t *message, const struct rw_field *field,
                       enum rw_byte_order order) {
    const uint8_t *from = message + field->offset;
    uint64_t value = 0;
    for (uint32_t i = 0; i < field->size; i++)
        value = value << 8 | from[order == RW_ORDER_BIG ? i : field->size - 1u - i];
    return value;
}

int64_t rw_field_int(const uint8_t *message, const struct rw_field *field,
                     enum rw_byte_order order) {
    uint64_t sign = 1ull << (8u * field->size - 1u);
    return (int64_t)((rw_field_uint(message, field, order) ^ sign) - sign);
}

uint32_t rw_message_json(char *text, uint64_t sequence, const struct rw_message_table *table,
                         const struct rw_message_type *type, const uint8_t *message) {
    char *at = rw_json_begin(text, sequence, table->style, type->code);
    at = rw_json_fields(at, type->field, type->field_count, message, table->order);
    *at++ = '}';
    *at = '\0';
    return (uint32_t)(at - text);
}

char *rw_json_begin(char *at, uint64_t sequence, enum rw_code_style style, uint32_t code) {
    static const char hex[] = "0123456789ABCDEF";
    at = rw_json_uint(rw_json_raw(at, "{\"seq\": "), sequence);
    at = rw_json_raw(at, ", \"type\": \"");
    if (style == RW_CODE_LETTER) {
        at = put_char(at, (uint8_t)code);
    } else if (style == RW_CODE_HEX) {
        at = rw_json_raw(at, "0x");
        *at++ = hex[code >> 4 & 15];
        *at++ = hex[code & 15];
    } else {
        at = rw_json_uint(at, code);
    }
    *at++ = '"';
    return at;
}

char *rw_json_fields(char *at, const struct rw_field *field, uint32_t count, const uint8_t *message,
                     enum rw_byte_order order) {
    for (; count; count--, field++) {
        if (field->kind == RW_FIELD_SKIP) continue;
        at = rw_json_raw(rw_json_raw(rw_json_raw(at, ", \""), field->name), "\": ");
        if (field->kind == RW_FIELD_TEXT)
            at = rw_json_text(at, message + field->offset, field->size);
        else if (field->kind == RW_FIELD_INT)
            at = rw_json_int(at, rw_field_int(message, field, order));
        else
            at = rw_json_uint(at, rw_field_uint(message, field, order));
    }
    return at;
}

char *rw_json_uint(char *at, uint64_t value) {
    char digits[20];
    uint32_t count = 0;
    do digits[count++] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    while (count) *at++ = digits[--count];
    return at;
}

char *rw_json_int(char *at, int64_t value) {
    if (value >= 0) return rw_json_uint(at, (uint64_t)value);
    *at++ = '-';
    return rw_json_uint(at, -(uint64_t)value);
}

char *rw_json_text(char *at, const uint8_t *text, uint32_t bytes) {
    while (bytes && text[bytes - 1] == ' ') bytes--;
    *at++ = '"';
    for (uint32_t i = 0; i < bytes; i++) at = put_char(at, text[i]);
    *at++ = '"';
    return at;
}

char *rw_json_raw(char *at, const char *string) {
    size_t length = strlen(string);
    memcpy(at, string, length);
    return at + length;
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
        at = rw_json_raw(at, "\\u00");
        *at++ = hex[c >> 4];
        *at++ = hex[c & 15];
    }
    return at;
}
