/* TCP streams and the cold-path calls that make them. */
#include "dataplane/io/stream.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/err.h"

#define BACKLOG       64
#define SEND_ONCE_MAX (1u << 30) /* results are int32_t */

static int32_t ended(struct rw_stream *stream, int cause, const char *doing) {
    if (!stream->why[0])
        snprintf(stream->why, sizeof stream->why, "%s: %s", doing, strerror(cause));
    return -cause;
}

static int32_t tcp_send(struct rw_stream *stream, const void *bytes, uint32_t count) {
    RW_ASSERT(count > 0);
    if (count > SEND_ONCE_MAX) count = SEND_ONCE_MAX;
    ssize_t sent = send(stream->fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) return (int32_t)sent;
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ENOBUFS) return 0;
    return ended(stream, errno, "send");
}

static int32_t tcp_recv(struct rw_stream *stream, void *bytes, uint32_t count) {
    RW_ASSERT(count > 0);
    if (count > SEND_ONCE_MAX) count = SEND_ONCE_MAX;
    ssize_t got = recv(stream->fd, bytes, count, MSG_DONTWAIT);
    if (got > 0) return (int32_t)got;
    if (got == 0) {
        if (!stream->why[0]) snprintf(stream->why, sizeof stream->why, "the peer has closed");
        return -EPIPE;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return 0;
    return ended(stream, errno, "receive");
}

static void tcp_hang_up(struct rw_stream *stream) { close(stream->fd); }

static void tcp_close(struct rw_stream *stream) {
    tcp_hang_up(stream);
    free(stream);
}

static const struct rw_stream_ops tcp_ops = {tcp_send, tcp_recv, tcp_close};
static const struct rw_stream_ops dialled_ops = {tcp_send, tcp_recv, tcp_hang_up};

struct rw_stream *rw_tcp_stream(int fd) {
    struct rw_stream *stream = calloc(1, sizeof *stream);
    if (!stream) {
        rw_err_set(ENOMEM, "no memory for a connection");
        return NULL;
    }
    stream->ops = &tcp_ops;
    stream->fd = fd;
    return stream;
}

int rw_address_parse(struct rw_address *address, const char *text) {
    char host[256];
    const char *colon = strrchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : 0;
    if (!colon || !colon[1] || length >= sizeof host) {
        rw_err_set(EINVAL, "'%s' is not an address", text);
        rw_err_fix("write HOST:PORT, for example 127.0.0.1:7001");
        return -EINVAL;
    }
    memcpy(host, text, length);
    host[length] = 0;
    char *name = host;
    if (length >= 2 && host[0] == '[' && host[length - 1] == ']') {
        host[length - 1] = 0;
        name++;
    }
    struct addrinfo wish = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    int rc = getaddrinfo(name[0] ? name : NULL, colon + 1, &wish, &found);
    if (rc) {
        rw_err_set(EHOSTUNREACH, "cannot resolve '%s': %s", text, gai_strerror(rc));
        rw_err_fix("check the spelling, or write a numeric address");
        return -EHOSTUNREACH;
    }
    memset(address, 0, sizeof *address);
    memcpy(address->bytes, found->ai_addr, found->ai_addrlen);
    address->length = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

void rw_address_text(const struct rw_address *address, char text[64]) {
    char host[NI_MAXHOST], port[NI_MAXSERV];
    const struct sockaddr *name = (const void *)address->bytes;
    if (getnameinfo(name, address->length, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV))
        snprintf(text, 64, "(no address)");
    else
        snprintf(text, 64, name->sa_family == AF_INET6 ? "[%.48s]:%.8s" : "%.48s:%.8s", host, port);
}

/* Where host and port stand in an address of either family. */
struct address_parts {
    sa_family_t family;
    in_port_t port;
    const void *host;
    size_t host_bytes;
};

static struct address_parts parts_of(const struct rw_address *address) {
    const struct sockaddr *name = (const void *)address->bytes;
    const struct sockaddr_in *v4 = (const void *)address->bytes;
    const struct sockaddr_in6 *v6 = (const void *)address->bytes;
    if (name->sa_family == AF_INET6)
        return (struct address_parts){AF_INET6, v6->sin6_port, &v6->sin6_addr,
                                      sizeof v6->sin6_addr};
    return (struct address_parts){name->sa_family, v4->sin_port, &v4->sin_addr,
                                  sizeof v4->sin_addr};
}

bool rw_address_same_host(const struct rw_address *a, const struct rw_address *b) {
    struct address_parts x = parts_of(a), y = parts_of(b);
    return x.family == y.family && memcmp(x.host, y.host, x.host_bytes) == 0;
}

bool rw_address_equal(const struct rw_address *a, const struct rw_address *b) {
    return rw_address_same_host(a, b) && parts_of(a).port == parts_of(b).port;
}

static void set_option(int fd, int level, int option, int value) {
    setsockopt(fd, level, option, &value, sizeof value);
}

/* Small frames leave at once, and a dead peer is noticed in about 11 s even when nothing is
 * sent. */
static void tune(int fd) {
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 5);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 2);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

static int listen_failed(int fd, int cause, const struct rw_address *address) {
    char text[64];
    rw_address_text(address, text);
    if (fd >= 0) close(fd);
    if (cause == EADDRINUSE) {
        rw_err_set(cause, "cannot listen on %s: the port is in use", text);
        rw_err_why("another program listens on this port, or this site runs twice");
        rw_err_fix("stop it (ss -ltnp shows which), or choose another port");
        return -cause;
    }
    rw_err_set(cause, "cannot listen on %s: %s", text, strerror(cause));
    if (cause == EACCES) rw_err_fix("choose a port from 1024 on");
    return -cause;
}

int rw_tcp_listen(const struct rw_address *address, int *fd, struct rw_address *bound) {
    const struct sockaddr *name = (const void *)address->bytes;
    int self = socket(name->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (self < 0) return listen_failed(self, errno, address);
    set_option(self, SOL_SOCKET, SO_REUSEADDR, 1);
    if (bind(self, name, address->length) || listen(self, BACKLOG))
        return listen_failed(self, errno, address);
    if (bound) {
        socklen_t length = sizeof bound->bytes;
        memset(bound, 0, sizeof *bound);
        if (getsockname(self, (void *)bound->bytes, &length))
            return listen_failed(self, errno, address);
        bound->length = length;
    }
    *fd = self;
    return 0;
}

int rw_tcp_accept(int listen_fd, struct rw_stream **stream) {
    int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        int cause = errno;
        if (cause == EAGAIN || cause == EWOULDBLOCK || cause == EINTR || cause == ECONNABORTED)
            return 0;
        rw_err_set(cause, "cannot accept a connection: %s", strerror(cause));
        if (cause == EMFILE) rw_err_fix("raise the limit of open files (ulimit -n)");
        return -cause;
    }
    tune(fd);
    *stream = rw_tcp_stream(fd);
    if (*stream) return 1;
    close(fd);
    return -ENOMEM;
}

int rw_tcp_dial(struct rw_stream *stream, const struct rw_address *address) {
    const struct sockaddr *name = (const void *)address->bytes;
    *stream = (struct rw_stream){.ops = &dialled_ops, .fd = -1};
    int fd = socket(name->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return ended(stream, errno, "socket");
    tune(fd);
    if (connect(fd, name, address->length) && errno != EINPROGRESS) {
        int cause = errno;
        close(fd);
        return ended(stream, cause, "connect");
    }
    stream->fd = fd;
    return 0;
}

int rw_tcp_dial_step(struct rw_stream *stream) {
    struct pollfd poll_fd = {.fd = stream->fd, .events = POLLOUT};
    if (poll(&poll_fd, 1, 0) <= 0) return 0;
    int cause = 0;
    socklen_t length = sizeof cause;
    getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &cause, &length);
    return cause == 0 ? 1 : ended(stream, cause, "connect");
}

int rw_tcp_connect(const struct rw_address *address, struct rw_stream **stream) {
    char text[64];
    struct rw_stream *made = rw_tcp_stream(-1);
    if (!made) return -ENOMEM;
    int rc = rw_tcp_dial(made, address);
    if (rc) {
        free(made);
        rw_address_text(address, text);
        return rw_err_set(-rc, "cannot connect to %s: %s", text, strerror(-rc));
    }
    made->ops = &tcp_ops;
    *stream = made;
    return 0;
}

int rw_tcp_connect_step(struct rw_stream *stream) {
    int rc = rw_tcp_dial_step(stream);
    return rc >= 0 ? rc : rw_err_set(-rc, "cannot connect to the peer: %s", strerror(-rc));
}
