#include "dataplane/nic/rx_core.h"

#include "dataplane/base/assert.h"

static bool due(struct rw_rx_core *core, uint64_t capture_ns, uint64_t now_ns, bool hurry);

void rw_rx_core_init(struct rw_rx_core *core, uint32_t ports, uint32_t speed) {
    RW_ASSERT(ports <= RW_RX_PORTS_MAX);
    *core = (struct rw_rx_core){.ports = ports, .speed = speed};
}

enum rw_rx_step rw_rx_core_next(struct rw_rx_core *core, uint64_t now_ns, bool hurry,
                                uint32_t *port) {
    bool found = false;
    uint32_t first = 0;
    for (uint32_t i = 0; i < core->ports; i++) {
        if (core->port[i].state == RW_RX_PORT_UNKNOWN) {
            *port = i;
            return RW_RX_NEED;
        }
        if (core->port[i].state != RW_RX_PORT_HEAD) continue;
        /* on equal times the lower port stays first */
        if (!found || core->port[i].head_ns < core->port[first].head_ns) first = i;
        found = true;
    }
    if (!found) return RW_RX_DONE;
    if (!due(core, core->port[first].head_ns, now_ns, hurry)) return RW_RX_WAIT;
    *port = first;
    return RW_RX_RELEASE;
}

void rw_rx_core_head(struct rw_rx_core *core, uint32_t port, uint64_t capture_ns) {
    RW_ASSERT(port < core->ports && core->port[port].state == RW_RX_PORT_UNKNOWN);
    core->port[port].state = RW_RX_PORT_HEAD;
    core->port[port].head_ns = capture_ns;
}

void rw_rx_core_end(struct rw_rx_core *core, uint32_t port) {
    RW_ASSERT(port < core->ports && core->port[port].state == RW_RX_PORT_UNKNOWN);
    core->port[port].state = RW_RX_PORT_ENDED;
}

uint64_t rw_rx_core_take(struct rw_rx_core *core, uint32_t port) {
    RW_ASSERT(port < core->ports && core->port[port].state == RW_RX_PORT_HEAD);
    core->port[port].state = RW_RX_PORT_UNKNOWN;
    uint64_t next = rw_rx_core_tick(core), head = core->port[port].head_ns;
    return core->released_ns = head > next ? head : next;
}

uint64_t rw_rx_core_tick(struct rw_rx_core *core) { return ++core->released_ns; }

/* due tells whether a head with this capture time may go at now_ns. A stamp before the schedule's
 * origin (captures step back) is due at once. */
static bool due(struct rw_rx_core *core, uint64_t capture_ns, uint64_t now_ns, bool hurry) {
    if (core->speed == 0) return true;
    if (hurry) {
        core->paced = false;
        return true;
    }
    if (!core->paced) {
        core->paced = true;
        core->origin_ns = now_ns;
        core->origin_capture = capture_ns;
    }
    uint64_t after = capture_ns > core->origin_capture ? capture_ns - core->origin_capture : 0;
    core->due_ns = core->origin_ns + after / core->speed;
    return now_ns >= core->due_ns;
}
