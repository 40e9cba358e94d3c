/* rw_deliver_core: which results are stored, which may be released, and where they are. Pure.
 *
 *                       result sequence ──►
 *     released                    stored         appended        newest
 *   ─────┴───────────┬───────────────┴───────────────┴───────────────┴──►
 *      journal only  │   pending ring: the newest `depth` records
 *
 * Records come in order from merge, with an end marker after each input. They are appended to
 * the result journal in batches that close at an end marker, whose (n, last result, rh) goes
 * along as the block's note. A record may be released when its input is covered by the commit
 * index and it is stored. The ring overwrites the oldest whether released or not: what falls out
 * is in the journal by then, and is asked for again when the commit index reaches it.
 *
 * Memory is limited, the backlog is not: only what is not yet appended stops the input
 * (rw_deliver_core_room). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/record/result.h"
#include "dataplane/record/result_end.h"

#define RW_DELIVER_ENDS      4096u /* end markers whose records are not all stored yet */
#define RW_DELIVER_DEPTH_MIN 64u
#define RW_DELIVER_DEPTH_MAX (1u << 24)

struct rw_deliver_core;

/* rw_deliver_core_footprint returns the bytes for a ring of `depth` records, a power of two. */
size_t rw_deliver_core_footprint(uint64_t depth);
/* rw_deliver_core_new formats zeroed memory (64-byte aligned, footprint bytes, the caller's).
 * block_records: most records that one append to the journal takes, 1..depth / 2. */
struct rw_deliver_core *rw_deliver_core_new(void *memory, uint64_t depth, uint64_t block_records);

/* rw_deliver_core_room returns how many slots from merge may be put now. 0 only while the
 * journal has not taken what is there. */
uint64_t rw_deliver_core_room(const struct rw_deliver_core *core);
/* rw_deliver_core_put takes one slot from merge: a record, whose sequence must be newest + 1, or
 * an end marker, whose last_result must be newest. Asserts room, order and that inputs never go
 * back. */
void rw_deliver_core_put(struct rw_deliver_core *core, const struct rw_result *slot);

/* The note of a block in the result journal: the running hash at its last complete input. */
struct rw_deliver_note {
    uint64_t input_sequence; /* n; 0 = none yet */
    uint64_t last_result;    /* where rh(n) stands; the last record of the block, unless one input's
                                records are more than a block */
    uint64_t rh_low, rh_high;
};

/* What to append to the result journal next: `count` records from `first`, in up to two pieces. */
struct rw_deliver_batch {
    uint64_t first, count;
    const struct rw_result *part[2];
    uint64_t part_count[2];
    struct rw_deliver_note note;
};

/* rw_deliver_core_batch fills *batch with whole inputs of at most room_records in all; an input
 * of more than block_records is cut into pieces. False when there is nothing, or when it does
 * not fit now. */
bool rw_deliver_core_batch(struct rw_deliver_core *core, uint64_t room_records,
                           struct rw_deliver_batch *batch);
/* rw_deliver_core_appended confirms that the journal has taken the batch. */
void rw_deliver_core_appended(struct rw_deliver_core *core, const struct rw_deliver_batch *batch);
/* rw_deliver_core_stored tells that records up to `sequence` (≤ appended, never falling) stand
 * in the journal. Returns the highest input all of whose records stand there, 0 = none. */
uint64_t rw_deliver_core_stored(struct rw_deliver_core *core, uint64_t sequence);

enum rw_deliver_step {
    RW_DELIVER_NOTHING = 0, /* nothing may be released now, or a read is under way */
    RW_DELIVER_RECORD,      /* next->record is to be released */
    RW_DELIVER_REREAD,      /* read from next->sequence on and call rw_deliver_core_reread */
};
struct rw_deliver_next {
    const struct rw_result *record; /* valid until the next put or reread */
    uint64_t sequence;
    bool from_journal;
};
/* rw_deliver_core_next decides the next step under a commit index (which may run ahead of what
 * has come). RECORD is returned again until rw_deliver_core_released; REREAD once, until it is
 * answered. */
enum rw_deliver_step rw_deliver_core_next(struct rw_deliver_core *core, uint64_t commit,
                                          struct rw_deliver_next *next);
/* rw_deliver_core_released confirms that the record of the last RECORD was published. */
void rw_deliver_core_released(struct rw_deliver_core *core);
/* rw_deliver_core_reread answers REREAD: `count` records from the sequence asked for on, which
 * stay in place until the next REREAD is returned. count 0 = the read failed and will be asked
 * for again. */
void rw_deliver_core_reread(struct rw_deliver_core *core, const struct rw_result *records,
                            uint64_t count);

/* Where it stands: sequences of results, 0 = none. */
struct rw_deliver_state {
    uint64_t newest, appended, stored, released;
    uint64_t input, as_of_ns; /* of the last released record */
    bool closed;              /* the record that closes the session is released */
};
void rw_deliver_core_state(const struct rw_deliver_core *core, struct rw_deliver_state *state);
