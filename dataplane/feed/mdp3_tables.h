/* The message types of CME MDP 3.0, schema 1 version 12, as lists: block by block, in wire order.
 *
 *   RW_MDP3_TYPES ──► template ──► root block ──► fields
 *                             └──► groups ──────► entry block ──► fields
 *
 * F(stem, name, offset, size, kind): offsets count from the start of the block. Integers are
 * little-endian, prices are in units of 1e-9, times are Unix ns, dates are days since the epoch;
 * SKIP is padding. The lists make the rows of mdp3.c, and static assertions there see that the
 * fields fill their block. */
#pragma once

/* Root blocks. The increments share one. */
#define RW_MDP3_FIELDS_reset(F, stem) \
    F(stem, transact_time, 0, 8, UINT) F(stem, match_event_indicator, 8, 1, UINT)
#define RW_MDP3_FIELDS_status(F, stem)            \
    F(stem, transact_time, 0, 8, UINT)            \
    F(stem, security_group, 8, 6, TEXT)           \
    F(stem, asset, 14, 6, TEXT)                   \
    F(stem, security_id_optional, 20, 4, INT)     \
    F(stem, trade_date, 24, 2, UINT)              \
    F(stem, match_event_indicator, 26, 1, UINT)   \
    F(stem, security_trading_status, 27, 1, UINT) \
    F(stem, halt_reason, 28, 1, UINT)             \
    F(stem, security_trading_event, 29, 1, UINT)
#define RW_MDP3_FIELDS_increment(F, stem)      \
    F(stem, transact_time, 0, 8, UINT)         \
    F(stem, match_event_indicator, 8, 1, UINT) \
    F(stem, padding_2, 9, 2, SKIP)
#define RW_MDP3_FIELDS_quote(F, stem)           \
    F(stem, transact_time, 0, 8, UINT)          \
    F(stem, quote_req_id, 8, 23, TEXT)          \
    F(stem, match_event_indicator, 31, 1, UINT) \
    F(stem, padding_3, 32, 3, SKIP)
#define RW_MDP3_FIELDS_snapshot(F, stem)             \
    F(stem, last_msg_seq_num_processed, 0, 4, UINT)  \
    F(stem, tot_num_reports, 4, 4, UINT)             \
    F(stem, security_id, 8, 4, INT)                  \
    F(stem, rpt_seq, 12, 4, UINT)                    \
    F(stem, transact_time, 16, 8, UINT)              \
    F(stem, last_update_time, 24, 8, UINT)           \
    F(stem, trade_date, 32, 2, UINT)                 \
    F(stem, md_security_trading_status, 34, 1, UINT) \
    F(stem, high_limit_price, 35, 8, INT)            \
    F(stem, low_limit_price, 43, 8, INT)             \
    F(stem, max_price_variation, 51, 8, INT)
#define RW_MDP3_FIELDS_order_snapshot(F, stem)      \
    F(stem, last_msg_seq_num_processed, 0, 4, UINT) \
    F(stem, tot_num_reports, 4, 4, UINT)            \
    F(stem, security_id, 8, 4, INT)                 \
    F(stem, no_chunks, 12, 4, UINT)                 \
    F(stem, current_chunk, 16, 4, UINT)             \
    F(stem, transact_time, 20, 8, UINT)
#define RW_MDP3_FIELDS_future(F, stem)               \
    F(stem, match_event_indicator, 0, 1, UINT)       \
    F(stem, tot_num_reports_optional, 1, 4, UINT)    \
    F(stem, security_update_action, 5, 1, UINT)      \
    F(stem, last_update_time, 6, 8, UINT)            \
    F(stem, md_security_trading_status, 14, 1, UINT) \
    F(stem, appl_id, 15, 2, INT)                     \
    F(stem, market_segment_id, 17, 1, UINT)          \
    F(stem, underlying_product, 18, 1, UINT)         \
    F(stem, security_exchange, 19, 4, TEXT)          \
    F(stem, security_group, 23, 6, TEXT)             \
    F(stem, asset, 29, 6, TEXT)                      \
    F(stem, symbol, 35, 20, TEXT)                    \
    F(stem, security_id, 55, 4, INT)                 \
    F(stem, security_type, 59, 6, TEXT)              \
    F(stem, cfi_code, 65, 6, TEXT)                   \
    F(stem, maturity_month_year, 71, 5, UINT)        \
    F(stem, currency, 76, 3, TEXT)                   \
    F(stem, settl_currency, 79, 3, TEXT)             \
    F(stem, match_algorithm, 82, 1, UINT)            \
    F(stem, min_trade_vol, 83, 4, UINT)              \
    F(stem, max_trade_vol, 87, 4, UINT)              \
    F(stem, min_price_increment, 91, 8, INT)         \
    F(stem, display_factor, 99, 8, INT)              \
    F(stem, main_fraction, 107, 1, UINT)             \
    F(stem, sub_fraction, 108, 1, UINT)              \
    F(stem, price_display_format, 109, 1, UINT)      \
    F(stem, unit_of_measure, 110, 30, TEXT)          \
    F(stem, unit_of_measure_qty, 140, 8, INT)        \
    F(stem, trading_reference_price, 148, 8, INT)    \
    F(stem, settl_price_type, 156, 1, UINT)          \
    F(stem, open_interest_qty, 157, 4, INT)          \
    F(stem, cleared_volume, 161, 4, INT)             \
    F(stem, high_limit_price, 165, 8, INT)           \
    F(stem, low_limit_price, 173, 8, INT)            \
    F(stem, max_price_variation, 181, 8, INT)        \
    F(stem, decay_quantity, 189, 4, INT)             \
    F(stem, decay_start_date, 193, 2, UINT)          \
    F(stem, original_contract_size, 195, 4, INT)     \
    F(stem, contract_multiplier, 199, 4, INT)        \
    F(stem, contract_multiplier_unit, 203, 1, INT)   \
    F(stem, flow_schedule_type, 204, 1, INT)         \
    F(stem, min_price_increment_amount, 205, 8, INT) \
    F(stem, user_defined_instrument, 213, 1, UINT)   \
    F(stem, trading_reference_date, 214, 2, UINT)    \
    F(stem, instrument_guid, 216, 8, UINT)

/* Group entries. */
#define RW_MDP3_FIELDS_reset_entry(F, stem) F(stem, appl_id, 0, 2, INT)
#define RW_MDP3_FIELDS_volume_entry(F, stem) \
    F(stem, md_entry_size_short, 0, 4, INT)  \
    F(stem, security_id, 4, 4, INT)          \
    F(stem, rpt_seq, 8, 4, UINT)             \
    F(stem, md_update_action, 12, 1, UINT)   \
    F(stem, padding_3, 13, 3, SKIP)
#define RW_MDP3_FIELDS_quote_entry(F, stem) \
    F(stem, symbol, 0, 20, TEXT)            \
    F(stem, security_id, 20, 4, INT)        \
    F(stem, order_qty, 24, 4, INT)          \
    F(stem, quote_type, 28, 1, INT)         \
    F(stem, side_optional, 29, 1, INT)      \
    F(stem, padding_2, 30, 2, SKIP)
#define RW_MDP3_FIELDS_book_entry(F, stem)           \
    F(stem, md_entry_px_optional_ex, 0, 8, INT)      \
    F(stem, md_entry_size_short_optional, 8, 4, INT) \
    F(stem, security_id, 12, 4, INT)                 \
    F(stem, rpt_seq, 16, 4, UINT)                    \
    F(stem, number_of_orders_optional, 20, 4, INT)   \
    F(stem, md_price_level, 24, 1, UINT)             \
    F(stem, md_update_action, 25, 1, UINT)           \
    F(stem, md_entry_type_book, 26, 1, UINT)         \
    F(stem, tradeable_size, 27, 4, INT)              \
    F(stem, padding_1, 31, 1, SKIP)
#define RW_MDP3_FIELDS_book_order(F, stem)          \
    F(stem, order_id, 0, 8, UINT)                   \
    F(stem, md_order_priority_optional, 8, 8, UINT) \
    F(stem, md_display_qty_optional, 16, 4, INT)    \
    F(stem, reference_id, 20, 1, UINT)              \
    F(stem, order_update_action, 21, 1, UINT)       \
    F(stem, padding_2, 22, 2, SKIP)
#define RW_MDP3_FIELDS_order_entry(F, stem)         \
    F(stem, order_id_optional, 0, 8, UINT)          \
    F(stem, md_order_priority_optional, 8, 8, UINT) \
    F(stem, md_entry_px_optional_ex, 16, 8, INT)    \
    F(stem, md_display_qty_optional, 24, 4, INT)    \
    F(stem, security_id, 28, 4, INT)                \
    F(stem, md_update_action, 32, 1, UINT)          \
    F(stem, md_entry_type_book, 33, 1, UINT)        \
    F(stem, padding_6, 34, 6, SKIP)
#define RW_MDP3_FIELDS_trade_entry(F, stem)       \
    F(stem, md_entry_px_ex, 0, 8, INT)            \
    F(stem, md_entry_size_short, 8, 4, INT)       \
    F(stem, security_id, 12, 4, INT)              \
    F(stem, rpt_seq, 16, 4, UINT)                 \
    F(stem, number_of_orders, 20, 4, INT)         \
    F(stem, aggressor_side, 24, 1, UINT)          \
    F(stem, md_update_action, 25, 1, UINT)        \
    F(stem, md_trade_entry_optional, 26, 4, UINT) \
    F(stem, padding_2, 30, 2, SKIP)
#define RW_MDP3_FIELDS_trade_order(F, stem) \
    F(stem, order_id, 0, 8, UINT)           \
    F(stem, last_qty, 8, 4, INT)            \
    F(stem, padding_4, 12, 4, SKIP)
#define RW_MDP3_FIELDS_statistics_entry(F, stem)      \
    F(stem, md_entry_px_ex, 0, 8, INT)                \
    F(stem, security_id, 8, 4, INT)                   \
    F(stem, rpt_seq, 12, 4, UINT)                     \
    F(stem, open_close_settl_flag, 16, 1, UINT)       \
    F(stem, md_update_action, 17, 1, UINT)            \
    F(stem, md_entry_type_statistics, 18, 1, UINT)    \
    F(stem, md_entry_size_short_optional, 19, 4, INT) \
    F(stem, padding_1, 23, 1, SKIP)
#define RW_MDP3_FIELDS_snapshot_entry(F, stem)       \
    F(stem, md_entry_px_optional_ex, 0, 8, INT)      \
    F(stem, md_entry_size_short_optional, 8, 4, INT) \
    F(stem, number_of_orders_optional, 12, 4, INT)   \
    F(stem, md_price_level_optional, 16, 1, INT)     \
    F(stem, trading_reference_date, 17, 2, UINT)     \
    F(stem, open_close_settl_flag, 19, 1, UINT)      \
    F(stem, settl_price_type, 20, 1, UINT)           \
    F(stem, md_entry_type, 21, 1, UINT)
#define RW_MDP3_FIELDS_snapshot_order(F, stem)      \
    F(stem, order_id, 0, 8, UINT)                   \
    F(stem, md_order_priority_optional, 8, 8, UINT) \
    F(stem, md_entry_px_ex, 16, 8, INT)             \
    F(stem, md_display_qty, 24, 4, INT)             \
    F(stem, md_entry_type_book, 28, 1, UINT)
#define RW_MDP3_FIELDS_event(F, stem) \
    F(stem, event_type, 0, 1, UINT) F(stem, event_time, 1, 8, UINT)
#define RW_MDP3_FIELDS_feed_type(F, stem) \
    F(stem, md_feed_type, 0, 3, TEXT) F(stem, market_depth, 3, 1, INT)
#define RW_MDP3_FIELDS_attribute(F, stem) F(stem, inst_attrib_value, 0, 4, UINT)
#define RW_MDP3_FIELDS_lot_rule(F, stem) \
    F(stem, lot_type, 0, 1, INT) F(stem, min_lot_size_decimal_qty, 1, 4, INT)

/* Every block once: B(stem, bytes). */
#define RW_MDP3_BLOCKS(B)   \
    B(reset, 9)             \
    B(status, 30)           \
    B(increment, 11)        \
    B(quote, 35)            \
    B(snapshot, 59)         \
    B(order_snapshot, 28)   \
    B(future, 224)          \
    B(reset_entry, 2)       \
    B(volume_entry, 16)     \
    B(quote_entry, 32)      \
    B(book_entry, 32)       \
    B(book_order, 24)       \
    B(order_entry, 40)      \
    B(trade_entry, 32)      \
    B(trade_order, 16)      \
    B(statistics_entry, 24) \
    B(snapshot_entry, 22)   \
    B(snapshot_order, 29)   \
    B(event, 9)             \
    B(feed_type, 4)         \
    B(attribute, 4)         \
    B(lot_rule, 5)

/* The groups of a type in wire order: G(stem of the entry block, name, dimension bytes). */
#define RW_MDP3_GROUPS_4(G) G(reset_entry, channel_reset_groups, 3)
#define RW_MDP3_GROUPS_30(G)
#define RW_MDP3_GROUPS_37(G) G(volume_entry, incremental_refresh_volume_groups, 3)
#define RW_MDP3_GROUPS_39(G) G(quote_entry, related_sym_groups, 3)
#define RW_MDP3_GROUPS_46(G)                          \
    G(book_entry, incremental_refresh_book_groups, 3) \
    G(book_order, incremental_refresh_book_order_id_groups, 8)
#define RW_MDP3_GROUPS_47(G) G(order_entry, incremental_refresh_order_book_groups, 3)
#define RW_MDP3_GROUPS_48(G)                                    \
    G(trade_entry, incremental_refresh_trade_summary_groups, 3) \
    G(trade_order, incremental_refresh_trade_summary_order_id_groups, 8)
#define RW_MDP3_GROUPS_51(G) G(statistics_entry, incremental_refresh_session_statistics_groups, 3)
#define RW_MDP3_GROUPS_52(G) G(snapshot_entry, snapshot_full_refresh_groups, 3)
#define RW_MDP3_GROUPS_53(G) G(snapshot_order, snapshot_full_refresh_order_book_groups, 3)
#define RW_MDP3_GROUPS_54(G)            \
    G(event, events_groups, 3)          \
    G(feed_type, feed_types_groups, 3)  \
    G(attribute, inst_attrib_groups, 3) \
    G(lot_rule, lot_type_rules_groups, 3)

/* T(template, name, stem of the root block). */
#define RW_MDP3_TYPES(T)                                        \
    T(4, channel_reset, reset)                                  \
    T(30, security_status, status)                              \
    T(37, md_incremental_refresh_volume, increment)             \
    T(39, quote_request, quote)                                 \
    T(46, md_incremental_refresh_book, increment)               \
    T(47, md_incremental_refresh_order_book, increment)         \
    T(48, md_incremental_refresh_trade_summary, increment)      \
    T(51, md_incremental_refresh_session_statistics, increment) \
    T(52, snapshot_full_refresh, snapshot)                      \
    T(53, snapshot_full_refresh_order_book, order_snapshot)     \
    T(54, md_instrument_definition_future, future)
