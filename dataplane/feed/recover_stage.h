/* The recover stage: the sockets of the channels' recovery. It decides nothing: each feed's
 * recovery_core says whom to ask and when to take a snapshot, message_store what a peer gets.
 *
 *   feed[k] ─ orders ─► recover ─ requests ──► re-request servers (UDP), the peer first
 *   feed[k] ◄─ frames ──┤  └──── replies ────► peer (UDP; serve)
 *                       └─────── log-in ─────► snapshot server (GLIMPSE over SoupBinTCP)
 *
 *   in[k], out[k]: feed of the k-th channel, slots of RW_RECOVER_SLOT_BYTES, both elastic
 *
 * An answer counts only when it comes from the very address that was asked; a request of a peer
 * only when it comes from a host that is one of the channel's servers. Runs alike in every role.
 * The sockets are looked at every 100 us; a channel without servers, peer or snapshot has none. A
 * connection to the snapshot server is opened by the stage itself: non-blocking, without an
 * allocation. */
#pragma once

#include "dataplane/feed/glimpse_core.h"
#include "dataplane/feed/line_core.h"
#include "dataplane/feed/recover_link.h"
#include "dataplane/stage/stage.h"

#define RW_RECOVER_CHANNELS_MAX 8u
#define RW_RECOVER_TEXT_BYTES   256u

/* Addresses are HOST:PORT, resolved when the stage is set up; "" = none. */
struct rw_recover_channel {
    char name[RW_RECOVER_TEXT_BYTES]; /* of the feed, for messages and statistics */
    uint32_t servers;
    char server[RW_LINE_SERVERS_MAX][RW_RECOVER_TEXT_BYTES]; /* as in rw_recovery_cfg */
    char serve[RW_RECOVER_TEXT_BYTES];                       /* where peers may ask */
    char snapshot[RW_RECOVER_TEXT_BYTES];
    struct rw_glimpse_cfg glimpse;
};

struct rw_recover_cfg {
    uint32_t channels;
    struct rw_recover_channel channel[RW_RECOVER_CHANNELS_MAX];
};

/* cfg is a struct rw_recover_cfg. */
extern const struct rw_stage_type rw_recover_stage_type;
