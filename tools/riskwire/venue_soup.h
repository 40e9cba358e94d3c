/* The server's side of one SoupBinTCP connection, as bytes in and bytes out.
 *
 *   login ─'L'─► accepting ─'A'─► live: 'S' 'S' … ─► 'Z' ─► closed
 *     └ garbage, silence, log-out, wrong user ('J') ───────────┘
 *
 * The messages come from a log: sequenced packet n is message n. A client resumes at any number; 0
 * means the next one, and a number that is not there yet is accepted and served when it comes. What
 * does not fit into the caller's buffer now goes out with a later fill, so a slow client costs
 * nothing. Pure; no allocation. One thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/record/soupbintcp.h"
#include "tools/riskwire/venue_log.h"

#define RW_VENUE_SOUP_IN_BYTES 512u /* the longest packet of a client */

struct rw_venue_soup_cfg {
    char username[7], password[11]; /* "": any */
    uint64_t heartbeat_ns;          /* without a byte sent, after which 'H' is */
    uint64_t silence_ns;            /* without a byte received, after which the client is dropped */
};

enum rw_venue_soup_state {
    RW_VENUE_SOUP_LOGIN = 0,
    RW_VENUE_SOUP_ACCEPTING, /* logged in; the next fill needs the log */
    RW_VENUE_SOUP_LIVE,
    RW_VENUE_SOUP_REJECTED, /* 'J' is still to be sent */
    RW_VENUE_SOUP_CLOSED,   /* close the connection when what was filled is sent */
};

/* Why a connection was closed. */
enum rw_venue_soup_end {
    RW_VENUE_SOUP_OPEN = 0,
    RW_VENUE_SOUP_ENDED,   /* all messages and 'Z' were filled */
    RW_VENUE_SOUP_LOGOUT,  /* the client's wish */
    RW_VENUE_SOUP_GARBAGE, /* not SoupBinTCP, or not what a client may say now */
    RW_VENUE_SOUP_SILENT,
    RW_VENUE_SOUP_USER,    /* rejected: user name or password */
    RW_VENUE_SOUP_SESSION, /* rejected: not the current session */
};

struct rw_venue_soup {
    const struct rw_venue_soup_cfg *cfg;
    enum rw_venue_soup_state state;
    enum rw_venue_soup_end end;
    uint64_t heard_ns, said_ns;
    uint64_t next; /* of the sequenced packet to be sent next */
    struct rw_soup_login login;
    uint32_t in_bytes;
    uint8_t in[RW_VENUE_SOUP_IN_BYTES];
};

/* rw_venue_soup_open starts a connection; cfg outlives it. */
void rw_venue_soup_open(struct rw_venue_soup *soup, const struct rw_venue_soup_cfg *cfg,
                        uint64_t now_ns);
/* rw_venue_soup_take takes bytes from the client, any number of any value. */
void rw_venue_soup_take(struct rw_venue_soup *soup, const void *bytes, size_t count,
                        uint64_t now_ns);
/* rw_venue_soup_fill writes what is to be said now into `to`, room bytes of it, and returns how
 * many bytes it wrote. session: ten characters or fewer. is_complete: nothing will be added to the
 * log, so that 'Z' follows its last message. */
size_t rw_venue_soup_fill(struct rw_venue_soup *soup, const char *session,
                          const struct rw_venue_log *log, bool is_complete, uint64_t now_ns,
                          uint8_t *to, size_t room);
