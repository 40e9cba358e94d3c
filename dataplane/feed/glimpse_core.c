/* One buffer: [at, used) holds what was received and not yet taken. */
#include "dataplane/feed/glimpse_core.h"

#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/bytes.h"
#include "dataplane/record/soupbintcp.h"

#define NS_PER_S         UINT64_C(1000000000)
#define IN_BYTES         (32u << 10)
#define PACKET_BYTES_MAX 4096u /* a debug text may be longer than a message */
#define OUT_BYTES        64u
#define END_TYPE         'G'
#define END_ASCII_BYTES  (1u + RW_SOUP_NUMBER_BYTES)
#define END_BINARY_BYTES 9u
#define SEQUENCE_MAX     (UINT64_C(1) << 48)

struct rw_glimpse {
    struct rw_glimpse_cfg cfg;
    enum rw_glimpse_state state;
    enum rw_glimpse_failure failure;
    uint64_t messages; /* taken so far */
    uint64_t sequence;
    uint64_t sent_ns, received_ns;
    uint32_t out_used, at, used;
    uint8_t out[OUT_BYTES];
    uint8_t in[IN_BYTES];
};

size_t rw_glimpse_footprint(void) { return (sizeof(struct rw_glimpse) + 63) & ~(size_t)63; }

struct rw_glimpse *rw_glimpse_new(void *memory, const struct rw_glimpse_cfg *cfg) {
    RW_ASSERT(((uintptr_t)memory & 63) == 0);
    struct rw_glimpse *glimpse = memory;
    *glimpse = (struct rw_glimpse){.cfg = *cfg};
    if (glimpse->cfg.beat_ns == 0) glimpse->cfg.beat_ns = NS_PER_S;
    if (glimpse->cfg.silence_ns == 0) glimpse->cfg.silence_ns = 15 * NS_PER_S;
    return glimpse;
}

static void say(struct rw_glimpse *glimpse, enum rw_soup_type type) {
    if (OUT_BYTES - glimpse->out_used < RW_SOUP_HEAD_BYTES) return; /* one is under way anyway */
    glimpse->out_used += (uint32_t)rw_soup_write(glimpse->out + glimpse->out_used, type, NULL, 0);
}

void rw_glimpse_start(struct rw_glimpse *glimpse, uint64_t now_ns) {
    struct rw_soup_login login = {.sequence = 1};
    memcpy(login.username, glimpse->cfg.username, sizeof login.username);
    memcpy(login.password, glimpse->cfg.password, sizeof login.password);
    glimpse->state = RW_GLIMPSE_LOGIN;
    glimpse->failure = RW_GLIMPSE_NO_FAILURE;
    glimpse->messages = glimpse->sequence = 0;
    glimpse->sent_ns = glimpse->received_ns = now_ns;
    glimpse->at = glimpse->used = 0;
    glimpse->out_used = (uint32_t)rw_soup_write_login(glimpse->out, &login);
}

const uint8_t *rw_glimpse_out(const struct rw_glimpse *glimpse, uint32_t *count) {
    *count = glimpse->out_used;
    return glimpse->out;
}

void rw_glimpse_sent(struct rw_glimpse *glimpse, uint32_t count) {
    RW_ASSERT(count <= glimpse->out_used);
    glimpse->out_used -= count;
    memmove(glimpse->out, glimpse->out + count, glimpse->out_used);
}

uint8_t *rw_glimpse_in(struct rw_glimpse *glimpse, uint32_t *room) {
    glimpse->used -= glimpse->at;
    memmove(glimpse->in, glimpse->in + glimpse->at, glimpse->used);
    glimpse->at = 0;
    *room = IN_BYTES - glimpse->used;
    return glimpse->in + glimpse->used;
}

void rw_glimpse_received(struct rw_glimpse *glimpse, uint32_t count, uint64_t now_ns) {
    RW_ASSERT(count <= IN_BYTES - glimpse->used);
    glimpse->used += count;
    glimpse->received_ns = now_ns;
}

static bool is_open(const struct rw_glimpse *glimpse) {
    return glimpse->state == RW_GLIMPSE_LOGIN || glimpse->state == RW_GLIMPSE_LOADING;
}

static void fail(struct rw_glimpse *glimpse, enum rw_glimpse_failure why) {
    if (!is_open(glimpse)) return;
    glimpse->state = RW_GLIMPSE_FAILED;
    glimpse->failure = why;
}

void rw_glimpse_closed(struct rw_glimpse *glimpse) { fail(glimpse, RW_GLIMPSE_EARLY_END); }

void rw_glimpse_now(struct rw_glimpse *glimpse, uint64_t now_ns) {
    if (!is_open(glimpse)) return;
    if (now_ns >= glimpse->received_ns + glimpse->cfg.silence_ns) {
        fail(glimpse, RW_GLIMPSE_SILENT);
    } else if (now_ns >= glimpse->sent_ns + glimpse->cfg.beat_ns) {
        say(glimpse, RW_SOUP_CLIENT_HEARTBEAT);
        glimpse->sent_ns = now_ns;
    }
}

/* take_end reads 'G'; false when its number is none. */
static bool take_end(struct rw_glimpse *glimpse, const struct rw_soup_packet *packet) {
    uint32_t wanted = glimpse->cfg.end_is_binary ? END_BINARY_BYTES : END_ASCII_BYTES;
    uint64_t number;
    if (packet->payload_bytes != wanted) return false;
    if (glimpse->cfg.end_is_binary)
        number = rw_load_be64(packet->payload + 1);
    else if (rw_soup_read_number(packet->payload + 1, &number))
        return false;
    if (number >= SEQUENCE_MAX) return false;
    glimpse->sequence = number + glimpse->cfg.end_is_last;
    return glimpse->sequence > 0;
}

/* take_sequenced looks at one message; true when it belongs to the snapshot. */
static bool take_sequenced(struct rw_glimpse *glimpse, const struct rw_soup_packet *packet,
                           struct rw_block *message) {
    if (packet->payload_bytes == 0 || packet->payload_bytes > RW_GLIMPSE_MESSAGE_MAX) {
        fail(glimpse, RW_GLIMPSE_GARBAGE);
        return false;
    }
    if (packet->payload[0] == END_TYPE) {
        if (!take_end(glimpse, packet)) {
            fail(glimpse, RW_GLIMPSE_BAD_END);
            return false;
        }
        glimpse->state = RW_GLIMPSE_DONE;
        say(glimpse, RW_SOUP_LOGOUT);
        return false;
    }
    if (glimpse->messages == glimpse->cfg.messages_max) {
        fail(glimpse, RW_GLIMPSE_TOO_MANY);
        return false;
    }
    *message = (struct rw_block){
        .bytes = packet->payload, .sequence = ++glimpse->messages, .count = packet->payload_bytes};
    return true;
}

static void take_accept(struct rw_glimpse *glimpse, const struct rw_soup_packet *packet) {
    char session[RW_SOUP_SESSION_BYTES + 1];
    uint64_t sequence;
    if (rw_soup_read_accept(packet, session, &sequence) || sequence > 1)
        fail(glimpse, RW_GLIMPSE_GARBAGE); /* a snapshot without its beginning */
    else
        glimpse->state = RW_GLIMPSE_LOADING;
}

/* take decides about one packet; true when it is a message. */
static bool take(struct rw_glimpse *glimpse, const struct rw_soup_packet *packet,
                 struct rw_block *message) {
    bool loading = glimpse->state == RW_GLIMPSE_LOADING;
    switch (packet->type) {
    case RW_SOUP_SEQUENCED:
        if (loading) return take_sequenced(glimpse, packet, message);
        break;
    case RW_SOUP_ACCEPT:
        if (loading) break;
        take_accept(glimpse, packet);
        return false;
    case RW_SOUP_REJECT:
        fail(glimpse, RW_GLIMPSE_REJECTED);
        return false;
    case RW_SOUP_END:
        fail(glimpse, RW_GLIMPSE_EARLY_END);
        return false;
    case RW_SOUP_DEBUG:
    case RW_SOUP_UNSEQUENCED:
    case RW_SOUP_SERVER_HEARTBEAT:
        return false;
    default:
        break;
    }
    fail(glimpse, RW_GLIMPSE_GARBAGE);
    return false;
}

bool rw_glimpse_next(struct rw_glimpse *glimpse, struct rw_block *message) {
    while (is_open(glimpse)) { /* each turn uses up a packet */
        struct rw_soup_packet packet;
        uint32_t left = glimpse->used - glimpse->at;
        int length = rw_soup_parse(glimpse->in + glimpse->at, left, &packet);
        bool hopeless = left >= 2 && rw_load_be16(glimpse->in + glimpse->at) > PACKET_BYTES_MAX;
        if (length < 0 || hopeless) fail(glimpse, RW_GLIMPSE_GARBAGE);
        if (length <= 0 || hopeless) return false;
        glimpse->at += (uint32_t)length;
        if (take(glimpse, &packet, message)) return true;
    }
    return false;
}

enum rw_glimpse_state rw_glimpse_state(const struct rw_glimpse *glimpse) { return glimpse->state; }

enum rw_glimpse_failure rw_glimpse_failure(const struct rw_glimpse *glimpse) {
    return glimpse->failure;
}

uint64_t rw_glimpse_sequence(const struct rw_glimpse *glimpse) {
    RW_ASSERT(glimpse->state == RW_GLIMPSE_DONE);
    return glimpse->sequence;
}
