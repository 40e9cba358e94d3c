/* IGMP of any bytes at any moments: no frame is larger than promised or comes earlier than due, and
 * the port falls silent when nobody asks. A script of bytes: length, hundredths of a second to
 * pass, packet. After an odd number of hundredths the packet's sums are made right. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/nic/igmp_core.h"
#include "dataplane/nic/ipv4.h"

#define MS 1000000ull
#define S  1000000000ull

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct port {
    struct rw_igmp_counters counters;
    struct rw_igmp_core core;
    uint64_t now_ns;
};

static uint32_t frames_until(struct port *port, uint64_t end_ns) {
    uint8_t *frame = malloc(RW_IGMP_FRAME_BYTES); /* its own block, so that ASan sees its end */
    uint32_t frames = 0;
    RW_ASSERT(frame);
    while (port->core.due_ns <= end_ns) {
        if (port->core.due_ns > port->now_ns) port->now_ns = port->core.due_ns;
        size_t bytes = rw_igmp_next(&port->core, port->now_ns, frame);
        RW_ASSERT(bytes <= RW_IGMP_FRAME_BYTES && (bytes == 0 || bytes >= RW_ETHER_FRAME_MIN));
        frames += bytes > 0;
    }
    RW_ASSERT(rw_igmp_next(&port->core, port->now_ns, frame) == 0);
    port->now_ns = end_ns;
    free(frame);
    return frames;
}

/* copy_of copies a packet, its IPv4 and IGMP checksums made right; blocks of their own, for
 * ASan. */
static uint8_t *copy_of(const uint8_t *packet, size_t bytes, bool with_sums) {
    uint8_t *copy = malloc(bytes ? bytes : 1);
    RW_ASSERT(copy);
    memcpy(copy, packet, bytes);
    size_t header = bytes ? (copy[0] & 15u) * 4u : 0;
    if (!with_sums || header < RW_IPV4_BYTES || header + 8 > bytes) return copy;
    size_t total = rw_load_be16(copy + 2);
    rw_store_be16(copy + 10, 0);
    rw_store_be16(copy + 10, rw_ipv4_checksum(copy, header));
    if (total < header + 8 || total > bytes) return copy;
    rw_store_be16(copy + header + 2, 0);
    rw_store_be16(copy + header + 2, rw_ipv4_checksum(copy + header, total - header));
    return copy;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct port port;
    struct rw_ether_self self = {.mac = {2, 0, 0, 0, 0, 1}, .vlan = 5, .address = 0x0A000002};
    memset(&port, 0, sizeof port);
    rw_igmp_init(&port.core, &self, &port.counters);
    for (uint32_t i = 0; i < 20; i++)
        for (uint32_t k = 0; k < 1 + i % 3; k++)
            RW_ASSERT(rw_igmp_want(&port.core, 0xE9360C00 + i, i % 2 ? 1 + k : 0) == 0);
    rw_igmp_join(&port.core, port.now_ns);
    while (size >= 2) {
        size_t bytes = data[0];
        uint64_t end_ns = port.now_ns + data[1] * 10 * MS;
        bool with_sums = data[1] & 1;
        data += 2;
        size -= 2;
        if (bytes > size) bytes = size;
        uint8_t *packet = copy_of(data, bytes, with_sums);
        rw_igmp_take(&port.core, packet, bytes, port.now_ns);
        free(packet);
        data += bytes;
        size -= bytes;
        /* at most 1,000 frames a second, each on its own millisecond */
        uint64_t span_ms = (end_ns - port.now_ns) / MS;
        RW_ASSERT(frames_until(&port, end_ns) <= span_ms + 1);
    }
    frames_until(&port, port.now_ns + 100000 * S); /* answers, and what becomes of IGMPv2 */
    RW_ASSERT(port.core.due_ns == RW_IGMP_NEVER);
    rw_igmp_leave(&port.core, port.now_ns);
    RW_ASSERT(frames_until(&port, port.now_ns + 100 * S) >= 1);
    RW_ASSERT(port.core.due_ns == RW_IGMP_NEVER);
    return 0;
}
