/* A SoupBinTCP service of the simulated venue over TCP: snapshots, or the drop copy.
 *
 *   listener ─► up to RW_VENUE_CLIENTS_MAX clients: venue_soup ◄─► 64 KiB of bytes ◄─► socket
 *
 * Never waits. It can be told to be down (connections are closed at once), slow, or to cut a
 * connection after so many messages. One thread. */
#pragma once

#include <poll.h>

#include "dataplane/io/stream.h"
#include "tools/riskwire/venue_soup.h"

#define RW_VENUE_CLIENTS_MAX     8u
#define RW_VENUE_SLOW_PIECE      4096u /* bytes to a client … */
#define RW_VENUE_SLOW_EVERY_NS   10000000u
#define RW_VENUE_SERVICE_FDS_MAX (1 + RW_VENUE_CLIENTS_MAX)

struct rw_venue_service_cfg {
    struct rw_venue_soup_cfg soup;
    /* Gives a client that has logged in the log it is served from, or NULL when that is not
     * possible now. `own` is the client's, empty, and may be filled and given back. */
    const struct rw_venue_log *(*log_in)(void *context, struct rw_venue_log *own);
    void *context;
};

enum rw_venue_service_manner {
    RW_VENUE_SERVICE_UP = 0,
    RW_VENUE_SERVICE_DOWN,
    RW_VENUE_SERVICE_SLOW,
    RW_VENUE_SERVICE_CUT,
};

struct rw_venue_service_count {
    uint64_t connections;
    uint64_t refused; /* the service was down, or had no place */
    uint64_t logins;
    uint64_t served;   /* ended in order: all sent and 'Z' */
    uint64_t rejected; /* user name, password or session */
    uint64_t dropped;  /* garbage, silence, cut on purpose, a broken connection */
    uint64_t left;     /* log-outs */
    uint64_t messages;
};

struct rw_venue_service; /* opaque */

/* rw_venue_service_open listens. Returns 0, or -errno with an error set. rw_venue_service_close
 * closes all and frees; NULL is ignored. */
int rw_venue_service_open(const struct rw_venue_service_cfg *cfg, const struct rw_address *address,
                          struct rw_venue_service **service);
void rw_venue_service_close(struct rw_venue_service *service);
/* rw_venue_service_address returns where it listens, with the real port. */
const struct rw_address *rw_venue_service_address(const struct rw_venue_service *service);
/* rw_venue_service_behave: cut_after counts messages, for RW_VENUE_SERVICE_CUT. Going down closes
 * all connections. */
void rw_venue_service_behave(struct rw_venue_service *service, enum rw_venue_service_manner manner,
                             uint64_t cut_after);
/* rw_venue_service_visit does what can be done now. session and is_complete as in
 * rw_venue_soup_fill. */
void rw_venue_service_visit(struct rw_venue_service *service, const char *session, bool is_complete,
                            uint64_t now_ns);
/* rw_venue_service_fds fills what poll(2) should wait for, at most RW_VENUE_SERVICE_FDS_MAX, and
 * returns how many. */
uint32_t rw_venue_service_fds(const struct rw_venue_service *service, struct pollfd *fds);
/* rw_venue_service_clients returns how many are connected. */
uint32_t rw_venue_service_clients(const struct rw_venue_service *service);
/* rw_venue_service_counted tells what was done so far. */
struct rw_venue_service_count rw_venue_service_counted(const struct rw_venue_service *service);
