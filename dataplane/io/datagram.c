#include "dataplane/io/datagram.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/err.h"

static int open_failed(int fd, int cause, const struct rw_address *address) {
    char text[64];
    rw_address_text(address, text);
    if (fd >= 0) close(fd);
    rw_err_set(cause, "no datagrams on %s: %s", text, strerror(cause));
    if (cause == EADDRINUSE) rw_err_fix("choose another port; ss -lunp shows who has this one");
    if (cause == EADDRNOTAVAIL) rw_err_fix("use an address of this host");
    if (cause == EACCES) rw_err_fix("choose a port from 1024 on");
    return -cause;
}

int rw_datagram_open(const struct rw_address *local, int *fd, struct rw_address *bound) {
    const struct sockaddr *name = (const void *)local->bytes;
    int self = socket(name->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (self < 0 || bind(self, name, local->length)) return open_failed(self, errno, local);
    if (bound) {
        socklen_t length = sizeof bound->bytes;
        memset(bound, 0, sizeof *bound);
        if (getsockname(self, (void *)bound->bytes, &length))
            return open_failed(self, errno, local);
        bound->length = length;
    }
    *fd = self;
    return 0;
}

void rw_datagram_any(const struct rw_address *like, struct rw_address *local) {
    const struct sockaddr *name = (const void *)like->bytes;
    struct sockaddr any = {.sa_family = name->sa_family};
    memset(local, 0, sizeof *local);
    memcpy(local->bytes, &any.sa_family, sizeof any.sa_family);
    local->length =
        any.sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

int rw_datagram_send(int fd, const struct rw_address *to, const void *bytes, uint32_t count) {
    RW_ASSERT(count > 0);
    ssize_t sent =
        sendto(fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT, (const void *)to->bytes, to->length);
    if (sent >= 0) return 1;
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ENOBUFS) return 0;
    return -errno;
}

int rw_datagram_recv(int fd, void *bytes, uint32_t capacity, struct rw_address *from,
                     uint32_t *count) {
    struct iovec part = {.iov_base = bytes, .iov_len = capacity};
    struct msghdr header = {.msg_name = from->bytes,
                            .msg_namelen = sizeof from->bytes,
                            .msg_iov = &part,
                            .msg_iovlen = 1};
    ssize_t got = recvmsg(fd, &header, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return 0;
    if (got < 0) return -errno;
    from->length = header.msg_namelen;
    *count = (uint32_t)got;
    return header.msg_flags & MSG_TRUNC ? -EMSGSIZE : 1;
}

void rw_datagram_close(int fd) { close(fd); }
