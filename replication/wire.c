/* Encoding and decoding by one description per message: each body function names its fields in
 * order, and a cursor either writes them or reads them. So they cannot drift apart. */
#include "replication/wire.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/bytes.h"

struct cursor {
    uint8_t *at;
    bool writing;
    bool bad; /* reading: a field with an impossible value */
};

static void field_bytes(struct cursor *cursor, void *bytes, uint32_t count) {
    if (cursor->writing)
        memcpy(cursor->at, bytes, count);
    else
        memcpy(bytes, cursor->at, count);
    cursor->at += count;
}

static void field_u64(struct cursor *cursor, uint64_t *value) {
    field_bytes(cursor, value, sizeof *value);
}
static void field_u32(struct cursor *cursor, uint32_t *value) {
    field_bytes(cursor, value, sizeof *value);
}
static void field_u16(struct cursor *cursor, uint16_t *value) {
    field_bytes(cursor, value, sizeof *value);
}
/* A byte of at most `limit`. */
static void field_u8(struct cursor *cursor, uint8_t *value, uint8_t limit) {
    field_bytes(cursor, value, sizeof *value);
    if (*value > limit) cursor->bad = true;
}

static void field_hash(struct cursor *cursor, struct rw_hash *hash) {
    field_u64(cursor, &hash->low);
    field_u64(cursor, &hash->high);
}

static void field_point(struct cursor *cursor, struct rw_point *point) {
    field_u64(cursor, &point->sequence);
    field_hash(cursor, &point->hash);
}

static void field_identity(struct cursor *cursor, struct rw_identity *identity) {
    field_u64(cursor, &identity->store);
    field_u64(cursor, &identity->incarnation);
}

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "fields are copied as they lie in memory");

static void body_hello(struct cursor *cursor, struct rw_message *message) {
    struct rw_hello *hello = &message->hello;
    field_hash(cursor, &hello->terms.image);
    field_hash(cursor, &hello->terms.kernel);
    field_hash(cursor, &hello->terms.keys);
    field_u32(cursor, &hello->terms.calculation_version);
    field_u16(cursor, &hello->terms.wire_lowest);
    field_u16(cursor, &hello->terms.wire_highest);
    field_point(cursor, &hello->last);
    field_point(cursor, &hello->last_anchor);
    field_point(cursor, &hello->guard);
    field_point(cursor, &hello->guard_anchor);
    field_u64(cursor, &hello->durable);
    field_u64(cursor, &hello->member_epoch);
    field_identity(cursor, &hello->in_sync);
    field_u8(cursor, &hello->leads, 1);
    field_u8(cursor, &hello->mode, 1);
    field_u8(cursor, &hello->member, 1);
    field_u8(cursor, &hello->halted, 1);
    field_u8(cursor, &hello->follows, 1);
    field_u8(cursor, &hello->named, 1);
    field_bytes(cursor, hello->build, sizeof hello->build);
    if (hello->build[sizeof hello->build - 1] != '\0') cursor->bad = true;
}

static void body_hello_ack(struct cursor *cursor, struct rw_message *message) {
    field_point(cursor, &message->hello_ack.match);
}

static void body_append(struct cursor *cursor, struct rw_message *message) {
    struct rw_append *append = &message->append;
    field_u64(cursor, &append->first_sequence);
    field_u32(cursor, &append->count);
    field_u32(cursor, &append->payload_bytes);
    field_hash(cursor, &append->prev_chain);
    field_u64(cursor, &append->commit);
    field_u64(cursor, &append->leader_durable);
    field_point(cursor, &append->result);
    if (append->first_sequence == 0 || append->count == 0) cursor->bad = true;
    if (append->payload_bytes % 64 != 0 || append->payload_bytes > RW_WIRE_PAYLOAD_MAX)
        cursor->bad = true;
    if ((uint64_t)append->count * 64 > append->payload_bytes) cursor->bad = true;
}

static void body_ack(struct cursor *cursor, struct rw_message *message) {
    struct rw_ack *ack = &message->ack;
    field_u64(cursor, &ack->verified);
    field_u64(cursor, &ack->durable);
    field_point(cursor, &ack->applied);
    field_point(cursor, &ack->mark);
    field_u64(cursor, &ack->echo_ns);
    field_u64(cursor, &ack->credit_bytes);
}

static void body_nak(struct cursor *cursor, struct rw_message *message) {
    field_u64(cursor, &message->nak.from);
}

static void body_commit(struct cursor *cursor, struct rw_message *message) {
    field_u64(cursor, &message->commit.commit);
    field_u64(cursor, &message->commit.leader_durable);
    field_point(cursor, &message->commit.result);
}

static void body_diverged(struct cursor *cursor, struct rw_message *message) {
    field_point(cursor, &message->diverged.mine);
    field_hash(cursor, &message->diverged.yours);
}

static void body_halt(struct cursor *cursor, struct rw_message *message) {
    field_u32(cursor, &message->halt_reason);
}

struct body {
    uint32_t bytes;
    void (*fields)(struct cursor *cursor, struct rw_message *message);
};

static const struct body bodies[RW_MESSAGE_TYPE_COUNT] = {
    [RW_MESSAGE_HELLO] = {3 * 16 + 8 + 4 * 24 + 2 * 8 + 16 + 6 + 31, body_hello},
    [RW_MESSAGE_HELLO_ACK] = {24, body_hello_ack},
    [RW_MESSAGE_APPEND] = {16 + 16 + 16 + 24, body_append},
    [RW_MESSAGE_ACK] = {16 + 48 + 16, body_ack},
    [RW_MESSAGE_NAK] = {8, body_nak},
    [RW_MESSAGE_COMMIT] = {16 + 24, body_commit},
    [RW_MESSAGE_DIVERGED] = {24 + 16, body_diverged},
    [RW_MESSAGE_HALT] = {4, body_halt},
};

static const struct body *body_of(uint8_t type) {
    return type < RW_MESSAGE_TYPE_COUNT && bodies[type].fields ? &bodies[type] : NULL;
}

/* Number, stamp, epoch, lineage and identity stand in the head of every message. */
static void head_fields(struct cursor *cursor, struct rw_message *message) {
    field_u64(cursor, &message->number);
    field_u64(cursor, &message->stamp_ns);
    field_u64(cursor, &message->epoch);
    field_hash(cursor, &message->lineage);
    field_identity(cursor, &message->identity);
    uint64_t reserved = 0;
    field_u64(cursor, &reserved);
    if (reserved != 0) cursor->bad = true;
}

/* The checksum of head and body with the checksum's own field taken as zero. */
static uint32_t checksum(const uint8_t *frame, uint32_t bytes) {
    uint8_t copy[RW_WIRE_HEAD_BYTES + RW_WIRE_BODY_MAX];
    memcpy(copy, frame, bytes);
    memset(copy + 12, 0, 4);
    return (uint32_t)rw_hash_bytes(copy, bytes).low;
}

uint32_t rw_wire_bytes(const struct rw_message *message) {
    const struct body *body = body_of(message->type);
    if (!body) return 0;
    uint32_t payload = message->type == RW_MESSAGE_APPEND ? message->append.payload_bytes : 0;
    return RW_WIRE_HEAD_BYTES + body->bytes + payload;
}

uint32_t rw_wire_encode(const struct rw_message *message, uint8_t *out, uint32_t room) {
    const struct body *body = body_of(message->type);
    bool append = message->type == RW_MESSAGE_APPEND;
    if (!body || (append && message->append.payload_bytes > RW_WIRE_PAYLOAD_MAX)) return 0;
    uint32_t bytes = rw_wire_bytes(message), fixed = RW_WIRE_HEAD_BYTES + body->bytes;
    if (room < bytes) return 0;
    struct rw_message copy = *message;
    struct cursor cursor = {.at = out + 16, .writing = true};
    memset(out, 0, 16);
    rw_store_le32(out, RW_WIRE_MAGIC);
    rw_store_le16(out + 4, RW_WIRE_VERSION);
    out[6] = message->type;
    out[7] = message->site;
    rw_store_le32(out + 8, bytes);
    head_fields(&cursor, &copy);
    RW_ASSERT(cursor.at == out + RW_WIRE_HEAD_BYTES);
    body->fields(&cursor, &copy);
    RW_ASSERT(cursor.at == out + fixed);
    rw_store_le32(out + 12, checksum(out, fixed));
    if (append && bytes > fixed) memcpy(out + fixed, message->append.payload, bytes - fixed);
    return bytes;
}

/* Judges what has arrived of the first 16 bytes. Returns the frame length, 0 = not known yet, < 0
 * = no frame. */
static int32_t frame_bytes(const uint8_t *bytes, uint32_t count) {
    uint8_t magic[4];
    rw_store_le32(magic, RW_WIRE_MAGIC);
    if (memcmp(bytes, magic, count < 4 ? count : 4) != 0) return -EBADMSG;
    if (count < RW_WIRE_HEAD_BYTES) return 0;
    uint16_t version = rw_load_le16(bytes + 4);
    if (version < RW_WIRE_LOWEST || version > RW_WIRE_VERSION) return -EBADMSG;
    const struct body *body = body_of(bytes[6]);
    if (!body || bytes[7] > 1) return -EBADMSG;
    uint32_t length = rw_load_le32(bytes + 8), fixed = RW_WIRE_HEAD_BYTES + body->bytes;
    uint32_t payload_max = bytes[6] == RW_MESSAGE_APPEND ? RW_WIRE_PAYLOAD_MAX : 0;
    if (length < fixed || length > fixed + payload_max) return -EBADMSG;
    return (int32_t)length;
}

int32_t rw_wire_decode(const uint8_t *bytes, uint32_t count, struct rw_message *message) {
    int32_t length = frame_bytes(bytes, count);
    if (length <= 0 || count < (uint32_t)length) return length < 0 ? length : 0;
    const struct body *body = body_of(bytes[6]);
    uint32_t fixed = RW_WIRE_HEAD_BYTES + body->bytes;
    if (checksum(bytes, fixed) != rw_load_le32(bytes + 12)) return -EBADMSG;
    memset(message, 0, sizeof *message);
    message->type = bytes[6];
    message->site = bytes[7];
    /* Reading only copies out of the bytes: the cursor is shared with writing, hence the cast. */
    struct cursor cursor = {.at = (uint8_t *)(uintptr_t)(bytes + 16), .writing = false};
    head_fields(&cursor, message);
    body->fields(&cursor, message);
    if (cursor.bad) return -EBADMSG;
    if (message->type == RW_MESSAGE_APPEND) {
        if (message->append.payload_bytes != (uint32_t)length - fixed) return -EBADMSG;
        message->append.payload = bytes + fixed;
    }
    return length;
}
