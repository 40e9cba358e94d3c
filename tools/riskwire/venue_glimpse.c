#include "tools/riskwire/venue_glimpse.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/feed/itch50_write.h"

#define EVENTS_MAX   16u
#define NUMBER_BYTES 20u

/* The types of which the last message of each symbol is kept, in the order of a snapshot. */
static const char kinds[] = {'R', 'H', 'Y', 'N', 'h'};
#define KINDS (sizeof kinds)

struct kept {
    uint8_t message[RW_ITCH50_BYTES_MAX];
};

struct rw_venue_glimpse {
    const struct rw_venue_core *venue;
    struct rw_venue_glimpse_cfg cfg;
    uint32_t symbols, life, events;
    uint64_t read; /* messages of the life */
    struct kept event[EVENTS_MAX];
    struct kept *kept; /* [KINDS][symbols]; a message of zeroes: none yet */
};

struct rw_venue_glimpse *rw_venue_glimpse_new(const struct rw_venue_core *venue, uint32_t symbols,
                                              const struct rw_venue_glimpse_cfg *cfg) {
    struct rw_venue_glimpse *glimpse = calloc(1, sizeof *glimpse);
    RW_ASSERT(glimpse);
    glimpse->venue = venue;
    glimpse->cfg = *cfg;
    glimpse->symbols = symbols;
    glimpse->kept = calloc(KINDS * symbols, sizeof *glimpse->kept);
    RW_ASSERT(glimpse->kept);
    return glimpse;
}

void rw_venue_glimpse_free(struct rw_venue_glimpse *glimpse) {
    free(glimpse->kept);
    free(glimpse);
}

static void keep(struct rw_venue_glimpse *glimpse, const uint8_t *message, uint32_t bytes) {
    if (message[0] == 'S') {
        RW_ASSERT(glimpse->events < EVENTS_MAX);
        memcpy(glimpse->event[glimpse->events++].message, message, bytes);
        return;
    }
    const char *kind = memchr(kinds, message[0], KINDS);
    if (!kind) return;
    uint32_t index = rw_itch50_locate(message) - 1u;
    RW_ASSERT(index < glimpse->symbols);
    struct kept *row = &glimpse->kept[(uint32_t)(kind - kinds) * glimpse->symbols + index];
    memcpy(row->message, message, bytes);
}

/* A new life is an empty market: what was said before does not hold any more. */
static void follow(struct rw_venue_glimpse *glimpse) {
    if (glimpse->life != rw_venue_life(glimpse->venue)) {
        glimpse->life = rw_venue_life(glimpse->venue);
        glimpse->read = glimpse->events = 0;
        memset(glimpse->kept, 0, KINDS * glimpse->symbols * sizeof *glimpse->kept);
    }
    const struct rw_venue_log *log = rw_venue_messages(glimpse->venue, glimpse->life);
    while (glimpse->read < log->count) {
        uint32_t bytes;
        const uint8_t *message = rw_venue_log_get(log, ++glimpse->read, &bytes);
        keep(glimpse, message, bytes);
    }
}

static void write_kept(const struct kept *kept, struct rw_venue_log *log) {
    uint8_t letter = kept->message[0];
    if (letter) rw_venue_log_add(log, kept->message, rw_itch50_bytes[letter]);
}

static void write_order(const struct rw_gen_order *order, const struct rw_gen_symbol_info *symbol,
                        uint64_t time_ns, struct rw_venue_log *log) {
    uint8_t message[RW_ITCH50_BYTES_MAX];
    uint32_t bytes =
        rw_itch50_begin(message, order->attributed ? 'F' : 'A', symbol->locate, time_ns);
    rw_itch50_put_add_order_reference_number(message, order->reference);
    rw_itch50_put_add_buy_sell_indicator(message, order->side ? "S" : "B");
    rw_itch50_put_add_shares(message, order->shares);
    rw_itch50_put_add_stock(message, symbol->name);
    rw_itch50_put_add_price(message, (uint32_t)order->price);
    if (order->attributed) rw_itch50_put_add_mpid_attribution(message, order->mpid);
    rw_venue_log_add(log, message, bytes);
}

static void write_orders(const struct rw_venue_glimpse *glimpse, struct rw_venue_log *log) {
    const struct rw_gen_market *market = rw_venue_market(glimpse->venue);
    const struct rw_gen_books *books = rw_gen_market_books(market);
    uint64_t time_ns = rw_venue_event_ns(glimpse->venue);
    for (uint32_t i = 0; i < 2 * glimpse->symbols; i++) {
        const struct rw_gen_side *side = &books->side[i];
        struct rw_gen_symbol_info symbol = rw_gen_market_symbol(market, i / 2);
        for (uint32_t k = side->count; k > 0; k--)
            for (uint32_t at = side->level[k - 1].first; at; at = books->order[at].next)
                write_order(&books->order[at], &symbol, time_ns, log);
    }
}

static void write_end(const struct rw_venue_glimpse *glimpse, uint64_t number,
                      struct rw_venue_log *log) {
    uint8_t message[1 + NUMBER_BYTES + 1] = {'G'};
    char *digits = (char *)message + 1;
    switch (glimpse->cfg.number) {
    case RW_VENUE_DIGITS_RIGHT:
        snprintf(digits, NUMBER_BYTES + 1, "%20" PRIu64, number);
        break;
    case RW_VENUE_DIGITS_LEFT:
        snprintf(digits, NUMBER_BYTES + 1, "%-20" PRIu64, number);
        break;
    case RW_VENUE_DIGITS_ZEROES:
        snprintf(digits, NUMBER_BYTES + 1, "%020" PRIu64, number);
        break;
    case RW_VENUE_BINARY:
        rw_store_be64(digits, number);
        rw_venue_log_add(log, message, 1 + sizeof number);
        return;
    }
    rw_venue_log_add(log, message, 1 + NUMBER_BYTES);
}

uint64_t rw_venue_glimpse_write(struct rw_venue_glimpse *glimpse, struct rw_venue_log *log) {
    RW_ASSERT(rw_venue_is_whole(glimpse->venue));
    follow(glimpse);
    for (uint32_t i = 0; i < glimpse->events; i++) write_kept(&glimpse->event[i], log);
    for (uint32_t i = 0; i < KINDS * glimpse->symbols; i++) write_kept(&glimpse->kept[i], log);
    write_orders(glimpse, log);
    uint64_t number = glimpse->read + (glimpse->cfg.names_last ? 0 : 1);
    write_end(glimpse, number, log);
    return number;
}
