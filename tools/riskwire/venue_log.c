#include "tools/riskwire/venue_log.h"

#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"

static uint64_t start_of(const struct rw_venue_log *log, uint64_t number) {
    return number > 1 ? log->end[number - 2] : 0;
}

void rw_venue_log_add(struct rw_venue_log *log, const void *message, uint32_t bytes) {
    RW_ASSERT(bytes <= RW_VENUE_MESSAGE_MAX);
    if (log->count == log->room) {
        log->room = log->room ? 2 * log->room : 1024;
        log->end = realloc(log->end, log->room * sizeof *log->end);
    }
    uint64_t used = start_of(log, log->count + 1);
    if (used + bytes > log->bytes_room) {
        log->bytes_room = log->bytes_room ? 2 * log->bytes_room : 64 * RW_VENUE_MESSAGE_MAX;
        log->bytes = realloc(log->bytes, log->bytes_room);
    }
    RW_ASSERT(log->end && log->bytes);
    if (bytes) memcpy(log->bytes + used, message, bytes);
    log->end[log->count++] = used + bytes;
}

const uint8_t *rw_venue_log_get(const struct rw_venue_log *log, uint64_t number, uint32_t *bytes) {
    RW_ASSERT(number >= 1 && number <= log->count);
    uint64_t start = start_of(log, number);
    *bytes = (uint32_t)(log->end[number - 1] - start);
    return log->bytes + start;
}

void rw_venue_log_fini(struct rw_venue_log *log) {
    free(log->bytes);
    free(log->end);
    memset(log, 0, sizeof *log);
}
