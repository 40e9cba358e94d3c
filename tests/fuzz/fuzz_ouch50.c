/* Any bytes as SoupBinTCP packets, each of them as an OUCH 5.0 message of both directions. */
#include <stdint.h>

#include "dataplane/feed/ouch50.h"
#include "dataplane/record/soupbintcp.h"
#include "tests/fuzz/venue_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum rw_message_verdict find_in(const uint8_t *message, uint32_t bytes,
                                       const struct rw_message_type **type) {
    return rw_ouch50_find(&rw_ouch50_in_table, message, bytes, type);
}

static enum rw_message_verdict find_out(const uint8_t *message, uint32_t bytes,
                                        const struct rw_message_type **type) {
    return rw_ouch50_find(&rw_ouch50_out_table, message, bytes, type);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct rw_soup_packet soup;
    for (size_t at = 0; at < size;) {
        int bytes = rw_soup_parse(data + at, size - at, &soup);
        if (bytes <= 0) break;
        try_message(find_in, &rw_ouch50_in_table, 0, soup.payload, soup.payload_bytes);
        try_message(find_out, &rw_ouch50_out_table, 0, soup.payload, soup.payload_bytes);
        at += (size_t)bytes;
    }
    return 0;
}
