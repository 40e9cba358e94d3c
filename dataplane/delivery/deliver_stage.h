/* The deliver stage: the last hop. It takes merge's numbered results, writes every one to the
 * result journal, holds it until the commit index covers its input, and then publishes it.
 *
 *   merge ─► [ pending ring ]──────────── commit ≥ n ∧ stored ──► broadcast ring (shared memory)
 *                  │  older                     ▲                └► SoupBinTCP clients
 *                  └► result journal ──read back┘ (and older re-requests of clients)
 *
 * It is never blocked by a reader: the broadcast ring overruns slow readers, and a SoupBinTCP
 * client that does not take its data within slow_timeout_ns is disconnected and counted.
 *
 *   in[0]  merge, 128-byte slots: struct rw_result, struct rw_result_end     out: none
 *
 * Sockets are accepted without blocking in poll, so no link to the cold thread is needed. It
 * writes the watermarks `stored` and `released`. */
#pragma once

#include <stdint.h>

#include "dataplane/stage/stage.h"

#define RW_DELIVER_CLIENTS_MAX 64u

struct rw_deliver_cfg {
    char session[11];                         /* ten characters and a NUL, equal at both sites */
    const char *broadcast_path;               /* <run_dir>/<site>/results; replaced at start */
    uint64_t broadcast_records;               /* power of two, 1,024..2^24; 128 B each */
    uint64_t pending_records;                 /* power of two, 1,024..2^24; 128 B each */
    const char *journal_dir;                  /* of the result journal; emptied at start */
    uint64_t journal_segment_bytes;           /* 0 = the journal's default */
    const char *soup_address;                 /* "127.0.0.1", "::"; NULL = no SoupBinTCP */
    uint16_t soup_port;                       /* 0 = the kernel chooses; see rw_deliver_soup_port */
    uint32_t soup_clients_max;                /* 1..RW_DELIVER_CLIENTS_MAX */
    char soup_username[7], soup_password[11]; /* "" = any is accepted */
    uint64_t soup_heartbeat_ns;               /* 0 = 1 s */
    uint64_t soup_login_timeout_ns;           /* 0 = 5 s */
    uint64_t soup_silence_timeout_ns;         /* 0 = 15 s */
    uint64_t soup_slow_timeout_ns;            /* 0 = 5 s: unsent for longer = disconnected */
};

extern const struct rw_stage_type rw_deliver_stage_type;

/* rw_deliver_cold_step keeps zeroed segments of the result journal ready: at most 1 MiB of
 * zeroes or one metadata call. Returns as rw_journal_cold_step. The cold thread only, beside the
 * stage thread. */
int rw_deliver_cold_step(void *stage, uint64_t now_ns);
/* rw_deliver_journal_error returns 0, or the errno after which the result journal takes nothing
 * more, as of the last housekeeping. After init, any thread. */
int rw_deliver_journal_error(const void *stage);
/* rw_deliver_soup_port returns the port the listener is bound to, 0 when there is none. After
 * init. */
uint16_t rw_deliver_soup_port(const void *stage);
