/* Placement: pure arithmetic on a CPU description.
 *
 *   stages   rx feed | enrich | risk0 risk1 | merge deliver   cut into as many runs as there
 *   cores     core0     core1      core2         core3       are cores, the heaviest light */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/err.h"
#include "dataplane/topology/expand.h"

/* Preference among CPUs, the smaller the better. */
enum { COST_CPU0 = 1, COST_SIBLING = 2, COST_OTHER_NODE = 4 };

static uint32_t weight_of(const struct rw_topology *topology, uint32_t stage) {
    uint32_t weight = topology->stage[stage].row->weight;
    return weight ? weight : 1;
}

/* Cuts the stages into `cores` runs such that the heaviest run is as light as possible:
 * least[c][n] is that weight for the first n stages on c cores, and cut[c][n] where the last run
 * begins. */
static void cut_runs(const struct rw_topology *topology, uint32_t cores, uint32_t *core_of) {
    uint64_t least[RW_TOPOLOGY_CORES_MAX + 1][RW_TOPOLOGY_STAGES_MAX + 1];
    uint32_t cut[RW_TOPOLOGY_CORES_MAX + 1][RW_TOPOLOGY_STAGES_MAX + 1] = {{0}};
    uint32_t stages = topology->stage_count;
    for (uint32_t n = 0; n <= stages; n++) least[0][n] = n ? UINT64_MAX : 0;
    for (uint32_t c = 1; c <= cores; c++) {
        for (uint32_t n = 0; n <= stages; n++) {
            uint64_t run = 0;
            least[c][n] = UINT64_MAX;
            for (uint32_t first = n; first-- > 0;) {
                run += weight_of(topology, first);
                uint64_t before = least[c - 1][first], heaviest = before > run ? before : run;
                if (heaviest >= least[c][n]) continue;
                least[c][n] = heaviest;
                cut[c][n] = first;
            }
        }
    }
    uint32_t end = stages;
    for (uint32_t c = cores; c > 0; c--) {
        for (uint32_t i = cut[c][end]; i < end; i++) core_of[i] = c - 1;
        end = cut[c][end];
    }
}

/* Whether another CPU of the same physical core is to be preferred: the lowest id,
 * but not CPU 0. */
static bool is_second(const struct rw_cpus *cpus, const struct rw_cpu *cpu) {
    for (uint32_t i = 0; i < cpus->count; i++) {
        const struct rw_cpu *other = &cpus->cpu[i];
        if (!rw_cpus_siblings(cpu, other) || other->id == 0) continue;
        if (cpu->id == 0 || other->id < cpu->id) return true;
    }
    return false;
}

/* The NUMA node with the most CPUs; the lowest of equals. */
static uint32_t largest_node(const struct rw_cpus *cpus) {
    uint32_t best = 0, best_count = 0;
    for (uint32_t i = 0; i < cpus->count; i++) {
        uint32_t node = cpus->cpu[i].node, count = 0;
        for (uint32_t k = 0; k < cpus->count; k++) count += cpus->cpu[k].node == node;
        if (count > best_count || (count == best_count && node < best))
            best = node, best_count = count;
    }
    return best;
}

/* Chooses the `cores` cheapest CPUs, in order of cost and id. */
static void choose_cpus(const struct rw_cpus *cpus, uint32_t cores, int *chosen) {
    uint32_t node = largest_node(cpus), count = 0;
    for (uint32_t cost = 0; cost < 2 * COST_OTHER_NODE && count < cores; cost++) {
        for (uint32_t i = 0; i < cpus->count && count < cores; i++) {
            const struct rw_cpu *cpu = &cpus->cpu[i];
            uint32_t own = (cpu->id == 0 ? COST_CPU0 : 0u) +
                           (is_second(cpus, cpu) ? COST_SIBLING : 0u) +
                           (cpu->node != node ? COST_OTHER_NODE : 0u);
            if (own == cost) chosen[count++] = (int)cpu->id;
        }
    }
    RW_ASSERT(count == cores);
}

static int check_list(const struct rw_cpus *cpus, const struct rw_place_wish *wish) {
    for (uint32_t i = 0; i < wish->list_count; i++) {
        if (!rw_cpus_find(cpus, wish->list[i])) {
            rw_err_set(EINVAL, "CPU %u does not exist or is not allowed for this process",
                       wish->list[i]);
            rw_err_fix("choose CPUs that `taskset -pc $$` lists; there are %u", cpus->count);
            return -EINVAL;
        }
        for (uint32_t k = 0; k < i; k++) {
            if (wish->list[k] != wish->list[i]) continue;
            rw_err_set(EINVAL, "CPU %u stands twice in the list of cores", wish->list[i]);
            rw_err_why("two polling threads on one CPU wait for each other's time slices");
            rw_err_fix("name every CPU once; fewer cores are possible, stages then share them");
            return -EINVAL;
        }
    }
    return 0;
}

static void warn(const struct rw_cpus *cpus, struct rw_placement *placement) {
    for (uint32_t i = 0; i < placement->cores; i++) {
        for (uint32_t k = 0; k < i; k++) {
            if (placement->cpu[i] < 0) continue;
            const struct rw_cpu *a = rw_cpus_find(cpus, (uint32_t)placement->cpu[k]);
            const struct rw_cpu *b = rw_cpus_find(cpus, (uint32_t)placement->cpu[i]);
            if (a->node != b->node) {
                snprintf(
                    placement->warning, sizeof placement->warning,
                    "CPUs %u and %u are on NUMA nodes %u and %u: what passes between them crosses "
                    "the sockets; choose CPUs of one node",
                    a->id, b->id, a->node, b->node);
                return;
            }
            if (rw_cpus_siblings(a, b) && !placement->warning[0])
                snprintf(placement->warning, sizeof placement->warning,
                         "CPUs %u and %u share one physical core: each slows the other down", a->id,
                         b->id);
        }
    }
}

int rw_topology_place(struct rw_topology *topology, const struct rw_cpus *cpus,
                      const struct rw_place_wish *wish, struct rw_placement *placement) {
    RW_ASSERT(!topology->built);
    struct rw_placement made = {.cores = wish->list ? wish->list_count : wish->cores};
    int rc = wish->list ? check_list(cpus, wish) : 0;
    if (rc) return rc;
    if (wish->list && !wish->list_count)
        return rw_err_set(EINVAL, "the list of cores is empty; name at least one CPU");
    if (!made.cores) made.cores = cpus->count;
    if (wish->pin && made.cores > cpus->count) {
        rw_err_set(EINVAL, "%u cores are wanted, %u are available to this process", made.cores,
                   cpus->count);
        rw_err_fix("ask for at most %u; stages then share cores", cpus->count);
        return -EINVAL;
    }
    if (made.cores > topology->stage_count) made.cores = topology->stage_count;
    if (made.cores > RW_TOPOLOGY_CORES_MAX) made.cores = RW_TOPOLOGY_CORES_MAX;

    for (uint32_t core = 0; core < made.cores; core++)
        made.cpu[core] = wish->pin && wish->list ? (int)wish->list[core] : -1;
    if (wish->pin && !wish->list) choose_cpus(cpus, made.cores, made.cpu);
    cut_runs(topology, made.cores, made.core_of);
    warn(cpus, &made);
    topology->placement = made;
    topology->placed = true;
    if (placement) *placement = made;
    return 0;
}
