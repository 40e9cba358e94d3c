/* Any bytes as an IEX-TP packet of DEEP+, whose table holds that of DEEP 1.0. */
#include <stdint.h>

#include "dataplane/feed/deep.h"
#include "dataplane/feed/iextp.h"
#include "tests/fuzz/venue_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum rw_message_verdict find(const uint8_t *message, uint32_t bytes,
                                    const struct rw_message_type **type) {
    return rw_deep_find(&rw_deepplus_table, message, bytes, type);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct rw_packet packet;
    if (rw_iextp_decode(data, size, &packet))
        try_packet(&packet, data, size, find, &rw_deepplus_table, 0);
    return 0;
}
