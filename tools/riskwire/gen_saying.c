/* The market's own books are kept beside, because other exchanges tell what ITCH leaves to them:
 * what remains of an order, the side and symbol of a replacement. */
#include "tools/riskwire/gen_saying.h"

#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/feed/itch50_book.h"
#include "dataplane/feed/pitch_write.h"
#include "tools/riskwire/gen_mdp3.h"

#define SECOND_NS    UINT64_C(1000000000)
#define SECOND_NONE  UINT64_MAX
#define ORDERS_LEAST 1024u
#define ORDERS_MOST  (1u << 24)

struct rw_gen_saying {
    void (*say)(struct rw_gen_saying *saying, const uint8_t *message,
                const struct rw_book_event *event, struct rw_gen_said *said);
    struct rw_book *book; /* after the message, once it is applied */
    struct rw_book_counters counters;
    uint64_t second; /* of the day, as told last */
    struct rw_gen_mdp3 *mdp3;
    /* the order that the message names, as it was before */
    struct rw_book_order order;
    bool has_order;
};

/* ---- ITCH as it is -------------------------------------------------------------------------- */

static void say_itch(struct rw_gen_saying *saying, const uint8_t *message,
                     const struct rw_book_event *event, struct rw_gen_said *said) {
    said->count = 1;
    said->bytes[0] = rw_itch50_bytes[message[0]];
    memcpy(said->message[0], message, said->bytes[0]);
}

/* ---- PITCH ---------------------------------------------------------------------------------- */

/* The place for the next message; a limit of what one ITCH message becomes. */
static uint8_t *next_of(struct rw_gen_said *said) {
    RW_ASSERT(said->count < RW_GEN_SAID_MAX);
    return said->message[said->count];
}

static void done(struct rw_gen_said *said, uint32_t bytes) {
    RW_ASSERT(bytes <= RW_GEN_SAID_BYTES);
    said->bytes[said->count++] = bytes;
}

static const char *symbol_of(const struct rw_gen_saying *saying, uint16_t locate) {
    return (const char *)rw_book_symbol(saying->book, locate);
}

static void pitch_execution(struct rw_gen_saying *saying, const uint8_t *message,
                            uint32_t offset_ns, struct rw_gen_said *said) {
    uint64_t reference = rw_itch50_executed_order_reference_number(message);
    uint32_t shares = (uint32_t)rw_itch50_executed_executed_shares(message);
    uint64_t match = rw_itch50_executed_match_number(message);
    uint32_t left = saying->order.shares > shares ? saying->order.shares - shares : 0;
    done(said, message[0] == 'E'
                   ? rw_pitch_execute(next_of(said), offset_ns, reference, shares, match)
                   : rw_pitch_execute_at(next_of(said), offset_ns, reference, shares, left, match,
                                         rw_itch50_executed_at_execution_price(message)));
}

static void pitch_replacement(struct rw_gen_saying *saying, const uint8_t *message,
                              uint32_t offset_ns, struct rw_gen_said *said) {
    const struct rw_book_order *order = &saying->order;
    done(said, rw_pitch_delete(next_of(said), offset_ns, order->reference));
    done(said, rw_pitch_add(next_of(said), offset_ns,
                            rw_itch50_replace_new_order_reference_number(message),
                            order->side == RW_BOOK_BID ? 'B' : 'S',
                            (uint32_t)rw_itch50_replace_shares(message),
                            symbol_of(saying, order->locate), rw_itch50_replace_price(message)));
}

static void pitch_trade(const uint8_t *message, uint32_t offset_ns, struct rw_gen_said *said) {
    if (message[0] == 'P')
        done(said, rw_pitch_trade(
                       next_of(said), offset_ns, (char)*rw_itch50_trade_buy_sell_indicator(message),
                       (uint32_t)rw_itch50_trade_shares(message),
                       (const char *)rw_itch50_trade_stock(message), rw_itch50_trade_price(message),
                       rw_itch50_trade_match_number(message)));
    else
        done(said, rw_pitch_auction(next_of(said), offset_ns,
                                    (const char *)rw_itch50_cross_stock(message),
                                    (char)*rw_itch50_cross_cross_type(message),
                                    rw_itch50_cross_cross_price(message),
                                    (uint32_t)rw_itch50_cross_cross_shares(message)));
}

static void say_pitch_order(struct rw_gen_saying *saying, const uint8_t *message,
                            uint32_t offset_ns, struct rw_gen_said *said) {
    if (!saying->has_order) return; /* an order that the market never showed */
    switch (message[0]) {
    case 'E':
    case 'C':
        pitch_execution(saying, message, offset_ns, said);
        break;
    case 'X':
        done(said, rw_pitch_reduce(next_of(said), offset_ns, saying->order.reference,
                                   (uint32_t)rw_itch50_cancel_canceled_shares(message)));
        break;
    case 'U':
        pitch_replacement(saying, message, offset_ns, said);
        break;
    default:
        done(said, rw_pitch_delete(next_of(said), offset_ns, saying->order.reference));
        break;
    }
}

static void say_pitch(struct rw_gen_saying *saying, const uint8_t *message,
                      const struct rw_book_event *event, struct rw_gen_said *said) {
    uint64_t second = event->event_time_ns / SECOND_NS;
    uint32_t offset_ns = (uint32_t)(event->event_time_ns % SECOND_NS);
    if (second != saying->second) done(said, rw_pitch_time(next_of(said), (uint32_t)second));
    saying->second = second;
    switch (message[0]) {
    case 'A':
    case 'F':
        done(said, rw_pitch_add(
                       next_of(said), offset_ns, rw_itch50_add_order_reference_number(message),
                       (char)*rw_itch50_add_buy_sell_indicator(message),
                       (uint32_t)rw_itch50_add_shares(message),
                       (const char *)rw_itch50_add_stock(message), rw_itch50_add_price(message)));
        break;
    case 'E':
    case 'C':
    case 'X':
    case 'D':
    case 'U':
        say_pitch_order(saying, message, offset_ns, said);
        break;
    case 'P':
    case 'Q':
        pitch_trade(message, offset_ns, said);
        break;
    case 'H':
        done(said, rw_pitch_status(next_of(said), offset_ns,
                                   (const char *)rw_itch50_trading_stock(message),
                                   (char)*rw_itch50_trading_trading_state(message)));
        break;
    case 'B':
        done(said, rw_pitch_break(next_of(said), offset_ns, event->match_number));
        break;
    case 'S':
        if (event->state == 'C') done(said, rw_pitch_end_of_session(next_of(said), offset_ns));
        break;
    default:
        break;
    }
}

/* ---- MDP 3.0 -------------------------------------------------------------------------------- */

static void say_mdp3(struct rw_gen_saying *saying, const uint8_t *message,
                     const struct rw_book_event *event, struct rw_gen_said *said) {
    rw_gen_mdp3_say(saying->mdp3, saying->book, message, event, said);
}

uint32_t rw_gen_saying_snapshot(struct rw_gen_saying *saying, uint64_t sequence, uint64_t time_ns,
                                uint8_t *payload) {
    if (!saying->mdp3) return 0;
    return (uint32_t)rw_gen_mdp3_loop(saying->mdp3, (uint32_t)sequence, time_ns, payload);
}

/* ---- the whole ------------------------------------------------------------------------------ */

struct rw_gen_saying *rw_gen_saying_new(const char *feed, uint64_t messages, uint64_t midnight_ns) {
    struct rw_gen_saying *saying = calloc(1, sizeof *saying);
    uint64_t orders = messages < ORDERS_LEAST  ? ORDERS_LEAST
                      : messages > ORDERS_MOST ? ORDERS_MOST
                                               : messages;
    struct rw_book_cfg cfg = {.orders_max = (uint32_t)orders, .levels_max = (uint32_t)orders};
    RW_ASSERT(saying);
    saying->say = !strcmp(feed, "pitch") ? say_pitch : !strcmp(feed, "mdp3") ? say_mdp3 : say_itch;
    if (saying->say == say_mdp3) saying->mdp3 = rw_gen_mdp3_new(midnight_ns);
    saying->second = SECOND_NONE;
    void *memory = aligned_alloc(64, (rw_book_footprint(&cfg) + 63) & ~(size_t)63);
    RW_ASSERT(memory);
    saying->book = rw_book_new(memory, &cfg, &saying->counters);
    return saying;
}

void rw_gen_saying_free(struct rw_gen_saying *saying) {
    if (!saying) return;
    rw_gen_mdp3_free(saying->mdp3);
    free(saying->book); /* stands at the start of its memory */
    free(saying);
}

void rw_gen_saying_say(struct rw_gen_saying *saying, const uint8_t *message, uint32_t bytes,
                       struct rw_gen_said *said) {
    struct rw_book_event event;
    said->count = 0;
    saying->has_order = bytes >= rw_itch50_bytes['D'] && strchr("ECXDU", message[0]) &&
                        rw_book_find(saying->book, rw_itch50_delete_order_reference_number(message),
                                     &saying->order);
    enum rw_venue_verdict verdict = rw_itch50_apply(saying->book, message, bytes, &event);
    RW_ASSERT(verdict == RW_VENUE_OK);
    saying->say(saying, message, &event, said);
}
