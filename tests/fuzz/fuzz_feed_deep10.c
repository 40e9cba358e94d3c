/* Any packets of IEX DEEP 1.0 through the feed. */
#include "tests/fuzz/deep_fuzz.h"

static uint32_t header(uint8_t *to, uint64_t sequence, uint8_t count, uint32_t bytes) {
    return deep_fuzz_header(to, RW_IEXTP_DEEP10, sequence, count, bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    feed_fuzz_run(&rw_deep10_venue, header, feed_fuzz_check_named, data, size);
    return 0;
}
