#include "tools/riskwire/venue_ouch.h"

#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/bytes.h"
#include "dataplane/feed/ouch50.h"

/* A message being written: begun with its letter and time, all else zero. */
struct writer {
    uint8_t *to;
    const struct rw_message_type *type;
};

static struct writer begin(uint8_t *to, char letter, uint64_t time_ns) {
    const struct rw_message_table *table = &rw_ouch50_out_table;
    struct writer writer = {.to = to};
    for (uint32_t i = 0; i < table->type_count; i++)
        if (table->type[i].code == letter) writer.type = &table->type[i];
    RW_ASSERT(writer.type && writer.type->bytes <= RW_VENUE_OUCH_MAX);
    memset(to, 0, writer.type->bytes);
    to[0] = (uint8_t)letter;
    rw_store_be64(to + 1, time_ns);
    return writer;
}

static const struct rw_field *find(const struct writer *writer, const char *name) {
    const struct rw_field *field = NULL;
    for (uint32_t i = 0; i < writer->type->field_count; i++)
        if (!strcmp(writer->type->field[i].name, name)) field = &writer->type->field[i];
    RW_ASSERT(field);
    return field;
}

static void put(const struct writer *writer, const char *name, uint64_t value) {
    const struct rw_field *field = find(writer, name);
    RW_ASSERT(field->kind == RW_FIELD_UINT);
    for (uint32_t i = 0; i < field->size; i++)
        writer->to[field->offset + i] = (uint8_t)(value >> 8 * (field->size - 1u - i));
}

static void put_text(const struct writer *writer, const char *name, const char *text) {
    const struct rw_field *field = find(writer, name);
    RW_ASSERT(field->kind == RW_FIELD_TEXT);
    memcpy(writer->to + field->offset, text, field->size);
}

/* What 'A' and 'U' have in common. */
static uint32_t put_order(const struct writer *writer, const struct rw_venue_ouch_order *order) {
    put(writer, "user_ref_num", order->user_ref);
    put_text(writer, "side", &order->side);
    put(writer, "quantity", order->quantity);
    put_text(writer, "symbol", order->symbol);
    put(writer, "price", order->price);
    put_text(writer, "time_in_force", "0");
    put_text(writer, "display", &order->display);
    put(writer, "order_reference_number", order->reference);
    put_text(writer, "capacity", "P");
    put_text(writer, "inter_market_sweep_eligibility", "N");
    put_text(writer, "cross_type", "N");
    put_text(writer, "order_state", "L");
    put_text(writer, "clordid", order->clordid);
    return writer->type->bytes;
}

uint32_t rw_venue_ouch_accepted(uint8_t *to, uint64_t time_ns,
                                const struct rw_venue_ouch_order *order) {
    struct writer writer = begin(to, 'A', time_ns);
    return put_order(&writer, order);
}

uint32_t rw_venue_ouch_replaced(uint8_t *to, uint64_t time_ns, uint32_t original,
                                const struct rw_venue_ouch_order *order) {
    struct writer writer = begin(to, 'U', time_ns);
    put(&writer, "orig_user_ref_num", original);
    return put_order(&writer, order);
}

uint32_t rw_venue_ouch_canceled(uint8_t *to, uint64_t time_ns, uint32_t user_ref, uint32_t quantity,
                                char reason) {
    struct writer writer = begin(to, 'C', time_ns);
    put(&writer, "user_ref_num", user_ref);
    put(&writer, "quantity", quantity);
    put_text(&writer, "cancel_order_reason", &reason);
    return writer.type->bytes;
}

uint32_t rw_venue_ouch_executed(uint8_t *to, uint64_t time_ns, uint32_t user_ref, uint32_t quantity,
                                uint64_t price, char liquidity, uint64_t match_number) {
    struct writer writer = begin(to, 'E', time_ns);
    put(&writer, "user_ref_num", user_ref);
    put(&writer, "quantity", quantity);
    put(&writer, "price", price);
    put_text(&writer, "liquidity_flag", &liquidity);
    put(&writer, "match_number", match_number);
    return writer.type->bytes;
}

uint32_t rw_venue_ouch_broken(uint8_t *to, uint64_t time_ns, uint32_t user_ref,
                              uint64_t match_number, char reason, const char *clordid) {
    struct writer writer = begin(to, 'B', time_ns);
    put(&writer, "user_ref_num", user_ref);
    put(&writer, "match_number", match_number);
    put_text(&writer, "broken_trade_reason", &reason);
    put_text(&writer, "clordid", clordid);
    return writer.type->bytes;
}

uint32_t rw_venue_ouch_event(uint8_t *to, uint64_t time_ns, char code) {
    struct writer writer = begin(to, 'S', time_ns);
    put_text(&writer, "event_code", &code);
    return writer.type->bytes;
}
