/* Messages that the flow and the schedule both write. */
#include "tools/riskwire/gen_state.h"

#include <string.h>

#include "dataplane/base/assert.h"

uint64_t rw_gen_flow_left(const struct rw_gen_market *market) {
    uint64_t later = market->scheduled - market->schedule_at;
    uint64_t left = market->cfg.messages - market->made;
    return left > later ? left - later : 0;
}

/* Queues a message of the planned time and returns its bytes, to be filled. */
struct rw_gen_message *rw_gen_begin(struct rw_gen_market *market, char letter, uint32_t locate) {
    RW_ASSERT(market->queue_count < RW_GEN_QUEUE_MAX);
    struct rw_gen_message *message =
        &market->queue[(market->queue_first + market->queue_count++) % RW_GEN_QUEUE_MAX];
    market->made++;
    memset(message, 0, offsetof(struct rw_gen_message, message));
    message->time_ns = market->time_ns;
    message->bytes = rw_itch50_begin(message->message, letter, (uint16_t)locate, market->time_ns);
    return message;
}

struct rw_gen_message *rw_gen_begin_symbol(struct rw_gen_market *market, char letter,
                                           uint32_t symbol) {
    struct rw_gen_message *message = rw_gen_begin(market, letter, symbol + 1);
    message->symbol = symbol;
    return message;
}

void rw_gen_put_system(struct rw_gen_market *market, char code) {
    rw_itch50_put_system_event_code(rw_gen_begin(market, 'S', 0)->message, &code);
}

uint64_t rw_gen_next_reference(struct rw_gen_market *market, uint32_t symbol) {
    uint32_t partition = symbol % RW_GEN_PARTITIONS, steps = 1;
    while (steps < 8 && rw_gen_below(&market->chance, 100) < 35) steps++;
    return market->reference[partition] += 4ull * steps;
}

uint64_t rw_gen_next_match(struct rw_gen_market *market, uint32_t symbol) {
    market->last_match_symbol = symbol;
    market->last_match = ++market->match_number;
    return market->last_match;
}

const char *rw_gen_draw_mpid(struct rw_gen_market *market) {
    static const char mpids[][5] = {"MMAA", "MMBB", "MMCC", "MMDD", "MMEE", "MMFF", "MMGG", "MMHH"};
    return mpids[rw_gen_below(&market->chance, 8)];
}

void rw_gen_put_add(struct rw_gen_market *market, const struct rw_gen_order *order) {
    char letter = order->attributed ? 'F' : 'A', side = order->side ? 'S' : 'B';
    uint8_t *message = rw_gen_begin_symbol(market, letter, order->symbol)->message;
    rw_itch50_put_add_order_reference_number(message, order->reference);
    rw_itch50_put_add_buy_sell_indicator(message, &side);
    rw_itch50_put_add_shares(message, order->shares);
    rw_itch50_put_add_stock(message, market->names[order->symbol]);
    rw_itch50_put_add_price(message, (uint32_t)order->price);
    if (order->attributed) rw_itch50_put_add_mpid_attribution(message, order->mpid);
    rw_gen_books_add(&market->books, order);
}

void rw_gen_put_delete(struct rw_gen_market *market, uint32_t index) {
    const struct rw_gen_order *order = &market->books.order[index];
    uint8_t *message = rw_gen_begin_symbol(market, 'D', order->symbol)->message;
    rw_itch50_put_delete_order_reference_number(message, order->reference);
    rw_gen_books_take(&market->books, index, order->shares);
}

/* 'E' at the order's own price; 'C' at another, printable or (in a cross) not. */
void rw_gen_put_execution(struct rw_gen_market *market, uint32_t index, uint32_t shares,
                          char letter, int32_t price, char printable) {
    const struct rw_gen_order *order = &market->books.order[index];
    struct rw_gen_message *made = rw_gen_begin_symbol(market, letter, order->symbol);
    rw_itch50_put_executed_tracking_number(made->message, 2 * rw_gen_below(&market->chance, 3));
    rw_itch50_put_executed_order_reference_number(made->message, order->reference);
    rw_itch50_put_executed_executed_shares(made->message, shares);
    made->match_number = rw_gen_next_match(market, order->symbol);
    rw_itch50_put_executed_match_number(made->message, made->match_number);
    made->trade_price = order->price;
    made->trade_shares = shares;
    if (letter == 'C') {
        rw_itch50_put_executed_at_printable(made->message, &printable);
        rw_itch50_put_executed_at_execution_price(made->message, (uint32_t)price);
        made->trade_price = price;
        if (printable != 'Y') made->trade_shares = 0;
    }
    rw_gen_books_take(&market->books, index, shares);
}

void rw_gen_put_position(struct rw_gen_market *market, uint32_t symbol) {
    uint8_t *message = rw_gen_begin_symbol(market, 'L', symbol)->message;
    rw_itch50_put_participant_mpid(message, rw_gen_draw_mpid(market));
    rw_itch50_put_participant_stock(message, market->names[symbol]);
    rw_itch50_put_participant_primary_market_maker(message, "Y");
    rw_itch50_put_participant_market_maker_mode(message, "N");
    rw_itch50_put_participant_market_participant_state(message, "A");
}
