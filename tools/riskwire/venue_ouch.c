#include "tools/riskwire/venue_ouch.h"

#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/feed/field_write.h"
#include "dataplane/feed/ouch50.h"

/* A message begun with its letter and time, all else zero. */
static struct rw_draft begin(uint8_t *to, char letter, uint64_t time_ns) {
    struct rw_draft draft = rw_draft_begin(&rw_ouch50_out_table, (uint8_t)letter, to);
    RW_ASSERT(draft.type->bytes <= RW_VENUE_OUCH_MAX);
    to[0] = (uint8_t)letter;
    rw_draft_uint(&draft, 0, time_ns);
    return draft;
}

static uint32_t place_of(const struct rw_draft *draft, const char *name) {
    uint32_t place = 0;
    while (strcmp(draft->type->field[place].name, name) != 0)
        RW_ASSERT(++place < draft->type->field_count);
    return place;
}

static void put(const struct rw_draft *draft, const char *name, uint64_t value) {
    rw_draft_uint(draft, place_of(draft, name), value);
}

static void put_text(const struct rw_draft *draft, const char *name, const char *text) {
    rw_draft_text(draft, place_of(draft, name), text);
}

/* What 'A' and 'U' have in common. */
static uint32_t put_order(const struct rw_draft *draft, const struct rw_venue_ouch_order *order) {
    put(draft, "user_ref_num", order->user_ref);
    put_text(draft, "side", &order->side);
    put(draft, "quantity", order->quantity);
    put_text(draft, "symbol", order->symbol);
    put(draft, "price", order->price);
    put_text(draft, "time_in_force", "0");
    put_text(draft, "display", &order->display);
    put(draft, "order_reference_number", order->reference);
    put_text(draft, "capacity", "P");
    put_text(draft, "inter_market_sweep_eligibility", "N");
    put_text(draft, "cross_type", "N");
    put_text(draft, "order_state", "L");
    put_text(draft, "clordid", order->clordid);
    return draft->type->bytes;
}

uint32_t rw_venue_ouch_accepted(uint8_t *to, uint64_t time_ns,
                                const struct rw_venue_ouch_order *order) {
    struct rw_draft draft = begin(to, 'A', time_ns);
    return put_order(&draft, order);
}

uint32_t rw_venue_ouch_replaced(uint8_t *to, uint64_t time_ns, uint32_t original,
                                const struct rw_venue_ouch_order *order) {
    struct rw_draft draft = begin(to, 'U', time_ns);
    put(&draft, "orig_user_ref_num", original);
    return put_order(&draft, order);
}

uint32_t rw_venue_ouch_canceled(uint8_t *to, uint64_t time_ns, uint32_t user_ref, uint32_t quantity,
                                char reason) {
    struct rw_draft draft = begin(to, 'C', time_ns);
    put(&draft, "user_ref_num", user_ref);
    put(&draft, "quantity", quantity);
    put_text(&draft, "cancel_order_reason", &reason);
    return draft.type->bytes;
}

uint32_t rw_venue_ouch_executed(uint8_t *to, uint64_t time_ns, uint32_t user_ref, uint32_t quantity,
                                uint64_t price, char liquidity, uint64_t match_number) {
    struct rw_draft draft = begin(to, 'E', time_ns);
    put(&draft, "user_ref_num", user_ref);
    put(&draft, "quantity", quantity);
    put(&draft, "price", price);
    put_text(&draft, "liquidity_flag", &liquidity);
    put(&draft, "match_number", match_number);
    return draft.type->bytes;
}

uint32_t rw_venue_ouch_broken(uint8_t *to, uint64_t time_ns, uint32_t user_ref,
                              uint64_t match_number, char reason, const char *clordid) {
    struct rw_draft draft = begin(to, 'B', time_ns);
    put(&draft, "user_ref_num", user_ref);
    put(&draft, "match_number", match_number);
    put_text(&draft, "broken_trade_reason", &reason);
    put_text(&draft, "clordid", clordid);
    return draft.type->bytes;
}

uint32_t rw_venue_ouch_event(uint8_t *to, uint64_t time_ns, char code) {
    struct rw_draft draft = begin(to, 'S', time_ns);
    put_text(&draft, "event_code", &code);
    return draft.type->bytes;
}
