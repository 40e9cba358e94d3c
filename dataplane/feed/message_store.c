#include "dataplane/feed/message_store.h"

#include <string.h>

#include "dataplane/base/assert.h"

#define BYTES_MIN (UINT64_C(128) << 10) /* the longest block fits in it twice */
#define NOTHING   UINT64_MAX            /* a hole, or a place never used */

struct rw_store {
    struct rw_store_counters *counters;
    uint64_t bytes_mask;
    uint64_t place_mask;
    uint64_t head; /* where the next block goes; runs freely, like the places */
    uint64_t next; /* sequence after the newest; 0: nothing was put yet */
    char session[RW_MOLD_SESSION_BYTES];
    uint64_t *place; /* of each message's block; [sequence & place_mask] */
    uint8_t *blocks;
};

static size_t rounded(size_t bytes) { return (bytes + 63) & ~(size_t)63; }
static bool is_power(uint64_t value) { return value && (value & (value - 1)) == 0; }

size_t rw_store_footprint(const struct rw_store_cfg *cfg) {
    return rounded(sizeof(struct rw_store)) + rounded(cfg->messages * sizeof(uint64_t)) +
           (size_t)cfg->bytes;
}

static void forget(struct rw_store *store) {
    memset(store->place, 0xff, (store->place_mask + 1) * sizeof *store->place);
    store->head = store->next = 0;
}

struct rw_store *rw_store_new(void *memory, const struct rw_store_cfg *cfg,
                              struct rw_store_counters *counters) {
    RW_ASSERT(is_power(cfg->bytes) && cfg->bytes >= BYTES_MIN && cfg->bytes <= UINT64_C(1) << 40);
    RW_ASSERT(is_power(cfg->messages) && ((uintptr_t)memory & 63) == 0);
    struct rw_store *store = memory;
    *store = (struct rw_store){
        .counters = counters, .bytes_mask = cfg->bytes - 1, .place_mask = cfg->messages - 1};
    uint8_t *at = (uint8_t *)memory + rounded(sizeof *store);
    store->place = (void *)at;
    store->blocks = at + rounded(cfg->messages * sizeof(uint64_t));
    forget(store);
    return store;
}

void rw_store_begin(struct rw_store *store, const char session[RW_MOLD_SESSION_BYTES]) {
    memcpy(store->session, session, sizeof store->session);
    forget(store);
}

/* leave_hole marks the places from `next` to `sequence` as empty; older ones are out of reach
 * anyway. */
static void leave_hole(struct rw_store *store, uint64_t sequence) {
    uint64_t hole = sequence - store->next;
    if (hole > store->place_mask) hole = store->place_mask + 1;
    for (uint64_t i = 1; i <= hole; i++) store->place[(sequence - i) & store->place_mask] = NOTHING;
}

void rw_store_put(struct rw_store *store, uint64_t sequence, const void *bytes, uint16_t count) {
    RW_ASSERT(sequence >= store->next);
    if (sequence > store->next && store->next > 0) leave_hole(store, sequence);
    /* A block never runs over the end of the ring, so that an answer copies it in one piece. */
    uint64_t size = RW_MOLD_LENGTH_BYTES + (uint64_t)count;
    uint64_t left = store->bytes_mask + 1 - (store->head & store->bytes_mask);
    if (left < size) store->head += left;
    uint8_t *block = store->blocks + (store->head & store->bytes_mask);
    rw_store_be16(block, count);
    if (count > 0) memcpy(block + RW_MOLD_LENGTH_BYTES, bytes, count);
    store->place[sequence & store->place_mask] = store->head;
    store->head += size;
    store->next = sequence + 1;
    rw_stat_add(&store->counters->stored, 1);
}

bool rw_store_find(const struct rw_store *store, uint64_t sequence, struct rw_block *message) {
    if (sequence >= store->next || store->next - sequence > store->place_mask + 1) return false;
    uint64_t at = store->place[sequence & store->place_mask];
    if (at == NOTHING || store->head - at > store->bytes_mask + 1) return false;
    const uint8_t *block = store->blocks + (at & store->bytes_mask);
    *message = (struct rw_block){
        .bytes = block + RW_MOLD_LENGTH_BYTES, .sequence = sequence, .count = rw_load_be16(block)};
    return true;
}

/* Where an answer is looked for. */
struct source {
    const struct rw_store *store;
    rw_store_more *more;
    const void *from;
};

static bool find(const struct source *source, uint64_t sequence, struct rw_block *message) {
    if (rw_store_find(source->store, sequence, message)) return true;
    return source->more && source->more(source->from, sequence, message);
}

size_t rw_store_answer(struct rw_store *store, const void *request, size_t request_bytes,
                       void *packet, size_t capacity, rw_store_more *more, const void *from) {
    struct source source = {store, more, from};
    struct rw_mold_request wanted;
    struct rw_mold_writer writer;
    struct rw_block message;
    rw_stat_add(&store->counters->requests, 1);
    if (!rw_mold_decode_request(request, request_bytes, &wanted) ||
        wanted.sequence > UINT64_MAX - 2 * RW_MOLD_END_OF_SESSION) {
        rw_stat_add(&store->counters->malformed, 1);
        return 0;
    }
    if (memcmp(wanted.session, store->session, sizeof store->session) != 0) {
        rw_stat_add(&store->counters->wrong_session, 1);
        return 0;
    }
    rw_mold_begin(&writer, packet, capacity, store->session, wanted.sequence);
    while (writer.count < wanted.count && find(&source, wanted.sequence + writer.count, &message))
        if (!rw_mold_add(&writer, message.bytes, (uint16_t)message.count)) break;
    rw_stat_add(writer.count > 0 ? &store->counters->answered : &store->counters->not_here, 1);
    rw_stat_add(&store->counters->messages_sent, writer.count);
    return rw_mold_end(&writer);
}
