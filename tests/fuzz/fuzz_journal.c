/* The journal's readers on bytes nobody wrote: the walk over a segment file, the record view,
 * the skip over items.
 *
 * Byte 0 chooses: even = the rest is a segment as it stands; odd = the checksums are made
 * right first, so that the fields behind them are reached. The segment is cut or filled with
 * zeroes to whole blocks. */
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/io/digest.h"
#include "dataplane/journal/walk.h"

#define BLOCKS_MAX 16u

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static void make_right(uint8_t *segment, size_t size) {
    struct rw_journal_segment_head head;
    memcpy(&head, segment, sizeof head);
    head.segment_bytes = size;
    head.index = 1;
    head.kind = 1 + (head.kind & 1);
    rw_journal_seal_segment(segment, &head);
    for (size_t at = RW_JOURNAL_BLOCK; at < size; at += RW_JOURNAL_BLOCK) {
        struct rw_journal_head record;
        memcpy(&record, segment + at, sizeof record);
        if (record.magic != RW_JOURNAL_RECORD_MAGIC) continue;
        if (record.payload_bytes > size - at - RW_JOURNAL_HEAD_BYTES)
            record.payload_bytes %= RW_JOURNAL_BLOCK - RW_JOURNAL_HEAD_BYTES;
        record.store_id = head.store_id;
        record.payload_crc =
            rw_crc32c(0, segment + at + RW_JOURNAL_HEAD_BYTES, record.payload_bytes);
        size_t from = offsetof(struct rw_journal_head, payload_crc);
        record.head_crc = rw_crc32c(0, (uint8_t *)&record + from, sizeof record - from);
        memcpy(segment + at, &record, sizeof record);
    }
}

/* What a reader does with a record: look at its items, step over half of them. */
static int use_record(void *context, const struct rw_walk *walk, const struct rw_journal_head *head,
                      const uint8_t *block, struct rw_place place) {
    struct rw_journal_record record;
    if (!(head->flags & RW_JOURNAL_ITEMS)) return 0;
    struct rw_cut limit = {.sequence = head->first_sequence + head->count / 2};
    for (uint32_t i = 0; i < 2; i++) {
        int seen =
            rw_record_view(&record, head, block, place, walk->kind, i ? &limit : NULL, UINT64_MAX);
        if (seen <= 0) continue;
        RW_ASSERT(record.bytes <= head->payload_bytes && record.count <= head->count);
        rw_journal_skip(&record, walk->kind, head->first_sequence + head->count);
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    if (count < 2) return 0;
    size_t blocks = (count - 1 + RW_JOURNAL_BLOCK - 1) / RW_JOURNAL_BLOCK;
    if (blocks > BLOCKS_MAX) blocks = BLOCKS_MAX;
    size_t size = blocks * RW_JOURNAL_BLOCK, given = count - 1 < size ? count - 1 : size;
    uint8_t *segment = calloc(1, size);
    struct rw_walk *walk = calloc(1, sizeof *walk);
    if (segment && walk) {
        memcpy(segment, bytes + 1, given);
        if (bytes[0] & 1) make_right(segment, size);
        walk->visit = use_record;
        rw_walk_segment(walk, 1, segment, size);
        RW_ASSERT(walk->damage == RW_DAMAGE_NONE || walk->cause);
        rw_walk_segment(walk, 2, segment, size);
    }
    free(segment);
    free(walk);
    return 0;
}
