/* The wide tail kernels, written once: the includer defines TAIL_NAME and the lane operations
 * (ints, INTS, ints_load, ints_store, ints_all, ints_min, ints_tally, ints_reached, not_above).
 *
 * Every 8·G-th value falls into one group; the m-th smallest of the groups' minima bounds the m-th
 * smallest value, so what lies at or below it (some more than m) holds the whole tail. Bits of 64
 * comparisons are collected in a word, so a branch is taken per candidate, not per vector. */
#pragma once

#include <string.h>

#include "dataplane/base/assert.h"
#include "risk/kernels/tail.h"

#define GROUPS_MAX (128u / INTS)
/* The largest tail that the groups can bound, and the fewest values a group should have. */
#define TAIL_LARGEST ((GROUPS_MAX - 1) * INTS)
#define GROUP_LEAST  4u

static inline int64_t least_of(ints value) {
    _Alignas(64) int64_t lane[INTS];
    ints_store(lane, value);
    int64_t least = lane[0];
    for (uint32_t i = 1; i < INTS; i++) least = lane[i] < least ? lane[i] : least;
    return least;
}

/* pick stores the rank[0]-th and the rank[1]-th smallest (from 1) of `count` values, followed by
 * padding to whole lanes. The r-th smallest is the least value that r values do not exceed, so it
 * suffices to count, for all lanes at once; quadratic, but there are only two or three dozen. */
static inline void pick(const int64_t *values, uint32_t count, const uint32_t rank[2],
                        int64_t picked[2]) {
    ints first = ints_all(RW_TAIL_PADDING), second = first;
    ints wanted[2] = {ints_all(rank[0]), ints_all(rank[1])};
    for (uint32_t k = 0; k < count; k += INTS) {
        ints some = ints_load(values + k), up_to = ints_all(0);
        for (uint32_t i = 0; i < count; i++) up_to = ints_tally(up_to, ints_all(values[i]), some);
        first = ints_min(first, ints_reached(up_to, wanted[0], some));
        second = ints_min(second, ints_reached(up_to, wanted[1], some));
    }
    picked[0] = least_of(first);
    picked[1] = least_of(second);
}

/* bound with the number of groups as a constant, so that the minima stay in registers. */
static inline __attribute__((always_inline)) int64_t
bound_by(const int64_t *vector, uint32_t padded, uint32_t rank, uint32_t groups) {
    _Alignas(64) int64_t least[GROUPS_MAX * INTS];
    uint32_t i = 0;
    int64_t picked[2];
    ints minimum[GROUPS_MAX];
#pragma GCC unroll 8
    for (uint32_t g = 0; g < groups; g++) minimum[g] = ints_all(RW_TAIL_PADDING);
    for (; i + groups * INTS <= padded; i += groups * INTS)
#pragma GCC unroll 8
        for (uint32_t g = 0; g < groups; g++)
            minimum[g] = ints_min(minimum[g], ints_load(vector + i + g * INTS));
    for (; i < padded; i += INTS) minimum[0] = ints_min(minimum[0], ints_load(vector + i));
#pragma GCC unroll 8
    for (uint32_t g = 0; g < groups; g++) ints_store(least + g * INTS, minimum[g]);
    pick(least, groups * INTS, (const uint32_t[2]){rank, rank}, picked);
    return picked[0];
}

static inline int64_t bound(const int64_t *vector, uint32_t padded, uint32_t rank) {
    switch ((rank + INTS - 1) / INTS + 1) {
    case 2:
        return bound_by(vector, padded, rank, 2);
    case 3:
        return bound_by(vector, padded, rank, 3);
    case 4:
        return bound_by(vector, padded, rank, 4);
    case 5:
        return bound_by(vector, padded, rank, 5);
    default:
        return bound_by(vector, padded, rank, rank <= 56 ? 64u / INTS : GROUPS_MAX);
    }
}

/* collect copies what is not above the bound; returns how many. */
static inline uint32_t collect(const int64_t *vector, uint32_t padded, int64_t most, int64_t *to) {
    ints edge = ints_all(most);
    uint32_t count = 0;
    for (uint32_t at = 0; at < padded; at += 64) {
        uint64_t bits = 0;
        uint32_t end = padded - at < 64 ? padded - at : 64;
#pragma GCC unroll 8
        for (uint32_t k = 0; k < end; k += INTS)
            bits |= (uint64_t)not_above(ints_load(vector + at + k), edge) << k;
        for (; bits; bits &= bits - 1) to[count++] = vector[at + (uint32_t)__builtin_ctzll(bits)];
    }
    return count;
}

void TAIL_NAME(const int64_t *vector, uint32_t count, struct rw_tail_ranks ranks, int64_t *work,
               struct rw_tail *tail) {
    uint32_t largest = ranks.value > ranks.mean ? ranks.value : ranks.mean;
    if (largest > TAIL_LARGEST || count < GROUP_LEAST * (largest + 2 * INTS)) {
        rw_tail_scalar(vector, count, ranks, work, tail);
        return;
    }
    RW_ASSERT(ranks.value >= 1 && ranks.mean >= 1 && count <= RW_TAIL_MAX);
    uint32_t padded = RW_TAIL_PADDED(count);
    uint32_t found = collect(vector, padded, bound(vector, padded, largest), work);
    for (uint32_t i = 0; i < INTS; i++) work[found + i] = RW_TAIL_PADDING;
    int64_t picked[2];
    pick(work, found, (const uint32_t[2]){ranks.value, ranks.mean}, picked);
    tail->value = picked[0];
    /* all below the border, and as many of its equals as are missing */
    __int128 total = (__int128)picked[1] * ranks.mean;
    for (uint32_t i = 0; i < found; i++)
        if (work[i] < picked[1]) total += (__int128)work[i] - picked[1];
    tail->total = total;
}
