/* Fills from a file: resolved to indices, numbered per source, and every wrong field named with
 * its place. It stands here because it needs an image made from CSV. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "dataplane/base/mem.h"
#include "dataplane/feed/intake_core.h"
#include "dataplane/feed/intake_stage.h"
#include "refdata/compile.h"

#define HEADER                                                                                    \
    "event_time_ns,source,source_sequence,type,portfolio,symbol,side,quantity,price,fee,exec_id," \
    "match_number\n"

static char dir[] = "/tmp/riskwire-intake-XXXXXX";
static struct rw_image *image;
static char findings[4096];

static void write_file(const char *name, const char *text) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "w");
    fputs(text, file);
    fclose(file);
}

static int set_up(void **state) {
    assert_non_null(mkdtemp(dir));
    write_file("instruments.csv",
               "symbol,locate,channel,multiplier,start_price,lot,currency,stale_after_ms\n"
               "AAA,1,0,1,10.0000,100,USD,1000\nBBB,2,0,1,20.0000,100,USD,1000\n");
    write_file("portfolios.csv", "portfolio,account,desk\nP1,A1,D1\nP2,A1,D1\n");
    write_file("positions.csv", "portfolio,symbol,quantity,average_price\n");
    write_file("limits.csv", "scope,name,measure,soft,hard\n");
    return rw_refdata_compile(dir, &image);
}

static int tear_down(void **state) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    free(image);
    return system(command);
}

static int load(struct rw_intake_file *file, const char *rows) {
    char path[128], text[2048];
    snprintf(text, sizeof text, HEADER "%s", rows);
    write_file("inputs.csv", text);
    snprintf(path, sizeof path, "%s/inputs.csv", dir);
    FILE *report = fmemopen(findings, sizeof findings, "w");
    int rc = rw_intake_load(file, path, image, report);
    fclose(report);
    return rc;
}

static void an_empty_path_is_an_empty_intake_with_one_end(void **state) {
    struct rw_intake_file file;
    assert_int_equal(rw_intake_load(&file, "", image, stderr), 0);
    assert_int_equal(file.count, 0);
    assert_int_equal(rw_intake_ends(&file), 1);
}

static void a_fill_is_resolved_to_indices_and_exact_integers(void **state) {
    struct rw_intake_file file;
    assert_int_equal(load(&file, "5,1,1,FILL,P2,BBB,S,100,20.0125,0.35,77,9\n"
                                 "6,2,1,FILL,P1,AAA,B,1,10,-0.0001,78,0\n"),
                     0);
    assert_int_equal(file.count, 2);
    assert_int_equal(rw_intake_ends(&file), 2);
    struct rw_entry head;
    struct rw_fill_body body;
    memcpy(&head, file.fill[0].entry, offsetof(struct rw_entry, body));
    memcpy(&body, file.fill[0].entry + offsetof(struct rw_entry, body), sizeof body);
    assert_int_equal(head.type, RW_ENTRY_FILL);
    assert_int_equal(head.slots, 2);
    assert_int_equal(head.event_time_ns, 5);
    assert_int_equal(head.instrument, rw_image_symbol(image, "BBB"));
    assert_int_equal(body.portfolio, rw_image_portfolio(image, "P2"));
    assert_int_equal(body.side, RW_SIDE_SELL);
    assert_int_equal(body.quantity, 100);
    assert_int_equal(body.price, 200125);
    assert_int_equal(body.fee, 3500);
    assert_int_equal(body.exec_id, 77);
    assert_int_equal(body.match_number, 9);
    rw_intake_unload(&file);
}

static void unknown_names_and_wrong_values_are_all_reported(void **state) {
    struct rw_intake_file file;
    assert_true(load(&file, "5,1,1,FILL,PX,ZZZ,Q,0,1.00001,0,0,0\n") < 0);
    assert_non_null(strstr(findings, ":2:12: portfolio 'PX' is not in portfolios.csv"));
    assert_non_null(strstr(findings, ":2:15: symbol 'ZZZ' is not in instruments.csv"));
    assert_non_null(strstr(findings, "side is 'Q', wanted one of B|S"));
    assert_non_null(strstr(findings, "quantity is '0'"));
    assert_non_null(strstr(findings, "price is '1.00001'"));
    assert_non_null(strstr(findings, "exec_id is '0'"));
}

static void a_hole_in_a_source_and_time_going_back_are_findings(void **state) {
    struct rw_intake_file file;
    assert_true(load(&file, "5,1,1,FILL,P1,AAA,B,1,1,0,1,0\n4,1,3,FILL,P1,AAA,B,1,1,0,2,0\n") < 0);
    assert_non_null(strstr(findings, "source_sequence is 3, wanted 2 for source 1"));
    assert_non_null(strstr(findings, "event_time_ns is before that of the row above"));
}

/* The stage with an output of 8 slots: it waits without room, and ends each source once. */
static void the_stage_pushes_every_fill_once_and_then_one_end_per_source(void **state) {
    struct rw_intake_file file;
    assert_int_equal(load(&file, "1,1,1,FILL,P1,AAA,B,1,1,0,1,0\n2,2,1,FILL,P1,AAA,B,1,1,0,2,0\n"
                                 "3,1,2,FILL,P1,AAA,B,1,1,0,3,0\n4,1,3,FILL,P1,AAA,B,1,1,0,4,0\n"
                                 "5,1,4,FILL,P1,AAA,B,1,1,0,5,0\n"),
                     0);
    struct rw_intake_cfg cfg = {.file = &file};
    static struct rw_plan plan;
    struct rw_arena arena;
    void *stage, *memory = aligned_alloc(64, rw_ring_footprint(8, RW_SLOT_BYTES));
    const struct rw_stage_type *type = &rw_intake_stage_type;
    struct rw_ring *ring = rw_ring_new(memory, 8, RW_SLOT_BYTES);
    struct rw_stage_env env = {
        .name = "intake", .instances = 1, .out = {ring}, .out_count = 1, .arena = &arena};
    env.stats = rw_stats_create(NULL, "t", 1);
    assert_int_equal(type->plan(&cfg, "intake", 1, &plan), 0);
    assert_int_equal(rw_arena_map(&arena, &plan, false), 0);
    assert_int_equal(type->init(&stage, &cfg, &env), 0);
    uint32_t fills = 0, ends = 0;
    uint64_t last[3] = {0};
    for (uint32_t visit = 0; visit < 32; visit++) {
        type->poll(stage, 32, visit);
        while (rw_ring_ready(ring, 1)) {
            struct rw_entry head;
            memcpy(&head, rw_ring_front(ring, 0), sizeof head);
            assert_int_equal(head.sequence, 0);
            if (head.type == RW_ENTRY_END) {
                struct rw_end_body body;
                memcpy(&body, head.body, sizeof body);
                last[body.source] = body.last_sequence;
                ends++;
            } else {
                assert_int_equal(head.event_time_ns, ++fills);
            }
            assert_true(rw_ring_ready(ring, head.slots) >= head.slots);
            rw_ring_pop(ring, head.slots);
        }
    }
    assert_int_equal(fills, 5);
    assert_int_equal(ends, 2);
    assert_int_equal(last[1], 4);
    assert_int_equal(last[2], 1);
    assert_int_equal(type->poll(stage, 32, 99), 0);
    rw_stats_close(env.stats);
    rw_arena_unmap(&arena);
    rw_intake_unload(&file);
    free(memory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_path_is_an_empty_intake_with_one_end),
        cmocka_unit_test(a_fill_is_resolved_to_indices_and_exact_integers),
        cmocka_unit_test(unknown_names_and_wrong_values_are_all_reported),
        cmocka_unit_test(a_hole_in_a_source_and_time_going_back_are_findings),
        cmocka_unit_test(the_stage_pushes_every_fill_once_and_then_one_end_per_source),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
