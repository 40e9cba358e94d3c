#include "tools/riskwired/peering.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/err.h"
#include "dataplane/base/log.h"

#define PAUSE_MIN_NS 10000000ull
#define PAUSE_MAX_NS 500000000ull
/* A handshake takes milliseconds; a peer that hangs in it must not keep others out. */
#define ATTEMPT_NS 2000000000ull
/* A session that has stood so long was wanted by both sides. */
#define STANDING_NS 1000000000ull

int rw_peering_open(struct rw_peering *peering, const struct rw_peering_cfg *cfg) {
    memset(peering, 0, sizeof *peering);
    peering->dials = cfg->dials;
    peering->listener = -1;
    peering->peer_name = cfg->peer_name;
    peering->pause_ns = PAUSE_MIN_NS;
    int rc = rw_tls_context_new(&peering->context, &cfg->files);
    if (!rc) rc = rw_address_parse(&peering->listen_address, cfg->listen);
    if (!rc) rc = rw_address_parse(&peering->peer_address, cfg->connect);
    if (!rc && !peering->dials)
        rc = rw_tcp_listen(&peering->listen_address, &peering->listener, NULL);
    if (rc) rw_peering_close(peering);
    return rc;
}

/* Waits before the next attempt, longer each time. */
static void rest(struct rw_peering *peering, uint64_t now_ns) {
    peering->due_ns = now_ns + peering->pause_ns;
    peering->pause_ns *= 2;
    if (peering->pause_ns > PAUSE_MAX_NS) peering->pause_ns = PAUSE_MAX_NS;
}

/* Remembers a failure; true when it is another one than the last and so worth a line. */
static bool is_news(struct rw_peering *peering, const char *reason) {
    char shown[sizeof peering->last];
    snprintf(shown, sizeof shown, "%s", reason);
    if (!strcmp(peering->last, shown)) return false;
    memcpy(peering->last, shown, sizeof shown);
    return true;
}

/* Ends the attempt; the reason is logged when it differs from the last one. */
static void give_up(struct rw_peering *peering, uint64_t now_ns, const char *reason) {
    if (is_news(peering, reason))
        rw_warning("no session with peer '%s': %s", peering->peer_name, reason);
    rw_stream_close(peering->stream);
    peering->stream = NULL;
    peering->state = RW_PEERING_IDLE;
    rest(peering, now_ns);
}

static void announce(struct rw_peering *peering) {
    rw_info("session with peer '%s': %s", peering->peer_name, peering->cipher);
    peering->announced = true;
}

/* A session is logged at once, but after one that was broken off only when it stands. */
static void watch_session(struct rw_peering *peering, uint64_t now_ns) {
    if (!peering->joined || now_ns - peering->joined_ns < STANDING_NS) return;
    if (!peering->announced) announce(peering);
    peering->pause_ns = PAUSE_MIN_NS;
    peering->broken_off = false;
    peering->last[0] = 0;
}

static void shake_hands(struct rw_peering *peering, uint64_t now_ns, struct rw_stream *under) {
    enum rw_tls_side side = peering->dials ? RW_TLS_CLIENT : RW_TLS_SERVER;
    peering->stream = NULL;
    if (rw_tls_start(&peering->stream, peering->context, under, side, peering->peer_name)) {
        give_up(peering, now_ns, rw_err_text());
        return;
    }
    peering->state = RW_PEERING_HANDSHAKE;
    peering->deadline_ns = now_ns + ATTEMPT_NS;
}

static void accept_newest(struct rw_peering *peering, uint64_t now_ns) {
    struct rw_stream *under = NULL;
    if (peering->listener < 0 || rw_tcp_accept(peering->listener, &under) <= 0) return;
    if (peering->stream) rw_stream_close(peering->stream);
    shake_hands(peering, now_ns, under);
}

static void dial(struct rw_peering *peering, uint64_t now_ns) {
    if (peering->joined || now_ns < peering->due_ns) return;
    if (rw_tcp_connect(&peering->peer_address, &peering->stream)) {
        give_up(peering, now_ns, rw_err_text());
        return;
    }
    peering->state = RW_PEERING_CONNECTING;
    peering->deadline_ns = now_ns + ATTEMPT_NS;
}

static void connect_on(struct rw_peering *peering, uint64_t now_ns) {
    int rc = rw_tcp_connect_step(peering->stream);
    if (rc < 0) {
        give_up(peering, now_ns, rw_err_text());
    } else if (rc > 0) {
        shake_hands(peering, now_ns, peering->stream);
    }
}

struct rw_stream *rw_peering_step(struct rw_peering *peering, uint64_t now_ns) {
    watch_session(peering, now_ns);
    accept_newest(peering, now_ns);
    if (peering->state == RW_PEERING_IDLE && peering->dials) dial(peering, now_ns);
    if (peering->state == RW_PEERING_CONNECTING) connect_on(peering, now_ns);
    if (peering->state != RW_PEERING_IDLE && now_ns > peering->deadline_ns)
        give_up(peering, now_ns, "no answer within two seconds");
    if (peering->state != RW_PEERING_HANDSHAKE) return NULL;
    int rc = rw_tls_handshake_step(peering->stream);
    if (rc < 0) give_up(peering, now_ns, rw_err_text());
    if (rc <= 0) return NULL;
    struct rw_stream *session = peering->stream;
    peering->stream = NULL;
    peering->state = RW_PEERING_IDLE;
    peering->joined++;
    peering->joined_ns = now_ns;
    snprintf(peering->cipher, sizeof peering->cipher, "%s", rw_tls_cipher(session));
    peering->announced = false;
    if (!peering->broken_off) announce(peering);
    return session;
}

void rw_peering_lost(struct rw_peering *peering, uint64_t now_ns, const char *why) {
    RW_ASSERT(peering->joined > 0);
    watch_session(peering, now_ns);
    if (is_news(peering, why) || peering->announced)
        rw_info("session with peer '%s' ended%s%s", peering->peer_name, *why ? ": " : "", why);
    if (--peering->joined > 0) return; /* the old one: the new one stands */
    peering->broken_off = now_ns - peering->joined_ns < STANDING_NS;
    rest(peering, now_ns);
}

void rw_peering_close(struct rw_peering *peering) {
    rw_stream_close(peering->stream);
    peering->stream = NULL;
    if (peering->listener >= 0) close(peering->listener);
    peering->listener = -1;
    rw_tls_context_free(peering->context);
    peering->context = NULL;
}
