/* A frame of any bytes: nothing beyond it is read, and the payload lies inside it. */
#include <stdint.h>

#include "dataplane/base/assert.h"
#include "dataplane/nic/udp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    for (unsigned check = RW_UDP_CHECK_NONE; check <= RW_UDP_CHECK_ALL; check++) {
        struct rw_udp udp;
        enum rw_udp_verdict verdict = rw_udp_parse(data, size, check, &udp);
        RW_ASSERT(verdict < RW_UDP_VERDICTS);
        if (verdict != RW_UDP_accepted && verdict != RW_UDP_cut_payload) continue;
        RW_ASSERT(udp.payload >= data && udp.payload + udp.bytes <= data + size);
        RW_ASSERT(udp.vlan_tags <= 2);
    }
    return 0;
}
