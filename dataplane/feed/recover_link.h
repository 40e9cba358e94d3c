/* What feed and the recover stage tell each other. Both links are elastic: the one who has no room
 * tries again, and what is lost on the way is asked for again.
 *
 *   feed ──order──► recover: ask a server · reply to a peer · begin or abandon a snapshot
 *   feed ◄──frame── recover: an answer · a peer's request · parts and end of a snapshot */
#pragma once

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define RW_RECOVER_SLOT_BYTES    2048u
#define RW_RECOVER_PAYLOAD_BYTES (RW_RECOVER_SLOT_BYTES - 32u)
/* Longest datagram of a reply: whole in an Ethernet frame. */
#define RW_RECOVER_REPLY_BYTES 1472u

enum rw_recover_order_kind {
    RW_RECOVER_ASK = 1,     /* send the payload, a MoldUDP64 request, to `server` */
    RW_RECOVER_REPLY = 2,   /* send the payload to the peer of `peer` */
    RW_RECOVER_BEGIN = 3,   /* begin snapshot `number` */
    RW_RECOVER_ABANDON = 4, /* end it, if it is still under way */
};

struct rw_recover_order {
    uint64_t number;
    uint64_t peer; /* as in the frame that brought the request */
    uint16_t kind; /* enum rw_recover_order_kind */
    uint16_t server;
    uint16_t bytes; /* of payload */
    uint16_t reserved;
    uint64_t reserved2;
    uint8_t payload[];
};
static_assert(sizeof(struct rw_recover_order) == RW_RECOVER_SLOT_BYTES - RW_RECOVER_PAYLOAD_BYTES,
              "");

enum rw_recover_frame_kind {
    RW_RECOVER_ANSWER = 1,  /* payload: a datagram of `server` */
    RW_RECOVER_REQUEST = 2, /* payload: a datagram of a peer */
    RW_RECOVER_PART = 3,    /* payload: `count` messages of snapshot `number`, each behind its
                                    big-endian 16-bit length */
    RW_RECOVER_WHOLE = 4,   /* snapshot `number` is whole: go on at `sequence` */
    RW_RECOVER_FAILED = 5,  /* snapshot `number` will not be whole */
};

struct rw_recover_frame {
    uint64_t arrival_ns;
    uint64_t number;   /* of a snapshot, or of a peer's request */
    uint64_t sequence; /* RW_RECOVER_WHOLE */
    uint16_t kind;     /* enum rw_recover_frame_kind */
    uint16_t server;
    uint16_t count; /* messages in the payload */
    uint16_t bytes; /* of payload */
    uint8_t payload[];
};
static_assert(sizeof(struct rw_recover_frame) == RW_RECOVER_SLOT_BYTES - RW_RECOVER_PAYLOAD_BYTES,
              "");
