/* The venue's re-request server: a MoldUDP64 request in, one datagram with the messages out.
 *
 *   request ─► queue ─► answer: from the first wanted message on, as many as fit
 *
 * It serves every life of the venue by its session (of one name, the newest). As real servers do it
 * says nothing to a request it cannot understand or serve. It can be told to misbehave:
 *
 *   down     hears nothing          partial  fewer messages than fit
 *   slow     answers late           lying    most answers are wrong in a way that shows
 *
 * A lie is another session, a number far off, a count that does not fit, a cut or garbled datagram,
 * messages that were not asked for, a false next number or end of session. Never a false message
 * under a true number: no receiver could tell. Pure; allocates once. One thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/io/stream.h"
#include "dataplane/stats/stats.h"
#include "tools/riskwire/venue_core.h"

#define RW_VENUE_REQUESTS_QUEUED_MAX 1024u

#define RW_VENUE_REQUESTS_COUNTERS(X)                                                 \
    X(received, "datagrams", "that came to the request server")                       \
    X(not_understood, "datagrams", "no answer: not a request")                        \
    X(foreign, "requests", "no answer: of a session this venue never had")            \
    X(beyond, "requests", "no answer: the first wanted message is not published yet") \
    X(unheard, "requests", "no answer: the server was down")                          \
    X(overrun, "requests", "no answer: too many were waiting")                        \
    X(queued, "requests", "waiting for their answer")                                 \
    X(answered, "datagrams", "answers")                                               \
    X(messages, "messages", "in true answers")                                        \
    X(lies, "datagrams", "of the answers, wrong on purpose")
RW_STATS_STRUCT(rw_venue_requests_counters, RW_VENUE_REQUESTS_COUNTERS);

enum rw_venue_manner {
    RW_VENUE_FINE = 0,
    RW_VENUE_DOWN,
    RW_VENUE_SLOW,
    RW_VENUE_PARTIAL,
    RW_VENUE_LYING,
    RW_VENUE_MANNERS,
};

struct rw_venue_requests_cfg {
    uint64_t seed;
    uint32_t datagram_bytes; /* of an answer, RW_VENUE_PAYLOAD_MIN..RW_VENUE_PAYLOAD_MAX */
    uint64_t slow_ns;        /* how late, when slow */
    uint32_t partial_max;    /* messages at most, ≥ 1, when partial */
    uint32_t lies_percent;   /* of the answers, 0..100, when lying */
};

struct rw_venue_answer {
    struct rw_address to;
    uint32_t bytes;
    uint8_t payload[RW_VENUE_PAYLOAD_MAX];
};

struct rw_venue_requests; /* opaque */

/* rw_venue_requests_new makes a server for a venue, which outlives it and is only read.
 * rw_venue_requests_free frees it. */
struct rw_venue_requests *rw_venue_requests_new(const struct rw_venue_core *venue,
                                                const struct rw_venue_requests_cfg *cfg);
void rw_venue_requests_free(struct rw_venue_requests *requests);
/* rw_venue_requests_behave tells the server how to treat the requests that come from now on. */
void rw_venue_requests_behave(struct rw_venue_requests *requests, enum rw_venue_manner manner);
/* rw_venue_requests_take takes a datagram of any bytes; the answer goes to where it came from. */
void rw_venue_requests_take(struct rw_venue_requests *requests, uint64_t now_ns,
                            const struct rw_address *from, const void *bytes, size_t count);
/* rw_venue_requests_due returns when the next queued request is looked at, UINT64_MAX for none.
 * rw_venue_requests_next makes the next answer that is due; false when there is none now. */
uint64_t rw_venue_requests_due(const struct rw_venue_requests *requests);
bool rw_venue_requests_next(struct rw_venue_requests *requests, uint64_t now_ns,
                            struct rw_venue_answer *answer);
/* received = not_understood + foreign + beyond + unheard + overrun + queued + answered. */
const struct rw_venue_requests_counters *
rw_venue_requests_counted(const struct rw_venue_requests *requests);
/* rw_venue_manner_name returns "fine", "down", … */
const char *rw_venue_manner_name(enum rw_venue_manner manner);
