/* The codec of journal blocks. Judges bytes it does not trust: every field that a length or an
 * index comes from is checked before it is used. */
#include "dataplane/journal/format.h"

#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/io/digest.h"
#include "dataplane/record/entry.h"
#include "dataplane/record/result.h"

uint32_t rw_journal_entry_bytes(const void *item, uint32_t room) {
    if (room < RW_SLOT_BYTES) return 0;
    uint32_t slots = ((const uint8_t *)item)[offsetof(struct rw_entry, slots)];
    if (slots < 1 || slots > RW_ENTRY_SLOTS_MAX || slots * RW_SLOT_BYTES > room) return 0;
    return slots * RW_SLOT_BYTES;
}

uint32_t rw_journal_result_bytes(const void *item, uint32_t room) {
    return room < RW_RESULT_BYTES ? 0 : RW_RESULT_BYTES;
}

rw_journal_item_bytes rw_journal_items_of(enum rw_journal_kind kind) {
    return kind == RW_JOURNAL_LOG ? rw_journal_entry_bytes : rw_journal_result_bytes;
}

bool rw_journal_skip(struct rw_journal_record *record, enum rw_journal_kind kind,
                     uint64_t sequence) {
    rw_journal_item_bytes item_bytes = rw_journal_items_of(kind);
    while (record->count && record->first_sequence < sequence) {
        uint32_t bytes = item_bytes(record->payload, record->bytes);
        if (!bytes) return false;
        record->chain_before = rw_hash_chain(record->chain_before, record->payload, bytes);
        record->payload += bytes;
        record->bytes -= bytes;
        record->first_sequence++;
        record->count--;
    }
    return true;
}

static bool all_zero(const uint8_t *bytes, uint64_t count) {
    return count == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, count - 1) == 0);
}

static uint32_t head_crc(const struct rw_journal_head *head) {
    size_t from = offsetof(struct rw_journal_head, payload_crc);
    return rw_crc32c(0, (const uint8_t *)head + from, sizeof *head - from);
}

/* The CRC has shown that we wrote the head; the fields must still make sense together. */
static bool fields_fit(const struct rw_journal_head *head, uint64_t store_id) {
    uint32_t kind = head->flags & (RW_JOURNAL_ITEMS | RW_JOURNAL_CUT | RW_JOURNAL_MARK);
    if (head->store_id != store_id || head->version != RW_JOURNAL_VERSION) return false;
    if (head->payload_bytes > RW_JOURNAL_PAYLOAD_MAX || head->first_sequence == 0) return false;
    if (kind == RW_JOURNAL_ITEMS) return head->count > 0 && head->payload_bytes > 0;
    if (kind == RW_JOURNAL_CUT || kind == RW_JOURNAL_MARK)
        return head->count == 0 && head->payload_bytes == 0;
    return false;
}

enum rw_journal_verdict rw_journal_check(const uint8_t *block, uint64_t room, uint64_t store_id,
                                         struct rw_journal_head *head) {
    if (room < RW_JOURNAL_BLOCK) return RW_JOURNAL_CUT_SHORT;
    if (all_zero(block, RW_JOURNAL_BLOCK)) return RW_JOURNAL_EMPTY;
    memcpy(head, block, sizeof *head);
    if (head->magic != RW_JOURNAL_RECORD_MAGIC || head->head_crc != head_crc(head))
        return RW_JOURNAL_BAD_HEAD;
    if (!fields_fit(head, store_id)) return RW_JOURNAL_BAD_FIELD;
    uint64_t bytes = (uint64_t)rw_journal_blocks(head->payload_bytes) * RW_JOURNAL_BLOCK;
    if (bytes > room) return RW_JOURNAL_CUT_SHORT;
    const uint8_t *payload = block + RW_JOURNAL_HEAD_BYTES, *end = payload + head->payload_bytes;
    if (head->payload_crc != rw_crc32c(0, payload, head->payload_bytes))
        return RW_JOURNAL_BAD_PAYLOAD;
    if (!all_zero(end, (uint64_t)(block + bytes - end))) return RW_JOURNAL_BAD_PADDING;
    return RW_JOURNAL_GOOD;
}

uint32_t rw_journal_seal_head(uint8_t *block, const struct rw_journal_head *head) {
    RW_ASSERT(fields_fit(head, head->store_id));
    struct rw_journal_head sealed = *head;
    uint8_t *payload = block + RW_JOURNAL_HEAD_BYTES, *end = payload + head->payload_bytes;
    uint32_t bytes = rw_journal_blocks(head->payload_bytes) * RW_JOURNAL_BLOCK;
    sealed.magic = RW_JOURNAL_RECORD_MAGIC;
    sealed.payload_crc = rw_crc32c(0, payload, head->payload_bytes);
    sealed.head_crc = head_crc(&sealed);
    memcpy(block, &sealed, sizeof sealed);
    memset(end, 0, (size_t)(block + bytes - end));
    return bytes;
}

static uint32_t segment_crc(const uint8_t *block) {
    size_t from = offsetof(struct rw_journal_segment_head, version);
    return rw_crc32c(0, block + from, RW_JOURNAL_BLOCK - from);
}

enum rw_journal_verdict rw_journal_check_segment(const uint8_t *block,
                                                 struct rw_journal_segment_head *head) {
    memcpy(head, block, sizeof *head);
    if (head->magic != RW_JOURNAL_SEGMENT_MAGIC || head->crc != segment_crc(block))
        return RW_JOURNAL_BAD_HEAD;
    bool fits = head->version == RW_JOURNAL_VERSION && head->index >= 1 &&
                head->segment_bytes % RW_JOURNAL_BLOCK == 0 &&
                head->segment_bytes >= 2 * RW_JOURNAL_BLOCK && head->segment_bytes <= 1u << 30 &&
                (head->kind == RW_JOURNAL_LOG || head->kind == RW_JOURNAL_RESULTS);
    return fits ? RW_JOURNAL_GOOD : RW_JOURNAL_BAD_FIELD;
}

void rw_journal_seal_segment(uint8_t *block, const struct rw_journal_segment_head *head) {
    struct rw_journal_segment_head sealed = *head;
    sealed.magic = RW_JOURNAL_SEGMENT_MAGIC;
    sealed.version = RW_JOURNAL_VERSION;
    memset(block, 0, RW_JOURNAL_BLOCK);
    memcpy(block, &sealed, sizeof sealed);
    sealed.crc = segment_crc(block);
    memcpy(block, &sealed, sizeof sealed);
}

const char *rw_journal_verdict_text(enum rw_journal_verdict verdict) {
    static const char *const text[] = {
        [RW_JOURNAL_GOOD] = "good",
        [RW_JOURNAL_EMPTY] = "no record",
        [RW_JOURNAL_BAD_HEAD] = "the head's checksum is wrong",
        [RW_JOURNAL_BAD_PAYLOAD] = "the payload's checksum is wrong",
        [RW_JOURNAL_BAD_PADDING] = "padding is not zero",
        [RW_JOURNAL_BAD_FIELD] = "a field of the head is impossible",
        [RW_JOURNAL_CUT_SHORT] = "the record is cut short",
    };
    return text[verdict];
}
