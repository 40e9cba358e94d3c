/* MDP 3.0: the tables, the lengths that the sender gives, and the JSON lines, on messages that are
 * made from the tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/base/bytes.h"
#include "dataplane/feed/mdp3.h"

#define PACKET_BYTES_MAX 70000u

/* How a made message differs from version 12: bytes added to (or taken from) the root block and to
 * each entry, and the entries of each group. */
struct shape {
    int root, entry;
    uint32_t entries;
};

struct made {
    uint8_t bytes[PACKET_BYTES_MAX];
    uint32_t count;
};

static void put_le(uint8_t *to, uint64_t value, uint32_t bytes) {
    for (uint32_t i = 0; i < bytes; i++) to[i] = (uint8_t)(value >> 8 * i);
}

/* A value that tells block instance and field apart and fits any size: never a null. */
static uint64_t number(uint32_t instance, uint32_t field) {
    return (instance * 7 + field * 3) % 120 + 1;
}

static void put_block(struct made *made, const struct rw_mdp3_block *block, uint32_t bytes,
                      uint32_t instance) {
    uint8_t *to = made->bytes + made->count;
    memset(to, 0xEE, bytes);
    for (uint32_t i = 0; i < block->field_count; i++) {
        const struct rw_field *field = &block->field[i];
        if ((uint32_t)field->offset + field->size > bytes) continue;
        if (field->kind == RW_FIELD_TEXT) {
            memset(to + field->offset, 0, field->size);
            to[field->offset] = (uint8_t)('A' + i % 26);
        } else if (field->kind != RW_FIELD_SKIP) {
            put_le(to + field->offset, number(instance, i), field->size);
        }
    }
    made->count += bytes;
}

static void begin_packet(struct made *made, uint32_t sequence) {
    made->count = RW_MDP3_PACKET_HEADER_BYTES;
    put_le(made->bytes, sequence, 4);
    put_le(made->bytes + 4, 1700000000000000000ull, 8);
}

static void begin_message(uint8_t *to, uint32_t size, uint32_t root, uint32_t template_id) {
    uint16_t header[5] = {(uint16_t)size, (uint16_t)root, (uint16_t)template_id, 1, 12};
    for (uint32_t i = 0; i < 5; i++) put_le(to + 2 * i, header[i], 2);
}

static void add_message(struct made *made, const struct rw_mdp3_type *type, struct shape shape) {
    uint32_t start = made->count, root = (uint32_t)(type->root->bytes + shape.root), instance = 0;
    made->count += RW_MDP3_MESSAGE_HEADER_BYTES;
    put_block(made, type->root, root, instance++);
    for (uint32_t i = 0; i < type->group_count; i++) {
        const struct rw_mdp3_group *group = &type->group[i];
        uint32_t bytes = (uint32_t)(group->entry->bytes + shape.entry);
        uint8_t *dimension = made->bytes + made->count;
        memset(dimension, 0xEE, group->dimension_bytes);
        put_le(dimension, bytes, 2);
        dimension[group->dimension_bytes - 1] = (uint8_t)shape.entries;
        made->count += group->dimension_bytes;
        for (uint32_t k = 0; k < shape.entries; k++)
            put_block(made, group->entry, bytes, instance++);
    }
    assert_true(made->count <= PACKET_BYTES_MAX);
    begin_message(made->bytes + start, made->count - start, root, type->template_id);
}

/* Decodes one packet from a block of exactly its size; returns how many messages came out. */
static uint32_t decode(const uint8_t *bytes, uint32_t count, enum rw_mdp3_framing framing,
                       char *text, struct rw_mdp3_counters *counters) {
    struct rw_mdp3_packet packet;
    struct rw_mdp3_message message;
    uint32_t messages = 0;
    uint8_t *exact = malloc(count ? count : 1);
    assert_non_null(exact);
    memcpy(exact, bytes, count);
    if (rw_mdp3_open(&packet, exact, count, framing, counters))
        for (; rw_mdp3_next(&packet, &message, counters); messages++)
            assert_true(rw_mdp3_json(text, &message) < RW_MDP3_JSON_MAX);
    free(exact);
    return messages;
}

static char text[RW_MDP3_JSON_MAX], expected[RW_MDP3_JSON_MAX];
static struct made made;

static void the_fields_of_a_block_lie_end_to_end(void **state) {
    for (uint32_t i = 0; i < RW_MDP3_BLOCK_COUNT; i++) {
        const struct rw_mdp3_block *block = &rw_mdp3_blocks[i];
        uint32_t at = 0;
        for (uint32_t k = 0; k < block->field_count; at += block->field[k++].size)
            assert_int_equal(block->field[k].offset, at);
        assert_int_equal(at, block->bytes);
    }
}

static void templates_outside_the_table_are_unknown(void **state) {
    uint32_t known = 0;
    for (uint32_t id = 0; id < 65536; id++)
        if (rw_mdp3_type((uint16_t)id)) assert_int_equal(rw_mdp3_types[known++].template_id, id);
    assert_int_equal(known, RW_MDP3_TYPE_COUNT);
}

/* Writes what the made block must print as, straight from the rows. */
static char *expect_block(char *at, const struct rw_mdp3_block *block, uint32_t bytes,
                          uint32_t instance, const char *separator) {
    for (uint32_t i = 0; i < block->field_count; i++) {
        const struct rw_field *field = &block->field[i];
        if (field->kind == RW_FIELD_SKIP || (uint32_t)field->offset + field->size > bytes) continue;
        at += sprintf(at, "%s\"%s\": ", separator, field->name);
        if (field->kind == RW_FIELD_TEXT)
            at += sprintf(at, "\"%c\"", (char)('A' + i % 26));
        else
            at += sprintf(at, "%u", (uint32_t)number(instance, i));
        separator = ", ";
    }
    return at;
}

static void expect_message(const struct rw_mdp3_type *type, struct shape shape, uint32_t sequence) {
    uint32_t instance = 0;
    char *at = expected;
    at += sprintf(at, "{\"seq\": %u, \"type\": \"%u\"", sequence, type->template_id);
    at = expect_block(at, type->root, (uint32_t)(type->root->bytes + shape.root), instance++, ", ");
    for (uint32_t i = 0; i < type->group_count; i++) {
        const struct rw_mdp3_group *group = &type->group[i];
        at += sprintf(at, ", \"%s\": [", group->name);
        for (uint32_t k = 0; k < shape.entries; k++) {
            at += sprintf(at, k ? ", {" : "{");
            at = expect_block(at, group->entry, (uint32_t)(group->entry->bytes + shape.entry),
                              instance++, "");
            at += sprintf(at, "}");
        }
        at += sprintf(at, "]");
    }
    sprintf(at, "}");
}

static void expect_decoded(const struct rw_mdp3_type *type, struct shape shape) {
    struct rw_mdp3_counters counters = {0};
    begin_packet(&made, 4294967295u);
    add_message(&made, type, shape);
    assert_int_equal(decode(made.bytes, made.count, RW_MDP3_UDP, text, &counters), 1);
    expect_message(type, shape, 4294967295u);
    assert_string_equal(text, expected);
}

static void every_type_prints_its_fields_and_groups(void **state) {
    for (uint32_t i = 0; i < RW_MDP3_TYPE_COUNT; i++)
        for (uint32_t entries = 0; entries < 4; entries++)
            expect_decoded(&rw_mdp3_types[i], (struct shape){.entries = entries});
}

static void longer_blocks_are_read_and_their_tails_skipped(void **state) {
    for (uint32_t i = 0; i < RW_MDP3_TYPE_COUNT; i++)
        for (int more = 1; more < 9; more += 7)
            expect_decoded(&rw_mdp3_types[i], (struct shape){more, more, 2});
}

static void fields_beyond_a_shorter_block_are_left_out(void **state) {
    for (uint32_t i = 0; i < RW_MDP3_TYPE_COUNT; i++)
        for (int root = 0; root <= rw_mdp3_types[i].root->bytes; root++)
            expect_decoded(&rw_mdp3_types[i], (struct shape){-root, -(root % 3), 2});
}

static void an_entry_may_be_empty(void **state) {
    struct rw_mdp3_counters counters = {0};
    begin_packet(&made, 1);
    add_message(&made, rw_mdp3_type(4), (struct shape){.entry = -2, .entries = 255});
    assert_int_equal(decode(made.bytes, made.count, RW_MDP3_UDP, text, &counters), 1);
    assert_non_null(strstr(text, "\"channel_reset_groups\": [{}, {}, {}"));
}

static void what_follows_the_known_groups_is_skipped(void **state) {
    for (uint32_t i = 0; i < RW_MDP3_TYPE_COUNT; i++) {
        struct rw_mdp3_counters counters = {0};
        struct shape shape = {.entries = 1};
        begin_packet(&made, 9);
        add_message(&made, &rw_mdp3_types[i], shape);
        memset(made.bytes + made.count, 0xEE, 5);
        made.count += 5;
        put_le(made.bytes + 12, made.count - 12, 2);
        assert_int_equal(decode(made.bytes, made.count, RW_MDP3_UDP, text, &counters), 1);
        expect_message(&rw_mdp3_types[i], shape, 9);
        /* The types without groups take the tail for none of theirs either. */
        assert_string_equal(text, expected);
    }
}

/* A packet that is cut anywhere: no message comes out, one reason counts it. */
static void a_message_cut_anywhere_is_counted_and_not_printed(void **state) {
    for (uint32_t i = 0; i < RW_MDP3_TYPE_COUNT; i++) {
        begin_packet(&made, 1);
        add_message(&made, &rw_mdp3_types[i], (struct shape){.entries = 2});
        for (uint32_t count = 0; count < made.count; count++) {
            struct rw_mdp3_counters counters = {0};
            assert_int_equal(decode(made.bytes, count, RW_MDP3_UDP, text, &counters), 0);
            bool has_header = count >= RW_MDP3_PACKET_HEADER_BYTES;
            assert_int_equal(rw_stat_get(&counters.short_packet), !has_header);
            assert_int_equal(rw_stat_get(&counters.cut), count > RW_MDP3_PACKET_HEADER_BYTES);
            assert_int_equal(rw_stat_get(&counters.found), count > RW_MDP3_PACKET_HEADER_BYTES);
        }
    }
}

/* Where a message that claims to be `size` bytes may end: at the end of its root block or of one of
 * its groups. */
static bool is_whole(const struct rw_mdp3_type *type, uint32_t size, uint32_t entries) {
    uint32_t at = RW_MDP3_MESSAGE_HEADER_BYTES + type->root->bytes;
    bool whole = size == at;
    for (uint32_t i = 0; i < type->group_count; i++) {
        at += type->group[i].dimension_bytes + entries * type->group[i].entry->bytes;
        whole |= size == at;
    }
    return whole;
}

static void a_message_that_says_it_is_shorter_loses_whole_groups_or_is_refused(void **state) {
    for (uint32_t i = 0; i < RW_MDP3_TYPE_COUNT; i++) {
        const struct rw_mdp3_type *type = &rw_mdp3_types[i];
        begin_packet(&made, 1);
        add_message(&made, type, (struct shape){.entries = 2});
        uint32_t full = made.count - 12;
        for (uint32_t size = 0; size <= full; size++) {
            struct rw_mdp3_counters counters = {0};
            put_le(made.bytes + 12, size, 2);
            bool whole = is_whole(type, size, 2);
            assert_int_equal(decode(made.bytes, 12 + size, RW_MDP3_UDP, text, &counters), whole);
            assert_int_equal(rw_stat_get(&counters.messages), whole);
            assert_int_equal(rw_stat_get(&counters.found), size > 0);
            uint64_t refused = rw_stat_get(&counters.bad_root) + rw_stat_get(&counters.bad_group);
            assert_int_equal(refused, !whole && size >= RW_MDP3_MESSAGE_HEADER_BYTES);
        }
    }
}

static void a_group_that_overflows_its_message_is_refused(void **state) {
    struct rw_mdp3_counters counters = {0};
    begin_packet(&made, 1);
    add_message(&made, rw_mdp3_type(46), (struct shape){.entries = 2});
    put_le(made.bytes + 12 + 10 + 11, 65535, 2);
    assert_int_equal(decode(made.bytes, made.count, RW_MDP3_UDP, text, &counters), 0);
    assert_int_equal(rw_stat_get(&counters.bad_group), 1);
}

static void a_refused_message_does_not_hide_the_next(void **state) {
    struct rw_mdp3_counters counters = {0};
    begin_packet(&made, 77);
    uint32_t first = made.count;
    add_message(&made, rw_mdp3_type(37), (struct shape){.entries = 1});
    uint32_t second = made.count;
    add_message(&made, rw_mdp3_type(37), (struct shape){.entries = 1});
    uint32_t third = made.count;
    add_message(&made, rw_mdp3_type(37), (struct shape){.entries = 1});
    uint32_t fourth = made.count;
    add_message(&made, rw_mdp3_type(46), (struct shape){.entries = 1});
    uint32_t last = made.count;
    add_message(&made, rw_mdp3_type(30), (struct shape){0});
    put_le(made.bytes + first + 4, 32, 2);   /* template */
    put_le(made.bytes + second + 6, 2, 2);   /* schema */
    put_le(made.bytes + third + 2, 500, 2);  /* root block */
    put_le(made.bytes + fourth + 21, 60, 2); /* entries */
    assert_int_equal(decode(made.bytes, made.count, RW_MDP3_UDP, text, &counters), 1);
    assert_int_equal(rw_stat_get(&counters.unknown_template), 1);
    assert_int_equal(rw_stat_get(&counters.other_schema), 1);
    assert_int_equal(rw_stat_get(&counters.bad_root), 1);
    assert_int_equal(rw_stat_get(&counters.bad_group), 1);
    assert_int_equal(rw_stat_get(&counters.found), 5);
    assert_memory_equal(text, "{\"seq\": 77, \"type\": \"30\", ", 26);
    put_le(made.bytes + last, 9, 2);
    assert_int_equal(decode(made.bytes, made.count, RW_MDP3_UDP, text, &counters), 0);
    assert_int_equal(rw_stat_get(&counters.bad_size), 1);
}

static void each_mark_of_a_tcp_segment_is_a_header(void **state) {
    static uint8_t segment[4096];
    struct rw_mdp3_counters counters = {0};
    uint32_t count = 0;
    for (uint32_t sequence = 1; sequence <= 3; sequence++) {
        begin_packet(&made, sequence);
        for (uint32_t i = 0; i < sequence; i++)
            add_message(&made, rw_mdp3_type(52), (struct shape){.entries = i});
        put_le(segment + count, RW_MDP3_TCP_MARK, 2);
        memcpy(segment + count + 2, made.bytes, made.count);
        count += 2 + made.count;
    }
    assert_int_equal(decode(segment, count, RW_MDP3_TCP, text, &counters), 6);
    assert_memory_equal(text, "{\"seq\": 3, \"type\": \"52\"", 23);
    assert_int_equal(rw_stat_get(&counters.packets), 3);
    /* The same bytes as a datagram: the mark is taken for a sequence, and nothing is found. */
    assert_int_equal(decode(segment, count, RW_MDP3_UDP, text, &counters), 0);
    segment[0] = 0;
    assert_int_equal(decode(segment, count, RW_MDP3_TCP, text, &counters), 0);
    assert_int_equal(rw_stat_get(&counters.short_packet), 1);
}

/* Bytes written by hand: packet header; message header; root block; a group of two, a change of a
 * bid at level 2 and one with nulls for price, size, orders and level; an empty group in the wide
 * form. */
static void a_book_increment_reads_as_it_should(void **state) {
    static const uint8_t packet[] =
        "\x07\0\0\0\0\0\0\0\0\0\0\0"
        "\x60\x00\x0b\x00\x2e\x00\x01\x00\x0c\x00"
        "\x15\xcd\x5b\x07\0\0\0\0\x84\xff\xff"
        "\x20\x00\x02"
        "\x00\xca\x9a\x3b\xff\xff\xff\xff\x05\0\0\0\xfe\xff\xff\xff\x09\0\0\0"
        "\x03\0\0\0\x02\x01"
        "0\xff\xff\xff\x7f\x11"
        "\xff\xff\xff\xff\xff\xff\xff\x7f\xff\xff\xff\x7f\x2a\0\0\0\x0a\0\0\0"
        "\xff\xff\xff\x7f\xff\0J\x01\0\0\0\x11"
        "\x18\x00\x11\x11\x11\x11\x11";
    struct rw_mdp3_counters counters = {0};
    assert_int_equal(decode(packet, sizeof packet, RW_MDP3_UDP, text, &counters), 1);
    assert_string_equal(
        text, "{\"seq\": 7, \"type\": \"46\", \"transact_time\": 123456789, "
              "\"match_event_indicator\": 132, "
              "\"incremental_refresh_book_groups\": ["
              "{\"md_entry_px_optional_ex\": -3294967296, \"md_entry_size_short_optional\": 5, "
              "\"security_id\": -2, \"rpt_seq\": 9, \"number_of_orders_optional\": 3, "
              "\"md_price_level\": 2, "
              "\"md_update_action\": 1, \"md_entry_type_book\": 48, \"tradeable_size\": null}, "
              "{\"md_entry_px_optional_ex\": null, \"md_entry_size_short_optional\": null, "
              "\"security_id\": 42, \"rpt_seq\": 10, \"number_of_orders_optional\": null, "
              "\"md_price_level\": null, \"md_update_action\": 0, \"md_entry_type_book\": 74, "
              "\"tradeable_size\": 1}], \"incremental_refresh_book_order_id_groups\": []}");
}

/* The largest and the smallest value of each size and sign around its null. */
static void a_null_is_the_largest_value_of_its_size_and_sign(void **state) {
    uint8_t block[8];
    for (uint8_t size = 1; size <= 8; size++)
        for (uint8_t kind = RW_FIELD_UINT; kind <= RW_FIELD_INT; kind++) {
            const struct rw_field field = {"x", 0, size, kind};
            uint64_t value, top = UINT64_MAX >> (64 - 8 * size + (kind == RW_FIELD_INT));
            put_le(block, top, size);
            assert_false(rw_mdp3_read(&field, block, size, &value));
            assert_int_equal(value, 0);
            put_le(block, top - 1, size);
            assert_true(rw_mdp3_read(&field, block, size, &value));
            assert_true(value == top - 1);
            assert_false(rw_mdp3_read(&field, block, size - 1u, &value));
            memset(block, 0, sizeof block);
            assert_true(rw_mdp3_read(&field, block, size, &value));
            assert_true(value == 0);
            memset(block, 0xff, sizeof block);
            assert_int_equal(rw_mdp3_read(&field, block, size, &value), kind == RW_FIELD_INT);
            assert_true(value == (kind == RW_FIELD_INT ? UINT64_MAX : 0));
        }
}

static void text_ends_at_the_first_nul_and_without_spaces(void **state) {
    struct rw_mdp3_counters counters = {0};
    begin_packet(&made, 1);
    add_message(&made, rw_mdp3_type(30), (struct shape){0});
    memcpy(made.bytes + 22 + 8, "E S \0x", 6);
    memcpy(made.bytes + 22 + 14, "\"A\"\xe9\x01Z", 6);
    assert_int_equal(decode(made.bytes, made.count, RW_MDP3_UDP, text, &counters), 1);
    assert_non_null(strstr(text, "\"security_group\": \"E S\", "));
    assert_non_null(strstr(text, "\"asset\": \"\\\"A\\\"\\u00e9\\u0001Z\", "));
}

/* Every byte of all blocks makes the longest number or escape, in full groups. */
static void the_longest_json_fits(void **state) {
    static const uint8_t fills[] = {0x01, 0xfe, 0x80};
    uint32_t longest = 0;
    for (uint32_t i = 0; i < RW_MDP3_TYPE_COUNT; i++)
        for (uint32_t k = 0; k < sizeof fills; k++) {
            struct rw_mdp3_counters counters = {0};
            const struct rw_mdp3_type *type = &rw_mdp3_types[i];
            begin_packet(&made, UINT32_MAX - 1);
            add_message(&made, type, (struct shape){.entries = 255});
            uint32_t at = 12 + 10;
            memset(made.bytes + at, fills[k], type->root->bytes);
            at += type->root->bytes;
            for (uint32_t g = 0; g < type->group_count; g++) {
                at += type->group[g].dimension_bytes;
                memset(made.bytes + at, fills[k], type->group[g].entry->bytes * 255u);
                at += type->group[g].entry->bytes * 255u;
            }
            assert_int_equal(decode(made.bytes, made.count, RW_MDP3_UDP, text, &counters), 1);
            if (strlen(text) > longest) longest = (uint32_t)strlen(text);
        }
    assert_in_range(longest, RW_MDP3_JSON_MAX / 4, RW_MDP3_JSON_MAX - 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fields_of_a_block_lie_end_to_end),
        cmocka_unit_test(templates_outside_the_table_are_unknown),
        cmocka_unit_test(every_type_prints_its_fields_and_groups),
        cmocka_unit_test(longer_blocks_are_read_and_their_tails_skipped),
        cmocka_unit_test(fields_beyond_a_shorter_block_are_left_out),
        cmocka_unit_test(an_entry_may_be_empty),
        cmocka_unit_test(what_follows_the_known_groups_is_skipped),
        cmocka_unit_test(a_message_cut_anywhere_is_counted_and_not_printed),
        cmocka_unit_test(a_message_that_says_it_is_shorter_loses_whole_groups_or_is_refused),
        cmocka_unit_test(a_group_that_overflows_its_message_is_refused),
        cmocka_unit_test(a_refused_message_does_not_hide_the_next),
        cmocka_unit_test(each_mark_of_a_tcp_segment_is_a_header),
        cmocka_unit_test(a_book_increment_reads_as_it_should),
        cmocka_unit_test(a_null_is_the_largest_value_of_its_size_and_sign),
        cmocka_unit_test(text_ends_at_the_first_nul_and_without_spaces),
        cmocka_unit_test(the_longest_json_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
