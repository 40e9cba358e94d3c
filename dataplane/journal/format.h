/* What stands on the disk: segments of 4 KiB blocks, records in them. Pure: bytes in, meaning
 * out.
 *
 *   0000000001.seg   ┌ segment head (4 KiB) ┬ record ┬ record ┬ … ┬ zeroes to the end ┐
 *   record           ┌ head 160 B ┬ payload ┬ zero padding to 4 KiB ┐
 *
 * A record carries `count` items (log entries or result records, opaque here) with consecutive
 * sequences. Records without items: CUT says that items ≥ first_sequence, written before it,
 * are void (the log was truncated); MARK only carries a newer watermark. The head's CRC covers
 * the head with the payload's CRC in it; padding and the rest of a segment must be zero, so
 * any single flipped bit is found.
 *
 * Torn or corrupt? Writes go to disk one after the other, each durable before the next begins,
 * and every record says where its write began. A bad record with a record of a later write
 * behind it, or below a watermark that says it was promised, is corruption; at the very end it
 * is a torn write, which nobody was told about. All integers are little-endian. */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "dataplane/base/hash.h"

#define RW_JOURNAL_BLOCK         4096u
#define RW_JOURNAL_VERSION       1u
#define RW_JOURNAL_SEGMENT_MAGIC 0x3147455357525752ull /* "RWRWSEG1" */
#define RW_JOURNAL_RECORD_MAGIC  0x31434552u           /* "REC1" */
#define RW_JOURNAL_HEAD_BYTES    160u
#define RW_JOURNAL_NOTE_BYTES    32u
#define RW_JOURNAL_PAYLOAD_MAX   (16u << 20)

enum rw_journal_kind { RW_JOURNAL_LOG = 1, RW_JOURNAL_RESULTS = 2 };

struct rw_journal_segment_head {
    uint64_t magic;
    uint32_t crc; /* of the block after this field */
    uint32_t version;
    uint64_t store_id; /* random, new whenever the journal is made anew */
    uint64_t index;    /* 1, 2, …: also in the file's name */
    uint64_t segment_bytes;
    uint32_t kind; /* enum rw_journal_kind */
    uint32_t reserved;
};
static_assert(sizeof(struct rw_journal_segment_head) == 48, "");

enum rw_journal_flag {
    RW_JOURNAL_ITEMS = 1u << 0,
    RW_JOURNAL_CUT = 1u << 1,
    RW_JOURNAL_MARK = 1u << 2,
    RW_JOURNAL_CLOSED = 1u << 3, /* with MARK: the writer stopped in order */
};

struct rw_journal_head {
    uint32_t magic;
    uint32_t head_crc; /* of the head after this field */
    uint32_t payload_crc;
    uint32_t payload_bytes;
    uint64_t first_sequence; /* of the items; CUT: first void sequence; MARK: next sequence */
    uint32_t count;          /* items */
    uint32_t flags;          /* enum rw_journal_flag */
    uint64_t epoch;
    uint64_t acked;    /* sequence up to which durability had been promised to others; 0 = none */
    uint64_t store_id; /* as in the segment head */
    uint64_t number;   /* of the record in this store: 1, 2, … */
    uint32_t write_blocks; /* blocks between the beginning of this record's write and the record */
    uint32_t version;
    struct rw_hash chain_before;         /* chain hash before the first item */
    struct rw_hash chain;                /* chain hash after the last item */
    uint8_t note[RW_JOURNAL_NOTE_BYTES]; /* the owner's */
    uint8_t reserved[24];
};
static_assert(sizeof(struct rw_journal_head) == RW_JOURNAL_HEAD_BYTES, "");

/* A record as the readers hand it out: a head and a pointer to its items. After a truncation
 * inside the record, count, bytes and chain are those of the part that is still valid. */
struct rw_journal_record {
    uint64_t first_sequence;
    uint32_t count;
    uint32_t bytes;
    const uint8_t *payload; /* not aligned beyond 32 bytes; the reader's memory */
    uint64_t epoch, acked;
    struct rw_hash chain_before, chain;
    uint8_t note[RW_JOURNAL_NOTE_BYTES];
    uint64_t segment, offset; /* where it stands */
};

/* rw_journal_item_bytes tells how long the item at `item` is, of at most `room` bytes; 0 =
 * malformed. */
typedef uint32_t (*rw_journal_item_bytes)(const void *item, uint32_t room);
/* The two kinds of item: a log entry (slots × 64) and a result record (128). */
uint32_t rw_journal_entry_bytes(const void *item, uint32_t room);
uint32_t rw_journal_result_bytes(const void *item, uint32_t room);
rw_journal_item_bytes rw_journal_items_of(enum rw_journal_kind kind);

/* rw_journal_skip drops the items below `sequence` from the front of a record and moves
 * chain_before on: chain(n) = rw_hash_chain(chain(n − 1), bytes of item n). False when an item
 * is malformed. */
bool rw_journal_skip(struct rw_journal_record *record, enum rw_journal_kind kind,
                     uint64_t sequence);

/* rw_journal_blocks returns the length on disk, in blocks, of a record with so many payload
 * bytes. */
static inline uint32_t rw_journal_blocks(uint32_t payload_bytes) {
    return (RW_JOURNAL_HEAD_BYTES + payload_bytes + RW_JOURNAL_BLOCK - 1) / RW_JOURNAL_BLOCK;
}

enum rw_journal_verdict {
    RW_JOURNAL_GOOD = 0,
    RW_JOURNAL_EMPTY,       /* the block is all zero: no record here */
    RW_JOURNAL_BAD_HEAD,    /* magic or CRC of the head */
    RW_JOURNAL_BAD_PAYLOAD, /* CRC of the payload */
    RW_JOURNAL_BAD_PADDING, /* padding is not zero */
    RW_JOURNAL_BAD_FIELD,   /* the CRC is right, a field impossible: foreign store, length… */
    RW_JOURNAL_CUT_SHORT,   /* the record reaches beyond `room` */
};

/* rw_journal_check judges the bytes at `block` (room: bytes readable, a multiple of 4,096) as
 * a record of the store. Stores the head in *head when the head is good (also for CUT_SHORT
 * and BAD_PAYLOAD). */
enum rw_journal_verdict rw_journal_check(const uint8_t *block, uint64_t room, uint64_t store_id,
                                         struct rw_journal_head *head);
/* rw_journal_seal_head fills the CRCs and the padding of a record whose head fields and
 * payload stand at `block`. Returns its length in bytes. */
uint32_t rw_journal_seal_head(uint8_t *block, const struct rw_journal_head *head);
/* rw_journal_check_segment judges the first block of a segment file. */
enum rw_journal_verdict rw_journal_check_segment(const uint8_t *block,
                                                 struct rw_journal_segment_head *head);
void rw_journal_seal_segment(uint8_t *block, const struct rw_journal_segment_head *head);
const char *rw_journal_verdict_text(enum rw_journal_verdict verdict);
