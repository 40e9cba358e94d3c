#include "tools/riskwire/gen_mdp3.h"

#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/feed/itch50.h"
#include "dataplane/feed/mdp3_write.h"

#define SECURITY_FIRST 100000
#define FACTOR         10000000   /* 0.01 in 1e-9 */
#define RAW            10000000ll /* of 1e-4 in 1e-9, told in hundredths */
#define END_OF_EVENT   0x80u
#define LAST_TRADE     0x01u

struct instrument {
    struct rw_mdp3_side side[2];
    uint32_t number; /* rpt_seq */
    uint8_t status;  /* of trading; 0: not defined yet */
    char symbol[RW_BOOK_SYMBOL_BYTES + 1];
};

struct rw_gen_mdp3 {
    uint64_t midnight_ns;
    struct instrument *instruments; /* by locate */
    uint16_t *defined;              /* locates in the order of their definition */
    uint32_t defined_count, loop_at, loop_sequence;
};

struct rw_gen_mdp3 *rw_gen_mdp3_new(uint64_t midnight_ns) {
    struct rw_gen_mdp3 *mdp3 = calloc(1, sizeof *mdp3);
    RW_ASSERT(mdp3);
    mdp3->midnight_ns = midnight_ns;
    mdp3->instruments = calloc(RW_BOOK_LOCATES, sizeof *mdp3->instruments);
    mdp3->defined = calloc(RW_BOOK_LOCATES, sizeof *mdp3->defined);
    RW_ASSERT(mdp3->instruments && mdp3->defined);
    for (uint32_t i = 0; i < RW_BOOK_LOCATES; i++) mdp3->instruments[i].side[0].bid = true;
    return mdp3;
}

void rw_gen_mdp3_free(struct rw_gen_mdp3 *mdp3) {
    if (!mdp3) return;
    free(mdp3->instruments);
    free(mdp3->defined);
    free(mdp3);
}

/* ---- messages ------------------------------------------------------------------------------- */

static void begin(struct rw_gen_said *said, struct rw_mdp3_draft *draft, uint16_t template_id) {
    RW_ASSERT(said->count < RW_GEN_SAID_MAX);
    rw_mdp3_draft_begin(draft, said->message[said->count], RW_GEN_SAID_BYTES, template_id);
}

static void end(struct rw_gen_said *said, struct rw_mdp3_draft *draft) {
    said->bytes[said->count++] = rw_mdp3_draft_end(draft);
}

static uint8_t *entry_of(struct rw_mdp3_draft *draft) {
    uint8_t *entry = rw_mdp3_draft_entry(draft, 0);
    RW_ASSERT(entry); /* RW_GEN_SAID_BYTES holds what one message of the market can move */
    return entry;
}

static void begin_increment(const struct rw_gen_mdp3 *mdp3, const struct rw_book_event *event,
                            struct rw_gen_said *said, struct rw_mdp3_draft *draft,
                            uint16_t template_id, uint8_t indicator) {
    begin(said, draft, template_id);
    uint8_t *root = rw_mdp3_draft_root(draft);
    RW_MDP3_PUT(increment, transact_time, root, mdp3->midnight_ns + event->event_time_ns);
    RW_MDP3_PUT(increment, match_event_indicator, root, indicator);
}

/* reports: how many a loop of definitions has; UINT32_MAX, which is none, in the stream. */
static void write_definition(const struct rw_gen_mdp3 *mdp3, uint16_t locate, uint32_t reports,
                             struct rw_mdp3_draft *draft) {
    const struct instrument *instrument = &mdp3->instruments[locate];
    uint8_t *root = rw_mdp3_draft_root(draft);
    RW_MDP3_PUT(future, tot_num_reports_optional, root, reports);
    RW_MDP3_PUT(future, security_update_action, root, 'A');
    RW_MDP3_PUT(future, md_security_trading_status, root, instrument->status);
    RW_MDP3_PUT_TEXT(future, security_group, root, "SIM");
    RW_MDP3_PUT_TEXT(future, asset, root, "SIM");
    RW_MDP3_PUT_TEXT(future, symbol, root, instrument->symbol);
    RW_MDP3_PUT(future, security_id, root, SECURITY_FIRST + locate);
    RW_MDP3_PUT(future, display_factor, root, FACTOR);
    rw_mdp3_draft_entry(draft, 0); /* an event, of no kind */
    uint8_t *feed = rw_mdp3_draft_entry(draft, 1);
    RW_ASSERT(feed);
    RW_MDP3_PUT_TEXT(feed_type, md_feed_type, feed, "GBX");
    RW_MDP3_PUT(feed_type, market_depth, feed, RW_MDP3_DEPTH);
}

static void say_definition(struct rw_gen_mdp3 *mdp3, const struct rw_book *book, uint16_t locate,
                           struct rw_gen_said *said) {
    struct rw_mdp3_draft draft;
    struct instrument *instrument = &mdp3->instruments[locate];
    memcpy(instrument->symbol, rw_book_symbol(book, locate), RW_BOOK_SYMBOL_BYTES);
    instrument->status = 17;
    mdp3->defined[mdp3->defined_count++] = locate;
    begin(said, &draft, 54);
    write_definition(mdp3, locate, UINT32_MAX, &draft);
    end(said, &draft);
}

static void say_status(struct rw_gen_mdp3 *mdp3, const struct rw_book_event *event,
                       struct rw_gen_said *said) {
    struct rw_mdp3_draft draft;
    uint8_t status = event->state == 'T' ? 17 : event->state == 'Q' ? 21 : 2;
    mdp3->instruments[event->locate].status = status;
    begin(said, &draft, 30);
    uint8_t *root = rw_mdp3_draft_root(&draft);
    RW_MDP3_PUT(status, transact_time, root, mdp3->midnight_ns + event->event_time_ns);
    RW_MDP3_PUT(status, security_id_optional, root, SECURITY_FIRST + event->locate);
    RW_MDP3_PUT(status, security_trading_status, root, status);
    end(said, &draft);
}

static void say_trade(struct rw_gen_mdp3 *mdp3, const struct rw_book_event *event, bool alone,
                      struct rw_gen_said *said) {
    struct rw_mdp3_draft draft;
    begin_increment(mdp3, event, said, &draft, 48, alone ? LAST_TRADE | END_OF_EVENT : LAST_TRADE);
    uint8_t *entry = entry_of(&draft);
    RW_MDP3_PUT(trade_entry, md_entry_px_ex, entry, event->price * RAW);
    RW_MDP3_PUT(trade_entry, md_entry_size_short, entry, event->quantity);
    RW_MDP3_PUT(trade_entry, security_id, entry, SECURITY_FIRST + event->locate);
    RW_MDP3_PUT(trade_entry, rpt_seq, entry, ++mdp3->instruments[event->locate].number);
    RW_MDP3_PUT(trade_entry, aggressor_side, entry, event->side == RW_BOOK_ASK ? 1 : 2);
    RW_MDP3_PUT(trade_entry, md_trade_entry_optional, entry, event->match_number);
    end(said, &draft);
}

/* The levels of a side as the venue tells them. */
static struct rw_mdp3_side side_of(const struct rw_book *book, uint16_t locate,
                                   enum rw_book_side side) {
    struct rw_book_level levels[RW_MDP3_DEPTH];
    struct rw_mdp3_side told = {.bid = side == RW_BOOK_BID};
    told.count = rw_book_levels(book, locate, side, levels, RW_MDP3_DEPTH);
    for (uint32_t i = 0; i < told.count; i++)
        told.level[i] = (struct rw_mdp3_level){
            levels[i].price * RAW,
            levels[i].quantity > INT32_MAX ? INT32_MAX : (int32_t)levels[i].quantity,
            (int32_t)levels[i].orders};
    return told;
}

static uint32_t updates_of(struct rw_gen_mdp3 *mdp3, const struct rw_book *book, uint16_t locate,
                           struct rw_mdp3_update updates[2][RW_MDP3_UPDATES_MAX],
                           uint32_t counts[2]) {
    for (uint32_t side = 0; side < 2; side++) {
        struct rw_mdp3_side now = side_of(book, locate, (enum rw_book_side)side);
        counts[side] =
            rw_mdp3_updates(&mdp3->instruments[locate].side[side], &now, true, updates[side]);
    }
    return counts[0] + counts[1];
}

static void say_levels(struct rw_gen_mdp3 *mdp3, const struct rw_book_event *event,
                       struct rw_mdp3_update updates[2][RW_MDP3_UPDATES_MAX],
                       const uint32_t counts[2], struct rw_gen_said *said) {
    struct rw_mdp3_draft draft;
    begin_increment(mdp3, event, said, &draft, 46, END_OF_EVENT);
    for (uint32_t side = 0; side < 2; side++)
        for (uint32_t i = 0; i < counts[side]; i++) {
            const struct rw_mdp3_update *update = &updates[side][i];
            uint8_t *entry = entry_of(&draft);
            RW_MDP3_PUT(book_entry, md_entry_px_optional_ex, entry, update->value.price);
            RW_MDP3_PUT(book_entry, md_entry_size_short_optional, entry, update->value.quantity);
            RW_MDP3_PUT(book_entry, security_id, entry, SECURITY_FIRST + event->locate);
            RW_MDP3_PUT(book_entry, rpt_seq, entry, ++mdp3->instruments[event->locate].number);
            RW_MDP3_PUT(book_entry, number_of_orders_optional, entry, update->value.orders);
            RW_MDP3_PUT(book_entry, md_price_level, entry, update->level);
            RW_MDP3_PUT(book_entry, md_update_action, entry, update->action);
            RW_MDP3_PUT(book_entry, md_entry_type_book, entry, side ? '1' : '0');
        }
    end(said, &draft);
}

void rw_gen_mdp3_say(struct rw_gen_mdp3 *mdp3, const struct rw_book *book, const uint8_t *message,
                     const struct rw_book_event *event, struct rw_gen_said *said) {
    struct rw_mdp3_update updates[2][RW_MDP3_UPDATES_MAX];
    uint32_t counts[2], moved = 0;
    if (event->locate == 0) return;
    if (mdp3->instruments[event->locate].status == 0)
        say_definition(mdp3, book, event->locate, said);
    if (strchr("AFECXDU", message[0]))
        moved = updates_of(mdp3, book, event->locate, updates, counts);
    if (event->changed & RW_BOOK_STATUS) say_status(mdp3, event, said);
    if ((event->changed & RW_BOOK_TRADE) && event->printable)
        say_trade(mdp3, event, moved == 0, said);
    if (moved) say_levels(mdp3, event, updates, counts, said);
}

/* ---- the loop ------------------------------------------------------------------------------- */

static void write_snapshot(const struct rw_gen_mdp3 *mdp3, uint16_t locate, uint32_t sequence,
                           uint64_t time_ns, struct rw_mdp3_draft *draft) {
    const struct instrument *instrument = &mdp3->instruments[locate];
    uint8_t *root = rw_mdp3_draft_root(draft);
    RW_MDP3_PUT(snapshot, last_msg_seq_num_processed, root, sequence);
    RW_MDP3_PUT(snapshot, tot_num_reports, root, mdp3->defined_count);
    RW_MDP3_PUT(snapshot, security_id, root, SECURITY_FIRST + locate);
    RW_MDP3_PUT(snapshot, rpt_seq, root, instrument->number);
    RW_MDP3_PUT(snapshot, transact_time, root, mdp3->midnight_ns + time_ns);
    RW_MDP3_PUT(snapshot, md_security_trading_status, root, instrument->status);
    for (uint32_t side = 0; side < 2; side++)
        for (uint32_t i = 0; i < instrument->side[side].count; i++) {
            const struct rw_mdp3_level *level = &instrument->side[side].level[i];
            uint8_t *entry = entry_of(draft);
            RW_MDP3_PUT(snapshot_entry, md_entry_px_optional_ex, entry, level->price);
            RW_MDP3_PUT(snapshot_entry, md_entry_size_short_optional, entry, level->quantity);
            RW_MDP3_PUT(snapshot_entry, number_of_orders_optional, entry, level->orders);
            RW_MDP3_PUT(snapshot_entry, md_price_level_optional, entry, i + 1);
            RW_MDP3_PUT(snapshot_entry, md_entry_type, entry, side ? '1' : '0');
        }
}

size_t rw_gen_mdp3_loop(struct rw_gen_mdp3 *mdp3, uint32_t sequence, uint64_t time_ns,
                        uint8_t *payload) {
    struct rw_mdp3_draft draft;
    if (mdp3->defined_count == 0) return 0;
    if (mdp3->loop_at >= 2 * mdp3->defined_count) mdp3->loop_at = mdp3->loop_sequence = 0;
    uint16_t locate = mdp3->defined[mdp3->loop_at / 2];
    bool is_definition = mdp3->loop_at++ % 2 == 0;
    size_t used = rw_mdp3_put_header(payload, ++mdp3->loop_sequence, mdp3->midnight_ns + time_ns);
    rw_mdp3_draft_begin(&draft, payload + used, RW_GEN_MDP3_PACKET_BYTES - used,
                        is_definition ? 54 : 52);
    if (is_definition)
        write_definition(mdp3, locate, mdp3->defined_count, &draft);
    else
        write_snapshot(mdp3, locate, sequence, time_ns, &draft);
    return used + rw_mdp3_draft_end(&draft);
}
