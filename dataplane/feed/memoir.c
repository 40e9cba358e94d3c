/* The tables of MEMOIR Depth, its packet header and its SBE header. Every block may be longer than
 * the table knows: later versions of an SBE schema append fields. */
#include "dataplane/feed/memoir.h"

#include "dataplane/base/bytes.h"

static const struct rw_message_type memoir_types[] = {
    RW_TYPE_OPEN(18, 16, "clear_book", RW_UINT(timestamp, 0, 8), RW_TEXT(symbol, 8, 8)),
    RW_TYPE_OPEN(15, 46, "order_executed", RW_UINT(timestamp, 0, 8), RW_TEXT(symbol, 8, 8),
                 RW_UINT(order_capacity, 16, 1), RW_UINT(trade_conditions, 17, 1),
                 RW_UINT(order_id, 18, 8), RW_UINT(trade_id, 26, 8), RW_UINT(quantity, 34, 4),
                 RW_UINT(price, 38, 8)),
    RW_TYPE_OPEN(14, 42, "order_reduced", RW_UINT(timestamp, 0, 8), RW_TEXT(symbol, 8, 8),
                 RW_UINT(order_capacity, 16, 1), RW_UINT(order_id, 17, 8), RW_UINT(side, 25, 1),
                 RW_UINT(quantity, 26, 4), RW_UINT(price, 30, 8), RW_UINT(quantity_reduced, 38, 4)),
    RW_TYPE_OPEN(13, 25, "order_deleted", RW_UINT(timestamp, 0, 8), RW_TEXT(symbol, 8, 8),
                 RW_UINT(order_capacity, 16, 1), RW_UINT(order_id, 17, 8)),
    RW_TYPE_OPEN(12, 38, "order_added_extended", RW_UINT(timestamp, 0, 8), RW_TEXT(symbol, 8, 8),
                 RW_UINT(order_capacity, 16, 1), RW_UINT(order_id, 17, 8), RW_UINT(side, 25, 1),
                 RW_UINT(quantity, 26, 4), RW_UINT(price, 30, 8)),
    RW_TYPE_OPEN(11, 37, "order_added_long", RW_UINT(timestamp, 0, 8), RW_TEXT(symbol, 8, 8),
                 RW_UINT(order_id, 16, 8), RW_UINT(side, 24, 1), RW_UINT(quantity, 25, 4),
                 RW_UINT(price, 29, 8)),
    RW_TYPE_OPEN(10, 29, "order_added_short", RW_UINT(timestamp, 0, 8), RW_TEXT(symbol, 8, 8),
                 RW_UINT(order_id, 16, 8), RW_UINT(side, 24, 1), RW_UINT(quantity_short, 25, 2),
                 RW_UINT(price_short, 27, 2)),
    RW_TYPE_OPEN(7, 16, "snapshot_complete", RW_UINT(timestamp, 0, 8),
                 RW_UINT(as_of_sequence_number, 8, 8)),
    RW_TYPE_OPEN(6, 48, "corrected_trade", RW_UINT(timestamp, 0, 8), RW_TEXT(symbol, 8, 8),
                 RW_UINT(trade_id, 16, 8), RW_UINT(original_quantity, 24, 4),
                 RW_UINT(original_price, 28, 8), RW_UINT(corrected_quantity, 36, 4),
                 RW_UINT(corrected_price, 40, 8)),
    RW_TYPE_OPEN(5, 36, "broken_trade", RW_UINT(timestamp, 0, 8), RW_TEXT(symbol, 8, 8),
                 RW_UINT(trade_id, 16, 8), RW_UINT(original_quantity, 24, 4),
                 RW_UINT(original_price, 28, 8)),
    RW_TYPE_OPEN(3, 15, "underlier_instrument_status", RW_UINT(timestamp, 0, 8),
                 RW_UINT(trading_session, 8, 1), RW_TEXT(underlier, 9, 6)),
    RW_TYPE_OPEN(2, 18, "instrument_trading_status", RW_UINT(timestamp, 0, 8),
                 RW_TEXT(symbol, 8, 8), RW_TEXT(instrument_trading_status, 16, 1),
                 RW_TEXT(instrument_trading_status_reason, 17, 1)),
    RW_TYPE_OPEN(1, 56, "instrument_directory", RW_UINT(timestamp, 0, 8), RW_TEXT(symbol, 8, 8),
                 RW_UINT(options_product_type, 16, 1), RW_TEXT(underlier, 17, 6),
                 RW_TEXT(osi_root, 23, 6), RW_TEXT(maturity_date, 29, 8),
                 RW_UINT(strike_put_or_call, 37, 1), RW_UINT(strike_price, 38, 8),
                 RW_UINT(closing_only, 46, 1), RW_UINT(closing_time, 47, 8),
                 RW_UINT(is_test_symbol, 55, 1)),
};

const struct rw_message_table rw_memoir_table = {
    memoir_types, sizeof memoir_types / sizeof *memoir_types, RW_ORDER_BIG, RW_CODE_DECIMAL};

bool rw_memoir_decode(const uint8_t *bytes, size_t count, struct rw_packet *packet) {
    static const uint8_t kinds[] = {RW_PACKET_HEARTBEAT, RW_PACKET_END, RW_PACKET_DATA};
    if (count < RW_MEMOIR_HEADER_BYTES || bytes[0] >= sizeof kinds) return false;
    bool sequenced = kinds[bytes[0]] == RW_PACKET_DATA;
    size_t header = RW_MEMOIR_HEADER_BYTES + (sequenced ? RW_MEMOIR_COUNT_BYTES : 0u);
    if (count < header) return false;
    *packet = (struct rw_packet){
        .kind = kinds[bytes[0]],
        .blocks = {.at = bytes + header,
                   .end = bytes + count,
                   .sequence = rw_load_be64(bytes + 10),
                   .step = 1,
                   .left = sequenced ? rw_load_be16(bytes + RW_MEMOIR_HEADER_BYTES) : 0u,
                   .prefix = RW_PREFIX_BE16},
    };
    rw_session_of(packet->session, rw_load_be64(bytes + 2));
    return true;
}

enum rw_message_verdict rw_memoir_find(const uint8_t *message, uint32_t bytes,
                                       const struct rw_message_type **type) {
    if (bytes < RW_MEMOIR_BODY) return RW_MESSAGE_BAD_LENGTH;
    uint32_t block = rw_load_be16(message);
    if (block + RW_MEMOIR_BODY != bytes) return RW_MESSAGE_BAD_LENGTH;
    return rw_message_find(&rw_memoir_table, message[2], block, type);
}
