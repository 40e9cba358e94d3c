/* Captures made ready for DPDK's net_pcap driver, which reads classic pcap only, has no end of
 * file, and takes its path from an argument string with commas in it.
 *
 *   plain classic pcap ─► used where it lies, records counted
 *   comma in its path  ─► a link to it in a temporary folder
 *   .gz or pcapng      ─► a classic copy in a temporary folder
 *
 * The folder may go as soon as the driver has opened the files, so a killed process leaves nothing.
 * No DPDK here: this is cold file work that a test can run. */
#pragma once

#include "dataplane/nic/nic_dpdk.h"

struct rw_port_files {
    char folder[RW_NIC_DEVICE_BYTES]; /* "" = no temporary folder was needed */
    struct {
        char path[RW_NIC_DEVICE_BYTES]; /* what the driver opens; "" = the device is not a file */
        uint64_t records;               /* that the driver will count as received or in error */
    } file[RW_NIC_PORTS_MAX];
};

/* rw_port_files_prepare counts and where needed converts the captures among cfg's devices, file[i]
 * for device[i]. One pass over each capture. Returns 0; or -errno with an error set (not a capture,
 * damaged, no room for the copy), with nothing left behind. */
int rw_port_files_prepare(const struct rw_nic_dpdk_cfg *cfg, struct rw_port_files *files);
/* rw_port_files_remove removes the temporary folder. Idempotent. */
void rw_port_files_remove(struct rw_port_files *files);
