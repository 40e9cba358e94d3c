/* The tables of both directions, and the one rule they cannot tell: how long an appendage is. */
#include "dataplane/feed/ouch50.h"

#include "dataplane/base/bytes.h"

static const struct rw_message_type in_types[] = {
    RW_TYPE('M', 10, "modify_order", RW_UINT(user_ref_num, 1, 4), RW_TEXT(side, 5, 1),
            RW_UINT(quantity, 6, 4)),
    RW_TYPE('X', 9, "cancel_order", RW_UINT(user_ref_num, 1, 4), RW_UINT(quantity, 5, 4)),
    RW_TYPE_OPEN('U', 40, "replace_order", RW_UINT(orig_user_ref_num, 1, 4),
                 RW_UINT(user_ref_num, 5, 4), RW_UINT(quantity, 9, 4), RW_UINT(price, 13, 8),
                 RW_TEXT(time_in_force, 21, 1), RW_TEXT(display, 22, 1),
                 RW_TEXT(inter_market_sweep_eligibility, 23, 1), RW_TEXT(clordid, 24, 14),
                 RW_UINT(appendage_length, 38, 2)),
    RW_TYPE_OPEN('O', 47, "enter_order", RW_UINT(user_ref_num, 1, 4), RW_TEXT(side, 5, 1),
                 RW_UINT(quantity, 6, 4), RW_TEXT(symbol, 10, 8), RW_UINT(price, 18, 8),
                 RW_TEXT(time_in_force, 26, 1), RW_TEXT(display, 27, 1), RW_TEXT(capacity, 28, 1),
                 RW_TEXT(inter_market_sweep_eligibility, 29, 1), RW_TEXT(cross_type, 30, 1),
                 RW_TEXT(clordid, 31, 14), RW_UINT(appendage_length, 45, 2)),
};

static const struct rw_message_type out_types[] = {
    RW_TYPE('Q', 13, "account_query_response", RW_UINT(timestamp, 1, 8),
            RW_UINT(next_user_ref_num, 9, 4)),
    RW_TYPE_OPEN('R', 16, "order_restated", RW_UINT(timestamp, 1, 8), RW_UINT(user_ref_num, 9, 4),
                 RW_TEXT(order_restated_reason, 13, 1), RW_UINT(appendage_length, 14, 2)),
    RW_TYPE('M', 18, "order_modified", RW_UINT(timestamp, 1, 8), RW_UINT(user_ref_num, 9, 4),
            RW_TEXT(side, 13, 1), RW_UINT(quantity, 14, 4)),
    RW_TYPE('T', 30, "order_priority_update", RW_UINT(timestamp, 1, 8), RW_UINT(user_ref_num, 9, 4),
            RW_UINT(price, 13, 8), RW_TEXT(display, 21, 1), RW_UINT(order_reference_number, 22, 8)),
    RW_TYPE('I', 13, "cancel_reject", RW_UINT(timestamp, 1, 8), RW_UINT(user_ref_num, 9, 4)),
    RW_TYPE('P', 13, "cancel_pending", RW_UINT(timestamp, 1, 8), RW_UINT(user_ref_num, 9, 4)),
    RW_TYPE('J', 29, "rejected_order", RW_UINT(timestamp, 1, 8), RW_UINT(user_ref_num, 9, 4),
            RW_UINT(rejected_order_reason, 13, 2), RW_TEXT(clordid, 15, 14)),
    RW_TYPE('F', 49, "trade_correction", RW_UINT(timestamp, 1, 8), RW_UINT(user_ref_num, 9, 4),
            RW_UINT(quantity, 13, 4), RW_UINT(price, 17, 8), RW_TEXT(liquidity_flag, 25, 1),
            RW_UINT(match_number, 26, 8), RW_TEXT(trade_correction_reason, 34, 1),
            RW_TEXT(clordid, 35, 14)),
    RW_TYPE('B', 36, "broken_trade", RW_UINT(timestamp, 1, 8), RW_UINT(user_ref_num, 9, 4),
            RW_UINT(match_number, 13, 8), RW_TEXT(broken_trade_reason, 21, 1),
            RW_TEXT(clordid, 22, 14)),
    RW_TYPE_OPEN('E', 36, "order_executed", RW_UINT(timestamp, 1, 8), RW_UINT(user_ref_num, 9, 4),
                 RW_UINT(quantity, 13, 4), RW_UINT(price, 17, 8), RW_TEXT(liquidity_flag, 25, 1),
                 RW_UINT(match_number, 26, 8), RW_UINT(appendage_length, 34, 2)),
    RW_TYPE('D', 31, "aiq_canceled", RW_UINT(timestamp, 1, 8), RW_UINT(user_ref_num, 9, 4),
            RW_UINT(decrement_shares, 13, 4), RW_TEXT(order_cancel_reason, 17, 1),
            RW_UINT(quantity_prevented_from_trading, 18, 4), RW_UINT(execution_price, 22, 8),
            RW_TEXT(liquidity_flag, 30, 1)),
    RW_TYPE('C', 18, "canceled", RW_UINT(timestamp, 1, 8), RW_UINT(user_ref_num, 9, 4),
            RW_UINT(quantity, 13, 4), RW_TEXT(cancel_order_reason, 17, 1)),
    RW_TYPE_OPEN('U', 68, "replaced", RW_UINT(timestamp, 1, 8), RW_UINT(orig_user_ref_num, 9, 4),
                 RW_UINT(user_ref_num, 13, 4), RW_TEXT(side, 17, 1), RW_UINT(quantity, 18, 4),
                 RW_TEXT(symbol, 22, 8), RW_UINT(price, 30, 8), RW_TEXT(time_in_force, 38, 1),
                 RW_TEXT(display, 39, 1), RW_UINT(order_reference_number, 40, 8),
                 RW_TEXT(capacity, 48, 1), RW_TEXT(inter_market_sweep_eligibility, 49, 1),
                 RW_TEXT(cross_type, 50, 1), RW_TEXT(order_state, 51, 1), RW_TEXT(clordid, 52, 14),
                 RW_UINT(appendage_length, 66, 2)),
    RW_TYPE_OPEN('A', 64, "order_accepted", RW_UINT(timestamp, 1, 8), RW_UINT(user_ref_num, 9, 4),
                 RW_TEXT(side, 13, 1), RW_UINT(quantity, 14, 4), RW_TEXT(symbol, 18, 8),
                 RW_UINT(price, 26, 8), RW_TEXT(time_in_force, 34, 1), RW_TEXT(display, 35, 1),
                 RW_UINT(order_reference_number, 36, 8), RW_TEXT(capacity, 44, 1),
                 RW_TEXT(inter_market_sweep_eligibility, 45, 1), RW_TEXT(cross_type, 46, 1),
                 RW_TEXT(order_state, 47, 1), RW_TEXT(clordid, 48, 14),
                 RW_UINT(appendage_length, 62, 2)),
    RW_TYPE('S', 10, "system_event", RW_UINT(timestamp, 1, 8), RW_TEXT(event_code, 9, 1)),
};

const struct rw_message_table rw_ouch50_in_table = {in_types, sizeof in_types / sizeof *in_types,
                                                    RW_ORDER_BIG, RW_CODE_LETTER};
const struct rw_message_table rw_ouch50_out_table = {
    out_types, sizeof out_types / sizeof *out_types, RW_ORDER_BIG, RW_CODE_LETTER};

enum rw_message_verdict rw_ouch50_find(const struct rw_message_table *table, const uint8_t *message,
                                       uint32_t bytes, const struct rw_message_type **type) {
    const struct rw_message_type *found;
    if (bytes == 0) return RW_MESSAGE_BAD_LENGTH;
    enum rw_message_verdict verdict = rw_message_find(table, message[0], bytes, &found);
    if (verdict != RW_MESSAGE_OK) return verdict;
    /* The length of the appendage is the last field in front of it. */
    if (found->tail == RW_TAIL_OPEN &&
        bytes != found->bytes + (uint32_t)rw_load_be16(message + found->bytes - 2))
        return RW_MESSAGE_BAD_LENGTH;
    *type = found;
    return RW_MESSAGE_OK;
}
