/* The other direction of field_table.h: a message is drafted from the row of its type and filled
 * field by field. For generators, tests and fixtures. */
#pragma once

#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/feed/field_table.h"

struct rw_draft {
    const struct rw_message_type *type;
    uint8_t *fields; /* from where the offsets of the row count */
    enum rw_byte_order order;
};

/* rw_draft_begin zeroes the fields of a type that the table has; `fields` has room for them. */
static inline struct rw_draft rw_draft_begin(const struct rw_message_table *table, uint32_t code,
                                             uint8_t *fields) {
    const struct rw_message_type *type = NULL;
    for (uint32_t i = 0; i < table->type_count && !type; i++)
        if (table->type[i].code == code) type = &table->type[i];
    RW_ASSERT(type);
    memset(fields, 0, type->bytes);
    return (struct rw_draft){type, fields, (enum rw_byte_order)table->order};
}

/* rw_draft_uint puts the low bytes of a value into the field at a place of the row; rw_draft_text
 * a text, cut or padded with spaces to the field. */
static inline void rw_draft_uint(const struct rw_draft *draft, uint32_t place, uint64_t value) {
    const struct rw_field *field = &draft->type->field[place];
    RW_ASSERT(place < draft->type->field_count);
    for (uint32_t i = 0; i < field->size; i++)
        draft->fields[field->offset + (draft->order == RW_ORDER_BIG ? field->size - 1u - i : i)] =
            (uint8_t)(value >> 8 * i);
}

static inline void rw_draft_text(const struct rw_draft *draft, uint32_t place, const char *text) {
    const struct rw_field *field = &draft->type->field[place];
    RW_ASSERT(place < draft->type->field_count);
    memset(draft->fields + field->offset, ' ', field->size);
    memcpy(draft->fields + field->offset, text, strnlen(text, field->size));
}
