#include "tools/riskwire/venue_requests.h"

#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/rng.h"

#define SEQUENCE_AT RW_MOLD_SESSION_BYTES
#define COUNT_AT    (RW_MOLD_SESSION_BYTES + 8u)
#define FAR         (1ull << 40)

struct queued {
    uint64_t due_ns;
    struct rw_address from;
    enum rw_venue_manner manner;
    struct rw_mold_request request;
};

struct rw_venue_requests {
    const struct rw_venue_core *venue;
    struct rw_venue_requests_cfg cfg;
    struct rw_rng rng;
    enum rw_venue_manner manner;
    struct queued queue[RW_VENUE_REQUESTS_QUEUED_MAX];
    uint64_t first, behind; /* run freely */
    struct rw_venue_requests_counters count;
};

struct rw_venue_requests *rw_venue_requests_new(const struct rw_venue_core *venue,
                                                const struct rw_venue_requests_cfg *cfg) {
    RW_ASSERT(cfg->datagram_bytes >= RW_VENUE_PAYLOAD_MIN);
    RW_ASSERT(cfg->datagram_bytes <= RW_VENUE_PAYLOAD_MAX && cfg->partial_max >= 1);
    struct rw_venue_requests *requests = calloc(1, sizeof *requests);
    RW_ASSERT(requests);
    requests->venue = venue;
    requests->cfg = *cfg;
    rw_rng_seed(&requests->rng, cfg->seed ^ 0x52455155455354ull);
    return requests;
}

void rw_venue_requests_free(struct rw_venue_requests *requests) { free(requests); }

void rw_venue_requests_behave(struct rw_venue_requests *requests, enum rw_venue_manner manner) {
    RW_ASSERT(manner < RW_VENUE_MANNERS);
    requests->manner = manner;
}

static struct queued *place_of(struct rw_venue_requests *requests, uint64_t index) {
    return &requests->queue[index % RW_VENUE_REQUESTS_QUEUED_MAX];
}

void rw_venue_requests_take(struct rw_venue_requests *requests, uint64_t now_ns,
                            const struct rw_address *from, const void *bytes, size_t count) {
    struct rw_venue_requests_counters *counted = &requests->count;
    struct rw_mold_request request;
    rw_stat_add(&counted->received, 1);
    if (requests->manner == RW_VENUE_DOWN) {
        rw_stat_add(&counted->unheard, 1);
    } else if (!rw_mold_decode_request(bytes, count, &request)) {
        rw_stat_add(&counted->not_understood, 1);
    } else if (requests->behind - requests->first == RW_VENUE_REQUESTS_QUEUED_MAX) {
        rw_stat_add(&counted->overrun, 1);
    } else {
        bool is_slow = requests->manner == RW_VENUE_SLOW;
        *place_of(requests, requests->behind++) =
            (struct queued){.due_ns = now_ns + (is_slow ? requests->cfg.slow_ns : 0),
                            .from = *from,
                            .manner = requests->manner,
                            .request = request};
        rw_stat_add(&counted->queued, 1);
    }
}

uint64_t rw_venue_requests_due(const struct rw_venue_requests *requests) {
    if (requests->first == requests->behind) return UINT64_MAX;
    return requests->queue[requests->first % RW_VENUE_REQUESTS_QUEUED_MAX].due_ns;
}

/* Writes the messages from `sequence` on, `wanted` at most; at least one is published. */
static void write_messages(const struct rw_venue_requests *requests, const struct rw_venue_log *log,
                           const struct rw_mold_request *request, struct rw_mold_writer *writer,
                           uint8_t *payload) {
    rw_mold_begin(writer, payload, requests->cfg.datagram_bytes, request->session,
                  request->sequence);
    for (uint64_t i = 0; i < request->count && request->sequence + i <= log->count; i++) {
        uint32_t bytes;
        const uint8_t *message = rw_venue_log_get(log, request->sequence + i, &bytes);
        if (!rw_mold_add(writer, message, (uint16_t)bytes)) break;
    }
}

/* Spoils a true answer in one of the ways of the header. */
static uint32_t lie(struct rw_venue_requests *requests, const struct rw_venue_log *log,
                    struct rw_mold_request *asked, uint8_t *payload, uint32_t bytes) {
    struct rw_rng *rng = &requests->rng;
    uint16_t count = rw_load_be16(payload + COUNT_AT);
    switch (rw_rng_below(rng, 9)) {
    case 0: /* of a session that this venue never has */
        payload[0] = '?';
        return bytes;
    case 1:
        rw_store_be64(payload + SEQUENCE_AT, asked->sequence + FAR);
        return bytes;
    case 2:
        rw_store_be16(payload + COUNT_AT, (uint16_t)(count + 1 + rw_rng_below(rng, 1000)));
        return bytes;
    case 3: /* bytes behind the last message */
        rw_store_be16(payload + COUNT_AT, (uint16_t)(count - 1));
        return bytes;
    case 4:
        return (uint32_t)rw_rng_below(rng, bytes);
    case 5: { /* true, but not what was asked for */
        struct rw_mold_request other = *asked;
        struct rw_mold_writer writer;
        other.sequence = 1 + rw_rng_below(rng, log->count);
        write_messages(requests, log, &other, &writer, payload);
        return (uint32_t)rw_mold_end(&writer);
    }
    case 6: { /* a heartbeat that names a far number as the next one */
        struct rw_mold_writer writer;
        rw_mold_begin(&writer, payload, RW_MOLD_HEADER_BYTES, asked->session,
                      asked->sequence + FAR);
        return (uint32_t)rw_mold_end(&writer);
    }
    case 7:
        return (uint32_t)rw_mold_end_of_session(payload, asked->session, asked->sequence);
    default:
        for (uint32_t i = 0; i < bytes; i++) payload[i] = (uint8_t)rw_rng_next(rng);
        return bytes;
    }
}

/* False when there is nothing to say: the session is unknown or the message not published. */
static bool answer_one(struct rw_venue_requests *requests, struct queued *queued,
                       struct rw_venue_answer *answer) {
    struct rw_venue_requests_counters *counted = &requests->count;
    struct rw_mold_request request = queued->request;
    struct rw_mold_writer writer;
    int life = rw_venue_find(requests->venue, request.session);
    if (life < 0) {
        rw_stat_add(&counted->foreign, 1);
        return false;
    }
    const struct rw_venue_log *log = rw_venue_messages(requests->venue, (uint32_t)life);
    if (request.sequence > log->count) {
        rw_stat_add(&counted->beyond, 1);
        return false;
    }
    if (queued->manner == RW_VENUE_PARTIAL && request.count > requests->cfg.partial_max)
        request.count = (uint16_t)(1 + rw_rng_below(&requests->rng, requests->cfg.partial_max));
    write_messages(requests, log, &request, &writer, answer->payload);
    uint32_t messages = writer.count;
    answer->to = queued->from;
    answer->bytes = (uint32_t)rw_mold_end(&writer);
    rw_stat_add(&counted->answered, 1);
    if (queued->manner == RW_VENUE_LYING &&
        rw_rng_chance(&requests->rng, requests->cfg.lies_percent, 100)) {
        answer->bytes = lie(requests, log, &request, answer->payload, answer->bytes);
        rw_stat_add(&counted->lies, 1);
    } else {
        rw_stat_add(&counted->messages, messages);
    }
    return true;
}

bool rw_venue_requests_next(struct rw_venue_requests *requests, uint64_t now_ns,
                            struct rw_venue_answer *answer) {
    while (rw_venue_requests_due(requests) <= now_ns) {
        struct queued *queued = place_of(requests, requests->first++);
        rw_stat_set(&requests->count.queued, requests->behind - requests->first);
        if (answer_one(requests, queued, answer)) return true;
    }
    return false;
}

const struct rw_venue_requests_counters *
rw_venue_requests_counted(const struct rw_venue_requests *requests) {
    return &requests->count;
}

const char *rw_venue_manner_name(enum rw_venue_manner manner) {
    static const char *const names[RW_VENUE_MANNERS] = {"fine", "down", "slow", "partial", "lying"};
    RW_ASSERT(manner < RW_VENUE_MANNERS);
    return names[manner];
}
