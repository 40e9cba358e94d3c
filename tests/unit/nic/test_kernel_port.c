/* What the kernel tells of an interface: which device it is, its packets, and what its ring
 * lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/base/rng.h"
#include "dataplane/nic/kernel_port.h"

static void a_device_above_an_interface_of_the_kernel_names_it(void **state) {
    static const struct {
        const char *device, *name;
    } devices[] = {{"net_af_packet0,iface=eth1", "eth1"},
                   {"net_af_packet12,framecnt=8192,iface=va0,qpairs=2", "va0"},
                   {"net_af_packet0", ""},
                   {"net_af_packet0,iface=", ""},
                   {"net_af_packet0,iface=longer_than_names", ""},
                   {"net_af_xdp0,iface=eth1,queue_count=2", "eth1"},
                   {"net_pcap0,iface=eth1", "eth1"},
                   {"net_pcap0,rx_pcap=iface=x", ""},
                   {"net_tap0,iface=tap1", ""},
                   {"0000:41:00.0,iface=eth1", ""}};
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
        char name[RW_KERNEL_NAME_BYTES];
        rw_kernel_port_name(devices[i].device, name);
        assert_string_equal(name, devices[i].name);
    }
}

static void packets_are_found_in_the_kernels_table(void **state) {
    static const char text[] =
        "Inter-|   Receive                                                |  Transmit\n"
        " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets\n"
        "   va0:  123456     789    1    2    3     4          5         6  777      888\n"
        "    va: 1 18446744073709551615 0\n"
        "  cut: 9";
    uint64_t packets = 0;
    assert_true(rw_kernel_port_packets(text, "va0", &packets));
    assert_int_equal(packets, 789);
    assert_true(rw_kernel_port_packets(text, "va", &packets));
    assert_true(packets == UINT64_MAX);
    assert_false(rw_kernel_port_packets(text, "cut", &packets));
    assert_false(rw_kernel_port_packets(text, "face", &packets));
    assert_false(rw_kernel_port_packets(text, "eth0", &packets));
    assert_false(rw_kernel_port_packets("", "eth0", &packets));
}

static void what_waits_in_the_ring_is_not_lost(void **state) {
    struct rw_kernel_port port = {.name = "va0"};
    assert_int_equal(rw_kernel_port_missed(&port, 0, 1000), 0); /* there before */
    for (uint64_t i = 1; i < 100; i++) /* up to 500 wait, none at every third reading */
        assert_int_equal(rw_kernel_port_missed(&port, i * 1000 - (i % 3) * 250, 1000 + i * 1000),
                         0);
}

static void what_the_ring_lost_shows_when_it_has_been_emptied(void **state) {
    struct rw_kernel_port port = {.name = "va0"};
    struct rw_rng rng;
    uint64_t packets = 7, taken = 0, lost = 0;
    rw_rng_seed(&rng, 3);
    rw_kernel_port_missed(&port, taken, packets);
    for (uint32_t round = 0; round < 1000; round++) {
        uint64_t came = rw_rng_below(&rng, 5000), dropped = rw_rng_below(&rng, came / 2 + 1);
        uint64_t waits = rw_rng_below(&rng, 1000);
        packets += came;
        taken = packets - 7 - (lost += dropped);
        uint64_t missed = rw_kernel_port_missed(&port, taken > waits ? taken - waits : 0, packets);
        assert_true(missed <= lost + waits); /* nothing is counted that is not there */
        for (uint32_t i = 1; i < RW_KERNEL_READINGS; i++)
            missed = rw_kernel_port_missed(&port, taken, packets);
        assert_int_equal(missed, lost);
    }
}

static void packets_that_came_before_the_first_reading_hide_no_loss(void **state) {
    struct rw_kernel_port port = {.name = "va0"};
    assert_int_equal(rw_kernel_port_missed(&port, 0, 1000), 0);
    assert_int_equal(rw_kernel_port_missed(&port, 50, 1000), 0); /* 50 were in the ring already */
    for (uint32_t i = 0; i < RW_KERNEL_READINGS - 1; i++) rw_kernel_port_missed(&port, 150, 1130);
    assert_int_equal(rw_kernel_port_missed(&port, 150, 1130), 30);
}

static void a_device_of_another_kind_is_left_alone(void **state) {
    struct rw_kernel_port port;
    rw_kernel_port_open(&port, "net_ring0");
    assert_string_equal(port.name, "");
    rw_kernel_port_close(&port);
}

static void the_loopback_interface_is_up_and_counts(void **state) {
    struct rw_kernel_port port;
    rw_kernel_port_open(&port, "net_af_packet0,iface=lo");
    if (!port.name[0] || !rw_kernel_port_up(&port)) {
        print_message("skipped: this namespace has no loopback that is up\n");
        rw_kernel_port_close(&port);
        skip();
    }
    assert_int_equal(rw_kernel_port_read(&port, 0), 0);
    rw_kernel_port_close(&port);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_above_an_interface_of_the_kernel_names_it),
        cmocka_unit_test(packets_are_found_in_the_kernels_table),
        cmocka_unit_test(what_waits_in_the_ring_is_not_lost),
        cmocka_unit_test(what_the_ring_lost_shows_when_it_has_been_emptied),
        cmocka_unit_test(packets_that_came_before_the_first_reading_hide_no_loss),
        cmocka_unit_test(a_device_of_another_kind_is_left_alone),
        cmocka_unit_test(the_loopback_interface_is_up_and_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
