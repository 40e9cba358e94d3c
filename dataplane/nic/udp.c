/* Checks run in the order in which the bytes lie, so each reason is reported by the first that
 * fails. */
#include "dataplane/nic/udp.h"

#include <stdbool.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/bytes.h"

#define ETHERNET_BYTES 14u
#define ETHERTYPE_IPV4 0x0800u
#define ETHERTYPE_VLAN 0x8100u
#define ETHERTYPE_QINQ 0x88A8u
#define VLAN_TAGS_MAX  2u
#define IPV4_BYTES     20u
#define IPV4_DF        0x4000u
#define IPV4_FRAGMENT  0x3FFFu /* more fragments, or an offset */
#define PROTOCOL_UDP   17u
#define UDP_BYTES      8u

static uint32_t ones_sum(const uint8_t *bytes, size_t count, uint64_t sum);
static uint16_t udp_checksum(const uint8_t *ip, const uint8_t *udp, uint32_t udp_bytes);

/* parse_ipv4 checks the IPv4 header; on RW_UDP_accepted *header_bytes and *total_bytes are set. */
static enum rw_udp_verdict parse_ipv4(const uint8_t *ip, size_t left, unsigned check,
                                      uint32_t *header_bytes, uint32_t *total_bytes) {
    if (left < IPV4_BYTES) return RW_UDP_cut_header;
    *header_bytes = (ip[0] & 15u) * 4u;
    *total_bytes = rw_load_be16(ip + 2);
    if (ip[0] >> 4 != 4 || *header_bytes < IPV4_BYTES || *total_bytes < *header_bytes)
        return RW_UDP_bad_ip_header;
    if (left < *header_bytes) return RW_UDP_cut_header;
    if ((check & RW_UDP_CHECK_IP) && ones_sum(ip, *header_bytes, 0) != 0xFFFF)
        return RW_UDP_bad_ip_checksum;
    if (ip[9] != PROTOCOL_UDP) return RW_UDP_not_udp;
    if (rw_load_be16(ip + 6) & IPV4_FRAGMENT) return RW_UDP_fragment;
    return RW_UDP_accepted;
}

enum rw_udp_verdict rw_udp_parse(const uint8_t *frame, size_t bytes, unsigned check,
                                 struct rw_udp *udp) {
    size_t at = ETHERNET_BYTES;
    if (bytes < at) return RW_UDP_cut_header;
    uint16_t type = rw_load_be16(frame + 12);
    udp->vlan_tags = 0;
    while (udp->vlan_tags < VLAN_TAGS_MAX && (type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ)) {
        if (bytes < at + 4) return RW_UDP_cut_header;
        type = rw_load_be16(frame + at + 2);
        at += 4;
        udp->vlan_tags++;
    }
    if (type != ETHERTYPE_IPV4) return RW_UDP_not_ipv4;

    const uint8_t *ip = frame + at;
    uint32_t header_bytes, total_bytes;
    enum rw_udp_verdict verdict = parse_ipv4(ip, bytes - at, check, &header_bytes, &total_bytes);
    if (verdict != RW_UDP_accepted) return verdict;

    at += header_bytes;
    if (total_bytes < header_bytes + UDP_BYTES) return RW_UDP_bad_udp_length;
    if (bytes < at + UDP_BYTES) return RW_UDP_cut_header;
    const uint8_t *header = frame + at;
    uint32_t udp_bytes = rw_load_be16(header + 4);
    if (udp_bytes < UDP_BYTES || header_bytes + udp_bytes > total_bytes)
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
    uint8_t *ip = frame + ETHERNET_BYTES, *header = ip + IPV4_BYTES;
    bool multicast = udp->destination >> 28 == 14;
    memset(frame, 0, RW_UDP_HEADERS_BYTES);
    if (multicast) {
        /* RFC 1112: 01:00:5E and the low 23 bits of the group */
        rw_store_be16(frame, 0x0100);
        rw_store_be32(frame + 2, 0x5E000000u | (udp->destination & 0x7FFFFFu));
    } else {
        frame[0] = 2; /* a locally administered address */
        rw_store_be32(frame + 2, udp->destination);
    }
    frame[6] = 2;
    rw_store_be32(frame + 8, udp->source);
    rw_store_be16(frame + 12, ETHERTYPE_IPV4);

    ip[0] = 0x45;
    rw_store_be16(ip + 2, (uint16_t)(IPV4_BYTES + UDP_BYTES + udp->bytes));
    rw_store_be16(ip + 6, IPV4_DF);
    ip[8] = multicast ? 1 : 64;
    ip[9] = PROTOCOL_UDP;
    rw_store_be32(ip + 12, udp->source);
    rw_store_be32(ip + 16, udp->destination);
    rw_store_be16(ip + 10, (uint16_t)~ones_sum(ip, IPV4_BYTES, 0));

    rw_store_be16(header, udp->source_port);
    rw_store_be16(header + 2, udp->destination_port);
    rw_store_be16(header + 4, (uint16_t)(UDP_BYTES + udp->bytes));
    if (udp->bytes) memmove(header + UDP_BYTES, udp->payload, udp->bytes);
    uint16_t checksum = udp_checksum(ip, header, UDP_BYTES + udp->bytes);
    rw_store_be16(header + 6, checksum ? checksum : 0xFFFF); /* 0 on the wire means "none" */
    return RW_UDP_HEADERS_BYTES + udp->bytes;
}

/* ones_sum returns the 16-bit ones' complement sum of the bytes and an earlier sum. It adds eight
 * bytes at a time: the sum of 32-bit halves folds to the same value (RFC 1071), in 64 bits nothing
 * overflows. */
static uint32_t ones_sum(const uint8_t *bytes, size_t count, uint64_t sum) {
    for (; count >= 8; count -= 8, bytes += 8)
        sum += (uint64_t)rw_load_be32(bytes) + rw_load_be32(bytes + 4);
    for (; count >= 2; count -= 2, bytes += 2) sum += rw_load_be16(bytes);
    if (count) sum += (uint32_t)bytes[0] << 8;
    while (sum >> 16) sum = (sum & 0xFFFF) + (sum >> 16);
    return (uint32_t)sum;
}

/* udp_checksum returns the complement of the sum over pseudo-header and datagram: the checksum to
 * store when the field is 0, and 0 when the stored one is right. */
static uint16_t udp_checksum(const uint8_t *ip, const uint8_t *udp, uint32_t udp_bytes) {
    uint64_t pseudo =
        (uint64_t)rw_load_be32(ip + 12) + rw_load_be32(ip + 16) + PROTOCOL_UDP + udp_bytes;
    return (uint16_t)~ones_sum(udp, udp_bytes, pseudo);
}
