/* The tables of MDP 3.0 as rows, the walk over packets, messages and groups, the JSON writer. */
#include "dataplane/feed/mdp3.h"

#include <assert.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/bytes.h"

#define FIELD_ROW(stem, name, offset, size, kind) {#name, offset, size, RW_FIELD_##kind},
#define FIELD_ONE(stem, name, offset, size, kind) +1
#define FIELD_SUM(stem, name, offset, size, kind) +(size)
#define BLOCK_FIELDS(stem, bytes)                                                             \
    static_assert(RW_MDP3_FIELDS_##stem(FIELD_SUM, stem) == bytes, "the fields fill " #stem); \
    static const struct rw_field fields_##stem[] = {RW_MDP3_FIELDS_##stem(FIELD_ROW, stem)};
RW_MDP3_BLOCKS(BLOCK_FIELDS)

#define BLOCK_ROW(stem, bytes) {fields_##stem, RW_MDP3_FIELDS_##stem(FIELD_ONE, stem), bytes},
const struct rw_mdp3_block rw_mdp3_blocks[RW_MDP3_BLOCK_COUNT] = {RW_MDP3_BLOCKS(BLOCK_ROW)};

#define GROUP_ROW(stem, name, dimension) {#name, &rw_mdp3_blocks[RW_MDP3_BLOCK_##stem], dimension},
#define GROUP_ONE(stem, name, dimension) +1
#define TYPE_ROW(template, name, stem)       \
    {template,                               \
     0 RW_MDP3_GROUPS_##template(GROUP_ONE), \
     #name,                                  \
     &rw_mdp3_blocks[RW_MDP3_BLOCK_##stem],  \
     {RW_MDP3_GROUPS_##template(GROUP_ROW)}},
const struct rw_mdp3_type rw_mdp3_types[RW_MDP3_TYPE_COUNT] = {RW_MDP3_TYPES(TYPE_ROW)};

const struct rw_mdp3_type *rw_mdp3_type(uint16_t template_id) {
    for (uint32_t i = 0; i < RW_MDP3_TYPE_COUNT; i++)
        if (rw_mdp3_types[i].template_id == template_id) return &rw_mdp3_types[i];
    return NULL;
}

static void skip(struct rw_mdp3_packet *packet, size_t bytes) {
    RW_ASSERT(bytes <= packet->left);
    packet->at += bytes;
    packet->left -= bytes;
}

/* At a mark, or at the beginning: reads the header and steps over it. */
static bool take_header(struct rw_mdp3_packet *packet, struct rw_mdp3_counters *counters) {
    uint32_t mark_bytes = packet->framing == RW_MDP3_TCP ? 2 : 0;
    rw_stat_add(&counters->packets, 1);
    if (packet->left < mark_bytes + RW_MDP3_PACKET_HEADER_BYTES ||
        (mark_bytes && rw_load_le16(packet->at) != RW_MDP3_TCP_MARK)) {
        rw_stat_add(&counters->short_packet, 1);
        packet->left = 0;
        return false;
    }
    packet->sequence = rw_load_le32(packet->at + mark_bytes);
    packet->sending_time_ns = rw_load_le64(packet->at + mark_bytes + 4);
    skip(packet, mark_bytes + RW_MDP3_PACKET_HEADER_BYTES);
    return true;
}

bool rw_mdp3_open(struct rw_mdp3_packet *packet, const uint8_t *bytes, size_t count,
                  enum rw_mdp3_framing framing, struct rw_mdp3_counters *counters) {
    *packet = (struct rw_mdp3_packet){.framing = (uint8_t)framing, .at = bytes, .left = count};
    return take_header(packet, counters);
}

/* Finds the groups of a message between its root block and its end. */
static bool find_groups(struct rw_mdp3_message *message, const uint8_t *end) {
    const uint8_t *at = message->root + message->root_bytes;
    for (uint32_t i = 0; i < message->type->group_count && at < end; i++) {
        uint32_t dimension = message->type->group[i].dimension_bytes;
        struct rw_mdp3_entries *entries = &message->group[i];
        if ((size_t)(end - at) < dimension) return false;
        *entries = (struct rw_mdp3_entries){at + dimension, rw_load_le16(at), at[dimension - 1]};
        at += dimension;
        if ((size_t)(end - at) < (size_t)entries->bytes * entries->count) return false;
        at += (size_t)entries->bytes * entries->count;
    }
    return true;
}

/* Reads the message of `size` bytes in front of the packet's place; returns the counter that it
 * moves. */
static rw_stat *read_message(const struct rw_mdp3_packet *packet, uint32_t size,
                             struct rw_mdp3_message *message, struct rw_mdp3_counters *counters) {
    const uint8_t *header = packet->at;
    uint16_t root_bytes = rw_load_le16(header + 2);
    if (rw_load_le16(header + 6) != RW_MDP3_SCHEMA) return &counters->other_schema;
    *message = (struct rw_mdp3_message){.type = rw_mdp3_type(rw_load_le16(header + 4)),
                                        .root = header + RW_MDP3_MESSAGE_HEADER_BYTES,
                                        .root_bytes = root_bytes,
                                        .version = rw_load_le16(header + 8),
                                        .sequence = packet->sequence};
    if (!message->type) return &counters->unknown_template;
    if (root_bytes > size - RW_MDP3_MESSAGE_HEADER_BYTES) return &counters->bad_root;
    return find_groups(message, header + size) ? &counters->messages : &counters->bad_group;
}

/* The size of the message in front of the packet's place; 0, counted, when there is none that can
 * be stepped over. */
static uint32_t message_size(const struct rw_mdp3_packet *packet,
                             struct rw_mdp3_counters *counters) {
    uint32_t size = packet->left >= 2 ? rw_load_le16(packet->at) : 0;
    rw_stat *reason = NULL;
    if (packet->left < RW_MDP3_MESSAGE_HEADER_BYTES || size > packet->left)
        reason = &counters->cut;
    else if (size < RW_MDP3_MESSAGE_HEADER_BYTES)
        reason = &counters->bad_size;
    if (reason) rw_stat_add(reason, 1);
    return reason ? 0 : size;
}

static bool at_mark(const struct rw_mdp3_packet *packet) {
    return packet->framing == RW_MDP3_TCP && packet->left >= 2 &&
           rw_load_le16(packet->at) == RW_MDP3_TCP_MARK;
}

bool rw_mdp3_next(struct rw_mdp3_packet *packet, struct rw_mdp3_message *message,
                  struct rw_mdp3_counters *counters) {
    while (packet->left) {
        if (at_mark(packet)) {
            if (!take_header(packet, counters)) return false;
            continue;
        }
        rw_stat_add(&counters->found, 1);
        uint32_t size = message_size(packet, counters);
        if (size == 0) {
            packet->left = 0;
            return false;
        }
        rw_stat *counter = read_message(packet, size, message, counters);
        rw_stat_add(counter, 1);
        skip(packet, size);
        if (counter == &counters->messages) return true;
    }
    return false;
}

bool rw_mdp3_read(const struct rw_field *field, const uint8_t *block, uint32_t bytes,
                  uint64_t *value) {
    bool is_signed = field->kind == RW_FIELD_INT;
    RW_ASSERT(is_signed || field->kind == RW_FIELD_UINT);
    *value = 0;
    if ((uint32_t)field->offset + field->size > bytes) return false;
    uint64_t raw = rw_field_uint(block, field, RW_ORDER_LITTLE);
    if (raw == UINT64_MAX >> (64u - 8u * field->size + is_signed)) return false;
    *value = is_signed ? (uint64_t)rw_field_int(block, field, RW_ORDER_LITTLE) : raw;
    return true;
}

bool rw_mdp3_price(int64_t price, int64_t factor, int32_t *to, bool *rounded) {
    const __int128 one = (__int128)100000000000000; /* 1e-18 units in 1e-4 */
    __int128 scaled = (__int128)price * (factor ? factor : 1000000000);
    if (scaled < 0 || scaled / one > INT32_MAX) return false;
    if (scaled % one) *rounded = true;
    *to = (int32_t)(scaled / one);
    return true;
}

static char *put_value(char *at, const struct rw_field *field, const uint8_t *block,
                       uint32_t bytes) {
    uint64_t value;
    const char *from = (const char *)block + field->offset;
    if (field->kind == RW_FIELD_TEXT)
        return rw_json_text(at, block + field->offset, (uint32_t)strnlen(from, field->size));
    if (!rw_mdp3_read(field, block, bytes, &value)) return rw_json_raw(at, "null");
    return field->kind == RW_FIELD_INT ? rw_json_int(at, (int64_t)value) : rw_json_uint(at, value);
}

/* Writes `"name": value` for each field that is there, with `separator` in front of the first. */
static char *put_block(char *at, const char *separator, const struct rw_mdp3_block *row,
                       const uint8_t *block, uint32_t bytes) {
    for (uint32_t i = 0; i < row->field_count; i++) {
        const struct rw_field *field = &row->field[i];
        if (field->kind == RW_FIELD_SKIP || (uint32_t)field->offset + field->size > bytes) continue;
        at = rw_json_raw(rw_json_raw(at, separator), "\"");
        at = rw_json_raw(rw_json_raw(at, field->name), "\": ");
        at = put_value(at, field, block, bytes);
        separator = ", ";
    }
    return at;
}

static char *put_group(char *at, const struct rw_mdp3_group *row,
                       const struct rw_mdp3_entries *entries) {
    at = rw_json_raw(rw_json_raw(rw_json_raw(at, ", \""), row->name), "\": [");
    for (uint32_t i = 0; i < entries->count; i++) {
        at = rw_json_raw(at, i ? ", {" : "{");
        at =
            put_block(at, "", row->entry, entries->at + (size_t)i * entries->bytes, entries->bytes);
        *at++ = '}';
    }
    *at++ = ']';
    return at;
}

uint32_t rw_mdp3_json(char *text, const struct rw_mdp3_message *message) {
    const struct rw_mdp3_type *type = message->type;
    char *at = rw_json_begin(text, message->sequence, RW_CODE_DECIMAL, type->template_id);
    at = put_block(at, ", ", type->root, message->root, message->root_bytes);
    for (uint32_t i = 0; i < type->group_count; i++)
        if (message->group[i].at) at = put_group(at, &type->group[i], &message->group[i]);
    *at++ = '}';
    *at = '\0';
    return (uint32_t)(at - text);
}
