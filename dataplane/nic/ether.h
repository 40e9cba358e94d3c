/* The Ethernet header with its VLAN tags, as all readers and writers of frames here see it.
 *
 *   ┌ destination 6 ┬ source 6 ┬ [ 8100|88A8, tag ] ×0–2 ┬ EtherType 2 ┬ network header …
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "dataplane/base/bytes.h"

#define RW_ETHER_BYTES         14u
#define RW_ETHER_VLAN_BYTES    4u
#define RW_ETHER_TAGS_MAX      2u
#define RW_ETHER_ADDRESS_BYTES 6u
#define RW_ETHER_FRAME_MIN     60u /* without the checksum that the device adds */
#define RW_ETHER_IPV4          0x0800u
#define RW_ETHER_ARP           0x0806u
#define RW_ETHER_VLAN          0x8100u
#define RW_ETHER_QINQ          0x88A8u

struct rw_ether {
    uint16_t type; /* behind the tags; a third tag stays here as RW_ETHER_VLAN */
    uint16_t tags; /* 0..RW_ETHER_TAGS_MAX */
    uint16_t vlan; /* of the outermost tag; 0 when there is none (or only a priority) */
};

/* Who a port is on its network; own frames come from there. */
struct rw_ether_self {
    uint8_t mac[RW_ETHER_ADDRESS_BYTES];
    uint16_t vlan;    /* 1..4,094 = own frames carry this tag, others' are not for us; 0 = no tag */
    uint32_t address; /* IPv4, host byte order; 0 = none */
};

/* rw_ether_parse returns where the network header starts, or 0 when the frame ends before that. The
 * network header itself may lie beyond the end. Reads only `bytes` bytes. Pure. */
static inline size_t rw_ether_parse(const uint8_t *frame, size_t bytes, struct rw_ether *ether) {
    size_t at = RW_ETHER_BYTES;
    if (bytes < at) return 0;
    *ether = (struct rw_ether){.type = rw_load_be16(frame + 12)};
    while (ether->tags < RW_ETHER_TAGS_MAX &&
           (ether->type == RW_ETHER_VLAN || ether->type == RW_ETHER_QINQ)) {
        if (bytes < at + RW_ETHER_VLAN_BYTES) return 0;
        if (ether->tags++ == 0) ether->vlan = rw_load_be16(frame + at) & 0xFFFu;
        ether->type = rw_load_be16(frame + at + 2);
        at += RW_ETHER_VLAN_BYTES;
    }
    return at;
}

/* rw_ether_group_mac writes the address that frames to an IPv4 multicast group carry (RFC 1112):
 * 01:00:5E and the low 23 bits of the group. */
static inline void rw_ether_group_mac(uint32_t group, uint8_t mac[RW_ETHER_ADDRESS_BYTES]) {
    rw_store_be16(mac, 0x0100);
    rw_store_be32(mac + 2, 0x5E000000u | (group & 0x7FFFFFu));
}

/* rw_ether_begin writes the header of an own frame, with the port's tag if it has one, and returns
 * its bytes: 14 or 18. */
static inline size_t rw_ether_begin(uint8_t *frame, const struct rw_ether_self *self,
                                    const uint8_t to[RW_ETHER_ADDRESS_BYTES], uint16_t type) {
    size_t at = 12;
    memcpy(frame, to, RW_ETHER_ADDRESS_BYTES);
    memcpy(frame + 6, self->mac, RW_ETHER_ADDRESS_BYTES);
    if (self->vlan) {
        rw_store_be16(frame + at, RW_ETHER_VLAN);
        rw_store_be16(frame + at + 2, self->vlan);
        at += RW_ETHER_VLAN_BYTES;
    }
    rw_store_be16(frame + at, type);
    return at + 2;
}
