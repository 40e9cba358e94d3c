/* The other direction of pitch.h: packets of a unit, and the messages an exchange sends, each in
 * the shortest type that holds its values. For generators, tests and fixtures.
 *
 *   rw_pitch_begin ─► rw_pitch_put (until it says no) ─► rw_pitch_end ─► UDP payload
 *
 * The functions of messages write the type and the body, return their length, and take room for
 * RW_PITCH_MESSAGE_MAX bytes; offset_ns is the time behind the last second told. Prices are 1e-4,
 * symbols padded with spaces or ended by a NUL. */
#pragma once

#include "dataplane/base/bytes.h"
#include "dataplane/feed/field_write.h"
#include "dataplane/feed/pitch.h"

#define RW_PITCH_MESSAGE_MAX 64u

struct rw_pitch_writer {
    uint8_t *buffer;
    size_t capacity, used;
    uint32_t count;
};

/* rw_pitch_begin starts a packet; capacity is 8..65,535. Without a message it is a heartbeat, and
 * `sequence` the next one. */
static inline void rw_pitch_begin(struct rw_pitch_writer *writer, void *buffer, size_t capacity,
                                  uint8_t unit, uint32_t sequence) {
    RW_ASSERT(capacity >= RW_PITCH_HEADER_BYTES && capacity <= UINT16_MAX);
    *writer = (struct rw_pitch_writer){.buffer = buffer, .capacity = capacity};
    writer->used = RW_PITCH_HEADER_BYTES;
    writer->buffer[3] = unit;
    rw_store_le32(writer->buffer + 4, sequence);
}

/* rw_pitch_put appends a message; false, and nothing changed, when buffer or count is full. */
static inline bool rw_pitch_put(struct rw_pitch_writer *writer, const uint8_t *message,
                                uint32_t bytes) {
    if (writer->count == UINT8_MAX || writer->capacity - writer->used < bytes + 1) return false;
    writer->buffer[writer->used++] = (uint8_t)(bytes + 1);
    memcpy(writer->buffer + writer->used, message, bytes);
    writer->used += bytes;
    writer->count++;
    return true;
}

/* rw_pitch_end completes the header and returns the bytes of the packet. */
static inline size_t rw_pitch_end(struct rw_pitch_writer *writer) {
    rw_store_le16(writer->buffer, (uint16_t)writer->used);
    writer->buffer[2] = (uint8_t)writer->count;
    return writer->used;
}

/* What the messages below are made with: rw_pitch_draft begins one, rw_pitch_length is its length,
 * rw_pitch_is_short tells whether quantity and price fit the short types, rw_pitch_is_wide whether
 * a symbol has more than six characters. */
static inline struct rw_draft rw_pitch_draft(uint8_t *message, uint8_t type, uint32_t time) {
    struct rw_draft draft = rw_draft_begin(&rw_pitch_table, type, message + RW_PITCH_BODY);
    message[0] = type;
    rw_draft_uint(&draft, 0, time);
    return draft;
}

static inline uint32_t rw_pitch_length(const struct rw_draft *draft) {
    return RW_PITCH_BODY + draft->type->bytes;
}

static inline bool rw_pitch_is_short(uint32_t quantity, uint64_t price) {
    return quantity <= UINT16_MAX && price % 100 == 0 && price / 100 <= UINT16_MAX;
}

static inline bool rw_pitch_is_wide(const char *symbol) {
    size_t length = 0; /* of at most eight characters, ended by a NUL or not */
    while (length < 8 && symbol[length]) length++;
    while (length && symbol[length - 1] == ' ') length--;
    return length > 6;
}

/* rw_pitch_time: the second of the day, 0..86,399. */
static inline uint32_t rw_pitch_time(uint8_t *message, uint32_t second) {
    struct rw_draft draft = rw_pitch_draft(message, 0x20, second);
    return rw_pitch_length(&draft);
}

/* rw_pitch_add: an order; side 'B' or 'S'. */
static inline uint32_t rw_pitch_add(uint8_t *message, uint32_t offset_ns, uint64_t order, char side,
                                    uint32_t quantity, const char *symbol, uint64_t price) {
    bool is_short = rw_pitch_is_short(quantity, price), wide = rw_pitch_is_wide(symbol);
    struct rw_draft draft = rw_pitch_draft(message,
                                           wide       ? 0x2F
                                           : is_short ? 0x22
                                                      : 0x21,
                                           offset_ns);
    rw_draft_uint(&draft, 1, order);
    rw_draft_text(&draft, 2, (char[]){side, 0});
    rw_draft_uint(&draft, 3, quantity);
    rw_draft_text(&draft, 4, symbol);
    rw_draft_uint(&draft, 5, is_short && !wide ? price / 100 : price);
    rw_draft_uint(&draft, 6, 1); /* displayed */
    return rw_pitch_length(&draft);
}

/* rw_pitch_execute: an order trades at its own price. rw_pitch_execute_at: at another price, and
 * `left` of it remains. */
static inline uint32_t rw_pitch_execute(uint8_t *message, uint32_t offset_ns, uint64_t order,
                                        uint32_t quantity, uint64_t execution) {
    struct rw_draft draft = rw_pitch_draft(message, 0x23, offset_ns);
    rw_draft_uint(&draft, 1, order);
    rw_draft_uint(&draft, 2, quantity);
    rw_draft_uint(&draft, 3, execution);
    return rw_pitch_length(&draft);
}

static inline uint32_t rw_pitch_execute_at(uint8_t *message, uint32_t offset_ns, uint64_t order,
                                           uint32_t quantity, uint32_t left, uint64_t execution,
                                           uint64_t price) {
    struct rw_draft draft = rw_pitch_draft(message, 0x24, offset_ns);
    rw_draft_uint(&draft, 1, order);
    rw_draft_uint(&draft, 2, quantity);
    rw_draft_uint(&draft, 3, left);
    rw_draft_uint(&draft, 4, execution);
    rw_draft_uint(&draft, 5, price);
    return rw_pitch_length(&draft);
}

/* rw_pitch_reduce: `cancelled` shares less. */
static inline uint32_t rw_pitch_reduce(uint8_t *message, uint32_t offset_ns, uint64_t order,
                                       uint32_t cancelled) {
    struct rw_draft draft =
        rw_pitch_draft(message, cancelled <= UINT16_MAX ? 0x26 : 0x25, offset_ns);
    rw_draft_uint(&draft, 1, order);
    rw_draft_uint(&draft, 2, cancelled);
    return rw_pitch_length(&draft);
}

/* rw_pitch_modify: another quantity and price, with or without its place in the queue. */
static inline uint32_t rw_pitch_modify(uint8_t *message, uint32_t offset_ns, uint64_t order,
                                       uint32_t quantity, uint64_t price, bool keep) {
    bool is_short = rw_pitch_is_short(quantity, price);
    struct rw_draft draft = rw_pitch_draft(message, is_short ? 0x28 : 0x27, offset_ns);
    rw_draft_uint(&draft, 1, order);
    rw_draft_uint(&draft, 2, quantity);
    rw_draft_uint(&draft, 3, is_short ? price / 100 : price);
    rw_draft_uint(&draft, 4, keep ? 3 : 1);
    return rw_pitch_length(&draft);
}

/* rw_pitch_delete: the order is gone. */
static inline uint32_t rw_pitch_delete(uint8_t *message, uint32_t offset_ns, uint64_t order) {
    struct rw_draft draft = rw_pitch_draft(message, 0x29, offset_ns);
    rw_draft_uint(&draft, 1, order);
    return rw_pitch_length(&draft);
}

/* rw_pitch_trade: with an order that was never shown. */
static inline uint32_t rw_pitch_trade(uint8_t *message, uint32_t offset_ns, char side,
                                      uint32_t quantity, const char *symbol, uint64_t price,
                                      uint64_t execution) {
    bool is_short = rw_pitch_is_short(quantity, price), wide = rw_pitch_is_wide(symbol);
    struct rw_draft draft = rw_pitch_draft(message,
                                           wide       ? 0x30
                                           : is_short ? 0x2B
                                                      : 0x2A,
                                           offset_ns);
    rw_draft_text(&draft, 2, (char[]){side, 0});
    rw_draft_uint(&draft, 3, quantity);
    rw_draft_text(&draft, 4, symbol);
    rw_draft_uint(&draft, 5, is_short && !wide ? price / 100 : price);
    rw_draft_uint(&draft, 6, execution);
    return rw_pitch_length(&draft);
}

/* rw_pitch_break: the trade of an execution never was. */
static inline uint32_t rw_pitch_break(uint8_t *message, uint32_t offset_ns, uint64_t execution) {
    struct rw_draft draft = rw_pitch_draft(message, 0x2C, offset_ns);
    rw_draft_uint(&draft, 1, execution);
    return rw_pitch_length(&draft);
}

/* rw_pitch_status: 'T' trading, 'H' halted, 'Q' quotes only, … */
static inline uint32_t rw_pitch_status(uint8_t *message, uint32_t offset_ns, const char *symbol,
                                       char status) {
    struct rw_draft draft = rw_pitch_draft(message, 0x31, offset_ns);
    rw_draft_text(&draft, 1, symbol);
    rw_draft_text(&draft, 2, (char[]){status, 0});
    return rw_pitch_length(&draft);
}

/* rw_pitch_auction: the summary of an auction; type 'O', 'C', 'H' or 'I'. */
static inline uint32_t rw_pitch_auction(uint8_t *message, uint32_t offset_ns, const char *symbol,
                                        char type, uint64_t price, uint32_t shares) {
    struct rw_draft draft = rw_pitch_draft(message, 0x96, offset_ns);
    rw_draft_text(&draft, 1, symbol);
    rw_draft_text(&draft, 2, (char[]){type, 0});
    rw_draft_uint(&draft, 3, price);
    rw_draft_uint(&draft, 4, shares);
    return rw_pitch_length(&draft);
}

/* rw_pitch_clear: all orders of the unit are gone. rw_pitch_end_of_session: nothing follows. */
static inline uint32_t rw_pitch_clear(uint8_t *message, uint32_t offset_ns) {
    struct rw_draft draft = rw_pitch_draft(message, 0x97, offset_ns);
    return rw_pitch_length(&draft);
}

static inline uint32_t rw_pitch_end_of_session(uint8_t *message, uint32_t offset_ns) {
    struct rw_draft draft = rw_pitch_draft(message, 0x2D, offset_ns);
    return rw_pitch_length(&draft);
}
