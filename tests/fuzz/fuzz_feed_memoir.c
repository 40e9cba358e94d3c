/* Any packets of MEMOIR Depth through the feed. */
#include "dataplane/feed/memoir.h"
#include "dataplane/feed/memoir_book.h"
#include "tests/fuzz/feed_fuzz.h"

static uint32_t header(uint8_t *to, uint64_t sequence, uint8_t count, uint32_t bytes) {
    to[0] = 2;
    to[1] = RW_MEMOIR_HEADER_BYTES;
    rw_store_be64(to + 2, 42);
    rw_store_be64(to + 10, sequence);
    rw_store_be16(to + RW_MEMOIR_HEADER_BYTES, count);
    return RW_MEMOIR_HEADER_BYTES + RW_MEMOIR_COUNT_BYTES;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    feed_fuzz_run(&rw_memoir_venue, header, feed_fuzz_check_named, data, size);
    return 0;
}
