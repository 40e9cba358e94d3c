/* rx_core: which packet of several capture files comes next, and when. Pure: time is an argument.
 *
 *   file 0   9 ── 12 ──────── 20 ─►┐
 *   file 1     10 ─── 15 ── 20 ───►┴─►  9·0  10·1  12·0  15·1  20·0  20·1   by (capture time, port)
 *
 * The order depends on the captures alone, so two sites that read the same files see the same
 * sequence. What is released gets an instant of its own on the feed's clock, which therefore also
 * tells the order of frames of different channels. The pace maps capture time to the monotonic
 * clock on a fixed schedule: being late once does not shift what follows. In a hurry (a restarted
 * site behind the log) packets go out at once, and when that ends the schedule starts anew from
 * there. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define RW_RX_PORTS_MAX 16u

enum rw_rx_step {
    RW_RX_NEED,    /* *port: the head of this port is unknown: give it with head, or end the port */
    RW_RX_RELEASE, /* *port: its head is next and due: take it */
    RW_RX_WAIT,    /* the next head is not due; due_ns says when */
    RW_RX_DONE,    /* all ports have ended */
};

struct rw_rx_core {
    uint32_t ports;
    uint32_t speed; /* 0 = as fast as possible, N = N times capture speed */
    struct {
        enum { RW_RX_PORT_UNKNOWN, RW_RX_PORT_HEAD, RW_RX_PORT_ENDED } state;
        uint64_t head_ns;
    } port[RW_RX_PORTS_MAX];
    bool paced;              /* the schedule has an origin */
    uint64_t origin_ns;      /* monotonic */
    uint64_t origin_capture; /* Unix ns */
    uint64_t due_ns;         /* of the head that RW_RX_WAIT stopped at, monotonic */
    uint64_t released_ns;    /* instant of the last release */
};

/* rw_rx_core_init begins with ports 0..ports-1, all unknown. ports ≤ RW_RX_PORTS_MAX; 0 is done at
 * once. */
void rw_rx_core_init(struct rw_rx_core *core, uint32_t ports, uint32_t speed);
/* rw_rx_core_next decides the next step at now_ns (monotonic). *port is set for NEED and RELEASE.
 * The first packet to be paced is due at once. */
enum rw_rx_step rw_rx_core_next(struct rw_rx_core *core, uint64_t now_ns, bool hurry,
                                uint32_t *port);
/* rw_rx_core_head answers NEED: the port's next packet has this capture time. */
void rw_rx_core_head(struct rw_rx_core *core, uint32_t port, uint64_t capture_ns);
/* rw_rx_core_end answers NEED: there is no further packet. */
void rw_rx_core_end(struct rw_rx_core *core, uint32_t port);
/* rw_rx_core_take follows RELEASE: the head is gone, the next is unknown. Returns the feed's clock
 * for this packet: its capture time, or 1 ns after the last instant where captures have equal
 * stamps or step back. */
uint64_t rw_rx_core_take(struct rw_rx_core *core, uint32_t port);
/* rw_rx_core_tick returns a further instant of the feed's clock, for what is no packet. */
uint64_t rw_rx_core_tick(struct rw_rx_core *core);
