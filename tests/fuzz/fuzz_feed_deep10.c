/* Any packets of IEX DEEP 1.0 through the feed. */
#include "dataplane/feed/deep_book.h"
#include "dataplane/feed/iextp.h"
#include "dataplane/feed/named_books.h"
#include "tests/fuzz/feed_fuzz.h"

static uint32_t header(uint8_t *to, uint64_t sequence, uint8_t count, uint32_t bytes) {
    memset(to, 0, RW_IEXTP_HEADER_BYTES);
    to[0] = RW_IEXTP_VERSION;
    rw_store_le16(to + 2, RW_IEXTP_DEEP10);
    rw_store_le32(to + 8, 4711);
    rw_store_le16(to + 12, (uint16_t)bytes);
    rw_store_le16(to + 14, count);
    rw_store_le64(to + 24, sequence);
    return RW_IEXTP_HEADER_BYTES;
}

/* The books are the first member. */
static void check(const void *books) {
    rw_book_check((*(struct rw_named_books *const *)books)->book);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    feed_fuzz_run(&rw_deep10_venue, header, check, data, size);
    return 0;
}
