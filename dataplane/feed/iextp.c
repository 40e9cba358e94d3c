/* One header; the messages are walked by venue_packet.h. */
#include "dataplane/feed/iextp.h"

bool rw_iextp_decode(const uint8_t *bytes, size_t count, struct rw_packet *packet) {
    if (count < RW_IEXTP_HEADER_BYTES || bytes[0] != RW_IEXTP_VERSION) return false;
    size_t there = count - RW_IEXTP_HEADER_BYTES, payload = rw_load_le16(bytes + 12);
    uint16_t messages = rw_load_le16(bytes + 14);
    *packet = (struct rw_packet){
        .protocol = rw_load_le16(bytes + 2),
        .kind = messages ? RW_PACKET_DATA : RW_PACKET_HEARTBEAT,
        .blocks = {.at = bytes + RW_IEXTP_HEADER_BYTES,
                   .end = bytes + RW_IEXTP_HEADER_BYTES + (payload < there ? payload : there),
                   .sequence = rw_load_le64(bytes + 24),
                   .step = 1,
                   .left = messages,
                   .prefix = RW_PREFIX_LE16},
    };
    rw_session_of(packet->session,
                  (uint64_t)rw_load_le32(bytes + 4) << 32 | rw_load_le32(bytes + 8));
    return true;
}
