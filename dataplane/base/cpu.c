#include "dataplane/base/cpu.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/err.h"

#define NODES_MAX  64u
#define PATH_BYTES 512

/* Reads the first line of a file named by a format; false when it is not there. */
__attribute__((format(printf, 3, 4))) static bool read_line(char *line, int bytes,
                                                            const char *format, ...) {
    char path[PATH_BYTES];
    va_list list;
    va_start(list, format);
    vsnprintf(path, sizeof path, format, list);
    va_end(list);
    FILE *file = fopen(path, "re");
    if (!file) return false;
    bool ok = fgets(line, bytes, file) != NULL;
    fclose(file);
    if (ok) line[strcspn(line, "\n")] = 0;
    return ok;
}

static uint32_t read_number(const char *root, uint32_t cpu, const char *leaf, uint32_t otherwise) {
    char line[64], *end;
    if (!read_line(line, sizeof line, "%s/sys/devices/system/cpu/cpu%u/topology/%s", root, cpu,
                   leaf))
        return otherwise;
    long value = strtol(line, &end, 10);
    return end == line || value < 0 ? otherwise : (uint32_t)value;
}

static void read_nodes(struct rw_cpus *cpus, const char *root) {
    char line[4096];
    uint32_t ids[RW_CPUS_MAX];
    for (uint32_t node = 0; node < NODES_MAX; node++) {
        if (!read_line(line, sizeof line, "%s/sys/devices/system/node/node%u/cpulist", root, node))
            continue;
        int count = rw_cpu_list(line, ids, RW_CPUS_MAX);
        for (int i = 0; i < count; i++)
            for (uint32_t k = 0; k < cpus->count; k++)
                if (cpus->cpu[k].id == ids[i]) cpus->cpu[k].node = node;
    }
}

int rw_cpus_read(struct rw_cpus *cpus, const char *root) {
    char line[4096];
    uint32_t ids[RW_CPUS_MAX];
    cpus->count = 0;
    if (!read_line(line, sizeof line, "%s/sys/devices/system/cpu/online", root)) {
        rw_err_set(ENOENT, "%s/sys/devices/system/cpu/online cannot be read", root);
        rw_err_fix("mount sysfs on /sys");
        return -ENOENT;
    }
    int count = rw_cpu_list(line, ids, RW_CPUS_MAX);
    if (count <= 0)
        return rw_err_add(count ? count : -EINVAL, "the list of online CPUs is not readable");
    for (int i = 0; i < count; i++)
        cpus->cpu[cpus->count++] =
            (struct rw_cpu){.id = ids[i],
                            .package = read_number(root, ids[i], "physical_package_id", 0),
                            .core = read_number(root, ids[i], "core_id", ids[i])};
    read_nodes(cpus, root);
    return 0;
}

void rw_cpus_keep_allowed(struct rw_cpus *cpus) {
    cpu_set_t set;
    uint32_t kept = 0;
    if (sched_getaffinity(0, sizeof set, &set)) return;
    for (uint32_t i = 0; i < cpus->count; i++)
        if (cpus->cpu[i].id < CPU_SETSIZE && CPU_ISSET(cpus->cpu[i].id, &set))
            cpus->cpu[kept++] = cpus->cpu[i];
    cpus->count = kept;
}

const struct rw_cpu *rw_cpus_find(const struct rw_cpus *cpus, uint32_t id) {
    for (uint32_t i = 0; i < cpus->count; i++)
        if (cpus->cpu[i].id == id) return &cpus->cpu[i];
    return NULL;
}

bool rw_cpus_siblings(const struct rw_cpu *a, const struct rw_cpu *b) {
    return a->id != b->id && a->package == b->package && a->core == b->core;
}

/* One number below RW_CPUS_MAX at *text, which moves behind it; -1 when there is none. */
static int list_number(const char **text) {
    if (!isdigit((unsigned char)**text)) return -1;
    char *end;
    unsigned long value = strtoul(*text, &end, 10);
    *text = end;
    return value < RW_CPUS_MAX ? (int)value : -1;
}

int rw_cpu_list(const char *text, uint32_t *ids, uint32_t max) {
    const char *at = text;
    uint32_t count = 0;
    for (;;) {
        int first = list_number(&at), last = first;
        if (first >= 0 && *at == '-') at++, last = list_number(&at);
        if (first < 0 || last < first || (uint32_t)(last - first) >= max - count) {
            rw_err_set(EINVAL, "'%s' is not a list of at most %u CPUs", text, max);
            rw_err_fix("write numbers and ranges with commas, for example 2-5,8");
            return -EINVAL;
        }
        for (int id = first; id <= last; id++) ids[count++] = (uint32_t)id;
        if (*at != ',') break;
        at++;
    }
    if (*at)
        return rw_err_set(EINVAL, "'%s' is not a list of CPUs: '%s' is not expected", text, at);
    return (int)count;
}

int rw_cpu_pin(uint32_t id) {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (id < CPU_SETSIZE) CPU_SET(id, &set);
    int rc = pthread_setaffinity_np(pthread_self(), sizeof set, &set);
    if (!rc) return 0;
    rw_err_set(rc, "a thread cannot be pinned to CPU %u", id);
    rw_err_why("the CPU does not exist, is offline, or is outside the cpuset of this process");
    rw_err_fix("choose CPUs that `taskset -pc $$` lists");
    return -rc;
}

int rw_cpu_pinned(void) {
    cpu_set_t set;
    if (pthread_getaffinity_np(pthread_self(), sizeof set, &set)) return -(int)RW_CPUS_MAX;
    int count = CPU_COUNT(&set);
    if (count != 1) return -count;
    for (int id = 0; id < CPU_SETSIZE; id++)
        if (CPU_ISSET(id, &set)) return id;
    return -(int)RW_CPUS_MAX;
}
