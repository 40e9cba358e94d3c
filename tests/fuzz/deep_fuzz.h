/* A packet of IEX-TP that carries one of the DEEP protocols. */
#pragma once

#include "dataplane/feed/deep_book.h"
#include "dataplane/feed/iextp.h"
#include "tests/fuzz/feed_fuzz.h"

static inline uint32_t deep_fuzz_header(uint8_t *to, uint16_t protocol, uint64_t sequence,
                                        uint8_t count, uint32_t bytes) {
    memset(to, 0, RW_IEXTP_HEADER_BYTES);
    to[0] = RW_IEXTP_VERSION;
    rw_store_le16(to + 2, protocol);
    rw_store_le32(to + 8, 4711);
    rw_store_le16(to + 12, (uint16_t)bytes);
    rw_store_le16(to + 14, count);
    rw_store_le64(to + 24, sequence);
    return RW_IEXTP_HEADER_BYTES;
}
