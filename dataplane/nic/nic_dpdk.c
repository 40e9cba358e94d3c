/* One mempool for all ports, one receive queue per port. The stage thread is a plain pthread that
 * is made known to the EAL, so the EAL owns neither main nor any core. */
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
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/err.h"
#include "dataplane/base/log.h"
#include "dataplane/nic/frame.h"
#include "dataplane/nic/port_files.h"

#define ARGUMENTS_MAX    64u
#define ARGUMENT_BYTES   (RW_NIC_DEVICE_BYTES + 64u)
#define LIVE_DESCRIPTORS 1024u
#define MBUF_CACHE       64u
/* The largest payload of a link slot with any headers (Ethernet, 2 tags, IPv4 60, UDP) in one
 * buffer. */
#define MBUF_ROOM (RTE_PKTMBUF_HEADROOM + RW_FRAME_PAYLOAD_BYTES + 32u + 60u + 8u)
/* Memory of the EAL itself without huge pages, where it cannot grow. */
#define EAL_MIB 16u

struct dpdk_port {
    uint16_t id; /* DPDK's */
    bool started;
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
    struct dpdk_nic *dpdk = calloc(1, sizeof *dpdk);
    struct rw_port_files *files = calloc(1, sizeof *files);
    if (!cfg || !dpdk || !files) {
        rc = rw_err_set(ENOMEM, "no memory to start the ports");
    } else {
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

/* buffers returns how many packet buffers the ports need: a file holds one burst in hand; a live
 * port a full receive queue and what is between the driver and the stage. */
static uint32_t buffers(const struct rw_nic_dpdk_cfg *cfg) {
    uint32_t live = cfg->live_descriptors ? cfg->live_descriptors : LIVE_DESCRIPTORS, count = 256;
    for (uint32_t i = 0; i < cfg->device_count; i++)
        count += rw_nic_device_kind(cfg->device[i]) == RW_NIC_DEVICE_FILE ? 4 * RW_NIC_BURST
                                                                          : 2 * live + 256;
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

/* receive_all lets multicast in: allmulticast, or promiscuous where the device does not know
 * that. */
static void receive_all(uint16_t id, const char *device) {
    if (rte_eth_allmulticast_enable(id) == 0) return;
    if (rte_eth_promiscuous_enable(id) == 0) {
        rw_warning("port %s has no all-multicast mode: promiscuous instead", device);
        return;
    }
    rw_warning("port %s has neither all-multicast nor promiscuous mode: it may not see its groups",
               device);
}

static int port_failed(const char *device, const char *what, int rc) {
    return rw_err_set(rc < 0 ? -rc : EIO, "port %s: %s failed: %s", device, what,
                      rte_strerror(rc < 0 ? -rc : EIO));
}

static int start_port(struct dpdk_nic *dpdk, uint32_t i, uint16_t descriptors) {
    const char *device = dpdk->nic.port[i].device;
    uint16_t id = dpdk->port[i].id, tx_descriptors = descriptors;
    int socket = rte_eth_dev_socket_id(id);
    bool file = dpdk->nic.port[i].file;
    struct rte_eth_conf conf = {0};
    struct rte_eth_dev_info device_now;
    int rc = rte_eth_dev_info_get(id, &device_now);
    if (rc) return port_failed(device, "reading its properties", rc);
    /* some drivers want a transmit queue beside each receive queue */
    uint16_t tx_queues = !file && device_now.max_tx_queues ? 1 : 0;
    rc = rte_eth_dev_configure(id, 1, tx_queues, &conf);
    if (rc) return port_failed(device, "configuration", rc);
    rc = rte_eth_dev_adjust_nb_rx_tx_desc(id, &descriptors, &tx_descriptors);
    if (rc) return port_failed(device, "choosing queue lengths", rc);
    unsigned socket_id = socket < 0 ? 0 : (unsigned)socket;
    rc = rte_eth_rx_queue_setup(id, 0, descriptors, socket_id, NULL, dpdk->pool);
    if (rc) return port_failed(device, "receive queue", rc);
    if (tx_queues) rc = rte_eth_tx_queue_setup(id, 0, tx_descriptors, socket_id, NULL);
    if (rc) return port_failed(device, "transmit queue", rc);
    rc = rte_eth_dev_start(id);
    if (rc) return port_failed(device, "start", rc);
    dpdk->port[i].started = true;
    if (!file) receive_all(id, device);
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
        uint32_t live = cfg->live_descriptors ? cfg->live_descriptors : LIVE_DESCRIPTORS;
        int rc = start_port(dpdk, i, (uint16_t)(port->file ? 512 : live));
        if (rc) return rc;
    }
    /* net_pcap stamps packets of a file through the dynamic field, in µs whatever the file's
     * unit */
    dpdk->stamp_offset = rte_mbuf_dynfield_lookup(RTE_MBUF_DYNFIELD_TIMESTAMP_NAME, NULL);
    int bit = rte_mbuf_dynflag_lookup(RTE_MBUF_DYNFLAG_RX_TIMESTAMP_NAME, NULL);
    dpdk->stamp_flag = dpdk->stamp_offset >= 0 && bit >= 0 ? RTE_BIT64(bit) : 0;
    return 0;
}

/* ---- operations
 * ------------------------------------------------------------------------------- */

static void dpdk_thread_begin(struct rw_nic *nic) {
    /* a registered thread has a cache of free buffers of its own; without one it is only slower */
    if (rte_lcore_id() == LCORE_ID_ANY && rte_thread_register()) rte_errno = 0;
}

static uint32_t dpdk_rx_burst(struct rw_nic *nic, uint32_t port, struct rw_nic_packet *packets,
                              uint32_t count) {
    struct dpdk_nic *dpdk = (struct dpdk_nic *)nic;
    struct rte_mbuf *mbuf[RW_NIC_BURST];
    RW_ASSERT(port < nic->port_count && count <= RW_NIC_BURST);
    uint64_t stamp_flag = nic->port[port].file ? dpdk->stamp_flag : 0;
    uint32_t got = rte_eth_rx_burst(dpdk->port[port].id, 0, mbuf, (uint16_t)count);
    for (uint32_t i = 0; i < got; i++) {
        bool stamped = mbuf[i]->ol_flags & stamp_flag;
        packets[i] = (struct rw_nic_packet){.frame = rte_pktmbuf_mtod(mbuf[i], const uint8_t *),
                                            .bytes = mbuf[i]->data_len,
                                            .flags = (stamped ? RW_NIC_TIME : 0u) |
                                                     (mbuf[i]->nb_segs > 1 ? RW_NIC_CHAINED : 0u),
                                            .buffer = mbuf[i]};
        if (stamped)
            packets[i].time_ns =
                *RTE_MBUF_DYNFIELD(mbuf[i], dpdk->stamp_offset, const uint64_t *) * 1000;
    }
    return got;
}

static void dpdk_free(struct rw_nic *nic, const struct rw_nic_packet *packets, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) rte_pktmbuf_free(packets[i].buffer);
}

static void dpdk_counters(struct rw_nic *nic, uint32_t port, struct rw_nic_counters *counters) {
    struct rte_eth_stats stats = {0};
    rte_eth_stats_get(((struct dpdk_nic *)nic)->port[port].id, &stats);
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

static int dpdk_join(struct rw_nic *nic, uint32_t port, uint32_t group, uint32_t source) {
    return -ENOTSUP; /* the port takes all groups that arrive; the switch must be told otherwise */
}

static bool dpdk_link_up(struct rw_nic *nic, uint32_t port) {
    struct rte_eth_link link = {0};
    rte_eth_link_get_nowait(((struct dpdk_nic *)nic)->port[port].id, &link);
    return link.link_status == RTE_ETH_LINK_UP;
}

static void dpdk_close(struct rw_nic *nic) {
    struct dpdk_nic *dpdk = (struct dpdk_nic *)nic;
    for (uint32_t i = 0; i < nic->port_count; i++) {
        if (!dpdk->port[i].started) continue;
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
                                      .join = dpdk_join,
                                      .counters = dpdk_counters,
                                      .link_up = dpdk_link_up,
                                      .close = dpdk_close};
