/* One walk down the headers; each length is checked before what it covers is read. */
#include "dataplane/nic/tcp.h"

#include "dataplane/base/bytes.h"
#include "dataplane/nic/ether.h"
#include "dataplane/nic/ipv4.h"

#define TCP_BYTES 20u

enum rw_tcp_verdict rw_tcp_parse(const uint8_t *frame, size_t bytes, struct rw_tcp *tcp) {
    struct rw_ether ether;
    struct rw_ipv4 ipv4;
    size_t at = rw_ether_parse(frame, bytes, &ether);
    if (at == 0 || ether.type != RW_ETHER_IPV4) return RW_TCP_NONE;
    const uint8_t *ip = frame + at;
    size_t left = bytes - at;
    if (rw_ipv4_parse(ip, left, false, &ipv4) != RW_IPV4_FINE) return RW_TCP_NONE;
    size_t header = ipv4.header_bytes, total = ipv4.total_bytes;
    if (ip[9] != RW_IPV4_TCP || (rw_load_be16(ip + 6) & RW_IPV4_FRAGMENT) ||
        total < header + TCP_BYTES || left < header + TCP_BYTES)
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
