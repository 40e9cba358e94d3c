/* Tables that describe the messages of a venue, and what can be read from such a table alone: the
 * length check and a JSON line.
 *
 *   rw_message_table ─► rw_message_type (code, bytes, name) ─► rw_field (name, offset, size, kind)
 *
 * Every feed is one constant table; nothing here knows a venue. Offsets count from the place the
 * venue's document counts from, which is the `message` handed to the functions: the type byte, or
 * the first byte behind the header when the type stands there. All functions are pure. */
#pragma once

#include <stdint.h>

enum rw_field_kind {
    RW_FIELD_UINT = 0,
    RW_FIELD_INT = 1,  /* two's complement */
    RW_FIELD_TEXT = 2, /* Latin-1, left-justified, padded with spaces */
    RW_FIELD_SKIP = 3, /* reserved or padding: not printed */
};

struct rw_field {
    const char *name;
    uint16_t offset;
    uint8_t size; /* integers: 1..8 */
    uint8_t kind; /* enum rw_field_kind */
};

struct rw_message_type {
    uint16_t code;  /* as on the wire: a letter, or a number */
    uint16_t bytes; /* what the fields fill */
    uint8_t field_count;
    uint8_t tail; /* enum rw_message_tail */
    const char *name;
    const struct rw_field *field;
};

/* What may follow the fields of a type. */
enum rw_message_tail {
    RW_TAIL_NONE = 0, /* nothing: the length is exact */
    RW_TAIL_OPEN = 1, /* bytes that the table does not describe, such as options */
};

enum rw_byte_order { RW_ORDER_BIG = 0, RW_ORDER_LITTLE = 1 };

/* How a code is written: "A", "0x22", "18". */
enum rw_code_style { RW_CODE_LETTER = 0, RW_CODE_HEX = 1, RW_CODE_DECIMAL = 2 };

struct rw_message_table {
    const struct rw_message_type *type;
    uint16_t type_count;
    uint8_t order; /* enum rw_byte_order */
    uint8_t style; /* enum rw_code_style */
};

/* For rows of tables: RW_TYPE('S', 10, "system_event", RW_TEXT(system_event, 1, 1), …). */
#define RW_UINT(name, offset, size) \
    { #name, offset, size, RW_FIELD_UINT }
#define RW_INT(name, offset, size) \
    { #name, offset, size, RW_FIELD_INT }
#define RW_TEXT(name, offset, size) \
    { #name, offset, size, RW_FIELD_TEXT }
#define RW_SKIP(name, offset, size) \
    { #name, offset, size, RW_FIELD_SKIP }
#define RW_FIELD_LIST(...) ((const struct rw_field[]){__VA_ARGS__})
#define RW_TYPE_TAIL(code, bytes, tail, name, ...)                                            \
    {                                                                                         \
        code, bytes, sizeof RW_FIELD_LIST(__VA_ARGS__) / sizeof(struct rw_field), tail, name, \
            RW_FIELD_LIST(__VA_ARGS__)                                                        \
    }
#define RW_TYPE(code, bytes, name, ...) RW_TYPE_TAIL(code, bytes, RW_TAIL_NONE, name, __VA_ARGS__)
#define RW_TYPE_OPEN(code, bytes, name, ...) \
    RW_TYPE_TAIL(code, bytes, RW_TAIL_OPEN, name, __VA_ARGS__)

enum rw_message_verdict {
    RW_MESSAGE_OK = 0,
    RW_MESSAGE_UNKNOWN_TYPE = 1,
    RW_MESSAGE_BAD_LENGTH = 2,
};

/* rw_message_find looks the type up and checks that a message of it may be `bytes` long (from where
 * its offsets count). On RW_MESSAGE_OK *type is set, and every field of it lies in the message. */
enum rw_message_verdict rw_message_find(const struct rw_message_table *table, uint32_t code,
                                        uint32_t bytes, const struct rw_message_type **type);

/* rw_field_uint reads an integer field unsigned; rw_field_int reads it with its sign. */
uint64_t rw_field_uint(const uint8_t *message, const struct rw_field *field,
                       enum rw_byte_order order);
int64_t rw_field_int(const uint8_t *message, const struct rw_field *field,
                     enum rw_byte_order order);

/* A message that has passed rw_message_find, and where its offsets count from; fields are read by
 * their place in the row: rw_view_uint and rw_view_int a number, rw_view_text where a text stands,
 * rw_view_size the bytes of the field. */
struct rw_message_view {
    const struct rw_message_type *type;
    const uint8_t *bytes;
    enum rw_byte_order order;
};

static inline uint64_t rw_view_uint(const struct rw_message_view *view, uint32_t field) {
    return rw_field_uint(view->bytes, &view->type->field[field], view->order);
}
static inline int64_t rw_view_int(const struct rw_message_view *view, uint32_t field) {
    return rw_field_int(view->bytes, &view->type->field[field], view->order);
}
static inline const uint8_t *rw_view_text(const struct rw_message_view *view, uint32_t field) {
    return view->bytes + view->type->field[field].offset;
}
static inline uint8_t rw_view_size(const struct rw_message_view *view, uint32_t field) {
    return view->type->field[field].size;
}

/* rw_message_json writes one JSON object and a NUL: "seq", "type", then the fields in the order of
 * the table as exact integers and trimmed text; characters outside ASCII are \u00xx escapes. The
 * message has passed rw_message_find; text holds RW_MESSAGE_JSON_MAX bytes, which suffices for
 * types of up to 128 bytes and 24 fields with names of up to 40. Returns the length without the
 * NUL. */
#define RW_MESSAGE_JSON_MAX 2560u
uint32_t rw_message_json(char *text, uint64_t sequence, const struct rw_message_table *table,
                         const struct rw_message_type *type, const uint8_t *message);

/* The parts of such a line, for messages with more shape than a table has. Each writes at `at` and
 * returns the place behind: rw_json_begin `{"seq": 1, "type": "A"`, rw_json_fields a
 * `, "name": value` for each field, the others one bare value or the bytes as they are. */
char *rw_json_begin(char *at, uint64_t sequence, enum rw_code_style style, uint32_t code);
char *rw_json_fields(char *at, const struct rw_field *field, uint32_t count, const uint8_t *message,
                     enum rw_byte_order order);
char *rw_json_uint(char *at, uint64_t value);
char *rw_json_int(char *at, int64_t value);
char *rw_json_text(char *at, const uint8_t *text, uint32_t bytes);
char *rw_json_raw(char *at, const char *string);
