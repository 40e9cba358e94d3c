/* The messages of a file in venue order: each (session, sequence) once, however often and however
 * mixed up its lines have it.
 *
 *   file ─► next expected? ─► out          earlier ─► duplicate, counted
 *              └─ later ─► heap of the session ─► out when its turn comes, or when the heap is full
 *
 * Unsequenced messages come out as they come in. A session starts at sequence 1 or, in a capture
 * that begins in the middle, at the smallest number met before the heap is full or the file ends.
 */
#pragma once

#include "tools/riskwire/itch_file.h"

/* Messages one session may hold back before it gives a gap up. */
#define RW_ITCH_ORDER_HELD_MAX     65536u
#define RW_ITCH_ORDER_SESSIONS_MAX 32u

struct rw_itch_order; /* opaque */

struct rw_itch_order_count {
    uint64_t duplicates; /* also messages that came after their gap was given up */
    uint64_t missing; /* sequence numbers never seen between the first and the last of a session */
    uint64_t ignored; /* messages of more sessions than the limit */
};

/* rw_itch_order_new puts an order on top of an open file, which stays the caller's. Never fails
 * but for memory, which aborts: offline tools only. rw_itch_order_free frees it. */
struct rw_itch_order *rw_itch_order_new(struct rw_itch_file *file);
/* rw_itch_order_next is rw_itch_file_next in venue order: 1, 0 at the end, or -errno with an
 * error set. */
int rw_itch_order_next(struct rw_itch_order *order, struct rw_itch_item *item);
struct rw_itch_order_count rw_itch_order_counted(const struct rw_itch_order *order);
void rw_itch_order_free(struct rw_itch_order *order);
