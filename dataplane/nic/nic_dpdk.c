/* One mempool for all ports, also for the few frames that are sent. The stage thread is a plain
 * pthread that is made known to the EAL, so the EAL owns neither main nor any core. */
#include "dataplane/nic/nic_dpdk.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_flow.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/err.h"
#include "dataplane/base/log.h"
#include "dataplane/nic/ether.h"
#include "dataplane/nic/frame.h"
#include "dataplane/nic/kernel_port.h"
#include "dataplane/nic/port_files.h"

#define ARGUMENTS_MAX    64u
#define ARGUMENT_BYTES   (RW_NIC_DEVICE_BYTES + 64u)
#define LIVE_DESCRIPTORS 1024u
#define TX_DESCRIPTORS   256u
#define MBUF_CACHE       64u
#define ALL_HOSTS        0xE0000001u /* 224.0.0.1: queries */
#define SECOND_NS        1000000000ull
/* net_pcap stamps in µs, whatever the file's unit. */
#define FILE_STAMP_HZ 1000000ull
/* The largest payload of a link slot with any headers (Ethernet, 2 tags, IPv4 60, UDP) in one
 * buffer. */
#define MBUF_ROOM (RTE_PKTMBUF_HEADROOM + RW_FRAME_PAYLOAD_BYTES + 32u + 60u + 8u)
/* Memory of the EAL itself without huge pages, where it cannot grow. */
#define EAL_MIB 16u

struct dpdk_port {
    uint16_t id; /* DPDK's */
    bool started;
    bool sends;                   /* has a transmit queue */
    uint64_t stamp_hz;            /* 0 = packets have no stamp, or one of unknown unit */
    struct rw_kernel_port kernel; /* of a driver that leaves things for the kernel to tell */
    uint32_t xstat_count;
    uint64_t xstat_id[RW_NIC_XSTATS_MAX];
};

struct dpdk_nic {
    struct rw_nic nic; /* first, so that the one is the other */
    struct dpdk_port port[RW_NIC_PORTS_MAX];
    struct rte_mempool *pool;
    bool huge;
    int stamp_offset; /* of the time stamp in an mbuf, or -1 */
    uint64_t stamp_flag;
    char argument[ARGUMENTS_MAX][ARGUMENT_BYTES]; /* the EAL keeps pointers to some */
    char *argv[ARGUMENTS_MAX + 1];
    int argc;
};

static const struct rw_nic_ops ops;

static int start_eal(struct dpdk_nic *dpdk, const struct rw_nic_dpdk_cfg *cfg,
                     const struct rw_port_files *files);
static int start_ports(struct dpdk_nic *dpdk, const struct rw_nic_dpdk_cfg *cfg,
                       const struct rw_port_files *files);

/* without_doubles copies the configuration with every device once, in order of first appearance. */
static struct rw_nic_dpdk_cfg *without_doubles(const struct rw_nic_dpdk_cfg *cfg) {
    struct rw_nic_dpdk_cfg *unique = malloc(sizeof *unique);
    if (!unique) return NULL;
    *unique = *cfg;
    unique->device_count = 0;
    for (uint32_t i = 0; i < cfg->device_count; i++) {
        uint32_t k = 0;
        while (k < unique->device_count && strcmp(unique->device[k], cfg->device[i])) k++;
        if (k < unique->device_count) continue;
        memmove(unique->device[k], cfg->device[i], RW_NIC_DEVICE_BYTES);
        unique->device_count++;
    }
    return unique;
}

int rw_nic_dpdk_start(const struct rw_nic_dpdk_cfg *given, struct rw_nic **nic) {
    static bool used;
    if (used) return rw_err_set(EALREADY, "the EAL was started in this process before");
    int rc = rw_nic_dpdk_check(given);
    if (rc) return rc;
    struct rw_nic_dpdk_cfg *cfg = without_doubles(given);
    struct dpdk_nic *dpdk = aligned_alloc(_Alignof(struct dpdk_nic), sizeof *dpdk);
    struct rw_port_files *files = calloc(1, sizeof *files);
    if (!cfg || !dpdk || !files) {
        rc = rw_err_set(ENOMEM, "no memory to start the ports");
    } else {
        memset(dpdk, 0, sizeof *dpdk);
        dpdk->nic.ops = &ops;
        dpdk->huge = cfg->huge;
        rc = rw_port_files_prepare(cfg, files);
        if (rc == 0) {
            used = true;
            rc = start_eal(dpdk, cfg, files);
            if (rc == 0) {
                rc = start_ports(dpdk, cfg, files);
                if (rc)
                    ops.close(&dpdk->nic);
                else
                    *nic = &dpdk->nic;
                dpdk = rc ? NULL : dpdk;
            }
            rw_port_files_remove(files); /* the driver has them open, or never will */
        }
    }
    if (rc) free(dpdk);
    free(files);
    free(cfg);
    return rc;
}

bool rw_nic_dpdk_huge(const struct rw_nic *nic) { return ((const struct dpdk_nic *)nic)->huge; }

/* ---- start: EAL
 * ------------------------------------------------------------------------------- */

static void add(struct dpdk_nic *dpdk, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void add(struct dpdk_nic *dpdk, const char *format, ...) {
    RW_ASSERT(dpdk->argc < (int)ARGUMENTS_MAX);
    char *argument = dpdk->argument[dpdk->argc];
    va_list list;
    va_start(list, format);
    vsnprintf(argument, ARGUMENT_BYTES, format, list);
    va_end(list);
    dpdk->argv[dpdk->argc++] = argument;
}

static uint32_t live_descriptors(const struct rw_nic_dpdk_cfg *cfg) {
    return cfg->live_descriptors ? cfg->live_descriptors : LIVE_DESCRIPTORS;
}

static uint32_t live_queues(const struct rw_nic_dpdk_cfg *cfg) {
    return cfg->live_queues ? cfg->live_queues : 1;
}

/* buffers returns how many packet buffers the ports need: a file holds one burst in hand; a
 * queue of a live port its descriptors and what is between the driver and the stage. */
static uint32_t buffers(const struct rw_nic_dpdk_cfg *cfg) {
    uint32_t queue = 2 * live_descriptors(cfg) + 256, count = 256;
    for (uint32_t i = 0; i < cfg->device_count; i++)
        count += rw_nic_device_kind(cfg->device[i]) == RW_NIC_DEVICE_FILE
                     ? 4 * RW_NIC_BURST
                     : live_queues(cfg) * queue + TX_DESCRIPTORS;
    return count;
}

static uint32_t memory_mib(const struct rw_nic_dpdk_cfg *cfg) {
    uint64_t bytes = (uint64_t)buffers(cfg) * (MBUF_ROOM + 512);
    return (uint32_t)(bytes >> 20) + 1 + EAL_MIB;
}

static void add_arguments(struct dpdk_nic *dpdk, const struct rw_nic_dpdk_cfg *cfg,
                          const struct rw_port_files *files, int cpu) {
    bool pci = false;
    add(dpdk, "riskwired");
    add(dpdk, "--lcores=0@%d", cpu);
    add(dpdk, "--log-level=%u", cfg->log_level ? cfg->log_level : 4);
    add(dpdk, "--no-telemetry");
    if (cfg->huge) {
        add(dpdk, "--in-memory"); /* leaves no files, so none after a kill */
    } else {
        add(dpdk, "--no-huge");
        add(dpdk, "--no-shconf"); /* several processes, no root, nothing shared */
        add(dpdk, "-m");
        add(dpdk, "%u", memory_mib(cfg));
    }
    for (uint32_t i = 0; i < cfg->device_count; i++) {
        switch (rw_nic_device_kind(cfg->device[i])) {
        case RW_NIC_DEVICE_FILE:
            add(dpdk, "--vdev=net_pcap%u,rx_pcap=%s", 900 + i, files->file[i].path);
            break;
        case RW_NIC_DEVICE_VDEV:
            add(dpdk, "--vdev=%s", cfg->device[i]);
            break;
        case RW_NIC_DEVICE_PCI:
            add(dpdk, "-a");
            add(dpdk, "%s", cfg->device[i]);
            pci = true;
            break;
        }
    }
    if (!pci) add(dpdk, "--no-pci");
}

/* start_eal runs rte_eal_init, which pins the calling thread, and gives the thread its CPUs
 * back. */
static int start_eal(struct dpdk_nic *dpdk, const struct rw_nic_dpdk_cfg *cfg,
                     const struct rw_port_files *files) {
    cpu_set_t before;
    int cpu = 0;
    if (pthread_getaffinity_np(pthread_self(), sizeof before, &before))
        return rw_err_set(errno, "the CPUs of this thread cannot be read");
    while (cpu < CPU_SETSIZE - 1 && !CPU_ISSET(cpu, &before)) cpu++;
    add_arguments(dpdk, cfg, files, cpu);
    int rc = rte_eal_init(dpdk->argc, dpdk->argv);
    pthread_setaffinity_np(pthread_self(), sizeof before, &before);
    if (rc >= 0) return 0;
    rc = rw_err_set(rte_errno ? rte_errno : EIO, "DPDK did not start: %s", rte_strerror(rte_errno));
    rw_err_why("its own message stands above, if it gave one");
    rw_err_fix("raise DPDK's log level to 8 to see what it tried, and check the device strings");
    return rc;
}

/* ---- start: ports
 * ----------------------------------------------------------------------------- */

/* port_name writes the name under which DPDK knows device i. */
static void port_name(const char *device, uint32_t i, char name[RTE_ETH_NAME_MAX_LEN]) {
    if (rw_nic_device_kind(device) == RW_NIC_DEVICE_FILE) {
        snprintf(name, RTE_ETH_NAME_MAX_LEN, "net_pcap%u", 900 + i);
    } else {
        size_t bytes = strcspn(device, ",");
        if (bytes >= RTE_ETH_NAME_MAX_LEN) bytes = RTE_ETH_NAME_MAX_LEN - 1;
        memcpy(name, device, bytes);
        name[bytes] = 0;
    }
}

static int port_failed(const char *device, const char *what, int rc) {
    return rw_err_set(rc < 0 ? -rc : EIO, "port %s: %s failed: %s", device, what,
                      rte_strerror(rc < 0 ? -rc : EIO));
}

/* choose_conf asks a live port for what its driver offers: checksums, stamps, and packets spread
 * over the queues by a hash where no steering rule says otherwise. */
static struct rte_eth_conf choose_conf(struct rw_nic_port *port,
                                       const struct rte_eth_dev_info *device, uint64_t stamp_hz) {
    const uint64_t checksums = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM;
    struct rte_eth_conf conf = {0};
    conf.rxmode.offloads = device->rx_offload_capa & checksums;
    port->checksums = conf.rxmode.offloads == checksums;
    if (stamp_hz) conf.rxmode.offloads |= device->rx_offload_capa & RTE_ETH_RX_OFFLOAD_TIMESTAMP;
    conf.rx_adv_conf.rss_conf.rss_hf =
        device->flow_type_rss_offloads &
        (RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_FRAG_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_UDP);
    if (port->queues > 1 && conf.rx_adv_conf.rss_conf.rss_hf)
        conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    return conf;
}

static int start_queues(struct dpdk_nic *dpdk, uint32_t i, uint16_t tx_queues,
                        uint16_t descriptors) {
    const char *device = dpdk->nic.port[i].device;
    uint16_t id = dpdk->port[i].id, tx_descriptors = TX_DESCRIPTORS;
    int socket = rte_eth_dev_socket_id(id);
    unsigned socket_id = socket < 0 ? 0 : (unsigned)socket;
    int rc = rte_eth_dev_adjust_nb_rx_tx_desc(id, &descriptors, &tx_descriptors);
    if (rc) return port_failed(device, "choosing queue lengths", rc);
    for (uint16_t queue = 0; queue < dpdk->nic.port[i].queues; queue++) {
        rc = rte_eth_rx_queue_setup(id, queue, descriptors, socket_id, NULL, dpdk->pool);
        if (rc) return port_failed(device, "receive queue", rc);
    }
    for (uint16_t queue = 0; queue < tx_queues; queue++) {
        rc = rte_eth_tx_queue_setup(id, queue, tx_descriptors, socket_id, NULL);
        if (rc) return port_failed(device, "transmit queue", rc);
    }
    return 0;
}

static int start_port(struct dpdk_nic *dpdk, uint32_t i, const struct rw_nic_dpdk_cfg *cfg) {
    struct rw_nic_port *port = &dpdk->nic.port[i];
    uint16_t id = dpdk->port[i].id;
    struct rte_eth_dev_info device;
    int rc = rte_eth_dev_info_get(id, &device);
    if (rc) return port_failed(port->device, "reading its properties", rc);
    port->queues = port->file ? 1 : live_queues(cfg);
    if (port->queues > device.max_rx_queues) {
        rc = rw_err_set(EINVAL, "port %s has %u receive queues, wanted %u", port->device,
                        device.max_rx_queues, port->queues);
        rw_err_fix("ask for fewer, or give the device more (of net_af_packet: qpairs=%u)",
                   port->queues);
        return rc;
    }
    struct rte_eth_conf conf = {0};
    if (!port->file) conf = choose_conf(port, &device, cfg->stamp_hz);
    /* one is enough to send, but some drivers want one beside each receive queue */
    uint16_t tx_queues = (uint16_t)port->queues;
    if (tx_queues > device.max_tx_queues) tx_queues = device.max_tx_queues;
    if (port->file) tx_queues = 0;
    rc = rte_eth_dev_configure(id, (uint16_t)port->queues, tx_queues, &conf);
    if (rc) return port_failed(port->device, "configuration", rc);
    rc = start_queues(dpdk, i, tx_queues, (uint16_t)(port->file ? 512 : live_descriptors(cfg)));
    if (rc) return rc;
    rc = rte_eth_dev_start(id);
    if (rc) return port_failed(port->device, "start", rc);
    dpdk->port[i].started = true;
    rw_kernel_port_open(&dpdk->port[i].kernel, port->device);
    dpdk->port[i].sends = tx_queues > 0;
    dpdk->port[i].stamp_hz = port->file ? FILE_STAMP_HZ : cfg->stamp_hz;
    struct rte_ether_addr mac;
    if (!port->file && rte_eth_macaddr_get(id, &mac) == 0)
        memcpy(port->mac, mac.addr_bytes, sizeof port->mac);
    return 0;
}

static int start_ports(struct dpdk_nic *dpdk, const struct rw_nic_dpdk_cfg *cfg,
                       const struct rw_port_files *files) {
    dpdk->pool = rte_pktmbuf_pool_create("rw_packets", buffers(cfg), MBUF_CACHE, 0, MBUF_ROOM,
                                         SOCKET_ID_ANY);
    if (!dpdk->pool)
        return rw_err_set(rte_errno, "no memory for %u packet buffers (%u MiB): %s", buffers(cfg),
                          memory_mib(cfg), rte_strerror(rte_errno));
    for (uint32_t i = 0; i < cfg->device_count; i++) {
        struct rw_nic_port *port = &dpdk->nic.port[i];
        char name[RTE_ETH_NAME_MAX_LEN];
        memcpy(port->device, cfg->device[i], RW_NIC_DEVICE_BYTES);
        port->file = rw_nic_device_kind(port->device) == RW_NIC_DEVICE_FILE;
        port->records = files->file[i].records;
        port_name(port->device, i, name);
        dpdk->nic.port_count = i + 1;
        /* the EAL comes up without the ports that it could not make, so each is looked for */
        if (rte_eth_dev_get_port_by_name(name, &dpdk->port[i].id)) {
            int rc = rw_err_set(ENODEV, "DPDK made no port of %s", port->device);
            rw_err_why(
                "the driver refused the device; its own message stands above, if it gave one");
            rw_err_fix(
                "check the device string; a NIC must be bound to vfio-pci (dpdk-devbind.py -s)");
            return rc;
        }
        int rc = start_port(dpdk, i, cfg);
        if (rc) return rc;
    }
    /* drivers that stamp have registered the field by now; net_pcap does it unasked */
    dpdk->stamp_offset = rte_mbuf_dynfield_lookup(RTE_MBUF_DYNFIELD_TIMESTAMP_NAME, NULL);
    int bit = rte_mbuf_dynflag_lookup(RTE_MBUF_DYNFLAG_RX_TIMESTAMP_NAME, NULL);
    dpdk->stamp_flag = dpdk->stamp_offset >= 0 && bit >= 0 ? RTE_BIT64(bit) : 0;
    for (uint32_t i = 0; i < cfg->device_count && cfg->stamp_hz; i++) {
        struct rw_nic_port *port = &dpdk->nic.port[i];
        port->stamps = !port->file && dpdk->stamp_flag;
        if (!port->file && !port->stamps)
            rw_warning("port %s does not stamp packets: their arrival is timed by the TSC",
                       port->device);
    }
    return 0;
}

/* ---- operations
 * ------------------------------------------------------------------------------- */

static void dpdk_thread_begin(struct rw_nic *nic) {
    /* a registered thread has a cache of free buffers of its own; without one it is only slower */
    if (rte_lcore_id() == LCORE_ID_ANY && rte_thread_register()) rte_errno = 0;
}

/* to_ns turns ticks of a device's clock into ns of that clock, exactly but for the last ns. */
static inline uint64_t to_ns(uint64_t ticks, uint64_t hz) {
    return hz == SECOND_NS ? ticks : (uint64_t)((unsigned __int128)ticks * SECOND_NS / hz);
}

static inline uint32_t flags_of(const struct rte_mbuf *mbuf) {
    uint64_t ip = mbuf->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;
    uint64_t udp = mbuf->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;
    /* "bad" is looked at again in software: it is rare, and the reason must be the true one */
    return (mbuf->nb_segs > 1 ? RW_NIC_CHAINED : 0u) |
           (ip == RTE_MBUF_F_RX_IP_CKSUM_GOOD ? RW_NIC_IP_GOOD : 0u) |
           (udp == RTE_MBUF_F_RX_L4_CKSUM_GOOD ? RW_NIC_UDP_GOOD : 0u);
}

static uint32_t dpdk_rx_burst(struct rw_nic *nic, uint32_t port, uint32_t queue,
                              struct rw_nic_packet *packets, uint32_t count) {
    struct dpdk_nic *dpdk = (struct dpdk_nic *)nic;
    struct rte_mbuf *mbuf[RW_NIC_BURST];
    RW_ASSERT(port < nic->port_count && count <= RW_NIC_BURST);
    uint64_t hz = dpdk->port[port].stamp_hz, stamp_flag = hz ? dpdk->stamp_flag : 0;
    uint32_t got = rte_eth_rx_burst(dpdk->port[port].id, (uint16_t)queue, mbuf, (uint16_t)count);
    for (uint32_t i = 0; i < got; i++) {
        packets[i] = (struct rw_nic_packet){.frame = rte_pktmbuf_mtod(mbuf[i], const uint8_t *),
                                            .bytes = mbuf[i]->data_len,
                                            .flags = flags_of(mbuf[i]),
                                            .buffer = mbuf[i]};
        if (!(mbuf[i]->ol_flags & stamp_flag)) continue;
        packets[i].flags |= RW_NIC_TIME;
        packets[i].time_ns =
            to_ns(*RTE_MBUF_DYNFIELD(mbuf[i], dpdk->stamp_offset, const uint64_t *), hz);
    }
    return got;
}

static uint32_t dpdk_tx_burst(struct rw_nic *nic, uint32_t port, const struct rw_nic_frame *frames,
                              uint32_t count) {
    struct dpdk_nic *dpdk = (struct dpdk_nic *)nic;
    struct rte_mbuf *mbuf[RW_NIC_TX_BURST];
    uint16_t made = 0;
    RW_ASSERT(port < nic->port_count && count <= RW_NIC_TX_BURST);
    if (!dpdk->port[port].sends) return 0;
    for (; made < count; made++) {
        mbuf[made] = rte_pktmbuf_alloc(dpdk->pool);
        char *room =
            mbuf[made] ? rte_pktmbuf_append(mbuf[made], (uint16_t)frames[made].count) : NULL;
        if (!room) {
            rte_pktmbuf_free(mbuf[made]); /* NULL will do */
            break;
        }
        memcpy(room, frames[made].bytes, frames[made].count);
    }
    uint16_t sent = made ? rte_eth_tx_burst(dpdk->port[port].id, 0, mbuf, made) : 0;
    for (uint16_t i = sent; i < made; i++) rte_pktmbuf_free(mbuf[i]);
    return sent;
}

static void dpdk_free(struct rw_nic *nic, const struct rw_nic_packet *packets, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) rte_pktmbuf_free(packets[i].buffer);
}

static void dpdk_counters(struct rw_nic *nic, uint32_t port, struct rw_nic_counters *counters) {
    struct dpdk_port *of = &((struct dpdk_nic *)nic)->port[port];
    struct rte_eth_stats stats = {0};
    rte_eth_stats_get(of->id, &stats);
    uint64_t missed = of->kernel.name[0] ? rw_kernel_port_read(&of->kernel, stats.ipackets) : 0;
    if (missed > stats.imissed) stats.imissed = missed; /* some drivers count a part of it */
    *counters = (struct rw_nic_counters){.packets = stats.ipackets,
                                         .bytes = stats.ibytes,
                                         .missed = stats.imissed,
                                         .errors = stats.ierrors,
                                         .no_buffer = stats.rx_nombuf};
}

static bool dpdk_at_end(struct rw_nic *nic, uint32_t port) {
    if (!nic->port[port].file) return false;
    struct rw_nic_counters counters;
    dpdk_counters(nic, port, &counters);
    /* the driver has no end of file and counts a record for which it had no buffer as read */
    return counters.packets + counters.errors + counters.no_buffer >= nic->port[port].records;
}

/* add_mac appends a group's Ethernet address unless it stands there: 32 groups share each. */
static uint32_t add_mac(struct rte_ether_addr *list, uint32_t count, uint32_t group) {
    struct rte_ether_addr mac;
    rw_ether_group_mac(group, mac.addr_bytes);
    for (uint32_t i = 0; i < count; i++)
        if (rte_is_same_ether_addr(&list[i], &mac)) return count;
    list[count] = mac;
    return count + 1;
}

static enum rw_nic_hearing dpdk_listen(struct rw_nic *nic, uint32_t port, const uint32_t *groups,
                                       uint32_t count) {
    struct rte_ether_addr list[RW_NIC_GROUPS_MAX + 1];
    uint16_t id = ((struct dpdk_nic *)nic)->port[port].id;
    const char *device = nic->port[port].device;
    RW_ASSERT(count <= RW_NIC_GROUPS_MAX);
    uint32_t macs = add_mac(list, 0, ALL_HOSTS);
    for (uint32_t i = 0; i < count; i++) macs = add_mac(list, macs, groups[i]);
    if (count && rte_eth_dev_set_mc_addr_list(id, list, macs) == 0) return RW_NIC_HEARS_GROUPS;
    if (rte_eth_allmulticast_enable(id) == 0) return RW_NIC_HEARS_MULTICAST;
    if (rte_eth_promiscuous_enable(id) == 0) {
        rw_warning("port %s can filter no multicast: it runs promiscuous", device);
        return RW_NIC_HEARS_ALL;
    }
    rw_warning("port %s has neither a multicast filter nor a promiscuous mode: it may not see its "
               "groups",
               device);
    return RW_NIC_HEARS_OWN;
}

static int dpdk_steer(struct rw_nic *nic, uint32_t port, const struct rw_nic_flow *flow,
                      uint32_t queue) {
    uint16_t id = ((struct dpdk_nic *)nic)->port[port].id;
    struct rte_flow_item_vlan vlan = {.tci = rte_cpu_to_be_16(flow->vlan)};
    struct rte_flow_item_vlan vlan_mask = {.tci = RTE_BE16(0x0FFF)};
    struct rte_flow_item_ipv4 ip = {.hdr = {.src_addr = rte_cpu_to_be_32(flow->source),
                                            .dst_addr = rte_cpu_to_be_32(flow->group)}};
    struct rte_flow_item_ipv4 ip_mask = {
        .hdr = {.src_addr = flow->source ? UINT32_MAX : 0, .dst_addr = UINT32_MAX}};
    struct rte_flow_item_udp udp = {.hdr = {.dst_port = rte_cpu_to_be_16(flow->udp_port)}};
    struct rte_flow_item_udp udp_mask = {.hdr = {.dst_port = flow->udp_port ? UINT16_MAX : 0}};
    struct rte_flow_item pattern[5];
    uint32_t items = 0;
    pattern[items++] = (struct rte_flow_item){.type = RTE_FLOW_ITEM_TYPE_ETH};
    if (flow->vlan)
        pattern[items++] = (struct rte_flow_item){
            .type = RTE_FLOW_ITEM_TYPE_VLAN, .spec = &vlan, .mask = &vlan_mask};
    pattern[items++] =
        (struct rte_flow_item){.type = RTE_FLOW_ITEM_TYPE_IPV4, .spec = &ip, .mask = &ip_mask};
    pattern[items++] =
        (struct rte_flow_item){.type = RTE_FLOW_ITEM_TYPE_UDP, .spec = &udp, .mask = &udp_mask};
    pattern[items] = (struct rte_flow_item){.type = RTE_FLOW_ITEM_TYPE_END};
    struct rte_flow_action_queue to = {.index = (uint16_t)queue};
    struct rte_flow_action actions[] = {{.type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &to},
                                        {.type = RTE_FLOW_ACTION_TYPE_END}};
    struct rte_flow_attr attributes = {.ingress = 1};
    struct rte_flow_error error = {0};
    if (rte_flow_validate(id, &attributes, pattern, actions, &error) == 0 &&
        rte_flow_create(id, &attributes, pattern, actions, &error))
        return 0;
    return rw_err_set(ENOTSUP, "port %s cannot steer a group to a queue: %s",
                      nic->port[port].device, error.message ? error.message : "no reason given");
}

static bool dpdk_link_up(struct rw_nic *nic, uint32_t port) {
    struct dpdk_port *of = &((struct dpdk_nic *)nic)->port[port];
    struct rte_eth_link link = {0};
    if (of->kernel.name[0]) return rw_kernel_port_up(&of->kernel);
    rte_eth_link_get_nowait(of->id, &link);
    return link.link_status == RTE_ETH_LINK_UP;
}

/* worth_showing picks from a driver's counters what tells one loss from another, of the whole port,
 * by the words that drivers use in their names. */
static bool worth_showing(const char *name) {
    static const char *const known[] = {"rx_good_packets", "rx_missed_errors", "rx_errors",
                                        "rx_mbuf_allocation_errors"};
    static const char *const words[] = {"err",      "drop",      "discard",       "miss",
                                        "crc",      "nobuf",     "out_of_buffer", "fifo",
                                        "oversize", "undersize", "jabber",        "fragment"};
    if (strncmp(name, "rx_", 3) || (name[3] == 'q' && name[4] >= '0' && name[4] <= '9'))
        return false;
    for (uint32_t i = 0; i < RTE_DIM(known); i++)
        if (!strcmp(name, known[i])) return false; /* `counters` has them */
    for (uint32_t i = 0; i < RTE_DIM(words); i++)
        if (strstr(name, words[i])) return true;
    return false;
}

static uint32_t dpdk_xstat_names(struct rw_nic *nic, uint32_t port,
                                 char names[RW_NIC_XSTATS_MAX][RW_NIC_XSTAT_BYTES]) {
    struct dpdk_port *of = &((struct dpdk_nic *)nic)->port[port];
    int all = rte_eth_xstats_get_names(of->id, NULL, 0);
    struct rte_eth_xstat_name *list = all > 0 ? calloc((size_t)all, sizeof *list) : NULL;
    of->xstat_count = 0;
    if (list && rte_eth_xstats_get_names(of->id, list, (unsigned)all) != all) all = 0;
    for (int i = 0; list && i < all && of->xstat_count < RW_NIC_XSTATS_MAX; i++) {
        /* a name too long for its place could not be told from another */
        if (!worth_showing(list[i].name) || strlen(list[i].name) >= RW_NIC_XSTAT_BYTES) continue;
        memcpy(names[of->xstat_count], list[i].name, strlen(list[i].name) + 1);
        of->xstat_id[of->xstat_count++] = (uint64_t)i;
    }
    free(list);
    return of->xstat_count;
}

static void dpdk_xstats(struct rw_nic *nic, uint32_t port, uint64_t values[RW_NIC_XSTATS_MAX]) {
    struct dpdk_port *of = &((struct dpdk_nic *)nic)->port[port];
    memset(values, 0, RW_NIC_XSTATS_MAX * sizeof *values);
    if (of->xstat_count) rte_eth_xstats_get_by_id(of->id, of->xstat_id, values, of->xstat_count);
}

static void dpdk_close(struct rw_nic *nic) {
    struct dpdk_nic *dpdk = (struct dpdk_nic *)nic;
    for (uint32_t i = 0; i < nic->port_count; i++) {
        if (!dpdk->port[i].started) continue;
        rw_kernel_port_close(&dpdk->port[i].kernel);
        rte_flow_flush(dpdk->port[i].id, NULL);
        rte_eth_dev_stop(dpdk->port[i].id);
        rte_eth_dev_close(dpdk->port[i].id);
    }
    rte_eal_cleanup();
    free(dpdk);
}

static const struct rw_nic_ops ops = {.name = "dpdk",
                                      .thread_begin = dpdk_thread_begin,
                                      .rx_burst = dpdk_rx_burst,
                                      .free = dpdk_free,
                                      .at_end = dpdk_at_end,
                                      .tx_burst = dpdk_tx_burst,
                                      .listen = dpdk_listen,
                                      .steer = dpdk_steer,
                                      .counters = dpdk_counters,
                                      .link_up = dpdk_link_up,
                                      .xstat_names = dpdk_xstat_names,
                                      .xstats = dpdk_xstats,
                                      .close = dpdk_close};
