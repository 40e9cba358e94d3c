/* Nasdaq TotalView-ITCH 5.0, all 23 message types: one table that drives everything.
 *
 *   RW_ITCH50_TYPES ──┬─► rw_itch50_bytes[type]   length check
 *   (type, fields)    ├─► rw_itch50_type(type)    rows for JSON, tests, fuzzing
 *                     └─► rw_itch50_<stem>_<field>(message)   inline accessors
 *
 * A message is a run of bytes that starts with its type letter; integers are unsigned big-endian,
 * prices are 1e-4 dollars (1e-8 in the decline levels of 'V'), timestamps are nanoseconds since
 * midnight, text is Latin-1, left-justified, padded with spaces. Accessors do no check: call
 * rw_itch50_check first. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/base/bytes.h"
#include "dataplane/feed/field_table.h"

#define RW_ITCH50_TYPE_COUNT   23u
#define RW_ITCH50_BYTES_MIN    12u
#define RW_ITCH50_BYTES_MAX    50u
#define RW_ITCH50_SYMBOL_BYTES 8u

/* Every message starts with these fields after the type letter; the locate has another name in
 * 'Y'. */
#define RW_ITCH50_HEAD(F, stem, locate)  \
    F(stem, locate, 1, 2, UINT)          \
    F(stem, tracking_number, 3, 2, UINT) \
    F(stem, timestamp, 5, 6, UINT)

/* A list of fields for each type, in wire order: F(stem, name, offset, size, kind). */
#define RW_ITCH50_FIELDS_O(F, stem)                \
    RW_ITCH50_HEAD(F, stem, stock_locate)          \
    F(stem, stock, 11, 8, TEXT)                    \
    F(stem, open_eligibility_status, 19, 1, TEXT)  \
    F(stem, minimum_allowable_price, 20, 4, UINT)  \
    F(stem, maximum_allowable_price, 24, 4, UINT)  \
    F(stem, near_execution_price, 28, 4, UINT)     \
    F(stem, near_execution_time, 32, 8, UINT)      \
    F(stem, lower_price_range_collar, 40, 4, UINT) \
    F(stem, upper_price_range_collar, 44, 4, UINT)
#define RW_ITCH50_FIELDS_N(F, stem)       \
    RW_ITCH50_HEAD(F, stem, stock_locate) \
    F(stem, stock, 11, 8, TEXT)           \
    F(stem, interest_flag, 19, 1, TEXT)
#define RW_ITCH50_FIELDS_I(F, stem)               \
    RW_ITCH50_HEAD(F, stem, stock_locate)         \
    F(stem, paired_shares, 11, 8, UINT)           \
    F(stem, imbalance_shares, 19, 8, UINT)        \
    F(stem, imbalance_direction, 27, 1, TEXT)     \
    F(stem, stock, 28, 8, TEXT)                   \
    F(stem, far_price, 36, 4, UINT)               \
    F(stem, near_price, 40, 4, UINT)              \
    F(stem, current_reference_price, 44, 4, UINT) \
    F(stem, cross_type, 48, 1, TEXT)              \
    F(stem, price_variation_indicator, 49, 1, TEXT)
#define RW_ITCH50_FIELDS_B(F, stem)       \
    RW_ITCH50_HEAD(F, stem, stock_locate) \
    F(stem, match_number, 11, 8, UINT)
#define RW_ITCH50_FIELDS_Q(F, stem)       \
    RW_ITCH50_HEAD(F, stem, stock_locate) \
    F(stem, cross_shares, 11, 8, UINT)    \
    F(stem, stock, 19, 8, TEXT)           \
    F(stem, cross_price, 27, 4, UINT)     \
    F(stem, match_number, 31, 8, UINT)    \
    F(stem, cross_type, 39, 1, TEXT)
#define RW_ITCH50_FIELDS_ADD(F, stem)            \
    RW_ITCH50_HEAD(F, stem, stock_locate)        \
    F(stem, order_reference_number, 11, 8, UINT) \
    F(stem, buy_sell_indicator, 19, 1, TEXT)     \
    F(stem, shares, 20, 4, UINT)                 \
    F(stem, stock, 24, 8, TEXT)                  \
    F(stem, price, 32, 4, UINT)
#define RW_ITCH50_FIELDS_P(F, stem) \
    RW_ITCH50_FIELDS_ADD(F, stem)   \
    F(stem, match_number, 36, 8, UINT)
#define RW_ITCH50_FIELDS_U(F, stem)                       \
    RW_ITCH50_HEAD(F, stem, stock_locate)                 \
    F(stem, original_order_reference_number, 11, 8, UINT) \
    F(stem, new_order_reference_number, 19, 8, UINT)      \
    F(stem, shares, 27, 4, UINT)                          \
    F(stem, price, 31, 4, UINT)
#define RW_ITCH50_FIELDS_D(F, stem)       \
    RW_ITCH50_HEAD(F, stem, stock_locate) \
    F(stem, order_reference_number, 11, 8, UINT)
#define RW_ITCH50_FIELDS_X(F, stem) \
    RW_ITCH50_FIELDS_D(F, stem)     \
    F(stem, canceled_shares, 19, 4, UINT)
#define RW_ITCH50_FIELDS_E(F, stem)       \
    RW_ITCH50_FIELDS_D(F, stem)           \
    F(stem, executed_shares, 19, 4, UINT) \
    F(stem, match_number, 23, 8, UINT)
#define RW_ITCH50_FIELDS_C(F, stem) \
    RW_ITCH50_FIELDS_E(F, stem)     \
    F(stem, printable, 31, 1, TEXT) \
    F(stem, execution_price, 32, 4, UINT)
#define RW_ITCH50_FIELDS_F(F, stem) \
    RW_ITCH50_FIELDS_ADD(F, stem)   \
    F(stem, attribution, 36, 4, TEXT)
#define RW_ITCH50_FIELDS_HALT(F, stem)    \
    RW_ITCH50_HEAD(F, stem, stock_locate) \
    F(stem, stock, 11, 8, TEXT)           \
    F(stem, market_code, 19, 1, TEXT)     \
    F(stem, operational_halt_action, 20, 1, TEXT)
#define RW_ITCH50_FIELDS_J(F, stem)                      \
    RW_ITCH50_HEAD(F, stem, stock_locate)                \
    F(stem, stock, 11, 8, TEXT)                          \
    F(stem, auction_collar_reference_price, 19, 4, UINT) \
    F(stem, upper_auction_collar_price, 23, 4, UINT)     \
    F(stem, lower_auction_collar_price, 27, 4, UINT)     \
    F(stem, auction_collar_extension, 31, 4, UINT)
#define RW_ITCH50_FIELDS_K(F, stem)                       \
    RW_ITCH50_HEAD(F, stem, stock_locate)                 \
    F(stem, stock, 11, 8, TEXT)                           \
    F(stem, ipo_quotation_release_time, 19, 4, UINT)      \
    F(stem, ipo_quotation_release_qualifier, 23, 1, TEXT) \
    F(stem, ipo_price, 24, 4, UINT)
#define RW_ITCH50_FIELDS_W(F, stem)       \
    RW_ITCH50_HEAD(F, stem, stock_locate) \
    F(stem, breached_level, 11, 1, TEXT)
#define RW_ITCH50_FIELDS_V(F, stem)       \
    RW_ITCH50_HEAD(F, stem, stock_locate) \
    F(stem, level_1, 11, 8, UINT)         \
    F(stem, level_2, 19, 8, UINT)         \
    F(stem, level_3, 27, 8, UINT)
#define RW_ITCH50_FIELDS_L(F, stem)            \
    RW_ITCH50_HEAD(F, stem, stock_locate)      \
    F(stem, mpid, 11, 4, TEXT)                 \
    F(stem, stock, 15, 8, TEXT)                \
    F(stem, primary_market_maker, 23, 1, TEXT) \
    F(stem, market_maker_mode, 24, 1, TEXT)    \
    F(stem, market_participant_state, 25, 1, TEXT)
#define RW_ITCH50_FIELDS_Y(F, stem)      \
    RW_ITCH50_HEAD(F, stem, locate_code) \
    F(stem, stock, 11, 8, TEXT)          \
    F(stem, reg_sho_action, 19, 1, TEXT)
#define RW_ITCH50_FIELDS_H(F, stem)       \
    RW_ITCH50_HEAD(F, stem, stock_locate) \
    F(stem, stock, 11, 8, TEXT)           \
    F(stem, trading_state, 19, 1, TEXT)   \
    F(stem, reserved, 20, 1, TEXT)        \
    F(stem, reason_code, 21, 4, TEXT)
#define RW_ITCH50_FIELDS_R(F, stem)                      \
    RW_ITCH50_HEAD(F, stem, stock_locate)                \
    F(stem, stock, 11, 8, TEXT)                          \
    F(stem, market_category, 19, 1, TEXT)                \
    F(stem, financial_status_indicator, 20, 1, TEXT)     \
    F(stem, round_lot_size, 21, 4, UINT)                 \
    F(stem, round_lots_only, 25, 1, TEXT)                \
    F(stem, issue_classification, 26, 1, TEXT)           \
    F(stem, issue_sub_type, 27, 2, TEXT)                 \
    F(stem, authenticity, 29, 1, TEXT)                   \
    F(stem, short_sale_threshold_indicator, 30, 1, TEXT) \
    F(stem, ipo_flag, 31, 1, TEXT)                       \
    F(stem, luld_reference_price_tier, 32, 1, TEXT)      \
    F(stem, etp_flag, 33, 1, TEXT)                       \
    F(stem, etp_leverage_factor, 34, 4, UINT)            \
    F(stem, inverse_indicator, 38, 1, TEXT)
#define RW_ITCH50_FIELDS_S(F, stem)       \
    RW_ITCH50_HEAD(F, stem, stock_locate) \
    F(stem, event_code, 11, 1, TEXT)

/* T(letter, stem of the accessors, name, bytes, fields). */
#define RW_ITCH50_TYPES(T)                                                                        \
    T('S', system, "system_event", 12, RW_ITCH50_FIELDS_S)                                        \
    T('R', directory, "stock_directory", 39, RW_ITCH50_FIELDS_R)                                  \
    T('H', trading, "stock_trading_action", 25, RW_ITCH50_FIELDS_H)                               \
    T('Y', reg_sho, "reg_sho_short_sale_price_test_restricted_indicator", 20, RW_ITCH50_FIELDS_Y) \
    T('L', participant, "market_participant_position", 26, RW_ITCH50_FIELDS_L)                    \
    T('V', decline, "mwcb_decline_level", 35, RW_ITCH50_FIELDS_V)                                 \
    T('W', breach, "mwcb_status_level", 12, RW_ITCH50_FIELDS_W)                                   \
    T('K', ipo, "ipo_quoting_period_update", 28, RW_ITCH50_FIELDS_K)                              \
    T('J', collar, "luld_auction_collar", 35, RW_ITCH50_FIELDS_J)                                 \
    T('h', halt, "operational_halt", 21, RW_ITCH50_FIELDS_HALT)                                   \
    T('A', add, "add_order_no_mpid_attribution", 36, RW_ITCH50_FIELDS_ADD)                        \
    T('F', add_mpid, "add_order_with_mpid_attribution", 40, RW_ITCH50_FIELDS_F)                   \
    T('E', executed, "order_executed", 31, RW_ITCH50_FIELDS_E)                                    \
    T('C', executed_at, "order_executed_with_price", 36, RW_ITCH50_FIELDS_C)                      \
    T('X', cancel, "order_cancel", 23, RW_ITCH50_FIELDS_X)                                        \
    T('D', delete, "order_delete", 19, RW_ITCH50_FIELDS_D)                                        \
    T('U', replace, "order_replace", 35, RW_ITCH50_FIELDS_U)                                      \
    T('P', trade, "non_cross_trade", 44, RW_ITCH50_FIELDS_P)                                      \
    T('Q', cross, "cross_trade", 40, RW_ITCH50_FIELDS_Q)                                          \
    T('B', broken, "broken_trade", 19, RW_ITCH50_FIELDS_B)                                        \
    T('I', imbalance, "net_order_imbalance_indicator", 50, RW_ITCH50_FIELDS_I)                    \
    T('N', retail, "retail_price_improvement_indicator", 20, RW_ITCH50_FIELDS_N)                  \
    T('O', listing, "direct_listing_with_capital_raise_price_discovery", 48, RW_ITCH50_FIELDS_O)

/* The types in the order of the table above (also as a table of dataplane/feed/field_table.h), and
 * the length of each letter's message (0: no such type). */
extern const struct rw_message_table rw_itch50_table;
extern const struct rw_message_type rw_itch50_types[RW_ITCH50_TYPE_COUNT];
extern const uint8_t rw_itch50_bytes[256];

enum rw_itch50_verdict { RW_ITCH50_OK = 0, RW_ITCH50_UNKNOWN_TYPE = 1, RW_ITCH50_BAD_LENGTH = 2 };

/* rw_itch50_check tells whether `bytes` bytes at `message` are one message of a known type with
 * exactly the length of that type; an empty message is a bad length. After RW_ITCH50_OK all
 * accessors of the type are safe. Pure; any thread. */
static inline enum rw_itch50_verdict rw_itch50_check(const uint8_t *message, uint32_t bytes) {
    if (bytes == 0) return RW_ITCH50_BAD_LENGTH;
    uint8_t wanted = rw_itch50_bytes[message[0]];
    if (wanted == 0) return RW_ITCH50_UNKNOWN_TYPE;
    return bytes == wanted ? RW_ITCH50_OK : RW_ITCH50_BAD_LENGTH;
}

/* rw_itch50_type returns the row of a letter, NULL when there is no such type. Any thread. */
const struct rw_message_type *rw_itch50_type(uint8_t letter);

/* rw_itch50_json is rw_message_json for a message that has passed rw_itch50_check; text holds
 * RW_ITCH50_JSON_MAX bytes. */
#define RW_ITCH50_JSON_MAX 1024u
uint32_t rw_itch50_json(char *text, uint64_t sequence, const uint8_t *message);

/* What every type has, read without looking at the type. */
static inline uint16_t rw_itch50_locate(const uint8_t *message) {
    return rw_load_be16(message + 1);
}
static inline uint64_t rw_itch50_timestamp(const uint8_t *message) {
    return rw_load_be48(message + 5);
}

/* Accessors of each field: integers come as uint64_t, text as a pointer to the padded bytes. */
#define RW_ITCH50_LOAD_1(from) (*(from))
#define RW_ITCH50_LOAD_2(from) rw_load_be16(from)
#define RW_ITCH50_LOAD_4(from) rw_load_be32(from)
#define RW_ITCH50_LOAD_6(from) rw_load_be48(from)
#define RW_ITCH50_LOAD_8(from) rw_load_be64(from)
#define RW_ITCH50_ACCESS_UINT(stem, name, offset, size)                        \
    static inline uint64_t rw_itch50_##stem##_##name(const uint8_t *message) { \
        return RW_ITCH50_LOAD_##size(message + (offset));                      \
    }
#define RW_ITCH50_ACCESS_TEXT(stem, name, offset, size)                              \
    static inline const uint8_t *rw_itch50_##stem##_##name(const uint8_t *message) { \
        return message + (offset);                                                   \
    }
#define RW_ITCH50_ACCESS(stem, name, offset, size, kind) \
    RW_ITCH50_ACCESS_##kind(stem, name, offset, size)
#define RW_ITCH50_ACCESS_TYPE(letter, stem, name, bytes, FIELDS) FIELDS(RW_ITCH50_ACCESS, stem)
RW_ITCH50_TYPES(RW_ITCH50_ACCESS_TYPE)
