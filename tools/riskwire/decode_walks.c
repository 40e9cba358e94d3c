/* Market data over UDP: a packet header, then messages behind their lengths. */
#include "tools/riskwire/decode_walks.h"

#include "dataplane/feed/itch50.h"
#include "dataplane/feed/moldudp64.h"

/* ---- ITCH 5.0 over MoldUDP64 ---------------------------------------------------------- */

bool rw_decode_itch50_guess(const struct rw_decode_packet *packet) {
    struct rw_mold_packet mold;
    struct rw_mold_message message;
    uint16_t whole;
    if (rw_mold_decode(packet->payload, packet->bytes, &mold) != RW_MOLD_FINE ||
        rw_mold_check(&mold, &whole) != RW_MOLD_FINE)
        return false;
    struct rw_mold_cursor cursor = rw_mold_first(&mold);
    while (cursor.left && rw_mold_next(&cursor, &message))
        if (rw_itch50_check(message.bytes, message.count) == RW_ITCH50_OK) return true;
    return false;
}

void rw_decode_itch50_walk(const struct rw_decode_packet *packet, struct rw_decode *decode) {
    struct rw_mold_packet mold;
    struct rw_mold_message message;
    const struct rw_message_type *type;
    uint16_t whole;
    if (rw_mold_decode(packet->payload, packet->bytes, &mold) != RW_MOLD_FINE) {
        decode->tally.bad_packets++;
        return;
    }
    enum rw_mold_fault fault = rw_mold_check(&mold, &whole);
    decode->tally.cut += fault == RW_MOLD_TRUNCATED;
    decode->tally.bad_packets += fault == RW_MOLD_TRAILING;
    decode->tally.heartbeats += mold.kind == RW_MOLD_HEARTBEAT;
    struct rw_mold_cursor cursor = rw_mold_first(&mold);
    while (cursor.left && rw_mold_next(&cursor, &message)) {
        enum rw_message_verdict verdict =
            message.count
                ? rw_message_find(&rw_itch50_table, message.bytes[0], message.count, &type)
                : RW_MESSAGE_BAD_LENGTH;
        if (rw_decode_verdict(decode, verdict))
            rw_decode_line(decode, message.sequence, &rw_itch50_table, type, message.bytes);
    }
}
