#include "tools/riskwire/venue_lines.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/err.h"
#include "dataplane/io/datagram.h"

#define SEND_BUFFER_BYTES (4 << 20)

struct rw_venue_lines {
    struct rw_gen_wires *wires;
    struct rw_address group[RW_GEN_WIRES];
    int fd[RW_GEN_WIRES]; /* -1: not sent */
    uint64_t dark_until_ns;
    struct rw_hist late;
    struct rw_venue_lines_count count;
};

static bool is_multicast(const struct rw_address *address) {
    const struct sockaddr_in *name = (const void *)address->bytes;
    return name->sin_family == AF_INET && IN_MULTICAST(ntohl(name->sin_addr.s_addr));
}

/* Multicast stays on the link, leaves by the interface and is heard on this host too. */
static int tune(int fd, const char *interface) {
    int bytes = SEND_BUFFER_BYTES, one = 1;
    struct in_addr address;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &one, sizeof one) < 0 ||
        setsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &one, sizeof one) < 0)
        return rw_err_set(errno, "cannot prepare multicast: %s", strerror(errno));
    if (!interface) return 0;
    if (inet_pton(AF_INET, interface, &address) != 1 ||
        setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &address, sizeof address) < 0) {
        rw_err_set(EADDRNOTAVAIL, "no interface has the address %s", interface);
        rw_err_fix("--interface names an IPv4 address of this host (ip address shows them)");
        return -EADDRNOTAVAIL;
    }
    return 0;
}

static int open_line(const struct rw_venue_lines_cfg *cfg, uint32_t which,
                     struct rw_venue_lines *lines) {
    struct rw_address local;
    if (!cfg->group[which]) return 0;
    int rc = rw_address_parse(&lines->group[which], cfg->group[which]);
    if (rc < 0) return rc;
    rw_datagram_any(&lines->group[which], &local);
    rc = rw_datagram_open(&local, &lines->fd[which], NULL);
    if (rc == 0 && is_multicast(&lines->group[which]))
        rc = tune(lines->fd[which], cfg->interface[which]);
    return rc;
}

int rw_venue_lines_open(const struct rw_venue_lines_cfg *cfg, struct rw_venue_lines **lines) {
    struct rw_venue_lines *opened = calloc(1, sizeof *opened);
    RW_ASSERT(opened);
    opened->wires = rw_gen_wires_new(&cfg->wires);
    opened->fd[0] = opened->fd[1] = -1;
    int rc = open_line(cfg, 0, opened);
    if (rc == 0) rc = open_line(cfg, 1, opened);
    if (rc < 0)
        rw_venue_lines_close(opened);
    else
        *lines = opened;
    return rc;
}

void rw_venue_lines_close(struct rw_venue_lines *lines) {
    if (!lines) return;
    for (uint32_t i = 0; i < RW_GEN_WIRES; i++)
        if (lines->fd[i] >= 0) rw_datagram_close(lines->fd[i]);
    rw_gen_wires_free(lines->wires);
    free(lines);
}

const struct rw_address *rw_venue_lines_group(const struct rw_venue_lines *lines, uint32_t line) {
    return &lines->group[line];
}

void rw_venue_lines_blackout(struct rw_venue_lines *lines, uint64_t until_ns) {
    lines->dark_until_ns = until_ns;
}

static void flush_line(struct rw_venue_lines *lines, uint32_t which, uint64_t now_ns) {
    const struct rw_gen_wire_packet *packet;
    while ((packet = rw_gen_wires_take(lines->wires, which, now_ns))) {
        int rc = rw_datagram_send(lines->fd[which], &lines->group[which], packet->payload,
                                  packet->bytes);
        lines->count.sent[which] += rc == 1;
        lines->count.failed[which] += rc != 1;
        rw_hist_add(&lines->late, now_ns > packet->time_ns ? now_ns - packet->time_ns : 0);
    }
}

/* Room is made before each packet: what a full wire hurries is sent, never overwritten. */
void rw_venue_lines_put(struct rw_venue_lines *lines, uint64_t sent_ns, const uint8_t *payload,
                        uint32_t bytes) {
    if (sent_ns < lines->dark_until_ns) {
        lines->count.blacked_out++;
        return;
    }
    uint32_t lost = rw_gen_wires_draw(lines->wires);
    for (uint32_t i = 0; i < RW_GEN_WIRES; i++) {
        if (lines->fd[i] < 0 || (lost >> i & 1)) continue;
        rw_gen_wires_send(lines->wires, i, sent_ns, payload, bytes);
        flush_line(lines, i, 0);
    }
}

void rw_venue_lines_flush(struct rw_venue_lines *lines, uint64_t now_ns) {
    for (uint32_t i = 0; i < RW_GEN_WIRES; i++)
        if (lines->fd[i] >= 0) flush_line(lines, i, now_ns);
}

uint64_t rw_venue_lines_due(const struct rw_venue_lines *lines) {
    uint64_t a = rw_gen_wires_due(lines->wires, 0), b = rw_gen_wires_due(lines->wires, 1);
    return a < b ? a : b;
}

struct rw_venue_lines_count rw_venue_lines_counted(const struct rw_venue_lines *lines) {
    struct rw_venue_lines_count count = lines->count;
    count.wires = rw_gen_wires_counted(lines->wires);
    count.late_max_ns = atomic_load(&lines->late.max);
    count.late_p50_ns = rw_hist_quantile(&lines->late, 50, 100);
    count.late_p99_ns = rw_hist_quantile(&lines->late, 99, 100);
    return count;
}
