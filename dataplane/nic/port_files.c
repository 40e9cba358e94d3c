#include "dataplane/nic/port_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/base/err.h"
#include "dataplane/io/pcap.h"

#define HUGE_FREE "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages"
/* What the EAL and the packet buffers of a few ports need at the least. */
#define HUGE_WANTED 32u

static int prepare_one(const struct rw_nic_dpdk_cfg *cfg, struct rw_port_files *files, uint32_t i);

enum rw_nic_device_kind rw_nic_device_kind(const char *device) {
    unsigned domain, bus, slot, function;
    char after = 0;
    int fields = sscanf(device, "%4x:%2x:%2x.%1u%c", &domain, &bus, &slot, &function, &after);
    if (fields == 4 || (fields == 5 && after == ',')) return RW_NIC_DEVICE_PCI;
    if (strncmp(device, "net_", 4) == 0 || strncmp(device, "eth_", 4) == 0)
        return RW_NIC_DEVICE_VDEV;
    return RW_NIC_DEVICE_FILE;
}

static int check_file(const char *path) {
    struct rw_pcap *reader;
    int rc = rw_pcap_open(path, &reader);
    if (rc == 0) rw_pcap_close(reader);
    return rc;
}

static int check_pci(const char *device) {
    char path[64];
    snprintf(path, sizeof path, "/sys/bus/pci/devices/%.12s", device);
    if (access(path, F_OK) == 0) return 0;
    int rc = rw_err_set(ENODEV, "this host has no PCI device %s", device);
    rw_err_fix("list the network devices with: lspci -D | grep -i ethernet");
    return rc;
}

static int check_huge(void) {
    unsigned free_pages = 0;
    FILE *file = fopen(HUGE_FREE, "re");
    if (file) {
        if (fscanf(file, "%u", &free_pages) != 1) free_pages = 0;
        fclose(file);
    }
    if (free_pages >= HUGE_WANTED) return 0;
    int rc = rw_err_set(ENOMEM, "%u huge pages of 2 MiB are free, packet buffers want %u",
                        free_pages, HUGE_WANTED);
    rw_err_why("profile host keeps packet buffers in huge pages, and none may be missing");
    rw_err_fix("echo %u > /proc/sys/vm/nr_hugepages, or use profile laptop", 2 * HUGE_WANTED);
    return rc;
}

int rw_nic_dpdk_check(const struct rw_nic_dpdk_cfg *cfg) {
    if (cfg->device_count == 0 || cfg->device_count > RW_NIC_PORTS_MAX)
        return rw_err_set(EINVAL, "%u ports are configured, wanted 1 to %u", cfg->device_count,
                          RW_NIC_PORTS_MAX);
    if (cfg->live_queues > RW_NIC_QUEUES_MAX)
        return rw_err_set(EINVAL, "%u receive queues are configured, wanted at most %u",
                          cfg->live_queues, RW_NIC_QUEUES_MAX);
    if (cfg->live_descriptors & (cfg->live_descriptors - 1))
        return rw_err_set(EINVAL,
                          "%u packets in a receive queue are configured, wanted a power of two",
                          cfg->live_descriptors);
    for (uint32_t i = 0; i < cfg->device_count; i++) {
        const char *device = cfg->device[i];
        enum rw_nic_device_kind kind = rw_nic_device_kind(device);
        int rc = kind == RW_NIC_DEVICE_FILE  ? check_file(device)
                 : kind == RW_NIC_DEVICE_PCI ? check_pci(device)
                                             : 0;
        if (rc) return rc;
    }
    return cfg->huge ? check_huge() : 0;
}

int rw_port_files_prepare(const struct rw_nic_dpdk_cfg *cfg, struct rw_port_files *files) {
    *files = (struct rw_port_files){0};
    for (uint32_t i = 0; i < cfg->device_count; i++) {
        if (rw_nic_device_kind(cfg->device[i]) != RW_NIC_DEVICE_FILE) continue;
        int rc = prepare_one(cfg, files, i);
        if (rc) {
            rw_port_files_remove(files);
            return rc;
        }
    }
    return 0;
}

void rw_port_files_remove(struct rw_port_files *files) {
    if (!files->folder[0]) return;
    for (uint32_t i = 0; i < RW_NIC_PORTS_MAX; i++)
        if (strncmp(files->file[i].path, files->folder, strlen(files->folder)) == 0)
            unlink(files->file[i].path);
    rmdir(files->folder);
    files->folder[0] = 0;
}

/* in_folder names the driver's view of port i in the temporary folder, which it makes if need
 * be. */
static int in_folder(const struct rw_nic_dpdk_cfg *cfg, struct rw_port_files *files, uint32_t i) {
    if (!files->folder[0]) {
        const char *parent = cfg->temporary[0] ? cfg->temporary : getenv("TMPDIR");
        if (!parent || !parent[0]) parent = "/tmp";
        char folder[RW_NIC_DEVICE_BYTES];
        int bytes = snprintf(folder, sizeof folder, "%s/riskwire-XXXXXX", parent);
        /* room is needed for "/port15.pcap" */
        if (bytes >= (int)RW_NIC_DEVICE_BYTES - 24 || strchr(folder, ','))
            return rw_err_set(EINVAL, "temporary folder %s is too long or holds a comma", parent);
        if (!mkdtemp(folder)) {
            int error = errno;
            int rc = rw_err_set(error, "no folder for unpacked captures can be made in %s: %s",
                                parent, strerror(error));
            rw_err_fix("set TMPDIR to a folder that this user may write");
            return rc;
        }
        memcpy(files->folder, folder, sizeof folder);
    }
    char name[24];
    int name_bytes = snprintf(name, sizeof name, "/port%u.pcap", i);
    size_t folder_bytes = strlen(files->folder);
    memcpy(files->file[i].path, files->folder, folder_bytes);
    memcpy(files->file[i].path + folder_bytes, name, (size_t)name_bytes + 1);
    return 0;
}

static int prepare_one(const struct rw_nic_dpdk_cfg *cfg, struct rw_port_files *files, uint32_t i) {
    const char *device = cfg->device[i];
    struct rw_pcap *reader;
    struct rw_pcap_count count;
    int rc = rw_pcap_open(device, &reader);
    if (rc) return rc;
    bool unpack = rw_pcap_format(reader) != RW_PCAP_CLASSIC || rw_pcap_compressed(reader);
    rw_pcap_close(reader);
    if (unpack) {
        rc = in_folder(cfg, files, i);
        if (rc == 0) rc = rw_pcap_unpack(device, files->file[i].path, &count);
    } else {
        rc = rw_pcap_survey(device, &count);
        char *full = rc ? NULL : realpath(device, NULL);
        if (rc == 0 && (!full || strlen(full) >= RW_NIC_DEVICE_BYTES)) {
            rc = rw_err_set(ENAMETOOLONG, "path of the capture %s is too long", device);
        } else if (rc == 0 && strchr(full, ',')) {
            rc = in_folder(cfg, files, i);
            if (rc == 0 && symlink(full, files->file[i].path))
                rc = rw_err_set(errno, "no link to %s can be made", device);
        } else if (rc == 0) {
            memcpy(files->file[i].path, full, strlen(full) + 1);
        }
        free(full);
    }
    if (rc == 0) files->file[i].records = count.records;
    return rc;
}
