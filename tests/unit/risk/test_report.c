/* `journal report` against the cores that wrote the session: CSV files, an image file, a journal of
 * random entries in a folder, and the report must print the very lines a subscriber would. */
#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "dataplane/base/err.h"
#include "dataplane/io/file.h"
#include "dataplane/journal/journal.h"
#include "dataplane/record/result_text.h"
#include "refdata/compile.h"
#include "tests/unit/risk/random_log.h"
#include "tests/unit/risk/risk_driver.h"
#include "tools/riskwire/report.h"

#define SESSION "2611210001"
#define ENTRIES 800u

/* Random logs step by 100 ns. */
static const struct rw_bar_cfg bars = {.lengths = 2,
                                       .length_ns = {500, 4000},
                                       .bound_ns = 200,
                                       .lateness_ns = 3000,
                                       .ahead_ns = 26000};

struct folder {
    char path[64];
    struct rw_image *image;
    struct driver driver;
    char *lines; /* what a subscriber would have written */
};

static void write_text(const char *folder, const char *name, const char *text) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void write_image(const char *folder, const struct rw_image *image) {
    char path[256];
    snprintf(path, sizeof path, "%s/image.bin", folder);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(image, image->bytes, 1, file), 1);
    assert_int_equal(fclose(file), 0);
}

static struct rw_image *compile(const char *folder) {
    struct rw_image *image;
    write_text(folder, "instruments.csv",
               "symbol,locate,channel,multiplier,start_price,lot,currency,stale_after_ms\n"
               "AAA,1,0,1,100.0000,100,USD,1\nBBB,2,1,10,95.5,100,USD,0\nCCC,,2,1,0,1,USD,2\n");
    write_text(folder, "portfolios.csv",
               "portfolio,account,desk\np1,a1,d1\np2,a1,d1\np3,a2,d1\np4,a3,d2\np5,a4,d2\n");
    write_text(folder, "positions.csv",
               "portfolio,symbol,quantity,average_price\np1,AAA,500,99.25\np4,BBB,-20,97\n");
    write_text(folder, "limits.csv",
               "scope,name,measure,soft,hard\nportfolio,p1,gross,40000,60000\n"
               "desk,d2,loss,500,2000\nfirm,,net,20000,90000\n");
    if (rw_refdata_compile(folder, &image)) rw_err_print("test");
    assert_non_null(image);
    return image;
}

/* Appends one entry to the journal, polling while there is no room. */
static void append(struct rw_journal *journal, const struct log_entry *log, uint64_t *now_ns) {
    struct iovec part = {(void *)(uintptr_t)log, log->entry.slots * RW_SLOT_BYTES};
    struct rw_journal_batch batch = {
        .first_sequence = log->entry.sequence,
        .count = 1,
        .part_count = 1,
        .parts = &part,
        .epoch = 1,
        .chain = rw_hash_chain(rw_journal_chain(journal), log, part.iov_len)};
    int rc;
    while ((rc = rw_journal_append(journal, &batch)) == -EAGAIN) {
        rw_journal_poll(journal, *now_ns += 1000000);
        while (rw_journal_cold_step(journal, *now_ns) == 1) {
        }
    }
    assert_int_equal(rc, 0);
}

/* Makes a session in a new folder: image, log, and the lines it should give. */
static void make(struct folder *folder, uint64_t seed) {
    struct rw_disk_faults faults = {.seed = seed};
    struct rw_journal_counters counters = {0};
    struct rw_journal_gauges gauges = {0};
    struct rw_journal *journal;
    char log_path[256];
    size_t bytes;
    strcpy(folder->path, "/tmp/rw_report_XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    folder->image = compile(folder->path);
    write_image(folder->path, folder->image);
    const struct rw_risk_cfg risk = {.image = folder->image, .bars = bars};
    driver_new_cfg(&folder->driver, 4, &risk);

    snprintf(log_path, sizeof log_path, "%s/log", folder->path);
    struct rw_journal_cfg cfg = rw_journal_defaults(RW_JOURNAL_LOG, log_path);
    cfg.segment_bytes = 512u << 10;
    cfg.write_bytes = 64u << 10;
    void *memory = aligned_alloc(4096, (rw_journal_footprint(&cfg) + 4095) & ~(size_t)4095);
    struct rw_disk *disk = rw_disk_open_fake(&faults);
    assert_int_equal(
        rw_journal_open(&journal, memory, &cfg, RW_JOURNAL_FRESH, 0, disk, &counters, &gauges), 0);
    struct rw_rng rng;
    rw_rng_seed(&rng, seed);
    struct random_log source = {&rng, folder->image, 0, 0};
    uint64_t now_ns = 0;
    for (uint32_t i = 0; i < ENTRIES; i++) {
        struct log_entry entry = random_entry(&source);
        if (entry.entry.type == RW_ENTRY_TICK && rw_rng_chance(&rng, 1, 3))
            random_trade(&source, &entry, 2000);
        if (i == ENTRIES - 1) entry = make_session(source.time, RW_SESSION_CLOSE);
        if (entry.entry.type == RW_ENTRY_SESSION) {
            memcpy(entry.entry.body + offsetof(struct rw_session_body, session), SESSION, 10);
            memcpy(entry.entry.body + offsetof(struct rw_session_body, image_hash),
                   folder->image->hash, 16);
        }
        driver_apply(&folder->driver, &entry);
        append(journal, &entry, &now_ns);
    }
    assert_int_equal(rw_journal_close(journal), 0);
    rw_disk_close(disk);
    free(memory);

    FILE *lines = open_memstream(&folder->lines, &bytes);
    rw_result_print_csv_header(lines);
    for (uint32_t i = 0; i < folder->driver.count; i++)
        rw_result_print_csv(lines, SESSION, &folder->driver.results[i]);
    fclose(lines);
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *walk) {
    return remove(path);
}

static void drop(struct folder *folder) {
    nftw(folder->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    driver_free(&folder->driver);
    free(folder->image);
    free(folder->lines);
}

static int report(const char *path, struct rw_report_summary *summary, char **text) {
    size_t bytes;
    FILE *out = open_memstream(text, &bytes);
    int rc = rw_report_write(&(struct rw_report_cfg){.folder = path, .bars = bars}, out, summary);
    fclose(out);
    return rc;
}

static void the_report_is_what_a_subscriber_saw(void **state) {
    struct folder folder;
    struct rw_report_summary summary;
    char *text;
    make(&folder, seed_of_run(7050));
    int rc = report(folder.path, &summary, &text);
    if (rc) rw_err_print("test");
    assert_int_equal(rc, 0);
    assert_int_equal(summary.entries, ENTRIES);
    assert_int_equal(summary.results, folder.driver.count);
    assert_true(rw_hash_equal(summary.hash, folder.driver.hash));
    assert_true(summary.closed);
    assert_true(strcmp(text, folder.lines) == 0);
    assert_true(summary.checked);
    assert_int_equal(summary.portfolios_checked, 5);
    assert_true(summary.positions_checked > 10);
    assert_int_equal(summary.differences, 0);
    assert_int_equal(summary.bars_checked, rw_stat_get(&folder.driver.bar_counters.bars));
    assert_true(summary.bars_checked > 50);
    assert_int_equal(summary.bar_differences, 0);
    free(text);
    drop(&folder);
}

static void another_image_is_refused(void **state) {
    struct folder folder;
    struct rw_report_summary summary;
    struct rw_image *other;
    char *text;
    make(&folder, 1);
    write_text(folder.path, "limits.csv", "scope,name,measure,soft,hard\n");
    assert_int_equal(rw_refdata_compile(folder.path, &other), 0);
    write_image(folder.path, other);
    assert_int_equal(report(folder.path, &summary, &text), -EINVAL);
    assert_non_null(strstr(rw_err_text(), "does not belong"));
    free(text);
    free(other);
    drop(&folder);
}

static void a_missing_or_cut_image_is_named(void **state) {
    struct folder folder;
    struct rw_report_summary summary;
    char *text, path[256];
    make(&folder, 2);
    snprintf(path, sizeof path, "%s/image.bin", folder.path);
    assert_int_equal(truncate(path, (off_t)folder.image->bytes - 1), 0);
    assert_true(report(folder.path, &summary, &text) < 0);
    assert_non_null(strstr(rw_err_text(), "cut short"));
    free(text);
    assert_int_equal(unlink(path), 0);
    assert_true(report(folder.path, &summary, &text) < 0);
    assert_non_null(strstr(rw_err_text(), "image.bin"));
    free(text);
    drop(&folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_report_is_what_a_subscriber_saw),
        cmocka_unit_test(another_image_is_refused),
        cmocka_unit_test(a_missing_or_cut_image_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
