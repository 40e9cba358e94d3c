/* rw_broadcast: one writer, many readers, in shared memory. A slow reader is overrun and told;
 * nothing a reader does can be seen by the writer.
 *
 *   ┌ head (4 lines) ┬ cell 1 ┬ cell 2 ┬ … ┬ cell depth ┐   cell of sequence s: (s − 1) mod depth
 *                    └ 128 B, two cache lines: exactly the record
 *
 * The record's own result sequence is the cell's tag, so nothing stands beside the record: the
 * writer sets it to 0, writes the other 15 words, then sets it. A reader that wants s finds in
 * the tag
 *   s      → copies, looks again: still s → the copy is intact
 *   < s    → not there yet (0: being written)
 *   > s    → overrun
 *
 * The region is a file, made afresh under a temporary name and renamed into place when it is
 * complete, so a reader finds either no region or a whole one. A restarted site replaces it:
 * sequences mean the same in both, so a reader re-attaches at the sequence it has reached
 * (client.h). */
#pragma once

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/base/shared.h"
#include "dataplane/record/result.h"

#define RW_BROADCAST_MAGIC     0x545341434457520Aull
#define RW_BROADCAST_VERSION   1u
#define RW_BROADCAST_DEPTH_MIN 64u
#define RW_BROADCAST_DEPTH_MAX (1u << 24)
#define RW_BROADCAST_WORDS     (RW_RESULT_BYTES / 8u)
#define RW_BROADCAST_TAG       1u /* word of the record that holds its result_sequence */
static_assert(offsetof(struct rw_result, result_sequence) == 8 * RW_BROADCAST_TAG,
              "the tag's word");

struct rw_broadcast_cell {
    _Alignas(64) _Atomic uint64_t word[RW_BROADCAST_WORDS];
};
static_assert(sizeof(struct rw_broadcast_cell) == RW_RESULT_BYTES, "a cell is exactly the record");

/* The region's head. A reader may map it read-only. */
struct rw_broadcast_head {
    /* constant after the rename */
    uint64_t magic; /* written last */
    uint32_t version, record_bytes;
    uint64_t depth;      /* cells, power of two */
    uint64_t generation; /* 1, 2, …: one more than that of the region it replaced */
    uint64_t pid;        /* of the writer */
    char session[16];    /* ten characters, NUL padded */
    /* where older records are served; "" and 0 = nowhere */
    _Alignas(64) char soup_address[48];
    uint16_t soup_port;
    uint8_t reserved0[14];
    /* after each burst; not needed to read on, only after an overrun and for display */
    _Alignas(64) _Atomic uint64_t released; /* highest sequence published, 0 = none */
    _Atomic uint64_t closed;                /* enum rw_broadcast_end */
    uint8_t reserved1[48];
    /* status that travels beside the records */
    _Alignas(64) _Atomic uint64_t commit; /* highest log sequence whose results may be released */
    _Atomic uint64_t role;                /* rw_role_pack: epoch, mode, role */
    _Atomic uint64_t as_of_ns;            /* event time of the last released record */
    _Atomic uint64_t renewed_ns; /* writer's monotonic clock when it last renewed this line */
    uint8_t reserved2[32];
};
static_assert(sizeof(struct rw_broadcast_head) == 256, "the head is four lines");
static_assert(offsetof(struct rw_broadcast_head, released) == 128, "");

enum rw_broadcast_end {
    RW_BROADCAST_OPEN = 0,
    RW_BROADCAST_SESSION_END = 1, /* the record that closes the session is published */
    RW_BROADCAST_STOPPED = 2, /* the writer stopped in good order before that; another may come */
};

struct rw_broadcast {
    struct rw_broadcast_head *head;
    struct rw_broadcast_cell *cell;
    uint64_t depth, next;
    uint64_t as_of_ns;
    struct rw_shared shared;
    char path[256];
};

struct rw_broadcast_cfg {
    const char *path;
    uint64_t depth; /* power of two, RW_BROADCAST_DEPTH_MIN..MAX */
    const char *session;
    uint64_t pid;
    const char *soup_address; /* NULL = none */
    uint16_t soup_port;
};

/* rw_broadcast_create makes the region file (mode 0644), touches all of it, and renames it over
 * an older one. Readers of the older one keep it until they look. Returns 0, -EINVAL for a depth
 * out of range or a path too long, or the errno of open, ftruncate, mmap or rename, with an
 * error. Cold path. */
int rw_broadcast_create(struct rw_broadcast *broadcast, const struct rw_broadcast_cfg *cfg);
/* rw_broadcast_put writes the next record: result_sequence must be one more than the last one's,
 * asserted. Never fails, never waits. Writer thread only. */
void rw_broadcast_put(struct rw_broadcast *broadcast, const struct rw_result *record);
/* rw_broadcast_flush publishes `released` and the as-of time in the head: once per burst. Writer
 * only. */
void rw_broadcast_flush(struct rw_broadcast *broadcast);
/* rw_broadcast_status renews the status line. Writer only. */
void rw_broadcast_status(struct rw_broadcast *broadcast, uint64_t commit, uint64_t role,
                         uint64_t now_ns);
/* rw_broadcast_at copies the record of a sequence to 128 bytes at `to`, for the writer's own use
 * (it feeds its TCP clients from here); false when the ring no longer or not yet holds it.
 * Writer thread only. */
bool rw_broadcast_at(const struct rw_broadcast *broadcast, uint64_t sequence, void *to);
/* rw_broadcast_end marks the end in the head. Writer only. */
void rw_broadcast_end(struct rw_broadcast *broadcast, enum rw_broadcast_end end);
/* rw_broadcast_close unmaps; remove_file also unlinks the path. Cold path. */
void rw_broadcast_close(struct rw_broadcast *broadcast, bool remove_file);

/* rw_broadcast_oldest returns the oldest sequence that a ring with `released` as its newest may
 * hold. */
static inline uint64_t rw_broadcast_oldest(uint64_t released, uint64_t depth) {
    return released > depth ? released - depth + 1 : 1;
}

enum rw_broadcast_read { RW_BROADCAST_NOT_YET = 0, RW_BROADCAST_GOT = 1, RW_BROADCAST_OVERRUN = 2 };

/* rw_broadcast_copy copies the record of sequence ≥ 1 out of its cell. OVERRUN: the writer has
 * reached sequence + depth, at least. Any thread of any process; never waits. */
static inline enum rw_broadcast_read rw_broadcast_copy(const struct rw_broadcast_cell *cell,
                                                       uint64_t sequence,
                                                       struct rw_result *record) {
    uint64_t word[RW_BROADCAST_WORDS];
    /* pairs with the last store of rw_broadcast_put: the other words are those of this record or
     * later */
    uint64_t tag = atomic_load_explicit(&cell->word[RW_BROADCAST_TAG], memory_order_acquire);
    if (tag < sequence) return RW_BROADCAST_NOT_YET;
    if (tag == sequence) {
        /* each acquire pairs with the release of that word in rw_broadcast_put: whoever sees a
         * word of the next record also sees that the tag has left this sequence */
        for (uint32_t i = 0; i < RW_BROADCAST_WORDS; i++)
            word[i] = atomic_load_explicit(&cell->word[i], memory_order_acquire);
        tag = atomic_load_explicit(&cell->word[RW_BROADCAST_TAG], memory_order_relaxed);
        if (tag == sequence) {
            word[RW_BROADCAST_TAG] = sequence;
            __builtin_memcpy(record, word, sizeof *record);
            return RW_BROADCAST_GOT;
        }
    }
    return RW_BROADCAST_OVERRUN;
}
