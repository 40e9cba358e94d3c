/* A binary heap of copies per session. Only one session can be ready at a time: the one that got
 * the last message, or at the end of the file the first that still holds something. */
#include "tools/riskwire/itch_order.h"

#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"

/* Longer than any ITCH message: of a longer one the head is kept, its length still tells it is
 * wrong. */
#define COPY_BYTES 64u

struct held {
    struct rw_itch_item item;
    uint8_t bytes[COPY_BYTES];
};

struct session {
    char name[10];
    bool started;
    uint64_t expected;
    uint32_t count, room;
    struct held *heap;
};

struct rw_itch_order {
    struct rw_itch_file *file;
    struct rw_itch_order_count count;
    bool at_end;
    uint32_t sessions, current;
    struct session session[RW_ITCH_ORDER_SESSIONS_MAX];
    struct held out;
};

static void *must(void *memory) {
    RW_ASSERT(memory);
    return memory;
}

struct rw_itch_order *rw_itch_order_new(struct rw_itch_file *file) {
    struct rw_itch_order *order = must(calloc(1, sizeof *order));
    order->file = file;
    return order;
}

static void heap_push(struct session *session, const struct rw_itch_item *item) {
    if (session->count == session->room) {
        session->room = session->room ? 2 * session->room : 256;
        session->heap = must(realloc(session->heap, session->room * sizeof *session->heap));
    }
    uint32_t at = session->count++;
    while (at > 0 && session->heap[(at - 1) / 2].item.sequence > item->sequence) {
        session->heap[at] = session->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    struct held *held = &session->heap[at];
    held->item = *item;
    memcpy(held->bytes, item->message, item->bytes < COPY_BYTES ? item->bytes : COPY_BYTES);
}

static void heap_pop(struct session *session, struct held *out) {
    struct held *heap = session->heap;
    *out = heap[0];
    out->item.message = out->bytes;
    const struct held *last = &heap[--session->count];
    uint32_t at = 0;
    for (uint32_t child; (child = 2 * at + 1) < session->count; at = child) {
        if (child + 1 < session->count && heap[child + 1].item.sequence < heap[child].item.sequence)
            child++;
        if (heap[child].item.sequence >= last->item.sequence) break;
        heap[at] = heap[child];
    }
    heap[at] = *last;
}

static struct session *session_of(struct rw_itch_order *order, const char name[10]) {
    for (uint32_t i = 0; i < order->sessions; i++) {
        uint32_t at = (order->current + i) % order->sessions;
        if (memcmp(order->session[at].name, name, 10) == 0) {
            order->current = at;
            return &order->session[at];
        }
    }
    if (order->sessions == RW_ITCH_ORDER_SESSIONS_MAX) return NULL;
    order->current = order->sessions++;
    struct session *session = &order->session[order->current];
    memcpy(session->name, name, sizeof session->name);
    return session;
}

/* Takes the next message of a session's heap if it may go out now. */
static bool release(struct rw_itch_order *order, struct session *session, struct held *out) {
    while (session->count) {
        uint64_t next = session->heap[0].item.sequence;
        bool forced = order->at_end || session->count == RW_ITCH_ORDER_HELD_MAX;
        if (!session->started && (next == 1 || forced)) {
            session->started = true;
            session->expected = next;
        }
        if (!session->started || (next > session->expected && !forced)) return false;
        heap_pop(session, out);
        if (next < session->expected) {
            order->count.duplicates++;
            continue;
        }
        order->count.missing += next - session->expected;
        session->expected = next + 1;
        return true;
    }
    return false;
}

static bool release_any(struct rw_itch_order *order, struct held *out) {
    if (!order->at_end)
        return order->sessions && release(order, &order->session[order->current], out);
    for (uint32_t i = 0; i < order->sessions; i++)
        if (release(order, &order->session[i], out)) return true;
    return false;
}

int rw_itch_order_next(struct rw_itch_order *order, struct rw_itch_item *item) {
    for (;;) {
        if (release_any(order, &order->out)) {
            *item = order->out.item;
            return 1;
        }
        if (order->at_end) return 0;
        int rc = rw_itch_file_next(order->file, item);
        if (rc < 0) return rc;
        if (rc == 0) {
            order->at_end = true;
            continue;
        }
        if (!item->sequenced) return 1;
        struct session *session = session_of(order, item->session);
        if (!session) {
            order->count.ignored++;
        } else if (session->started && item->sequence < session->expected) {
            order->count.duplicates++;
        } else if (session->started && item->sequence == session->expected) {
            session->expected++;
            return 1;
        } else {
            heap_push(session, item);
        }
    }
}

struct rw_itch_order_count rw_itch_order_counted(const struct rw_itch_order *order) {
    return order->count;
}

void rw_itch_order_free(struct rw_itch_order *order) {
    for (uint32_t i = 0; i < order->sessions; i++) free(order->session[i].heap);
    free(order);
}
