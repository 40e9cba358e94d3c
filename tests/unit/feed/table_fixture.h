/* Messages made from a table of fields, with the line they must print as: bytes and text are
 * written here from the same values, without the code under test. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/base/rng.h"
#include "dataplane/feed/field_table.h"
#include "dataplane/feed/venue_packet.h"

#define MESSAGE_BYTES_MAX 256u

/* The fields of every type follow each other without a gap from `first`; no code comes twice. */
static inline void expect_table_without_gaps(const struct rw_message_table *table, uint32_t first) {
    for (uint32_t i = 0; i < table->type_count; i++) {
        const struct rw_message_type *type = &table->type[i];
        uint32_t at = first;
        for (uint32_t k = 0; k < type->field_count; at += type->field[k++].size) {
            assert_int_equal(type->field[k].offset, at);
            if (type->field[k].kind != RW_FIELD_TEXT) assert_in_range(type->field[k].size, 1, 8);
        }
        assert_int_equal(at, type->bytes);
        assert_true(at <= MESSAGE_BYTES_MAX);
        for (uint32_t k = 0; k < i; k++) assert_int_not_equal(table->type[k].code, type->code);
    }
}

/* The JSON of a message full of the characters with the longest escapes fits its buffer. */
static inline void expect_longest_json_fits(const struct rw_message_table *table) {
    char text[2 * RW_MESSAGE_JSON_MAX];
    uint8_t message[MESSAGE_BYTES_MAX];
    memset(message, 0xff, sizeof message);
    for (uint32_t i = 0; i < table->type_count; i++)
        assert_true(rw_message_json(text, UINT64_MAX, table, &table->type[i], message) <
                    RW_MESSAGE_JSON_MAX);
}

/* Puts one random field into the message and its text behind `text`. */
static inline void make_field(struct rw_rng *rng, const struct rw_message_table *table,
                              const struct rw_field *field, uint8_t *message, char *text) {
    uint8_t *at = message + field->offset;
    uint64_t value = rw_rng_next(rng);
    size_t used = strlen(text), left = RW_MESSAGE_JSON_MAX - used;
    if (field->kind == RW_FIELD_TEXT) {
        uint32_t length = (uint32_t)(value % (field->size + 1u));
        memset(at, ' ', field->size);
        for (uint32_t i = 0; i < length; i++) at[i] = (uint8_t)('A' + rw_rng_below(rng, 26));
        snprintf(text + used, left, ", \"%s\": \"%.*s\"", field->name, (int)length, (char *)at);
        return;
    }
    if (field->size < 8) value &= (1ull << 8 * field->size) - 1;
    for (uint32_t i = 0; i < field->size; i++)
        at[table->order == RW_ORDER_BIG ? field->size - 1 - i : i] = (uint8_t)(value >> 8 * i);
    uint32_t unused = 64 - 8 * field->size;
    if (field->kind == RW_FIELD_INT)
        snprintf(text + used, left, ", \"%s\": %lld", field->name,
                 (long long)((int64_t)(value << unused) >> unused));
    else if (field->kind == RW_FIELD_UINT)
        snprintf(text + used, left, ", \"%s\": %llu", field->name, (unsigned long long)value);
}

/* make_message fills the bytes that the fields of a type cover and writes the line that a message
 * with this sequence must print as; label is its type as JSON has it. */
static inline void make_message(struct rw_rng *rng, const struct rw_message_table *table,
                                const struct rw_message_type *type, uint64_t sequence,
                                const char *label, uint8_t *message, char *text) {
    snprintf(text, RW_MESSAGE_JSON_MAX, "{\"seq\": %llu, \"type\": \"%s\"",
             (unsigned long long)sequence, label);
    for (uint32_t i = 0; i < type->field_count; i++)
        make_field(rng, table, &type->field[i], message, text);
    strcat(text, "}");
}

/* expect_line compares what the code under test prints with such a line. */
static inline void expect_line(const struct rw_message_table *table,
                               const struct rw_message_type *type, uint64_t sequence,
                               const uint8_t *message, const char *line) {
    char text[RW_MESSAGE_JSON_MAX];
    assert_int_equal(rw_message_json(text, sequence, table, type, message), strlen(line));
    assert_string_equal(text, line);
}

/* A packet in the making, and what makes it for a venue. */
struct bench {
    uint8_t bytes[4096];
    uint32_t used, count;
};
struct packet_maker {
    const struct rw_message_table *table;
    void (*begin)(struct bench *bench, uint64_t sequence); /* of packets with messages */
    void (*put)(struct bench *bench, uint8_t code, const uint8_t *body, uint16_t bytes);
    bool (*decode)(const uint8_t *bytes, size_t count, struct rw_packet *packet);
    enum rw_message_verdict (*find)(const uint8_t *message, uint32_t bytes,
                                    const struct rw_message_type **type);
    const char *label; /* how JSON writes a code */
    uint32_t body;     /* where the fields start in a message */
    uint64_t session;  /* that `begin` writes */
    uint16_t protocol; /* that the packet must be found to have */
};

/* expect_every_type_in_a_packet puts a random message of every type into one packet and takes them
 * out again. */
static inline void expect_every_type_in_a_packet(const struct packet_maker *maker,
                                                 uint64_t sequence) {
    static char lines[32][RW_MESSAGE_JSON_MAX];
    const struct rw_message_table *table = maker->table;
    const struct rw_message_type *type = NULL;
    struct bench bench = {.used = 0};
    struct rw_packet packet = {0};
    struct rw_block block = {0};
    struct rw_rng rng;
    rw_rng_seed(&rng, 1);
    assert_true(table->type_count <= 32);
    maker->begin(&bench, sequence);
    for (uint32_t i = 0; i < table->type_count; i++) {
        uint8_t body[MESSAGE_BYTES_MAX] = {0};
        char label[8];
        snprintf(label, sizeof label, maker->label, table->type[i].code & 0xffu);
        make_message(&rng, table, &table->type[i], sequence + i, label, body, lines[i]);
        maker->put(&bench, (uint8_t)table->type[i].code, body, table->type[i].bytes);
    }
    assert_true(maker->decode(bench.bytes, bench.used, &packet));
    assert_int_equal(rw_load_be64((uint8_t *)packet.session + 2), maker->session);
    assert_int_equal(packet.protocol, maker->protocol);
    assert_int_equal(packet.kind, RW_PACKET_DATA);
    assert_int_equal(rw_packet_check(&packet, &(uint32_t){0}), RW_PACKET_FINE);
    for (uint32_t i = 0; i < table->type_count; i++) {
        assert_true(rw_blocks_next(&packet.blocks, &block));
        assert_int_equal(maker->find(block.bytes, block.count, &type), RW_MESSAGE_OK);
        expect_line(table, type, block.sequence, block.bytes + maker->body, lines[i]);
    }
    assert_false(rw_blocks_next(&packet.blocks, &block));
}
