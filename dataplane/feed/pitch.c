/* The table of PITCH and its packet header. */
#include "dataplane/feed/pitch.h"

#include "dataplane/base/bytes.h"

static const struct rw_message_type pitch_types[] = {
    RW_TYPE(0x98, 13, "eq_retail_price_improvement", RW_UINT(timestamp, 0, 4),
            RW_TEXT(symbol_printable_ascii_8, 4, 8), RW_TEXT(retail_price_improvement, 12, 1)),
    RW_TYPE(0x96, 25, "eq_auction_summary", RW_UINT(timestamp, 0, 4), RW_TEXT(stock_symbol, 4, 8),
            RW_TEXT(auction_type, 12, 1), RW_UINT(price_binary_long_price_8, 13, 8),
            RW_UINT(shares_contracts, 21, 4)),
    RW_TYPE(0x95, 45, "eq_auction_update", RW_UINT(timestamp, 0, 4), RW_TEXT(stock_symbol, 4, 8),
            RW_TEXT(auction_type, 12, 1), RW_UINT(reference_price, 13, 8),
            RW_UINT(buy_shares, 21, 4), RW_UINT(sell_shares, 25, 4),
            RW_UINT(indicative_price, 29, 8), RW_UINT(auction_only_price, 37, 8)),
    RW_TYPE(0x31, 16, "eq_trading_status", RW_UINT(timestamp, 0, 4),
            RW_TEXT(symbol_printable_ascii_8, 4, 8), RW_TEXT(trading_status, 12, 1),
            RW_TEXT(reg_sho_action, 13, 1), RW_TEXT(reserved_1, 14, 1),
            RW_TEXT(second_reserved_1, 15, 1)),
    RW_TYPE(0x2D, 4, "eq_end_of_session", RW_UINT(timestamp, 0, 4)),
    RW_TYPE(0x2C, 12, "eq_trade_break", RW_UINT(timestamp, 0, 4), RW_UINT(execution_id, 4, 8)),
    RW_TYPE(0x30, 41, "eq_trade_expanded", RW_UINT(timestamp, 0, 4), RW_UINT(order_id, 4, 8),
            RW_TEXT(side_indicator, 12, 1), RW_UINT(quantity_binary_4, 13, 4),
            RW_TEXT(symbol_printable_ascii_8, 17, 8), RW_UINT(price_binary_long_price_8, 25, 8),
            RW_UINT(execution_id, 33, 8)),
    RW_TYPE(0x2B, 31, "eq_trade_short", RW_UINT(timestamp, 0, 4), RW_UINT(order_id, 4, 8),
            RW_TEXT(side_indicator, 12, 1), RW_UINT(quantity_binary_2, 13, 2),
            RW_TEXT(symbol_printable_ascii_6, 15, 6), RW_UINT(price_binary_short_price_2, 21, 2),
            RW_UINT(execution_id, 23, 8)),
    RW_TYPE(0x2A, 39, "eq_trade_long", RW_UINT(timestamp, 0, 4), RW_UINT(order_id, 4, 8),
            RW_TEXT(side_indicator, 12, 1), RW_UINT(quantity_binary_4, 13, 4),
            RW_TEXT(symbol_printable_ascii_6, 17, 6), RW_UINT(price_binary_long_price_8, 23, 8),
            RW_UINT(execution_id, 31, 8)),
    RW_TYPE(0x29, 12, "eq_delete_order", RW_UINT(timestamp, 0, 4), RW_UINT(order_id, 4, 8)),
    RW_TYPE(0x28, 17, "eq_modify_order_short", RW_UINT(timestamp, 0, 4), RW_UINT(order_id, 4, 8),
            RW_UINT(quantity_binary_2, 12, 2), RW_UINT(price_binary_short_price_2, 14, 2),
            RW_UINT(modify_flags, 16, 1)),
    RW_TYPE(0x27, 25, "eq_modify_order_long", RW_UINT(timestamp, 0, 4), RW_UINT(order_id, 4, 8),
            RW_UINT(quantity_binary_4, 12, 4), RW_UINT(price_binary_long_price_8, 16, 8),
            RW_UINT(modify_flags, 24, 1)),
    RW_TYPE(0x26, 14, "eq_reduce_size_short", RW_UINT(timestamp, 0, 4), RW_UINT(order_id, 4, 8),
            RW_UINT(canceled_quantity_binary_2, 12, 2)),
    RW_TYPE(0x25, 16, "eq_reduce_size_long", RW_UINT(timestamp, 0, 4), RW_UINT(order_id, 4, 8),
            RW_UINT(canceled_quantity_binary_4, 12, 4)),
    RW_TYPE(0x24, 36, "eq_order_executed_at_price_size", RW_UINT(timestamp, 0, 4),
            RW_UINT(order_id, 4, 8), RW_UINT(executed_quantity, 12, 4),
            RW_UINT(remaining_quantity, 16, 4), RW_UINT(execution_id, 20, 8),
            RW_UINT(price_binary_long_price_8, 28, 8)),
    RW_TYPE(0x23, 24, "eq_order_executed", RW_UINT(timestamp, 0, 4), RW_UINT(order_id, 4, 8),
            RW_UINT(executed_quantity, 12, 4), RW_UINT(execution_id, 16, 8)),
    RW_TYPE(0x2F, 39, "eq_add_order_expanded", RW_UINT(timestamp, 0, 4), RW_UINT(order_id, 4, 8),
            RW_TEXT(side_indicator, 12, 1), RW_UINT(quantity_binary_4, 13, 4),
            RW_TEXT(symbol_printable_ascii_8, 17, 8), RW_UINT(price_binary_long_price_8, 25, 8),
            RW_UINT(add_flags, 33, 1), RW_TEXT(participant_id, 34, 4),
            RW_TEXT(customer_indicator, 38, 1)),
    RW_TYPE(0x22, 24, "eq_add_order_short", RW_UINT(timestamp, 0, 4), RW_UINT(order_id, 4, 8),
            RW_TEXT(side_indicator, 12, 1), RW_UINT(quantity_binary_2, 13, 2),
            RW_TEXT(symbol_printable_ascii_6, 15, 6), RW_UINT(price_binary_short_price_2, 21, 2),
            RW_UINT(add_flags, 23, 1)),
    RW_TYPE(0x21, 32, "eq_add_order_long", RW_UINT(timestamp, 0, 4), RW_UINT(order_id, 4, 8),
            RW_TEXT(side_indicator, 12, 1), RW_UINT(quantity_binary_4, 13, 4),
            RW_TEXT(symbol_printable_ascii_6, 17, 6), RW_UINT(price_binary_long_price_8, 23, 8),
            RW_UINT(add_flags, 31, 1)),
    RW_TYPE(0x97, 4, "eq_unit_clear", RW_UINT(timestamp, 0, 4)),
    RW_TYPE(0x20, 4, "eq_time", RW_UINT(time, 0, 4)),
};

const struct rw_message_table rw_pitch_table = {
    pitch_types, sizeof pitch_types / sizeof *pitch_types, RW_ORDER_LITTLE, RW_CODE_HEX};

bool rw_pitch_decode(const uint8_t *bytes, size_t count, struct rw_packet *packet) {
    if (count < RW_PITCH_HEADER_BYTES) return false;
    size_t length = rw_load_le16(bytes);
    if (length < RW_PITCH_HEADER_BYTES) return false;
    uint32_t sequence = rw_load_le32(bytes + 4);
    *packet = (struct rw_packet){
        .kind = bytes[2] ? RW_PACKET_DATA : RW_PACKET_HEARTBEAT,
        .blocks = {.at = bytes + RW_PITCH_HEADER_BYTES,
                   .end = bytes + (length < count ? length : count),
                   .sequence = sequence,
                   .step = sequence != 0,
                   .left = bytes[2],
                   .prefix = RW_PREFIX_U8_SELF},
    };
    rw_session_of(packet->session, bytes[3]);
    return true;
}

enum rw_message_verdict rw_pitch_find(const uint8_t *message, uint32_t bytes,
                                      const struct rw_message_type **type) {
    if (bytes == 0) return RW_MESSAGE_BAD_LENGTH;
    return rw_message_find(&rw_pitch_table, message[0], bytes - RW_PITCH_BODY, type);
}
