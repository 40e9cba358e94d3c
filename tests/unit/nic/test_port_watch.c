/* What devices tell beside packets: their losses and their carrier. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/nic/nic_mem.h"
#include "dataplane/nic/port_watch.h"

#define MS 1000000ull

static const struct rw_nic_mem_cfg two_ports = {
    .port_count = 2,
    .port = {{.device = "a.pcap", .file = true, .frames_max = 4},
             {.device = "net_x", .frames_max = 4}}};

static struct rw_nic *nic;
static struct rw_stats *stats;
static struct rw_port_watch watch;

static int open_all(void **state) {
    nic = rw_nic_mem_new(&two_ports);
    stats = rw_stats_create(NULL, "test", 1);
    rw_port_watch_open(&watch, nic, stats, "rx");
    return 0;
}

static int close_all(void **state) {
    rw_stats_close(stats);
    nic->ops->close(nic);
    return 0;
}

static uint64_t value(const char *block, const char *name) {
    struct rw_stats_item item;
    for (uint64_t at = 0; rw_stats_next(stats, &at, &item);)
        if (!strcmp(item.block, block) && !strcmp(item.name, name)) return item.value;
    fail_msg("no %s of %s", name, block);
    return 0;
}

static void what_the_device_lost_adds_up(void **state) {
    struct rw_nic_packet packets[4];
    rw_nic_mem_feed(nic, 1, 0, "frame", 5, 0);
    rw_nic_mem_feed(nic, 1, 0, "frame", 5, 0);
    rw_nic_mem_lose(nic, 1, 100, 20, 3);
    rw_port_watch_step(&watch, 1);
    assert_int_equal(value("rx port1 device", "device_reached"), 123);
    assert_int_equal(nic->ops->rx_burst(nic, 1, 0, packets, 4), 2);
    nic->ops->free(nic, packets, 2);
    rw_port_watch_step(&watch, 2); /* not due yet */
    assert_int_equal(value("rx port1 device", "device_packets"), 0);
    rw_port_watch_counters(&watch);
    assert_int_equal(value("rx port1 device", "device_packets"), 2);
    assert_int_equal(value("rx port1 device", "device_missed"), 100);
    assert_int_equal(value("rx port1 device", "device_errors"), 20);
    assert_int_equal(value("rx port1 device", "device_no_buffer"), 3);
    assert_int_equal(value("rx port1 device", "device_reached"), 125);
    assert_int_equal(value("rx port0 device", "device_reached"), 0);
    assert_int_equal(value("rx port1 driver", "rx_twice_missed"), 200);
}

static void a_carrier_that_goes_and_comes_back_is_counted_and_told_to_rx(void **state) {
    rw_port_watch_step(&watch, 100 * MS);
    assert_int_equal(value("rx port1 device", "link_up"), 1);
    assert_int_equal(value("rx port1 device", "carrier_changed_ns"), 0);
    rw_nic_mem_link(nic, 1, false);
    rw_port_watch_step(&watch, 149 * MS); /* not due yet */
    assert_int_equal(value("rx port1 device", "carrier_changes"), 0);
    rw_port_watch_step(&watch, 150 * MS);
    assert_int_equal(value("rx port1 device", "carrier_changes"), 1);
    assert_int_equal(value("rx port1 device", "link_up"), 0);
    assert_int_equal(rw_word_get(&nic->port[1].carrier_ups), 0);
    rw_nic_mem_link(nic, 1, true);
    rw_port_watch_step(&watch, 250 * MS);
    rw_port_watch_step(&watch, 350 * MS);
    assert_int_equal(value("rx port1 device", "carrier_changes"), 2);
    assert_int_equal(value("rx port1 device", "carrier_changed_ns"), 250 * MS);
    assert_int_equal(rw_word_get(&nic->port[1].carrier_ups), 1);
    assert_int_equal(value("rx port0 device", "carrier_changes"), 0);
    assert_int_equal(rw_word_get(&nic->port[0].carrier_ups), 0);
}

static void a_port_that_starts_without_a_carrier_is_up_when_it_comes(void **state) {
    rw_stats_close(stats);
    rw_nic_mem_link(nic, 1, false);
    stats = rw_stats_create(NULL, "test", 1);
    rw_port_watch_open(&watch, nic, stats, "rx");
    rw_port_watch_step(&watch, 1);
    assert_int_equal(value("rx port1 device", "link_up"), 0);
    rw_nic_mem_link(nic, 1, true);
    rw_port_watch_step(&watch, 60 * MS);
    assert_int_equal(rw_word_get(&nic->port[1].carrier_ups), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_the_device_lost_adds_up, open_all, close_all),
        cmocka_unit_test_setup_teardown(
            a_carrier_that_goes_and_comes_back_is_counted_and_told_to_rx, open_all, close_all),
        cmocka_unit_test_setup_teardown(a_port_that_starts_without_a_carrier_is_up_when_it_comes,
                                        open_all, close_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
