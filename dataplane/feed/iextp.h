/* IEX-TP: the transport of IEX's market data. Little-endian.
 *
 *   ┌ version 1 ┬ - 1 ┬ protocol 2 ┬ channel 4 ┬ session 4 ┬ payload bytes 2 ┬ count 2 ┐
 *   ┌ stream offset 8 ┬ first sequence 8 ┬ send time 8 ┐┌ bytes 2 ┬ message ┐ …
 *
 * count 0 is a heartbeat; its sequence is the next expected one. Sequences start again at 1 under
 * the same session when the venue restarts: that is a new stream, not a duplicate. */
#pragma once

#include "dataplane/feed/venue_packet.h"

#define RW_IEXTP_HEADER_BYTES 40u
#define RW_IEXTP_VERSION      1u

enum rw_iextp_protocol {
    RW_IEXTP_TOPS16 = 0x8003,
    RW_IEXTP_DEEP10 = 0x8004,
    RW_IEXTP_DEEPPLUS = 0x8005,
};

/* rw_iextp_decode reads the header of a UDP payload of `count` bytes. packet->session holds the
 * channel in its upper and the session in its lower half. Returns false, *packet untouched, when it
 * is shorter than the header or of another version. Bytes behind the payload that the header states
 * are left out. */
bool rw_iextp_decode(const uint8_t *bytes, size_t count, struct rw_packet *packet);
