#include "dataplane/feed/moldudp64.h"

#include <string.h>

#include "dataplane/base/assert.h"

#define SEQUENCE_AT RW_MOLD_SESSION_BYTES
#define COUNT_AT    (RW_MOLD_SESSION_BYTES + 8u)

static void write_header(uint8_t *to, const char *session, uint64_t sequence, uint16_t count) {
    memcpy(to, session, RW_MOLD_SESSION_BYTES);
    rw_store_be64(to + SEQUENCE_AT, sequence);
    rw_store_be16(to + COUNT_AT, count);
}

enum rw_mold_fault rw_mold_decode(const void *bytes, size_t count, struct rw_mold_packet *packet) {
    const uint8_t *from = bytes;
    if (count < RW_MOLD_HEADER_BYTES) return RW_MOLD_SHORT_HEADER;
    uint64_t sequence = rw_load_be64(from + SEQUENCE_AT);
    uint16_t promised = rw_load_be16(from + COUNT_AT);
    if (sequence > UINT64_MAX - RW_MOLD_END_OF_SESSION) return RW_MOLD_SEQUENCE_RANGE;
    *packet = (struct rw_mold_packet){.sequence = sequence,
                                      .blocks = from + RW_MOLD_HEADER_BYTES,
                                      .block_bytes = (uint32_t)(count - RW_MOLD_HEADER_BYTES),
                                      .count = promised,
                                      .kind = RW_MOLD_DATA};
    memcpy(packet->session, from, RW_MOLD_SESSION_BYTES);
    if (promised == 0) packet->kind = RW_MOLD_HEARTBEAT;
    if (promised == RW_MOLD_END_OF_SESSION) {
        packet->kind = RW_MOLD_END;
        packet->count = 0;
    }
    return RW_MOLD_FINE;
}

enum rw_mold_fault rw_mold_check(const struct rw_mold_packet *packet, uint16_t *whole) {
    struct rw_mold_cursor cursor = rw_mold_first(packet);
    struct rw_mold_message message;
    while (rw_mold_next(&cursor, &message)) continue;
    *whole = (uint16_t)(packet->count - cursor.left);
    if (cursor.left > 0) return RW_MOLD_TRUNCATED;
    return cursor.at == cursor.end ? RW_MOLD_FINE : RW_MOLD_TRAILING;
}

void rw_mold_begin(struct rw_mold_writer *writer, void *buffer, size_t capacity,
                   const char session[RW_MOLD_SESSION_BYTES], uint64_t sequence) {
    RW_ASSERT(capacity >= RW_MOLD_HEADER_BYTES);
    RW_ASSERT(sequence <= UINT64_MAX - RW_MOLD_END_OF_SESSION);
    write_header(buffer, session, sequence, 0);
    *writer = (struct rw_mold_writer){
        .buffer = buffer, .capacity = capacity, .used = RW_MOLD_HEADER_BYTES, .count = 0};
}

bool rw_mold_add(struct rw_mold_writer *writer, const void *message, uint16_t count) {
    if (writer->count == RW_MOLD_COUNT_MAX) return false;
    if (writer->capacity - writer->used < RW_MOLD_LENGTH_BYTES + (size_t)count) return false;
    uint8_t *to = writer->buffer + writer->used;
    rw_store_be16(to, count);
    if (count > 0) memcpy(to + RW_MOLD_LENGTH_BYTES, message, count);
    writer->used += RW_MOLD_LENGTH_BYTES + (size_t)count;
    writer->count++;
    return true;
}

size_t rw_mold_end(struct rw_mold_writer *writer) {
    rw_store_be16(writer->buffer + COUNT_AT, (uint16_t)writer->count);
    return writer->used;
}

size_t rw_mold_end_of_session(void *buffer, const char session[RW_MOLD_SESSION_BYTES],
                              uint64_t next) {
    write_header(buffer, session, next, RW_MOLD_END_OF_SESSION);
    return RW_MOLD_HEADER_BYTES;
}

size_t rw_mold_encode_request(void *buffer, const struct rw_mold_request *request) {
    write_header(buffer, request->session, request->sequence, request->count);
    return RW_MOLD_HEADER_BYTES;
}

bool rw_mold_decode_request(const void *bytes, size_t count, struct rw_mold_request *request) {
    const uint8_t *from = bytes;
    if (count != RW_MOLD_HEADER_BYTES) return false;
    *request = (struct rw_mold_request){.sequence = rw_load_be64(from + SEQUENCE_AT),
                                        .count = rw_load_be16(from + COUNT_AT)};
    memcpy(request->session, from, RW_MOLD_SESSION_BYTES);
    return request->count > 0 && request->sequence > 0;
}
