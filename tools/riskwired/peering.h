/* Meeting the peer: who dials, who waits, and the TLS handshake, in steps of the cold thread.
 *
 *   site a: idle ─► connecting ─► handshake ─► ready ──┐     site b: listens; what it accepts
 *             ▲          │ refused    │ failed         │     goes through handshake ─► ready
 *             └── pause ◄┴────────────┘                ▼
 *                                       taken by the replication stage; lost ─► idle again
 *
 * Site a dials so that there is one connection, not two that cross. The pause doubles from 10 ms
 * to 500 ms. At most one connection is in the handshake; a newer accepted one replaces it, because
 * a peer that restarted dials again before the old socket is known to be dead.
 *
 * The side that dials ends its handshake before the other has judged its certificate, so a session
 * proves nothing until it has stood for a second. One that ends earlier is a failed attempt: the
 * pause goes on doubling, and what is the same again is not logged again. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/io/stream.h"
#include "dataplane/io/tls.h"

enum rw_peering_state { RW_PEERING_IDLE, RW_PEERING_CONNECTING, RW_PEERING_HANDSHAKE };

struct rw_peering {
    bool dials;
    struct rw_address listen_address, peer_address;
    int listener; /* −1 when this site dials */
    struct rw_tls_context *context;
    const char *peer_name;
    enum rw_peering_state state;
    struct rw_stream *stream; /* being connected or shaken hands with */
    uint64_t due_ns, pause_ns, deadline_ns;
    uint32_t joined;    /* sessions the stage holds: 2 while a new one replaces the old */
    bool announced;     /* the present session was logged */
    bool broken_off;    /* the last one ended before it had stood for a second */
    uint64_t joined_ns; /* when it began */
    char cipher[64];    /* of it */
    char last[256];     /* the last failure, logged once per change */
};

struct rw_peering_cfg {
    bool dials;
    const char *listen, *connect; /* ADDRESS:PORT */
    struct rw_tls_files files;
    const char *peer_name;
};

/* rw_peering_open loads the certificates and opens the listener. Returns 0 or -errno with an
 * error. */
int rw_peering_open(struct rw_peering *peering, const struct rw_peering_cfg *cfg);
/* rw_peering_step goes on as far as it can without waiting. Returns a finished session, owned by
 * the caller, or NULL. Failures are logged, each once until it changes. */
struct rw_stream *rw_peering_step(struct rw_peering *peering, uint64_t now_ns);
/* rw_peering_lost tells that the session handed out has ended, and why ("" = not known): the
 * dialling side begins again. */
void rw_peering_lost(struct rw_peering *peering, uint64_t now_ns, const char *why);
void rw_peering_close(struct rw_peering *peering);
