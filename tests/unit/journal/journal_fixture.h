/* A journal in a folder of its own, filled with log entries whose bytes follow from their
 * sequence. */
#pragma once

#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dataplane/base/err.h"
#include "dataplane/base/rng.h"
#include "dataplane/journal/journal.h"
#include "dataplane/journal/reader.h"
#include "dataplane/record/entry.h"

/* A real disk needs many polls; a journal that is stuck still fails. */
#define POLLS_MAX 100000000

struct bench {
    char folder[64];
    struct rw_journal_cfg cfg;
    struct rw_disk *disk;
    struct rw_disk_faults faults;
    struct rw_journal *journal;
    struct rw_reader *reader;
    void *memory, *reader_memory;
    struct rw_journal_counters counters;
    struct rw_journal_gauges gauges;
    uint64_t now_ns;
    atomic_bool stop; /* for a thread beside */
};

static inline uint64_t test_seed(void) {
    const char *text = getenv("RW_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : 20261121;
    print_message("RW_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

static inline int remove_one(const char *path, const struct stat *stat, int kind,
                             struct FTW *walk) {
    return remove(path);
}

static inline void remove_folder(const char *folder) {
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Small segments and writes, so that rotation happens early. */
static inline void bench_make(struct bench *bench, uint64_t seed) {
    memset(bench, 0, sizeof *bench);
    strcpy(bench->folder, "/tmp/rw_journal_XXXXXX");
    assert_non_null(mkdtemp(bench->folder));
    bench->cfg = rw_journal_defaults(RW_JOURNAL_LOG, bench->folder);
    bench->cfg.write_bytes = 64u << 10;
    bench->cfg.segment_bytes = 256u << 10;
    bench->cfg.index_rows = 64;
    bench->faults.seed = seed;
    bench->memory = aligned_alloc(4096, rw_journal_footprint(&bench->cfg));
    bench->reader_memory = aligned_alloc(4096, rw_reader_footprint(&bench->cfg));
    assert_non_null(bench->memory);
    assert_non_null(bench->reader_memory);
}

static inline int bench_open(struct bench *bench, enum rw_journal_open mode, uint64_t promised) {
    bench->disk = rw_disk_open_fake(&bench->faults);
    bench->faults.seed++;
    int rc = rw_journal_open(&bench->journal, bench->memory, &bench->cfg, mode, promised,
                             bench->disk, &bench->counters, &bench->gauges);
    if (rc) {
        rw_disk_close(bench->disk);
        return rc;
    }
    bench->reader = rw_reader_new(bench->reader_memory, &bench->cfg, bench->journal);
    return 0;
}

static inline void bench_close(struct bench *bench) {
    assert_int_equal(rw_journal_close(bench->journal), 0);
    rw_disk_close(bench->disk);
}

/* What a power cut leaves. */
static inline void bench_crash(struct bench *bench) {
    rw_disk_fake_crash(bench->disk);
    rw_journal_abandon(bench->journal);
    rw_disk_close(bench->disk);
}

static inline void bench_free(struct bench *bench) {
    remove_folder(bench->folder);
    free(bench->memory);
    free(bench->reader_memory);
}

static inline void poll_once(struct bench *bench) {
    bench->now_ns += 1000000;
    rw_journal_poll(bench->journal, bench->now_ns);
    while (rw_journal_cold_step(bench->journal, bench->now_ns) == 1) {
    }
}

static inline void settle(struct bench *bench) {
    for (int i = 0; i < POLLS_MAX && !rw_journal_settled(bench->journal); i++) poll_once(bench);
    assert_true(rw_journal_settled(bench->journal));
}

/* The entry that stands at a sequence, and (salt) in which history. */
static inline uint32_t make_entry(uint8_t bytes[RW_SLOT_BYTES * RW_ENTRY_SLOTS_MAX],
                                  uint64_t sequence, uint64_t salt) {
    struct rw_rng rng;
    rw_rng_seed(&rng, sequence * 31 + salt);
    uint32_t slots = (uint32_t)(1 + rw_rng_below(&rng, 3));
    for (uint32_t i = 0; i < slots * RW_SLOT_BYTES; i += 8) {
        uint64_t word = rw_rng_next(&rng);
        memcpy(bytes + i, &word, 8);
    }
    struct rw_entry head;
    memcpy(&head, bytes, sizeof head);
    head.sequence = sequence;
    head.slots = (uint8_t)slots;
    head.type = RW_ENTRY_TICK;
    head.version = RW_ENTRY_VERSION;
    memcpy(bytes, &head, sizeof head);
    return slots * RW_SLOT_BYTES;
}

static inline int append_entry(struct bench *bench, uint64_t sequence, uint64_t salt,
                               uint64_t epoch) {
    uint8_t bytes[RW_SLOT_BYTES * RW_ENTRY_SLOTS_MAX];
    uint32_t length = make_entry(bytes, sequence, salt);
    struct iovec part = {bytes, length};
    struct rw_journal_batch batch = {
        .first_sequence = sequence,
        .count = 1,
        .part_count = 1,
        .parts = &part,
        .epoch = epoch,
        .chain = rw_hash_chain(rw_journal_chain(bench->journal), bytes, length),
    };
    return rw_journal_append(bench->journal, &batch);
}

/* Appends first..last, polling when there is no room. */
static inline void append_range(struct bench *bench, uint64_t first, uint64_t last, uint64_t salt) {
    for (uint64_t sequence = first; sequence <= last; sequence++) {
        int rc;
        for (int tries = 0; (rc = append_entry(bench, sequence, salt, 1)) != 0 && tries < POLLS_MAX;
             tries++)
            poll_once(bench);
        assert_int_equal(rc, 0);
    }
}

/* Checks every item of a record against the history; returns the sequence after it. */
static inline uint64_t check_record(const struct rw_journal_record *record, uint64_t salt) {
    uint32_t at = 0;
    struct rw_hash chain = record->chain_before;
    for (uint32_t i = 0; i < record->count; i++) {
        uint8_t bytes[RW_SLOT_BYTES * RW_ENTRY_SLOTS_MAX];
        uint32_t length = make_entry(bytes, record->first_sequence + i, salt);
        assert_true(at + length <= record->bytes);
        assert_memory_equal(record->payload + at, bytes, length);
        chain = rw_hash_chain(chain, bytes, length);
        at += length;
    }
    assert_int_equal(at, record->bytes);
    assert_true(rw_hash_equal(chain, record->chain));
    return record->first_sequence + record->count;
}

struct expectation {
    uint64_t next, salt, change_at; /* from change_at on the salt is salt + 1; 0 = never */
};

static inline int expect_record(void *context, const struct rw_journal_record *record) {
    struct expectation *expect = context;
    assert_int_equal(record->first_sequence, expect->next);
    bool later = expect->change_at && expect->next >= expect->change_at;
    expect->next = check_record(record, expect->salt + later);
    return 0;
}
