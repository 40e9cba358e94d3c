/* THE wiring. Order matters: the order of link rows is the order of each stage's inputs and
 * outputs, and the order of stage rows is the order of the pipeline for placement and of a core's
 * round. Deliver stands right behind repl: what a commit has just released is published at once,
 * and a follower's result goes from merge to its acknowledgement without a journal write between.
 *
 * A link walks through all of its slots even when it is nearly empty, so a deep one drives the
 * books out of the cache of a shared core. Depths are a few bursts of the producer, no more. */
#include <string.h>

#include "dataplane/feed/feed_stage.h"
#include "tools/riskwired/wiring.h"

#define ALWAYS   RW_LINK_ALWAYS
#define LEADER   RW_LINK_LEADER
#define FOLLOWER RW_LINK_FOLLOWER

/* clang-format off */
struct rw_topology *rw_wiring_topology(struct rw_wiring *w) {
    /* A live port cannot wait: it is drained whether there is room or not, so that rx counts what
     * is lost, and feed keeps what enrich has no room for. What waits in a link cannot be conflated
     * any more, so live links are short. */
    const bool live = !w->feed[0].line.file_ports;
    const uint32_t frames = live ? 1024 : 256, ticks = live ? 512 : 1024;
    const struct rw_stage_row stages[] = {
        /* name       type                    configuration  instances  weight  bytes of each */
        {"rx",        &rw_rx_stage,           &w->rx,        0,         2},
        {"feed",      &rw_feed_stage_type,    w->feed,       w->feeds,  4,      sizeof w->feed[0]},
        {"intake",    &rw_intake_stage_type,  &w->intake,    0,         1},
        {"enrich",    &rw_enrich_stage_type,  &w->enrich,    0,         2},
        {"repl",      &rw_repl_stage_type,    &w->repl,      0,         3},
        {"deliver",   &rw_deliver_stage_type, &w->deliver,   0,         3},
        {"risk",      &rw_risk_stage_type,    &w->risk,      w->shards, 3},
        {"merge",     &rw_merge_stage_type,   &w->merge,     0,         2},
        /* last, and left out where no channel has a server or a peer to serve */
        {"recover",   &rw_recover_stage_type, &w->recover,   0,         1},
    };
    const struct rw_link_row links[] = {
        /* from    to        depth  slot bytes           fan-out            elastic when */
        {"rx",     "feed",  frames, RW_FRAME_SLOT_BYTES, 1,                 live,  ALWAYS},
        {"feed",   "enrich", ticks, RW_SLOT_BYTES,       RW_FEED_FAN_OUT,   live,  ALWAYS},
        {"intake", "enrich",   512, RW_SLOT_BYTES,       RW_INTAKE_FAN_OUT, true,  ALWAYS},
        {"enrich", "risk",   ticks, RW_SLOT_BYTES,       RW_ENRICH_FAN_OUT, false, LEADER},
        {"enrich", "repl",   ticks, RW_SLOT_BYTES,       RW_ENRICH_FAN_OUT, false, LEADER},
        {"repl",   "risk",    2048, RW_SLOT_BYTES,       1,                 true,  FOLLOWER},
        {"repl",   "enrich",  2048, RW_SLOT_BYTES,       1,                 true,  FOLLOWER},
        {RW_COLD,  "repl",      64, RW_SLOT_BYTES,       1,                 false, ALWAYS},
        {"repl",   RW_COLD,     64, RW_SLOT_BYTES,       1,                 true,  ALWAYS},
        {"risk",   "merge",   4096, RW_RESULT_BYTES,     RW_RISK_FAN_OUT,   false, ALWAYS},
        {"merge",  "deliver", 4096, RW_RESULT_BYTES,     RW_MERGE_FAN_OUT,  false, ALWAYS},
        {"feed",   "recover",   16, RW_RECOVER_SLOT_BYTES, 1,               true,  ALWAYS},
        {"recover", "feed",     64, RW_RECOVER_SLOT_BYTES, 1,               true,  ALWAYS},
    };
    const uint32_t without = w->recovers ? 0 : 1;
    static_assert(sizeof stages == sizeof w->stage, "RW_WIRING_STAGES");
    static_assert(sizeof links == sizeof w->link, "RW_WIRING_LINKS");
    memcpy(w->stage, stages, sizeof stages);
    memcpy(w->link, links, sizeof links);
    return rw_topology_new(w->stage, RW_WIRING_STAGES - without, w->link,
                           RW_WIRING_LINKS - 2 * without);
}
/* clang-format on */
