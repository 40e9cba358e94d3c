/* message_store: the newest venue messages of a channel, kept so that they can be asked for again.
 *
 *   place[sequence & mask] ──► │len│message│len│message│len│message│ …   a ring of bytes, in the
 *                                                        head ─┘          blocks of MoldUDP64
 *
 * A site answers its peer from here: what one site has lost on both lines the other has usually
 * had. A message is put once, in order; the oldest go when bytes or places run out. A jump of the
 * sequence leaves a hole that is never answered.
 *
 * An answer is one ordinary downstream packet from the first wanted message on, as far as messages,
 * hole and capacity reach. To a request for what is not here the answer is an empty packet with the
 * sequence that was asked for: the requester need not wait for its time-out before it asks another
 * server. A request for another session is not answered.
 *
 * Pure: no clock, allocation or I/O. One thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/feed/moldudp64.h"
#include "dataplane/stats/stats.h"

#define RW_STORE_COUNTERS(X)                                                                 \
    X(stored, "messages", "messages kept, each once")                                        \
    X(requests, "requests", "requests of the peer for messages of this channel")             \
    X(answered, "requests", "of these, answered with messages")                              \
    X(messages_sent, "messages", "messages in these answers")                                \
    X(not_here, "requests", "of these, answered with an empty packet: gone, or not had yet") \
    X(wrong_session, "requests", "ignored: of another session")                              \
    X(malformed, "requests", "ignored: not a request")
RW_STATS_STRUCT(rw_store_counters, RW_STORE_COUNTERS);

struct rw_store_cfg {
    uint64_t bytes;    /* of message blocks; a power of two from 128 KiB to 2^40 */
    uint32_t messages; /* a power of two */
};

struct rw_store;

/* rw_store_footprint returns the bytes that rw_store_new needs, a multiple of 64. */
size_t rw_store_footprint(const struct rw_store_cfg *cfg);
/* rw_store_new formats memory (64-byte aligned, owned by the caller) as an empty store. counters
 * outlive it. Never fails; a size that is no power of two asserts. */
struct rw_store *rw_store_new(void *memory, const struct rw_store_cfg *cfg,
                              struct rw_store_counters *counters);
/* rw_store_begin forgets everything: what follows belongs to this session. */
void rw_store_begin(struct rw_store *store, const char session[RW_MOLD_SESSION_BYTES]);
/* rw_store_put keeps one message. sequence rises (asserted), by more than 1 over a hole. */
void rw_store_put(struct rw_store *store, uint64_t sequence, const void *bytes, uint16_t count);
/* rw_store_find returns the message, with its sequence, or false when it is not here. It stays in
 * place until the next put. */
bool rw_store_find(const struct rw_store *store, uint64_t sequence, struct rw_block *message);
/* Another place to look for a message, of which `from` is all that it needs to know; as
 * rw_store_find. */
typedef bool rw_store_more(const void *from, uint64_t sequence, struct rw_block *message);

/* rw_store_answer reads a request and writes the packet that answers it, at most `capacity` (≥ 20)
 * bytes. What is not in the store it looks for in `more` (NULL: nowhere). Returns the bytes of the
 * packet, 0 when there is to be no answer. */
size_t rw_store_answer(struct rw_store *store, const void *request, size_t request_bytes,
                       void *packet, size_t capacity, rw_store_more *more, const void *from);
