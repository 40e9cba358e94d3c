/* glimpse_core: the client's side of a GLIMPSE snapshot over SoupBinTCP, over bytes alone.
 *
 *   start ─► LOGIN ── 'A' ──► LOADING ── 'S' 'S' 'S' … ── 'S' with 'G' ──► DONE: go on from here
 *              └─────────────────┴── refusal, silence, garbage, early end ──► FAILED: why
 *
 * The venue's whole state comes as sequenced messages in the layouts of its feed: directory,
 * trading states, one add per resting order. The last one, 'G', says to which sequence of the feed
 * the state belongs. Venues differ in how they write that number and in what it means, so both are
 * configuration. The caller moves the bytes; what is received is bounded in every respect.
 *
 * Pure: no clock, allocation or I/O. One thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/feed/venue_packet.h"

#define RW_GLIMPSE_MESSAGE_MAX 1024u /* no venue message is longer */

struct rw_glimpse_cfg {
    char username[7], password[11];
    bool end_is_binary;    /* 'G' and 8 big-endian bytes; else 'G' and 20 ASCII characters */
    bool end_is_last;      /* the number is that of the last message in the snapshot; else that of
                              the first one after it */
    uint64_t messages_max; /* more than these are garbage */
    uint64_t beat_ns;      /* heartbeat of the client; 0 stands for 1 s */
    uint64_t silence_ns;   /* after so long without a byte the server is gone; 0 stands for 15 s */
};

enum rw_glimpse_state {
    RW_GLIMPSE_IDLE = 0,
    RW_GLIMPSE_LOGIN,
    RW_GLIMPSE_LOADING,
    RW_GLIMPSE_DONE,
    RW_GLIMPSE_FAILED,
};

enum rw_glimpse_failure {
    RW_GLIMPSE_NO_FAILURE = 0,
    RW_GLIMPSE_REJECTED,  /* user name, password or session not accepted */
    RW_GLIMPSE_GARBAGE,   /* not SoupBinTCP, or nothing that belongs here */
    RW_GLIMPSE_EARLY_END, /* the connection or the session ended before 'G' */
    RW_GLIMPSE_BAD_END,   /* the number of 'G' is none */
    RW_GLIMPSE_TOO_MANY,  /* more messages than messages_max */
    RW_GLIMPSE_SILENT,    /* nothing came for silence_ns */
    RW_GLIMPSE_FAILURE_COUNT,
};

struct rw_glimpse;

/* rw_glimpse_footprint returns the bytes that rw_glimpse_new needs, a multiple of 64. */
size_t rw_glimpse_footprint(void);
/* rw_glimpse_new formats memory (64-byte aligned, owned by the caller): IDLE. Never fails. */
struct rw_glimpse *rw_glimpse_new(void *memory, const struct rw_glimpse_cfg *cfg);
/* rw_glimpse_start begins anew, on a fresh connection: the log-in waits to be sent. */
void rw_glimpse_start(struct rw_glimpse *glimpse, uint64_t now_ns);

/* rw_glimpse_out returns the bytes to be sent now, *count of them (0: none); rw_glimpse_sent takes
 * away the first `count`. */
const uint8_t *rw_glimpse_out(const struct rw_glimpse *glimpse, uint32_t *count);
void rw_glimpse_sent(struct rw_glimpse *glimpse, uint32_t count);
/* rw_glimpse_in returns where received bytes go, *room of them (0: call rw_glimpse_next first);
 * rw_glimpse_received says how many were put there. Any messages taken before are gone then. */
uint8_t *rw_glimpse_in(struct rw_glimpse *glimpse, uint32_t *room);
void rw_glimpse_received(struct rw_glimpse *glimpse, uint32_t count, uint64_t now_ns);
/* rw_glimpse_closed says that the connection has ended. */
void rw_glimpse_closed(struct rw_glimpse *glimpse);
/* rw_glimpse_now lets time pass: heartbeats, silence. */
void rw_glimpse_now(struct rw_glimpse *glimpse, uint64_t now_ns);

/* rw_glimpse_next takes the next message of the snapshot; false when none is complete. Its bytes
 * stay valid until rw_glimpse_in is called; its sequence counts from 1. Look at the state when it
 * says false. */
bool rw_glimpse_next(struct rw_glimpse *glimpse, struct rw_block *message);

enum rw_glimpse_state rw_glimpse_state(const struct rw_glimpse *glimpse);
enum rw_glimpse_failure rw_glimpse_failure(const struct rw_glimpse *glimpse);
/* rw_glimpse_sequence returns the sequence of the feed to go on from, ≥ 1. After DONE only. */
uint64_t rw_glimpse_sequence(const struct rw_glimpse *glimpse);
