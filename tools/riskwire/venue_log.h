/* Messages by number 1, 2, 3, …: what a venue has sent in a session, and what its servers send
 * again. Grows; never forgets. One thread. */
#pragma once

#include <stdint.h>

#define RW_VENUE_MESSAGE_MAX 1024u

struct rw_venue_log {
    uint64_t count; /* the number of the newest message */
    uint8_t *bytes;
    uint64_t *end; /* [count]: behind the last byte of each message */
    uint64_t room, bytes_room;
};

/* rw_venue_log_add appends a message (0..RW_VENUE_MESSAGE_MAX bytes, copied) to a log that began
 * as all zero. Want of memory aborts. */
void rw_venue_log_add(struct rw_venue_log *log, const void *message, uint32_t bytes);
/* rw_venue_log_get returns a message by number (1..count, asserted) and its length. It stays until
 * the next add. */
const uint8_t *rw_venue_log_get(const struct rw_venue_log *log, uint64_t number, uint32_t *bytes);
/* rw_venue_log_fini frees what the log holds and leaves an empty one. */
void rw_venue_log_fini(struct rw_venue_log *log);
