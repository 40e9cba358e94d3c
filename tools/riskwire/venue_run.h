/* `riskwire venue` at work: one process, one poll loop, the pure cores joined to sockets.
 *
 *   venue_core ─► gen_wires ─► group A, group B            requests ◄─► datagrams
 *        └─► truth, messages, CSV in --out                 glimpse, drop copy ◄─► TCP
 *
 * Packets are sent by a schedule with a fixed epoch: one that is late does not delay the next. */
#pragma once

#include "tools/riskwire/venue_core.h"
#include "tools/riskwire/venue_glimpse.h"
#include "tools/riskwire/venue_lines.h"

enum rw_venue_start { RW_VENUE_START_AFTER, RW_VENUE_START_JOIN, RW_VENUE_START_HOLD };

struct rw_venue_options {
    struct rw_venue_cfg venue;
    struct rw_venue_glimpse_cfg glimpse_form;
    const char *dir; /* exists */
    /* Addresses as the user wrote them; NULL: there is no such line or server. */
    const char *group[2], *loop, *requests, *glimpse, *dropcopy;
    /* IPv4 addresses by which multicast of each site's lines leaves; NULL: the route decides */
    const char *interface[RW_VENUE_SITES_MAX][2];
    uint32_t sites;      /* ≥ 1 */
    const char *control; /* path of the FIFO that is made */
    uint32_t loss_ppm[2], loss_run, reorder_ppm, duplicate_ppm, skew_ns;
    uint32_t portfolios, holders, own_percent, truths, scenarios;
    enum rw_venue_start start;
    uint64_t start_ns; /* after so long, joined or not; for RW_VENUE_START_HOLD too */
    uint64_t limit_ns; /* then it ends in any case */
};

/* rw_venue_run runs a venue to its end: it prints where it listens and what it did, a `name value`
 * line each, on stdout. Returns 0; -ECANCELED when it was ended before the market was over; or
 * another -errno with an error set. */
int rw_venue_run(const struct rw_venue_options *options);
