/* The messages of the pair protocol, as the core sees them (wire.h gives their bytes).
 *
 *   HELLO ⇄ HELLO       who am I, what do I hold, do I lead
 *   leader → follower   HELLO_ACK: from here our logs part · APPEND: entries · COMMIT: heartbeat
 *   follower → leader   ACK: I hold, have stored, have computed · NAK: again from here
 *   either way          DIVERGED, HALT
 *
 * An epoch is `number << 1 | site`: two sites can never lead the same one, and epochs are compared
 * as integers. */
#pragma once

#include <stdint.h>

#include "dataplane/base/hash.h"

#define RW_REPL_ANCHOR_EVERY 1024u /* entries between two anchors of the chain; also result marks */

/* rw_epoch_make, _number, _site: an epoch from its parts, and back. */
static inline uint64_t rw_epoch_make(uint64_t number, uint8_t site) { return number << 1 | site; }
static inline uint64_t rw_epoch_number(uint64_t epoch) { return epoch >> 1; }
static inline uint8_t rw_epoch_site(uint64_t epoch) { return (uint8_t)(epoch & 1); }

enum rw_message_type {
    RW_MESSAGE_HELLO = 1,
    RW_MESSAGE_HELLO_ACK = 2,
    RW_MESSAGE_APPEND = 3,
    RW_MESSAGE_ACK = 4,
    RW_MESSAGE_NAK = 5,
    RW_MESSAGE_COMMIT = 6,
    RW_MESSAGE_DIVERGED = 7,
    RW_MESSAGE_HALT = 8,
    RW_MESSAGE_TYPE_COUNT,
};

/* Who a site is. `incarnation` grows whenever the site may have lost something it had
 * acknowledged, so that old acknowledgements no longer count for it. {0, 0} = nobody. */
struct rw_identity {
    uint64_t store, incarnation;
};

/* rw_identity_equal compares two identities. */
static inline _Bool rw_identity_equal(struct rw_identity a, struct rw_identity b) {
    return a.store == b.store && a.incarnation == b.incarnation;
}

/* One point of a log (chain hash after entry `sequence`) or of the results (running hash after
 * input `sequence`). Sequence 0 has hash {0, 0}. */
struct rw_point {
    uint64_t sequence;
    struct rw_hash hash;
};

/* What must be equal at both sites before they talk about a log. */
struct rw_terms {
    struct rw_hash image;  /* reference data, positions, limits */
    struct rw_hash kernel; /* calculation code and numeric environment */
    struct rw_hash keys;   /* config keys marked as must-match */
    uint32_t calculation_version;
    uint16_t wire_lowest, wire_highest; /* versions this build can speak; the ranges must meet */
};

struct rw_hello {
    struct rw_terms terms;
    struct rw_point last;         /* end of the log */
    struct rw_point last_anchor;  /* at last & ~1023 */
    struct rw_point guard;        /* may have been released: must never be cut off */
    struct rw_point guard_anchor; /* at guard & ~1023 */
    uint64_t durable;
    uint64_t
        member_epoch; /* last epoch in which the site was a member (held all that was released) */
    struct rw_identity in_sync; /* the peer identity that counts in the epoch (of a leader, DUAL) */
    uint8_t leads;              /* 1 = claims the epoch of the header */
    uint8_t mode;               /* enum rw_mode of that epoch */
    uint8_t member;             /* 1 = holds all that can have been released, as far as it knows */
    uint8_t halted;
    uint8_t follows; /* 1 = has adopted the epoch of the header and waits for HELLO_ACK */
    uint8_t named;   /* 1 = the configuration names this site as first leader */
    char build[31];  /* version text, NUL-terminated */
};

struct rw_hello_ack {
    struct rw_point match; /* the last entry known to be the same in both logs */
};

struct rw_append {
    uint64_t first_sequence;
    uint32_t count;         /* ≥ 1 */
    uint32_t payload_bytes; /* multiple of 64 */
    struct rw_hash prev_chain;
    uint64_t commit;
    uint64_t leader_durable;
    struct rw_point result; /* the leader's running result hash, result.sequence ≤ commit */
    const uint8_t *payload; /* whole entries; not part of the fixed head */
};

struct rw_ack {
    uint64_t verified, durable;
    struct rw_point applied; /* highest computed input ≤ verified, with its running hash */
    struct rw_point mark;    /* the same at applied & ~1023 */
    uint64_t echo_ns;        /* the stamp of the newest APPEND or COMMIT, returned */
    uint64_t credit_bytes;   /* payload the leader may have on the way beyond `verified` */
};

struct rw_nak {
    uint64_t from;
};

struct rw_commit {
    uint64_t commit, leader_durable;
    struct rw_point result; /* as in rw_append */
};

struct rw_diverged {
    struct rw_point mine;
    struct rw_hash yours;
};

struct rw_message {
    uint8_t type; /* enum rw_message_type */
    uint8_t site;
    uint16_t reserved;
    uint32_t halt_reason; /* enum rw_pair_reason, of HALT */
    uint64_t number;      /* 1, 2, … per process, for the trace */
    uint64_t stamp_ns;    /* sender's clock, echoed by ACK */
    uint64_t epoch;       /* leader: the epoch it leads or claims; others: the highest adopted */
    struct rw_hash lineage;
    struct rw_identity identity;
    union {
        struct rw_hello hello;
        struct rw_hello_ack hello_ack;
        struct rw_append append;
        struct rw_ack ack;
        struct rw_nak nak;
        struct rw_commit commit;
        struct rw_diverged diverged;
    };
};
