/* Clients in a table, in the order of their places; three round-robin cursors (fill and send,
 * wants, none favoured). A client's bytes wait in a flat buffer: [0, sent) taken, [sent, used)
 * waiting. */
#include "dataplane/delivery/soup_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/err.h"
#include "dataplane/record/soupbintcp.h"

#define NS_PER_S         1000000000ull
#define ACCEPTS_PER_LOOK 4u
#define ACCEPT_REST_NS   NS_PER_S /* after a failed accept */
#define SEQUENCED_BYTES  (RW_SOUP_HEAD_BYTES + RW_RESULT_BYTES)
/* Kept free for control packets, so that a status or 'Z' always fits behind records. */
#define CONTROL_BYTES 512u

enum client_state { CLIENT_FREE = 0, CLIENT_LOGIN, CLIENT_LIVE, CLIENT_ENDING };

struct client {
    enum client_state state;
    int fd;
    uint32_t login; /* counts the users of this place, so that a late supply is recognised */
    bool blocked;   /* the kernel took less than was offered; wait for POLLOUT */
    bool behind;    /* the broadcast ring no longer holds `next` */
    bool reading;   /* a want is out */
    uint64_t next;  /* sequence to queue next */
    uint64_t accepted_ns, received_ns, sent_ns, status_ns;
    /* slow consumer: what was queued at mark_ns must be taken by mark_ns + slow_timeout */
    uint64_t queued_total, sent_total, mark_total, mark_ns;
    uint32_t in_used, out_sent, out_used;
    uint8_t in[RW_SOUP_IN_BYTES];
    uint8_t out[RW_SOUP_OUT_BYTES];
};

struct rw_soup_server {
    struct rw_soup_server_cfg cfg;
    struct rw_soup_counters *counters;
    struct rw_result_status status;
    int listener;
    uint16_t port;
    uint32_t connected, send_cursor, want_cursor;
    uint64_t look_ns, accept_ns;
    _Alignas(64) struct client client[];
};

static void set_default(uint64_t *value, uint64_t otherwise) {
    if (!*value) *value = otherwise;
}
static uint32_t look(struct rw_soup_server *server, uint64_t now_ns);
static uint32_t accept_clients(struct rw_soup_server *server, uint64_t now_ns);
static void receive(struct rw_soup_server *server, struct client *client, uint64_t now_ns);
static void parse(struct rw_soup_server *server, struct client *client, uint64_t now_ns);
static void log_in(struct rw_soup_server *server, struct client *client,
                   const struct rw_soup_packet *packet, uint64_t now_ns);
static bool watch_time(struct rw_soup_server *server, struct client *client, uint64_t now_ns);
static uint32_t fill(struct rw_soup_server *server, struct client *client,
                     const struct rw_broadcast *broadcast);
static void send_out(struct rw_soup_server *server, struct client *client, uint64_t now_ns);
static void queue_control(struct client *client, enum rw_soup_type type, const void *payload,
                          size_t bytes);
static void end_client(struct client *client, rw_stat *counter);
static void close_client(struct rw_soup_server *server, struct client *client, rw_stat *counter);

size_t rw_soup_server_footprint(const struct rw_soup_server_cfg *cfg) {
    return sizeof(struct rw_soup_server) + cfg->clients_max * sizeof(struct client);
}

struct rw_soup_server *rw_soup_server_new(void *memory, const struct rw_soup_server_cfg *cfg,
                                          struct rw_soup_counters *counters) {
    RW_ASSERT(cfg->clients_max >= 1 && cfg->clients_max <= RW_SOUP_CLIENTS_MAX);
    struct rw_soup_server *server = memory;
    server->cfg = *cfg;
    set_default(&server->cfg.heartbeat_ns, NS_PER_S);
    set_default(&server->cfg.status_ns, NS_PER_S);
    set_default(&server->cfg.login_timeout_ns, 5 * NS_PER_S);
    set_default(&server->cfg.silence_timeout_ns, 15 * NS_PER_S);
    set_default(&server->cfg.slow_timeout_ns, 5 * NS_PER_S);
    server->counters = counters;
    server->listener = -1;
    return server;
}

int rw_soup_server_listen(struct rw_soup_server *server, const char *address, uint16_t port) {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } name = {0};
    socklen_t bytes = sizeof name.v4;
    if (inet_pton(AF_INET, address, &name.v4.sin_addr) == 1) {
        name.v4.sin_family = AF_INET;
        name.v4.sin_port = htons(port);
    } else if (inet_pton(AF_INET6, address, &name.v6.sin6_addr) == 1) {
        name.v6.sin6_family = AF_INET6;
        name.v6.sin6_port = htons(port);
        bytes = sizeof name.v6;
    } else {
        int rc = rw_err_set(EINVAL, "SoupBinTCP address '%s' is not an IP address", address);
        rw_err_fix("write a literal IPv4 or IPv6 address, for example 127.0.0.1");
        return rc;
    }
    int fd = socket(name.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int one = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) ||
        bind(fd, &name.any, bytes) || listen(fd, 64) || getsockname(fd, &name.any, &bytes)) {
        int error = errno;
        if (fd >= 0) close(fd);
        int rc = rw_err_set(error, "cannot listen for SoupBinTCP on %s port %u: %s", address, port,
                            strerror(error));
        if (error == EADDRINUSE)
            rw_err_fix("choose another port, or stop the program that holds it (ss -ltnp)");
        return rc;
    }
    server->listener = fd;
    server->port = ntohs(name.any.sa_family == AF_INET ? name.v4.sin_port : name.v6.sin6_port);
    return 0;
}

uint16_t rw_soup_server_port(const struct rw_soup_server *server) { return server->port; }

uint32_t rw_soup_server_clients(const struct rw_soup_server *server) { return server->connected; }

void rw_soup_server_release(struct rw_soup_server *server, const struct rw_result_status *status) {
    RW_ASSERT(status->released >= server->status.released);
    server->status = *status;
}

uint32_t rw_soup_server_poll(struct rw_soup_server *server, const struct rw_broadcast *broadcast,
                             uint64_t now_ns) {
    uint32_t work = 0, sends = 0;
    if (now_ns >= server->look_ns) {
        work += look(server, now_ns);
        server->look_ns = now_ns + RW_SOUP_LOOK_NS;
    }
    if (!server->connected) return work;
    for (uint32_t i = 0; i < server->cfg.clients_max && sends < RW_SOUP_SENDS_PER_VISIT; i++) {
        struct client *client = &server->client[server->send_cursor];
        server->send_cursor = (server->send_cursor + 1) % server->cfg.clients_max;
        if (client->state == CLIENT_FREE) continue;
        if (client->state == CLIENT_LIVE) work += fill(server, client, broadcast);
        if (client->blocked || client->out_sent == client->out_used) continue;
        send_out(server, client, now_ns);
        sends++;
    }
    return work;
}

bool rw_soup_server_wants(struct rw_soup_server *server, struct rw_soup_want *want) {
    if (!server->connected) return false;
    for (uint32_t i = 0; i < server->cfg.clients_max; i++) {
        uint32_t place = server->want_cursor;
        struct client *client = &server->client[place];
        server->want_cursor = (place + 1) % server->cfg.clients_max;
        if (client->state != CLIENT_LIVE || client->reading || !client->behind) continue;
        /* with less room than half a buffer the read would be too small to be worth it */
        uint32_t room = RW_SOUP_OUT_BYTES - CONTROL_BYTES - client->out_used;
        if (room < RW_SOUP_OUT_BYTES / 2) continue;
        uint64_t count = server->status.released - client->next + 1;
        if (count > room / SEQUENCED_BYTES) count = room / SEQUENCED_BYTES;
        client->reading = true;
        *want = (struct rw_soup_want){place, client->login, client->next, (uint32_t)count};
        return true;
    }
    return false;
}

void rw_soup_server_supply(struct rw_soup_server *server, const struct rw_soup_want *want,
                           const struct rw_result *records, uint32_t count) {
    RW_ASSERT(want->client < server->cfg.clients_max && count <= want->count);
    struct client *client = &server->client[want->client];
    if (client->login != want->login || client->state == CLIENT_FREE) return;
    client->reading = client->behind = false;
    if (client->state != CLIENT_LIVE) return;
    RW_ASSERT(client->next == want->first);
    for (uint32_t i = 0; i < count; i++) {
        RW_ASSERT(records[i].result_sequence == client->next);
        RW_ASSERT(client->next <= server->status.released);
        client->out_used += (uint32_t)rw_soup_write(
            client->out + client->out_used, RW_SOUP_SEQUENCED, &records[i], sizeof *records);
        client->queued_total += SEQUENCED_BYTES;
        client->next++;
    }
    rw_stat_add(&server->counters->records_sent, count);
    rw_stat_add(&server->counters->records_from_journal, count);
}

void rw_soup_server_close(struct rw_soup_server *server) {
    for (uint32_t i = 0; i < server->cfg.clients_max; i++)
        if (server->client[i].state != CLIENT_FREE) close_client(server, &server->client[i], NULL);
    if (server->listener >= 0) close(server->listener);
    server->listener = -1;
    server->port = 0;
}

/* One poll(2) over everything; then what is readable is read, and every client's clocks are
 * watched. */
static uint32_t look(struct rw_soup_server *server, uint64_t now_ns) {
    struct pollfd fd[RW_SOUP_CLIENTS_MAX + 1];
    uint32_t place[RW_SOUP_CLIENTS_MAX + 1], count = 0, changed = 0;
    for (uint32_t i = 0; i < server->cfg.clients_max; i++) {
        struct client *client = &server->client[i];
        if (client->state == CLIENT_FREE || watch_time(server, client, now_ns)) continue;
        place[count] = i;
        fd[count++] = (struct pollfd){.fd = client->fd,
                                      .events = (short)(POLLIN | (client->blocked ? POLLOUT : 0))};
    }
    bool listening = server->listener >= 0 && now_ns >= server->accept_ns;
    fd[count] = (struct pollfd){.fd = listening ? server->listener : -1, .events = POLLIN};
    if (poll(fd, count + 1, 0) <= 0) return 0;
    for (uint32_t i = 0; i < count; i++) {
        struct client *client = &server->client[place[i]];
        if (fd[i].revents & POLLOUT) client->blocked = false;
        if (fd[i].revents & (POLLIN | POLLHUP | POLLERR)) receive(server, client, now_ns);
        changed += client->state == CLIENT_FREE;
    }
    if (fd[count].revents) changed += accept_clients(server, now_ns);
    return changed;
}

static uint32_t accept_clients(struct rw_soup_server *server, uint64_t now_ns) {
    uint32_t taken = 0;
    while (taken < ACCEPTS_PER_LOOK) {
        int fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR) break;
            rw_stat_add(&server->counters->accept_failed, 1);
            server->accept_ns = now_ns + ACCEPT_REST_NS;
            break;
        }
        taken++;
        uint32_t i = 0;
        while (i < server->cfg.clients_max && server->client[i].state != CLIENT_FREE) i++;
        if (i == server->cfg.clients_max) {
            rw_stat_add(&server->counters->refused_full, 1);
            close(fd);
            continue;
        }
        int one = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct client *client = &server->client[i];
        uint32_t login = client->login + 1;
        memset(client, 0, offsetof(struct client, in));
        client->login = login;
        client->state = CLIENT_LOGIN;
        client->fd = fd;
        client->accepted_ns = client->received_ns = client->sent_ns = now_ns;
        server->connected++;
        rw_stat_add(&server->counters->accepted, 1);
    }
    return taken;
}

static void receive(struct rw_soup_server *server, struct client *client, uint64_t now_ns) {
    ssize_t got = recv(client->fd, client->in + client->in_used,
                       sizeof client->in - client->in_used, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
        close_client(server, client,
                     client->state == CLIENT_ENDING ? NULL : &server->counters->lost);
        return;
    }
    client->received_ns = now_ns;
    client->in_used += (uint32_t)got;
    /* What an ending client still says is read, so that its kernel does not reset what it has
     * yet to read from us, and thrown away. */
    if (client->state == CLIENT_ENDING)
        client->in_used = 0;
    else
        parse(server, client, now_ns);
}

static void parse(struct rw_soup_server *server, struct client *client, uint64_t now_ns) {
    uint32_t at = 0;
    while (client->state == CLIENT_LOGIN || client->state == CLIENT_LIVE) {
        struct rw_soup_packet packet;
        int length = rw_soup_parse(client->in + at, client->in_used - at, &packet);
        bool hopeless =
            length < 0 || (length == 0 && at == 0 && client->in_used == sizeof client->in);
        if (length == 0 && !hopeless) break;
        if (hopeless) {
            close_client(server, client, &server->counters->garbage);
            return;
        }
        at += (uint32_t)length;
        if (packet.type == RW_SOUP_LOGOUT) {
            close_client(server, client, &server->counters->logouts);
            return;
        }
        if (packet.type == RW_SOUP_LOGIN && client->state == CLIENT_LOGIN)
            log_in(server, client, &packet, now_ns);
        else if (packet.type != RW_SOUP_CLIENT_HEARTBEAT && packet.type != RW_SOUP_DEBUG &&
                 (packet.type != RW_SOUP_UNSEQUENCED || client->state == CLIENT_LOGIN)) {
            close_client(server, client, &server->counters->garbage);
            return;
        }
    }
    memmove(client->in, client->in + at, client->in_used - at);
    client->in_used -= at;
}

static void log_in(struct rw_soup_server *server, struct client *client,
                   const struct rw_soup_packet *packet, uint64_t now_ns) {
    const struct rw_soup_server_cfg *cfg = &server->cfg;
    struct rw_soup_login login;
    uint8_t reason = 0;
    rw_stat *counter = NULL;
    if (rw_soup_read_login(packet, &login)) {
        counter = &server->counters->garbage;
        reason = RW_SOUP_NOT_AUTHORISED;
    } else if ((cfg->username[0] && strcmp(cfg->username, login.username)) ||
               (cfg->password[0] && strcmp(cfg->password, login.password))) {
        counter = &server->counters->rejected_user;
        reason = RW_SOUP_NOT_AUTHORISED;
    } else if (login.session[0] && strcmp(cfg->session, login.session)) {
        counter = &server->counters->rejected_session;
        reason = RW_SOUP_NO_SESSION;
    }
    if (reason) {
        queue_control(client, RW_SOUP_REJECT, &reason, 1);
        end_client(client, counter);
        return;
    }
    client->next = login.sequence ? login.sequence : server->status.released + 1;
    uint8_t accept[RW_SOUP_ACCEPT_BYTES];
    rw_soup_write_accept(accept, cfg->session, client->next);
    queue_control(client, RW_SOUP_ACCEPT, accept + RW_SOUP_HEAD_BYTES,
                  RW_SOUP_ACCEPT_BYTES - RW_SOUP_HEAD_BYTES);
    queue_control(client, RW_SOUP_UNSEQUENCED, &server->status, sizeof server->status);
    client->status_ns = now_ns;
    client->state = CLIENT_LIVE;
    rw_stat_add(&server->counters->logins, 1);
}

/* Watches a client's clocks. Returns true when it was closed. */
static bool watch_time(struct rw_soup_server *server, struct client *client, uint64_t now_ns) {
    const struct rw_soup_server_cfg *cfg = &server->cfg;
    bool empty = client->out_sent == client->out_used;
    if (client->state == CLIENT_LOGIN && now_ns - client->accepted_ns >= cfg->login_timeout_ns) {
        close_client(server, client, &server->counters->login_timeouts);
        return true;
    }
    if (now_ns - client->received_ns >= cfg->silence_timeout_ns) {
        close_client(server, client,
                     client->state == CLIENT_ENDING ? NULL : &server->counters->silence_timeouts);
        return true;
    }
    if (empty || client->sent_total >= client->mark_total) {
        client->mark_total = client->queued_total;
        client->mark_ns = now_ns;
    } else if (now_ns - client->mark_ns >= cfg->slow_timeout_ns) {
        close_client(server, client, &server->counters->slow_consumers);
        return true;
    }
    if (client->state != CLIENT_LIVE || !empty) return false;
    if (now_ns - client->status_ns >= cfg->status_ns) {
        queue_control(client, RW_SOUP_UNSEQUENCED, &server->status, sizeof server->status);
        client->status_ns = now_ns;
    } else if (now_ns - client->sent_ns >= cfg->heartbeat_ns) {
        queue_control(client, RW_SOUP_SERVER_HEARTBEAT, NULL, 0);
    }
    return false;
}

/* Queues what memory holds and the buffer takes; at the end of the session 'Z'. */
static uint32_t fill(struct rw_soup_server *server, struct client *client,
                     const struct rw_broadcast *broadcast) {
    if (client->reading) return 0;
    if (client->out_sent > RW_SOUP_OUT_BYTES / 2) {
        memmove(client->out, client->out + client->out_sent, client->out_used - client->out_sent);
        client->out_used -= client->out_sent;
        client->out_sent = 0;
    }
    uint32_t records = 0;
    uint64_t released = server->status.released;
    while (client->next <= released &&
           client->out_used + SEQUENCED_BYTES <= RW_SOUP_OUT_BYTES - CONTROL_BYTES) {
        uint8_t record[RW_RESULT_BYTES];
        if (!rw_broadcast_at(broadcast, client->next, record)) {
            client->behind = true;
            break;
        }
        client->out_used += (uint32_t)rw_soup_write(client->out + client->out_used,
                                                    RW_SOUP_SEQUENCED, record, sizeof record);
        client->next++;
        records++;
    }
    client->queued_total += (uint64_t)records * SEQUENCED_BYTES;
    if (records) rw_stat_add(&server->counters->records_sent, records);
    if (server->status.closed && client->next > released) {
        queue_control(client, RW_SOUP_END, NULL, 0);
        end_client(client, &server->counters->ended);
        return records + 1;
    }
    return records;
}

static void send_out(struct rw_soup_server *server, struct client *client, uint64_t now_ns) {
    uint32_t waiting = client->out_used - client->out_sent;
    ssize_t sent =
        send(client->fd, client->out + client->out_sent, waiting, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
        client->blocked = true;
        return;
    }
    if (sent < 0) {
        close_client(server, client,
                     client->state == CLIENT_ENDING ? NULL : &server->counters->lost);
        return;
    }
    client->out_sent += (uint32_t)sent;
    client->sent_total += (uint64_t)sent;
    client->sent_ns = now_ns;
    client->blocked = (uint32_t)sent < waiting;
    rw_stat_add(&server->counters->bytes_sent, (uint64_t)sent);
    if (client->out_sent < client->out_used) return;
    client->out_sent = client->out_used = 0;
    /* Our half is closed; the client closes the other when it has read all. The silence time-out
     * is the limit on its patience. */
    if (client->state == CLIENT_ENDING) shutdown(client->fd, SHUT_WR);
}

static void queue_control(struct client *client, enum rw_soup_type type, const void *payload,
                          size_t bytes) {
    RW_ASSERT(client->out_used + RW_SOUP_HEAD_BYTES + bytes <= RW_SOUP_OUT_BYTES);
    size_t added = rw_soup_write(client->out + client->out_used, type, payload, bytes);
    client->out_used += (uint32_t)added;
    client->queued_total += added;
}

/* end_client lets what is queued go out, then closes; the reason is counted now. */
static void end_client(struct client *client, rw_stat *counter) {
    rw_stat_add(counter, 1);
    client->state = CLIENT_ENDING;
}

static void close_client(struct rw_soup_server *server, struct client *client, rw_stat *counter) {
    if (counter) rw_stat_add(counter, 1);
    close(client->fd);
    client->state = CLIENT_FREE;
    client->fd = -1;
    server->connected--;
}
