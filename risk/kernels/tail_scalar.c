/* The kernel without vectors: a partial quicksort of a copy. Also what the wide ones fall back to
 * when a tail is a large part of its vector. */
#include <string.h>

#include "dataplane/base/assert.h"
#include "risk/kernels/tail.h"

static int64_t middle(int64_t a, int64_t b, int64_t c) {
    if (a > b) {
        int64_t swap = a;
        a = b;
        b = swap;
    }
    return c < a ? a : c > b ? b : c;
}

/* put_smallest_first orders values so that the k smallest stand in front; k ≤ count. Each turn
 * splits what is left in three, and goes on with the part that the border lies in. */
static void put_smallest_first(int64_t *values, uint32_t count, uint32_t k) {
    uint32_t first = 0, end = count;
    while (end - first > 1) {
        int64_t pivot = middle(values[first], values[first + (end - first) / 2], values[end - 1]);
        uint32_t below = first, at = first, above = end;
        while (at < above) {
            int64_t value = values[at];
            if (value < pivot) {
                values[at++] = values[below];
                values[below++] = value;
            } else if (value > pivot) {
                values[at] = values[--above];
                values[above] = value;
            } else {
                at++;
            }
        }
        if (k < below)
            end = below;
        else if (k > above)
            first = above;
        else
            return;
    }
}

static int64_t largest(const int64_t *values, uint32_t count) {
    int64_t value = values[0];
    for (uint32_t i = 1; i < count; i++)
        if (values[i] > value) value = values[i];
    return value;
}

void rw_tail_scalar(const int64_t *vector, uint32_t count, struct rw_tail_ranks ranks,
                    int64_t *work, struct rw_tail *tail) {
    RW_ASSERT(count >= 1 && count <= RW_TAIL_MAX);
    RW_ASSERT(ranks.value >= 1 && ranks.value <= count && ranks.mean >= 1 && ranks.mean <= count);
    memcpy(work, vector, count * sizeof *work);
    put_smallest_first(work, count, ranks.mean);
    tail->total = 0;
    for (uint32_t i = 0; i < ranks.mean; i++) tail->total += work[i];
    put_smallest_first(work, count, ranks.value);
    tail->value = largest(work, ranks.value);
}
