/* Walking over the segments of a store in order, and the two small tables that a walk builds.
 * Pure; private to this folder (and its tests). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/journal/format.h"

struct rw_place {
    uint64_t segment, offset;
};

/* rw_place_before tells whether a stands before b. */
static inline bool rw_place_before(struct rw_place a, struct rw_place b) {
    return a.segment != b.segment ? a.segment < b.segment : a.offset < b.offset;
}

/* The index: where to begin reading for a sequence. Rows are `stride` sequences apart or more;
 * when the table is full every other row goes and the stride doubles, so it never fails. */
struct rw_index_row {
    uint64_t sequence;
    uint32_t segment, block;
};

struct rw_index {
    struct rw_index_row *rows; /* the owner's */
    uint32_t count, max;
    uint64_t stride;
};

/* rw_index_add notes that a record with first sequence `sequence` stands at `place`. In rising
 * order. */
void rw_index_add(struct rw_index *index, uint64_t sequence, struct rw_place place);
/* rw_index_cut forgets rows above `sequence`. */
void rw_index_cut(struct rw_index *index, uint64_t sequence);
/* rw_index_find stores the place of the last row at or below `sequence`; false when there is
 * none. */
bool rw_index_find(const struct rw_index *index, uint64_t sequence, struct rw_place *place);

/* The cuts that still matter, in order of place; their sequences rise too, because a later cut
 * below an earlier one makes that one superfluous. */
#define RW_CUTS_MAX 256u

struct rw_cut {
    struct rw_place place; /* of the CUT record */
    uint64_t sequence;     /* last one kept */
    struct rw_hash chain;  /* after it */
};

struct rw_cuts {
    uint32_t count;
    struct rw_cut cut[RW_CUTS_MAX];
};

/* rw_cuts_push adds the newest cut; false when the table is full. */
bool rw_cuts_push(struct rw_cuts *cuts, const struct rw_cut *cut);
/* rw_cuts_limit returns the cut that limits a record at `place`, NULL when none does. */
const struct rw_cut *rw_cuts_limit(const struct rw_cuts *cuts, struct rw_place place);

/* rw_record_view fills *record from a checked record at `block`, clipped to what `limit` (or
 * NULL) and `last` leave valid. Returns 1; 0 when nothing is left; -1 when an item is
 * malformed. */
int rw_record_view(struct rw_journal_record *record, const struct rw_journal_head *head,
                   const uint8_t *block, struct rw_place place, enum rw_journal_kind kind,
                   const struct rw_cut *limit, uint64_t last);

enum rw_damage { RW_DAMAGE_NONE = 0, RW_DAMAGE_TORN, RW_DAMAGE_CORRUPT };

struct rw_walk;
/* Called for each good record in order. Return 0 to go on. */
typedef int (*rw_walk_visit)(void *context, const struct rw_walk *walk,
                             const struct rw_journal_head *head, const uint8_t *block,
                             struct rw_place place);

struct rw_walk {
    /* the caller's */
    rw_walk_visit visit; /* may be NULL */
    void *context;
    /* the store, from its first segment */
    uint64_t store_id, segment_bytes, first_segment;
    enum rw_journal_kind kind;
    /* where it stands */
    uint64_t segments, segments_unused, last_segment;
    struct rw_place end;    /* after the last good record */
    uint64_t next_sequence; /* 0 = no item yet */
    uint64_t first;
    uint64_t number, epoch, acked;
    uint64_t records, cut_records, marks;
    uint32_t largest_bytes; /* of a record on disk */
    bool closed;
    struct rw_hash chain;
    struct rw_cuts cuts;
    /* the first damage */
    enum rw_damage damage;
    struct rw_place bad;
    uint64_t torn_bytes; /* from bad to the last byte that is not zero */
    const char *cause;
};

/* rw_walk_segment goes over one segment file's bytes; segments in rising order, without holes.
 * Returns 0, or what visit returned. Damage is noted in the walk, which then only judges what
 * lies behind it. */
int rw_walk_segment(struct rw_walk *walk, uint64_t index, const uint8_t *bytes, uint64_t size);
