/* The way from an Ethernet frame to its UDP payload.
 *
 *   ┌ Ethernet 14 ┬ 0–2 VLAN tags ┬ IPv4 20–60 ┬ UDP 8 ┬ payload ┬ padding ┐
 *                                                 └── UDP length ──┘
 *
 * The UDP length says how long the payload is, never the frame: short frames are padded to 60
 * bytes. Whatever is not a whole, unfragmented, undamaged UDP datagram over IPv4 has a reason, one
 * each, in the order of the checks, so that received = accepted + Σ reasons. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Rows of a counter table (dataplane/stats): why a frame is refused, in the order of the checks. */
#define RW_UDP_REASONS(X)                                                                    \
    X(cut_header, "frames", "dropped: ends inside its Ethernet, VLAN, IPv4 or UDP header")   \
    X(not_ipv4, "frames", "dropped: EtherType is not IPv4 behind at most two VLAN tags")     \
    X(bad_ip_header, "frames",                                                               \
      "dropped: IPv4 version, header length or total length cannot be right")                \
    X(bad_ip_checksum, "frames", "dropped: IPv4 header checksum is wrong")                   \
    X(not_udp, "frames", "dropped: IPv4 protocol is not UDP")                                \
    X(fragment, "frames", "dropped: IPv4 fragment; market data is never fragmented")         \
    X(bad_udp_length, "frames",                                                              \
      "dropped: UDP length is below 8 or does not fit the IPv4 total length")                \
    X(cut_payload, "frames", "dropped: ends before the UDP length says, cut by the capture") \
    X(bad_udp_checksum, "frames", "dropped: UDP checksum is present and wrong")

#define RW_UDP_ENUM(name, unit, sentence) RW_UDP_##name,
enum rw_udp_verdict { RW_UDP_accepted = 0, RW_UDP_REASONS(RW_UDP_ENUM) RW_UDP_VERDICTS };

struct rw_udp {
    uint32_t source, destination; /* IPv4 addresses, host byte order */
    uint16_t source_port, destination_port;
    uint16_t bytes; /* of payload that is really there */
    uint16_t vlan_tags;
    const uint8_t *payload; /* points into the frame */
};

/* Which checksums rw_udp_parse verifies. Real captures carry wrong ones: edited headers, or packets
 * taken on the sending host before its NIC filled them in. Offline tools therefore check none; a
 * live port all. */
enum rw_udp_check {
    RW_UDP_CHECK_NONE = 0,
    RW_UDP_CHECK_IP = 1,
    RW_UDP_CHECK_UDP = 2, /* where present */
    RW_UDP_CHECK_ALL = 3,
};

/* rw_udp_parse finds the payload of a frame of `bytes` bytes (any number; only these are read).
 * check: enum rw_udp_check, or-ed. On RW_UDP_accepted the whole of *udp is set. On
 * RW_UDP_cut_payload it is set too, with the bytes that are there, so that an offline tool can
 * decode the complete messages of a cut packet; rx drops it. On any other verdict *udp is
 * undefined. Pure; any thread. */
enum rw_udp_verdict rw_udp_parse(const uint8_t *frame, size_t bytes, unsigned check,
                                 struct rw_udp *udp);

/* rw_udp_reason returns the name of a verdict ("accepted", "cut_header", …). verdict <
 * RW_UDP_VERDICTS. */
const char *rw_udp_reason(enum rw_udp_verdict verdict);

#define RW_UDP_HEADERS_BYTES 42u /* Ethernet + IPv4 without options + UDP */

/* rw_udp_build writes headers (no VLAN tag, TTL 1 for multicast, right checksums) and the payload
 * into frame, which has room for RW_UDP_HEADERS_BYTES + udp->bytes. Takes source, destination,
 * ports, bytes and payload from *udp. Returns the bytes written. For generators, wrappers and
 * tests. Pure. */
size_t rw_udp_build(const struct rw_udp *udp, uint8_t *frame);
