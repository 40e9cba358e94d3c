/* rw_soup_server: results over SoupBinTCP, to up to RW_SOUP_CLIENTS_MAX clients, without ever
 * waiting.
 *
 *   free ─accept─► login ─'L'─► live ──────► ending ─flushed─► closed
 *                    └ garbage, time-out ──────┘ ('J', 'Z' or a lost client)
 *
 * The counter of sequenced packets is the result sequence, so a client resumes at any number,
 * here or at the other site. A sequence beyond what is released is accepted and served when it
 * comes; 0 means the next one to be released. Newest records are taken from the broadcast ring;
 * for older ones the server says what it wants (rw_soup_server_wants) and is given it when the
 * journal has read it (rw_soup_server_supply), one client after the other.
 *
 * Slow consumers: bytes handed to a client must be taken by the kernel within slow_timeout_ns,
 * else the client is disconnected and counted. Nothing is ever skipped: it resumes by sequence.
 *
 * All sockets are non-blocking; a visit makes at most RW_SOUP_SENDS_PER_VISIT sends, and looks
 * at all sockets (one poll(2), then one recv per readable one) at most every RW_SOUP_LOOK_NS. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/delivery/broadcast.h"
#include "dataplane/record/result_status.h"
#include "dataplane/stats/stats.h"

#define RW_SOUP_CLIENTS_MAX     64u
#define RW_SOUP_OUT_BYTES       (64u << 10) /* unsent bytes of one client */
#define RW_SOUP_IN_BYTES        512u        /* longest packet of a client */
#define RW_SOUP_SENDS_PER_VISIT 8u
#define RW_SOUP_LOOK_NS         100000u

#define RW_SOUP_COUNTERS(X)                                                                    \
    X(accepted, "connections", "connections accepted")                                         \
    X(refused_full, "connections", "refused: all client places were taken")                    \
    X(accept_failed, "errors", "accept failed (out of descriptors?)")                          \
    X(logins, "logins", "log-ins accepted")                                                    \
    X(rejected_user, "logins", "rejected: user name or password")                              \
    X(rejected_session, "logins", "rejected: the session asked for is not the current one")    \
    X(garbage, "connections", "dropped: not understood as SoupBinTCP")                         \
    X(login_timeouts, "connections", "dropped: no log-in within the time-out")                 \
    X(silence_timeouts, "connections", "dropped: no byte from the client within the time-out") \
    X(slow_consumers, "connections", "dropped: did not take its data within the time-out")     \
    X(lost, "connections", "closed or reset by the client")                                    \
    X(logouts, "connections", "closed by the client's log-out")                                \
    X(ended, "connections", "closed after the end of session")                                 \
    X(records_sent, "records", "sequenced packets queued to clients")                          \
    X(records_from_journal, "records", "of these, read back from the result journal")          \
    X(bytes_sent, "bytes", "bytes taken by the kernel")
RW_STATS_STRUCT(rw_soup_counters, RW_SOUP_COUNTERS);

struct rw_soup_server_cfg {
    char session[11];
    char username[7], password[11]; /* "" = any */
    uint32_t clients_max;           /* 1..RW_SOUP_CLIENTS_MAX */
    /* 0 = the default in brackets */
    uint64_t heartbeat_ns;       /* [1 s] idle time after which 'H' is sent */
    uint64_t status_ns;          /* [1 s] interval of 'U' */
    uint64_t login_timeout_ns;   /* [5 s] */
    uint64_t silence_timeout_ns; /* [15 s] */
    uint64_t slow_timeout_ns;    /* [5 s] */
};

struct rw_soup_server;

/* rw_soup_server_footprint returns the bytes that rw_soup_server_new needs. Pure. */
size_t rw_soup_server_footprint(const struct rw_soup_server_cfg *cfg);
/* rw_soup_server_new formats zeroed memory (64-byte aligned, footprint bytes, owned by the
 * caller). The counters outlive the server. No socket is open yet. */
struct rw_soup_server *rw_soup_server_new(void *memory, const struct rw_soup_server_cfg *cfg,
                                          struct rw_soup_counters *counters);
/* rw_soup_server_listen binds and listens; port 0 = the kernel chooses. Returns 0, -EINVAL for
 * an address that is no literal IPv4 or IPv6 address, or the errno of bind with an error. Cold
 * path. */
int rw_soup_server_listen(struct rw_soup_server *server, const char *address, uint16_t port);
/* rw_soup_server_port returns the bound port, 0 = not listening. */
uint16_t rw_soup_server_port(const struct rw_soup_server *server);
/* rw_soup_server_clients returns how many clients are connected. */
uint32_t rw_soup_server_clients(const struct rw_soup_server *server);

/* rw_soup_server_release tells what may be served from now on, and what the status says.
 * `status.released` never goes down. Cheap; no system call. */
void rw_soup_server_release(struct rw_soup_server *server, const struct rw_result_status *status);
/* rw_soup_server_poll does one visit: looks at the sockets when it is time, fills and sends.
 * Returns the number of records queued plus connections changed; 0 = idle. Stage thread only;
 * never waits. */
uint32_t rw_soup_server_poll(struct rw_soup_server *server, const struct rw_broadcast *broadcast,
                             uint64_t now_ns);

/* What one client wants from the journal: `count` records from `first` on. */
struct rw_soup_want {
    uint32_t client, login; /* identify the client and this log-in of it */
    uint64_t first;
    uint32_t count; /* 1..; fewer may be supplied */
};
/* rw_soup_server_wants returns true and the next client's want, each client in turn, at most one
 * want per client at a time; false when nobody waits for the journal. */
bool rw_soup_server_wants(struct rw_soup_server *server, struct rw_soup_want *want);
/* rw_soup_server_supply gives `count` ≤ want.count records from want.first on; 0 = the read
 * failed, it will be asked again. Ignored when the client has gone meanwhile. */
void rw_soup_server_supply(struct rw_soup_server *server, const struct rw_soup_want *want,
                           const struct rw_result *records, uint32_t count);

/* rw_soup_server_close closes all sockets, without the courtesy of 'Z'. */
void rw_soup_server_close(struct rw_soup_server *server);
