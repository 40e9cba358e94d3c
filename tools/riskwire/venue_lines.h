/* The two lines of the venue: packets go through faulty wires to the groups' sockets. Where several
 * sites listen, each by interfaces of its own, each has wires of its own, with other faults. */
#pragma once

#include "dataplane/base/hist.h"
#include "dataplane/io/stream.h"
#include "tools/riskwire/gen_wires.h"

#define RW_VENUE_SITES_MAX 4u

struct rw_venue_lines_cfg {
    const char *group[RW_GEN_WIRES]; /* "ADDRESS:PORT"; NULL: this line is not sent */
    const char *loop;                /* where the snapshot loop goes; NULL: down both lines */
    uint32_t sites;                  /* 1..RW_VENUE_SITES_MAX */
    /* IPv4 addresses by which multicast of each site's lines leaves; NULL: the route decides */
    const char *interface[RW_VENUE_SITES_MAX][RW_GEN_WIRES];
    struct rw_gen_wires_cfg wires;
};

/* All sites together. */
struct rw_venue_lines_count {
    struct rw_gen_wires_count wires;
    uint64_t sent[RW_GEN_WIRES];   /* datagrams, doubles included */
    uint64_t failed[RW_GEN_WIRES]; /* datagrams that the network did not take: lost too */
    uint64_t loop;                 /* datagrams to the group of the loop */
    uint64_t blacked_out;          /* packets lost on both lines on command */
    uint64_t late_max_ns;          /* behind the schedule */
    uint64_t late_p50_ns, late_p99_ns;
};

struct rw_venue_lines; /* opaque */

/* rw_venue_lines_open opens the sockets. Returns 0, or -errno with an error set.
 * rw_venue_lines_close closes them and frees; NULL is ignored. */
int rw_venue_lines_open(const struct rw_venue_lines_cfg *cfg, struct rw_venue_lines **lines);
void rw_venue_lines_close(struct rw_venue_lines *lines);
/* rw_venue_lines_loop returns the address of the loop's group, length 0 when it has none.
 * rw_venue_lines_group returns a group's address; length 0 when the line is not sent. */
const struct rw_address *rw_venue_lines_group(const struct rw_venue_lines *lines, uint32_t line);
const struct rw_address *rw_venue_lines_loop(const struct rw_venue_lines *lines);
/* rw_venue_lines_blackout loses every packet put from now until until_ns. */
void rw_venue_lines_blackout(struct rw_venue_lines *lines, uint64_t until_ns);
/* rw_venue_lines_put puts a packet on the wires, sent at sent_ns, which never falls. */
void rw_venue_lines_put(struct rw_venue_lines *lines, uint64_t sent_ns, const uint8_t *payload,
                        uint32_t bytes);
/* rw_venue_lines_put_loop sends a packet of the snapshot loop: down the wires too, or at once to
 * the group of its own, by the interface of line A. Nothing when bytes is 0. */
void rw_venue_lines_put_loop(struct rw_venue_lines *lines, uint64_t sent_ns, const uint8_t *payload,
                             uint32_t bytes);
/* rw_venue_lines_flush sends what has arrived by now_ns. rw_venue_lines_due returns when the next
 * packet arrives, UINT64_MAX for none. */
void rw_venue_lines_flush(struct rw_venue_lines *lines, uint64_t now_ns);
uint64_t rw_venue_lines_due(const struct rw_venue_lines *lines);
/* rw_venue_lines_counted tells what was done so far. */
struct rw_venue_lines_count rw_venue_lines_counted(const struct rw_venue_lines *lines);
