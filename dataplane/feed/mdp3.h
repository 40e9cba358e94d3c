/* CME MDP 3.0: packets of SBE messages, decoded by the tables of mdp3_tables.h.
 *
 *   UDP payload  ┌ sequence 4 ┬ sending time 8 ┐┌ message ┐┌ message ┐ …
 *   TCP bytes    ┌ 0xCAFE 2 ┬ sequence 4 ┬ sending time 8 ┐┌ message ┐ …
 *   message      ┌ size 2 ┬ root bytes 2 ┬ template 2 ┬ schema 2 ┬ version 2 ┬ root ┬ groups … ┐
 *   group        ┌ entry bytes 2 ┬ (5 unused) ┬ entries 1 ┐┌ entry ┐┌ entry ┐ …
 *
 * Everything is little-endian. The sender's lengths rule, so that other versions of the schema can
 * be read: a field that does not lie wholly inside its block is absent, what follows the known
 * fields of a block or the known groups of a message is skipped, and a message that ends where a
 * group would begin has no such group. What cannot be read is skipped and counted under one reason,
 * so that found = messages + Σ reasons of the unit "messages". Nothing is read past the bytes
 * given. All functions are pure; any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/feed/field_table.h"
#include "dataplane/feed/mdp3_tables.h"
#include "dataplane/stats/stats.h"

#define RW_MDP3_PACKET_HEADER_BYTES  12u
#define RW_MDP3_MESSAGE_HEADER_BYTES 10u
#define RW_MDP3_SCHEMA               1u
#define RW_MDP3_TCP_MARK             0xCAFEu
#define RW_MDP3_GROUPS_MAX           4u
#define RW_MDP3_ENTRIES_MAX          255u
#define RW_MDP3_TYPE_COUNT           11u
#define RW_MDP3_BLOCK_COUNT          22u

#define RW_MDP3_COUNTERS(X)                                                    \
    X(packets, "packets", "packets given to the decoder")                      \
    X(short_packet, "packets", "packet ends inside its header, ignored")       \
    X(found, "messages", "messages that begin in a packet")                    \
    X(messages, "messages", "messages decoded")                                \
    X(cut, "messages", "message runs past its packet, ignored")                \
    X(bad_size, "messages",                                                    \
      "size is below that of the header: ignored with the rest of the packet") \
    X(other_schema, "messages",                                                \
      "SBE schema is not 1: session messages of the TCP service, ignored")     \
    X(unknown_template, "messages", "template is not in the tables, ignored")  \
    X(bad_root, "messages", "root block runs past its message, ignored")       \
    X(bad_group, "messages", "group runs past its message, ignored")
RW_STATS_STRUCT(rw_mdp3_counters, RW_MDP3_COUNTERS);

struct rw_mdp3_block {
    const struct rw_field *field; /* in wire order, without gaps */
    uint16_t field_count;
    uint16_t bytes; /* in version 12 */
};

struct rw_mdp3_group {
    const char *name;
    const struct rw_mdp3_block *entry;
    uint32_t dimension_bytes; /* 3 or 8 */
};

struct rw_mdp3_type {
    uint16_t template_id;
    uint16_t group_count;
    const char *name;
    const struct rw_mdp3_block *root;
    struct rw_mdp3_group group[RW_MDP3_GROUPS_MAX];
};

/* The blocks, RW_MDP3_BLOCK_<stem>, and in each the fields, RW_MDP3_<stem>_<name>. */
#define RW_MDP3_BLOCK_ENUM(stem, bytes) RW_MDP3_BLOCK_##stem,
enum rw_mdp3_block_index { RW_MDP3_BLOCKS(RW_MDP3_BLOCK_ENUM) };
#define RW_MDP3_FIELD_ENUM(stem, name, offset, size, kind) RW_MDP3_##stem##_##name,
#define RW_MDP3_FIELDS_ENUM(stem, bytes) \
    enum rw_mdp3_##stem##_field{RW_MDP3_FIELDS_##stem(RW_MDP3_FIELD_ENUM, stem)};
RW_MDP3_BLOCKS(RW_MDP3_FIELDS_ENUM)

/* The tables: blocks by index, types in rising order of template. */
extern const struct rw_mdp3_block rw_mdp3_blocks[RW_MDP3_BLOCK_COUNT];
extern const struct rw_mdp3_type rw_mdp3_types[RW_MDP3_TYPE_COUNT];

/* rw_mdp3_type returns the row of a template, NULL when the tables have none. */
const struct rw_mdp3_type *rw_mdp3_type(uint16_t template_id);

enum rw_mdp3_framing { RW_MDP3_UDP = 0, RW_MDP3_TCP = 1 };

/* A packet with a place in front of its next message. Points into the bytes given. */
struct rw_mdp3_packet {
    uint64_t sending_time_ns; /* Unix */
    uint32_t sequence;        /* of the packet */
    uint8_t framing;          /* enum rw_mdp3_framing */
    const uint8_t *at;
    size_t left;
};

/* The entries of one group: `count` blocks of `bytes` each, one after the other. */
struct rw_mdp3_entries {
    const uint8_t *at; /* NULL: the message ends before the group */
    uint16_t bytes;
    uint16_t count; /* 0..RW_MDP3_ENTRIES_MAX */
};

/* A message that is whole: all lengths have been checked. Points into the packet. */
struct rw_mdp3_message {
    const struct rw_mdp3_type *type;
    const uint8_t *root;
    uint16_t root_bytes, version;
    uint32_t sequence; /* of its packet */
    struct rw_mdp3_entries group[RW_MDP3_GROUPS_MAX];
};

/* rw_mdp3_open reads the header of a packet of `count` bytes. With RW_MDP3_TCP the bytes are those
 * of a segment that begins with the mark; each further mark is read as the next header. False when
 * the header is not there, counted. */
bool rw_mdp3_open(struct rw_mdp3_packet *packet, const uint8_t *bytes, size_t count,
                  enum rw_mdp3_framing framing, struct rw_mdp3_counters *counters);

/* rw_mdp3_next takes the next message that the tables know; false when the packet has no more. */
bool rw_mdp3_next(struct rw_mdp3_packet *packet, struct rw_mdp3_message *message,
                  struct rw_mdp3_counters *counters);

/* rw_mdp3_read reads an integer field of a block of `bytes` bytes into *value, sign-extended when
 * it has a sign. False, with *value 0, when the field is absent or null, which is the largest value
 * of its size and sign: 2^63-1, 2^31-1, 127, or all bits set. */
bool rw_mdp3_read(const struct rw_field *field, const uint8_t *block, uint32_t bytes,
                  uint64_t *value);

/* RW_MDP3_READ reads a field of a block by the names of the tables: RW_MDP3_READ(book_entry,
 * rpt_seq, entry, bytes); 0 when it is null or absent. rw_mdp3_value is behind it. */
static inline uint64_t rw_mdp3_value(uint32_t block, uint32_t field, const uint8_t *at,
                                     uint32_t bytes) {
    uint64_t value;
    rw_mdp3_read(&rw_mdp3_blocks[block].field[field], at, bytes, &value);
    return value;
}
#define RW_MDP3_READ(stem, name, at, bytes) \
    rw_mdp3_value(RW_MDP3_BLOCK_##stem, RW_MDP3_##stem##_##name, at, bytes)

/* rw_mdp3_price brings a price of 1e-9 times a display factor of 1e-9 (0: none, 1) to 1e-4. False
 * when it is negative or above 2^31-1, which the books cannot hold; *rounded is set when it was no
 * multiple, else left. */
bool rw_mdp3_price(int64_t price, int64_t factor, int32_t *to, bool *rounded);

/* rw_mdp3_json writes the message as one JSON object and a NUL: "seq" (the packet's sequence),
 * "type" (the template as text), then the fields and groups in wire order. Nulls are null; absent
 * fields and groups and padding are left out; groups are arrays of objects; integers are exact;
 * text ends at its first NUL, without trailing spaces. text holds RW_MDP3_JSON_MAX bytes, which
 * suffices for any message. Returns the length without the NUL. */
#define RW_MDP3_JSON_MAX (1u << 18)
uint32_t rw_mdp3_json(char *text, const struct rw_mdp3_message *message);
