/* Damage: every flipped bit, every cut, every torn write is seen, and told apart. */
#include <fcntl.h>
#include <sys/stat.h>

#include "dataplane/journal/walk.h"
#include "tests/unit/journal/journal_fixture.h"

static void segment_path(const struct bench *bench, uint64_t index, char path[96]) {
    snprintf(path, 96, "%s/%010llu.seg", bench->folder, (unsigned long long)index);
}

static uint8_t *load_segment(const struct bench *bench, uint64_t index, size_t *size) {
    char path[96];
    segment_path(bench, index, path);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    struct stat stat;
    fstat(fd, &stat);
    uint8_t *bytes = malloc((size_t)stat.st_size);
    assert_int_equal(read(fd, bytes, (size_t)stat.st_size), stat.st_size);
    close(fd);
    *size = (size_t)stat.st_size;
    return bytes;
}

static void flip_in_file(const struct bench *bench, uint64_t index, uint64_t offset) {
    char path[96];
    uint8_t byte;
    segment_path(bench, index, path);
    int fd = open(path, O_RDWR);
    assert_int_equal(pread(fd, &byte, 1, (off_t)offset), 1);
    byte ^= 4;
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)offset), 1);
    close(fd);
}

/* A closed journal of `entries`, a few to a record, in the segments it takes. */
static void make_closed(struct bench *bench, uint64_t entries) {
    bench_make(bench, 1);
    assert_int_equal(bench_open(bench, RW_JOURNAL_KEEP, 0), 0);
    for (uint64_t sequence = 1; sequence <= entries; sequence++) {
        append_range(bench, sequence, sequence, 0);
        if (sequence % 7 == 0) rw_journal_end_record(bench->journal);
        if (sequence % 21 == 0) settle(bench);
    }
    bench_close(bench);
}

static enum rw_damage judge(const uint8_t *bytes, size_t size) {
    static struct rw_walk walk;
    walk = (struct rw_walk){0};
    rw_walk_segment(&walk, 1, bytes, size);
    return walk.damage;
}

/* All bits of a segment of 32 KiB; of 1 MiB with RW_ALL_BITS=1, which takes minutes. The
 * segment is the beginning of a real one, with the head of a shorter one. */
static void every_flipped_bit_of_a_segment_is_detected(void **state) {
    struct bench bench;
    bool all = getenv("RW_ALL_BITS") != NULL;
    size_t size, blocks = all ? 256 : 8, wanted = blocks * RW_JOURNAL_BLOCK;
    bench_make(&bench, 1);
    bench.cfg.segment_bytes = 2u << 20;
    assert_int_equal(bench_open(&bench, RW_JOURNAL_KEEP, 0), 0);
    for (uint64_t sequence = 1; sequence <= 7 * (blocks - 3); sequence++) {
        append_range(&bench, sequence, sequence, 0);
        if (sequence % 7 == 0) rw_journal_end_record(bench.journal);
        if (sequence % 21 == 0) settle(&bench);
    }
    bench_close(&bench);
    uint8_t *bytes = load_segment(&bench, 1, &size);
    struct rw_journal_segment_head head;
    memcpy(&head, bytes, sizeof head);
    head.segment_bytes = wanted;
    rw_journal_seal_segment(bytes, &head);
    assert_int_equal(judge(bytes, wanted), RW_DAMAGE_NONE);
    uint64_t missed = 0;
    for (size_t bit = 0; bit < wanted * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        missed += judge(bytes, wanted) == RW_DAMAGE_NONE;
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(missed, 0);
    free(bytes);
    bench_free(&bench);
}

static void a_flip_below_the_last_write_is_corruption_and_open_refuses_it(void **state) {
    struct bench bench;
    make_closed(&bench, 400);
    flip_in_file(&bench, 1, 4096 + 2000);
    struct rw_journal_summary summary;
    assert_int_equal(rw_journal_scan(bench.folder, 0, NULL, NULL, &summary), -EBADMSG);
    assert_non_null(strstr(rw_err_text(), "segment 1 at offset 4096"));
    assert_int_equal(bench_open(&bench, RW_JOURNAL_KEEP, 0), -EBADMSG);
    flip_in_file(&bench, 1, 4096 + 2000);
    assert_int_equal(bench_open(&bench, RW_JOURNAL_KEEP, 0), 0);
    bench_close(&bench);
    bench_free(&bench);
}

static void a_reader_reports_a_record_that_decayed_while_running(void **state) {
    struct bench bench;
    bench_make(&bench, 1);
    assert_int_equal(bench_open(&bench, RW_JOURNAL_KEEP, 0), 0);
    append_range(&bench, 1, 10, 0);
    settle(&bench);
    flip_in_file(&bench, 1, 4096 + 700);
    struct rw_journal_record record;
    int rc = 0;
    for (int i = 0; i < 10 && rc == 0; i++) rc = rw_reader_next(bench.reader, &record);
    assert_int_equal(rc, -EBADMSG);
    uint64_t segment, offset;
    rw_reader_where(bench.reader, &segment, &offset);
    assert_int_equal(segment, 1);
    assert_int_equal(offset, 4096);
    bench_close(&bench);
    bench_free(&bench);
}

static void every_truncation_of_a_segment_file_is_detected(void **state) {
    struct bench bench;
    size_t size;
    make_closed(&bench, 150);
    uint8_t *bytes = load_segment(&bench, 1, &size);
    for (size_t cut = 0; cut < size; cut += cut < 20000 ? 1 : 499)
        assert_int_equal(judge(bytes, cut), RW_DAMAGE_CORRUPT);
    free(bytes);
    char path[96];
    segment_path(&bench, 1, path);
    assert_int_equal(truncate(path, 100000), 0);
    assert_int_equal(bench_open(&bench, RW_JOURNAL_KEEP, 0), -EBADMSG);
    bench_free(&bench);
}

static void a_missing_or_foreign_segment_is_detected(void **state) {
    struct bench bench, other;
    char path[96], foreign[96];
    struct rw_journal_summary summary;
    make_closed(&bench, 2500);
    make_closed(&other, 2500);
    segment_path(&bench, 2, path);
    segment_path(&other, 2, foreign);
    assert_int_equal(rename(foreign, path), 0);
    assert_int_equal(rw_journal_scan(bench.folder, 0, NULL, NULL, &summary), -EBADMSG);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rw_journal_scan(bench.folder, 0, NULL, NULL, &summary), -EBADMSG);
    assert_non_null(strstr(rw_err_text(), "missing"));
    bench_free(&bench);
    bench_free(&other);
}

/* The last write loses any of its blocks: either nothing is lost, or it is a torn tail, never
 * corruption, and never anything before it. */
static void a_torn_last_write_is_cut_and_nothing_before_it_is_lost(void **state) {
    struct bench bench;
    bench_make(&bench, 1);
    assert_int_equal(bench_open(&bench, RW_JOURNAL_KEEP, 0), 0);
    append_range(&bench, 1, 50, 0);
    settle(&bench);
    for (uint64_t sequence = 51; sequence <= 150; sequence++) {
        append_range(&bench, sequence, sequence, 0);
        if (sequence % 25 == 0) rw_journal_end_record(bench.journal);
    }
    settle(&bench);
    bench_crash(&bench);
    size_t size;
    uint8_t *whole = load_segment(&bench, 1, &size), *torn = malloc(size);
    size_t first = 4096;
    struct rw_journal_head head;
    while (memcpy(&head, whole + first, sizeof head), head.first_sequence < 51)
        first += rw_journal_blocks(head.payload_bytes) * 4096ull;
    size_t used = size;
    while (whole[used - 1] == 0) used--;
    uint32_t sectors = (uint32_t)((used - first + 511) / 512);
    assert_in_range(sectors, 8, 1000);
    struct rw_rng rng;
    rw_rng_seed(&rng, test_seed());
    for (uint32_t round = 0; round < 2000; round++) {
        memcpy(torn, whole, size);
        uint64_t keep = rw_rng_below(&rng, 101);
        for (uint32_t i = 0; i < sectors; i++)
            if (!rw_rng_chance(&rng, keep, 100)) memset(torn + first + i * 512ull, 0, 512);
        static struct rw_walk walk;
        walk = (struct rw_walk){0};
        assert_int_equal(rw_walk_segment(&walk, 1, torn, size), 0);
        assert_int_not_equal(walk.damage, RW_DAMAGE_CORRUPT);
        assert_true(walk.next_sequence >= 51);
    }
    free(whole);
    free(torn);
    bench_free(&bench);
}

static void a_promise_in_the_superblock_turns_a_torn_tail_into_a_refusal(void **state) {
    struct bench bench;
    bench_make(&bench, 1);
    assert_int_equal(bench_open(&bench, RW_JOURNAL_KEEP, 0), 0);
    append_range(&bench, 1, 50, 0);
    settle(&bench);
    bench_crash(&bench);
    flip_in_file(&bench, 1, 4096 + 1000);
    assert_int_equal(bench_open(&bench, RW_JOURNAL_KEEP, 50), -ENODATA);
    assert_int_equal(bench_open(&bench, RW_JOURNAL_KEEP, 0), 0);
    bench_crash(&bench);
    bench_free(&bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_flipped_bit_of_a_segment_is_detected),
        cmocka_unit_test(a_flip_below_the_last_write_is_corruption_and_open_refuses_it),
        cmocka_unit_test(a_reader_reports_a_record_that_decayed_while_running),
        cmocka_unit_test(every_truncation_of_a_segment_file_is_detected),
        cmocka_unit_test(a_missing_or_foreign_segment_is_detected),
        cmocka_unit_test(a_torn_last_write_is_cut_and_nothing_before_it_is_lost),
        cmocka_unit_test(a_promise_in_the_superblock_turns_a_torn_tail_into_a_refusal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
