/* A frame of any bytes: nothing beyond it is read, and the segment lies inside it. */
#include <stdint.h>

#include "dataplane/base/assert.h"
#include "dataplane/nic/tcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct rw_tcp tcp;
    if (rw_tcp_parse(data, size, &tcp) != RW_TCP_NONE)
        RW_ASSERT(tcp.payload >= data && tcp.payload + tcp.bytes <= data + size);
    return 0;
}
