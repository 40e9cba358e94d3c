/* What a device offers beyond receiving: filters, steering, stamps, sending. No virtual device here
 * has a multicast filter or steers, so the linker puts this file's functions in the place of
 * DPDK's: the rules are checked as the device would be given them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <rte_ethdev.h>
#include <rte_flow.h>
#include <unistd.h>

#include "dataplane/base/err.h"
#include "dataplane/io/pcap.h"
#include "dataplane/nic/nic_dpdk.h"
#include "tests/unit/nic/in_child.h"

#define GROUP 0xE9360C6Fu
#define START 1700000000000000000ull

/* ---- the device's answers, and what it was asked */

static int filter_answer, all_answer, promiscuous_answer;
static uint32_t filter_macs;
static struct rte_ether_addr filter_mac[80];

int __wrap_rte_eth_dev_set_mc_addr_list(uint16_t port, struct rte_ether_addr *list, uint32_t count);
int __wrap_rte_eth_allmulticast_enable(uint16_t port);
int __wrap_rte_eth_promiscuous_enable(uint16_t port);

int __wrap_rte_eth_dev_set_mc_addr_list(uint16_t port, struct rte_ether_addr *list,
                                        uint32_t count) {
    filter_macs = count;
    memcpy(filter_mac, list, count * sizeof *list);
    return filter_answer;
}
int __wrap_rte_eth_allmulticast_enable(uint16_t port) { return all_answer; }
int __wrap_rte_eth_promiscuous_enable(uint16_t port) { return promiscuous_answer; }

static bool flow_is_valid;
static char flow_text[256]; /* the rule in words */

static void put_words(const struct rte_flow_item *item) {
    size_t at = strlen(flow_text);
    char *to = flow_text + at;
    size_t room = sizeof flow_text - at;
    if (item->type == RTE_FLOW_ITEM_TYPE_ETH) snprintf(to, room, "eth ");
    if (item->type == RTE_FLOW_ITEM_TYPE_VLAN) {
        const struct rte_flow_item_vlan *spec = item->spec, *mask = item->mask;
        snprintf(to, room, "vlan %u/%x ", rte_be_to_cpu_16(spec->tci), rte_be_to_cpu_16(mask->tci));
    }
    if (item->type == RTE_FLOW_ITEM_TYPE_IPV4) {
        const struct rte_flow_item_ipv4 *spec = item->spec, *mask = item->mask;
        snprintf(to, room, "ipv4 from %x/%x to %x/%x ", rte_be_to_cpu_32(spec->hdr.src_addr),
                 rte_be_to_cpu_32(mask->hdr.src_addr), rte_be_to_cpu_32(spec->hdr.dst_addr),
                 rte_be_to_cpu_32(mask->hdr.dst_addr));
    }
    if (item->type == RTE_FLOW_ITEM_TYPE_UDP) {
        const struct rte_flow_item_udp *spec = item->spec, *mask = item->mask;
        snprintf(to, room, "udp to %u/%x", rte_be_to_cpu_16(spec->hdr.dst_port),
                 rte_be_to_cpu_16(mask->hdr.dst_port));
    }
}

int __wrap_rte_flow_validate(uint16_t port, const struct rte_flow_attr *attributes,
                             const struct rte_flow_item pattern[],
                             const struct rte_flow_action actions[], struct rte_flow_error *error);
struct rte_flow *__wrap_rte_flow_create(uint16_t port, const struct rte_flow_attr *attributes,
                                        const struct rte_flow_item pattern[],
                                        const struct rte_flow_action actions[],
                                        struct rte_flow_error *error);

int __wrap_rte_flow_validate(uint16_t port, const struct rte_flow_attr *attributes,
                             const struct rte_flow_item pattern[],
                             const struct rte_flow_action actions[], struct rte_flow_error *error) {
    error->message = "no room in the table";
    return flow_is_valid && attributes->ingress ? 0 : -ENOSPC;
}

struct rte_flow *__wrap_rte_flow_create(uint16_t port, const struct rte_flow_attr *attributes,
                                        const struct rte_flow_item pattern[],
                                        const struct rte_flow_action actions[],
                                        struct rte_flow_error *error) {
    static int flow;
    flow_text[0] = 0;
    for (; pattern->type != RTE_FLOW_ITEM_TYPE_END; pattern++) put_words(pattern);
    const struct rte_flow_action_queue *queue = actions[0].conf;
    if (actions[0].type != RTE_FLOW_ACTION_TYPE_QUEUE || actions[1].type != 0) return NULL;
    snprintf(flow_text + strlen(flow_text), sizeof flow_text - strlen(flow_text), " queue %u",
             queue->index);
    return (struct rte_flow *)&flow;
}

static const char *const driver_counters[] = {"rx_good_packets",
                                              "rx_q0_errors",
                                              "rx_out_of_buffer",
                                              "tx_errors",
                                              "rx_crc_errors",
                                              "rx_missed_errors",
                                              "rx_discarded_frames_whose_name_is_too_long",
                                              "rx_unicast_packets"};

int __wrap_rte_eth_xstats_get_names(uint16_t port, struct rte_eth_xstat_name *names,
                                    unsigned count);
int __wrap_rte_eth_xstats_get_by_id(uint16_t port, const uint64_t *ids, uint64_t *values,
                                    unsigned count);

int __wrap_rte_eth_xstats_get_names(uint16_t port, struct rte_eth_xstat_name *names,
                                    unsigned count) {
    for (unsigned i = 0; i < count; i++)
        snprintf(names[i].name, sizeof names[i].name, "%s", driver_counters[i]);
    return RTE_DIM(driver_counters);
}

int __wrap_rte_eth_xstats_get_by_id(uint16_t port, const uint64_t *ids, uint64_t *values,
                                    unsigned count) {
    for (unsigned i = 0; i < count; i++) values[i] = 100 + ids[i];
    return (int)count;
}

/* ---- */

static struct rw_nic *nic;

static int start(const char *device, struct rw_nic_dpdk_cfg cfg) {
    snprintf(cfg.device[0], RW_NIC_DEVICE_BYTES, "%s", device);
    cfg.device_count = 1;
    int rc = rw_nic_dpdk_start(&cfg, &nic);
    return rc;
}

static int listening(void) {
    const uint32_t groups[] = {GROUP, GROUP + (1u << 23),
                               0xEF010101}; /* the first two share a MAC */
    if (start("net_ring0", (struct rw_nic_dpdk_cfg){.live_descriptors = 256})) return 1;
    if (nic->ops->listen(nic, 0, groups, 3) != RW_NIC_HEARS_GROUPS || filter_macs != 3) return 2;
    static const uint8_t wanted[][6] = {
        {1, 0, 0x5E, 0, 0, 1}, {1, 0, 0x5E, 0x36, 0x0C, 0x6F}, {1, 0, 0x5E, 1, 1, 1}};
    if (memcmp(filter_mac, wanted, sizeof wanted)) return 3;
    filter_macs = 0;
    if (nic->ops->listen(nic, 0, groups, 0) != RW_NIC_HEARS_MULTICAST || filter_macs) return 4;
    filter_answer = -ENOTSUP;
    if (nic->ops->listen(nic, 0, groups, 3) != RW_NIC_HEARS_MULTICAST) return 5;
    freopen("/dev/null", "w", stderr); /* the warnings */
    all_answer = -ENOTSUP;
    if (nic->ops->listen(nic, 0, groups, 3) != RW_NIC_HEARS_ALL) return 6;
    promiscuous_answer = -ENOTSUP;
    if (nic->ops->listen(nic, 0, groups, 3) != RW_NIC_HEARS_OWN) return 7;
    nic->ops->close(nic);
    return 0;
}

static void a_device_hears_its_groups_or_what_comes_nearest(void **state) { in_child(listening); }

static int steering(void) {
    const struct rw_nic_flow whole = {
        .group = GROUP, .source = 0x0A000001, .udp_port = 26477, .vlan = 12};
    const struct rw_nic_flow least = {.group = GROUP};
    struct rw_nic_dpdk_cfg cfg = {.live_descriptors = 256, .live_queues = 3};
    if (start("net_null0", cfg) || nic->port[0].queues != 3) return 1;
    if (nic->ops->steer(nic, 0, &whole, 2) != -ENOTSUP) return 2;
    if (!strstr(rw_err_text(), "no room in the table")) return 3;
    flow_is_valid = true;
    if (nic->ops->steer(nic, 0, &whole, 2) ||
        strcmp(flow_text, "eth vlan 12/fff ipv4 from a000001/ffffffff to e9360c6f/ffffffff "
                          "udp to 26477/ffff queue 2"))
        return 4;
    if (nic->ops->steer(nic, 0, &least, 1) ||
        strcmp(flow_text, "eth ipv4 from 0/0 to e9360c6f/ffffffff udp to 0/0 queue 1"))
        return 5;
    nic->ops->close(nic);
    return 0;
}

static void a_flow_becomes_a_rule_of_the_device(void **state) { in_child(steering); }

static int too_many_queues(void) {
    int rc = start("net_pcap0,rx_pcap=/dev/null", (struct rw_nic_dpdk_cfg){.live_queues = 9});
    if (rc != -EINVAL || !strstr(rw_err_text(), "9 receive queues")) return 1;
    freopen("/dev/null", "w", stderr);
    rc = start("net_memif0,id=0,socket=none,socket-abstract=no",
               (struct rw_nic_dpdk_cfg){.live_queues = 8, .live_descriptors = 100});
    if (rc != -EINVAL || !strstr(rw_err_text(), "100")) return 2;
    return 0;
}

static void queues_that_cannot_be_are_refused_with_their_number(void **state) {
    in_child(too_many_queues);
}

static int sending(void) {
    struct rw_nic_packet packets[RW_NIC_BURST];
    static const uint8_t large[RW_NIC_TX_BYTES] = {7};
    const struct rw_nic_frame frames[] = {{(const uint8_t *)"first frame", 11},
                                          {large, sizeof large}};
    if (start("net_ring0", (struct rw_nic_dpdk_cfg){.live_descriptors = 256})) return 1;
    nic->ops->thread_begin(nic);
    for (uint32_t round = 0; round < 10000; round++) { /* no buffer is lost on the way */
        if (nic->ops->tx_burst(nic, 0, frames, 2) != 2) return 2;
        if (nic->ops->rx_burst(nic, 0, 0, packets, RW_NIC_BURST) != 2) return 3;
        if (packets[0].bytes != 11 || memcmp(packets[0].frame, "first frame", 11)) return 4;
        if (packets[1].bytes != sizeof large || packets[1].frame[0] != 7) return 5;
        nic->ops->free(nic, packets, 2);
    }
    uint32_t taken = 0;
    for (uint32_t round = 0; round < 10000; round++) taken += nic->ops->tx_burst(nic, 0, frames, 1);
    if (taken == 0 || taken == 10000) return 6; /* the queue is full: refused, not waited for */
    nic->ops->close(nic);
    return 0;
}

static void frames_are_sent_and_what_finds_no_room_is_refused(void **state) { in_child(sending); }

static int driver_loss(void) {
    char names[RW_NIC_XSTATS_MAX][RW_NIC_XSTAT_BYTES];
    uint64_t values[RW_NIC_XSTATS_MAX];
    if (start("net_ring0", (struct rw_nic_dpdk_cfg){.live_descriptors = 256})) return 1;
    if (nic->ops->xstat_names(nic, 0, names) != 2) return 2;
    if (strcmp(names[0], "rx_out_of_buffer") || strcmp(names[1], "rx_crc_errors")) return 3;
    nic->ops->xstats(nic, 0, values);
    if (values[0] != 102 || values[1] != 104) return 4;
    nic->ops->close(nic);
    return 0;
}

static void the_drivers_own_counters_of_loss_are_shown(void **state) { in_child(driver_loss); }

/* Marks each packet of a burst with another verdict of the device, in turn. */
static uint16_t mark(uint16_t port, uint16_t queue, struct rte_mbuf *packets[], uint16_t count,
                     uint16_t most, void *context) {
    static const uint64_t verdicts[] = {
        0,
        RTE_MBUF_F_RX_IP_CKSUM_GOOD,
        RTE_MBUF_F_RX_L4_CKSUM_GOOD,
        RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD,
        RTE_MBUF_F_RX_IP_CKSUM_BAD | RTE_MBUF_F_RX_L4_CKSUM_BAD,
        RTE_MBUF_F_RX_IP_CKSUM_NONE | RTE_MBUF_F_RX_L4_CKSUM_NONE,
    };
    for (uint16_t i = 0; i < count; i++) packets[i]->ol_flags |= verdicts[i % RTE_DIM(verdicts)];
    return count;
}

static int verdicts(void) {
    static const uint32_t wanted[] = {
        0, RW_NIC_IP_GOOD, RW_NIC_UDP_GOOD, RW_NIC_IP_GOOD | RW_NIC_UDP_GOOD, 0, 0};
    struct rw_nic_packet packets[RW_NIC_BURST];
    struct rw_nic_frame frames[6];
    uint16_t id;
    for (uint32_t i = 0; i < 6; i++) frames[i] = (struct rw_nic_frame){(const uint8_t *)"frame", 5};
    if (start("net_ring0", (struct rw_nic_dpdk_cfg){.live_descriptors = 256})) return 1;
    if (rte_eth_dev_get_port_by_name("net_ring0", &id)) return 2;
    if (!rte_eth_add_rx_callback(id, 0, mark, NULL)) return 3;
    if (nic->ops->tx_burst(nic, 0, frames, 6) != 6) return 4;
    if (nic->ops->rx_burst(nic, 0, 0, packets, RW_NIC_BURST) != 6) return 5;
    for (uint32_t i = 0; i < 6; i++)
        if (packets[i].flags != wanted[i]) return 6;
    nic->ops->free(nic, packets, 6);
    nic->ops->close(nic);
    return 0;
}

static void only_what_the_device_found_right_counts_as_verified(void **state) {
    in_child(verdicts);
}

static char capture[] = "/tmp/rw_test_stamps_XXXXXX";

/* Live ports of net_pcap stamp in µs. */
static int stamps_of(uint64_t hz) {
    char device[128];
    struct rw_nic_packet packets[RW_NIC_BURST];
    snprintf(device, sizeof device, "net_pcap0,rx_pcap=%s", capture);
    if (start(device, (struct rw_nic_dpdk_cfg){.live_descriptors = 256, .stamp_hz = hz})) return 1;
    if (nic->port[0].file || nic->port[0].stamps != (hz > 0)) return 2;
    if (nic->ops->rx_burst(nic, 0, 0, packets, RW_NIC_BURST) != 10) return 3;
    for (uint32_t i = 0; i < 10; i++) {
        uint64_t microseconds = START / 1000 + i * 2;
        bool stamped = packets[i].flags & RW_NIC_TIME;
        if (stamped != (hz > 0)) return 4;
        if (hz == 1000000 && packets[i].time_ns != microseconds * 1000) return 5;
        if (hz == 4000000 && packets[i].time_ns != microseconds * 250) return 6;
    }
    nic->ops->free(nic, packets, 10);
    nic->ops->close(nic);
    return 0;
}

static int no_stamps(void) { return stamps_of(0); }
static int microseconds(void) { return stamps_of(1000000); }
static int quarter_microseconds(void) { return stamps_of(4000000); }

static void stamps_are_taken_in_the_unit_of_the_configuration(void **state) {
    struct rw_pcap_writer *writer;
    uint8_t frame[64] = {0};
    close(mkstemp(capture));
    assert_int_equal(rw_pcap_create(capture, &writer), 0);
    for (uint32_t i = 0; i < 10; i++) rw_pcap_write(writer, START + i * 2000, frame, sizeof frame);
    assert_int_equal(rw_pcap_finish(writer), 0);
    in_child(no_stamps);
    in_child(microseconds);
    in_child(quarter_microseconds);
    unlink(capture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queues_that_cannot_be_are_refused_with_their_number),
        cmocka_unit_test(a_device_hears_its_groups_or_what_comes_nearest),
        cmocka_unit_test(a_flow_becomes_a_rule_of_the_device),
        cmocka_unit_test(frames_are_sent_and_what_finds_no_room_is_refused),
        cmocka_unit_test(the_drivers_own_counters_of_loss_are_shown),
        cmocka_unit_test(only_what_the_device_found_right_counts_as_verified),
        cmocka_unit_test(stamps_are_taken_in_the_unit_of_the_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
