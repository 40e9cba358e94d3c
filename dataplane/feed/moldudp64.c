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

enum rw_packet_fault rw_mold_decode(const void *bytes, size_t count, struct rw_packet *packet) {
    static const char no_session[RW_MOLD_SESSION_BYTES];
    const uint8_t *from = bytes;
    if (count < RW_MOLD_HEADER_BYTES) return RW_PACKET_BAD_HEADER;
    uint64_t sequence = rw_load_be64(from + SEQUENCE_AT);
    uint16_t promised = rw_load_be16(from + COUNT_AT);
    if (sequence > UINT64_MAX - RW_MOLD_END_OF_SESSION) return RW_PACKET_SEQUENCE_RANGE;
    bool end = promised == RW_MOLD_END_OF_SESSION;
    bool no_number = sequence == 0 || memcmp(from, no_session, sizeof no_session) == 0;
    *packet = (struct rw_packet){.kind = end        ? RW_PACKET_END
                                         : promised ? RW_PACKET_DATA
                                                    : RW_PACKET_HEARTBEAT,
                                 .place = no_number ? RW_PLACE_UNSEQUENCED : RW_PLACE_SEQUENCED,
                                 .blocks = {.at = from + RW_MOLD_HEADER_BYTES,
                                            .end = from + count,
                                            .sequence = sequence,
                                            .left = end ? 0 : promised,
                                            .step = 1,
                                            .prefix = RW_PREFIX_BE16}};
    memcpy(packet->session, from, RW_MOLD_SESSION_BYTES);
    return RW_PACKET_FINE;
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
