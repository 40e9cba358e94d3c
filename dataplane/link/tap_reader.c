/* The reader's side of the taps. Everything in the file is checked once, at open; what a record
 * says of its length is checked before it is believed. */
#include "dataplane/link/tap_reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/err.h"

#define WORD sizeof(uint64_t)
#define PAGE 4096u

struct rw_tap_reader {
    struct rw_shared shared;
    struct rw_taps_file *file;
    uint32_t count;
    uint64_t ring_bytes, rings_at;
    uint64_t position[RW_TAPS_MAX]; /* bytes */
};

static const char *check(struct rw_tap_reader *reader) {
    const struct rw_taps_head *head = &reader->file->head;
    /* pairs with the release in rw_taps_create */
    if (atomic_load_explicit(&reader->file->head.magic, memory_order_acquire) != RW_TAPS_MAGIC)
        return "it holds no taps";
    if (head->version != RW_TAPS_VERSION) return "it was written by another version of riskwired";
    reader->count = head->count;
    reader->ring_bytes = head->ring_bytes;
    if (reader->count == 0 || reader->count > RW_TAPS_MAX) return "its number of taps is damaged";
    if (reader->ring_bytes < RW_TAP_RING_BYTES_MIN || reader->ring_bytes > RW_TAP_RING_BYTES_MAX ||
        (reader->ring_bytes & (reader->ring_bytes - 1)))
        return "the size of its rings is damaged";
    uint64_t heads = sizeof *reader->file + reader->count * sizeof(struct rw_tap_head);
    reader->rings_at = (heads + PAGE - 1) / PAGE * PAGE;
    if (reader->shared.bytes < reader->rings_at + reader->count * reader->ring_bytes)
        return "it is cut short";
    if (!memchr(head->site, 0, sizeof head->site)) return "the name of its site is damaged";
    for (uint32_t i = 0; i < reader->count; i++) {
        const struct rw_tap_row *row = &reader->file->tap[i].row;
        if (!memchr(row->name, 0, sizeof row->name) || !memchr(row->detail, 0, sizeof row->detail))
            return "the name of a tap is damaged";
        if (row->kind != RW_TAP_FRAMES && row->kind != RW_TAP_SLOTS)
            return "the kind of a tap is unknown";
    }
    return NULL;
}

int rw_tap_reader_open(const char *path, struct rw_tap_reader **reader) {
    struct rw_tap_reader *candidate = calloc(1, sizeof *candidate);
    if (!candidate) return rw_err_set(ENOMEM, "no memory to read taps");
    int rc = rw_shared_attach(&candidate->shared, path, sizeof(struct rw_taps_file),
                              sizeof(struct rw_taps_wants));
    if (rc) {
        free(candidate);
        return rc;
    }
    candidate->file = (struct rw_taps_file *)candidate->shared.map;
    const char *wrong = check(candidate);
    if (wrong) {
        rw_tap_reader_close(candidate);
        return rw_err_set(EINVAL, "%s cannot be read: %s", path, wrong);
    }
    *reader = candidate;
    return 0;
}

void rw_tap_reader_close(struct rw_tap_reader *reader) {
    if (!reader) return;
    rw_shared_unmap(&reader->shared);
    free(reader);
}

uint32_t rw_tap_reader_count(const struct rw_tap_reader *reader) { return reader->count; }

const struct rw_tap_row *rw_tap_reader_row(const struct rw_tap_reader *reader, uint32_t index) {
    RW_ASSERT(index < reader->count);
    return &reader->file->tap[index].row;
}

uint64_t rw_tap_reader_pid(const struct rw_tap_reader *reader) { return reader->file->head.pid; }
const char *rw_tap_reader_site(const struct rw_tap_reader *reader) {
    return reader->file->head.site;
}

bool rw_tap_reader_closed(const struct rw_tap_reader *reader) {
    /* pairs with the release in rw_taps_close */
    return atomic_load_explicit(&reader->file->head.closed, memory_order_acquire) != 0;
}

uint64_t rw_tap_reader_unix_ns(const struct rw_tap_reader *reader,
                               const struct rw_tap_record *record) {
    if (record->flags & RW_TAP_UNIX) return record->time_ns;
    return record->time_ns +
           atomic_load_explicit(&reader->file->head.unix_minus_site_ns, memory_order_relaxed);
}

void rw_tap_reader_ask(struct rw_tap_reader *reader, uint32_t index) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    atomic_store_explicit(&reader->file->wants.renewed_ns[index],
                          (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec,
                          memory_order_relaxed);
}

bool rw_tap_reader_wanted(const struct rw_tap_reader *reader, uint32_t index) {
    /* pairs with the release in rw_tap_look */
    return atomic_load_explicit(&reader->file->tap[index].wanted, memory_order_acquire) != 0;
}

uint64_t rw_tap_reader_passed(const struct rw_tap_reader *reader, uint32_t index) {
    return atomic_load_explicit(&reader->file->tap[index].passed, memory_order_relaxed);
}

static uint64_t written(const struct rw_tap_reader *reader, uint32_t index) {
    /* pairs with the release in rw_tap_put */
    return atomic_load_explicit(&reader->file->tap[index].written, memory_order_acquire);
}

void rw_tap_reader_begin(struct rw_tap_reader *reader, uint32_t index) {
    reader->position[index] = written(reader, index);
}

/* Copies from a byte position of the ring, a multiple of a word. */
static void load_words(const struct rw_tap_reader *reader, uint32_t index, uint64_t position,
                       void *to, uint32_t bytes) {
    const _Atomic uint64_t *ring =
        (const _Atomic uint64_t *)(const void *)(reader->shared.map + reader->rings_at +
                                                 index * reader->ring_bytes);
    uint64_t mask = reader->ring_bytes / WORD - 1, at = position / WORD;
    for (uint8_t *byte = to; bytes; at++) {
        /* pairs with the release of that word in store_words: whoever sees a word of a later record
         * also sees the claim that covers it */
        uint64_t word = atomic_load_explicit(&ring[at & mask], memory_order_acquire);
        uint32_t take = bytes < WORD ? bytes : (uint32_t)WORD;
        memcpy(byte, &word, take);
        byte += take;
        bytes -= take;
    }
}

/* True when nothing from this position on had been overwritten by the time it was copied. */
static bool intact(const struct rw_tap_reader *reader, uint32_t index, uint64_t position) {
    uint64_t claimed =
        atomic_load_explicit(&reader->file->tap[index].claimed, memory_order_relaxed);
    return claimed - position <= reader->ring_bytes;
}

int rw_tap_reader_next(struct rw_tap_reader *reader, uint32_t index, struct rw_tap_record *record,
                       void *bytes) {
    uint64_t position = reader->position[index], end = written(reader, index);
    if (position == end) return 0;
    bool whole = end - position <= reader->ring_bytes;
    if (whole) {
        load_words(reader, index, position, record, sizeof *record);
        whole = intact(reader, index, position) && record->bytes <= RW_TAP_RECORD_BYTES_MAX;
    }
    if (whole) {
        load_words(reader, index, position + sizeof *record, bytes, record->bytes);
        whole = intact(reader, index, position);
    }
    if (!whole) {
        rw_tap_reader_begin(reader, index);
        return -EOVERFLOW;
    }
    reader->position[index] = position + sizeof *record + (record->bytes + WORD - 1) / WORD * WORD;
    return 1;
}
