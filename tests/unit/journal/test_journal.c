/* The journal as its owners use it: append, restart, truncate, fail. */
#include <pthread.h>
#include <sched.h>

#include "dataplane/journal/walk.h"
#include "tests/unit/journal/journal_fixture.h"

static void what_was_appended_is_there_after_a_restart(void **state) {
    struct bench bench;
    bench_make(&bench, 1);
    assert_int_equal(bench_open(&bench, RW_JOURNAL_KEEP, 0), 0);
    assert_int_equal(rw_journal_last(bench.journal), 0);
    uint64_t store_id = rw_journal_store_id(bench.journal);
    append_range(&bench, 1, 5000, 0);
    struct rw_hash chain = rw_journal_chain(bench.journal);
    bench_close(&bench);
    assert_int_equal(bench_open(&bench, RW_JOURNAL_KEEP, 5000), 0);
    assert_int_equal(rw_journal_first(bench.journal), 1);
    assert_int_equal(rw_journal_last(bench.journal), 5000);
    assert_int_equal(rw_journal_durable(bench.journal), 5000);
    assert_int_equal(rw_journal_torn_bytes(bench.journal), 0);
    assert_true(rw_journal_store_id(bench.journal) == store_id);
    assert_true(rw_hash_equal(rw_journal_chain(bench.journal), chain));
    append_range(&bench, 5001, 6000, 0);
    bench_close(&bench);
    struct expectation expect = {.next = 1};
    struct rw_journal_summary summary;
    assert_int_equal(rw_journal_scan(bench.folder, 6000, expect_record, &expect, &summary), 0);
    assert_int_equal(expect.next, 6001);
    assert_int_equal(summary.last, 6000);
    assert_true(summary.closed);
    assert_true(summary.segments > 2);
    bench_free(&bench);
}

static void a_fresh_journal_is_empty_and_has_a_new_identity(void **state) {
    struct bench bench;
    bench_make(&bench, 1);
    assert_int_equal(bench_open(&bench, RW_JOURNAL_KEEP, 0), 0);
    uint64_t store_id = rw_journal_store_id(bench.journal);
    append_range(&bench, 1, 5000, 0);
    bench_close(&bench);
    assert_int_equal(bench_open(&bench, RW_JOURNAL_FRESH, 0), 0);
    assert_int_equal(rw_journal_last(bench.journal), 0);
    assert_true(rw_journal_store_id(bench.journal) != store_id);
    bench_close(&bench);
    bench_free(&bench);
}

static void appends_during_a_write_leave_together_with_the_next(void **state) {
    struct bench bench;
    bench_make(&bench, 1);
    bench.faults.delay_max = 3;
    assert_int_equal(bench_open(&bench, RW_JOURNAL_KEEP, 0), 0);
    append_range(&bench, 1, 1, 0);
    rw_journal_poll(bench.journal, 1);
    append_range(&bench, 2, 100, 0);
    assert_int_equal(rw_journal_durable(bench.journal), 0);
    settle(&bench);
    assert_int_equal(rw_journal_durable(bench.journal), 100);
    assert_int_equal(rw_stat_get(&bench.counters.writes), 2);
    bench_close(&bench);
    bench_free(&bench);
}

static void an_append_within_the_room_never_fails(void **state) {
    struct bench bench;
    bench_make(&bench, test_seed());
    bench.faults.delay_max = 5;
    assert_int_equal(bench_open(&bench, RW_JOURNAL_KEEP, 0), 0);
    uint64_t refused = 0;
    for (uint64_t sequence = 1; sequence <= 8000;) {
        uint32_t room = rw_journal_room(bench.journal, 1);
        int rc = append_entry(&bench, sequence, 0, 1);
        if (room >= 3 * RW_SLOT_BYTES) assert_int_equal(rc, 0);
        if (rc == 0) sequence++;
        if (rc) {
            refused++;
            poll_once(&bench);
        }
    }
    assert_true(refused > 0);
    bench_close(&bench);
    bench_free(&bench);
}

static void a_record_ends_where_its_owner_says_and_keeps_the_note(void **state) {
    struct bench bench;
    bench_make(&bench, 1);
    assert_int_equal(bench_open(&bench, RW_JOURNAL_KEEP, 0), 0);
    uint8_t bytes[RW_SLOT_BYTES * RW_ENTRY_SLOTS_MAX], note[RW_JOURNAL_NOTE_BYTES];
    for (uint64_t sequence = 1; sequence <= 9; sequence++) {
        uint32_t length = make_entry(bytes, sequence, 0);
        struct iovec parts[2] = {{bytes, 20}, {bytes + 20, length - 20}};
        memset(note, (int)sequence, sizeof note);
        struct rw_journal_batch batch = {sequence, 1, 2, parts, 1, {0, 0}, note};
        batch.chain = rw_hash_chain(rw_journal_chain(bench.journal), bytes, length);
        assert_int_equal(rw_journal_append(bench.journal, &batch), 0);
        if (sequence % 3 == 0) rw_journal_end_record(bench.journal);
    }
    settle(&bench);
    assert_int_equal(rw_stat_get(&bench.counters.writes), 1);
    struct rw_journal_record record;
    for (uint64_t first = 1; first <= 7; first += 3) {
        while (rw_reader_next(bench.reader, &record) == 0) poll_once(&bench);
        assert_int_equal(record.first_sequence, first);
        assert_int_equal(record.count, 3);
        assert_int_equal(record.note[0], first + 2);
        assert_int_equal(check_record(&record, 0), first + 3);
    }
    bench_close(&bench);
    bench_free(&bench);
}

/* Reads from `from` to the durable end; returns the sequence after it. */
static uint64_t read_to_end(struct bench *bench, uint64_t from, uint64_t salt) {
    rw_reader_seek(bench->reader, from);
    uint64_t next = from;
    for (int idle = 0; idle < 100 && next <= rw_journal_durable(bench->journal); idle++) {
        struct rw_journal_record record;
        int rc = rw_reader_next(bench->reader, &record);
        assert_true(rc >= 0);
        poll_once(bench);
        if (rc == 0) continue;
        idle = 0;
        assert_true(record.first_sequence <= next);
        assert_true(rw_journal_skip(&record, RW_JOURNAL_LOG, next));
        next = check_record(&record, salt);
    }
    return next;
}

static void a_reader_finds_any_sequence_while_the_journal_is_written(void **state) {
    struct bench bench;
    uint64_t seed = test_seed();
    struct rw_rng rng;
    rw_rng_seed(&rng, seed);
    bench_make(&bench, seed);
    bench.faults.delay_max = 2;
    bench.faults.short_per_million = 200000;
    assert_int_equal(bench_open(&bench, RW_JOURNAL_KEEP, 0), 0);
    for (uint64_t last = 500; last <= 8000; last += 500) {
        append_range(&bench, last - 499, last, 0);
        while (rw_journal_durable(bench.journal) < last - 400) poll_once(&bench);
        uint64_t from = 1 + rw_rng_below(&rng, rw_journal_durable(bench.journal));
        uint64_t durable = rw_journal_durable(bench.journal);
        assert_true(read_to_end(&bench, from, 0) > durable);
    }
    assert_true(rw_stat_get(&bench.counters.short_writes) > 0);
    bench_close(&bench);
    bench_free(&bench);
}

static void many_small_records_outgrow_the_index_and_are_still_found(void **state) {
    struct bench bench;
    bench_make(&bench, 1);
    bench.cfg.segment_bytes = 4u << 20;
    assert_int_equal(bench_open(&bench, RW_JOURNAL_KEEP, 0), 0);
    for (uint64_t sequence = 1; sequence <= 200000; sequence += 1000) {
        append_range(&bench, sequence, sequence + 999, 0);
        settle(&bench);
    }
    for (uint64_t from = 1; from < 200000; from += 37777)
        assert_int_equal(read_to_end(&bench, from, 0), 200001);
    bench_close(&bench);
    bench_free(&bench);
}

static void a_truncation_voids_what_is_above_and_survives_a_restart(void **state) {
    struct bench bench;
    bench_make(&bench, 1);
    assert_int_equal(bench_open(&bench, RW_JOURNAL_KEEP, 0), 0);
    append_range(&bench, 1, 700, 0);
    struct rw_hash chain = rw_journal_chain(bench.journal);
    append_range(&bench, 701, 1000, 0);
    settle(&bench);
    rw_journal_set_acked(bench.journal, 900);
    assert_int_equal(rw_journal_truncate(bench.journal, 700, chain), 0);
    assert_int_equal(rw_journal_last(bench.journal), 700);
    assert_int_equal(rw_journal_durable(bench.journal), 700);
    assert_int_equal(rw_journal_acked(bench.journal), 700);
    settle(&bench);
    bench_crash(&bench);
    assert_int_equal(bench_open(&bench, RW_JOURNAL_KEEP, 700), 0);
    assert_int_equal(rw_journal_last(bench.journal), 700);
    assert_true(rw_hash_equal(rw_journal_chain(bench.journal), chain));
    assert_int_equal(read_to_end(&bench, 650, 0), 701);
    append_range(&bench, 701, 1500, 1);
    settle(&bench);
    assert_int_equal(read_to_end(&bench, 701, 1), 1501);
    bench_close(&bench);
    struct expectation expect = {.next = 1, .change_at = 701};
    struct rw_journal_summary summary;
    assert_int_equal(rw_journal_scan(bench.folder, 0, expect_record, &expect, &summary), 0);
    assert_int_equal(expect.next, 1501);
    assert_int_equal(summary.cuts, 1);
    bench_free(&bench);
}

static void a_journal_may_be_cut_to_nothing(void **state) {
    struct bench bench;
    bench_make(&bench, 1);
    assert_int_equal(bench_open(&bench, RW_JOURNAL_KEEP, 0), 0);
    append_range(&bench, 1, 10, 0);
    settle(&bench);
    assert_int_equal(rw_journal_truncate(bench.journal, 0, (struct rw_hash){0, 0}), 0);
    settle(&bench);
    assert_int_equal(rw_journal_first(bench.journal), 0);
    append_range(&bench, 1, 20, 7);
    bench_close(&bench);
    struct expectation expect = {.next = 1, .salt = 7};
    struct rw_journal_summary summary;
    assert_int_equal(rw_journal_scan(bench.folder, 20, expect_record, &expect, &summary), 0);
    assert_int_equal(expect.next, 21);
    bench_free(&bench);
}

static void one_cut_more_than_can_be_kept_makes_the_journal_bad(void **state) {
    struct bench bench;
    uint64_t last = 0;
    bench_make(&bench, 1);
    assert_int_equal(bench_open(&bench, RW_JOURNAL_KEEP, 0), 0);
    for (uint32_t cuts = 0; cuts <= RW_CUTS_MAX; cuts++) { /* each above the one before */
        append_range(&bench, last + 1, last + 1, 0);
        struct rw_hash chain = rw_journal_chain(bench.journal);
        append_range(&bench, last + 2, last + 2, 0);
        settle(&bench);
        int rc = rw_journal_truncate(bench.journal, ++last, chain);
        assert_int_equal(rc, cuts < RW_CUTS_MAX ? 0 : -EMLINK);
        settle(&bench);
    }
    assert_int_equal(rw_journal_error(bench.journal), -EMLINK);
    rw_journal_abandon(bench.journal);
    rw_disk_close(bench.disk);
    assert_int_equal(bench_open(&bench, RW_JOURNAL_KEEP, last), 0); /* and can still be read */
    assert_int_equal(rw_journal_last(bench.journal), last + 1);
    bench_close(&bench);
    bench_free(&bench);
}

static void a_reader_above_a_cut_is_told(void **state) {
    struct bench bench;
    bench_make(&bench, 1);
    assert_int_equal(bench_open(&bench, RW_JOURNAL_KEEP, 0), 0);
    append_range(&bench, 1, 10, 0);
    struct rw_hash chain = rw_journal_chain(bench.journal);
    append_range(&bench, 11, 20, 0);
    settle(&bench);
    assert_int_equal(read_to_end(&bench, 1, 0), 21);
    assert_int_equal(rw_journal_truncate(bench.journal, 10, chain), 0);
    struct rw_journal_record record;
    assert_int_equal(rw_reader_next(bench.reader, &record), -ESTALE);
    bench_close(&bench);
    bench_free(&bench);
}

/* A history of appends, cuts and restarts by crash must always equal the model: what was
 * durable stays. */
static void durable_items_survive_any_crash_and_cuts_hold(void **state) {
    uint64_t seed = test_seed();
    struct rw_rng rng;
    rw_rng_seed(&rng, seed);
    struct bench bench;
    bench_make(&bench, seed);
    bench.faults.delay_max = 3;
    bench.faults.short_per_million = 50000;
    static uint64_t salt_of[20000]; /* by sequence: the history that item belongs to */
    static struct rw_hash chain_of[20000];
    assert_int_equal(bench_open(&bench, RW_JOURNAL_KEEP, 0), 0);
    uint64_t torn = 0;
    for (uint64_t round = 1; round <= 120; round++) {
        uint64_t next = rw_journal_last(bench.journal) + 1, count = rw_rng_below(&rng, 300);
        for (; count && next < 19000; count--, next++) {
            append_range(&bench, next, next, salt_of[next] = round);
            chain_of[next] = rw_journal_chain(bench.journal);
            if (rw_rng_chance(&rng, 1, 20)) poll_once(&bench);
            if (rw_rng_chance(&rng, 1, 50)) rw_journal_end_record(bench.journal);
        }
        if (rw_rng_chance(&rng, 1, 4) && rw_journal_last(bench.journal) > 100) {
            uint64_t to = rw_journal_last(bench.journal) - rw_rng_below(&rng, 80);
            if (rw_journal_truncate(bench.journal, to, chain_of[to]) == 0) settle(&bench);
        }
        uint64_t durable = rw_journal_durable(bench.journal), last = rw_journal_last(bench.journal);
        if (durable) rw_journal_set_acked(bench.journal, durable);
        if (rw_rng_chance(&rng, 1, 2)) continue;
        bench_crash(&bench);
        int rc = bench_open(&bench, RW_JOURNAL_KEEP, durable);
        if (rc) print_message("%s\n", rw_err_text());
        assert_int_equal(rc, 0);
        torn += rw_journal_torn_bytes(bench.journal) > 0;
        uint64_t found = rw_journal_last(bench.journal);
        assert_true(found >= durable && found <= last);
        if (found) assert_true(rw_hash_equal(rw_journal_chain(bench.journal), chain_of[found]));
    }
    assert_true(torn > 0);
    uint64_t last = rw_journal_last(bench.journal), next = 1;
    settle(&bench);
    while (next <= last) {
        struct rw_journal_record record;
        int rc = rw_reader_next(bench.reader, &record);
        assert_true(rc >= 0);
        poll_once(&bench);
        if (!rc) continue;
        assert_int_equal(record.first_sequence, next);
        for (uint32_t i = 0, at = 0; i < record.count; i++, next++) {
            uint8_t bytes[RW_SLOT_BYTES * RW_ENTRY_SLOTS_MAX];
            uint32_t length = make_entry(bytes, next, salt_of[next]);
            assert_memory_equal(record.payload + at, bytes, length);
            at += length;
        }
    }
    bench_close(&bench);
    bench_free(&bench);
}

static void a_failed_write_makes_the_journal_bad_for_good(void **state) {
    struct bench bench;
    bench_make(&bench, 1);
    assert_int_equal(bench_open(&bench, RW_JOURNAL_KEEP, 0), 0);
    append_range(&bench, 1, 10, 0);
    settle(&bench);
    bench.faults.error_per_million = 1000000;
    append_range(&bench, 11, 20, 0);
    for (int i = 0; i < 5; i++) poll_once(&bench);
    bench.faults.error_per_million = 0;
    assert_int_equal(rw_journal_error(bench.journal), -EIO);
    assert_int_equal(rw_journal_durable(bench.journal), 10);
    assert_int_equal(append_entry(&bench, 21, 0, 1), -EIO);
    assert_int_equal(rw_journal_room(bench.journal, 1), 0);
    assert_int_equal(rw_journal_close(bench.journal), -EIO);
    rw_disk_close(bench.disk);
    assert_int_equal(bench_open(&bench, RW_JOURNAL_KEEP, 10), 0);
    assert_in_range(rw_journal_last(bench.journal), 10, 20);
    bench_close(&bench);
    bench_free(&bench);
}

static void a_full_disk_shows_as_low_water_then_refuses_then_recovers(void **state) {
    struct bench bench;
    bench_make(&bench, 1);
    assert_int_equal(bench_open(&bench, RW_JOURNAL_KEEP, 0), 0);
    append_range(&bench, 1, 10, 0);
    settle(&bench);
    assert_false(rw_journal_low_water(bench.journal));
    /* only reserving fails here: what was zeroed in advance can still be written */
    uint64_t sequence = 11, low_at = 0;
    int cold = 0, rc = 0;
    while (rc != -ENOSPC && sequence < 100000) {
        rc = append_entry(&bench, sequence, 0, 1);
        if (rc == 0) sequence++;
        if (rw_journal_low_water(bench.journal) && !low_at) low_at = sequence;
        bench.now_ns += 1000000;
        rw_journal_poll(bench.journal, bench.now_ns);
        bench.faults.full = true;
        int step = rw_journal_cold_step(bench.journal, bench.now_ns);
        if (step < 0) cold = step;
        bench.faults.full = false;
    }
    assert_int_equal(rc, -ENOSPC);
    assert_int_equal(cold, -ENOSPC);
    assert_true(low_at && low_at < sequence);
    assert_int_equal(rw_journal_error(bench.journal), 0);
    bench.now_ns += 2000000000;
    append_range(&bench, sequence, sequence + 100, 0);
    bench_close(&bench);
    struct expectation expect = {.next = 1};
    struct rw_journal_summary summary;
    assert_int_equal(rw_journal_scan(bench.folder, 0, expect_record, &expect, &summary), 0);
    assert_int_equal(expect.next, sequence + 101);
    bench_free(&bench);
}

static void an_idle_journal_repeats_a_newer_watermark_once(void **state) {
    struct bench bench;
    bench_make(&bench, 1);
    bench.cfg.mark_interval_ns = 5000000;
    assert_int_equal(bench_open(&bench, RW_JOURNAL_KEEP, 0), 0);
    append_range(&bench, 1, 10, 0);
    settle(&bench);
    rw_journal_set_acked(bench.journal, 10);
    for (int i = 0; i < 50; i++) poll_once(&bench);
    settle(&bench);
    assert_int_equal(rw_stat_get(&bench.counters.marks_written), 1);
    bench_crash(&bench);
    assert_int_equal(bench_open(&bench, RW_JOURNAL_KEEP, 0), 0);
    assert_int_equal(rw_journal_acked(bench.journal), 10);
    bench_close(&bench);
    bench_free(&bench);
}

static void a_second_writer_and_a_broken_promise_are_refused(void **state) {
    struct bench bench, other;
    bench_make(&bench, 1);
    bench_make(&other, 1);
    other.cfg.folder = bench.folder;
    assert_int_equal(bench_open(&bench, RW_JOURNAL_KEEP, 0), 0);
    assert_int_equal(bench_open(&other, RW_JOURNAL_KEEP, 0), -EBUSY);
    append_range(&bench, 1, 10, 0);
    bench_close(&bench);
    assert_int_equal(bench_open(&bench, RW_JOURNAL_KEEP, 11), -ENODATA);
    assert_non_null(strstr(rw_err_text(), "11"));
    other.cfg.kind = RW_JOURNAL_RESULTS;
    assert_int_equal(bench_open(&other, RW_JOURNAL_KEEP, 0), -EINVAL);
    bench_free(&bench);
    bench_free(&other);
}

static void write_and_read_for_real(bool durable) {
    struct bench bench;
    bench_make(&bench, 1);
    bench.cfg.durable = durable;
    int rc = rw_disk_open_uring(&bench.disk, 8);
    if (rc) {
        print_message("skipped: %s\n", rw_err_text());
        bench_free(&bench);
        skip();
    }
    assert_int_equal(rw_journal_open(&bench.journal, bench.memory, &bench.cfg, RW_JOURNAL_KEEP, 0,
                                     bench.disk, &bench.counters, &bench.gauges),
                     0);
    bench.reader = rw_reader_new(bench.reader_memory, &bench.cfg, bench.journal);
    append_range(&bench, 1, 3000, 0);
    while (!rw_journal_settled(bench.journal)) poll_once(&bench);
    assert_int_equal(rw_journal_durable(bench.journal), 3000);
    uint64_t next = 1;
    while (next <= 3000) {
        struct rw_journal_record record;
        rc = rw_reader_next(bench.reader, &record);
        assert_true(rc >= 0);
        if (rc) next = check_record(&record, 0);
    }
    append_range(&bench, 3001, 3100, 0);
    poll_once(&bench); /* close must finish what is under way */
    bench_close(&bench);
    struct expectation expect = {.next = 1};
    struct rw_journal_summary summary;
    assert_int_equal(rw_journal_scan(bench.folder, 0, expect_record, &expect, &summary), 0);
    assert_int_equal(expect.next, 3101);
    bench_free(&bench);
}

static void the_real_queue_writes_and_reads_the_same(void **state) {
    write_and_read_for_real(true);
}

static void the_page_cache_takes_a_write_within_one_poll(void **state) {
    write_and_read_for_real(false);
    struct bench bench;
    bench_make(&bench, 1);
    bench.cfg.durable = false;
    if (rw_disk_open_uring(&bench.disk, 8)) skip();
    assert_int_equal(rw_journal_open(&bench.journal, bench.memory, &bench.cfg, RW_JOURNAL_KEEP, 0,
                                     bench.disk, &bench.counters, &bench.gauges),
                     0);
    append_range(&bench, 1, 10, 0);
    rw_journal_poll(bench.journal, 1);
    assert_int_equal(rw_journal_durable(bench.journal), 10);
    bench_close(&bench);
    bench_free(&bench);
}

static void *make_segments(void *context) {
    struct bench *bench = context;
    for (uint64_t now = 1; !atomic_load(&bench->stop); now++)
        if (rw_journal_cold_step(bench->journal, now) == 0) sched_yield();
    return NULL;
}

static void segments_are_made_beside_the_writer(void **state) {
    struct bench bench;
    bench_make(&bench, 1);
    assert_int_equal(bench_open(&bench, RW_JOURNAL_KEEP, 0), 0);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, make_segments, &bench), 0);
    for (uint64_t sequence = 1; sequence <= 20000;) {
        int rc = append_entry(&bench, sequence, 0, 1);
        assert_true(rc == 0 || rc == -EAGAIN || rc == -ENOSPC);
        if (rc == 0) sequence++;
        rw_journal_poll(bench.journal, sequence);
        if (rc == -ENOSPC) sched_yield();
    }
    while (!rw_journal_settled(bench.journal)) {
        rw_journal_poll(bench.journal, 1);
        sched_yield();
    }
    atomic_store(&bench.stop, true);
    pthread_join(thread, NULL);
    assert_int_equal(rw_journal_durable(bench.journal), 20000);
    assert_true(rw_stat_get(&bench.gauges.segment) > 8);
    bench_close(&bench);
    bench_free(&bench);
}

static void impossible_configurations_name_the_field(void **state) {
    struct rw_journal_cfg cfg = rw_journal_defaults(RW_JOURNAL_LOG, "/tmp/x");
    assert_int_equal(rw_journal_check_cfg(&cfg), 0);
    cfg.segment_bytes = cfg.write_bytes;
    assert_int_equal(rw_journal_check_cfg(&cfg), -EINVAL);
    assert_non_null(strstr(rw_err_text(), "segment_bytes"));
    cfg = rw_journal_defaults(RW_JOURNAL_LOG, "/tmp/x");
    cfg.write_bytes += 512;
    assert_int_equal(rw_journal_check_cfg(&cfg), -EINVAL);
    cfg = rw_journal_defaults(RW_JOURNAL_LOG, "");
    assert_int_equal(rw_journal_check_cfg(&cfg), -EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_appended_is_there_after_a_restart),
        cmocka_unit_test(a_fresh_journal_is_empty_and_has_a_new_identity),
        cmocka_unit_test(appends_during_a_write_leave_together_with_the_next),
        cmocka_unit_test(an_append_within_the_room_never_fails),
        cmocka_unit_test(a_record_ends_where_its_owner_says_and_keeps_the_note),
        cmocka_unit_test(a_reader_finds_any_sequence_while_the_journal_is_written),
        cmocka_unit_test(many_small_records_outgrow_the_index_and_are_still_found),
        cmocka_unit_test(a_truncation_voids_what_is_above_and_survives_a_restart),
        cmocka_unit_test(a_journal_may_be_cut_to_nothing),
        cmocka_unit_test(one_cut_more_than_can_be_kept_makes_the_journal_bad),
        cmocka_unit_test(a_reader_above_a_cut_is_told),
        cmocka_unit_test(durable_items_survive_any_crash_and_cuts_hold),
        cmocka_unit_test(a_failed_write_makes_the_journal_bad_for_good),
        cmocka_unit_test(a_full_disk_shows_as_low_water_then_refuses_then_recovers),
        cmocka_unit_test(an_idle_journal_repeats_a_newer_watermark_once),
        cmocka_unit_test(a_second_writer_and_a_broken_promise_are_refused),
        cmocka_unit_test(the_real_queue_writes_and_reads_the_same),
        cmocka_unit_test(the_page_cache_takes_a_write_within_one_poll),
        cmocka_unit_test(segments_are_made_beside_the_writer),
        cmocka_unit_test(impossible_configurations_name_the_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
