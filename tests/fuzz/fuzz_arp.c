/* ARP of any bytes at any moments: an answer for each request that was let through, never more than
 * ten at once and ten a second, and every packet is counted once. A script of bytes: length,
 * milliseconds to pass, packet. */
#include <stdint.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/nic/arp_core.h"

#define MS 1000000ull

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct rw_arp_counters counters = {0};
    struct rw_arp_core core;
    struct rw_ether_self self = {.mac = {2, 0, 0, 0, 0, 1}, .address = 0x0A000002};
    uint8_t frame[RW_ARP_FRAME_BYTES];
    uint64_t now_ns = 0, packets = 0, own = 0;
    rw_arp_init(&core, &self, &counters);
    while (size >= 2) {
        size_t bytes = data[0];
        now_ns += data[1] * MS;
        data += 2;
        size -= 2;
        if (bytes > size) bytes = size;
        uint64_t before = rw_stat_get(&counters.address_conflicts);
        rw_arp_take(&core, data, bytes, now_ns);
        /* what seems to come from the port itself is not counted */
        own += bytes >= 28 && rw_load_be32(data + 14) == self.address &&
               !memcmp(data + 8, self.mac, 6) && before == rw_stat_get(&counters.address_conflicts);
        data += bytes;
        size -= bytes;
        packets++;
        RW_ASSERT(core.asker_count <= RW_ARP_ANSWERS_MAX);
        if (packets % 3 == 0) continue; /* the frames are not always fetched at once */
        size_t sent;
        while ((sent = rw_arp_next(&core, now_ns, frame)))
            RW_ASSERT(sent == RW_ETHER_FRAME_MIN && memcmp(frame + 6, self.mac, 6) == 0);
    }
    while (rw_arp_next(&core, now_ns, frame)) {
    }
    uint64_t answers = rw_stat_get(&counters.answer_frames);
    RW_ASSERT(answers <= RW_ARP_ANSWERS_MAX + now_ns / (100 * MS));
    RW_ASSERT(answers + rw_stat_get(&counters.requests_limited) == rw_stat_get(&counters.requests));
    uint64_t counted = rw_stat_get(&counters.requests) + rw_stat_get(&counters.others) +
                       rw_stat_get(&counters.not_understood) +
                       rw_stat_get(&counters.address_conflicts);
    RW_ASSERT(counted <= packets && counted + own >= packets);
    return 0;
}
