/* The way from an Ethernet frame to the bytes of its TCP segment, for reading captures of order
 * entry sessions offline. Neither reassembly nor a check of checksums: a segment is what it is.
 *
 *   ┌ Ethernet 14 ┬ 0–2 VLAN tags ┬ IPv4 20–60 ┬ TCP 20–60 ┬ payload ┬ padding, trailers ┐
 *                                 └─────── IPv4 total length ────────┘
 *
 * The IPv4 total length says where the payload ends: capture hardware appends stamps. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum rw_tcp_verdict {
    RW_TCP_WHOLE = 0,
    RW_TCP_CUT = 1, /* the frame ends inside the payload: *tcp holds what is there */
    RW_TCP_NONE = 2 /* not a TCP segment over unfragmented IPv4, or cut inside its headers */
};

struct rw_tcp {
    uint32_t source, destination; /* IPv4 addresses, host byte order */
    uint16_t source_port, destination_port;
    uint32_t sequence;      /* of the payload's first byte */
    uint32_t bytes;         /* of payload that is really there; 0 is usual */
    const uint8_t *payload; /* points into the frame */
};

/* rw_tcp_parse finds the payload of a frame of `bytes` bytes (any number; only these are read).
 * *tcp is untouched on RW_TCP_NONE. Pure; any thread. */
enum rw_tcp_verdict rw_tcp_parse(const uint8_t *frame, size_t bytes, struct rw_tcp *tcp);
