/* Any bytes as a MEMOIR packet. */
#include <stdint.h>

#include "dataplane/feed/memoir.h"
#include "tests/fuzz/venue_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct rw_packet packet;
    if (rw_memoir_decode(data, size, &packet))
        try_packet(&packet, data, size, rw_memoir_find, &rw_memoir_table, RW_MEMOIR_BODY);
    return 0;
}
