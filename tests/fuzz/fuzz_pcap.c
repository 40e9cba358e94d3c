/* A capture of any bytes: it is refused, or gives records that lie within the limits and then
 * ends. */
#include <stdint.h>

#include "dataplane/base/assert.h"
#include "dataplane/io/pcap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct rw_pcap *reader;
    struct rw_pcap_record record;
    static volatile uint8_t seen
        __attribute__((unused)); /* so that the reads are not optimised away */
    uint64_t records = 0, bytes = 0;
    int rc;
    if (rw_pcap_open_memory("fuzz", data, size, &reader)) return 0;
    while ((rc = rw_pcap_next(reader, &record)) == 1) {
        uint8_t sum = 0;
        RW_ASSERT(record.bytes <= RW_PCAP_RECORD_BYTES_MAX);
        RW_ASSERT(record.original_bytes >= record.bytes);
        for (uint32_t i = 0; i < record.bytes; i++) sum ^= record.frame[i]; /* all of it is there */
        seen ^= sum;
        records++;
        bytes += record.bytes;
        RW_ASSERT(bytes <= size);
    }
    RW_ASSERT(rc <= 0 && rw_pcap_next(reader, &record) == 0);
    struct rw_pcap_count count = rw_pcap_counted(reader);
    RW_ASSERT(count.records == records && count.bytes == bytes && count.cut <= 1);
    rw_pcap_close(reader);
    return 0;
}
