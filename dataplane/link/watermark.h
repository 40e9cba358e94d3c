/* Watermarks: the back-channels of the pipeline. Single-writer words that never block anybody, so
 * the graph of reliable links has no cycle.
 *
 *   repl  ──commit──►  deliver          merge ──(n → running hash)──► repl, deliver
 *   repl  ──role────►  enrich, intake, deliver, rx      repl ──throttle──► enrich
 *   risk[k] ──done──►  merge            enrich or repl ──(n → arrival)──► every hop's histogram
 *   enrich ──hurry──►  rx (file ports only)
 *   rx ──file_clock──► feed (several channels of file ports only)
 *   enrich ──live───►  feed (live ports only)
 * */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "dataplane/base/hash.h"

#define RW_SHARDS_MAX 8u

enum rw_role { RW_ROLE_RECOVER = 0, RW_ROLE_LEAD = 1, RW_ROLE_FOLLOW = 2, RW_ROLE_HALT = 3 };
enum rw_mode { RW_MODE_DUAL = 0, RW_MODE_SOLO = 1 };

struct rw_word {
    _Alignas(64) _Atomic uint64_t value;
};

/* rw_word_get and rw_word_set: any reader, one writer. Never block or fail. */
static inline uint64_t rw_word_get(const struct rw_word *word) {
    /* pairs with the release in rw_word_set: what was written before the word is visible with it */
    return atomic_load_explicit(&word->value, memory_order_acquire);
}
static inline void rw_word_set(struct rw_word *word, uint64_t value) {
    atomic_store_explicit(&word->value, value, memory_order_release);
}

/* The role word: epoch << 8 | mode << 4 | role. `role_start` is valid for the role last read: as
 * leader the sequence of the first entry this site may log. The writer (repl) sets role_start
 * first. */
static inline uint64_t rw_role_pack(uint64_t epoch, enum rw_mode mode, enum rw_role role) {
    return epoch << 8 | (uint64_t)mode << 4 | (uint64_t)role;
}
static inline enum rw_role rw_role_of(uint64_t word) { return (enum rw_role)(word & 15); }
static inline enum rw_mode rw_mode_of(uint64_t word) { return (enum rw_mode)(word >> 4 & 15); }
static inline uint64_t rw_epoch_of(uint64_t word) { return word >> 8; }

/* One cell of a ring indexed by log sequence. The tag makes a torn or overwritten cell visible. */
struct rw_seq_cell {
    _Atomic uint64_t sequence; /* 0 while it is being written */
    _Atomic uint64_t low, high;
    uint64_t reserved;
};

#define RW_SEQ_RING_CELLS 65536u

struct rw_seq_ring {
    struct rw_seq_cell cell[RW_SEQ_RING_CELLS];
};

/* rw_seq_ring_put stores (sequence → low, high). One writer. sequence ≥ 1. */
static inline void rw_seq_ring_put(struct rw_seq_ring *ring, uint64_t sequence, uint64_t low,
                                   uint64_t high) {
    struct rw_seq_cell *cell = &ring->cell[sequence % RW_SEQ_RING_CELLS];
    atomic_store_explicit(&cell->sequence, 0, memory_order_relaxed);
    /* Content is released after the tag 0: a reader whose acquire load sees any of it also sees
     * that the tag has changed. Release stores and not a fence, because TSan does not model
     * fences. */
    atomic_store_explicit(&cell->low, low, memory_order_release);
    atomic_store_explicit(&cell->high, high, memory_order_release);
    /* pairs with the acquire load of the tag in rw_seq_ring_get */
    atomic_store_explicit(&cell->sequence, sequence, memory_order_release);
}

/* rw_seq_ring_get reads the cell of a sequence; false when it is not there yet or overwritten. Any
 * thread. */
static inline bool rw_seq_ring_get(const struct rw_seq_ring *ring, uint64_t sequence, uint64_t *low,
                                   uint64_t *high) {
    const struct rw_seq_cell *cell = &ring->cell[sequence % RW_SEQ_RING_CELLS];
    if (atomic_load_explicit(&cell->sequence, memory_order_acquire) != sequence) return false;
    /* pair with the release stores of the content: they keep the second look at the tag behind
     * them */
    *low = atomic_load_explicit(&cell->low, memory_order_acquire);
    *high = atomic_load_explicit(&cell->high, memory_order_acquire);
    return atomic_load_explicit(&cell->sequence, memory_order_relaxed) == sequence;
}

/* All watermarks of one site, in one planned region. The comment names the single writer. */
struct rw_watermarks {
    struct rw_word role;       /* repl: rw_role_pack */
    struct rw_word role_start; /* repl */
    struct rw_word commit;     /* repl: highest log sequence whose results may be released */
    struct rw_word applied;    /* merge: highest n whose results are complete and hashed */
    struct rw_word stored;     /* deliver: highest n whose results stand in the result journal */
    struct rw_word released;   /* deliver: highest result sequence published */
    struct rw_word hurry;      /* enrich: 1 while the local feed is behind the log */
    struct rw_word file_clock; /* rx: all frames of captures up to this now_ns are in the links */
    struct rw_word live;       /* enrich: bit k: ticks of the k-th channel go straight to the log */
    struct rw_word refuse_intake; /* repl: 1 while the journal is at its low-water mark */
    struct rw_word throttle; /* repl: the sequencer works in one of 2^throttle slices of time */
    struct rw_word done[RW_SHARDS_MAX]; /* risk[k]: highest n fully applied, emitted or not */
    struct rw_seq_ring hash;            /* merge: n → running result hash rh(n) */
    struct rw_seq_ring arrival; /* enrich (leader) or repl (follower): n → arrival ns, 0 */
};
