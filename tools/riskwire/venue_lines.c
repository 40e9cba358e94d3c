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

struct site {
    struct rw_gen_wires *wires;
    int fd[RW_GEN_WIRES]; /* -1: not sent */
};

struct rw_venue_lines {
    struct site site[RW_VENUE_SITES_MAX];
    uint32_t sites;
    struct rw_address group[RW_GEN_WIRES], loop;
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

static int open_line(const struct rw_address *group, const char *interface, int *fd) {
    struct rw_address local;
    if (group->length == 0) return 0;
    rw_datagram_any(group, &local);
    int rc = rw_datagram_open(&local, fd, NULL);
    return rc == 0 && is_multicast(group) ? tune(*fd, interface) : rc;
}

static int open_site(const struct rw_venue_lines_cfg *cfg, struct rw_venue_lines *lines) {
    struct rw_gen_wires_cfg wires = cfg->wires;
    uint32_t index = lines->sites++;
    struct site *site = &lines->site[index];
    wires.seed += index;
    *site = (struct site){.wires = rw_gen_wires_new(&wires), .fd = {-1, -1}};
    int rc = open_line(&lines->group[0], cfg->interface[index][0], &site->fd[0]);
    return rc == 0 ? open_line(&lines->group[1], cfg->interface[index][1], &site->fd[1]) : rc;
}

int rw_venue_lines_open(const struct rw_venue_lines_cfg *cfg, struct rw_venue_lines **lines) {
    RW_ASSERT(cfg->sites >= 1 && cfg->sites <= RW_VENUE_SITES_MAX);
    struct rw_venue_lines *opened = calloc(1, sizeof *opened);
    RW_ASSERT(opened);
    int rc = 0;
    for (uint32_t i = 0; i < RW_GEN_WIRES && rc == 0; i++)
        if (cfg->group[i]) rc = rw_address_parse(&opened->group[i], cfg->group[i]);
    if (rc == 0 && cfg->loop) rc = rw_address_parse(&opened->loop, cfg->loop);
    while (rc == 0 && opened->sites < cfg->sites) rc = open_site(cfg, opened);
    if (rc < 0)
        rw_venue_lines_close(opened);
    else
        *lines = opened;
    return rc;
}

void rw_venue_lines_close(struct rw_venue_lines *lines) {
    if (!lines) return;
    for (uint32_t i = 0; i < lines->sites; i++) {
        for (uint32_t which = 0; which < RW_GEN_WIRES; which++)
            if (lines->site[i].fd[which] >= 0) rw_datagram_close(lines->site[i].fd[which]);
        rw_gen_wires_free(lines->site[i].wires);
    }
    free(lines);
}

const struct rw_address *rw_venue_lines_group(const struct rw_venue_lines *lines, uint32_t line) {
    return &lines->group[line];
}

const struct rw_address *rw_venue_lines_loop(const struct rw_venue_lines *lines) {
    return &lines->loop;
}

void rw_venue_lines_blackout(struct rw_venue_lines *lines, uint64_t until_ns) {
    lines->dark_until_ns = until_ns;
}

static void flush_line(struct rw_venue_lines *lines, const struct site *site, uint32_t which,
                       uint64_t now_ns) {
    const struct rw_gen_wire_packet *packet;
    while ((packet = rw_gen_wires_take(site->wires, which, now_ns))) {
        int rc =
            rw_datagram_send(site->fd[which], &lines->group[which], packet->payload, packet->bytes);
        lines->count.sent[which] += rc == 1;
        lines->count.failed[which] += rc != 1;
        rw_hist_add(&lines->late, now_ns > packet->time_ns ? now_ns - packet->time_ns : 0);
    }
}

/* Room is made behind each packet: what a full wire hurries is sent, never overwritten. */
static void put_site(struct rw_venue_lines *lines, const struct site *site, uint64_t sent_ns,
                     const uint8_t *payload, uint32_t bytes) {
    uint32_t lost = rw_gen_wires_draw(site->wires);
    for (uint32_t i = 0; i < RW_GEN_WIRES; i++) {
        if (site->fd[i] < 0 || (lost >> i & 1)) continue;
        rw_gen_wires_send(site->wires, i, sent_ns, payload, bytes);
        flush_line(lines, site, i, 0);
    }
}

void rw_venue_lines_put(struct rw_venue_lines *lines, uint64_t sent_ns, const uint8_t *payload,
                        uint32_t bytes) {
    if (sent_ns < lines->dark_until_ns) {
        lines->count.blacked_out++;
        return;
    }
    for (uint32_t i = 0; i < lines->sites; i++)
        put_site(lines, &lines->site[i], sent_ns, payload, bytes);
}

void rw_venue_lines_put_loop(struct rw_venue_lines *lines, uint64_t sent_ns, const uint8_t *payload,
                             uint32_t bytes) {
    if (bytes == 0) return;
    if (lines->loop.length == 0) {
        rw_venue_lines_put(lines, sent_ns, payload, bytes);
        return;
    }
    for (uint32_t i = 0; i < lines->sites; i++)
        if (lines->site[i].fd[0] >= 0 && sent_ns >= lines->dark_until_ns)
            lines->count.loop +=
                rw_datagram_send(lines->site[i].fd[0], &lines->loop, payload, bytes) == 1;
}

void rw_venue_lines_flush(struct rw_venue_lines *lines, uint64_t now_ns) {
    for (uint32_t i = 0; i < lines->sites; i++)
        for (uint32_t which = 0; which < RW_GEN_WIRES; which++)
            flush_line(lines, &lines->site[i], which, now_ns);
}

uint64_t rw_venue_lines_due(const struct rw_venue_lines *lines) {
    uint64_t due_ns = UINT64_MAX;
    for (uint32_t i = 0; i < lines->sites; i++)
        for (uint32_t which = 0; which < RW_GEN_WIRES; which++) {
            uint64_t at_ns = rw_gen_wires_due(lines->site[i].wires, which);
            if (at_ns < due_ns) due_ns = at_ns;
        }
    return due_ns;
}

static void add_wires(struct rw_gen_wires_count *sum, const struct rw_gen_wires *wires) {
    struct rw_gen_wires_count count = rw_gen_wires_counted(wires);
    for (uint32_t i = 0; i < RW_GEN_WIRES; i++) {
        sum->lost[i] += count.lost[i];
        sum->reordered[i] += count.reordered[i];
        sum->duplicated[i] += count.duplicated[i];
    }
    sum->both_lost += count.both_lost;
    sum->hurried += count.hurried;
}

struct rw_venue_lines_count rw_venue_lines_counted(const struct rw_venue_lines *lines) {
    struct rw_venue_lines_count count = lines->count;
    for (uint32_t i = 0; i < lines->sites; i++) add_wires(&count.wires, lines->site[i].wires);
    count.late_max_ns = atomic_load(&lines->late.max);
    count.late_p50_ns = rw_hist_quantile(&lines->late, 50, 100);
    count.late_p99_ns = rw_hist_quantile(&lines->late, 99, 100);
    return count;
}
