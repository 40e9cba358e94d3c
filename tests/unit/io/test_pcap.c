/* Captures: what is written is read; every variant of the format; every cut; real files where
 * present. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "dataplane/base/bytes.h"
#include "dataplane/base/err.h"
#include "dataplane/io/pcap.h"

static char folder[64];

static int make_folder(void **state) {
    snprintf(folder, sizeof folder, "/tmp/rw_test_pcap_XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    char path[512];
    DIR *listing = opendir(folder);
    for (struct dirent *entry; listing && (entry = readdir(listing));) {
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        unlink(path);
    }
    if (listing) closedir(listing);
    return rmdir(folder);
}

static const char *in_folder(const char *name) {
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* ---- captures in memory
 * ------------------------------------------------------------------------- */

struct image {
    uint8_t bytes[4096];
    size_t count;
    bool big;
};

static void put16(struct image *image, uint16_t value) {
    (image->big ? rw_store_be16 : rw_store_le16)(image->bytes + image->count, value);
    image->count += 2;
}
static void put32(struct image *image, uint32_t value) {
    (image->big ? rw_store_be32 : rw_store_le32)(image->bytes + image->count, value);
    image->count += 4;
}
static void put(struct image *image, const char *text, size_t padded) {
    memset(image->bytes + image->count, 0, padded);
    memcpy(image->bytes + image->count, text, strlen(text));
    image->count += padded;
}

static void classic(struct image *image, bool big, bool nanoseconds, uint32_t link) {
    *image = (struct image){.big = big};
    put32(image, nanoseconds ? 0xA1B23C4D : 0xA1B2C3D4);
    put16(image, 2);
    put16(image, 4);
    put32(image, 0);
    put32(image, 0);
    put32(image, 65535);
    put32(image, link);
}

static void classic_record(struct image *image, uint32_t seconds, uint32_t fraction,
                           const char *text) {
    put32(image, seconds);
    put32(image, fraction);
    put32(image, (uint32_t)strlen(text));
    put32(image, (uint32_t)strlen(text));
    put(image, text, strlen(text));
}

static void ng_section(struct image *image) {
    put32(image, 0x0A0D0D0A);
    put32(image, 28);
    put32(image, 0x1A2B3C4D);
    put16(image, 1);
    put16(image, 0);
    put32(image, 0xFFFFFFFF);
    put32(image, 0xFFFFFFFF);
    put32(image, 28);
}

/* An interface block with a resolution option, or none for resolution 0. */
static void ng_interface(struct image *image, uint16_t link, uint8_t resolution) {
    uint32_t bytes = resolution ? 32 : 20;
    put32(image, 1);
    put32(image, bytes);
    put16(image, link);
    put16(image, 0);
    put32(image, 0);
    if (resolution) {
        put16(image, 9);
        put16(image, 1);
        image->bytes[image->count] = resolution;
        memset(image->bytes + image->count + 1, 0, 3);
        image->count += 4;
        put32(image, 0); /* end of options */
    }
    put32(image, bytes);
}

static void ng_packet(struct image *image, uint32_t interface, uint64_t stamp, const char *text) {
    uint32_t padded = ((uint32_t)strlen(text) + 3) & ~3u, total = 32 + padded;
    put32(image, 6);
    put32(image, total);
    put32(image, interface);
    put32(image, (uint32_t)(stamp >> 32));
    put32(image, (uint32_t)stamp);
    put32(image, (uint32_t)strlen(text));
    put32(image, (uint32_t)strlen(text));
    put(image, text, padded);
    put32(image, total);
}

/* Opens a copy of exactly `count` bytes, so that a sanitizer sees a read beyond them. */
static int open_copy(const struct image *image, size_t count, uint8_t **copy,
                     struct rw_pcap **reader) {
    *copy = malloc(count ? count : 1);
    memcpy(*copy, image->bytes, count);
    int rc = rw_pcap_open_memory("memory", *copy, count, reader);
    if (rc) free(*copy);
    return rc;
}

static void assert_record(struct rw_pcap *reader, uint64_t time_ns, const char *text) {
    struct rw_pcap_record record;
    assert_int_equal(rw_pcap_next(reader, &record), 1);
    assert_int_equal(record.time_ns, time_ns);
    assert_int_equal(record.bytes, strlen(text));
    assert_int_equal(record.original_bytes, strlen(text));
    assert_memory_equal(record.frame, text, strlen(text));
    assert_false(record.cut);
}

static void both_byte_orders_and_both_units_are_read(void **state) {
    for (int variant = 0; variant < 4; variant++) {
        struct image image;
        struct rw_pcap *reader;
        struct rw_pcap_record record;
        uint8_t *copy;
        bool big = variant & 1, nanoseconds = variant & 2;
        classic(&image, big, nanoseconds, 1);
        classic_record(&image, 1700000000, 123456, "first");
        classic_record(&image, 1700000001, 999999, "the second");
        assert_int_equal(open_copy(&image, image.count, &copy, &reader), 0);
        uint64_t unit = nanoseconds ? 1 : 1000;
        assert_record(reader, 1700000000000000000 + 123456 * unit, "first");
        assert_record(reader, 1700000001000000000 + 999999 * unit, "the second");
        assert_int_equal(rw_pcap_next(reader, &record), 0);
        assert_int_equal(rw_pcap_next(reader, &record), 0);
        struct rw_pcap_count count = rw_pcap_counted(reader);
        assert_int_equal(count.records, 2);
        assert_int_equal(count.cut, 0);
        assert_int_equal(count.bytes, 15);
        assert_int_equal(count.longest_bytes, 10);
        rw_pcap_close(reader);
        free(copy);
    }
}

static void pcapng_stamps_are_read_in_any_resolution(void **state) {
    for (int big = 0; big < 2; big++) {
        struct image image = {.big = big};
        struct rw_pcap *reader;
        struct rw_pcap_record record;
        uint8_t *copy;
        ng_section(&image);
        ng_interface(&image, 1, 0);        /* µs */
        ng_interface(&image, 1, 9);        /* ns */
        ng_interface(&image, 1, 0x80 | 1); /* half seconds */
        ng_interface(&image, 113, 0);      /* not Ethernet */
        ng_packet(&image, 0, 1700000000000001, "us");
        ng_packet(&image, 3, 5, "not for us");
        ng_packet(&image, 1, 1700000000000000001, "nanos");
        ng_packet(&image, 2, 3, "halves..");
        assert_int_equal(open_copy(&image, image.count, &copy, &reader), 0);
        assert_int_equal(rw_pcap_format(reader), RW_PCAP_NG);
        assert_record(reader, 1700000000000001000, "us");
        assert_record(reader, 1700000000000000001, "nanos");
        assert_record(reader, 1500000000, "halves..");
        assert_int_equal(rw_pcap_next(reader, &record), 0);
        assert_int_equal(rw_pcap_counted(reader).foreign_links, 1);
        rw_pcap_close(reader);
        free(copy);
    }
}

static void a_second_section_may_have_the_other_byte_order(void **state) {
    struct image image = {.big = false};
    struct rw_pcap *reader;
    struct rw_pcap_record record;
    uint8_t *copy;
    ng_section(&image);
    ng_interface(&image, 1, 0);
    ng_packet(&image, 0, 1, "one");
    image.big = true;
    ng_section(&image);
    ng_interface(&image, 1, 9);
    ng_packet(&image, 0, 2, "two");
    assert_int_equal(open_copy(&image, image.count, &copy, &reader), 0);
    assert_record(reader, 1000, "one");
    assert_record(reader, 2, "two");
    assert_int_equal(rw_pcap_next(reader, &record), 0);
    rw_pcap_close(reader);
    free(copy);
}

/* Cut anywhere, a capture gives all whole records, at most one marked cut, and never an error. */
static void assert_cuts(const struct image *image, const size_t *ends, uint32_t records) {
    for (size_t count = 0; count < image->count; count++) {
        struct rw_pcap *reader;
        struct rw_pcap_record record;
        uint8_t *copy;
        uint32_t whole = 0, cut = 0;
        int rc = open_copy(image, count, &copy, &reader);
        if (count < 4) {
            assert_int_equal(rc, -EINVAL);
            continue;
        }
        assert_int_equal(rc, 0);
        while ((rc = rw_pcap_next(reader, &record)) == 1) *(record.cut ? &cut : &whole) += 1;
        assert_int_equal(rc, 0);
        uint32_t wanted = 0;
        while (wanted < records && ends[wanted] <= count) wanted++;
        assert_true(whole == wanted);
        assert_true(cut <= 1);
        bool boundary = wanted && ends[wanted - 1] == count;
        if (cut) assert_int_equal(rw_pcap_counted(reader).cut, 1);
        if (boundary) assert_int_equal(cut, 0);
        rw_pcap_close(reader);
        free(copy);
    }
}

static void a_capture_cut_anywhere_gives_its_whole_records(void **state) {
    struct image image;
    size_t ends[2];
    classic(&image, false, true, 1);
    classic_record(&image, 1, 2, "first record");
    ends[0] = image.count;
    classic_record(&image, 3, 4, "second");
    ends[1] = image.count;
    assert_cuts(&image, ends, 2);

    image = (struct image){.big = true};
    ng_section(&image);
    ng_interface(&image, 1, 9);
    ng_packet(&image, 0, 1, "four");
    ends[0] = image.count - 4; /* the second length adds nothing */
    ng_packet(&image, 0, 2, "eight...");
    ends[1] = image.count - 4;
    assert_cuts(&image, ends, 2);
}

static void what_cannot_be_a_record_is_an_error_once(void **state) {
    struct image image;
    struct rw_pcap *reader;
    struct rw_pcap_record record;
    uint8_t *copy;
    classic(&image, false, false, 1);
    classic_record(&image, 1, 2, "fine");
    put32(&image, 1);
    put32(&image, 2);
    put32(&image, RW_PCAP_RECORD_BYTES_MAX + 1);
    put32(&image, 4);
    assert_int_equal(open_copy(&image, image.count, &copy, &reader), 0);
    assert_int_equal(rw_pcap_next(reader, &record), 1);
    assert_int_equal(rw_pcap_next(reader, &record), -EBADMSG);
    assert_non_null(strstr(rw_err_text(), "byte 60"));
    assert_int_equal(rw_pcap_next(reader, &record), 0);
    rw_pcap_close(reader);
    free(copy);
}

static void a_pcapng_block_that_contradicts_itself_is_an_error(void **state) {
    for (int fault = 0; fault < 4; fault++) {
        struct image image = {.big = false};
        struct rw_pcap *reader;
        struct rw_pcap_record record;
        uint8_t *copy;
        ng_section(&image);
        ng_interface(&image, 1, 0);
        size_t at = image.count;
        ng_packet(&image, 0, 1, "text");
        uint8_t *block = image.bytes + at;
        if (fault == 0) rw_store_le32(block + 4, 11); /* shorter than a block */
        if (fault == 1) rw_store_le32(block + 8, 1);  /* unknown interface */
        if (fault == 2) rw_store_le32(block + 20, 5); /* more than the block holds */
        if (fault == 3) rw_store_le32(image.bytes + image.count - 4, 40); /* other second length */
        assert_int_equal(open_copy(&image, image.count, &copy, &reader), 0);
        assert_int_equal(rw_pcap_next(reader, &record), -EBADMSG);
        rw_pcap_close(reader);
        free(copy);
    }
}

static void what_is_no_capture_is_refused_with_its_first_bytes(void **state) {
    struct image image = {.bytes = "symbol,locate", .count = 13};
    struct rw_pcap *reader;
    uint8_t *copy;
    assert_int_equal(open_copy(&image, image.count, &copy, &reader), -EINVAL);
    assert_non_null(strstr(rw_err_text(), "73796D62"));
    classic(&image, false, false, 113);
    assert_int_equal(open_copy(&image, image.count, &copy, &reader), -EPROTONOSUPPORT);
    assert_non_null(strstr(rw_err_text(), "113"));
    assert_int_equal(rw_pcap_open(in_folder("missing.pcap"), &reader), -ENOENT);
    assert_non_null(strstr(rw_err_text(), "missing.pcap"));
}

/* ---- captures in files
 * -------------------------------------------------------------------------- */

static void write_three(const char *path) {
    struct rw_pcap_writer *writer;
    assert_int_equal(rw_pcap_create(path, &writer), 0);
    rw_pcap_write(writer, 1700000000000000001, "one", 3);
    rw_pcap_write(writer, 1700000000999999999, "three", 5);
    rw_pcap_write(writer, 0, "x", 1);
    assert_int_equal(rw_pcap_finish(writer), 0);
}

static void assert_three(const char *path) {
    struct rw_pcap *reader;
    struct rw_pcap_record record;
    assert_int_equal(rw_pcap_open(path, &reader), 0);
    assert_record(reader, 1700000000000000001, "one");
    assert_record(reader, 1700000000999999999, "three");
    assert_record(reader, 0, "x");
    assert_int_equal(rw_pcap_next(reader, &record), 0);
    rw_pcap_close(reader);
}

static void what_is_written_is_read(void **state) {
    struct rw_pcap_count count;
    const char *path = in_folder("three.pcap");
    write_three(path);
    assert_three(path);
    assert_true(rw_pcap_is_capture(path));
    assert_int_equal(rw_pcap_survey(path, &count), 0);
    assert_int_equal(count.records, 3);
    assert_int_equal(count.first_ns, 1700000000000000001);
    assert_int_equal(count.last_ns, 0);
}

static void a_compressed_capture_is_read_and_unpacked(void **state) {
    char plain[128], packed[128], unpacked[128];
    struct rw_pcap *reader;
    struct rw_pcap_count count;
    uint8_t bytes[256];
    snprintf(plain, sizeof plain, "%s", in_folder("plain.pcap"));
    snprintf(packed, sizeof packed, "%s", in_folder("packed.pcap.gz"));
    snprintf(unpacked, sizeof unpacked, "%s", in_folder("unpacked.pcap"));
    write_three(plain);
    FILE *from = fopen(plain, "rb");
    int got = (int)fread(bytes, 1, sizeof bytes, from);
    fclose(from);
    gzFile to = gzopen(packed, "wb");
    assert_int_equal(gzwrite(to, bytes, (unsigned)got), got);
    assert_int_equal(gzclose(to), Z_OK);
    assert_three(packed);
    assert_true(rw_pcap_is_capture(packed));
    assert_int_equal(rw_pcap_open(packed, &reader), 0);
    assert_true(rw_pcap_compressed(reader));
    rw_pcap_close(reader);
    assert_int_equal(rw_pcap_unpack(packed, unpacked, &count), 0);
    assert_int_equal(count.records, 3);
    assert_three(unpacked);
}

static void a_damaged_gz_is_an_error_and_unpack_leaves_nothing(void **state) {
    char packed[128], unpacked[128];
    static uint8_t noise[200000];
    struct rw_pcap_writer *writer;
    snprintf(packed, sizeof packed, "%s", in_folder("damaged.pcap.gz"));
    snprintf(unpacked, sizeof unpacked, "%s", in_folder("never.pcap"));
    const char *plain = in_folder("large.pcap");
    for (size_t i = 0; i < sizeof noise; i++) noise[i] = (uint8_t)(i * i >> 7);
    assert_int_equal(rw_pcap_create(plain, &writer), 0);
    for (int i = 0; i < 3; i++) rw_pcap_write(writer, 1, noise, 60000);
    assert_int_equal(rw_pcap_finish(writer), 0);
    FILE *from = fopen(plain, "rb");
    size_t got = fread(noise, 1, sizeof noise, from);
    fclose(from);
    gzFile to = gzopen(packed, "wb1");
    gzwrite(to, noise, (unsigned)got);
    gzclose(to);
    struct stat size;
    assert_int_equal(stat(packed, &size), 0);
    FILE *damage = fopen(packed, "r+b");
    fseek(damage, size.st_size / 2, SEEK_SET);
    for (int i = 0; i < 64; i++) fputc(0xFF, damage);
    fclose(damage);
    assert_true(rw_pcap_unpack(packed, unpacked, NULL) < 0);
    assert_int_equal(access(unpacked, F_OK), -1);
}

static void a_full_disk_is_told_at_the_end(void **state) {
    struct rw_pcap_writer *writer;
    if (access("/dev/full", W_OK)) skip();
    assert_int_equal(rw_pcap_create("/dev/full", &writer), 0);
    rw_pcap_write(writer, 1, "x", 1);
    assert_int_equal(rw_pcap_finish(writer), -ENOSPC);
}

static void real_captures_are_read_whole(void **state) {
    char path[1024];
    const char *shared = getenv("RW_SHARED");
    snprintf(path, sizeof path, "%s/data/captures/itch50",
             shared ? shared : RW_SOURCE_ROOT "/../shared");
    DIR *listing = opendir(path);
    if (!listing) {
        print_message("skipped: no captures in %s\n", path);
        skip();
    }
    uint64_t files = 0, records = 0;
    for (struct dirent *entry; (entry = readdir(listing));) {
        char file[2048];
        struct rw_pcap_count count;
        if (!strstr(entry->d_name, ".pcap")) continue;
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        assert_int_equal(rw_pcap_survey(file, &count), 0);
        assert_int_equal(count.cut, 0);
        assert_true(count.records > 0);
        files++;
        records += count.records;
    }
    closedir(listing);
    assert_int_equal(files, 23);
    assert_int_equal(records, 80);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_byte_orders_and_both_units_are_read),
        cmocka_unit_test(pcapng_stamps_are_read_in_any_resolution),
        cmocka_unit_test(a_second_section_may_have_the_other_byte_order),
        cmocka_unit_test(a_capture_cut_anywhere_gives_its_whole_records),
        cmocka_unit_test(what_cannot_be_a_record_is_an_error_once),
        cmocka_unit_test(a_pcapng_block_that_contradicts_itself_is_an_error),
        cmocka_unit_test(what_is_no_capture_is_refused_with_its_first_bytes),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(a_compressed_capture_is_read_and_unpacked),
        cmocka_unit_test(a_damaged_gz_is_an_error_and_unpack_leaves_nothing),
        cmocka_unit_test(a_full_disk_is_told_at_the_end),
        cmocka_unit_test(real_captures_are_read_whole),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
