/* OUCH 5.0 messages as a venue sends them, written from the field tables that decode them
 * (dataplane/feed/ouch50.h). Fields without an argument say: day order, principal, no sweep, live.
 * Each function fills `to`, which holds RW_VENUE_OUCH_MAX bytes, and returns the length. Pure. */
#pragma once

#include <stdint.h>

#define RW_VENUE_OUCH_MAX     128u
#define RW_VENUE_CLORDID_SIZE 14u

/* An order as the venue accepted it. */
struct rw_venue_ouch_order {
    uint32_t user_ref, quantity;
    uint64_t reference; /* the public feed's */
    uint64_t price;     /* 1e-4 */
    char side, display; /* 'B' 'S'; 'Y' shown, 'N' not */
    char symbol[8];     /* space padded */
    char clordid[RW_VENUE_CLORDID_SIZE];
};

/* rw_venue_ouch_accepted, _replaced (original: user reference of the order before), _canceled
 * (quantity taken off), _executed, _broken and _event write a message each. time_ns is since
 * midnight. */
uint32_t rw_venue_ouch_accepted(uint8_t *to, uint64_t time_ns,
                                const struct rw_venue_ouch_order *order);
uint32_t rw_venue_ouch_replaced(uint8_t *to, uint64_t time_ns, uint32_t original,
                                const struct rw_venue_ouch_order *order);
uint32_t rw_venue_ouch_canceled(uint8_t *to, uint64_t time_ns, uint32_t user_ref, uint32_t quantity,
                                char reason);
uint32_t rw_venue_ouch_executed(uint8_t *to, uint64_t time_ns, uint32_t user_ref, uint32_t quantity,
                                uint64_t price, char liquidity, uint64_t match_number);
uint32_t rw_venue_ouch_broken(uint8_t *to, uint64_t time_ns, uint32_t user_ref,
                              uint64_t match_number, char reason, const char *clordid);
uint32_t rw_venue_ouch_event(uint8_t *to, uint64_t time_ns, char code);
