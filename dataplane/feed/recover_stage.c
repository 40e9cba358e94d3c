/* A visit: orders of every channel, then, when it is time, one poll(2) over all sockets, and what
 * is readable is read as far as there is room for it. */
#include "dataplane/feed/recover_stage.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/base/bytes.h"
#include "dataplane/base/err.h"
#include "dataplane/io/datagram.h"
#include "dataplane/io/stream.h"

#define LOOK_NS           UINT64_C(100000)
#define EXPECT_NS         UINT64_C(2000000000) /* an answer may come so long after its request */
#define DATAGRAMS_A_VISIT 64u                  /* of one socket */
#define READS_A_VISIT     4u                   /* of the snapshot connection */
#define ORDERS_A_VISIT    64u                  /* of one channel */
#define PEERS_KEPT        64u                  /* a reply may come so many requests later */
#define SOCKETS_MAX       (RW_RECOVER_CHANNELS_MAX * (RW_LINE_SERVERS_MAX + 2))

#define RECOVER_COUNTERS(X)                                                                   \
    X(requests, "datagrams", "requests sent to servers")                                      \
    X(send_failed, "datagrams", "dropped: the network took no request or reply")              \
    X(answers, "datagrams", "answers handed to the feed")                                     \
    X(wrong_address, "datagrams", "dropped: not from the server that this socket asks")       \
    X(too_long, "datagrams", "dropped: longer than any that can be used")                     \
    X(peer_requests, "datagrams", "requests of the peer handed to the feed")                  \
    X(wrong_peer, "datagrams", "rejected: a request from a host that is none of the servers") \
    X(replies, "datagrams", "replies sent to the peer")                                       \
    X(replies_too_late, "datagrams", "dropped: many requests came before the reply")          \
    X(dials, "connections", "connections to the snapshot server begun")                       \
    X(dial_failed, "connections", "refused or unreachable")                                   \
    X(snapshot_messages, "messages", "messages of snapshots handed to the feed")              \
    X(snapshots_whole, "snapshots", "snapshots received to their end")                        \
    X(snapshots_abandoned, "snapshots", "ended at the wish of the feed")                      \
    X(snapshot_rejected, "snapshots", "log-in refused: user name, password or session")       \
    X(snapshot_garbage, "snapshots", "broken off: not SoupBinTCP, or not a snapshot")         \
    X(snapshot_early_end, "snapshots", "the connection ended before the snapshot did")        \
    X(snapshot_bad_end, "snapshots", "broken off: its end names no sequence")                 \
    X(snapshot_too_many, "snapshots", "broken off: more messages than can be a snapshot")     \
    X(snapshot_silent, "snapshots", "broken off: the server said nothing for too long")
RW_STATS_STRUCT(recover_counters, RECOVER_COUNTERS);

struct server {
    struct rw_address address;
    int fd;
};

enum snapshot_state { NONE, DIALLING, OPEN };

struct channel {
    struct recover_counters *counters;
    struct rw_ring *in, *out;
    uint32_t servers;
    struct server server[RW_LINE_SERVERS_MAX];
    uint64_t expect_ns; /* answers may come until then */
    int serve_fd;       /* -1: none */
    uint64_t requests;  /* of peers, so far */
    struct rw_address peer[PEERS_KEPT];
    /* the snapshot under way */
    enum snapshot_state state;
    bool has_snapshot, failed; /* failed: the feed is still to be told */
    uint64_t number;
    struct rw_address snapshot;
    struct rw_stream stream;
    struct rw_glimpse *glimpse;
};

struct recover {
    uint32_t channels;
    uint64_t look_ns;
    struct channel channel[RW_RECOVER_CHANNELS_MAX];
};

static int recover_plan(const void *cfg, const char *name, uint32_t instances,
                        struct rw_plan *plan) {
    const struct rw_recover_cfg *recover_cfg = cfg;
    rw_plan_add(plan, name, "stage", sizeof(struct recover));
    rw_plan_add(plan, name, "snapshots", recover_cfg->channels * rw_glimpse_footprint());
    return 0;
}

/* ---- Set-up ---------------------------------------------------------------------------------- */

static int open_servers(struct channel *channel, const struct rw_recover_channel *cfg) {
    for (uint32_t i = 0; i < cfg->servers; i++) {
        struct server *server = &channel->server[i];
        struct rw_address any;
        int rc = rw_address_parse(&server->address, cfg->server[i]);
        if (rc) return rw_err_add(rc, "%s.request_servers", cfg->name);
        rw_datagram_any(&server->address, &any);
        rc = rw_datagram_open(&any, &server->fd, NULL);
        if (rc) return rc;
        channel->servers++;
    }
    return 0;
}

static int open_channel(struct channel *channel, const struct rw_recover_channel *cfg,
                        const struct rw_stage_env *env) {
    static const struct rw_stat_row rows[] = RW_STATS_ROWS(RECOVER_COUNTERS);
    struct rw_address address;
    char block[64];
    snprintf(block, sizeof block, "%.20s sockets", cfg->name);
    channel->counters =
        rw_stats_block(env->stats, block, RW_STAT_COUNTER, rows, sizeof rows / sizeof *rows);
    int rc = open_servers(channel, cfg);
    if (!rc && *cfg->serve) {
        rc = rw_address_parse(&address, cfg->serve);
        if (!rc) rc = rw_datagram_open(&address, &channel->serve_fd, NULL);
        if (rc) return rw_err_add(rc, "%s.serve", cfg->name);
    }
    if (!rc && *cfg->snapshot) {
        rc = rw_address_parse(&channel->snapshot, cfg->snapshot);
        if (rc) return rw_err_add(rc, "%s.snapshot_server", cfg->name);
        channel->has_snapshot = true;
    }
    return rc;
}

static int recover_init(void **stage, const void *cfg, const struct rw_stage_env *env) {
    const struct rw_recover_cfg *recover_cfg = cfg;
    RW_ASSERT(env->in_count == recover_cfg->channels && env->out_count == recover_cfg->channels);
    struct recover *recover = rw_arena_take(env->arena, env->name, "stage");
    uint8_t *glimpses = rw_arena_take(env->arena, env->name, "snapshots");
    recover->channels = recover_cfg->channels;
    *stage = recover;
    for (uint32_t k = 0; k < recover->channels; k++) {
        struct channel *channel = &recover->channel[k];
        RW_ASSERT(env->in[k]->slot_bytes == RW_RECOVER_SLOT_BYTES);
        RW_ASSERT(env->out[k]->slot_bytes == RW_RECOVER_SLOT_BYTES);
        channel->in = env->in[k];
        channel->out = env->out[k];
        channel->serve_fd = -1;
        channel->glimpse =
            rw_glimpse_new(glimpses + k * rw_glimpse_footprint(), &recover_cfg->channel[k].glimpse);
        int rc = open_channel(channel, &recover_cfg->channel[k], env);
        if (rc) return rc;
    }
    return 0;
}

static void recover_fini(void *stage) {
    struct recover *recover = stage;
    for (uint32_t k = 0; k < recover->channels; k++) {
        struct channel *channel = &recover->channel[k];
        for (uint32_t i = 0; i < channel->servers; i++) rw_datagram_close(channel->server[i].fd);
        if (channel->serve_fd >= 0) rw_datagram_close(channel->serve_fd);
        if (channel->state != NONE) rw_stream_close(&channel->stream);
    }
}

/* ---- Frames to the feed ---------------------------------------------------------------------- */

/* next_frame returns a free slot of the link to the feed, NULL when there is none. */
static struct rw_recover_frame *next_frame(struct channel *channel) {
    return rw_ring_room(channel->out, 1) > 0 ? rw_ring_slot(channel->out, 0) : NULL;
}

static void push_frame(struct channel *channel, struct rw_recover_frame *frame,
                       enum rw_recover_frame_kind kind, uint64_t number, uint64_t now_ns) {
    frame->kind = (uint16_t)kind;
    frame->number = number;
    frame->arrival_ns = now_ns;
    rw_ring_push(channel->out, 1);
}

/* take_datagrams reads a socket while there is room: one of a server's answers, or, where server
 * is -1, of the peers' requests. */
static uint32_t take_datagrams(struct channel *channel, int fd, int server, uint64_t now_ns) {
    struct recover_counters *counters = channel->counters;
    uint32_t taken = 0;
    for (; taken < DATAGRAMS_A_VISIT; taken++) {
        struct rw_recover_frame *frame = next_frame(channel);
        struct rw_address from;
        uint32_t bytes;
        if (!frame) break;
        *frame = (struct rw_recover_frame){.server = (uint16_t)(server < 0 ? 0 : server)};
        int rc = rw_datagram_recv(fd, frame->payload, RW_RECOVER_PAYLOAD_BYTES, &from, &bytes);
        if (rc == 0) break;
        if (rc == -EMSGSIZE) rw_stat_add(&counters->too_long, 1);
        if (rc < 0) continue; /* an earlier send was refused: the next call tells what came */
        frame->bytes = (uint16_t)bytes;
        if (server >= 0) {
            bool right = rw_address_equal(&from, &channel->server[server].address);
            rw_stat_add(right ? &counters->answers : &counters->wrong_address, 1);
            if (right) push_frame(channel, frame, RW_RECOVER_ANSWER, 0, now_ns);
            continue;
        }
        bool known = false;
        for (uint32_t i = 0; i < channel->servers; i++)
            known |= rw_address_same_host(&from, &channel->server[i].address);
        rw_stat_add(known ? &counters->peer_requests : &counters->wrong_peer, 1);
        if (!known) continue;
        channel->peer[channel->requests % PEERS_KEPT] = from;
        push_frame(channel, frame, RW_RECOVER_REQUEST, channel->requests++, now_ns);
    }
    return taken;
}

/* ---- The snapshot ---------------------------------------------------------------------------- */

static void end_snapshot(struct channel *channel) {
    if (channel->state != NONE) rw_stream_close(&channel->stream);
    channel->state = NONE;
}

static void fail_snapshot(struct channel *channel, rw_stat *reason) {
    rw_stat_add(reason, 1);
    end_snapshot(channel);
    channel->failed = true;
}

static void begin_snapshot(struct channel *channel, uint64_t number, uint64_t now_ns) {
    end_snapshot(channel);
    channel->number = number;
    channel->failed = false;
    rw_stat_add(&channel->counters->dials, 1);
    if (!channel->has_snapshot || rw_tcp_dial(&channel->stream, &channel->snapshot)) {
        fail_snapshot(channel, &channel->counters->dial_failed);
        return;
    }
    channel->state = DIALLING;
    rw_glimpse_start(channel->glimpse, now_ns);
}

static void abandon_snapshot(struct channel *channel, uint64_t number) {
    if (number != channel->number) return;
    channel->failed = false;
    if (channel->state != NONE) rw_stat_add(&channel->counters->snapshots_abandoned, 1);
    end_snapshot(channel);
}

/* fill_part moves messages into a frame; how many. There is always room for one more. */
static uint16_t fill_part(struct channel *channel, struct rw_recover_frame *frame) {
    struct rw_block message;
    uint32_t used = 0;
    uint16_t count = 0;
    static_assert(RW_RECOVER_PAYLOAD_BYTES >= 2 + RW_GLIMPSE_MESSAGE_MAX, "");
    while (used + 2 + RW_GLIMPSE_MESSAGE_MAX <= RW_RECOVER_PAYLOAD_BYTES &&
           rw_glimpse_next(channel->glimpse, &message)) {
        rw_store_be16(frame->payload + used, (uint16_t)message.count);
        memcpy(frame->payload + used + 2, message.bytes, message.count);
        used += 2 + message.count;
        count++;
    }
    *frame = (struct rw_recover_frame){.bytes = (uint16_t)used, .count = count};
    return count;
}

static rw_stat *reason_of(const struct channel *channel) {
    struct recover_counters *counters = channel->counters;
    rw_stat *const reasons[RW_GLIMPSE_FAILURE_COUNT] = {
        [RW_GLIMPSE_NO_FAILURE] = &counters->snapshot_garbage,
        [RW_GLIMPSE_REJECTED] = &counters->snapshot_rejected,
        [RW_GLIMPSE_GARBAGE] = &counters->snapshot_garbage,
        [RW_GLIMPSE_EARLY_END] = &counters->snapshot_early_end,
        [RW_GLIMPSE_BAD_END] = &counters->snapshot_bad_end,
        [RW_GLIMPSE_TOO_MANY] = &counters->snapshot_too_many,
        [RW_GLIMPSE_SILENT] = &counters->snapshot_silent,
    };
    return reasons[rw_glimpse_failure(channel->glimpse)];
}

/* say sends what is to be sent. */
static void say(struct channel *channel) {
    uint32_t count;
    const uint8_t *bytes = rw_glimpse_out(channel->glimpse, &count);
    if (count == 0) return;
    int32_t sent = rw_stream_send(&channel->stream, bytes, count);
    if (sent > 0) rw_glimpse_sent(channel->glimpse, (uint32_t)sent);
    if (sent < 0) rw_glimpse_closed(channel->glimpse);
}

/* hand_on passes on what was received; false when the link is full or the snapshot is whole. */
static bool hand_on(struct channel *channel, uint64_t now_ns) {
    for (;;) { /* each turn fills a slot */
        struct rw_recover_frame *frame = next_frame(channel);
        if (!frame) return false;
        uint16_t count = fill_part(channel, frame);
        if (count > 0) {
            rw_stat_add(&channel->counters->snapshot_messages, count);
            push_frame(channel, frame, RW_RECOVER_PART, channel->number, now_ns);
            continue;
        }
        if (rw_glimpse_state(channel->glimpse) != RW_GLIMPSE_DONE) return true;
        frame->sequence = rw_glimpse_sequence(channel->glimpse);
        push_frame(channel, frame, RW_RECOVER_WHOLE, channel->number, now_ns);
        rw_stat_add(&channel->counters->snapshots_whole, 1);
        say(channel); /* good-bye, as a courtesy: closing says the same */
        end_snapshot(channel);
        return false;
    }
}

/* listen receives and hands on, a few times over. */
static uint32_t listen(struct channel *channel, uint64_t now_ns) {
    uint32_t work = 0;
    for (uint32_t i = 0; i < READS_A_VISIT && hand_on(channel, now_ns); i++) {
        uint32_t room;
        if (rw_glimpse_state(channel->glimpse) == RW_GLIMPSE_FAILED) break;
        uint8_t *to = rw_glimpse_in(channel->glimpse, &room);
        int32_t got = room ? rw_stream_recv(&channel->stream, to, room) : 0;
        if (got < 0) rw_glimpse_closed(channel->glimpse);
        if (got <= 0) break;
        rw_glimpse_received(channel->glimpse, (uint32_t)got, now_ns);
        work++;
    }
    return work;
}

static uint32_t step_snapshot(struct channel *channel, uint64_t now_ns) {
    if (channel->state == DIALLING) {
        int rc = rw_tcp_dial_step(&channel->stream);
        if (rc < 0) fail_snapshot(channel, &channel->counters->dial_failed);
        if (rc > 0) channel->state = OPEN;
    }
    if (channel->state != OPEN) return 0;
    rw_glimpse_now(channel->glimpse, now_ns);
    say(channel);
    uint32_t work = listen(channel, now_ns);
    if (channel->state == OPEN && rw_glimpse_state(channel->glimpse) == RW_GLIMPSE_FAILED)
        fail_snapshot(channel, reason_of(channel));
    return work;
}

/* tell_failure tells the feed as soon as there is room. */
static uint32_t tell_failure(struct channel *channel, uint64_t now_ns) {
    struct rw_recover_frame *frame = channel->failed ? next_frame(channel) : NULL;
    if (!frame) return 0;
    *frame = (struct rw_recover_frame){0};
    push_frame(channel, frame, RW_RECOVER_FAILED, channel->number, now_ns);
    channel->failed = false;
    return 1;
}

/* ---- A visit --------------------------------------------------------------------------------- */

static void send_datagram(struct channel *channel, int fd, const struct rw_address *to,
                          const struct rw_recover_order *order, rw_stat *counter) {
    bool sent = rw_datagram_send(fd, to, order->payload, order->bytes) == 1;
    rw_stat_add(sent ? counter : &channel->counters->send_failed, 1);
}

static void reply(struct channel *channel, const struct rw_recover_order *order) {
    RW_ASSERT(channel->serve_fd >= 0 && order->peer < channel->requests);
    if (channel->requests - order->peer > PEERS_KEPT)
        rw_stat_add(&channel->counters->replies_too_late, 1);
    else
        send_datagram(channel, channel->serve_fd, &channel->peer[order->peer % PEERS_KEPT], order,
                      &channel->counters->replies);
}

static void take_order(struct channel *channel, const struct rw_recover_order *order,
                       uint64_t now_ns) {
    switch (order->kind) {
    case RW_RECOVER_ASK:
        RW_ASSERT(order->server < channel->servers);
        send_datagram(channel, channel->server[order->server].fd,
                      &channel->server[order->server].address, order, &channel->counters->requests);
        channel->expect_ns = now_ns + EXPECT_NS;
        break;
    case RW_RECOVER_REPLY:
        reply(channel, order);
        break;
    case RW_RECOVER_BEGIN:
        begin_snapshot(channel, order->number, now_ns);
        break;
    default:
        RW_ASSERT(order->kind == RW_RECOVER_ABANDON);
        abandon_snapshot(channel, order->number);
        break;
    }
}

static uint32_t take_orders(struct channel *channel, uint64_t now_ns) {
    uint32_t taken = 0;
    while (taken < ORDERS_A_VISIT && rw_ring_ready(channel->in, 1) > 0) {
        take_order(channel, rw_ring_front(channel->in, 0), now_ns);
        rw_ring_pop(channel->in, 1);
        taken++;
    }
    return taken;
}

/* A socket that is looked at, and whose it is. */
struct seat {
    struct channel *channel;
    int server; /* -1: where peers ask */
};

static uint32_t seats_of(struct recover *recover, struct pollfd *fd, struct seat *seat,
                         uint64_t now_ns) {
    uint32_t count = 0;
    for (uint32_t k = 0; k < recover->channels; k++) {
        struct channel *channel = &recover->channel[k];
        for (uint32_t i = 0; i < channel->servers && now_ns < channel->expect_ns; i++) {
            fd[count] = (struct pollfd){.fd = channel->server[i].fd, .events = POLLIN};
            seat[count++] = (struct seat){channel, (int)i};
        }
        if (channel->serve_fd < 0) continue;
        fd[count] = (struct pollfd){.fd = channel->serve_fd, .events = POLLIN};
        seat[count++] = (struct seat){channel, -1};
    }
    return count;
}

static uint32_t look(struct recover *recover, uint64_t now_ns) {
    struct pollfd fd[SOCKETS_MAX];
    struct seat seat[SOCKETS_MAX];
    uint32_t count = seats_of(recover, fd, seat, now_ns), taken = 0;
    if (count == 0 || poll(fd, count, 0) <= 0) return 0;
    for (uint32_t i = 0; i < count; i++)
        if (fd[i].revents)
            taken += take_datagrams(seat[i].channel, fd[i].fd, seat[i].server, now_ns);
    return taken;
}

static uint32_t recover_poll(void *stage, uint32_t budget, uint64_t now_ns) {
    struct recover *recover = stage;
    uint32_t work = 0;
    for (uint32_t k = 0; k < recover->channels; k++) {
        struct channel *channel = &recover->channel[k];
        work += take_orders(channel, now_ns);
        if (channel->state != NONE) work += step_snapshot(channel, now_ns);
        if (channel->failed) work += tell_failure(channel, now_ns);
    }
    if (now_ns < recover->look_ns) return work;
    recover->look_ns = now_ns + LOOK_NS;
    return work + look(recover, now_ns);
}

const struct rw_stage_type rw_recover_stage_type = {.name = "recover",
                                                    .io = true,
                                                    .plan = recover_plan,
                                                    .init = recover_init,
                                                    .poll = recover_poll,
                                                    .fini = recover_fini};
