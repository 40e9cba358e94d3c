/* Checks run in the order in which the bytes lie, so each reason is reported by the first that
 * fails. */
#include "dataplane/nic/udp.h"

#include <stdbool.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/bytes.h"
#include "dataplane/nic/ether.h"
#include "dataplane/nic/ipv4.h"

#define UDP_BYTES 8u

static uint16_t udp_checksum(const uint8_t *ip, const uint8_t *udp, uint32_t udp_bytes);

/* parse_ipv4 checks the IPv4 header; on RW_UDP_accepted *header is set. */
static enum rw_udp_verdict parse_ipv4(const uint8_t *ip, size_t left, unsigned check,
                                      struct rw_ipv4 *header) {
    static const uint8_t verdicts[] = {[RW_IPV4_CUT] = RW_UDP_cut_header,
                                       [RW_IPV4_BAD] = RW_UDP_bad_ip_header,
                                       [RW_IPV4_BAD_CHECKSUM] = RW_UDP_bad_ip_checksum};
    enum rw_ipv4_verdict verdict = rw_ipv4_parse(ip, left, check & RW_UDP_CHECK_IP, header);
    if (verdict != RW_IPV4_FINE) return verdicts[verdict];
    if (ip[9] != RW_IPV4_UDP) return RW_UDP_not_udp;
    if (rw_load_be16(ip + 6) & RW_IPV4_FRAGMENT) return RW_UDP_fragment;
    return RW_UDP_accepted;
}

enum rw_udp_verdict rw_udp_parse(const uint8_t *frame, size_t bytes, unsigned check,
                                 struct rw_udp *udp) {
    struct rw_ether ether;
    struct rw_ipv4 ipv4;
    size_t at = rw_ether_parse(frame, bytes, &ether);
    if (at == 0) return RW_UDP_cut_header;
    if (ether.type != RW_ETHER_IPV4) return RW_UDP_not_ipv4;
    udp->vlan_tags = ether.tags;

    const uint8_t *ip = frame + at;
    enum rw_udp_verdict verdict = parse_ipv4(ip, bytes - at, check, &ipv4);
    if (verdict != RW_UDP_accepted) return verdict;

    at += ipv4.header_bytes;
    if (ipv4.total_bytes < ipv4.header_bytes + UDP_BYTES) return RW_UDP_bad_udp_length;
    if (bytes < at + UDP_BYTES) return RW_UDP_cut_header;
    const uint8_t *header = frame + at;
    uint32_t udp_bytes = rw_load_be16(header + 4);
    if (udp_bytes < UDP_BYTES || ipv4.header_bytes + udp_bytes > ipv4.total_bytes)
        return RW_UDP_bad_udp_length;

    udp->source = rw_load_be32(ip + 12);
    udp->destination = rw_load_be32(ip + 16);
    udp->source_port = rw_load_be16(header);
    udp->destination_port = rw_load_be16(header + 2);
    udp->payload = header + UDP_BYTES;
    size_t there = bytes - at;
    udp->bytes = (uint16_t)((there < udp_bytes ? there : udp_bytes) - UDP_BYTES);
    if (there < udp_bytes) return RW_UDP_cut_payload;
    if ((check & RW_UDP_CHECK_UDP) && rw_load_be16(header + 6) != 0 &&
        udp_checksum(ip, header, udp_bytes) != 0)
        return RW_UDP_bad_udp_checksum;
    return RW_UDP_accepted;
}

const char *rw_udp_reason(enum rw_udp_verdict verdict) {
#define REASON_NAME(name, unit, sentence) #name,
    static const char *const names[] = {"accepted", RW_UDP_REASONS(REASON_NAME)};
    RW_ASSERT(verdict < RW_UDP_VERDICTS);
    return names[verdict];
}

size_t rw_udp_build(const struct rw_udp *udp, uint8_t *frame) {
    bool multicast = udp->destination >> 28 == 14;
    /* locally administered addresses, made from the IPv4 addresses */
    struct rw_ether_self self = {.mac = {2}};
    uint8_t to[RW_ETHER_ADDRESS_BYTES] = {2};
    rw_store_be32(self.mac + 2, udp->source);
    rw_store_be32(to + 2, udp->destination);
    if (multicast) rw_ether_group_mac(udp->destination, to);
    memset(frame, 0, RW_UDP_HEADERS_BYTES);
    uint8_t *ip = frame + rw_ether_begin(frame, &self, to, RW_ETHER_IPV4);
    uint8_t *header = ip + RW_IPV4_BYTES;

    ip[0] = 0x45;
    rw_store_be16(ip + 2, (uint16_t)(RW_IPV4_BYTES + UDP_BYTES + udp->bytes));
    rw_store_be16(ip + 6, RW_IPV4_DF);
    ip[8] = multicast ? 1 : 64;
    ip[9] = RW_IPV4_UDP;
    rw_store_be32(ip + 12, udp->source);
    rw_store_be32(ip + 16, udp->destination);
    rw_store_be16(ip + 10, rw_ipv4_checksum(ip, RW_IPV4_BYTES));

    rw_store_be16(header, udp->source_port);
    rw_store_be16(header + 2, udp->destination_port);
    rw_store_be16(header + 4, (uint16_t)(UDP_BYTES + udp->bytes));
    if (udp->bytes) memmove(header + UDP_BYTES, udp->payload, udp->bytes);
    uint16_t checksum = udp_checksum(ip, header, UDP_BYTES + udp->bytes);
    rw_store_be16(header + 6, checksum ? checksum : 0xFFFF); /* 0 on the wire means "none" */
    return RW_UDP_HEADERS_BYTES + udp->bytes;
}

/* udp_checksum returns the complement of the sum over pseudo-header and datagram: the checksum to
 * store when the field is 0, and 0 when the stored one is right. */
static uint16_t udp_checksum(const uint8_t *ip, const uint8_t *udp, uint32_t udp_bytes) {
    uint64_t pseudo =
        (uint64_t)rw_load_be32(ip + 12) + rw_load_be32(ip + 16) + RW_IPV4_UDP + udp_bytes;
    return (uint16_t)~rw_ipv4_sum(udp, udp_bytes, pseudo);
}
