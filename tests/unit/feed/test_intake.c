/* inputs.csv into FILL entries: what is wrong is named by line and column, what is right is pushed
 * once, in order, and followed by one END per source. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "dataplane/base/err.h"
#include "dataplane/feed/intake_stage.h"

#define HEADER                                                                                    \
    "event_time_ns,source,source_sequence,type,portfolio,symbol,side,quantity,price,fee,exec_id," \
    "match_number\n"

struct image {
    struct rw_image image;
    _Alignas(64) struct rw_instrument_row instrument[2];
    _Alignas(64) struct rw_portfolio_row portfolio[2];
    _Alignas(64) uint32_t symbols[4];
    _Alignas(64) uint32_t names[4];
};

static void make_image(struct image *image) {
    memset(image, 0, sizeof *image);
    strcpy(image->instrument[1].symbol, "AAPL");
    strcpy(image->portfolio[1].name, "P1");
    rw_image_index_add(image->symbols, 4, image->instrument[1].symbol, RW_SYMBOL_BYTES, 1);
    rw_image_index_add(image->names, 4, image->portfolio[1].name, RW_NAME_BYTES, 1);
    image->image.instruments =
        (struct rw_image_table){offsetof(struct image, instrument), 2, sizeof image->instrument[0]};
    image->image.portfolios =
        (struct rw_image_table){offsetof(struct image, portfolio), 2, sizeof image->portfolio[0]};
    image->image.symbols =
        (struct rw_image_table){offsetof(struct image, symbols), 4, sizeof(uint32_t)};
    image->image.names =
        (struct rw_image_table){offsetof(struct image, names), 4, sizeof(uint32_t)};
    image->image.bytes = sizeof *image;
}

/* load reads a text as a file; the findings come back in report. */
static int load(struct rw_intake_file *file, const char *text, char *report, size_t bytes) {
    static struct image image;
    char path[64];
    make_image(&image);
    memset(report, 0, bytes);
    FILE *to = fmemopen(report, bytes, "w");
    int fd = memfd_create("inputs", MFD_CLOEXEC);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int rc = rw_intake_load(file, path, &image.image, to);
    fclose(to);
    close(fd);
    return rc;
}

static void check_finding(const char *row, const char *where, const char *what) {
    struct rw_intake_file file;
    char text[1024], report[4096];
    snprintf(text, sizeof text, HEADER "%s\n", row);
    assert_true(load(&file, text, report, sizeof report) < 0);
    if (!strstr(report, where) || !strstr(report, what)) fail_msg("report: %s", report);
}

static void a_bad_row_is_named_by_line_column_and_value(void **state) {
    check_finding("1,1,1,FELL,P1,AAPL,B,1,1,0,1,0", ":2:7:", "FELL");
    check_finding("1,1,1,CORRECT,P1,AAPL,B,1,1,0,1,0", ":2:", "reference");
    check_finding("1,1,1,FILL,P9,AAPL,B,1,1,0,1,0", ":2:12:", "P9");
    check_finding("1,1,1,FILL,P1,MSFT,B,1,1,0,1,0", ":2:15:", "MSFT");
    check_finding("1,1,1,FILL,P1,AAPL,X,1,1,0,1,0", ":2:20:", "X");
    check_finding("1,1,1,FILL,P1,AAPL,B,0,1,0,1,0", ":2:22:", "0");
    check_finding("1,1,1,FILL,P1,AAPL,B,1,1.00001,0,1,0", ":2:24:", "1.00001");
    check_finding("1,65,1,FILL,P1,AAPL,B,1,1,0,1,0", ":2:3:", "65");
    check_finding("86400000000001,1,1,FILL,P1,AAPL,B,1,1,0,1,0", ":2:1:", "86400000000001");
    check_finding("1,1,2,FILL,P1,AAPL,B,1,1,0,1,0", ":2:", "wanted 1");
    check_finding("1,1,1,FILL,P1,AAPL,B,1,1,0,1", ":2:", "");
}

#define GROWN \
    "event_time_ns,source,source_sequence,type,portfolio,symbol,side,quantity,price,fee,exec_id,"

static void corrections_name_the_execution_they_are_about(void **state) {
    static const char header[] = GROWN "match_number,reference\n";
    static const struct {
        const char *row, *where, *what;
    } bad[] = {{"1,1,1,BUST,P1,AAPL,B,,,,2,0,1", ":2:20:", "wanted nothing"},
               {"1,1,1,BUST,P1,AAPL,,,,,2,0,", ":2:28:", "reference"},
               {"1,1,1,BUST,P1,AAPL,,,,,2,0,2", ":2:28:", "own exec_id"},
               {"1,1,1,CANCEL,P1,AAPL,B,1,,,,,5", ":2:24:", "wanted nothing"},
               {"1,1,1,ORDER,P1,AAPL,B,1,1,0,,,5", ":2:27:", "wanted nothing"},
               {"1,1,1,ORDER,P1,AAPL,B,1,1,,,,", ":2:30:", "reference"}};
    struct rw_intake_file file;
    char text[1024], report[4096];
    for (uint32_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(text, sizeof text, "%s%s\n", header, bad[i].row);
        assert_true(load(&file, text, report, sizeof report) < 0);
        if (!strstr(report, bad[i].where) || !strstr(report, bad[i].what))
            fail_msg("%s: %s", bad[i].row, report);
    }
    snprintf(text, sizeof text,
             "%s1,1,1,FILL,P1,AAPL,B,5,2,0,10,7,\n2,1,2,CORRECT,P1,AAPL,S,6,3,0.5,11,7,10\n"
             "3,1,3,BUST,P1,AAPL,,,,,12,7,10\n",
             header);
    assert_int_equal(load(&file, text, report, sizeof report), 0);
    assert_int_equal(file.count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        struct rw_fill_body body;
        memcpy(&body, file.fill[i].entry + offsetof(struct rw_entry, body), sizeof body);
        assert_int_equal(body.kind, RW_FILL_NEW + i);
        assert_int_equal(body.exec_id, 10 + i);
        assert_int_equal(body.reference, i ? 10 : 0);
        assert_int_equal(body.quantity, i == 2 ? 0 : 5 + i);
        assert_int_equal(body.side, i == 2 ? 0 : i ? RW_SIDE_SELL : RW_SIDE_BUY);
    }
    rw_intake_unload(&file);
}

static void rows_that_go_back_in_time_are_refused(void **state) {
    struct rw_intake_file file;
    char report[4096];
    const char *text = HEADER "5,1,1,FILL,P1,AAPL,B,1,1,0,1,0\n"
                              "4,1,2,FILL,P1,AAPL,B,1,1,0,2,0\n";
    assert_true(load(&file, text, report, sizeof report) < 0);
    assert_non_null(strstr(report, ":3:"));
}

static void a_wrong_header_or_a_missing_file_is_refused(void **state) {
    struct rw_intake_file file;
    char report[4096];
    assert_true(load(&file, "time,source\n", report, sizeof report) < 0);
    assert_true(rw_intake_load(&file, "/nowhere/inputs.csv", NULL, stderr) < 0);
    assert_non_null(strstr(rw_err_text(), "/nowhere/inputs.csv"));
}

static void an_empty_path_gives_one_end_and_nothing_else(void **state) {
    struct rw_intake_file file;
    assert_int_equal(rw_intake_load(&file, "", NULL, stderr), 0);
    assert_int_equal(file.count, 0);
    assert_int_equal(rw_intake_ends(&file), 1);
    rw_intake_unload(&file);
}

struct slots {
    struct rw_entry entry[64];
    uint32_t count;
};

/* run_stage lets the stage push everything through a link of eight slots. */
static void run_stage(const struct rw_intake_file *file, struct slots *slots) {
    struct rw_intake_cfg cfg = {.file = file};
    struct rw_plan plan = {0};
    struct rw_arena arena;
    void *stage;
    struct rw_ring *out =
        rw_ring_new(aligned_alloc(64, rw_ring_footprint(8, RW_SLOT_BYTES)), 8, RW_SLOT_BYTES);
    assert_int_equal(rw_intake_stage_type.plan(&cfg, "intake", 1, &plan), 0);
    assert_int_equal(rw_arena_map(&arena, &plan, false), 0);
    struct rw_stage_env env = {.name = "intake",
                               .out = {out},
                               .out_count = 1,
                               .arena = &arena,
                               .stats = rw_stats_create(NULL, "test", 1)};
    assert_int_equal(rw_intake_stage_type.init(&stage, &cfg, &env), 0);
    for (int visit = 0; visit < 20; visit++) {
        uint32_t budget = rw_ring_room(out, 8) / RW_INTAKE_FAN_OUT;
        rw_intake_stage_type.poll(stage, budget, 77);
        uint32_t ready = rw_ring_ready(out, 8);
        for (uint32_t i = 0; i < ready; i++)
            memcpy(&slots->entry[slots->count++], rw_ring_front(out, i), RW_SLOT_BYTES);
        rw_ring_pop(out, ready);
    }
    rw_stats_close(env.stats);
    rw_arena_unmap(&arena);
    free(out);
}

static void every_fill_is_pushed_once_and_each_source_ends_once(void **state) {
    struct rw_intake_file file;
    struct slots slots = {0};
    char report[4096], text[4096] = HEADER;
    for (int i = 0; i < 10; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text),
                 "%d,%d,%d,FILL,P1,AAPL,%c,%d,-1.5,0.25,%d,900\n", 1000 + i, 1 + i % 2 * 6,
                 1 + i / 2, i % 2 ? 'S' : 'B', i + 1, 500 + i);
    assert_int_equal(load(&file, text, report, sizeof report), 0);
    assert_int_equal(rw_intake_ends(&file), 2);
    run_stage(&file, &slots);
    assert_int_equal(slots.count, 22);
    for (uint32_t i = 0; i < 10; i++) {
        struct rw_fill_body body;
        const struct rw_entry *head = &slots.entry[2 * i];
        memcpy(&body, (const uint8_t *)head + offsetof(struct rw_entry, body), sizeof body);
        assert_int_equal(head->type, RW_ENTRY_FILL);
        assert_int_equal(head->slots, 2);
        assert_int_equal(head->event_time_ns, 1000 + i);
        assert_int_equal(head->instrument, 1);
        assert_int_equal(body.portfolio, 1);
        assert_int_equal(body.source, 1 + i % 2 * 6);
        assert_int_equal(body.source_sequence, 1 + i / 2);
        assert_int_equal(body.side, i % 2 ? RW_SIDE_SELL : RW_SIDE_BUY);
        assert_int_equal(body.quantity, i + 1);
        assert_int_equal(body.price, -15000);
        assert_int_equal(body.fee, 2500);
        assert_int_equal(body.exec_id, 500 + i);
        assert_int_equal(body.match_number, 900);
    }
    for (uint32_t i = 0; i < 2; i++) {
        struct rw_end_body body;
        memcpy(&body, slots.entry[20 + i].body, sizeof body);
        assert_int_equal(slots.entry[20 + i].type, RW_ENTRY_END);
        assert_int_equal(body.source_kind, RW_END_INTAKE);
        assert_int_equal(body.source, i ? 7 : 1);
        assert_int_equal(body.last_sequence, 5);
    }
    rw_intake_unload(&file);
}

static void orders_take_one_slot_and_fills_may_name_theirs(void **state) {
    struct rw_intake_file file;
    struct slots slots = {0};
    char report[4096];
    const char *text = GROWN "match_number,reference\n"
                             "1,2,1,ORDER,P1,AAPL,B,300,2,,,,5\n1,2,2,FILL,P1,AAPL,B,1,2,0,13,0,5\n"
                             "2,2,3,REPLACE,P1,AAPL,B,200,1.5,,,,5\n2,2,4,CANCEL,P1,AAPL,B,,,,,,5\n"
                             "2,2,5,REJECT,P1,AAPL,S,7,0,,,,6\n2,2,6,EXPIRE,P1,AAPL,S,,,,,,6\n";
    assert_int_equal(load(&file, text, report, sizeof report), 0);
    assert_int_equal(file.count, 6);
    run_stage(&file, &slots);
    assert_int_equal(slots.count, 6 + 1 + 1);
    const uint8_t kinds[] = {RW_ORDER_ACCEPTED, 0,
                             RW_ORDER_REPLACED, RW_ORDER_CANCELLED,
                             RW_ORDER_REJECTED, RW_ORDER_EXPIRED};
    const int64_t quantities[] = {300, 0, 200, 0, 7, 0}, prices[] = {20000, 0, 15000, 0, 0, 0};
    for (uint32_t i = 0; i < 6; i++) {
        struct rw_order_body body;
        const struct rw_entry *entry = &slots.entry[i < 2 ? i : i + 1];
        memcpy(&body, entry->body, sizeof body);
        assert_int_equal(body.source_sequence, i + 1);
        assert_int_equal(body.source, 2);
        assert_int_equal(entry->type, kinds[i] ? RW_ENTRY_ORDER : RW_ENTRY_FILL);
        if (!kinds[i]) continue;
        assert_int_equal(entry->slots, 1);
        assert_int_equal(body.kind, kinds[i]);
        assert_int_equal(body.order_id, i < 4 ? 5 : 6);
        assert_int_equal(body.quantity, quantities[i]);
        assert_int_equal(body.price, prices[i]);
    }
    rw_intake_unload(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_row_is_named_by_line_column_and_value),
        cmocka_unit_test(corrections_name_the_execution_they_are_about),
        cmocka_unit_test(orders_take_one_slot_and_fills_may_name_theirs),
        cmocka_unit_test(rows_that_go_back_in_time_are_refused),
        cmocka_unit_test(a_wrong_header_or_a_missing_file_is_refused),
        cmocka_unit_test(an_empty_path_gives_one_end_and_nothing_else),
        cmocka_unit_test(every_fill_is_pushed_once_and_each_source_ends_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
