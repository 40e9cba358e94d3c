/* riskwire journal verify and dump on folders made here, and on damaged copies. */
#include <fcntl.h>
#include <sys/stat.h>

#include "dataplane/journal/superblock.h"
#include "tests/unit/journal/journal_fixture.h"
#include "tools/riskwire/report.h"
#include "tools/riskwire/verbs.h"

/* The recomputation has tests of its own. */
int rw_report_main(int argc, char **argv) { return 42; }

static struct bench bench;
static char output[65536];

/* Runs `journal SUBCOMMAND FOLDER -o FORMAT`; what it prints is in `output`. */
static int run(const char *subcommand, const char *folder, const char *format) {
    char *argv[] = {"journal", (char *)subcommand, (char *)folder, "-o", (char *)format, NULL};
    char path[96];
    snprintf(path, sizeof path, "%s.out", bench.folder);
    fflush(stdout);
    int keep = dup(1), fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    dup2(fd, 1);
    int code = rw_verb_journal(5, argv);
    fflush(stdout);
    dup2(keep, 1);
    ssize_t got = pread(fd, output, sizeof output - 1, 0);
    output[got > 0 ? got : 0] = 0;
    close(fd);
    close(keep);
    unlink(path);
    return code;
}

static void put(uint64_t sequence, uint8_t type, uint8_t slots, const void *body, size_t bytes) {
    uint8_t entry[2 * RW_SLOT_BYTES] = {0};
    struct rw_entry head = {.sequence = sequence,
                            .event_time_ns = 34200000000000ull + sequence,
                            .type = type,
                            .slots = slots,
                            .version = RW_ENTRY_VERSION,
                            .instrument = type == RW_ENTRY_TICK ? 7 : 0};
    memcpy(entry, &head, sizeof head);
    memcpy(entry + offsetof(struct rw_entry, body), body, bytes);
    struct iovec part = {entry, (size_t)slots * RW_SLOT_BYTES};
    struct rw_journal_batch batch = {
        .first_sequence = sequence, .count = 1, .part_count = 1, .parts = &part};
    batch.epoch = 1;
    batch.chain = rw_hash_chain(rw_journal_chain(bench.journal), entry, part.iov_len);
    assert_int_equal(rw_journal_append(bench.journal, &batch), 0);
}

static int make_log(void **state) {
    bench_make(&bench, 1);
    assert_int_equal(bench_open(&bench, RW_JOURNAL_KEEP, 0), 0);
    struct rw_session_body session = {.event = RW_SESSION_OPEN, .session = "2611210001"};
    struct rw_tick_body tick = {.channel = 1, .kind = RW_TICK_TRADE, .venue_sequence = 99};
    tick.bid_price = -5;
    tick.last_price = 1230000;
    tick.last_quantity = 100;
    struct rw_fill_body fill = {.source_sequence = 4, .exec_id = 5, .portfolio = 6, .source = 2};
    fill.side = RW_SIDE_SELL;
    fill.kind = RW_FILL_NEW;
    fill.quantity = 10;
    fill.price = 1230001;
    fill.fee = -3;
    fill.match_number = 77;
    struct rw_takeover_body takeover = {.epoch = 2, .site = 1};
    struct rw_end_body end = {.source_kind = RW_END_CHANNEL, .source = 1, .last_sequence = 1000};
    put(1, RW_ENTRY_SESSION, 1, &session, sizeof session);
    put(2, RW_ENTRY_TICK, 1, &tick, sizeof tick);
    put(3, RW_ENTRY_FILL, 2, &fill, sizeof fill);
    put(4, RW_ENTRY_CLOCK, 1, "", 0);
    put(5, RW_ENTRY_TAKEOVER, 1, &takeover, sizeof takeover);
    put(6, RW_ENTRY_END, 1, &end, sizeof end);
    bench_close(&bench);
    return 0;
}

static int remove_log(void **state) {
    bench_free(&bench);
    return 0;
}

static void every_csv_line_has_all_columns_and_every_type_its_fields(void **state) {
    assert_int_equal(run("dump", bench.folder, "csv"), RW_EXIT_OK);
    uint32_t lines = 0, commas = 0, first = 0;
    for (const char *at = output; *at; at++) {
        if (*at == ',') commas++;
        if (*at != '\n') continue;
        if (lines++ == 0) first = commas;
        assert_int_equal(commas, first);
        commas = 0;
    }
    assert_int_equal(lines, 7);
    assert_non_null(
        strstr(output, "\n2,34200000000002,tick,7,trade,1,99,0,0,0,-5,0,0,0,1230000,100,,"));
    assert_non_null(
        strstr(output, "\n3,34200000000003,fill,0,new,,,,,,,,,,,,2,4,5,6,S,10,1230001,-3,77,,"));
    assert_non_null(strstr(output, "\n4,34200000000004,clock,0,,"));
}

static void json_has_only_the_fields_an_entry_has(void **state) {
    assert_int_equal(run("dump", bench.folder, "json"), RW_EXIT_OK);
    assert_non_null(strstr(output, "\"type\":\"session\",\"instrument\":0,\"kind\":\"open\","
                                   "\"session\":\"2611210001\",\"image_hash\":\""));
    assert_non_null(strstr(output,
                           "{\"sequence\":4,\"event_time_ns\":34200000000004,\"type\":\"clock\","
                           "\"instrument\":0}\n"));
    assert_non_null(
        strstr(output, "\"type\":\"takeover\",\"instrument\":0,\"epoch\":2,\"site\":\"b\"}"));
    assert_non_null(strstr(output, "\"kind\":\"channel\",\"source\":1,\"last_sequence\":1000}"));
}

static void a_good_journal_is_said_to_be_good(void **state) {
    assert_int_equal(run("verify", bench.folder, "table"), RW_EXIT_OK);
    assert_non_null(strstr(output, "verdict good"));
    assert_non_null(strstr(output, "last_sequence 6"));
    assert_non_null(strstr(output, "closed yes"));
    assert_int_equal(run("verify", bench.folder, "json"), RW_EXIT_OK);
    assert_non_null(strstr(output, "\"verdict\":\"good\""));
    assert_non_null(strstr(output, "\"last_sequence\":6"));
}

/* Cut into other records, the same items have the same digest. */
static void the_sha256_chain_depends_on_the_items_alone(void **state) {
    char digest[2][65];
    for (uint32_t way = 0; way < 2; way++) {
        struct bench keep = bench;
        bench_make(&bench, 1);
        assert_int_equal(bench_open(&bench, RW_JOURNAL_KEEP, 0), 0);
        for (uint64_t sequence = 1; sequence <= 3000; sequence++) {
            append_range(&bench, sequence, sequence, 0);
            if (sequence % (way ? 10 : 77) == 0) rw_journal_end_record(bench.journal);
        }
        bench_close(&bench);
        assert_int_equal(run("verify", bench.folder, "table"), RW_EXIT_OK);
        const char *at = strstr(output, "sha256_chain ");
        assert_non_null(at);
        memcpy(digest[way], at + 13, 64);
        digest[way][64] = 0;
        bench_free(&bench);
        bench = keep;
    }
    assert_string_equal(digest[0], digest[1]);
    assert_int_equal(strspn(digest[0], "0123456789abcdef"), 64);
}

static void a_journal_that_is_being_written_is_said_to_be(void **state) {
    assert_int_equal(bench_open(&bench, RW_JOURNAL_KEEP, 0), 0);
    assert_int_equal(run("verify", bench.folder, "table"), RW_EXIT_OK);
    assert_non_null(strstr(output, "verdict being written"));
    bench_close(&bench);
}

static void flip(const char *path, off_t offset) {
    uint8_t byte;
    int fd = open(path, O_RDWR);
    assert_int_equal(pread(fd, &byte, 1, offset), 1);
    byte ^= 32;
    assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
    close(fd);
}

static void a_damaged_journal_exits_with_3(void **state) {
    char path[96];
    snprintf(path, sizeof path, "%s/0000000001.seg", bench.folder);
    const off_t places[] = {100, 4096, 4096 + 700, 2 * 4096, 200000};
    for (uint32_t i = 0; i < sizeof places / sizeof *places; i++) {
        flip(path, places[i]);
        assert_int_equal(run("verify", bench.folder, "table"), RW_EXIT_CHECK);
        flip(path, places[i]);
        assert_int_equal(run("verify", bench.folder, "table"), RW_EXIT_OK);
    }
}

static void a_wrongly_chained_entry_is_found_although_its_checksum_is_right(void **state) {
    assert_int_equal(bench_open(&bench, RW_JOURNAL_KEEP, 0), 0);
    uint8_t entry[RW_SLOT_BYTES] = {0};
    struct rw_entry head = {.sequence = 7, .type = RW_ENTRY_CLOCK, .slots = 1};
    memcpy(entry, &head, sizeof head);
    struct iovec part = {entry, sizeof entry};
    struct rw_journal_batch batch = {7, 1, 1, &part, 1, {1, 2}, NULL};
    assert_int_equal(rw_journal_append(bench.journal, &batch), 0);
    bench_close(&bench);
    assert_int_equal(run("verify", bench.folder, "table"), RW_EXIT_CHECK);
    assert_non_null(strstr(output, "verdict damaged"));
}

static void a_sites_folder_is_verified_with_its_superblock(void **state) {
    char site[64] = "/tmp/rw_site_XXXXXX", log[96], path[96];
    assert_non_null(mkdtemp(site));
    snprintf(log, sizeof log, "%s/log", site);
    snprintf(path, sizeof path, "%s/superblock", site);
    assert_int_equal(symlink(bench.folder, log), 0);
    struct rw_disk_faults faults = {0};
    struct rw_disk *disk = rw_disk_open_fake(&faults);
    struct rw_superblock *superblock;
    void *memory = aligned_alloc(4096, rw_superblock_footprint());
    assert_int_equal(rw_superblock_open(&superblock, memory, path, disk), 0);
    rw_superblock_close(superblock);
    rw_disk_close(disk);
    free(memory);
    assert_int_equal(run("verify", site, "table"), RW_EXIT_OK);
    assert_non_null(strstr(output, "superblock verdict good"));
    assert_int_equal(run("dump", site, "csv"), RW_EXIT_OK);
    flip(path, 4096 + 50);
    assert_int_equal(run("verify", site, "table"), RW_EXIT_CHECK);
    assert_int_equal(unlink(log), 0);
    remove_folder(site);
}

static void what_is_not_there_exits_with_66_and_what_is_not_known_with_64(void **state) {
    assert_int_equal(run("verify", "/nonexistent", "table"), RW_EXIT_NO_INPUT);
    assert_int_equal(run("dump", "/nonexistent", "csv"), RW_EXIT_NO_INPUT);
    assert_int_equal(run("verify", "/tmp", "table"), RW_EXIT_NO_INPUT);
    assert_int_equal(run("nonsense", "/tmp", "table"), RW_EXIT_USAGE);
    assert_int_equal(run("report", bench.folder, "csv"), 42);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_csv_line_has_all_columns_and_every_type_its_fields),
        cmocka_unit_test(json_has_only_the_fields_an_entry_has),
        cmocka_unit_test(a_good_journal_is_said_to_be_good),
        cmocka_unit_test(the_sha256_chain_depends_on_the_items_alone),
        cmocka_unit_test(a_journal_that_is_being_written_is_said_to_be),
        cmocka_unit_test(a_damaged_journal_exits_with_3),
        cmocka_unit_test(a_sites_folder_is_verified_with_its_superblock),
        cmocka_unit_test(what_is_not_there_exits_with_66_and_what_is_not_known_with_64),
        cmocka_unit_test(a_wrongly_chained_entry_is_found_although_its_checksum_is_right),
    };
    return cmocka_run_group_tests(tests, make_log, remove_log);
}
