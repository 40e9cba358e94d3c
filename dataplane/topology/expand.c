/* From rows to expanded stages and links, with the checks that need no graph. */
#include "dataplane/topology/expand.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/err.h"

static int expand_stages(struct rw_topology *topology);
static int expand_links(struct rw_topology *topology);

struct rw_topology *rw_topology_new(const struct rw_stage_row *stages, uint32_t stage_count,
                                    const struct rw_link_row *links, uint32_t link_count) {
    struct rw_topology *topology = calloc(1, sizeof *topology);
    RW_ASSERT(topology);
    topology->stage_rows = stages;
    topology->stage_row_count = stage_count;
    topology->link_rows = links;
    topology->link_row_count = link_count;
    if (!expand_stages(topology) && !expand_links(topology) && !rw_topology_check(topology))
        return topology;
    free(topology);
    return NULL;
}

const char *rw_topology_end_name(const struct rw_topology *topology, int end) {
    return end == COLD_END ? RW_COLD : topology->stage[end].name;
}

uint32_t rw_topology_stage_count(const struct rw_topology *topology) {
    return topology->stage_count;
}

const char *rw_topology_stage_name(const struct rw_topology *topology, uint32_t index) {
    RW_ASSERT(index < topology->stage_count);
    return topology->stage[index].name;
}

const struct rw_stage_env *rw_topology_stage_env(const struct rw_topology *topology,
                                                 uint32_t index) {
    RW_ASSERT(index < topology->stage_count);
    return &topology->stage[index].env;
}

void *rw_topology_stage(const struct rw_topology *topology, uint32_t index) {
    RW_ASSERT(index < topology->stage_count);
    return topology->stage[index].stage;
}

/* Index of the row with this name below `count`, or -1. */
static int find_row(const struct rw_topology *topology, const char *name, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (!strcmp(topology->stage_rows[i].name, name)) return (int)i;
    return -1;
}

static int check_stage_row(const struct rw_topology *topology, uint32_t index) {
    const struct rw_stage_row *row = &topology->stage_rows[index];
    size_t length = row->name ? strlen(row->name) : 0;
    if (length < 1 || length > RW_STAGE_NAME_BYTES - 3 || !strcmp(row->name, RW_COLD)) {
        rw_err_set(EINVAL, "stage row %u has the name '%s'", index, row->name ? row->name : "");
        rw_err_fix("use 1 to %u characters, and not '%s', which is the cold thread",
                   RW_STAGE_NAME_BYTES - 3, RW_COLD);
        return -EINVAL;
    }
    if (find_row(topology, row->name, index) >= 0) {
        rw_err_set(EINVAL, "two stages are called '%s'", row->name);
        rw_err_fix("give one of them another name, or use one row with instances");
        return -EINVAL;
    }
    if (!row->type || !row->type->plan || !row->type->init || !row->type->poll)
        return rw_err_set(EINVAL, "stage '%s' has no type with plan, init and poll", row->name);
    if (row->instances > RW_SHARDS_MAX) {
        rw_err_set(EINVAL, "stage '%s' is wanted %u times", row->name, row->instances);
        rw_err_fix("at most %u instances are possible", RW_SHARDS_MAX);
        return -EINVAL;
    }
    return 0;
}

/* Shards count from 0; instances with a configuration of their own are named as the sections of the
 * configuration file are: feed, feed2, feed3. */
static void name_instance(struct stage_slot *slot, const struct rw_stage_row *row, uint32_t k) {
    if (row->cfg_bytes && k > 0)
        snprintf(slot->name, sizeof slot->name, "%s%u", row->name, k + 1);
    else if (row->instances && !row->cfg_bytes)
        snprintf(slot->name, sizeof slot->name, "%s%u", row->name, k);
    else
        snprintf(slot->name, sizeof slot->name, "%s", row->name);
}

static int expand_stages(struct rw_topology *topology) {
    for (uint32_t i = 0; i < topology->stage_row_count; i++) {
        int rc = check_stage_row(topology, i);
        if (rc) return rc;
        const struct rw_stage_row *row = &topology->stage_rows[i];
        uint32_t instances = row->instances ? row->instances : 1;
        if (instances > RW_TOPOLOGY_STAGES_MAX - topology->stage_count)
            return rw_err_set(EINVAL, "there are more than %u stages; '%s' does not fit",
                              RW_TOPOLOGY_STAGES_MAX, row->name);
        for (uint32_t k = 0; k < instances; k++) {
            struct stage_slot *slot = &topology->stage[topology->stage_count++];
            slot->row = row;
            slot->row_index = i;
            slot->cfg = (const uint8_t *)row->cfg + (size_t)k * row->cfg_bytes;
            name_instance(slot, row, k);
            slot->env =
                (struct rw_stage_env){.name = slot->name, .instance = k, .instances = instances};
        }
    }
    /* "risk" with instances makes "risk1", which another row may be called */
    for (uint32_t i = 0; i < topology->stage_count; i++)
        for (uint32_t k = 0; k < i; k++)
            if (!strcmp(topology->stage[i].name, topology->stage[k].name))
                return rw_err_set(EINVAL, "two stages are called '%s' after expansion",
                                  topology->stage[i].name);
    return topology->stage_count
               ? 0
               : rw_err_set(EINVAL, "the topology has no stage; it needs at least one row");
}

static int check_link_row(const struct rw_link_row *row) {
    if (row->depth < 2 || row->depth > 1u << 26 || (row->depth & (row->depth - 1))) {
        rw_err_set(EINVAL, "link %s->%s has depth %u, which is not a power of two", row->from,
                   row->to, row->depth);
        uint32_t up = 2;
        while (up < row->depth && up < 1u << 26) up *= 2;
        rw_err_fix("the next possible depth is %u", up);
        return -EINVAL;
    }
    if (row->fan_out < 1 || (uint64_t)row->fan_out * 2 > row->depth) {
        rw_err_set(EINVAL, "link %s->%s has depth %u for a fan_out of %u", row->from, row->to,
                   row->depth, row->fan_out);
        rw_err_why("with less than 2 x fan_out the producer waits until the ring is empty");
        rw_err_fix("use a fan_out of at least 1 and a depth of at least twice the fan_out");
        return -EINVAL;
    }
    if (row->slot_bytes < 8 || row->slot_bytes % 8 || row->slot_bytes > 1u << 20) {
        rw_err_set(EINVAL, "link %s->%s has slots of %u bytes", row->from, row->to,
                   row->slot_bytes);
        rw_err_fix("use a multiple of 8, at most 1 MiB");
        return -EINVAL;
    }
    return 0;
}

/* Adds one expanded link to the table and to the lists of its two ends. */
static int add_link(struct rw_topology *topology, const struct rw_link_row *row, int from, int to) {
    const char *from_name = rw_topology_end_name(topology, from);
    const char *to_name = rw_topology_end_name(topology, to);
    for (uint32_t i = 0; i < topology->link_count; i++)
        if (topology->link[i].from == from && topology->link[i].to == to)
            return rw_err_set(EINVAL, "the link %s->%s stands in two rows", from_name, to_name);
    if (topology->link_count == RW_TOPOLOGY_LINKS_MAX)
        return rw_err_set(EINVAL, "there are more than %u links; %s->%s does not fit",
                          RW_TOPOLOGY_LINKS_MAX, from_name, to_name);
    struct rw_stage_env *ends[] = {from == COLD_END ? NULL : &topology->stage[from].env,
                                   to == COLD_END ? NULL : &topology->stage[to].env};
    if ((ends[0] && ends[0]->out_count++ == RW_STAGE_LINKS_MAX) ||
        (ends[1] && ends[1]->in_count++ == RW_STAGE_LINKS_MAX))
        return rw_err_set(EINVAL, "%s or %s has more than %u links; %s->%s does not fit", from_name,
                          to_name, RW_STAGE_LINKS_MAX, from_name, to_name);
    struct link_slot *link = &topology->link[topology->link_count++];
    *link = (struct link_slot){.row = row, .from = from, .to = to};
    snprintf(link->what, sizeof link->what, "%s->%s", from_name, to_name);
    return 0;
}

/* First and last expanded stage of one end of a row; both COLD_END for the cold thread. */
static int find_end(const struct rw_topology *topology, const struct rw_link_row *row,
                    const char *name, int *first, int *last) {
    *first = *last = COLD_END;
    if (!strcmp(name, RW_COLD)) return 0;
    int index = find_row(topology, name, topology->stage_row_count);
    if (index < 0) {
        rw_err_set(EINVAL, "link %s->%s names a stage '%s' that does not exist", row->from, row->to,
                   name);
        rw_err_fix("use the name of a stage row, or '%s' for the cold thread", RW_COLD);
        return -EINVAL;
    }
    for (int i = 0; i < (int)topology->stage_count; i++) {
        if (topology->stage[i].row_index != (uint32_t)index) continue;
        if (*first == COLD_END) *first = i;
        *last = i;
    }
    return 0;
}

static int expand_links(struct rw_topology *topology) {
    for (uint32_t i = 0; i < topology->link_row_count; i++) {
        const struct rw_link_row *row = &topology->link_rows[i];
        int from, from_last, to, to_first, to_last;
        int rc = check_link_row(row);
        if (!rc) rc = find_end(topology, row, row->from, &from, &from_last);
        if (!rc) rc = find_end(topology, row, row->to, &to_first, &to_last);
        if (!rc && !strcmp(row->from, row->to))
            rc = rw_err_set(EINVAL, "link %s->%s leads to itself", row->from, row->to);
        for (; !rc && from <= from_last; from++)
            for (to = to_first; !rc && to <= to_last; to++) rc = add_link(topology, row, from, to);
        if (rc) return rc;
    }
    return 0;
}
