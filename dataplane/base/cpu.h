/* The host's CPUs as the kernel describes them, read below a given root folder, so that tests bring
 * hosts that do not exist; and pinning a thread, with the affinity read back from the kernel.
 *
 *   root/sys/devices/system/cpu/{online, cpuN/topology/{physical_package_id, core_id}}
 *   root/sys/devices/system/node/nodeM/cpulist */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define RW_CPUS_MAX 1024u

struct rw_cpu {
    uint32_t id;      /* the kernel's number */
    uint32_t node;    /* NUMA node; 0 when the host does not say */
    uint32_t package; /* socket */
    uint32_t core;    /* physical core within the package; SMT siblings share (package, core) */
};

/* A CPU description: the CPUs in order of id. */
struct rw_cpus {
    uint32_t count;
    struct rw_cpu cpu[RW_CPUS_MAX];
};

/* rw_cpus_read describes the online CPUs found below root ("" for this host). Returns 0, or
 * -ENOENT / -EINVAL with an error when the folder does not describe CPUs. Cold path. */
int rw_cpus_read(struct rw_cpus *cpus, const char *root);
/* rw_cpus_keep_allowed removes what this process may not run on (taskset, cgroup). Cold path. */
void rw_cpus_keep_allowed(struct rw_cpus *cpus);
/* rw_cpus_find returns the description of a CPU, or NULL. */
const struct rw_cpu *rw_cpus_find(const struct rw_cpus *cpus, uint32_t id);
/* rw_cpus_siblings tells whether two CPUs share one physical core. */
bool rw_cpus_siblings(const struct rw_cpu *a, const struct rw_cpu *b);

/* rw_cpu_list parses a kernel-style list ("0-3,8") into ids, ascending as written. Returns how
 * many, or -EINVAL with an error that shows the text, also when there are more than max. */
int rw_cpu_list(const char *text, uint32_t *ids, uint32_t max);

/* rw_cpu_pin pins the calling thread to one CPU. Returns 0 or -errno with an error. */
int rw_cpu_pin(uint32_t id);
/* rw_cpu_pinned reads the calling thread's affinity back: the CPU's id when it is exactly one, else
 * -count, the number of CPUs it may run on. */
int rw_cpu_pinned(void);
