/* Any bytes as a PITCH unit. */
#include <stdint.h>

#include "dataplane/feed/pitch.h"
#include "tests/fuzz/venue_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct rw_packet packet;
    if (rw_pitch_decode(data, size, &packet))
        try_packet(&packet, data, size, rw_pitch_find, &rw_pitch_table, RW_PITCH_BODY);
    return 0;
}
