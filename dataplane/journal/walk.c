#include "dataplane/journal/walk.h"

#include <string.h>

#include "dataplane/base/assert.h"

#define INDEX_STRIDE 1024u

void rw_index_add(struct rw_index *index, uint64_t sequence, struct rw_place place) {
    if (index->stride == 0) index->stride = INDEX_STRIDE;
    if (index->count && sequence < index->rows[index->count - 1].sequence + index->stride) return;
    if (index->count == index->max) {
        for (uint32_t i = 0; 2 * i < index->count; i++) index->rows[i] = index->rows[2 * i];
        index->count = (index->count + 1) / 2;
        index->stride *= 2;
    }
    index->rows[index->count++] = (struct rw_index_row){
        sequence, (uint32_t)place.segment, (uint32_t)(place.offset / RW_JOURNAL_BLOCK)};
}

void rw_index_cut(struct rw_index *index, uint64_t sequence) {
    while (index->count && index->rows[index->count - 1].sequence > sequence) index->count--;
}

bool rw_index_find(const struct rw_index *index, uint64_t sequence, struct rw_place *place) {
    uint32_t low = 0,
             high = index->count; /* rows below low are ≤ sequence, from high on > sequence */
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (index->rows[middle].sequence <= sequence)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0) return false;
    const struct rw_index_row *row = &index->rows[low - 1];
    *place = (struct rw_place){row->segment, (uint64_t)row->block * RW_JOURNAL_BLOCK};
    return true;
}

bool rw_cuts_push(struct rw_cuts *cuts, const struct rw_cut *cut) {
    while (cuts->count && cuts->cut[cuts->count - 1].sequence >= cut->sequence) cuts->count--;
    if (cuts->count == RW_CUTS_MAX) return false;
    cuts->cut[cuts->count++] = *cut;
    return true;
}

const struct rw_cut *rw_cuts_limit(const struct rw_cuts *cuts, struct rw_place place) {
    for (uint32_t i = 0; i < cuts->count; i++)
        if (rw_place_before(place, cuts->cut[i].place)) return &cuts->cut[i];
    return NULL;
}

int rw_record_view(struct rw_journal_record *record, const struct rw_journal_head *head,
                   const uint8_t *block, struct rw_place place, enum rw_journal_kind kind,
                   const struct rw_cut *limit, uint64_t last) {
    *record = (struct rw_journal_record){
        .first_sequence = head->first_sequence,
        .count = head->count,
        .bytes = head->payload_bytes,
        .payload = block + RW_JOURNAL_HEAD_BYTES,
        .epoch = head->epoch,
        .acked = head->acked,
        .chain_before = head->chain_before,
        .chain = head->chain,
        .segment = place.segment,
        .offset = place.offset,
    };
    memcpy(record->note, head->note, sizeof record->note);
    if (limit && limit->sequence < last) last = limit->sequence;
    if (last < head->first_sequence) return 0;
    uint64_t valid = last - head->first_sequence + 1;
    if (valid >= head->count) return 1;
    rw_journal_item_bytes item_bytes = rw_journal_items_of(kind);
    uint32_t bytes = 0;
    for (uint64_t i = 0; i < valid; i++) {
        uint32_t item = item_bytes(record->payload + bytes, record->bytes - bytes);
        if (!item) return -1;
        bytes += item;
    }
    record->count = (uint32_t)valid;
    record->bytes = bytes;
    if (limit && limit->sequence == last) record->chain = limit->chain;
    return 1;
}

static uint64_t used_bytes(const uint8_t *bytes, uint64_t from, uint64_t size) {
    while (size > from && bytes[size - 1] == 0) size--;
    return size - from;
}

static void note_damage(struct rw_walk *walk, struct rw_place place, enum rw_damage damage,
                        const char *cause) {
    walk->damage = damage;
    walk->bad = place;
    walk->cause = cause;
}

/* Is there a whole record behind the damage whose write began after it, or that says the bad
 * one was promised? Then the bad one had been durable. A record of the same write proves
 * nothing. */
static void look_behind(struct rw_walk *walk, uint64_t segment, const uint8_t *bytes, uint64_t from,
                        uint64_t size) {
    if (walk->damage == RW_DAMAGE_CORRUPT) return;
    if (segment > walk->bad.segment && used_bytes(bytes, from, size)) {
        walk->damage = RW_DAMAGE_CORRUPT;
        return;
    }
    struct rw_journal_head head;
    for (uint64_t at = from; at < size; at += RW_JOURNAL_BLOCK) {
        if (rw_journal_check(bytes + at, size - at, walk->store_id, &head) != RW_JOURNAL_GOOD)
            continue;
        uint64_t write_began = at - (uint64_t)head.write_blocks * RW_JOURNAL_BLOCK;
        bool later =
            head.number > walk->number && write_began > walk->bad.offset && write_began <= at;
        if (later || (walk->next_sequence && head.acked >= walk->next_sequence))
            walk->damage = RW_DAMAGE_CORRUPT;
    }
}

/* Returns NULL when the record goes on where the last one ended, else what does not fit. */
static const char *does_not_follow(const struct rw_walk *walk, const struct rw_journal_head *head) {
    if (head->number != walk->number + 1) return "a record is missing before this one";
    if (head->epoch < walk->epoch) return "the epoch falls";
    if (walk->next_sequence && !rw_hash_equal(head->chain_before, walk->chain))
        return "the chain hash does not follow";
    if (head->flags & RW_JOURNAL_CUT)
        return head->first_sequence <= walk->next_sequence ? NULL : "a cut above the end";
    if (walk->next_sequence && head->first_sequence != walk->next_sequence)
        return "the sequence does not follow";
    return NULL;
}

static bool take(struct rw_walk *walk, const struct rw_journal_head *head, struct rw_place place) {
    walk->number = head->number;
    walk->epoch = head->epoch;
    walk->acked = head->acked;
    walk->closed = head->flags & RW_JOURNAL_CLOSED;
    walk->end = (struct rw_place){place.segment,
                                  place.offset + (uint64_t)rw_journal_blocks(head->payload_bytes) *
                                                     RW_JOURNAL_BLOCK};
    if (head->flags & RW_JOURNAL_MARK) {
        walk->marks++;
        return true;
    }
    walk->chain = head->chain;
    walk->next_sequence = head->first_sequence + head->count;
    if (head->flags & RW_JOURNAL_CUT) {
        struct rw_cut cut = {place, head->first_sequence - 1, head->chain};
        walk->cut_records++;
        if (walk->first >= head->first_sequence) walk->first = 0;
        return rw_cuts_push(&walk->cuts, &cut);
    }
    uint32_t bytes = (uint32_t)(walk->end.offset - place.offset);
    if (bytes > walk->largest_bytes) walk->largest_bytes = bytes;
    if (walk->first == 0) walk->first = head->first_sequence;
    walk->records++;
    return true;
}

static int walk_records(struct rw_walk *walk, uint64_t index, const uint8_t *bytes, uint64_t size) {
    struct rw_place place = {index, RW_JOURNAL_BLOCK};
    struct rw_journal_head head;
    enum rw_journal_verdict verdict = RW_JOURNAL_EMPTY;
    const char *cause = NULL;
    while (place.offset < size) {
        verdict =
            rw_journal_check(bytes + place.offset, size - place.offset, walk->store_id, &head);
        if (verdict != RW_JOURNAL_GOOD) break;
        if ((cause = does_not_follow(walk, &head))) break;
        if (!take(walk, &head, place)) {
            cause = "more truncations than the index of cuts can hold";
            break;
        }
        int rc =
            walk->visit ? walk->visit(walk->context, walk, &head, bytes + place.offset, place) : 0;
        if (rc) return rc;
        place = walk->end;
    }
    if (place.offset == RW_JOURNAL_BLOCK && !cause && verdict == RW_JOURNAL_EMPTY)
        walk->segments_unused++;
    if (place.offset >= size) return 0;
    walk->torn_bytes = used_bytes(bytes, place.offset, size);
    if (walk->torn_bytes == 0) return 0;
    if (verdict == RW_JOURNAL_EMPTY) cause = "bytes that are not zero where nothing was written";
    /* a torn write leaves rests of itself or zeroes, never a whole record that does not follow */
    bool whole = verdict == RW_JOURNAL_GOOD;
    note_damage(walk, place, whole ? RW_DAMAGE_CORRUPT : RW_DAMAGE_TORN,
                cause ? cause : rw_journal_verdict_text(verdict));
    look_behind(walk, index, bytes, place.offset, size);
    return 0;
}

static const char *check_store(struct rw_walk *walk, uint64_t index, const uint8_t *bytes,
                               uint64_t size) {
    struct rw_journal_segment_head head;
    if (size < RW_JOURNAL_BLOCK) return "the file is cut short";
    enum rw_journal_verdict verdict = rw_journal_check_segment(bytes, &head);
    if (verdict != RW_JOURNAL_GOOD) return "the segment's head is damaged";
    if (head.segment_bytes != size) return "the file's length is not the segment's";
    if (head.index != index) return "the file's name is not the segment's";
    if (walk->segments == 0) {
        walk->store_id = head.store_id;
        walk->segment_bytes = head.segment_bytes;
        walk->first_segment = index;
        walk->kind = (enum rw_journal_kind)head.kind;
        walk->end = (struct rw_place){index, RW_JOURNAL_BLOCK};
        return NULL;
    }
    if (head.store_id != walk->store_id || head.segment_bytes != walk->segment_bytes ||
        head.kind != (uint32_t)walk->kind)
        return "the segment belongs to another journal";
    if (index != walk->last_segment + 1) return "a segment is missing before this one";
    return NULL;
}

int rw_walk_segment(struct rw_walk *walk, uint64_t index, const uint8_t *bytes, uint64_t size) {
    const char *cause = check_store(walk, index, bytes, size);
    if (cause) {
        if (walk->damage != RW_DAMAGE_CORRUPT)
            note_damage(walk, (struct rw_place){index, 0}, RW_DAMAGE_CORRUPT, cause);
        walk->last_segment = index;
        walk->segments++;
        return 0;
    }
    walk->segments++;
    walk->last_segment = index;
    if (walk->damage != RW_DAMAGE_NONE) {
        look_behind(walk, index, bytes, RW_JOURNAL_BLOCK, size);
        return 0;
    }
    return walk_records(walk, index, bytes, size);
}
