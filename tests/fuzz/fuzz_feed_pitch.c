/* Any packets of a PITCH unit through the feed. */
#include "dataplane/feed/pitch.h"
#include "dataplane/feed/pitch_book.h"
#include "tests/fuzz/feed_fuzz.h"

static uint32_t header(uint8_t *to, uint64_t sequence, uint8_t count, uint32_t bytes) {
    rw_store_le16(to, (uint16_t)(RW_PITCH_HEADER_BYTES + bytes));
    to[2] = count;
    to[3] = 1;
    rw_store_le32(to + 4, (uint32_t)sequence);
    return RW_PITCH_HEADER_BYTES;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    feed_fuzz_run(&rw_pitch_venue, header, feed_fuzz_check_named, data, size);
    return 0;
}
