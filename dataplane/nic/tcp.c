/* One walk down the headers; each length is checked before what it covers is read. */
#include "dataplane/nic/tcp.h"

#include "dataplane/base/bytes.h"

#define ETHERNET_BYTES 14u
#define ETHERTYPE_IPV4 0x0800u
#define ETHERTYPE_VLAN 0x8100u
#define ETHERTYPE_QINQ 0x88A8u
#define VLAN_TAGS_MAX  2u
#define IPV4_BYTES     20u
#define IPV4_FRAGMENT  0x3FFFu /* more fragments, or an offset */
#define PROTOCOL_TCP   6u
#define TCP_BYTES      20u

/* network_offset returns where the IPv4 header starts, 0 when there is none. */
static size_t network_offset(const uint8_t *frame, size_t bytes) {
    size_t at = ETHERNET_BYTES;
    for (uint32_t tags = 0; tags <= VLAN_TAGS_MAX && bytes >= at; tags++, at += 4) {
        uint16_t type = rw_load_be16(frame + at - 2);
        if (type == ETHERTYPE_IPV4) return at;
        if (type != ETHERTYPE_VLAN && type != ETHERTYPE_QINQ) return 0;
    }
    return 0;
}

enum rw_tcp_verdict rw_tcp_parse(const uint8_t *frame, size_t bytes, struct rw_tcp *tcp) {
    size_t at = network_offset(frame, bytes);
    if (at == 0 || bytes < at + IPV4_BYTES) return RW_TCP_NONE;
    const uint8_t *ip = frame + at;
    size_t left = bytes - at, header = (ip[0] & 15u) * 4u, total = rw_load_be16(ip + 2);
    if (ip[0] >> 4 != 4 || header < IPV4_BYTES || ip[9] != PROTOCOL_TCP ||
        (rw_load_be16(ip + 6) & IPV4_FRAGMENT) || total < header + TCP_BYTES ||
        left < header + TCP_BYTES)
        return RW_TCP_NONE;
    const uint8_t *segment = ip + header;
    size_t offset = header + (segment[12] >> 4) * 4u;
    if (offset < header + TCP_BYTES || offset > total || offset > left) return RW_TCP_NONE;
    tcp->source = rw_load_be32(ip + 12);
    tcp->destination = rw_load_be32(ip + 16);
    tcp->source_port = rw_load_be16(segment);
    tcp->destination_port = rw_load_be16(segment + 2);
    tcp->sequence = rw_load_be32(segment + 4);
    tcp->payload = ip + offset;
    tcp->bytes = (uint32_t)((left < total ? left : total) - offset);
    return left < total ? RW_TCP_CUT : RW_TCP_WHOLE;
}
