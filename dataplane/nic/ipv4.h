/* The IPv4 header: its checks and its sums, shared by everything here that reads or writes one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/base/bytes.h"

#define RW_IPV4_BYTES    20u     /* without options */
#define RW_IPV4_DF       0x4000u /* flags and offset: do not fragment */
#define RW_IPV4_FRAGMENT 0x3FFFu /* more fragments, or an offset */
#define RW_IPV4_IGMP     2u
#define RW_IPV4_TCP      6u
#define RW_IPV4_UDP      17u

enum rw_ipv4_verdict {
    RW_IPV4_FINE = 0,
    RW_IPV4_CUT, /* the frame ends inside the header */
    RW_IPV4_BAD, /* version, header length or total length cannot be right */
    RW_IPV4_BAD_CHECKSUM,
};

struct rw_ipv4 {
    uint32_t header_bytes; /* 20..60, all of them there */
    uint32_t total_bytes;  /* ≥ header_bytes; the frame may end before */
};

/* rw_ipv4_sum returns the 16-bit ones' complement sum of the bytes and an earlier sum. It adds
 * eight bytes at a time: the sum of 32-bit halves folds to the same value (RFC 1071), in 64 bits
 * nothing overflows. */
static inline uint32_t rw_ipv4_sum(const uint8_t *bytes, size_t count, uint64_t sum) {
    for (; count >= 8; count -= 8, bytes += 8)
        sum += (uint64_t)rw_load_be32(bytes) + rw_load_be32(bytes + 4);
    for (; count >= 2; count -= 2, bytes += 2) sum += rw_load_be16(bytes);
    if (count) sum += (uint32_t)bytes[0] << 8;
    while (sum >> 16) sum = (sum & 0xFFFF) + (sum >> 16);
    return (uint32_t)sum;
}

/* rw_ipv4_checksum returns what goes into a checksum field that is 0 now; over bytes with a right
 * checksum in them it returns 0. */
static inline uint16_t rw_ipv4_checksum(const uint8_t *bytes, size_t count) {
    return (uint16_t)~rw_ipv4_sum(bytes, count, 0);
}

/* rw_ipv4_parse checks the header at ip, of which `left` bytes are there; its checksum too if
 * `check` is set. *header is set on RW_IPV4_FINE. Pure. */
static inline enum rw_ipv4_verdict rw_ipv4_parse(const uint8_t *ip, size_t left, bool check,
                                                 struct rw_ipv4 *header) {
    if (left < RW_IPV4_BYTES) return RW_IPV4_CUT;
    header->header_bytes = (ip[0] & 15u) * 4u;
    header->total_bytes = rw_load_be16(ip + 2);
    if (ip[0] >> 4 != 4 || header->header_bytes < RW_IPV4_BYTES ||
        header->total_bytes < header->header_bytes)
        return RW_IPV4_BAD;
    if (left < header->header_bytes) return RW_IPV4_CUT;
    if (check && rw_ipv4_checksum(ip, header->header_bytes) != 0) return RW_IPV4_BAD_CHECKSUM;
    return RW_IPV4_FINE;
}
