/* The writer's side of the taps. The order that a reader relies on: claimed, then the words, then
 * written. Whoever sees a word of a new record also sees the claim that covers it. */
#include "dataplane/link/tap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/err.h"

#define WORD sizeof(uint64_t)
#define PAGE 4096u

static_assert(sizeof(struct rw_taps_wants) == RW_TAPS_WANTS_BYTES, "the wants are one page");
static_assert(RW_TAP_RING_BYTES_MIN >= 4 * (RW_TAP_RECORD_BYTES_MAX + 32), "");

static uint64_t rings_at(uint32_t count) {
    uint64_t heads = sizeof(struct rw_taps_file) + count * sizeof(struct rw_tap_head);
    return (heads + PAGE - 1) / PAGE * PAGE;
}

uint64_t rw_taps_footprint(const struct rw_taps_cfg *cfg) {
    return rings_at(cfg->count) + cfg->count * cfg->ring_bytes;
}

static int check(const struct rw_taps_cfg *cfg) {
    if (cfg->count == 0 || cfg->count > RW_TAPS_MAX)
        return rw_err_set(EINVAL, "%u taps, wanted 1 to %u", cfg->count, RW_TAPS_MAX);
    if (cfg->ring_bytes < RW_TAP_RING_BYTES_MIN || cfg->ring_bytes > RW_TAP_RING_BYTES_MAX ||
        (cfg->ring_bytes & (cfg->ring_bytes - 1)))
        return rw_err_set(EINVAL, "a tap's ring of %llu bytes: must be a power of two, %u to %llu",
                          (unsigned long long)cfg->ring_bytes, RW_TAP_RING_BYTES_MIN,
                          RW_TAP_RING_BYTES_MAX);
    for (uint32_t i = 0; i < cfg->count; i++)
        for (uint32_t k = 0; k < i; k++)
            if (!strcmp(cfg->row[i].name, cfg->row[k].name))
                return rw_err_set(EINVAL, "two taps are called '%s'", cfg->row[i].name);
    return 0;
}

int rw_taps_create(struct rw_taps *taps, const struct rw_taps_cfg *cfg) {
    memset(taps, 0, sizeof *taps);
    int rc = check(cfg);
    if (!rc) rc = rw_shared_make(&taps->shared, cfg->path, rw_taps_footprint(cfg), 0660);
    if (rc) return rw_err_add(rc, "the taps cannot be made");
    struct rw_taps_file *file = taps->file = (struct rw_taps_file *)taps->shared.map;
    file->head.version = RW_TAPS_VERSION;
    file->head.count = taps->count = cfg->count;
    file->head.pid = cfg->pid;
    file->head.ring_bytes = cfg->ring_bytes;
    snprintf(file->head.site, sizeof file->head.site, "%s", cfg->site);
    uint8_t *rings = taps->shared.map + rings_at(cfg->count);
    for (uint32_t i = 0; i < cfg->count; i++) {
        file->tap[i].row = cfg->row[i];
        taps->tap[i] =
            (struct rw_tap){.head = &file->tap[i],
                            .want = &file->wants.renewed_ns[i],
                            .ring = (_Atomic uint64_t *)(void *)(rings + i * cfg->ring_bytes),
                            .mask = cfg->ring_bytes / WORD - 1};
    }
    /* pairs with the acquire in rw_tap_reader_open */
    atomic_store_explicit(&file->head.magic, RW_TAPS_MAGIC, memory_order_release);
    return rw_shared_publish(&taps->shared, cfg->path);
}

struct rw_tap *rw_taps_find(struct rw_taps *taps, const char *name) {
    for (uint32_t i = 0; taps && i < taps->count; i++)
        if (!strcmp(taps->file->tap[i].row.name, name)) return &taps->tap[i];
    return NULL;
}

void rw_taps_clock(struct rw_taps *taps, uint64_t site_ns, uint64_t unix_ns) {
    atomic_store_explicit(&taps->file->head.unix_minus_site_ns, unix_ns - site_ns,
                          memory_order_relaxed);
}

void rw_taps_close(struct rw_taps *taps, const char *path) {
    if (!taps->file) return;
    /* pairs with the acquire in rw_tap_reader_closed: all records are there */
    atomic_store_explicit(&taps->file->head.closed, 1, memory_order_release);
    if (rw_shared_is_at(&taps->shared, path)) unlink(path);
    rw_shared_unmap(&taps->shared);
    *taps = (struct rw_taps){0};
}

void rw_tap_look(struct rw_tap *tap, uint64_t passed, uint64_t now_ns) {
    if (!tap) return;
    uint64_t want = atomic_load_explicit(tap->want, memory_order_relaxed);
    if (want != tap->want_seen) {
        tap->want_seen = want;
        tap->until_ns = now_ns + RW_TAP_LEASE_NS;
    }
    tap->on = now_ns < tap->until_ns;
    atomic_store_explicit(&tap->head->passed, passed, memory_order_relaxed);
    /* pairs with the acquire in rw_tap_reader_wanted: what passes from here on is copied */
    atomic_store_explicit(&tap->head->wanted, tap->on, memory_order_release);
}

/* A release store for every word: a fence would do as well, but TSan does not model fences. Plain
 * moves on x86. */
static void store_words(struct rw_tap *tap, uint64_t at, const void *from, uint32_t bytes) {
    const uint8_t *byte = from;
    for (uint32_t left = bytes; left; at++) {
        uint64_t word = 0;
        uint32_t take = left < WORD ? left : (uint32_t)WORD;
        if (take == WORD)
            memcpy(&word, byte, WORD);
        else
            memcpy(&word, byte, take);
        /* pairs with the acquire of that word in the reader's copy */
        atomic_store_explicit(&tap->ring[at & tap->mask], word, memory_order_release);
        byte += take;
        left -= take;
    }
}

void rw_tap_put(struct rw_tap *tap, const struct rw_tap_record *record, const void *bytes) {
    struct rw_tap_record head = *record;
    if (head.bytes > RW_TAP_RECORD_BYTES_MAX) head.bytes = RW_TAP_RECORD_BYTES_MAX;
    uint64_t at = tap->written, words = (head.bytes + WORD - 1) / WORD;
    tap->written = at + sizeof head + words * WORD;
    atomic_store_explicit(&tap->head->claimed, tap->written, memory_order_relaxed);
    store_words(tap, at / WORD, &head, sizeof head);
    store_words(tap, (at + sizeof head) / WORD, bytes, head.bytes);
    /* pairs with the acquire in rw_tap_reader_next: the words come before the index */
    atomic_store_explicit(&tap->head->written, tap->written, memory_order_release);
}
