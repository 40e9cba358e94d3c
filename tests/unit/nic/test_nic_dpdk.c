/* Ports through the real EAL, without huge pages and root. */
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
#include <sched.h>
#include <unistd.h>
#include <zlib.h>

#include "dataplane/base/err.h"
#include "dataplane/io/pcap.h"
#include "dataplane/nic/nic_dpdk.h"
#include "tests/unit/nic/in_child.h"

#define PACKETS 1000u
#define START   1700000000000000000ull

static char folder[64];

static const char *in_folder(const char *name) {
    static char path[4][512];
    static unsigned turn;
    char *next = path[turn++ % 4];
    snprintf(next, sizeof path[0], "%s/%s", folder, name);
    return next;
}

static void write_capture(const char *path) {
    struct rw_pcap_writer *writer;
    uint8_t frame[100] = {0};
    assert_int_equal(rw_pcap_create(path, &writer), 0);
    for (uint32_t i = 0; i < PACKETS; i++) {
        memcpy(frame, &i, sizeof i);
        rw_pcap_write(writer, START + i * 2000, frame, sizeof frame);
    }
    assert_int_equal(rw_pcap_finish(writer), 0);
}

/* Copies a file with at most `limit` bytes, packed or plain. */
static void copy(const char *from, const char *to, size_t limit, bool pack) {
    static uint8_t bytes[1 << 18];
    FILE *in = fopen(from, "rb");
    size_t got = fread(bytes, 1, limit < sizeof bytes ? limit : sizeof bytes, in);
    fclose(in);
    gzFile out = gzopen(to, pack ? "wb" : "wbT");
    assert_int_equal(gzwrite(out, bytes, (unsigned)got), (int)got);
    gzclose(out);
}

static int make_folder(void **state) {
    snprintf(folder, sizeof folder, "/tmp/rw_test_nic_XXXXXX");
    if (!mkdtemp(folder)) return -1;
    write_capture(in_folder("plain.pcap"));
    copy(in_folder("plain.pcap"), in_folder("packed.pcap.gz"), SIZE_MAX, true);
    copy(in_folder("plain.pcap"), in_folder("with,comma.pcap"), SIZE_MAX, false);
    copy(in_folder("plain.pcap"), in_folder("cut.pcap"), 24 + 116 * 500 + 50, false);
    copy(in_folder("plain.pcap"), in_folder("text.pcap"), 0, false);
    FILE *text = fopen(in_folder("text.pcap"), "w");
    fputs("not a capture\n", text);
    fclose(text);
    return 0;
}

static int remove_folder(void **state) {
    DIR *listing = opendir(folder);
    for (struct dirent *entry; listing && (entry = readdir(listing));)
        unlink(in_folder(entry->d_name));
    if (listing) closedir(listing);
    return rmdir(folder);
}

static void add(struct rw_nic_dpdk_cfg *cfg, const char *device) {
    snprintf(cfg->device[cfg->device_count++], RW_NIC_DEVICE_BYTES, "%s", device);
}

/* Reads a file port to its end; returns the packets, or UINT64_MAX when one is not as written. */
static uint64_t drain(struct rw_nic *nic, uint32_t port) {
    struct rw_nic_packet packets[RW_NIC_BURST];
    uint64_t count = 0;
    bool right = true;
    for (uint32_t idle = 0; idle < 1000 && !nic->ops->at_end(nic, port); idle++) {
        uint32_t got = nic->ops->rx_burst(nic, port, 0, packets, RW_NIC_BURST);
        for (uint32_t i = 0; i < got; i++, count++) {
            uint32_t number;
            memcpy(&number, packets[i].frame, sizeof number);
            right &= number == count && packets[i].bytes == 100;
            right &= packets[i].flags == RW_NIC_TIME && packets[i].time_ns == START + count * 2000;
        }
        nic->ops->free(nic, packets, got);
    }
    return right ? count : UINT64_MAX;
}

static int four_files(void) {
    struct rw_nic_dpdk_cfg cfg = {0};
    struct rw_nic_counters counters;
    struct rw_nic *nic;
    cpu_set_t before, after;
    sched_getaffinity(0, sizeof before, &before);
    snprintf(cfg.temporary, sizeof cfg.temporary, "%s", folder);
    add(&cfg, in_folder("plain.pcap"));
    add(&cfg, in_folder("packed.pcap.gz"));
    add(&cfg, in_folder("plain.pcap")); /* named twice: one port */
    add(&cfg, in_folder("with,comma.pcap"));
    add(&cfg, in_folder("cut.pcap"));
    if (rw_nic_dpdk_start(&cfg, &nic)) {
        rw_err_print("test");
        return 1;
    }
    sched_getaffinity(0, sizeof after, &after);
    if (!CPU_EQUAL(&before, &after)) return 2;
    if (nic->port_count != 4) return 3;
    nic->ops->thread_begin(nic);
    for (uint32_t port = 0; port < 3; port++)
        if (nic->port[port].records != PACKETS || drain(nic, port) != PACKETS) return 4;
    if (nic->port[3].records != 501 || drain(nic, 3) != 500) return 5;
    nic->ops->counters(nic, 3, &counters);
    if (counters.packets != 500 || counters.errors == 0 || !nic->ops->at_end(nic, 3)) return 6;
    if (rw_nic_dpdk_start(&cfg, &nic) != -EALREADY) return 7;
    nic->ops->close(nic);
    return 0;
}

static void files_come_back_whole_and_end(void **state) {
    in_child(four_files);
    DIR *listing = opendir(folder);
    for (struct dirent *entry; (entry = readdir(listing));)
        assert_null(strstr(entry->d_name, "riskwire-")); /* nothing temporary is left */
    closedir(listing);
}

static int a_ring(void) {
    struct rw_nic_dpdk_cfg cfg = {.live_descriptors = 256};
    const uint32_t groups[] = {0xE9360C6F};
    struct rw_nic_packet packets[RW_NIC_BURST];
    struct rw_nic *nic;
    add(&cfg, "net_ring0");
    if (rw_nic_dpdk_start(&cfg, &nic)) {
        rw_err_print("test");
        return 1;
    }
    if (nic->port[0].file || nic->ops->at_end(nic, 0)) return 2;
    if (nic->ops->listen(nic, 0, groups, 1) != RW_NIC_HEARS_MULTICAST) return 3;
    if (nic->ops->rx_burst(nic, 0, 0, packets, RW_NIC_BURST) != 0) return 4;
    if (!nic->ops->link_up(nic, 0)) return 5;
    nic->ops->close(nic);
    return 0;
}

static void any_virtual_device_uses_the_same_code(void **state) { in_child(a_ring); }

static int refused(const char *device, const char *text, int error, bool huge) {
    struct rw_nic_dpdk_cfg cfg = {.huge = huge};
    struct rw_nic *nic;
    add(&cfg, device);
    int rc = rw_nic_dpdk_start(&cfg, &nic);
    if (rc != error || !strstr(rw_err_text(), text)) {
        print_message("%d %s\n", rc, rw_err_text());
        return 1;
    }
    return 0;
}

/* These are found before the EAL starts, so that they need no child. */
static void what_is_wrong_is_found_before_the_eal_starts(void **state) {
    assert_int_equal(refused(in_folder("none.pcap"), "none.pcap", -ENOENT, false), 0);
    assert_int_equal(refused(in_folder("text.pcap"), "not a capture", -EINVAL, false), 0);
    assert_int_equal(refused("0000:ff:1f.7", "no PCI device", -ENODEV, false), 0);
    struct rw_nic_dpdk_cfg none = {0};
    assert_int_equal(rw_nic_dpdk_check(&none), -EINVAL);
}

static int unknown_device(void) {
    freopen("/dev/null", "w", stderr); /* DPDK's own words */
    return refused("net_nosuch0", "DPDK did not start", -ENODEV, false);
}

static void a_device_without_a_driver_is_an_error(void **state) { in_child(unknown_device); }

static uint32_t free_huge_pages(void) {
    unsigned pages = 0;
    FILE *file = fopen("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "r");
    if (file && fscanf(file, "%u", &pages) != 1) pages = 0;
    if (file) fclose(file);
    return pages;
}

static int huge_file(void) {
    struct rw_nic_dpdk_cfg cfg = {.huge = true};
    struct rw_nic *nic;
    add(&cfg, in_folder("plain.pcap"));
    uint32_t before = free_huge_pages();
    if (rw_nic_dpdk_start(&cfg, &nic)) {
        rw_err_print("test");
        return 1;
    }
    if (free_huge_pages() >= before || !rw_nic_dpdk_huge(nic)) return 2;
    if (drain(nic, 0) != PACKETS) return 3;
    nic->ops->close(nic);
    return 0;
}

static void profile_host_takes_its_buffers_from_huge_pages(void **state) {
    if (free_huge_pages() < 32) {
        assert_int_equal(refused(in_folder("plain.pcap"), "huge pages", -ENOMEM, true), 0);
        print_message("skipped: fewer than 32 huge pages are free (the refusal was tested)\n");
        skip();
    }
    uint32_t before = free_huge_pages();
    in_child(huge_file);
    assert_int_equal(free_huge_pages(), before);
}

static void device_strings_tell_their_kind(void **state) {
    assert_int_equal(rw_nic_device_kind("0000:41:00.0"), RW_NIC_DEVICE_PCI);
    assert_int_equal(rw_nic_device_kind("0000:41:00.1,rx_vec_en=1"), RW_NIC_DEVICE_PCI);
    assert_int_equal(rw_nic_device_kind("net_af_packet0,iface=eth0"), RW_NIC_DEVICE_VDEV);
    assert_int_equal(rw_nic_device_kind("/data/net_a.pcap"), RW_NIC_DEVICE_FILE);
    assert_int_equal(rw_nic_device_kind("line_a.pcap.gz"), RW_NIC_DEVICE_FILE);
    assert_int_equal(rw_nic_device_kind("0000:41:00.1x"), RW_NIC_DEVICE_FILE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(device_strings_tell_their_kind),
        cmocka_unit_test(what_is_wrong_is_found_before_the_eal_starts),
        cmocka_unit_test(files_come_back_whole_and_end),
        cmocka_unit_test(any_virtual_device_uses_the_same_code),
        cmocka_unit_test(a_device_without_a_driver_is_an_error),
        cmocka_unit_test(profile_host_takes_its_buffers_from_huge_pages),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
