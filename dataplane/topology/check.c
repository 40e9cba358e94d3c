/* The checks that look at the graph: everything is reached, and in neither role do reliable links
 * form a cycle (a cycle of stages that wait for one another's room could stand still for ever). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/base/err.h"
#include "dataplane/topology/expand.h"

static int check_reach(const struct rw_topology *topology);
static int check_cycles(const struct rw_topology *topology, enum rw_link_role role);

int rw_topology_check(const struct rw_topology *topology) {
    int rc = check_reach(topology);
    if (!rc) rc = check_cycles(topology, RW_LINK_LEADER);
    if (!rc) rc = check_cycles(topology, RW_LINK_FOLLOWER);
    return rc;
}

/* Sources are the cold thread and the stages without inputs that have outputs. */
static int check_reach(const struct rw_topology *topology) {
    bool reached[RW_TOPOLOGY_STAGES_MAX] = {false};
    if (topology->stage_count == 1) return 0;
    for (uint32_t i = 0; i < topology->stage_count; i++)
        reached[i] = topology->stage[i].env.in_count == 0 && topology->stage[i].env.out_count > 0;
    for (bool more = true; more;) {
        more = false;
        for (uint32_t i = 0; i < topology->link_count; i++) {
            const struct link_slot *link = &topology->link[i];
            if (link->to == COLD_END || reached[link->to]) continue;
            if (link->from != COLD_END && !reached[link->from]) continue;
            more = reached[link->to] = true;
        }
    }
    for (uint32_t i = 0; i < topology->stage_count; i++) {
        if (reached[i]) continue;
        rw_err_set(EINVAL, "stage '%s' is reached by no link", topology->stage[i].name);
        rw_err_why("it would be polled for ever without an input");
        rw_err_fix("add a link row to it, or remove its stage row");
        return -EINVAL;
    }
    return 0;
}

struct walk {
    const struct rw_topology *topology;
    enum rw_link_role role;
    int path[RW_TOPOLOGY_STAGES_MAX]; /* from the start to where the walk stands */
    uint32_t length;
    bool on_path[RW_TOPOLOGY_STAGES_MAX], done[RW_TOPOLOGY_STAGES_MAX];
};

static int say_cycle(const struct walk *walk, int again) {
    char text[RW_TOPOLOGY_STAGES_MAX * (RW_STAGE_NAME_BYTES + 4)];
    uint32_t i = 0;
    while (walk->path[i] != again) i++;
    text[0] = 0;
    for (; i < walk->length; i++) {
        strcat(text, walk->topology->stage[walk->path[i]].name);
        strcat(text, " -> ");
    }
    rw_err_set(EINVAL, "reliable links form a cycle as %s: %s%s",
               walk->role == RW_LINK_LEADER ? "leader" : "follower", text,
               walk->topology->stage[again].name);
    rw_err_why("each of these stages may wait for room at the next one, for ever");
    rw_err_fix("make the way back a watermark, or one of the links elastic or of the other role");
    return -EINVAL;
}

/* Depth first; at most RW_TOPOLOGY_STAGES_MAX deep, as the path has no stage twice. */
static int walk_from(struct walk *walk, int stage) {
    const struct rw_topology *topology = walk->topology;
    walk->path[walk->length++] = stage;
    walk->on_path[stage] = true;
    for (uint32_t i = 0; i < topology->link_count; i++) {
        const struct link_slot *link = &topology->link[i];
        if (link->from != stage || link->to == COLD_END || link->row->elastic) continue;
        if (link->row->role != RW_LINK_ALWAYS && link->row->role != walk->role) continue;
        if (walk->on_path[link->to]) return say_cycle(walk, link->to);
        int rc = walk->done[link->to] ? 0 : walk_from(walk, link->to);
        if (rc) return rc;
    }
    walk->on_path[stage] = false;
    walk->done[stage] = true;
    walk->length--;
    return 0;
}

static int check_cycles(const struct rw_topology *topology, enum rw_link_role role) {
    struct walk walk = {.topology = topology, .role = role};
    for (uint32_t i = 0; i < topology->stage_count; i++) {
        int rc = walk.done[i] ? 0 : walk_from(&walk, (int)i);
        if (rc) return rc;
    }
    return 0;
}
