/* The decoder of the pair's messages on any bytes: it stays inside them, and whatever it accepts
 * it also encodes to the same frame again. */
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "replication/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t again[RW_WIRE_FRAME_MAX];
    struct rw_message message;
    size_t at = 0;
    while (at < size) {
        int32_t used = rw_wire_decode(data + at, (uint32_t)(size - at), &message);
        if (used <= 0) break;
        RW_ASSERT((size_t)used <= size - at);
        RW_ASSERT(rw_wire_bytes(&message) == (uint32_t)used);
        RW_ASSERT(rw_wire_encode(&message, again, sizeof again) == (uint32_t)used);
        RW_ASSERT(memcmp(again, data + at, (size_t)used) == 0);
        at += (size_t)used;
    }
    return 0;
}
