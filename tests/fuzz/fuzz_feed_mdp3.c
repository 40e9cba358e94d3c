/* Any packets of MDP 3.0 through the feed: the stream, the loops, gaps between them. */
#include "dataplane/feed/mdp3.h"
#include "dataplane/feed/mdp3_book.h"
#include "tests/fuzz/feed_fuzz.h"

/* A packet is one message of the sequence, whatever it holds. */
static uint32_t header(uint8_t *to, uint64_t sequence, uint8_t count, uint32_t bytes) {
    memset(to, 0, RW_MDP3_PACKET_HEADER_BYTES);
    rw_store_le32(to, (uint32_t)sequence);
    return RW_MDP3_PACKET_HEADER_BYTES;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    feed_fuzz_run(&rw_mdp3_venue, header, NULL, data, size);
    return 0;
}
