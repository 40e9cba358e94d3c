/* The plan and the arena; huge pages where this host lets a test reserve them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "dataplane/base/mem.h"
#include "tests/unit/base/dies.h"

#define HUGE_WANTED 64

static struct rw_plan plan;

static void plan_two(void) {
    memset(&plan, 0, sizeof plan);
    rw_plan_add(&plan, "feed", "books", 5000);
    rw_plan_add(&plan, "risk0", "positions", 4096);
}

static void rows_are_rounded_to_pages_and_do_not_overlap(void **state) {
    plan_two();
    assert_int_equal(plan.bytes, 8192 + 4096);
    struct rw_arena arena;
    assert_int_equal(rw_arena_map(&arena, &plan, false), 0);
    assert_int_equal(arena.pages, RW_PAGES_SMALL);
    uint8_t *books = rw_arena_take(&arena, "feed", "books");
    uint8_t *positions = rw_arena_take(&arena, "risk0", "positions");
    assert_true(positions >= books + 5000);
    assert_int_equal((uintptr_t)positions % 4096, 0);
    for (int i = 0; i < 5000; i++) assert_int_equal(books[i], 0);
    memset(books, 1, 5000);
    assert_int_equal(positions[0], 0);
    rw_arena_unmap(&arena);
}

static void add_twice(void *argument) { rw_plan_add(&plan, "feed", "books", 1); }
static void add_nothing(void *argument) { rw_plan_add(&plan, "feed", "more", 0); }
static void add_comma(void *argument) { rw_plan_add(&plan, "feed", "books, lines", 1); }
static void add_long(void *argument) { rw_plan_add(&plan, "a name of 24 characters!", "x", 1); }
static void take_unplanned(void *arena) { rw_arena_take(arena, "feed", "queue"); }
static void take_twice(void *arena) {
    rw_arena_take(arena, "feed", "books");
    rw_arena_take(arena, "feed", "books");
}
static void take_outside(void *arena) { rw_arena_take(arena, "rx", "packets"); }

static void what_is_not_planned_once_is_a_bug(void **state) {
    struct rw_arena arena;
    plan_two();
    rw_plan_add_outside(&plan, "rx", "packets", 1 << 20);
    assert_int_equal(plan.bytes, 8192 + 4096);
    assert_true(dies(add_twice, NULL));
    assert_true(dies(add_nothing, NULL));
    assert_true(dies(add_comma, NULL));
    assert_true(dies(add_long, NULL));
    assert_int_equal(rw_arena_map(&arena, &plan, false), 0);
    assert_true(dies(take_unplanned, &arena));
    assert_true(dies(take_twice, &arena));
    assert_true(dies(take_outside, &arena));
    rw_arena_unmap(&arena);
}

static void fill_plan(void *argument) {
    for (int i = 0; i <= (int)RW_PLAN_ROWS_MAX; i++) {
        char what[16];
        snprintf(what, sizeof what, "row %d", i);
        rw_plan_add(&plan, "full", what, 1);
    }
}

static void a_row_too_many_is_a_bug(void **state) {
    memset(&plan, 0, sizeof plan);
    assert_true(dies(fill_plan, NULL));
}

static void the_plan_prints_in_three_forms(void **state) {
    char text[4096];
    plan_two();
    rw_plan_add_outside(&plan, "rx", "packets", 1 << 20);
    FILE *file = fmemopen(text, sizeof text, "w");
    rw_plan_print(file, &plan, RW_PLAN_JSON);
    fclose(file);
    assert_string_equal(
        text,
        "{\"rows\":[{\"owner\":\"feed\",\"what\":\"books\",\"bytes\":5000,\"place\":\"arena\"},"
        "{\"owner\":\"risk0\",\"what\":\"positions\",\"bytes\":4096,\"place\":\"arena\"},"
        "{\"owner\":\"rx\",\"what\":\"packets\",\"bytes\":1048576,\"place\":\"outside\"}],"
        "\"arena_bytes\":12288,\"huge_pages_2m\":1,\"outside_bytes\":1048576}\n");
    file = fmemopen(text, sizeof text, "w");
    rw_plan_print(file, &plan, RW_PLAN_CSV);
    fclose(file);
    assert_string_equal(text, "owner,what,bytes,place\nfeed,books,5000,arena\n"
                              "risk0,positions,4096,arena\nrx,packets,1048576,outside\n");
    file = fmemopen(text, sizeof text, "w");
    rw_plan_print(file, &plan, RW_PLAN_TABLE);
    fclose(file);
    assert_non_null(
        strstr(text, "arena 12288 bytes = 1 huge pages of 2 MiB; outside 1048576 bytes"));
}

static void memory_that_cannot_be_had_is_an_error_not_a_crash(void **state) {
    struct rw_arena arena;
    memset(&plan, 0, sizeof plan);
    for (int i = 0; i < 8; i++) { /* 8 x 32 TiB: more than the address space of a process */
        char what[16];
        snprintf(what, sizeof what, "row %d", i);
        rw_plan_add(&plan, "huge", what, 1ull << 45);
    }
    assert_int_equal(rw_arena_map(&arena, &plan, false), -12);
    assert_null(arena.base);
    rw_arena_unmap(&arena); /* harmless */
}

static int read_count(void) {
    int count = -1;
    FILE *file = fopen("/proc/sys/vm/nr_hugepages", "r");
    if (!file || fscanf(file, "%d", &count) != 1) count = -1;
    if (file) fclose(file);
    return count;
}

static int write_count(int count) {
    FILE *file = fopen("/proc/sys/vm/nr_hugepages", "w");
    if (!file) return -1;
    int bad = fprintf(file, "%d\n", count) < 0;
    bad |= fclose(file) != 0;
    return bad ? -1 : 0;
}

/* KernelPageSize in kB of the mapping that holds an address, from /proc/self/smaps. */
static int kernel_page_kb(const void *address) {
    char line[512];
    int kb = -1, here = 0;
    FILE *file = fopen("/proc/self/smaps", "r");
    assert_non_null(file);
    while (kb < 0 && fgets(line, sizeof line, file)) {
        uint64_t from, to;
        char dash;
        if (sscanf(line, "%" SCNx64 "%c%" SCNx64, &from, &dash, &to) == 3 && dash == '-')
            here = (uint64_t)(uintptr_t)address >= from && (uint64_t)(uintptr_t)address < to;
        else if (here)
            sscanf(line, "KernelPageSize: %d kB", &kb);
    }
    fclose(file);
    return kb;
}

static void an_arena_stands_on_2_mib_pages_when_they_are_free(void **state) {
    int before = read_count();
    if (before < 0 || write_count(before + HUGE_WANTED)) {
        print_message("skipped: reserving huge pages needs root and vm.nr_hugepages\n");
        skip();
    }
    if (read_count() < before + HUGE_WANTED) {
        int got = read_count() - before;
        write_count(before);
        print_message("skipped: the host has only %d of %d huge pages to give\n", got, HUGE_WANTED);
        skip();
    }
    struct rw_arena arena;
    memset(&plan, 0, sizeof plan);
    rw_plan_add(&plan, "test", "block", 48ull << 20);
    assert_int_equal(rw_plan_huge_pages(&plan), 24);
    int rc = rw_arena_map(&arena, &plan, true);
    int pages = rc ? 0 : (int)arena.pages, kb = rc ? 0 : kernel_page_kb(arena.base);
    if (!rc) rw_arena_unmap(&arena);
    write_count(before);
    assert_int_equal(rc, 0);
    assert_int_equal(pages, RW_PAGES_HUGE);
    assert_int_equal(kb, 2048);
}

static void without_huge_pages_the_arena_falls_back(void **state) {
    struct rw_arena arena;
    memset(&plan, 0, sizeof plan);
    rw_plan_add(&plan, "test", "block", 8ull << 20);
    int before = read_count();
    if (before > 0) {
        print_message("skipped: this host has %d huge pages reserved\n", before);
        skip();
    }
    assert_int_equal(rw_arena_map(&arena, &plan, true), 0);
    assert_int_equal(arena.pages, RW_PAGES_SMALL);
    assert_int_equal(kernel_page_kb(arena.base), 4);
    rw_arena_unmap(&arena);
}

static void the_seal_is_told_to_all(void **state) {
    assert_false(rw_sealed());
    rw_seal();
    assert_true(rw_sealed());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_rounded_to_pages_and_do_not_overlap),
        cmocka_unit_test(what_is_not_planned_once_is_a_bug),
        cmocka_unit_test(a_row_too_many_is_a_bug),
        cmocka_unit_test(the_plan_prints_in_three_forms),
        cmocka_unit_test(memory_that_cannot_be_had_is_an_error_not_a_crash),
        cmocka_unit_test(an_arena_stands_on_2_mib_pages_when_they_are_free),
        cmocka_unit_test(without_huge_pages_the_arena_falls_back),
        cmocka_unit_test(the_seal_is_told_to_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
