/* Two streams in memory, on one thread: each direction is a bounded ring, each call moves a
 * seeded part. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/rng.h"
#include "dataplane/io/stream.h"

struct lane {
    uint64_t head, tail; /* bytes ever written, read */
    uint8_t *bytes;
};

struct pair {
    struct end {
        struct rw_stream stream; /* first: the caller's view */
        struct pair *pair;
        uint32_t side;
        bool closed;
    } end[2];
    struct lane lane[2]; /* lane[i] is written by end[i] */
    uint32_t capacity;
    struct rw_rng rng;
    bool partial, cut;
};

static uint32_t part(struct pair *pair, uint64_t possible) {
    if (!pair->partial || possible == 0) return (uint32_t)possible;
    return (uint32_t)rw_rng_below(&pair->rng, possible + 1);
}

static int32_t gone(struct rw_stream *stream, int cause, const char *why) {
    if (!stream->why[0]) snprintf(stream->why, sizeof stream->why, "%s", why);
    return -cause;
}

static int32_t pair_send(struct rw_stream *stream, const void *bytes, uint32_t count) {
    struct end *end = (struct end *)stream;
    struct pair *pair = end->pair;
    struct lane *lane = &pair->lane[end->side];
    RW_ASSERT(count > 0 && !end->closed);
    if (pair->cut) return gone(stream, ECONNRESET, "the connection was cut");
    if (pair->end[1 - end->side].closed) return gone(stream, EPIPE, "the peer has closed");
    uint64_t room = pair->capacity - (lane->head - lane->tail);
    uint32_t moved = part(pair, count < room ? count : room);
    for (uint32_t i = 0; i < moved; i++)
        lane->bytes[lane->head++ % pair->capacity] = ((const uint8_t *)bytes)[i];
    return (int32_t)moved;
}

static int32_t pair_recv(struct rw_stream *stream, void *bytes, uint32_t count) {
    struct end *end = (struct end *)stream;
    struct pair *pair = end->pair;
    struct lane *lane = &pair->lane[1 - end->side];
    RW_ASSERT(count > 0 && !end->closed);
    if (pair->cut) return gone(stream, ECONNRESET, "the connection was cut");
    uint64_t there = lane->head - lane->tail;
    if (there == 0 && pair->end[1 - end->side].closed)
        return gone(stream, EPIPE, "the peer has closed");
    uint32_t moved = part(pair, count < there ? count : there);
    for (uint32_t i = 0; i < moved; i++)
        ((uint8_t *)bytes)[i] = lane->bytes[lane->tail++ % pair->capacity];
    return (int32_t)moved;
}

static void pair_close(struct rw_stream *stream) {
    struct end *end = (struct end *)stream;
    struct pair *pair = end->pair;
    RW_ASSERT(!end->closed);
    end->closed = true;
    if (!pair->end[1 - end->side].closed) return;
    free(pair->lane[0].bytes);
    free(pair->lane[1].bytes);
    free(pair);
}

static const struct rw_stream_ops pair_ops = {pair_send, pair_recv, pair_close};

int rw_stream_pair(struct rw_stream *ends[2], uint32_t capacity, uint64_t seed) {
    struct pair *pair = calloc(1, sizeof *pair);
    if (!pair) return -ENOMEM;
    pair->capacity = capacity;
    pair->partial = seed != 0;
    rw_rng_seed(&pair->rng, seed);
    for (uint32_t i = 0; i < 2; i++) {
        pair->end[i] =
            (struct end){.stream = {.ops = &pair_ops, .fd = -1}, .pair = pair, .side = i};
        pair->lane[i].bytes = malloc(capacity);
        ends[i] = &pair->end[i].stream;
    }
    if (pair->lane[0].bytes && pair->lane[1].bytes) return 0;
    free(pair->lane[0].bytes);
    free(pair->lane[1].bytes);
    free(pair);
    return -ENOMEM;
}

void rw_stream_pair_cut(struct rw_stream *end) {
    RW_ASSERT(end->ops == &pair_ops);
    ((struct end *)end)->pair->cut = true;
}
