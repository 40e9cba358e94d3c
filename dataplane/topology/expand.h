/* What the files of this folder share: the expanded topology. Not for others. */
#pragma once

#include "dataplane/topology/topology.h"

#define COLD_END (-1) /* index of the cold thread as the end of a link */

struct stage_slot {
    char name[RW_STAGE_NAME_BYTES];
    const struct rw_stage_row *row;
    const void *cfg; /* the row's, or this instance's element of it */
    uint32_t row_index;
    struct rw_stage_env env;
    void *stage;
    bool made; /* init succeeded, fini is due */
};

struct link_slot {
    const struct rw_link_row *row;
    int from, to;  /* stage slots, or COLD_END */
    char what[40]; /* "rx->feed": name in the plan and of the statistics block */
    struct rw_ring *ring;
    struct rw_link_gauges *gauges;
};

struct rw_topology {
    const struct rw_stage_row *stage_rows;
    const struct rw_link_row *link_rows;
    uint32_t stage_row_count, link_row_count;
    struct stage_slot stage[RW_TOPOLOGY_STAGES_MAX];
    struct link_slot link[RW_TOPOLOGY_LINKS_MAX];
    uint32_t stage_count, link_count;
    struct rw_plan plan;
    struct rw_placement placement;
    struct rw_arena arena;
    struct rw_watermarks *watermarks;
    struct rw_runner *runner; /* placement.cores of them, in the arena */
    bool planned, placed, built;
};

/* rw_topology_end_name returns the name of one end of a link. */
const char *rw_topology_end_name(const struct rw_topology *topology, int end);
