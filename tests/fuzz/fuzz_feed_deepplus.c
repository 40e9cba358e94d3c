/* Any packets of IEX DEEP+ through the feed. */
#include "tests/fuzz/deep_fuzz.h"

static uint32_t header(uint8_t *to, uint64_t sequence, uint8_t count, uint32_t bytes) {
    return deep_fuzz_header(to, RW_IEXTP_DEEPPLUS, sequence, count, bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    feed_fuzz_run(&rw_deepplus_venue, header, feed_fuzz_check_named, data, size);
    return 0;
}
