/* The types of DEEP 1.0 in front, those that DEEP+ adds behind: one array, two tables. */
#include "dataplane/feed/deep.h"

#define DEEP10_TYPE_COUNT 13u

static const struct rw_message_type types[] = {
    RW_TYPE('A', 80, "auction_information", RW_TEXT(auction_type, 1, 1), RW_INT(timestamp, 2, 8),
            RW_TEXT(symbol, 10, 8), RW_UINT(paired_shares, 18, 4), RW_INT(reference_price, 22, 8),
            RW_INT(indicative_clearing_price, 30, 8), RW_UINT(imbalance_shares, 38, 4),
            RW_TEXT(imbalance_side, 42, 1), RW_TEXT(extension_number, 43, 1),
            RW_UINT(scheduled_auction_time, 44, 4), RW_INT(auction_book_clearing_price, 48, 8),
            RW_INT(collar_reference_price, 56, 8), RW_INT(lower_auction_collar, 64, 8),
            RW_INT(upper_auction_collar, 72, 8)),
    RW_TYPE('B', 38, "trade_break", RW_UINT(sale_condition_flags, 1, 1), RW_INT(timestamp, 2, 8),
            RW_TEXT(symbol, 10, 8), RW_UINT(size, 18, 4), RW_INT(price, 22, 8),
            RW_UINT(trade_id, 30, 8)),
    RW_TYPE('X', 26, "official_price", RW_TEXT(price_type, 1, 1), RW_INT(timestamp, 2, 8),
            RW_TEXT(symbol, 10, 8), RW_INT(official_price, 18, 8)),
    RW_TYPE('T', 38, "trade_report", RW_UINT(sale_condition_flags, 1, 1), RW_INT(timestamp, 2, 8),
            RW_TEXT(symbol, 10, 8), RW_UINT(size, 18, 4), RW_INT(price, 22, 8),
            RW_UINT(trade_id, 30, 8)),
    RW_TYPE('5', 30, "price_level_sell_update", RW_UINT(event_flags, 1, 1), RW_INT(timestamp, 2, 8),
            RW_TEXT(symbol, 10, 8), RW_UINT(size, 18, 4), RW_INT(price, 22, 8)),
    RW_TYPE('8', 30, "price_level_buy_update", RW_UINT(event_flags, 1, 1), RW_INT(timestamp, 2, 8),
            RW_TEXT(symbol, 10, 8), RW_UINT(size, 18, 4), RW_INT(price, 22, 8)),
    RW_TYPE('E', 18, "security_event", RW_TEXT(security_event, 1, 1), RW_INT(timestamp, 2, 8),
            RW_TEXT(symbol, 10, 8)),
    RW_TYPE('P', 19, "short_sale_price_test_status", RW_UINT(short_sale_price_test_status, 1, 1),
            RW_INT(timestamp, 2, 8), RW_TEXT(symbol, 10, 8), RW_TEXT(detail, 18, 1)),
    RW_TYPE('O', 18, "operational_halt_status", RW_TEXT(operational_halt_status, 1, 1),
            RW_INT(timestamp, 2, 8), RW_TEXT(symbol, 10, 8)),
    RW_TYPE('I', 18, "retail_liquidity_indicator", RW_TEXT(retail_liquidity_indicator, 1, 1),
            RW_INT(timestamp, 2, 8), RW_TEXT(symbol, 10, 8)),
    RW_TYPE('H', 22, "trading_status", RW_TEXT(trading_status, 1, 1), RW_INT(timestamp, 2, 8),
            RW_TEXT(symbol, 10, 8), RW_TEXT(reason, 18, 4)),
    RW_TYPE('D', 31, "security_directory", RW_UINT(security_directory_flags, 1, 1),
            RW_INT(timestamp, 2, 8), RW_TEXT(symbol, 10, 8), RW_UINT(round_lot_size, 18, 4),
            RW_INT(adjusted_poc_price, 22, 8), RW_UINT(luld_tier, 30, 1)),
    RW_TYPE('S', 10, "system_event", RW_TEXT(system_event, 1, 1), RW_INT(timestamp, 2, 8)),

    /* DEEP+ only */
    RW_TYPE('C', 18, "clear_book", RW_TEXT(reserved_1, 1, 1), RW_INT(timestamp, 2, 8),
            RW_TEXT(symbol, 10, 8)),
    RW_TYPE('L', 46, "order_executed", RW_UINT(sale_condition_flags, 1, 1), RW_INT(timestamp, 2, 8),
            RW_TEXT(symbol, 10, 8), RW_UINT(order_id_reference, 18, 8), RW_UINT(size, 26, 4),
            RW_INT(price, 30, 8), RW_UINT(trade_id, 38, 8)),
    RW_TYPE('R', 26, "order_delete", RW_TEXT(reserved_1, 1, 1), RW_INT(timestamp, 2, 8),
            RW_TEXT(symbol, 10, 8), RW_UINT(order_id_reference, 18, 8)),
    RW_TYPE('M', 38, "order_modify", RW_UINT(modify_flags, 1, 1), RW_INT(timestamp, 2, 8),
            RW_TEXT(symbol, 10, 8), RW_UINT(order_id_reference, 18, 8), RW_UINT(size, 26, 4),
            RW_INT(price, 30, 8)),
    RW_TYPE('a', 38, "add_order", RW_TEXT(side, 1, 1), RW_INT(timestamp, 2, 8),
            RW_TEXT(symbol, 10, 8), RW_UINT(order_id, 18, 8), RW_UINT(size, 26, 4),
            RW_INT(price, 30, 8)),
};

const struct rw_message_table rw_deep10_table = {types, DEEP10_TYPE_COUNT, RW_ORDER_LITTLE,
                                                 RW_CODE_LETTER};
const struct rw_message_table rw_deepplus_table = {types, sizeof types / sizeof *types,
                                                   RW_ORDER_LITTLE, RW_CODE_LETTER};
