/* One socket, one buffer: [at, used) holds what was received and not yet taken. */
#include "dataplane/delivery/soup_client.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/base/err.h"
#include "dataplane/record/soupbintcp.h"

#define NS_PER_MS  1000000ull
#define BEAT_NS    (1000 * NS_PER_MS)
#define SILENCE_NS (15000 * NS_PER_MS)
#define IN_BYTES   (256u << 10)

struct rw_soup_client {
    int fd;
    uint64_t next;
    char session[11];
    bool ended;
    uint64_t sent_ns, received_ns;
    struct rw_result_status status;
    uint32_t at, used;
    uint8_t in[IN_BYTES];
};

static struct { char username[7], password[11]; } credentials;

static uint64_t now_ns(void);
static int connect_any(const char *host, uint16_t port, uint64_t deadline_ns, int *fd);
static int connect_one(const struct addrinfo *address, uint64_t deadline_ns);
static int wait_for(int fd, short events, uint64_t deadline_ns);
static int log_in(struct rw_soup_client *client, const char *session, uint64_t sequence,
                  uint64_t deadline_ns);
static int next_packet(struct rw_soup_client *client, uint64_t deadline_ns,
                       struct rw_soup_packet *packet);
static int fill(struct rw_soup_client *client, uint64_t deadline_ns);
static int take(struct rw_soup_client *client, const struct rw_soup_packet *packet,
                struct rw_result *record);

int rw_soup_client_open(struct rw_soup_client **opened, const char *host, uint16_t port,
                        const char *session, uint64_t sequence, uint32_t timeout_ms) {
    *opened = NULL;
    struct rw_soup_client *client = calloc(1, sizeof *client);
    if (!client) return rw_err_set(ENOMEM, "no memory for a SoupBinTCP client");
    uint64_t deadline_ns = now_ns() + timeout_ms * NS_PER_MS;
    int rc = connect_any(host, port, deadline_ns, &client->fd);
    if (!rc) {
        client->sent_ns = client->received_ns = now_ns();
        rc = log_in(client, session, sequence, deadline_ns);
        if (rc) close(client->fd);
    }
    if (rc) {
        free(client);
        return rw_err_add(rc, "no log-in at %s port %u", host, port);
    }
    *opened = client;
    return 0;
}

void rw_soup_client_credentials(const char *username, const char *password) {
    snprintf(credentials.username, sizeof credentials.username, "%s", username);
    snprintf(credentials.password, sizeof credentials.password, "%s", password);
}

int rw_soup_client_next(struct rw_soup_client *client, struct rw_result *record,
                        uint32_t timeout_ms) {
    if (client->ended) return RW_SOUP_GOT_END;
    uint64_t deadline_ns = timeout_ms ? now_ns() + timeout_ms * NS_PER_MS : 0;
    for (;;) {
        struct rw_soup_packet packet;
        int rc = next_packet(client, deadline_ns, &packet);
        if (rc <= 0) return rc;
        rc = take(client, &packet, record);
        if (rc) return rc;
    }
}

int rw_soup_client_pending(const struct rw_soup_client *client) {
    struct rw_soup_packet packet;
    return rw_soup_parse(client->in + client->at, client->used - client->at, &packet) != 0;
}

uint64_t rw_soup_client_position(const struct rw_soup_client *client) { return client->next; }

const char *rw_soup_client_session(const struct rw_soup_client *client) { return client->session; }

const struct rw_result_status *rw_soup_client_status(const struct rw_soup_client *client) {
    return &client->status;
}

void rw_soup_client_close(struct rw_soup_client *client) {
    if (!client) return;
    uint8_t logout[RW_SOUP_HEAD_BYTES];
    size_t bytes = rw_soup_write(logout, RW_SOUP_LOGOUT, NULL, 0);
    /* A courtesy: when it cannot be sent, closing says the same. */
    if (send(client->fd, logout, bytes, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) errno = 0;
    close(client->fd);
    free(client);
}

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static int connect_any(const char *host, uint16_t port, uint64_t deadline_ns, int *fd) {
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
    int failed = getaddrinfo(host, service, &hints, &list);
    if (failed)
        return rw_err_set(EHOSTUNREACH, "no address for '%s': %s", host, gai_strerror(failed));
    int rc = -EHOSTUNREACH;
    for (const struct addrinfo *address = list; address; address = address->ai_next) {
        rc = connect_one(address, deadline_ns);
        if (rc >= 0) break;
    }
    freeaddrinfo(list);
    if (rc < 0) return rw_err_set(-rc, "%s", strerror(-rc));
    *fd = rc;
    return 0;
}

/* Returns the connected socket or -errno. */
static int connect_one(const struct addrinfo *address, uint64_t deadline_ns) {
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    int rc = connect(fd, address->ai_addr, address->ai_addrlen) ? -errno : 0;
    if (rc == -EINPROGRESS) {
        rc = wait_for(fd, POLLOUT, deadline_ns);
        int error = 0;
        socklen_t bytes = sizeof error;
        if (rc == 0) rc = -ETIMEDOUT;
        if (rc > 0) rc = getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes) ? -errno : -error;
    }
    if (rc < 0) {
        close(fd);
        return rc;
    }
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

/* Returns 1 ready, 0 deadline passed, -errno. deadline 0 = only looks. A signal counts as the
 * deadline, so that a program that wants to stop can. */
static int wait_for(int fd, short events, uint64_t deadline_ns) {
    uint64_t now = now_ns();
    uint64_t left_ns = deadline_ns > now ? deadline_ns - now : 0;
    struct pollfd poll_fd = {.fd = fd, .events = events};
    int rc = poll(&poll_fd, 1, (int)((left_ns + NS_PER_MS - 1) / NS_PER_MS));
    return rc >= 0 ? rc : errno == EINTR ? 0 : -errno;
}

static int log_in(struct rw_soup_client *client, const char *session, uint64_t sequence,
                  uint64_t deadline_ns) {
    struct rw_soup_login login = {.sequence = sequence};
    memcpy(login.username, credentials.username, sizeof login.username);
    memcpy(login.password, credentials.password, sizeof login.password);
    snprintf(login.session, sizeof login.session, "%s", session);
    uint8_t request[RW_SOUP_LOGIN_BYTES];
    size_t bytes = rw_soup_write_login(request, &login);
    /* A new connection's send buffer holds 49 bytes. */
    if (send(client->fd, request, bytes, MSG_NOSIGNAL) != (ssize_t)bytes)
        return rw_err_set(errno ? errno : EIO, "log-in not sent: %s", strerror(errno));
    for (;;) {
        struct rw_soup_packet packet;
        int rc = next_packet(client, deadline_ns, &packet);
        if (rc == 0) return rw_err_set(ETIMEDOUT, "no answer to the log-in");
        if (rc < 0) return rw_err_set(-rc, "connection lost at log-in: %s", strerror(-rc));
        if (packet.type == RW_SOUP_REJECT) {
            if (packet.payload_bytes == 1 && packet.payload[0] == RW_SOUP_NO_SESSION)
                return rw_err_set(ESTALE, "session '%s' is not served there", session);
            return rw_err_set(EACCES, "user name or password rejected");
        }
        if (packet.type == RW_SOUP_ACCEPT) {
            rc = rw_soup_read_accept(&packet, client->session, &client->next);
            return rc ? rw_err_set(-rc, "accept not understood") : 0;
        }
        if (packet.type != RW_SOUP_DEBUG && packet.type != RW_SOUP_SERVER_HEARTBEAT)
            return rw_err_set(EPROTO, "packet of type 0x%02x before the accept", packet.type);
    }
}

/* Returns 1 and the next packet (valid until the next call), 0 at the deadline, -errno. */
static int next_packet(struct rw_soup_client *client, uint64_t deadline_ns,
                       struct rw_soup_packet *packet) {
    for (;;) {
        int length = rw_soup_parse(client->in + client->at, client->used - client->at, packet);
        if (length < 0) return length;
        if (length > 0) {
            client->at += (uint32_t)length;
            return 1;
        }
        int rc = fill(client, deadline_ns);
        if (rc <= 0) return rc;
    }
}

/* Waits for bytes in slices short enough for the heartbeats. Returns 1 got some, 0 deadline,
 * -errno. */
static int fill(struct rw_soup_client *client, uint64_t deadline_ns) {
    /* The longest packet is shorter than the buffer, so there is room behind a partial one. */
    memmove(client->in, client->in + client->at, client->used - client->at);
    client->used -= client->at;
    client->at = 0;
    for (;;) {
        uint64_t now = now_ns();
        if (now - client->sent_ns >= BEAT_NS) {
            uint8_t beat[RW_SOUP_HEAD_BYTES];
            size_t bytes = rw_soup_write(beat, RW_SOUP_CLIENT_HEARTBEAT, NULL, 0);
            if (send(client->fd, beat, bytes, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN)
                return -errno;
            client->sent_ns = now;
        }
        ssize_t got =
            recv(client->fd, client->in + client->used, IN_BYTES - client->used, MSG_DONTWAIT);
        if (got == 0) return -ECONNRESET;
        if (got > 0) {
            client->used += (uint32_t)got;
            client->received_ns = now;
            return 1;
        }
        if (errno != EAGAIN && errno != EINTR) return -errno;
        if (now - client->received_ns >= SILENCE_NS) return -ETIMEDOUT;
        if (now >= deadline_ns) return 0;
        uint64_t beat_ns = client->sent_ns + BEAT_NS;
        int rc = wait_for(client->fd, POLLIN, beat_ns < deadline_ns ? beat_ns : deadline_ns);
        if (rc < 0) return rc;
        if (rc == 0 && now_ns() < deadline_ns && now_ns() < beat_ns) return 0; /* a signal */
    }
}

/* Returns enum rw_soup_got (0: nothing the caller cares for) or -EPROTO. */
static int take(struct rw_soup_client *client, const struct rw_soup_packet *packet,
                struct rw_result *record) {
    switch (packet->type) {
    case RW_SOUP_SEQUENCED:
        /* Later schemas may append fields: the first 128 bytes keep their meaning. */
        if (packet->payload_bytes < sizeof *record) return -EPROTO;
        memcpy(record, packet->payload, sizeof *record);
        if (record->result_sequence != client->next) return -EPROTO;
        client->next++;
        return RW_SOUP_GOT_RECORD;
    case RW_SOUP_UNSEQUENCED:
        if (packet->payload_bytes < sizeof client->status) return -EPROTO;
        memcpy(&client->status, packet->payload, sizeof client->status);
        return RW_SOUP_GOT_STATUS;
    case RW_SOUP_END:
        client->ended = true;
        return RW_SOUP_GOT_END;
    case RW_SOUP_SERVER_HEARTBEAT:
    case RW_SOUP_DEBUG:
        return RW_SOUP_GOT_NOTHING;
    default:
        return -EPROTO;
    }
}
