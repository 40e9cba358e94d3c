#include "tools/riskwire/venue_soup.h"

#include <string.h>

#include "dataplane/base/assert.h"

void rw_venue_soup_open(struct rw_venue_soup *soup, const struct rw_venue_soup_cfg *cfg,
                        uint64_t now_ns) {
    memset(soup, 0, sizeof *soup);
    soup->cfg = cfg;
    soup->heard_ns = soup->said_ns = now_ns;
}

static void end(struct rw_venue_soup *soup, enum rw_venue_soup_end why) {
    bool is_told = why == RW_VENUE_SOUP_USER || why == RW_VENUE_SOUP_SESSION;
    soup->state = is_told ? RW_VENUE_SOUP_REJECTED : RW_VENUE_SOUP_CLOSED;
    soup->end = why;
}

static bool is_wrong(const char *wanted, const char *given) {
    return wanted[0] != '\0' && strcmp(wanted, given) != 0;
}

static void log_in(struct rw_venue_soup *soup, const struct rw_soup_packet *packet) {
    if (rw_soup_read_login(packet, &soup->login))
        end(soup, RW_VENUE_SOUP_GARBAGE);
    else if (is_wrong(soup->cfg->username, soup->login.username) ||
             is_wrong(soup->cfg->password, soup->login.password))
        end(soup, RW_VENUE_SOUP_USER);
    else
        soup->state = RW_VENUE_SOUP_ACCEPTING;
}

/* What a client may say: the log-in first and once; then heartbeats, debug and unsequenced packets,
 * which mean nothing here, and the log-out. */
static void take_packet(struct rw_venue_soup *soup, const struct rw_soup_packet *packet) {
    bool is_first = soup->state == RW_VENUE_SOUP_LOGIN;
    switch (packet->type) {
    case RW_SOUP_LOGIN:
        if (is_first)
            log_in(soup, packet);
        else
            end(soup, RW_VENUE_SOUP_GARBAGE);
        return;
    case RW_SOUP_LOGOUT:
        end(soup, RW_VENUE_SOUP_LOGOUT);
        return;
    case RW_SOUP_CLIENT_HEARTBEAT:
    case RW_SOUP_DEBUG:
    case RW_SOUP_UNSEQUENCED:
        if (!is_first) return;
        break;
    }
    end(soup, RW_VENUE_SOUP_GARBAGE);
}

static bool is_over(const struct rw_venue_soup *soup) {
    return soup->state == RW_VENUE_SOUP_REJECTED || soup->state == RW_VENUE_SOUP_CLOSED;
}

/* Takes the whole packets at the front of the buffer away. */
static void take_packets(struct rw_venue_soup *soup) {
    struct rw_soup_packet packet;
    uint32_t at = 0;
    while (!is_over(soup)) {
        int length = rw_soup_parse(soup->in + at, soup->in_bytes - at, &packet);
        if (length == 0) break;
        if (length < 0) {
            end(soup, RW_VENUE_SOUP_GARBAGE);
            return;
        }
        take_packet(soup, &packet);
        at += (uint32_t)length;
    }
    soup->in_bytes -= at;
    memmove(soup->in, soup->in + at, soup->in_bytes);
}

void rw_venue_soup_take(struct rw_venue_soup *soup, const void *bytes, size_t count,
                        uint64_t now_ns) {
    const uint8_t *from = bytes;
    if (count > 0) soup->heard_ns = now_ns;
    while (count > 0 && !is_over(soup)) {
        size_t room = sizeof soup->in - soup->in_bytes, part = count < room ? count : room;
        memcpy(soup->in + soup->in_bytes, from, part);
        soup->in_bytes += (uint32_t)part;
        from += part;
        count -= part;
        take_packets(soup);
        if (!is_over(soup) && soup->in_bytes == sizeof soup->in) end(soup, RW_VENUE_SOUP_GARBAGE);
    }
}

static bool is_session(const char *asked, const char *session) {
    return asked[0] == '\0' || !strncmp(asked, session, RW_SOUP_SESSION_BYTES);
}

static size_t accept_login(struct rw_venue_soup *soup, const char *session,
                           const struct rw_venue_log *log, uint8_t *to, size_t room) {
    if (room < RW_SOUP_ACCEPT_BYTES) return 0;
    if (!is_session(soup->login.session, session)) {
        end(soup, RW_VENUE_SOUP_SESSION);
        return 0;
    }
    soup->next = soup->login.sequence ? soup->login.sequence : log->count + 1;
    soup->state = RW_VENUE_SOUP_LIVE;
    return rw_soup_write_accept(to, session, soup->next);
}

static size_t fill_live(struct rw_venue_soup *soup, const struct rw_venue_log *log,
                        bool is_complete, uint8_t *to, size_t room) {
    size_t used = 0;
    for (; soup->next <= log->count; soup->next++) {
        uint32_t bytes;
        const uint8_t *message = rw_venue_log_get(log, soup->next, &bytes);
        if (room - used < RW_SOUP_HEAD_BYTES + bytes) return used;
        used += rw_soup_write(to + used, RW_SOUP_SEQUENCED, message, bytes);
    }
    if (is_complete && room - used >= RW_SOUP_HEAD_BYTES) {
        used += rw_soup_write(to + used, RW_SOUP_END, NULL, 0);
        end(soup, RW_VENUE_SOUP_ENDED);
    }
    return used;
}

size_t rw_venue_soup_fill(struct rw_venue_soup *soup, const char *session,
                          const struct rw_venue_log *log, bool is_complete, uint64_t now_ns,
                          uint8_t *to, size_t room) {
    size_t used = 0;
    if (!is_over(soup) && now_ns >= soup->heard_ns + soup->cfg->silence_ns)
        end(soup, RW_VENUE_SOUP_SILENT);
    if (soup->state == RW_VENUE_SOUP_ACCEPTING) used = accept_login(soup, session, log, to, room);
    if (soup->state == RW_VENUE_SOUP_LIVE)
        used += fill_live(soup, log, is_complete, to + used, room - used);
    if (soup->state == RW_VENUE_SOUP_REJECTED && room - used >= RW_SOUP_REJECT_BYTES) {
        bool is_user = soup->end == RW_VENUE_SOUP_USER;
        used +=
            rw_soup_write_reject(to + used, is_user ? RW_SOUP_NOT_AUTHORISED : RW_SOUP_NO_SESSION);
        soup->state = RW_VENUE_SOUP_CLOSED;
    }
    bool is_due =
        soup->state == RW_VENUE_SOUP_LIVE && now_ns >= soup->said_ns + soup->cfg->heartbeat_ns;
    if (used == 0 && is_due && room >= RW_SOUP_HEAD_BYTES)
        used = rw_soup_write(to, RW_SOUP_SERVER_HEARTBEAT, NULL, 0);
    if (used > 0) soup->said_ns = now_ns;
    return used;
}
