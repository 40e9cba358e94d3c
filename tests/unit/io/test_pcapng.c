/* The pcapng writer: our reader finds what was written, and the blocks say what they should. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "dataplane/base/bytes.h"
#include "dataplane/base/err.h"
#include "dataplane/base/rng.h"
#include "dataplane/io/pcap.h"
#include "dataplane/io/pcapng.h"
#include "tests/unit/base/dies.h"

#define NS 1700000000123456789ull

static char path[64];
static const struct rw_pcapng_interface two[] = {
    {"rx port0", "line_a.pcap", RW_PCAPNG_ETHERNET, 16352},
    {"rx->feed", "", RW_PCAPNG_USER0, 2048},
};

static int name_file(void **state) {
    snprintf(path, sizeof path, "/tmp/rw-pcapng-%d", (int)getpid());
    return 0;
}
static int remove_file(void **state) { return unlink(path); }

static struct rw_pcapng *create(void) {
    struct rw_pcapng *writer;
    assert_int_equal(rw_pcapng_create(path, "test", two, 2, &writer), 0);
    return writer;
}

static void put(struct rw_pcapng *writer, uint32_t interface, uint64_t number, uint64_t lost,
                const void *bytes, uint32_t count) {
    rw_pcapng_packet(writer, &(struct rw_pcapng_packet){interface, NS + number, number, lost, bytes,
                                                        count, count});
}

/* The whole file, in memory. */
static uint8_t image[65536];
static size_t read_image(void) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t count = fread(image, 1, sizeof image, file);
    fclose(file);
    assert_true(count < sizeof image);
    return count;
}
/* The n-th block of a type, and its length. */
static const uint8_t *block(uint32_t type, uint32_t n, uint32_t *bytes) {
    size_t count = read_image();
    for (size_t at = 0; at < count; at += *bytes) {
        *bytes = rw_load_le32(image + at + 4);
        assert_true(*bytes >= 12 && *bytes % 4 == 0 && *bytes <= count - at);
        assert_int_equal(rw_load_le32(image + at + *bytes - 4), *bytes); /* once more at its end */
        if (rw_load_le32(image + at) == type && n-- == 0) return image + at;
    }
    return NULL;
}
/* The 8-byte value of an option of a block whose options begin at `at`. */
static const uint8_t *option(const uint8_t *from, uint32_t bytes, uint32_t at, uint16_t code,
                             uint16_t length) {
    while (at + 4 < bytes) {
        uint16_t is = rw_load_le16(from + at), has = rw_load_le16(from + at + 2);
        if (is == 0) return NULL;
        if (is == code && has == length) return from + at + 4;
        at += 4 + ((has + 3u) & ~3u);
    }
    return NULL;
}

static void a_folder_that_is_not_there_is_told(void **state) {
    struct rw_pcapng *writer;
    assert_int_equal(rw_pcapng_create("/nonexistent/x", "test", two, 2, &writer), -ENOENT);
    assert_non_null(strstr(rw_err_text(), "/nonexistent/x"));
}

static void a_full_disk_is_told(void **state) {
    struct rw_pcapng *writer;
    static const uint8_t frame[100];
    assert_int_equal(rw_pcapng_create("/dev/full", "test", two, 2, &writer), 0);
    put(writer, 0, 1, 0, frame, sizeof frame);
    assert_int_equal(rw_pcapng_flush(writer), -ENOSPC);
    assert_int_equal(rw_pcapng_finish(writer), -ENOSPC);
}

static void unknown_interface(void *writer) { put(writer, 2, 1, 0, "x", 1); }
static void a_packet_of_an_unknown_interface_is_a_bug(void **state) {
    struct rw_pcapng *writer = create();
    assert_true(dies(unknown_interface, writer));
    assert_int_equal(rw_pcapng_finish(writer), 0);
}

static void what_is_written_is_read_by_our_reader(void **state) {
    struct rw_rng rng;
    struct rw_pcapng *writer = create();
    struct rw_pcap *reader;
    struct rw_pcap_record record;
    uint8_t bytes[300];
    rw_rng_seed(&rng, 1);
    for (uint64_t number = 1; number <= 60; number++) { /* every padding */
        memset(bytes, (int)number, sizeof bytes);
        put(writer, 0, number, number % 5, bytes, (uint32_t)number * 3);
        put(writer, 1, number, 0, bytes, (uint32_t)rw_rng_below(&rng, 200));
    }
    assert_int_equal(rw_pcapng_finish(writer), 0);
    assert_int_equal(rw_pcap_open(path, &reader), 0);
    assert_int_equal(rw_pcap_format(reader), RW_PCAP_NG);
    for (uint64_t number = 1; number <= 60; number++) {
        assert_int_equal(rw_pcap_next(reader, &record), 1);
        assert_int_equal(record.time_ns, NS + number);
        assert_int_equal(record.bytes, number * 3);
        memset(bytes, (int)number, sizeof bytes);
        assert_memory_equal(record.frame, bytes, record.bytes);
    }
    assert_int_equal(rw_pcap_next(reader, &record), 0);
    assert_int_equal(rw_pcap_counted(reader).foreign_links, 60); /* those of the user type */
    assert_int_equal(rw_pcap_counted(reader).cut, 0);
    rw_pcap_close(reader);
}

static void a_packet_has_its_number_and_what_was_lost_before_it(void **state) {
    struct rw_pcapng *writer = create();
    uint32_t bytes;
    put(writer, 0, 77, 12, "abcde", 5);
    put(writer, 0, 78, 0, "f", 1);
    assert_int_equal(rw_pcapng_finish(writer), 0);
    const uint8_t *first = block(6, 0, &bytes);
    assert_int_equal(rw_load_le64(option(first, bytes, 28 + 8, 4, 8)), 12);
    assert_int_equal(rw_load_le64(option(first, bytes, 28 + 8, 5, 8)), 77);
    const uint8_t *second = block(6, 1, &bytes);
    assert_null(option(second, bytes, 28 + 4, 4, 8));
    assert_int_equal(rw_load_le64(option(second, bytes, 28 + 4, 5, 8)), 78);
}

static void interfaces_have_names_and_nanoseconds(void **state) {
    struct rw_pcapng *writer = create();
    uint32_t bytes;
    assert_int_equal(rw_pcapng_finish(writer), 0);
    for (uint32_t i = 0; i < 2; i++) {
        const uint8_t *from = block(1, i, &bytes);
        assert_int_equal(rw_load_le16(from + 8), two[i].link_type);
        assert_int_equal(rw_load_le32(from + 12), two[i].snap_bytes);
        assert_memory_equal(option(from, bytes, 16, 2, 8), two[i].name, 8);
        assert_int_equal(*option(from, bytes, 16, 9, 1), 9);
    }
    assert_non_null(option(block(1, 0, &bytes), bytes, 16, 3, 11));
    assert_null(option(block(1, 1, &bytes), bytes, 16, 3, 0)); /* no description */
}

static void the_statistics_tell_received_dropped_and_written(void **state) {
    struct rw_pcapng *writer = create();
    uint32_t bytes;
    rw_pcapng_statistics(writer, 1, &(struct rw_pcapng_statistics){NS, NS + 5, 100, 30, 70});
    assert_int_equal(rw_pcapng_finish(writer), 0);
    const uint8_t *from = block(5, 0, &bytes);
    assert_int_equal(rw_load_le32(from + 8), 1);
    const uint8_t *end = option(from, bytes, 20, 3, 8);
    assert_int_equal((uint64_t)rw_load_le32(end) << 32 | rw_load_le32(end + 4), NS + 5);
    assert_int_equal(rw_load_le64(option(from, bytes, 20, 4, 8)), 100);
    assert_int_equal(rw_load_le64(option(from, bytes, 20, 5, 8)), 30);
    assert_int_equal(rw_load_le64(option(from, bytes, 20, 8, 8)), 70);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_that_is_not_there_is_told),
        cmocka_unit_test(a_full_disk_is_told),
        cmocka_unit_test(a_packet_of_an_unknown_interface_is_a_bug),
        cmocka_unit_test(what_is_written_is_read_by_our_reader),
        cmocka_unit_test(a_packet_has_its_number_and_what_was_lost_before_it),
        cmocka_unit_test(interfaces_have_names_and_nanoseconds),
        cmocka_unit_test(the_statistics_tell_received_dropped_and_written),
    };
    return cmocka_run_group_tests(tests, name_file, remove_file);
}
