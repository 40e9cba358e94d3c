/* arp_core: a port's own IPv4 address on its network (RFC 826, RFC 5227). Pure: time is an
 * argument, frames come out one at a time.
 *
 *   start, link up ──► two announcements, 2 s apart ─┐
 *   request for the own address ──► one answer ──────┴──► next
 *
 * Answers are limited to ten a second in the long run, ten at once: a flood of requests costs the
 * port no more. Nothing is looked up and nothing is remembered of others: a port that only listens
 * never sends to anybody. A port without an address says nothing. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/nic/ether.h"
#include "dataplane/stats/stats.h"

#define RW_ARP_FRAME_BYTES RW_ETHER_FRAME_MIN
#define RW_ARP_ANSWERS_MAX 10u /* at once; they come back one each 100 ms */
#define RW_ARP_NEVER       UINT64_MAX

#define RW_ARP_COUNTERS(X)                                                                   \
    X(requests, "requests", "heard for this port's address")                                 \
    X(requests_limited, "requests", "of these, left unanswered: more than ten a second")     \
    X(others, "packets", "heard about other addresses")                                      \
    X(not_understood, "packets", "damaged, or not ARP of IPv4 over Ethernet")                \
    X(address_conflicts, "packets", "sent by another host that says it has the own address") \
    X(answer_frames, "frames", "made to answer requests")                                    \
    X(announce_frames, "frames", "made to announce the address")
RW_STATS_STRUCT(rw_arp_counters, RW_ARP_COUNTERS);

struct rw_arp_asker {
    uint8_t mac[RW_ETHER_ADDRESS_BYTES];
    uint32_t address;
};

struct rw_arp_core {
    struct rw_ether_self self;
    struct rw_arp_counters *counters;
    struct rw_arp_asker asker[RW_ARP_ANSWERS_MAX]; /* to be answered */
    uint32_t asker_count;
    uint32_t tokens;   /* answers that may be given now */
    uint64_t token_ns; /* up to where tokens were paid out */
    uint32_t announces_left;
    uint64_t announce_ns; /* when the next announcement is due, or RW_ARP_NEVER */
    uint64_t due_ns;      /* when next has something to do; RW_ARP_NEVER = not before it is told */
};

/* rw_arp_init begins silent. `counters` (zeroed) outlives the core. */
void rw_arp_init(struct rw_arp_core *core, const struct rw_ether_self *self,
                 struct rw_arp_counters *counters);
/* rw_arp_announce tells the network from now on: at the start, and after the link has come up. */
void rw_arp_announce(struct rw_arp_core *core, uint64_t now_ns);
/* rw_arp_take reads an ARP packet (behind Ethernet header and tags) that came in: any bytes. */
void rw_arp_take(struct rw_arp_core *core, const uint8_t *packet, size_t bytes, uint64_t now_ns);
/* rw_arp_next writes the next frame that is due, with its Ethernet header, and returns its bytes; 0
 * when none is due before core->due_ns. */
size_t rw_arp_next(struct rw_arp_core *core, uint64_t now_ns, uint8_t frame[RW_ARP_FRAME_BYTES]);
