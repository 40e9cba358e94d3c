#include "tools/riskwire/venue_service.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/base/assert.h"

#define OUT_BYTES       (64u << 10)
#define ACCEPTS_A_VISIT 4u
#define CUT_PIECE       1024u /* so little is sent at a time that a cut comes in the middle */

struct client {
    struct rw_stream *stream; /* NULL: the place is free */
    struct rw_venue_soup soup;
    const struct rw_venue_log *log;
    struct rw_venue_log own;
    uint64_t first, slow_until_ns;
    uint32_t out_bytes;
    uint8_t out[OUT_BYTES];
};

struct rw_venue_service {
    struct rw_venue_service_cfg cfg;
    struct rw_address address;
    int listener;
    enum rw_venue_service_manner manner;
    uint64_t cut_after;
    struct client client[RW_VENUE_CLIENTS_MAX];
    struct rw_venue_service_count count;
};

int rw_venue_service_open(const struct rw_venue_service_cfg *cfg, const struct rw_address *address,
                          struct rw_venue_service **service) {
    struct rw_venue_service *opened = calloc(1, sizeof *opened);
    RW_ASSERT(opened);
    opened->cfg = *cfg;
    int rc = rw_tcp_listen(address, &opened->listener, &opened->address);
    if (rc < 0)
        free(opened);
    else
        *service = opened;
    return rc;
}

static void drop(struct rw_venue_service *service, struct client *client) {
    service->count.messages += client->log ? client->soup.next - client->first : 0;
    rw_stream_close(client->stream);
    rw_venue_log_fini(&client->own);
    memset(client, 0, offsetof(struct client, out));
}

static void drop_all(struct rw_venue_service *service) {
    for (uint32_t i = 0; i < RW_VENUE_CLIENTS_MAX; i++) {
        if (!service->client[i].stream) continue;
        service->count.dropped++;
        drop(service, &service->client[i]);
    }
}

void rw_venue_service_close(struct rw_venue_service *service) {
    if (!service) return;
    drop_all(service);
    close(service->listener);
    free(service);
}

const struct rw_address *rw_venue_service_address(const struct rw_venue_service *service) {
    return &service->address;
}

void rw_venue_service_behave(struct rw_venue_service *service, enum rw_venue_service_manner manner,
                             uint64_t cut_after) {
    service->manner = manner;
    service->cut_after = cut_after;
    if (manner == RW_VENUE_SERVICE_DOWN) drop_all(service);
}

static struct client *free_place(struct rw_venue_service *service) {
    if (service->manner == RW_VENUE_SERVICE_DOWN) return NULL;
    for (uint32_t i = 0; i < RW_VENUE_CLIENTS_MAX; i++)
        if (!service->client[i].stream) return &service->client[i];
    return NULL;
}

static void accept_clients(struct rw_venue_service *service, uint64_t now_ns) {
    struct rw_stream *stream;
    for (uint32_t i = 0; i < ACCEPTS_A_VISIT; i++) {
        if (rw_tcp_accept(service->listener, &stream) <= 0) return;
        struct client *client = free_place(service);
        service->count.connections++;
        if (client) {
            client->stream = stream;
            rw_venue_soup_open(&client->soup, &service->cfg.soup, now_ns);
        } else {
            service->count.refused++;
            rw_stream_close(stream);
        }
    }
}

/* Reads what is there, once; false when the connection is gone. */
static bool read_client(struct client *client, uint64_t now_ns) {
    uint8_t bytes[2048];
    int32_t count = rw_stream_recv(client->stream, bytes, sizeof bytes);
    if (count > 0) rw_venue_soup_take(&client->soup, bytes, (size_t)count, now_ns);
    return count >= 0;
}

static bool write_client(struct rw_venue_service *service, struct client *client, uint64_t now_ns) {
    uint32_t bytes = client->out_bytes;
    if (bytes == 0 || now_ns < client->slow_until_ns) return true;
    if (service->manner == RW_VENUE_SERVICE_SLOW) {
        client->slow_until_ns = now_ns + RW_VENUE_SLOW_EVERY_NS;
        if (bytes > RW_VENUE_SLOW_PIECE) bytes = RW_VENUE_SLOW_PIECE;
    }
    int32_t sent = rw_stream_send(client->stream, client->out, bytes);
    if (sent < 0) return false;
    client->out_bytes -= (uint32_t)sent;
    memmove(client->out, client->out + sent, client->out_bytes);
    return true;
}

/* Fills the client's buffer; one that has logged in needs its log first. */
static void fill_client(struct rw_venue_service *service, struct client *client,
                        const char *session, bool is_complete, uint64_t now_ns) {
    bool is_accepted = client->soup.state == RW_VENUE_SOUP_ACCEPTING;
    if (is_accepted && !client->log) {
        client->log = service->cfg.log_in(service->cfg.context, &client->own);
        if (!client->log) return;
    }
    uint32_t room = OUT_BYTES - client->out_bytes;
    if (service->manner == RW_VENUE_SERVICE_CUT && room > CUT_PIECE) room = CUT_PIECE;
    client->out_bytes +=
        (uint32_t)rw_venue_soup_fill(&client->soup, session, client->log, is_complete, now_ns,
                                     client->out + client->out_bytes, room);
    if (is_accepted && client->soup.end == RW_VENUE_SOUP_OPEN) service->count.logins++;
    if (is_accepted) client->first = client->soup.next;
}

static bool is_cut(const struct rw_venue_service *service, const struct client *client) {
    return service->manner == RW_VENUE_SERVICE_CUT && client->log &&
           client->soup.next - client->first >= service->cut_after;
}

static void count_end(struct rw_venue_service *service, const struct client *client) {
    switch (client->soup.end) {
    case RW_VENUE_SOUP_ENDED:
        service->count.served++;
        return;
    case RW_VENUE_SOUP_LOGOUT:
        service->count.left++;
        return;
    case RW_VENUE_SOUP_USER:
    case RW_VENUE_SOUP_SESSION:
        service->count.rejected++;
        return;
    default:
        service->count.dropped++;
        return;
    }
}

static void visit_client(struct rw_venue_service *service, struct client *client,
                         const char *session, bool is_complete, uint64_t now_ns) {
    bool is_there = read_client(client, now_ns);
    if (is_there) fill_client(service, client, session, is_complete, now_ns);
    if (is_there) is_there = !is_cut(service, client) && write_client(service, client, now_ns);
    bool is_over = client->soup.state == RW_VENUE_SOUP_CLOSED && client->out_bytes == 0;
    if (is_there && !is_over) return;
    if (is_over)
        count_end(service, client);
    else
        service->count.dropped++;
    drop(service, client);
}

void rw_venue_service_visit(struct rw_venue_service *service, const char *session, bool is_complete,
                            uint64_t now_ns) {
    accept_clients(service, now_ns);
    for (uint32_t i = 0; i < RW_VENUE_CLIENTS_MAX; i++)
        if (service->client[i].stream)
            visit_client(service, &service->client[i], session, is_complete, now_ns);
}

uint32_t rw_venue_service_fds(const struct rw_venue_service *service, struct pollfd *fds) {
    uint32_t count = 0;
    fds[count++] = (struct pollfd){.fd = service->listener, .events = POLLIN};
    for (uint32_t i = 0; i < RW_VENUE_CLIENTS_MAX; i++) {
        const struct client *client = &service->client[i];
        if (!client->stream) continue;
        bool wants_out = client->out_bytes > 0 && service->manner != RW_VENUE_SERVICE_SLOW;
        fds[count++] = (struct pollfd){.fd = client->stream->fd,
                                       .events = (short)(POLLIN | (wants_out ? POLLOUT : 0))};
    }
    return count;
}

uint32_t rw_venue_service_clients(const struct rw_venue_service *service) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < RW_VENUE_CLIENTS_MAX; i++) count += service->client[i].stream != NULL;
    return count;
}

struct rw_venue_service_count rw_venue_service_counted(const struct rw_venue_service *service) {
    struct rw_venue_service_count count = service->count;
    for (uint32_t i = 0; i < RW_VENUE_CLIENTS_MAX; i++) {
        const struct client *client = &service->client[i];
        if (client->log) count.messages += client->soup.next - client->first;
    }
    return count;
}
