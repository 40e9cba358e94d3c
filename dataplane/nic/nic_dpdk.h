/* Ports through DPDK: capture files as net_pcap ports, and any device DPDK knows. The only part of
 * the program that sees DPDK is nic_dpdk.c.
 *
 *   check ─► survey and unpack captures ─► EAL ─► find each port by name ─► configure, start ─► nic
 *
 * Everything that can be found wrong is found before the EAL starts, because the EAL's own messages
 * do not tell the cause: it comes up with no port at all when a capture cannot be read. */
#pragma once

#include "dataplane/nic/nic.h"

enum rw_nic_device_kind {
    RW_NIC_DEVICE_FILE = 1, /* the path of a capture: pcap, pcapng or .gz of either */
    RW_NIC_DEVICE_VDEV =
        2, /* a DPDK virtual device with its arguments: "net_af_packet0,iface=eth1" */
    RW_NIC_DEVICE_PCI = 3, /* a PCI address with arguments of its driver, if any: "0000:41:00.0" */
};

struct rw_nic_dpdk_cfg {
    /* One string per port; equal strings are one port. ≤ RW_NIC_PORTS_MAX. */
    uint32_t device_count;
    char device[RW_NIC_PORTS_MAX][RW_NIC_DEVICE_BYTES];
    bool huge; /* profile host: 2 MiB pages (wanted, checked); else 4 KiB pages, no root */
    uint32_t live_descriptors; /* of each receive queue of a live port, power of two; 0 = 1,024 */
    uint32_t live_queues;      /* receive queues of a live port, ≤ RW_NIC_QUEUES_MAX; 0 = 1 */
    /* Rate of the clock that stamps packets in a live port's device, in Hz: 1,000,000,000 for
     * stamps in ns; 0 = stamps are not asked for. */
    uint64_t stamp_hz;
    uint32_t log_level;                  /* of DPDK itself, 1..8; 0 = 4, errors only */
    char temporary[RW_NIC_DEVICE_BYTES]; /* folder for unpacked captures; "" = $TMPDIR or /tmp */
};

/* rw_nic_device_kind tells how a device string is read. Pure. */
enum rw_nic_device_kind rw_nic_device_kind(const char *device);

/* rw_nic_dpdk_check is the preflight: captures exist, can be read and are captures; huge pages are
 * there when wanted. Changes nothing. Returns 0, or -errno with an error set that names cause and
 * cure. */
int rw_nic_dpdk_check(const struct rw_nic_dpdk_cfg *cfg);

/* rw_nic_dpdk_start runs the check, starts the EAL (once per process) and all ports. Main thread,
 * before privileges are dropped and before the stage threads start; ~0.2 s plus one pass over each
 * capture. The thread's CPU affinity stays as it was. Returns 0 with *nic, closed by
 * nic->ops->close; or -errno with an error set: preflight, EAL failed, a port did not come up.
 * Temporary files are gone when it returns. */
int rw_nic_dpdk_start(const struct rw_nic_dpdk_cfg *cfg, struct rw_nic **nic);

/* rw_nic_dpdk_huge tells whether the packet buffers of a started nic lie in huge pages. */
bool rw_nic_dpdk_huge(const struct rw_nic *nic);
